//! The database of a spool: the only place with SQL.
//!
//! States: absent → created (one transaction) → used by any number of processes, one writer at a time. Every write is one
//! `BEGIN IMMEDIATE` transaction behind the gate `run/write.lock`; what several threads want to write at the same
//! moment is committed together. A crash leaves the last committed state; a failed commit leaves an unknown one, which
//! is said (`FailureKind::Unknown`) and never guessed.

pub mod alter;
pub mod backup;
pub mod check;
mod commit;
pub mod device;
pub mod document;
pub mod entry;
pub mod event;
pub mod finished;
pub mod generation;
mod ground;
pub mod job;
pub mod location;
pub mod process;
pub mod restored;
pub mod salvage;
pub mod schema;
pub mod spool;
pub mod submission;
mod vacuum;
pub mod waiting;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::model::{Failure, FailureKind};
use crate::sys::files::sync_dir;
use crate::sys::lock::FileLock;

/// What everything in this room returns.
pub type Fallible<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => FailureKind::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureKind::Timeout,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => return damaged(&error),
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
            _ => Self::new(kind, format!("spool.db: {error}")),
        }
    }
}

/// The failure of a database that cannot be read any more, with the way out.
pub(crate) fn damaged(what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("spool.db is damaged: {what}"))
        .hint("pdfsck tells what is lost, pdfsck --repair saves what can still be read")
        .hint("pdbackup --restore DIR puts a backup in its place")
}

/// How long a writer waits for the gate.
const GATE_DEADLINE: Duration = Duration::from_secs(60);
/// How long the log may become, in octets, before what it holds is written to the database and it is emptied. Every
/// command that finds nobody else at the database reads the whole log: it must stay short.
const LOG_LIMIT: u64 = 512 << 10;
/// How long it may become while threads of this process wait to write.
const LOG_LIMIT_IN_A_CROWD: u64 = 4 << 20;

/// The database, shared by the threads of a process.
pub struct Store {
    path: PathBuf,
    log: PathBuf,
    gate: PathBuf,
    writer: Mutex<Option<Connection>>,
    waiting: Mutex<commit::Queue>,
    readers: Mutex<Readers>,
    /// Rung when a reader comes back.
    reader_free: Condvar,
    /// Whether the name of the log is known to be on disk.
    log_named: AtomicBool,
    /// Whether looks use the writer's connection while nobody writes.
    alone: bool,
    /// Where the mark of the last commit is kept, once the server's directory is known.
    mark: OnceLock<PathBuf>,
    /// Which files the connection that writes has open, and whether others were found in their place.
    ground: ground::Ground,
}

/// Connections for looking: those at hand, and how many there are in all.
#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    all: usize,
}

/// Connections for looking at most: each costs two descriptors and a cache, and a look is short.
const MOST_READERS: usize = 8;

