//! `pdmsg`: explains messages by their numbers.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::messages::{self, SWITCH};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::Failure;

const PROGRAM: &str = "pdmsg";

/// Explain messages of the pd commands.
///
/// A message has a number, as in pdls: 9100-101 cannot find job 7. Of each number that is given the text is shown, with ____
/// for what differs from case to case, what it means, what the system does, and what helps. The digits after 5010- or 9100-
/// may be given alone where one message ends with them.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100)]
pub struct Arguments {
    /// Every message
    #[arg(long, conflicts_with = "numbers")]
    all: bool,
    /// Numbers of messages, as 5010-304
    #[arg(value_name = "NUMBER", required_unless_present = "all")]
    numbers: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: || {
        format!(
            "Environment:\n  {SWITCH}  no leaves the numbers out of messages, for scripts that compare whole lines\n\n\
             Exit status:\n  0  Every message was explained\n  1  There is no message of a number\n  2  The command line is wrong\n"
        )
    },
    names: Names::SETS_NONE,
    settings: &[],
    act: explain,
};

/// Runs `pdmsg` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn explain(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let (mut exit, mut found, mut failures) = (Exit::Done, Vec::new(), Vec::new());
    if line.matches.get_flag("all") {
        found.extend(messages::all());
    }
    for word in line.matches.get_many::<OsString>("numbers").into_iter().flatten() {
        let word = word.to_string_lossy();
        match messages::find(word.trim()) {
            Some(message) => found.push(message),
            None => failures.push(
                Failure::not_found(format!("message {}", escaped(&word))).hint("pdmsg --all   shows every message"),
            ),
        }
    }
    for (n, message) in found.into_iter().enumerate() {
        let between = if n == 0 { "" } else { "\n" };
        writeln!(
            shell.out,
            "{between}{} {}\n\nEXPLANATION: {}.\n\nSYSTEM ACTION: {}.\n\nRESPONSE: {}.",
            message.number,
            message.text,
            sentence(&message.explanation),
            sentence(message.action),
            sentence(message.response)
        )?;
    }
    for failure in &failures {
        exit = exit.max(shell.report(PROGRAM, failure));
    }
    Ok(exit)
}

/// The text with a capital letter, as a sentence begins.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) if text.split(' ').next().is_some_and(|word| word.chars().all(char::is_lowercase)) => {
            first.to_uppercase().chain(rest).collect()
        }
        _ => text.to_owned(),
    }
}
