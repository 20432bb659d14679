//! COLLECT: collectors, the doors by which jobs come in.

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::collector::OpenJob;
use crate::commands::spoolcom::displays::summary::CollectorSummary;
use crate::commands::spoolcom::displays::{Listing, Shown};
use crate::commands::spoolcom::language::grammar::CollectSubcommand;
use crate::commands::spoolcom::language::messages::{Message, Subject};
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::collector::{CollectorChange, CollectorState, CollectorStatus};
use crate::model::door::{DRAINED, STARTED};
use crate::model::field::Value;
use crate::model::object::{ObjectAttribute, ObjectChange, ObjectClass, ObjectName, ObjectStatus};
use crate::model::query::PAGE;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::{HoldReason, JobState};
use crate::model::{CollectorName, Failure, FailureKind};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;

use super::log;
use super::operands::{Dollar, Source, Step, no_name_before, object_name, run_steps, unnamed, warn};

/// What one COLLECT subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum CollectAction {
    /// Attributes. An unknown collector is declared.
    Change(Vec<CollectorChange>),
    /// START
    Start,
    /// DRAIN
    Drain,
    /// DELETE
    Delete,
    /// LISTOPENS
    ListOpens(DisplayRequest),
    /// STATUS
    Status(DisplayRequest),
    /// SUMMARY
    Summary(DisplayRequest),
    /// LOG
    Log(DisplayRequest),
}

/// A COLLECT command.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectStatement {
    collector: Option<CollectorName>,
    warnings: Vec<String>,
    steps: Vec<Step<CollectAction>>,
}

impl CollectStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let collector = object_name::<Dollar<CollectorName>>(command)?.map(|name| name.0);
        let mut warnings = Vec::new();
        let read = |subcommand: &Subcommand| {
            let action = match source.kept(command, subcommand, &mut warnings) {
                Some(word) => CollectAction::Change(vec![CollectorChange::Kept(word)]),
                None => action(subcommand)?,
            };
            if matches!(action, CollectAction::Summary(_)) {
                no_name_before(subcommand, command)?;
            }
            Ok(action)
        };
        let join = |last: &mut CollectAction, action| match (last, action) {
            (CollectAction::Change(changes), CollectAction::Change(more)) => {
                changes.extend(more);
                None
            }
            (_, action) => Some(action),
        };
        let steps = source.steps(command, read, join, CollectAction::Status(DisplayRequest::default()))?;
        Ok(Self { collector, warnings, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match &step.action {
                CollectAction::Change(_) => return Intent::Declare,
                CollectAction::Start | CollectAction::Drain | CollectAction::Delete => intent = Intent::Write,
                CollectAction::Status(display)
                | CollectAction::Log(display)
                | CollectAction::Summary(display)
                | CollectAction::ListOpens(display) => {
                    if intent == Intent::Read {
                        intent = display.intent();
                    }
                }
            }
        }
        intent
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        warn(&self.warnings, session);
        run_steps(&self.steps, session, |action, session| match (&self.collector, action) {
            (_, CollectAction::Summary(display)) => summary(session, display),
            (name, CollectAction::ListOpens(display)) => list_opens(session, name.as_ref(), display),
            (Some(name), action) => run_at(name, action, session),
            (None, CollectAction::Status(display)) => all(session, display),
            (None, _) => Err(unnamed()),
        })
    }
}

/// Returns what `subcommand` does.
fn action(subcommand: &Subcommand) -> Result<CollectAction, Mistake> {
    use CollectSubcommand as S;
    Ok(match subcommand.read()? {
        S::Start => CollectAction::Start,
        S::Drain => CollectAction::Drain,
        S::Delete => CollectAction::Delete,
        S::ListOpens(display) => CollectAction::ListOpens(display),
        S::Status(display) => CollectAction::Status(display),
        S::Summary(display) => CollectAction::Summary(display),
        S::Log(display) => CollectAction::Log(display),
        S::File(file) => CollectAction::Change(vec![CollectorChange::File(file)]),
    })
}

