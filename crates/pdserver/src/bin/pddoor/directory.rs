//! The watched directory: a file that is complete is a job.
//!
//! States of a file: there → complete → claimed (`.work/TOKEN/NAME`) → handed in → erased. It is claimed by a rename, so no second
//! process takes it, and the token is made of what stays the same then: device, inode, size and time of change. A crash before the
//! hand-over leaves a claimed file, which the next process hands in; one behind it leaves the same, and its token finds the job. So no
//! file is lost, and none prints twice. What is refused for good goes to `failed/`, with the reason beside it; what cannot be taken
//! now stays where it is and is tried again.
//!
//! A door that links (`door-link`) neither claims nor erases: a note in `.work` says that a file was taken.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use spoolsuite::model::door::{DoorDocument, DoorJob, DoorTrouble};
use spoolsuite::model::job::RawPath;
use spoolsuite::model::printable::escaped;
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::sys::fault;
use spoolsuite::sys::lock::FileLock;
use spoolsuite::wire::lpd::text;

use super::gate::Gate;

/// Where claimed files are.
const WORK: &str = ".work";
/// Where refused files are.
const FAILED: &str = "failed";
/// The end of the name of a side file.
const SIDE: &str = ".att";
/// Ends of names that are never taken.
const UNFINISHED: &[&str] = &[".stg", ".tmp", ".part"];
/// Octets of the largest side file.
const MOST_SIDE: u64 = 64 * 1024;
/// Documents of one job.
const MOST_DOCUMENTS: usize = 100;
/// How long a file waits that cannot be taken now.
const AGAIN: Duration = Duration::from_secs(5);

/// What was seen of a file.
struct Seen {
    size: u64,
    modified: (i64, i64),
    inode: u64,
    since: Instant,
    /// Its writer has closed it.
    closed: bool,
    /// It came by a rename.
    renamed: bool,
}

struct Watcher {
    gate: Arc<Gate>,
    root: PathBuf,
    inotify: Option<Inotify>,
    seen: HashMap<OsString, Seen>,
    /// Files that cannot be taken now, and when they are tried again.
    later: HashMap<OsString, Instant>,
    /// What was said last, so that it is said once.
    said: Option<String>,
}

/// Watches the directory of the door in a thread of its own.
///
/// # Errors
/// When no thread can be started.
pub fn watch(gate: Arc<Gate>) -> io::Result<JoinHandle<()>> {
    let root = PathBuf::from(gate.context.settings.directory.clone().unwrap_or_default());
    std::thread::Builder::new().name("watch".into()).spawn(move || {
        let mut watcher =
            Watcher { gate, root, inotify: None, seen: HashMap::new(), later: HashMap::new(), said: None };
        watcher.run();
    })
}

fn wrong(what: impl Into<String>) -> Failure {
    Failure::new(FailureKind::BadValue, what)
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Io, format!("{}: {error}", escaped(&path.to_string_lossy())))
}

/// Whether a refusal is one for good.
fn is_final(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::NotFound
            | FailureKind::Ambiguous
            | FailureKind::BadValue
            | FailureKind::Unsupported
            | FailureKind::UnsupportedFormat
            | FailureKind::Security
    )
}

