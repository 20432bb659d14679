//! OPEN and FC: commands about the session itself.

use super::displays::SUPERVISOR;
use super::lexer::{Mistake, Span};
use super::messages::Message;
use super::plan::Plan;
use super::tree::Command;

/// Checks the supervisor that OPEN names: there is one, and opening it again is what the runner does.
///
/// # Errors
/// When none is named, or another.
pub fn check(command: &Command) -> Result<(), Mistake> {
    let Some(name) = command.name() else {
        return Err(Mistake::new(Message::SupervisorMissing, command.head, format!("expected OPEN {SUPERVISOR}")));
    };
    let bare = SUPERVISOR.trim_start_matches('$');
    if name.value.trim_start_matches('$').eq_ignore_ascii_case(bare) {
        return Ok(());
    }
    let what = format!("no spooler is called {}; yours is {SUPERVISOR}", name.value.escape_debug());
    Err(Mistake::new(Message::OpenError, name.span, what).hint("spoolcom --spooler SPOOL   talks to another one"))
}

/// FC: which command is to be edited, and where that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Fc {
    /// How the command begins; none for the last one.
    pub beginning: Option<String>,
    span: Span,
}

impl Fc {
    /// What `command` means.
    pub fn of(command: &Command) -> Self {
        Self { beginning: command.name().map(|name| name.value.clone()), span: command.head }
    }
}

/// `plans`, if there is no FC among them: it makes sense at the prompt only, and is dealt with there.
///
/// # Errors
/// The mistake that FC is elsewhere.
pub fn without_fc(plans: Vec<Plan>) -> Result<Vec<Plan>, Mistake> {
    match plans.iter().find_map(|plan| if let Plan::Fc(fc) = plan { Some(fc.span) } else { None }) {
        None => Ok(plans),
        Some(span) => {
            let why = "FC edits a command at the prompt, where it stands alone on its line";
            Err(Mistake::new(Message::Syntax, span, why))
        }
    }
}
