//! What a device thread works with: the spool, its waker, its progress slot and the log. Every call to the spool goes
//! through [`DeviceContext::ask`], which waits while the spool cannot answer.
//!
//! Nothing that the spool answers ends an attempt, unless it says that we are not in charge any more: a full disk, a failed
//! write, an unknown outcome, a damaged page, a row that contradicts another. The same call is repeated, with growing waits,
//! and no further octet leaves until it succeeds. So a job whose end is not on disk is never printed again behind the
//! spool's back. The claim stays in place meanwhile, and [`Troubles`] says what is wrong, beside the database.
//!
//! A report that decides nothing after a crash (that the device was opened as before) waits and is recorded together
//! with the end of the attempt, in one transaction; it waits a second at most.

use std::cell::Cell;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use nix::poll::PollFlags;

use super::errors::{Fault, SpoolError};
use super::helpers::Helpers;
use crate::fastp::Timing;
use crate::fastp::fastcnfg::Memory;
use crate::fastp::fastcnfg::file_cache::FileCache;
use crate::fastp::process::backoff::GrowingWait;
use crate::fastp::process::log::Log;
use crate::fastp::process::prerequisites::ProgressFile;
use crate::fastp::process::waker::Waker;
use crate::fastp::program::Program;
use crate::model::process::ProcessTrouble;
use crate::model::request::{Answer, OpenRequest};
use crate::model::separation::Separation;
use crate::model::state::{Delivery, DeviceWish, ErrorNote};
use crate::model::time::Moment;
use crate::model::{DeviceId, DeviceName, EntryId, Failure, FailureKind, RequestId};
use crate::spool::interface::engine::{
    AttemptEnd, AttemptWish, Claim, DeviceOrder, DeviceReport, Engine, FilePosition, Lease, Next, Observation, Outcome,
    Paper, Remembered, Settlement, TimedReport,
};
use crate::spool::printing::trouble::Troubles;
use crate::sys::clock;

/// Whether the same call is repeated after a failure. It is not when the spool says that we are not in charge, or when
/// another database, or a newer schema, lies there now.
pub fn is_repeated(failure: &Failure) -> bool {
    use FailureKind as Kind;
    matches!(failure.kind, Kind::Full | Kind::Io | Kind::Unknown | Kind::Timeout | Kind::Damaged | Kind::Internal)
}

/// A failure that passes is shown when it has lasted so long.
const SHOWN_AFTER: Duration = Duration::from_secs(2);

/// Who asks the spool, and what it needs for asking again and again.
pub struct Asker<'a> {
    /// Ends the waits when the process ends.
    pub waker: &'a Waker,
    /// The log.
    pub log: &'a Log,
    /// Where it says that it cannot go on.
    pub troubles: &'a Troubles,
    /// For which device; none = for the whole process.
    pub device: Option<DeviceId>,
}

impl Asker<'_> {
    /// Repeats a call until it succeeds, fails for good, or the waker says stop.
    ///
    /// # Errors
    /// Returns an error when the spool refuses or the process ends.
    pub fn until_done<T>(
        &self,
        what: &str,
        call: &mut dyn FnMut(&Moment) -> Result<T, Failure>,
    ) -> Result<T, SpoolError> {
        let asked = self.repeat(what, call);
        // What fails for good is said elsewhere; a process that ends has no trouble any more.
        self.troubles.end(self.device);
        asked
    }

    fn repeat<T>(&self, what: &str, call: &mut dyn FnMut(&Moment) -> Result<T, Failure>) -> Result<T, SpoolError> {
        let Self { waker, log, .. } = self;
        let mut wait = GrowingWait::new(Duration::from_millis(50), Duration::from_secs(5));
        let mut failures = 0u32;
        let began = Instant::now();
        loop {
            match call(&clock::now()) {
                Ok(value) => {
                    if failures > 0 {
                        log.line(format_args!("{what}: done after {failures} failures"));
                    }
                    return Ok(value);
                }
                Err(failure) if is_repeated(&failure) => {
                    if failures.is_power_of_two() || failures == 0 {
                        log.line(format_args!("{what}: {failure}; trying again"));
                    }
                    failures = failures.saturating_add(1);
                    let trouble = ProcessTrouble::of_spool(what, &failure);
                    if trouble.lasting || began.elapsed() >= SHOWN_AFTER {
                        self.troubles.begin(self.device, &trouble, failures, clock::boot_ms());
                    }
                    let until = clock::boot_ms() + i64::try_from(wait.wait().as_millis()).unwrap_or(5000);
                    loop {
                        if waker.stopping() {
                            log.line(format_args!("{what}: given up, the process ends: {failure}"));
                            return Err(SpoolError::Ending);
                        }
                        let left = u64::try_from(until - clock::boot_ms()).unwrap_or(0);
                        if left == 0 {
                            break;
                        }
                        // A wake-up does not shorten the wait; it stays pending for whoever looks next.
                        if waker.wait(None, Some(Duration::from_millis(left))).is_err() {
                            break;
                        }
                    }
                }
                Err(failure) => {
                    log.line(format_args!("{what}: refused: {failure}"));
                    return Err(SpoolError::Refused(failure));
                }
            }
        }
    }
}

