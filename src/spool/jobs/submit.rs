//! Submitting a job, and finding out what became of a submission.
//!
//! States: copies and links made, on disk and locked → one transaction (job, documents, values, entries, event) →
//! acknowledged. Only the commit makes a job. A crash before it leaves orphan files, which the sweep removes; a crash
//! after it leaves a job that prints. The locks stand until the commit is over, so that no sweep takes the files of a
//! submission for orphans.
//!
//! Who may: anybody submits, unless an access rule of the destination names others, and within the limits of users. Only
//! the creator of the spool and operators give a job a priority above the usual one. A token belongs
//! to one submission: the same token finds the same job, so that a repeated submission prints once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::stat::SFlag;

use crate::attributes::text::title;
use crate::attributes::{Class, Settable, find};
use crate::documents::Sheet;
use crate::model::Call;
use crate::model::access::{AccessObject, Place};
use crate::model::alter::JobChange;
use crate::model::authority::{Right, Trust, UserLimits};
use crate::model::collector::by_way_of;
use crate::model::field::{Field, Value};
use crate::model::job::{Accepted, Format, GivenValue, Origin, Submission, Transfer};
use crate::model::lifetime::Retention;
use crate::model::location::Destination;
use crate::model::order::Priority;
use crate::model::state::SpoolerState;
use crate::model::{CollectorName, DeviceId, Failure, FailureKind, GlobalJobId, LocationPattern};
use crate::store::access::Owner;
use crate::store::job::JobRow;
use crate::store::spool::SpoolRow;
use crate::store::submission::{Fate, Known};
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::fault;
use crate::sys::stop::Stop;

use super::arrival::{Arrival, Opened};
use super::by_door::ByDoor;
use super::new_job::{NewJob, takes_jobs};
use super::selection;
use crate::spool::disk::files::{Intake, Look, Reading};
use crate::spool::disk::reserve;
use crate::spool::objects::kept::ByDefault;
use crate::spool::objects::{collectors, locations};
use crate::spool::printing::wakes;
use crate::spool::secure::arrive as secure;
use crate::spool::{Room, Spool, WakeTarget};

/// The longest name of a job, in characters.
const MAX_JOB_NAME: usize = 255;
/// The longest token.
const MAX_TOKEN: usize = 128;

/// Checks what can be checked without the spool.
fn check(submission: &Submission) -> Fallible<()> {
    let bad = |message: String| Err(Failure::new(FailureKind::BadValue, message));
    if submission.token.is_empty()
        || submission.token.len() > MAX_TOKEN
        || !submission.token.bytes().all(|b| b.is_ascii_graphic())
        // These name jobs that other servers hand over.
        || submission.token.starts_with(crate::model::remote::TOKEN)
    {
        return bad("the submission has no usable token".to_owned());
    }
    check_name(&submission.name)?;
    let is_bad = |name: &String| {
        name.trim().is_empty() || name.chars().count() > MAX_JOB_NAME || name.chars().any(char::is_control)
    };
    if submission.owner.as_ref().is_some_and(is_bad) {
        return bad("job-owner: it is empty, longer than 255 characters, or contains control characters".to_owned());
    }
    if submission.keep && submission.lifetime.retention == Some(Retention::Period(0)) {
        let why = "job-scheduling=retain-immediately with a job-retention-period of 0: the job would be gone at once";
        return Err(
            Failure::new(FailureKind::BadValue, why).hint("without a retention it is kept until somebody removes it")
        );
    }
    crate::model::device::check_form(&submission.form).map_err(|why| Failure::new(FailureKind::BadValue, why))?;
    if submission.documents.iter().any(|d| d.copies == 0) {
        return bad("0 copies: the number of copies is at least 1".to_owned());
    }
    let mut seen = BTreeSet::new();
    for given in &submission.given {
        check_given(given, submission.documents.len())?;
        if !seen.insert((given.document, given.field)) {
            return bad(format!("{}: it is given twice", given.field.stored()));
        }
    }
    Ok(())
}

