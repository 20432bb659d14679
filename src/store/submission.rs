//! What became of submissions, and what one writes with.
//!
//! One table decides: a token is accepted or refused, once. Both sides insert the token first, so that of a submission and
//! of the question that gives it up only one commits, also on an engine where both run at the same time. A COMMIT without
//! an answer is unknown until its token is asked for.

use crate::model::door::token_limit;
use crate::model::{JobId, JobNumber, LocalJobId, Serial};

use super::value::{columns, values};
use super::{Fallible, Tx, device, document, entry, event, job, process, sqlite, tally};

/// The numbers of a job that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Identity.
    pub id: JobId,
    /// Job number.
    pub number: JobNumber,
    /// Its owner's number for it.
    pub local: LocalJobId,
    /// Its ten digits.
    pub serial: Serial,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It became this job, which may be finished by now.
    Accepted(Known),
    /// It was refused for good.
    Refused,
}

columns!(at { job_id, number, local_id, serial });

const FATE: &str = "SELECT job_id, number, local_id, serial FROM submission WHERE token = ?";

/// Returns what became of the submission with this token; none when nothing is known of it.
pub(crate) fn fate(tx: &Tx<'_>, token: &str) -> Fallible<Option<Fate>> {
    debug_assert!(FATE.contains(at::LIST));
    tx.one(FATE, values![token], |row| match row.get::<Option<JobId>>(at::job_id)? {
        None => Ok(Fate::Refused),
        Some(id) => Ok(Fate::Accepted(Known {
            id,
            number: row.get(at::number)?,
            local: row.get(at::local_id)?,
            serial: row.get(at::serial)?,
        })),
    })
}

columns!(of { token, job_id, number, local_id, serial });

const LIKE: &str = "SELECT token, job_id, number, local_id, serial FROM submission
     WHERE token >= ? AND token < ? AND at_ms >= ? AND job_id IS NOT NULL ORDER BY token LIMIT 100";

/// How far the clock that a token tells may be off the one by which jobs are on record: it was read when the job began to come, and may
/// have been set since.
const SLACK_MS: i64 = 60 * 60 * 1000;

/// Returns the jobs whose tokens begin with `prefix` and that came after `since_ms`, the last ones first
/// ([`crate::model::door::token_of`]).
pub(crate) fn like(tx: &Tx<'_>, prefix: &str, since_ms: i64) -> Fallible<Vec<(String, Known)>> {
    debug_assert!(LIKE.contains(of::LIST));
    let end = token_limit(prefix, since_ms.saturating_sub(SLACK_MS));
    tx.rows(LIKE, values![prefix, end, since_ms], |row| {
        let known = Known {
            id: row.get(of::job_id)?,
            number: row.get(of::number)?,
            local: row.get(of::local_id)?,
            serial: row.get(of::serial)?,
        };
        Ok((row.get(of::token)?, known))
    })
}

const DECIDE: &str =
    "INSERT INTO submission (token, job_id, number, local_id, serial, at_ms, at_spool) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Decides that a submission became a job. Fails when its token was decided already.
pub(crate) fn accept(tx: &Tx<'_>, token: &str, job: &Known) -> Fallible<()> {
    // It is forgotten with its job, whose age decides.
    let none: Option<i64> = None;
    tx.run(DECIDE, values![token, job.id, job.number, job.local, job.serial, tx.now().wall_ms, none])?;
    Ok(())
}

/// Decides that a submission is refused for good. Fails when its token was decided already.
pub(crate) fn refuse(tx: &Tx<'_>, token: &str) -> Fallible<()> {
    let none: Option<i64> = None;
    tx.run(DECIDE, values![token, none, none, none, none, tx.now().wall_ms, super::spool::time(tx)?.0])?;
    Ok(())
}

/// Forgets the token of a finished job.
pub(super) fn forget(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run("DELETE FROM submission WHERE token = (SELECT token FROM finished WHERE job_id = ?)", values![job])?;
    Ok(())
}

const OLD: &str = "DELETE FROM submission WHERE job_id IS NULL AND at_spool < ?";

/// Forgets the tokens that were refused before a spool time.
pub(super) fn prune(tx: &Tx<'_>, before: i64) -> Fallible<()> {
    tx.run(OLD, values![before])?;
    Ok(())
}

/// Plans the statements of a submission on a connection that keeps them. Planning takes longer than running them, and
/// need not happen while others wait to write.
pub(crate) fn plan(tx: &Tx<'_>) -> Fallible<()> {
    tx.plan(sqlite::OF_SUBMISSION)?;
    let fixed =
        [FATE, DECIDE, job::CLASS, document::INSERT, entry::INSERT, event::INSERT, process::RUNNING, job::INSERT];
    tx.plan(&fixed)?;
    tx.plan(&[tally::ADD, tally::ADD_AT, tally::ADD_OF])?;
    tx.plan(&[device::of_route_sql(), process::by_id_sql(), process::ID_OF])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn what_may_be_repeated_is_read_in_its_order_and_no_further() {
        let plan = Memory::new().plan(LIKE);
        assert!(!plan.contains("TEMP B-TREE") && plan.contains("token>? AND token<?"), "{plan}");
    }

    #[test]
    fn a_repeat_is_found_also_when_the_clock_was_put_forward_while_the_first_one_came() {
        use crate::model::door::token_of;
        const MINUTE: i64 = 60_000;
        let (memory, now) = (Memory::new(), 1_800_000_000_000);
        // Its token tells a time half an hour before the one at which it is on record.
        for (number, told, at) in [(1, now - 30 * MINUTE, now), (2, now, now), (3, now, now - 5 * MINUTE)] {
            let token = token_of("key", told, &number.to_string());
            let none: Option<i64> = None;
            memory.tx().run(DECIDE, values![token.as_str(), number, number, number, number, at, none]).unwrap();
        }
        let found = like(&memory.tx(), "key.", now - MINUTE).unwrap();
        let numbers: Vec<String> = found.iter().map(|(_, known)| known.number.to_string()).collect();
        assert_eq!(numbers, ["2", "1"]);
    }

    #[test]
    fn what_was_refused_long_ago_is_found_without_a_look_at_the_rest() {
        let plan = Memory::new().plan(OLD);
        assert!(plan.contains("submission_refused"), "{plan}");
    }
}
