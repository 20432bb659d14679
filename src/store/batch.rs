//! Which jobs belong together: the batch of a job, and its place in it. A batch is nothing but its jobs.

use crate::model::state::EntryState;
use crate::model::{BatchNumber, DeviceId, JobId, RouteId};

use super::entry::{ANY, COLUMNS, EntryRow, read};
use super::job::JobRow;
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

/// A batch as one device prints it: its jobs up to the last place that there was when the device began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Its batch.
    pub(crate) number: BatchNumber,
    /// The last place that belongs to it.
    pub(crate) end: i64,
}

impl Listing {
    /// Tells whether a job belongs to it.
    pub(crate) fn has(&self, job: &JobRow) -> bool {
        job.batch.is_some_and(|member| member.number == self.number && member.place <= self.end)
    }
}

/// Returns up to `limit` entries of a listing that wait for a device, in the order in which it prints them, from behind the
/// place `after` on.
pub(crate) fn waiting(
    tx: &Tx<'_>,
    listing: &Listing,
    device: DeviceId,
    after: i64,
    limit: u32,
) -> Fallible<Vec<EntryRow>> {
    let columns: Vec<String> = COLUMNS.split(',').map(|column| format!("e.{}", column.trim())).collect();
    let sql = format!(
        "SELECT {} FROM job j JOIN entry e ON e.job_id = j.id
         WHERE j.batch = ? AND j.batch_place > ? AND j.batch_place <= ? AND e.state = ? AND e.only_device IN (?, ?)
         ORDER BY j.batch_place LIMIT ?",
        columns.join(", ")
    );
    tx.rows(&sql, values![listing.number, after, listing.end, EntryState::Queued, ANY, device, limit], read)
}

/// Returns the last place of a batch of which an entry waits for a device; none when none waits.
pub(crate) fn last_place(tx: &Tx<'_>, batch: BatchNumber, device: DeviceId) -> Fallible<Option<i64>> {
    tx.one(
        "SELECT j.batch_place FROM job j JOIN entry e ON e.job_id = j.id
         WHERE j.batch = ? AND e.state = ? AND e.only_device IN (?, ?) ORDER BY j.batch_place DESC LIMIT 1",
        values![batch, EntryState::Queued, ANY, device],
        |row| row.only(),
    )
}

/// Tells whether another job of a listing waits for a device.
pub(crate) fn another_waits(tx: &Tx<'_>, listing: &Listing, job: JobId, device: DeviceId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM job j JOIN entry e ON e.job_id = j.id
         WHERE j.batch = ? AND j.batch_place <= ? AND j.id <> ? AND e.state = ? AND e.only_device IN (?, ?)",
        values![listing.number, listing.end, job, EntryState::Queued, ANY, device],
    )
}

/// Lets only this device print what waits of a listing.
pub(crate) fn keep_to(tx: &Tx<'_>, listing: &Listing, device: DeviceId) -> Fallible<()> {
    tx.run(
        "UPDATE entry SET only_device = ?, kept = 1 WHERE state = ? AND only_device = ?
             AND job_id IN (SELECT id FROM job WHERE batch = ? AND batch_place <= ?)",
        values![device, EntryState::Queued, ANY, listing.number, listing.end],
    )?;
    Ok(())
}

/// What was kept to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Everything.
    All,
    /// The jobs of a batch.
    Batch(BatchNumber),
    /// One job.
    Job(JobId),
}

/// Lets every device of a group print again what was kept to one of them. Parts of a broadcast stay where they are, and so
/// does what was assigned to a device. Returns
/// whether there was anything.
pub(crate) fn let_go(tx: &Tx<'_>, route: RouteId, device: DeviceId, what: Kept) -> Fallible<bool> {
    let (of, id) = match what {
        Kept::All => ("?7 IS NULL", None),
        Kept::Batch(number) => ("job_id IN (SELECT id FROM job WHERE batch = ?7)", Some(i64::from(number.get()))),
        Kept::Job(job) => ("job_id = ?7", Some(job.0)),
    };
    let sql = format!(
        "UPDATE entry SET only_device = ?1, kept = 0
         WHERE state IN (?2, ?3) AND route_id = ?4 AND only_device = ?5 AND kept = 1 AND {of}
             AND EXISTS (SELECT 1 FROM location_group g WHERE g.route_id = ?4 AND g.broadcast = ?6)
             AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.job_id = entry.job_id AND o.id <> entry.id)"
    );
    let changed = tx.run(&sql, values![ANY, EntryState::Queued, EntryState::Withdrawn, route, device, false, id])?;
    Ok(changed > 0)
}

/// Stores the last place of the listing that a device begins.
pub(crate) fn set_end(tx: &Tx<'_>, device: DeviceId, end: i64) -> Fallible<()> {
    tx.demand_lock(Lock::Device(device))?;
    tx.change("the device", "UPDATE device SET batch_end = ? WHERE id = ?", values![end, device])
}

/// Stores the batch that a device is in the middle of.
pub(crate) fn set_of_device(tx: &Tx<'_>, device: DeviceId, batch: Option<BatchNumber>) -> Fallible<()> {
    tx.demand_lock(Lock::Device(device))?;
    tx.change("the device", "UPDATE device SET batch = ? WHERE id = ?", values![batch, device])
}
