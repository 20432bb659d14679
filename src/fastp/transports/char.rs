//! `char:///path`: a character device: a serial line, a parallel port, a USB printer.
//!
//! While it is open, nobody else prints to it: it has an advisory lock and, on a terminal, the exclusive mode of the
//! kernel. Octets pass a terminal unchanged; answers of the device are thrown away. On a line, done means that the last
//! octet has left it. A pseudo-terminal does not show what its other side has read, so its jobs are *transferred*. When
//! a job is undone, the line drops what it has not sent yet; what it has sent cannot be taken back.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::libc;
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
use crate::spool::interface::engine::FilePosition;
use crate::sys::place::Place;
use crate::sys::terminal::{self, SavedSettings};

/// How long opening the device may take.
const OPENING: Duration = Duration::from_secs(30);
/// How long the hardware may hold back the last octets of a job: a printer without paper may do so for days.
const DRAINING: Duration = Duration::from_secs(365 * 24 * 3600);
/// The major number of USB printers.
const USB: u64 = 180;
/// The major numbers of the slaves of pseudo-terminals.
const PSEUDO: std::ops::RangeInclusive<u64> = 136..=143;

/// The device that makes pseudo-terminals.
const PTMX: (u64, u64) = (5, 2);

/// The kind of device, which decides what we can ask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// A terminal with a line behind it.
    Line,
    /// A terminal with a program behind it.
    Pseudo,
    /// A USB printer, which is read from.
    Usb,
    /// Anything else: only written to.
    Other,
}

#[derive(Debug)]
struct CharDevice {
    file: Arc<File>,
    path: PathBuf,
    /// The device node.
    node: (u64, u64),
    nature: Nature,
    /// Its settings before ours.
    before: Option<SavedSettings>,
    /// Whether we set the exclusive mode.
    exclusive: bool,
    /// Octets of the running job that it accepted.
    sent: u64,
    /// Whether a job was finished on it.
    carried: bool,
    /// Waits while it says that it is ready and accepts nothing.
    reluctant: Option<GrowingWait>,
}

/// Opens the device.
pub fn open(
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    let DeviceUri::Char(device) = &settings.uri else {
        return Err(Fault::new(DeviceError::OtherKind, format!("{} is no character device", settings.uri)).into());
    };
    let (device, root) = (device.clone(), control.context().root.clone());
    let shown = device.path.display().to_string();
    // Does a device stay taken if it opens after all when nobody waits any more? No: it is dropped unseen, and
    // released.
    match control.in_device_helper(OPENING, move || open_device(&device, &root))? {
        None => {
            Err(Fault::new(DeviceError::TookTooLong, format!("cannot open {shown}: it took longer than 30 seconds"))
                .into())
        }
        Some(Err(fault)) => Err(fault.into()),
        Some(Ok(device)) => Ok(Box::new(device)),
    }
}

fn open_device(device: &DevicePath, root: &Path) -> Result<CharDevice, Fault> {
    let path = device.path.as_path();
    let doing = format!("cannot open {}", path.display());
    let cannot = |error: io::Error| Fault::of_device(false, &doing, &error);
    let in_use =
        || Fault::new(DeviceError::InUse, format!("{} is in use by another device or program", path.display()));
    // Examined before it is opened: opening a tape or a watchdog has an effect.
    let place = path_check::examine(FileKind::Char, device, root, &doing)?;
    let rdev = place.facts().ok_or_else(|| cannot(io::Error::from_raw_os_error(libc::ENOENT)))?.rdev;
    if (nix::sys::stat::major(rdev), nix::sys::stat::minor(rdev)) == PTMX {
        let text = format!("{doing}: it makes new pseudo-terminals, which nobody reads: name one that a program reads");
        return Err(Fault::new(DeviceError::OtherKind, text));
    }
    let file = open_node(&place, nix::sys::stat::major(rdev) == USB)
        .map_err(|error| if error.raw_os_error() == Some(libc::EBUSY) { in_use() } else { cannot(error) })?;
    let meta = file.metadata().map_err(cannot)?;
    path_check::require(FileKind::Char, path, meta.mode(), &doing)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(in_use()),
        Err(std::fs::TryLockError::Error(error)) => return Err(cannot(error)),
    }
    let major = nix::sys::stat::major(meta.rdev());
    let nature = match io::IsTerminal::is_terminal(&file) {
        true if PSEUDO.contains(&major) => Nature::Pseudo,
        true => Nature::Line,
        false if major == USB => Nature::Usb,
        false => Nature::Other,
    };
    let mut device = CharDevice {
        file: Arc::new(file),
        path: path.to_path_buf(),
        node: (meta.dev(), meta.ino()),
        nature,
        before: None,
        exclusive: false,
        sent: 0,
        carried: false,
        reluctant: None,
    };
    if device.is_terminal() && !device.take_terminal().map_err(|error| Fault::of_device(true, &doing, &error))? {
        return Err(in_use());
    }
    Ok(device)
}

