//! Names of print files come to the disk together: submissions that arrive at the same time wait for one sync of the directory.
//!
//! A thread syncs. Who has made a name asks for a sync that begins afterwards, does what else there is to do, and waits for it. While
//! one runs the next one gathers all who ask. A sync that fails fails all who asked for it, and no other one makes up for it: the
//! kernel may have dropped what it could not write.
//!
//! Where submissions come one after another, the thread also makes files ahead of them ([`super::spares`]): their names go to the
//! disk with those that somebody waits for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::files::sync_dir;

use super::spares::{self, Spare, Stock};

/// Failed syncs that are remembered until those who asked have looked.
const MOST_FAILED: usize = 64;

/// How long the last one is waited for at the end.
const LAST_SYNC: Duration = Duration::from_secs(5);

/// Syncs of one directory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    asked: Condvar,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How often a sync was asked for.
    asked: u64,
    /// Up to which of them syncs have ended.
    done: u64,
    /// Those behind the first number, up to the second one, have failed with this error.
    failed: Vec<(u64, u64, i32)>,
    /// Of those up to this number it is not known any more which have failed: all count as failed, with this error.
    forgotten: (u64, i32),
    /// How many syncs have failed.
    failures: u64,
    /// Files whose names are on disk already.
    stock: Stock,
    /// Whether the thread runs.
    runs: bool,
    over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, dir: &Path) {
        let mut state = self.state();
        loop {
            state = self.wait(state);
            let missing = if state.over { 0 } else { state.stock.missing() };
            let is_idle = state.asked == state.done;
            if is_idle && (state.over || missing == 0) {
                let spares = state.stock.clear();
                if spares.is_empty() && state.over {
                    // Seen under the lock: whoever asks later starts another thread.
                    state.runs = false;
                    self.done.notify_all();
                    return;
                }
                drop(state);
                drop(spares);
                state = self.state();
                continue;
            }
            drop(state);
            // Whoever asks while they are made has made his name, too. Where one cannot be made, the others go at once: what is short
            // is short for the sync as well.
            let made = spares::make(dir, missing);
            let until = self.state().asked;
            let result = sync_dir(dir);
            state = self.state();
            let (now_ready, over) = if result.is_ok() { (made, Vec::new()) } else { (Vec::new(), made) };
            let gone = state.stock.put(now_ready, missing);
            if !(over.is_empty() && gone.is_empty()) {
                drop(state);
                drop((over, gone));
                state = self.state();
            }
            let mut until = until;
            if let Err(error) = result {
                // Who has asked meanwhile may have made his name before it failed: the next one would not hear of it.
                until = state.asked;
                state.failures += 1;
                let failed = (state.done, until, error.raw_os_error().unwrap_or(nix::libc::EIO));
                if until > state.done {
                    state.failed.push(failed);
                }
                if state.failed.len() > MOST_FAILED {
                    let (_, to, error) = state.failed.remove(0);
                    state.forgotten = (to, error);
                }
            }
            state.done = until;
            self.done.notify_all();
        }
    }
}

