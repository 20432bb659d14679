//! Records that are still to be written into the accounting logs, and how far each log is written.
//!
//! A record comes into being in the transaction that ends a job on a device, and goes in the one that notes the size of its
//! log with it.

use crate::model::Failure;
use crate::model::account::Account;

use super::value::{columns, values};
use super::{Fallible, Tx};

columns!(at { id, record });

/// Keeps a record until it is written.
pub(crate) fn insert(tx: &Tx<'_>, account: &Account) -> Fallible<()> {
    let text = serde_json::to_string(account).map_err(|error| Failure::internal(format!("accounting: {error}")))?;
    tx.run("INSERT INTO account (device, record) VALUES (?, ?)", values![account.device, text])?;
    Ok(())
}

/// Returns records of a device that are still to be written, at most `limit`, the oldest first.
pub(crate) fn waiting(tx: &Tx<'_>, device: &str, limit: u32) -> Fallible<Vec<(i64, Account)>> {
    let sql = made_once!("SELECT {} FROM account WHERE device = ? ORDER BY id LIMIT ?", at::LIST);
    tx.rows(sql, values![device, limit], |row| {
        let text: String = row.get(at::record)?;
        let account = serde_json::from_str(&text)
            .map_err(|_| Failure::internal("spool.db: the text of an accounting record is unknown"))?;
        Ok((row.get(at::id)?, account))
    })
}

/// Returns the devices, after `after`, of which records are still to be written, at most `limit`.
pub(crate) fn devices(tx: &Tx<'_>, after: &str, limit: u32) -> Fallible<Vec<String>> {
    let sql = "SELECT DISTINCT device FROM account WHERE device > ? ORDER BY device LIMIT ?";
    tx.rows(sql, values![after, limit], |row| row.only())
}

/// Tells whether any is still to be written.
pub(crate) fn any(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM account", &[])
}

/// Forgets a record that is written.
pub(crate) fn forget(tx: &Tx<'_>, id: i64) -> Fallible<()> {
    tx.run("DELETE FROM account WHERE id = ?", values![id])?;
    Ok(())
}

/// How far a log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Its size with all records that were forgotten; none when nothing was ever written.
    pub size: Option<u64>,
    /// Whether it could not be written the last time.
    pub failed: bool,
}

columns!(log_at { size, failed });

/// Returns how far the log of a device is written.
pub(crate) fn progress(tx: &Tx<'_>, device: &str) -> Fallible<Progress> {
    let sql = made_once!("SELECT {} FROM account_log WHERE device = ?", log_at::LIST);
    let found = tx.one(sql, values![device], |row| {
        Ok(Progress { size: row.get(log_at::size)?, failed: row.get(log_at::failed)? })
    })?;
    Ok(found.unwrap_or_default())
}

/// Notes how far the log of a device is written.
pub(crate) fn set_progress(tx: &Tx<'_>, device: &str, progress: &Progress) -> Fallible<()> {
    let Progress { size, failed } = progress;
    let changed =
        tx.run("UPDATE account_log SET size = ?, failed = ? WHERE device = ?", values![size, failed, device])?;
    if changed == 0 {
        tx.run("INSERT INTO account_log (device, size, failed) VALUES (?, ?, ?)", values![device, size, failed])?;
    }
    Ok(())
}
