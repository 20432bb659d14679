//! The end of a job, and what becomes of it by itself.
//!
//! States: a job that is printed or cancelled is gone, unless a retention keeps it; then it is Retained, with its print files,
//! until its time is over, somebody removes it, or it prints again ([`Spool::revive`]). A time before which a job must not
//! print holds it. A discard time ends a job that no device has; one that a device has is gone with its attempt, however that
//! ends. A font stays as long as it is one.
//!
//! Who acts at those moments? Each command that writes ([`Spool::due`]), and whoever keeps the print processes in the
//! foreground, twice a minute. Each step takes a bounded number of jobs in a transaction of its own. A crash before one leaves the job as it was,
//! and the next step does it. A job with which a step fails is set aside: the others follow, and the histories of the job and of
//! the spool say why.
//!
//! How long a job is kept counts in spool time, which no jump of the clock moves; points in time are those of the wall clock.

use crate::model::event::EventWord;
use crate::model::field::Field;
use crate::model::lifetime::{Ended, Ending, KeptUntil};
use crate::model::state::{HoldReason, HoldReasons, JobState, Wish};
use crate::model::{Call, Failure, FailureKind, JobId};
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::lifetime::Moment;
use crate::store::{self, Fallible, Tx};

use crate::spool::disk::files;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

use super::reroute::BACKUPS;

/// How many jobs of each kind one step takes.
const AT_ONCE: u32 = 64;
/// How many steps one command makes: what is left, the next one does.
const STEPS: u32 = 16;

/// What a step has done.
#[derive(Clone, Debug, Default)]
struct Step {
    erase: Vec<String>,
    targets: Vec<WakeTarget>,
    /// Whether more may be due.
    more: bool,
}

impl Spool {
    /// Ends a job: it is kept if its lifetime says so, or gone. Returns the files to erase after the commit. Its entries are
    /// done or withdrawn by then, or go with it.
    pub(crate) fn end(
        tx: &Tx<'_>,
        job: &JobRow,
        device: Option<&str>,
        outcome: &str,
        ending: Ending,
    ) -> Fallible<Vec<String>> {
        match Self::kept_until(tx, job)? {
            None => Self::finish(tx, job, device, outcome),
            Some(until) => {
                Self::keep(tx, job, (ending, &until), (outcome, device), None)?;
                Ok(Vec::new())
            }
        }
    }

    /// Returns until when a job is kept that ends now; none when it is gone.
    pub(crate) fn kept_until(tx: &Tx<'_>, job: &JobRow) -> Fallible<Option<KeptUntil>> {
        // Most jobs have no retention, and nothing is read for them.
        if job.lifetime.retention.is_none() {
            return Ok(None);
        }
        Ok(job.lifetime.kept_until(store::spool::time(tx)?, tx.now().wall_ms))
    }

    /// Keeps a job that ends now; `started_ms` = when the last of it began to print.
    pub(crate) fn keep(
        tx: &Tx<'_>,
        job: &JobRow,
        (ending, until): (Ending, &KeptUntil),
        (outcome, device): (&str, Option<&str>),
        started_ms: Option<i64>,
    ) -> Fallible<()> {
        store::outbox::printed(tx, job, outcome, device)?;
        crate::spool::secure::record::ended(tx, job, outcome, device)?;
        // What is kept is released again as long as it is kept.
        store::secure::set_due(tx, job.id, None)?;
        let left = job.reasons.without(HoldReasons::CLEARED_BY_START);
        let ended = Ended {
            at_ms: tx.now().wall_ms,
            started_ms,
            outcome: outcome.to_owned(),
            device: device.map(str::to_owned),
        };
        store::lifetime::keep(tx, job, (ending, until), &ended, left)?;
        record(tx, Object::Job(job.id), EventWord::Retained, ending.keyword().unwrap_or_default())
    }

