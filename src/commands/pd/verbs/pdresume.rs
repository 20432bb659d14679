//! `pdresume`: resumes paused jobs. In this version it resumes jobs only; `spoolcom` starts a destination.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{ClassFlag, CommandAttributes, JobArguments, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::options::Setting;
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::runner::Verb;
use crate::commands::pd::{Exit, Shell};

const PROGRAM: &str = "pdresume";

/// Resume paused jobs (-c job), each at the place it had.
///
/// A job that is held as well stays held: a paused job goes back to what holds it.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ClassFlag,
    #[command(flatten)]
    message: MessageFlag,
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
    &[Setting::OperationClass, Setting::Message],
    |line, shell| each_job::run(Action::Resume, line, shell, None),
);

/// Runs `pdresume` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
