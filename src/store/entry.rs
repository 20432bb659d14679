//! Rows of queue entries: what waits, what is claimed by whom.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::separation::Separation;
use crate::model::state::EntryState;
use crate::model::time::{Moment, SpoolTime};
use crate::model::{ClassId, DeviceId, EntryId, Failure, JobId, ProcessId, RouteId};
use crate::spool::interface::engine::FilePosition;

use super::job::SortKey;
use super::{Fallible, signed, unsigned};

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
    /// Octets sent by a transferred attempt.
    pub octets_sent: Option<u64>,
}

pub(super) const COLUMNS: &str =
    "id, job_id, route_id, only_device, class_id, promoted, rank, sort_key, sequence, work, state, attempt,
                       device_id, process_id, epoch, claimed_ms, claimed_spool, begun_dev, begun_ino, begun_offset,
                       duplicate, octets_sent, begun_separation";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    let only: i64 = row.get(3)?;
    let process: Option<i64> = row.get(13)?;
    let epoch: Option<i64> = row.get(14)?;
    let begun_ino: Option<i64> = row.get(18)?;
    Ok(EntryRow {
        id: EntryId(row.get(0)?),
        job: JobId(row.get(1)?),
        route: RouteId(row.get(2)?),
        only: (only != 0).then_some(DeviceId(only)),
        class: ClassId(row.get(4)?),
        sort: SortKey { promoted: row.get(5)?, rank: row.get(6)?, key: row.get(7)?, sequence: row.get(8)? },
        work: unsigned(row.get(9)?),
        state: EntryState::from_stored(row.get(10)?).unwrap_or(EntryState::Withdrawn),
        attempt: row.get(11)?,
        device: row.get::<_, Option<i64>>(12)?.map(DeviceId),
        claimed_by: process.zip(epoch).map(|(p, e)| (ProcessId(p), unsigned(e))),
        claimed_ms: row.get(15)?,
        claimed_spool: row.get(16)?,
        begun: match begun_ino {
            Some(ino) => Some(FilePosition {
                dev: row.get::<_, Option<i64>>(17)?.unwrap_or(0).cast_unsigned(),
                ino: ino.cast_unsigned(),
                offset: unsigned(row.get::<_, Option<i64>>(19)?.unwrap_or(0)),
            }),
            None => None,
        },
        begun_separation: row.get::<_, Option<String>>(22)?.and_then(|text| serde_json::from_str(&text).ok()),
        duplicate: row.get(20)?,
        octets_sent: row.get::<_, Option<i64>>(21)?.map(unsigned),
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
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)";

/// Inserts an entry.
///
/// # Errors
/// When it cannot be written.
pub fn insert(db: &Connection, e: &NewEntry) -> Fallible<()> {
    db.prepare_cached(INSERT)?.execute(params![
        e.job.0,
        e.route.0,
        e.only.map_or(0, |d| d.0),
        e.class.0,
        e.sort.promoted,
        e.sort.rank,
        e.sort.key,
        e.sort.sequence,
        signed(e.work),
        e.state as i64
    ])?;
    Ok(())
}

/// The entry with that identity.
///
/// # Errors
/// When it cannot be read.
pub fn by_id(db: &Connection, id: EntryId) -> Fallible<Option<EntryRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM entry WHERE id = ?"))?;
    Ok(statement.query_row([id.0], read).optional()?)
}

/// The entries of a job.
///
/// # Errors
/// When they cannot be read.
pub fn of_job(db: &Connection, job: JobId) -> Fallible<Vec<EntryRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM entry WHERE job_id = ? ORDER BY id"))?;
    let rows = statement.query_map([job.0], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How far an entry is: what displays of jobs need of it.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What it is doing.
    pub state: EntryState,
    /// The device that has or had it.
    pub device: Option<DeviceId>,
    /// When it was claimed, wall clock.
    pub claimed_ms: Option<i64>,
}

const PROGRESS: &str = "SELECT job_id, state, device_id, claimed_ms FROM entry";

