//! Moments. They come from above: nothing below `commands`, `server` and `fastp` reads a clock.

use serde::{Deserialize, Serialize};

/// One reading of the machine's clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970, by the wall clock, which may jump.
    pub wall_ms: i64,
    /// Milliseconds since this boot, suspended time included. This clock never jumps.
    pub boot_ms: i64,
    /// Which boot.
    pub boot_id: String,
}

/// Milliseconds of spool time: the time since boot plus a stored offset. Ages and queue keys use it, so that a jump of
/// the wall clock neither reorders nor expires anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpoolTime(pub i64);

/// The stored base of spool time: its value at a known reading of the boot clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeBase {
    /// Spool time at that reading.
    pub spool_ms: i64,
    /// Wall time at that reading.
    pub wall_ms: i64,
    /// Boot time at that reading.
    pub boot_ms: i64,
    /// The boot in which it was taken.
    pub boot_id: String,
}

/// A machine counts as switched off for this long at most: a clock that is years ahead when it starts must not make
/// everything old. What was off for longer keeps its history for longer.
pub const LONGEST_OFF_MS: i64 = 24 * 3_600_000;

impl TimeBase {
    /// Spool time at `now`. Within a boot it advances with the boot clock; across boots by the wall clock, never back and
    /// at most by [`LONGEST_OFF_MS`].
    pub fn at(&self, now: &Moment) -> SpoolTime {
        let passed = if now.boot_id == self.boot_id {
            now.boot_ms - self.boot_ms
        } else {
            // What has passed since this boot is sure; only the time before it hangs on a clock that may be wrong.
            (now.wall_ms - self.wall_ms).min(now.boot_ms.max(0) + LONGEST_OFF_MS)
        };
        SpoolTime(self.spool_ms + passed.max(0))
    }

    /// Returns the base to store at `now`.
    pub fn renewed(&self, now: &Moment) -> Self {
        Self { spool_ms: self.at(now).0, wall_ms: now.wall_ms, boot_ms: now.boot_ms, boot_id: now.boot_id.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall_ms: i64, boot_ms: i64, boot: &str) -> Moment {
        Moment { wall_ms, boot_ms, boot_id: boot.into() }
    }

    #[test]
    fn a_jump_of_the_wall_clock_does_not_move_spool_time() {
        let base = TimeBase { spool_ms: 1000, wall_ms: 50_000, boot_ms: 10, boot_id: "a".into() };
        assert_eq!(base.at(&moment(-99_000, 110, "a")).0, 1100);
        assert_eq!(base.at(&moment(60_000, 5, "b")).0, 11_000);
        assert_eq!(base.at(&moment(40_000, 5, "b")).0, 1000);
    }

    #[test]
    fn a_clock_that_is_years_ahead_when_the_machine_starts_makes_a_day_of_it() {
        let base = TimeBase { spool_ms: 1000, wall_ms: 50_000, boot_ms: 10, boot_id: "a".into() };
        let year = 365 * 24 * 3_600_000;
        assert_eq!(base.at(&moment(year, 5, "b")).0, 1000 + LONGEST_OFF_MS + 5);
    }
}
