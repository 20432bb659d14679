//! Changing the attributes of jobs that are in the spool.
//!
//! A set of changes is one transaction: all of them hold, or none. What decides where a job waits (destination, priority,
//! form, copies) gives it the place of a new arrival, and its entries the requirement class and work that follow.

use rusqlite::Connection;

use crate::model::alter::{JobChange, NewOwner};
use crate::model::authority::Right;
use crate::model::device::check_form;
use crate::model::location::Destination;
use crate::model::order::{Priority, work_in_lines};
use crate::model::state::{EntryState, HoldReason, HoldReasons, Wish};
use crate::model::time::Moment;
use crate::model::{
    Caller, DestName, Failure, FailureKind, GroupId, JobRef, LocationId, LocationName, LocationPattern, RouteId,
};
use crate::store::document::DocumentRow;
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::{self, Fallible};
use crate::sys::users;

use super::actions::{claimants, demand_job, find, wrong_state};
use super::submit;
use crate::spool::objects::locations;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// The longest message, in octets.
const MAX_MESSAGE: usize = 4095;
/// The most copies, as the attribute table has it.
const MAX_COPIES: u32 = 2_147_483_647;

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::BadValue, message)
}

/// Checks what does not need the spool.
fn check(changes: &[JobChange]) -> Fallible<()> {
    if changes.is_empty() {
        return Err(bad("nothing is to be changed"));
    }
    changes.iter().try_for_each(|change| match change {
        JobChange::Name(Some(name)) if name.trim().is_empty() => Err(bad("the job name is empty")),
        JobChange::Name(Some(name)) => submit::check_name(name),
        JobChange::Form(Some(form)) => check_form(form).map(drop).map_err(bad),
        JobChange::Copies { copies: Some(0), .. } => Err(bad("0 copies: the number of copies is at least 1")),
        JobChange::Copies { copies: Some(n), .. } if *n > MAX_COPIES => Err(bad(format!("{n} copies are too many"))),
        JobChange::Message(text) => check_message(Some(text)),
        _ => Ok(()),
    })
}

pub(crate) fn check_message(message: Option<&String>) -> Fallible<()> {
    if message.is_some_and(|text| text.len() > MAX_MESSAGE) {
        return Err(bad(format!("the message is longer than {MAX_MESSAGE} octets")));
    }
    Ok(())
}

/// The name of a job whose submitter gave none: that of its first document, with control characters as `?`.
fn usual_name(documents: &[DocumentRow]) -> String {
    let path = documents.first().map(|document| &document.file_name.0);
    let base = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let name = base.filter(|name| name != "-").unwrap_or_else(|| "stdin".to_owned());
    name.chars().map(|c| if c.is_control() { '?' } else { c }).take(255).collect()
}

/// A job on its way to what it is changed to.
struct Altered {
    /// As it was.
    before: JobRow,
    /// As it will be.
    job: JobRow,
    documents: Vec<DocumentRow>,
    /// Whether a job for its whole group prints on every device of it.
    broadcast: bool,
    /// What changed, in words.
    notes: Vec<String>,
    /// Held or released by this change.
    hold: Option<bool>,
}

impl Altered {
    fn note(&mut self, what: &str, from: &str, to: &str) {
        if from != to {
            self.notes.push(format!("{what} {} to {}", shown(from), shown(to)));
        }
    }

    /// Sets the copies of one document, or of all.
    fn copies(&mut self, db: &Connection, document: Option<u32>, copies: u32) -> Fallible<()> {
        if let Some(wanted) = document
            && !self.documents.iter().any(|one| one.sequence == wanted)
        {
            return Err(Failure::not_found(format!("document {wanted} of job {}", self.job.number)));
        }
        let alone = self.documents.len() == 1;
        for i in 0..self.documents.len() {
            let (sequence, before) = (self.documents[i].sequence, self.documents[i].copies);
            if document.is_some_and(|wanted| wanted != sequence) || before == copies {
                continue;
            }
            let what = if alone { "copies".to_owned() } else { format!("copies of document {sequence}") };
            self.note(&what, &before.to_string(), &copies.to_string());
            store::alter::set_copies(db, self.documents[i].id, copies)?;
            self.documents[i].copies = copies;
        }
        let work = self.documents.iter().map(|d| work_in_lines(d.lines, d.pages, d.identity.size, d.copies));
        self.job.work = work.fold(0, u64::saturating_add);
        self.job.pages = self.documents.iter().map(|d| d.pages.map(|p| p.saturating_mul(d.copies.into()))).sum();
        Ok(())
    }

