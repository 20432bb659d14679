//! The one row of the spool: its identity, state and counters.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::authority::Trust;
use crate::model::time::{Moment, SpoolTime, TimeBase};
use crate::model::{JobNumber, LocalJobId, Serial};
use crate::spool::interface::records::SpoolerState;

use super::{Fallible, signed, unsigned};

/// The identity of a spool and what decides about rights.
#[derive(Clone, Debug)]
pub struct SpoolRow {
    /// Random identity.
    pub spool_id: String,
    /// Server name.
    pub server: String,
    /// Whom it trusts.
    pub trust: Trust,
    /// Its state.
    pub state: SpoolerState,
    /// Its clock.
    pub time: TimeBase,
}

/// Writes the row of a new spool.
///
/// # Errors
/// When there is one.
pub fn insert(db: &Connection, spool_id: &str, server: &str, creator_uid: u32, now: &Moment) -> Fallible<()> {
    db.execute(
        "INSERT INTO spool (id, spool_id, server, creator_uid, created_ms, state, manager_access, last_number, last_serial,
             last_sequence, time_spool_ms, time_wall_ms, time_boot_ms, time_boot_id)
         VALUES (1, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?, ?, ?)",
        params![spool_id, server, creator_uid, now.wall_ms, SpoolerState::Cold as i64, now.wall_ms, now.boot_ms, now.boot_id],
    )?;
    Ok(())
}

/// Reads the row.
///
/// # Errors
/// When it cannot be read.
pub fn row(db: &Connection) -> Fallible<SpoolRow> {
    let mut statement = db.prepare_cached(
        "SELECT spool_id, server, creator_uid, manager_access, state, time_spool_ms, time_wall_ms, time_boot_ms,
                time_boot_id FROM spool WHERE id = 1",
    )?;
    Ok(statement.query_row([], |row| {
        Ok(SpoolRow {
            spool_id: row.get(0)?,
            server: row.get(1)?,
            trust: Trust { creator_uid: row.get(2)?, manager_access: row.get(3)? },
            state: SpoolerState::from_stored(row.get(4)?).unwrap_or(SpoolerState::Cold),
            time: TimeBase { spool_ms: row.get(5)?, wall_ms: row.get(6)?, boot_ms: row.get(7)?, boot_id: row.get(8)? },
        })
    })?)
}

/// Its state.
///
/// # Errors
/// When it cannot be read.
pub fn state(db: &Connection) -> Fallible<SpoolerState> {
    let mut statement = db.prepare_cached("SELECT state FROM spool WHERE id = 1")?;
    let stored = statement.query_row([], |row| row.get(0))?;
    Ok(SpoolerState::from_stored(stored).unwrap_or(SpoolerState::Cold))
}

/// How far the stored base of spool time may lie behind.
const RENEW_MS: i64 = 60_000;

/// Its state, and spool time at `now`. In a new boot the base of that is renewed, so that it never goes back.
///
/// # Errors
/// When it cannot be read or written.
pub fn state_and_time(db: &Connection, now: &Moment) -> Fallible<(SpoolerState, SpoolTime)> {
    let mut statement = db.prepare_cached(
        "SELECT state, time_spool_ms, time_wall_ms, time_boot_ms, time_boot_id FROM spool WHERE id = 1",
    )?;
    let (state, base) = statement.query_row([], |row| {
        let time = TimeBase { spool_ms: row.get(1)?, wall_ms: row.get(2)?, boot_ms: row.get(3)?, boot_id: row.get(4)? };
        Ok((SpoolerState::from_stored(row.get(0)?).unwrap_or(SpoolerState::Cold), time))
    })?;
    // Also within a boot, now and then: a machine that starts again without a clock goes on from here.
    if base.boot_id != now.boot_id || now.boot_ms - base.boot_ms > RENEW_MS {
        let base = base.renewed(now);
        db.execute(
            "UPDATE spool SET time_spool_ms = ?, time_wall_ms = ?, time_boot_ms = ?, time_boot_id = ? WHERE id = 1",
            params![base.spool_ms, base.wall_ms, base.boot_ms, base.boot_id],
        )?;
        return Ok((state, SpoolTime(base.spool_ms)));
    }
    Ok((state, base.at(now)))
}

/// Spool time at `now`.
///
/// # Errors
/// As [`state_and_time`].
pub fn time(db: &Connection, now: &Moment) -> Fallible<SpoolTime> {
    Ok(state_and_time(db, now)?.1)
}

/// Sets the state.
///
/// # Errors
/// When it cannot be written.
pub fn set_state(db: &Connection, state: SpoolerState) -> Fallible<()> {
    db.execute("UPDATE spool SET state = ? WHERE id = 1", [state as i64])?;
    Ok(())
}

/// Sets MGRACCESS.
///
/// # Errors
/// When it cannot be written.
pub fn set_manager_access(db: &Connection, on: bool) -> Fallible<()> {
    db.execute("UPDATE spool SET manager_access = ? WHERE id = 1", [on])?;
    Ok(())
}

