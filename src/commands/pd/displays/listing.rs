//! What `pdls` and `pdq` share: the flags of a listing, what they mean together, and jobs listed a page at a time.

use std::ffi::OsString;

use clap::Args;
use clap::ValueHint;

use super::display::Display;
use super::record::{Layout, Style};
use super::{history, read_ahead};
use crate::attributes::names;
use crate::attributes::text::{Clock, escaped};
use crate::attributes::{Class, Shown};
use crate::commands::pd::command_line::filter;
use crate::commands::pd::command_line::flags::ServerFlag;
use crate::commands::pd::command_line::job_query::Wanted;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Setting};
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::selection::Requested;
use crate::commands::pd::command_line::strings::Pair;
use crate::commands::pd::command_line::targets::Target;
use crate::commands::pd::runner::CommandLine;
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::why::Times;
use crate::model::field::Field;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::{Failure, FailureKind, JobRef, ServerName};
use crate::spool::interface::operations::{At, Operations};
use crate::sys::terminal;

/// The flags of every listing.
#[derive(Args, Debug)]
pub struct Flags {
    #[command(flatten)]
    server: ServerFlag,
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
    /// Attributes to show: none, brief, verbose, all, archive (a file for -X), or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Job)), hide_possible_values = true)]
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
}

/// The command attributes of every listing.
pub const SETTINGS: &[Setting] = &[Setting::Filter, Setting::Headings, Setting::Requested, Setting::Style];

/// What the flags, attribute strings and attributes files of a listing ask for together.
pub struct ListingRequest {
    /// The command line.
    pub line: CommandLine,
    /// The last `operation-class`, where the verb has it.
    pub class: Option<String>,
    /// The arguments.
    pub arguments: Vec<String>,
    clock: Clock,
    requests: Vec<Pair>,
    filter: Option<String>,
    style: Option<Style>,
    headings: bool,
    /// Whether the actual destinations of logical ones are listed with them.
    associated: bool,
    /// The columns of the terminal that is written to.
    width: Option<usize>,
}

impl ListingRequest {
    /// Reads what `line` asks for.
    pub fn of(mut line: CommandLine, shell: &Shell<'_>) -> Result<Self, Stop> {
        let items = std::mem::take(&mut line.items);
        let mut request = Self {
            line,
            class: None,
            arguments: Vec::new(),
            clock: clock(shell),
            requests: Vec::new(),
            filter: None,
            style: None,
            headings: true,
            associated: false,
            width: terminal_width(shell),
        };
        items.into_iter().try_for_each(|item| request.take(item))?;
        Ok(request)
    }

    fn take(&mut self, item: Item) -> Result<(), Stop> {
        match item {
            Item::Argument(word) if word.is_empty() => return Err(Stop::usage("an argument is empty")),
            Item::Argument(word) => {
                let shown = word.to_string_lossy().into_owned();
                let word = word.into_string().map_err(|_| Stop::usage(format!("'{shown}' is not UTF-8 text")))?;
                self.arguments.push(word);
            }
            Item::Set(Meaning::Setting(setting), pair) => match setting {
                Setting::OperationClass => self.class = Some(options::single(&pair, "operation-class")?.to_owned()),
                Setting::Filter => self.filter = Some(filter_of(&pair)?),
                Setting::Requested => self.requests.push(pair),
                Setting::Style => self.style = Some(Style::parse(options::single(&pair, "style")?)?),
                Setting::Headings => self.headings = truth(&pair, "headings")?,
                Setting::Associated => self.associated = truth(&pair, "associated-actual-destinations")?,
                Setting::DeviceOperation | Setting::Message | Setting::Notification | Setting::When => {}
            },
            Item::Set(Meaning::Attribute(row), _) => {
                let (program, name) = (self.line.program, row.name());
                return Err(Stop::usage(format!("{name} is an attribute of objects; {program} only shows them"))
                    .hint(format!("-r {name}   shows it;  -f \"{name}==…\"   selects by it")));
            }
        }
        Ok(())
    }

