//! Failures in the words of the user: a kind, which decides the exit status, a cause, and hints.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::BadName;

/// The kinds of failure that the languages tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// No such object.
    NotFound,
    /// More than one object answers to the name.
    Ambiguous,
    /// Something still refers to the object.
    InUse,
    /// The caller may not do this at all.
    Security,
    /// The object's state does not allow it.
    State,
    /// The state of the spooler does not allow it.
    SpoolerState,
    /// A value is malformed or out of range.
    BadValue,
    /// Not available in this version or on this kind of object.
    Unsupported,
    /// The format of a document is not supported where it is sent.
    UnsupportedFormat,
    /// A limit or the disk is full.
    Full,
    /// The spool or server cannot be reached, or must not be used.
    Unreachable,
    /// What the spool holds cannot be read any more: nothing is guessed, and nothing is changed.
    Damaged,
    /// A request was sent and its outcome is not known.
    Unknown,
    /// It took longer than its deadline.
    Timeout,
    /// Reading or writing failed.
    Io,
    /// A fault of ours.
    Internal,
}

impl FailureKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::NotFound,
        Self::Ambiguous,
        Self::InUse,
        Self::Security,
        Self::State,
        Self::SpoolerState,
        Self::BadValue,
        Self::Unsupported,
        Self::UnsupportedFormat,
        Self::Full,
        Self::Unreachable,
        Self::Damaged,
        Self::Unknown,
        Self::Timeout,
        Self::Io,
        Self::Internal,
    ];

    /// Returns what it means, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotFound => "no object has that name or number; names that resemble it are a hint",
            Self::Ambiguous => "more than one object answers to the name; the hint lists them",
            Self::InUse => "something still refers to the object",
            Self::Security => "who asks may not do this",
            Self::State => "the object's state does not allow it",
            Self::SpoolerState => "the state of the spooler does not allow it",
            Self::BadValue => "a value is malformed or out of range",
            Self::Unsupported => "it is not available in this version, or not on this kind of object",
            Self::UnsupportedFormat => "the format of a document is not supported where it is sent",
            Self::Full => "a limit or the disk is full",
            Self::Unreachable => "the spool cannot be reached, or must not be used",
            Self::Damaged => "what the spool holds cannot be read any more; nothing is guessed",
            Self::Unknown => "the request was sent and its outcome is not known: look before it is repeated",
            Self::Timeout => "it took longer than its deadline",
            Self::Io => "reading or writing failed",
            Self::Internal => "a fault of this program",
        }
    }
}

/// A failed operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// The object and what is wrong with it, without a trailing period.
    pub message: String,
    /// What the reader can do about it.
    pub hints: Vec<String>,
}

impl Failure {
    /// Makes a failure of `kind` with its cause.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Makes the failure for `what`, which does not exist.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(FailureKind::NotFound, format!("cannot find {what}"))
    }

    /// Makes the failure for a fault of ours, with what was being done.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new(FailureKind::Internal, format!("internal error: {what}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<BadName> for Failure {
    fn from(bad: BadName) -> Self {
        Self::new(FailureKind::BadValue, bad.to_string())
    }
}
