//! How a print process has a file fetched from another server: it asks the server of its own spool, at a socket of its own.
//!
//! One line goes there, `fetch N` with the number of a document; one comes back, `ok`, or `no` with the reason. The file lies in the
//! directory of fetched files then. Closing the socket gives the fetch up.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use crate::model::DocumentId;
use crate::sys::socket;

/// Octets of the longest line.
pub const MAX_LINE: u64 = 4096;

/// Has a document fetched, and waits until it is there.
///
/// # Errors
/// Why it is not there, in words.
pub fn fetch(place: &Path, document: DocumentId) -> Result<(), String> {
    let nobody = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "no pdserver runs here that could fetch it".to_owned()
        }
        _ => format!("the server here does not fetch it: {error}"),
    };
    let mut stream = socket::connect(place).map_err(nobody)?;
    stream.set_nonblocking(false).map_err(nobody)?;
    stream.write_all(format!("fetch {}\n", document.0).as_bytes()).map_err(nobody)?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut line).map_err(nobody)?;
    match line.trim_end().split_once(' ') {
        None if line.trim_end() == "ok" => Ok(()),
        Some(("no", why)) => Err(why.to_owned()),
        _ => Err("the server here ended while it was fetched".to_owned()),
    }
}
