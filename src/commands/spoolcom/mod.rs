//! `spoolcom`: the NonStop operator's language.
//!
//! An invocation has two steps. First its words become statements ([`language`], `statement`); a mistake is shown in
//! its place, and then nothing is changed. After that the statements are executed one after the other, each up to its
//! first subcommand that fails. In a command file (`--in`) each command is such a unit: a mistake is shown, and the next
//! command is read. A file of which nothing was carried out ends with 2, like a command line; one of which some commands
//! ran ends with 1.
//!
//! `/ IN file, OUT file /` may stand before everything else, as on a NonStop system.
//!
//! Without a command, `spoolcom` reads standard input: at a terminal with the prompt (`prompt`), else like a command
//! file.
//!
//! Success is silent. Displays go to the output, messages and hints to standard error; hints that nobody asked for go
//! there only when it is a terminal. The exit status is the worst of all statuses.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod displays;
pub(crate) mod dump_config;
pub(crate) mod from_cups;
pub mod language;
pub(crate) mod output;
pub(crate) mod prompt;
pub(crate) mod runner;
pub(crate) mod session;
pub(crate) mod spoolers;
pub(crate) mod statement;
mod unhinted;
pub mod verbs;

#[cfg(test)]
mod collect_tests;
#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction};
use jiff::tz::TimeZone;

use super::completing;
use super::health::Form;
use super::shell::{Exit, Opener, Shell};
use crate::model::{Failure, FailureKind, printable};
use crate::supervise::{Keeper, usual_base};
use crate::sys::{files, interrupt, pipe};

use displays::SUPERVISOR;
use language::continuation::Whole;
use language::messages::{Message, Subject};
use language::out_name::OutName;
use language::report::{print_failure, refuse, usage};
use language::run_options::RunOptions;
use language::syntax::Parser;
use language::words;
use output::{Messages, Output};
use runner::Runner;
use session::{Current, Session, Stoppable};
use spoolers::Find;
use statement::{Currents, Statement, without_fc};
use unhinted::Unhinted;
use verbs::open::Supervisor;
use verbs::operands::Source;
use verbs::watch;

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
With --check: 0 every command is carried out, 1 some are not.
Exit status: 0 all done, 1 something failed or was not found (of a file: or some commands of it were mistaken),
2 usage error, nothing was carried out, 3 the spool cannot be reached.";

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
        .arg(value("spooler", "SPOOL", "Use this spool: its base directory, or $NAME of a file of spoolers"))
        .arg(switch("json", "Displays are JSON"))
        .arg(switch(
            "foreground",
            "SPOOLER, START stays and keeps the print processes as its children until SIGTERM; for systemd, containers and cron",
        ))
        .arg(
            switch("dump-config", "Write the configuration of the spool as a command file that makes it in an empty one")
                .conflicts_with_all(["in", "json", "foreground"]),
        )
        .arg(
            value(
                "check",
                "FILE",
                "Say of each command of a site's command file, or entry of its FASTCNFG file, whether it runs here; without a spool; - is standard input",
            )
            .conflicts_with_all(["in", "spooler", "foreground", "dump-config", "no-wait", "wait"]),
        )
        .arg(
            value(
                "from-cups",
                "DIR",
                "Write the command file that recreates the raw queues of the CUPS configuration in DIR, and what it cannot carry over",
            )
            .conflicts_with_all(["in", "spooler", "json", "foreground", "dump-config", "check", "no-wait", "wait"]),
        )
        .arg(
            value("queues", "NAMES", "With --from-cups: only these queues, separated by commas; * stands for anything")
                .requires("from-cups"),
        )
        .arg(
            switch("nagios", "CHECK answers as a Nagios plug-in does: one line; 0 OK, 1 warning, 2 critical, 3 unknown")
                .conflicts_with_all(["json", "metrics"]),
        )
        .arg(switch("metrics", "CHECK answers with Prometheus text").conflicts_with("json"))
        .arg(value("since", "TIME", "LOG shows what happened since then: 14:30, 2026-11-21 14:30, CRASH"))
        .arg(switch("undo", "LOG shows the commands that undo what was changed").conflicts_with_all(["json", "follow"]))
        .arg(switch("follow", "LOG goes on as more happens, until Ctrl-C; also DEV x, LOG and JOB n, LOG"))
        .arg(switch("test-page", "ADD prints a page that says what it is, like its word TEST"))
        .arg(switch("no-wait", "DEV, DRAIN does not wait until the device is offline").conflicts_with("wait"))
        .arg(
            value("wait", "SECONDS", "DEV, DRAIN gives up when nothing has moved for so long; 60 if not given")
                .value_parser(clap::value_parser!(u32)),
        );
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

