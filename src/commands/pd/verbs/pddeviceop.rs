//! `pddeviceop`: what an operator does at the panel of a printer, as far as a spooler can do it.
//!
//! The panel itself is out of reach: what is done here is done to the way to the printer.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::attributes::Class;
use crate::attributes::names;
use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::{CommandAttributes, MessageFlag, ServerFlag};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options::{self, Item, Meaning, Names, Setting};
use crate::commands::pd::help;
use crate::commands::pd::managed::jobs_of::{self, Place};
use crate::commands::pd::managed::request::ManagedRequest;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::commands::shell::Intent;
use crate::model::device::DeviceStatus;
use crate::model::field::Value;
use crate::model::managed::{ManagedObject, PauseWhen};
use crate::model::state::{DeviceState, DeviceWish};
use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pddeviceop";
/// How long a device is waited for before it is started again.
const OFFLINE_MS: u64 = 10_000;
/// The attribute that says what an operator last said.
const MESSAGE: &str = "message";
/// What a destination says while it is reset.
const RESETTING: &str = "is being reset";
/// The operations. The last two need the panel of the printer.
const OPERATIONS: [&str; 5] = ["online", "offline", "reset", "lock-op-panel", "unlock-op-panel"];

/// Operate the devices of actual destinations.
///
/// -t offline stops the device where it is, in mid-job too, as pdpause does, and -t online lets it go on there. -t reset closes the
/// connection and opens a new one: the job that prints begins again, and the part of it that was sent may print. The destination
/// must be enabled. The panel of a printer cannot be locked from here.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Class of the objects: only destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["destination"]), hide_possible_values = true)]
    class: Vec<OsString>,
    #[command(flatten)]
    message: MessageFlag,
    /// What is done: online, offline or reset
    #[arg(short = 't', value_name = "OPERATION", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["online", "offline", "reset"]), hide_possible_values = true)]
    operation: Vec<OsString>,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// Actual destinations: [server:]name
    #[arg(value_name = "DESTINATION", required = true)]
    objects: Vec<OsString>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::ACTS_BY_CLASS,
    settings: &[Setting::OperationClass, Setting::Message, Setting::DeviceOperation],
    act: operate,
};

/// Runs `pddeviceop` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn operate(mut line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let class = take_one_of(&mut line.items, &[Class::Destination], PROGRAM)?;
    let (mut operation, mut items) = (None, Vec::new());
    for item in std::mem::take(&mut line.items) {
        match item {
            Item::Set(Meaning::Setting(Setting::DeviceOperation), pair) => {
                operation = Some(operation_of(options::single(&pair, "device-operation-type")?)?);
            }
            other => items.push(other),
        }
    }
    let operation = operation
        .ok_or_else(|| Stop::usage("no operation is named").hint("-t online, -t offline or -t reset   names one"))?;
    let request = ManagedRequest::without_changes(PROGRAM, items, class, clock(shell))?;
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, PROGRAM, &mut |spool, shell, object| {
        let Place::Actual(device, _) = jobs_of::place(spool, &object.name)? else {
            return Err(Failure::new(
                FailureKind::Unsupported,
                format!("destination {} is a logical one: it has no device", object.name),
            ));
        };
        demand_enabled(&device, operation)?;
        match operation {
            "online" => spool.start_device(device.name.clone())?,
            // One without a job is paused as well: it begins none.
            "offline" => spool.pause_managed(object.clone(), Some(PauseWhen::Now), None)?,
            _ => reset(spool, shell, (object, &device), request.message.as_deref())?,
        }
        match &request.message {
            // Its text is an attribute of the destination, which may be set of one that is enabled.
            Some(message) => spool.set_managed(object.clone(), Vec::new(), Some(message.clone())).map(drop),
            None => Ok(()),
        }
    })
}

fn operation_of(word: &str) -> Result<&'static str, Stop> {
    match names::keyword(word, &OPERATIONS) {
        Ok(word @ ("lock-op-panel" | "unlock-op-panel")) => Err(Stop::Failed(
            Failure::new(
                FailureKind::Unsupported,
                format!("device-operation-type {word} is not supported here: the panel of a printer is out of reach"),
            )
            .hint("the printer's own pages or menus lock its panel"),
        )),
        Ok(word) => Ok(word),
        Err(names::BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("-t: '{}' may mean {}", escaped(word), found.join(" or "))))
        }
        Err(_) => Err(Stop::usage(format!("-t: '{}' is none of {}", escaped(word), OPERATIONS.join(", ")))),
    }
}

/// A destination that an operator has disabled stays so: `online` is said of the device, and `pdenable` of the destination.
fn demand_enabled(device: &DeviceStatus, operation: &str) -> Result<(), Failure> {
    match device.wish {
        DeviceWish::Started | DeviceWish::Suspended => Ok(()),
        // A reset that was interrupted is done again.
        _ if operation == "reset" && message_of(device).as_deref() == Some(RESETTING) => Ok(()),
        _ => Err(Failure::new(FailureKind::State, format!("destination {} is disabled", device.name))
            .hint(format!("pdenable {}   enables it", device.name))),
    }
}

/// What an operator last said of a destination.
fn message_of(device: &DeviceStatus) -> Option<String> {
    device.given.iter().find_map(|(field, value)| match value {
        Value::Text(text) if field.stored() == MESSAGE => Some(text.clone()),
        _ => None,
    })
}

/// Has a device begin anew.
///
/// Killed in between, it leaves the device disabled. Its message says why, and the same command goes on.
fn reset(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    (object, device): (&ManagedObject, &DeviceStatus),
    message: Option<&str>,
) -> Result<(), Failure> {
    let name = &device.name;
    spool.set_managed(object.clone(), Vec::new(), Some(RESETTING.to_owned()))?;
    spool.drain_device(name.clone())?;
    let given_back = jobs_of::give_all_back(spool, jobs_of::of_device(name, None), message, shell, PROGRAM);
    let status = spool.await_offline(name.clone(), OFFLINE_MS);
    // It is to go on whatever became of its job, and of waiting for it.
    spool.start_device(name.clone())?;
    let before = message_of(device).filter(|text| text != RESETTING);
    spool.set_managed(object.clone(), Vec::new(), Some(before.unwrap_or_default()))?;
    given_back?;
    let status = status?;
    if status.state != DeviceState::Offline {
        return Err(Failure::new(FailureKind::Timeout, format!("destination {name} did not let go of its connection")));
    }
    Ok(())
}
