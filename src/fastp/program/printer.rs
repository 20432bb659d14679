//! An open device of a program, as the device thread sees it: it prints whole jobs.
//!
//! States: opened, job under way, standing still, opened again, closed. Every order that we give is answered, and what the
//! answer says is recorded before the next one is given. A program that does not answer, or says what it must not say, is
//! killed; then the attempt ends as one that broke off, with every octet of it taken as printed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::PollFlags;

use super::child::{DeviceTalk, Program};
use super::conversation::{Broken, FILES};
use super::messages::{Document, FromDevice, Job, Settings, ToDevice, ToProgram, Trouble};
use crate::documents::{InMemory, MOST_IN_MEMORY, too_large};
use crate::fastp::content::identity;
use crate::fastp::content::pieces::{Pieces, Place, Source};
use crate::fastp::content::turn::octets_before;
use crate::fastp::device::connection_settings::ConnectionSettings;
use crate::fastp::device::control::{AttemptControl, Stage};
use crate::fastp::device::errors::{Fault, PrintError};
use crate::fastp::transports::{Chunk, CloseOutcome, Connection, IdleState, JobStart, UndoOutcome};
use crate::model::device::DeviceSettings;
use crate::model::guardian::DeviceError;
use crate::model::state::{Delivery, HoldReason};
use crate::spool::interface::engine::{Claim, FilePosition};

/// How long an answer may take when the print process ends: less than it gives its devices.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// How a program has printed a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Sent, or confirmed by the device.
    pub delivery: Delivery,
    /// What it says about it.
    pub remark: Option<String>,
}

/// An open device of a program.
#[derive(Debug)]
pub struct ProgramPrinter {
    program: Arc<Program>,
    talk: DeviceTalk,
    /// What became of the running job, when it ended before it was printed.
    undone: UndoOutcome,
    /// Whether the program can go on at another place of a job.
    skips: bool,
    /// Whether the program has said that the device is closed.
    closed: bool,
    /// Whether the running job has ended by its own word.
    job_ended: bool,
}

/// Opens a device by its program.
pub(crate) fn open(
    program: &Arc<Program>,
    device: &DeviceSettings,
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    let order = ToProgram::Open {
        device: control.context().name.guardian(),
        uri: settings.uri.to_string(),
        settings: Box::new(settings_of(device)),
    };
    let talk = match program.connect(&order) {
        Ok(Ok(talk)) => talk,
        Ok(Err(broken)) => {
            program.condemn(&broken);
            return Err(PrintError::Ending);
        }
        Err(error) => return Err(Fault::of("cannot talk to its program", &error).into()),
    };
    let mut printer = ProgramPrinter {
        program: Arc::clone(program),
        talk,
        undone: UndoOutcome { touched: false, usable: true },
        skips: false,
        closed: false,
        job_ended: false,
    };
    loop {
        match printer.next()? {
            Some(FromDevice::Opened { skips }) => {
                printer.skips = skips;
                return Ok(Box::new(printer));
            }
            Some(FromDevice::Failed(trouble)) => {
                printer.closed = true;
                return Err(fault(&trouble).into());
            }
            Some(other) => return Err(printer.breaks(&other)),
            None => {}
        }
        // Dropped, the conversation is over, and whatever was opened for it is to be closed.
        control.wait(printer.talk.fd(), PollFlags::POLLIN, None)?;
    }
}

fn settings_of(device: &DeviceSettings) -> Settings {
    Settings {
        form: device.form.clone(),
        header: device.header.word().to_owned(),
        startff: device.startff.word().to_owned(),
        endff: device.endff,
        width: device.width,
        trunc: device.trunc,
        eol_crlf: device.eol_crlf,
        page_length: device.page_length,
        raw: device.content_raw,
        parm: device.parm,
        words: device.kept.iter().map(|(word, value)| format!("{word} {value}").trim_end().to_owned()).collect(),
    }
}

/// The device error that a program reports.
fn fault(trouble: &Trouble) -> Fault {
    let text = if trouble.text.is_empty() { "its program says no more" } else { trouble.text.as_str() };
    let fault = match (trouble.error, trouble.errno) {
        (Some(number), _) => Fault { text: text.to_owned(), ..Fault::reported(text, number) },
        (None, Some(errno)) => {
            Fault { text: text.to_owned(), ..Fault::of(text, &std::io::Error::from_raw_os_error(errno)) }
        }
        (None, None) => Fault::new(DeviceError::Other, text),
    };
    Fault { retryable: trouble.retry.unwrap_or(fault.retryable), ..fault }
}

