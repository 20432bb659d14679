//! Rows of print processes.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::process::ProcessChange;
use crate::model::state::ErrorNote;
use crate::model::time::Moment;
use crate::model::{ProcessId, ProcessName};

use super::{Fallible, name, page, signed, unsigned};

/// A print process as stored.
#[derive(Clone, Debug)]
pub struct ProcessRow {
    /// Identity.
    pub id: ProcessId,
    /// Name.
    pub name: ProcessName,
    /// Program; none = independent.
    pub file: Option<String>,
    /// PARM.
    pub parm: u16,
    /// How often it was started.
    pub epoch: u64,
    /// Whether it was running when it last wrote.
    pub running: bool,
    /// The boot in which it runs.
    pub running_boot: Option<String>,
    /// Its process id then.
    pub pid: Option<u32>,
    /// The error it is in.
    pub error: Option<ErrorNote>,
    /// Spool times of its last two deaths, the later one second.
    pub deaths: [Option<i64>; 2],
}

const COLUMNS: &str =
    "id, name, file, parm, epoch, running, running_boot, pid, error_number, error_text, error_since_ms,
                       death_1, death_2";

fn read(row: &Row<'_>) -> rusqlite::Result<ProcessRow> {
    let number: Option<u32> = row.get(8)?;
    let text: Option<String> = row.get(9)?;
    Ok(ProcessRow {
        id: ProcessId(row.get(0)?),
        name: name(&row.get::<_, String>(1)?)?,
        file: row.get(2)?,
        parm: row.get(3)?,
        epoch: unsigned(row.get(4)?),
        running: row.get(5)?,
        running_boot: row.get(6)?,
        pid: row.get(7)?,
        error: match number {
            Some(number) => Some(ErrorNote {
                number,
                text: text.unwrap_or_default(),
                since_ms: row.get::<_, Option<i64>>(10)?.unwrap_or(0),
                next_try_ms: None,
                tries: 0,
            }),
            None => None,
        },
        deaths: [row.get(11)?, row.get(12)?],
    })
}

/// The process of that name.
///
/// # Errors
/// When it cannot be read.
pub fn by_name(db: &Connection, name: &ProcessName) -> Fallible<Option<ProcessRow>> {
    let mut statement = db.prepare_cached(&by_name_sql())?;
    Ok(statement.query_row([name.key()], read).optional()?)
}

pub(super) fn by_name_sql() -> String {
    format!("SELECT {COLUMNS} FROM process WHERE name_key = ?")
}

/// The process with that identity.
///
/// # Errors
/// When it cannot be read.
pub fn by_id(db: &Connection, id: ProcessId) -> Fallible<Option<ProcessRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM process WHERE id = ?"))?;
    Ok(statement.query_row([id.0], read).optional()?)
}

/// Processes by name after `after`, one page.
///
/// # Errors
/// When they cannot be read.
pub fn list(db: &Connection, after: Option<&ProcessName>) -> Fallible<Vec<ProcessRow>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM process WHERE name_key > ? ORDER BY name_key LIMIT ?"))?;
    let after = after.map_or_else(String::new, ProcessName::key);
    let rows = statement.query_map(params![after, page(u32::MAX)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The names of the processes whose rows say running.
///
/// # Errors
/// When they cannot be read.
pub fn running(db: &Connection) -> Fallible<Vec<ProcessName>> {
    let mut statement = db.prepare_cached(RUNNING)?;
    let rows = statement.query_map([], |row| name(&row.get::<_, String>(0)?))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) const RUNNING: &str = "SELECT name FROM process WHERE running <> 0";

/// Declares a process.
///
/// # Errors
/// When the name is taken.
pub fn insert(db: &Connection, name: &ProcessName) -> Fallible<ProcessId> {
    db.execute(
        "INSERT INTO process (name, name_key, file, parm, epoch, running) VALUES (?, ?, NULL, 0, 0, 0)",
        params![name.as_str(), name.key()],
    )?;
    Ok(ProcessId(db.last_insert_rowid()))
}

/// Alters a process.
///
/// # Errors
/// When it cannot be written.
pub fn apply(db: &Connection, id: ProcessId, change: &ProcessChange) -> Fallible<()> {
    match change {
        ProcessChange::File(file) => db.execute("UPDATE process SET file = ? WHERE id = ?", params![file, id.0])?,
        ProcessChange::Parm(parm) => db.execute("UPDATE process SET parm = ? WHERE id = ?", params![parm, id.0])?,
    };
    Ok(())
}

/// Removes a process.
///
/// # Errors
/// When it cannot be written.
pub fn delete(db: &Connection, id: ProcessId) -> Fallible<()> {
    db.execute("DELETE FROM process WHERE id = ?", [id.0])?;
    Ok(())
}

/// Begins an epoch: the row says running from now on. Returns the new epoch.
///
/// # Errors
/// When it cannot be written.
pub fn begin_epoch(db: &Connection, id: ProcessId, pid: u32, now: &Moment) -> Fallible<u64> {
    let epoch: i64 = db.query_row(
        "UPDATE process SET epoch = epoch + 1, running = 1, running_boot = ?, pid = ? WHERE id = ? RETURNING epoch",
        params![now.boot_id, pid, id.0],
        |row| row.get(0),
    )?;
    Ok(unsigned(epoch))
}

/// Clears the running row of an epoch.
///
/// # Errors
/// When it cannot be written.
pub fn end_epoch(db: &Connection, id: ProcessId, epoch: u64) -> Fallible<()> {
    db.execute(
        "UPDATE process SET running = 0, running_boot = NULL, pid = NULL WHERE id = ? AND epoch = ?",
        params![id.0, signed(epoch)],
    )?;
    Ok(())
}

/// Sets or clears the error and the memory of deaths.
///
/// # Errors
/// When it cannot be written.
pub fn set_error(db: &Connection, id: ProcessId, error: Option<&ErrorNote>, deaths: [Option<i64>; 2]) -> Fallible<()> {
    db.execute(
        "UPDATE process SET error_number = ?, error_text = ?, error_since_ms = ?, death_1 = ?, death_2 = ? WHERE id = ?",
        params![
            error.map(|e| e.number),
            error.map(|e| e.text.as_str()),
            error.map(|e| e.since_ms),
            deaths[0],
            deaths[1],
            id.0
        ],
    )?;
    Ok(())
}