fn open_node(place: &Place, usb: bool) -> io::Result<File> {
    match place.open(usb) {
        // Not every USB printer answers, and not everybody may read from it.
        Err(error) if usb && error.raw_os_error() != Some(libc::EBUSY) => place.open(false),
        other => other,
    }
}

impl CharDevice {
    /// Takes a terminal for us alone and makes it transparent. Returns false when another program has it.
    fn take_terminal(&mut self) -> io::Result<bool> {
        let fd = self.file.as_fd();
        // The superuser is admitted where others are not. Do we heed the mark on a pseudo-terminal too? No: it outlives a
        // killed holder for as long as the other side keeps its master; a line loses it with the last close.
        if self.nature == Nature::Line && terminal::is_exclusive(fd).unwrap_or(false) {
            return Ok(false);
        }
        terminal::set_exclusive(fd, true)?;
        self.exclusive = true;
        self.before = Some(terminal::set_transparent(self.file.as_fd())?);
        Ok(true)
    }

    fn is_terminal(&self) -> bool {
        matches!(self.nature, Nature::Line | Nature::Pseudo)
    }

    fn fault(&self, doing: &str, error: &io::Error) -> PrintError {
        let doing = format!("{doing} {}", self.path.display());
        Fault::of_device(self.is_terminal(), doing, error).into()
    }

    /// Events to wait for besides those that the caller wants. What we do not read we must not wait for.
    fn listening(&self) -> PollFlags {
        if self.nature == Nature::Other { PollFlags::empty() } else { PollFlags::POLLIN }
    }

    /// Handles what a wait showed: answers are thrown away, a hang-up is an error.
    fn handle_readiness(&mut self, ready: PollFlags) -> io::Result<()> {
        if ready.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
            let errno = if self.is_terminal() { libc::EIO } else { libc::ENODEV };
            return Err(io::Error::from_raw_os_error(errno));
        }
        if ready.contains(PollFlags::POLLIN) {
            match self.nature {
                // Flushed, not read: the device need not be open for reading, and endless output costs one call.
                Nature::Line | Nature::Pseudo => terminal::discard_input(self.file.as_fd())?,
                Nature::Usb => {
                    // A printer that cannot be read can still be printed to.
                    let unheard = |error: &io::Error| error.kind() != io::ErrorKind::WouldBlock;
                    if (&*self.file).read(&mut [0; 4096]).is_err_and(|error| unheard(&error)) {
                        self.nature = Nature::Other;
                    }
                }
                Nature::Other => {}
            }
        }
        Ok(())
    }

    /// Checks without waiting.
    fn look(&mut self) -> io::Result<()> {
        let mut fds = [PollFd::new(self.file.as_fd(), self.listening())];
        poll_for(&mut fds, Some(Duration::ZERO))?;
        let ready = fds[0].revents().unwrap_or(PollFlags::empty());
        self.handle_readiness(ready)
    }

    fn wait(
        &mut self,
        events: PollFlags,
        timeout: Option<Duration>,
        control: &mut AttemptControl<'_>,
    ) -> Result<PollFlags, PrintError> {
        let patience = control.stall_timeout()?;
        let timeout = timeout.map_or(patience, |timeout| timeout.min(patience));
        let ready = control.wait(self.file.as_fd(), events | self.listening(), Some(timeout))?;
        self.handle_readiness(ready).map_err(|error| self.fault("while printing to", &error))?;
        Ok(ready)
    }

    /// Waits until the last octet has left the line.
    fn drained(&mut self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        let mut wait = GrowingWait::new(Duration::from_millis(1), Duration::from_millis(500));
        loop {
            let left = terminal::unsent(self.file.as_fd()).map_err(|error| self.fault("while printing to", &error))?;
            if left == 0 {
                break;
            }
            control.device_accepted(self.sent.saturating_sub(left.into()))?;
            self.wait(PollFlags::empty(), Some(wait.wait()), control)?;
        }
        // What the driver does not count is in the hardware. If the job is held meanwhile, `undo` ends the helper's
        // wait.
        let file = Arc::clone(&self.file);
        match control.in_device_helper(DRAINING, move || terminal::drain(file.as_fd()))? {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.fault("while printing to", &error)),
            None => Err(Fault::new(
                DeviceError::TookTooLong,
                format!("{}: its last octets do not go out", self.path.display()),
            )
            .into()),
        }
    }

    /// Discards what the line has not sent.
    fn forget(&self) {
        if self.is_terminal() {
            // A line that was hung up has discarded it already.
            let _ = terminal::discard_output(self.file.as_fd());
        }
    }
}

