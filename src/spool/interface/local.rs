//! A spool in the caller's process, as [`super::operations::Operations`].
//!
//! The table of operations makes the methods. What is here is what the rows of one kind have in common: an operation that
//! looks, changes or waits calls the spool; one that wakes then sees to the print processes that have work. One that declares
//! does so at once, or together with others while they are gathered (for a command file): on the disk first, then print processes
//! are seen to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::job::Accepted;
use crate::model::time::Moment;
use crate::model::{Call, Caller, Failure};

use crate::spool::afterwards::Afterwards;
use crate::spool::jobs::submit::Taken;
use crate::spool::{Attendant, Spool, WakeTarget};

/// The longest time that one operation waits.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A spool, who asks it, and who sees to its print processes.
pub struct Local {
    spool: Spool,
    caller: Caller,
    clock: fn() -> Moment,
    attendant: Arc<dyn Attendant>,
    /// The process that asks.
    process: Option<u32>,
    /// What declarations wait for, while they are gathered.
    gathered: Option<Mutex<Vec<WakeTarget>>>,
    /// Who is told that a submission has ended, where a submitter has his answer before anything else that is due is seen to.
    afterwards: Option<Arc<Afterwards>>,
    /// Whether that is still to be done.
    left: AtomicBool,
}

/// How long an operation waits that is to wait `timeout_ms`.
pub(super) fn longest(timeout_ms: u64) -> Duration {
    Duration::from_millis(timeout_ms).min(LONGEST_WAIT)
}

impl Local {
    /// The spool for one caller.
    pub fn new(spool: Spool, caller: Caller, clock: fn() -> Moment, attendant: Arc<dyn Attendant>) -> Self {
        let (process, gathered, left) = (None, None, AtomicBool::new(false));
        Self { spool, caller, clock, attendant, process, gathered, afterwards: None, left }
    }

    /// Whoever hands in a job has his answer before anything else that is due is seen to: who asks calls
    /// [`Operations::has_answered`](super::operations::Operations::has_answered). A thread that runs `afterwards` sees to it then.
    #[must_use]
    pub(crate) fn answering_first(mut self, afterwards: Arc<Afterwards>) -> Self {
        self.afterwards = Some(afterwards);
        self
    }

    /// It is asked by this process.
    #[must_use]
    pub fn asked_by(mut self, process: u32) -> Self {
        self.process = Some(process);
        self
    }

    /// The spool itself.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// A call of its caller, now: one for each operation.
    pub(super) fn call(&self) -> Call {
        Call { process: self.process, ..Call::of(&self.caller, &(self.clock)()) }
    }

    /// Carries out an operation that looks.
    pub(super) fn looks<T>(&self, work: impl FnOnce(&Spool, &Call) -> Result<T, Failure>) -> Result<T, Failure> {
        work(&self.spool, &self.call())
    }

    /// Carries out an operation that changes the spool and gives no print process work.
    pub(super) fn changes<T>(&self, work: impl FnOnce(&Spool, &Call) -> Result<T, Failure>) -> Result<T, Failure> {
        self.end_gathered()?;
        let result = work(&self.spool, &self.call())?;
        self.see_to_what_is_due();
        // It is done, whatever cannot be synced now: that is told by the next one.
        let _ = self.end_gathered();
        Ok(result)
    }

    /// Carries out an operation that changes the spool, and sees to the print processes that have work.
    pub(super) fn wakes<W: Wakes>(
        &self,
        work: impl FnOnce(&Spool, &Call) -> Result<W, Failure>,
    ) -> Result<W::Result, Failure> {
        self.end_gathered()?;
        let call = self.call();
        let result = work(&self.spool, &call)?.attended(self, &call.now);
        self.see_to_what_is_due();
        // As above.
        let _ = self.end_gathered();
        Ok(result)
    }

    /// Carries out a submission, and sees to the print processes that have work.
    pub(super) fn takes_in(
        &self,
        work: impl FnOnce(&Spool, &Call) -> Result<Taken, Failure>,
    ) -> Result<Accepted, Failure> {
        if self.afterwards.is_none() || self.gathered.is_some() {
            return self.wakes(work);
        }
        let call = self.call();
        let accepted = work(&self.spool, &call)?.attended(self, &call.now);
        self.left.store(true, Ordering::Relaxed);
        Ok(accepted)
    }

    /// Sees to what is due since a submission whose submitter has his answer now.
    pub(super) fn see_to_what_was_left(&self) {
        if !self.left.swap(false, Ordering::Relaxed) {
            return;
        }
        if !self.afterwards.as_ref().is_some_and(|afterwards| afterwards.ring()) {
            self.see_to_what_is_due();
        }
    }

