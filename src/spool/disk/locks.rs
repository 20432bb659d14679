//! The locks of a spool: on what cannot vanish unnoticed.
//!
//! `run/` may be removed by a tidy hand while processes live, and a lock in it then protects nothing: the next process
//! makes a new file and locks that. So every lock that keeps two from doing the same is taken twice: on its file in `run/`,
//! which tools and older versions look at, and on an octet of the server directory's `.spool-id`, without which no command
//! works. `spool.db` itself is never locked: closing any other descriptor of it would drop SQLite's own locks.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::{ProcessName, ServerName};
use crate::sys::files;
use crate::sys::lock::{FileLock, ask_again};
use crate::sys::own_file;
use crate::sys::process::ProcessNote;
use crate::sys::range_lock::{Kind, RangeLock};

use super::paths::Base;

/// Held shared by whoever uses the spool, alone by whoever alters its schema or puts another database in its place.
const IN_USE: u64 = 0;
/// Held alone by a running backup: no print file is erased meanwhile.
const BACKUP: u64 = 1;
/// Held alone by the server that has the spool; shared by commands that change it themselves, while they do.
const SERVED: u64 = 2;
/// Where the octets of print processes begin.
const PROCESSES: u64 = 1 << 32;
/// Where the octets of links begin.
const LINKS: u64 = 1 << 56;
/// Where the octets of jobs that are arriving begin.
const ARRIVALS: u64 = 1 << 57;

/// How long a print process that begins or ends may hold one of its two locks alone.
const BEGINS_OR_ENDS: Duration = Duration::from_secs(1);

/// Returns the place of a name behind the first octet of its kind: 48 bits of it.
fn place_of(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    let mut octets = [0; 8];
    octets[..6].copy_from_slice(&hash.as_bytes()[..6]);
    u64::from_le_bytes(octets)
}

/// Returns the octet of a print process, by its name.
fn place(name: &ProcessName) -> u64 {
    PROCESSES + place_of(&name.key())
}

/// The lock of a print process.
#[derive(Debug)]
pub struct ProcessLock {
    /// The file in `run/`, in which its holder signs.
    pub file: FileLock,
    _place: Option<RangeLock>,
}

/// A base without a `.spool-id` (only tests have one) has no octets to lock.
fn unless_missing<T>(taken: io::Result<Option<T>>) -> io::Result<Option<Option<T>>> {
    match taken {
        Ok(taken) => Ok(taken.map(Some)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(None)),
        Err(error) => Err(error),
    }
}

/// Takes the lock of a print process, waiting at most `deadline` for each of its halves. None when another one lives.
///
/// # Errors
/// When the files cannot be opened or locked.
pub fn take_process(
    base: &Base,
    server: &ServerName,
    name: &ProcessName,
    deadline: Duration,
) -> io::Result<Option<ProcessLock>> {
    // The octet first: one that lives on after `run/` was removed holds this one alone.
    let Some(octet) = unless_missing(RangeLock::take(&base.spool_id(server), place(name), Kind::Exclusive, deadline))?
    else {
        return Ok(None);
    };
    let file = FileLock::exclusive(&base.process_lock(name), deadline)?;
    Ok(file.map(|file| ProcessLock { file, _place: octet }))
}

/// Tells whether a print process of that name lives.
///
/// # Errors
/// When its locks cannot be examined.
pub fn process_lives(base: &Base, server: &ServerName, name: &ProcessName) -> io::Result<bool> {
    Ok(FileLock::is_held(&base.process_lock(name))? || RangeLock::is_held(&base.spool_id(server), place(name))?)
}

/// Tells the same for whoever has work for it. A program that it was just starting when it died holds its locks a moment longer,
/// and would be taken for it: that is waited for.
///
/// # Errors
/// When its locks cannot be examined.
pub fn process_lives_on(base: &Base, server: &ServerName, name: &ProcessName) -> io::Result<bool> {
    let signed =
        || own_file::read_text(&base.process_lock(name)).ok().and_then(|text| text.parse::<ProcessNote>().ok());
    let mut lives = process_lives(base, server, name)?;
    ask_again(BEGINS_OR_ENDS, || {
        if lives && signed().is_some_and(|holder| holder.has_died()) {
            lives = process_lives(base, server, name)?;
            return Ok(!lives);
        }
        Ok(true)
    })?;
    Ok(lives)
}

