//! The way between two servers of a group: streams whose other end has proved its name.
//!
//! What proves it (TLS, certificates) is in `pdserver`, and reaches no small program. A stream is whole or broken: an end
//! that the peer did not announce is an error (`UnexpectedEof`), never 0 octets, so half a message is not taken for a message.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::model::{Failure, ServerName};

/// A stream to another server of the group. Reading returns 0 only when the peer has closed it in good order.
///
/// What is written may wait in a buffer until `flush`.
pub trait PeerStream: Read + Write + Send {
    /// Sets how long one `read`, `write` or `flush` may wait for the network; then it fails with `TimedOut`. Without a call it
    /// is [`PATIENCE`]. A stream that timed out is of no use any more.
    fn set_patience(&mut self, patience: Duration) -> io::Result<()>;

    /// Whether nothing has come over it that was not read, and the peer has not closed it: then it may be used again. A stream that
    /// cannot tell is used once.
    fn is_at_rest(&mut self) -> bool {
        false
    }

    /// Returns what cuts this stream, from another thread too.
    fn cutter(&self) -> Cutter;
}

/// How long one step may wait for the network, unless the stream is told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Cuts a stream: whoever reads or writes it at that moment fails at once.
pub type Cutter = Box<dyn Fn() + Send + Sync>;

/// Makes streams to other servers of the group.
pub trait Dial: Send + Sync {
    /// Connects to `server`, which proves its name, within `patience`.
    ///
    /// # Errors
    /// `Unreachable` with the reason: no such member, no server there, refused, wrong certificate, or no answer in time.
    fn dial(&self, server: &ServerName, patience: Duration) -> Result<Box<dyn PeerStream>, Failure>;

    /// The other servers of the group, by name.
    fn servers(&self) -> Vec<ServerName>;

    /// What proves at this moment that a server is a member: another word means that its certificate was replaced, and none that
    /// it is no member, or no more. A stream that was made before is to be dropped then.
    ///
    /// # Errors
    /// When that cannot be found out, which says nothing about the server.
    fn proof(&self, server: &ServerName) -> Result<Option<String>, Failure> {
        Ok(self.servers().contains(server).then(String::new))
    }
}

/// Serves streams that other servers of the group have made.
pub trait ServePeer: Send + Sync {
    /// Serves `stream`, whose other end has proved to be `server`, until one of the two closes it. Each stream has a thread of
    /// its own. It is cut when the server ends or the membership is revoked.
    fn serve(&self, stream: Box<dyn PeerStream>, server: &ServerName) -> io::Result<()>;
}
