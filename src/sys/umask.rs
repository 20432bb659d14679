//! The umask: the programs have one of their own, which takes everything from others.
//!
//! What a spool makes has explicit permissions. The umask of whoever typed a command would take our own rights away
//! (0177), or leave to others what a library makes without asking (0). Only a file that the user himself named, such as
//! `--out`, is made as his shell would make it.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::OnceLock;

use nix::sys::stat::{Mode, umask};

/// What the starter of this program had.
static USUAL: OnceLock<u32> = OnceLock::new();

/// Keeps from others what this program makes from now on. To be called first in a program: the umask is that of all
/// threads.
pub fn keep_private() {
    let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let _ = USUAL.set(before.bits());
}

/// Opens a file of the user for appending. One that is missing is made with the permissions that his umask leaves.
///
/// # Errors
/// When it cannot be opened or made.
pub fn append_as_usual(path: &Path) -> io::Result<File> {
    let Some(usual) = USUAL.get() else { return OpenOptions::new().append(true).create(true).open(path) };
    let mode = 0o666 & !usual;
    match OpenOptions::new().append(true).create_new(true).mode(mode).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        }
        // It is there, or a link has the name, which may lead to nothing yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().append(true).create(true).open(path)
        }
        Err(error) => Err(error),
    }
}
