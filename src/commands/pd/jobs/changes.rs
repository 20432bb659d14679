//! What `pdmod` and `pdset -c job` share: pairs to changes, and their application to one job after the other.
//!
//! For each job all the changes hold, or none. The whole command line is understood before the first job is touched. Of
//! an attribute that is given several times the last pair counts.

use std::ffi::OsString;

use clap::Args;

use super::effects::{self, Action};
use crate::attributes::text::{Clock, MAX_TEXT, escaped, read};
use crate::attributes::{Attribute, Class, Settable, values};
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Setting};
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::selection::Requested;
use crate::commands::pd::command_line::strings::{Op, Pair};
use crate::commands::pd::command_line::targets;
use crate::commands::pd::command_line::targets::Target;
use crate::commands::pd::displays::listing::not_found;
use crate::commands::pd::displays::record::{Display, Layout, Record, Style};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::alter::JobChange;
use crate::model::device::check_form;
use crate::model::field::{Field, Value};
use crate::model::job::{JobStatus, Occurrence};
use crate::model::order::Priority;
use crate::model::state::JobState;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

/// The command attributes of both.
pub const SETTINGS: &[Setting] = &[Setting::Message, Setting::Requested, Setting::Style, Setting::Headings];

/// How long a hold of a printing job is waited for.
pub const STOP_MS: u64 = 2000;

/// `-r` and `-s`: what is shown of the altered jobs.
#[derive(Args, Debug)]
pub struct ShowFlags {
    /// Show these attributes of the altered jobs: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Job)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style of that display: column, doccol or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(Style::WORDS.iter().copied()), hide_possible_values = true)]
    style: Vec<OsString>,
}

/// One attribute and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
struct Edit {
    row: &'static Attribute,
    op: Op,
    /// None with `==`.
    value: Option<Value>,
}

/// What a command line asks for.
#[derive(Default)]
pub struct AlterationRequest {
    edits: Vec<Edit>,
    message: Option<String>,
    /// Each job, or one document of it.
    jobs: Vec<(JobRef, Option<u32>)>,
    requested: Requested,
    style: Option<Style>,
    bare: bool,
}

impl AlterationRequest {
    /// Turns the items into a request. `bare`: `-g` was given.
    pub fn of(items: Vec<Item>, bare: bool, clock: &Clock) -> Result<Self, Stop> {
        let mut request = Self { bare, ..Self::default() };
        for item in items {
            match item {
                Item::Argument(word) => request.jobs.push(job_of(&word.to_string_lossy())?),
                Item::Set(Meaning::Attribute(row), pair) => {
                    let edit = edit(row, &pair, clock)?;
                    request.edits.retain(|other| other.row != row);
                    request.edits.push(edit);
                }
                Item::Set(Meaning::Setting(setting), pair) => request.setting(setting, &pair)?,
            }
        }
        if request.edits.is_empty() && request.message.is_none() {
            return Err(Stop::usage("nothing is to be changed").hint("-x \"job-priority=30\"   changes an attribute"));
        }
        let of_job = request.edits.iter().find(|edit| edit.row.class == Class::Job);
        if let (Some(edit), Some((job, Some(n)))) = (of_job, request.jobs.iter().find(|job| job.1.is_some())) {
            return Err(Stop::usage(format!("{} belongs to the job, and {job}.{n} names a document", edit.row.name()))
                .hint(format!("{job}   names the whole job")));
        }
        Ok(request)
    }

    fn setting(&mut self, setting: Setting, pair: &Pair) -> Result<(), Stop> {
        match setting {
            Setting::Requested => self.requested.take(pair, Class::Job)?,
            Setting::Style => self.style = Some(Style::parse(options::single(pair, "style")?)?),
            Setting::Headings => self.bare = !crate::commands::pd::displays::listing::truth(pair, "headings")?,
            Setting::Message => self.message = Some(message(pair)?),
            // Those of other verbs do not get here.
            _ => {}
        }
        Ok(())
    }

    /// Whether nothing but `job-hold=true` is asked for.
    fn lone_hold(&self) -> bool {
        matches!(self.edits.as_slice(),
            [Edit { row, op: Op::Set, value: Some(Value::Boolean(true)) }] if row.field == Field::JobHold)
    }

