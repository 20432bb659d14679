//! Events: who did what to which object, when and why.
//!
//! An event has a place among those of its object, one higher than the last. It is taken under the lock of the object, so
//! that places are given out in the order of the commits: whoever has read up to a place never misses one that commits
//! late. Two that take the same place cannot both commit.

use crate::model::event::{Event, EventDetail, EventWord};
use crate::model::history::{RecordPlace, Since};
use crate::model::object::ObjectClass;
use crate::model::{CollectorId, DeviceId, DeviceName, GroupId, JobId, LocationId, ObjectId, ProcessId};

use super::value::{Bind, columns, values};
use super::{Fallible, Row, Tx, config, page};

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
    /// A collector.
    Collector(CollectorId),
    /// An object of a class that is only kept. The word of its class is none of the words for the others.
    Kept(ObjectClass, ObjectId),
    /// The spool.
    Spool,
}

impl Object {
    pub(super) fn stored(self) -> (&'static str, i64) {
        match self {
            Self::Job(id) => ("job", id.0),
            Self::Device(id) => ("device", id.0),
            Self::Process(id) => ("process", id.0),
            Self::Location(id) => ("location", id.0),
            Self::Collector(id) => ("collector", id.0),
            Self::Kept(class, id) => (class.word(), id.0),
            Self::Spool => ("spool", 1),
        }
    }
}

pub(super) const INSERT: &str =
    "INSERT INTO event (at_ms, object, object_id, position, who, what, detail, why, notable, device)
     VALUES (?1, ?2, ?3, (SELECT coalesce(max(position), 0) + 1 FROM event WHERE object = ?2 AND object_id = ?3),
             ?4, ?5, ?6, ?7, ?8, ?9)";

/// Writes one event: what the caller of the transaction did, at its time.
pub(crate) fn record(tx: &Tx<'_>, object: Object, what: EventWord, why: &str) -> Fallible<()> {
    write(tx, object, &what, None, None, why).map(drop)
}

/// Writes that pages of a job may come out twice, on a device where that is known.
pub(crate) fn record_duplicate(tx: &Tx<'_>, job: JobId, device: Option<&DeviceName>, why: &str) -> Fallible<()> {
    write(tx, Object::Job(job), &EventWord::PossibleDuplicate, None, device, why).map(drop)
}

/// Writes what became of a group. Its events are those of the spool.
pub(crate) fn record_of_group(tx: &Tx<'_>, group: GroupId, what: EventWord, why: &str) -> Fallible<()> {
    let id = write(tx, Object::Spool, &what, None, None, why)?;
    config::see_group(tx, group, &what, id)
}

/// The same with what programs need of it beyond the word.
pub(crate) fn record_with(
    tx: &Tx<'_>,
    object: Object,
    what: EventWord,
    detail: EventDetail,
    why: &str,
) -> Fallible<()> {
    write(tx, object, &what, Some(detail), None, why).map(drop)
}

/// Writes an event, and how it changed the configuration of its object. Its identity.
fn write(
    tx: &Tx<'_>,
    object: Object,
    what: &EventWord,
    detail: Option<EventDetail>,
    device: Option<&DeviceName>,
    why: &str,
) -> Fallible<i64> {
    let (kind, id) = object.stored();
    let is_job = matches!(object, Object::Job(_));
    let notable = (what.is_notable(is_job) || detail == Some(EventDetail::Crash)).then_some(true);
    let device = device.map(DeviceName::guardian);
    let event = tx.insert(INSERT, values![tx.now().wall_ms, kind, id, tx.who(), what, detail, why, notable, device])?;
    if !is_job && what.configures() {
        config::see(tx, object, what, event)?;
    }
    super::notices::see(tx, object, what, why);
    super::outbox::see(tx, object, what, detail, why)?;
    Ok(event)
}

columns!(recorded { id, at_ms, object, object_id, position, who, what, detail, why });

