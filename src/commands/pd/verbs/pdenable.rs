//! `pdenable`: enables destinations, so that they take jobs.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::ActingArguments;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::request;
use crate::commands::pd::runner::Verb;
use crate::commands::pd::{Exit, Shell};

const PROGRAM: &str = "pdenable";

/// Enable destinations, so that they take jobs.
///
/// A logical destination takes jobs from users, an actual one takes them from its queue. With -c queue the logical
/// destinations of a queue are enabled, with -c server all destinations of the server. One that is enabled already stays so.
/// A printer that was stopped by an error is tried again.
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
    act: |line, shell| request::enable(line, shell, true),
};

/// Runs `pdenable` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
