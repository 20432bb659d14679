//! Opening a base directory, and making a new one.
//!
//! States of a base: nothing → `run/` → `spool.db` with its schema (one transaction) → server directory with `.spool-id`.
//! A crash in between leaves a base that the next creation completes. A server directory whose `spool.db` is gone, or
//! belongs to another spool, is refused and never re-created: its print files are somebody's jobs. A `spool.db` that is
//! older than the mark beside the print files was restored: its jobs are held before anybody sees them. `run/` holds
//! nothing that cannot be made again, and is made again when it is gone.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::EventWord;
use crate::model::time::Moment;
use crate::model::{Call, Caller, Failure, FailureKind, ServerName};
use crate::store::generation::{self, Mark};
use crate::store::restored;
use crate::store::{self, Fallible, Lock, Store, Tx};
use crate::sys::files::{is_network, random_name, sync_dir};
use crate::sys::lock::FileLock;
use crate::sys::{own_file, users};

use super::paths::Base;
use super::refusals::{io_failure, refused};
use super::{ballast, dirs, locks, rights};
use crate::spool::lately::Lately;
use crate::spool::{Inner, Room, Spool};

/// What the caller needs of the base.
#[derive(Clone, Debug)]
pub enum Access {
    /// A spool that exists.
    Existing {
        /// Now.
        now: Moment,
    },
    /// One that is made if there is none.
    Create {
        /// The server name of a new spool.
        server: ServerName,
        /// Now.
        now: Moment,
    },
}

/// How the refusal begins when nothing was made at a place yet.
const NO_SPOOL: &str = "there is no spool at";

/// Tells whether a spool was not opened because there is none yet.
pub fn is_missing(failure: &Failure) -> bool {
    failure.message.starts_with(NO_SPOOL)
}

/// A server name made of a host name: what a name may not contain is replaced.
pub fn server_name(host: &str) -> ServerName {
    let cleaned: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .take(32)
        .collect();
    cleaned.parse().or_else(|_| format!("s{cleaned}").parse()).unwrap_or_else(|_| fallback_name())
}

fn fallback_name() -> ServerName {
    match "server".parse() {
        Ok(name) => name,
        Err(_) => unreachable!("a plain word is a name"),
    }
}

/// How long those who use a spool of an older version are waited for.
const OLDER_LEAVES: Duration = Duration::from_secs(5);
/// How long somebody who has the spool alone is waited for: he brings its schema up to date, or puts another database there.
const ALONE: Duration = Duration::from_secs(60);

/// Opens the spool at `base`.
///
/// # Errors
/// `Unreachable` when there is none, or it must not be used: another user's, on a network file system, damaged, newer.
pub fn open(base: &Base, access: Access) -> Fallible<Spool> {
    open_with(base, access, Store::new)
}

/// Returns the same for a command that changes something and ends.
///
/// # Errors
/// As [`open`].
pub fn open_for_command(base: &Base, access: Access) -> Fallible<Spool> {
    open_with(base, access, Store::for_command)
}

/// The same for a print process.
///
/// # Errors
/// As [`open`].
pub fn open_for_process(base: &Base, access: Access) -> Fallible<Spool> {
    let spool = open_with(base, access, Store::for_print_process)?;
    // A living process asks again and again until it can write; one that cannot begin ends and says why.
    let gate = base.write_lock();
    own_file::demand(&gate).map_err(|error| io_failure(&gate, &error))?;
    Ok(spool)
}

/// Makes a store of the paths of its database and gate.
type MakeStore = fn(&Path, &Path) -> Store;

