//! The numbers that are given out: job numbers, ten-digit numbers, the order of arrival, and the local ids of users.

use rusqlite::OptionalExtension;

use super::Tx;
use crate::model::{JobNumber, LocalJobId, Serial};
use crate::store::Fallible;
use crate::store::value::values;

/// A number that the whole spool counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// The order of arrival; never the clock decides it.
    Arrival,
    /// Job numbers: the next free one, ascending, from 1 again after the last.
    Number,
    /// Ten-digit numbers: never the same again.
    Serial,
    /// The local ids of a user of this server.
    Local(u32),
}

impl Tx<'_> {
    /// Returns the next number of a counter; none when all are in use. Nothing is taken then.
    pub(crate) fn next(&self, counter: Counter) -> Fallible<Option<i64>> {
        let db = &self.session.db;
        match counter {
            Counter::Arrival => Ok(Some(db.prepare_cached(NEXT_ARRIVAL)?.query_row([], |row| row.get(0))?)),
            Counter::Serial => {
                let last: i64 = db.prepare_cached(LAST_SERIAL)?.query_row([], |row| row.get(0))?;
                let next = Serial::after(u64::try_from(last).unwrap_or(0), self.now.wall_ms / 1000);
                let next = i64::try_from(next.0).unwrap_or(i64::MAX);
                db.prepare_cached(SET_SERIAL)?.execute([next])?;
                Ok(Some(next))
            }
            Counter::Number => {
                let last: u32 = db.prepare_cached(LAST_NUMBER)?.query_row([], |row| row.get(0))?;
                let Some(number) = self.free_number(last)? else { return Ok(None) };
                db.prepare_cached(SET_NUMBER)?.execute([number])?;
                Ok(Some(i64::from(number)))
            }
            Counter::Local(uid) => {
                let last = db.prepare_cached(LAST_LOCAL)?.query_row([uid], |row| row.get(0)).optional()?.unwrap_or(0);
                let mut next: u32 = last;
                loop {
                    next = if next >= LocalJobId::MAX { 1 } else { next + 1 };
                    if next == last || !self.finds(LOCAL_TAKEN, values![uid, next])? {
                        break;
                    }
                }
                db.prepare_cached(SET_LOCAL)?.execute([uid, next])?;
                Ok(Some(i64::from(next)))
            }
        }
    }

    /// Returns the first job number after `last` that no job has.
    fn free_number(&self, last: u32) -> Fallible<Option<u32>> {
        let mut candidate = if last >= JobNumber::MAX { 1 } else { last + 1 };
        let mut used = self.session.db.prepare_cached(NUMBERS_FROM)?;
        // Two passes: up to the last number, then from 1. Within one, the first gap is the answer.
        for _ in 0..2 {
            let mut rows = used.query([candidate])?;
            while let Some(row) = rows.next()? {
                if row.get::<_, u32>(0)? != candidate {
                    break;
                }
                candidate += 1;
            }
            if candidate <= JobNumber::MAX {
                return Ok(Some(candidate));
            }
            candidate = 1;
        }
        Ok(None)
    }
}

/// Arrivals are [`ARRIVAL_STEP`](crate::model::order::ARRIVAL_STEP) apart.
const NEXT_ARRIVAL: &str = "UPDATE spool SET last_sequence = (last_sequence / 268435456 + 1) * 268435456 WHERE id = 1
     RETURNING last_sequence";
const LAST_SERIAL: &str = "SELECT last_serial FROM spool WHERE id = 1";
const SET_SERIAL: &str = "UPDATE spool SET last_serial = ? WHERE id = 1";
const LAST_NUMBER: &str = "SELECT last_number FROM spool WHERE id = 1";
const SET_NUMBER: &str = "UPDATE spool SET last_number = ? WHERE id = 1";
const NUMBERS_FROM: &str = "SELECT number FROM job WHERE number >= ? ORDER BY number";
const LAST_LOCAL: &str =
    "SELECT last FROM local_counter WHERE server = (SELECT server FROM spool WHERE id = 1) AND owner_uid = ?";
const LOCAL_TAKEN: &str = "SELECT 1 FROM job WHERE owner_uid = ? AND local_id = ?";
const SET_LOCAL: &str =
    "INSERT INTO local_counter (server, owner_uid, last) SELECT server, ?, ? FROM spool WHERE id = 1
     ON CONFLICT (server, owner_uid) DO UPDATE SET last = excluded.last";

/// The statements of this file that a submission runs.
pub(in crate::store) const OF_SUBMISSION: &[&str] = &[
    "BEGIN IMMEDIATE",
    NEXT_ARRIVAL,
    LAST_SERIAL,
    SET_SERIAL,
    LAST_NUMBER,
    SET_NUMBER,
    NUMBERS_FROM,
    LAST_LOCAL,
    LOCAL_TAKEN,
    SET_LOCAL,
    "COMMIT",
];
