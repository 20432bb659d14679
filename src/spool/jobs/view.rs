//! Jobs as displays show them.
//!
//! A job has no stored state: it follows from its wish, its hold reasons and its entries each time it is read. So a
//! crash leaves no state that has to be mended. Nothing here changes the spool, and anybody may look.
//!
//! A listing reads ahead what belongs to the jobs of a page ([`Known`]), because one statement for each of a thousand
//! jobs costs too much.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::model::Call;
use crate::model::device::DeviceUri;
use crate::model::job::{DocumentStatus, Format, FormatOrigin, GivenValue, JobStatus, Occurrence, RawPath};
use crate::model::location::Destination;
use crate::model::query::{PAGE, Parts};
use crate::model::state::{EntryState, JobFacts, JobState};
use crate::model::{
    ClassId, DeviceName, Failure, GlobalJobId, GroupId, JobId, JobRef, LocationId, LocationName, RouteId,
};
use crate::store::device::DeviceRow;
use crate::store::document::ShownRow;
use crate::store::entry::{EntryRow, Progress};
use crate::store::job::{JobRow, SortKey};
use crate::store::waiting::Run;
use crate::store::{self, Fallible, Tx};

use super::visible::Visible;
use crate::spool::Spool;
use crate::spool::printing::progress;

/// Positions are exact below this number. It stands for every higher one.
pub(crate) const POSITION_LIMIT: u32 = 1001;

/// What a listing has looked up already, so that a thousand jobs do not cause the same query a thousand times.
#[derive(Default)]
pub(crate) struct Known {
    /// The parts of each job that have to be read.
    parts: Parts,
    positions: BTreeMap<(RouteId, ClassId), Line>,
    destinations: BTreeMap<(GroupId, Option<LocationId>), Destination>,
    /// The routes whose devices all take octets as they come.
    raw: BTreeMap<RouteId, bool>,
    /// The entries that were read ahead. Those of any other job are read one job at a time.
    entries: Option<Ahead<Progress>>,
    documents: Option<Ahead<ShownRow>>,
    given: Option<Ahead<GivenValue>>,
}

/// What belongs to each job of a set.
struct Ahead<T> {
    jobs: RangeInclusive<i64>,
    found: BTreeMap<JobId, Vec<T>>,
}

impl<T> Ahead<T> {
    /// Takes what belongs to `job`, if it is in the set.
    fn take(ahead: &mut Option<Self>, job: JobId) -> Option<Vec<T>> {
        let ahead = ahead.as_mut().filter(|ahead| ahead.jobs.contains(&job.0))?;
        Some(ahead.found.remove(&job).unwrap_or_default())
    }
}

/// The jobs of a page are read ahead in one run when it reads no more rows than this for each of them.
const CLOSE: i64 = 4;

impl Known {
    /// Begins with nothing read; `parts` of each job have to be read.
    pub(crate) fn of(parts: Parts) -> Self {
        Self { parts, ..Self::default() }
    }

