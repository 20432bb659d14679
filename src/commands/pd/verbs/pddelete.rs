//! `pddelete`: deletes destinations, queues and jobs.
//!
//! The caller confirms each one at a terminal unless PD_CONFIRM_DELETE=no.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ObjectClassFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::confirm;
use crate::commands::pd::managed::request::{ManagedRequest, say_staged};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::Failure;
use crate::model::managed::ManagedObject;

use super::pdrm;

const PROGRAM: &str = "pddelete";

/// Delete destinations, queues and jobs.
///
/// Where change control stages edits (pdchange), a station goes with the next generation. An actual destination must be disabled; no destination that is deleted may have jobs, and no queue destinations. Each
/// deletion is confirmed at the terminal unless PD_CONFIRM_DELETE=no; where there is none, nothing is deleted then. With
/// -c job jobs are removed, as with pdrm.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ObjectClassFlag,
    #[command(flatten)]
    message: MessageFlag,
    /// With -c job, how long to keep the removed job: as pdrm -r
    #[arg(short = 'r', value_name = "[HH:]MM", action = clap::ArgAction::Append)]
    retention: Vec<String>,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// Objects to delete: [server:]name; with -c job local ids, ten digits, or server:digits
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_pdrm,
    names: Names::ACTS_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message],
    act: delete,
};

/// Runs `pddelete` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn delete(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let accepted = [
        Class::Destination,
        Class::Queue,
        Class::Server,
        Class::Job,
        Class::Medium,
        Class::InitialValueJob,
        Class::InitialValueDocument,
        Class::Station,
        Class::User,
    ];
    let class = take_one_of(&mut line.items, &accepted, PROGRAM)?;
    if class == Class::Job {
        return pdrm::remove(line, shell);
    }
    if line.matches.contains_id("retention") {
        return Err(Stop::usage("-r says how long jobs are kept: it is for -c job"));
    }
    let items = std::mem::take(&mut line.items);
    let request = ManagedRequest::without_changes(PROGRAM, items, class, clock(shell))?;
    let asks = confirm::is_wanted(shell);
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, shell, object| {
        if asks {
            ask(shell, object)?;
        }
        let staged = spool.delete_managed(object.clone())?;
        say_staged(shell, PROGRAM, object, staged)
    })
}

/// Asks whether `object` shall go.
fn ask(shell: &mut Shell<'_>, object: &ManagedObject) -> Result<(), Failure> {
    let question = format!("{PROGRAM}: delete {} {}?", object.class.word(), escaped(&object.name));
    confirm::demand(shell, &question, "it was not deleted", "PD_CONFIRM_DELETE=no   deletes without asking")
}
