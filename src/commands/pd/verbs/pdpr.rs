//! `pdpr`: hands in a job.
//!
//! Nothing is submitted before the whole command line is understood, every document is open and the destination is
//! known. After a failure whose outcome is unknown the spool is asked what became of the submission, by its token.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{CommandFactory, Parser, ValueHint};

use crate::attributes::text::{Clock, escaped, read};
use crate::attributes::values::NONE;
use crate::attributes::{Attribute, Class, Settable};
use crate::commands::pd::command_line::flags::ServerFlag;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Setting};
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::selection::Requested;
use crate::commands::pd::command_line::strings::{Op, Pair};
use crate::commands::pd::displays::on_request;
use crate::commands::pd::displays::record::{Display, Layout, Record, Style};
use crate::commands::pd::help;
use crate::commands::pd::jobs::documents;
use crate::commands::pd::jobs::documents::Document;
use crate::commands::pd::jobs::reading_progress::Watched;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, about, clock};
use crate::commands::shell::Intent;
use crate::commands::why::Times;
use crate::model::device::check_form;
use crate::model::field::{Field, Value};
use crate::model::job::{Accepted, GivenValue, Origin, Submission};
use crate::model::order::Priority;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdpr";

/// What `-r brief` shows: what is known of a job that was just accepted.
const BRIEF: &[Field] = &[
    Field::JobClientId,
    Field::JobIdentifier,
    Field::JobName,
    Field::CurrentJobState,
    Field::DestinationNameRequested,
];

/// Submit a job: one document for each file.
///
/// The files are copied into the spool (or linked with -l) before pdpr ends; when it ends with status 0, the job is on
/// disk and will be printed. Nothing is shown unless -r asks for it. Settings apply from where they stand: a document
/// attribute such as copy-count holds for the files after it, and of a job attribute the last value counts.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = help::with_attributes(Class::Job, true))]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Destination (-p means the same); without it PDPRINTER names one
    #[arg(short = 'd', short_alias = 'p', value_name = "DESTINATION", action = clap::ArgAction::Append)]
    destination: Vec<String>,
    /// A document; another way to name a file
    #[arg(short = 'f', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    file: Vec<OsString>,
    /// Link to the files instead of copying them; they must stay until they are printed
    #[arg(short = 'l')]
    link: bool,
    /// Copies of each document that follows
    #[arg(short = 'n', value_name = "COPIES", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    copies: Vec<OsString>,
    /// How the submitter is told about the job: only none in this version
    #[arg(short = 'N', value_name = "METHOD", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["none"]), hide_possible_values = true)]
    notify: Vec<OsString>,
    /// Show these attributes of the accepted job: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Job)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style of that display: column, doccol or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(Style::WORDS.iter().copied()), hide_possible_values = true)]
    style: Vec<OsString>,
    /// Name of the job; without it the name of its first document
    #[arg(short = 't', value_name = "NAME", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    name: Vec<OsString>,
    /// Attributes, as "name=value name='two words'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
    /// Read flags and arguments from a file, each flag on a line of its own
    #[arg(short = 'Z', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    input: Vec<OsString>,
    /// Files to print; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    documents: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    settings: &[Setting::Notification, Setting::Requested, Setting::Style, Setting::Headings],
    act: submit,
};

/// Runs `pdpr` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// What a command line asks for.
struct SubmissionRequest {
    destination: String,
    link: bool,
    name: Option<String>,
    form: String,
    priority: Priority,
    hold: bool,
    hold_after: bool,
    /// Each document with its copies.
    documents: Vec<(OsString, u32)>,
    given: Vec<GivenValue>,
    requested: Requested,
    style: Option<Style>,
    headings: bool,
}

