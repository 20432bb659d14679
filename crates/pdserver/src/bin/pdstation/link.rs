//! The way to the server: a few sockets, each with one question at a time.
//!
//! They were handed to the server before anything of a stranger was read; no other one can be made. A question that was not answered
//! costs its socket. When the server is gone this process ends.

use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use spoolsuite::client::channel;
use spoolsuite::model::station::{StationReply, StationRequest};
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::sys::socket::Deadline;
use spoolsuite::wire::frame::{self, Kind};

/// How long the server may take to answer: it may have to wait for other servers.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the server.
pub struct Link {
    idle: Mutex<Vec<UnixStream>>,
    free: Condvar,
}

fn lost(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("the server does not answer: {error}"))
}

impl Link {
    /// The way over these sockets.
    pub fn new(channels: Vec<UnixStream>) -> Self {
        Self { idle: Mutex::new(channels), free: Condvar::new() }
    }

    /// Asks the server.
    ///
    /// # Errors
    /// When it does not answer, or could not do it.
    pub fn ask(&self, request: &StationRequest) -> Result<StationReply, Failure> {
        let channel = {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let wait = self.free.wait_timeout_while(idle, PATIENCE, |idle| idle.is_empty());
            wait.unwrap_or_else(PoisonError::into_inner).0.pop().ok_or_else(|| lost("too many wait for it"))?
        };
        let reply = exchange(&channel, request)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
        self.free.notify_one();
        match reply {
            StationReply::Failed(failure) => Err(failure),
            reply => Ok(reply),
        }
    }
}

fn exchange(channel: &UnixStream, request: &StationRequest) -> Result<StationReply, Failure> {
    let frame = frame::encode(Kind::Request, request, 0).map_err(lost)?;
    channel::send(channel, &frame, &[], Deadline::after(PATIENCE)).map_err(lost)?;
    let until = Deadline::after(PATIENCE);
    match channel::receive::<StationReply>(channel, Kind::Reply, until, || until) {
        Ok(Some((reply, _))) => Ok(reply),
        Ok(None) => Err(lost("it has closed the connection")),
        Err(error) => Err(lost(error)),
    }
}
