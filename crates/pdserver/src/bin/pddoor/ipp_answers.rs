//! What a door answers by IPP: printers and jobs as attributes.
//!
//! Nothing is claimed that is not so. A printer takes octets as they are, and what its devices are declared to print; states and
//! reasons are those of the job and of its devices. Times count from 1970, as CUPS and its clients take them.

use std::collections::HashSet;

use std::time::{SystemTime, UNIX_EPOCH};

use pdgroup::printers::{MODEL, OCTETS, formats, path, uuid, uuid_of};
use spoolsuite::commands::WhyWords;
use spoolsuite::model::door::{DoorJobRow, DoorJobState, DoorPrinter, PrinterDoes};
use spoolsuite::model::state::{HoldReason, JobState};
use spoolsuite::wire::ipp::{Attribute, Group, Value, tag};

use super::gate::Context;
use super::ipp_driverless;

/// Operations (RFC 8011 §5.4.15, and those of CUPS).
pub mod operation {
    pub const PRINT_JOB: u16 = 0x0002;
    pub const VALIDATE_JOB: u16 = 0x0004;
    pub const CREATE_JOB: u16 = 0x0005;
    pub const SEND_DOCUMENT: u16 = 0x0006;
    pub const CANCEL_JOB: u16 = 0x0008;
    pub const GET_JOB_ATTRIBUTES: u16 = 0x0009;
    pub const GET_JOBS: u16 = 0x000a;
    pub const GET_PRINTER_ATTRIBUTES: u16 = 0x000b;
    pub const HOLD_JOB: u16 = 0x000c;
    pub const RELEASE_JOB: u16 = 0x000d;
    pub const PURGE_JOBS: u16 = 0x0012;
    pub const SET_JOB_ATTRIBUTES: u16 = 0x0014;
    pub const CANCEL_JOBS: u16 = 0x0038;
    pub const CANCEL_MY_JOBS: u16 = 0x0039;
    pub const CLOSE_JOB: u16 = 0x003b;
    pub const CUPS_GET_DEFAULT: u16 = 0x4001;
    pub const CUPS_GET_PRINTERS: u16 = 0x4002;
    pub const CUPS_GET_CLASSES: u16 = 0x4005;

    /// All that are supported.
    pub const ALL: [u16; 17] = [
        PRINT_JOB,
        VALIDATE_JOB,
        CREATE_JOB,
        SEND_DOCUMENT,
        CANCEL_JOB,
        GET_JOB_ATTRIBUTES,
        GET_JOBS,
        GET_PRINTER_ATTRIBUTES,
        HOLD_JOB,
        RELEASE_JOB,
        SET_JOB_ATTRIBUTES,
        CANCEL_JOBS,
        CANCEL_MY_JOBS,
        CLOSE_JOB,
        CUPS_GET_DEFAULT,
        CUPS_GET_PRINTERS,
        CUPS_GET_CLASSES,
    ];
}

/// Statuses (RFC 8011 §4.1.6, appendix B).
pub mod status {
    pub const OK: u16 = 0x0000;
    pub const OK_IGNORED: u16 = 0x0001;
    pub const BAD_REQUEST: u16 = 0x0400;
    pub const NOT_AUTHENTICATED: u16 = 0x0402;
    pub const NOT_AUTHORIZED: u16 = 0x0403;
    pub const NOT_POSSIBLE: u16 = 0x0404;
    pub const NOT_FOUND: u16 = 0x0406;
    pub const ENTITY_TOO_LARGE: u16 = 0x0408;
    pub const FORMAT_NOT_SUPPORTED: u16 = 0x040a;
    pub const VALUES_NOT_SUPPORTED: u16 = 0x040b;
    pub const CHARSET_NOT_SUPPORTED: u16 = 0x040d;
    pub const COMPRESSION_NOT_SUPPORTED: u16 = 0x040f;
    pub const COMPRESSION_ERROR: u16 = 0x0410;
    pub const INTERNAL_ERROR: u16 = 0x0500;
    pub const OPERATION_NOT_SUPPORTED: u16 = 0x0501;
    pub const SERVICE_UNAVAILABLE: u16 = 0x0502;
    pub const VERSION_NOT_SUPPORTED: u16 = 0x0503;
    pub const TEMPORARY_ERROR: u16 = 0x0505;
    pub const NOT_ACCEPTING_JOBS: u16 = 0x0506;
}

/// What CUPS says of octets that it leaves alone.
const RAW: &str = "application/vnd.cups-raw";

/// Whether a printer takes documents that are said to be of this format, in lower case.
pub fn takes(printer: &DoorPrinter, format: &str) -> bool {
    let is_held = || printer.held_formats.iter().any(|held| held.mime() == Some(format));
    printer.takes_all || format == RAW || formats(printer).contains(&format) || is_held()
}

