//! `pdcreate`: makes destinations, queues, media, default jobs and default documents.
//!
//! The first object of all makes the spool, if there is none, under the name of the server that the argument has.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::commands::pd::command_line::flags::{MessageFlag, ObjectAttributes, ObjectClassFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::request::{ManagedRequest, ShowFlags, say_staged};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::field::Field;
use crate::model::names::FixedName;

const PROGRAM: &str = "pdcreate";

/// Make destinations, queues, media, default jobs and default documents.
///
/// A queue comes first: jobs wait in it. A logical destination feeds it, and jobs are sent to that; an actual destination is
/// a printer that takes the jobs of the queue. A new destination is disabled: set what it needs, then enable it with
/// pdenable. A default job (initial-value-job) has attributes of jobs, a default document those of documents: a job takes them
/// where its submitter says nothing. A station, and the compatible queues of a new queue, are staged where change control stages edits
/// (pdchange). A name that is there already is an error, and nothing is changed.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ObjectClassFlag,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    show: ShowFlags,
    #[command(flatten)]
    attributes: ObjectAttributes,
    /// Objects to make, each with its server: server:name
    #[arg(value_name = "SERVER:NAME", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::managing,
    names: Names::MAKES_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message, Setting::Requested, Setting::Style, Setting::Headings],
    act: create,
};

/// Runs `pdcreate` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn create(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let class = take_one_of(
        &mut line.items,
        &[
            Class::Destination,
            Class::Queue,
            Class::Medium,
            Class::InitialValueJob,
            Class::InitialValueDocument,
            Class::Station,
            Class::User,
        ],
        PROGRAM,
    )?;
    let items = std::mem::take(&mut line.items);
    let request = ManagedRequest::of(items, class, true, line.matches.get_flag("bare"), clock(shell))?;
    let mut server = None;
    for one in &request.objects {
        let Some(name) = &one.server else {
            return Err(Stop::usage(format!("'{}' names no server", one.object.name))
                .hint(format!("what is made is named with its server, as SERVER:{}", one.object.name)));
        };
        if server.as_ref().is_some_and(|other| other != name) {
            return Err(Stop::usage("the objects of one command belong to one server"));
        }
        server = Some(name.clone());
    }
    let says = request.changes.iter().any(|change| change.field == Field::DestinationRealization);
    if class == Class::Destination && !says {
        return Err(Stop::usage("destination-realization is missing: a destination is logical or actual")
            .hint("-x \"destination-realization=logical associated-queue=QUEUE\"   makes what jobs are sent to")
            .hint("-x \"destination-realization=actual associated-queue=QUEUE destination-tcpip-internet-address=HOST\"   makes a printer"));
    }
    let intent = server.and_then(|name| FixedName::new(name.as_str())).map_or(Intent::Declare, Intent::DeclareAs);
    let mut spool = line.open(shell, intent)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, shell, object| {
        let staged = spool.create_managed(object.clone(), request.changes.clone(), request.message.clone())?;
        say_staged(shell, PROGRAM, object, staged)
    })
}
