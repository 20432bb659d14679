//! What others ask of a spool: the operations of the languages, the questions of a print process, and the values that travel.

pub mod engine;
pub(crate) mod local;
pub mod operations;
pub mod records;

/// The schema of the spools that this program writes: what two sides of a connection have to agree on.
pub use crate::store::schema::VERSION as SCHEMA;