fn open_with(base: &Base, access: Access, make: MakeStore) -> Fallible<Spool> {
    let root = base.root();
    match std::fs::metadata(root) {
        Ok(meta) => {
            demand_ours(root, &meta)?;
            dirs::make_usable(root).map_err(|error| io_failure(root, &error))?;
            rights::close_base(base, &meta)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match access {
            Access::Create { .. } => make_dir(root)?,
            Access::Existing { .. } => return Err(no_spool(base)),
        },
        Err(error) => return Err(io_failure(root, &error)),
    }
    if is_network(root).map_err(|error| io_failure(root, &error))? {
        return Err(refused(format!("{} is on a network file system, where locks cannot be trusted", root.display()))
            .hint("set PDBASE to a directory on a local disk"));
    }
    let (Access::Existing { now } | Access::Create { now, .. }) = &access;
    let now = now.clone();
    // Opened once: whoever opens the database while nobody else has it open reads its whole log first.
    let store = match initialised(base, make)? {
        Some((store, version)) => {
            make_dir(&base.run())?;
            if version < store::schema::VERSION {
                upgrade(base, &store)?;
            }
            store
        }
        None => {
            refuse_orphans(base)?;
            match access {
                Access::Create { server, now } => create(base, &server, &now)?,
                Access::Existing { .. } => return Err(no_spool(base)),
            }
            make(&base.database(), &base.write_lock())
        }
    };
    let path = base.spool_lock();
    let lock = match FileLock::shared(&path, ALONE) {
        Ok(lock) => Some(lock.ok_or_else(|| taken_alone(base))?),
        // Displays work where nothing can be changed.
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            FileLock::shared_for_looking(&path, ALONE).map_err(|error| io_failure(&path, &error))?
        }
        Err(error) => return Err(io_failure(&path, &error)),
    };
    let look = |tx: &Tx<'_>| Ok((store::spool::row(tx)?, generation::of(tx)?));
    let (row, mark) = store.read(&Call::timeless(), look).map_err(|failure| match failure.kind {
        FailureKind::Io => Failure { kind: FailureKind::Unreachable, ..failure },
        _ => failure,
    })?;
    let server: ServerName = row.server.parse()?;
    let creator_uid = row.trust.creator_uid;
    let mut spool = assembled(base, store, (server, row.spool_id, creator_uid), lock);
    spool.check_server_dir()?;
    let id = base.spool_id(spool.server());
    let place = locks::use_spool(&id, ALONE).or_else(|error| match error.kind() {
        // Whoever may only look may not lock either, and disturbs nobody.
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Ok(None),
        _ => Err(io_failure(&id, &error)),
    })?;
    if let Some(inner) = Arc::get_mut(&mut spool.inner) {
        inner._place = place;
    }
    let path = base.generation(spool.server());
    spool.inner.store.keep_mark(&path);
    // The file was read after the database here, so a commit in between may have made it the newer one: what is decided is
    // decided inside a transaction.
    if Mark::read(&path).is_some_and(|seen| seen.generation > mark.generation) {
        spool.notice_restore(&now)?;
    }
    Ok(spool)
}

/// Puts a spool together: its server, its identity and who made it were read from `store`.
fn assembled(
    base: &Base,
    store: Store,
    (server, spool_id, creator_uid): (ServerName, String, u32),
    lock: Option<FileLock>,
) -> Spool {
    let inner = Inner {
        base: base.clone(),
        store,
        server,
        spool_id,
        creator_uid,
        _lock: lock,
        _place: None,
        opens: Arc::default(),
        names: super::names::Names::default(),
        keeps_ready: false.into(),
        recordable: Lately::default(),
        deliveries: std::sync::OnceLock::new(),
    };
    Spool { inner: Arc::new(inner) }
}

/// Opens the spool at `base` for one short look: nothing is made, mended or brought up to date, and nobody is waited for.
///
/// # Errors
/// As [`open`]; `Unreachable` also where somebody has the spool alone, and where another open would change something.
pub fn glance(base: &Base) -> Fallible<Spool> {
    let root = base.root();
    let meta = std::fs::metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_spool(base),
        _ => io_failure(root, &error),
    })?;
    demand_ours(root, &meta)?;
    if is_network(root).map_err(|error| io_failure(root, &error))? {
        return Err(refused(format!("{} is on a network file system", root.display())));
    }
    let store = Store::new(&base.database(), &base.write_lock());
    if !store.has_its_files() {
        return Err(no_spool(base));
    }
    let path = base.spool_lock();
    let lock = FileLock::shared_for_looking(&path, Duration::ZERO).map_err(|error| io_failure(&path, &error))?;
    let unlike = || refused(format!("{} waits for a command that brings it up to date", root.display()));
    if store.read(&Call::timeless(), store::schema::version)? != store::schema::VERSION {
        return Err(unlike());
    }
    let look = |tx: &Tx<'_>| Ok((store::spool::row(tx)?, generation::of(tx)?));
    let (row, mark) = store.read(&Call::timeless(), look)?;
    let server: ServerName = row.server.parse()?;
    let proof = base.spool_id(&server);
    let proven = own_file::read_text(&proof).map_err(|error| io_failure(&proof, &error))?;
    let restored = Mark::read(&base.generation(&server)).is_some_and(|seen| seen.generation > mark.generation);
    if proven.trim() != row.spool_id || restored {
        return Err(unlike());
    }
    Ok(assembled(base, store, (server, row.spool_id, row.trust.creator_uid), lock))
}

