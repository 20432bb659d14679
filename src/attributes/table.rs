//! The table itself. A row added here appears in the parser, the displays, the help, the manual and the completions.

use super::{Attribute, Class, Kind, Settable, Shown};
use crate::model::field::Field;

/// The largest count and number.
const MAX: i64 = 2_147_483_647;

/// Values of `current-job-state`.
pub const JOB_STATES: &[&str] =
    &["pre-processing", "pending", "held", "processing", "paused", "retained", "terminating"];

/// Values of `job-state-reasons`.
pub const JOB_REASONS: &[&str] = &[
    "job-hold-set",
    "job-print-after-specified",
    "required-resource-not-ready",
    "pull-print",
    "document-failed",
    "document-changed",
    "document-corrupt",
    "aborted-by-system",
    "job-restored",
    "job-may-have-printed",
    "too-many-attempts",
];

/// Values of `outcome`.
pub const OUTCOMES: &[&str] = &["transferred", "sent", "confirmed", "cancelled"];

/// Values of `document-format`.
pub const FORMATS: &[&str] = &crate::model::job::Format::KEYWORDS;

/// Values of `destination-state`.
pub const DESTINATION_STATES: &[&str] =
    &["idle", "printing", "paused", "needs-attention", "needs-key-operator", "shutdown"];

macro_rules! attribute {
    ($field:ident, $class:ident, [$($synonym:literal),*], $kind:expr, $settable:ident, $many:literal, $shown:ident,
     [$($heading:literal),+], $help:literal) => {
        Attribute {
            field: Field::$field,
            class: Class::$class,
            synonyms: &[$($synonym),*],
            kind: $kind,
            settable: Settable::$settable,
            many: $many,
            shown: Shown::$shown,
            heading: &[$($heading),+],
            help: $help,
        }
    };
}

