//! The languages: parse, call typed operations, render. One verb, one file.
//!
//! Everything here runs in the caller's process with the caller's files, terminal and rights. A command is a function
//! of its words and a [`shell::Shell`], so that tests run it in-process on any spool.

pub(crate) mod log;
pub mod pd;
pub(crate) mod progress;
pub mod shell;
pub mod spoolcom;
pub(crate) mod why;

/// The definitions of the command lines of all languages, from which manual pages and completions are made.
pub fn definitions() -> Vec<clap::Command> {
    let pd = pd::verbs::VERBS.iter().map(|verb| (verb.definition)());
    pd.chain([spoolcom::definition()]).collect()
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod why_tests;
