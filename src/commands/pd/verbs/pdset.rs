//! `pdset`: sets attributes of objects; in this version of jobs, by the rules of `pdmod`.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::flags::{ClassFlag, MessageFlag, ObjectAttributes, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_class;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::jobs::changes::{AlterationRequest, ShowFlags};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdset";

/// Set attributes of objects; in this version of jobs (-c job).
///
/// For each job all the changes hold, or none of them, by the rules of pdmod: a job that is printing takes job-hold=true
/// alone. Attributes of destinations, queues and servers are set with spoolcom.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ClassFlag,
    /// No headings, no labels in what -r shows
    #[arg(short = 'g')]
    bare: bool,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    show: ShowFlags,
    #[command(flatten)]
    attributes: ObjectAttributes,
    /// Objects: with -c job local ids, ten digits, or server:digits
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::altering,
    names: Names::ALTERS_JOBS,
    settings: &[Setting::OperationClass, Setting::Message, Setting::Requested, Setting::Style, Setting::Headings],
    act: set,
};

/// Runs `pdset` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn set(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    take_class(&mut line.items, PROGRAM)?;
    let clock = clock(shell);
    let items = std::mem::take(&mut line.items);
    let request = AlterationRequest::of(items, line.matches.get_flag("bare"), &clock)?;
    let mut spool = line.open(shell, Intent::Write)?;
    request.apply(spool.as_mut(), shell, PROGRAM, &clock)
}
