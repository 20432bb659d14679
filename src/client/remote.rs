//! A spool behind a socket.
//!
//! A request that could not be sent completely was not carried out: `Unreachable`. If it was sent and its reply does
//! not come, a request that only looks is also `Unreachable`, and one that changes something is `Unknown`: the server
//! may have done it. After either, the connection is not used again, because a late reply would be taken for that of
//! the next request.
//!
//! The hello goes out when the connection is made, and the server's is read after the first request was sent: that costs no
//! time of its own. A server that does not agree has not read the request.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::{Carrier, Reply, Request};
use crate::sys::socket::{self, Deadline};
use crate::wire::frame::{self, FrameError, Kind};

use super::channel::{self, ChannelError};
use super::hello;

/// How long the hello may take to be sent. It fits into the buffer of a new connection, and waits for nobody.
const HELLO: Duration = Duration::from_secs(1);
/// How long a server may take to answer, unless the request itself waits.
pub const REPLY_DEADLINE: Duration = Duration::from_secs(120);

/// A spool at the other end of a connection.
pub struct Remote {
    stream: UnixStream,
    deadline: Duration,
    broken: bool,
    /// Whether the server's hello was read and agrees.
    greeted: Cell<bool>,
    /// Whether the server's hello says that it does not serve us.
    refused: Cell<bool>,
    /// What is done when a change has not been answered for so long.
    slow: Option<(Duration, Box<dyn Fn() + Send>)>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("stream", &self.stream).field("broken", &self.broken).finish_non_exhaustive()
    }
}

impl Remote {
    /// A spool behind a connected socket. Says hello; a server that is gone is noticed by the first request.
    pub fn new(stream: UnixStream) -> Self {
        let broken = hello::say(&stream, &hello::ours(), Deadline::after(HELLO)).is_err();
        Self {
            stream,
            deadline: REPLY_DEADLINE,
            broken,
            greeted: Cell::new(false),
            refused: Cell::new(false),
            slow: None,
        }
    }

    /// Sets another time limit for each reply.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Has `tell` called when a change has not been answered after `after`.
    #[must_use]
    pub fn telling(mut self, after: Duration, tell: Box<dyn Fn() + Send>) -> Self {
        self.slow = Some((after, tell));
        self
    }

    /// Sends a request and waits for its reply at most `deadline`, and as long as the request itself waits.
    ///
    /// # Errors
    /// As [`Carrier::carry`]; the connection is of no use then, unless the request could not be encoded (`BadValue`).
    pub(super) fn exchange(&self, request: &Request, files: &[OwnedFd], deadline: Duration) -> Result<Reply, Failure> {
        if self.broken {
            let lost = || Failure::new(FailureKind::Unreachable, "the connection to the server is lost");
            return Err(self.refusal().unwrap_or_else(lost));
        }
        // What cannot be encoded was not sent, and nothing is lost: the connection stays usable.
        let frame = frame::encode(Kind::Request, request, files.len())
            .map_err(|error| Failure::new(FailureKind::BadValue, error.to_string()))?;
        channel::send(&self.stream, &frame, files, Deadline::after(deadline)).map_err(|error| {
            let lost = || Failure::new(FailureKind::Unreachable, format!("cannot reach the server: {error}"));
            self.refusal().unwrap_or_else(lost)
        })?;
        let until = Deadline::after(deadline.saturating_add(request.own_wait()));
        let lost = |why: String| {
            if request.effect().only_looks() {
                Failure::new(FailureKind::Unreachable, format!("no reply from the server: {why}"))
            } else {
                Failure::new(FailureKind::Unknown, format!("no reply from the server, the outcome is not known: {why}"))
            }
        };
        if let Some((after, tell)) = self.slow.as_ref().filter(|slow| slow.0 < deadline)
            && !request.effect().only_looks()
            && !socket::is_readable_within(&self.stream, *after)
        {
            tell();
        }
        if !self.greeted.get() {
            self.greet(until, lost)?;
        }
        match channel::receive::<Reply>(&self.stream, Kind::Reply, until, || until) {
            // Do files that come with a reply hurt? No reply has any; they are closed here.
            Ok(Some((reply, _))) => Ok(reply),
            Ok(None) => Err(lost("it closed the connection".into())),
            Err(error) => Err(lost(error.to_string())),
        }
    }

