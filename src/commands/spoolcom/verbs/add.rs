//! ADD: a printer in one word. It declares a print process, a device and a location, connects them, and starts them.
//!
//! Everything that speaks against it is found before anything is declared. What a crash leaves half made, the same command
//! completes: what is there already and says the same is left as it is. What says something else is refused, in words, and is
//! never altered: DEV and LOC alter. A device that is there without an address or a print process gets them. One that a person
//! stopped stays stopped, and that is said.

use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::commands::shell::Intent;
use crate::commands::spoolcom::language::grammar::AddSubcommand;
use crate::commands::spoolcom::language::keywords::Key;
use crate::commands::spoolcom::language::messages::Message;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::device::{DeviceChange, DeviceStatus};
use crate::model::event::EventWord;
use crate::model::job::{DocumentOffer, RawPath, Submission, Transfer};
use crate::model::location::LocationStatus;
use crate::model::printable::escaped;
use crate::model::process::{ProcessChange, is_fastp};
use crate::model::state::{DeviceWish, SpoolerState};
use crate::model::{DestName, DeviceName, Failure, FailureKind, LocationName, LocationPattern, ProcessName};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;
use crate::sys::files;

use super::dev::{self, DeviceAction};
use super::operands::{Source, object_name, operand_name};

/// The group of a location for which nobody names one.
const GROUP: &str = "ALL";
/// The print process of a device for which nobody names one.
const PROCESS: &str = "SPLA";
/// The report name of a test page.
const REPORT: &str = "TEST PAGE";

/// An ADD command.
#[derive(Clone, Debug, PartialEq)]
pub struct AddStatement {
    device: DeviceName,
    /// What was said of the device, with the word that said it.
    changes: Vec<(Key, DeviceChange)>,
    location: Option<LocationName>,
    test: bool,
    place: String,
}

/// What is going to be done.
struct Plan {
    process: ProcessName,
    declares_process: bool,
    /// What the device gets: all that was said of a new one, what it lacks of one that is there.
    changes: Vec<DeviceChange>,
    /// Whether a person stopped the device.
    stopped: bool,
    location: LocationName,
    connects: bool,
}

