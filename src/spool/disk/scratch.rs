//! Room for what a program makes of a document (TRANSFORM): a directory for each document that is being made or printed.
//!
//! States: none → made and locked → gone, when what was made has printed or failed. A crash leaves the directory, and ends its lock:
//! [`Spool::sweep`] removes each one whose lock is free. In it are `made`, the document, and `own`, the only directory in which the
//! program may write.
//!
//! May the sweep take a directory that was made a moment ago, and is not locked yet? It may: it takes the lock first, so whoever
//! made the directory does not get it, and makes another one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::paths::Base;
use crate::spool::Spool;
use crate::sys::files;
use crate::sys::lock::FileLock;

/// The most directories in each other that are counted, and the most files.
const DEEPEST: usize = 8;
const MOST: u64 = 100_000;

/// A directory of one document; it goes when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: FileLock,
}

impl Scratch {
    /// Makes one.
    ///
    /// # Errors
    /// When it cannot be made: the disk may be full.
    pub fn new(base: &Base) -> io::Result<Self> {
        let all = base.transforms();
        let make = |path: &Path| DirBuilder::new().mode(0o700).create(path);
        match make(&all) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        loop {
            let path = all.join(files::random_name(12)?);
            make(&path)?;
            match FileLock::try_exclusive(&path.join("lock")) {
                Ok(Some(lock)) => {
                    let scratch = Self { path, _lock: lock };
                    make(&scratch.own())?;
                    return Ok(scratch);
                }
                // The sweep was faster.
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = std::fs::remove_dir_all(&path);
                    return Err(error);
                }
            }
        }
    }

    /// The directory of the program.
    pub fn own(&self) -> PathBuf {
        self.path.join("own")
    }

    /// Makes the file for the document.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(self.path.join("made"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is swept.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl Spool {
    /// Removes the directories that a crash left. Returns how many.
    pub(super) fn sweep_scratch(&self) -> usize {
        let Ok(found) = std::fs::read_dir(self.base().transforms()) else { return 0 };
        let mut removed = 0;
        for path in found.filter_map(|entry| Some(entry.ok()?.path())) {
            if let Ok(Some(_lock)) = FileLock::try_exclusive(&path.join("lock")) {
                removed += usize::from(std::fs::remove_dir_all(&path).is_ok());
            }
        }
        removed
    }

    /// Returns how many documents of programs there are at the moment, and the octets of all files beside them.
    pub fn transformed(&self) -> (u64, u64) {
        let Ok(found) = std::fs::read_dir(self.base().transforms()) else { return (0, 0) };
        let mut left = MOST;
        found
            .filter_map(|entry| Some(entry.ok()?.path()))
            .fold((0, 0), |(n, octets), path| (n + 1, octets + octets_below(&path, DEEPEST, &mut left)))
    }
}

fn octets_below(directory: &Path, depth: usize, left: &mut u64) -> u64 {
    let Ok(found) = std::fs::read_dir(directory) else { return 0 };
    let mut octets = 0;
    for entry in found.filter_map(Result::ok) {
        if *left == 0 {
            break;
        }
        *left -= 1;
        match entry.metadata() {
            Ok(meta) if meta.is_dir() && depth > 0 => octets += octets_below(&entry.path(), depth - 1, left),
            Ok(meta) if meta.is_file() => octets += meta.len(),
            _ => {}
        }
    }
    octets
}
