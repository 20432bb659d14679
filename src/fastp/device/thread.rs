//! The thread of one device: it lives while the device has work, and ends when it has none.
//!
//! It reads what is wanted, acts, and reads again. Every turn starts from the spool, so that a lost wake-up, a crash of
//! the thread or a lost message changes nothing. After a device error the thread ends: main starts it again when a
//! retry is due, or when an operator says START.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::context::{DeviceContext, FailureStreak};
use super::control::AttemptControl;
use super::departing::Departing;
use super::errors::{Fault, PrintError, SpoolError};
use super::exclusive::OpenDevice;
use crate::fastp::process::backoff::is_due;
use crate::fastp::transports::IdleState;
use crate::model::Failure;
use crate::model::device::{ConnectionInUse, DeviceSettings, Exclusive};
use crate::model::guardian::DeviceError;
use crate::model::state::DeviceWish;
use crate::spool::interface::engine::{AttemptEnd, DeviceOrder, Observation, Outcome};

/// Why a device thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadEnd {
    /// Nothing is left to do.
    NothingToDo,
    /// Nothing is left to do, and the transaction that ended the last job showed it: nothing is queued and nothing is
    /// due.
    NothingQueued,
    /// A device error is recorded.
    DeviceError,
    /// The process ends.
    ProcessEnding,
    /// The spool refused a call.
    Refused(Failure),
}

impl From<SpoolError> for ThreadEnd {
    fn from(trouble: SpoolError) -> Self {
        match trouble {
            SpoolError::Refused(failure) => Self::Refused(failure),
            SpoolError::Ending => Self::ProcessEnding,
        }
    }
}

/// A device as its thread sees it.
pub struct Device {
    /// The spool, waker and log it works with.
    pub context: Rc<DeviceContext>,
    /// Its settings, as last read.
    pub settings: DeviceSettings,
    /// The open device, if it is open.
    pub open: Option<OpenDevice>,
    /// Whether a job was claimed.
    pub worked: bool,
    /// What the device was last opened with, as recorded.
    pub on_record: Option<ConnectionInUse>,
    /// Whether no job waited for it when the last one ended.
    pub nothing_queued: bool,
    /// Connections of this open that we have closed and the peer has not.
    pub(crate) departing: Vec<Departing>,
    /// The fault of one of them whose jobs came back, until it is put on record.
    pub(crate) late_fault: Option<Fault>,
    /// A part of the running job went over a connection before this one.
    pub(crate) part_sent: bool,
    /// A part of the running job went over a connection that the peer never closed.
    pub(crate) part_unconfirmed: bool,
    /// The device was opened at another address than before, and no job has ended there yet.
    pub(crate) new_address: bool,
}

impl Device {
    /// Creates a closed device.
    pub fn new(context: Rc<DeviceContext>) -> Self {
        Self {
            context,
            settings: DeviceSettings::default(),
            open: None,
            worked: false,
            on_record: None,
            nothing_queued: false,
            departing: Vec::new(),
            late_fault: None,
            part_sent: false,
            part_unconfirmed: false,
            new_address: false,
        }
    }

    /// Works until nothing is left to do. `first` is what main has just read as wanted.
    pub fn run(&mut self, first: DeviceOrder) -> ThreadEnd {
        // Any news since main read it wakes us.
        let mut result = if first.claimed { self.give_back_leftover_claim() } else { self.turn(Some(first)) };
        let leave = loop {
            match result {
                Ok(()) => result = self.turn(None),
                Err(leave) => break leave,
            }
        };
        // What an old connection delivered does not come back because this thread ends. A spool that refuses is asked no more.
        if !matches!(leave, ThreadEnd::Refused(_)) {
            let context = Rc::clone(&self.context);
            let _ = self.await_departing(&mut AttemptControl::new(&context, None));
        }
        // A connection that is still here is not closed as if all were well.
        if let Some(open) = self.open.take() {
            drop(open.connection);
        }
        leave
    }

    /// Gives back a claim of this epoch that an earlier thread of the device left: the thread died, or the spool
    /// refused to record its end. No attempt belongs to the claim, and how far it came is unknown.
    fn give_back_leftover_claim(&mut self) -> Result<(), ThreadEnd> {
        let context = Rc::clone(&self.context);
        if context.waker.finishing() {
            return Ok(());
        }
        if let Some(claim) = context.claim()? {
            context
                .log
                .line(format_args!("{}: the claim of job {} was left over: given back", context.name, claim.number));
            let end = AttemptEnd::Abandoned { touched: true };
            context.attempt_ends(&Arc::new(claim), end, Vec::new(), false)?;
        }
        Ok(())
    }