    fn owner(&mut self, db: &Connection, owner: &NewOwner) -> Fallible<()> {
        let uid = match owner {
            NewOwner::Uid(uid) => *uid,
            NewOwner::Name(name) => {
                users::uid_of(name).ok_or_else(|| bad(format!("no user is called '{}'", name.escape_debug())))?
            }
        };
        if uid == self.job.owner_uid {
            return Ok(());
        }
        let name = users::name(uid);
        self.note("owner", &self.job.owner.clone(), &name);
        // Local ids count per user: the job gets the next one of its new owner.
        self.job.local = store::spool::next_local(db, uid)?;
        (self.job.owner, self.job.owner_uid, self.job.owner_gid) = (name, uid, users::primary_group(uid));
        Ok(())
    }

    /// Whether the place where it waits has to be found anew.
    fn moves(&self) -> bool {
        let place = |job: &JobRow| (job.route, job.priority, job.class, job.work);
        place(&self.before) != place(&self.job)
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("'{value}'") }
}

/// A place that jobs are sent to.
struct Place {
    destination: Destination,
    group: GroupId,
    location: Option<LocationId>,
    route: RouteId,
    broadcast: bool,
}

impl Spool {
    pub(crate) fn alter_job(
        &self,
        caller: &Caller,
        job: &JobRef,
        changes: Vec<JobChange>,
        now: &Moment,
    ) -> Fallible<Vec<WakeTarget>> {
        check(&changes)?;
        let gives = changes.iter().all(|change| matches!(change, JobChange::Hold(_) | JobChange::Message(_)));
        let (spool, caller, job, now) = (self.clone(), caller.clone(), job.clone(), now.clone());
        self.change(if gives { Room::Gives } else { Room::Takes }, move |db| {
            let row = find(db, &spool, &caller, &job)?;
            demand_job(db, &caller, &row)?;
            let (state, entries) = Self::job_state(db, &row)?;
            if !state.takes(&changes) {
                return Err(wrong_state(&row, state, "altered"));
            }
            let altered = spool.altered(db, &caller, row, &changes, &now)?;
            let mut targets = spool.write(db, &caller, &altered, &now)?;
            if altered.hold == Some(true) {
                for target in claimants(db, &entries)? {
                    wakes::add(&mut targets, Some(target));
                }
            }
            Ok(targets)
        })
    }

    /// The job as `changes` leave it, in their order. Documents are written already.
    fn altered(
        &self,
        db: &Connection,
        caller: &Caller,
        row: JobRow,
        changes: &[JobChange],
        now: &Moment,
    ) -> Fallible<Altered> {
        let documents = store::document::of_job(db, row.id)?;
        let broadcast = Self::broadcasts(db, &row)?;
        let mut a = Altered { before: row.clone(), job: row, documents, broadcast, notes: Vec::new(), hold: None };
        for change in changes {
            match change {
                JobChange::Name(name) => {
                    let name = name.clone().unwrap_or_else(|| usual_name(&a.documents));
                    a.note("name", &a.job.name.clone(), &name);
                    a.job.name = name;
                }
                JobChange::Form(form) => {
                    let form = form.as_deref().unwrap_or_default().trim().to_owned();
                    a.note("form", &a.job.form.clone(), &form);
                    a.job.class = store::job::class(db, &form)?;
                    a.job.form = form;
                }
                JobChange::Copies { document, copies } => a.copies(db, *document, copies.unwrap_or(1))?,
                JobChange::Priority(priority) => {
                    let priority = priority.unwrap_or_default();
                    if priority > Priority::default() && priority != a.job.priority {
                        Self::demand(db, caller, Right::RaisePriority)?;
                    }
                    a.note("priority", &a.job.priority.get().to_string(), &priority.get().to_string());
                    a.job.priority = priority;
                }
                JobChange::HoldAfter(on) => {
                    let on = on.unwrap_or(false);
                    a.note("hold-after", &a.job.hold_after.to_string(), &on.to_string());
                    a.job.hold_after = on;
                }
                JobChange::Destination { to, declare } => {
                    let place = self.place(db, to, *declare, caller, now)?;
                    let from = Self::job_destination(db, &a.job)?;
                    a.note("destination", &from.to_string(), &place.destination.to_string());
                    (a.job.group, a.job.location, a.job.route) = (place.group, place.location, place.route);
                    a.broadcast = place.broadcast;
                }
                JobChange::Owner(owner) => a.owner(db, owner)?,
                JobChange::Hold(on) => a.hold = Some(on.unwrap_or(false)),
                JobChange::Message(text) => {
                    record(db, now, Object::Job(a.job.id), &caller.user, "message", text)?;
                }
            }
            if let Some((field, value)) = change.given() {
                for document in covered(change, &a.documents) {
                    store::alter::set_value(db, a.job.id, document, field, value.as_ref())?;
                }
            }
        }
        Ok(a)
    }