/// The version of an answer: that of the request where we speak it.
pub fn version((major, minor): (u8, u8)) -> (u8, u8) {
    match (major, minor) {
        (1, 0) => (1, 0),
        (2, _) => (2, 0),
        _ => (1, 1),
    }
}

/// The group with which each answer begins.
pub fn first_group() -> Group {
    let mut group = Group::new(tag::OPERATION);
    group.add("attributes-charset", Value::Octets(tag::CHARSET, b"utf-8".to_vec()));
    group.add("attributes-natural-language", Value::Octets(tag::LANGUAGE, b"en".to_vec()));
    group
}

/// The attributes that somebody wants.
pub struct Wanted {
    names: HashSet<String>,
}

impl Wanted {
    /// What `requested-attributes` says, or what is usual without it.
    pub fn of(requested: Option<&Attribute>, usual: &[&str]) -> Self {
        let names = match requested {
            Some(requested) => requested.values.iter().filter_map(Value::as_text).collect(),
            None => usual.iter().map(|name| (*name).to_owned()).collect(),
        };
        Self { names }
    }

    /// Leaves those of a group that are wanted. `kinds` says to which groups of attributes each one belongs.
    fn leave(&self, group: &mut Group, kind: fn(&str) -> &'static str) {
        group.attributes.retain(|one| match one.name.as_str() {
            // It is long, and is asked for by its name (PWG 5100.7).
            name @ "media-col-database" => self.names.contains(name),
            name => self.wants(name, kind(name)),
        });
    }

    /// Whether this one is wanted.
    fn wants(&self, name: &str, kind: &str) -> bool {
        ["all", name, kind].iter().any(|name| self.names.contains(*name))
    }
}

fn integer(n: impl TryInto<i32>) -> Value {
    Value::Integer(n.try_into().unwrap_or(i32::MAX))
}

/// Seconds since 1970.
fn seconds(ms: i64) -> Value {
    integer(ms / 1000)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A moment as RFC 2579 writes it, in UTC.
fn moment(ms: i64) -> Value {
    let at = time::OffsetDateTime::from_unix_timestamp(ms / 1000).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let [high, low] = u16::try_from(at.year()).unwrap_or(0).to_be_bytes();
    let tenth = u8::try_from((ms.rem_euclid(1000)) / 100).unwrap_or(0);
    Value::DateTime([high, low, at.month().into(), at.day(), at.hour(), at.minute(), at.second(), tenth, b'+', 0, 0])
}

/// A UUID as `urn:uuid:`.
fn urn(uuid: &str) -> Value {
    Value::uri(&format!("urn:uuid:{uuid}"))
}

fn printer_uri(root: &str, name: &str) -> String {
    format!("{root}/{}", path(name))
}

/// The group of attributes to which one of a printer belongs.
fn kind_of_printer(name: &str) -> &'static str {
    const OF_JOBS: [&str; 13] = [
        "copies",
        "job-hold-until",
        "job-priority",
        "job-sheets",
        "finishings",
        "media",
        "media-col",
        "orientation-requested",
        "output-bin",
        "print-color-mode",
        "print-quality",
        "printer-resolution",
        "sides",
    ];
    let ends = ["-default", "-supported", "-ready", "-database"];
    let bare = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    if OF_JOBS.contains(&bare) { "job-template" } else { "printer-description" }
}

