//! A mistake in what was typed, and its place.

use super::messages::Message;

/// A piece of a line: the octets from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First octet.
    pub start: usize,
    /// The octet after the last.
    pub end: usize,
}

impl Span {
    /// Returns the span from the beginning of `self` to the end of `other`.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }
}

/// A mistake in a line: where it is, and what would have been right. Nothing was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which kind of mistake.
    pub message: Message,
    /// Where.
    pub span: Span,
    /// What is wrong, or what was expected.
    pub explanation: String,
    /// What the reader can do about it.
    pub hints: Vec<String>,
}

impl Mistake {
    /// Makes a mistake at `span`.
    pub fn new(message: Message, span: Span, explanation: impl Into<String>) -> Self {
        Self { message, span, explanation: explanation.into(), hints: Vec::new() }
    }

    /// Makes a plain syntax error: something else was expected at `span`.
    pub fn expected(span: Span, what: impl std::fmt::Display) -> Self {
        Self::new(Message::Syntax, span, format!("expected {what}"))
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
