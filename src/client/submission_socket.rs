//! How a submission travels: to the submission socket, where a running print process accepts it, or into the spool
//! directly.
//!
//! The client trusts the print process only when it says yes. Whatever else happens (nobody listens, nobody answers, a
//! refusal, a lost connection), the submission goes into the spool as if there were no submission socket, with the same
//! token: a token makes one job, whoever brings it and however often. So a refusal always has the words of the spool,
//! and a submission whose outcome is unknown becomes known when it is handed in again.
//!
//! States: connected → first question answered → submitted. Nothing is handed in before an answer came on the same
//! connection: a print process that was stopped or is just ending costs a little time and leaves no doubt.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, lseek};

use super::Remote;
use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request, answer};
use crate::sys::circumstances::Circumstances;
use crate::sys::{files, socket};

/// How long the print process may take to answer a question.
pub const FIRST_ANSWER: Duration = Duration::from_secs(1);
/// How long it may take to accept a submission. Is that too short for a slow disk? Then we use the spool directly,
/// which waits for the same disk: we lose time, and nothing else.
const ACCEPTANCE: Duration = Duration::from_secs(10);
/// After so long the user is told for whom he waits.
const TELLS_AFTER: Duration = Duration::from_secs(1);
/// Octets that the documents of a submission may have together. Copying more takes longer than opening the spool, and
/// whoever interrupts `pdpr` meanwhile means that nothing is printed.
pub const MOST_OCTETS: u64 = 4 << 20;

/// Whether a print process would have better circumstances if we started it. Then the spool is used directly, which puts
/// another one in its place if it is idle.
fn could_be_better(pid: Option<u32>) -> bool {
    let Some(theirs) = pid.and_then(|pid| Circumstances::of(pid).ok()) else { return false };
    Circumstances::for_a_child().is_ok_and(|ours| ours.are_better_than(&theirs))
}

/// Where the reading of each document begins, if the documents may go through the submission socket. All must be files:
/// a file ends, whoever reads it, and can be read again.
pub fn places(documents: &[OwnedFd]) -> Option<Vec<u64>> {
    let mut octets = 0u64;
    let mut places = Vec::with_capacity(documents.len());
    for document in documents {
        let meta = fstat(document).ok()?;
        if SFlag::from_bits_truncate(meta.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return None;
        }
        octets = octets.saturating_add(u64::try_from(meta.st_size).ok()?);
        places.push(u64::try_from(lseek(document, 0, Whence::SeekCur).ok()?).ok()?);
    }
    (octets <= MOST_OCTETS).then_some(places)
}

/// Rewinds the documents, which nobody reads any more, to where they began.
fn rewound(documents: Vec<OwnedFd>, places: &[u64]) -> io::Result<Vec<OwnedFd>> {
    for (document, place) in documents.iter().zip(places) {
        let place = i64::try_from(*place).map_err(io::Error::other)?;
        lseek(document, place, Whence::SeekSet)?;
    }
    Ok(documents)
}

/// Opens the documents once more, each with a position of its own, because the first ones may still be read. A document
/// that the user could not open himself, because it was handed to him open, is copied.
fn once_more(documents: &[OwnedFd], places: &[u64]) -> io::Result<Vec<OwnedFd>> {
    let again = documents.iter().zip(places).map(|(document, place)| {
        match files::open_regular(Path::new(&format!("/proc/self/fd/{}", document.as_raw_fd()))) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(*place))?;
                Ok(file.into())
            }
            // Or /proc is hidden, by which it would be opened.
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    || (error.kind() == io::ErrorKind::NotFound && !files::descriptors_have_paths()) =>
            {
                files::in_memory(&File::from(document.try_clone()?), *place, MOST_OCTETS)
            }
            Err(error) => Err(error),
        }
    });
    again.collect()
}

/// Opens the spool directly.
type Opener = Box<dyn FnMut() -> Result<Box<dyn Operations>, Failure>>;

/// The operations of a submitter; its user cannot tell whether a print process or the spool itself answers.
pub struct Submitter {
    server: Option<Remote>,
    /// How long the print process may take to answer.
    patience: Duration,
    /// Whether the print process has answered.
    answered: bool,
    open: Opener,
    spool: Option<Box<dyn Operations>>,
}

impl Submitter {
    /// Uses the submission socket at `path` if a process of our own user listens there, and otherwise the spool that
    /// `open` opens. With a `patience` of zero it does not connect.
    pub fn new(path: &Path, patience: Duration, open: Opener) -> Self {
        // Documents are shown to nobody but ourselves: the kernel says who listens.
        let ours = |stream: &_| {
            socket::peer(stream).is_ok_and(|peer| {
                peer.uid == nix::unistd::geteuid().as_raw() && !could_be_better(u32::try_from(peer.pid).ok())
            })
        };
        let connected = if patience.is_zero() { None } else { socket::connect(path).ok().filter(ours) };
        Self { server: connected.map(Remote::new), patience, answered: false, open, spool: None }
    }