/// A printer as attributes.
pub fn printer(context: &Context, printer: &DoorPrinter, wanted: &Wanted, root: &str) -> Group {
    let mut group = Group::new(tag::PRINTER);
    let words = |words: &[&str]| words.iter().map(|word| Value::keyword(word)).collect::<Vec<_>>();
    let host = root.split_once("://").map_or(root, |(_, host)| host);
    let named = |tag: u8, text: &str| Value::Octets(tag, text.as_bytes().to_vec());
    let about = if printer.about.is_empty() { printer.name.as_str() } else { printer.about.as_str() };
    let state = match printer.does {
        PrinterDoes::Waits => 3,
        PrinterDoes::Prints => 4,
        PrinterDoes::Stopped => 5,
    };
    let mut reasons = printer.reasons.iter().map(|reason| Value::keyword(reason)).collect::<Vec<_>>();
    if reasons.is_empty() {
        reasons.push(Value::keyword("none"));
    }
    let message = match (&printer.refuses, printer.message.as_str()) {
        (Some(why), "") => why.clone(),
        (Some(why), message) => format!("{message}; {why}"),
        (None, message) => message.to_owned(),
    };
    // One address, by the way on which it was asked for: CUPS' library takes several for one that nobody has.
    let sealed = root.starts_with("ipps:");
    group.add("printer-uri-supported", Value::uri(&printer_uri(root, &printer.name)));
    group.add("uri-security-supported", Value::keyword(if sealed { "tls" } else { "none" }));
    let log_on = &context.settings.log_on;
    group.add(
        "uri-authentication-supported",
        Value::keyword(match (log_on.is_required(), log_on.pam) {
            (true, true) => "basic",
            (true, false) => "certificate",
            (false, _) => "requesting-user-name",
        }),
    );
    group.add("printer-name", Value::name(&printer.name));
    group.add("printer-info", Value::text(about));
    group.add("printer-location", Value::text(""));
    group.add("printer-make-and-model", Value::text(MODEL));
    group.add("printer-more-info", Value::uri(&format!("http://{host}/")));
    group.add("printer-uuid", urn(&uuid_of(context.settings.name.as_str(), printer)));
    group.add("printer-state", Value::Enum(state));
    group.add_all("printer-state-reasons", reasons);
    group.add("printer-state-message", Value::text(&message));
    if let Some(since) = printer.since_ms {
        group.add("printer-state-change-time", seconds(since));
        group.add("printer-state-change-date-time", moment(since));
    }
    group.add("printer-is-accepting-jobs", Value::Boolean(printer.refuses.is_none()));
    group.add("queued-job-count", integer(printer.jobs));
    group.add("printer-up-time", seconds(now_ms()));
    group.add("printer-current-time", moment(now_ms()));
    group.add("printer-is-shared", Value::Boolean(true));
    // What CUPS says of a queue: that it prints black, is a class, is the usual one, or takes no jobs.
    let kind = 4
        | i32::from(printer.is_group)
        | if printer.is_default { 0x0002_0000 } else { 0 }
        | if printer.refuses.is_some() { 0x0008_0000 } else { 0 };
    group.add("printer-type", Value::Enum(kind));
    group.add("charset-configured", named(tag::CHARSET, "utf-8"));
    group.add_all("charset-supported", vec![named(tag::CHARSET, "utf-8"), named(tag::CHARSET, "us-ascii")]);
    group.add("natural-language-configured", named(tag::LANGUAGE, "en"));
    group.add("generated-natural-language-supported", named(tag::LANGUAGE, "en"));
    group.add_all("ipp-versions-supported", words(&["1.0", "1.1", "2.0"]));
    let operations = operation::ALL.iter().map(|code| Value::Enum(i32::from(*code))).collect();
    group.add_all("operations-supported", operations);
    group.add_all("compression-supported", words(&["none", "gzip", "deflate"]));
    group.add("document-format-default", Value::mime(OCTETS));
    group.add_all("document-format-supported", formats(printer).into_iter().map(Value::mime).collect());
    group.add("pdl-override-supported", Value::keyword("not-attempted"));
    group.add("multiple-document-jobs-supported", Value::Boolean(true));
    group.add("multiple-operation-time-out", integer(context.settings.patience.saturating_mul(5)));
    group.add("multiple-operation-time-out-action", Value::keyword("process-job"));
    group.add_all("which-jobs-supported", words(&["completed", "not-completed", "all"]));
    group.add("job-ids-supported", Value::Boolean(true));
    group.add("ipp-attribute-fidelity-default", Value::Boolean(false));
    group.add("copies-default", Value::Integer(1));
    group.add("copies-supported", Value::Range(1, 9_999));
    group.add("job-hold-until-default", Value::keyword("no-hold"));
    group.add_all("job-hold-until-supported", words(&["no-hold", "indefinite"]));
    group.add("job-priority-default", Value::Integer(50));
    group.add("job-priority-supported", Value::Integer(100));
    group.add_all("job-sheets-default", vec![Value::keyword("none")]);
    group.add_all("job-sheets-supported", words(&["none", "standard"]));
    group.add_all("job-settable-attributes-supported", words(&["job-hold-until"]));
    group.add_all(
        "job-creation-attributes-supported",
        words(&[
            "copies",
            "document-format",
            "document-name",
            "ipp-attribute-fidelity",
            "job-hold-until",
            "job-name",
            "job-priority",
            "job-sheets",
        ]),
    );
    ipp_driverless::describe(&mut group, printer);
    if let Some(most) = context.settings.most_octets {
        group.add("job-k-octets-supported", Value::Range(0, i32::try_from(most / 1024).unwrap_or(i32::MAX)));
    }
    wanted.leave(&mut group, kind_of_printer);
    group
}

