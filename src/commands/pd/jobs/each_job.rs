//! What `pdpause`, `pdresume`, `pdpromote` and `pdrm` share: the same step for one job after the other.
//!
//! The whole command line is understood before the first job is touched. A job that fails is reported and the others follow.

use super::changes::{gone, job_of, message, say_gone, stopped};
use super::effects::{self, Action};
use crate::attributes::Attribute;
use crate::attributes::text::{Clock, escaped, read_given};
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Names, Setting};
use crate::commands::pd::command_line::strings::{Op, Pair};
use crate::commands::pd::displays::listing::not_found;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::job::JobStatus;
use crate::model::lifetime::Retention;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

/// Asks the caller before something is done to a job, which is named as it was typed. A failure leaves the job as it is.
type Ask = fn(&mut Shell<'_>, &JobRef, &JobStatus) -> Result<(), Failure>;

/// Returns the row of a command that does nothing but `act`, which calls [`run`].
pub const fn verb(
    name: &'static str,
    definition: fn() -> clap::Command,
    help: fn() -> String,
    settings: &'static [Setting],
    act: fn(CommandLine, &mut Shell<'_>) -> Result<Exit, Stop>,
) -> Verb {
    Verb { name, definition, help, names: Names::SETS_NONE, settings, act }
}

/// Does `action` to each job that `line` names. `ask` is called first for each of them, where there is one.
pub fn run(action: Action, mut line: CommandLine, shell: &mut Shell<'_>, ask: Option<Ask>) -> Result<Exit, Stop> {
    let program = line.program;
    let request = JobActionRequest::of(action, std::mem::take(&mut line.items), program, &clock(shell))?;
    if action == Action::Promote && request.jobs.len() != 1 {
        return Err(Stop::usage("one job is promoted at a time")
            .hint("the last one promoted stands first: promote several in reverse order"));
    }
    let mut spool = line.open(shell, Intent::Write)?;
    Ok(request.apply(spool.as_mut(), shell, program, ask))
}

/// Jobs, and why.
struct JobActionRequest {
    action: Action,
    jobs: Vec<JobRef>,
    message: Option<String>,
    /// How long removed jobs are kept.
    retention: Option<Retention>,
}

impl JobActionRequest {
    /// Turns the items, their class taken out, into a request.
    fn of(action: Action, items: Vec<Item>, program: &str, clock: &Clock) -> Result<Self, Stop> {
        let mut request = Self { action, jobs: Vec::new(), message: None, retention: None };
        for item in items {
            match item {
                Item::Argument(word) => {
                    let word = word.to_string_lossy();
                    match job_of(&word)? {
                        (job, None) => request.jobs.push(job),
                        (job, Some(_)) => {
                            return Err(Stop::usage(format!("'{}' names a document", escaped(&word)))
                                .hint(format!("{job}   names the whole job")));
                        }
                    }
                }
                Item::Set(Meaning::Setting(Setting::Message), pair) => request.message = Some(message(&pair)?),
                Item::Set(Meaning::Setting(Setting::When), pair) => when(options::single(&pair, "when")?)?,
                Item::Set(Meaning::Setting(_), _) => {}
                Item::Set(Meaning::Attribute(row), pair)
                    if action == Action::Remove && Retention::FIELDS.contains(&row.field) =>
                {
                    request.retention = Some(retention(row, &pair, clock)?);
                }
                Item::Set(Meaning::Attribute(row), _) => {
                    return Err(
                        Stop::usage(format!("{} cannot be set by {program}", row.name())).hint("pdmod alters jobs")
                    );
                }
            }
        }
        Ok(request)
    }

    /// Does it to every job; those that fail are reported, and the others follow.
    fn apply(&self, spool: &mut dyn Operations, shell: &mut Shell<'_>, program: &str, ask: Option<Ask>) -> Exit {
        let mut exit = Exit::Done;
        for job in &self.jobs {
            if let Err(failure) = self.one(spool, job, shell, program, ask) {
                let lost = matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged);
                exit = exit.max(shell.report(program, &not_found(failure, job)));
                if lost {
                    break;
                }
            }
        }
        exit
    }

    fn one(
        &self,
        spool: &mut dyn Operations,
        job: &JobRef,
        shell: &mut Shell<'_>,
        program: &str,
        ask: Option<Ask>,
    ) -> Result<(), Failure> {
        let status = spool.job(job.clone())?;
        effects::check(self.action, job, &status, false)?;
        if let Some(ask) = ask {
            ask(shell, job, &status)?;
        }
        // The job that was looked at is the one that is changed, whatever its number means by then.
        let global = JobRef::Global(status.global.clone());
        match self.action {
            Action::Pause => {
                let gone = gone(spool, &status)?;
                spool.pause_job(global.clone(), self.message.clone())?;
                if status.state.is_on_device() {
                    stopped(spool, job, &global, shell, program)?;
                }
                say_gone(gone, job, shell, program);
                Ok(())
            }
            Action::Resume => spool.resume_job(global, self.message.clone()),
            Action::Promote => spool.promote_job(global, self.message.clone()),
            Action::Remove => {
                let gone = gone(spool, &status)?;
                spool.delete_job(global, self.message.clone(), self.retention)?;
                say_gone(gone, job, shell, program);
                Ok(())
            }
            Action::Modify | Action::Resubmit | Action::Reorder => {
                Err(Failure::internal("not an action without attributes"))
            }
        }
    }
}

/// How long removed jobs are kept, as an attribute of theirs says it.
fn retention(row: &'static Attribute, pair: &Pair, clock: &Clock) -> Result<Retention, Stop> {
    if pair.op != Op::Set {
        return Err(Stop::usage(format!("{} takes '=', not '{}'", row.name(), pair.op.sign())));
    }
    let value = read_given(row, &pair.values, clock).map_err(Stop::Usage)?;
    // Nothing that is to be kept for ever is kept no longer.
    Ok(Retention::of(row.field, &value).unwrap_or(Retention::Period(0)))
}

/// The value of `-w`.
fn when(word: &str) -> Result<(), Stop> {
    match word.to_ascii_lowercase().as_str() {
        "now" => Ok(()),
        "after-current-copy" | "after-current-job" => {
            Err(Stop::usage(format!("-w {word}: a job stops at once, not behind a copy")).hint("-w now   stops it"))
        }
        _ => Err(Stop::usage(format!("-w: '{}' is neither now nor after-current-copy", escaped(word)))),
    }
}
