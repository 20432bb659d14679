//! Rows of print processes.

use crate::model::kept::KeptWords;
use crate::model::process::ProcessChange;
use crate::model::state::ErrorNote;
use crate::model::{Failure, ProcessId, ProcessName};

use super::value::{columns, values};
use super::{Fallible, Row, Tx, page};

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
    /// Words that mean nothing here.
    pub kept: KeptWords,
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

columns!(at {
    id,
    name,
    file,
    parm,
    epoch,
    running,
    running_boot,
    pid,
    error_number,
    error_text,
    error_since_ms,
    death_1,
    death_2,
    kept,
});

fn read(row: &Row<'_>) -> Fallible<ProcessRow> {
    Ok(ProcessRow {
        id: row.get(at::id)?,
        name: row.get(at::name)?,
        file: row.get(at::file)?,
        parm: row.get(at::parm)?,
        kept: row.get::<Option<String>>(at::kept)?.map(|text| KeptWords::from_stored(&text)).unwrap_or_default(),
        epoch: row.get(at::epoch)?,
        running: row.get(at::running)?,
        running_boot: row.get(at::running_boot)?,
        pid: row.get(at::pid)?,
        error: match row.get(at::error_number)? {
            Some(number) => Some(ErrorNote {
                number,
                text: row.get::<Option<String>>(at::error_text)?.unwrap_or_default(),
                since_ms: row.get::<Option<i64>>(at::error_since_ms)?.unwrap_or(0),
                next_try_ms: None,
                tries: 0,
            }),
            None => None,
        },
        deaths: [row.get(at::death_1)?, row.get(at::death_2)?],
    })
}

/// The process of that name.
pub(crate) fn by_name(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<ProcessRow>> {
    tx.one(&by_name_sql(), values![name.key()], read)
}

pub(super) fn by_name_sql() -> String {
    format!("SELECT {} FROM process WHERE name_key = ?", at::LIST)
}

/// The process with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: ProcessId) -> Fallible<Option<ProcessRow>> {
    tx.one(&format!("SELECT {} FROM process WHERE id = ?", at::LIST), values![id], read)
}

/// Whether this epoch of a process runs.
pub(crate) fn runs(tx: &Tx<'_>, id: ProcessId, epoch: u64) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM process WHERE id = ? AND epoch = ? AND running <> ?", values![id, epoch, false])
}

/// Processes by name after `after`, one page.
pub(crate) fn list(tx: &Tx<'_>, after: Option<&ProcessName>) -> Fallible<Vec<ProcessRow>> {
    let after = after.map_or_else(String::new, ProcessName::key);
    tx.rows(
        &format!("SELECT {} FROM process WHERE name_key > ? ORDER BY name_key LIMIT ?", at::LIST),
        values![after, page(u32::MAX)],
        read,
    )
}

/// The names of the processes whose rows say running.
pub(crate) fn running(tx: &Tx<'_>) -> Fallible<Vec<ProcessName>> {
    tx.rows(RUNNING, values![false], |row| row.only())
}

pub(super) const RUNNING: &str = "SELECT name FROM process WHERE running <> ?";

/// Declares a process.
pub(crate) fn insert(tx: &Tx<'_>, name: &ProcessName) -> Fallible<ProcessId> {
    let id = tx.insert(
        "INSERT INTO process (name, name_key, file, parm, epoch, running) VALUES (?, ?, NULL, ?, ?, ?)",
        values![name.as_str(), name.key(), 0_u16, 0_u64, false],
    )?;
    Ok(ProcessId(id))
}

impl ProcessRow {
    /// Applies one change.
    pub(crate) fn apply(&mut self, change: &ProcessChange) {
        match change.clone() {
            ProcessChange::File(file) => self.file = Some(file),
            ProcessChange::Parm(parm) => self.parm = parm,
            ProcessChange::Kept(word) => self.kept.keep(word),
        }
    }

    /// Whether both have the same attributes.
    pub(crate) fn is_declared_as(&self, other: &Self) -> bool {
        (&self.file, self.parm, &self.kept) == (&other.file, other.parm, &other.kept)
    }
}

/// Stores the attributes of a process.
pub(crate) fn set_attributes(tx: &Tx<'_>, row: &ProcessRow) -> Fallible<()> {
    tx.change(
        "the print process",
        "UPDATE process SET file = ?, parm = ?, kept = ? WHERE id = ?",
        values![row.file, row.parm, row.kept.stored(), row.id],
    )
}

/// Removes a process.
pub(crate) fn delete(tx: &Tx<'_>, id: ProcessId) -> Fallible<()> {
    tx.change("the print process", "DELETE FROM process WHERE id = ?", values![id])
}

/// Begins an epoch: the row says running from now on. Returns the new epoch.
pub(crate) fn begin_epoch(tx: &Tx<'_>, id: ProcessId, pid: u32) -> Fallible<u64> {
    let epoch = tx.one(
        "UPDATE process SET epoch = epoch + 1, running = ?, running_boot = ?, pid = ? WHERE id = ? RETURNING epoch",
        values![true, tx.now().boot_id, pid, id],
        |row| row.only(),
    )?;
    epoch.ok_or_else(|| Failure::internal("a print process without a row began"))
}

/// Clears the running row of an epoch.
pub(crate) fn end_epoch(tx: &Tx<'_>, id: ProcessId, epoch: u64) -> Fallible<()> {
    tx.change(
        "the print process",
        "UPDATE process SET running = ?, running_boot = NULL, pid = NULL WHERE id = ? AND epoch = ?",
        values![false, id, epoch],
    )
}

/// Sets or clears the error and the memory of deaths.
pub(crate) fn set_error(
    tx: &Tx<'_>,
    id: ProcessId,
    error: Option<&ErrorNote>,
    deaths: [Option<i64>; 2],
) -> Fallible<()> {
    tx.change(
        "the print process",
        "UPDATE process SET error_number = ?, error_text = ?, error_since_ms = ?, death_1 = ?, death_2 = ? WHERE id = ?",
        values![
            error.map(|e| e.number),
            error.map(|e| e.text.as_str()),
            error.map(|e| e.since_ms),
            deaths[0],
            deaths[1],
            id
        ],
    )
}
