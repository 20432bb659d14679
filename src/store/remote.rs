//! Rows about other servers: jobs of ours that are there, jobs of theirs that are here, and whether they answer.
//!
//! | stage of a job that is away | what is true |
//! |---|---|
//! | 0 | it is here; the row remembers how often it was handed over |
//! | 1 | it was offered, and may have been taken |
//! | 2 | the other server has it |
//! | 3 | the other server has claimed it, and may not begin it without asking again |
//! | 4 | the other server has begun it |

use crate::model::state::{EntryState, HoldReason, HoldReasons, JobState};
use crate::model::{DeviceName, DocumentId, GlobalJobId, JobId, Serial, ServerName};

use super::value::{columns, values};
use super::{Fallible, Row, Tx};

/// Reads the name of a job at its server.
pub(crate) fn global(text: &str) -> Option<GlobalJobId> {
    let (server, serial) = text.split_once(':')?;
    Some(GlobalJobId { server: server.parse().ok()?, serial: Serial::parse(serial)? })
}

/// How far a job is on its way to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is here.
    Here = 0,
    /// It was offered.
    Offered = 1,
    /// The other server has it.
    There = 2,
    /// The other server has claimed it.
    Leased = 3,
    /// The other server has claimed it and has begun it.
    Begun = 4,
}

impl Stage {
    fn of(n: i64) -> Self {
        match n {
            1 => Self::Offered,
            2 => Self::There,
            3 => Self::Leased,
            4 => Self::Begun,
            _ => Self::Here,
        }
    }
}

/// A job that is away, or was.
#[derive(Clone, Debug)]
pub struct AwayRow {
    /// The job.
    pub job: JobId,
    /// The other server.
    pub server: ServerName,
    /// The device there, with its node.
    pub device: DeviceName,
    /// How often it was handed over, this time included.
    pub round: u32,
    /// How far it is.
    pub stage: Stage,
    /// Its state there, as last told.
    pub shown: Option<JobState>,
    /// What else was said.
    pub words: Option<String>,
}

columns!(at { job_id, server, device, round, stage, shown, words });

fn read(row: &Row<'_>) -> Fallible<AwayRow> {
    Ok(AwayRow {
        job: row.get(at::job_id)?,
        server: row.get(at::server)?,
        device: row.get(at::device)?,
        round: row.get(at::round)?,
        stage: Stage::of(row.get(at::stage)?),
        shown: row.get(at::shown)?,
        words: row.get(at::words)?,
    })
}

/// Returns what is known of a job that is away, or was.
pub(crate) fn away(tx: &Tx<'_>, job: JobId) -> Fallible<Option<AwayRow>> {
    tx.one(made_once!("SELECT {} FROM away WHERE job_id = ?", at::LIST), values![job], read)
}

/// Returns the jobs that a server was offered or has, the eldest first, at most `limit`, those after `after`.
pub(crate) fn away_at(tx: &Tx<'_>, server: &ServerName, after: JobId, limit: u32) -> Fallible<Vec<AwayRow>> {
    let sql = made_once!(
        "SELECT {} FROM away WHERE server = ? AND stage IN (?, ?) AND job_id > ? ORDER BY job_id LIMIT ?",
        at::LIST
    );
    tx.rows(sql, values![server.as_str(), Stage::Offered as i64, Stage::There as i64, after, limit], read)
}

/// Stores how far a job is on its way.
pub(crate) fn set_away(tx: &Tx<'_>, row: &AwayRow) -> Fallible<()> {
    tx.demand_lock(super::Lock::Job(row.job))?;
    tx.run(
        "INSERT INTO away (job_id, server, device, round, stage, shown, words) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (job_id) DO UPDATE SET server = excluded.server, device = excluded.device, round = excluded.round,
             stage = excluded.stage, shown = excluded.shown, words = excluded.words",
        values![row.job, row.server.as_str(), row.device.stored(), row.round, row.stage as i64, row.shown, row.words],
    )?;
    Ok(())
}

/// Takes the queued entries of a job out of its queue: another server gets it. Returns how many there were.
pub(crate) fn send_away(tx: &Tx<'_>, job: JobId) -> Fallible<usize> {
    tx.demand_lock(super::Lock::Job(job))?;
    super::backlog::counting(tx, job, || {
        tx.run(
            "UPDATE entry SET state = ?, attempt = attempt + 1 WHERE job_id = ? AND state = ?",
            values![EntryState::Away, job, EntryState::Queued],
        )
    })
}

/// Takes the entries of a held job for another server, which has claimed it. Returns how many there were.
pub(crate) fn lend(tx: &Tx<'_>, job: JobId) -> Fallible<usize> {
    tx.demand_lock(super::Lock::Job(job))?;
    tx.run(
        "UPDATE entry SET state = ?, attempt = attempt + 1 WHERE job_id = ? AND state = ?",
        values![EntryState::Away, job, EntryState::Withdrawn],
    )
}

