//! The connections of a listening socket: who is admitted, how many at a time, and how they end.
//!
//! Each connection has a thread, so that a slow client delays nobody else. The limits keep one user from taking all
//! threads and descriptors: who is one too many is told so and is closed.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::socket::{self, Peer};

/// Pause after a failed accept: descriptors come back when somebody closes some.
const PAUSE: Duration = Duration::from_millis(500);

/// How many connections there may be at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all users together.
    pub all: usize,
    /// Of one user.
    pub of_user: usize,
}

/// Serves one connection, until its peer closes it or reading it ends.
pub type Serve = Box<dyn Fn(&UnixStream, Peer) + Send + Sync>;
/// Tells a peer why it is not served.
pub type Refuse = Box<dyn Fn(&UnixStream, Peer, &str) + Send + Sync>;

/// The connections of one listening socket.
pub struct Connections {
    listener: UnixListener,
    limits: Limits,
    serve: Serve,
    refuse: Refuse,
    state: Mutex<State>,
    /// Notified when a connection ends, and when all are to end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    open: HashMap<u64, (Arc<UnixStream>, u32)>,
}

impl Connections {
    /// The connections of `listener`, each served by `serve`.
    pub fn new(listener: UnixListener, limits: Limits, serve: Serve, refuse: Refuse) -> Arc<Self> {
        Arc::new(Self { listener, limits, serve, refuse, state: Mutex::default(), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts connections until [`Connections::close`].
    pub fn accept(self: &Arc<Self>) {
        loop {
            let accepted = self.listener.accept();
            if self.state().closed {
                return;
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

    fn admit(self: &Arc<Self>, stream: UnixStream) {
        // A peer that the kernel does not know is nobody.
        let Ok(peer) = socket::peer(&stream) else { return };
        let stream = Arc::new(stream);
        let number = {
            let mut state = self.state();
            let of_user = state.open.values().filter(|(_, uid)| *uid == peer.uid).count();
            let full = if state.closed {
                Some("the server is ending".to_owned())
            } else if state.open.len() >= self.limits.all {
                Some(format!("the server serves {} connections, and that is the most", self.limits.all))
            } else if of_user >= self.limits.of_user {
                Some(format!("you have {of_user} connections to the server, and that is the most"))
            } else {
                None
            };
            if let Some(why) = full {
                drop(state);
                (self.refuse)(&stream, peer, &why);
                return;
            }
            state.next += 1;
            let number = state.next;
            state.open.insert(number, (Arc::clone(&stream), peer.uid));
            number
        };
        // Dropped with the thread, however it ends, and also when none could be started.
        let entry = Entry { connections: Arc::clone(self), number };
        let served = Arc::clone(&stream);
        let thread = std::thread::Builder::new().name("connection".into());
        let started = thread.spawn(move || (entry.connections.serve)(&served, peer));
        if let Err(error) = started {
            (self.refuse)(&stream, peer, &format!("the server cannot serve one more connection: {error}"));
        }
    }

    /// Ends all: nobody is admitted any more, what was read is answered, within `patience`. Whoever is still being served
    /// then is left where he is.
    pub fn close(&self, patience: Duration) {
        let mut state = self.state();
        state.closed = true;
        self.changed.notify_all();
        // Whoever waits in `accept` is told.
        let _ = socket::stop_listening(&self.listener);
        for (stream, _) in state.open.values() {
            // Requests that have arrived can still be read, and what is read can be answered.
            let _ = stream.shutdown(Shutdown::Read);
        }
        let busy = |state: &mut State| !state.open.is_empty();
        let _left = self.changed.wait_timeout_while(state, patience, busy);
    }

    /// How many connections are served.
    pub fn count(&self) -> usize {
        self.state().open.len()
    }
}

/// One connection in the list of those that are served.
struct Entry {
    connections: Arc<Connections>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.state().open.remove(&self.number);
        self.connections.changed.notify_all();
    }
}
