//! The key of an attribute: `attributes` maps names to it, and `store` maps it to columns.

use serde::{Deserialize, Serialize};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $stored:literal),+ $(,)?) => {
        /// An attribute of a job, document, destination, queue or server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Field { $($(#[$doc])* $name),+ }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Field] = &[$(Field::$name),+];

            /// Returns its stored word, which is its InfoPrint name.
            pub fn stored(self) -> &'static str {
                match self { $(Field::$name => $stored),+ }
            }
        }
    };
}

fields! {
    /// Local id.
    JobClientId = "job-client-id",
    /// Global id.
    JobIdentifier = "job-identifier",
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
    /// Kept after printing.
    HoldAfter = "hold-after",
    /// Document number.
    DocumentSequenceNumber = "document-sequence-number",
    /// Document format.
    DocumentFormat = "document-format",
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
