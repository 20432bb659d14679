//! Named pipes: opening one for writing waits in the kernel until a program reads it.
//!
//! Can we wait for a reader without a thread? No: a reader that waits in `open` itself causes no inotify event before a
//! writer comes, and holding a read end of ours would make every other writer believe that it is read.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::thread::JoinHandleExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::stat::Mode;

use super::files::event_fd;

/// Sent to a thread that waits in `open`. Anywhere else it is ignored, as it is by default.
const INTERRUPT: Signal = Signal::SIGURG;
/// How often we interrupt a thread before we leave it alone.
const CALLS: u32 = 200;

extern "C" fn nothing(_: libc::c_int) {}

fn listen_to_interrupts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler does nothing; without SA_RESTART a system call that waits returns EINTR.
        let _ = unsafe { sigaction(INTERRUPT, &action) };
    });
}

/// A FIFO that is being opened for writing. Dropping it stops the waiting: no thread stays in the kernel that would
/// open the pipe, and close it again, under a reader that comes later.
#[derive(Debug)]
pub struct PendingOpen {
    done: Arc<File>,
    receiver: mpsc::Receiver<io::Result<File>>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl PendingOpen {
    /// Begins to open `path`, which must be a FIFO.
    pub fn begin(path: &Path) -> io::Result<Self> {
        listen_to_interrupts();
        let done = Arc::new(event_fd()?);
        let over = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::sync_channel(1);
        let (path, signal, stopped) = (path.to_path_buf(), Arc::clone(&done), Arc::clone(&over));
        let thread = std::thread::Builder::new().name("fifo".into()).stack_size(64 * 1024).spawn(move || {
            let _ = sender.send(open_write(&path, &stopped));
            let _ = (&*signal).write(&1u64.to_ne_bytes());
        })?;
        Ok(Self { done, receiver, over, thread })
    }

    /// Returns the open, non-blocking pipe, or why it cannot be opened; none = it still waits for a reader.
    pub fn result(&self) -> Option<io::Result<File>> {
        self.receiver.try_recv().ok()
    }

    /// Stops waiting; a reader that came at the last moment is not turned away.
    pub fn give_up(self) -> Option<File> {
        self.call_back()?.ok()
    }

    fn call_back(&self) -> Option<io::Result<File>> {
        self.over.store(true, Ordering::SeqCst);
        for _ in 0..CALLS {
            // Can the signal come before the thread waits, and be lost? Yes, so it is sent again until the thread
            // answers.
            if !self.thread.is_finished() {
                // SAFETY: the thread was not joined or detached, so its handle is valid.
                unsafe { libc::pthread_kill(self.thread.as_pthread_t(), INTERRUPT as libc::c_int) };
            }
            match self.receiver.recv_timeout(Duration::from_millis(1)) {
                Ok(result) => return Some(result),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        None
    }
}

impl AsFd for PendingOpen {
    /// Readable when there is a result.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }
}

impl Drop for PendingOpen {
    fn drop(&mut self) {
        if !self.thread.is_finished() {
            self.call_back();
        }
    }
}

fn open_write(path: &Path, over: &AtomicBool) -> io::Result<File> {
    loop {
        if over.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOCTTY, Mode::empty()) {
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(fd) => {
                let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
                fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
                return Ok(File::from(fd));
            }
        }
    }
}

/// Returns how many octets of a pipe its reader has not read yet.
pub fn unread(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut octets: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the address given, which is valid for that.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut octets) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(u32::try_from(octets).unwrap_or(0)) }
}

/// Tells whether a read would return at once: something is there, or nothing will come any more. A file on disk always
/// answers so.
pub fn has_more(fd: impl AsFd) -> bool {
    match poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) {
        Ok(ready) => ready > 0,
        // Who cannot tell does not wait for an answer.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn fifo() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        (dir, path)
    }

    fn reads(path: &Path) -> JoinHandle<Vec<u8>> {
        let path = path.to_path_buf();
        std::thread::spawn(move || {
            let mut octets = Vec::new();
            File::open(path).unwrap().read_to_end(&mut octets).unwrap();
            octets
        })
    }

    #[test]
    fn a_pipe_opens_when_a_program_reads_it_and_tells_what_it_has_not_read() {
        let (_dir, path) = fifo();
        let opening = PendingOpen::begin(&path).unwrap();
        assert!(opening.result().is_none());
        let reader = reads(&path);
        let mut file = opening.receiver.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
        file.write_all(b"hello").unwrap();
        drop(file);
        assert_eq!(reader.join().unwrap(), b"hello");

        let mut reader = File::options().read(true).write(true).open(&path).unwrap();
        let opening = PendingOpen::begin(&path).unwrap();
        let mut file = opening.receiver.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
        file.write_all(b"hello").unwrap();
        assert_eq!(unread(file.as_fd()).unwrap(), 5);
        reader.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(unread(file.as_fd()).unwrap(), 0);
    }

    #[test]
    fn who_gives_up_leaves_nobody_waiting_for_a_reader() {
        let (_dir, path) = fifo();
        for _ in 0..20 {
            assert!(PendingOpen::begin(&path).unwrap().give_up().is_none());
            drop(PendingOpen::begin(&path).unwrap());
        }
        // A writer that still waited would be seen: without one a reader that does not block reads the end at once.
        let mut reader =
            std::os::unix::fs::OpenOptionsExt::custom_flags(File::options().read(true), libc::O_NONBLOCK).open(&path);
        let mut octet = [0];
        assert_eq!(reader.as_mut().unwrap().read(&mut octet).unwrap(), 0);
    }

    #[test]
    fn what_cannot_be_opened_says_so() {
        let opening = PendingOpen::begin(Path::new("/nonexistent/fifo")).unwrap();
        let error = opening.receiver.recv_timeout(Duration::from_secs(20)).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
