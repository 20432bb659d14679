//! The InfoPrint attributes: one table for the parser, `pdls -r`, help, manual pages, completions and JSON keys.
//!
//! [`table::TABLE`] says what there is; [`names`] reads abbreviations, [`values`] takes values out of what the spool
//! reports, [`text`] reads and writes them. Pure: no I/O, no clock; the time zone is an argument.

pub mod names;
pub mod table;
pub mod text;
pub mod values;

use crate::model::field::Field;

/// A kind of object that has attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A job.
    Job,
    /// A document of a job.
    Document,
    /// A logical or actual destination.
    Destination,
    /// A queue, which is a group of locations.
    Queue,
    /// The server.
    Server,
}

impl Class {
    /// Its InfoPrint keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Document => "document",
            Self::Destination => "destination",
            Self::Queue => "queue",
            Self::Server => "server",
        }
    }
}

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text.
    Text,
    /// The name of an object or user.
    Name,
    /// One of these words.
    Keyword(&'static [&'static str]),
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// true or false.
    Boolean,
    /// A point in time.
    Time,
    /// A print file and the server that owns it.
    Content,
}

/// When a value may be given (docs/reference/infoprint.md 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settable {
    /// Never: the spool determines it.
    Never,
    /// When the object is created.
    Initially,
    /// Also later.
    Always,
}

/// The smallest group of attributes in which one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// In `brief` and above.
    Brief,
    /// In `verbose` and above.
    Verbose,
    /// In `all`.
    All,
    /// Only when it is asked for by its name.
    ByName,
}

/// One attribute of one class of objects.
#[derive(Debug)]
pub struct Attribute {
    /// Its key; [`Field::stored`] is its name.
    pub field: Field,
    /// Which objects have it.
    pub class: Class,
    /// Other whole words that mean it.
    pub synonyms: &'static [&'static str],
    /// Its values.
    pub kind: Kind,
    /// When it may be given.
    pub settable: Settable,
    /// Whether it may have several values.
    pub many: bool,
    /// Where it is shown.
    pub shown: Shown,
    /// Its heading in tables, at most two lines.
    pub heading: &'static [&'static str],
    /// What it is, as one sentence without its period.
    pub help: &'static str,
}

impl Attribute {
    /// Its full name.
    pub fn name(&self) -> &'static str {
        self.field.stored()
    }
}

/// The attributes of `class`, in the order in which they are shown.
pub fn of_class(class: Class) -> impl Iterator<Item = &'static Attribute> {
    table::TABLE.iter().filter(move |row| row.class == class)
}

/// The attributes that a command on objects of `class` may name: with a job those of its documents too.
pub fn nameable(class: Class) -> impl Iterator<Item = &'static Attribute> {
    table::TABLE.iter().filter(move |row| row.class == class || (class == Class::Job && row.class == Class::Document))
}

/// The attribute `field` of `class`.
pub fn find(class: Class, field: Field) -> Option<&'static Attribute> {
    of_class(class).find(|row| row.field == field)
}
