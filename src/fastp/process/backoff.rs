//! How long to wait before something that failed is tried again.

use std::time::Duration;

/// The longest wait between two tries of a device, unless its RETRY is longer.
const LONGEST: Duration = Duration::from_secs(60);
/// The shortest, for a RETRY of 0.
const SHORTEST: Duration = Duration::from_millis(100);

/// Returns the wait after the `tries`-th failure of a device whose RETRY is `retry` seconds. RETRY doubles with each
/// failure, up to a minute. `random` takes off up to a fifth, so that devices that failed together do not come back
/// together. The wait is never shorter than RETRY.
pub fn device(retry: u32, tries: u32, random: u32) -> Duration {
    let floor = Duration::from_secs(u64::from(retry)).max(SHORTEST);
    let doubled = floor.saturating_mul(1 << tries.saturating_sub(1).min(16));
    let wait = doubled.min(LONGEST.max(floor));
    wait.saturating_sub(wait / 5 * (random % 1024) / 1024).max(floor)
}

/// Whether a try at `due_ms` is due. Both times are wall-clock times, and the clock may have been set back in between:
/// a try farther away than any wait of a device with this RETRY was meant for a time that has passed.
pub fn is_due(due_ms: i64, retry: u32, wall_ms: i64) -> bool {
    let longest = i64::from(retry).saturating_mul(1000).max(LONGEST.as_millis() as i64);
    due_ms <= wall_ms || due_ms.saturating_sub(wall_ms) > longest
}

/// A wait that doubles from `first` up to `most`.
#[derive(Clone, Debug)]
pub struct GrowingWait {
    first: Duration,
    next: Duration,
    most: Duration,
}

impl GrowingWait {
    /// Creates a wait that begins with `first`.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, next: first, most }
    }
    /// Returns the next wait.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.most);
        wait
    }
    /// Starts again with the first wait.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_is_the_floor_of_a_growing_wait_of_at_most_a_minute() {
        let seconds = |tries| device(5, tries, 0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 99].map(seconds), [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(device(300, 4, 0).as_secs(), 300);
        for random in [0, 1, 512, 1023, u32::MAX] {
            let wait = device(5, 5, random);
            assert!(wait <= LONGEST && wait >= Duration::from_secs(48), "{wait:?}");
            assert_eq!(device(5, 1, random).as_secs(), 5);
        }
        assert_eq!(device(0, 1, 0), SHORTEST);
        assert!(device(u32::MAX, u32::MAX, 7) >= Duration::from_secs(u64::from(u32::MAX)));
    }

    #[test]
    fn a_try_farther_away_than_any_wait_is_due_for_the_clock_was_set_back() {
        assert!(is_due(1_000, 5, 1_000) && is_due(999, 5, 1_000));
        assert!(!is_due(1_001, 5, 1_000) && !is_due(61_000, 5, 1_000));
        assert!(is_due(61_001, 5, 1_000), "an hour back, and the device would stand still for an hour");
        assert!(!is_due(301_000, 300, 1_000) && is_due(301_001, 300, 1_000));
        assert!(is_due(i64::MAX, u32::MAX, i64::MIN));
    }

    #[test]
    fn a_growing_wait_stops_growing() {
        let mut wait = GrowingWait::new(Duration::from_millis(50), Duration::from_millis(150));
        let waits: Vec<_> = (0..4).map(|_| wait.wait().as_millis()).collect();
        assert_eq!(waits, [50, 100, 150, 150]);
        wait.reset();
        assert_eq!(wait.wait().as_millis(), 50);
    }
}
