//! `pdshutdown`: stops the server, or takes an actual destination out of service at once.
//!
//! The server stops as SPOOLER, DRAIN stops it: its state is in the spool, so it survives this command, a crash and a restart
//! of the machine until `startsrv`. An actual destination is disabled first, so that it takes no further job; then the job
//! that it prints is paused and let go again, in two steps. A crash between them leaves a paused job, which pdresume lets go.

use std::ffi::OsString;
use std::time::Duration;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::attributes::names;
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of_or;
use crate::commands::pd::command_line::options::{self, Item, Meaning, Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::jobs_of::{self, Place};
use crate::commands::pd::managed::request::ManagedRequest;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::collector::CollectorState;
use crate::model::device::DeviceStatus;
use crate::model::location::Destination;
use crate::model::managed::{ManagedClass, ManagedObject};
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::{DeviceState, JobState};
use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdshutdown";
/// How long a device is waited for at a time.
const OFFLINE_MS: u64 = 10_000;
/// How often it is looked whether the last job has gone.
const LOOK: Duration = Duration::from_millis(500);

/// Stop the server, or an actual destination at once.
///
/// A stopped server takes no jobs and prints none; it answers commands, and startsrv starts it again. What waits, is held or
/// is kept stays, and destinations stay enabled or disabled. A process of pdserver goes on and answers; the system's service
/// manager ends it.
///
/// An actual destination that is shut down is disabled; the job that it prints waits again, for this destination or another
/// one of its queue, and the part of it that was sent may print. pdenable starts it again.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Class of the object: server or destination; without -c it is server
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["server", "destination"]), hide_possible_values = true)]
    class: Vec<OsString>,
    #[command(flatten)]
    message: MessageFlag,
    /// When the server stops: now (jobs in print wait again), after-current (they are finished; so without -w), or after-all
    /// (what waits is printed first; the command waits for that)
    #[arg(short = 'w', value_name = "WHEN", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["now", "after-current", "after-all"]), hide_possible_values = true)]
    when: Vec<OsString>,
    /// Of a destination, wait until it is offline, so that what is counted as printed has been printed
    #[arg(short = 's')]
    synchronise: bool,
    /// Accepted with -s; it changes nothing
    #[arg(short = 'n', requires = "synchronise")]
    no: bool,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// The server, or [server:]destination
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names { class: Class::Server, sets: crate::attributes::Settable::Never },
    settings: &[Setting::OperationClass, Setting::Message, Setting::When],
    act: shut_down,
};

/// Runs `pdshutdown` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// When the server stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// At once; jobs in print wait again.
    Now,
    /// When the jobs in print are done.
    AfterCurrent,
    /// When everything that can print is printed.
    AfterAll,
}

fn shut_down(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let class = take_one_of_or(Class::Server, &mut line.items, &[Class::Server, Class::Destination], PROGRAM)?;
    let mut when = None;
    let mut items = Vec::new();
    for item in std::mem::take(&mut line.items) {
        match item {
            Item::Set(Meaning::Setting(Setting::When), pair) => when = Some(when_of(options::single(&pair, "when")?)?),
            other => items.push(other),
        }
    }
    let request = ManagedRequest::without_changes(PROGRAM, items, class, clock(shell))?;
    if request.objects.len() != 1 {
        return Err(Stop::usage("one object is shut down at a time"));
    }
    let synchronise = line.matches.get_flag("synchronise");
    match class {
        Class::Server if synchronise => return Err(Stop::usage("-s is for -c destination")),
        Class::Destination if when.is_some() => {
            return Err(Stop::usage("-w says when the server stops: it is for -c server")
                .hint("a destination is shut down at once; pddisable disables it after its job"));
        }
        _ => {}
    }
    let mut spool = line.open(shell, Intent::Write)?;
    let message = request.message.clone();
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, shell, object| match object.class {
        ManagedClass::Server => server(spool, shell, object, when.unwrap_or(When::AfterCurrent), message.as_deref()),
        _ => match jobs_of::place(spool, &object.name)? {
            Place::Actual(device, _) => destination(spool, shell, &device, object, message.as_deref(), synchronise),
            Place::Logical(_) => Err(Failure::new(
                FailureKind::Unsupported,
                format!("destination {} is a logical one: it has no device to shut down", object.name),
            )
            .hint(format!("pddisable {}   has it take no jobs", object.name))),
        },
    })
}

fn when_of(word: &str) -> Result<When, Stop> {
    match names::keyword(word, &["now", "after-current", "after-all"]) {
        Ok("now") => Ok(When::Now),
        Ok("after-all") => Ok(When::AfterAll),
        Ok(_) => Ok(When::AfterCurrent),
        Err(names::BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("-w: '{}' may mean {}", escaped(word), found.join(" or "))))
        }
        Err(_) => Err(Stop::usage(format!("-w: '{}' is none of now, after-current, after-all", escaped(word)))),
    }
}

fn server(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    object: &ManagedObject,
    when: When,
    message: Option<&str>,
) -> Result<(), Failure> {
    let here = spool.about()?;
    if !object.name.eq_ignore_ascii_case(here.server.as_str()) {
        return Err(
            Failure::not_found(format!("server {}", object.name)).hint(format!("the server here is {}", here.server))
        );
    }
    if message.is_some() {
        spool.set_managed(object.clone(), Vec::new(), message.map(str::to_owned))?;
    }
    if when == When::AfterAll {
        // New jobs are refused from now on; what waits goes on.
        for (collector, state) in here.collectors {
            if state == CollectorState::Active {
                spool.drain_collector(collector)?;
            }
        }
        await_the_last(spool)?;
    }
    spool.drain_spooler()?;
    if when == When::Now {
        jobs_of::give_all_back(spool, Condition::Any, message, shell, PROGRAM)?;
    }
    Ok(())
}

/// Waits until no job is left that prints or can print. Jobs that are held, paused or kept are not waited for.
fn await_the_last(spool: &mut dyn Operations) -> Result<(), Failure> {
    let on_its_way = [JobState::Open, JobState::Ready, JobState::Printing, JobState::Terminating];
    let condition = Condition::Either(on_its_way.into_iter().map(Condition::State).collect());
    let query = Query { condition, order: Order::Number, parts: Parts::JOB };
    while !spool.jobs(query.clone(), None, 1)?.rows.is_empty() {
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn destination(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    device: &DeviceStatus,
    object: &ManagedObject,
    message: Option<&str>,
    synchronise: bool,
) -> Result<(), Failure> {
    // Disabled first: when its job has gone it takes no other one.
    spool.enable_managed(object.clone(), false, message.map(str::to_owned))?;
    let none: Option<Destination> = None;
    jobs_of::give_all_back(spool, jobs_of::of_device(&device.name, none), message, shell, PROGRAM)?;
    if synchronise {
        let status = spool.await_offline(device.name.clone(), OFFLINE_MS)?;
        if status.state != DeviceState::Offline {
            return Err(Failure::new(FailureKind::Timeout, format!("destination {} is not offline yet", device.name))
                .hint("it is disabled, and goes offline by itself when its connection is closed"));
        }
    }
    Ok(())
}
