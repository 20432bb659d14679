//! The database of a spool: the only place with SQL.
//!
//! States: absent → created (one transaction) → used by any number of processes, one writer at a time. Every write is one
//! `BEGIN IMMEDIATE` transaction behind the gate `run/write.lock`; what several threads want to write at the same
//! moment is committed together. A crash leaves the last committed state; a failed commit leaves an unknown one, which
//! is said (`FailureKind::Unknown`) and never guessed.

pub mod alter;
pub mod device;
pub mod document;
pub mod entry;
pub mod event;
pub mod finished;
pub mod job;
pub mod location;
pub mod process;
pub mod schema;
pub mod spool;
pub mod waiting;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::model::{Failure, FailureKind};
use crate::sys::lock::FileLock;

/// What everything in this room returns.
pub type Fallible<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => FailureKind::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureKind::Timeout,
            Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                FailureKind::Unreachable
            }
            Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => FailureKind::Io,
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

/// How long a writer waits for the gate.
const GATE_DEADLINE: Duration = Duration::from_secs(60);
/// A batch of waiting requests is committed together up to this size.
const BATCH: usize = 64;

type Work = Box<dyn FnMut(&Connection) -> Fallible<()> + Send>;
type Verdict = Arc<Mutex<Option<Fallible<()>>>>;

struct Pending {
    work: Work,
    verdict: Verdict,
}

/// The database, shared by the threads of a process.
pub struct Store {
    path: PathBuf,
    gate: PathBuf,
    writer: Mutex<Option<Connection>>,
    waiting: Mutex<VecDeque<Pending>>,
    readers: Mutex<Vec<Connection>>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked inside a transaction was rolled back when its connection was dropped or reused.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// The store in the file `path` with the gate `gate`. Nothing is opened yet.
    pub fn new(path: &Path, gate: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            gate: gate.to_path_buf(),
            writer: Mutex::new(None),
            waiting: Mutex::new(VecDeque::new()),
            readers: Mutex::new(Vec::new()),
        }
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

    fn pass_gate(&self) -> Fallible<FileLock> {
        match FileLock::exclusive(&self.gate, GATE_DEADLINE) {
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
        // The log and its index stay when the last process leaves, so that the next one need not rebuild them and a
        // display needs no room on a full disk.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(db)
    }

    /// Looks at one consistent state. Keep it short: no output is written meanwhile.
    ///
    /// # Errors
    /// Those of `look`, and when the database cannot be read.
    pub fn read<T>(&self, look: impl FnOnce(&Connection) -> Fallible<T>) -> Fallible<T> {
        let pooled = guard(&self.readers).pop();
        let db = match pooled {
            Some(db) => db,
            None => self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        db.execute_batch("BEGIN")?;
        let result = schema::version(&db).and_then(schema::check).and_then(|()| look(&db));
        db.execute_batch("ROLLBACK")?;
        guard(&self.readers).push(db);
        result
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

    fn transact(&self, work: impl FnMut(&Connection) -> Fallible<()> + Send + 'static) -> Fallible<()> {
        let verdict: Verdict = Arc::new(Mutex::new(None));
        guard(&self.waiting).push_back(Pending { work: Box::new(work), verdict: Arc::clone(&verdict) });
        // Whoever gets the writer first commits for all that wait; the others find their verdict when they get it.
        let mut writer = guard(&self.writer);
        if guard(&verdict).is_none() {
            let mut batch: Vec<Pending> = {
                let mut waiting = guard(&self.waiting);
                let n = waiting.len().min(BATCH);
                waiting.drain(..n).collect()
            };
            self.lead(&mut writer, &mut batch);
            // Can our own request be beyond the batch? Only when more than BATCH waited before it: lead again.
            while guard(&verdict).is_none() {
                let mut batch: Vec<Pending> = {
                    let mut waiting = guard(&self.waiting);
                    let n = waiting.len().min(BATCH);
                    waiting.drain(..n).collect()
                };
                if batch.is_empty() {
                    return Err(Failure::internal("a request was lost before its transaction"));
                }
                self.lead(&mut writer, &mut batch);
            }
        }
        let verdict = guard(&verdict).take();
        verdict.unwrap_or_else(|| Err(Failure::internal("a transaction left no verdict")))
    }

    fn lead(&self, writer: &mut Option<Connection>, batch: &mut [Pending]) {
        let outcome = self.commit_batch(writer, batch);
        for pending in batch.iter() {
            let mut verdict = guard(&pending.verdict);
            match (&outcome, verdict.as_ref()) {
                // Its own part failed and was rolled back: that stays its verdict.
                (_, Some(Err(_))) => {}
                (Ok(()), _) => *verdict = Some(Ok(())),
                (Err(failure), _) => *verdict = Some(Err(failure.clone())),
            }
        }
        if outcome.is_err() {
            // Its caches may disagree with the file now: the next writer opens it anew.
            *writer = None;
        }
    }

    fn commit_batch(&self, writer: &mut Option<Connection>, batch: &mut [Pending]) -> Fallible<()> {
        let _gate = self.pass_gate()?;
        let db = match writer {
            Some(db) => db,
            None => writer.insert(self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?),
        };
        db.execute_batch("BEGIN IMMEDIATE")?;
        let alone = batch.len() == 1;
        let mut wanted = false;
        let begun = schema::version(db).and_then(schema::check);
        for pending in batch.iter_mut() {
            let result = begun.clone().and_then(|()| run_part(db, &mut pending.work, alone));
            match result {
                Ok(()) => wanted = true,
                Err(failure) => *guard(&pending.verdict) = Some(Err(failure)),
            }
        }
        if !wanted {
            db.execute_batch("ROLLBACK")?;
            return Ok(());
        }
        db.execute_batch("COMMIT").map_err(|error| {
            let failure = Failure::from(error);
            match failure.kind {
                // The log could not even be written to its end: the commit did not happen.
                FailureKind::Full => failure,
                _ => {
                    Failure::new(FailureKind::Unknown, format!("the commit failed, its outcome is unknown: {failure}"))
                }
            }
        })
    }
}

/// Runs one request of a batch so that its failure undoes its own part only.
fn run_part(db: &Connection, work: &mut Work, alone: bool) -> Fallible<()> {
    if alone {
        return work(db);
    }
    db.execute_batch("SAVEPOINT part")?;
    match work(db) {
        Ok(()) => Ok(db.execute_batch("RELEASE part")?),
        Err(failure) => {
            db.execute_batch("ROLLBACK TO part; RELEASE part")?;
            Err(failure)
        }
    }
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
