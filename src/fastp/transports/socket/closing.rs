//! Closing: our close, and the peer's after it (docs/reference/fastp.md 5).
//!
//! Clean means that both sides closed and ours was acknowledged: a printer that closes before it has read everything
//! resets. A peer that closed its side while octets were on their way, and accepted them, has closed only half: after
//! our close is acknowledged we learn nothing more about them, so they are only transferred. A peer that answers and
//! does not close has every octet, which is usually enough; with SHUTDOWNTO it is not. A peer that does not answer has
//! nothing.

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::SocketConnection;
use super::liveness::PeerState;
use crate::fastp::device::connection_settings::CloseWait;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::Fault;
use crate::fastp::process::backoff::GrowingWait;
use crate::fastp::transports::CloseOutcome;
use crate::model::guardian::DeviceError;
use crate::sys::files::unacknowledged;

/// Jobs are printed this often in a row while their printer does not close though it has to.
const UNCONFIRMED: u32 = 3;
/// How long we wait for a closing connection when the process ends.
const PARTING: Duration = Duration::from_secs(2);

impl SocketConnection {
    pub(super) fn close_both_sides(&mut self, control: &mut AttemptControl<'_>) -> CloseOutcome {
        let (context, waker) = (control.context(), &control.context().waker);
        let (began, settle) = (Instant::now(), context.timing.settle);
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            return CloseOutcome::Reset(Fault::of(format_args!("cannot close {}", self.peer), &error));
        }
        if !self.carried {
            return CloseOutcome::Clean;
        }
        if self.close_wait == CloseWait::None {
            return CloseOutcome::Quiet("the peer took every octet; its close is not waited for (SHUTDOWNTO 0)".into());
        }
        let mut short = GrowingWait::new(Duration::from_millis(1), Duration::from_millis(200));
        loop {
            let left = match self.acknowledged_close() {
                Ok(None) if self.early => {
                    let how = "the peer took every octet, though it had closed its side before the last";
                    return CloseOutcome::Quiet(how.into());
                }
                Ok(None) => return CloseOutcome::Clean,
                Ok(Some(left)) => left,
                Err(error) => {
                    return CloseOutcome::Reset(Fault::of(format_args!("while closing {}", self.peer), &error));
                }
            };
            // A process that ends does not wait for a slow peer.
            let most = |limit: Duration| if waker.stopping() { limit.min(PARTING) } else { limit };
            let elapsed = began.elapsed();
            let over = match self.close_wait {
                CloseWait::Required(limit) if elapsed >= most(limit) => Some(self.unconfirmed(elapsed, control)),
                CloseWait::Required(_) => None,
                _ if elapsed >= most(settle) => {
                    self.silence(left, elapsed, elapsed >= most(settle + self.liveness.grace()))
                }
                _ => None,
            };
            if let Some(closing) = over {
                return closing;
            }
            if self.peer_state() == PeerState::Gone {
                return CloseOutcome::Reset(self.gone());
            }
            let limit = match self.close_wait {
                CloseWait::Required(limit) => most(limit),
                _ => most(settle),
            };
            let wait = limit.saturating_sub(elapsed).max(self.liveness.tick() / 4).min(self.liveness.tick());
            let waited = if self.peer_done {
                // Nothing signals that our close is acknowledged, so we ask.
                context.wait(None, Some(short.wait().min(wait)))
            } else {
                context.wait(Some((self.stream.as_fd(), PollFlags::POLLIN)), Some(wait))
            };
            if let Err(error) = waited {
                return CloseOutcome::Reset(Fault::of(
                    format_args!("cannot wait for the close of {}", self.peer),
                    &error,
                ));
            }
        }
    }

    /// Returns none when both sides are closed and ours is acknowledged; else how many octets are not acknowledged, our
    /// close counting as one.
    fn acknowledged_close(&mut self) -> std::io::Result<Option<u32>> {
        self.discard()?;
        let left = unacknowledged(self.stream.as_fd())?;
        // Once the peer has closed, reading does not show a reset any more.
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        Ok(if self.peer_done && left == 0 { None } else { Some(left) })
    }

    /// What the end of the usual wait means; none = it is worth waiting on, until it `must` mean something.
    fn silence(&self, left: u32, elapsed: Duration, must: bool) -> Option<CloseOutcome> {
        let seconds = elapsed.as_secs();
        let quiet = || CloseOutcome::Quiet(format!("the peer took every octet and did not close within {seconds} s"));
        match self.peer_state() {
            PeerState::Alive => Some(quiet()),
            PeerState::Gone => Some(CloseOutcome::Reset(self.gone())),
            PeerState::Unsure if !must => None,
            PeerState::Unsure if left == 0 => Some(quiet()),
            PeerState::Unsure => Some(CloseOutcome::Reset(self.gone())),
        }
    }

    /// A printer that never closes would print its jobs for ever: after a few times it waits for an operator.
    fn unconfirmed(&self, elapsed: Duration, control: &AttemptControl<'_>) -> CloseOutcome {
        let seconds = elapsed.as_secs();
        let text = format!("{} did not close within {seconds} s: its jobs are not confirmed (SHUTDOWNTO)", self.peer);
        let tries = control.context().streak.get().tries + 1;
        if tries < UNCONFIRMED || control.context().waker.stopping() {
            return CloseOutcome::Reset(Fault::new(DeviceError::DoesNotClose, text));
        }
        let hint = "printed so often without a close: give it longer, or SHUTDOWNTO 0";
        CloseOutcome::Reset(Fault::new(DeviceError::NeverCloses, format!("{text}; {tries} times in a row, {hint}")))
    }

    fn gone(&self) -> Fault {
        let silent = std::io::Error::from_raw_os_error(nix::libc::ETIMEDOUT);
        Fault::of(format_args!("while closing {}", self.peer), &silent)
    }
}
