//! SQLite: the engine under the store. Only this folder knows it; a second SQL engine is a second folder like this one.
//!
//! The rest of the store asks an engine for [`Store::read`], [`Store::write`] and [`Store::migrate`] (`store`); inside them
//! for [`Tx::run`], [`Tx::one`], [`Tx::rows`], [`Tx::insert`], [`Tx::batch`], [`Tx::lock`] (`tx`, `row`, `rules`) and
//! [`Tx::next`] (`numbers`); and for a [`Session`], on which changes are committed together (`session`). Each engine also
//! makes backups (`backup`), looks for damage (`check`), saves what a damaged database still holds (`salvage`) and gives room
//! back (`vacuum`) in its own way.
//!
//! Every write is one `BEGIN IMMEDIATE` transaction behind the gate `run/write.lock`. A crash leaves the last committed
//! state. A commit that failed leaves an unknown one, which is reported ([`FailureKind::Unknown`]) and never guessed.
//!
//! What is not standard SQL in the statements of the store, and why it is used:
//! * `RETURNING` (`job::delete`, `process::begin_epoch`, `generation`, [`Tx::next`]): a change tells what it found in one step.
//!   Elsewhere it is a SELECT under the lock of the row, then the change.
//! * `INSERT … ON CONFLICT` ([`Tx::next`], `submission`, `job::class`): a row that is there already is no error, so that
//!   nothing is caught inside a transaction. The standard has MERGE.
//! * `LIMIT` instead of `FETCH FIRST n ROWS ONLY`: the one spelling that SQLite has.
//! * `?1` … `?8`: a parameter that is used twice is bound once.
//! * `+column` in a condition (`job`, `waiting`): keeps the planner from an index that would sort a group for every page, or
//!   read all that waits.
//! * Identities from `last_insert_rowid` ([`Tx::insert`]); the standard has `GENERATED ALWAYS AS IDENTITY` and RETURNING.
//! * `PRAGMA` (the number of the schema, the log), `SAVEPOINT` (`commit`), and DDL with `AUTOINCREMENT` and partial
//!   indexes (`schema`).

pub mod backup;
pub mod check;
mod gate;
mod numbers;
mod row;
pub(crate) mod rules;
pub mod salvage;
mod session;
mod store;
#[cfg(test)]
pub(crate) mod testing;
mod tx;
mod vacuum;

use rusqlite::ErrorCode;

use super::{Fallible, schema};
use crate::model::{Failure, FailureKind};
use crate::sys::limits;

pub(crate) use numbers::Numbers;
pub(super) use numbers::OF_SUBMISSION;
pub(crate) use row::Row;
pub(super) use row::damaged;
pub(super) use session::Session;
pub use store::Store;
pub(super) use store::log_of;
pub(crate) use tx::Lock;
pub use tx::Tx;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => FailureKind::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureKind::Timeout,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => return broken(&error),
            // A file that cannot be opened now (no descriptor left, say) may be later.
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed,
            ) => FailureKind::Io,
            _ => FailureKind::Internal,
        };
        match kind {
            FailureKind::Full => {
                Self::new(kind, "the file system of the spool is full").hint("free some space; nothing is lost")
            }
            FailureKind::Io => {
                // The engine keeps the number of the error to itself.
                let failure = Self::new(kind, format!("spool.db: {error}"));
                match error.sqlite_error_code() {
                    Some(ErrorCode::OutOfMemory) => failure.hint(limits::no_memory()),
                    _ => limits::likely_cure().into_iter().fold(failure, Self::hint),
                }
            }
            _ => Self::new(kind, format!("spool.db: {error}")),
        }
    }
}

/// Returns the failure of a database that cannot be read any more, with the way out.
fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Damaged, format!("spool.db is damaged: {what}"))
        .hint("pdfsck tells what is lost, pdfsck --repair saves what can still be read")
        .hint("pdbackup --restore DIR puts a backup in its place")
}

/// Returns the failure of a change that found another state than it was decided from.
pub(super) fn changed(what: &str) -> Failure {
    Failure::new(FailureKind::State, format!("{what} has changed meanwhile: nothing was recorded"))
}
