//! The print process as a whole: its command line, main loop, threads of devices, log, and the submission socket.

pub mod backoff;
pub(crate) mod command;
pub mod log;
pub mod neighbours;
pub mod prerequisites;
pub mod run;
pub mod submission_socket;
pub mod waker;
pub(crate) mod worker;
