//! The languages: parse, call typed operations, render. One verb, one file.
//!
//! Everything here runs in the caller's process with the caller's files, terminal and rights. A command is a function
//! of its words and a [`shell::Shell`], so that tests run it in-process on any spool.

pub mod log;
pub mod pd;
pub mod progress;
pub mod shell;
pub mod spoolcom;
pub mod why;

/// The definitions of the command lines of all languages, from which manual pages and completions are made.
pub fn definitions() -> Vec<clap::Command> {
    let pd = pd::verbs::VERBS.iter().map(|verb| (verb.definition)());
    pd.chain([spoolcom::definition()]).collect()
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod why_tests;
