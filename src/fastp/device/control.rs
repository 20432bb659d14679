//! The control of an attempt: counts what went out, shows it, and stops the sender when the job or the device is not wanted
//! any more. Everything that may take long waits through it, so that nothing waits past a ring of the waker.
//!
//! SUSPEND is obeyed here: between two octets the thread stands still, with the device open, until the attempt is to go on
//! or to end. The sender notices nothing of it but the time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::socket::{getsockopt, sockopt};

use super::context::DeviceContext;
use super::errors::{Fault, PrintError};
use super::stall::{Stall, Verdict};
use crate::model::wait::Wait;
use crate::spool::interface::engine::{AttemptWish, Claim, Observation};
use crate::spool::printing::progress::{Progress, Standstill};
use crate::sys::{clock, fault};

/// How often progress is written at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// How often a sender that never waits asks whether to go on.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How far an attempt is, for SUSPEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was sent: a job whose device is suspended now goes back to its place.
    Before,
    /// Octets go out: it stands still between two of them.
    Sending,
    /// Every octet went out: what is left is to know how they arrived.
    Sent,
}

/// The control of one attempt, or of opening and closing a device without one.
pub struct AttemptControl<'a> {
    context: &'a DeviceContext,
    claim: Option<&'a Claim>,
    /// Until the device is open a device that is not wanted any more ends the attempt; afterwards its job is finished.
    pub opening: bool,
    /// Whether the device is open for the attempt.
    pub open: bool,
    /// How far the attempt is.
    pub stage: Stage,
    /// What tells, while the thread stands still, that the device went away.
    pub watch: Option<OwnedFd>,
    /// Document in print, from 1.
    pub document: u32,
    /// Copy in print, from 1.
    pub copy: u32,
    /// How long the device may take nothing (TIMEOUT); none = for ever.
    pub io_limit: Option<Duration>,
    stall: Stall,
    standstill: Option<Standstill>,
    /// What is waited for, and since when, boot clock.
    waiting_for: Option<(Wait, i64)>,
    octets: u64,
    /// Octets when progress was last written.
    octets_written: u64,
    spool_checked_at: Instant,
    progress_written_at: Option<Instant>,
}

impl<'a> AttemptControl<'a> {
    /// The control of an attempt at `claim`.
    pub fn new(context: &'a DeviceContext, claim: Option<&'a Claim>) -> Self {
        Self {
            context,
            claim,
            opening: false,
            open: false,
            stage: Stage::Before,
            watch: None,
            document: 0,
            copy: 0,
            io_limit: None,
            stall: Stall::default(),
            standstill: None,
            waiting_for: None,
            octets: 0,
            octets_written: 0,
            spool_checked_at: Instant::now(),
            progress_written_at: None,
        }
    }

