//! `lp` and `lpr`: submission. The files are copied before the program returns, whatever `-c` says: host applications remove
//! them then. When it returns 0 the job is on disk.

use std::ffi::OsString;
use std::path::Path;

use super::options::{Item, read};
use super::{Stop, about_job, job_number, open, queues, reference, words};
use crate::attributes::text::{Clock, read_given, title};
use crate::attributes::{Class, of_class};
use crate::commands::pd::jobs::documents::{self, Document};
use crate::commands::pd::{clock, plain};
use crate::commands::shell::{Intent, Shell};
use crate::model::alter::JobChange;
use crate::model::job::{Accepted, Format, Submission};
use crate::model::order::Priority;
use crate::model::printable::escaped;
use crate::model::{FailureKind, JobNumber};

/// Options of these programs that mean nothing here, and are no news to anybody.
const SILENT: &[&str] = &["nb", "nobanner", "banner", "job-sheets", "r", "nofilebreak", "fit-to-page", "job-billing"];

/// What is said of a request without a document.
const NOTHING: &str = "No file in print request.";

/// What a command line asks for.
#[derive(Default)]
struct Request {
    destination: Option<String>,
    host: Option<String>,
    title: Option<String>,
    owner: Option<String>,
    copies: Option<u32>,
    priority: Option<Priority>,
    hold: Option<Hold>,
    raw: bool,
    silent: bool,
    removes: bool,
    /// `name=value` of `-o`.
    options: Vec<(String, String)>,
    job: Option<JobNumber>,
    files: Vec<OsString>,
    /// What is left out, in words.
    left_out: Vec<String>,
}

/// What `-H` says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hold {
    /// Until somebody starts it.
    Wait,
    /// Not, or no more.
    Go,
    /// Until a time of this day or the next, in hours and minutes.
    Until(i8, i8),
}

