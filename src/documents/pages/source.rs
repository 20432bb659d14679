//! Octets that are read where a finder wants them.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;

use crate::sys::files::read_full_at;

/// Something whose octets can be read anywhere: a file, or what lies in memory.
pub trait ReadAt {
    /// Reads as many octets at `offset` as there are and fit.
    ///
    /// # Errors
    /// When reading fails.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Its size in octets.
    ///
    /// # Errors
    /// When it is not known.
    fn size(&self) -> io::Result<u64>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_full_at(self, buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(rest) = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)) else {
            return Ok(0);
        };
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

/// Why a finder does not know.
#[derive(Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is not there, not whole, or not as the format has it: another way to it may still work.
    Broken,
    /// It is encrypted, or uses something that the finder does not read.
    Beyond,
    /// Looking further would cost more than a count is worth.
    TooMuch,
}

/// What a finder returns.
pub type Finding<T> = Result<T, Unknown>;

/// Octets of one block.
const BLOCK: usize = 16 * 1024;
/// Blocks that are kept.
const KEPT: usize = 64;

/// A source of which the last blocks are kept, and whose use is counted.
pub struct Window<'a> {
    source: &'a dyn ReadAt,
    size: u64,
    work: Cell<u64>,
    blocks: RefCell<Vec<(u64, Vec<u8>)>>,
}

impl<'a> Window<'a> {
    /// One that may do so much work: octets that are read, parsed or inflated.
    ///
    /// # Errors
    /// When the size of the source is not known.
    pub fn new(source: &'a dyn ReadAt, work: u64) -> Finding<Self> {
        let size = source.size().map_err(|_| Unknown::Broken)?;
        Ok(Self { source, size, work: Cell::new(work), blocks: RefCell::default() })
    }

    /// Octets of the source.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes `octets` from what may still be done.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn spend(&self, octets: usize) -> Finding<()> {
        let left = self.work.get().checked_sub(octets as u64).ok_or(Unknown::TooMuch)?;
        self.work.set(left);
        Ok(())
    }

    /// Up to `length` octets at `offset`; fewer at the end of the source.
    ///
    /// # Errors
    /// When they cannot be read, or too much work was done.
    pub fn read(&self, offset: u64, length: usize) -> Finding<Vec<u8>> {
        let length = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX).min(length);
        self.spend(length)?;
        let mut octets = Vec::with_capacity(length);
        if length > 4 * BLOCK {
            octets.resize(length, 0);
            let n = self.source.read_at(&mut octets, offset).map_err(|_| Unknown::Broken)?;
            octets.truncate(n);
            return Ok(octets);
        }
        let mut blocks = self.blocks.borrow_mut();
        while octets.len() < length {
            let at = offset + octets.len() as u64;
            let number = at / BLOCK as u64;
            let place = match blocks.iter().rposition(|(kept, _)| *kept == number) {
                Some(place) => place,
                None => {
                    let mut block = vec![0; BLOCK];
                    let n = self.source.read_at(&mut block, number * BLOCK as u64).map_err(|_| Unknown::Broken)?;
                    block.truncate(n);
                    if blocks.len() == KEPT {
                        blocks.remove(0);
                    }
                    blocks.push((number, block));
                    blocks.len() - 1
                }
            };
            let block = &blocks[place].1;
            let from = (at % BLOCK as u64) as usize;
            let to = block.len().min(from + length - octets.len());
            // The file has become shorter meanwhile.
            let part = block.get(from..to).filter(|part| !part.is_empty()).ok_or(Unknown::Broken)?;
            octets.extend_from_slice(part);
        }
        Ok(octets)
    }
}

/// Goes through `source` from `offset` in pieces of up to 256 KiB, until `see` has had enough or the end comes.
///
/// # Errors
/// When reading fails, or `see` does.
pub fn walk(source: &dyn ReadAt, mut offset: u64, mut see: impl FnMut(&[u8]) -> Finding<()>) -> Finding<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let n = source.read_at(&mut buffer, offset).map_err(|_| Unknown::Broken)?;
        if n == 0 {
            return Ok(());
        }
        see(&buffer[..n])?;
        offset += n as u64;
    }
}
