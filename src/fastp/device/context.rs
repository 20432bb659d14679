//! What a device thread works with: the spool, its bell, its progress slot and the log. Every question to the spool
//! goes through [`Desk::ask`], which waits out a spool that cannot answer now.
//!
//! A full disk, a failed write or an unknown outcome does not end an attempt: the same call is made again, with growing
//! waits, and nothing is printed before it succeeds. The claim stays where it is meanwhile.
//!
//! What happens in the course of an attempt and decides nothing after a crash (that the device was opened, as it was opened
//! before) is kept and recorded with its end, in one transaction; or when it was kept for a second.

use std::cell::Cell;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use nix::poll::PollFlags;

use super::errors::{Fault, SpoolTrouble};
use super::helpers::Helpers;
use crate::fastp::Timing;
use crate::fastp::fastcnfg::Memory;
use crate::fastp::fastcnfg::library::Library;
use crate::fastp::process::backoff::Growing;
use crate::fastp::process::log::Log;
use crate::fastp::process::prerequisites::Board;
use crate::fastp::process::waker::Bell;
use crate::model::separation::Separation;
use crate::model::state::{Delivery, DeviceWish, ErrorNote};
use crate::model::time::Moment;
use crate::model::{DeviceId, DeviceName, Failure, FailureKind};
use crate::spool::interface::engine::{
    Act, AttemptEnd, AttemptWish, Claim, DeviceOrder, Engine, FilePosition, Lease, Next, Noted, Observation,
    Remembered, Settlement,
};
use crate::sys::clock;

/// Whether a failure passes by itself, so that the same call is made again.
pub fn passes(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Full | FailureKind::Io | FailureKind::Unknown | FailureKind::Timeout)
}

/// Makes a call until it succeeds, is refused (its failure is none that `passes`), or the bell says stop.
///
/// # Errors
/// When the spool refuses or the process ends.
pub fn persist<T>(
    bell: &Bell,
    log: &Log,
    what: &str,
    passes: fn(&Failure) -> bool,
    call: &mut dyn FnMut(&Moment) -> Result<T, Failure>,
) -> Result<T, SpoolTrouble> {
    let mut wait = Growing::new(Duration::from_millis(50), Duration::from_secs(5));
    let mut failures = 0u32;
    loop {
        match call(&clock::now()) {
            Ok(value) => {
                if failures > 0 {
                    log.line(format_args!("{what}: done after {failures} failures"));
                }
                return Ok(value);
            }
            Err(failure) if passes(&failure) => {
                if failures.is_power_of_two() || failures == 0 {
                    log.line(format_args!("{what}: {failure}; trying again"));
                }
                failures = failures.saturating_add(1);
                let until = clock::boot_ms() + i64::try_from(wait.wait().as_millis()).unwrap_or(5000);
                loop {
                    if bell.stopping() {
                        log.line(format_args!("{what}: given up, the process ends: {failure}"));
                        return Err(SpoolTrouble::Ending);
                    }
                    let left = u64::try_from(until - clock::boot_ms()).unwrap_or(0);
                    if left == 0 {
                        break;
                    }
                    // A ring does not shorten the wait; it stays on record for whoever looks next.
                    if bell.wait(None, Some(Duration::from_millis(left))).is_err() {
                        break;
                    }
                }
            }
            Err(failure) => {
                log.line(format_args!("{what}: refused: {failure}"));
                return Err(SpoolTrouble::Refused(failure));
            }
        }
    }
}

/// What main keeps of a device between its threads: the failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// Failures since the last finished job.
    pub tries: u32,
    /// When the first of them happened, wall clock.
    pub since_ms: i64,
}

