//! Print files that are encrypted on disk: a key for each file, a chain of chunks, and a reader that finds its way in them.
//!
//! A sealed file is a head and chunks of [`CHUNK`] octets, each with a tag; the last one may be shorter. The chunks are those of the
//! STREAM construction over AES-256-GCM: the nonce of each holds its number and whether it is the last one. So a chunk that was
//! altered, moved, left out or taken from another file, and a file that was cut off between two chunks, is an error before an octet of that
//! chunk is given to anybody. Because each chunk stands for itself, reading may begin anywhere.
//!
//! The head holds a magic and a random salt. What encrypts the chunks is derived from the key of the document and the salt: one
//! key may seal several files (a fetch that begins anew) and no nonce is ever used twice.
//!
//! The key of a document is random, and lies in its row, wrapped by the key of the server ([`ServerKey`]), which lies in a file of its
//! own. Without that file nobody reads the document, and when the row is gone nobody does, whatever is left on the disk.

mod keys;
mod print_file;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use keys::{DocumentKey, ServerKey, Unopened};
pub use print_file::{InMemory, MOST_IN_MEMORY, PrintFile, PrintWriter, too_large};
pub use reader::SealedFile;
pub use writer::Sealer;

use std::io;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::stream::StreamBE32;

/// Octets of a document in one chunk.
pub const CHUNK: usize = 64 * 1024;
/// Octets that a chunk has more on disk.
const TAG: usize = 16;
/// Octets of the head.
const HEAD: usize = 40;
/// How a sealed file begins.
const MAGIC: &[u8; 8] = b"PDSEAL1\n";

/// The chain of chunks of one file.
type Chain = StreamBE32<Aes256Gcm>;

/// Returns how many octets a sealed file has on disk whose document has `octets`.
pub fn sealed_size(octets: u64) -> u64 {
    let chunks = octets.div_ceil(CHUNK as u64).max(1);
    octets.saturating_add(chunks.saturating_mul(TAG as u64)).saturating_add(HEAD as u64)
}

/// Returns how many octets of the document can be read of a file that is still being written: those of the chunks that are whole, and
/// of which a further one follows or may follow.
fn whole_chunks(on_disk: u64) -> u64 {
    on_disk.saturating_sub(HEAD as u64) / (CHUNK + TAG) as u64 * CHUNK as u64
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("is encrypted, and damaged: {what}"))
}
