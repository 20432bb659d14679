//! The client's half of operations over the network: `pdconnect`, between a command and a server.
//!
//! A command starts it with a socket as standard input and speaks to it as to a server of this machine: frames, with open files
//! beside them. It sends the frames on, and the documents in pieces behind them. Whatever keeps it from the server, it says as the
//! server's hello or reply would: the command has words, and no second way to hear them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustls::ClientConnection;
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::spool::interface::operations::{Reply, Request};
use spoolsuite::sys::socket::{self, Deadline};
use spoolsuite::wire::frame::{self, Kind};
use spoolsuite::wire::hello::Hello;
use spoolsuite::wire::pieces::Piece;

use crate::Purpose;
use crate::clock::Clock;
use crate::frames::{self, Frame};
use crate::members::{ANNOUNCED, DAY};
use crate::place::Place;
use crate::stream::{HANDSHAKE, Secure};
use crate::tls::{Client, Trouble};

/// How long the other side may take to read what it is told.
const STEP: Duration = Duration::from_secs(30);
/// How often a document of which nothing comes says that it goes on.
const BEAT: Duration = Duration::from_secs(10);
/// Octets that are read of a document at once.
const READ: usize = 64 * 1024;

/// Where the credentials of a person lie: `PD_CREDENTIALS`, or below the home directory one directory for each group.
///
/// # Errors
/// When there is no home, or several groups could be meant.
pub fn place_of_person(env: &dyn Fn(&str) -> Option<std::ffi::OsString>, address: &str) -> Result<Place, Failure> {
    if let Some(dir) = env("PD_CREDENTIALS").filter(|dir| !dir.is_empty()) {
        return Ok(Place::at(PathBuf::from(dir)));
    }
    let root = groups_of_person(env)?;
    let mut places: Vec<Place> = match std::fs::read_dir(&root) {
        Ok(found) => found.flatten().map(|entry| Place::at(entry.path())).filter(Place::is_member).collect(),
        Err(_) => Vec::new(),
    };
    if places.len() > 1 {
        let knows = |place: &Place| {
            let joined = place.joined().ok().flatten().is_some_and(|joined| joined.address == address);
            joined
                || place
                    .group()
                    .is_ok_and(|group| group.servers().any(|server| server.address.as_deref() == Some(address)))
        };
        let meant: Vec<Place> = places.iter().filter(|place| knows(place)).cloned().collect();
        if meant.len() == 1 {
            places = meant;
        }
    }
    match places.len() {
        0 => Ok(Place::at(root.join("none"))),
        1 => Ok(places.remove(0)),
        n => {
            let what =
                format!("you are a member of {n} groups, and none of them is known to have a server at {address}");
            let failure = Failure::new(FailureKind::Unreachable, what);
            Err(places
                .iter()
                .fold(failure, |failure, place| failure.hint(format!("PD_CREDENTIALS={}", place.dir().display()))))
        }
    }
}

