//! Which jobs belong together: the batch of a job, and its place in it. A batch is nothing but its jobs.

use crate::model::state::EntryState;
use crate::model::{BatchNumber, DeviceId, JobId};

use super::entry::{ANY, COLUMNS, EntryRow, read};
use super::value::values;
use super::{Fallible, Lock, Tx};

/// Returns the jobs of a batch, in the order in which they were linked.
pub(crate) fn members(tx: &Tx<'_>, batch: BatchNumber) -> Fallible<Vec<JobId>> {
    tx.rows("SELECT id FROM job WHERE batch = ? ORDER BY batch_place", values![batch], |row| row.only())
}

/// Returns how many batches there are: a step in an index for each, however many jobs they have.
pub(crate) fn count(tx: &Tx<'_>) -> Fallible<u64> {
    let (mut count, mut last) = (0, i64::MIN);
    while let Some(next) =
        tx.one("SELECT batch FROM job WHERE batch > ? ORDER BY batch LIMIT 1", values![last], |row| row.only())?
    {
        (count, last) = (count + 1, next);
    }
    Ok(count)
}

/// Makes a job the last one of a batch.
pub(crate) fn link(tx: &Tx<'_>, job: JobId, batch: BatchNumber) -> Fallible<()> {
    tx.demand_lock(Lock::Job(job))?;
    let place = super::spool::next_sequence(tx)?;
    tx.change("the job", "UPDATE job SET batch = ?, batch_place = ? WHERE id = ?", values![batch, place, job])
}

/// Makes a job one that belongs to no batch.
pub(crate) fn unlink(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.demand_lock(Lock::Job(job))?;
    tx.change("the job", "UPDATE job SET batch = NULL, batch_place = 0 WHERE id = ?", values![job])
}

/// Returns the entry with which a device goes on that has printed a part of a batch; none when none waits for it.
pub(crate) fn next_entry(tx: &Tx<'_>, batch: BatchNumber, device: DeviceId) -> Fallible<Option<EntryRow>> {
    let columns: Vec<String> = COLUMNS.split(',').map(|column| format!("e.{}", column.trim())).collect();
    let sql = format!(
        "SELECT {} FROM job j JOIN entry e ON e.job_id = j.id
         WHERE j.batch = ? AND e.state = ? AND e.only_device IN (?, ?) ORDER BY j.batch_place LIMIT 1",
        columns.join(", ")
    );
    tx.one(&sql, values![batch, EntryState::Queued, ANY, device], read)
}

/// Tells whether another job of a batch waits for a device.
pub(crate) fn another_waits(tx: &Tx<'_>, batch: BatchNumber, job: JobId, device: DeviceId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM job j JOIN entry e ON e.job_id = j.id
         WHERE j.batch = ? AND j.id <> ? AND e.state = ? AND e.only_device IN (?, ?)",
        values![batch, job, EntryState::Queued, ANY, device],
    )
}

/// Lets only this device print what waits of a batch.
pub(crate) fn keep_to(tx: &Tx<'_>, batch: BatchNumber, device: DeviceId) -> Fallible<()> {
    tx.run(
        "UPDATE entry SET only_device = ? WHERE state = ? AND only_device = ?
             AND job_id IN (SELECT id FROM job WHERE batch = ?)",
        values![device, EntryState::Queued, ANY, batch],
    )?;
    Ok(())
}

/// Stores the batch that a device is in the middle of.
pub(crate) fn set_of_device(tx: &Tx<'_>, device: DeviceId, batch: Option<BatchNumber>) -> Fallible<()> {
    tx.demand_lock(Lock::Device(device))?;
    tx.change("the device", "UPDATE device SET batch = ? WHERE id = ?", values![batch, device])
}
