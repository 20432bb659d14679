//! Batches: jobs that are printed one after the other on one device, as one listing.
//!
//! States: a job is part of one batch or of none. A batch is there as long as it has a job; its first job begins it. Its
//! jobs have one owner, one form and one location: these are changed for all of them together, or not at all.
//!
//! Printing: START gives the jobs of a batch one place in the queue, in the order in which they were linked. A device that
//! has printed one of them goes on with the next before any other job ([`Listing`](crate::store::batch::Listing)), up to the
//! last one that there was when it began; in a group, that device alone gets the rest, unless it takes no more jobs.
//!
//! Who may: whoever may change its jobs.
//!
//! A crash: each change is one transaction over all jobs of the batch.

use crate::model::alter::JobChange;
use crate::model::event::{EventDetail, EventWord};
use crate::model::job::{BatchChange, BatchResult};
use crate::model::order::Priority;
use crate::model::state::{EntryState, HoldReason, HoldReasons, JobState, Wish};
use crate::model::{BatchNumber, Call, Failure, FailureKind, JobRef};
use crate::store::event::{Object, record, record_with};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};

use super::actions::{
    Aftermath, OwnersGroups, cancelled_by, claimants, demand_job, find_to_change, wait_no_longer, wrong_state,
};
use super::membership::{difference, not_found};
use crate::spool::disk::files;
use crate::spool::objects::fonts::demand_no_font;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Puts a job on hold into a batch whose jobs are on hold; a number that is no batch begins one.
    pub(crate) fn link_job(&self, call: &Call, batch: BatchNumber, job: &JobRef) -> Fallible<()> {
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Takes, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            demand_job(tx, &row, owner.as_ref())?;
            let refuse = |why: String| Failure::new(FailureKind::State, format!("job {} {why}", row.number));
            match row.batch {
                Some(known) if known.number == batch => return Ok(()),
                Some(known) => {
                    return Err(refuse(format!("is part of batch {} already", known.number))
                        .hint(format!("BATCH {}, UNLINK {}   first", known.number, row.number)));
                }
                None => {}
            }
            demand_held(tx, &row, "linked")?;
            for member in store::batch::members(tx, batch)? {
                let member = store::job::lock(tx, member)?.ok_or_else(|| not_found(batch))?;
                demand_held(tx, &member, "part of a batch that gets another job")?;
                if let Some(what) = difference(&member, &row) {
                    return Err(refuse(format!("has another {what} than the jobs of batch {batch}")));
                }
            }
            store::batch::link(tx, row.id, batch)?;
            record(tx, Object::Job(row.id), EventWord::Altered, &format!("BATCH {batch}, LINK {}", row.number))
        })
    }

    /// Takes a job out of a batch.
    pub(crate) fn unlink_job(&self, call: &Call, batch: BatchNumber, job: &JobRef) -> Fallible<()> {
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            if store::batch::members(tx, batch)?.is_empty() {
                return Err(not_found(batch));
            }
            demand_job(tx, &row, owner.as_ref())?;
            if row.batch.is_none_or(|known| known.number != batch) {
                return Err(Failure::not_found(format!("job {} in batch {batch}", row.number)));
            }
            demand_held(tx, &row, "unlinked")?;
            store::batch::unlink(tx, row.id)?;
            record(tx, Object::Job(row.id), EventWord::Altered, &format!("BATCH {batch}, UNLINK {}", row.number))
        })
    }

    /// Changes all jobs of a batch, or none of them.
    pub(crate) fn change_batch(
        &self,
        call: &Call,
        batch: BatchNumber,
        change: BatchChange,
    ) -> Fallible<(BatchResult, Vec<WakeTarget>)> {
        let first = self.look(call, |tx| {
            let first = store::batch::members(tx, batch)?.first().copied().ok_or_else(|| not_found(batch))?;
            let job = store::job::by_id(tx, first)?.ok_or_else(|| not_found(batch))?;
            Ok(JobRef::Number(job.number))
        })?;
        // All of them have one owner.
        let owner = self.owners_groups(call, &first)?;
        if let BatchChange::Alter(changes) = change {
            return Ok((BatchResult::default(), self.alter_batch(call, batch, changes, owner)?));
        }
        let spool = self.clone();
        let (result, aftermath) = self.change(Room::Gives, call, move |tx| {
            let mut jobs = Vec::new();
            for id in store::batch::members(tx, batch)? {
                let job = store::job::lock(tx, id)?.ok_or_else(|| not_found(batch))?;
                demand_job(tx, &job, owner.as_ref())?;
                jobs.push(job);
            }
            if jobs.is_empty() {
                return Err(not_found(batch));
            }
            match change {
                BatchChange::Hold => spool.hold_all(tx, &jobs),
                BatchChange::Start => spool.start_all(tx, &jobs),
                BatchChange::Delete | BatchChange::Alter(_) => delete_all(tx, &jobs),
            }
        })?;
        files::erase(&self.base().server(self.server()), &aftermath.erase);
        Ok((result, aftermath.targets))
    }

    fn hold_all(&self, tx: &Tx<'_>, jobs: &[JobRow]) -> Fallible<(BatchResult, Aftermath)> {
        let mut aftermath = Aftermath::default();
        for job in jobs {
            let (state, entries) = Self::job_state(tx, job)?;
            if matches!(state, JobState::Terminating | JobState::Retained) {
                continue;
            }
            let reasons = job.reasons.with(HoldReason::Operator);
            store::job::set_reasons(tx, job.id, reasons, job.reason_text.as_deref())?;
            store::entry::withdraw(tx, job.id)?;
            record_with(tx, Object::Job(job.id), EventWord::Held, EventDetail::Hold(HoldReason::Operator), "BATCH")?;
            for target in claimants(tx, &entries)? {
                wakes::add(&mut aftermath.targets, Some(target));
            }
        }
        Ok((BatchResult::default(), aftermath))
    }

    /// Starts the jobs that are on hold: they stand at one place of the queue, in the order of LINK. The work of all of them
    /// decides where that is.
    fn start_all(&self, tx: &Tx<'_>, jobs: &[JobRow]) -> Fallible<(BatchResult, Aftermath)> {
        let mut result = BatchResult::default();
        let mut starting = Vec::new();
        for job in jobs {
            let (state, _) = Self::job_state(tx, job)?;
            if !matches!(state, JobState::Held | JobState::Paused) {
                continue;
            }
            let left = job.reasons.without(HoldReasons::CLEARED_BY_START);
            let text = if left.is_empty() { None } else { job.reason_text.as_deref() };
            let job = wait_no_longer(tx, job.clone())?;
            store::job::set_wish(tx, job.id, Wish::Run)?;
            store::job::set_reasons(tx, job.id, left, text)?;
            if left.is_empty() {
                starting.push(job.clone());
                record(tx, Object::Job(job.id), EventWord::Started, "BATCH")?;
            } else {
                let words: Vec<&str> = left.iter().map(HoldReason::words).collect();
                record(tx, Object::Job(job.id), EventWord::Started, &format!("still held: {}", words.join("; ")))?;
                result.remaining.push((job.number, left));
            }
        }
        let Some(first) = starting.first() else { return Ok((result, Aftermath::default())) };
        let work = starting.iter().fold(0u64, |sum, job| sum.saturating_add(job.work));
        let priority = starting.iter().map(|job| job.priority).max().unwrap_or(Priority::default());
        let pages: Option<u64> = starting.iter().map(|job| job.pages).sum();
        let deadline = starting.iter().filter_map(|job| job.deadline_ms).min();
        let (mut sort, place) = self.new_position(tx, first.route, priority, (work, pages), deadline)?;
        for (n, job) in starting.iter().enumerate() {
            if n > 0 {
                // Numbers of one transaction follow each other: no job that arrives stands between them.
                sort.sequence = store::spool::next_sequence(tx)?;
            }
            store::job::set_sort(tx, job.id, &sort, place)?;
            let entries = store::entry::of_job(tx, job.id)?;
            let whole = entries.iter().all(|entry| entry.state == EntryState::Done);
            let broadcast = Self::broadcasts(tx, job)?;
            for entry in entries.iter().filter(|entry| whole || entry.state != EntryState::Done) {
                // What a device of a group had begun, another one may print now.
                if entry.only.is_some() && !broadcast {
                    store::entry::let_anyone(tx, entry)?;
                }
                store::entry::requeue(tx, entry.job, entry.id, &sort)?;
            }
        }
        let targets = wakes::of_route(tx, first.route)?;
        Ok((result, Aftermath { erase: Vec::new(), targets }))
    }

    fn alter_batch(
        &self,
        call: &Call,
        batch: BatchNumber,
        changes: Vec<JobChange>,
        owner: Option<OwnersGroups>,
    ) -> Fallible<Vec<WakeTarget>> {
        let changes = super::alter::Prepared::of(changes)?;
        let spool = self.clone();
        self.change(Room::Takes, call, move |tx| {
            let mut targets = Vec::new();
            let members = store::batch::members(tx, batch)?;
            if members.is_empty() {
                return Err(not_found(batch));
            }
            for id in members {
                let job = store::job::lock(tx, id)?.ok_or_else(|| not_found(batch))?;
                demand_job(tx, &job, owner.as_ref())?;
                for target in spool.alter_in(tx, job, &changes)? {
                    wakes::add(&mut targets, Some(target));
                }
            }
            Ok(targets)
        })
    }
}

