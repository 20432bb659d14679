//! `pdpause`: pauses jobs. In this version it pauses jobs only; `spoolcom` drains a destination.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{ClassFlag, CommandAttributes, JobArguments, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::Setting;
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::runner::Verb;
use crate::commands::pd::{Exit, Shell};

const PROGRAM: &str = "pdpause";

/// Pause jobs (-c job): they keep their place and wait until they are resumed.
///
/// A job that is printing stops at once and its device goes on with the next one; the part of it that was sent may print,
/// which is said. Resumed, it is printed again from its
/// beginning, and announced as a possible duplicate where pages may be on paper.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ClassFlag,
    #[command(flatten)]
    message: MessageFlag,
    /// When a printing job stops: now; after-current-copy is not available in this version
    #[arg(short = 'w', value_name = "WHEN", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["now"]), hide_possible_values = true)]
    when: Vec<OsString>,
    #[command(flatten)]
    attributes: CommandAttributes,
    #[command(flatten)]
    jobs: JobArguments,
}

/// Its row among the commands.
pub const VERB: Verb = each_job::verb(
    PROGRAM,
    Arguments::command,
    help::acting,
    &[Setting::OperationClass, Setting::Message, Setting::When],
    |line, shell| each_job::run(Action::Pause, line, shell, None),
);

/// Runs `pdpause` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
