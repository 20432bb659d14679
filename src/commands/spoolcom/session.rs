//! What commands share while they are executed: the spool, the streams, and the manner in which they fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::commands::shell::Exit;
use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::Operations;

use super::displays::Style;
use super::language::messages::Subject;
use super::language::report::print_failure;
use super::language::values::DisplayRequest;

/// Why a statement ended before it was done.
#[derive(Debug)]
pub enum EarlyEnd {
    /// An operation failed; not yet reported.
    Failed(Failure, Subject),
    /// Already reported, with this status.
    Reported(Exit),
    /// The output cannot be written.
    Output(io::Error),
    /// Somebody pressed Ctrl-C; whatever there was to say about it was said.
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

/// The surroundings of the commands of one invocation.
pub struct Session<'a> {
    /// The spool, once one of the commands needed it.
    pub spool: Option<Box<dyn Operations>>,
    /// Displays go here.
    pub out: &'a mut dyn Write,
    /// Messages and hints go here.
    pub err: &'a mut dyn Write,
    /// Whether `err` is a terminal: hints that nobody asked for go there only then.
    pub err_is_terminal: bool,
    /// The current directory.
    pub cwd: PathBuf,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// The time zone of displays.
    pub zone: TimeZone,
    /// Displays are JSON.
    pub json: bool,
    /// DRAIN waits.
    pub wait: bool,
    /// The commands came as shell words, so that a `$` may have been lost.
    pub from_shell: bool,
    /// Whether Ctrl-C was pressed since the line began; never where it ends the program.
    pub interrupted: fn() -> bool,
    /// The spool failed in a way that opening it again may mend.
    pub broken: bool,
}

impl Session<'_> {
    /// The spool.
    ///
    /// # Errors
    /// An internal failure when it was not opened, which the intent of every plan sees to.
    pub fn spool(&mut self) -> Result<&mut dyn Operations, Failure> {
        match &mut self.spool {
            Some(spool) => Ok(spool.as_mut()),
            None => Err(Failure::internal("the spool is not open")),
        }
    }

    /// How displays look.
    pub fn style(&self, display: &DisplayRequest) -> Style {
        Style { json: self.json, detail: display.detail, now_ms: self.now_ms, zone: self.zone.clone() }
    }

    /// Shows something: `show` gets the spool and the stream that `display` names.
    ///
    /// # Errors
    /// Those of `show`, and an OUT file that cannot be written.
    pub fn show(
        &mut self,
        display: &DisplayRequest,
        show: impl FnOnce(&mut dyn Operations, &mut dyn Write, &Style) -> Result<(), EarlyEnd>,
    ) -> Result<(), EarlyEnd> {
        let style = self.style(display);
        let mut file = match &display.out {
            Some(name) => Some(open_out(&self.cwd.join(name))?),
            None => None,
        };
        let out: &mut dyn Write = match &mut file {
            Some(file) => file,
            None => self.out,
        };
        let spool = match &mut self.spool {
            Some(spool) => spool.as_mut(),
            None => return Err(Failure::internal("the spool is not open").into()),
        };
        show(spool, out, &style)?;
        out.flush()?;
        Ok(())
    }

    /// Says something that nobody asked for; on a terminal only.
    pub fn hint(&mut self, hint: &str) {
        if self.err_is_terminal {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(self.err, "  hint: {hint}");
        }
    }

    /// Reports `trouble` and says to which status it leads. `place` is the command it happened in.
    pub fn report(&mut self, place: &str, trouble: EarlyEnd) -> Exit {
        match trouble {
            EarlyEnd::Reported(exit) => exit,
            EarlyEnd::Interrupted => Exit::Failed,
            EarlyEnd::Output(_) if (self.interrupted)() => Exit::Failed,
            EarlyEnd::Failed(failure, subject) => {
                use FailureKind as Kind;
                self.broken |=
                    matches!(failure.kind, Kind::Unreachable | Kind::Unknown | Kind::Timeout | Kind::Internal);
                print_failure(self.err, place, &failure, &subject);
                Exit::of(&failure)
            }
            // Whoever read the output has gone; nothing more can be said to them.
            EarlyEnd::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Failed,
            EarlyEnd::Output(error) => {
                let failure = Failure::new(FailureKind::Io, format!("the output cannot be written: {error}"));
                print_failure(self.err, place, &failure, &Subject::Object);
                Exit::Failed
            }
        }
    }
}

/// Output that Ctrl-C stops, however much is still to come.
pub struct Stoppable<'a> {
    out: &'a mut dyn Write,
    stopped: fn() -> bool,
}

/// What is written between two looks at Ctrl-C: a screenful.
const PIECE: usize = 4096;

impl<'a> Stoppable<'a> {
    /// Writes to `out` until `stopped`.
    pub fn new(out: &'a mut dyn Write, stopped: fn() -> bool) -> Self {
        Self { out, stopped }
    }

    /// The output itself, which nothing stops.
    pub fn inner(&mut self) -> &mut dyn Write {
        self.out
    }
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Not `Interrupted`: that one is tried again.
        if (self.stopped)() {
            return Err(io::Error::other("stopped"));
        }
        let n = self.out.write(&bytes[..bytes.len().min(PIECE)])?;
        // Nothing may wait in a buffer: it would be shown after the display was stopped.
        self.out.flush()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens an OUT file: made when it is not there, added to when it is.
pub fn open_out(path: &std::path::Path) -> Result<File, Failure> {
    OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
        Failure::new(
            FailureKind::Io,
            format!("cannot write OUT file '{}': {error}", path.display().to_string().escape_debug()),
        )
    })
}
