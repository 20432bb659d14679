//! A TCP connection every step of which has a deadline, and TLS over it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustls::{ConnectionCommon, SideData, StreamOwned};
use spoolsuite::client::peer::{Cutter, PATIENCE, PeerStream};

/// How long a connection and its handshake may take together.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// A TCP connection with deadlines.
#[derive(Debug)]
pub struct Timed {
    tcp: Arc<TcpStream>,
    patience: Duration,
    until: Option<Instant>,
}

impl Timed {
    /// A connection each step of which may take `patience`.
    pub fn new(tcp: Arc<TcpStream>, patience: Duration) -> Self {
        // Questions are short, and each waits for its answer.
        let _ = tcp.set_nodelay(true);
        Self { tcp, patience, until: None }
    }

    /// The connection itself.
    pub fn tcp(&self) -> &Arc<TcpStream> {
        &self.tcp
    }

    /// Sets how long one step may take.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Sets when all that follows has to be over; none = each step has its own time.
    pub fn set_until(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// Whether there is such a moment.
    pub fn has_until(&self) -> bool {
        self.until.is_some()
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self
            .until
            .map_or(self.patience, |until| until.saturating_duration_since(Instant::now()).min(self.patience));
        if left.is_zero() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(left) }
    }
}

/// The kernel says "try again" when the time is over.
fn over(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        (&*self.tcp).read(buffer).map_err(over)
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        (&*self.tcp).write(octets).map_err(over)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// TLS over a connection with deadlines.
#[derive(Debug)]
pub struct Secure<C>(pub StreamOwned<C, Timed>);

impl<C, S> Secure<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData,
{
    /// Shakes hands until `until`.
    ///
    /// # Errors
    /// When the other side refuses, is refused, or takes too long.
    pub fn shake(connection: C, mut timed: Timed, until: Instant) -> io::Result<Self> {
        let mut connection = connection;
        timed.set_until(Some(until));
        while connection.is_handshaking() {
            // What is wrong with the other side is told to it before this returns.
            connection.complete_io(&mut timed).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    io::Error::new(io::ErrorKind::UnexpectedEof, "it broke off in the handshake")
                }
                _ => error,
            })?;
        }
        timed.set_until(None);
        Ok(Self(StreamOwned::new(connection, timed)))
    }

    /// The digest of the other side's certificate; none when it has shown none.
    pub fn certificate(&self) -> Option<String> {
        let certificates = self.0.conn.peer_certificates()?;
        certificates.first().map(|certificate| crate::token::digest(certificate))
    }

    /// What the connection is for.
    pub fn purpose(&self) -> Option<crate::Purpose> {
        self.0.conn.alpn_protocol().and_then(crate::Purpose::of)
    }

    /// The connection below.
    pub fn timed(&mut self) -> &mut Timed {
        &mut self.0.sock
    }

    /// Says that nothing follows.
    pub fn end(&mut self) {
        self.0.conn.send_close_notify();
        // Whoever does not hear it sees the connection end.
        let _ = self.0.flush();
        let _ = self.0.sock.tcp.shutdown(Shutdown::Write);
    }

    /// Whether something has come that was not read yet, or the connection is at its end.
    pub fn has_news(&mut self) -> bool {
        if self.0.conn.process_new_packets().map_or(true, |state| state.plaintext_bytes_to_read() > 0) {
            return true;
        }
        let mut octet = [0];
        if self.0.sock.tcp.set_nonblocking(true).is_err() {
            return true;
        }
        let peeked = self.0.sock.tcp.peek(&mut octet);
        if self.0.sock.tcp.set_nonblocking(false).is_err() {
            return true;
        }
        !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl<C, S> Read for Secure<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(io::ErrorKind::UnexpectedEof, "the other side broke off"),
            _ => error,
        })
    }
}

impl<C, S> Write for Secure<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData,
{
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<C, S> PeerStream for Secure<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>> + Send,
    S: SideData,
{
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.timed().set_patience(patience);
        Ok(())
    }

    fn is_at_rest(&mut self) -> bool {
        !self.has_news()
    }

    fn cutter(&self) -> Cutter {
        let tcp = Arc::clone(&self.0.sock.tcp);
        Box::new(move || drop(tcp.shutdown(Shutdown::Both)))
    }
}

/// Connects to `HOST:PORT`, until `until`.
///
/// # Errors
/// When there is no such host, nobody listens there, or it takes too long.
pub fn connect(address: &str, until: Instant) -> io::Result<Timed> {
    let (tell, told) = mpsc::channel();
    let name = address.to_owned();
    // Finding an address cannot be given a deadline: a thread that nobody waits for does it.
    std::thread::Builder::new().name("resolve".into()).spawn(move || {
        let _ = tell.send(name.to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>));
    })?;
    let left = || until.saturating_duration_since(Instant::now());
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let addresses = told.recv_timeout(left()).map_err(|_| timed_out())??;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no such host");
    for address in addresses {
        let left = left();
        if left.is_zero() {
            return Err(timed_out());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(tcp) => return Ok(Timed::new(Arc::new(tcp), PATIENCE)),
            Err(error) => last = error,
        }
    }
    Err(last)
}
