//! What was found to be in order a moment ago is not looked for again where many come at once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How long it holds.
const HOLDS: Duration = Duration::from_millis(20);

/// When something was last found in order.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<Option<Instant>>);

impl Lately {
    /// Whether that was just now.
    pub fn holds(&self) -> bool {
        let at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at.elapsed() < HOLDS)
    }

    /// It was found in order at `at`.
    pub fn found(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_for_a_moment() {
        let lately = Lately::default();
        assert!(!lately.holds());
        let Some(long_ago) = Instant::now().checked_sub(HOLDS) else { return };
        lately.found(long_ago);
        assert!(!lately.holds());
        lately.found(Instant::now() + Duration::from_secs(1));
        assert!(lately.holds());
    }
}
