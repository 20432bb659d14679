//! Keeps the print processes of a spool in the foreground, as children.
//!
//! A print process is started by whoever makes work for it. Where that one is a unit of systemd, a job of cron or a container
//! that takes everything down with it when it ends, the print process would be killed in mid-job. So a keeper starts
//! the processes instead: commands find its socket and wake it. It lives until SIGTERM or SIGINT, ends its children in good
//! order and then itself.
//!
//! A process that dies is started again by the rules of the spool: the third death within a minute puts it in error. A
//! crash of the keeper leaves its lock free, its children are told to end, and commands start processes themselves again.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::model::guardian::ProcessError;
use crate::model::{Call, Failure, FailureKind, ProcessName};
use crate::spool::disk::base::{Access, open};
use crate::spool::disk::locks;
use crate::spool::{Base, Spool, WakeTarget};
use crate::sys::lock::FileLock;
use crate::sys::range_lock::RangeLock;
use crate::sys::wake::{self, WakeSocket};
use crate::sys::{circumstances, clock, limits, spawn};

use super::attend::{FASTP, Starter, arguments};

/// How often to look without being woken: for processes that somebody else started and that died, and for what is due.
const LOOK: Duration = Duration::from_secs(30);
/// How long children may take to end in good order; a print process gives its devices 10 seconds.
const PARTING: Duration = Duration::from_secs(30);
/// A child that fails sooner than this is not started again at once.
const SHORT_LIVED: Duration = Duration::from_secs(5);
/// The longest wait before it is.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A print process that we have started.
struct Child {
    name: ProcessName,
    since: Instant,
}

/// How long a process that fails is left alone.
struct Setback {
    wait: Duration,
    until: Instant,
}

/// Keeps the print processes of one spool.
pub struct Keeper {
    base: Base,
    _lock: FileLock,
    /// No server begins while a keeper lives: two would start the same processes.
    _without_server: RangeLock,
    socket: WakeSocket,
    signals: SignalFd,
    directory: PathBuf,
    children: HashMap<Pid, Child>,
    setbacks: HashMap<ProcessName, Setback>,
    /// Whether processes that others have started were asked to make room for ours.
    took_over: bool,
    /// Why what is due was not done the last time.
    not_done: Option<String>,
    stopping: Option<Instant>,
}

fn cannot(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Io, format!("the print processes cannot be kept in the foreground: {what}: {error}"))
}

/// The same of a file of ours: what can be done about it, too.
fn cannot_use(path: &Path, error: &io::Error) -> Failure {
    let failure = cannot(&path.display().to_string(), error);
    limits::cure(error).into_iter().fold(failure, Failure::hint)
}

impl Keeper {
    /// Becomes the keeper of a spool. From now on commands wake it instead of starting processes, so [`Keeper::keep`] is to
    /// follow soon. Must be called before other threads start: its signals are blocked in all of them.
    ///
    /// # Errors
    /// When there is no spool, another keeper lives, or its files cannot be used.
    pub fn begin(base: &Base) -> Result<Self, Failure> {
        circumstances::restore();
        let mut mask = SigSet::empty();
        [Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD].into_iter().for_each(|signal| mask.add(signal));
        mask.thread_block().map_err(|error| cannot("signals", error))?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .map_err(|error| cannot("signals", error))?;
        // This makes `run/` where it is missing, and says what is wrong with the spool.
        let spool = open(base, Access::Existing { now: clock::now() })?;
        let proof = base.spool_id(spool.server());
        drop(spool);
        let without = locks::change_without_server(&proof).map_err(|error| cannot("its lock", error))?;
        let Some(without) = without else {
            let who =
                locks::server_of(base).map_or_else(String::new, |note| format!(" (process {})", note.process.pid));
            let what = format!("pdserver{who} has this spool, and starts its print processes itself");
            return Err(Failure::new(FailureKind::InUse, what)
                .hint("leave --foreground out, or end the server: systemctl stop pdserver"));
        };
        let lock =
            FileLock::try_exclusive(&base.keeper_lock()).map_err(|error| cannot_use(&base.keeper_lock(), &error))?;
        let Some(lock) = lock else {
            let what = "another command keeps the print processes of this spool in the foreground";
            return Err(Failure::new(FailureKind::InUse, what).hint("end that one first"));
        };
        let socket =
            WakeSocket::bind(&base.keeper_socket()).map_err(|error| cannot_use(&base.keeper_socket(), &error))?;
        let directory = spawn::program_dir().map_err(|error| cannot("its programs", error))?;
        Ok(Self {
            base: base.clone(),
            _lock: lock,
            _without_server: without,
            socket,
            signals,
            directory,
            children: HashMap::new(),
            setbacks: HashMap::new(),
            took_over: false,
            not_done: None,
            stopping: None,
        })
    }

    /// Starts what has work, and starts again what dies, until a signal ends it. `tell` gets a line for each thing that
    /// happens.
    ///
    /// # Errors
    /// When the spool cannot be reached any more. The children have ended by then.
    pub fn keep(mut self, tell: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let mut failed = None;
        loop {
            self.collect(tell);
            match self.stopping {
                Some(_) if self.children.is_empty() => break,
                Some(since) if since.elapsed() >= PARTING => self.signal(Signal::SIGKILL),
                Some(_) => {}
                None => {
                    if let Err(failure) = self.step(tell) {
                        // Jobs on devices are finished or given back before we say it.
                        failed = Some(failure);
                        self.stop();
                        continue;
                    }
                }
            }
            self.wait()?;
            while let Ok(Some(signal)) = self.signals.read_signal() {
                if signal.ssi_signo != Signal::SIGCHLD as u32 && self.stopping.is_none() {
                    tell("ends: a signal asked for it");
                    self.stop();
                }
            }
        }
        // Nobody is to wait for us any more.
        let _ = std::fs::remove_file(self.base.keeper_socket());
        failed.map_or(Ok(()), Err)
    }

