//! Rows of finished jobs: the history.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::time::Moment;
use crate::model::{JobId, JobNumber, LocalJobId, Serial};

use super::job::JobRow;
use super::{Fallible, signed, unsigned};

/// A finished job, as far as a retried submission needs it.
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
    /// How it ended: `sent`, `transferred`, `confirmed`, `cancelled`.
    pub outcome: String,
    /// Octets of its documents.
    pub octets: u64,
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

fn find(db: &Connection, clause: &str, key: &dyn rusqlite::ToSql) -> Fallible<Option<FinishedRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT job_id, number, serial, local_id, outcome, octets FROM finished WHERE {clause} ORDER BY job_id DESC LIMIT 1"
    ))?;
    let found = statement.query_row([key], |row| {
        Ok(FinishedRow {
            id: JobId(row.get(0)?),
            number: JobNumber::new(row.get(1)?).unwrap_or(super::job::FIRST_NUMBER),
            serial: Serial(unsigned(row.get(2)?)),
            local: LocalJobId(row.get(3)?),
            outcome: row.get(4)?,
            octets: unsigned(row.get(5)?),
        })
    });
    Ok(found.optional()?)
}

/// The finished job of a submission.
///
/// # Errors
/// When it cannot be read.
pub fn by_token(db: &Connection, token: &str) -> Fallible<Option<FinishedRow>> {
    find(db, "token = ?", &token)
}

/// The last finished job of that number.
///
/// # Errors
/// When it cannot be read.
pub fn by_number(db: &Connection, number: JobNumber) -> Fallible<Option<FinishedRow>> {
    find(db, "number = ?", &number.get())
}

/// The finished job with those ten digits.
///
/// # Errors
/// When it cannot be read.
pub fn by_serial(db: &Connection, serial: Serial) -> Fallible<Option<FinishedRow>> {
    find(db, "serial = ?", &signed(serial.0))
}

/// How long a finished job is remembered.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// How many are forgotten at once.
const PRUNED_AT_ONCE: i64 = 500;
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
    Ok(())
}
