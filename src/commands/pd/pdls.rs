//! `pdls`: lists objects and their attributes.
//!
//! A listing is read and written a page at a time; JSON and lines are written as they are read. Nothing is created or
//! started. An object that does not exist is reported and the listing goes on.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, ValueHint};

use super::display::{Display, Layout, Record, Style};
use super::options::{self, Item, Meaning, Setting, Source};
use super::requested::{self, Requested};
use super::strings::Pair;
use super::targets::{self, Target};
use super::{Exit, Shell, Stop, clock, filter, finish, objects, words};
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::attributes::{Class, Shown};
use crate::commands::shell::Intent;
use crate::model::query::{Condition, Order, PAGE, Query};
use crate::model::{Failure, FailureKind, JobRef, ServerName};
use crate::spool::operations::Operations;

const PROGRAM: &str = "pdls";

/// List jobs, destinations, queues or the server.
///
/// Without arguments your own jobs are listed, in the order in which they will be printed. A job is named by its local
/// id, its ten digits or server:digits, a document by .n after that; "server:" names every object of a server.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = crate::commands::definitions::after_help(Class::Job, false))]
pub struct Arguments {
    /// Server to ask, as host:port; otherwise the usual one
    #[arg(short = 'H', value_name = "HOST:PORT", value_parser = NonEmptyStringValueParser::new())]
    host: Option<String>,
    /// Class of the objects: job, destination, queue or server
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["job", "destination", "queue", "server"]), hide_possible_values = true)]
    class: Vec<OsString>,
    /// List only what fulfils this, as "name==value && name=*beginning"
    #[arg(short = 'f', value_name = "FILTER", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    filter: Vec<OsString>,
    /// List everything: neither your own jobs only, nor the filter of -f
    #[arg(short = 'F')]
    unfiltered: bool,
    /// No headings, no labels
    #[arg(short = 'g')]
    bare: bool,
    /// Attributes of jobs only, none of their documents
    #[arg(short = 'j')]
    jobs_only: bool,
    /// Attributes to show: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(requested::words(Class::Job)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style: column, doccol or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(Style::WORDS.iter().copied()), hide_possible_values = true)]
    style: Vec<OsString>,
    /// Everybody's jobs, not your own only
    #[arg(short = 'U')]
    everybody: bool,
    /// Attributes of the command, as "style=line requested-attributes=all"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read such attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
    /// An array of objects, keys as the names of attributes; all of them unless -r says otherwise
    #[arg(long)]
    json: bool,
    /// Objects to list
    #[arg(value_name = "OBJECT")]
    objects: Vec<OsString>,
}

const SOURCES: &[(&str, Source)] = &[
    ("class", Source::Flag("operation-class")),
    ("filter", Source::Flag("filter")),
    ("requested", Source::Flag("requested-attributes")),
    ("style", Source::Flag("style")),
    ("strings", Source::Strings),
    ("files", Source::Files),
    ("objects", Source::Argument),
];

const SETTINGS: &[Setting] =
    &[Setting::OperationClass, Setting::Filter, Setting::Headings, Setting::Requested, Setting::Style];

/// Classes there are in this version, and those there will be.
const CLASSES: &[(&str, Option<Class>)] = &[
    ("job", Some(Class::Job)),
    ("destination", Some(Class::Destination)),
    ("printer", Some(Class::Destination)),
    ("queue", Some(Class::Queue)),
    ("server", Some(Class::Server)),
    ("document", None),
    ("log", None),
    ("medium", None),
    ("auxiliary-sheet", None),
    ("initial-value-job", None),
    ("initial-value-document", None),
    ("resource-context", None),
    ("transform", None),
];

/// The definition of the command line.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs `pdls` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let result = list(words, shell);
    finish(shell, PROGRAM, result)
}

/// The value of a pair that is true or false.
///
/// # Errors
/// [`Stop::Usage`].
pub fn truth(pair: &Pair, name: &str) -> Result<bool, Stop> {
    let word = options::single(pair, name)?;
    match names::keyword(word, &["true", "false", "yes", "no"]) {
        Ok(word) => Ok(matches!(word, "true" | "yes")),
        Err(_) => Err(Stop::usage(format!("{name}: '{}' is neither true nor false", escaped(word)))),
    }
}

