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
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::stat::SFlag;

use crate::attributes::text::title;
use crate::attributes::{Class, Settable, find};
use crate::documents::Sheet;
use crate::model::Call;
use crate::model::access::{AccessObject, Place};
use crate::model::alter::JobChange;
use crate::model::authority::{Right, UserLimits};
use crate::model::collector::by_way_of;
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::{Accepted, Format, FormatOrigin, GivenValue, Origin, Submission, Transfer};
use crate::model::lifetime::{Ending, Lifetime, Retention};
use crate::model::location::{Destination, LocationKind};
use crate::model::order::{NO_DEADLINE, Priority, USUAL_SPEED, estimate_ms, pages_of_work, queue_key, work_in_lines};
use crate::model::state::{EntryState, HoldReason, HoldReasons, SpoolerState, Wish};
use crate::model::{
    Caller, CollectorName, DeviceId, Failure, FailureKind, GlobalJobId, JobId, LocationId, LocationPattern, RouteId,
    ServerName,
};
use crate::store::access::Owner;
use crate::store::device::DeviceRow;
use crate::store::document::DocumentRow;
use crate::store::entry::NewEntry;
use crate::store::event::{Object, record};
use crate::store::job::{JobRow, SortKey};
use crate::store::location::{GroupRow, LocationRow};
use crate::store::submission::{Fate, Known};
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::stop::Stop;
use crate::sys::{fault, users};

