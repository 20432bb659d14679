//! Wakes a thread that may be waiting for a descriptor: an event descriptor, and the reasons for the wake-up.
//!
//! A wake-up is a level, not a count: however often a thread is woken before it looks, it looks once, at everything.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::files::event_fd;

/// What one thread waits on and other threads signal.
#[derive(Debug)]
pub struct Waker {
    event: File,
    woken: AtomicBool,
    stop: AtomicBool,
    finish: AtomicBool,
}

impl Waker {
    /// Creates a waker that nobody has signalled.
    pub fn new() -> io::Result<Self> {
        let [woken, stop, finish] = [(); 3].map(|()| AtomicBool::new(false));
        Ok(Self { event: event_fd()?, woken, stop, finish })
    }

    /// Tells the thread that something may have changed.
    pub fn wake(&self) {
        // Can this lose a wake-up? No: the only error of an event descriptor is "full", and a full one is readable.
        let _ = (&self.event).write(&1u64.to_ne_bytes());
    }

    /// Tells the thread to end now, in good order.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Tells the thread to end after the running job.
    pub fn finish(&self) {
        self.finish.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Whether the thread must end now.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Whether the thread must end after the running job.
    pub fn finishing(&self) -> bool {
        self.stopping() || self.finish.load(Ordering::SeqCst)
    }

    /// Whether the thread was woken; the wake-up stays pending.
    pub fn was_woken(&self) -> bool {
        self.drain();
        self.woken.load(Ordering::SeqCst)
    }

    /// Whether the thread was woken since the last call; clears the wake-up.
    pub fn take_wake(&self) -> bool {
        self.drain();
        self.woken.swap(false, Ordering::SeqCst)
    }

    fn drain(&self) {
        let mut count = [0u8; 8];
        if matches!((&self.event).read(&mut count), Ok(8)) {
            self.woken.store(true, Ordering::SeqCst);
        }
    }

    /// Waits until the thread is woken, `other` is ready, or `timeout` has passed. A wake-up stays pending until
    /// [`Waker::take_wake`].
    pub fn wait(&self, other: Option<(BorrowedFd<'_>, PollFlags)>, timeout: Option<Duration>) -> io::Result<PollFlags> {
        let mut fds = vec![PollFd::new(self.event.as_fd(), PollFlags::POLLIN)];
        fds.extend(other.map(|(fd, events)| PollFd::new(fd, events)));
        poll_for(&mut fds, timeout)?;
        let ready = fds.get(1).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        self.drain();
        Ok(ready)
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

/// Calls `poll` with a duration, rounded up to the millisecond so that nobody spins through the last fraction of a
/// wait. An interruption counts as a wake-up.
pub fn poll_for(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = match timeout {
        None => PollTimeout::NONE,
        Some(wait) => {
            let ms = i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
            PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX)
        }
    };
    match poll(fds, timeout) {
        Ok(_) | Err(nix::Error::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_seen_once_and_by_whoever_waits() {
        let waker = Waker::new().unwrap();
        assert!(!waker.take_wake());
        waker.wake();
        waker.wake();
        waker.wait(None, None).unwrap();
        assert!(waker.take_wake());
        assert!(!waker.take_wake());
        waker.wait(None, Some(Duration::from_millis(1))).unwrap();
        assert!(!waker.finishing());
        waker.finish();
        assert!(waker.finishing() && !waker.stopping());
        waker.stop();
        assert!(waker.stopping());
    }
}
