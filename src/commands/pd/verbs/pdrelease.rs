//! `pdrelease`: lists the caller's jobs that wait in secure queues, and releases them on the printer where he stands.
//!
//! Whose jobs they are, the system says; nobody can name another user. A job that cannot be released is reported, and the
//! others follow.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde_json::Value;

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::ServerFlag;
use crate::commands::pd::command_line::options::{Item, Names};
use crate::commands::pd::displays::columns::width;
use crate::commands::pd::displays::listing::not_found;
use crate::commands::pd::help;
use crate::commands::pd::jobs::changes::job_of;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::release;
use crate::commands::shell::Intent;
use crate::commands::why::Times;
use crate::model::lease::Answered;
use crate::model::object::ObjectName;
use crate::model::query::PAGE;
use crate::model::secure::{HeldElsewhere, HeldJob, HeldPage, ReleaseState};
use crate::model::{DeviceName, Failure, FailureKind, GlobalJobId, JobRef};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdrelease";
/// The environment variable that names the station.
const STATION: &str = "PD_STATION";

/// List your jobs that wait for release, and release them at a station.
///
/// Without jobs and without --all your jobs in secure queues are listed, here and on the other servers of the pool: what they are, how
/// long they can still be released, and whether they can be released at this station or why not. A server that does not answer within
/// three seconds is named, and the status is 1. A job of another server is named with it, as server:digits. Jobs that are named are released in the order in which they are
/// named, those of --all in the order of their submission. Each prints on the first printer of the station that takes it, or on
/// the one that -p names. A printer that is offline or in error is refused, and the job goes on waiting. A station that shows the jobs of
/// everybody (jobs-shown=all) lists those of others below your own, with a public name; you release one in your own name, and
/// --all releases none of them.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// The station; otherwise PD_STATION, or the only one that there is
    #[arg(long, value_name = "NAME")]
    station: Option<String>,
    /// The printer, one of the station
    #[arg(short = 'p', long = "printer", value_name = "PRINTER")]
    printer: Option<String>,
    /// Release all of them that can be released here
    #[arg(short = 'a', long = "all", conflicts_with_all = ["delete", "history"])]
    all: bool,
    /// Remove the jobs that are named instead of releasing them
    #[arg(long, conflicts_with = "history")]
    delete: bool,
    /// Show what was released, printed, removed and refused of your jobs, oldest first
    #[arg(long)]
    history: bool,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
    /// Jobs: local id, ten digits, or server:digits
    #[arg(value_name = "JOB")]
    jobs: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_pdrelease,
    names: Names::SETS_NONE,
    settings: &[],
    act: release_jobs,
};

/// Runs `pdrelease` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// Where jobs are released.
struct Place {
    station: Option<ObjectName>,
    printer: Option<DeviceName>,
}

fn release_jobs(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let mut jobs = Vec::new();
    for item in &line.items {
        if let Item::Argument(word) = item {
            let word = word.to_string_lossy();
            match job_of(&word)? {
                (job, None) => jobs.push(job),
                (job, Some(_)) => {
                    return Err(Stop::usage(format!("'{}' names a document", escaped(&word)))
                        .hint(format!("{job}   names the whole job")));
                }
            }
        }
    }
    let place = Place { station: station(&line, shell)?, printer: printer(&line)? };
    let flag = |name: &str| line.matches.get_flag(name);
    let (all, delete, history, json) = (flag("all"), flag("delete"), flag("history"), flag("json"));
    if all && !jobs.is_empty() {
        return Err(Stop::usage("--all and jobs exclude each other"));
    }
    if history && !jobs.is_empty() {
        return Err(Stop::usage("--history shows all of your jobs").hint("pdls --history -r log JOB   shows one"));
    }
    if delete && jobs.is_empty() {
        return Err(Stop::usage("--delete needs the jobs that are to be removed"));
    }
    let intent = if all || !jobs.is_empty() { Intent::Write } else { Intent::Read };
    let mut spool = line.open(shell, intent)?;
    let spool = spool.as_mut();
    if history {
        return record(spool, shell, json);
    }
    if delete {
        return Ok(remove(spool, shell, &jobs));
    }
    if !all && !jobs.is_empty() {
        return each(spool, shell, &place, &jobs, json);
    }
    let page = whole(spool, &place)?;
    let elsewhere = spool.held_elsewhere(place.station.clone())?;
    let found = Found { page: &page, elsewhere: &elsewhere };
    let exit = match all {
        true => {
            let jobs = waiting(&found, shell);
            match jobs.is_empty() {
                true => nothing(shell, &found, json)?,
                false => each(spool, shell, &place, &jobs, json)?,
            }
        }
        false if json => write_json(shell, &release::list(&page, &elsewhere))?,
        false => table(shell, &found)?,
    };
    Ok(exit.max(report_silent(&elsewhere, shell)))
}

