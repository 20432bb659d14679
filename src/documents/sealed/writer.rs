//! Writing a sealed file.

use std::io::{self, Write};

use aes_gcm::aead::stream::StreamPrimitive;

use super::{CHUNK, Chain, DocumentKey, TAG};

/// Seals what is written to it. Without [`Sealer::finish`] the file has no end, and nobody takes it for whole.
///
/// A chunk goes out when it is full and more follows, because each says whether it is the last one.
pub struct Sealer<W> {
    out: W,
    chain: Chain,
    number: u32,
    chunk: Vec<u8>,
    octets: u64,
}

impl<W> std::fmt::Debug for Sealer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("octets", &self.octets).finish_non_exhaustive()
    }
}

impl<W: Write> Sealer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When its head cannot be written.
    pub fn begin(mut out: W, key: &DocumentKey) -> io::Result<Self> {
        let (chain, head) = key.begin()?;
        out.write_all(&head)?;
        Ok(Self { out, chain, number: 0, chunk: Vec::with_capacity(CHUNK + TAG), octets: 0 })
    }

    /// Where it writes.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// How many octets of the document it was given.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.chain.encrypt_in_place(self.number, last, b"", &mut self.chunk);
        sealed.map_err(|_| io::Error::other("a chunk is not encrypted"))?;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number = self.number.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(())
    }

    /// Writes the last chunk, and returns where it wrote.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if octets.is_empty() {
            return Ok(0);
        }
        if self.chunk.len() == CHUNK {
            self.seal(false)?;
        }
        let taken = octets.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&octets[..taken]);
        self.octets += taken as u64;
        Ok(taken)
    }

    /// What is no whole chunk yet stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