fn submit(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let clock = clock(shell);
    let items = std::mem::take(&mut line.items);
    let request = read_request(&line.matches, items, shell, &clock)?;
    let documents = open_documents(&request, shell)?;

    let mut spool = line.open(shell, Intent::Submit)?;
    spool.resolve_destination(request.destination.clone()).map_err(|failure| about(&request.destination, failure))?;
    let watched = shell.err_is_terminal.then(|| Watched::new(&documents));
    let (submission, files) = submission(&request, documents)?;
    let token = submission.token.clone();
    let submitted = match watched {
        Some(watched) => watched.during(|| spool.submit(submission, files)),
        None => spool.submit(submission, files),
    };
    let accepted = match submitted {
        Ok(accepted) => accepted,
        Err(failure) if failure.kind == FailureKind::Unknown => settle(spool.as_mut(), &token, failure)?,
        Err(failure) => return Err(failure.into()),
    };
    match show(&request, &accepted, spool.as_mut(), shell, &clock) {
        // The status must not look like that of a job that was not accepted.
        Err(Stop::Failed(failure)) => {
            let message = format!("accepted as {}, but it cannot be shown: {}", accepted.global, failure.message);
            Err(Failure { message, kind: FailureKind::Io, hints: failure.hints }.into())
        }
        other => other.map(|()| Exit::Done),
    }
}

/// What the items, in their order, ask for.
fn read_request(
    matches: &clap::ArgMatches,
    items: Vec<Item>,
    shell: &Shell<'_>,
    clock: &Clock,
) -> Result<SubmissionRequest, Stop> {
    let mut request = SubmissionRequest {
        destination: String::new(),
        link: matches.get_flag("link"),
        name: None,
        form: String::new(),
        priority: Priority::default(),
        hold: false,
        hold_after: false,
        documents: Vec::new(),
        given: Vec::new(),
        requested: Requested::default(),
        style: None,
        headings: true,
    };
    // The document attributes read so far: they hold for the documents that follow.
    let mut copies: Option<u32> = None;
    for item in items {
        match item {
            Item::Argument(name) if name.is_empty() => return Err(Stop::usage("a file name is empty")),
            Item::Argument(name) => {
                if let Some(copies) = copies {
                    let number = u32::try_from(request.documents.len() + 1).unwrap_or(u32::MAX);
                    request.give(number, Field::CopyCount, Value::Integer(copies.into()));
                }
                request.documents.push((name, copies.unwrap_or(1)));
            }
            Item::Set(Meaning::Setting(setting), pair) => request.setting(setting, &pair)?,
            Item::Set(Meaning::Attribute(row), pair) => request.attribute(row, &pair, &mut copies, clock)?,
        }
    }
    if request.documents.is_empty() {
        return Err(Stop::usage("no document is named").hint("name files, or - for standard input"));
    }
    let streams = request.documents.iter().filter(|document| document.0 == "-").count();
    if streams > 0 && request.link {
        return Err(Stop::usage("-l - : standard input cannot be linked, it must be copied"));
    }
    if streams > 1 {
        return Err(Stop::usage("standard input is named more than once; it can be read once"));
    }
    if request.destination.is_empty() {
        let usual = (shell.env)("PDPRINTER").filter(|name| !name.is_empty());
        let usual = usual.map(|name| name.into_string().map_err(|_| Stop::usage("PDPRINTER is not UTF-8 text")));
        request.destination = usual.transpose()?.ok_or_else(|| {
            Stop::usage("no destination is named")
                .hint("-d names one, or PDPRINTER in the environment")
                .hint("pdls -c destination   lists them")
        })?;
    }
    Ok(request)
}

impl SubmissionRequest {
    fn setting(&mut self, setting: Setting, pair: &Pair) -> Result<(), Stop> {
        match setting {
            Setting::Requested => self.requested.take(pair, Class::Job),
            Setting::Style => {
                self.style = Some(Style::parse(options::single(pair, "style")?)?);
                Ok(())
            }
            Setting::Headings => {
                self.headings = crate::commands::pd::displays::listing::truth(pair, "headings")?;
                Ok(())
            }
            _ => match options::single(pair, "notification-delivery-method")? {
                "none" => Ok(()),
                "email" | "electronic-mail" | "message" => {
                    Err(Stop::usage("notifications are not available in this version; -N none is"))
                }
                other => Err(Stop::usage(format!("'{}' is no notification method", escaped(other))).hint("-N none")),
            },
        }
    }

