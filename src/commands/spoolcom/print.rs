//! PRINT: print processes.

use crate::commands::shell::Intent;
use crate::model::ProcessName;
use crate::model::process::ProcessChange;
use crate::spool::interface::records::EventSubject;

use super::displays::{Listing, history};
use super::grammar::Key;
use super::lexer::Mistake;
use super::messages::Subject;
use super::plan::{Dollar, Source, display, object_name};
use super::session::{Display, Session, Step, Trouble};
use super::tree::{Command, Value};

/// What one PRINT subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Attributes; declares the process when it is unknown.
    Change(Vec<ProcessChange>),
    /// START
    Start,
    /// DELETE
    Delete,
    /// STATUS
    Status(Display),
    /// LOG
    Log(Display),
}

/// A PRINT command.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    process: Option<ProcessName>,
    steps: Vec<Step<Action>>,
}

impl Plan {
    /// What `command` means.
    ///
    /// # Errors
    /// A malformed name or value.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let process = object_name::<Dollar>(command)?.map(|name| name.0);
        let mut steps: Vec<Step<Action>> = Vec::new();
        for subcommand in &command.subcommands {
            let change = match (subcommand.key(), &subcommand.value) {
                (Key::File, Value::Text(Some(file))) => Some(ProcessChange::File(file.clone())),
                (Key::Parm, Value::Number(n)) => Some(ProcessChange::Parm(*n as u16)),
                _ => None,
            };
            match (change, steps.last_mut()) {
                // Neighbouring attributes travel together: all of them hold, or none.
                (Some(change), Some(Step { action: Action::Change(changes), .. })) => changes.push(change),
                (Some(change), _) => steps.push(source.step(command, Some(subcommand), Action::Change(vec![change]))),
                (None, _) => {
                    let action = match subcommand.key() {
                        Key::Start => Action::Start,
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
        Ok(Self { process, steps })
    }

    /// What it needs the spool for.
    pub fn intent(&self) -> Intent {
        let mut intent = Intent::Read;
        for step in &self.steps {
            match step.action {
                Action::Change(_) => return Intent::Declare,
                Action::Start | Action::Delete => intent = Intent::Write,
                Action::Status(_) | Action::Log(_) => {}
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
        match (action, &self.process) {
            (Action::Change(changes), Some(name)) => session.spool()?.change_process(name.clone(), changes.clone())?,
            (Action::Start, Some(name)) => session.spool()?.start_process(name.clone())?,
            (Action::Delete, Some(name)) => session.spool()?.delete_process(name.clone())?,
            (Action::Log(display), Some(name)) => {
                history::log(session, display, &EventSubject::Process(name.clone()), &Subject::Object)?;
            }
            (Action::Status(display), Some(name)) => session.show(display, |spool, out, style| {
                let mut listing = Listing::new(out, style);
                listing.page(&[spool.process(name.clone())?])?;
                Ok(listing.end()?)
            })?,
            (Action::Status(display), None) => {
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
            }
            // A change without a name does not become a plan.
            (_, None) => {}
        }
        Ok(())
    }
}
