//! A spool that a server has: several users reach it through one socket.
//!
//! The server owns the base; nobody else can open it. Who calls is whom the kernel names for the connection, and the
//! rights of that user decide ([`crate::model::authority`]). Operators are the members of one Unix group, root, and the
//! account of the server itself. Commands never cross the socket, only operations as values.
//!
//! States: listening → spool open → lock of the base → ready → ending. It listens before it has the lock, because a command
//! of its own account that finds the lock taken connects at once; it is answered when the server is ready. A crash leaves
//! what a crash of a command leaves, and the socket's name, which the next server replaces under its lock. Print processes
//! are programs of their own: they go on when the server ends, and the next one finds them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::stat::{SFlag, fstat};

use super::connection::serve;
use super::connections::{Connections, Limits};
use super::doors::Doors;
use super::peers::{Peers, Terms};
use super::stations::StationService;
use super::summaries::Summaries;
pub use super::{Log, Told};
use crate::client::hello;
use crate::client::peer::Dial;
use crate::model::job::{Submission, Transfer};
use crate::model::{Call, Caller, Failure, FailureKind, ObjectName, ServerName};
use crate::spool::afterwards::Afterwards;
use crate::spool::disk::base::{Access, open, server_name};
use crate::spool::disk::locks::{self, ServerLock};
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request, answer};
use crate::spool::secure::bank::REFUNDS;
use crate::spool::{Attendant, Base, FilesReady, Local, Spool};
use crate::supervise::Starter;
use crate::sys::lock::FileLock;
use crate::sys::process::Deaths;
use crate::sys::socket::{self, Deadline, Peer};
use crate::sys::{clock, files, limits, users};
use crate::wire::hello::Hello;

/// Connections at a time. Each takes a thread and a descriptor.
pub const LIMITS: Limits = Limits { all: 1000, of_user: 100 };
/// How long a request may take to arrive once it has begun, and how long its reply may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a refusal may take to be sent.
const REFUSAL: Duration = Duration::from_secs(1);
/// How long what was read may take to be answered when the server ends.
const PARTING: Duration = Duration::from_secs(10);
/// How often the server looks whether a print process died of which it was not told.
const LOOK: Duration = Duration::from_secs(1);
/// At every how many looks it also looks for processes that should live and do not.
const WHOLE: u32 = 10;
/// How long a server that just ends is waited for.
const PREDECESSOR: Duration = Duration::from_secs(5);

/// What a server serves, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The base directory.
    pub base: Base,
    /// The name of this server, if its spool is made now; a spool that exists has its name.
    pub name: Option<ServerName>,
    /// Where it listens, unless it was started with a socket.
    pub socket: PathBuf,
    /// The Unix group of the operators.
    pub operators: String,
}

/// What a server tells its program.
#[derive(Clone)]
pub struct Hooks {
    /// Lines for the log.
    pub log: Log,
    /// A job has left the spool.
    pub finished: Told,
    /// Called about once a second, while the spool answers.
    pub alive: Arc<dyn Fn() + Send + Sync>,
}

/// A server that listens. Dropped, it ends in good order.
pub struct Server {
    name: ServerName,
    connections: Arc<Connections>,
    guests: Guests,
    stop: Arc<Stop>,
    threads: Vec<std::thread::JoinHandle<()>>,
    socket: Option<Socket>,
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    log: Log,
    peers: Option<Peers>,
    afterwards: Arc<Afterwards>,
    _ready: FilesReady,
    _lock: ServerLock,
}

/// A socket that this server has opened. Dropped, its name goes, while nobody else may listen there.
struct Socket {
    path: PathBuf,
    _lock: FileLock,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that is gone already is found by nobody either.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn io_failure(what: &Path, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("{}: {error}", what.display()))
}

/// Who a peer is to this spool.
fn caller_of(peer: Peer, operators: &str) -> Caller {
    let caller = users::of_uid(peer.uid);
    let operator = peer.uid == 0 || caller.groups.iter().any(|group| group == operators);
    Caller { operator, ..caller }
}

