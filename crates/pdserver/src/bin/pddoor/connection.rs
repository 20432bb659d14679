//! One connection of a sender: reading with deadlines, and the two ways to end it.
//!
//! A connection that is dropped is reset: so it is also when this process dies. Only [`Connection::leave`] closes it in good
//! order, because many senders take an orderly close for a yes.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use spoolsuite::model::door::{DoorLogin, DoorSettings};
use spoolsuite::sys::{socket, tcp};

use super::gate::Gate;
use super::http;
use super::secure::{self, Offer, Session};

/// How long a sender may take to close after we have.
const LINGER: Duration = Duration::from_secs(2);
/// Octets that are read and thrown away while a refusal is on its way.
const DRAIN: usize = 64 * 1024;
/// How long an answer may take to be taken.
const ANSWER: Duration = Duration::from_secs(30);

/// What became of a read.
#[derive(Debug)]
pub enum Got {
    /// So many octets.
    Octets(usize),
    /// The sender has closed his side.
    End,
    /// Nothing came in that time.
    Silence,
    /// The connection is broken.
    Broken(io::Error),
}

/// Who is at the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody at an address.
    Address(SocketAddr),
    /// A user of this machine at a socket of it, as the kernel knows.
    User(u32),
}

impl Who {
    /// The address, where there is one.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(peer) => Some(peer.ip().to_canonical()),
            Self::User(_) => None,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(peer) => peer.ip().to_canonical().fmt(f),
            Self::User(uid) => write!(f, "user {uid} of this machine"),
        }
    }
}

/// What octets travel over.
pub enum Socket {
    /// A connection of the network.
    Tcp(TcpStream),
    /// One of this machine.
    Unix(UnixStream),
}

