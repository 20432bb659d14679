//! Changes of jobs that are in the spool already: rows of jobs, documents, entries and explicit values.

use crate::model::field::{Field, Value};
use crate::model::job::Origin;
use crate::model::lifetime::Retention;
use crate::model::state::EntryState;
use crate::model::{DocumentId, Failure, JobId, LocationId};

use super::job::{JobRow, octets};
use super::value::{columns, values};
use super::{Fallible, Lock, Tx, backlog, tally};

columns!(was_at { location_id, owner_uid });

/// Writes everything of a job that can be changed.
pub(crate) fn update_job(tx: &Tx<'_>, j: &JobRow) -> Fallible<()> {
    tx.demand_lock(Lock::Job(j.id))?;
    backlog::counting(tx, j.id, || write_job(tx, j))
}

fn write_job(tx: &Tx<'_>, j: &JobRow) -> Fallible<()> {
    let was = tx.one(made_once!("SELECT {} FROM job WHERE id = ?", was_at::LIST), values![j.id], |row| {
        Ok((row.get::<Option<LocationId>>(was_at::location_id)?, row.get::<u32>(was_at::owner_uid)?))
    })?;
    if let Some((location, owner)) = was {
        if location != j.location {
            tally::add_at(tx, location, -1)?;
            tally::add_at(tx, j.location, 1)?;
        }
        if owner != j.owner_uid {
            tally::add_of(tx, (&j.owner_server, owner), -1, -octets(j.octets))?;
            tally::add_of(tx, (&j.owner_server, j.owner_uid), 1, octets(j.octets))?;
        }
    }
    tx.change(
        "the job",
        "UPDATE job SET local_id = ?, owner_uid = ?, owner_gid = ?, owner = ?, name = ?, form = ?, priority = ?,
             hold_after = ?, group_id = ?, location_id = ?, route_id = ?, class_id = ?, work = ?, pages = ?,
             sort_promoted = ?, sort_rank = ?, sort_key = ?, sort_sequence = ?, sort_place = ?, retention = ?,
             discard_ms = ?, print_after_ms = ?, deadline_ms = ?, sort_deadline = ?, sort_pages = ?,
             owner_vouched = ? WHERE id = ?",
        values![
            j.local,
            j.owner_uid,
            j.owner_gid,
            j.owner,
            j.name,
            j.form,
            j.priority,
            j.hold_after,
            j.group,
            j.location,
            j.route,
            j.class,
            j.work,
            j.pages,
            j.sort.promoted,
            j.sort.rank,
            j.sort.key,
            j.sort.sequence,
            j.place,
            j.lifetime.retention.map(Retention::stored),
            j.lifetime.discard_ms,
            j.lifetime.print_after_ms,
            j.deadline_ms,
            j.sort.deadline,
            j.sort.pages,
            j.owner_vouched,
            j.id
        ],
    )
}

/// Gives the entries of a job that no device has its class, position and work.
pub(crate) fn rekey_entries(tx: &Tx<'_>, j: &JobRow) -> Fallible<()> {
    backlog::counting(tx, j.id, || {
        tx.run(
            "UPDATE entry SET class_id = ?, promoted = ?, rank = ?, sort_key = ?, sequence = ?, deadline = ?,
                 sort_pages = ?, work = ?
             WHERE job_id = ? AND state IN (?, ?, ?)",
            values![
                j.class,
                j.sort.promoted,
                j.sort.rank,
                j.sort.key,
                j.sort.sequence,
                j.sort.deadline,
                j.sort.pages,
                j.work,
                j.id,
                EntryState::Queued,
                EntryState::Done,
                EntryState::Withdrawn
            ],
        )
        .map(drop)
    })
}

/// Removes the entries of a job that no device has, so that others can be made.
pub(crate) fn delete_entries(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    backlog::counting(tx, job, || {
        tx.run(
            "DELETE FROM entry WHERE job_id = ? AND state IN (?, ?, ?)",
            values![job, EntryState::Queued, EntryState::Done, EntryState::Withdrawn],
        )
        .map(drop)
    })
}

/// Notes on the entries of a job that no device has that octets of an earlier attempt may be on paper.
pub(crate) fn mark_duplicate(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run(
        "UPDATE entry SET duplicate = ? WHERE job_id = ? AND state IN (?, ?, ?)",
        values![true, job, EntryState::Queued, EntryState::Done, EntryState::Withdrawn],
    )?;
    Ok(())
}

/// Puts the withdrawn entries of a job back into the queues, where they stood.
pub(crate) fn restore_entries(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    backlog::counting(tx, job, || {
        tx.run(
            "UPDATE entry SET state = ? WHERE job_id = ? AND state = ?",
            values![EntryState::Queued, job, EntryState::Withdrawn],
        )
        .map(drop)
    })
}

/// Sets the copies of a document.
pub(crate) fn set_copies(tx: &Tx<'_>, id: DocumentId, copies: u32) -> Fallible<()> {
    tx.change("the document", "UPDATE document SET copies = ? WHERE id = ?", values![copies, id])
}

/// Keeps `value` as what a user gave explicitly for a document (0 = the job), or forgets what was given.
pub(crate) fn set_value(tx: &Tx<'_>, job: JobId, document: u32, field: Field, value: Option<&Value>) -> Fallible<()> {
    keep_value(tx, job, (document, field), value, Origin::User)
}

/// Notes `value` of an attribute that only the spool sets.
pub(crate) fn note_value(tx: &Tx<'_>, job: JobId, field: Field, value: &Value) -> Fallible<()> {
    keep_value(tx, job, (0, field), Some(value), Origin::Spool)
}

/// Forgets what was not given by a user: what a destination or a default job gave. The job keeps its priority, so it is
/// still known where that comes from.
pub(crate) fn forget_defaults(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    tx.run(
        "DELETE FROM job_value WHERE job_id = ? AND origin IN (?, ?) AND NOT (document = 0 AND field = ?)",
        values![job, Origin::DefaultJob, Origin::Destination, Field::JobPriority.stored()],
    )?;
    Ok(())
}

fn keep_value(
    tx: &Tx<'_>,
    job: JobId,
    (document, field): (u32, Field),
    value: Option<&Value>,
    origin: Origin,
) -> Fallible<()> {
    tx.run(
        "DELETE FROM job_value WHERE job_id = ? AND document = ? AND field = ?",
        values![job, document, field.stored()],
    )?;
    let Some(value) = value else { return Ok(()) };
    let json = serde_json::to_string(value).map_err(|error| Failure::internal(format!("attribute value: {error}")))?;
    tx.run(
        "INSERT INTO job_value (job_id, document, field, position, value, origin, set_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values![job, document, field.stored(), 0_u32, json, origin, tx.caller().map(|caller| caller.uid).ok()],
    )?;
    Ok(())
}
