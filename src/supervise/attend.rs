//! Starts and wakes print processes.
//!
//! A command that makes work reads the row of the process in the same transaction. Row cleared: the process is dormant
//! and is started (the new one waits for the lock of one that is just leaving). Row set and its socket answers: it is
//! woken. Row set but its lock is free: it died, and is started again unless that was its third death within a minute.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use nix::libc::{EAGAIN, ENOMEM};

use crate::model::ProcessName;
use crate::model::guardian::ProcessError;
use crate::model::time::Moment;
use crate::spool::{Attendant, Base, Spool, WakeTarget, notify};
use crate::sys::lock::FileLock;
use crate::sys::{limits, spawn, wake};

/// Starts print processes from one directory, never from a search path.
#[derive(Clone, Debug)]
pub struct Starter {
    directory: PathBuf,
}

impl Starter {
    /// Starts programs in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Starts the programs that lie beside the running one.
    ///
    /// # Errors
    /// Returns an error when the kernel does not say where that is.
    pub fn beside_us() -> io::Result<Self> {
        Ok(Self::new(spawn::program_dir()?))
    }

    /// Starts the print process `name` of a base once more, for one that ends.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn again(&self, base: &Base, name: &ProcessName) -> io::Result<u32> {
        // Is the child of somebody who keeps processes in the foreground followed by another child? Not when `run/` was
        // removed: then nobody finds him. His next look finds the new process.
        spawn::detached(&self.directory.join(FASTP), &arguments(base, name))
    }

    /// Sees to it that somebody delivers the notifications of a base: wakes him, or starts one.
    ///
    /// Is one started in vain? When the lock is held and nobody listens yet, its holder looks once more after it let go. One
    /// that dies may let go of the lock before its socket closes: what that took nobody hears.
    fn deliver(&self, base: &Base) {
        let _ = wake::wake(&base.deliver_socket());
        if FileLock::is_held(&base.deliver_lock()).unwrap_or(true) {
            return;
        }
        let arguments = [OsStr::new("--base"), base.root().as_os_str(), OsStr::new("--deliver")];
        // The next one who changes anything tries again.
        let _ = spawn::detached(&self.directory.join(FASTP), &arguments);
    }

    /// From now on what this process puts into the outbox of a spool is delivered.
    pub fn keep_deliveries(&self, spool: &Spool) {
        let starter = self.clone();
        keep(spool, Box::new(move |base| starter.deliver(base)));
    }

    /// The same for a print process: the stacks of its threads are too small to start a program.
    pub fn keep_deliveries_aside(&self, spool: &Spool) {
        let starter = self.clone();
        let ring = move |base: &Base| {
            let (starter, base) = (starter.clone(), base.clone());
            let thread = std::thread::Builder::new().name("notify".into()).stack_size(512 << 10);
            // Without a thread the next one who changes anything tries again.
            let _ = thread.spawn(move || starter.deliver(&base));
        };
        keep(spool, Box::new(ring));
    }

    fn start(&self, spool: &Spool, target: &WakeTarget, now: &Moment) {
        // The user starts an independent process himself. FILE decides nothing else: there is one program, however a site
        // names it.
        if target.file.is_none() {
            let why = format!("start it, then PRINT ${}, START", target.name);
            // If that cannot be written, the next command tries again.
            let _ = spool.process_cannot_start(target.id, target.epoch, ProcessError::NotStarted, &why, now);
            return;
        }
        // Whoever keeps the processes in the foreground starts this one too: it then lives as long as he does.
        if wake::wake(&spool.base().keeper_socket()).unwrap_or(false) {
            return;
        }
        let program = self.directory.join(FASTP);
        if let Err(error) = spawn::detached(&program, &arguments(spool.base(), &target.name)) {
            let why = match error.raw_os_error() {
                Some(EAGAIN | ENOMEM) => limits::no_thread(&error),
                _ => limits::cure(&error).unwrap_or_else(|| error.to_string()),
            };
            let why = format!("{}: {why}", program.display());
            // The job is accepted anyway; the reason shows in the state of the process and of its devices, until it begins.
            // If even that cannot be written, the next command tries again.
            let _ = spool.process_cannot_start(target.id, target.epoch, ProcessError::CannotStart, &why, now);
        }
    }
}

fn keep(spool: &Spool, ring: notify::Ring) {
    spool.keep_deliveries(notify::Keeper {
        ring,
        programs: crate::notify::programs(&|name| std::env::var_os(name)),
        uid: nix::unistd::geteuid().as_raw(),
    });
}

/// The print process program.
pub(super) const FASTP: &str = "fastp";

pub(super) fn arguments<'a>(base: &'a Base, name: &'a ProcessName) -> [&'a OsStr; 4] {
    [OsStr::new("--base"), base.root().as_os_str(), OsStr::new("--process"), OsStr::new(name.as_str())]
}

/// Errors that come and go with the load of the machine.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    use nix::libc::{EAGAIN, EMFILE, ENFILE, ENOMEM, ETXTBSY};
    matches!(error.raw_os_error(), Some(EAGAIN | EMFILE | ENFILE | ENOMEM | ETXTBSY))
}

impl Attendant for Starter {
    fn shorten_log(&self, spool: &Spool) {
        let arguments = [OsStr::new("--base"), spool.base().root().as_os_str(), OsStr::new("--shorten-log")];
        // The next submission tries again; within bounds whoever commits does it.
        let _ = spawn::detached(&self.directory.join(FASTP), &arguments);
    }

    fn attend(&self, spool: &Spool, targets: &[WakeTarget], now: &Moment) {
        debug_assert!(!crate::spool::is_in_change(), "a process is woken inside a transaction");
        for target in targets.iter().filter(|target| !target.in_error) {
            if !target.running {
                self.start(spool, target, now);
                continue;
            }
            // Where somebody keeps the processes in the foreground, that is his business.
            let kept = || wake::wake(&spool.base().keeper_socket()).unwrap_or(false);
            if target.file.is_some() && spool.could_be_better(target.id) && !kept() {
                // It ends if it is idle; the new one waits for its lock. One that has begun to print meanwhile goes on, and
                // the new one ends.
                if wake::ask_to_step_aside(&spool.base().process_socket(&target.name)).unwrap_or(false) {
                    self.start(spool, target, now);
                    continue;
                }
            }
            let _ = wake::wake(&spool.base().process_socket(&target.name));
            // A process that holds its lock and does not listen has not bound its socket yet, and will look once it has. One
            // that dies may let go of its lock before its socket closes: what that took nobody hears.
            let held = spool.process_lives_on(&target.name).unwrap_or(true);
            if !held && spool.process_died(target.id, target.epoch, now).unwrap_or(false) {
                self.start(spool, target, now);
            }
        }
    }
}