fn read_progress(row: &Row<'_>) -> rusqlite::Result<(JobId, Progress)> {
    let progress = Progress {
        state: EntryState::from_stored(row.get(1)?).unwrap_or(EntryState::Withdrawn),
        device: row.get::<_, Option<i64>>(2)?.map(DeviceId),
        claimed_ms: row.get(3)?,
    };
    Ok((JobId(row.get(0)?), progress))
}

/// How far the entries of the jobs from `first` to `last` are.
///
/// # Errors
/// When they cannot be read.
pub fn progress(db: &Connection, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<Progress>>> {
    let mut statement = db.prepare_cached(&format!("{PROGRESS} WHERE job_id BETWEEN ? AND ? ORDER BY job_id, id"))?;
    let mut rows = statement.query([first.0, last.0])?;
    let mut found: BTreeMap<JobId, Vec<Progress>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (job, progress) = read_progress(row)?;
        found.entry(job).or_default().push(progress);
    }
    Ok(found)
}

/// How far the entries are that a device has or had, of all jobs; none when there are more than `limit`. The others wait
/// or are withdrawn: no state of a job and no display depends on which.
///
/// # Errors
/// When they cannot be read.
pub fn begun(db: &Connection, limit: u32) -> Fallible<Option<BTreeMap<JobId, Vec<Progress>>>> {
    let mut statement = db.prepare_cached(&begun_sql())?;
    let mut rows = statement.query([i64::from(limit) + 1])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((row.get::<_, i64>(4)?, read_progress(row)?));
    }
    if all.len() > limit as usize {
        return Ok(None);
    }
    // Of each job in order, as everywhere.
    all.sort_unstable_by_key(|(id, _)| *id);
    let mut found: BTreeMap<JobId, Vec<Progress>> = BTreeMap::new();
    for (_, (job, progress)) in all {
        found.entry(job).or_default().push(progress);
    }
    Ok(Some(found))
}

fn begun_sql() -> String {
    // A comparison with any device makes it the index of the entries that have one.
    format!("{} WHERE device_id >= 0 LIMIT ?", PROGRESS.replacen("claimed_ms", "claimed_ms, id", 1))
}

