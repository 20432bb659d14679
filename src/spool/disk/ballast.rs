//! Four MiB of disk that are given back when the disk is full, so that jobs can still be completed and cancelled.
//!
//! States: in place → released (a completing transaction found the disk full) → in place again, before the next submission
//! is accepted. A crash between leaves it released; the next submission restores it or is refused.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use crate::model::{Failure, FailureKind};
use crate::store::Fallible;
use crate::sys::files::allocate;
use crate::sys::{limits, own_file};

use super::paths::Base;

/// Its size in octets.
pub const SIZE: u64 = 4 << 20;

/// Makes sure that it is in place.
///
/// # Errors
/// `Full` when there is no room for it: then there is none for a job either.
pub fn ensure(base: &Base) -> Fallible<()> {
    debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
    let path = base.ballast();
    if let Ok(meta) = std::fs::symlink_metadata(&path)
        && meta.is_file()
        && meta.len() >= SIZE
        && meta.blocks().saturating_mul(512) >= SIZE
    {
        return Ok(());
    }
    let place = || -> std::io::Result<()> {
        let file = own_file::open(&path, File::options().write(true).create(true).truncate(false).mode(0o600))?;
        allocate(&file, SIZE)?;
        file.sync_all()
    };
    let placed = place().or_else(|error| match error.kind() {
        // Somebody has removed `run/` under a process that has the spool open.
        std::io::ErrorKind::NotFound => super::dirs::make(&base.run()).and_then(|()| place()),
        _ => Err(error),
    });
    placed.map_err(|error| {
        // What is not ours stays.
        if !own_file::is_odd(&error) {
            let _ = std::fs::remove_file(&path);
        }
        if let Some(cure) = limits::cure(&error) {
            return Failure::new(FailureKind::Io, format!("{}: {error}: no job is accepted", path.display()))
                .hint(cure);
        }
        Failure::new(FailureKind::Full, format!("the file system of the spool is full ({error}): no job is accepted"))
            .hint("free some space; waiting jobs are kept and print, and new ones are accepted again by themselves")
    })
}

/// Gives it back. True when there was something to give.
pub fn release(base: &Base) -> bool {
    debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
    let path = base.ballast();
    own_file::odd_file(&path).is_none() && std::fs::remove_file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_really_allocated_released_once_and_restored() {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path());
        std::fs::create_dir(base.run()).unwrap();
        ensure(&base).unwrap();
        assert!(std::fs::metadata(base.ballast()).unwrap().blocks() * 512 >= SIZE);
        assert!(release(&base));
        assert!(!release(&base));
        ensure(&base).unwrap();
        assert!(release(&base));
    }
}
