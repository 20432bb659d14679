//! The pace of an attempt: counts what went out, shows it, and stops the sender when the job or the device is not wanted
//! any more. Everything that may take long waits through it, so that nothing waits past a ring of the bell.
//!
//! SUSPEND is obeyed here: between two octets the thread stands still, with the device open, until the attempt is to go on
//! or to end. The sender notices nothing of it but the time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::socket::{getsockopt, sockopt};

use super::context::Desk;
use super::errors::{Fault, Trouble};
use super::stall::{Stall, Verdict};
use crate::model::guardian::DeviceError;
use crate::model::wait::Wait;
use crate::spool::interface::engine::{AttemptWish, Claim, Observation};
use crate::spool::printing::progress::{Progress, Standstill};
use crate::sys::{clock, fault};

/// How often progress is written at most.
const NOTE_EVERY: Duration = Duration::from_millis(250);
/// How often a sender that never waits asks whether to go on.
const ASK_EVERY: Duration = Duration::from_secs(2);

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

/// The pace of one attempt, or of opening and closing a device without one.
pub struct Pace<'a> {
    desk: &'a Desk,
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
    awaits: Option<(Wait, i64)>,
    octets: u64,
    /// Octets when progress was last written.
    shown: u64,
    asked: Instant,
    noted: Option<Instant>,
}

impl<'a> Pace<'a> {
    /// The pace of an attempt at `claim`.
    pub fn new(desk: &'a Desk, claim: Option<&'a Claim>) -> Self {
        Self {
            desk,
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
            awaits: None,
            octets: 0,
            shown: 0,
            asked: Instant::now(),
            noted: None,
        }
    }

