//! Values that were given explicitly, with their origin.
//!
//! A value whose attribute has a column is beside it: this says that it was given, and by whom. One that is only carried is
//! nowhere else.

use std::collections::BTreeMap;

use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, Origin};
use crate::model::{Failure, JobId};

use super::value::{columns, values};
use super::{Fallible, Tx};

columns!(given { job_id, document, field, value, origin });

/// Reads the text of a value that was given for `job`.
pub(super) fn parse(text: &str, job: JobId) -> Fallible<Value> {
    serde_json::from_str(text)
        .map_err(|_| Failure::internal(format!("spool.db: the text of a value of job {} is unknown", job.0)))
}

/// Returns what was given for the jobs from `first` to `last` and for their documents.
pub(crate) fn of_jobs(tx: &Tx<'_>, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<GivenValue>>> {
    let mut found: BTreeMap<JobId, Vec<GivenValue>> = BTreeMap::new();
    tx.each(
        made_once!(
            "SELECT {} FROM job_value WHERE job_id BETWEEN ? AND ? ORDER BY job_id, document, field, position",
            given::LIST
        ),
        values![first, last],
        |row| {
            let job: JobId = row.get(given::job_id)?;
            let text: String = row.get(given::value)?;
            let value = parse(&text, job)?;
            found.entry(job).or_default().push(GivenValue {
                document: row.get(given::document)?,
                field: row.get(given::field)?,
                value,
                origin: row.get(given::origin)?,
            });
            Ok(())
        },
    )?;
    Ok(found)
}

/// Returns where a value that was given for a job came from.
pub(crate) fn origin(tx: &Tx<'_>, job: JobId, field: Field) -> Fallible<Option<Origin>> {
    let sql = "SELECT origin FROM job_value WHERE job_id = ? AND document = 0 AND field = ?";
    tx.one(sql, values![job, field.stored()], |row| row.only())
}