impl Server {
    /// Opens the spool, makes it if there is none, and listens: at `given`, a socket that somebody else opened, or at the
    /// path of the options.
    ///
    /// # Errors
    /// When another server has the spool or the socket, or one of them cannot be opened.
    pub fn start(options: &Options, given: Option<UnixListener>, hooks: Hooks) -> Result<Self, Failure> {
        // A user may have a hundred connections, each with open documents. What cannot be raised stays.
        let _ = limits::raise_open_files();
        let base = &options.base;
        let (listener, socket) = match given {
            Some(listener) => (listener, None),
            None => listen(&options.socket).map(|(listener, socket)| (listener, Some(socket)))?,
        };
        let server = options.name.clone().unwrap_or_else(|| server_name(&users::host()));
        let spool = open(base, Access::Create { server, now: clock::now() })?;
        if let Some(asked) = options.name.as_ref().filter(|asked| *asked != spool.server()) {
            let have = spool.server();
            return Err(Failure::new(
                FailureKind::Unreachable,
                format!("this spool belongs to server {have}, not {asked}"),
            )
            .hint("a spool keeps the name it was made with: the labels of its jobs carry it; leave --name out"));
        }
        let lock = alone(base, &spool)?;
        let place = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
        let place = socket.as_ref().map(|socket| socket.path.clone()).or(place);
        // Without its note the server has the spool all the same, and commands of its account are refused.
        if let Err(error) = lock.sign(place.as_deref()) {
            (hooks.log)(&format!("{}: {error}", base.server_lock().display()));
        }
        // Whoever commits shortens the log where no thread can.
        let _ = spool.keep_log_short();
        let ready = spool.keep_files_ready();
        let starter = Starter::beside_us().map_err(|error| {
            Failure::new(FailureKind::Unreachable, format!("the kernel hides where we are: {error}"))
        })?;
        starter.keep_deliveries(&spool);
        let attendant: Arc<dyn Attendant> = Arc::new(starter);
        let afterwards = Arc::new(Afterwards::default());
        let connections = connections(listener, (&spool, &afterwards), &attendant, &options.operators, &hooks.log);
        let guests = Guests {
            spool: spool.clone(),
            attendant: Arc::clone(&attendant),
            operators: options.operators.clone(),
            log: Arc::clone(&hooks.log),
        };
        let bell = files::event_fd().map_err(|error| Failure::new(FailureKind::Io, format!("no event: {error}")))?;
        let stop = Arc::new(Stop { is_over: AtomicBool::new(false), bell });
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let started = std::thread::Builder::new().name(name.into()).spawn(work);
            started.map_err(|error| Failure::new(FailureKind::Io, format!("no thread: {error}")))
        };
        let accepting = Arc::clone(&connections);
        let mut threads = vec![thread("accept", Box::new(move || accepting.accept()))?];
        let until = Arc::clone(&stop);
        let name = spool.server().clone();
        let (own, attends, log) = (spool.clone(), Arc::clone(&attendant), Arc::clone(&hooks.log));
        let looks = Arc::clone(&afterwards);
        let local = Local::new(spool.clone(), users::caller(), clock::now, Arc::clone(&attendant));
        threads.push(thread("due", Box::new(move || looks.run(|| local.see_to_what_is_due())))?);
        threads.push(thread("supervise", Box::new(move || supervise(&spool, attendant.as_ref(), &until, &hooks)))?);
        Ok(Self {
            name,
            connections,
            guests,
            stop,
            threads,
            socket,
            spool: own,
            attendant: attends,
            log,
            peers: None,
            afterwards,
            _ready: ready,
            _lock: lock,
        })
    }

    /// Its name.
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// Where it listens, unless it was given an open socket.
    pub fn place(&self) -> Option<&Path> {
        self.socket.as_ref().map(|socket| socket.path.as_path())
    }

    /// Works with the other servers that `dial` reaches: hands jobs over, takes jobs over, and fetches files, at most `rate`
    /// octets a second. What is returned serves the streams that they make.
    ///
    /// # Errors
    /// When it cannot be begun.
    pub fn work_with_others(&mut self, dial: Arc<dyn Dial>, rate: Option<u64>) -> Result<Peers, Failure> {
        let (spool, attendant) = (self.spool.clone(), Arc::clone(&self.attendant));
        let terms = Terms { rate, operators: Some(self.guests.operators.clone()), ..Terms::default() };
        let peers = Peers::new(spool, attendant, dial, Arc::clone(&self.log), terms);
        self.threads.extend(peers.start()?);
        self.peers = Some(peers.clone());
        Ok(peers)
    }

    /// The doors of the spool, for whoever starts their processes.
    pub fn doors(&self) -> Doors {
        Doors::new(self.spool.clone(), Arc::clone(&self.attendant), Arc::clone(&self.log))
    }

    /// What serves those who come over the network and have proved who they are.
    pub fn guests(&self) -> Guests {
        self.guests.clone()
    }

    /// How many connections it serves.
    pub fn connections(&self) -> usize {
        self.connections.count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody finds it any more; who waits for a connection finds out at once.
        self.socket = None;
        if let Some(peers) = self.peers.take() {
            peers.end();
        }
        self.connections.close(PARTING);
        self.afterwards.end();
        self.stop.ring();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Makes sure that no other server has this spool, and nobody else changes it or starts its print processes.
fn alone(base: &Base, spool: &Spool) -> Result<ServerLock, Failure> {
    let root = base.root().display();
    let in_use = |what: String, hint: &str| Failure::new(FailureKind::Unreachable, what).hint(hint);
    if FileLock::is_held(&base.keeper_lock()).unwrap_or(false) {
        let what = format!("a command keeps the print processes of {root} in the foreground");
        return Err(in_use(what, "end that spoolcom --foreground first: a server starts the print processes itself"));
    }
    let path = base.spool_id(spool.server());
    let lock = locks::serve_spool(base, spool.server(), PREDECESSOR).map_err(|error| io_failure(&path, &error))?;
    lock.ok_or_else(|| match locks::server_of(base).filter(|note| note.process.is_there()) {
        Some(note) => in_use(
            format!("another pdserver (process {}) has {root}", note.process.pid),
            "a spool has one server: end that one first",
        ),
        None => in_use(
            format!("a command is at work on {root}: it hands in a document, perhaps"),
            "start the server again when the command has ended",
        ),
    })
}

/// Listens at `path`, where anybody of this machine may connect, and nobody else listens.
fn listen(path: &Path) -> Result<(UnixListener, Socket), Failure> {
    let failure = |error: io::Error| {
        let failure = io_failure(path, &error);
        match error.kind() {
            io::ErrorKind::NotFound => failure
                .hint("its directory is missing: systemd-tmpfiles --create makes /run/pd")
                .hint("--socket PATH says where else to listen"),
            _ => failure,
        }
    };
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock = FileLock::exclusive(Path::new(&lock_path), PREDECESSOR).map_err(failure)?;
    let lock = lock.ok_or_else(|| {
        Failure::new(FailureKind::Unreachable, format!("another pdserver listens at {}", path.display()))
            .hint("--socket PATH says where else this one shall listen")
    })?;
    let listener = socket::listen(path).map_err(failure)?;
    let socket = Socket { path: path.to_owned(), _lock: lock };
    // Whatever the umask: the kernel says who connects, and rights go by that.
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).map_err(failure)?;
    Ok((listener, socket))
}