/// The jobs of the caller, here and on other servers.
struct Found<'a> {
    page: &'a HeldPage,
    elsewhere: &'a HeldElsewhere,
}

impl Found<'_> {
    fn jobs(&self) -> Vec<&HeldJob> {
        release::all(self.page, self.elsewhere)
    }

    fn is_here(&self, job: &HeldJob) -> bool {
        self.page.rows.iter().chain(&self.page.others).any(|one| one.global == job.global)
    }
}

/// Reports the servers that did not answer.
fn report_silent(elsewhere: &HeldElsewhere, shell: &mut Shell<'_>) -> Exit {
    let mut exit = Exit::Done;
    for (server, answered) in &elsewhere.servers {
        if let Answered::No(why) = answered {
            let failure = Failure::new(FailureKind::NotFound, release::silence(server, why));
            exit = exit.max(shell.report(PROGRAM, &failure));
        }
    }
    exit
}

fn station(line: &CommandLine, shell: &Shell<'_>) -> Result<Option<ObjectName>, Stop> {
    let named = line.matches.get_one::<String>("station").cloned();
    let of_place =
        || (shell.env)(STATION).filter(|name| !name.is_empty()).map(|name| name.to_string_lossy().into_owned());
    let name = named.or_else(of_place);
    let bad = |name: &str| Stop::usage(format!("'{}' names no station", escaped(name)));
    name.map(|name| name.parse().map_err(|_| bad(&name))).transpose()
}

fn printer(line: &CommandLine) -> Result<Option<DeviceName>, Stop> {
    let named = line.matches.get_one::<String>("printer");
    named.map(|name| name.parse().map_err(|error| Stop::Usage(Failure::from(error)))).transpose()
}

/// Reads every page.
fn whole(spool: &mut dyn Operations, place: &Place) -> Result<HeldPage, Failure> {
    let mut all = spool.held_jobs(place.station.clone(), None, PAGE)?;
    while let Some(after) = all.next.take() {
        let page = spool.held_jobs(place.station.clone(), Some(after), PAGE)?;
        all.rows.extend(page.rows);
        all.next = page.next;
    }
    Ok(all)
}

/// Returns the jobs that wait, in the order of submission. One that may have printed is not among them, nor one that has
/// printed and is kept: whoever wants such a one again names it.
fn waiting(found: &Found<'_>, shell: &mut Shell<'_>) -> Vec<JobRef> {
    let jobs = found.jobs();
    let uncertain = jobs.iter().filter(|job| job.state == ReleaseState::MayHavePrinted).count();
    if uncertain > 0 {
        let jobs = if uncertain == 1 { "1 job".to_owned() } else { format!("{uncertain} jobs") };
        // A closed standard error must not turn into a failure.
        let _ =
            writeln!(shell.err, "{PROGRAM}: {jobs} may have printed already and stay; name a job to print it again");
    }
    let named = |job: &HeldJob| match found.is_here(job) {
        true => JobRef::Number(job.number),
        false => JobRef::Global(job.global.clone()),
    };
    jobs.into_iter().filter(|job| job.state == ReleaseState::Waiting).map(named).collect()
}

fn each(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    place: &Place,
    jobs: &[JobRef],
    json: bool,
) -> Result<Exit, Stop> {
    let mut exit = Exit::Done;
    let mut done: Vec<Value> = Vec::new();
    for job in jobs {
        match spool.release_job(job.clone(), place.station.clone(), place.printer.clone()) {
            Ok(released) if json => done.push(release::released(&released)),
            Ok(released) => {
                // Of a job of another server nobody knows the number that it has here.
                let name = match job {
                    JobRef::Global(name) => name.to_string(),
                    _ => released.number.to_string(),
                };
                writeln!(shell.out, "job {name} prints on {}", released.printer)?;
            }
            Err(failure) => {
                let lost = matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged);
                exit = exit.max(shell.report(PROGRAM, &not_found(failure, job)));
                if lost {
                    break;
                }
            }
        }
    }
    if json {
        write_json(shell, &Value::Array(done))?;
    }
    Ok(exit)
}

fn remove(spool: &mut dyn Operations, shell: &mut Shell<'_>, jobs: &[JobRef]) -> Exit {
    let mut exit = Exit::Done;
    for job in jobs {
        let removed = match job {
            JobRef::Global(name) => remove_named(spool, name),
            _ => spool.delete_job(job.clone(), None, None).map(drop),
        };
        if let Err(failure) = removed {
            exit = exit.max(shell.report(PROGRAM, &not_found(failure, job)));
        }
    }
    exit
}

