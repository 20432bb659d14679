//! The main loop of the print process: lock, bind, scan, wait.
//!
//! Main holds the lock of its name for its whole life; a held lock means a living process. It scans the spool when it
//! is woken, when a device thread has ended, when something is due, and twice a minute in case a wake-up was lost; then
//! it starts the device threads that are needed. Main never prints and never waits for a device. It goes dormant only
//! inside a transaction that finds no work: a command that makes work afterwards sees that it must start a new process,
//! and that one waits for our lock.

use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use nix::poll::{PollFd, PollFlags};

use super::log::Log;
use super::neighbours::Neighbours;
use super::prerequisites::{ProgressFile, take_lock, with_room, write_holder};
use super::signals::{Signals, block_signals};
use super::submission_socket;
use super::waker::{Waker, poll_for};
use super::worker::{NextStart, Worker};
use crate::fastp::Timing;
use crate::fastp::device::context::{Asker, is_repeated};
use crate::fastp::device::errors::SpoolError;
use crate::fastp::fastcnfg::file_cache::FileCache;
use crate::fastp::program::Program;
use crate::model::guardian::ProcessError;
use crate::model::process::{self, PROGRAM_ENDED, ProcessTrouble};
use crate::model::time::Moment;
use crate::model::{Call, DeviceId, Failure, FailureKind, ProcessName};
use crate::server::SubmissionSocket;
use crate::spool::interface::engine::{DeviceOrder, Engine, Lease};
use crate::spool::printing::trouble::Troubles;
use crate::spool::{Base, Spool};
use crate::supervise::{Starter, is_passing};
use crate::sys::files::FileId;
use crate::sys::lock::FileLock;
use crate::sys::wake::WakeSocket;
use crate::sys::{clock, fault, files, limits, notice, spawn};

/// How long device threads may take to stop in good order after a signal.
const PARTING: Duration = Duration::from_secs(10);

/// Runs print process `name` of `spool` until it has been idle for `idle` or is told to stop, and accepts submissions
/// meanwhile. If another process of that name is alive, it returns at once with success.
///
/// # Errors
/// Returns the failure when its files cannot be used or the spool refuses it.
pub fn run(spool: &Spool, name: &ProcessName, idle: Duration) -> Result<(), Failure> {
    let log = Log::new(&spool.base().log(), name.as_str());
    let waits = log.clone();
    notice::listen(move |text| waits.line(text));
    // Whoever commits shortens the log where no thread can.
    let _ = spool.keep_log_short();
    let _ready = spool.keep_files_ready();
    let open_submissions = |log: &Log| submission_socket::open(spool, log);
    // Why this one fails is no reason against another one that begins meanwhile.
    let mut tried = spool.targets_of(name).unwrap_or_default();
    let epoch = Cell::new(None);
    let ended = spool
        .demand_sound(&tried, &clock::now())
        .and_then(|()| {
            let engine = Arc::new(spool.clone());
            let file = spool.process(&Call::of_spooler(&clock::now()), name)?;
            let others = file.file.as_deref().filter(|file| !process::is_fastp(file));
            let no_name = |file| Failure::new(FailureKind::BadValue, format!("FILE {file} is no name of a program"));
            let named = others.map(|file| process::program(file).ok_or_else(|| no_name(file))).transpose()?;
            let program = named.map(|program| (program, file.parm));
            let timing = Timing::from_environment();
            run_by(engine, spool.base(), (name, &epoch), idle, timing, program, open_submissions)
        })
        .inspect_err(|failure| {
            log.line(format_args!("does not begin, or ends early: {failure}"));
            note_why_not(spool.base(), name, failure);
            tried.iter_mut().for_each(|target| target.epoch = epoch.get().unwrap_or(target.epoch));
            spool.could_not_begin(&tried, failure, &clock::now());
        })?;
    let Ended::WithItsProgram(why) = ended else { return Ok(()) };
    // The spool is told nothing: whoever watches print processes finds that one died, and what follows is his rule.
    Err(Failure::new(FailureKind::Io, format!("print process {name}: {PROGRAM_ENDED} {why}")))
}

/// How a print process ended that nothing was wrong with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    /// In good order.
    InOrder,
    /// Its program did, for this reason, and so it did.
    WithItsProgram(String),
}

/// Leaves beside the database why the print process `name` does not begin, unless another one of that name lives.
pub(super) fn note_why_not(base: &Base, name: &ProcessName, failure: &Failure) {
    if !matches!(FileLock::is_held(&base.process_lock(name)), Ok(false)) {
        return;
    }
    let what = ProcessTrouble {
        lasting: failure.kind == FailureKind::Damaged,
        ..ProcessTrouble::of_spool("it did not begin", failure)
    };
    Troubles::did_not_begin(&base.trouble(name), name, clock::boot_id(), &what, clock::boot_ms());
}

