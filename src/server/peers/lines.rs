//! Connections to other servers that are used again: to prove who both ends are costs more than most questions.
//!
//! States of a connection: in use → idle, when its last exchange was whole → in use again, or closed after a few seconds. One that is
//! used again is still that of a member with the same certificate, and not older than a minute, for certificates end. The other side
//! may have closed it in that moment: then what may be asked twice is asked once more on a new one.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::peer::PeerStream;
use crate::model::{Failure, ServerName};
use crate::wire::peer::{PeerError, PeerReply, PeerRequest};

use super::claims::unanswered;
use super::{Peers, frames};

/// Connections to one server that are kept while nobody uses them.
const MOST: usize = 8;
/// For how long: less than the other side waits for a question.
const KEPT: Duration = Duration::from_secs(5);

/// How old a connection may be that is used again.
const OLDEST: Duration = Duration::from_secs(60);

/// A connection, and what proved its other end when it was made.
struct Line {
    stream: Box<dyn PeerStream>,
    proof: Option<String>,
    made: Instant,
    /// Since when nobody uses it.
    since: Instant,
}

impl Line {
    fn is_of_use(&mut self, proof: Option<&String>, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < KEPT
            && now.saturating_duration_since(self.made) < OLDEST
            && proof.is_some()
            && self.proof.as_ref() == proof
            && self.stream.is_at_rest()
    }
}

/// The connections that nobody uses now.
#[derive(Default)]
pub(super) struct Idle(Mutex<HashMap<ServerName, Vec<Line>>>);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, HashMap<ServerName, Vec<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, server: &ServerName, line: Line) {
        let mut all = self.lock();
        let of_server = all.entry(server.clone()).or_default();
        if of_server.len() < MOST {
            of_server.push(line);
        }
    }

    /// The one that was used last: the others come to their end.
    fn take(&self, server: &ServerName) -> Option<Line> {
        self.lock().get_mut(server)?.pop()
    }

    /// Closes those that were not used for long.
    pub fn sweep(&self) {
        let now = Instant::now();
        let mut all = self.lock();
        all.values_mut().for_each(|lines| lines.retain(|line| now.saturating_duration_since(line.since) < KEPT));
        all.retain(|_, lines| !lines.is_empty());
    }

    /// Closes all.
    pub fn clear(&self) {
        self.lock().clear();
    }
}

/// A connection in use to a server that has proved who it is. Dropped, it is closed.
pub(super) struct Reached<'a> {
    peers: &'a Peers,
    server: ServerName,
    patience: Duration,
    line: Line,
    /// Whether it was idle, and nothing has come over it since.
    was_idle: bool,
}

impl Peers {
    /// A connection to `server`, each step of which may take `patience`.
    ///
    /// # Errors
    /// When the server is not reached, which names it.
    pub(super) fn reach(&self, server: &ServerName, patience: Duration) -> Result<Reached<'_>, Failure> {
        let proof = self.inner.dial.proof(server)?;
        let now = Instant::now();
        while let Some(mut line) = self.inner.idle.take(server) {
            if line.is_of_use(proof.as_ref(), now) && line.stream.set_patience(patience).is_ok() {
                return Ok(Reached { peers: self, server: server.clone(), patience, line, was_idle: true });
            }
        }
        let line = self.dial(server, patience, proof)?;
        Ok(Reached { peers: self, server: server.clone(), patience, line, was_idle: false })
    }

    /// The same over a connection that nobody has used: for what may not be asked twice.
    ///
    /// # Errors
    /// As [`Peers::reach`].
    pub(super) fn reach_anew(&self, server: &ServerName, patience: Duration) -> Result<Reached<'_>, Failure> {
        let line = self.dial(server, patience, self.inner.dial.proof(server)?)?;
        Ok(Reached { peers: self, server: server.clone(), patience, line, was_idle: false })
    }

    fn dial(&self, server: &ServerName, patience: Duration, proof: Option<String>) -> Result<Line, Failure> {
        let mut stream = self.inner.dial.dial(server, patience).map_err(|failure| of_server(server, failure))?;
        stream.set_patience(patience).map_err(|error| unanswered(server, &error))?;
        let now = Instant::now();
        Ok(Line { stream, proof, made: now, since: now })
    }
}

