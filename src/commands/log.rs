//! What happened to an object, in words and in JSON. Every language shows the same.

use serde_json::{Value, json};

use crate::attributes::text::escaped;
use crate::model::Failure;
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::{Event, EventSubject};

use super::why::{Times, utc};

/// Gives the events of an object to `take`, oldest first, a page at a time.
pub fn pages<E: From<Failure>>(
    spool: &mut dyn Operations,
    subject: &EventSubject,
    mut take: impl FnMut(&[Event]) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = 0;
    loop {
        let page = spool.events(subject.clone(), after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
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
