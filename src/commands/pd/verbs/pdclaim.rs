//! `pdclaim`: prints here what another server of the group holds.
//!
//! The job stays with its owner; this server claims it for a while, fetches its file and prints it. Without jobs the command lists what
//! may be claimed. A crash of the command leaves a job that was claimed, or was not: the second run says which.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::ServerFlag;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::jobs::changes::job_of;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock, help};
use crate::commands::shell::Intent;
use crate::commands::why::Times;
use crate::model::lease::{Answered, Releasable, ReleasableJobs};
use crate::model::{Failure, FailureKind, JobRef, ServerName, printable};

const PROGRAM: &str = "pdclaim";

/// Print a job here that another server holds.
///
/// The job has to be yours, or one that you may start by the rules of its own server, and it has to be held by HOLD. One that waits in a
/// secure queue is released at a station: pdrelease. It prints at the destination that -d names, on this server, and ends at its own. Without jobs those
/// are listed that may be claimed, of all servers of the group, and the servers that do not answer.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Destination here that prints the jobs (-p means the same)
    #[arg(short = 'd', short_alias = 'p', value_name = "DESTINATION", value_parser = NonEmptyStringValueParser::new())]
    to: Option<String>,
    /// List the jobs of this server of the group only
    #[arg(long = "of", value_name = "SERVER", conflicts_with_all = ["to", "lost", "jobs"])]
    of: Option<ServerName>,
    /// The server is lost that has claimed these jobs of this server, and had begun them: each may have printed, and is held
    #[arg(long, requires = "jobs", conflicts_with_all = ["to", "json"])]
    lost: bool,
    /// Show the list as JSON
    #[arg(long, conflicts_with = "jobs")]
    json: bool,
    /// Jobs: server:digits; with --lost those of this server
    #[arg(value_name = "JOB")]
    jobs: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::SETS_NONE,
    settings: &[],
    act: claim,
};

/// Runs `pdclaim` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn claim(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let matches = &line.matches;
    let words: Vec<String> = matches
        .get_many::<OsString>("jobs")
        .into_iter()
        .flatten()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if words.is_empty() {
        return list(&line, shell);
    }
    let jobs = words.iter().map(|word| whole(word)).collect::<Result<Vec<_>, _>>()?;
    if matches.get_flag("lost") {
        let mut spool = line.open(shell, Intent::Write)?;
        return each(&words, shell, &mut |n| spool.claimant_is_lost(jobs[n].clone()));
    }
    let Some(to) = matches.get_one::<String>("to").cloned() else {
        return Err(Stop::usage("-d is missing: where shall they print?").hint("pdclaim   without jobs lists them"));
    };
    let mut named = Vec::new();
    for (job, word) in jobs.into_iter().zip(&words) {
        match job {
            JobRef::Global(job) => named.push(job),
            _ => {
                return Err(Stop::usage(format!("'{}' does not name its server", escaped(word)))
                    .hint("jobs of other servers are named server:digits; pdclaim without jobs lists them"));
            }
        }
    }
    let mut spool = line.open(shell, Intent::Write)?;
    each(&words, shell, &mut |n| spool.claim_job(named[n].clone(), to.clone()).map(drop))
}

/// Reads a job that is named whole.
fn whole(word: &str) -> Result<JobRef, Stop> {
    match job_of(word)? {
        (job, None) => Ok(job),
        (job, Some(_)) => {
            Err(Stop::usage(format!("'{}' names a document", escaped(word)))
                .hint(format!("{job}   names the whole job")))
        }
    }
}

/// Does something with each job. One that fails is reported, and the others follow.
fn each(
    words: &[String],
    shell: &mut Shell<'_>,
    work: &mut dyn FnMut(usize) -> Result<(), Failure>,
) -> Result<Exit, Stop> {
    let mut exit = Exit::Done;
    for n in 0..words.len() {
        match work(n) {
            Ok(()) => {}
            Err(failure) => {
                let lost = failure.kind == FailureKind::Damaged;
                exit = exit.max(shell.report(PROGRAM, &failure));
                if lost {
                    return Ok(exit);
                }
            }
        }
    }
    Ok(exit)
}

fn list(line: &CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    if line.matches.contains_id("to") {
        return Err(Stop::usage("no job is named").hint("pdclaim   without -d lists what may be claimed"));
    }
    let clock = clock(shell);
    let times = Times { zone: clock.zone.clone(), now_ms: clock.now_ms };
    let of = line.matches.get_one::<ServerName>("of").cloned();
    let found = line.open(shell, Intent::Read)?.releasable(of)?;
    match line.matches.get_flag("json") {
        true => writeln!(shell.out, "{}", printable::json(&format!("{:#}", as_json(&found))))?,
        false => table(shell, &found.jobs, &times)?,
    }
    let mut exit = Exit::Done;
    for (server, answered) in &found.servers {
        if let Answered::No(why) = answered {
            let what = format!("server {server} is not answering: jobs that it holds are not listed: {why}");
            exit = exit.max(shell.report(PROGRAM, &Failure::new(FailureKind::NotFound, what)));
        }
    }
    Ok(exit)
}

fn as_json(found: &ReleasableJobs) -> serde_json::Value {
    let jobs: Vec<serde_json::Value> = found
        .jobs
        .iter()
        .map(|one| {
            let reasons: Vec<&str> = one.reasons.iter().map(|reason| reason.keyword()).collect();
            json!({
                "job-identifier": one.job.to_string(),
                "job-name": one.name,
                "job-owner": one.owner,
                "destination-name-requested": one.queue,
                "job-state-reasons": reasons,
                "page-count": one.pages,
                "octets": one.octets,
                "document-format": one.formats.iter().map(|format| format.keyword()).collect::<Vec<_>>(),
                "submission-time": one.submitted_ms,
                "job-discard-time": one.expires_ms,
            })
        })
        .collect();
    let servers: Vec<serde_json::Value> = found
        .servers
        .iter()
        .map(|(server, answered)| match answered {
            Answered::Yes => json!({ "server": server.to_string(), "answered": true }),
            Answered::No(why) => json!({ "server": server.to_string(), "answered": false, "why": why }),
        })
        .collect();
    json!({ "jobs": jobs, "servers": servers })
}

fn table(shell: &mut Shell<'_>, jobs: &[Releasable], times: &Times) -> Result<(), Stop> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut rows = vec![["Job", "Name", "Pages", "Submitted", "Removed"].map(str::to_owned)];
    rows.extend(jobs.iter().map(|one| {
        [
            one.job.to_string(),
            escaped(&one.name),
            one.pages.map_or_else(String::new, |pages| pages.to_string()),
            times.short(one.submitted_ms),
            one.expires_ms.map_or_else(String::new, |ms| times.short(ms)),
        ]
    }));
    let widths: Vec<usize> =
        (0..5).map(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or_default()).collect();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        writeln!(shell.out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