impl Reached<'_> {
    /// The connection itself.
    pub fn stream(&mut self) -> &mut dyn PeerStream {
        self.was_idle = false;
        self.line.stream.as_mut()
    }

    /// What proved its other end.
    pub fn proof(&self) -> Option<&String> {
        self.line.proof.as_ref()
    }

    /// Begins an exchange with `step`, which is done once more on a new connection when an idle one had just been closed. Nobody
    /// knows then whether the other side has read it: it does no harm twice.
    ///
    /// # Errors
    /// When no new connection is made. The inner error is that of the exchange.
    pub fn begin<T>(&mut self, step: impl Fn(&mut dyn PeerStream) -> io::Result<T>) -> Result<io::Result<T>, Failure> {
        let was_idle = self.was_idle;
        match step(self.stream()) {
            Err(error) if was_idle && is_closed(&error) => {
                let proof = self.peers.inner.dial.proof(&self.server)?;
                self.line = self.peers.dial(&self.server, self.patience, proof)?;
                Ok(step(self.stream()))
            }
            done => Ok(done),
        }
    }

    /// Asks for something that may be asked twice, and reads the reply, which may say no.
    ///
    /// # Errors
    /// When there is no reply. The inner one is that the request is too long; nothing was sent then.
    pub fn ask(&mut self, request: &PeerRequest) -> Result<Result<PeerReply, PeerError>, Failure> {
        let server = self.server.clone();
        self.begin(|stream| frames::ask_of_one(stream, request))?.map_err(|error| unanswered(&server, &error))
    }

    /// Says that all that was asked over it is answered: somebody else may use it.
    pub fn keep(mut self) {
        if !self.peers.is_over() && self.line.stream.is_at_rest() {
            self.line.since = Instant::now();
            self.peers.inner.idle.keep(&self.server, self.line);
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// A failure of a connection, which may name an address alone, or a cause: whoever reads it wants to know which server it was.
fn of_server(server: &ServerName, failure: Failure) -> Failure {
    let names = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case(server.as_str());
    let message = match failure.message.split_whitespace().any(names) {
        true => failure.message,
        false => format!("server {server}: {}", failure.message),
    };
    Failure { message, ..failure }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::client::peer::Dial;
    use crate::server::Log;
    use crate::server::peers::script::Script;
    use crate::server::peers::{STEP, Terms};
    use crate::spool::Nobody;
    use crate::spool::testing::{Site, name};
    use crate::wire::peer::{Kind, encode};

    /// A server: how many replies each connection to it brings, how many were made, and what proves it.
    #[derive(Default)]
    struct Other {
        replies: Mutex<VecDeque<usize>>,
        made: AtomicUsize,
        proof: Mutex<String>,
    }

    impl Dial for Arc<Other> {
        fn dial(&self, _: &ServerName, _: Duration) -> Result<Box<dyn PeerStream>, Failure> {
            self.made.fetch_add(1, Ordering::Relaxed);
            let replies = self.replies.lock().unwrap().pop_front();
            let replies = replies.ok_or_else(|| Failure::new(crate::model::FailureKind::Unreachable, "refused"))?;
            let one = encode(Kind::Reply, &PeerReply::Done).unwrap();
            Ok(Box::new(Script::of(one.repeat(replies))))
        }
        fn servers(&self) -> Vec<ServerName> {
            vec![name("acme2")]
        }
        fn proof(&self, _: &ServerName) -> Result<Option<String>, Failure> {
            Ok(Some(self.proof.lock().unwrap().clone()))
        }
    }

    #[test]
    fn a_connection_is_used_again_while_its_proof_holds_and_once_more_on_a_new_one_when_it_was_closed() {
        let site = Site::empty();
        let other = Arc::new(Other::default());
        other.replies.lock().unwrap().extend([2, 1, 3]);
        let log: Log = Arc::new(|_: &str| {});
        let peers =
            Peers::new(site.spool.clone(), Arc::new(Nobody), Arc::new(Arc::clone(&other)), log, Terms::default());
        let ask = || peers.ask_one(&name("acme2"), &PeerRequest::Hello, STEP);
        let made = || other.made.load(Ordering::Relaxed);
        assert!(matches!(ask(), Ok(PeerReply::Done)) && matches!(ask(), Ok(PeerReply::Done)));
        assert_eq!(made(), 1);
        // The other side has closed it: nobody notices.
        assert!(matches!(ask(), Ok(PeerReply::Done)));
        assert_eq!(made(), 2);
        // Another certificate is another connection.
        *other.proof.lock().unwrap() = "renewed".into();
        assert!(matches!(ask(), Ok(PeerReply::Done)));
        assert_eq!(made(), 3);
        // One that somebody has is nobody else's.
        let taken = peers.reach(&name("acme2"), STEP).unwrap();
        let refused = ask().unwrap_err();
        assert_eq!((made(), refused.message.as_str()), (4, "server acme2: refused"));
        taken.keep();
        assert!(ask().is_ok());
        peers.inner.idle.clear();
        assert!(ask().is_err());
    }
}
