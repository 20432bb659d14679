//! DEV: devices.
//!
//! Attributes that follow each other are one change, or, where that is refused, one after the other. DRAIN waits until the device is
//! OFFLINE, so that `DEV $LP1, DRAIN, EXCLUSIVE OFF!, START` works while a job prints.

use crate::commands::forecast;
use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::summary::DeviceSummary;
use crate::commands::spoolcom::displays::{Listing, device, queue};
use crate::commands::spoolcom::language::grammar::DevSubcommand;
use crate::commands::spoolcom::language::keywords::Key;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::{DisplayRequest, Switch, SwitchOrNumber};
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
use crate::model::access::{AccessChange, AccessObject};
use crate::model::device::{AfterReset, DeviceChange, DeviceStatus, DeviceUri, Exclusive, RAW, check_form};
use crate::model::job::Format;
use crate::model::printable;
use crate::model::separation::{HeaderPages, StartFf};
use crate::model::state::DeviceState;
use crate::model::transform::transformed_format;
use crate::model::{DeviceName, Failure, FailureKind};
use crate::spool::interface::records::{EventSubject, Intended};

use super::at_work::{AtWork, job_number};
use super::operands::{
    DollarName, Source, Step, access_change, no_name_before, object_name, operand_name, run_steps, unnamed, warn,
};
use super::states::device_allows;
use super::{drain, log, xref};

/// RESTART ON, in seconds.
const RESTART_ON: u32 = 120;

/// How long SUSPEND waits until its device stands, in milliseconds.
const STANDS_MS: u64 = 2000;

/// What one DEV subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceAction {
    /// Attributes, and the word of the first of them. An unknown device is declared.
    Change(Key, Vec<DeviceChange>),
    /// ACCESS
    Access(AccessChange),
    /// START
    Start,
    /// SUSPEND
    Suspend,
    /// DRAIN
    Drain,
    /// DELETE
    Delete,
    /// STATUS
    Status(DisplayRequest),
    /// SUMMARY
    Summary(DisplayRequest),
    /// XREF
    Xref(DisplayRequest),
    /// LOG
    Log(DisplayRequest),
    /// WHATIF
    WhatIf(DisplayRequest),
    /// What concerns the job in print, or the device at work
    AtWork(AtWork),
}

/// A DEV command.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceStatement {
    device: Option<DeviceName>,
    warnings: Vec<String>,
    steps: Vec<Step<DeviceAction>>,
}

impl DeviceStatement {
    /// Whether it shows what happened to one device, and nothing else.
    pub fn shows_log(&self) -> bool {
        self.device.is_some()
            && matches!(self.steps.as_slice(), [Step { action: DeviceAction::Log(display), .. }] if display.out.is_none())
    }

    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let device = object_name(command)?;
        let mut warnings = Vec::new();
        let read = |subcommand: &Subcommand| {
            let action = match source.kept(command, subcommand, &mut warnings) {
                Some(word) => DeviceAction::Change(subcommand.key(), vec![DeviceChange::Kept(word)]),
                None => action(subcommand)?,
            };
            if matches!(action, DeviceAction::Summary(_)) {
                no_name_before(subcommand, command)?;
            }
            Ok(action)
        };
        let join = |last: &mut DeviceAction, action| match (last, action) {
            (DeviceAction::Change(_, changes), DeviceAction::Change(_, more)) => {
                changes.extend(more);
                None
            }
            (_, action) => Some(action),
        };
        let steps = source.steps(command, read, join, DeviceAction::Status(DisplayRequest::default()))?;
        Ok(Self { device, warnings, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match step.action {
                DeviceAction::Change(..) => return Intent::Declare,
                DeviceAction::Status(ref display)
                | DeviceAction::Log(ref display)
                | DeviceAction::WhatIf(ref display)
                | DeviceAction::Summary(ref display)
                | DeviceAction::Xref(ref display) => {
                    if intent == Intent::Read {
                        intent = display.intent();
                    }
                }
                DeviceAction::Access(_)
                | DeviceAction::Start
                | DeviceAction::Suspend
                | DeviceAction::Drain
                | DeviceAction::Delete
                | DeviceAction::AtWork(_) => {
                    intent = Intent::Write;
                }
            }
        }
        intent
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        warn(&self.warnings, session);
        run_steps(&self.steps, session, |action, session| match (&self.device, action) {
            (_, DeviceAction::Summary(display)) => summary(session, display),
            (name, DeviceAction::Xref(display)) => xref::by_device(session, display, name.as_ref()),
            (Some(name), action) => run_at(name, action, session),
            (None, DeviceAction::Status(display)) => all(session, display),
            (None, _) => Err(unnamed()),
        })
    }
}