    /// Returns how objects of `class` are laid out and which of them are wanted. `by_id` = jobs are named one by one, `past` =
    /// finished ones are listed.
    pub fn layout(&self, class: Class, by_id: bool, past: bool) -> Result<(Layout, Condition), Stop> {
        let json = self.line.matches.get_flag("json");
        // The class may stand anywhere in the line, so what depends on it is read last.
        let mut requested = Requested::group(if json { Shown::All } else { Shown::Brief });
        self.requests.iter().try_for_each(|pair| requested.take(pair, class))?;
        let mut filter = match self.filter.as_ref().filter(|_| !self.line.matches.get_flag("unfiltered")) {
            Some(text) => filter::parse(text, class, &self.clock)?,
            None => Condition::Any,
        };
        if json && self.style.is_some() {
            return Err(Stop::usage("--json and -s exclude each other"));
        }
        if class != Class::Job && self.style == Some(Style::DocCol) {
            return Err(Stop::usage("style doccol is for jobs"));
        }
        if past && class != Class::Job {
            return Err(Stop::usage(format!("--history is for jobs, not for class {}", class.keyword())));
        }
        let mut selection = if past { history::select(&requested)? } else { requested.select(class, None) };
        if self.line.matches.get_flag("jobs_only") {
            if class == Class::Document {
                return Err(Stop::usage("-j leaves documents out, and -c document lists them"));
            }
            selection.documents.clear();
            selection.documents_named = false;
        }
        // Where destinations of several servers stand in one table, each says whose it is.
        if self.requests.is_empty()
            && self.arguments.iter().any(|word| word.starts_with("*:"))
            && let Some(server) = crate::attributes::find(class, Field::AssociatedServer)
        {
            selection.add(server);
        }
        let style = if json { Style::Json } else { self.style.unwrap_or_else(|| Style::usual(&requested)) };
        let mut documents = Condition::Any;
        if class == Class::Document {
            selection = selection.of_documents(!matches!(style, Style::Line | Style::Archive));
            // A job fulfils a condition on documents when one of them does, so the spool is not asked: what must not hold for
            // a document may hold for another one of its job.
            documents = std::mem::replace(&mut filter, Condition::Any);
        }
        let layout = Layout {
            class,
            // Documents have their table when they were asked for by name, or with jobs that were.
            document_table: selection.documents_named || by_id,
            selection: selection.laid_out(style.is_complete()),
            style,
            documents,
            headings: self.headings && !self.line.matches.get_flag("bare"),
            zone: self.clock.zone.clone(),
            now_ms: self.clock.now_ms,
            width: self.width,
        };
        Ok((layout, filter))
    }

    /// Returns which jobs are wanted: the caller's own unless the flags say otherwise.
    pub fn wanted(&self, filter: Condition, past: bool) -> Wanted {
        let everybody = self.line.matches.get_flag("everybody") || self.line.matches.get_flag("unfiltered");
        let own = (!everybody).then(|| crate::sys::users::caller_without_groups().identity());
        Wanted { program: self.line.program, own, filter, past }
    }

    /// Tells whether the actual destinations of logical ones are listed with them; `flag` = the flag that asks for it stands there.
    pub fn associated(&self, flag: bool) -> bool {
        flag || self.associated
    }

    /// Returns how times are shown.
    pub fn times(&self) -> Times {
        Times { zone: self.clock.zone.clone(), now_ms: self.clock.now_ms }
    }
}

/// Returns the columns of the terminal that a command writes to; none where it writes to something else.
pub fn terminal_width(shell: &Shell<'_>) -> Option<usize> {
    if shell.out_is_terminal { terminal::columns(std::io::stdout()) } else { None }
}

/// Reads the value of a pair that is true or false.
pub fn truth(pair: &Pair, name: &str) -> Result<bool, Stop> {
    let word = options::single(pair, name)?;
    match names::keyword(word, &["true", "false", "yes", "no"]) {
        Ok(word) => Ok(matches!(word, "true" | "yes")),
        Err(_) => Err(Stop::usage(format!("{name}: '{}' is neither true nor false", escaped(word)))),
    }
}