/// Does the same with the given deadlines; `open` opens the submission socket.
#[cfg(test)]
pub fn run_with(
    engine: Arc<dyn Engine>,
    base: &Base,
    name: &ProcessName,
    idle: Duration,
    timing: Timing,
    open: impl FnOnce(&Log) -> Option<SubmissionSocket>,
) -> Result<(), Failure> {
    run_by(engine, base, (name, &Cell::new(None)), idle, timing, None, open).map(drop)
}

/// Does the same, and says which epoch it has begun; a program of others, with PARM of the print process, drives the devices if
/// there is one.
fn run_by(
    engine: Arc<dyn Engine>,
    base: &Base,
    (name, epoch): (&ProcessName, &Cell<Option<u64>>),
    idle: Duration,
    timing: Timing,
    program: Option<(String, u16)>,
    open: impl FnOnce(&Log) -> Option<SubmissionSocket>,
) -> Result<Ended, Failure> {
    let log = Log::new(&base.log(), name.as_str());
    // Whoever started us has thrown our streams away: the log says it.
    let cannot = |what: &str| {
        let (what, log) = (format!("print process {name}: {what}"), log.clone());
        move |error: io::Error| {
            let failure = Failure::new(FailureKind::Io, format!("{what}: {error}"));
            let failure = limits::cure(&error).into_iter().fold(failure, Failure::hint);
            log.line(format_args!("does not begin: {failure}"));
            failure
        }
    };
    let no_thread = |what: &str| {
        let what = format!("print process {name}: {what}");
        move |error: io::Error| Failure::new(FailureKind::Io, format!("{what}: {}", limits::no_thread(&error)))
    };
    block_signals()?;
    let server = engine.server();
    let lock = take_lock(base, &server, name);
    let Some(lock) = lock.map_err(cannot(&format!("its lock {}", base.process_lock(name).display())))? else {
        return Ok(Ended::InOrder);
    };
    // What one before us left is not ours: from here on the lock says that we live.
    let troubles = Arc::new(Troubles::create(&base.trouble(name), name, clock::boot_id()));
    with_room(base, || write_holder(&lock.file)).map_err(cannot("its lock"))?;
    let socket = with_room(base, || WakeSocket::bind(&base.process_socket(name)))
        .map_err(cannot(&format!("its socket {}", base.process_socket(name).display())))?;
    let waker = Arc::new(Waker::new().map_err(cannot("events"))?);
    let signals = Signals::listen(&waker).map_err(no_thread("signals"))?;
    let progress = Arc::new(ProgressFile::new(base, name));
    let asker = Asker { waker: &waker, log: &log, troubles: &troubles, device: None };
    let lease = match begin_epoch(&*engine, name, &asker, &progress) {
        Ok(lease) => lease,
        Err(SpoolError::Ending) => return Ok(Ended::InOrder),
        Err(SpoolError::Refused(failure)) => return Err(failure),
    };
    epoch.set(Some(lease.epoch));
    // A machine that is short of something for a while has it again later: that is no error of the process.
    let started = program.map(|(file, parm)| {
        asker.until_done("starting its program", &mut |now| {
            let _ = progress.heartbeat(now.boot_ms);
            match start_program(base, name, &file, parm, &timing, &log) {
                Err(NotStarted::ForNow(why)) => Err(Failure::new(FailureKind::Io, why)),
                Err(NotStarted::ForGood(why)) => Ok(Err(why)),
                Ok(program) => Ok(Ok(program)),
            }
        })
    });
    let program = match started.transpose() {
        Ok(started) => started.transpose(),
        Err(SpoolError::Ending) => {
            let ended = engine.ends(&lease, "its program did not start before it was told to end", &clock::now());
            return ended.map(|()| Ended::InOrder);
        }
        Err(SpoolError::Refused(failure)) => return Err(failure),
    };
    let program = match program {
        Ok(program) => program,
        Err(why) => {
            log.line(format_args!("ends: {why}"));
            let ended = engine.ends_in_error(&lease, ProcessError::CannotStart, &why, &clock::now());
            return ended.map(|()| Ended::InOrder);
        }
    };
    let mut main = Main {
        engine,
        program,
        program_ended: None,
        base,
        ground: ground(base),
        neighbours: Neighbours::of(base, name),
        uprooted: false,
        lease,
        timing,
        log: log.clone(),
        troubles,
        waker,
        time_used_up: Arc::clone(&signals.time_used_up),
        socket,
        progress,
        workers: HashMap::new(),
        file_cache: Arc::default(),
        // The machine's, whatever the starter of this process lives by: times on header pages are for everybody.
        zone: clock::zone(None),
        next: None,
        finishing: false,
        step_aside: false,
        dormant: false,
        last_work: Instant::now(),
        dormant_after: idle,
        idle,
    };
    let submissions = open(&log);
    let ended = main.serve();
    drop(submissions);
    if let Some(why) = main.program_ended.take() {
        // The claims are given back as far as that goes.
        main.stop_workers();
        // Whoever finds our lock free finds them, too.
        log.last_words(format_args!("{PROGRAM_ENDED} {why}"));
        return Ok(Ended::WithItsProgram(why));
    }
    match &ended {
        Ok(why) => main.end(why),
        Err(failure) => main.end(&failure.to_string()),
    }
    if let Some(program) = &main.program {
        program.end(&log);
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
    ended.map(|_| Ended::InOrder)
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

/// Begins an epoch of the process, however long the spool takes.
fn begin_epoch(
    engine: &dyn Engine,
    name: &ProcessName,
    asker: &Asker<'_>,
    progress: &ProgressFile,
) -> Result<Lease, SpoolError> {
    let pid = std::process::id();
    let lease = asker.until_done("beginning", &mut |now| {
        let _ = progress.heartbeat(now.boot_ms);
        engine.begins(name, pid, now)
    })?;
    asker.log.line(format_args!("begins, epoch {}", lease.epoch));
    Ok(lease)
}

/// Starts the program that drives the devices. Why does it run before anything is to be printed? What is wrong with it is
/// known then at once, and is an error of the process and not of a device.
fn start_program(
    base: &Base,
    name: &ProcessName,
    file: &str,
    parm: u16,
    timing: &Timing,
    log: &Log,
) -> Result<Arc<Program>, NotStarted> {
    let path = spawn::libexec_program(file).map_err(|why| NotStarted::ForGood(format!("FILE {file}: {why}")))?;
    let program = Program::start(base, name, &path, parm, timing.program, log);
    program.map(Arc::new).map_err(|error| {
        let why = format!("FILE {file}: {}: {error}", path.display());
        if is_passing(&error) { NotStarted::ForNow(why) } else { NotStarted::ForGood(why) }
    })
}

/// Why a program does not run.
enum NotStarted {
    /// The machine is short of something, or somebody still writes the program's file.
    ForNow(String),
    /// It makes no sense to try again.
    ForGood(String),
}

/// The state of main.
pub(crate) struct Main<'a> {
    pub(crate) engine: Arc<dyn Engine>,
    /// The program that drives the devices, where it is none of ours.
    pub(crate) program: Option<Arc<Program>>,
    /// How it ended, if it has.
    program_ended: Option<String>,
    pub(crate) base: &'a Base,
    /// Identity of the database and its log when we started.
    ground: Ground,
    neighbours: Neighbours,
    /// Whether this process ends because the files under it were exchanged: then another one is to go on.
    uprooted: bool,
    pub(crate) lease: Lease,
    pub(crate) timing: Timing,
    pub(crate) log: Log,
    pub(crate) troubles: Arc<Troubles>,
    pub(crate) waker: Arc<Waker>,
    time_used_up: Arc<AtomicBool>,
    socket: WakeSocket,
    pub(crate) progress: Arc<ProgressFile>,
    pub(crate) workers: HashMap<DeviceId, Worker>,
    /// Parsed FASTCNFG files, shared by all devices.
    pub(crate) file_cache: Arc<FileCache>,
    /// The local time zone. Main reads it once: finding it needs more stack than a device thread has.
    pub(crate) zone: TimeZone,
    /// When the next device is due, as far as the last scans showed.
    next: Option<Instant>,
    finishing: bool,
    /// Whether somebody can start a process in better circumstances than ours.
    step_aside: bool,
    /// Whether the spool has recorded that this process is gone.
    dormant: bool,
    last_work: Instant,
    /// How long after the last work to ask whether we may go dormant.
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
                return Ok(if self.time_used_up.load(Ordering::SeqCst) {
                    "its processor time is used up"
                } else {
                    "a signal asked for it"
                });
            }
            if !self.attend_program(beat.elapsed() >= self.timing.heartbeat) {
                return Ok("its program ended");
            }
            // Asked while a device works, we stay: whoever asks next finds us idle, or does not.
            if std::mem::take(&mut self.step_aside) && !self.workers.values().any(Worker::working) {
                return Ok("a process in better circumstances takes over");
            }
            if self.database_was_exchanged() {
                self.uprooted = true;
                return Ok("spool.db was exchanged");
            }
            if !self.uprooted && self.neighbours.lost_run(self.base) {
                self.log.line("run/ was removed: the running jobs are finished, then a new process takes over");
                (self.uprooted, self.finishing) = (true, true);
                self.workers.values().for_each(Worker::finish);
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
                return Ok(if self.uprooted {
                    "run/ was removed"
                } else {
                    "another one has the lease, or a newer schema"
                });
            } else if due.is_none() && self.last_work.elapsed() >= self.dormant_after && self.go_dormant()? {
                return Ok("nothing is left to do");
            }
            if beat.elapsed() >= self.timing.heartbeat {
                beat = Instant::now();
                // Otherwise every call would be retried for ever, as on a full disk.
                if matches!(self.base.database().try_exists(), Ok(false)) {
                    return Ok("its spool is gone");
                }
                self.heartbeat();
            }
            let mut wait = self.timing.scan_interval.min(self.timing.heartbeat.saturating_sub(beat.elapsed()));
            wait = due.map_or(wait, |due| wait.min(due));
            // Do we ask about going dormant while something is due later? No, and nothing is scanned sooner for that.
            if !working && due.is_none() {
                wait = wait.min(self.dormant_after.saturating_sub(self.last_work.elapsed()));
            }
            let before = Instant::now();
            woken = self.wait(wait)? || before.elapsed() >= self.timing.scan_interval;
        }
    }

    /// Hears what the program says; false when it is gone.
    fn attend_program(&mut self, ask: bool) -> bool {
        let Some(program) = &self.program else { return true };
        self.program_ended = program.attend(ask).err();
        self.program_ended.is_none()
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

    /// Calls the spool until it answers, and keeps the heartbeat fresh meanwhile.
    fn ask<T>(&self, what: &str, mut call: impl FnMut(&Moment) -> Result<T, Failure>) -> Result<T, SpoolError> {
        let mut first = true;
        let asker = Asker { waker: &self.waker, log: &self.log, troubles: &self.troubles, device: None };
        asker.until_done(what, &mut |now| {
            if !std::mem::take(&mut first) {
                self.heartbeat();
            }
            call(now)
        })
    }

    /// Waits for a wake-up, the end of a thread, or `timeout`. Returns true if somebody made work or wants something.
    fn wait(&mut self, timeout: Duration) -> Result<bool, Failure> {
        let mut fds = vec![
            PollFd::new(self.socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.waker.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.program.as_ref().map(|program| PollFd::new(program.fd(), PollFlags::POLLIN)));
        fds.extend(self.neighbours.fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        poll_for(&mut fds, Some(timeout)).map_err(|error| Failure::internal(format_args!("waiting: {error}")))?;
        let _ = self.waker.take_wake();
        if self.neighbours.died() {
            self.sweep();
        }
        let wakes = self.socket.drain();
        self.step_aside |= wakes.step_aside;
        Ok(wakes.any)
    }

    /// Reads what is wanted of the devices, and starts or wakes their threads. Returns how long until the next device
    /// is due.
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
            // Nobody made work, nothing is due and no claim was given back, so only devices whose threads ended can
            // need another one. With a thousand devices, a scan of all of them after each job would cost more than the
            // jobs.
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

    /// Starts or wakes the thread of a device if necessary, or notes when it is due.
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
            NextStart::Never => return,
            NextStart::In(wait) => wait,
            NextStart::Now => {
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

    /// Returns whether this process may end: nothing is left to do, and the spool has recorded that it is gone.
    fn go_dormant(&mut self) -> Result<bool, Failure> {
        fault::point("going-dormant");
        match self.engine.goes_dormant(&self.lease, &clock::now()) {
            Ok(true) => {
                self.dormant = true;
                fault::point("going-dormant");
                return Ok(true);
            }
            Ok(false) => {}
            Err(failure) if is_repeated(&failure) => self.log.line(format_args!("going dormant: {failure}")),
            Err(failure) => return Err(failure),
        }
        self.last_work = Instant::now();
        self.dormant_after = self.idle.max(Duration::from_secs(1));
        Ok(false)
    }

    /// Ends the remaining threads and the epoch, for whatever reason. The spool is told once, as well as possible, so
    /// that the next wake-up starts a process instead of taking us for dead.
    fn end(&mut self, why: &str) {
        self.log.line(format_args!("{}: {why}", if self.dormant { "goes dormant" } else { "ends" }));
        self.stop_workers();
        if self.dormant {
            return;
        }
        let ended = if self.time_used_up.load(Ordering::SeqCst) {
            let limit = limits::processor_seconds().map(|seconds| format!(" of {seconds} s")).unwrap_or_default();
            let cure = format!("the limit{limit} comes from whoever started it: raise ulimit -t there");
            self.engine.ends_in_error(&self.lease, ProcessError::TimeUsedUp, &cure, &clock::now())
        } else {
            self.engine.ends(&self.lease, why, &clock::now())
        };
        if let Err(failure) = ended {
            self.log.line(format_args!("ending: {failure}"));
        }
    }

    /// Stops every thread in good order, within a time limit.
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

/// Sets a flag and wakes main when it is dropped, even by a panic.
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