/// A program reads files, so documents that are encrypted are given to it as files in memory. They stay until its job has ended.
fn in_memory(job: &Pieces) -> Result<Vec<Option<InMemory>>, PrintError> {
    let sources = || job.font.iter().chain(&job.sources).enumerate();
    let unreadable = |index: usize, error: &io::Error| {
        let what = format!("cannot be given to the program: {error}");
        match identity::ours(error) {
            true => PrintError::Device(Fault::of("no memory now for encrypted documents of its program", error)),
            false => PrintError::Source(index.saturating_sub(job.font.len()), what),
        }
    };
    let mut needed = 0u64;
    for (index, source) in sources() {
        needed += source.file.memory_needed().map_err(|error| unreadable(index, &error))?;
        if needed > MOST_IN_MEMORY {
            return Err(unreadable(index, &too_large()));
        }
    }
    sources().map(|(index, source)| source.file.in_memory().map_err(|error| unreadable(index, &error))).collect()
}

impl ProgramPrinter {
    /// The next word, if it is here. One that is gone is no fault of the device: its end ends this process.
    fn next(&self) -> Result<Option<FromDevice>, PrintError> {
        self.talk.next().map_err(|broken| self.broken(&broken))
    }

    fn broken(&self, broken: &Broken) -> PrintError {
        self.program.condemn(broken);
        PrintError::Ending
    }

    fn breaks(&self, word: &FromDevice) -> PrintError {
        self.broken(&Broken::Contract(format!("{word:?} comes at the wrong time")))
    }

    fn say(&self, word: &ToDevice) -> Result<(), PrintError> {
        self.talk.say(word, &[]).map_err(|broken| self.broken(&broken))
    }

    /// Waits for an answer without looking at anything else.
    fn answer(&self, limit: Duration) -> Result<FromDevice, PrintError> {
        match self.talk.await_word(limit) {
            Ok(Some(word)) => Ok(word),
            Ok(None) => Err(self.broken(&Broken::Contract(format!("no answer for {} s", limit.as_secs())))),
            Err(broken) => Err(self.broken(&broken)),
        }
    }

    /// How long an answer may take; a process that ends has no more time than this.
    fn limit(&self, control: &AttemptControl<'_>) -> Duration {
        let patience = self.program.patience();
        if control.context().waker.stopping() { patience.min(LAST_ANSWER) } else { patience }
    }

    /// Prints a job. What its program says of an attempt that does not succeed is kept for [`Connection::undo`].
    pub(crate) fn print(
        &mut self,
        claim: &Claim,
        job: &Rc<Pieces>,
        control: &mut AttemptControl<'_>,
    ) -> Result<Printed, PrintError> {
        let copies = in_memory(job)?;
        // Until it says more.
        self.undone = UndoOutcome { touched: true, usable: false };
        control.by_program = true;
        control.no_turns = (!self.skips).then_some("the program of its print process cannot skip pages");
        self.hand_over(claim, job, &copies)?;
        control.stage = Stage::Sending;
        control.job = Some(Rc::clone(job));
        let mut progress = ProgressOf::new(job);
        progress.begins(control);
        let followed = self.follow(job, &mut progress, control);
        let printed = match followed {
            Ok(printed) => printed,
            Err(trouble) if self.job_ended => return Err(trouble),
            // Every octet may have left before it is told.
            Err(trouble) => self.stop(self.limit(control))?.ok_or(trouble)?,
        };
        progress.is_done(control);
        control.stage = Stage::Sent;
        self.undone = UndoOutcome { touched: false, usable: true };
        Ok(printed)
    }

    /// Gives the program the job, and its documents as open files.
    fn hand_over(&self, claim: &Claim, job: &Pieces, copies: &[Option<InMemory>]) -> Result<(), PrintError> {
        let documents = |sources: &[Source], number: fn(u32) -> u32| -> Vec<Document> {
            let each = sources.iter().map(|source| Document {
                number: number(source.sequence),
                copies: source.copies.max(1),
                octets: source.size,
                format: source.format.keyword().to_owned(),
            });
            each.collect()
        };
        let mut all = documents(&job.font, |_| 0);
        all.extend(documents(&job.sources, |sequence| sequence));
        let mut files: Vec<BorrowedFd<'_>> = Vec::new();
        for (source, copy) in job.font.iter().chain(&job.sources).zip(copies) {
            files.extend(copy.as_ref().map(AsRef::as_ref).or(source.file.clear()).map(AsFd::as_fd));
        }
        let order = ToDevice::Print(Box::new(Job {
            number: claim.number.get(),
            attempt: claim.attempt,
            name: claim.name.clone(),
            owner: claim.owner.clone(),
            location: claim.location.clone(),
            form: claim.form.clone(),
            possible_duplicate: claim.possible_duplicate,
            batch: claim.batch.map(|batch| batch.number.get()),
            documents: all,
        }));
        let (ahead, last) = files.split_at(files.len().saturating_sub(1) / FILES * FILES);
        for some in ahead.chunks(FILES) {
            self.talk.say(&ToDevice::Files, some).map_err(|broken| self.broken(&broken))?;
        }
        self.talk.say(&order, last).map_err(|broken| self.broken(&broken))
    }

