//! The syntax tree: what was typed, and where.

use super::grammar::{Available, Grammar, Row};
use super::keywords::Key;
use super::messages::Message;
use super::mistake::{Mistake, Span};
use super::values::{Object, Spanned, Value};

/// A subcommand with its operand.
#[derive(Clone, Debug)]
pub struct Subcommand {
    /// Its row in the grammar.
    pub row: &'static Row,
    /// What followed.
    pub value: Value,
    /// The whole of it.
    pub span: Span,
    /// The operand alone.
    pub operand: Span,
}

impl Subcommand {
    /// Returns its word.
    pub fn key(&self) -> Key {
        self.row.key
    }

    /// Returns what it asks for, as one of the subcommands that this version carries out.
    ///
    /// # Errors
    /// Fails when this version does not carry it out. The parser has refused that before, in better words.
    pub fn read<S: Available>(&self) -> Result<S, Mistake> {
        S::read(self.key(), &self.value)
            .ok_or_else(|| self.not_available(format!("{} is not available in this version", self.key().word())))
    }

    /// Makes a mistake in its operand.
    pub fn bad_value(&self, why: impl Into<String>) -> Mistake {
        let place = if self.operand.start == self.operand.end { self.span } else { self.operand };
        Mistake::new(Message::ValueInvalid, place, why)
    }

    /// Makes the mistake for something that this version does not do.
    pub fn not_available(&self, why: impl Into<String>) -> Mistake {
        Mistake::new(Message::NotAvailable, self.span, why)
    }
}

/// A command.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its grammar.
    pub grammar: &'static Grammar,
    /// What it is about.
    pub object: Object,
    /// Its subcommands, in the order in which they are executed.
    pub subcommands: Vec<Subcommand>,
    /// The command word and the object.
    pub head: Span,
}

impl Command {
    /// Returns the name of the object, if one was given.
    pub fn name(&self) -> Option<&Spanned<String>> {
        match &self.object {
            Object::Name(name) => Some(name),
            _ => None,
        }
    }
}
