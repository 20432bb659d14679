//! `pdpromote`: puts one waiting job at the head of its queue.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, ValueHint};

use crate::attributes::Class;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Setting, Source};
use crate::commands::pd::command_line::words;
use crate::commands::pd::jobs::each_job::Plan;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::{Exit, Shell, Stop, finish};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdpromote";

/// Put one waiting job before all others of its queue, whatever their priority.
///
/// A later promotion goes before an earlier one. Jobs that are printing are not disturbed.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = crate::commands::definitions::after_help_acting())]
pub struct Arguments {
    /// Server to ask, as host:port; otherwise the usual one
    #[arg(short = 'H', value_name = "HOST:PORT", value_parser = NonEmptyStringValueParser::new())]
    host: Option<String>,
    /// Why, in words; kept in the job's history
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
    /// Attributes of the command, as "message='wrong paper'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read such attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
    /// The job: local id, ten digits, or server:digits
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}

const SOURCES: &[(&str, Source)] = &[
    ("message", Source::Flag("message")),
    ("strings", Source::Strings),
    ("files", Source::Files),
    ("jobs", Source::Argument),
];

const SETTINGS: &[Setting] = &[Setting::Message];

/// The definition of the command line.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs `pdpromote` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let result = promote(words, shell);
    finish(shell, PROGRAM, result)
}

fn promote(words: &[OsString], shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let command = definition();
    let matches = words::parse(command.clone(), words, shell)?;
    let items = options::ordered(&matches, &command, SOURCES, Class::Job, SETTINGS, shell)?;
    let plan = Plan::of(Action::Promote, items, PROGRAM)?;
    if plan.len() != 1 {
        return Err(Stop::usage("one job is promoted at a time")
            .hint("the last one promoted stands first: promote several in reverse order"));
    }
    let mut spool = (shell.open)(matches.get_one::<String>("host").map(String::as_str), Intent::Write)?;
    Ok(plan.apply(spool.as_mut(), shell, PROGRAM))
}