/// What stays the same when a file is renamed.
fn token(meta: &Metadata) -> String {
    format!("{:x}.{:x}.{:x}.{:x}.{:x}", meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec())
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Removes the side file and the directory of a claim; those that are gone already are no error.
fn clear(claim: &Path) {
    if let Ok(entries) = std::fs::read_dir(claim) {
        for entry in entries.flatten() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(claim);
}

impl Watcher {
    fn run(&mut self) {
        while !self.gate.is_closed() {
            let next = match self.look() {
                Ok(next) => {
                    self.said = None;
                    next
                }
                Err(error) => {
                    self.say(DoorTrouble::Remark, format!("{}: {error}", self.root.display()));
                    AGAIN
                }
            };
            let timeout = PollTimeout::try_from(next.min(Duration::from_secs(self.gate.context.settings.poll)))
                .unwrap_or(PollTimeout::MAX);
            let mut wait = vec![PollFd::new(self.gate.bell().as_fd(), PollFlags::POLLIN)];
            if let Some(inotify) = &self.inotify {
                wait.push(PollFd::new(inotify.as_fd(), PollFlags::POLLIN));
            }
            let _ = poll(&mut wait, timeout);
            self.note_events();
        }
    }

    fn say(&mut self, what: DoorTrouble, why: String) {
        if self.said.as_ref() != Some(&why) {
            self.gate.context.link.trouble(what, why.clone());
            self.said = Some(why);
        }
    }

    /// Reads what the kernel tells of the directory. Only hints: what is complete the next look decides.
    fn note_events(&mut self) {
        let Some(inotify) = &self.inotify else { return };
        loop {
            let Ok(events) = inotify.read_events() else { return };
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    self.inotify = None;
                    return;
                }
                let Some(name) = event.name else { continue };
                let closed = event.mask.contains(AddWatchFlags::IN_CLOSE_WRITE);
                let renamed = event.mask.contains(AddWatchFlags::IN_MOVED_TO);
                let path = self.root.join(&name);
                if let Ok(meta) = std::fs::symlink_metadata(&path) {
                    let seen = self.seen.entry(name).or_insert_with(|| Seen::of(&meta));
                    seen.update(&meta);
                    seen.closed |= closed;
                    seen.renamed |= renamed;
                }
            }
        }
    }

    /// Looks at all files; says when the next look is due.
    fn look(&mut self) -> io::Result<Duration> {
        let settings = Arc::clone(&self.gate.context.settings);
        if self.inotify.is_none() {
            let flags = AddWatchFlags::IN_CLOSE_WRITE
                | AddWatchFlags::IN_MOVED_TO
                | AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_DELETE;
            // Where the kernel tells nothing, the looks find everything.
            if let Ok(inotify) = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)
                && inotify.add_watch(&self.root, flags).is_ok()
            {
                self.inotify = Some(inotify);
            }
        }
        self.finish_claims()?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            names.push(entry?.file_name());
        }
        names.sort();
        self.seen.retain(|name, _| names.binary_search(name).is_ok());
        self.later.retain(|name, _| names.binary_search(name).is_ok());
        let mut next = Duration::from_secs(settings.poll);
        for name in &names {
            if self.gate.is_closed() {
                break;
            }
            if self.is_ignored(name) {
                continue;
            }
            match self.is_complete(name, &names) {
                Ok(None) => {}
                Ok(Some(left)) if left.is_zero() => self.take(name),
                Ok(Some(left)) => next = next.min(left),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(soonest) = self.later.values().min() {
            next = next.min(soonest.saturating_duration_since(Instant::now()));
        }
        Ok(next.max(Duration::from_millis(10)))
    }

    fn is_ignored(&self, name: &OsStr) -> bool {
        let octets = name.as_bytes();
        let ends = |end: &str| octets.ends_with(end.as_bytes());
        octets.starts_with(b".")
            || name == FAILED
            || ends(SIDE)
            || UNFINISHED.iter().any(|end| ends(end))
            || self.gate.context.settings.marker.as_deref().is_some_and(ends)
    }

    /// How long it takes until a file is complete, as far as it can be told: none at all, or nobody knows.
    fn is_complete(&mut self, name: &OsStr, names: &[OsString]) -> io::Result<Option<Duration>> {
        let settings = Arc::clone(&self.gate.context.settings);
        let path = self.root.join(name);
        let meta = std::fs::symlink_metadata(&path)?;
        let seen = self.seen.entry(name.to_owned()).or_insert_with(|| Seen::of(&meta));
        seen.update(&meta);
        if let Some(at) = self.later.get(name) {
            let left = at.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Ok(Some(left));
            }
        }
        // What is no file never becomes one.
        if !meta.is_file() && !meta.is_dir() {
            return Ok(Some(Duration::ZERO));
        }
        if let Some(marker) = &settings.marker {
            let mut mark = name.to_owned();
            mark.push(marker);
            return Ok(names.binary_search(&mark).is_ok().then_some(Duration::ZERO));
        }
        if meta.is_file() && meta.size() == 0 {
            return Ok(None);
        }
        if meta.is_file() && FileLock::is_held(&path).unwrap_or(false) {
            return Ok(Some(Duration::from_secs(1)));
        }
        if settings.link && self.root.join(WORK).join(token(&meta)).exists() {
            return Ok(None);
        }
        let still = match (seen.renamed, seen.closed) {
            (true, _) => return Ok(Some(Duration::ZERO)),
            (false, true) => Duration::from_secs(settings.settle),
            // Nobody tells when its writer closes it.
            (false, false) => Duration::from_secs(settings.poll),
        };
        Ok(Some(still.saturating_sub(seen.since.elapsed())))
    }

    /// Hands in the files that an earlier process has claimed, and those that could not be taken before.
    fn finish_claims(&mut self) -> io::Result<()> {
        let work = self.root.join(WORK);
        let claims = match std::fs::read_dir(&work) {
            Ok(claims) => claims,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for claim in claims.flatten() {
            let path = claim.path();
            if !claim.file_type()?.is_dir() {
                continue;
            }
            let named = std::fs::read_dir(&path)?
                .flatten()
                .find(|entry| !entry.file_name().as_bytes().ends_with(SIDE.as_bytes()));
            match named {
                Some(entry) => {
                    let name = entry.file_name();
                    if self.later.get(claim.file_name().as_os_str()).is_some_and(|at| *at > Instant::now()) {
                        continue;
                    }
                    self.take_side_file(&name, &path);
                    self.hand_in(&name, &path);
                }
                // It was erased, or never claimed.
                None => clear(&path),
            }
        }
        Ok(())
    }

    /// Claims a file, and hands it in.
    fn take(&mut self, name: &OsStr) {
        let settings = Arc::clone(&self.gate.context.settings);
        let path = self.root.join(name);
        let Ok(meta) = std::fs::symlink_metadata(&path) else { return };
        if settings.link {
            return self.link(name, &path, &meta);
        }
        let claim = self.root.join(WORK).join(token(&meta));
        let claimed = std::fs::create_dir_all(&claim).and_then(|()| std::fs::rename(&path, claim.join(name)));
        if let Err(error) = claimed {
            let _ = std::fs::remove_dir(&claim);
            let failure = io_failure(&path, &error);
            self.say(DoorTrouble::Remark, failure.message);
            self.later.insert(name.to_owned(), Instant::now() + AGAIN);
            return;
        }
        self.take_side_file(name, &claim);
        fault::point("door-claimed");
        self.seen.remove(name);
        self.hand_in(name, &claim);
    }

    /// Moves the side file of a claimed file beside it, and removes its marker.
    fn take_side_file(&self, name: &OsStr, claim: &Path) {
        let mut side = name.to_owned();
        side.push(SIDE);
        let _ = std::fs::rename(self.root.join(&side), claim.join(&side));
        if let Some(marker) = &self.gate.context.settings.marker {
            let mut mark = name.to_owned();
            mark.push(marker);
            let _ = std::fs::remove_file(self.root.join(mark));
        }
    }

    /// Hands in a claimed file, and erases it when it is a job.
    fn hand_in(&mut self, name: &OsStr, claim: &Path) {
        let path = claim.join(name);
        let token = claim.file_name().map(|token| token.to_string_lossy().into_owned()).unwrap_or_default();
        match self.submit(name, &path, &token, None) {
            Ok(_) => {
                fault::point("door-submitted");
                let erased = match std::fs::symlink_metadata(&path) {
                    Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(&path),
                    _ => std::fs::remove_file(&path),
                };
                if let Err(error) = erased {
                    self.say(DoorTrouble::Remark, io_failure(&path, &error).message);
                }
                fault::point("door-erased");
                clear(claim);
                if let Err(error) = sync(&self.root.join(WORK)) {
                    self.say(DoorTrouble::Remark, io_failure(&self.root, &error).message);
                }
                fault::point("door-done");
            }
            Err(failure) if is_final(&failure) => self.fail(name, claim, &failure),
            Err(failure) => {
                if let Some(key) = claim.file_name() {
                    self.later.insert(key.to_owned(), Instant::now() + AGAIN);
                }
                self.say(
                    DoorTrouble::Remark,
                    format!("{} waits: {}", escaped(&name.to_string_lossy()), failure.message),
                );
            }
        }
    }

    /// Has a file printed where it is.
    fn link(&mut self, name: &OsStr, path: &Path, meta: &Metadata) {
        let token = token(meta);
        let note = self.root.join(WORK).join(&token);
        match self.submit(name, path, &token, Some(RawPath::from(path.as_os_str().as_bytes().to_vec()))) {
            Ok(_) => {
                let noted =
                    std::fs::create_dir_all(self.root.join(WORK)).and_then(|()| File::create(&note)?.sync_all());
                if let Err(error) = noted {
                    self.say(DoorTrouble::Remark, io_failure(&note, &error).message);
                }
            }
            Err(failure) if is_final(&failure) => {
                self.gate.context.link.trouble(
                    DoorTrouble::Refused,
                    format!("{}: {}", escaped(&name.to_string_lossy()), failure.message),
                );
                let _ = std::fs::create_dir_all(self.root.join(WORK)).and_then(|()| File::create(&note).map(drop));
            }
            Err(failure) => {
                self.later.insert(name.to_owned(), Instant::now() + AGAIN);
                self.say(
                    DoorTrouble::Remark,
                    format!("{} waits: {}", escaped(&name.to_string_lossy()), failure.message),
                );
            }
        }
    }

    fn submit(&self, name: &OsStr, path: &Path, token: &str, link: Option<RawPath>) -> Result<u32, Failure> {
        let documents = documents(path)?;
        let mut side = path.as_os_str().to_owned();
        side.push(SIDE);
        let attributes = side_file(Path::new(&side))?;
        let title = text(name.as_bytes());
        let user = attributes.iter().find(|(name, _)| name == "job-owner").map(|(_, value)| value.clone());
        let attributes = attributes.into_iter().filter(|(name, _)| name != "job-owner").collect();
        let (names, files): (Vec<_>, Vec<_>) = documents.into_iter().unzip();
        let job = DoorJob {
            token: token.to_owned(),
            key: String::new(),
            queue: String::new(),
            title,
            user,
            host: None,
            peer: None,
            uid: None,
            login: None,
            documents: names
                .into_iter()
                .map(|name| DoorDocument { name: text(name.as_bytes()), copies: 1, format: None })
                .collect(),
            banner: false,
            held: None,
            remarks: Vec::new(),
            attributes,
            link,
        };
        self.gate.context.link.submit(job, files.into_iter().map(Into::into).collect())
    }

    /// Moves a file that is refused for good to `failed/`, and writes why. Nothing there is overwritten.
    fn fail(&mut self, name: &OsStr, claim: &Path, failure: &Failure) {
        let failed = self.root.join(FAILED);
        let mut reason = failure.message.clone();
        for hint in &failure.hints {
            reason.push_str(&format!("\n  hint: {hint}"));
        }
        let moved = std::fs::create_dir_all(&failed).and_then(|()| {
            let mut free = (0..10_000).map(|n| {
                let mut target = name.to_owned();
                if n > 0 {
                    target.push(format!(".{n}"));
                }
                target
            });
            let target = free
                .find(|target| {
                    let mut beside = target.clone();
                    beside.push(".reason");
                    std::fs::symlink_metadata(failed.join(target)).is_err()
                        && std::fs::symlink_metadata(failed.join(beside)).is_err()
                })
                .ok_or(io::ErrorKind::AlreadyExists)?;
            let mut beside = target.clone();
            beside.push(".reason");
            // Whoever may write there cannot have us write through a link of his.
            let mut why = File::options().write(true).create_new(true).open(failed.join(beside))?;
            why.write_all(format!("{reason}\n").as_bytes())?;
            std::fs::rename(claim.join(name), failed.join(&target))?;
            let (mut side, mut kept) = (name.to_owned(), target);
            side.push(SIDE);
            kept.push(SIDE);
            let _ = std::fs::rename(claim.join(side), failed.join(kept));
            sync(&failed)
        });
        if let Err(error) = moved {
            self.say(DoorTrouble::Remark, io_failure(&failed, &error).message);
            if let Some(key) = claim.file_name() {
                self.later.insert(key.to_owned(), Instant::now() + AGAIN);
            }
            return;
        }
        clear(claim);
        let why = format!("{} was refused: {}", escaped(&name.to_string_lossy()), failure.message);
        self.gate.context.link.trouble(DoorTrouble::Refused, why);
    }
}

