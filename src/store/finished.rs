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
             outcome, octets, pages, documents, created_ms, finished_ms, finished_spool)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        now.wall_ms,
        super::spool::time(db, now)?.0
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

/// Those that finished before a time, and those up to a job. Two statements and no UNION, which would be a merge of both by
/// job, through the whole history.
const OLD: [&str; 2] = [
    "SELECT job_id FROM finished WHERE finished_spool < ? ORDER BY finished_spool LIMIT ?",
    "SELECT job_id FROM finished WHERE job_id <= ? ORDER BY job_id LIMIT ?",
];

/// Forgets a small batch of jobs that finished more than 30 days ago, or beyond the last 1,000,000, with their events. Age
/// is told by spool time: a wall clock that is set to another year makes nothing old.
///
/// # Errors
/// When it cannot be written.
pub fn prune(db: &Connection, now: &Moment) -> Fallible<()> {
    let time = super::spool::time(db, now)?.0;
    let before = time - KEPT_MS;
    prune_events(db, time)?;
    db.prepare_cached("DELETE FROM refused_token WHERE at_spool < ?")?.execute([before])?;
    let Some(last) = db.prepare_cached("SELECT max(job_id) FROM finished")?.query_row([], |row| row.get(0))? else {
        return Ok(());
    };
    let last: i64 = last;
    let mut old: Vec<i64> = Vec::new();
    for (sql, end) in OLD.into_iter().zip([before, last - KEPT_JOBS]) {
        let mut find = db.prepare_cached(sql)?;
        for id in find.query_map([end, PRUNED_AT_ONCE], |row| row.get(0))? {
            old.push(id?);
        }
    }
    for id in old {
        db.prepare_cached("DELETE FROM event WHERE object = 'job' AND object_id = ?")?.execute([id])?;
        db.prepare_cached("DELETE FROM finished WHERE job_id = ?")?.execute([id])?;
    }
    Ok(())
}

/// How far apart the marks are that tell the age of events.
const MARKED_EVERY_MS: i64 = 24 * 3_600_000;

/// Forgets a small batch of events of other objects than jobs. Numbers of events ascend with time, so once a day the last
/// number is written down beside the spool time: what lies before a mark that is old enough is old.
fn prune_events(db: &Connection, time: i64) -> Fallible<()> {
    let last: Option<i64> = db.prepare_cached("SELECT max(spool_ms) FROM age_mark")?.query_row([], |row| row.get(0))?;
    if last.is_none_or(|last| time - last >= MARKED_EVERY_MS) {
        db.prepare_cached("INSERT INTO age_mark (spool_ms, event_id) SELECT ?, coalesce(max(id), 0) FROM event")?
            .execute([time])?;
    }
    let mut find =
        db.prepare_cached("SELECT spool_ms, event_id FROM age_mark WHERE spool_ms < ? ORDER BY spool_ms DESC LIMIT 1")?;
    let old = find.query_row([time - KEPT_MS], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).optional()?;
    let Some((marked, end)) = old else { return Ok(()) };
    let ids: Vec<i64> = db
        .prepare_cached("SELECT id FROM event WHERE id <= ? AND object <> 'job' ORDER BY id LIMIT ?")?
        .query_map([end, 4 * PRUNED_AT_ONCE], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &ids {
        db.prepare_cached("DELETE FROM event WHERE id = ?")?.execute([id])?;
    }
    if ids.is_empty() {
        db.prepare_cached("DELETE FROM age_mark WHERE spool_ms <= ?")?.execute([marked])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_found_without_a_look_at_the_rest() {
        let db = Connection::open_in_memory().unwrap();
        crate::store::schema::migrate(&db).unwrap();
        for sql in OLD {
            let plan = crate::store::plan(&db, sql);
            assert!(plan.starts_with("SEARCH finished") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
