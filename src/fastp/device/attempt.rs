//! One attempt at one job, from the claim to the recorded end.
//!
//! The order is: claimed, documents examined, device open, (file: position durable), every piece sent, delivery known,
//! attempt ended. A crash before the last step leaves a claim that the next epoch frees. The recorded position, or the
//! report of possible duplicates, is what makes a second printing honest.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::connection_settings::CloseWait;
use super::context::FailureStreak;
use super::control::{AttemptControl, Stage};
use super::departing::Departing;
use super::errors::PrintError;
use super::exclusive::OpenDevice;
use super::thread::{Device, ThreadEnd};
use crate::documents::{CHUNK, PrintFile, ReadAt};
use crate::fastp::content::feeds::Feed;
use crate::fastp::content::header;
use crate::fastp::content::header::Sheets;
use crate::fastp::content::identity;
use crate::fastp::content::pieces::{LaidOut, Piece, Pieces, Place, Source};
use crate::fastp::content::pjl;
use crate::fastp::content::remote;
use crate::fastp::content::transform;
use crate::fastp::transports::{Chunk, CloseOutcome, Connection, UndoOutcome, ended};
use crate::model::device::Exclusive;
use crate::model::event::EventWord;
use crate::model::separation::Separation;
use crate::model::state::{Delivery, DeviceWish, HoldReason};
use crate::model::wait::Wait;
use crate::model::{Failure, FailureKind};
use crate::spool::interface::engine::{AttemptEnd, Claim, DeviceReport, Next, Observation, Outcome, Paper, Settlement};
use crate::sys::fault;

/// What is said once of a printer to which text with bare line feeds goes.
const STAIRCASE: &str = "its lines end with line feeds alone: on a printer that does not return the carriage by itself \
    each begins where the one before ended (a staircase); EOL CRLF of the device completes them";

/// Sends a text as the device wants it.
fn send_text(
    connection: &mut dyn Connection,
    Place { index, copy, .. }: Place,
    mut text: LaidOut<'_>,
    control: &mut AttemptControl<'_>,
) -> Result<(), PrintError> {
    loop {
        let read = text.read();
        match text.next_part() {
            Ok(None) => return Ok(()),
            Ok(Some(part)) => {
                // What the layout adds or leaves out is no progress of the document.
                control.adds(part.octets.len() as i64 - part.of.cast_signed());
                control.sends_body(Place { index, copy, at: read }, part.of, part.octets.len() as u64);
                connection.send(Chunk::Bytes(part.octets), control)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(PrintError::Source(index, format!("ended after {read} octets while it was printed")));
            }
            Err(error) => return Err(PrintError::Source(index, format!("cannot be read: {error}"))),
        }
    }
}

/// Sends a document as it is, as far as it is there each time.
fn send_as_it_arrives(
    connection: &mut dyn Connection,
    index: usize,
    source: &Source,
    from: u64,
    control: &mut AttemptControl<'_>,
) -> Result<(), PrintError> {
    let mut at = from;
    while at < source.size {
        let there = source.ready_from(at, control)?;
        send_octets(connection, index, &source.file, at..there, control)?;
        at = there;
    }
    Ok(())
}

/// Sends octets of a document. Those of an encrypted one are opened chunk by chunk: what is altered is found before it leaves.
fn send_octets(
    connection: &mut dyn Connection,
    index: usize,
    file: &PrintFile,
    range: Range<u64>,
    control: &mut AttemptControl<'_>,
) -> Result<(), PrintError> {
    if let Some(file) = file.clear() {
        return connection.send(Chunk::Document(index, file, range), control);
    }
    let mut buffer = vec![0; CHUNK];
    let Range { start: mut at, end } = range;
    while at < end {
        let want = (end - at).min(CHUNK as u64) as usize;
        match file.read_at(&mut buffer[..want], at) {
            Ok(0) => return Err(ended(index, at, end)),
            Ok(got) => {
                connection.send(Chunk::Bytes(&buffer[..got]), control)?;
                at += got as u64;
            }
            Err(error) => return Err(PrintError::Source(index, format!("cannot be read: {error}"))),
        }
    }
    Ok(())
}

