//! Putting a file aside: into `corrupt/` of its directory, with the reason beside it. Nothing there is ever deleted or
//! overwritten by us.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::sys::files::{random_name, sync_dir};

/// Moves the file at `path` into `corrupt/` beside it, with `text` as its reason. Where it is then; none when there was
/// nothing to move. One that was moved earlier, by somebody who died before he could say so, is found there.
///
/// # Errors
/// When it cannot be moved; it is then where it was, or there already.
pub fn put_aside(path: &Path, text: &str) -> io::Result<Option<PathBuf>> {
    debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(None);
    };
    let corrupt = dir.join("corrupt");
    let mut to = corrupt.join(name);
    match std::fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(to.exists().then_some(to)),
        Err(error) => return Err(error),
    }
    match DirBuilder::new().mode(0o700).create(&corrupt) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if to.symlink_metadata().is_ok() {
        let mut other = name.to_owned();
        other.push(format!(".{}", random_name(6)?));
        to = corrupt.join(other);
    }
    let mut reason = to.clone().into_os_string();
    reason.push(".reason");
    let mut note = File::create(reason)?;
    writeln!(note, "{text}")?;
    note.sync_all()?;
    std::fs::rename(path, &to)?;
    sync_dir(&corrupt)?;
    sync_dir(dir)?;
    Ok(Some(to))
}
