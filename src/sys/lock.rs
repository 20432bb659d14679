//! Named locks between processes: a file, locked by its open description (`F_OFD_SETLK`).
//!
//! The kernel releases a lock when its holder dies, so *a held lock is a living process*. Such a lock can be probed
//! without taking it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::own_file;

/// A lock that is held until this is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

fn request(kind: i32) -> libc::flock {
    // SAFETY: `flock` is plain data; all-zero is a valid value (the whole file, from its beginning).
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

fn open(path: &Path) -> io::Result<File> {
    own_file::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600))
}

fn try_lock(file: &File, kind: i32) -> io::Result<bool> {
    match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&request(kind))) {
        Ok(_) => Ok(true),
        Err(nix::Error::EAGAIN | nix::Error::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What a waiting thread has got within `deadline`.
pub(super) fn received<T>(receiver: &mpsc::Receiver<io::Result<T>>, deadline: Duration) -> io::Result<Option<T>> {
    match receiver.recv_timeout(deadline) {
        Ok(got) => got.map(Some),
        Err(_) => Ok(None),
    }
}

/// Asks for a lock until it is had or `deadline` has passed, in growing waits.
pub(crate) fn ask_again(deadline: Duration, mut ask: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    let until = Instant::now() + deadline;
    let mut wait = Duration::from_millis(1);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if ask()? {
            return Ok(true);
        }
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::sleep(wait.min(left));
        wait = (wait * 2).min(Duration::from_millis(50));
    }
}

/// Locks an open file of ours exclusively, for as long as it is open, within `deadline`. Returns whether it is locked.
///
/// # Errors
/// When the file system has no locks.
pub fn lock_open(file: &File, deadline: Duration) -> io::Result<bool> {
    ask_again(deadline, || try_lock(file, libc::F_WRLCK))
}

impl FileLock {
    /// Takes the lock exclusively if nobody holds it.
    ///
    /// # Errors
    /// Returns an error when the file cannot be opened or locked; a lock held by another is `Ok(None)`.
    pub fn try_exclusive(path: &Path) -> io::Result<Option<Self>> {
        Self::try_on(open(path)?, libc::F_WRLCK)
    }

    /// Takes the lock shared with others.
    pub fn try_shared(path: &Path) -> io::Result<Option<Self>> {
        Self::try_on(open(path)?, libc::F_RDLCK)
    }

    /// The same, waiting at most `deadline` for whoever has it alone.
    ///
    /// # Errors
    /// As [`FileLock::try_exclusive`]; a deadline that passed is `Ok(None)`.
    pub fn shared(path: &Path, deadline: Duration) -> io::Result<Option<Self>> {
        match Self::try_shared(path)? {
            Some(lock) => Ok(Some(lock)),
            None => Self::wait_for(path, libc::F_RDLCK, deadline),
        }
    }

    /// The same for somebody who may only look, on a file system that is read-only, say. A file that does not exist cannot be
    /// made there, and nobody locks it: `Ok(None)`, too.
    ///
    /// # Errors
    /// When the file is there and cannot be opened or locked, or when somebody has it alone for longer than `deadline`.
    pub fn shared_for_looking(path: &Path, deadline: Duration) -> io::Result<Option<Self>> {
        let file = match own_file::open_to_read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match ask_again(deadline, || try_lock(&file, libc::F_RDLCK))? {
            true => Ok(Some(Self { file })),
            false => Err(io::Error::from(io::ErrorKind::TimedOut)),
        }
    }

    fn try_on(file: File, kind: i32) -> io::Result<Option<Self>> {
        Ok(try_lock(&file, kind)?.then_some(Self { file }))
    }

    /// Takes the lock exclusively, waiting at most `deadline`. The kernel queues the waiters; nobody polls. A deadline
    /// that passed is `Ok(None)`.
    pub fn exclusive(path: &Path, deadline: Duration) -> io::Result<Option<Self>> {
        if let Some(lock) = Self::try_exclusive(path)? {
            return Ok(Some(lock));
        }
        Self::wait_for(path, libc::F_WRLCK, deadline)
    }

    /// Does the same, and calls `tell` once when it has waited for `after`.
    ///
    /// # Errors
    /// As [`FileLock::exclusive`].
    pub fn exclusive_telling(
        path: &Path,
        deadline: Duration,
        after: Duration,
        tell: &mut dyn FnMut(),
    ) -> io::Result<Option<Self>> {
        if let Some(lock) = Self::try_exclusive(path)? {
            return Ok(Some(lock));
        }
        let began = Instant::now();
        let waiting = Self::wait_in_thread(path, libc::F_WRLCK);
        let wait = |deadline| match &waiting {
            Ok(receiver) => received(receiver, deadline),
            Err(_) => Self::poll(path, libc::F_WRLCK, deadline),
        };
        if after < deadline {
            if let Some(lock) = wait(after)? {
                return Ok(Some(lock));
            }
            tell();
        }
        wait(deadline.saturating_sub(began.elapsed()))
    }

    fn wait_for(path: &Path, kind: i32, deadline: Duration) -> io::Result<Option<Self>> {
        match Self::wait_in_thread(path, kind) {
            Ok(receiver) => received(&receiver, deadline),
            Err(_) => Self::poll(path, kind, deadline),
        }
    }

    /// The kernel has no timed lock, so a thread waits for it. It owns the description: if we give up, the lock that it gets
    /// later is dropped with the message that nobody receives.
    fn wait_in_thread(path: &Path, kind: i32) -> io::Result<mpsc::Receiver<io::Result<Self>>> {
        let file = open(path)?;
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new().name("lock".into()).stack_size(64 * 1024).spawn(move || {
            let _ = sender.send(Self::wait_on(file, kind));
        })?;
        Ok(receiver)
    }

    /// Where no thread can be started, it is asked for again and again.
    fn poll(path: &Path, kind: i32, deadline: Duration) -> io::Result<Option<Self>> {
        let file = open(path)?;
        let locked = ask_again(deadline, || try_lock(&file, kind))?;
        Ok(locked.then_some(Self { file }))
    }

    /// Takes the lock exclusively, however long that takes.
    pub fn wait(path: &Path) -> io::Result<Self> {
        Self::wait_on(open(path)?, libc::F_WRLCK)
    }

    fn wait_on(file: File, kind: i32) -> io::Result<Self> {
        loop {
            match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLKW(&request(kind))) {
                Ok(_) => return Ok(Self { file }),
                Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether somebody holds the lock. Takes nothing; a file that does not exist is not locked, and what else lies there
    /// nobody locks.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        // For reading only: a probe is no change that somebody waits for.
        let file = match own_file::open_to_read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound || own_file::is_odd(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        Self::is_held_on(&file)
    }

    /// Does the same for an open file.
    pub fn is_held_on(file: &File) -> io::Result<bool> {
        let mut probe = request(libc::F_WRLCK);
        fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut probe))?;
        Ok(i32::from(probe.l_type) != libc::F_UNLCK)
    }

    /// Locks an open file exclusively, for as long as its description lives; returns false if another has it.
    pub fn mark(file: &File) -> io::Result<bool> {
        try_lock(file, libc::F_WRLCK)
    }

    /// The locked file, to leave a note in it.
    pub fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_probed_without_being_taken_and_released_by_drop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        assert!(!FileLock::is_held(&path).unwrap());
        let lock = FileLock::try_exclusive(&path).unwrap().unwrap();
        assert!(FileLock::is_held(&path).unwrap());
        assert!(FileLock::try_exclusive(&path).unwrap().is_none());
        assert!(FileLock::try_shared(&path).unwrap().is_none());
        drop(lock);
        assert!(!FileLock::is_held(&path).unwrap());
        let a = FileLock::try_shared(&path).unwrap().unwrap();
        let b = FileLock::try_shared(&path).unwrap().unwrap();
        assert!(FileLock::try_exclusive(&path).unwrap().is_none());
        drop((a, b));
        assert!(FileLock::try_exclusive(&path).unwrap().is_some());
    }

    #[test]
    fn who_waits_is_told_so_once_and_gets_the_lock_without_a_thread_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let held = FileLock::try_exclusive(&path).unwrap().unwrap();
        let (mut told, short) = (0, Duration::from_millis(5));
        let wait = |deadline: Duration, tell: &mut u32| {
            FileLock::exclusive_telling(&path, deadline, short, &mut || *tell += 1).unwrap()
        };
        assert!(wait(Duration::from_millis(30), &mut told).is_none());
        assert_eq!(told, 1);
        assert!(wait(short, &mut told).is_none());
        assert_eq!(told, 1, "its whole wait is shorter");
        assert!(FileLock::poll(&path, libc::F_WRLCK, short).unwrap().is_none());
        drop(held);
        assert!(wait(Duration::from_secs(20), &mut told).is_some());
        assert!(FileLock::poll(&path, libc::F_WRLCK, Duration::from_secs(20)).unwrap().is_some());
    }

    #[test]
    fn waiting_ends_with_the_lock_or_with_the_deadline() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let held = FileLock::try_exclusive(&path).unwrap().unwrap();
        assert!(FileLock::exclusive(&path, Duration::from_millis(20)).unwrap().is_none());
        let waiter = {
            let path = path.clone();
            std::thread::spawn(move || FileLock::exclusive(&path, Duration::from_secs(20)).unwrap().is_some())
        };
        drop(held);
        assert!(waiter.join().unwrap());
    }
}
