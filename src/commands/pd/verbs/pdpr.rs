//! `pdpr`: submits a job.
//!
//! Nothing is submitted before the whole command line is understood, every document is open and the destination is
//! known. When the outcome of a submission is unknown, `pdpr` asks the spool by its token what became of it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{CommandFactory, Parser, ValueHint};

use crate::attributes::object::Object;
use crate::attributes::text::{Clock, escaped, read_given, title};
use crate::attributes::{self, Attribute, Class, Settable, Shown};
use crate::commands::pd::command_line::flags::ServerFlag;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Names, Setting};
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::selection::Requested;
use crate::commands::pd::command_line::strings::{Op, Pair};
use crate::commands::pd::displays::display::Display;
use crate::commands::pd::displays::listing::terminal_width;
use crate::commands::pd::displays::on_request;
use crate::commands::pd::displays::record::{Layout, Record, Style};
use crate::commands::pd::help;
use crate::commands::pd::jobs::documents;
use crate::commands::pd::jobs::documents::Document;
use crate::commands::pd::jobs::places::place_of;
use crate::commands::pd::jobs::reading_progress::Watched;
use crate::commands::pd::jobs::waiting::{self, Waiting};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::commands::why;
use crate::commands::why::Times;
use crate::model::field::{Field, Value};
use crate::model::job::{Accepted, Submission};
use crate::model::notification::Method;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::why::Cause;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdpr";

/// What `-r brief` shows of a job that was just accepted.
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
    /// How the submitter is told about the job: message (on the terminal), electronic-mail, job-log or none
    #[arg(short = 'N', value_name = "METHOD", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["message", "electronic-mail", "job-log", "none"]), hide_possible_values = true)]
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
    /// Show the accepted job as JSON, with the attributes of -r, or the usual ones
    #[arg(long)]
    json: bool,
    /// Wait until the job has printed (status 0), is held until a person acts (4) or was removed (5); 6: it was accepted, but
    /// cannot be asked about
    #[arg(long)]
    wait: bool,
    /// Files to print; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    documents: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: || help::with_attributes(Class::Job, true),
    names: Names::MAKES_JOBS,
    settings: &[Setting::Notification, Setting::Requested, Setting::Style, Setting::Headings],
    act: submit,
};

