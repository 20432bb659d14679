//! A backup of a spool that prints, and putting one in the place of a spool.
//!
//! A backup is a directory: `spool.db` (one file, as it was at one moment), the server's directory with `.spool-id`, the print
//! files and links of every job that it knows, what was put aside in `corrupt/`, and `backup.json`, which is written last: a
//! directory without it is no backup.
//!
//! The database is copied first and the print files afterwards. So that a job of the copy still has its file when it is
//! that file's turn, nobody erases print files while a backup runs: whoever ends a job looks for our lock after his commit,
//! and we take it before we look at the database. What stayed for that reason is swept at the end.
//!
//! A restore prepares the database beside the old one, with all its jobs held, and exchanges the two by one rename. A crash
//! before that leaves the old spool as it was; after it the new one stands. The old database is kept in
//! `replaced-TIME/`.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::documents::sealed_size;
use crate::model::job::{Identity, RawPath, Transfer};
use crate::model::time::Moment;
use crate::model::{Failure, FailureKind, ServerName};
use crate::store::Fallible;
use crate::store::backup::{Kept, contents, copy, prepare};
use crate::store::generation::Mark;
use crate::sys::fault;
use crate::sys::files::{copy_all, identity, open_regular, random_name, read_some, sync_dir};
use crate::sys::lock::FileLock;
use crate::sys::own_file;
use crate::sys::process::ProcessNote;

use super::aside::put_aside;
use super::paths::Base;
use super::refusals::io_failure;
use super::{dirs, document_key, key_file, locks};
use crate::spool::Spool;

/// The list of what a backup holds, written last.
const MANIFEST: &str = "backup.json";
/// Its form.
const FORM: u32 = 1;

/// What a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this list.
    form: u32,
    /// The spool's identity.
    spool_id: String,
    /// Its server's name.
    server: String,
    /// When it was made, wall clock.
    made_ms: i64,
    /// Jobs in it.
    jobs: u64,
    /// The BLAKE3 digest of `spool.db`.
    database: String,
    /// Print files and links.
    files: Vec<Entry>,
}

/// A file in a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// Its name in the server's directory.
    name: String,
    /// The job whose document it is; none for what was put aside.
    job: Option<u32>,
    /// Octets of a copy.
    octets: u64,
    /// The BLAKE3 digest of a copy.
    digest: Option<String>,
    /// What a link leads to.
    link: Option<RawPath>,
}

/// What a backup or restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Jobs.
    pub jobs: u64,
    /// Print files.
    pub files: u64,
    /// Links.
    pub links: u64,
    /// Octets of print files.
    pub octets: u64,
    /// Print files that nobody knows and that were put aside.
    pub aside: u64,
    /// What is missing or damaged, in words.
    pub losses: Vec<String>,
    /// Whether keys are in the backup, or were put back.
    pub keys: bool,
    /// The keys that were left out, in words.
    #[serde(skip)]
    pub left_out: Vec<&'static str>,
    /// Documents that were restored and cannot be read: they are encrypted, and the key is not here.
    #[serde(rename = "without-key")]
    pub without_key: u64,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Failure + '_ {
    move |error| {
        let kind = if error.kind() == io::ErrorKind::StorageFull { FailureKind::Full } else { FailureKind::Io };
        Failure::new(kind, format!("{}: {error}", path.display()))
    }
}

fn digest(file: &mut impl Read) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match read_some(file, &mut buffer)? {
            0 => return Ok(hasher.finalize()),
            n => drop(hasher.update(&buffer[..n])),
        }
    }
}

/// Tells whether a name may be one in a server's directory: our own names, or one in `corrupt/`.
fn is_plain(name: &str) -> bool {
    let last = name.strip_prefix("corrupt/").unwrap_or(name);
    !last.is_empty() && !last.starts_with('.') && !last.contains('/') && last.bytes().all(|b| b != 0)
}

