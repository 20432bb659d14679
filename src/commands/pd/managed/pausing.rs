//! What `pdpause` and `pdresume` do to actual destinations, queues and the server.

use crate::attributes::Class;
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::options::{self, Item, Meaning, Setting};
use crate::commands::pd::managed::request::ManagedRequest;
use crate::commands::pd::runner::CommandLine;
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::managed::{ManagedObject, PauseWhen};
use crate::model::{DeviceName, Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

/// Pauses (`pause`) or resumes the objects of `class` that `line` names, its class taken out. `jobs` = only the jobs that
/// the destinations print.
///
/// # Errors
/// [`Stop::Usage`] for what cannot be asked for.
pub fn run(mut line: CommandLine, shell: &mut Shell<'_>, class: Class, pause: bool, jobs: bool) -> Result<Exit, Stop> {
    let program = line.program;
    let items = std::mem::take(&mut line.items);
    let when = when(&items, class, jobs)?;
    let request = ManagedRequest::without_changes(program, items, class, clock(shell))?;
    let mut spool = line.open(shell, Intent::Write)?;
    let message = request.message.clone();
    request.each(spool.as_mut(), shell, program, &mut |spool, _, object| {
        if jobs {
            return pause_its_job(spool, object, message.clone());
        }
        spool.pause_managed(object.clone(), pause.then_some(when), message.clone())
    })
}

/// Pauses the job that a destination prints; the destination goes on with others.
fn pause_its_job(spool: &mut dyn Operations, object: &ManagedObject, message: Option<String>) -> Result<(), Failure> {
    let name: DeviceName = object.name.trim_start_matches('$').parse()?;
    let status = spool.device(name)?;
    match status.running {
        Some(running) => spool.pause_job(JobRef::Number(running.job), message),
        None => Err(Failure::new(FailureKind::State, format!("destination {} prints no job", object.name))
            .hint(format!("pdpause {}   keeps back what would come", object.name))),
    }
}

/// Returns the value of `-w`; now without one.
fn when(items: &[Item], class: Class, jobs: bool) -> Result<PauseWhen, Stop> {
    let mut found = PauseWhen::Now;
    for item in items {
        let Item::Set(Meaning::Setting(Setting::When), pair) = item else { continue };
        let word = options::single(pair, "when")?;
        if class == Class::Queue {
            return Err(Stop::usage("-w says when what prints stops, and what a queue has given away goes on"));
        }
        found = match word.to_ascii_lowercase().as_str() {
            "now" => PauseWhen::Now,
            "after-current-job" if !jobs => PauseWhen::AfterJob,
            "after-current-copy" => {
                return Err(Stop::usage("-w after-current-copy: nothing stops between two copies of a job here")
                    .hint("-w after-current-job   stops behind the last copy")
                    .hint("-w now   stops at once"));
            }
            _ if jobs => return Err(Stop::usage(format!("-w: '{}' is not now", escaped(word)))),
            _ => return Err(Stop::usage(format!("-w: '{}' is neither now nor after-current-job", escaped(word)))),
        };
    }
    Ok(found)
}
