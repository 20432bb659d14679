//! Operations that come over the network: frames and documents go from the connection to the spool of this server, answers back.
//!
//! The spool's side is the same as for a local user ([`Guests::serve`]): a socket, open files beside a request. A document is a
//! socket here, into which its pieces are written as they come. One that is cut off must not be taken for a short one. So the
//! writing end is closed with an unread octet in it, unless the document's end was read: the kernel then tells the reader
//! "connection reset", not "end".
//!
//! A client that is refused early is still sending. Its answer is sent, and the connection ends.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustls::ServerConnection;
use spoolsuite::model::{Caller, Failure, FailureKind};
use spoolsuite::server::served::Guests;
use spoolsuite::spool::interface::operations::Reply;
use spoolsuite::sys::socket::{self, Deadline};
use spoolsuite::wire::frame::{self, Kind};
use spoolsuite::wire::hello::Hello;
use spoolsuite::wire::pieces::{MAX_PIECE, NUMBER, Piece};

use crate::frames::{self, Frame};
use crate::stream::Secure;

/// How long a client may be silent between two requests; it connects again by itself when it has one more.
const IDLE: Duration = Duration::from_secs(300);
/// How long one step of a request may take: a client that has nothing to send says so more often.
const STEP: Duration = Duration::from_secs(30);
/// How many octets of a request come in a second at the least.
const SLOWEST: u64 = 16 * 1024;
/// How long the spool may take to read a piece of a document.
const TAKEN: Duration = Duration::from_secs(120);
/// How long a client that was refused may go on sending before its connection is closed, and how much.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_OCTETS: u64 = 64 << 20;

/// The connection of a client.
pub type Connection = Secure<ServerConnection>;

/// Serves the operations of one client until he closes the connection. `admits` tells before each request whether he is still a
/// member.
///
/// # Errors
/// When the connection failed, or had to be closed because of what arrived.
pub fn serve(
    stream: &mut Connection,
    guests: &Guests,
    caller: Caller,
    admits: &dyn Fn() -> Result<(), String>,
) -> io::Result<()> {
    let (near, far) = UnixStream::pair()?;
    let served = guests.clone();
    let spool = std::thread::Builder::new().name("guest".into()).spawn(move || served.serve(&far, caller))?;
    let result = relay(stream, &near, admits);
    // The spool's side ends when this end is closed, whatever it does.
    drop(near);
    let of_spool = spool.join().unwrap_or(Ok(()));
    result.and(of_spool)
}

/// Tells a client why he is not served.
///
/// # Errors
/// When he does not listen.
pub fn refuse(stream: &mut Connection, why: &str) -> io::Result<()> {
    stream.timed().set_until(Instant::now().checked_add(STEP));
    let hello = Hello { refusal: Some(format!("refused: {why}")), ..spoolsuite::client::our_hello() };
    send(stream, &frame::encode(Kind::Hello, &hello, 0).map_err(io::Error::other)?)?;
    linger(stream);
    Ok(())
}

fn send(stream: &mut Connection, octets: &[u8]) -> io::Result<()> {
    stream.write_all(octets)?;
    stream.flush()
}