    /// Carries out an operation that declares something. While declarations are gathered it is on disk a little later, and
    /// so are the print processes seen to that have work.
    pub(super) fn declares<W: Wakes>(
        &self,
        work: impl FnOnce(&Spool, &Call) -> Result<W, Failure>,
    ) -> Result<W::Result, Failure> {
        if self.gathered.is_none() {
            return self.wakes(work);
        }
        let call = Call { later: true, ..self.call() };
        let result = work(&self.spool, &call)?.attended(self, &call.now);
        // A job that waits for a process that sleeps waits for nobody's next command, whatever becomes of this one. A process that
        // runs looks by itself. What cannot be synced now is told at the end.
        if self.gathered_sleepers() {
            let _ = self.end_gathered();
        }
        Ok(result)
    }

    /// Whether a process that does not run has work because of what was gathered.
    fn gathered_sleepers(&self) -> bool {
        let gathered = self.gathered.as_ref().map(|gathered| gathered.lock().unwrap_or_else(PoisonError::into_inner));
        gathered.is_some_and(|targets| targets.iter().any(|target| !target.running))
    }

    /// Has on disk what was gathered, and sees to the print processes that have work because of it.
    fn end_gathered(&self) -> Result<(), Failure> {
        let Some(gathered) = &self.gathered else { return Ok(()) };
        // Nobody is sent to look at what the next power loss may take back.
        self.spool.sync()?;
        let targets = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if !targets.is_empty() {
            let dead = self.spool.dead_processes().unwrap_or_default();
            self.attend_with(targets, dead, &(self.clock)());
        }
        Ok(())
    }

    /// Ends what was gathered, and gathers declarations from now on, or no longer.
    pub(super) fn set_gathering(&mut self, on: bool) -> Result<(), Failure> {
        let was = self.gathered.is_some();
        self.end_gathered()?;
        if was != on {
            self.gathered = on.then(Mutex::default);
        }
        if was {
            self.see_to_what_is_due();
            self.end_gathered()?;
        }
        Ok(())
    }

    /// Does what is due at this moment, after a change that was carried out: nothing that fails here makes that one fail, and
    /// the next one tries again.
    pub fn see_to_what_is_due(&self) {
        let call = self.call();
        if self.spool.rests(&call) {
            return;
        }
        let _ = self.spool.write_accounts(&call.now);
        self.spool.see_to_deliveries();
        if let Ok(targets) = self.spool.due(&call)
            && !targets.is_empty()
        {
            self.attend(targets, &call.now);
        }
    }

    /// Sees to the print processes that have work because of a submission.
    pub(crate) fn see_to(&self, taken: Taken, now: &Moment) {
        self.see_to_work(taken, now);
        self.see_to_what_is_due();
    }

    /// The same without a look at what else is due: for the second of two submissions that come at once.
    pub(crate) fn see_to_work(&self, taken: Taken, now: &Moment) {
        taken.attended(self, now);
    }

    /// Carries out an operation that waits; it makes a new call for each look. One that finds that a print process has
    /// to be started has it started.
    pub(super) fn waits<W: Wakes>(
        &self,
        work: impl FnOnce(&Spool, &dyn Fn() -> Call) -> Result<W, Failure>,
    ) -> Result<W::Result, Failure> {
        self.end_gathered()?;
        // Not the moment at which the wait began.
        let result = work(&self.spool, &|| self.call())?.attended(self, &(self.clock)());
        let _ = self.end_gathered();
        Ok(result)
    }

    /// Sees to the processes that have work now, and to those that died while they had some: every command that writes
    /// starts them again.
    fn attend(&self, targets: Vec<WakeTarget>, now: &Moment) {
        if let Some(gathered) = &self.gathered {
            let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            for target in targets {
                // The row as it stood last.
                gathered.retain(|other| other.id != target.id);
                gathered.push(target);
            }
            return;
        }
        self.attend_with(targets, self.spool.dead_processes().unwrap_or_default(), now);
    }

    fn attend_with(&self, mut targets: Vec<WakeTarget>, dead: Vec<WakeTarget>, now: &Moment) {
        for dead in dead {
            if !targets.iter().any(|target| target.id == dead.id) {
                targets.push(dead);
            }
        }
        if !targets.is_empty() {
            self.attendant.attend(&self.spool, &targets, now);
        }
    }
}

/// What was declared is on disk before whoever declared it is gone, as far as the disk lets it.
impl Drop for Local {
    fn drop(&mut self) {
        self.see_to_what_was_left();
        let _ = self.end_gathered();
    }
}

