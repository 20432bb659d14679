//! Jobs that are seen while they arrive: OPEN.
//!
//! States: handing in, seen by nobody → a row that is arriving, after a second, if the documents take that long → complete, in
//! the transaction that acknowledges the job. A job that takes no second has no row before it is complete, and costs no
//! transaction more. The row has a number, an owner, a place and what was given; it has no document and no entry, so nothing
//! prints it.
//!
//! A job that is OPEN when its collector or the spooler is drained comes to its end: the drain waits for it. Whoever removes it
//! ends its submission, which is told so.
//!
//! A crash: whoever hands in a job holds the lock of its arrival ([`crate::spool::disk::locks::hold_arrival`]) from before the
//! row appears until after it is complete. A row that is arriving and whose lock is free is nobody's: displays mark it, and the
//! next command that writes ends it.

use std::time::Duration;

use crate::model::event::EventWord;
use crate::model::job::{Accepted, Submission};
use crate::model::state::HoldReason;
use crate::model::{Call, CollectorName, Failure, FailureKind, JobId, JobNumber};
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::range_lock::RangeLock;
use crate::sys::stop::Stop;
use crate::sys::watch::Watch;

use super::new_job::{NewJob, Placed};
use crate::spool::disk::locks;
use crate::spool::objects::kept::ByDefault;
use crate::spool::objects::spooler::settle_drain;
use crate::spool::{Room, Spool};

/// A job whose documents take longer is seen before they are complete.
const SEEN_AFTER: Duration = Duration::from_secs(1);
/// A net below the watch on commits.
const LOOK: Duration = Duration::from_secs(30);

/// A row that is arriving, and the lock that says so.
pub(crate) struct Opened {
    /// The job.
    pub(super) id: JobId,
    /// Its number.
    pub(crate) number: JobNumber,
    _lock: Option<RangeLock>,
}

impl Opened {
    /// The failure of a submission whose job was removed meanwhile.
    fn removed(&self) -> Failure {
        removed(self.number)
    }
}

fn removed(number: JobNumber) -> Failure {
    Failure::new(FailureKind::State, format!("job {number} was removed while it was still arriving"))
        .hint(format!("JOB {number}, LOG   shows by whom; nothing of it was kept"))
}

/// What is wanted of a submission whose documents arrive.
pub(super) struct Arrival<'a> {
    pub(super) spool: &'a Spool,
    pub(super) call: &'a Call,
    pub(super) submission: &'a Submission,
    pub(super) by_default: ByDefault,
    pub(super) collector: Option<&'a CollectorName>,
}

/// The token of a row that is arriving. Why not that of the submission? What becomes of that one is decided when the job is
/// complete. No user's token has a blank in it.
fn token(submission: &Submission) -> String {
    format!("open {}", submission.token)
}

impl Arrival<'_> {
    /// Receives documents, and has the job seen when that takes long. Returns what was received, and the row, if there is one.
    pub(super) fn during<T>(
        &self,
        receive: impl FnOnce(Option<&Stop>) -> Fallible<T>,
    ) -> (Fallible<T>, Option<Opened>) {
        // Where there is no descriptor or no thread for it, nobody sees the job before it is complete.
        let (Ok(stop), Ok(done)) = (Stop::new(), Stop::new()) else { return (receive(None), None) };
        std::thread::scope(|scope| {
            let watching = std::thread::Builder::new().name("arrival".into());
            let watching = watching.spawn_scoped(scope, || self.watch(&stop, &done));
            let received = receive(Some(&stop));
            done.set();
            let opened = watching.ok().and_then(|thread| thread.join().ok()).flatten();
            match &opened {
                Some(opened) if stop.is_set() => (Err(opened.removed()), None),
                _ => (received, opened),
            }
        })
    }

    /// Makes the row when the documents are not complete after a second, and waits until they are, or until the row is gone.
    fn watch(&self, stop: &Stop, done: &Stop) -> Option<Opened> {
        let _ = done.wait_with(None, Some(SEEN_AFTER));
        if done.is_set() {
            return None;
        }
        // What is refused here is refused again, with its reason, when the job is complete.
        let opened = self.open().ok().flatten()?;
        let watch = Watch::new(&self.spool.base().write_lock()).ok();
        loop {
            let known = self.spool.look(&Call::timeless(), |tx| store::job::arrival(tx, opened.id));
            if matches!(known, Ok(None)) {
                stop.set();
                return Some(opened);
            }
            let waited = match &watch {
                Some(watch) => watch.wait_until(done, LOOK),
                None => done.wait_with(None, Some(LOOK)),
            };
            if done.is_set() || waited.is_err() {
                return Some(opened);
            }
        }
    }

    /// Makes the row. None when another submission with this token is under way.
    pub(super) fn open(&self) -> Fallible<Option<Opened>> {
        let (spool, token) = (self.spool.clone(), token(self.submission));
        let io =
            |error: std::io::Error| Failure::new(FailureKind::Io, format!("the arrival cannot be locked: {error}"));
        let spool_id = spool.base().spool_id(spool.server());
        let Some(lock) = locks::hold_arrival(&spool_id, &token).map_err(io)? else { return Ok(None) };
        let mut plan = NewJob::new(self.submission, &[], self.call.caller()?, spool.server());
        plan.by_default = self.by_default;
        let (collector, process) = (self.collector.cloned(), self.call.process);
        let opened = self.spool.change(Room::Takes, self.call, move |tx| {
            tx.lock(Lock::Spool)?;
            let destination = spool.destination(tx, &plan.submission.destination)?;
            let placed = Placed::of(tx, &destination)?;
            let row = plan.row(tx, &placed, collector.clone())?;
            let row = JobRow { arriving: true, process, pages: None, ..row };
            let id = store::job::insert(tx, &row, &token, &[])?;
            store::job::insert_values(tx, id, &plan.submission.given, plan.by_default.profile_by)?;
            plan.judge(tx, &spool)?;
            Ok((id, row.number))
        });
        let (id, number) = opened?;
        Ok(Some(Opened { id, number, _lock: lock }))
    }
}

