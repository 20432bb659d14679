//! `socket://host:port`: a raw TCP connection, as printers take it on port 9100.
//!
//! Three things can be told: the peer's TCP has every byte (*transferred*), the peer closed after us (*sent*), or it
//! reset the connection. A socket that is dropped in mid-job is reset, even by the kernel after SIGKILL: a part must
//! never look like the whole. What the printer sends is read and thrown away, so that it never blocks on us.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::PollFlags;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, setsockopt, socket, sockopt,
};

use super::{Chunk, Closing, Connection, Idle, Start, Undone, ended, source_failed};
use crate::fastp::backoff::Growing;
use crate::fastp::errors::{Fault, Trouble};
use crate::fastp::means::Means;
use crate::fastp::pace::Pace;
use crate::fastp::pieces::Pieces;
use crate::model::device::DeviceUri;
use crate::model::state::Delivery;
use crate::spool::engine::FilePosition;
use crate::sys::files::{send_file, unacknowledged};

/// Octets handed to the kernel at once.
const STEP: u64 = 1 << 20;
/// How long a closing connection is waited for when the process ends.
const PARTING: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Line {
    stream: TcpStream,
    peer: String,
    /// The peer sends nothing more.
    peer_done: bool,
    /// Octets of the running job that the kernel took.
    sent: u64,
}

/// Connects to the printer: every address in turn, within one deadline.
///
/// # Errors
/// A fault when none answers.
pub fn open(means: &Means, pace: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    let uri = &means.uri;
    let DeviceUri::Socket { host, port } = uri else {
        return Err(Fault::new(2, false, format!("{uri} is no socket")).into());
    };
    let until = Instant::now() + pace.desk().timing.connect;
    let addresses = resolve(host, *port, pace)?;
    let mut last = None;
    for (i, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        // An address that does not answer leaves the others their share of the time.
        let share = left / u32::try_from(addresses.len() - i).unwrap_or(1);
        match dial(*address, share, pace)? {
            Ok(stream) => {
                let line = Line { stream, peer: uri.to_string(), peer_done: false, sent: 0 };
                return Ok(Box::new(line));
            }
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EHOSTUNREACH));
    Err(Fault::of(format_args!("cannot connect to {uri}"), &error).into())
}

fn resolve(host: &str, port: u16, pace: &mut Pace<'_>) -> Result<Vec<SocketAddr>, Trouble> {
    if let Ok(address) = host.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = (host.to_owned(), port);
    let limit = pace.desk().timing.connect;
    let found = pace.apart(limit, move || name.to_socket_addrs().map(|found| found.take(16).collect::<Vec<_>>()))?;
    match found {
        Some(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Some(Err(error)) => Err(Fault::new(14, true, format!("cannot resolve {host}: {error}")).into()),
        Some(Ok(_)) => Err(Fault::new(14, true, format!("cannot resolve {host}: it has no address")).into()),
        None => Err(Fault::new(40, true, format!("cannot resolve {host}: it took too long")).into()),
    }
}

fn dial(address: SocketAddr, limit: Duration, pace: &mut Pace<'_>) -> Result<io::Result<TcpStream>, Trouble> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = match socket(family, SockType::Stream, flags, None) {
        Ok(fd) => fd,
        Err(error) => return Ok(Err(error.into())),
    };
    let connecting = match address {
        SocketAddr::V4(address) => connect(fd.as_raw_fd(), &SockaddrIn::from(address)),
        SocketAddr::V6(address) => connect(fd.as_raw_fd(), &SockaddrIn6::from(address)),
    };
    match connecting {
        Ok(()) => {}
        Err(nix::Error::EINPROGRESS | nix::Error::EINTR) => {
            let until = Instant::now() + limit;
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(Err(io::Error::from_raw_os_error(libc::ETIMEDOUT)));
                }
                if !pace.wait(fd.as_fd(), PollFlags::POLLOUT, Some(left))?.is_empty() {
                    break;
                }
            }
        }
        Err(error) => return Ok(Err(error.into())),
    }
    Ok(ready(fd))
}

fn ready(fd: OwnedFd) -> io::Result<TcpStream> {
    let stream = TcpStream::from(fd);
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    stream.set_nodelay(true)?;
    // A printer that was switched off while a kept connection was idle is noticed after two minutes.
    setsockopt(&stream, sockopt::KeepAlive, &true)?;
    setsockopt(&stream, sockopt::TcpKeepIdle, &60)?;
    setsockopt(&stream, sockopt::TcpKeepInterval, &15)?;
    setsockopt(&stream, sockopt::TcpKeepCount, &4)?;
    linger(&stream, true)?;
    Ok(stream)
}

/// Whether dropping the socket resets the connection.
fn linger(stream: &TcpStream, reset: bool) -> io::Result<()> {
    let value = libc::linger { l_onoff: i32::from(reset), l_linger: 0 };
    setsockopt(stream, sockopt::Linger, &value)?;
    Ok(())
}

impl Line {
    fn fault(&self, doing: &str, error: &io::Error) -> Trouble {
        Fault::of(format_args!("{doing} {}", self.peer), error).into()
    }

