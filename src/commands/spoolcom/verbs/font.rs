//! FONT: jobs that are sent ahead of those of some locations.

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::Listing;
use crate::commands::spoolcom::language::grammar::FontSubcommand;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::model::{Failure, FontName, JobRef};

use super::job::Which;
use super::operands::{Source, Step, object_name, run_steps, unnamed};

/// What one FONT subcommand does.
#[derive(Clone, Debug, PartialEq)]
enum FontAction {
    /// JOB: the first of these jobs
    Define(Which),
    /// DELETE
    Delete,
    /// STATUS
    Status(DisplayRequest),
}

/// A FONT command.
#[derive(Clone, Debug, PartialEq)]
pub struct FontStatement {
    font: Option<FontName>,
    steps: Vec<Step<FontAction>>,
}

impl FontStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let font = object_name(command)?;
        let mut steps = Vec::new();
        for subcommand in &command.subcommands {
            let action = match subcommand.read()? {
                FontSubcommand::Job(jobs) => FontAction::Define(Which::of(&jobs)?),
                FontSubcommand::Delete => FontAction::Delete,
                FontSubcommand::Status(display) => FontAction::Status(display),
            };
            steps.push(source.step(command, Some(subcommand), action));
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, FontAction::Status(DisplayRequest::default())));
        }
        Ok(Self { font, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let looks = |step: &Step<FontAction>| matches!(&step.action, FontAction::Status(display) if display.intent() == Intent::Read);
        if self.steps.iter().all(looks) { Intent::Read } else { Intent::Write }
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        run_steps(&self.steps, session, |action, session| match (action, &self.font) {
            (FontAction::Define(jobs), Some(font)) => define(font, jobs, session),
            (FontAction::Delete, Some(font)) => Ok(session.spool()?.delete_font(font.clone())?),
            (FontAction::Status(display), font) => show(font.as_ref(), display, session),
            (_, None) => Err(unnamed()),
        })
    }
}

fn define(font: &FontName, jobs: &Which, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let job: JobRef = match jobs.first(session)? {
        Some(job) => job,
        None => return Err(Failure::not_found("no job matches").into()),
    };
    let defined = session.spool()?.define_font(font.clone(), job.clone());
    defined.map_err(|failure| EarlyEnd::Failed(failure, Subject::Job(job)))
}

fn show(font: Option<&FontName>, display: &DisplayRequest, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    session.show(display, |spool, out, style| {
        let mut listing = Listing::new(out, style);
        let (mut after, mut found) = (None, false);
        loop {
            let page = spool.fonts(after)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            let named: Vec<_> = page.into_iter().filter(|one| font.is_none_or(|font| one.name == *font)).collect();
            found |= !named.is_empty();
            listing.page(&named)?;
        }
        match font {
            Some(font) if !found => Err(Failure::not_found(format!("font {font}")).into()),
            _ => Ok(listing.end()?),
        }
    })
}