fn list(words: &[OsString], shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let command = definition();
    let matches = words::parse(command.clone(), words, shell)?;
    let items = options::ordered(&matches, &command, SOURCES, Class::Job, SETTINGS, shell)?;
    let clock = clock(shell);

    let mut class = Class::Job;
    let mut requests: Vec<Pair> = Vec::new();
    let mut filter_text: Option<String> = None;
    let mut style: Option<Style> = None;
    let mut headings = true;
    let mut arguments: Vec<String> = Vec::new();
    for item in items {
        match item {
            Item::Argument(word) if word.is_empty() => return Err(Stop::usage("an argument is empty")),
            Item::Argument(word) => {
                let shown = word.to_string_lossy().into_owned();
                arguments.push(word.into_string().map_err(|_| Stop::usage(format!("'{shown}' is not UTF-8 text")))?);
            }
            Item::Set(Meaning::Setting(setting), pair) => match setting {
                Setting::OperationClass => class = class_of(options::single(&pair, "operation-class")?)?,
                Setting::Filter => filter_text = Some(filter_of(&pair)?),
                Setting::Requested => requests.push(pair),
                Setting::Style => style = Some(Style::parse(options::single(&pair, "style")?)?),
                Setting::Headings => headings = truth(&pair, "headings")?,
                Setting::Message | Setting::Notification | Setting::When => {}
            },
            Item::Set(Meaning::Attribute(row), _) => {
                return Err(Stop::usage(format!("{} is an attribute of objects; pdls only shows them", row.name()))
                    .hint(format!("-r {}   shows it;  -f \"{}==…\"   selects by it", row.name(), row.name())));
            }
        }
    }
    let json = matches.get_flag("json");
    // The class may stand anywhere, so what depends on it is read last.
    let mut requested = Requested::group(if json { Shown::All } else { Shown::Brief });
    requests.iter().try_for_each(|pair| requested.take(pair, class))?;
    let filter = match filter_text.filter(|_| !matches.get_flag("unfiltered")) {
        Some(text) => filter::parse(&text, class, &clock)?,
        None => Condition::Any,
    };
    if json && style.is_some() {
        return Err(Stop::usage("--json and -s exclude each other"));
    }
    let mut selection = requested.select(class, None);
    if matches.get_flag("jobs_only") {
        selection.documents.clear();
        selection.documents_named = false;
    }
    let targets = if class == Class::Job {
        arguments.iter().map(|word| targets::parse(word)).collect::<Result<Vec<_>, _>>()?
    } else {
        if style == Some(Style::DocCol) {
            return Err(Stop::usage("style doccol is for jobs"));
        }
        Vec::new()
    };
    let usual = if requested.is_table() { Style::Column } else { Style::Line };
    let by_id = targets.iter().any(|target| matches!(target, Target::Job(..)));
    let layout = Layout {
        class,
        // Documents have their table when they were asked for by name, or with jobs that were.
        document_table: selection.documents_named || by_id,
        selection,
        style: if json { Style::Json } else { style.unwrap_or(usual) },
        headings: headings && !matches.get_flag("bare"),
        zone: clock.zone.clone(),
    };
    let mut spool = (shell.open)(matches.get_one::<String>("host").map(String::as_str), Intent::Read)?;
    if class != Class::Job {
        return objects::list(spool.as_mut(), shell, PROGRAM, &layout, &arguments, &filter);
    }
    let everybody = matches.get_flag("everybody") || matches.get_flag("unfiltered");
    let own = (!everybody).then(|| crate::sys::users::caller().identity());
    jobs(spool.as_mut(), shell, &layout, &targets, &Wanted { own, filter })
}

/// Which of the jobs pointed at are listed.
struct Wanted {
    /// Only those of this identity.
    own: Option<String>,
    /// Only those that fulfil this.
    filter: Condition,
}

impl Wanted {
    fn query(&self, also: Option<Condition>) -> Query {
        let mut parts: Vec<Condition> = also.into_iter().collect();
        parts.extend(self.own.iter().cloned().map(Condition::UserName));
        if self.filter != Condition::Any {
            parts.push(self.filter.clone());
        }
        let condition = match parts.len() {
            0 => Condition::Any,
            1 => parts.remove(0),
            _ => Condition::All(parts),
        };
        Query { condition, order: Order::Schedule }
    }
}