/// The variable that has hints written where standard error is no terminal: `always`.
const HINTS: &str = "PD_HINTS";

/// Runs `spoolcom` as a process of its own: hints go to a terminal only.
pub fn run_process(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let always = (shell.env)(HINTS).is_some_and(|word| word.eq_ignore_ascii_case("always"));
    if shell.err_is_terminal || always {
        return run(words, shell);
    }
    let mut err = Unhinted::new(&mut *shell.err);
    let mut shell = Shell {
        out: &mut *shell.out,
        err: &mut err,
        input: &mut *shell.input,
        out_is_terminal: shell.out_is_terminal,
        err_is_terminal: shell.err_is_terminal,
        input_is_terminal: shell.input_is_terminal,
        terminal: shell.terminal,
        env: shell.env,
        cwd: shell.cwd.clone(),
        now_ms: shell.now_ms,
        open: &mut *shell.open,
    };
    run(words, &mut shell)
}

/// Runs `spoolcom` with `words`, the arguments after the program's name.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    if completing::is_asked(words) {
        return completing::answer(words, shell, &mut completion::find);
    }
    let split = words::split(words);
    let arguments = std::iter::once(OsString::from("spoolcom")).chain(split.options);
    // The words of the commands were taken out before, so a hyphen that is left is an unknown option.
    let options = definition().mut_arg("command", |words| words.trailing_var_arg(false).allow_hyphen_values(false));
    let options = match options.try_get_matches_from(arguments) {
        Ok(options) => options,
        Err(error) => return by_clap(&error, shell),
    };
    let option = |name: &str| options.get_one::<String>(name).cloned();
    let empty = ["in", "out", "spooler", "check", "from-cups", "queues", "since"]
        .into_iter()
        .find(|name| option(name).is_some_and(|value| value.trim().is_empty()));
    if let Some(name) = empty {
        return usage(
            shell.err,
            Message::Syntax,
            &format!("--{name} has an empty value: was a variable not set?"),
            &[],
        );
    }
    let words = match read_words(&split.words, shell.err) {
        Ok(words) => words,
        Err(exit) => return exit,
    };
    if let Some(file) = option("check") {
        if words.statements.is_some() || words.supervisor.is_some() || words.options != RunOptions::default() {
            let what = "--check stands alone: it carries out no command";
            return usage(shell.err, Message::Syntax, what, &[]);
        }
        return check::run(&file, options.get_flag("json"), option("out").as_deref(), shell);
    }
    if let Some(dir) = option("from-cups") {
        if words.statements.is_some() || words.supervisor.is_some() || words.options != RunOptions::default() {
            let what = "--from-cups stands alone: it writes commands and carries out none";
            return usage(shell.err, Message::Syntax, what, &[]);
        }
        return from_cups::run(&dir, option("queues").as_deref(), option("out").as_deref(), shell);
    }
    let env = shell.env;
    let find = move |name: &str| spoolers::find(name, env);
    let given = option("spooler");
    let named = given.as_deref().filter(|name| name.starts_with(['$', '\\'])).map(Supervisor::read);
    let usual = match &named {
        Some(supervisor) => match place_of(supervisor, None, &find, shell.err) {
            Ok(place) => place,
            Err(exit) => return exit,
        },
        None => given,
    };
    let chosen = match &words.supervisor {
        None => usual.clone(),
        Some(supervisor) => match place_of(supervisor, usual.as_deref(), &find, shell.err) {
            Ok(place) => place,
            Err(exit) => return exit,
        },
    };
    for (name, here) in [("in", &words.options.input), ("out", &words.options.output)] {
        if here.is_some() && option(name).is_some() {
            let what = format!("--{name} and / {} … / say the same twice", name.to_uppercase());
            return usage(shell.err, Message::Syntax, &what, &[]);
        }
    }
    for ignored in &words.options.ignored {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(shell.err, "WARNING: {ignored} HAS NO EFFECT HERE: it is about a process of another system");
    }
    let (input, output) = (option("in").or(words.options.input), option("out").or(words.options.output));
    let output = match output.map(|name| OutName::read(&name)).transpose() {
        Ok(output) => output,
        Err(why) => return usage(shell.err, Message::FileError, &format!("OUT: {why}"), &[]),
    };
    let from = match (input, words.statements) {
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
        (Some(name), None) => From::File(name),
    };
    if let From::Words(statements) = &from
        && statements.contains(&Statement::Watch)
    {
        let switches = ["json", "foreground", "dump-config", "nagios", "metrics", "undo", "follow", "test-page"];
        if statements.len() > 1
            || output.is_some()
            || option("since").is_some()
            || switches.into_iter().any(|name| options.get_flag(name))
        {
            return usage(shell.err, Message::Syntax, watch::ALONE, &["spoolcom WATCH"]);
        }
        let at_terminal = shell.out_is_terminal && shell.input_is_terminal;
        return watch::start(chosen.as_deref(), at_terminal, shell.err);
    }
    let dumps = options.get_flag("dump-config");
    if dumps && matches!(from, From::Words(_)) {
        let what = "--dump-config stands alone: it writes commands and carries out none";
        return usage(shell.err, Message::Syntax, what, &[]);
    }
    let foreground = options.get_flag("foreground");
    if foreground && !matches!(&from, From::Words(statements) if statements.iter().any(Statement::starts_spooler)) {
        let what = "--foreground goes with SPOOLER, START on the command line";
        return usage(shell.err, Message::Syntax, what, &["spoolcom --foreground 'SPOOLER, START'"]);
    }
    // Before the command itself: what it wakes is started by the keeper already.
    let kept = || Keeper::begin(&usual_base(chosen.as_deref(), shell.env, &shell.cwd)?);
    let keeper = match foreground.then(kept).transpose() {
        Ok(keeper) => keeper,
        Err(failure) => {
            print_failure(shell.err, "", &failure, &Subject::Spooler);
            return Exit::of(&failure);
        }
    };
    let at_prompt = matches!(from, From::Prompt) && !dumps;
    let interrupted: fn() -> bool = if at_prompt { interrupt::pending } else { || false };
    let patience =
        options.get_one::<u32>("wait").copied().map_or(PATIENCE, |seconds| Duration::from_secs(seconds.into()));
    let form = match (options.get_flag("nagios"), options.get_flag("metrics")) {
        (true, _) => Form::Nagios,
        (_, true) => Form::Metrics,
        _ => Form::Lines,
    };
    if form != Form::Lines
        && !matches!(&from, From::Words(statements) if matches!(statements.as_slice(), [Statement::Check(None)]))
    {
        let what = "--nagios and --metrics go with CHECK alone";
        return usage(shell.err, Message::Syntax, what, &["spoolcom --nagios CHECK"]);
    }
    let test_page = options.get_flag("test-page");
    if test_page
        && !matches!(&from, From::Words(statements) if statements.iter().any(|one| matches!(one, Statement::Add(_))))
    {
        let what = "--test-page goes with ADD";
        return usage(
            shell.err,
            Message::Syntax,
            what,
            &["spoolcom --test-page 'ADD LP1, URI socket://10.0.0.9:9100'"],
        );
    }
    let (since, undo, follow) = (option("since"), options.get_flag("undo"), options.get_flag("follow"));
    let all_log = |test: fn(&Statement) -> bool| matches!(&from, From::Words(statements) if matches!(statements.as_slice(), [one] if test(one)));
    if (since.is_some() || undo) && !all_log(|one| matches!(one, Statement::Log(_))) {
        let what = "--since and --undo go with LOG alone";
        return usage(shell.err, Message::Syntax, what, &["spoolcom LOG --since 14:30"]);
    }
    if follow && !all_log(Statement::shows_log) {
        let what = "--follow goes with one LOG alone";
        return usage(shell.err, Message::Syntax, what, &["spoolcom LOG --follow", "spoolcom 'DEV LP1, LOG' --follow"]);
    }
    let settings = Settings {
        since,
        undo,
        follow,
        test_page,
        cwd: shell.cwd.clone(),
        now_ms: shell.now_ms,
        zone: crate::sys::clock::zone((shell.env)("TZ")),
        json: options.get_flag("json"),
        form,
        wait: !options.get_flag("no-wait"),
        patience,
        interrupted,
        usual,
        chosen,
        supervisor: words.supervisor.or(named),
        find: &find,
    };
    // What is needed before the first command: the files that the commands come from and go to. A name of another system
    // is found by way of the spool.
    let mut nowhere = std::io::sink();
    let mut before = settings.runner(&mut nowhere, shell.err, shell.err_is_terminal, shell.open);
    let mut source = None;
    let from = match from {
        From::File(name) => match before.input(&name).and_then(|path| read_in(&name, &path)) {
            Ok(file) => {
                source = file.try_clone().ok();
                From::Lines(Box::new(BufReader::new(file)))
            }
            Err(failure) => {
                usage(shell.err, Message::FileError, &failure.message, &[]);
                return unopened(&failure);
            }
        },
        from => from,
    };
    let mut output = match output.map(|name| before.output(&name)).transpose() {
        Ok(output) => output.unwrap_or(Output::Standard),
        Err(cannot) => {
            print_failure(shell.err, "", &cannot.failure, &cannot.subject);
            return unopened(&cannot.failure);
        }
    };
    // What it says would be read as commands, without an end.
    if let Output::File(file) = &output
        && is_same_file(source.as_ref(), file)
    {
        return usage(shell.err, Message::FileError, SAME_FILE, &[]);
    }
    drop(before);
    let mut messages = Messages::new(shell.err, &output);
    let exit = {
        let mut stoppable = Stoppable::new(output.stream(shell.out), interrupted);
        let out: &mut dyn Write = if at_prompt { &mut stoppable } else { stoppable.inner() };
        let mut runner = settings.runner(out, &mut messages, shell.err_is_terminal, shell.open);
        match from {
            _ if dumps => {
                let exit = runner.dump_config();
                runner.finish(exit)
            }
            From::Words(statements) => {
                let exit = runner.once(statements);
                runner.finish(exit)
            }
            From::Lines(input) => {
                let has_more = || match &source {
                    Some(file) => pipe::has_more(file),
                    None => pipe::has_more(std::io::stdin()),
                };
                let exit = runner.file(input, &has_more);
                runner.finish(exit)
            }
            From::Prompt => prompt::at_terminal(runner, shell.env, shell.out_is_terminal),
            From::File(_) => Exit::Usage,
        }
    };
    // A monitor reads this line, and nothing else.
    if exit == Exit::Unreachable {
        let line = match form {
            Form::Nagios => "SPOOL UNKNOWN - the spool cannot be reached\n",
            Form::Metrics => {
                "# HELP spool_up Whether the spool could be looked at.\n# TYPE spool_up gauge\nspool_up 0\n"
            }
            Form::Lines | Form::Json => "",
        };
        if shell.out.write_all(line.as_bytes()).and_then(|()| shell.out.flush()).is_err() {
            return exit;
        }
    }
    if let Some(keeper) = keeper
        && exit == Exit::Done
    {
        return stay(keeper, shell.err);
    }
    if matches!(output, Output::Job(..)) {
        return exit
            .max(settings.runner(&mut nowhere, shell.err, shell.err_is_terminal, shell.open).end_output(output));
    }
    exit
}

