//! Waiting for a change of the spool without polling it.
//!
//! A commit writes to the log of the database *before* it can be seen, and closes the write gate after it. So a thread
//! that waits for what a commit changes watches the gate, and looks again when somebody closed it.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::stop::Stop;

/// A watch on a file or directory.
#[derive(Debug)]
pub struct Watch {
    inotify: Inotify,
}

impl Watch {
    /// Watches a file, or the files in a directory, for being closed after writing, created or removed. Start the watch
    /// *before* looking at the state that you wait for.
    pub fn new(path: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        inotify.add_watch(path, AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE)?;
        Ok(Self { inotify })
    }

    /// Waits until something changed or `until` happens, at most `timeout`.
    pub fn wait_until(&self, until: &Stop, timeout: Duration) -> io::Result<()> {
        until.wait_with(Some(&self.inotify), Some(timeout))?;
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
        Ok(())
    }

    /// Waits until something changed, at most `timeout`; returns whether something did.
    pub fn wait(&self, timeout: Duration) -> io::Result<bool> {
        let ms = u16::try_from(timeout.as_millis()).unwrap_or(u16::MAX);
        let mut fds = [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(ms)) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(nix::Error::EINTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
        Ok(true)
    }
}
