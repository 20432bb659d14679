//! What happened to an object, in words and in JSON. Every language shows the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::attributes::text::escaped;
use crate::model::Failure;
use crate::model::history::{Happening, RecordPlace, Since};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::{Event, EventSubject};

use super::why::{Times, utc};

/// How long a wait for more lasts before it is asked again, in milliseconds. Whatever is committed wakes it.
pub const FOLLOWED_MS: u64 = 60_000;

/// Said where the record since a time has what happened before that: it goes by commits, and begins with the first one that has
/// that time.
pub const OUT_OF_ORDER: &str = "the clock was set meanwhile, so times are not in order and the record begins earlier";

/// How far apart two listings of who follows are at least: a busy spool is not listed again at each commit.
const FLOOR: Duration = Duration::from_secs(1);

/// Waits for a change behind `seen`, and until a second has passed since the last listing, which was `passed` ago: what changes
/// until then is shown with it. `wait` waits for a change so many milliseconds at most. Returns the last change.
pub fn next_round(
    mut seen: u64,
    passed: impl Fn() -> Duration,
    mut wait: impl FnMut(u64, u64) -> Result<u64, Failure>,
) -> Result<u64, Failure> {
    let mut timeout_ms = FOLLOWED_MS;
    loop {
        seen = wait(seen, timeout_ms)?;
        let left = FLOOR.saturating_sub(passed());
        if left.is_zero() {
            return Ok(seen);
        }
        timeout_ms = u64::try_from(left.as_millis()).unwrap_or(0) + 1;
    }
}

/// Returns what happened to all objects since then and behind `after`, which moves behind it, a page at a time; none at the end. A
/// page may be empty, and others follow. Since when that is, is found with the first page.
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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[test]
    fn a_busy_spool_is_listed_once_a_second() {
        let (now_ms, asked) = (Cell::new(0), RefCell::new(Vec::new()));
        let round = |seen| {
            let passed = || Duration::from_millis(now_ms.get());
            next_round(seen, passed, |seen, timeout_ms| {
                asked.borrow_mut().push(timeout_ms);
                // Somebody commits every 400 milliseconds.
                now_ms.set(now_ms.get() + timeout_ms.min(400));
                Ok(seen + 1)
            })
            .unwrap()
        };
        assert_eq!(round(5), 8);
        assert_eq!((now_ms.get(), asked.take()), (1001, vec![FOLLOWED_MS, 601, 201]));
        // The first change after a quiet time is shown at once.
        assert_eq!(round(8), 9);
    }
}
