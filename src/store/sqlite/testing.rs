//! A database in memory, for tests.

use std::cell::Cell;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, StatementStatus, params_from_iter};

use super::{Session, Tx};
use crate::model::Call;
use crate::store::schema;

/// Writes the whole log of the database at `path` back into it.
pub(crate) fn write_back(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Leaves at `path` what a power loss leaves that comes while the first pages of a database are written: the pages, and the
/// journal that takes them back.
pub(crate) fn cut_off_creation(path: &Path) {
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("spool.db");
    let db = Connection::open(&other).unwrap();
    db.execute_batch("PRAGMA cache_size = 1; CREATE TABLE some (text TEXT); BEGIN IMMEDIATE").unwrap();
    for _ in 0..200 {
        db.execute("INSERT INTO some VALUES (hex(randomblob(400)))", []).unwrap();
    }
    let journal = std::fs::read(elsewhere.path().join("spool.db-journal")).unwrap();
    assert!(journal.starts_with(b"\xd9\xd5\x05\xf9"), "it is on disk, so pages may be written");
    std::fs::write(path.with_file_name("spool.db-journal"), journal).unwrap();
    std::fs::copy(&other, path).unwrap();
}

thread_local! {
    static STEPS: Cell<i64> = const { Cell::new(0) };
}

/// Adds what a statement has done since it was last asked.
pub(super) fn count(statement: &rusqlite::Statement<'_>) {
    let steps = i64::from(statement.reset_status(StatementStatus::VmStep));
    STEPS.set(STEPS.get() + steps);
}

/// Returns how many steps the statements took that this thread ran during `work`. The same work on the same rows takes the
/// same steps on every machine.
pub(crate) fn steps_of<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let before = STEPS.get();
    let done = work();
    (STEPS.get() - before, done)
}

pub(crate) struct Memory {
    session: Session,
    call: Call,
}

impl Memory {
    /// With the schema and nothing in it.
    pub(crate) fn new() -> Self {
        let session = Session::of(Connection::open_in_memory().unwrap());
        session.db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
        let memory = Self { session, call: Call::timeless() };
        schema::migrate(&memory.tx()).unwrap();
        memory
    }

    pub(crate) fn tx(&self) -> Tx<'_> {
        Tx::new(&self.session, &self.call)
    }

    /// Returns how the database would run a statement.
    pub(crate) fn plan(&self, sql: &str) -> String {
        let mut statement = self.session.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![1; statement.parameter_count()];
        let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }
}
