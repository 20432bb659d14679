//! Rows of jobs that wait for their owners, and the record of releases.
//!
//! A job has its row from the transaction in which it arrives in a secure queue to the one that removes the job. The record is
//! only added to; the digest of each line covers the one before, so that a line that was changed or taken out is noticed.

use crate::model::secure::AuditRecord;
use crate::model::state::{EntryState, HoldReasons, Wish};
use crate::model::time::SpoolTime;
use crate::model::{GroupId, JobId, JobNumber};

use super::value::{Bind, columns, values};
use super::{Fallible, Lock, Row, Tx, page};

/// What is stored of a job of a secure queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureRow {
    /// The job.
    pub job: JobId,
    /// The queue to which it was sent.
    pub group: GroupId,
    /// Whose it is: the key of an identity.
    pub owner: String,
    /// Until when it can be released, spool time; none = it does not expire.
    pub due: Option<SpoolTime>,
    /// When somebody is told that it is removed soon, spool time; none = nobody is, or was told already.
    pub warn: Option<SpoolTime>,
    /// How often it was released.
    pub releases: u32,
    /// The station of the last release.
    pub station: Option<String>,
    /// Its printer.
    pub device: Option<String>,
}

columns!(at { job_id, group_id, owner, due_spool, warn_spool, releases, station, device });

fn read(row: &Row<'_>) -> Fallible<SecureRow> {
    Ok(SecureRow {
        job: row.get(at::job_id)?,
        group: row.get(at::group_id)?,
        owner: row.get(at::owner)?,
        due: row.get::<Option<i64>>(at::due_spool)?.map(SpoolTime),
        warn: row.get::<Option<i64>>(at::warn_spool)?.map(SpoolTime),
        releases: row.get(at::releases)?,
        station: row.get(at::station)?,
        device: row.get(at::device)?,
    })
}

/// Notes that a job waits for its owner.
pub(crate) fn insert(tx: &Tx<'_>, row: &SecureRow) -> Fallible<()> {
    tx.run(
        "INSERT INTO secure_job (job_id, group_id, owner, due_spool, warn_spool, releases, station, device)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            row.job,
            row.group,
            row.owner,
            row.due.map(|at| at.0),
            row.warn.map(|at| at.0),
            row.releases,
            row.station,
            row.device
        ],
    )?;
    Ok(())
}

/// Returns what is stored of a job; none of one that never was in a secure queue.
pub(crate) fn of_job(tx: &Tx<'_>, job: JobId) -> Fallible<Option<SecureRow>> {
    tx.one(made_once!("SELECT {} FROM secure_job WHERE job_id = ?", at::LIST), values![job], read)
}

fn of_owner_sql() -> String {
    format!("SELECT {} FROM secure_job WHERE owner = ? AND job_id > ? ORDER BY job_id LIMIT ?", at::LIST)
}

/// Returns the jobs of an owner in the order of submission, those after `after`.
pub(crate) fn of_owner(tx: &Tx<'_>, owner: &str, after: JobId, limit: u32) -> Fallible<Vec<SecureRow>> {
    tx.rows(&of_owner_sql(), values![owner, after, page(limit)], read)
}

/// Returns the jobs of all owners in the order of submission, those after `after`.
pub(crate) fn of_everybody(tx: &Tx<'_>, after: JobId, limit: u32) -> Fallible<Vec<SecureRow>> {
    let sql = made_once!("SELECT {} FROM secure_job WHERE job_id > ? ORDER BY job_id LIMIT ?", at::LIST);
    tx.rows(sql, values![after, page(limit)], read)
}

/// Notes that a job was released.
pub(crate) fn released(tx: &Tx<'_>, row: &SecureRow) -> Fallible<()> {
    tx.demand_lock(Lock::Job(row.job))?;
    tx.change(
        "the job that waits for its owner",
        "UPDATE secure_job SET due_spool = ?, releases = ?, station = ?, device = ? WHERE job_id = ?",
        values![row.due.map(|at| at.0), row.releases, row.station, row.device, row.job],
    )
}

