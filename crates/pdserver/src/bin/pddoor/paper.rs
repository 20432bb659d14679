//! A file for octets that arrive: it takes no more of them than the spool can spare.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use spoolsuite::sys::files;

/// After so many octets it is seen whether there is room for more.
const LOOK: usize = 1 << 20;
/// After so many octets the kernel is told to begin to write them to the disk, so that the disk works while the rest arrives.
const AHEAD: u64 = 8 << 20;

/// An empty file on the file system of the spool.
pub struct Paper {
    file: File,
    /// Octets that must stay free there.
    least_free: Option<u64>,
    until_a_look: usize,
    written: u64,
    /// Octets of which the kernel was told.
    begun: u64,
}

impl Paper {
    /// A file that leaves `least_free` octets free.
    pub fn new(file: File, least_free: Option<u64>) -> Self {
        Self { file, least_free, until_a_look: LOOK, written: 0, begun: 0 }
    }
}

impl Write for Paper {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.until_a_look == 0 {
            self.until_a_look = LOOK;
            let is_low = |least| files::free_beside(&self.file).is_ok_and(|free| free < least);
            if self.least_free.is_some_and(is_low) {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        let n = self.file.write(octets.get(..octets.len().min(self.until_a_look)).unwrap_or_default())?;
        self.until_a_look -= n;
        self.written += n as u64;
        if self.written - self.begun >= AHEAD {
            files::begin_to_write(&self.file, self.begun, self.written - self.begun);
            self.begun = self.written;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl From<Paper> for OwnedFd {
    fn from(paper: Paper) -> Self {
        paper.file.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_no_more_than_can_be_spared() {
        let file = || File::options().write(true).open(tempfile::NamedTempFile::new().unwrap().path()).unwrap();
        let octets = vec![b'x'; 3 * LOOK];
        assert!(Paper::new(file(), Some(0)).write_all(&octets).is_ok());
        assert!(Paper::new(file(), None).write_all(&octets).is_ok());
        let mut full = Paper::new(file(), Some(u64::MAX));
        assert_eq!(full.write_all(&octets).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(full.file.metadata().unwrap().len(), LOOK as u64, "what came before a look is there");
    }
}