/// Copies one file, on disk when this returns. Its octets and digest, read back from the copy.
fn copy_file(from: &Path, to: &Path) -> io::Result<(u64, blake3::Hash)> {
    let source = open_regular(from)?;
    let mut copy = File::options().read(true).write(true).create_new(true).mode(0o600).open(to)?;
    let octets = copy_all(&source, &copy)?;
    // A spool that is restored tells an old file by its time, where it has no digest.
    copy.set_modified(source.metadata()?.modified()?)?;
    copy.sync_all()?;
    io::Seek::rewind(&mut copy)?;
    Ok((octets, digest(&mut copy)?))
}

/// Makes a backup of `spool` in the directory `to`, which must not exist or be empty. The key of cards is in it only `with_keys`:
/// whoever has both can try all numbers of cards.
///
/// # Errors
/// When it cannot be written, or another backup runs. What is damaged or missing in the spool is no error: it is said.
pub fn backup(spool: &Spool, to: &Path, with_keys: bool, now: &Moment) -> Fallible<Done> {
    let base = spool.base();
    let server = spool.server();
    empty_directory(base, to)?;
    let spool_id = base.spool_id(server);
    let kept = locks::keep_print_files(&spool_id).map_err(failed(&spool_id))?;
    let kept = kept.ok_or_else(|| Failure::new(FailureKind::InUse, "another backup of this spool is running"))?;
    let inside = Base::new(to);
    let dir = inside.server(server);
    dirs::make(&inside.corrupt(server)).map_err(failed(&dir))?;
    copy(&base.database(), &inside.database())?;
    let contents = contents(&inside.database())?;
    let mut done = Done { jobs: contents.jobs, ..Done::default() };
    let mut files = Vec::new();
    for document in &contents.documents {
        match keep_document(&base.server(server), &dir, document) {
            Ok(entry) => files.push(entry),
            Err(error) if is_about_the_backup(&error) => return Err(failed(to)(error)),
            Err(error) => done.losses.push(format!("job {}: {}: {error}", document.job, document.store_name)),
        }
        if let (Some(entry), Some(expected)) = (files.last(), document.digest)
            && entry.name == document.store_name
            && entry.digest.as_deref().is_some_and(|found| found != blake3::Hash::from(expected).to_hex().as_str())
        {
            done.losses.push(format!("job {}: {} is damaged: its digest differs", document.job, entry.name));
        }
        if let (Some(entry), Some(_)) = (files.last(), &document.sealed)
            && entry.name == document.store_name
            && entry.octets != sealed_size(document.identity.size)
        {
            let sizes = (entry.octets, sealed_size(document.identity.size));
            let why = format!("is damaged: it has {} octets instead of {}", sizes.0, sizes.1);
            done.losses.push(format!("job {}: {} {why}", document.job, entry.name));
        }
    }
    keep_aside(&base.corrupt(server), &inside.corrupt(server), &mut files, &mut done.losses)?;
    for (from, to) in [(spool_id.clone(), inside.spool_id(server)), (base.root().join("FASTCNFG"), to.join("FASTCNFG"))]
    {
        match copy_file(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map(drop).map_err(failed(&from))?,
        }
    }
    for (name, key, kept) in keys_of(base, &inside, server) {
        if !with_keys {
            done.left_out.extend(key.symlink_metadata().is_ok().then_some(name));
            continue;
        }
        match copy_file(&key, &kept) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => done.keys |= other.map(|_| true).map_err(failed(&key))?,
        }
    }
    contents.mark.write(&inside.generation(server)).map_err(failed(to))?;
    let mut database = File::open(inside.database()).map_err(failed(to))?;
    let manifest = Manifest {
        form: FORM,
        spool_id: contents.spool_id,
        server: contents.server,
        made_ms: now.wall_ms,
        jobs: contents.jobs,
        database: digest(&mut database).map_err(failed(to))?.to_hex().to_string(),
        files,
    };
    for entry in &manifest.files {
        match entry.link {
            Some(_) => done.links += 1,
            None => (done.files, done.octets) = (done.files + 1, done.octets + entry.octets),
        }
    }
    for dir in [&inside.corrupt(server), &dir, &to.to_path_buf()] {
        sync_dir(dir).map_err(failed(dir))?;
    }
    write_manifest(to, &manifest).map_err(failed(to))?;
    drop(kept);
    // Files of jobs that have ended meanwhile.
    spool.sweep()?;
    Ok(done)
}