fn run_at(name: &DeviceName, action: &DeviceAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        DeviceAction::Change(key, changes) => {
            // An attribute declares an unknown device.
            if let Some(status) = session.spool()?.known_device(name.clone())? {
                let mut settings = status.settings.clone();
                changes.iter().for_each(|change| settings.apply(change));
                // The same declaration again is no error in any state.
                if settings != status.settings {
                    check(*key, &status, session)?;
                }
            }
            session.spool()?.change_device(name.clone(), changes.clone())?;
        }
        DeviceAction::Access(change) => {
            let device = AccessObject::Device(name.clone());
            session.spool()?.set_access(device, vec![change.clone()])?;
        }
        DeviceAction::Start => {
            check(Key::Start, &session.spool()?.device(name.clone())?, session)?;
            session.spool()?.start_device(name.clone())?;
        }
        DeviceAction::Suspend => {
            check(Key::Suspend, &session.spool()?.device(name.clone())?, session)?;
            session.spool()?.suspend_device(name.clone())?;
            // Whoever suspends a device opens its lid next: the answer comes when no further octet leaves.
            if session.wait && !session.spool()?.await_standing(name.clone(), STANDS_MS)? {
                let name = name.guardian();
                // A closed standard error must not turn into a failure.
                let _ = writeln!(
                    session.err,
                    "WARNING: SUSPEND OF {name} IS REQUESTED\n  its print process has not said yet that it stands"
                );
            }
        }
        DeviceAction::Drain => {
            check(Key::Drain, &session.spool()?.device(name.clone())?, session)?;
            drain::run(session, name)?;
        }
        DeviceAction::Delete => {
            check(Key::Delete, &session.spool()?.device(name.clone())?, session)?;
            session.spool()?.delete_device(name.clone())?;
        }
        DeviceAction::Summary(_) | DeviceAction::Xref(_) => return Err(unnamed()),
        DeviceAction::AtWork(action) => {
            check(action.key(), &session.spool()?.device(name.clone())?, session)?;
            action.run(name, session)?;
        }
        DeviceAction::WhatIf(display) => session.show(display, |spool, out, style| {
            let stop = spool.stop_of(name.clone())?;
            let times = Times { zone: style.zone.clone(), now_ms: style.now_ms };
            if style.json {
                return Ok(writeln!(out, "{}", printable::json(&forecast::stop_object(&stop).to_string()))?);
            }
            Ok(forecast::stop_lines(&stop, &times).iter().try_for_each(|line| writeln!(out, "{line}"))?)
        })?,
        DeviceAction::Log(display) => {
            log::show(session, display, &EventSubject::Device(name.clone()), &Subject::Object)?;
        }
        DeviceAction::Status(display) => session.show(display, |spool, out, style| {
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

fn summary(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        listing.page(&[DeviceSummary::of(&spool.device_summary()?)])?;
        Ok(listing.end()?)
    })
}

fn all(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
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

/// Refuses a subcommand that the state of the device does not allow; whoever may not use it in any state is told that.
fn check(key: Key, status: &DeviceStatus, session: &mut Session<'_>) -> Result<(), Failure> {
    let Err(failure) = allowed(key, status) else { return Ok(()) };
    let name = status.name.clone();
    match key {
        // The owner of the job in print may skip too; where this is refused none prints.
        Key::Skip | Key::SkipTo | Key::Suspend | Key::Clear | Key::Align => {
            session.spool()?.demand_right(Intended::OperateDevice(name))?
        }
        _ => session.spool()?.demand_right(Intended::ChangeDevice(name))?,
    }
    Err(failure)
}

/// What the state of the device allows.
fn allowed(key: Key, status: &DeviceStatus) -> Result<(), Failure> {
    if device_allows(key, &status.state) {
        return Ok(());
    }
    let (name, state) = (status.name.guardian(), &status.state);
    let now = match state {
        DeviceState::Printing(job) => format!("printing JOB {job}"),
        other => other.to_string(),
    };
    let failure = Failure::new(FailureKind::State, format!("{} is not allowed while {name} is {now}", key.word()));
    Err(match (key, state) {
        (Key::Suspend, DeviceState::Waiting) => {
            failure.hint(format!("it prints nothing; DEV {name}, DRAIN   takes it offline"))
        }
        (Key::Suspend, DeviceState::ProcError) => match &status.settings.process {
            Some(process) => failure.hint(format!("PRINT ${process}, START   brings its print process back")),
            None => failure,
        },
        (Key::Suspend, _) => failure.hint("it takes no jobs already"),
        (Key::Clear | Key::Skip | Key::SkipTo, _) => failure.hint("it has no job in print"),
        (Key::Align, DeviceState::Offline) => failure.hint(format!("DEV {name}, START   first")),
        (Key::Align, DeviceState::Printing(_)) => {
            failure.hint(format!("DEV {name}, CLEAR   takes the job off the device"))
        }
        (Key::Align, _) => failure,
        _ => failure.hint(format!("DEV {name}, DRAIN   takes it offline first")),
    })
}

/// Returns what `subcommand` does.
pub(super) fn action(subcommand: &Subcommand) -> Result<DeviceAction, Mistake> {
    use DevSubcommand as S;
    // The grammar has checked the ranges of numbers.
    let change = match subcommand.read()? {
        S::Start => return Ok(DeviceAction::Start),
        S::Suspend => return Ok(DeviceAction::Suspend),
        S::Drain => return Ok(DeviceAction::Drain),
        S::Delete => return Ok(DeviceAction::Delete),
        S::Align => return Ok(DeviceAction::AtWork(AtWork::Align)),
        S::Clear(word) => return Ok(DeviceAction::AtWork(AtWork::Clear { remove: word.is_some() })),
        S::Job(n) => return Ok(DeviceAction::AtWork(AtWork::Job(job_number(subcommand, n)?))),
        S::Skip(pages) => return Ok(DeviceAction::AtWork(AtWork::Skip(pages))),
        S::SkipTo(page) => return Ok(DeviceAction::AtWork(AtWork::SkipTo(page.unsigned_abs()))),
        S::Status(display) => return Ok(DeviceAction::Status(display)),
        S::Log(display) => return Ok(DeviceAction::Log(display)),
        S::WhatIf(display) => return Ok(DeviceAction::WhatIf(display)),
        S::Access(rule) => return Ok(DeviceAction::Access(access_change(subcommand, rule.as_deref())?)),
        S::Summary(display) => return Ok(DeviceAction::Summary(display)),
        S::Xref(display) => return Ok(DeviceAction::Xref(display)),
        S::Process(name) => DeviceChange::Process(operand_name::<DollarName>(subcommand, &name)?.0),
        S::Uri(text) => DeviceChange::Uri(text.parse::<DeviceUri>().map_err(|why| subcommand.bad_value(why))?),
        S::Form(form) => {
            let form = check_form(form.as_deref().unwrap_or_default());
            DeviceChange::Form(form.map_err(|why| subcommand.bad_value(why))?)
        }
        S::Exclusive(Switch::On) => DeviceChange::Exclusive(Exclusive::On),
        S::Exclusive(Switch::Off) => DeviceChange::Exclusive(Exclusive::Off),
        S::Exclusive(Switch::OffEach) => DeviceChange::Exclusive(Exclusive::OffEach),
        S::Header(word) => DeviceChange::Header(word.as_deref().and_then(HeaderPages::from_word).unwrap_or_default()),
        S::StartFf(Switch::On) => DeviceChange::StartFf(StartFf::On),
        S::StartFf(Switch::Off) => DeviceChange::StartFf(StartFf::Off),
        S::StartFf(Switch::OffEach) => DeviceChange::StartFf(StartFf::Swallow),
        S::EndFf(on) => DeviceChange::EndFf(on),
        S::Attempts(n) => DeviceChange::Attempts(n as u32),
        S::Delivery(word) => {
            DeviceChange::Delivery(word.as_deref().and_then(AfterReset::from_word).unwrap_or_default())
        }
        S::Width(0) => {
            return Err(subcommand.bad_value("expected -1 (not set) or a number from 1 to 32767"));
        }
        S::Width(n) => DeviceChange::Width(n as i32),
        S::Trunc(on) => DeviceChange::Trunc(on),
        S::Eol(word) => DeviceChange::EolCrLf(word.as_deref() != Some("NONE")),
        S::PageLength(n) => DeviceChange::PageLength(n as u32),
        S::Content(None) => DeviceChange::ContentRaw(false),
        S::Content(Some(word)) if word.eq_ignore_ascii_case(RAW) => DeviceChange::ContentRaw(true),
        S::Content(Some(word)) => {
            let bad = subcommand.bad_value("expected RAW, or NONE");
            return Err(match Format::from_typed(&word) {
                Some(format) => bad
                    .hint(format!("LOC #GROUP.DEST, CONTENT {}   says what jobs of a location are", format.keyword())),
                None => bad,
            });
        }
        S::Transform(None) => DeviceChange::NoTransform(None),
        S::Transform(Some(words)) => match words.split_once(' ') {
            Some((format, program)) if program.eq_ignore_ascii_case("NONE") => {
                DeviceChange::NoTransform(Some(transformed_format(format).map_err(|why| subcommand.bad_value(why))?))
            }
            _ => DeviceChange::Transform(words.parse().map_err(|why: String| subcommand.bad_value(why))?),
        },
        S::Timeout(0) => return Err(subcommand.bad_value("expected -1 (never) or a number from 1 to 32767")),
        S::Timeout(n) => DeviceChange::Timeout(n as i32),
        S::Fifo(on) => DeviceChange::Fifo(on),
        S::Speed(n) => DeviceChange::Speed(n as u32),
        S::Retry(n) => DeviceChange::Retry(n as u32),
        S::Restart(SwitchOrNumber::On) => DeviceChange::Restart(RESTART_ON),
        S::Restart(SwitchOrNumber::Off) => DeviceChange::Restart(0),
        S::Restart(SwitchOrNumber::Number(n)) => DeviceChange::Restart(n as u32),
        S::Parm(n) => DeviceChange::Parm(n as u16),
    };
    Ok(DeviceAction::Change(subcommand.key(), vec![change]))
}
