//! `pdreorder`: puts one waiting job at another place of its queue, or on a certain device.
//!
//! One of five flags says where. `-s` is the server here, and not the style.

use std::ffi::OsString;

use clap::{ArgGroup, CommandFactory, Parser};

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::options::{Item, Meaning, Names, Setting};
use crate::commands::pd::displays::listing::{check_server, not_found};
use crate::commands::pd::jobs::changes::{job_of, message};
use crate::commands::pd::jobs::effects::{self, Action};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, about, help};
use crate::commands::shell::Intent;
use crate::model::order::Reorder;
use crate::model::{BadName, DeviceName, Failure, JobRef, ServerName};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdreorder";

/// Put one waiting job at another place of its queue, or on a certain actual destination.
///
/// The priority of the job stays what it is. Beside a job of another destination it goes to that destination. Holding the job
/// or altering its priority gives it the place of one that arrives now.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(group = ArgGroup::new("where").required(true).args(["after", "before", "onto", "anew", "anywhere"]))]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Directly behind this job
    #[arg(short = 'a', value_name = "JOB")]
    after: Option<OsString>,
    /// Directly before this job
    #[arg(short = 'b', value_name = "JOB")]
    before: Option<OsString>,
    /// On this actual destination, and on no other one of its queue
    #[arg(short = 'p', value_name = "DESTINATION")]
    onto: Option<OsString>,
    /// Where this server puts a job that arrives now, on any actual destination of its queue
    #[arg(short = 's', value_name = "SERVER")]
    anew: Option<OsString>,
    /// On any actual destination of its queue at this server; its place stays
    #[arg(short = 'u', value_name = "SERVER")]
    anywhere: Option<OsString>,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// The job: local id, ten digits, or server:digits
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::SETS_NONE,
    settings: &[Setting::Message],
    act: reorder,
};

/// Runs `pdreorder` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// Where the job goes, as it was typed.
enum Where {
    Behind(JobRef),
    Before(JobRef),
    On(String),
    Anew(String),
    Anywhere(String),
}

impl Where {
    fn of(line: &CommandLine) -> Result<Self, Stop> {
        let value = |id: &str| line.matches.get_one::<OsString>(id).map(|word| word.to_string_lossy().into_owned());
        let found = ["after", "before", "onto", "anew", "anywhere"].into_iter().find_map(|id| Some((id, value(id)?)));
        let (id, word) = found.ok_or_else(|| Stop::usage("nothing says where the job goes: -a, -b, -p, -s or -u"))?;
        if word.is_empty() {
            return Err(Stop::usage("where the job goes is empty"));
        }
        Ok(match id {
            "after" => Self::Behind(whole(&word)?),
            "before" => Self::Before(whole(&word)?),
            "onto" => Self::On(word),
            "anew" => Self::Anew(word),
            _ => Self::Anywhere(word),
        })
    }

    /// What the spool is asked for. Its names are those of this server.
    fn asked(self, spool: &mut dyn Operations) -> Result<Reorder, Stop> {
        let of_server = |spool: &mut dyn Operations, name: &str| -> Result<(), Stop> {
            let server: ServerName = name.parse().map_err(|bad: BadName| about(name, Failure::from(bad)))?;
            check_server(spool, Some(&server))
        };
        Ok(match self {
            Self::Behind(job) => Reorder::Behind(job),
            Self::Before(job) => Reorder::Before(job),
            Self::On(name) => {
                let plain = match name.split_once(':') {
                    Some((server, plain)) => {
                        of_server(spool, server)?;
                        plain.to_owned()
                    }
                    None => name.clone(),
                };
                let device: DeviceName = plain.parse().map_err(|bad: BadName| about(&name, Failure::from(bad)))?;
                Reorder::On(device)
            }
            Self::Anew(server) => {
                of_server(spool, &server)?;
                Reorder::Anew
            }
            Self::Anywhere(server) => {
                of_server(spool, &server)?;
                Reorder::Anywhere
            }
        })
    }
}

/// A job that is named as a whole.
fn whole(word: &str) -> Result<JobRef, Stop> {
    match job_of(word)? {
        (job, None) => Ok(job),
        (job, Some(_)) => {
            Err(Stop::usage(format!("'{}' names a document", escaped(word)))
                .hint(format!("{job}   names the whole job")))
        }
    }
}

fn reorder(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let to = Where::of(&line)?;
    let (mut jobs, mut text) = (Vec::new(), None);
    for item in std::mem::take(&mut line.items) {
        match item {
            Item::Argument(word) => jobs.push(whole(&word.to_string_lossy())?),
            Item::Set(Meaning::Setting(_), pair) => text = Some(message(&pair)?),
            Item::Set(Meaning::Attribute(row), _) => {
                return Err(Stop::usage(format!("{} cannot be set by {PROGRAM}", row.name())).hint("pdmod alters jobs"));
            }
        }
    }
    let [job] = jobs.as_slice() else {
        return Err(Stop::usage("one job is reordered at a time"));
    };
    let mut spool = line.open(shell, Intent::Write)?;
    let spool = spool.as_mut();
    let to = to.asked(spool)?;
    let status = spool.job(job.clone()).map_err(|failure| not_found(failure, job))?;
    effects::check(Action::Reorder, job, &status, false)?;
    // The job that was looked at is the one that goes, whatever its number means by then.
    spool.reorder_job(JobRef::Global(status.global), to, text)?;
    Ok(Exit::Done)
}
