//! Main of the print process: lock, bind, scan, wait.
//!
//! It holds the lock of its name for as long as it lives; a held lock is a living process. It looks at the spool when
//! it is woken, when a device thread has ended, when something is due, and as a net twice a minute; then it starts the
//! threads that are missing. It prints nothing itself and waits for no device. It goes dormant only inside a
//! transaction that finds no work, so that whoever makes work afterwards sees that it has to start a new process; that
//! one waits for our lock.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::log::Log;
use super::neighbours::Neighbours;
use super::prerequisites::{Board, sign, with_room};
use super::submission_socket;
use super::waker::{Bell, poll_for};
use super::worker::{Due, Seat};
use crate::fastp::Timing;
use crate::fastp::device::context::{passes, persist};
use crate::fastp::device::errors::SpoolTrouble;
use crate::fastp::fastcnfg::library::Library;
use crate::model::time::Moment;
use crate::model::{DeviceId, Failure, FailureKind, ProcessName};
use crate::server::Counter;
use crate::spool::disk::locks;
use crate::spool::interface::engine::{DeviceOrder, Engine, Lease};
use crate::spool::{Base, Spool};
use crate::supervise::Starter;
use crate::sys::files::FileId;
use crate::sys::wake::WakeSocket;
use crate::sys::{clock, fault, files};

/// How long a predecessor that is going dormant is waited for.
const PREDECESSOR: Duration = Duration::from_secs(5);
/// How long device threads may take to end in good order after a signal.
const PARTING: Duration = Duration::from_secs(10);

/// Is the print process `name` of `spool`, until it goes dormant after `idle` without work or is told to end, and takes
/// submissions meanwhile. Another one of that name that is alive makes this one end at once, with success.
///
/// # Errors
/// When its files cannot be used or the spool refuses it.
pub fn run(spool: &Spool, name: &ProcessName, idle: Duration) -> Result<(), Failure> {
    spool.demand_sound(name, &clock::now()).inspect_err(|failure| {
        Log::new(&spool.base().log(), name.as_str()).line(format_args!("does not begin: {failure}"));
    })?;
    let counter = |log: &Log| submission_socket::open(spool, log);
    run_with(Arc::new(spool.clone()), spool.base(), name, idle, Timing::from_environment(), counter)
}

/// The same with given deadlines; `open` opens the counter.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    engine: Arc<dyn Engine>,
    base: &Base,
    name: &ProcessName,
    idle: Duration,
    timing: Timing,
    open: impl FnOnce(&Log) -> Option<Counter>,
) -> Result<(), Failure> {
    let cannot = |what: &str| {
        let what = format!("print process {name}: {what}");
        move |error: io::Error| Failure::new(FailureKind::Io, format!("{what}: {error}"))
    };
    block_signals()?;
    let server = engine.server();
    let lock = with_room(base, || locks::take_process(base, &server, name, PREDECESSOR));
    let Some(lock) = lock.map_err(cannot("its lock"))? else {
        return Ok(());
    };
    with_room(base, || sign(&lock.file)).map_err(cannot("its lock"))?;
    let socket = with_room(base, || WakeSocket::bind(&base.process_socket(name))).map_err(cannot("its socket"))?;
    let log = Log::new(&base.log(), name.as_str());
    let bell = Arc::new(Bell::new().map_err(cannot("events"))?);
    let signals = Signals::listen(&bell).map_err(cannot("signals"))?;
    let pid = std::process::id();
    let progress = Arc::new(Board::new(base, name));
    let begun = persist(&bell, &log, "beginning", passes, &mut |now| {
        let _ = progress.heartbeat(now.boot_ms);
        engine.begins(name, pid, now)
    });
    let lease = match begun {
        Ok(lease) => lease,
        Err(SpoolTrouble::Ending) => return Ok(()),
        Err(SpoolTrouble::Refused(failure)) => return Err(failure),
    };
    log.line(format_args!("begins, epoch {}", lease.epoch));
    let mut main = Main {
        engine,
        base,
        ground: ground(base),
        neighbours: Neighbours::of(base, name),
        uprooted: false,
        lease,
        timing,
        log: log.clone(),
        bell,
        socket,
        progress,
        seats: HashMap::new(),
        library: Arc::default(),
        zone: clock::zone(std::env::var_os("TZ")),
        next: None,
        finishing: false,
        dormant: false,
        last_work: Instant::now(),
        dormant_at: idle,
        idle,
    };
    let counter = open(&log);
    let ended = main.serve();
    drop(counter);
    match &ended {
        Ok(why) => main.leave(why),
        Err(failure) => main.leave(&failure.to_string()),
    }
    // A device thread may have been the first to find out.
    let uprooted = main.uprooted || (ended.is_err() && main.database_was_exchanged());
    drop(signals);
    drop(main);
    drop(lock);
    if uprooted {
        // What waits must not wait for the next command. The new one finds our lock free.
        succeed(base, name, &log);
    }
    ended.map(|_| ())
}

