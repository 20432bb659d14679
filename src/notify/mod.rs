//! Delivers notifications: drains the outbox.
//!
//! A deliverer is a process of its own: whatever hangs in it is in nobody's way. Whoever commits a notification rings: he wakes
//! the deliverer of the spool, or starts one. One at a time has the lock; a second one ends at once.
//!
//! States: no lock → lock, socket → looks → tries, at most `AT_ONCE` at a time and one for each address → settles, in one
//! transaction → looks again … → nothing waits: socket and lock go → one last look. Why that one? Somebody who committed
//! while the lock was held relied on its holder. A crash at any moment leaves rows in the outbox; the next one who rings, or who
//! changes anything, starts a deliverer, which tries them again.
//!
//! Every try ends by a deadline. What failed waits, three times longer each time, and is given up after a day.

mod files;
mod mail;
mod programs;
mod syslog;
mod terminals;

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::model::notification::{Delivery, Method, Try};
use crate::model::time::Moment;
use crate::model::{Failure, FailureKind};
use crate::spool::Spool;
use crate::spool::notify::Work;
use crate::sys::fault;
use crate::sys::files::event_fd;
use crate::sys::lock::FileLock;
use crate::sys::process::ProcessNote;
use crate::sys::users;
use crate::sys::wake::WakeSocket;

/// Deliveries at a time.
const AT_ONCE: usize = 8;
/// The stack of a thread that delivers.
const STACK: usize = 512 << 10;
/// How long a deliverer waits at most before it looks again, without being woken.
const LOOK: Duration = Duration::from_secs(60);
/// How long it waits when the spool cannot be written.
const BUSY: Duration = Duration::from_secs(2);
/// How often it tries that.
const SETTLES: u32 = 30;
/// The first wait after a failure.
const FIRST_WAIT_MS: i64 = 5_000;
/// How long one try may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Where mail programs lie.
const SENDMAIL: [&str; 2] = ["/usr/sbin/sendmail", "/usr/lib/sendmail"];
/// Where terminals lie.
const TERMINALS: &str = "/dev/pts";
/// The socket of the system's log.
const SYSLOG: &str = "/dev/log";

/// How a deliverer does its work.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The mail program.
    pub sendmail: PathBuf,
    /// The directory of the terminals.
    pub terminals: PathBuf,
    /// The socket of the system's log.
    pub syslog: PathBuf,
    /// How long the first wait after a failure is.
    pub first_wait_ms: i64,
    /// How long one try may take.
    pub deadline: Duration,
    /// Whose rights it has.
    pub uid: u32,
}

impl Settings {
    /// Reads them from the environment: `PD_SENDMAIL`; what else there is, is for tests.
    pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let number = |name: &str| env(name).and_then(|value| value.to_str()?.parse::<u32>().ok());
        let usual = || {
            let mut known = SENDMAIL.iter().map(PathBuf::from);
            known.find(|path| path.exists()).unwrap_or_else(|| PathBuf::from(SENDMAIL[0]))
        };
        Self {
            sendmail: path("PD_SENDMAIL").unwrap_or_else(usual),
            terminals: path("PD_TERMINALS").unwrap_or_else(|| PathBuf::from(TERMINALS)),
            syslog: path("PD_SYSLOG").unwrap_or_else(|| PathBuf::from(SYSLOG)),
            first_wait_ms: number("PD_NOTIFY_WAIT_MS").map_or(FIRST_WAIT_MS, i64::from),
            deadline: number("PD_NOTIFY_DEADLINE_MS").map_or(DEADLINE, |ms| Duration::from_millis(ms.into())),
            uid: nix::unistd::geteuid().as_raw(),
        }
    }
}

/// Where programs lie that operators of a server may name: `PD_EXIT_DIR`.
pub fn programs(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    env("PD_EXIT_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute())
}

/// Delivers what waits in the outbox of a spool, until nothing does. Ends at once if somebody else delivers.
///
/// # Errors
/// When the spool or its directory cannot be used. Nothing is lost then.
pub fn deliver(spool: &Spool, settings: Settings, clock: fn() -> Moment) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("notifications: {error}"));
    let settings = Arc::new(settings);
    loop {
        let path = spool.base().deliver_lock();
        let Some(lock) = FileLock::try_exclusive(&path).map_err(failed)? else { return Ok(()) };
        // Whoever looks for it finds it by this; without the note it works all the same.
        let _ = lock.file().write_all_at(ProcessNote::ours().to_string().as_bytes(), 0);
        let socket = WakeSocket::bind(&spool.base().deliver_socket()).map_err(failed)?;
        let done = Deliverer::new(spool, &settings, clock, socket).and_then(|mut one| one.work());
        // Nobody is to wake us any more.
        let _ = std::fs::remove_file(spool.base().deliver_socket());
        drop(lock);
        done?;
        if spool.next_deliveries(&[], 0, &clock())? == Work::Nothing {
            return Ok(());
        }
    }
}

/// A delivery, and what became of it.
type Tried = (Delivery, Try);