    /// Follows a job until it is printed, or must end.
    fn follow(
        &mut self,
        job: &Pieces,
        progress: &mut ProgressOf<'_>,
        control: &mut AttemptControl<'_>,
    ) -> Result<Printed, PrintError> {
        self.job_ended = false;
        loop {
            match self.look(progress, control) {
                Ok(Some(printed)) => return Ok(printed),
                Ok(None) => {}
                Err(PrintError::Turn) => self.go(job, progress, control)?,
                Err(PrintError::Stand) => {
                    if let Some(printed) = self.stand(job, progress, control)? {
                        return Ok(printed);
                    }
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// Has the program go on at another place.
    fn go(
        &mut self,
        job: &Pieces,
        progress: &mut ProgressOf<'_>,
        control: &mut AttemptControl<'_>,
    ) -> Result<(), PrintError> {
        let Some(turn) = control.take_turn() else { return Ok(()) };
        let Place { index, copy, at } = turn.to;
        let document = job.sources.get(index).map_or(0, |source| source.sequence);
        self.say(&ToDevice::Go { document, copy, offset: at, page: turn.page })?;
        progress.goes_to(turn.to, control);
        Ok(())
    }

    /// Takes what the program has said, and waits for more.
    fn look(
        &mut self,
        progress: &mut ProgressOf<'_>,
        control: &mut AttemptControl<'_>,
    ) -> Result<Option<Printed>, PrintError> {
        while let Some(word) = self.next()? {
            match word {
                FromDevice::Progress { document, copy, octets } => {
                    self.reaches(document, copy, octets, progress, control)?;
                    control.sent(0)?;
                }
                other => return self.end_of_job(other).map(Some),
            }
        }
        // The device takes nothing: shown after a while, and an error when TIMEOUT has passed.
        let patience = control.stall_timeout()?;
        control.wait(self.talk.fd(), PollFlags::POLLIN, Some(patience))?;
        Ok(None)
    }

    fn reaches(
        &mut self,
        document: u32,
        copy: u32,
        octets: u64,
        progress: &mut ProgressOf<'_>,
        control: &mut AttemptControl<'_>,
    ) -> Result<(), PrintError> {
        match progress.place(document, copy, octets) {
            Some(place) => {
                progress.reaches(place, control);
                Ok(())
            }
            None => Err(self.breaks(&FromDevice::Progress { document, copy, octets })),
        }
    }

    /// SUSPEND: has the program stand still before we do. Returns the end of a job that was faster.
    fn stand(
        &mut self,
        job: &Pieces,
        progress: &mut ProgressOf<'_>,
        control: &mut AttemptControl<'_>,
    ) -> Result<Option<Printed>, PrintError> {
        self.say(&ToDevice::Suspend)?;
        loop {
            match self.answer(self.limit(control))? {
                FromDevice::Suspended => break,
                FromDevice::Progress { document, copy, octets } => {
                    self.reaches(document, copy, octets, progress, control)?;
                }
                other => return self.end_of_job(other).map(Some),
            }
        }
        match control.stand_until_wanted() {
            Ok(()) => {}
            // It hears where it goes on before it goes on.
            Err(PrintError::Turn) => self.go(job, progress, control)?,
            Err(other) => return Err(other),
        }
        self.say(&ToDevice::Resume)?;
        Ok(None)
    }

    /// What the last word about a job means.
    fn end_of_job(&mut self, word: FromDevice) -> Result<Printed, PrintError> {
        self.job_ended = true;
        match word {
            FromDevice::Printed { confirmed, pages, note } => {
                let delivery = if confirmed { Delivery::Confirmed } else { Delivery::Sent };
                let pages = pages.map(|pages| format!("{pages} pages by its print process"));
                let said: Vec<String> = pages.into_iter().chain(note).collect();
                Ok(Printed { delivery, remark: (!said.is_empty()).then(|| said.join("; ")) })
            }
            FromDevice::Failed(trouble) => {
                self.leaves(trouble.touched.unwrap_or(true), true);
                Err(fault(&trouble).into())
            }
            FromDevice::Rejected { text, touched, closed } => {
                self.leaves(touched, closed);
                Err(PrintError::Document { reason: HoldReason::Failed, text, moved: None })
            }
            other => Err(self.breaks(&other)),
        }
    }

    /// Notes what an attempt that did not succeed leaves.
    fn leaves(&mut self, touched: bool, closed: bool) {
        self.closed |= closed;
        self.undone = UndoOutcome { touched, usable: !closed };
    }

    /// Stops a job. Returns the end of one that was faster.
    fn stop(&mut self, limit: Duration) -> Result<Option<Printed>, PrintError> {
        self.say(&ToDevice::Stop)?;
        loop {
            match self.answer(limit)? {
                FromDevice::Stopped { touched, closed } => {
                    self.leaves(touched, closed);
                    return Ok(None);
                }
                FromDevice::Progress { .. } | FromDevice::Suspended => {}
                // What it failed at does not matter any more.
                other @ (FromDevice::Failed(_) | FromDevice::Rejected { .. }) => {
                    let _ = self.end_of_job(other);
                    return Ok(None);
                }
                other => return self.end_of_job(other).map(Some),
            }
        }
    }
}

/// How far a job is, in octets of its documents.
struct ProgressOf<'a> {
    job: &'a Pieces,
    place: Place,
    total: u64,
}

impl<'a> ProgressOf<'a> {
    fn new(job: &'a Pieces) -> Self {
        let total = job.sources.iter().map(|source| source.size.saturating_mul(u64::from(source.copies.max(1))));
        Self { job, place: Place { index: 0, copy: 1, at: 0 }, total: total.fold(0, u64::saturating_add) }
    }

    /// The place that a program names; none when it does not exist.
    fn place(&self, document: u32, copy: u32, octets: u64) -> Option<Place> {
        let index = self.job.sources.iter().position(|source| source.sequence == document)?;
        let source = &self.job.sources[index];
        let exists = octets <= source.size && (1..=source.copies.max(1)).contains(&copy);
        exists.then_some(Place { index, copy, at: octets })
    }

    fn begins(&self, control: &mut AttemptControl<'_>) {
        control.total = self.total;
        self.show(control);
    }

    fn show(&self, control: &mut AttemptControl<'_>) {
        let Some(source) = self.job.sources.get(self.place.index) else { return };
        (control.document, control.copy) = (source.sequence, self.place.copy);
        let rest = source.size.saturating_sub(self.place.at);
        control.sends_body(self.place, rest, rest);
    }

    /// Octets from the last place to another one.
    fn to(&self, place: Place) -> u64 {
        match self.job.sources.is_empty() {
            true => 0,
            false => u64::try_from(octets_before(self.job, place) - octets_before(self.job, self.place)).unwrap_or(0),
        }
    }

    fn reaches(&mut self, place: Place, control: &mut AttemptControl<'_>) {
        control.counts(self.to(place));
        self.place = place;
        self.show(control);
    }

    fn goes_to(&mut self, place: Place, control: &mut AttemptControl<'_>) {
        self.place = place;
        self.show(control);
    }

    fn is_done(&mut self, control: &mut AttemptControl<'_>) {
        let Some(last) = self.job.sources.len().checked_sub(1) else { return };
        let source = &self.job.sources[last];
        control.counts(self.to(Place { index: last, copy: source.copies.max(1), at: source.size }));
    }
}

impl Connection for ProgramPrinter {
    fn begin(
        &mut self,
        _: &Pieces,
        _: Option<&FilePosition>,
        _: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError> {
        Ok(JobStart::default())
    }

    fn send(&mut self, _: Chunk<'_>, _: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        let text = "its program takes whole jobs and no single octets";
        Err(Fault { retryable: false, ..Fault::new(DeviceError::Other, text) }.into())
    }

    fn finish(&mut self, _: &mut AttemptControl<'_>) -> Result<Delivery, PrintError> {
        Ok(Delivery::Sent)
    }

    fn undo(&mut self) -> UndoOutcome {
        std::mem::replace(&mut self.undone, UndoOutcome { touched: false, usable: !self.closed })
    }

    fn close(mut self: Box<Self>, control: &mut AttemptControl<'_>) -> CloseOutcome {
        if self.closed || self.say(&ToDevice::Close).is_err() {
            return CloseOutcome::Clean;
        }
        match self.answer(self.limit(control)) {
            Ok(FromDevice::Closed | FromDevice::Gone { .. }) | Err(_) => CloseOutcome::Clean,
            Ok(FromDevice::Failed(trouble)) => {
                self.closed = true;
                CloseOutcome::Reset(fault(&trouble))
            }
            Ok(other) => {
                let _ = self.breaks(&other);
                CloseOutcome::Clean
            }
        }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.talk.fd())
    }

    fn check_idle(&mut self) -> IdleState {
        match self.talk.next() {
            Ok(None) => IdleState::Quiet,
            Ok(Some(FromDevice::Gone { text })) => {
                self.closed = true;
                IdleState::HungUp(text)
            }
            Ok(Some(FromDevice::Failed(trouble))) => {
                self.closed = true;
                IdleState::Reset(fault(&trouble))
            }
            Ok(Some(other)) => {
                let _ = self.breaks(&other);
                IdleState::Quiet
            }
            Err(broken) => {
                let _ = self.broken(&broken);
                IdleState::Quiet
            }
        }
    }

    fn program(&mut self) -> Option<&mut ProgramPrinter> {
        Some(self)
    }
}