/// Tells whether a print process of that name lives whose file in `run/` was removed.
///
/// # Errors
/// When its locks cannot be examined.
pub fn process_lost_its_file(base: &Base, server: &ServerName, name: &ProcessName) -> io::Result<bool> {
    let (file, id) = (base.process_lock(name), base.spool_id(server));
    let lost = || Ok::<_, io::Error>(!FileLock::is_held(&file)? && RangeLock::is_held(&id, place(name))?);
    // One that begins or ends holds the octet alone, too, but only for a moment: such a one is waited for.
    Ok(lost()? && RangeLock::take(&id, place(name), Kind::Shared, BEGINS_OR_ENDS)?.is_none() && lost()?)
}

/// Says that the spool is in use, beside others who use it. None when somebody has it alone for longer than `deadline`.
///
/// # Errors
/// When it cannot be locked.
pub fn use_spool(spool_id: &Path, deadline: Duration) -> io::Result<Option<RangeLock>> {
    RangeLock::take(spool_id, IN_USE, Kind::Shared, deadline)
}

/// Has the spool alone. None when others use it for longer than `deadline`.
///
/// # Errors
/// When it cannot be locked.
pub fn have_spool_alone(spool_id: &Path, deadline: Duration) -> io::Result<Option<RangeLock>> {
    RangeLock::take(spool_id, IN_USE, Kind::Exclusive, deadline)
}

/// The lock of the server that has a spool.
#[derive(Debug)]
pub struct ServerLock {
    /// The file in `run/`, in which the server signs.
    file: FileLock,
    _place: RangeLock,
}

/// A server that has a spool, as it has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNote {
    /// Its process.
    pub process: ProcessNote,
    /// Where it listens, if it knows.
    pub socket: Option<PathBuf>,
}

/// Octets of a [`ProcessNote`]; what follows in the file of the lock is the path of the socket, up to the end of the line.
const PROCESS_NOTE: usize = 32;

/// Has the spool as its server. None when another server has it, or a command works on it, for longer than `deadline`.
///
/// # Errors
/// When it cannot be locked.
pub fn serve_spool(base: &Base, server: &ServerName, deadline: Duration) -> io::Result<Option<ServerLock>> {
    let Some(octet) = RangeLock::take(&base.spool_id(server), SERVED, Kind::Exclusive, deadline)? else {
        return Ok(None);
    };
    let file = FileLock::exclusive(&base.server_lock(), deadline)?;
    Ok(file.map(|file| ServerLock { file, _place: octet }))
}

impl ServerLock {
    /// Signs the lock, so that commands find the server.
    ///
    /// # Errors
    /// When the file cannot be written. The lock holds all the same; nobody learns where the server listens.
    pub fn sign(&self, socket: Option<&Path>) -> io::Result<()> {
        let mut note = ProcessNote::ours().to_string().into_bytes();
        // A name with a line break is none that a note can hold.
        if let Some(path) = socket.filter(|path| !path.as_os_str().as_bytes().contains(&b'\n')) {
            note.extend(path.as_os_str().as_bytes());
            note.push(b'\n');
        }
        let file = self.file.file();
        file.write_all_at(&note, 0)?;
        file.set_len(note.len() as u64)
    }
}

/// Tells whether a server has the spool. Whoever cannot look is told no: he cannot open the spool either.
pub fn is_served(base: &Base) -> bool {
    FileLock::is_held(&base.server_lock()).unwrap_or(false)
}

/// Returns the server that has the spool, by its note.
pub fn server_of(base: &Base) -> Option<ServerNote> {
    let text = files::read_without_waiting(&base.server_lock()).ok()?;
    let process = std::str::from_utf8(text.get(..PROCESS_NOTE)?).ok()?.parse().ok()?;
    let path = text[PROCESS_NOTE..].split(|octet| *octet == b'\n').next().filter(|path| !path.is_empty());
    Some(ServerNote { process, socket: path.map(|path| PathBuf::from(OsStr::from_bytes(path))) })
}

