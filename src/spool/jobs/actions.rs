//! Jobs: listing, holding, starting, deleting, and their end.
//!
//! States: HOLD takes a job out of the queues in any state but Terminating and Retained; one that prints is stopped,
//! and is held when its attempt has ended. START puts a held or paused job back as a new arrival, unless a reason
//! remains that START does not clear. DELETE works in every state: the job goes to the history at once, or with its
//! last attempt while a device still has it.
//!
//! Who may: [`super::visible`] says who sees a job. The owner, the creator of the spool, and with MGRACCESS a manager of the owner's group
//! change.
//!
//! A crash: each change is one transaction, so it happened or it did not. Print files are erased after the commit;
//! files that a crash leaves between the two belong to no job, and the sweep removes them. Whoever dies before waking a
//! print process leaves a committed job that waits for the next wake-up.

use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object;
use crate::model::Call;
use crate::model::authority::{OfJob, Right};
use crate::model::event::{EventDetail, EventWord};
use crate::model::field::{Field, Value};
use crate::model::job::{Identity, JobStatus, Transfer};
use crate::model::lifetime::{Ending, Retention};
use crate::model::query::{Condition, Cursor, MAX_PARTS, Order, Page, Query};
use crate::model::state::{EntryState, HoldReason, HoldReasons, JobState, Wish};
use crate::model::{DocumentId, Failure, FailureKind, JobId, JobRef};
use crate::store::document::DocumentRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, record, record_with};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};
use crate::sys::users;

use super::view::Known;
use super::visible::Visible;
use crate::spool::disk::files;
use crate::spool::interface::records::{Event, EventSubject, Removal};
use crate::spool::objects::fonts::demand_no_font;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// A page looks at no more jobs than this, however few satisfy its condition.
const LOOK_AT_MOST: u32 = 5_000;

/// The parts of a listing in the order of the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The jobs that devices have: they stand first.
    OnDevices = 0,
    /// All others.
    Others = 1,
    /// All jobs: a listing by number has one part.
    Every = 2,
}

/// Where a page of a listing begins.
#[derive(Clone, Debug)]
struct ListingPlace {
    part: Part,
    /// When the listing began, wall clock. A job that a device takes later stays where it stood, so that it is listed once.
    since_ms: i64,
    /// The place of the last job in the part.
    after: Option<Vec<i64>>,
}

impl ListingPlace {
    fn of(order: Order, cursor: Option<&Cursor>, now_ms: i64) -> Self {
        let key = cursor.map(|cursor| cursor.key.as_slice());
        match (order, key) {
            (Order::Number, key) => Self { part: Part::Every, since_ms: now_ms, after: key.map(<[i64]>::to_vec) },
            (Order::Schedule, Some([part, since_ms, after @ ..])) => Self {
                part: if *part == Part::OnDevices as i64 { Part::OnDevices } else { Part::Others },
                since_ms: *since_ms,
                after: Some(after.to_vec()).filter(|after| !after.is_empty()),
            },
            (Order::Schedule, _) => Self { part: Part::OnDevices, since_ms: now_ms, after: None },
        }
    }

    fn key(&self) -> Vec<i64> {
        let mut key = if self.part == Part::Every { Vec::new() } else { vec![self.part as i64, self.since_ms] };
        key.extend(self.after.iter().flatten());
        key
    }

    /// Tells whether a job belongs to this part.
    fn has(&self, job: &JobStatus) -> bool {
        let first = !job.devices.is_empty() && job.started_ms.is_none_or(|at| at <= self.since_ms);
        match self.part {
            Part::OnDevices => first,
            Part::Others => !first,
            Part::Every => true,
        }
    }
}

/// What follows from a change of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aftermath {
    /// Files to erase once the change is committed.
    pub(crate) erase: Vec<String>,
    /// Processes that have to look.
    pub(crate) targets: Vec<WakeTarget>,
}

/// Refuses a condition that would keep others waiting.
pub(crate) fn demand_bounded(condition: &Condition) -> Fallible<()> {
    if condition.is_bounded() {
        return Ok(());
    }
    let why = format!("the condition has more than {MAX_PARTS} parts");
    Err(Failure::new(FailureKind::BadValue, why).hint("ask in several commands"))
}

/// The longest message, in octets.
const MAX_MESSAGE: usize = 4095;

