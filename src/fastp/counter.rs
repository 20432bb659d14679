//! The counter of the spool, while this print process runs.
//!
//! Submissions have threads of their own and share nothing with the devices but the database, which commits what both write
//! at the same moment together. A print process prints as well without a counter.

use std::sync::Arc;

use crate::server::Counter;
use crate::spool::operations::Operations;
use crate::spool::{Local, Spool};
use crate::supervise::attendant;
use crate::sys::{clock, users};

use super::log::Log;

/// Opens the counter of `spool`, unless another process has it open: then as soon as that one ends.
pub fn open(spool: &Spool, log: &Log) -> Option<Counter> {
    let (inside, attendant) = (spool.clone(), attendant());
    // A counter is for one user: the one whose spool this is, for whom this process runs.
    let creator = spool.was_made_by(nix::unistd::geteuid().as_raw());
    let make = move || {
        let caller = if creator { users::caller_without_groups() } else { users::caller() };
        Box::new(Local::new(inside.clone(), caller, clock::now, Arc::clone(&attendant))) as Box<dyn Operations>
    };
    let opened = Counter::open(spool.base(), Arc::new(make));
    opened.inspect_err(|error| log.line(format_args!("the counter cannot be opened: {error}"))).ok()
}
