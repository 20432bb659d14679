//! Frames of servers over a stream.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::peer::PeerStream;
use crate::wire::peer::{HEADER, Header, Kind, PeerError, PeerReply, PeerRequest, decode, encode};

/// How much of a body is waited for at a time: memory grows with what arrives.
const PIECE: usize = 64 << 10;

/// What is wrong with the octets of the other side is a fault of the stream: nothing more is read from it.
pub fn bad(error: PeerError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Sends a value.
pub fn send<T: Serialize>(stream: &mut dyn PeerStream, kind: Kind, value: &T) -> io::Result<()> {
    stream.write_all(&encode(kind, value).map_err(bad)?)?;
    stream.flush()
}

/// Reads a header; none when the other side has closed in good order.
pub fn header(stream: &mut dyn PeerStream) -> io::Result<Option<Header>> {
    let mut octets = [0; HEADER];
    let mut have = 0;
    while have < HEADER {
        match stream.read(&mut octets[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => have += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Header::decode(octets).map(Some).map_err(bad)
}

/// Reads the body of a frame into `body`.
pub fn body(stream: &mut dyn PeerStream, header: Header, body: &mut Vec<u8>) -> io::Result<()> {
    body.clear();
    let length = header.length as usize;
    while body.len() < length {
        let have = body.len();
        body.resize(length.min(have + PIECE), 0);
        stream.read_exact(&mut body[have..])?;
    }
    Ok(())
}

/// Reads a value of this kind.
pub fn receive<T: DeserializeOwned>(stream: &mut dyn PeerStream, kind: Kind) -> io::Result<T> {
    let header = header(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    if header.kind != kind {
        return Err(bad(PeerError::Kind(header.kind as u8)));
    }
    let mut octets = Vec::new();
    body(stream, header, &mut octets)?;
    decode(&octets).map_err(bad)
}

/// What is said of a request that the other side does not know.
pub const OLDER: &str = "it is of an older release";

/// Asks for something, and reads the reply. One that says no is an error.
pub fn ask(stream: &mut dyn PeerStream, request: &PeerRequest) -> io::Result<PeerReply> {
    send(stream, Kind::Request, request)?;
    match receive(stream, Kind::Reply)? {
        PeerReply::Failed(why) | PeerReply::Refused(why) => Err(io::Error::other(format!("it answers: {why}"))),
        PeerReply::Unsupported => Err(io::Error::other(OLDER)),
        reply => Ok(reply),
    }
}

/// Asks for something that concerns one job, and reads the reply, which may say no to that job.
///
/// # Errors
/// Of the stream. The inner one is that the request is too long for a frame; nothing was sent then.
pub fn ask_of_one(stream: &mut dyn PeerStream, request: &PeerRequest) -> io::Result<Result<PeerReply, PeerError>> {
    match encode(Kind::Request, request) {
        Ok(frame) => {
            stream.write_all(&frame)?;
            stream.flush()?;
            receive(stream, Kind::Reply).map(Ok)
        }
        Err(error) => Ok(Err(error)),
    }
}