/// What was given of an attribute of the job.
fn given(submission: &Submission, field: Field) -> Option<&Value> {
    submission.given.iter().find(|one| one.document == 0 && one.field == field).map(|one| &one.value)
}

/// Completes what follows from what was said. Whoever asked for a job owns it; one that is handed in only to be kept is kept
/// for ever where nobody says how long.
fn complete(submission: &mut Submission) {
    if submission.owner.is_none()
        && let Some(Value::Text(name)) = given(submission, Field::JobOriginator)
    {
        submission.owner = Some(name.clone());
    }
    if submission.keep && submission.lifetime.retention.is_none() {
        let (field, value) = (Field::RetainForever, Some(Retention::Forever));
        submission.take(&JobChange::Retention { field, value });
    }
}

/// Checks a value that was given explicitly: it is kept, and shown to others.
pub(crate) fn check_given(given: &GivenValue, documents: usize) -> Fallible<()> {
    let bad = |why: &str| Err(Failure::new(FailureKind::BadValue, format!("{}: {why}", given.field.stored())));
    let class = if given.document == 0 { Class::Job } else { Class::Document };
    let Some(row) = find(class, given.field).filter(|row| row.settable != Settable::Never) else {
        return bad(&format!("no attribute of a {} that can be given", class.keyword()));
    };
    if usize::try_from(given.document).map_or(true, |number| number > documents) {
        return bad(&format!("there is no document {}", given.document));
    }
    row.check(&given.value).or_else(|why| bad(&why))
}

/// Checks the name of a job.
pub(crate) fn check_name(name: &str) -> Fallible<()> {
    if name.chars().count() > MAX_JOB_NAME || name.chars().any(char::is_control) {
        let why = "the job name is longer than 255 characters or contains control characters";
        return Err(Failure::new(FailureKind::BadValue, why));
    }
    Ok(())
}

impl Spool {
    /// Submits a job at the moment of `call`.
    #[cfg(test)]
    pub(crate) fn submit(&self, call: &Call, submission: Submission, files: Vec<OwnedFd>) -> Fallible<Taken> {
        self.submit_until((call, &|| call.clone()), submission, files)
    }

    /// Submits a job; `again` makes the call of the moment at which its documents are complete.
    pub(crate) fn submit_until(
        &self,
        calls: (&Call, &dyn Fn() -> Call),
        submission: Submission,
        files: Vec<OwnedFd>,
    ) -> Fallible<Taken> {
        self.submit_by(calls, submission, files, (None, None)).map(|(taken, _)| taken)
    }

    /// Completes what was said of a submission by what holds for all of them, and checks it.
    fn prepared(
        &self,
        call: &Call,
        mut submission: Submission,
        door: Option<&ByDoor>,
    ) -> Fallible<(Submission, ByDefault)> {
        submission.name = title(&submission.name);
        if let Some((collector, destination)) = by_way_of(&submission.destination) {
            submission = Submission { collector: Some(collector), destination: destination.to_owned(), ..submission };
        }
        let by_default = self.take_initial_values(call, &mut submission)?;
        complete(&mut submission);
        check(&submission)?;
        // What only the spool notes is no user's to give.
        if let Some(door) = door {
            submission.given.extend(door.noted.iter().map(|(field, value)| GivenValue {
                document: 0,
                field: *field,
                value: value.clone(),
                origin: Origin::Spool,
            }));
        }
        // Papers have names that forms may not have, so this comes behind the check of the form.
        self.take_media(call, &mut submission)?;
        Ok((submission, by_default))
    }

