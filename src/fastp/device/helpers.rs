//! Work that may hang where nothing can be polled (a resolver, a file system that is gone) is done by a helper thread.
//!
//! A helper that takes too long is abandoned: nothing can end it. So that a device that is tried again for days does not
//! leave one behind at every try, a further one is not started before an earlier one has come back.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::control::Pace;
use super::errors::{Fault, Trouble};
use crate::fastp::process::backoff::Growing;
use crate::model::guardian::DeviceError;
use crate::sys::files;

/// Stack of a helper.
const STACK: usize = 256 * 1024;

/// The helpers of one device that have not come back. Main keeps them between the threads of the device.
#[derive(Debug, Default)]
pub struct Helpers {
    device: Out,
    documents: Out,
}

/// What a helper is sent for. One kind does not wait for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// The device itself: its name, its node, its configuration.
    Device,
    /// A linked document. The job of one that hangs is held, so that the next may hang too.
    Document,
}

/// Every helper holds one more reference, whatever becomes of it.
#[derive(Debug, Default)]
struct Out(Arc<()>);

impl Out {
    fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl Helpers {
    fn of(&self, errand: Errand) -> &Out {
        match errand {
            Errand::Device => &self.device,
            Errand::Document => &self.documents,
        }
    }

    /// Whether one more may be sent.
    fn admits(&self, errand: Errand) -> bool {
        let most = match errand {
            Errand::Device => 2,
            Errand::Document => 8,
        };
        self.of(errand).count() < most
    }
}

impl Pace<'_> {
    /// Has `work` done by a helper thread, for at most `limit`. None when it took longer, or when helpers that were
    /// abandoned before it did not come back in that time: what they come back with is dropped.
    ///
    /// # Errors
    /// The trouble that ends the attempt.
    pub fn apart<T: Send + 'static>(
        &mut self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Trouble> {
        self.send_for(Errand::Device, limit, work)
    }

    /// The same for any errand.
    ///
    /// # Errors
    /// As [`Pace::apart`].
    pub fn send_for<T: Send + 'static>(
        &mut self,
        errand: Errand,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Trouble> {
        let until = Instant::now() + limit;
        let left = || until.saturating_duration_since(Instant::now());
        let helpers = Arc::clone(&self.desk().helpers);
        let mut wait = Growing::new(Duration::from_millis(10), Duration::from_secs(1));
        while !helpers.admits(errand) {
            if left().is_zero() {
                return Ok(None);
            }
            self.rest(wait.wait().min(left()))?;
        }
        let cannot = |error: io::Error| Trouble::Device(Fault::of("cannot start a helper", &error));
        let done = Arc::new(files::event_fd().map_err(cannot)?);
        let (sender, receiver) = mpsc::sync_channel(1);
        let (signal, out) = (Arc::clone(&done), Arc::clone(&helpers.of(errand).0));
        std::thread::Builder::new()
            .name("helper".into())
            .stack_size(STACK)
            .spawn(move || {
                let _out = out;
                let _ = sender.send(work());
                let _ = (&*signal).write(&1u64.to_ne_bytes());
            })
            .map_err(cannot)?;
        loop {
            match receiver.try_recv() {
                Ok(value) => return Ok(Some(value)),
                Err(mpsc::TryRecvError::Disconnected) => {
                    return Err(Trouble::Device(Fault::new(DeviceError::Other, "a helper died")));
                }
                Err(mpsc::TryRecvError::Empty) => {}
            }
            if left().is_zero() {
                return Ok(None);
            }
            self.wait(done.as_fd(), PollFlags::POLLIN, Some(left()))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_that_do_not_come_back_are_not_followed_without_end() {
        let helpers = Helpers::default();
        let mut away = Vec::new();
        while helpers.admits(Errand::Device) {
            away.push(Arc::clone(&helpers.device.0));
            assert!(away.len() < 10);
        }
        assert!(helpers.admits(Errand::Document), "another errand does not wait for them");
        away.pop();
        assert!(helpers.admits(Errand::Device), "one has come back");
    }
}