/// The desk of one device thread.
pub struct Desk {
    /// The spool.
    pub engine: Arc<dyn Engine>,
    /// Our right to it.
    pub lease: Lease,
    /// The device.
    pub device: DeviceId,
    /// Its name, for the log.
    pub name: DeviceName,
    /// The base directory, into which no device may write.
    pub root: PathBuf,
    /// Rung by main.
    pub bell: Arc<Bell>,
    /// The progress file.
    pub progress: Arc<Board>,
    /// Our slot in it.
    pub slot: usize,
    /// The log.
    pub log: Log,
    /// Deadlines.
    pub timing: Timing,
    /// The local time zone, for header pages.
    pub zone: TimeZone,
    /// Whether the spool has an error on record for the device.
    pub in_error: Cell<bool>,
    /// The failures in a row.
    pub streak: Cell<Streak>,
    /// The FASTCNFG files of the print process.
    pub library: Arc<Library>,
    /// What the device remembers of FASTCNFG.
    pub memory: Cell<Memory>,
    /// Its helpers that have not come back.
    pub helpers: Arc<Helpers>,
    /// Whether a ring was heard that has not led to a look at everything yet.
    pub heard: Cell<bool>,
    /// Whether a job is being printed, so that main rings for wishes that concern it.
    pub printing: Arc<AtomicBool>,
    /// What happened and is not on record yet.
    pub book: Cell<Vec<Noted>>,
    /// Since when something is kept there.
    pub kept_since: Cell<Option<Instant>>,
}

