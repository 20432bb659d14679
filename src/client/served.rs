//! A spool behind the socket of a server: one of this machine, or one on the network.
//!
//! The kernel tells the server who calls. Documents travel as open descriptors: the server reads what the user opened,
//! with his own rights, and opens no path of his. Of descriptors only files and pipes travel; what else can be read (a
//! terminal, a socket, a device) a thread here copies into a pipe, so that the server meets nothing that it does not know.
//!
//! A server on the network is reached through `pdconnect`, a program of its own beside us that speaks TLS with it: what that
//! needs is not in us. It reads what we opened, and streams it; a link cannot travel, and is refused here.
//!
//! A connection that is lost between two requests is made anew: a prompt outlives a restart of the server. Within a request
//! that changes something nobody knows what became of it, and the failure says so.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::stat::{SFlag, fstat};

use super::Remote;
use super::remote::REPLY_DEADLINE;
use crate::model::job::Transfer;
use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::{Carrier, Reply, Request};
use crate::sys::{socket, spawn};

/// Octets that a server takes in a second at the least: a submission may take so long that this is true.
const SLOWEST: u64 = 1 << 20;
/// How long a submission may take of which nobody knows how long it is.
const AS_LONG_AS_IT_COMES: Duration = Duration::from_secs(366 * 24 * 3600);

/// A spool that a server has.
#[derive(Debug)]
pub struct ServedSpool {
    place: ServerPlace,
    remote: Option<Remote>,
}

/// Where a server is found.
#[derive(Clone, Debug)]
enum ServerPlace {
    /// It listens at this path.
    Socket(PathBuf),
    /// `HOST:PORT`.
    Network(String),
}

impl ServedSpool {
    /// Connects to the server that listens at `path`.
    ///
    /// # Errors
    /// `Unreachable` when nobody listens there, with the reason.
    pub fn connect(path: &Path) -> Result<Self, Failure> {
        let place = ServerPlace::Socket(path.to_owned());
        Ok(Self { remote: Some(place.connect()?), place })
    }

    /// Connects to the server at `address` on the network. Whether it is there, and lets us in, the first request tells.
    ///
    /// # Errors
    /// `Unreachable` when the program that connects cannot be started.
    pub fn on_network(address: &str) -> Result<Self, Failure> {
        let place = ServerPlace::Network(address.to_owned());
        Ok(Self { remote: Some(place.connect()?), place })
    }
}

impl ServerPlace {
    fn connect(&self) -> Result<Remote, Failure> {
        match self {
            Self::Socket(path) => connect(path),
            Self::Network(address) => connect_through(address),
        }
    }

    /// Refuses what only a server of this machine can do.
    fn allows(&self, request: &Request) -> Result<(), Failure> {
        let (Self::Network(address), Request::Submit { submission }) = (self, request) else { return Ok(()) };
        if submission.documents.iter().all(|document| document.transfer == Transfer::Copy) {
            return Ok(());
        }
        let what = format!("the server at {address} cannot follow a link into this machine");
        Err(Failure::new(FailureKind::BadValue, what).hint("without -l the server gets a copy of the document"))
    }
}

/// The program that connects to servers on the network.
const CONNECTOR: &str = "pdconnect";

fn connect_through(address: &str) -> Result<Remote, Failure> {
    let (near, far) =
        UnixStream::pair().map_err(|error| Failure::new(FailureKind::Io, format!("no socket: {error}")))?;
    spawn::connector(CONNECTOR, far, address).map_err(|error| {
        let failure = match error.kind() {
            io::ErrorKind::NotFound => {
                format!("{address}: {CONNECTOR}, which connects to servers on the network, is not beside us")
            }
            _ => format!("{address}: {CONNECTOR} cannot be started: {error}"),
        };
        Failure::new(FailureKind::Unreachable, failure)
            .hint("it is built and installed together with pdserver")
            .hint("PD_SOCKET=/PATH reaches a server of this machine")
    })?;
    Ok(Remote::new(near))
}

fn connect(path: &Path) -> Result<Remote, Failure> {
    let why = |error: io::Error| {
        let place = path.display();
        let failure = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no server at {place}"),
            io::ErrorKind::ConnectionRefused => format!("nobody listens at {place}: the server has ended"),
            io::ErrorKind::PermissionDenied => format!("you may not use the server at {place}"),
            io::ErrorKind::WouldBlock => format!("the server at {place} does not answer: too many wait for it"),
            _ => format!("cannot reach the server at {place}: {error}"),
        };
        Failure::new(FailureKind::Unreachable, failure)
            .hint("an administrator starts it: systemctl start pdserver")
            .hint("with PDBASE=DIR commands use the spool in DIR, a directory of your own")
    };
    Ok(Remote::new(socket::connect(path).map_err(why)?))
}

