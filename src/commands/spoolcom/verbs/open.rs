//! OPEN and FC: commands about the session itself.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::commands::spoolcom::displays::SUPERVISOR;
use crate::commands::spoolcom::language::messages::Message;
use crate::commands::spoolcom::language::mistake::{Mistake, Span};
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::spoolers::Find;
use crate::model::{Failure, FailureKind, ServerName};

/// A supervisor as somebody names it: `$SPLS`, `\NODE.$SPLS`, `\NODE` for the usual one of a node, or the directory of a spool.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervisor {
    /// As typed.
    pub typed: String,
    /// The node that it names.
    pub node: Option<String>,
    name: String,
}

impl Supervisor {
    /// Reads a name.
    pub fn read(text: &str) -> Self {
        let (node, name) = match text.strip_prefix('\\') {
            Some(rest) => match rest.split_once(".$") {
                Some((node, name)) => (Some(node.to_owned()), name),
                None => (Some(rest.to_owned()), SUPERVISOR),
            },
            None => (None, text),
        };
        Self { typed: text.to_owned(), node, name: name.trim_start_matches('$').to_owned() }
    }

    /// Reads the supervisor that OPEN names. Whether there is one is found out when it is opened.
    pub fn of(command: &Command) -> Result<Self, Mistake> {
        match command.name() {
            Some(name) => Ok(Self::read(&name.value)),
            None => Err(Mistake::new(Message::SupervisorMissing, command.head, format!("expected OPEN {SUPERVISOR}"))),
        }
    }

    /// Tells whether it has the name of ours; its node is another question.
    pub fn is_ours(&self) -> bool {
        self.may_be() && self.name.eq_ignore_ascii_case(SUPERVISOR.trim_start_matches('$'))
    }

    /// A node that can be none has no spooler either.
    fn may_be(&self) -> bool {
        self.node.as_ref().is_none_or(|node| node.parse::<ServerName>().is_ok())
    }

    /// Finds where it is: `usual` for ours, the directory that was typed, or what `find` knows of the name. None: there is no
    /// such spooler.
    ///
    /// # Errors
    /// Fails when that cannot be found out.
    pub fn place(&self, usual: Option<&str>, find: &Find<'_>) -> Result<Option<Option<String>>, Failure> {
        if self.is_ours() {
            return Ok(Some(usual.map(str::to_owned)));
        }
        if self.typed.starts_with('/') {
            return Ok(Some(Some(self.typed.clone())));
        }
        let found = if self.may_be() && !self.name.is_empty() { find(&self.name)? } else { None };
        match found.map(PathBuf::into_os_string).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(place)) => Ok(Some(Some(place))),
            Some(Err(_)) => Err(Failure::new(FailureKind::Unreachable, "its directory has a name that is no UTF-8")),
        }
    }

    /// Returns the name that displays show.
    pub fn shown(&self) -> String {
        match self.typed.starts_with('/') {
            true => self.typed.clone(),
            false => format!("${}", self.name.to_uppercase()),
        }
    }

    /// Returns its name without node and `$`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the failure for one that there is not.
    pub fn unknown(&self) -> Failure {
        let what =
            format!("no spooler is called {}; yours is {SUPERVISOR}", crate::model::printable::escaped(&self.typed));
        Failure::new(FailureKind::Unreachable, what).hint(
            "a line  $NAME DIRECTORY  in ~/.config/spoolsuite/spoolers or /etc/spoolsuite/spoolers names another one",
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_may_have_a_node() {
        for (text, node, ours) in [
            ("$SPLS", None, true),
            ("spls", None, true),
            ("\\acme1.$SPLS", Some("acme1"), true),
            ("\\acme.example.$spls", Some("acme.example"), true),
            ("\\acme1", Some("acme1"), true),
            ("$OTHER", None, false),
            ("\\acme1.$OTHER", Some("acme1"), false),
        ] {
            let read = Supervisor::read(text);
            assert_eq!((read.node.as_deref(), read.is_ours()), (node, ours), "{text}");
        }
    }
}
