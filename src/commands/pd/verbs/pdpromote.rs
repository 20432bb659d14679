//! `pdpromote`: puts one waiting job at the head of its queue.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::options::Setting;
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::runner::Verb;
use crate::commands::pd::{Exit, Shell};

const PROGRAM: &str = "pdpromote";

/// Put one waiting job before all others of its queue, whatever their priority.
///
/// A later promotion goes before an earlier one. Jobs that are printing are not disturbed.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// The job: local id, ten digits, or server:digits
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = each_job::verb(PROGRAM, Arguments::command, help::acting, &[Setting::Message], |line, shell| {
    each_job::run(Action::Promote, line, shell, None)
});

/// Runs `pdpromote` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
