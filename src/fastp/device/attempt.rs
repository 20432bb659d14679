//! One attempt at one job, from the claim to the recorded end.
//!
//! The order is: claimed, documents examined, device open, (file: position durable), every piece sent, delivery known,
//! attempt ended. A crash before the last step leaves a claim that the next epoch frees. The recorded position, or the
//! report of possible duplicates, is what makes a second printing honest.

use std::rc::Rc;
use std::sync::Arc;

use super::connection_settings::CloseWait;
use super::context::FailureStreak;
use super::control::{AttemptControl, Stage};
use super::errors::PrintError;
use super::exclusive::OpenDevice;
use super::thread::{Device, ThreadEnd};
use crate::fastp::content::header;
use crate::fastp::content::header::Sheets;
use crate::fastp::content::identity;
use crate::fastp::content::pieces::{Piece, Pieces};
use crate::fastp::transports::{Chunk, CloseOutcome, Connection, UndoOutcome};
use crate::model::device::Exclusive;
use crate::model::state::{Delivery, DeviceWish};
use crate::model::wait::Wait;
use crate::model::{Failure, FailureKind};
use crate::spool::interface::engine::{AttemptEnd, Claim, DeviceReport, Next, Observation, Paper, Settlement};
use crate::sys::fault;

/// A job whose every octet was sent.
#[derive(Clone, Debug)]
struct SentJob {
    delivery: Delivery,
    octets: u64,
    paper: Paper,
    remark: Option<String>,
}

impl SentJob {
    fn end(&self, delivery: Delivery) -> AttemptEnd {
        AttemptEnd::Delivered { delivery, octets: self.octets, paper: self.paper, remark: self.remark.clone() }
    }
}

impl Device {
    /// Prints a claimed job. Returns the next job, if one was claimed together with its end.
    ///
    /// # Errors
    /// Returns why the thread must end.
    pub fn print(&mut self, claim: Claim) -> Result<Option<Claim>, ThreadEnd> {
        fault::point("claimed");
        let context = Rc::clone(&self.context);
        let claim = Arc::new(claim);
        let mut control = AttemptControl::new(&context, Some(&claim));
        let ended = self.attempt(&claim, &mut control);
        // A second descriptor would keep a dropped connection from being reset.
        control.hangup_fd = None;
        let next = match ended {
            Ok(sent) => self.complete(&claim, sent, &mut control)?,
            Err(trouble) => self.give_up(&claim, trouble)?,
        };
        self.nothing_queued = next == Next::Nothing;
        Ok(next.job())
    }

    fn attempt(&mut self, claim: &Arc<Claim>, control: &mut AttemptControl<'_>) -> Result<SentJob, PrintError> {
        control.open = self.open.is_some();
        control.write_progress(true);
        let (sources, remark) = identity::examine(claim, control)?;
        self.ensure_open(&format!("job {} is queued", claim.number), control)?;
        let context = Rc::clone(&self.context);
        let Some(open) = &mut self.open else {
            return Err(PrintError::Unwanted);
        };
        // OFF ! is for devices that cannot take a boundary: each job has its own connection, and no UEL.
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
        control.hangup_fd = open.connection.poll_fd().and_then(|fd| fd.try_clone_to_owned().ok());
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
        send_pieces(&job, start.top, &mut *open.connection, control)?;
        control.stage = Stage::Sent;
        fault::point("after-last-octet");
        // SLOWPACE. Whatever happens meanwhile is noticed at the end of the job.
        if !open.settings.slow_pace.is_zero() {
            control.set_waiting_for(Some(Wait::Pause));
            control.pause(open.settings.slow_pace)?;
        }
        control.set_waiting_for(Some(Wait::LastOctets));
        let delivery = open.connection.finish(control)?;
        open.last = job.content_kind_after();
        Ok(SentJob { delivery, octets: control.octets(), paper: job.paper_after(start.top), remark })
    }

    fn complete(
        &mut self,
        claim: &Arc<Claim>,
        sent: SentJob,
        control: &mut AttemptControl<'_>,
    ) -> Result<Next, ThreadEnd> {
        if sent.delivery == Delivery::Transferred {
            if self.close_after(claim)? {
                let waits = |open: &OpenDevice| matches!(open.settings.close_wait, CloseWait::Required(_));
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
        // Claim no job that would only wait for the close.
        let next = self.end_delivered(claim, sent.end(sent.delivery), Vec::new(), !self.overdue())?;
        match &mut self.open {
            Some(open) if sent.delivery == Delivery::Transferred => open.add_transferred(),
            Some(_) if self.settings.exclusive == Exclusive::OffEach => {
                self.close("EXCLUSIVE OFF !", control)?;
            }
            _ => {}
        }
        Ok(next)
    }

    /// Closes the connection before the attempt ends: a clean close makes this job, and the jobs before it, sent.
    fn complete_and_close(
        &mut self,
        claim: &Arc<Claim>,
        sent: &SentJob,
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
                self.end_delivered(claim, sent.end(Delivery::Sent), vec![closed("its jobs are sent")], true)
            }
            CloseOutcome::Quiet(why) => {
                self.end_delivered(claim, sent.end(Delivery::Transferred), Vec::new(), false)?;
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
                Err(ThreadEnd::DeviceError)
            }
        }
    }