/// Where SQLite keeps the log of a database.
fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked inside a transaction took its connection along, which rolls it back.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// The store in the file `path` with the gate `gate`. Nothing is opened yet.
    pub fn new(path: &Path, gate: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            log: log_of(path),
            gate: gate.to_path_buf(),
            writer: Mutex::new(None),
            waiting: Mutex::default(),
            readers: Mutex::new(Readers::default()),
            reader_free: Condvar::new(),
            log_named: AtomicBool::new(false),
            alone: false,
            mark: OnceLock::new(),
            ground: ground::Ground::default(),
        }
    }

    /// Keeps the mark of every commit from now on in the file at `path`.
    pub fn keep_mark(&self, path: &Path) {
        let _ = self.mark.set(path.to_path_buf());
    }

    /// The same for a command that changes something and ends: it looks through the connection that writes. Opening a
    /// second one, which reads the schema again, would cost it more than all its looks.
    pub fn for_command(path: &Path, gate: &Path) -> Self {
        Self { alone: true, ..Self::new(path, gate) }
    }

    /// Creates the schema in a new database.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(&self, first: impl Fn(&Connection) -> Fallible<()> + Send + 'static) -> Fallible<()> {
        {
            let _gate = self.pass_gate()?;
            let db = Connection::open(&self.path)?;
            db.busy_timeout(GATE_DEADLINE)?;
            db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        let schema = move |db: &Connection| {
            schema::migrate(db)?;
            first(db)
        };
        self.transact(schema)
    }

    /// Brings an older schema up to ours. Nobody else may use the spool meanwhile.
    ///
    /// # Errors
    /// When it cannot be written; the older schema then stands.
    pub fn migrate(&self) -> Fallible<()> {
        self.transact(schema::migrate)
    }

    fn pass_gate(&self) -> Fallible<FileLock> {
        let gate = FileLock::exclusive(&self.gate, GATE_DEADLINE).or_else(|error| {
            // Somebody has removed `run/`: it is made again. Writers that still hold a gate in the old one are kept apart
            // from us by the database itself.
            if error.kind() != std::io::ErrorKind::NotFound {
                return Err(error);
            }
            ground::make_run(&self.gate)?;
            FileLock::exclusive(&self.gate, GATE_DEADLINE)
        });
        match gate {
            Ok(Some(gate)) => Ok(gate),
            Ok(None) => Err(Failure::new(FailureKind::Timeout, "the spool was busy for a minute: nothing was changed")
                .hint("look for a process that hangs while it holds run/write.lock")),
            Err(error) => Err(Failure::new(FailureKind::Io, format!("{}: {error}", self.gate.display()))),
        }
    }

    fn connect(&self, flags: OpenFlags) -> Fallible<Connection> {
        let db = Connection::open_with_flags(&self.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(GATE_DEADLINE)?;
        db.set_prepared_statement_cache_capacity(128);
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
        Ok(db)
    }

    /// Opens the connection that writes, and remembers which files it has open.
    fn connect_to_write(&self) -> Fallible<Connection> {
        self.ground.stands(&self.path)?;
        let before = ground::Files::at(&self.path);
        let db = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // The log is opened by the first look. Whoever exchanges the files at this very moment is found out here, or by the
        // first commit.
        schema::version(&db)?;
        self.ground.remember(before, &self.path)?;
        Ok(db)
    }

    /// Looks at one consistent state. Keep it short: no output is written meanwhile.
    ///
    /// # Errors
    /// Those of `look`, and when the database cannot be read.
    pub fn read<T>(&self, look: impl FnOnce(&Connection) -> Fallible<T>) -> Fallible<T> {
        // Never inside a transaction of our own: there the writer is taken, and a look sees what is committed.
        if self.alone
            && let Ok(mut writer) = self.writer.try_lock()
        {
            let db = match writer.take() {
                Some(db) => db,
                None => self.connect_to_write()?,
            };
            let result = look_on(&db, look)?;
            *writer = Some(db);
            return result;
        }
        let place = self.reader()?;
        let db = place.db.as_ref().ok_or_else(|| Failure::internal("a reader without a connection"))?;
        let result = look_on(db, look)?;
        place.give_back();
        result
    }

    /// Whether this is the store of a command, which ends when it has changed something.
    pub fn is_for_command(&self) -> bool {
        self.alone
    }

    /// Lets `plan` plan statements on the connection that will write, before the gate is passed: while others write, and
    /// while the print files of a submission go to the disk. Whoever stays has them planned.
    ///
    /// # Errors
    /// Those of `plan`.
    pub fn plan(&self, plan: impl FnOnce(&Connection) -> Fallible<()>) -> Fallible<()> {
        if self.alone
            && let Ok(writer) = self.writer.try_lock()
            && let Some(db) = writer.as_ref()
        {
            plan(db)?;
        }
        Ok(())
    }

    /// A connection for looking; waits for one when all are in use.
    fn reader(&self) -> Fallible<ReaderPlace<'_>> {
        let mut readers = guard(&self.readers);
        while readers.idle.is_empty() && readers.all >= MOST_READERS {
            readers = self.reader_free.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
        let idle = readers.idle.pop();
        if idle.is_none() {
            readers.all += 1;
        }
        drop(readers);
        let mut place = ReaderPlace { store: self, db: idle };
        if place.db.is_none() {
            place.db = Some(self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?);
        }
        Ok(place)
    }

    /// Changes the spool in one durable transaction, committed together with whatever other threads wait to change.
    /// `work` may run more than once; only its last run counts.
    ///
    /// # Errors
    /// Those of `work` (nothing was changed); `Full`, `Timeout` (nothing was changed); `Unknown` when the commit failed.
    pub fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Connection) -> Fallible<T> + Send + 'static,
    ) -> Fallible<T> {
        let result: Arc<Mutex<Option<T>>> = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.transact(move |db| {
            let value = work(db)?;
            *guard(&slot) = Some(value);
            Ok(())
        })?;
        let value = guard(&result).take();
        value.ok_or_else(|| Failure::internal("a transaction left no result"))
    }

    /// Makes sure that the directory on disk knows the log, before anything is committed to it. SQLite would sync the
    /// directory in every process (it is built without that). Once is enough: a log that holds something was named on
    /// disk before that was written. Inside a transaction nobody else can take the log away.
    fn name_log(&self) -> Fallible<()> {
        if self.log_named.load(Ordering::SeqCst) {
            return Ok(());
        }
        if !std::fs::metadata(&self.log).is_ok_and(|log| log.len() > 0) {
            let dir = self.path.parent().unwrap_or(Path::new("/"));
            let failed = |error| Failure::new(FailureKind::Io, format!("{}: {error}", dir.display()));
            sync_dir(dir).map_err(failed)?;
        }
        self.log_named.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn log_is_huge(&self) -> bool {
        std::fs::metadata(&self.log).is_ok_and(|meta| meta.len() >= LOG_LIMIT_IN_A_CROWD)
    }

    /// Writes a long log back and empties it. Called behind the gate. What was committed is durable already: when this
    /// fails, or a reader still needs the log, a later writer does it.
    fn shorten_log(&self, db: &Connection) {
        if !std::fs::metadata(&self.log).is_ok_and(|meta| meta.len() >= LOG_LIMIT) {
            return;
        }
        // Pages that hold nothing any more are given back to the file system, a bounded number at a time.
        let _ = vacuum::some(db);
        // Readers are not waited for: nobody behind the gate waits for a listing.
        let _ = db.busy_timeout(Duration::ZERO);
        let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = db.busy_timeout(GATE_DEADLINE);
    }
}

