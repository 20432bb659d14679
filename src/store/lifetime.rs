//! Jobs that have ended and are kept, and the moments at which something becomes of a job by itself.
//!
//! A job that has ended has its row in `ended` from the transaction that ended it to the one that removes it or lets it print
//! again. Each question reads an index of the few jobs that have such a moment, and no more rows than asked for.

use crate::model::JobId;
use crate::model::lifetime::{Ended, Ending, KeptUntil, Lifetime, Retention};
use crate::model::state::{EntryState, HoldReasons};
use crate::model::time::SpoolTime;

use super::job::{self, JobRow};
use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx};

columns!(at { at_ms, at_spool, started_ms, outcome, device });

/// What is stored of a job that has ended.
#[derive(Clone, Debug)]
pub struct EndedRow {
    /// What displays show.
    pub ended: Ended,
    /// When it ended, spool time.
    pub at_spool: SpoolTime,
}

fn read(row: &Row<'_>) -> Fallible<EndedRow> {
    Ok(EndedRow {
        ended: Ended {
            at_ms: row.get(at::at_ms)?,
            started_ms: row.get(at::started_ms)?,
            outcome: row.get(at::outcome)?,
            device: row.get(at::device)?,
        },
        at_spool: SpoolTime(row.get(at::at_spool)?),
    })
}

/// Keeps a job that ends now as `ending`, until `until`. What it is held for no longer matters.
pub(crate) fn keep(
    tx: &Tx<'_>,
    job: &JobRow,
    (ending, until): (Ending, &KeptUntil),
    ended: &Ended,
    reasons: HoldReasons,
) -> Fallible<()> {
    set_ending(tx, job.id, Some(ending))?;
    job::set_reasons(tx, job.id, reasons, None)?;
    let time = super::spool::time(tx)?;
    tx.run(
        "INSERT INTO ended (job_id, at_ms, at_spool, started_ms, outcome, device, until_spool, until_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            job.id,
            ended.at_ms,
            time.0,
            ended.started_ms,
            ended.outcome,
            ended.device,
            until.spool.map(|at| at.0),
            until.wall_ms
        ],
    )?;
    Ok(())
}

/// Sets how a job is to end, or that it has not ended.
pub(crate) fn set_ending(tx: &Tx<'_>, id: JobId, ending: Option<Ending>) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    job::counting_held(tx, id, || {
        tx.change("the job", "UPDATE job SET retained = ? WHERE id = ?", values![job::Ended(ending), id])
    })
}

/// Sets how long a job lives.
pub(crate) fn set(tx: &Tx<'_>, id: JobId, lifetime: &Lifetime) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    tx.change(
        "the job",
        "UPDATE job SET retention = ?, discard_ms = ?, print_after_ms = ? WHERE id = ?",
        values![lifetime.retention.map(Retention::stored), lifetime.discard_ms, lifetime.print_after_ms, id],
    )
}

/// Sets until when a job is kept that has ended.
pub(crate) fn set_until(tx: &Tx<'_>, id: JobId, until: &KeptUntil) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    tx.change(
        "the end of the job",
        "UPDATE ended SET until_spool = ?, until_ms = ? WHERE job_id = ?",
        values![until.spool.map(|at| at.0), until.wall_ms, id],
    )
}

/// Returns how a job ended that is kept.
pub(crate) fn ended(tx: &Tx<'_>, id: JobId) -> Fallible<Option<EndedRow>> {
    tx.one(made_once!("SELECT {} FROM ended WHERE job_id = ?", at::LIST), values![id], read)
}

/// Forgets how a job ended.
pub(crate) fn forget(tx: &Tx<'_>, id: JobId) -> Fallible<()> {
    tx.run("DELETE FROM ended WHERE job_id = ?", values![id])?;
    Ok(())
}

const PRINT_AFTER: &str = "SELECT id FROM job WHERE print_after_ms <= ? ORDER BY print_after_ms LIMIT ?";
/// Those that a device has end with their attempt, and are named only as long as something of them is still to be begun.
const DISCARD: &str = "SELECT id FROM job WHERE discard_ms <= ?1
      AND (EXISTS (SELECT 1 FROM entry WHERE job_id = job.id AND state = ?3)
           OR NOT EXISTS (SELECT 1 FROM entry WHERE job_id = job.id AND state IN (?4, ?5)))
    ORDER BY discard_ms LIMIT ?2";