    /// Reads ahead what belongs to the jobs of a page.
    pub(crate) fn read_ahead(&mut self, tx: &Tx<'_>, jobs: &[JobRow]) -> Fallible<()> {
        (self.entries, self.documents, self.given) = (None, None, None);
        let ids = || jobs.iter().map(|job| job.id.0);
        let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(()) };
        if jobs.len() < 2 {
            return Ok(());
        }
        // Were they submitted one after the other, as the jobs of a long queue usually are?
        let close = (last - first) / CLOSE <= i64::try_from(jobs.len()).unwrap_or(i64::MAX);
        // Few entries have a device as a rule: read those, and not all that wait.
        self.entries = match store::entry::begun(tx, PAGE)? {
            Some(found) => Some(Ahead { jobs: first..=last, found }),
            None if close => {
                Some(Ahead { jobs: first..=last, found: store::entry::progress(tx, JobId(first), JobId(last))? })
            }
            None => None,
        };
        if close && self.parts.documents {
            let found = store::document::shown(tx, JobId(first), JobId(last))?;
            self.documents = Some(Ahead { jobs: first..=last, found });
        }
        if close && self.parts.given {
            let found = store::given::of_jobs(tx, JobId(first), JobId(last))?;
            self.given = Some(Ahead { jobs: first..=last, found });
        }
        Ok(())
    }

    fn entries(&mut self, tx: &Tx<'_>, job: JobId) -> Fallible<Vec<Progress>> {
        match Ahead::take(&mut self.entries, job) {
            Some(found) => Ok(found),
            None => Ok(store::entry::progress(tx, job, job)?.remove(&job).unwrap_or_default()),
        }
    }

    fn documents(&mut self, tx: &Tx<'_>, job: JobId) -> Fallible<Vec<ShownRow>> {
        if !self.parts.documents {
            return Ok(Vec::new());
        }
        match Ahead::take(&mut self.documents, job) {
            Some(found) => Ok(found),
            None => Ok(store::document::shown(tx, job, job)?.remove(&job).unwrap_or_default()),
        }
    }

    fn given(&mut self, tx: &Tx<'_>, job: JobId) -> Fallible<Vec<GivenValue>> {
        if !self.parts.given {
            return Ok(Vec::new());
        }
        match Ahead::take(&mut self.given, job) {
            Some(found) => Ok(found),
            None => Ok(store::given::of_jobs(tx, job, job)?.remove(&job).unwrap_or_default()),
        }
    }

    /// Whether the devices of a route take every octet as it comes.
    fn is_raw(&mut self, tx: &Tx<'_>, route: RouteId) -> Fallible<bool> {
        if let Some(known) = self.raw.get(&route) {
            return Ok(*known);
        }
        let raw = store::device::takes_all_raw(tx, route)?;
        self.raw.insert(route, raw);
        Ok(raw)
    }

    fn destination(&mut self, tx: &Tx<'_>, job: &JobRow) -> Fallible<Destination> {
        if let Some(known) = self.destinations.get(&(job.group, job.location)) {
            return Ok(known.clone());
        }
        let destination = Spool::job_destination(tx, job)?;
        self.destinations.insert((job.group, job.location), destination.clone());
        Ok(destination)
    }
}

fn state_of(job: &JobRow, states: impl Iterator<Item = EntryState> + Clone) -> JobState {
    let count = |state| u32::try_from(states.clone().filter(|s| *s == state).count()).unwrap_or(u32::MAX);
    JobState::of(&JobFacts {
        arriving: job.arriving,
        wish: job.wish,
        reasons: job.reasons,
        retained: job.retained,
        claimed: count(EntryState::Claimed),
        transferred: count(EntryState::Transferred),
    })
}

impl Spool {
    /// Returns the state of a job, and its entries.
    pub(crate) fn job_state(tx: &Tx<'_>, job: &JobRow) -> Fallible<(JobState, Vec<EntryRow>)> {
        let entries = store::entry::of_job(tx, job.id)?;
        Ok((state_of(job, entries.iter().map(|e| e.state)), entries))
    }

    /// Returns where a job was sent, by name.
    pub(crate) fn job_destination(tx: &Tx<'_>, job: &JobRow) -> Fallible<Destination> {
        let (group, dest) = store::location::names_of(tx, job.group, job.location)?;
        Ok(match dest {
            Some(dest) => Destination::Location(LocationName { group, dest }),
            None => Destination::Group(group),
        })
    }