/// The state of a job and its reasons in the words of RFC 8011.
fn state(job: &DoorJobRow) -> (i32, Vec<&'static str>) {
    match &job.state {
        DoorJobState::Lives(JobState::Open) => (4, vec!["job-incoming", "job-data-insufficient"]),
        DoorJobState::Lives(JobState::Ready) => (3, vec!["none"]),
        DoorJobState::Lives(JobState::Held) => {
            let mut words: Vec<&'static str> = Vec::new();
            for reason in job.reasons.iter() {
                let word = match reason {
                    HoldReason::Operator | HoldReason::PrintAfter => "job-hold-until-specified",
                    HoldReason::Resources => "resources-are-not-ready",
                    HoldReason::SecureRelease => "job-password-wait",
                    HoldReason::Failed | HoldReason::Changed | HoldReason::Corrupt => "document-access-error",
                    HoldReason::WriterDied => "aborted-by-system",
                    _ => "job-hold-until-specified",
                };
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            (4, if words.is_empty() { vec!["job-hold-until-specified"] } else { words })
        }
        DoorJobState::Lives(JobState::Printing) => (5, vec!["job-printing"]),
        DoorJobState::Lives(JobState::Transferred) => (5, vec!["job-transforming", "queued-in-device"]),
        DoorJobState::Lives(JobState::Terminating) => (5, vec!["processing-to-stop-point"]),
        DoorJobState::Lives(JobState::Paused) => (6, vec!["job-suspended"]),
        DoorJobState::Lives(JobState::Retained) | DoorJobState::Printed(_) => (9, vec!["job-completed-successfully"]),
        DoorJobState::Cancelled => (7, vec!["job-canceled-by-user"]),
        DoorJobState::Aborted => (8, vec!["aborted-by-system"]),
    }
}

/// The group of attributes to which one of a job belongs.
fn kind_of_job(name: &str) -> &'static str {
    match name {
        "copies" | "job-hold-until" | "job-priority" | "job-sheets" => "job-template",
        _ => "job-description",
    }
}

/// A job as attributes.
pub fn job(job: &DoorJobRow, wanted: &Wanted, root: &str, why: &WhyWords) -> Group {
    let mut group = Group::new(tag::JOB);
    let (state, reasons) = state(job);
    group.add("job-id", integer(job.number));
    group.add("job-uri", Value::uri(&format!("{root}/jobs/{}", job.number)));
    group.add("job-uuid", urn(&uuid("job", &job.global)));
    group.add("job-printer-uri", Value::uri(&printer_uri(root, &job.queue)));
    group.add("job-state", Value::Enum(state));
    group.add_all("job-state-reasons", reasons.iter().map(|reason| Value::keyword(reason)).collect());
    if wanted.wants("job-state-message", "job-description") {
        let said = match &job.state {
            DoorJobState::Printed(word) if !word.is_empty() => format!("it was printed: {word}"),
            DoorJobState::Cancelled => "it was cancelled".to_owned(),
            DoorJobState::Aborted => "it was given up".to_owned(),
            _ => job.why.first().map(|cause| why.say(cause, now_ms())).unwrap_or_default(),
        };
        group.add("job-state-message", Value::text(&said));
    }
    if let Some(own) = &job.own {
        group.add("job-name", Value::name(&own.title));
        group.add("job-originating-user-name", Value::name(&own.user));
        group.add("job-originating-host-name", Value::name(&own.host));
        group.add_all("document-name-supplied", own.names.first().map(|name| Value::name(name)).into_iter().collect());
    }
    group.add("job-k-octets", integer(job.octets.div_ceil(1024)));
    group.add("number-of-documents", integer(job.documents));
    if let Some(before) = job.before {
        group.add("number-of-intervening-jobs", integer(before));
    }
    group.add("job-printer-up-time", seconds(now_ms()));
    group.add("time-at-creation", seconds(job.created_ms));
    let none = || Value::Nothing(tag::NO_VALUE);
    group.add("time-at-processing", job.started_ms.map_or_else(none, seconds));
    group.add("time-at-completed", job.ended_ms.map_or_else(none, seconds));
    group.add("date-time-at-creation", moment(job.created_ms));
    group.add("date-time-at-processing", job.started_ms.map_or_else(none, moment));
    group.add("date-time-at-completed", job.ended_ms.map_or_else(none, moment));
    group.add("attributes-charset", Value::Octets(tag::CHARSET, b"utf-8".to_vec()));
    group.add("attributes-natural-language", Value::Octets(tag::LANGUAGE, b"en".to_vec()));
    group.add("copies", integer(job.copies));
    group.add("job-priority", integer(job.priority));
    let held = matches!(job.state, DoorJobState::Lives(JobState::Held)) && job.reasons.has(HoldReason::Operator);
    group.add("job-hold-until", Value::keyword(if held { "indefinite" } else { "no-hold" }));
    wanted.leave(&mut group, kind_of_job);
    group
}
