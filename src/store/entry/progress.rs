//! How far the entries of jobs are: what displays need of them.

use std::collections::BTreeMap;

use crate::model::state::EntryState;
use crate::model::{DeviceId, EntryId, JobId, ProcessId, RouteId};
use crate::store::value::{columns, values};
use crate::store::{Fallible, Row, Tx};

use super::Claimant;

/// How far an entry is: what displays of jobs need of it.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Identity.
    pub id: EntryId,
    /// Attempts so far.
    pub attempt: u32,
    /// The process and epoch that have it.
    pub by: Option<Claimant>,
    /// What it is doing.
    pub state: EntryState,
    /// The device that has or had it.
    pub device: Option<DeviceId>,
    /// When it was claimed, wall clock.
    pub claimed_ms: Option<i64>,
    /// The one device that may claim it.
    pub only: Option<DeviceId>,
}

columns!(far { job_id, state, device_id, claimed_ms, id, attempt, process_id, epoch, only_device });

fn read_progress(row: &Row<'_>) -> Fallible<(JobId, Progress)> {
    let progress = Progress {
        id: row.get(far::id)?,
        attempt: row.get(far::attempt)?,
        by: row.get::<Option<ProcessId>>(far::process_id)?.zip(row.get(far::epoch)?),
        state: row.get(far::state)?,
        device: row.get(far::device_id)?,
        claimed_ms: row.get(far::claimed_ms)?,
        only: Some(row.get::<DeviceId>(far::only_device)?).filter(|only| *only != super::ANY),
    };
    Ok((row.get(far::job_id)?, progress))
}

/// Returns how far the entries of the jobs from `first` to `last` are.
pub(crate) fn progress(tx: &Tx<'_>, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<Progress>>> {
    let mut found: BTreeMap<JobId, Vec<Progress>> = BTreeMap::new();
    tx.each(
        made_once!("SELECT {} FROM entry WHERE job_id BETWEEN ? AND ? ORDER BY job_id, id", far::LIST),
        values![first, last],
        |row| {
            let (job, progress) = read_progress(row)?;
            found.entry(job).or_default().push(progress);
            Ok(())
        },
    )?;
    Ok(found)
}

/// Returns how far the entries are that a device or another server has or had, of all jobs; none when there are more than `limit`.
/// The others wait or are withdrawn: no state of a job depends on which. Where one of them was assigned to a device ([`assigns`])
/// a display does.
pub(crate) fn begun(tx: &Tx<'_>, limit: u32) -> Fallible<Option<BTreeMap<JobId, Vec<Progress>>>> {
    let mut all = tx.rows(&begun_sql(), values![i64::MIN, i64::from(limit) + 1], read_progress)?;
    all.extend(tx.rows(&away_sql(), values![EntryState::Away, i64::from(limit) + 1], read_progress)?);
    if all.len() > limit as usize {
        return Ok(None);
    }
    // Of each job in the same order always.
    all.sort_unstable_by_key(|(_, progress)| progress.id);
    let mut found: BTreeMap<JobId, Vec<Progress>> = BTreeMap::new();
    for (job, progress) in all {
        found.entry(job).or_default().push(progress);
    }
    Ok(Some(found))
}

/// Returns whether an entry of a route that waits or is withdrawn was assigned to one device.
pub(crate) fn assigns(tx: &Tx<'_>, route: RouteId) -> Fallible<bool> {
    for state in [EntryState::Queued, EntryState::Withdrawn] {
        if tx.finds(ASSIGNED, values![state, route, super::ANY])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One step in an index, however many entries wait for any device.
const ASSIGNED: &str = "SELECT 1 FROM entry WHERE state = ? AND route_id = ? AND only_device > ? LIMIT 1";

fn begun_sql() -> String {
    // A comparison with any device makes it the index of the entries that have one.
    format!("SELECT {} FROM entry WHERE device_id > ? LIMIT ?", far::LIST)
}

fn away_sql() -> String {
    format!("SELECT {} FROM entry WHERE state = ? LIMIT ?", far::LIST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn entries_that_have_a_device_are_found_by_an_index() {
        let plan = Memory::new().plan(&begun_sql());
        assert!(plan.contains("USING INDEX entry_device (device_id>?)"), "{plan}");
        let plan = Memory::new().plan(&away_sql());
        assert!(plan.contains("USING INDEX entry_") && plan.contains("(state=?)"), "{plan}");
        let plan = Memory::new().plan(ASSIGNED);
        assert!(plan.contains("COVERING INDEX entry_") && plan.contains("only_device>?"), "{plan}");
    }
}
