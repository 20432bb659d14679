//! SIGTERM and SIGINT end the print process in good order, and so does the end of its processor time: SIGXCPU, or the
//! SIGPROF that [`crate::sys::limits`] has sent a little earlier, while there is time to say why.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::poll::PollFlags;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::waker::Waker;
use crate::model::Failure;

/// Blocks the terminating signals, so that only the thread that waits for them receives them. Must be called before
/// other threads start.
pub fn block_signals() -> Result<(), Failure> {
    mask().thread_block().map_err(|error| Failure::internal(format_args!("blocking signals: {error}")))
}

fn mask() -> SigSet {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTERM);
    mask.add(Signal::SIGINT);
    mask.add(Signal::SIGXCPU);
    mask.add(Signal::SIGPROF);
    mask
}

/// Stops a waker's owner on SIGTERM or SIGINT.
pub(super) struct Signals {
    quit: Arc<Waker>,
    /// Whether the processor time is used up.
    pub(super) time_used_up: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    pub(super) fn listen(waker: &Arc<Waker>) -> io::Result<Self> {
        let source = SignalFd::with_flags(&mask(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let quit = Arc::new(Waker::new()?);
        let (told, quitting) = (Arc::clone(waker), Arc::clone(&quit));
        let time_used_up = Arc::new(AtomicBool::new(false));
        let no_time = Arc::clone(&time_used_up);
        let thread = std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(move || {
            while !quitting.stopping() {
                if quitting.wait(Some((source.as_fd(), PollFlags::POLLIN)), None).is_err() {
                    break;
                }
                if let Ok(Some(signal)) = source.read_signal() {
                    let of_time = [Signal::SIGXCPU, Signal::SIGPROF].map(|signal| signal as u32);
                    no_time.fetch_or(of_time.contains(&signal.ssi_signo), Ordering::SeqCst);
                    told.stop();
                }
            }
        })?;
        Ok(Self { quit, time_used_up, thread: Some(thread) })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.quit.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