    fn attribute(
        &mut self,
        row: &'static Attribute,
        pair: &Pair,
        copies: &mut Option<u32>,
        clock: &Clock,
    ) -> Result<(), Stop> {
        let name = row.name();
        if row.settable == Settable::Never {
            return Err(Stop::usage(format!("{name} cannot be set in this version")).hint(match row.field {
                Field::TransferMethod => "-l   links to the files instead of copying them".to_owned(),
                Field::DocumentFileName => "-f   names a document".to_owned(),
                _ => "pdpr --help   lists what can be set".to_owned(),
            }));
        }
        if pair.op == Op::Default {
            return Err(Stop::usage(format!("{name}: '==' alters an object that exists; a new job has its defaults")));
        }
        let value = read(row, options::single(pair, name)?, clock).map_err(Stop::Usage)?;
        if let Value::Text(text) = &value
            && text.chars().any(char::is_control)
        {
            return Err(Stop::usage(format!("{name}: '{}' contains control characters", escaped(text))));
        }
        match (row.field, &value) {
            (Field::CopyCount, Value::Integer(n)) => {
                // Given for each document that follows, not here.
                *copies = u32::try_from(*n).ok();
                return Ok(());
            }
            (Field::JobName, Value::Text(text)) if text.trim().is_empty() => {
                return Err(Stop::usage("job-name: the name is empty"));
            }
            (Field::JobName, Value::Text(text)) => self.name = Some(text.clone()),
            (Field::DestinationNameRequested, Value::Text(text)) if text.is_empty() => {
                return Err(Stop::usage("-d: the name of the destination is empty"));
            }
            (Field::DestinationNameRequested, Value::Text(text)) => self.destination = text.clone(),
            (Field::JobPriority, Value::Integer(n)) => {
                self.priority = u8::try_from(*n).ok().and_then(Priority::new).unwrap_or_default();
            }
            (Field::JobHold, Value::Boolean(on)) => self.hold = *on,
            (Field::HoldAfter, Value::Boolean(on)) => self.hold_after = *on,
            (Field::Form, Value::Text(text)) => {
                self.form = check_form(text).map_err(|why| Stop::usage(format!("form: {why}")))?;
            }
            _ => return Err(Stop::usage(format!("{name} cannot be set here"))),
        }
        self.give(0, row.field, value);
        Ok(())
    }

    /// Remembers an explicit value; the last one counts.
    fn give(&mut self, document: u32, field: Field, value: Value) {
        self.given.retain(|given| (given.document, given.field) != (document, field));
        self.given.push(GivenValue { document, field, value, origin: Origin::User });
    }

    /// The name of the job: as given, or that of its first document with control characters as `?`.
    fn job_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let first = self.documents.first().map_or(OsStr::new("-"), |document| document.0.as_os_str());
        if first == "-" {
            return "stdin".to_owned();
        }
        let base = Path::new(first).file_name().unwrap_or(first).to_string_lossy();
        base.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
    }
}

