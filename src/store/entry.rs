//! Rows of queue entries: what waits, what is claimed by whom.
//!
//! States: queued → claimed (attempt k) → transferred → gone, or back to queued; withdrawn while its job is held; done
//! while its job is kept. Whoever writes to a claimed or transferred entry hands in the row that was decided from: the
//! write names its state, epoch and attempt, and fails when another has the entry by then. A crash leaves a claim of a dead
//! epoch, which the next epoch of the process gives back.

use std::collections::BTreeMap;

use crate::model::device::FilePosition;
use crate::model::separation::Separation;
use crate::model::state::EntryState;
use crate::model::time::SpoolTime;
use crate::model::{ClassId, DeviceId, EntryId, Failure, JobId, ProcessId, RouteId};

use super::job::SortKey;
use super::value::{Bits, columns, values};
use super::{Fallible, Row, Tx};

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
    /// The epoch that has it.
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
    work,
    state,
    attempt,
    device_id,
    process_id,
    epoch,
    claimed_ms,
    claimed_spool,
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
        },
        work: row.get(at::work)?,
        state: row.get(at::state)?,
        attempt: row.get(at::attempt)?,
        device: row.get(at::device_id)?,
        claimed_by: process.zip(row.get(at::epoch)?),
        claimed_ms: row.get(at::claimed_ms)?,
        claimed_spool: row.get(at::claimed_spool)?,
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
             duplicate)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Inserts an entry.
pub(crate) fn insert(tx: &Tx<'_>, e: &NewEntry) -> Fallible<()> {
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
            false
        ],
    )?;
    Ok(())
}

/// The entry with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: EntryId) -> Fallible<Option<EntryRow>> {
    tx.one(&format!("SELECT {COLUMNS} FROM entry WHERE id = ?"), values![id], read)
}

/// The entries of a job.
pub(crate) fn of_job(tx: &Tx<'_>, job: JobId) -> Fallible<Vec<EntryRow>> {
    tx.rows(&format!("SELECT {COLUMNS} FROM entry WHERE job_id = ? ORDER BY id"), values![job], read)
}

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
}

columns!(far { job_id, state, device_id, claimed_ms, id, attempt, process_id, epoch });

fn read_progress(row: &Row<'_>) -> Fallible<(JobId, Progress)> {
    let progress = Progress {
        id: row.get(far::id)?,
        attempt: row.get(far::attempt)?,
        by: row.get::<Option<ProcessId>>(far::process_id)?.zip(row.get(far::epoch)?),
        state: row.get(far::state)?,
        device: row.get(far::device_id)?,
        claimed_ms: row.get(far::claimed_ms)?,
    };
    Ok((row.get(far::job_id)?, progress))
}

/// How far the entries of the jobs from `first` to `last` are.
pub(crate) fn progress(tx: &Tx<'_>, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<Progress>>> {
    let mut found: BTreeMap<JobId, Vec<Progress>> = BTreeMap::new();
    tx.each(
        &format!("SELECT {} FROM entry WHERE job_id BETWEEN ? AND ? ORDER BY job_id, id", far::LIST),
        values![first, last],
        |row| {
            let (job, progress) = read_progress(row)?;
            found.entry(job).or_default().push(progress);
            Ok(())
        },
    )?;
    Ok(found)
}

/// How far the entries are that a device has or had, of all jobs; none when there are more than `limit`. The others wait
/// or are withdrawn: no state of a job and no display depends on which.
pub(crate) fn begun(tx: &Tx<'_>, limit: u32) -> Fallible<Option<BTreeMap<JobId, Vec<Progress>>>> {
    let mut all = tx.rows(&begun_sql(), values![i64::MIN, i64::from(limit) + 1], read_progress)?;
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

fn begun_sql() -> String {
    // A comparison with any device makes it the index of the entries that have one.
    format!("SELECT {} FROM entry WHERE device_id > ? LIMIT ?", far::LIST)
}

/// The entries that a device has, in a state, in the order of their positions.
pub(crate) fn of_device(tx: &Tx<'_>, device: DeviceId, state: EntryState) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        &format!("SELECT {COLUMNS} FROM entry WHERE device_id = ? AND state = ? ORDER BY claimed_spool, id"),
        values![device, state],
        read,
    )
}