    /// Makes the row of a job that comes by a door in several requests: it has a number, and arrives. Its documents follow with
    /// [`Spool::submit_by`]; until then [`Spool::give_up`] ends it, and so does the death of this process.
    pub(crate) fn open_by(&self, call: &Call, submission: Submission, door: &ByDoor) -> Fallible<Opened> {
        let (submission, by_default) = self.prepared(call, submission, Some(door))?;
        let reserve = self.look(call, |tx| {
            accepting(tx, &submission, true)?;
            let destination = self.destination(tx, &submission.destination)?;
            may_submit(tx, asked(&submission, by_default.priority), &destination, (0, false))?;
            demand_open(tx, &destination)?;
            Ok(store::spool::row(tx)?.reserve)
        })?;
        self.demand_kept(call, reserve, 0)?;
        self.demand_recordable(&call.now)?;
        let arrival = Arrival { spool: self, call, submission: &submission, by_default, collector: None };
        let busy = || Failure::new(FailureKind::State, "a job with this token is arriving already");
        arrival.open()?.ok_or_else(busy)
    }

    /// The same of a job that may have come by a door, and whose row may be there already. Returns also whether it was announced
    /// as a possible duplicate.
    pub(crate) fn submit_by(
        &self,
        (call, again): (&Call, &dyn Fn() -> Call),
        submission: Submission,
        files: Vec<OwnedFd>,
        (door, before): (Option<ByDoor>, Option<Opened>),
    ) -> Fallible<(Taken, bool)> {
        let done = self.take_in((call, again), submission, files, (door, before.as_ref()));
        if let (Err(failure), Some(opened)) = (&done, &before)
            && failure.kind != FailureKind::Unknown
        {
            self.abandon(&again(), opened);
        }
        done
    }

