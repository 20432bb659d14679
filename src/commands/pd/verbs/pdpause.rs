//! `pdpause`: pauses jobs. In this version jobs only; a destination is drained with `spoolcom`.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{ClassFlag, CommandAttributes, JobArguments, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_class;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job::JobActionRequest;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdpause";

/// Pause jobs (-c job): they keep their place and wait until they are resumed.
///
/// A job that is printing stops at once and its device goes on with the next one; the part of it that was sent may print,
/// which is said. Resumed, it is printed again from its
/// beginning, and announced as a possible duplicate where pages may be on paper.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = help::acting())]
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
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    names: Names::SETS_NONE,
    settings: &[Setting::OperationClass, Setting::Message, Setting::When],
    act: pause,
};

/// Runs `pdpause` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn pause(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    take_class(&mut line.items, PROGRAM)?;
    let request = JobActionRequest::of(Action::Pause, std::mem::take(&mut line.items), PROGRAM)?;
    let mut spool = line.open(shell, Intent::Write)?;
    Ok(request.apply(spool.as_mut(), shell, PROGRAM))
}