fn connections(
    listener: UnixListener,
    (spool, afterwards): (&Spool, &Arc<Afterwards>),
    attendant: &Arc<dyn Attendant>,
    operators: &str,
    log: &Log,
) -> Arc<Connections> {
    let (spool, attendant, operators) = (spool.clone(), Arc::clone(attendant), operators.to_owned());
    let afterwards = Arc::clone(afterwards);
    let (log, refusals) = (Arc::clone(log), Arc::clone(log));
    let serve_one = move |stream: &UnixStream, peer: Peer| {
        let caller = caller_of(peer, &operators);
        let local = Local::new(spool.clone(), caller.clone(), clock::now, Arc::clone(&attendant))
            .answering_first(Arc::clone(&afterwards));
        let local = match u32::try_from(peer.pid) {
            Ok(process) => local.asked_by(process),
            Err(_) => local,
        };
        let guardian = spool.base().root().join("guardian");
        let pages = Some((spool.clone(), Arc::clone(&attendant)));
        let door = Door { spool: Box::new(local), caller, log: Arc::clone(&log), guardian, pages, from_network: false };
        let door: Box<dyn Operations> = Box::new(door);
        if let Err(error) = serve(stream, &mut Ok(door), || Deadline::NEVER, PATIENCE) {
            log(&format!("connection of {} (process {}): {error}", users::name(peer.uid), peer.pid));
        }
    };
    let refuse = move |stream: &UnixStream, peer: Peer, why: &str| {
        refusals(&format!("refused a connection of {} (process {}): {why}", users::name(peer.uid), peer.pid));
        let words = Hello { refusal: Some(why.to_owned()), ..hello::ours() };
        // A peer that does not listen learns nothing.
        let _ = hello::say(stream, &words, Deadline::after(REFUSAL));
    };
    Connections::new(listener, LIMITS, Box::new(serve_one), Box::new(refuse))
}

/// Serves callers of whom something else than the kernel has proved who they are.
#[derive(Clone)]
pub struct Guests {
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    operators: String,
    log: Log,
}