    fn take_in(
        &self,
        (call, again): (&Call, &dyn Fn() -> Call),
        submission: Submission,
        files: Vec<OwnedFd>,
        (door, before): (Option<ByDoor>, Option<&Opened>),
    ) -> Fallible<(Taken, bool)> {
        // Refuse before an octet is copied: is there such a destination, and does the spool accept jobs at all? What it says
        // of its documents, and what they are printed on, decides how they are counted. Another answer a moment later
        // changes nothing: they are what was said when they came.
        let first = |submission: &Submission, by_default: ByDefault, tx: &Tx<'_>| {
            let collector = accepting(tx, submission, door.is_some())?;
            let destination = self.destination(tx, &submission.destination)?;
            let (octets, counted) = (sizes(&files), before.is_some());
            may_submit(tx, asked(submission, by_default.priority), &destination, (octets, counted))?;
            demand_open(tx, &destination)?;
            let mut encrypts = false;
            if let Some(group) = store::location::group(tx, destination.group())? {
                let queue = secure::secure_queue(tx, group.id)?;
                let transfers = submission.documents.iter().map(|document| document.transfer);
                secure::demand_copies(queue.as_ref(), transfers)?;
                encrypts = queue.is_some_and(|queue| queue.encrypts());
            }
            let (content, sheet) = Self::printed_on(tx, &destination)?;
            let rest = (most_opens(tx)?, store::spool::row(tx)?.reserve, limits(tx)?, collector);
            Ok((content, sheet, encrypts, rest))
        };
        let ((submission, by_default), found) = self.together(|| {
            let (submission, by_default) = self.prepared(call, submission, door.as_ref())?;
            let found = self.look(call, |tx| first(&submission, by_default, tx))?;
            Fallible::Ok(((submission, by_default), found))
        })?;
        let (content, sheet, encrypts, (opens, reserve, limits, collector)) = found;
        // Links take no room, and files without names that lie here already have theirs, unless they are encrypted.
        let octets = match submission.documents.iter().any(|document| document.transfer == Transfer::Copy) {
            true if door.is_some() && !encrypts => sizes(files.iter().filter(|file| !is_unnamed(file))),
            true => sizes(&files),
            false => 0,
        };
        self.demand_kept(call, reserve, octets)?;
        // Until the end: it is under way.
        let _open = self.opened(call.caller()?.uid, opens.as_ref())?;
        self.demand_recordable(&call.now)?;
        crate::spool::disk::ballast::ensure(self.base())?;
        let dir = self.base().server(self.server());
        let look = match self.inner.store.is_for_command() {
            true => Look::Mapped,
            false => Look::Read,
        };
        let least_free = reserve::least(self.base(), reserve);
        let spares = self.inner.keeps_ready.load(Ordering::Relaxed).then_some(&self.inner.names);
        let adopts = door.is_some();
        let how = Reading { look, content, sheet, least_free, limits, adopts, encrypts, stop: None, spares };
        // A job that is only kept is never seen in the queues: it is there when it is complete. What comes by a door is complete.
        let is_slow =
            !submission.keep && door.is_none() && (sizes(&files) > SLOW || files.iter().any(|file| !is_file(file)));
        let arrival = Arrival { spool: self, call, submission: &submission, by_default, collector: collector.as_ref() };
        let receive =
            |stop: Option<&Stop>| Intake::receive(&dir, &submission.documents, files, Reading { stop, ..how });
        let (received, opened) = match is_slow {
            true => arrival.during(receive),
            false => (receive(None), None),
        };
        let done = received.and_then(|intake| {
            let call = if opened.is_some() { &again() } else { call };
            let opened = opened.as_ref().or(before);
            self.accept(call, &submission, intake, (opened, collector.clone(), by_default), door.clone())
        });
        // The row of one whose outcome is not known is ended when nobody holds its lock.
        if let Err(failure) = &done
            && failure.kind != FailureKind::Unknown
            && let Some(opened) = &opened
        {
            self.abandon(&again(), opened);
        }
        done
    }

    /// Brings a submission to the disk whose documents are received, and commits its job.
    fn accept(
        &self,
        call: &Call,
        submission: &Submission,
        mut intake: Intake,
        (opened, collector, by_default): (Option<&Opened>, Option<CollectorName>, ByDefault),
        door: Option<ByDoor>,
    ) -> Fallible<(Taken, bool)> {
        let mut plan = NewJob::new(submission, &intake.documents, call.caller()?, self.server());
        plan.by_default = by_default;
        selection::demand(&plan.documents, &submission.given)?;
        let opened = opened.map(|opened| opened.id);
        let _announced;
        match self.inner.store.is_for_command() {
            true => {
                intake.to_disk(&submission.documents, || self.inner.store.plan(store::submission::plan))?;
                // The submitter waits for the commit and for nothing behind it: see [`Spool::needs_shorter_log`].
                self.inner.store.leave_log();
            }
            false => {
                _announced = self.inner.store.announces();
                intake.sync(&submission.documents, &self.inner.names)?;
            }
        }
        let spool = self.clone();
        let result = self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            match store::submission::fate(tx, &plan.submission.token)? {
                None => {}
                Some(Fate::Accepted(known)) => return Ok((spool.taken_before(tx, known)?, false, false)),
                Some(Fate::Refused) => {
                    let why = "this submission was given up earlier; submit it anew";
                    return Err(Failure::new(FailureKind::State, why));
                }
            }
            let collector = match &door {
                None => still_accepting(tx, &plan.submission, collector.as_ref())?,
                Some(_) => accepting(tx, &plan.submission, true)?,
            };
            let destination = spool.destination(tx, &plan.submission.destination)?;
            let priority = asked(&plan.submission, by_default.priority);
            may_submit(tx, priority, &destination, (plan.octets, opened.is_some()))?;
            let repeats = door.as_ref().map_or(Ok(None), |door| door.repeats(tx))?;
            let held = repeats.is_some() && door.as_ref().is_some_and(|door| door.holds_repeats);
            let (accepted, devices) = match opened {
                Some(opened) => plan.close(tx, &spool, opened, held)?,
                None if held => plan.held().insert(tx, &spool, &destination, collector)?,
                None => plan.insert(tx, &spool, &destination, collector)?,
            };
            if let Some(door) = &door {
                door.tell(tx, &accepted, repeats.as_ref())?;
            }
            let (targets, running) = (wakes::of_devices(tx, &devices)?, wakes::running(tx)?);
            fault::point("before-commit");
            Ok((Taken { accepted, targets, running }, true, repeats.is_some()))
        });
        match result {
            Ok((taken, is_new, repeats)) => {
                if is_new {
                    intake.keep();
                }
                fault::point("after-commit");
                Ok((taken, repeats))
            }
            Err(failure) => {
                // May the files be deleted after a failed commit? No: the job may exist. The sweep will know.
                if failure.kind == FailureKind::Unknown {
                    intake.keep();
                }
                Err(failure)
            }
        }
    }

    /// Refuses a submission for which there is no room, and has that told.
    fn demand_kept(&self, call: &Call, reserve: Option<crate::model::space::Reserve>, octets: u64) -> Fallible<()> {
        reserve::demand(self.base(), reserve, octets).inspect_err(|_| self.see_to_warnings(&call.now))
    }

    /// Refuses a destination that takes no job of this caller now.
    pub(crate) fn demand_taking(&self, call: &Call, destination: &str) -> Fallible<()> {
        let reserve = self.look(call, |tx| {
            takes_work(tx)?;
            let destination = self.destination(tx, destination)?;
            may_send(tx, &destination, Priority::default())?;
            demand_open(tx, &destination)?;
            Ok(store::spool::row(tx)?.reserve)
        })?;
        reserve::demand(self.base(), reserve, 0)
    }

    /// Finds out what became of the submission with this token. An unknown token is refused for good in the same
    /// transaction. This overwrites whatever a failed commit left in the log, so the answer is final.
    pub(crate) fn settle(&self, call: &Call, token: String) -> Fallible<Option<Taken>> {
        if token.is_empty() || token.len() > MAX_TOKEN {
            return Err(Failure::new(FailureKind::BadValue, "the submission has no usable token"));
        }
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            Ok(match store::submission::fate(tx, &token)? {
                Some(Fate::Accepted(known)) => Some(spool.taken_before(tx, known)?),
                Some(Fate::Refused) => None,
                None => {
                    store::submission::refuse(tx, &token)?;
                    None
                }
            })
        })
    }

    /// What the documents of jobs for a destination are where the user does not say, and the sheet of its device where it has
    /// one.
    pub(crate) fn printed_on(tx: &Tx<'_>, destination: &Destination) -> Fallible<(Option<Format>, Sheet)> {
        let row = match destination {
            Destination::Location(name) | Destination::Plain(name) => store::location::by_name(tx, name)?,
            Destination::Group(_) => None,
        };
        Ok(row.map_or_else(|| (None, Sheet::default()), |row| (row.content, Sheet::of(row.layout))))
    }

    /// Answers for a job that was accepted earlier. Whoever submitted it may have died before waking a print process.
    fn taken_before(&self, tx: &Tx<'_>, known: Known) -> Fallible<Taken> {
        let job = store::job::by_id(tx, known.id)?;
        let targets = job.map_or(Ok(Vec::new()), |job| wakes::of_route(tx, job.route))?;
        let global = GlobalJobId { server: self.server().clone(), serial: known.serial };
        let accepted = Accepted { id: known.id, number: known.number, local: known.local, global };
        Ok(Taken { accepted, targets, running: wakes::running(tx)? })
    }
}