fn relay(stream: &mut Connection, near: &UnixStream, admits: &dyn Fn() -> Result<(), String>) -> io::Result<()> {
    let mut expected = Kind::Hello;
    loop {
        stream.timed().set_until(None);
        stream.timed().set_patience(IDLE);
        let begun = |stream: &mut Connection| {
            let longest = Duration::from_secs(frame::MAX_REQUEST as u64 / SLOWEST);
            stream.timed().set_patience(STEP);
            stream.timed().set_until(Instant::now().checked_add(longest));
        };
        let frame = match frames::from_network(stream, &[expected], begun) {
            // Whoever is idle for long is not waited for, and that is nobody's fault.
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !stream.timed().has_until() => return Ok(()),
            other => other?,
        };
        let Some(frame) = frame else { return Ok(()) };
        stream.timed().set_until(None);
        stream.timed().set_patience(STEP);
        if let Err(why) = admits() {
            let failure = Failure::new(FailureKind::Unreachable, format!("refused: {why}"));
            let reply = frame::encode(Kind::Reply, &Reply::Failed(failure), 0).map_err(io::Error::other)?;
            match expected {
                Kind::Hello => refuse(stream, &why)?,
                _ => send(stream, &reply)?,
            }
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let complete = hand_in(stream, near, &frame)?;
        let Some(answer) = answer(stream, near)? else { return Ok(()) };
        send(stream, &answer.octets)?;
        if !complete || frame.header.is_none() {
            linger(stream);
            return Ok(());
        }
        expected = Kind::Request;
    }
}

/// Hands a request and its documents to the spool. Returns whether all of it was taken; if not, the answer is there.
fn hand_in(stream: &mut Connection, near: &UnixStream, frame: &Frame) -> io::Result<bool> {
    // What is no request is the spool's to judge.
    let count = frame.header.filter(|header| header.kind == Kind::Request).map_or(0, |header| header.files);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (writer, reader) = document()?;
        ours.push(writer);
        theirs.push(reader);
    }
    let files: Vec<_> = theirs.iter().map(std::os::fd::AsFd::as_fd).collect();
    socket::send(near, &frame.octets, &files, Deadline::after(TAKEN))?;
    drop(files);
    drop(theirs);
    for document in ours {
        if !pump(stream, near, document)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The two ends of a document: the writing one has an unread octet in it.
fn document() -> io::Result<(UnixStream, UnixStream)> {
    let (writer, mut reader) = UnixStream::pair()?;
    reader.write_all(&[0])?;
    writer.set_write_timeout(Some(TAKEN))?;
    Ok((writer, reader))
}

/// Says that a document is complete: its writing end holds nothing unread when it is closed.
fn finish(mut document: UnixStream) -> io::Result<()> {
    document.read_exact(&mut [0])
}

/// Copies the pieces of a document. False when the spool does not want the rest of it.
fn pump(stream: &mut Connection, near: &UnixStream, mut document: UnixStream) -> io::Result<bool> {
    let mut buffer = vec![0; MAX_PIECE];
    loop {
        let mut number = [0; NUMBER];
        stream.read_exact(&mut number)?;
        let piece = Piece::decode(number).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        match piece {
            Piece::End => {
                finish(document)?;
                return Ok(true);
            }
            Piece::Waits => {}
            Piece::Octets(octets) => {
                let octets = buffer.get_mut(..octets).unwrap_or_default();
                stream.read_exact(octets)?;
                match document.write_all(octets) {
                    // It has refused, and closed the document.
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
                    {
                        return Ok(false);
                    }
                    other => other?,
                }
            }
        }
        if frames::wait_for_either(near, near, Some(Duration::ZERO))?.0 {
            return Ok(false);
        }
    }
}

/// Waits for the spool's answer. None when the client has left meanwhile.
fn answer(stream: &mut Connection, near: &UnixStream) -> io::Result<Option<Frame>> {
    loop {
        let tcp = std::sync::Arc::clone(stream.timed().tcp());
        let (is_there, has_left) = frames::wait_for_either(near, &*tcp, None)?;
        if is_there {
            let kinds = [Kind::Reply, Kind::Hello];
            return frames::from_socket(near, &kinds, Deadline::after(TAKEN), TAKEN);
        }
        // Nothing comes before the answer from a client that still waits for it, except what it sent before it was refused.
        if has_left {
            return Ok(None);
        }
    }
}

/// Lets a client read its answer: a connection that is closed with unread octets in it is reset instead.
fn linger(stream: &mut Connection) {
    stream.end();
    stream.timed().set_until(Instant::now().checked_add(LINGER));
    // Whoever does not stop sending is cut off.
    let _ = io::copy(&mut Read::by_ref(stream).take(LINGER_OCTETS), &mut io::sink());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_cut_off_is_no_short_document() {
        for complete in [true, false] {
            let (mut writer, reader) = document().unwrap();
            writer.write_all(b"the first half").unwrap();
            if complete {
                finish(writer).unwrap();
            } else {
                drop(writer);
            }
            let mut text = Vec::new();
            let read = std::fs::File::from(std::os::fd::OwnedFd::from(reader)).read_to_end(&mut text);
            assert_eq!(text, b"the first half");
            match read {
                Ok(_) => assert!(complete),
                Err(error) => assert!(!complete && error.kind() == io::ErrorKind::ConnectionReset, "{error}"),
            }
        }
    }
}