/// The files of keys: what each is for, where it is in the spool, and where in the backup.
fn keys_of(base: &Base, backup: &Base, server: &ServerName) -> [(&'static str, PathBuf, PathBuf); 2] {
    [
        ("the key of cards (.card-key)", base.card_key(server), backup.card_key(server)),
        ("the key of encrypted print files (.document-key)", base.document_key(server), backup.document_key(server)),
    ]
}

/// Returns how many documents of the database cannot be read with the keys in `dir`.
fn without_key(database: &Path, dir: &Path) -> Fallible<u64> {
    let unreadable = |kept: &Kept| {
        let sealed = kept.sealed.as_ref();
        sealed.is_some_and(|sealed| document_key::open_key(&dir.join(&kept.store_name), sealed).is_err())
    };
    Ok(contents(database)?.documents.iter().filter(|kept| unreadable(kept)).count() as u64)
}

/// Tells whether an error says that the backup cannot be written, and not that a file of the spool cannot be read.
fn is_about_the_backup(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), AlreadyExists | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

fn empty_directory(base: &Base, to: &Path) -> Fallible<()> {
    if !to.is_absolute() {
        return Err(Failure::internal("a backup needs an absolute path"));
    }
    dirs::make(to).map_err(failed(to))?;
    let (real, root) =
        (to.canonicalize().map_err(failed(to))?, base.root().canonicalize().map_err(failed(base.root()))?);
    if real.starts_with(root) {
        return Err(Failure::new(FailureKind::BadValue, format!("{} lies inside the spool itself", to.display())));
    }
    let mut entries = std::fs::read_dir(to).map_err(failed(to))?;
    if entries.next().is_some() {
        return Err(Failure::new(FailureKind::BadValue, format!("{} is not empty", to.display()))
            .hint("each backup has a directory of its own; one without backup.json was cut off and can be removed"));
    }
    Ok(())
}

/// Keeps the file of one document.
fn keep_document(from: &Path, to: &Path, document: &Kept) -> io::Result<Entry> {
    let name = document.store_name.clone();
    let (from, to) = (from.join(&name), to.join(&name));
    let job = Some(document.job);
    if document.transfer == Transfer::Link && std::fs::symlink_metadata(&from)?.is_symlink() {
        let target = std::fs::read_link(&from)?;
        symlink(&target, &to)?;
        return Ok(Entry { name, job, octets: 0, digest: None, link: Some(RawPath(target)) });
    }
    let (octets, digest) = copy_file(&from, &to)?;
    Ok(Entry { name, job, octets, digest: Some(digest.to_hex().to_string()), link: None })
}

/// Keeps what was put aside, which no row may know.
fn keep_aside(from: &Path, to: &Path, files: &mut Vec<Entry>, losses: &mut Vec<String>) -> Fallible<()> {
    let Ok(entries) = std::fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(failed(from))?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        let name = format!("corrupt/{file}");
        if !is_plain(&name) || files.iter().any(|known| known.name == name) {
            continue;
        }
        let target = std::fs::read_link(entry.path()).ok();
        let kept = match &target {
            Some(target) => symlink(target, to.join(&file)).map(|()| (0, None)),
            None => copy_file(&entry.path(), &to.join(&file)).map(|(octets, digest)| (octets, Some(digest))),
        };
        match kept {
            Ok((octets, digest)) => files.push(Entry {
                name,
                job: None,
                octets,
                digest: digest.map(|digest| digest.to_hex().to_string()),
                link: target.map(RawPath),
            }),
            Err(error) if is_about_the_backup(&error) => return Err(failed(to)(error)),
            Err(error) => losses.push(format!("{name}: {error}")),
        }
    }
    Ok(())
}