/// Returns the status after an IN or OUT file that cannot be opened: a name that is wrong is a mistake of the command line,
/// a file that is missing is not.
fn unopened(failure: &Failure) -> Exit {
    match failure.kind {
        FailureKind::Unreachable => Exit::Unreachable,
        FailureKind::BadValue => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Keeps the print processes until a signal ends that.
fn stay(keeper: Keeper, err: &mut dyn Write) -> Exit {
    let kept = keeper.keep(&mut |line| {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(err, "spoolcom: {}", printable::escaped(line));
    });
    match kept {
        Ok(()) => Exit::Done,
        Err(failure) => {
            print_failure(err, "", &failure, &Subject::Spooler);
            Exit::of(&failure)
        }
    }
}

/// Where the commands come from.
enum From<'a> {
    /// The command line.
    Words(Vec<Statement>),
    /// A command file of that name.
    File(String),
    /// An open command file, or standard input.
    Lines(Box<dyn BufRead + 'a>),
    /// A person at a terminal.
    Prompt,
}

/// How long DRAIN waits while nothing moves, where nobody says.
const PATIENCE: Duration = Duration::from_secs(60);

/// What holds for the whole invocation.
struct Settings<'e> {
    since: Option<String>,
    undo: bool,
    follow: bool,
    cwd: PathBuf,
    now_ms: i64,
    zone: TimeZone,
    json: bool,
    form: Form,
    test_page: bool,
    wait: bool,
    patience: Duration,
    interrupted: fn() -> bool,
    /// The spooler that `$SPLS` is; none is the usual one.
    usual: Option<String>,
    /// The spooler to begin with.
    chosen: Option<String>,
    /// Its name, if somebody typed one.
    supervisor: Option<Supervisor>,
    find: &'e Find<'e>,
}

impl Settings<'_> {
    /// Makes a runner with these streams.
    fn runner<'a, 'o>(
        &'a self,
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        err_is_terminal: bool,
        open: &'a mut Opener<'o>,
    ) -> Runner<'a, 'o> {
        let session = Session {
            spool: None,
            out,
            err,
            err_is_terminal,
            cwd: self.cwd.clone(),
            now_ms: self.now_ms,
            zone: self.zone.clone(),
            json: self.json,
            form: self.form,
            since: self.since.clone(),
            undo: self.undo,
            follow: self.follow,
            test_page: self.test_page,
            wait: self.wait,
            patience: self.patience,
            from_shell: false,
            interrupted: self.interrupted,
            broken: false,
            gathers: false,
            declared: false,
            output_failed: false,
            current: Current::default(),
            supervisor: self.supervisor.as_ref().map_or_else(|| SUPERVISOR.to_owned(), Supervisor::shown),
        };
        let mut runner = Runner::new(session, open, self.usual.clone(), self.find);
        runner.begin_at(self.chosen.clone(), self.supervisor.as_ref().and_then(|supervisor| supervisor.node.clone()));
        runner
    }
}

