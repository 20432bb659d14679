//! How bytes reach a device: one file a scheme, one row of [`SCHEMES`] each, `null` first.
//!
//! An open device is a [`Connection`]. A job is begun on it, sent piece by piece and finished; or it is undone, which
//! leaves no trace where that is possible and never lets the peer take a part for the whole. Nothing here speaks to
//! the spool.

pub mod char;
pub mod fifo;
pub mod file;
pub mod null;
mod place;
pub mod socket;
mod stream;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::content::pieces::Pieces;
use super::device::connection_settings::Means;
use super::device::control::Pace;
use super::device::errors::{Fault, Trouble};
use crate::model::device::DeviceUri;
use crate::model::guardian::DeviceError;
use crate::model::state::Delivery;
use crate::spool::interface::engine::FilePosition;
use crate::sys::files::read_full_at;

/// Octets to send.
#[derive(Clone, Debug)]
pub enum Chunk<'a> {
    /// Ours.
    Bytes(&'a [u8]),
    /// A document: the index of its source, the file, and which of its octets.
    Document(usize, &'a File, Range<u64>),
}

/// How a job begins on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// To be made durable before the first byte.
    pub position: Option<FilePosition>,
    /// Why bytes of an earlier attempt may remain, if they may.
    pub duplicate: Option<String>,
    /// Whether the paper is at top of form, whatever was printed before: an output file that is empty.
    pub top: bool,
}

/// What remains of a job that was undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Whether some byte of it may be on paper.
    pub touched: bool,
    /// Whether the connection can carry another job.
    pub usable: bool,
}

/// How a connection closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The peer closed too: it has everything.
    Clean,
    /// The peer took every byte and said nothing more.
    Quiet(String),
    /// It was reset, or the peer answers no more, or did not close though it had to.
    Reset(Fault),
}

/// What an idle connection shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Nothing new.
    Quiet,
    /// The other side has closed, or the file is another one: close and open again.
    HungUp(String),
    /// It was reset.
    Reset(Fault),
}

/// An open device.
pub trait Connection: Send {
    /// Begins a job. `begun`: where an earlier attempt at the same job began writing.
    ///
    /// # Errors
    /// The trouble that ends the attempt; nothing was written.
    fn begin(&mut self, job: &Pieces, begun: Option<&FilePosition>, pace: &mut Pace<'_>) -> Result<Start, Trouble>;

    /// Sends a piece of the job that was begun.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    fn send(&mut self, chunk: Chunk<'_>, pace: &mut Pace<'_>) -> Result<(), Trouble>;

    /// Waits until every byte is where this transport can tell, and says how far that is.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    fn finish(&mut self, pace: &mut Pace<'_>) -> Result<Delivery, Trouble>;

    /// Takes the running job back, as far as possible, and never lets it look complete.
    fn undo(&mut self) -> Undone;

    /// Closes in good order. Only with no job running.
    fn close(self: Box<Self>, pace: &mut Pace<'_>) -> Closing;

    /// What to wait for while no job runs.
    fn watch(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Looks at the other side while no job runs.
    fn idle(&mut self) -> Idle {
        Idle::Quiet
    }

    /// When it will be known whether the other side is still there; none when it is now.
    fn unproven(&self) -> Option<Duration> {
        None
    }

    /// Whether jobs share a stream, so that a boundary must stand between them.
    fn shared_stream(&self) -> bool {
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

type Opener = fn(&Means, &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble>;

/// The schemes there are.
pub const SCHEMES: [Scheme; 5] = [
    Scheme { name: "null", serves: |uri| matches!(uri, DeviceUri::Null), open: null::open },
    Scheme { name: "file", serves: |uri| matches!(uri, DeviceUri::File(_)), open: file::open },
    Scheme { name: "char", serves: |uri| matches!(uri, DeviceUri::Char(_)), open: char::open },
    Scheme { name: "fifo", serves: |uri| matches!(uri, DeviceUri::Fifo(_)), open: fifo::open },
    Scheme { name: "socket", serves: |uri| matches!(uri, DeviceUri::Socket { .. }), open: socket::open },
];

/// Opens a device.
///
/// # Errors
/// The trouble that ends the attempt.
pub fn open(means: &Means, pace: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    match SCHEMES.iter().find(|scheme| (scheme.serves)(&means.uri)) {
        Some(scheme) => (scheme.open)(means, pace),
        None => Err(Fault::new(DeviceError::OtherKind, format!("{}: no transport serves it", means.uri)).into()),
    }
}

/// Whether `error`, met while moving octets of `source` at `offset`, is the source's: then it cannot be read either.
fn source_failed(error: &io::Error, source: &File, offset: u64) -> bool {
    error.raw_os_error() == Some(nix::libc::EIO) && read_full_at(source, &mut [0], offset).is_err()
}

/// The trouble of a document that ended before its size.
fn ended(index: usize, at: u64, size: u64) -> Trouble {
    Trouble::Source(index, format!("ended after {at} of {size} octets while it was printed"))
}
