//! One attempt at one job: from the claim to the end that is put on record.
//!
//! The order is: claimed, documents examined, device open, (file: place durable), every piece sent, delivery known,
//! attempt ended. A crash before the last step leaves a claim that the next epoch frees; the record of the place, or
//! the announcement of possible duplicates, is what makes a second printing honest.

use std::rc::Rc;
use std::sync::Arc;

use super::connection_settings::CloseWait;
use super::context::FailureStreak;
use super::control::{AttemptControl, Stage};
use super::errors::PrintError;
use super::exclusive::Open;
use super::thread::{Device, ThreadEnd};
use crate::fastp::content::header;
use crate::fastp::content::header::Sheets;
use crate::fastp::content::identity;
use crate::fastp::content::pieces::{Piece, Pieces};
use crate::fastp::transports::{Chunk, CloseOutcome, UndoOutcome};
use crate::model::device::Exclusive;
use crate::model::state::{Delivery, DeviceWish};
use crate::model::wait::Wait;
use crate::model::{Failure, FailureKind};
use crate::spool::interface::engine::{AttemptEnd, Claim, DeviceReport, Next, Observation, Paper, Settlement};
use crate::sys::fault;

/// A job whose every octet went out.
#[derive(Clone, Debug)]
struct Sent {
    delivery: Delivery,
    octets: u64,
    paper: Paper,
    remark: Option<String>,
}

impl Sent {
    fn end(&self, delivery: Delivery) -> AttemptEnd {
        AttemptEnd::Delivered { delivery, octets: self.octets, paper: self.paper, remark: self.remark.clone() }
    }
}

impl Device {
    /// Prints a claimed job and returns the next one, if one was claimed with its end.
    ///
    /// # Errors
    /// When the thread has to end.
    pub fn print(&mut self, claim: Claim) -> Result<Option<Claim>, ThreadEnd> {
        fault::point("claimed");
        let context = Rc::clone(&self.context);
        let claim = Arc::new(claim);
        let mut control = AttemptControl::new(&context, Some(&claim));
        let ended = self.attempt(&claim, &mut control);
        // A connection that is dropped to be reset must have no second descriptor.
        control.watch = None;
        let next = match ended {
            Ok(sent) => self.complete(&claim, sent, &mut control)?,
            Err(trouble) => self.give_up(&claim, trouble)?,
        };
        self.unemployed = next == Next::Nothing;
        Ok(next.job())
    }

    fn attempt(&mut self, claim: &Arc<Claim>, control: &mut AttemptControl<'_>) -> Result<Sent, PrintError> {
        control.open = self.open.is_some();
        control.write_progress(true);
        let (sources, remark) = identity::examine(claim, control)?;
        self.ensure_open(&format!("job {} is queued", claim.number), control)?;
        let context = Rc::clone(&self.context);
        let Some(open) = &mut self.open else {
            return Err(PrintError::Unwanted);
        };
        // OFF ! is for devices that cannot take a boundary: each job has a connection of its own, and no UEL.
        let uel = open.connection.shared_stream() && self.settings.exclusive != Exclusive::OffEach;
        let now = crate::sys::clock::wall_ms();
        let separation = header::separation(claim, &self.settings, now, &context.zone);
        let job = Pieces {
            sources,
            paper: claim.paper,
            uel,
            last: open.last,
            sheets: Sheets::of(&separation),
            earlier: claim.begun_separation.as_ref().map(Sheets::of),
        };
        let remarks: Vec<String> = remark.into_iter().chain(job.omitted()).collect();
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        open.carried = true;
        // Without a second descriptor a reset is noticed at START.
        control.watch = open.connection.watch().and_then(|fd| fd.try_clone_to_owned().ok());
        control.io_limit = open.settings.io_limit;
        let mut start = open.connection.begin(&job, claim.begun.as_ref(), control)?;
        if claim.begun.is_some() && start.position.is_none() {
            start.duplicate.get_or_insert("an earlier attempt was written to a file".into());
        }
        if let Some(position) = &start.position {
            context.attempt_begins(claim, position, &separation)?;
        }
        if let Some(why) = &start.duplicate {
            context.observe(&Observation::Remark {
                what: "possible-duplicate".into(),
                why: format!("job {}: {why}", claim.number),
            })?;
        }
        control.stage = Stage::Sending;
        for piece in job.list(start.top) {
            let sent = match piece {
                Piece::Added(bytes) => open.connection.send(Chunk::Bytes(bytes), control),
                Piece::Body { index, copy, from } => {
                    let source = &job.sources[index];
                    (control.document, control.copy) = (source.sequence, copy);
                    open.connection.send(Chunk::Document(index, &source.file, from..source.size), control)
                }
            };
            match sent {
                Err(PrintError::Source(index, what)) => return Err(identity::damaged(&job.sources[index], &what)),
                other => other?,
            }
        }
        control.stage = Stage::Sent;
        fault::point("after-last-octet");
        // SLOWPACE. What happened meanwhile is noticed by the end of the job.
        if !open.settings.slow_pace.is_zero() {
            control.set_waiting_for(Some(Wait::Pause));
            control.pause(open.settings.slow_pace)?;
        }
        control.set_waiting_for(Some(Wait::LastOctets));
        let delivery = open.connection.finish(control)?;
        open.last = job.side_after();
        Ok(Sent { delivery, octets: control.octets(), paper: job.paper_after(start.top), remark })
    }