impl NewJob {
    /// Completes the job whose row is arriving. Its place is that of a job that arrives now; what was said of it meanwhile
    /// stays. With `held` somebody has to start it.
    pub(super) fn close(
        &self,
        tx: &Tx<'_>,
        spool: &Spool,
        opened: JobId,
        held: bool,
    ) -> Fallible<(Accepted, Vec<DeviceRow>)> {
        let Some(row) = store::job::lock(tx, opened)?.filter(|row| row.arriving) else {
            return Err(Failure::new(FailureKind::State, "the job was removed while it was still arriving"));
        };
        let destination = Spool::job_destination(tx, &row)?;
        let placed = Placed::open_already(tx, &destination)?;
        let (sort, place) =
            spool.new_position(tx, row.route, row.priority, (self.work, self.pages), row.deadline_ms)?;
        let job = JobRow {
            arriving: false,
            process: None,
            closed_ms: Some(tx.now().wall_ms),
            work: self.work,
            octets: self.octets,
            pages: self.pages,
            reasons: if held { row.reasons.with(HoldReason::Operator) } else { row.reasons },
            sort,
            place,
            ..row
        };
        store::job::close(tx, &job, &self.submission.token)?;
        store::document::insert_all(tx, job.id, &self.documents)?;
        let completed = self.complete(tx, spool, &destination, &job, placed)?;
        settle_drain(tx)?;
        Ok(completed)
    }
}

impl Spool {
    /// Ends a job that will not be complete: its submission failed. Where that cannot be recorded, the row is ended like one
    /// whose submitter died.
    pub(super) fn abandon(&self, call: &Call, opened: &Opened) {
        self.give_up(call, opened, "its submission failed");
    }

    /// The same for another reason.
    pub(crate) fn give_up(&self, call: &Call, opened: &Opened, why: &'static str) {
        let id = opened.id;
        let _ = self.change(Room::Gives, call, move |tx| end(tx, id, why));
    }

    /// Ends the jobs that are arriving and whose submitters died.
    pub(super) fn end_dead_arrivals(&self, call: &Call) -> Fallible<()> {
        let arriving = self.look(call, |tx| match store::tally::counts(tx)?.open_jobs {
            ..=0 => Ok(Vec::new()),
            _ => store::job::arriving(tx),
        })?;
        let dead = arriving.into_iter().filter(|(_, token)| !self.arrives(token));
        for (id, _) in dead {
            self.change(Room::Gives, call, move |tx| end(tx, id, "its submitter ended before it was complete"))?;
        }
        Ok(())
    }

    /// Tells whether the submission of a job that is arriving is under way. Where that cannot be told, it is.
    pub(super) fn arrives(&self, token: &str) -> bool {
        locks::arrival_is_held(&self.base().spool_id(self.server()), token).unwrap_or(true)
    }
}

fn end(tx: &Tx<'_>, id: JobId, why: &str) -> Fallible<()> {
    tx.lock(Lock::Spool)?;
    let Some(row) = store::job::lock(tx, id)?.filter(|row| row.arriving) else { return Ok(()) };
    record(&tx.spooler(), Object::Job(id), EventWord::Deleted, why)?;
    // It has no files yet.
    Spool::finish(tx, &row, None, "cancelled")?;
    settle_drain(tx)
}
