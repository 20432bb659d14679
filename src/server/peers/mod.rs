//! One server among others: what it hands over, takes over and fetches.
//!
//! A thread looks for servers with which there is something to do: jobs that wait for their devices, jobs that they have, and
//! jobs of theirs whose files they did not give. Each of them gets a thread of its own (`deliver`), so that one that does not
//! answer delays no other; it ends when nothing is left. What other servers ask is answered by `answer`. Print processes have
//! files fetched at a socket (`pull`), where commands and print processes ask about jobs that another server holds as well (`claims`).
//!
//! A crash leaves what the two spools have on record; the next server goes on from there (`spool::remote`).

mod answer;
mod changes;
mod claims;
mod deliver;
mod frames;
mod lines;
mod pull;
#[cfg(test)]
mod script;

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::client::peer::{Dial, PeerStream, ServePeer};
use crate::model::lease::{LEASE_MS, Spokesman};
use crate::model::{Failure, FailureKind, GlobalJobId, ServerName};
use crate::spool::{Attendant, Spool};
use crate::sys::watch::Watch;

use super::Log;

/// How long each step of a conversation may take.
const STEP: Duration = Duration::from_secs(10);
/// How long nothing may happen before somebody looks all the same.
const LOOK: Duration = Duration::from_secs(1);

/// How a server works with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Octets a second that are fetched from each of them at most.
    pub rate: Option<u64>,
    /// How long a claim lasts that is not renewed.
    pub lease_ms: i64,
    /// The Unix group whose members are operators here, also when another server speaks for them.
    pub operators: Option<String>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { rate: None, lease_ms: LEASE_MS, operators: None }
    }
}

/// One server among others. Cheap to clone.
#[derive(Clone)]
pub struct Peers {
    inner: Arc<Inner>,
}

struct Inner {
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    dial: Arc<dyn Dial>,
    log: Log,
    terms: Terms,
    /// For whom other servers speak.
    spokesmen: Mutex<HashMap<ServerName, Spokesman>>,
    /// What this process knows of change control.
    changes: Mutex<changes::Known>,
    /// Whether a generation may count elsewhere that does not count here.
    behind: AtomicBool,
    is_over: AtomicBool,
    /// The socket at which print processes ask.
    fetching: Mutex<Option<UnixListener>>,
    /// The servers for which a thread is at work.
    busy: Mutex<HashSet<ServerName>>,
    /// The jobs of other servers that are being claimed.
    claiming: Mutex<HashSet<GlobalJobId>>,
    /// How many files are fetched from each server now.
    fetches: Mutex<HashMap<ServerName, usize>>,
    /// Connections that are used again.
    idle: lines::Idle,
    changed: Condvar,
}

