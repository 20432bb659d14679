//! The operations of a spool over the wire: the command's side.

pub(crate) mod channel;
pub(crate) mod hello;
mod remote;
mod served;
pub(crate) mod submission_socket;

pub use remote::Remote;
pub use served::ServedSpool;
pub use submission_socket::Submitter;