    /// Reads and throws away what the printer says.
    fn discard(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        // A chatterbox must not keep us from printing: so much at a time.
        for _ in 0..16 {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.peer_done = true;
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for `events`, and listens to the printer meanwhile.
    fn wait(&mut self, events: PollFlags, timeout: Option<Duration>, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        let listen = if self.peer_done { PollFlags::empty() } else { PollFlags::POLLIN };
        let ready = pace.wait(self.stream.as_fd(), events | listen, timeout)?;
        self.heard(ready).map_err(|error| self.fault("while printing to", &error))
    }

    fn heard(&mut self, ready: PollFlags) -> io::Result<()> {
        if ready.contains(PollFlags::POLLIN) {
            self.discard()?;
        }
        if ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP) {
            return Err(self.stream.take_error()?.unwrap_or_else(|| io::Error::from_raw_os_error(libc::ECONNRESET)));
        }
        Ok(())
    }

    /// After the kernel refused octets: waits if it only was full.
    fn refused(&mut self, error: io::Error, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => self.wait(PollFlags::POLLOUT, None, pace),
            _ => Err(self.fault("while printing to", &error)),
        }
    }

    fn took(&mut self, n: u64, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        self.sent += n;
        pace.went(n)
    }

    fn part(&mut self, pace: &mut Pace<'_>) -> Closing {
        let bell = &pace.desk().bell;
        let began = Instant::now();
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            return Closing::Reset(format!("cannot close {}: {error}", self.peer));
        }
        loop {
            if let Err(error) = self.discard() {
                return Closing::Reset(format!("while closing {}: {error}", self.peer));
            }
            if self.peer_done {
                return Closing::Clean;
            }
            // When the process ends it does not wait out a slow peer.
            let settle = pace.desk().timing.settle;
            let limit = if bell.stopping() { settle.min(PARTING) } else { settle };
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                let seconds = began.elapsed().as_secs();
                return Closing::Quiet(format!("the peer took every byte and did not close within {seconds} s"));
            }
            if let Err(error) = bell.wait(Some((self.stream.as_fd(), PollFlags::POLLIN)), Some(left)) {
                return Closing::Quiet(format!("the peer took every byte; its close could not be awaited: {error}"));
            }
        }
    }
}

impl Connection for Line {
    fn begin(&mut self, _: &Pieces, _: Option<&FilePosition>, _: &mut Pace<'_>) -> Result<Start, Trouble> {
        self.sent = 0;
        Ok(Start::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        match chunk {
            Chunk::Bytes(mut bytes) => {
                while !bytes.is_empty() {
                    match io::Write::write(&mut self.stream, bytes) {
                        Ok(n) => {
                            bytes = &bytes[n..];
                            self.took(n as u64, pace)?;
                        }
                        Err(error) => self.refused(error, pace)?,
                    }
                }
                Ok(())
            }
            Chunk::Document(index, file, Range { start, end: size }) => {
                let mut done = start;
                while done < size {
                    match send_file(self.stream.as_fd(), file, done, (size - done).min(STEP)) {
                        Ok(0) => return Err(ended(index, done, size)),
                        Ok(n) => {
                            done += n;
                            self.took(n, pace)?;
                        }
                        Err(error) if source_failed(&error, file, done) => {
                            return Err(Trouble::Source(index, format!("cannot be read: {error}")));
                        }
                        Err(error) => self.refused(error, pace)?,
                    }
                }
                Ok(())
            }
        }
    }

    fn finish(&mut self, pace: &mut Pace<'_>) -> Result<Delivery, Trouble> {
        let began = Instant::now();
        let mut wait = Growing::new(Duration::from_millis(1), Duration::from_millis(200));
        let mut slow = Growing::new(Duration::from_millis(400), Duration::from_secs(2));
        loop {
            let left = unacknowledged(self.stream.as_fd()).map_err(|error| self.fault("while printing to", &error))?;
            if left == 0 {
                // The last acknowledgement and a reset may have come together.
                if let Some(error) = self.stream.take_error().unwrap_or(None) {
                    return Err(self.fault("while printing to", &error));
                }
                self.sent = 0;
                return Ok(Delivery::Transferred);
            }
            // Nothing tells when the last byte is acknowledged, so it is asked for; a printer out of paper, less often.
            let next = if began.elapsed() < Duration::from_secs(30) { wait.wait() } else { slow.wait() };
            self.wait(PollFlags::empty(), Some(next), pace)?;
        }
    }

    fn undo(&mut self) -> Undone {
        // Dropping the socket resets the connection: it was opened so.
        Undone { touched: self.sent > 0, usable: self.sent == 0 }
    }

    fn close(mut self: Box<Self>, pace: &mut Pace<'_>) -> Closing {
        let closing = self.part(pace);
        if !matches!(closing, Closing::Reset(_)) && linger(&self.stream, false).is_err() {
            pace.desk().log.line(format_args!("{}: SO_LINGER cannot be changed", self.peer));
        }
        closing
    }

    fn watch(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn idle(&mut self) -> Idle {
        let seen = match self.stream.take_error() {
            Ok(None) => self.discard(),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match seen {
            Err(error) => Idle::Reset(format!("{}: {error}", self.peer)),
            Ok(()) if self.peer_done => Idle::HungUp("the peer hung up".into()),
            Ok(()) => Idle::Quiet,
        }
    }

    fn shared_stream(&self) -> bool {
        true
    }
}
