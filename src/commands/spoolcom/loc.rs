//! LOC: locations, what jobs are addressed to.

use crate::commands::shell::Intent;
use crate::model::{DeviceName, Failure, LocationPattern, near};
use crate::spool::interface::operations::Operations;

use super::displays::Listing;
use super::grammar::Key;
use super::lexer::Mistake;
use super::plan::{Source, display, object_name, operand_name};
use super::session::{Display, Session, Step, Trouble};
use super::tree::{Command, Switch, Value};

/// What one LOC subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// DEV
    Route(Option<DeviceName>),
    /// BROADCAST
    Broadcast(bool),
    /// DELETE
    Delete,
    /// STATUS
    Status(Display),
}

/// A LOC command.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    location: Option<LocationPattern>,
    steps: Vec<Step<Action>>,
}

impl Plan {
    /// What `command` means.
    ///
    /// # Errors
    /// A malformed name, or a subcommand that does not go with this form of location.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let location: Option<LocationPattern> = object_name(command)?;
        let mut steps = Vec::new();
        for subcommand in &command.subcommands {
            let action = match (subcommand.key(), &location) {
                (Key::Dev, Some(LocationPattern::Group(group))) => {
                    return Err(subcommand
                        .bad_value(format!("DEV connects a destination, not the whole group #{group}"))
                        .hint(format!("LOC #{group}.DEST, DEV $device   or for every group:  LOC DEST, DEV $device")));
                }
                (Key::Dev, _) => Action::Route(operand_name(subcommand)?),
                (Key::Broadcast, Some(LocationPattern::Group(_))) => {
                    Action::Broadcast(subcommand.value == Value::Switch(Switch::On))
                }
                (Key::Broadcast, _) => {
                    return Err(subcommand
                        .bad_value("BROADCAST is for a whole group")
                        .hint("LOC #GROUP, BROADCAST ON"));
                }
                (Key::Delete, Some(LocationPattern::EveryGroup(dest))) => {
                    return Err(subcommand
                        .bad_value("DELETE needs a group or one location, not a destination of every group")
                        .hint(format!(
                            "LOC #GROUP.{dest}, DELETE   or   LOC #{dest}, DELETE   for a group of that name"
                        )));
                }
                (Key::Delete, _) => Action::Delete,
                _ => Action::Status(display(subcommand)),
            };
            steps.push(source.step(command, Some(subcommand), action));
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, Action::Status(Display::default())));
        }
        Ok(Self { location, steps })
    }

    /// What it needs the spool for. Only routing one `#group.dest` declares it.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match step.action {
                Action::Route(_) if matches!(self.location, Some(LocationPattern::One(_))) => return Intent::Declare,
                Action::Status(_) => {}
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
        match (action, &self.location) {
            (Action::Route(device), Some(location)) => {
                let spool = session.spool()?;
                if spool.route_location(location.clone(), device.clone())? == 0 {
                    return Err(unknown(spool, location).into());
                }
            }
            (Action::Broadcast(on), Some(LocationPattern::Group(group))) => {
                session.spool()?.set_broadcast(group.clone(), *on)?;
            }
            (Action::Delete, Some(location)) => {
                let spool = session.spool()?;
                if spool.delete_location(location.clone())? == 0 {
                    return Err(unknown(spool, location).into());
                }
            }
            (Action::Status(display), location) => {
                session.show(display, |spool, out, style| {
                    let mut listing = Listing::new(out, style);
                    let mut after = None;
                    loop {
                        let page = spool.locations(location.clone(), after.clone())?;
                        let Some(last) = page.last() else { break };
                        after = Some(last.name.clone());
                        listing.page(&page)?;
                    }
                    match location {
                        Some(location) if after.is_none() => Err(unknown(spool, location).into()),
                        _ => Ok(listing.end()?),
                    }
                })?;
                if location.is_none() && session.from_shell {
                    session.hint(
                        "all locations; in a shell one of them is written  spoolcom LOC group.dest  or  'LOC #GROUP'",
                    );
                }
            }
            // Refused when the plan was made.
            (Action::Route(_) | Action::Broadcast(_) | Action::Delete, _) => {}
        }
        Ok(())
    }
}

/// Nothing matches `location`; names near it, if there are any.
fn unknown(spool: &mut dyn Operations, location: &LocationPattern) -> Failure {
    let failure = Failure::not_found(format!("location {location}"));
    let names: Vec<String> = match spool.locations(None, None) {
        Ok(page) => page.iter().map(|status| status.name.to_string()).collect(),
        Err(_) => Vec::new(),
    };
    match near(&location.to_string(), names.iter().map(String::as_str)) {
        near if near.is_empty() => failure,
        near => failure.hint(format!("did you mean {}?", near.join(" or "))),
    }
}
