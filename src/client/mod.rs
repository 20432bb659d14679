//! The operations of a spool through the wire: the side of the command.

pub mod channel;
pub mod counter;
mod remote;

pub use counter::Submitter;
pub use remote::Remote;
