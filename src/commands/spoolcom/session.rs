//! What commands share while they are executed: the spool, the streams, and how failures are reported.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::commands::shell::Exit;
use crate::model::printable::escaped;
use crate::model::{BatchNumber, Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

use super::displays::Style;
use super::language::messages::Subject;
use super::language::report::print_failure;
use super::language::values::DisplayRequest;
use super::output::Output;
use super::statement::Currents;

/// Why a statement ended before it was done.
#[derive(Debug)]
pub enum EarlyEnd {
    /// An operation failed, and nobody has reported it yet.
    Failed(Failure, Subject),
    /// The failure was reported, with this status.
    Reported(Exit),
    /// The output cannot be written.
    Output(io::Error),
    /// Somebody pressed Ctrl-C, and everything about it was said.
    Interrupted,
}

impl From<Failure> for EarlyEnd {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure, Subject::Object)
    }
}

impl From<io::Error> for EarlyEnd {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What a command without an object means, once somebody has made it so.
#[derive(Clone, Debug, Default)]
pub struct Current {
    /// The current job.
    pub job: Option<JobRef>,
    /// The current batch.
    pub batch: Option<BatchNumber>,
}

impl Current {
    /// Tells what there is.
    pub fn known(&self) -> Currents {
        Currents { job: self.job.is_some(), batch: self.batch.is_some() }
    }
}

/// The surroundings of the commands of one invocation.
pub struct Session<'a> {
    /// The spool, once a command has needed it.
    pub spool: Option<Box<dyn Operations>>,
    /// The stream for displays.
    pub out: &'a mut dyn Write,
    /// The stream for messages and hints.
    pub err: &'a mut dyn Write,
    /// Whether `err` is a terminal. Only then hints that nobody asked for go there.
    pub err_is_terminal: bool,
    /// The current directory.
    pub cwd: PathBuf,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// The time zone of displays.
    pub zone: TimeZone,
    /// Whether displays are JSON.
    pub json: bool,
    /// In which form CHECK answers, unless that is JSON.
    pub form: crate::commands::health::Form,
    /// Since when LOG shows what happened.
    pub since: Option<String>,
    /// Whether LOG shows the commands that undo what was changed.
    pub undo: bool,
    /// Whether LOG goes on as more happens.
    pub follow: bool,
    /// Whether ADD prints a test page.
    pub test_page: bool,
    /// Whether DRAIN waits.
    pub wait: bool,
    /// How long DRAIN waits while nothing moves.
    pub patience: Duration,
    /// Whether the commands came as shell words, so that a `$` may have been lost.
    pub from_shell: bool,
    /// Tells whether Ctrl-C was pressed since the line began. Where Ctrl-C ends the program, it never was.
    pub interrupted: fn() -> bool,
    /// Whether the spool failed in a way that opening it again may cure.
    pub broken: bool,
    /// Whether declarations are gathered: the commands come from a file.
    pub gathers: bool,
    /// Whether something may have been declared that nobody has brought to the disk yet.
    pub declared: bool,
    /// Whether it was said that the output cannot be written.
    pub output_failed: bool,
    /// The current job and batch.
    pub current: Current,
    /// The name by which the spooler was opened.
    pub supervisor: String,
}

impl Session<'_> {
    /// Returns the spool.
    ///
    /// # Errors
    /// Fails when the spool is not open. The runner opens it before it executes a statement that has an intent.
    pub fn spool(&mut self) -> Result<&mut dyn Operations, Failure> {
        match &mut self.spool {
            Some(spool) => Ok(spool.as_mut()),
            None => Err(Failure::internal("the spool is not open")),
        }
    }

    /// Has on disk what the commands so far have declared.
    ///
    /// # Errors
    /// When the log of the spool cannot be synced: a power loss may take them back.
    pub fn put_on_disk(&mut self) -> Result<(), Failure> {
        match &mut self.spool {
            // Nothing is asked of a server that nothing was declared to: it may have been started again meanwhile.
            Some(spool) if self.gathers && std::mem::take(&mut self.declared) => spool.gather(true),
            _ => Ok(()),
        }
    }

    /// Returns how displays look.
    pub fn style(&self, display: &DisplayRequest) -> Style {
        Style { json: self.json, detail: display.detail, now_ms: self.now_ms, zone: self.zone.clone() }
    }

    /// Shows something: `show` gets the spool and the stream that `display` names. Fails when `show` does, or when the
    /// OUT file cannot be written.
    pub fn show(
        &mut self,
        display: &DisplayRequest,
        show: impl FnOnce(&mut dyn Operations, &mut dyn Write, &Style) -> Result<(), EarlyEnd>,
    ) -> Result<(), EarlyEnd> {
        let style = self.style(display);
        self.put_on_disk()?;
        let spool = match &mut self.spool {
            Some(spool) => spool.as_mut(),
            None => return Err(Failure::internal("the spool is not open").into()),
        };
        let mut output = match &display.out {
            Some(name) => Output::open(name, spool, &self.cwd, self.err)
                .map_err(|cannot| EarlyEnd::Failed(cannot.failure, cannot.subject))?,
            None => Output::Standard,
        };
        show(spool, output.stream(self.out), &style)?;
        output.stream(self.out).flush()?;
        Ok(output.end(spool)?)
    }

    /// Prints a hint that nobody asked for, only on a terminal.
    pub fn hint(&mut self, hint: &str) {
        if self.err_is_terminal {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(self.err, "  hint: {}", escaped(hint));
        }
    }

    /// Reports `trouble` and returns the exit status for it. `place` is the command that failed.
    pub fn report(&mut self, place: &str, trouble: EarlyEnd) -> Exit {
        match trouble {
            EarlyEnd::Reported(exit) => exit,
            EarlyEnd::Interrupted => Exit::Failed,
            EarlyEnd::Output(_) if (self.interrupted)() => Exit::Failed,
            EarlyEnd::Failed(failure, subject) => {
                use FailureKind as Kind;
                let broke = matches!(failure.kind, Kind::Unreachable | Kind::Unknown | Kind::Timeout | Kind::Internal);
                self.broken |= broke && subject != Subject::Drain;
                print_failure(self.err, place, &failure, &subject);
                Exit::of(&failure)
            }
            // The reader of the output has gone, so nothing more can be said.
            EarlyEnd::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Failed,
            // What fails once fails for every display that follows.
            EarlyEnd::Output(_) if std::mem::replace(&mut self.output_failed, true) => Exit::Failed,
            EarlyEnd::Output(error) => {
                let failure = Failure::new(FailureKind::Io, format!("the output cannot be written: {error}"));
                print_failure(self.err, place, &failure, &Subject::Object);
                Exit::Failed
            }
        }
    }
}

/// An output that Ctrl-C stops, however much is still to come.
pub struct Stoppable<'a> {
    out: &'a mut dyn Write,
    stopped: fn() -> bool,
}

/// How many octets are written between two looks at Ctrl-C: a screenful.
const PIECE: usize = 4096;

impl<'a> Stoppable<'a> {
    /// Makes an output that writes to `out` until `stopped`.
    pub fn new(out: &'a mut dyn Write, stopped: fn() -> bool) -> Self {
        Self { out, stopped }
    }

    /// Returns the output itself, which nothing stops.
    pub fn inner(&mut self) -> &mut dyn Write {
        self.out
    }
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Why not `Interrupted`? Writers try again after that.
        if (self.stopped)() {
            return Err(io::Error::other("stopped"));
        }
        let n = self.out.write(&bytes[..bytes.len().min(PIECE)])?;
        // May anything wait in a buffer? No: it would be shown after the display was stopped.
        self.out.flush()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
