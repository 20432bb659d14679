//! When a device is opened and closed (docs/reference/fastp.md 1), and what that means for the jobs that a kept connection carried.
//!
//! OFF: open while an eligible job is queued. ON: open from START to DRAIN. OFF !: open for each job. The jobs that a
//! connection delivered are released when it is closed, or earlier as [`super::delivered`] says. Every open and close is
//! an event.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::connection_settings::{CloseWait, ConnectionSettings};
use super::control::{AttemptControl, Releasing};
use super::delivered::Delivered;
use super::errors::{Fault, PrintError, SpoolError};
use super::thread::Device;
use crate::fastp::content::boundary::Speech;
use crate::fastp::fastcnfg;
use crate::fastp::fastcnfg::{ConsultResult, LookupRequest};
use crate::fastp::program;
use crate::fastp::transports::{CloseOutcome, Connection, IdleState, open};
use crate::model::device::Exclusive;
use crate::model::guardian::DeviceError;
use crate::model::wait::Wait;
use crate::spool::interface::engine::{DeviceReport, Observation, Outcome};

/// How often a close is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(200);

/// A device that is open.
pub struct OpenDevice {
    /// The connection.
    pub connection: Box<dyn Connection>,
    /// What it was opened with.
    pub settings: ConnectionSettings,
    /// When.
    pub since: Instant,
    /// What was sent last over it.
    pub last: Option<Speech>,
    /// Jobs that it has delivered and that are not released.
    pub delivered: Rc<RefCell<Delivered>>,
    /// Whether a job was begun on it.
    pub carried: bool,
    /// What the idle connection showed and nobody acted on yet. An error shows only once.
    pub news: Option<IdleState>,
}

impl OpenDevice {
    /// A connection that was just opened.
    pub fn new(connection: Box<dyn Connection>, settings: ConnectionSettings) -> Self {
        Self {
            connection,
            settings,
            since: Instant::now(),
            last: None,
            delivered: Rc::default(),
            carried: false,
            news: None,
        }
    }

    /// How its delivered jobs are released while the next one is sent.
    pub fn releasing(&self, exclusive: Exclusive) -> Option<Releasing> {
        Some(Releasing { delivered: Rc::clone(&self.delivered), quiet: exclusive == Exclusive::On })
    }
}

impl Device {
    /// Makes sure that the device is open and well.
    pub fn ensure_open(&mut self, why: &str, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.check_idle_connection(control)?;
        if self.open.is_some() {
            return Ok(());
        }
        let context = Rc::clone(&self.context);
        let (server, process) = (context.engine.server(), context.lease.name.as_str());
        // A device that does not consult it needs no answer.
        let primary = match self.settings.consults_fastcnfg() {
            true => context.fastcnfg()?,
            false => std::path::PathBuf::new(),
        };
        let places = (primary, context.root.clone());
        let request = LookupRequest::new(places, server.as_str(), process, &context.name, &context.file_cache);
        control.opening = true;
        control.set_waiting_for(self.settings.consults_fastcnfg().then_some(Wait::Fastcnfg));
        let consulted = self.consult(&request, control);
        control.set_waiting_for(None);
        control.opening = false;
        let ConsultResult { settings, in_use } = consulted?;
        #[cfg(test)]
        let settings = crate::fastp::fake::altered(settings);
        control.opening = true;
        control.set_waiting_for(Some(Wait::Opening));
        let opened = control.still_wanted().and_then(|()| match &context.program {
            Some(program) => program::open(program, &self.settings, &settings, control),
            None => open(&settings, control),
        });
        control.open = opened.is_ok();
        control.set_waiting_for(None);
        control.opening = false;
        self.open = Some(OpenDevice::new(opened?, settings));
        let as_before = self.on_record.as_ref() == Some(&in_use);
        // Another printer stands at another address: it begins at top of form and owes nobody a form feed.
        self.new_address |= self.on_record.as_ref().is_some_and(|before| before.address != in_use.address);
        if !as_before {
            self.on_record = Some(in_use.clone());
        }
        let opened = Observation::Opened { why: why.to_owned(), connection: in_use };
        // Must the open be recorded before the first octet? That it is open, no: the claim says that octets may be
        // sent, and the progress file shows the device open. The address, yes, if it differs from the recorded one:
        // recovery uses it to decide whether pages may be on paper. And a device in error is open or not by what the
        // record says.
        if as_before && control.is_attempt() && !self.context.in_error.get() {
            self.context.defer(DeviceReport::Observed(opened));
        } else {
            self.context.observe(&opened)?;
        }
        Ok(())
    }

