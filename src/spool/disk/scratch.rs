//! Room for what a program makes of a document (TRANSFORM): a directory for each document that is being made or printed.
//!
//! States: none → made and locked → gone, when what was made has printed or failed. A crash leaves the directory, and ends its lock:
//! [`Spool::sweep`] removes each one whose lock is free. In it are `made`, the document, `own`, the only directory in which the
//! program may write, and `process`, who the program is: what a killed print process has left of it is ended first.
//!
//! May the sweep take a directory that was made a moment ago, and is not locked yet? It may: it takes the lock and gives the directory
//! another name before it removes anything. So whoever made the directory does not get the lock, or gets that of a directory
//! whose name is gone already, and makes another one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::paths::Base;
use crate::spool::Spool;
use crate::sys::lock::FileLock;
use crate::sys::process::{self, ProcessNote};
use crate::sys::spawn::filter_user;
use crate::sys::{clock, files, own_file, remove};

/// The most directories in each other that are counted, and the most files.
const DEEPEST: usize = 8;
const MOST: u64 = 100_000;
/// What stands behind the name of a directory that is being removed.
const GONE: &str = "gone";
/// How long a program that was killed may take to be gone.
const KILLED: Duration = Duration::from_secs(10);

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
            let lock = match FileLock::try_exclusive(&path.join("lock")) {
                Ok(Some(lock)) => make(&path.join("own")).map(|()| Some(lock)),
                other => other,
            };
            match lock {
                Ok(Some(lock)) => return Ok(Self { path, _lock: lock }),
                // The sweep was faster.
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = remove::tree(&path);
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

    /// Makes the file into which the program writes who it is, behind a line that says since when the machine runs.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn note(&self) -> io::Result<File> {
        let path = self.path.join("process");
        let mut note = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(note, "{}", clock::boot_id())?;
        Ok(note)
    }
}

/// Removes the directories in `all` whose lock is free. Returns how many.
fn sweep(all: &Path) -> usize {
    let Ok(found) = std::fs::read_dir(all) else { return 0 };
    let mut removed = 0;
    for path in found.filter_map(|entry| Some(entry.ok()?.path())) {
        if let Ok(Some(_lock)) = FileLock::try_exclusive(&path.join("lock")) {
            end_program(&path.join("process"));
            // One that a crash of a sweep has left has that name already.
            let gone = path.with_extension(GONE);
            if path == gone || std::fs::rename(&path, &gone).is_ok() {
                removed += usize::from(remove::tree(&gone).is_ok());
            }
        }
    }
    removed
}

/// Ends what is left of the program that is noted there.
fn end_program(note: &Path) {
    let Ok(text) = own_file::read_text(note) else { return };
    if let Some((boot, stat)) = text.split_once('\n')
        && boot == clock::boot_id()
        && let Ok(leader) = ProcessNote::of_stat(stat)
    {
        process::end_group(&leader, filter_user(), KILLED);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is swept.
        let _ = remove::tree(&self.path);
    }
}

impl Spool {
    /// Removes the directories that a crash left, and ends their programs. Returns how many.
    pub(super) fn sweep_scratch(&self) -> usize {
        sweep(&self.base().transforms())
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_sweep_never_takes_a_directory_from_whoever_has_made_it() {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path());
        let (is_over, swept) = (AtomicBool::new(false), std::sync::Mutex::new(0));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        *swept.lock().unwrap() += sweep(&base.transforms());
                    }
                });
            }
            let made: Vec<io::Result<()>> = (0..3000)
                .map(|_| {
                    let scratch = Scratch::new(&base)?;
                    scratch.create()?;
                    scratch.note()?;
                    std::fs::write(scratch.own().join("file"), "x")
                })
                .collect();
            is_over.store(true, Ordering::Relaxed);
            for made in made {
                made.unwrap();
            }
        });
        eprintln!("{} were swept before they were locked", swept.lock().unwrap());
        sweep(&base.transforms());
        assert_eq!(std::fs::read_dir(base.transforms()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_sweep_that_crashed_was_removing_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("x.gone");
        std::fs::create_dir_all(gone.join("own")).unwrap();
        assert_eq!((sweep(dir.path()), gone.exists()), (1, false));
    }
}
