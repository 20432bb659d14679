//! `cancel` and `lprm`: removal.

use std::ffi::OsString;

use super::options::{Item, read};
use super::{Stop, about_job, job_number, open, queues, reference};
use crate::commands::shell::{Intent, Shell};
use crate::model::job::JobStatus;
use crate::model::printable::escaped;
use crate::model::query::{Condition, Order, PAGE, Parts, Query};
use crate::model::state::JobState;
use crate::model::{Failure, JobNumber};
use crate::spool::interface::operations::Operations;

/// Runs `cancel`.
pub fn cancel(words: &[OsString], shell: &mut Shell<'_>) -> Result<(), Stop> {
    let (mut all, mut users, mut host, mut named) = (false, Vec::new(), None, Vec::new());
    for item in read(words, "au:xh:EU:")? {
        match item {
            Item::Option('a', _) => all = true,
            Item::Option('u', value) => users.extend(value),
            Item::Option('h', value) => host = value,
            Item::Option(..) => {}
            Item::Argument(word) => named.push(word.to_string_lossy().into_owned()),
        }
    }
    let mut spool = open(shell, host.as_deref(), Intent::Write)?;
    let mut trouble = false;
    if named.is_empty() {
        if !all && users.is_empty() {
            return Err(Stop::Says("Error - no job, no destination and no -a or -u.".to_owned()));
        }
        let wanted = Condition::Any;
        trouble |= !remove_all(spool.as_mut(), wanted, &users, "cancel", shell)?;
    }
    for word in &named {
        // A queue may end in digits: what is a queue is one, unless it is no name of a queue at all.
        let queue = queues::find(spool.as_mut(), word).ok();
        match (job_number(word), queue) {
            (_, Some(destination)) if all || !users.is_empty() => {
                trouble |= !remove_all(spool.as_mut(), Condition::Destination(destination), &users, "cancel", shell)?;
            }
            (Some(number), None) => trouble |= !remove(spool.as_mut(), number, "cancel: cancel-job failed", shell),
            (_, Some(destination)) => {
                if let Some(number) = current(spool.as_mut(), Condition::Destination(destination))? {
                    trouble |= !remove(spool.as_mut(), number, "cancel: cancel-job failed", shell);
                }
            }
            (None, None) => {
                trouble = true;
                let _ = writeln!(shell.err, "cancel: Error - unknown destination \"{}\".", escaped(word));
            }
        }
    }
    if trouble { Err(Stop::Said) } else { Ok(()) }
}

/// Runs `lprm`.
pub fn lprm(words: &[OsString], shell: &mut Shell<'_>) -> Result<(), Stop> {
    let (mut queue, mut host, mut named) = (None, None, Vec::new());
    for item in read(words, "P:h:EU:")? {
        match item {
            Item::Option('P', value) => queue = value,
            Item::Option('h', value) => host = value,
            Item::Option(..) => {}
            Item::Argument(word) => named.push(word.to_string_lossy().into_owned()),
        }
    }
    let mut spool = open(shell, host.as_deref(), Intent::Write)?;
    let name = queue.clone().or_else(|| queues::usual(spool.as_mut(), shell));
    let found = name.as_ref().map(|name| queues::find(spool.as_mut(), name));
    let unknown = || Stop::Says("Error - The printer or class does not exist.".to_owned());
    let destination = match found {
        Some(Ok(destination)) => Some(destination),
        Some(Err(_)) if queue.is_some() => return Err(unknown()),
        _ => None,
    };
    let here = destination.map_or(Condition::Any, Condition::Destination);
    let mut trouble = false;
    if named.is_empty()
        && let Some(number) = current(spool.as_mut(), here.clone())?
    {
        trouble |= !remove(spool.as_mut(), number, "lprm", shell);
    }
    for word in &named {
        match (word.as_str(), job_number(word)) {
            ("-", _) => {
                let user = crate::sys::users::caller().user;
                trouble |= !remove_all(spool.as_mut(), here.clone(), &[user], "lprm", shell)?;
            }
            (_, Some(number)) => trouble |= !remove(spool.as_mut(), number, "lprm", shell),
            (user, None) => trouble |= !remove_all(spool.as_mut(), here.clone(), &[user.to_owned()], "lprm", shell)?,
        }
    }
    if trouble { Err(Stop::Said) } else { Ok(()) }
}

/// Removes a job; what it says begins with `begins`. Tells whether it is removed.
fn remove(spool: &mut dyn Operations, number: JobNumber, begins: &str, shell: &mut Shell<'_>) -> bool {
    match spool.delete_job(reference(number), None, None) {
        Ok(_) => true,
        Err(failure) => {
            let what = about_job(number, &failure);
            // A closed standard error must not turn into a failure.
            let _ = writeln!(shell.err, "{begins}: {what}");
            false
        }
    }
}

/// Removes the jobs of a condition that have not ended: those of `users`, or of everybody. Tells whether all are removed.
fn remove_all(
    spool: &mut dyn Operations,
    condition: Condition,
    users: &[String],
    program: &str,
    shell: &mut Shell<'_>,
) -> Result<bool, Stop> {
    // Found first: what is removed is in the way of no page.
    let mut numbers = Vec::new();
    each(spool, condition, |job| {
        if users.is_empty() || users.contains(&job.owner) {
            numbers.push(job.number);
        }
    })?;
    let begins = if program == "cancel" { "cancel: cancel-job failed" } else { program };
    let mut removed = true;
    for number in numbers {
        removed &= remove(spool, number, begins, shell);
    }
    Ok(removed)
}

/// Returns the job in print, or the first one that waits.
fn current(spool: &mut dyn Operations, condition: Condition) -> Result<Option<JobNumber>, Stop> {
    let (mut first, mut printing) = (None, None);
    each(spool, condition, |job| match job.state {
        JobState::Printing => printing = printing.or(Some(job.number)),
        _ => first = first.or(Some(job.number)),
    })?;
    Ok(printing.or(first))
}

/// Hands each job of a condition that has not ended to `take`.
pub fn each(spool: &mut dyn Operations, condition: Condition, mut take: impl FnMut(&JobStatus)) -> Result<(), Failure> {
    let query = Query { condition, order: Order::Schedule, parts: Parts::DOCUMENTS };
    let mut after = None;
    loop {
        let page = spool.jobs(query.clone(), after, PAGE)?;
        page.rows
            .iter()
            .filter(|job| !matches!(job.state, JobState::Retained | JobState::Terminating))
            .for_each(&mut take);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
