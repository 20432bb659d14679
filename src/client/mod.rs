//! The operations of a spool over the wire: the command's side.

pub mod channel;
pub mod channels;
mod embedded;
pub mod fetch;
pub(crate) mod hello;
pub mod peer;
mod remote;
mod served;
pub(crate) mod submission_socket;

pub use embedded::EmbeddedSpool;
pub use hello::ours as our_hello;
pub use remote::Remote;
pub use served::ServedSpool;
pub use submission_socket::Submitter;