    /// Does the same where the peer must close. That may take an hour, in which the job counts as transferred, is shown
    /// so, and can be held and deleted.
    fn complete_and_await(&mut self, claim: &Arc<Claim>, sent: &SentJob) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        self.end_delivered(claim, sent.end(Delivery::Transferred), Vec::new(), false)?;
        if let Some(open) = &mut self.open {
            open.add_transferred();
        }
        match self.close("its jobs have to be confirmed", &mut AttemptControl::new(&context, None))? {
            Some(fault) => Err(self.record(&fault)?),
            None => Ok(Next::Unknown),
        }
    }

    fn end_delivered(
        &mut self,
        claim: &Arc<Claim>,
        end: AttemptEnd,
        after: Vec<DeviceReport>,
        next: bool,
    ) -> Result<Next, ThreadEnd> {
        fault::point("before-completion");
        // A transferred job may come back: a printer that accepts jobs and resets them again and again has not
        // recovered.
        let done = !matches!(end, AttemptEnd::Delivered { delivery: Delivery::Transferred, .. });
        let next = self.context.attempt_ends(claim, end, after, next)?;
        fault::point("after-completion");
        if done {
            self.context.streak.set(FailureStreak::default());
        }
        Ok(next)
    }

    /// Whether to close the connection after the job that has just finished.
    fn close_after(&self, claim: &Claim) -> Result<bool, ThreadEnd> {
        let context = &self.context;
        if context.waker.finishing() || self.settings.exclusive == Exclusive::OffEach {
            return Ok(true);
        }
        // Nothing waited when this job was claimed, and nobody who made work woke us since. A job that arrives now
        // opens the device again, just as one that arrives a moment later would.
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

    /// Ends an attempt that did not finish.
    fn give_up(&mut self, claim: &Arc<Claim>, trouble: PrintError) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        let undone = match &mut self.open {
            Some(open) => open.connection.undo(),
            // The device was not opened: what an earlier attempt may have left in a file is still there.
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
            // Jobs transferred earlier go back first, so that the jobs keep their order.
            self.drop_lost_connection(&why)?;
        }
        match trouble {
            PrintError::Device(fault) => {
                let error = context.failure(&fault, self.settings.retry, self.settings.timeout);
                context.attempt_ends(claim, AttemptEnd::DeviceFailed { error, touched }, Vec::new(), false)?;
                Err(ThreadEnd::DeviceError)
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
            // Nothing is recorded for a claim that is not ours. Do we take the next job at once? No: main first checks
            // our lease, and the next thread checks for a leftover claim.
            PrintError::Lost => Err(ThreadEnd::Refused(Failure::new(
                FailureKind::State,
                format!("the claim of job {} is not ours any more", claim.number),
            ))),
            PrintError::Ending => {
                // We try once only: a spool that cannot answer now frees the claim when the next epoch begins.
                let _ = context.attempt_ends(claim, AttemptEnd::Abandoned { touched }, Vec::new(), false);
                Err(ThreadEnd::ProcessEnding)
            }
            PrintError::Refused(failure) => Err(ThreadEnd::Refused(failure)),
        }
    }
}

/// Sends every piece of a job. `top`: the paper is at top of form, whatever was printed before.
fn send_pieces(
    job: &Pieces,
    top: bool,
    connection: &mut dyn Connection,
    control: &mut AttemptControl<'_>,
) -> Result<(), PrintError> {
    for piece in job.list(top) {
        let sent = match piece {
            Piece::Added(bytes) => connection.send(Chunk::Bytes(bytes), control),
            Piece::Body { index, copy, from } => {
                let source = &job.sources[index];
                (control.document, control.copy) = (source.sequence, copy);
                connection.send(Chunk::Document(index, &source.file, from..source.size), control)
            }
        };
        match sent {
            Err(PrintError::Source(index, what)) => return Err(identity::damaged(&job.sources[index], &what)),
            other => other?,
        }
    }
    Ok(())
}
