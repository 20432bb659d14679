//! SPOOLER: the spooler as a whole.

use crate::commands::shell::Intent;

use super::displays::Listing;
use super::grammar::Key;
use super::messages::Subject;
use super::plan::{Source, display};
use super::session::{Display, Session, Step, Trouble};
use super::tree::{Command, Switch, Value};

/// What one SPOOLER subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// START
    Start,
    /// DRAIN
    Drain,
    /// MGRACCESS
    ManagerAccess(bool),
    /// STATUS
    Status(Display),
}

/// A SPOOLER command.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    steps: Vec<Step<Action>>,
}

impl Plan {
    /// What `command` means.
    pub fn of(command: &Command, source: &Source<'_>) -> Self {
        let mut steps = Vec::new();
        for subcommand in &command.subcommands {
            let action = match subcommand.key() {
                Key::Start => Action::Start,
                Key::Drain => Action::Drain,
                Key::MgrAccess => Action::ManagerAccess(subcommand.value == Value::Switch(Switch::On)),
                _ => Action::Status(display(subcommand)),
            };
            steps.push(source.step(command, Some(subcommand), action));
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, Action::Status(Display::default())));
        }
        Self { steps }
    }

    /// What it needs the spool for.
    pub fn intent(&self) -> Intent {
        let looks = self.steps.iter().all(|step| matches!(step.action, Action::Status(_)));
        if looks { Intent::Read } else { Intent::Write }
    }

    /// Executes it.
    ///
    /// # Errors
    /// The first subcommand that fails.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, Trouble)> {
        for step in &self.steps {
            one(&step.action, session).map_err(|trouble| (step.place.clone(), trouble))?;
        }
        Ok(())
    }
}

fn one(action: &Action, session: &mut Session<'_>) -> Result<(), Trouble> {
    let about = |failure| Trouble::Failed(failure, Subject::Spooler);
    match action {
        Action::Start => session.spool()?.start_spooler().map_err(about),
        Action::Drain => session.spool()?.drain_spooler().map_err(about),
        Action::ManagerAccess(on) => session.spool()?.set_manager_access(*on).map_err(about),
        Action::Status(display) => session.show(display, |spool, out, style| {
            let mut listing = Listing::new(out, style);
            listing.page(&[spool.about().map_err(about)?])?;
            Ok(listing.end()?)
        }),
    }
}
