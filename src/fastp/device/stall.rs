//! A device that takes nothing: since when, and what follows.
//!
//! A printer without paper may rightly stand for hours. So a standstill is said once, and once more when it is over; it
//! ends the attempt only where an operator set a limit (TIMEOUT). Time in which nothing was offered does not count.

use std::time::{Duration, Instant};

/// The standstill of one attempt, if it stands. In the beginning nothing was offered yet.
#[derive(Clone, Debug, Default)]
pub struct Stall {
    /// When the device last took something; none before anything was offered.
    moved: Option<Instant>,
    /// Octets that it has taken, where that can be told apart from what this system keeps for it.
    taken: Option<u64>,
    reported: bool,
}

/// What is to be done about a device that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wait on, and ask again after so long at the latest.
    Wait(Duration),
    /// It has stood since then: that is to be said.
    Stalled(Instant),
    /// It has stood longer than it may.
    Over,
}

impl Stall {
    /// The device took something. How long it stood, if that was said.
    pub fn moves(&mut self, now: Instant) -> Option<Duration> {
        let stood = self.moved.map(|moved| now.saturating_duration_since(moved));
        self.moved = Some(now);
        if std::mem::take(&mut self.reported) { stood } else { None }
    }

    /// The device has taken `taken` octets of the attempt; whether that is more than before.
    pub fn reached(&mut self, taken: u64) -> bool {
        let more = self.taken.unwrap_or(0) < taken;
        self.taken = Some(taken.max(self.taken.unwrap_or(0)));
        more
    }

    /// Octets that it has taken, of `octets` that went out.
    pub fn taken(&self, octets: u64) -> u64 {
        self.taken.unwrap_or(octets)
    }

    /// The device is waited for: it is said after `stall`, and it may stand for `limit`.
    pub fn waits(&mut self, now: Instant, stall: Duration, limit: Option<Duration>) -> Verdict {
        let moved = *self.moved.get_or_insert(now);
        let stood = now.saturating_duration_since(moved);
        if limit.is_some_and(|limit| stood >= limit) {
            return Verdict::Over;
        }
        if !self.reported && stood >= stall {
            self.reported = true;
            return Verdict::Stalled(moved);
        }
        let untold = (!self.reported).then(|| stall.saturating_sub(stood));
        let left = limit.map(|limit| limit.saturating_sub(stood));
        Verdict::Wait(untold.into_iter().chain(left).min().unwrap_or(Duration::MAX))
    }

    /// Nothing was offered for so long: it does not count.
    pub fn forgive(&mut self, paused: Duration) {
        self.moved = self.moved.and_then(|moved| moved.checked_add(paused));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_standstill_is_said_once_and_its_end_once() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        let at = |seconds| start + SECOND * seconds;
        assert_eq!(stall.waits(at(0), SECOND * 30, None), Verdict::Wait(SECOND * 30));
        assert_eq!(stall.moves(at(10)), None, "it did not stand long enough to be spoken of");
        assert_eq!(stall.waits(at(30), SECOND * 30, None), Verdict::Wait(SECOND * 10));
        assert_eq!(stall.waits(at(40), SECOND * 30, None), Verdict::Stalled(at(10)));
        assert_eq!(stall.waits(at(99), SECOND * 30, None), Verdict::Wait(Duration::MAX));
        assert_eq!(stall.moves(at(110)), Some(SECOND * 100));
        assert_eq!(stall.moves(at(111)), None);
    }

    #[test]
    fn a_limit_ends_it_and_a_pause_does_not_count() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        let at = |seconds| start + SECOND * seconds;
        let limit = Some(SECOND * 20);
        assert_eq!(stall.waits(at(0), SECOND * 30, limit), Verdict::Wait(SECOND * 20));
        stall.forgive(SECOND * 100);
        assert_eq!(stall.waits(at(119), SECOND * 30, limit), Verdict::Wait(SECOND));
        assert_eq!(stall.waits(at(120), SECOND * 30, limit), Verdict::Over);
    }

    #[test]
    fn what_the_device_took_is_less_than_what_went_out_where_that_is_known() {
        let mut stall = Stall::default();
        assert_eq!(stall.taken(500), 500);
        assert!(stall.reached(100) && !stall.reached(100) && !stall.reached(50));
        assert_eq!(stall.taken(500), 100);
    }
}
