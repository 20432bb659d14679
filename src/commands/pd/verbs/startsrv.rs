//! `startsrv`: starts the server of this spool, and makes it where there is none.
//!
//! A server is a spool and what is done to it; no process has to run for it. So starting it is a change of its state.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, CommandFactory, Parser};

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::help;
use crate::commands::pd::managed::{confirm, defaults};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::shell::Intent;
use crate::model::names::FixedName;
use crate::model::state::SpoolerState;
use crate::model::{Failure, ServerName};
use crate::spool::disk::base::server_name;
use crate::spool::interface::operations::Operations;
use crate::supervise::{Place, usual_place};

const PROGRAM: &str = "startsrv";

/// Start the server, or make it.
///
/// Where there is no spool, one is made after a question, under the name that is given or that of this machine, with the default
/// objects of pdcrdflt. A server that was shut down takes jobs and prints again; jobs that waited, were held or kept are as
/// before, and destinations are enabled or disabled as before. Of one that runs it says so. pdserver, where a site has it, is
/// started by the system's service manager.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    /// Make the server alone, without default objects
    #[arg(short = 'c')]
    basic: bool,
    /// Make the server without asking
    #[arg(short = 'F')]
    force: bool,
    /// Language of its messages: C, POSIX, and those that begin with en
    #[arg(short = 'l', value_name = "LOCALE", value_parser = NonEmptyStringValueParser::new())]
    locale: Option<String>,
    /// Port of the server: refused, because pdserver is told its own
    #[arg(short = 'p', value_name = "PORT", value_parser = NonEmptyStringValueParser::new())]
    port: Option<String>,
    /// Show this help, as -h does
    #[arg(short = '?', action = ArgAction::Help)]
    question: Option<bool>,
    /// Name of the server
    #[arg(value_name = "SERVER", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_disk,
    names: Names::SETS_NONE,
    settings: &[],
    act: start,
};

/// Runs `startsrv` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn start(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let matches = &line.matches;
    let named = matches.get_one::<String>("name").map(|name| name.trim_end_matches(':'));
    let named: Option<ServerName> = named.map(str::parse).transpose().map_err(|bad| Stop::Usage(Failure::from(bad)))?;
    if let Some(port) = matches.get_one::<String>("port") {
        return Err(Stop::usage(format!("-p {}: the server here needs no port", escaped(port)))
            .hint("pdserver --help   says where a server listens for other machines"));
    }
    if let Some(locale) = matches.get_one::<String>("locale") {
        let english = ["C", "POSIX"].contains(&locale.as_str()) || locale.to_ascii_lowercase().starts_with("en");
        if !english {
            return Err(
                Stop::usage(format!("-l {}: messages are in English only", escaped(locale))).hint("-l C, or no -l")
            );
        }
    }
    if !is_there(shell)? {
        let host = || server_name(&crate::sys::users::host());
        let name = named.unwrap_or_else(host);
        make(name, matches.get_flag("force"), matches.get_flag("basic"), shell)?;
        return Ok(Exit::Done);
    }
    let mut spool = (shell.open)(None, Intent::Write)?;
    let about = spool.about()?;
    if let Some(name) = named.filter(|name| *name != about.server) {
        return Err(Failure::not_found(format!("server {name}"))
            .hint(format!("the server here is {}", about.server))
            .hint("PDBASE=DIR startsrv NAME   makes another one, in another directory")
            .into());
    }
    if about.state == SpoolerState::Active {
        writeln!(shell.out, "{PROGRAM}: server {} is running already", about.server)?;
        return Ok(Exit::Done);
    }
    spool.start_spooler()?;
    writeln!(shell.out, "{PROGRAM}: server {} is restarted", about.server)?;
    say_status(spool.as_mut(), shell)?;
    Ok(Exit::Done)
}

/// Returns whether there is a spool.
fn is_there(shell: &Shell<'_>) -> Result<bool, Stop> {
    match usual_place(None, shell.env, &shell.cwd)? {
        // One that is damaged is there: opening it says what is wrong.
        Place::Base(base) => Ok(base.database().exists()),
        Place::Server(_) | Place::Network(_) => Ok(true),
    }
}

fn make(name: ServerName, force: bool, basic: bool, shell: &mut Shell<'_>) -> Result<(), Stop> {
    if !force {
        let question = format!("{PROGRAM}: there is no server {name}; make it?");
        confirm::demand(shell, &question, &format!("server {name} was not made"), "-F   makes it without asking")?;
    }
    let intent = FixedName::new(name.as_str()).map_or(Intent::Declare, Intent::DeclareAs);
    let mut spool = (shell.open)(None, intent)?;
    spool.start_spooler()?;
    if !basic {
        defaults::make(spool.as_mut(), &name, false)?;
    }
    writeln!(shell.out, "{PROGRAM}: server {name} is made and started")?;
    if !basic {
        defaults::say_next(shell, &name);
    }
    Ok(())
}

/// Says what waits, and which devices lack something.
fn say_status(spool: &mut dyn Operations, shell: &mut Shell<'_>) -> Result<(), Stop> {
    let about = spool.about()?;
    writeln!(shell.out, "{PROGRAM}: {} jobs, {} devices", about.jobs, about.devices)?;
    for failure in spool.unready_devices()? {
        shell.report(PROGRAM, &failure);
    }
    Ok(())
}