/// A job whose every octet was sent.
#[derive(Clone, Debug)]
struct SentJob {
    delivery: Delivery,
    octets: u64,
    /// Octets that went over the last of its connections.
    last_octets: u64,
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
        // What still arrives of a job that stopped is given up before its file is erased.
        control.job = None;
        // A second descriptor would keep a dropped connection from being reset.
        control.hangup_fd = None;
        // A delivered job has not left its device before the close of its connection; then its files go with it.
        let leaves = !matches!(&ended, Ok(sent) if sent.delivery == Delivery::Transferred);
        let next = match ended {
            Ok(sent) => self.complete(&claim, sent, &mut control)?,
            Err(trouble) => self.give_up(&claim, trouble)?,
        };
        if leaves {
            remote::erase(&claim);
        }
        self.nothing_queued = next == Next::Nothing;
        Ok(next.job())
    }

    fn attempt(&mut self, claim: &Arc<Claim>, control: &mut AttemptControl<'_>) -> Result<SentJob, PrintError> {
        control.open = self.open.is_some();
        control.write_progress(true);
        let (mut sources, remark) = identity::examine(claim, &self.settings, control)?;
        let made = transform::apply(&mut sources, &self.settings, control)?;
        let remark = remark.into_iter().chain(made).reduce(|before, next| format!("{before}; {next}"));
        let font = identity::examine_font(claim, control)?;
        if claim.possible_duplicate {
            self.close_for_one_that_goes_alone(claim, control)?;
        }
        self.ensure_open(&format!("job {} is queued", claim.number), control)?;
        if self.open.as_mut().is_some_and(|open| open.connection.program().is_some() || !open.connection.can_wait()) {
            sources.iter().try_for_each(|source| source.demand_whole(control))?;
        }
        // Behind this line octets may be on paper.
        remote::demand_begin(claim, control)?;
        (self.part_sent, self.part_unconfirmed) = (false, false);
        self.departing.iter_mut().for_each(Departing::forget_part);
        let context = Rc::clone(&self.context);
        let new_address = self.new_address;
        let Some(open) = &mut self.open else {
            return Err(PrintError::Unwanted);
        };
        let now = crate::sys::clock::wall_ms();
        let (told, untold) = pjl::heads(claim, &sources, &self.settings);
        let separation = Separation { pjl: told, ..header::separation(claim, &self.settings, now, &context.zone) };
        let job = Rc::new(Pieces {
            sources,
            font,
            paper: if new_address { Paper::Top } else { claim.paper },
            shared: open.connection.shared_stream(),
            renewable: open.connection.is_renewable(),
            last: open.last,
            sheets: Sheets::of(&separation),
            earlier: claim.begun_separation.as_ref().map(Sheets::of),
        });
        if let Some(printer) = open.connection.program() {
            open.carried = true;
            let printed = printer.print(claim, &job, control)?;
            let remark: Vec<String> = remark.into_iter().chain(printed.remark).collect();
            let (octets, paper) = (control.octets(), claim.paper);
            let remark = (!remark.is_empty()).then(|| remark.join("; "));
            return Ok(SentJob { delivery: printed.delivery, octets, last_octets: octets, paper, remark });
        }
        let raw = separation.raw.then(|| format!("sent as it is: {} is CONTENT RAW", context.name.guardian()));
        let stairs = (open.connection.shared_stream()
            && job.leaves_bare_line_feeds()
            && !self.context.told.swap(true, Ordering::Relaxed))
        .then(|| STAIRCASE.to_owned());
        let remarks: Vec<String> =
            remark.into_iter().chain(raw).chain(untold).chain(job.omitted()).chain(stairs).collect();
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        open.carried = true;
        // Without a second descriptor a reset is noticed at START.
        control.hangup_fd = open.connection.poll_fd().and_then(|fd| fd.try_clone_to_owned().ok());
        control.io_limit = open.settings.io_limit;
        control.renewed(open.releasing(self.settings.exclusive));
        let mut start = open.connection.begin(&job, claim.begun.as_ref(), control)?;
        if claim.begun.is_some() && start.position.is_none() {
            start.duplicate.get_or_insert("an earlier attempt was written to a file".into());
        }
        if let Some(position) = &start.position {
            context.attempt_begins(claim, position, &separation)?;
        }
        if let Some(why) = &start.duplicate {
            context.observe(&Observation::Remark {
                what: EventWord::PossibleDuplicate,
                why: format!("job {}: {why}", claim.number),
            })?;
        }
        control.total = job.total(start.top);
        control.stage = Stage::Sending;
        control.job = Some(Rc::clone(&job));
        let before = self.send_pieces(claim, &job, start.top, control)?;
        control.stage = Stage::Sent;
        fault::point("after-last-octet");
        // SLOWPACE. What happened meanwhile is noticed by the end of the job.
        let Some(open) = &mut self.open else { return Err(PrintError::Unwanted) };
        if !open.settings.slow_pace.is_zero() {
            control.set_waiting_for(Some(Wait::Pause));
            control.pause(open.settings.slow_pace)?;
        }
        control.set_waiting_for(Some(Wait::LastOctets));
        let delivery = open.connection.finish(control)?;
        open.last = job.speech_after();
        self.await_parts(claim, control)?;
        let last_octets = control.octets() - before;
        Ok(SentJob { delivery, octets: control.octets(), last_octets, paper: job.paper_after(start.top), remark })
    }

    /// Sends the pieces of a job, over a new connection where one is needed. Returns how many octets went over those before
    /// the last one.
    fn send_pieces(
        &mut self,
        claim: &Arc<Claim>,
        job: &Pieces,
        top: bool,
        control: &mut AttemptControl<'_>,
    ) -> Result<u64, PrintError> {
        let mut before = 0;
        let mut list = job.list(top);
        while let Some(piece) = list.next() {
            // Asked before the first octet, or while a page of ours was sent.
            if matches!(piece, Piece::Body { .. })
                && let Some(turn) = control.take_turn()
            {
                list = job.list_from(turn.to, Feed::None);
                continue;
            }
            if piece == Piece::Renew {
                self.renew(claim, control)?;
                before = control.octets();
            }
            let Some(open) = &mut self.open else { return Err(PrintError::Unwanted) };
            let sent = match piece {
                Piece::Renew => {
                    open.carried = true;
                    control.renewed(open.releasing(self.settings.exclusive));
                    control.hangup_fd = open.connection.poll_fd().and_then(|fd| fd.try_clone_to_owned().ok());
                    open.connection.begin(job, None, control).map(drop)
                }
                Piece::Added(bytes) => open.connection.send(Chunk::Bytes(bytes), control),
                Piece::Font(index) => {
                    let Source { file, size, .. } = &job.font[index];
                    // It is no progress of a document.
                    control.adds(size.cast_signed());
                    let sent = send_octets(open.connection.as_mut(), index, file, 0..*size, control);
                    sent.map_err(|error| match error {
                        PrintError::Source(_, what) => PrintError::Document {
                            reason: HoldReason::Failed,
                            text: format!("the font of its location {what}"),
                            moved: None,
                        },
                        other => other,
                    })
                }
                Piece::Body { index, copy, from } => {
                    let source = &job.sources[index];
                    (control.document, control.copy) = (source.sequence, copy);
                    let place = Place { index, copy, at: from };
                    match job.laid_out(index, from) {
                        Ok(None) => {
                            control.sends_body(place, source.size - from, source.size - from);
                            send_as_it_arrives(open.connection.as_mut(), index, source, from, control)
                        }
                        Ok(Some(text)) => send_text(open.connection.as_mut(), place, text, control),
                        Err(error) => Err(PrintError::Source(index, format!("cannot be read: {error}"))),
                    }
                }
            };
            match sent {
                Err(PrintError::Source(index, what)) => return Err(identity::damaged(&job.sources[index], &what)),
                Err(PrintError::Turn) => {
                    if let Some(turn) = control.take_turn() {
                        list = job.list_from(turn.to, turn.feed);
                    }
                }
                other => other?,
            }
        }
        Ok(before)
    }

    /// A job that came back by a reset has a connection of its own, so that it is known which job it was when that is reset
    /// too.
    fn close_for_one_that_goes_alone(
        &mut self,
        claim: &Claim,
        control: &mut AttemptControl<'_>,
    ) -> Result<(), PrintError> {
        if self.open.as_ref().is_some_and(|open| open.carried && open.connection.shared_stream())
            && let Some(fault) = self.close(&format!("job {} goes alone", claim.number), control)?
        {
            return Err(fault.into());
        }
        Ok(())
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
        // Jobs that came back while this one was sent go first: no other is claimed before their fault is on record.
        let next = self.end_delivered(claim, sent.end(sent.delivery), Vec::new(), self.late_fault.is_none())?;
        let unconfirmed = self.part_unconfirmed;
        match &mut self.open {
            Some(open) if sent.delivery == Delivery::Transferred => {
                open.delivered.borrow_mut().add(claim.entry, sent.last_octets, unconfirmed, Instant::now());
            }
            Some(_) if self.settings.exclusive == Exclusive::OffEach => {
                self.close("EXCLUSIVE OFF !", control)?;
            }
            _ => {}
        }
        if let Some(fault) = self.late_fault.take() {
            self.close("jobs of an earlier connection came back", control)?;
            return Err(self.record(&fault)?);
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
        control.set_waiting_for(Some(Wait::Close));
        let closing = open.connection.close(control);
        let closed = |why: &str| DeviceReport::Observed(Observation::Closed { why: why.to_owned() });
        let next = match closing {
            CloseOutcome::Clean if self.part_unconfirmed || open.delivered.borrow().has_unconfirmed() => {
                self.end_delivered(
                    claim,
                    sent.end(Delivery::Transferred),
                    vec![closed("its jobs are transferred")],
                    false,
                )?;
                open.delivered.borrow_mut().add(claim.entry, sent.last_octets, self.part_unconfirmed, Instant::now());
                self.settle_closed(&mut open.delivered.take())?;
                Next::Unknown
            }
            CloseOutcome::Clean => {
                let earlier = open.delivered.borrow_mut().take_all();
                if !earlier.is_empty() {
                    let closed = Settlement { entries: Some(earlier), outcome: Outcome::Closed };
                    context.defer(DeviceReport::Settled(closed));
                }
                let claims = self.late_fault.is_none() && self.departing.is_empty();
                self.end_delivered(claim, sent.end(Delivery::Sent), vec![closed("its jobs are sent")], claims)?
            }
            CloseOutcome::Quiet(why) => {
                self.end_delivered(claim, sent.end(Delivery::Transferred), Vec::new(), false)?;
                let mut jobs = open.delivered.borrow_mut().take_all();
                jobs.push(claim.entry);
                context.settle(jobs, Outcome::Released { why: why.clone() })?;
                context.record("closing", closed(&why))?;
                Next::Unknown
            }
            CloseOutcome::Reset(fault) => {
                let alone = open.delivered.borrow().is_empty();
                context.settle(open.delivered.borrow_mut().take_all(), Outcome::Reset { why: fault.text.clone() })?;
                context.defer(closed(&fault.text));
                let error = context.failure(&fault, self.settings.retry, self.settings.timeout);
                let end = AttemptEnd::DeviceFailed { error, touched: true, alone };
                context.attempt_ends(claim, end, Vec::new(), false)?;
                return Err(ThreadEnd::DeviceError);
            }
        };
        match self.await_departing(control)? {
            Some(fault) => Err(self.record(&fault)?),
            None => Ok(next),
        }
    }

    /// Does the same where the peer must close. That may take an hour, in which the job counts as transferred, is shown
    /// so, and can be held and deleted.
    fn complete_and_await(&mut self, claim: &Arc<Claim>, sent: &SentJob) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        self.end_delivered(claim, sent.end(Delivery::Transferred), Vec::new(), false)?;
        let unconfirmed = self.part_unconfirmed;
        if let Some(open) = &mut self.open {
            open.delivered.borrow_mut().add(claim.entry, sent.last_octets, unconfirmed, Instant::now());
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
        self.new_address = false;
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
        if claim.possible_duplicate && self.open.as_ref().is_some_and(|open| open.connection.shared_stream()) {
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

    /// Ends an attempt that did not finish.
    fn give_up(&mut self, claim: &Arc<Claim>, trouble: PrintError) -> Result<Next, ThreadEnd> {
        let context = Rc::clone(&self.context);
        // Before it is undone: whether it was alone on its connection, and the peer had taken some of it.
        let alone = self
            .open
            .as_ref()
            .is_some_and(|open| open.delivered.borrow().is_empty() && open.connection.has_acknowledged())
            && self.departing.is_empty();
        let undone = match &mut self.open {
            Some(open) => open.connection.undo(),
            // The device was not opened: what an earlier attempt may have left in a file is still there.
            None => UndoOutcome { touched: claim.begun.is_some(), usable: true },
        };
        let touched = undone.touched || self.part_sent;
        let why = match &trouble {
            PrintError::Device(fault) => fault.text.clone(),
            PrintError::Document { text, .. } | PrintError::Source(_, text) => text.clone(),
            PrintError::Refused(failure) => failure.to_string(),
            PrintError::Stop | PrintError::Unwanted | PrintError::Lost | PrintError::Turn | PrintError::Stand => {
                format!("job {} was stopped while it printed", claim.number)
            }
            PrintError::Ending => "the print process ends".into(),
        };
        match &trouble {
            // What was transferred before goes back first: the order of the jobs is kept.
            PrintError::Device(_) => self.drop_lost_connection(&why)?,
            // A process that ends has no time; the next one finds what is transferred.
            PrintError::Ending | PrintError::Refused(_) if !undone.usable => self.drop_lost_connection(&why)?,
            _ if !undone.usable => {
                self.cut(&format!("job {}: {why}", claim.number), &mut AttemptControl::new(&context, None))?;
            }
            _ => {}
        }
        match trouble {
            PrintError::Device(fault) => {
                let error = context.failure(&fault, self.settings.retry, self.settings.timeout);
                context.attempt_ends(claim, AttemptEnd::DeviceFailed { error, touched, alone }, Vec::new(), false)?;
                Err(ThreadEnd::DeviceError)
            }
            PrintError::Document { reason, text, moved } => {
                context.log.line(format_args!("{}: job {} is held: {text}", context.name, claim.number));
                let end = AttemptEnd::DataFailed { reason, text, moved, touched };
                Ok(context.attempt_ends(claim, end, Vec::new(), true)?)
            }
            PrintError::Source(_, text) => {
                let reason = HoldReason::Failed;
                let end = AttemptEnd::DataFailed { reason, text, moved: None, touched };
                Ok(context.attempt_ends(claim, end, Vec::new(), true)?)
            }
            PrintError::Stop => Ok(context.attempt_ends(claim, AttemptEnd::Stopped { touched }, Vec::new(), true)?),
            // A turn is taken where pieces are sent; one that comes anywhere else gives the job back.
            PrintError::Unwanted | PrintError::Turn | PrintError::Stand => {
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
