//! The print process as a whole: command line, main loop, device workers, log and submission socket.

pub mod backoff;
pub(crate) mod command;
pub mod log;
pub mod neighbours;
pub mod prerequisites;
pub mod run;
mod signals;
pub mod submission_socket;
pub mod waker;
pub(crate) mod worker;
