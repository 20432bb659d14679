//! Encrypting a print file that lies in clear.
//!
//! States: the file in clear → beside it an encrypted copy without a name → the same under a name of its own, locked, and on disk → one
//! transaction gives its name and its key to the document → the file in clear is erased. A crash before the commit leaves an orphan
//! that is encrypted, one after it an orphan in clear; the sweep removes either.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::documents::Sealer;
use crate::model::job::{Identity, WrappedKey};
use crate::sys::files::{Unnamed, identity, read_full_at, sync_dir};
use crate::sys::lock::FileLock;

use super::document_key;
use super::spares::store_name;

/// Octets read at once.
const STEP: usize = 256 * 1024;

/// An encrypted copy of a print file, on disk. The sweep does not take it while this is there.
#[derive(Debug)]
pub struct SealedCopy {
    /// Its name in the directory of the server.
    pub store_name: String,
    /// What it is. Its size is that of the document.
    pub identity: Identity,
    /// Its key.
    pub key: WrappedKey,
    _locked: File,
}

/// Makes an encrypted copy of a file of `octets`, which have this digest where it is known.
///
/// # Errors
/// When it cannot be read or written, or is not what was accepted. Nothing is left then.
pub fn seal(dir: &Path, file: &File, octets: u64, digest: Option<[u8; 32]>) -> io::Result<SealedCopy> {
    debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
    let (key, wrapped) = document_key::new_key(dir)?;
    let mut copy = loop {
        let copy = Unnamed::create(dir)?;
        if FileLock::mark(&copy.file)? {
            break copy;
        }
    };
    let (mut hasher, mut buffer, mut at) = (blake3::Hasher::new(), vec![0; STEP], 0);
    let mut sealer = Sealer::begin(&copy.file, &key)?;
    loop {
        match read_full_at(file, &mut buffer, at)? {
            0 => break,
            n => {
                hasher.update(&buffer[..n]);
                sealer.write_all(&buffer[..n])?;
                at += n as u64;
            }
        }
    }
    sealer.finish()?;
    if at != octets || digest.is_some_and(|digest| digest != *hasher.finalize().as_bytes()) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not what was accepted"));
    }
    let name = loop {
        let name = store_name()?;
        match copy.name(dir, &name) {
            Ok(()) => break name,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    };
    let on_disk = copy.file.sync_all().and_then(|()| sync_dir(dir)).and_then(|()| {
        let identity = Identity { size: octets, ..identity(&copy.file)? };
        Ok((identity, copy.file.try_clone()?))
    });
    let (identity, locked) = on_disk.inspect_err(|_| drop(std::fs::remove_file(dir.join(&name))))?;
    Ok(SealedCopy { store_name: name, identity, key: wrapped, _locked: locked })
}
