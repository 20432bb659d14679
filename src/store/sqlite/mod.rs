//! SQLite: the engine under the store, and the only folder that knows it. A second SQL engine is a second folder like this.
//! Beside what follows it holds what each engine does in its own way: backups, looking for damage, saving what a damaged
//! database still holds, and giving room back.
//!
//! What the rooms of the store ask of an engine: [`Store::read`], [`Store::write`] and [`Store::migrate`] for looks and
//! changes; inside them [`Tx::run`], [`Tx::one`], [`Tx::rows`], [`Tx::insert`], [`Tx::batch`], [`Tx::lock`] and
//! [`Tx::next`]; and a [`Session`], which is what changes are committed on together (`commit`).
//!
//! Every write is one `BEGIN IMMEDIATE` transaction behind the gate `run/write.lock`. A crash leaves the last committed
//! state; a commit that failed leaves an unknown one, which is said ([`FailureKind::Unknown`]) and never guessed.
//!
//! What is not standard SQL in the statements of the store, and why it is used:
//! * `RETURNING` (`job::delete`, `process::begin_epoch`, [`Tx::next`]): a change tells what it found in one step.
//!   Elsewhere it is a SELECT under the lock of the row, then the change.
//! * `INSERT … ON CONFLICT` ([`Tx::next`], `submission`, `job::class`): a row that is there already is no error, so that
//!   nothing is caught inside a transaction. The standard has MERGE.
//! * `LIMIT` instead of `FETCH FIRST n ROWS ONLY`: the one spelling that SQLite has.
//! * `?1` … `?8`: a parameter that is used twice is bound once.
//! * `+column` in a condition (`job`): keeps the planner from an index that would sort a group for every page.
//! * Identities from `last_insert_rowid` ([`Tx::insert`]); the standard has `GENERATED ALWAYS AS IDENTITY` and RETURNING.
//! * `PRAGMA` (the number of the schema, the log), `SAVEPOINT` (`commit`), and DDL with `AUTOINCREMENT` and partial
//!   indexes (`schema`).

pub mod backup;
pub mod check;
pub mod salvage;
mod vacuum;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Params, params_from_iter};

use super::value::{Bind, Column, Read, Value, values};
use super::{Fallible, commit, ground, guard, schema};
use crate::model::time::Moment;
use crate::model::{
    Actor, Call, Caller, DeviceId, EntryId, Failure, FailureKind, JobId, JobNumber, LocalJobId, ObjectId, ProcessId,
    RouteId, Serial,
};
use crate::sys::files::sync_dir;
use crate::sys::lock::FileLock;

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
            _ => Self::new(kind, format!("spool.db: {error}")),
        }
    }
}

/// The failure of a database that cannot be read any more, with the way out.
fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("spool.db is damaged: {what}"))
        .hint("pdfsck tells what is lost, pdfsck --repair saves what can still be read")
        .hint("pdbackup --restore DIR puts a backup in its place")
}

/// A parameter on its way to SQLite.
struct Bound<'a>(Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(n) => ValueRef::Integer(n),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(octets) => ValueRef::Blob(octets),
        }))
    }
}

fn bound<'a>(values: &'a [&'a dyn Bind]) -> impl Params + 'a {
    params_from_iter(values.iter().map(|value| Bound(value.bind())))
}

/// A row that a statement found.
pub(crate) struct Row<'a>(&'a rusqlite::Row<'a>);

impl Row<'_> {
    /// The value of a column.
    pub(crate) fn get<T: Read>(&self, column: Column) -> Fallible<T> {
        let value = match self.0.get_ref(column.index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(n) => Value::Integer(n),
            ValueRef::Text(text) => {
                Value::Text(str::from_utf8(text).map_err(|error| damaged(column.name, &error.to_string()))?)
            }
            ValueRef::Blob(octets) => Value::Blob(octets),
            ValueRef::Real(_) => return Err(damaged(column.name, "a number with a fraction")),
        };
        T::read(value).map_err(|wrong| damaged(column.name, &wrong))
    }

    /// The value of the only column.
    pub(crate) fn only<T: Read>(&self) -> Fallible<T> {
        self.get(ONLY)
    }
}

const ONLY: Column = Column { index: 0, name: "value" };