/// One of the places of readers. Dropped with an error it takes its connection along, so that no transaction is left open.
struct ReaderPlace<'a> {
    store: &'a Store,
    db: Option<Connection>,
}

impl ReaderPlace<'_> {
    fn give_back(mut self) {
        if let Some(db) = self.db.take() {
            let mut readers = guard(&self.store.readers);
            readers.idle.push(db);
            // The drop below takes it for lost.
            readers.all += 1;
        }
    }
}

impl Drop for ReaderPlace<'_> {
    fn drop(&mut self) {
        self.db = None;
        let mut readers = guard(&self.store.readers);
        readers.all = readers.all.saturating_sub(1);
        drop(readers);
        self.store.reader_free.notify_one();
    }
}

/// Looks at one consistent state. The outer error is that of the connection, which is of no use then.
fn look_on<T>(db: &Connection, look: impl FnOnce(&Connection) -> Fallible<T>) -> Fallible<Fallible<T>> {
    run(db, "BEGIN")?;
    let result = schema::version(db).and_then(schema::check).and_then(|()| look(db));
    run(db, "ROLLBACK")?;
    Ok(result)
}

/// A statement without values or rows, prepared once for each connection.
fn run(db: &Connection, sql: &str) -> Fallible<()> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// A stored number as an unsigned one; negative never occurs.
pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A number as SQLite stores it; larger than 2^63 − 1 never occurs.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Reads a name that was checked before it was stored.
pub(crate) fn name<T: std::str::FromStr>(text: &str) -> rusqlite::Result<T> {
    text.parse().map_err(|_| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, format!("'{text}' is no name").into())
    })
}

/// A row count for a listing with the limit `limit`: cut to what one page may have.
pub(crate) fn page(limit: u32) -> i64 {
    i64::from(limit.clamp(1, crate::model::query::PAGE))
}

/// How the database would run a statement.
#[cfg(test)]
pub(crate) fn plan(db: &Connection, sql: &str) -> String {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = vec![1; statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}
