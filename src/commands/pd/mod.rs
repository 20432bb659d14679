//! The InfoPrint language: `pdpr`, `pdls`, `pdq`, `pdrm`, `pdmod`, `pdset`, `pdpause`, `pdresume`, `pdpromote`.
//!
//! A command line passes through the same steps in every verb, and nothing is done before the last of them:
//! words (`-Z` files put in place, `command_line::words`) → clap → pairs in the order in which they were written (flags, attribute
//! strings, attributes files: `command_line::options`) → typed values ([`crate::attributes`]) → operations → display (`displays`).
//! So a command line of which a later part is wrong has no effect.

pub(crate) mod command_line;
pub(crate) mod displays;
pub(crate) mod help;
pub mod jobs;
pub mod lint;
pub mod managed;
pub mod messages;
pub mod runner;
pub mod verbs;

#[cfg(test)]
#[allow(missing_docs)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::io;

use crate::attributes::text::Clock;
use crate::model::{Failure, FailureKind};

pub use super::plain;
use super::shell::{Exit, Shell};

/// Why a verb ends before it is done.
#[derive(Debug)]
pub enum Stop {
    /// The command line is wrong; nothing was changed.
    Usage(Failure),
    /// An object failed.
    Failed(Failure),
    /// Everything has been said already.
    Said(Exit),
}

impl Stop {
    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(Failure::new(FailureKind::BadValue, message))
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Usage(failure) => Self::Usage(failure.hint(hint)),
            Self::Failed(failure) => Self::Failed(failure.hint(hint)),
            said => said,
        }
    }

    /// Says why, and with which status the command ends.
    pub fn report(self, shell: &mut Shell<'_>, program: &str) -> Exit {
        match self {
            Self::Usage(failure) => shell.report_usage(program, &failure),
            Self::Failed(failure) => shell.report(program, &failure),
            Self::Said(exit) => exit,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Stop {
    /// Ends the command when its output fails. A reader that went away (`pdls | head`) has what it wanted.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Said(Exit::Done);
        }
        Self::Failed(Failure::new(FailureKind::Io, format!("cannot write the output: {}", plain(&error))))
    }
}

/// Puts the object that a failure is about before its message: `sales.front: …`. A failure of the spool stays as it is.
#[must_use]
pub fn about(object: &str, mut failure: Failure) -> Failure {
    let of_spool = matches!(
        failure.kind,
        FailureKind::Unreachable | FailureKind::Damaged | FailureKind::Io | FailureKind::Internal
    );
    if !of_spool && !failure.message.starts_with(object) {
        failure.message = format!("{}: {}", crate::attributes::text::escaped(object), failure.message);
    }
    failure
}

/// Returns the caller's clock and time zone.
pub fn clock(shell: &Shell<'_>) -> Clock {
    Clock { now_ms: shell.now_ms, zone: crate::sys::clock::zone((shell.env)("TZ")) }
}