    /// The desk.
    pub fn desk(&self) -> &'a Desk {
        self.desk
    }

    /// Whether it is the pace of an attempt.
    pub fn is_attempt(&self) -> bool {
        self.claim.is_some()
    }

    /// Octets that went out, added ones included.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Whether to go on, asked of the spool only when the bell rang.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn check(&mut self) -> Result<(), Trouble> {
        if self.desk.bell.stopping() {
            return Err(Trouble::Ending);
        }
        if !self.desk.bell.taken() {
            return Ok(());
        }
        self.desk.heard.set(true);
        self.look()
    }

    /// Whether what is about to begin is still wanted: a ring that was heard before it may have been about it.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn still_wanted(&mut self) -> Result<(), Trouble> {
        if self.desk.heard.get() { self.look() } else { self.check() }
    }

    /// Asks the spool, and stands still as long as the device is suspended. What that lasts is not the device's fault.
    fn look(&mut self) -> Result<(), Trouble> {
        let began = Instant::now();
        let looked = self.obey();
        self.stall.forgive(began.elapsed());
        looked
    }

    fn obey(&mut self) -> Result<(), Trouble> {
        let mut wish = self.wish(AttemptWish::Continue);
        let mut still = false;
        loop {
            match wish {
                AttemptWish::Suspend if self.stage == Stage::Before => return Err(Trouble::Unwanted),
                AttemptWish::Suspend if self.stage == Stage::Sending => self.stand_still(&mut still)?,
                AttemptWish::Suspend | AttemptWish::Continue => break,
                AttemptWish::Stop => return Err(Trouble::Stop),
                AttemptWish::Lost => return Err(Trouble::Lost),
            }
            wish = self.wish(AttemptWish::Suspend);
        }
        self.asked = Instant::now();
        if self.opening && !self.desk.still_started()? {
            return Err(Trouble::Unwanted);
        }
        Ok(())
    }

    fn wish(&self, now: AttemptWish) -> AttemptWish {
        self.claim.map_or(AttemptWish::Continue, |claim| self.desk.attempt_wish(claim, now))
    }

    /// Waits until there may be news about a suspended device. `told`: that it stands still is on record.
    fn stand_still(&mut self, told: &mut bool) -> Result<(), Trouble> {
        if !std::mem::replace(told, true) {
            self.note(true);
            let job = self.claim.map(|claim| format!("job {}", claim.number)).unwrap_or_default();
            let why = format!("{job} after {} octets", self.octets);
            self.desk.observe(&Observation::Remark { what: "stands-still".into(), why })?;
        }
        let watched = self.watch.as_ref().map(|fd| (fd.as_fd(), PollFlags::empty()));
        let ready = self
            .desk
            .wait(watched, Some(self.desk.timing.net))
            .map_err(|error| Trouble::Device(Fault::of("cannot wait", &error)))?;
        // Whoever finishes after the running job does not wait for one that stands still: it goes back to its place.
        if self.desk.bell.finishing() {
            return Err(Trouble::Ending);
        }
        if ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) {
            return Err(Trouble::Device(self.went_away()));
        }
        if self.desk.bell.taken() {
            self.desk.heard.set(true);
        }
        Ok(())
    }

    /// The fault of a device that went away while its job stood still.
    fn went_away(&self) -> Fault {
        let doing = "while its job was suspended";
        let error = self.watch.as_ref().and_then(|fd| getsockopt(fd, sockopt::SocketError).ok());
        match error {
            Some(errno) if errno != 0 => Fault::of(doing, &io::Error::from_raw_os_error(errno)),
            _ => Fault::new(DeviceError::HungUp, format!("{doing}: the device went away")),
        }
    }

    /// `n` more octets went out.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn went(&mut self, n: u64) -> Result<(), Trouble> {
        self.octets += n;
        fault::point("mid-send");
        self.moves()?;
        self.note(false);
        self.desk.keep_up()?;
        if self.asked.elapsed() >= ASK_EVERY {
            self.look()?;
        }
        self.check()
    }

    /// Shows what is waited for from now on; none = nothing any more. What is waited for already stays as it is.
    pub fn waiting_for(&mut self, wait: Option<Wait>) {
        if self.awaits.map(|(wait, _)| wait) != wait {
            self.awaits = wait.map(|wait| (wait, clock::boot_ms()));
            self.note(true);
        }
    }

    /// Writes the progress slot, not more often than is useful. Without a job there is one only while something is waited
    /// for.
    pub fn note(&mut self, now: bool) {
        if self.claim.is_none() && self.awaits.is_none() {
            if now && self.noted.take().is_some() && self.desk.progress.clear(self.desk.slot).is_err() {
                self.desk.log.line(format_args!("{}: progress cannot be written", self.desk.name));
            }
            return;
        }
        if !now && self.noted.is_some_and(|at| at.elapsed() < NOTE_EVERY) {
            return;
        }
        self.noted = Some(Instant::now());
        self.shown = self.octets;
        let progress = Progress {
            device: self.desk.device,
            entry: self.claim.map(|claim| claim.entry),
            attempt: self.claim.map_or(0, |claim| claim.attempt),
            document: self.document,
            copy: self.copy,
            octets: self.octets,
            at_boot_ms: clock::boot_ms(),
            stalled: self.standstill,
            awaits: self.awaits,
            open: self.open,
        };
        if self.desk.progress.put(self.desk.slot, &progress).is_err() {
            self.desk.log.line(format_args!("{}: progress cannot be written", self.desk.name));
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
    ) -> Result<PollFlags, Trouble> {
        // What went out before a wait that may be long is shown, so that a slow printer can be told how slow it is.
        self.note(self.noted.is_none() || self.shown != self.octets);
        self.check()?;
        // A job's octets are offered, and the device does not take them.
        let offering = self.claim.is_some() && !self.opening && events.contains(PollFlags::POLLOUT);
        let patience = if offering { Some(self.patience()?) } else { None };
        let timeout = timeout.into_iter().chain(patience).min();
        let ready = self
            .desk
            .wait(Some((fd, events)), timeout)
            .map_err(|error| Trouble::Device(Fault::of("cannot wait", &error)))?;
        // Is its patience asked again here? No: whoever waits first looks what the device has taken meanwhile.
        self.check()?;
        Ok(ready)
    }

    /// The device is waited for, and takes nothing: how long to wait at most before this is asked again. Said by
    /// [`Pace::wait`] for whoever waits to write.
    ///
    /// # Errors
    /// The trouble that ends the attempt: it stood longer than it may.
    pub fn patience(&mut self) -> Result<Duration, Trouble> {
        let now = Instant::now();
        let taken = self.stall.taken(self.octets);
        loop {
            match self.stall.waits(now, self.desk.timing.stall, self.io_limit) {
                Verdict::Wait(left) => return Ok(left),
                Verdict::Stalled(since) => {
                    let stood = now.saturating_duration_since(since);
                    let ms = i64::try_from(stood.as_millis()).unwrap_or(i64::MAX);
                    let since_boot_ms = clock::boot_ms().saturating_sub(ms);
                    self.standstill = Some(Standstill { since_boot_ms, octets: taken });
                    self.note(true);
                    self.remark("stalled", format!("{} accepted, nothing for {}", octets(taken), seconds(stood)))?;
                }
                Verdict::Over => {
                    let limit = seconds(self.io_limit.unwrap_or_default());
                    let text = format!("nothing was accepted for {limit}, after {}", octets(taken));
                    return Err(Fault::new(DeviceError::AcceptsNothing, text).into());
                }
            }
        }
    }

    /// The device has taken `taken` octets of the attempt; said by transports that can tell this from what their side
    /// of the system keeps.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn took(&mut self, taken: u64) -> Result<(), Trouble> {
        if self.stall.reached(taken) {
            self.moves()?;
            self.note(false);
        }
        Ok(())
    }

    fn moves(&mut self) -> Result<(), Trouble> {
        let Some(stood) = self.stall.moves(Instant::now()) else { return Ok(()) };
        self.standstill = None;
        self.note(true);
        self.remark("moving", format!("octets are accepted again after {}", seconds(stood)))
    }

    fn remark(&self, what: &str, why: String) -> Result<(), Trouble> {
        let Some(claim) = self.claim else { return Ok(()) };
        let why = format!("job {}: {why}", claim.number);
        Ok(self.desk.observe(&Observation::Remark { what: what.into(), why })?)
    }

    /// Waits so long, or until something else must be looked at that ends the attempt.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn rest(&mut self, long: Duration) -> Result<(), Trouble> {
        let (desk, until) = (self.desk, Instant::now() + long);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.wait(desk.bell.as_fd(), PollFlags::empty(), Some(left))?;
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
