//! BATCH: jobs that print one after the other, as one listing.
//!
//! What a state of a job forbids, it forbids for its batch: a change of a batch holds for all of its jobs, or for none.

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::{Listing, job};
use crate::commands::spoolcom::language::grammar::BatchSubcommand;
use crate::commands::spoolcom::language::keywords::Key;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::alter::JobChange;
use crate::model::job::{BatchChange, JobStatus};
use crate::model::query::{Condition, Order, PAGE, Parts, Query};
use crate::model::state::JobState;
use crate::model::{BatchNumber, Failure, FailureKind, JobNumber, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::Intended;

use super::at_work::job_number;
use super::job::until_gone;
use super::job_changes;
use super::operands::{Source, Step, no_current, object_name, run_steps};
use super::states::job_allows;

/// What one BATCH subcommand does.
#[derive(Clone, Debug, PartialEq)]
enum BatchAction {
    /// CURRENT
    Current,
    /// LINK
    Link(JobNumber),
    /// UNLINK
    Unlink(JobNumber),
    /// HOLD
    Hold,
    /// START
    Start,
    /// DELETE, and whether `!` says to wait for what prints
    Delete(bool),
    /// Attributes, each with its word
    Alter(Vec<(Key, JobChange)>),
    /// STATUS
    Status(DisplayRequest),
}

/// A BATCH command.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatement {
    batch: Option<BatchNumber>,
    steps: Vec<Step<BatchAction>>,
}

impl BatchStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let batch = object_name(command)?;
        let join = |last: &mut BatchAction, action| match (last, action) {
            (BatchAction::Alter(changes), BatchAction::Alter(more)) => {
                changes.extend(more);
                None
            }
            (_, action) => Some(action),
        };
        let steps = source.steps(command, action, join, BatchAction::Status(DisplayRequest::default()))?;
        Ok(Self { batch, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let looks = |step: &Step<BatchAction>| match &step.action {
            BatchAction::Current => true,
            BatchAction::Status(display) => display.intent() == Intent::Read,
            _ => false,
        };
        if self.steps.iter().all(looks) { Intent::Read } else { Intent::Write }
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        run_steps(&self.steps, session, |action, session| match (action, self.batch.or(session.current.batch)) {
            (BatchAction::Status(display), _) => show(self.batch, display, session),
            (BatchAction::Current, batch @ Some(number)) if self.batch == batch => {
                // Only what is there becomes the current one; what follows a failure must not be about another one.
                session.current.batch = None;
                jobs_of(session.spool()?, batch)?;
                session.current.batch = Some(number);
                Ok(())
            }
            (BatchAction::Current, Some(batch)) => show(Some(batch), &DisplayRequest::default(), session),
            (action, Some(batch)) => change(batch, action, session),
            (_, None) => Err(no_current("batch")),
        })
    }
}

/// Reads what `subcommand` does.
fn action(subcommand: &Subcommand) -> Result<BatchAction, Mistake> {
    use BatchSubcommand as S;
    let change = match subcommand.read()? {
        S::Current => return Ok(BatchAction::Current),
        S::Link(n) => return Ok(BatchAction::Link(job_number(subcommand, n)?)),
        S::Unlink(n) => return Ok(BatchAction::Unlink(job_number(subcommand, n)?)),
        S::Hold => return Ok(BatchAction::Hold),
        S::Start => return Ok(BatchAction::Start),
        S::Delete(waits) => return Ok(BatchAction::Delete(waits)),
        S::Status(display) => return Ok(BatchAction::Status(display)),
        S::Copies(n) => job_changes::copies(n),
        S::SelPri(n) => job_changes::selection_priority(n),
        S::HoldAfter(on) => JobChange::HoldAfter(Some(on)),
        S::Form(form) => job_changes::form(subcommand, form)?,
        S::Report(name) => job_changes::report(subcommand, name)?,
        S::Loc(location) => job_changes::location(subcommand, location)?,
        S::Owner(user) => job_changes::owner(subcommand, user)?,
    };
    Ok(BatchAction::Alter(vec![(subcommand.key(), change)]))
}

/// Returns the jobs of a batch, or of all batches, in the order in which they print.
fn jobs_of(spool: &mut dyn Operations, batch: Option<BatchNumber>) -> Result<Vec<JobStatus>, Failure> {
    let query = Query { condition: Condition::Batch(batch), order: Order::Number, parts: Parts::ALL };
    let (mut jobs, mut after) = (Vec::new(), None);
    loop {
        let page = spool.jobs(query.clone(), after, PAGE)?;
        jobs.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if let Some(batch) = batch.filter(|_| jobs.is_empty()) {
        return Err(Failure::not_found(format!("batch {batch}")));
    }
    jobs.sort_by_key(|job| job.batch);
    Ok(jobs)
}

fn show(batch: Option<BatchNumber>, display: &DisplayRequest, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let jobs = jobs_of(spool, batch)?;
        let mut listing = Listing::new(out, style);
        for page in jobs.chunks(PAGE as usize) {
            listing.page(page)?;
        }
        Ok(listing.end()?)
    })
}