fn write_manifest(to: &Path, manifest: &Manifest) -> io::Result<()> {
    let temporary = to.join(format!(".{MANIFEST}"));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
    serde_json::to_writer_pretty(&mut file, manifest)?;
    io::Write::write_all(&mut file, b"\n")?;
    file.sync_all()?;
    std::fs::rename(&temporary, to.join(MANIFEST))?;
    sync_dir(to)
}

fn read_manifest(from: &Path) -> Fallible<Manifest> {
    let path = from.join(MANIFEST);
    let text = std::fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(FailureKind::NotFound, format!("{} is no backup", from.display()))
            .hint("it has no backup.json: pdbackup writes that last"),
        _ => failed(&path)(error),
    })?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Failure::new(FailureKind::Io, format!("{} cannot be read: {error}", path.display())))?;
    if manifest.form != FORM {
        let why = format!("{} is of form {}, this program knows only {FORM}", path.display(), manifest.form);
        return Err(Failure::new(FailureKind::Unsupported, why));
    }
    if let Some(bad) = manifest.files.iter().find(|entry| !is_plain(&entry.name)) {
        return Err(Failure::new(FailureKind::BadValue, format!("{}: '{}' is no name", path.display(), bad.name)));
    }
    Ok(manifest)
}

/// A spool that nobody else uses.
pub(crate) struct Alone {
    _file: FileLock,
    _place: Option<crate::sys::range_lock::RangeLock>,
}

/// How long commands that end by themselves are waited for.
const COMMANDS_END: Duration = Duration::from_secs(5);

/// Has the base for ourselves: no command and no print process uses it until this is dropped.
///
/// # Errors
/// `InUse`, with who uses it, when somebody does not end.
pub(crate) fn alone(base: &Base, server: Option<&ServerName>) -> Fallible<Alone> {
    dirs::make(&base.run()).map_err(|error| io_failure(&base.run(), &error))?;
    let in_use = || {
        let failure = Failure::new(FailureKind::InUse, format!("{} is in use", base.root().display()));
        let failure = holders(base).into_iter().fold(failure, |failure, (name, pid)| {
            failure.hint(format!("print process ${name} uses it: kill -TERM {pid} ends it in good order"))
        });
        let failure = match locks::server_of(base).filter(|_| locks::is_served(base)) {
            Some(note) => failure.hint(format!(
                "pdserver has it: systemctl stop pdserver, or kill -TERM {}, ends it in good order; start it again afterwards",
                note.process.pid
            )),
            None => failure,
        };
        failure.hint("a print process also ends by itself about two minutes after its last job")
    };
    let path = base.spool_lock();
    let file = FileLock::exclusive(&path, COMMANDS_END).map_err(failed(&path))?.ok_or_else(in_use)?;
    let place = match server.map(|server| base.spool_id(server)).filter(|path| path.exists()) {
        Some(path) => Some(locks::have_spool_alone(&path, COMMANDS_END).map_err(failed(&path))?.ok_or_else(in_use)?),
        None => None,
    };
    Ok(Alone { _file: file, _place: place })
}

/// Returns the print processes that hold their locks, by name and number.
pub(crate) fn holders(base: &Base) -> Vec<(String, u32)> {
    let Ok(entries) = std::fs::read_dir(base.run()) else { return Vec::new() };
    let mut holders = Vec::new();
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = file.strip_prefix("fastp.").and_then(|rest| rest.strip_suffix(".lock")) else { continue };
        if FileLock::is_held(&entry.path()).unwrap_or(false)
            && let Ok(note) = own_file::read_text(&entry.path()).unwrap_or_default().parse::<ProcessNote>()
        {
            holders.push((name.to_uppercase(), note.pid));
        }
    }
    holders.sort();
    holders
}

