//! LOC: locations, to which jobs are addressed.

use std::collections::BTreeSet;

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::Listing;
use crate::commands::spoolcom::displays::location::LocationLine;
use crate::commands::spoolcom::language::grammar::LocSubcommand;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::access::{AccessChange, AccessObject};
use crate::model::job::Format;
use crate::model::{DestName, DeviceName, Failure, FontName, GroupName, LocationName, LocationPattern, near};
use crate::spool::interface::operations::Operations;

use super::operands::{Source, Step, access_change, object_name, operand_name, run_steps};
use super::xref;

/// What one LOC subcommand does, and to which location.
#[derive(Clone, Debug, PartialEq)]
pub enum LocationAction {
    /// DEV
    Route(LocationPattern, Option<DeviceName>),
    /// CONTENT
    Content(LocationPattern, Option<Format>),
    /// FONT
    Font(LocationPattern, Option<FontName>),
    /// ACCESS
    Access(AccessObject, AccessChange),
    /// BROADCAST
    Broadcast(GroupName, bool),
    /// DELETE
    Delete(LocationPattern),
    /// STATUS, of all locations without one
    Status(Option<LocationPattern>, DisplayRequest),
    /// XREF, of all locations without one
    Xref(Option<LocationPattern>, DisplayRequest),
}

/// A LOC command.
#[derive(Clone, Debug, PartialEq)]
pub struct LocationStatement {
    steps: Vec<Step<LocationAction>>,
}

impl LocationStatement {
    /// Makes the statement for `command`. Refuses a malformed name, and a subcommand that does not fit this form of
    /// location.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let location: Option<LocationPattern> = object_name(command)?;
        let mut steps = Vec::new();
        for subcommand in &command.subcommands {
            let action = action(subcommand, location.as_ref())?;
            steps.push(source.step(command, Some(subcommand), action));
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, LocationAction::Status(location, DisplayRequest::default())));
        }
        Ok(Self { steps })
    }

    /// Returns what it needs the spool for. The route and the content of a single `#group.dest` declare it.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match &step.action {
                LocationAction::Route(LocationPattern::One(_), _)
                | LocationAction::Content(LocationPattern::One(_), _)
                | LocationAction::Font(LocationPattern::One(_), _) => return Intent::Declare,
                LocationAction::Status(_, display) | LocationAction::Xref(_, display) => {
                    if intent == Intent::Read {
                        intent = display.intent();
                    }
                }
                LocationAction::Route(..)
                | LocationAction::Content(..)
                | LocationAction::Font(..)
                | LocationAction::Access(..)
                | LocationAction::Broadcast(..)
                | LocationAction::Delete(_) => {
                    intent = Intent::Write;
                }
            }
        }
        intent
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        run_steps(&self.steps, session, execute)
    }
}

/// Returns what `subcommand` does to `location`. A group alone is its destination DEFAULT where a destination is needed.
fn action(subcommand: &Subcommand, location: Option<&LocationPattern>) -> Result<LocationAction, Mistake> {
    let named = || location.cloned().ok_or_else(|| subcommand.bad_value("expected a location"));
    let one = || {
        Ok(match named()? {
            LocationPattern::Group(group) => {
                LocationPattern::One(LocationName { group, dest: DestName::default_dest() })
            }
            other => other,
        })
    };
    Ok(match (subcommand.read()?, location) {
        (LocSubcommand::Status(display), location) => LocationAction::Status(location.cloned(), display),
        (LocSubcommand::Xref(display), location) => LocationAction::Xref(location.cloned(), display),
        (LocSubcommand::Dev(device), _) => {
            let device = device.map(|name| operand_name(subcommand, &name)).transpose()?;
            LocationAction::Route(one()?, device)
        }
        (LocSubcommand::Content(_), Some(LocationPattern::Group(group))) => {
            return Err(subcommand
                .bad_value(format!("CONTENT belongs to a destination, not to the whole group #{group}"))
                .hint(format!("LOC #{group}.DEST, CONTENT RAW   or for every group:  LOC DEST, CONTENT RAW")));
        }
        (LocSubcommand::Content(word), _) => {
            LocationAction::Content(named()?, word.map(|word| format(subcommand, &word)).transpose()?)
        }
        // A destination that is left out is the usual one.
        (LocSubcommand::Font(font), Some(LocationPattern::Group(group))) => {
            let usual = LocationName { group: group.clone(), dest: DestName::default_dest() };
            let font = font.map(|name| operand_name(subcommand, &name)).transpose()?;
            LocationAction::Font(LocationPattern::One(usual), font)
        }
        (LocSubcommand::Font(font), _) => {
            let font = font.map(|name| operand_name(subcommand, &name)).transpose()?;
            LocationAction::Font(named()?, font)
        }
        (LocSubcommand::Access(rule), Some(LocationPattern::Group(group))) => {
            LocationAction::Access(AccessObject::Group(group.clone()), access_change(subcommand, rule.as_deref())?)
        }
        (LocSubcommand::Access(rule), Some(LocationPattern::One(name))) => {
            LocationAction::Access(AccessObject::Location(name.clone()), access_change(subcommand, rule.as_deref())?)
        }
        (LocSubcommand::Access(_), _) => {
            return Err(subcommand
                .bad_value("ACCESS is of one location or of a group")
                .hint("LOC #GROUP.DEST, ACCESS SUBMIT @sales   or   LOC #GROUP, ACCESS OPERATE ann"));
        }
        (LocSubcommand::Broadcast(on), Some(LocationPattern::Group(group))) => {
            LocationAction::Broadcast(group.clone(), on)
        }
        (LocSubcommand::Broadcast(_), _) => {
            return Err(subcommand.bad_value("BROADCAST is for a whole group").hint("LOC #GROUP, BROADCAST ON"));
        }
        (LocSubcommand::Delete, Some(LocationPattern::EveryGroup(dest))) => {
            return Err(subcommand
                .bad_value("DELETE needs a group or one location, not a destination of every group")
                .hint(format!("LOC #GROUP.{dest}, DELETE   or   LOC #{dest}, DELETE   for a group of that name")));
        }
        (LocSubcommand::Delete, _) => LocationAction::Delete(named()?),
    })
}

