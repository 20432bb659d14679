//! Rows of queue entries: what waits, what is claimed by whom.
//!
//! States: queued → claimed (attempt k) → transferred → gone, or back to queued; withdrawn while its job is held; done
//! while its job is kept. Whoever writes to a claimed or transferred entry hands in the row that was decided from: the
//! write names its state, epoch and attempt, and fails when another has the entry by then. A crash leaves a claim of a dead
//! epoch, which the next epoch of the process gives back.

mod claimed;
mod progress;
mod queued;

use crate::model::device::FilePosition;
use crate::model::separation::Separation;
use crate::model::state::EntryState;
use crate::model::{ClassId, DeviceId, EntryId, JobId, ProcessId, RouteId};

use super::job::SortKey;
use super::value::{Bits, columns, values};
use super::{Fallible, Lock, Row, Tx, backlog};

pub use claimed::Claimant;
pub(crate) use claimed::{
    any_on_a_device, busy, claim, clear_begun, delete_claimed, in_print, jobs_on_devices, of_dead_epochs, of_device,
    on_device, release, set_begun, set_spent, set_transferred,
};
pub use progress::Progress;
pub(crate) use progress::{assigns, begun, progress};
#[cfg(test)]
pub(crate) use queued::plan_of_heads;
pub(crate) use queued::{any, assigned_work, begun_on, heads, waiting};

/// An entry as stored.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// Identity.
    pub id: EntryId,
    /// Its job.
    pub job: JobId,
    /// Where it waits.
    pub route: RouteId,
    /// The one device that may claim it (broadcast); none = any of the route.
    pub only: Option<DeviceId>,
    /// What it needs of a device.
    pub class: ClassId,
    /// Its position.
    pub sort: SortKey,
    /// How much it is, in lines.
    pub work: u64,
    /// What it is doing.
    pub state: EntryState,
    /// Attempts so far.
    pub attempt: u32,
    /// The device that has or had it.
    pub device: Option<DeviceId>,
    /// The claiming process and its epoch.
    pub claimed_by: Option<(ProcessId, u64)>,
    /// When it was claimed, wall clock.
    pub claimed_ms: Option<i64>,
    /// When it was claimed, spool time.
    pub claimed_spool: Option<i64>,
    /// Where an attempt began writing to a file.
    pub begun: Option<FilePosition>,
    /// The server on whose host that file is.
    pub begun_server: Option<String>,
    /// How that attempt set the job apart, if it is known and can be read.
    pub begun_separation: Option<Separation>,
    /// Whether octets of an earlier attempt may be on paper.
    pub duplicate: bool,
    /// Attempts at which its device failed while it was alone, and had taken octets of it.
    pub spent: u32,
    /// Octets sent by a transferred attempt.
    pub octets_sent: Option<u64>,
}

impl EntryRow {
    /// Returns the epoch that has it.
    fn epoch(&self) -> Option<u64> {
        self.claimed_by.map(|(_, epoch)| epoch)
    }
}

columns!(at {
    id,
    job_id,
    route_id,
    only_device,
    class_id,
    promoted,
    rank,
    sort_key,
    sequence,
    deadline,
    pages,
    work,
    state,
    attempt,
    device_id,
    process_id,
    epoch,
    claimed_ms,
    claimed_spool,
    begun_server,
    begun_dev,
    begun_ino,
    begun_offset,
    duplicate,
    octets_sent,
    begun_separation,
    spent,
});

pub(super) const COLUMNS: &str = at::LIST;

/// The device that stands for any device of the route.
pub(super) const ANY: DeviceId = DeviceId(0);