/// Puts the backup in the directory `from` in the place of the spool at `base`. All its jobs are held as *restored*.
///
/// # Errors
/// When there is no such backup, somebody uses the spool, or it cannot be written; the spool is then as it was, but for print
/// files of the backup that were added to it. What is damaged in the backup is no error: it is said.
pub fn restore(base: &Base, from: &Path, now: &Moment) -> Fallible<Done> {
    let manifest = read_manifest(from)?;
    let server: ServerName = manifest.server.parse()?;
    let source = Base::new(from);
    dirs::make(base.root()).map_err(failed(base.root()))?;
    demand_same_spool(base, &server, &manifest)?;
    let alone = alone(base, Some(&server))?;
    tidy(base.root(), ".spool.db.");
    tidy(&base.server(&server), key_file::TEMPORARY);
    let mut done = Done { jobs: manifest.jobs, ..Done::default() };
    let dir = base.server(&server);
    for dir in [&dir, &base.corrupt(&server), &dir.join("pdb")] {
        dirs::make(dir).map_err(failed(dir))?;
    }
    let fresh = base.root().join(format!(".spool.db.{}", random_name(6).map_err(failed(base.root()))?));
    let fresh = Temporary(fresh);
    let (_, found) = copy_file(&source.database(), &fresh.0).map_err(failed(&source.database()))?;
    if found.to_hex().as_str() != manifest.database {
        return Err(Failure::new(
            FailureKind::Io,
            format!("{} is damaged: its digest differs", source.database().display()),
        )
        .hint("restore another backup"));
    }
    let mut identities = Vec::new();
    for entry in &manifest.files {
        match put_back(&source.server(&server), &dir, entry) {
            Ok(identity) => identities.extend(identity.map(|identity| (entry.name.clone(), identity))),
            Err(error) if is_about_the_backup(&error) => return Err(failed(&dir)(error)),
            Err(error) => {
                let object = entry.job.map_or_else(String::new, |job| format!("job {job}: "));
                done.losses.push(format!("{object}{}: {error}", entry.name));
            }
        }
        match entry.link {
            Some(_) => done.links += 1,
            None => (done.files, done.octets) = (done.files + 1, done.octets + entry.octets),
        }
    }
    sync_dir(&dir).map_err(failed(&dir))?;
    let seen = Mark::read(&base.generation(&server));
    let why = "pdbackup --restore put a backup in its place";
    let mark = prepare(&fresh.0, seen.as_ref(), &identities, why, now)?;
    let proof = base.spool_id(&server);
    if !proof.exists() {
        copy_file(&source.spool_id(&server), &proof).map_err(failed(&proof))?;
        sync_dir(&dir).map_err(failed(&dir))?;
    }
    for (_, key, kept) in keys_of(base, &source, &server) {
        // One that is there stays: it is the same, or one that was made after the backup, and then some cards are void.
        if key.symlink_metadata().is_err()
            && let Some(text) = key_file::read(&kept).map_err(failed(&kept))?
        {
            key_file::replace(&key, &text).map_err(failed(&key))?;
            done.keys = true;
        }
    }
    document_key::add(&base.document_key(&server), &source.document_key(&server)).map_err(failed(&dir))?;
    done.without_key = without_key(&fresh.0, &dir)?;
    exchange(base, &fresh.0, now).map_err(failed(base.root()))?;
    let _ = mark.write(&base.generation(&server));
    let fastcnfg = base.root().join("FASTCNFG");
    if fastcnfg.symlink_metadata().is_err() && from.join("FASTCNFG").exists() {
        copy_file(&from.join("FASTCNFG"), &fastcnfg).map_err(failed(&fastcnfg))?;
    }
    drop(alone);
    let spool = super::base::open(base, super::base::Access::Existing { now: now.clone() })?;
    done.aside = spool.sweep()? as u64;
    Ok(done)
}

