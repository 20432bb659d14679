//! `pdpause`: pauses jobs. In this version jobs only; a destination is drained with `spoolcom`.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, ValueHint};

use super::pdset::take_class;
use crate::attributes::Class;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Setting, Source};
use crate::commands::pd::command_line::words;
use crate::commands::pd::jobs::each_job::Plan;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::{Exit, Shell, Stop, finish};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdpause";

/// Pause jobs (-c job): they keep their place and wait until they are resumed.
///
/// A job that is printing stops at once and its device goes on with the next one; resumed, it is printed again from its
/// beginning, and announced as a possible duplicate where pages may be on paper.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = crate::commands::definitions::after_help_acting())]
pub struct Arguments {
    /// Server to ask, as host:port; otherwise the usual one
    #[arg(short = 'H', value_name = "HOST:PORT", value_parser = NonEmptyStringValueParser::new())]
    host: Option<String>,
    /// Class of the objects: only job in this version; without -c it is destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["job"]), hide_possible_values = true)]
    class: Vec<OsString>,
    /// Why, in words; kept in the job's history
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
    /// When a printing job stops: now; after-current-copy is not available in this version
    #[arg(short = 'w', value_name = "WHEN", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["now"]), hide_possible_values = true)]
    when: Vec<OsString>,
    /// Attributes of the command, as "message='wrong paper'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read such attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
    /// Jobs: local id, ten digits, or server:digits
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}

const SOURCES: &[(&str, Source)] = &[
    ("class", Source::Flag("operation-class")),
    ("message", Source::Flag("message")),
    ("when", Source::Flag("when")),
    ("strings", Source::Strings),
    ("files", Source::Files),
    ("jobs", Source::Argument),
];

const SETTINGS: &[Setting] = &[Setting::OperationClass, Setting::Message, Setting::When];

/// The definition of the command line.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs `pdpause` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let result = pause(words, shell);
    finish(shell, PROGRAM, result)
}

fn pause(words: &[OsString], shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let command = definition();
    let matches = words::parse(command.clone(), words, shell)?;
    let mut items = options::ordered(&matches, &command, SOURCES, Class::Job, SETTINGS, shell)?;
    take_class(&mut items, PROGRAM, "destination")?;
    let plan = Plan::of(Action::Pause, items, PROGRAM)?;
    let mut spool = (shell.open)(matches.get_one::<String>("host").map(String::as_str), Intent::Write)?;
    Ok(plan.apply(spool.as_mut(), shell, PROGRAM))
}