    /// Returns a job as displays show it.
    pub(crate) fn job_status(&self, tx: &Tx<'_>, job: JobRow, known: &mut Known) -> Fallible<JobStatus> {
        let entries = known.entries(tx, job.id)?;
        let state = state_of(&job, entries.iter().map(|e| e.state));
        let destination = known.destination(tx, &job)?;
        let mut devices: Vec<DeviceName> = Vec::new();
        let mut raw = None;
        for entry in entries.iter().filter(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred)) {
            if let Some(device) = entry.device.map(|id| store::device::by_id(tx, id)).transpose()?.flatten() {
                raw = Some(raw.unwrap_or(true) && device.settings.content_raw);
                devices.push(device.name);
            }
        }
        let intervening = match state {
            JobState::Ready if known.parts.position => Some(position(tx, &job, known)?),
            JobState::Printing if known.parts.position => Some(0),
            _ => None,
        };
        let given = known.given(tx, job.id)?;
        let (of_job, of_documents): (Vec<GivenValue>, Vec<GivenValue>) =
            given.into_iter().partition(|given| given.document == 0);
        let shown = known.documents(tx, job.id)?;
        // The device that has the job decides; before it is on one, those that it may come to.
        let raw = !shown.is_empty() && raw.map_or_else(|| known.is_raw(tx, job.route), Ok)?;
        let documents: Vec<DocumentStatus> = shown
            .into_iter()
            .map(|d| DocumentStatus {
                path: RawPath(self.base().server(self.server()).join(&d.store_name)),
                id: d.id,
                sequence: d.sequence,
                file_name: d.file_name,
                server: self.server().to_string(),
                transfer: d.transfer,
                format: if raw { Format::Passthru } else { d.format },
                format_origin: if raw { FormatOrigin::Device } else { d.format_origin },
                octets: d.octets,
                pages: d.pages,
                lines: d.lines,
                copies: d.copies,
                given: of_documents.iter().filter(|given| given.document == d.sequence).cloned().collect(),
            })
            .collect();
        Ok(JobStatus {
            id: job.id,
            number: job.number,
            local: job.local,
            global: GlobalJobId { server: self.server().clone(), serial: job.serial },
            name: job.name,
            owner: job.owner,
            owner_uid: job.owner_uid,
            owner_gid: job.owner_gid,
            user_name: job.user_name,
            destination,
            route: job.route,
            state,
            reasons: job.reasons,
            reason_text: job.reason_text,
            priority: job.priority,
            form: job.form,
            hold_after: job.hold_after,
            copies: documents.first().map_or(1, |d| d.copies),
            total_octets: job.octets,
            pages: job.pages,
            created_ms: job.created_ms,
            started_ms: entries.iter().filter_map(|e| e.claimed_ms).min(),
            devices,
            intervening,
            given: of_job,
            documents,
        })
    }

    /// Returns the places where a job waits or prints.
    pub(crate) fn occurrences(&self, call: &Call, id: JobId) -> Fallible<Vec<Occurrence>> {
        self.look(call, |tx| {
            let job = store::job::by_id(tx, id)?.ok_or_else(|| Failure::not_found("the job"))?;
            Visible::of(tx)?.demand(&JobRef::Number(job.number), job.owner_uid)?;
            let destination = Self::job_destination(tx, &job)?;
            let routed = store::device::of_route(tx, job.route)?;
            let mut found = Vec::new();
            for entry in store::entry::of_job(tx, id)? {
                let unique = match routed.as_slice() {
                    [one] => Some(one.id),
                    _ => None,
                };
                let device = entry.device.or(entry.only).or(unique);
                let row = device.map(|id| store::device::by_id(tx, id)).transpose()?.flatten();
                let gone = row.as_ref().filter(|_| entry.state == EntryState::Claimed);
                let gone = gone.and_then(|device| self.gone(device, &entry));
                let name = row.map(|d| d.name);
                let sequence = (entry.state == EntryState::Queued)
                    .then(|| position(tx, &job, &mut Known::default()).map(|n| n + 1))
                    .transpose()?;
                found.push(Occurrence {
                    destination: destination.clone(),
                    device: name,
                    sequence,
                    state: entry.state,
                    copy: 1,
                    attempt: entry.attempt,
                    gone,
                });
            }
            Ok(found)
        })
    }

    /// Returns how many octets of a running attempt have left for good: from a file they are taken back.
    pub(crate) fn gone(&self, device: &DeviceRow, entry: &EntryRow) -> Option<u64> {
        if matches!(device.address(), Some(DeviceUri::File(_) | DeviceUri::Null)) {
            return None;
        }
        let progress = progress::read(&self.base().progress(device.settings.process.as_ref()?)).ok()?;
        let slot = progress.of_attempt(entry.id, entry.attempt)?;
        (slot.octets > 0 || slot.open).then_some(slot.octets)
    }
}

/// A queue that was counted up to a place.
struct Line {
    /// How many stand before `from`, those on a device among them.
    before: u32,
    /// The place that was counted to.
    from: SortKey,
    /// The places that follow, `from` itself included, as far as they were read.
    places: Vec<SortKey>,
    /// Whether no other place follows.
    all: bool,
}

/// How many places are read first when counting goes on.
const FIRST_PLACES: u32 = 8;

impl Line {
    fn position(&mut self, tx: &Tx<'_>, job: &JobRow) -> Fallible<u32> {
        if self.before >= POSITION_LIMIT {
            return Ok(POSITION_LIMIT);
        }
        let most = POSITION_LIMIT - self.before;
        loop {
            let before = u32::try_from(self.places.partition_point(|place| *place < job.sort)).unwrap_or(most);
            let read = u32::try_from(self.places.len()).unwrap_or(most);
            if before < read || self.all || read >= most {
                return Ok((self.before + before).min(POSITION_LIMIT));
            }
            // Why read from the beginning again, and not from the last place on? Several entries may have the same
            // place.
            let wanted = (read * 4).max(FIRST_PLACES).min(most);
            let run = Run { route: job.route, only: None, class: job.class };
            self.places = store::waiting::places(tx, &run, &self.from, wanted)?;
            self.all = u32::try_from(self.places.len()).is_ok_and(|read| read < wanted);
        }
    }
}