    /// Calls `tell` when the print process has not accepted a submission after a second.
    #[must_use]
    pub fn telling(mut self, tell: Box<dyn Fn() + Send>) -> Self {
        self.server = self.server.map(|server| server.telling(TELLS_AFTER, tell));
        self
    }

    /// Asks the print process. Unless it says yes, it is not asked again.
    fn ask_server(&mut self, request: &Request, files: &[OwnedFd], patience: Duration) -> ServerAnswer {
        let Some(server) = &self.server else { return ServerAnswer::Nothing };
        let server_answer = match server.exchange(request, files, patience) {
            Ok(reply) if is_yes(request, &reply) => ServerAnswer::Yes(Box::new(reply)),
            Ok(Reply::Failed(failure)) if failure.kind != FailureKind::Unknown => ServerAnswer::No,
            Ok(Reply::Failed(_)) => ServerAnswer::Perhaps,
            Ok(_) | Err(_) => ServerAnswer::Nothing,
        };
        match server_answer {
            ServerAnswer::Yes(_) => self.answered = true,
            _ => self.server = None,
        }
        server_answer
    }

    fn ask_spool(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert((self.open)()?),
        };
        Ok(answer(spool.as_mut(), request, files))
    }

    fn submit_once(&mut self, request: Request, documents: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let Some(places) = places(&documents).filter(|_| self.answered && self.server.is_some()) else {
            return self.ask_spool(request, documents);
        };
        let server_answer = self.ask_server(&request, &documents, ACCEPTANCE);
        let again = match server_answer {
            ServerAnswer::Yes(reply) => return Ok(*reply),
            // It has answered, so it no longer reads them.
            ServerAnswer::No | ServerAnswer::Perhaps => rewound(documents, &places),
            // It may have been accepted already, or be accepted at this moment.
            ServerAnswer::Nothing => once_more(&documents, &places),
        };
        let documents = again.map_err(|error| {
            let why = format!("the print process has not accepted it, and a document cannot be read again: {error}");
            Failure::new(FailureKind::Unknown, why)
        })?;
        let token = match &request {
            Request::Submit { submission } if !matches!(server_answer, ServerAnswer::No) => {
                Some(submission.token.clone())
            }
            _ => None,
        };
        let reply = self.ask_spool(request, documents);
        match token {
            Some(token) => self.settled(token, reply),
            None => reply,
        }
    }

    /// Finds the truth about a submission that the print process may have accepted, or may yet accept, when the spool
    /// says `reply`: a refusal holds only when the token is refused for good.
    fn settled(&mut self, token: String, reply: Result<Reply, Failure>) -> Result<Reply, Failure> {
        let refusal = match &reply {
            Ok(Reply::Failed(failure)) | Err(failure) => failure.clone(),
            Ok(_) => return reply,
        };
        match self.ask_spool(Request::Settle { token }, Vec::new()) {
            Ok(Reply::Settle(Some(accepted))) => Ok(Reply::Submit(accepted)),
            Ok(Reply::Settle(None)) => reply,
            _ => Err(Failure { kind: FailureKind::Unknown, ..refusal }),
        }
    }
}

/// What the print process said.
enum ServerAnswer {
    /// Yes.
    Yes(Box<Reply>),
    /// No: it did not do it and is not working on it.
    No,
    /// It may have done it, and is no longer working on it.
    Perhaps,
    /// Nothing, or nothing that is an answer: it may still be working on it.
    Nothing,
}

fn is_yes(request: &Request, reply: &Reply) -> bool {
    matches!(
        (request, reply),
        (Request::ResolveDestination { .. }, Reply::ResolveDestination(_))
            | (Request::Submit { .. }, Reply::Submit(_))
            | (Request::Job { .. }, Reply::Job(_))
    )
}

impl Carrier for Submitter {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        match request {
            Request::Submit { .. } => self.submit_once(request, files),
            Request::ResolveDestination { .. } | Request::Job { .. } => {
                match self.ask_server(&request, &files, self.patience) {
                    ServerAnswer::Yes(reply) => Ok(*reply),
                    _ => self.ask_spool(request, files),
                }
            }
            _ => self.ask_spool(request, files),
        }
    }
}

#[cfg(test)]
#[path = "submission_socket_tests.rs"]
mod tests;