    /// Returns what the rows of a job tell of its end: how it ended, on which device, and when; those of a job that ends now
    /// where it has not.
    pub(crate) fn end_of(
        tx: &Tx<'_>,
        job: &JobRow,
        outcome: &str,
        device: Option<&str>,
    ) -> Fallible<(String, Option<String>, i64)> {
        let now = || (outcome.to_owned(), device.map(str::to_owned), tx.now().wall_ms);
        if job.lifetime.ending.is_none() {
            return Ok(now());
        }
        let ended = store::lifetime::ended(tx, job.id)?;
        store::lifetime::forget(tx, job.id)?;
        Ok(ended.map_or_else(now, |row| (row.ended.outcome, row.ended.device, row.ended.at_ms)))
    }

    /// Lets a job that has ended print again, as one that arrives now, unless something holds it. One that its owner has released
    /// prints again only where he stands.
    pub(crate) fn revive(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<JobRow> {
        if store::secure::of_job(tx, job.id)?.is_some() {
            let why =
                format!("job {} came by a secure queue: it prints again when its owner releases it again", job.number);
            return Err(Failure::new(FailureKind::State, why).hint(format!("pdrelease {}", job.number)));
        }
        Self::revive_released(tx, job)
    }

    /// The same for a job whose owner releases it.
    pub(crate) fn revive_released(tx: &Tx<'_>, job: &JobRow) -> Fallible<JobRow> {
        store::lifetime::forget(tx, job.id)?;
        store::lifetime::set_ending(tx, job.id, None)?;
        store::job::set_wish(tx, job.id, Wish::Run)?;
        let mut job = JobRow { wish: Wish::Run, ..job.clone() };
        job.lifetime.ending = None;
        Ok(job)
    }

    /// Tells whether nothing at all is due, and no delivery or record waits: that is so after most commands, and one look shows it.
    pub(crate) fn rests(&self, call: &Call) -> bool {
        let rests = self.look(call, |tx| {
            Ok(!store::account::any(tx)?
                && !store::outbox::any(tx)?
                && store::tally::counts(tx)?.open_jobs <= 0
                && store::device::failing_with(tx, BACKUPS)?.is_empty()
                && !store::lifetime::may_be_due(tx)?)
        });
        rests.unwrap_or(false)
    }

    /// Does what is due: lets jobs print whose time has come, and ends those whose time is over. Returns the print processes
    /// that have work now.
    ///
    /// # Errors
    /// When the spool cannot be changed. What was not done is done the next time, and the history of the spool says why, where
    /// that can be written.
    pub fn due(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        let result = self.do_what_is_due(call);
        if let Err(failure) = &result {
            self.tell_of_setback(call, failure);
        }
        result
    }

    fn do_what_is_due(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        self.end_dead_arrivals(call)?;
        let mut targets = self.reroute(call)?;
        for _ in 0..STEPS {
            let is_due =
                self.look(call, |tx| Ok(store::lifetime::may_be_due(tx)? && !store::lifetime::due(tx, 1)?.is_empty()))?;
            if !is_due {
                break;
            }
            let spool = self.clone();
            let step = match self.change(Room::Gives, &call.clone(), move |tx| spool.due_step(tx)) {
                Err(failure) if is_of_one_job(&failure) => self.due_one_by_one(call)?,
                other => other?,
            };
            files::erase(&self.base().server(self.server()), &step.erase);
            for target in step.targets {
                wakes::add(&mut targets, Some(target));
            }
            if !step.more {
                break;
            }
        }
        Ok(targets)
    }

    /// Does one step of it, each job in a transaction of its own: something is wrong with one of them. That one is left as it
    /// is, without the moment that cannot be met, and both its own history and that of the spool say so.
    fn due_one_by_one(&self, call: &Call) -> Fallible<Step> {
        let due = self.look(call, |tx| store::lifetime::due(tx, AT_ONCE))?;
        let mut step = Step::default();
        for (moment, id) in due.each() {
            let spool = self.clone();
            let done = self.change(Room::Gives, call, move |tx| spool.due_of(&tx.spooler(), moment, id));
            match done {
                Ok(one) => {
                    step.erase.extend(one.erase);
                    for target in one.targets {
                        wakes::add(&mut step.targets, Some(target));
                    }
                }
                Err(failure) if is_of_one_job(&failure) => {
                    self.change(Room::Gives, call, move |tx| give_up(&tx.spooler(), moment, id, &failure))?;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(step)
    }

    /// Notes in the history of the spool why what is due was not done, once as long as it is the same.
    fn tell_of_setback(&self, call: &Call, failure: &Failure) {
        let why = format!("what is due was not done: {}", failure.message);
        // Where nothing can be written, nothing more can be said here: the caller has the failure.
        let _ = self.change(Room::Gives, call, move |tx| note_setback(&tx.spooler(), &why));
    }

    /// Does one step of it in a transaction.
    fn due_step(&self, tx: &Tx<'_>) -> Fallible<Step> {
        let tx = &tx.spooler();
        let due = store::lifetime::due(tx, AT_ONCE)?;
        let full = |found: usize| u32::try_from(found).is_ok_and(|found| found >= AT_ONCE);
        let all = [&due.print, &due.discard, &due.expired, &due.purge, &due.warn];
        let more = all.iter().any(|found| full(found.len()));
        let mut step = Step { more, ..Step::default() };
        for (moment, id) in due.each() {
            let one = self.due_of(tx, moment, id)?;
            step.erase.extend(one.erase);
            for target in one.targets {
                wakes::add(&mut step.targets, Some(target));
            }
        }
        Ok(step)
    }

    /// Does what is due of one job.
    fn due_of(&self, tx: &Tx<'_>, moment: Moment, id: JobId) -> Fallible<Step> {
        let mut step = Step::default();
        let Some(job) = store::job::lock(tx, id)? else { return Ok(step) };
        match moment {
            Moment::Print => step.targets = self.may_print(tx, job)?,
            Moment::Discard => step.erase = Self::discard(tx, &job)?,
            Moment::Expiry if job.lifetime.ending.is_some() => match stays_as_font(tx, &job, moment)? {
                true => {}
                false => {
                    record(tx, Object::Job(job.id), EventWord::Deleted, "its retention is over")?;
                    step.erase = Self::finish(tx, &job, None, "cancelled")?;
                }
            },
            Moment::Expiry => {}
            Moment::PurgeWarning => self.warn_of_purge(tx, &job)?,
            Moment::Purge => match stays_as_font(tx, &job, moment)? {
                true => {}
                false => step.erase = self.purge(tx, &job)?,
            },
        }
        Ok(step)
    }

    /// Ends the hold of a job whose time has come.
    fn may_print(&self, tx: &Tx<'_>, mut job: JobRow) -> Fallible<Vec<WakeTarget>> {
        job.lifetime.print_after_ms = None;
        store::lifetime::set(tx, job.id, &job.lifetime)?;
        if !job.reasons.has(HoldReason::PrintAfter) {
            return Ok(Vec::new());
        }
        let left = job.reasons.without(HoldReasons::NONE.with(HoldReason::PrintAfter));
        let text = if left.is_empty() { None } else { job.reason_text.as_deref() };
        store::job::set_reasons(tx, job.id, left, text)?;
        record(tx, Object::Job(job.id), EventWord::Released, "its print-after time has come")?;
        if !left.is_empty() || job.wish != Wish::Run || job.lifetime.ending.is_some() {
            return Ok(Vec::new());
        }
        store::job::set_previous(tx, job.id, JobState::Held)?;
        self.requeue(tx, &job)?;
        wakes::of_route(tx, job.route)
    }

    /// Ends a job whose discard time has come. One that a device has ends with its attempt: what of it was not begun is not.
    fn discard(tx: &Tx<'_>, job: &JobRow) -> Fallible<Vec<String>> {
        if stays_as_font(tx, job, Moment::Discard)? {
            return Ok(Vec::new());
        }
        let entries = store::entry::of_job(tx, job.id)?;
        if entries.iter().any(|entry| entry.state.is_busy()) {
            store::entry::withdraw(tx, job.id)?;
            record(tx, Object::Job(job.id), EventWord::Remark, "its discard time has come; it ends with its attempt")?;
            return Ok(Vec::new());
        }
        Self::discarded(tx, job)
    }

    /// Removes a job whose discard time has come. Returns the files to erase after the commit.
    fn discarded(tx: &Tx<'_>, job: &JobRow) -> Fallible<Vec<String>> {
        record(&tx.spooler(), Object::Job(job.id), EventWord::Deleted, "its discard time has come")?;
        Self::finish(tx, job, None, "cancelled")
    }

    /// Removes a job whose attempt has ended without printing it, if its discard time has come meanwhile. Returns the files to
    /// erase after the commit; none when it stays.
    pub(crate) fn discarded_with_attempt(tx: &Tx<'_>, job: &JobRow) -> Fallible<Option<Vec<String>>> {
        let is_due = is_discarded(tx, job) && store::font::of_job(tx, job.id)?.is_none();
        if is_due { Self::discarded(tx, job).map(Some) } else { Ok(None) }
    }
}

/// Whether the discard time of a job has come.
pub(crate) fn is_discarded(tx: &Tx<'_>, job: &JobRow) -> bool {
    job.lifetime.discard_ms.is_some_and(|at| at <= tx.now().wall_ms)
}

/// Whether a failure may come from the row of one job. All others concern the spool as a whole.
fn is_of_one_job(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Internal | FailureKind::Damaged | FailureKind::State | FailureKind::InUse)
}

/// Whether a job is a font, which stays as long as it is one. Its moment is forgotten then, and its history says so.
fn stays_as_font(tx: &Tx<'_>, job: &JobRow, moment: Moment) -> Fallible<bool> {
    let Some(font) = store::font::of_job(tx, job.id)? else { return Ok(false) };
    let what = match moment {
        Moment::Expiry => "its retention is over",
        Moment::Purge => "its purge time is over",
        _ => "its discard time has come",
    };
    record(tx, Object::Job(job.id), EventWord::Remark, &format!("{what}, and it stays: it is the font {font}"))?;
    forget_moment(tx, job, moment)?;
    Ok(true)
}

/// Takes a moment from a job.
fn forget_moment(tx: &Tx<'_>, job: &JobRow, moment: Moment) -> Fallible<()> {
    let mut lifetime = job.lifetime;
    let field = match moment {
        Moment::Print => {
            lifetime.print_after_ms = None;
            Field::JobPrintAfter
        }
        Moment::Discard => {
            lifetime.discard_ms = None;
            Field::JobDiscardTime
        }
        Moment::Purge => return store::secure::set_due(tx, job.id, None),
        Moment::PurgeWarning => return store::secure::was_warned(tx, job.id),
        Moment::Expiry => {
            return store::lifetime::set_until(tx, job.id, &KeptUntil { spool: None, wall_ms: None });
        }
    };
    store::lifetime::set(tx, job.id, &lifetime)?;
    store::alter::set_value(tx, job.id, 0, field, None)
}

/// Leaves a job as it is with which a moment cannot be met, and says so.
fn give_up(tx: &Tx<'_>, moment: Moment, id: JobId, failure: &Failure) -> Fallible<()> {
    let Some(job) = store::job::lock(tx, id)? else { return Ok(()) };
    let what = match moment {
        Moment::Print => "it may print now, and cannot be let go",
        Moment::Discard => "its discard time has come, and it cannot be removed",
        Moment::Expiry => "its retention is over, and it cannot be removed",
        Moment::Purge => "its purge time is over, and it cannot be removed",
        Moment::PurgeWarning => "its purge time is over soon, and nobody can be told",
    };
    record(tx, Object::Job(id), EventWord::Error, &format!("{what}: {}", failure.message))?;
    record(tx, Object::Spool, EventWord::Error, &format!("job {}: {what}: {}", job.number, failure.message))?;
    forget_moment(tx, &job, moment)
}

/// Notes an error of what the spooler does by itself, unless it is the last one that was noted.
pub(crate) fn note_setback(tx: &Tx<'_>, why: &str) -> Fallible<()> {
    let last = store::event::last(tx, Object::Spool, &[EventWord::Error])?;
    match last.is_some_and(|event| event.why == why) {
        true => Ok(()),
        false => record(tx, Object::Spool, EventWord::Error, why),
    }
}
