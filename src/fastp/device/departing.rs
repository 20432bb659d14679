//! A new connection in the middle of an open, and the connections that it leaves behind.
//!
//! Where a boundary needs a new connection ([`crate::fastp::content::boundary`]), our half of the old one is closed, and
//! the new one is made when the peer has closed too, at the latest [`NEXT`] after us: a printer that closes only when it
//! has printed must not stop the queue. The old one then settles beside the new one, and with it the jobs that it
//! delivered.
//!
//! | what the peer of an old connection does | its jobs | the running job, if a part of it went there |
//! |---|---|---|
//! | closes | sent | goes on |
//! | takes every octet and never closes | released as transferred | goes on, and is not *sent* |
//! | resets, or is gone | as DELIVERY says | fails: it is printed again from its beginning |
//!
//! A crash leaves transferred jobs of a dead epoch, which are announced as possible duplicates like any others.

use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::control::AttemptControl;
use super::delivered::Delivered;
use super::errors::{Fault, PrintError, SpoolError};
use super::thread::Device;
use crate::fastp::transports::{CloseOutcome, Connection, open};
use crate::model::EntryId;
use crate::model::wait::Wait;
use crate::spool::interface::engine::{Claim, Outcome};

/// How long a new connection waits for the peer's close of the old one.
pub(super) const NEXT: Duration = Duration::from_secs(2);
/// How often old connections are looked at while something else is waited for.
const LOOK: Duration = Duration::from_millis(200);

/// A peer that closed its half before ours is acknowledged is ready all the time: it is looked at again after so long.
const AGAIN: Duration = Duration::from_millis(1);

/// A connection of which our half is closed.
pub(crate) struct Departing {
    connection: Box<dyn Connection>,
    delivered: Delivered,
    /// The running job, if a part of it went over this connection.
    part_of: Option<EntryId>,
    since: Instant,
}

impl Departing {
    /// The job of which it carried a part has ended: what becomes of the connection is no other job's fault.
    pub(crate) fn forget_part(&mut self) {
        self.part_of = None;
    }
}

impl Device {
    /// Goes on over a new connection to the same address. FASTCNFG is not consulted: it is still the same open.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub(crate) fn renew(&mut self, claim: &Claim, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        let Some(mut old) = self.open.take() else { return Ok(()) };
        let part_of = (control.octets() > 0).then_some(claim.entry);
        self.part_sent |= part_of.is_some();
        control.hangup_fd = None;
        control.set_waiting_for(Some(Wait::Close));
        let ended = old.connection.begin_close();
        let (delivered, since) = (old.delivered.take(), Instant::now());
        let departing = Departing { connection: old.connection, delivered, part_of, since };
        match ended {
            Some(outcome) => self.departed(departing, &outcome)?,
            None => self.departing.push(departing),
        }
        let before = self.departing.len();
        while ended_is_awaited(&self.departing, before, since) {
            self.wait_for_departing(control)?;
            self.settle_departed(control)?;
        }
        self.settle_departed(control)?;
        control.set_waiting_for(Some(Wait::Connection));
        // Jobs that came back go first; what was claimed after them must not overtake them.
        if part_of.is_none()
            && let Some(fault) = self.late_fault.take()
        {
            return Err(fault.into());
        }
        let connection = open(&old.settings, control)?;
        control.set_waiting_for(None);
        self.open = Some(super::exclusive::OpenDevice::new(connection, old.settings));
        Ok(())
    }

    /// Waits until every connection that a part of the job went over has ended: the job is not delivered before.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub(crate) fn await_parts(&mut self, claim: &Claim, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        while self.departing.iter().any(|departing| departing.part_of == Some(claim.entry)) {
            control.set_waiting_for(Some(Wait::Close));
            self.wait_for_departing(control)?;
            self.settle_departed(control)?;
        }
        Ok(())
    }

    /// Waits until all old connections have ended, each as long as its close may take. Returns the fault of one whose jobs
    /// came back.
    ///
    /// # Errors
    /// When the spool refuses or the process ends.
    pub(crate) fn await_departing(&mut self, control: &mut AttemptControl<'_>) -> Result<Option<Fault>, SpoolError> {
        let context = Rc::clone(&self.context);
        while !self.departing.is_empty() {
            control.set_waiting_for(Some(Wait::Close));
            match self.settle_departed(control) {
                Ok(()) | Err(PrintError::Device(_)) => {}
                Err(PrintError::Refused(failure)) => return Err(SpoolError::Refused(failure)),
                Err(_) => return Err(SpoolError::Ending),
            }
            let watched = self.departing.first().and_then(|first| first.connection.poll_fd());
            if let Some(fd) = watched {
                // A wait that fails is no reason to forget a connection: its time limit ends it.
                if context.wait(Some((fd, PollFlags::POLLIN)), Some(LOOK)).is_ok_and(|ready| !ready.is_empty()) {
                    let _ = context.wait(None, Some(AGAIN));
                }
            }
        }
        control.set_waiting_for(None);
        Ok(self.late_fault.take())
    }

    fn wait_for_departing(&self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        match self.departing.last().and_then(|last| last.connection.poll_fd()) {
            Some(fd) if control.wait(fd, PollFlags::POLLIN, Some(LOOK))?.is_empty() => Ok(()),
            _ => control.pause(AGAIN),
        }
    }

    /// Looks at the old connections, and settles the jobs of those that have ended.
    ///
    /// # Errors
    /// The trouble that ends the attempt: a part of its job is lost.
    pub(crate) fn settle_departed(&mut self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        let mut at = 0;
        while at < self.departing.len() {
            let elapsed = self.departing[at].since.elapsed();
            match self.departing[at].connection.look_at_close(elapsed, control) {
                None => at += 1,
                Some(outcome) => {
                    let departing = self.departing.remove(at);
                    self.departed(departing, &outcome)?;
                }
            }
        }
        Ok(())
    }

    fn departed(&mut self, mut departing: Departing, outcome: &CloseOutcome) -> Result<(), PrintError> {
        let part = departing.part_of.is_some();
        match outcome {
            CloseOutcome::Clean => self.settle_closed(&mut departing.delivered)?,
            CloseOutcome::Quiet(why) => {
                self.part_unconfirmed |= part;
                self.context.settle(departing.delivered.take_all(), Outcome::Released { why: why.clone() })?;
            }
            CloseOutcome::Reset(fault) => {
                let came_back = !departing.delivered.is_empty();
                self.context.settle(departing.delivered.take_all(), Outcome::Reset { why: fault.text.clone() })?;
                if part {
                    return Err(fault.clone().into());
                }
                if came_back {
                    self.late_fault.get_or_insert_with(|| fault.clone());
                }
            }
        }
        Ok(())
    }

    /// A connection was closed cleanly: its jobs are sent, but for those of which a part is not confirmed.
    pub(crate) fn settle_closed(&self, delivered: &mut Delivered) -> Result<(), SpoolError> {
        let (confirmed, unconfirmed) = delivered.take();
        let why = "a part of it went over a connection that the peer did not close".to_owned();
        self.context.settle(confirmed, Outcome::Closed)?;
        self.context.settle(unconfirmed, Outcome::Released { why })
    }
}

/// Whether the connection that was closed last, of `count`, is still waited for.
fn ended_is_awaited(departing: &[Departing], count: usize, since: Instant) -> bool {
    departing.len() == count && departing.last().is_some_and(|last| last.since >= since) && since.elapsed() < NEXT
}
