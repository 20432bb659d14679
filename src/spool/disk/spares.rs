//! Print files that lie ready: named, locked and empty, with their names on disk.
//!
//! The sync that brings the name of a print file to the disk begins when the one before it has ended. Where submissions come one
//! after another, that is what each of them waits for longest. So the thread that syncs names ([`super::names`]) makes files ahead of
//! them, whose names go to the disk with those that somebody waits for. A submission that finds one fills it, and waits for its
//! octets alone.
//!
//! States: made and locked → named → the name is on disk, lies ready → taken by a submission, from when on it is a copy as any other
//! ([`super::files`]); or removed, when nobody has come for a while. A crash leaves an orphan, empty or with part of a document, which
//! the sweep removes.
//!
//! Only small files, in clear, and alone in their submissions, take one: what is written for long would keep its name for long without a
//! job, the name of a key is synced with that of its document, and a large submission waits for more than names.
//!
//! Somebody may remove or exchange a file that lies ready. So it is looked at when it is taken, and once more when it is full: what
//! has lost its name would be lost with it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sys::files::{Unnamed, random_name};
use crate::sys::limits;
use crate::sys::lock::FileLock;

/// Files that lie ready at most. Each takes a descriptor.
const MOST: usize = 32;
/// How many of the descriptors of this process they may take: one of so many.
const DESCRIPTORS: u64 = 32;
/// So many come in this time as will come in the next one.
const WINDOW: Duration = Duration::from_millis(100);
/// After this time without a submission none lies ready any more.
const KEPT: Duration = Duration::from_secs(1);

/// Returns a new name for a print file.
pub(super) fn store_name() -> io::Result<String> {
    Ok(format!("pdpr{}", random_name(6)?))
}

/// A file that lies ready. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Spare {
    file: File,
    name: String,
    dir: PathBuf,
    is_used: bool,
}

impl Spare {
    /// Makes one in `dir`. Its name is not on disk yet.
    fn make(dir: &Path) -> io::Result<Self> {
        // See `files::copy` for the lock.
        let mut unnamed = loop {
            let unnamed = Unnamed::create(dir)?;
            if FileLock::mark(&unnamed.file)? {
                break unnamed;
            }
        };
        let name = loop {
            let name = store_name()?;
            match unnamed.name(dir, &name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                named => break named.map(|()| name)?,
            }
        };
        let dir = dir.to_path_buf();
        match unnamed.into_file() {
            Ok(file) => Ok(Self { file, name, dir, is_used: false }),
            Err(error) => {
                let _ = std::fs::remove_file(dir.join(name));
                Err(error)
            }
        }
    }

    /// Its open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether its name still leads to it, in that directory.
    fn stands_in(&self, dir: &Path) -> bool {
        let own = self.file.metadata().map(|file| (file.dev(), file.ino()));
        let named = std::fs::symlink_metadata(dir.join(&self.name)).map(|file| (file.dev(), file.ino()));
        matches!((own, named), (Ok(own), Ok(named)) if own == named)
    }

    /// Its name and its file, now that it is full: whoever has them removes it.
    ///
    /// # Errors
    /// When its name does not lead to it any more.
    pub(super) fn used(mut self) -> io::Result<(String, File)> {
        if !self.stands_in(&self.dir) {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "somebody has removed the print file that was being written; submit the document again",
            ));
        }
        let file = self.file.try_clone()?;
        self.is_used = true;
        Ok((std::mem::take(&mut self.name), file))
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        // What has its name now may be somebody else's.
        if !self.is_used && self.stands_in(&self.dir) {
            let _ = std::fs::remove_file(self.dir.join(&self.name));
        }
    }
}

/// Makes so many in `dir`; none when one cannot be made.
pub(super) fn make(dir: &Path, wanted: usize) -> Vec<Spare> {
    (0..wanted).map(|_| Spare::make(dir)).collect::<io::Result<_>>().unwrap_or_default()
}

/// Those that lie ready, and how many come for them.
#[derive(Debug, Default)]
pub(super) struct Stock {
    ready: Vec<Spare>,
    /// When the window has begun, and how many have come in it and in the one before.
    began: Option<Instant>,
    come: usize,
    came_before: usize,
    /// When one could not be made. None is made for a while then: what is short is short for others, too.
    failed: Option<Instant>,
}

impl Stock {
    /// Takes one that lies ready in `dir`.
    pub(super) fn take(&mut self, dir: &Path) -> Option<Spare> {
        let now = Instant::now();
        match self.began.map(|began| now.duration_since(began)) {
            Some(since) if since < WINDOW => self.come += 1,
            since => {
                let follows = since.is_some_and(|since| since < 2 * WINDOW);
                self.came_before = if follows { self.come } else { 0 };
                (self.began, self.come) = (Some(now), 1);
            }
        }
        loop {
            let spare = self.ready.pop()?;
            if spare.stands_in(dir) {
                return Some(spare);
            }
        }
    }

    /// How many are to be made now. None for a submission that comes alone.
    pub(super) fn missing(&self) -> usize {
        let is_over = self.began.is_none_or(|began| began.elapsed() >= 2 * WINDOW);
        let has_failed = self.failed.is_some_and(|at| at.elapsed() < KEPT);
        let wanted = self.come.max(self.came_before).min(MOST).min(most_descriptors());
        // Half of them at once, so that one sync does for many.
        if is_over || has_failed || wanted < 2 || self.ready.len() > wanted / 2 {
            return 0;
        }
        wanted - self.ready.len()
    }

    /// Puts in what was made, and is on disk, where so many were wanted. Where they are fewer, none lies ready any more: returns those
    /// that go.
    pub(super) fn put(&mut self, made: Vec<Spare>, wanted: usize) -> Vec<Spare> {
        let is_short = made.len() < wanted;
        self.ready.extend(made);
        if !is_short {
            return Vec::new();
        }
        self.failed = Some(Instant::now());
        self.clear()
    }

    /// Whether some lie ready.
    pub(super) fn is_there(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How long they are still kept if nobody comes.
    pub(super) fn rest(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| KEPT.saturating_sub(began.elapsed()))
    }

    /// Whether nobody has come for so long that none is kept.
    pub(super) fn is_forgotten(&self) -> bool {
        self.rest().is_zero()
    }

    /// All that lie ready: none does any more.
    pub(super) fn clear(&mut self) -> Vec<Spare> {
        std::mem::take(&mut self.ready)
    }
}

fn most_descriptors() -> usize {
    usize::try_from(limits::open_files() / DESCRIPTORS).unwrap_or(MOST)
}
