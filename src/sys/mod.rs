//! The only unsafe or Linux-specific code: descriptors, locks, clocks, processes, users.

pub mod circumstances;
pub mod clock;
pub mod confine;
pub mod fault;
pub mod files;
pub mod holder;
pub mod interrupt;
pub mod limits;
pub mod lock;
pub mod map;
pub mod notice;
pub mod own_file;
pub mod pipe;
pub mod place;
pub mod process;
pub mod range_lock;
pub mod service;
pub mod socket;
pub mod spawn;
pub mod stop;
pub mod tcp;
pub mod terminal;
pub mod umask;
pub mod users;
pub mod wake;
pub mod watch;
