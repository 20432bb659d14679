//! Why a job is not printing: the causes as values. The languages put them into words.

use serde::{Deserialize, Serialize};

use super::device::RunningJob;
use super::ids::{GlobalJobId, JobNumber};
use super::names::{DeviceName, GroupName, LocationName, ProcessName, ServerName};
use super::object::ObjectName;
use super::remote::Away;
use super::secure::PrinterVerdict;
use super::state::{ErrorNote, HoldReason, JobState};
use super::wait::Awaited;

/// Who did something, and when, according to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// Login name, or the print process.
    pub who: String,
    /// Wall clock.
    pub at_ms: i64,
}

/// A job in print, and its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printing {
    /// How far it is.
    pub running: RunningJob,
    /// Its documents.
    pub documents: u32,
    /// When the printer last took an octet, wall clock, if that was long ago.
    pub quiet_since_ms: Option<i64>,
    /// What the print process waits for.
    #[serde(default)]
    pub awaits: Option<Awaited>,
}

/// What one device does with the job, or why it does not print it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceCause {
    /// The device prints it now.
    Prints(Printing),
    /// The device is being opened.
    Opening {
        /// What is waited for.
        awaits: Awaited,
        /// Whether the job is the one that it is opened for.
        next: bool,
    },
    /// The device has every octet; the connection has not closed yet.
    Transferred {
        /// Octets sent.
        octets: u64,
        /// When the last of them went.
        since_ms: Option<i64>,
    },
    /// Only what is in print comes before it.
    Next {
        /// The job in print.
        printing: Option<Printing>,
    },
    /// Others come first.
    Behind {
        /// How many, the one in print included. Counted to 1,000; more are 1,001.
        jobs: u32,
        /// The job in print.
        printing: Option<Printing>,
        /// Whether shorter jobs that came later go first there, too.
        #[serde(default)]
        short_first: bool,
    },
    /// The device is idle and leaves the job to one that finishes it sooner.
    LeftToAnother,
    /// The device is in error, and is tried again by itself.
    Error(ErrorNote),
    /// The device is in error, and waits for an operator.
    ErrorForGood(ErrorNote),
    /// An error took the device offline, and RESTART starts it again.
    Restarts(ErrorNote),
    /// The print process died.
    ProcessDead {
        /// Its name.
        process: ProcessName,
        /// Why, if it could still say so.
        last_words: Option<String>,
    },
    /// The print process is not running though there is work.
    ProcessNotRunning(ProcessName),
    /// The print process is not running, and its user has to start it.
    ProcessIndependent(ProcessName),
    /// The print process shows no sign of life.
    ProcessHung {
        /// Which.
        process: ProcessName,
        /// Its last sign of life, wall clock.
        since_ms: i64,
    },
    /// The print process has shown no sign of life for a while, but is not given up yet.
    ProcessSilent {
        /// Which.
        process: ProcessName,
        /// Its last sign of life, wall clock.
        since_ms: i64,
    },
    /// The print process is in error.
    ProcessError {
        /// Which.
        process: ProcessName,
        /// The error.
        error: ErrorNote,
        /// Whether the next command that makes work tries to start it again.
        tried_again: bool,
    },
    /// The print process lives and cannot go on; it tries again by itself.
    ProcessTrouble {
        /// Which.
        process: ProcessName,
        /// What, and the cure.
        error: ErrorNote,
    },
    /// The print process is not declared any more.
    ProcessGone(ProcessName),
    /// The device finishes its job and takes no other.
    Draining(Option<Attribution>),
    /// The device is stopped in mid-job.
    Suspended(Option<Attribution>),
    /// The device takes no jobs.
    Stopped(Option<Attribution>),
    /// Nobody has started the device yet.
    NeverStarted {
        /// What it needs before it can be started: `PROCESS`, `URI`.
        lacks: Vec<String>,
    },
    /// The device carries another form; empty = none.
    Form {
        /// The form of the job.
        wanted: String,
        /// The form of the device.
        loaded: String,
    },
    /// The job was sent to this device of a group, and no location leads to it any more.
    NotRouted,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Still arriving.
    Arriving,
    /// Cancelled while it prints.
    Terminating {
        /// The devices that still have it.
        devices: Vec<DeviceName>,
        /// Who removed it.
        by: Option<Attribution>,
    },
    /// The spooler was never started.
    SpoolerCold,
    /// The spooler finishes what prints and begins nothing.
    SpoolerDraining(Option<Attribution>),
    /// The spooler is drained.
    SpoolerDrained(Option<Attribution>),
    /// Held for this reason.
    Held {
        /// The reason.
        reason: HoldReason,
        /// What else is known.
        text: Option<String>,
        /// Who held it.
        by: Option<Attribution>,
    },
    /// It waits for its owner only so long.
    Expires {
        /// Until when, wall clock.
        at_ms: i64,
        /// Whether that is over.
        over: bool,
    },
    /// Who sees it at stations that show people their own jobs.
    ListedFor {
        /// Its owner.
        owner: String,
        /// Whom he has named.
        delegates: Vec<String>,
    },
    /// A printer of a station has another driver than the queue for which the job was made. Nothing is refused for that.
    OtherDriver {
        /// The printer.
        printer: DeviceName,
        /// The driver of the queue.
        wanted: String,
        /// The driver of the printer.
        installed: String,
    },
    /// What the printers of a station make of it, which waits for its owner.
    Station {
        /// The station.
        station: ObjectName,
        /// Its printers.
        verdicts: Vec<PrinterVerdict>,
    },
    /// The same of a station of another server.
    StationThere {
        /// The server.
        server: ServerName,
        /// The station.
        station: ObjectName,
        /// Its printers.
        verdicts: Vec<PrinterVerdict>,
    },
    /// A server that has stations for it does not say what they make of it.
    ServerSilent {
        /// The server.
        server: ServerName,
        /// Why not.
        why: String,
    },
    /// Held since it was submitted, as its submitter asked.
    HeldFromStart(Attribution),
    /// Printed, and held afterwards by HOLDAFTER.
    HeldAfterPrinting(Attribution),
    /// Kept back by a pause.
    Paused(Option<Attribution>),
    /// Printed or cancelled, and kept.
    Retained,
    /// Its location leads to no device.
    NoDevice {
        /// The location.
        location: LocationName,
        /// Who disconnected it.
        by: Option<Attribution>,
    },
    /// No location of its group leads to a device.
    GroupWithoutDevices(GroupName),
    /// Its queue is paused.
    QueuePaused(GroupName),
    /// Another server prints it, or is to print it.
    Server {
        /// How it stands there.
        away: Away,
    },
    /// A device is the cause.
    Device {
        /// Which.
        device: DeviceName,
        /// How.
        cause: DeviceCause,
    },
    /// Nothing that is known keeps it from printing.
    NothingKnown,
}

