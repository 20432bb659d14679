//! Groups and locations, to which jobs are addressed.

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::device::RAW;
use super::ids::{LocationId, RouteId};
use super::job::Format;
use super::names::{DeviceName, GroupName, LocationName};

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
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Location(name) => f.pad(&name.to_string()),
            Self::Group(group) => f.pad(&format!("#{group}")),
        }
    }
}