/// The priority that the submitter asks for. Who configures the spool has given the place its default job: one that it gives
/// needs no right of the submitter.
fn asked(submission: &Submission, by_default: bool) -> Priority {
    if by_default { Priority::default() } else { submission.priority }
}

/// Refuses a caller who may not submit there, or not so much. A job whose row is there already is among those that he has.
fn may_submit(
    tx: &Tx<'_>,
    priority: Priority,
    destination: &Destination,
    (octets, is_counted): (u64, bool),
) -> Fallible<()> {
    let row = store::spool::row(tx)?;
    may_send_to(tx, &row.trust, destination, priority)?;
    limits_of(tx, &row)?
        .map_or(Ok(()), |(limits, (jobs, has))| limits.allow((jobs.saturating_sub(u64::from(is_counted)), has), octets))
}

/// The limits of the caller, and the jobs and octets that he has.
fn limits(tx: &Tx<'_>) -> Fallible<Option<(UserLimits, (u64, u64))>> {
    limits_of(tx, &store::spool::row(tx)?)
}

fn limits_of(tx: &Tx<'_>, row: &SpoolRow) -> Fallible<Option<(UserLimits, (u64, u64))>> {
    let caller = tx.caller()?;
    if row.limits == UserLimits::default() || row.trust.trusts(caller) {
        return Ok(None);
    }
    Ok(Some((row.limits, store::tally::of_user(tx, &row.server, caller.uid)?)))
}