/// An event with its object as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Its identity.
    pub(crate) id: i64,
    /// The kind of its object.
    pub(crate) kind: String,
    /// The identity of its object.
    pub(crate) object: i64,
    /// What happened.
    pub(crate) event: Event,
}

const NOTABLE: &str = "notable IS NOT NULL AND id > ? ORDER BY id LIMIT ?";

/// Returns the notable events of all objects behind a place, in the order of the commits, one page. An index has them alone.
///
/// Is the order of identities that of the commits? Here it is: one change is made at a time. The clock is no such order: it is
/// set back, and a change that waited for another has the time at which it was asked for. An engine with many writers gives out
/// a number at the commit.
pub(crate) fn notable(tx: &Tx<'_>, after: RecordPlace) -> Fallible<Vec<Recorded>> {
    let sql = made_once!("SELECT {} FROM event WHERE {NOTABLE}", recorded::LIST);
    tx.rows(sql, values![after, page(u32::MAX)], |row| {
        let event = Event {
            id: row.get(recorded::position)?,
            at_ms: row.get(recorded::at_ms)?,
            who: row.get(recorded::who)?,
            what: row.get(recorded::what)?,
            detail: row.get(recorded::detail)?,
            why: row.get(recorded::why)?,
        };
        Ok(Recorded {
            id: row.get(recorded::id)?,
            kind: row.get(recorded::object)?,
            object: row.get(recorded::object_id)?,
            event,
        })
    })
}

const CRASH: &str = "SELECT at_ms FROM event WHERE detail = 'crash' ORDER BY id DESC LIMIT 1";

// By the index of times: only what has this time or a later one is read.
const SINCE: &str = "SELECT min(+id) FROM event WHERE notable IS NOT NULL AND at_ms >= ?";

const BEFORE: &str = "SELECT id FROM event WHERE notable IS NOT NULL AND id < ? ORDER BY id DESC LIMIT 1";

/// Returns the place behind which the record since then begins: behind its end where nothing has happened since.
pub(crate) fn place(tx: &Tx<'_>, since: Since) -> Fallible<RecordPlace> {
    let since = match since {
        Since::Ever => return Ok(RecordPlace::MIN),
        Since::Time(ms) => Some(ms),
        // Its time, and not its place: whoever found that the process was gone may have written what he did before that.
        Since::Crash => tx.one(CRASH, &[], |row| row.only::<i64>())?,
    };
    let first = match since {
        Some(ms) => tx.one(SINCE, values![ms], |row| row.only::<Option<i64>>())?.flatten(),
        None => None,
    };
    let before = tx.one(BEFORE, values![first.unwrap_or(RecordPlace::MAX)], |row| row.only())?;
    Ok(before.unwrap_or(RecordPlace::MIN))
}

columns!(doubtful { id, at_ms, object_id, device, why });

// Why not `object = 'job'`? Then the index of the events of one object would be taken, and all of its events be read.
const DOUBTFUL: &str = "what = 'possible-duplicate' AND object <> 'device' AND (at_ms, id) < (?, ?)
     ORDER BY at_ms DESC, id DESC LIMIT ?";

/// A job that may have come out twice: the event, the job, the device, when and why.
pub(crate) type Doubtful = (i64, JobId, Option<String>, i64, String);

/// Returns the events by which jobs may have come out twice before `before`, newest first, one page. An index has them
/// alone.
pub(crate) fn doubtful(tx: &Tx<'_>, before: (i64, i64), limit: u32) -> Fallible<Vec<Doubtful>> {
    let sql = made_once!("SELECT {} FROM event WHERE {DOUBTFUL}", doubtful::LIST);
    tx.rows(sql, values![before.0, before.1, page(limit)], |row| {
        Ok((
            row.get(doubtful::id)?,
            JobId(row.get(doubtful::object_id)?),
            row.get(doubtful::device)?,
            row.get(doubtful::at_ms)?,
            row.get(doubtful::why)?,
        ))
    })
}

