//! The thread of one device: it lives while the device has something to do, and ends when it has not.
//!
//! It reads what is wanted, acts, and reads again; every turn begins from the spool, so that a wake-up, a crash of the
//! thread or a lost message changes nothing. After a device error it ends: main starts it again when a try is due, or
//! when an operator says START.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::context::{Desk, Streak};
use super::control::Pace;
use super::errors::{Fault, SpoolTrouble, Trouble};
use super::exclusive::Open;
use crate::fastp::process::backoff::is_due;
use crate::fastp::transports::Idle;
use crate::model::Failure;
use crate::model::device::{ConnectionInUse, DeviceSettings, Exclusive};
use crate::model::guardian::DeviceError;
use crate::model::state::DeviceWish;
use crate::spool::interface::engine::{AttemptEnd, DeviceOrder, Observation, Settlement};

/// Why a device thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing is left to do.
    Nothing,
    /// The same, and the transaction that ended the last job has told so: nothing waits and nothing is due.
    Done,
    /// A device error is on record.
    Failed,
    /// The process ends.
    Ending,
    /// The spool refuses.
    Refused(Failure),
}

impl From<SpoolTrouble> for Leave {
    fn from(trouble: SpoolTrouble) -> Self {
        match trouble {
            SpoolTrouble::Refused(failure) => Self::Refused(failure),
            SpoolTrouble::Ending => Self::Ending,
        }
    }
}

/// A device, as its thread has it.
pub struct Device {
    /// What it works with.
    pub desk: Rc<Desk>,
    /// Its settings, as last read.
    pub settings: DeviceSettings,
    /// What is open.
    pub open: Option<Open>,
    /// Whether a job was claimed.
    pub worked: bool,
    /// With what it was last opened, as it is on record.
    pub on_record: Option<ConnectionInUse>,
    /// Whether no job waited for it when the last one ended.
    pub unemployed: bool,
}

impl Device {
    /// A device that is closed.
    pub fn new(desk: Rc<Desk>) -> Self {
        Self {
            desk,
            settings: DeviceSettings::default(),
            open: None,
            worked: false,
            on_record: None,
            unemployed: false,
        }
    }

    /// Works until there is nothing to do. `first` is what is wanted of it, as main has just read it.
    pub fn run(&mut self, first: DeviceOrder) -> Leave {
        // Whatever is news since it was read rings.
        let mut result = if first.claimed { self.leftover() } else { self.turn(Some(first)) };
        let leave = loop {
            match result {
                Ok(()) => result = self.turn(None),
                Err(leave) => break leave,
            }
        };
        // A connection that is still here is not closed as if all were well.
        if let Some(open) = self.open.take() {
            drop(open.connection);
        }
        leave
    }

    /// Gives back a claim of this epoch that an earlier thread of the device left: it died, or the spool refused to
    /// record its end. No attempt belongs to it, and how far it came is not known.
    fn leftover(&mut self) -> Result<(), Leave> {
        let desk = Rc::clone(&self.desk);
        if desk.bell.finishing() {
            return Ok(());
        }
        if let Some(claim) = desk.claim()? {
            desk.log.line(format_args!("{}: the claim of job {} was left over: given back", desk.name, claim.number));
            let end = AttemptEnd::Abandoned { touched: true };
            desk.attempt_ends(&Arc::new(claim), end, Vec::new(), false)?;
        }
        Ok(())
    }

    fn turn(&mut self, read: Option<DeviceOrder>) -> Result<(), Leave> {
        let desk = Rc::clone(&self.desk);
        let mut pace = Pace::new(&desk, None);
        if desk.bell.finishing() {
            self.close("the print process ends", &mut pace)?;
            return Err(Leave::Ending);
        }
        // Taken before looking: a ring that comes later leads to another look.
        let rang = desk.bell.taken();
        desk.heard.set(false);
        let order = match read.filter(|_| !rang) {
            Some(order) => Some(order),
            None => desk.order()?,
        };
        let Some(order) = order else {
            self.close("the device belongs to this process no more", &mut pace)?;
            return Err(Leave::Nothing);
        };
        self.settings = order.settings.clone();
        self.on_record = order.connection.clone();
        desk.in_error.set(order.error.is_some());
        if self.open.is_none() && order.transferred > 0 {
            desk.settle(&Settlement::Reset { why: "the connection that carried them is gone".into() })?;
        }
        if self.open.as_ref().is_some_and(|open| {
            !self.settings.consults_fastcnfg() && Some(&open.means.uri) != self.settings.uri.as_ref()
        }) {
            self.close("its URI was changed", &mut pace)?;
        }
        match order.wish {
            DeviceWish::Started => self.started(&order, &mut pace),
            DeviceWish::Draining => {
                self.close("DRAIN", &mut pace)?;
                desk.observe(&Observation::Drained)?;
                Err(Leave::Nothing)
            }
            DeviceWish::Suspended => {
                self.close("the device is suspended and has no job", &mut pace)?;
                Err(Leave::Nothing)
            }
            DeviceWish::Stopped => {
                self.close("the device is not started", &mut pace)?;
                self.restart(&order)
            }
        }
    }

    /// Starts a device that an error has stopped, if its RESTART is due.
    fn restart(&mut self, order: &DeviceOrder) -> Result<(), Leave> {
        let now = crate::sys::clock::wall_ms();
        if order.restart_at_ms.is_none_or(|due| !is_due(due, order.settings.restart, now)) {
            return Err(Leave::Nothing);
        }
        // As after an operator's START: TIMEOUT allows all its tries again.
        self.desk.streak.set(Streak::default());
        self.desk.observe(&Observation::Restarting)?;
        Ok(())
    }