/// The process that claimed an entry, and its epoch.
pub type Claimant = (ProcessId, u64);

columns!(has { state, process_id, epoch });

/// What a device has: the state of each entry that is claimed for it or transferred, and by which epoch.
pub(crate) fn on_device(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<(EntryState, Option<Claimant>)>> {
    tx.rows(
        &format!("SELECT {} FROM entry WHERE device_id = ? AND state IN (?, ?)", has::LIST),
        values![device, EntryState::Claimed, EntryState::Transferred],
        |row| {
            let by = row.get::<Option<ProcessId>>(has::process_id)?.zip(row.get(has::epoch)?);
            Ok((row.get(has::state)?, by))
        },
    )
}

/// The jobs that a device has, whatever became of its process: job, state, and who claimed it, at most `limit`.
pub(crate) fn jobs_on_devices(tx: &Tx<'_>, limit: u32) -> Fallible<Vec<(JobId, EntryState, Option<Claimant>)>> {
    tx.rows(
        &format!("SELECT {} FROM entry WHERE state IN (?, ?) LIMIT ?", on::LIST),
        values![EntryState::Claimed, EntryState::Transferred, limit],
        |row| {
            let by = row.get::<Option<ProcessId>>(on::process_id)?.zip(row.get(on::epoch)?);
            Ok((row.get(on::job_id)?, row.get(on::state)?, by))
        },
    )
}

columns!(on { job_id, state, process_id, epoch });

/// Whether an entry of a route and class is queued that a device may claim.
pub(crate) fn any(tx: &Tx<'_>, route: RouteId, class: ClassId, device: DeviceId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state = ? AND route_id = ? AND only_device IN (?, ?) AND class_id = ? LIMIT 1",
        values![EntryState::Queued, route, ANY, device, class],
    )
}

fn heads_sql(order: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM entry WHERE state = ? AND route_id = ? AND only_device = ? AND class_id = ?
         ORDER BY {order} LIMIT ?"
    )
}

/// The first `limit` queued entries of a route and class that a device may claim, in its order. Decided by an index.
pub(crate) fn heads(
    tx: &Tx<'_>,
    route: RouteId,
    class: ClassId,
    device: DeviceId,
    fifo: bool,
    limit: u32,
) -> Fallible<Vec<EntryRow>> {
    let order = if fifo { "promoted, rank, sequence" } else { "promoted, rank, sort_key, sequence" };
    let sql = heads_sql(order);
    let mut found = tx.rows(&sql, values![EntryState::Queued, route, ANY, class, limit], read)?;
    found.extend(tx.rows(&sql, values![EntryState::Queued, route, device, class, limit], read)?);
    // Entries for this device alone stand among the others, not behind them.
    found.sort_by_key(|entry| entry.sort.place(fifo));
    Ok(found)
}

/// The queued entry that a device began to write to its file and did not end, if its route still leads here and it still
/// fits: it has to be resumed before anything else is appended behind what was written.
pub(crate) fn begun_on(tx: &Tx<'_>, device: DeviceId, form_key: &str) -> Fallible<Option<EntryRow>> {
    // Hardly ever is there one, and every claim asks: the index alone tells.
    if !tx.finds("SELECT 1 FROM entry WHERE begun_device = ? AND state = ?", values![device, EntryState::Queued])? {
        return Ok(None);
    }
    let columns: Vec<String> = COLUMNS.split(',').map(|column| format!("e.{}", column.trim())).collect();
    let sql = format!(
        "SELECT {} FROM entry e JOIN requirement_class c ON e.class_id = c.id
         WHERE e.begun_device = ?1 AND e.state = ?3 AND e.only_device IN (?4, ?1) AND c.form_key = ?2
           AND (e.route_id IN (SELECT route_id FROM location WHERE device_id = ?1)
                OR e.route_id IN (SELECT g.route_id FROM location_group g JOIN location l ON l.group_id = g.id
                                  WHERE l.device_id = ?1))
         ORDER BY e.id LIMIT 1",
        columns.join(", ")
    );
    tx.one(&sql, values![device, form_key, EntryState::Queued, ANY], read)
}