/// The failures of a device in a row; main keeps them between its threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailureStreak {
    /// Failures since the last finished job.
    pub tries: u32,
    /// Wall-clock time of the first of them.
    pub since_ms: i64,
}

/// What one device thread works with.
pub struct DeviceContext {
    /// The spool.
    pub engine: Arc<dyn Engine>,
    /// Our lease on it.
    pub lease: Lease,
    /// The device.
    pub device: DeviceId,
    /// Its name, for the log.
    pub name: DeviceName,
    /// The base directory, into which no device may write.
    pub root: PathBuf,
    /// Main wakes this thread through it.
    pub waker: Arc<Waker>,
    /// The progress file.
    pub progress: Arc<ProgressFile>,
    /// Our slot in it.
    pub slot: usize,
    /// The log.
    pub log: Log,
    /// Where it says that it cannot go on.
    pub troubles: Arc<Troubles>,
    /// Deadlines.
    pub timing: Timing,
    /// The program that drives the devices of this process, where it is none of ours.
    pub program: Option<Arc<Program>>,
    /// The local time zone, for header pages.
    pub zone: TimeZone,
    /// Whether the spool records an error for the device.
    pub in_error: Cell<bool>,
    /// The failures in a row.
    pub streak: Cell<FailureStreak>,
    /// The parsed FASTCNFG files of the print process.
    pub file_cache: Arc<FileCache>,
    /// What the device remembers of FASTCNFG.
    pub memory: Cell<Memory>,
    /// Helper threads of this device that have not returned.
    pub helpers: Arc<Helpers>,
    /// Whether the log of a job of this print process has said what bare line feeds do on a printer.
    pub told: Arc<AtomicBool>,
    /// Whether a wake-up was seen that has not yet led to a full look at the spool.
    pub wake_pending: Cell<bool>,
    /// Whether a job is being printed, so that main wakes us for wishes that concern it.
    pub printing: Arc<AtomicBool>,
    /// Reports that are not recorded yet.
    pub pending_reports: Cell<Vec<TimedReport>>,
    /// When the oldest of them was added.
    pub pending_since: Cell<Option<Instant>>,
}

impl DeviceContext {
    /// Calls the spool until it answers.
    ///
    /// # Errors
    /// Returns an error when the spool refuses or the process ends.
    pub fn ask<T>(
        &self,
        what: &str,
        mut call: impl FnMut(&dyn Engine, &Moment) -> Result<T, Failure>,
    ) -> Result<T, SpoolError> {
        let asker = Asker { waker: &self.waker, log: &self.log, troubles: &self.troubles, device: Some(self.device) };
        asker.until_done(&format!("{}: {what}", self.name.guardian()), &mut |now| call(&*self.engine, now))
    }

    /// Reads what is wanted of the device.
    pub fn order(&self) -> Result<Option<DeviceOrder>, SpoolError> {
        self.ask("reading what is wanted", |engine, now| engine.order(&self.lease, self.device, now))
    }

