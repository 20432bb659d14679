//! Jobs as displays show them.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::model::job::{DocumentStatus, JobStatus, Occurrence, RawPath};
use crate::model::location::Destination;
use crate::model::state::{EntryState, JobFacts, JobState};
use crate::model::{ClassId, DeviceName, Failure, GlobalJobId, GroupName, JobId, LocationName, RouteId};
use crate::store::entry::EntryRow;
use crate::store::job::{JobRow, SortKey};
use crate::store::{self, Fallible};

use super::Spool;

/// Positions are exact to this many; more is one more.
pub(super) const POSITION_LIMIT: u32 = 1001;

/// Positions already counted in this listing: the next one of the same queue is counted from there.
pub(super) type Counted = HashMap<(RouteId, ClassId), (SortKey, u32)>;

impl Spool {
    /// A job's facts and entries.
    pub(super) fn job_state(db: &Connection, job: &JobRow) -> Fallible<(JobState, Vec<EntryRow>)> {
        let entries = store::entry::of_job(db, job.id)?;
        let count = |state| u32::try_from(entries.iter().filter(|e| e.state == state).count()).unwrap_or(u32::MAX);
        let state = JobState::of(&JobFacts {
            arriving: job.arriving,
            wish: job.wish,
            reasons: job.reasons,
            retained: job.retained,
            claimed: count(EntryState::Claimed),
            transferred: count(EntryState::Transferred),
        });
        Ok((state, entries))
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

    pub(super) fn job_status(&self, db: &Connection, job: JobRow, counted: &mut Counted) -> Fallible<JobStatus> {
        let (state, entries) = Self::job_state(db, &job)?;
        let destination = Self::job_destination(db, &job)?;
        let mut devices: Vec<DeviceName> = Vec::new();
        for entry in entries.iter().filter(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred)) {
            if let Some(device) = entry.device.map(|id| store::device::by_id(db, id)).transpose()?.flatten() {
                devices.push(device.name);
            }
        }
        let intervening = match state {
            JobState::Ready => Some(position(db, &job, counted)?),
            JobState::Printing => Some(0),
            _ => None,
        };
        let dir = self.base().server(self.server());
        let documents: Vec<DocumentStatus> = store::document::of_job(db, job.id)?
            .into_iter()
            .map(|d| DocumentStatus {
                path: RawPath(dir.join(&d.store_name)),
                id: d.id,
                sequence: d.sequence,
                file_name: d.file_name,
                server: self.server().to_string(),
                transfer: d.transfer,
                format: d.format,
                octets: d.identity.size,
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
                    .then(|| position(db, &job, &mut Counted::new()).map(|n| n + 1))
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
fn position(db: &Connection, job: &JobRow, counted: &mut Counted) -> Fallible<u32> {
    let known = counted.get(&(job.route, job.class)).filter(|(key, _)| *key <= job.sort);
    let at = match known {
        Some((key, at)) => *at + store::entry::between(db, job.route, job.class, Some(key), &job.sort, POSITION_LIMIT)?,
        None => {
            store::entry::claimed_in_route(db, job.route)?
                + store::entry::between(db, job.route, job.class, None, &job.sort, POSITION_LIMIT)?
        }
    };
    let at = at.min(POSITION_LIMIT);
    counted.insert((job.route, job.class), (job.sort, at));
    Ok(at)
}
