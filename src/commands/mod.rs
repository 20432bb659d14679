//! The languages: parse, call typed operations, render. One verb, one file.
//!
//! Everything here runs in the caller's process with the caller's files, terminal and rights. A command is a function
//! of its words and a [`shell::Shell`], so that tests run it in-process on any spool.

pub mod definitions;
pub mod log;
pub mod pd;
pub mod progress;
pub mod shell;
pub mod spoolcom;
pub mod why;

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod why_tests;
