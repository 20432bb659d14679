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
use super::prerequisites::{ProgressFile, sign, with_room};
use super::submission_socket;
use super::waker::{Waker, poll_for};
use super::worker::{Due, Worker};
use crate::fastp::Timing;
use crate::fastp::device::context::{is_temporary, retry_until_done};
use crate::fastp::device::errors::SpoolError;
use crate::fastp::fastcnfg::library::Library;
use crate::model::time::Moment;
use crate::model::{DeviceId, Failure, FailureKind, ProcessName};
use crate::server::SubmissionSocket;
use crate::spool::interface::engine::{DeviceOrder, Engine, Lease};
use crate::spool::{Base, Spool};
use crate::sys::files::FileId;
use crate::sys::lock::FileLock;
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
    let open_submissions = |log: &Log| submission_socket::open(spool, log);
    run_with(Arc::new(spool.clone()), spool.base(), name, idle, Timing::from_environment(), open_submissions)
}

/// The same with given deadlines; `open` opens the submission socket.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    engine: Arc<dyn Engine>,
    base: &Base,
    name: &ProcessName,
    idle: Duration,
    timing: Timing,
    open: impl FnOnce(&Log) -> Option<SubmissionSocket>,
) -> Result<(), Failure> {
    let cannot = |what: &str| {
        let what = format!("print process {name}: {what}");
        move |error: io::Error| Failure::new(FailureKind::Io, format!("{what}: {error}"))
    };
    block_signals()?;
    let lock = with_room(base, || FileLock::exclusive(&base.process_lock(name), PREDECESSOR));
    let Some(lock) = lock.map_err(cannot("its lock"))? else {
        return Ok(());
    };
    with_room(base, || sign(&lock)).map_err(cannot("its lock"))?;
    let socket = with_room(base, || WakeSocket::bind(&base.process_socket(name))).map_err(cannot("its socket"))?;
    let log = Log::new(&base.log(), name.as_str());
    let waker = Arc::new(Waker::new().map_err(cannot("events"))?);
    let signals = Signals::listen(&waker).map_err(cannot("signals"))?;
    let pid = std::process::id();
    let progress = Arc::new(ProgressFile::new(base, name));
    let begun = retry_until_done(&waker, &log, "beginning", is_temporary, &mut |now| {
        let _ = progress.heartbeat(now.boot_ms);
        engine.begins(name, pid, now)
    });
    let lease = match begun {
        Ok(lease) => lease,
        Err(SpoolError::Ending) => return Ok(()),
        Err(SpoolError::Refused(failure)) => return Err(failure),
    };
    log.line(format_args!("begins, epoch {}", lease.epoch));
    let mut main = Main {
        engine,
        base,
        database: files::file_id(&base.database()),
        lease,
        timing,
        log: log.clone(),
        waker,
        socket,
        progress,
        workers: HashMap::new(),
        library: Arc::default(),
        zone: clock::zone(std::env::var_os("TZ")),
        next: None,
        finishing: false,
        dormant: false,
        last_work: Instant::now(),
        dormant_after: idle,
        idle,
    };
    let submissions = open(&log);
    let ended = main.serve();
    drop(submissions);
    match &ended {
        Ok(why) => main.end(why),
        Err(failure) => main.end(&failure.to_string()),
    }
    drop(signals);
    drop(main);
    drop(lock);
    ended.map(|_| ())
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
fn main_may_retry(failure: &Failure) -> bool {
    is_temporary(failure) || failure.kind == FailureKind::Internal
}

/// Turns SIGTERM and SIGINT into the stop of a waker.
struct Signals {
    quit: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    fn listen(waker: &Arc<Waker>) -> io::Result<Self> {
        let source = SignalFd::with_flags(&mask(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let quit = Arc::new(Waker::new()?);
        let (told, quitting) = (Arc::clone(waker), Arc::clone(&quit));
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
    /// What the database was at the start.
    database: Option<FileId>,
    pub(crate) lease: Lease,
    pub(crate) timing: Timing,
    pub(crate) log: Log,
    pub(crate) waker: Arc<Waker>,
    socket: WakeSocket,
    pub(crate) progress: Arc<ProgressFile>,
    pub(crate) workers: HashMap<DeviceId, Worker>,
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
    dormant_after: Duration,
    idle: Duration,
}

impl Main<'_> {
    fn serve(&mut self) -> Result<&'static str, Failure> {
        let mut beat = Instant::now();
        self.heartbeat();
        let mut woken = true;
        loop {
            if self.waker.stopping() {
                return Ok("a signal asked for it");
            }
            let due = match self.scan(woken) {
                Ok(due) => due,
                Err(SpoolError::Ending) => continue,
                Err(SpoolError::Refused(failure)) => return Err(failure),
            };
            let working = self.workers.values().any(|worker| worker.working());
            if working {
                (self.last_work, self.dormant_after) = (Instant::now(), self.idle);
            } else if self.finishing {
                return Ok("another one has the lease, or a newer schema");
            } else if due.is_none() && self.last_work.elapsed() >= self.dormant_after && self.go_dormant()? {
                return Ok("nothing is left to do");
            }
            if beat.elapsed() >= self.timing.heartbeat {
                beat = Instant::now();
                // Every call would be made again for ever, as on a disk that is full.
                let there = files::file_id(&self.base.database());
                let replaced = there.is_some() && self.database.is_some() && there != self.database;
                if replaced || matches!(self.base.database().try_exists(), Ok(false)) {
                    return Ok("its spool is gone");
                }
                self.heartbeat();
            }
            let mut wait = self.timing.scan_interval.min(self.timing.heartbeat.saturating_sub(beat.elapsed()));
            wait = due.map_or(wait, |due| wait.min(due));
            // Is it asked whether to go dormant while something is due later? No, and nothing is looked at sooner for that.
            if !working && due.is_none() {
                wait = wait.min(self.dormant_after.saturating_sub(self.last_work.elapsed()));
            }
            let before = Instant::now();
            woken = self.wait(wait)? || before.elapsed() >= self.timing.scan_interval;
        }
    }

    fn heartbeat(&self) {
        if let Err(error) = self.progress.heartbeat(clock::boot_ms()) {
            self.log.line(format_args!("the heartbeat cannot be written: {error}"));
        }
    }

    /// Asks the spool, as often as it takes, and stays alive for those who look meanwhile.
    fn ask<T>(&self, what: &str, mut call: impl FnMut(&Moment) -> Result<T, Failure>) -> Result<T, SpoolError> {
        let mut first = true;
        retry_until_done(&self.waker, &self.log, what, main_may_retry, &mut |now| {
            if !std::mem::take(&mut first) {
                self.heartbeat();
            }
            call(now)
        })
    }

    /// Waits for a wake-up, the end of a thread, or `timeout`. True: somebody made work or wants something.
    fn wait(&self, timeout: Duration) -> Result<bool, Failure> {
        let mut fds =
            [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN), PollFd::new(self.waker.as_fd(), PollFlags::POLLIN)];
        poll_for(&mut fds, Some(timeout)).map_err(|error| Failure::internal(format_args!("waiting: {error}")))?;
        let _ = self.waker.take_wake();
        Ok(self.socket.drain())
    }

    /// Looks at what is wanted of every device, and starts or rings their threads. Returns how long until the next
    /// thing is due.
    fn scan(&mut self, woken: bool) -> Result<Option<Duration>, SpoolError> {
        let ended = self.reap();
        if (woken || ended.refused) && !self.finishing {
            let stands = self.ask("reading the lease", |_| self.engine.lease_stands(&self.lease))?;
            if !stands {
                self.log.line("the lease is gone or the schema is newer: the running jobs are finished");
                self.finishing = true;
                self.workers.values().for_each(Worker::finish);
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
            self.schedule(&order, woken);
        }
        Ok(self.next.map(|next| next.saturating_duration_since(Instant::now())))
    }

    /// Starts or rings the thread of a device if it needs that, or notes when it will.
    fn schedule(&mut self, order: &DeviceOrder, woken: bool) {
        let slot = self.workers.len() + 1;
        let worker = self.workers.entry(order.id).or_insert_with(|| Worker::new(slot));
        if worker.working() {
            if woken {
                worker.wake_thread(order);
            } else {
                worker.rescan_when_thread_ends();
            }
            return;
        }
        let wait = match worker.due(order, clock::wall_ms(), woken) {
            Due::Never => return,
            Due::In(wait) => wait,
            Due::Now => {
                self.start(order.id, order);
                if self.workers.get(&order.id).is_some_and(Worker::working) {
                    return;
                }
                Duration::from_secs(1)
            }
        };
        let at = Instant::now() + wait;
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Whether this process may end: nothing is left, and the spool knows that it is gone.
    fn go_dormant(&mut self) -> Result<bool, Failure> {
        fault::point("going-dormant");
        match self.engine.goes_dormant(&self.lease, &clock::now()) {
            Ok(true) => {
                self.dormant = true;
                fault::point("going-dormant");
                return Ok(true);
            }
            Ok(false) => {}
            Err(failure) if main_may_retry(&failure) => self.log.line(format_args!("going dormant: {failure}")),
            Err(failure) => return Err(failure),
        }
        self.last_work = Instant::now();
        self.dormant_after = self.idle.max(Duration::from_secs(1));
        Ok(false)
    }

    /// Ends, for whatever reason: the threads that still run, and the epoch. The spool is told once and as well as may be,
    /// so that the next wake-up starts a process and does not take us for dead.
    fn end(&mut self, why: &str) {
        self.log.line(format_args!("{}: {why}", if self.dormant { "goes dormant" } else { "ends" }));
        self.stop_workers();
        if !self.dormant
            && let Err(failure) = self.engine.ends(&self.lease, why, &clock::now())
        {
            self.log.line(format_args!("ending: {failure}"));
        }
    }

    /// Ends every thread in good order, for as long as that may take.
    fn stop_workers(&mut self) {
        self.workers.values().for_each(Worker::stop);
        let until = Instant::now() + PARTING;
        loop {
            let _ = self.reap();
            let left = until.saturating_duration_since(Instant::now());
            if !self.workers.values().any(|worker| worker.working()) {
                return;
            }
            if left.is_zero() || self.waker.wait(None, Some(left)).is_err() {
                self.log.line("a device did not end in time; its claim is freed by the next epoch");
                return;
            }
        }
    }
}

/// Sets a flag and rings when it is dropped, also by a panic.
pub(crate) struct ThreadEndSignal {
    pub(crate) done: Arc<AtomicBool>,
    pub(crate) waker: Arc<Waker>,
}

impl Drop for ThreadEndSignal {
    fn drop(&mut self) {
        self.done.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}
