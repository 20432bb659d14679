//! Destinations, queues and the server as InfoPrint commands manage them: what is made, set, deleted, enabled and disabled.

use serde::{Deserialize, Serialize};

use super::field::{Field, Value};
use super::object::ObjectClass;

/// A class of managed objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManagedClass {
    /// A logical or an actual destination.
    Destination,
    /// A queue, which is a group of locations.
    Queue,
    /// The server.
    Server,
    /// A paper or form.
    Medium,
    /// A default job: what a job has where its submitter says nothing.
    InitialValueJob,
    /// A default document.
    InitialValueDocument,
    /// Where people release their jobs.
    Station,
    /// Somebody with his other names.
    User,
}

impl ManagedClass {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Queue => "queue",
            Self::Server => "server",
            Self::Medium => "medium",
            Self::InitialValueJob => "initial-value-job",
            Self::InitialValueDocument => "initial-value-document",
            Self::Station => "station",
            Self::User => "user",
        }
    }

    /// Returns the class of objects that are only kept, of those that are.
    pub fn kept(self) -> Option<ObjectClass> {
        match self {
            Self::Destination | Self::Queue | Self::Server => None,
            Self::Medium => Some(ObjectClass::Medium),
            Self::InitialValueJob => Some(ObjectClass::InitialValueJob),
            Self::InitialValueDocument => Some(ObjectClass::InitialValueDocument),
            Self::Station => Some(ObjectClass::Station),
            Self::User => Some(ObjectClass::User),
        }
    }
}

/// When an actual destination that prints is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseWhen {
    /// At once: its job stands still.
    Now,
    /// When its job is done.
    AfterJob,
}

/// Which of the two a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Realization {
    /// What jobs are sent to: a location.
    Logical,
    /// What prints: a device.
    Actual,
}

impl Realization {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Logical => "logical",
            Self::Actual => "actual",
        }
    }
}

/// A managed object by its name, without the name of its server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedObject {
    /// Its class.
    pub class: ManagedClass,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for ManagedObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.class.word(), super::printable::escaped(&self.name))
    }
}

/// What becomes of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManagedEdit {
    /// It has this value, or these values, and no other.
    Set(Value),
    /// It has these values too.
    Add(Value),
    /// It has not these values.
    Remove(Value),
    /// It has its default again.
    Reset,
}

/// A change of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedChange {
    /// Which.
    pub field: Field,
    /// What becomes of it.
    pub edit: ManagedEdit,
}
