//! The frames of operations as they pass between a local socket and a network connection, unread.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use spoolsuite::sys::socket::{self, Deadline};
use spoolsuite::wire::frame::{HEADER, Header, Kind};

/// A frame and what came with it.
#[derive(Debug)]
pub struct Frame {
    /// Its header, as far as it is one of the expected kinds.
    pub header: Option<Header>,
    /// All its octets; of a frame that is none, those of its header.
    pub octets: Vec<u8>,
    /// Open files beside it.
    pub files: Vec<OwnedFd>,
}

impl Frame {
    /// Its body.
    pub fn body(&self) -> &[u8] {
        self.octets.get(HEADER..).unwrap_or_default()
    }
}

fn decode(header: &[u8; HEADER], kinds: &[Kind]) -> Option<Header> {
    kinds.iter().find_map(|kind| Header::decode(header, *kind).ok())
}

/// Reads the frame that begins with these octets, piece by piece: memory grows with what arrives.
fn complete(
    header: [u8; HEADER],
    kinds: &[Kind],
    mut fill: impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<(Option<Header>, Vec<u8>)> {
    const STEP: usize = 64 * 1024;
    let mut octets = header.to_vec();
    let Some(header) = decode(&header, kinds) else { return Ok((None, octets)) };
    let length = HEADER + usize::try_from(header.length).unwrap_or(0);
    while octets.len() < length {
        let at = octets.len();
        octets.resize(length.min(at + STEP), 0);
        fill(octets.get_mut(at..).unwrap_or_default())?;
    }
    Ok((Some(header), octets))
}

/// Reads a frame of one of these kinds from the network. None when the other side closed in good order before it began. `begun`
/// is called when its header has come: it says how long the rest may take.
///
/// # Errors
/// When it does not come completely.
pub fn from_network<S: Read>(stream: &mut S, kinds: &[Kind], begun: impl FnOnce(&mut S)) -> io::Result<Option<Frame>> {
    let mut header = [0; HEADER];
    let n = loop {
        match stream.read(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if n == 0 {
        return Ok(None);
    }
    begun(stream);
    stream.read_exact(header.get_mut(n..).unwrap_or_default())?;
    let (header, octets) = complete(header, kinds, |room| stream.read_exact(room))?;
    Ok(Some(Frame { header, octets, files: Vec::new() }))
}

/// Reads a frame of one of these kinds from a local socket. None when the other side closed before it began.
///
/// # Errors
/// When it does not come completely within `patience`.
pub fn from_socket(
    stream: &UnixStream,
    kinds: &[Kind],
    first: Deadline,
    patience: Duration,
) -> io::Result<Option<Frame>> {
    let mut files = Vec::new();
    let mut header = [0; HEADER];
    let n = socket::receive(stream, &mut header, &mut files, first)?;
    if n == 0 {
        return Ok(None);
    }
    let until = Deadline::after(patience);
    let mut fill = |mut room: &mut [u8]| -> io::Result<()> {
        while !room.is_empty() {
            let n = socket::receive(stream, room, &mut files, until)?;
            if n == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            room = room.get_mut(n..).unwrap_or_default();
        }
        Ok(())
    };
    fill(header.get_mut(n..).unwrap_or_default())?;
    let (header, octets) = complete(header, kinds, &mut fill)?;
    Ok(Some(Frame { header, octets, files }))
}

/// Waits at most `long` until one of two descriptors can be read or is at its end; which of them. None = until one is.
///
/// # Errors
/// What the kernel reports.
pub fn wait_for_either(a: impl AsFd, b: impl AsFd, long: Option<Duration>) -> io::Result<(bool, bool)> {
    let timeout = match long {
        None => PollTimeout::NONE,
        Some(long) => PollTimeout::from(u16::try_from(long.as_millis()).unwrap_or(u16::MAX)),
    };
    let mut both = [PollFd::new(a.as_fd(), PollFlags::POLLIN), PollFd::new(b.as_fd(), PollFlags::POLLIN)];
    match poll(&mut both, timeout) {
        Ok(_) => {}
        Err(nix::Error::EINTR) => return Ok((false, false)),
        Err(error) => return Err(error.into()),
    }
    let [a, b] = both.map(|fd| fd.any().unwrap_or(true));
    Ok((a, b))
}