    /// The context.
    pub fn context(&self) -> &'a DeviceContext {
        self.context
    }

    /// Whether it is the control of an attempt.
    pub fn is_attempt(&self) -> bool {
        self.claim.is_some()
    }

    /// Octets that went out, added ones included.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Whether to go on, asked of the spool only when the waker rang.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn check(&mut self) -> Result<(), PrintError> {
        if self.context.waker.stopping() {
            return Err(PrintError::Ending);
        }
        if !self.context.waker.take_wake() {
            return Ok(());
        }
        self.context.wake_pending.set(true);
        self.check_spool()
    }

    /// Whether what is about to begin is still wanted: a ring that was heard before it may have been about it.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn still_wanted(&mut self) -> Result<(), PrintError> {
        if self.context.wake_pending.get() { self.check_spool() } else { self.check() }
    }

    /// Asks the spool, and stands still as long as the device is suspended. What that lasts is not the device's fault.
    fn check_spool(&mut self) -> Result<(), PrintError> {
        let began = Instant::now();
        let looked = self.follow_wish();
        self.stall.forgive(began.elapsed());
        looked
    }

    fn follow_wish(&mut self) -> Result<(), PrintError> {
        let mut wish = self.wish(AttemptWish::Continue);
        let mut still = false;
        loop {
            match wish {
                AttemptWish::Suspend if self.stage == Stage::Before => return Err(PrintError::Unwanted),
                AttemptWish::Suspend if self.stage == Stage::Sending => self.stand_still(&mut still)?,
                AttemptWish::Suspend | AttemptWish::Continue => break,
                AttemptWish::Stop => return Err(PrintError::Stop),
                AttemptWish::Lost => return Err(PrintError::Lost),
            }
            wish = self.wish(AttemptWish::Suspend);
        }
        self.spool_checked_at = Instant::now();
        if self.opening && !self.context.still_started()? {
            return Err(PrintError::Unwanted);
        }
        Ok(())
    }

    fn wish(&self, now: AttemptWish) -> AttemptWish {
        self.claim.map_or(AttemptWish::Continue, |claim| self.context.attempt_wish(claim, now))
    }

    /// Waits until there may be news about a suspended device. `reported`: that it stands still is on record.
    fn stand_still(&mut self, reported: &mut bool) -> Result<(), PrintError> {
        if !std::mem::replace(reported, true) {
            self.write_progress(true);
            let job = self.claim.map(|claim| format!("job {}", claim.number)).unwrap_or_default();
            let why = format!("{job} after {} octets", self.octets);
            self.context.observe(&Observation::Remark { what: "stands-still".into(), why })?;
        }
        let watched = self.watch.as_ref().map(|fd| (fd.as_fd(), PollFlags::empty()));
        let ready = self
            .context
            .wait(watched, Some(self.context.timing.scan_interval))
            .map_err(|error| PrintError::Device(Fault::of("cannot wait", &error)))?;
        // Whoever finishes after the running job does not wait for one that stands still: it goes back to its place.
        if self.context.waker.finishing() {
            return Err(PrintError::Ending);
        }
        if ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) {
            return Err(PrintError::Device(self.went_away()));
        }
        if self.context.waker.take_wake() {
            self.context.wake_pending.set(true);
        }
        Ok(())
    }

    /// The fault of a device that went away while its job stood still.
    fn went_away(&self) -> Fault {
        let doing = "while its job was suspended";
        let error = self.watch.as_ref().and_then(|fd| getsockopt(fd, sockopt::SocketError).ok());
        match error {
            Some(errno) if errno != 0 => Fault::of(doing, &io::Error::from_raw_os_error(errno)),
            _ => Fault::new(140, true, format!("{doing}: the device went away")),
        }
    }

    /// `n` more octets went out.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn sent(&mut self, n: u64) -> Result<(), PrintError> {
        self.octets += n;
        fault::point("mid-send");
        self.moving_again()?;
        self.write_progress(false);
        self.context.record_overdue()?;
        if self.spool_checked_at.elapsed() >= CHECK_INTERVAL {
            self.check_spool()?;
        }
        self.check()
    }

    /// Shows what is waited for from now on; none = nothing any more. What is waited for already stays as it is.
    pub fn set_waiting_for(&mut self, wait: Option<Wait>) {
        if self.waiting_for.map(|(wait, _)| wait) != wait {
            self.waiting_for = wait.map(|wait| (wait, clock::boot_ms()));
            self.write_progress(true);
        }
    }

    /// Writes the progress slot, not more often than is useful. Without a job there is one only while something is waited
    /// for.
    pub fn write_progress(&mut self, now: bool) {
        if self.claim.is_none() && self.waiting_for.is_none() {
            if now
                && self.progress_written_at.take().is_some()
                && self.context.progress.clear(self.context.slot).is_err()
            {
                self.context.log.line(format_args!("{}: progress cannot be written", self.context.name));
            }
            return;
        }
        if !now && self.progress_written_at.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL) {
            return;
        }
        self.progress_written_at = Some(Instant::now());
        self.octets_written = self.octets;
        let progress = Progress {
            device: self.context.device,
            entry: self.claim.map(|claim| claim.entry),
            attempt: self.claim.map_or(0, |claim| claim.attempt),
            document: self.document,
            copy: self.copy,
            octets: self.octets,
            at_boot_ms: clock::boot_ms(),
            stalled: self.standstill,
            awaits: self.waiting_for,
            open: self.open,
        };
        if self.context.progress.put(self.context.slot, &progress).is_err() {
            self.context.log.line(format_args!("{}: progress cannot be written", self.context.name));
        }
    }

    /// Waits until `fd` is ready for `events`, at most `timeout`, or something else must be looked at.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn wait(
        &mut self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        timeout: Option<Duration>,
    ) -> Result<PollFlags, PrintError> {
        // What went out before a wait that may be long is shown, so that a slow printer can be told how slow it is.
        self.write_progress(self.progress_written_at.is_none() || self.octets_written != self.octets);
        self.check()?;
        // A job's octets are offered, and the device does not take them.
        let offering = self.claim.is_some() && !self.opening && events.contains(PollFlags::POLLOUT);
        let patience = if offering { Some(self.stall_timeout()?) } else { None };
        let timeout = timeout.into_iter().chain(patience).min();
        let ready = self
            .context
            .wait(Some((fd, events)), timeout)
            .map_err(|error| PrintError::Device(Fault::of("cannot wait", &error)))?;
        // Is its patience asked again here? No: whoever waits first looks what the device has taken meanwhile.
        self.check()?;
        Ok(ready)
    }

    /// The device is waited for, and takes nothing: how long to wait at most before this is asked again. Said by
    /// [`AttemptControl::wait`] for whoever waits to write.
    ///
    /// # Errors
    /// The trouble that ends the attempt: it stood longer than it may.
    pub fn stall_timeout(&mut self) -> Result<Duration, PrintError> {
        let now = Instant::now();
        let taken = self.stall.taken(self.octets);
        loop {
            match self.stall.waits(now, self.context.timing.stall, self.io_limit) {
                Verdict::Wait(left) => return Ok(left),
                Verdict::Stalled(since) => {
                    let stood = now.saturating_duration_since(since);
                    let ms = i64::try_from(stood.as_millis()).unwrap_or(i64::MAX);
                    let since_boot_ms = clock::boot_ms().saturating_sub(ms);
                    self.standstill = Some(Standstill { since_boot_ms, octets: taken });
                    self.write_progress(true);
                    self.remark("stalled", format!("{} accepted, nothing for {}", octets(taken), seconds(stood)))?;
                }
                Verdict::Over => {
                    let limit = seconds(self.io_limit.unwrap_or_default());
                    let text = format!("nothing was accepted for {limit}, after {}", octets(taken));
                    return Err(Fault::new(40, true, text).into());
                }
            }
        }
    }

    /// The device has taken `taken` octets of the attempt; said by transports that can tell this from what their side
    /// of the system keeps.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn device_accepted(&mut self, taken: u64) -> Result<(), PrintError> {
        if self.stall.reached(taken) {
            self.moving_again()?;
            self.write_progress(false);
        }
        Ok(())
    }

    fn moving_again(&mut self) -> Result<(), PrintError> {
        let Some(stood) = self.stall.moves(Instant::now()) else { return Ok(()) };
        self.standstill = None;
        self.write_progress(true);
        self.remark("moving", format!("octets are accepted again after {}", seconds(stood)))
    }

    fn remark(&self, what: &str, why: String) -> Result<(), PrintError> {
        let Some(claim) = self.claim else { return Ok(()) };
        let why = format!("job {}: {why}", claim.number);
        Ok(self.context.observe(&Observation::Remark { what: what.into(), why })?)
    }

    /// Waits so long, or until something else must be looked at that ends the attempt.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn pause(&mut self, long: Duration) -> Result<(), PrintError> {
        let (context, until) = (self.context, Instant::now() + long);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.wait(context.waker.as_fd(), PollFlags::empty(), Some(left))?;
        }
    }
}

fn octets(n: u64) -> String {
    if n == 1 { "1 octet".into() } else { format!("{n} octets") }
}

fn seconds(time: Duration) -> String {
    // A limit of a few ticks is not "0 s".
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f32())
    } else {
        format!("{} s", time.as_secs())
    }
}
