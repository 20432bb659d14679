//! One file for each command: what its subcommands mean, and what they do.
//!
//! A verb makes its statement from the syntax tree before anything is executed, and matches the type that the grammar makes
//! of its subcommands without a catch-all.

pub mod dev;
pub mod drain;
pub mod help;
pub mod job;
pub mod job_changes;
pub mod loc;
pub mod log;
pub mod open;
pub mod operands;
pub mod print;
pub mod spooler;
pub mod states;
