//! `pdresubmit`: sends jobs on to another destination.
//!
//! The first argument is the destination. The others name jobs one by one, or with `-c` whole queues or destinations, whose
//! jobs go in the order in which they would have printed. A job that fails is reported, stays where it is, and the others
//! follow.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::{CommandAttributes, ServerFlag};
use crate::commands::pd::command_line::options::{self, Item, Meaning, Names, Setting};
use crate::commands::pd::command_line::selection::{self, Requested};
use crate::commands::pd::displays::listing::{check_server, not_found, truth};
use crate::commands::pd::displays::objects::is_queue;
use crate::commands::pd::displays::record::Style;
use crate::commands::pd::jobs::changes::{self, job_of};
use crate::commands::pd::jobs::effects::{self, Action};
use crate::commands::pd::jobs::places::place_of;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, about, clock, help};
use crate::commands::shell::Intent;
use crate::model::job::JobStatus;
use crate::model::query::{Condition, Order, PAGE, Parts, Query};
use crate::model::state::JobState;
use crate::model::{BadName, Failure, FailureKind, GroupName, JobRef, LocationPattern, ServerName};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdresubmit";

/// Send jobs on to another destination.
///
/// The first argument is the destination, or server:destination for one of another server. A job that waits stands there as one that arrives now, one that is held stays held,
/// and one that is kept after its end prints again. Its number and its print files stay. A paused job is resumed first, and
/// one that is printing is held first.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// What the arguments after the first name: job, or queue or destination for all jobs of them
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["job", "queue", "destination"]), hide_possible_values = true)]
    class: Vec<OsString>,
    /// No headings, no labels in what -r shows
    #[arg(short = 'g')]
    bare: bool,
    /// Without what the old destination gave the job
    #[arg(short = 'i')]
    anew: bool,
    /// Show these attributes of the jobs that were sent on: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Job)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style of that display: column, doccol or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(Style::WORDS.iter().copied()), hide_possible_values = true)]
    style: Vec<OsString>,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// The destination, then what goes there
    #[arg(value_name = "DESTINATION OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::SETS_NONE,
    settings: &[Setting::OperationClass, Setting::Requested, Setting::Style, Setting::Headings],
    act: resubmit,
};

/// Runs `pdresubmit` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// What an argument after the first names.
enum Source {
    Job(JobRef),
    /// A queue with the name that was typed.
    Queue(String),
    /// A destination.
    Destination(String),
}

/// The classes that can be named.
const CLASSES: &[(&str, Class)] = &[
    ("job", Class::Job),
    ("queue", Class::Queue),
    ("destination", Class::Destination),
    ("printer", Class::Destination),
];

/// What a command line asks for.
struct Request {
    to: String,
    sources: Vec<Source>,
    anew: bool,
    requested: Requested,
    style: Option<Style>,
    bare: bool,
}

impl Request {
    fn of(line: &mut CommandLine) -> Result<Self, Stop> {
        let flag = |name: &str| line.matches.get_flag(name);
        let mut request = Self {
            to: String::new(),
            sources: Vec::new(),
            anew: flag("anew"),
            requested: Requested::default(),
            style: None,
            bare: flag("bare"),
        };
        let mut class = Class::Job;
        let mut words: Vec<String> = Vec::new();
        for item in std::mem::take(&mut line.items) {
            match item {
                Item::Argument(word) => words.push(word.to_string_lossy().into_owned()),
                Item::Set(Meaning::Setting(setting), pair) => match setting {
                    Setting::OperationClass => class = class_of(options::single(&pair, "operation-class")?)?,
                    Setting::Requested => request.requested.take(&pair, Class::Job)?,
                    Setting::Style => request.style = Some(Style::parse(options::single(&pair, "style")?)?),
                    Setting::Headings => request.bare = !truth(&pair, "headings")?,
                    _ => {}
                },
                Item::Set(Meaning::Attribute(row), _) => {
                    return Err(
                        Stop::usage(format!("{} cannot be set by {PROGRAM}", row.name())).hint("pdmod alters jobs")
                    );
                }
            }
        }
        let mut words = words.into_iter();
        request.to = words.next().filter(|to| !to.is_empty()).ok_or_else(|| Stop::usage("the destination is empty"))?;
        for word in words {
            request.sources.push(match class {
                Class::Job => match job_of(&word)? {
                    (job, None) => Source::Job(job),
                    (job, Some(_)) => {
                        return Err(Stop::usage(format!("'{}' names a document", escaped(&word)))
                            .hint(format!("{job}   names the whole job")));
                    }
                },
                Class::Queue => Source::Queue(word),
                _ => Source::Destination(word),
            });
        }
        if request.sources.is_empty() {
            return Err(Stop::usage(format!("nothing is named that goes to {}", escaped(&request.to)))
                .hint("the destination comes first, then what goes there: jobs, or with -c queue or -c destination where they are"));
        }
        Ok(request)
    }
}

