//! Records that are still to be written into the accounting logs.
//!
//! A record comes into being in the transaction that ends a job on a device, and goes when it lies in its log.

use crate::model::Failure;
use crate::model::account::Account;

use super::value::{columns, values};
use super::{Fallible, Tx};

columns!(at { id, record });

/// Keeps a record until it is written.
pub(crate) fn insert(tx: &Tx<'_>, account: &Account) -> Fallible<()> {
    let text = serde_json::to_string(account).map_err(|error| Failure::internal(format!("accounting: {error}")))?;
    tx.run("INSERT INTO account (record) VALUES (?)", values![text])?;
    Ok(())
}

/// Returns records that are still to be written, at most `limit`, the oldest first.
pub(crate) fn waiting(tx: &Tx<'_>, limit: u32) -> Fallible<Vec<(i64, Account)>> {
    let sql = format!("SELECT {} FROM account ORDER BY id LIMIT ?", at::LIST);
    tx.rows(&sql, values![limit], |row| {
        let text: String = row.get(at::record)?;
        let account = serde_json::from_str(&text)
            .map_err(|_| Failure::internal("spool.db: the text of an accounting record is unknown"))?;
        Ok((row.get(at::id)?, account))
    })
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
