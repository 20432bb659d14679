//! `pdcrdflt`: makes the default objects of a server.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser};

use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::help;
use crate::commands::pd::managed::defaults;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::shell::Intent;
use crate::model::{Failure, ServerName};

const PROGRAM: &str = "pdcrdflt";

/// Make the default objects of a server.
///
/// These are the queue SERVER-q, the logical destination SERVER-ld, enabled, and media: A3, A4, B4, B5, ledger, legal, letter
/// and tabloid. What is there already stays as it is. startsrv does the same when it makes a server, unless it has -c.
/// Auxiliary sheets need no objects here: DEV $X, HEADER ON of spoolcom prints header pages.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    /// Make the queue SERVER-default-queue too, which assigns jobs to destinations
    #[arg(short = 'c')]
    submit: bool,
    /// Name of the server
    #[arg(value_name = "SERVER", value_parser = NonEmptyStringValueParser::new())]
    name: String,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::SETS_NONE,
    settings: &[],
    act: make,
};

/// Runs `pdcrdflt` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn make(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let name = line.matches.get_one::<String>("name").map(String::as_str).unwrap_or_default();
    let server: ServerName = name.trim_end_matches(':').parse().map_err(|bad| Stop::Usage(Failure::from(bad)))?;
    let mut spool = (shell.open)(None, Intent::Write)?;
    let here = spool.about()?.server;
    if here != server {
        return Err(Failure::not_found(format!("server {server}")).hint(format!("the server here is {here}")).into());
    }
    defaults::make(spool.as_mut(), &server, line.matches.get_flag("submit"))?;
    Ok(Exit::Done)
}
