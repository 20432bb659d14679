//! Ending a read of another thread that waits for octets which may never come.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::files::event_fd;

/// Something that happens once, and that other threads wait for.
#[derive(Debug)]
pub struct Stop {
    is_set: AtomicBool,
    bell: File,
}

impl Stop {
    /// Makes one that has not happened.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { is_set: AtomicBool::new(false), bell: event_fd()? })
    }

    /// It happens.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        // Only a bell that rings already takes no further ring.
        let _ = (&self.bell).write_all(&1u64.to_ne_bytes());
    }

    /// Tells whether it has happened.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Waits until it happens, or `source` can be read, or `timeout` is over; without a `timeout` as long as it takes.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn wait_with(&self, source: Option<&dyn AsFd>, timeout: Option<Duration>) -> io::Result<()> {
        let mut waited: Vec<PollFd<'_>> = vec![PollFd::new(self.bell.as_fd(), PollFlags::POLLIN)];
        waited.extend(source.map(|source| PollFd::new(source.as_fd(), PollFlags::POLLIN)));
        let ms = timeout
            .map_or(PollTimeout::NONE, |time| PollTimeout::from(u16::try_from(time.as_millis()).unwrap_or(u16::MAX)));
        match poll(&mut waited, ms) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A file that is read until it is told to stop. Then reading fails with [`io::ErrorKind::Other`].
#[derive(Debug)]
pub struct Stoppable<'a> {
    /// The file.
    pub source: &'a File,
    /// What ends the reading; without it, only the file does.
    pub until: Option<&'a Stop>,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(until) = self.until {
            until.wait_with(Some(self.source), None)?;
            if until.is_set() {
                return Err(io::Error::other("its reader was told to stop"));
            }
        }
        (&mut &*self.source).read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_waits_for_octets_ends_when_it_is_told_to_stop() {
        let (reader, mut writer) = io::pipe().unwrap();
        let reader = File::from(std::os::fd::OwnedFd::from(reader));
        let until = Stop::new().unwrap();
        let mut buffer = [0; 8];
        writer.write_all(b"ab").unwrap();
        let mut source = Stoppable { source: &reader, until: Some(&until) };
        assert_eq!(source.read(&mut buffer).unwrap(), 2);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| Stoppable { source: &reader, until: Some(&until) }.read(&mut [0; 8]));
            until.set();
            assert_eq!(waits.join().unwrap().unwrap_err().kind(), io::ErrorKind::Other);
        });
        assert!(until.is_set());
    }
}
