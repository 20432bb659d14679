//! Reading a sealed file, anywhere in it.

use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

use aes_gcm::aead::stream::StreamPrimitive;

use super::{CHUNK, Chain, DocumentKey, HEAD, MAGIC, TAG, damaged, sealed_size, whole_chunks};
use crate::documents::ReadAt;
use crate::sys::files::read_full_at;

/// A sealed file that is open. It gives the octets of the document; the chunk that was read last is kept.
pub struct SealedFile {
    file: File,
    chain: Chain,
    octets: u64,
    /// The number of the chunk that was read last, and what it holds.
    last: Mutex<Option<(u64, Vec<u8>)>>,
}

impl std::fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedFile").field("file", &self.file).field("octets", &self.octets).finish_non_exhaustive()
    }
}

impl SealedFile {
    /// Opens a whole file whose document has `octets`.
    ///
    /// # Errors
    /// When it cannot be read, is no sealed file, or has another length: it was cut off or added to.
    pub fn open(file: File, key: &DocumentKey, octets: u64) -> io::Result<Self> {
        let size = file.metadata()?.len();
        if size != sealed_size(octets) {
            return Err(damaged(&format!("it has {size} octets instead of {}", sealed_size(octets))));
        }
        Self::open_arriving(file, key, octets)
    }

    /// Opens a file of which more may follow, until its document has `octets`.
    ///
    /// # Errors
    /// When its head cannot be read, or is none.
    pub fn open_arriving(file: File, key: &DocumentKey, octets: u64) -> io::Result<Self> {
        let mut head = [0; HEAD];
        let n = read_full_at(&file, &mut head, 0)?;
        let salt = head[..n].strip_prefix(MAGIC).filter(|_| n == HEAD).ok_or_else(|| damaged("it has no head"))?;
        Ok(Self { chain: key.chain(salt), file, octets, last: Mutex::new(None) })
    }

    /// The file itself.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns how many octets of the document are there.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn there(&self) -> io::Result<u64> {
        let size = self.file.metadata()?.len();
        Ok(if size >= sealed_size(self.octets) { self.octets } else { whole_chunks(size).min(self.octets) })
    }

    /// Returns the number of the last chunk.
    fn last_chunk(&self) -> u64 {
        self.octets.saturating_sub(1) / CHUNK as u64
    }

    /// Reads a chunk. It is empty where the file does not reach so far.
    fn chunk(&self, number: u64) -> io::Result<Vec<u8>> {
        // Of one that arrives the next chunk may be half there.
        if self.there()? <= number * CHUNK as u64 {
            return Ok(Vec::new());
        }
        let mut chunk = vec![0; CHUNK + TAG];
        let at = HEAD as u64 + number * (CHUNK + TAG) as u64;
        let n = read_full_at(&self.file, &mut chunk, at)?;
        chunk.truncate(n);
        if chunk.is_empty() {
            return Ok(chunk);
        }
        let position = u32::try_from(number).map_err(|_| damaged("it has too many chunks"))?;
        let opened = self.chain.decrypt_in_place(position, number == self.last_chunk(), b"", &mut chunk);
        opened.map_err(|_| damaged(&format!("chunk {number} is not what was written")))?;
        Ok(chunk)
    }
}

impl ReadAt for SealedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset.saturating_add(filled as u64);
            if at >= self.octets {
                break;
            }
            let (number, within) = (at / CHUNK as u64, (at % CHUNK as u64) as usize);
            if last.as_ref().is_none_or(|(known, _)| *known != number) {
                *last = None;
                *last = Some((number, self.chunk(number)?));
            }
            let Some(rest) = last.as_ref().and_then(|(_, chunk)| chunk.get(within..)).filter(|rest| !rest.is_empty())
            else {
                // What has not arrived yet may do so later.
                *last = None;
                break;
            };
            let n = rest.len().min(buffer.len() - filled);
            buffer[filled..filled + n].copy_from_slice(&rest[..n]);
            filled += n;
        }
        Ok(filled)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.octets)
    }
}
