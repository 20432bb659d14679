//! When a device is opened and closed (docs/reference/fastp.md 1), and what that means for the jobs that a kept connection carried.
//!
//! OFF: open while an eligible job is queued; over a socket, closed at the latest one settle time after the first
//! transferred job, which makes the jobs sent. ON: open from START to DRAIN; transferred jobs are released after a
//! quiet settle time. OFF !: opened for each job. Every open and close is an event.

use std::rc::Rc;
use std::time::Instant;

use super::connection_settings::ConnectionSettings;
use super::control::AttemptControl;
use super::errors::{Fault, PrintError, SpoolError};
use super::thread::Device;
use crate::fastp::content::pieces::ContentKind;
use crate::fastp::fastcnfg;
use crate::fastp::fastcnfg::{ConsultResult, LookupRequest};
use crate::fastp::transports::{CloseOutcome, Connection, IdleState, open};
use crate::model::device::Exclusive;
use crate::model::guardian::DeviceError;
use crate::model::wait::Wait;
use crate::spool::interface::engine::{DeviceReport, Observation, Settlement};

/// A device that is open.
pub struct OpenDevice {
    /// The connection.
    pub connection: Box<dyn Connection>,
    /// What it was opened with.
    pub settings: ConnectionSettings,
    /// When.
    pub since: Instant,
    /// What was sent last over it.
    pub last: Option<ContentKind>,
    /// Jobs that are transferred and not settled.
    pub transferred: u32,
    /// When the first of them was transferred.
    pub first: Option<Instant>,
    /// When the last of them was transferred.
    pub latest: Option<Instant>,
    /// Whether a job was begun on it.
    pub carried: bool,
    /// What the idle connection showed and nobody acted on yet. An error shows only once.
    pub news: Option<IdleState>,
}

impl OpenDevice {
    /// Counts one more transferred job.
    pub fn add_transferred(&mut self) {
        let now = Instant::now();
        self.transferred += 1;
        self.first.get_or_insert(now);
        self.latest = Some(now);
    }

    fn settled(&mut self) {
        (self.transferred, self.first, self.latest) = (0, None, None);
    }
}

impl Device {
    /// Makes sure that the device is open and well.
    pub fn ensure_open(&mut self, why: &str, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.check_idle_connection(control)?;
        // Jobs that a reset brought back go first: the claimed job is given back too, untouched.
        if let Some(fault) = self.close_overdue(control)? {
            return Err(fault.into());
        }
        if self.open.is_some() {
            return Ok(());
        }
        let context = Rc::clone(&self.context);
        let (server, process) = (context.engine.server(), context.lease.name.as_str());
        let request =
            LookupRequest::new(context.root.clone(), server.as_str(), process, &context.name, &context.file_cache);
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
        let opened = control.still_wanted().and_then(|()| open(&settings, control));
        control.open = opened.is_ok();
        control.set_waiting_for(None);
        control.opening = false;
        let open = OpenDevice {
            connection: opened?,
            settings,
            since: Instant::now(),
            last: None,
            transferred: 0,
            first: None,
            latest: None,
            carried: false,
            news: None,
        };
        self.open = Some(open);
        let as_before = self.on_record.as_ref() == Some(&in_use);
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

    /// Whether transferred jobs have waited so long that the connection must be closed.
    pub fn overdue(&self) -> bool {
        let first = self.open.as_ref().and_then(|open| open.first);
        self.settings.exclusive != Exclusive::On
            && first.is_some_and(|first| first.elapsed() >= self.context.timing.settle)
    }

    /// Closes an overdue connection. Returns the fault if it was reset instead.
    pub fn close_overdue(&mut self, control: &mut AttemptControl<'_>) -> Result<Option<Fault>, SpoolError> {
        if self.overdue() { self.close("its transferred jobs waited long enough", control) } else { Ok(None) }
    }

    /// Checks whether the peer hung up or reset while no job ran; if so, closes the device here too and returns true.
    ///
    /// # Errors
    /// Returns an error when the spool refuses, when transferred jobs came back, or when the peer closes at once.
    pub fn check_idle_connection(&mut self, control: &mut AttemptControl<'_>) -> Result<bool, PrintError> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let idle = open.news.take().unwrap_or_else(|| open.connection.check_idle());
        let uncertain = open.transferred > 0;
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
        let Some(open) = self.open.take() else { return Ok(None) };
        control.set_waiting_for(Some(Wait::Close));
        let closing = open.connection.close(control);
        control.set_waiting_for(None);
        if open.transferred > 0 {
            self.context.settle(&match &closing {
                CloseOutcome::Clean => Settlement::Closed,
                CloseOutcome::Quiet(why) => Settlement::Released { why: why.clone() },
                CloseOutcome::Reset(fault) => Settlement::Reset { why: fault.text.clone() },
            })?;
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
        if open.transferred > 0 {
            self.context.settle(&Settlement::Reset { why: why.to_owned() })?;
        }
        self.context.observe(&Observation::Closed { why: why.to_owned() })
    }

    /// EXCLUSIVE ON: releases transferred jobs when the connection stayed quiet for the settle time after them or,
    /// while jobs keep coming, when it stood twice as long; but not before the peer has shown that it is still there.
    /// Returns how long that still takes, if jobs wait.
    pub fn release_quiet(&mut self) -> Result<Option<std::time::Duration>, SpoolError> {
        let settle = self.context.timing.settle;
        let Some(open) = &mut self.open else { return Ok(None) };
        let (Some(first), Some(latest)) = (open.first, open.latest) else { return Ok(None) };
        let left = settle.saturating_sub(latest.elapsed()).min((settle * 2).saturating_sub(first.elapsed()));
        if !left.is_zero() {
            return Ok(Some(left));
        }
        if let Some(wait) = open.connection.time_until_proven() {
            return Ok(Some(wait));
        }
        let why = format!("the connection stood for {} s without a reset", first.elapsed().as_secs());
        open.settled();
        self.context.settle(&Settlement::Released { why })?;
        Ok(None)
    }
}
