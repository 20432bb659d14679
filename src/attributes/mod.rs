//! The attributes: one table for the parser, filters, displays, the history, JSON keys, help, manual pages and completions.
//!
//! An attribute is one row of [`table::TABLE`]. The row has its name, the class of objects that have it, its values, its
//! default, when it may be given, how its value is read from each record ([`Getters`]), how a given value reaches the spool
//! ([`Setter`]), what reading it costs, and the words that are shown. Nothing else knows where a value comes from.
//!
//! [`names`] reads abbreviations, [`text`] reads and writes values, [`filter`] decides conditions, and [`object`] has what the
//! getters read. Nothing here does I/O or reads a clock; the time zone is an argument.

mod destinations;
pub mod draft;
pub mod elsewhere;
pub mod filter;
mod getters;
mod kept;
pub mod names;
pub mod object;
mod row;
pub mod table;
pub mod text;

use crate::model::alter::JobChange;
use crate::model::field::{Field, Value};
use crate::model::finished::FinishedStatus;
use crate::model::job::{DocumentStatus, GivenValue, JobStatus, Submission};
use crate::model::managed::Realization;
use crate::model::query::Parts;
use draft::Draft;
use object::{Actual, Logical, Object, QueueFacts, ServerFacts};

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
    /// A paper or form.
    Medium,
    /// A default job.
    InitialValueJob,
    /// A default document.
    InitialValueDocument,
    /// A station, where people release their jobs.
    Station,
    /// A user, with his other names.
    User,
    /// A log of the server.
    Log,
    /// Where other systems hand in jobs.
    Door,
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
            Self::Medium => "medium",
            Self::InitialValueJob => "initial-value-job",
            Self::InitialValueDocument => "initial-value-document",
            Self::Station => "station",
            Self::User => "user",
            Self::Log => "log",
            Self::Door => "door",
        }
    }
}

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text, or the name of a user: upper and lower case differ.
    Text,
    /// The name of an object of the spool: upper and lower case are alike.
    Name,
    /// One of these words.
    Keyword(&'static [&'static str]),
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A number that is counted up to this one. The next number stands for all that are greater.
    Counted(i64),
    /// true or false.
    Boolean,
    /// A point in time, shown to the second.
    Time,
    /// A print file and the server that owns it.
    Content,
    /// A span of time in minutes, written as hours and minutes.
    Duration,
    /// From a low to a high number, both between these.
    Range(i64, i64),
}

/// When a value may be set (docs/reference/infoprint.md 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settable {
    /// Never, because the spool determines it.
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

/// What texts have to be that are values with parts.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Checks one.
    pub check: fn(&str) -> Result<(), String>,
    /// What tells two of them apart; none = all of them.
    pub key: Option<fn(&str) -> Option<String>>,
}

/// How the value is read from each record that has one.
#[derive(Clone, Copy, Debug)]
pub struct Getters {
    /// Of a job in the spool.
    pub job: Option<fn(&JobStatus) -> Value>,
    /// Of a finished job.
    pub finished: Option<fn(&FinishedStatus) -> Value>,
    /// Of a document.
    pub document: Option<fn(&DocumentStatus) -> Value>,
    /// Of a logical destination.
    pub logical: Option<fn(&Logical<'_>) -> Value>,
    /// Of an actual destination.
    pub actual: Option<fn(&Actual<'_>) -> Value>,
    /// Of a queue.
    pub queue: Option<fn(&QueueFacts<'_>) -> Value>,
    /// Of the server.
    pub server: Option<fn(&ServerFacts<'_>) -> Value>,
}

/// How a value that was given reaches the spool.
#[derive(Clone, Copy, Debug)]
pub enum Setter {
    /// Nobody gives one.
    Nobody,
    /// With the submission only.
    Submission(fn(&mut Submission, &Value) -> Result<(), String>),
    /// With the submission or later. The function makes a change from a value (none = the default) and the document that it
    /// is meant for.
    Change(fn(Option<&Value>, Option<u32>) -> Result<JobChange, String>),
    /// It is kept as it was given.
    Carried,
    /// With a destination, a queue or the server, when it is made or later. The function takes a value into a draft; none is
    /// the default.
    Managed(fn(&mut Draft, Option<&Value>) -> Result<(), String>),
}

/// One attribute of one class of objects.
#[derive(Debug)]
pub struct Attribute {
    /// Its key; [`Field::stored`] is its name.
    pub field: Field,
    /// Which objects have it.
    pub class: Class,
    /// Of destinations, which of the two have it; none where both do.
    pub only: Option<Realization>,
    /// Other whole words that mean it.
    pub synonyms: &'static [&'static str],
    /// Its values.
    pub kind: Kind,
    /// Other words for its values, each with the one that it means.
    pub value_synonyms: &'static [(&'static str, &'static str)],
    /// Whether something is decided by it although it is only carried.
    pub decides: bool,
    /// What its values have to be beyond their kind.
    pub written: Option<Written>,
    /// Whether it may have several values.
    pub many: bool,
    /// What is shown when nobody gives a value; none where that is nothing, or depends on something.
    pub default: Option<&'static str>,
    /// When it may be given.
    pub settable: Settable,
    /// How it is given.
    pub set: Setter,
    /// How it is read.
    pub get: Getters,
    /// Whether what is kept of it as it was set decides something, though it has no key of its own.
    pub used: bool,
    /// Whether the spool must be asked for it job by job. Then it has no getter, and no filter compares it.
    pub asked: bool,
    /// What must be read of a job besides the job itself.
    pub needs: Parts,
    /// Where it is shown.
    pub shown: Shown,
    /// Where finished jobs show it; none where the history does not keep it.
    pub kept: Option<Shown>,
    /// Its heading in tables, at most two lines.
    pub heading: &'static [&'static str],
    /// What it is, as one sentence without its period.
    pub help: &'static str,
}

/// No value.
pub const NONE: Value = Value::Many(Vec::new());

impl PartialEq for Attribute {
    /// Compares places in the table, because each row is there once.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Attribute {
    /// Returns its full name.
    pub fn name(&self) -> &str {
        self.field.stored()
    }

    /// Returns the word of its values that `text` means, where it is another word for one.
    pub fn keyword_of<'a>(&self, text: &'a str) -> &'a str {
        self.value_synonyms.iter().find(|row| row.0.eq_ignore_ascii_case(text)).map_or(text, |row| row.1)
    }

