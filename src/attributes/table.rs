//! The table itself. A new row here appears in the parser, the filters, the displays, JSON, the help, the manual and the
//! completions.

use super::Class::{Document, Job};
use super::Kind::{Boolean, Content, Counted, Duration, Integer, Keyword, Name, Range, Text, Time};
use super::Shown::{All, Brief, ByName, Verbose};
use super::getters::{
    INTERVENING_MAX, content, destination_name, document_pages, job_pages, number, octets_completed, optional,
    originator, pages_completed, plain, previous_state, processing_time, queue_of, retained, set_batch, set_copies,
    set_destination, set_discard_time, set_form, set_format, set_hold, set_hold_after, set_name, set_owner,
    set_print_after, set_priority, set_retain_forever, set_retain_until, set_retention_period, set_scheduling, text,
    texts, time,
};
use super::row::{carried, document, job, noted};
use super::{Attribute, NONE};
use crate::model::CollectorName;
use crate::model::field::{Field, Value};
use crate::model::job::{Format, FormatOrigin, Transfer};
use crate::model::notification::{check_profile, check_results, profile_key};
use crate::model::query::Parts;
use crate::model::state::{HoldReason, JobState};

/// The largest count or number.
const MAX: i64 = 2_147_483_647;

/// Values of `current-job-state`. The last seven are states of InfoPrint that no job here is in: scripts ask for them.
pub const JOB_STATES: &[&str] = &[
    "pre-processing",
    "pending",
    "held",
    "processing",
    "paused",
    "retained",
    "terminating",
    "pre-flight",
    "ripping",
    "imposing",
    "printing",
    "cancelled",
    "unknown",
    "timed-out",
];

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
    "print-file-unreachable",
    "required-resources-not-supported",
    "completed-successfully",
    "completed",
    "cancelled-by-user",
    "cancelled-by-operator",
    "job-transferred",
    "waiting-for-server",
];

/// Values of `outcome`.
pub const OUTCOMES: &[&str] = &["transferred", "sent", "confirmed", "cancelled", "kept"];

/// Values of `document-format`.
pub const FORMATS: &[&str] = &Format::KEYWORDS;

/// Values of `document-format-origin`.
pub const FORMAT_ORIGINS: &[&str] = &FormatOrigin::WORDS;

