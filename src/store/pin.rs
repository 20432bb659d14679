//! Rows of the PINs of users: a hash, and how many wrong ones were tried since the last right one.
//!
//! The row of no user ([`NOBODY`]) counts what is tried with names that nobody has, so that such a try costs what any other does.

use crate::model::ObjectId;

use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx};

/// What stands for a name that nobody has.
pub(crate) const NOBODY: ObjectId = ObjectId(0);

/// What is stored of a PIN.
#[derive(Clone, Debug)]
pub(crate) struct PinRow {
    /// The hash, with its salt and what it costs.
    pub(crate) hash: String,
    /// Wrong ones in a row.
    pub(crate) failures: u32,
    /// Until when none is looked at, spool time.
    pub(crate) locked_until: Option<i64>,
}

columns!(at { hash, failures, locked_until });

fn read(row: &Row<'_>) -> Fallible<PinRow> {
    Ok(PinRow { hash: row.get(at::hash)?, failures: row.get(at::failures)?, locked_until: row.get(at::locked_until)? })
}

/// Returns the PIN of a user.
pub(crate) fn of(tx: &Tx<'_>, user: ObjectId) -> Fallible<Option<PinRow>> {
    tx.one(&format!("SELECT {} FROM pin WHERE object_id = ?", at::LIST), values![user], read)
}

/// Gives a user a PIN; what was tried before does not count.
pub(crate) fn set(tx: &Tx<'_>, user: ObjectId, hash: &str) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(user))?;
    forget(tx, user)?;
    tx.run("INSERT INTO pin (object_id, hash, failures) VALUES (?, ?, 0)", values![user, hash])?;
    Ok(())
}

/// Takes his PIN from a user.
pub(crate) fn forget(tx: &Tx<'_>, user: ObjectId) -> Fallible<()> {
    tx.run("DELETE FROM pin WHERE object_id = ?", values![user])?;
    Ok(())
}

/// Notes how many wrong ones in a row there were, and until when none is looked at.
pub(crate) fn note(tx: &Tx<'_>, user: ObjectId, failures: u32, locked_until: Option<i64>) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(user))?;
    tx.change(
        "the PIN",
        "UPDATE pin SET failures = ?, locked_until = ? WHERE object_id = ?",
        values![failures, locked_until, user],
    )
}
