//! A base is its user's alone.
//!
//! A base that was made beforehand may have looser rights: `mkdir -m 777`, a copy, an older version. Where that harmed
//! nobody it is tightened: what lies there belongs to us, and nothing else lies there. Where others could have put
//! something in the place of ours, the base is refused and its user is told what to look at.

use std::fs::{Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::paths::Base;
use super::refusals::{io_failure, refused};
use crate::model::Failure;
use crate::store::Fallible;
use crate::sys::users;

fn us() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Whether somebody else may make and replace names in a directory of ours.
fn others_write(meta: &Metadata) -> bool {
    meta.mode() & 0o002 != 0 || (meta.mode() & 0o020 != 0 && !users::is_private_group(meta.gid(), us()))
}

/// Takes from others every right to a file or directory of ours.
fn close(path: &Path, meta: &Metadata) -> Fallible<()> {
    if meta.mode() & 0o077 == 0 {
        return Ok(());
    }
    match std::fs::set_permissions(path, Permissions::from_mode(meta.mode() & 0o700)) {
        // Where nothing can be written, nobody else writes either.
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(()),
        other => other.map_err(|error| io_failure(path, &error)),
    }
}

/// Whether a spool makes something of that name.
fn is_ours_by_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let known = ["spool.db", "spool.db-wal", "spool.db-shm", "run", "FASTCNFG", "guardian"];
    known.contains(&name) || path.join(".spool-id").symlink_metadata().is_ok()
}

/// What lies in a base and is no part of a spool of ours.
fn stranger(root: &Path) -> io::Result<Option<(PathBuf, &'static str)>> {
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        let meta = std::fs::symlink_metadata(&path)?;
        if meta.uid() != us() {
            return Ok(Some((path, "belongs to somebody else")));
        }
        if !is_ours_by_name(&path) {
            return Ok(Some((path, "is no part of a spool")));
        }
    }
    Ok(None)
}

fn replaceable(root: &Path, meta: &Metadata, found: &Path, why: &str) -> Failure {
    let mode = meta.mode() & 0o7777;
    refused(format!(
        "others may write to {} (mode {mode:04o}), so they could replace the spool in it, and {} {why}",
        root.display(),
        found.display()
    ))
    .hint(format!("look at what lies there, then: chmod 700 {}", root.display()))
    .hint("or set PDBASE to a directory that is yours alone")
}

/// Checks the base directory, which belongs to us, and takes from others what they may do to it.
///
/// # Errors
/// When others could have put something there in the place of ours.
pub(super) fn close_base(base: &Base, meta: &Metadata) -> Fallible<()> {
    let root = base.root();
    let io = |error: io::Error| io_failure(root, &error);
    if others_write(meta) {
        if let Some((path, why)) = stranger(root).map_err(io)? {
            return Err(replaceable(root, meta, &path, why));
        }
        close(root, meta)?;
        // From now on nobody comes in; somebody may have come before.
        if let Some((path, why)) = stranger(root).map_err(io)? {
            return Err(replaceable(root, meta, &path, why));
        }
    }
    let mut log = base.database().into_os_string();
    log.push("-shm");
    for path in [base.run(), base.database(), base.database_log(), PathBuf::from(log)] {
        close_own(&path)?;
    }
    Ok(())
}

/// Checks a part of a spool that may be there, and takes from others what they may do to it.
///
/// # Errors
/// When it belongs to somebody else.
pub(super) fn close_own(path: &Path) -> Fallible<()> {
    for look in [std::fs::symlink_metadata, std::fs::metadata] {
        let meta = match look(path) {
            Ok(meta) => meta,
            // Whoever needs it says what is wrong with it.
            Err(_) => return Ok(()),
        };
        if meta.uid() != us() {
            return Err(refused(format!(
                "{} belongs to user {}, not to you: somebody has put it in the place of yours",
                path.display(),
                users::name(meta.uid())
            ))
            .hint("pdbackup --restore DIR puts a backup in its place, in a directory that is yours alone"));
        }
        if !meta.is_symlink() {
            return close(path, &meta);
        }
    }
    Ok(())
}
