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

/// A word that nobody guesses: 256 bits as hexadecimal digits.
fn new_word() -> Result<String, crate::model::Failure> {
    use std::fmt::Write;
    let mut octets = [0u8; 32];
    let failed = |error: &dyn std::fmt::Display| crate::model::Failure::internal(format!("no random octets: {error}"));
    getrandom::fill(&mut octets).map_err(|error| failed(&error))?;
    Ok(octets.iter().fold(String::with_capacity(64), |mut out, octet| {
        // A string takes everything.
        let _ = write!(out, "{octet:02x}");
        out
    }))
}

/// Takes what is told of each job that has left the spool.
pub type Told = std::sync::Arc<dyn Fn(&crate::model::summary::JobSummary) + Send + Sync>;

pub use connection::{pair, serve_connection};
pub use submission_socket::SubmissionSocket;