/// Checks the message that a user leaves with a change.
pub(crate) fn check_message(message: Option<&String>) -> Fallible<()> {
    if message.is_some_and(|text| text.len() > MAX_MESSAGE) {
        let why = format!("the message is longer than {MAX_MESSAGE} octets");
        return Err(Failure::new(FailureKind::BadValue, why));
    }
    Ok(())
}

/// Makes the failure for a job that does not exist.
pub(crate) fn not_found(job: &JobRef) -> Failure {
    Failure::not_found(format!("job {job}"))
}

/// Finds the job that the caller means.
pub(crate) fn find(tx: &Tx<'_>, spool: &Spool, job: &JobRef) -> Fallible<JobRow> {
    match store::job::by_ref(tx, job, tx.caller()?.uid, spool.server().as_str())? {
        Some(row) => {
            Visible::of(tx)?.demand_job(tx, job, &row)?;
            Ok(row)
        }
        None => Err(gone(tx, spool, job)?),
    }
}

/// Makes the failure for a job that is not in the spool: one that has ended says where its history is, to those who may
/// see it.
pub(crate) fn gone(tx: &Tx<'_>, spool: &Spool, job: &JobRef) -> Fallible<Failure> {
    let found = store::finished::by_ref(tx, job, tx.caller()?.uid, spool.server().as_str())?;
    let Some(row) = found else { return Ok(not_found(job)) };
    if !Visible::of(tx)?.sees(tx, row.owner_uid, &row.destination)? {
        return Ok(not_found(job));
    }
    let (number, serial) = (row.number, row.serial);
    Ok(not_found(job)
        .hint(format!("it has ended ({}): JOB {number}, LOG shows what happened to it", row.outcome))
        .hint(format!("pdls --history -r log {serial}   shows the same")))
}

/// Finds the job, locks it, and reads it then: nobody else changes it until the transaction ends.
pub(crate) fn find_to_change(tx: &Tx<'_>, spool: &Spool, job: &JobRef) -> Fallible<JobRow> {
    store::job::to_change(tx, job, tx.caller()?.uid, spool.server().as_str())?.ok_or_else(|| not_found(job))
}

/// The groups of the owner of a job.
#[derive(Clone, Debug)]
pub(crate) struct OwnersGroups {
    uid: u32,
    groups: Vec<String>,
}

/// Refuses a caller who may not change the job. `owner` is what [`Spool::owners_groups`] found.
#[allow(clippy::redundant_closure, reason = "the constructor itself holds for one lifetime only")]
pub(crate) fn demand_job(tx: &Tx<'_>, job: &JobRow, owner: Option<&OwnersGroups>) -> Fallible<()> {
    demand_right(tx, job, owner, |job| Right::ChangeJob(job))
}

/// The same for holding, starting, pausing and resuming it.
#[allow(clippy::redundant_closure, reason = "the constructor itself holds for one lifetime only")]
pub(crate) fn demand_hold(tx: &Tx<'_>, job: &JobRow, owner: Option<&OwnersGroups>) -> Fallible<()> {
    demand_right(tx, job, owner, |job| Right::HoldJob(job))
}

fn demand_right(
    tx: &Tx<'_>,
    job: &JobRow,
    owner: Option<&OwnersGroups>,
    right: for<'a> fn(OfJob<'a>) -> Right<'a>,
) -> Fallible<()> {
    // The job may have another owner by now: his groups are not known then, and decide nothing.
    let owner_groups = owner.filter(|owner| owner.uid == job.owner_uid).map_or(&[][..], |owner| &owner.groups);
    let place = Spool::place_of_job(tx, job)?;
    Spool::demand(tx, right(OfJob { owner_uid: job.owner_uid, owner_groups, place: &place }))
        .map_err(|failure| Failure { message: format!("job {}: {}", job.number, failure.message), ..failure })
}

impl Spool {
    /// Finds the groups of a job's owner, where they decide whether the caller may change it. The system is asked before
    /// the transaction: it may have to ask a server, and nobody else could write meanwhile.
    pub(crate) fn owners_groups(&self, call: &Call, job: &JobRef) -> Fallible<Option<OwnersGroups>> {
        let caller = call.caller()?;
        if self.was_made_by(caller.uid) {
            return Ok(None);
        }
        let owner = self.look(call, |tx| {
            let is_managed = store::spool::row(tx)?.trust.manager_access;
            let row = store::job::by_ref(tx, job, caller.uid, self.server().as_str())?;
            Ok(row.map(|row| row.owner_uid).filter(|uid| is_managed && *uid != caller.uid))
        })?;
        Ok(owner.map(|uid| OwnersGroups { uid, groups: users::groups(uid) }))
    }

