//! Choosing the next job of a device.
//!
//! Entries wait in routes. A device compares the first entries of its (route, requirement class) pairs; an index finds
//! each. It passes over jobs that need another form, so that they block nobody. A job that was begun on the device's
//! file and not ended comes first, whatever arrived since: its octets can be taken back only while they are the last
//! ones. An idle device of a group leaves an entry to a faster one that would finish it sooner.
//!
//! States: a claim takes an entry from Queued to Claimed, for one device, attempt and epoch. Only the print process
//! whose lease stands claims. A crash before the commit leaves the entry queued; after it, the same process finds its
//! claim again, and the next one of that name gives it back.

use crate::model::device::{DeviceUri, Exclusive};
use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::job::{BatchMember, FEATURES, GivenValue};
use crate::model::order::{QueueOrder, estimate_ms};
use crate::model::selection::Selection;
use crate::model::state::{DeviceWish, EntryState, ProcessState};
use crate::model::time::{Moment, SpoolTime};
use crate::model::{ClassId, DeviceId, Failure, JobId, RouteId};
use crate::store::batch::{Kept, Listing};
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, last, record, record_duplicate};
use crate::store::job::JobRow;
use crate::store::process::ProcessRow;
use crate::store::waiting::{self, Run};
use crate::store::{self, Fallible, Lock, Tx};

use super::{device_errors, wakes};
use crate::model::remote::DocumentOrigin;
use crate::spool::interface::engine::{BatchPart, Claim, ClaimedDocument, Lease, Next};
use crate::spool::interface::records::SpoolerState;
use crate::spool::{Spool, WakeTarget};

/// How many entries of a group's queue a device looks at, to find one that no other device would finish sooner.
const LOOK_AHEAD: u32 = 32;
/// No device waits for another one that prints this much longer than estimated.
const OVERDUE_MS: i64 = 60_000;

/// Tells whether the spooler prints at all.
pub(crate) fn is_active(tx: &Tx<'_>) -> Fallible<bool> {
    Ok(store::spool::state(tx)? == SpoolerState::Active)
}

