//! `pdmod`: alters jobs.
//!
//! For each job all the changes hold, or none. A job that prints takes `job-hold=true` alone: it stops at once and is held.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, ValueHint};

use crate::attributes::Class;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::Source;
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::words;
use crate::commands::pd::displays::record::Style;
use crate::commands::pd::jobs::changes;
use crate::commands::pd::jobs::changes::Plan;
use crate::commands::pd::{Exit, Shell, Stop, clock, finish};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdmod";

/// Alter jobs that are in the spool.
///
/// For each job all the changes hold, or none of them. "name=value" replaces a value, "name==" brings back the default,
/// "name-=value" takes a value away. A new priority, form or number of copies gives a job the place of one that arrives
/// now. A job that is printing takes job-hold=true alone: it stops at once and is held.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = crate::commands::definitions::after_help_altering())]
pub struct Arguments {
    /// Server to ask, as host:port; otherwise the usual one
    #[arg(short = 'H', value_name = "HOST:PORT", value_parser = NonEmptyStringValueParser::new())]
    host: Option<String>,
    /// No headings, no labels in what -r shows
    #[arg(short = 'g')]
    bare: bool,
    /// Why, in words; kept in the job's history
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
    /// Copies of each document, or of the one that .n after the job names
    #[arg(short = 'n', value_name = "COPIES", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    copies: Vec<OsString>,
    /// Show these attributes of the altered jobs: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Job)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style of that display: column, doccol or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(Style::WORDS.iter().copied()), hide_possible_values = true)]
    style: Vec<OsString>,
    /// Name of the job
    #[arg(short = 't', value_name = "NAME", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    name: Vec<OsString>,
    /// Attributes, as "job-priority=30 job-name='two words'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
    /// Jobs: local id, ten digits, or server:digits; .n after it names a document
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}

const SOURCES: &[(&str, Source)] = &[
    ("message", Source::Flag("message")),
    ("copies", Source::Flag("copy-count")),
    ("requested", Source::Flag("requested-attributes")),
    ("style", Source::Flag("style")),
    ("name", Source::Flag("job-name")),
    ("strings", Source::Strings),
    ("files", Source::Files),
    ("jobs", Source::Argument),
];

/// The definition of the command line.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs `pdmod` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let result = alter(words, shell);
    finish(shell, PROGRAM, result)
}

fn alter(words: &[OsString], shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let command = definition();
    let matches = words::parse(command.clone(), words, shell)?;
    let items = options::ordered(&matches, &command, SOURCES, changes::NAMES, changes::SETTINGS, shell)?;
    let clock = clock(shell);
    let plan = Plan::of(items, matches.get_flag("bare"), &clock)?;
    let mut spool = (shell.open)(matches.get_one::<String>("host").map(String::as_str), Intent::Write)?;
    plan.apply(spool.as_mut(), shell, PROGRAM, &clock)
}
