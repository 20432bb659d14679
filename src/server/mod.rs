//! The operations of a spool over the wire: the side that has the spool.

mod connection;
mod connections;
pub mod doors;
pub mod peers;
pub mod served;
pub mod stations;
mod submission_socket;
mod summaries;

/// Takes lines for the log of the server.
pub type Log = std::sync::Arc<dyn Fn(&str) + Send + Sync>;

/// Takes what is told of each job that has left the spool.
pub type Told = std::sync::Arc<dyn Fn(&crate::model::summary::JobSummary) + Send + Sync>;

pub use connection::{pair, serve_connection};
pub use submission_socket::SubmissionSocket;
