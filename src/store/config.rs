//! The configuration of every object as it was after its last change, and what each change has made of it.
//!
//! Whoever changes an object records an event in the same transaction. The event compares what the rows say now with what
//! was remembered of the object, writes down each word that differs, and remembers the new ones. So no change can be
//! forgotten, and none is told that a rollback has undone. The words of a deleted object stand with its last event. What was
//! written down goes with its event.
//!
//! Messages that operators leave are none of it, nor is whether something was started (of a door it is: there it is an attribute),
//! nor what the server itself reports of an object, as the counters of a door.

use std::collections::BTreeMap;

use crate::model::device::{DeviceChange, DeviceSettings};
use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::history::{ConfigChange, DECLARED, KIND};
use crate::model::location::{LocationKind, content_word};
use crate::model::object::ObjectClass;
use crate::model::order::SortBy;
use crate::model::{CollectorId, DeviceId, Failure, GroupId, LocationId, ObjectId, ProcessId};

use super::access::Owner;
use super::event::Object;
use super::managed::Holder;
use super::value::{columns, values};
use super::{Fallible, Tx, access, collector, device, location, managed, object, process, spool};

/// What has a configuration.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Device(DeviceId),
    Process(ProcessId),
    Location(LocationId),
    Collector(CollectorId),
    Group(GroupId),
    Kept(ObjectClass, ObjectId),
    Spool,
}

/// Its words with their values.
type Words = BTreeMap<String, String>;

const INSERT: &str =
    "INSERT INTO config_change (event_id, object, object_id, word, old, new) VALUES (?, ?, ?, ?, ?, ?)";

/// In place of a word: the row says only which object it is about.
const ITSELF: &str = "";

/// The attribute under which the last message of an operator is kept.
const MESSAGE: &str = "message";

impl Subject {
    fn of(object: Object) -> Option<Self> {
        Some(match object {
            Object::Job(_) => return None,
            Object::Device(id) => Self::Device(id),
            Object::Process(id) => Self::Process(id),
            Object::Location(id) => Self::Location(id),
            Object::Collector(id) => Self::Collector(id),
            Object::Kept(class, id) => Self::Kept(class, id),
            Object::Spool => Self::Spool,
        })
    }

    fn stored(self) -> (&'static str, i64) {
        match self {
            Self::Device(id) => Object::Device(id).stored(),
            Self::Process(id) => Object::Process(id).stored(),
            Self::Location(id) => Object::Location(id).stored(),
            Self::Collector(id) => Object::Collector(id).stored(),
            Self::Group(id) => ("group", id.0),
            Self::Kept(class, id) => Object::Kept(class, id).stored(),
            Self::Spool => Object::Spool.stored(),
        }
    }

    fn holder(self) -> Option<Holder> {
        Some(match self {
            Self::Device(id) => Holder::Device(id),
            Self::Location(id) => Holder::Location(id),
            Self::Group(id) => Holder::Group(id),
            Self::Kept(class, id) => Holder::Kept(class, id),
            Self::Spool => Holder::Spool,
            Self::Process(_) | Self::Collector(_) => return None,
        })
    }

    fn owner(self) -> Option<Owner> {
        Some(match self {
            Self::Device(id) => Owner::Device(id),
            Self::Location(id) => Owner::Location(id),
            Self::Group(id) => Owner::Group(id),
            Self::Spool => Owner::Spool,
            Self::Process(_) | Self::Collector(_) | Self::Kept(..) => return None,
        })
    }

    /// Returns the words that an object of its kind has anyway.
    fn usual(self) -> Words {
        let fixed = |words: &[(&str, &str)]| words.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        match self {
            Self::Device(_) => of_device(&DeviceSettings::default()),
            Self::Process(_) => fixed(&[("PARM", "0")]),
            Self::Location(_) => fixed(&[
                ("CONTENT", "NONE"),
                ("DEV", "NONE"),
                ("FONT", "NONE"),
                ("ACCESS", "NONE"),
                (KIND, LocationKind::Location.word()),
            ]),
            Self::Group(_) => fixed(&[("BROADCAST", "OFF"), ("ACCESS", "NONE"), (DECLARED, "NO")]),
            Self::Collector(_) | Self::Kept(..) => Words::new(),
            Self::Spool => fixed(&[("ACCESS", "NONE")]),
        }
    }
}

