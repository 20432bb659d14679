//! The door to the network: accepts connections, finds out who is there, and hands each to what it is for.
//!
//! States of a connection: accepted → shaken hands → known → served → ended. Each has a thread, and each state a deadline, so whoever
//! is slow holds only what is his: so many connections of one address that have not proved who they are, so many of one member, so
//! many together. A stranger is told why in one line, or nothing.
//!
//! The list of members is read again when it changes. Whoever is not in it any more is cut off at once, whatever he does at that
//! moment; before each request he is looked up again, so a change that was not noticed lets nobody in.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};
use spoolsuite::client::peer::{PATIENCE, ServePeer};
use spoolsuite::model::{DeviceName, Failure, FailureKind, ServerName};
use spoolsuite::server::served::{Guest, Guests, Log};
use spoolsuite::sys::watch::Watch;

use crate::clock::Clock;
use crate::gate::{self, Connection};
use crate::members::{ANNOUNCED, DAY, Group, Member, Role};
use crate::messages::{self, Answer, LONGEST_QUESTION, Question, hex, unhex};
use crate::place::Place;
use crate::stream::{HANDSHAKE, Secure, Timed};
use crate::{Purpose, authority, tls};

/// Connections at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All together.
    pub all: usize,
    /// Of one address, before they have proved who they are.
    pub strangers: usize,
    /// Of one person.
    pub of_person: usize,
    /// Of one server.
    pub of_server: usize,
    /// How long the handshake may take.
    pub handshake: Duration,
}

/// The usual limits.
pub const LIMITS: Limits = Limits { all: 1000, strangers: 16, of_person: 32, of_server: 64, handshake: HANDSHAKE };

/// How long a member may wait for news of the list.
pub const FOLLOW: Duration = Duration::from_secs(60);
/// How long a member may be silent between two questions.
const BETWEEN: Duration = Duration::from_secs(120);
/// How often the list is read again, whoever says that it did not change.
const NET: Duration = Duration::from_secs(30);
/// Pause after a failed accept: descriptors come back when somebody closes some.
const PAUSE: Duration = Duration::from_millis(500);
/// How long what is under way may take when the server ends.
const PARTING: Duration = Duration::from_secs(5);

/// What a listener is made of.
pub struct Options {
    /// Where certificates and the list are.
    pub place: Place,
    /// The name of this server.
    pub name: ServerName,
    /// Serves operations.
    pub guests: Guests,
    /// Serves other servers, if there is something to serve.
    pub peers: Option<Arc<dyn ServePeer>>,
    /// Finds a device here whose name begins with the name of a server.
    pub local_names: LocalNames,
    /// The time of day.
    pub clock: Clock,
    /// Lines for the log.
    pub log: Log,
    /// See [`LIMITS`].
    pub limits: Limits,
}

/// Finds a device of this spool whose name carries that node.
pub type LocalNames = Arc<dyn Fn(&ServerName) -> Result<Option<DeviceName>, Failure> + Send + Sync>;

/// What was read of the place.
struct Known {
    config: Arc<ServerConfig>,
    group: Group,
}

#[derive(Default)]
struct State {
    closed: bool,
    known: Option<Arc<Known>>,
    next: u64,
    open: HashMap<u64, Open>,
}

/// A connection.
struct Open {
    tcp: Arc<TcpStream>,
    from: IpAddr,
    /// Digest of the certificate, when the other side has proved who it is.
    certificate: Option<String>,
    member: Option<ServerName>,
    /// It has said that it leaves the group, and waits for the answer, which nothing may cut off.
    leaves: bool,
}

struct Shared {
    options: Options,
    address: SocketAddr,
    state: Mutex<State>,
    /// Notified when the list changes, a connection ends, and when all are to end.
    changed: Condvar,
}

