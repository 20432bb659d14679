//! A device that accepts nothing: since when, and what follows.
//!
//! A printer without paper may rightly stand for hours. So a stall is reported once, and once more when it is over; it
//! ends the attempt only where an operator set a limit (TIMEOUT). Time in which nothing was offered does not count.

use std::time::{Duration, Instant};

/// The stall of one attempt, if there is one. At the start nothing was offered yet.
#[derive(Clone, Debug, Default)]
pub struct Stall {
    /// When the device last accepted something; none before anything was offered.
    moved: Option<Instant>,
    /// Octets the device has accepted, where we can tell that from what the local system buffers.
    taken: Option<u64>,
    reported: bool,
}

/// What to do about a device that we wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep waiting, and ask again after this long at the latest.
    Wait(Duration),
    /// It has been stalled since then, which must be reported.
    Stalled(Instant),
    /// It has been stalled for longer than allowed.
    Over,
}

impl Stall {
    /// Notes that the device accepted something. Returns how long it was stalled, if that was reported.
    pub fn moves(&mut self, now: Instant) -> Option<Duration> {
        let stood = self.moved.map(|moved| now.saturating_duration_since(moved));
        self.moved = Some(now);
        if std::mem::take(&mut self.reported) { stood } else { None }
    }

    /// Notes that the device has accepted `taken` octets of the attempt; returns whether that is more than before.
    pub fn reached(&mut self, taken: u64) -> bool {
        let more = self.taken.unwrap_or(0) < taken;
        self.taken = Some(taken.max(self.taken.unwrap_or(0)));
        more
    }

    /// Octets the device has accepted, of `octets` sent.
    pub fn taken(&self, octets: u64) -> u64 {
        self.taken.unwrap_or(octets)
    }

    /// Returns what to do about a device that we wait for: a stall is reported after `stall` and may last for `limit`.
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

    /// Leaves out a time in which nothing was offered.
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
