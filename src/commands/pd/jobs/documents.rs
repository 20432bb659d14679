//! Opens the documents of a submission, in the user's process and with the user's own rights.
//!
//! A named document must be a regular file that is not empty. A pipe, a terminal or a device is handed in as standard
//! input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::commands::pd::command_line::attribute_files::RawName;
use crate::commands::plain;
use crate::model::job::{DocumentOffer, RawPath, Transfer};
use crate::model::{Failure, FailureKind};
use crate::sys::files::open_regular;

/// A document: what the spool is told of it, and its open file.
#[derive(Debug)]
pub struct Document {
    /// What the spool is told.
    pub offer: DocumentOffer,
    /// The file.
    pub file: OwnedFd,
}

/// Opens the document that the user named `name`.
///
/// # Errors
/// Says in the user's words why it cannot be printed, and begins with the name.
pub fn open(name: &OsStr, link: bool, cwd: &Path) -> Result<Document, Failure> {
    let path = cwd.join(name);
    let shown = RawName(Path::new(name)).to_string();
    let file = open_named(&path, &shown)?;
    let (transfer, link_target) = match link {
        // The link holds the name that the user gave, made absolute. A link in that name is never replaced by its target.
        true => (Transfer::Link, Some(RawPath(path.components().collect::<PathBuf>()))),
        false => (Transfer::Copy, None),
    };
    let offer =
        DocumentOffer { file_name: RawPath(PathBuf::from(name)), transfer, link_target, copies: 1, format: None };
    Ok(Document { offer, file: file.into() })
}

fn open_named(path: &Path, shown: &str) -> Result<File, Failure> {
    let failed = |error: &io::Error| Failure::new(FailureKind::Io, format!("{shown}: {}", plain(error)));
    // Is this look before the opening a race? It only decides the words, because `open_regular` refuses the same files and
    // never waits on a FIFO. Some devices act when they are opened; the look spares them that.
    let kind = std::fs::metadata(path).map_err(|error| failed(&error))?.file_type();
    let wrong = if kind.is_dir() {
        Some(Failure::new(FailureKind::BadValue, format!("{shown}: is a directory")))
    } else if kind.is_fifo() {
        Some(streamed(shown, "is a FIFO"))
    } else if kind.is_char_device() || kind.is_block_device() {
        Some(streamed(shown, "is a device"))
    } else if kind.is_socket() {
        Some(Failure::new(FailureKind::BadValue, format!("{shown}: is a socket")))
    } else {
        None
    };
    if let Some(failure) = wrong {
        return Err(failure);
    }
    let file = open_regular(path).map_err(|error| failed(&error))?;
    if file.metadata().map_err(|error| failed(&error))?.len() == 0 {
        return Err(empty(shown));
    }
    Ok(file)
}

fn streamed(shown: &str, what: &str) -> Failure {
    Failure::new(FailureKind::BadValue, format!("{shown}: {what}, not a file"))
        .hint(format!("pdpr … - < {shown}   prints what it delivers"))
}

fn empty(shown: &str) -> Failure {
    Failure::new(FailureKind::BadValue, format!("{shown}: is empty; an empty document prints nothing"))
}

/// Makes the document that standard input delivers. The spool, which reads it, refuses a pipe that turns out to be empty.
///
/// # Errors
/// Says in the user's words why it cannot be printed.
pub fn standard_input() -> Result<Document, Failure> {
    let failed = |error: &io::Error| Failure::new(FailureKind::Io, format!("standard input: {}", plain(error)));
    let fd = io::stdin().as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
    let mut file = File::from(fd);
    let meta = file.metadata().map_err(|error| failed(&error))?;
    if meta.is_dir() {
        return Err(Failure::new(FailureKind::BadValue, "standard input: is a directory"));
    }
    if meta.is_file() {
        let at = file.stream_position().map_err(|error| failed(&error))?;
        if at >= meta.len() {
            return Err(empty("standard input"));
        }
    }
    let offer = DocumentOffer {
        file_name: RawPath(PathBuf::from("-")),
        transfer: Transfer::Copy,
        link_target: None,
        copies: 1,
        format: None,
    };
    Ok(Document { offer, file: file.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn why(name: &str, cwd: &Path) -> Failure {
        open(OsStr::new(name), false, cwd).unwrap_err()
    }

    #[test]
    fn only_regular_files_with_something_in_them_are_documents() {
        let dir = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&dir.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::fs::write(dir.path().join("empty"), "").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
        let found = ["fifo", "empty", "socket", ".", "nosuch", "/dev/null", ""]
            .map(|name| why(name, dir.path()).message)
            .join("\n");
        insta::assert_snapshot!(found, @r"
        fifo: is a FIFO, not a file
        empty: is empty; an empty document prints nothing
        socket: is a socket
        .: is a directory
        nosuch: No such file or directory
        /dev/null: is a device, not a file
        : is a directory
        ");
        assert_eq!(why("fifo", dir.path()).hints, ["pdpr … - < fifo   prints what it delivers"]);
    }

    #[test]
    fn odd_names_are_kept_and_links_are_absolute_but_not_resolved() {
        let dir = tempfile::tempdir().unwrap();
        let odd = OsStr::from_bytes(b"a b:\n%n\xff");
        std::fs::write(dir.path().join(odd), "x").unwrap();
        std::os::unix::fs::symlink(odd, dir.path().join("to")).unwrap();
        let document = open(odd, false, dir.path()).unwrap();
        assert_eq!(document.offer.file_name.bytes(), b"a b:\n%n\xff");
        assert_eq!(document.offer.link_target, None);
        let linked = open(OsStr::new("./to"), true, dir.path()).unwrap();
        assert_eq!(linked.offer.link_target, Some(RawPath(dir.path().join("to"))));
        assert_eq!(linked.offer.transfer, Transfer::Link);
    }
}
