//! Sending: passes octets to the kernel and waits for the peer to acknowledge the last of them.
//!
//! A printer has accepted what it acknowledged, not what the kernel buffers for it: a slow printer behind a large
//! buffer is not stalled, and one that only fills a buffer is.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::PollFlags;

use super::SocketConnection;
use super::liveness::PeerState;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::PrintError;
use crate::fastp::process::backoff::GrowingWait;
use crate::fastp::transports::{Chunk, ended, source_failed};
use crate::sys::files::{send_file, unacknowledged};

/// Octets handed to the kernel at once.
const STEP: u64 = 1 << 20;
/// While octets flow, acknowledgements are not checked more often than this.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl SocketConnection {
    pub(super) fn send_chunk(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        match chunk {
            Chunk::Bytes(mut bytes) => {
                while !bytes.is_empty() {
                    match io::Write::write(&mut self.stream, bytes) {
                        Ok(n) => {
                            bytes = &bytes[n..];
                            self.count_sent(n as u64, control)?;
                        }
                        Err(error) => self.refused(error, control)?,
                    }
                }
                Ok(())
            }
            Chunk::Document(index, file, Range { start, end: size }) => {
                let mut done = start;
                while done < size {
                    match send_file(self.stream.as_fd(), file, done, (size - done).min(STEP)) {
                        Ok(0) => return Err(ended(index, done, size)),
                        Ok(n) => {
                            done += n;
                            self.count_sent(n, control)?;
                        }
                        Err(error) if source_failed(&error, file, done) => {
                            return Err(PrintError::Source(index, format!("cannot be read: {error}")));
                        }
                        Err(error) => self.refused(error, control)?,
                    }
                }
                Ok(())
            }
        }
    }

    fn count_sent(&mut self, n: u64, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.sent += n;
        control.sent(n)
    }

    /// Handles a refusal by the kernel: waits if it was only full.
    fn refused(&mut self, error: io::Error, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => self.wait(PollFlags::POLLOUT, self.liveness.tick(), control),
            _ => Err(self.fault("while printing to", &error)),
        }
    }

    /// Waits for `events` and reads what the printer sends meanwhile.
    fn wait(
        &mut self,
        events: PollFlags,
        timeout: Duration,
        control: &mut AttemptControl<'_>,
    ) -> Result<(), PrintError> {
        // A stall can only be seen in acknowledgements that somebody checked.
        let timeout = timeout.min(control.context().timing.stall / 4);
        let listen = if self.peer_done { PollFlags::empty() } else { PollFlags::POLLIN };
        let ready = control.wait(self.stream.as_fd(), events | listen, Some(timeout))?;
        self.handle_readiness(ready).map_err(|error| self.fault("while printing to", &error))?;
        if ready.is_empty() || self.looked.elapsed() >= LOOK_EVERY {
            self.look(control)?;
        }
        Ok(())
    }

    fn handle_readiness(&mut self, ready: PollFlags) -> io::Result<()> {
        if ready.contains(PollFlags::POLLIN) {
            self.discard()?;
        }
        if ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP) {
            return Err(self.stream.take_error()?.unwrap_or_else(|| io::Error::from_raw_os_error(libc::ECONNRESET)));
        }
        Ok(())
    }

    /// Reports what the printer acknowledged, and notices one that is gone. Returns how many octets are not
    /// acknowledged yet.
    fn look(&mut self, control: &mut AttemptControl<'_>) -> Result<u32, PrintError> {
        self.looked = Instant::now();
        let left = unacknowledged(self.stream.as_fd()).map_err(|error| self.fault("while printing to", &error))?;
        control.device_accepted(self.sent.saturating_sub(left.into()))?;
        if left > 0 && self.peer_state() == PeerState::Gone {
            return Err(self.fault("while printing to", &io::Error::from_raw_os_error(libc::ETIMEDOUT)));
        }
        Ok(left)
    }

    /// Waits until the peer's TCP has every octet.
    pub(super) fn await_acknowledgement(&mut self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        let began = Instant::now();
        let mut wait = GrowingWait::new(Duration::from_millis(1), Duration::from_millis(200));
        let mut slow = GrowingWait::new(Duration::from_millis(400), Duration::from_secs(2));
        while self.look(control)? > 0 {
            // Nothing signals that the last octet was acknowledged, so we ask; less often when a printer is out of
            // paper.
            let next = if began.elapsed() < Duration::from_secs(30) { wait.wait() } else { slow.wait() };
            let patience = control.stall_timeout()?;
            self.wait(PollFlags::empty(), next.min(patience), control)?;
        }
        Ok(())
    }
}
