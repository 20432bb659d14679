//! The keeper of doors: it opens their sockets, starts a process for each, and looks after them.
//!
//! A door is an object of the spool; what it says is what is kept here, seen anew twice a second. The keeper owns the listening
//! sockets, so a door that dies loses no connection that waits, and the process of a door can open none itself. What listens to the
//! network is here and nowhere in the library.
//!
//! States of a door: drained, or it cannot listen, or it runs. A process whose settings have changed is told to end; it
//! finishes what it has begun, within half a minute, while the next one takes what comes. A door that dies three times in a minute
//! is left alone for a minute.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pdgroup::clock::Clock;
use pdgroup::place::Place;
use spoolsuite::client::{channel, channels};
use spoolsuite::model::door::{DoorKind, DoorPlace, DoorSettings, DoorStart};
use spoolsuite::model::event::EventWord;
use spoolsuite::model::{Failure, ObjectName};
use spoolsuite::server::doors::{DoorService, Doors};
use spoolsuite::sys::socket::{self, Deadline};
use spoolsuite::sys::{spawn, users};
use spoolsuite::wire::frame::{self, Kind};

use super::announced;
use super::announcer::Announcer;
use super::door_tls::{self, Stamp, stamp};

/// How often is looked what the doors are.
const LOOK: Duration = Duration::from_millis(500);
/// How long a door that ends may take to finish what it has begun.
const PARTING: Duration = Duration::from_secs(30);
/// Channels of one door at a time.
const MOST_CHANNELS: usize = 64;
/// Deaths within [`AGAIN`] after which a door is left alone.
const MOST_DEATHS: usize = 3;
/// For how long.
const AGAIN: Duration = Duration::from_secs(60);
/// Printers of one door that are announced: each has a process, or two.
const MOST_ANNOUNCED: usize = 100;
/// How often is looked which printers a door has, where that is announced.
const LOOK_AT_PRINTERS: Duration = Duration::from_secs(2);
/// Connections that wait for a door to take them.
const BACKLOG: i32 = 4096;

