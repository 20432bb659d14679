//! The database of a spool: the only place with SQL.
//!
//! States: absent → created (one transaction) → used by any number of processes, one writer at a time. Every write is one
//! transaction; what several threads want to write at the same moment is committed together (`commit`). A crash leaves the
//! last committed state; a failed commit leaves an unknown one, which is said (`FailureKind::Unknown`) and never guessed.
//!
//! The rooms above see a [`Tx`]: the connection, who asked, and when. One file for each object holds its statements; the
//! engine itself is one folder (`sqlite`). A second engine, with many writers, will stand beside it, so all of this keeps ten
//! rules:
//! 1. no error is caught inside a transaction, and a closure may be run again;
//! 2. a transaction changes rows only, and returns what to erase, rename and wake, which is done after the commit;
//! 3. it locks what it decides from before it reads it (`Tx::lock`);
//! 4. a write to a claimed entry names state, epoch and attempt in its WHERE, and its count is checked (`Tx::change`);
//! 5. nothing relies on the order, density or arithmetic of identities;
//! 6. numbers come from `Tx::next`;
//! 7. time comes from the [`Tx`];
//! 8. parameters have types, states are bound, rows are read by column name (`value`);
//! 9. facts of one host (device, inode, process, user) stand beside the server they belong to;
//! 10. looks end before output, and no display counts rows: counters are kept (`tally`), or the count has a limit.
//!
//! `sqlite::rules` and `tests/store_rules.rs` hold the code to them.

/// The text of a statement that is put together of what never changes, as `format!` does it: once.
macro_rules! made_once {
    ($($part:tt)*) => {{
        static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!($($part)*));
        TEXT.as_str()
    }};
}

pub mod access;
pub(crate) mod account;
pub mod alter;
pub(crate) mod backlog;
pub mod batch;
pub(crate) mod card;
pub(crate) mod change;
pub(crate) mod charge;
pub mod collector;
mod commit;
pub(crate) mod config;
pub mod device;
pub mod document;
pub mod entry;
pub mod event;
pub mod finished;
pub mod font;
pub mod generation;
pub(crate) mod given;
mod ground;
pub(crate) mod health;
pub mod job;
pub mod lease;
pub mod lifetime;
pub mod location;
pub mod managed;
pub(crate) mod named;
pub mod notices;
pub mod object;
pub mod outbox;
pub(crate) mod password;
pub(crate) mod pin;
pub mod process;
pub mod remote;
pub mod request;
pub mod restored;
pub(crate) mod scheduler;
pub mod schema;
pub mod secure;
pub mod spool;
mod sqlite;
pub mod standing;
pub mod submission;
pub mod tally;
mod value;
pub mod waiting;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::Failure;

pub(crate) use sqlite::rules::in_change;
#[cfg(test)]
pub(crate) use sqlite::rules::twice::run_twice;
#[cfg(test)]
pub(crate) use sqlite::testing::{Memory, cut_off_creation, steps_of, write_back};
pub(crate) use sqlite::{Lock, Numbers, Row};
pub use sqlite::{Store, Tx, backup, check, salvage};

/// What everything in this room returns.
pub type Fallible<T> = Result<T, Failure>;

/// Whether something failed because what the database holds cannot be read.
fn met_damage<T>(result: &Fallible<T>) -> bool {
    result.as_ref().is_err_and(|failure| failure.kind == crate::model::FailureKind::Damaged)
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked inside a transaction took its connection along, which rolls it back.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A row count for a listing with the limit `limit`: cut to what one page may have.
pub(crate) fn page(limit: u32) -> u32 {
    limit.clamp(1, crate::model::query::PAGE)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Every Rust file below `dir` with its text.
    fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }

    #[test]
    fn one_folder_knows_the_engine_and_the_store_imports_nothing_of_the_spool() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let engine = concat!("rusq", "lite");
        let knows: Vec<&str> =
            files.iter().filter(|(_, text)| text.contains(engine)).map(|(path, _)| path.as_str()).collect();
        let engines = knows.iter().filter(|path| path.contains("/src/store/sqlite/")).count();
        assert!(engines > 0 && engines == knows.len(), "{knows:?}");
        let spool = concat!("crate::", "spool");
        for (path, text) in files.iter().filter(|(path, _)| path.contains("/src/store/")) {
            assert!(!text.contains(spool), "{path}");
        }
    }
}