/// One that has the lock.
struct Deliverer<'a> {
    spool: &'a Spool,
    settings: &'a Arc<Settings>,
    clock: fn() -> Moment,
    socket: WakeSocket,
    /// Rung when a try has ended.
    bell: Arc<std::fs::File>,
    results: (Sender<Tried>, Receiver<Tried>),
    /// What is under way, or done and not settled.
    busy: Vec<(Method, String)>,
    running: usize,
    /// What is done and not settled.
    tried: Vec<Tried>,
    failures: u32,
}

impl<'a> Deliverer<'a> {
    fn new(
        spool: &'a Spool,
        settings: &'a Arc<Settings>,
        clock: fn() -> Moment,
        socket: WakeSocket,
    ) -> Result<Self, Failure> {
        let bell = event_fd().map_err(|error| Failure::new(FailureKind::Io, format!("no event: {error}")))?;
        Ok(Self {
            spool,
            settings,
            clock,
            socket,
            bell: Arc::new(bell),
            results: channel(),
            busy: Vec::new(),
            running: 0,
            tried: Vec::new(),
            failures: 0,
        })
    }

    fn work(&mut self) -> Result<(), Failure> {
        loop {
            for one in self.results.1.try_iter() {
                self.running -= 1;
                self.tried.push(one);
            }
            let mut wait = self.settle()?;
            let free = u32::try_from(AT_ONCE - self.running.min(AT_ONCE)).unwrap_or(0);
            match self.spool.next_deliveries(&self.busy, free, &(self.clock)())? {
                Work::Try(found) => {
                    // What is told is on disk, whoever has committed it.
                    self.spool.sync_log()?;
                    found.into_iter().for_each(|one| self.begin(one));
                    continue;
                }
                Work::Wait(ms) => {
                    wait = wait.min(Duration::from_millis(u64::try_from(ms).unwrap_or(0).saturating_add(1)))
                }
                Work::Nothing if self.running == 0 && self.tried.is_empty() => return Ok(()),
                Work::Nothing => {}
            }
            self.wait(wait)?;
        }
    }

    /// Records what became of the tries. Returns how long to wait at most.
    fn settle(&mut self) -> Result<Duration, Failure> {
        if self.tried.is_empty() {
            return Ok(LOOK);
        }
        fault::point("notify-before-settle");
        match self.spool.settle_deliveries(self.tried.clone(), self.settings.first_wait_ms, &(self.clock)()) {
            Ok(()) => {
                for (one, _) in self.tried.drain(..) {
                    self.busy.retain(|(method, address)| !(*method == one.method && *address == one.address));
                }
                self.failures = 0;
                Ok(LOOK)
            }
            // What was delivered is not tried again meanwhile.
            Err(failure) => {
                self.failures += 1;
                if self.failures >= SETTLES { Err(failure) } else { Ok(BUSY) }
            }
        }
    }

    fn begin(&mut self, one: Delivery) {
        self.busy.push((one.method, one.address.clone()));
        self.running += 1;
        let (spool, settings) = (self.spool.clone(), Arc::clone(self.settings));
        let (sender, bell) = (self.results.0.clone(), Arc::clone(&self.bell));
        let kept = one.clone();
        let started = std::thread::Builder::new().name("deliver".into()).stack_size(STACK).spawn(move || {
            let became = attempt(&spool, &settings, &one);
            // Whoever receives it outlives us, or the process ends.
            let _ = sender.send((one, became));
            let _ = std::io::Write::write_all(&mut &*bell, &1u64.to_ne_bytes());
        });
        if let Err(error) = started {
            let _ = self.results.0.send((kept, Try::Again(format!("no thread: {error}"))));
            let _ = std::io::Write::write_all(&mut &*self.bell, &1u64.to_ne_bytes());
        }
    }

    fn wait(&self, wait: Duration) -> Result<(), Failure> {
        let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        let mut fds =
            [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN), PollFd::new(self.bell.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(Failure::new(FailureKind::Io, format!("waiting: {error}"))),
        }
        let _ = self.socket.drain();
        let mut count = [0; 8];
        let _ = std::io::Read::read(&mut &*self.bell, &mut count);
        Ok(())
    }
}

/// Tries one delivery.
fn attempt(spool: &Spool, settings: &Settings, one: &Delivery) -> Try {
    fault::point("notify-attempt");
    let resolved = Delivery { address: address_of(one), ..one.clone() };
    let one = &resolved;
    if let Err(why) = one.method.check_address(&one.address) {
        return Try::Never(why);
    }
    match one.method {
        Method::Mail => mail::send(spool, settings, one),
        Method::Message => terminals::tell(settings, one),
        Method::File | Method::FileAddTo => match spool.delivery_path(one) {
            Ok(path) => files::write(&path, one),
            Err(why) => Try::Never(why),
        },
        Method::Exit => match spool.delivery_path(one) {
            Ok(program) => programs::run(&program, settings, one),
            Err(why) => Try::Never(why),
        },
        Method::Syslog => syslog::send(settings, one),
        // They never get into the outbox.
        Method::JobLog | Method::None => Try::Delivered,
    }
}

/// Whom or where: none given = the user whose rights count; `user@here` = the user.
fn address_of(one: &Delivery) -> String {
    if one.address.is_empty() {
        return users::name(one.uid);
    }
    if one.method == Method::Mail
        && let Some((user, host)) = one.address.split_once('@')
        && host.eq_ignore_ascii_case(&users::host())
    {
        return user.to_owned();
    }
    one.address.clone()
}