/// Notes that somebody was told that a job is removed soon.
pub(crate) fn was_warned(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run("UPDATE secure_job SET warn_spool = NULL WHERE job_id = ?", values![job])?;
    Ok(())
}

/// Has a job not expire.
pub(crate) fn set_due(tx: &Tx<'_>, job: JobId, due: Option<SpoolTime>) -> Fallible<()> {
    tx.run("UPDATE secure_job SET due_spool = ? WHERE job_id = ?", values![due.map(|at| at.0), job])?;
    Ok(())
}

/// Forgets that a job waits for its owner: it is going.
pub(crate) fn forget(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run("DELETE FROM secure_job WHERE job_id = ?", values![job])?;
    Ok(())
}

/// A job that was released and waits at its printer, or that a device or another server has, is not due: it ends with that.
const DUE: &str = "SELECT s.job_id FROM secure_job s JOIN job j ON j.id = s.job_id
     WHERE s.due_spool <= ?1 AND (j.reasons <> ?3 OR j.wish <> ?4)
       AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.job_id = s.job_id AND e.state IN (?5, ?6, ?7))
     ORDER BY s.due_spool LIMIT ?2";

/// Returns the jobs that nobody has released in time.
pub(crate) fn due(tx: &Tx<'_>, at: SpoolTime, limit: u32) -> Fallible<Vec<JobId>> {
    let (claimed, transferred, away) = (EntryState::Claimed, EntryState::Transferred, EntryState::Away);
    let values = values![at.0, limit, HoldReasons::NONE, Wish::Run, claimed, transferred, away];
    tx.rows(DUE, values, |row| row.only::<JobId>())
}

/// Those that wait and of which somebody is to be told that they are removed soon.
const TO_WARN: &str = "SELECT s.job_id FROM secure_job s JOIN job j ON j.id = s.job_id
     WHERE s.warn_spool <= ?1 AND (j.reasons <> ?3 OR j.wish <> ?4)
     ORDER BY s.warn_spool LIMIT ?2";

/// Returns the jobs of which somebody is to be told that they are removed soon.
pub(crate) fn to_warn(tx: &Tx<'_>, at: SpoolTime, limit: u32) -> Fallible<Vec<JobId>> {
    tx.rows(TO_WARN, values![at.0, limit, HoldReasons::NONE, Wish::Run], |row| row.only::<JobId>())
}

columns!(record_at { id, at_ms, correlation, what, who, owner, number, station, device, result, digest });

fn read_record(row: &Row<'_>) -> Fallible<AuditRecord> {
    Ok(AuditRecord {
        id: row.get(record_at::id)?,
        at_ms: row.get(record_at::at_ms)?,
        correlation: row.get(record_at::correlation)?,
        what: row.get(record_at::what)?,
        who: row.get(record_at::who)?,
        owner: row.get(record_at::owner)?,
        number: JobNumber::new(row.get(record_at::number)?),
        station: row.get(record_at::station)?,
        printer: row.get(record_at::device)?,
        result: row.get(record_at::result)?,
        digest: row.get(record_at::digest)?,
    })
}

/// The number as it is stored: 0 of a job that never was here.
fn number_of(number: Option<JobNumber>) -> u32 {
    number.map_or(0, JobNumber::get)
}

