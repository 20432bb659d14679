//! The words in which rows of the table are written. A row begins with its class; what differs from the usual follows.

use super::{Attribute, Class, Getters, Kind, Settable, Setter, Shown, Written};
use crate::model::alter::JobChange;
use crate::model::field::{CarriedName, Field, Value};
use crate::model::finished::FinishedStatus;
use crate::model::job::{DocumentStatus, JobStatus, Submission};
use crate::model::query::Parts;

use crate::model::managed::Realization;

use super::draft::Draft;
use super::object::{Actual, Logical, QueueFacts, ServerFacts};

type Words = &'static [&'static str];

const NO_GETTERS: Getters =
    Getters { job: None, finished: None, document: None, logical: None, actual: None, queue: None, server: None };

const fn row(class: Class, field: Field, kind: Kind, shown: Shown, heading: Words, help: &'static str) -> Attribute {
    let needs = match class {
        Class::Document => Parts::DOCUMENTS,
        _ => Parts::JOB,
    };
    Attribute {
        field,
        class,
        only: None,
        synonyms: &[],
        kind,
        value_synonyms: &[],
        decides: false,
        written: None,
        many: false,
        default: None,
        settable: Settable::Never,
        set: Setter::Nobody,
        get: NO_GETTERS,
        used: false,
        asked: false,
        needs,
        shown,
        kept: None,
        heading,
        help,
    }
}

/// A row of a job.
pub(super) const fn job(field: Field, kind: Kind, shown: Shown, heading: Words, help: &'static str) -> Attribute {
    row(Class::Job, field, kind, shown, heading, help)
}

/// A row of a document.
pub(super) const fn document(field: Field, kind: Kind, shown: Shown, heading: Words, help: &'static str) -> Attribute {
    row(Class::Document, field, kind, shown, heading, help)
}

/// A row of a destination.
pub(super) const fn destination(field: Field, kind: Kind, shown: Shown, head: Words, help: &'static str) -> Attribute {
    row(Class::Destination, field, kind, shown, head, help)
}

/// A row of a queue.
pub(super) const fn queue(field: Field, kind: Kind, shown: Shown, heading: Words, help: &'static str) -> Attribute {
    row(Class::Queue, field, kind, shown, heading, help)
}

/// A row of the server.
pub(super) const fn server(field: Field, kind: Kind, shown: Shown, heading: Words, help: &'static str) -> Attribute {
    row(Class::Server, field, kind, shown, heading, help)
}

/// A row of a medium, a default job, a default document or a log, which is read by its name.
pub(super) const fn kept(class: Class, field: Field, kind: Kind, heading: Words, help: &'static str) -> Attribute {
    row(class, field, kind, Shown::All, heading, help)
}

/// A row of a job or a document that is only carried. It is kept as it was given, changed with `pdmod`, shown in `all`.
pub(super) const fn carried(
    class: Class,
    name: &'static str,
    kind: Kind,
    heading: Words,
    help: &'static str,
) -> Attribute {
    // The table is built by the compiler, which stops at a name that cannot be one.
    let field = match CarriedName::new(name) {
        Some(name) => Field::Carried(name),
        None => unreachable!(),
    };
    let plain = row(class, field, kind, Shown::All, heading, help);
    // The history keeps no documents.
    let kept = if matches!(class, Class::Job) { Some(Shown::All) } else { None };
    Attribute { settable: Settable::Always, set: Setter::Carried, needs: plain.needs.and(Parts::GIVEN), kept, ..plain }
}

/// A row of a job or a document that only the spool gives a value, and that decides nothing. It is kept like what is carried.
pub(super) const fn noted(
    class: Class,
    name: &'static str,
    kind: Kind,
    heading: Words,
    help: &'static str,
) -> Attribute {
    Attribute { settable: Settable::Never, set: Setter::Nobody, ..carried(class, name, kind, heading, help) }
}

impl Attribute {
    /// Other whole words that mean it.
    pub(super) const fn also(self, synonyms: Words) -> Self {
        Self { synonyms, ..self }
    }

    /// Other words for its values.
    pub(super) const fn values_also(self, synonyms: &'static [(&'static str, &'static str)]) -> Self {
        Self { value_synonyms: synonyms, ..self }
    }