/// The entries that a device has, in a state, in the order of their positions.
///
/// # Errors
/// When they cannot be read.
pub fn of_device(db: &Connection, device: DeviceId, state: EntryState) -> Fallible<Vec<EntryRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entry WHERE device_id = ? AND state = ? ORDER BY claimed_spool, id"
    ))?;
    let rows = statement.query_map(params![device.0, state as i64], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The process that claimed an entry, and its epoch.
pub type Claimant = (ProcessId, u64);

/// What a device has: the state of each entry that is claimed for it or transferred, and by which epoch.
///
/// # Errors
/// When they cannot be read.
pub fn on_device(db: &Connection, device: DeviceId) -> Fallible<Vec<(EntryState, Option<Claimant>)>> {
    let mut statement =
        db.prepare_cached("SELECT state, process_id, epoch FROM entry WHERE device_id = ? AND state IN (1, 2)")?;
    let rows = statement.query_map([device.0], |row| {
        let state = EntryState::from_stored(row.get(0)?).unwrap_or(EntryState::Withdrawn);
        let by = row.get::<_, Option<i64>>(1)?.zip(row.get::<_, Option<i64>>(2)?);
        Ok((state, by.map(|(process, epoch)| (ProcessId(process), unsigned(epoch)))))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether an entry of a route and class is queued that a device may claim.
///
/// # Errors
/// When it cannot be read.
pub fn any(db: &Connection, route: RouteId, class: ClassId, device: DeviceId) -> Fallible<bool> {
    let mut find = db.prepare_cached(
        "SELECT 1 FROM entry WHERE state = 0 AND route_id = ? AND only_device IN (0, ?) AND class_id = ? LIMIT 1",
    )?;
    Ok(find.exists(params![route.0, device.0, class.0])?)
}

fn heads_sql(order: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM entry WHERE state = 0 AND route_id = ? AND only_device = ? AND class_id = ?
         ORDER BY {order} LIMIT ?"
    )
}

/// The first `limit` queued entries of a route and class that a device may claim, in its order. Decided by an index.
///
/// # Errors
/// When they cannot be read.
pub fn heads(
    db: &Connection,
    route: RouteId,
    class: ClassId,
    device: DeviceId,
    fifo: bool,
    limit: u32,
) -> Fallible<Vec<EntryRow>> {
    let order = if fifo { "promoted, rank, sequence" } else { "promoted, rank, sort_key, sequence" };
    let mut statement = db.prepare_cached(&heads_sql(order))?;
    let mut found = Vec::new();
    for only in [0, device.0] {
        let rows = statement.query_map(params![route.0, only, class.0, limit], read)?;
        for row in rows {
            found.push(row?);
        }
    }
    // Entries for this device alone stand among the others, not behind them.
    found.sort_by_key(|entry| entry.sort.place(fifo));
    Ok(found)
}

/// The queued entry that a device began to write to its file and did not end, if its route still leads here and it still
/// fits: it has to be resumed before anything else is appended behind what was written.
///
/// # Errors
/// When it cannot be read.
pub fn begun_on(db: &Connection, device: DeviceId, form_key: &str) -> Fallible<Option<EntryRow>> {
    // Hardly ever is there one, and every claim asks: the index alone tells.
    let mut find = db.prepare_cached("SELECT 1 FROM entry WHERE begun_device = ? AND state = 0")?;
    if !find.exists([device.0])? {
        return Ok(None);
    }
    let columns: Vec<String> = COLUMNS.split(',').map(|column| format!("e.{}", column.trim())).collect();
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM entry e JOIN requirement_class c ON e.class_id = c.id
         WHERE e.begun_device = ?1 AND e.state = 0 AND e.only_device IN (0, ?1) AND c.form_key = ?2
           AND (e.route_id IN (SELECT route_id FROM location WHERE device_id = ?1)
                OR e.route_id IN (SELECT g.route_id FROM location_group g JOIN location l ON l.group_id = g.id
                                  WHERE l.device_id = ?1))
         ORDER BY e.id LIMIT 1",
        columns.join(", ")
    ))?;
    Ok(statement.query_row(params![device.0, form_key], read).optional()?)
}

/// How many entries wait in a route for a device, whatever they need, counted to `limit`.
///
/// # Errors
/// When they cannot be read.
pub fn waiting(db: &Connection, route: RouteId, device: DeviceId, limit: u32) -> Fallible<u32> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM entry WHERE state = 0 AND route_id = ? AND only_device IN (0, ?) LIMIT ?)",
    )?;
    Ok(statement.query_row(params![route.0, device.0, limit], |row| row.get(0))?)
}

/// How many queued entries of a route and class stand before `to`, counted to `limit`.
///
/// # Errors
/// When they cannot be read.
pub fn before(db: &Connection, route: RouteId, class: ClassId, to: &SortKey, limit: u32) -> Fallible<u32> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM (
             SELECT 1 FROM entry WHERE state = 0 AND route_id = ? AND only_device = 0 AND class_id = ?
                AND (promoted, rank, sort_key, sequence) < (?, ?, ?, ?) LIMIT ?)",
    )?;
    let key = params![route.0, class.0, to.promoted, to.rank, to.key, to.sequence, limit];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

/// How many queued entries of a route and class a device would take before the position `to`, in its order, counted to
/// `limit`.
///
/// # Errors
/// When they cannot be read.
pub fn ahead(
    db: &Connection,
    (route, class, device): (RouteId, ClassId, DeviceId),
    to: &SortKey,
    fifo: bool,
    limit: u32,
) -> Fallible<u32> {
    let before = match fifo {
        true => "(promoted, rank, sequence) < (?4, ?5, ?7)",
        false => "(promoted, rank, sort_key, sequence) < (?4, ?5, ?6, ?7)",
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT count(*) FROM (SELECT 1 FROM entry
             WHERE state = 0 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3 AND {before} LIMIT ?8)"
    ))?;
    let mut count = 0;
    for only in [0, device.0] {
        let values = params![route.0, only, class.0, to.promoted, to.rank, to.key, to.sequence, limit];
        count += statement.query_row(values, |row| row.get::<_, u32>(0))?;
    }
    Ok(count.min(limit))
}

