//! `pdset`: sets attributes of objects. In this version of jobs, by the rules of `pdmod`.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, ValueHint};

use crate::attributes::Class;
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Item, Meaning, Setting, Source};
use crate::commands::pd::command_line::selection;
use crate::commands::pd::command_line::words;
use crate::commands::pd::displays::record::Style;
use crate::commands::pd::jobs::changes;
use crate::commands::pd::jobs::changes::Plan;
use crate::commands::pd::{Exit, Shell, Stop, clock, finish};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdset";

/// Set attributes of objects; in this version of jobs (-c job).
///
/// For each job all the changes hold, or none of them, by the rules of pdmod: a job that is printing takes job-hold=true
/// alone. Attributes of destinations, queues and servers are set with spoolcom.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
#[command(after_long_help = crate::commands::definitions::after_help_altering())]
pub struct Arguments {
    /// Server to ask, as host:port; otherwise the usual one
    #[arg(short = 'H', value_name = "HOST:PORT", value_parser = NonEmptyStringValueParser::new())]
    host: Option<String>,
    /// Class of the objects: only job in this version; without -c it is destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["job"]), hide_possible_values = true)]
    class: Vec<OsString>,
    /// No headings, no labels in what -r shows
    #[arg(short = 'g')]
    bare: bool,
    /// Why, in words; kept in the job's history
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
    /// Show these attributes of the altered jobs: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Job)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style of that display: column, doccol or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(Style::WORDS.iter().copied()), hide_possible_values = true)]
    style: Vec<OsString>,
    /// Attributes, as "job-priority=30 job-name='two words'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
    /// Objects: with -c job local ids, ten digits, or server:digits
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

const SOURCES: &[(&str, Source)] = &[
    ("class", Source::Flag("operation-class")),
    ("message", Source::Flag("message")),
    ("requested", Source::Flag("requested-attributes")),
    ("style", Source::Flag("style")),
    ("strings", Source::Strings),
    ("files", Source::Files),
    ("objects", Source::Argument),
];

const SETTINGS: &[Setting] =
    &[Setting::OperationClass, Setting::Message, Setting::Requested, Setting::Style, Setting::Headings];

/// The classes that commands for administrators know; of them this version has jobs.
const CLASSES: &[(&str, bool)] = &[
    ("job", true),
    ("destination", false),
    ("printer", false),
    ("queue", false),
    ("server", false),
    ("log", false),
    ("medium", false),
    ("auxiliary-sheet", false),
    ("initial-value-job", false),
    ("initial-value-document", false),
    ("resource-context", false),
    ("transform", false),
];

/// Takes the class out of `items`, which must be job; the last one counts.
///
/// # Errors
/// [`Stop::Usage`] for every other class, `usual` being the one that holds without `-c`.
pub fn take_class(items: &mut Vec<Item>, program: &str, usual: &str) -> Result<(), Stop> {
    let mut class = usual.to_owned();
    for item in items.iter() {
        if let Item::Set(Meaning::Setting(Setting::OperationClass), pair) = item {
            options::single(pair, "operation-class")?.clone_into(&mut class);
        }
    }
    items.retain(|item| !matches!(item, Item::Set(Meaning::Setting(Setting::OperationClass), _)));
    let hint = || format!("{program} -c job JOB ...   acts on jobs");
    match names::resolve(&class, CLASSES) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Stop::usage(format!("{program} of class '{}' is not available in this version", escaped(&class)))
                .hint(hint()))
        }
        Err(BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("class '{}' may mean {}", escaped(&class), found.join(" or "))))
        }
        Err(BadWord::Unknown(_)) => Err(Stop::usage(format!("'{}' is no class", escaped(&class))).hint(hint())),
    }
}

/// The definition of the command line.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs `pdset` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let result = set(words, shell);
    finish(shell, PROGRAM, result)
}

fn set(words: &[OsString], shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let command = definition();
    let matches = words::parse(command.clone(), words, shell)?;
    let mut items = options::ordered(&matches, &command, SOURCES, changes::NAMES, SETTINGS, shell)?;
    take_class(&mut items, PROGRAM, "destination")?;
    let clock = clock(shell);
    let plan = Plan::of(items, matches.get_flag("bare"), &clock)?;
    let mut spool = (shell.open)(matches.get_one::<String>("host").map(String::as_str), Intent::Write)?;
    plan.apply(spool.as_mut(), shell, PROGRAM, &clock)
}
