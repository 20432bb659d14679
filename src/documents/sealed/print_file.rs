//! A print file, sealed or not: what reads and writes one need not know.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{DocumentKey, SealedFile, Sealer};
use crate::documents::ReadAt;
use crate::sys::files::{file_in_memory, read_full_at};

/// Octets of the encrypted documents that the programs of one process may have as files in memory, all together.
pub const MOST_IN_MEMORY: u64 = 1 << 30;

/// How many they have.
static IN_MEMORY: AtomicU64 = AtomicU64::new(0);

/// An encrypted document as a file in memory that a program may read. Its share of [`MOST_IN_MEMORY`] is free again when this is gone.
#[derive(Debug)]
pub struct InMemory {
    file: File,
    _share: Share,
}

impl AsRef<File> for InMemory {
    fn as_ref(&self) -> &File {
        &self.file
    }
}

#[derive(Debug)]
struct Share(u64);

impl Share {
    fn take(octets: u64) -> Option<Self> {
        let more = |taken: u64| taken.checked_add(octets).filter(|all| *all <= MOST_IN_MEMORY);
        IN_MEMORY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Self(octets))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        IN_MEMORY.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Says that encrypted documents are too large to be given to a program.
pub fn too_large() -> io::Error {
    let why =
        format!("encrypted documents of one job that a program reads may have {} MiB together", MOST_IN_MEMORY >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

/// A print file that is open for reading.
#[derive(Debug)]
pub enum PrintFile {
    /// Its octets are those of the document.
    Clear(File),
    /// It is encrypted.
    Sealed(Box<SealedFile>),
}

impl From<File> for PrintFile {
    fn from(file: File) -> Self {
        Self::Clear(file)
    }
}

impl PrintFile {
    /// Opens one whose document has `octets`: sealed with `key`, or in clear where there is none.
    ///
    /// # Errors
    /// When it is to be sealed, and is not, or has another length.
    pub fn open(file: File, key: Option<&DocumentKey>, octets: u64) -> io::Result<Self> {
        Ok(match key {
            None => Self::Clear(file),
            Some(key) => Self::Sealed(Box::new(SealedFile::open(file, key, octets)?)),
        })
    }

    /// The file whose octets are those of the document; none where it is encrypted.
    pub fn clear(&self) -> Option<&File> {
        match self {
            Self::Clear(file) => Some(file),
            Self::Sealed(_) => None,
        }
    }

    /// Returns how many octets of memory [`Self::in_memory`] takes.
    ///
    /// # Errors
    /// When the document cannot be read.
    pub fn memory_needed(&self) -> io::Result<u64> {
        match self {
            Self::Clear(_) => Ok(0),
            Self::Sealed(file) => file.size(),
        }
    }

    /// Returns what a program may read that is to have the document as a file: of an encrypted one a copy in memory, which is gone when
    /// nobody has it open. None where the file itself is that already.
    ///
    /// # Errors
    /// When the document cannot be read, or is too large (`FileTooLarge`), or the memory for such documents is taken by others now
    /// (`ENOMEM`).
    pub fn in_memory(&self) -> io::Result<Option<InMemory>> {
        let Self::Sealed(file) = self else { return Ok(None) };
        let octets = file.size()?;
        if octets > MOST_IN_MEMORY {
            return Err(too_large());
        }
        let share = Share::take(octets).ok_or_else(|| io::Error::from_raw_os_error(nix::libc::ENOMEM))?;
        let mut copy = file_in_memory()?;
        let mut buffer = vec![0; super::CHUNK];
        let mut at = 0;
        loop {
            match file.read_at(&mut buffer, at)? {
                0 if at == octets => break,
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    copy.write_all(&buffer[..n])?;
                    at += n as u64;
                }
            }
        }
        io::Seek::rewind(&mut copy)?;
        Ok(Some(InMemory { file: copy, _share: share }))
    }

    /// Returns how many octets of the document are there, where it may still be written.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn there(&self) -> io::Result<u64> {
        match self {
            Self::Clear(file) => Ok(file.metadata()?.len()),
            Self::Sealed(file) => file.there(),
        }
    }
}

impl ReadAt for PrintFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Clear(file) => read_full_at(file, buffer, offset),
            Self::Sealed(file) => file.read_at(buffer, offset),
        }
    }

    fn size(&self) -> io::Result<u64> {
        match self {
            Self::Clear(file) => file.size(),
            Self::Sealed(file) => file.size(),
        }
    }
}

/// A file that is being written: sealed, or in clear.
#[derive(Debug)]
pub enum PrintWriter {
    /// Its octets are those of the document.
    Clear(File),
    /// It is encrypted.
    Sealed(Box<Sealer<File>>, DocumentKey),
}

impl PrintWriter {
    /// Begins one: sealed with `key`, or in clear where there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(file: File, key: Option<&DocumentKey>) -> io::Result<Self> {
        Ok(match key {
            None => Self::Clear(file),
            Some(key) => Self::Sealed(Box::new(Sealer::begin(file, key)?), key.clone()),
        })
    }

    /// Ends it, and opens it for reading.
    ///
    /// # Errors
    /// When its end cannot be written.
    pub fn finish(self) -> io::Result<PrintFile> {
        Ok(match self {
            Self::Clear(file) => PrintFile::Clear(file),
            Self::Sealed(sealer, key) => {
                let octets = sealer.octets();
                PrintFile::Sealed(Box::new(SealedFile::open(sealer.finish()?, &key, octets)?))
            }
        })
    }
}

impl Write for PrintWriter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(file) => file.write(octets),
            Self::Sealed(sealer, _) => sealer.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(file) => file.flush(),
            Self::Sealed(sealer, _) => sealer.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_share_the_memory_for_encrypted_documents() {
        // Other tests need little at the same time.
        let most = Share::take(MOST_IN_MEMORY - (8 << 20)).unwrap();
        assert!(Share::take(9 << 20).is_none());
        drop(most);
        assert!(Share::take(9 << 20).is_some());
        assert!(Share::take(u64::MAX).is_none());
    }
}
