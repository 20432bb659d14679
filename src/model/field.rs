//! The key of an attribute: `attributes` maps names to it, and `store` maps it to columns.
//!
//! A [`Field`] that has a variant of its own is decided or used somewhere: it has a column, or follows from what the
//! spool does. Every other attribute is carried: what was given is kept and shown, and [`Field::Carried`] holds its
//! name. So an attribute that is only carried is a row of the table of attributes and nothing else.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of an attribute that is only carried: lower-case letters, digits and hyphens, at most [`CarriedName::MAX`].
///
/// Kept in place, so that a key is copied like a number wherever it came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CarriedName {
    octets: [u8; Self::MAX],
    length: u8,
}

impl CarriedName {
    /// The longest name, in octets.
    pub const MAX: usize = 47;

    /// The name `text`, if it can be one.
    pub const fn new(text: &str) -> Option<Self> {
        let from = text.as_bytes();
        if from.is_empty() || from.len() > Self::MAX || !from[0].is_ascii_lowercase() {
            return None;
        }
        let mut octets = [0; Self::MAX];
        let mut n = 0;
        while n < from.len() {
            if !(from[n].is_ascii_lowercase() || from[n].is_ascii_digit() || from[n] == b'-') {
                return None;
            }
            octets[n] = from[n];
            n += 1;
        }
        Some(Self { octets, length: from.len() as u8 })
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        // Only what is ASCII gets in, so the default is never taken.
        self.octets.get(..usize::from(self.length)).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for CarriedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $stored:literal),+ $(,)?) => {
        /// An attribute of a job, document, destination, queue or server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $($(#[$doc])* $name,)+
            /// One that is kept and shown, and decides nothing.
            Carried(CarriedName),
        }

        impl Field {
            /// Every field that has a place of its own.
            pub const ALL: &'static [Field] = &[$(Field::$name),+];

            /// Returns its stored word, which is its InfoPrint name.
            pub fn stored(&self) -> &str {
                match self {
                    $(Field::$name => $stored,)+
                    Field::Carried(name) => name.as_str(),
                }
            }

            /// The field with this name; none for what cannot be one.
            pub fn from_stored(name: &str) -> Option<Self> {
                match name {
                    $($stored => Some(Field::$name),)+
                    other => CarriedName::new(other).map(Field::Carried),
                }
            }
        }
    };
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.stored())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_stored(&name).ok_or_else(|| D::Error::custom("no name of an attribute"))
    }
}

