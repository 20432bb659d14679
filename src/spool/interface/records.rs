//! Values that operations return and that belong to no object of the model.

use serde::{Deserialize, Serialize};

use crate::model::job::RawPath;
use crate::model::{DeviceName, JobRef, LocationName, ProcessName, ServerName};

/// The state of the whole spool (docs/reference/spooler.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpoolerState {
    /// Declared, never started: collects, does not print.
    Cold = 0,
    /// Drained, not started again.
    Warm = 1,
    /// Fully working.
    Active = 2,
    /// Orderly stop in progress.
    Drain = 3,
}

impl SpoolerState {
    /// From its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Cold, Self::Warm, Self::Active, Self::Drain].into_iter().find(|state| *state as i64 == n)
    }
    /// The word of SPOOLER STATUS.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cold => "COLD",
            Self::Warm => "WARM",
            Self::Active => "ACTIVE",
            Self::Drain => "DRAIN",
        }
    }
}

/// The spool as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Its random identity.
    pub spool_id: String,
    /// Its server name, fixed when it was created.
    pub server: ServerName,
    /// Its base directory.
    pub base: RawPath,
    /// Its state.
    pub state: SpoolerState,
    /// User id of its creator.
    pub creator_uid: u32,
    /// MGRACCESS.
    pub manager_access: bool,
    /// Jobs in any state.
    pub jobs: u64,
    /// Jobs still arriving.
    pub open_jobs: u64,
    /// Jobs on a device.
    pub printing_jobs: u64,
    /// Devices, locations and print processes.
    pub devices: u64,
    /// See above.
    pub locations: u64,
    /// See above.
    pub processes: u64,
    /// Last error of the spool itself, in words (a full disk, a ballast that could not be restored).
    pub last_error: Option<String>,
}

/// What became of a job that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// It is gone.
    Gone,
    /// It is printing; it goes when its attempt has ended.
    Terminating,
    /// Every octet of it is with its device already: what prints cannot be stopped. It goes when the connection is closed.
    Transferred,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventSubject {
    /// A job; a finished one where no living one answers to it.
    Job(JobRef),
    /// A device.
    Device(DeviceName),
    /// A print process.
    Process(ProcessName),
    /// A location.
    Location(LocationName),
    /// The spool itself.
    Spool,
}

/// Something that happened: who, when, what, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Ascending number.
    pub id: i64,
    /// Wall clock.
    pub at_ms: i64,
    /// Login name, or the print process.
    pub who: String,
    /// One of a fixed set of words: `accepted`, `claimed`, `opened`, `sent`, …
    pub what: String,
    /// The circumstances, in words.
    pub why: String,
}
