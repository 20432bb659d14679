//! The jobs of a destination, a queue or the server, and what takes them off their devices.

use crate::commands::pd::Shell;
use crate::commands::pd::jobs::changes::{gone, say_gone, stopped};
use crate::model::device::DeviceStatus;
use crate::model::field::{Field, Value};
use crate::model::job::JobStatus;
use crate::model::location::Destination;
use crate::model::query::{Comparison, Condition, Order, PAGE, Parts, Query};
use crate::model::state::JobState;
use crate::model::{DeviceName, Failure, FailureKind, GlobalJobId, GroupName, JobRef, LocationPattern};
use crate::spool::interface::operations::Operations;

/// What the name of a destination means.
pub enum Place {
    /// A logical destination.
    Logical(Destination),
    /// An actual one, and the way to it from its queue, where it has one.
    Actual(Box<DeviceStatus>, Option<Destination>),
}

/// Finds what the name of a destination means. `$name` always means an actual one.
///
/// # Errors
/// The spool's, when nothing has that name.
pub fn place(spool: &mut dyn Operations, name: &str) -> Result<Place, Failure> {
    let device = name.parse::<DeviceName>();
    let resolved = match name.starts_with('$') {
        true => None,
        false => spool.resolve_destination(name.to_owned()).ok(),
    };
    // The way to an actual destination has the name of its device.
    let outlet = |destination: &Destination| match (destination, &device) {
        (Destination::Plain(location) | Destination::Location(location), Ok(device)) => {
            location.dest.as_str().eq_ignore_ascii_case(&device.to_string())
        }
        _ => false,
    };
    match resolved {
        Some(destination) if !outlet(&destination) => Ok(Place::Logical(destination)),
        way => match device {
            Ok(device) => match spool.device(device) {
                Ok(status) => Ok(Place::Actual(Box::new(status), way)),
                Err(failure) if failure.kind == FailureKind::NotFound => match way {
                    Some(destination) => Ok(Place::Logical(destination)),
                    // The spool knows the names that resemble it.
                    None => Err(spool.resolve_destination(name.to_owned()).err().unwrap_or(failure)),
                },
                Err(failure) => Err(failure),
            },
            Err(bad) => Err(spool.resolve_destination(name.to_owned()).err().unwrap_or_else(|| bad.into())),
        },
    }
}

/// The jobs that a device has, or that were sent to it alone.
pub fn of_device(device: &DeviceName, way: Option<Destination>) -> Condition {
    let assigned = Condition::Field(Field::DestinationsAssigned, Comparison::Equal, Value::Text(device.to_string()));
    match way {
        Some(way) => Condition::Either(vec![assigned, Condition::Destination(way)]),
        None => assigned,
    }
}

/// The jobs of a queue.
///
/// # Errors
/// `name` is no name of a queue.
pub fn of_queue(name: &str) -> Result<Condition, Failure> {
    let group: GroupName = name.trim_start_matches('#').parse()?;
    Ok(Condition::Location(LocationPattern::Group(group)))
}

/// The same jobs without those that are kept after their end.
pub fn not_retained(condition: Condition) -> Condition {
    let retained = Condition::State(JobState::Retained);
    Condition::All(vec![condition, Condition::Not(Box::new(retained))])
}

/// Returns the names of the jobs that fulfil `condition`.
///
/// # Errors
/// The spool cannot be asked.
pub fn names(spool: &mut dyn Operations, condition: Condition) -> Result<Vec<GlobalJobId>, Failure> {
    let query = Query { condition, order: Order::Number, parts: Parts::JOB };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = spool.jobs(query.clone(), after, PAGE)?;
        found.extend(page.rows.into_iter().map(|job| job.global));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Takes a job off the device that prints it and lets it wait again where it stood: any device of its queue may take it. One
/// that has ended meanwhile, or is on no device, is left alone.
///
/// # Errors
/// The spool refuses it, or the device does not let go of the job: then the job stays paused.
pub fn give_back(
    spool: &mut dyn Operations,
    job: &JobStatus,
    message: Option<&str>,
    shell: &mut Shell<'_>,
    program: &str,
) -> Result<(), Failure> {
    let global = JobRef::Global(job.global.clone());
    let was_printing = gone(spool, job)?;
    match spool.pause_job(global.clone(), message.map(str::to_owned)) {
        Ok(()) => {}
        Err(failure) if matches!(failure.kind, FailureKind::NotFound | FailureKind::State) => return Ok(()),
        Err(failure) => return Err(failure),
    }
    let status = match stopped(spool, &global, &global, shell, program) {
        Ok(status) => status,
        // It came to its end first.
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(()),
        Err(failure) => return Err(failure),
    };
    say_gone(was_printing, &global, shell, program);
    if status.state.is_on_device() {
        return Err(Failure::new(FailureKind::Timeout, format!("job {global} is still with its device"))
            .hint(format!("pdresume -c job {global}   lets it wait again when the device has let go of it")));
    }
    match spool.resume_job(global, None) {
        // It is not paused any more: somebody else has resumed or removed it.
        Err(failure) if matches!(failure.kind, FailureKind::NotFound | FailureKind::State) => Ok(()),
        other => other,
    }
}

/// Gives back every job that fulfils `condition` and is on a device now.
///
/// # Errors
/// As [`give_back`], of the first job that fails; the others are given back all the same.
pub fn give_all_back(
    spool: &mut dyn Operations,
    condition: Condition,
    message: Option<&str>,
    shell: &mut Shell<'_>,
    program: &str,
) -> Result<(), Failure> {
    let mut first = None;
    for name in names(spool, not_retained(condition))? {
        let job = match spool.job(JobRef::Global(name)) {
            // One that its printer has whole cannot be taken back: it would print twice.
            Ok(job) if job.state == JobState::Printing => job,
            Ok(_) => continue,
            Err(failure) if failure.kind == FailureKind::NotFound => continue,
            Err(failure) => return Err(failure),
        };
        if let Err(failure) = give_back(spool, &job, message, shell, program) {
            first.get_or_insert(failure);
        }
    }
    first.map_or(Ok(()), Err)
}