/// A listening server. Dropped, it ends.
pub struct Listener {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Listener {
    /// Listens at `address`.
    ///
    /// # Errors
    /// When it cannot, or this server has no certificate.
    pub fn start(address: &str, options: Options) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::new(FailureKind::Unreachable, format!("{address}: {error}"));
        if !options.place.is_member() {
            return Err(Failure::new(
                FailureKind::Unreachable,
                "this server has no certificate, and none listens without one",
            )
            .hint("pdserver invite NAME makes a group with this server as the first")
            .hint("pdserver join TOKEN ADDR:PORT makes it a member of another's"));
        }
        let watch = Watch::new(options.place.dir()).map_err(failure)?;
        let tcp = TcpListener::bind(address).map_err(failure)?;
        let at = tcp.local_addr().map_err(failure)?;
        let shared = Arc::new(Shared { options, address: at, state: Mutex::default(), changed: Condvar::new() });
        shared.read_place();
        if shared.known().is_none() {
            return Err(Failure::new(FailureKind::Unreachable, "the certificates of this server cannot be used"));
        }
        shared.note_own_address();
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let started = std::thread::Builder::new().name(name.into()).spawn(work);
            started.map_err(|error| Failure::new(FailureKind::Io, format!("no thread: {error}")))
        };
        let (accepting, watching) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            thread("network", Box::new(move || accepting.accept(&tcp)))?,
            thread("members", Box::new(move || watching.watch(&watch)))?,
        ];
        Ok(Self { shared, threads })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// How many connections it has.
    pub fn connections(&self) -> usize {
        self.shared.state().open.len()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.close();
        // Whoever waits in `accept` is told by a connection of our own.
        let _ = TcpStream::connect_timeout(&reachable(self.shared.address), Duration::from_secs(1));
        self.shared.options.place.tell();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// An address at which a listener of this machine is reached.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.state().known.clone()
    }

    fn log(&self, line: &str) {
        (self.options.log)(line);
    }

    fn now(&self) -> u64 {
        self.options.clock.now()
    }

    /// Reads certificates and list, and cuts off whoever is no member any more.
    fn read_place(&self) {
        let read = || -> Result<Known, Failure> {
            let config = tls::server(self.options.place.credentials()?, &self.options.clock)?;
            Ok(Known { config, group: self.options.place.group()? })
        };
        let known = match read() {
            Ok(known) => Some(Arc::new(known)),
            Err(failure) if self.options.place.is_member() => {
                // What was known goes on: half a change is no change.
                self.log(&failure.message);
                return;
            }
            // The membership was ended.
            Err(_) => None,
        };
        let now = self.now();
        let mut state = self.state();
        for open in state.open.values().filter(|open| !open.leaves) {
            let Some(certificate) = &open.certificate else { continue };
            if known.as_ref().is_none_or(|known| known.group.bearer(certificate, now).is_err()) {
                let _ = open.tcp.shutdown(Shutdown::Both);
            }
        }
        state.known = known;
        drop(state);
        self.changed.notify_all();
    }

    /// Tells the group where the first server listens; the others say it when they follow.
    fn note_own_address(&self) {
        if !self.options.place.has_authority() {
            return;
        }
        let noted = || -> Result<(), Failure> {
            let _lock = self.options.place.lock()?;
            let mut group = self.options.place.group()?;
            if group.listens_at(&self.options.name, &self.address.to_string()) {
                self.options.place.set_group(&group)?;
            }
            Ok(())
        };
        if let Err(failure) = noted() {
            self.log(&failure.message);
        }
    }

    /// Reads the place again whenever it changes, and says what ends soon.
    fn watch(&self, watch: &Watch) {
        let mut said = HashMap::new();
        loop {
            self.read_place();
            if self.state().closed {
                return;
            }
            self.announce(&mut said);
            if watch.wait(NET).is_err() {
                let state = self.state();
                drop(self.changed.wait_timeout_while(state, NET, |state| !state.closed));
            }
        }
    }

    /// Says, once a day, whose certificate ends soon.
    fn announce(&self, said: &mut HashMap<String, u64>) {
        let Some(known) = self.known() else { return };
        let now = self.now();
        for member in known.group.members.iter().filter(|member| member.revoked.is_none()) {
            let days = member.ends.saturating_sub(now) / DAY;
            if member.ends > now.saturating_add(ANNOUNCED) || said.get(&member.certificate) == Some(&days) {
                continue;
            }
            said.insert(member.certificate.clone(), days);
            let (role, name) = (member.role.word(), &member.name);
            match member.ends > now {
                true => self.log(&format!("the certificate of {role} {name} ends in {days} days")),
                false => self.log(&format!("the certificate of {role} {name} has ended")),
            }
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.state().closed {
                return;
            }
            match accepted {
                Ok((tcp, from)) => self.admit(tcp, from),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    let state = self.state();
                    drop(self.changed.wait_timeout_while(state, PAUSE, |state| !state.closed));
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, tcp: TcpStream, from: SocketAddr) {
        let tcp = Arc::new(tcp);
        let number = {
            let mut state = self.state();
            let strangers = |open: &&Open| open.certificate.is_none() && open.from == from.ip();
            let full = state.open.len() >= self.options.limits.all
                || state.open.values().filter(strangers).count() >= self.options.limits.strangers;
            if full {
                // A stranger is not told: that would take as long as serving him.
                return;
            }
            state.next += 1;
            let number = state.next;
            let open = Open { tcp: Arc::clone(&tcp), from: from.ip(), certificate: None, member: None, leaves: false };
            state.open.insert(number, open);
            number
        };
        let entry = Entry { shared: Arc::clone(self), number };
        let thread = std::thread::Builder::new().name("member".into());
        let started = thread.spawn(move || {
            let shared = Arc::clone(&entry.shared);
            if let Err(error) = shared.meet(&entry, tcp, from) {
                shared.log(&format!("connection of {}: {error}", shared.shown(&entry, from)));
            }
        });
        if let Err(error) = started {
            self.log(&format!("cannot serve one more connection: {error}"));
        }
    }

    fn shown(&self, entry: &Entry, from: SocketAddr) -> String {
        match self.state().open.get(&entry.number).and_then(|open| open.member.clone()) {
            Some(name) => format!("{name} at {from}"),
            None => from.to_string(),
        }
    }

    /// Shakes hands, and finds out who is there.
    fn meet(self: &Arc<Self>, entry: &Entry, tcp: Arc<TcpStream>, from: SocketAddr) -> io::Result<()> {
        let Some(known) = self.known() else { return Ok(()) };
        let until = Instant::now().checked_add(self.options.limits.handshake).unwrap_or_else(Instant::now);
        let connection = ServerConnection::new(Arc::clone(&known.config)).map_err(io::Error::other)?;
        let mut stream = Secure::shake(connection, Timed::new(tcp, PATIENCE), until)?;
        let purpose = stream.purpose();
        let Some(certificate) = stream.certificate() else {
            return match purpose {
                Some(Purpose::Join) => self.join(&mut stream),
                _ => self.refuse(&mut stream, purpose, "it has no certificate"),
            };
        };
        let found = self.bearer(&certificate);
        let member = match found {
            Ok(member) => member,
            Err(why) => return self.refuse(&mut stream, purpose, &why),
        };
        if let Err(why) = self.note(entry, &certificate, &member) {
            return self.refuse(&mut stream, purpose, &why);
        }
        self.uses_new(&certificate);
        match (purpose, member.role) {
            (Some(Purpose::Group), _) => self.group(&mut stream, entry, (&member, &certificate), from),
            (Some(Purpose::Operations), _) => {
                let guest = Guest { name: member.name.to_string(), uid: member.uid, host: member.host.clone() };
                if member.role == Role::Server {
                    return self.refuse(&mut stream, purpose, "a server is no person");
                }
                match self.options.guests.caller(&guest) {
                    Err(failure) => self.refuse(&mut stream, purpose, &failure.message),
                    Ok(caller) => {
                        let admits = || self.bearer(&certificate).map(drop);
                        gate::serve(&mut stream, &self.options.guests, caller, &admits)
                    }
                }
            }
            (Some(Purpose::Peer), Role::Server) => match &self.options.peers {
                Some(peers) => peers.serve(Box::new(stream), &member.name),
                None => self.refuse(&mut stream, purpose, "this server serves no other servers"),
            },
            _ => self.refuse(&mut stream, purpose, "that is not for it"),
        }
    }

    fn bearer(&self, certificate: &str) -> Result<Member, String> {
        let known = self.known().ok_or("this server is in no group any more")?;
        known.group.bearer(certificate, self.now()).cloned()
    }

    /// Says no, in the words of what the connection is for.
    fn refuse(&self, stream: &mut Connection, purpose: Option<Purpose>, why: &str) -> io::Result<()> {
        match purpose {
            Some(Purpose::Operations) => gate::refuse(stream, why)?,
            Some(Purpose::Group | Purpose::Join) => {
                messages::write(stream, &Answer::Refused(why.to_owned()))?;
                stream.end();
            }
            // Nobody else waits for words.
            Some(Purpose::Peer) | None => stream.end(),
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("refused: {why}")))
    }

    /// Notes who a connection belongs to, if he may have one more.
    fn note(&self, entry: &Entry, certificate: &str, member: &Member) -> Result<(), String> {
        let most = match member.role {
            Role::Person => self.options.limits.of_person,
            Role::Server => self.options.limits.of_server,
        };
        let mut state = self.state();
        let of_member = state.open.values().filter(|open| open.member.as_ref() == Some(&member.name)).count();
        if of_member >= most {
            return Err(format!("{} has {of_member} connections, and that is the most", member.name));
        }
        if state.closed {
            return Err("the server is ending".to_owned());
        }
        if let Some(open) = state.open.get_mut(&entry.number) {
            open.certificate = Some(certificate.to_owned());
            open.member = Some(member.name.clone());
        }
        // The list may have changed since the certificate was looked up, and whoever is not noted is not cut off.
        let known = state.known.clone();
        drop(state);
        known.ok_or("this server is in no group any more")?.group.bearer(certificate, self.now()).map(drop)
    }

    /// Who uses a renewed certificate has it: the one before is void.
    fn uses_new(&self, certificate: &str) {
        let has_before = |known: Arc<Known>| {
            known.group.members.iter().any(|member| member.certificate == certificate && member.before.is_some())
        };
        if !self.options.place.has_authority() || !self.known().is_some_and(has_before) {
            return;
        }
        if let Err(failure) = self.change(|group| Ok(group.uses_new(certificate))) {
            self.log(&failure.message);
        }
    }

    /// Changes the list, if `change` says that there is something new in it.
    fn change(&self, change: impl FnOnce(&mut Group) -> Result<bool, Failure>) -> Result<(), Failure> {
        let lock = self.options.place.lock()?;
        let mut group = self.options.place.group()?;
        if change(&mut group)? {
            self.options.place.set_group(&group)?;
        }
        drop(lock);
        self.read_place();
        Ok(())
    }

    /// Admits somebody who has a token.
    fn join(&self, stream: &mut Connection) -> io::Result<()> {
        stream.timed().set_until(Instant::now().checked_add(BETWEEN));
        while let Some(question) = messages::read::<Question>(stream, LONGEST_QUESTION)? {
            let answer = self.answer_stranger(question);
            if let Err(failure) = &answer {
                self.log(&format!("refused a membership: {}", failure.message));
            }
            let is_over = answer.is_err();
            messages::write(stream, &answer.unwrap_or_else(|failure| Answer::Refused(failure.message)))?;
            if is_over {
                break;
            }
        }
        stream.end();
        Ok(())
    }

    fn answer_stranger(&self, question: Question) -> Result<Answer, Failure> {
        let place = &self.options.place;
        let now = self.now();
        match question {
            Question::Look { secret, role, name } => {
                if let Some(why) = authority::judge(place, &secret, role, &name, now)? {
                    return Err(Failure::new(FailureKind::Security, why));
                }
                self.no_local_name(role, &name)?;
                Ok(Answer::Group(place.group()?))
            }
            Question::Join { secret, role, name, request, host } => {
                let request =
                    unhex(&request).ok_or_else(|| Failure::new(FailureKind::BadValue, "that is no request"))?;
                let host = cleaned(&host);
                if let Some(why) = authority::judge(place, &secret, role, &name, now)? {
                    return Err(Failure::new(FailureKind::Security, why));
                }
                self.no_local_name(role, &name)?;
                let who = (role, &name, host.as_str());
                let (certificate, group) =
                    authority::admit(place, &request, who, authority::Grounds::Invited(&secret), now)?;
                self.read_place();
                self.log(&format!("{} {name} is a member now, at {host}", role.word()));
                Ok(Answer::Certificate { certificate: hex(&certificate), group })
            }
            _ => Err(Failure::new(FailureKind::Security, "that is for members")),
        }
    }

    /// A name that a device here carries as its node would mean two things.
    fn no_local_name(&self, role: Role, name: &ServerName) -> Result<(), Failure> {
        if role == Role::Person {
            return Ok(());
        }
        match (self.options.local_names)(name)? {
            None => Ok(()),
            Some(device) => Err(carries_node(&device, name, &self.options.name)),
        }
    }

    /// Answers a member.
    fn group(
        &self,
        stream: &mut Connection,
        entry: &Entry,
        (member, certificate): (&Member, &str),
        from: SocketAddr,
    ) -> io::Result<()> {
        loop {
            stream.timed().set_until(Instant::now().checked_add(BETWEEN));
            let Some(question) = messages::read::<Question>(stream, LONGEST_QUESTION)? else { break };
            let member = match self.bearer(certificate) {
                Ok(now) => Member { name: member.name.clone(), ..now },
                Err(why) => return self.refuse(stream, Some(Purpose::Group), &why),
            };
            let answer = self.answer_member(question, entry, (&member, certificate), from).unwrap_or_else(|failure| {
                self.log(&format!("refused a question of {}: {}", member.name, failure.message));
                Answer::Refused(failure.message)
            });
            let is_over = answer == Answer::Done;
            stream.timed().set_until(Instant::now().checked_add(BETWEEN));
            messages::write(stream, &answer)?;
            if is_over {
                break;
            }
        }
        stream.end();
        Ok(())
    }

    fn answer_member(
        &self,
        question: Question,
        entry: &Entry,
        (member, certificate): (&Member, &str),
        from: SocketAddr,
    ) -> Result<Answer, Failure> {
        let place = &self.options.place;
        let no_authority = || {
            let first = self.known().map(|known| known.group.first.to_string()).unwrap_or_default();
            Failure::new(FailureKind::State, format!("the authority of this group is at {first}"))
        };
        match question {
            Question::Follow { known, listens } => {
                if let (Some(listens), true) = (&listens, place.has_authority()) {
                    let address = heard_at(listens, from)?;
                    let news = |group: &Group| {
                        group.member(&member.name).is_some_and(|now| now.address.as_ref() != Some(&address))
                    };
                    if self.known().is_some_and(|known| news(&known.group)) {
                        self.change(|group| Ok(group.listens_at(&member.name, &address)))?;
                    }
                }
                Ok(self.newer_than(known).map_or(Answer::Same, Answer::Group))
            }
            _ if !place.has_authority() => Err(no_authority()),
            Question::Renew { request } => {
                let request =
                    unhex(&request).ok_or_else(|| Failure::new(FailureKind::BadValue, "that is no request"))?;
                let who = (member.role, &member.name, member.host.as_str());
                let (certificate, group) =
                    authority::admit(place, &request, who, authority::Grounds::Renews(certificate), self.now())?;
                self.read_place();
                self.log(&format!("{} {} has a new certificate", member.role.word(), member.name));
                Ok(Answer::Certificate { certificate: hex(&certificate), group })
            }
            Question::Leave => {
                let now = self.now();
                let _lock = place.lock()?;
                let mut group = place.group()?;
                if member.name == group.first {
                    return Err(Failure::new(FailureKind::State, "the first server cannot leave its group"));
                }
                if group.revoke(&member.name, now) == Some(true) {
                    // Whoever sees the new list may cut off at once who is not in it.
                    if let Some(open) = self.state().open.get_mut(&entry.number) {
                        open.leaves = true;
                    }
                    place.set_group(&group)?;
                }
                self.log(&format!("{} {} has left the group", member.role.word(), member.name));
                Ok(Answer::Done)
            }
            Question::Look { .. } | Question::Join { .. } => {
                Err(Failure::new(FailureKind::State, "it is a member already"))
            }
        }
    }

    /// The list, as soon as it is newer; none after a while.
    fn newer_than(&self, known: u64) -> Option<Group> {
        let is_old =
            |state: &mut State| !state.closed && state.known.as_ref().is_some_and(|now| now.group.generation == known);
        let waited = self.changed.wait_timeout_while(self.state(), FOLLOW, is_old);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.known.as_ref().filter(|now| now.group.generation != known).map(|now| now.group.clone())
    }

    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        self.changed.notify_all();
        for open in state.open.values() {
            // What was read can still be answered.
            let _ = open.tcp.shutdown(Shutdown::Read);
        }
        let busy = |state: &mut State| !state.open.is_empty();
        let (state, _) = self.changed.wait_timeout_while(state, PARTING, busy).unwrap_or_else(PoisonError::into_inner);
        for open in state.open.values() {
            let _ = open.tcp.shutdown(Shutdown::Both);
        }
    }
}

/// The failure of a server whose name a device carries.
pub fn carries_node(device: &DeviceName, name: &ServerName, at: &ServerName) -> Failure {
    let what = format!("device {device} of {at} carries the name of server {name}: it would mean a device there");
    Failure::new(FailureKind::State, what).hint("give the device another name, or the new server")
}

/// A host name as it may be shown.
fn cleaned(host: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let host: String = host.chars().filter(plain).take(64).collect();
    if host.is_empty() { "unknown".to_owned() } else { host }
}

/// Where a member is reached that says it listens at `listens`.
fn heard_at(listens: &str, from: SocketAddr) -> Result<String, Failure> {
    let bad = || Failure::new(FailureKind::BadValue, "that is no address");
    match listens.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => Ok(SocketAddr::new(from.ip(), address.port()).to_string()),
        Ok(address) => Ok(address.to_string()),
        Err(_) => {
            let (host, port) = listens.rsplit_once(':').ok_or_else(bad)?;
            if cleaned(host) != host || port.parse::<u16>().is_err() {
                return Err(bad());
            }
            Ok(listens.to_owned())
        }
    }
}

/// One connection in the list of those that are open.
struct Entry {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.state().open.remove(&self.number);
        self.shared.changed.notify_all();
    }
}