/// Somebody who has proved his name. He has the rights of the user of this machine who has that name; where there is none, those
/// of a user with the number `uid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// His login name.
    pub name: String,
    /// The user id that stands for him where nobody here has his name.
    pub uid: u32,
    /// Where he comes from.
    pub host: String,
}

impl Guests {
    /// Who a guest is to this spool.
    ///
    /// # Errors
    /// `Security` for a name that stands for root: no certificate does.
    pub fn caller(&self, guest: &Guest) -> Result<Caller, Failure> {
        let known = users::uid_of(&guest.name);
        let caller = users::of_uid(known.unwrap_or(guest.uid));
        if caller.uid == 0 {
            return Err(Failure::new(FailureKind::Security, "nobody is root over the network"));
        }
        let operator = known.is_some() && caller.groups.contains(&self.operators);
        Ok(Caller { user: guest.name.clone(), host: guest.host.clone(), operator, ..caller })
    }

    /// The spool as the account of the server sees it.
    pub fn own(&self) -> Box<dyn Operations> {
        let spool = self.spool.clone();
        Box::new(Local::new(spool, users::caller(), clock::now, Arc::clone(&self.attendant)))
    }

    /// Serves the operations that come over `stream` as `caller`, until it is closed. Documents that come beside a request may be
    /// sockets: one that is closed with unread octets in it is a document that was cut off.
    ///
    /// # Errors
    /// When the connection failed, or had to be closed because of what arrived.
    pub fn serve(&self, stream: &UnixStream, caller: Caller) -> io::Result<()> {
        let local = Local::new(self.spool.clone(), caller.clone(), clock::now, Arc::clone(&self.attendant));
        let guardian = self.spool.base().root().join("guardian");
        let log = Arc::clone(&self.log);
        let door = Door { spool: Box::new(local), caller, log, guardian, pages: None, from_network: true };
        let door: Box<dyn Operations> = Box::new(door);
        serve(stream, &mut Ok(door), || Deadline::NEVER, PATIENCE)
    }
}

/// What one user reaches of the spool.
struct Door {
    from_network: bool,
    spool: Box<dyn Operations>,
    caller: Caller,
    log: Log,
    /// Where files of the names of another system lie.
    guardian: PathBuf,
    /// What serves the page of a station that he opens; nobody opens one over the network.
    pages: Option<(Spool, Arc<dyn Attendant>)>,
}

impl Door {
    /// Opens the page of a station: from now on its process asks over these sockets.
    fn open_page(&self, station: &ObjectName, channels: Vec<OwnedFd>) -> Result<(), Failure> {
        let Some((spool, attendant)) = &self.pages else {
            let why = "the page of a station is opened on the machine of its server";
            return Err(Failure::new(FailureKind::Security, why));
        };
        spool.demand_station(&Call::of(&self.caller, &clock::now()), station)?;
        let service = StationService::new(spool.clone(), Arc::clone(attendant), Arc::clone(&self.log), station.clone());
        service.start(channels.into_iter().map(UnixStream::from).collect())?;
        (self.log)(&format!("station {station}: {} ({}) has opened its page", self.caller.user, self.caller.uid));
        Ok(())
    }
}

/// Refuses a file that is not below `guardian`.
fn demand_own(path: &std::path::Path, guardian: &std::path::Path) -> Result<(), Failure> {
    let plain = path.components().all(|part| part != std::path::Component::ParentDir);
    if plain && path.starts_with(guardian) {
        return Ok(());
    }
    let what = format!("{}: a server writes to no path that it is given", path.display());
    Err(Failure::new(FailureKind::Security, what).hint("$VOLUME.SUBVOLUME.FILE names a file of the spool itself"))
}

impl Carrier for Door {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        match &request {
            Request::Submit { submission } if self.from_network => demand_copies(submission)?,
            Request::Submit { .. } => demand_readable(&files)?,
            // The server opens no path of a user with its own rights. Below this directory nobody else makes anything.
            Request::Dump { to } => demand_own(&to.0, &self.guardian)?,
            Request::SetErrorLog { name: Some(name) } if name.contains('/') => {
                demand_own(std::path::Path::new(name), &self.guardian)?;
            }
            _ => {}
        }
        let asked = request.name();
        let reply = match &request {
            Request::ServeStation { station } => {
                self.open_page(station, files).map_or_else(Reply::Failed, Reply::ServeStation)
            }
            _ => answer(self.spool.as_mut(), request, files),
        };
        if let Reply::Failed(failure) = &reply
            && failure.kind == FailureKind::Security
        {
            let Caller { user, uid, .. } = &self.caller;
            (self.log)(&format!("refused {asked} to {user} ({uid}): {}", failure.message));
        }
        Ok(reply)
    }

    fn has_answered(&mut self) {
        self.spool.has_answered();
    }
}

