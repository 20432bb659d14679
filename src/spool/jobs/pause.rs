//! Pausing and resuming jobs, putting one before all others, and waiting until one has left its device.

use std::time::{Duration, Instant};

use crate::model::authority::Right;
use crate::model::job::JobStatus;
use crate::model::state::{JobState, Wish};
use crate::model::time::Moment;
use crate::model::{Caller, Failure, FailureKind, JobRef};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible};
use crate::sys::watch::Watch;

use super::actions::{claimants, demand_job, find, wrong_state};
use super::alter::check_message;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    pub(crate) fn pause_job(
        &self,
        caller: &Caller,
        job: &JobRef,
        message: Option<String>,
        now: &Moment,
    ) -> Fallible<Vec<WakeTarget>> {
        check_message(message.as_ref())?;
        let (spool, caller, job, now) = (self.clone(), caller.clone(), job.clone(), now.clone());
        self.change(Room::Gives, move |db| {
            let row = find(db, &spool, &caller, &job)?;
            demand_job(db, &caller, &row)?;
            let (state, entries) = Self::job_state(db, &row)?;
            if !matches!(state, JobState::Ready | JobState::Held | JobState::Printing) {
                return Err(wrong_state(&row, state, "paused"));
            }
            store::job::set_wish(db, row.id, Wish::Pause)?;
            store::entry::withdraw(db, row.id)?;
            record(db, &now, Object::Job(row.id), &caller.user, "paused", message.as_deref().unwrap_or_default())?;
            claimants(db, &entries)
        })
    }

    pub(crate) fn resume_job(
        &self,
        caller: &Caller,
        job: &JobRef,
        message: Option<String>,
        now: &Moment,
    ) -> Fallible<Vec<WakeTarget>> {
        check_message(message.as_ref())?;
        let (spool, caller, job, now) = (self.clone(), caller.clone(), job.clone(), now.clone());
        self.change(Room::Gives, move |db| {
            let row = find(db, &spool, &caller, &job)?;
            demand_job(db, &caller, &row)?;
            let (state, _) = Self::job_state(db, &row)?;
            if state != JobState::Paused {
                return Err(wrong_state(&row, state, "resumed: only a paused job can be"));
            }
            store::job::set_wish(db, row.id, Wish::Run)?;
            record(db, &now, Object::Job(row.id), &caller.user, "resumed", message.as_deref().unwrap_or_default())?;
            if !row.reasons.is_empty() {
                return Ok(Vec::new());
            }
            store::alter::restore_entries(db, row.id)?;
            wakes::of_route(db, row.route)
        })
    }

    pub(crate) fn promote_job(
        &self,
        caller: &Caller,
        job: &JobRef,
        message: Option<String>,
        now: &Moment,
    ) -> Fallible<()> {
        check_message(message.as_ref())?;
        let (spool, caller, job, now) = (self.clone(), caller.clone(), job.clone(), now.clone());
        self.change(Room::Gives, move |db| {
            let mut row = find(db, &spool, &caller, &job)?;
            Self::demand(db, &caller, Right::Configure)?;
            let (state, _) = Self::job_state(db, &row)?;
            if state != JobState::Ready {
                return Err(wrong_state(&row, state, "promoted: only a pending job can be"));
            }
            // The later promoted, the smaller: sequence numbers only ascend.
            row.sort.promoted = -store::spool::next_sequence(db)?;
            store::job::set_sort(db, row.id, &row.sort)?;
            store::alter::rekey_entries(db, &row)?;
            record(db, &now, Object::Job(row.id), &caller.user, "promoted", message.as_deref().unwrap_or_default())
        })
    }

    /// Waits until no device has a job any more. Commits wake the wait; nothing is polled.
    pub(crate) fn await_stopped(&self, caller: &Caller, job: &JobRef, timeout: Duration) -> Fallible<JobStatus> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let status = self.job(caller, job)?;
            let left = deadline.saturating_duration_since(Instant::now());
            if !matches!(status.state, JobState::Printing | JobState::Terminating) || left.is_zero() {
                return Ok(status);
            }
            watch.wait(left).map_err(io)?;
        }
    }
}
