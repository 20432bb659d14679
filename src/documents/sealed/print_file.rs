//! A print file, sealed or not: what reads and writes one need not know.

use std::fs::File;
use std::io::{self, Write};

use super::{DocumentKey, SealedFile, Sealer};
use crate::documents::ReadAt;
use crate::sys::files::{file_in_memory, read_full_at};

/// Octets of the largest encrypted document that is given to a program.
const MOST_IN_MEMORY: u64 = 1 << 30;

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

    /// Returns what a program may read that is to have the document as a file: of an encrypted one a copy in memory, which is gone when
    /// nobody has it open. None where the file itself is that already.
    ///
    /// # Errors
    /// When the document cannot be read, or is too large.
    pub fn in_memory(&self) -> io::Result<Option<File>> {
        let Self::Sealed(file) = self else { return Ok(None) };
        if file.size()? > MOST_IN_MEMORY {
            let why = format!("it is encrypted, and has more than {MOST_IN_MEMORY} octets");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let mut copy = file_in_memory()?;
        let mut buffer = vec![0; super::CHUNK];
        let mut at = 0;
        loop {
            match file.read_at(&mut buffer, at)? {
                0 if at == file.size()? => break,
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    copy.write_all(&buffer[..n])?;
                    at += n as u64;
                }
            }
        }
        io::Seek::rewind(&mut copy)?;
        Ok(Some(copy))
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
