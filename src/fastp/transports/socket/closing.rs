//! Closing: our end, and the peer's after it (fastp.md 16.4).
//!
//! Clean is a close on both sides, ours acknowledged: a printer that closes without having read everything resets. One
//! that closed its side while octets were on their way, and took them, has closed only half: once our close is
//! acknowledged nothing more will be heard of them, so they are transferred and no more. One that answers and does not
//! close has every octet, and usually that is enough; with SHUTDOWNTO it is not. One that does not answer has nothing.

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::Line;
use super::liveness::Life;
use crate::fastp::device::connection_settings::Farewell;
use crate::fastp::device::control::Pace;
use crate::fastp::device::errors::Fault;
use crate::fastp::process::backoff::Growing;
use crate::fastp::transports::Closing;
use crate::model::guardian::DeviceError;
use crate::sys::files::unacknowledged;

/// So often jobs are printed in a row whose printer had to close and did not.
const UNCONFIRMED: u32 = 3;
/// How long a closing connection is waited for when the process ends.
const PARTING: Duration = Duration::from_secs(2);

impl Line {
    pub(super) fn part(&mut self, pace: &mut Pace<'_>) -> Closing {
        let (desk, bell) = (pace.desk(), &pace.desk().bell);
        let (began, settle) = (Instant::now(), desk.timing.settle);
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            return Closing::Reset(Fault::of(format_args!("cannot close {}", self.peer), &error));
        }
        if !self.carried {
            return Closing::Clean;
        }
        if self.farewell == Farewell::None {
            return Closing::Quiet("the peer took every byte; its close is not waited for (SHUTDOWNTO 0)".into());
        }
        let mut short = Growing::new(Duration::from_millis(1), Duration::from_millis(200));
        loop {
            let left = match self.acknowledged_close() {
                Ok(None) if self.early => {
                    let how = "the peer took every byte, though it had closed its side before the last";
                    return Closing::Quiet(how.into());
                }
                Ok(None) => return Closing::Clean,
                Ok(Some(left)) => left,
                Err(error) => return Closing::Reset(Fault::of(format_args!("while closing {}", self.peer), &error)),
            };
            // When the process ends it does not wait out a slow peer.
            let most = |limit: Duration| if bell.stopping() { limit.min(PARTING) } else { limit };
            let elapsed = began.elapsed();
            let over = match self.farewell {
                Farewell::Required(limit) if elapsed >= most(limit) => Some(self.unconfirmed(elapsed, pace)),
                Farewell::Required(_) => None,
                _ if elapsed >= most(settle) => {
                    self.silence(left, elapsed, elapsed >= most(settle + self.watch.grace()))
                }
                _ => None,
            };
            if let Some(closing) = over {
                return closing;
            }
            if self.life() == Life::Gone {
                return Closing::Reset(self.gone());
            }
            let limit = match self.farewell {
                Farewell::Required(limit) => most(limit),
                _ => most(settle),
            };
            let wait = limit.saturating_sub(elapsed).max(self.watch.tick() / 4).min(self.watch.tick());
            let waited = if self.peer_done {
                // Nothing tells when our close is acknowledged: it is asked for.
                desk.wait(None, Some(short.wait().min(wait)))
            } else {
                desk.wait(Some((self.stream.as_fd(), PollFlags::POLLIN)), Some(wait))
            };
            if let Err(error) = waited {
                return Closing::Reset(Fault::of(format_args!("cannot wait for the close of {}", self.peer), &error));
            }
        }
    }

    /// None when both sides are closed and ours is acknowledged; else how much is not acknowledged, our close counting as
    /// one octet.
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
    fn silence(&self, left: u32, elapsed: Duration, must: bool) -> Option<Closing> {
        let seconds = elapsed.as_secs();
        let quiet = || Closing::Quiet(format!("the peer took every byte and did not close within {seconds} s"));
        match self.life() {
            Life::Alive => Some(quiet()),
            Life::Gone => Some(Closing::Reset(self.gone())),
            Life::Unsure if !must => None,
            Life::Unsure if left == 0 => Some(quiet()),
            Life::Unsure => Some(Closing::Reset(self.gone())),
        }
    }

    /// A printer that never closes would print its jobs for ever: after a few times it waits for an operator.
    fn unconfirmed(&self, elapsed: Duration, pace: &Pace<'_>) -> Closing {
        let seconds = elapsed.as_secs();
        let text = format!("{} did not close within {seconds} s: its jobs are not confirmed (SHUTDOWNTO)", self.peer);
        let tries = pace.desk().streak.get().tries + 1;
        if tries < UNCONFIRMED || pace.desk().bell.stopping() {
            return Closing::Reset(Fault::new(DeviceError::DoesNotClose, text));
        }
        let hint = "printed so often without a close: give it longer, or SHUTDOWNTO 0";
        Closing::Reset(Fault::new(DeviceError::NeverCloses, format!("{text}; {tries} times in a row, {hint}")))
    }

    fn gone(&self) -> Fault {
        let silent = std::io::Error::from_raw_os_error(nix::libc::ETIMEDOUT);
        Fault::of(format_args!("while closing {}", self.peer), &silent)
    }
}
