//! Whether the peer of a quiet connection is still there.
//!
//! A printer that is switched off says nothing. On an idle connection the kernel probes it (keepalive) and resets the
//! connection when it does not answer. So we find out within three quarters of the settle time, before its transferred
//! jobs are released; they are released only after it has answered.
//!
//! Is TCP_USER_TIMEOUT not made for this? It would also end the connection of a printer that is alive and full: since
//! Linux 5.11 the kernel counts the time for which a window stays closed, though every probe of it is answered, and a
//! printer without paper stands for hours. So while octets wait, we ask the kernel for signs of life: a printer is gone
//! when it left three probes in a row unanswered *and* was silent for those three quarters. When a window has been
//! closed for long, the probes are up to two minutes apart, so that this takes longer.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::sys::tcp::Vitals;

/// Unanswered probes in a row after which a silent peer is gone.
const QUESTIONS: u32 = 3;
/// How late an answer may be.
const SLACK: Duration = Duration::from_secs(2);

/// How a connection is checked for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LivenessCheck {
    /// How long a probed peer may be silent.
    limit: Duration,
    /// Seconds of silence before the first probe.
    idle: u32,
    /// Seconds between probes.
    interval: u32,
    /// Number of probes.
    count: u32,
}

/// What is known of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerState {
    /// It answered recently.
    Alive,
    /// It was probed and has not answered yet, or must be probed.
    Unsure,
    /// It does not answer.
    Gone,
}

impl LivenessCheck {
    /// Derives the limits from the settle time. The kernel counts in seconds: below four of them nothing is found out
    /// in time.
    pub(super) fn of(settle: Duration) -> Self {
        let limit = settle * 3 / 4;
        let seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX).clamp(3, 24 * 3600);
        let idle = seconds / 3;
        let interval = ((seconds - idle) / QUESTIONS).max(1);
        Self { limit, idle, interval, count: ((seconds - idle) / interval).min(QUESTIONS) }
    }

    /// Makes the kernel probe a connection while it is idle.
    pub(super) fn apply(&self, stream: &TcpStream) -> io::Result<()> {
        setsockopt(stream, sockopt::KeepAlive, &true)?;
        setsockopt(stream, sockopt::TcpKeepIdle, &self.idle)?;
        setsockopt(stream, sockopt::TcpKeepInterval, &self.interval)?;
        setsockopt(stream, sockopt::TcpKeepCount, &self.count)?;
        Ok(())
    }

    /// Judges the signs of life.
    pub(super) fn judge(&self, vitals: Vitals) -> PeerState {
        if vitals.unanswered >= QUESTIONS && vitals.silent >= self.limit {
            PeerState::Gone
        } else if vitals.unanswered == 0 && vitals.silent <= Duration::from_secs(self.idle.into()) + SLACK {
            PeerState::Alive
        } else {
            PeerState::Unsure
        }
    }

    /// How often we check a peer that we wait for.
    pub(super) fn tick(&self) -> Duration {
        (self.limit / 8).clamp(Duration::from_millis(50), Duration::from_secs(5))
    }

    /// When to check again a peer whose state is unknown.
    pub(super) fn again(&self) -> Duration {
        Duration::from_secs(1).min(self.tick() * 2)
    }

    /// How much longer than usual to wait for an answer, when it matters.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(u64::from(self.interval) * u64::from(self.count)) + SLACK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_gone_is_found_out_within_three_quarters_of_the_settle_time() {
        for settle in [4, 5, 8, 10, 30, 60, 61, 300, 3600] {
            let liveness = LivenessCheck::of(Duration::from_secs(settle));
            let found = u64::from(liveness.idle + liveness.interval * liveness.count);
            assert!(found * 4 <= settle * 3, "{settle}: {liveness:?}");
            assert!(liveness.count >= 2 && liveness.idle >= 1, "one lost question is no proof: {liveness:?}");
        }
        let usual = LivenessCheck::of(Duration::from_secs(60));
        assert_eq!((usual.idle, usual.interval, usual.count), (15, 10, 3));
        let shortest = LivenessCheck::of(Duration::ZERO);
        assert_eq!((shortest.idle, shortest.interval, shortest.count), (1, 1, 2));
    }

    #[test]
    fn silence_alone_is_no_death_and_neither_are_questions_alone() {
        let liveness = LivenessCheck::of(Duration::from_secs(60));
        let judge = |unanswered, silent| liveness.judge(Vitals { unanswered, silent: Duration::from_secs(silent) });
        assert_eq!(judge(0, 5), PeerState::Alive);
        assert_eq!(judge(0, 119), PeerState::Unsure, "a full printer that is asked every two minutes");
        assert_eq!(judge(5, 10), PeerState::Unsure, "segments that were lost");
        assert_eq!(judge(2, 200), PeerState::Unsure);
        assert_eq!(judge(3, 45), PeerState::Gone);
    }
}
