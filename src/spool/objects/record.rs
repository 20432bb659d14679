//! The record of what happened to all objects, those that are gone included, and the list of what may have come out twice.
//!
//! Who may: whoever may look at an object sees what happened to it; of jobs only those that the caller sees.

use std::time::{Duration, Instant};

use crate::model::history::{Duplicate, DuplicatePlace, Happening, RecordPlace, Since};
use crate::model::{Call, Failure, FailureKind};
use crate::store::event::{Recorded, doubtful, notable};
use crate::store::{self, Fallible, Tx};
use crate::sys::watch::Watch;

use crate::spool::Spool;
use crate::spool::jobs::visible::Visible;

/// The kind of an event of a job.
const JOB: &str = "job";

impl Spool {
    /// Returns what happened to all objects behind `after`, in the order of the commits, one page; and where the next page
    /// begins, if there may be one. Without `after` it begins since then, which is found once: there always is a place to go on
    /// from.
    pub(crate) fn record_of_all(
        &self,
        call: &Call,
        since: Since,
        after: Option<RecordPlace>,
    ) -> Fallible<(Vec<Happening>, Option<RecordPlace>)> {
        self.look(call, |tx| {
            let from = match after {
                Some(after) => after,
                None => store::event::place(tx, since)?,
            };
            let rows = notable(tx, from)?;
            let next = rows.last().map(|last| last.id).or(after.is_none().then_some(from));
            let mut visible = Visible::of(tx)?;
            let mut found = Vec::new();
            for row in rows {
                found.extend(happening(tx, row, &mut visible)?);
            }
            Ok((found, next))
        })
    }

    /// Returns the jobs that may have come out twice before `before`, those that did so last first, one page; and where the next
    /// page begins, if there is one.
    pub(crate) fn duplicates(
        &self,
        call: &Call,
        before: Option<DuplicatePlace>,
        limit: u32,
    ) -> Fallible<(Vec<Duplicate>, Option<DuplicatePlace>)> {
        self.look(call, |tx| {
            let rows = doubtful(tx, before.unwrap_or((i64::MAX, i64::MAX)), limit)?;
            let next = rows.last().map(|last| (last.3, last.0));
            let mut visible = Visible::of(tx)?;
            let mut found = Vec::new();
            for (id, job, device, at_ms, why) in rows {
                let place = (at_ms, id);
                let device = device.and_then(|name| name.parse().ok());
                let one = match store::job::by_id(tx, job)? {
                    Some(row) if visible.sees_job(tx, &row)? => Duplicate {
                        place,
                        number: row.number,
                        finished: false,
                        owner: row.owner.clone(),
                        destination: Self::job_destination(tx, &row)?,
                        device,
                        at_ms,
                        why,
                    },
                    Some(_) => continue,
                    // It may have left the history since.
                    None => match store::finished::by_id(tx, job)? {
                        Some(row) if visible.sees(tx, row.owner_uid, &row.destination)? => Duplicate {
                            place,
                            number: row.number,
                            finished: true,
                            owner: row.owner,
                            destination: row.destination,
                            device: device.or(row.device),
                            at_ms,
                            why,
                        },
                        _ => continue,
                    },
                };
                found.push(one);
            }
            Ok((found, next))
        })
    }
}

impl Spool {
    /// Waits until something has been committed since the change `seen`, or until `timeout`, and returns the last change. A commit
    /// wakes the wait; nothing is polled.
    pub(crate) fn await_change(&self, seen: u64, timeout: Duration, again: &dyn Fn() -> Call) -> Fallible<u64> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let now = self.look(&again(), |tx| Ok(store::generation::of(tx)?.generation))?;
            let left = deadline.saturating_duration_since(Instant::now());
            if now != seen || left.is_zero() {
                return Ok(now);
            }
            watch.wait(left).map_err(io)?;
        }
    }
}

/// Names the object of an event; none for a job that the caller does not see.
fn happening(tx: &Tx<'_>, row: Recorded, visible: &mut Visible) -> Fallible<Option<Happening>> {
    let place = row.id;
    if row.kind == JOB {
        let id = crate::model::JobId(row.object);
        let number = match store::job::by_id(tx, id)? {
            Some(job) => visible.sees_job(tx, &job)?.then_some(job.number),
            None => match store::finished::by_id(tx, id)? {
                Some(job) => visible.sees(tx, job.owner_uid, &job.destination)?.then_some(job.number),
                None => None,
            },
        };
        let of = |number: crate::model::JobNumber| Happening {
            place,
            kind: row.kind,
            name: number.to_string(),
            event: row.event,
            changes: Vec::new(),
        };
        return Ok(number.map(of));
    }
    let changed = store::config::changes(tx, row.id)?;
    // What became of a group is an event of the spool.
    let (kind, id) = changed.first().map_or_else(|| (row.kind.clone(), row.object), |(object, _)| object.clone());
    let name = store::config::name(tx, &kind, id)?.unwrap_or_default();
    let changes = changed.into_iter().filter_map(|(_, change)| change).collect();
    Ok(Some(Happening { place, kind, name, event: row.event, changes }))
}