impl Desk {
    /// Asks the spool, as often as it takes.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn ask<T>(
        &self,
        what: &str,
        mut call: impl FnMut(&dyn Engine, &Moment) -> Result<T, Failure>,
    ) -> Result<T, SpoolTrouble> {
        persist(&self.bell, &self.log, &format!("{}: {what}", self.name), passes, &mut |now| call(&*self.engine, now))
    }

    /// What is wanted of the device.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn order(&self) -> Result<Option<DeviceOrder>, SpoolTrouble> {
        self.ask("reading what is wanted", |engine, now| engine.order(&self.lease, self.device, now))
    }

    /// What an earlier print process left on record of what the device remembers of FASTCNFG.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn remembered(&self) -> Result<Remembered, SpoolTrouble> {
        self.ask("reading what it was opened with", |engine, _| engine.remembered(&self.lease, self.device))
    }

    /// Whether the device is still wanted open.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn still_started(&self) -> Result<bool, SpoolTrouble> {
        Ok(!self.bell.finishing() && self.order()?.is_some_and(|order| order.wish == DeviceWish::Started))
    }

    /// Claims the next job.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn claim(&self) -> Result<Option<Claim>, SpoolTrouble> {
        self.ask("claiming a job", |engine, now| engine.claim(&self.lease, self.device, now))
    }

    /// Makes the place durable at which a job begins in a file.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn attempt_begins(
        &self,
        claim: &Arc<Claim>,
        at: &FilePosition,
        separation: &Separation,
    ) -> Result<(), SpoolTrouble> {
        let act = Act::Begins { claim: Arc::clone(claim), at: at.clone(), separation: separation.clone() };
        self.record("beginning an attempt", act)
    }

    /// Ends an attempt, with everything that was kept to be recorded with it, and with what follows from its end.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn attempt_ends(
        &self,
        claim: &Arc<Claim>,
        end: AttemptEnd,
        after: Vec<Act>,
        next: bool,
    ) -> Result<Next, SpoolTrouble> {
        let next = next && !self.bell.finishing();
        let done = matches!(&end, AttemptEnd::Delivered { delivery, .. } if *delivery != Delivery::Transferred);
        self.keep(Act::Ends { claim: Arc::clone(claim), end });
        after.into_iter().for_each(|act| self.keep(act));
        let next = self.write_down("ending an attempt", next)?;
        // Another job writes its own progress over that of this one.
        if !matches!(next, Next::Job(_)) && self.progress.clear(self.slot).is_err() {
            self.log.line(format_args!("{}: progress cannot be written", self.name));
        }
        if done {
            self.works_again();
        }
        Ok(next)
    }

    /// Keeps an act, to be recorded with the next one or when a wait becomes long. For what nobody needs on disk before:
    /// a crash loses it.
    pub fn keep(&self, act: Act) {
        let mut book = self.book.take();
        if book.is_empty() {
            self.kept_since.set(Some(Instant::now()));
        }
        book.push(Noted { act, at: clock::now() });
        self.book.set(book);
    }

    /// How long what is kept may still be kept; none = nothing is.
    fn may_keep(&self) -> Option<Duration> {
        self.kept_since.get().map(|since| self.timing.keep.saturating_sub(since.elapsed()))
    }

    /// Records what was kept too long.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn keep_up(&self) -> Result<(), SpoolTrouble> {
        match self.may_keep() {
            Some(left) if left.is_zero() => self.write_down("recording what was seen", false).map(drop),
            _ => Ok(()),
        }
    }

    /// Records an act, and before it what was kept.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn record(&self, what: &str, act: Act) -> Result<(), SpoolTrouble> {
        self.keep(act);
        self.write_down(what, false).map(drop)
    }

    /// Records what was kept; with `next` the next job is claimed in the same transaction. What the spool refuses to
    /// record is kept no longer: the thread ends.
    fn write_down(&self, what: &str, next: bool) -> Result<Next, SpoolTrouble> {
        let acts = Arc::new(self.book.take());
        self.kept_since.set(None);
        self.ask(what, |engine, now| engine.record(&self.lease, self.device, Arc::clone(&acts), next, now))
    }

    /// Waits as [`Bell::wait`] does. What is kept is recorded when the wait becomes long.
    ///
    /// # Errors
    /// When waiting itself fails.
    pub fn wait(&self, other: Option<(BorrowedFd<'_>, PollFlags)>, timeout: Option<Duration>) -> io::Result<PollFlags> {
        let short = |left: &Duration| timeout.is_none_or(|timeout| *left < timeout);
        let Some(left) = self.may_keep().filter(short) else { return self.bell.wait(other, timeout) };
        let ready = self.bell.wait(other, Some(left))?;
        if !ready.is_empty() || self.bell.rung() || self.may_keep().is_some_and(|left| !left.is_zero()) {
            return Ok(ready);
        }
        // A refusal is not lost: whatever is to be recorded next is refused too.
        let _ = self.keep_up();
        self.bell.wait(other, timeout.map(|timeout| timeout - left))
    }

    /// Whether the attempt should go on. A spool that cannot say, for whatever reason, changes nothing: a printer prints
    /// on, a suspended one stands still (`now`). One that says that we are not in charge any more ends the attempt.
    pub fn attempt_wish(&self, claim: &Claim, now: AttemptWish) -> AttemptWish {
        match self.engine.attempt_wish(&self.lease, claim) {
            Ok(wish) => wish,
            Err(failure) if failure.kind == FailureKind::State => {
                self.log.line(format_args!("{}: job {}: {failure}", self.name, claim.number));
                AttemptWish::Lost
            }
            Err(failure) => {
                self.log.line(format_args!("{}: job {}: nothing changes: {failure}", self.name, claim.number));
                now
            }
        }
    }

    /// Settles the transferred jobs.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn settle(&self, settlement: &Settlement) -> Result<(), SpoolTrouble> {
        self.record("settling transferred jobs", Act::Settled(settlement.clone()))?;
        // Jobs that are done end a row of failures, jobs that come back do not.
        if !matches!(settlement, Settlement::Reset { .. }) {
            self.streak.set(Streak::default());
            self.works_again();
        }
        Ok(())
    }

    /// Records what was seen.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn observe(&self, seen: &Observation) -> Result<(), SpoolTrouble> {
        self.record("recording what was seen", Act::Seen(seen.clone()))
    }

    /// The device works again, though no job says so: an error on record is over. Its failures in a row are counted on until a job is done.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub fn recovered(&self) -> Result<(), SpoolTrouble> {
        if self.in_error.get() {
            self.observe(&Observation::Recovered)?;
            self.works_again();
        }
        Ok(())
    }

    /// An error is not on record any more.
    fn works_again(&self) {
        if self.in_error.replace(false) {
            self.log.line(format_args!("{}: works again", self.name));
        }
    }

    /// Counts a failure and says what to put on record for it.
    pub fn failure(&self, fault: &Fault, retry: u32, timeout: i32) -> ErrorNote {
        let now = clock::now().wall_ms;
        let before = self.streak.get();
        let tries = before.tries.saturating_add(1);
        let since_ms = if before.tries == 0 { now } else { before.since_ms };
        self.streak.set(Streak { tries, since_ms });
        // The first failure is no retry: TIMEOUT n allows n more.
        let exhausted = u32::try_from(timeout).is_ok_and(|most| tries > most);
        let random = getrandom::u32().unwrap_or(0);
        let wait =
            crate::fastp::process::backoff::device(retry, if fault.steady { 1 } else { tries }, random).as_millis();
        let next_try_ms = (fault.retryable && !exhausted).then(|| now + i64::try_from(wait).unwrap_or(60_000));
        self.log.line(format_args!("{}: error %{:o}, try {tries}: {}", self.name, fault.error.number(), fault.text));
        self.in_error.set(true);
        ErrorNote { number: fault.error.number(), text: fault.text.clone(), since_ms, next_try_ms, tries }
    }
}
