//! The only unsafe or Linux-specific code: descriptors, locks, clocks, processes, users.

pub mod clock;
pub mod fault;
pub mod files;
pub mod interrupt;
pub mod lock;
pub mod map;
pub mod pipe;
pub mod process;
pub mod range_lock;
pub mod service;
pub mod socket;
pub mod spawn;
pub mod tcp;
pub mod terminal;
pub mod users;
pub mod wake;
pub mod watch;
