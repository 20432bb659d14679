//! On a slow disk a commit waits a little for whoever is about to come.
//!
//! A thread whose document is on its way to the disk announces itself ([`Store::announces`]). Where commits take long, a leader
//! waits for one that must be there soon: it would wait for the whole of this commit else, and for its own after that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::super::{Store, guard};
use super::BATCH;

/// Where a commit takes so long, it waits for the disk and not for processors.
const SLOW: Duration = Duration::from_millis(2);

/// Longer ones count as this: a disk that was stuck once says nothing of the next commits, and others wait at the gate meanwhile.
const LONGEST: Duration = Duration::from_millis(100);

impl Store {
    /// Says that this thread will hand in a change as soon as a document is on disk: whoever commits then may wait for it.
    pub(crate) fn announces(&self) -> Announced<'_> {
        guard(&self.waiting).coming.push((thread::current().id(), Instant::now()));
        Announced { store: self }
    }

    /// Waits for one more that is about to come, where that is worth while, and tells whether one may have come.
    ///
    /// When is it? All of the batch wait for it, and it would wait for a whole commit if this one began without it. So the
    /// batch waits as long as its waits together are shorter than two commits, half a commit at most.
    pub(super) fn awaits(&self, batch: usize, waited: &mut Duration) -> bool {
        let Some(commit) = self.pace.slow() else { return false };
        if batch >= BATCH {
            return false;
        }
        let queue = guard(&self.waiting);
        if !queue.pending.is_empty() {
            return true;
        }
        let now = Instant::now();
        let all = 2 * commit / u32::try_from(batch.max(1)).unwrap_or(u32::MAX);
        let patience = all.min(commit / 2).saturating_sub(*waited);
        let is_due = |(_, since): &(ThreadId, Instant)| {
            let lasts = now.saturating_duration_since(*since);
            lasts + patience >= commit && lasts < 2 * commit
        };
        if patience.is_zero() || !queue.coming.iter().any(is_due) {
            return false;
        }
        drop(self.arrived.wait_timeout(queue, patience));
        *waited += now.elapsed();
        true
    }
}

/// Has said that a change of its thread will come, until it has come or does not come any more.
pub(crate) struct Announced<'a> {
    store: &'a Store,
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        let me = thread::current().id();
        let mut queue = guard(&self.store.waiting);
        let before = queue.coming.len();
        queue.coming.retain(|(thread, _)| *thread != me);
        if queue.coming.len() < before {
            // It will not come: whoever waits for it looks for whom else to wait.
            self.store.arrived.notify_one();
        }
    }
}

/// How long commits take.
#[derive(Default)]
pub(in crate::store) struct Pace {
    /// An average in microseconds, in which the last ones weigh most.
    pub(super) micros: AtomicU64,
}

impl Pace {
    pub(super) fn took(&self, time: Duration) {
        let took = u64::try_from(time.min(LONGEST).as_micros()).unwrap_or(u64::MAX);
        let before = self.micros.load(Ordering::Relaxed);
        self.micros.store((before.saturating_mul(3).saturating_add(took)) / 4, Ordering::Relaxed);
    }

    /// How long one takes, where that is long.
    pub(super) fn slow(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.micros.load(Ordering::Relaxed))).filter(|time| *time >= SLOW)
    }
}