impl Peers {
    /// The other servers that `dial` reaches.
    pub fn new(spool: Spool, attendant: Arc<dyn Attendant>, dial: Arc<dyn Dial>, log: Log, terms: Terms) -> Self {
        let inner = Inner {
            spool,
            attendant,
            dial,
            log,
            terms,
            spokesmen: Mutex::default(),
            changes: Mutex::default(),
            behind: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            fetching: Mutex::default(),
            busy: Mutex::default(),
            claiming: Mutex::default(),
            fetches: Mutex::default(),
            idle: lines::Idle::default(),
            changed: Condvar::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the threads that look for work, and that fetch files.
    ///
    /// # Errors
    /// When the socket or a thread cannot be made.
    pub fn start(&self) -> Result<Vec<std::thread::JoinHandle<()>>, Failure> {
        let spool = &self.inner.spool;
        let io = |error: io::Error| Failure::new(FailureKind::Io, format!("other servers cannot be reached: {error}"));
        // What a server that died has left.
        spool.sweep_fetched(false)?;
        let fetching = pull::listen(&spool.base().fetch_socket()).map_err(io)?;
        *self.inner.fetching.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetching.try_clone().map_err(io)?);
        let (look, fetch, change) = (self.clone(), self.clone(), self.clone());
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.into()).spawn(work).map_err(io)
        };
        Ok(vec![
            thread("servers", Box::new(move || look.look_for_work()))?,
            thread("fetch", Box::new(move || pull::accept(&fetch, &fetching)))?,
            thread("changes", Box::new(move || change.see_to_changes()))?,
        ])
    }

    /// Ends what runs, in good order: no step is begun any more.
    pub fn end(&self) {
        self.inner.is_over.store(true, Ordering::SeqCst);
        self.inner.changed.notify_all();
        self.inner.idle.clear();
        // Wakes whoever accepts, also when the name of the socket is gone.
        if let Some(fetching) = self.inner.fetching.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = nix::sys::socket::shutdown(fetching.as_raw_fd(), nix::sys::socket::Shutdown::Both);
        }
        let busy = self.busy();
        drop(self.inner.changed.wait_timeout_while(busy, STEP, |busy| !busy.is_empty()));
    }

    fn is_over(&self) -> bool {
        self.inner.is_over.load(Ordering::SeqCst)
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<ServerName>> {
        self.inner.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not when the server ends.
    fn pause(&self, long: Duration) {
        let busy = self.busy();
        drop(self.inner.changed.wait_timeout_while(busy, long, |_| !self.is_over()));
    }

    fn log(&self, line: &str) {
        (self.inner.log)(line);
    }

    /// A commit of anybody closes the gate of the spool: then it is looked again.
    fn watch(&self) -> Option<Watch> {
        Watch::new(&self.inner.spool.base().write_lock()).ok()
    }

    fn look_for_work(&self) {
        let watch = self.watch();
        let mut said = None;
        let mut known: Vec<ServerName> = Vec::new();
        while !self.is_over() {
            let members = self.inner.dial.servers();
            if members != known {
                let call = crate::model::Call::of_spooler(&crate::sys::clock::now());
                let mut new = members.iter().filter(|one| !known.contains(one));
                let all = new.try_for_each(|one| self.inner.spool.works_with(&call, one));
                if all.is_ok() {
                    known = members;
                }
            }
            match self.inner.spool.servers_with_work() {
                Ok(servers) => {
                    said = None;
                    servers.into_iter().for_each(|server| self.work_with(server));
                }
                Err(failure) if said.as_ref() != Some(&failure.message) => {
                    self.log(&failure.message);
                    said = Some(failure.message);
                }
                Err(_) => {}
            }
            self.inner.idle.sweep();
            let _ = self.inner.spool.sweep_fetched(true);
            if let Err(failure) = self.see_to_claimants() {
                self.log(&failure.message);
            }
            self.pause(deliver::PACE);
            match &watch {
                Some(watch) => drop(watch.wait(LOOK)),
                None => self.pause(LOOK),
            }
        }
    }

    /// Ends claims of other servers whose time is over, and those of servers that are no members any more: nobody is dialled for
    /// them.
    fn see_to_claimants(&self) -> Result<(), Failure> {
        let (spool, now) = (&self.inner.spool, crate::sys::clock::now());
        spool.end_leases(&now)?;
        for server in spool.claimants()? {
            if self.inner.dial.proof(&server)?.is_none() {
                spool.claimant_left(&crate::model::Call::of_spooler(&now), &server)?;
            }
        }
        Ok(())
    }

    fn work_with(&self, server: ServerName) {
        if self.is_over() || !self.busy().insert(server.clone()) {
            return;
        }
        let (peers, name) = (self.clone(), server.clone());
        let work = move || {
            let done = Done { peers: &peers, server: &name };
            deliver::work(&peers, done.server);
        };
        if let Err(error) = std::thread::Builder::new().name("server".into()).spawn(work) {
            self.busy().remove(&server);
            self.log(&format!("no thread for server {server}: {error}"));
        }
    }
}

/// A thread that works with a server; dropped, another one may.
struct Done<'a> {
    peers: &'a Peers,
    server: &'a ServerName,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.peers.busy().remove(self.server);
        self.peers.inner.changed.notify_all();
    }
}

impl ServePeer for Peers {
    fn serve(&self, mut stream: Box<dyn PeerStream>, server: &ServerName) -> io::Result<()> {
        answer::serve(self, stream.as_mut(), server)
    }
}