/// What is said when output would go into the file that is read.
const SAME_FILE: &str = "the IN file and the OUT file are the same";

/// Tells whether two open files are one regular file; a terminal may well be both IN and OUT.
fn is_same_file(one: Option<&File>, other: &File) -> bool {
    let regular = |file: &File| {
        file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        files::identity(file).ok()
    };
    one.and_then(regular).zip(regular(other)).is_some_and(|(one, other)| one.same_file(&other))
}

fn read_in(name: &str, path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| {
        Failure::new(
            FailureKind::Io,
            format!("cannot read IN file '{}': {error}", crate::model::printable::escaped(name)),
        )
    })
}

/// What the words of a command line say.
#[derive(Default)]
struct Words {
    options: RunOptions,
    /// The supervisor.
    supervisor: Option<Supervisor>,
    /// The statements; none when there is at most a supervisor.
    statements: Option<Vec<Statement>>,
}

/// Reads the words of the command line.
fn read_words(words: &[OsString], err: &mut dyn Write) -> Result<Words, Exit> {
    let mut read = Words::default();
    if words.is_empty() {
        return Ok(read);
    }
    let text = words::join(words).map_err(|why| usage(err, Message::Syntax, &why, &[]))?;
    let strict = words.len() > 1;
    // A line break separates commands in one quoted string. Among several words it can only come from a variable, so
    // it is refused.
    let lines = if strict { vec![(1, text.clone())] } else { whole_lines(&text) };
    let mut statements = Vec::new();
    let mut only_supervisor = false;
    let mut current = Currents::default();
    for (n, line) in &lines {
        let number = (!strict && text.lines().count() > 1).then_some(*n);
        let mut parser = Parser::new(line, strict);
        if *n == 1 {
            read.options = parser.run_options().map_err(|mistake| refuse(err, number, line, &mistake))?;
            let supervisor = parser.supervisor().map_err(|mistake| refuse(err, number, line, &mistake))?;
            only_supervisor = supervisor.is_some() || read.options != RunOptions::default();
            read.supervisor = supervisor.map(|supervisor| Supervisor::read(&supervisor.value));
        }
        let commands = parser.commands().map_err(|mistake| refuse(err, number, line, &mistake))?;
        only_supervisor &= commands.is_empty();
        for command in &commands {
            let source = Source { line, number, current };
            let meant = Statement::of(command, &source).and_then(without_fc);
            current.add(command);
            statements.push(meant.map_err(|mistake| refuse(err, number, line, &mistake))?);
        }
    }
    read.statements = (!only_supervisor).then_some(statements);
    Ok(read)
}

