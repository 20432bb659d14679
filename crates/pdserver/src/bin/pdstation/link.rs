//! The way to the server: a few channels, each with one question at a time.
//!
//! Their control socket was handed to the server before anything of a stranger was read. When the server is gone this process ends.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use spoolsuite::client::channels::Channels;
use spoolsuite::model::Failure;
use spoolsuite::model::station::{StationReply, StationRequest};

/// Questions to the server at a time.
pub const MOST: usize = 8;
/// How long the server may take to answer, as it may have to wait for other servers; and how long a question may wait for others.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the server.
pub struct Link(Channels);

impl Link {
    /// The way over this control socket.
    pub fn new(control: UnixStream) -> Self {
        Self(Channels::new(control, MOST, PATIENCE, PATIENCE))
    }

    /// Asks the server.
    ///
    /// # Errors
    /// When it does not answer, or could not do it.
    pub fn ask(&self, request: &StationRequest) -> Result<StationReply, Failure> {
        match self.0.ask(request, &[])?.0 {
            StationReply::Failed(failure) => Err(failure),
            reply => Ok(reply),
        }
    }
}
