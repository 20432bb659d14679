//! Groups and locations, to which jobs are addressed.

use serde::{Deserialize, Serialize};

use super::ids::{LocationId, RouteId};
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
    /// Where its entries wait.
    pub route: RouteId,
    /// Jobs waiting at it.
    pub jobs: u64,
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