/// What has the names of the database and of its log.
type Ground = (Option<FileId>, Option<FileId>);

fn ground(base: &Base) -> Ground {
    (files::file_id(&base.database()), files::file_id(&base.database_log()))
}

/// Starts a print process of this name on what lies at the base now.
fn succeed(base: &Base, name: &ProcessName, log: &Log) {
    let started = Starter::beside_us().and_then(|starter| starter.again(base, name));
    match started {
        Ok(pid) => log.line(format_args!("process {pid} takes over")),
        Err(error) => log.line(format_args!("no successor can be started: {error}")),
    }
}

/// Keeps the signals that end the process for the thread that waits for them. To be called before other threads start.
///
/// # Errors
/// When the system refuses.
pub fn block_signals() -> Result<(), Failure> {
    mask().thread_block().map_err(|error| Failure::internal(format_args!("blocking signals: {error}")))
}

fn mask() -> SigSet {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTERM);
    mask.add(Signal::SIGINT);
    mask
}

/// Whether a failed look at the spool passes by itself. Main changes nothing by looking, so it may also look again after a
/// fault of ours: running out of descriptors is told as one.
fn heals(failure: &Failure) -> bool {
    passes(failure) || failure.kind == FailureKind::Internal
}

/// Turns SIGTERM and SIGINT into the stop of a bell.
struct Signals {
    quit: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    fn listen(bell: &Arc<Bell>) -> io::Result<Self> {
        let source = SignalFd::with_flags(&mask(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let quit = Arc::new(Bell::new()?);
        let (told, quitting) = (Arc::clone(bell), Arc::clone(&quit));
        let thread = std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(move || {
            while !quitting.stopping() {
                if quitting.wait(Some((source.as_fd(), PollFlags::POLLIN)), None).is_err() {
                    break;
                }
                if matches!(source.read_signal(), Ok(Some(_))) {
                    told.stop();
                }
            }
        })?;
        Ok(Self { quit, thread: Some(thread) })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.quit.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What main knows.
pub(crate) struct Main<'a> {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) base: &'a Base,
    /// What the database and its log were at the start.
    ground: Ground,
    neighbours: Neighbours,
    /// Whether this process ends because the files under it were exchanged: then another one is to go on.
    uprooted: bool,
    pub(crate) lease: Lease,
    pub(crate) timing: Timing,
    pub(crate) log: Log,
    pub(crate) bell: Arc<Bell>,
    socket: WakeSocket,
    pub(crate) progress: Arc<Board>,
    pub(crate) seats: HashMap<DeviceId, Seat>,
    /// The FASTCNFG files, for all devices.
    pub(crate) library: Arc<Library>,
    /// The local time zone. Read once and here: finding it needs more stack than a device thread has.
    pub(crate) zone: TimeZone,
    /// When the next thing is due, as far as the last looks told.
    next: Option<Instant>,
    finishing: bool,
    /// Whether the spool knows that this process is gone.
    dormant: bool,
    last_work: Instant,
    /// How long after the last work to ask whether to go dormant.
    dormant_at: Duration,
    idle: Duration,
}

impl Main<'_> {
    fn serve(&mut self) -> Result<&'static str, Failure> {
        let mut beat = Instant::now();
        self.heartbeat();
        let mut woken = true;
        loop {
            if self.bell.stopping() {
                return Ok("a signal asked for it");
            }
            if self.database_was_exchanged() {
                self.uprooted = true;
                return Ok("spool.db was exchanged");
            }
            if !self.uprooted && self.neighbours.lost_run(self.base) {
                self.log.line("run/ was removed: the running jobs are finished, then a new process takes over");
                (self.uprooted, self.finishing) = (true, true);
                self.seats.values().for_each(Seat::finish);
            }
            let due = match self.scan(woken) {
                Ok(due) => due,
                Err(SpoolTrouble::Ending) => continue,
                Err(SpoolTrouble::Refused(failure)) => return Err(failure),
            };
            let working = self.seats.values().any(|seat| seat.working());
            if working {
                (self.last_work, self.dormant_at) = (Instant::now(), self.idle);
            } else if self.finishing {
                return Ok(if self.uprooted {
                    "run/ was removed"
                } else {
                    "another one has the lease, or a newer schema"
                });
            } else if due.is_none() && self.last_work.elapsed() >= self.dormant_at && self.sleeps()? {
                return Ok("nothing is left to do");
            }
            if beat.elapsed() >= self.timing.heartbeat {
                beat = Instant::now();
                // Every call would be made again for ever, as on a disk that is full.
                if matches!(self.base.database().try_exists(), Ok(false)) {
                    return Ok("its spool is gone");
                }
                self.heartbeat();
            }
            let mut wait = self.timing.net.min(self.timing.heartbeat.saturating_sub(beat.elapsed()));
            wait = due.map_or(wait, |due| wait.min(due));
            // Is it asked whether to go dormant while something is due later? No, and nothing is looked at sooner for that.
            if !working && due.is_none() {
                wait = wait.min(self.dormant_at.saturating_sub(self.last_work.elapsed()));
            }
            let before = Instant::now();
            woken = self.wait(wait)? || before.elapsed() >= self.timing.net;
        }
    }

    /// Whether another database, or another log, lies now where ours was.
    fn database_was_exchanged(&self) -> bool {
        let there = ground(self.base);
        there.0.is_some() && self.ground.0.is_some() && there != self.ground
    }

    /// Sweeps what a neighbour that died was about to erase.
    fn sweep(&self) {
        if let Err(failure) = self.engine.sweep() {
            self.log.line(format_args!("sweeping: {failure}"));
        }
    }

    fn heartbeat(&self) {
        if let Err(error) = self.progress.heartbeat(clock::boot_ms()) {
            self.log.line(format_args!("the heartbeat cannot be written: {error}"));
        }
    }

    /// Asks the spool, as often as it takes, and stays alive for those who look meanwhile.
    fn ask<T>(&self, what: &str, mut call: impl FnMut(&Moment) -> Result<T, Failure>) -> Result<T, SpoolTrouble> {
        let mut first = true;
        persist(&self.bell, &self.log, what, heals, &mut |now| {
            if !std::mem::take(&mut first) {
                self.heartbeat();
            }
            call(now)
        })
    }

    /// Waits for a wake-up, the end of a thread, or `timeout`. True: somebody made work or wants something.
    fn wait(&self, timeout: Duration) -> Result<bool, Failure> {
        let mut fds = vec![
            PollFd::new(self.socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.bell.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.neighbours.fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        poll_for(&mut fds, Some(timeout)).map_err(|error| Failure::internal(format_args!("waiting: {error}")))?;
        let _ = self.bell.taken();
        if self.neighbours.died() {
            self.sweep();
        }
        Ok(self.socket.drain())
    }

    /// Looks at what is wanted of every device, and starts or rings their threads. Returns how long until the next
    /// thing is due.
    fn scan(&mut self, woken: bool) -> Result<Option<Duration>, SpoolTrouble> {
        let ended = self.reap();
        if (woken || ended.refused) && !self.finishing {
            let stands = self.ask("reading the lease", |_| self.engine.lease_stands(&self.lease))?;
            if !stands {
                self.log.line("the lease is gone or the schema is newer: the running jobs are finished");
                self.finishing = true;
                self.seats.values().for_each(Seat::finish);
            }
        }
        if self.finishing {
            return Ok(None);
        }
        let all = woken || ended.gave_up || self.next.is_some_and(|next| next <= Instant::now());
        let orders = if all {
            self.next = None;
            self.ask("reading what is wanted", |now| self.engine.orders(&self.lease, now))?
        } else {
            // Nobody made work, nothing is due and nothing was given back: only the devices whose threads have ended can
            // want another one. With a thousand devices a look at all of them after each job would cost more than the jobs.
            let mut orders = Vec::with_capacity(ended.devices.len());
            for id in ended.devices {
                let order = |now: &Moment| self.engine.order(&self.lease, id, now);
                orders.extend(self.ask("reading what is wanted", order)?);
            }
            orders
        };
        for order in orders {
            self.consider(&order, woken);
        }
        Ok(self.next.map(|next| next.saturating_duration_since(Instant::now())))
    }

    /// Starts or rings the thread of a device if it needs that, or notes when it will.
    fn consider(&mut self, order: &DeviceOrder, woken: bool) {
        let slot = self.seats.len() + 1;
        let seat = self.seats.entry(order.id).or_insert_with(|| Seat::new(slot));
        if seat.working() {
            if woken {
                seat.ring(order);
            } else {
                seat.pass_over();
            }
            return;
        }
        let wait = match seat.due(order, clock::wall_ms(), woken) {
            Due::Never => return,
            Due::In(wait) => wait,
            Due::Now => {
                self.start(order.id, order);
                if self.seats.get(&order.id).is_some_and(Seat::working) {
                    return;
                }
                Duration::from_secs(1)
            }
        };
        let at = Instant::now() + wait;
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Whether this process may end: nothing is left, and the spool knows that it is gone.
    fn sleeps(&mut self) -> Result<bool, Failure> {
        fault::point("going-dormant");
        match self.engine.goes_dormant(&self.lease, &clock::now()) {
            Ok(true) => {
                self.dormant = true;
                fault::point("going-dormant");
                return Ok(true);
            }
            Ok(false) => {}
            Err(failure) if heals(&failure) => self.log.line(format_args!("going dormant: {failure}")),
            Err(failure) => return Err(failure),
        }
        self.last_work = Instant::now();
        self.dormant_at = self.idle.max(Duration::from_secs(1));
        Ok(false)
    }

    /// Ends, for whatever reason: the threads that still run, and the epoch. The spool is told once and as well as may be,
    /// so that the next wake-up starts a process and does not take us for dead.
    fn leave(&mut self, why: &str) {
        self.log.line(format_args!("{}: {why}", if self.dormant { "goes dormant" } else { "ends" }));
        self.part();
        if !self.dormant
            && let Err(failure) = self.engine.ends(&self.lease, why, &clock::now())
        {
            self.log.line(format_args!("ending: {failure}"));
        }
    }

    /// Ends every thread in good order, for as long as that may take.
    fn part(&mut self) {
        self.seats.values().for_each(Seat::stop);
        let until = Instant::now() + PARTING;
        loop {
            let _ = self.reap();
            let left = until.saturating_duration_since(Instant::now());
            if !self.seats.values().any(|seat| seat.working()) {
                return;
            }
            if left.is_zero() || self.bell.wait(None, Some(left)).is_err() {
                self.log.line("a device did not end in time; its claim is freed by the next epoch");
                return;
            }
        }
    }
}

/// Sets a flag and rings when it is dropped, also by a panic.
pub(crate) struct Farewell {
    pub(crate) done: Arc<AtomicBool>,
    pub(crate) bell: Arc<Bell>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.done.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}
