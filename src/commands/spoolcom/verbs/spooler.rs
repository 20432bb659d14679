//! SPOOLER: the spooler as a whole.

use crate::commands::shell::Intent;
use crate::commands::spoolcom::displays::Listing;
use crate::commands::spoolcom::language::grammar::SpoolerSubcommand;
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};

use super::operands::{Source, Step, run_steps};

/// A SPOOLER command. Its subcommands need no further meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct SpoolerStatement {
    steps: Vec<Step<SpoolerSubcommand>>,
}

impl SpoolerStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let mut steps = Vec::new();
        for subcommand in &command.subcommands {
            steps.push(source.step(command, Some(subcommand), subcommand.read()?));
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, SpoolerSubcommand::Status(DisplayRequest::default())));
        }
        Ok(Self { steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let looks = |step: &Step<SpoolerSubcommand>| match &step.action {
            SpoolerSubcommand::Status(display) => display.intent() == Intent::Read,
            _ => false,
        };
        if self.steps.iter().all(looks) { Intent::Read } else { Intent::Write }
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        run_steps(&self.steps, session, execute)
    }
}

fn execute(subcommand: &SpoolerSubcommand, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let about = |failure| EarlyEnd::Failed(failure, Subject::Spooler);
    match subcommand {
        SpoolerSubcommand::Start => {
            session.spool()?.start_spooler().map_err(about)?;
            for lacks in session.spool()?.unready_devices().map_err(about)? {
                let mut text = format!("WARNING: NOT STARTED: {}", lacks.message);
                lacks.hints.iter().for_each(|hint| text.push_str(&format!("\n  hint: {hint}")));
                // A closed standard error must not turn into a failure.
                let _ = writeln!(session.err, "{text}");
            }
            Ok(())
        }
        SpoolerSubcommand::Drain => session.spool()?.drain_spooler().map_err(about),
        SpoolerSubcommand::MgrAccess(on) => session.spool()?.set_manager_access(*on).map_err(about),
        SpoolerSubcommand::Status(display) => session.show(display, |spool, out, style| {
            let mut listing = Listing::new(out, style);
            listing.page(&[spool.about().map_err(about)?])?;
            Ok(listing.end()?)
        }),
    }
}