/// The directory that has one directory for each group of a person.
///
/// # Errors
/// When there is no home.
pub fn groups_of_person(env: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Result<PathBuf, Failure> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config =
        set("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| Some(set("HOME")?.join(".config")));
    config.map(|config| config.join("pd")).ok_or_else(|| {
        Failure::new(FailureKind::Unreachable, "HOME is not set: there is no place for certificates")
            .hint("PD_CREDENTIALS=DIR says where they are")
    })
}

/// What the certificate at `place` is about to do, in words; none while it is good for long.
pub fn warning(place: &Place, now: u64) -> Option<String> {
    let own = place.credentials().ok()?;
    let digest = crate::token::digest(&own.certificate);
    let group = place.group().ok()?;
    let member = group.members.iter().find(|member| member.certificate == digest)?;
    let left = member.ends.saturating_sub(now);
    if left > ANNOUNCED {
        return None;
    }
    Some(match left / DAY {
        0 if left == 0 => "your certificate has ended: an administrator invites you anew".to_owned(),
        days => format!("your certificate ends in {days} days: pdserver renew makes a new one"),
    })
}

/// Connects a command, at the other end of `command`, with the server at `address`. Returns the exit status.
pub fn run(command: &UnixStream, address: &str, place: &Place, clock: &Clock) -> u8 {
    let connected = || -> Result<Secure<ClientConnection>, (Trouble, Failure)> {
        let own = place.credentials().map_err(|failure| {
            let what = format!("{address}: wrong certificate: you have none: {}", failure.message);
            let hints = failure.hints.clone();
            (Trouble::Certificate, hints.into_iter().fold(Failure::new(FailureKind::Unreachable, what), Failure::hint))
        })?;
        let client =
            Client::member(own, Purpose::Operations, clock).map_err(|failure| (Trouble::Certificate, failure))?;
        client.connect(address, HANDSHAKE).map_err(|failure| (trouble_of(&failure), failure))
    };
    let mut stream = match connected() {
        Ok(stream) => stream,
        Err((trouble, failure)) => {
            say_hello(command, &with_way_out(&failure));
            return trouble.status();
        }
    };
    if let Some(warning) = warning(place, clock.now()) {
        // Nobody reads a closed standard error.
        let _ = writeln!(io::stderr(), "pdconnect: {warning}");
    }
    match relay(command, &mut stream, address) {
        Ok(()) => {
            stream.end();
            0
        }
        Err(trouble) => trouble.status(),
    }
}

fn trouble_of(failure: &Failure) -> Trouble {
    let named = |trouble: &Trouble| failure.message.contains(&format!(": {}: ", trouble.words()));
    Trouble::ALL.into_iter().find(named).unwrap_or(Trouble::NoServer)
}

/// Tells a command why there is no server.
pub fn refuse(command: &UnixStream, failure: &Failure) {
    say_hello(command, &with_way_out(failure));
}

/// A hello has room for one line.
fn with_way_out(failure: &Failure) -> String {
    failure.hints.iter().fold(failure.message.clone(), |line, hint| format!("{line} ({hint})"))
}

/// Says why there is no server, as a server would that refuses.
fn say_hello(command: &UnixStream, why: &str) {
    let until = Deadline::after(STEP);
    let hello = Hello { refusal: Some(why.to_owned()), ..spoolsuite::client::our_hello() };
    // Both are read and dropped: a socket that is closed with unread octets in it loses what was written to it.
    let _ = frames::from_socket(command, &[Kind::Hello], until, STEP);
    if let Ok(frame) = frame::encode(Kind::Hello, &hello, 0) {
        let _ = socket::send(command, &frame, &[], until);
    }
    let _ = command.shutdown(std::net::Shutdown::Write);
    let _ = frames::from_socket(command, &[Kind::Request], until, STEP);
}

fn relay(command: &UnixStream, stream: &mut Secure<ClientConnection>, address: &str) -> Result<(), Trouble> {
    let mut expected = Kind::Hello;
    loop {
        let tcp = std::sync::Arc::clone(stream.timed().tcp());
        // A server that ends closes an idle connection: the command then connects anew for its next request.
        let (asks, ended) = frames::wait_for_either(command, &*tcp, None).map_err(|error| Trouble::of(&error))?;
        if !asks {
            if ended {
                return idle_end(command, stream, expected, address);
            }
            continue;
        }
        let frame = frames::from_socket(command, &[expected], Deadline::after(STEP), STEP)
            .map_err(|error| Trouble::of(&error))?;
        let Some(frame) = frame else { return Ok(()) };
        let exchanged = exchange(command, stream, frame, expected, address);
        match exchanged {
            Ok(true) => expected = Kind::Request,
            Ok(false) => return Ok(()),
            Err((trouble, failure)) => {
                match expected {
                    Kind::Hello => say_late_hello(command, &with_way_out(&failure)),
                    _ => say_reply(command, failure),
                }
                return Err(trouble);
            }
        }
    }
}

/// The server has closed the connection, or says something that nobody has asked for.
fn idle_end(
    command: &UnixStream,
    stream: &mut Secure<ClientConnection>,
    expected: Kind,
    address: &str,
) -> Result<(), Trouble> {
    let read = stream.read(&mut [0]);
    match (read, expected) {
        (Err(error), Kind::Hello) => {
            let trouble = Trouble::of(&error);
            say_hello(command, &with_way_out(&trouble.failure(address, &error)));
            Err(trouble)
        }
        _ => Ok(()),
    }
}

fn say_late_hello(command: &UnixStream, why: &str) {
    let hello = Hello { refusal: Some(why.to_owned()), ..spoolsuite::client::our_hello() };
    if let Ok(frame) = frame::encode(Kind::Hello, &hello, 0) {
        let _ = socket::send(command, &frame, &[], Deadline::after(STEP));
    }
    let _ = command.shutdown(std::net::Shutdown::Write);
    let _ = frames::from_socket(command, &[Kind::Request], Deadline::after(STEP), STEP);
}

fn say_reply(command: &UnixStream, failure: Failure) {
    if let Ok(frame) = frame::encode(Kind::Reply, &Reply::Failed(failure), 0) {
        let _ = socket::send(command, &frame, &[], Deadline::after(STEP));
    }
}

/// Sends a frame and its documents, and brings the answer back. False when the connection is of no use after it.
fn exchange(
    command: &UnixStream,
    stream: &mut Secure<ClientConnection>,
    frame: Frame,
    kind: Kind,
    address: &str,
) -> Result<bool, (Trouble, Failure)> {
    let looks = match kind {
        Kind::Request => frame::decode::<Request>(frame.body()).is_ok_and(|request| request.effect().only_looks()),
        _ => true,
    };
    let lost = |error: &io::Error, sent: bool| {
        let trouble = Trouble::of(error);
        let failure = trouble.failure(address, error);
        // What was sent completely may have been carried out.
        let failure = match sent && !looks {
            true => Failure { message: format!("{}; the outcome is not known", failure.message), ..failure },
            false => failure,
        };
        (
            trouble,
            Failure { kind: if sent && !looks { FailureKind::Unknown } else { FailureKind::Unreachable }, ..failure },
        )
    };
    stream.timed().set_patience(STEP);
    let sent = stream.write_all(&frame.octets).and_then(|()| stream.flush());
    // A server that refuses closes the connection while we send: its words are there all the same.
    let mut whole = sent.is_ok();
    if whole {
        for file in frame.files {
            match pump(command, stream, file) {
                Ok(true) => {}
                Ok(false) => {
                    whole = false;
                    break;
                }
                Err(Cut::Source(error)) => {
                    let what = format!("a document cannot be read: {error}");
                    return Err((Trouble::Lost, Failure::new(FailureKind::Io, what)));
                }
                Err(Cut::Command) => return Ok(false),
                Err(Cut::Network(error)) => return Err(lost(&error, false)),
            }
        }
    }
    // The command says how long it waits: it closes its end when it does no longer.
    stream.timed().set_patience(STEP);
    loop {
        let tcp = std::sync::Arc::clone(stream.timed().tcp());
        if stream.has_news() {
            break;
        }
        match frames::wait_for_either(command, &*tcp, None) {
            Ok((_, true)) => break,
            // Kind Hello: the first request waits there already, and is no end.
            Ok((true, false)) if kind == Kind::Hello => {
                frames::wait_for_either(&*tcp, &*tcp, Some(STEP)).map_err(|error| lost(&error, whole))?;
                break;
            }
            Ok((true, false)) => return Ok(false),
            Ok((false, false)) => {}
            Err(error) => return Err(lost(&error, whole)),
        }
    }
    let kinds = [Kind::Reply, Kind::Hello];
    let answer = frames::from_network(stream, &kinds, |_| ()).and_then(|answer| {
        answer.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed the connection"))
    });
    let answer = answer.map_err(|error| lost(&error, whole))?;
    socket::send(command, &answer.octets, &[], Deadline::after(STEP)).map_err(|error| lost(&error, whole))?;
    Ok(whole)
}

/// What ends a document early.
enum Cut {
    /// It cannot be read.
    Source(io::Error),
    /// The command is gone.
    Command,
    /// The connection is lost.
    Network(io::Error),
}

/// Sends a document. False when the server does not want the rest of it.
fn pump(command: &UnixStream, stream: &mut Secure<ClientConnection>, file: OwnedFd) -> Result<bool, Cut> {
    let mut file = File::from(file);
    let mut buffer = vec![0; READ];
    loop {
        let (comes, gone) = frames::wait_for_either(&file, command, Some(BEAT)).map_err(Cut::Source)?;
        // Before the answer a command only closes its end.
        if gone {
            return Err(Cut::Command);
        }
        let piece = if comes {
            match file.read(&mut buffer) {
                Ok(0) => Piece::End,
                Ok(n) => Piece::Octets(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Cut::Source(error)),
            }
        } else {
            Piece::Waits
        };
        let octets = match piece {
            Piece::Octets(n) => buffer.get(..n).unwrap_or_default(),
            _ => &[],
        };
        let sent = stream.write_all(&piece.encode()).and_then(|()| stream.write_all(octets));
        let sent = if matches!(piece, Piece::Octets(_)) { sent } else { sent.and_then(|()| stream.flush()) };
        if sent.is_err() || stream.has_news() {
            // What it says is read where answers are read.
            return match sent {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Cut::Network(error)),
                _ if piece == Piece::End => Ok(true),
                _ => Ok(false),
            };
        }
        if piece == Piece::End {
            return Ok(true);
        }
    }
}