/// The outcome of an operation that wakes: its result, and the print processes that have work because of it.
pub(super) trait Wakes {
    /// What the caller is told.
    type Result;
    /// Sees to the processes, and gives the result.
    fn attended(self, spool: &Local, now: &Moment) -> Self::Result;
}

impl Wakes for Vec<WakeTarget> {
    type Result = ();
    fn attended(self, spool: &Local, now: &Moment) {
        spool.attend(self, now);
    }
}

impl<T> Wakes for (T, Vec<WakeTarget>) {
    type Result = T;
    fn attended(self, spool: &Local, now: &Moment) -> T {
        spool.attend(self.1, now);
        self.0
    }
}

/// These processes have work. When there are none, nobody looks for dead ones: the operation is usually a declaration.
pub(super) struct OnlyThese(pub Vec<WakeTarget>);

impl Wakes for OnlyThese {
    type Result = ();
    fn attended(self, spool: &Local, now: &Moment) {
        if !self.0.is_empty() {
            spool.attend(self.0, now);
        }
    }
}

impl<T> Wakes for (T, OnlyThese) {
    type Result = T;
    fn attended(self, spool: &Local, now: &Moment) -> T {
        self.1.attended(spool, now);
        self.0
    }
}

/// A declaration gives no print process work.
impl Wakes for () {
    type Result = ();
    fn attended(self, _: &Local, _: &Moment) {}
}

/// How many were declared, without work for print processes.
impl Wakes for u32 {
    type Result = u32;
    fn attended(self, _: &Local, _: &Moment) -> u32 {
        self
    }
}

/// A submission has looked up in its own transaction which processes are said to run.
impl Wakes for Taken {
    type Result = Accepted;
    fn attended(self, spool: &Local, now: &Moment) -> Accepted {
        // A print process that lives shortens the log itself.
        let alone = self.running.is_empty() && self.targets.is_empty();
        spool.attend_with(self.targets, spool.spool.dead_of(self.running), now);
        if alone && spool.spool.needs_shorter_log() {
            spool.attendant.shorten_log(&spool.spool);
        }
        self.accepted
    }
}

impl Wakes for Option<Taken> {
    type Result = Option<Accepted>;
    fn attended(self, spool: &Local, now: &Moment) -> Option<Accepted> {
        self.map(|taken| taken.attended(spool, now))
    }
}

/// What an operation saw that waited, and the processes that are to start because of it.
pub(crate) struct WaitResult<T> {
    /// What it saw.
    pub seen: T,
    /// Processes that ended before they had done what was waited for.
    pub targets: Vec<WakeTarget>,
}

impl<T> Wakes for WaitResult<T> {
    type Result = T;
    fn attended(self, spool: &Local, now: &Moment) -> T {
        if !self.targets.is_empty() {
            spool.attend(self.targets, now);
        }
        self.seen
    }
}

impl<T> From<T> for WaitResult<T> {
    /// What it saw; no process is to start because of it.
    fn from(seen: T) -> Self {
        Self { seen, targets: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::spool::interface::operations::Operations;
    use crate::spool::testing::{Site, clock, name, user};

    /// Counts how often it is sent to look at print processes.
    #[derive(Default)]
    struct Counts(AtomicUsize);

    impl Attendant for Counts {
        fn shorten_log(&self, _: &Spool) {}

        fn attend(&self, _: &Spool, targets: &[WakeTarget], _: &Moment) {
            self.0.fetch_add(targets.len(), Ordering::SeqCst);
        }
    }

    #[test]
    fn a_process_that_sleeps_is_started_for_a_waiting_job_before_the_end_of_a_command_file() {
        let mut site = Site::printing();
        site.local.start_device(name("LP1")).unwrap();
        site.local.route_location(name("#OFFICE.PARKED"), None).unwrap();
        site.submit("office.parked", |_| {});
        let counts = Arc::new(Counts::default());
        let caller = user("ann", nix::unistd::geteuid().as_raw());
        let mut local = Local::new(site.spool.clone(), caller, clock, Arc::clone(&counts) as Arc<dyn Attendant>);
        local.gather(true).unwrap();
        local.route_location(name("#OFFICE.OTHER"), Some(name("LP1"))).unwrap();
        assert_eq!(counts.0.load(Ordering::SeqCst), 0, "nothing waits there");
        local.route_location(name("#OFFICE.PARKED"), Some(name("LP1"))).unwrap();
        assert_eq!(counts.0.load(Ordering::SeqCst), 1, "whatever becomes of the rest of the file");
    }
}