/// Every attribute of jobs and documents, in the order in which displays show them. Those of destinations, queues and the server
/// are in `destinations`.
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
    job(Field::DestinationsAssigned, Name, Brief, &["Destinations", "Assigned"], "the devices that have it, or the one that is to print it")
        .also(&["printers-assigned"]).many().job(|j| texts(j.devices.iter().chain(&j.assigned))).finished(Brief, |j| texts(&j.device)),
    job(Field::Collector, Name, All, &["Collector"], "the collector by which it came, one of the NonStop language")
        .job(|j| text(j.collector.as_ref().unwrap_or(&CollectorName::usual()))),
    job(Field::JobStateReasons, Keyword(JOB_REASONS), Verbose, &["Reasons"],
        "why it is held, how it ended, or that its printer has all of it")
        .also(&["state-reasons", "reasons"]).many().job(|j| texts(j.reason_keywords())),
    job(Field::TotalJobOctets, Integer(0, i64::MAX), Verbose, &["Job", "Octets"],
        "octets of all its documents, copies not counted")
        .job(|j| number(j.total_octets)).finished(Verbose, |j| number(j.octets)),
    job(Field::JobNumber, Integer(1, 9_999_999), All, &["Number"], "the number by which spoolcom names it")
        .job(|j| number(j.number.get())).finished(All, |j| number(j.number.get())),
    job(Field::UserName, Text, All, &["User", "Name"], "who submitted it, as user@host")
        .job(|j| plain(&j.user_name)).finished(All, |j| plain(&j.user_name)),
    job(Field::JobOriginator, Text, All, &["Originator"], "who asked for it; the submitter unless given")
        .kept_as_given().initially().job(originator),
    job(Field::JobOwner, Text, All, &["Owner"],
        "who is responsible for it; the originator, or else the login name of the submitter, unless given")
        .also(&["owner"]).submitted(set_owner).job(|j| plain(&j.owner)).finished(Verbose, |j| plain(&j.owner)),
    job(Field::JobPriority, Integer(1, 100), All, &["Priority"], "1 (last) to 100 (first)")
        .default("50").set(set_priority).job(|j| number(j.priority.get())),
    job(Field::JobHold, Boolean, All, &["Hold"], "whether it is held by wish")
        .also(&["hold"]).default("false").set(set_hold).job(|j| Value::Boolean(j.reasons.has(HoldReason::Operator))),
    job(Field::HoldAfter, Boolean, All, &["Hold", "After"], "whether it is held after printing instead of removed")
        .default("false").set(set_hold_after).job(|j| Value::Boolean(j.hold_after)),
    job(Field::JobPrintAfter, Time, All, &["Print", "After"], "before this time it is held")
        .also(&["print-after"]).set(set_print_after).job(|j| time(j.lifetime.print_after_ms)),
    job(Field::JobRetentionPeriod, Duration, All, &["Retention", "Period"],
        "how long it stays when it has been printed or cancelled; 0 = not at all")
        .also(&["retention-period"]).set(set_retention_period).job(|j| retained(j, Field::JobRetentionPeriod)),
    job(Field::JobRetainUntil, Time, All, &["Retain", "Until"], "until when it stays then")
        .also(&["retain-until"]).set(set_retain_until).job(|j| retained(j, Field::JobRetainUntil)),
    job(Field::RetainForever, Boolean, All, &["Retain", "Forever"], "whether it stays until somebody removes it")
        .set(set_retain_forever).job(|j| retained(j, Field::RetainForever)),
    job(Field::JobDiscardTime, Time, All, &["Discard", "Time"],
        "when it is removed, printed or not; one that is printing goes when it has ended")
        .also(&["discard-time"]).set(set_discard_time).job(|j| time(j.lifetime.discard_ms)),
    carried(Job, "job-scheduling", Keyword(&["normal", "retain-immediately"]), &["Scheduling"],
        "retain-immediately: it is kept and does not print until it is sent on").submitted(set_scheduling),
    carried(Job, "job-deadline-time", Time, &["Deadline"],
        "when it should be ready; destinations whose order is deadline go by it").also(&["deadline-time"]).decides(),
    job(Field::Form, Text, All, &["Form"], "the form it needs: up to 16 letters, digits and blanks")
        .set(set_form).job(|j| plain(&j.form)),
    job(Field::JobBatchId, Integer(1, 9_999_999), All, &["Batch", "Id"],
        "the batch it joins or begins: jobs of one owner, form and destination that print one after the other")
        .submitted(set_batch).job(|j| optional(j.batch.map(|batch| batch.number.get()))),
    carried(Job, "job-comment", Text, &["Comment"], "free text about the job").also(&["comment"]),
    noted(Job, "received-from", Text, &["Received", "From"], "the door by which it came, and from which host").shown(All),
    noted(Job, "job-message-from-administrator", Text, &["Message From", "Administrator"],
        "what -m of the last command said that acted on it").also(&["message-from-administrator"]),
    carried(Job, "job-message-to-operator", Text, &["Message To", "Operator"], "what to know when it is queued")
        .also(&["message-to-operator"]).decides(),
    carried(Job, "job-start-wait", Boolean, &["Start", "Wait"], "whether its device is to wait before it"),
    carried(Job, "initial-value-job", Text, &["Default", "Job"], "the default job that gives it what is not given").initially().decides(),
    carried(Job, "actual-destinations-requested", Text, &["Actual", "Destinations"],
        "the devices that may print it").also(&["physical-printers-requested"]).many().decides(),
    carried(Job, "destination-locations-requested", Text, &["Locations", "Requested"], "where its device should stand")
        .also(&["printer-locations-requested", "locations-requested"]).many().decides(),
    carried(Job, "destination-models-requested", Text, &["Models", "Requested"], "what its device should be")
        .also(&["printer-models-requested", "models-requested"]).many().decides(),
    carried(Job, "auxiliary-sheet-selection", Keyword(&["none", "start", "sep", "end", "start-sep", "start-end", "sep-end",
        "start-sep-end"]), &["Auxiliary", "Sheets"],
        "which sheets around it are asked for; checked against auxiliary-sheet-selections-supported").decides(),
    carried(Job, "results-profile", Text, &["Results", "Profile"], "who gets the result: address:method:copies:comment:bin")
        .many().written(check_results, None),
    carried(Job, "notification-profile", Text, &["Notification", "Profile"],
        "who is told what of it, and how: {event-identifiers=… delivery-method=… delivery-address=…}")
        .many().decides().written(check_profile, Some(profile_key)),
    carried(Job, "destination-pass-through", Text, &["Pass", "Through"], "text for the driver of another system")
        .also(&["printer-pass-through", "other-options"]),
    carried(Job, "job-start-message", Text, &["Start", "Message"], "what to know when it begins to print")
        .also(&["start-message"]).decides(),
    carried(Job, "job-end-message", Text, &["End", "Message"], "what to know when it has printed").also(&["end-message"]).decides(),
    carried(Job, "job-batch", Text, &["Batch"], "a label of jobs that belong together; checked against job-batches-supported").decides(),
    carried(Job, "job-finishing", Text, &["Finishing"],
        "what is to be done with the output: staple, punch ...; checked against job-finishings-supported").many().decides(),
    job(Field::NumberOfDocuments, Integer(1, MAX), All, &["Documents"], "how many documents it has")
        .needs(Parts::DOCUMENTS).job(|j| number(j.documents.len())).finished(All, |j| number(j.documents)),
    job(Field::JobPageCount, Integer(0, MAX), All, &["Pages"],
        "pages of all its documents, where they can be counted, unless given")
        .kept_as_given().job(job_pages).finished(Verbose, |j| optional(j.pages)),
    job(Field::CreationTime, Time, All, &["Created"], "when it was created")
        .job(|j| Value::Time(j.created_ms)).finished(Verbose, |j| Value::Time(j.created_ms)),
    // Is the time of creation also that of queueing? Yes: a job becomes visible when it is complete and queued.
    job(Field::SubmissionTime, Time, All, &["Submitted"], "when it was queued").job(|j| Value::Time(j.created_ms)),
    job(Field::StartedPrintingTime, Time, All, &["Started"], "when its printing began")
        .job(|j| j.started_ms.map_or(NONE, Value::Time)),
    job(Field::PreviousJobState, Keyword(JOB_STATES), All, &["Previous", "State"], "what it did before")
        .also(&["previous-state"]).job(previous_state),
    job(Field::QueueAssigned, Name, All, &["Queue"], "the queue that it is in").job(|j| plain(queue_of(&j.destination))),
    job(Field::RetainedTime, Time, All, &["Retained"], "since when it is kept after its end")
        .job(|j| time(j.ended.as_ref().filter(|_| j.state == JobState::Retained).map(|ended| ended.at_ms))),
    job(Field::DestinationsUsed, Name, All, &["Destinations", "Used"], "the device that printed it, while it is kept")
        .many().job(|j| texts(j.ended.iter().filter_map(|ended| ended.device.clone()))),
    job(Field::OctetsCompleted, Integer(0, i64::MAX), All, &["Octets", "Completed"], "octets that were printed, all copies")
        .needs(Parts::DOCUMENTS).job(octets_completed),
    job(Field::PagesCompleted, Integer(0, MAX), All, &["Pages", "Completed"], "pages that were printed, all copies")
        .needs(Parts::GIVEN).job(pages_completed),
    job(Field::ProcessingTime, Duration, All, &["Processing", "Time"], "how long it took its device, while it is kept")
        .job(processing_time),
    job(Field::JobSubmissionComplete, Boolean, All, &["Submission", "Complete"], "whether all of it has arrived")
        .job(|j| Value::Boolean(j.state != JobState::Open)),
    noted(Job, "modification-time", Time, &["Modified"], "when it was last altered"),
    noted(Job, "name-of-last-accessor", Text, &["Last", "Accessor"], "who altered it last"),
    noted(Job, "promotion-time", Time, &["Promoted"], "when it was put before all others"),
    noted(Job, "deadline-in-jeopardy", Boolean, &["Deadline In", "Jeopardy"], "not found out: it has no value"),
    noted(Job, "estimated-completion-time", Time, &["Estimated", "Completion"], "not found out: it has no value"),
    noted(Job, "required-resources-not-ready", Text, &["Resources", "Not Ready"], "what it needs and is not ready").many(),
    noted(Job, "required-resources-not-supported", Text, &["Resources", "Not Supported"],
        "what it needs and its device does not have").many(),
    noted(Job, "job-copies-completed", Integer(0, MAX), &["Copies", "Completed"], "not found out: it has no value"),
    noted(Job, "media-sheets-completed", Integer(0, MAX), &["Sheets", "Completed"], "not found out: it has no value"),
    job(Field::Why, Text, ByName, &["Why"],
        "why it is not printing, the most decisive cause first; shown only when asked for by name").many().asked(),
    job(Field::Log, Text, ByName, &["Log"],
        "what happened to it, oldest first: when, who, what; shown only when asked for by name")
        .many().asked().kept(ByName),
    job(Field::Outcome, Keyword(OUTCOMES), ByName, &["Outcome"], "how a finished job ended; shown with --history")
        .job(|j| j.ended.as_ref().map_or(NONE, |ended| plain(&ended.outcome))).finished(Brief, |j| plain(&j.outcome)),
    job(Field::CompletionTime, Time, ByName, &["Completed"], "when a finished job ended; shown with --history")
        .job(|j| time(j.ended.as_ref().map(|ended| ended.at_ms))).finished(Brief, |j| Value::Time(j.finished_ms)),

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
    document(Field::PageCount, Integer(0, MAX), All, &["Page", "Count"],
        "its pages, where they can be counted, unless given").kept_as_given().document(document_pages),
    carried(Document, "document-name", Text, &["Document", "Name"], "a name for people"),
    carried(Document, "document-type", Keyword(&["printable"]), &["Document", "Type"], "what it is: something to print")
        .also(&["type"]).initially(),
    carried(Document, "initial-value-document", Text, &["Default", "Document"], "the default document that gives it what is not given")
        .initially().decides(),
    noted(Document, "document-state", Text, &["Document", "State"], "not found out: it has no value"),
    noted(Document, "copies-completed", Integer(0, MAX), &["Copies", "Completed"], "not found out: it has no value"),
    document(Field::TransferMethod, Keyword(&["copy", "link"]), All, &["Transfer", "Method"],
        "whether the spool has a copy of the file or a link to it")
        .document(|d| plain(match d.transfer { Transfer::Copy => "copy", Transfer::Link => "link" })),
    carried(Document, "document-comment", Text, &["Comment"], "free text about the document"),
    carried(Document, "page-select", Range(1, MAX), &["Page", "Select"],
        "the pages that are printed, as first:last, either side open, up to 10 of them; of texts").many().decides(),
    carried(Document, "sides", Integer(1, 2), &["Sides"], "printed sides of a sheet; checked against sides-supported").decides(),
    carried(Document, "plex", Keyword(&["simplex", "duplex", "tumble"]), &["Plex"],
        "one side, or two and how they turn; checked against plexes-supported").decides(),
    carried(Document, "default-medium", Text, &["Default", "Medium"], "the wanted paper, or the name of its medium; as form, when it is submitted").decides(),
    carried(Document, "default-input-tray", Text, &["Input", "Tray"],
        "the tray of the wanted paper; checked against input-trays-medium").decides(),
    carried(Document, "input-tray-select", Text, &["Input Tray", "Select"], "the trays of its pages").many(),
    carried(Document, "number-up", Text, &["Number", "Up"], "pages on one side of a sheet; checked against numbers-up-supported").decides(),
    carried(Document, "content-orientation", Text, &["Content", "Orientation"],
        "how its pages stand on the sheet; checked against content-orientations-supported").decides(),
    carried(Document, "page-media-select", Text, &["Page", "Media"], "papers of single pages; stations hold it against valid-attributes").many().decides(),
    carried(Document, "print-quality", Text, &["Print", "Quality"], "how well it is to be printed; told to printers that speak PJL").decides(),
    carried(Document, "output-bin", Text, &["Output", "Bin"],
        "where the sheets are to be put; checked against output-bins-supported").decides(),
    carried(Document, "document-finishing", Text, &["Finishing"],
        "what is to be done with its output: staple, punch ...; checked against job-finishings-supported")
        .many().decides(),
    document(Field::DocumentContent, Content, ByName, &["Document", "Content"],
        "the print file and the server that owns it, as path:server; of a secure queue the file is encrypted; shown only when asked for by name")
        .document(|d| content(&d.path, &d.server)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::{Class, Settable, Setter, rows};
    use crate::model::job::TRANSFERRED;
    use crate::model::lifetime::Ending;
    use crate::model::remote::Away;
    use crate::model::state::HoldReasons;

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
                // These are read by their names.
                Class::Medium
                | Class::InitialValueJob
                | Class::InitialValueDocument
                | Class::Station
                | Class::User
                | Class::Door
                | Class::Log => !row.is_carried(),
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
        for state in JobState::ALL {
            assert!(JOB_STATES.contains(&state.infoprint()));
        }
        for word in FORMATS {
            assert_eq!(Format::from_keyword(word).map(Format::keyword), Some(*word));
        }
        let every: Vec<&str> = HoldReasons(u32::MAX).iter().map(|reason| reason.keyword()).collect();
        assert_eq!([every.as_slice(), &Ending::KEYWORDS, &[TRANSFERRED, Away::WAITS]].concat(), JOB_REASONS);
    }
}
