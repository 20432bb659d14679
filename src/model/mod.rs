//! The vocabulary: names, numbers, states, keys of the queue order, and validation. Nothing here does I/O or reads a
//! clock.

pub mod access;
pub mod account;
pub mod alter;
pub mod authority;
pub mod call;
pub mod collector;
pub mod device;
pub mod door;
pub mod event;
pub mod failure;
pub mod field;
pub mod finished;
pub mod guardian;
pub mod guardian_file;
pub mod identity;
pub mod ids;
pub mod job;
pub mod kept;
pub mod lease;
pub mod lifetime;
pub mod location;
pub mod managed;
pub mod names;
pub mod notification;
pub mod object;
pub mod order;
pub mod printable;
pub mod process;
pub mod query;
pub mod queue;
pub mod remote;
pub mod request;
pub mod secure;
pub mod separation;
pub mod space;
pub mod state;
pub mod time;
pub mod uri;
pub mod wait;
pub mod why;

pub use authority::Caller;
pub use call::{Actor, Call};
pub use failure::{Failure, FailureKind};
pub use ids::*;
pub use names::*;
