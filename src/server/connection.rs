//! One connection: who calls, and the loop of requests and replies.
//!
//! The caller is whoever the kernel says made the connection; nothing in a request can change that. Before the first
//! request both sides say hello; a client of another release is told so, and none of its requests is read. A request is
//! carried out when all of it has arrived, and never twice. A malformed frame is answered with its fault and the
//! connection is closed, because nobody knows where the next frame begins.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::Remote;
use crate::client::channel::{self, ChannelError};
use crate::client::hello;
use crate::model::{Caller, Failure, FailureKind};
use crate::spool::interface::operations::{Operations, Reply, Request, answer};
use crate::sys::socket::{self, Deadline};
use crate::sys::users;
use crate::wire::frame::{self, FrameError, Kind};

/// How long a request may take to arrive once it has begun, and how long a reply may take to be read.
const HALF_REQUEST: Duration = Duration::from_secs(30);
/// How long a refused peer may go on sending before its connection is closed.
const LINGER: Duration = Duration::from_millis(100);

/// Serves one connection until the peer closes it. `make` opens the spool for the caller; if it fails, its failure
/// answers every request.
///
/// # Errors
/// Returns an error when the connection failed, or had to be closed because of what arrived.
pub fn serve_connection<M>(stream: &UnixStream, make: M) -> io::Result<()>
where
    M: FnOnce(Caller) -> Result<Box<dyn Operations>, Failure>,
{
    let mut spool = make(users::of_uid(socket::peer(stream)?.uid));
    serve(stream, &mut spool, || Deadline::NEVER, HALF_REQUEST)
}

/// Answers the requests of a connection from `spool`. The first octet of each request may arrive until `begins()`; the
/// rest may take `patience`, and so may reading the reply, and the hello before the first request.
pub(super) fn serve(
    stream: &UnixStream,
    spool: &mut Result<Box<dyn Operations>, Failure>,
    begins: impl Fn() -> Deadline,
    patience: Duration,
) -> io::Result<()> {
    match hello::answer(stream, &hello::ours(), Deadline::after(patience)) {
        Ok(Some(())) => {}
        Ok(None) => return Ok(()),
        Err(ChannelError::Io(error)) if has_left(&error) => return Ok(()),
        Err(ChannelError::Io(error)) => {
            if error.kind() == io::ErrorKind::Unsupported {
                take_leave(stream);
            }
            return Err(error);
        }
        Err(ChannelError::Frame(error)) => return refuse(stream, error, patience),
    }
    let mut asked = false;
    loop {
        let received = channel::receive::<Request>(stream, Kind::Request, begins(), || Deadline::after(patience));
        let (request, files) = match received {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(ChannelError::Io(error)) if !asked && has_left(&error) => return Ok(()),
            Err(ChannelError::Io(error)) => return Err(error),
            Err(ChannelError::Frame(error)) => return refuse(stream, error, patience),
        };
        let result = match spool {
            Err(failure) => Reply::Failed(failure.clone()),
            Ok(spool) => {
                if let Request::Submit { submission } = &request
                    && submission.documents.len() != files.len()
                {
                    let failure = FrameError::Files { found: files.len(), expected: submission.documents.len() };
                    Reply::Failed(Failure::new(FailureKind::BadValue, failure.to_string()))
                } else {
                    answer(spool.as_mut(), request, files)
                }
            }
        };
        let told = reply(stream, &result, patience);
        if let Ok(spool) = spool {
            spool.has_answered();
        }
        told?;
        asked = true;
    }
}

/// Whether a client closed the connection. One that asks nothing never reads our hello, and then the kernel says so.
fn has_left(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Answers a malformed frame with its fault; the connection is of no use any more.
fn refuse(stream: &UnixStream, error: FrameError, patience: Duration) -> io::Result<()> {
    let words = match &error {
        FrameError::Kind(kind) if *kind == Kind::Request as u8 => {
            "the client is older: it speaks a protocol without a hello; use the newer spoolsuite on both sides"
                .to_owned()
        }
        other => other.to_string(),
    };
    reply(stream, &Reply::Failed(Failure::new(FailureKind::BadValue, words)), patience)?;
    take_leave(stream);
    Err(io::Error::new(io::ErrorKind::InvalidData, error))
}

fn reply(stream: &UnixStream, result: &Reply, patience: Duration) -> io::Result<()> {
    let frame = frame::encode(Kind::Reply, result, 0).or_else(|error| {
        // Only a listing can be that long, so nothing was changed.
        let failure = Failure::new(FailureKind::Full, format!("the answer does not fit into one message: {error}"))
            .hint("ask for fewer objects at once");
        frame::encode(Kind::Reply, &Reply::Failed(failure), 0)
    });
    let frame = frame.map_err(io::Error::other)?;
    channel::send(stream, &frame, &[], Deadline::after(patience))
}

/// Lets the peer read its refusal: a socket that is closed with unread octets in it is reset instead.
fn take_leave(stream: &UnixStream) {
    let until = Deadline::after(LINGER);
    let mut left = frame::MAX_REQUEST;
    let mut buffer = vec![0; 64 * 1024];
    // A peer that is already gone needs no farewell.
    if stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    while let Ok(n @ 1..) = socket::receive(stream, &mut buffer, &mut Vec::new(), until) {
        left = left.saturating_sub(n);
        if left == 0 {
            return;
        }
    }
}

/// Serves a spool over the wire within this process: the thread serves until the [`Remote`] is dropped.
pub fn pair<M>(make: M) -> io::Result<(Remote, JoinHandle<io::Result<()>>)>
where
    M: FnOnce(Caller) -> Result<Box<dyn Operations>, Failure> + Send + 'static,
{
    let (near, far) = UnixStream::pair()?;
    let server = std::thread::Builder::new().name("connection".into()).spawn(move || serve_connection(&far, make))?;
    Ok((Remote::new(near), server))
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