/// Refuses links: the file is on another machine.
fn demand_copies(submission: &Submission) -> Result<(), Failure> {
    if submission.documents.iter().all(|document| document.transfer == Transfer::Copy) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::BadValue, "a server cannot follow a link into another machine")
        .hint("without -l the server gets a copy of the document"))
}

/// Refuses descriptors that are neither files nor pipes: reading anything else may do more than give octets.
fn demand_readable(files: &[OwnedFd]) -> Result<(), Failure> {
    for file in files {
        let kind = fstat(file).map(|meta| SFlag::from_bits_truncate(meta.st_mode) & SFlag::S_IFMT);
        if !matches!(kind, Ok(SFlag::S_IFREG | SFlag::S_IFIFO)) {
            let why = "a document that travels to a server is a file or a pipe";
            return Err(Failure::new(FailureKind::BadValue, why));
        }
    }
    Ok(())
}

/// Tells the supervisor that the server ends.
struct Stop {
    is_over: AtomicBool,
    bell: std::fs::File,
}

impl Stop {
    fn ring(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Without it the supervisor sees it at its next look.
        let _ = io::Write::write_all(&mut &self.bell, &1u64.to_ne_bytes());
    }
}

/// Has the programs of banks give back what is owed, on a thread of its own: a program may take its time.
fn refund(spool: &Spool, log: &Log) {
    if !spool.owes(&clock::now()) {
        return;
    }
    let (spool, log) = (spool.clone(), Arc::clone(log));
    let at_work = move || {
        for why in spool.refund_owed(REFUNDS, &clock::now()) {
            log(&why);
        }
    };
    // Without a thread it is tried again the next time.
    let _ = std::thread::Builder::new().name("bank".into()).spawn(at_work);
}

/// Looks after the print processes until the server ends: one that died while it had work is started again at once, and one
/// that has work is started, the first time at once: the machine may just have started. What keeps jobs from printing is said
/// in the log, once for each trouble.
fn supervise(spool: &Spool, attendant: &dyn Attendant, stop: &Stop, hooks: &Hooks) {
    let log = &hooks.log;
    let mut said = None;
    let mut trouble = None;
    let mut deaths = Deaths::default();
    let mut whole = WHOLE;
    let mut summaries = None;
    loop {
        whole += 1;
        let found = spool.dead_processes().and_then(|dead| {
            let asleep = if whole >= WHOLE { spool.asleep_with_work()? } else { Vec::new() };
            Ok((dead, asleep))
        });
        match found {
            Ok((dead, asleep)) => {
                said = None;
                if whole >= WHOLE {
                    whole = 0;
                    spool.see_to_deliveries();
                    refund(spool, log);
                    spool.see_to_warnings(&clock::now());
                    let now = spool.trouble(&clock::now()).unwrap_or_default();
                    match &now {
                        Some(what) if now != trouble => log(what),
                        None if trouble.is_some() => log("what kept jobs from printing is over"),
                        _ => {}
                    }
                    trouble = now;
                }
                (hooks.alive)();
                for process in &dead {
                    log(&format!("print process ${} died", process.name));
                }
                let targets: Vec<_> = dead.into_iter().chain(asleep).collect();
                if !targets.is_empty() {
                    attendant.attend(spool, &targets, &clock::now());
                }
            }
            // Once for each trouble, not once a second.
            Err(failure) if said.as_ref() != Some(&failure.message) => {
                log(&failure.message);
                said = Some(failure.message);
            }
            Err(_) => {}
        }
        let is_over = stop.is_over.load(Ordering::SeqCst);
        if summaries.is_none() {
            summaries = Summaries::of(spool, &clock::now()).ok();
        }
        if let Some(summaries) = &mut summaries {
            // What cannot be read now is told next time.
            let _ = summaries.tell(spool, hooks.finished.as_ref());
        }
        if is_over {
            return;
        }
        let pids = spool.running_pids().unwrap_or_default();
        if deaths.wait(&pids, stop.bell.as_fd(), LOOK).is_err() {
            // The kernel is short of something: the pace of the looks stays.
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
#[path = "served_tests.rs"]
mod tests;
