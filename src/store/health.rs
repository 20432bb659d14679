//! What a look at the health of a spool needs beside the rows of its objects. Each look costs the same among a million jobs.

use crate::model::state::HoldReasons;
use crate::model::{JobId, LocationName};

use super::value::{columns, values};
use super::{Fallible, Tx};
use crate::model::state::EntryState;

/// So many entries are looked at for the oldest one that waits.
const LOOKED_AT: u32 = 500;

/// The oldest queued entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oldest {
    /// Nothing waits.
    Nothing,
    /// It belongs to this job.
    Job(JobId),
    /// Those that are older and do not wait are too many to look behind them.
    Unknown,
}

/// Returns the oldest entry that waits to be claimed.
///
/// Why not by an index? Each submission and each claim would write it, for one look in a while. Entries of jobs that are
/// held, printing or away stand between; of those a bounded number is passed.
pub(crate) fn oldest_waiting(tx: &Tx<'_>) -> Fallible<Oldest> {
    let sql = "SELECT job_id FROM (SELECT job_id, state FROM entry ORDER BY id LIMIT ?) WHERE state = ? LIMIT 1";
    let found: Option<JobId> = tx.one(sql, values![LOOKED_AT, EntryState::Queued], |row| row.only())?;
    if let Some(job) = found {
        return Ok(Oldest::Job(job));
    }
    let more = tx.finds("SELECT 1 FROM entry ORDER BY id LIMIT 1 OFFSET ?", values![LOOKED_AT])?;
    Ok(if more { Oldest::Unknown } else { Oldest::Nothing })
}

/// The reasons for which a job is held until a person acts, as the index has them.
pub(crate) const ATTENTION: u32 = HoldReasons::ATTENTION.0;

/// Returns the jobs that wait for a person, the oldest first, at most `limit`.
pub(crate) fn attention(tx: &Tx<'_>, limit: u32) -> Fallible<Vec<JobId>> {
    // The number stands in the text: an index of a part is used only for the very condition that it was made with.
    let sql = made_once!("SELECT id FROM job WHERE reasons & {ATTENTION} <> 0 ORDER BY id LIMIT ?");
    tx.rows(sql, values![limit], |row| row.only())
}

columns!(parked { group_name = "g.name", dest = "l.dest", jobs = "l.jobs" });

/// Returns the locations that lead nowhere and have jobs, with their number, at most `limit`.
pub(crate) fn parked(tx: &Tx<'_>, limit: u32) -> Fallible<Vec<(LocationName, u64)>> {
    let sql = made_once!(
        "SELECT {} FROM location l JOIN location_group g ON g.id = l.group_id
         WHERE l.device_id IS NULL AND l.remote_server IS NULL AND NOT l.whole_group AND l.jobs > 0
         ORDER BY g.name_key, l.dest_key LIMIT ?",
        parked::LIST
    );
    tx.rows(sql, values![limit], |row| {
        let name = LocationName { group: row.get(parked::group_name)?, dest: row.get(parked::dest)? };
        Ok((name, u64::try_from(row.get::<i64>(parked::jobs)?).unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::HoldReason;

    #[test]
    fn the_index_has_the_reasons_of_the_model() {
        assert_eq!(
            ATTENTION, 8180,
            "the index job_attention was made with this number: another one needs another index"
        );
    }

    #[test]
    fn a_job_needs_a_person_for_trouble_and_not_for_a_hold_that_somebody_meant() {
        for reason in HoldReasons(u32::MAX).iter() {
            let counts = HoldReasons::NONE.with(reason).0 & ATTENTION != 0;
            // Who holds a job, gives it a time or has it wait at a station means that.
            let meant = [HoldReason::Operator, HoldReason::PrintAfter, HoldReason::SecureRelease].contains(&reason);
            assert_eq!(counts, !meant, "{reason:?}");
        }
    }
}
