//! What is to be expected: when a job prints, and what waits where a device stops.

use serde::{Deserialize, Serialize};

use super::device::DeviceStatus;
use super::ids::JobNumber;
use super::names::DeviceName;

/// When a job begins to print, from now, if nothing that is not there yet goes before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forecast {
    /// Between these times, in milliseconds: as fast and as slow as the devices were measured.
    Begins {
        /// The device that gets to it first.
        device: DeviceName,
        /// What that prints before it.
        before: Before,
        /// At the earliest.
        from_ms: i64,
        /// At the latest.
        to_ms: i64,
    },
    /// It is in print, and ends between these times.
    Ends {
        /// The device that prints it.
        device: DeviceName,
        /// At the earliest.
        from_ms: i64,
        /// At the latest.
        to_ms: i64,
    },
    /// It is not known.
    Unknown {
        /// For this reason.
        why: String,
        /// A device, and what that prints before it; none where no device prints now, or too much is before it.
        before: Option<(DeviceName, Before)>,
    },
}

/// What a device prints before a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// How many jobs, the one in print included.
    pub jobs: u32,
    /// Their pages, copies and the whole of the one in print counted; none where those of one are not known, or not told to who asks.
    pub pages: Option<u64>,
}

/// What a device prints and what waits for it: what a stop would touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The device; what waits for it is counted to 1,001.
    pub device: DeviceStatus,
    /// The first job that waits, its owner (empty where the caller may not see that), and since when.
    pub first: Option<(JobNumber, String, i64)>,
    /// Owners of those of the first thousand jobs that wait which the caller may see, each with how many he has, the largest
    /// number first.
    pub owners: Vec<(String, u32)>,
    /// Pages of all jobs that wait, where all are known and seen.
    pub pages: Option<u64>,
    /// The locations that lead to it, at most 100.
    pub locations: Vec<StopLocation>,
    /// The destinations to which its jobs go when it fails, as they were set.
    pub backups: Vec<String>,
    /// Jobs that were sent to the whole group wait for these devices too.
    pub others: Vec<(DeviceName, bool)>,
}

/// A location that leads to a device that would stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopLocation {
    /// `#GROUP.DEST`.
    pub name: String,
    /// Its jobs, those in print included.
    pub jobs: u64,
    /// Whether it can be led to another device. One that was made with its device cannot.
    pub routable: bool,
}
