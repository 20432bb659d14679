//! Directories of a spool: made with the rights they need whatever the umask says, and known to the disk.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use crate::sys::files::sync_dir;
use crate::sys::own_file;

/// Our own rights in a directory of ours; others have none.
const MODE: u32 = 0o700;

/// Makes a directory of ours, and those above it that are missing. Each is known to the disk when this returns: a base
/// whose parent was never synced is gone after a power loss, with every job in it.
///
/// # Errors
/// When it cannot be made.
pub fn make(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(MODE).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return match own_file::odd_directory(path) {
                Some(odd) => Err(odd.into()),
                None => make_usable(path),
            };
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = path.parent() else { return Err(error) };
            make(parent)?;
            match DirBuilder::new().mode(MODE).create(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Err(error) => return Err(error),
    }
    // A umask may have taken our own rights away.
    std::fs::set_permissions(path, Permissions::from_mode(MODE))?;
    path.parent().map_or(Ok(()), sync_parent)
}

/// A parent that we may not read cannot be synced by us; whoever made it has done so.
fn sync_parent(parent: &Path) -> io::Result<()> {
    match sync_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Gives our own rights back to a directory of ours that nobody can enter: a first command with a umask that took them away
/// has left it so. One that can be entered keeps the rights that it has.
///
/// # Errors
/// When that is refused.
pub fn make_usable(path: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(path)?;
    let ours = meta.uid() == nix::unistd::geteuid().as_raw();
    if ours && meta.is_dir() && meta.mode() & 0o100 == 0 {
        std::fs::set_permissions(path, Permissions::from_mode(meta.mode() & 0o7777 | MODE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_directory_is_made_with_those_above_it_and_one_that_cannot_be_entered_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/c");
        make(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (MODE, MODE));
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        make(&path).unwrap();
        assert_eq!(mode(&path), MODE);
        std::fs::set_permissions(&path, Permissions::from_mode(0o500)).unwrap();
        make(&path).unwrap();
        assert_eq!(mode(&path), 0o500, "whoever may enter it wants it so");
    }
}