fn class_of(word: &str) -> Result<Class, Stop> {
    names::resolve(word, CLASSES).map_err(|bad| match bad {
        BadWord::Ambiguous(found) => Stop::usage(format!("class '{word}' may mean {}", found.join(" or "))),
        BadWord::Unknown(_) => Stop::usage(format!("{PROGRAM} moves no objects of class '{}'", escaped(word)))
            .hint("-c job, queue or destination"),
    })
}

fn resubmit(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let request = Request::of(&mut line)?;
    let mut spool = line.open(shell, Intent::Write)?;
    let spool = spool.as_mut();
    let to = place_of(spool, &request.to)?;
    let mut exit = Exit::Done;
    let mut moved = Vec::new();
    for source in &request.sources {
        let jobs = match jobs_of(spool, source) {
            Ok(jobs) => jobs,
            Err(Stop::Failed(failure)) => {
                exit = exit.max(shell.report(PROGRAM, &failure));
                continue;
            }
            Err(stop) => return Err(stop),
        };
        for job in jobs {
            match one(spool, &job, &to, request.anew) {
                Ok(status) => moved.push(status),
                Err(failure) => {
                    let lost = matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged);
                    exit = exit.max(shell.report(PROGRAM, &not_found(failure, &job)));
                    if lost {
                        return Ok(exit);
                    }
                }
            }
        }
    }
    let clock = clock(shell);
    changes::show(&request.requested, (request.style, request.bare), &moved, shell, &clock)?;
    Ok(exit)
}

fn one(spool: &mut dyn Operations, job: &JobRef, to: &str, anew: bool) -> Result<JobStatus, Failure> {
    let status = spool.job(job.clone())?;
    effects::check(Action::Resubmit, job, &status, false)?;
    // The job that was looked at is the one that goes, whatever its number means by then.
    let global = JobRef::Global(status.global);
    spool.resubmit_job(global.clone(), to.to_owned(), anew)?;
    spool.job(global)
}

/// Takes the name of this server off `name`.
fn local(spool: &mut dyn Operations, name: &str) -> Result<String, Stop> {
    let Some((server, plain)) = name.split_once(':') else { return Ok(name.to_owned()) };
    let server: ServerName = server.parse().map_err(Failure::from)?;
    check_server(spool, Some(&server))?;
    Ok(plain.to_owned())
}

/// Returns the jobs that a source stands for, in the order in which they would print. Of a queue or a destination those are
/// meant that can go.
fn jobs_of(spool: &mut dyn Operations, source: &Source) -> Result<Vec<JobRef>, Stop> {
    let (name, queue) = match source {
        Source::Job(job) => return Ok(vec![job.clone()]),
        Source::Queue(name) => (name, true),
        Source::Destination(name) => (name, false),
    };
    let plain = local(spool, name)?;
    let place = match queue {
        true => {
            let group: GroupName =
                plain.trim_start_matches('#').parse().map_err(|bad: BadName| about(name, Failure::from(bad)))?;
            // One that was made and has no destination is a queue, too: it has no jobs.
            if !is_queue(spool, &group)? {
                return Err(Failure::not_found(format!("queue {name}")).into());
            }
            Condition::Location(LocationPattern::Group(group))
        }
        false => Condition::Destination(spool.resolve_destination(plain).map_err(|failure| about(name, failure))?),
    };
    let states = [JobState::Ready, JobState::Held, JobState::Retained, JobState::Paused];
    let states = Condition::Either(states.into_iter().map(Condition::State).collect());
    let query = Query { condition: Condition::All(vec![place, states]), order: Order::Schedule, parts: Parts::JOB };
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = spool.jobs(query.clone(), after, PAGE)?;
        found.extend(page.rows.into_iter().map(|job| JobRef::Global(job.global)));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}
