//! Jobs as displays show them.
//!
//! A job has no stored state: it follows from its wish, its hold reasons and its entries each time it is read. So a
//! crash leaves no state that has to be mended. Nothing here changes the spool, and anybody may look.
//!
//! A listing reads ahead what belongs to the jobs of a page ([`Known`]), because one statement for each of a thousand
//! jobs costs too much.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::model::Call;
use crate::model::device::DeviceUri;
use crate::model::job::{DocumentStatus, Format, FormatOrigin, GivenValue, JobStatus, Occurrence};
use crate::model::location::Destination;
use crate::model::query::{PAGE, Parts};
use crate::model::remote::Away;
use crate::model::state::{EntryState, HoldReason, JobFacts, JobState, Wish};
use crate::model::{CollectorName, DeviceName, Failure, GroupId, JobId, JobRef, LocationId, LocationName, RouteId};
use crate::store::device::DeviceRow;
use crate::store::document::ShownRow;
use crate::store::entry::{EntryRow, Progress};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};

use super::visible::Visible;
use crate::spool::Spool;
use crate::spool::objects::alive::Alive;
use crate::spool::printing::line::Lines;
use crate::spool::printing::progress;

/// What a listing has looked up already, so that a thousand jobs do not cause the same query a thousand times.
#[derive(Default)]
pub(crate) struct Known {
    /// The parts of each job that have to be read.
    parts: Parts,
    /// The queues of devices, as far as places in them were asked for.
    lines: Lines,
    destinations: BTreeMap<(GroupId, Option<LocationId>), Destination>,
    /// The devices of other servers that locations lead to.
    remote: BTreeMap<LocationId, Option<DeviceName>>,
    /// DATA of each collector; of the usual one for jobs that name none.
    data_files: BTreeMap<Option<CollectorName>, Option<String>>,
    /// The routes whose devices all take octets as they come.
    raw: BTreeMap<RouteId, bool>,
    /// The entries that were read ahead. Those of any other job are read one job at a time.
    entries: Option<Ahead<Progress>>,
    /// Who prints.
    alive: Option<Alive>,
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
        // Which device a job was assigned to that waits, and so its place, is told by its entry alone.
        let routes: BTreeSet<RouteId> = jobs.iter().map(|job| job.route).collect();
        let mut assigns = false;
        for route in routes {
            assigns = assigns || store::entry::assigns(tx, route)?;
        }
        // Few entries have a device as a rule: read those, and not all that wait.
        self.entries = match store::entry::begun(tx, PAGE)? {
            Some(found) if !assigns => Some(Ahead { jobs: first..=last, found }),
            _ if close => {
                Some(Ahead { jobs: first..=last, found: store::entry::progress(tx, JobId(first), JobId(last))? })
            }
            _ => None,
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

    /// Returns DATA of a collector.
    fn data_file(&mut self, tx: &Tx<'_>, collector: &Option<CollectorName>) -> Fallible<Option<String>> {
        if let Some(known) = self.data_files.get(collector) {
            return Ok(known.clone());
        }
        let row = store::collector::by_name(tx, &collector.clone().unwrap_or_else(CollectorName::usual))?;
        let data = row.and_then(|row| row.kept.value("DATA").map(str::to_owned));
        self.data_files.insert(collector.clone(), data.clone());
        Ok(data)
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

fn state_of(job: &JobRow, states: impl Iterator<Item = EntryState> + Clone, away: Option<&Away>) -> JobState {
    if let Some(there) = away.and_then(|away| away.state.filter(|_| away.is_there()))
        && !job.arriving
        && states.clone().any(|state| state == EntryState::Away)
    {
        // What another server has ends there first, whatever is wanted of it here.
        return if job.wish == Wish::Cancel { JobState::Terminating } else { there };
    }
    let count = |state| u32::try_from(states.clone().filter(|s| *s == state).count()).unwrap_or(u32::MAX);
    JobState::of(&JobFacts {
        arriving: job.arriving,
        wish: job.wish,
        reasons: job.reasons,
        retained: job.lifetime.ending.is_some(),
        claimed: count(EntryState::Claimed),
        transferred: count(EntryState::Transferred),
    })
}

impl Spool {
    /// Returns the state of a job, and its entries.
    pub(crate) fn job_state(tx: &Tx<'_>, job: &JobRow) -> Fallible<(JobState, Vec<EntryRow>)> {
        let entries = store::entry::of_job(tx, job.id)?;
        let away = Self::away_of(tx, job, entries.iter().map(|e| e.state))?;
        Ok((state_of(job, entries.iter().map(|e| e.state), away.as_ref()), entries))
    }

    /// Returns the state of a job, and its entries, as they are in truth: what a dead process had waits again.
    pub(crate) fn true_state(
        &self,
        tx: &Tx<'_>,
        job: &JobRow,
        alive: &mut Alive,
    ) -> Fallible<(JobState, Vec<EntryRow>)> {
        let mut entries = store::entry::of_job(tx, job.id)?;
        for entry in &mut entries {
            entry.state = alive.truly(tx, entry.state, entry.claimed_by)?;
        }
        let away = Self::away_of(tx, job, entries.iter().map(|e| e.state))?;
        Ok((state_of(job, entries.iter().map(|e| e.state), away.as_ref()), entries))
    }

    /// Returns where a job was sent, by name.
    pub(crate) fn job_destination(tx: &Tx<'_>, job: &JobRow) -> Fallible<Destination> {
        let (group, dest) = store::location::names_of(tx, job.group, job.location)?;
        Ok(match dest {
            Some((dest, kind)) => Destination::of(LocationName { group, dest }, kind),
            None => Destination::Group(group),
        })
    }

    /// Returns a job as displays show it.
    pub(crate) fn job_status(&self, tx: &Tx<'_>, job: JobRow, known: &mut Known) -> Fallible<JobStatus> {
        let mut entries = known.entries(tx, job.id)?;
        let alive = known.alive.get_or_insert_with(|| Alive::new(self));
        for entry in &mut entries {
            entry.state = alive.truly(tx, entry.state, entry.by)?;
            // All that is left is the close of its connection: it is delivered, and soon the record says so.
            if entry.state == EntryState::Claimed
                && let Some(process) = alive.claimant(tx, entry.by)?
                && process.progress(self).awaits_close(entry.id, entry.attempt)
            {
                entry.state = EntryState::Transferred;
            }
            if entry.state == EntryState::Queued {
                entry.claimed_ms = None;
            }
        }
        let printed = !entries.is_empty() && entries.iter().all(|e| e.state == EntryState::Done);
        let away = Self::away_towards(tx, &job, entries.iter().map(|e| e.state), |location| {
            if let Some(device) = known.remote.get(&location) {
                return Ok(device.clone());
            }
            let device = store::location::remote_of(tx, location)?;
            known.remote.insert(location, device.clone());
            Ok(device)
        })?;
        let state = state_of(&job, entries.iter().map(|e| e.state), away.as_ref());
        // One entry that one device alone may print was assigned; a broadcast has one for each.
        let only = match entries.as_slice() {
            [one] if matches!(one.state, EntryState::Queued | EntryState::Withdrawn) => one.only,
            _ => None,
        };
        let intervening = match state {
            JobState::Ready if known.parts.position => known.lines.position(tx, (&job, only), alive)?,
            JobState::Printing | JobState::Transferred if known.parts.position => Some(0),
            _ => None,
        };
        let destination = known.destination(tx, &job)?;
        let mut devices: Vec<DeviceName> = Vec::new();
        let mut raw = None;
        for entry in entries.iter().filter(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred)) {
            if let Some(device) = entry.device.map(|id| store::device::by_id(tx, id)).transpose()?.flatten() {
                raw = Some(raw.unwrap_or(true) && device.settings.content_raw);
                devices.push(device.name);
            }
        }
        let assigned = only.map(|id| store::device::by_id(tx, id)).transpose()?.flatten().map(|device| device.name);
        let ended = match state {
            JobState::Retained => store::lifetime::ended(tx, job.id)?.map(|row| row.ended),
            _ => None,
        };
        let started_ms = match &ended {
            Some(ended) => ended.started_ms,
            None => entries.iter().filter_map(|e| e.claimed_ms).min(),
        };
        let given = known.given(tx, job.id)?;
        let (of_job, of_documents): (Vec<GivenValue>, Vec<GivenValue>) =
            given.into_iter().partition(|given| given.document == 0);
        let shown = known.documents(tx, job.id)?;
        // The device that has the job decides; before it is on one, those that it may come to.
        let raw = !shown.is_empty() && raw.map_or_else(|| known.is_raw(tx, job.route), Ok)?;
        let documents: Vec<DocumentStatus> = shown
            .into_iter()
            .map(|mut d| (self.file_of(&mut d), d))
            .map(|((path, server), d)| DocumentStatus {
                path,
                id: d.id,
                sequence: d.sequence,
                file_name: d.file_name,
                server,
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
        // Nobody hands it in any more, and nobody has ended it yet.
        let reasons = match job.arriving.then(|| store::job::arrival(tx, job.id)).transpose()?.flatten() {
            Some(token) if !self.arrives(&token) => job.reasons.with(HoldReason::WriterDied),
            _ => job.reasons,
        };
        Ok(JobStatus {
            id: job.id,
            number: job.number,
            batch: job.batch,
            local: job.local,
            global: self.global_of(&job),
            name: job.name,
            owner: job.owner,
            owner_uid: job.owner_uid,
            owner_gid: job.owner_gid,
            user_name: job.user_name,
            destination,
            route: job.route,
            state,
            printed,
            reasons,
            reason_text: job.reason_text,
            priority: job.priority,
            form: job.form,
            hold_after: job.hold_after,
            lifetime: job.lifetime,
            ended,
            copies: documents.first().map_or(1, |d| d.copies),
            total_octets: job.octets,
            pages: job.pages,
            created_ms: job.created_ms,
            closed_ms: job.closed_ms,
            process: job.process,
            started_ms,
            devices,
            assigned,
            intervening,
            given: of_job,
            documents,
            data_file: known.data_file(tx, &job.collector)?,
            collector: job.collector,
            away,
        })
    }

    /// Returns the places where a job waits or prints: on each device that may print it.
    pub(crate) fn occurrences(&self, call: &Call, id: JobId) -> Fallible<Vec<Occurrence>> {
        self.look(call, |tx| {
            let job = store::job::by_id(tx, id)?.ok_or_else(|| Failure::not_found("the job"))?;
            Visible::of(tx)?.demand_job(tx, &JobRef::Number(job.number), &job)?;
            let destination = Self::job_destination(tx, &job)?;
            let routed = store::device::of_route(tx, job.route)?;
            let (mut alive, mut lines) = (Alive::new(self), Lines::default());
            let mut found = Vec::new();
            for entry in store::entry::of_job(tx, id)? {
                let state = alive.truly(tx, entry.state, entry.claimed_by)?;
                let one = Occurrence {
                    destination: destination.clone(),
                    device: None,
                    sequence: None,
                    state,
                    copy: 1,
                    attempt: entry.attempt,
                    gone: None,
                };
                let on = entry.device.filter(|_| state != EntryState::Queued).or(entry.only);
                let devices: Vec<DeviceRow> = match on {
                    Some(device) => store::device::by_id(tx, device)?.into_iter().collect(),
                    None => routed.clone(),
                };
                let other = Self::away_of(tx, &job, std::iter::once(state))?;
                if let Some(away) = other.filter(|_| devices.is_empty()) {
                    found.push(Occurrence { device: Some(away.device), ..one.clone() });
                } else if devices.is_empty() {
                    let sequence = match state {
                        EntryState::Queued => lines.position(tx, (&job, None), &mut alive)?.map(|n| n + 1),
                        _ => None,
                    };
                    found.push(Occurrence { sequence, ..one.clone() });
                }
                for device in devices {
                    let mut at = Occurrence { device: Some(device.name.clone()), ..one.clone() };
                    if state == EntryState::Queued {
                        let standing = lines.standing(tx, &device, (job.id, entry.class, &entry.sort), &mut alive)?;
                        at.sequence = standing.map(|standing| standing.ahead + 1);
                    } else if let Some(process) = alive.claimant(tx, entry.claimed_by)? {
                        let slot = process.progress(self).of_attempt(entry.id, entry.attempt);
                        at.copy = slot.map_or(1, |slot| slot.copy.max(1));
                        at.gone = slot.filter(|_| state == EntryState::Claimed).and_then(|slot| gone(&device, slot));
                    }
                    found.push(at);
                }
            }
            Ok(found)
        })
    }

    /// Returns the same of an entry that a device has now.
    pub(crate) fn gone(&self, device: &DeviceRow, entry: &EntryRow) -> Option<u64> {
        let progress = progress::read(&self.base().progress(device.settings.process.as_ref()?)).ok()?;
        gone(device, progress.of_attempt(entry.id, entry.attempt)?)
    }
}

/// Returns how many octets of a running attempt have left for good: from a file they are taken back.
fn gone(device: &DeviceRow, slot: &progress::Progress) -> Option<u64> {
    if matches!(device.address(), Some(DeviceUri::File(_) | DeviceUri::Null)) {
        return None;
    }
    (slot.octets > 0 || slot.open).then_some(slot.octets)
}
