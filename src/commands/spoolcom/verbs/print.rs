//! PRINT: print processes.

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::summary::ProcessSummary;
use crate::commands::spoolcom::displays::{Listing, process};
use crate::commands::spoolcom::language::grammar::PrintSubcommand;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::ProcessName;
use crate::model::process::{ProcessChange, ProcessStatus};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;

use super::operands::{DollarName, Source, Step, no_name_before, object_name, run_steps, unnamed, warn};
use super::{log, xref};

/// What one PRINT subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum PrintAction {
    /// Attributes. An unknown process is declared.
    Change(Vec<ProcessChange>),
    /// START
    Start,
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
}

/// A PRINT command.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintStatement {
    process: Option<ProcessName>,
    warnings: Vec<String>,
    steps: Vec<Step<PrintAction>>,
}

impl PrintStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let process = object_name::<DollarName>(command)?.map(|name| name.0);
        let mut warnings = Vec::new();
        let read = |subcommand: &Subcommand| {
            let action = match source.kept(command, subcommand, &mut warnings) {
                Some(word) => PrintAction::Change(vec![ProcessChange::Kept(word)]),
                None => action(subcommand)?,
            };
            if matches!(action, PrintAction::Summary(_)) {
                no_name_before(subcommand, command)?;
            }
            Ok(action)
        };
        let join = |last: &mut PrintAction, action| match (last, action) {
            (PrintAction::Change(changes), PrintAction::Change(more)) => {
                changes.extend(more);
                None
            }
            (_, action) => Some(action),
        };
        let steps = source.steps(command, read, join, PrintAction::Status(DisplayRequest::default()))?;
        Ok(Self { process, warnings, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match &step.action {
                PrintAction::Change(_) => return Intent::Declare,
                PrintAction::Start | PrintAction::Delete => intent = Intent::Write,
                PrintAction::Status(display)
                | PrintAction::Log(display)
                | PrintAction::Summary(display)
                | PrintAction::Xref(display) => {
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
        run_steps(&self.steps, session, |action, session| match (&self.process, action) {
            (_, PrintAction::Summary(display)) => summary(session, display),
            (name, PrintAction::Xref(display)) => xref::by_process(session, display, name.as_ref()),
            (Some(name), action) => run_at(name, action, session),
            (None, PrintAction::Status(display)) => all(session, display),
            (None, _) => Err(unnamed()),
        })
    }
}

/// Returns what `subcommand` does.
fn action(subcommand: &Subcommand) -> Result<PrintAction, Mistake> {
    Ok(match subcommand.read()? {
        PrintSubcommand::Start => PrintAction::Start,
        PrintSubcommand::Delete => PrintAction::Delete,
        PrintSubcommand::Status(display) => PrintAction::Status(display),
        PrintSubcommand::Log(display) => PrintAction::Log(display),
        PrintSubcommand::Summary(display) => PrintAction::Summary(display),
        PrintSubcommand::Xref(display) => PrintAction::Xref(display),
        PrintSubcommand::File(file) => PrintAction::Change(vec![ProcessChange::File(file)]),
        // The grammar has checked the range.
        PrintSubcommand::Parm(n) => PrintAction::Change(vec![ProcessChange::Parm(n as u16)]),
    })
}

fn run_at(name: &ProcessName, action: &PrintAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        PrintAction::Change(changes) => Ok(session.spool()?.change_process(name.clone(), changes.clone())?),
        PrintAction::Start => {
            session.spool()?.start_process(name.clone())?;
            if session.spool()?.process(name.clone())?.file.is_none() {
                // A closed standard error must not turn into a failure.
                let _ = writeln!(
                    session.err,
                    "WARNING: PROCESS ${name} IS INDEPENDENT\n  it has no FILE: nothing starts it, and its devices wait; PRINT ${name}, FILE FASTP gives it one"
                );
            }
            Ok(())
        }
        PrintAction::Delete => Ok(session.spool()?.delete_process(name.clone())?),
        PrintAction::Summary(_) | PrintAction::Xref(_) => Err(unnamed()),
        PrintAction::Log(display) => {
            log::show(session, display, &EventSubject::Process(name.clone()), &Subject::Object)
        }
        PrintAction::Status(display) => session.show(display, |spool, out, style| {
            let status = spool.process(name.clone())?;
            let mut listing = Listing::new(out, style);
            listing.page(std::slice::from_ref(&status))?;
            listing.end()?;
            Ok(process::trouble(out, style, &status)?)
        }),
    }
}

fn each_page(
    spool: &mut dyn Operations,
    mut act: impl FnMut(&[ProcessStatus]) -> Result<(), EarlyEnd>,
) -> Result<(), EarlyEnd> {
    let mut after = None;
    loop {
        let page = spool.processes(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        act(&page)?;
    }
}

fn summary(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut counts = ProcessSummary::default();
        each_page(spool, |page| {
            page.iter().for_each(|one| counts.add(one));
            Ok(())
        })?;
        let mut listing = Listing::new(out, style);
        listing.page(&[counts])?;
        Ok(listing.end()?)
    })
}

fn all(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        each_page(spool, |page| Ok(listing.page(page)?))?;
        Ok(listing.end()?)
    })?;
    if session.from_shell {
        session.hint("all print processes; in a shell one of them is written  spoolcom PRINT spla  or  'PRINT $SPLA'");
    }
    Ok(())
}