/// How many entries of a route are on a device now.
///
/// # Errors
/// When they cannot be read.
pub fn claimed_in_route(db: &Connection, route: RouteId) -> Fallible<u32> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM entry WHERE state = 1 AND route_id = ?")?;
    Ok(statement.query_row([route.0], |row| row.get(0))?)
}

/// Gives a queued entry to a device's attempt; what it is then. None when it is not queued any more.
///
/// # Errors
/// When it cannot be written.
pub fn claim(
    db: &Connection,
    entry: EntryRow,
    device: DeviceId,
    process: ProcessId,
    epoch: u64,
    now: &Moment,
    spool_time: SpoolTime,
) -> Fallible<Option<EntryRow>> {
    let changed = db
        .prepare_cached(
            "UPDATE entry SET state = 1, attempt = ?, device_id = ?, process_id = ?, epoch = ?, claimed_ms = ?,
                 claimed_spool = ? WHERE id = ? AND state = 0",
        )?
        .execute(params![
            entry.attempt + 1,
            device.0,
            process.0,
            signed(epoch),
            now.wall_ms,
            spool_time.0,
            entry.id.0
        ])?;
    Ok((changed == 1).then_some(EntryRow {
        state: EntryState::Claimed,
        attempt: entry.attempt + 1,
        device: Some(device),
        claimed_by: Some((process, epoch)),
        claimed_ms: Some(now.wall_ms),
        claimed_spool: Some(spool_time.0),
        ..entry
    }))
}

/// Records where an attempt begins writing, and how it sets the job apart.
///
/// # Errors
/// When it cannot be written.
pub fn set_begun(
    db: &Connection,
    id: EntryId,
    device: DeviceId,
    at: &FilePosition,
    separation: &Separation,
) -> Fallible<()> {
    let separation = serde_json::to_string(separation)
        .map_err(|error| Failure::internal(format_args!("recording a separation: {error}")))?;
    db.prepare_cached(
        "UPDATE entry SET begun_device = ?, begun_dev = ?, begun_ino = ?, begun_offset = ?,
             begun_separation = ? WHERE id = ?",
    )?
    .execute(params![
        device.0,
        at.dev.cast_signed(),
        at.ino.cast_signed(),
        signed(at.offset),
        separation,
        id.0
    ])?;
    Ok(())
}

/// Forgets where an attempt began writing: nothing of it is left there.
///
/// # Errors
/// When it cannot be written.
pub fn clear_begun(db: &Connection, id: EntryId) -> Fallible<()> {
    db.prepare_cached(
        "UPDATE entry SET begun_device = NULL, begun_dev = NULL, begun_ino = NULL, begun_offset = NULL,
             begun_separation = NULL WHERE id = ?",
    )?
    .execute([id.0])?;
    Ok(())
}

/// Takes an entry from its attempt: queued again in place, or withdrawn. `duplicate` adds to what was known.
///
/// # Errors
/// When it cannot be written.
pub fn release(db: &Connection, id: EntryId, state: EntryState, duplicate: bool) -> Fallible<()> {
    db.prepare_cached(
        "UPDATE entry SET state = ?, device_id = NULL, process_id = NULL, epoch = NULL, claimed_ms = NULL,
             claimed_spool = NULL, octets_sent = NULL, duplicate = CASE WHEN ? THEN 1 ELSE duplicate END WHERE id = ?",
    )?
    .execute(params![state as i64, duplicate, id.0])?;
    Ok(())
}

/// The attempt has handed over every octet; its row stays until the connection has closed.
///
/// # Errors
/// When it cannot be written.
pub fn set_transferred(db: &Connection, id: EntryId, octets: u64) -> Fallible<()> {
    db.prepare_cached("UPDATE entry SET state = 2, octets_sent = ? WHERE id = ?")?
        .execute(params![signed(octets), id.0])?;
    Ok(())
}

