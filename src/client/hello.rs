//! The hello over a stream socket: sent by the client when it has connected, answered by the server.

use std::io;
use std::os::unix::net::UnixStream;

use crate::spool::interface::SCHEMA;
use crate::sys::socket::Deadline;
use crate::wire::frame::{self, Kind};
use crate::wire::hello::Hello;

use super::channel::{self, ChannelError};

/// What this program says of itself.
pub fn ours() -> Hello {
    Hello::new(env!("CARGO_PKG_VERSION"), SCHEMA)
}

/// Says `hello`.
///
/// # Errors
/// When it was not sent completely.
pub fn say(stream: &UnixStream, hello: &Hello, until: Deadline) -> io::Result<()> {
    let frame = frame::encode(Kind::Hello, hello, 0).map_err(io::Error::other)?;
    channel::send(stream, &frame, &[], until)
}

/// Hears the other side's hello. `None` means that it closed the connection before it said anything.
///
/// # Errors
/// As [`channel::receive`]. A peer that begins with something else speaks an older protocol, without a hello.
pub fn hear(stream: &UnixStream, until: Deadline) -> Result<Option<Hello>, ChannelError> {
    Ok(channel::receive::<Hello>(stream, Kind::Hello, until, || until)?.map(|(hello, _)| hello))
}

/// The server's half: hears the client's hello and answers it with `ours`. `Some` means that both go on.
///
/// # Errors
/// When no hello came, or the answer was not taken. Those that disagree are an error too, after they were told.
pub fn answer(stream: &UnixStream, ours: &Hello, until: Deadline) -> Result<Option<()>, ChannelError> {
    let Some(theirs) = hear(stream, until)? else { return Ok(None) };
    let refusal = ours.judge(&theirs, "the client").err();
    say(stream, &Hello { refusal: refusal.clone(), ..ours.clone() }, until)?;
    match refusal {
        Some(refusal) => Err(io::Error::new(io::ErrorKind::Unsupported, refusal).into()),
        None => Ok(Some(())),
    }
}
