//! Changing the attributes of jobs that are in the spool.
//!
//! A set of changes is one transaction: all of them hold, or none, after a crash too. A change of what decides where a
//! job waits (destination, priority, form, copies) gives the job the place of a new arrival, and its entries the
//! requirement class and the work that follow.
//!
//! Who may: the owner, the creator of the spool, and with MGRACCESS a manager of the owner's group. Only the creator
//! raises a priority above the usual one. `JobState::takes` says what each state allows.

use std::collections::BTreeMap;

use crate::attributes::text::title;
use crate::attributes::{self, Class, Settable, Setter};
use crate::documents::extent;
use crate::model::Call;
use crate::model::alter::{JobChange, NewOwner};
use crate::model::authority::{Right, UserLimits};
use crate::model::device::check_form;
use crate::model::event::{EventDetail, EventWord};
use crate::model::field::{Field, Value};
use crate::model::job::Format;
use crate::model::lifetime::{KeptUntil, Lifetime, Retention};
use crate::model::location::Destination;
use crate::model::order::{NO_DEADLINE, Priority, work_in_lines};
use crate::model::selection::PAGE_SELECT;
use crate::model::state::{EntryState, HoldReason, HoldReasons, Wish};
use crate::model::{
    DestName, DocumentId, Failure, FailureKind, GroupId, JobRef, LocationId, LocationName, LocationPattern, RouteId,
};
use crate::store::document::DocumentRow;
use crate::store::event::{Object, record, record_with};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::{files, users};

use super::actions::{claimants, demand_job, find_to_change, wrong_state};
use super::membership::demand_own;
use super::{new_job, submit, supported};
use crate::spool::disk::document_key::open_file;
use crate::spool::disk::files::Kind;
use crate::spool::objects::locations;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// The most copies; the attribute table has the same limit.
const MAX_COPIES: u32 = 2_147_483_647;

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::BadValue, message)
}

/// Checks what can be checked without the spool.
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
        JobChange::Message(text) => super::actions::check_message(Some(text)),
        JobChange::Carried { field, value, .. } => check_carried(*field, value.as_ref()),
        _ => Ok(()),
    })
}

/// Checks a value of an attribute that is only carried.
fn check_carried(field: Field, value: Option<&Value>) -> Fallible<()> {
    let row = attributes::find_nameable(Class::Job, field)
        .filter(|row| matches!(row.set, Setter::Carried) && row.settable == Settable::Always);
    let row = row.ok_or_else(|| bad(format!("a job has no attribute '{}' that can be altered", field.stored())))?;
    value.map_or(Ok(()), |value| row.check(value)).map_err(|why| bad(format!("{}: {why}", row.name())))
}

/// Returns the name of a job whose submitter gave none: the name of its first document, as a title.
fn usual_name(documents: &[DocumentRow]) -> String {
    let path = documents.first().map(|document| &document.file_name.0);
    let base = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let name = base.filter(|name| name != "-").unwrap_or_else(|| "stdin".to_owned());
    title(&name)
}

/// What is known before the transaction of documents that are to count as something else.
#[derive(Default)]
struct Extents {
    /// What the location of the job says.
    content: Option<Format>,
    /// Lines and pages of a document that counts as this.
    of: BTreeMap<(DocumentId, Format), (Option<u64>, Option<u64>)>,
}

/// A job while it is being changed.
struct Altered {
    /// As it was.
    before: JobRow,
    /// As it will be.
    job: JobRow,
    documents: Vec<DocumentRow>,
    /// Whether a job that was sent to a whole group prints on each of its devices.
    broadcast: bool,
    /// What changed, in words.
    notes: Vec<String>,
    /// Whether this change holds (true) or releases (false) the job; none for neither.
    hold: Option<bool>,
    /// Whether the job waits for a time from now on (true) or no longer (false); none for no word about it.
    waits: Option<bool>,
}

impl Altered {
    fn note(&mut self, what: &str, from: &str, to: &str) {
        if from != to {
            self.notes.push(format!("{what} {} to {}", shown(from), shown(to)));
        }
    }