fn demand_ours(root: &Path, meta: &std::fs::Metadata) -> Fallible<()> {
    if !meta.is_dir() {
        return Err(refused(format!("{} is not a directory", root.display())));
    }
    if meta.uid() != nix::unistd::geteuid().as_raw() {
        let owner = crate::sys::users::name(meta.uid());
        return Err(refused(format!("{} belongs to user {owner}, not to you", root.display()))
            .hint("set PDBASE to a directory of your own"));
    }
    Ok(())
}

fn taken_alone(base: &Base) -> Failure {
    refused(format!("{} has been in use by one process alone for a minute", base.root().display())).hint(
        "it is a server, or it restores a backup or brings the spool up to date: repeat the command when it has ended",
    )
}

/// Brings a spool of an older schema up to ours, alone: whoever holds the spool's lock, a print process of the older
/// version among them, is waited for, so that nobody finds columns changed under a running job. Others who want to do the
/// same wait until it is done.
fn upgrade(base: &Base, store: &Store) -> Fallible<()> {
    let path = base.upgrade_lock();
    let turn = FileLock::exclusive(&path, ALONE).map_err(|error| io_failure(&path, &error))?;
    let _turn = turn.ok_or_else(|| taken_alone(base))?;
    // Whoever was faster has done it.
    if store.read(&Call::timeless(), store::schema::version)? == store::schema::VERSION {
        return Ok(());
    }
    let path = base.spool_lock();
    let lock = FileLock::exclusive(&path, OLDER_LEAVES).map_err(|error| io_failure(&path, &error))?;
    if lock.is_none() {
        return Err(refused(format!(
            "{} is of an older version, and a print process or command of that version still uses it",
            base.root().display()
        ))
        .hint("it is brought up to date when they have ended: a print process does so about two minutes after its last job"));
    }
    store.migrate()
}

fn no_spool(base: &Base) -> Failure {
    refused(format!("{NO_SPOOL} {}", base.root().display())).hint(
        "the first command that declares something makes one: spoolcom 'PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI file:///tmp/lp1.out'",
    )
}

fn make_dir(path: &Path) -> Fallible<()> {
    dirs::make(path).map_err(|error| io_failure(path, &error))
}

