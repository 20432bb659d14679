//! A helper that reads, as its device sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a helper has ended.
#[derive(Clone, Debug)]
pub struct Underway(Arc<AtomicBool>);

/// What the helper holds while it lives. It is dropped when the helper ends, however it does, and also when it never
/// began.
#[derive(Debug)]
pub struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Underway {
    /// A helper that is about to begin.
    pub fn new() -> (Self, Ends) {
        let over = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&over)), Ends(over))
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
        let (underway, ends) = Underway::new();
        let work = move || drop(ends);
        assert!(!underway.is_over());
        drop(work);
        assert!(underway.is_over(), "it could not be started");
        let (underway, ends) = Underway::new();
        let helper = std::thread::spawn(move || {
            let _ends = ends;
            panic!("as the test wants");
        });
        assert!(helper.join().is_err() && underway.is_over());
    }
}
