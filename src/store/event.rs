//! Events: who did what to which object, when and why.

use rusqlite::{Connection, params};

use crate::model::time::Moment;
use crate::model::{DeviceId, JobId, LocationId, ProcessId};
use crate::spool::records::Event;

use super::{Fallible, page};

/// The object of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A job, living or finished.
    Job(JobId),
    /// A device.
    Device(DeviceId),
    /// A print process.
    Process(ProcessId),
    /// A location.
    Location(LocationId),
    /// The spool.
    Spool,
}

impl Object {
    fn stored(self) -> (&'static str, i64) {
        match self {
            Self::Job(id) => ("job", id.0),
            Self::Device(id) => ("device", id.0),
            Self::Process(id) => ("process", id.0),
            Self::Location(id) => ("location", id.0),
            Self::Spool => ("spool", 1),
        }
    }
}

/// Writes one event.
///
/// # Errors
/// When it cannot be written.
pub fn record(db: &Connection, now: &Moment, object: Object, who: &str, what: &str, why: &str) -> Fallible<()> {
    let (kind, id) = object.stored();
    db.prepare_cached("INSERT INTO event (at_ms, object, object_id, who, what, why) VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![now.wall_ms, kind, id, who, what, why])?;
    Ok(())
}

/// Whether such an event of an object is on record.
///
/// # Errors
/// When it cannot be read.
pub fn is_recorded(db: &Connection, object: Object, what: &str, why: &str) -> Fallible<bool> {
    let (kind, id) = object.stored();
    let mut find = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM event WHERE object = ? AND object_id = ? AND what = ? AND why = ?)",
    )?;
    Ok(find.query_row(params![kind, id, what, why], |row| row.get(0))?)
}

/// Events of an object after the event `after`, oldest first, one page.
///
/// # Errors
/// When they cannot be read.
pub fn list(db: &Connection, object: Object, after: i64) -> Fallible<Vec<Event>> {
    let (kind, id) = object.stored();
    let mut statement = db.prepare_cached(
        "SELECT id, at_ms, who, what, why FROM event WHERE object = ? AND object_id = ? AND id > ? ORDER BY id LIMIT ?",
    )?;
    let rows = statement.query_map(params![kind, id, after, page(u32::MAX)], |row| {
        Ok(Event { id: row.get(0)?, at_ms: row.get(1)?, who: row.get(2)?, what: row.get(3)?, why: row.get(4)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