/// A row that says what this version does not know, or that is damaged: nothing is made of it.
pub(super) fn damaged(column: &str, wrong: &str) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("spool.db: {column}: {wrong}"))
        .hint("the spool is damaged, or another version has written it")
}

/// What a transaction decides from. On an engine with many writers it is locked, in this order, before it is read; on
/// SQLite a transaction that writes has the whole spool for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lock {
    /// The state of the spool, its rights.
    Spool,
    /// A print process: whether it runs, and in which epoch.
    Process(ProcessId),
    /// A route: where it leads, and what waits in it.
    Route(RouteId),
    /// A device: what is wanted of it, and what it has.
    Device(DeviceId),
    /// A job: its wish, its holds, its entries.
    Job(JobId),
    /// An entry: who has it.
    Entry(EntryId),
    /// An object that is only kept: its values.
    Kept(ObjectId),
}

/// A number that the whole spool counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// The order of arrival; never the clock decides it.
    Arrival,
    /// Job numbers: the next free one, ascending, from 1 again after the last.
    Number,
    /// Ten-digit numbers: never the same again.
    Serial,
    /// The local ids of a user.
    Local(u32),
}

/// A transaction: the connection, who asked for it, and when. Whatever decides or writes takes one; nothing above the
/// store sees more of the engine.
#[derive(Clone, Copy)]
pub struct Tx<'a> {
    session: &'a Session,
    actor: &'a Actor,
    now: &'a Moment,
}

impl<'a> Tx<'a> {
    pub(super) fn new(session: &'a Session, call: &'a Call) -> Self {
        Self { session, actor: &call.actor, now: &call.now }
    }

