//! `socket://host:port`: a raw TCP connection, as printers accept it on port 9100.
//!
//! We can tell three things apart: the peer's TCP has every octet (*transferred*), the peer closed after us (*sent*),
//! or the connection broke: it was reset, or the peer no longer answers. A socket that is dropped in mid-job is reset,
//! even by the kernel after SIGKILL: a part must never look like the whole. What the printer sends is read and thrown
//! away, so that it never blocks on us; when it sends nothing more, it may still be printing.
//!
//! `connecting` opens, `sending` sends octets and waits for their acknowledgement, `closing` closes in good order,
//! `liveness` tells a stalled printer from one that is gone, `hosts` looks a name up in a file.

mod closing;
mod connecting;
mod hosts;
mod liveness;
mod sending;

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use super::{Chunk, CloseOutcome, Connection, IdleState, JobStart, UndoOutcome};
use crate::fastp::content::pieces::Pieces;
use crate::fastp::device::connection_settings::{CloseWait, ConnectionSettings};
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::model::state::Delivery;
use crate::spool::interface::engine::FilePosition;
use crate::sys::tcp::{acknowledged, vitals};

pub use connecting::open;
use liveness::{LivenessCheck, PeerState};

/// A connection.
#[derive(Debug)]
struct SocketConnection {
    stream: TcpStream,
    peer: String,
    /// The peer has closed its side.
    peer_done: bool,
    /// It closed before it had the last octet: its close says nothing about what was in its buffer then.
    early: bool,
    /// Whether a job was begun on it. We do not wait for the close of a connection that carried nothing.
    carried: bool,
    /// Octets of the running job that the kernel accepted.
    sent: u64,
    /// Octets that the peer had acknowledged when it was begun.
    before: u64,
    liveness: LivenessCheck,
    close_wait: CloseWait,
    /// When we last looked at the acknowledgements.
    looked: Instant,
}

/// Whether dropping the socket resets the connection.
fn linger(stream: &TcpStream, reset: bool) -> io::Result<()> {
    let value = libc::linger { l_onoff: i32::from(reset), l_linger: 0 };
    setsockopt(stream, sockopt::Linger, &value)?;
    Ok(())
}

impl SocketConnection {
    fn new(stream: TcpStream, settings: &ConnectionSettings, liveness: LivenessCheck) -> Self {
        Self {
            stream,
            peer: settings.uri.to_string(),
            peer_done: false,
            early: false,
            carried: false,
            sent: 0,
            before: 0,
            liveness,
            close_wait: settings.close_wait,
            looked: Instant::now(),
        }
    }

    fn fault(&self, doing: &str, error: &io::Error) -> PrintError {
        Fault::of(format_args!("{doing} {}", self.peer), error).into()
    }

    /// Reads and throws away what the printer sends.
    fn discard(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        // Endless output must not keep us from printing, so we read a limited amount at a time.
        for _ in 0..16 {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.peer_done = true;
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn peer_state(&self) -> PeerState {
        // A kernel that does not tell has its own time limit for a peer that is gone.
        vitals(self.stream.as_fd()).map_or(PeerState::Alive, |vitals| self.liveness.judge(vitals))
    }
}

impl Connection for SocketConnection {
    fn begin(
        &mut self,
        _: &Pieces,
        _: Option<&FilePosition>,
        control: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError> {
        self.sent = 0;
        self.before = acknowledged(self.stream.as_fd()).unwrap_or(0);
        self.carried = true;
        // From here on what counts is what the printer acknowledges.
        control.device_accepted(0)?;
        Ok(JobStart::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.send_chunk(chunk, control)
    }

    fn finish(&mut self, control: &mut AttemptControl<'_>) -> Result<Delivery, PrintError> {
        self.await_acknowledgement(control)?;
        // The last acknowledgement and a reset may have come together, or a reset since.
        if let Some(error) = self.stream.take_error().unwrap_or(None) {
            return Err(self.fault("while printing to", &error));
        }
        // A close that came before the last acknowledgement may not have been read yet.
        self.discard().map_err(|error| self.fault("while printing to", &error))?;
        self.sent = 0;
        self.early = self.peer_done;
        Ok(Delivery::Transferred)
    }

    fn undo(&mut self) -> UndoOutcome {
        // Dropping the socket resets the connection: it was opened that way.
        UndoOutcome { touched: self.sent > 0, usable: self.sent == 0 }
    }

    fn close(mut self: Box<Self>, control: &mut AttemptControl<'_>) -> CloseOutcome {
        self.part(control)
    }

    fn begin_close(&mut self) -> Option<CloseOutcome> {
        self.begin_to_close()
    }

    fn look_at_close(&mut self, elapsed: Duration, control: &AttemptControl<'_>) -> Option<CloseOutcome> {
        self.parted(elapsed, control)
    }

    fn has_acknowledged(&self) -> bool {
        self.sent > 0 && acknowledged(self.stream.as_fd()).is_ok_and(|all| all > self.before)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn check_idle(&mut self) -> IdleState {
        let seen = match self.stream.take_error() {
            Ok(None) => self.discard(),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match seen {
            Err(error) => IdleState::Reset(Fault::of(&self.peer, &error)),
            Ok(()) if self.peer_done => IdleState::HungUp("the peer hung up".into()),
            Ok(()) => IdleState::Quiet,
        }
    }

    fn time_until_proven(&self) -> Option<Duration> {
        (self.peer_state() != PeerState::Alive).then(|| self.liveness.again())
    }

    fn shared_stream(&self) -> bool {
        true
    }

    fn is_renewable(&self) -> bool {
        true
    }
}