/// Keeps the doors of a server. Dropped, it ends them.
pub struct Keeper {
    stop: Arc<Stop>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Keeper {
    /// Keeps `doors`. `given` are sockets that the service manager has opened, by the name of their door.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(doors: Doors, place: Place, given: Vec<(String, OwnedFd)>) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let until = Arc::clone(&stop);
        let given = given.into_iter().map(|(name, socket)| (name, TcpListener::from(socket))).collect();
        let keep = move || {
            let mut kept = Kept { doors, place, given, open: BTreeMap::new() };
            loop {
                kept.look();
                let over = until.is_over.lock().unwrap_or_else(PoisonError::into_inner);
                let wait = until.changed.wait_timeout_while(over, LOOK, |over| !*over);
                if *wait.unwrap_or_else(PoisonError::into_inner).0 {
                    break;
                }
            }
            kept.end();
        };
        let thread = std::thread::Builder::new().name("doors".into()).spawn(keep)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        *self.stop.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Kept {
    doors: Doors,
    /// Where certificates of our own lie.
    place: Place,
    /// Sockets of the service manager, with the names of their doors.
    given: Vec<(String, TcpListener)>,
    open: BTreeMap<String, Open>,
}

/// A socket at which a door listens.
enum Listener {
    /// At an address.
    Address(TcpListener),
    /// In the file system of this machine, with the place and the number of its file.
    Socket { listener: UnixListener, path: PathBuf, file: Option<(u64, u64)> },
}

impl Listener {
    /// The socket for the process of the door.
    fn try_clone(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Address(listener) => listener.try_clone().map(OwnedFd::from),
            Self::Socket { listener, .. } => listener.try_clone().map(OwnedFd::from),
        }
    }

    /// Whether nobody finds it any more: its file was removed, or another one has its name.
    fn is_lost(&self) -> bool {
        matches!(self, Self::Socket { path, file, .. } if file_of(path) != *file)
    }

    /// Where it is.
    fn place(&self) -> String {
        match self {
            Self::Address(listener) => {
                listener.local_addr().map_or_else(|_| "a socket".to_owned(), |address| address.to_string())
            }
            Self::Socket { path, .. } => path.display().to_string(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Socket { path, file, .. } = self
            && file.is_some()
            && file_of(path) == *file
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What tells the file of a socket from another one of its name.
fn file_of(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// A door as the keeper knows it.
struct Open {
    service: DoorService,
    listeners: Vec<(String, Listener)>,
    running: Option<Running>,
    /// Processes that finish what they have begun.
    ending: Vec<(Running, Instant)>,
    deaths: VecDeque<Instant>,
    /// What was tried last, and why it failed.
    failed: Option<(DoorSettings, String)>,
    tried: Instant,
    /// What announces its printers; none where that was never asked for.
    announcer: Option<Announcer>,
    /// When is looked again which printers there are.
    looks: Instant,
}

struct Running {
    settings: DoorSettings,
    /// What its certificate was loaded from.
    stamp: Stamp,
    child: Child,
    _control: UnixStream,
}

/// What a process of this door is started for: a drained one of a kind that can say so goes on.
fn to_run(settings: &DoorSettings) -> Option<DoorSettings> {
    match (settings.kind, settings.drained) {
        // Its process announces nothing.
        (DoorKind::Lpd | DoorKind::Ipp, _) => Some(DoorSettings { drained: false, dns_sd: false, ..settings.clone() }),
        (_, false) => Some(DoorSettings { dns_sd: false, ..settings.clone() }),
        (_, true) => None,
    }
}

impl Kept {
    fn look(&mut self) {
        // A spool that cannot be read now is read at the next look; the doors stay as they are.
        let Ok(found) = self.doors.all() else { return };
        let gone: Vec<String> =
            self.open.keys().filter(|key| !found.iter().any(|(name, _)| name.key() == **key)).cloned().collect();
        for key in gone {
            if let Some(mut open) = self.open.remove(&key) {
                // Nobody is led to a door that closes, however long its process takes to end.
                open.announcer.iter_mut().for_each(Announcer::withdraw);
                open.stop();
                let until = Instant::now() + PARTING;
                open.ending.iter_mut().for_each(|(running, _)| end(&mut running.child, until));
                open.service.end();
            }
        }
        let server = self.doors.server();
        for (name, settings) in found {
            let open = self.open.entry(name.key()).or_insert_with(|| Open {
                service: self.doors.service(&name),
                listeners: Vec::new(),
                running: None,
                ending: Vec::new(),
                deaths: VecDeque::new(),
                failed: None,
                tried: Instant::now(),
                announcer: None,
                looks: Instant::now(),
            });
            let state = match settings {
                Ok(settings) => {
                    let state = open.keep(&name, &settings, &self.given, (&server, &self.place));
                    open.announce(&settings);
                    state
                }
                Err(failure) => {
                    open.stop();
                    open.listeners.clear();
                    open.announcer.iter_mut().for_each(Announcer::withdraw);
                    failure.message
                }
            };
            let announced = open.announcer.as_ref().map(Announcer::state);
            let _ = open.service.report(&state, announced.as_deref());
        }
    }

    fn end(&mut self) {
        for open in self.open.values_mut() {
            // Nobody is led to a door that closes.
            open.announcer.iter_mut().for_each(Announcer::withdraw);
            open.stop();
        }
        let until = Instant::now() + PARTING;
        for open in self.open.values_mut() {
            open.ending.iter_mut().for_each(|(running, _)| end(&mut running.child, until));
            open.service.end();
            let announced = open.announcer.as_ref().map(Announcer::state);
            let _ = open.service.report("closed: no server runs", announced.as_deref());
        }
    }
}

/// Waits until a process that was told to end has ended, and ends it after that time.
fn end(child: &mut Child, until: Instant) {
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Open {
    /// Tells the process to end.
    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            if let Ok(pid) = i32::try_from(running.child.id()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
            // Its control socket stays open until it has ended: it still asks us.
            self.ending.push((running, Instant::now()));
        }
    }

    /// Makes the door what its settings say, and says what it is.
    fn keep(
        &mut self,
        name: &ObjectName,
        settings: &DoorSettings,
        given: &[(String, TcpListener)],
        (server, place): (&str, &Place),
    ) -> String {
        self.ending.retain_mut(|(running, since)| match running.child.try_wait() {
            Ok(None) if since.elapsed() > PARTING => {
                let _ = running.child.kill();
                true
            }
            Ok(None) => true,
            _ => false,
        });
        let wanted = to_run(settings);
        let lost = self.listeners.iter().any(|(_, listener)| listener.is_lost());
        self.listeners.retain(|(_, listener)| !listener.is_lost());
        if let Some(running) = &mut self.running {
            match running.child.try_wait() {
                // Another certificate takes another process, and so does a socket that has to be made again; the old one finishes
                // what it has begun.
                Ok(None)
                    if wanted.as_ref() == Some(&running.settings)
                        && !lost
                        && running.stamp == stamp(settings, place, &Clock::of_machine()) =>
                {
                    return self.state(settings);
                }
                Ok(None) => self.stop(),
                ended => {
                    let how =
                        ended.ok().flatten().map_or_else(|| "nobody knows how".to_owned(), |status| status.to_string());
                    self.running = None;
                    self.deaths.push_back(Instant::now());
                    self.service.tell(EventWord::Died, &format!("its process died: {how}"));
                }
            }
        }
        let Some(wanted) = wanted else {
            // Nobody waits at a door that is closed.
            self.listeners.clear();
            self.failed = None;
            return "drained".to_owned();
        };
        self.deaths.retain(|at| at.elapsed() < AGAIN);
        if self.deaths.len() >= MOST_DEATHS {
            return format!("its process died {} times: it is started again within a minute", self.deaths.len());
        }
        if let Some((before, why)) = &self.failed
            && *before == wanted
            && self.tried.elapsed() < Duration::from_secs(5)
        {
            return why.clone();
        }
        self.tried = Instant::now();
        match self.start(name, &wanted, given, (server, place)) {
            Ok(()) => {
                if self.failed.take().is_some() {
                    self.service.tell(EventWord::Recovered, "it is open");
                }
                self.state(settings)
            }
            Err(why) => {
                // Whoever connects is refused, and does not wait for an answer. Not at once: a certificate and its key are
                // replaced one after the other.
                if self.failed.is_some() {
                    self.listeners.clear();
                }
                let why = format!("closed: {}", why.message);
                if self.failed.as_ref().is_none_or(|failed| failed.1 != why) {
                    self.service.tell(EventWord::Error, &why);
                }
                self.failed = Some((wanted, why.clone()));
                why
            }
        }
    }

    /// Has its printers announced where that is asked for, as long as it takes jobs.
    fn announce(&mut self, settings: &DoorSettings) {
        let ports = self.ports();
        let is_open = settings.dns_sd && !settings.drained && self.running.is_some() && !ports.is_empty();
        if !is_open {
            self.announcer.iter_mut().for_each(Announcer::withdraw);
            self.looks = Instant::now();
        } else if Instant::now() >= self.looks {
            let begun = Instant::now();
            // What cannot be read now is read later, and what is announced stays.
            if let Ok((printers, has_more)) = self.service.printers(MOST_ANNOUNCED) {
                let services = announced::services(settings, &printers, (&ports, &users::host()));
                self.announcer.get_or_insert_default().want(services, has_more);
            }
            // A spool of many destinations takes longer to look through, and is looked through less often.
            self.looks = Instant::now() + LOOK_AT_PRINTERS.max(begun.elapsed().saturating_mul(100));
        }
        for (word, why) in self.announcer.iter_mut().flat_map(Announcer::look).collect::<Vec<_>>() {
            self.service.tell(word, &why);
        }
    }

    /// The ports at which it is reached from the network.
    fn ports(&self) -> Vec<u16> {
        let address = |listener: &Listener| match listener {
            Listener::Address(listener) => listener.local_addr().ok(),
            Listener::Socket { .. } => None,
        };
        let mut ports: Vec<u16> = self
            .listeners
            .iter()
            .filter_map(|(_, listener)| address(listener))
            .filter(|address| !address.ip().to_canonical().is_loopback())
            .map(|address| address.port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    fn state(&self, settings: &DoorSettings) -> String {
        let places: Vec<String> = self.listeners.iter().map(|(_, listener)| listener.place()).collect();
        match (settings.drained, settings.kind) {
            (true, _) => "drained".to_owned(),
            (false, DoorKind::Directory) => "ready".to_owned(),
            (false, _) => format!("ready at {}", places.join(", ")),
        }
    }

    fn start(
        &mut self,
        name: &ObjectName,
        settings: &DoorSettings,
        given: &[(String, TcpListener)],
        (server, place): (&str, &Place),
    ) -> Result<(), Failure> {
        let loaded = door_tls::load(settings, place, &Clock::of_machine())?;
        // Of the files that were read: what is changed from now on is seen.
        let stamp = stamp(settings, place, &Clock::of_machine());
        let (tls, (signer, clients)) = match loaded {
            Some(loaded) => (Some(loaded.tls), (Some(loaded.signer), loaded.clients)),
            None => (None, (None, None)),
        };
        self.service.signs_with(signer);
        self.service.checks_clients_with(clients);
        self.listeners.retain(|(place, _)| settings.listen.contains(place));
        for at in &settings.listen {
            if !self.listeners.iter().any(|(open, _)| open == at) {
                self.listeners.push((at.clone(), listen(name, at, given)?));
            }
        }
        let failed = |error: io::Error| {
            Failure::new(spoolsuite::model::FailureKind::Io, format!("its process cannot be started: {error}"))
        };
        let (near, far) = UnixStream::pair().map_err(failed)?;
        let child = spawn::door("pddoor", far).map_err(failed)?;
        let start = DoorStart { settings: settings.clone(), server: server.to_owned(), tls };
        let sockets: io::Result<Vec<OwnedFd>> =
            self.listeners.iter().map(|(_, listener)| listener.try_clone()).collect();
        let sockets = sockets.map_err(failed)?;
        let frame =
            frame::encode(Kind::Request, &start, sockets.len()).map_err(|error| failed(io::Error::other(error)))?;
        channel::send(&near, &frame, &sockets, Deadline::after(Duration::from_secs(10))).map_err(failed)?;
        let control = near.try_clone().map_err(failed)?;
        let service = self.service.clone();
        let serve = move || serve(&control, service);
        std::thread::Builder::new().name("door".into()).spawn(serve).map_err(failed)?;
        self.running = Some(Running { settings: settings.clone(), stamp, child, _control: near });
        Ok(())
    }
}

/// Takes the channels that a process makes, and serves them until it has gone.
fn serve(control: &UnixStream, service: DoorService) {
    let each = service.clone();
    // A process that says what it must not is cut off; its clients are told no.
    let taken = channels::take(control, "door", MOST_CHANNELS, move |channel| {
        if let Err(error) = each.serve(&channel) {
            each.log(&format!("a channel of its process was closed: {error}"));
        }
    });
    if let Err(error) = taken {
        service.log(&format!("its process was cut off: {error}"));
    }
}

/// Listens for a door: at a socket that the service manager has opened for it, at the address, or at a socket of this machine.
fn listen(name: &ObjectName, place: &str, given: &[(String, TcpListener)]) -> Result<Listener, Failure> {
    match place.parse()? {
        DoorPlace::Address(address) => listen_at(name, address, given).map(Listener::Address),
        DoorPlace::Socket(path) => listen_here(&path),
    }
}

/// Listens in the file system, where anybody of this machine may connect: the kernel says who does, and the rights of the directory
/// say who may. What lies there is replaced only if it is a socket at which nobody listens.
fn listen_here(path: &Path) -> Result<Listener, Failure> {
    let shown = path.display();
    let failed = |what: String| Failure::new(spoolsuite::model::FailureKind::Unreachable, what);
    let error = |error: io::Error| failed(format!("it cannot listen at {shown}: {error}"));
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(failed(format!("it cannot listen at {shown}: something lies there that is no socket"))
                .hint("it is not overwritten, and a link is not followed: move it away, or name another place"));
        }
        Ok(_) => match socket::connect(path).map_err(|error| error.kind()) {
            Err(io::ErrorKind::ConnectionRefused) => std::fs::remove_file(path).map_err(error)?,
            Err(io::ErrorKind::WouldBlock) | Ok(_) => {
                return Err(failed(format!("it cannot listen at {shown}: somebody listens there")));
            }
            Err(other) => return Err(error(other.into())),
        },
        Err(none) if none.kind() == io::ErrorKind::NotFound => {}
        Err(other) => return Err(error(other)),
    }
    let bound = UnixListener::bind(path).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => error(why).hint("its directory is missing"),
        io::ErrorKind::PermissionDenied => {
            error(why).hint("the account of the server makes it: /run/pd is its directory")
        }
        _ => error(why),
    })?;
    let listener = Listener::Socket { listener: bound, path: path.to_owned(), file: file_of(path) };
    open_to_all(path).map_err(error)?;
    if let Listener::Socket { listener, .. } = &listener {
        if let Ok(backlog) = nix::sys::socket::Backlog::new(BACKLOG) {
            let _ = nix::sys::socket::listen(listener, backlog);
        }
        listener.set_nonblocking(true).map_err(error)?;
    }
    Ok(listener)
}

/// Lets everybody connect to a socket: the very one that lies there, and nothing that a link in its place leads to.
fn open_to_all(path: &Path) -> io::Result<()> {
    let place = File::options().read(true).custom_flags(nix::libc::O_PATH | nix::libc::O_NOFOLLOW).open(path)?;
    if !place.metadata()?.file_type().is_socket() {
        return Err(io::Error::other("somebody has put something else in its place"));
    }
    std::fs::set_permissions(format!("/proc/self/fd/{}", place.as_raw_fd()), PermissionsExt::from_mode(0o666))
}

/// Listens at an address.
fn listen_at(name: &ObjectName, address: SocketAddr, given: &[(String, TcpListener)]) -> Result<TcpListener, Failure> {
    let failed = |error: io::Error| {
        let holder = if error.kind() == io::ErrorKind::AddrInUse { holder(address) } else { None };
        let by = holder.map(|holder| format!(" ({holder} has it)")).unwrap_or_default();
        let failure = Failure::new(
            spoolsuite::model::FailureKind::Unreachable,
            format!("it cannot listen at {address}: {error}{by}"),
        );
        match error.kind() {
            io::ErrorKind::PermissionDenied => failure.hint("a socket unit of systemd opens low ports: docs/doors.md"),
            _ => failure,
        }
    };
    let own = |listener: &TcpListener| {
        let at = listener.local_addr().ok();
        at.is_some_and(|at| at.port() == address.port() && (at.ip() == address.ip() || at.ip().is_unspecified()))
    };
    let ours = given.iter().filter(|(door, _)| door.eq_ignore_ascii_case(name.as_str()));
    let listener = match ours.map(|(_, listener)| listener).find(|listener| own(listener)) {
        Some(listener) => listener.try_clone().map_err(failed)?,
        None => {
            let listener = TcpListener::bind(address).map_err(failed)?;
            // The library asks for 128. A crowd that comes at once must not be turned away by the kernel.
            if let Ok(backlog) = nix::sys::socket::Backlog::new(BACKLOG) {
                let _ = nix::sys::socket::listen(&listener, backlog);
            }
            listener
        }
    };
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Who listens at an address, as far as we may know: a process, or a user.
fn holder(address: SocketAddr) -> Option<String> {
    let table = if address.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let text = std::fs::read_to_string(table).ok()?;
    let port = format!(":{:04X}", address.port());
    let row = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|row| row.get(1).is_some_and(|local| local.ends_with(&port)) && row.get(3) == Some(&"0A"))?;
    let (user, inode) = (row.get(7)?, format!("socket:[{}]", row.get(9)?));
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    for process in processes
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit())))
    {
        let Ok(open) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let holds = |entry: io::Result<std::fs::DirEntry>| {
            entry
                .and_then(|entry| std::fs::read_link(entry.path()))
                .is_ok_and(|link| link.as_os_str() == inode.as_str())
        };
        if open.into_iter().any(holds) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("process {} ({})", process.file_name().to_string_lossy(), name.trim()));
        }
    }
    Some(format!("a process of user {user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let said = holder(listener.local_addr().unwrap()).unwrap();
        assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
        let place = listener.local_addr().unwrap().to_string();
        let failure = listen(&"d".parse().unwrap(), &place, &[]).err().unwrap();
        assert!(failure.message.contains("has it"), "{failure:?}");
    }

    #[test]
    fn a_socket_replaces_only_one_at_which_nobody_listens() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ipp");
        let said = || listen_here(&path).err().map(|failure| failure.message).unwrap_or_default();
        let first = listen_here(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o666);
        assert!(said().contains("somebody listens"), "{}", said());
        drop(first);
        assert!(!path.exists(), "a socket that is closed is gone");
        drop(UnixListener::bind(&path).unwrap());
        drop(listen_here(&path).unwrap());
        // Neither a file nor what a link leads to is touched.
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "text").unwrap();
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        assert!(said().contains("no socket"), "{}", said());
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(dir.path().join("nothing"), &path).unwrap();
        assert!(said().contains("no socket"), "{}", said());
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "text");
        // Another one that has taken the name stays.
        std::fs::remove_file(&path).unwrap();
        let listener = listen_here(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "another").unwrap();
        drop(listener);
        assert!(path.exists());
    }
}
