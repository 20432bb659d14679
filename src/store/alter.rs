//! Changes of jobs that are in the spool already: rows of jobs, documents, entries and explicit values.

use rusqlite::{Connection, params};

use crate::model::field::{Field, Value};
use crate::model::{DocumentId, Failure, JobId};

use super::job::JobRow;
use super::{Fallible, signed};

/// Writes everything of a job that can be changed.
///
/// # Errors
/// When it cannot be written.
pub fn update_job(db: &Connection, j: &JobRow) -> Fallible<()> {
    db.prepare_cached(
        "UPDATE job SET local_id = ?, owner_uid = ?, owner_gid = ?, owner = ?, name = ?, form = ?, priority = ?,
             hold_after = ?, group_id = ?, location_id = ?, route_id = ?, class_id = ?, work = ?, pages = ?,
             sort_promoted = ?, sort_rank = ?, sort_key = ?, sort_sequence = ? WHERE id = ?",
    )?
    .execute(params![
        j.local.0,
        j.owner_uid,
        j.owner_gid,
        j.owner,
        j.name,
        j.form,
        j.priority.get(),
        j.hold_after,
        j.group.0,
        j.location.map(|l| l.0),
        j.route.0,
        j.class.0,
        signed(j.work),
        j.pages.map(signed),
        j.sort.promoted,
        j.sort.rank,
        j.sort.key,
        j.sort.sequence,
        j.id.0
    ])?;
    Ok(())
}

/// Gives the entries of a job that no device has its class, position and work.
///
/// # Errors
/// When it cannot be written.
pub fn rekey_entries(db: &Connection, j: &JobRow) -> Fallible<()> {
    db.prepare_cached(
        "UPDATE entry SET class_id = ?, promoted = ?, rank = ?, sort_key = ?, sequence = ?, work = ?
         WHERE job_id = ? AND state IN (0, 3, 4)",
    )?
    .execute(params![
        j.class.0,
        j.sort.promoted,
        j.sort.rank,
        j.sort.key,
        j.sort.sequence,
        signed(j.work),
        j.id.0
    ])?;
    Ok(())
}

/// Removes the entries of a job, so that others can be made.
///
/// # Errors
/// When it cannot be written.
pub fn delete_entries(db: &Connection, job: JobId) -> Fallible<()> {
    db.prepare_cached("DELETE FROM entry WHERE job_id = ?")?.execute([job.0])?;
    Ok(())
}

/// Notes on the entries of a job that octets of an earlier attempt may be on paper.
///
/// # Errors
/// When it cannot be written.
pub fn mark_duplicate(db: &Connection, job: JobId) -> Fallible<()> {
    db.prepare_cached("UPDATE entry SET duplicate = 1 WHERE job_id = ?")?.execute([job.0])?;
    Ok(())
}

/// Puts the withdrawn entries of a job back into the queues, where they stood.
///
/// # Errors
/// When it cannot be written.
pub fn restore_entries(db: &Connection, job: JobId) -> Fallible<()> {
    db.prepare_cached("UPDATE entry SET state = 0 WHERE job_id = ? AND state = 4")?.execute([job.0])?;
    Ok(())
}

/// Sets the copies of a document.
///
/// # Errors
/// When it cannot be written.
pub fn set_copies(db: &Connection, id: DocumentId, copies: u32) -> Fallible<()> {
    db.prepare_cached("UPDATE document SET copies = ? WHERE id = ?")?.execute(params![copies, id.0])?;
    Ok(())
}

/// Keeps `value` as what a user gave explicitly for a document (0 = the job), or forgets what was given.
///
/// # Errors
/// When it cannot be written.
pub fn set_value(db: &Connection, job: JobId, document: u32, field: Field, value: Option<&Value>) -> Fallible<()> {
    db.prepare_cached("DELETE FROM job_value WHERE job_id = ? AND document = ? AND field = ?")?.execute(params![
        job.0,
        document,
        field.stored()
    ])?;
    let Some(value) = value else { return Ok(()) };
    let json = serde_json::to_string(value).map_err(|error| Failure::internal(format!("attribute value: {error}")))?;
    db.prepare_cached(
        "INSERT INTO job_value (job_id, document, field, position, value, origin) VALUES (?, ?, ?, 0, ?, ?)",
    )?
    .execute(params![job.0, document, field.stored(), json, crate::model::job::Origin::User.word()])?;
    Ok(())
}
