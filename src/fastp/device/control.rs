//! Controls an attempt: counts what is sent, shows progress, and stops the sender when the job or the device is no
//! longer wanted. Everything that may take long waits through it, so that no wait outlasts a wake-up.
//!
//! SUSPEND takes effect here: the thread stands still between two octets, with the device open, until the attempt may
//! go on or must end. The sender notices nothing but the time.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::socket::{getsockopt, sockopt};

use super::context::DeviceContext;
use super::delivered::Delivered;
use super::errors::{Fault, PrintError};
use super::stall::{Stall, Verdict};
use crate::fastp::content::pieces::{Pieces, Place};
use crate::fastp::content::turn::{self, Turn};
use crate::model::event::EventWord;
use crate::model::guardian::DeviceError;
use crate::model::request::{Answer, OpenRequest};
use crate::model::state::DeviceWish;
use crate::model::wait::Wait;
use crate::spool::interface::engine::{AttemptWish, Claim, Observation, Outcome};
use crate::spool::printing::progress::{Progress, Standstill};
use crate::sys::{clock, fault};

/// Progress is written at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// A sender that never waits asks this often whether to go on.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How far an attempt has come, which decides what SUSPEND does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was sent: the job of a device that is suspended now goes back to its place.
    Before,
    /// Octets are being sent: the thread stands still between two of them.
    Sending,
    /// Every octet was sent: only how they arrived is still open.
    Sent,
}

/// The delivered jobs of the connection, which are released while the next one is sent.
pub struct Releasing {
    /// The jobs.
    pub delivered: Rc<RefCell<Delivered>>,
    /// Whether time alone releases them (EXCLUSIVE ON).
    pub quiet: bool,
}

/// The body that is being sent: how far an attempt is in its documents.
#[derive(Clone, Copy, Debug)]
struct Body {
    /// Where what is sent begins.
    begins: Place,
    /// Octets of the document that it is made of.
    of: u64,
    /// Octets that are sent for them.
    length: u64,
    /// Octets of the attempt before it.
    before: u64,
}

/// The control of one attempt, or of opening and closing a device without one.
pub struct AttemptControl<'a> {
    context: &'a DeviceContext,
    claim: Option<&'a Claim>,
    /// While the device is being opened, a device that is no longer wanted ends the attempt; afterwards its job is
    /// finished.
    pub opening: bool,
    /// Whether an operator asked for what is done, so that a suspended device is wanted too.
    pub on_request: bool,
    /// Whether the device is open for the attempt.
    pub open: bool,
    /// How far the attempt is.
    pub stage: Stage,
    /// Shows, while the thread stands still, that the device went away.
    pub hangup_fd: Option<OwnedFd>,
    /// Document in print, from 1.
    pub document: u32,
    /// Copy in print, from 1.
    pub copy: u32,
    /// Octets that the attempt sends in all, header pages and form feeds included; 0 = not known yet.
    pub total: u64,
    /// How long the device may accept nothing (TIMEOUT); none = no limit.
    pub io_limit: Option<Duration>,
    /// The job that is being sent, for whoever asks for other pages of it.
    pub job: Option<Rc<Pieces>>,
    /// Whether a program of others sends the octets: it has to be told to stand still.
    pub by_program: bool,
    /// Why no other page can be gone to, if it cannot.
    pub no_turns: Option<&'static str>,
    /// Whether that program stands still.
    program_stands: bool,
    /// Where an operator wants it to go on.
    turn: Option<Turn>,
    body: Option<Body>,
    /// Where the job goes on when no body is being sent.
    next: Place,
    stall: Stall,
    standstill: Option<Standstill>,
    /// What we wait for, and since when (boot clock).
    waiting_for: Option<(Wait, i64)>,
    octets: u64,
    /// How many of them are more than those of the documents, because text was laid out; less where it was cut.
    surplus: i64,
    /// The most that was shown: what is shown never goes back.
    shown: u64,
    /// Octets of the attempt that went over connections before this one.
    earlier: u64,
    releasing: Option<Releasing>,
    /// Whether a suspended device has said so after its last octet.
    said_it_stands: bool,
    /// Octets that the device had taken when progress was last written.
    octets_written: u64,
    spool_checked_at: Instant,
    progress_written_at: Option<Instant>,
}

impl<'a> AttemptControl<'a> {
    /// Starts to control an attempt at `claim`, or the opening and closing of a device.
    pub fn new(context: &'a DeviceContext, claim: Option<&'a Claim>) -> Self {
        Self {
            context,
            claim,
            opening: false,
            on_request: false,
            open: false,
            stage: Stage::Before,
            hangup_fd: None,
            document: 0,
            copy: 0,
            total: 0,
            io_limit: None,
            job: None,
            by_program: false,
            no_turns: None,
            program_stands: false,
            turn: None,
            body: None,
            next: Place { index: 0, copy: 1, at: 0 },
            stall: Stall::default(),
            standstill: None,
            waiting_for: None,
            octets: 0,
            surplus: 0,
            shown: 0,
            earlier: 0,
            releasing: None,
            said_it_stands: false,
            octets_written: 0,
            spool_checked_at: Instant::now(),
            progress_written_at: None,
        }
    }

