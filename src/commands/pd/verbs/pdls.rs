//! `pdls`: lists objects and their attributes.
//!
//! A listing is read and written a page at a time; JSON and lines are written as they are read. `pdls` creates and starts
//! nothing. An object that does not exist is reported, and the listing goes on.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::commands::pd::command_line::class_words::class_of;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::command_line::targets;
use crate::commands::pd::command_line::targets::Target;
use crate::commands::pd::displays::listing;
use crate::commands::pd::displays::listing::{Flags, ListingRequest};
use crate::commands::pd::displays::objects;
use crate::commands::pd::help;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::shell::Intent;

const PROGRAM: &str = "pdls";

/// List jobs, documents, destinations, queues, the server and other objects.
///
/// Without arguments your own jobs are listed, in the order in which they will be printed. A job is named by its local
/// id, its ten digits or server:digits, a document by .n after that; "server:" names every object of a server.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    /// Class of the objects: job, document, destination, queue, server, medium, initial-value-job, initial-value-document, station, user, log
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest([
        "job", "document", "destination", "queue", "server", "medium", "initial-value-job", "initial-value-document",
        "station", "user", "log",
    ]), hide_possible_values = true)]
    class: Vec<OsString>,
    #[command(flatten)]
    flags: Flags,
    /// With a logical destination list the actual ones that print its jobs, too
    #[arg(short = 'A')]
    associated: bool,
    /// Finished jobs, the last one first; with jobs named, those whether finished or not
    #[arg(long)]
    history: bool,
    /// Objects to list
    #[arg(value_name = "OBJECT")]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: || help::with_attributes(Class::Job, false),
    names: Names::SETS_NONE,
    settings: &[
        Setting::OperationClass,
        Setting::Associated,
        Setting::Filter,
        Setting::Headings,
        Setting::Requested,
        Setting::Style,
    ],
    act: list,
};

/// Runs `pdls` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn list(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let request = ListingRequest::of(line, shell)?;
    let class = request.class.as_deref().map_or(Ok(Class::Job), class_of)?;
    let jobs = matches!(class, Class::Job | Class::Document);
    let targets = match jobs {
        true => request.arguments.iter().map(|word| targets::parse(word)).collect::<Result<Vec<_>, _>>()?,
        false => Vec::new(),
    };
    let past = request.line.matches.get_flag("history");
    let by_id = targets.iter().any(|target| matches!(target, Target::Job(..)));
    let (layout, filter) = request.layout(class, by_id, past)?;
    let mut spool = request.line.open(shell, Intent::Read)?;
    if class == Class::Destination && request.associated(request.line.matches.get_flag("associated")) {
        let names = objects::with_actual(spool.as_mut(), &request.arguments)?;
        return objects::list(spool.as_mut(), shell, PROGRAM, &layout, &names, &filter);
    }
    if !jobs {
        return objects::list(spool.as_mut(), shell, PROGRAM, &layout, &request.arguments, &filter);
    }
    listing::jobs(spool.as_mut(), shell, &layout, &targets, &request.wanted(filter, past))
}
