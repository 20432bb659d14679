//! The submission socket of a spool: a running print process accepts submissions of its own user, so that `pdpr` need
//! not open the database.
//!
//! States: waiting for the submission lock → listening → closed. One process listens for a base, whoever gets the lock;
//! the others stand by and follow. Closing removes the name, reads nothing more, and answers what was read.
//!
//! Each connection has a thread and a time limit for each request: a silent one delays neither the others nor the end
//! of the process. Connections beyond [`MOST`] are closed, and their clients use the spool directly; so does everybody
//! who is refused here. A crash leaves what a crash of `pdpr` leaves: print files without a job, which the sweep
//! removes, or a job whose submitter was not told; he asks the spool.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::submission_socket::places;
use crate::model::{Failure, FailureKind};
use crate::spool::disk::locks;
use crate::spool::disk::paths::Base;
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request, answer};
use crate::sys::files::{self, FileId};
use crate::sys::lock::FileLock;
use crate::sys::socket::{self, Deadline, Peer};

use super::connection::serve;
use super::connections::{Connections, Limits};

/// Connections at a time.
pub const MOST: usize = 16;
/// How long a request may take to begin, how long to arrive, and how long its reply may take to be read.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long requests that were read may take to be answered when the socket closes. A successor of the print process
/// waits longer than that for its lock.
const PARTING: Duration = Duration::from_secs(3);

/// Opens the spool for one connection.
pub type Opener = Arc<dyn Fn() -> Box<dyn Operations> + Send + Sync>;

/// A submission socket. Dropping it closes it.
pub struct SubmissionSocket {
    shared: Arc<Shared>,
}

struct Shared {
    base: Base,
    /// Identity of the base directory when the socket was opened.
    base_id: Option<FileId>,
    open: Opener,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// The connections, and the identity of the socket file.
    listening: Option<(Arc<Connections>, Option<FileId>)>,
}

impl SubmissionSocket {
    /// Opens the submission socket of `base` as soon as no other process has it open; `open` opens the spool for each
    /// connection.
    ///
    /// # Errors
    /// Returns an error when no thread can be started.
    pub fn open(base: &Base, open: Opener) -> io::Result<Self> {
        let (base, base_id) = (base.clone(), files::file_id(base.root()));
        let shared = Arc::new(Shared { base, base_id, open, state: Mutex::default() });
        let here = Arc::clone(&shared);
        std::thread::Builder::new().name("submissions".into()).spawn(move || {
            // Without the socket every submission goes into the spool directly, so there is nothing to report.
            let _ = here.listen();
        })?;
        Ok(Self { shared })
    }

    /// Closes the socket: nobody finds it any more, and what was read is answered, within three seconds.
    pub fn close(&self) {
        let listening = {
            let mut state = self.shared.state();
            state.closed = true;
            state.listening.take()
        };
        if let Some((connections, name)) = listening {
            // If another base was put in the place of ours, the name is not ours.
            let path = self.shared.base.submission_socket();
            if name.is_some() && files::file_id(&path) == name {
                let _ = std::fs::remove_file(path);
            }
            connections.close(PARTING);
        }
    }
}

impl Drop for SubmissionSocket {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lock, then listens until the socket is closed.
    fn listen(self: &Arc<Self>) -> io::Result<()> {
        let _lock = FileLock::wait(&self.base.submission_lock())?;
        let connections = {
            let mut state = self.state();
            if state.closed {
                return Ok(());
            }
            self.clear()?;
            let listener = socket::listen(&self.base.submission_socket())?;
            let name = files::file_id(&self.base.submission_socket());
            let here = Arc::clone(self);
            let serve = move |stream: &UnixStream, peer: Peer| here.serve(stream, peer);
            let limits = Limits { all: MOST, of_user: MOST };
            // A client that is one too many uses the spool directly, and needs no words.
            let connections = Connections::new(listener, limits, Box::new(serve), Box::new(|_, _, _| ()));
            state.listening = Some((Arc::clone(&connections), name));
            connections
        };
        connections.accept();
        Ok(())
    }

    /// Removes the sockets that dead processes left, those of other releases too: the holder of the lock is alone.
    fn clear(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.base.run())? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(Base::is_submission_socket) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Serves a connection of our own user; whatever goes wrong there, its client uses the spool directly.
    fn serve(self: &Arc<Self>, stream: &UnixStream, peer: Peer) {
        if peer.uid != nix::unistd::geteuid().as_raw() {
            return;
        }
        let spool: Box<dyn Operations> = Box::new(SubmissionsOnly { spool: (self.open)(), shared: Arc::clone(self) });
        let _ = serve(stream, &mut Ok(spool), || Deadline::after(PATIENCE), PATIENCE);
    }
}

/// The part of the spool that submitters may use here.
struct SubmissionsOnly {
    spool: Box<dyn Operations>,
    shared: Arc<Shared>,
}

impl Carrier for SubmissionsOnly {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let refused =
            |why: &str| Err(Failure::new(FailureKind::State, format!("the submission socket of a spool {why}")));
        // If the base was moved, the database is still open, but files would go to the old place.
        if self.shared.base_id.is_none() || files::file_id(self.shared.base.root()) != self.shared.base_id {
            return refused("was moved away");
        }
        if locks::is_served(&self.shared.base) {
            return refused("was handed to a server");
        }
        match &request {
            Request::ResolveDestination { .. } | Request::Job { .. } => {}
            // A thread that reads a pipe or a huge file cannot be told to stop.
            Request::Submit { .. } if places(&files).is_none() => return refused("takes small files only"),
            Request::Submit { .. } => {}
            _ => return refused("takes submissions only"),
        }
        Ok(answer(self.spool.as_mut(), request, files))
    }
}

#[cfg(test)]
#[path = "submission_socket_tests.rs"]
mod tests;
