//! What is due since a submission is seen to when its submitter has his answer: by a thread that does so for all of them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long after it has begun to look it looks again at the earliest: where many come at once one look is for all of them.
const PAUSE: Duration = Duration::from_millis(20);

/// Where submissions say that they have ended.
#[derive(Debug, Default)]
pub(crate) struct Afterwards {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// One has ended since somebody last began to look.
    rung: bool,
    /// A thread looks.
    runs: bool,
    over: bool,
}

impl Afterwards {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A submission has ended. False when no thread looks: then whoever asks does.
    #[must_use]
    pub fn ring(&self) -> bool {
        let mut state = self.state();
        if state.runs && !state.rung {
            state.rung = true;
            self.rung.notify_one();
        }
        state.runs
    }

    /// Does `work` when a submission has ended, until [`Afterwards::end`] and once more if one has ended since.
    pub fn run(&self, mut work: impl FnMut()) {
        let _runs = Runs::begin(self);
        let mut state = self.state();
        loop {
            state =
                self.rung.wait_while(state, |state| !state.rung && !state.over).unwrap_or_else(PoisonError::into_inner);
            if !state.rung {
                // Said under the lock: whoever rings later looks himself.
                state.runs = false;
                return;
            }
            state.rung = false;
            drop(state);
            let again = Instant::now() + PAUSE;
            work();
            let pause = again.saturating_duration_since(Instant::now());
            let paused = self.rung.wait_timeout_while(self.state(), pause, |state| !state.over);
            state = paused.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The thread ends.
    pub fn end(&self) {
        self.state().over = true;
        self.rung.notify_one();
    }
}

/// While it is there, a thread looks: also a panic ends that.
struct Runs<'a>(&'a Afterwards);

impl<'a> Runs<'a> {
    fn begin(all: &'a Afterwards) -> Self {
        all.state().runs = true;
        Self(all)
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.0.state().runs = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Waits until a thread looks.
    fn runs(all: &Afterwards) {
        let end = Instant::now() + Duration::from_secs(20);
        while !all.state().runs {
            assert!(Instant::now() < end, "nobody looks");
            std::thread::yield_now();
        }
    }

    #[test]
    fn one_look_is_for_all_that_ended_before_it_and_the_last_is_never_left_out() {
        let all = &Afterwards::default();
        assert!(!all.ring(), "nobody looks yet");
        let (began, begins) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut looks = 0;
                all.run(|| {
                    looks += 1;
                    began.send(()).unwrap();
                    let _ = goes_on.recv();
                });
                assert_eq!(looks, 3);
            });
            runs(all);
            assert!(all.ring());
            begins.recv().unwrap();
            // These end while it looks, so it looks once more for them.
            assert!((0..100).all(|_| all.ring()));
            go_on.send(()).unwrap();
            begins.recv().unwrap();
            assert!(all.ring());
            all.end();
            go_on.send(()).unwrap();
            begins.recv().unwrap();
            go_on.send(()).unwrap();
        });
        assert!(!all.ring(), "it has ended");
    }

    #[test]
    fn where_the_thread_broke_off_each_looks_himself() {
        let all = Afterwards::default();
        std::thread::scope(|scope| {
            let looks = scope.spawn(|| all.run(|| panic!("as the test wants")));
            runs(&all);
            let _ = all.ring();
            assert!(looks.join().is_err());
        });
        assert!(!all.ring());
    }
}
