//! A job as it comes into being: where it is to wait, its row, and what belongs to it.
//!
//! A crash: all of it is part of one transaction of [`super::submit`], or of [`super::arrival`].

use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::job::{Accepted, Format, FormatOrigin, GivenValue, Submission};
use crate::model::lifetime::{Ending, Lifetime};
use crate::model::location::{Destination, LocationKind};
use crate::model::order::{NO_DEADLINE, Priority, USUAL_SPEED, estimate_ms, pages_of_work, queue_key, work_in_lines};
use crate::model::state::{EntryState, HoldReason, HoldReasons, Wish};
use crate::model::{Caller, CollectorName, Failure, FailureKind, GlobalJobId, JobId, LocationId, RouteId, ServerName};
use crate::store::device::DeviceRow;
use crate::store::document::DocumentRow;
use crate::store::entry::NewEntry;
use crate::store::event::{Object, record};
use crate::store::job::{JobRow, SortKey};
use crate::store::location::{GroupRow, LocationRow};
use crate::store::submission::Known;
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::users;

use crate::spool::Spool;
use crate::spool::disk::files::Received;
use crate::spool::objects::kept::ByDefault;
use crate::spool::secure::arrive as secure;

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
    pub(super) fn held(&self) -> Self {
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
                sealed: file.sealed.clone(),
                origin: None,
            });
        }
        Self {
            octets: documents.iter().map(|d| d.identity.size).sum(),
            pages: super::selection::pages(&documents, &submission.given),
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
        job.id = store::job::insert(tx, &job, &self.submission.token, &self.documents)?;
        store::job::insert_values(tx, job.id, &self.submission.given, self.by_default.profile_by)?;
        self.complete(tx, spool, destination, &job, placed)
    }

    /// Makes sure that the submitter may ask for the notifications that he asks for. What a default job gives was judged by the
    /// rights of whoever set it there.
    pub(super) fn judge(&self, tx: &Tx<'_>, spool: &Spool) -> Fallible<()> {
        let by_submitter = |one: &&GivenValue| {
            self.by_default.profile_by.is_none() || one.field.stored() != "notification-profile" || one.document > 0
        };
        let mut judged = self.submission.given.iter().filter(by_submitter);
        judged.try_for_each(|one| spool.demand_notifiable(tx, one.field, &one.value))
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
        let mut sort = Self::position(tx, (speed, numbers.sequence), s.priority, (self.work, self.pages), deadline_ms)?;
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
        if secure.is_some_and(|queue| queue.encrypts()) && self.documents.iter().any(DocumentRow::lies_in_clear) {
            let why = "its queue encrypts since the job began to arrive";
            return Err(Failure::new(FailureKind::State, why).hint("submit it again"));
        }
        store::submission::accept(tx, &s.token, &Known { id: job.id, number, local, serial })?;
        if let Some(batch) = s.batch {
            super::membership::join(tx, job, batch)?;
        }
        let whole = placed.location.is_none_or(|location| location.1);
        let unsupported = super::supported::demand(tx, job, &placed.devices, destination_word(destination).as_str())?;
        let job = unsupported.as_ref().map_or(job, |held| &held.job);
        spool.insert_entries(tx, job, placed.group.broadcast && whole)?;
        let why = format!(
            "{} for {destination}, {} octets, {}",
            plural(self.documents.len(), "document"),
            self.octets,
            kinds(&self.documents)
        );
        self.judge(tx, spool)?;
        record(tx, Object::Job(job.id), EventWord::Accepted, &why)?;
        if let Some(held) = &unsupported {
            held.record(tx)?;
        }
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
        (work, pages): Size,
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
            pages: pages.map_or_else(|| pages_of_work(work), |pages| i64::try_from(pages).unwrap_or(i64::MAX)),
        })
    }
}

/// A destination as the pd commands name it.
pub(super) fn destination_word(destination: &Destination) -> String {
    match destination {
        Destination::Plain(name) => name.dest.to_string(),
        Destination::Location(name) => format!("{}.{}", name.group, name.dest),
        Destination::Group(name) => name.to_string(),
    }
}

/// The deadline of a job, where a value that was given is that.
fn deadline(one: &GivenValue) -> Option<i64> {
    match one.value {
        Value::Time(at) if one.document == 0 && one.field.stored() == DEADLINE => Some(at),
        _ => None,
    }
}

/// How much a job is: lines, and pages where all are known.
pub(crate) type Size = (u64, Option<u64>);

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
        size: Size,
        deadline_ms: Option<i64>,
    ) -> Fallible<(SortKey, i64)> {
        tx.lock(Lock::Route(route))?;
        let (speed, fifo) = store::device::speed_and_order_of_route(tx, route)?.unzip();
        let fifo = match fifo {
            Some(fifo) => fifo,
            None => store::job::route_order(tx, route)?.unwrap_or(true),
        };
        let sort = NewJob::position(tx, (speed, store::spool::next_sequence(tx)?), priority, size, deadline_ms)?;
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
            let mut devices = store::device::of_route(tx, job.route)?;
            // Where only some of them support it, it prints on these.
            if let Some(able) = super::supported::judge(tx, job, &devices)?.and_then(|verdict| verdict.able) {
                devices.retain(|device| able.contains(&device.id));
            }
            only.extend(devices.into_iter().map(|device| Some(device.id)));
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

/// Refuses a job for a destination that is disabled.
pub(super) fn takes_jobs(row: &LocationRow) -> Fallible<()> {
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
