//! The submission socket of the spool, served while this print process runs.
//!
//! Submissions have their own threads and share only the database with the devices; the database commits what both
//! write at the same moment in one transaction. A print process also prints without a submission socket.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::time::Moment;
use crate::model::{Failure, FailureKind};
use crate::server::SubmissionSocket;
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request, answer};
use crate::spool::{Attendant, Local, Spool, WakeTarget};
use crate::sys::{clock, users, wake};

use super::log::Log;

/// Opens the submission socket of `spool`. If another process serves it, this one takes over when that process ends.
pub fn open(spool: &Spool, log: &Log) -> Option<SubmissionSocket> {
    let inside = spool.clone();
    let make = Arc::new(move || Box::new(SubmitterSpool::new(inside.clone())) as Box<dyn Operations>);
    let opened = SubmissionSocket::open(spool.base(), make);
    opened.inspect_err(|error| log.line(format_args!("the submission socket cannot be opened: {error}"))).ok()
}

/// Serves one submitter: the user whose spool this is and for whom this process runs.
struct SubmitterSpool {
    local: Local,
    waker: Arc<RunningProcessWaker>,
}

impl SubmitterSpool {
    fn new(spool: Spool) -> Self {
        let creator = spool.was_made_by(nix::unistd::geteuid().as_raw());
        let caller = if creator { users::caller_without_groups() } else { users::caller() };
        let waker = Arc::new(RunningProcessWaker::default());
        Self { local: Local::new(spool, caller, clock::now, Arc::clone(&waker) as Arc<dyn Attendant>), waker }
    }
}

impl Carrier for SubmitterSpool {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        self.waker.unstarted.store(false, Ordering::SeqCst);
        let reply = answer(&mut self.local, request, files);
        if self.waker.unstarted.load(Ordering::SeqCst) {
            // The job is accepted. The submitter hands it in once more and then starts the process that it needs.
            return Err(Failure::new(FailureKind::Unknown, "a print process is to be started"));
        }
        Ok(reply)
    }
}

/// Wakes running print processes and starts none. The submitter starts those himself: a print process inherits its
/// environment from whoever starts it, and ours is that of somebody else.
#[derive(Default)]
struct RunningProcessWaker {
    /// Whether a print process must still be started.
    unstarted: AtomicBool,
}

impl Attendant for RunningProcessWaker {
    fn attend(&self, spool: &Spool, targets: &[WakeTarget], _: &Moment) {
        for target in targets.iter().filter(|target| !target.in_error) {
            // One that dies may have let go of its lock while its socket still takes what nobody hears.
            let woken = target.running
                && wake::wake(&spool.base().process_socket(&target.name)).unwrap_or(false)
                && spool.process_lives_on(&target.name).unwrap_or(true);
            // A process without a program is started by its user alone.
            if !woken && (target.running || target.file.is_some()) {
                self.unstarted.store(true, Ordering::SeqCst);
            }
        }
    }
}
