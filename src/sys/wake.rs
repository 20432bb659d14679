//! Wakes another process: a datagram to its socket. A wake-up is a level, not a count: a full queue is success.
//!
//! Socket names are limited to about 108 octets, base directories are not: the directory is opened and the socket named
//! through `/proc/self/fd`. Where `/proc` is hidden, its own name is used, and a long one is too long.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::libc;

use super::files::descriptors_have_paths;

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
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Reads every wake-up that has arrived; returns whether there was one.
    pub fn drain(&self) -> bool {
        let mut byte = [0u8; 8];
        let mut any = false;
        while self.socket.recv(&mut byte).is_ok() {
            any = true;
        }
        any
    }
}

impl AsFd for WakeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Wakes the process that listens at `path`. Returns false when nobody listens.
///
/// # Errors
/// When the socket exists and cannot be reached for another reason.
pub fn wake(path: &Path) -> io::Result<bool> {
    let (_dir, path) = match short(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match socket.send_to(b"w", &path) {
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
        assert!(socket.drain());
        assert!(!socket.drain());
        drop(socket);
        assert!(!wake(&path).unwrap());
        WakeSocket::bind(&path).unwrap();
    }
}