impl Shared {
    /// Waits until there is something to do: a sync, or files that are to lie ready, or to be removed.
    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let rests = |state: &State| state.asked == state.done && !state.over && state.stock.missing() == 0;
        let mut state = state;
        while rests(&state) {
            if !state.stock.is_there() {
                state = self.asked.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if state.stock.is_forgotten() {
                break;
            }
            let rest = state.stock.rest();
            let waited = self.asked.wait_timeout(state, rest);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }
}

/// A sync that was asked for.
#[derive(Debug)]
pub(crate) enum Asked<'a> {
    /// The thread does it.
    There(&'a Names, u64),
    /// There is no thread: whoever waits does it.
    Here(&'a Path),
    /// One has failed already since the name was made.
    Lost,
}

impl Names {
    /// Asks for a sync of `dir`, the same each time, that begins after this.
    pub fn ask<'a>(&'a self, dir: &'a Path) -> Asked<'a> {
        let mut state = self.shared.state();
        if !self.begin(&mut state, dir) {
            return Asked::Here(dir);
        }
        state.asked += 1;
        let number = state.asked;
        drop(state);
        self.shared.asked.notify_one();
        Asked::There(self, number)
    }

    /// No file lies ready any more, and those that did are gone; the thread is waited for, but not for ever.
    pub fn end(&self) {
        let mut state = self.shared.state();
        state.over = true;
        self.shared.asked.notify_one();
        drop(self.shared.done.wait_timeout_while(state, LAST_SYNC, |state| state.runs));
    }

    /// How many syncs have failed so far. Who makes a name notes it before, and hears of a failure of which nobody was told with
    /// [`Names::ask_since`].
    pub fn failures(&self) -> u64 {
        self.shared.state().failures
    }

    /// As [`Names::ask`], for a name that was made when so many syncs had failed: if one has since, its sync may have lost that name.
    pub fn ask_since<'a>(&'a self, dir: &'a Path, failures: u64) -> Asked<'a> {
        if self.failures() == failures { self.ask(dir) } else { Asked::Lost }
    }

    /// Takes a file that lies ready in `dir`, the same each time; the thread makes more where more will come.
    pub fn take_spare(&self, dir: &Path) -> Option<Spare> {
        let mut state = self.shared.state();
        let spare = state.stock.take(dir);
        if state.stock.missing() > 0 && self.begin(&mut state, dir) {
            self.shared.asked.notify_one();
        }
        spare
    }

    /// Starts the thread unless it runs. False when it cannot be started.
    fn begin(&self, state: &mut State, dir: &Path) -> bool {
        if !state.runs {
            let (shared, path) = (Arc::clone(&self.shared), PathBuf::from(dir));
            let thread = std::thread::Builder::new().name("names".into()).stack_size(64 * 1024);
            state.runs = thread.spawn(move || shared.run(&path)).is_ok();
        }
        state.runs
    }
}

impl Asked<'_> {
    /// Waits until it has ended.
    ///
    /// # Errors
    /// When the names may not be on disk.
    pub fn wait(self) -> io::Result<()> {
        let (names, number) = match self {
            Self::Here(dir) => return sync_dir(dir),
            Self::Lost => return Err(io::Error::from_raw_os_error(nix::libc::EIO)),
            Self::There(names, number) => (names, number),
        };
        let state = names.shared.state();
        let waits = names.shared.done.wait_while(state, |state| state.done < number);
        let state = waits.unwrap_or_else(PoisonError::into_inner);
        if number <= state.forgotten.0 {
            return Err(io::Error::from_raw_os_error(state.forgotten.1));
        }
        match state.failed.iter().find(|(from, to, _)| (from + 1..=*to).contains(&number)) {
            Some((_, _, error)) => Err(io::Error::from_raw_os_error(*error)),
            None => Ok(()),
        }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.asked.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn many_who_ask_wait_for_few_syncs_and_each_for_one_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let names = Names::default();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..20).for_each(|_| names.ask(dir.path()).wait().unwrap()));
            }
        });
        let state = names.shared.state();
        assert_eq!((state.asked, state.done), (320, 320));
    }

    #[test]
    fn a_sync_that_fails_fails_those_who_asked_for_it_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server");
        let names = Names::default();
        let (first, second) = (names.ask(&path), names.ask(&path));
        assert_eq!(first.wait().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(second.wait().is_err());
        std::fs::create_dir(&path).unwrap();
        names.ask(&path).wait().unwrap();
    }

    fn one_that_lies_ready(names: &Names, dir: &Path) -> Spare {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < end, "no file lies ready");
            if let Some(spare) = names.take_spare(dir) {
                return spare;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn files_lie_ready_where_many_come_and_none_do_later() {
        let dir = tempfile::tempdir().unwrap();
        let count = || std::fs::read_dir(dir.path()).unwrap().count();
        let names = Names::default();
        assert!(names.take_spare(dir.path()).is_none(), "one that comes alone has none made");
        assert_eq!(count(), 0);
        let end = Instant::now() + Duration::from_secs(20);
        let spare = one_that_lies_ready(&names, dir.path());
        let (name, _file) = spare.used().unwrap();
        assert!(dir.path().join(&name).exists());
        while count() > 1 {
            assert!(Instant::now() < end, "those that nobody took are not removed");
            std::thread::yield_now();
        }
        assert!(dir.path().join(&name).exists());
        while names.take_spare(dir.path()).is_none() {
            assert!(Instant::now() < end, "no file lies ready again");
            std::thread::yield_now();
        }
        names.end();
        assert_eq!(count(), 1, "none is left at the end");
        names.ask(dir.path()).wait().unwrap();
    }

    #[test]
    fn a_file_that_lost_its_name_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let names = Names::default();
        let taken = one_that_lies_ready(&names, dir.path());
        for file in std::fs::read_dir(dir.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        assert_eq!(taken.used().unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn who_looks_late_hears_of_a_failure_however_many_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server");
        let names = Names::default();
        let late = names.ask(&path);
        for _ in 0..3 * MOST_FAILED {
            assert!(names.ask(&path).wait().is_err());
        }
        std::fs::create_dir(&path).unwrap();
        names.ask(&path).wait().unwrap();
        assert_eq!(late.wait().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