/// Takes the words of a command apart: the first one, and what follows.
fn word(text: &str) -> (String, String) {
    let (word, value) = text.split_once(' ').unwrap_or((text, ""));
    (word.to_owned(), value.to_owned())
}

fn of_device(settings: &DeviceSettings) -> Words {
    // It follows from FIFO where nobody says otherwise.
    let scheduled = settings.sort_by != SortBy::JobPriority || settings.then_by.is_some();
    let changes = settings.every_change().into_iter();
    let words = changes
        .filter(|change| scheduled || !matches!(change, DeviceChange::Scheduler(..)))
        .filter(|change| !matches!(change, DeviceChange::Transform(_) | DeviceChange::NoTransform(_)))
        .map(|change| word(&change.to_string()));
    // There may be several, and they are told as one.
    let transforms = settings.transforms.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let transforms = if transforms.is_empty() { "NONE".to_owned() } else { transforms };
    words.chain([("ACCESS".to_owned(), "NONE".to_owned()), ("TRANSFORM".to_owned(), transforms)]).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) | Value::Time(n) => n.to_string(),
        Value::Boolean(on) => on.to_string(),
        Value::Many(values) => values.iter().map(text).collect::<Vec<_>>().join(" "),
    }
}

/// Returns the name of an object and its words as its rows have them now; none where it is gone.
fn now(tx: &Tx<'_>, subject: Subject) -> Fallible<Option<(String, Words)>> {
    let mut words = Words::new();
    let name = match subject {
        Subject::Device(id) => {
            let Some(row) = device::by_id(tx, id)? else { return Ok(None) };
            words = of_device(&row.settings);
            row.name.guardian()
        }
        Subject::Process(id) => {
            let Some(row) = process::by_id(tx, id)? else { return Ok(None) };
            words.extend(row.file.map(|file| ("FILE".to_owned(), file)));
            words.insert("PARM".into(), row.parm.to_string());
            words.extend(row.kept.iter().map(|(word, value)| (word.to_owned(), value.to_owned())));
            format!("${}", row.name)
        }
        Subject::Location(id) => {
            let Some(row) = location::by_id(tx, id)? else { return Ok(None) };
            let device = match (&row.device_name, row.whole_group) {
                (Some(device), _) => device.guardian(),
                (None, true) => format!("#{}", row.group.name),
                (None, false) => "NONE".to_owned(),
            };
            words.insert("DEV".into(), device);
            words.insert("CONTENT".into(), content_word(row.content).to_string());
            words.insert("FONT".into(), row.font.map_or_else(|| "NONE".to_owned(), |font| font.to_string()));
            words.insert(KIND.into(), row.kind.word().into());
            row.name.to_string()
        }
        Subject::Collector(id) => {
            let Some(row) = collector::by_id(tx, id)? else { return Ok(None) };
            words.extend(row.file.map(|file| ("FILE".to_owned(), file)));
            words.extend(row.kept.iter().map(|(word, value)| (word.to_owned(), value.to_owned())));
            format!("${}", row.name)
        }
        Subject::Group(id) => {
            let Some(name) = location::group_name(tx, id)? else { return Ok(None) };
            let row = location::group(tx, &name)?;
            let (on, declared) = row.map_or((false, false), |row| (row.broadcast, row.declared));
            words.insert("BROADCAST".into(), if on { "ON" } else { "OFF" }.into());
            words.insert(DECLARED.into(), if declared { "YES" } else { "NO" }.into());
            format!("#{name}")
        }
        Subject::Kept(class, id) => {
            let Some(name) = object::name_of(tx, id)? else { return Ok(None) };
            words = object::texts(tx, class, id)?;
            words.remove(MESSAGE);
            format!("{class} {name}")
        }
        Subject::Spool => {
            let Some(found) = spool::words(tx)? else { return Ok(None) };
            words = found;
            String::new()
        }
    };
    if let Some(owner) = subject.owner() {
        words.insert("ACCESS".into(), access::of(tx, owner)?.to_string());
    }
    if let Some(holder) = subject.holder() {
        let given = managed::of(tx, holder)?;
        let given = given.iter().filter(|(field, _)| field.stored() != MESSAGE);
        words.extend(given.map(|(field, value)| (field.stored().to_owned(), text(value))));
    }
    Ok(Some((name, words)))
}

columns!(at { name, words });

