//! A database in memory, for tests.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params_from_iter};

use super::{Session, Tx};
use crate::model::Call;
use crate::store::schema;

/// Writes the whole log of the database at `path` back into it.
pub(crate) fn write_back(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
