//! A file that holds a key of the spool, for its account alone.
//!
//! States: no file → a file without a name, whole and on disk → the same under its own name → the name on disk, too. Two that make one at
//! once: the first name counts, and both use what lies there. A crash leaves nothing, or a key that is whole.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::sys::fault;
use crate::sys::files::{Unnamed, random_name, sync_dir};
use crate::sys::lock::FileLock;
use crate::sys::own_file;

/// Octets of a key.
const OCTETS: usize = 32;
/// How a temporary name begins that the next restore of a backup removes.
pub const TEMPORARY: &str = ".restore-";

/// Reads the file; none where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match own_file::read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says that what lies there is no key.
pub fn no_key() -> io::Error {
    let why = "is no key: it has 64 hexadecimal digits; a backup with keys has it";
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Makes a key, unless somebody else is faster. It is on disk when this returns.
///
/// # Errors
/// When it cannot be made, or may not be on disk.
pub fn make(path: &Path) -> io::Result<()> {
    let mut octets = [0u8; OCTETS];
    getrandom::fill(&mut octets).map_err(|error| io::Error::other(format!("no random octets: {error}")))?;
    let text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let dir = path.parent().unwrap_or(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Where the file system knows no unnamed files the sweep may find the temporary before it is locked; then another one is made.
    let mut file = loop {
        let file = Unnamed::create(dir)?;
        if FileLock::mark(&file.file)? {
            break file;
        }
    };
    file.file.set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file.file, "{text}")?;
    file.file.sync_all()?;
    match file.name(dir, &name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        named => named?,
    }
    fault::point("key-named");
    sync_dir(dir)
}

/// Puts another text in the place of a file of keys, at once and on disk.
///
/// # Errors
/// When it cannot be written. The file is then as it was.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().unwrap_or(path);
    let temporary = dir.join(format!("{TEMPORARY}{}", random_name(6)?));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let done = file
        .set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&temporary, path));
    done.inspect_err(|_| drop(std::fs::remove_file(&temporary)))?;
    sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".some-key");
        assert!(read(&path).unwrap().is_none());
        make(&path).unwrap();
        let first = read(&path).unwrap().unwrap();
        make(&path).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), first, "the first one counts");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary name is left");
    }
}