/// Returns the name that was remembered of an object, and its words unless it was deleted.
fn remembered(tx: &Tx<'_>, kind: &str, id: i64) -> Fallible<Option<(String, Option<Words>)>> {
    let sql = made_once!("SELECT {} FROM config WHERE object = ? AND object_id = ?", at::LIST);
    let found = tx
        .one(sql, values![kind, id], |row| Ok((row.get::<String>(at::name)?, row.get::<Option<String>>(at::words)?)))?;
    let Some((name, words)) = found else { return Ok(None) };
    let bad = |_| Failure::internal("spool.db: the text of a configuration is unknown");
    Ok(Some((name, words.map(|text| serde_json::from_str(&text).map_err(bad)).transpose()?)))
}

fn remember(tx: &Tx<'_>, subject: Subject, name: &str, words: Option<&Words>) -> Fallible<()> {
    let (kind, id) = subject.stored();
    let bad = |error: serde_json::Error| Failure::internal(format!("configuration: {error}"));
    let words = words.map(serde_json::to_string).transpose().map_err(bad)?;
    tx.run(
        "INSERT INTO config (object, object_id, name, words) VALUES (?, ?, ?, ?)
         ON CONFLICT (object, object_id) DO UPDATE SET name = excluded.name, words = excluded.words",
        values![kind, id, name, words],
    )?;
    Ok(())
}

/// Writes down how the event `event` has changed its object.
pub(super) fn see(tx: &Tx<'_>, object: Object, what: &EventWord, event: i64) -> Fallible<()> {
    match Subject::of(object) {
        Some(subject) => compare(tx, subject, what, event),
        None => Ok(()),
    }
}

/// The same of a group, whose events are those of the spool.
pub(super) fn see_group(tx: &Tx<'_>, group: GroupId, what: &EventWord, event: i64) -> Fallible<()> {
    // Which group it was, even where no word of it has changed.
    let (kind, id) = Subject::Group(group).stored();
    tx.run(INSERT, values![event, kind, id, ITSELF, None::<String>, None::<String>])?;
    compare(tx, Subject::Group(group), what, event)
}

fn compare(tx: &Tx<'_>, subject: Subject, what: &EventWord, event: i64) -> Fallible<()> {
    let (kind, id) = subject.stored();
    // The spool itself is never deleted: its event tells of something without an object of its own.
    let deleted = *what == EventWord::Deleted && !matches!(subject, Subject::Spool);
    let before = match remembered(tx, kind, id)? {
        // Nothing of it was ever changed. While it is there its name can be kept.
        None if deleted => now(tx, subject)?.map(|(name, words)| (name, Some(words))),
        found => found,
    };
    let found = if deleted { None } else { now(tx, subject)? };
    let usual = subject.usual();
    let is_usual = |word: &String, value: &String| usual.get(word) == Some(value);
    let mut changes = Vec::new();
    let mut change = |word: &str, old: Option<&String>, new: Option<&String>| {
        changes.push(ConfigChange { word: word.to_owned(), old: old.cloned(), new: new.cloned() });
    };
    match (&before, &found) {
        (Some((_, Some(old))), None) => {
            old.iter().filter(|(word, value)| !is_usual(word, value)).for_each(|(word, v)| change(word, Some(v), None));
        }
        (Some((old_name, Some(old))), Some((name, new))) => {
            if old_name != name {
                change("NAME", Some(old_name), Some(name));
            }
            for (word, value) in new.iter().filter(|(word, value)| old.get(*word) != Some(value)) {
                change(word, old.get(word), Some(value));
            }
            old.iter().filter(|(word, _)| !new.contains_key(*word)).for_each(|(word, v)| change(word, Some(v), None));
        }
        (_, Some((_, new))) => {
            new.iter().filter(|(word, value)| !is_usual(word, value)).for_each(|(word, v)| change(word, None, Some(v)));
        }
        (_, None) => {}
    }
    match (&before, &found) {
        (_, Some((name, words))) => remember(tx, subject, name, Some(words))?,
        (Some((name, _)), None) => remember(tx, subject, name, None)?,
        (None, None) => {}
    }
    tx.batch(INSERT, changes, |one, take| take(values![event, kind, id, one.word, one.old, one.new]))
}

/// Forgets what an event has made of the configuration of its object, and the object if that was its end.
pub(super) fn forget(tx: &Tx<'_>, event: i64) -> Fallible<()> {
    tx.run(
        "DELETE FROM config WHERE words IS NULL AND (object, object_id) IN (
             SELECT object, object_id FROM event WHERE id = ?1 AND what = ?2
             UNION SELECT c.object, c.object_id FROM config_change c JOIN event e ON e.id = c.event_id
                   WHERE c.event_id = ?1 AND e.what = ?2)",
        values![event, EventWord::Deleted],
    )?;
    tx.run("DELETE FROM config_change WHERE event_id = ?", values![event])?;
    Ok(())
}

