//! Rows of finished jobs: the history.

use crate::model::field::{Field, Value};
use crate::model::location::Destination;
use crate::model::{DeviceName, Failure, GlobalJobId, JobId, JobNumber, JobRef, LocalJobId, Serial};

use super::job::{JobRow, Removed};
use super::value::{Bind, columns, values};
use super::{Fallible, Row, Tx, page};

/// A finished job as stored.
#[derive(Clone, Debug)]
pub struct FinishedRow {
    /// The job's former identity.
    pub id: JobId,
    /// Its number.
    pub number: JobNumber,
    /// Its ten digits.
    pub serial: Serial,
    /// Its name everywhere, if it came from another server.
    pub origin: Option<GlobalJobId>,
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
    pub destination: Destination,
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
    /// When it came into the history, by the age of the spool.
    pub finished_spool: i64,
    /// What was given for it and is only carried.
    pub carried: Vec<(Field, Value)>,
}

columns!(at {
    job_id,
    number,
    serial,
    origin,
    local_id,
    owner_uid,
    owner,
    user_name,
    name,
    destination,
    device,
    outcome,
    octets,
    pages,
    documents,
    created_ms,
    finished_ms,
    finished_spool,
    carried,
});

fn read(row: &Row<'_>) -> Fallible<FinishedRow> {
    Ok(FinishedRow {
        id: row.get(at::job_id)?,
        number: row.get(at::number)?,
        serial: row.get(at::serial)?,
        origin: row.get::<Option<String>>(at::origin)?.and_then(|text| super::remote::global(&text)),
        local: row.get(at::local_id)?,
        owner_uid: row.get(at::owner_uid)?,
        owner: row.get(at::owner)?,
        user_name: row.get(at::user_name)?,
        name: row.get(at::name)?,
        destination: row.get(at::destination)?,
        device: row.get(at::device)?,
        outcome: row.get(at::outcome)?,
        octets: row.get(at::octets)?,
        pages: row.get(at::pages)?,
        documents: row.get(at::documents)?,
        created_ms: row.get(at::created_ms)?,
        finished_ms: row.get(at::finished_ms)?,
        finished_spool: row.get(at::finished_spool)?,
        carried: match row.get::<Option<String>>(at::carried)? {
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| Failure::internal("spool.db: the text of the values of a finished job is unknown"))?,
            None => Vec::new(),
        },
    })
}

/// Writes a job into the history that ended at `at_ms`.
pub(crate) fn insert(
    tx: &Tx<'_>,
    job: &JobRow,
    destination: &str,
    device: Option<&str>,
    (outcome, at_ms): (&str, i64),
    removed: &Removed,
) -> Fallible<()> {
    // Most jobs have none, and then there is no text.
    let carried = match removed.carried.as_slice() {
        [] => None,
        some => {
            Some(serde_json::to_string(some).map_err(|error| Failure::internal(format!("attribute value: {error}")))?)
        }
    };
    tx.run(
        "INSERT INTO finished (job_id, number, serial, origin, token, local_id, owner_server, owner_uid, owner, user_name, name,
             destination, device, outcome, octets, pages, documents, created_ms, finished_ms, finished_spool, carried)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            job.id,
            job.number,
            job.serial,
            job.origin.as_ref().map(ToString::to_string),
            removed.token,
            job.local,
            job.owner_server,
            job.owner_uid,
            job.owner,
            job.user_name,
            job.name,
            destination,
            device,
            outcome,
            job.octets,
            job.pages,
            removed.files.len(),
            job.created_ms,
            at_ms,
            super::spool::time(tx)?.0,
            carried
        ],
    )?;
    Ok(())
}

fn find(tx: &Tx<'_>, clause: &str, key: &[&dyn Bind]) -> Fallible<Option<FinishedRow>> {
    let sql =
        format!("SELECT {} FROM finished WHERE {clause} ORDER BY finished_ms DESC, job_id DESC LIMIT 1", at::LIST);
    tx.one(&sql, key, read)
}