    /// Whether the job has the document that a change names.
    fn has(&self, document: Option<u32>) -> Fallible<()> {
        match document.filter(|wanted| !self.documents.iter().any(|one| one.sequence == *wanted)) {
            Some(wanted) => Err(Failure::not_found(format!("document {wanted} of job {}", self.job.number))),
            None => Ok(()),
        }
    }

    /// Sets the copies of one document, or of all.
    fn copies(&mut self, tx: &Tx<'_>, document: Option<u32>, copies: u32) -> Fallible<()> {
        self.has(document)?;
        let alone = self.documents.len() == 1;
        for i in 0..self.documents.len() {
            let (sequence, before) = (self.documents[i].sequence, self.documents[i].copies);
            if document.is_some_and(|wanted| wanted != sequence) || before == copies {
                continue;
            }
            let what = if alone { "copies".to_owned() } else { format!("copies of document {sequence}") };
            self.note(&what, &before.to_string(), &copies.to_string());
            store::alter::set_copies(tx, self.documents[i].id, copies)?;
            self.documents[i].copies = copies;
        }
        let work = self.documents.iter().map(|d| work_in_lines(d.lines, d.pages, d.identity.size, d.copies));
        self.job.work = work.fold(0, u64::saturating_add);
        Ok(())
    }

    /// Takes one document, or all, for `format`; for what its location says or what it was recognised as where there is
    /// none.
    fn format(
        &mut self,
        tx: &Tx<'_>,
        document: Option<u32>,
        format: Option<Format>,
        extents: &Extents,
    ) -> Fallible<()> {
        self.has(document)?;
        let alone = self.documents.len() == 1;
        for i in 0..self.documents.len() {
            let row = &self.documents[i];
            if document.is_some_and(|wanted| wanted != row.sequence) {
                continue;
            }
            let kind = Kind::decide(format, extents.content, row.recognised);
            let what = if alone { "format".to_owned() } else { format!("format of document {}", row.sequence) };
            let before = new_job::in_words(row.format, row.format_origin);
            let (lines, pages) = extents.of.get(&(row.id, kind.format)).copied().unwrap_or((None, None));
            let row = DocumentRow { format: kind.format, format_origin: kind.origin, lines, pages, ..row.clone() };
            self.note(&what, &before, &new_job::in_words(row.format, row.format_origin));
            store::document::set_format(tx, &row)?;
            self.documents[i] = row;
        }
        // Its place in the queue stays: what a document is called makes it no later.
        Ok(())
    }

    fn owner(&mut self, tx: &Tx<'_>, owner: &Owner) -> Fallible<()> {
        let before = (self.job.owner_gid, self.job.owner_uid);
        if owner.uid != before.1 {
            self.note("owner", &self.job.owner.clone(), &owner.name);
            demand_room(tx, owner, self.job.octets)?;
            // Local ids count per user, so the job gets the next one of its new owner.
            self.job.local = store::spool::next_local(tx, owner.uid)?;
            (self.job.owner, self.job.owner_uid, self.job.owner_gid) = (owner.name.clone(), owner.uid, owner.gid);
            self.job.owner_vouched = store::spool::row(tx)?.trust.trusts(tx.caller()?);
        }
        if let Some(gid) = owner.typed_gid.filter(|gid| *gid != before.0) {
            self.note("group", &before.0.to_string(), &gid.to_string());
            self.job.owner_gid = gid;
        }
        Ok(())
    }

    /// Tells whether the job needs a new place in the queue.
    fn moves(&self) -> bool {
        let place = |job: &JobRow| (job.route, job.priority, job.class, job.work);
        place(&self.before) != place(&self.job)
    }
}

/// Refuses to give a job of so many octets to somebody who may not have so much. An operator may give it.
fn demand_room(tx: &Tx<'_>, owner: &Owner, octets: u64) -> Fallible<()> {
    let row = store::spool::row(tx)?;
    if row.limits == UserLimits::default() || row.trust.trusts(tx.caller()?) || row.trust.creator_uid == owner.uid {
        return Ok(());
    }
    row.limits.allow_owner(&owner.name, store::tally::of_user(tx, &row.server, owner.uid)?, octets)
}

