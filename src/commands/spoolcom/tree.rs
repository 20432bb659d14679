//! The syntax tree: what was typed, with its places.

use super::grammar::{Grammar, Key, Qualifier, Row};
use super::lexer::{Mistake, Span};
use super::messages::Message;

/// A value and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// One qualifier of a JOB list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Which.
    pub key: Qualifier,
    /// Its value; none for a bare OWNER.
    pub value: Option<String>,
    /// Its place.
    pub span: Span,
}

/// What a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// Not given.
    None,
    /// A name or number.
    Name(Spanned<String>),
    /// A list of qualifiers.
    Filters(Vec<Filter>),
}

/// ON, OFF or OFF!.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// ON, or nothing.
    On,
    /// OFF
    Off,
    /// OFF!
    OffEach,
}

/// What followed a subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, where nothing may follow.
    None,
    /// Whether `!` followed.
    Bang(bool),
    /// A switch.
    Switch(Switch),
    /// A number.
    Number(i64),
    /// A text, name or word; none when it was cleared or left out.
    Text(Option<String>),
    /// What a display is asked for.
    Display {
        /// DETAIL.
        detail: bool,
        /// The file of `/OUT file/`.
        out: Option<String>,
    },
    /// Jobs, for FONT.
    Jobs(Object),
}

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
    /// Its word.
    pub fn key(&self) -> Key {
        self.row.key
    }
    /// A mistake in its operand.
    pub fn bad_value(&self, why: impl Into<String>) -> Mistake {
        let place = if self.operand.start == self.operand.end { self.span } else { self.operand };
        Mistake::new(Message::ValueInvalid, place, why)
    }
    /// What to say when it is asked for something that this version does not do.
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
    /// In the order in which they are executed.
    pub subcommands: Vec<Subcommand>,
    /// The command word and the object.
    pub head: Span,
}

impl Command {
    /// The name of the object, if one was given.
    pub fn name(&self) -> Option<&Spanned<String>> {
        match &self.object {
            Object::Name(name) => Some(name),
            _ => None,
        }
    }
}
