//! A copy of the database of a running spool, what it says of print files, and making it ready to take its place again.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use crate::model::job::{Identity, RawPath, Transfer};
use crate::model::time::Moment;
use crate::model::{Failure, FailureKind};

use super::generation::Mark;
use super::{Fallible, document, generation, restored, schema, spool, unsigned};

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

/// Opens a database that nobody else writes to now, without taking its log away from those who use it.
pub(super) fn open(path: &Path, flags: OpenFlags) -> Fallible<Connection> {
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(PATIENCE)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(db)
}

/// Copies the database at `from`, as it is at one moment, into the new file at `to`. Writers go on meanwhile. The copy is one
/// file, without a log.
///
/// # Errors
/// When it cannot be read or written. What was written is worthless then.
pub fn copy(from: &Path, to: &Path) -> Fallible<()> {
    let source = open(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut copy = Connection::open(to)?;
    {
        let backup = Backup::new(&source, &mut copy)?;
        // All pages in one step: a reader of a log never waits, and a copy in several steps begins again with each commit.
        match backup.step(-1)? {
            StepResult::Done => {}
            _ => return Err(Failure::new(FailureKind::Timeout, "spool.db was busy for half a minute")),
        }
    }
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    drop(copy);
    let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| Failure::new(FailureKind::Io, format!("{}: {error}", to.display())))
}

/// What the database at `path` holds.
///
/// # Errors
/// When it cannot be read, or is newer than this program.
pub fn contents(path: &Path) -> Fallible<Contents> {
    contents_of(&open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?)
}

fn contents_of(db: &Connection) -> Fallible<Contents> {
    let version = schema::version(db)?;
    schema::check(version)?;
    let row = spool::row(db)?;
    let mark =
        if version >= 3 { generation::of(db)? } else { Mark { generation: 0, number: 0, serial: 0, sequence: 0 } };
    Ok(Contents { spool_id: row.spool_id, server: row.server, mark, jobs: jobs(db)?, documents: documents(db)? })
}

fn jobs(db: &Connection) -> Fallible<u64> {
    Ok(unsigned(db.query_row("SELECT count(*) FROM job", [], |row| row.get(0))?))
}

/// Every document, with its job's number.
///
/// # Errors
/// When they cannot be read.
pub fn documents(db: &Connection) -> Fallible<Vec<Kept>> {
    let mut jobs = db.prepare("SELECT id, number FROM job ORDER BY id")?;
    let jobs = jobs.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?)))?;
    let mut kept = Vec::new();
    for job in jobs {
        let (id, number) = job?;
        for row in document::of_job(db, crate::model::JobId(id))? {
            kept.push(Kept {
                job: number,
                store_name: row.store_name,
                transfer: row.transfer,
                link_target: row.link_target,
                identity: row.identity,
                digest: row.digest,
            });
        }
    }
    Ok(kept)
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
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(PATIENCE)?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    schema::migrate(&db)?;
    restored::begin(&db, seen, why, now)?;
    for (store_name, identity) in files {
        db.prepare_cached(
            "UPDATE document SET dev = ?, ino = ?, birth_ns = ?, mtime_ns = ?, ctime_ns = ? WHERE store_name = ?",
        )?
        .execute(params![
            identity.dev.cast_signed(),
            identity.ino.cast_signed(),
            identity.birth_ns,
            identity.mtime_ns,
            identity.ctime_ns,
            store_name
        ])?;
    }
    // No process of the spool that was runs on this one.
    db.execute("UPDATE process SET running = 0, running_boot = NULL, pid = NULL", [])?;
    db.execute("UPDATE device SET is_open = 0", [])?;
    let mark = generation::count(&db)?.ok_or_else(|| Failure::internal("a backup without a spool"))?;
    db.execute_batch("COMMIT")?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // The last connection writes the log back and takes it away.
    db.close().map_err(|(_, error)| Failure::from(error))?;
    Ok(mark)
}
