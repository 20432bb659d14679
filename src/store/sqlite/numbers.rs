//! The numbers that are given out: job numbers, ten-digit numbers, the order of arrival, and the local ids of users.

use super::Tx;
use crate::model::{JobNumber, LocalJobId, Serial};
use crate::store::Fallible;
use crate::store::value::values;

/// The numbers of a new job: those that the whole spool counts.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The job number.
    pub number: JobNumber,
    /// The ten-digit number: never the same again.
    pub serial: Serial,
    /// The number of the arrival sequence.
    pub sequence: i64,
}

impl Tx<'_> {
    /// Returns the next number of the order of arrival; never the clock decides it.
    pub(in crate::store) fn next_arrival(&self) -> Fallible<i64> {
        Ok(self.session.db.prepare_cached(NEXT_ARRIVAL)?.query_row([], |row| row.get(0))?)
    }

    /// Returns the next local id of a user of this server that no job of his has.
    pub(in crate::store) fn next_local(&self, uid: u32) -> Fallible<LocalJobId> {
        let db = &self.session.db;
        let first: u32 = db.prepare_cached(NEXT_LOCAL)?.query_row([uid, LocalJobId::MAX], |row| row.get(0))?;
        let mut next = first;
        while self.finds(LOCAL_TAKEN, values![uid, next])? {
            next = if next >= LocalJobId::MAX { 1 } else { next + 1 };
            if next == first {
                break;
            }
        }
        if next != first {
            db.prepare_cached(SET_LOCAL)?.execute([uid, next])?;
        }
        Ok(LocalJobId(next))
    }

    /// Takes the numbers of a new job. The job number is the next free one: ascending, from 1 again after the last, those in
    /// use skipped. None when all are in use; nothing is taken then.
    pub(in crate::store) fn numbers(&self) -> Fallible<Option<Numbers>> {
        let db = &self.session.db;
        let (last, serial) =
            db.prepare_cached(LAST)?.query_row([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?)))?;
        let Some(number) = self.free_number(last)?.and_then(JobNumber::new) else { return Ok(None) };
        let serial = Serial::after(u64::try_from(serial).unwrap_or(0), self.now.wall_ms / 1000);
        let stored = i64::try_from(serial.0).unwrap_or(i64::MAX);
        let sequence = db.prepare_cached(NEXT)?.query_row((number.get(), stored), |row| row.get(0))?;
        Ok(Some(Numbers { number, serial, sequence }))
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
const LAST: &str = "SELECT last_number, last_serial FROM spool WHERE id = 1";
const NEXT: &str = "UPDATE spool SET last_number = ?, last_serial = ?,
     last_sequence = (last_sequence / 268435456 + 1) * 268435456 WHERE id = 1 RETURNING last_sequence";
const NUMBERS_FROM: &str = "SELECT number FROM job WHERE number >= ? ORDER BY number";
const NEXT_LOCAL: &str =
    "INSERT INTO local_counter (server, owner_uid, last) SELECT server, ?1, 1 FROM spool WHERE id = 1
     ON CONFLICT (server, owner_uid) DO UPDATE SET last = CASE WHEN last >= ?2 THEN 1 ELSE last + 1 END RETURNING last";
const LOCAL_TAKEN: &str = "SELECT 1 FROM job WHERE owner_uid = ? AND local_id = ?";
const SET_LOCAL: &str = "UPDATE local_counter SET last = ?2
     WHERE server = (SELECT server FROM spool WHERE id = 1) AND owner_uid = ?1";

/// The statements of this file that a submission runs.
pub(in crate::store) const OF_SUBMISSION: &[&str] =
    &["BEGIN IMMEDIATE", LAST, NEXT, NUMBERS_FROM, NEXT_LOCAL, LOCAL_TAKEN, "COMMIT"];
