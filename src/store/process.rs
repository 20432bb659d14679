//! Rows of print processes.

use crate::model::kept::KeptWords;
use crate::model::process::ProcessChange;
use crate::model::state::ErrorNote;
use crate::model::{Failure, ProcessId, ProcessName};

use super::tally::{self, Counts};
use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx, page};

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
    /// The server on whose host it runs: boot and process id are of that host.
    pub running_server: Option<String>,
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
    running_server,
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
        running_server: row.get(at::running_server)?,
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

/// Returns the process of that name.
pub(crate) fn by_name(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<ProcessRow>> {
    noted(tx, tx.one(made_once!("SELECT {} FROM process WHERE name_key = ?", at::LIST), values![name.key()], read)?)
}

/// Returns the process with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: ProcessId) -> Fallible<Option<ProcessRow>> {
    noted(tx, tx.one(by_id_sql(), values![id], read)?)
}

pub(super) fn by_id_sql() -> &'static str {
    made_once!("SELECT {} FROM process WHERE id = ?", at::LIST)
}

fn noted(tx: &Tx<'_>, found: Option<ProcessRow>) -> Fallible<Option<ProcessRow>> {
    if let Some(row) = &found {
        tx.has_read(Lock::Process(row.id));
    }
    Ok(found)
}

pub(super) const ID_OF: &str = "SELECT id FROM process WHERE name_key = ?";

/// Returns the process of that name, locked: to decide from it.
pub(crate) fn to_change(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<ProcessRow>> {
    match tx.one(ID_OF, values![name.key()], |row| row.only())? {
        Some(id) => lock(tx, id),
        None => Ok(None),
    }
}

/// Returns the process with that identity, locked: to decide from it.
pub(crate) fn lock(tx: &Tx<'_>, id: ProcessId) -> Fallible<Option<ProcessRow>> {
    tx.lock(Lock::Process(id))?;
    by_id(tx, id)
}

/// Tells whether this epoch of a process runs.
pub(crate) fn runs(tx: &Tx<'_>, id: ProcessId, epoch: u64) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM process WHERE id = ? AND epoch = ? AND running <> ?", values![id, epoch, false])
}

/// Returns processes by name after `after`, one page.
pub(crate) fn list(tx: &Tx<'_>, after: Option<&ProcessName>) -> Fallible<Vec<ProcessRow>> {
    let after = after.map_or_else(String::new, ProcessName::key);
    tx.rows(
        made_once!("SELECT {} FROM process WHERE name_key > ? ORDER BY name_key LIMIT ?", at::LIST),
        values![after, page(u32::MAX)],
        read,
    )
}

/// Returns the processes whose rows say running.
pub(crate) fn running(tx: &Tx<'_>) -> Fallible<Vec<ProcessId>> {
    tx.rows(RUNNING, values![false], |row| row.only())
}

pub(super) const RUNNING: &str = "SELECT id FROM process WHERE running <> ?";

/// Declares a process.
pub(crate) fn insert(tx: &Tx<'_>, name: &ProcessName) -> Fallible<ProcessId> {
    let id = tx.insert(
        "INSERT INTO process (name, name_key, file, parm, epoch, running) VALUES (?, ?, NULL, ?, ?, ?)",
        values![name.as_str(), name.key(), 0_u16, 0_u64, false],
    )?;
    tally::add(tx, Counts { processes: 1, ..Counts::default() })?;
    tx.has_made(Lock::Process(ProcessId(id)));
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
    tx.demand_lock(Lock::Process(row.id))?;
    tx.change(
        "the print process",
        "UPDATE process SET file = ?, parm = ?, kept = ? WHERE id = ?",
        values![row.file, row.parm, row.kept.stored(), row.id],
    )
}

/// Removes a process.
pub(crate) fn delete(tx: &Tx<'_>, id: ProcessId) -> Fallible<()> {
    tx.demand_lock(Lock::Process(id))?;
    tx.change("the print process", "DELETE FROM process WHERE id = ?", values![id])?;
    tally::add(tx, Counts { processes: -1, ..Counts::default() })
}

/// Begins an epoch: the row says running from now on, with this process id on the host of `server`. Returns the new epoch.
pub(crate) fn begin_epoch(tx: &Tx<'_>, id: ProcessId, server: &str, pid: u32) -> Fallible<u64> {
    tx.demand_lock(Lock::Process(id))?;
    let epoch = tx.one(
        "UPDATE process SET epoch = epoch + 1, running = ?, running_server = ?, running_boot = ?, pid = ? WHERE id = ?
         RETURNING epoch",
        values![true, server, tx.now().boot_id, pid, id],
        |row| row.only(),
    )?;
    epoch.ok_or_else(|| Failure::internal("a print process without a row began"))
}

/// Clears the running row of an epoch.
pub(crate) fn end_epoch(tx: &Tx<'_>, id: ProcessId, epoch: u64) -> Fallible<()> {
    tx.demand_lock(Lock::Process(id))?;
    tx.change(
        "the print process",
        "UPDATE process SET running = ?, running_server = NULL, running_boot = NULL, pid = NULL WHERE id = ? AND epoch = ?",
        values![false, id, epoch],
    )
}

/// Makes the rows say that no process runs and no device is open: nobody has used this database yet.
pub(super) fn end_all(tx: &Tx<'_>) -> Fallible<()> {
    tx.run("UPDATE process SET running = ?, running_server = NULL, running_boot = NULL, pid = NULL", values![false])?;
    tx.run("UPDATE device SET is_open = ?", values![false])?;
    Ok(())
}

/// Sets or clears the error and the memory of deaths.
pub(crate) fn set_error(
    tx: &Tx<'_>,
    id: ProcessId,
    error: Option<&ErrorNote>,
    deaths: [Option<i64>; 2],
) -> Fallible<()> {
    tx.demand_lock(Lock::Process(id))?;
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
