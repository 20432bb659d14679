//! Removing print files that no job refers to: what a crash between the name of a file and its commit leaves.
//!
//! A file is removed only inside a write transaction, if no row refers to it, nobody locks it, and the directory's
//! `.spool-id` is this spool's. Anything else is left alone.

use std::ffi::OsString;
use std::path::Path;

use crate::model::Call;
use crate::store::{self, Fallible};
use crate::sys::lock::FileLock;

use crate::spool::{Room, Spool};

impl Spool {
    /// Sweeps the server directory. Returns how many orphans were removed.
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
        let proof = std::fs::read_to_string(self.base().spool_id(self.server())).unwrap_or_default();
        if orphans.is_empty() || proof.trim() != self.inner.spool_id {
            return Ok(0);
        }
        self.change(Room::Gives, &Call::timeless(), move |tx| {
            let mut removed = 0;
            for name in &orphans {
                let path = dir.join(name);
                // Is a submission that is still running safe? Its copies are locked until its commit is over, and its
                // links are made inside a write transaction, which this one excludes.
                if !store::document::refers_to(tx, name)? && is_free(&path) && std::fs::remove_file(&path).is_ok() {
                    removed += 1;
                }
            }
            Ok(removed)
        })
    }
}

fn print_file(name: OsString) -> Option<String> {
    let name = name.into_string().ok()?;
    let ours = (name.len() == 10 && name.starts_with("pdpr")) || name.starts_with(".new-");
    ours.then_some(name)
}

fn is_free(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => true,
        Ok(meta) if meta.is_file() => !FileLock::is_held(path).unwrap_or(true),
        _ => false,
    }
}