/// What CONTENT of a location says.
fn format(subcommand: &Subcommand, word: &str) -> Result<Format, Mistake> {
    Format::from_typed(word).ok_or_else(|| {
        subcommand
            .bad_value("expected RAW, a document format, or NONE")
            .hint(format!("formats are {}", Format::KEYWORDS.join(", ")))
    })
}

fn execute(action: &LocationAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        LocationAction::Route(location, device) => {
            let spool = session.spool()?;
            match spool.route_location(location.clone(), device.clone())? {
                0 => Err(unknown(spool, location).into()),
                _ => Ok(()),
            }
        }
        LocationAction::Content(location, content) => {
            let spool = session.spool()?;
            match spool.set_content(location.clone(), *content)? {
                0 => Err(unknown(spool, location).into()),
                _ => Ok(()),
            }
        }
        LocationAction::Font(location, font) => {
            let spool = session.spool()?;
            match spool.set_font(location.clone(), font.clone())? {
                0 => Err(unknown(spool, location).into()),
                _ => Ok(()),
            }
        }
        LocationAction::Access(object, change) => {
            Ok(session.spool()?.set_access(object.clone(), vec![change.clone()])?)
        }
        LocationAction::Broadcast(group, on) => Ok(session.spool()?.set_broadcast(group.clone(), *on)?),
        LocationAction::Delete(location) => {
            let spool = session.spool()?;
            match spool.delete_location(location.clone())? {
                0 => Err(unknown(spool, location).into()),
                _ => Ok(()),
            }
        }
        LocationAction::Status(location, display) => show(location.as_ref(), display, session),
        LocationAction::Xref(location, display) => xref::by_location(session, display, location.as_ref()),
    }
}

fn show(
    location: Option<&LocationPattern>,
    display: &DisplayRequest,
    session: &mut Session<'_>,
) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        let (mut after, mut groups) = (None, BTreeSet::new());
        loop {
            let page = spool.locations(location.cloned(), after.clone())?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            groups.extend(page.iter().map(|status| status.name.group.key()));
            let lines: Vec<LocationLine> =
                page.into_iter().map(|status| LocationLine::Location(Box::new(status))).collect();
            listing.page(&lines)?;
        }
        // Queues of InfoPrint commands stay without locations.
        let mut after_group = None;
        while location.is_none() {
            let page = spool.groups(after_group.clone())?;
            let Some(last) = page.last() else { break };
            after_group = Some(last.name.clone());
            let bare = page.into_iter().filter(|group| !groups.contains(&group.name.key()));
            let lines: Vec<LocationLine> = bare.map(LocationLine::Group).collect();
            if !lines.is_empty() {
                listing.page(&lines)?;
            }
        }
        match location {
            Some(location) if after.is_none() => Err(unknown(spool, location).into()),
            _ => Ok(listing.end()?),
        }
    })?;

    if location.is_none() && session.from_shell {
        session.hint("all locations; in a shell one of them is written  spoolcom LOC group.dest  or  'LOC #GROUP'");
    }
    Ok(())
}

/// Makes the failure for a `location` that nothing matches, with names that resemble it.
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