fn class_of(word: &str) -> Result<Class, Stop> {
    match names::resolve(word, CLASSES) {
        Ok(Some(class)) => Ok(class),
        Ok(None) => Err(Stop::usage(format!("class '{}' is not available in this version", escaped(word)))
            .hint("-c job, destination, queue or server")),
        Err(BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("class '{}' may mean {}", escaped(word), found.join(" or "))))
        }
        Err(BadWord::Unknown(_)) => {
            Err(Stop::usage(format!("'{}' is no class", escaped(word))).hint("-c job, destination, queue or server"))
        }
    }
}

/// A filter is one text, also where an attribute string splits it at its blanks.
fn filter_of(pair: &Pair) -> Result<String, Stop> {
    match pair.op {
        super::strings::Op::Set => Ok(pair.values.join(" ")),
        op => Err(Stop::usage(format!("filter takes '=', not '{}'", op.sign()))),
    }
}

/// Lists jobs.
fn jobs(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    layout: &Layout,
    targets: &[Target],
    wanted: &Wanted,
) -> Result<Exit, Stop> {
    let everything = [Target::Server(None)];
    let targets = if targets.is_empty() { &everything[..] } else { targets };
    let mut exit = Exit::Done;
    let mut failures: Vec<Failure> = Vec::new();
    let mut display = Display::new(shell.out, layout);
    for target in targets {
        let result = match target {
            Target::Job(job, document) => one(spool, layout, &mut display, wanted, job, *document),
            Target::Server(server) => check_server(spool, server.as_ref())
                .and_then(|()| pages(spool, layout, &mut display, wanted.query(None))),
        };
        match result {
            Ok(()) => {}
            Err(Stop::Failed(failure)) => {
                let lost = failure.kind == FailureKind::Unreachable;
                exit = exit.max(Exit::of(&failure));
                failures.push(failure);
                if lost {
                    break;
                }
            }
            Err(stop) => return Err(stop),
        }
    }
    display.end()?;
    for failure in &failures {
        shell.report(PROGRAM, failure);
    }
    Ok(exit)
}

fn pages(spool: &mut dyn Operations, layout: &Layout, display: &mut Display<'_>, query: Query) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let page = spool.jobs(query.clone(), after, PAGE)?;
        for job in &page.rows {
            display.add(Record::of_job(job, &layout.selection, None))?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// One job that an argument names. It must exist; a filter that it does not fulfil leaves it out.
fn one(
    spool: &mut dyn Operations,
    layout: &Layout,
    display: &mut Display<'_>,
    wanted: &Wanted,
    reference: &JobRef,
    document: Option<u32>,
) -> Result<(), Stop> {
    let mut job = spool.job(reference.clone()).map_err(|failure| not_found(failure, reference))?;
    if let Some(own) = &wanted.own
        && *own != job.user_name
    {
        return Err(Failure::not_found(format!("job {reference} among your jobs"))
            .hint(format!("pdls -U {reference}   shows another user's job"))
            .into());
    }
    if wanted.filter != Condition::Any {
        let query = wanted.query(Some(Condition::Job(JobRef::Global(job.global.clone()))));
        match spool.jobs(query, None, 1)?.rows.pop() {
            Some(found) => job = found,
            None => return Ok(()),
        }
    }
    if let Some(number) = document
        && !job.documents.iter().any(|one| one.sequence == number)
    {
        return Err(Failure::not_found(format!("document {number} of job {reference}")).into());
    }
    Ok(display.add(Record::of_job(&job, &layout.selection, document))?)
}

/// A job that is not there is named as the user named it.
pub fn not_found(failure: Failure, reference: &JobRef) -> Failure {
    if failure.kind != FailureKind::NotFound {
        return failure;
    }
    Failure { message: format!("cannot find job {reference}"), ..failure }
}

/// Whether `server` is the one that answers.
///
/// # Errors
/// When it is another one.
pub fn check_server(spool: &mut dyn Operations, server: Option<&ServerName>) -> Result<(), Stop> {
    let Some(server) = server else { return Ok(()) };
    let here = spool.about()?.server;
    if here == *server {
        return Ok(());
    }
    Err(Failure::not_found(format!("server {server}")).hint(format!("the server here is {here}")).into())
}
