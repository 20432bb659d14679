//! DEV: devices.
//!
//! Neighbouring attributes travel as one change, which holds as a whole or not at all. DRAIN waits until the device is
//! OFFLINE, so that `DEV $LP1, DRAIN, EXCLUSIVE OFF!, START` works while a job prints.

use crate::commands::shell::Intent;
use crate::model::device::{DeviceChange, DeviceStatus, DeviceUri, Exclusive, check_form};
use crate::model::separation::{HeaderPages, StartFf};
use crate::model::state::{DeviceState, DeviceWish};
use crate::model::{DeviceName, Failure, FailureKind};
use crate::spool::interface::records::EventSubject;

use super::displays::{Listing, device, history, queue};
use super::drain;
use super::grammar::Key;
use super::lexer::Mistake;
use super::messages::Subject;
use super::plan::{Dollar, Source, display, object_name, operand_name};
use super::session::{Display, Session, Step, Trouble};
use super::states::device_allows;
use super::tree::{Command, Subcommand, Switch, Value};

/// RESTART ON, in seconds.
const RESTART_ON: u32 = 120;

/// What one DEV subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Attributes, the first of them by its word; declares the device when it is unknown.
    Change(Key, Vec<DeviceChange>),
    /// START
    Start,
    /// SUSPEND
    Suspend,
    /// DRAIN
    Drain,
    /// DELETE
    Delete,
    /// STATUS
    Status(Display),
    /// LOG
    Log(Display),
}

/// A DEV command.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    device: Option<DeviceName>,
    steps: Vec<Step<Action>>,
}

impl Plan {
    /// What `command` means.
    ///
    /// # Errors
    /// A malformed name or value.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let device = object_name(command)?;
        let mut steps: Vec<Step<Action>> = Vec::new();
        for subcommand in &command.subcommands {
            match (change(subcommand)?, steps.last_mut()) {
                (Some(change), Some(Step { action: Action::Change(_, changes), .. })) => changes.push(change),
                (Some(change), _) => {
                    let action = Action::Change(subcommand.key(), vec![change]);
                    steps.push(source.step(command, Some(subcommand), action));
                }
                (None, _) => {
                    let action = match subcommand.key() {
                        Key::Start => Action::Start,
                        Key::Suspend => Action::Suspend,
                        Key::Drain => Action::Drain,
                        Key::Delete => Action::Delete,
                        Key::Log => Action::Log(display(subcommand)),
                        _ => Action::Status(display(subcommand)),
                    };
                    steps.push(source.step(command, Some(subcommand), action));
                }
            }
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, Action::Status(Display::default())));
        }
        Ok(Self { device, steps })
    }

    /// What it needs the spool for.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match step.action {
                Action::Change(..) => return Intent::Declare,
                Action::Status(_) | Action::Log(_) => {}
                _ => intent = Intent::Write,
            }
        }
        intent
    }

    /// Executes it.
    ///
    /// # Errors
    /// The first subcommand that fails.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, Trouble)> {
        for step in &self.steps {
            self.one(&step.action, session).map_err(|trouble| (step.place.clone(), trouble))?;
        }
        Ok(())
    }

    fn one(&self, action: &Action, session: &mut Session<'_>) -> Result<(), Trouble> {
        let Some(name) = &self.device else {
            return match action {
                Action::Status(display) => all(session, display),
                // A change without a name does not become a plan.
                _ => Ok(()),
            };
        };
        match action {
            Action::Change(key, changes) => {
                match session.spool()?.device(name.clone()) {
                    Ok(status) => check(*key, &status)?,
                    // Unknown: an attribute declares it.
                    Err(failure) if failure.kind == FailureKind::NotFound => {}
                    Err(failure) => return Err(failure.into()),
                }
                session.spool()?.change_device(name.clone(), changes.clone())?;
            }
            Action::Start => {
                check(Key::Start, &session.spool()?.device(name.clone())?)?;
                session.spool()?.start_device(name.clone())?;
            }
            Action::Suspend => {
                check(Key::Suspend, &session.spool()?.device(name.clone())?)?;
                session.spool()?.suspend_device(name.clone())?;
            }
            Action::Drain => {
                check(Key::Drain, &session.spool()?.device(name.clone())?)?;
                drain::run(session, name)?;
            }
            Action::Delete => {
                check(Key::Delete, &session.spool()?.device(name.clone())?)?;
                session.spool()?.delete_device(name.clone())?;
            }
            Action::Log(display) => {
                history::log(session, display, &EventSubject::Device(name.clone()), &Subject::Object)?;
            }
            Action::Status(display) => session.show(display, |spool, out, style| {
                let status = [spool.device(name.clone())?];
                let queue = queue::ask(spool, style, &status[0])?;
                let mut listing = Listing::new(out, style);
                if style.json {
                    listing.json(&[queue::json(&status[0], &queue)])?;
                    return Ok(listing.end()?);
                }
                listing.page(&status)?;
                listing.end()?;
                queue::tables(out, style, &status[0], &queue)?;
                Ok(device::troubles(out, style, &status[0])?)
            })?,
        }
        Ok(())
    }
}