/// The next number of the arrival sequence; never the clock decides it.
///
/// # Errors
/// When it cannot be written.
pub fn next_sequence(db: &Connection) -> Fallible<i64> {
    let mut statement =
        db.prepare_cached("UPDATE spool SET last_sequence = last_sequence + 1 WHERE id = 1 RETURNING last_sequence")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// The numbers of a new job: those that the whole spool counts.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The job number.
    pub number: JobNumber,
    /// The ten-digit number.
    pub serial: Serial,
    /// The number of the arrival sequence.
    pub sequence: i64,
}

/// Takes the next numbers. The job number is the next free one: ascending, from 1 again after the last, those in use
/// skipped. None when all are in use; nothing is taken then.
///
/// # Errors
/// When they cannot be written.
pub fn take_numbers(db: &Connection, now: &Moment) -> Fallible<Option<Numbers>> {
    let (last_number, last_serial, last_sequence) = db
        .prepare_cached(LAST_NUMBERS)?
        .query_row([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    let Some(number) = free_number(db, last_number)? else { return Ok(None) };
    let serial = Serial::after(unsigned(last_serial), now.wall_ms / 1000);
    let sequence = last_sequence + 1;
    db.prepare_cached(SET_NUMBERS)?.execute(params![number.get(), signed(serial.0), sequence])?;
    Ok(Some(Numbers { number, serial, sequence }))
}

pub(super) const LAST_NUMBERS: &str = "SELECT last_number, last_serial, last_sequence FROM spool WHERE id = 1";
pub(super) const SET_NUMBERS: &str =
    "UPDATE spool SET last_number = ?, last_serial = ?, last_sequence = ? WHERE id = 1";
pub(super) const NUMBERS_FROM: &str = "SELECT number FROM job WHERE number >= ? ORDER BY number";
pub(super) const LAST_LOCAL: &str = "SELECT last FROM local_counter WHERE owner_uid = ?";
pub(super) const LOCAL_TAKEN: &str = "SELECT count(*) FROM job WHERE owner_uid = ? AND local_id = ?";
pub(super) const SET_LOCAL: &str = "INSERT INTO local_counter (owner_uid, last) VALUES (?, ?) ON CONFLICT (owner_uid) DO UPDATE SET last = excluded.last";

fn free_number(db: &Connection, last: u32) -> Fallible<Option<JobNumber>> {
    let mut candidate = if last == JobNumber::MAX { 1 } else { last + 1 };
    let mut used = db.prepare_cached(NUMBERS_FROM)?;
    // Two passes: up to the last number, then from 1. Within one, the first gap is the answer.
    for _ in 0..2 {
        let mut rows = used.query([candidate])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, u32>(0)? != candidate {
                break;
            }
            candidate += 1;
        }
        if let Some(number) = JobNumber::new(candidate) {
            return Ok(Some(number));
        }
        candidate = 1;
    }
    Ok(None)
}

/// The next free local id of a user.
///
/// # Errors
/// When it cannot be written.
pub fn next_local(db: &Connection, owner_uid: u32) -> Fallible<LocalJobId> {
    let last: u32 = db.prepare_cached(LAST_LOCAL)?.query_row([owner_uid], |row| row.get(0)).optional()?.unwrap_or(0);
    let mut next = last;
    loop {
        next = if next >= LocalJobId::MAX { 1 } else { next + 1 };
        let taken: bool = db.prepare_cached(LOCAL_TAKEN)?.query_row(params![owner_uid, next], |row| row.get(0))?;
        if !taken || next == last {
            break;
        }
    }
    db.prepare_cached(SET_LOCAL)?.execute(params![owner_uid, next])?;
    Ok(LocalJobId(next))
}

/// A count of rows for the display of the spool.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Jobs.
    pub jobs: u64,
    /// Jobs still arriving.
    pub open_jobs: u64,
    /// Jobs on a device.
    pub printing_jobs: u64,
    /// Devices.
    pub devices: u64,
    /// Locations.
    pub locations: u64,
    /// Print processes.
    pub processes: u64,
}

/// Counts the objects.
///
/// # Errors
/// When they cannot be read.
pub fn counts(db: &Connection) -> Fallible<Counts> {
    let count = |sql: &str| -> Fallible<u64> { Ok(unsigned(db.query_row(sql, [], |row| row.get(0))?)) };
    Ok(Counts {
        jobs: count("SELECT count(*) FROM job")?,
        open_jobs: count("SELECT count(*) FROM job WHERE arriving <> 0")?,
        printing_jobs: count("SELECT count(DISTINCT job_id) FROM entry WHERE state IN (1, 2)")?,
        devices: count("SELECT count(*) FROM device")?,
        locations: count("SELECT count(*) FROM location")?,
        processes: count("SELECT count(*) FROM process")?,
    })
}

/// Remembers that a submission was refused for good.
///
/// # Errors
/// When it cannot be written.
pub fn refuse_token(db: &Connection, token: &str, now: &Moment) -> Fallible<()> {
    db.execute(
        "INSERT INTO refused_token (token, at_ms, at_spool) VALUES (?, ?, ?) ON CONFLICT (token) DO NOTHING",
        params![token, now.wall_ms, time(db, now)?.0],
    )?;
    Ok(())
}

/// Goes on after this job number.
///
/// # Errors
/// When it cannot be written.
#[cfg(test)]
pub(crate) fn set_last_number(db: &Connection, last: u32) -> Fallible<()> {
    db.execute("UPDATE spool SET last_number = ?", [last])?;
    Ok(())
}
