//! A spool behind a socket.
//!
//! A request that could not be sent completely was not carried out: `Unreachable`. If it was sent and its reply does
//! not come, a request that only looks is also `Unreachable`, and one that changes something is `Unknown`: the server
//! may have done it. After either, the connection is not used again, because a late reply would be taken for that of
//! the next request.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::{Carrier, Reply, Request};
use crate::sys::socket::Deadline;
use crate::wire::frame::{self, Kind};

use super::channel;

/// How long a server may take to answer, unless the request itself waits.
pub const REPLY_DEADLINE: Duration = Duration::from_secs(120);

/// A spool at the other end of a connection.
#[derive(Debug)]
pub struct Remote {
    stream: UnixStream,
    deadline: Duration,
    broken: bool,
}

impl Remote {
    /// A spool behind a connected socket.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, deadline: REPLY_DEADLINE, broken: false }
    }

    /// Sets another time limit for each reply.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends a request and waits for its reply at most `deadline`, and as long as the request itself waits.
    ///
    /// # Errors
    /// As [`Carrier::carry`]; the connection is of no use then, unless the request could not be encoded (`BadValue`).
    pub(super) fn exchange(&self, request: &Request, files: &[OwnedFd], deadline: Duration) -> Result<Reply, Failure> {
        // What cannot be encoded was not sent, and nothing is lost: the connection stays usable.
        let frame = frame::encode(Kind::Request, request, files.len())
            .map_err(|error| Failure::new(FailureKind::BadValue, error.to_string()))?;
        channel::send(&self.stream, &frame, files, Deadline::after(deadline))
            .map_err(|error| Failure::new(FailureKind::Unreachable, format!("cannot reach the server: {error}")))?;
        let until = Deadline::after(deadline.saturating_add(own_wait(request)));
        let lost = |why: String| {
            if only_looks(request) {
                Failure::new(FailureKind::Unreachable, format!("no reply from the server: {why}"))
            } else {
                Failure::new(FailureKind::Unknown, format!("no reply from the server, the outcome is not known: {why}"))
            }
        };
        match channel::receive::<Reply>(&self.stream, Kind::Reply, until, || until) {
            // Do files that come with a reply hurt? No reply has any; they are closed here.
            Ok(Some((reply, _))) => Ok(reply),
            Ok(None) => Err(lost("it closed the connection".into())),
            Err(error) => Err(lost(error.to_string())),
        }
    }
}

impl Carrier for Remote {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        if self.broken {
            return Err(Failure::new(FailureKind::Unreachable, "the connection to the server is lost"));
        }
        let reply = self.exchange(&request, &files, self.deadline);
        self.broken = matches!(&reply, Err(failure) if failure.kind != FailureKind::BadValue);
        reply
    }
}

/// Whether a request changes nothing, so that losing it leaves no doubt.
fn only_looks(request: &Request) -> bool {
    matches!(
        request,
        Request::About { .. }
            | Request::Processes { .. }
            | Request::Process { .. }
            | Request::AwaitOffline { .. }
            | Request::Devices { .. }
            | Request::Device { .. }
            | Request::Locations { .. }
            | Request::ResolveDestination { .. }
            | Request::Jobs { .. }
            | Request::Job { .. }
            | Request::Occurrences { .. }
            | Request::Events { .. }
            | Request::Why { .. }
            | Request::Finished { .. }
    )
}

/// How long the request itself asks to wait.
fn own_wait(request: &Request) -> Duration {
    match request {
        Request::AwaitOffline { timeout_ms, .. } => Duration::from_millis(*timeout_ms),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceName;
    use crate::spool::interface::operations::Operations;
    use std::io::Read;

    fn drain(remote: &mut Remote) -> FailureKind {
        remote.drain_device("lp1".parse::<DeviceName>().unwrap()).unwrap_err().kind
    }

    #[test]
    fn a_request_that_was_not_sent_did_not_happen() {
        let (a, b) = UnixStream::pair().unwrap();
        drop(b);
        assert_eq!(drain(&mut Remote::new(a)), FailureKind::Unreachable);
    }

    #[test]
    fn a_lost_reply_leaves_a_change_unknown_and_a_look_unreachable() {
        for looks in [false, true] {
            let (a, mut b) = UnixStream::pair().unwrap();
            let server = std::thread::spawn(move || b.read(&mut [0; 4096]).unwrap());
            let mut remote = Remote::new(a);
            if looks {
                assert_eq!(remote.about().unwrap_err().kind, FailureKind::Unreachable);
            } else {
                assert_eq!(drain(&mut remote), FailureKind::Unknown);
            }
            assert!(server.join().unwrap() > 0);
            assert_eq!(drain(&mut remote), FailureKind::Unreachable);
        }
    }

    #[test]
    fn a_mute_server_is_not_waited_for_longer_than_the_deadline() {
        let (a, _b) = UnixStream::pair().unwrap();
        let mut remote = Remote::new(a).with_deadline(Duration::from_millis(10));
        assert_eq!(drain(&mut remote), FailureKind::Unknown);
    }
}