/// Returns the finished job that `job` points at, for the caller with user id `uid`: the one that ended last, where a
/// number was used again.
pub(crate) fn by_ref(tx: &Tx<'_>, job: &JobRef, uid: u32, server: &str) -> Fallible<Option<FinishedRow>> {
    match job {
        JobRef::Number(number) => find(tx, "number = ?", values![number]),
        JobRef::Local(local) => {
            find(tx, "owner_server = ? AND owner_uid = ? AND local_id = ?", values![server, uid, local])
        }
        JobRef::Serial(serial) => find(tx, "serial = ?", values![serial]),
        JobRef::Global(global) if global.server.as_str().eq_ignore_ascii_case(server) => {
            find(tx, "serial = ?", values![global.serial])
        }
        JobRef::Global(_) => Ok(None),
    }
}

/// Returns the finished job that had this identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: JobId) -> Fallible<Option<FinishedRow>> {
    find(tx, "job_id = ?", values![id])
}

/// Returns finished jobs, those that ended last first, after the one that ended at `after`; all, or those of one
/// identity (`user@host`).
pub(crate) fn list(
    tx: &Tx<'_>,
    user: Option<&str>,
    after: Option<(i64, JobId)>,
    limit: u32,
) -> Fallible<Vec<FinishedRow>> {
    let (at, id) = after.unwrap_or((i64::MAX, JobId(i64::MAX)));
    tx.rows(
        made_once!(
            "SELECT {} FROM finished WHERE (finished_ms, job_id) < (?1, ?2) AND (?3 IS NULL OR user_name = ?3)
             ORDER BY finished_ms DESC, job_id DESC LIMIT ?4",
            at::LIST
        ),
        values![at, id, user, page(limit)],
        read,
    )
}

/// Returns one page of the jobs that came into the history after a place, which is an age of the spool and a job; in that order.
pub(crate) fn since(tx: &Tx<'_>, (spool_ms, job): (i64, JobId)) -> Fallible<Vec<FinishedRow>> {
    tx.rows(
        made_once!(
            "SELECT {} FROM finished WHERE (finished_spool, job_id) > (?, ?) ORDER BY finished_spool, job_id LIMIT ?",
            at::LIST
        ),
        values![spool_ms, job, crate::model::query::PAGE],
        read,
    )
}

/// How long a finished job is remembered.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// How many are forgotten at once.
const PRUNED_AT_ONCE: u32 = 64;
/// About how many are remembered at most.
const KEPT_JOBS: i64 = 1_000_000;

/// Those that finished before a time, and those up to a job. Two statements and no UNION, which would be a merge of both by
/// job, through the whole history.
const OLD: [&str; 2] = [
    "SELECT job_id FROM finished WHERE finished_spool < ? ORDER BY finished_spool LIMIT ?",
    "SELECT job_id FROM finished WHERE job_id <= ? ORDER BY job_id LIMIT ?",
];

/// Forgets a small batch of jobs that finished more than 30 days ago, or beyond the last 1,000,000, with their events and
/// tokens, and old events of other objects. Age is told by spool time: a wall clock that is set to another year makes nothing
/// old.
pub(crate) fn prune(tx: &Tx<'_>) -> Fallible<()> {
    let time = super::spool::time(tx)?.0;
    let before = time - KEPT_MS;
    let last = tx.one("SELECT max(job_id) FROM finished", &[], |row| row.only::<Option<i64>>())?.flatten();
    // Does this rely on identities without gaps? It is a bound and no order: gaps make it a little tighter.
    let ends = [before, last.unwrap_or(0) - KEPT_JOBS];
    for (sql, end) in OLD.into_iter().zip(ends) {
        for id in tx.rows(sql, values![end, PRUNED_AT_ONCE], |row| row.only::<JobId>())? {
            tx.run("DELETE FROM event WHERE object = 'job' AND object_id = ?", values![id])?;
            super::submission::forget(tx, id)?;
            super::lease::forget(tx, id)?;
            tx.run("DELETE FROM finished WHERE job_id = ?", values![id])?;
        }
    }
    super::event::prune(tx, time, before)?;
    super::submission::prune(tx, before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn what_is_old_is_found_without_a_look_at_the_rest() {
        let memory = Memory::new();
        for sql in OLD {
            let plan = memory.plan(sql);
            assert!(plan.starts_with("SEARCH finished") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
