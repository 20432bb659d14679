//! Holding changes to three rules that SQLite alone would never ask for. An engine with many writers breaks where one of them
//! is broken, rarely and under load; builds with debug assertions, and so all tests, break here at once.
//!
//! * What a change decides from is locked before it is read. It is noted what was locked and what was read: a change that locks
//!   what it has read already fails, and so does one that changes what it has not locked. A look locks nothing.
//! * A change touches rows only. Whatever touches print files or wakes a process asks [`in_change`] first.
//! * A change may run again. Tests can have each of them run twice (`twice`): the first run is undone.

use std::cell::{Cell, RefCell};

use super::{Fallible, Lock};
use crate::model::Failure;

/// What the running change has locked and read.
#[derive(Debug, Default)]
pub(super) struct LockRules {
    change: RefCell<Option<Change>>,
}

#[derive(Debug, Default)]
struct Change {
    locked: Vec<Lock>,
    read: Vec<Lock>,
}

fn broken(what: Lock, how: &str) -> Failure {
    Failure::internal(format!("the rules of the store are broken: {what:?} {how}"))
}

thread_local! {
    static IN_CHANGE: Cell<bool> = const { Cell::new(false) };
}

/// Tells whether this thread carries out a change now. Only builds with debug assertions tell.
pub(crate) fn in_change() -> bool {
    IN_CHANGE.get()
}

/// Marks the time in which a thread carries out a change.
pub(super) struct InChange;

impl Drop for InChange {
    fn drop(&mut self) {
        IN_CHANGE.set(false);
    }
}

impl LockRules {
    /// A change begins, and lasts as long as what this returns.
    pub(super) fn begin(&self) -> InChange {
        if cfg!(debug_assertions) {
            *self.change.borrow_mut() = Some(Change::default());
            IN_CHANGE.set(true);
        }
        InChange
    }

    /// A look begins, or something that keeps no rules.
    pub(super) fn end(&self) {
        if cfg!(debug_assertions) {
            *self.change.borrow_mut() = None;
        }
    }

    pub(super) fn lock(&self, what: Lock) -> Fallible<()> {
        if let Some(change) = self.change.borrow_mut().as_mut()
            && !change.locked.contains(&what)
        {
            if change.read.contains(&what) {
                return Err(broken(what, "was read before it was locked"));
            }
            change.locked.push(what);
        }
        Ok(())
    }

    pub(super) fn has_read(&self, what: Lock) {
        if let Some(change) = self.change.borrow_mut().as_mut()
            && !change.locked.contains(&what)
        {
            change.read.push(what);
        }
    }

    pub(super) fn has_made(&self, what: Lock) {
        if let Some(change) = self.change.borrow_mut().as_mut() {
            change.locked.push(what);
        }
    }

    pub(super) fn demand_lock(&self, what: Lock) -> Fallible<()> {
        match self.change.borrow().as_ref() {
            Some(change) if !change.locked.contains(&what) => Err(broken(what, "is changed without its lock")),
            _ => Ok(()),
        }
    }
}

/// Running each change of a thread twice, for tests.
#[cfg(test)]
pub(crate) mod twice {
    use std::cell::Cell;

    thread_local! {
        static TWICE: Cell<bool> = const { Cell::new(false) };
    }

    /// Has each change of this thread run twice from now on, and the first run undone.
    pub(crate) fn run_twice() {
        TWICE.set(true);
    }

    pub(in super::super) fn runs_twice() -> bool {
        TWICE.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceId, JobId};

    #[test]
    fn what_was_read_before_it_was_locked_and_what_is_changed_without_a_lock_fails() {
        let rules = LockRules::default();
        let change = rules.begin();
        assert!(in_change());
        let (job, device) = (Lock::Job(JobId(1)), Lock::Device(DeviceId(1)));
        assert!(rules.demand_lock(job).is_err());
        rules.lock(job).unwrap();
        rules.has_read(job);
        rules.lock(job).unwrap();
        rules.demand_lock(job).unwrap();
        rules.has_read(device);
        assert!(rules.lock(device).is_err());
        drop(change);
        assert!(!in_change());
        let _change = rules.begin();
        rules.has_made(device);
        rules.demand_lock(device).unwrap();
        rules.end();
        rules.demand_lock(job).unwrap();
    }
}