impl AddStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let Some(device) = object_name::<DeviceName>(command)? else {
            let mistake = Mistake::new(Message::NameMissing, command.head, "expected ADD name, URI address");
            return Err(mistake.hint("ADD LP1, URI socket://10.0.0.9:9100   declares a printer and starts it"));
        };
        let mut made =
            Self { device, changes: Vec::new(), location: None, test: false, place: source.place(command, None) };
        for subcommand in &command.subcommands {
            match subcommand.read()? {
                AddSubcommand::Test => made.test = true,
                AddSubcommand::Loc(text) => {
                    made.location = Some(match operand_name(subcommand, &text)? {
                        LocationPattern::One(name) => name,
                        LocationPattern::Group(group) => {
                            LocationName { group, dest: dest(&made.device).map_err(|why| subcommand.bad_value(why))? }
                        }
                        LocationPattern::EveryGroup(dest) => LocationName { group: usual_group()?, dest },
                    });
                }
                AddSubcommand::Content(_)
                | AddSubcommand::Eol(_)
                | AddSubcommand::Exclusive(_)
                | AddSubcommand::Form(_)
                | AddSubcommand::Header(_)
                | AddSubcommand::Process(_)
                | AddSubcommand::Uri(_) => {
                    if let DeviceAction::Change(key, changes) = dev::action(subcommand)? {
                        made.changes.extend(changes.into_iter().map(|change| (key, change)));
                    }
                }
            }
        }
        Ok(made)
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        Intent::Declare
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        self.carry_out(session).map_err(|trouble| (self.place.clone(), trouble))
    }

    fn carry_out(&self, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
        let plan = self.plan(session.spool()?)?;
        let spool = session.spool()?;
        if plan.declares_process {
            spool.change_process(plan.process.clone(), vec![ProcessChange::File("fastp".to_owned())])?;
        }
        if !plan.changes.is_empty() {
            spool.change_device(self.device.clone(), plan.changes.clone())?;
        }
        if plan.connects {
            spool.route_location(LocationPattern::One(plan.location.clone()), Some(self.device.clone()))?;
        }
        // A new spool takes no jobs until somebody says so. One that somebody drained is his.
        let state = spool.about()?.state;
        if state == SpoolerState::Cold {
            spool.start_spooler()?;
        }
        if plan.stopped {
            let shown = self.device.guardian();
            // A closed standard error must not turn into a failure.
            let _ = writeln!(
                session.err,
                "WARNING: DEVICE {shown} STAYS STOPPED\n  somebody stopped it; DEV {shown}, START   starts it"
            );
        } else if spool.device(self.device.clone())?.wish != DeviceWish::Started {
            spool.start_device(self.device.clone())?;
        }
        if matches!(state, SpoolerState::Warm | SpoolerState::Drain) {
            let state = state.word();
            // A closed standard error must not turn into a failure.
            let _ = writeln!(
                session.err,
                "WARNING: THE SPOOLER IS {state}\n  it takes no jobs; SPOOLER, START   makes it take them"
            );
        }
        if self.test || session.test_page {
            self.test_page(&plan, session)?;
        }
        Ok(())
    }

    fn says(&self, wanted: Key) -> bool {
        self.changes.iter().any(|(key, _)| *key == wanted)
    }

    /// Finds what has to be done, and what speaks against it.
    fn plan(&self, spool: &mut dyn Operations) -> Result<Plan, Failure> {
        let shown = self.device.guardian();
        let device = found(spool.device(self.device.clone()))?;
        if let Some(device) = &device {
            self.demand_the_same(device)?;
        }
        let mut named = device.as_ref().and_then(|device| device.settings.process.clone());
        for (_, change) in &self.changes {
            if let DeviceChange::Process(name) = change {
                named = Some(name.clone());
            }
        }
        if device.as_ref().is_none_or(|device| device.settings.uri.is_none()) && !self.says(Key::Uri) {
            let failure = match &device {
                None => Failure::not_found(format!("device {shown}")),
                Some(_) => Failure::new(FailureKind::State, format!("{shown} is there already, without an address")),
            };
            return Err(failure.hint(format!("ADD {shown}, URI socket://host:9100   declares it with its address")));
        }
        let is_usual = named.is_none();
        let process = match named {
            Some(name) => name,
            None => PROCESS.parse().map_err(Failure::from)?,
        };
        let known = found(spool.process(process.clone()))?;
        // A program of the site's own may do with a device whatever it likes: only who names it means it.
        if let Some(known) = known.as_ref().filter(|_| is_usual)
            && !known.file.as_deref().is_some_and(is_fastp)
        {
            let program = known.file.as_deref().map_or_else(|| "no program".to_owned(), escaped);
            let failure =
                Failure::new(FailureKind::State, format!("the print process ${process} is {program}, not fastp"));
            return Err(
                failure.hint(format!("ADD {shown}, URI …, PROCESS $NAME   names another one, or means this one"))
            );
        }
        let by_hand = self.by_hand(&process, known.is_none());
        let (location, connects) = self.location(spool, device.is_none().then_some(by_hand.as_str()))?;
        let lacks = |key: &Key| device.as_ref().is_none_or(|device| lacks(device, *key));
        let mut changes: Vec<DeviceChange> =
            self.changes.iter().filter(|(key, _)| lacks(key)).map(|(_, change)| change.clone()).collect();
        if lacks(&Key::Process) && !self.says(Key::Process) {
            changes.push(DeviceChange::Process(process.clone()));
        }
        let stopped = match &device {
            Some(device) => self.was_stopped(device, spool)?,
            None => false,
        };
        Ok(Plan { process, declares_process: known.is_none(), changes, stopped, location, connects })
    }

    /// Returns the commands that declare the device, without its location.
    fn by_hand(&self, process: &ProcessName, declares_process: bool) -> String {
        let shown = self.device.guardian();
        let uri = self.changes.iter().find_map(|(_, change)| match change {
            DeviceChange::Uri(uri) => Some(escaped(&uri.to_string())),
            _ => None,
        });
        let print = if declares_process { format!("PRINT ${process}, FILE fastp; ") } else { String::new() };
        format!("{print}DEV {shown}, PROCESS ${process}, URI {}", uri.unwrap_or_default())
    }

    /// Tells whether a person stopped a device that is there. One that was never started, or that an error stopped, may start.
    fn was_stopped(&self, device: &DeviceStatus, spool: &mut dyn Operations) -> Result<bool, Failure> {
        if device.wish == DeviceWish::Started || device.stopped_by_error {
            return Ok(false);
        }
        let events = spool.events(EventSubject::Device(self.device.clone()), 0)?;
        let last = events.iter().rfind(|event| {
            matches!(event.what, EventWord::Started | EventWord::Stopped | EventWord::Drained | EventWord::Suspended)
        });
        Ok(last.is_some_and(|event| event.what != EventWord::Started))
    }

    /// Refuses what a device that is there contradicts.
    fn demand_the_same(&self, device: &DeviceStatus) -> Result<(), Failure> {
        let shown = self.device.guardian();
        for (key, change) in &self.changes {
            let mut settings = device.settings.clone();
            settings.apply(change);
            if settings == device.settings || lacks(device, *key) {
                continue;
            }
            let has = match key {
                Key::Uri => device.settings.uri.as_ref().map(ToString::to_string),
                Key::Process => device.settings.process.as_ref().map(|process| format!("${process}")),
                _ => None,
            };
            let has = has.map_or_else(String::new, |has| format!(": it has {}", escaped(&has)));
            let failure =
                Failure::new(FailureKind::State, format!("{shown} is there already, with another {}{has}", key.word()));
            return Err(failure
                .hint(format!("DEV {shown}, DRAIN, {} …, START   alters it", key.word()))
                .hint("ADD with another name declares another device"));
        }
        if device.wish == DeviceWish::Suspended {
            let failure = Failure::new(FailureKind::State, format!("somebody suspended {shown}"));
            return Err(failure.hint(format!("DEV {shown}, START   lets it go on")));
        }
        Ok(())
    }

    /// Returns the location that leads to the device, and whether it has to be connected. One that leads nowhere, and has no
    /// jobs that would come out by surprise, is. `by_hand` are the commands that declare a new device.
    fn location(&self, spool: &mut dyn Operations, by_hand: Option<&str>) -> Result<(LocationName, bool), Failure> {
        let shown = self.device.guardian();
        let leads = |device: &Option<DeviceName>| device.as_ref().is_some_and(|other| other.key() == self.device.key());
        if let Some(name) = &self.location {
            let there = spool.locations(Some(LocationPattern::One(name.clone())), None);
            let there = found(there)?.unwrap_or_default();
            return match there.first() {
                None => Ok((name.clone(), true)),
                Some(one) if leads(&one.device) => Ok((one.name.clone(), false)),
                Some(one) if is_free(one) => Ok((one.name.clone(), true)),
                Some(one) => Err(elsewhere(one, &shown, by_hand)),
            };
        }
        let dest = dest(&self.device).map_err(|why| {
            Failure::new(FailureKind::BadValue, why)
                .hint(format!("ADD {shown}, URI …, LOC #GROUP.DEST   names its location"))
        })?;
        let there = found(spool.locations(Some(LocationPattern::EveryGroup(dest.clone())), None))?.unwrap_or_default();
        if let Some(one) = there.iter().find(|one| leads(&one.device)) {
            return Ok((one.name.clone(), false));
        }
        match there.as_slice() {
            [] => Ok((LocationName { group: GROUP.parse().map_err(Failure::from)?, dest }, true)),
            [one] if is_free(one) => Ok((one.name.clone(), true)),
            // Another one of that name would make the name mean two things for whoever prints.
            [one, ..] => Err(elsewhere(one, &shown, by_hand)),
        }
    }

    /// Hands in a page that says what it is and where it comes from.
    fn test_page(&self, plan: &Plan, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
        let (zone, now_ms) = (session.zone.clone(), session.now_ms);
        let spool = session.spool()?;
        let device = spool.device(self.device.clone())?;
        let server = spool.about()?.server;
        let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(zone);
        let lines = [
            "TEST PAGE".to_owned(),
            String::new(),
            format!("This is a test page of spoolsuite {}. The printer works.", env!("CARGO_PKG_VERSION")),
            String::new(),
            format!("printer    {}", self.device.guardian()),
            format!(
                "address    {}",
                device.settings.uri.as_ref().map_or_else(String::new, |uri| escaped(&uri.to_string()))
            ),
            format!("process    ${}", plan.process),
            format!("location   {}   (pdpr -d {})", plan.location, plan.location.to_string().trim_start_matches('#')),
            format!("server     {server}"),
            format!("made at    {}", at.strftime("%Y-%m-%d %H:%M:%S %Z")),
            String::new(),
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789".to_owned(),
            "End of the test page.".to_owned(),
        ];
        // Printers want both ends of a line, and a form feed, to give the page out.
        let text = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>() + "\u{c}";
        let cannot =
            |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot make the test page: {error}"));
        let mut file = files::file_in_memory().map_err(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.rewind()).map_err(cannot)?;
        let offer = DocumentOffer {
            file_name: RawPath(PathBuf::from(REPORT)),
            transfer: Transfer::Copy,
            link_target: None,
            copies: 1,
            format: None,
        };
        let submission = Submission {
            token: files::random_name(22).map_err(cannot)?,
            destination: plan.location.to_string(),
            name: REPORT.into(),
            documents: vec![offer],
            ..Submission::default()
        };
        let accepted = spool.submit(submission, vec![OwnedFd::from(file)])?;
        session.hint(&format!(
            "the test page is job {n}: JOB {n}, WHY   says why it is not printing",
            n = accepted.number
        ));
        Ok(())
    }
}