    /// When the call was made: the only time that a transaction knows.
    pub(crate) fn now(&self) -> &'a Moment {
        self.now
    }

    /// Who made the call, as events name him.
    pub(crate) fn who(&self) -> &'a str {
        self.actor.who()
    }

    /// The user who made the call; an internal failure when a print process or the spooler did.
    pub(crate) fn caller(&self) -> Fallible<&'a Caller> {
        match self.actor {
            Actor::User(caller) => Ok(caller),
            other => Err(Failure::internal(format!("{} is no user", other.who()))),
        }
    }

    /// The same transaction for something that happened at `now`, and is recorded later.
    pub(crate) fn at(self, now: &'a Moment) -> Self {
        Self { now, ..self }
    }

    /// The same transaction for what the spooler does by itself.
    pub(crate) fn spooler(self) -> Self {
        Self { actor: &Actor::Spooler, ..self }
    }

    /// Runs a statement. How many rows it changed.
    pub(crate) fn run(&self, sql: &str, values: &[&dyn Bind]) -> Fallible<usize> {
        Ok(self.session.db.prepare_cached(sql)?.execute(bound(values))?)
    }

    /// Runs a statement that changes exactly one row. Anything else means that what was decided does not hold any more:
    /// the transaction fails and nothing of it is left.
    pub(crate) fn change(&self, what: &str, sql: &str, values: &[&dyn Bind]) -> Fallible<()> {
        match self.run(sql, values)? {
            1 => Ok(()),
            _ => Err(Failure::new(FailureKind::State, format!("{what} has changed meanwhile: nothing was recorded"))),
        }
    }

    /// Inserts a row. Its identity.
    pub(crate) fn insert(&self, sql: &str, values: &[&dyn Bind]) -> Fallible<i64> {
        self.run(sql, values)?;
        Ok(self.session.db.last_insert_rowid())
    }

    /// Runs a statement for each of several items; `each` hands over the values of one.
    pub(crate) fn batch<I>(
        &self,
        sql: &str,
        items: impl IntoIterator<Item = I>,
        mut each: impl FnMut(I, &mut dyn FnMut(&[&dyn Bind]) -> Fallible<()>) -> Fallible<()>,
    ) -> Fallible<()> {
        let mut statement = None;
        for item in items {
            // Prepared when there is something to do: as a rule there is not.
            let statement = match &mut statement {
                Some(statement) => statement,
                None => statement.insert(self.session.db.prepare_cached(sql)?),
            };
            each(item, &mut |values| Ok(statement.execute(bound(values)).map(drop)?))?;
        }
        Ok(())
    }

    /// The first row that a statement finds.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        values: &[&dyn Bind],
        read: impl FnOnce(&Row<'_>) -> Fallible<T>,
    ) -> Fallible<Option<T>> {
        let mut statement = self.session.db.prepare_cached(sql)?;
        let mut rows = statement.query(bound(values))?;
        rows.next()?.map(|row| read(&Row(row))).transpose()
    }

    /// The rows that a statement finds.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[&dyn Bind],
        mut read: impl FnMut(&Row<'_>) -> Fallible<T>,
    ) -> Fallible<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, values, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Hands each row that a statement finds to `take`.
    pub(crate) fn each(
        &self,
        sql: &str,
        values: &[&dyn Bind],
        mut take: impl FnMut(&Row<'_>) -> Fallible<()>,
    ) -> Fallible<()> {
        let mut statement = self.session.db.prepare_cached(sql)?;
        let mut rows = statement.query(bound(values))?;
        while let Some(row) = rows.next()? {
            take(&Row(row))?;
        }
        Ok(())
    }

    /// Whether a statement finds a row.
    pub(crate) fn finds(&self, sql: &str, values: &[&dyn Bind]) -> Fallible<bool> {
        Ok(self.session.db.prepare_cached(sql)?.exists(bound(values))?)
    }

    /// Keeps others from changing what this transaction decides from, until it ends.
    #[allow(clippy::unused_self, reason = "one writer at a time: the transaction has locked everything")]
    pub(crate) fn lock(&self, _what: Lock) -> Fallible<()> {
        Ok(())
    }

    /// The next number of a counter; none when all are in use. Nothing is taken then.
    pub(crate) fn next(&self, counter: Counter) -> Fallible<Option<i64>> {
        let db = &self.session.db;
        match counter {
            Counter::Arrival => Ok(Some(db.prepare_cached(NEXT_ARRIVAL)?.query_row([], |row| row.get(0))?)),
            Counter::Serial => {
                let last: i64 = db.prepare_cached(LAST_SERIAL)?.query_row([], |row| row.get(0))?;
                let next = Serial::after(u64::try_from(last).unwrap_or(0), self.now.wall_ms / 1000);
                let next = i64::try_from(next.0).unwrap_or(i64::MAX);
                db.prepare_cached(SET_SERIAL)?.execute([next])?;
                Ok(Some(next))
            }
            Counter::Number => {
                let last: u32 = db.prepare_cached(LAST_NUMBER)?.query_row([], |row| row.get(0))?;
                let Some(number) = self.free_number(last)? else { return Ok(None) };
                db.prepare_cached(SET_NUMBER)?.execute([number])?;
                Ok(Some(i64::from(number)))
            }
            Counter::Local(uid) => {
                let last = db.prepare_cached(LAST_LOCAL)?.query_row([uid], |row| row.get(0)).optional()?.unwrap_or(0);
                let mut next: u32 = last;
                loop {
                    next = if next >= LocalJobId::MAX { 1 } else { next + 1 };
                    if next == last || !self.finds(LOCAL_TAKEN, values![uid, next])? {
                        break;
                    }
                }
                db.prepare_cached(SET_LOCAL)?.execute([uid, next])?;
                Ok(Some(i64::from(next)))
            }
        }
    }

    /// The first job number after `last` that no job has.
    fn free_number(&self, last: u32) -> Fallible<Option<u32>> {
        let mut candidate = if last >= JobNumber::MAX { 1 } else { last + 1 };
        let mut used = self.session.db.prepare_cached(NUMBERS_FROM)?;
        // Two passes: up to the last number, then from 1. Within one, the first gap is the answer.
        for _ in 0..2 {
            let mut rows = used.query([candidate])?;
            while let Some(row) = rows.next()? {
                if row.get::<_, u32>(0)? != candidate {
                    break;
                }
                candidate += 1;
            }
            if candidate <= JobNumber::MAX {
                return Ok(Some(candidate));
            }
            candidate = 1;
        }
        Ok(None)
    }

    /// Plans statements, without running them.
    pub(super) fn plan(&self, statements: &[&str]) -> Fallible<()> {
        statements.iter().try_for_each(|sql| Ok(self.session.db.prepare_cached(sql).map(drop)?))
    }

    /// Runs statements without values: those of a schema.
    pub(super) fn script(&self, sql: &str) -> Fallible<()> {
        Ok(self.session.db.execute_batch(sql)?)
    }

    /// The number of the schema.
    pub(super) fn version(&self) -> Fallible<i64> {
        self.session.version()
    }

    /// Sets the number of the schema.
    pub(super) fn set_version(&self, version: i64) -> Fallible<()> {
        Ok(self.session.db.pragma_update(None, "user_version", version)?)
    }
}

