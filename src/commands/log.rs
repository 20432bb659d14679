//! What happened to an object, in words and in JSON. Every language shows the same.

use serde_json::{Value, json};

use crate::attributes::text::escaped;
use crate::model::Failure;
use crate::model::history::{Happening, RecordPlace, Since};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::{Event, EventSubject};

use super::why::{Times, utc};

/// How long a wait for more lasts before it is asked again, in milliseconds. Whatever is committed wakes it.
pub const FOLLOWED_MS: u64 = 60_000;

/// Returns what happened to all objects since then and behind `after`, which moves behind it, a page at a time; none at the end. A
/// page may be empty, and others follow.
pub fn next_page(
    spool: &mut dyn Operations,
    since: Since,
    after: &mut Option<RecordPlace>,
) -> Result<Option<Vec<Happening>>, Failure> {
    let (page, next) = spool.record(since, *after)?;
    let Some(next) = next else { return Ok(None) };
    *after = Some(next);
    Ok(Some(page))
}

/// Gives the events of an object to `take`, oldest first, a page at a time.
pub fn pages<E: From<Failure>>(
    spool: &mut dyn Operations,
    subject: &EventSubject,
    mut take: impl FnMut(&[Event]) -> Result<(), E>,
) -> Result<(), E> {
    pages_after(spool, subject, &mut 0, &mut take)
}

/// The same from behind the event `after`, which moves behind the last one.
pub fn pages_after<E: From<Failure>>(
    spool: &mut dyn Operations,
    subject: &EventSubject,
    after: &mut i64,
    mut take: impl FnMut(&[Event]) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let page = spool.events(subject.clone(), *after)?;
        let Some(last) = page.last() else { return Ok(()) };
        *after = last.id;
        take(&page)?;
    }
}

/// Writes an event on one line: when, who, what and why.
pub fn line(event: &Event, times: &Times) -> String {
    let colon = if event.why.is_empty() { "" } else { ": " };
    escaped(&format!("{} {} {}{colon}{}", times.full(event.at_ms), event.who, event.what, event.why))
}

/// Returns an event in JSON: `time` (UTC), `who`, `what`, `why`.
pub fn object(event: &Event) -> Value {
    json!({ "time": utc(event.at_ms), "who": event.who, "what": event.what, "why": event.why })
}