    /// Finds what to open the device with. What it then remembers of FASTCNFG is recorded first.
    fn consult(&self, request: &LookupRequest, control: &mut AttemptControl<'_>) -> Result<ConsultResult, PrintError> {
        let context = &self.context;
        let mut memory = context.memory.take();
        let recalled = if memory.is_blank() && self.settings.consults_fastcnfg() {
            context.remembered().map(|recorded| memory.recall(recorded))
        } else {
            Ok(())
        };
        let consulted = recalled
            .map_err(PrintError::from)
            .and_then(|()| fastcnfg::consult(request, &self.settings, &mut memory, control));
        let observed = match memory.news() {
            Some(news) => context.observe(&news).map(|()| memory.is_recorded()),
            None => Ok(()),
        };
        context.memory.set(memory);
        observed?;
        consulted
    }

    /// Looks whether the peer hung up or reset while no job ran; then the device is closed here too. True if it was.
    ///
    /// # Errors
    /// Returns an error when the spool refuses, when transferred jobs came back, or when the peer closes at once.
    pub fn check_idle_connection(&mut self, control: &mut AttemptControl<'_>) -> Result<bool, PrintError> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let idle = open.news.take().unwrap_or_else(|| open.connection.check_idle());
        let uncertain = !open.delivered.borrow().is_empty();
        let hasty = !open.carried && open.since.elapsed() < self.context.timing.short_lived;
        let (why, reset) = match idle {
            IdleState::Quiet => return Ok(false),
            IdleState::HungUp(why) => {
                let reset = self.close(&why, control)?;
                (why, reset)
            }
            IdleState::Reset(fault) => {
                self.drop_lost_connection(&fault.text)?;
                (fault.text.clone(), Some(fault))
            }
        };
        if let Some(fault) = reset
            && uncertain
        {
            // Its jobs are Ready again; a job claimed after them must not overtake them.
            return Err(fault.into());
        }
        if hasty {
            return Err(Fault::new(DeviceError::HungUp, format!("closed at once: {why}")).into());
        }
        Ok(true)
    }

    /// Closes the device in good order and settles the jobs it carried. Returns the fault if it was reset instead.
    pub fn close(&mut self, why: &str, control: &mut AttemptControl<'_>) -> Result<Option<Fault>, SpoolError> {
        let fault = self.close_open(why, control)?;
        let late = self.await_departing(control)?;
        Ok(fault.or(late))
    }

    fn close_open(&mut self, why: &str, control: &mut AttemptControl<'_>) -> Result<Option<Fault>, SpoolError> {
        let Some(open) = self.open.take() else { return Ok(None) };
        control.set_waiting_for(Some(Wait::Close));
        let closing = open.connection.close(control);
        control.set_waiting_for(None);
        match &closing {
            CloseOutcome::Clean => self.settle_closed(&mut open.delivered.take())?,
            CloseOutcome::Quiet(why) => {
                self.context.settle(open.delivered.borrow_mut().take_all(), Outcome::Released { why: why.clone() })?;
            }
            CloseOutcome::Reset(fault) => {
                self.context
                    .settle(open.delivered.borrow_mut().take_all(), Outcome::Reset { why: fault.text.clone() })?;
            }
        }
        let why = match &closing {
            CloseOutcome::Clean => why.to_owned(),
            CloseOutcome::Quiet(how) | CloseOutcome::Reset(Fault { text: how, .. }) => format!("{why}; {how}"),
        };
        self.context.observe(&Observation::Closed { why })?;
        Ok(match closing {
            CloseOutcome::Reset(fault) => Some(fault),
            _ => None,
        })
    }

