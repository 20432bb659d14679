//! `pdpause`: pauses actual destinations, queues, the server, and jobs.

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

const PROGRAM: &str = "pdpause";

/// Pause what prints: actual destinations, queues, the server, or jobs.
///
/// A destination that is paused takes jobs as before and prints none; the job that it has stands still until it is resumed,
/// and keeps its place. With -j only that job is paused, and the destination goes on with others. A paused queue takes jobs and gives
/// none away; what is being printed goes on. With -c server all queues and all enabled actual destinations are paused.
///
/// A paused job keeps its place and waits until it is resumed. One that is printing stops at once and its device goes on
/// with the next one; the part of it that was sent may print, which is said. Resumed, it is printed again from its
/// beginning, and announced as a possible duplicate where pages may be on paper.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Class of the objects: destination, queue, server or job; without -c it is destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["destination", "queue", "server", "job"]), hide_possible_values = true)]
    class: Vec<OsString>,
    /// Only the jobs that the destinations print
    #[arg(short = 'j')]
    its_job: bool,
    #[command(flatten)]
    message: MessageFlag,
    /// When what prints stops: now, or after-current-job of a destination or the server
    #[arg(short = 'w', value_name = "WHEN", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["now", "after-current-job"]), hide_possible_values = true)]
    when: Vec<OsString>,
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
    settings: &[Setting::OperationClass, Setting::Message, Setting::When],
    act: pause,
};

fn pause(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let classes = &[Class::Destination, Class::Queue, Class::Server, Class::Job];
    let class = take_one_of(&mut line.items, classes, PROGRAM)?;
    let jobs = line.matches.get_flag("its_job");
    match class {
        Class::Destination => pausing::run(line, shell, class, true, jobs),
        _ if jobs => Err(Stop::usage(format!("-j is for destinations, not for class {}", class.keyword()))),
        Class::Job => each_job::run(Action::Pause, line, shell, None),
        _ => pausing::run(line, shell, class, true, false),
    }
}

/// Runs `pdpause` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}