/// Returns the digest of a line that follows one with the digest `before`.
pub fn digest(before: &str, record: &AuditRecord) -> String {
    let mut hasher = blake3::Hasher::new();
    let (number, at) = (number_of(record.number).to_string(), record.at_ms.to_string());
    let none = String::new();
    let (station, printer) = (record.station.as_ref().unwrap_or(&none), record.printer.as_ref().unwrap_or(&none));
    let parts = [
        before,
        &at,
        &record.correlation,
        &record.what,
        &record.who,
        &record.owner,
        &number,
        station,
        printer,
        &record.result,
    ];
    for part in parts {
        // With its length, so that no two lines are the same octets.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// What is written into the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// What ties lines together.
    pub(crate) correlation: &'a str,
    /// What happened.
    pub(crate) what: &'a str,
    /// The key of the owner of the job.
    pub(crate) owner: &'a str,
    /// The number of the job, if it is here.
    pub(crate) number: Option<JobNumber>,
    /// The station.
    pub(crate) station: Option<&'a str>,
    /// The printer.
    pub(crate) printer: Option<&'a str>,
    /// `ok`, or why not.
    pub(crate) result: &'a str,
}

/// Adds a line to the record: what the caller of the transaction did, at its time.
pub(crate) fn add(tx: &Tx<'_>, line: Line<'_>) -> Fallible<()> {
    tx.lock(Lock::Releases)?;
    let last = "SELECT digest FROM release_record ORDER BY id DESC LIMIT 1";
    let before: Option<String> = tx.one(last, &[], |row| row.only())?;
    let mut record = AuditRecord {
        id: 0,
        at_ms: tx.now().wall_ms,
        correlation: line.correlation.to_owned(),
        what: line.what.to_owned(),
        who: tx.who().to_owned(),
        owner: line.owner.to_owned(),
        number: line.number,
        station: line.station.map(str::to_owned),
        printer: line.printer.map(str::to_owned),
        result: line.result.to_owned(),
        digest: String::new(),
    };
    record.digest = digest(&before.unwrap_or_default(), &record);
    tx.insert(
        "INSERT INTO release_record (at_ms, correlation, what, who, owner, number, station, device, result, digest)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            record.at_ms,
            record.correlation,
            record.what,
            record.who,
            record.owner,
            number_of(record.number),
            record.station,
            record.printer,
            record.result,
            record.digest
        ],
    )?;
    Ok(())
}

const LAST_OF: &str = "SELECT id FROM release_record WHERE correlation = ? ORDER BY id DESC LIMIT 1";

/// Returns the last line about a job.
pub(crate) fn last_of(tx: &Tx<'_>, correlation: &str) -> Fallible<Option<AuditRecord>> {
    let Some(id) = tx.one(LAST_OF, values![correlation], |row| row.only::<i64>())? else { return Ok(None) };
    let sql = made_once!("SELECT {} FROM release_record WHERE id = ?", record_at::LIST);
    tx.one(sql, values![id], read_record)
}

const PURGED: &str =
    "SELECT id FROM release_record WHERE owner = ? AND what = 'purge' AND at_ms >= ? ORDER BY id DESC LIMIT ?";

/// Returns how many jobs of these owners were removed since then because nobody released them, `limit` of each owner at most.
pub(crate) fn purged_since(tx: &Tx<'_>, owners: &[String], since_ms: i64, limit: u32) -> Fallible<u32> {
    let mut found = 0;
    for owner in owners {
        found += tx.rows(PURGED, values![owner, since_ms, page(limit)], |row| row.only::<i64>())?.len();
    }
    Ok(u32::try_from(found).unwrap_or(u32::MAX))
}

/// Returns lines of the record after `after`, oldest first: all of them, or those about the jobs of these owners.
pub(crate) fn records(tx: &Tx<'_>, owners: Option<&[String]>, after: i64, limit: u32) -> Fallible<Vec<AuditRecord>> {
    let limit = page(limit);
    let Some(owners) = owners else {
        let sql = made_once!("SELECT {} FROM release_record WHERE id > ? ORDER BY id LIMIT ?", record_at::LIST);
        return tx.rows(sql, values![after, limit], read_record);
    };
    let sql = format!("SELECT {} FROM release_record WHERE owner = ? AND id > ? ORDER BY id LIMIT ?", record_at::LIST);
    let mut found = Vec::new();
    for owner in owners {
        let owner: &dyn Bind = owner;
        found.extend(tx.rows(&sql, &[owner, &after, &limit], read_record)?);
    }
    found.sort_by_key(|record| record.id);
    found.truncate(limit as usize);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn jobs_of_an_owner_and_those_that_are_due_are_found_by_an_index() {
        let memory = Memory::new();
        for (sql, index) in [
            (of_owner_sql(), "secure_owner"),
            (DUE.to_owned(), "secure_due"),
            (TO_WARN.to_owned(), "secure_warn"),
            (PURGED.to_owned(), "release_owner"),
            (LAST_OF.to_owned(), "release_correlation"),
        ] {
            let plan = memory.plan(&sql);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