    /// The context of the device thread.
    pub fn context(&self) -> &'a DeviceContext {
        self.context
    }

    /// Whether this controls an attempt at a job.
    pub fn is_attempt(&self) -> bool {
        self.claim.is_some()
    }

    /// Octets sent, added ones included.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Octets that the device has taken, as far as its transport can tell: not what this system still keeps for it.
    fn taken(&self) -> u64 {
        self.stall.taken(self.octets)
    }

    /// Checks whether to go on; asks the spool only after a wake-up.
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

    /// Checks whether what is about to begin is still wanted: an earlier wake-up may have been about it.
    pub fn still_wanted(&mut self) -> Result<(), PrintError> {
        if self.context.wake_pending.get() { self.check_spool() } else { self.check() }
    }

    /// Asks the spool, and stands still while the device is suspended. That time does not count against the device.
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
            self.take_requests(wish == AttemptWish::Suspend)?;
            match wish {
                AttemptWish::Suspend if self.stage == Stage::Before => return Err(PrintError::Unwanted),
                AttemptWish::Suspend if self.by_program && self.stage == Stage::Sending && !self.program_stands => {
                    // Looked at again when it stands.
                    self.context.wake_pending.set(true);
                    return Err(PrintError::Stand);
                }
                AttemptWish::Suspend if self.stage == Stage::Sending => self.stand_still(&mut still)?,
                AttemptWish::Suspend if self.stage == Stage::Sent => {
                    self.say_it_stands(", whose every octet had left")?;
                    break;
                }
                AttemptWish::LetGo if self.stage != Stage::Sent => return Err(PrintError::Unwanted),
                AttemptWish::Suspend | AttemptWish::LetGo | AttemptWish::Continue => break,
                AttemptWish::Stop => return Err(PrintError::Stop),
                AttemptWish::Lost => return Err(PrintError::Lost),
            }
            wish = self.wish(AttemptWish::Suspend);
        }
        self.spool_checked_at = Instant::now();
        if self.opening && !self.still_open_for()? {
            return Err(PrintError::Unwanted);
        }
        // What is being sent ends here only where it can: between two octets of a document.
        if self.turn.is_some() && self.body.is_some() && self.stage == Stage::Sending {
            return Err(PrintError::Turn);
        }
        Ok(())
    }

    /// Whether the device should still be open for what is done.
    fn still_open_for(&self) -> Result<bool, PrintError> {
        if !self.on_request {
            return Ok(self.context.still_started()?);
        }
        let wished = |wish| matches!(wish, DeviceWish::Started | DeviceWish::Suspended);
        let order = self.context.order()?;
        Ok(!self.context.waker.finishing() && order.is_some_and(|order| wished(order.wish) && order.asked.is_some()))
    }

    /// Answers what operators ask of the attempt. Before the first octet that waits: the job is not known yet.
    fn take_requests(&mut self, suspended: bool) -> Result<(), PrintError> {
        let Some(claim) = self.claim.filter(|_| self.stage != Stage::Before) else { return Ok(()) };
        for request in self.context.requests(claim) {
            self.answer(request, suspended)?;
        }
        Ok(())
    }

    /// The program of others stands still: we do too, until the job may go on or must end.
    ///
    /// # Errors
    /// Why it must end, or that it goes on elsewhere.
    pub fn stand_until_wanted(&mut self) -> Result<(), PrintError> {
        self.program_stands = true;
        let looked = self.check_spool();
        self.program_stands = false;
        looked
    }

    fn answer(&mut self, request: OpenRequest, suspended: bool) -> Result<(), PrintError> {
        if let Some(why) = self.no_turns {
            return Ok(self.context.answer(request.id, Answer::Refused(why.into()), None)?);
        }
        let Some(job) = self.job.clone().filter(|_| self.stage == Stage::Sending) else {
            let answer = Answer::Refused("every octet of the job has left already".into());
            return Ok(self.context.answer(request.id, answer, None)?);
        };
        // One that was asked before and is not carried out yet counts as done.
        let now = self.turn.map_or_else(|| self.place(), |turn| turn.to);
        let answer = match turn::find(&job, now, request.what) {
            Err(why) => Answer::Refused(why),
            Ok(found) => self.turns(found, suspended),
        };
        Ok(self.context.answer(request.id, answer, None)?)
    }

    /// The job goes on elsewhere from now on. Says so.
    fn turns(&mut self, found: Turn, suspended: bool) -> Answer {
        let found = match self.turn {
            Some(first) => Turn { to: found.to, page: found.page, over: first.over + found.over, ..first },
            None => found,
        };
        self.turn = Some(found);
        let start = if suspended { " after START" } else { "" };
        let text = format!("it goes on at page {}{start}", found.page);
        if self.octets == 0 {
            return Answer::Done(text);
        }
        Answer::Warned(format!("{text}; page {} was being sent", found.from_page))
    }

    /// Where the attempt is in the documents of its job.
    fn place(&self) -> Place {
        let Some(body) = self.body else { return self.next };
        let sent = self.octets.saturating_sub(body.before).min(body.length);
        // Of text that is laid out, the part that was made of these octets.
        let done = if body.of == body.length { sent } else { body.of.saturating_mul(sent) / body.length.max(1) };
        Place { at: body.begins.at.saturating_add(done), ..body.begins }
    }

    /// Notes that what is sent next, `length` octets, stands for `of` octets of a document from a place on.
    pub fn sends_body(&mut self, begins: Place, of: u64, length: u64) {
        self.body = Some(Body { begins, of, length, before: self.octets });
    }

    /// Takes where the job is to go on. From then on what was sent before counts as sent.
    pub fn take_turn(&mut self) -> Option<Turn> {
        let turn = self.turn.take()?;
        // The sheet that is fed out first may take long, and what is asked meanwhile is asked of the new page.
        (self.body, self.next) = (None, turn.to);
        self.surplus = self.surplus.saturating_sub(turn.over);
        Some(turn)
    }

    fn wish(&self, now: AttemptWish) -> AttemptWish {
        self.claim.map_or(AttemptWish::Continue, |claim| self.context.attempt_wish(claim, now))
    }

    /// Waits until there may be news about a suspended device. `reported`: the standstill is already recorded.
    fn stand_still(&mut self, reported: &mut bool) -> Result<(), PrintError> {
        if !std::mem::replace(reported, true) {
            self.write_progress(true);
            self.say_it_stands("")?;
        }
        let hangup = self.hangup_fd.as_ref().map(|fd| (fd.as_fd(), PollFlags::empty()));
        let ready = self
            .context
            .wait(hangup, Some(self.context.timing.scan_interval))
            .map_err(|error| PrintError::Device(Fault::of("cannot wait", &error)))?;
        // A thread that must finish after the running job does not wait for one that stands still: the job goes back to
        // its place.
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

    /// Acknowledges SUSPEND: no further octet leaves. A job that is only closed or settled says so once.
    fn say_it_stands(&mut self, how: &str) -> Result<(), PrintError> {
        if self.stage == Stage::Sent && std::mem::replace(&mut self.said_it_stands, true) {
            return Ok(());
        }
        let job = self.claim.map(|claim| format!("job {}", claim.number)).unwrap_or_default();
        let why = format!("{job} after {} octets{how}", self.octets);
        Ok(self.context.observe(&Observation::Remark { what: EventWord::StandsStill, why })?)
    }

    /// The fault of a device that went away while its job stood still.
    fn went_away(&self) -> Fault {
        let doing = "while its job was suspended";
        let error = self.hangup_fd.as_ref().and_then(|fd| getsockopt(fd, sockopt::SocketError).ok());
        match error {
            Some(errno) if errno != 0 => Fault::of(doing, &io::Error::from_raw_os_error(errno)),
            _ => Fault::new(DeviceError::HungUp, format!("{doing}: the device went away")),
        }
    }

    /// Counts `n` more octets as sent.
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

    /// The same of octets that somebody else has sent, without looking at anything.
    pub fn counts(&mut self, n: u64) {
        self.octets += n;
    }

    /// Of what is sent next, `n` octets are none of a document's; a negative number of its own are left out.
    pub fn adds(&mut self, n: i64) {
        self.surplus += n;
    }

    /// Shows what we wait for from now on; none = nothing. If we already wait for it, its start time stays.
    pub fn set_waiting_for(&mut self, wait: Option<Wait>) {
        if self.waiting_for.map(|(wait, _)| wait) != wait {
            self.waiting_for = wait.map(|wait| (wait, clock::boot_ms()));
            self.write_progress(true);
        }
    }

    /// Writes the progress slot, no more often than useful. Without a job, the slot is used only while we wait for
    /// something.
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
        self.octets_written = self.taken();
        let most = if self.total > 0 { self.total } else { u64::MAX };
        self.shown = self.shown.max(self.octets_written.saturating_add_signed(-self.surplus)).min(most);
        let progress = Progress {
            device: self.context.device,
            entry: self.claim.map(|claim| claim.entry),
            attempt: self.claim.map_or(0, |claim| claim.attempt),
            document: self.document,
            copy: self.copy,
            octets: self.shown,
            total: self.total,
            at_boot_ms: clock::boot_ms(),
            stalled: self.standstill,
            awaits: self.waiting_for,
            open: self.open,
        };
        if self.context.progress.put(self.context.slot, &progress).is_err() {
            self.context.log.line(format_args!("{}: progress cannot be written", self.context.name));
        }
    }

    /// Waits until `fd` is ready for `events`, at most `timeout`, or until something else needs attention.
    pub fn wait(
        &mut self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        timeout: Option<Duration>,
    ) -> Result<PollFlags, PrintError> {
        // Show what was sent before a wait that may be long, so that a slow printer's progress is visible.
        self.write_progress(self.progress_written_at.is_none() || self.octets_written != self.taken());
        self.check()?;
        // We offer octets of a job, and the device does not accept them.
        let offering = self.claim.is_some() && !self.opening && events.contains(PollFlags::POLLOUT);
        let patience = if offering { Some(self.stall_timeout()?) } else { None };
        let timeout = timeout.into_iter().chain(patience).min();
        let ready = self
            .context
            .wait(Some((fd, events)), timeout)
            .map_err(|error| PrintError::Device(Fault::of("cannot wait", &error)))?;
        // Do we check for a stall again here? No: the caller first looks at what the device has accepted meanwhile.
        self.check()?;
        Ok(ready)
    }

    /// Waits until there is news of a file that still arrives, at most `timeout`, and returns whether there is. That time does not count
    /// against the device: nothing is offered to it.
    ///
    /// # Errors
    /// Why the attempt must end.
    pub fn wait_for_source(&mut self, news: BorrowedFd<'_>, timeout: Duration) -> Result<bool, PrintError> {
        let began = Instant::now();
        let ready = self.wait(news, PollFlags::POLLIN, Some(timeout));
        self.stall.forgive(began.elapsed());
        Ok(!ready?.is_empty())
    }

    /// Returns how long to wait for a device that accepts nothing before asking again. [`AttemptControl::wait`] calls
    /// it for a caller that waits to write.
    ///
    /// # Errors
    /// Returns an error when the device has stalled for longer than allowed.
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
                    self.remark(
                        EventWord::Stalled,
                        format!("{} accepted, nothing for {}", octets(taken), seconds(stood)),
                    )?;
                }
                Verdict::Over => {
                    let limit = seconds(self.io_limit.unwrap_or_default());
                    let text = format!("nothing was accepted for {limit}, after {}", octets(taken));
                    return Err(Fault::new(DeviceError::AcceptsNothing, text).into());
                }
            }
        }
    }

    /// What follows goes over a new connection.
    pub fn renewed(&mut self, releasing: Option<Releasing>) {
        self.earlier = self.octets;
        self.releasing = releasing;
    }

    /// The device has taken `taken` octets of the attempt over this connection; said by transports that can tell this from what their side
    /// of the system keeps.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn device_accepted(&mut self, taken: u64) -> Result<(), PrintError> {
        if let Some(releasing) = &self.releasing {
            let (delivered, settle) = (&releasing.delivered, self.context.timing.settle);
            delivered.borrow_mut().acknowledge(taken, Instant::now());
            let followed = delivered.borrow_mut().take_followed(settle);
            let why = format!("octets behind it were taken for {} s without a reset", settle.as_secs());
            self.context.settle(followed, Outcome::Released { why })?;
            if releasing.quiet {
                let stood = delivered.borrow_mut().take_quiet(settle, Instant::now());
                let why = format!("the connection stood for {} s without a reset", settle.as_secs());
                self.context.settle(stood, Outcome::Released { why })?;
            }
        }
        if self.stall.reached(self.earlier.saturating_add(taken)) {
            self.moving_again()?;
            self.write_progress(false);
        }
        Ok(())
    }

    fn moving_again(&mut self) -> Result<(), PrintError> {
        let Some(stood) = self.stall.moves(Instant::now()) else { return Ok(()) };
        self.standstill = None;
        self.write_progress(true);
        self.remark(EventWord::Moving, format!("octets are accepted again after {}", seconds(stood)))
    }

    fn remark(&self, what: EventWord, why: String) -> Result<(), PrintError> {
        let Some(claim) = self.claim else { return Ok(()) };
        let why = format!("job {}: {why}", claim.number);
        Ok(self.context.observe(&Observation::Remark { what, why })?)
    }

    /// Waits `long`, unless something ends the attempt earlier.
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
    // Do not show a limit of a few ticks as "0 s".
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f32())
    } else {
        format!("{} s", time.as_secs())
    }
}
