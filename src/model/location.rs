//! Groups and locations, to which jobs are addressed.

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::device::RAW;
use super::field::{Field, Value};
use super::ids::{JobNumber, LocationId, RouteId};
use super::job::Format;
use super::names::{DeviceName, FontName, GroupName, LocationName, LocationPattern};

/// What a location is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocationKind {
    /// It was declared as `#GROUP.DEST`.
    #[default]
    Location = 0,
    /// A logical destination: its second half alone is its name, and no other destination has that.
    Logical = 1,
    /// It was made with an actual destination, and leads from its queue to it. The pd commands show the actual destination
    /// alone.
    Outlet = 2,
}

impl LocationKind {
    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Location, Self::Logical, Self::Outlet].into_iter().find(|kind| *kind as i64 == n)
    }

    /// Returns its word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Location => "LOCATION",
            Self::Logical => "LOGICAL",
            Self::Outlet => "OUTLET",
        }
    }
}

/// A location as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationStatus {
    /// Identity.
    pub id: LocationId,
    /// `#GROUP.DEST` as declared.
    pub name: LocationName,
    /// Whether its group broadcasts.
    pub broadcast: bool,
    /// The device to which it leads; with none its jobs are parked.
    pub device: Option<DeviceName>,
    /// What the documents of jobs are that are sent to it, where nobody else says; [`Format::Passthru`] is CONTENT RAW.
    #[serde(default)]
    pub content: Option<Format>,
    /// The font that is sent ahead of its jobs, where one of that name is defined.
    #[serde(default)]
    pub font: Option<FontName>,
    /// Where its entries wait.
    pub route: RouteId,
    /// Jobs waiting at it.
    pub jobs: u64,
    /// Its access rules.
    #[serde(default)]
    pub access: Access,
    /// Those of its group.
    #[serde(default)]
    pub group_access: Access,
    /// What it is.
    #[serde(default)]
    pub kind: LocationKind,
    /// Whether its jobs print on any device of its group.
    #[serde(default)]
    pub whole_group: bool,
    /// Whether it takes jobs.
    #[serde(default = "yes")]
    pub takes_jobs: bool,
    /// What was set of it and is only kept.
    #[serde(default)]
    pub given: Vec<(Field, Value)>,
    /// What was set of its group and is only kept.
    #[serde(default)]
    pub group_given: Vec<(Field, Value)>,
    /// Whether the jobs of its group wait until somebody resumes that.
    #[serde(default)]
    pub group_paused: bool,
}

fn yes() -> bool {
    true
}

/// A group as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Its name.
    pub name: GroupName,
    /// Whether a job for the whole group prints on each of its devices.
    pub broadcast: bool,
    /// Whether it stays without locations: it was made as a queue.
    pub declared: bool,
    /// Its access rules.
    #[serde(default)]
    pub access: Access,
    /// What was set of it and is only kept.
    #[serde(default)]
    pub given: Vec<(Field, Value)>,
    /// Whether its jobs wait until somebody resumes it.
    #[serde(default)]
    pub paused: bool,
    /// How much waits in it; none where no estimate is made.
    #[serde(default)]
    pub backlog: Option<Backlog>,
}

/// How much waits in a queue that has a bound for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Estimated minutes until everything in it is printed, with all its devices at work.
    pub minutes: u64,
    /// Whether that came to exceed its upper bound, and has not fallen below the lower one since.
    pub backlogged: bool,
}

/// A font as displays show it: a job that is sent ahead of the jobs of some locations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FontStatus {
    /// Its name as declared.
    pub name: FontName,
    /// The job that is sent.
    pub job: JobNumber,
}

/// How SPOOLCOM writes CONTENT of a location.
pub fn content_word(content: Option<Format>) -> &'static str {
    match content {
        None => "NONE",
        Some(Format::Passthru) => RAW,
        Some(format) => format.keyword(),
    }
}

/// What a destination name means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// One location.
    Location(LocationName),
    /// A group: its device that prints the job soonest, or all its devices when it broadcasts.
    Group(GroupName),
    /// A location whose second half is its whole name for InfoPrint: a logical destination, or the way to an actual one.
    Plain(LocationName),
}

impl Destination {
    /// Returns the location, unless it is a group.
    pub fn location(&self) -> Option<&LocationName> {
        match self {
            Self::Location(name) | Self::Plain(name) => Some(name),
            Self::Group(_) => None,
        }
    }

    /// Returns the group.
    pub fn group(&self) -> &GroupName {
        match self {
            Self::Location(name) | Self::Plain(name) => &name.group,
            Self::Group(group) => group,
        }
    }

    /// Makes that of a location.
    pub fn of(name: LocationName, kind: LocationKind) -> Self {
        match kind {
            LocationKind::Location => Self::Location(name),
            LocationKind::Logical | LocationKind::Outlet => Self::Plain(name),
        }
    }

    /// Reads what the history keeps.
    pub fn from_stored(text: &str) -> Option<Self> {
        Some(match text.parse().ok()? {
            LocationPattern::One(name) if text.starts_with('#') => Self::Location(name),
            LocationPattern::One(name) => Self::Plain(name),
            LocationPattern::Group(group) => Self::Group(group),
            LocationPattern::EveryGroup(dest) => Self::Group(dest.as_str().parse().ok()?),
        })
    }

    /// Returns it as the history keeps it: a plain one without its `#`.
    pub fn stored(&self) -> String {
        match self {
            Self::Plain(name) => format!("{}.{}", name.group, name.dest),
            other => other.to_string(),
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Location(name) | Self::Plain(name) => f.pad(&name.to_string()),
            Self::Group(group) => f.pad(&format!("#{group}")),
        }
    }
}