/// Takes the entries of a job back from another server. `duplicate` adds to what was known.
pub(crate) fn take_back(tx: &Tx<'_>, job: JobId, state: EntryState, duplicate: bool) -> Fallible<()> {
    tx.demand_lock(super::Lock::Job(job))?;
    super::backlog::counting(tx, job, || {
        tx.run(
            "UPDATE entry SET state = ?, duplicate = CASE WHEN ? THEN ? ELSE duplicate END WHERE job_id = ? AND state = ?",
            values![state, duplicate, true, job, EntryState::Away],
        ).map(drop)
    })
}

columns!(next { job_id = "e.job_id", device = "l.remote_device" });

/// The queued entries of locations that lead to another server, without those of a queue that is paused.
const OUTGOING: &str = "location l CROSS JOIN location_group g ON g.id = l.group_id AND NOT g.paused
     CROSS JOIN entry e ON e.route_id = l.route_id AND e.state = ?";

/// The documents of jobs of other servers that are held for one of these reasons: of those that wait for a person, as the index has
/// them, and not of all.
const UNGIVEN: &str = "job j CROSS JOIN document d ON d.job_id = j.id
     WHERE j.reasons & 8180 <> 0 AND (j.reasons & ?) <> 0 AND +j.origin IS NOT NULL";

/// Returns the next job that waits for a device of another server, and that device. A paused queue gives none away.
pub(crate) fn next_for(tx: &Tx<'_>, server: &ServerName) -> Fallible<Option<(JobId, DeviceName)>> {
    let sql = made_once!(
        "SELECT {} FROM {OUTGOING} WHERE l.remote_server = ? ORDER BY e.promoted, e.rank, e.sequence LIMIT 1",
        next::LIST
    );
    tx.one(sql, values![EntryState::Queued, server.key()], |row| Ok((row.get(next::job_id)?, row.get(next::device)?)))
}

/// Returns the servers for which a job waits or that have one, and those whose print files jobs wait for.
pub(crate) fn with_work(tx: &Tx<'_>) -> Fallible<Vec<ServerName>> {
    let mut found: Vec<ServerName> = tx.rows(
        made_once!("SELECT DISTINCT l.remote_server FROM {OUTGOING} WHERE l.remote_server IS NOT NULL"),
        values![EntryState::Queued],
        |row| row.only(),
    )?;
    found.extend(tx.rows(
        "SELECT DISTINCT server FROM away WHERE stage IN (?, ?)",
        values![Stage::Offered as i64, Stage::There as i64],
        |row| row.only(),
    )?);
    found.extend(tx.rows(
        made_once!("SELECT DISTINCT d.server FROM {UNGIVEN}"),
        values![HoldReasons::NONE.with(HoldReason::Unreachable)],
        |row| row.only(),
    )?);
    found.extend(super::lease::with_work(tx)?);
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns the jobs that are held because a server does not give their print files, at most `limit`.
pub(crate) fn held_for(tx: &Tx<'_>, server: &ServerName, limit: u32) -> Fallible<Vec<JobId>> {
    tx.rows(
        made_once!("SELECT DISTINCT j.id FROM {UNGIVEN} AND lower(d.server) = ? LIMIT ?"),
        values![HoldReasons::NONE.with(HoldReason::Unreachable), server.key(), limit],
        |row| row.only(),
    )
}

/// Returns how many attempts were made at a job.
pub(crate) fn attempts(tx: &Tx<'_>, job: JobId) -> Fallible<u32> {
    let found =
        tx.one("SELECT max(attempt) FROM entry WHERE job_id = ?", values![job], |row| row.only::<Option<u32>>())?;
    Ok(found.flatten().unwrap_or(0))
}

/// Notes what a job is called at the server that it came from.
pub(crate) fn set_origin(tx: &Tx<'_>, job: JobId, global: &GlobalJobId) -> Fallible<()> {
    tx.change("the job", "UPDATE job SET origin = ? WHERE id = ?", values![global.to_string(), job])
}

/// A job that another server handed over.
#[derive(Clone, Debug)]
pub struct IncomingRow {
    /// The server.
    pub server: ServerName,
    /// The job, which may be over.
    pub job: JobId,
    /// How it ended.
    pub outcome: Option<String>,
    /// The device that printed it.
    pub device: Option<String>,
    /// Whether it began to print before it was given back.
    pub begun: bool,
}

columns!(come { server, job_id, outcome, device, begun });

/// Returns what a token stands for.
pub(crate) fn incoming(tx: &Tx<'_>, token: &str) -> Fallible<Option<IncomingRow>> {
    tx.one(made_once!("SELECT {} FROM incoming WHERE token = ?", come::LIST), values![token], |row| {
        Ok(IncomingRow {
            server: row.get(come::server)?,
            job: row.get(come::job_id)?,
            outcome: row.get(come::outcome)?,
            device: row.get(come::device)?,
            begun: row.get(come::begun)?,
        })
    })
}

/// Notes that a job was taken over; `stays` if it is for the device alone for which it came.
pub(crate) fn insert_incoming(tx: &Tx<'_>, token: &str, server: &ServerName, job: JobId, stays: bool) -> Fallible<()> {
    tx.run(
        "INSERT INTO incoming (token, server, job_id, begun, stays) VALUES (?, ?, ?, ?, ?)",
        values![token, server.as_str(), job, false, stays],
    )?;
    Ok(())
}

/// Whether a job was taken over for one device alone.
pub(crate) fn stays(tx: &Tx<'_>, job: JobId) -> Fallible<bool> {
    let found = tx.one("SELECT stays FROM incoming WHERE job_id = ?", values![job], |row| row.only())?;
    Ok(found.unwrap_or(false))
}

/// Notes that a job began to print before it was asked back.
pub(crate) fn set_begun(tx: &Tx<'_>, token: &str) -> Fallible<()> {
    tx.run("UPDATE incoming SET begun = ? WHERE token = ?", values![true, token])?;
    Ok(())
}

/// Notes how a job of another server ended here, until that server has been told.
pub(crate) fn ended(tx: &Tx<'_>, job: JobId, outcome: &str, device: Option<&str>) -> Fallible<()> {
    tx.run(
        "UPDATE incoming SET outcome = ?, device = ? WHERE job_id = ? AND outcome IS NULL",
        values![outcome, device, job],
    )?;
    Ok(())
}

/// Forgets an end that its server has on record.
pub(crate) fn confirm(tx: &Tx<'_>, token: &str) -> Fallible<()> {
    tx.run("DELETE FROM incoming WHERE token = ? AND outcome IS NOT NULL", values![token])?;
    Ok(())
}

/// Returns the token under which a job of another server was taken over.
pub(crate) fn token_of(tx: &Tx<'_>, job: JobId) -> Fallible<Option<(String, ServerName)>> {
    columns!(one { token, server });
    tx.one(made_once!("SELECT {} FROM incoming WHERE job_id = ? AND outcome IS NULL", one::LIST), values![job], |row| {
        Ok((row.get(one::token)?, row.get(one::server)?))
    })
}

/// Returns the job of a document.
pub(crate) fn job_of(tx: &Tx<'_>, document: DocumentId) -> Fallible<Option<JobId>> {
    tx.one("SELECT job_id FROM document WHERE id = ?", values![document], |row| row.only())
}

/// Tells whether a fetched file belongs to a job that a device has.
pub(crate) fn is_in_print(tx: &Tx<'_>, store_name: &str) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM document d JOIN entry e ON e.job_id = d.job_id WHERE d.store_name = ? AND e.state IN (?, ?)",
        values![store_name, EntryState::Claimed, EntryState::Transferred],
    )
}

