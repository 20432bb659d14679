//! Keeps services announced on the local network, through Avahi.
//!
//! Who speaks on the network is `avahi-daemon`; here is no socket for it. For each service a child holds its registration as long as
//! it lives: `avahi-publish-service`, which waits for a daemon that does not run, registers again when it has been away, and takes
//! another name where two machines have the same one. What it says is read here, and told.
//!
//! States of a service: begun → it waits for the daemon, or is announced, under its name or another one → its child has ended. Then
//! it is started again: at once under another name where this machine has the name already, else after a pause that grows to a
//! minute. A child ends with the server, however that ends, and Avahi withdraws what its child had.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use spoolsuite::model::event::EventWord;
use spoolsuite::model::printable::escaped;
use spoolsuite::sys::spawn;

use super::announced::{MOST_NAME, Service, cut};

/// What holds a registration (Debian: avahi-utils).
const PROGRAM: &str = "/usr/bin/avahi-publish-service";
/// The pauses before a child is started again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// Names that are tried for one service where this machine has them already.
const MOST_NAMES: u32 = 20;
/// Octets that a child may say without an end of line.
const MOST_SAID: usize = 4096;

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is known yet.
    Begun,
    /// The daemon does not run.
    Waits,
    /// It is announced under this name.
    Announced(String),
    /// Its child has ended with these words.
    Failed(String),
}

/// A service that is to be announced.
struct Held {
    service: Service,
    /// Which of its names is tried; 1 = its own.
    number: u32,
    child: Option<(Child, File)>,
    said: Vec<u8>,
    /// The last words of its child that were an error.
    last: String,
    state: State,
    tries: u32,
    next: Instant,
}

/// A name of a service, the so many-th that is tried.
fn numbered(name: &str, number: u32) -> String {
    if number <= 1 {
        return name.to_owned();
    }
    let number = format!(" #{number}");
    cut(name, MOST_NAME - number.len()) + &number
}

impl Held {
    fn new(service: Service) -> Self {
        let (said, last) = (Vec::new(), String::new());
        Self { service, number: 1, child: None, said, last, state: State::Begun, tries: 0, next: Instant::now() }
    }

