//! When a device is opened and closed (fastp.md 3), and what that means for the jobs a kept connection carried.
//!
//! OFF: open while an eligible job is queued; over a socket at the latest a settle time after the first transferred job
//! it is closed, which makes them sent. ON: open from START to DRAIN; transferred jobs are let go after a quiet settle
//! time. OFF !: open for each job. Every open and close is an event.

use std::rc::Rc;
use std::time::Instant;

use super::connection_settings::Means;
use super::control::Pace;
use super::errors::{Fault, SpoolTrouble, Trouble};
use super::thread::Device;
use crate::fastp::content::pieces::Side;
use crate::fastp::fastcnfg;
use crate::fastp::fastcnfg::{Consulted, Place};
use crate::fastp::transports::{Closing, Connection, Idle, open};
use crate::model::device::Exclusive;
use crate::model::guardian::DeviceError;
use crate::model::wait::Wait;
use crate::spool::interface::engine::{Act, Observation, Settlement};

/// A device that is open.
pub struct Open {
    /// The connection.
    pub connection: Box<dyn Connection>,
    /// What it was opened with.
    pub means: Means,
    /// When.
    pub since: Instant,
    /// What was sent last over it.
    pub last: Option<Side>,
    /// Jobs that are transferred and not settled.
    pub transferred: u32,
    /// When the first of them was.
    pub first: Option<Instant>,
    /// When the last of them was.
    pub latest: Option<Instant>,
    /// Whether a job was begun on it.
    pub carried: bool,
    /// What was seen of the other side while it was idle, and not acted on yet. An error shows only once.
    pub news: Option<Idle>,
}

impl Open {
    /// One more job is transferred.
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
    /// Sees to it that the device is open, and well.
    ///
    /// # Errors
    /// The trouble that keeps it closed.
    pub fn ensure_open(&mut self, why: &str, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        self.look_at_idle(pace)?;
        // Jobs that came back by a reset go first: the claimed one is given back too, untouched.
        if let Some(fault) = self.close_overdue(pace)? {
            return Err(fault.into());
        }
        if self.open.is_some() {
            return Ok(());
        }
        let desk = Rc::clone(&self.desk);
        let (server, process) = (desk.engine.server(), desk.lease.name.as_str());
        let place = Place::new(desk.root.clone(), server.as_str(), process, &desk.name, &desk.library);
        pace.opening = true;
        pace.waiting_for(self.settings.consults_fastcnfg().then_some(Wait::Fastcnfg));
        let consulted = self.consult(&place, pace);
        pace.waiting_for(None);
        pace.opening = false;
        let Consulted { means, used } = consulted?;
        #[cfg(test)]
        let means = crate::fastp::fake::altered(means);
        pace.opening = true;
        pace.waiting_for(Some(Wait::Opening));
        let opened = pace.still_wanted().and_then(|()| open(&means, pace));
        pace.open = opened.is_ok();
        pace.waiting_for(None);
        pace.opening = false;
        let open = Open {
            connection: opened?,
            means,
            since: Instant::now(),
            last: None,
            transferred: 0,
            first: None,
            latest: None,
            carried: false,
            news: None,
        };
        self.open = Some(open);
        let as_before = self.on_record.as_ref() == Some(&used);
        if !as_before {
            self.on_record = Some(used.clone());
        }
        let opened = Observation::Opened { why: why.to_owned(), connection: used };
        // Must it be on record before the first octet? Not that it is open: the claim says that octets may go out, and the
        // progress file shows the device open. The address must, if it is another one than before, for by it recovery tells
        // whether pages may be on paper; and a device in error is open or not by what the record says.
        if as_before && pace.is_attempt() && !self.desk.in_error.get() {
            self.desk.keep(Act::Seen(opened));
        } else {
            self.desk.observe(&opened)?;
        }
        Ok(())
    }

    /// What to open the device with; what it then remembers of FASTCNFG is on record before.
    fn consult(&self, place: &Place, pace: &mut Pace<'_>) -> Result<Consulted, Trouble> {
        let desk = &self.desk;
        let mut memory = desk.memory.take();
        let recalled = if memory.is_blank() && self.settings.consults_fastcnfg() {
            desk.remembered().map(|recorded| memory.recall(recorded))
        } else {
            Ok(())
        };
        let consulted =
            recalled.map_err(Trouble::from).and_then(|()| fastcnfg::consult(place, &self.settings, &mut memory, pace));
        let observed = match memory.news() {
            Some(news) => desk.observe(&news).map(|()| memory.is_recorded()),
            None => Ok(()),
        };
        desk.memory.set(memory);
        observed?;
        consulted
    }