impl Drop for CharDevice {
    fn drop(&mut self) {
        if self.sent > 0 {
            self.forget();
        }
        let fd = self.file.as_fd();
        if let Some(before) = &self.before {
            let _ = terminal::restore(fd, before);
        }
        if self.exclusive {
            let _ = terminal::set_exclusive(fd, false);
        }
        // A helper that holds the file a moment longer must not keep the lock.
        let _ = self.file.unlock();
    }
}

impl Outlet for CharDevice {
    fn file(&self) -> &File {
        &self.file
    }

    fn accepted(&mut self, n: usize) {
        self.sent += n as u64;
        self.reluctant = None;
    }

    fn wait_writable(&mut self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        match &mut self.reluctant {
            None => {
                while !self.wait(PollFlags::POLLOUT, None, control)?.contains(PollFlags::POLLOUT) {}
                // The driver of parallel ports cannot be polled: it always says that it is ready.
                self.reluctant = Some(GrowingWait::new(Duration::from_millis(1), Duration::from_millis(200)));
            }
            Some(growing) => {
                let next = growing.wait();
                self.wait(PollFlags::empty(), Some(next), control)?;
            }
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> PrintError {
        self.fault("while printing to", error)
    }
}

impl Connection for CharDevice {
    fn begin(
        &mut self,
        _: &Pieces,
        _: Option<&FilePosition>,
        _: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError> {
        self.sent = 0;
        Ok(JobStart::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        stream::put(self, chunk, control)
    }

    fn finish(&mut self, control: &mut AttemptControl<'_>) -> Result<Delivery, PrintError> {
        if self.is_terminal() {
            self.drained(control)?;
        } else {
            // A USB printer's driver drops on close what it has not handed over; when it is ready, it has handed over
            // everything.
            while !self.wait(PollFlags::POLLOUT, None, control)?.contains(PollFlags::POLLOUT) {}
        }
        // The last octet and a hang-up may have come together.
        self.look().map_err(|error| self.fault("while printing to", &error))?;
        self.sent = 0;
        self.carried = true;
        Ok(if self.nature == Nature::Pseudo { Delivery::Transferred } else { Delivery::Sent })
    }

    fn undo(&mut self) -> UndoOutcome {
        let touched = self.sent > 0;
        if touched {
            self.forget();
        }
        UndoOutcome { touched, usable: !touched }
    }

    fn close(mut self: Box<Self>, _: &mut AttemptControl<'_>) -> CloseOutcome {
        if self.nature != Nature::Pseudo || !self.carried {
            return CloseOutcome::Clean;
        }
        match self.look() {
            Err(error) => CloseOutcome::Reset(Fault::of_device(true, self.path.display(), &error)),
            Ok(()) => CloseOutcome::Quiet("a pseudo-terminal does not tell what its other side has read".into()),
        }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        (self.nature != Nature::Other).then(|| self.file.as_fd())
    }

    fn check_idle(&mut self) -> IdleState {
        if let Err(error) = self.look() {
            return IdleState::HungUp(Fault::of_device(self.is_terminal(), self.path.display(), &error).text);
        }
        let named = std::fs::metadata(&self.path).ok();
        if named.is_some_and(|named| (named.dev(), named.ino()) == self.node) {
            return IdleState::Quiet;
        }
        IdleState::HungUp("the device is another one now, or gone".into())
    }

    fn shared_stream(&self) -> bool {
        true
    }
}
