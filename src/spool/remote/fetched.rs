//! Print files of other servers: read where they are, or fetched while they print.
//!
//! States of a fetched file: `NAME.N.part` while it arrives, N of each fetch its own → `NAME`, when all of it is there and its digest is right → gone, as
//! soon as the job leaves its device. A crash leaves either of them, and a power loss a `NAME` that is not whole: nobody trusts one
//! that he did not have fetched himself, unless its digest is right. [`Spool::sweep_fetched`] removes what no device prints,
//! at the start of a server and whenever it looks after the print processes.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;

use crate::documents::{DocumentKey, Sealer};
use crate::model::Call;
use crate::model::job::{Identity, WrappedKey};
use crate::model::remote::DocumentOrigin;
use crate::store::{self, Fallible};
use crate::sys::files;

use crate::spool::Spool;
use crate::spool::disk::document_key::open_key;

/// Octets of the longest id of a spool that is looked at.
const LONGEST_ID: u64 = 256;

/// What follows the name of a file that still arrives.
pub const PART: &str = ".part";

/// Opens the file of another server in place, where this process can read it and it is proved to be that file: by the id of the
/// spool in whose directory it lies, its inode, its size and its time. Device numbers differ between hosts. The caller checks
/// the digest.
///
/// Can a server have a file printed here that it may not read itself? No: the digest of what is printed comes from it, so it
/// knows the octets. A symbolic link is never followed, and a file with a second name is not used.
pub fn open_in_place(origin: &DocumentOrigin, known: &Identity) -> io::Result<Option<(File, Identity)>> {
    let Some(dir) = origin.path.0.parent() else { return Ok(None) };
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut proof = String::new();
    let read = File::options().read(true).custom_flags(flags).open(dir.join(".spool-id"));
    let read = read.and_then(|file| file.take(LONGEST_ID).read_to_string(&mut proof));
    if read.is_err() || proof.trim() != origin.spool || origin.spool.is_empty() {
        return Ok(None);
    }
    let file = match File::options().read(true).custom_flags(flags).open(&origin.path.0) {
        Ok(file) => file,
        Err(_) => return Ok(None),
    };
    let meta = file.metadata()?;
    if !meta.is_file() || meta.nlink() != 1 {
        return Ok(None);
    }
    let now = files::identity(&file)?;
    let same = (now.ino, now.size, now.mtime_ns) == (known.ino, known.size, known.mtime_ns);
    Ok(same.then_some((file, now)))
}

/// Erases a fetched file. What arrives is erased by the fetch that waits for it.
pub fn erase(path: &Path) {
    debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
    // What stays is swept.
    let _ = std::fs::remove_file(path);
}

/// A file that is being fetched. It is encrypted where it is at its own server, so that it lies nowhere in clear.
#[derive(Debug)]
pub struct Receiving {
    file: File,
    key: Option<DocumentKey>,
    sealer: Option<Sealer<File>>,
}

impl Receiving {
    /// Makes it, encrypted where there is a key.
    ///
    /// # Errors
    /// When it cannot be made, or the key cannot be opened.
    pub fn create(path: &Path, sealed: Option<&WrappedKey>) -> io::Result<Self> {
        let key = sealed.map(|sealed| open_key(path, sealed)).transpose();
        let key = key.map_err(|why| io::Error::other(why.to_string()))?;
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let mut receiving = Self { file, key, sealer: None };
        receiving.begin().inspect_err(|_| drop(std::fs::remove_file(path)))?;
        Ok(receiving)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.sealer = match &self.key {
            Some(key) => Some(Sealer::begin(self.file.try_clone()?, key)?),
            None => None,
        };
        Ok(())
    }

    /// Begins again. An encrypted one gets a new salt, for other octets may come.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        io::Seek::rewind(&mut self.file)?;
        self.begin()
    }

    /// Writes the end of an encrypted one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.sealer.take().map_or(Ok(()), |sealer| sealer.finish().map(drop))
    }
}

impl Write for Receiving {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.sealer {
            Some(sealer) => sealer.write(octets),
            None => self.file.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Returns the name of the file to which a name belongs, and whether that one still arrives.
fn whole_of(name: &str) -> (&str, bool) {
    match name.strip_suffix(PART).and_then(|name| name.rsplit_once('.')) {
        Some((whole, _)) => (whole, true),
        None => (name, false),
    }
}

impl Spool {
    /// Removes fetched files that no device prints, and, where nothing is being fetched, those that never arrived. Returns how many.
    ///
    /// # Errors
    /// When the spool cannot be read. An unreadable directory is no error: there is nothing to remove.
    pub fn sweep_fetched(&self, is_fetching: bool) -> Fallible<usize> {
        let dir = self.base().pulled(self.server());
        let Ok(found) = std::fs::read_dir(&dir) else { return Ok(0) };
        let names: Vec<String> = found.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        let mut removed = 0;
        for name in names {
            let (whole, arrives) = whole_of(&name);
            let whole = format!("{}{whole}", store::tally::PULLED);
            // Is one removed that a device is just about to print? No: it was claimed before it was fetched.
            if (arrives && !is_fetching)
                || !self.look(&Call::timeless(), |tx| store::remote::is_in_print(tx, &whole))?
            {
                removed += usize::from(std::fs::remove_file(dir.join(&name)).is_ok());
            }
        }
        Ok(removed)
    }

    /// Returns how many files are fetched at the moment, and their octets.
    pub fn fetched(&self) -> (u64, u64) {
        let Ok(found) = std::fs::read_dir(self.base().pulled(self.server())) else { return (0, 0) };
        found
            .filter_map(|entry| entry.ok()?.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .fold((0, 0), |(n, octets), meta| (n + 1, octets + meta.len()))
    }
}
