//! What a change says to the log file of the spooler (ERRLOG): the events of everything but jobs.
//!
//! Lines are made inside the change, where names are known, and written after its commit. A spool without a log file makes
//! none.

use std::cell::RefCell;

use crate::model::event::EventWord;
use crate::model::{DeviceName, ProcessName};

use super::event::Object;
use super::value::values;
use super::{Fallible, Tx, spool};

/// One event that was recorded in the running change.
#[derive(Clone, Debug)]
struct Seen {
    object: Object,
    at_ms: i64,
    who: String,
    what: EventWord,
    why: String,
}

/// A line for the log file, without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it happened, wall clock.
    pub at_ms: i64,
    /// What it says.
    pub text: String,
}

/// What a change has to say, and the log file as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// The log file.
    pub log: String,
    /// The lines.
    pub lines: Vec<Notice>,
}

thread_local! {
    // A change is carried out by one thread from its beginning to its end.
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// Takes note of an event. Those of jobs are their own history, and far too many.
pub(super) fn see(tx: &Tx<'_>, object: Object, what: &EventWord, why: &str) {
    if matches!(object, Object::Job(_)) {
        return;
    }
    let seen =
        Seen { object, at_ms: tx.now().wall_ms, who: tx.who().to_owned(), what: what.clone(), why: why.to_owned() };
    SEEN.with_borrow_mut(|all| all.push(seen));
}

/// Forgets what was noted: a change begins.
pub(crate) fn begin() {
    SEEN.with_borrow_mut(Vec::clear);
}

/// Returns what the change has to say; none when nobody wants to hear it.
pub(crate) fn take(tx: &Tx<'_>) -> Fallible<Option<Notices>> {
    let seen = SEEN.take();
    if seen.is_empty() {
        return Ok(None);
    }
    let Some(log) = spool::error_log(tx)? else { return Ok(None) };
    let lines = seen.into_iter().map(|one| {
        let mut text = format!("{} {}", name(tx, one.object)?, one.what.word());
        for more in [&one.why, &one.who] {
            if !more.is_empty() {
                text.push_str(if std::ptr::eq(more, &one.who) { " by " } else { ": " });
                text.push_str(more);
            }
        }
        Ok(Notice { at_ms: one.at_ms, text })
    });
    Ok(Some(Notices { log, lines: lines.collect::<Fallible<_>>()? }))
}

/// Returns the name of an object as SPOOLCOM writes it. Of one that was deleted the event says it.
fn name(tx: &Tx<'_>, object: Object) -> Fallible<String> {
    Ok(match object {
        Object::Job(_) => String::new(),
        Object::Spool => "SPOOLER".to_owned(),
        Object::Kept(class, _) => class.word().to_uppercase(),
        Object::Device(id) => {
            let found = tx.one("SELECT name FROM device WHERE id = ?", values![id], |row| row.only::<DeviceName>())?;
            found.map_or_else(|| "DEV".to_owned(), |name| format!("DEV {}", name.guardian()))
        }
        Object::Process(id) => {
            let found =
                tx.one("SELECT name FROM process WHERE id = ?", values![id], |row| row.only::<ProcessName>())?;
            found.map_or_else(|| "PRINT".to_owned(), |name| format!("PRINT ${name}"))
        }
        Object::Collector(id) => {
            let found = tx.one("SELECT name FROM collector WHERE id = ?", values![id], |row| row.only::<String>())?;
            found.map_or_else(|| "COLLECT".to_owned(), |name| format!("COLLECT ${name}"))
        }
        Object::Location(id) => {
            let sql = "SELECT '#' || g.name || '.' || l.dest FROM location l JOIN location_group g ON l.group_id = g.id
                        WHERE l.id = ?";
            let found = tx.one(sql, values![id], |row| row.only::<String>())?;
            found.map_or_else(|| "LOC".to_owned(), |name| format!("LOC {name}"))
        }
    })
}