/// Removes what a restore that was cut off has left under names of ours. Nobody else uses the base.
fn tidy(dir: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// Refuses to mix the files of two spools.
fn demand_same_spool(base: &Base, server: &ServerName, manifest: &Manifest) -> Fallible<()> {
    let entries = std::fs::read_dir(base.root()).map_err(failed(base.root()))?;
    for entry in entries.flatten() {
        let Ok(text) = own_file::read_text(&entry.path().join(".spool-id")) else { continue };
        if text.trim() != manifest.spool_id || entry.file_name() != server.as_str() {
            let why = format!("{} holds print files of another spool than the backup", entry.path().display());
            return Err(Failure::new(FailureKind::State, why)
                .hint("restore into an empty directory: PDBASE=DIR pdbackup --restore …; nothing was changed"));
        }
    }
    Ok(())
}

/// Puts one file of a backup where it was, and says what a copy is now. One that is there already, unchanged, stays; another
/// one of that name is put aside.
fn put_back(from: &Path, to: &Path, entry: &Entry) -> io::Result<Option<Identity>> {
    let (source, target) = (from.join(&entry.name), to.join(&entry.name));
    if let Some(link) = &entry.link {
        match std::fs::read_link(&target) {
            Ok(there) if there == link.0 => {}
            _ => {
                put_aside(&target, "another file had the name of a link of the backup that was restored")?;
                symlink(link, &target)?;
            }
        }
        // Whether it leads to the very file that it led to is found out when it is printed: its identity stays on record.
        let lost = |error: io::Error| io::Error::new(error.kind(), format!("leads to {link}: {error}"));
        return open_regular(&target).map(|_| None).map_err(lost);
    }
    let same = |path: &Path| -> io::Result<bool> {
        let mut file = open_regular(path)?;
        Ok(file.metadata()?.size() == entry.octets
            && entry.digest.as_deref() == Some(digest(&mut file)?.to_hex().as_str()))
    };
    if target.symlink_metadata().is_ok() {
        if same(&target)? {
            return identity(&open_regular(&target)?).map(Some);
        }
        put_aside(&target, "another file had the name of a print file of the backup that was restored")?;
    }
    let temporary = Temporary(to.join(format!(".restore-{}", random_name(6)?)));
    let (_, found) = copy_file(&source, &temporary.0)?;
    std::fs::rename(&temporary.0, &target)?;
    if entry.digest.as_deref() != Some(found.to_hex().as_str()) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged in the backup: its digest differs"));
    }
    identity(&open_regular(&target)?).map(Some)
}

/// A file that is removed again unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(end);
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Brings the marks beside print files to the disk.
fn sync_marks(base: &Base) -> io::Result<()> {
    for entry in std::fs::read_dir(base.root())? {
        let dir = entry?.path();
        match own_file::open_to_read(&dir.join(".generation")) {
            Ok(mark) => {
                mark.sync_all()?;
                sync_dir(&dir)?;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Puts the database `fresh` in the place of the one at `base`, which is kept. The caller has the base alone.
///
/// The log goes first: a new database must never lie beside the log of another one. A crash after that leaves the old
/// database without its last commits, which the mark beside the print files tells. Is the mark there after a power loss?
/// It is not synced when it is written, so it is synced here, before the log goes.
pub(crate) fn exchange(base: &Base, fresh: &Path, now: &Moment) -> io::Result<()> {
    File::open(fresh)?.sync_all()?;
    let kept = base.root().join(format!("replaced-{}", now.wall_ms));
    if base.database().symlink_metadata().is_ok() || base.database_log().symlink_metadata().is_ok() {
        sync_marks(base)?;
        dirs::make(&kept)?;
        for name in ["spool.db-wal", "spool.db-shm"] {
            match std::fs::rename(base.root().join(name), kept.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match std::fs::hard_link(base.database(), kept.join("spool.db")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        sync_dir(&kept)?;
    }
    fault::point("before-exchange");
    std::fs::rename(fresh, base.database())?;
    fault::point("after-exchange");
    sync_dir(base.root())
}
