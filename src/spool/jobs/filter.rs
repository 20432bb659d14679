//! Whether a job satisfies a condition.
//!
//! The functions here compare; they read nothing and change nothing. [`parts`] tells the caller beforehand what to
//! read: a condition on a part that was not read would silently find no value. The caller's user id matters for local
//! job ids only.

use crate::model::field::{Field, Value};
use crate::model::job::JobStatus;
use crate::model::location::Destination;
use crate::model::query::{Comparison, Condition, Parts};
use crate::model::state::HoldReason;
use crate::model::{JobRef, LocationPattern};

/// Tells whether `job` satisfies `condition` for the user with id `uid`.
pub fn satisfies(job: &JobStatus, condition: &Condition, uid: u32) -> bool {
    match condition {
        Condition::Any => true,
        Condition::All(parts) => parts.iter().all(|part| satisfies(job, part, uid)),
        Condition::Either(parts) => parts.iter().any(|part| satisfies(job, part, uid)),
        Condition::Not(part) => !satisfies(job, part, uid),
        Condition::Job(JobRef::Number(number)) => job.number == *number,
        Condition::Job(JobRef::Local(local)) => job.local == *local && job.owner_uid == uid,
        Condition::Job(JobRef::Serial(serial)) => job.global.serial == *serial,
        Condition::Job(JobRef::Global(global)) => job.global == *global,
        Condition::UserName(user) => job.user_name == *user,
        Condition::Owner(owner) => job.owner == *owner,
        Condition::State(state) => job.state == *state,
        Condition::Destination(destination) => job.destination == *destination,
        Condition::Location(pattern) => at(&job.destination, pattern),
        Condition::Field(field, comparison, wanted) => {
            values(job, *field).iter().any(|found| compares(found, *comparison, wanted))
        }
    }
}

/// Returns what has to be read of a job to decide `condition` and to show `wanted`.
pub(crate) fn parts(condition: &Condition, wanted: Parts) -> Parts {
    match condition {
        Condition::All(conditions) | Condition::Either(conditions) => {
            conditions.iter().fold(wanted, |found, one| parts(one, found))
        }
        Condition::Not(one) => parts(one, wanted),
        Condition::Field(field, ..) => Parts { documents: wanted.documents || is_of_documents(*field) },
        Condition::Any
        | Condition::Job(_)
        | Condition::UserName(_)
        | Condition::Owner(_)
        | Condition::State(_)
        | Condition::Destination(_)
        | Condition::Location(_) => wanted,
    }
}

/// Tells whether the values of a field come from the documents of a job.
fn is_of_documents(field: Field) -> bool {
    matches!(
        field,
        Field::NumberOfDocuments
            | Field::DocumentFormat
            | Field::DocumentFileName
            | Field::OctetCount
            | Field::PageCount
            | Field::CopyCount
            | Field::DocumentSequenceNumber
            | Field::DocumentContent
    )
}

/// Tells whether a job that was sent to `destination` was sent to a location that matches `pattern`.
pub(crate) fn at(destination: &Destination, pattern: &LocationPattern) -> bool {
    match (destination, pattern) {
        (Destination::Location(name), LocationPattern::One(wanted)) => name == wanted,
        (Destination::Location(name), LocationPattern::Group(group)) => name.group == *group,
        (Destination::Location(name), LocationPattern::EveryGroup(dest)) => name.dest == *dest,
        (Destination::Group(group), LocationPattern::Group(wanted)) => group == wanted,
        (Destination::Group(_), _) => false,
    }
}