use super::arrival::{Arrival, Opened};
use super::by_door::ByDoor;
use crate::spool::disk::files::{Intake, Look, Reading, Received};
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
        self.submit_by(calls, submission, files, None).map(|(taken, _)| taken)
    }

    /// The same of a job that may have come by a door. Returns also whether it was announced as a possible duplicate.
    pub(crate) fn submit_by(
        &self,
        (call, again): (&Call, &dyn Fn() -> Call),
        mut submission: Submission,
        files: Vec<OwnedFd>,
        door: Option<ByDoor>,
    ) -> Fallible<(Taken, bool)> {
        submission.name = title(&submission.name);
        if let Some((collector, destination)) = by_way_of(&submission.destination) {
            submission = Submission { collector: Some(collector), destination: destination.to_owned(), ..submission };
        }
        let by_default = self.take_initial_values(call, &mut submission)?;
        complete(&mut submission);
        check(&submission)?;
        // What only the spool notes is no user's to give.
        if let Some(door) = &door {
            submission.given.extend(door.noted.iter().map(|(field, value)| GivenValue {
                document: 0,
                field: *field,
                value: value.clone(),
                origin: Origin::Spool,
            }));
        }
        // Papers have names that forms may not have, so this comes behind the check of the form.
        self.take_media(call, &mut submission)?;
        // Refuse before an octet is copied: is there such a destination, and does the spool accept jobs at all? What it says
        // of its documents, and what they are printed on, decides how they are counted. Another answer a moment later
        // changes nothing: they are what was said when they came.
        let (content, sheet, opens, reserve, limits, collector) = self.look(call, |tx| {
            let collector = accepting(tx, &submission, door.is_some())?;
            let destination = self.destination(tx, &submission.destination)?;
            may_submit(tx, asked(&submission, by_default.priority), &destination, (sizes(&files), false))?;
            demand_open(tx, &destination)?;
            if let Some(group) = store::location::group(tx, destination.group())? {
                let transfers = submission.documents.iter().map(|document| document.transfer);
                secure::demand_copies(secure::secure_queue(tx, group.id)?.as_ref(), transfers)?;
            }
            let (content, sheet) = Self::printed_on(tx, &destination)?;
            Ok((content, sheet, most_opens(tx)?, store::spool::row(tx)?.reserve, limits(tx)?, collector))
        })?;
        // Links take no room.
        let octets = match submission.documents.iter().any(|document| document.transfer == Transfer::Copy) {
            true => sizes(&files),
            false => 0,
        };
        reserve::demand(self.base(), reserve, octets)?;
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
        let how = Reading { look, content, sheet, least_free, limits, adopts: door.is_some(), stop: None };
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
            self.accept(call, &submission, intake, (opened.as_ref(), collector.clone(), by_default), door.clone())
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
        let opened = opened.map(|opened| opened.id);
        match self.inner.store.is_for_command() {
            true => {
                intake.to_disk(&submission.documents, || self.inner.store.plan(store::submission::plan))?;
                // The submitter waits for the commit and for nothing behind it: see [`Spool::needs_shorter_log`].
                self.inner.store.leave_log();
            }
            false => intake.sync(&submission.documents)?,
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
            may_submit(
                tx,
                asked(&plan.submission, by_default.priority),
                &destination,
                (plan.octets, opened.is_some()),
            )?;
            let repeats = door.as_ref().map_or(Ok(None), |door| door.repeats(tx))?;
            let held = repeats.is_some() && door.as_ref().is_some_and(|door| door.holds_repeats);
            let (accepted, devices) = match opened {
                Some(opened) => plan.close(tx, &spool, opened)?,
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
    may_send(tx, destination, priority)?;
    limits(tx)?
        .map_or(Ok(()), |(limits, (jobs, has))| limits.allow((jobs.saturating_sub(u64::from(is_counted)), has), octets))
}

/// The limits of the caller, and the jobs and octets that he has.
fn limits(tx: &Tx<'_>) -> Fallible<Option<(UserLimits, (u64, u64))>> {
    let row = store::spool::row(tx)?;
    let caller = tx.caller()?;
    if row.limits == UserLimits::default() || row.trust.trusts(caller) {
        return Ok(None);
    }
    Ok(Some((row.limits, store::tally::of_user(tx, &row.server, caller.uid)?)))
}

/// Refuses a caller who may not send a job of this priority there.
pub(crate) fn may_send(tx: &Tx<'_>, destination: &Destination, priority: Priority) -> Fallible<()> {
    let trust = store::spool::row(tx)?.trust;
    let place = Spool::place_of(tx, &trust, destination)?;
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
fn sizes(files: &[OwnedFd]) -> u64 {
    let of = |file: &OwnedFd| nix::sys::stat::fstat(file).ok().and_then(|meta| u64::try_from(meta.st_size).ok());
    files.iter().filter_map(of).sum()
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

/// Refuses a job for a destination that is disabled.
fn takes_jobs(row: &LocationRow) -> Fallible<()> {
    if row.takes_jobs {
        return Ok(());
    }
    let name = match row.kind {
        LocationKind::Location => format!("{}.{}", row.name.group, row.name.dest),
        LocationKind::Logical | LocationKind::Outlet => row.name.dest.to_string(),
    };
    Err(Failure::new(FailureKind::State, format!("destination {name} is disabled: it takes no jobs")).hint(format!(
        "pdenable {name}   enables it;  pdls -c destination -r message {name}   may say why it is disabled"
    )))
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

/// What is known of a job before its transaction.
pub(crate) struct NewJob {
    pub(crate) submission: Submission,
    pub(crate) documents: Vec<DocumentRow>,
    pub(crate) caller: Caller,
    pub(crate) owner_gid: u32,
    pub(crate) server: ServerName,
    pub(crate) work: u64,
    pub(crate) octets: u64,
    pub(crate) pages: Option<u64>,
    /// How long it has waited at another server.
    pub(crate) waited_ms: i64,
    /// What default jobs give to it.
    pub(crate) by_default: ByDefault,
}

/// Where a job is to wait.
pub(super) struct Placed {
    group: GroupRow,
    /// The location, and whether it stands for its whole group; none = the group itself.
    location: Option<(LocationId, bool)>,
    route: RouteId,
    devices: Vec<DeviceRow>,
}

impl Placed {
    /// Finds where a job for `destination` waits, if that takes jobs.
    pub(super) fn of(tx: &Tx<'_>, destination: &Destination) -> Fallible<Self> {
        Self::at(tx, destination, takes_jobs)
    }

    /// The same for a job whose row is there already: what is disabled takes no others.
    pub(super) fn open_already(tx: &Tx<'_>, destination: &Destination) -> Fallible<Self> {
        Self::at(tx, destination, |_| Ok(()))
    }

    fn at(tx: &Tx<'_>, destination: &Destination, demand: fn(&LocationRow) -> Fallible<()>) -> Fallible<Self> {
        let gone = || Failure::not_found(destination);
        let (group, location, route) = match destination {
            Destination::Location(name) | Destination::Plain(name) => {
                let row = store::location::by_name(tx, name)?.ok_or_else(gone)?;
                let route = row.job_route();
                tx.lock(Lock::Route(route))?;
                let row = store::location::by_name(tx, name)?.ok_or_else(gone)?;
                demand(&row)?;
                (row.group, Some((row.id, row.whole_group)), route)
            }
            Destination::Group(name) => {
                let row = store::location::group_to_change(tx, name)?.ok_or_else(gone)?;
                let route = row.route;
                (row, None, route)
            }
        };
        Ok(Self { group, location, route, devices: store::device::of_route(tx, route)? })
    }
}

impl NewJob {
    /// The same job, held from the start.
    fn held(&self) -> Self {
        let submission = Submission { hold: true, ..self.submission.clone() };
        Self {
            submission,
            documents: self.documents.clone(),
            caller: self.caller.clone(),
            server: self.server.clone(),
            ..*self
        }
    }

    pub(super) fn new(submission: &Submission, received: &[Received], caller: &Caller, server: &ServerName) -> Self {
        let mut documents = Vec::new();
        let mut work = 0u64;
        for (i, (offer, file)) in submission.documents.iter().zip(received).enumerate() {
            work = work.saturating_add(work_in_lines(file.lines, file.pages, file.identity.size, offer.copies));
            documents.push(DocumentRow {
                id: crate::model::DocumentId(0),
                sequence: u32::try_from(i + 1).unwrap_or(u32::MAX),
                file_name: offer.file_name.clone(),
                store_name: file.store_name.clone(),
                transfer: offer.transfer,
                link_target: offer.link_target.clone(),
                format: file.kind.format,
                format_origin: file.kind.origin,
                recognised: file.kind.recognised,
                pages: file.pages,
                lines: file.lines,
                copies: offer.copies,
                server: server.to_string(),
                identity: file.identity.clone(),
                digest: file.digest,
                origin: None,
            });
        }
        Self {
            octets: documents.iter().map(|d| d.identity.size).sum(),
            pages: documents.iter().map(|d| d.pages.map(|p| p.saturating_mul(u64::from(d.copies)))).sum(),
            submission: submission.clone(),
            documents,
            owner_gid: users::primary_group(caller.uid),
            caller: caller.clone(),
            server: server.clone(),
            work,
            waited_ms: 0,
            by_default: ByDefault::default(),
        }
    }

    pub(crate) fn insert(
        &self,
        tx: &Tx<'_>,
        spool: &Spool,
        destination: &Destination,
        collector: Option<CollectorName>,
    ) -> Fallible<(Accepted, Vec<DeviceRow>)> {
        let placed = Placed::of(tx, destination)?;
        let mut job = self.row(tx, &placed, collector)?;
        job.id = store::job::insert(tx, &job, &self.submission.token)?;
        store::job::insert_values(tx, job.id, &self.submission.given, self.by_default.profile_by)?;
        self.complete(tx, spool, destination, &job, placed)
    }

    /// Returns the queue of the job, if that keeps its jobs for their owners. A job of another server that is printed here was
    /// released there.
    fn secure_queue(&self, tx: &Tx<'_>, placed: &Placed) -> Fallible<Option<secure::SecureQueue>> {
        match self.submission.token.starts_with(crate::model::remote::TOKEN) {
            true => Ok(None),
            false => secure::secure_queue(tx, placed.group.id),
        }
    }

    /// Makes the row of the job, and takes its numbers.
    pub(super) fn row(&self, tx: &Tx<'_>, placed: &Placed, collector: Option<CollectorName>) -> Fallible<JobRow> {
        let s = &self.submission;
        let route = placed.route;
        let full = || Failure::new(FailureKind::Full, "all 9,999,999 job numbers are in use");
        let numbers = store::spool::take_numbers(tx)?.ok_or_else(full)?;
        let (number, serial) = (numbers.number, numbers.serial);
        let local = store::spool::next_local(tx, self.caller.uid)?;
        let class = store::job::class(tx, &s.form)?;
        let devices = &placed.devices;
        let speed = devices.iter().map(|device| device.settings.speed).max();
        let deadline_ms = s.given.iter().find_map(deadline);
        let mut sort = Self::position(tx, (speed, numbers.sequence), s.priority, self.work, deadline_ms)?;
        sort.key = sort.key.saturating_sub(self.waited_ms);
        let fifo = devices.iter().any(|device| device.settings.fifo);
        let fifo = if devices.is_empty() { store::job::route_order(tx, route)?.unwrap_or(true) } else { fifo };
        let held = s.hold.then_some(HoldReason::Operator);
        let later = s.lifetime.print_after_ms.map(|_| HoldReason::PrintAfter);
        let secure = self.secure_queue(tx, placed)?;
        secure::demand_copies(secure.as_ref(), self.documents.iter().map(|document| document.transfer))?;
        let waits = secure.map(|_| HoldReason::SecureRelease);
        let reasons = held.into_iter().chain(later).chain(waits).fold(HoldReasons::NONE, HoldReasons::with);
        s.lifetime.check(tx.now().wall_ms).map_err(|why| Failure::new(FailureKind::BadValue, why))?;
        Ok(JobRow {
            id: JobId(0),
            number,
            serial,
            local,
            owner_server: self.server.to_string(),
            owner_uid: self.caller.uid,
            owner_gid: self.owner_gid,
            owner: s.owner.clone().unwrap_or_else(|| self.caller.user.clone()),
            owner_vouched: s.owner.is_some() && store::spool::row(tx)?.trust.trusts(&self.caller),
            user_name: self.caller.identity(),
            name: s.name.clone(),
            form: s.form.trim().to_owned(),
            priority: s.priority,
            wish: Wish::Run,
            reasons,
            reason_text: None,
            hold_after: s.hold_after,
            arriving: false,
            lifetime: Lifetime {
                retention: secure.map_or(s.lifetime.retention, |queue| queue.retention(s.lifetime.retention)),
                ending: s.keep.then_some(Ending::Kept),
                previous: None,
                ..s.lifetime
            },
            group: placed.group.id,
            location: placed.location.map(|location| location.0),
            batch: None,
            route,
            class,
            created_ms: tx.now().wall_ms,
            closed_ms: None,
            process: None,
            work: self.work,
            octets: self.octets,
            pages: self.pages,
            deadline_ms,
            sort,
            place: store::job::place(&sort, fifo),
            collector,
            origin: None,
        })
    }

    /// Gives a job whose row is there what belongs to it, and says that it is accepted.
    pub(super) fn complete(
        &self,
        tx: &Tx<'_>,
        spool: &Spool,
        destination: &Destination,
        job: &JobRow,
        placed: Placed,
    ) -> Fallible<(Accepted, Vec<DeviceRow>)> {
        let s = &self.submission;
        let (number, local, serial) = (job.number, job.local, job.serial);
        let secure = self.secure_queue(tx, &placed)?;
        if secure.is_some() != job.reasons.has(HoldReason::SecureRelease) {
            let why = "the release-type of the queue was changed while the job arrived";
            return Err(Failure::new(FailureKind::State, why).hint("submit it again"));
        }
        store::submission::accept(tx, &s.token, &Known { id: job.id, number, local, serial })?;
        for document in &self.documents {
            store::document::insert(tx, job.id, document)?;
        }
        if let Some(batch) = s.batch {
            super::membership::join(tx, job, batch)?;
        }
        let whole = placed.location.is_none_or(|location| location.1);
        spool.insert_entries(tx, job, placed.group.broadcast && whole)?;
        let why = format!(
            "{} for {destination}, {} octets, {}",
            plural(self.documents.len(), "document"),
            self.octets,
            kinds(&self.documents)
        );
        // What a default job gives was judged by the rights of whoever set it there.
        let by_submitter = |one: &&GivenValue| {
            self.by_default.profile_by.is_none() || one.field.stored() != "notification-profile" || one.document > 0
        };
        let mut judged = s.given.iter().filter(by_submitter);
        judged.try_for_each(|one| spool.demand_notifiable(tx, one.field, &one.value))?;
        record(tx, Object::Job(job.id), EventWord::Accepted, &why)?;
        if let Some(queue) = &secure {
            spool.arrived(tx, job, queue)?;
        }
        if s.keep {
            let until = job.lifetime.kept_until(store::spool::time(tx)?, tx.now().wall_ms);
            let until = until.ok_or_else(|| Failure::internal("a job that is only kept would be kept for no time"))?;
            Spool::keep(tx, job, (Ending::Kept, &until), ("kept", None), None)?;
        }
        let global = GlobalJobId { server: self.server.clone(), serial };
        Ok((Accepted { id: job.id, number, local, global }, placed.devices))
    }

    /// Returns the place of a job that arrives now with this sequence number, in a route whose fastest device has this
    /// SPEED.
    fn position(
        tx: &Tx<'_>,
        (speed, sequence): (Option<u32>, i64),
        priority: Priority,
        work: u64,
        deadline_ms: Option<i64>,
    ) -> Fallible<SortKey> {
        let arrival = store::spool::time(tx)?;
        let estimate = estimate_ms(work, speed.unwrap_or(USUAL_SPEED));
        Ok(SortKey {
            promoted: 0,
            rank: priority.rank(),
            key: queue_key(arrival, estimate),
            sequence,
            deadline: deadline_ms.unwrap_or(NO_DEADLINE),
            pages: pages_of_work(work),
        })
    }
}

/// The deadline of a job, where a value that was given is that.
fn deadline(one: &GivenValue) -> Option<i64> {
    match one.value {
        Value::Time(at) if one.document == 0 && one.field.stored() == DEADLINE => Some(at),
        _ => None,
    }
}

/// The attribute that says when a job should be ready.
pub(crate) const DEADLINE: &str = "job-deadline-time";

/// What the documents are taken for and who said so, for the history.
fn kinds(documents: &[DocumentRow]) -> String {
    let mut kinds: Vec<(usize, String)> = Vec::new();
    for document in documents {
        let kind = in_words(document.format, document.format_origin);
        match kinds.iter_mut().find(|known| known.1 == kind) {
            Some(known) => known.0 += 1,
            None => kinds.push((1, kind)),
        }
    }
    let alone = kinds.len() == 1;
    let each = |(n, kind): &(usize, String)| if alone { kind.clone() } else { format!("{n} {kind}") };
    kinds.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// What a document is taken for, and who said so.
pub(crate) fn in_words(format: Format, origin: FormatOrigin) -> String {
    let format = format.keyword();
    match origin {
        FormatOrigin::Recognised => format!("recognised as {format}"),
        FormatOrigin::User => format!("{format} as the user says"),
        FormatOrigin::Location => format!("{format} as the location says"),
        FormatOrigin::Device => format!("{format} as the device says"),
    }
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

impl Spool {
    /// Returns the place of a job that arrives now, and what listings of jobs compare of it.
    pub(crate) fn new_position(
        &self,
        tx: &Tx<'_>,
        route: RouteId,
        priority: Priority,
        work: u64,
        deadline_ms: Option<i64>,
    ) -> Fallible<(SortKey, i64)> {
        tx.lock(Lock::Route(route))?;
        let (speed, fifo) = store::device::speed_and_order_of_route(tx, route)?.unzip();
        let fifo = match fifo {
            Some(fifo) => fifo,
            None => store::job::route_order(tx, route)?.unwrap_or(true),
        };
        let sort = NewJob::position(tx, (speed, store::spool::next_sequence(tx)?), priority, work, deadline_ms)?;
        Ok((sort, store::job::place(&sort, fifo)))
    }

    /// Lists the jobs of a route in the order of its devices, after these or their order have changed.
    pub(crate) fn reorder(tx: &Tx<'_>, route: RouteId) -> Fallible<()> {
        let Some(listed) = store::job::route_order(tx, route)? else { return Ok(()) };
        match store::device::order_of_route(tx, route)? {
            Some(fifo) if fifo != listed => store::job::set_route_order(tx, route, fifo),
            // Without a device nothing prints them in any order.
            _ => Ok(()),
        }
    }

    /// Makes the entries of a job: one for its route, or one for each device of a broadcasting group.
    pub(crate) fn insert_entries(&self, tx: &Tx<'_>, job: &JobRow, broadcast: bool) -> Fallible<()> {
        let runs = job.wish == Wish::Run && job.reasons.is_empty() && job.lifetime.ending.is_none();
        let state = if runs { EntryState::Queued } else { EntryState::Withdrawn };
        let mut only = Vec::new();
        if broadcast {
            only.extend(store::device::of_route(tx, job.route)?.into_iter().map(|device| Some(device.id)));
        }
        if only.is_empty() {
            only.push(super::assign::device(tx, job)?);
        }
        for only in only {
            let entry = NewEntry {
                job: job.id,
                route: job.route,
                only,
                class: job.class,
                sort: job.sort,
                work: job.work,
                state,
            };
            store::entry::insert(tx, &entry)?;
        }
        Ok(())
    }
}
