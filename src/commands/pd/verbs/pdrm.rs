//! `pdrm`: removes jobs.
//!
//! Each job is confirmed unless PD_CONFIRM_DELETE=no. A job that cannot be removed is reported and the others follow. One
//! that prints is removed when its attempt has ended.

use std::ffi::OsString;
use std::io::{BufRead, Read};

use clap::{CommandFactory, Parser};

use crate::attributes::text::{MAX_TEXT, escaped};
use crate::commands::pd::command_line::flags::{CommandAttributes, JobArguments, ServerFlag};
use crate::commands::pd::command_line::options::{Item, Meaning, Names, Setting};
use crate::commands::pd::command_line::targets;
use crate::commands::pd::command_line::targets::Target;
use crate::commands::pd::displays::listing::not_found;
use crate::commands::pd::help;
use crate::commands::pd::jobs::changes::{gone, say_gone};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::shell::Intent;
use crate::model::{Failure, FailureKind, JobRef};

const PROGRAM: &str = "pdrm";

/// Remove jobs.
///
/// Each removal is confirmed unless PD_CONFIRM_DELETE=no. A job that is printing is removed when its present attempt has
/// ended; the part of it that was sent may print, which is said.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = help::of_pdrm())]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Why, in words; it is kept as long as the job is
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
    /// How long to keep the removed job: only 0 in this version
    #[arg(short = 'r', value_name = "[HH:]MM", action = clap::ArgAction::Append)]
    retention: Vec<String>,
    #[command(flatten)]
    attributes: CommandAttributes,
    #[command(flatten)]
    jobs: JobArguments,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    names: Names::SETS_NONE,
    settings: &[Setting::Message],
    act: remove,
};

/// Runs `pdrm` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn remove(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    if let Some(period) = line.matches.get_many::<String>("retention").and_then(Iterator::last)
        && !matches!(period.as_str(), "0" | "00" | "0:00" | "00:00")
    {
        return Err(Stop::usage("-r: removed jobs cannot be retained in this version; -r 0 removes at once"));
    }
    let mut jobs = Vec::new();
    for item in std::mem::take(&mut line.items) {
        match item {
            Item::Argument(word) => jobs.push(job_of(&word)?),
            // The message lives on a retained job; one that is gone has nowhere to keep it.
            Item::Set(Meaning::Setting(_), pair) => {
                if pair.values.join(" ").len() > MAX_TEXT {
                    return Err(Stop::usage(format!("-m: the text is longer than {MAX_TEXT} octets")));
                }
            }
            Item::Set(Meaning::Attribute(row), _) => {
                return Err(Stop::usage(format!("{} cannot be set by pdrm", row.name())));
            }
        }
    }
    let confirm = (shell.env)("PD_CONFIRM_DELETE").is_none_or(|word| !word.eq_ignore_ascii_case("no"));
    let mut spool = line.open(shell, Intent::Write)?;
    let mut exit = Exit::Done;
    for job in jobs {
        let result = spool
            .job(job.clone())
            .and_then(|found| if confirm { ask(shell, &job, &found.name) } else { Ok(()) }.map(|()| found))
            .and_then(|found| {
                let gone = gone(spool.as_mut(), &found)?;
                spool.delete_job(JobRef::Global(found.global))?;
                say_gone(gone, &job, shell, PROGRAM);
                Ok(())
            });
        if let Err(failure) = result {
            let lost = matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged);
            exit = exit.max(shell.report(PROGRAM, &not_found(failure, &job)));
            if lost {
                break;
            }
        }
    }
    Ok(exit)
}

fn job_of(word: &OsString) -> Result<JobRef, Stop> {
    match targets::parse(&word.to_string_lossy())? {
        Target::Job(job, None) => Ok(job),
        Target::Job(job, Some(_)) => {
            Err(Stop::usage(format!("'{}' names a document", escaped(&word.to_string_lossy())))
                .hint(format!("pdrm {job}   removes the whole job")))
        }
        Target::Server(_) => Err(Stop::usage(format!("'{}' names no single job", escaped(&word.to_string_lossy())))
            .hint("pdrm removes the jobs it is given one by one")),
    }
}

/// Asks whether `job` shall go. Anything but y and yes is a no.
fn ask(shell: &mut Shell<'_>, job: &JobRef, name: &str) -> Result<(), Failure> {
    let _ = write!(shell.err, "{PROGRAM}: remove job {job} ({})? [y/N] ", escaped(name));
    let _ = shell.err.flush();
    let mut answer = Vec::new();
    let read = Read::take(&mut *shell.input, 1024).read_until(b'\n', &mut answer);
    let ended = !matches!(read, Ok(n) if n > 0);
    if ended || !shell.input_is_terminal {
        let _ = writeln!(shell.err);
    }
    if ended {
        return Err(Failure::new(FailureKind::State, format!("job {job} was not removed: nobody confirmed it"))
            .hint("PD_CONFIRM_DELETE=no   removes without asking"));
    }
    let answer = String::from_utf8_lossy(&answer).trim().to_ascii_lowercase();
    if matches!(answer.as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(FailureKind::State, format!("job {job} was not removed: the answer was no")))
}