fn change(batch: BatchNumber, action: &BatchAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        BatchAction::Link(job) => {
            let job = JobRef::Number(*job);
            let linked = session.spool()?.link_job(batch, job.clone());
            linked.map_err(|failure| EarlyEnd::Failed(in_our_words(failure, "LINK", &job, session), Subject::Job(job)))
        }
        BatchAction::Unlink(job) => {
            let job = JobRef::Number(*job);
            // The batch itself is looked for first: its failure is about no job.
            jobs_of(session.spool()?, Some(batch))?;
            session
                .spool()?
                .job(job.clone())
                .map_err(|failure| EarlyEnd::Failed(failure, Subject::Job(job.clone())))?;
            let unlinked = session.spool()?.unlink_job(batch, job.clone());
            unlinked.map_err(|failure| {
                EarlyEnd::Failed(in_our_words(failure, "UNLINK", &job, session), Subject::Unlinked(job))
            })
        }
        BatchAction::Hold => all(batch, &[Key::Hold], BatchChange::Hold, session),
        BatchAction::Start => all(batch, &[Key::Start], BatchChange::Start, session),
        BatchAction::Delete(waits) => {
            let jobs = jobs_of(session.spool()?, Some(batch))?;
            all(batch, &[Key::Delete], BatchChange::Delete, session)?;
            jobs.iter().filter(|_| *waits).try_for_each(|job| until_gone(JobRef::Number(job.number), session))
        }
        BatchAction::Alter(changes) => {
            let keys: Vec<Key> = changes.iter().map(|change| change.0).collect();
            let only = changes.iter().map(|change| change.1.clone()).collect();
            all(batch, &keys, BatchChange::Alter(only), session)?;
            for warning in changes.iter().filter_map(|change| job_changes::warning(&change.1)) {
                // A closed standard error must not turn into a failure.
                let _ = writeln!(session.err, "{warning}");
            }
            Ok(())
        }
        BatchAction::Status(_) | BatchAction::Current => Ok(()),
    }
}

/// Says that a job is in the wrong state in the words that displays have for it here.
fn in_our_words(failure: Failure, word: &str, job: &JobRef, session: &mut Session<'_>) -> Failure {
    if failure.kind != FailureKind::State {
        return failure;
    }
    let status = session.spool().ok().and_then(|spool| spool.job(job.clone()).ok());
    match status {
        Some(one) if !matches!(one.state, JobState::Held | JobState::Paused | JobState::Retained) => {
            let why = format!("{word} is not allowed while job {} is {}", one.number, job::state_words(one.state));
            Failure { message: why, ..failure }
        }
        _ => failure,
    }
}

/// Changes all jobs of a batch, if the states of all of them allow it.
fn all(batch: BatchNumber, keys: &[Key], change: BatchChange, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    for one in jobs_of(session.spool()?, Some(batch))? {
        // Repeating HOLD is no error, and START starts what is on hold.
        let starts = keys == [Key::Start] && one.state == JobState::Ready;
        if let Some(key) = keys.iter().find(|key| !starts && !job_allows(**key, one.state)) {
            let (word, number) = (key.word(), one.number);
            let job = JobRef::Number(number);
            let refused = |failure| EarlyEnd::Failed(failure, Subject::Job(job.clone()));
            session.spool()?.demand_right(Intended::ChangeJob(job.clone())).map_err(refused)?;
            let why = format!("{word} is not allowed while job {number} is {}", job::state_words(one.state));
            let failure = Failure::new(FailureKind::State, why);
            let failure = match one.state {
                JobState::Ready | JobState::Printing => {
                    failure.hint(format!("BATCH {batch}, HOLD   first; START afterwards"))
                }
                _ => failure,
            };
            return Err(EarlyEnd::Failed(failure, Subject::Job(JobRef::Number(number))));
        }
    }
    for (job, remaining) in session.spool()?.change_batch(batch, change)?.remaining {
        let why: Vec<&str> = remaining.iter().map(|reason| reason.words()).collect();
        // A closed standard error must not turn into a failure.
        let _ = writeln!(session.err, "WARNING: JOB {job} REMAINS ON HOLD\n  {}", why.join("; "));
    }
    Ok(())
}
