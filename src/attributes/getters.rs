//! Functions with which rows of the table turn what a record holds into a value, and a value into a change.

use jiff::Timestamp;

use super::NONE;
use super::object::Actual;
use crate::model::BatchNumber;
use crate::model::alter::JobChange;
use crate::model::device::DeviceStatus;
use crate::model::device::check_form;
use crate::model::field::{Field, Value};
use crate::model::guardian::ProcessError;
use crate::model::job::{DocumentStatus, Format, GivenValue, JobStatus, RawPath, Submission};
use crate::model::lifetime::{Ending, Retention};
use crate::model::location::Destination;
use crate::model::order::Priority;
use crate::model::state::{DeviceState, DeviceWish, JobState};

/// Jobs ahead are counted up to this number.
pub(super) const INTERVENING_MAX: i64 = 1000;

/// Copies a text, which is cheaper than to format it.
pub(super) fn plain(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

pub(super) fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

pub(super) fn number(value: impl TryInto<i64>) -> Value {
    Value::Integer(value.try_into().unwrap_or(i64::MAX))
}

pub(super) fn optional(value: Option<impl TryInto<i64>>) -> Value {
    value.map_or(NONE, number)
}

pub(super) fn texts(values: impl IntoIterator<Item = impl ToString>) -> Value {
    Value::Many(values.into_iter().map(text).collect())
}

/// Names a destination as `pdpr -d` does: a location without `#`, a group with it, and a plain one by its own name.
pub(super) fn destination_name(destination: &Destination) -> Value {
    plain(match destination {
        Destination::Location(name) => format!("{}.{}", name.group, name.dest),
        Destination::Plain(name) => name.dest.to_string(),
        Destination::Group(group) => format!("#{group}"),
    })
}

/// Makes the two components of `document-content`. The text of a path that is not UTF-8 cannot be turned back into the
/// path, so its octets follow in hexadecimal as a third component.
pub(super) fn content(path: &RawPath, server: &str) -> Value {
    // Whom the spool does not show it.
    if path.0.as_os_str().is_empty() {
        return NONE;
    }
    let mut parts = vec![text(path.0.to_string_lossy()), text(server)];
    if path.0.to_str().is_none() {
        parts.push(Value::Text(path.bytes().iter().map(|octet| format!("{octet:02x}")).collect()));
    }
    Value::Many(parts)
}

/// The value of `enabled` of an actual destination. One that is paused takes jobs: what is paused is its output.
pub(super) fn is_enabled(device: &DeviceStatus) -> bool {
    matches!(device.wish, DeviceWish::Started | DeviceWish::Suspended)
}

/// The value of `problem-message`: a word, and since when.
pub(super) fn problem(device: &DeviceStatus) -> Value {
    let Some(trouble) = &device.trouble else { return NONE };
    let since = trouble.since_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    // Is it the zone of the reader? No: a value is the same for everybody, as in JSON.
    let since = since.map(|at| at.strftime(" since %Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default();
    Value::Text(format!("{}{since}", trouble.word))
}

/// Seconds after which a device that cannot be had is timed out, unless its destination says it.
pub(super) const TIMEOUT_PERIOD: i64 = 60;

/// Returns the value of `destination-state`: what is in its way first, then what it does (docs/reference/infoprint.md 8).
pub(super) fn device_state(actual: &Actual<'_>) -> &'static str {
    let device = actual.device;
    let by_process = |word: &str| ProcessError::is_brief(word) || word.starts_with("process ");
    let trouble = device.trouble.as_ref().filter(|trouble| !trouble.word.starts_with("spooler "));
    match &device.state {
        DeviceState::ProcError => return "needs-key-operator",
        DeviceState::Suspended => return "paused",
        // What stopped it by itself needs somebody; what somebody stopped is shut down.
        DeviceState::Offline if device.stopped_by_error => return "needs-key-operator",
        DeviceState::Offline => return "shutdown",
        DeviceState::Waiting | DeviceState::Printing(_) | DeviceState::Aligning | DeviceState::DevError(_) => {}
    }
    if trouble.is_some_and(|trouble| by_process(&trouble.word)) {
        return "needs-key-operator";
    }
    let in_error = matches!(device.state, DeviceState::DevError(_));
    if trouble.is_some() || in_error {
        let noted = device.error.as_ref().map(|error| error.since_ms);
        let since = trouble.and_then(|trouble| trouble.since_ms).or(noted);
        let period = device.given.iter().find(|one| one.0.stored() == "destination-timeout-period");
        let period = match period.map(|one| &one.1) {
            Some(Value::Integer(seconds)) => *seconds,
            _ => TIMEOUT_PERIOD,
        };
        let over = since.is_some_and(|since| actual.server.now_ms.saturating_sub(since) >= period.saturating_mul(1000));
        return if over && !device.open { "timed-out" } else { "needs-attention" };
    }
    let opening = !device.open && device.awaits.as_ref().is_some_and(|awaits| awaits.wait.is_before_open());
    match &device.state {
        _ if opening => "connecting-to-printer",
        DeviceState::Printing(_) | DeviceState::Aligning => "printing",
        _ => "idle",
    }
}

/// A point in time, where there is one.
pub(super) fn time(ms: Option<i64>) -> Value {
    ms.map_or(NONE, Value::Time)
}

/// The queue behind a destination.
pub(super) fn queue_of(destination: &Destination) -> &str {
    destination.group().as_str()
}

/// What a job did before. Where that is not on record it follows from what the job does now.
pub(super) fn previous_state(job: &JobStatus) -> Value {
    let ending = job.lifetime.ending;
    plain(match job.state {
        JobState::Open => return NONE,
        JobState::Printing => JobState::Ready.infoprint(),
        JobState::Transferred => JobState::Printing.infoprint(),
        JobState::Terminating => JobState::Printing.infoprint(),
        JobState::Retained if ending.is_some_and(Ending::is_cancelled) => JobState::Terminating.infoprint(),
        JobState::Retained if ending == Some(Ending::Kept) => JobState::Open.infoprint(),
        JobState::Retained => JobState::Printing.infoprint(),
        JobState::Ready | JobState::Held | JobState::Paused => {
            job.lifetime.previous.unwrap_or(JobState::Open).infoprint()
        }
    })
}

/// How long a job stays when it has ended, where the attribute `field` says it.
pub(super) fn retained(job: &JobStatus, field: Field) -> Value {
    job.lifetime.retention.filter(|one| one.field() == field).map_or(NONE, Retention::value)
}

/// Finds what was given.
fn given(given: &[GivenValue], field: Field) -> Option<Value> {
    given.iter().find(|one| one.field == field).map(|one| one.value.clone())
}

/// Who asked for a job.
pub(super) fn originator(job: &JobStatus) -> Value {
    given(&job.given, Field::JobOriginator).unwrap_or_else(|| plain(&job.user_name))
}

/// The pages of a job, as they were given or counted.
pub(super) fn job_pages(job: &JobStatus) -> Value {
    given(&job.given, Field::JobPageCount).unwrap_or_else(|| optional(job.pages))
}

/// The pages of a document, as they were given or counted.
pub(super) fn document_pages(document: &DocumentStatus) -> Value {
    given(&document.given, Field::PageCount).unwrap_or_else(|| optional(document.pages))
}

/// Whether a job that is kept was printed.
fn was_printed(job: &JobStatus) -> bool {
    job.ended.as_ref().is_some_and(|ended| ended.device.is_some())
}

/// The octets that were printed of a job.
pub(super) fn octets_completed(job: &JobStatus) -> Value {
    let all = job.documents.iter().map(|one| one.octets.saturating_mul(one.copies.into()));
    if was_printed(job) { number(all.fold(0, u64::saturating_add)) } else { NONE }
}

/// The pages that were printed of a job.
pub(super) fn pages_completed(job: &JobStatus) -> Value {
    if was_printed(job) { job_pages(job) } else { NONE }
}

/// How long a job was on its device.
pub(super) fn processing_time(job: &JobStatus) -> Value {
    let span = job.ended.as_ref().zip(job.started_ms).filter(|_| was_printed(job));
    span.map_or(NONE, |(ended, started)| Value::Integer((ended.at_ms - started).max(0) / 60_000))
}

type Set = Result<JobChange, String>;

fn words(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn switch(value: Option<&Value>) -> Option<bool> {
    match value {
        Some(Value::Boolean(on)) => Some(*on),
        _ => None,
    }
}

fn count<T: TryFrom<i64>>(value: Option<&Value>) -> Option<T> {
    match value {
        Some(Value::Integer(n)) => T::try_from(*n).ok(),
        _ => None,
    }
}

pub(super) fn set_name(value: Option<&Value>, _: Option<u32>) -> Set {
    match words(value) {
        Some(name) if name.trim().is_empty() => Err("the name is empty".to_owned()),
        name => Ok(JobChange::Name(name)),
    }
}

pub(super) fn set_form(value: Option<&Value>, _: Option<u32>) -> Set {
    Ok(JobChange::Form(words(value).map(|form| check_form(&form)).transpose()?))
}

pub(super) fn set_priority(value: Option<&Value>, _: Option<u32>) -> Set {
    Ok(JobChange::Priority(count(value).and_then(Priority::new)))
}

pub(super) fn set_hold(value: Option<&Value>, _: Option<u32>) -> Set {
    Ok(JobChange::Hold(switch(value)))
}

pub(super) fn set_hold_after(value: Option<&Value>, _: Option<u32>) -> Set {
    Ok(JobChange::HoldAfter(switch(value)))
}

pub(super) fn set_copies(value: Option<&Value>, document: Option<u32>) -> Set {
    Ok(JobChange::Copies { document, copies: count(value) })
}

pub(super) fn set_format(value: Option<&Value>, document: Option<u32>) -> Set {
    Ok(JobChange::Format { document, format: words(value).and_then(|word| Format::from_keyword(&word)) })
}

fn moment(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Time(ms)) => Some(*ms),
        _ => None,
    }
}

pub(super) fn set_print_after(value: Option<&Value>, _: Option<u32>) -> Set {
    Ok(JobChange::PrintAfter(moment(value)))
}

pub(super) fn set_discard_time(value: Option<&Value>, _: Option<u32>) -> Set {
    Ok(JobChange::Discard(moment(value)))
}

fn set_retention(field: Field, value: Option<&Value>) -> Set {
    Ok(JobChange::Retention { field, value: value.and_then(|value| Retention::of(field, value)) })
}

pub(super) fn set_retention_period(value: Option<&Value>, _: Option<u32>) -> Set {
    set_retention(Field::JobRetentionPeriod, value)
}

pub(super) fn set_retain_until(value: Option<&Value>, _: Option<u32>) -> Set {
    set_retention(Field::JobRetainUntil, value)
}

pub(super) fn set_retain_forever(value: Option<&Value>, _: Option<u32>) -> Set {
    set_retention(Field::RetainForever, value)
}

pub(super) fn set_owner(submission: &mut Submission, value: &Value) -> Result<(), String> {
    let name = words(Some(value)).filter(|name| !name.trim().is_empty()).ok_or("the name is empty")?;
    submission.owner = Some(name);
    Ok(())
}

/// Keeps what was said too: it is shown.
pub(super) fn set_scheduling(submission: &mut Submission, value: &Value) -> Result<(), String> {
    submission.keep = *value == Value::Text("retain-immediately".to_owned());
    let field = Field::from_stored("job-scheduling").ok_or("it has no name")?;
    submission.take(&JobChange::Carried { field, document: None, value: Some(value.clone()) });
    Ok(())
}

pub(super) fn set_batch(submission: &mut Submission, value: &Value) -> Result<(), String> {
    let number = count(Some(value)).and_then(BatchNumber::new).ok_or("expected a number from 1 to 9999999")?;
    submission.batch = Some(number);
    Ok(())
}

pub(super) fn set_destination(submission: &mut Submission, value: &Value) -> Result<(), String> {
    let name = words(Some(value)).filter(|name| !name.is_empty()).ok_or("the name is empty")?;
    submission.destination = name;
    Ok(())
}
