//! A database that is older than its print files: what becomes of its jobs.
//!
//! States: usual → restored (one transaction, as soon as the mark beside the print files is found ahead) → usual again, when
//! an operator has accepted it. Between, nothing is erased that the database does not know: a job that was accepted after
//! the backup exists as a print file only. A crash in the transaction leaves the mark ahead, and the next one to look
//! does it all again.

use crate::model::LocalJobId;
use crate::model::event::{EventDetail, EventWord};
use crate::model::state::{EntryState, HoldReason, HoldReasons};

use super::event::{Object, record};
use super::generation::Mark;
use super::value::values;
use super::{Fallible, Lock, Tx, generation, tally};

/// Returns since when the database counts as restored, wall clock.
pub(crate) fn since(tx: &Tx<'_>) -> Fallible<Option<i64>> {
    Ok(tx.one("SELECT restored_ms FROM spool WHERE id = 1", &[], |row| row.only::<Option<i64>>())?.flatten())
}

/// Tells whether `seen`, the mark beside the print files, proves that the database is older than they are.
pub(crate) fn is_proven(tx: &Tx<'_>, seen: &Mark) -> Fallible<bool> {
    Ok(generation::of(tx)?.generation < seen.generation)
}

/// Takes the database for one that was restored: every job of it is held, numbers go on above those that `seen` knows, and
/// what was printed since the backup is to be announced as a possible duplicate. Returns the number of jobs.
pub(crate) fn begin(tx: &Tx<'_>, seen: Option<&Mark>, why: &str) -> Fallible<u64> {
    let tx = &tx.spooler();
    tx.lock(Lock::Spool)?;
    let own = generation::of(tx)?;
    let mark = seen.copied().unwrap_or(own);
    // The number that was given last, not the greater one: numbers begin again after 9,999,999.
    let number = if seen.is_some_and(|seen| seen.generation > own.generation) { mark.number } else { own.number };
    let passed = mark.sequence.saturating_sub(own.sequence);
    tx.run(
        "UPDATE spool SET generation = ?, last_number = ?, last_serial = ?, last_sequence = ?, restored_ms = ? WHERE id = 1",
        values![
            own.generation.max(mark.generation),
            number,
            own.serial.max(mark.serial),
            own.sequence.max(mark.sequence),
            tx.now().wall_ms
        ],
    )?;
    // No more jobs than that were accepted since, by all users together: nobody's own numbers repeat.
    tx.run(
        "UPDATE local_counter SET last = CASE WHEN last + ?1 > ?2 THEN ?1 ELSE last + ?1 END",
        values![passed, LocalJobId::MAX],
    )?;
    let text = "spool.db was restored from a backup: it may have been printed since";
    let held = tx.run(
        "UPDATE job SET reasons = reasons | ?1, reason_text = coalesce(reason_text, ?2)",
        values![HoldReasons::NONE.with(HoldReason::Restored), text],
    )?;
    tally::all_held(tx)?;
    // Where an attempt began in a file says nothing any more: the file has gone on since.
    tx.run(
        "UPDATE entry SET duplicate = ?, begun_device = NULL, begun_server = NULL, begun_dev = NULL, begun_ino = NULL, begun_offset = NULL,
             begun_separation = NULL",
        values![true],
    )?;
    tx.run("UPDATE entry SET state = ? WHERE state = ?", values![EntryState::Withdrawn, EntryState::Queued])?;
    super::backlog::recount(tx)?;
    tx.run(
        "INSERT INTO event (at_ms, object, object_id, position, who, what, detail, why)
         SELECT ?1, 'job', id,
                (SELECT coalesce(max(position), 0) + 1 FROM event WHERE object = 'job' AND object_id = job.id),
                ?2, ?3, ?4, ?5 FROM job",
        values![tx.now().wall_ms, tx.who(), EventWord::Held, EventDetail::Hold(HoldReason::Restored), text],
    )?;
    record(tx, Object::Spool, EventWord::Restored, &format!("{why}: {held} jobs are held"))?;
    Ok(held as u64)
}

/// Ends that state: an operator has looked. True when there was one to end.
pub(crate) fn accept(tx: &Tx<'_>) -> Fallible<bool> {
    tx.lock(Lock::Spool)?;
    let ended = tx.run("UPDATE spool SET restored_ms = NULL WHERE id = 1 AND restored_ms IS NOT NULL", &[])? == 1;
    if ended {
        let why = "the restored database is taken for what it is; what nobody knows may be erased again";
        record(tx, Object::Spool, EventWord::Accepted, why)?;
    }
    Ok(ended)
}
