//! How octets reach a device: one file per scheme, one row of [`SCHEMES`] each, `null` first.
//!
//! An open device is a [`Connection`]. A job begins on it, is sent piece by piece and finished; or it is undone, which
//! leaves no trace where that is possible and never lets the peer take a part for the whole. Nothing here speaks to the
//! spool.

pub mod char;
pub mod fifo;
pub mod file;
pub mod null;
mod path_check;
pub mod socket;
mod stream;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::content::pieces::Pieces;
use super::device::connection_settings::ConnectionSettings;
use super::device::control::AttemptControl;
use super::device::errors::{Fault, PrintError};
use super::program::ProgramPrinter;
use crate::model::device::DeviceUri;
use crate::model::guardian::DeviceError;
use crate::model::state::Delivery;
use crate::spool::interface::engine::FilePosition;
use crate::sys::files::read_full_at;

/// Octets to send.
#[derive(Clone, Debug)]
pub enum Chunk<'a> {
    /// Octets of our own.
    Bytes(&'a [u8]),
    /// A document: the index of its source, the file, and which of its octets.
    Document(usize, &'a File, Range<u64>),
}

/// How a job begins on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobStart {
    /// The position to record durably before the first octet.
    pub position: Option<FilePosition>,
    /// Why octets of an earlier attempt may remain, if they may.
    pub duplicate: Option<String>,
    /// Whether the paper is at top of form, whatever was printed before: the output file is empty.
    pub top: bool,
}

/// What remains of a job that was undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoOutcome {
    /// Whether some octet of it may be on paper.
    pub touched: bool,
    /// Whether the connection can carry another job.
    pub usable: bool,
}

/// How a connection closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseOutcome {
    /// The peer closed too: it has everything.
    Clean,
    /// The peer acknowledged every octet and said nothing more.
    Quiet(String),
    /// It was reset, or the peer no longer answers, or did not close although it had to.
    Reset(Fault),
}

/// What an idle connection shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdleState {
    /// Nothing new.
    Quiet,
    /// The peer has closed, or the file is another one: close and open again.
    HungUp(String),
    /// It was reset.
    Reset(Fault),
}

/// An open device.
pub trait Connection: Send {
    /// Begins a job. `begun`: where an earlier attempt at the same job began writing.
    ///
    /// # Errors
    /// Returns the error that ends the attempt; nothing was written.
    fn begin(
        &mut self,
        job: &Pieces,
        begun: Option<&FilePosition>,
        control: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError>;

    /// Sends a piece of the job that was begun.
    fn send(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError>;

    /// Waits until every octet is as far as this transport can tell, and says how far that is.
    fn finish(&mut self, control: &mut AttemptControl<'_>) -> Result<Delivery, PrintError>;

    /// Takes the running job back as far as possible, and never lets it look complete.
    fn undo(&mut self) -> UndoOutcome;

    /// Closes in good order. Only while no job runs.
    fn close(self: Box<Self>, control: &mut AttemptControl<'_>) -> CloseOutcome;

    /// Closes our half, where that can be done while something else goes on; how it ended, if that is known at once.
    fn begin_close(&mut self) -> Option<CloseOutcome> {
        Some(CloseOutcome::Clean)
    }

    /// How a close that was begun so long ago has ended, if it has.
    fn look_at_close(&mut self, _elapsed: Duration, _control: &AttemptControl<'_>) -> Option<CloseOutcome> {
        Some(CloseOutcome::Clean)
    }

    /// Whether the peer has acknowledged octets of the running job, where that can be told.
    fn has_acknowledged(&self) -> bool {
        false
    }

    /// The program of others that prints whole jobs on it, if one does.
    fn program(&mut self) -> Option<&mut ProgramPrinter> {
        None
    }

    /// What to wait for while no job runs.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Checks the peer while no job runs.
    fn check_idle(&mut self) -> IdleState {
        IdleState::Quiet
    }

    /// How long until we know whether the peer is still there; none = we know that it is.
    fn time_until_proven(&self) -> Option<Duration> {
        None
    }

    /// Whether jobs share a stream that a boundary must part: a printer reads it.
    fn shared_stream(&self) -> bool {
        false
    }

    /// Whether a job may stop between two octets until more of its document has arrived.
    fn can_wait(&self) -> bool {
        true
    }

    /// Whether that stream can be parted by a new one in mid-job: a connection.
    fn is_renewable(&self) -> bool {
        false
    }
}

/// How devices of one scheme are opened.
pub struct Scheme {
    /// Its name in a URI.
    pub name: &'static str,
    serves: fn(&DeviceUri) -> bool,
    open: Opener,
}

type Opener = fn(&ConnectionSettings, &mut AttemptControl<'_>) -> Result<Box<dyn Connection>, PrintError>;

/// All schemes.
pub const SCHEMES: [Scheme; 5] = [
    Scheme { name: "null", serves: |uri| matches!(uri, DeviceUri::Null), open: null::open },
    Scheme { name: "file", serves: |uri| matches!(uri, DeviceUri::File(_)), open: file::open },
    Scheme { name: "char", serves: |uri| matches!(uri, DeviceUri::Char(_)), open: char::open },
    Scheme { name: "fifo", serves: |uri| matches!(uri, DeviceUri::Fifo(_)), open: fifo::open },
    Scheme { name: "socket", serves: |uri| matches!(uri, DeviceUri::Socket { .. }), open: socket::open },
];

/// Opens a device.
pub fn open(
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    match SCHEMES.iter().find(|scheme| (scheme.serves)(&settings.uri)) {
        Some(scheme) => (scheme.open)(settings, control),
        // A device with such an address is not started, but it can be told that FASTCNFG goes before it.
        None => Err(super::device::errors::Fault::new(
            DeviceError::OtherKind,
            format!("{}: it has no transport in this version", settings.uri),
        )
        .into()),
    }
}

/// Whether `error`, met while moving octets of `source` at `offset`, is the source's fault: then it cannot be read
/// either.
fn source_failed(error: &io::Error, source: &File, offset: u64) -> bool {
    error.raw_os_error() == Some(nix::libc::EIO) && read_full_at(source, &mut [0], offset).is_err()
}

/// The error for a document that ended before its size.
pub(super) fn ended(index: usize, at: u64, size: u64) -> PrintError {
    PrintError::Source(index, format!("ended after {at} of {size} octets while it was printed"))
}