    fn started(&mut self, order: &DeviceOrder, pace: &mut Pace<'_>) -> Result<(), Leave> {
        let desk = Rc::clone(&self.desk);
        if let Some(error) = &order.error {
            let now = crate::sys::clock::wall_ms();
            if self.open.is_none() && error.next_try_ms.is_none_or(|due| !is_due(due, self.settings.retry, now)) {
                return Err(Leave::Failed);
            }
            // A try is due: whether the device opens is seen before a job is claimed for it.
            let opened = self.ensure_open("another try after an error", pace);
            if !self.may_go_on(opened)? {
                return Ok(());
            }
        }
        // Before a job is claimed: it could not be held or deleted while the peer's close is waited for.
        if let Some(fault) = self.close_overdue(pace)? {
            return Err(self.record(&fault)?);
        }
        if order.eligible
            && let Some(claim) = desk.claim()?
        {
            self.worked = true;
            let mut next = Some(claim);
            desk.printing.store(true, Ordering::SeqCst);
            let ended = loop {
                match next.take().map(|claim| self.print(claim)) {
                    None => break Ok(()),
                    Some(Ok(following)) => next = following,
                    Some(Err(leave)) => break Err(leave),
                }
            };
            desk.printing.store(false, Ordering::SeqCst);
            let news = desk.heard.get() || desk.bell.rung();
            if ended.is_err() || news || !self.unemployed || self.settings.exclusive == Exclusive::On {
                return ended;
            }
            // Is it asked again what is wanted? No: the end of the last job has told, and whatever came since rings.
            return self.knock_off(Leave::Done, pace);
        }
        if self.settings.exclusive == Exclusive::On {
            return self.stand_by(pace);
        }
        self.knock_off(Leave::Nothing, pace)
    }

    /// Closes a device that no job is queued for, and leaves.
    fn knock_off(&mut self, leave: Leave, pace: &mut Pace<'_>) -> Result<(), Leave> {
        match self.close("no job is queued", pace)? {
            Some(fault) => Err(self.record(&fault)?),
            None => {
                // Nothing to print on a device that opens and closes: an error on record is over.
                self.desk.recovered()?;
                Err(leave)
            }
        }
    }

    /// EXCLUSIVE ON with nothing to print: open, and listening.
    fn stand_by(&mut self, pace: &mut Pace<'_>) -> Result<(), Leave> {
        let hung_up = self.look_at_idle(pace);
        let why = match &hung_up {
            Ok(true) => {
                // It stood, and not only for a moment: what fails from here on is the first failure after a success.
                self.desk.streak.set(Streak::default());
                "the peer hung up"
            }
            _ => "EXCLUSIVE ON",
        };
        let opened = hung_up.and_then(|_| self.ensure_open(why, pace));
        if !self.may_go_on(opened)? {
            return Ok(());
        }
        let limit: Option<Duration> = self.release_quiet()?;
        let limit = limit.into_iter().chain(self.proves_itself()?).min();
        if self.desk.heard.get() || self.desk.bell.taken() {
            return Ok(());
        }
        self.listen(limit)
    }

    /// A device in error that stays open works again. Returns how long it still has to, where that is not known yet; jobs
    /// that are transferred say more when they are settled.
    fn proves_itself(&mut self) -> Result<Option<Duration>, Leave> {
        let Some(open) = self.open.as_ref().filter(|open| open.transferred == 0 && self.desk.in_error.get()) else {
            return Ok(None);
        };
        let left = self.desk.timing.short_lived.saturating_sub(open.since.elapsed());
        if left.is_zero() {
            self.desk.recovered()?;
        }
        Ok(Some(left).filter(|left| !left.is_zero()))
    }

    /// Waits for a ring, for news of the other side, or so long. What a printer says without end is no news: it is thrown
    /// away without asking the spool each time.
    fn listen(&mut self, limit: Option<Duration>) -> Result<(), Leave> {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let watched = self.open.as_ref().and_then(|open| open.connection.watch());
            let ready = self.desk.wait(watched.map(|fd| (fd, PollFlags::POLLIN)), left).map_err(|error| {
                Leave::Refused(Failure::internal(format_args!("waiting for device {}: {error}", self.desk.name)))
            })?;
            let chatter = ready == PollFlags::POLLIN && left.is_none_or(|left| !left.is_zero());
            match &mut self.open {
                Some(open) if chatter && !self.desk.bell.rung() => match open.connection.idle() {
                    Idle::Quiet => {}
                    news => {
                        open.news = Some(news);
                        return Ok(());
                    }
                },
                _ => return Ok(()),
            }
        }
    }

    /// What to do after trouble met while no job was claimed: false = look again at what is wanted.
    fn may_go_on(&mut self, result: Result<(), Trouble>) -> Result<bool, Leave> {
        match result {
            Ok(()) => Ok(true),
            Err(Trouble::Device(fault)) => Err(self.record(&fault)?),
            Err(Trouble::Ending) => Err(Leave::Ending),
            Err(Trouble::Refused(failure)) => Err(Leave::Refused(failure)),
            Err(Trouble::Document { text, .. } | Trouble::Source(_, text)) => {
                Err(self.record(&Fault::new(DeviceError::Other, text))?)
            }
            Err(Trouble::Unwanted | Trouble::Stop | Trouble::Lost) => Ok(false),
        }
    }

    /// Puts a device error on record that no job was claimed for.
    pub(crate) fn record(&mut self, fault: &Fault) -> Result<Leave, Leave> {
        self.lose(&fault.text)?;
        let note = self.desk.failure(fault, self.settings.retry, self.settings.timeout);
        self.desk.observe(&Observation::Failed(note))?;
        Ok(Leave::Failed)
    }
}
