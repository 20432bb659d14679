//! Who may come in: admission of connections, and how they end.
//!
//! Each connection has a thread, so that a slow sender delays nobody. The limits of the door keep one sender from taking all of
//! them. A connection that says nothing costs a thread that sleeps.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use spoolsuite::model::door::{DoorKind, DoorSettings, DoorTrouble};
use spoolsuite::sys::socket;
use spoolsuite::wire::lpd;

use super::connection::{Connection, Socket, Who};
use super::http;
use super::link::Link;
use super::secure::Offer;

/// What the session of a connection has at hand.
pub struct Context {
    /// The door.
    pub settings: Arc<DoorSettings>,
    /// The way to the server.
    pub link: Arc<Link>,
    /// What connections have that begin with TLS; none = there is none.
    pub tls: Option<Arc<Offer>>,
}

/// Serves one connection to its end.
pub type Session = dyn Fn(&Context, Connection) + Send + Sync;

/// Octets of the stack of a session. Only what is touched takes memory.
const STACK: usize = 512 * 1024;
/// Pause after a failed accept: descriptors come back when somebody closes some.
const PAUSE: Duration = Duration::from_millis(200);

/// A socket at which a door listens.
pub enum Listener {
    /// At an address.
    Tcp(TcpListener),
    /// In the file system of this machine.
    Unix(UnixListener),
}

impl From<OwnedFd> for Listener {
    fn from(socket: OwnedFd) -> Self {
        use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
        let address = getsockname::<SockaddrStorage>(socket.as_raw_fd());
        match address.map(|address| address.family()) {
            Ok(Some(AddressFamily::Unix)) => Self::Unix(socket.into()),
            _ => Self::Tcp(socket.into()),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Listener {
    fn accept(&self) -> io::Result<(Socket, Who)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                Ok((Socket::Tcp(stream), Who::Address(peer)))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                let who = Who::User(socket::peer(&stream)?.uid);
                Ok((Socket::Unix(stream), who))
            }
        }
    }
}

/// What is counted together: the connections of an address, or of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Counted {
    Address(IpAddr),
    User(u32),
}

impl From<Who> for Counted {
    fn from(who: Who) -> Self {
        match who {
            Who::Address(peer) => Self::Address(peer.ip().to_canonical()),
            Who::User(uid) => Self::User(uid),
        }
    }
}

/// Refusals at a time that are waited for.
const MOST_LEAVING: usize = 64;

/// The connections of a door.
pub struct Gate {
    /// What each session has at hand.
    pub context: Context,
    closed: AtomicBool,
    /// Connections that were turned away and are still told so.
    leaving: AtomicUsize,
    bell: EventFd,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Default)]
struct Inside {
    all: u64,
    of_peer: HashMap<Counted, u64>,
    /// When each address has connected within the last minute, where a rate is set.
    lately: HashMap<Counted, VecDeque<Instant>>,
}

/// Addresses whose rates are kept; the oldest go first.
const MOST_RATES: usize = 10_000;