/// Refuses a caller who may not send a job of this priority there.
pub(crate) fn may_send(tx: &Tx<'_>, destination: &Destination, priority: Priority) -> Fallible<()> {
    may_send_to(tx, &store::spool::row(tx)?.trust, destination, priority)
}

fn may_send_to(tx: &Tx<'_>, trust: &Trust, destination: &Destination, priority: Priority) -> Fallible<()> {
    let place = Spool::place_of(tx, trust, destination)?;
    Spool::demand(tx, Right::Submit { place: &place })?;
    if trust.has_rules && !trust.trusts(tx.caller()?) {
        demand_devices(tx, destination)?;
    }
    match priority > Priority::default() {
        true => Spool::demand(tx, Right::RaisePriority { place: &place }),
        false => Ok(()),
    }
}

/// Refuses a caller who may not send this job there. A priority that the default job of its place gave it is no wish of its
/// owner, who would otherwise be unable to send it anywhere.
pub(crate) fn may_send_job(tx: &Tx<'_>, destination: &Destination, job: &JobRow) -> Fallible<()> {
    let raised = job.priority > Priority::default();
    let given = raised && store::given::origin(tx, job.id, Field::JobPriority)? == Some(Origin::DefaultJob);
    may_send(tx, destination, if given { Priority::default() } else { job.priority })
}

/// Refuses a job for a group to a caller who may not send it to one of its devices: it would print there. He may, where he may
/// submit to a location of the group that leads to the device.
fn demand_devices(tx: &Tx<'_>, destination: &Destination) -> Fallible<()> {
    let group = match destination {
        Destination::Group(name) => name.clone(),
        Destination::Location(name) | Destination::Plain(name) => match store::location::by_name(tx, name)? {
            Some(row) if row.whole_group => row.group.name,
            _ => return Ok(()),
        },
    };
    let mut refused: BTreeMap<DeviceId, Option<Failure>> = BTreeMap::new();
    for row in locations::matching(tx, &LocationPattern::Group(group))? {
        let Some(device) = row.device.map(|id| store::device::by_id(tx, id)).transpose()?.flatten() else { continue };
        let Place(rules) = Spool::place_of_device(tx, &device)?;
        let own = (AccessObject::Location(row.name), store::access::of(tx, Owner::Location(row.id))?);
        let group = (AccessObject::Group(row.group.name), store::access::of(tx, Owner::Group(row.group.id))?);
        let place = Place([own, group].into_iter().chain(rules).collect());
        let found = Spool::demand(tx, Right::Submit { place: &place }).err();
        let known = refused.entry(device.id).or_insert_with(|| found.clone());
        if found.is_none() {
            *known = None;
        }
    }
    match refused.into_values().flatten().next() {
        None => Ok(()),
        Some(failure) => {
            Err(failure.hint("a job for a group may print on each of its devices; send it to one of its locations"))
        }
    }
}

/// Refuses a destination that takes no jobs.
pub(crate) fn demand_open(tx: &Tx<'_>, destination: &Destination) -> Fallible<()> {
    let row = destination.location().map(|name| store::location::by_name(tx, name)).transpose()?.flatten();
    row.map_or(Ok(()), |row| takes_jobs(&row))
}

