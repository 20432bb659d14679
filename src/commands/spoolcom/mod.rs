//! `spoolcom`: the NonStop operator's language.
//!
//! An invocation has two steps. First its words become statements ([`language`], `statement`); a mistake is shown in
//! its place, and then nothing is changed. After that the statements are executed one after the other, each up to its
//! first subcommand that fails. In a command file (`--in`) each line is such a unit: a mistake is shown, and the next
//! line is read.
//!
//! Without a command, `spoolcom` reads standard input: at a terminal with the prompt (`prompt`), else like a command
//! file.
//!
//! Success is silent. Displays go to the output, messages and hints to standard error; hints that nobody asked for go
//! there only when it is a terminal. The exit status is the worst of all statuses.

pub(crate) mod displays;
pub mod language;
pub(crate) mod prompt;
pub(crate) mod runner;
pub(crate) mod session;
pub(crate) mod statement;
pub mod verbs;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};

use clap::{Arg, ArgAction};

use super::shell::{Exit, Shell};
use crate::model::{Failure, FailureKind};
use crate::sys::interrupt;

use language::messages::{Message, Subject};
use language::mistake::Mistake;
use language::report::{print_failure, refuse, usage};
use language::syntax::Parser;
use language::values::Spanned;
use language::words;
use runner::Runner;
use session::{Session, Stoppable, open_out};
use statement::{Statement, without_fc};
use verbs::operands::Source;

const EXAMPLES: &str = "\
Examples:
  spoolcom 'PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI file:///tmp/lp1.out'
  spoolcom 'LOC #OFFICE.FRONT, DEV $LP1; SPOOLER, START'
  spoolcom DEV lp1
  spoolcom JOB --state print --owner ann, HOLD
  spoolcom HELP DEV
  spoolcom                          the prompt, at a terminal: line editing, history, completion
  spoolcom < commands.txt           reads them like --in

Between single quotes a shell leaves $ # ; ! ( ) alone; outside of them $ and # may be left out.
Exit status: 0 all done, 1 something failed or was not found, 2 usage error, 3 the spool cannot be reached.";

/// Defines the options of the command line. `language::syntax` reads the commands themselves.
pub fn definition() -> clap::Command {
    let value = |name: &'static str, what: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(what).help(help).action(ArgAction::Set)
    };
    let switch =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help).action(ArgAction::SetTrue);
    let mut command = clap::Command::new("spoolcom")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Declare, start, drain and look at devices, locations, jobs and print processes")
        .after_help(EXAMPLES)
        .arg(value("in", "FILE", "Read commands from FILE, one line after the other; - is standard input"))
        .arg(value("out", "FILE", "Add displays to FILE instead of standard output"))
        .arg(value("spooler", "SPOOL", "Use this spool: its base directory"))
        .arg(switch("json", "Displays are JSON"))
        .arg(switch("no-wait", "DEV, DRAIN does not wait until the device is offline"));
    for (option, key, help) in words::QUALIFIERS {
        let name = option.trim_start_matches('-');
        command = command.arg(value(name, key.word(), help).help_heading("After JOB"));
    }
    command.arg(
        Arg::new("command")
            .value_name("COMMAND")
            .help("Commands, separated by ;  (HELP lists them)")
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true),
    )
}

