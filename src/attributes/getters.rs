//! Functions with which rows of the table turn what a record holds into a value, and a value into a change.

use jiff::Timestamp;

use super::NONE;
use crate::model::alter::JobChange;
use crate::model::device::DeviceStatus;
use crate::model::device::check_form;
use crate::model::field::Value;
use crate::model::guardian::ProcessError;
use crate::model::job::{Format, RawPath, Submission};
use crate::model::location::Destination;
use crate::model::order::Priority;
use crate::model::state::{DeviceState, DeviceWish};

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

/// Returns the value of `destination-state`.
pub(super) fn device_state(device: &DeviceStatus) -> &'static str {
    let by_process = |word: &str| ProcessError::is_brief(word) || word.starts_with("process ");
    match &device.state {
        DeviceState::Waiting | DeviceState::Printing(_)
            if device.trouble.as_ref().is_some_and(|t| by_process(&t.word)) =>
        {
            "needs-key-operator"
        }
        DeviceState::Waiting | DeviceState::Printing(_)
            if device.trouble.as_ref().is_some_and(|t| !t.word.starts_with("spooler ")) =>
        {
            "needs-attention"
        }
        DeviceState::Offline => "shutdown",
        DeviceState::Waiting => "idle",
        DeviceState::Printing(_) => "printing",
        DeviceState::Suspended => "paused",
        DeviceState::DevError(_) => "needs-attention",
        DeviceState::ProcError => "needs-key-operator",
    }
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

pub(super) fn set_destination(submission: &mut Submission, value: &Value) -> Result<(), String> {
    let name = words(Some(value)).filter(|name| !name.is_empty()).ok_or("the name is empty")?;
    submission.destination = name;
    Ok(())
}