/// Counts the jobs before a queued one: the jobs of its route on a device, and the jobs queued before it that need the
/// same of a device. The count is exact to 1,000; more are 1,001.
fn position(tx: &Tx<'_>, job: &JobRow, known: &mut Known) -> Fallible<u32> {
    // A later place has at least as many jobs before it, so counting goes on from the place that was counted last.
    if let Some(line) = known.positions.get_mut(&(job.route, job.class)).filter(|line| line.from <= job.sort) {
        return line.position(tx, job);
    }
    let at = store::entry::claimed_in_route(tx, job.route, POSITION_LIMIT)?
        + store::entry::before(tx, job.route, job.class, &job.sort, POSITION_LIMIT)?;
    let before = at.min(POSITION_LIMIT);
    let line = Line { before, from: job.sort, places: Vec::new(), all: false };
    known.positions.insert((job.route, job.class), line);
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;
    use crate::store::entry::NewEntry;

    const ROUTES: [i64; 3] = [1, 2, 3];

    /// Queues of 1,500, 40 and 2 entries, and the jobs of all of them in order of their arrival.
    fn queues() -> (Memory, Vec<JobRow>) {
        let memory = Memory::unlinked();
        let tx = memory.tx();
        let mut jobs = Vec::new();
        for n in 0..1542 {
            let route = RouteId(ROUTES[if n % 38 == 7 && n < 1520 { 1 } else { usize::from(n % 771 == 5) * 2 }]);
            let sort = SortKey { promoted: 0, rank: n % 3, key: n * 7919 % 1000, sequence: n };
            let class = ClassId(1);
            let job = JobRow { id: JobId(n), route, class, sort, ..row() };
            let entry = NewEntry { job: job.id, route, only: None, class, sort, work: 1, state: EntryState::Queued };
            store::entry::insert(&tx, &entry).unwrap();
            // Some have two entries at the same place, as a broadcast to a group that no longer broadcasts.
            if n % 100 == 1 {
                store::entry::insert(&tx, &entry).unwrap();
            }
            jobs.push(job);
        }
        (memory, jobs)
    }

    fn row() -> JobRow {
        JobRow {
            id: JobId(0),
            number: crate::model::JobNumber::new(1).unwrap(),
            serial: crate::model::Serial(1),
            local: crate::model::LocalJobId(1),
            owner_server: String::new(),
            owner_uid: 0,
            owner_gid: 0,
            owner: String::new(),
            user_name: String::new(),
            name: String::new(),
            form: String::new(),
            priority: crate::model::order::Priority::default(),
            wish: crate::model::state::Wish::Run,
            reasons: crate::model::state::HoldReasons::NONE,
            reason_text: None,
            hold_after: false,
            arriving: false,
            retained: false,
            group: GroupId(1),
            location: None,
            route: RouteId(1),
            class: ClassId(1),
            created_ms: 0,
            work: 1,
            octets: 1,
            pages: None,
            sort: SortKey::default(),
        }
    }

    #[test]
    fn a_position_is_the_same_whether_counted_on_or_anew() {
        let (memory, mut jobs) = queues();
        let tx = memory.tx();
        let anew: BTreeMap<JobId, u32> =
            jobs.iter().map(|job| (job.id, position(&tx, job, &mut Known::default()).unwrap())).collect();
        assert!(anew.values().any(|n| *n == 1000) && anew.values().any(|n| *n == 1001));
        let mut in_order = jobs.clone();
        in_order.sort_by_key(|job| job.sort);
        let backwards = in_order.iter().rev().cloned().collect();
        jobs.sort_by_key(|job| job.id.0 * 7919 % 1543);
        for (what, jobs) in [("in order", in_order), ("backwards", backwards), ("mixed", jobs)] {
            // A page begins anywhere.
            for first in [0, 700, 1300] {
                let mut known = Known::default();
                for job in &jobs[first..] {
                    assert_eq!(position(&tx, job, &mut known).unwrap(), anew[&job.id], "{what} from {first}: {job:?}");
                }
            }
        }
    }
}
