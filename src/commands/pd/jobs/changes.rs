//! What `pdmod` and `pdset -c job` share: they turn pairs into changes and apply these to one job after the other.
//!
//! A job takes all the changes or none. The whole command line is understood before the first job is touched. When an
//! attribute is given several times, the last pair counts.

use std::ffi::OsString;

use clap::Args;

use super::effects::{self, Action};
use crate::attributes::object::Object;
use crate::attributes::text::{Clock, MAX_TEXT, escaped, read_given};
use crate::attributes::{Attribute, Class, NONE, Settable};
use crate::commands::parts;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Setting};
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::selection::Requested;
use crate::commands::pd::command_line::strings::{Op, Pair};
use crate::commands::pd::command_line::targets;
use crate::commands::pd::command_line::targets::Target;
use crate::commands::pd::displays::display::Display;
use crate::commands::pd::displays::listing::{not_found, terminal_width};
use crate::commands::pd::displays::record::{Layout, Style};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::alter::JobChange;
use crate::model::field::{Field, Value};
use crate::model::job::{JobStatus, Occurrence};
use crate::model::query::Condition;
use crate::model::state::JobState;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;

/// The command attributes of both.
pub const SETTINGS: &[Setting] = &[Setting::Message, Setting::Requested, Setting::Style, Setting::Headings];