/// A user of this machine who is to have a job.
#[derive(Clone, Debug)]
struct Owner {
    uid: u32,
    gid: u32,
    /// The group that was typed, which counts whatever the user's own is.
    typed_gid: Option<u32>,
    name: String,
}

impl Owner {
    /// Asks the system for him. That may take long, and happens before the transaction.
    fn find(owner: &NewOwner) -> Fallible<Self> {
        let (uid, typed_gid) = match owner {
            NewOwner::Uid(uid) => (*uid, None),
            NewOwner::Ids { gid, uid } => (*uid, Some(*gid)),
            NewOwner::Name(name) => {
                let uid = users::uid_of(name);
                (
                    uid.ok_or_else(|| bad(format!("no user is called '{}'", crate::model::printable::escaped(name))))?,
                    None,
                )
            }
        };
        let gid = typed_gid.unwrap_or_else(|| users::primary_group(uid));
        Ok(Self { uid, gid, typed_gid, name: users::name(uid) })
    }
}

/// A value that was given, for the history.
fn in_words(value: Option<&Value>) -> String {
    let one = |value: &Value| match value {
        Value::Text(text) => shown(text),
        Value::Integer(n) | Value::Time(n) => n.to_string(),
        Value::Boolean(on) => on.to_string(),
        Value::Many(_) => String::new(),
    };
    value.map_or_else(|| shown(""), |value| value.each().iter().map(one).collect::<Vec<_>>().join(", "))
}

fn shown(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("'{value}'") }
}

/// A place that jobs are sent to.
pub(crate) struct Place {
    /// Its name.
    pub(crate) destination: Destination,
    /// Its group.
    pub(crate) group: GroupId,
    /// The location; none = the whole group.
    pub(crate) location: Option<LocationId>,
    /// Where jobs for it wait.
    pub(crate) route: RouteId,
    /// Whether they print on each device of the group.
    pub(crate) broadcast: bool,
}

/// Changes that were checked as far as that can be done without the spool.
pub(crate) struct Prepared {
    changes: Vec<JobChange>,
    /// The users that they name, in order.
    owners: Vec<Owner>,
}

impl Prepared {
    /// Checks changes.
    pub(crate) fn of(mut changes: Vec<JobChange>) -> Fallible<Self> {
        for change in &mut changes {
            if let JobChange::Name(Some(name)) = change {
                *name = title(name);
            }
        }
        check(&changes)?;
        let owners = changes.iter().filter_map(|change| match change {
            JobChange::Owner(owner) => Some(Owner::find(owner)),
            _ => None,
        });
        let owners = owners.collect::<Fallible<_>>()?;
        Ok(Self { changes, owners })
    }
}

impl Spool {
    /// Changes the attributes of a job in a transaction that has locked it: as one of several, of which each is changed or
    /// none. Returns the print processes that have work now.
    pub(crate) fn alter_in(&self, tx: &Tx<'_>, job: JobRow, prepared: &Prepared) -> Fallible<Vec<WakeTarget>> {
        let (state, _) = Self::job_state(tx, &job)?;
        if !state.takes(&prepared.changes) {
            return Err(wrong_state(&job, state, "altered"));
        }
        let altered = self.altered(tx, job, &prepared.changes, &Extents::default(), &prepared.owners)?;
        self.write(tx, &altered)
    }

