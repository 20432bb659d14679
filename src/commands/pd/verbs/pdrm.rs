//! `pdrm`: removes jobs.
//!
//! The caller confirms each job at a terminal unless PD_CONFIRM_DELETE=no. A job that is printing is removed when its attempt
//! has ended.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::{CommandAttributes, JobArguments, ServerFlag};
use crate::commands::pd::command_line::options::Setting;
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::managed::confirm;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::job::JobStatus;
use crate::model::{Failure, FailureKind, JobRef};

const PROGRAM: &str = "pdrm";

/// Remove jobs.
///
/// Each removal is confirmed at the terminal unless PD_CONFIRM_DELETE=no; where there is none, nothing is removed then.
/// Standard input is read only when it is the terminal. A job that is printing is removed when its present attempt has
/// ended; the part of it that was sent may print, which is said.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Why, in words; the log of the job keeps it
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
    /// How long to keep the removed job: only 0 in this version
    #[arg(short = 'r', value_name = "[HH:]MM", action = clap::ArgAction::Append)]
    retention: Vec<String>,
    #[command(flatten)]
    attributes: CommandAttributes,
    #[command(flatten)]
    jobs: JobArguments,
}

/// Its row among the commands.
pub const VERB: Verb = each_job::verb(PROGRAM, Arguments::command, help::of_pdrm, &[Setting::Message], remove);

/// Runs `pdrm` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// Removes the jobs that `line` names; `pddelete -c job` does the same.
pub(super) fn remove(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    if let Some(period) = line.matches.get_many::<String>("retention").and_then(Iterator::last)
        && !matches!(period.as_str(), "0" | "00" | "0:00" | "00:00")
    {
        return Err(Stop::usage("-r: removed jobs cannot be retained in this version; -r 0 removes at once"));
    }
    let confirms = confirm::is_wanted(shell);
    each_job::run(Action::Remove, line, shell, confirms.then_some(ask))
}

/// Asks whether `job` shall go, at a terminal. Anything but y and yes is a no.
fn ask(shell: &mut Shell<'_>, job: &JobRef, status: &JobStatus) -> Result<(), Failure> {
    let question = format!("{PROGRAM}: remove job {job} ({})? [y/N] ", escaped(&status.name));
    let Some(yes) = confirm::ask(shell, &question) else {
        return Err(Failure::new(FailureKind::State, format!("job {job} was not removed: nobody confirmed it"))
            .hint("PD_CONFIRM_DELETE=no   removes without asking"));
    };
    if yes {
        return Ok(());
    }
    Err(Failure::new(FailureKind::State, format!("job {job} was not removed: the answer was no")))
}
