//! Values that operations return and that belong to no object of the model.

use serde::{Deserialize, Serialize};

use crate::model::access::Access;
use crate::model::authority::UserLimits;
use crate::model::collector::CollectorState;
pub use crate::model::event::Event;
use crate::model::field::{Field, Value};
use crate::model::job::RawPath;
use crate::model::notification::Deliveries;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::space::SpoolSpace;
use crate::model::state::DeviceState;
pub use crate::model::state::SpoolerState;
use crate::model::{CollectorName, DeviceName, JobRef, LocationName, ProcessName, ServerName};

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
    /// The primary FASTCNFG file.
    pub fastcnfg: RawPath,
    /// ERRLOG as typed; none where nobody named a file.
    #[serde(default)]
    pub error_log: Option<String>,
    /// The collectors, each with its state.
    #[serde(default)]
    pub collectors: Vec<(CollectorName, CollectorState)>,
    /// Jobs in any state.
    pub jobs: u64,
    /// Jobs still arriving.
    pub open_jobs: u64,
    /// Jobs that a device prints now.
    pub printing_jobs: u64,
    /// Jobs that are delivered over a connection that is still open.
    #[serde(default)]
    pub transferred_jobs: u64,
    /// Whether what waits is printed: the spooler is ACTIVE, and no print process that has work is dead, hung or in error.
    #[serde(default)]
    pub prints: bool,
    /// Devices, locations and print processes.
    pub devices: u64,
    /// See above.
    pub locations: u64,
    /// See above.
    pub processes: u64,
    /// Last error of the spool itself, in words (a full disk, a ballast that could not be restored).
    pub last_error: Option<String>,
    /// What it holds, and the room that there is.
    #[serde(default)]
    pub space: SpoolSpace,
    /// What somebody is still to be told.
    pub deliveries: Deliveries,
    /// What one user may have.
    #[serde(default)]
    pub limits: UserLimits,
    /// Its access rules, which hold for all devices and locations.
    #[serde(default)]
    pub access: Access,
    /// What was set of the server and is only kept.
    #[serde(default)]
    pub given: Vec<(Field, Value)>,
}

/// How many jobs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSummary {
    /// In print.
    pub printing: u64,
    /// Delivered over a connection that is still open.
    pub transferred: u64,
    /// Queued.
    pub ready: u64,
    /// Still arriving.
    pub open: u64,
    /// Held, paused, or kept after printing.
    pub hold: u64,
}

/// How many devices are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCounts {
    /// Started, with nothing to print.
    pub waiting: u64,
    /// In print.
    pub busy: u64,
    /// Stopped in mid-job.
    pub suspended: u64,
    /// In a device error.
    pub in_error: u64,
    /// Offline.
    pub offline: u64,
    /// Without a print process that works.
    pub process_error: u64,
}

impl DeviceCounts {
    /// Returns the count of a state.
    pub fn of(&mut self, state: &DeviceState) -> &mut u64 {
        match state {
            DeviceState::Waiting => &mut self.waiting,
            DeviceState::Printing(_) | DeviceState::Aligning => &mut self.busy,
            DeviceState::Suspended => &mut self.suspended,
            DeviceState::DevError(_) => &mut self.in_error,
            DeviceState::Offline => &mut self.offline,
            DeviceState::ProcError => &mut self.process_error,
        }
    }
}

/// What is counted of a spool, for SPOOLER STATISTICS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Jobs in any state.
    pub jobs: u64,
    /// Jobs still arriving.
    pub open_jobs: u64,
    /// Print processes and collectors that are active.
    pub openers: u64,
    /// Jobs in print.
    pub printing_jobs: u64,
    /// Jobs that were taken in since the cold start.
    pub jobs_collected: u64,
    /// Jobs that were printed since the cold start.
    pub jobs_printed: u64,
    /// Batches.
    pub batches: u64,
    /// Locations.
    pub locations: u64,
    /// Devices.
    pub devices: u64,
    /// Collectors.
    pub collectors: u64,
    /// Print processes.
    pub processes: u64,
    /// Fonts.
    pub fonts: u64,
}

/// What became of a job that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// It is gone.
    Gone,
    /// It is cancelled, and kept because it has a retention.
    Retained,
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
    /// A collector.
    Collector(CollectorName),
    /// An object of a class that is only kept.
    Object(ObjectClass, ObjectName),
    /// The spool itself.
    Spool,
}