const NEXT_ARRIVAL: &str = "UPDATE spool SET last_sequence = last_sequence + 1 WHERE id = 1 RETURNING last_sequence";
const LAST_SERIAL: &str = "SELECT last_serial FROM spool WHERE id = 1";
const SET_SERIAL: &str = "UPDATE spool SET last_serial = ? WHERE id = 1";
const LAST_NUMBER: &str = "SELECT last_number FROM spool WHERE id = 1";
const SET_NUMBER: &str = "UPDATE spool SET last_number = ? WHERE id = 1";
const NUMBERS_FROM: &str = "SELECT number FROM job WHERE number >= ? ORDER BY number";
const LAST_LOCAL: &str = "SELECT last FROM local_counter WHERE owner_uid = ?";
const LOCAL_TAKEN: &str = "SELECT 1 FROM job WHERE owner_uid = ? AND local_id = ?";
const SET_LOCAL: &str = "INSERT INTO local_counter (owner_uid, last) VALUES (?, ?)
     ON CONFLICT (owner_uid) DO UPDATE SET last = excluded.last";

/// The statements of this file that a submission runs.
pub(super) const OF_SUBMISSION: &[&str] = &[
    "BEGIN IMMEDIATE",
    NEXT_ARRIVAL,
    LAST_SERIAL,
    SET_SERIAL,
    LAST_NUMBER,
    SET_NUMBER,
    NUMBERS_FROM,
    LAST_LOCAL,
    LOCAL_TAKEN,
    SET_LOCAL,
    "COMMIT",
];

/// An open connection.
pub(super) struct Session {
    db: Connection,
}

impl Session {
    fn open(path: &Path, flags: OpenFlags) -> Fallible<Self> {
        let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(GATE_DEADLINE)?;
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
        Ok(Self { db })
    }

    fn create(path: &Path) -> Fallible<()> {
        let db = Connection::open(path)?;
        db.busy_timeout(GATE_DEADLINE)?;
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(())
    }

    /// A statement without values or rows, prepared once for each connection.
    fn step(&self, sql: &str) -> Fallible<()> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Begins a transaction that looks at one state.
    fn begin_look(&self) -> Fallible<()> {
        self.step("BEGIN")
    }

    /// Begins a transaction that changes: nobody else does until it ends.
    pub(super) fn begin(&self) -> Fallible<()> {
        self.step("BEGIN IMMEDIATE")
    }

    /// Commits it. What became of it is unknown when this fails, except on a full disk: then it did not happen.
    pub(super) fn commit(&self) -> Fallible<()> {
        self.step("COMMIT").map_err(|failure| match failure.kind {
            // The log could not even be written to its end.
            FailureKind::Full => failure,
            _ => Failure::new(FailureKind::Unknown, format!("the commit failed, its outcome is unknown: {failure}")),
        })
    }

    /// Undoes it.
    pub(super) fn undo(&self) -> Fallible<()> {
        self.step("ROLLBACK")
    }

    /// Begins a part of it that can be undone alone.
    pub(super) fn begin_part(&self) -> Fallible<()> {
        self.step("SAVEPOINT part")
    }

    /// Ends that part.
    pub(super) fn end_part(&self) -> Fallible<()> {
        self.step("RELEASE part")
    }

    /// Undoes that part.
    pub(super) fn undo_part(&self) -> Fallible<()> {
        self.step("ROLLBACK TO part")?;
        self.step("RELEASE part")
    }

    /// How many rows this connection has changed so far.
    pub(super) fn changes(&self) -> u64 {
        self.db.total_changes()
    }

    /// Whether an error has ended the transaction as a whole.
    pub(super) fn is_over(&self) -> bool {
        self.db.is_autocommit()
    }

    /// The number of the schema.
    pub(super) fn version(&self) -> Fallible<i64> {
        Ok(self.db.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?)
    }

