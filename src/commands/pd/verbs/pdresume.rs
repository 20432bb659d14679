//! `pdresume`: resumes actual destinations, queues, the server, and jobs.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options;
use crate::commands::pd::command_line::options::{Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::jobs::each_job;
use crate::commands::pd::jobs::effects::Action;
use crate::commands::pd::managed::pausing;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};

const PROGRAM: &str = "pdresume";

/// Resume what was paused: actual destinations, queues, the server, or jobs.
///
/// A destination goes on with the job that it had. With -c server all queues and all enabled actual destinations are resumed. A job goes
/// on at the place it had; one that is held as well stays held: a paused job goes back to what holds it.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Class of the objects: destination, queue, server or job; without -c it is destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["destination", "queue", "server", "job"]), hide_possible_values = true)]
    class: Vec<OsString>,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// Objects: [server:]name; jobs: local id, ten digits, or server:digits
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::ACTS_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message],
    act: resume,
};

fn resume(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let classes = &[Class::Destination, Class::Queue, Class::Server, Class::Job];
    match take_one_of(&mut line.items, classes, PROGRAM)? {
        Class::Job => each_job::run(Action::Resume, line, shell, None),
        class => pausing::run(line, shell, class, false, false),
    }
}

/// Runs `pdresume` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