impl Socket {
    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true),
            Self::Unix(stream) => stream.set_nonblocking(true),
        }
    }

    fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(octets),
            Self::Unix(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection.
pub struct Connection {
    stream: Socket,
    /// The other side.
    pub peer: Who,
    patience: Duration,
    gate: Option<Arc<Gate>>,
    /// Octets that were read and not used yet.
    ahead: Vec<u8>,
    written: u64,
    /// Whether a read has found it broken.
    broken: bool,
    tls: Tls,
}

/// Whether a connection speaks TLS.
enum Tls {
    /// It does not.
    None,
    /// Its first octet will tell.
    Perhaps(Arc<Offer>),
    /// It does.
    Session(Session),
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(stream: Socket, peer: Who, settings: &DoorSettings) -> io::Result<Self> {
        stream.set_nonblocking()?;
        if let Socket::Tcp(stream) = &stream {
            // An answer is one octet, and is waited for.
            let _ = stream.set_nodelay(true);
        }
        let _ = setsockopt(&stream, sockopt::KeepAlive, &true);
        let connection = Self {
            stream,
            peer,
            patience: Duration::from_secs(settings.patience),
            gate: None,
            ahead: Vec::new(),
            written: 0,
            broken: false,
            tls: Tls::None,
        };
        connection.linger(true)?;
        Ok(connection)
    }

    /// Whether closing resets.
    fn linger(&self, resets: bool) -> io::Result<()> {
        let linger = nix::libc::linger { l_onoff: i32::from(resets), l_linger: 0 };
        Ok(setsockopt(&self.stream, sockopt::Linger, &linger)?)
    }

    /// Lets the other side begin with TLS.
    pub fn may_begin_tls(&mut self, offer: Option<Arc<Offer>>) {
        if let (Some(offer), Socket::Tcp(_)) = (offer, &self.stream) {
            self.tls = Tls::Perhaps(offer);
        }
    }

    /// Goes on over TLS from here: says so, and waits until the other side has begun and is answered.
    ///
    /// # Errors
    /// When it does not begin, or in another way.
    pub fn upgrade(&mut self, offer: &Arc<Offer>) -> io::Result<()> {
        if !self.ahead.is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.write(http::SWITCHES)?;
        self.tls = Tls::Perhaps(Arc::clone(offer));
        let until = Instant::now() + self.patience;
        let mut buffer = [0; 4096];
        loop {
            match self.read_now(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                // It is sealed, and the next request is here.
                Ok(n) if self.is_sealed() => {
                    self.unread(buffer.get(..n).unwrap_or_default());
                    return Ok(());
                }
                Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if matches!(&self.tls, Tls::Session(session) if session.is_open()) {
                        return Ok(());
                    }
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let what = if self.waits() { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
                    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
                    let _ = poll(&mut [PollFd::new(self.stream.as_fd(), what)], timeout);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether what travels is sealed.
    pub fn is_sealed(&self) -> bool {
        matches!(self.tls, Tls::Session(_))
    }

    /// Whether another request may come: who logged on long ago shows his certificate again.
    pub fn is_fresh(&self) -> bool {
        match &self.tls {
            Tls::Session(session) => session.is_fresh(),
            _ => true,
        }
    }

    /// What stands for whoever has logged on with a certificate.
    pub fn login(&self) -> Option<DoorLogin> {
        match &self.tls {
            Tls::Session(session) => session.login().cloned(),
            _ => None,
        }
    }

    /// Reads what is there: octets in clear.
    fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Tls::Perhaps(offer) = &self.tls {
            let n = self.stream.read(buffer)?;
            let octets = buffer.get(..n).unwrap_or_default();
            if octets.first() != Some(&secure::BEGINS) {
                self.tls = Tls::None;
                return Ok(n);
            }
            self.tls = Tls::Session(Session::begin(offer, self.peer.address(), octets)?);
        }
        match &mut self.tls {
            Tls::Session(session) => {
                let read = session.read(&mut self.stream, buffer);
                self.written = session.written();
                read
            }
            _ => self.stream.read(buffer),
        }
    }

    /// Writes what the socket takes now of octets in clear. What a session has taken is on its way, but not written.
    fn write_now(&mut self, octets: &[u8]) -> io::Result<usize> {
        let Tls::Session(session) = &mut self.tls else {
            let n = self.stream.write(octets)?;
            self.written += n as u64;
            return Ok(n);
        };
        let n = session.write(octets)?;
        let flushed = session.flush(&mut self.stream);
        self.written = session.written();
        flushed?;
        if n == 0 && (session.waits() || !octets.is_empty()) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(n) }
    }

    /// Whether something waits that the socket did not take.
    fn waits(&self) -> bool {
        matches!(&self.tls, Tls::Session(session) if session.waits())
    }

    /// Ends our side.
    fn shut(&mut self) -> io::Result<()> {
        if let Tls::Session(session) = &mut self.tls {
            session.end(&mut self.stream);
            self.written = session.written();
        }
        self.stream.shutdown()
    }

    /// Has the connection watch whether the door ends.
    pub fn is_ending(&mut self, gate: Arc<Gate>) {
        self.gate = Some(gate);
    }

    /// The address of the sender, where there is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.peer.address()
    }

    /// Our own address, as it is written in the addresses of printers.
    pub fn own_address(&self) -> String {
        match &self.stream {
            Socket::Tcp(stream) => stream.local_addr().map_or_else(|_| "localhost".to_owned(), |at| at.to_string()),
            Socket::Unix(_) => "localhost".to_owned(),
        }
    }

    /// What shows who calls, where the kernel knows: the connection itself.
    ///
    /// # Errors
    /// When there is no descriptor for it.
    pub fn proof(&self) -> io::Result<Option<OwnedFd>> {
        match &self.stream {
            Socket::Tcp(_) => Ok(None),
            Socket::Unix(stream) => Ok(Some(stream.try_clone()?.into())),
        }
    }

    /// How long a sender may be silent.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Reads what comes within `within`. A door that ends waits for nobody who has nothing under way: `idle`.
    pub fn read(&mut self, buffer: &mut [u8], within: Option<Duration>, idle: bool) -> Got {
        if !self.ahead.is_empty() {
            let n = self.ahead.len().min(buffer.len());
            buffer.iter_mut().zip(self.ahead.drain(..n)).for_each(|(place, octet)| *place = octet);
            return Got::Octets(n);
        }
        let until = within.map(|within| Instant::now() + within);
        loop {
            match self.read_now(buffer) {
                Ok(0) => return Got::End,
                Ok(n) => return Got::Octets(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                    if left == Some(Duration::ZERO) {
                        return Got::Silence;
                    }
                    let ends = idle.then_some(self.gate.as_ref()).flatten();
                    if ends.is_some_and(|gate| gate.is_closed()) {
                        return Got::Silence;
                    }
                    let timeout = left.map_or(PollTimeout::NONE, |left| {
                        PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
                    });
                    let what = if self.waits() { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
                    let mut wait = vec![PollFd::new(self.stream.as_fd(), what)];
                    if let Some(gate) = ends {
                        wait.push(PollFd::new(gate.bell().as_fd(), PollFlags::POLLIN));
                    }
                    let _ = poll(&mut wait, timeout);
                }
                Err(error) => {
                    self.broken = true;
                    return Got::Broken(error);
                }
            }
        }
    }

    /// Gives back octets that were read: they are read again.
    pub fn unread(&mut self, octets: &[u8]) {
        self.ahead.splice(0..0, octets.iter().copied());
    }

    /// Reads a line of at most `most` octets, with its end. None at the end of the connection.
    ///
    /// # Errors
    /// When it is too long, or the sender stops in the middle of it.
    pub fn line(&mut self, most: usize, idle: bool) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut buffer = [0u8; 512];
        loop {
            match self.read(&mut buffer, Some(self.patience), idle && line.is_empty()) {
                Got::Octets(n) => {
                    let got = buffer.get(..n).unwrap_or_default();
                    let end = got.iter().position(|octet| *octet == b'\n').map(|at| at + 1);
                    // A NUL alone stands for an answer that nobody waits for, and has no end of line.
                    let alone = line.is_empty() && got == [0];
                    let (taken, rest) = got.split_at(end.unwrap_or(n));
                    line.extend_from_slice(taken);
                    self.unread(rest);
                    if end.is_some() || alone {
                        return Ok(Some(line));
                    }
                    if line.len() > most {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line that is too long"));
                    }
                }
                Got::End if line.is_empty() => return Ok(None),
                Got::End => return Err(io::ErrorKind::UnexpectedEof.into()),
                Got::Silence => return Err(io::ErrorKind::TimedOut.into()),
                Got::Broken(error) => return Err(error),
            }
        }
    }

    /// Writes.
    ///
    /// # Errors
    /// When the sender has gone, or does not read.
    pub fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let until = Instant::now() + ANSWER;
        let mut left = octets;
        while !left.is_empty() || self.waits() {
            match self.write_now(left) {
                Ok(n) => left = left.get(n..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let now = Instant::now();
                    if now >= until {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let timeout = PollTimeout::try_from(until - now).unwrap_or(PollTimeout::MAX);
                    let _ = poll(&mut [PollFd::new(self.stream.as_fd(), PollFlags::POLLOUT)], timeout);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Octets that were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether the other side has acknowledged so many octets.
    pub fn has_acknowledged(&self, octets: u64) -> bool {
        match &self.stream {
            Socket::Tcp(stream) => {
                tcp::acknowledged_of_accepted(stream.as_fd()).is_ok_and(|acknowledged| acknowledged >= octets)
            }
            // Here nothing is on its way: what was written was read, or waits. Whoever goes without reading it breaks the connection.
            Socket::Unix(stream) => !self.broken && self.written >= octets && socket::is_read(stream),
        }
    }

    /// Closes in good order: our side first, then what the other side still sends is thrown away, for a moment. Returns whether
    /// the other side has acknowledged all that we wrote, and our end.
    pub fn leave(mut self) -> bool {
        let _ = self.linger(false);
        if self.shut().is_err() {
            return false;
        }
        self.ahead.clear();
        let until = Instant::now() + LINGER;
        let (mut left, mut buffer) = (DRAIN, [0; 4096]);
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            match self.read(&mut buffer, Some(wait), false) {
                Got::Octets(n) if left > n => left -= n,
                Got::End => break,
                _ => return false,
            }
        }
        // Our end counts as one octet.
        while Instant::now() < until {
            if self.has_acknowledged(self.written + 1) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }

    /// Says something, and closes in good order.
    pub fn say_and_leave(&mut self, octets: &[u8]) {
        let until = Instant::now() + LINGER;
        if self.write(octets).is_err() || self.linger(false).is_err() || self.shut().is_err() {
            return;
        }
        self.ahead.clear();
        let (mut left, mut buffer) = (DRAIN, [0; 4096]);
        while let Got::Octets(n) = self.read(&mut buffer, Some(until.saturating_duration_since(Instant::now())), false)
        {
            if left <= n {
                return;
            }
            left -= n;
        }
    }
}
