//! The operations of a spool through the wire: the side of the command.

pub mod channel;
mod remote;

pub use remote::Remote;