    /// Writes a changed job with its entries, and what happened to it.
    fn write(&self, db: &Connection, caller: &Caller, a: &Altered, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        let mut job = a.job.clone();
        let moves = a.moves();
        if moves {
            job.sort = self.new_position(db, job.route, job.priority, job.work, now)?;
        }
        store::alter::update_job(db, &job)?;
        if job.route != a.before.route {
            let entries = store::entry::of_job(db, job.id)?;
            // What an earlier attempt left at another device is not forgotten with its entry.
            let uncertain = entries.iter().any(|entry| entry.duplicate || entry.begun.is_some());
            store::alter::delete_entries(db, job.id)?;
            self.insert_entries(db, &job, a.broadcast)?;
            if uncertain {
                store::alter::mark_duplicate(db, job.id)?;
            }
        } else if moves {
            store::alter::rekey_entries(db, &job)?;
        }
        let note = |what: &str, why: &str| record(db, now, Object::Job(job.id), &caller.user, what, why);
        if !a.notes.is_empty() {
            note("altered", &a.notes.join("; "))?;
        }
        match a.hold {
            Some(true) if !job.reasons.has(HoldReason::Operator) => {
                let reasons = job.reasons.with(HoldReason::Operator);
                store::job::set_reasons(db, job.id, reasons, job.reason_text.as_deref())?;
                store::entry::withdraw(db, job.id)?;
                note("held", "")?;
            }
            Some(false) => self.release(db, &job, caller, now)?,
            _ => {}
        }
        let waits = store::entry::of_job(db, job.id)?.iter().any(|entry| entry.state == EntryState::Queued);
        if waits && (moves || a.hold == Some(false)) {
            return wakes::of_route(db, job.route);
        }
        Ok(Vec::new())
    }

    /// The end of a hold by wish, and of what went wrong with the document; a time or a station still holds it.
    fn release(&self, db: &Connection, job: &JobRow, caller: &Caller, now: &Moment) -> Fallible<()> {
        let wished = [HoldReason::Operator, HoldReason::Failed, HoldReason::Changed];
        let left = job.reasons.without(wished.into_iter().fold(HoldReasons::NONE, HoldReasons::with));
        if left == job.reasons {
            return Ok(());
        }
        store::job::set_reasons(db, job.id, left, if left.is_empty() { None } else { job.reason_text.as_deref() })?;
        if left.is_empty() && job.wish == Wish::Run {
            self.requeue(db, job, now)?;
        }
        let words: Vec<&str> = left.iter().map(HoldReason::words).collect();
        let why = if words.is_empty() { String::new() } else { format!("still held: {}", words.join("; ")) };
        record(db, now, Object::Job(job.id), &caller.user, "released", &why)
    }

    fn broadcasts(db: &Connection, job: &JobRow) -> Fallible<bool> {
        Ok(match Self::job_destination(db, job)? {
            Destination::Location(_) => false,
            Destination::Group(name) => store::location::group(db, &name)?.is_some_and(|group| group.broadcast),
        })
    }

    /// What a location argument means for a job; with `declare` an unknown one comes into being, connected to nothing:
    /// the documented way to park a job (docs/reference/spoolcom.md 2.2).
    fn place(
        &self,
        db: &Connection,
        to: &LocationPattern,
        declare: bool,
        caller: &Caller,
        now: &Moment,
    ) -> Fallible<Place> {
        let missing = match to {
            LocationPattern::One(name) if store::location::by_name(db, name)?.is_none() => Some(name.clone()),
            LocationPattern::Group(group) if store::location::group(db, group)?.is_none() => {
                Some(LocationName { group: group.clone(), dest: DestName::default_dest() })
            }
            _ => None,
        };
        let destination = match missing {
            Some(name) if declare => Destination::Location(locations::declare(db, &name, caller, now)?.name),
            _ => self.destination(db, &to.to_string())?,
        };
        let gone = || Failure::not_found(&destination);
        Ok(match &destination {
            Destination::Location(name) => {
                let row = store::location::by_name(db, name)?.ok_or_else(gone)?;
                Place { group: row.group.id, location: Some(row.id), route: row.route, broadcast: false, destination }
            }
            Destination::Group(name) => {
                let row = store::location::group(db, name)?.ok_or_else(gone)?;
                Place { group: row.id, location: None, route: row.route, broadcast: row.broadcast, destination }
            }
        })
    }
}

/// The documents that a change gives a value to: 0 stands for the job.
fn covered(change: &JobChange, documents: &[DocumentRow]) -> Vec<u32> {
    match change {
        JobChange::Copies { document: Some(one), .. } => vec![*one],
        JobChange::Copies { document: None, .. } => documents.iter().map(|document| document.sequence).collect(),
        _ => vec![0],
    }
}
