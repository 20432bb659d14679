//! The jobs that one connection has delivered and that are not released yet.
//!
//! A peer that has acknowledged every octet of a job may still lose it: it lies in its buffer. No amount of acknowledged
//! octets proves that a printer has read them, so a job stays here until its connection is closed cleanly. It is
//! released earlier when it is too old to be lost with any likelihood: with EXCLUSIVE OFF when the settle time has passed
//! since its last octet was acknowledged, time in which the peer takes nothing not counted, and octets behind it were
//! acknowledged too; with ON when the connection stood for the settle time after it.

use std::time::{Duration, Instant};

use crate::model::EntryId;

/// A gap between two acknowledgements that is longer is time in which the peer took nothing.
const LONGEST_GAP: Duration = Duration::from_secs(2);

/// A job whose every octet the peer acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    entry: EntryId,
    /// Where it ends, in octets of the connection.
    end: u64,
    /// When its last octet was acknowledged.
    at: Instant,
    /// The same on the clock that stands while the peer takes nothing.
    taken_at: Duration,
    /// A part of it went over a connection that the peer never closed: a clean close of this one says less than *sent*.
    unconfirmed: bool,
}

/// The jobs of one connection, in the order in which they were delivered.
#[derive(Debug, Default)]
pub struct Delivered {
    jobs: Vec<Job>,
    /// Octets of the connection before the running job.
    before: u64,
    /// Octets that the peer acknowledged.
    acknowledged: u64,
    /// When it last acknowledged something.
    last: Option<Instant>,
    /// How long it was taking octets.
    taking: Duration,
}

impl Delivered {
    /// The peer has acknowledged `octets` of the running job.
    pub fn acknowledge(&mut self, octets: u64, now: Instant) {
        let all = self.before.saturating_add(octets);
        if all <= self.acknowledged {
            return;
        }
        if let Some(last) = self.last {
            let gap = now.saturating_duration_since(last);
            if gap <= LONGEST_GAP {
                self.taking += gap;
            }
        }
        (self.acknowledged, self.last) = (all, Some(now));
    }

    /// The running job, of `octets` on this connection, is delivered.
    pub fn add(&mut self, entry: EntryId, octets: u64, unconfirmed: bool, now: Instant) {
        self.acknowledge(octets, now);
        self.before = self.before.saturating_add(octets);
        self.jobs.push(Job { entry, end: self.before, at: now, taken_at: self.taking, unconfirmed });
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether a part of one of them went over a connection that was not closed.
    pub fn has_unconfirmed(&self) -> bool {
        self.jobs.iter().any(|job| job.unconfirmed)
    }

    /// Takes all of them; `confirmed` alone those whose every octet went over connections that were closed.
    pub fn take(&mut self) -> (Vec<EntryId>, Vec<EntryId>) {
        let (unconfirmed, confirmed): (Vec<Job>, Vec<Job>) =
            std::mem::take(&mut self.jobs).into_iter().partition(|job| job.unconfirmed);
        let entries = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.entry).collect();
        (entries(confirmed), entries(unconfirmed))
    }

    /// Takes all of them, in order.
    pub fn take_all(&mut self) -> Vec<EntryId> {
        std::mem::take(&mut self.jobs).into_iter().map(|job| job.entry).collect()
    }

    /// EXCLUSIVE OFF: takes those that are old enough.
    pub fn take_followed(&mut self, settle: Duration) -> Vec<EntryId> {
        let old = |job: &Job| self.acknowledged > job.end && self.taking.saturating_sub(job.taken_at) >= settle;
        let count = self.jobs.iter().take_while(|job| old(job)).count();
        self.jobs.drain(..count).map(|job| job.entry).collect()
    }

    /// EXCLUSIVE ON: takes those after which the connection stood for `settle`.
    pub fn take_quiet(&mut self, settle: Duration, now: Instant) -> Vec<EntryId> {
        let old = |job: &Job| now.saturating_duration_since(job.at) >= settle;
        let count = self.jobs.iter().take_while(|job| old(job)).count();
        self.jobs.drain(..count).map(|job| job.entry).collect()
    }

    /// EXCLUSIVE ON: how long until the first of them has stood for `settle`; none = there is none.
    pub fn quiet_in(&self, settle: Duration, now: Instant) -> Option<Duration> {
        self.jobs.first().map(|job| settle.saturating_sub(now.saturating_duration_since(job.at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const SETTLE: Duration = Duration::from_secs(60);

    #[test]
    fn a_job_is_released_when_a_minute_of_octets_was_taken_behind_it() {
        let (mut delivered, start) = (Delivered::default(), Instant::now());
        delivered.acknowledge(500, start);
        delivered.add(EntryId(1), 1000, false, start + SECOND);
        for second in 1..=60 {
            assert_eq!(delivered.take_followed(SETTLE), [], "{second}");
            delivered.acknowledge(u64::from(second), start + SECOND + SECOND * second);
        }
        assert_eq!(delivered.take_followed(SETTLE), [EntryId(1)]);
        assert!(delivered.is_empty());
    }

    #[test]
    fn time_in_which_the_printer_takes_nothing_does_not_count() {
        let (mut delivered, start) = (Delivered::default(), Instant::now());
        delivered.add(EntryId(1), 1000, false, start);
        delivered.acknowledge(1, start + SECOND);
        // Out of paper for an hour.
        delivered.acknowledge(2, start + SECOND * 3600);
        assert_eq!(delivered.take_followed(SETTLE), []);
        for second in 1..=60 {
            delivered.acknowledge(2 + u64::from(second), start + SECOND * (3600 + second));
        }
        assert_eq!(delivered.take_followed(SETTLE), [EntryId(1)]);
    }

    #[test]
    fn nothing_is_released_that_no_octet_followed() {
        let (mut delivered, start) = (Delivered::default(), Instant::now());
        for second in 0..=90 {
            delivered.acknowledge(u64::from(second) * 10, start + SECOND * second);
        }
        delivered.add(EntryId(1), 901, false, start + SECOND * 91);
        assert_eq!(delivered.take_followed(SETTLE), []);
        assert_eq!(delivered.quiet_in(SETTLE, start + SECOND * 101), Some(SECOND * 50));
        assert_eq!(delivered.take_quiet(SETTLE, start + SECOND * 150), []);
        assert_eq!(delivered.take_quiet(SETTLE, start + SECOND * 151), [EntryId(1)]);
    }

    #[test]
    fn a_part_that_was_never_confirmed_keeps_its_job_from_being_sent() {
        let (mut delivered, now) = (Delivered::default(), Instant::now());
        delivered.add(EntryId(1), 10, true, now);
        delivered.add(EntryId(2), 10, false, now);
        assert_eq!(delivered.take(), (vec![EntryId(2)], vec![EntryId(1)]));
    }
}
