//! `pdq`: lists the jobs that wait for a destination, in the order in which they will be printed.
//!
//! A logical destination stands for its queue with all jobs in it, whichever of its destinations they were sent to. An
//! actual one shows what it prints now, then what it would claim, in order, then what it passes over.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::job_query::Wanted;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::command_line::targets;
use crate::commands::pd::command_line::targets::Target;
use crate::commands::pd::displays::display::Display;
use crate::commands::pd::displays::listing;
use crate::commands::pd::displays::listing::{Flags, ListingRequest};
use crate::commands::pd::displays::read_ahead;
use crate::commands::pd::help;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, about};
use crate::commands::shell::Intent;
use crate::commands::why::Times;
use crate::model::device::DeviceStatus;
use crate::model::location::LocationKind;
use crate::model::query::{Condition, PAGE};
use crate::model::{DeviceName, Failure, FailureKind, GroupName, JobRef, LocationPattern, ServerName};
use crate::spool::interface::operations::{At, Operations};

const PROGRAM: &str = "pdq";

/// List the jobs of a queue.
///
/// -d names a destination: a logical one stands for its queue with all jobs in it, an actual one for what it prints now
/// and what comes next. Your own jobs are listed unless -U or -F asks for everybody's. Jobs may be named instead, by local
/// id, ten digits or server:digits, a document by .n after that.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    /// Destination whose queue is listed (-p means the same); without it and without jobs PDPRINTER names one
    #[arg(short = 'd', short_alias = 'p', value_name = "DESTINATION")]
    of: Option<String>,
    #[command(flatten)]
    flags: Flags,
    /// Jobs: local id, ten digits, or server:digits
    #[arg(value_name = "JOB")]
    jobs: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_pdq,
    names: Names::SETS_NONE,
    settings: listing::SETTINGS,
    act: list,
};

/// Runs `pdq` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn list(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let request = ListingRequest::of(line, shell)?;
    let targets = request.arguments.iter().map(|word| job(word)).collect::<Result<Vec<_>, _>>()?;
    let (layout, filter) = request.layout(Class::Job, !targets.is_empty(), false)?;
    let wanted = request.wanted(filter, false);
    let named = request.line.matches.get_one::<String>("of").cloned();
    if !targets.is_empty() {
        if named.is_some() {
            return Err(Stop::usage("-d and jobs exclude each other"));
        }
        let mut spool = request.line.open(shell, Intent::Read)?;
        return listing::jobs(spool.as_mut(), shell, &layout, &targets, &wanted);
    }
    let name = match named {
        Some(name) => name,
        None => usual(shell)?,
    };
    if name.is_empty() {
        return Err(Stop::usage("-d: the destination is empty"));
    }
    let mut spool = request.line.open(shell, Intent::Read)?;
    let times = request.times();
    let mut display = Display::new(shell.out, &layout);
    let other = match name.split_once(':').and_then(|(server, _)| server.parse().ok()) {
        Some(server) => listing::elsewhere(spool.as_mut(), &server)?,
        None => None,
    };
    match other {
        Some(server) => {
            let mut there = At { spool: spool.as_mut(), server: server.clone() };
            queue_of(&mut there, &mut display, &wanted.elsewhere(), (&name, &times))
                .map_err(|stop| listing::silent(&server, stop))?;
        }
        None => queue_of(spool.as_mut(), &mut display, &wanted, (&name, &times))?,
    }
    display.end()?;
    Ok(Exit::Done)
}

/// Lists what is behind the name of a destination.
fn queue_of(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    wanted: &Wanted,
    (name, times): (&str, &Times),
) -> Result<(), Stop> {
    match behind(spool, name)? {
        Queue::Group(group) => {
            let all = Condition::Location(LocationPattern::Group(group));
            let query = wanted.query(Some(all), display.layout().parts());
            read_ahead::every(spool, display, &query, times)
        }
        Queue::Device(device) => of_device(spool, display, wanted, (&device, times)),
    }
}

