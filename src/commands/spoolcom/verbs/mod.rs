//! One file for each command: what its subcommands mean, and what they do.
//!
//! A verb makes its statement from the syntax tree before anything is executed. It matches the type that the grammar
//! makes of its subcommands, without a catch-all.

pub(crate) mod add;
pub(crate) mod at_work;
pub(crate) mod batch;
pub(crate) mod collect;
pub(crate) mod dev;
pub(crate) mod drain;
pub(crate) mod font;
pub(crate) mod health;
pub(crate) mod help;
pub(crate) mod job;
pub(crate) mod job_changes;
pub(crate) mod loc;
pub(crate) mod log;
pub(crate) mod open;
pub(crate) mod operands;
pub(crate) mod print;
pub(crate) mod record;
pub(crate) mod spooler;
pub mod states;
pub(crate) mod trouble;
pub(crate) mod undo;
pub(crate) mod watch;
pub(crate) mod xref;