/// Remembers the configuration of every object that is there: changes are compared with that from then on.
pub(super) fn begin(tx: &Tx<'_>) -> Fallible<()> {
    let mut subjects = vec![Subject::Spool];
    let ids = |sql: &str| tx.rows(sql, &[], |row| row.only::<i64>());
    subjects.extend(ids("SELECT id FROM device")?.into_iter().map(|id| Subject::Device(DeviceId(id))));
    subjects.extend(ids("SELECT id FROM process")?.into_iter().map(|id| Subject::Process(ProcessId(id))));
    subjects.extend(ids("SELECT id FROM location")?.into_iter().map(|id| Subject::Location(LocationId(id))));
    subjects.extend(ids("SELECT id FROM collector")?.into_iter().map(|id| Subject::Collector(CollectorId(id))));
    subjects.extend(ids("SELECT id FROM location_group")?.into_iter().map(|id| Subject::Group(GroupId(id))));
    for (class, id) in object::identities(tx)? {
        subjects.push(Subject::Kept(class, id));
    }
    for subject in subjects {
        if let Some((name, words)) = now(tx, subject)? {
            remember(tx, subject, &name, Some(&words))?;
        }
    }
    Ok(())
}

/// Returns the name of the object of an event, as it was last.
pub(crate) fn name(tx: &Tx<'_>, kind: &str, id: i64) -> Fallible<Option<String>> {
    let sql = "SELECT name FROM config WHERE object = ? AND object_id = ?";
    tx.one(sql, values![kind, id], |row| row.only())
}

columns!(change { object, object_id, word, old, new });

/// The object whose configuration an event changed, and how.
pub(crate) type Changed = ((String, i64), Option<ConfigChange>);

/// Returns what an event has made of the configuration of its object.
pub(crate) fn changes(tx: &Tx<'_>, event: i64) -> Fallible<Vec<Changed>> {
    let sql = made_once!("SELECT {} FROM config_change WHERE event_id = ? ORDER BY id", change::LIST);
    tx.rows(sql, values![event], |row| {
        let word: String = row.get(change::word)?;
        let change = match word.as_str() {
            ITSELF => None,
            _ => Some(ConfigChange { word, old: row.get(change::old)?, new: row.get(change::new)? }),
        };
        Ok(((row.get(change::object)?, row.get(change::object_id)?), change))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;
    use crate::store::event::record;

    #[test]
    fn a_change_is_told_with_both_values_and_what_is_gone_keeps_its_name_as_long_as_its_last_event() {
        let memory = Memory::new();
        let tx = memory.tx();
        let id = device::insert(&tx, &"LP1".parse().unwrap()).unwrap();
        let object = Object::Device(id);
        record(&tx, object, EventWord::Declared, "").unwrap();
        let mut settings = device::by_id(&tx, id).unwrap().unwrap().settings;
        settings.apply(&DeviceChange::Speed(700));
        device::set_settings(&tx, id, &settings).unwrap();
        record(&tx, object, EventWord::Altered, "SPEED 700").unwrap();
        device::delete(&tx, id).unwrap();
        record(&tx, object, EventWord::Deleted, "$LP1").unwrap();
        let events = crate::store::event::notable(&tx, i64::MIN).unwrap();
        type Told = (String, Option<String>, Option<String>);
        let told: Vec<Vec<Told>> = events
            .iter()
            .map(|event| changes(&tx, event.id).unwrap())
            .map(|all| all.into_iter().filter_map(|(_, one)| one).map(|one| (one.word, one.old, one.new)).collect())
            .collect();
        let speed = |old: Option<&str>, new: Option<&str>| {
            vec![("SPEED".to_owned(), old.map(str::to_owned), new.map(str::to_owned))]
        };
        assert_eq!(told, [vec![], speed(Some("100"), Some("700")), speed(Some("700"), None)]);
        assert_eq!(name(&tx, "device", id.0).unwrap().as_deref(), Some("$LP1"));
        for event in &events {
            assert!(name(&tx, "device", id.0).unwrap().is_some());
            forget(&tx, event.id).unwrap();
        }
        assert_eq!(name(&tx, "device", id.0).unwrap(), None);
    }
}
