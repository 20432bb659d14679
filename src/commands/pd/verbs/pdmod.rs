//! `pdmod`: alters jobs.
//!
//! A job takes all the changes or none. A job that is printing takes `job-hold=true` alone: it stops at once and is held.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{MessageFlag, ObjectAttributes, ServerFlag};
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::help;
use crate::commands::pd::jobs::changes;
use crate::commands::pd::jobs::changes::{AlterationRequest, ShowFlags};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdmod";

/// Alter jobs that are in the spool.
///
/// For each job all the changes hold, or none of them. "name=value" replaces a value, "name==" brings back the default,
/// "name-=value" takes a value away. A new priority, form or number of copies gives a job the place of one that arrives
/// now. A job that is printing takes job-hold=true alone: it stops at once and is held.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// No headings, no labels in what -r shows
    #[arg(short = 'g')]
    bare: bool,
    #[command(flatten)]
    message: MessageFlag,
    /// Copies of each document, or of the one that .n after the job names
    #[arg(short = 'n', value_name = "COPIES", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    copies: Vec<OsString>,
    #[command(flatten)]
    show: ShowFlags,
    /// Name of the job
    #[arg(short = 't', value_name = "NAME", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    name: Vec<OsString>,
    #[command(flatten)]
    attributes: ObjectAttributes,
    /// Jobs: local id, ten digits, or server:digits; .n after it names a document
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::altering,
    names: Names::ALTERS_JOBS,
    settings: changes::SETTINGS,
    act: alter,
};

/// Runs `pdmod` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn alter(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let clock = clock(shell);
    let items = std::mem::take(&mut line.items);
    let request = AlterationRequest::of(items, line.matches.get_flag("bare"), &clock)?;
    let mut spool = line.open(shell, Intent::Write)?;
    request.apply(spool.as_mut(), shell, PROGRAM, &clock)
}
