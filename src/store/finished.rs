//! Rows of finished jobs: the history.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::time::Moment;
use crate::model::{DeviceName, JobId, JobNumber, JobRef, LocalJobId, LocationPattern, Serial};

use super::job::JobRow;
use super::{Fallible, page, signed, unsigned};

/// A finished job as stored.
#[derive(Clone, Debug)]
pub struct FinishedRow {
    /// The job's former identity.
    pub id: JobId,
    /// Its number.
    pub number: JobNumber,
    /// Its ten digits.
    pub serial: Serial,
    /// Its owner's number for it.
    pub local: LocalJobId,
    /// Owner's user id.
    pub owner_uid: u32,
    /// Owner's login name.
    pub owner: String,
    /// `user@host` of the submitter.
    pub user_name: String,
    /// Its name.
    pub name: String,
    /// Where it was sent.
    pub destination: LocationPattern,
    /// The device that printed the last of it.
    pub device: Option<DeviceName>,
    /// How it ended: `sent`, `transferred`, `confirmed`, `cancelled`.
    pub outcome: String,
    /// Octets of its documents.
    pub octets: u64,
    /// Its pages.
    pub pages: Option<u64>,
    /// Its documents.
    pub documents: u32,
    /// When it was created.
    pub created_ms: i64,
    /// When it ended.
    pub finished_ms: i64,
}

const COLUMNS: &str =
    "job_id, number, serial, local_id, owner_uid, owner, user_name, name, destination, device, outcome,
                       octets, pages, documents, created_ms, finished_ms";

fn read(row: &Row<'_>) -> rusqlite::Result<FinishedRow> {
    Ok(FinishedRow {
        id: JobId(row.get(0)?),
        number: JobNumber::new(row.get(1)?).unwrap_or(super::job::FIRST_NUMBER),
        serial: Serial(unsigned(row.get(2)?)),
        local: LocalJobId(row.get(3)?),
        owner_uid: row.get(4)?,
        owner: row.get(5)?,
        user_name: row.get(6)?,
        name: row.get(7)?,
        destination: super::name(&row.get::<_, String>(8)?)?,
        device: row.get::<_, Option<String>>(9)?.map(|text| super::name(&text)).transpose()?,
        outcome: row.get(10)?,
        octets: unsigned(row.get(11)?),
        pages: row.get::<_, Option<i64>>(12)?.map(unsigned),
        documents: row.get(13)?,
        created_ms: row.get(14)?,
        finished_ms: row.get(15)?,
    })
}

/// Writes a job into the history.
///
/// # Errors
/// When it cannot be written.
pub fn insert(
    db: &Connection,
    job: &JobRow,
    destination: &str,
    device: Option<&str>,
    outcome: &str,
    documents: usize,
    now: &Moment,
) -> Fallible<()> {
    db.prepare_cached(
        "INSERT INTO finished (job_id, number, serial, token, local_id, owner_uid, owner, user_name, name, destination, device,
             outcome, octets, pages, documents, created_ms, finished_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        job.id.0,
        job.number.get(),
        signed(job.serial.0),
        job.token,
        job.local.0,
        job.owner_uid,
        job.owner,
        job.user_name,
        job.name,
        destination,
        device,
        outcome,
        signed(job.octets),
        job.pages.map(signed),
        signed(documents as u64),
        job.created_ms,
        now.wall_ms
    ])?;
    Ok(())
}

fn find(db: &Connection, clause: &str, key: &[&dyn rusqlite::ToSql]) -> Fallible<Option<FinishedRow>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM finished WHERE {clause} ORDER BY job_id DESC LIMIT 1"))?;
    Ok(statement.query_row(key, read).optional()?)
}

/// The finished job that `job` points at, for the caller with user id `uid`: the last one, where a number was used again.
///
/// # Errors
/// When it cannot be read.
pub fn by_ref(db: &Connection, job: &JobRef, uid: u32, server: &str) -> Fallible<Option<FinishedRow>> {
    match job {
        JobRef::Number(number) => find(db, "number = ?", &[&number.get()]),
        JobRef::Local(local) => find(db, "owner_uid = ? AND local_id = ?", &[&uid, &local.0]),
        JobRef::Serial(serial) => find(db, "serial = ?", &[&signed(serial.0)]),
        JobRef::Global(global) if global.server.as_str().eq_ignore_ascii_case(server) => {
            find(db, "serial = ?", &[&signed(global.serial.0)])
        }
        JobRef::Global(_) => Ok(None),
    }
}

/// Finished jobs, those that ended last first, after the one that ended at `after`; all, or those of one identity
/// (`user@host`).
///
/// # Errors
/// When they cannot be read.
pub fn list(
    db: &Connection,
    user: Option<&str>,
    after: Option<(i64, JobId)>,
    limit: u32,
) -> Fallible<Vec<FinishedRow>> {
    let (at, id) = after.unwrap_or((i64::MAX, JobId(i64::MAX)));
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM finished WHERE (finished_ms, job_id) < (?1, ?2) AND (?3 IS NULL OR user_name = ?3)
         ORDER BY finished_ms DESC, job_id DESC LIMIT ?4"
    ))?;
    let rows = statement.query_map(params![at, id.0, user, page(limit)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How long a finished job is remembered.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// How many are forgotten at once.
const PRUNED_AT_ONCE: i64 = 64;
/// How many are remembered at most.
const KEPT_JOBS: i64 = 1_000_000;

/// Forgets a small batch of jobs that finished more than 30 days ago, or beyond the last 1,000,000, with their events.
///
/// # Errors
/// When it cannot be written.
pub fn prune(db: &Connection, now: &Moment) -> Fallible<()> {
    let last: Option<i64> = db.query_row("SELECT max(job_id) FROM finished", [], |row| row.get(0))?;
    let Some(last) = last else { return Ok(()) };
    let mut find = db.prepare_cached(
        "SELECT job_id FROM finished WHERE finished_ms < ? UNION SELECT job_id FROM finished WHERE job_id <= ? LIMIT ?",
    )?;
    let old: Vec<i64> = find
        .query_map(params![now.wall_ms - KEPT_MS, last - KEPT_JOBS, PRUNED_AT_ONCE], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in old {
        db.prepare_cached("DELETE FROM event WHERE object = 'job' AND object_id = ?")?.execute([id])?;
        db.prepare_cached("DELETE FROM finished WHERE job_id = ?")?.execute([id])?;
    }
    // Events of other objects: ids ascend with time, so the oldest are the first.
    let first =
        db.prepare_cached("SELECT coalesce(min(id), 0) FROM event")?.query_row([], |row| row.get::<_, i64>(0))?;
    db.prepare_cached("DELETE FROM event WHERE id < ? AND at_ms < ? AND object <> 'job'")?
        .execute(params![first + 4 * PRUNED_AT_ONCE, now.wall_ms - KEPT_MS])?;
    db.prepare_cached("DELETE FROM refused_token WHERE at_ms < ?")?.execute([now.wall_ms - KEPT_MS])?;
    Ok(())
}