    /// Applies it to every job; those that fail are reported, and the others follow.
    pub fn apply(
        &self,
        spool: &mut dyn Operations,
        shell: &mut Shell<'_>,
        program: &str,
        clock: &Clock,
    ) -> Result<Exit, Stop> {
        let mut exit = Exit::Done;
        let mut changed = Vec::new();
        for (job, document) in &self.jobs {
            match self.one(spool, job, *document, shell, program) {
                Ok(status) => changed.push(status),
                Err(failure) => {
                    exit = exit.max(shell.report(program, &not_found(failure, job)));
                    if exit == Exit::Unreachable {
                        break;
                    }
                }
            }
        }
        self.show(&changed, shell, clock)?;
        Ok(exit)
    }

    fn one(
        &self,
        spool: &mut dyn Operations,
        job: &JobRef,
        document: Option<u32>,
        shell: &mut Shell<'_>,
        program: &str,
    ) -> Result<JobStatus, Failure> {
        let status = spool.job(job.clone())?;
        effects::check(Action::Modify, job, &status, self.lone_hold())?;
        let mut changes: Vec<JobChange> = Vec::new();
        for edit in &self.edits {
            changes.extend(edit.changes(&status, document)?);
        }
        changes.extend(self.message.clone().map(JobChange::Message));
        // The job that was looked at is the one that is changed, whatever its number means by then.
        let global = JobRef::Global(status.global.clone());
        if !changes.is_empty() {
            spool.alter_job(global.clone(), changes)?;
        }
        if self.lone_hold() && status.state == JobState::Printing {
            return stopped(spool, job, &global, shell, program);
        }
        let now = spool.job(global)?;
        let released = self.edits.iter().any(|edit| {
            edit.row.field == Field::JobHold && edit.value != Some(Value::Boolean(true)) && edit.op != Op::Remove
        });
        if released && now.state == JobState::Held {
            let why: Vec<&str> = now.reasons.iter().map(|reason| reason.words()).collect();
            // A closed standard error must not turn into a failure.
            let _ = writeln!(shell.err, "{program}: job {job} remains held: {}", why.join("; "));
        }
        Ok(now)
    }

    /// Shows what `-r` asked for.
    fn show(&self, jobs: &[JobStatus], shell: &mut Shell<'_>, clock: &Clock) -> Result<(), Stop> {
        let selection = self.requested.select(Class::Job, None);
        if jobs.is_empty() || (selection.object.is_empty() && selection.documents.is_empty()) {
            return Ok(());
        }
        let usual = if self.requested.is_table() { Style::Column } else { Style::Line };
        let layout = Layout {
            class: Class::Job,
            document_table: !selection.documents.is_empty(),
            selection,
            style: self.style.unwrap_or(usual),
            headings: !self.bare,
            zone: clock.zone.clone(),
        };
        let mut display = Display::new(shell.out, &layout);
        for job in jobs {
            display.add(Record::of_job(job, &layout.selection, None))?;
        }
        Ok(display.end()?)
    }
}

/// Waits for a job on a device to leave it after a hold or a pause, and says when it did not.
pub fn stopped(
    spool: &mut dyn Operations,
    job: &JobRef,
    global: &JobRef,
    shell: &mut Shell<'_>,
    program: &str,
) -> Result<JobStatus, Failure> {
    let status = spool.await_stopped(global.clone(), STOP_MS)?;
    if status.state == JobState::Printing {
        let whole = Occurrence::all_sent(&spool.occurrences(status.id)?);
        let why = if whole {
            "every octet of it is with its device, which cannot be stopped; it is kept back when the connection is closed"
        } else {
            "its device has not let go of it yet"
        };
        // A closed standard error must not turn into a failure.
        let _ = writeln!(shell.err, "{program}: job {job}: requested; {why}");
    }
    Ok(status)
}

/// The text of `-m`.
pub fn message(pair: &Pair) -> Result<String, Stop> {
    let text = match pair.op {
        Op::Set => pair.values.join(" "),
        op => return Err(Stop::usage(format!("message takes '=', not '{}'", op.sign()))),
    };
    if text.len() > MAX_TEXT {
        return Err(Stop::usage(format!("-m: the text is longer than {MAX_TEXT} octets")));
    }
    Ok(text)
}

/// A job, or one document of it.
pub fn job_of(word: &str) -> Result<(JobRef, Option<u32>), Stop> {
    match targets::parse(word)? {
        Target::Job(job, document) => Ok((job, document)),
        Target::Server(_) => Err(Stop::usage(format!("'{}' names no single job", escaped(word)))
            .hint("jobs are named one by one, by local id, ten digits or server:digits")),
    }
}