    /// Drops a lost connection: its transferred jobs are uncertain.
    pub fn drop_lost_connection(&mut self, why: &str) -> Result<(), SpoolError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        drop(open.connection);
        self.context.settle(open.delivered.borrow_mut().take_all(), Outcome::Reset { why: why.to_owned() })?;
        self.context.observe(&Observation::Closed { why: why.to_owned() })
    }

    /// Ends a connection in the middle of a job, because of something that we do ourselves. Jobs that it delivered before do
    /// not come back for that: our half is closed, and the peer has the settle time to say that it has everything. If it
    /// does not, they are held: they may have printed. With none there is nothing to wait for.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn cut(&mut self, why: &str, control: &mut AttemptControl<'_>) -> Result<(), SpoolError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        if !open.delivered.borrow().is_empty() {
            control.set_waiting_for(Some(Wait::Close));
            let limit = match open.settings.close_wait {
                CloseWait::Required(limit) => limit.min(self.context.timing.settle),
                CloseWait::Usual | CloseWait::None => self.context.timing.settle,
            };
            match wait_for_close(&mut *open.connection, limit, control) {
                Some(CloseOutcome::Clean) => self.settle_closed(&mut open.delivered.take())?,
                _ => {
                    self.context.settle(open.delivered.borrow_mut().take_all(), Outcome::Cut { why: why.to_owned() })?
                }
            }
            control.set_waiting_for(None);
        }
        // Dropped, it is reset, unless the peer closed it cleanly.
        drop(open.connection);
        self.context.observe(&Observation::Closed { why: why.to_owned() })
    }

    /// EXCLUSIVE ON: releases delivered jobs after which the connection stood long enough; but not before the other side has
    /// shown that it is still there. Returns how long it still takes, if some wait.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn release_quiet(&mut self) -> Result<Option<Duration>, SpoolError> {
        let settle = self.context.timing.settle;
        let Some(open) = &mut self.open else { return Ok(None) };
        match open.delivered.borrow().quiet_in(settle, Instant::now()) {
            None => return Ok(None),
            Some(left) if !left.is_zero() => return Ok(Some(left)),
            Some(_) => {}
        }
        if let Some(wait) = open.connection.time_until_proven() {
            return Ok(Some(wait));
        }
        let why = format!("the connection stood for {} s without a reset", settle.as_secs());
        let released = open.delivered.borrow_mut().take_quiet(settle, Instant::now());
        let left = open.delivered.borrow().quiet_in(settle, Instant::now());
        self.context.settle(released, Outcome::Released { why })?;
        Ok(left)
    }
}

/// Closes our half and waits for the peer, at most `limit`; none = it has not closed.
fn wait_for_close(
    connection: &mut dyn Connection,
    limit: Duration,
    control: &mut AttemptControl<'_>,
) -> Option<CloseOutcome> {
    let began = Instant::now();
    if let Some(outcome) = connection.begin_close() {
        return Some(outcome);
    }
    loop {
        let elapsed = began.elapsed();
        // Looked at as if no time had passed: the end of the usual wait means nothing here.
        if let Some(outcome) = connection.look_at_close(Duration::ZERO, control) {
            return Some(outcome);
        }
        let left = limit.checked_sub(elapsed).filter(|left| !left.is_zero())?;
        if control.context().waker.stopping() {
            return None;
        }
        let watched = connection.poll_fd().map(|fd| (fd, PollFlags::POLLIN));
        let ready = control.context().wait(watched, Some(left.min(LOOK))).ok()?;
        if !ready.is_empty() {
            // A peer that closed its half before ours is acknowledged is ready all the time.
            control.context().wait(None, Some(Duration::from_millis(1))).ok()?;
        }
    }
}