    /// Looks at one consistent state. The outer error is that of the connection, which is of no use then.
    fn look<T>(&self, call: &Call, look: impl FnOnce(&Tx<'_>) -> Fallible<T>) -> Fallible<Fallible<T>> {
        self.begin_look()?;
        let result = self.version().and_then(schema::check).and_then(|()| look(&Tx::new(self, call)));
        self.undo()?;
        Ok(result)
    }
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
    pub(super) writer: Mutex<Option<Session>>,
    pub(super) waiting: Mutex<commit::Queue>,
    readers: Mutex<Readers>,
    /// Rung when a reader comes back.
    reader_free: Condvar,
    /// Whether the name of the log is known to be on disk.
    log_named: AtomicBool,
    /// Whether looks use the writer's connection while nobody writes.
    alone: bool,
    /// Where the mark of the last commit is kept, once the server's directory is known.
    pub(super) mark: OnceLock<PathBuf>,
    /// Which files the connection that writes has open, and whether others were found in their place.
    ground: ground::Ground,
}

/// Connections for looking: those at hand, and how many there are in all.
#[derive(Default)]
struct Readers {
    idle: Vec<Session>,
    all: usize,
}

/// Connections for looking at most: each costs two descriptors and a cache, and a look is short.
const MOST_READERS: usize = 8;

/// Where SQLite keeps the log of a database.
pub(super) fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
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
    pub(crate) fn keep_mark(&self, path: &Path) {
        let _ = self.mark.set(path.to_path_buf());
    }

    /// The same for a command that changes something and ends: it looks through the connection that writes. Opening a
    /// second one, which reads the schema again, would cost it more than all its looks.
    pub fn for_command(path: &Path, gate: &Path) -> Self {
        Self { alone: true, ..Self::new(path, gate) }
    }