/// Runs `pdpr` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// What a command line asks for.
struct SubmissionRequest {
    link: bool,
    /// The job, without its documents and its token.
    submission: Submission,
    documents: Vec<OsString>,
    /// What was given for documents, each time with the number of the document.
    of_documents: Vec<(&'static Attribute, Value, u32)>,
    /// What stands after the last document, and so holds for none.
    unused: Vec<String>,
    requested: Requested,
    style: Option<Style>,
    headings: bool,
    /// How the submitter is to be told.
    told: Option<Method>,
    /// Whether the display is JSON.
    json: bool,
    /// Whether the end of the job is waited for.
    wait: bool,
}

fn submit(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let clock = clock(shell);
    let items = std::mem::take(&mut line.items);
    let mut request = read_request(&line.matches, items, shell, &clock)?;
    let documents = open_documents(&request, shell)?;

    // What a submission socket is asked for is short. It makes no way to another server.
    let elsewhere = request.submission.destination.contains(':');
    let mut spool = line.open(shell, if elsewhere { Intent::Write } else { Intent::Submit })?;
    request.submission.destination = place_of(spool.as_mut(), &request.submission.destination)?;
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
    if !request.unused.is_empty() {
        let unused = request.unused.join(" ");
        // A closed standard error must not turn into a failure.
        let _ = writeln!(
            shell.err,
            "{PROGRAM}: {unused} stands after the last file and was not used: it holds for the files that follow it\n  \
             hint: write it before the file:  {PROGRAM} -n 3 letter.txt"
        );
    }
    if shell.err_is_terminal {
        say_what_keeps_it(&accepted, spool.as_mut(), shell, &clock);
    }
    let shown = match show(&request, &accepted, spool.as_mut(), shell, &clock) {
        // The exit status must differ from that of a job that was not accepted.
        Err(Stop::Failed(failure)) => {
            let message = format!("accepted as {}, but it cannot be shown: {}", accepted.global, failure.message);
            Err(Failure { message, kind: FailureKind::Io, hints: failure.hints }.into())
        }
        other => other.map(|()| Exit::Done),
    };
    if !request.wait {
        return shown;
    }
    // It was accepted, whatever cannot be shown: its end is waited for all the same.
    let shown = match shown {
        Err(Stop::Failed(failure)) => {
            shell.report(PROGRAM, &failure);
            Exit::Unanswered
        }
        other => other?,
    };
    shell.out.flush()?;
    // Who takes submissions may be a print process that is about to sleep: the spool itself is asked.
    drop(spool);
    let host = line.matches.get_one::<String>("host").map(String::as_str);
    let waiting = Waiting { program: PROGRAM, host, accepted: &accepted, patience: waiting::PATIENCE };
    let exit = waiting.to_the_end(shell, &clock);
    Ok(if exit == Exit::Done { shown } else { exit })
}

/// Reads what the items ask for, in their order.
fn read_request(
    matches: &clap::ArgMatches,
    items: Vec<Item>,
    shell: &Shell<'_>,
    clock: &Clock,
) -> Result<SubmissionRequest, Stop> {
    let mut request = SubmissionRequest {
        link: matches.get_flag("link"),
        submission: Submission::default(),
        documents: Vec::new(),
        of_documents: Vec::new(),
        unused: Vec::new(),
        requested: Requested::default(),
        style: None,
        headings: true,
        told: None,
        json: matches.get_flag("json"),
        wait: matches.get_flag("wait"),
    };
    // The document attributes read so far, which hold for the documents that follow.
    let mut so_far: Vec<(&'static Attribute, Value)> = Vec::new();
    // Those of them that are new since the last document.
    let mut since: Vec<(&'static Attribute, String)> = Vec::new();
    for item in items {
        match item {
            Item::Argument(name) if name.is_empty() => return Err(Stop::usage("a file name is empty")),
            Item::Argument(name) => {
                request.documents.push(name);
                let number = u32::try_from(request.documents.len()).unwrap_or(u32::MAX);
                request.of_documents.extend(so_far.iter().map(|(row, value)| (*row, value.clone(), number)));
                since.clear();
            }
            Item::Set(Meaning::Setting(setting), pair) => request.setting(setting, &pair)?,
            Item::Set(Meaning::Attribute(row), pair) => {
                let value = given(row, &pair, clock)?;
                if row.class == Class::Document {
                    let changes = !so_far.iter().any(|one| one.0 == row && one.1 == value);
                    so_far.retain(|one| one.0 != row);
                    since.retain(|one| one.0 != row);
                    if changes {
                        since.push((row, pair.values.join(" ")));
                    }
                    so_far.push((row, value));
                } else {
                    row.submit(&mut request.submission, &value, None)
                        .map_err(|why| Stop::usage(format!("{}: {why}", row.name())))?;
                }
            }
        }
    }
    if request.json && request.style.is_some() {
        return Err(Stop::usage("--json and -s exclude each other"));
    }
    request.tell()?;
    request.unused = since.iter().map(|(row, value)| format!("{}={}", row.name(), escaped(value))).collect();
    if request.documents.is_empty() {
        return Err(Stop::usage("no document is named").hint("name files, or - for standard input"));
    }
    let streams = request.documents.iter().filter(|document| *document == "-").count();
    if streams > 0 && request.link {
        return Err(Stop::usage("-l - : standard input cannot be linked, it must be copied"));
    }
    if streams > 1 {
        return Err(Stop::usage("standard input is named more than once; it can be read once"));
    }
    if request.submission.destination.is_empty() {
        let usual = (shell.env)("PDPRINTER").filter(|name| !name.is_empty());
        let usual = usual.map(|name| name.into_string().map_err(|_| Stop::usage("PDPRINTER is not UTF-8 text")));
        request.submission.destination = usual.transpose()?.ok_or_else(|| {
            Stop::usage("no destination is named")
                .hint("-d names one, or PDPRINTER in the environment")
                .hint("pdls -c destination   lists them")
        })?;
    }
    if request.submission.name.is_empty() {
        request.submission.name = usual_name(&request.documents);
    }
    Ok(request)
}

impl SubmissionRequest {
    /// Makes a profile of the method of `-N`: one that has its own address counts more than it.
    fn tell(&mut self) -> Result<(), Stop> {
        let Some(method) = self.told else { return Ok(()) };
        let field = Field::from_stored("notification-profile");
        let row = field.and_then(|field| attributes::find(Class::Job, field));
        let Some(row) = row else { return Ok(()) };
        if self.submission.given.iter().any(|one| one.field == row.field) {
            return Ok(());
        }
        let profile = Value::Many(vec![Value::Text(format!("{{delivery-method={method}}}"))]);
        row.submit(&mut self.submission, &profile, None).map_err(|why| Stop::usage(format!("{}: {why}", row.name())))
    }

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
            _ => {
                let word = options::single(pair, "notification-delivery-method")?;
                let method = Method::parse(word).map_err(|why| Stop::usage(format!("-N: {why}")))?;
                if method.needs_address() {
                    return Err(Stop::usage(format!("-N: the method {method} needs an address")).hint(format!(
                        "-x \"notification-profile={{delivery-method={method} delivery-address=/…}}\"   gives one"
                    )));
                }
                self.told = Some(method);
                Ok(())
            }
        }
    }
}

/// Reads the value that `pair` gives to the attribute `row` of a new job or document.
fn given(row: &'static Attribute, pair: &Pair, clock: &Clock) -> Result<Value, Stop> {
    let name = row.name();
    if row.settable == Settable::Never {
        return Err(Stop::usage(format!("{name} cannot be set in this version")).hint(match row.field {
            Field::TransferMethod => "-l   links to the files instead of copying them".to_owned(),
            Field::DocumentFileName => "-f   names a document".to_owned(),
            _ => "pdpr --help   lists what can be set".to_owned(),
        }));
    }
    match pair.op {
        Op::Set => read_given(row, &pair.values, clock).map_err(Stop::Usage),
        Op::Default => {
            Err(Stop::usage(format!("{name}: '==' alters an object that exists; a new job has its defaults")))
        }
        op => Err(Stop::usage(format!("{name}: '{}' alters an object that exists; here it is '='", op.sign()))),
    }
}

/// Names a job that is given no name after its first document.
fn usual_name(documents: &[OsString]) -> String {
    let first = documents.first().map_or(OsStr::new("-"), OsString::as_os_str);
    if first == "-" {
        return "stdin".to_owned();
    }
    title(&Path::new(first).file_name().unwrap_or(first).to_string_lossy())
}

/// Opens every document. When some cannot be opened, each says why and nothing is submitted.
fn open_documents(request: &SubmissionRequest, shell: &mut Shell<'_>) -> Result<Vec<Document>, Stop> {
    let mut opened = Vec::with_capacity(request.documents.len());
    let mut failures = Vec::new();
    for name in &request.documents {
        let document = match name == "-" {
            true => documents::standard_input(),
            false => documents::open(name, request.link, &shell.cwd),
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
    let token = crate::sys::files::random_name(22)
        .map_err(|error| Failure::new(FailureKind::Io, format!("no randomness: {}", crate::commands::plain(&error))))?;
    let (offers, files) = documents.into_iter().map(|document| (document.offer, document.file)).unzip();
    let mut submission = Submission { token, documents: offers, ..request.submission.clone() };
    for (row, value, document) in &request.of_documents {
        row.submit(&mut submission, value, Some(*document))
            .map_err(|why| Failure::new(FailureKind::BadValue, format!("{}: {why}", row.name())))?;
    }
    Ok((submission, files))
}

/// Says, to a person, that the job is accepted and does not print now, when somebody has to do something first. A hold that was
/// asked for is no news.
fn say_what_keeps_it(accepted: &Accepted, spool: &mut dyn Operations, shell: &mut Shell<'_>, clock: &Clock) {
    // It is accepted, whatever becomes of this question.
    let Ok(why) = spool.why(JobRef::Global(accepted.global.clone())) else { return };
    if !why.causes.iter().all(Cause::waits_for_somebody) {
        return;
    }
    let times = Times { zone: clock.zone.clone(), now_ms: shell.now_ms };
    for cause in &why.causes {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(shell.err, "{PROGRAM}: accepted, but {}", why::words(cause, &times));
    }
}

/// Finds out what became of a submission whose outcome is unknown.
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
            Err(Failure { kind: FailureKind::Unknown, message, hints: failure.hints }
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
    let mut selection = request.requested.select(Class::Job, Some(BRIEF));
    if request.json && request.requested.0.is_empty() {
        selection = Requested::group(Shown::Brief).select(Class::Job, Some(BRIEF));
    }
    if selection.object.is_empty() && selection.documents.is_empty() {
        return Ok(());
    }
    let style =
        if request.json { Style::Json } else { request.style.unwrap_or_else(|| Style::usual(&request.requested)) };
    let layout = Layout {
        class: Class::Job,
        document_table: !selection.documents.is_empty(),
        documents: Condition::Any,
        selection: selection.laid_out(style.is_complete()),
        style,
        headings: request.headings,
        zone: clock.zone.clone(),
        now_ms: clock.now_ms,
        width: terminal_width(shell),
    };
    let times = Times { zone: clock.zone.clone(), now_ms: shell.now_ms };
    let global = JobRef::Global(accepted.global.clone());
    let mut record = match spool.job(global.clone()) {
        Ok(job) if style == Style::Archive => Record::archived(&job, &layout.selection, None),
        Ok(job) => Record::of_job(&job, &layout.selection, None),
        // It has printed and gone already. Scripts wait for the id, so what the history has of it is shown.
        Err(failure) if failure.kind == FailureKind::NotFound => {
            let query = Query { condition: Condition::Job(global), order: Order::Schedule, parts: Parts::JOB };
            let job = spool.finished(query, None, 1)?.rows.pop().ok_or(failure)?;
            Record::new(accepted.global.serial.to_string(), &layout.selection, &Object::Finished(&job))
        }
        Err(failure) => return Err(failure.into()),
    };
    on_request::complete(spool, &mut record, &layout.selection, &accepted.global, &times, true)?;
    let mut display = Display::new(shell.out, &layout);
    display.add(record)?;
    Ok(display.end()?)
}
