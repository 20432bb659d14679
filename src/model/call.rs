//! Who asks for something, and when.

use super::authority::Caller;
use super::names::ProcessName;
use super::time::Moment;
use super::{Failure, FailureKind};

/// Who does something to the spool: whose name the events carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, whose rights decide.
    User(Caller),
    /// A print process, whose lease decides: its name as events show it, `$SPLA`.
    Process(String),
    /// The spooler itself.
    Spooler,
}

impl Actor {
    /// The name that events carry.
    pub fn who(&self) -> &str {
        match self {
            Self::User(caller) => &caller.user,
            Self::Process(name) => name,
            Self::Spooler => "spooler",
        }
    }
}

/// One call of an operation: who makes it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who.
    pub actor: Actor,
    /// When.
    pub now: Moment,
}

impl Call {
    /// The call of a user.
    pub fn of(caller: &Caller, now: &Moment) -> Self {
        Self { actor: Actor::User(caller.clone()), now: now.clone() }
    }

    /// The call of a print process.
    pub fn of_process(name: &ProcessName, now: &Moment) -> Self {
        Self { actor: Actor::Process(format!("${name}")), now: now.clone() }
    }

    /// The spooler's own call.
    pub fn of_spooler(now: &Moment) -> Self {
        Self { actor: Actor::Spooler, now: now.clone() }
    }

    /// A look of the spooler that depends on no time.
    pub fn timeless() -> Self {
        Self { actor: Actor::Spooler, now: Moment { wall_ms: 0, boot_ms: 0, boot_id: String::new() } }
    }

    /// The user who makes the call.
    ///
    /// # Errors
    /// When no user does: a print process or the spooler asked for what only users have a right to.
    pub fn caller(&self) -> Result<&Caller, Failure> {
        match &self.actor {
            Actor::User(caller) => Ok(caller),
            other => Err(Failure::new(FailureKind::Internal, format!("{} is no user", other.who()))),
        }
    }
}
