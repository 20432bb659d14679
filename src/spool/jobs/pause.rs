//! Pausing and resuming jobs, promoting one, and waiting until one has left its device.
//!
//! States: PAUSE takes a ready, held or printing job out of the queues; one that prints is stopped, and is paused when
//! its attempt has ended. RESUME returns a paused job to its old place, or leaves it held if a reason still holds it.
//! Promoting puts a ready job before all others; the job that was promoted last comes first.
//!
//! Who may: the owner, the creator of the spool, and with MGRACCESS a manager of the owner's group pause and resume.
//! Only the creator promotes. Anybody waits.
//!
//! A crash: each change is one transaction, so it happened or it did not.

use std::time::{Duration, Instant};

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::job::JobStatus;
use crate::model::state::{JobState, Wish};
use crate::model::{Failure, FailureKind, JobRef};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible};
use crate::sys::watch::Watch;

use super::actions::{check_message, claimants, demand_hold, find_to_change, keep_message, note_time, wrong_state};
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Pauses a job. Returns the print processes that have to stop printing it.
    pub(crate) fn pause_job(&self, call: &Call, job: &JobRef, message: Option<String>) -> Fallible<Vec<WakeTarget>> {
        check_message(message.as_ref())?;
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            demand_hold(tx, &row, owner.as_ref())?;
            Self::take_from_claimant(tx, &row)?;
            let (state, entries) = Self::job_state(tx, &row)?;
            let pausable = [JobState::Ready, JobState::Held, JobState::Printing, JobState::Transferred];
            if !pausable.contains(&state) {
                return Err(wrong_state(&row, state, "paused"));
            }
            store::job::set_previous(tx, row.id, state)?;
            store::job::set_wish(tx, row.id, Wish::Pause)?;
            if let Some(text) = &message {
                keep_message(tx, row.id, text)?;
            }
            store::entry::withdraw(tx, row.id)?;
            record(tx, Object::Job(row.id), EventWord::Paused, message.as_deref().unwrap_or_default())?;
            claimants(tx, &entries)
        })
    }

    /// Resumes a paused job. Returns the print processes that have work now.
    pub(crate) fn resume_job(&self, call: &Call, job: &JobRef, message: Option<String>) -> Fallible<Vec<WakeTarget>> {
        check_message(message.as_ref())?;
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            demand_hold(tx, &row, owner.as_ref())?;
            let (state, _) = Self::job_state(tx, &row)?;
            if state != JobState::Paused {
                return Err(wrong_state(&row, state, "resumed: only a paused job can be"));
            }
            store::job::set_previous(tx, row.id, state)?;
            store::job::set_wish(tx, row.id, Wish::Run)?;
            if let Some(text) = &message {
                keep_message(tx, row.id, text)?;
            }
            record(tx, Object::Job(row.id), EventWord::Resumed, message.as_deref().unwrap_or_default())?;
            if !row.reasons.is_empty() {
                return Ok(Vec::new());
            }
            store::alter::restore_entries(tx, row.id)?;
            wakes::of_route(tx, row.route)
        })
    }

    /// Puts a ready job before all others.
    pub(crate) fn promote_job(&self, call: &Call, job: &JobRef, message: Option<String>) -> Fallible<()> {
        check_message(message.as_ref())?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let mut row = find_to_change(tx, &spool, &job)?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_job(tx, &row)? })?;
            let (state, _) = Self::job_state(tx, &row)?;
            if state != JobState::Ready {
                return Err(wrong_state(&row, state, "promoted: only a pending job can be"));
            }
            // Sequence numbers only ascend, so the job that is promoted later gets the smaller key.
            row.sort.promoted = -store::spool::next_sequence(tx)?;
            store::job::set_sort(tx, row.id, &row.sort, row.place)?;
            store::alter::rekey_entries(tx, &row)?;
            if let Some(text) = &message {
                keep_message(tx, row.id, text)?;
            }
            note_time(tx, row.id, "promotion-time")?;
            record(tx, Object::Job(row.id), EventWord::Promoted, message.as_deref().unwrap_or_default())
        })
    }

    /// Waits until no device has the job any more, or until `timeout`. A commit wakes the wait; nothing is polled.
    pub(crate) fn await_stopped(&self, call: &Call, job: &JobRef, timeout: Duration) -> Fallible<JobStatus> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let status = self.job(call, job)?;
            let left = deadline.saturating_duration_since(Instant::now());
            let on_device = [JobState::Printing, JobState::Transferred, JobState::Terminating].contains(&status.state);
            if !on_device || left.is_zero() {
                return Ok(status);
            }
            watch.wait(left).map_err(io)?;
        }
    }

    /// Waits until the job has ended or is held until a person acts, or until `timeout`; none where it is gone. A commit wakes
    /// the wait; nothing is polled.
    pub(crate) fn await_end(&self, call: &Call, job: &JobRef, timeout: Duration) -> Fallible<Option<JobStatus>> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let status = match self.job(call, job) {
                Ok(status) => status,
                Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
                Err(failure) => return Err(failure),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if status.has_ended() || status.waits_for_a_person() || left.is_zero() {
                return Ok(Some(status));
            }
            watch.wait(left).map_err(io)?;
        }
    }
}
