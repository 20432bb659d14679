//! Wakes another process: a datagram to its socket. A wake-up is a level, not a count: a full queue is success.
//!
//! Socket names are limited to about 108 octets, base directories are not: the directory is opened and the socket named
//! through `/proc/self/fd`. Where `/proc` is hidden, its own name is used, and a long one is too long.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::libc;

use super::files::descriptors_have_paths;
use super::own_file;

/// The receiving end.
#[derive(Debug)]
pub struct WakeSocket {
    socket: UnixDatagram,
}

pub(super) fn short(path: &Path) -> io::Result<(File, PathBuf)> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no socket name"));
    };
    let dir = File::options().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC).open(dir)?;
    if !descriptors_have_paths() {
        return Ok((dir, path.to_path_buf()));
    }
    let path = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd())).join(name);
    Ok((dir, path))
}

impl WakeSocket {
    /// Binds the socket, and replaces one that a dead process left. The caller holds the lock that makes this safe.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let (_dir, path) = short(path)?;
        own_file::remove_socket(&path)?;
        let socket = UnixDatagram::bind(&path)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Reads every wake-up that has arrived.
    pub fn drain(&self) -> Wakes {
        let mut byte = [0u8; 8];
        let mut found = Wakes::default();
        while let Ok(n) = self.socket.recv(&mut byte) {
            found.any = true;
            found.step_aside |= &byte[..n] == STEP_ASIDE;
        }
        found
    }
}

impl AsFd for WakeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What woke a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// Anything.
    pub any: bool,
    /// Somebody can put a better one in its place.
    pub step_aside: bool,
}

const WAKE: &[u8] = b"w";
const STEP_ASIDE: &[u8] = b"a";

/// Wakes the process that listens at `path`. Returns false when nobody listens.
///
/// # Errors
/// When the socket exists and cannot be reached for another reason.
pub fn wake(path: &Path) -> io::Result<bool> {
    send(path, WAKE)
}

/// Asks the process that listens at `path` to end if nothing is on its devices; for one that goes on it is a wake-up.
///
/// # Errors
/// As [`wake`].
pub fn ask_to_step_aside(path: &Path) -> io::Result<bool> {
    send(path, STEP_ASIDE)
}

fn send(path: &Path, what: &[u8]) -> io::Result<bool> {
    let (_dir, path) = match short(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match socket.send_to(what, &path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_is_a_level() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let path = deep.join("p.sock");
        assert!(!wake(&path).unwrap());
        let socket = WakeSocket::bind(&path).unwrap();
        for _ in 0..2000 {
            assert!(wake(&path).unwrap());
        }
        assert_eq!(socket.drain(), Wakes { any: true, step_aside: false });
        assert_eq!(socket.drain(), Wakes::default());
        assert!(ask_to_step_aside(&path).unwrap() && wake(&path).unwrap());
        assert_eq!(socket.drain(), Wakes { any: true, step_aside: true });
        drop(socket);
        // A child that another test starts at this moment has it open until it is another program.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while wake(&path).unwrap() {
            assert!(std::time::Instant::now() < end, "it is still there");
            std::thread::yield_now();
        }
        WakeSocket::bind(&path).unwrap();
    }
}