/// Returns the lines of a quoted string, each with the number of its first one: a line may go on with the next one.
fn whole_lines(text: &str) -> Vec<(usize, String)> {
    let (mut lines, mut whole, mut first) = (Vec::new(), Whole::default(), 1);
    for (at, line) in text.lines().enumerate() {
        if !whole.is_begun() {
            first = at + 1;
        }
        lines.extend(whole.add(line).map(|line| (first, line)));
    }
    lines.extend(whole.end().map(|line| (first, line)));
    lines
}

/// Finds where the supervisor of a command line is.
fn place_of(
    supervisor: &Supervisor,
    usual: Option<&str>,
    find: &Find<'_>,
    err: &mut dyn Write,
) -> Result<Option<String>, Exit> {
    let mut failure = match supervisor.place(usual, find) {
        Ok(Some(place)) => return Ok(place),
        Ok(None) => supervisor.unknown(),
        Err(failure) => failure,
    };
    failure.hints.push(
        "--spooler names another one; a word that begins with $ or \\ is a supervisor only where a command is expected"
            .into(),
    );
    print_failure(err, "", &failure, &Subject::Spooler);
    Err(Exit::Unreachable)
}

/// Prints help, the version, or why clap refuses an option.
fn by_clap(error: &clap::Error, shell: &mut Shell<'_>) -> Exit {
    let text = error.render().to_string();
    if error.use_stderr() {
        let _ = shell.err.write_all(printable::escaped_lines(&text).as_bytes());
        return Exit::Usage;
    }
    match shell.out.write_all(text.as_bytes()).and_then(|()| shell.out.flush()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}