    /// Returns whether it is kept as it was given, and decides nothing.
    pub fn is_carried(&self) -> bool {
        matches!(self.field, Field::Carried(_))
    }

    /// Returns whether it is kept and shown, and nothing is decided by it.
    pub(crate) fn decides_nothing(&self) -> bool {
        self.is_carried() && !self.decides && !matches!(self.set, Setter::Submission(_) | Setter::Change(_))
    }

    /// Returns whether a group shows it of those objects alone that have a value of it.
    pub fn shows_only_values(&self) -> bool {
        self.is_carried() || (self.only.is_some() && self.shown == Shown::All)
    }

    /// Returns its value of `object`; [`NONE`] where the object has no value now, or does not have the attribute.
    #[inline]
    pub fn value(&self, object: &Object<'_>) -> Value {
        match object {
            Object::Job(job) => self.get.job.map_or_else(|| self.given(&job.given), |get| get(job)),
            Object::Document(one) => self.get.document.map_or_else(|| self.given(&one.given), |get| get(one)),
            Object::Finished(job) => self.get.finished.map_or_else(|| self.remembered(&job.carried), |get| get(job)),
            Object::Logical(one) if self.is_of(Realization::Logical) => {
                self.get.logical.map_or_else(|| self.kept_of(&one.location.given), |get| get(one))
            }
            Object::Actual(one) if self.is_of(Realization::Actual) => {
                self.get.actual.map_or_else(|| self.kept_of(&one.device.given), |get| get(one))
            }
            Object::Logical(_) | Object::Actual(_) => NONE,
            Object::Queue(queue) => self.get.queue.map_or_else(|| self.kept_of(&queue.group.given), |get| get(queue)),
            Object::Kept(one) => one.value(self),
            Object::Server(server) => self.get.server.map_or_else(|| self.kept_of(server.given), |get| get(server)),
        }
    }

    /// Finds the value of one that is only carried among what was given.
    fn given(&self, given: &[GivenValue]) -> Value {
        let found = given.iter().find(|one| one.field == self.field).filter(|_| self.is_carried());
        found.map_or(NONE, |one| one.value.clone())
    }

    /// Tells whether destinations of that realization have it.
    pub fn is_of(&self, realization: Realization) -> bool {
        self.only.is_none_or(|only| only == realization)
    }

    /// Finds the value of one that is only kept among what was set of a destination, a queue or the server; its default where
    /// nobody set one.
    fn kept_of(&self, given: &[(Field, Value)]) -> Value {
        if !self.is_carried() {
            return NONE;
        }
        match given.iter().find(|one| one.0 == self.field) {
            Some(one) => one.1.clone(),
            None => self.default_value(),
        }
    }

