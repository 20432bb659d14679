//! The way of a submission: to the counter of a spool, where a running print process takes it, or into the spool itself.
//!
//! The counter is only ever believed when it says yes. Whatever else comes of going there (nobody listens, nobody answers, a
//! refusal, a lost connection) the submission goes into the spool as if there were no counter, with the same token: a token
//! makes one job, whoever brings it and however often. So the words in which something is refused are those of the spool,
//! and a submission whose outcome is unknown becomes known by being handed in again.
//!
//! States: connected → the first question answered → submitted. Nothing is handed in before an answer came on the very same
//! connection: a counter whose process was stopped, or is just ending, costs a little time and no doubt.

use std::io::{Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, lseek};

use super::Remote;
use crate::model::{Failure, FailureKind};
use crate::spool::operations::{Carrier, Operations, Reply, Request, answer};
use crate::sys::{files, socket};

/// How long the counter may take to answer a question.
pub const FIRST_ANSWER: Duration = Duration::from_secs(1);
/// How long it may take to accept a submission. Is that too short for a slow disk? Then the spool itself is asked, which
/// waits for the same disk: time is lost, and nothing else.
const ACCEPTANCE: Duration = Duration::from_secs(10);
/// Octets that the documents of a submission may have together. Copying more takes longer than finding the spool, and
/// whoever interrupts `pdpr` meanwhile means that nothing is printed.
pub const MOST_OCTETS: u64 = 4 << 20;

/// Whether these documents may be handed in at a counter, and where the reading of each begins. All must be files: a file
/// ends, whoever reads it, and can be read again.
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

/// The same documents once more, each with a position of its own: whoever has the first ones may still read them.
fn once_more(documents: &[OwnedFd], places: &[u64]) -> std::io::Result<Vec<OwnedFd>> {
    let reopened = documents.iter().zip(places).map(|(document, place)| {
        let mut file = files::open_regular(Path::new(&format!("/proc/self/fd/{}", document.as_raw_fd())))?;
        file.seek(SeekFrom::Start(*place))?;
        Ok(file.into())
    });
    reopened.collect()
}

/// Opens the spool itself.
type Opener = Box<dyn FnMut() -> Result<Box<dyn Operations>, Failure>>;

/// Whoever hands in a job: a spool of which it does not show whether it has a counter.
pub struct Submitter {
    counter: Option<Remote>,
    /// How long the counter may take for an answer.
    patience: Duration,
    /// Whether the counter has answered.
    answered: bool,
    open: Opener,
    spool: Option<Box<dyn Operations>>,
}

impl Submitter {
    /// One that goes to the counter at `path`, if somebody of our own user listens there, and to the spool that `open` opens
    /// otherwise. With a `patience` of zero nobody is looked for.
    pub fn new(path: &Path, patience: Duration, open: Opener) -> Self {
        // Documents are shown to nobody but ourselves: who listens is asked of the kernel.
        let ours = |stream: &_| socket::peer(stream).is_ok_and(|peer| peer.uid == nix::unistd::geteuid().as_raw());
        let connected = if patience.is_zero() { None } else { socket::connect(path).ok().filter(ours) };
        Self { counter: connected.map(Remote::new), patience, answered: false, open, spool: None }
    }

    /// What the counter says, if it says yes. Otherwise it is not asked again.
    fn at_counter(&mut self, request: &Request, files: &[OwnedFd], patience: Duration) -> Option<Reply> {
        let reply = self.counter.as_ref()?.exchange(request, files, patience).ok().filter(|reply| {
            matches!(
                (request, reply),
                (Request::ResolveDestination { .. }, Reply::ResolveDestination(_))
                    | (Request::Submit { .. }, Reply::Submit(_))
                    | (Request::Job { .. }, Reply::Job(_))
            )
        });
        if reply.is_none() {
            self.counter = None;
        }
        self.answered |= reply.is_some();
        reply
    }

    fn in_spool(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert((self.open)()?),
        };
        Ok(answer(spool.as_mut(), request, files))
    }

    fn hand_in(&mut self, request: Request, documents: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let Some(places) = places(&documents).filter(|_| self.answered && self.counter.is_some()) else {
            return self.in_spool(request, documents);
        };
        if let Some(reply) = self.at_counter(&request, &documents, ACCEPTANCE) {
            return Ok(reply);
        }
        // It may have been accepted, or be accepted while we read this.
        match once_more(&documents, &places) {
            Ok(documents) => self.in_spool(request, documents),
            Err(error) => Err(Failure::new(
                FailureKind::Unknown,
                format!(
                    "the print process that took the submission is gone, and a document cannot be read again: {error}"
                ),
            )),
        }
    }
}

impl Carrier for Submitter {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        match request {
            Request::Submit { .. } => self.hand_in(request, files),
            Request::ResolveDestination { .. } | Request::Job { .. } => {
                match self.at_counter(&request, &files, self.patience) {
                    Some(reply) => Ok(reply),
                    None => self.in_spool(request, files),
                }
            }
            _ => self.in_spool(request, files),
        }
    }
}

#[cfg(test)]
#[path = "counter_tests.rs"]
mod tests;
