//! Looking for damage in the database: pages that do not hold together, rows that refer to nothing, counters that are wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{Fallible, Session, Store, backup, broken, schema};
use crate::model::state::{EntryState, HoldReasons};
use crate::model::{Call, Failure, FailureKind};
use crate::store::change::{self, Standing};
use crate::store::tally;
use crate::store::value::Bind;
use crate::sys::limits;

/// What was found in a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Pages and indexes that do not hold together, in the words of the engine. Such a database must not be used.
    pub pages: Vec<String>,
    /// Rows that refer to nothing, or lack what belongs to them.
    pub rows: Vec<RowFault>,
    /// Counters that differ from the rows.
    pub counters: Vec<RowFault>,
}

/// Rows that do not fit the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// What they are about: "job 7".
    pub object: String,
    /// What is wrong.
    pub text: String,
}

/// Complaints that are listed at most.
const MOST: usize = 100;

/// What must fit between rows: the object, what is wrong with it, and the query that finds it by number.
struct Rule {
    object: &'static str,
    text: &'static str,
    sql: &'static str,
    values: &'static [&'static dyn Bind],
}

const RULES: &[Rule] = &[
    Rule {
        object: "job",
        text: "has no document",
        sql: "SELECT number FROM job WHERE NOT EXISTS (SELECT 1 FROM document WHERE job_id = job.id)",
        values: &[],
    },
    Rule {
        object: "job",
        text: "has no place in a queue",
        sql: "SELECT number FROM job WHERE NOT EXISTS (SELECT 1 FROM entry WHERE job_id = job.id)",
        values: &[],
    },
    Rule {
        object: "job",
        text: "waits to be printed although it is held",
        sql: "SELECT number FROM job WHERE reasons <> ?
                AND EXISTS (SELECT 1 FROM entry WHERE job_id = job.id AND state = ?)",
        values: &[&HoldReasons::NONE, &EntryState::Queued],
    },
    Rule {
        object: "job",
        text: "is claimed by a print process that is not declared",
        sql: "SELECT j.number FROM entry e JOIN job j ON j.id = e.job_id
               WHERE e.state IN (?, ?) AND NOT EXISTS (SELECT 1 FROM process WHERE id = e.process_id)",
        values: &[&EntryState::Claimed, &EntryState::Transferred],
    },
    Rule {
        object: "job",
        text: "has a number above the last one that was given",
        sql: "SELECT number FROM job WHERE serial > (SELECT last_serial FROM spool)",
        values: &[],
    },
    Rule {
        object: "job",
        text: "came by a collector that is not declared",
        sql: "SELECT number FROM job WHERE collector IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM collector WHERE name = job.collector)",
        values: &[],
    },
    Rule {
        object: "job",
        text: "is in the history and in the queues",
        sql: "SELECT j.number FROM job j JOIN finished f ON f.job_id = j.id",
        values: &[],
    },
    Rule {
        object: "generation",
        text: "counts, and has a higher number than the one that is said to count",
        sql: "SELECT number FROM issued
               WHERE standing = ? AND number > (SELECT coalesce(max(generation), 0) FROM change_control)",
        values: &[&Standing::Committed],
    },
    Rule {
        object: "generation",
        text: "is prepared beside another one",
        sql: "SELECT number FROM issued
               WHERE standing = ? AND number < (SELECT max(number) FROM issued WHERE standing = ?)",
        values: &[&Standing::Prepared, &Standing::Prepared],
    },
];

/// Looks at the whole database at `path`.
///
/// # Errors
/// When it cannot be opened at all, or is newer than this program. Damage is no error.
pub fn examine(path: &Path) -> Fallible<Damage> {
    let session = backup::open(path)?;
    let mut damage = Damage::default();
    match session.version() {
        Ok(version) => schema::check(version)?,
        Err(failure) if is_lack_of_memory(&failure.message) => return Err(failure),
        Err(failure) => {
            damage.pages.push(failure.message);
            return Ok(damage);
        }
    }
    // What stops the engine in the middle is damage, too.
    match look(&session, &mut damage) {
        Err(failure) if is_lack_of_memory(&failure.message) => return Err(failure),
        Err(failure) => damage.pages.push(failure.message),
        Ok(()) => {}
    }
    Ok(damage)
}