/// The number that a statement counts.
fn counted(tx: &Tx<'_>, sql: &str, values: &[&dyn super::value::Bind]) -> Fallible<u32> {
    Ok(tx.one(sql, values, |row| row.only())?.unwrap_or(0))
}

/// How many entries wait in a route for a device, whatever they need, counted to `limit`.
pub(crate) fn waiting(tx: &Tx<'_>, route: RouteId, device: DeviceId, limit: u32) -> Fallible<u32> {
    counted(
        tx,
        "SELECT count(*) FROM (SELECT 1 FROM entry WHERE state = ? AND route_id = ? AND only_device IN (?, ?) LIMIT ?)",
        values![EntryState::Queued, route, ANY, device, limit],
    )
}

/// Gives a queued entry to a device's attempt; what it is then. None when it is not queued any more.
pub(crate) fn claim(
    tx: &Tx<'_>,
    entry: EntryRow,
    device: DeviceId,
    (process, epoch): Claimant,
    spool_time: SpoolTime,
) -> Fallible<Option<EntryRow>> {
    let claimed_ms = tx.now().wall_ms;
    let changed = tx.run(
        "UPDATE entry SET state = ?, attempt = ?, device_id = ?, process_id = ?, epoch = ?, claimed_ms = ?,
             claimed_spool = ? WHERE id = ? AND state = ? AND attempt = ?",
        values![
            EntryState::Claimed,
            entry.attempt + 1,
            device,
            process,
            epoch,
            claimed_ms,
            spool_time.0,
            entry.id,
            EntryState::Queued,
            entry.attempt
        ],
    )?;
    Ok((changed == 1).then_some(EntryRow {
        state: EntryState::Claimed,
        attempt: entry.attempt + 1,
        device: Some(device),
        claimed_by: Some((process, epoch)),
        claimed_ms: Some(claimed_ms),
        claimed_spool: Some(spool_time.0),
        ..entry
    }))
}

/// What a claimed or transferred entry is called in a failure.
const CLAIM: &str = "the claim";

/// Stores how many attempts an entry has spent.
pub(crate) fn set_spent(tx: &Tx<'_>, id: EntryId, spent: u32) -> Fallible<()> {
    tx.change("the entry", "UPDATE entry SET spent = ? WHERE id = ?", values![spent, id])
}

/// Records where an attempt begins writing, and how it sets the job apart.
pub(crate) fn set_begun(
    tx: &Tx<'_>,
    entry: &EntryRow,
    device: DeviceId,
    at: &FilePosition,
    separation: &Separation,
) -> Fallible<()> {
    let separation = serde_json::to_string(separation)
        .map_err(|error| Failure::internal(format_args!("recording a separation: {error}")))?;
    tx.change(
        CLAIM,
        "UPDATE entry SET begun_device = ?, begun_dev = ?, begun_ino = ?, begun_offset = ?, begun_separation = ?
         WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![
            device,
            Bits(at.dev),
            Bits(at.ino),
            at.offset,
            separation,
            entry.id,
            entry.state,
            entry.epoch(),
            entry.attempt
        ],
    )
}

