//! PRINT: print processes.

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::{Listing, process};
use crate::commands::spoolcom::language::grammar::PrintSubcommand;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::ProcessName;
use crate::model::process::ProcessChange;
use crate::spool::interface::records::EventSubject;

use super::log;
use super::operands::{DollarName, Source, Step, object_name, run_steps, unnamed, warn};

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
        let (mut steps, mut warnings): (Vec<Step<PrintAction>>, Vec<String>) = Default::default();
        for subcommand in &command.subcommands {
            let action = match source.kept(command, subcommand, &mut warnings) {
                Some(word) => PrintAction::Change(vec![ProcessChange::Kept(word)]),
                None => action(subcommand)?,
            };
            match (action, steps.last_mut()) {
                // Attributes that follow each other are one change: all of them hold, or none.
                (PrintAction::Change(more), Some(Step { action: PrintAction::Change(changes), .. })) => {
                    changes.extend(more);
                }
                (action, _) => steps.push(source.step(command, Some(subcommand), action)),
            }
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, PrintAction::Status(DisplayRequest::default())));
        }
        Ok(Self { process, warnings, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match &step.action {
                PrintAction::Change(_) => return Intent::Declare,
                PrintAction::Start | PrintAction::Delete => intent = Intent::Write,
                PrintAction::Status(display) | PrintAction::Log(display) if intent == Intent::Read => {
                    intent = display.intent();
                }
                PrintAction::Status(_) | PrintAction::Log(_) => {}
            }
        }
        intent
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        warn(&self.warnings, session);
        run_steps(&self.steps, session, |action, session| match (&self.process, action) {
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
        PrintSubcommand::File(file) => PrintAction::Change(vec![ProcessChange::File(file)]),
        // The grammar has checked the range.
        PrintSubcommand::Parm(n) => PrintAction::Change(vec![ProcessChange::Parm(n as u16)]),
    })
}

fn run_at(name: &ProcessName, action: &PrintAction, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        PrintAction::Change(changes) => Ok(session.spool()?.change_process(name.clone(), changes.clone())?),
        PrintAction::Start => Ok(session.spool()?.start_process(name.clone())?),
        PrintAction::Delete => Ok(session.spool()?.delete_process(name.clone())?),
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

fn all(session: &mut Session<'_>, display: &DisplayRequest) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        let mut after = None;
        loop {
            let page = spool.processes(after)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            listing.page(&page)?;
        }
        Ok(listing.end()?)
    })?;
    if session.from_shell {
        session.hint("all print processes; in a shell one of them is written  spoolcom PRINT spla  or  'PRINT $SPLA'");
    }
    Ok(())
}