    fn turn(&mut self, read: Option<DeviceOrder>) -> Result<(), ThreadEnd> {
        let context = Rc::clone(&self.context);
        let mut control = AttemptControl::new(&context, None);
        if context.waker.finishing() {
            self.close("the print process ends", &mut control)?;
            return Err(ThreadEnd::ProcessEnding);
        }
        // Cleared before we look: a later wake-up leads to another look.
        let rang = context.waker.take_wake();
        context.wake_pending.set(false);
        let order = match read.filter(|_| !rang) {
            Some(order) => Some(order),
            None => context.order()?,
        };
        let Some(order) = order else {
            self.close("the device belongs to this process no more", &mut control)?;
            return Err(ThreadEnd::NothingToDo);
        };
        self.settings = order.settings.clone();
        self.on_record = order.connection.clone();
        context.in_error.set(order.error.is_some());
        if self.open.is_none() && self.departing.is_empty() && order.transferred > 0 {
            context.settle_all(Outcome::Reset { why: "the connection that carried them is gone".into() })?;
        }
        if self.open.as_ref().is_some_and(|open| {
            !self.settings.consults_fastcnfg() && Some(&open.settings.uri) != self.settings.uri.as_ref()
        }) {
            self.close("its URI was changed", &mut control)?;
        }
        if let Some(request) = order.asked {
            return self.carry_out(request, &order, &mut control);
        }
        match order.wish {
            DeviceWish::Started => self.started(&order, &mut control),
            DeviceWish::Draining => {
                self.close("DRAIN", &mut control)?;
                context.observe(&Observation::Drained)?;
                Err(ThreadEnd::NothingToDo)
            }
            DeviceWish::Suspended => {
                self.close("the device is suspended and has no job", &mut control)?;
                Err(ThreadEnd::NothingToDo)
            }
            DeviceWish::Stopped => {
                self.close("the device is not started", &mut control)?;
                self.restart(&order)
            }
        }
    }

    /// Starts a device that an error has stopped, if its RESTART is due.
    fn restart(&mut self, order: &DeviceOrder) -> Result<(), ThreadEnd> {
        let now = crate::sys::clock::wall_ms();
        if order.restart_at_ms.is_none_or(|due| !is_due(due, order.settings.restart, now)) {
            return Err(ThreadEnd::NothingToDo);
        }
        // As after an operator's START, TIMEOUT allows all its retries again.
        self.context.streak.set(FailureStreak::default());
        self.context.observe(&Observation::Restarting)?;
        Ok(())
    }

    fn started(&mut self, order: &DeviceOrder, control: &mut AttemptControl<'_>) -> Result<(), ThreadEnd> {
        let context = Rc::clone(&self.context);
        if let Some(error) = &order.error {
            let now = crate::sys::clock::wall_ms();
            if self.open.is_none() && error.next_try_ms.is_none_or(|due| !is_due(due, self.settings.retry, now)) {
                return Err(ThreadEnd::DeviceError);
            }
            // A retry is due: see whether the device opens before a job is claimed for it.
            let opened = self.ensure_open("another try after an error", control);
            if !self.may_go_on(opened)? {
                return Ok(());
            }
        }
        if order.eligible
            && let Some(claim) = context.claim()?
        {
            self.worked = true;
            let mut next = Some(claim);
            context.printing.store(true, Ordering::SeqCst);
            let ended = loop {
                match next.take().map(|claim| self.print(claim)) {
                    None => break Ok(()),
                    Some(Ok(following)) => next = following,
                    Some(Err(leave)) => break Err(leave),
                }
            };
            context.printing.store(false, Ordering::SeqCst);
            let news = context.wake_pending.get() || context.waker.was_woken();
            if ended.is_err() || news || !self.nothing_queued || self.settings.exclusive == Exclusive::On {
                return ended;
            }
            // No need to reread the order: the transaction that ended the last job found nothing waiting, and any later
            // change wakes us.
            return self.close_and_end(ThreadEnd::NothingQueued, control);
        }
        if self.settings.exclusive == Exclusive::On {
            return self.stand_by(control);
        }
        self.close_and_end(ThreadEnd::NothingToDo, control)
    }

