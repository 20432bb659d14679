//! Rows of names that were tried with a password: how many wrong ones since the last right one. A name need not be anybody's.
//!
//! Whoever has a PIN has his count there ([`super::pin`]). What was tried long ago is forgotten, so that the table stays small however
//! many names somebody invents.

use super::pin::Wrong;
use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx};
use crate::store::pin::NOBODY;

/// What is stored of a name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TriedName {
    /// What was tried beside a station, or on this machine.
    pub(crate) here: Wrong,
    /// What was tried from other machines.
    pub(crate) afar: Wrong,
}

impl TriedName {
    /// What was tried here, or from other machines.
    pub(crate) fn wrong(&self, here: bool) -> Wrong {
        if here { self.here } else { self.afar }
    }
}

columns!(at { failures, locked_until, failures_afar, locked_afar });

fn read(row: &Row<'_>) -> Fallible<TriedName> {
    Ok(TriedName {
        here: Wrong { failures: row.get(at::failures)?, locked_until: row.get(at::locked_until)? },
        afar: Wrong { failures: row.get(at::failures_afar)?, locked_until: row.get(at::locked_afar)? },
    })
}

/// Returns what is stored of a name; nothing where none was tried lately.
pub(crate) fn of(tx: &Tx<'_>, name: &str) -> Fallible<TriedName> {
    let sql = made_once!("SELECT {} FROM tried_name WHERE name = ?", at::LIST);
    Ok(tx.one(sql, values![name], read)?.unwrap_or_default())
}

/// Stores what was tried with a name, at that spool time.
pub(crate) fn note(tx: &Tx<'_>, name: &str, tried: TriedName, now: i64) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(NOBODY))?;
    tx.run("DELETE FROM tried_name WHERE name = ?", values![name])?;
    tx.run(
        "INSERT INTO tried_name (name, failures, locked_until, failures_afar, locked_afar, tried_spool)
         VALUES (?, ?, ?, ?, ?, ?)",
        values![name, tried.here.failures, tried.here.locked_until, tried.afar.failures, tried.afar.locked_until, now],
    )?;
    Ok(())
}

/// Forgets a name.
pub(crate) fn forget(tx: &Tx<'_>, name: &str) -> Fallible<()> {
    tx.run("DELETE FROM tried_name WHERE name = ?", values![name])?;
    Ok(())
}

/// Forgets names that were tried before that spool time.
pub(crate) fn forget_before(tx: &Tx<'_>, spool: i64) -> Fallible<()> {
    tx.run("DELETE FROM tried_name WHERE tried_spool < ?", values![spool])?;
    Ok(())
}