/// Runs `spoolcom` with `words`, the arguments after the program's name.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let split = words::split(words);
    let arguments = std::iter::once(OsString::from("spoolcom")).chain(split.options);
    // The words of the commands were taken out before, so a hyphen that is left is an unknown option.
    let options = definition().mut_arg("command", |words| words.trailing_var_arg(false).allow_hyphen_values(false));
    let options = match options.try_get_matches_from(arguments) {
        Ok(options) => options,
        Err(error) => return by_clap(&error, shell),
    };
    let option = |name: &str| options.get_one::<String>(name).cloned();
    let empty =
        ["in", "out", "spooler"].into_iter().find(|name| option(name).is_some_and(|value| value.trim().is_empty()));
    if let Some(name) = empty {
        return usage(
            shell.err,
            Message::Syntax,
            &format!("--{name} has an empty value: was a variable not set?"),
            &[],
        );
    }
    let statements = match read_words(&split.words, shell.err) {
        Ok(statements) => statements,
        Err(exit) => return exit,
    };
    let from = match (option("in"), statements) {
        (None, Some(statements)) => From::Words(statements),
        (None, None) if shell.input_is_terminal => From::Prompt,
        (None, None) => From::Lines(Box::new(&mut *shell.input)),
        (Some(_), Some(_)) => {
            return usage(
                shell.err,
                Message::Syntax,
                "commands come from the command line or from --in FILE, not from both",
                &[],
            );
        }
        (Some(name), None) if name == "-" => From::Lines(Box::new(&mut *shell.input)),
        (Some(name), None) => match File::open(shell.cwd.join(&name)) {
            Ok(file) => From::Lines(Box::new(BufReader::new(file))),
            Err(error) => {
                let why = format!("cannot read IN file '{}': {error}", crate::model::shown(&name));
                usage(shell.err, Message::FileError, &why, &[]);
                return Exit::Failed;
            }
        },
    };
    let mut file = match option("out").map(|name| open_out(&shell.cwd.join(name))) {
        None => None,
        Some(Ok(file)) => Some(file),
        Some(Err(failure)) => {
            usage(shell.err, Message::FileError, &failure.message, &[]);
            return Exit::Failed;
        }
    };
    let out: &mut dyn Write = match &mut file {
        Some(file) => file,
        None => shell.out,
    };
    let at_prompt = matches!(from, From::Prompt);
    let interrupted: fn() -> bool = if at_prompt { interrupt::pending } else { || false };
    let mut stoppable = Stoppable::new(out, interrupted);
    let session = Session {
        spool: None,
        out: if at_prompt { &mut stoppable } else { stoppable.inner() },
        err: shell.err,
        err_is_terminal: shell.err_is_terminal,
        cwd: shell.cwd.clone(),
        now_ms: shell.now_ms,
        zone: crate::sys::clock::zone((shell.env)("TZ")),
        json: options.get_flag("json"),
        wait: !options.get_flag("no-wait"),
        from_shell: false,
        interrupted,
        broken: false,
        output_failed: false,
    };
    let mut runner = Runner::new(session, shell.open, option("spooler"));
    match from {
        From::Words(statements) => {
            let exit = runner.once(&statements);
            runner.finish(exit)
        }
        From::Lines(input) => {
            let exit = runner.file(input);
            runner.finish(exit)
        }
        From::Prompt => prompt::at_terminal(runner, shell.env, shell.out_is_terminal),
    }
}

/// Where the commands come from.
enum From<'a> {
    /// The command line.
    Words(Vec<Statement>),
    /// A command file, or standard input.
    Lines(Box<dyn BufRead + 'a>),
    /// A person at a terminal.
    Prompt,
}

/// Reads the statements of the command line; none when it names at most a supervisor.
fn read_words(words: &[OsString], err: &mut dyn Write) -> Result<Option<Vec<Statement>>, Exit> {
    if words.is_empty() {
        return Ok(None);
    }
    let text = words::join(words).map_err(|why| usage(err, Message::Syntax, &why, &[]))?;
    let strict = words.len() > 1;
    // A line break separates commands in one quoted string. Among several words it can only come from a variable, so
    // it is refused.
    let lines: Vec<&str> = if strict { vec![&text] } else { text.lines().collect() };
    let mut statements = Vec::new();
    let mut only_supervisor = false;
    for (n, line) in lines.iter().enumerate() {
        let number = (lines.len() > 1).then_some(n + 1);
        let mut parser = Parser::new(line, strict).map_err(|mistake| refuse(err, number, line, &mistake))?;
        if n == 0 {
            let supervisor = parser.supervisor().map_err(|mistake| refuse(err, number, line, &mistake))?;
            only_supervisor = supervisor.is_some();
            if let Some(supervisor) = supervisor {
                check_supervisor(&supervisor, err)?;
            }
        }
        let commands = parser.commands().map_err(|mistake| refuse(err, number, line, &mistake))?;
        only_supervisor &= commands.is_empty();
        let source = Source { line, number };
        let meant =
            commands.iter().map(|command| Statement::of(command, &source)).collect::<Result<Vec<Statement>, Mistake>>();
        statements.extend(meant.and_then(without_fc).map_err(|mistake| refuse(err, number, line, &mistake))?);
    }
    Ok((!only_supervisor).then_some(statements))
}

fn check_supervisor(name: &Spanned<String>, err: &mut dyn Write) -> Result<(), Exit> {
    if name.value.eq_ignore_ascii_case(displays::SUPERVISOR) {
        return Ok(());
    }
    let what = format!("no spooler is called {}; yours is {}", crate::model::shown(&name.value), displays::SUPERVISOR);
    let failure = Failure::new(FailureKind::Unreachable, what).hint(
        "--spooler names another one; a word that begins with $ or \\ is a supervisor only where a command is expected",
    );
    print_failure(err, "", &failure, &Subject::Spooler);
    Err(Exit::Unreachable)
}

/// Prints help, the version, or why clap refuses an option.
fn by_clap(error: &clap::Error, shell: &mut Shell<'_>) -> Exit {
    let text = error.render().to_string();
    if error.use_stderr() {
        let _ = shell.err.write_all(text.as_bytes());
        return Exit::Usage;
    }
    match shell.out.write_all(text.as_bytes()).and_then(|()| shell.out.flush()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}