/// Tells whether a started device that satisfies these classes could claim a queued entry.
pub(crate) fn is_eligible(tx: &Tx<'_>, device: DeviceId, classes: &[ClassId]) -> Fallible<bool> {
    for (route, _) in store::device::open_routes(tx, device)? {
        for class in classes {
            if store::entry::any(tx, route, *class, device)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

pub(crate) fn has_eligible(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<bool> {
    is_eligible(tx, device.id, &store::job::classes_for(tx, &store::device::carries(&device.settings))?)
}

/// Tells whether a device gives its print process something to do now.
pub(crate) fn device_has_work(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<bool> {
    if device.wish != DeviceWish::Stopped && store::request::any_for_device(tx, device.id)? {
        return Ok(true);
    }
    match device.wish {
        DeviceWish::Stopped => Ok(device_errors::restart_at(tx, device)?.is_some()),
        DeviceWish::Suspended => Ok(false),
        DeviceWish::Draining => Ok(true),
        DeviceWish::Started => Ok(is_active(tx)?
            && (device.settings.exclusive == Exclusive::On || device.error.is_some() || has_eligible(tx, device)?)),
    }
}

/// Tells whether a print process has something to do now.
pub(crate) fn process_has_work(tx: &Tx<'_>, process: &ProcessRow) -> Fallible<bool> {
    if store::entry::busy(tx, process.id)? {
        return Ok(true);
    }
    for device in store::device::of_process(tx, &process.name)? {
        if device_has_work(tx, &device)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was chosen for a device.
pub(crate) struct Choice {
    /// The entry that it prints next; none when nothing waits, or when what waits is left to another device.
    pub(crate) entry: Option<EntryRow>,
    /// How many of the entries that were looked at it could claim: none, one, or more.
    pub(crate) waiting: usize,
}

/// Chooses the entry that a device prints next. Nothing is left to a device whose print process is not `alive`.
pub(crate) fn choose(
    tx: &Tx<'_>,
    device: &DeviceRow,
    now: SpoolTime,
    alive: &dyn Fn(&ProcessRow) -> bool,
) -> Fallible<Choice> {
    if let Some(begun) = store::entry::begun_on(tx, device.id, &store::device::carries(&device.settings))? {
        return Ok(Choice { entry: Some(begun), waiting: usize::MAX });
    }
    let classes = store::job::classes_for(tx, &store::device::carries(&device.settings))?;
    let routes = store::device::open_routes(tx, device.id)?;
    // A batch is one listing: no other job comes between its jobs.
    if let Some(listing) = listing(tx, device, None)?
        && let Some(next) = store::batch::waiting(tx, &listing, device.id, i64::MIN, 1)?.pop()
        && classes.contains(&next.class)
        && routes.iter().any(|(route, _)| *route == next.route)
    {
        return Ok(Choice { entry: Some(next), waiting: usize::MAX });
    }
    let order = device.settings.order();
    let mut best: Option<EntryRow> = None;
    let mut waiting = 0;
    for (route, is_group) in routes {
        // Why two entries of its own queue? What becomes of the connection depends on whether another one waits.
        let limit = if is_group { LOOK_AHEAD } else { 2 };
        // The other devices are read only when the group has something for us. In a group of a thousand devices that
        // print only what is sent to each of them, nobody reads the others.
        let mut others = None;
        for class in &classes {
            let heads = store::entry::heads(tx, route, *class, device.id, order, limit)?;
            if heads.is_empty() {
                continue;
            }
            waiting += heads.len();
            if is_group && others.is_none() {
                others = Some(rivals(tx, device, route, now, alive)?);
            }
            let Some(found) = first_for_us(heads, device, others.as_deref().unwrap_or_default()) else { continue };
            if best.as_ref().is_none_or(|best| found.sort.place(order) < best.sort.place(order)) {
                best = Some(found);
            }
        }
    }
    Ok(Choice { entry: best, waiting })
}

/// Returns the listing that a device is in the middle of, or that it begins with the entry that it prints now.
pub(crate) fn listing(tx: &Tx<'_>, device: &DeviceRow, claimed: Option<&EntryRow>) -> Fallible<Option<Listing>> {
    let number = match claimed {
        Some(entry) => store::job::by_id(tx, entry.job)?.and_then(|job| job.batch).map(|member| member.number),
        None => device.batch,
    };
    Ok(number.map(|number| Listing { number, end: device.batch_end }))
}

/// Lets the groups of a device print again what was kept to it: it takes no more jobs. Returns the print processes that have
/// work now.
pub(crate) fn let_go(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for (route, _) in store::device::routes(tx, device)?.into_iter().filter(|(_, is_group)| *is_group) {
        if store::batch::let_go(tx, route, device, Kept::All)? {
            for target in wakes::of_route(tx, route)? {
                wakes::add(&mut targets, Some(target));
            }
        }
    }
    Ok(targets)
}

/// Does the same when a job comes back: what was kept to its device goes with it, unless a part of its batch was printed
/// there already and the device goes on.
pub(crate) fn came_back(tx: &Tx<'_>, entry: &EntryRow, job: &JobRow) -> Fallible<()> {
    let Some(device) = entry.device else { return Ok(()) };
    let Some(BatchMember { number, .. }) = job.batch else {
        if entry.only == Some(device) {
            store::batch::let_go(tx, entry.route, device, Kept::Job(job.id))?;
        }
        return Ok(());
    };
    let row = store::device::by_id(tx, device)?;
    let goes_on = row.is_some_and(|row| {
        row.batch == Some(number) && matches!(row.wish, DeviceWish::Started | DeviceWish::Suspended)
    });
    if !goes_on {
        store::batch::let_go(tx, entry.route, device, Kept::Batch(number))?;
    }
    Ok(())
}

/// Another device of the group that could take an entry: its speed, and how soon it will be free.
struct Rival {
    classes: Vec<ClassId>,
    speed: u32,
    free_in_ms: i64,
}

/// Returns the other devices of a group that are well.
fn rivals(
    tx: &Tx<'_>,
    device: &DeviceRow,
    route: RouteId,
    now: SpoolTime,
    alive: &dyn Fn(&ProcessRow) -> bool,
) -> Fallible<Vec<Rival>> {
    let mut found = Vec::new();
    for other in store::device::of_route(tx, route)? {
        if other.id == device.id || other.wish != DeviceWish::Started || other.in_error().is_some() {
            continue;
        }
        let Some(process) = &other.settings.process else { continue };
        if store::process::by_name(tx, process)?.is_none_or(|p| !alive(&p)) {
            continue;
        }
        let mut free_in_ms = 0;
        if let Some(running) = store::entry::of_device(tx, other.id, EntryState::Claimed)?.first() {
            let whole = estimate_ms(running.work, other.settings.speed);
            let passed = now.0 - running.claimed_spool.unwrap_or(now.0);
            if passed > whole.saturating_mul(2).saturating_add(OVERDUE_MS) {
                continue;
            }
            free_in_ms = (whole - passed).max(0);
        }
        found.push(Rival {
            classes: store::job::classes_for(tx, &store::device::carries(&other.settings))?,
            speed: other.settings.speed,
            free_in_ms,
        });
    }
    Ok(found)
}

/// Returns the first of `heads` that no rival would finish sooner, when each earlier one is left to its rival.
fn first_for_us(heads: Vec<EntryRow>, device: &DeviceRow, rivals: &[Rival]) -> Option<EntryRow> {
    let mut free: Vec<i64> = rivals.iter().map(|r| r.free_in_ms).collect();
    for entry in heads {
        if entry.only.is_some() {
            return Some(entry);
        }
        let mine = estimate_ms(entry.work, device.settings.speed);
        let sooner = rivals
            .iter()
            .enumerate()
            .filter(|(_, r)| r.classes.contains(&entry.class))
            .map(|(i, r)| (free[i].saturating_add(estimate_ms(entry.work, r.speed)), i))
            .min();
        match sooner {
            Some((theirs, i)) if theirs < mine => free[i] = theirs,
            _ => return Some(entry),
        }
    }
    None
}

/// Returns the oldest job that an entry passes on a device which prints short jobs first; none when it passes none.
fn passed(tx: &Tx<'_>, device: &DeviceRow, entry: &EntryRow) -> Fallible<Option<JobRow>> {
    if device.settings.order() != QueueOrder::ShortFirst || entry.sort.promoted != 0 {
        return Ok(None);
    }
    let mut oldest: Option<(i64, JobId)> = None;
    for (route, is_group) in store::device::routes(tx, device.id)? {
        for only in std::iter::once(None).chain(is_group.then_some(Some(device.id))) {
            let run = Run { route, only, class: entry.class };
            let found = waiting::eldest(tx, &run, (0, entry.sort.rank))?;
            oldest = oldest.into_iter().chain(found).min();
        }
    }
    match oldest.filter(|(sequence, _)| *sequence < entry.sort.sequence) {
        Some((_, job)) => store::job::by_id(tx, job),
        None => Ok(None),
    }
}

fn job_of(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<JobRow> {
    store::job::by_id(tx, entry.job)?.ok_or_else(|| Failure::internal("an entry without a job"))
}

/// Fixes where a listing ends that a device begins with a job: whatever joins the batch from now on waits like any other job.
/// Returns the device as it is then; none when it begins no listing.
fn begin_listing(tx: &Tx<'_>, device: &DeviceRow, job: &JobRow) -> Fallible<Option<DeviceRow>> {
    let goes_on = |member: &BatchMember| device.batch == Some(member.number) && member.place <= device.batch_end;
    let Some(BatchMember { number, place }) = job.batch.filter(|member| !goes_on(member)) else {
        return Ok(None);
    };
    // The rest of the listing before was held or removed: this is another one, of the same batch.
    if device.batch == Some(number) {
        store::batch::set_of_device(tx, device.id, None)?;
    }
    let end = store::batch::last_place(tx, number, device.id)?.map_or(place, |last| last.max(place));
    store::batch::set_end(tx, device.id, end)?;
    Ok(Some(DeviceRow { batch: device.batch.filter(|known| *known != number), batch_end: end, ..device.clone() }))
}

/// What was asked for of the printer for a document, or for its whole job.
fn features(given: &[GivenValue], document: u32) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in FEATURES {
        let of = |wanted: u32| given.iter().find(move |one| one.document == wanted && one.field.stored() == name);
        for value in of(document).or_else(|| of(0)).into_iter().flat_map(|one| one.value.each()) {
            match value {
                Value::Text(text) => found.push((name.to_owned(), text.clone())),
                Value::Integer(n) => found.push((name.to_owned(), n.to_string())),
                _ => {}
            }
        }
    }
    found
}

impl Spool {
    /// Tells whether a print process runs and is well.
    pub(crate) fn is_alive(&self, process: &ProcessRow, now: &Moment) -> bool {
        self.process_state(process, now) == ProcessState::Active
    }

    /// Claims the next eligible job of a device in a transaction that has locked the spool. Finds a claim again whose
    /// reply was lost.
    pub(crate) fn claim_in(&self, tx: &Tx<'_>, lease: &Lease, device: DeviceId) -> Fallible<Next> {
        tx.lock(Lock::Device(device))?;
        let Some(row) = store::device::by_id(tx, device)? else { return Ok(Next::Unknown) };
        if let Some(entry) = store::entry::of_device(tx, device, EntryState::Claimed)?.into_iter().next() {
            let ours = entry.claimed_by == Some((lease.process, lease.epoch));
            if !ours {
                return Ok(Next::Unknown);
            }
            let more = has_eligible(tx, &row)?;
            let job = job_of(tx, &entry)?;
            return Ok(Next::Job(Box::new(self.as_claim(tx, (entry, job), &row, more)?)));
        }
        self.claim_for(tx, lease, &row)
    }

    /// Does the same for a device that is known to have no job.
    pub(crate) fn claim_for(&self, tx: &Tx<'_>, lease: &Lease, row: &DeviceRow) -> Fallible<Next> {
        let device = row.id;
        if row.wish != DeviceWish::Started {
            return Ok(Next::Unknown);
        }
        if row.pause_next {
            // The job after which it was to be paused is done.
            store::device::set_wish(tx, device, DeviceWish::Suspended)?;
            // Has it printed? Not where the device has failed: then its job is back in its place.
            let why = if row.error.is_some() { "it was to be when its job was done" } else { "its job is done" };
            record(&tx.spooler(), Object::Device(device), EventWord::Suspended, why)?;
            return Ok(Next::Unknown);
        }
        let (state, spool_time) = store::spool::state_and_time(tx)?;
        if state != SpoolerState::Active {
            return Ok(Next::Unknown);
        }
        let alive = |process: &ProcessRow| process.id == lease.process || self.is_alive(process, tx.now());
        let Choice { entry, waiting } = choose(tx, row, spool_time, &alive)?;
        let Some(entry) = entry else {
            return Ok(if waiting == 0 { Next::Nothing } else { Next::Unknown });
        };
        // Is it read before it is locked? Yes, and the claim makes up for it: it names the state and the attempt that were
        // read. Whoever was slower looks again.
        let Some(entry) = store::entry::claim(tx, entry, device, (lease.process, lease.epoch), spool_time)? else {
            return Ok(Next::Unknown);
        };
        // Was it announced when it was given back? Then not once more. One that a file remembers is announced when its
        // attempt begins somewhere else.
        let announced = entry.duplicate && row.error.is_none() && {
            let words = [EventWord::Claimed, EventWord::PossibleDuplicate];
            let last = store::event::last(tx, Object::Job(entry.job), &words)?;
            last.is_some_and(|event| event.what == EventWord::PossibleDuplicate)
        };
        // Is each try of a device in error an event? No: its error is one already.
        if row.error.is_none() || entry.attempt == 1 {
            let mut why = format!("by {}, attempt {}", row.name.guardian(), entry.attempt);
            if let Some(older) = passed(tx, row, &entry)? {
                why.push_str(&format!(
                    ", before job {}, which is older: this one is shorter, and FIFO is OFF",
                    older.number
                ));
                let object = Object::Job(older.id);
                // Many short jobs may pass a long one: its log says so once.
                if last(tx, object, &[EventWord::Passed])?.is_none() {
                    let number =
                        store::job::by_id(tx, entry.job)?.map_or_else(String::new, |job| job.number.to_string());
                    let name = row.name.guardian();
                    let by =
                        format!("by job {number} on {name}, which is shorter: FIFO is OFF, and waiting counts for it");
                    record(&tx.spooler(), object, EventWord::Passed, &by)?;
                }
            }
            record(tx, Object::Job(entry.job), EventWord::Claimed, &why)?;
        }
        let unannounced = entry.duplicate && row.error.is_none() && !announced;
        let (route, only) = (entry.route, entry.only);
        let job = job_of(tx, &entry)?;
        let begins = begin_listing(tx, row, &job)?;
        let row = begins.as_ref().unwrap_or(row);
        let claim = self.as_claim(tx, (entry, job), row, waiting > 1)?;
        // The devices of a group would share the rest of a listing among them.
        if let Some(part) = claim.batch.filter(|part| only.is_none() && !part.last)
            && store::device::routes(tx, device)?.contains(&(route, true))
        {
            store::batch::keep_to(tx, &Listing { number: part.number, end: row.batch_end }, device)?;
        }
        if unannounced {
            let why =
                format!("attempt {} on {}: possible duplicate pages starting at 1", claim.attempt, row.name.guardian());
            record_duplicate(tx, claim.job, Some(&row.name), &why)?;
        }
        Ok(Next::Job(Box::new(claim)))
    }

    /// The documents of a job, as a print process wants them.
    fn documents(&self, tx: &Tx<'_>, job: JobId) -> Fallible<Vec<ClaimedDocument>> {
        let dir = self.base().server(self.server());
        let given = store::given::of_jobs(tx, job, job)?.remove(&job).unwrap_or_default();
        let found = store::document::of_job(tx, job)?.into_iter().map(|d| ClaimedDocument {
            features: features(&given, d.sequence),
            selected: Selection::of_document(&given, d.sequence),
            id: d.id,
            sequence: d.sequence,
            path: crate::model::job::RawPath(dir.join(&d.store_name)),
            transfer: d.transfer,
            octets: d.identity.size,
            identity: d.identity,
            digest: d.digest,
            sealed: d.sealed,
            format: d.format,
            format_origin: d.format_origin,
            copies: d.copies,
            origin: d.origin.map(|(path, spool)| DocumentOrigin {
                server: d.server,
                path,
                spool,
                fetcher: crate::model::job::RawPath(self.base().fetch_socket()),
            }),
        });
        Ok(found.collect())
    }

    fn as_claim(
        &self,
        tx: &Tx<'_>,
        (entry, job): (EntryRow, JobRow),
        device: &DeviceRow,
        more: bool,
    ) -> Fallible<Claim> {
        let documents = self.documents(tx, job.id)?;
        let font = store::location::font_towards(tx, job.group, job.location, device.id)?;
        let font = font.map(|name| store::font::job_of(tx, &name)).transpose()?.flatten();
        // A font does not go ahead of itself.
        let font = font.filter(|font| *font != job.id).map(|font| self.documents(tx, font)).transpose()?;
        // On a file the recorded offset tells exactly what an earlier attempt wrote. Anywhere else it may be on paper.
        // Of a file of another host nothing can be told here.
        let begun_here = entry.begun_server.as_deref() == Some(self.server().as_str());
        let on_file = begun_here && matches!(device.address(), Some(DeviceUri::File(_)));
        let (group, dest) = store::location::names_of(tx, job.group, job.location)?;
        let batch = match job.batch {
            None => None,
            Some(BatchMember { number, .. }) => Some(BatchPart {
                number,
                first: device.batch != Some(number),
                last: !store::batch::another_waits(tx, &Listing { number, end: device.batch_end }, job.id, device.id)?,
            }),
        };
        let is_claimed = job.origin.is_some() && store::lease::own_of(tx, job.id)?.is_some();
        Ok(Claim {
            asks: is_claimed.then(|| crate::model::job::RawPath(self.base().fetch_socket())),
            entry: entry.id,
            job: job.id,
            number: job.number,
            device: device.id,
            attempt: entry.attempt,
            documents,
            font: font.unwrap_or_default(),
            batch,
            possible_duplicate: entry.duplicate || (entry.begun.is_some() && !on_file),
            begun: entry.begun.filter(|_| begun_here),
            begun_separation: entry.begun_separation,
            name: job.name,
            location: dest.map_or_else(|| format!("#{group}"), |(dest, _)| format!("#{group}.{dest}")),
            form: job.form,
            owner: job.owner,
            paper: device.paper,
            more,
        })
    }
}