    /// Creates the schema in a new database, and what `first` writes.
    pub(crate) fn create(&self, call: &Call, first: impl Fn(&Tx<'_>) -> Fallible<()> + Send + 'static) -> Fallible<()> {
        {
            let _gate = self.pass_gate()?;
            Session::create(&self.path)?;
        }
        self.write(call, move |tx| {
            schema::migrate(tx)?;
            first(tx)
        })
    }

    /// Brings an older schema up to ours. Nobody else may use the spool meanwhile. When it fails, the older schema stands.
    pub(crate) fn migrate(&self) -> Fallible<()> {
        self.write(&Call::timeless(), schema::migrate)
    }

    /// Waits until no other process writes.
    pub(super) fn pass_gate(&self) -> Fallible<FileLock> {
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

    /// Opens the connection that writes, and remembers which files it has open.
    pub(super) fn writing_session(&self) -> Fallible<Session> {
        self.demand_ground()?;
        let before = ground::Files::at(&self.path);
        let session = Session::open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // The log is opened by the first look. Whoever exchanges the files at this very moment is found out here, or by the
        // first commit.
        session.version()?;
        self.ground.remember(before, &self.path)?;
        Ok(session)
    }

    /// Makes sure that the files which the connection that writes has open still have their names.
    pub(super) fn demand_ground(&self) -> Fallible<()> {
        self.ground.stands(&self.path)
    }

    /// Looks at one consistent state. Keep it short: no output is written meanwhile.
    pub(crate) fn read<T>(&self, call: &Call, look: impl FnOnce(&Tx<'_>) -> Fallible<T>) -> Fallible<T> {
        // Never inside a transaction of our own: there the writer is taken, and a look sees what is committed.
        if self.alone
            && let Ok(mut writer) = self.writer.try_lock()
        {
            let session = match writer.take() {
                Some(session) => session,
                None => self.writing_session()?,
            };
            let result = session.look(call, look)?;
            *writer = Some(session);
            return result;
        }
        let place = self.reader()?;
        let session = place.session.as_ref().ok_or_else(|| Failure::internal("a reader without a connection"))?;
        let result = session.look(call, look)?;
        place.give_back();
        result
    }

    /// Whether this is the store of a command, which ends when it has changed something.
    pub(crate) fn is_for_command(&self) -> bool {
        self.alone
    }

    /// Lets `plan` plan statements on the connection that will write, before the gate is passed: while others write, and
    /// while the print files of a submission go to the disk. Whoever stays has them planned.
    pub(crate) fn plan(&self, plan: impl FnOnce(&Tx<'_>) -> Fallible<()>) -> Fallible<()> {
        if self.alone
            && let Ok(writer) = self.writer.try_lock()
            && let Some(session) = writer.as_ref()
        {
            plan(&Tx::new(session, &Call::timeless()))?;
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
        let mut place = ReaderPlace { store: self, session: idle };
        if place.session.is_none() {
            place.session = Some(Session::open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?);
        }
        Ok(place)
    }

    /// Changes the spool in one durable transaction, committed together with whatever other threads wait to change.
    /// `work` may run more than once; only its last run counts. It changes rows and nothing else, and returns what has to
    /// be done to files and processes after the commit. Fails as `work` does (nothing was changed then), with `Full` or
    /// `Timeout` (nothing was changed), or with `Unknown` when the commit failed.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        call: &Call,
        mut work: impl FnMut(&Tx<'_>) -> Fallible<T> + Send + 'static,
    ) -> Fallible<T> {
        let result: Arc<Mutex<Option<T>>> = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let call = call.clone();
        self.transact(move |session| {
            let value = work(&Tx::new(session, &call))?;
            *guard(&slot) = Some(value);
            Ok(())
        })?;
        let value = guard(&result).take();
        value.ok_or_else(|| Failure::internal("a transaction left no result"))
    }

    /// Makes sure that the directory on disk knows the log, before anything is committed to it. SQLite would sync the
    /// directory in every process (it is built without that). Once is enough: a log that holds something was named on
    /// disk before that was written. Inside a transaction nobody else can take the log away.
    pub(super) fn name_log(&self) -> Fallible<()> {
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

    /// Whether the log is too long even for a crowd of writers.
    pub(super) fn log_is_huge(&self) -> bool {
        std::fs::metadata(&self.log).is_ok_and(|meta| meta.len() >= LOG_LIMIT_IN_A_CROWD)
    }

    /// Writes a long log back and empties it. Called behind the gate. What was committed is durable already: when this
    /// fails, or a reader still needs the log, a later writer does it.
    pub(super) fn shorten_log(&self, session: &Session) {
        if !std::fs::metadata(&self.log).is_ok_and(|meta| meta.len() >= LOG_LIMIT) {
            return;
        }
        // Pages that hold nothing any more are given back to the file system, a bounded number at a time.
        let _ = vacuum::some(session);
        // Readers are not waited for: nobody behind the gate waits for a listing.
        let _ = session.db.busy_timeout(Duration::ZERO);
        let _ = session.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = session.db.busy_timeout(GATE_DEADLINE);
    }
}

/// One of the places of readers. Dropped with an error it takes its connection along, so that no transaction is left open.
struct ReaderPlace<'a> {
    store: &'a Store,
    session: Option<Session>,
}

impl ReaderPlace<'_> {
    fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            let mut readers = guard(&self.store.readers);
            readers.idle.push(session);
            // The drop below takes it for lost.
            readers.all += 1;
        }
    }
}

impl Drop for ReaderPlace<'_> {
    fn drop(&mut self) {
        self.session = None;
        let mut readers = guard(&self.store.readers);
        readers.all = readers.all.saturating_sub(1);
        drop(readers);
        self.store.reader_free.notify_one();
    }
}

/// A database in memory, for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Writes the whole log of the database at `path` back into it.
    pub(crate) fn write_back(path: &Path) {
        let db = Connection::open(path).unwrap();
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }

    pub(crate) struct Memory {
        session: Session,
        call: Call,
    }

    impl Memory {
        /// With the schema and nothing in it.
        pub(crate) fn new() -> Self {
            let session = Session { db: Connection::open_in_memory().unwrap() };
            session.db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
            let memory = Self { session, call: Call::timeless() };
            schema::migrate(&memory.tx()).unwrap();
            memory
        }

        pub(crate) fn tx(&self) -> Tx<'_> {
            Tx::new(&self.session, &self.call)
        }

        /// How the database would run a statement.
        pub(crate) fn plan(&self, sql: &str) -> String {
            let mut statement = self.session.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec![1; statement.parameter_count()];
            let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
        }
    }
}