fn delete_all(tx: &Tx<'_>, jobs: &[JobRow]) -> Fallible<(BatchResult, Aftermath)> {
    let mut aftermath = Aftermath::default();
    for job in jobs {
        demand_no_font(tx, job)?;
        // One that has ended stays until its time is over.
        if Spool::job_state(tx, job)?.0 == JobState::Retained {
            continue;
        }
        let ending = cancelled_by(tx, job)?;
        store::job::set_wish(tx, job.id, Wish::Cancel)?;
        store::lifetime::set_ending(tx, job.id, Some(ending))?;
        store::entry::withdraw(tx, job.id)?;
        record(tx, Object::Job(job.id), EventWord::Deleted, "BATCH")?;
        let entries = store::entry::of_job(tx, job.id)?;
        if entries.iter().any(|e| e.state.is_busy()) {
            for target in claimants(tx, &entries)? {
                wakes::add(&mut aftermath.targets, Some(target));
            }
        } else {
            aftermath.erase.extend(Spool::end(tx, job, None, "cancelled", ending)?);
        }
    }
    Ok((BatchResult::default(), aftermath))
}

fn demand_held(tx: &Tx<'_>, job: &JobRow, what: &str) -> Fallible<()> {
    let (state, _) = Spool::job_state(tx, job)?;
    match state {
        JobState::Held | JobState::Paused | JobState::Retained => Ok(()),
        state => Err(wrong_state(job, state, what).hint(format!("JOB {}, HOLD   first", job.number))),
    }
}