/// Tells whether a server is one of those that this one works with.
pub(crate) fn is_known(tx: &Tx<'_>, server: &ServerName) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM peer_link WHERE server = ?", values![server.as_str()])
}

/// Returns the servers that this one works with.
pub(crate) fn known(tx: &Tx<'_>) -> Fallible<Vec<ServerName>> {
    tx.rows("SELECT server FROM peer_link ORDER BY server", &[], |row| row.only())
}

/// Notes that a server is one of those that this one works with.
pub(crate) fn make_known(tx: &Tx<'_>, server: &ServerName) -> Fallible<()> {
    tx.run("INSERT INTO peer_link (server) VALUES (?) ON CONFLICT (server) DO NOTHING", values![server.as_str()])?;
    Ok(())
}

columns!(link { error, since_ms });

/// Returns why a server does not answer, and since when; none while it does.
pub(crate) fn silence(tx: &Tx<'_>, server: &ServerName) -> Fallible<Option<(String, i64)>> {
    let sql = made_once!("SELECT {} FROM peer_link WHERE server = ?", link::LIST);
    let found = tx.one(sql, values![server.as_str()], |row| {
        Ok((row.get::<Option<String>>(link::error)?, row.get::<Option<i64>>(link::since_ms)?))
    })?;
    Ok(found.and_then(|(error, since)| error.zip(since)))
}

/// Notes that a server answers, or why it does not. The moment of the first failure stays.
pub(crate) fn set_silence(tx: &Tx<'_>, server: &ServerName, error: Option<&str>) -> Fallible<()> {
    let since = error.map(|_| tx.now().wall_ms);
    tx.run(
        "INSERT INTO peer_link (server, error, since_ms) VALUES (?, ?, ?)
         ON CONFLICT (server) DO UPDATE SET error = excluded.error,
             since_ms = CASE WHEN excluded.error IS NULL THEN NULL ELSE coalesce(since_ms, excluded.since_ms) END",
        values![server.as_str(), error, since],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;
    use crate::store::health::ATTENTION;

    #[test]
    fn jobs_whose_files_are_not_given_are_found_among_those_that_wait_for_a_person() {
        assert!(UNGIVEN.contains(&format!("& {ATTENTION} <>")));
        let memory = Memory::new();
        for what in ["d.server", "j.id"] {
            let plan = memory.plan(&format!("SELECT DISTINCT {what} FROM {UNGIVEN}"));
            assert!(plan.contains("job_attention") && !plan.contains("SCAN d"), "{plan}");
        }
    }
}
