//! What a print process needs before it can serve: its lock, and a little space on the spool's disk.
//!
//! A full disk does not stop a job from completing: the ballast is released for the few octets needed. Files that only
//! serve observers, such as the progress file, are optional.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::model::{ProcessName, ServerName};
use crate::spool::disk::ballast;
use crate::spool::disk::locks::{self, ProcessLock};
use crate::spool::disk::paths::Base;
use crate::spool::printing::progress::{Progress, Writer};
use crate::sys::circumstances::Circumstances;
use crate::sys::lock::FileLock;
use crate::sys::process::ProcessNote;
use crate::sys::{own_file, wake};

/// How long we wait for a predecessor that is going dormant.
const PREDECESSOR: Duration = Duration::from_secs(5);
/// How often the one who has the lock is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// Takes the lock of the print process `name`. None when another one has it, and keeps it.
///
/// Several may wait for one lock. Was the one that gets it started in worse circumstances than ours, before us? Nobody
/// has asked that one to step aside, so we do.
pub fn take_lock(base: &Base, server: &ServerName, name: &ProcessName) -> io::Result<Option<ProcessLock>> {
    let until = Instant::now() + PREDECESSOR;
    loop {
        let lock = with_room(base, || locks::take_process(base, server, name, LOOK))?;
        if lock.is_some() || Instant::now() >= until {
            return Ok(lock);
        }
        if is_worse_off(base, name) {
            // A refusal is his answer: then we are the one that ends.
            let _ = wake::ask_to_step_aside(&base.process_socket(name));
        }
    }
}

/// Whether the process that has the lock lacks what we have.
fn is_worse_off(base: &Base, name: &ProcessName) -> bool {
    let note = own_file::read_text(&base.process_lock(name)).ok().and_then(|text| text.parse::<ProcessNote>().ok());
    let Some(note) = note.filter(ProcessNote::is_there) else { return false };
    match (Circumstances::of(std::process::id()), Circumstances::of(note.pid)) {
        (Ok(ours), Ok(theirs)) => ours.are_better_than(&theirs),
        _ => false,
    }
}

/// Runs `doing`, which needs a little space on the spool's disk. If there is none, it releases the ballast and tries
/// once more.
pub fn with_room<T>(base: &Base, mut doing: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match doing() {
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            // Another process may have released it already; what matters is whether there is space now.
            let _ = ballast::release(base);
            doing()
        }
        other => other,
    }
}

/// Writes the holder's identity into the lock file, over what is there: a file that is truncated first may find no
/// space again.
pub fn write_holder(lock: &FileLock) -> io::Result<()> {
    lock.file().write_all_at(ProcessNote::ours().to_string().as_bytes(), 0)
}

/// The progress file of the process, created by the first heartbeat. The process also prints without it.
#[derive(Debug)]
pub struct ProgressFile {
    base: Base,
    path: PathBuf,
    writer: OnceLock<Writer>,
}

impl ProgressFile {
    /// Prepares the progress file of `name`, which the first heartbeat creates.
    pub fn new(base: &Base, name: &ProcessName) -> Self {
        Self { base: base.clone(), path: base.progress(name), writer: OnceLock::new() }
    }

    /// Writes a heartbeat, and creates the file if necessary.
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

    /// Writes slot `index`, counted from 1. Does nothing without a file.
    pub fn put(&self, index: usize, progress: &Progress) -> io::Result<()> {
        self.writer.get().map_or(Ok(()), |writer| writer.put(index, progress))
    }

    /// Clears slot `index`. Does nothing without a file.
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
            write_holder(&lock).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), ProcessNote::ours().to_string());
        }
    }
}