fn look(session: &Session, damage: &mut Damage) -> Fallible<()> {
    let (db, version) = (&session.db, session.version()?);
    damage.pages.extend(complaints(db, &format!("PRAGMA integrity_check({MOST})"))?);
    if !damage.pages.is_empty() || version < schema::VERSION {
        return Ok(());
    }
    let mut orphans = db.prepare("PRAGMA foreign_key_check")?;
    let orphans = orphans
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?)))?;
    for orphan in orphans.take(MOST) {
        let (table, row, parent) = orphan?;
        let object = format!("{table} {}", row.map_or_else(String::new, |row| row.to_string()));
        damage.rows.push(RowFault { object, text: format!("belongs to a {parent} that does not exist") });
    }
    // One state of the spool for all that is compared: others submit and print meanwhile.
    session.look(&Call::timeless(), |tx| {
        for rule in RULES {
            let mut left = MOST;
            tx.each(rule.sql, rule.values, |row| {
                let number: i64 = row.only()?;
                if left > 0 {
                    left -= 1;
                    let object = format!("{} {number}", rule.object);
                    damage.rows.push(RowFault { object, text: rule.text.to_owned() });
                }
                Ok(())
            })?;
        }
        let odd = change::unreadable(tx)?.into_iter().take(MOST);
        damage.rows.extend(odd.map(|object| RowFault { object, text: "has edits that cannot be read".to_owned() }));
        let wrong = tally::wrong(tx)?.into_iter();
        damage.counters.extend(wrong.map(|(object, text)| RowFault { object, text }));
        Ok(())
    })??;
    Ok(())
}

/// Returns what a check says, unless it says "ok".
fn complaints(db: &Connection, check: &str) -> Fallible<Vec<String>> {
    let mut lines = db.prepare(check)?;
    let lines = lines.query_map([], |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    // Pages that could not be read for want of memory are not damaged, nor is what was not counted on them.
    if lines.iter().any(|line| is_lack_of_memory(line)) {
        return Err(Failure::new(FailureKind::Io, format!("spool.db: {OUT_OF_MEMORY}")).hint(limits::no_memory()));
    }
    Ok(if lines.len() == 1 && lines[0] == "ok" { Vec::new() } else { lines })
}

/// Tables in the order in which they are looked at when time is short: what decides about jobs first, history last.
const BY_WEIGHT: &[&str] = &[
    "spool",
    "collector",
    "process",
    "device",
    "route",
    "location_group",
    "location",
    "requirement_class",
    "job",
    "entry",
    "document",
    "submission",
    "local_counter",
    "job_value",
    "managed_value",
    "finished",
    "event",
];

impl Store {
    /// Looks for damaged pages for at most `limit`, what decides about jobs first. True when everything was looked at.
    ///
    /// # Errors
    /// `Unreachable`, with the way out, when a page is damaged.
    pub fn look_for_damage(&self, limit: Duration) -> Fallible<bool> {
        let until = Instant::now() + limit;
        let mut session = Session::open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // Asked every few thousand steps of the engine: that is well below a millisecond.
        session.db.progress_handler(4096, Some(move || Instant::now() > until))?;
        for table in BY_WEIGHT {
            match complaints(&session.db, &format!("PRAGMA quick_check({table})")) {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Err(broken(lines.join("; "))),
                Err(failure) if is_interrupted(&failure.message) => return Ok(false),
                Err(failure) => return Err(failure),
            }
        }
        Ok(true)
    }
}

/// What the engine says when it got no memory.
const OUT_OF_MEMORY: &str = "out of memory";

/// Tells whether a message of the engine is about memory: by its words, or by the number of that error.
fn is_lack_of_memory(message: &str) -> bool {
    message.contains(OUT_OF_MEMORY) || message.ends_with("error code=7")
}

/// Tells whether the engine stopped because its time was over.
fn is_interrupted(message: &str) -> bool {
    message.contains("interrupted")
}