/// Every attribute, in the order in which displays show them.
#[rustfmt::skip]
pub static TABLE: &[Attribute] = &[
    attribute!(JobClientId, Job, ["local-id"], Kind::Integer(1, 999_999_999), Never, false, Brief, ["Job"],
        "the submitter's own number for the job"),
    attribute!(JobIdentifier, Job, [], Kind::Name, Never, false, Brief, ["ID"],
        "the name of the job everywhere: its server and ten digits"),
    attribute!(JobName, Job, [], Kind::Text, Always, false, Brief, ["Name"],
        "a name for people; the name of the first document unless given"),
    attribute!(CurrentJobState, Job, ["job-state"], Kind::Keyword(JOB_STATES), Never, false, Brief, ["Current", "State"],
        "what the job is doing"),
    attribute!(InterveningJobs, Job, ["position-in-queue", "queue-position"], Kind::Integer(0, MAX), Never, false, Brief,
        ["Intervening", "Jobs"], "how many jobs come before it; counted to 1000, then shown as 1000+"),
    attribute!(DestinationNameRequested, Job, ["printer-name-requested"], Kind::Name, Initially, false, Brief,
        ["Destination", "Requested"], "where the submitter sent it"),
    attribute!(DestinationsAssigned, Job, ["printers-assigned"], Kind::Name, Never, true, Brief,
        ["Destinations", "Assigned"], "the devices that have it"),
    attribute!(JobStateReasons, Job, ["state-reasons", "reasons"], Kind::Keyword(JOB_REASONS), Never, true, Verbose,
        ["Reasons"], "why it is held"),
    attribute!(TotalJobOctets, Job, [], Kind::Integer(0, i64::MAX), Never, false, Verbose, ["Job", "Octets"],
        "octets of all its documents, copies not counted"),
    attribute!(JobNumber, Job, [], Kind::Integer(1, 9_999_999), Never, false, All, ["Number"],
        "the number by which spoolcom names it"),
    attribute!(UserName, Job, [], Kind::Name, Never, false, All, ["User", "Name"], "who submitted it, as user@host"),
    attribute!(JobOwner, Job, ["owner"], Kind::Name, Never, false, All, ["Owner"], "who is responsible for it"),
    attribute!(JobPriority, Job, [], Kind::Integer(1, 100), Always, false, All, ["Priority"],
        "1 (last) to 100 (first); 50 unless given"),
    attribute!(JobHold, Job, ["hold"], Kind::Boolean, Always, false, All, ["Hold"], "whether it is held by wish"),
    attribute!(HoldAfter, Job, [], Kind::Boolean, Always, false, All, ["Hold", "After"],
        "whether it is held after printing instead of removed"),
    attribute!(Form, Job, [], Kind::Text, Always, false, All, ["Form"],
        "the form it needs: up to 16 letters, digits and blanks"),
    attribute!(NumberOfDocuments, Job, [], Kind::Integer(1, MAX), Never, false, All, ["Documents"],
        "how many documents it has"),
    attribute!(JobPageCount, Job, [], Kind::Integer(0, MAX), Never, false, All, ["Pages"],
        "pages of all its documents, where they can be counted"),
    attribute!(CreationTime, Job, [], Kind::Time, Never, false, All, ["Created"], "when it was created"),
    attribute!(SubmissionTime, Job, [], Kind::Time, Never, false, All, ["Submitted"], "when it was queued"),
    attribute!(StartedPrintingTime, Job, [], Kind::Time, Never, false, All, ["Started"], "when its printing began"),
    attribute!(Why, Job, [], Kind::Text, Never, true, ByName, ["Why"],
        "why it is not printing, the most decisive cause first; shown only when asked for by name"),
    attribute!(Log, Job, [], Kind::Text, Never, true, ByName, ["Log"],
        "what happened to it, oldest first: when, who, what; shown only when asked for by name"),
    attribute!(Outcome, Job, [], Kind::Keyword(OUTCOMES), Never, false, ByName, ["Outcome"],
        "how a finished job ended; shown with --history"),
    attribute!(CompletionTime, Job, [], Kind::Time, Never, false, ByName, ["Completed"],
        "when a finished job ended; shown with --history"),

    attribute!(DocumentSequenceNumber, Document, [], Kind::Integer(1, MAX), Never, false, Brief, ["Document", "Number"],
        "its place in the job, from 1"),
    attribute!(DocumentFormat, Document, ["format"], Kind::Keyword(FORMATS), Never, false, Brief, ["Format"],
        "what it is, found by its first octets"),
    attribute!(DocumentFileName, Document, [], Kind::Text, Never, false, Brief, ["File", "Name"],
        "the name the submitter gave; - for standard input"),
    attribute!(CopyCount, Document, ["copies"], Kind::Integer(1, MAX), Always, false, Verbose, ["Copy", "Count"],
        "copies of the document; 1 unless given"),
    attribute!(OctetCount, Document, [], Kind::Integer(0, i64::MAX), Never, false, Verbose, ["Octet", "Count"],
        "its size when it was submitted"),
    attribute!(PageCount, Document, [], Kind::Integer(0, MAX), Never, false, All, ["Page", "Count"],
        "its pages, where they can be counted"),
    attribute!(TransferMethod, Document, [], Kind::Keyword(&["copy", "link"]), Never, false, All, ["Transfer", "Method"],
        "whether the spool has a copy of the file or a link to it"),
    attribute!(DocumentContent, Document, [], Kind::Content, Never, false, ByName, ["Document", "Content"],
        "the print file and the server that owns it, as path:server; shown only when asked for by name"),

    attribute!(DestinationName, Destination, ["printer-name"], Kind::Name, Never, false, Brief, ["Destination"],
        "its name"),
    attribute!(DestinationRealization, Destination, ["printer-realization"], Kind::Keyword(&["logical", "actual"]), Never,
        false, Brief, ["Realization"], "logical (a location jobs are sent to) or actual (a device)"),
    attribute!(DestinationState, Destination, ["printer-state"], Kind::Keyword(DESTINATION_STATES), Never, false, Brief,
        ["State"], "what an actual destination is doing"),
    attribute!(Enabled, Destination, [], Kind::Boolean, Never, false, Brief, ["Enabled"], "whether it takes jobs"),
    attribute!(AssociatedQueue, Destination, [], Kind::Name, Never, true, Brief, ["Queue"], "the queue behind it"),
    attribute!(AssociatedServer, Destination, [], Kind::Name, Never, false, All, ["Server"], "the server it belongs to"),

    attribute!(QueueName, Queue, [], Kind::Name, Never, false, Brief, ["Queue"], "its name"),
    attribute!(QueueState, Queue, [], Kind::Keyword(&["ready", "paused"]), Never, false, Brief, ["State"],
        "whether jobs leave it for printing"),
    attribute!(AssociatedServer, Queue, [], Kind::Name, Never, false, Brief, ["Server"], "the server it belongs to"),

    attribute!(ServerName, Server, [], Kind::Name, Never, false, Brief, ["Server"], "its name"),
    attribute!(ServerState, Server, [], Kind::Keyword(&["ready", "paused", "terminating"]), Never, false, Brief, ["State"],
        "ready prints; paused takes jobs and prints none; terminating takes none"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::Format;
    use crate::model::state::{HoldReasons, JobState};

    #[test]
    fn every_field_has_a_row_and_no_class_has_two_rows_of_one_name() {
        for field in Field::ALL {
            assert!(TABLE.iter().any(|row| row.field == *field), "{field:?}");
        }
        for (n, row) in TABLE.iter().enumerate() {
            assert!((1..=2).contains(&row.heading.len()), "{}", row.name());
            let words: Vec<&str> = row.synonyms.iter().copied().chain([row.name()]).collect();
            for other in TABLE.iter().skip(n + 1).filter(|other| other.class == row.class) {
                assert!(!words.contains(&other.name()), "{}", other.name());
                assert!(!other.synonyms.iter().any(|word| words.contains(word)), "{}", other.name());
            }
        }
    }

    #[test]
    fn keywords_are_those_of_the_model() {
        for state in [JobState::Open, JobState::Ready, JobState::Held, JobState::Printing, JobState::Paused] {
            assert!(JOB_STATES.contains(&state.infoprint()));
        }
        for word in FORMATS {
            assert_eq!(Format::from_keyword(word).map(Format::keyword), Some(*word));
        }
        let every: Vec<&str> = HoldReasons(u32::MAX).iter().map(|reason| reason.keyword()).collect();
        assert_eq!(every, JOB_REASONS);
    }
}
