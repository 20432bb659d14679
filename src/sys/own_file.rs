//! The files and sockets that a spool keeps under names of its own, and what else may lie there.
//!
//! Somebody may have put a directory, a link, a FIFO or a device in the place of a lock. It is not used, and it is not
//! removed either: it is said what lies there. Nothing here waits for a reader or writer of a FIFO, follows a link, or makes a
//! terminal ours.

use std::fmt;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;

use super::users;

/// Whoever meets one may do this.
pub const CURE: &str = "move it away, or let pdfsck --repair do so: the spool makes its own again";

/// What lies in the place of a file of the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd(String);

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Odd {}

impl From<Odd> for io::Error {
    fn from(odd: Odd) -> Self {
        Self::other(odd)
    }
}

/// Tells whether the error is that something else lies in the place of a file of the spool.
pub fn is_odd(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Odd>())
}

fn word(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_block_device() || kind.is_char_device() => "a device",
        kind if kind.is_file() => "a file",
        _ => "nothing that is known",
    }
}

/// What is wrong with that in the place of a file of ours; none when nothing is.
fn look(meta: &Metadata) -> Option<Odd> {
    if !meta.is_file() {
        return Some(Odd(format!("is {}, where the spool has a file of its own", word(meta.file_type()))));
    }
    // Whoever owns it can give and take rights to it, and lock it for ever.
    (meta.uid() != nix::unistd::geteuid().as_raw())
        .then(|| Odd(format!("belongs to user {}, not to you", users::name(meta.uid()))))
}

/// What lies at `path` in the place of a file of ours; none when nothing does, or our file.
pub fn odd_file(path: &Path) -> Option<Odd> {
    look(&path.symlink_metadata().ok()?)
}

/// What lies at `path` in the place of a socket of ours. Anything that can be removed is replaced by whoever listens there.
pub fn odd_socket(path: &Path) -> Option<Odd> {
    let is_dir = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    is_dir.then(|| Odd("is a directory, where the spool has a socket".to_owned()))
}

/// What lies at `path` in the place of a directory of ours, which may be a link to one elsewhere.
pub fn odd_directory(path: &Path) -> Option<Odd> {
    let meta = path.symlink_metadata().ok()?;
    (!path.is_dir()).then(|| Odd(format!("is {}, where the spool has a directory", word(meta.file_type()))))
}

/// Refuses what lies at `path` in the place of a file of ours.
///
/// # Errors
/// When something does.
pub fn demand(path: &Path) -> io::Result<()> {
    odd_file(path).map_or(Ok(()), |odd| Err(odd.into()))
}

/// Opens a file of ours.
///
/// # Errors
/// [`Odd`] when something else lies there.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file =
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path).map_err(|error| {
            // The kernel has many errors for one thing.
            if error.kind() == io::ErrorKind::NotFound { error } else { odd_file(path).map_or(error, io::Error::from) }
        })?;
    match look(&file.metadata()?) {
        Some(odd) => Err(odd.into()),
        None => Ok(file),
    }
}

/// Opens a file of ours to read it.
///
/// # Errors
/// As [`open`].
pub fn open_to_read(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// Reads a short file of ours.
///
/// # Errors
/// As [`open`], or when it is no text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open_to_read(path)?.take(64 * 1024).read_to_string(&mut text)?;
    Ok(text)
}

/// Removes what a dead process left at the place of a socket of ours.
///
/// # Errors
/// [`Odd`] when that is a directory.
pub fn remove_socket(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(odd_socket(path).map_or(error, io::Error::from)),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_file_is_opened_and_nothing_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let mut options = OpenOptions::new();
        let writes = options.read(true).write(true).create(true);
        let said = |error: io::Error| {
            assert!(is_odd(&error), "{error}");
            error.to_string()
        };
        std::fs::create_dir(&path).unwrap();
        assert!(said(open(&path, writes).unwrap_err()).starts_with("is a directory"));
        assert!(said(open_to_read(&path).unwrap_err()).starts_with("is a directory"));
        assert!(said(remove_socket(&path).unwrap_err()).contains("socket"));
        std::fs::remove_dir(&path).unwrap();
        for target in ["nowhere", "."] {
            symlink(target, &path).unwrap();
            assert!(said(open(&path, writes).unwrap_err()).starts_with("is a symbolic link"));
            assert!(said(demand(&path).unwrap_err()).starts_with("is a symbolic link"));
            remove_socket(&path).unwrap();
        }
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        assert!(said(open(&path, writes).unwrap_err()).starts_with("is a FIFO"));
        assert!(said(read_text(&path).unwrap_err()).starts_with("is a FIFO"));
        remove_socket(&path).unwrap();
        remove_socket(&path).unwrap();
        assert_eq!(open_to_read(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(said(open(Path::new("/dev/null"), writes).unwrap_err()).starts_with("is a device"));
        open(&path, writes).unwrap();
        demand(&path).unwrap();
        assert_eq!(read_text(&path).unwrap(), "");
    }
}
