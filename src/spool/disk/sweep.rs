//! What becomes of print files that no job refers to: what a crash between the name of a file and its commit leaves.
//!
//! A file is looked at inside a write transaction, if no row refers to it and nobody locks it. It is removed only when the
//! database is known to be as new as the directory: the `.spool-id` is this spool's, the mark of the last commit is not
//! ahead, and the spool is not a restored one that nobody has accepted yet. Otherwise it may be the document of a job that
//! was accepted after the backup: it goes to `corrupt/`, with its reason. While a backup runs nothing is touched.

use std::ffi::OsString;
use std::path::Path;

use crate::model::Call;
use crate::store::generation::Mark;
use crate::store::{self, Fallible};
use crate::sys::lock::FileLock;

use super::aside::put_aside;
use super::locks;
use crate::spool::{Room, Spool};

/// Why a print file was put aside.
pub(crate) const UNKNOWN: &str = "no job of the restored database knows this print file: it belongs to a job that was accepted after the backup, or \
     that had ended by then";

impl Spool {
    /// Sweeps the server directory. Returns how many files were removed or put aside.
    ///
    /// # Errors
    /// When the spool cannot be read or written. An unreadable directory is no error: there is nothing to remove.
    pub fn sweep(&self) -> Fallible<usize> {
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
        let proof = std::fs::read_to_string(&spool_id).unwrap_or_default();
        if orphans.is_empty() || proof.trim() != self.inner.spool_id || locks::print_files_are_kept(&spool_id) {
            return Ok(0);
        }
        let mark = self.base().generation(self.server());
        self.change(Room::Gives, &Call::timeless(), move |tx| {
            // A backup that began meanwhile has its lock before it looks at the database.
            if locks::print_files_are_kept(&spool_id) {
                return Ok(0);
            }
            let seen = Mark::read(&mark);
            let is_older = seen.map_or(Ok(false), |seen| store::restored::is_proven(tx, &seen))?;
            let is_restored = is_older || store::restored::since(tx)?.is_some();
            let mut swept = 0;
            for name in &orphans {
                let path = dir.join(name);
                // Is a submission that is still running safe? Its copies are locked until its commit is over, and its
                // links are made inside a write transaction, which this one excludes.
                if store::document::refers_to(tx, name)? || !is_free(&path) {
                    continue;
                }
                let gone = match is_restored {
                    true => put_aside(&path, UNKNOWN).is_ok(),
                    false => std::fs::remove_file(&path).is_ok(),
                };
                swept += usize::from(gone);
            }
            Ok(swept)
        })
    }
}

/// The name of a print file, or of what a cut-off copy left.
pub(crate) fn print_file(name: OsString) -> Option<String> {
    let name = name.into_string().ok()?;
    let ours = (name.len() == 10 && name.starts_with("pdpr")) || name.starts_with(".new-");
    ours.then_some(name)
}

/// Whether nobody works on a file that has such a name.
pub(crate) fn is_free(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => true,
        Ok(meta) if meta.is_file() => !FileLock::is_held(path).unwrap_or(true),
        _ => false,
    }
}
