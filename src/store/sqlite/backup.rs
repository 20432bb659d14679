//! A copy of the database of a running spool, what it says of print files, and making it ready to take its place again.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{Fallible, Session, Tx, schema};
use crate::model::job::{Identity, RawPath, Transfer, WrappedKey};
use crate::model::time::Moment;
use crate::model::{Call, Failure, FailureKind};
use crate::store::generation::Mark;
use crate::store::value::{Bits, columns, values};
use crate::store::{document, generation, process, restored, spool};

/// How long another process is waited for that has the database for itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// A document of a database, and the job that it belongs to.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The job's number.
    pub job: u32,
    /// Its file in the server's directory.
    pub store_name: String,
    /// Copy or link.
    pub transfer: Transfer,
    /// What the link holds.
    pub link_target: Option<RawPath>,
    /// What the file was when it was accepted.
    pub identity: Identity,
    /// Digest, where it was taken.
    pub digest: Option<[u8; 32]>,
    /// Its wrapped key, where it is encrypted.
    pub sealed: Option<WrappedKey>,
}

/// What a database says of itself and of the files beside it.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The identity of the spool.
    pub spool_id: String,
    /// Its server's name.
    pub server: String,
    /// Its mark.
    pub mark: Mark,
    /// How many jobs it knows.
    pub jobs: u64,
    /// Its documents.
    pub documents: Vec<Kept>,
}

/// Opens a database that nobody else writes to now, without taking its log away from those who use it. Nothing of it is
/// read: it may be damaged.
pub(super) fn open(path: &Path) -> Fallible<Session> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(Session::of(db))
}

/// Copies the database at `from`, as it is at one moment, into the new file at `to`. Writers go on meanwhile. The copy is one
/// file, without a log.
///
/// # Errors
/// When it cannot be read or written. What was written is worthless then.
pub fn copy(from: &Path, to: &Path) -> Fallible<()> {
    copy_pages(from, to)?;
    let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| Failure::new(FailureKind::Io, format!("{}: {error}", to.display())))
}

/// The copy is closed when this returns.
fn copy_pages(from: &Path, to: &Path) -> Fallible<()> {
    let source = open(from)?;
    let mut copy = Connection::open(to)?;
    {
        let backup = Backup::new(&source.db, &mut copy)?;
        // All pages in one step: a reader of a log never waits, and a copy in several steps begins again with each commit.
        match backup.step(-1)? {
            StepResult::Done => {}
            _ => return Err(Failure::new(FailureKind::Timeout, "spool.db was busy for half a minute")),
        }
    }
    Ok(copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?)
}

/// Returns what the database at `path` holds.
///
/// # Errors
/// When it cannot be read, or is newer than this program.
pub fn contents(path: &Path) -> Fallible<Contents> {
    open(path)?.look(&Call::timeless(), contents_of)?
}

fn contents_of(tx: &Tx<'_>) -> Fallible<Contents> {
    let row = spool::row(tx)?;
    let none = Mark { generation: 0, number: 0, serial: 0, sequence: 0 };
    let mark = if tx.version()? >= schema::MARKED { generation::of(tx)? } else { none };
    let jobs = tx.one("SELECT count(*) FROM job", &[], |row| row.only())?.unwrap_or(0);
    Ok(Contents { spool_id: row.spool_id, server: row.server, mark, jobs, documents: documents(tx)? })
}

columns!(at {
    job = "j.number", store_name = "d.store_name", transfer = "d.transfer", link_target = "d.link_target",
    octets = "d.octets", dev = "d.dev", ino = "d.ino", birth_ns = "d.birth_ns", mtime_ns = "d.mtime_ns",
    ctime_ns = "d.ctime_ns", digest = "d.digest",
});

/// Returns every document, with its job's number. The database may be an older one: every schema has these columns.
fn documents(tx: &Tx<'_>) -> Fallible<Vec<Kept>> {
    let sql =
        format!("SELECT {} FROM document d JOIN job j ON j.id = d.job_id ORDER BY d.job_id, d.sequence", at::LIST);
    let mut all: Vec<Kept> = tx.rows(&sql, values![], |row| {
        Ok(Kept {
            job: row.get(at::job)?,
            store_name: row.get(at::store_name)?,
            transfer: row.get(at::transfer)?,
            link_target: row.get(at::link_target)?,
            identity: Identity {
                dev: row.get::<Bits>(at::dev)?.0,
                ino: row.get::<Bits>(at::ino)?.0,
                birth_ns: row.get(at::birth_ns)?,
                size: row.get(at::octets)?,
                mtime_ns: row.get(at::mtime_ns)?,
                ctime_ns: row.get(at::ctime_ns)?,
            },
            digest: row.get(at::digest)?,
            sealed: None,
        })
    })?;
    if tx.version()? >= schema::SEALED_SINCE {
        let mut keys = keys(tx)?;
        all.iter_mut().for_each(|kept| kept.sealed = keys.remove(&kept.store_name));
    }
    // The file of a job of another server lies there, and a copy of it here only while it prints.
    Ok(all.into_iter().filter(|kept| !kept.store_name.starts_with(crate::store::tally::PULLED)).collect())
}

columns!(key_at { store_name, sealed });

/// Returns the wrapped keys of the documents that are encrypted, by the names of their files.
fn keys(tx: &Tx<'_>) -> Fallible<HashMap<String, WrappedKey>> {
    let sql = format!("SELECT {} FROM document WHERE sealed IS NOT NULL", key_at::LIST);
    Ok(tx
        .rows(&sql, values![], |row| Ok((row.get(key_at::store_name)?, row.get(key_at::sealed)?)))?
        .into_iter()
        .collect())
}

/// Makes the copy at `path` ready to take the place of a spool's database: its jobs are held as *restored*, what it says of
/// print files is what lies there now, and numbers go on above those that `seen` knows. Its new mark.
///
/// # Errors
/// When it cannot be read or written.
pub fn prepare(
    path: &Path,
    seen: Option<&Mark>,
    files: &[(String, Identity)],
    why: &str,
    now: &Moment,
) -> Fallible<Mark> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let session = Session::of(Connection::open_with_flags(path, flags)?);
    session.db.busy_timeout(PATIENCE)?;
    session.begin()?;
    let call = Call::of_spooler(now);
    let tx = Tx::new(&session, &call);
    schema::migrate(&tx)?;
    restored::begin(&tx, seen, why)?;
    for (store_name, identity) in files {
        document::set_place(&tx, store_name, identity)?;
    }
    // No process of the spool that was runs on this one.
    process::end_all(&tx)?;
    let mark = generation::count(&tx)?.ok_or_else(|| Failure::internal("a backup without a spool"))?;
    session.commit()?;
    session.db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // The last connection writes the log back and takes it away.
    session.db.close().map_err(|(_, error)| Failure::from(error))?;
    Ok(mark)
}