pub(super) fn read(row: &Row<'_>) -> Fallible<EntryRow> {
    let only: DeviceId = row.get(at::only_device)?;
    let process: Option<ProcessId> = row.get(at::process_id)?;
    Ok(EntryRow {
        id: row.get(at::id)?,
        job: row.get(at::job_id)?,
        route: row.get(at::route_id)?,
        only: (only != ANY).then_some(only),
        class: row.get(at::class_id)?,
        sort: SortKey {
            promoted: row.get(at::promoted)?,
            rank: row.get(at::rank)?,
            key: row.get(at::sort_key)?,
            sequence: row.get(at::sequence)?,
            deadline: row.get(at::deadline)?,
            pages: row.get(at::pages)?,
        },
        work: row.get(at::work)?,
        state: row.get(at::state)?,
        attempt: row.get(at::attempt)?,
        device: row.get(at::device_id)?,
        claimed_by: process.zip(row.get(at::epoch)?),
        claimed_ms: row.get(at::claimed_ms)?,
        claimed_spool: row.get(at::claimed_spool)?,
        begun_server: row.get(at::begun_server)?,
        begun: match row.get::<Option<Bits>>(at::begun_ino)? {
            Some(ino) => Some(FilePosition {
                dev: row.get::<Option<Bits>>(at::begun_dev)?.map_or(0, |dev| dev.0),
                ino: ino.0,
                offset: row.get::<Option<u64>>(at::begun_offset)?.unwrap_or(0),
            }),
            None => None,
        },
        // One of another version that cannot be read is not known.
        begun_separation: row
            .get::<Option<String>>(at::begun_separation)?
            .and_then(|text| serde_json::from_str(&text).ok()),
        spent: row.get(at::spent)?,
        duplicate: row.get(at::duplicate)?,
        octets_sent: row.get(at::octets_sent)?,
    })
}

/// A new entry.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Its job.
    pub job: JobId,
    /// Where it waits.
    pub route: RouteId,
    /// The one device that may claim it.
    pub only: Option<DeviceId>,
    /// What it needs of a device.
    pub class: ClassId,
    /// Its position.
    pub sort: SortKey,
    /// How much it is, in lines.
    pub work: u64,
    /// Queued, or Withdrawn for a job that is held from the start.
    pub state: EntryState,
}

pub(super) const INSERT: &str = "INSERT INTO entry (job_id, route_id, only_device, class_id, promoted, rank, sort_key, sequence, work, state, attempt,
             duplicate, deadline, sort_pages)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Inserts an entry.
pub(crate) fn insert(tx: &Tx<'_>, e: &NewEntry) -> Fallible<()> {
    backlog::counting(tx, e.job, || {
        tx.run(
            INSERT,
            values![
                e.job,
                e.route,
                e.only.unwrap_or(ANY),
                e.class,
                e.sort.promoted,
                e.sort.rank,
                e.sort.key,
                e.sort.sequence,
                e.work,
                e.state,
                0_u32,
                false,
                e.sort.deadline,
                e.sort.pages
            ],
        )
        .map(drop)
    })
}

/// Returns the entry with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: EntryId) -> Fallible<Option<EntryRow>> {
    let found = tx.one(made_once!("SELECT {COLUMNS} FROM entry WHERE id = ?"), values![id], read)?;
    if found.is_some() {
        tx.has_read(Lock::Entry(id));
    }
    Ok(found)
}

/// Returns the same, locked: to decide from it.
pub(crate) fn lock(tx: &Tx<'_>, id: EntryId) -> Fallible<Option<EntryRow>> {
    tx.lock(Lock::Entry(id))?;
    by_id(tx, id)
}

/// Returns the entries of a job.
pub(crate) fn of_job(tx: &Tx<'_>, job: JobId) -> Fallible<Vec<EntryRow>> {
    tx.rows(made_once!("SELECT {COLUMNS} FROM entry WHERE job_id = ? ORDER BY id"), values![job], read)
}

/// Sets the state and position of an entry that nobody has claimed.
pub(crate) fn requeue(tx: &Tx<'_>, job: JobId, id: EntryId, sort: &SortKey) -> Fallible<()> {
    backlog::counting(tx, job, || {
        tx.run(
            "UPDATE entry SET state = ?, promoted = ?, rank = ?, sort_key = ?, sequence = ?, deadline = ?, sort_pages = ?
             WHERE id = ? AND state IN (?, ?, ?)",
            values![
                EntryState::Queued,
                sort.promoted,
                sort.rank,
                sort.key,
                sort.sequence,
                sort.deadline,
                sort.pages,
                id,
                EntryState::Queued,
                EntryState::Done,
                EntryState::Withdrawn
            ],
        ).map(drop)
    })
}

