//! The key of a spool for what is kept of cards and shown of owners: 32 random octets, in a file of its own beside the print files.
//!
//! The database has keyed hashes of the numbers of cards alone. Whoever has the database, or a backup of it, and not this file can
//! neither find out a number by trying all of them, nor tell who is behind the name that a station shows.
//!
//! How it comes into being: [`key_file`].

use std::io;
use std::path::Path;

use crate::spool::Spool;
use crate::spool::disk::key_file;
use crate::spool::disk::refusals::io_failure;
use crate::store::Fallible;

/// Octets of the key.
const OCTETS: usize = 32;

/// What a hash is for: the same text gives another one for each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The number of a card.
    Card,
    /// The name that a station shows of the owner of a job.
    PublicName,
}

impl Purpose {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Card => b"card\0",
            Self::PublicName => b"public name\0",
        }
    }
}

/// The key of a spool. It is never shown.
pub(super) struct SiteKey([u8; OCTETS]);

impl SiteKey {
    /// Returns the keyed hash of `text`, in hexadecimal digits.
    pub(super) fn hash(&self, purpose: Purpose, text: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(purpose.word());
        hasher.update(text.as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

fn parse(text: &str) -> Option<SiteKey> {
    let digits = text.trim_end().as_bytes();
    let mut key = [0; OCTETS];
    if digits.len() != 2 * OCTETS {
        return None;
    }
    for (octet, pair) in key.iter_mut().zip(digits.chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(SiteKey(key))
}

/// Reads the key; none where there is no file.
fn read(path: &Path) -> io::Result<Option<SiteKey>> {
    key_file::read(path)?.map(|text| parse(&text).ok_or_else(key_file::no_key)).transpose()
}

impl Spool {
    /// Returns the key of this spool; it is made where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub(super) fn site_key(&self) -> Fallible<SiteKey> {
        let path = self.base().card_key(self.server());
        let failed = |error: io::Error| io_failure(&path, &error);
        if let Some(key) = read(&path).map_err(failed)? {
            return Ok(key);
        }
        key_file::make(&path).map_err(failed)?;
        read(&path).map_err(failed)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_each_purpose_hashes_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".card-key");
        assert!(read(&path).unwrap().is_none());
        key_file::make(&path).unwrap();
        let first = read(&path).unwrap().unwrap();
        let second = read(&path).unwrap().unwrap();
        let hash = first.hash(Purpose::Card, "04A2B3C4");
        assert_eq!(hash, second.hash(Purpose::Card, "04A2B3C4"));
        assert_ne!(hash, first.hash(Purpose::PublicName, "04A2B3C4"));
        assert_ne!(hash, first.hash(Purpose::Card, "04A2B3C5"));
        std::fs::write(&path, "no key").unwrap();
        assert!(read(&path).is_err());
    }
}
