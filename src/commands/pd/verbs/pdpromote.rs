//! `pdpromote`: puts one waiting job at the head of its queue.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job::JobActionRequest;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdpromote";

/// Put one waiting job before all others of its queue, whatever their priority.
///
/// A later promotion goes before an earlier one. Jobs that are printing are not disturbed.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = help::acting())]
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
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    names: Names::SETS_NONE,
    settings: &[Setting::Message],
    act: promote,
};

/// Runs `pdpromote` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn promote(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let request = JobActionRequest::of(Action::Promote, std::mem::take(&mut line.items), PROGRAM)?;
    if request.count() != 1 {
        return Err(Stop::usage("one job is promoted at a time")
            .hint("the last one promoted stands first: promote several in reverse order"));
    }
    let mut spool = line.open(shell, Intent::Write)?;
    Ok(request.apply(spool.as_mut(), shell, PROGRAM))
}
