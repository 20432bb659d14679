//! What becomes of print files that no job refers to: what a crash between the name of a file and its commit leaves.
//!
//! Why does a sweep never take the file of a submission? Whoever submits locks the name of each file before it appears,
//! and keeps the lock until his commit is over; a crash ends the lock, and a transaction that was not committed by then
//! never will be. The sweep takes the same lock first, asks the database afterwards, and removes the file last, with the
//! lock still in its hand. So when it asks, nobody is left who could commit a row for that file: what no row refers to
//! then is nobody's. Names are random and never chosen while something has them.
//!
//! Why does it never take a file that a backup needs? A backup takes its lock before it reads the database. Either it read
//! before the last row of the file went: then its lock is seen, because the sweep looks for it after it has asked. Or it
//! read later, and does not know the file.
//!
//! A file is removed only when the database is known to be as new as the directory: the `.spool-id` is this spool's, the
//! mark of the last commit is not ahead, and the spool is not a restored one that nobody has accepted yet. Otherwise it may
//! be the document of a job that was accepted after the backup: it goes to `corrupt/`, with its reason. A crash at any
//! moment leaves files for the next sweep.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;

use crate::model::Call;
use crate::store::generation::Mark;
use crate::store::{self, Fallible, Lock};
use crate::sys::files::FileId;
use crate::sys::lock::FileLock;
use crate::sys::own_file;
use crate::sys::range_lock::RangeLock;

use super::aside::put_aside;
use super::locks;
use crate::spool::{Room, Spool};

/// Why a print file was put aside.
pub(crate) const UNKNOWN: &str = "no job of the restored database knows this print file: it belongs to a job that was accepted after the backup, or \
     that had ended by then";

/// How many files are locked at once: each takes a descriptor.
const AT_ONCE: usize = 128;

impl Spool {
    /// Sweeps the server directory. Returns how many files were removed or put aside.
    ///
    /// # Errors
    /// When the spool cannot be read or written. An unreadable directory is no error: there is nothing to remove.
    pub fn sweep(&self) -> Fallible<usize> {
        self.sweep_scratch();
        let dir = self.base().server(self.server());
        let Ok(entries) = std::fs::read_dir(&dir) else { return Ok(0) };
        let names: Vec<String> =
            entries.filter_map(|entry| entry.ok().map(|e| e.file_name())).filter_map(print_file).collect();
        // Most files belong to jobs: find the others first, without holding up writers.
        let orphans = self.look(&Call::timeless(), |tx| {
            let mut orphans = Vec::new();
            for name in names {
                if !store::document::refers_to(tx, &name)? {
                    orphans.push(name);
                }
            }
            Ok(orphans)
        })?;
        let spool_id = self.base().spool_id(self.server());
        let proof = own_file::read_text(&spool_id).unwrap_or_default();
        if orphans.is_empty() || proof.trim() != self.inner.spool_id || locks::print_files_are_kept(&spool_id) {
            return Ok(0);
        }
        let mut swept = 0;
        for names in orphans.chunks(AT_ONCE) {
            let held: Vec<Held> = names.iter().filter_map(|name| Held::take(&dir, &spool_id, name)).collect();
            swept += self.sweep_held(held)?;
        }
        Ok(swept)
    }

    /// Removes those of `held` that no row refers to.
    fn sweep_held(&self, held: Vec<Held>) -> Fallible<usize> {
        if held.is_empty() {
            return Ok(0);
        }
        // The mark before the database: a commit in between makes the database the newer of the two.
        let seen = Mark::read(&self.base().generation(self.server()));
        let names: Vec<String> = held.iter().map(|held| held.name.clone()).collect();
        // Why a transaction that writes, when it changes nothing? Its commit makes the answer final. It overwrites what a
        // commit that failed may have left in the log, which a later reader could still take for a job; and its end makes
        // sure that the database which was asked still has its name.
        let (orphans, is_restored) = self.change(Room::Gives, &Call::timeless(), move |tx| {
            tx.lock(Lock::Spool)?;
            let is_older = seen.map_or(Ok(false), |seen| store::restored::is_proven(tx, &seen))?;
            let is_restored = is_older || store::restored::since(tx)?.is_some();
            let mut orphans = HashSet::new();
            for name in &names {
                if !store::document::refers_to(tx, name)? {
                    orphans.insert(name.clone());
                }
            }
            if !orphans.is_empty() {
                store::spool::confirm(tx)?;
            }
            Ok((orphans, is_restored))
        })?;
        if locks::print_files_are_kept(&self.base().spool_id(self.server())) {
            return Ok(0);
        }
        let gone = held.iter().filter(|held| orphans.contains(&held.name) && held.remove(is_restored));
        Ok(gone.count())
    }
}

/// Returns the name of a print file, or of what a cut-off copy left.
pub(crate) fn print_file(name: OsString) -> Option<String> {
    let name = name.into_string().ok()?;
    let ours = (name.len() == 10 && name.starts_with("pdpr")) || name.starts_with(".new-");
    ours.then_some(name)
}

/// A file without a row whose lock the sweep has.
struct Held {
    name: String,
    path: PathBuf,
    /// The file that is locked; none for a link, whose name is.
    file: Option<(FileId, File)>,
    _link: Option<RangeLock>,
}

impl Held {
    /// Locks what has that name; none when somebody works on it, or it is neither a file nor a link.
    fn take(dir: &Path, spool_id: &Path, name: &str) -> Option<Self> {
        debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
        let path = dir.join(name);
        let held = |file, _link| Some(Self { name: name.to_owned(), path: path.clone(), file, _link });
        if std::fs::symlink_metadata(&path).ok()?.is_symlink() {
            let lock = locks::hold_link(spool_id, name).ok()??;
            return held(None, lock);
        }
        // A link that has come into its place meanwhile is not followed, and what is no file is not waited for.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = File::options().read(true).write(true).custom_flags(flags).open(&path).ok()?;
        let id = id_of(&file.metadata().ok().filter(std::fs::Metadata::is_file)?);
        FileLock::mark(&file).ok().filter(|locked| *locked)?;
        held(Some((id, file)), None)
    }

    /// Removes it, or puts it aside; an empty one is no document of anybody. False when something else has its name, or that failed: the next sweep tries again.
    fn remove(&self, is_restored: bool) -> bool {
        let Ok(meta) = std::fs::symlink_metadata(&self.path) else { return false };
        let same = match &self.file {
            Some((id, _)) => meta.is_file() && id_of(&meta) == *id,
            None => meta.is_symlink(),
        };
        same && match is_restored && (meta.len() > 0 || self.file.is_none()) {
            true => put_aside(&self.path, UNKNOWN).is_ok(),
            false => std::fs::remove_file(&self.path).is_ok(),
        }
    }
}

fn id_of(meta: &std::fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

/// Tells whether nobody works on a file that has such a name.
pub(crate) fn is_free(dir: &Path, spool_id: &Path, name: &str) -> bool {
    let path = dir.join(name);
    match std::fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_symlink() => !locks::link_is_held(spool_id, name).unwrap_or(true),
        Ok(meta) if meta.is_file() => !FileLock::is_held(&path).unwrap_or(true),
        _ => false,
    }
}