    /// Closes a device that no job is queued for, and ends the thread.
    fn close_and_end(&mut self, leave: ThreadEnd, control: &mut AttemptControl<'_>) -> Result<(), ThreadEnd> {
        match self.close("no job is queued", control)? {
            Some(fault) => Err(self.record(&fault)?),
            None => {
                // The device opens and closes and has nothing to print: a recorded error is over.
                self.context.recovered()?;
                Err(leave)
            }
        }
    }

    /// EXCLUSIVE ON with nothing to print: stays open and waits for news.
    fn stand_by(&mut self, control: &mut AttemptControl<'_>) -> Result<(), ThreadEnd> {
        let hung_up = self.check_idle_connection(control);
        let why = match &hung_up {
            Ok(true) => {
                // The connection lasted longer than a moment: the next failure is the first one after a success.
                self.context.streak.set(FailureStreak::default());
                "the peer hung up"
            }
            _ => "EXCLUSIVE ON",
        };
        let opened = hung_up.and_then(|_| self.ensure_open(why, control));
        if !self.may_go_on(opened)? {
            return Ok(());
        }
        let limit: Option<Duration> = self.release_quiet()?;
        let limit = limit.into_iter().chain(self.confirm_recovery()?).min();
        if self.context.wake_pending.get() || self.context.waker.take_wake() {
            return Ok(());
        }
        self.wait_for_news(limit)
    }

    /// A device in error that stays open works again. Returns how long it still has to, where that is not known yet; jobs
    /// that are transferred say more when they are settled.
    fn confirm_recovery(&mut self) -> Result<Option<Duration>, ThreadEnd> {
        let Some(open) =
            self.open.as_ref().filter(|open| open.delivered.borrow().is_empty() && self.context.in_error.get())
        else {
            return Ok(None);
        };
        let left = self.context.timing.short_lived.saturating_sub(open.since.elapsed());
        if left.is_zero() {
            self.context.recovered()?;
        }
        Ok(Some(left).filter(|left| !left.is_zero()))
    }

    /// Waits for a wake-up, for news from the peer, or for `limit`. Data that a printer sends without end is no news:
    /// it is thrown away without asking the spool each time.
    fn wait_for_news(&mut self, limit: Option<Duration>) -> Result<(), ThreadEnd> {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let watched = self.open.as_ref().and_then(|open| open.connection.poll_fd());
            let ready = self.context.wait(watched.map(|fd| (fd, PollFlags::POLLIN)), left).map_err(|error| {
                ThreadEnd::Refused(Failure::internal(format_args!("waiting for device {}: {error}", self.context.name)))
            })?;
            let chatter = ready == PollFlags::POLLIN && left.is_none_or(|left| !left.is_zero());
            match &mut self.open {
                Some(open) if chatter && !self.context.waker.was_woken() => match open.connection.check_idle() {
                    IdleState::Quiet => {}
                    news => {
                        open.news = Some(news);
                        return Ok(());
                    }
                },
                _ => return Ok(()),
            }
        }
    }

    /// Decides what to do after an error while no job was claimed: false = read again what is wanted.
    fn may_go_on(&mut self, result: Result<(), PrintError>) -> Result<bool, ThreadEnd> {
        match result {
            Ok(()) => Ok(true),
            Err(PrintError::Device(fault)) => Err(self.record(&fault)?),
            Err(PrintError::Ending) => Err(ThreadEnd::ProcessEnding),
            Err(PrintError::Refused(failure)) => Err(ThreadEnd::Refused(failure)),
            Err(PrintError::Document { text, .. } | PrintError::Source(_, text)) => {
                Err(self.record(&Fault::new(DeviceError::Other, text))?)
            }
            Err(PrintError::Unwanted | PrintError::Stop | PrintError::Lost | PrintError::Turn | PrintError::Stand) => {
                Ok(false)
            }
        }
    }

    /// Records a device error that concerns no claimed job.
    pub(crate) fn record(&mut self, fault: &Fault) -> Result<ThreadEnd, ThreadEnd> {
        self.drop_lost_connection(&fault.text)?;
        let note = self.context.failure(fault, self.settings.retry, self.settings.timeout);
        self.context.observe(&Observation::Failed(note))?;
        Ok(ThreadEnd::DeviceError)
    }
}