impl Gate {
    /// The gate of a door.
    ///
    /// # Errors
    /// When the kernel is short of something.
    pub fn new(settings: Arc<DoorSettings>, link: Arc<Link>, tls: Option<Arc<Offer>>) -> io::Result<Arc<Self>> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let context = Context { settings, link, tls };
        Ok(Arc::new(Self {
            context,
            closed: AtomicBool::new(false),
            leaving: AtomicUsize::new(0),
            bell,
            inside: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nobody any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let _ = self.bell.write(1);
    }

    /// Whether nobody is taken any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// What is readable when the gate is closed.
    pub fn bell(&self) -> &EventFd {
        &self.bell
    }

    /// Waits until all sessions have ended, at most until then.
    pub fn wait_until_empty(&self, until: Instant) {
        let inside = self.inside();
        let left = until.saturating_duration_since(Instant::now());
        drop(self.changed.wait_timeout_while(inside, left, |inside| inside.all > 0));
    }

    /// Accepts connections in a thread of its own.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn accept(self: Arc<Self>, listener: Listener, serve: Arc<Session>) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("accept".into()).spawn(move || {
            while !self.is_closed() {
                let mut wait = [
                    PollFd::new(listener.as_fd(), PollFlags::POLLIN),
                    PollFd::new(self.bell.as_fd(), PollFlags::POLLIN),
                ];
                let _ = poll(&mut wait, PollTimeout::NONE);
                if self.is_closed() {
                    return;
                }
                match listener.accept() {
                    Ok((stream, peer)) => self.admit(stream, peer, &serve),
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(_) => std::thread::sleep(PAUSE),
                }
            }
        })
    }

    fn admit(self: &Arc<Self>, stream: Socket, peer: Who, serve: &Arc<Session>) {
        let Ok(mut connection) = Connection::new(stream, peer, &self.context.settings) else { return };
        let entry = match self.enter(peer) {
            Ok(entry) => entry,
            Err((why, code)) => {
                self.turn_away(connection, why, code);
                return;
            }
        };
        let (gate, serve) = (Arc::clone(self), Arc::clone(serve));
        let thread = std::thread::Builder::new().name("session".into()).stack_size(STACK);
        connection.is_ending(Arc::clone(self));
        connection.may_begin_tls(self.context.tls.clone());
        // Where no thread can be started the connection is reset, and the sender tries again.
        let _ = thread.spawn(move || {
            serve(&gate.context, connection);
            drop(entry);
        });
    }

    /// Counts a connection, unless it is one too many. The octet with which LPD refuses comes with the reason.
    fn enter(self: &Arc<Self>, peer: Who) -> Result<Entry, (String, u8)> {
        let settings = &self.context.settings;
        let (address, counted) = (peer, Counted::from(peer));
        // Who may call at a socket of this machine the rights of its directory say.
        if let Who::Address(peer) = peer {
            if !settings.admits(peer.ip().to_canonical()) {
                return Err((format!("{address} is not in ALLOW"), lpd::NO));
            }
            if settings.reserved_ports && peer.port() >= 1024 {
                return Err((
                    format!("{address} comes from port {}, and a reserved port is required", peer.port()),
                    lpd::NO,
                ));
            }
        }
        let mut inside = self.inside();
        if inside.all >= settings.most_connections {
            return Err((
                format!("{address}: {} connections at a time are the most", settings.most_connections),
                lpd::LATER,
            ));
        }
        let of_peer = inside.of_peer.get(&counted).copied().unwrap_or(0);
        if of_peer >= settings.most_of_peer {
            return Err((format!("{address} has {of_peer} connections, and that is the most"), lpd::LATER));
        }
        if let Some(rate) = settings.rate {
            let now = Instant::now();
            if inside.lately.len() >= MOST_RATES {
                inside.lately.clear();
            }
            let lately = inside.lately.entry(counted).or_default();
            lately.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
            if lately.len() as u64 >= rate {
                return Err((format!("{address}: {rate} connections in a minute are the most"), lpd::LATER));
            }
            lately.push_back(now);
        }
        inside.all += 1;
        *inside.of_peer.entry(counted).or_default() += 1;
        Ok(Entry { gate: Arc::clone(self), counted })
    }

    /// Tells a sender no in his language, and counts it.
    fn turn_away(self: &Arc<Self>, mut connection: Connection, why: String, code: u8) {
        let gate = Arc::clone(self);
        let tell = move || {
            match gate.context.settings.kind {
                DoorKind::Lpd => connection.say_and_leave(&[code]),
                DoorKind::Ipp if code == lpd::LATER => connection.say_and_leave(&http::plain(503, &why)),
                DoorKind::Ipp => connection.say_and_leave(&http::plain(403, &why)),
                DoorKind::Raw | DoorKind::Directory => {}
            }
            // A raw connection is reset: that is the only no that its senders see.
            drop(connection);
            gate.context.link.trouble(DoorTrouble::TurnedAway, why);
            gate.leaving.fetch_sub(1, Ordering::SeqCst);
        };
        // A crowd that is turned away is not waited for: those who are one too many of it are reset.
        if self.leaving.fetch_add(1, Ordering::SeqCst) >= MOST_LEAVING
            || std::thread::Builder::new().name("refusal".into()).stack_size(STACK).spawn(tell).is_err()
        {
            self.leaving.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// One connection among those that are counted.
struct Entry {
    gate: Arc<Gate>,
    counted: Counted,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.all = inside.all.saturating_sub(1);
        if let Some(count) = inside.of_peer.get_mut(&self.counted) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.of_peer.remove(&self.counted);
            }
        }
        self.gate.changed.notify_all();
    }
}
