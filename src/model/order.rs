//! The order of a queue (docs/reference/spooler.md 2.1), as keys that never change, so that an index can hold it.

use serde::{Deserialize, Serialize};

use super::ids::JobRef;
use super::names::DeviceName;
use super::time::SpoolTime;

/// A job's priority, 1 (last) to 100 (first); 50 is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

/// `SELPRI` 0..=7 as model priorities.
const SELPRI: [u8; 8] = [1, 14, 29, 43, 50, 71, 86, 100];

impl Priority {
    /// Makes a priority from 1 to 100.
    pub fn new(p: u8) -> Option<Self> {
        (1..=100).contains(&p).then_some(Self(p))
    }
    /// Returns the number, 1 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
    /// Returns the priority that `SELPRI n` sets.
    pub fn from_selpri(n: u8) -> Option<Self> {
        SELPRI.get(usize::from(n)).map(|p| Self(*p))
    }
    /// Returns the selection priority that is shown for it: `round(p × 7 ÷ 100)`.
    pub fn selpri(self) -> u8 {
        ((u16::from(self.0) * 7 + 50) / 100) as u8
    }
    /// Returns its rank for ascending order: a higher priority has a smaller rank.
    pub fn rank(self) -> i64 {
        100 - i64::from(self.0)
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;
    fn try_from(p: u8) -> Result<Self, String> {
        Self::new(p).ok_or_else(|| format!("{p} is not a priority (1 to 100)"))
    }
}

impl From<Priority> for u8 {
    fn from(p: Priority) -> u8 {
        p.0
    }
}

/// One of the orders in which an actual destination takes jobs (docs/reference/infoprint.md 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SortBy {
    /// The earliest deadline first; jobs without one last.
    Deadline,
    /// In the order of arrival.
    Fifo,
    /// The highest priority first.
    JobPriority,
    /// The most pages first.
    LongestFirst,
    /// The fewest pages first.
    ShortestFirst,
}

impl SortBy {
    /// All of them, in the order of their words.
    pub const ALL: [Self; 5] = [Self::Deadline, Self::Fifo, Self::JobPriority, Self::LongestFirst, Self::ShortestFirst];
    /// Their words, in the same order.
    pub const WORDS: [&str; 5] = ["deadline", "fifo", "job-priority", "longest-job-first", "shortest-job-first"];

    /// Its word.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
    /// From its word, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word().eq_ignore_ascii_case(word))
    }
}

/// The order in which a device takes its jobs: what is compared first, then what is compared of those that are alike in that.
/// Of jobs that are alike in both, the one that arrived first goes first. A promoted job goes before all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum QueueOrder {
    /// By priority, then by arrival: FIFO ON.
    Arrival,
    /// By priority, then short jobs first, and waiting counts: FIFO OFF.
    ShortFirst,
    /// Any other one. Only [`QueueOrder::of`] makes it.
    By(SortBy, SortBy),
}

impl QueueOrder {
    /// Returns the order of a device that compares these.
    pub fn of(first: SortBy, then: SortBy) -> Self {
        match (first, then) {
            (SortBy::JobPriority, SortBy::Fifo | SortBy::JobPriority) => Self::Arrival,
            (SortBy::JobPriority, SortBy::ShortestFirst) => Self::ShortFirst,
            // No two jobs arrive at once, and none is both longer and shorter than another.
            (SortBy::Fifo, _) => Self::By(SortBy::Fifo, SortBy::Fifo),
            (first, then)
                if first == then
                    || (first == SortBy::LongestFirst && then == SortBy::ShortestFirst)
                    || (first == SortBy::ShortestFirst && then == SortBy::LongestFirst) =>
            {
                Self::By(first, SortBy::Fifo)
            }
            (first, then) => Self::By(first, then),
        }
    }
}

/// The deadline of a job that has none: behind every other.
pub const NO_DEADLINE: i64 = i64::MAX;

/// Returns the pages of so much work, as schedulers compare them.
pub fn pages_of_work(work: u64) -> i64 {
    i64::try_from(work.div_ceil(60)).unwrap_or(i64::MAX)
}

/// How far apart arrivals are counted: between two of them an operator can put other jobs.
pub const ARRIVAL_STEP: i64 = 1 << 28;

/// Where an operator puts a job that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reorder {
    /// Directly before another job.
    Before(JobRef),
    /// Directly behind another job.
    Behind(JobRef),
    /// On one device.
    On(DeviceName),
    /// Where a job stands that arrives now, on any device.
    Anew,
    /// Where it is, on any device.
    Anywhere,
}

/// Returns the work of a job in lines: lines × copies, else pages × 60, else octets ÷ 60. It is never 0.
pub fn work_in_lines(lines: Option<u64>, pages: Option<u64>, octets: u64, copies: u32) -> u64 {
    let one = match (lines, pages) {
        (Some(lines), _) if lines > 0 => lines,
        (_, Some(pages)) if pages > 0 => pages.saturating_mul(60),
        _ => octets / 60,
    };
    one.saturating_mul(u64::from(copies.max(1))).max(1)
}

/// SPEED of a queue whose devices are not known, in lines a minute.
pub const USUAL_SPEED: u32 = 100;

/// Returns the estimated time of `work` lines at `speed` lines per minute, in milliseconds.
pub fn estimate_ms(work: u64, speed: u32) -> i64 {
    let ms = u128::from(work) * 60_000 / u128::from(speed.max(1));
    i64::try_from(ms).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

/// Returns the key of the short-first order. A new entry N goes before a queued entry Q of the same priority exactly
/// when `E(N) < E(Q) − waited(Q)`. Can the key stay the same while Q waits? Yes: with `waited(Q) = arrival(N) −
/// arrival(Q)` the rule is `arrival(N) + E(N) < arrival(Q) + E(Q)`.
pub fn queue_key(arrival: SpoolTime, estimate_ms: i64) -> i64 {
    arrival.0.saturating_add(estimate_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn selection_priorities_survive_the_round_trip() {
        for n in 0..=7 {
            assert_eq!(Priority::from_selpri(n).unwrap().selpri(), n);
        }
        assert_eq!(Priority::default().selpri(), 4);
    }

    #[test]
    fn work_falls_back_from_lines_to_pages_to_octets() {
        assert_eq!(work_in_lines(Some(10), Some(99), 9999, 2), 20);
        assert_eq!(work_in_lines(None, Some(2), 9999, 1), 120);
        assert_eq!(work_in_lines(None, None, 600, 1), 10);
        assert_eq!(work_in_lines(None, None, 0, 1), 1);
    }

    proptest! {
        #[test]
        fn the_key_orders_as_the_rule_inserts(q in 0i64..1_000_000, eq in 0i64..1_000_000, later in 0i64..1_000_000, en in 0i64..1_000_000) {
            let n = q + later;
            let waited = n - q;
            let rule = en < eq - waited;
            prop_assert_eq!(rule, queue_key(SpoolTime(n), en) < queue_key(SpoolTime(q), eq));
        }
    }
}
