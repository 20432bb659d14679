//! Events: who did what to which object, when and why.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::model::object::ObjectClass;
use crate::model::time::Moment;
use crate::model::{DeviceId, JobId, LocationId, ObjectId, ProcessId};
use crate::spool::interface::records::Event;

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
    /// An object of a class that is only kept. The word of its class is none of the words for the others.
    Kept(ObjectClass, ObjectId),
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
            Self::Kept(class, id) => (class.word(), id.0),
            Self::Spool => ("spool", 1),
        }
    }
}

pub(super) const INSERT: &str =
    "INSERT INTO event (at_ms, object, object_id, who, what, why) VALUES (?, ?, ?, ?, ?, ?)";

/// Writes one event.
///
/// # Errors
/// When it cannot be written.
pub fn record(db: &Connection, now: &Moment, object: Object, who: &str, what: &str, why: &str) -> Fallible<()> {
    let (kind, id) = object.stored();
    db.prepare_cached(INSERT)?.execute(params![now.wall_ms, kind, id, who, what, why])?;
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

/// Whether such an event of an object in error is on record since it last worked or was started. Only its last 200 events
/// are looked at: an error that goes on writes few.
///
/// # Errors
/// When it cannot be read.
pub fn is_repeated(db: &Connection, object: Object, what: &str, why: &str) -> Fallible<bool> {
    let (kind, id) = object.stored();
    // By number and not by time: the clock may be set.
    let mut find = db.prepare_cached(
        "WITH recent AS (SELECT id, what, why FROM event WHERE object = ?1 AND object_id = ?2 ORDER BY id DESC LIMIT 200)
         SELECT EXISTS (SELECT 1 FROM recent WHERE what = ?3 AND why = ?4
             AND id > coalesce((SELECT max(id) FROM recent WHERE what IN ('recovered', 'started')), 0))",
    )?;
    Ok(find.query_row(params![kind, id, what, why], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event { id: row.get(0)?, at_ms: row.get(1)?, who: row.get(2)?, what: row.get(3)?, why: row.get(4)? })
}

/// The last event of an object that is one of `words`.
///
/// # Errors
/// When it cannot be read.
pub fn last(db: &Connection, object: Object, words: &[&str]) -> Fallible<Option<Event>> {
    let (kind, id) = object.stored();
    let marks = vec!["?"; words.len()].join(", ");
    let mut statement = db.prepare_cached(&format!(
        "SELECT id, at_ms, who, what, why FROM event WHERE object = ? AND object_id = ? AND what IN ({marks})
         ORDER BY id DESC LIMIT 1"
    ))?;
    let values = [Value::Text(kind.to_owned()), Value::Integer(id)];
    let words = words.iter().map(|word| Value::Text((*word).to_owned()));
    Ok(statement.query_row(params_from_iter(values.into_iter().chain(words)), read).optional()?)
}

/// The last events of an object with the word `what`, newest first, at most 100.
///
/// # Errors
/// When they cannot be read.
pub fn latest(db: &Connection, object: Object, what: &str) -> Fallible<Vec<Event>> {
    let (kind, id) = object.stored();
    let mut statement = db.prepare_cached(
        "SELECT id, at_ms, who, what, why FROM event WHERE object = ? AND object_id = ? AND what = ?
         ORDER BY id DESC LIMIT 100",
    )?;
    let rows = statement.query_map(params![kind, id, what], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
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
    let rows = statement.query_map(params![kind, id, after, page(u32::MAX)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