/// Returns the values that a field of a job has: none, one or several.
fn values(job: &JobStatus, field: Field) -> Vec<Value> {
    let text = |text: String| vec![Value::Text(text)];
    let number = |n: u64| vec![Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))];
    match field {
        Field::JobClientId => number(u64::from(job.local.0)),
        Field::JobIdentifier => text(job.global.to_string()),
        Field::JobNumber => number(u64::from(job.number.get())),
        Field::JobName => text(job.name.clone()),
        Field::JobOwner => text(job.owner.clone()),
        Field::UserName => text(job.user_name.clone()),
        Field::CurrentJobState => text(job.state.infoprint().to_owned()),
        Field::JobStateReasons => job.reasons.iter().map(|r| Value::Text(r.keyword().to_owned())).collect(),
        Field::InterveningJobs => job.intervening.map(|n| Value::Integer(i64::from(n))).into_iter().collect(),
        Field::DestinationNameRequested => text(job.destination.to_string().trim_start_matches('#').to_owned()),
        Field::DestinationsAssigned => job.devices.iter().map(|d| Value::Text(d.to_string())).collect(),
        Field::JobPriority => number(u64::from(job.priority.get())),
        Field::JobHold => vec![Value::Boolean(job.reasons.has(HoldReason::Operator))],
        Field::TotalJobOctets => number(job.total_octets),
        Field::JobPageCount => job.pages.map(number).unwrap_or_default(),
        Field::NumberOfDocuments => number(job.documents.len() as u64),
        Field::CreationTime | Field::SubmissionTime => vec![Value::Time(job.created_ms)],
        Field::StartedPrintingTime => job.started_ms.map(Value::Time).into_iter().collect(),
        Field::Form => text(job.form.clone()),
        Field::HoldAfter => vec![Value::Boolean(job.hold_after)],
        Field::DocumentFormat => job.documents.iter().map(|d| Value::Text(d.format.keyword().to_owned())).collect(),
        Field::DocumentFileName => job.documents.iter().map(|d| Value::Text(d.file_name.to_string())).collect(),
        Field::OctetCount => job.documents.iter().flat_map(|d| number(d.octets)).collect(),
        Field::PageCount => job.documents.iter().filter_map(|d| d.pages).flat_map(number).collect(),
        Field::CopyCount => job.documents.iter().flat_map(|d| number(u64::from(d.copies))).collect(),
        Field::DocumentSequenceNumber => job.documents.iter().flat_map(|d| number(u64::from(d.sequence))).collect(),
        Field::DocumentContent => {
            job.documents.iter().map(|d| Value::Text(format!("{}:{}", d.path, d.server))).collect()
        }
        _ => Vec::new(),
    }
}

/// Compares two values. Names of destinations compare without sigil and without case, as they do everywhere.
pub(crate) fn compares(found: &Value, comparison: Comparison, wanted: &Value) -> bool {
    match (found, wanted) {
        (_, _) if comparison == Comparison::Present => true,
        (Value::Text(found), Value::Text(wanted)) => text_compares(found, comparison, wanted),
        (Value::Integer(a), Value::Integer(b)) | (Value::Time(a), Value::Time(b) | Value::Integer(b)) => {
            ordered(a, comparison, b)
        }
        (Value::Integer(a), Value::Text(b)) => b.trim().parse().is_ok_and(|b| ordered(a, comparison, &b)),
        (Value::Boolean(a), Value::Boolean(b)) => comparison == Comparison::Equal && a == b,
        (Value::Boolean(a), Value::Text(b)) => {
            comparison == Comparison::Equal
                && matches!((a, b.as_str()), (true, "true" | "yes") | (false, "false" | "no"))
        }
        (found, Value::Many(wanted)) => wanted.iter().any(|w| compares(found, comparison, w)),
        _ => false,
    }
}

fn text_compares(found: &str, comparison: Comparison, wanted: &str) -> bool {
    match comparison {
        Comparison::Equal => found == wanted || found.eq_ignore_ascii_case(wanted.trim_start_matches(['#', '$'])),
        Comparison::StartsWith => found.starts_with(wanted),
        Comparison::EndsWith => found.ends_with(wanted),
        Comparison::Contains => found.contains(wanted),
        Comparison::Resembles => found.to_lowercase().contains(&wanted.to_lowercase()),
        Comparison::Greater => found > wanted,
        Comparison::Less => found < wanted,
        Comparison::Present => true,
    }
}

fn ordered(a: &i64, comparison: Comparison, b: &i64) -> bool {
    match comparison {
        Comparison::Equal => a == b,
        Comparison::Greater => a > b,
        Comparison::Less => a < b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::tests::Site;

    #[test]
    fn what_a_condition_needs_of_the_documents_is_read() {
        let site = Site::new();
        site.device("LP1", "#A.B", vec![]);
        let with = site.status(site.job("a.b", 1)).unwrap();
        let without = JobStatus { documents: Vec::new(), ..with.clone() };
        for field in Field::ALL {
            if values(&with, *field) != values(&without, *field) {
                assert!(is_of_documents(*field), "{}", field.stored());
            }
        }
    }
}
