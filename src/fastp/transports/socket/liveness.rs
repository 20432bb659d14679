//! Whether the peer of a quiet connection is still there.
//!
//! A printer that is switched off says nothing. On an idle connection the kernel asks it (keepalive) and resets the
//! connection when it does not answer, so that it is found out within three quarters of the settle time, before its
//! transferred jobs are let go; they are let go only after it has answered.
//!
//! Is TCP_USER_TIMEOUT not made for this? It would also end the connection of a printer that is alive and full: since
//! Linux 5.11 the kernel counts the time for which a window stays closed, though every probe of it is answered, and a
//! printer without paper stands for hours. So while octets wait, the kernel is asked for the signs of life instead: a
//! printer is gone when it left three questions in a row unanswered *and* was silent for those three quarters. Of a
//! window that has been closed for long the questions are up to two minutes apart, so that this takes longer.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::sys::tcp::Vitals;

/// Questions in a row without an answer, before a silent peer is gone.
const QUESTIONS: u32 = 3;
/// By how much an answer may be late.
const SLACK: Duration = Duration::from_secs(2);

/// How a connection is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// How long a peer may be silent that is asked.
    limit: Duration,
    /// Seconds of silence before the first question.
    idle: u32,
    /// Seconds between questions.
    interval: u32,
    /// Questions.
    count: u32,
}

/// What is known of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It answered not long ago.
    Alive,
    /// It was asked and has not answered yet, or has to be asked.
    Unsure,
    /// It does not answer.
    Gone,
}

impl Watch {
    /// What follows from the settle time. The kernel counts in seconds: below four of them nothing is found out in time.
    pub(super) fn of(settle: Duration) -> Self {
        let limit = settle * 3 / 4;
        let seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX).clamp(3, 24 * 3600);
        let idle = seconds / 3;
        let interval = ((seconds - idle) / QUESTIONS).max(1);
        Self { limit, idle, interval, count: ((seconds - idle) / interval).min(QUESTIONS) }
    }

    /// Has the kernel watch a connection while it is idle.
    pub(super) fn apply(&self, stream: &TcpStream) -> io::Result<()> {
        setsockopt(stream, sockopt::KeepAlive, &true)?;
        setsockopt(stream, sockopt::TcpKeepIdle, &self.idle)?;
        setsockopt(stream, sockopt::TcpKeepInterval, &self.interval)?;
        setsockopt(stream, sockopt::TcpKeepCount, &self.count)?;
        Ok(())
    }

    /// What the signs of life say.
    pub(super) fn judge(&self, vitals: Vitals) -> Life {
        if vitals.unanswered >= QUESTIONS && vitals.silent >= self.limit {
            Life::Gone
        } else if vitals.unanswered == 0 && vitals.silent <= Duration::from_secs(self.idle.into()) + SLACK {
            Life::Alive
        } else {
            Life::Unsure
        }
    }

    /// How often a peer that is waited for is looked at.
    pub(super) fn tick(&self) -> Duration {
        (self.limit / 8).clamp(Duration::from_millis(50), Duration::from_secs(5))
    }

    /// When to look again at a peer of which nothing is known.
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
            let watch = Watch::of(Duration::from_secs(settle));
            let found = u64::from(watch.idle + watch.interval * watch.count);
            assert!(found * 4 <= settle * 3, "{settle}: {watch:?}");
            assert!(watch.count >= 2 && watch.idle >= 1, "one lost question is no proof: {watch:?}");
        }
        let usual = Watch::of(Duration::from_secs(60));
        assert_eq!((usual.idle, usual.interval, usual.count), (15, 10, 3));
        let shortest = Watch::of(Duration::ZERO);
        assert_eq!((shortest.idle, shortest.interval, shortest.count), (1, 1, 2));
    }

    #[test]
    fn silence_alone_is_no_death_and_neither_are_questions_alone() {
        let watch = Watch::of(Duration::from_secs(60));
        let judge = |unanswered, silent| watch.judge(Vitals { unanswered, silent: Duration::from_secs(silent) });
        assert_eq!(judge(0, 5), Life::Alive);
        assert_eq!(judge(0, 119), Life::Unsure, "a full printer that is asked every two minutes");
        assert_eq!(judge(5, 10), Life::Unsure, "segments that were lost");
        assert_eq!(judge(2, 200), Life::Unsure);
        assert_eq!(judge(3, 45), Life::Gone);
    }
}
