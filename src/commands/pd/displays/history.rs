//! `pdls --history`: finished jobs, those that ended last first.
//!
//! Jobs that are named are found whether they are finished or not; otherwise only finished ones are listed.

use super::on_request;
use super::record::{Display, Record};
use crate::attributes::{Class, Shown, of_class, values};
use crate::commands::pd::Stop;
use crate::commands::pd::command_line::selection::{Requested, Selection, Wanted};
use crate::commands::why::Times;
use crate::model::field::Field;
use crate::model::finished::FinishedStatus;
use crate::model::query::{PAGE, Query};
use crate::spool::interface::operations::Operations;

/// What the history keeps of a job, each with the smallest group in which it is shown.
const KEPT: &[(Field, Shown)] = &[
    (Field::JobClientId, Shown::Brief),
    (Field::JobIdentifier, Shown::Brief),
    (Field::JobName, Shown::Brief),
    (Field::DestinationNameRequested, Shown::Brief),
    (Field::DestinationsAssigned, Shown::Brief),
    (Field::Outcome, Shown::Brief),
    (Field::CompletionTime, Shown::Brief),
    (Field::TotalJobOctets, Shown::Verbose),
    (Field::JobPageCount, Shown::Verbose),
    (Field::JobOwner, Shown::Verbose),
    (Field::CreationTime, Shown::Verbose),
    (Field::JobNumber, Shown::All),
    (Field::UserName, Shown::All),
    (Field::NumberOfDocuments, Shown::All),
    (Field::Log, Shown::ByName),
];

/// The attributes to show.
///
/// # Errors
/// [`Stop::Usage`] for one that the history does not keep.
pub fn select(requested: &Requested) -> Result<Selection, Stop> {
    let mut selection = Selection::default();
    for wanted in &requested.0 {
        match wanted {
            Wanted::Nothing => {}
            Wanted::Group(level) => {
                let shown = |field| KEPT.iter().any(|kept| kept.0 == field && kept.1 <= *level);
                of_class(Class::Job).filter(|row| shown(row.field)).for_each(|row| selection.add(row));
            }
            Wanted::Named(row) if row.class == Class::Job && KEPT.iter().any(|kept| kept.0 == row.field) => {
                selection.add(row);
            }
            Wanted::Named(row) => {
                return Err(Stop::usage(format!("the history does not keep {}", row.name()))
                    .hint("--history -r all   shows what it keeps; -r log   what happened"));
            }
        }
    }
    Ok(selection)
}

/// Shows the finished jobs of `query`.
pub fn list(spool: &mut dyn Operations, display: &mut Display<'_>, query: &Query, times: &Times) -> Result<(), Stop> {
    let selection = &display.layout().selection;
    let mut after = None;
    loop {
        let page = spool.finished(query.clone(), after, PAGE)?;
        for job in &page.rows {
            display.add(record(spool, selection, job, times)?)?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

fn record(
    spool: &mut dyn Operations,
    selection: &Selection,
    job: &FinishedStatus,
    times: &Times,
) -> Result<Record, Stop> {
    let label = job.global.serial.to_string();
    let mut record = Record::new(label, selection, |field| values::of_finished(job, field));
    on_request::complete(spool, &mut record, selection, &job.global, times)?;
    Ok(record)
}