    fn begin(&mut self) {
        let Service { name, kind, subtypes, port, text } = &self.service;
        let mut words = vec!["-v".to_owned(), "-f".to_owned()];
        words.extend(subtypes.iter().map(|subtype| format!("--subtype={subtype}")));
        // What begins with a dash is no option of ours.
        words.extend(["--".to_owned(), numbered(name, self.number), (*kind).to_owned(), port.to_string()]);
        words.extend(text.iter().cloned());
        self.said.clear();
        self.last.clear();
        match start(&words) {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                let why = match error.kind() {
                    io::ErrorKind::NotFound => format!("{PROGRAM} is not there (Debian: avahi-utils)"),
                    _ => format!("{PROGRAM}: {error}"),
                };
                self.fails(why);
            }
        }
    }

    fn fails(&mut self, why: String) {
        self.state = State::Failed(why);
        self.next = Instant::now() + FIRST_PAUSE.saturating_mul(1 << self.tries.min(5)).min(LAST_PAUSE);
        self.tries += 1;
    }

    /// Reads what the child says, and starts it where there is none.
    fn look(&mut self) {
        let Some((child, errors)) = &mut self.child else {
            if Instant::now() >= self.next {
                self.begin();
            }
            return;
        };
        let ended = !matches!(child.try_wait(), Ok(None));
        let mut buffer = [0; 1024];
        while let Ok(n @ 1..) = errors.read(&mut buffer) {
            self.said.extend_from_slice(buffer.get(..n).unwrap_or_default());
            while let Some(end) = self.said.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.said.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                match said(&line) {
                    Some(state) => {
                        self.tries = 0;
                        self.state = state;
                    }
                    None if line.starts_with("Failed") => self.last = escaped(&line),
                    None => {}
                }
            }
            if self.said.len() > MOST_SAID {
                self.said.clear();
            }
        }
        if ended {
            self.child = None;
            if self.last.contains("Local name collision") && self.number < MOST_NAMES {
                self.number += 1;
                self.state = State::Begun;
                self.begin();
                return;
            }
            let why = if self.last.is_empty() { format!("{PROGRAM} has ended") } else { self.last.clone() };
            self.fails(why);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(words: &[String]) -> io::Result<(Child, File)> {
    let (read, write) = io::pipe()?;
    let child = spawn::holding_program(Path::new(PROGRAM), words, write.into())?;
    let read = OwnedFd::from(read);
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((child, File::from(read)))
}

/// What a line of a child says of its service.
fn said(line: &str) -> Option<State> {
    if let Some(name) = line.strip_prefix("Established under name '") {
        return Some(State::Announced(name.trim_end_matches('\'').to_owned()));
    }
    let waits = line.starts_with("Waiting for daemon") || line.starts_with("Disconnected, reconnecting");
    waits.then_some(State::Waits)
}

/// The services of one door.
#[derive(Default)]
pub struct Announcer {
    held: Vec<Held>,
    /// Whether some were left out.
    has_more: bool,
    /// The names that were taken, as they were told.
    renamed: Vec<String>,
    told: String,
}

/// What is told: the word of the event, and the words.
pub type Told = (EventWord, String);

impl Announcer {
    /// Has these services announced, and no others; `has_more` says that there are more than are announced.
    pub fn want(&mut self, services: Vec<Service>, has_more: bool) {
        self.has_more = has_more;
        self.held.retain(|held| services.contains(&held.service));
        for service in services {
            if !self.held.iter().any(|held| held.service == service) {
                self.held.push(Held::new(service));
            }
        }
    }

    /// Withdraws all.
    pub fn withdraw(&mut self) {
        self.want(Vec::new(), false);
    }

    /// Sees how the services stand, and starts what has ended. Returns what is worth telling.
    pub fn look(&mut self) -> Vec<Told> {
        self.held.iter_mut().for_each(Held::look);
        let mut told = Vec::new();
        let renamed: Vec<String> = self.held.iter().filter_map(renamed).collect();
        for line in renamed.iter().filter(|line| !self.renamed.contains(line)) {
            told.push((EventWord::Remark, line.clone()));
        }
        self.renamed = renamed;
        // While something has just begun nothing is said.
        if !self.held.iter().any(|held| held.state == State::Begun) {
            let state = self.state();
            if state != self.told && !(self.told.is_empty() && self.held.is_empty()) {
                let is_well = self.held.iter().all(|held| matches!(held.state, State::Announced(_)));
                let word = match is_well {
                    _ if self.held.is_empty() => EventWord::Remark,
                    true => EventWord::Recovered,
                    false => EventWord::Error,
                };
                told.push((word, state.clone()));
            }
            self.told = state;
        }
        told
    }

    /// How they stand, in words.
    pub fn state(&self) -> String {
        let count = |is: fn(&State) -> bool| self.held.iter().filter(|held| is(&held.state)).count();
        let announced = count(|state| matches!(state, State::Announced(_)));
        let failed = self.held.iter().find_map(|held| match &held.state {
            State::Failed(why) => Some(why.as_str()),
            _ => None,
        });
        let all = self.held.len();
        let mut text = match (failed, count(|state| *state == State::Waits)) {
            _ if all == 0 => "nothing is announced".to_owned(),
            (Some(why), _) => format!("{announced} of {all} announced: {why}"),
            (None, 1..) => format!("{announced} of {all} announced: avahi-daemon does not run"),
            (None, 0) => format!("{announced} of {all} announced"),
        };
        for line in &self.renamed {
            text.push_str("; ");
            text.push_str(line);
        }
        if self.has_more {
            text.push_str("; more than these are not announced");
        }
        text
    }
}

/// What is said of a service that has another name than its own.
fn renamed(held: &Held) -> Option<String> {
    match &held.state {
        State::Announced(name) if *name != held.service.name => {
            let (own, other) = (&held.service.name, escaped(name));
            Some(format!("'{own}' ({}) is announced as '{other}': the name is taken", held.service.kind))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_is_understood() {
        assert_eq!(said("Established under name 'a's @ b'"), Some(State::Announced("a's @ b".to_owned())));
        assert_eq!(said("Waiting for daemon ..."), Some(State::Waits));
        assert_eq!(said("Disconnected, reconnecting ..."), Some(State::Waits));
        assert_eq!(said("Server version: avahi 0.8; Host name: x"), None);
        assert_eq!((numbered("a", 1).as_str(), numbered("a", 3).as_str()), ("a", "a #3"));
        assert_eq!(numbered(&"x".repeat(80), 12).len(), MOST_NAME);
    }

    #[test]
    fn pauses_grow_and_end_at_a_minute() {
        let service =
            Service { name: String::new(), kind: "_ipp._tcp", subtypes: Vec::new(), port: 1, text: Vec::new() };
        let mut held = Held::new(service);
        for _ in 0..40 {
            held.fails("no".to_owned());
            assert!(held.next <= Instant::now() + LAST_PAUSE);
        }
    }
}