/// Reads a filter, which is one text also where an attribute string splits it at its blanks.
fn filter_of(pair: &Pair) -> Result<String, Stop> {
    match pair.op {
        crate::commands::pd::command_line::strings::Op::Set => Ok(pair.values.join(" ")),
        op => Err(Stop::usage(format!("filter takes '=', not '{}'", op.sign()))),
    }
}

/// Lists the jobs that `targets` name, or all of them.
///
/// # Errors
/// The spool cannot be asked or the output cannot be written. A job that does not exist only changes the status.
pub fn jobs(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    layout: &Layout,
    targets: &[Target],
    wanted: &Wanted,
) -> Result<Exit, Stop> {
    let everything = [Target::Server(None)];
    let mut exit = Exit::Done;
    let mut failures: Vec<Failure> = Vec::new();
    let times = Times { zone: layout.zone.clone(), now_ms: shell.now_ms };
    let mut display = Display::new(shell.out, layout);
    let named = targets;
    let targets = if named.is_empty() { &everything[..] } else { named };
    // What is looked at: each target at this server, or at another one.
    let mut steps: Vec<(&Target, Option<ServerName>)> = Vec::new();
    for target in targets {
        match target {
            Target::Server(Some(server)) => steps.push((target, elsewhere(spool, server)?)),
            Target::Server(None) => {
                steps.push((target, None));
                if !named.is_empty() {
                    match spool.servers() {
                        Ok(others) => steps.extend(others.into_iter().map(|other| (target, Some(other)))),
                        Err(failure) => failures.push(others_unknown(failure)),
                    }
                }
            }
            Target::Job(..) => steps.push((target, None)),
        }
    }
    exit = if failures.is_empty() { exit } else { exit.max(Exit::Failed) };
    for (target, server) in steps {
        let result = match (target, server) {
            (Target::Job(job, document), _) => match one(spool, &mut display, wanted, (job, *document), &times) {
                Err(Stop::Failed(failure)) if failure.kind == FailureKind::NotFound => {
                    one_elsewhere(spool, &mut display, wanted, ((job, *document), failure), &times)
                }
                // The job names its server, and that one does not answer.
                Err(Stop::Failed(failure)) if failure.kind == FailureKind::Unreachable => {
                    let there = match job {
                        JobRef::Global(job) => elsewhere(spool, &job.server)?,
                        _ => None,
                    };
                    Err(there.map_or(Stop::Failed(failure.clone()), |server| silent(&server, failure.into())))
                }
                result => result,
            },
            (Target::Server(server), None) => {
                check_server(spool, server.as_ref()).and_then(|()| pages(spool, &mut display, wanted, &times))
            }
            (Target::Server(_), Some(server)) => {
                let mut there = At { spool: &mut *spool, server: server.clone() };
                pages(&mut there, &mut display, &wanted.elsewhere(), &times).map_err(|stop| silent(&server, stop))
            }
        };
        match result {
            Ok(()) => {}
            Err(Stop::Failed(failure)) => {
                let lost = matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged);
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
        shell.report(wanted.program, failure);
    }
    Ok(exit)
}

/// Returns the other server that a name means; none when it is this one, or nobody here knows it.
///
/// # Errors
/// When the spool cannot be asked.
pub fn elsewhere(spool: &mut dyn Operations, server: &ServerName) -> Result<Option<ServerName>, Stop> {
    if spool.about()?.server == *server {
        return Ok(None);
    }
    // Where no other server can be asked, the name is that of none.
    Ok(spool.servers().unwrap_or_default().into_iter().find(|other| other == server))
}

/// What is said of a server that does not answer, or says no: the others go on.
pub fn silent(server: &ServerName, stop: Stop) -> Stop {
    match stop {
        Stop::Failed(failure) if failure.kind == FailureKind::Unreachable => {
            let what = format!("server {server} is not answering: what it has is not listed: {}", failure.message);
            Failure::new(FailureKind::Timeout, what).into()
        }
        stop => stop,
    }
}

/// What is said where the other servers are not known.
pub fn others_unknown(failure: Failure) -> Failure {
    Failure {
        message: format!("other servers are not listed: {}", failure.message),
        kind: FailureKind::Timeout,
        ..failure
    }
}

/// Lists a job that is not here: its server is asked for it, and where the name says none, all are.
fn one_elsewhere(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    wanted: &Wanted,
    ((reference, document), here): ((&JobRef, Option<u32>), Failure),
    times: &Times,
) -> Result<(), Stop> {
    let asked = match reference {
        JobRef::Global(job) => elsewhere(spool, &job.server)?.into_iter().collect(),
        // Ten digits may be a job of any of them; a shorter number is one of this server.
        JobRef::Serial(_) => spool.servers().unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut silence: Option<Stop> = None;
    for server in asked {
        let mut there = At { spool: &mut *spool, server: server.clone() };
        match one(&mut there, display, &wanted.elsewhere(), (reference, document), times) {
            Ok(()) => return Ok(()),
            Err(Stop::Failed(failure)) if failure.kind == FailureKind::NotFound => {}
            Err(stop @ Stop::Failed(_)) => {
                silence.get_or_insert(silent(&server, stop));
            }
            Err(stop) => return Err(stop),
        }
    }
    Err(silence.unwrap_or(Stop::Failed(here)))
}

fn pages(spool: &mut dyn Operations, display: &mut Display<'_>, wanted: &Wanted, times: &Times) -> Result<(), Stop> {
    let query = wanted.query(None, display.layout().parts());
    if wanted.past {
        return history::list(spool, display, &query, times);
    }
    read_ahead::every(spool, display, &query, times)
}

/// Lists a job that an argument names. It must exist; a filter that it does not fulfil leaves it out.
fn one(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    wanted: &Wanted,
    (reference, document): (&JobRef, Option<u32>),
    times: &Times,
) -> Result<(), Stop> {
    let mut job = match spool.job(reference.clone()) {
        Ok(job) => job,
        Err(failure) if failure.kind == FailureKind::NotFound && wanted.past => {
            return over(spool, display, wanted, reference, times);
        }
        Err(failure) => return Err(not_found(failure, reference).into()),
    };
    wanted.check_owner(&job.user_name, reference)?;
    if wanted.filter != Condition::Any {
        let query = wanted.query(Some(Condition::Job(JobRef::Global(job.global.clone()))), Parts::ALL);
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
    display.add_job(spool, &job, document, times)
}

/// Lists a finished job that an argument names.
fn over(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    wanted: &Wanted,
    reference: &JobRef,
    times: &Times,
) -> Result<(), Stop> {
    let order = Order::Schedule;
    let query = Query { condition: Condition::Job(reference.clone()), order, parts: Parts::JOB };
    let found = spool.finished(query, None, 1)?.rows.pop();
    let found = found.ok_or_else(|| Failure::not_found(format!("job {reference}")))?;
    wanted.check_owner(&found.user_name, reference)?;
    let query = wanted.query(Some(Condition::Job(JobRef::Global(found.global))), Parts::JOB);
    history::list(spool, display, &query, times)
}

/// Names a job that is not there as the user named it.
pub fn not_found(failure: Failure, reference: &JobRef) -> Failure {
    if failure.kind != FailureKind::NotFound {
        return failure;
    }
    Failure { message: format!("cannot find job {reference}"), ..failure }
}

/// Checks that `server` is the one that answers.
///
/// # Errors
/// Says which server answers, when it is another one.
pub fn check_server(spool: &mut dyn Operations, server: Option<&ServerName>) -> Result<(), Stop> {
    let Some(server) = server else { return Ok(()) };
    let here = spool.about()?.server;
    if here == *server {
        return Ok(());
    }
    Err(Failure::not_found(format!("server {server}")).hint(format!("the server here is {here}")).into())
}
