//! The key of a document, and the key of a server that wraps it.

use std::fmt;
use std::io;

use aes_gcm::aead::stream::NewStream;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};

use super::{Chain, MAGIC};
use crate::model::job::WrappedKey;

/// Octets of a key.
const KEY: usize = 32;
/// Octets by which a wrapped key says which key of a server it needs.
const ID: usize = 8;
/// Octets of a salt.
pub(super) const SALT: usize = 32;
/// The first octet of a wrapped key.
const FORM: u8 = 1;
/// Octets of a wrapped key: form, id, salt, the key and its tag.
const WRAPPED: usize = 1 + ID + SALT + KEY + 16;
const _: () = assert!(WRAPPED == WrappedKey::OCTETS);

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|error| io::Error::other(format!("no random octets: {error}")))?;
    Ok(octets)
}

/// Derives a key for one purpose and one salt.
fn derived(key: &[u8; KEY], purpose: &[u8], salt: &[u8]) -> Key<Aes256Gcm> {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(purpose);
    hasher.update(salt);
    Key::<Aes256Gcm>::from(*hasher.finalize().as_bytes())
}

/// The key of one document. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentKey([u8; KEY]);

impl fmt::Debug for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentKey(..)")
    }
}

impl DocumentKey {
    /// Makes one.
    ///
    /// # Errors
    /// When the kernel gives no random octets.
    pub fn new() -> io::Result<Self> {
        random().map(Self)
    }

    /// Returns the chain of a new file, and the head that begins it.
    pub(super) fn begin(&self) -> io::Result<(Chain, Vec<u8>)> {
        let salt: [u8; SALT] = random()?;
        Ok((self.chain(&salt), [MAGIC.as_slice(), &salt].concat()))
    }

    /// Returns the chain of the file with this salt.
    pub(super) fn chain(&self, salt: &[u8]) -> Chain {
        // Each file has a key of its own, so the part of the nonce that tells files apart says nothing.
        Chain::from_aead(Aes256Gcm::new(&derived(&self.0, b"print file\0", salt)), &Default::default())
    }
}

/// Why a wrapped key was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// It was wrapped by another key.
    OtherKey,
    /// It was altered, or is none.
    Damaged,
}

/// A key of a server. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerKey([u8; KEY]);

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(..)")
    }
}

impl ServerKey {
    /// Reads one: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        let mut key = [0; KEY];
        if digits.len() != 2 * KEY {
            return None;
        }
        for (octet, pair) in key.iter_mut().zip(digits.chunks(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(key))
    }

    /// What says which key this is, and nothing of the key itself.
    fn id(&self) -> [u8; ID] {
        let hash = blake3::keyed_hash(&self.0, b"which key\0");
        let mut id = [0; ID];
        id.copy_from_slice(&hash.as_bytes()[..ID]);
        id
    }

    /// Wraps the key of a document.
    ///
    /// # Errors
    /// When the kernel gives no random octets.
    pub fn wrap(&self, key: &DocumentKey) -> io::Result<WrappedKey> {
        let salt: [u8; SALT] = random()?;
        let id = self.id();
        // A key for each salt, used once: its nonce need not differ.
        let cipher = Aes256Gcm::new(&derived(&self.0, b"document key\0", &salt));
        let payload = Payload { msg: &key.0, aad: &id };
        let sealed =
            cipher.encrypt(&Nonce::default(), payload).map_err(|_| io::Error::other("a key is not wrapped"))?;
        Ok(WrappedKey([[FORM].as_slice(), &id, &salt, &sealed].concat()))
    }

    /// Opens a wrapped key.
    ///
    /// # Errors
    /// When another key wrapped it, or it is damaged.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<DocumentKey, Unopened> {
        let octets = &wrapped.0;
        if octets.len() != WRAPPED || octets.first() != Some(&FORM) {
            return Err(Unopened::Damaged);
        }
        let (id, rest) = octets[1..].split_at(ID);
        if id != self.id() {
            return Err(Unopened::OtherKey);
        }
        let (salt, sealed) = rest.split_at(SALT);
        let cipher = Aes256Gcm::new(&derived(&self.0, b"document key\0", salt));
        let key = cipher.decrypt(&Nonce::default(), Payload { msg: sealed, aad: id });
        let key = key.ok().and_then(|key| key.try_into().ok());
        key.map(DocumentKey).ok_or(Unopened::Damaged)
    }
}