fn all(session: &mut Session<'_>, display: &Display) -> Result<(), Trouble> {
    let mut dead = std::collections::BTreeSet::new();
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        let mut after = None;
        loop {
            let page = spool.devices(after)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            dead.extend(page.iter().filter_map(device::process_note));
            listing.page(&page)?;
        }
        Ok(listing.end()?)
    })?;
    for note in dead {
        if session.err_is_terminal && !session.json {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(session.err, "{note}");
        }
    }
    if session.from_shell {
        session.hint("all devices; in a shell one of them is written  spoolcom DEV lp1  or  'DEV $LP1'");
    }
    Ok(())
}

/// Refuses what the state of the device does not allow.
fn check(key: Key, status: &DeviceStatus) -> Result<(), Failure> {
    // A drain that has not ended can be taken back, although its device is busy. What an error stopped can be drained,
    // although it is offline: only an operator's stop sticks.
    let exception = match key {
        Key::Start => status.wish == DeviceWish::Draining,
        Key::Drain => status.stopped_by_error,
        _ => false,
    };
    if exception || device_allows(key, &status.state) {
        return Ok(());
    }
    let (name, state) = (status.name.guardian(), &status.state);
    let now = match state {
        DeviceState::Printing(job) => format!("printing JOB {job}"),
        other => other.to_string(),
    };
    let failure = Failure::new(FailureKind::State, format!("{} is not allowed while {name} is {now}", key.word()));
    Err(match (key, state) {
        (Key::Start, _) => failure.hint("it is online already"),
        (Key::Drain, _) => failure.hint("it takes no jobs already"),
        (Key::Suspend, DeviceState::Waiting) => {
            failure.hint(format!("it prints nothing; DEV {name}, DRAIN   takes it offline"))
        }
        (Key::Suspend, DeviceState::ProcError) => match &status.settings.process {
            Some(process) => failure.hint(format!("PRINT ${process}, START   brings its print process back")),
            None => failure,
        },
        (Key::Suspend, _) => failure.hint("it takes no jobs already"),
        _ => failure.hint(format!("DEV {name}, DRAIN   takes it offline first")),
    })
}

/// The attribute that `subcommand` sets; none when it is no attribute.
fn change(subcommand: &Subcommand) -> Result<Option<DeviceChange>, Mistake> {
    let switch = |on: Switch| on == Switch::On;
    Ok(Some(match (subcommand.key(), &subcommand.value) {
        (Key::Process, _) => match operand_name::<Dollar>(subcommand)? {
            Some(name) => DeviceChange::Process(name.0),
            None => return Err(subcommand.bad_value("expected the name of a print process")),
        },
        (Key::Uri, Value::Text(Some(text))) => {
            DeviceChange::Uri(text.parse::<DeviceUri>().map_err(|why| subcommand.bad_value(why))?)
        }
        (Key::Form, Value::Text(form)) => DeviceChange::Form(
            check_form(form.as_deref().unwrap_or_default()).map_err(|why| subcommand.bad_value(why))?,
        ),
        (Key::Exclusive, Value::Switch(value)) => DeviceChange::Exclusive(match value {
            Switch::On => Exclusive::On,
            Switch::Off => Exclusive::Off,
            Switch::OffEach => Exclusive::OffEach,
        }),
        (Key::Header, Value::Text(word)) => {
            DeviceChange::Header(word.as_deref().and_then(HeaderPages::from_word).unwrap_or_default())
        }
        (Key::StartFf, Value::Switch(value)) => DeviceChange::StartFf(match value {
            Switch::On => StartFf::On,
            Switch::Off => StartFf::Off,
            Switch::OffEach => StartFf::Swallow,
        }),
        (Key::Width, Value::Number(0)) => {
            return Err(subcommand.bad_value("expected -1 (132 columns) or a number from 1 to 32767"));
        }
        (Key::Width, Value::Number(n)) => DeviceChange::Width(*n as i32),
        (Key::EndFf, Value::Switch(on)) => DeviceChange::EndFf(switch(*on)),
        (Key::Timeout, Value::Number(0)) => {
            return Err(subcommand.bad_value("expected -1 (never) or a number from 1 to 32767"));
        }
        (Key::Fifo, Value::Switch(on)) => DeviceChange::Fifo(switch(*on)),
        // The grammar has checked the ranges.
        (Key::Speed, Value::Number(n)) => DeviceChange::Speed(*n as u32),
        (Key::Retry, Value::Number(n)) => DeviceChange::Retry(*n as u32),
        (Key::Timeout, Value::Number(n)) => DeviceChange::Timeout(*n as i32),
        (Key::Restart, Value::Switch(on)) => DeviceChange::Restart(if *on == Switch::Off { 0 } else { RESTART_ON }),
        (Key::Restart, Value::Number(n)) => DeviceChange::Restart(*n as u32),
        (Key::Parm, Value::Number(n)) => DeviceChange::Parm(*n as u16),
        _ => return Ok(None),
    }))
}