/// Forgets where an attempt began writing: nothing of it is left there.
pub(crate) fn clear_begun(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    tx.change(
        CLAIM,
        "UPDATE entry SET begun_device = NULL, begun_dev = NULL, begun_ino = NULL, begun_offset = NULL,
             begun_separation = NULL WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// Takes an entry from its attempt: queued again in place, withdrawn, or done. `duplicate` adds to what was known.
pub(crate) fn release(tx: &Tx<'_>, entry: &EntryRow, state: EntryState, duplicate: bool) -> Fallible<()> {
    tx.change(
        CLAIM,
        "UPDATE entry SET state = ?, device_id = NULL, process_id = NULL, epoch = NULL, claimed_ms = NULL,
             claimed_spool = NULL, octets_sent = NULL, duplicate = CASE WHEN ? THEN ? ELSE duplicate END
         WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![state, duplicate, true, entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// The attempt has handed over every octet; its row stays until the connection has closed.
pub(crate) fn set_transferred(tx: &Tx<'_>, entry: &EntryRow, octets: u64) -> Fallible<()> {
    tx.change(
        CLAIM,
        "UPDATE entry SET state = ?, octets_sent = ? WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![EntryState::Transferred, octets, entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// Removes an entry with its attempt: it is printed, and its job goes.
pub(crate) fn delete_claimed(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    tx.change(
        CLAIM,
        "DELETE FROM entry WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// Sets the state and position of an entry that nobody has claimed.
pub(crate) fn requeue(tx: &Tx<'_>, id: EntryId, sort: &SortKey) -> Fallible<()> {
    tx.run(
        "UPDATE entry SET state = ?, promoted = ?, rank = ?, sort_key = ?, sequence = ?
         WHERE id = ? AND state IN (?, ?, ?)",
        values![
            EntryState::Queued,
            sort.promoted,
            sort.rank,
            sort.key,
            sort.sequence,
            id,
            EntryState::Queued,
            EntryState::Done,
            EntryState::Withdrawn
        ],
    )?;
    Ok(())
}

/// Takes every queued entry of a job out of the queues.
pub(crate) fn withdraw(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run(
        "UPDATE entry SET state = ? WHERE job_id = ? AND state = ?",
        values![EntryState::Withdrawn, job, EntryState::Queued],
    )?;
    Ok(())
}

/// Removes an entry that no device has.
pub(crate) fn delete(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    tx.change("the entry", "DELETE FROM entry WHERE id = ? AND state = ?", values![entry.id, entry.state])
}

/// The claims and transfers of earlier epochs of a process: those of a dead one.
pub(crate) fn of_dead_epochs(tx: &Tx<'_>, process: ProcessId, epoch: u64) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        &format!(
            "SELECT {COLUMNS} FROM entry WHERE state IN (?, ?) AND process_id = ? AND epoch < ?
             ORDER BY claimed_spool, id"
        ),
        values![EntryState::Claimed, EntryState::Transferred, process, epoch],
        read,
    )
}

/// Whether a process still has claims or transfers.
pub(crate) fn busy(tx: &Tx<'_>, process: ProcessId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state IN (?, ?) AND process_id = ?",
        values![EntryState::Claimed, EntryState::Transferred, process],
    )
}

/// Whether any device has an entry, or its peer has one that is not released yet.
pub(crate) fn any_on_a_device(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM entry WHERE state IN (?, ?)", values![EntryState::Claimed, EntryState::Transferred])
}

/// Whether an entry waits that only this device may print (broadcasts).
pub(crate) fn any_only_for(tx: &Tx<'_>, device: DeviceId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state IN (?, ?) AND only_device = ?",
        values![EntryState::Queued, EntryState::Withdrawn, device],
    )
}

/// The entries of a route that wait and that only this device may print.
pub(crate) fn only_for(tx: &Tx<'_>, route: RouteId, device: DeviceId) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        &format!("SELECT {COLUMNS} FROM entry WHERE route_id = ? AND only_device = ? AND state IN (?, ?)"),
        values![route, device, EntryState::Queued, EntryState::Withdrawn],
        read,
    )
}

/// Lets any device of its route print an entry that waits.
pub(crate) fn let_anyone(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    tx.change(
        "the entry",
        "UPDATE entry SET only_device = ? WHERE id = ? AND state = ?",
        values![ANY, entry.id, entry.state],
    )
}

/// How the database finds [`heads`], for both orders.
#[cfg(test)]
pub(crate) fn plan_of_heads(memory: &super::Memory) -> Vec<(&'static str, String)> {
    let orders = ["promoted, rank, sequence", "promoted, rank, sort_key, sequence"];
    orders.into_iter().map(|order| (order, memory.plan(&heads_sql(order)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn entries_that_have_a_device_are_found_by_an_index() {
        let plan = Memory::new().plan(&begun_sql());
        assert!(plan.contains("USING INDEX entry_device (device_id>?)"), "{plan}");
    }
}
