//! `fifo:///path`: a named pipe that a program reads.
//!
//! It is open when a program reads it; until then we wait. A job is *sent* when that program has read every octet of
//! it. A program that closes the pipe earlier has not got the job, which is printed again for the next one. A part of a
//! job cannot be marked as such: the reading program sees the end of the pipe.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::path_check::{self, FileKind};
use super::stream::{self, Outlet};
use super::{Chunk, CloseOutcome, Connection, IdleState, JobStart, UndoOutcome};
use crate::fastp::content::pieces::Pieces;
use crate::fastp::device::connection_settings::ConnectionSettings;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::fastp::process::backoff::GrowingWait;
use crate::fastp::process::waker::poll_for;
use crate::model::device::{DevicePath, DeviceUri};
use crate::model::guardian::DeviceError;
use crate::model::state::Delivery;
use crate::model::wait::Wait;
use crate::spool::interface::engine::FilePosition;
use crate::sys::lock::FileLock;
use crate::sys::pipe::{PendingOpen, unread};
use crate::sys::place::Place;

/// How long examining the path may take.
const LOOKING: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct FifoWriter {
    file: File,
    path: PathBuf,
    node: (u64, u64),
    /// Octets of the running job that the pipe accepted.
    sent: u64,
}

/// Opens the FIFO, which must exist, and waits until a program reads it.
///
/// # Errors
/// Returns a fault when it is missing or no FIFO, lies under the base, is in use, or when nobody reads it in time.
pub fn open(
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    let DeviceUri::Fifo(device) = &settings.uri else {
        return Err(Fault::new(DeviceError::OtherKind, format!("{} is no FIFO", settings.uri)).into());
    };
    let path = &device.path;
    let doing = format!("cannot open {}", path.display());
    let (looked, root, told) = (device.clone(), control.context().root.clone(), doing.clone());
    let place = match control.in_device_helper(LOOKING, move || examine(&looked, &root, &told))? {
        None => {
            return Err(Fault::new(DeviceError::TookTooLong, format!("{doing}: it took longer than 30 seconds")).into());
        }
        Some(result) => result?,
    };
    control.set_waiting_for(Some(Wait::Reader));
    // What was examined is opened, whatever has its name when a reader comes.
    let examined = place.path().filter(|examined| examined.exists());
    let file = wait_for_reader(path, examined.as_deref().unwrap_or(path), &doing, control)?;
    let cannot = |error: io::Error| Fault::of(&doing, &error);
    let meta = file.metadata().map_err(cannot)?;
    path_check::require(FileKind::Fifo, path, meta.mode(), &doing)?;
    let node = (meta.dev(), meta.ino());
    if place.facts().is_none_or(|facts| facts.id != node) {
        let text = format!("{doing}: another FIFO has its name by now");
        return Err(Fault::new(DeviceError::ChangedMeanwhile, text).into());
    }
    // Not flock(2): reading programs may use that among themselves.
    if !FileLock::mark(&file).map_err(cannot)? {
        return Err(Fault::new(
            DeviceError::InUse,
            format!("{} is in use by another device or program", path.display()),
        )
        .into());
    }
    Ok(Box::new(FifoWriter { file, path: path.clone(), node, sent: 0 }))
}

fn examine(device: &DevicePath, root: &Path, doing: &str) -> Result<Place, Fault> {
    let place = path_check::examine(FileKind::Fifo, device, root, doing).map_err(|fault| match fault.error {
        DeviceError::NoDirectory => missing(&device.path, doing, &io::ErrorKind::NotFound.into()),
        _ => fault,
    })?;
    if place.facts().is_none() {
        return Err(missing(&device.path, doing, &io::ErrorKind::NotFound.into()));
    }
    Ok(place)
}

fn missing(path: &Path, doing: &str, error: &io::Error) -> Fault {
    if error.kind() == io::ErrorKind::NotFound {
        let text = format!("{doing}: there is no such FIFO; mkfifo {} makes it", path.display());
        return Fault::new(DeviceError::NoFifo, text);
    }
    Fault::of(doing, error)
}

