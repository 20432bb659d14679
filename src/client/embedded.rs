//! A spool that the command opens itself, as long as no server has it.
//!
//! States: closed → open, or at a server; from each of the two to the other when a server begins or ends. A change is made
//! under a lock that a server takes alone ([`locks::change_without_server`]): before the change it is decided who makes it,
//! and no server begins in the middle of one. Whoever only looks disturbs no server, and holds nothing while he does.
//!
//! So an account that may open the base directly, because the server runs under it, finds the server all the same: there is
//! one place that decides about rights, limits and print processes. A print process and the programs that work on the
//! directory itself (`pdbackup`, `pdfsck`) do not come this way.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::ServedSpool;
use crate::model::{Failure, FailureKind, ServerName};
use crate::spool::Base;
use crate::spool::disk::locks;
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request, answer};

/// Opens the spool directly; the name of its server comes with it.
pub type Opener = Box<dyn FnMut() -> Result<(Box<dyn Operations>, ServerName), Failure>>;

/// Pauses before a server that has just begun is looked for again: it signs its lock a moment after it has taken it.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(5), Duration::from_millis(30), Duration::from_millis(150), Duration::from_millis(500)];

/// A spool in a directory of our own, whether a server has it or not.
pub struct EmbeddedSpool {
    base: Base,
    open: Opener,
    way: Way,
}

enum Way {
    Closed,
    /// The spool itself, and the file on which the lock is taken.
    Direct(Box<dyn Operations>, PathBuf),
    Server(ServedSpool),
}

impl EmbeddedSpool {
    /// The spool at `base`, which `open` opens.
    ///
    /// # Errors
    /// Those of `open`; `Unreachable` when a server has the spool and cannot be reached.
    pub fn open(base: Base, open: Opener) -> Result<Self, Failure> {
        let mut spool = Self { base, open, way: Way::Closed };
        spool.find_way()?;
        Ok(spool)
    }

    /// Whether a server has it.
    pub fn is_served(&self) -> bool {
        matches!(self.way, Way::Server(_))
    }

    /// Opens the spool, or connects to the server that has it.
    fn find_way(&mut self) -> Result<(), Failure> {
        self.way = match self.connect()? {
            Some(server) => Way::Server(server),
            None => {
                let (spool, server) = (self.open)()?;
                Way::Direct(spool, self.base.spool_id(&server))
            }
        };
        Ok(())
    }

    /// Connects to the server that has the spool. None when no server has it.
    fn connect(&self) -> Result<Option<ServedSpool>, Failure> {
        let mut pauses = AGAIN.into_iter();
        loop {
            if !locks::is_served(&self.base) {
                return Ok(None);
            }
            let failure = match locks::server_of(&self.base) {
                Some(locks::ServerNote { socket: Some(path), .. }) => match ServedSpool::connect(&path) {
                    Ok(spool) => return Ok(Some(spool)),
                    Err(failure) => failure,
                },
                note => self.hidden(note),
            };
            match pauses.next() {
                Some(pause) => std::thread::sleep(pause),
                None => {
                    let place = self.base.root().display();
                    let why = format!("a server has the spool in {place}: {}", failure.message);
                    return Err(Failure::new(FailureKind::Unreachable, why)
                        .hint("PD_SOCKET=/PATH reaches a server that listens elsewhere")
                        .hint("when the server has ended, commands of its account work on the spool directly"));
                }
            }
        }
    }

    fn hidden(&self, note: Option<locks::ServerNote>) -> Failure {
        let who = note.map_or_else(String::new, |note| format!(" (process {})", note.process.pid));
        Failure::new(FailureKind::Unreachable, format!("pdserver{who} does not say where it listens"))
    }
}

impl Carrier for EmbeddedSpool {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let ended = matches!(self.way, Way::Server(_)) && !locks::is_served(&self.base);
        if ended || matches!(self.way, Way::Closed) {
            self.way = Way::Closed;
            self.find_way()?;
        }
        let mut pauses = AGAIN.into_iter();
        while let Way::Direct(spool, proof) = &mut self.way {
            match locks::change_without_server(proof) {
                Ok(Some(turn)) => {
                    let _turn = (!request.effect().only_looks()).then_some(turn);
                    return Ok(answer(spool.as_mut(), request, files));
                }
                // Nothing can be written there, so nothing is changed; or the proof is gone, and the spool says so.
                Err(_) => return Ok(answer(spool.as_mut(), request, files)),
                Ok(None) => {}
            }
            match self.connect()? {
                Some(server) => self.way = Way::Server(server),
                // It has just ended, or just begins.
                None => match pauses.next() {
                    Some(pause) => std::thread::sleep(pause),
                    None => {
                        let place = self.base.root().display();
                        let why = format!("a server is beginning to use the spool in {place}");
                        return Err(Failure::new(FailureKind::Unreachable, why).hint("repeat the command"));
                    }
                },
            }
        }
        match &mut self.way {
            Way::Server(spool) => spool.carry(request, files),
            Way::Direct(..) | Way::Closed => Err(Failure::internal("no way to the spool")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    struct Canned;

    impl Carrier for Canned {
        fn carry(&mut self, _: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
            Ok(Reply::StartSpooler(()))
        }
    }

    #[test]
    fn a_change_waits_for_no_server_and_none_begins_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path());
        let server: ServerName = "acme1".parse().unwrap();
        std::fs::create_dir_all(base.run()).unwrap();
        std::fs::create_dir_all(base.server(&server)).unwrap();
        std::fs::write(base.spool_id(&server), "x").unwrap();
        let named = server.clone();
        let open: Opener = Box::new(move || Ok((Box::new(Canned) as Box<dyn Operations>, named.clone())));
        let mut spool = EmbeddedSpool::open(base.clone(), open).unwrap();
        assert_eq!(spool.start_spooler(), Ok(()));
        let turn = locks::change_without_server(&base.spool_id(&server)).unwrap().unwrap();
        assert!(locks::serve_spool(&base, &server, Duration::ZERO).unwrap().is_none());
        drop(turn);
        let lock = locks::serve_spool(&base, &server, Duration::ZERO).unwrap().unwrap();
        lock.sign(None).unwrap();
        let refused = spool.start_spooler().unwrap_err();
        assert_eq!(refused.kind, FailureKind::Unreachable);
        assert!(refused.message.contains("does not say where it listens"), "{refused}");
        lock.sign(Some(std::path::Path::new("/nonexistent/socket"))).unwrap();
        let refused = spool.start_spooler().unwrap_err();
        assert!(refused.message.contains("there is no server at /nonexistent/socket"), "{refused}");
        assert_eq!(locks::server_of(&base).unwrap().process, crate::sys::process::ProcessNote::ours());
        drop(lock);
        assert_eq!(spool.start_spooler(), Ok(()));
    }
}
