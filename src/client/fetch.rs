//! How a print process has a file fetched from another server: it asks the server of its own spool, at a socket of its own.
//!
//! One line goes there, `fetch N` with the number of a document; one comes back, `ok`, or `no` with the reason. The file lies in the
//! directory of fetched files then. Closing the socket gives the fetch up.
//!
//! After `stream N` the file may be read while it arrives: `arrives NAME OCTETS` names it and its size as soon as its first octets are
//! there, an empty line says each time that it has grown, and `ok` or `no` ends it as above. How far it has come is its length.
//! A line that says so is left out where the print process has not read the ones before.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::model::DocumentId;
use crate::sys::socket;

/// Octets of the longest line.
pub const MAX_LINE: u64 = 4096;
/// How the answer begins that names a file while it arrives.
pub const ARRIVES: &str = "arrives ";

/// How a fetch stands.
#[derive(Debug)]
pub enum Fetched {
    /// All of it is there, and its digest is right.
    Whole,
    /// It arrives.
    Arriving(Arriving),
}

/// A file that arrives.
#[derive(Debug)]
pub struct Arriving {
    /// Its name in the directory of fetched files, until it is whole.
    pub name: String,
    /// Octets that it will have.
    pub octets: u64,
    lines: Lines,
}

/// Has a document fetched, and waits until it is there.
///
/// # Errors
/// Why it is not there, in words.
pub fn fetch(place: &Path, document: DocumentId) -> Result<(), String> {
    match ask(place, "fetch", document)? {
        Fetched::Whole => Ok(()),
        Fetched::Arriving(_) => Err("the server here answers something else than it was asked".to_owned()),
    }
}

/// Has a document fetched, and waits until its first octets are there.
///
/// # Errors
/// Why it is not there, in words.
pub fn stream(place: &Path, document: DocumentId) -> Result<Fetched, String> {
    ask(place, "stream", document)
}

fn ask(place: &Path, word: &str, document: DocumentId) -> Result<Fetched, String> {
    let mut stream = socket::connect(place).map_err(nobody)?;
    stream.set_nonblocking(false).map_err(nobody)?;
    stream.write_all(format!("{word} {}\n", document.0).as_bytes()).map_err(nobody)?;
    let mut lines = Lines { stream, read: Vec::new() };
    let line = lines.next().map_err(nobody)?.ok_or_else(ended)?;
    let named = line.strip_prefix(ARRIVES).and_then(|rest| rest.split_once(' '));
    if let Some((name, octets)) = named
        && let Ok(octets) = octets.parse()
    {
        lines.stream.set_nonblocking(true).map_err(nobody)?;
        return Ok(Fetched::Arriving(Arriving { name: name.to_owned(), octets, lines }));
    }
    end_of(&line).map(|()| Fetched::Whole)
}

impl Arriving {
    /// Reads what the server has said meanwhile, and returns whether the file is whole.
    ///
    /// # Errors
    /// Why it will not be, in words.
    pub fn is_whole(&mut self) -> Result<bool, String> {
        loop {
            match self.lines.next() {
                Ok(Some(line)) if line.is_empty() => {}
                Ok(Some(line)) => return end_of(&line).map(|()| true),
                Ok(None) => return Err(ended()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(nobody(error)),
            }
        }
    }
}

impl AsFd for Arriving {
    /// Readable when there is news.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lines.stream.as_fd()
    }
}

fn nobody(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "no pdserver runs here that could fetch it".to_owned()
        }
        _ => format!("the server here does not fetch it: {error}"),
    }
}

fn ended() -> String {
    "the server here ended while it was fetched".to_owned()
}

/// Reads the line that ends a fetch.
fn end_of(line: &str) -> Result<(), String> {
    match line.split_once(' ') {
        None if line == "ok" => Ok(()),
        Some(("no", why)) => Err(why.to_owned()),
        _ => Err(ended()),
    }
}

/// The lines of a socket.
#[derive(Debug)]
struct Lines {
    stream: UnixStream,
    read: Vec<u8>,
}

impl Lines {
    /// Returns the next line without its end; none at the end.
    fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.read.iter().position(|octet| *octet == b'\n') {
                let line = self.read.drain(..=at).take(at).collect();
                return String::from_utf8(line).map(Some).map_err(|_| io::ErrorKind::InvalidData.into());
            }
            if self.read.len() as u64 > MAX_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut octets = [0; 512];
            match self.stream.read(&mut octets) {
                Ok(0) => return Ok(None),
                Ok(n) => self.read.extend_from_slice(&octets[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving() -> (Arriving, UnixStream) {
        let (here, there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        let lines = Lines { stream: here, read: Vec::new() };
        (Arriving { name: "x.0.part".into(), octets: 9, lines }, there)
    }

    #[test]
    fn it_is_whole_when_that_is_said_and_not_before() {
        let (mut arriving, mut server) = arriving();
        assert_eq!(arriving.is_whole(), Ok(false));
        server.write_all(b"\n\n\no").unwrap();
        assert_eq!(arriving.is_whole(), Ok(false));
        server.write_all(b"k\n").unwrap();
        assert_eq!(arriving.is_whole(), Ok(true));
    }

    #[test]
    fn a_server_that_says_no_or_nothing_any_more_is_told_apart() {
        let (mut refused, mut server) = arriving();
        server.write_all(b"\nno its digest differs\n").unwrap();
        assert_eq!(refused.is_whole(), Err("its digest differs".into()));
        let (mut cut, mut server) = arriving();
        server.write_all(b"\no").unwrap();
        drop(server);
        assert_eq!(cut.is_whole(), Err(ended()));
        let (mut endless, mut server) = arriving();
        let line = vec![b'x'; 2 * MAX_LINE as usize];
        server.write_all(&line).unwrap();
        assert!(endless.is_whole().is_err());
    }
}
