//! Jobs as displays show them.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use rusqlite::Connection;

use crate::model::job::{DocumentStatus, JobStatus, Occurrence, RawPath};
use crate::model::location::Destination;
use crate::model::state::{EntryState, JobFacts, JobState};
use crate::model::{
    ClassId, DeviceName, Failure, GlobalJobId, GroupId, GroupName, JobId, LocationId, LocationName, RouteId,
};
use crate::store::document::ShownRow;
use crate::store::entry::{EntryRow, Progress};
use crate::store::job::{JobRow, SortKey};
use crate::store::{self, Fallible};

use super::Spool;

/// Positions are exact to this many; more is one more.
pub(super) const POSITION_LIMIT: u32 = 1001;

/// What a listing has looked up already, so that a thousand jobs do not ask the same a thousand times.
#[derive(Default)]
pub(super) struct Known {
    /// Positions: the next one of the same queue is counted from there.
    positions: HashMap<(RouteId, ClassId), (SortKey, u32)>,
    destinations: HashMap<(GroupId, Option<LocationId>), Destination>,
    /// Entries and documents of the jobs read ahead; another job's are asked for.
    ahead: Option<Ahead>,
}

struct Ahead {
    jobs: RangeInclusive<i64>,
    entries: HashMap<JobId, Vec<Progress>>,
    documents: HashMap<JobId, Vec<ShownRow>>,
}

/// Jobs of a page are read ahead in one run when they stand as close together as this: so many rows for each.
const CLOSE: i64 = 4;

impl Known {
    /// Reads ahead what belongs to the jobs of a page, if they were handed in one after the other, as those of a long
    /// queue were.
    pub(super) fn read_ahead(&mut self, db: &Connection, jobs: &[JobRow]) -> Fallible<()> {
        let ids = || jobs.iter().map(|job| job.id.0);
        self.ahead = None;
        let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(()) };
        if jobs.len() < 2 || (last - first) / CLOSE > i64::try_from(jobs.len()).unwrap_or(i64::MAX) {
            return Ok(());
        }
        let entries = store::entry::progress(db, JobId(first), JobId(last))?;
        let documents = store::document::shown(db, JobId(first), JobId(last))?;
        self.ahead = Some(Ahead { jobs: first..=last, entries, documents });
        Ok(())
    }

    fn entries(&mut self, db: &Connection, job: JobId) -> Fallible<Vec<Progress>> {
        match self.ahead.as_mut().filter(|ahead| ahead.jobs.contains(&job.0)) {
            Some(ahead) => Ok(ahead.entries.remove(&job).unwrap_or_default()),
            None => Ok(store::entry::progress(db, job, job)?.remove(&job).unwrap_or_default()),
        }
    }

    fn documents(&mut self, db: &Connection, job: JobId) -> Fallible<Vec<ShownRow>> {
        match self.ahead.as_mut().filter(|ahead| ahead.jobs.contains(&job.0)) {
            Some(ahead) => Ok(ahead.documents.remove(&job).unwrap_or_default()),
            None => Ok(store::document::shown(db, job, job)?.remove(&job).unwrap_or_default()),
        }
    }

    fn destination(&mut self, db: &Connection, job: &JobRow) -> Fallible<Destination> {
        if let Some(known) = self.destinations.get(&(job.group, job.location)) {
            return Ok(known.clone());
        }
        let destination = Spool::job_destination(db, job)?;
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
    /// A job's facts and entries.
    pub(super) fn job_state(db: &Connection, job: &JobRow) -> Fallible<(JobState, Vec<EntryRow>)> {
        let entries = store::entry::of_job(db, job.id)?;
        Ok((state_of(job, entries.iter().map(|e| e.state)), entries))
    }

    /// Where a job was sent, by name.
    pub(super) fn job_destination(db: &Connection, job: &JobRow) -> Fallible<Destination> {
        let (group, dest): (String, Option<String>) = store::location::names_of(db, job.group, job.location)?;
        let group: GroupName = group.parse()?;
        Ok(match dest {
            Some(dest) => Destination::Location(LocationName { group, dest: dest.parse()? }),
            None => Destination::Group(group),
        })
    }

    pub(super) fn job_status(&self, db: &Connection, job: JobRow, known: &mut Known) -> Fallible<JobStatus> {
        let entries = known.entries(db, job.id)?;
        let state = state_of(&job, entries.iter().map(|e| e.state));
        let destination = known.destination(db, &job)?;
        let mut devices: Vec<DeviceName> = Vec::new();
        for entry in entries.iter().filter(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred)) {
            if let Some(device) = entry.device.map(|id| store::device::by_id(db, id)).transpose()?.flatten() {
                devices.push(device.name);
            }
        }
        let intervening = match state {
            JobState::Ready => Some(position(db, &job, known)?),
            JobState::Printing => Some(0),
            _ => None,
        };
        let dir = self.base().server(self.server());
        let documents: Vec<DocumentStatus> = known
            .documents(db, job.id)?
            .into_iter()
            .map(|d| DocumentStatus {
                path: RawPath(dir.join(&d.store_name)),
                id: d.id,
                sequence: d.sequence,
                file_name: d.file_name,
                server: self.server().to_string(),
                transfer: d.transfer,
                format: d.format,
                octets: d.octets,
                pages: d.pages,
                lines: d.lines,
                copies: d.copies,
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
            documents,
        })
    }

    pub(super) fn occurrences(&self, id: JobId) -> Fallible<Vec<Occurrence>> {
        self.look(|db| {
            let job = store::job::by_id(db, id)?.ok_or_else(|| Failure::not_found("the job"))?;
            let destination = Self::job_destination(db, &job)?;
            let routed = store::device::of_route(db, job.route)?;
            let mut found = Vec::new();
            for entry in store::entry::of_job(db, id)? {
                let unique = match routed.as_slice() {
                    [one] => Some(one.id),
                    _ => None,
                };
                let device = entry.device.or(entry.only).or(unique);
                let name = device.map(|id| store::device::by_id(db, id)).transpose()?.flatten().map(|d| d.name);
                let sequence = (entry.state == EntryState::Queued)
                    .then(|| position(db, &job, &mut Known::default()).map(|n| n + 1))
                    .transpose()?;
                found.push(Occurrence {
                    destination: destination.clone(),
                    device: name,
                    sequence,
                    state: entry.state,
                    copy: 1,
                    attempt: entry.attempt,
                });
            }
            Ok(found)
        })
    }
}

/// How many jobs stand before a queued one: those of its route on a device, and those queued before it that need the
/// same of a device. Exact to 1,000, then 1,001.
fn position(db: &Connection, job: &JobRow, known: &mut Known) -> Fallible<u32> {
    let before = known.positions.get(&(job.route, job.class)).filter(|(key, _)| *key <= job.sort);
    let at = match before {
        // Behind one that has so many before it stand no fewer.
        Some((_, POSITION_LIMIT)) => return Ok(POSITION_LIMIT),
        Some((key, at)) => *at + store::entry::between(db, job.route, job.class, Some(key), &job.sort, POSITION_LIMIT)?,
        None => {
            store::entry::claimed_in_route(db, job.route)?
                + store::entry::between(db, job.route, job.class, None, &job.sort, POSITION_LIMIT)?
        }
    };
    let at = at.min(POSITION_LIMIT);
    known.positions.insert((job.route, job.class), (job.sort, at));
    Ok(at)
}
