//! Helper threads do work that may hang and cannot be polled: a resolver, a file system that is gone.
//!
//! A helper that takes too long is abandoned: nothing can end it. A device that is retried for days must not leave one
//! behind at every try, so only a few may be out at a time.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::control::AttemptControl;
use super::errors::{Fault, PrintError};
use crate::fastp::process::backoff::GrowingWait;
use crate::model::guardian::DeviceError;
use crate::sys::{files, limits};

/// Stack of a helper.
const STACK: usize = 256 * 1024;

/// The helpers of one device that have not returned. Main keeps them between the threads of the device.
#[derive(Debug, Default)]
pub struct Helpers {
    device: ActiveHelpers,
    documents: ActiveHelpers,
}

/// What a helper works on. One kind does not wait for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelperKind {
    /// The device itself: its name, its node, its configuration.
    Device,
    /// A linked document. The job of one that hangs is held, so the next one may hang too.
    Document,
}

/// Every helper holds one reference more, whatever becomes of it.
#[derive(Debug, Default)]
struct ActiveHelpers(Arc<()>);

impl ActiveHelpers {
    fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl Helpers {
    fn of(&self, kind: HelperKind) -> &ActiveHelpers {
        match kind {
            HelperKind::Device => &self.device,
            HelperKind::Document => &self.documents,
        }
    }

    /// Whether one more helper may start.
    fn admits(&self, kind: HelperKind) -> bool {
        let most = match kind {
            HelperKind::Device => 2,
            HelperKind::Document => 8,
        };
        self.of(kind).count() < most
    }
}

impl AttemptControl<'_> {
    /// Runs `work` on the device in a helper thread, for at most `limit`. Returns none when it took longer, or when
    /// earlier abandoned helpers did not return within that time; the result of an abandoned helper is dropped.
    pub fn in_device_helper<T: Send + 'static>(
        &mut self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, PrintError> {
        self.in_helper(HelperKind::Device, limit, work)
    }

    /// Does the same for either kind of work.
    pub fn in_helper<T: Send + 'static>(
        &mut self,
        kind: HelperKind,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, PrintError> {
        let until = Instant::now() + limit;
        let left = || until.saturating_duration_since(Instant::now());
        let helpers = Arc::clone(&self.context().helpers);
        let mut wait = GrowingWait::new(Duration::from_millis(10), Duration::from_secs(1));
        while !helpers.admits(kind) {
            if left().is_zero() {
                return Ok(None);
            }
            self.pause(wait.wait().min(left()))?;
        }
        let cannot = |error: io::Error| PrintError::Device(Fault::of("cannot start a helper", &error));
        let done = Arc::new(files::event_fd().map_err(cannot)?);
        let (sender, receiver) = mpsc::sync_channel(1);
        let (signal, out) = (Arc::clone(&done), Arc::clone(&helpers.of(kind).0));
        std::thread::Builder::new()
            .name("helper".into())
            .stack_size(STACK)
            .spawn(move || {
                let _out = out;
                let _ = sender.send(work());
                let _ = (&*signal).write(&1u64.to_ne_bytes());
            })
            .map_err(|error| {
                let text = format!("cannot start a helper: {}", limits::no_thread(&error));
                PrintError::Device(Fault::new(DeviceError::OutOfResources, text))
            })?;
        loop {
            match receiver.try_recv() {
                Ok(value) => return Ok(Some(value)),
                Err(mpsc::TryRecvError::Disconnected) => {
                    return Err(PrintError::Device(Fault::new(DeviceError::Other, "a helper died")));
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
        while helpers.admits(HelperKind::Device) {
            away.push(Arc::clone(&helpers.device.0));
            assert!(away.len() < 10);
        }
        assert!(helpers.admits(HelperKind::Document), "another kind does not wait for them");
        away.pop();
        assert!(helpers.admits(HelperKind::Device), "one has come back");
    }
}
