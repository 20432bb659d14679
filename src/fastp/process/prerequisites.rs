//! What a print process needs before it can serve: descriptors, and a little room on the disk of its spool.
//!
//! A disk that is full keeps no job from being completed: the ballast is given back for the few octets that are needed.
//! What only comforts those who look is done without.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::model::ProcessName;
use crate::spool::disk::ballast;
use crate::spool::disk::paths::Base;
use crate::spool::printing::progress::{Progress, Writer};
use crate::sys::lock::FileLock;
use crate::sys::process::ProcessNote;

/// Allows this process as many open files as it may have: each device in use needs a handful, and the usual limit is
/// made for programs that wait with `select`.
///
/// # Errors
/// When the system refuses; then the usual limit stays.
pub fn raise_open_files() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// Does what needs a little room on the disk of the spool. When there is none, the ballast is given back and it is tried
/// once more.
///
/// # Errors
/// Those of `doing`.
pub fn with_room<T>(base: &Base, mut doing: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match doing() {
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            // Somebody else may have given it back meanwhile: what matters is whether there is room now.
            let _ = ballast::release(base);
            doing()
        }
        other => other,
    }
}

/// Writes who holds the lock into it, over what stands there: a file that is emptied first may find no room again.
///
/// # Errors
/// When it cannot be written.
pub fn sign(lock: &FileLock) -> io::Result<()> {
    lock.file().write_all_at(ProcessNote::ours().to_string().as_bytes(), 0)
}

/// The progress file of the process, once it could be made. A process prints without it.
#[derive(Debug)]
pub struct ProgressFile {
    base: Base,
    path: PathBuf,
    writer: OnceLock<Writer>,
}

impl ProgressFile {
    /// The progress file of `name`, which the first sign of life makes.
    pub fn new(base: &Base, name: &ProcessName) -> Self {
        Self { base: base.clone(), path: base.progress(name), writer: OnceLock::new() }
    }

    /// Writes a sign of life, into a new file if there was none yet.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn heartbeat(&self, boot_ms: i64) -> io::Result<()> {
        let writer = match self.writer.get() {
            Some(writer) => writer,
            None => {
                let writer = with_room(&self.base, || Writer::create(&self.path))?;
                self.writer.get_or_init(|| writer)
            }
        };
        writer.heartbeat(std::process::id(), boot_ms)
    }

    /// Writes slot `index`, counted from 1; without a file nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, index: usize, progress: &Progress) -> io::Result<()> {
        self.writer.get().map_or(Ok(()), |writer| writer.put(index, progress))
    }

    /// Empties slot `index`; without a file nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn clear(&self, index: usize) -> io::Result<()> {
        self.writer.get().map_or(Ok(()), |writer| writer.clear(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastp::fake::Fake;
    use nix::libc;

    fn full() -> io::Error {
        io::Error::from_raw_os_error(libc::ENOSPC)
    }

    #[test]
    fn the_ballast_is_given_back_for_what_a_full_disk_refused() {
        let fake = Fake::new();
        std::fs::write(fake.base.ballast(), "heavy").unwrap();
        let mut tries = 0;
        let done = with_room(&fake.base, || {
            tries += 1;
            if fake.base.ballast().exists() { Err(full()) } else { Ok(tries) }
        });
        assert_eq!(done.unwrap(), 2);
        assert_eq!(with_room(&fake.base, || Err::<(), _>(full())).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn another_failure_leaves_the_ballast_where_it_is() {
        let fake = Fake::new();
        std::fs::write(fake.base.ballast(), "heavy").unwrap();
        let refused = || Err::<(), _>(io::Error::from_raw_os_error(libc::EACCES));
        assert!(with_room(&fake.base, refused).is_err());
        assert!(fake.base.ballast().exists());
    }

    #[test]
    fn a_lock_is_signed_over_what_stands_in_it() {
        let fake = Fake::new();
        let path = fake.base.process_lock(&fake.process);
        std::fs::write(&path, "1 2\n").unwrap();
        let lock = FileLock::try_exclusive(&path).unwrap().unwrap();
        for _ in 0..2 {
            sign(&lock).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), ProcessNote::ours().to_string());
        }
    }

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (before.1, before.1));
        setrlimit(Resource::RLIMIT_NOFILE, before.0, before.1).unwrap();
    }
}
