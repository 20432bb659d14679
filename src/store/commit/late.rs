//! Commits that are synced later.
//!
//! A command file declares thousands of objects, and a sync for each would take most of its time. So the changes of a batch
//! in which each says that it may be late are committed without a sync of the log ([`Late`]). What a power loss leaves is
//! what was committed up to some moment: SQLite reads the log up to the first page that is not whole. The log is synced by
//! the next commit that is not late, whoever makes it, by the first one a second after, and by [`sync`](super::super::Store::sync).
//!
//! A sync that fails may leave what was committed late before it nowhere but in memory, and the next one would succeed: a hole,
//! and nothing behind it would outlive a power loss. So after a commit of which nobody knows whether it was synced the log is
//! written over itself before anything else is.
//!
//! Is anything lost that somebody has done something with? No: a job is never late, and its commit syncs what stands before
//! it in the log. Can the mark beside the print files get ahead of the database? No: only a synced commit writes it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::guard;

/// A commit that comes so long after the first late one is synced.
const LONGEST_LATE: Duration = Duration::from_secs(1);

/// Commits that wait for the sync of the log.
#[derive(Default)]
pub(in crate::store) struct Late {
    /// Since when.
    since: Mutex<Option<Instant>>,
    /// Whether a sync has failed.
    doubted: AtomicBool,
}

impl Late {
    /// Tells whether some wait.
    pub(in crate::store) fn is_begun(&self) -> bool {
        guard(&self.since).is_some()
    }

    /// Tells whether one more may wait.
    pub(super) fn may_grow(&self) -> bool {
        guard(&self.since).is_none_or(|since| since.elapsed() < LONGEST_LATE)
    }

    pub(super) fn begin(&self) {
        guard(&self.since).get_or_insert_with(Instant::now);
    }

    pub(super) fn end(&self) {
        *guard(&self.since) = None;
    }

    /// A commit has failed; `of_sync` if perhaps its sync did.
    pub(super) fn doubt(&self, of_sync: bool) {
        self.doubted.fetch_or(of_sync, Ordering::SeqCst);
    }

    /// Whether a sync has failed since the log was last trusted.
    pub(super) fn in_doubt(&self) -> bool {
        self.doubted.load(Ordering::SeqCst)
    }

    pub(super) fn trust(&self) {
        self.doubted.store(false, Ordering::SeqCst);
    }
}
