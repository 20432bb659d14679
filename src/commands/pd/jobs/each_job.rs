//! What `pdpause`, `pdresume` and `pdpromote` share: the same step for one job after the other.

use super::changes::{job_of, message, stopped};
use super::effects::{self, Action};
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Setting};
use crate::commands::pd::displays::listing::not_found;
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::{Failure, JobRef};
use crate::spool::interface::operations::Operations;

/// Jobs, and why.
pub struct JobActionRequest {
    action: Action,
    jobs: Vec<JobRef>,
    message: Option<String>,
}

impl JobActionRequest {
    /// Turns the items, their class taken out, into a request.
    pub fn of(action: Action, items: Vec<Item>, program: &str) -> Result<Self, Stop> {
        let mut request = Self { action, jobs: Vec::new(), message: None };
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
                Item::Set(Meaning::Attribute(row), _) => {
                    return Err(
                        Stop::usage(format!("{} cannot be set by {program}", row.name())).hint("pdmod alters jobs")
                    );
                }
            }
        }
        Ok(request)
    }

    /// How many jobs are named.
    pub fn count(&self) -> usize {
        self.jobs.len()
    }

    /// Does it to every job; those that fail are reported, and the others follow.
    pub fn apply(&self, spool: &mut dyn Operations, shell: &mut Shell<'_>, program: &str) -> Exit {
        let mut exit = Exit::Done;
        for job in &self.jobs {
            if let Err(failure) = self.one(spool, job, shell, program) {
                exit = exit.max(shell.report(program, &not_found(failure, job)));
                if exit == Exit::Unreachable {
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
    ) -> Result<(), Failure> {
        let status = spool.job(job.clone())?;
        effects::check(self.action, job, &status, false)?;
        // The job that was looked at is the one that is changed, whatever its number means by then.
        let global = JobRef::Global(status.global.clone());
        match self.action {
            Action::Pause => {
                spool.pause_job(global.clone(), self.message.clone())?;
                if status.state.is_on_device() {
                    stopped(spool, job, &global, shell, program)?;
                }
                Ok(())
            }
            Action::Resume => spool.resume_job(global, self.message.clone()),
            Action::Promote => spool.promote_job(global, self.message.clone()),
            Action::Modify | Action::Remove => Err(Failure::internal("not an action without attributes")),
        }
    }
}

/// The value of `-w`.
fn when(word: &str) -> Result<(), Stop> {
    match word.to_ascii_lowercase().as_str() {
        "now" => Ok(()),
        "after-current-copy" | "after-current-job" => {
            Err(Stop::usage(format!("-w {word} is not available in this version")).hint("-w now   stops at once"))
        }
        _ => Err(Stop::usage(format!("-w: '{}' is neither now nor after-current-copy", escaped(word)))),
    }
}