    /// Reads what an earlier print process recorded of the device's memory of FASTCNFG.
    pub fn remembered(&self) -> Result<Remembered, SpoolError> {
        self.ask("reading what it was opened with", |engine, _| engine.remembered(&self.lease, self.device))
    }

    /// Returns the primary FASTCNFG file.
    pub fn fastcnfg(&self) -> Result<std::path::PathBuf, SpoolError> {
        self.ask("asking which file is FASTCNFG", |engine, _| engine.fastcnfg())
    }

    /// Whether the device should still be open.
    pub fn still_started(&self) -> Result<bool, SpoolError> {
        Ok(!self.waker.finishing() && self.order()?.is_some_and(|order| order.wish == DeviceWish::Started))
    }

    /// Claims the next job.
    pub fn claim(&self) -> Result<Option<Claim>, SpoolError> {
        self.ask("claiming a job", |engine, now| engine.claim(&self.lease, self.device, now))
    }

    /// Records durably the position at which a job begins in a file.
    pub fn attempt_begins(
        &self,
        claim: &Arc<Claim>,
        at: &FilePosition,
        separation: &Separation,
    ) -> Result<(), SpoolError> {
        let report =
            DeviceReport::AttemptBegins { claim: Arc::clone(claim), at: at.clone(), separation: separation.clone() };
        self.record("beginning an attempt", report)
    }

    /// Records the end of an attempt, together with all pending reports and with the reports in `after` that follow
    /// from it.
    pub fn attempt_ends(
        &self,
        claim: &Arc<Claim>,
        end: AttemptEnd,
        after: Vec<DeviceReport>,
        next: bool,
    ) -> Result<Next, SpoolError> {
        let next = next && !self.waker.finishing();
        let done = matches!(&end, AttemptEnd::Delivered { delivery, .. } if *delivery != Delivery::Transferred);
        self.defer(DeviceReport::AttemptEnds { claim: Arc::clone(claim), end });
        after.into_iter().for_each(|report| self.defer(report));
        let next = self.record_pending("ending an attempt", next)?;
        // The next job writes its own progress over that of this one.
        if !matches!(next, Next::Job(_)) && self.progress.clear(self.slot).is_err() {
            self.log.line(format_args!("{}: progress cannot be written", self.name));
        }
        if done {
            self.works_again();
        }
        Ok(next)
    }

    /// Defers a report until the next one is recorded or a wait becomes long. Only for reports that nobody needs on
    /// disk before: a crash loses them.
    pub fn defer(&self, report: DeviceReport) {
        let mut reports = self.pending_reports.take();
        if reports.is_empty() {
            self.pending_since.set(Some(Instant::now()));
        }
        reports.push(TimedReport { report, at: clock::now() });
        self.pending_reports.set(reports);
    }

    /// How long the pending reports may still wait; none = there are none.
    fn time_to_record(&self) -> Option<Duration> {
        self.pending_since.get().map(|since| self.timing.report_delay.saturating_sub(since.elapsed()))
    }

    /// Records the pending reports that have waited too long.
    pub fn record_overdue(&self) -> Result<(), SpoolError> {
        match self.time_to_record() {
            Some(left) if left.is_zero() => self.record_pending("recording what was seen", false).map(drop),
            _ => Ok(()),
        }
    }

    /// Records a report, and the pending ones before it.
    pub fn record(&self, what: &str, report: DeviceReport) -> Result<(), SpoolError> {
        self.defer(report);
        self.record_pending(what, false).map(drop)
    }

    fn is_in_charge(&self) -> bool {
        matches!(self.engine.lease_stands(&self.lease), Ok(true))
    }

    /// Records the pending reports; with `next`, the same transaction claims the next job. Reports that the spool
    /// refuses are dropped: the thread ends.
    fn record_pending(&self, what: &str, next: bool) -> Result<Next, SpoolError> {
        let reports = Arc::new(self.pending_reports.take());
        self.pending_since.set(None);
        let ends = reports.iter().any(|timed| matches!(timed.report, DeviceReport::AttemptEnds { .. }));
        self.ask(what, |engine, now| {
            match engine.record(&self.lease, self.device, Arc::clone(&reports), next, now) {
                // The end of an attempt is refused, and yet we are in charge: rows contradict each other. Given up, the job
                // would be printed again.
                Err(failure) if ends && failure.kind == FailureKind::State && self.is_in_charge() => {
                    Err(Failure { kind: FailureKind::Internal, ..failure })
                }
                other => other,
            }
        })
    }

