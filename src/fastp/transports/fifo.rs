//! `fifo:///path`: a named pipe that a program reads.
//!
//! It is open when a program reads it; until then it is waited for. A job is *sent* when that program has taken every
//! octet of it. A program that closes the pipe before has not got the job, which is printed again for the next one. A
//! part of a job cannot be marked as such: the program that reads sees the end of the pipe.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::place::{self, Kind};
use super::stream::{self, Outlet};
use super::{Chunk, Closing, Connection, Idle, Start, Undone};
use crate::fastp::content::pieces::Pieces;
use crate::fastp::device::connection_settings::Means;
use crate::fastp::device::control::Pace;
use crate::fastp::device::errors::{Fault, Trouble};
use crate::fastp::process::backoff::Growing;
use crate::fastp::process::waker::poll_for;
use crate::model::device::DeviceUri;
use crate::model::guardian::DeviceError;
use crate::model::state::Delivery;
use crate::model::wait::Wait;
use crate::spool::interface::engine::FilePosition;
use crate::sys::lock::FileLock;
use crate::sys::pipe::{Opening, unread};

/// How long looking at the path may take.
const LOOKING: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Pipe {
    file: File,
    path: PathBuf,
    node: (u64, u64),
    /// Octets of the running job that the pipe took.
    sent: u64,
}

/// Opens the FIFO, which must be there, and waits until a program reads it.
///
/// # Errors
/// A fault when it is missing or no FIFO, lies under the base, is in use, or when nobody reads it in time.
pub fn open(means: &Means, pace: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    let DeviceUri::Fifo(path) = &means.uri else {
        return Err(Fault::new(DeviceError::OtherKind, format!("{} is no FIFO", means.uri)).into());
    };
    let doing = format!("cannot open {}", path.display());
    let (looked, root, told) = (path.clone(), pace.desk().root.clone(), doing.clone());
    match pace.apart(LOOKING, move || examine(&looked, &root, &told))? {
        None => {
            return Err(Fault::new(DeviceError::TookTooLong, format!("{doing}: it took longer than 30 seconds")).into());
        }
        Some(result) => result?,
    }
    pace.waiting_for(Some(Wait::Reader));
    let file = wait_for_reader(path, &doing, pace)?;
    let cannot = |error: io::Error| Fault::of(&doing, &error);
    let meta = file.metadata().map_err(cannot)?;
    place::require(Kind::Fifo, path, &meta, &doing)?;
    // Not flock(2): programs that read may use that among themselves.
    if !FileLock::mark(&file).map_err(cannot)? {
        return Err(Fault::new(
            DeviceError::InUse,
            format!("{} is in use by another device or program", path.display()),
        )
        .into());
    }
    let node = (meta.dev(), meta.ino());
    Ok(Box::new(Pipe { file, path: path.clone(), node, sent: 0 }))
}

fn examine(path: &Path, root: &Path, doing: &str) -> Result<(), Fault> {
    let meta = std::fs::metadata(path).map_err(|error| missing(path, doing, &error))?;
    place::outside(path, root, doing)?;
    place::require(Kind::Fifo, path, &meta, doing)
}

fn missing(path: &Path, doing: &str, error: &io::Error) -> Fault {
    if error.kind() == io::ErrorKind::NotFound {
        let text = format!("{doing}: there is no such FIFO; mkfifo {} makes it", path.display());
        return Fault::new(DeviceError::NoFifo, text);
    }
    Fault::of(doing, error)
}

fn wait_for_reader(path: &Path, doing: &str, pace: &mut Pace<'_>) -> Result<File, Trouble> {
    let limit = pace.desk().timing.connect;
    let until = Instant::now() + limit;
    let opening = Opening::begin(path).map_err(|error| Fault::of(doing, &error))?;
    loop {
        if let Some(result) = opening.result() {
            return result.map_err(|error| missing(path, doing, &error).into());
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Can a reader that comes while nobody waits here be noticed? No: one that waits in its own open shows nowhere
            // (see sys::pipe). So waits between tries do not grow: it never stands there for longer than RETRY.
            let nobody = || Fault::new(DeviceError::NoReader, format!("{doing}: no program reads it")).steady();
            return opening.give_up().ok_or_else(|| nobody().into());
        }
        pace.wait(opening.as_fd(), PollFlags::POLLIN, Some(left))?;
    }
}

impl Pipe {
    fn gone(&self) -> Fault {
        Fault::new(DeviceError::HungUp, format!("{}: the program that reads it has closed it", self.path.display()))
    }

    fn wait(&mut self, events: PollFlags, timeout: Option<Duration>, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        let patience = pace.patience()?;
        let timeout = timeout.map_or(patience, |timeout| timeout.min(patience));
        let ready = pace.wait(self.file.as_fd(), events, Some(timeout))?;
        if ready.contains(PollFlags::POLLERR) {
            return Err(self.gone().into());
        }
        Ok(())
    }

    fn is_read(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::empty())];
        poll_for(&mut fds, Some(Duration::ZERO))?;
        Ok(!fds[0].revents().is_some_and(|ready| ready.contains(PollFlags::POLLERR)))
    }
}

impl Outlet for Pipe {
    fn file(&self) -> &File {
        &self.file
    }

    fn took(&mut self, n: usize) {
        self.sent += n as u64;
    }

    fn stalled(&mut self, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        self.wait(PollFlags::POLLOUT, None, pace)
    }

    fn failed(&self, error: &io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::BrokenPipe => self.gone().into(),
            _ => Fault::of(format_args!("while printing to {}", self.path.display()), error).into(),
        }
    }
}

impl Connection for Pipe {
    fn begin(&mut self, _: &Pieces, _: Option<&FilePosition>, _: &mut Pace<'_>) -> Result<Start, Trouble> {
        self.sent = 0;
        Ok(Start::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        stream::put(self, chunk, pace)
    }

    fn finish(&mut self, pace: &mut Pace<'_>) -> Result<Delivery, Trouble> {
        let mut wait = Growing::new(Duration::from_millis(1), Duration::from_millis(500));
        loop {
            let left = unread(self.file.as_fd()).map_err(|error| self.failed(&error))?;
            if left == 0 {
                self.sent = 0;
                return Ok(Delivery::Sent);
            }
            pace.took(self.sent.saturating_sub(left.into()))?;
            // Nothing tells when the last octet is taken, so it is asked for; that the reader is gone is told at once.
            self.wait(PollFlags::empty(), Some(wait.wait()), pace)?;
        }
    }

    fn undo(&mut self) -> Undone {
        Undone { touched: self.sent > 0, usable: self.sent == 0 }
    }

    fn close(self: Box<Self>, _: &mut Pace<'_>) -> Closing {
        Closing::Clean
    }

    fn watch(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }

    fn idle(&mut self) -> Idle {
        if self.is_read().is_ok_and(|is_read| !is_read) {
            return Idle::HungUp("the program that read it has closed it".into());
        }
        let named = std::fs::metadata(&self.path).ok();
        if named.is_some_and(|named| (named.dev(), named.ino()) == self.node) {
            return Idle::Quiet;
        }
        Idle::HungUp("the FIFO was removed or replaced".into())
    }

    fn shared_stream(&self) -> bool {
        true
    }
}
