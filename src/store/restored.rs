//! A database that is older than its print files: what becomes of its jobs.
//!
//! States: usual → restored (one transaction, as soon as the mark beside the print files is found ahead) → usual again, when
//! an operator has accepted it. Between, nothing is erased that the database does not know: a job that was accepted after
//! the backup exists as a print file only. A crash in the transaction leaves the mark ahead, and the next one to look
//! does it all again.

use rusqlite::{Connection, params};

use crate::model::state::{EntryState, HoldReason, HoldReasons};
use crate::model::time::Moment;

use super::event::{Object, record};
use super::generation::Mark;
use super::{Fallible, generation, signed};

/// Since when the database counts as restored, wall clock.
///
/// # Errors
/// When it cannot be read.
pub fn since(db: &Connection) -> Fallible<Option<i64>> {
    let mut find = db.prepare_cached("SELECT restored_ms FROM spool WHERE id = 1")?;
    Ok(find.query_row([], |row| row.get(0))?)
}

/// Whether `seen`, the mark beside the print files, proves that the database is older than they are.
///
/// # Errors
/// When it cannot be read.
pub fn is_proven(db: &Connection, seen: &Mark) -> Fallible<bool> {
    Ok(generation::of(db)?.generation < seen.generation)
}

/// Takes the database for one that was restored: every job of it is held, numbers go on above those that `seen` knows, and
/// what was printed since the backup is to be announced as a possible duplicate. Returns the number of jobs.
///
/// # Errors
/// When it cannot be written.
pub fn begin(db: &Connection, seen: Option<&Mark>, why: &str, now: &Moment) -> Fallible<u64> {
    let own = generation::of(db)?;
    let mark = seen.copied().unwrap_or(own);
    // The number that was given last, not the greater one: numbers begin again after 9,999,999.
    let number = if seen.is_some_and(|seen| seen.generation > own.generation) { mark.number } else { own.number };
    let passed = mark.sequence.saturating_sub(own.sequence);
    db.execute(
        "UPDATE spool SET generation = ?, last_number = ?, last_serial = ?, last_sequence = ?, restored_ms = ? WHERE id = 1",
        params![
            signed(own.generation.max(mark.generation)),
            number,
            signed(own.serial.max(mark.serial)),
            signed(own.sequence.max(mark.sequence)),
            now.wall_ms
        ],
    )?;
    // No more jobs than that were accepted since, by all users together: nobody's own numbers repeat.
    db.execute(
        "UPDATE local_counter SET last = CASE WHEN last + ?1 > ?2 THEN ?1 ELSE last + ?1 END",
        params![signed(passed), crate::model::LocalJobId::MAX],
    )?;
    let restored = HoldReasons::NONE.with(HoldReason::Restored).0;
    let text = "spool.db was restored from a backup: it may have been printed since";
    let held = db.execute(
        "UPDATE job SET reasons = reasons | ?1, reason_text = coalesce(reason_text, ?2)",
        params![restored, text],
    )?;
    // Where an attempt began in a file says nothing any more: the file has gone on since.
    db.execute(
        "UPDATE entry SET duplicate = 1, begun_device = NULL, begun_dev = NULL, begun_ino = NULL, begun_offset = NULL,
             begun_separation = NULL",
        [],
    )?;
    db.execute(
        "UPDATE entry SET state = ? WHERE state = ?",
        params![EntryState::Withdrawn as i64, EntryState::Queued as i64],
    )?;
    db.execute(
        "INSERT INTO event (at_ms, object, object_id, who, what, why)
         SELECT ?1, 'job', id, 'spooler', 'held', ?2 FROM job",
        params![now.wall_ms, text],
    )?;
    let words = format!("{why}: {held} jobs are held");
    record(db, now, Object::Spool, "spooler", "restored", &words)?;
    Ok(held as u64)
}

/// Ends that state: an operator has looked. True when there was one to end.
///
/// # Errors
/// When it cannot be written.
pub fn accept(db: &Connection, who: &str, now: &Moment) -> Fallible<bool> {
    let ended = db.execute("UPDATE spool SET restored_ms = NULL WHERE id = 1 AND restored_ms IS NOT NULL", [])? == 1;
    if ended {
        let why = "the restored database is taken for what it is; what nobody knows may be erased again";
        record(db, now, Object::Spool, who, "accepted", why)?;
    }
    Ok(ended)
}