/// What travels, and how long the server may take to read it.
fn travelling(files: Vec<OwnedFd>) -> io::Result<(Vec<OwnedFd>, Duration)> {
    let mut deadline = REPLY_DEADLINE;
    let mut travel = Vec::with_capacity(files.len());
    for file in files {
        let meta = fstat(&file)?;
        let kind = SFlag::from_bits_truncate(meta.st_mode) & SFlag::S_IFMT;
        if kind == SFlag::S_IFREG {
            let octets = u64::try_from(meta.st_size).unwrap_or(0);
            deadline = deadline.saturating_add(Duration::from_secs(octets / SLOWEST));
            travel.push(file);
            continue;
        }
        deadline = AS_LONG_AS_IT_COMES;
        travel.push(if kind == SFlag::S_IFIFO { file } else { piped(file)? });
    }
    Ok((travel, deadline))
}

/// The reading end of a pipe into which a thread copies `file`.
fn piped(file: OwnedFd) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    std::thread::Builder::new().name("document".into()).spawn(move || {
        // A source that fails ends the document early; whoever typed it sees that himself.
        let _ = io::copy(&mut File::from(file), &mut writer);
    })?;
    Ok(reader.into())
}

impl Carrier for ServedSpool {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        self.place.allows(&request)?;
        let (files, deadline) = travelling(files)
            .map_err(|error| Failure::new(FailureKind::Io, format!("a document cannot be read: {error}")))?;
        if let Some(remote) = &self.remote {
            match remote.exchange(&request, &files, deadline) {
                // The way through the network says what is the matter; trying twice doubles how long that takes.
                Err(failure) if remote.is_refused() && matches!(self.place, ServerPlace::Network(_)) => {
                    self.remote = None;
                    return Err(
                        failure.hint("a spool of this machine is named by its directory: --spooler DIR, -H DIR")
                    );
                }
                // It was not sent, or it only looked: whoever listens there now is asked.
                Err(failure) if failure.kind == FailureKind::Unreachable => self.remote = None,
                Err(failure) => {
                    if failure.kind != FailureKind::BadValue {
                        self.remote = None;
                    }
                    return Err(failure);
                }
                reply => return reply,
            }
        }
        let remote = self.place.connect()?;
        let reply = remote.exchange(&request, &files, deadline);
        if !matches!(&reply, Err(failure) if failure.kind != FailureKind::BadValue) {
            self.remote = Some(remote);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::hello;
    use crate::spool::interface::operations::Operations;
    use crate::sys::socket::Deadline;

    #[test]
    fn who_is_not_there_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let none = ServedSpool::connect(&path).unwrap_err();
        assert_eq!(none.kind, FailureKind::Unreachable);
        assert!(none.message.contains("there is no server"), "{none}");
        drop(socket::listen(&path).unwrap());
        assert!(ServedSpool::connect(&path).unwrap_err().message.contains("nobody listens"));
    }

    #[test]
    fn a_connection_that_ended_between_two_requests_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = socket::listen(&path).unwrap();
        let server = std::thread::spawn(move || {
            let soon = || Deadline::after(Duration::from_secs(20));
            for _ in 0..2 {
                let (stream, _) = listener.accept().unwrap();
                hello::answer(&stream, &hello::ours(), soon()).unwrap();
                use crate::client::channel;
                use crate::wire::frame::{self, Kind};
                channel::receive::<Request>(&stream, Kind::Request, soon(), soon).unwrap().unwrap();
                let reply = Reply::Failed(Failure::new(FailureKind::State, "no"));
                channel::send(&stream, &frame::encode(Kind::Reply, &reply, 0).unwrap(), &[], soon()).unwrap();
            }
        });
        let mut spool = ServedSpool::connect(&path).unwrap();
        assert_eq!(spool.about().unwrap_err().kind, FailureKind::State);
        assert_eq!(spool.about().unwrap_err().kind, FailureKind::State);
        server.join().unwrap();
    }

    #[test]
    fn what_is_neither_a_file_nor_a_pipe_is_streamed() {
        use std::io::Read;
        let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        io::Write::write_all(&mut near, b"from a socket").unwrap();
        drop(near);
        let (mut files, deadline) = travelling(vec![far.into()]).unwrap();
        assert_eq!(deadline, AS_LONG_AS_IT_COMES);
        let mut text = String::new();
        File::from(files.remove(0)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "from a socket");
    }
}
