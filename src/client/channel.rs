//! Whole frames over a stream socket, the same on both sides.
//!
//! A frame is sent and received with its open files or not at all: files that came with a refused frame are closed with
//! it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use serde::de::DeserializeOwned;

use crate::sys::socket::{self, Deadline};
use crate::wire::frame::{self, FrameError, HEADER, Header, Kind};

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Reading or writing failed, or took too long, or ended in the middle of a frame.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What arrived is no frame, or not the expected value.
    #[error("{0}")]
    Frame(#[from] FrameError),
}

/// Sends a frame that [`frame::encode`] made.
///
/// # Errors
/// Returns an error when it was not sent completely; then the peer cannot have acted on it.
pub fn send(stream: &UnixStream, frame: &[u8], files: &[OwnedFd], until: Deadline) -> io::Result<()> {
    let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    socket::send(stream, frame, &files, until)
}

/// Receives a frame of `kind` and its files. It may begin until `first`; once it has begun, it must be complete by
/// `rest()`. `None` means that the peer closed before a frame began.
///
/// # Errors
/// Returns a [`ChannelError`]. After a [`FrameError`] nobody knows where the next frame begins: close the connection.
pub fn receive<T: DeserializeOwned>(
    stream: &UnixStream,
    kind: Kind,
    first: Deadline,
    rest: impl FnOnce() -> Deadline,
) -> Result<Option<(T, Vec<OwnedFd>)>, ChannelError> {
    receive_by(socket::receive, stream, kind, first, rest)
}

/// The same, but a frame for whose files this process has no room is received to its end: [`FrameError::Files`] says that some are
/// lost, and the next frame begins behind it.
///
/// # Errors
/// Returns a [`ChannelError`]. After any other one nobody knows where the next frame begins.
pub fn receive_what_fits<T: DeserializeOwned>(
    stream: &UnixStream,
    kind: Kind,
    first: Deadline,
    rest: impl FnOnce() -> Deadline,
) -> Result<Option<(T, Vec<OwnedFd>)>, ChannelError> {
    receive_by(socket::receive_what_fits, stream, kind, first, rest)
}

/// How octets and files are received.
type Read = fn(&UnixStream, &mut [u8], &mut Vec<OwnedFd>, Deadline) -> io::Result<usize>;

fn receive_by<T: DeserializeOwned>(
    read: Read,
    stream: &UnixStream,
    kind: Kind,
    first: Deadline,
    rest: impl FnOnce() -> Deadline,
) -> Result<Option<(T, Vec<OwnedFd>)>, ChannelError> {
    let mut files = Vec::new();
    let mut header = [0; HEADER];
    let begun = read(stream, &mut header, &mut files, first)?;
    if begun == 0 {
        return Ok(None);
    }
    let rest = rest();
    fill(read, stream, &mut header[begun..], &mut files, rest)?;
    let header = Header::decode(&header, kind)?;
    let body = body(read, stream, header.length as usize, &mut files, rest)?;
    let expected = usize::from(header.files);
    if files.len() != expected {
        return Err(FrameError::Files { found: files.len(), expected }.into());
    }
    Ok(Some((frame::decode(&body)?, files)))
}

fn fill(
    read: Read,
    stream: &UnixStream,
    mut room: &mut [u8],
    files: &mut Vec<OwnedFd>,
    until: Deadline,
) -> io::Result<()> {
    while !room.is_empty() {
        let n = read(stream, room, files, until)?;
        if n == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        // A peer that attaches files to every octet must not fill our descriptor table.
        if files.len() > frame::MAX_FILES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too many open files came with a message"));
        }
        room = &mut room[n..];
    }
    Ok(())
}

/// Reads a body piece by piece: memory grows with what arrives, not with what was announced.
fn body(
    read: Read,
    stream: &UnixStream,
    length: usize,
    files: &mut Vec<OwnedFd>,
    until: Deadline,
) -> io::Result<Vec<u8>> {
    const PIECE: usize = 64 * 1024;
    let mut body = Vec::with_capacity(length.min(PIECE));
    while body.len() < length {
        let at = body.len();
        body.resize(length.min(at + PIECE), 0);
        fill(read, stream, &mut body[at..], files, until)?;
    }
    Ok(body)
}