/// The limit of submissions under way that holds for the caller.
fn most_opens(tx: &Tx<'_>) -> Fallible<Option<UserLimits>> {
    let row = store::spool::row(tx)?;
    Ok((row.limits.opens.is_some() && !row.trust.trusts(tx.caller()?)).then_some(row.limits))
}

/// Octets of the documents that are files. What comes through a pipe counts when it is there.
fn sizes<'a>(files: impl IntoIterator<Item = &'a OwnedFd>) -> u64 {
    let of = |file: &OwnedFd| nix::sys::stat::fstat(file).ok().and_then(|meta| u64::try_from(meta.st_size).ok());
    files.into_iter().filter_map(of).sum()
}

/// Whether a document is a file without a name, as a door writes one on the file system of the spool.
fn is_unnamed(document: &OwnedFd) -> bool {
    nix::sys::stat::fstat(document).is_ok_and(|meta| meta.st_nlink == 0)
}

/// Files larger than this may take long to be read.
const SLOW: u64 = 64 << 20;

/// Tells whether a document is a file, which ends.
fn is_file(document: &OwnedFd) -> bool {
    let kind = nix::sys::stat::fstat(document).map(|meta| SFlag::from_bits_truncate(meta.st_mode) & SFlag::S_IFMT);
    kind == Ok(SFlag::S_IFREG)
}

/// A submission that is under way, among those of its user.
pub(crate) struct Open {
    all: Arc<Mutex<HashMap<u32, u32>>>,
    uid: u32,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(&self.uid).map_or(0, |n| n.saturating_sub(1));
        match left {
            0 => drop(all.remove(&self.uid)),
            left => drop(all.insert(self.uid, left)),
        }
    }
}

impl Spool {
    /// Counts one more submission of a user as under way, unless that is one too many. They are those of this process: a
    /// server has all of them, and a spool without one has one user.
    fn opened(&self, uid: u32, limits: Option<&UserLimits>) -> Fallible<Open> {
        let all = Arc::clone(&self.inner.opens);
        {
            let mut counts = all.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(uid).or_default();
            limits.map_or(Ok(()), |limits| limits.allow_open(*count))?;
            *count += 1;
        }
        Ok(Open { all, uid })
    }
}

/// Refuses a job that the spooler, or its collector, does not take. Returns the collector by which it comes; a door is none.
fn accepting(tx: &Tx<'_>, submission: &Submission, by_door: bool) -> Fallible<Option<CollectorName>> {
    takes_work(tx)?;
    if by_door {
        return Ok(None);
    }
    collectors::taking(tx, submission.collector.as_ref())
}

/// The same when the documents are complete. What was open when a drain began comes to its end.
fn still_accepting(
    tx: &Tx<'_>,
    submission: &Submission,
    collector: Option<&CollectorName>,
) -> Fallible<Option<CollectorName>> {
    let drains = matches!(store::spool::state(tx)?, SpoolerState::Active | SpoolerState::Drain);
    let is_there = match collector {
        Some(name) => store::collector::by_name(tx, name)?.is_some(),
        None => true,
    };
    if drains && is_there { Ok(collector.cloned()) } else { accepting(tx, submission, false) }
}

/// Refuses work that the spooler does not take.
pub(crate) fn takes_work(tx: &Tx<'_>) -> Fallible<()> {
    match store::spool::state(tx)?.refusal() {
        None => Ok(()),
        Some(why) => {
            Err(Failure::new(FailureKind::State, why).hint("an operator starts it: spoolcom 'SPOOLER, START'"))
        }
    }
}

/// A job that was accepted.
pub(crate) struct Taken {
    /// The job.
    pub accepted: Accepted,
    /// The print processes that have work now.
    pub targets: Vec<WakeTarget>,
    /// The print processes whose rows say running.
    pub running: Vec<WakeTarget>,
}