    /// Waits as `Waker::wait` does. If the wait becomes long, the pending reports are recorded.
    pub fn wait(&self, other: Option<(BorrowedFd<'_>, PollFlags)>, timeout: Option<Duration>) -> io::Result<PollFlags> {
        let short = |left: &Duration| timeout.is_none_or(|timeout| *left < timeout);
        let Some(left) = self.time_to_record().filter(short) else { return self.waker.wait(other, timeout) };
        let ready = self.waker.wait(other, Some(left))?;
        if !ready.is_empty() || self.waker.was_woken() || self.time_to_record().is_some_and(|left| !left.is_zero()) {
            return Ok(ready);
        }
        // A refusal is not lost: the spool will refuse the next report too.
        let _ = self.record_overdue();
        self.waker.wait(other, timeout.map(|timeout| timeout - left))
    }

    /// Whether the attempt should go on. If the spool cannot say, nothing changes: a printing device goes on, a
    /// suspended one stays still (`now`). If the spool says that we are no longer in charge, the attempt ends.
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

    /// What operators ask of a running attempt. If the spool cannot say, they wait.
    pub fn requests(&self, claim: &Claim) -> Vec<OpenRequest> {
        self.engine.requests(&self.lease, claim).unwrap_or_else(|failure| {
            self.log.line(format_args!("{}: job {}: {failure}", self.name, claim.number));
            Vec::new()
        })
    }

    /// Answers what an operator asked: what is done, or why it is not.
    ///
    /// # Errors
    /// As [`DeviceContext::ask`].
    pub fn answer(&self, request: RequestId, answer: Answer, paper: Option<Paper>) -> Result<(), SpoolError> {
        self.record("answering", DeviceReport::Answered { request, answer, paper })
    }

    /// Settles these transferred jobs.
    ///
    /// # Errors
    /// As [`DeviceContext::ask`].
    pub fn settle(&self, entries: Vec<EntryId>, outcome: Outcome) -> Result<(), SpoolError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.record_settlement(Settlement { entries: Some(entries), outcome })
    }

    /// Settles all transferred jobs of the device.
    ///
    /// # Errors
    /// As [`DeviceContext::ask`].
    pub fn settle_all(&self, outcome: Outcome) -> Result<(), SpoolError> {
        self.record_settlement(Settlement::of_all(outcome))
    }

    fn record_settlement(&self, settlement: Settlement) -> Result<(), SpoolError> {
        let done = matches!(settlement.outcome, Outcome::Closed | Outcome::Released { .. });
        self.record("settling transferred jobs", DeviceReport::Settled(settlement))?;
        // Jobs that are done end a row of failures, jobs that come back do not.
        if done {
            self.streak.set(FailureStreak::default());
            self.works_again();
        }
        Ok(())
    }

    /// Records an observation.
    pub fn observe(&self, seen: &Observation) -> Result<(), SpoolError> {
        self.record("recording what was seen", DeviceReport::Observed(seen.clone()))
    }

    /// Records that the device works again although no job says so: its recorded error is over. The failures in a row
    /// still count until a job is done.
    pub fn recovered(&self) -> Result<(), SpoolError> {
        if self.in_error.get() {
            self.observe(&Observation::Recovered)?;
            self.works_again();
        }
        Ok(())
    }

    /// Notes that no error is recorded any more.
    fn works_again(&self) {
        if self.in_error.replace(false) {
            self.log.line(format_args!("{}: works again", self.name));
        }
    }

    /// Counts a failure and returns the error to record for it.
    pub fn failure(&self, fault: &Fault, retry: u32, timeout: i32) -> ErrorNote {
        let now = clock::now().wall_ms;
        let before = self.streak.get();
        let tries = before.tries.saturating_add(1);
        let since_ms = if before.tries == 0 { now } else { before.since_ms };
        self.streak.set(FailureStreak { tries, since_ms });
        // The first failure is not a retry: TIMEOUT n allows n more.
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