/// Tells whether such an event of an object is on record.
pub(crate) fn is_recorded(tx: &Tx<'_>, object: Object, what: &EventWord, why: &str) -> Fallible<bool> {
    let (kind, id) = object.stored();
    tx.finds(
        "SELECT 1 FROM event WHERE object = ? AND object_id = ? AND what = ? AND why = ?",
        values![kind, id, what, why],
    )
}

/// Tells whether such an event of an object in error is on record since it last worked or was started. Only its last
/// 200 events are looked at: an error that goes on writes few.
pub(crate) fn is_repeated(tx: &Tx<'_>, object: Object, what: &EventWord, why: &str) -> Fallible<bool> {
    let (kind, id) = object.stored();
    // By place and not by time: the clock may be set.
    tx.finds(
        "WITH recent AS (SELECT position, what, why FROM event WHERE object = ?1 AND object_id = ?2
                         ORDER BY position DESC LIMIT 200)
         SELECT 1 FROM recent WHERE what = ?3 AND why = ?4
             AND position > coalesce((SELECT max(position) FROM recent WHERE what IN (?5, ?6)), 0)",
        values![kind, id, what, why, EventWord::Recovered, EventWord::Started],
    )
}

columns!(at { position, at_ms, who, what, detail, why });

fn read(row: &Row<'_>) -> Fallible<Event> {
    Ok(Event {
        id: row.get(at::position)?,
        at_ms: row.get(at::at_ms)?,
        who: row.get(at::who)?,
        what: row.get(at::what)?,
        detail: row.get(at::detail)?,
        why: row.get(at::why)?,
    })
}

/// Returns the last event of an object that is one of `words`.
pub(crate) fn last(tx: &Tx<'_>, object: Object, words: &[EventWord]) -> Fallible<Option<Event>> {
    let (kind, id) = object.stored();
    let marks = vec!["?"; words.len()].join(", ");
    let sql = format!(
        "SELECT {} FROM event WHERE object = ? AND object_id = ? AND what IN ({marks}) ORDER BY position DESC LIMIT 1",
        at::LIST
    );
    let mut values: Vec<&dyn Bind> = vec![&kind, &id];
    values.extend(words.iter().map(|word| word as &dyn Bind));
    tx.one(&sql, &values, read)
}

/// Returns the last events of an object with the word `what`, newest first, at most 100.
pub(crate) fn latest(tx: &Tx<'_>, object: Object, what: &EventWord) -> Fallible<Vec<Event>> {
    let (kind, id) = object.stored();
    tx.rows(
        made_once!(
            "SELECT {} FROM event WHERE object = ? AND object_id = ? AND what = ? ORDER BY position DESC LIMIT 100",
            at::LIST
        ),
        values![kind, id, what],
        read,
    )
}

/// Returns events of an object after the place `after`, oldest first, one page.
pub(crate) fn list(tx: &Tx<'_>, object: Object, after: i64) -> Fallible<Vec<Event>> {
    let (kind, id) = object.stored();
    tx.rows(
        made_once!(
            "SELECT {} FROM event WHERE object = ? AND object_id = ? AND position > ? ORDER BY position LIMIT ?",
            at::LIST
        ),
        values![kind, id, after, page(u32::MAX)],
        read,
    )
}

/// How many old events are forgotten at once.
const PRUNED_AT_ONCE: u32 = 256;

/// How far apart the marks are that tell the age of events.
const MARKED_EVERY_MS: i64 = 24 * 3_600_000;

const OLD: &str = "SELECT id FROM event WHERE object <> 'job' AND id <= ? ORDER BY id LIMIT ?";

columns!(mark { spool_ms, event_id });

