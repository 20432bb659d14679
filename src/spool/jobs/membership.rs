//! What it means for a job to be part of a batch ([`super::batch`]): what all of its jobs have in common, and how a job that is
//! being accepted joins it.

use crate::model::alter::JobChange;
use crate::model::{BatchNumber, Failure, FailureKind};
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};

/// Makes the failure for a batch that does not exist.
pub(crate) fn not_found(batch: BatchNumber) -> Failure {
    Failure::not_found(format!("batch {batch}"))
}

/// Returns what must be the same of all jobs of a batch and differs between two jobs, as SPOOLCOM calls it.
pub(crate) fn difference(one: &JobRow, other: &JobRow) -> Option<&'static str> {
    let form = |job: &JobRow| store::device::form_key(&job.form);
    if one.owner_uid != other.owner_uid {
        return Some("OWNER");
    }
    if form(one) != form(other) {
        return Some("FORM");
    }
    ((one.group, one.location) != (other.group, other.location)).then_some("LOC")
}

/// Refuses to send a job on that is part of a batch: its batch has one location.
pub(crate) fn demand_single(job: &JobRow) -> Fallible<()> {
    job.batch.map_or(Ok(()), |batch| Err(is_the_batchs(job, batch.number, "LOC")))
}

fn is_the_batchs(job: &JobRow, batch: BatchNumber, word: &str) -> Failure {
    let why = format!("job {} is part of batch {batch}, and {word} is the batch's", job.number);
    Failure::new(FailureKind::State, why)
        .hint(format!("BATCH {batch}, {word} …   changes it for all of its jobs"))
        .hint(format!("BATCH {batch}, UNLINK {}   takes the job out of it", job.number))
}

/// Refuses to change for one job what belongs to its batch.
pub(crate) fn demand_own(job: &JobRow, changes: &[JobChange]) -> Fallible<()> {
    let Some(batch) = job.batch else { return Ok(()) };
    let word = changes.iter().find_map(|change| match change {
        JobChange::Form(_) => Some("FORM"),
        JobChange::Owner(_) => Some("OWNER"),
        JobChange::Destination { .. } => Some("LOC"),
        _ => None,
    });
    word.map_or(Ok(()), |word| Err(is_the_batchs(job, batch.number, word)))
}

/// Puts a job that is being accepted into a batch, or begins the batch with it.
pub(crate) fn join(tx: &Tx<'_>, job: &JobRow, batch: BatchNumber) -> Fallible<()> {
    if let Some(first) = store::batch::members(tx, batch)?.first() {
        let first = store::job::lock(tx, *first)?.ok_or_else(|| not_found(batch))?;
        if let Some(what) = difference(&first, job) {
            return Err(Failure::new(FailureKind::BadValue, format!("the jobs of batch {batch} have another {what}"))
                .hint(format!("BATCH {batch}   shows them; another number begins another batch")));
        }
    }
    store::batch::link(tx, job.id, batch)
}