    /// Whether transferred jobs have waited long enough for the connection to be closed.
    pub fn overdue(&self) -> bool {
        let first = self.open.as_ref().and_then(|open| open.first);
        self.settings.exclusive != Exclusive::On
            && first.is_some_and(|first| first.elapsed() >= self.desk.timing.settle)
    }

    /// Closes a connection that is overdue. Returns the fault when it was reset instead.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn close_overdue(&mut self, pace: &mut Pace<'_>) -> Result<Option<Fault>, SpoolTrouble> {
        if self.overdue() { self.close("its transferred jobs waited long enough", pace) } else { Ok(None) }
    }

    /// Looks whether the peer hung up or reset while no job ran; then the device is closed here too. True if it was.
    ///
    /// # Errors
    /// When the spool refuses; a fault when transferred jobs came back, or when the peer closes at once.
    pub fn look_at_idle(&mut self, pace: &mut Pace<'_>) -> Result<bool, Trouble> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let idle = open.news.take().unwrap_or_else(|| open.connection.idle());
        let uncertain = open.transferred > 0;
        let hasty = !open.carried && open.since.elapsed() < self.desk.timing.short_lived;
        let (why, reset) = match idle {
            Idle::Quiet => return Ok(false),
            Idle::HungUp(why) => {
                let reset = self.close(&why, pace)?;
                (why, reset)
            }
            Idle::Reset(fault) => {
                self.lose(&fault.text)?;
                (fault.text.clone(), Some(fault))
            }
        };
        if let Some(fault) = reset
            && uncertain
        {
            // Its jobs are Ready again; what was claimed after them must not overtake them.
            return Err(fault.into());
        }
        if hasty {
            return Err(Fault::new(DeviceError::HungUp, format!("closed at once: {why}")).into());
        }
        Ok(true)
    }

    /// Closes the device in good order, and settles what it carried. Returns the fault when it was reset instead.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn close(&mut self, why: &str, pace: &mut Pace<'_>) -> Result<Option<Fault>, SpoolTrouble> {
        let Some(open) = self.open.take() else { return Ok(None) };
        pace.waiting_for(Some(Wait::Close));
        let closing = open.connection.close(pace);
        pace.waiting_for(None);
        if open.transferred > 0 {
            self.desk.settle(&match &closing {
                Closing::Clean => Settlement::Closed,
                Closing::Quiet(why) => Settlement::Released { why: why.clone() },
                Closing::Reset(fault) => Settlement::Reset { why: fault.text.clone() },
            })?;
        }
        let why = match &closing {
            Closing::Clean => why.to_owned(),
            Closing::Quiet(how) | Closing::Reset(Fault { text: how, .. }) => format!("{why}; {how}"),
        };
        self.desk.observe(&Observation::Closed { why })?;
        Ok(match closing {
            Closing::Reset(fault) => Some(fault),
            _ => None,
        })
    }

    /// Drops a connection that is lost: what it had transferred is uncertain.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn lose(&mut self, why: &str) -> Result<(), SpoolTrouble> {
        let Some(open) = self.open.take() else { return Ok(()) };
        drop(open.connection);
        if open.transferred > 0 {
            self.desk.settle(&Settlement::Reset { why: why.to_owned() })?;
        }
        self.desk.observe(&Observation::Closed { why: why.to_owned() })
    }

    /// EXCLUSIVE ON: lets transferred jobs go when the connection stayed quiet long enough after them, or, while jobs
    /// keep coming, when it stood twice as long; but not before the other side has shown that it is still there. Returns
    /// how long it still takes, if some wait.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub fn release_quiet(&mut self) -> Result<Option<std::time::Duration>, SpoolTrouble> {
        let settle = self.desk.timing.settle;
        let Some(open) = &mut self.open else { return Ok(None) };
        let (Some(first), Some(latest)) = (open.first, open.latest) else { return Ok(None) };
        let left = settle.saturating_sub(latest.elapsed()).min((settle * 2).saturating_sub(first.elapsed()));
        if !left.is_zero() {
            return Ok(Some(left));
        }
        if let Some(wait) = open.connection.unproven() {
            return Ok(Some(wait));
        }
        let why = format!("the connection stood for {} s without a reset", first.elapsed().as_secs());
        open.settled();
        self.desk.settle(&Settlement::Released { why })?;
        Ok(None)
    }
}