/// Tells whether a device that is there has no address, or no print process.
fn lacks(device: &DeviceStatus, key: Key) -> bool {
    match key {
        Key::Uri => device.settings.uri.is_none(),
        Key::Process => device.settings.process.is_none(),
        _ => false,
    }
}

/// Tells whether a location leads nowhere and has no jobs.
fn is_free(location: &LocationStatus) -> bool {
    location.device.is_none() && !location.whole_group && location.jobs == 0
}

fn elsewhere(there: &LocationStatus, shown: &str, by_hand: Option<&str>) -> Failure {
    let location = &there.name;
    let leads = there.device.as_ref().map_or_else(|| "to no device".to_owned(), |to| format!("to {}", to.guardian()));
    let jobs = if there.jobs > 0 { format!(" and has {} jobs", there.jobs) } else { String::new() };
    let failure =
        Failure::new(FailureKind::State, format!("the location {location} is there already and leads {leads}{jobs}"));
    // A device that is not there yet cannot be led to.
    let command = match by_hand {
        Some(by_hand) => format!("{by_hand}; LOC {location}, DEV {shown}; DEV {shown}, START"),
        None => format!("LOC {location}, DEV {shown}"),
    };
    failure
        .hint(format!("{command}   leads it to this one"))
        .hint(format!("ADD {shown}, URI …, LOC #GROUP.DEST   names another location"))
}

/// Returns none for what was not found.
fn found<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn usual_group() -> Result<crate::model::GroupName, Mistake> {
    GROUP.parse().map_err(|error| Mistake::new(Message::NameInvalid, Default::default(), format!("{error}")))
}

/// Returns the destination of the same name as a device.
fn dest(device: &DeviceName) -> Result<DestName, String> {
    let name = device.to_string();
    name.parse().map_err(|error| format!("no location can have the name {}: {error}", escaped(&name)))
}
