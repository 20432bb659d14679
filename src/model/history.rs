//! What happened to all objects, and how their configuration changed.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::ids::JobNumber;
use super::location::Destination;
use super::names::DeviceName;

/// A place in the record of all objects: the identity of an event. They are given out in the order of the commits, so a reader
/// that goes on behind it misses nothing, whatever the clocks say.
pub type RecordPlace = i64;

/// A place in the list of what may have come out twice: wall clock, and the identity of an event.
pub type DuplicatePlace = (i64, i64);

/// In place of a word of a location: what kind of location it is. No command sets it.
pub const KIND: &str = "KIND";

/// In place of a word of a group: whether it was made by itself, as a queue. No command sets it.
pub const DECLARED: &str = "DECLARED";

/// One word of the configuration of an object, before and after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigChange {
    /// The word of the command, or the name of the attribute.
    pub word: String,
    /// What it was; none = it was not set, or is what an object has anyway.
    pub old: Option<String>,
    /// What it is.
    pub new: Option<String>,
}

/// Something that happened to an object, which may be gone by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Its place in the record.
    pub place: RecordPlace,
    /// What kind of object: `device`, `process`, `location`, `group`, `collector`, `spool`, `job`, or a class.
    pub kind: String,
    /// Its name as commands write it; empty for the spool.
    pub name: String,
    /// What happened.
    pub event: Event,
    /// How that changed its configuration.
    pub changes: Vec<ConfigChange>,
}

/// Since when the record is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Since {
    /// Its beginning.
    Ever,
    /// A time, wall clock: the record begins with the first event that has this time or a later one.
    Time(i64),
    /// The last time a print process or the machine went down; nothing where none ever did.
    Crash,
}

impl Since {
    /// Tells whether a time lies before it.
    pub fn is_before(self, at_ms: i64) -> bool {
        matches!(self, Self::Time(since_ms) if at_ms < since_ms)
    }
}

/// A job that may have come out twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Its place in the list.
    pub place: DuplicatePlace,
    /// The number of the job.
    pub number: JobNumber,
    /// Whether the job has left the spool.
    pub finished: bool,
    /// Its owner.
    pub owner: String,
    /// Where it was sent.
    pub destination: Destination,
    /// On which device that was, where that is known.
    pub device: Option<DeviceName>,
    /// When, wall clock.
    pub at_ms: i64,
    /// Why, with the first page in doubt.
    pub why: String,
}