    /// Returns the value that is shown when nobody gives one.
    pub fn default_value(&self) -> Value {
        let Some(text) = self.default else { return NONE };
        let value = |text: &str| match self.kind {
            Kind::Boolean => Value::Boolean(text == "true"),
            Kind::Integer(..) => text.parse().map_or(NONE, Value::Integer),
            Kind::Duration => text::minutes(text).map_or(NONE, Value::Integer),
            _ => Value::Text(text.to_owned()),
        };
        if self.many { Value::Many(text.split(' ').map(value).collect()) } else { value(text) }
    }

    /// Finds the value of one that is only carried among what the history kept.
    fn remembered(&self, carried: &[(Field, Value)]) -> Value {
        carried.iter().find(|one| one.0 == self.field).map_or(NONE, |one| one.1.clone())
    }

    /// Makes the change that gives it `value`, or its default where there is none. An attribute of documents changes in one
    /// document, or in each.
    ///
    /// # Errors
    /// Says why it cannot have that value.
    pub fn change(&self, value: Option<&Value>, document: Option<u32>) -> Result<JobChange, String> {
        match self.set {
            Setter::Change(change) => change(value, document),
            Setter::Carried => Ok(JobChange::Carried { field: self.field, document, value: value.cloned() }),
            Setter::Nobody | Setter::Submission(_) | Setter::Managed(_) => Err("it cannot be altered".to_owned()),
        }
    }

    /// Gives `value` to a job that is being submitted, or to one document of it.
    ///
    /// # Errors
    /// Says why it cannot have that value.
    pub fn submit(&self, submission: &mut Submission, value: &Value, document: Option<u32>) -> Result<(), String> {
        if let Setter::Submission(set) = self.set {
            return set(submission, value);
        }
        submission.take(&self.change(Some(value), document)?);
        Ok(())
    }

    /// Checks that it may have `value`. Somebody else has read a value that came over a wire.
    ///
    /// # Errors
    /// Says why it may not.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if !self.many && matches!(value, Value::Many(_)) {
            return Err("it has one value".to_owned());
        }
        let values = value.each();
        if values.is_empty() || values.len() > MAX_VALUES {
            return Err(format!("it has 1 to {MAX_VALUES} values"));
        }
        values.iter().try_for_each(|one| self.check_one(one))
    }

    /// Checks one value: its kind, and what else it has to be.
    fn check_one(&self, value: &Value) -> Result<(), String> {
        text::check(self.kind, value)?;
        match (self.written, value) {
            (Some(written), Value::Text(text)) => (written.check)(text),
            _ => Ok(()),
        }
    }

    /// Tells whether `one` takes the place of `other` among several values: it is the same, or has the same key.
    pub fn replaces(&self, one: &Value, other: &Value) -> bool {
        if one == other {
            return true;
        }
        let Some(key) = self.written.and_then(|written| written.key) else { return false };
        match (one, other) {
            (Value::Text(one), Value::Text(other)) => key(one).is_some_and(|found| Some(found) == key(other)),
            _ => false,
        }
    }

    /// Says what it is, with its default. Of one that is only carried it says that it decides nothing.
    pub fn summary(&self) -> String {
        match self.default {
            Some(default) if self.decides_nothing() => {
                format!("{}; kept and shown, decides nothing; {default} unless given", self.help)
            }
            None if self.decides_nothing() => format!("{}; kept and shown, decides nothing", self.help),
            Some(default) => format!("{}; {default} unless given", self.help),
            None => self.help.to_owned(),
        }
    }
}

/// The most values of one attribute.
pub const MAX_VALUES: usize = 100;

/// Returns the attributes of `class` in the order in which they are shown.
pub fn of_class(class: Class) -> impl Iterator<Item = &'static Attribute> {
    rows().filter(move |row| row.class == class || kept::is_initial_value(class, row))
}

/// Returns all attributes, in the order in which displays show those of a class.
pub fn rows() -> impl Iterator<Item = &'static Attribute> {
    table::TABLE.iter().chain(destinations::TABLE).chain(kept::TABLE)
}

/// Returns the attributes that a command on objects of `class` may name. A command on jobs may name those of documents too.
pub fn nameable(class: Class) -> impl Iterator<Item = &'static Attribute> {
    rows().filter(move |row| {
        row.class == class
            || (class == Class::Job && row.class == Class::Document)
            || kept::is_initial_value(class, row)
    })
}

/// Finds the attribute `field` of `class`.
pub fn find(class: Class, field: Field) -> Option<&'static Attribute> {
    of_class(class).find(|row| row.field == field)
}

/// Finds the attribute `field` among those that a command on objects of `class` may name.
pub fn find_nameable(class: Class, field: Field) -> Option<&'static Attribute> {
    nameable(class).find(|row| row.field == field)
}
