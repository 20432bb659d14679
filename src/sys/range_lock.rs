//! Locks on single octets of one file, by its open description (`F_OFD_SETLK`).
//!
//! The file is there for another reason and outlives every lock on it; nothing is written to it here. As with
//! [`super::lock::FileLock`] a held lock is a living process, and probing takes nothing. Closing another descriptor of the
//! same file drops no lock.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::lock::{ask_again, received};
use super::own_file;

/// A lock on one octet, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct RangeLock {
    _file: File,
}

/// Whether others may hold the same octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With others that share it.
    Shared,
    /// Alone.
    Exclusive,
}

fn request(kind: Kind, at: u64) -> io::Result<libc::flock> {
    // SAFETY: `flock` is plain data; all-zero is a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    let word = if kind == Kind::Shared { libc::F_RDLCK } else { libc::F_WRLCK };
    lock.l_type = word as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = libc::off_t::try_from(at).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    lock.l_len = 1;
    Ok(lock)
}

impl RangeLock {
    /// Takes the octet at `at` of the file at `path`, which must exist, waiting at most `deadline`. None when that has passed.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn take(path: &Path, at: u64, kind: Kind, deadline: Duration) -> io::Result<Option<Self>> {
        let file = own_file::open(path, OpenOptions::new().read(true).write(true))?;
        let lock = request(kind, at)?;
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&lock)) {
            Ok(_) => return Ok(Some(Self { _file: file })),
            Err(nix::Error::EAGAIN | nix::Error::EACCES) if deadline.is_zero() => return Ok(None),
            Err(nix::Error::EAGAIN | nix::Error::EACCES) => {}
            Err(error) => return Err(error.into()),
        }
        let (sender, receiver) = mpsc::channel();
        // The kernel has no timed lock. The waiting thread owns the description: if we give up, the lock it gets
        // later is dropped with the message that nobody receives.
        let thread = std::thread::Builder::new().name("lock".into()).stack_size(64 * 1024);
        let waits = thread.spawn(move || {
            let taken = loop {
                match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLKW(&lock)) {
                    Ok(_) => break Ok(Self { _file: file }),
                    Err(nix::Error::EINTR) => {}
                    Err(error) => break Err(io::Error::from(error)),
                }
            };
            let _ = sender.send(taken);
        });
        if waits.is_ok() {
            return received(&receiver, deadline);
        }
        // Where no thread can be started, it is asked for again and again.
        let file = own_file::open(path, OpenOptions::new().read(true).write(true))?;
        let taken = ask_again(deadline, || match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&lock)) {
            Ok(_) => Ok(true),
            Err(nix::Error::EAGAIN | nix::Error::EACCES) => Ok(false),
            Err(error) => Err(error.into()),
        })?;
        Ok(taken.then_some(Self { _file: file }))
    }

    /// Whether somebody holds the octet at `at`. Takes nothing; a file that does not exist is not locked.
    ///
    /// # Errors
    /// When the file is there and cannot be examined.
    pub fn is_held(path: &Path, at: u64) -> io::Result<bool> {
        let file = match own_file::open_to_read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut probe = request(Kind::Exclusive, at)?;
        fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut probe))?;
        Ok(i32::from(probe.l_type) != libc::F_UNLCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_locked_apart_and_a_second_descriptor_drops_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id");
        assert!(!RangeLock::is_held(&path, 0).unwrap());
        assert!(RangeLock::take(&path, 0, Kind::Shared, Duration::ZERO).is_err(), "it makes no file");
        std::fs::write(&path, "x").unwrap();
        let far = 1 << 40;
        let held = RangeLock::take(&path, far, Kind::Exclusive, Duration::ZERO).unwrap().unwrap();
        assert!(RangeLock::is_held(&path, far).unwrap() && !RangeLock::is_held(&path, far + 1).unwrap());
        assert!(RangeLock::take(&path, far, Kind::Shared, Duration::from_millis(10)).unwrap().is_none());
        drop(File::options().write(true).open(&path).unwrap());
        assert!(RangeLock::is_held(&path, far).unwrap());
        let waiter = {
            let path = path.clone();
            std::thread::spawn(move || {
                RangeLock::take(&path, far, Kind::Shared, Duration::from_secs(20)).unwrap().is_some()
            })
        };
        drop(held);
        assert!(waiter.join().unwrap());
        let a = RangeLock::take(&path, 0, Kind::Shared, Duration::ZERO).unwrap().unwrap();
        let b = RangeLock::take(&path, 0, Kind::Shared, Duration::ZERO).unwrap().unwrap();
        assert!(RangeLock::take(&path, 0, Kind::Exclusive, Duration::ZERO).unwrap().is_none());
        drop((a, b));
        assert!(!RangeLock::is_held(&path, 0).unwrap());
    }
}
