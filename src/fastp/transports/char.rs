//! `char:///path`: a character device: a serial line, a parallel port, a USB printer.
//!
//! While it is open nobody else prints to it: an advisory lock, and on a terminal the mark that the kernel itself heeds.
//! Octets pass a terminal unchanged; what the device answers is thrown away. On a line, done means that the last octet
//! has left it. A pseudo-terminal does not tell what its other side has read: its jobs are *transferred*. A line whose job
//! is undone forgets what it has not sent yet; what it has sent cannot be taken back.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::libc;
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
use crate::spool::interface::engine::FilePosition;
use crate::sys::terminal::{self, Before};

/// How long opening the device may take.
const OPENING: Duration = Duration::from_secs(30);
/// How long the hardware may keep the last octets of a job back: a printer without paper may do so for days.
const DRAINING: Duration = Duration::from_secs(365 * 24 * 3600);
/// The major number of USB printers.
const USB: u64 = 180;
/// The major numbers of the slaves of pseudo-terminals.
const PSEUDO: std::ops::RangeInclusive<u64> = 136..=143;

/// The device that makes pseudo-terminals.
const PTMX: (u64, u64) = (5, 2);

/// What kind of device it is, for what can be asked of it.
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
struct Line {
    file: Arc<File>,
    path: PathBuf,
    /// The device node.
    node: (u64, u64),
    nature: Nature,
    /// Its settings before ours.
    before: Option<Before>,
    /// Whether nobody else is admitted, by us.
    exclusive: bool,
    /// Octets of the running job that it took.
    sent: u64,
    /// Whether a job was finished on it.
    carried: bool,
    /// Waits while it says that it is ready, and takes nothing.
    reluctant: Option<Growing>,
}

/// Opens the device.
///
/// # Errors
/// A fault when it cannot be opened, is no character device, lies under the base, or is in use.
pub fn open(means: &Means, pace: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    let DeviceUri::Char(path) = &means.uri else {
        return Err(Fault::new(DeviceError::OtherKind, format!("{} is no character device", means.uri)).into());
    };
    let (path, root) = (path.clone(), pace.desk().root.clone());
    let shown = path.display().to_string();
    // Does a device stay taken that opens after all, when nobody waits any more? No: dropped unseen, it is let go.
    match pace.apart(OPENING, move || open_line(&path, &root))? {
        None => {
            Err(Fault::new(DeviceError::TookTooLong, format!("cannot open {shown}: it took longer than 30 seconds"))
                .into())
        }
        Some(Err(fault)) => Err(fault.into()),
        Some(Ok(line)) => Ok(Box::new(line)),
    }
}

