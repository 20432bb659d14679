//! Rows about claims: those of other servers on jobs of ours, and those of ours on jobs of others.
//!
//! One of another server is a row of `lease`, which outlives the claim, and of `away` while it stands. One of ours is the row of `incoming` of
//! the job that it made here, with `lease` and `lease_until` set.

use crate::model::state::HoldReasons;
use crate::model::{JobId, ServerName};

use super::value::{columns, values};
use super::{Fallible, Row, Tx};

/// How a claim of another server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lasts until its time is over.
    Leased = 1,
    /// Its server has begun to print.
    Begun = 2,
    /// Its server has reported an end.
    Reported = 3,
    /// It has ended without a report.
    Ended = 4,
    /// It had ended so, and a report came late.
    Late = 5,
}

impl Standing {
    fn of(n: i64) -> Self {
        match n {
            1 => Self::Leased,
            2 => Self::Begun,
            3 => Self::Reported,
            4 => Self::Ended,
            _ => Self::Late,
        }
    }
}

/// A claim of another server.
#[derive(Clone, Debug)]
pub struct LeaseRow {
    /// Its token, which ends with its number.
    pub token: String,
    /// The job, which may be over.
    pub job: JobId,
    /// Who claims it.
    pub server: ServerName,
    /// For whom.
    pub user: String,
    /// How it stands.
    pub standing: Standing,
    /// Until when it lasts, spool time; none when that does not depend on the time.
    pub until: Option<i64>,
    /// Why it ended.
    pub why: Option<String>,
}

columns!(at { token, job_id, server, user_name, stage, until_spool, why });

fn read(row: &Row<'_>) -> Fallible<LeaseRow> {
    Ok(LeaseRow {
        token: row.get(at::token)?,
        job: row.get(at::job_id)?,
        server: row.get(at::server)?,
        user: row.get(at::user_name)?,
        standing: Standing::of(row.get(at::stage)?),
        until: row.get(at::until_spool)?,
        why: row.get(at::why)?,
    })
}

/// Returns a claim.
pub(crate) fn by_token(tx: &Tx<'_>, token: &str) -> Fallible<Option<LeaseRow>> {
    tx.one(made_once!("SELECT {} FROM lease WHERE token = ?", at::LIST), values![token], read)
}

/// Returns the claim that stands on a job.
pub(crate) fn on(tx: &Tx<'_>, job: JobId) -> Fallible<Option<LeaseRow>> {
    let sql = made_once!("SELECT {} FROM lease WHERE job_id = ? AND stage IN (?, ?)", at::LIST);
    tx.one(sql, values![job, Standing::Leased as i64, Standing::Begun as i64], read)
}

/// Returns the claims of a server that stand, at most `limit`, those on jobs after `after`.
pub(crate) fn of_server(tx: &Tx<'_>, server: &ServerName, after: JobId, limit: u32) -> Fallible<Vec<JobId>> {
    tx.rows(
        "SELECT job_id FROM away WHERE server = ? AND stage IN (?, ?) AND job_id > ? ORDER BY job_id LIMIT ?",
        values![server.as_str(), super::remote::Stage::Leased as i64, super::remote::Stage::Begun as i64, after, limit],
        |row| row.only(),
    )
}

/// Returns the servers that have claimed something of ours.
pub(crate) fn claimants(tx: &Tx<'_>) -> Fallible<Vec<ServerName>> {
    tx.rows(
        "SELECT DISTINCT server FROM away WHERE stage IN (?, ?)",
        values![super::remote::Stage::Leased as i64, super::remote::Stage::Begun as i64],
        |row| row.only(),
    )
}

const OVER: &str = "SELECT job_id FROM lease WHERE until_spool <= ? ORDER BY until_spool LIMIT ?";

/// Returns the jobs on which a claim stands whose time is over, at most `limit`.
pub(crate) fn over(tx: &Tx<'_>, spool_ms: i64, limit: u32) -> Fallible<Vec<JobId>> {
    tx.rows(OVER, values![spool_ms, limit], |row| row.only())
}

/// Stores a claim.
pub(crate) fn set(tx: &Tx<'_>, row: &LeaseRow) -> Fallible<()> {
    tx.demand_lock(super::Lock::Job(row.job))?;
    tx.run(
        "INSERT INTO lease (token, job_id, server, user_name, stage, until_spool, why) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (token) DO UPDATE SET stage = excluded.stage, until_spool = excluded.until_spool, why = excluded.why",
        values![row.token, row.job, row.server.as_str(), row.user, row.standing as i64, row.until, row.why],
    )?;
    Ok(())
}

