//! What others ask of a spool: the operations of the languages, the questions of a print process, and the values that travel.

pub mod engine;
pub(crate) mod local;
pub mod operations;
pub mod records;