/// Opens every document; when some cannot be, each says why and nothing is submitted.
fn open_documents(request: &SubmissionRequest, shell: &mut Shell<'_>) -> Result<Vec<Document>, Stop> {
    let mut opened = Vec::with_capacity(request.documents.len());
    let mut failures = Vec::new();
    for (name, copies) in &request.documents {
        let document = match name == "-" {
            true => documents::standard_input(*copies),
            false => documents::open(name, *copies, request.link, &shell.cwd),
        };
        match document {
            Ok(document) => opened.push(document),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        return Ok(opened);
    }
    for failure in &failures {
        shell.report(PROGRAM, failure);
    }
    if !opened.is_empty() {
        let _ = writeln!(
            shell.err,
            "  hint: nothing was submitted; a job has all its documents or does not come into being"
        );
    }
    Err(Stop::Said(Exit::Failed))
}

fn submission(
    request: &SubmissionRequest,
    documents: Vec<Document>,
) -> Result<(Submission, Vec<std::os::fd::OwnedFd>), Failure> {
    let token = crate::sys::files::random_name(22).map_err(|error| {
        Failure::new(FailureKind::Io, format!("no randomness: {}", crate::commands::pd::plain(&error)))
    })?;
    let (offers, files) = documents.into_iter().map(|document| (document.offer, document.file)).unzip();
    let submission = Submission {
        token,
        destination: request.destination.clone(),
        name: request.job_name(),
        form: request.form.clone(),
        priority: request.priority,
        hold: request.hold,
        hold_after: request.hold_after,
        documents: offers,
        given: request.given.clone(),
    };
    Ok((submission, files))
}

/// What became of a submission whose outcome is unknown.
fn settle(spool: &mut dyn Operations, token: &str, failure: Failure) -> Result<Accepted, Stop> {
    match spool.settle(token.to_owned()) {
        Ok(Some(accepted)) => Ok(accepted),
        Ok(None) => {
            let mut refused = failure;
            refused.kind = FailureKind::Io;
            refused.message = format!("not accepted; nothing was queued: {}", refused.message);
            Err(refused.into())
        }
        Err(why) => {
            let message =
                format!("outcome unknown (submission {token}): {}; and it cannot be asked: {why}", failure.message);
            Err(Failure::new(FailureKind::Unknown, message)
                .hint("pdls   shows whether the job is there; do not submit it again before you have looked")
                .into())
        }
    }
}

/// Shows what `-r` asked for.
fn show(
    request: &SubmissionRequest,
    accepted: &Accepted,
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    clock: &Clock,
) -> Result<(), Stop> {
    let selection = request.requested.select(Class::Job, Some(BRIEF));
    if selection.object.is_empty() && selection.documents.is_empty() {
        return Ok(());
    }
    let usual = if request.requested.is_table() { Style::Column } else { Style::Line };
    let layout = Layout {
        class: Class::Job,
        document_table: !selection.documents.is_empty(),
        selection,
        style: request.style.unwrap_or(usual),
        headings: request.headings,
        zone: clock.zone.clone(),
    };
    let record = match spool.job(JobRef::Global(accepted.global.clone())) {
        Ok(job) => {
            let mut record = Record::of_job(&job, &layout.selection, None);
            let times = Times { zone: clock.zone.clone(), now_ms: shell.now_ms };
            on_request::complete(spool, &mut record, &layout.selection, &job.global, &times)?;
            record
        }
        // Printed and gone already: what was accepted is shown all the same, for scripts wait for the id.
        Err(failure) if failure.kind == FailureKind::NotFound => {
            Record::new(accepted.global.serial.to_string(), &layout.selection, |field| gone(request, accepted, field))
        }
        Err(failure) => return Err(failure.into()),
    };
    let mut display = Display::new(shell.out, &layout);
    display.add(record)?;
    Ok(display.end()?)
}

/// What is known of an accepted job that is no longer there.
fn gone(request: &SubmissionRequest, accepted: &Accepted, field: Field) -> Value {
    match field {
        Field::JobClientId => Value::Integer(accepted.local.0.into()),
        Field::JobIdentifier => Value::Text(accepted.global.to_string()),
        Field::JobNumber => Value::Integer(accepted.number.get().into()),
        Field::JobName => Value::Text(request.job_name()),
        Field::DestinationNameRequested => Value::Text(request.destination.clone()),
        Field::JobPriority => Value::Integer(request.priority.get().into()),
        Field::NumberOfDocuments => Value::Integer(i64::try_from(request.documents.len()).unwrap_or(i64::MAX)),
        _ => NONE,
    }
}