impl Seen {
    fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            inode: meta.ino(),
            since: Instant::now(),
            closed: false,
            renamed: false,
        }
    }

    /// A file that has changed begins anew; another one under its name does too.
    fn update(&mut self, meta: &Metadata) {
        if self.inode != meta.ino() {
            *self = Self::of(meta);
        } else if (self.size, self.modified) != (meta.size(), (meta.mtime(), meta.mtime_nsec())) {
            self.size = meta.size();
            self.modified = (meta.mtime(), meta.mtime_nsec());
            self.since = Instant::now();
        }
    }
}

/// Opens a file that is a document: a regular one under one name, never through a symbolic link.
fn open(path: &Path) -> Result<File, Failure> {
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = file.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => wrong("it is a symbolic link: its target is not read"),
        Some(libc::ENXIO | libc::EACCES | libc::EPERM) => wrong(format!("it cannot be read: {error}")),
        _ => io_failure(path, &error),
    })?;
    let meta = file.metadata().map_err(|error| io_failure(path, &error))?;
    if !meta.is_file() {
        return Err(wrong("it is no file"));
    }
    if meta.nlink() > 1 {
        return Err(wrong("it has a second name somewhere: whoever has that could change it"));
    }
    Ok(file)
}

/// The documents of a job: a file, or the files of a directory by name.
fn documents(path: &Path) -> Result<Vec<(OsString, File)>, Failure> {
    let meta = std::fs::symlink_metadata(path).map_err(|error| io_failure(path, &error))?;
    let own = path.file_name().map(OsStr::to_owned).unwrap_or_default();
    if !meta.is_dir() {
        return Ok(vec![(own, open(path)?)]);
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| io_failure(path, &error))? {
        names.push(entry.map_err(|error| io_failure(path, &error))?.file_name());
        if names.len() > MOST_DOCUMENTS {
            return Err(wrong(format!("it has more than {MOST_DOCUMENTS} documents")));
        }
    }
    names.sort();
    if names.is_empty() {
        return Err(wrong("it is a directory without documents"));
    }
    names.into_iter().map(|name| open(&path.join(&name)).map(|file| (name, file))).collect()
}

/// What a side file says: `name=value` lines; one that is not there says nothing.
fn side_file(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let file = match File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(format!("its side file cannot be read: {error}"))),
    };
    if !file.metadata().is_ok_and(|meta| meta.is_file() && meta.size() <= MOST_SIDE) {
        return Err(wrong("its side file is no file, or too large"));
    }
    let mut octets = Vec::new();
    file.take(MOST_SIDE).read_to_end(&mut octets).map_err(|error| io_failure(path, &error))?;
    let text = String::from_utf8_lossy(&octets).into_owned();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("a line of its side file has no '='"))?;
        found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(found)
}
