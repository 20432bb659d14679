//! `pdls`: lists objects and their attributes.
//!
//! A listing is read and written a page at a time; JSON and lines are written as they are read. `pdls` creates and starts
//! nothing. An object that does not exist is reported, and the listing goes on.

use std::ffi::OsString;
use std::time::Instant;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::commands::log::next_round;
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
use crate::model::Failure;
use crate::spool::interface::operations::Operations;
use crate::sys::clock::wall_ms;

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
    /// Show the listing again whenever something in it has changed, until Ctrl-C or until what was named is gone
    #[arg(long)]
    follow: bool,
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
    let associated = class == Class::Destination && request.associated(request.line.matches.get_flag("associated"));
    let show = |spool: &mut dyn Operations, shell: &mut Shell<'_>| match jobs {
        true => listing::jobs(spool, shell, &layout, &targets, &request.wanted(filter.clone(), past)),
        false if associated => {
            let names = objects::with_actual(spool, &request.arguments)?;
            objects::list(spool, shell, PROGRAM, &layout, &names, &filter)
        }
        false => objects::list(spool, shell, PROGRAM, &layout, &request.arguments, &filter),
    };
    if !request.line.matches.get_flag("follow") {
        return show(spool.as_mut(), shell);
    }
    follow(spool.as_mut(), shell, show)
}

/// Shows a listing whenever its text is another one, an empty line between two. What is committed to the spool wakes it, at most
/// once a second. It ends with the status of the listing when that is not 0: what was named is gone.
fn follow(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    show: impl Fn(&mut dyn Operations, &mut Shell<'_>) -> Result<Exit, Stop>,
) -> Result<Exit, Stop> {
    let mut before: Option<Vec<u8>> = None;
    let mut seen = spool.await_change(0, 0)?;
    loop {
        let mut text = Vec::new();
        let exit = {
            let mut nowhere = |_: Option<&str>, _: Intent| Err(Failure::internal("the spool is open already"));
            let mut collected = Shell {
                out: &mut text,
                err: &mut *shell.err,
                input: &mut *shell.input,
                out_is_terminal: shell.out_is_terminal,
                err_is_terminal: shell.err_is_terminal,
                input_is_terminal: shell.input_is_terminal,
                terminal: shell.terminal,
                env: shell.env,
                cwd: shell.cwd.clone(),
                now_ms: if before.is_some() { wall_ms() } else { shell.now_ms },
                open: &mut nowhere,
            };
            show(spool, &mut collected)?
        };
        if before.as_ref() != Some(&text) {
            if before.is_some() {
                shell.out.write_all(b"\n")?;
            }
            shell.out.write_all(&text)?;
            shell.out.flush()?;
            before = Some(text);
        }
        if exit != Exit::Done {
            return Ok(exit);
        }
        let shown = Instant::now();
        seen = next_round(seen, || shown.elapsed(), |seen, timeout_ms| spool.await_change(seen, timeout_ms))?;
    }
}
