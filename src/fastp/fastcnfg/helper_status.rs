//! The status of a helper that reads, as its device sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a helper has ended.
#[derive(Clone, Debug)]
pub struct HelperStatus(Arc<AtomicBool>);

/// Held by the helper while it lives. Dropped when the helper ends, however it does, and also when it never began.
#[derive(Debug)]
pub struct HelperEndGuard(Arc<AtomicBool>);

impl Drop for HelperEndGuard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl HelperStatus {
    /// A helper that is about to begin.
    pub fn new() -> (Self, HelperEndGuard) {
        let over = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&over)), HelperEndGuard(over))
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_that_never_began_or_died_is_over() {
        let (status, ends) = HelperStatus::new();
        let work = move || drop(ends);
        assert!(!status.is_over());
        drop(work);
        assert!(status.is_over(), "it could not be started");
        let (status, ends) = HelperStatus::new();
        let helper = std::thread::spawn(move || {
            let _ends = ends;
            panic!("as the test wants");
        });
        assert!(helper.join().is_err() && status.is_over());
    }
}
