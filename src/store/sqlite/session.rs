//! An open connection, and the steps of a transaction on it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::Tx;
use super::gate::COMMAND_WAITS;
use super::rules::LockRules;
use crate::model::{Call, Failure, FailureKind};
use crate::store::{Fallible, schema};

/// An open connection.
pub(in crate::store) struct Session {
    pub(super) db: Connection,
    pub(super) rules: LockRules,
    /// Whether a commit waits until the log is on disk.
    syncs: Cell<bool>,
    /// How many pages the log held after the last commit of this connection; 0 before the first one.
    log_pages: Arc<AtomicU64>,
    /// What was read while one state is looked at, which cannot change; none while there is no look.
    seen: RefCell<Option<Vec<Seen>>>,
}

/// So much is remembered of one state: what decides about one destination.
const MOST_SEEN: usize = 16;

/// What was read, by what it is and by its key.
struct Seen {
    what: &'static str,
    key: String,
    found: Box<dyn Any + Send>,
}

impl Session {
    pub(super) fn of(db: Connection) -> Self {
        let (syncs, seen) = (Cell::new(true), RefCell::new(None));
        Self { db, rules: LockRules::default(), syncs, log_pages: Arc::default(), seen }
    }

    pub(super) fn open(path: &Path, flags: OpenFlags) -> Fallible<Self> {
        let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(COMMAND_WAITS)?;
        db.set_prepared_statement_cache_capacity(256);
        // The log stays when the last process leaves: a display needs no room on a full disk. It is kept short by
        // whoever writes, in `shorten_log`: SQLite's own way would never empty it where each process writes once, because
        // whoever opens the database alone starts with a log of which nothing is known to be written back.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        // Plans follow from the schema alone: each statement has the same one always, and is not planned a second time
        // when its values are known.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        let mut session = Self::of(db);
        let pages = Arc::clone(&session.log_pages);
        session.db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, all: i32| {
            pages.store(u64::try_from(all).unwrap_or_default(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(session)
    }

    pub(super) fn create(path: &Path) -> Fallible<()> {
        // SQLite gives its other files the permissions of this one.
        make_private(path).map_err(|error| Failure::new(FailureKind::Io, format!("{}: {error}", path.display())))?;
        let db = Connection::open(path)?;
        db.busy_timeout(COMMAND_WAITS)?;
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(())
    }

    /// Takes back what the rollback journal beside the database says: SQLite does so at the first look.
    pub(super) fn take_back(path: &Path) -> Fallible<()> {
        let db =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(COMMAND_WAITS)?;
        Ok(db.pragma_query_value(None, "schema_version", |_| Ok(()))?)
    }

    /// A statement without values or rows, prepared once for each connection.
    fn step(&self, sql: &str) -> Fallible<()> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Begins a transaction that looks at one state.
    fn begin_look(&self) -> Fallible<()> {
        self.step("BEGIN")?;
        self.seen.replace(Some(Vec::new()));
        Ok(())
    }

    /// Returns what `read` finds. While one state is looked at, it is read once. A transaction that changes reads each time: what it
    /// decides from must be read behind its lock.
    pub(super) fn seen<T: Any + Clone + Send>(
        &self,
        what: &'static str,
        key: impl FnOnce() -> String,
        read: impl FnOnce() -> Fallible<T>,
    ) -> Fallible<T> {
        if self.seen.borrow().is_none() {
            return read();
        }
        let key = key();
        let known = self.seen.borrow().as_ref().and_then(|all| {
            let seen = all.iter().find(|seen| seen.what == what && seen.key == key)?;
            seen.found.downcast_ref::<T>().cloned()
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let found = read()?;
        if let Some(all) = self.seen.borrow_mut().as_mut().filter(|all| all.len() < MOST_SEEN) {
            all.push(Seen { what, key, found: Box::new(found.clone()) });
        }
        Ok(found)
    }

    /// Begins a transaction that changes: nobody else does until it ends.
    pub(in crate::store) fn begin(&self) -> Fallible<()> {
        self.step("BEGIN IMMEDIATE")
    }

    /// Has the following commits wait until the log is on disk, or not. Called outside of a transaction.
    pub(in crate::store) fn sync_commits(&self, on: bool) -> Fallible<()> {
        if self.syncs.replace(on) != on {
            // With NORMAL the log is still synced before any of it is written back.
            self.db.pragma_update(None, "synchronous", if on { "FULL" } else { "NORMAL" })?;
        }
        Ok(())
    }

    /// Commits it. What became of it is unknown when this fails, except on a full disk: then it did not happen.
    pub(in crate::store) fn commit(&self) -> Fallible<()> {
        self.step("COMMIT").map_err(|failure| match failure.kind {
            // The log could not even be written to its end.
            FailureKind::Full => failure,
            _ => {
                let message = format!("the commit failed, its outcome is unknown: {failure}");
                Failure { kind: FailureKind::Unknown, message, hints: failure.hints }
            }
        })
    }

    /// Undoes it.
    pub(in crate::store) fn undo(&self) -> Fallible<()> {
        self.seen.replace(None);
        self.step("ROLLBACK")
    }

    /// Begins a part of it that can be undone alone.
    pub(in crate::store) fn begin_part(&self) -> Fallible<()> {
        self.step("SAVEPOINT part")
    }

    /// Ends that part.
    pub(in crate::store) fn end_part(&self) -> Fallible<()> {
        self.step("RELEASE part")
    }

    /// Undoes that part.
    pub(in crate::store) fn undo_part(&self) -> Fallible<()> {
        self.step("ROLLBACK TO part")?;
        self.step("RELEASE part")
    }

    /// Returns how many rows this connection has changed so far.
    pub(in crate::store) fn changes(&self) -> u64 {
        self.db.total_changes()
    }

    /// Returns how many pages the log held after the last commit of this connection; 0 before the first one.
    pub(in crate::store) fn log_pages(&self) -> u64 {
        self.log_pages.load(Ordering::Relaxed)
    }

    /// Tells whether an error has ended the transaction as a whole.
    pub(in crate::store) fn is_over(&self) -> bool {
        self.db.is_autocommit()
    }

    /// Returns the number of the schema.
    pub(in crate::store) fn version(&self) -> Fallible<i64> {
        Ok(self.db.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?)
    }

    /// Looks at one consistent state. The outer error is that of the connection, which is of no use then.
    pub(super) fn look<T>(&self, call: &Call, look: impl FnOnce(&Tx<'_>) -> Fallible<T>) -> Fallible<Fallible<T>> {
        self.rules.end();
        self.begin_look()?;
        let result = self.version().and_then(schema::check).and_then(|()| look(&Tx::new(self, call)));
        self.undo()?;
        Ok(result)
    }

    /// Begins to look at one state, with [`Session::look_on`].
    pub(super) fn begin_looks(&self) -> Fallible<()> {
        self.begin_look()?;
        self.version().and_then(schema::check)
    }

    /// Looks once more at the state that [`Session::begin_looks`] has found.
    pub(super) fn look_on<T>(&self, call: &Call, look: impl FnOnce(&Tx<'_>) -> Fallible<T>) -> Fallible<T> {
        self.rules.end();
        look(&Tx::new(self, call))
    }
}

/// Makes a database file, empty as yet, that is its owner's alone whatever the umask.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    // Is closing it harmful, because it drops locks of SQLite on it? No: nobody has opened it before it exists.
    match std::fs::File::options().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.set_permissions(std::fs::Permissions::from_mode(0o600)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