/// Takes every queued entry of a job out of the queues.
pub(crate) fn withdraw(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.demand_lock(Lock::Job(job))?;
    backlog::counting(tx, job, || {
        tx.run(
            "UPDATE entry SET state = ? WHERE job_id = ? AND state = ?",
            values![EntryState::Withdrawn, job, EntryState::Queued],
        )
        .map(drop)
    })
}

/// Removes an entry that no device has.
pub(crate) fn delete(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    backlog::counting(tx, entry.job, || {
        tx.change("the entry", "DELETE FROM entry WHERE id = ? AND state = ?", values![entry.id, entry.state])
    })
}

/// Tells whether an entry waits that only this device may print (broadcasts).
pub(crate) fn any_only_for(tx: &Tx<'_>, device: DeviceId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state IN (?, ?) AND only_device = ?",
        values![EntryState::Queued, EntryState::Withdrawn, device],
    )
}

/// Returns the entries of a route that wait and that only this device may print.
pub(crate) fn only_for(tx: &Tx<'_>, route: RouteId, device: DeviceId) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        made_once!("SELECT {COLUMNS} FROM entry WHERE route_id = ? AND only_device = ? AND state IN (?, ?)"),
        values![route, device, EntryState::Queued, EntryState::Withdrawn],
        read,
    )
}

/// Lets only one device of its route print an entry that waits, as long as the device prints.
pub(crate) fn keep_to(tx: &Tx<'_>, entry: &EntryRow, device: DeviceId) -> Fallible<()> {
    tx.change(
        "the entry",
        "UPDATE entry SET only_device = ?, kept = 1 WHERE id = ? AND state = ?",
        values![device, entry.id, entry.state],
    )
}

/// Lets any device of its route print an entry that waits.
pub(crate) fn let_anyone(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    tx.change(
        "the entry",
        "UPDATE entry SET only_device = ?, kept = 0 WHERE id = ? AND state = ?",
        values![ANY, entry.id, entry.state],
    )
}

/// Lets any device print what of a job was kept to one, as long as it printed.
pub(crate) fn let_go(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.demand_lock(Lock::Job(job))?;
    tx.run(
        "UPDATE entry SET only_device = ?, kept = 0 WHERE job_id = ? AND kept = 1 AND state IN (?, ?)",
        values![ANY, job, EntryState::Queued, EntryState::Withdrawn],
    )?;
    Ok(())
}

/// Lets one device alone print the entries of a job that no device has, whatever becomes of it, or any device of their route.
pub(crate) fn set_only(tx: &Tx<'_>, job: JobId, only: Option<DeviceId>) -> Fallible<()> {
    tx.demand_lock(Lock::Job(job))?;
    tx.run(
        "UPDATE entry SET only_device = ?, kept = 0 WHERE job_id = ? AND state IN (?, ?)",
        values![only.unwrap_or(ANY), job, EntryState::Queued, EntryState::Withdrawn],
    )?;
    Ok(())
}

/// Completes the entries of a database that was saved: no device has one whose process is lost, and each job without one
/// gets one that is withdrawn.
pub(super) fn complete(tx: &Tx<'_>) -> Fallible<()> {
    tx.run(
        "UPDATE entry SET state = ?, process_id = NULL, epoch = NULL, device_id = NULL WHERE state IN (?, ?)
             AND process_id NOT IN (SELECT id FROM process)",
        values![EntryState::Withdrawn, EntryState::Claimed, EntryState::Transferred],
    )?;
    tx.run(
        "INSERT INTO entry (job_id, route_id, only_device, class_id, promoted, rank, sort_key, sequence, work, state,
                 attempt, duplicate, deadline, sort_pages)
             SELECT id, route_id, ?, class_id, sort_promoted, sort_rank, sort_key, sort_sequence, work, ?, ?, ?,
                 sort_deadline, sort_pages
             FROM job WHERE NOT EXISTS (SELECT 1 FROM entry WHERE job_id = job.id)",
        values![ANY, EntryState::Withdrawn, 0_u32, true],
    )?;
    Ok(())
}