/// How long to wait until a held or paused job has left its device.
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
    /// None for `==`.
    value: Option<Value>,
    /// What follows for the same attribute: adding to several values, and removing from them.
    more: Vec<(Op, Value)>,
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
    /// Turns the items into a request; `bare` = `-g` was given.
    pub fn of(items: Vec<Item>, bare: bool, clock: &Clock) -> Result<Self, Stop> {
        let mut request = Self { bare, ..Self::default() };
        for item in items {
            match item {
                Item::Argument(word) => request.jobs.push(job_of(&word.to_string_lossy())?),
                Item::Set(Meaning::Attribute(row), pair) => {
                    request.edit(edit(row, &pair, clock)?);
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

    /// Takes an edit. It replaces an earlier one of the same attribute, unless it adds to its values or removes from them.
    fn edit(&mut self, edit: Edit) {
        let same = self.edits.iter_mut().find(|other| other.row == edit.row);
        match (same, edit.op, edit.value) {
            (Some(same), op @ (Op::Add | Op::Remove), Some(value)) if edit.row.many => same.more.push((op, value)),
            (_, op, value) => {
                self.edits.retain(|other| other.row != edit.row);
                self.edits.push(Edit { op, value, ..edit });
            }
        }
    }

    fn setting(&mut self, setting: Setting, pair: &Pair) -> Result<(), Stop> {
        match setting {
            Setting::Requested => self.requested.take(pair, Class::Job)?,
            Setting::Style => self.style = Some(Style::parse(options::single(pair, "style")?)?),
            Setting::Headings => self.bare = !crate::commands::pd::displays::listing::truth(pair, "headings")?,
            Setting::Message => self.message = Some(message(pair)?),
            // The runner refuses those of other commands.
            _ => {}
        }
        Ok(())
    }

    /// Returns whether `job-hold=true` is all that is asked for.
    fn lone_hold(&self) -> bool {
        matches!(self.edits.as_slice(),
            [Edit { row, op: Op::Set, value: Some(Value::Boolean(true)), .. }] if row.field == Field::JobHold)
    }

    /// Applies the request to every job. A job that fails is reported, and the others follow.
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
        show(&self.requested, (self.style, self.bare), &changed, shell, clock)?;
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
        // Its number may mean another job by now: the job that was looked at is the one that is changed.
        let global = JobRef::Global(status.global.clone());
        let gone = if self.lone_hold() { gone(spool, &status)? } else { None };
        if !changes.is_empty() {
            spool.alter_job(global.clone(), changes)?;
        }
        if self.lone_hold() && status.state.is_on_device() {
            let stopped = stopped(spool, job, &global, shell, program)?;
            say_gone(gone, job, shell, program);
            return Ok(stopped);
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
}

/// Shows what `-r` asked for of jobs that were changed; `bare` = no headings.
pub fn show(
    requested: &Requested,
    (style, bare): (Option<Style>, bool),
    jobs: &[JobStatus],
    shell: &mut Shell<'_>,
    clock: &Clock,
) -> Result<(), Stop> {
    let selection = requested.select(Class::Job, None);
    if jobs.is_empty() || (selection.object.is_empty() && selection.documents.is_empty()) {
        return Ok(());
    }
    let style = style.unwrap_or_else(|| Style::usual(requested));
    let layout = Layout {
        class: Class::Job,
        document_table: !selection.documents.is_empty(),
        documents: Condition::Any,
        selection: selection.laid_out(style.is_complete()),
        style,
        headings: !bare,
        zone: clock.zone.clone(),
        now_ms: clock.now_ms,
        width: terminal_width(shell),
    };
    let mut display = Display::new(shell.out, &layout);
    for job in jobs {
        display.add_read(job, None)?;
    }
    Ok(display.end()?)
}

/// Says that the part of a job that was sent may print, where some was. `gone` is what [`parts::gone`] said before it was
/// stopped.
pub fn say_gone(gone: Option<String>, job: &JobRef, shell: &mut Shell<'_>, program: &str) {
    if let Some(gone) = gone {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(shell.err, "{program}: job {job}: the part that was sent may print: {gone}");
    }
}

/// What has left of a job for good, if it prints.
///
/// # Errors
/// When it cannot be asked.
pub fn gone(spool: &mut dyn Operations, status: &JobStatus) -> Result<Option<String>, Failure> {
    Ok(match status.state {
        JobState::Printing => parts::gone(&spool.occurrences(status.id)?),
        _ => None,
    })
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
    if status.state.is_on_device() {
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

/// Reads the text of `-m`.
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

/// Reads an argument that names a job, or one document of it.
pub fn job_of(word: &str) -> Result<(JobRef, Option<u32>), Stop> {
    match targets::parse(word)? {
        Target::Job(job, document) => Ok((job, document)),
        Target::Server(_) => Err(Stop::usage(format!("'{}' names no single job", escaped(word)))
            .hint("jobs are named one by one, by local id, ten digits or server:digits")),
    }
}

/// Reads what `pair` does to the attribute `row`.
fn edit(row: &'static Attribute, pair: &Pair, clock: &Clock) -> Result<Edit, Stop> {
    let name = row.name();
    match row.settable {
        Settable::Always => {}
        Settable::Initially if row.field == Field::DestinationNameRequested => {
            return Err(Stop::usage(format!("{name} is given when a job is submitted and cannot be altered"))
                .hint("pdresubmit DESTINATION JOB   sends a job elsewhere"));
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
        Op::Default => return Ok(Edit { row, op: Op::Default, value: None, more: Vec::new() }),
        Op::Add if !row.many => {
            return Err(Stop::usage(format!("{name} has one value: '+=' adds to attributes that may have several"))
                .hint(format!("{name}=value   replaces it")));
        }
        Op::Add | Op::Set | Op::Remove => {}
    }
    let value = read_given(row, &pair.values, clock).map_err(Stop::Usage)?;
    // A value that no job can have is refused before the first one is touched. One that is removed need not be possible.
    if pair.op != Op::Remove {
        row.change(Some(&value), None).map_err(|why| {
            Stop::usage(format!("{name}: {why}")).hint(format!("{name}==   brings back the usual one"))
        })?;
    }
    Ok(Edit { row, op: pair.op, value: Some(value), more: Vec::new() })
}

impl Edit {
    /// Makes the changes of a job that is now as `status` says, or of one document of it.
    fn changes(&self, status: &JobStatus, document: Option<u32>) -> Result<Vec<JobChange>, Failure> {
        if let Some(wanted) = document
            && !status.documents.iter().any(|one| one.sequence == wanted)
        {
            let message =
                format!("job {} has {} documents, none is number {wanted}", status.global, status.documents.len());
            return Err(Failure::new(FailureKind::BadValue, message));
        }
        if self.row.class != Class::Document || matches!(self.op, Op::Set | Op::Default) {
            return Ok(self.change(&Object::Job(status), document)?.into_iter().collect());
        }
        // What is added or removed depends on the value that each document has.
        let named = status.documents.iter().filter(|one| document.is_none_or(|wanted| wanted == one.sequence));
        let changes = named.map(|one| self.change(&Object::Document(one), Some(one.sequence)));
        Ok(changes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Makes the change of one object; none where it already has what is added, or has not what is removed.
    fn change(&self, object: &Object<'_>, document: Option<u32>) -> Result<Option<JobChange>, Failure> {
        let replaces = matches!(self.op, Op::Set | Op::Default);
        let now = if replaces { NONE } else { self.row.value(object) };
        let mut then = now.each().to_vec();
        let first = self.value.as_ref().map(|value| (self.op, value));
        for (op, value) in first.into_iter().chain(self.more.iter().map(|(op, value)| (*op, value))) {
            let asked = value.each();
            match op {
                Op::Remove => then.retain(|one| !asked.iter().any(|other| self.row.replaces(other, one))),
                _ => asked.iter().for_each(|one| match then.iter_mut().find(|other| self.row.replaces(one, other)) {
                    Some(other) => other.clone_from(one),
                    None => then.push(one.clone()),
                }),
            }
        }
        if !replaces && then == now.each() {
            return Ok(None);
        }
        // An attribute that loses its last value has its default again.
        let value = match self.row.many {
            true => (!then.is_empty()).then_some(Value::Many(then)),
            false => then.pop(),
        };
        let bad = |why| Failure::new(FailureKind::BadValue, format!("{}: {why}", self.row.name()));
        self.row.change(value.as_ref(), document).map(Some).map_err(bad)
    }
}