/// Forgets the claims on a job whose history is forgotten.
pub(super) fn forget(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run("DELETE FROM lease WHERE job_id = ?", values![job])?;
    Ok(())
}

const OF_USER: &str = "SELECT id FROM job WHERE user_name >= ? AND user_name < ? AND reasons <> ? LIMIT ?";

/// Returns the jobs that a user has submitted and that something holds, at most `limit`. A user is his login name, whatever host he
/// came from.
pub(crate) fn held_of(tx: &Tx<'_>, login: &str, limit: u32) -> Fallible<Vec<JobId>> {
    // What follows the login name is `@`, and `A` comes next.
    tx.rows(OF_USER, values![format!("{login}@"), format!("{login}A"), HoldReasons::NONE, limit], |row| row.only())
}

/// How a claim of ours stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// It may be begun until its time is over.
    Leased = 1,
    /// Its owner has BEGIN on record.
    Begun = 2,
}

/// A claim of ours on a job that another server holds.
#[derive(Clone, Debug)]
pub struct OwnRow {
    /// Its token.
    pub token: String,
    /// The owner of the job.
    pub server: ServerName,
    /// The job here, which may be over.
    pub job: JobId,
    /// How it stands.
    pub own: Own,
    /// Until when it may be begun, spool time.
    pub until: i64,
    /// How the job ended here.
    pub outcome: Option<String>,
    /// The device that printed it.
    pub device: Option<String>,
}

columns!(own { token, server, job_id, lease, lease_until, outcome, device });

fn read_own(row: &Row<'_>) -> Fallible<OwnRow> {
    Ok(OwnRow {
        token: row.get(own::token)?,
        server: row.get(own::server)?,
        job: row.get(own::job_id)?,
        own: if row.get::<i64>(own::lease)? == Own::Begun as i64 { Own::Begun } else { Own::Leased },
        until: row.get(own::lease_until)?,
        outcome: row.get(own::outcome)?,
        device: row.get(own::device)?,
    })
}

/// Makes the row of a job that was taken over that of a claim.
pub(crate) fn set_own(tx: &Tx<'_>, token: &str, own: Own, until: i64) -> Fallible<()> {
    tx.change(
        "the claim",
        "UPDATE incoming SET lease = ?, lease_until = ? WHERE token = ?",
        values![own as i64, until, token],
    )
}

/// Returns a claim of ours.
pub(crate) fn own(tx: &Tx<'_>, token: &str) -> Fallible<Option<OwnRow>> {
    let sql = made_once!("SELECT {} FROM incoming WHERE token = ? AND lease IS NOT NULL", own::LIST);
    tx.one(sql, values![token], read_own)
}

/// Returns the claim by which a job is here, unless it has ended.
pub(crate) fn own_of(tx: &Tx<'_>, job: JobId) -> Fallible<Option<OwnRow>> {
    let sql =
        made_once!("SELECT {} FROM incoming WHERE job_id = ? AND outcome IS NULL AND lease IS NOT NULL", own::LIST);
    tx.one(sql, values![job], read_own)
}

/// Returns the claims of ours on jobs of a server, at most `limit`, those after `after`.
pub(crate) fn own_at(tx: &Tx<'_>, server: &ServerName, after: &str, limit: u32) -> Fallible<Vec<OwnRow>> {
    let sql = made_once!(
        "SELECT {} FROM incoming WHERE server = ? AND lease IS NOT NULL AND token > ? ORDER BY token LIMIT ?",
        own::LIST
    );
    tx.rows(sql, values![server.as_str(), after, limit], read_own)
}

/// Returns the servers that hold a job which was claimed here, or that have to be told of its end.
pub(super) fn with_work(tx: &Tx<'_>) -> Fallible<Vec<ServerName>> {
    tx.rows(
        "SELECT DISTINCT server FROM incoming WHERE lease IS NOT NULL AND (lease = ? OR outcome IS NOT NULL)",
        values![Own::Leased as i64],
        |row| row.only(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn what_is_asked_for_again_and_again_reads_no_more_rows_than_it_returns() {
        let memory = Memory::new();
        for (sql, index) in [(OVER, "lease_until"), (OF_USER, "job_user")] {
            let plan = memory.plan(sql);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
