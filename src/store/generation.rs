//! The mark of the last commit, and the file beside the print files that keeps it.
//!
//! Every transaction that changes something counts `spool.generation` up and, once it is committed, writes the new mark
//! into `<server>/.generation`. That write is not synced: after a power loss the file may be older than the database, or
//! torn. Neither does harm, because only a mark that is *ahead* of the database says something: the database is an older
//! one than the print files have seen. It was restored from a backup, or its log is missing.
//!
//! Readers look at the file first and at the database afterwards: in that order a commit in between makes the database
//! the newer of the two.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::value::columns;
use super::{Fallible, Row, Tx};
use crate::model::Failure;
use crate::sys::own_file;

/// What the database had counted to when a transaction was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Transactions so far.
    pub generation: u64,
    /// The job number that was given last.
    pub number: u32,
    /// The ten-digit number that was given last.
    pub serial: u64,
    /// The number of the arrival sequence that was given last.
    pub sequence: u64,
}

/// The first word of the file.
const MAGIC: &str = "spoolsuite-generation";
/// The most octets that are read of it. All of them lie in one sector, which a disk writes whole or not at all.
const LONGEST: u64 = 256;

impl Mark {
    /// Returns the line that is kept in the file. Its length is always the same, so that a new mark covers the old one.
    fn line(&self) -> String {
        let text =
            format!("{MAGIC} 1 {:020} {:010} {:020} {:020}", self.generation, self.number, self.serial, self.sequence);
        let check = blake3::hash(text.as_bytes()).to_hex();
        format!("{text} {}\n", &check[..16])
    }

    /// Reads such a line. None when it is torn, or none at all.
    fn parse(line: &str) -> Option<Self> {
        let (text, check) = line.trim_end().rsplit_once(' ')?;
        if blake3::hash(text.as_bytes()).to_hex()[..16] != *check {
            return None;
        }
        let mut words = text.split(' ');
        if words.next() != Some(MAGIC) || words.next() != Some("1") {
            return None;
        }
        let mut next = || words.next()?.parse::<u64>().ok();
        Some(Self { generation: next()?, number: u32::try_from(next()?).ok()?, serial: next()?, sequence: next()? })
    }

    /// Reads the file at `path`. A file that is missing or torn holds no mark.
    pub fn read(path: &Path) -> Option<Self> {
        use std::io::Read;
        let mut text = String::new();
        own_file::open_to_read(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
        Self::parse(&text)
    }

    /// Writes the mark over what stands in the file at `path`.
    ///
    /// # Errors
    /// When it cannot be written. The mark that stands there is then older than the database, which does no harm.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let file = own_file::open(path, File::options().write(true).create(true).truncate(false).mode(0o600))?;
        file.write_all_at(self.line().as_bytes(), 0)
    }
}

columns!(at { generation, last_number, last_serial, last_sequence });

fn read(row: &Row<'_>) -> Fallible<Mark> {
    Ok(Mark {
        generation: row.get(at::generation)?,
        number: row.get(at::last_number)?,
        serial: row.get(at::last_serial)?,
        sequence: row.get(at::last_sequence)?,
    })
}

/// Returns the mark of the database.
pub(crate) fn of(tx: &Tx<'_>) -> Fallible<Mark> {
    let found = tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", at::LIST), &[], read)?;
    found.ok_or_else(|| Failure::internal("the spool has no row"))
}

const COUNT: &str = "UPDATE spool SET generation = generation + 1 WHERE id = 1
     RETURNING generation, last_number, last_serial, last_sequence";

/// Counts one more transaction, inside it. None in a database that holds no spool yet.
pub(super) fn count(tx: &Tx<'_>) -> Fallible<Option<Mark>> {
    debug_assert!(COUNT.ends_with(at::LIST));
    tx.one(COUNT, &[], read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark { generation: 7, number: 9_999_999, serial: 1_795_251_600, sequence: u64::MAX };

    #[test]
    fn a_mark_is_read_back_and_a_new_one_covers_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".generation");
        assert_eq!(Mark::read(&path), None);
        MARK.write(&path).unwrap();
        assert_eq!(Mark::read(&path), Some(MARK));
        let next = Mark { generation: 8, number: 1, ..MARK };
        next.write(&path).unwrap();
        assert_eq!(Mark::read(&path), Some(next));
        assert_eq!(std::fs::metadata(&path).unwrap().len() as usize, MARK.line().len());
        assert!(MARK.line().len() as u64 <= LONGEST);
    }

    #[test]
    fn a_torn_mark_is_none() {
        let line = MARK.line();
        for end in 0..line.len() - 1 {
            assert_eq!(Mark::parse(&line[..end]), None, "{end}");
            let mut zeros = line.clone().into_bytes();
            zeros[end..].fill(0);
            assert_eq!(Mark::parse(&String::from_utf8(zeros).unwrap()), None, "{end}");
        }
        for at in 0..line.len() - 1 {
            let mut flipped = line.clone().into_bytes();
            flipped[at] ^= 1;
            assert_eq!(Mark::parse(&String::from_utf8_lossy(&flipped)), None, "{at}");
        }
    }
}
