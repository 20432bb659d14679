//! The languages: each command parses its words, calls typed operations, and shows the result. Each verb has a file.
//!
//! Everything here runs in the caller's process, with the caller's files, terminal and rights. A command is a function
//! of its words and a [`shell::Shell`], so that tests run it in their own process, on any spool.

pub(crate) mod findings;
pub(crate) mod health;
pub(crate) mod log;
pub mod lp;
pub(crate) mod parts;
pub mod pd;
pub(crate) mod progress;
pub(crate) mod release;
pub mod shell;
pub mod spoolcom;
pub(crate) mod why;

/// Defines the command lines of all languages; manual pages and completions are made from this.
pub fn definitions() -> Vec<clap::Command> {
    let pd = pd::verbs::VERBS.iter().map(pd::runner::Verb::documented);
    pd.chain([spoolcom::definition(), lp::definition()]).collect()
}

/// Returns an I/O error in the system's words, without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod why_tests;
