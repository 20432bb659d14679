//! The table itself. A new row here appears in the parser, the filters, the displays, JSON, the help, the manual and the
//! completions.

use super::Class::{Document, Job};
use super::Kind::{Boolean, Content, Counted, Integer, Keyword, Name, Text, Time};
use super::Shown::{All, Brief, ByName, Verbose};
use super::getters::{
    INTERVENING_MAX, content, destination_name, number, optional, plain, set_copies, set_destination, set_form,
    set_format, set_hold, set_hold_after, set_name, set_priority, text, texts,
};
use super::row::{carried, document, job};
use super::{Attribute, NONE};
use crate::model::CollectorName;
use crate::model::field::{Field, Value};
use crate::model::job::{Format, FormatOrigin, Transfer};
use crate::model::query::Parts;
use crate::model::state::HoldReason;

/// The largest count or number.
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
    "job-transferred",
];

/// Values of `outcome`.
pub const OUTCOMES: &[&str] = &["transferred", "sent", "confirmed", "cancelled"];

/// Values of `document-format`.
pub const FORMATS: &[&str] = &Format::KEYWORDS;

/// Values of `document-format-origin`.
pub const FORMAT_ORIGINS: &[&str] = &FormatOrigin::WORDS;

/// Every attribute of jobs and documents, in the order in which displays show them. Those of destinations, queues and the server
/// are in [`super::destinations`].
#[rustfmt::skip]
pub static TABLE: &[Attribute] = &[
    job(Field::JobClientId, Integer(1, 999_999_999), Brief, &["Job"], "the submitter's own number for the job")
        .also(&["local-id"]).job(|j| number(j.local.0)).finished(Brief, |j| number(j.local.0)),
    job(Field::JobIdentifier, Name, Brief, &["ID"], "the name of the job everywhere: its server and ten digits")
        .job(|j| text(&j.global)).finished(Brief, |j| text(&j.global)),
    job(Field::JobName, Text, Brief, &["Name"], "a name for people; the name of the first document unless given")
        .set(set_name).job(|j| plain(&j.name)).finished(Brief, |j| plain(&j.name)),
    job(Field::CurrentJobState, Keyword(JOB_STATES), Brief, &["Current", "State"], "what the job is doing")
        .also(&["job-state"]).job(|j| plain(j.state.infoprint())),
    job(Field::InterveningJobs, Counted(INTERVENING_MAX), Brief, &["Intervening", "Jobs"],
        "how many jobs come before it; counted to 1000, then shown as 1000+")
        .also(&["position-in-queue", "queue-position"]).needs(Parts::POSITION).job(|j| optional(j.intervening)),
    job(Field::DestinationNameRequested, Name, Brief, &["Destination", "Requested"], "where the submitter sent it")
        .also(&["printer-name-requested"]).submitted(set_destination)
        .job(|j| destination_name(&j.destination)).finished(Brief, |j| destination_name(&j.destination)),
    job(Field::DestinationsAssigned, Name, Brief, &["Destinations", "Assigned"], "the devices that have it")
        .also(&["printers-assigned"]).many().job(|j| texts(&j.devices)).finished(Brief, |j| texts(&j.device)),
    job(Field::Collector, Name, All, &["Collector"], "the collector by which it came, one of the NonStop language")
        .job(|j| text(j.collector.as_ref().unwrap_or(&CollectorName::usual()))),
    job(Field::JobStateReasons, Keyword(JOB_REASONS), Verbose, &["Reasons"],
        "why it is held, or that its printer has all of it")
        .also(&["state-reasons", "reasons"]).many().job(|j| texts(j.reason_keywords())),
    job(Field::TotalJobOctets, Integer(0, i64::MAX), Verbose, &["Job", "Octets"],
        "octets of all its documents, copies not counted")
        .job(|j| number(j.total_octets)).finished(Verbose, |j| number(j.octets)),
    job(Field::JobNumber, Integer(1, 9_999_999), All, &["Number"], "the number by which spoolcom names it")
        .job(|j| number(j.number.get())).finished(All, |j| number(j.number.get())),
    job(Field::UserName, Text, All, &["User", "Name"], "who submitted it, as user@host")
        .job(|j| plain(&j.user_name)).finished(All, |j| plain(&j.user_name)),
    job(Field::JobOwner, Text, All, &["Owner"], "who is responsible for it")
        .also(&["owner"]).job(|j| plain(&j.owner)).finished(Verbose, |j| plain(&j.owner)),
    job(Field::JobPriority, Integer(1, 100), All, &["Priority"], "1 (last) to 100 (first)")
        .default("50").set(set_priority).job(|j| number(j.priority.get())),
    job(Field::JobHold, Boolean, All, &["Hold"], "whether it is held by wish")
        .also(&["hold"]).default("false").set(set_hold).job(|j| Value::Boolean(j.reasons.has(HoldReason::Operator))),
    job(Field::HoldAfter, Boolean, All, &["Hold", "After"], "whether it is held after printing instead of removed")
        .default("false").set(set_hold_after).job(|j| Value::Boolean(j.hold_after)),
    job(Field::Form, Text, All, &["Form"], "the form it needs: up to 16 letters, digits and blanks")
        .set(set_form).job(|j| plain(&j.form)),
    carried(Job, "job-comment", Text, &["Comment"], "free text about the job").also(&["comment"]),
    carried(Job, "job-start-message", Text, &["Start", "Message"], "what to know when it begins to print")
        .also(&["start-message"]),
    carried(Job, "job-end-message", Text, &["End", "Message"], "what to know when it has printed").also(&["end-message"]),
    carried(Job, "job-batch", Text, &["Batch"], "a label of jobs that belong together"),
    carried(Job, "job-finishing", Text, &["Finishing"], "what is to be done with the output: staple, punch ...").many(),
    job(Field::NumberOfDocuments, Integer(1, MAX), All, &["Documents"], "how many documents it has")
        .needs(Parts::DOCUMENTS).job(|j| number(j.documents.len())).finished(All, |j| number(j.documents)),
    job(Field::JobPageCount, Integer(0, MAX), All, &["Pages"], "pages of all its documents, where they can be counted")
        .job(|j| optional(j.pages)).finished(Verbose, |j| optional(j.pages)),
    job(Field::CreationTime, Time, All, &["Created"], "when it was created")
        .job(|j| Value::Time(j.created_ms)).finished(Verbose, |j| Value::Time(j.created_ms)),
    // Is the time of creation also that of queueing? Yes: a job becomes visible when it is complete and queued.
    job(Field::SubmissionTime, Time, All, &["Submitted"], "when it was queued").job(|j| Value::Time(j.created_ms)),
    job(Field::StartedPrintingTime, Time, All, &["Started"], "when its printing began")
        .job(|j| j.started_ms.map_or(NONE, Value::Time)),
    job(Field::Why, Text, ByName, &["Why"],
        "why it is not printing, the most decisive cause first; shown only when asked for by name").many().asked(),
    job(Field::Log, Text, ByName, &["Log"],
        "what happened to it, oldest first: when, who, what; shown only when asked for by name")
        .many().asked().kept(ByName),
    job(Field::Outcome, Keyword(OUTCOMES), ByName, &["Outcome"], "how a finished job ended; shown with --history")
        .finished(Brief, |j| plain(&j.outcome)),
    job(Field::CompletionTime, Time, ByName, &["Completed"], "when a finished job ended; shown with --history")
        .finished(Brief, |j| Value::Time(j.finished_ms)),

    document(Field::DocumentSequenceNumber, Integer(1, MAX), Brief, &["Document", "Number"],
        "its place in the job, from 1").document(|d| number(d.sequence)),
    document(Field::DocumentFormat, Keyword(FORMATS), Brief, &["Format"],
        "what it is taken for; what its location says, or else what its first octets show, unless given. passthru: nothing is \
         ever added to it; ascii: text; asa: text with carriage control")
        .also(&["format"]).values_also(Format::SYNONYMS).set(set_format).document(|d| plain(d.format.keyword())),
    document(Field::DocumentFileName, Text, Brief, &["File", "Name"],
        "the name the submitter gave; - for standard input").document(|d| text(d.file_name.0.to_string_lossy())),
    document(Field::DocumentFormatOrigin, Keyword(FORMAT_ORIGINS), All, &["Format", "Origin"],
        "who said what it is: recognised (nobody), user, location, or the device, which takes everything as it comes")
        .document(|d| plain(d.format_origin.word())),
    document(Field::CopyCount, Integer(1, MAX), Verbose, &["Copy", "Count"], "copies of the document")
        .also(&["copies"]).default("1").set(set_copies).document(|d| number(d.copies)),
    document(Field::OctetCount, Integer(0, i64::MAX), Verbose, &["Octet", "Count"], "its size when it was submitted")
        .document(|d| number(d.octets)),
    document(Field::PageCount, Integer(0, MAX), All, &["Page", "Count"], "its pages, where they can be counted")
        .document(|d| optional(d.pages)),
    document(Field::TransferMethod, Keyword(&["copy", "link"]), All, &["Transfer", "Method"],
        "whether the spool has a copy of the file or a link to it")
        .document(|d| plain(match d.transfer { Transfer::Copy => "copy", Transfer::Link => "link" })),
    carried(Document, "document-comment", Text, &["Comment"], "free text about the document"),
    carried(Document, "sides", Integer(1, 2), &["Sides"], "printed sides of a sheet"),
    carried(Document, "plex", Keyword(&["simplex", "duplex", "tumble"]), &["Plex"], "one side, or two and how they turn"),
    carried(Document, "default-medium", Text, &["Default", "Medium"], "the wanted paper"),
    carried(Document, "default-input-tray", Text, &["Input", "Tray"], "the tray of the wanted paper"),
    carried(Document, "output-bin", Text, &["Output", "Bin"], "where the sheets are to be put"),
    carried(Document, "document-finishing", Text, &["Finishing"], "what is to be done with its output: staple, punch ...")
        .many(),
    document(Field::DocumentContent, Content, ByName, &["Document", "Content"],
        "the print file and the server that owns it, as path:server; shown only when asked for by name")
        .document(|d| content(&d.path, &d.server)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::{Class, Settable, Setter, rows};
    use crate::model::job::TRANSFERRED;
    use crate::model::state::{HoldReasons, JobState};

    #[test]
    fn every_field_has_a_row_and_no_class_has_two_rows_of_one_name() {
        for field in Field::ALL {
            assert!(rows().any(|row| row.field == *field), "{field:?}");
        }
        for (n, row) in rows().enumerate() {
            assert!((1..=2).contains(&row.heading.len()), "{}", row.name());
            // Every class of records that has it has a getter, and what costs a question has none.
            let read = match row.class {
                Class::Job => row.get.job.is_some() || row.get.finished.is_some(),
                Class::Document => row.get.document.is_some(),
                Class::Destination => row.get.actual.is_some() || row.get.logical.is_some(),
                Class::Queue => row.get.queue.is_some(),
                Class::Server => row.get.server.is_some(),
            };
            assert_eq!(read, !row.asked && !row.is_carried(), "{}", row.name());
            assert_eq!(row.settable == Settable::Never, matches!(row.set, Setter::Nobody), "{}", row.name());
            let words: Vec<&str> = row.synonyms.iter().copied().chain([row.name()]).collect();
            for other in rows().skip(n + 1).filter(|other| other.class == row.class) {
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
        assert_eq!([every.as_slice(), &[TRANSFERRED]].concat(), JOB_REASONS);
    }
}