/// What `pair` does to the attribute `row`.
fn edit(row: &'static Attribute, pair: &Pair, clock: &Clock) -> Result<Edit, Stop> {
    let name = row.name();
    match row.settable {
        Settable::Always => {}
        Settable::Initially if row.field == Field::DestinationNameRequested => {
            return Err(Stop::usage(format!("{name} is given when a job is submitted and cannot be altered"))
                .hint("spoolcom 'JOB number, LOC #GROUP.DEST'   sends a job elsewhere"));
        }
        Settable::Initially => {
            return Err(Stop::usage(format!("{name} is given when a job is submitted and cannot be altered")));
        }
        Settable::Never => {
            return Err(Stop::usage(format!("{name} cannot be set: the spool determines it"))
                .hint("--help   lists what can be altered"));
        }
    }
    match pair.op {
        Op::Default => return Ok(Edit { row, op: Op::Default, value: None }),
        Op::Add => {
            return Err(Stop::usage(format!("{name} has one value: '+=' adds to attributes that may have several"))
                .hint(format!("{name}=value   replaces it")));
        }
        Op::Set | Op::Remove => {}
    }
    let [text] = pair.values.as_slice() else {
        return Err(Stop::usage(format!("{name} has one value, and {} were given", pair.values.len()))
            .hint("a value with blanks is quoted: -x \"job-name='two words'\""));
    };
    let value = read(row, text, clock).map_err(Stop::Usage)?;
    if let Value::Text(text) = &value
        && text.chars().any(char::is_control)
    {
        return Err(Stop::usage(format!("{name}: '{}' contains control characters", escaped(text))));
    }
    let value = match (row.field, value) {
        (Field::JobName, Value::Text(text)) if text.trim().is_empty() => {
            return Err(Stop::usage("job-name: the name is empty").hint("job-name==   gives it back its usual name"));
        }
        (Field::Form, Value::Text(text)) => {
            Value::Text(check_form(&text).map_err(|why| Stop::usage(format!("form: {why}")))?)
        }
        (_, value) => value,
    };
    Ok(Edit { row, op: pair.op, value: Some(value) })
}

impl Edit {
    /// The changes of a job that is now as `status` says, or of one document of it.
    fn changes(&self, status: &JobStatus, document: Option<u32>) -> Result<Vec<JobChange>, Failure> {
        if let Some(wanted) = document
            && !status.documents.iter().any(|one| one.sequence == wanted)
        {
            let message =
                format!("job {} has {} documents, none is number {wanted}", status.global, status.documents.len());
            return Err(Failure::new(FailureKind::BadValue, message));
        }
        if self.op != Op::Remove {
            return Ok(change(self.row.field, self.value.as_ref(), document).into_iter().collect());
        }
        // Removing the only value brings back the default; removing another one does nothing.
        if self.row.class == Class::Document {
            let hit = status.documents.iter().filter(|one| document.is_none_or(|wanted| wanted == one.sequence));
            let hit = hit.filter(|one| Some(values::of_document(one, self.row.field)) == self.value);
            return Ok(hit.filter_map(|one| change(self.row.field, None, Some(one.sequence))).collect());
        }
        let hit = Some(values::of_job(status, self.row.field)) == self.value;
        Ok(if hit { change(self.row.field, None, None).into_iter().collect() } else { Vec::new() })
    }
}

/// The change that gives `field` a value, or its default. None for a field that is not settable: the table says so first.
fn change(field: Field, value: Option<&Value>, document: Option<u32>) -> Option<JobChange> {
    let text = || match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let switch = || match value {
        Some(Value::Boolean(on)) => Some(*on),
        _ => None,
    };
    let number = || match value {
        Some(Value::Integer(n)) => Some(*n),
        _ => None,
    };
    Some(match field {
        Field::JobName => JobChange::Name(text()),
        Field::Form => JobChange::Form(text()),
        Field::JobPriority => JobChange::Priority(number().and_then(|n| u8::try_from(n).ok()).and_then(Priority::new)),
        Field::JobHold => JobChange::Hold(switch()),
        Field::HoldAfter => JobChange::HoldAfter(switch()),
        Field::CopyCount => JobChange::Copies { document, copies: number().and_then(|n| u32::try_from(n).ok()) },
        _ => return None,
    })
}
