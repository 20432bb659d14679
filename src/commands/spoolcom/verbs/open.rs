//! OPEN and FC: commands about the session itself.

use crate::commands::spoolcom::displays::SUPERVISOR;
use crate::commands::spoolcom::language::messages::Message;
use crate::commands::spoolcom::language::mistake::{Mistake, Span};
use crate::commands::spoolcom::language::tree::Command;

/// Checks the supervisor that OPEN names. There is only one; the runner opens it again.
pub fn check(command: &Command) -> Result<(), Mistake> {
    let Some(name) = command.name() else {
        return Err(Mistake::new(Message::SupervisorMissing, command.head, format!("expected OPEN {SUPERVISOR}")));
    };
    let bare = SUPERVISOR.trim_start_matches('$');
    if name.value.trim_start_matches('$').eq_ignore_ascii_case(bare) {
        return Ok(());
    }
    let what = format!("no spooler is called {}; yours is {SUPERVISOR}", crate::model::shown(&name.value));
    Err(Mistake::new(Message::OpenError, name.span, what).hint("spoolcom --spooler SPOOL   talks to another one"))
}

/// FC: which command to edit, and where FC was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fc {
    /// How that command begins; none for the last command.
    pub beginning: Option<String>,
    /// The place of FC.
    pub span: Span,
}

impl Fc {
    /// Reads `command`.
    pub fn of(command: &Command) -> Self {
        Self { beginning: command.name().map(|name| name.value.clone()), span: command.head }
    }
}
