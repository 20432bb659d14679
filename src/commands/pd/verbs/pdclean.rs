//! `pdclean`: removes all jobs of a destination, a queue or the server.
//!
//! The jobs are looked up first, then removed one by one by the rules of `pdrm`. A job that fails is counted and the others
//! follow, so a second run has less to do. A crash leaves the jobs that were not reached yet.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options::{self, Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::confirm;
use crate::commands::pd::managed::jobs_of::{self, Place};
use crate::commands::pd::managed::request::ManagedRequest;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::lifetime::Retention;
use crate::model::managed::{ManagedClass, ManagedObject};
use crate::model::query::Condition;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdclean";

/// Remove all jobs of a destination, a queue or the server.
///
/// Of an actual destination these are the jobs that it has and those that were sent to it alone; of a logical one those that
/// were sent to it; of a queue all that wait there or are printed from there. Jobs that are retained stay, and a job with a
/// retention period is retained when it is removed. Of the server every job goes, retained ones too. The removal is
/// confirmed at the terminal unless PD_CONFIRM_DELETE=no; where there is none, nothing is removed then.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Class of the objects: destination, queue or server; without -c it is destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["destination", "queue", "server"]), hide_possible_values = true)]
    class: Vec<OsString>,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// Objects whose jobs are removed: [server:]name
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_pdrm,
    names: Names::ACTS_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message],
    act: clean,
};

/// Runs `pdclean` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn clean(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let class = take_one_of(&mut line.items, &[Class::Destination, Class::Queue, Class::Server], PROGRAM)?;
    let request = ManagedRequest::without_changes(PROGRAM, std::mem::take(&mut line.items), class, clock(shell))?;
    let asks = confirm::is_wanted(shell);
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, shell, object| {
        let those = those_of(spool, object)?;
        let jobs = jobs_of::names(spool, those)?;
        if asks && !jobs.is_empty() {
            ask(shell, object, jobs.len())?;
        }
        if request.message.is_some() {
            spool.set_managed(object.clone(), Vec::new(), request.message.clone())?;
        }
        let retention = (object.class == ManagedClass::Server).then_some(Retention::Period(0));
        let (mut failed, mut first) = (0_usize, None);
        let count = jobs.len();
        for job in jobs {
            match spool.delete_job(JobRef::Global(job), request.message.clone(), retention) {
                Ok(_) => {}
                // It was printed, or somebody else has removed it.
                Err(failure) if failure.kind == FailureKind::NotFound => {}
                Err(failure) if matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged) => {
                    return Err(failure);
                }
                Err(failure) => {
                    failed += 1;
                    first.get_or_insert(failure);
                }
            }
        }
        match first {
            // Who may only remove jobs has removed them all the same, and nobody else is told.
            None => match spool.note_cleaned(object.clone(), count as u64) {
                Err(failure) if failure.kind == FailureKind::Security => Ok(()),
                noted => noted,
            },
            Some(failure) => Err(Failure {
                message: format!("{failed} of {count} jobs were not removed: {}", failure.message),
                ..failure
            }),
        }
    })
}

/// The jobs that go with `object`.
fn those_of(spool: &mut dyn Operations, object: &ManagedObject) -> Result<Condition, Failure> {
    let condition =
        match object.class {
            ManagedClass::Server => {
                let here = spool.about()?.server;
                return match object.name.eq_ignore_ascii_case(here.as_str()) {
                    true => Ok(Condition::Any),
                    false => Err(Failure::not_found(format!("server {}", object.name))
                        .hint(format!("the server here is {here}"))),
                };
            }
            ManagedClass::Queue => {
                demand_queue(spool, &object.name)?;
                jobs_of::of_queue(&object.name)?
            }
            _ => match jobs_of::place(spool, &object.name)? {
                Place::Logical(destination) => Condition::Destination(destination),
                Place::Actual(device, way) => jobs_of::of_device(&device.name, way),
            },
        };
    Ok(jobs_of::not_retained(condition))
}

/// Checks that there is a queue of that name: of one that is mistyped there are no jobs, and that is no success.
fn demand_queue(spool: &mut dyn Operations, name: &str) -> Result<(), Failure> {
    match spool.resolve_destination(format!("#{}", name.trim_start_matches('#'))) {
        Err(failure) if failure.kind == FailureKind::NotFound => Err(Failure::not_found(format!("queue {name}"))),
        found => found.map(drop),
    }
}

/// Asks whether the jobs shall go.
fn ask(shell: &mut Shell<'_>, object: &ManagedObject, count: usize) -> Result<(), Failure> {
    let jobs = if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
    let question = format!("{PROGRAM}: remove {jobs} of {object}?");
    confirm::demand(shell, &question, "nothing was removed", "PD_CONFIRM_DELETE=no   removes without asking")
}
