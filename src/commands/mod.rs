//! The languages: each command parses its words, calls typed operations, and shows the result. Each verb has a file.
//!
//! Everything here runs in the caller's process, with the caller's files, terminal and rights. A command is a function
//! of its words and a [`shell::Shell`], so that tests run it in their own process, on any spool.

pub(crate) mod completing;
pub mod desk;
pub(crate) mod findings;
pub(crate) mod forecast;
pub(crate) mod health;
pub(crate) mod log;
pub mod lp;
pub(crate) mod parts;
pub mod pd;
pub mod progress;
pub(crate) mod release;
pub mod shell;
pub mod spoolcom;
pub(crate) mod why;

/// Defines the command lines of all languages; manual pages and completions are made from this.
pub fn definitions() -> Vec<clap::Command> {
    let pd = pd::verbs::VERBS.iter().map(pd::runner::Verb::documented);
    pd.chain([spoolcom::definition(), lp::definition()]).collect()
}

/// Puts causes into the words that all languages share, for a door, which is no command.
#[derive(Debug)]
pub struct WhyWords(jiff::tz::TimeZone);

impl WhyWords {
    /// The words with the times of this machine's zone, which is read now: later there may be no files.
    pub fn of_this_machine() -> Self {
        Self(jiff::tz::TimeZone::system())
    }

    /// Why a job does not print, in one line, at `now_ms`.
    pub fn say(&self, cause: &crate::model::why::Cause, now_ms: i64) -> String {
        why::words(cause, &why::Times { zone: self.0.clone(), now_ms })
    }
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
