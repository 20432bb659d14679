//! Values of attributes, taken out of what the spool reports.
//!
//! A function answers an empty [`Value::Many`] for an attribute that has no value now or that the object does not have.

use crate::model::device::DeviceStatus;
use crate::model::field::{Field, Value};
use crate::model::finished::FinishedStatus;
use crate::model::job::{DocumentStatus, JobStatus, RawPath, Transfer};
use crate::model::location::{Destination, LocationStatus};
use crate::model::state::{DeviceState, DeviceWish, HoldReason};

/// No value.
pub const NONE: Value = Value::Many(Vec::new());

/// Above this, jobs ahead are not counted.
pub const INTERVENING_MAX: u32 = 1000;

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn number(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn optional(value: Option<u64>) -> Value {
    value.map_or(NONE, number)
}

/// A destination in the words of `pdpr -d`: a location needs no `#`, a group keeps it.
pub fn destination_name(destination: &Destination) -> String {
    match destination {
        Destination::Location(name) => format!("{}.{}", name.group, name.dest),
        Destination::Group(group) => format!("#{group}"),
    }
}

/// An attribute of a job.
pub fn of_job(job: &JobStatus, field: Field) -> Value {
    match field {
        Field::JobClientId => number(job.local.0.into()),
        Field::JobIdentifier => text(&job.global),
        Field::JobNumber => number(job.number.get().into()),
        Field::JobName => text(&job.name),
        Field::JobOwner => text(&job.owner),
        Field::UserName => text(&job.user_name),
        Field::CurrentJobState => text(job.state.infoprint()),
        Field::JobStateReasons => Value::Many(job.reasons.iter().map(|reason| text(reason.keyword())).collect()),
        Field::InterveningJobs => optional(job.intervening.map(u64::from)),
        Field::DestinationNameRequested => text(destination_name(&job.destination)),
        Field::DestinationsAssigned => Value::Many(job.devices.iter().map(text).collect()),
        Field::JobPriority => number(job.priority.get().into()),
        Field::JobHold => Value::Boolean(job.reasons.has(HoldReason::Operator)),
        Field::HoldAfter => Value::Boolean(job.hold_after),
        Field::Form if job.form.is_empty() => NONE,
        Field::Form => text(&job.form),
        Field::NumberOfDocuments => number(job.documents.len() as u64),
        Field::TotalJobOctets => number(job.total_octets),
        Field::JobPageCount => optional(job.pages),
        // Is the time of creation also that of queueing? Yes: a job becomes visible when it is complete and queued.
        Field::CreationTime | Field::SubmissionTime => Value::Time(job.created_ms),
        Field::StartedPrintingTime => job.started_ms.map_or(NONE, Value::Time),
        _ => NONE,
    }
}

/// An attribute of a finished job.
pub fn of_finished(job: &FinishedStatus, field: Field) -> Value {
    match field {
        Field::JobClientId => number(job.local.0.into()),
        Field::JobIdentifier => text(&job.global),
        Field::JobNumber => number(job.number.get().into()),
        Field::JobName => text(&job.name),
        Field::JobOwner => text(&job.owner),
        Field::UserName => text(&job.user_name),
        Field::DestinationNameRequested => text(destination_name(&job.destination)),
        Field::DestinationsAssigned => Value::Many(job.device.iter().map(text).collect()),
        Field::Outcome => text(&job.outcome),
        Field::NumberOfDocuments => number(job.documents.into()),
        Field::TotalJobOctets => number(job.octets),
        Field::JobPageCount => optional(job.pages),
        Field::CreationTime => Value::Time(job.created_ms),
        Field::CompletionTime => Value::Time(job.finished_ms),
        _ => NONE,
    }
}

/// An attribute of a document.
pub fn of_document(document: &DocumentStatus, field: Field) -> Value {
    match field {
        Field::DocumentSequenceNumber => number(document.sequence.into()),
        Field::DocumentFormat => text(document.format.keyword()),
        Field::DocumentFileName => text(document.file_name.0.to_string_lossy()),
        Field::CopyCount => number(document.copies.into()),
        Field::OctetCount => number(document.octets),
        Field::PageCount => optional(document.pages),
        Field::TransferMethod => text(match document.transfer {
            Transfer::Copy => "copy",
            Transfer::Link => "link",
        }),
        Field::DocumentContent => content(&document.path, &document.server),
        _ => NONE,
    }
}

/// The two components of `document-content`. A path that is not UTF-8 has its octets in hexadecimal as a third one,
/// because its text form cannot be turned back into the path.
fn content(path: &RawPath, server: &str) -> Value {
    let mut parts = vec![text(path.0.to_string_lossy()), text(server)];
    if path.0.to_str().is_none() {
        parts.push(Value::Text(path.bytes().iter().map(|octet| format!("{octet:02x}")).collect()));
    }
    Value::Many(parts)
}

/// An attribute of a logical destination; `accepting` = whether its server takes jobs.
pub fn of_location(location: &LocationStatus, server: &str, accepting: bool, field: Field) -> Value {
    match field {
        Field::DestinationName => text(format!("{}.{}", location.name.group, location.name.dest)),
        Field::DestinationRealization => text("logical"),
        Field::Enabled => Value::Boolean(accepting),
        Field::AssociatedQueue => text(&location.name.group),
        Field::AssociatedServer => text(server),
        _ => NONE,
    }
}

/// An attribute of an actual destination; `queues` are those whose locations route to it.
pub fn of_device(device: &DeviceStatus, server: &str, queues: &[String], field: Field) -> Value {
    match field {
        Field::DestinationName => text(&device.name),
        Field::DestinationRealization => text("actual"),
        Field::DestinationState => text(match device.state {
            DeviceState::Offline => "shutdown",
            DeviceState::Waiting => "idle",
            DeviceState::Printing(_) => "printing",
            DeviceState::Suspended => "paused",
            DeviceState::DevError(_) => "needs-attention",
            DeviceState::ProcError => "needs-key-operator",
        }),
        Field::Enabled => Value::Boolean(device.wish == DeviceWish::Started),
        Field::AssociatedQueue => Value::Many(queues.iter().map(text).collect()),
        Field::AssociatedServer => text(server),
        _ => NONE,
    }
}
