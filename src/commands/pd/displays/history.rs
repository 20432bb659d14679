//! `pdls --history`: finished jobs, those that ended last first.
//!
//! A job that is named is found whether it is finished or not. Without names only finished ones are listed.

use super::display::Display;
use super::on_request;
use super::record::Record;
use crate::attributes::object::Object;
use crate::attributes::{Attribute, Class, of_class};
use crate::commands::pd::Stop;
use crate::commands::pd::command_line::selection::{Requested, Selection, Wanted};
use crate::commands::why::Times;
use crate::model::finished::FinishedStatus;
use crate::model::query::{PAGE, Query};
use crate::spool::interface::operations::Operations;

/// Selects the attributes to show.
///
/// # Errors
/// [`Stop::Usage`] for an attribute that the history does not keep.
pub fn select(requested: &Requested) -> Result<Selection, Stop> {
    let mut selection = Selection::default();
    for wanted in &requested.0 {
        match wanted {
            Wanted::Nothing => {}
            Wanted::Group(level) => {
                let shown = |row: &&Attribute| row.kept.is_some_and(|kept| kept <= *level);
                of_class(Class::Job).filter(shown).for_each(|row| selection.add(row));
            }
            Wanted::Archive => {
                return Err(Stop::usage("a finished job can no longer be archived")
                    .hint("--history -r all   shows what the history keeps"));
            }
            Wanted::Named(row) if row.kept.is_some() => selection.name(row),
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
    let mut record = Record::new(label, selection, &Object::Finished(job));
    on_request::complete(spool, &mut record, selection, &job.global, times, false)?;
    Ok(record)
}
