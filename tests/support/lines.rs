//! Printers behind a terminal or a named pipe: they take as many octets as they may, and keep what came.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

#[derive(Default)]
struct State {
    octets: Vec<u8>,
    /// Octets taken so far, those that were fetched away included.
    taken: usize,
    limit: usize,
    over: bool,
}

/// Takes octets out of a descriptor until it may take no more. Dropped, it closes the descriptor.
pub struct Tap {
    shared: Arc<(Mutex<State>, Condvar)>,
    stop: io::PipeWriter,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Takes up to `limit` octets.
    pub fn new(file: File, limit: usize) -> Self {
        let shared = Arc::new((Mutex::new(State { limit, ..State::default() }), Condvar::new()));
        let (stopped, stop) = io::pipe().unwrap();
        let taking = Arc::clone(&shared);
        let thread = Some(std::thread::spawn(move || take(file, &stopped, &taking)));
        Self { shared, stop, thread }
    }

    /// The reader of the FIFO at `path`. It does not see the end when a writer closes: there may be another.
    pub fn fifo(path: &Path, limit: usize) -> Self {
        let file = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
        Self::new(file, limit)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes whatever comes.
    pub fn go_on(&self) {
        self.state().limit = usize::MAX;
        self.shared.1.notify_all();
    }

    /// Takes no more for now.
    pub fn pause(&self) {
        let mut state = self.state();
        state.limit = state.taken;
    }

    /// Takes `n` octets more, waits until they are there, and takes no more.
    #[track_caller]
    pub fn pass(&self, n: usize) {
        let end = Instant::now() + super::DEADLINE;
        let mut state = self.state();
        state.limit = state.taken + n;
        self.shared.1.notify_all();
        while state.taken < state.limit {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {} of {} octets came", state.taken, state.limit);
            state = self.shared.1.wait_timeout(state, left.min(Duration::from_secs(5))).unwrap().0;
        }
    }

    /// Waits until what came satisfies `condition`, and fetches all of it.
    #[track_caller]
    pub fn fetch(&self, condition: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let end = Instant::now() + super::DEADLINE;
        let mut state = self.state();
        while !condition(&state.octets) {
            let left = end.saturating_duration_since(Instant::now());
            let tail = &state.octets[state.octets.len().saturating_sub(100)..];
            assert!(!left.is_zero(), "it did not come; the end is {:?}", String::from_utf8_lossy(tail));
            state = self.shared.1.wait_timeout(state, left.min(Duration::from_secs(5))).unwrap().0;
        }
        std::mem::take(&mut state.octets)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.state().over = true;
        self.shared.1.notify_all();
        let _ = self.stop.write(b"x");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn take(mut file: File, stopped: &io::PipeReader, shared: &(Mutex<State>, Condvar)) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let room = {
            let mut state = shared.0.lock().unwrap();
            while !state.over && state.taken >= state.limit {
                state = shared.1.wait(state).unwrap();
            }
            if state.over {
                return;
            }
            (state.limit - state.taken).min(buffer.len())
        };
        let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::NONE);
        if fds[1].any().unwrap_or(true) {
            return;
        }
        let n = match file.read(&mut buffer[..room]) {
            Ok(n) => n,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Err(_) => return,
        };
        let mut state = shared.0.lock().unwrap();
        state.octets.extend(&buffer[..n]);
        state.taken += n;
        drop(state);
        shared.1.notify_all();
    }
}

/// A terminal with a printer at its other side. Dropped, the line is hung up.
pub struct Terminal {
    pub tap: Tap,
    /// What the printer says is written here.
    pub answers: File,
    /// Kept open, so that the other side outlives those who open the terminal.
    pub slave: OwnedFd,
    pub path: PathBuf,
}

impl Terminal {
    /// A new terminal, also reached by the link `link`, which leads to it from now on.
    pub fn new(link: &Path, limit: usize) -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pty.slave).unwrap();
        // Others may open it: it is refused because it is in use, or not at all.
        nix::sys::stat::fchmod(&pty.slave, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        let fresh = link.with_extension("new");
        symlink(&path, &fresh).unwrap();
        std::fs::rename(&fresh, link).unwrap();
        let master = File::from(pty.master);
        Self { answers: master.try_clone().unwrap(), tap: Tap::new(master, limit), slave: pty.slave, path }
    }
}

/// A FIFO in the directory of `path`.
pub fn make_fifo(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
}