/// Says that the spool is changed by somebody who is not its server. None when a server has it.
///
/// # Errors
/// When that cannot be said: where nothing can be written, for one.
pub fn change_without_server(spool_id: &Path) -> io::Result<Option<RangeLock>> {
    RangeLock::take(spool_id, SERVED, Kind::Shared, Duration::ZERO)
}

/// Keeps every print file where it is, until this is dropped. None when another backup runs.
///
/// # Errors
/// When it cannot be locked.
pub fn keep_print_files(spool_id: &Path) -> io::Result<Option<RangeLock>> {
    RangeLock::take(spool_id, BACKUP, Kind::Exclusive, Duration::ZERO)
}

/// Locks the name of a link, which cannot be locked itself: a submission from before the link is made until its commit is
/// over, a sweep while it removes the link. None when another has it, or another name with the same place. A base without a
/// `.spool-id` has nothing to lock, and no sweep.
///
/// # Errors
/// When it cannot be locked.
pub fn hold_link(spool_id: &Path, name: &str) -> io::Result<Option<Option<RangeLock>>> {
    unless_missing(RangeLock::take(spool_id, LINKS + place_of(name), Kind::Exclusive, Duration::ZERO))
}

/// Tells whether somebody works on the link of that name.
///
/// # Errors
/// When its lock cannot be examined.
pub fn link_is_held(spool_id: &Path, name: &str) -> io::Result<bool> {
    RangeLock::is_held(spool_id, LINKS + place_of(name))
}

/// Says that a submission is under way whose job is shown already. None when that is said of another one with this token. A base
/// without a `.spool-id` has nothing to lock.
///
/// # Errors
/// When it cannot be locked.
pub fn hold_arrival(spool_id: &Path, token: &str) -> io::Result<Option<Option<RangeLock>>> {
    unless_missing(RangeLock::take(spool_id, ARRIVALS + place_of(token), Kind::Exclusive, Duration::ZERO))
}

/// Tells whether the submission of a job that is shown as arriving is under way.
///
/// # Errors
/// When its lock cannot be examined.
pub fn arrival_is_held(spool_id: &Path, token: &str) -> io::Result<bool> {
    RangeLock::is_held(spool_id, ARRIVALS + place_of(token))
}

/// Tells whether print files must stay because a backup runs. Where that cannot be told they are erased as usual: a
/// backup would have held the lock.
pub fn print_files_are_kept(spool_id: &Path) -> bool {
    RangeLock::is_held(spool_id, BACKUP).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_work_for_a_process_waits_until_one_that_has_died_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path());
        std::fs::create_dir_all(base.run()).unwrap();
        let (server, name) = ("acme1".parse().unwrap(), "SPLA".parse().unwrap());
        let lives = || process_lives_on(&base, &server, &name).unwrap();
        assert!(!lives());
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let note = ProcessNote::of(child.id()).unwrap().to_string();
        let lock = take_process(&base, &server, &name, Duration::ZERO).unwrap().unwrap();
        lock.file.file().write_all_at(note.as_bytes(), 0).unwrap();
        assert!(lives());
        child.kill().unwrap();
        child.wait().unwrap();
        // Its locks are held on, here by us.
        let seen = std::thread::scope(|scope| {
            let seen = scope.spawn(lives);
            drop(lock);
            seen.join().unwrap()
        });
        assert!(!seen);
        // Another one that signs in time is no dead one.
        let lock = take_process(&base, &server, &name, Duration::from_secs(30)).unwrap().unwrap();
        let seen = std::thread::scope(|scope| {
            let seen = scope.spawn(lives);
            lock.file.file().write_all_at(ProcessNote::ours().to_string().as_bytes(), 0).unwrap();
            seen.join().unwrap()
        });
        assert!(seen);
    }
}
