//! The operations of a spool through the wire: the side that has the spool.

mod connection;
mod counter;

pub use connection::{pair, serve_connection};
pub use counter::Counter;