/// Runs `lp`.
pub fn lp(words: &[OsString], shell: &mut Shell<'_>) -> Result<(), Stop> {
    let mut request = Request::default();
    for item in read(words, "d:n:t:o:scmwq:i:H:P:h:U:Er")? {
        let (letter, value) = match item {
            Item::Argument(file) => {
                request.files.push(file);
                continue;
            }
            Item::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        match letter {
            'd' => request.destination = Some(value),
            'n' => request.copies = Some(copies(&value)?),
            't' => request.title = Some(value),
            'o' => request.take_options(&value),
            's' => request.silent = true,
            'q' => request.priority = Some(priority(&value)?),
            'i' => {
                let number = job_number(&value);
                request.job =
                    Some(number.ok_or_else(|| Stop::Says(format!("Error - bad job ID: {}", escaped(&value))))?);
            }
            'H' => request.hold = Some(hold(&value)?),
            'P' => request.left_out.push(format!("-P {value}: a finished stream has all of its pages")),
            'h' => request.host = Some(value),
            'U' => request.owner = Some(value),
            'm' | 'w' => request.left_out.push(format!("-{letter}: nobody is told; pdpr -N tells")),
            _ => {}
        }
    }
    request.warn("lp", shell);
    if let Some(job) = request.job {
        return alter(&request, job, shell);
    }
    let (accepted, name, files) = submit(&mut request, "lp", shell)?;
    if !request.silent {
        writeln!(shell.out, "request id is {name}-{} ({files} file(s))", accepted.number)?;
    }
    Ok(())
}

/// Runs `lpr`.
pub fn lpr(words: &[OsString], shell: &mut Shell<'_>) -> Result<(), Stop> {
    let mut request = Request::default();
    for item in read(words, "P:#:J:T:C:U:o:H:hlrsmqpE")? {
        let (letter, value) = match item {
            Item::Argument(file) => {
                request.files.push(file);
                continue;
            }
            Item::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        match letter {
            'P' => request.destination = Some(value),
            '#' => request.copies = Some(copies(&value)?),
            'J' | 'T' | 'C' => request.title = Some(value),
            'U' => request.owner = Some(value),
            'o' => request.take_options(&value),
            // This program's host is a server, and `lp` says it with -h.
            'H' => request.host = Some(value),
            'l' => request.raw = true,
            'r' => request.removes = true,
            'q' => request.hold = Some(Hold::Wait),
            'm' => request.left_out.push("-m: nobody is told; pdpr -N tells".to_owned()),
            'p' => request.left_out.push("-p: nothing is set as pages".to_owned()),
            _ => {}
        }
    }
    request.warn("lpr", shell);
    submit(&mut request, "lpr", shell)?;
    if request.removes {
        // It is accepted: what cannot be removed is told, and is no failure of the job.
        for file in &request.files {
            if let Err(error) = std::fs::remove_file(shell.cwd.join(file)) {
                let shown = escaped(&file.to_string_lossy());
                let _ = writeln!(shell.err, "lpr: {shown} is printed and cannot be removed: {}", plain(&error));
            }
        }
    }
    Ok(())
}

impl Request {
    /// Takes the words of `-o`: `name=value`, `name`, several with blanks between them.
    fn take_options(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name.to_ascii_lowercase().as_str() {
                "raw" => self.raw = true,
                // `-or` of old programs: raw.
                "r" if value.is_empty() => self.raw = true,
                "copies" => match copies(value) {
                    Ok(copies) => self.copies = Some(copies),
                    Err(_) => self.left_out.push(format!("copies={value}: is no number of copies")),
                },
                "job-priority" => match priority(value) {
                    Ok(priority) => self.priority = Some(priority),
                    Err(_) => self.left_out.push(format!("job-priority={value}: is no priority from 1 to 100")),
                },
                "job-hold-until" => match hold(value) {
                    Ok(hold) => self.hold = Some(hold),
                    Err(_) => self.left_out.push(format!("job-hold-until={value}: is not understood")),
                },
                "job-name" if !value.is_empty() => self.title = Some(value.to_owned()),
                silent if SILENT.contains(&silent) => {}
                _ => self.options.push((name.to_owned(), value.to_owned())),
            }
        }
    }

    fn warn(&self, program: &str, shell: &mut Shell<'_>) {
        for what in &self.left_out {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(shell.err, "{program}: Warning - {}", escaped(what));
        }
    }
}

fn copies(text: &str) -> Result<u32, Stop> {
    text.parse()
        .ok()
        .filter(|n| (1..=9_999).contains(n))
        .ok_or_else(|| Stop::Says("Error - copies must be 1 or more.".to_owned()))
}

fn priority(text: &str) -> Result<Priority, Stop> {
    text.parse()
        .ok()
        .and_then(Priority::new)
        .ok_or_else(|| Stop::Says("Error - priority must be between 1 and 100.".to_owned()))
}

fn hold(text: &str) -> Result<Hold, Stop> {
    let bad = || Stop::Says(format!("Error - {} says no time to hold a job until.", escaped(text)));
    Ok(match text.to_ascii_lowercase().as_str() {
        "hold" | "indefinite" | "on" => Hold::Wait,
        "immediate" | "resume" | "restart" | "no-hold" | "off" => Hold::Go,
        _ => {
            let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
            match (parts.next().flatten(), parts.next().flatten()) {
                (Some(hour @ 0..=23), Some(minute @ 0..=59)) => Hold::Until(hour, minute),
                _ => return Err(bad()),
            }
        }
    })
}

/// Returns the next moment at which it is `hour` and `minute`; as with CUPS these are of UTC.
fn moment(hour: i8, minute: i8, now_ms: i64) -> i64 {
    const DAY: i64 = 86_400_000;
    let at = now_ms.div_euclid(DAY) * DAY + i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000;
    if at > now_ms { at } else { at + DAY }
}

/// Submits, and returns the job, its queue and how many files it has.
fn submit(request: &mut Request, program: &str, shell: &mut Shell<'_>) -> Result<(Accepted, String, usize), Stop> {
    let clock = clock(shell);
    let documents = documents(request, shell)?;
    let mut spool = open(shell, request.host.as_deref(), Intent::Submit)?;
    let named = match request.destination.clone() {
        Some(name) => name,
        None => match queues::by_variable(shell) {
            Some(name) => name,
            None => "#DEFAULT".to_owned(),
        },
    };
    let given = request.destination.is_some() || queues::by_variable(shell).is_some();
    let destination = queues::find(spool.as_mut(), &named).map_err(|failure| match failure.kind {
        FailureKind::NotFound if given => Stop::Says("Error - The printer or class does not exist.".to_owned()),
        FailureKind::NotFound => Stop::Says("Error - no default destination available.".to_owned()),
        _ => failure.into(),
    })?;
    let name = if given { queues::name(&destination) } else { queues::usual(spool.as_mut(), shell).unwrap_or(named) };
    let count = request.files.iter().filter(|file| *file != "-").count();
    let (offers, files): (Vec<_>, Vec<_>) =
        documents.into_iter().map(|document| (document.offer, document.file)).unzip();
    let token =
        crate::sys::files::random_name(22).map_err(|error| Stop::Says(format!("Error - no randomness: {error}")))?;
    let mut submission = Submission {
        token: token.clone(),
        destination: destination.to_string(),
        name: request.title.clone().unwrap_or_else(|| usual_title(&request.files)),
        hold: request.hold == Some(Hold::Wait),
        owner: request.owner.clone(),
        documents: offers,
        ..Submission::default()
    };
    if let Some(priority) = request.priority {
        submission.priority = priority;
    }
    if let Some(Hold::Until(hour, minute)) = request.hold {
        submission.lifetime.print_after_ms = Some(moment(hour, minute, shell.now_ms));
    }
    for document in &mut submission.documents {
        document.copies = request.copies.unwrap_or(1);
        if request.raw {
            document.format = Some(Format::Passthru);
        }
    }
    for (option, value) in &request.options {
        if let Err(why) = set(option, value, &mut submission, &clock) {
            let _ =
                writeln!(shell.err, "{program}: Warning - {}={}: {}", escaped(option), escaped(value), escaped(&why));
        }
    }
    let accepted = match spool.submit(submission, files) {
        Ok(accepted) => accepted,
        Err(failure) if failure.kind == FailureKind::Unknown => match spool.settle(token) {
            Ok(Some(accepted)) => accepted,
            Ok(None) => return Err(failure.into()),
            Err(_) => {
                return Err(Stop::Says(format!("{}: whether the job was accepted is not known", words(&failure))));
            }
        },
        // Nothing came through the pipe.
        Err(failure) if request.files.is_empty() && failure.message.starts_with("-: is empty") => {
            return Err(Stop::Says(NOTHING.to_owned()));
        }
        Err(failure) => return Err(failure.into()),
    };
    Ok((accepted, name, count))
}

/// Sets an option by the attribute of that name.
fn set(option: &str, value: &str, submission: &mut Submission, clock: &Clock) -> Result<(), String> {
    for class in [Class::Job, Class::Document] {
        let row = of_class(class).find(|row| row.name().eq_ignore_ascii_case(option));
        let Some(row) = row else { continue };
        let given = read_given(row, &[value.to_owned()], clock).map_err(|failure| failure.message)?;
        let document = (class == Class::Document).then_some(1);
        return row.submit(submission, &given, document);
    }
    Err("there is no such option here, it was left out".to_owned())
}

/// Opens the documents, or standard input where none is named.
fn documents(request: &Request, shell: &Shell<'_>) -> Result<Vec<Document>, Stop> {
    if request.files.is_empty() {
        return Ok(vec![standard_input()?]);
    }
    let mut opened = Vec::new();
    for file in &request.files {
        if file == "-" {
            opened.push(standard_input()?);
            continue;
        }
        let shown = escaped(&file.to_string_lossy());
        if let Err(error) = std::fs::metadata(shell.cwd.join(file)) {
            return Err(Stop::Says(format!("Error - unable to access \"{shown}\" - {}", plain(&error))));
        }
        opened.push(documents::open(file, false, &shell.cwd).map_err(|failure| {
            // The message begins with the name already.
            Stop::Says(format!("Error - {}", escaped(&failure.message)))
        })?);
    }
    Ok(opened)
}

fn standard_input() -> Result<Document, Stop> {
    documents::standard_input().map_err(|failure| match failure.kind {
        FailureKind::Io => Stop::from(failure),
        _ => Stop::Says(NOTHING.to_owned()),
    })
}

fn usual_title(files: &[OsString]) -> String {
    match files.first() {
        Some(file) if file != "-" => title(&Path::new(file).file_name().unwrap_or(file).to_string_lossy()),
        _ => "(stdin)".to_owned(),
    }
}

/// Carries out `lp -i`.
fn alter(request: &Request, number: JobNumber, shell: &mut Shell<'_>) -> Result<(), Stop> {
    let mut spool = open(shell, request.host.as_deref(), Intent::Write)?;
    let job = reference(number);
    let mut changes: Vec<JobChange> = Vec::new();
    changes.extend(request.title.clone().map(|title| JobChange::Name(Some(title))));
    changes.extend(request.copies.map(|copies| JobChange::Copies { document: None, copies: Some(copies) }));
    changes.extend(request.priority.map(|priority| JobChange::Priority(Some(priority))));
    if let Some(Hold::Until(hour, minute)) = request.hold {
        changes.push(JobChange::PrintAfter(Some(moment(hour, minute, shell.now_ms))));
    }
    let failed = |failure: crate::model::Failure| {
        Stop::Says(format!("Set-job-attributes failed: {}", about_job(number, &failure)))
    };
    if !changes.is_empty() {
        spool.alter_job(job.clone(), changes).map_err(failed)?;
    }
    match request.hold {
        Some(Hold::Wait) => spool.hold_job(job).map_err(failed)?,
        Some(Hold::Go) => {
            spool.start_job(job).map_err(failed)?;
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_over_is_that_of_tomorrow() {
        let noon = 12 * 3_600_000;
        assert_eq!(moment(13, 30, noon), noon + 5_400_000);
        assert_eq!(moment(12, 0, noon), noon + 86_400_000);
        assert_eq!(moment(0, 0, noon), 86_400_000);
    }
}