    fn complete(
        &mut self,
        claim: &Arc<Claim>,
        sent: Sent,
        control: &mut AttemptControl<'_>,
    ) -> Result<Next, ThreadEnd> {
        if sent.delivery == Delivery::Transferred {
            if self.close_after(claim)? {
                let waits = |open: &Open| matches!(open.settings.close_wait, CloseWait::Required(_));
                return if self.open.as_ref().is_some_and(waits) {
                    self.complete_and_await(claim, &sent)
                } else {
                    self.complete_and_close(claim, &sent, control)
                };
            }
            if self.settings.exclusive == Exclusive::On {
                self.release_quiet()?;
            }
        }
        // No job is claimed that would only wait for the close.
        let next = self.delivered(claim, sent.end(sent.delivery), Vec::new(), !self.overdue())?;
        match &mut self.open {
            Some(open) if sent.delivery == Delivery::Transferred => open.add_transferred(),
            Some(_) if self.settings.exclusive == Exclusive::OffEach => {
                self.close("EXCLUSIVE OFF !", control)?;
            }
            _ => {}
        }
        Ok(next)
    }

    /// Closes the connection before the attempt is ended: a clean close makes this job, and those before it, sent.
    fn complete_and_close(
        &mut self,
        claim: &Arc<Claim>,
        sent: &Sent,
        control: &mut AttemptControl<'_>,
    ) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        let Some(open) = self.open.take() else { return Ok(Next::Unknown) };
        let earlier = open.transferred > 0;
        control.set_waiting_for(Some(Wait::Close));
        let closing = open.connection.close(control);
        let closed = |why: &str| DeviceReport::Observed(Observation::Closed { why: why.to_owned() });
        match closing {
            CloseOutcome::Clean => {
                if earlier {
                    context.defer(DeviceReport::Settled(Settlement::Closed));
                }
                self.delivered(claim, sent.end(Delivery::Sent), vec![closed("its jobs are sent")], true)
            }
            CloseOutcome::Quiet(why) => {
                self.delivered(claim, sent.end(Delivery::Transferred), Vec::new(), false)?;
                context.settle(&Settlement::Released { why: why.clone() })?;
                context.record("closing", closed(&why))?;
                Ok(Next::Unknown)
            }
            CloseOutcome::Reset(fault) => {
                if earlier {
                    context.settle(&Settlement::Reset { why: fault.text.clone() })?;
                }
                context.defer(closed(&fault.text));
                let error = context.failure(&fault, self.settings.retry, self.settings.timeout);
                let end = AttemptEnd::DeviceFailed { error, touched: true };
                context.attempt_ends(claim, end, Vec::new(), false)?;
                Err(ThreadEnd::Failed)
            }
        }
    }

    /// The same where the peer must close: that may take an hour, in which the job is transferred, can be held and
    /// deleted, and is shown so.
    fn complete_and_await(&mut self, claim: &Arc<Claim>, sent: &Sent) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        self.delivered(claim, sent.end(Delivery::Transferred), Vec::new(), false)?;
        if let Some(open) = &mut self.open {
            open.add_transferred();
        }
        match self.close("its jobs have to be confirmed", &mut AttemptControl::new(&context, None))? {
            Some(fault) => Err(self.record(&fault)?),
            None => Ok(Next::Unknown),
        }
    }

    fn delivered(
        &mut self,
        claim: &Arc<Claim>,
        end: AttemptEnd,
        after: Vec<DeviceReport>,
        next: bool,
    ) -> Result<Next, ThreadEnd> {
        fault::point("before-completion");
        // A transferred job may come back: a printer that takes jobs and resets them again and again has not recovered.
        let done = !matches!(end, AttemptEnd::Delivered { delivery: Delivery::Transferred, .. });
        let next = self.context.attempt_ends(claim, end, after, next)?;
        fault::point("after-completion");
        if done {
            self.context.streak.set(FailureStreak::default());
        }
        Ok(next)
    }

    /// Whether the connection is to be closed after the job that was just finished.
    fn close_after(&self, claim: &Claim) -> Result<bool, ThreadEnd> {
        let context = &self.context;
        if context.waker.finishing() || self.settings.exclusive == Exclusive::OffEach {
            return Ok(true);
        }
        // Nothing waited when this job was claimed, and nobody who made work has rung since. A job that comes now opens the
        // device again, as one that comes a moment later would.
        if self.settings.exclusive == Exclusive::Off
            && !claim.more
            && !context.wake_pending.get()
            && !context.waker.was_woken()
        {
            return Ok(true);
        }
        Ok(match context.order()? {
            None => true,
            Some(order) => {
                order.wish != DeviceWish::Started || (self.settings.exclusive == Exclusive::Off && !order.eligible)
            }
        })
    }

    /// Ends an attempt that did not reach its end.
    fn give_up(&mut self, claim: &Arc<Claim>, trouble: PrintError) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        let undone = match &mut self.open {
            Some(open) => open.connection.undo(),
            // Not opened: what an attempt before this one left in a file, if it did, is still there.
            None => UndoOutcome { touched: claim.begun.is_some(), usable: true },
        };
        let touched = undone.touched;
        let why = match &trouble {
            PrintError::Device(fault) => fault.text.clone(),
            PrintError::Document { text, .. } | PrintError::Source(_, text) => text.clone(),
            PrintError::Refused(failure) => failure.to_string(),
            PrintError::Stop | PrintError::Unwanted | PrintError::Lost => {
                format!("job {} was stopped while it printed", claim.number)
            }
            PrintError::Ending => "the print process ends".into(),
        };
        if !undone.usable || matches!(trouble, PrintError::Device(_)) {
            // What was transferred before goes back first: the order of the jobs is kept.
            self.lose(&why)?;
        }
        match trouble {
            PrintError::Device(fault) => {
                let error = context.failure(&fault, self.settings.retry, self.settings.timeout);
                context.attempt_ends(claim, AttemptEnd::DeviceFailed { error, touched }, Vec::new(), false)?;
                Err(ThreadEnd::Failed)
            }
            PrintError::Document { reason, text, moved } => {
                context.log.line(format_args!("{}: job {} is held: {text}", context.name, claim.number));
                let end = AttemptEnd::DataFailed { reason, text, moved, touched };
                Ok(context.attempt_ends(claim, end, Vec::new(), true)?)
            }
            PrintError::Source(_, text) => {
                let reason = crate::model::state::HoldReason::Failed;
                let end = AttemptEnd::DataFailed { reason, text, moved: None, touched };
                Ok(context.attempt_ends(claim, end, Vec::new(), true)?)
            }
            PrintError::Stop => Ok(context.attempt_ends(claim, AttemptEnd::Stopped { touched }, Vec::new(), true)?),
            PrintError::Unwanted => {
                Ok(context.attempt_ends(claim, AttemptEnd::Abandoned { touched }, Vec::new(), false)?)
            }
            // Nothing is put on record for a claim that is not ours. Is the next job taken at once? No: main looks first
            // whether our lease stands, and the next thread whether a claim is left over.
            PrintError::Lost => Err(ThreadEnd::Refused(Failure::new(
                FailureKind::State,
                format!("the claim of job {} is not ours any more", claim.number),
            ))),
            PrintError::Ending => {
                // Asked once and not again: a spool that cannot answer now frees the claim when the next epoch begins.
                let _ = context.attempt_ends(claim, AttemptEnd::Abandoned { touched }, Vec::new(), false);
                Err(ThreadEnd::Ending)
            }
            PrintError::Refused(failure) => Err(ThreadEnd::Refused(failure)),
        }
    }
}