    /// Returns one page of the jobs that satisfy a query. A page may be shorter than `limit` and still have a next one.
    pub(crate) fn jobs(
        &self,
        call: &Call,
        query: &Query,
        after: Option<Cursor>,
        limit: u32,
    ) -> Fallible<Page<JobStatus>> {
        demand_bounded(&query.condition)?;
        let uid = call.caller()?.uid;
        let limit = limit.clamp(1, crate::model::query::PAGE);
        self.look(call, |tx| {
            let mut rows = Vec::with_capacity(limit as usize);
            let mut visible = Visible::of(tx)?;
            let condition = visible.narrow(&query.condition);
            let filter = Filter::new(&condition, Class::Job);
            let mut known = Known::of(query.parts.and(filter.needs()));
            let mut place = ListingPlace::of(query.order, after.as_ref(), tx.now().wall_ms);
            let mut last = after.map(|cursor| cursor.job);
            let mut looked_at = 0;
            let next = |place: &ListingPlace, last: Option<JobId>| last.map(|job| Cursor { key: place.key(), job });
            loop {
                let candidates = store::job::candidates(
                    tx,
                    &condition,
                    query.order,
                    (uid, self.server().as_str()),
                    (place.part == Part::OnDevices, place.after.as_deref()),
                    limit,
                )?;
                let exhausted = (candidates.len() as u32) < limit;
                known.read_ahead(tx, &candidates)?;
                for row in candidates {
                    place.after = Some(store::job::cursor_key(query.order, &row));
                    last = Some(row.id);
                    if !visible.sees_job(tx, &row)? {
                        continue;
                    }
                    let status = visible.shown(tx, self.job_status(tx, row, &mut known)?)?;
                    if place.has(&status) && filter.takes(&object::Object::Job(&status), uid) {
                        rows.push(status);
                    }
                    if rows.len() as u32 == limit {
                        return Ok(Page { rows, next: next(&place, last) });
                    }
                }
                if exhausted && place.part == Part::OnDevices {
                    place = ListingPlace { part: Part::Others, after: None, ..place };
                    continue;
                }
                if exhausted {
                    return Ok(Page { rows, next: None });
                }
                // A filter that matches almost nothing must not hold one read transaction open over a million jobs.
                looked_at += limit;
                if looked_at >= LOOK_AT_MOST {
                    return Ok(Page { rows, next: next(&place, last) });
                }
            }
        })
    }

    /// Returns one job.
    pub(crate) fn job(&self, call: &Call, job: &JobRef) -> Fallible<JobStatus> {
        self.look(call, |tx| {
            let row = find(tx, self, job)?;
            let status = self.job_status(tx, row, &mut Known::default())?;
            Visible::of(tx)?.shown(tx, status)
        })
    }

