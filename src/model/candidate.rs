//! Names that may stand where a person begins to type one: what completion asks a spool for.

use serde::{Deserialize, Serialize};

use super::object::ObjectClass;

/// The most names of one answer.
pub const MOST: u32 = 1_000;
/// The most jobs of one answer: each is looked at, for its state and for whether the caller may see it.
pub const MOST_JOBS: u32 = 200;

/// What stands beside the name of the server that is asked.
pub const OWN_SERVER: &str = "this server";

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameKind {
    /// Where a job can be sent: a location, a logical destination, a device.
    Destination,
    /// A queue: a group of locations.
    Group,
    /// A device.
    Device,
    /// A location, as `GROUP.DEST`.
    Location,
    /// A print process.
    Process,
    /// A collector.
    Collector,
    /// A font.
    Font,
    /// A job of the caller by its local number, and any job that he sees by its ten digits once four of them are typed.
    Job,
    /// A job that the caller sees, by its SPOOLCOM number.
    JobNumber,
    /// This server, and those that it works with.
    Server,
    /// An object that is only kept.
    Object(ObjectClass),
}

/// A name, and what a list shows beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownName {
    /// The name, without signs.
    pub name: String,
    /// What it is, where a name alone says nothing: title and state of a job. It may hold any character.
    pub note: String,
}

impl KnownName {
    /// A name that speaks for itself.
    pub fn plain(name: impl ToString) -> Self {
        Self { name: name.to_string(), note: String::new() }
    }
}