    /// Whether the server has said that it does not serve us: asking again leads to the same.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.get()
    }

    /// What a server said that closed the connection before it heard us: it serves too many, or ends.
    fn refusal(&self) -> Option<Failure> {
        if self.greeted.get() {
            return None;
        }
        let theirs = hello::hear(&self.stream, Deadline::after(HELLO)).ok()??;
        let refusal = theirs.refusal?;
        self.refused.set(true);
        Some(Failure::new(FailureKind::Unreachable, refusal))
    }

    /// Reads the server's hello. `lost` tells what is true of the request that was sent before.
    fn greet(&self, until: Deadline, lost: impl Fn(String) -> Failure) -> Result<(), Failure> {
        let refused = |why: String| {
            self.refused.set(true);
            Failure::new(FailureKind::Unreachable, why)
        };
        match hello::hear(&self.stream, until) {
            Ok(Some(theirs)) => match (hello::ours().judge(&theirs, "the server"), theirs.refusal) {
                (Ok(()), None) => {
                    self.greeted.set(true);
                    Ok(())
                }
                // A server that refuses reads no request.
                (Err(why), Some(_)) | (Ok(()), Some(why)) => Err(refused(why)),
                // It goes on though we do not agree, so it may have carried the request out.
                (Err(why), None) => Err(lost(why)),
            },
            // A server without a hello does not understand ours, and closes the connection before it reads the request.
            Err(ChannelError::Frame(FrameError::Kind(_))) => Err(refused(
                "the server is older: it speaks a protocol without a hello; end it and start the new one".into(),
            )),
            // The same for another version of the frame.
            Err(ChannelError::Frame(error @ (FrameError::Version(_) | FrameError::Foreign))) => {
                Err(refused(error.to_string()))
            }
            Ok(None) => Err(lost("it closed the connection".into())),
            Err(error) => Err(lost(error.to_string())),
        }
    }
}

impl Carrier for Remote {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let reply = self.exchange(&request, &files, self.deadline);
        self.broken = matches!(&reply, Err(failure) if failure.kind != FailureKind::BadValue);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceName;
    use crate::spool::interface::operations::Operations;
    use crate::wire::hello::Hello;

    fn drain(remote: &mut Remote) -> FailureKind {
        remote.drain_device("lp1".parse::<DeviceName>().unwrap()).unwrap_err().kind
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    /// What a change is answered by a server that begins with these octets, and closes.
    fn answered(octets: Vec<u8>) -> Failure {
        let (a, b) = UnixStream::pair().unwrap();
        channel::send(&b, &octets, &[], soon()).unwrap();
        b.shutdown(std::net::Shutdown::Write).unwrap();
        Remote::new(a).drain_spooler().unwrap_err()
    }

    fn hello_frame(release: &str, schema: i64, refusal: Option<&str>) -> Vec<u8> {
        let hello = Hello { refusal: refusal.map(str::to_owned), ..Hello::new(release, schema) };
        frame::encode(Kind::Hello, &hello, 0).unwrap()
    }

    #[test]
    fn a_server_of_another_release_is_named_in_words_and_has_done_nothing() {
        let ours = hello::ours();
        for (release, schema, word) in [("99.0.0", ours.schema, "newer"), (&*ours.release, ours.schema - 1, "older")] {
            let failure = answered(hello_frame(release, schema, Some("the client does not suit")));
            assert_eq!(failure.kind, FailureKind::Unreachable);
            let words = format!("the server is {word}: release {release} with schema {schema}");
            assert!(failure.message.starts_with(&words), "{failure}");
        }
        let failure = answered(hello_frame(&ours.release, ours.schema, Some("go away")));
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Unreachable, "go away"));
    }

    #[test]
    fn a_server_that_goes_on_though_we_do_not_agree_may_have_done_it() {
        let failure = answered(hello_frame("99.0.0", 1, None));
        assert_eq!(failure.kind, FailureKind::Unknown);
        assert!(failure.message.contains("the server is newer"), "{failure}");
    }

    #[test]
    fn a_server_without_a_hello_is_called_older() {
        let refusal = Reply::Failed(Failure::new(FailureKind::BadValue, "a message of kind 3 is not expected here"));
        let failure = answered(frame::encode(Kind::Reply, &refusal, 0).unwrap());
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert!(failure.message.contains("the server is older"), "{failure}");
    }

    #[test]
    fn a_malformed_hello_leaves_a_change_unknown_and_a_strange_one_is_no_server_of_ours() {
        let mut bad = frame::Header { kind: Kind::Hello, files: 0, length: 2 }.encode().to_vec();
        bad.extend(b"[]");
        assert_eq!(answered(bad).kind, FailureKind::Unknown);
        assert_eq!(answered(b"HTTP/1.1 400 Bad Request\r\n".to_vec()).kind, FailureKind::Unreachable);
        let long = frame::Header { kind: Kind::Hello, files: 0, length: 1 << 20 }.encode().to_vec();
        assert!(answered(long).message.contains("at most 4096"));
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
            let (a, b) = UnixStream::pair().unwrap();
            let server = std::thread::spawn(move || {
                hello::answer(&b, &hello::ours(), soon()).unwrap();
                channel::receive::<Request>(&b, Kind::Request, soon(), soon).unwrap().is_some()
            });
            let mut remote = Remote::new(a);
            if looks {
                assert_eq!(remote.about().unwrap_err().kind, FailureKind::Unreachable);
            } else {
                assert_eq!(drain(&mut remote), FailureKind::Unknown);
            }
            assert!(server.join().unwrap());
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