/// Why a job is not printing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The job.
    pub job: GlobalJobId,
    /// Its number.
    pub number: JobNumber,
    /// At least one cause, the most decisive first.
    pub causes: Vec<Cause>,
}

impl Cause {
    /// Tells whether the job waits until somebody does something, other than what its submitter asked to wait for.
    pub fn waits_for_somebody(&self) -> bool {
        match self {
            Self::Device { cause, .. } => cause.rank() == 2,
            Self::Server { away } => away.state == Some(JobState::Held),
            Self::NoDevice { .. } | Self::GroupWithoutDevices(_) => true,
            Self::QueuePaused(_) => true,
            Self::SpoolerCold | Self::SpoolerDraining(_) | Self::SpoolerDrained(_) => true,
            _ => false,
        }
    }

    /// Returns its stable word.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Arriving => "arriving",
            Self::Terminating { .. } => "terminating",
            Self::SpoolerCold => "spooler-cold",
            Self::SpoolerDraining(_) => "spooler-draining",
            Self::SpoolerDrained(_) => "spooler-drained",
            Self::Held { .. } => "held",
            Self::Expires { over: false, .. } => "expires",
            Self::Expires { over: true, .. } => "expired",
            Self::ListedFor { .. } => "listed-for",
            Self::OtherDriver { .. } => "other-driver",
            Self::Station { .. } => "station",
            Self::StationThere { .. } => "station-of-server",
            Self::ServerSilent { .. } => "stations-silent",
            Self::HeldFromStart(_) => "held-from-start",
            Self::HeldAfterPrinting(_) => "held-after-printing",
            Self::Paused(_) => "paused",
            Self::Retained => "retained",
            Self::NoDevice { .. } => "no-device",
            Self::GroupWithoutDevices(_) => "group-without-devices",
            Self::QueuePaused(_) => "queue-paused",
            Self::Server { away } if away.claimed && away.is_there() => Away::BEGUN,
            Self::Server { away } if away.claimed => Away::CLAIMED,
            Self::Server { away } => match (away.is_there(), away.silent_since_ms) {
                (_, Some(_)) => "server-silent",
                (true, None) => "at-server",
                (false, None) => Away::WAITS,
            },
            Self::Device { cause, .. } => cause.keyword(),
            Self::NothingKnown => "nothing-known",
        }
    }
}

impl DeviceCause {
    /// Returns its stable word.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Prints(Printing { running: RunningJob { stalled: Some(_), .. }, .. }) => "printer-stalled",
            Self::Prints(Printing { quiet_since_ms: Some(_), awaits: None, .. }) => "printer-slow",
            Self::Prints(_) => "printing",
            Self::Opening { .. } => "device-opening",
            Self::Transferred { .. } => "transferred",
            Self::Next { .. } => "next",
            Self::Behind { .. } => "behind",
            Self::LeftToAnother => "left-to-another",
            Self::Error(_) => "device-error",
            Self::ErrorForGood(_) => "device-error-for-good",
            Self::Restarts(_) => "device-restarts",
            Self::ProcessDead { .. } => "process-dead",
            Self::ProcessNotRunning(_) => "process-not-running",
            Self::ProcessIndependent(_) => "process-independent",
            Self::ProcessHung { .. } => "process-hung",
            Self::ProcessSilent { .. } => "process-silent",
            Self::ProcessError { .. } => "process-error",
            Self::ProcessTrouble { .. } => "process-trouble",
            Self::ProcessGone(_) => "process-gone",
            Self::Draining(_) => "device-draining",
            Self::Suspended(_) => "device-suspended",
            Self::Stopped(Some(_)) => "device-stopped",
            Self::Stopped(None) => "device-offline",
            Self::NeverStarted { .. } => "device-never-started",
            Self::Form { .. } => "form-mismatch",
            Self::NotRouted => "device-not-routed",
        }
    }

    /// Returns how decisive it is among the causes of several devices: a device that will print the job comes first
    /// (0), then one that recovers by itself (1), then one that waits for somebody (2).
    pub fn rank(&self) -> u8 {
        match self {
            Self::Prints(_) | Self::Transferred { .. } | Self::Next { .. } | Self::Behind { .. } => 0,
            Self::Opening { next: true, .. } => 0,
            Self::Opening { next: false, .. } => 1,
            Self::LeftToAnother | Self::Error(_) | Self::Restarts(_) => 1,
            Self::ProcessDead { .. } | Self::ProcessNotRunning(_) | Self::ProcessSilent { .. } => 1,
            Self::ProcessError { tried_again: true, .. } | Self::ProcessTrouble { .. } => 1,
            _ => 2,
        }
    }
}
