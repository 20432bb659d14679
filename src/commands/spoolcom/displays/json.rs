//! The objects of `--json`. A listing is an array with one object on each line. Keys are lower case with hyphens; an
//! unknown value is `null`; times are UTC, `2026-11-21T09:06:16Z`; error numbers are decimal. docs/json.md lists every
//! key.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::attributes::Class;
use crate::model::collector::{CollectorState, CollectorStatus};
use crate::model::device::{DeviceStatus, Exclusive, RAW, eol_word};
use crate::model::field::{Field, Value as FieldValue};
use crate::model::job::{DocumentStatus, JobStatus, Occurrence, Transfer};
use crate::model::kept::KeptWords;
use crate::model::location::{GroupStatus, LocationKind, LocationStatus, content_word};
use crate::model::object::ObjectStatus;
use crate::model::process::ProcessStatus;
use crate::model::separation::StartFf;
use crate::model::state::{DeviceState, DeviceWish, EntryState, ErrorNote, JobState, ProcessState};
use crate::model::{CollectorName, FontName};
use crate::spool::interface::records::SpoolStatus;

use super::given;

/// Returns a point in time in JSON.
pub fn time(ms: i64) -> Value {
    Timestamp::from_millisecond(ms).map_or(Value::Null, |time| Value::String(time.to_string()))
}

fn error(error: Option<&ErrorNote>) -> Value {
    error.map_or(Value::Null, |error| {
        json!({
            "number": error.number,
            "text": error.text,
            "since": time(error.since_ms),
            "next-try": error.next_try_ms.map_or(Value::Null, time),
            "tries": error.tries,
        })
    })
}

fn process_state(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Dormant => "dormant",
        ProcessState::Active => "active",
        ProcessState::Dead => "dead",
        ProcessState::Error => "error",
    }
}

/// Returns the words that mean nothing here, each with its value as typed.
fn without_effect(kept: &KeptWords) -> Value {
    kept.iter().map(|(word, value)| (word.to_lowercase(), Value::from(value))).collect::<serde_json::Map<_, _>>().into()
}

/// Returns what InfoPrint commands set of an object of `class`, by the full names of attributes.
fn attributes(class: Class, set: &[(Field, FieldValue)]) -> Value {
    let one = |value: &FieldValue| match value {
        FieldValue::Text(text) => Value::from(text.as_str()),
        FieldValue::Integer(n) => Value::from(*n),
        FieldValue::Boolean(on) => Value::from(*on),
        FieldValue::Time(ms) => time(*ms),
        FieldValue::Many(_) => Value::Null,
    };
    let all = given::rows(class, set).map(|(row, value)| {
        let shown = if row.many { value.each().iter().map(one).collect() } else { one(value) };
        (row.name().to_owned(), shown)
    });
    all.collect::<serde_json::Map<_, _>>().into()
}

