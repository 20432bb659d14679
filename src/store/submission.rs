//! What a submission asks of the database and what it writes with.

use rusqlite::{Connection, OptionalExtension};

use crate::model::{JobId, JobNumber, LocalJobId, Serial};

use super::{Fallible, device, document, entry, event, job, process, spool, unsigned};

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

const FATE: &str = "SELECT 1, id, number, local_id, serial FROM job WHERE token = ?1
     UNION ALL SELECT 1, job_id, number, local_id, serial FROM finished WHERE token = ?1
     UNION ALL SELECT 0, 0, 0, 0, 0 FROM refused_token WHERE token = ?1 LIMIT 1";

/// What became of the submission with this token; none when nothing is known of it.
///
/// # Errors
/// When it cannot be read.
pub fn fate(db: &Connection, token: &str) -> Fallible<Option<Fate>> {
    let mut find = db.prepare_cached(FATE)?;
    let fate = find.query_row([token], |row| {
        if !row.get::<_, bool>(0)? {
            return Ok(Fate::Refused);
        }
        Ok(Fate::Accepted(Known {
            id: JobId(row.get(1)?),
            number: JobNumber::new(row.get(2)?).unwrap_or(job::FIRST_NUMBER),
            local: LocalJobId(row.get(3)?),
            serial: Serial(unsigned(row.get(4)?)),
        }))
    });
    Ok(fate.optional()?)
}

/// Plans the statements of a submission on a connection that keeps them. Planning takes longer than running them, and
/// need not happen while others wait to write.
///
/// # Errors
/// When the database cannot be read.
pub fn plan(db: &Connection) -> Fallible<()> {
    let fixed = [
        "BEGIN IMMEDIATE",
        FATE,
        spool::LAST_NUMBERS,
        spool::NUMBERS_FROM,
        spool::SET_NUMBERS,
        spool::LAST_LOCAL,
        spool::LOCAL_TAKEN,
        spool::SET_LOCAL,
        job::CLASS,
        job::INSERT,
        document::INSERT,
        entry::INSERT,
        event::INSERT,
        process::RUNNING,
        "COMMIT",
    ];
    for sql in fixed {
        db.prepare_cached(sql)?;
    }
    for sql in [device::of_route_sql(), process::by_name_sql()] {
        db.prepare_cached(&sql)?;
    }
    Ok(())
}
