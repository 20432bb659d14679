//! Values that were given explicitly, with their origin.
//!
//! A value whose attribute has a column is beside it: this says that it was given, and by whom. One that is only carried is
//! nowhere else.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::model::field::Field;
use crate::model::job::{GivenValue, Origin};
use crate::model::{Failure, JobId};

use super::Fallible;

/// What was given for the jobs from `first` to `last` and for their documents.
///
/// # Errors
/// When it cannot be read, or is none of what is written here.
pub fn given(db: &Connection, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<GivenValue>>> {
    let mut statement = db.prepare_cached(
        "SELECT job_id, document, field, value, origin FROM job_value WHERE job_id BETWEEN ? AND ?
         ORDER BY job_id, document, field, position",
    )?;
    let mut rows = statement.query([first.0, last.0])?;
    let mut found: BTreeMap<JobId, Vec<GivenValue>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let job = JobId(row.get("job_id")?);
        let (field, value, origin) = (row.get_ref("field")?, row.get_ref("value")?, row.get_ref("origin")?);
        let odd = |what: &str| Failure::internal(format!("spool.db: {what} of a value of job {} is unknown", job.0));
        let text =
            |column: rusqlite::types::ValueRef<'_>, what| column.as_str().map(str::to_owned).map_err(|_| odd(what));
        let field = Field::from_stored(&text(field, "the name")?).ok_or_else(|| odd("the name"))?;
        let value = serde_json::from_str(&text(value, "the text")?).map_err(|_| odd("the text"))?;
        let origin = Origin::from_word(&text(origin, "the origin")?).ok_or_else(|| odd("the origin"))?;
        let given = GivenValue { document: row.get("document")?, field, value, origin };
        found.entry(job).or_default().push(given);
    }
    Ok(found)
}
