//! Values that operations return and that belong to no object of the model.

use serde::{Deserialize, Serialize};

use crate::model::access::Access;
use crate::model::authority::UserLimits;
use crate::model::collector::CollectorState;
use crate::model::device::DeviceStatus;
pub use crate::model::event::Event;
use crate::model::field::{Field, Value};
use crate::model::job::RawPath;
use crate::model::location::Destination;
use crate::model::notification::Deliveries;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::process::ProcessStatus;
use crate::model::space::SpoolSpace;
pub use crate::model::state::SpoolerState;
use crate::model::state::{DeviceState, HoldReasons};
use crate::model::{CollectorName, DeviceName, JobNumber, JobRef, LocationName, ProcessName, ServerName};

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

/// What somebody is about to do, for the question whether he may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intended {
    /// Start, drain or repair the spooler.
    ChangeSpooler,
    /// Alter or delete a device.
    ChangeDevice(DeviceName),
    /// Start, stop or clear a device, or choose its next job.
    OperateDevice(DeviceName),
    /// Hold or start a job.
    HoldJob(JobRef),
    /// Alter or delete a job.
    ChangeJob(JobRef),
}

/// What is wrong with a spool and its objects, and what it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The spool itself.
    pub about: SpoolStatus,
    /// What is counted of it.
    pub statistics: Statistics,
    /// Jobs by state.
    pub summary: JobSummary,
    /// Who made the spooler what it is, and when.
    pub by: Option<(String, i64)>,
    /// The oldest job that waits, if one does; none too where [`Health::oldest_unknown`].
    pub oldest: Option<WaitingJob>,
    /// Whether older jobs that are held or printing hide which one is the oldest that waits.
    pub oldest_unknown: bool,
    /// The print processes that do not do what they should.
    pub processes: Vec<ProcessHealth>,
    /// The devices that do not print what waits for them, at most 1,000.
    pub devices: Vec<DeviceHealth>,
    /// Whether more devices are so.
    pub more_devices: bool,
    /// The first of the jobs that are held until a person acts.
    pub attention: Vec<(JobNumber, HoldReasons)>,
    /// How many those are, counted to 1,001.
    pub attention_count: u32,
    /// Locations that lead nowhere and have jobs, with their number.
    pub parked: Vec<(LocationName, u64)>,
    /// Servers that do not answer: why, and since when.
    pub peers: Vec<(ServerName, String, i64)>,
    /// Who holds the gate of all writers for longer than it takes, in words, and since when.
    pub gate: Option<(String, i64)>,
    /// What is said of the certificate of this server.
    pub certificate: Option<String>,
}

/// A job that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingJob {
    /// Its number.
    pub number: JobNumber,
    /// Where it was sent.
    pub destination: Destination,
    /// When it was submitted.
    pub since_ms: i64,
}

/// A print process that does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessHealth {
    /// The process.
    pub status: ProcessStatus,
    /// Since when it has shown no sign of life, if it lives.
    pub silent_since_ms: Option<i64>,
    /// How many of its devices are started.
    pub devices: u32,
    /// When it last showed a sign of life, if it died and that is known.
    #[serde(default)]
    pub last_sign_ms: Option<i64>,
    /// Whether jobs wait for it, those in print too.
    pub waits: bool,
    /// How many jobs wait for its started devices, counted to 1,001.
    #[serde(default)]
    pub waiting: u32,
    /// The first jobs that it has in print, at most six.
    #[serde(default)]
    pub in_print: Vec<JobNumber>,
}

/// A device that does not print what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceHealth {
    /// The device; what waits for it is counted to 1,001.
    pub status: DeviceStatus,
    /// Who told it last to stand still, and when.
    pub by: Option<(String, i64)>,
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