/// Sets the state and position of an entry that nobody has claimed.
///
/// # Errors
/// When it cannot be written.
pub fn requeue(db: &Connection, id: EntryId, sort: &SortKey) -> Fallible<()> {
    db.prepare_cached(
        "UPDATE entry SET state = 0, promoted = ?, rank = ?, sort_key = ?, sequence = ? WHERE id = ? AND state IN (0, 3, 4)",
    )?
    .execute(params![sort.promoted, sort.rank, sort.key, sort.sequence, id.0])?;
    Ok(())
}

/// Takes every queued entry of a job out of the queues.
///
/// # Errors
/// When it cannot be written.
pub fn withdraw(db: &Connection, job: JobId) -> Fallible<()> {
    db.prepare_cached("UPDATE entry SET state = 4 WHERE job_id = ? AND state = 0")?.execute([job.0])?;
    Ok(())
}

/// Removes an entry that is done.
///
/// # Errors
/// When it cannot be written.
pub fn delete(db: &Connection, id: EntryId) -> Fallible<()> {
    db.prepare_cached("DELETE FROM entry WHERE id = ?")?.execute([id.0])?;
    Ok(())
}

/// The claims and transfers of earlier epochs of a process: those of a dead one.
///
/// # Errors
/// When they cannot be read.
pub fn of_dead_epochs(db: &Connection, process: ProcessId, epoch: u64) -> Fallible<Vec<EntryRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entry WHERE state IN (1, 2) AND process_id = ? AND epoch < ? ORDER BY claimed_spool, id"
    ))?;
    let rows = statement.query_map(params![process.0, signed(epoch)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a process still has claims or transfers.
///
/// # Errors
/// When they cannot be read.
pub fn busy(db: &Connection, process: ProcessId) -> Fallible<bool> {
    let mut statement =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE state IN (1, 2) AND process_id = ?)")?;
    Ok(statement.query_row([process.0], |row| row.get(0))?)
}

/// How the database finds [`heads`], for both orders.
///
/// # Errors
/// When it does not say.
#[cfg(test)]
pub(crate) fn plan_of_heads(db: &Connection) -> Fallible<Vec<(&'static str, String)>> {
    let mut plans = Vec::new();
    for order in ["promoted, rank, sequence", "promoted, rank, sort_key, sequence"] {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", heads_sql(order)))?;
        let lines = statement.query_map([0; 4], |row| row.get::<_, String>(3))?;
        plans.push((order, lines.collect::<Result<Vec<_>, _>>()?.join("; ")));
    }
    Ok(plans)
}

/// How many entries wait that only this device may print (broadcasts).
///
/// # Errors
/// When they cannot be read.
pub fn waiting_only_for(db: &Connection, device: DeviceId) -> Fallible<u64> {
    let sql = "SELECT count(*) FROM entry WHERE state IN (0, 4) AND only_device = ?";
    Ok(unsigned(db.prepare_cached(sql)?.query_row([device.0], |row| row.get(0))?))
}

/// The entries of a route that wait and that only this device may print.
///
/// # Errors
/// When they cannot be read.
pub fn only_for(db: &Connection, route: RouteId, device: DeviceId) -> Fallible<Vec<EntryRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entry WHERE route_id = ? AND only_device = ? AND state IN (0, 4)"
    ))?;
    let rows = statement.query_map(params![route.0, device.0], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lets any device of its route print an entry.
///
/// # Errors
/// When it cannot be written.
pub fn let_anyone(db: &Connection, id: EntryId) -> Fallible<()> {
    db.prepare_cached("UPDATE entry SET only_device = 0 WHERE id = ?")?.execute([id.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_have_a_device_are_found_by_an_index() {
        let db = Connection::open_in_memory().unwrap();
        crate::store::schema::migrate(&db).unwrap();
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", begun_sql())).unwrap();
        let plan: String = statement.query_row([1], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX entry_device (device_id>?)"), "{plan}");
    }
}
