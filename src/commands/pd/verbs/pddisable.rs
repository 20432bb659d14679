//! `pddisable`: disables destinations, so that they take no jobs.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::ActingArguments;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::request;
use crate::commands::pd::runner::Verb;
use crate::commands::pd::{Exit, Shell};

const PROGRAM: &str = "pddisable";

/// Disable destinations, so that they take no jobs.
///
/// A logical destination takes none from users, an actual one none from its queue; a job that it has is printed to its end.
/// With -c queue the logical destinations of a queue are disabled, with -c server all destinations of the server. What waits
/// in a queue stays there. One that is disabled already stays so.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    acting: ActingArguments,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::ACTS_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message],
    act: |line, shell| request::enable(line, shell, false),
};

/// Runs `pddisable` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