fields! {
    /// Local id.
    JobClientId = "job-client-id",
    /// Global id.
    JobIdentifier = "job-identifier",
    /// Access rules.
    Access = "access",
    /// What print files take, and the room that there is.
    SpoolSpace = "spool-space",
    /// Notifications that wait.
    NotificationsWaiting = "notifications-waiting",
    /// Notifications that were given up.
    NotificationsLost = "notifications-lost",
    /// What is wrong with the spool and its objects.
    Health = "health",
    /// What one user may have.
    JobsPerUser = "jobs-per-user",
    /// What one user may have.
    OctetsPerUser = "octets-per-user",
    /// What one user may have.
    SubmissionsPerUser = "submissions-per-user",
    /// SPOOLCOM's number.
    JobNumber = "job-number",
    /// Name, REPORT.
    JobName = "job-name",
    /// Owner.
    JobOwner = "job-owner",
    /// `user@host` of the submitter.
    UserName = "user-name",
    /// Derived state.
    CurrentJobState = "current-job-state",
    /// Hold reasons.
    JobStateReasons = "job-state-reasons",
    /// Why a destination does not print.
    ProblemMessage = "problem-message",
    /// Jobs before it.
    InterveningJobs = "intervening-jobs",
    /// Where it was sent.
    DestinationNameRequested = "destination-name-requested",
    /// Devices that have it.
    DestinationsAssigned = "destinations-assigned",
    /// Priority, 1 to 100.
    JobPriority = "job-priority",
    /// Held by wish.
    JobHold = "job-hold",
    /// Octets of all documents.
    TotalJobOctets = "total-job-octets",
    /// Pages of the job.
    JobPageCount = "job-page-count",
    /// Number of documents.
    NumberOfDocuments = "number-of-documents",
    /// When it was created.
    CreationTime = "creation-time",
    /// When it was queued.
    SubmissionTime = "submission-time",
    /// When printing began.
    StartedPrintingTime = "started-printing-time",
    /// How it ended.
    Outcome = "outcome",
    /// When it ended.
    CompletionTime = "completion-time",
    /// Why it is not printing.
    Why = "why",
    /// What happened to it.
    Log = "log",
    /// Form name.
    Form = "form",
    /// The number of its batch.
    JobBatchId = "job-batch-id",
    /// Kept after printing.
    HoldAfter = "hold-after",
    /// How long it stays when it has ended.
    JobRetentionPeriod = "job-retention-period",
    /// Until when it stays then.
    JobRetainUntil = "job-retain-until",
    /// It stays until it is removed.
    RetainForever = "retain-forever",
    /// When it ends in any case.
    JobDiscardTime = "job-discard-time",
    /// When it may print.
    JobPrintAfter = "job-print-after",
    /// When it was retained.
    RetainedTime = "retained-time",
    /// The state before.
    PreviousJobState = "previous-job-state",
    /// The queue it is in.
    QueueAssigned = "queue-assigned",
    /// Devices that printed it.
    DestinationsUsed = "destinations-used",
    /// Who asked for it.
    JobOriginator = "job-originator",
    /// Whether all of it is here.
    JobSubmissionComplete = "job-submission-complete",
    /// Octets that were printed.
    OctetsCompleted = "octets-completed",
    /// Pages that were printed.
    PagesCompleted = "pages-completed",
    /// How long it printed.
    ProcessingTime = "processing-time",
    /// Document number.
    DocumentSequenceNumber = "document-sequence-number",
    /// Document format.
    DocumentFormat = "document-format",
    /// By whom the format was said.
    DocumentFormatOrigin = "document-format-origin",
    /// Name the user gave.
    DocumentFileName = "document-file-name",
    /// Print file and server.
    DocumentContent = "document-content",
    /// Copy or link.
    TransferMethod = "transfer-method",
    /// Octets of a document.
    OctetCount = "octet-count",
    /// Pages of a document.
    PageCount = "page-count",
    /// Copies of a document.
    CopyCount = "copy-count",
    /// Destination name.
    DestinationName = "destination-name",
    /// Logical or actual.
    DestinationRealization = "destination-realization",
    /// State of an actual destination.
    DestinationState = "destination-state",
    /// Takes jobs.
    Enabled = "enabled",
    /// Queue behind a destination.
    AssociatedQueue = "associated-queue",
    /// Server of an object.
    AssociatedServer = "associated-server",
    /// Queue name.
    QueueName = "queue-name",
    /// Queue state.
    QueueState = "queue-state",
    /// Server name.
    ServerName = "server-name",
    /// Server state.
    ServerState = "server-state",
    /// The collector by which a job came.
    Collector = "collector",
    /// The collectors of a server.
    Collectors = "collectors",
    /// Address of a device.
    DeviceUri = "device-uri",
    /// Host of a device.
    DestinationHost = "destination-tcpip-internet-address",
    /// Port of a device.
    DestinationPort = "destination-tcpip-port-number",
    /// Print process of a device.
    PrintProcess = "print-process",
    /// Papers in the trays of a device.
    InputTraysMedium = "input-trays-medium",
    /// Its trays.
    InputTraysSupported = "input-trays-supported",
    /// Papers that are loaded.
    MediaReady = "media-ready",
    /// The order of jobs.
    SchedulerPrimary = "scheduler-sort-primary-order",
    /// The order of what is alike in the first one.
    SchedulerSecondary = "scheduler-sort-secondary-order",
    /// Orders of jobs.
    SchedulersSupported = "schedulers-supported",
    /// Attributes that jobs may have.
    JobAttributesSupported = "job-attributes-supported",
    /// Devices that take jobs now.
    DestinationsReady = "destinations-ready",
    /// The font of a location.
    FontName = "font-name",
    /// A pause that is still to come.
    PausePending = "pause-pending",
    /// What documents are.
    DestinationContent = "destination-content",
    /// Lines per minute.
    DeviceSpeed = "device-speed",
    /// When a device is open.
    DeviceExclusive = "device-exclusive",
    /// Seconds between tries.
    DeviceRetry = "device-retry",
    /// Tries.
    DeviceTimeout = "device-timeout",
    /// Seconds after which a stopped device is started again.
    DeviceRestart = "device-restart",
    /// What becomes of jobs after a reset.
    DeviceDelivery = "device-delivery",
    /// Attempts at one job.
    DeviceAttempts = "device-attempts",
    /// Header pages.
    DeviceHeader = "device-header",
    /// Form feed at the beginning.
    DeviceStartFf = "device-startff",
    /// Form feed at the end.
    DeviceEndFf = "device-endff",
    /// Columns of a line.
    DeviceWidth = "device-width",
    /// Whether longer lines are cut.
    DeviceTrunc = "device-trunc",
    /// Line ends.
    DeviceEol = "device-eol",
    /// Lines of a page.
    DevicePageLength = "device-page-length",
    /// Whether nothing is ever added.
    DeviceRaw = "device-raw",
    /// Whether the printer speaks PJL.
    DevicePjl = "device-pjl",
    /// Programs through which documents go before they print.
    DeviceTransforms = "device-transforms",
    /// Logical destinations of a queue.
    LogicalDestinationsAssigned = "logical-destinations-assigned",
    /// Actual destinations of a queue.
    ActualDestinationsAssigned = "actual-destinations-assigned",
    /// Whether a job for a whole queue prints on each device.
    Broadcast = "broadcast",
    /// Kind of a queue.
    QueueType = "queue-type",
    /// Logical destinations of a server.
    LogicalDestinationsSupported = "logical-destinations-supported",
    /// Actual destinations of a server.
    ActualDestinationsSupported = "actual-destinations-supported",
    /// Queues of a server.
    QueuesSupported = "queues-supported",
    /// States of jobs.
    JobStatesSupported = "job-states-supported",
    /// States of actual destinations.
    DestinationStatesSupported = "destination-states-supported",
    /// Ways of documents into the spool.
    TransferMethodsSupported = "transfer-methods-supported",
    /// Classes of objects.
    ObjectClassSupported = "object-class-supported",
    /// Whether a job may have several documents.
    MultipleDocumentsSupported = "multiple-documents-supported",
    /// Time that a queue would take.
    QueueBacklog = "queue-backlog",
    /// Whether that is too long.
    Backlogged = "backlogged",
    /// Events that somebody can be told of.
    EventsSupported = "events-supported",
    /// Whether one document may be altered.
    ModifyIndividualDocumentSupported = "modify-individual-document-supported",
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Text or keyword.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// true or false.
    Boolean(bool),
    /// Point in time, milliseconds since 1970.
    Time(i64),
    /// Several values, or none.
    Many(Vec<Value>),
}

impl Value {
    /// The values it has: itself, or each of several.
    pub fn each(&self) -> &[Value] {
        match self {
            Self::Many(values) => values,
            one => std::slice::from_ref(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name_and_travels_as_it() {
        let carried = Field::from_stored("job-comment").unwrap();
        assert!(matches!(carried, Field::Carried(_)));
        for field in Field::ALL.iter().copied().chain([carried]) {
            assert_eq!(Field::from_stored(field.stored()), Some(field));
            let text = serde_json::to_string(&field).unwrap();
            assert_eq!(text, format!("\"{}\"", field.stored()));
            assert_eq!(serde_json::from_str::<Field>(&text).unwrap(), field);
        }
        for bad in ["", "Job", "a b", "-a", "1a", "\u{e9}", &"a".repeat(48)] {
            assert_eq!(Field::from_stored(bad), None, "{bad:?}");
        }
    }
}
