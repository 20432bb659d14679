//! The files that lie under a connection: whether they still have their names.
//!
//! A database that is exchanged while a process has it open stays open: what is committed then goes into a file that has
//! no name any more, and is gone when the process ends. So device and inode of the database and its log are remembered, in
//! memory only, when the writing connection is opened, and compared with what has their names after each commit and before
//! its answer. A store that has lost its ground stays so: its process must end, for what it knows is of another spool.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::{Failure, FailureKind};
use crate::sys::files::{FileId, file_id};

use super::sqlite::log_of;
use super::{Fallible, guard};

/// What has the names of a database and of its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    database: Option<FileId>,
    log: Option<FileId>,
}

impl Files {
    /// Returns what has them now.
    pub(super) fn at(database: &Path) -> Self {
        Self { database: file_id(database), log: file_id(&log_of(database)) }
    }
}

/// The files that the writing connection has open.
#[derive(Debug, Default)]
pub(super) struct Ground {
    open: Mutex<Option<Files>>,
    lost: AtomicBool,
}

impl Ground {
    /// The connection was opened, between two looks at the names. A log may have come into being by that.
    pub(super) fn remember(&self, before: Files, database: &Path) -> Fallible<()> {
        let now = Files::at(database);
        let same = now.database == before.database && (before.log.is_none() || now.log == before.log);
        // A connection that is opened anew after a failure must find what the first one had open.
        let known = *guard(&self.open);
        if !same || now.database.is_none() || known.is_some_and(|known| known != now) {
            return Err(self.lose());
        }
        *guard(&self.open) = Some(now);
        Ok(())
    }

    /// Makes sure that the files have their names.
    pub(super) fn stands(&self, database: &Path) -> Fallible<()> {
        let known = *guard(&self.open);
        match known {
            _ if self.lost.load(Ordering::SeqCst) => Err(exchanged()),
            Some(known) if known != Files::at(database) => Err(self.lose()),
            _ => Ok(()),
        }
    }

    fn lose(&self) -> Failure {
        self.lost.store(true, Ordering::SeqCst);
        exchanged()
    }
}

fn exchanged() -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "spool.db or its log was exchanged while it was in use: nothing is acknowledged",
    )
    .hint("repeat the command: it uses the database that lies there now")
}

/// Makes the directory of a gate that was removed.
pub(super) fn make_run(gate: &Path) -> io::Result<()> {
    let Some(run) = gate.parent() else { return Ok(()) };
    match std::fs::DirBuilder::new().mode(0o700).create(run) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other?,
    }
    std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::value::values;
    use super::*;
    use crate::model::Call;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("spool.db"), &dir.path().join("run/write.lock"));
        store.create(&Call::timeless(), |tx| tx.script("CREATE TABLE mark (name TEXT)")).unwrap();
        (dir, store)
    }

    fn write(store: &Store) -> Fallible<()> {
        store.write(&Call::timeless(), |tx| tx.run("INSERT INTO mark VALUES (?)", values!["x"]).map(drop))
    }

    #[test]
    fn what_is_committed_into_a_database_without_a_name_is_not_acknowledged() {
        let (dir, store) = store();
        write(&store).unwrap();
        let path = dir.path().join("spool.db");
        std::fs::copy(&path, dir.path().join("other")).unwrap();
        std::fs::rename(dir.path().join("other"), &path).unwrap();
        for _ in 0..2 {
            let failure = write(&store).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        }
    }

    #[test]
    fn nor_is_what_goes_into_a_log_without_a_name() {
        let (dir, store) = store();
        write(&store).unwrap();
        std::fs::remove_file(dir.path().join("spool.db-wal")).unwrap();
        assert_eq!(write(&store).unwrap_err().kind, FailureKind::Unreachable);
    }

    #[test]
    fn a_directory_of_the_gate_that_was_removed_is_made_again() {
        let (dir, store) = store();
        std::fs::remove_dir_all(dir.path().join("run")).unwrap();
        write(&store).unwrap();
        assert!(dir.path().join("run/write.lock").exists());
    }
}
