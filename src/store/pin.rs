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
    /// What was tried beside a station.
    pub(crate) here: Wrong,
    /// What was tried from other machines.
    pub(crate) afar: Wrong,
}

/// Wrong PINs since the last right one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wrong {
    /// How many in a row.
    pub(crate) failures: u32,
    /// Until when none is looked at, spool time.
    pub(crate) locked_until: Option<i64>,
}

impl PinRow {
    /// What was tried beside a station, or from other machines.
    pub(crate) fn wrong(&self, here: bool) -> Wrong {
        if here { self.here } else { self.afar }
    }
}

columns!(at { hash, failures, locked_until, failures_afar, locked_afar });

fn read(row: &Row<'_>) -> Fallible<PinRow> {
    Ok(PinRow {
        hash: row.get(at::hash)?,
        here: Wrong { failures: row.get(at::failures)?, locked_until: row.get(at::locked_until)? },
        afar: Wrong { failures: row.get(at::failures_afar)?, locked_until: row.get(at::locked_afar)? },
    })
}

/// Returns the PIN of a user.
pub(crate) fn of(tx: &Tx<'_>, user: ObjectId) -> Fallible<Option<PinRow>> {
    tx.one(made_once!("SELECT {} FROM pin WHERE object_id = ?", at::LIST), values![user], read)
}

/// Gives a user a PIN; what was tried before does not count.
pub(crate) fn set(tx: &Tx<'_>, user: ObjectId, hash: &str) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(user))?;
    forget(tx, user)?;
    tx.run("INSERT INTO pin (object_id, hash, failures, failures_afar) VALUES (?, ?, 0, 0)", values![user, hash])?;
    Ok(())
}

/// Takes his PIN from a user.
pub(crate) fn forget(tx: &Tx<'_>, user: ObjectId) -> Fallible<()> {
    tx.run("DELETE FROM pin WHERE object_id = ?", values![user])?;
    Ok(())
}

/// Notes how many wrong ones in a row there were beside a station or from afar, and until when none from there is looked at.
pub(crate) fn note(tx: &Tx<'_>, user: ObjectId, here: bool, wrong: Wrong) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(user))?;
    let sql = match here {
        true => "UPDATE pin SET failures = ?, locked_until = ? WHERE object_id = ?",
        false => "UPDATE pin SET failures_afar = ?, locked_afar = ? WHERE object_id = ?",
    };
    tx.change("the PIN", sql, values![wrong.failures, wrong.locked_until, user])
}