/// Forgets a small batch of events of other objects than jobs that happened before the spool time `before`; `time` is now.
/// Once a day the last number of an event is written down beside the spool time: what lies before a mark that is old enough
/// is old. Does this rely on the order of identities? It is a bound and no order: an event that commits late is forgotten a
/// little earlier or later than its neighbours.
pub(super) fn prune(tx: &Tx<'_>, time: i64, before: i64) -> Fallible<()> {
    let last = tx.one("SELECT max(spool_ms) FROM age_mark", &[], |row| row.only::<Option<i64>>())?.flatten();
    if last.is_none_or(|last| time - last >= MARKED_EVERY_MS) {
        tx.run("INSERT INTO age_mark (spool_ms, event_id) SELECT ?, coalesce(max(id), 0) FROM event", values![time])?;
    }
    let sql = made_once!("SELECT {} FROM age_mark WHERE spool_ms < ? ORDER BY spool_ms DESC LIMIT 1", mark::LIST);
    let old = tx.one(sql, values![before], |row| Ok((row.get(mark::spool_ms)?, row.get(mark::event_id)?)))?;
    let Some((marked, end)): Option<(i64, i64)> = old else { return Ok(()) };
    let ids = tx.rows(OLD, values![end, PRUNED_AT_ONCE], |row| row.only::<i64>())?;
    for id in &ids {
        config::forget(tx, *id)?;
        tx.run("DELETE FROM event WHERE id = ?", values![id])?;
    }
    if ids.is_empty() {
        tx.run("DELETE FROM age_mark WHERE spool_ms <= ?", values![marked])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn old_events_and_the_next_place_are_found_without_a_look_at_the_rest() {
        let memory = Memory::new();
        let plan = memory.plan(OLD);
        assert!(plan.contains("event_other") && !plan.contains("TEMP B-TREE"), "{plan}");
        let plan = memory.plan(&format!("SELECT id FROM event WHERE {NOTABLE}"));
        assert!(plan.contains("event_notable ") && !plan.contains("TEMP B-TREE"), "{plan}");
        let plan = memory.plan(SINCE);
        assert!(plan.contains("SEARCH event") && plan.contains("INDEX event_notable_at "), "{plan}");
        let plan = memory.plan(BEFORE);
        assert!(plan.contains("SEARCH event") && plan.contains("INDEX event_notable "), "{plan}");
        let plan = memory.plan(&format!("SELECT id FROM event WHERE {DOUBTFUL}"));
        assert!(plan.contains("event_doubtful") && !plan.contains("TEMP B-TREE"), "{plan}");
        let plan = memory.plan(CRASH);
        assert!(plan.contains("event_crash") && !plan.contains("TEMP B-TREE"), "{plan}");
        let plan = memory.plan("SELECT coalesce(max(position), 0) + 1 FROM event WHERE object = ? AND object_id = ?");
        assert!(plan.contains("SEARCH event USING COVERING INDEX event_object"), "{plan}");
    }

    #[test]
    fn an_event_that_commits_late_is_seen_by_who_has_read_up_to_the_last() {
        let memory = Memory::new();
        let tx = memory.tx();
        let object = Object::Job(JobId(7));
        record(&tx, object, EventWord::Accepted, "").unwrap();
        let read = list(&tx, object, 0).unwrap().last().unwrap().id;
        // Its identity was given out before the one that was read, as on an engine with many writers.
        let late = "INSERT INTO event (id, at_ms, object, object_id, position, who, what, why)
                    VALUES (-1, 0, ?1, ?2, (SELECT max(position) + 1 FROM event WHERE object = ?1 AND object_id = ?2),
                            ?3, ?4, ?3)";
        tx.run(late, values!["job", 7_i64, "", EventWord::Held]).unwrap();
        let seen: Vec<EventWord> = list(&tx, object, read).unwrap().into_iter().map(|event| event.what).collect();
        assert_eq!(seen, [EventWord::Held]);
        // Two that took the same place do not both commit.
        let twice =
            "INSERT INTO event (at_ms, object, object_id, position, who, what, why) VALUES (0, ?1, ?2, 2, ?3, ?3, ?3)";
        assert!(tx.run(twice, values!["job", 7_i64, ""]).is_err());
    }
}