fn job(word: &str) -> Result<Target, Stop> {
    match targets::parse(word)? {
        Target::Server(_) => Err(Stop::usage(format!("'{}' names no job", escaped(word)))
            .hint(format!("pdq -d {}   lists the queue of a destination", escaped(word)))
            .hint("pdls   lists the jobs of a server")),
        job => Ok(job),
    }
}

/// Finds the destination when none is named.
fn usual(shell: &Shell<'_>) -> Result<String, Stop> {
    let named = (shell.env)("PDPRINTER").filter(|name| !name.is_empty());
    let named = named.map(|name| name.into_string().map_err(|_| Stop::usage("PDPRINTER is not UTF-8 text")));
    named.transpose()?.ok_or_else(|| {
        Stop::usage("no destination and no job is named")
            .hint("-d names a destination, or PDPRINTER in the environment")
            .hint("pdls -c destination   lists them;  pdls   lists your jobs wherever they wait")
    })
}

/// What is behind the name of a destination.
enum Queue {
    /// A logical destination, or a queue itself: the whole queue.
    Group(GroupName),
    /// An actual destination.
    Device(Box<DeviceStatus>),
}

/// Finds what `name` means. A name of both kinds means the logical destination; `$name` always means the actual one.
fn behind(spool: &mut dyn Operations, name: &str) -> Result<Queue, Stop> {
    let plain = match name.split_once(':') {
        Some((server, rest)) => {
            let server: ServerName = server.parse().map_err(Failure::from)?;
            listing::check_server(spool, Some(&server))?;
            rest
        }
        None => name,
    };
    let pattern = plain.parse::<LocationPattern>().ok().filter(|_| !plain.starts_with('$'));
    if let Some(pattern) = &pattern
        && let Some(group) = logical(spool, pattern, plain).map_err(|failure| about(name, failure))?
    {
        return Ok(Queue::Group(group));
    }
    let device = plain.parse::<DeviceName>().map_err(|_| ()).map(|name| spool.device(name));
    match (device, pattern) {
        (Ok(Ok(device)), _) => Ok(Queue::Device(Box::new(device))),
        (Ok(Err(failure)), None) => Err(about(name, failure).into()),
        (Ok(Err(failure)), _) if failure.kind != FailureKind::NotFound => Err(about(name, failure).into()),
        // The spool knows the names that resemble it.
        _ => match spool.resolve_destination(plain.to_owned()) {
            Err(failure) => Err(about(name, failure).into()),
            Ok(_) => Err(Failure::not_found(format!("destination {name}")).into()),
        },
    }
}

/// Finds the queue of a logical destination; none when there is no such destination.
fn logical(spool: &mut dyn Operations, pattern: &LocationPattern, name: &str) -> Result<Option<GroupName>, Failure> {
    let none_of = |failure: Failure| if failure.kind == FailureKind::NotFound { Ok(None) } else { Err(failure) };
    if let LocationPattern::EveryGroup(_) = pattern {
        // Without this look a device of that name would be answered by the location that leads to it.
        match spool.locations(Some(pattern.clone()), None) {
            // The way to an actual destination has its name, and is none of its own.
            Ok(found) if found.iter().all(|one| one.kind == LocationKind::Outlet) => return Ok(None),
            Ok(_) => {}
            Err(failure) => return none_of(failure),
        }
    }
    match spool.resolve_destination(name.to_owned()) {
        Ok(destination) => Ok(Some(destination.group().clone())),
        Err(failure) => none_of(failure),
    }
}

/// Shows the job in print, then the queue.
fn of_device(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    wanted: &Wanted,
    (device, times): (&DeviceStatus, &Times),
) -> Result<(), Stop> {
    if let Some(running) = &device.running {
        match spool.job(JobRef::Number(running.job)) {
            Ok(job) if wanted.takes(&job) => display.add_job(spool, &job, None, times)?,
            Ok(_) => {}
            // It has ended since we looked at the device.
            Err(failure) if failure.kind == FailureKind::NotFound => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let mut after = None;
    loop {
        let page = spool.device_queue(device.name.clone(), after, PAGE)?;
        for item in page.rows.iter().filter(|item| wanted.takes(&item.job)) {
            display.add_job(spool, &item.job, None, times)?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