    /// Holds a job. Returns the print processes that have to stop printing it.
    pub(crate) fn hold_job(&self, call: &Call, job: &JobRef) -> Fallible<Vec<WakeTarget>> {
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            demand_hold(tx, &row, owner.as_ref())?;
            Self::take_from_claimant(tx, &row)?;
            let (state, entries) = Self::job_state(tx, &row)?;
            if matches!(state, JobState::Terminating | JobState::Retained) {
                return Err(wrong_state(&row, state, "held"));
            }
            let reasons = row.reasons.with(HoldReason::Operator);
            store::job::set_previous(tx, row.id, state)?;
            store::job::set_reasons(tx, row.id, reasons, row.reason_text.as_deref())?;
            store::entry::withdraw(tx, row.id)?;
            record_with(tx, Object::Job(row.id), EventWord::Held, EventDetail::Hold(HoldReason::Operator), "")?;
            claimants(tx, &entries)
        })
    }

    /// Starts a held or paused job. Returns the reasons that still hold it, and the print processes that have work now.
    pub(crate) fn start_job(&self, call: &Call, job: &JobRef) -> Fallible<(HoldReasons, Vec<WakeTarget>)> {
        let fresh = self.changed_documents(call, job)?;
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            demand_hold(tx, &row, owner.as_ref())?;
            Self::take_from_claimant(tx, &row)?;
            let (state, _) = Self::job_state(tx, &row)?;
            if !matches!(state, JobState::Held | JobState::Paused | JobState::Retained) {
                return Err(wrong_state(&row, state, "started: only a held job can be"));
            }
            store::job::set_previous(tx, row.id, state)?;
            let row = if state == JobState::Retained { spool.revive(tx, &row)? } else { row };
            let left = row.reasons.without(HoldReasons::CLEARED_BY_START);
            let row = wait_no_longer(tx, row)?;
            store::job::set_wish(tx, row.id, Wish::Run)?;
            store::job::set_reasons(tx, row.id, left, if left.is_empty() { None } else { row.reason_text.as_deref() })?;
            if !left.is_empty() {
                let words: Vec<&str> = left.iter().map(HoldReason::words).collect();
                record(tx, Object::Job(row.id), EventWord::Started, &format!("still held: {}", words.join("; ")))?;
                return Ok((left, Vec::new()));
            }
            for (document, identity) in &fresh {
                store::document::set_identity(tx, *document, identity)?;
            }
            spool.requeue(tx, &row)?;
            record(tx, Object::Job(row.id), EventWord::Started, "")?;
            Ok((left, wakes::of_route(tx, row.route)?))
        })
    }

    /// Puts a held job back into the queues. It has lost its place: it stands where a job that arrives now would stand.
    pub(crate) fn requeue(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<()> {
        let (sort, place) = self.new_position(tx, job.route, job.priority, (job.work, job.pages), job.deadline_ms)?;
        store::job::set_sort(tx, job.id, &sort, place)?;
        store::entry::let_go(tx, job.id)?;
        let entries = store::entry::of_job(tx, job.id)?;
        // A broadcast that was held half-way prints only where it has not printed yet. One that printed everywhere
        // prints again.
        let whole = entries.iter().all(|entry| entry.state == EntryState::Done);
        for entry in entries.iter().filter(|entry| whole || entry.state != EntryState::Done) {
            store::entry::requeue(tx, entry.job, entry.id, &sort)?;
        }
        Ok(())
    }

    /// Returns the new identities of the linked documents of a job that is held because one of them is another file
    /// now. Whoever starts the job all the same wants the new file printed, so START stores these. They are read before
    /// the transaction, because a link may lead to a file system that does not answer.
    pub(crate) fn changed_documents(&self, call: &Call, job: &JobRef) -> Fallible<Vec<(DocumentId, Identity)>> {
        let links: Vec<DocumentRow> = self.look(call, |tx| {
            let row = find(tx, self, job)?;
            if !row.reasons.has(HoldReason::Changed) {
                return Ok(Vec::new());
            }
            let documents = store::document::of_job(tx, row.id)?;
            Ok(documents.into_iter().filter(|d| d.transfer == Transfer::Link).collect())
        })?;
        // We run with our own rights, so we cannot tell what another caller may read.
        if !links.is_empty() && call.caller()?.uid != nix::unistd::geteuid().as_raw() {
            return Err(Failure::new(FailureKind::Unsupported, "its linked document is another file now")
                .hint("submit that file anew"));
        }
        let dir = self.base().server(self.server());
        let look = |document: &DocumentRow| {
            let file = crate::sys::files::open_regular(&dir.join(&document.store_name)).ok()?;
            Some((document.id, crate::sys::files::identity(&file).ok()?))
        };
        Ok(links.iter().filter_map(look).collect())
    }

    /// Deletes a job; the message goes into its history and stays with a job that is kept. `retention` takes the place of the
    /// one that it has, and counts from the moment at which it ended. Returns what became of it, and the print processes that
    /// have to stop printing it.
    pub(crate) fn delete_job(
        &self,
        call: &Call,
        job: &JobRef,
        message: Option<String>,
        retention: Option<Retention>,
    ) -> Fallible<(Removal, Vec<WakeTarget>)> {
        check_message(message.as_ref())?;
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        let (removal, aftermath) = self.change(Room::Gives, call, move |tx| {
            let mut row = find_to_change(tx, &spool, &job)?;
            demand_job(tx, &row, owner.as_ref())?;
            demand_no_font(tx, &row)?;
            Self::take_from_claimant(tx, &row)?;
            let (state, _) = Self::job_state(tx, &row)?;
            if let Some(text) = &message {
                keep_message(tx, row.id, text)?;
            }
            if let Some(retention) = retention {
                row.lifetime.retention = Some(retention);
                store::lifetime::set(tx, row.id, &row.lifetime)?;
                keep_retention(tx, row.id, retention)?;
            }
            if state == JobState::Retained {
                let erase = spool.keep_on(tx, &row, message.as_deref(), retention.is_some())?;
                let removal = if erase.is_some() { Removal::Gone } else { Removal::Retained };
                return Ok((removal, Aftermath { erase: erase.unwrap_or_default(), targets: Vec::new() }));
            }
            if row.arriving {
                // There is nothing to keep, and no device has it: its submission ends with its row.
                record(tx, Object::Job(row.id), EventWord::Deleted, message.as_deref().unwrap_or_default())?;
                let erase = Self::finish(tx, &row, None, "cancelled")?;
                crate::spool::objects::spooler::settle_drain(tx)?;
                return Ok((Removal::Gone, Aftermath { erase, targets: Vec::new() }));
            }
            let ending = cancelled_by(tx, &row)?;
            store::job::set_wish(tx, row.id, Wish::Cancel)?;
            store::lifetime::set_ending(tx, row.id, Some(ending))?;
            store::entry::withdraw(tx, row.id)?;
            record(tx, Object::Job(row.id), EventWord::Deleted, message.as_deref().unwrap_or_default())?;
            let entries = store::entry::of_job(tx, row.id)?;
            if entries.iter().any(|e| e.state.is_busy()) {
                let stoppable = entries.iter().any(|e| matches!(e.state, EntryState::Claimed | EntryState::Away));
                let removal = if stoppable { Removal::Terminating } else { Removal::Transferred };
                return Ok((removal, Aftermath { erase: Vec::new(), targets: claimants(tx, &entries)? }));
            }
            let removal = if Self::kept_until(tx, &row)?.is_some() { Removal::Retained } else { Removal::Gone };
            let erase = Self::end(tx, &row, None, "cancelled", ending)?;
            Ok((removal, Aftermath { erase, targets: Vec::new() }))
        })?;
        files::erase(&self.base().server(self.server()), &aftermath.erase);
        Ok((removal, aftermath.targets))
    }

    /// Removes a job that is kept, if its retention does not keep it any longer; where it has none of its own to say, it stays.
    /// Returns the files to erase after the commit, none when it stays.
    fn keep_on(&self, tx: &Tx<'_>, job: &JobRow, message: Option<&str>, given: bool) -> Fallible<Option<Vec<String>>> {
        if given && let Some(ended) = store::lifetime::ended(tx, job.id)? {
            match job.lifetime.kept_until(ended.at_spool, tx.now().wall_ms) {
                Some(until) => store::lifetime::set_until(tx, job.id, &until)?,
                None => {
                    record(tx, Object::Job(job.id), EventWord::Deleted, message.unwrap_or_default())?;
                    return Self::finish(tx, job, None, "cancelled").map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Ends a job and moves its row to the history; of one that had ended before, its end is what it was. Returns the files to
    /// erase after the commit.
    pub(crate) fn finish(tx: &Tx<'_>, job: &JobRow, device: Option<&str>, outcome: &str) -> Fallible<Vec<String>> {
        store::outbox::printed(tx, job, outcome, device)?;
        let destination = Self::job_destination(tx, job)?.stored();
        // One that is cancelled while a device has it knows how it ends before it does.
        let ended_before = job.lifetime.ending.is_some() && store::lifetime::ended(tx, job.id)?.is_some();
        let (outcome, device, at_ms) = Self::end_of(tx, job, outcome, device)?;
        if !ended_before {
            crate::spool::secure::record::ended(tx, job, &outcome, device.as_deref())?;
        }
        if job.origin.is_some() {
            store::remote::ended(
                tx,
                job.id,
                crate::spool::remote::incoming::word_of_end(tx, job, &outcome),
                device.as_deref(),
            )?;
        }
        let removed = store::job::delete(tx, job.id)?;
        store::finished::insert(tx, job, &destination, device.as_deref(), (&outcome, at_ms), &removed)?;
        Ok(removed.files)
    }

    /// Returns the events of an object that follow `after`, oldest first. A finished job still has its events.
    pub(crate) fn events(&self, call: &Call, subject: &EventSubject, after: i64) -> Fallible<Vec<Event>> {
        self.look(call, |tx| {
            let object = match subject {
                EventSubject::Job(job) => Object::Job(self.job_ever(tx, job)?),
                EventSubject::Device(name) => {
                    let row = store::device::by_name(tx, name)?;
                    Object::Device(row.ok_or_else(|| crate::spool::objects::devices::not_found(tx, name))?.id)
                }
                EventSubject::Process(name) => {
                    let row = store::process::by_name(tx, name)?;
                    Object::Process(row.ok_or_else(|| crate::spool::objects::processes::not_found(name))?.id)
                }
                EventSubject::Location(name) => {
                    let row = store::location::by_name(tx, name)?;
                    Object::Location(row.ok_or_else(|| Failure::not_found(format!("location {name}")))?.id)
                }
                EventSubject::Collector(name) => {
                    let row = store::collector::by_name(tx, name)?;
                    Object::Collector(row.ok_or_else(|| crate::spool::objects::collectors::not_found(name))?.id)
                }
                EventSubject::Object(class, name) => {
                    let row = store::object::by_name(tx, *class, name)?;
                    let row = row.ok_or_else(|| crate::spool::objects::object::not_found(*class, name))?;
                    Object::Kept(*class, row.id)
                }
                EventSubject::Spool => Object::Spool,
            };
            store::event::list(tx, object, after)
        })
    }
}

/// How a job ends that the caller cancels.
pub(crate) fn cancelled_by(tx: &Tx<'_>, job: &JobRow) -> Fallible<Ending> {
    Ok(match tx.caller()?.uid == job.owner_uid {
        true => Ending::CancelledByUser,
        false => Ending::CancelledByOperator,
    })
}

/// Forgets the time before which a job must not print: somebody wants it printed now.
pub(crate) fn wait_no_longer(tx: &Tx<'_>, mut job: JobRow) -> Fallible<JobRow> {
    if job.lifetime.print_after_ms.take().is_some() {
        store::lifetime::set(tx, job.id, &job.lifetime)?;
        store::alter::set_value(tx, job.id, 0, Field::JobPrintAfter, None)?;
    }
    Ok(job)
}

/// Keeps the message that somebody left with a job, where its owner reads it.
pub(crate) fn keep_message(tx: &Tx<'_>, job: JobId, text: &str) -> Fallible<()> {
    note(tx, job, MESSAGE, &Value::Text(text.to_owned()))
}

/// The attribute that holds the last message.
const MESSAGE: &str = "job-message-from-administrator";

/// Notes the present moment as the value of an attribute that only the spool sets.
pub(crate) fn note_time(tx: &Tx<'_>, job: JobId, attribute: &str) -> Fallible<()> {
    note(tx, job, attribute, &Value::Time(tx.now().wall_ms))
}

/// Notes who altered a job, and when.
pub(crate) fn note_alteration(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    note_time(tx, job, "modification-time")?;
    note(tx, job, "name-of-last-accessor", &Value::Text(tx.who().to_owned()))
}

fn note(tx: &Tx<'_>, job: JobId, attribute: &str, value: &Value) -> Fallible<()> {
    let unknown = || Failure::internal(format!("there is no attribute {attribute}"));
    store::alter::note_value(tx, job, Field::from_stored(attribute).ok_or_else(unknown)?, value)
}

/// Keeps a retention as the one that was given: the other two ways of giving one are forgotten.
fn keep_retention(tx: &Tx<'_>, job: JobId, retention: Retention) -> Fallible<()> {
    Retention::FIELDS.into_iter().try_for_each(|field| {
        let value = (field == retention.field()).then(|| retention.value());
        store::alter::set_value(tx, job, 0, field, value.as_ref())
    })
}

/// Makes the failure for a job whose state does not allow what was asked.
pub(crate) fn wrong_state(job: &JobRow, state: JobState, what: &str) -> Failure {
    Failure::new(FailureKind::State, format!("job {} is {} and cannot be {what}", job.number, state.infoprint()))
}

/// Returns the print processes that have claimed some of `entries`: they have to stop.
pub(crate) fn claimants(tx: &Tx<'_>, entries: &[EntryRow]) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for (process, _) in entries.iter().filter_map(|e| e.claimed_by) {
        wakes::add(&mut targets, wakes::target_with_id(tx, process)?);
    }
    Ok(targets)
}
