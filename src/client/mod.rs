//! The operations of a spool through the wire: the side of the command.

pub mod channel;
pub mod hello;
mod remote;
pub mod submission_socket;

pub use remote::Remote;
pub use submission_socket::Submitter;