/// Returns a device in JSON.
pub fn device(status: &DeviceStatus) -> Value {
    let settings = &status.settings;
    let running = status.running.as_ref().map(|running| {
        json!({
            "job": running.job.get(),
            "report": running.name,
            "document": running.document,
            "documents": running.documents,
            "copy": running.copy,
            "copies": running.copies,
            "octets": running.octets,
            "total-octets": running.total_octets,
            "since": time(running.since_ms),
            "stalled-since": running.stalled.map(|stalled| time(stalled.since_ms)),
            "stalled-octets": running.stalled.map(|stalled| stalled.octets),
        })
    });
    let mut object = json!({
        "device": status.name.guardian(),
        "state": status.state.word().to_lowercase(),
        "offline-by-error": status.stopped_by_error,
        "draining": status.wish == DeviceWish::Draining && status.state != DeviceState::Offline,
        "process": settings.process.as_ref().map(|name| format!("${name}")),
        "process-state": process_state(status.process_state),
        "uri": settings.uri.as_ref().map(ToString::to_string),
        "form": settings.form,
        "speed": settings.speed,
        "parm": settings.parm as i16,
        "retry": settings.retry,
        "timeout": settings.timeout,
        "restart": settings.restart,
        "exclusive": match settings.exclusive {
            Exclusive::Off => "off",
            Exclusive::On => "on",
            Exclusive::OffEach => "off-each",
        },
        "delivery": settings.delivery.word().to_lowercase(),
        "attempts": settings.attempts,
        "fifo": settings.fifo,
        "header": settings.header.word().to_lowercase(),
        "startff": match settings.startff {
            StartFf::Off => "off",
            StartFf::On => "on",
            StartFf::Swallow => "off-swallow",
        },
        "endff": settings.endff,
        "width": settings.width,
        "without-effect": without_effect(&settings.kept),
        "trunc": settings.trunc,
        "eol": settings.eol_crlf.then(|| eol_word(true)),
        "page-length": (settings.page_length > 0).then_some(settings.page_length),
        "content": settings.content_raw.then_some(RAW),
        "transforms": (!settings.transforms.is_empty())
            .then(|| settings.transforms.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "pauses-after-job": status.pause_next,
        "open": status.open,
        "opens": status.opens,
        "connection": status.connection.as_ref().map(|used| {
            json!({ "address": used.address.to_string(), "entry": used.entry, "complaint": used.complaint })
        }),
        "waiting": status.waiting,
        "trouble": status.trouble.as_ref().map(|trouble| &trouble.word),
        "trouble-since": status.trouble.as_ref().and_then(|trouble| trouble.since_ms).map(time),
        "octets-per-second": status.rate,
        "running": running,
        "waiting-for": status.awaits.as_ref().map(|awaits| awaits.wait.keyword()),
        "waiting-since": status.awaits.as_ref().map(|awaits| time(awaits.since_ms)),
        "error": error(status.error.as_ref()),
        "process-trouble": error(status.process_trouble.as_ref()),
        "access": status.access.values(),
    });
    // The macro takes no more members.
    object["attributes"] = attributes(Class::Destination, &status.given);
    object
}

/// Returns a print process in JSON.
pub fn process(status: &ProcessStatus) -> Value {
    json!({
        "process": format!("${}", status.name),
        "state": process_state(status.state),
        "file": status.file,
        "parm": status.parm as i16,
        "without-effect": without_effect(&status.kept),
        "starts": status.epoch,
        "pid": status.pid,
        "circumstances": status.circumstances,
        "error": error(status.error.as_ref()),
    })
}

/// Returns a collector in JSON.
pub fn collector(status: &CollectorStatus) -> Value {
    let (used, total) = status.units();
    json!({
        "collect": format!("${}", status.name),
        "state": status.state.word().to_lowercase(),
        "error": match status.state {
            CollectorState::Error(number) => Value::from(number),
            _ => Value::Null,
        },
        "file": status.file,
        "data-file": status.data(),
        "without-effect": without_effect(&status.kept),
        "open-jobs": status.open_jobs,
        "units-allocated": used,
        "total-units": total,
        "percent-full": status.percent_full(),
    })
}

/// Returns a door in JSON.
pub fn door(status: &ObjectStatus) -> Value {
    let value = |value: &FieldValue| match value {
        FieldValue::Integer(number) => Value::from(*number),
        FieldValue::Boolean(yes) => Value::from(*yes),
        FieldValue::Text(text) => Value::from(text.as_str()),
        _ => Value::Null,
    };
    let mut object = serde_json::Map::new();
    object.insert("door".to_owned(), Value::from(format!("${}", status.name)));
    for attribute in &status.attributes {
        let mut values: Vec<Value> = attribute.values.iter().map(value).collect();
        let shown = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
        object.insert(attribute.name.clone(), shown);
    }
    Value::Object(object)
}

/// Returns a location in JSON.
pub fn location(status: &LocationStatus) -> Value {
    json!({
        "location": status.name.to_string(),
        "group": status.name.group.as_str(),
        "dest": status.name.dest.as_str(),
        "broadcast": status.broadcast,
        "device": status.device.as_ref().map(|device| device.guardian()),
        "font": status.font.as_ref().map(FontName::as_str),
        "content": status.content.map(|content| content_word(Some(content))),
        "access": status.access.values(),
        "group-access": status.group_access.values(),
        "jobs": status.jobs,
        "made-as": match status.kind {
            LocationKind::Location => "location",
            LocationKind::Logical => "logical-destination",
            LocationKind::Outlet => "way-to-actual-destination",
        },
        "whole-group": status.whole_group,
        "takes-jobs": status.takes_jobs,
        "queue-paused": status.group_paused,
        "attributes": attributes(Class::Destination, &status.given),
        "queue-attributes": attributes(Class::Queue, &status.group_given),
    })
}

/// Returns a group without locations in JSON.
pub fn group(status: &GroupStatus) -> Value {
    json!({
        "location": format!("#{}", status.name),
        "group": status.name.as_str(),
        "dest": null,
        "broadcast": status.broadcast,
        "device": null,
        "content": null,
        "jobs": 0,
        "made-as": "queue",
        "whole-group": false,
        "takes-jobs": true,
        "queue-paused": status.paused,
        "attributes": {},
        "queue-attributes": attributes(Class::Queue, &status.given),
    })
}

/// Returns a job in JSON.
pub fn job(status: &JobStatus) -> Value {
    let state = match status.state {
        JobState::Open => "open",
        JobState::Ready => "ready",
        JobState::Held | JobState::Paused | JobState::Retained => "hold",
        JobState::Printing | JobState::Terminating => "print",
        JobState::Transferred => "transfer",
    };
    json!({
        "job": status.number.get(),
        "batch": status.batch.map(|batch| batch.number.get()),
        "state": state,
        "current-job-state": status.state.infoprint(),
        "job-state-reasons": status.reason_keywords(),
        "reason-text": status.reason_text,
        "job-identifier": status.global.to_string(),
        "job-client-id": status.local.0,
        "owner": status.owner,
        "owner-uid": status.owner_uid,
        "owner-gid": status.owner_gid,
        "user-name": status.user_name,
        "location": status.destination.to_string(),
        "devices": status.devices.iter().map(|device| device.guardian()).collect::<Vec<_>>(),
        "form": status.form,
        "report": status.name,
        "selpri": status.priority.selpri(),
        "job-priority": status.priority.get(),
        "hold-after": status.hold_after,
        "copies": status.copies,
        "pages": given::pages_once(status),
        "octets": status.total_octets,
        "created": time(status.created_ms),
        "started": status.started_ms.map_or(Value::Null, time),
        "intervening-jobs": status.intervening,
        "documents": status.documents.iter().map(document).collect::<Vec<_>>(),
        "collect": format!("${}", status.collector.clone().unwrap_or_else(CollectorName::usual)),
        "data-file": status.data_file,
        "attributes": attributes(Class::Job, &given::of_job(status)),
    })
}

fn document(document: &DocumentStatus) -> Value {
    json!({
        "document": document.sequence,
        "file-name": document.file_name.0.to_string_lossy(),
        "format": document.format.keyword(),
        "format-origin": document.format_origin.word(),
        "octets": document.octets,
        "pages": document.pages,
        "lines": document.lines,
        "copies": document.copies,
        "transfer": if document.transfer == Transfer::Link { "link" } else { "copy" },
        "attributes": attributes(Class::Document, &given::of_document(document)),
    })
}

/// Returns one queued or printing occurrence of a job in JSON.
pub fn occurrence(occurrence: &Occurrence) -> Value {
    json!({
        "location": occurrence.destination.to_string(),
        "device": occurrence.device.as_ref().map(|device| device.guardian()),
        "sequence": occurrence.sequence,
        "state": match occurrence.state {
            EntryState::Queued => "queued",
            EntryState::Claimed => "claimed",
            EntryState::Transferred => "transferred",
            EntryState::Done => "done",
            EntryState::Withdrawn => "withdrawn",
            EntryState::Away => "away",
        },
        "copy": occurrence.copy,
        "attempt": occurrence.attempt,
    })
}

/// Returns the spooler in JSON.
pub fn spooler(name: &str, status: &SpoolStatus) -> Value {
    json!({
        "spooler": name,
        "state": status.state.word().to_lowercase(),
        "server": status.server.as_str(),
        "base": status.base.0.to_string_lossy(),
        "spool-id": status.spool_id,
        "mgraccess": status.manager_access,
        "access": status.access.values(),
        "reserve": status.space.reserve.map(|reserve| reserve.to_string()),
        "refuses-for-space": status.space.refuses,
        "percent-full": status.space.percent_full(),
        "free-octets": status.space.disk.map(|(_, free)| free),
        "copies": status.space.copies,
        "copy-octets": status.space.copy_octets,
        "links": status.space.links,
        "fetched": status.space.fetched,
        "fetched-octets": status.space.fetched_octets,
        "jobs-per-user": status.limits.jobs,
        "octets-per-user": status.limits.octets,
        "submissions-per-user": status.limits.opens,
        "fastcnfg": status.fastcnfg.0.to_string_lossy(),
        "creator-uid": status.creator_uid,
        "last-error": status.last_error,
        "log-file": status.error_log,
        "collectors": status.collectors.iter().map(|(name, state)| {
            json!({ "collect": format!("${name}"), "state": state.word().to_lowercase() })
        }).collect::<Vec<_>>(),
        "jobs": status.jobs,
        "open-jobs": status.open_jobs,
        "printing-jobs": status.printing_jobs,
        "transferred-jobs": status.transferred_jobs,
        "prints": status.prints,
        "devices": status.devices,
        "locations": status.locations,
        "processes": status.processes,
        "attributes": attributes(Class::Server, &status.given),
    })
}
