//! Which directories and files are the spool's own, whatever names and mounts lead to them.
//!
//! A device that is a second name of `run/write.lock` would lock the spool, one of `spool.db` would write into it, and a
//! link of `pdpr -l` to a print file would print what somebody else handed in. So files are told by device and inode, not
//! by their paths.

use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::paths::Base;
use crate::sys::files::FileId;

/// The directories of a base: itself and `run/` first, then those of servers.
#[derive(Clone, Debug)]
pub struct OwnDirectories(Vec<(FileId, PathBuf)>);

impl OwnDirectories {
    /// Finds them.
    ///
    /// # Errors
    /// When the base cannot be read.
    pub fn of(root: &Path) -> io::Result<Self> {
        let base = Base::new(root);
        let id = |path: &Path| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
        let mut found = vec![(id(root)?, root.to_path_buf())];
        let mut add = |path: PathBuf| {
            if let Ok(id) = id(&path) {
                found.push((id, path));
            }
        };
        add(base.run());
        for entry in std::fs::read_dir(root)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.path() != base.run() {
                let server = entry.path();
                [server.join("pdb"), server.join("corrupt"), server].into_iter().for_each(&mut add);
            }
        }
        Ok(Self(found))
    }

    /// Whether one of these directories is among ours.
    pub fn have_one_of(&self, ids: &[FileId]) -> bool {
        ids.iter().any(|id| self.0.iter().any(|(own, _)| own == id))
    }

    /// Whether the file `id`, which has so many names, is one of ours.
    pub fn hold(&self, id: FileId, names: u64) -> bool {
        // A print file without a second name lies in our directory under the only name that it has. The few files that are
        // always there could be mounted elsewhere, so they are compared whatever their names.
        let few = if names > 1 { self.0.len() } else { 2 };
        self.0.iter().take(few).any(|(_, path)| holds(path, id))
    }
}

/// Whether a directory holds the file `id` under any name.
fn holds(directory: &Path, id: FileId) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    let same = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) == id);
    // An entry over which something is mounted has another number than what lies there. Nobody mounts over a print file,
    // and there may be many.
    let many = |entry: &std::fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"pdpr");
    entries.flatten().any(|entry| (entry.ino() == id.1 || !many(&entry)) && same(&entry.path()))
}