    /// Changes the attributes of a job. Returns the print processes that have work now, or have to stop.
    pub(crate) fn alter_job(&self, call: &Call, job: &JobRef, changes: Vec<JobChange>) -> Fallible<Vec<WakeTarget>> {
        let Prepared { changes, owners } = Prepared::of(changes)?;
        let extents = self.extents(call, job, &changes)?;
        let gives = changes.iter().all(|change| matches!(change, JobChange::Hold(_) | JobChange::Message(_)));
        // Who releases a job whose linked document is another file now wants that file printed, as START does.
        let releases = |change: &JobChange| matches!(change, JobChange::Hold(on) if *on != Some(true));
        let fresh = if changes.iter().any(releases) { self.changed_documents(call, job)? } else { Vec::new() };
        let owner = self.owners_groups(call, job)?;
        let (spool, job) = (self.clone(), job.clone());
        self.change(if gives { Room::Gives } else { Room::Takes }, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            demand_job(tx, &row, owner.as_ref())?;
            demand_own(&row, &changes)?;
            let (state, entries) = Self::job_state(tx, &row)?;
            if !state.takes(&changes) {
                return Err(wrong_state(&row, state, "altered"));
            }
            crate::spool::remote::demand_here(&row, &entries, &changes)?;
            let altered = spool.altered(tx, row, &changes, &extents, &owners)?;
            super::actions::note_alteration(tx, altered.job.id)?;
            let mut targets = spool.write(tx, &altered)?;
            if altered.hold == Some(false) {
                for (document, identity) in &fresh {
                    store::document::set_identity(tx, *document, identity)?;
                }
            }
            if altered.hold == Some(true) {
                for target in claimants(tx, &entries)? {
                    wakes::add(&mut targets, Some(target));
                }
            }
            Ok(targets)
        })
    }

    /// Reads, before the transaction, the documents that are to count as something else, for their lines and pages. What
    /// cannot be read has none that are known: whoever prints it says what is wrong.
    fn extents(&self, call: &Call, job: &JobRef, changes: &[JobChange]) -> Fallible<Extents> {
        let wanted: Vec<(Option<u32>, Option<Format>)> = changes
            .iter()
            .filter_map(|change| match change {
                JobChange::Format { document, format } => Some((*document, *format)),
                _ => None,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(Extents::default());
        }
        let (content, sheet, rows) = self.look(call, |tx| {
            let row = find_to_change(tx, self, job)?;
            let destination = Self::job_destination(tx, &row)?;
            let (content, sheet) = Self::printed_on(tx, &destination)?;
            Ok((content, sheet, store::document::of_job(tx, row.id)?))
        })?;
        let dir = self.base().server(self.server());
        let mut of = BTreeMap::new();
        for row in &rows {
            let here = wanted.iter().filter(|one| one.0.is_none_or(|number| number == row.sequence));
            for format in here.map(|one| Kind::decide(one.1, content, row.recognised).format) {
                let path = dir.join(&row.store_name);
                let file = files::open_regular(&path)
                    .and_then(|file| open_file(file, &path, row.sealed.as_ref(), row.identity.size));
                let found = file.and_then(|file| extent(&file, format, sheet)).unwrap_or((None, None));
                of.insert((row.id, format), found);
            }
        }
        Ok(Extents { content, of })
    }

    /// Applies `changes` in their order; `owners` are those that they name. Returns the job as it will be; changes of its
    /// documents are written already.
    fn altered(
        &self,
        tx: &Tx<'_>,
        row: JobRow,
        changes: &[JobChange],
        extents: &Extents,
        owners: &[Owner],
    ) -> Fallible<Altered> {
        let makes_more = |change: &JobChange| matches!(change, JobChange::Copies { .. });
        if changes.iter().any(makes_more) && store::charge::is_paid(tx, &self.global_of(&row).to_string())? {
            let what = format!("job {} is paid for as it is: its copies stay", row.number);
            return Err(Failure::new(FailureKind::State, what).hint("submit it once more, for further copies"));
        }
        let documents = store::document::of_job(tx, row.id)?;
        let broadcast = Self::broadcasts(tx, &row)?;
        let mut a =
            Altered { before: row.clone(), job: row, documents, broadcast, notes: Vec::new(), hold: None, waits: None };
        let mut owners = owners.iter();
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
                    a.job.class = store::job::class(tx, &form)?;
                    a.job.form = form;
                }
                JobChange::Copies { document, copies } => a.copies(tx, *document, copies.unwrap_or(1))?,
                JobChange::Format { document, format } => a.format(tx, *document, *format, extents)?,
                JobChange::Priority(priority) => {
                    let priority = priority.unwrap_or_default();
                    if priority > Priority::default() && priority != a.job.priority {
                        Self::demand(tx, Right::RaisePriority { place: &Self::place_of_job(tx, &a.job)? })?;
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
                    let place = self.place(tx, to, *declare)?;
                    let from = Self::job_destination(tx, &a.job)?;
                    a.note("destination", &from.to_string(), &place.destination.to_string());
                    (a.job.group, a.job.location, a.job.route) = (place.group, place.location, place.route);
                    a.broadcast = place.broadcast;
                }
                JobChange::Owner(_) => owners.next().map_or(Ok(()), |owner| a.owner(tx, owner))?,
                JobChange::Hold(on) => a.hold = Some(on.unwrap_or(false)),
                JobChange::Retention { .. } => {
                    let before = a.job.lifetime.retention;
                    a.job.lifetime.retention = change.retention(before);
                    let word = |one: Option<Retention>| one.map_or_else(String::new, Retention::stored);
                    a.note("retention", &word(before), &word(a.job.lifetime.retention));
                }
                JobChange::Discard(at) => {
                    a.job.lifetime.discard_ms = *at;
                    a.notes.push(format!("job-discard-time to {}", in_words(at.map(Value::Time).as_ref())));
                }
                JobChange::PrintAfter(at) => {
                    a.job.lifetime.print_after_ms = *at;
                    a.waits = Some(at.is_some());
                    a.notes.push(format!("job-print-after to {}", in_words(at.map(Value::Time).as_ref())));
                }
                JobChange::Carried { field, document, value } => {
                    a.has(*document)?;
                    value.iter().try_for_each(|value| self.demand_notifiable(tx, *field, value))?;
                    if field.stored() == new_job::DEADLINE {
                        a.job.deadline_ms = match value {
                            Some(Value::Time(at)) => Some(*at),
                            _ => None,
                        };
                        a.job.sort.deadline = a.job.deadline_ms.unwrap_or(NO_DEADLINE);
                    }
                    let of = document.map_or(String::new(), |n| format!(" of document {n}"));
                    a.notes.push(format!("{}{of} to {}", field.stored(), in_words(value.as_ref())));
                }
                JobChange::Message(text) => {
                    super::actions::keep_message(tx, a.job.id, text)?;
                    record(tx, Object::Job(a.job.id), EventWord::Message, text)?;
                }
            }
            for field in change.clears() {
                store::alter::set_value(tx, a.job.id, 0, field, None)?;
            }
            if let Some((field, value)) = change.given() {
                for document in covered(change, &a.documents) {
                    store::alter::set_value(tx, a.job.id, document, field, value.as_ref())?;
                }
            }
        }
        let concerns_pages = |change: &JobChange| match change {
            JobChange::Copies { .. } | JobChange::Format { .. } => true,
            JobChange::Carried { field, .. } => field.stored() == PAGE_SELECT,
            _ => false,
        };
        if changes.iter().any(concerns_pages) {
            let given = store::given::of_jobs(tx, a.job.id, a.job.id)?.remove(&a.job.id).unwrap_or_default();
            super::selection::demand(&a.documents, &given)?;
            a.job.pages = super::selection::pages(&a.documents, &given);
        }
        if (a.job.group, a.job.location) != (a.before.group, a.before.location) {
            let destination = Self::job_destination(tx, &a.job)?;
            submit::may_send_job(tx, &destination, &a.job)?;
            submit::demand_open(tx, &destination)?;
        }
        let changed = Lifetime {
            retention: Some(a.job.lifetime.retention).filter(|now| *now != a.before.lifetime.retention).flatten(),
            discard_ms: Some(a.job.lifetime.discard_ms).filter(|now| *now != a.before.lifetime.discard_ms).flatten(),
            print_after_ms: a.job.lifetime.print_after_ms.filter(|_| a.waits.is_some()),
            ..Lifetime::default()
        };
        changed.check(tx.now().wall_ms).map_err(bad)?;
        Ok(a)
    }

    /// Writes a changed job, its entries, and its events.
    fn write(&self, tx: &Tx<'_>, a: &Altered) -> Fallible<Vec<WakeTarget>> {
        let mut job = a.job.clone();
        let moves = a.moves();
        tx.lock(Lock::Route(job.route))?;
        if job.group != a.before.group {
            job.reasons = self.sent_on(tx, &job)?;
        }
        if moves {
            (job.sort, job.place) =
                self.new_position(tx, job.route, job.priority, (job.work, job.pages), job.deadline_ms)?;
        }
        store::alter::update_job(tx, &job)?;
        if job.route != a.before.route || job.location != a.before.location {
            job.reasons = self.judged_anew(tx, &job)?;
        }
        if job.route != a.before.route {
            let entries = store::entry::of_job(tx, job.id)?;
            // An earlier attempt may have left pages at another device. Its entry goes, but this must not be forgotten.
            let uncertain = entries.iter().any(|entry| entry.duplicate || entry.begun.is_some());
            store::alter::delete_entries(tx, job.id)?;
            self.insert_entries(tx, &job, a.broadcast)?;
            if uncertain {
                store::alter::mark_duplicate(tx, job.id)?;
            }
        } else if moves {
            store::entry::let_go(tx, job.id)?;
            store::alter::rekey_entries(tx, &job)?;
        } else if job.sort.deadline != a.before.sort.deadline {
            // Only where its device goes by it does it stand elsewhere now: it has not arrived anew.
            store::alter::rekey_entries(tx, &job)?;
        }
        let note = |what: EventWord, why: &str| record(tx, Object::Job(job.id), what, why);
        if !a.notes.is_empty() {
            note(EventWord::Altered, &a.notes.join("; "))?;
        }
        if job.lifetime.ending.is_some()
            && let Some(ended) = store::lifetime::ended(tx, job.id)?
        {
            // One that would be gone is gone with the next step of what is due, and its files with it.
            let gone = KeptUntil { spool: Some(ended.at_spool), wall_ms: None };
            let until = job.lifetime.kept_until(ended.at_spool, tx.now().wall_ms);
            store::lifetime::set_until(tx, job.id, &until.unwrap_or(gone))?;
        }
        for (wanted, reason) in [(a.hold, HoldReason::Operator), (a.waits, HoldReason::PrintAfter)] {
            match wanted {
                Some(true) if !job.reasons.has(reason) => {
                    let reasons = job.reasons.with(reason);
                    self.left(tx, &job)?;
                    store::job::set_reasons(tx, job.id, reasons, job.reason_text.as_deref())?;
                    store::entry::withdraw(tx, job.id)?;
                    record_with(tx, Object::Job(job.id), EventWord::Held, EventDetail::Hold(reason), "")?;
                    job.reasons = reasons;
                }
                Some(false) => job.reasons = self.release(tx, &job, reason)?,
                _ => {}
            }
        }
        let waits = store::entry::of_job(tx, job.id)?.iter().any(|entry| entry.state == EntryState::Queued);
        if waits && (moves || a.hold == Some(false) || a.waits == Some(false)) {
            return wakes::of_route(tx, job.route);
        }
        Ok(Vec::new())
    }

    /// Refuses a job at its new place that cannot be printed there, or holds it. Returns what holds it.
    fn judged_anew(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<HoldReasons> {
        let devices = store::device::of_route(tx, job.route)?;
        let place = new_job::destination_word(&Self::job_destination(tx, job)?);
        match supported::demand(tx, job, &devices, &place)? {
            Some(held) => {
                held.record(tx)?;
                Ok(held.job.reasons)
            }
            None => supported::forget(tx, job),
        }
    }

    /// Notes the state that a job leaves which is held from now on, or no longer.
    fn left(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<()> {
        store::job::set_previous(tx, job.id, Self::job_state(tx, job)?.0)
    }

    /// Ends a hold: by wish, and with it one because of the document, or by a time. What else holds the job still does.
    /// Returns what holds it then.
    fn release(&self, tx: &Tx<'_>, job: &JobRow, reason: HoldReason) -> Fallible<HoldReasons> {
        let ended: &[HoldReason] = match reason {
            HoldReason::Operator => &[HoldReason::Operator, HoldReason::Failed, HoldReason::Changed],
            _ => &[reason],
        };
        let left = job.reasons.without(ended.iter().fold(HoldReasons::NONE, |all, one| all.with(*one)));
        if left == job.reasons {
            return Ok(left);
        }
        self.left(tx, job)?;
        store::job::set_reasons(tx, job.id, left, if left.is_empty() { None } else { job.reason_text.as_deref() })?;
        if left.is_empty() && job.wish == Wish::Run && job.lifetime.ending.is_none() {
            self.requeue(tx, job)?;
        }
        let words: Vec<&str> = left.iter().map(HoldReason::words).collect();
        let why = if words.is_empty() { String::new() } else { format!("still held: {}", words.join("; ")) };
        record(tx, Object::Job(job.id), EventWord::Released, &why)?;
        Ok(left)
    }

    pub(crate) fn broadcasts(tx: &Tx<'_>, job: &JobRow) -> Fallible<bool> {
        Ok(match Self::job_destination(tx, job)? {
            Destination::Group(name) => store::location::group(tx, &name)?.is_some_and(|group| group.broadcast),
            // Jobs of a location for its whole group print as those of the group.
            Destination::Location(name) | Destination::Plain(name) => {
                store::location::by_name(tx, &name)?.is_some_and(|row| row.whole_group && row.group.broadcast)
            }
        })
    }

    /// Returns what a location argument means for a job. With `declare`, an unknown location is declared and leads to
    /// no device: the documented way to park a job (docs/reference/spoolcom.md 2.2), for those who may declare.
    fn place(&self, tx: &Tx<'_>, to: &LocationPattern, declare: bool) -> Fallible<Place> {
        let missing = match to {
            LocationPattern::One(name) if store::location::by_name(tx, name)?.is_none() => Some(name.clone()),
            LocationPattern::Group(group) if store::location::group(tx, group)?.is_none() => {
                Some(LocationName { group: group.clone(), dest: DestName::default_dest() })
            }
            _ => None,
        };
        let destination = match missing {
            Some(name) if declare => {
                Self::demand(tx, Right::Configure).map_err(|failure| Failure {
                    message: format!("there is no location {name}: {}", failure.message),
                    ..failure
                })?;
                Destination::Location(locations::declare(tx, &name)?.name)
            }
            _ => self.destination(tx, &to.to_string())?,
        };
        self.place_at(tx, destination)
    }

    /// Returns what a destination means for a job.
    pub(crate) fn place_at(&self, tx: &Tx<'_>, destination: Destination) -> Fallible<Place> {
        let gone = || Failure::not_found(&destination);
        Ok(match &destination {
            Destination::Location(name) | Destination::Plain(name) => {
                let row = store::location::by_name(tx, name)?.ok_or_else(gone)?;
                let (route, broadcast) = (row.job_route(), row.whole_group && row.group.broadcast);
                Place { group: row.group.id, location: Some(row.id), route, broadcast, destination }
            }
            Destination::Group(name) => {
                let row = store::location::group_to_change(tx, name)?.ok_or_else(gone)?;
                Place { group: row.id, location: None, route: row.route, broadcast: row.broadcast, destination }
            }
        })
    }
}

/// Returns the documents that a change gives a value to; 0 stands for the job.
fn covered(change: &JobChange, documents: &[DocumentRow]) -> Vec<u32> {
    let of_documents = match change {
        JobChange::Copies { .. } | JobChange::Format { .. } => true,
        JobChange::Carried { field, .. } => attributes::find(Class::Document, *field).is_some(),
        _ => false,
    };
    match change.document() {
        _ if !of_documents => vec![0],
        Some(one) => vec![one],
        None => documents.iter().map(|document| document.sequence).collect(),
    }
}