const KEPT_SPOOL: &str = "SELECT job_id FROM ended WHERE until_spool <= ? ORDER BY until_spool LIMIT ?";
const KEPT_WALL: &str = "SELECT job_id FROM ended WHERE until_ms <= ? ORDER BY until_ms LIMIT ?";

/// What becomes of a job at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It may print.
    Print,
    /// It ends, whatever has become of it.
    Discard,
    /// It was kept long enough.
    Expiry,
    /// Nobody has released it in time.
    Purge,
    /// It will soon be removed unless somebody releases it.
    PurgeWarning,
}

/// Jobs of which something is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// They may print now.
    pub print: Vec<JobId>,
    /// They end now.
    pub discard: Vec<JobId>,
    /// They were kept long enough.
    pub expired: Vec<JobId>,
    /// Nobody has released them in time.
    pub purge: Vec<JobId>,
    /// They will soon be removed unless somebody releases them.
    pub warn: Vec<JobId>,
}

impl Due {
    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = (Moment, JobId)> + '_ {
        let of = |moment: Moment, ids: &[JobId]| ids.iter().map(move |id| (moment, *id)).collect::<Vec<_>>();
        let all = [
            (Moment::Print, &self.print),
            (Moment::Discard, &self.discard),
            (Moment::Expiry, &self.expired),
            (Moment::Purge, &self.purge),
            (Moment::PurgeWarning, &self.warn),
        ];
        all.into_iter().flat_map(move |(moment, ids)| of(moment, ids))
    }

    /// Whether nothing is due.
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }
}

const ANY: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM ended WHERE until_spool IS NOT NULL)
     OR EXISTS (SELECT 1 FROM ended WHERE until_ms <= ?1) OR EXISTS (SELECT 1 FROM job WHERE print_after_ms <= ?1)
     OR EXISTS (SELECT 1 FROM job WHERE discard_ms <= ?1)
     OR EXISTS (SELECT 1 FROM secure_job WHERE due_spool IS NOT NULL)";

/// Tells whether something may be due: one statement, which costs every command that writes next to nothing.
pub(crate) fn may_be_due(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds(ANY, values![tx.now().wall_ms])
}

/// Returns the jobs of which something is due, at most `limit` of each kind.
pub(crate) fn due(tx: &Tx<'_>, limit: u32) -> Fallible<Due> {
    let wall = tx.now().wall_ms;
    let ids = |sql: &str, at: i64| tx.rows(sql, values![at, limit], |row| row.only::<JobId>());
    let mut expired = ids(KEPT_WALL, wall)?;
    // Spool time is read only where a job is kept by it.
    if tx.finds("SELECT 1 FROM ended WHERE until_spool IS NOT NULL", &[])? {
        for id in ids(KEPT_SPOOL, super::spool::seen_time(tx)?.0)? {
            if !expired.contains(&id) {
                expired.push(id);
            }
        }
    }
    let (purge, warn) = match tx.finds("SELECT 1 FROM secure_job WHERE due_spool IS NOT NULL", &[])? {
        true => {
            let now = super::spool::seen_time(tx)?;
            (super::secure::due(tx, now, limit)?, super::secure::to_warn(tx, now, limit)?)
        }
        false => (Vec::new(), Vec::new()),
    };
    let (queued, claimed, transferred) = (EntryState::Queued, EntryState::Claimed, EntryState::Transferred);
    let discard = tx.rows(DISCARD, values![wall, limit, queued, claimed, transferred], |row| row.only::<JobId>())?;
    Ok(Due { print: ids(PRINT_AFTER, wall)?, discard, expired, purge, warn })
}

/// Makes a row that refers to a job and that no operation knows: its job cannot go.
#[cfg(test)]
pub(crate) fn refer_to(tx: &Tx<'_>, id: JobId) -> Fallible<()> {
    tx.script("CREATE TABLE unforeseen (job_id INTEGER NOT NULL REFERENCES job (id));")?;
    tx.run("INSERT INTO unforeseen (job_id) VALUES (?)", values![id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn what_is_due_is_found_without_a_look_at_the_rest() {
        let memory = Memory::new();
        for sql in [PRINT_AFTER, DISCARD, KEPT_SPOOL, KEPT_WALL] {
            let plan = memory.plan(sql);
            assert!(plan.contains("USING") && plan.contains("INDEX"), "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
