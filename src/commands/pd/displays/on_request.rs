//! Attributes for which the spool is asked job by job, and only when they are named: `why` and `log`.

use super::record::Record;
use crate::attributes::NONE;
use crate::commands::pd::command_line::selection::Selection;
use crate::commands::{forecast, log, why};
use crate::model::field::{Field, Value};
use crate::model::{Failure, FailureKind, GlobalJobId, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;

/// Returns whether `selection` has attributes for which the spool is asked job by job.
pub fn is_asked(selection: &Selection) -> bool {
    selection.object.iter().any(|row| row.asked)
}

/// Asks the spool for what `selection` names and `record` does not hold yet. A job that is gone since has no value. With `ahead`
/// it says when a job prints, which costs as much as jobs are before it.
pub fn complete(
    spool: &mut dyn Operations,
    record: &mut Record,
    selection: &Selection,
    job: &GlobalJobId,
    times: &why::Times,
    ahead: bool,
) -> Result<(), Failure> {
    for (row, value) in selection.object.iter().zip(&mut record.values) {
        let answer = match row.field {
            Field::Why => reasons(spool, job, times, ahead),
            Field::Log => history(spool, job, times),
            _ => continue,
        };
        let (lines, objects) = match answer {
            Ok(answer) => answer,
            Err(failure) if failure.kind == FailureKind::NotFound => (NONE, Vec::new()),
            Err(failure) => return Err(failure),
        };
        *value = lines;
        record.structured.push((row.field, objects.into()));
    }
    Ok(())
}

type Answer = (Value, Vec<serde_json::Value>);

fn reasons(spool: &mut dyn Operations, job: &GlobalJobId, times: &why::Times, ahead: bool) -> Result<Answer, Failure> {
    let found = spool.why(JobRef::Global(job.clone()))?;
    let mut lines: Vec<Value> = found.causes.iter().map(|cause| Value::Text(why::words(cause, times))).collect();
    let mut objects: Vec<_> = found.causes.iter().map(|cause| why::object(cause, times)).collect();
    if ahead && let Some(forecast) = forecast::ahead(spool, &found)? {
        lines.push(Value::Text(forecast::words(&forecast)));
        objects.push(forecast::object(&forecast));
    }
    Ok((Value::Many(lines), objects))
}

fn history(spool: &mut dyn Operations, job: &GlobalJobId, times: &why::Times) -> Result<Answer, Failure> {
    let (mut lines, mut objects) = (Vec::new(), Vec::new());
    log::pages(spool, &EventSubject::Job(JobRef::Global(job.clone())), |page| {
        lines.extend(page.iter().map(|event| Value::Text(log::line(event, times))));
        objects.extend(page.iter().map(log::object));
        Ok::<(), Failure>(())
    })?;
    Ok((Value::Many(lines), objects))
}