fn wait_for_reader(
    path: &Path,
    examined: &Path,
    doing: &str,
    control: &mut AttemptControl<'_>,
) -> Result<File, PrintError> {
    let limit = control.context().timing.connect;
    let until = Instant::now() + limit;
    let opening = PendingOpen::begin(examined).map_err(|error| Fault::of(doing, &error))?;
    loop {
        if let Some(result) = opening.result() {
            return result.map_err(|error| missing(path, doing, &error).into());
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Can we notice a reader that comes while nobody waits here? No: one that waits in its own open shows
            // nowhere (see sys::pipe). So the waits between retries do not grow: it never stands there longer than
            // RETRY.
            let nobody = || Fault::new(DeviceError::NoReader, format!("{doing}: no program reads it")).steady();
            return opening.give_up().ok_or_else(|| nobody().into());
        }
        control.wait(opening.as_fd(), PollFlags::POLLIN, Some(left))?;
    }
}

impl FifoWriter {
    fn gone(&self) -> Fault {
        Fault::new(DeviceError::HungUp, format!("{}: the program that reads it has closed it", self.path.display()))
    }

    fn wait(
        &mut self,
        events: PollFlags,
        timeout: Option<Duration>,
        control: &mut AttemptControl<'_>,
    ) -> Result<(), PrintError> {
        let left = unread(self.file.as_fd()).map_err(|error| self.failed(&error))?;
        control.device_accepted(self.sent.saturating_sub(left.into()))?;
        let patience = control.stall_timeout()?;
        let timeout = timeout.map_or(patience, |timeout| timeout.min(patience));
        let ready = control.wait(self.file.as_fd(), events, Some(timeout))?;
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

impl Outlet for FifoWriter {
    fn file(&self) -> &File {
        &self.file
    }

    fn accepted(&mut self, n: usize) {
        self.sent += n as u64;
    }

    fn wait_writable(&mut self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.wait(PollFlags::POLLOUT, None, control)
    }

    fn failed(&self, error: &io::Error) -> PrintError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => self.gone().into(),
            _ => Fault::of(format_args!("while printing to {}", self.path.display()), error).into(),
        }
    }
}

impl Connection for FifoWriter {
    fn begin(
        &mut self,
        _: &Pieces,
        _: Option<&FilePosition>,
        control: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError> {
        self.sent = 0;
        // From here on what counts is what the program reads.
        control.device_accepted(0)?;
        Ok(JobStart::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        stream::put(self, chunk, control)
    }

    fn finish(&mut self, control: &mut AttemptControl<'_>) -> Result<Delivery, PrintError> {
        let mut wait = GrowingWait::new(Duration::from_millis(1), Duration::from_millis(500));
        loop {
            let left = unread(self.file.as_fd()).map_err(|error| self.failed(&error))?;
            if left == 0 {
                self.sent = 0;
                return Ok(Delivery::Sent);
            }
            // Nothing signals that the last octet was read, so we ask; that the reader is gone we learn at once.
            self.wait(PollFlags::empty(), Some(wait.wait()), control)?;
        }
    }

    fn undo(&mut self) -> UndoOutcome {
        UndoOutcome { touched: self.sent > 0, usable: self.sent == 0 }
    }

    fn close(self: Box<Self>, _: &mut AttemptControl<'_>) -> CloseOutcome {
        CloseOutcome::Clean
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }

    fn check_idle(&mut self) -> IdleState {
        if self.is_read().is_ok_and(|is_read| !is_read) {
            return IdleState::HungUp("the program that read it has closed it".into());
        }
        let named = std::fs::metadata(&self.path).ok();
        if named.is_some_and(|named| (named.dev(), named.ino()) == self.node) {
            return IdleState::Quiet;
        }
        IdleState::HungUp("the FIFO was removed or replaced".into())
    }

    fn shared_stream(&self) -> bool {
        true
    }
}