    fn stop(&mut self) {
        self.stopping = Some(Instant::now());
        self.signal(Signal::SIGTERM);
    }

    fn signal(&self, signal: Signal) {
        for pid in self.children.keys() {
            let _ = kill(*pid, signal);
        }
    }

    fn wait(&self) -> Result<(), Failure> {
        let now = Instant::now();
        let due = self.setbacks.values().map(|setback| setback.until).filter(|until| *until > now).min();
        let wait =
            due.map_or(LOOK, |due| (due - now).min(LOOK)).min(if self.stopping.is_some() { PARTING } else { LOOK });
        let timeout = PollTimeout::try_from(wait + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut fds =
            [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN), PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(cannot("waiting", error)),
        }
        let _ = self.socket.drain();
        Ok(())
    }

    /// Collects children that have ended. As the first process of a container we collect the children of others, too.
    fn collect(&mut self, tell: &mut dyn FnMut(&str)) {
        loop {
            let (pid, how) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, 0)) => (pid, None),
                Ok(WaitStatus::Exited(pid, status)) => (pid, Some(format!("ended with status {status}"))),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Some(format!("was ended by {signal}"))),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            let Some(child) = self.children.remove(&pid) else { continue };
            match how {
                None => {
                    self.setbacks.remove(&child.name);
                    tell(&format!("${}[{pid}] has ended", child.name));
                }
                Some(how) => {
                    tell(&format!("${}[{pid}] {how}", child.name));
                    let before = self.setbacks.get(&child.name).map_or(Duration::ZERO, |setback| setback.wait);
                    let wait = match child.since.elapsed() < SHORT_LIVED {
                        true => (before * 2).clamp(Duration::from_secs(1), LONGEST_WAIT),
                        false => Duration::ZERO,
                    };
                    self.setbacks.insert(child.name, Setback { wait, until: Instant::now() + wait });
                }
            }
        }
    }

    /// Starts what has to be started now.
    fn step(&mut self, tell: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let now = clock::now();
        let spool = open(&self.base, Access::Existing { now: now.clone() })?;
        // What is due makes work too. What cannot be done now is done the next time; each reason is told once.
        let not_done = spool.due(&Call::of_spooler(&now)).err().map(|failure| failure.message);
        if let Some(why) = not_done.as_ref().filter(|_| not_done != self.not_done) {
            tell(&format!("what is due was not done: {why}"));
        }
        self.not_done = not_done;
        Starter::new(self.directory.clone()).keep_deliveries(&spool);
        spool.see_to_deliveries();
        spool.see_to_warnings(&now);
        let first = !std::mem::replace(&mut self.took_over, true);
        for target in spool.processes_with_work()? {
            let ours = self.children.values().any(|child| child.name == target.name);
            let waits = self.setbacks.get(&target.name).is_some_and(|setback| setback.until > Instant::now());
            if ours || waits || target.in_error || target.file.is_none() {
                continue;
            }
            if target.running {
                if spool.process_lives(&target.name).unwrap_or(true) {
                    self.take_over(&spool, &target, first, tell);
                    continue;
                }
                if !spool.process_died(target.id, target.epoch, &now).unwrap_or(false) {
                    continue;
                }
            }
            self.start(&spool, &target, tell);
        }
        Ok(())
    }

    /// Puts a child of ours in the place of a process that somebody else has started, if that one is idle. Why only at the
    /// beginning, or where ours is better? One that goes dormant is followed by a child of ours anyway.
    fn take_over(&mut self, spool: &Spool, target: &WakeTarget, first: bool, tell: &mut dyn FnMut(&str)) {
        if !first && !spool.could_be_better(target.id) {
            return;
        }
        if wake::ask_to_step_aside(&self.base.process_socket(&target.name)).unwrap_or(false) {
            self.start(spool, target, tell);
        }
    }

    fn start(&mut self, spool: &Spool, target: &WakeTarget, tell: &mut dyn FnMut(&str)) {
        if target.file.is_none() {
            return;
        }
        let program = self.directory.join(FASTP);
        match spawn::child(&program, &arguments(&self.base, &target.name)) {
            Ok(pid) => {
                tell(&format!("${}[{pid}] is started", target.name));
                let child = Child { name: target.name.clone(), since: Instant::now() };
                self.children.insert(Pid::from_raw(pid.cast_signed()), child);
            }
            Err(error) => {
                let why = format!("{}: {error}", program.display());
                tell(&format!("${} cannot be started: {why}", target.name));
                let wait = SHORT_LIVED;
                self.setbacks.insert(target.name.clone(), Setback { wait, until: Instant::now() + wait });
                if !super::attend::is_passing(&error) {
                    let error = ProcessError::CannotStart;
                    let _ = spool.process_cannot_start(target.id, target.epoch, error, &why, &clock::now());
                }
            }
        }
    }
}
