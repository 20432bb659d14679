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

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::submission_socket::places;
use crate::model::{Failure, FailureKind};
use crate::spool::disk::paths::Base;
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request, answer};
use crate::sys::files::{self, FileId};
use crate::sys::lock::FileLock;
use crate::sys::socket::{self, Deadline};

use super::connection::serve;

/// Connections at a time.
pub const MOST: usize = 16;
/// How long a request may take to begin, how long to arrive, and how long its reply may take to be read.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long requests that were read may take to be answered when the socket closes. A successor of the print process
/// waits longer than that for its lock.
const PARTING: Duration = Duration::from_secs(3);
/// Pause after a failed accept: descriptors come back when somebody closes some.
const PAUSE: Duration = Duration::from_millis(500);

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
    /// Notified when a connection ends, and when the socket closes.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    listener: Option<Arc<UnixListener>>,
    /// Identity of the socket file.
    name: Option<FileId>,
    connections: HashMap<u64, Arc<UnixStream>>,
    next: u64,
}

impl SubmissionSocket {
    /// Opens the submission socket of `base` as soon as no other process has it open; `open` opens the spool for each
    /// connection.
    ///
    /// # Errors
    /// Returns an error when no thread can be started.
    pub fn open(base: &Base, open: Opener) -> io::Result<Self> {
        let (base, base_id) = (base.clone(), files::file_id(base.root()));
        let shared = Arc::new(Shared { base, base_id, open, state: Mutex::default(), changed: Condvar::new() });
        let here = Arc::clone(&shared);
        std::thread::Builder::new().name("submissions".into()).spawn(move || {
            // Without the socket every submission goes into the spool directly, so there is nothing to report.
            let _ = here.listen();
        })?;
        Ok(Self { shared })
    }

    /// Closes the socket: nobody finds it any more, and what was read is answered, within three seconds.
    pub fn close(&self) {
        let mut state = self.shared.state();
        state.closed = true;
        self.shared.changed.notify_all();
        if let Some(listener) = state.listener.take() {
            // If another base was put in the place of ours, the name is not ours.
            let path = self.shared.base.submission_socket();
            if state.name.is_some() && files::file_id(&path) == state.name {
                let _ = std::fs::remove_file(path);
            }
            let _ = socket::stop_listening(&listener);
        }
        for stream in state.connections.values() {
            // Requests that have arrived can still be read, and what is read can be answered.
            let _ = stream.shutdown(Shutdown::Read);
        }
        let busy = |state: &mut State| !state.connections.is_empty();
        let _left = self.shared.changed.wait_timeout_while(state, PARTING, busy);
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
        let listener = {
            let mut state = self.state();
            if state.closed {
                return Ok(());
            }
            self.clear()?;
            let listener = Arc::new(socket::listen(&self.base.submission_socket())?);
            state.name = files::file_id(&self.base.submission_socket());
            state.listener = Some(Arc::clone(&listener));
            listener
        };
        loop {
            let accepted = listener.accept();
            if self.state().closed {
                return Ok(());
            }
            match accepted {
                Ok((stream, _)) => self.admit(stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    let state = self.state();
                    drop(self.changed.wait_timeout_while(state, PAUSE, |state| !state.closed));
                }
            }
        }
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

    /// Starts a thread for a connection; a connection too many, or of another user, is closed.
    fn admit(self: &Arc<Self>, stream: UnixStream) {
        if !socket::peer(&stream).is_ok_and(|peer| peer.uid == nix::unistd::geteuid().as_raw()) {
            return;
        }
        let stream = Arc::new(stream);
        let number = {
            let mut state = self.state();
            if state.closed || state.connections.len() >= MOST {
                return;
            }
            state.next += 1;
            let number = state.next;
            state.connections.insert(number, Arc::clone(&stream));
            number
        };
        // Dropped with the thread, however it ends, and also when none could be started.
        let registration = Registration { shared: Arc::clone(self), number };
        let _ = std::thread::Builder::new().name("submissions".into()).spawn(move || {
            let shared = Arc::clone(&registration.shared);
            let spool: Box<dyn Operations> = Box::new(SubmissionsOnly { spool: (shared.open)(), shared });
            let _ = serve(&stream, &mut Ok(spool), || Deadline::after(PATIENCE), PATIENCE);
        });
    }
}

/// Registers a connection among those that are served.
struct Registration {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.state().connections.remove(&self.number);
        self.shared.changed.notify_all();
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