/// Removes a job that is named with its server: where it lies.
fn remove_named(spool: &mut dyn Operations, name: &GlobalJobId) -> Result<(), Failure> {
    match spool.delete_job(JobRef::Global(name.clone()), None, None) {
        Err(failure) if failure.kind == FailureKind::NotFound && name.server != spool.about()?.server => {
            spool.remove_elsewhere(name.clone())
        }
        removed => removed.map(drop),
    }
}

/// Says that there was nothing to release, and why.
fn nothing(shell: &mut Shell<'_>, found: &Found<'_>, json: bool) -> Result<Exit, Stop> {
    if json {
        return write_json(shell, &Value::Array(Vec::new()));
    }
    match found.jobs().is_empty() {
        true => writeln!(shell.out, "No job of yours waits for its release.")?,
        false => writeln!(shell.out, "No job of yours can be released now; {PROGRAM} shows why.")?,
    }
    Ok(Exit::Done)
}

fn write_json(shell: &mut Shell<'_>, value: &Value) -> Result<Exit, Stop> {
    writeln!(shell.out, "{value:#}")?;
    Ok(Exit::Done)
}

fn table(shell: &mut Shell<'_>, found: &Found<'_>) -> Result<Exit, Stop> {
    if found.elsewhere.only_here {
        writeln!(shell.out, "{}", release::ONLY_HERE)?;
    }
    if found.page.purged > 0 {
        writeln!(shell.out, "{}", release::purged(found.page.purged))?;
    }
    let (jobs, others) = (found.jobs(), &found.page.others);
    if jobs.is_empty() {
        writeln!(shell.out, "No job of yours waits for its release.")?;
    }
    if jobs.is_empty() && others.is_empty() {
        return Ok(Exit::Done);
    }
    if let Some(station) = &found.page.station {
        writeln!(shell.out, "Station {station}")?;
    }
    let mut lines = vec![["Job", "Name", "Pages", "Format", "Expires", "Release"].map(str::to_owned)];
    let of_others = others.iter().map(|job| (job, true));
    for (job, is_of_other) in jobs.into_iter().map(|job| (job, job.delegated)).chain(of_others) {
        let formats: Vec<&str> = job.formats.iter().map(|format| format.keyword()).collect();
        let name = if is_of_other { format!("{} (of {})", job.name, job.owner) } else { job.name.clone() };
        lines.push([
            match is_of_other {
                _ if !found.is_here(job) => job.global.to_string(),
                true => job.global.serial.to_string(),
                false => job.local.to_string(),
            },
            escaped(&name),
            job.pages.map_or_else(|| "-".to_owned(), |pages| pages.to_string()),
            formats.join(","),
            release::left(job.expires_ms, shell.now_ms),
            escaped(&release::words(job)),
        ]);
    }
    write_lines(shell, &lines)?;
    Ok(Exit::Done)
}

fn record(spool: &mut dyn Operations, shell: &mut Shell<'_>, json: bool) -> Result<Exit, Stop> {
    let mut all = Vec::new();
    loop {
        let page =
            spool.release_record(all.last().map_or(0, |line: &crate::model::secure::AuditRecord| line.id), PAGE)?;
        let done = page.rows.is_empty() || !page.more;
        all.extend(page.rows);
        if done {
            break;
        }
    }
    if json {
        return write_json(shell, &Value::Array(all.iter().map(release::record).collect()));
    }
    let times = Times { zone: clock(shell).zone, now_ms: shell.now_ms };
    let mut lines = vec![["Time", "Job", "What", "Who", "Where", "Result"].map(str::to_owned)];
    for line in &all {
        let place: Vec<&str> = [line.station.as_deref(), line.printer.as_deref()].into_iter().flatten().collect();
        lines.push([
            times.full(line.at_ms),
            line.correlation.clone(),
            line.what.clone(),
            escaped(&line.who),
            place.join("/"),
            line.result.clone(),
        ]);
    }
    write_lines(shell, &lines)?;
    Ok(Exit::Done)
}

/// Writes lines with their cells below each other; the last cell takes what it needs.
fn write_lines<const N: usize>(shell: &mut Shell<'_>, lines: &[[String; N]]) -> Result<(), Stop> {
    let mut widths = [0; N];
    for line in lines {
        for (cell, most) in line.iter().zip(&mut widths) {
            *most = width(cell).max(*most);
        }
    }
    for line in lines {
        let mut text = String::new();
        for (cell, most) in line.iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', most.saturating_sub(width(cell)) + 2));
        }
        writeln!(shell.out, "{}", text.trim_end())?;
    }
    Ok(())
}