/// The door of this name, if there is one.
fn door_of(session: &mut Session<'_>, name: &CollectorName) -> Result<Option<ObjectStatus>, EarlyEnd> {
    let Ok(name) = name.to_string().trim_start_matches('$').parse::<ObjectName>() else { return Ok(None) };
    match session.spool()?.objects(ObjectClass::Door, Some(name), None, 1) {
        Ok(page) => Ok(page.rows.into_iter().next()),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// What COLLECT does at a door. It is declared and altered by `pdserver door`.
fn run_at_door(door: ObjectStatus, action: &CollectAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let wish = |word: &str| vec![ObjectChange::Set(ObjectAttribute::of("door-wish", Value::Text(word.to_owned())))];
    match action {
        CollectAction::Start => Ok(session.spool()?.set_object(ObjectClass::Door, door.name, wish(STARTED))?),
        CollectAction::Drain => Ok(session.spool()?.set_object(ObjectClass::Door, door.name, wish(DRAINED))?),
        CollectAction::Delete => Ok(session.spool()?.delete_object(ObjectClass::Door, door.name)?),
        CollectAction::Log(display) => {
            log::show(session, display, &EventSubject::Object(ObjectClass::Door, door.name), &Subject::Object)
        }
        CollectAction::Status(display) => session.show(display, |_, out, style| {
            let mut listing = Listing::new(out, style);
            listing.page(&[door])?;
            Ok(listing.end()?)
        }),
        CollectAction::Change(_) => Err(Failure::new(FailureKind::Unsupported, format!("{} is a door", door.name))
            .hint(format!("pdserver door set {}   changes it", door.name))
            .into()),
        CollectAction::Summary(_) | CollectAction::ListOpens(_) => Err(unnamed()),
    }
}

/// The doors of the spool.
fn doors(spool: &mut dyn Operations) -> Result<Vec<ObjectStatus>, EarlyEnd> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = spool.objects(ObjectClass::Door, None, after, PAGE)?;
        found.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

fn run_at(name: &CollectorName, action: &CollectAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match run_at_collector(name, action, session) {
        // A door has a name of its own: no collector answers to it.
        Err(EarlyEnd::Failed(failure, subject)) if failure.kind == FailureKind::NotFound => {
            match door_of(session, name)? {
                Some(door) => run_at_door(door, action, session),
                None => Err(EarlyEnd::Failed(failure, subject)),
            }
        }
        done => done,
    }
}

fn run_at_collector(name: &CollectorName, action: &CollectAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        CollectAction::Change(changes) => Ok(session.spool()?.change_collector(name.clone(), changes.clone())?),
        CollectAction::Start => Ok(session.spool()?.start_collector(name.clone())?),
        CollectAction::Delete => Ok(session.spool()?.delete_collector(name.clone())?),
        CollectAction::Drain => {
            if session.spool()?.drain_collector(name.clone())? == CollectorState::Drain {
                // A closed standard error must not turn into a failure.
                let _ = writeln!(
                    session.err,
                    "WARNING: DRAIN OF ${name} IS REQUESTED\n  jobs are still arriving; COLLECT ${name}, LISTOPENS lists them"
                );
            }
            Ok(())
        }
        CollectAction::Log(display) => {
            log::show(session, display, &EventSubject::Collector(name.clone()), &Subject::Object)
        }
        CollectAction::Status(display) => session.show(display, |spool, out, style| {
            let mut listing = Listing::new(out, style);
            listing.page(&[spool.collector(name.clone())?])?;
            Ok(listing.end()?)
        }),
        CollectAction::Summary(_) | CollectAction::ListOpens(_) => Err(unnamed()),
    }
}

fn each_page(
    spool: &mut dyn Operations,
    mut act: impl FnMut(&[CollectorStatus]) -> Result<(), EarlyEnd>,
) -> Result<(), EarlyEnd> {
    let mut after = None;
    loop {
        let page = spool.collectors(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        act(&page)?;
    }
}

fn all(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        each_page(spool, |page| Ok(listing.page(page)?))?;
        let doors = doors(spool)?;
        if style.json {
            listing.json(&doors.iter().map(Shown::json).collect::<Vec<_>>())?;
        }
        listing.end()?;
        // Doors are no collectors: they stand apart.
        if !doors.is_empty() && !style.json {
            writeln!(out)?;
            let mut listing = Listing::new(out, style);
            listing.page(&doors)?;
            listing.end()?;
        }
        Ok(())
    })
}

fn summary(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut counts = CollectorSummary::default();
        each_page(spool, |page| {
            page.iter().for_each(|one| counts.add(one));
            Ok(())
        })?;
        let mut listing = Listing::new(out, style);
        listing.page(&[counts])?;
        Ok(listing.end()?)
    })
}

/// Lists the jobs that are arriving, by one collector or by any.
fn list_opens(
    session: &mut Session<'_>,
    name: Option<&CollectorName>,
    display: &DisplayRequest,
) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut conditions = vec![Condition::State(JobState::Open)];
        if let Some(name) = name {
            conditions.push(Condition::Collector(spool.collector(name.clone())?.name));
        }
        let query = Query { condition: Condition::All(conditions), order: Order::Number, parts: Parts::JOB };
        let mut listing = Listing::new(out, style);
        let mut found = false;
        // A listing of all jobs only to find that none arrives would be long.
        if spool.about()?.open_jobs > 0 {
            super::job::each_page(spool, &query, |page| {
                // Nobody writes one any more whose program died: the next change removes it.
                let open = page.iter().filter(|job| !job.reasons.has(HoldReason::WriterDied));
                let open: Vec<OpenJob> = open.cloned().map(OpenJob).collect();
                found |= !open.is_empty();
                Ok(listing.page(&open)?)
            })?;
        }
        if !found && !style.json {
            return Ok(writeln!(out, "{}", Message::NoOpenJobs.text())?);
        }
        Ok(listing.end()?)
    })
}