    /// Only destinations of that realization have it.
    pub(super) const fn only(self, realization: Realization) -> Self {
        Self { only: Some(realization), ..self }
    }

    /// It is set of a destination, a queue or the server with this function, at any time.
    pub(super) const fn managed(self, set: fn(&mut Draft, Option<&Value>) -> Result<(), String>) -> Self {
        Self { settable: Settable::Always, set: Setter::Managed(set), ..self }
    }

    /// It is kept as it was set, at any time, and something else is read from it.
    pub(super) const fn kept_as_set(self) -> Self {
        Self { settable: Settable::Always, set: Setter::Carried, ..self }
    }

    /// It is given when the object is made, and never later.
    pub(super) const fn initially(self) -> Self {
        Self { settable: Settable::Initially, ..self }
    }

    /// It is shown in this group and larger ones.
    pub(super) const fn shown(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }

    /// Something is decided by it although it is only carried.
    pub(super) const fn decides(self) -> Self {
        Self { decides: true, ..self }
    }

    /// Its values have parts, which `check` knows; one takes the place of another that has the same `key`.
    pub(super) const fn written(
        self,
        check: fn(&str) -> Result<(), String>,
        key: Option<fn(&str) -> Option<String>>,
    ) -> Self {
        Self { written: Some(Written { check, key }), ..self }
    }

    /// It may have several values.
    pub(super) const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    /// Its value when nobody gives one.
    pub(super) const fn default(self, value: &'static str) -> Self {
        Self { default: Some(value), ..self }
    }

    /// It is given at any time, as this change.
    pub(super) const fn set(self, change: fn(Option<&Value>, Option<u32>) -> Result<JobChange, String>) -> Self {
        Self { settable: Settable::Always, set: Setter::Change(change), ..self }
    }

    /// It is given at any time; what was given is kept, and its getter prefers it.
    pub(super) const fn kept_as_given(self) -> Self {
        Self { settable: Settable::Always, set: Setter::Carried, needs: self.needs.and(Parts::GIVEN), ..self }
    }

    /// It is given with the submission only.
    pub(super) const fn submitted(self, set: fn(&mut Submission, &Value) -> Result<(), String>) -> Self {
        Self { settable: Settable::Initially, set: Setter::Submission(set), ..self }
    }

    /// Reading it needs more than the job itself.
    pub(super) const fn needs(self, parts: Parts) -> Self {
        Self { needs: self.needs.and(parts), ..self }
    }

    /// The spool must be asked for it job by job.
    pub(super) const fn asked(self) -> Self {
        Self { asked: true, ..self }
    }

    /// Of a job in the spool.
    pub(super) const fn job(self, get: fn(&JobStatus) -> Value) -> Self {
        Self { get: Getters { job: Some(get), ..self.get }, ..self }
    }

    /// Of a finished job, which shows it in this group.
    pub(super) const fn finished(self, shown: Shown, get: fn(&FinishedStatus) -> Value) -> Self {
        Self { kept: Some(shown), get: Getters { finished: Some(get), ..self.get }, ..self }
    }

    /// The history keeps it, and the spool must be asked for it.
    pub(super) const fn kept(self, shown: Shown) -> Self {
        Self { kept: Some(shown), ..self }
    }

    /// Of a document.
    pub(super) const fn document(self, get: fn(&DocumentStatus) -> Value) -> Self {
        Self { get: Getters { document: Some(get), ..self.get }, ..self }
    }

    /// Of a logical destination.
    pub(super) const fn logical(self, get: fn(&Logical<'_>) -> Value) -> Self {
        Self { get: Getters { logical: Some(get), ..self.get }, ..self }
    }

    /// Of an actual destination.
    pub(super) const fn actual(self, get: fn(&Actual<'_>) -> Value) -> Self {
        Self { get: Getters { actual: Some(get), ..self.get }, ..self }
    }

    /// Of a queue.
    pub(super) const fn queue(self, get: fn(&QueueFacts<'_>) -> Value) -> Self {
        Self { get: Getters { queue: Some(get), ..self.get }, ..self }
    }

    /// Of the server.
    pub(super) const fn server(self, get: fn(&ServerFacts<'_>) -> Value) -> Self {
        Self { get: Getters { server: Some(get), ..self.get }, ..self }
    }
}
