//! Sending jobs on to another destination.
//!
//! States: a job that waits, is held, or is kept after its end goes to another destination in one transaction, with its
//! number, its names, its print files and what was given for it. One that waits stands there as a new arrival; one that is
//! held stays held; one that was kept prints again. A job that a device has is never taken from it here: no octet of it
//! leaves twice. Refused, the job stays where it was.
//!
//! Who may: the owner, the creator of the spool, and with MGRACCESS a manager of the owner's group, if he may submit a job of
//! that priority at the new destination. A member of a batch goes with its batch only.

use crate::model::Call;
use crate::model::event::EventWord;
use crate::model::field::Field;
use crate::model::state::{HoldReason, JobState};
use crate::model::{Failure, JobRef};
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Lock, Tx};

use super::actions::{demand_job, find_to_change, wrong_state};
use super::alter::Place;
use super::membership::demand_single;
use super::submit::{demand_open, may_send_job, takes_work};
use super::supported::Unsupported;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// What a job is asked for that its new destination cannot know: it is forgotten when a job is printed again elsewhere.
const FORGOTTEN: &str = "actual-destinations-requested";

impl Spool {
    /// Sends a job on to the destination `to`. With `anew` it loses what its old destination gave it. Returns the print
    /// processes that have work now.
    pub(crate) fn resubmit_job(&self, call: &Call, job: &JobRef, to: String, anew: bool) -> Fallible<Vec<WakeTarget>> {
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let before = find_to_change(tx, &spool, &job)?;
            demand_job(tx, &before, owner.as_ref())?;
            let (state, entries) = Self::job_state(tx, &before)?;
            crate::spool::remote::demand_not_away(&before, &entries)?;
            if !matches!(state, JobState::Ready | JobState::Held | JobState::Retained) {
                return Err(refused(wrong_state(&before, state, "sent to another destination"), state));
            }
            demand_single(&before)?;
            takes_work(tx)?;
            let destination = spool.destination(tx, &to)?;
            may_send_job(tx, &destination, &before)?;
            demand_open(tx, &destination)?;
            let place = spool.place_at(tx, destination)?;
            let from = Self::job_destination(tx, &before)?;
            let mut row = match state {
                JobState::Retained => {
                    let field = Field::from_stored(FORGOTTEN).ok_or_else(|| Failure::internal("no such attribute"))?;
                    store::alter::set_value(tx, before.id, 0, field, None)?;
                    still_waits(tx, spool.revive(tx, &before)?)?
                }
                _ => before,
            };
            (row.sort, row.place) =
                spool.new_position(tx, place.route, row.priority, (row.work, row.pages), row.deadline_ms)?;
            if anew {
                store::alter::forget_defaults(tx, row.id)?;
            }
            store::job::set_previous(tx, row.id, state)?;
            let printed = state == JobState::Retained;
            let unsupported = spool.stands_there(tx, &mut row, &place)?;
            let row = if printed { spool.carry_anew(tx, row, &place)? } else { spool.carry(tx, row, &place)? };
            let why = format!("from {from} to {}", place.destination);
            record(tx, Object::Job(row.id), EventWord::Rerouted, &why)?;
            if let Some(held) = &unsupported {
                held.record(tx)?;
            }
            wakes::of_route(tx, row.route)
        })
    }

    /// Gives a job what holds it at its new place: its owner releases it there, or what it asks for is supported nowhere there.
    /// Refused where the server does not take such jobs. The caller records what is returned, once it has recorded the way there.
    pub(crate) fn stands_there(&self, tx: &Tx<'_>, row: &mut JobRow, place: &Place) -> Fallible<Option<Unsupported>> {
        row.group = place.group;
        row.reasons = self.sent_on(tx, row)?;
        let there = JobRow { route: place.route, location: place.location, ..row.clone() };
        let devices = store::device::of_route(tx, place.route)?;
        let word = super::new_job::destination_word(&place.destination);
        let unsupported = super::supported::demand(tx, &there, &devices, &word)?;
        row.reasons = match &unsupported {
            Some(held) => held.job.reasons,
            // What it lacked at its old destination says nothing of this one.
            None => super::supported::forget(tx, row)?,
        };
        Ok(unsupported)
    }

    /// Takes a job that no device has to another place, with the position that its row says. An attempt at another device may
    /// have left pages: its entry goes, but this must not be forgotten.
    pub(crate) fn carry(&self, tx: &Tx<'_>, row: JobRow, place: &Place) -> Fallible<JobRow> {
        let entries = store::entry::of_job(tx, row.id)?;
        let row = self.carry_anew(tx, row, place)?;
        if entries.iter().any(|entry| entry.duplicate || entry.begun.is_some()) {
            store::alter::mark_duplicate(tx, row.id)?;
        }
        Ok(row)
    }

    /// The same for a job that has printed and prints again: nothing of it is a duplicate.
    pub(crate) fn carry_anew(&self, tx: &Tx<'_>, mut row: JobRow, place: &Place) -> Fallible<JobRow> {
        (row.group, row.location, row.route) = (place.group, place.location, place.route);
        tx.lock(Lock::Route(row.route))?;
        store::alter::update_job(tx, &row)?;
        store::alter::delete_entries(tx, row.id)?;
        self.insert_entries(tx, &row, place.broadcast)?;
        Ok(row)
    }
}

/// Holds a job that prints again until the time before which it must not print, where that has not come yet.
fn still_waits(tx: &Tx<'_>, mut job: JobRow) -> Fallible<JobRow> {
    if job.lifetime.print_after_ms.is_some_and(|at| at > tx.now().wall_ms) {
        job.reasons = job.reasons.with(HoldReason::PrintAfter);
        store::job::set_reasons(tx, job.id, job.reasons, None)?;
    }
    Ok(job)
}

/// Says what helps a job in this state.
fn refused(failure: Failure, state: JobState) -> Failure {
    match state {
        JobState::Paused => failure.hint("pdresume -c job   resumes it first"),
        JobState::Printing => failure.hint("pdmod -x job-hold=true   alone takes it from its device and holds it"),
        _ => failure,
    }
}