fn open_line(path: &Path, root: &Path) -> Result<Line, Fault> {
    let doing = format!("cannot open {}", path.display());
    let cannot = |error: io::Error| Fault::of_device(false, &doing, &error);
    let in_use =
        || Fault::new(DeviceError::InUse, format!("{} is in use by another device or program", path.display()));
    // Looked at before it is opened: to open a tape or a watchdog does something.
    let meta = std::fs::metadata(path).map_err(cannot)?;
    place::outside(path, root, &doing)?;
    place::require(Kind::Char, path, &meta, &doing)?;
    let open = |read: bool| {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
        OpenOptions::new().read(read).write(true).custom_flags(flags).open(path)
    };
    if (nix::sys::stat::major(meta.rdev()), nix::sys::stat::minor(meta.rdev())) == PTMX {
        let text = format!("{doing}: it makes new pseudo-terminals, which nobody reads: name one that a program reads");
        return Err(Fault::new(DeviceError::OtherKind, text));
    }
    let usb = nix::sys::stat::major(meta.rdev()) == USB;
    let file = match open(usb) {
        // Not every USB printer speaks, and not everybody may listen.
        Err(error) if usb && error.raw_os_error() != Some(libc::EBUSY) => open(false),
        other => other,
    };
    let file =
        file.map_err(|error| if error.raw_os_error() == Some(libc::EBUSY) { in_use() } else { cannot(error) })?;
    let meta = file.metadata().map_err(cannot)?;
    place::require(Kind::Char, path, &meta, &doing)?;
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
    let mut line = Line {
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
    if line.is_terminal() {
        let fd = line.file.as_fd();
        // The superuser is admitted where others are not. Is the mark of a pseudo-terminal heeded too? No: it outlives a
        // holder that was killed, for as long as the other side keeps its master; a line loses it with the last close.
        if nature == Nature::Line && terminal::is_exclusive(fd).unwrap_or(false) {
            return Err(in_use());
        }
        let set = terminal::set_exclusive(fd, true);
        set.map_err(|error| Fault::of_device(true, &doing, &error))?;
        line.exclusive = true;
        let before = terminal::let_pass(line.file.as_fd());
        line.before = Some(before.map_err(|error| Fault::of_device(true, &doing, &error))?);
    }
    Ok(line)
}

impl Line {
    fn is_terminal(&self) -> bool {
        matches!(self.nature, Nature::Line | Nature::Pseudo)
    }

    fn fault(&self, doing: &str, error: &io::Error) -> Trouble {
        let doing = format!("{doing} {}", self.path.display());
        Fault::of_device(self.is_terminal(), doing, error).into()
    }

    /// What to wait for beside that for which it is waited anyway. What is not listened to must not be waited for either.
    fn listening(&self) -> PollFlags {
        if self.nature == Nature::Other { PollFlags::empty() } else { PollFlags::POLLIN }
    }

    /// Takes note of what a wait showed: answers are thrown away, a hang-up is an error.
    fn heard(&mut self, ready: PollFlags) -> io::Result<()> {
        if ready.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
            let errno = if self.is_terminal() { libc::EIO } else { libc::ENODEV };
            return Err(io::Error::from_raw_os_error(errno));
        }
        if ready.contains(PollFlags::POLLIN) {
            match self.nature {
                // Not read but flushed: so it need not be open for reading, and a chatterbox costs one call.
                Nature::Line | Nature::Pseudo => terminal::discard_input(self.file.as_fd())?,
                Nature::Usb => {
                    // One that cannot be listened to can be printed to.
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

    /// Looks without waiting.
    fn look(&mut self) -> io::Result<()> {
        let mut fds = [PollFd::new(self.file.as_fd(), self.listening())];
        poll_for(&mut fds, Some(Duration::ZERO))?;
        let ready = fds[0].revents().unwrap_or(PollFlags::empty());
        self.heard(ready)
    }

    fn wait(
        &mut self,
        events: PollFlags,
        timeout: Option<Duration>,
        pace: &mut Pace<'_>,
    ) -> Result<PollFlags, Trouble> {
        let patience = pace.patience()?;
        let timeout = timeout.map_or(patience, |timeout| timeout.min(patience));
        let ready = pace.wait(self.file.as_fd(), events | self.listening(), Some(timeout))?;
        self.heard(ready).map_err(|error| self.fault("while printing to", &error))?;
        Ok(ready)
    }

    /// Waits until the last octet has left the line.
    fn drained(&mut self, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        let mut wait = Growing::new(Duration::from_millis(1), Duration::from_millis(500));
        loop {
            let left = terminal::unsent(self.file.as_fd()).map_err(|error| self.fault("while printing to", &error))?;
            if left == 0 {
                break;
            }
            pace.took(self.sent.saturating_sub(left.into()))?;
            self.wait(PollFlags::empty(), Some(wait.wait()), pace)?;
        }
        // What the driver does not count is in the hardware. If the job is held meanwhile, `undo` ends the helper's wait.
        let file = Arc::clone(&self.file);
        match pace.apart(DRAINING, move || terminal::drain(file.as_fd()))? {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.fault("while printing to", &error)),
            None => Err(Fault::new(
                DeviceError::TookTooLong,
                format!("{}: its last octets do not go out", self.path.display()),
            )
            .into()),
        }
    }

    /// Lets the line forget what it has not sent.
    fn forget(&self) {
        if self.is_terminal() {
            // One that was hung up has forgotten it.
            let _ = terminal::discard_output(self.file.as_fd());
        }
    }
}

impl Drop for Line {
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
        // A helper that still has the file a moment longer must not keep the lock.
        let _ = self.file.unlock();
    }
}

impl Outlet for Line {
    fn file(&self) -> &File {
        &self.file
    }

    fn took(&mut self, n: usize) {
        self.sent += n as u64;
        self.reluctant = None;
    }

    fn stalled(&mut self, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        match &mut self.reluctant {
            None => {
                while !self.wait(PollFlags::POLLOUT, None, pace)?.contains(PollFlags::POLLOUT) {}
                // The driver of parallel ports cannot be polled and always says that it is ready.
                self.reluctant = Some(Growing::new(Duration::from_millis(1), Duration::from_millis(200)));
            }
            Some(growing) => {
                let next = growing.wait();
                self.wait(PollFlags::empty(), Some(next), pace)?;
            }
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Trouble {
        self.fault("while printing to", error)
    }
}

impl Connection for Line {
    fn begin(&mut self, _: &Pieces, _: Option<&FilePosition>, _: &mut Pace<'_>) -> Result<Start, Trouble> {
        self.sent = 0;
        Ok(Start::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        stream::put(self, chunk, pace)
    }

    fn finish(&mut self, pace: &mut Pace<'_>) -> Result<Delivery, Trouble> {
        if self.is_terminal() {
            self.drained(pace)?;
        } else {
            // A USB printer's driver drops on close what it has not handed over; it is ready when it has.
            while !self.wait(PollFlags::POLLOUT, None, pace)?.contains(PollFlags::POLLOUT) {}
        }
        // The last octet and a hang-up may have come together.
        self.look().map_err(|error| self.fault("while printing to", &error))?;
        self.sent = 0;
        self.carried = true;
        Ok(if self.nature == Nature::Pseudo { Delivery::Transferred } else { Delivery::Sent })
    }

    fn undo(&mut self) -> Undone {
        let touched = self.sent > 0;
        if touched {
            self.forget();
        }
        Undone { touched, usable: !touched }
    }

    fn close(mut self: Box<Self>, _: &mut Pace<'_>) -> Closing {
        if self.nature != Nature::Pseudo || !self.carried {
            return Closing::Clean;
        }
        match self.look() {
            Err(error) => Closing::Reset(Fault::of_device(true, self.path.display(), &error)),
            Ok(()) => Closing::Quiet("a pseudo-terminal does not tell what its other side has read".into()),
        }
    }

    fn watch(&self) -> Option<BorrowedFd<'_>> {
        (self.nature != Nature::Other).then(|| self.file.as_fd())
    }

    fn idle(&mut self) -> Idle {
        if let Err(error) = self.look() {
            return Idle::HungUp(Fault::of_device(self.is_terminal(), self.path.display(), &error).text);
        }
        let named = std::fs::metadata(&self.path).ok();
        if named.is_some_and(|named| (named.dev(), named.ino()) == self.node) {
            return Idle::Quiet;
        }
        Idle::HungUp("the device is another one now, or gone".into())
    }

    fn shared_stream(&self) -> bool {
        true
    }
}