/// Returns the store of `spool.db` and the number of its schema, if that holds a spool. A file without a schema is a
/// creation that was cut off.
fn initialised(base: &Base, make: MakeStore) -> Fallible<Option<(Store, i64)>> {
    let path = base.database();
    let size = || match std::fs::metadata(&path) {
        Ok(meta) => Ok(meta.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(io_failure(&path, &error)),
    };
    let store = make(&path, &base.write_lock());
    if size()? > 0 {
        store.undo_creation()?;
    }
    if size()? == 0 {
        return Ok(None);
    }
    let version = store.read(&Call::timeless(), store::schema::version)?;
    Ok((version > 0).then_some((store, version)))
}

/// Refuses a base that holds a server directory but no spool.
fn refuse_orphans(base: &Base) -> Fallible<()> {
    let entries = std::fs::read_dir(base.root()).map_err(|error| io_failure(base.root(), &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| io_failure(base.root(), &error))?;
        if entry.path().join(".spool-id").symlink_metadata().is_ok() {
            return Err(refused(format!(
                "{} is missing or holds no spool, but {} holds print files of one",
                base.database().display(),
                entry.path().display()
            ))
            .hint("was spool.db-wal removed? put it back beside spool.db; nothing was changed")
            .hint("pdbackup --restore DIR puts a backup in its place"));
        }
    }
    Ok(())
}

fn create(base: &Base, server: &ServerName, now: &Moment) -> Fallible<()> {
    make_dir(base.root())?;
    make_dir(&base.run())?;
    let path = base.run().join("create.lock");
    let lock = FileLock::exclusive(&path, Duration::from_secs(30)).map_err(|error| io_failure(&path, &error))?;
    if lock.is_none() {
        return Err(Failure::new(
            FailureKind::Timeout,
            "another process has been creating this spool for half a minute",
        ));
    }
    if initialised(base, Store::new)?.is_some() {
        return Ok(());
    }
    ballast::ensure(base)?;
    let spool_id = random_name(32).map_err(|error| Failure::internal(format!("no randomness: {error}")))?;
    let store = Store::new(&base.database(), &base.write_lock());
    let name = server.as_str().to_owned();
    let uid = nix::unistd::geteuid().as_raw();
    let creator = Caller { uid, user: users::name(uid), host: String::new(), groups: Vec::new(), operator: false };
    store.create(&Call::of(&creator, now), move |tx| {
        store::spool::insert(tx, &spool_id, &name, uid)?;
        store::event::record(tx, store::event::Object::Spool, EventWord::Created, "a new spool")
    })?;
    sync_dir(base.root()).map_err(|error| io_failure(base.root(), &error))
}

impl Spool {
    /// Checks that the server directory belongs to this spool, and completes a creation that was cut off.
    fn check_server_dir(&self) -> Fallible<()> {
        let base = &self.inner.base;
        let dir = base.server(&self.inner.server);
        let proof = base.spool_id(&self.inner.server);
        rights::close_own(&dir)?;
        match own_file::read_text(&proof) {
            Ok(text) if text.trim() == self.inner.spool_id => return Ok(()),
            Ok(_) => {
                return Err(refused(format!("{} belongs to another spool than spool.db", dir.display()))
                    .hint("one of the two was replaced: put the right spool.db back; nothing was changed")
                    .hint("pdbackup --restore DIR puts a backup in its place"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_failure(&proof, &error)),
        }
        make_dir(&dir)?;
        let mut entries = std::fs::read_dir(&dir).map_err(|error| io_failure(&dir, &error))?;
        if entries.any(|entry| entry.is_ok_and(|e| e.file_name().as_encoded_bytes().starts_with(b"pdpr"))) {
            return Err(refused(format!("{} has lost its .spool-id", dir.display()))
                .hint("pdfsck --repair writes it again when the files belong to this spool; nothing was changed"));
        }
        let write = || -> io::Result<()> {
            dirs::make(&base.corrupt(&self.inner.server))?;
            dirs::make(&dir.join("pdb"))?;
            let temporary = dir.join(format!(".spool-id.{}", random_name(6)?));
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(self.inner.spool_id.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, &proof)?;
            sync_dir(&dir)?;
            sync_dir(base.root())
        };
        write().map_err(|error| io_failure(&dir, &error))
    }

    /// The mark beside the print files is ahead of the database: it was restored from a backup, or its log is missing.
    fn notice_restore(&self, now: &Moment) -> Fallible<()> {
        let (base, server) = (&self.inner.base, &self.inner.server);
        // The file first: a commit in between makes the database the newer of the two, which proves nothing.
        let Some(seen) = Mark::read(&base.generation(server)) else { return Ok(()) };
        let noticed = self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            tx.lock(Lock::Spool)?;
            match restored::is_proven(tx, &seen)? {
                true => restored::begin(tx, Some(&seen), "spool.db is older than its print files").map(drop),
                false => Ok(()),
            }
        });
        match noticed {
            // Whoever may only look sees the jobs as the database has them; nobody prints there.
            Err(_) if nix::unistd::access(&base.database(), nix::unistd::AccessFlags::W_OK).is_err() => Ok(()),
            other => other,
        }
    }
}
