//! Who asks for something, and when.

use super::authority::Caller;
use super::names::ProcessName;
use super::time::Moment;
use super::{Failure, FailureKind};

/// Who does something to the spool. The events carry this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, who needs the right.
    User(Caller),
    /// A print process, which needs a lease. Events show its name so: `$SPLA`.
    Process(String),
    /// The spooler itself.
    Spooler,
}

impl Actor {
    /// Returns the name that events carry.
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
    /// The process that asks, where it is known.
    pub process: Option<u32>,
    /// Whether what it commits may reach the disk a little later, with what is committed then: only declarations may.
    pub later: bool,
}

impl Call {
    /// Makes the call of a user.
    pub fn of(caller: &Caller, now: &Moment) -> Self {
        Self { actor: Actor::User(caller.clone()), now: now.clone(), process: None, later: false }
    }

    /// Makes the call of a print process.
    pub fn of_process(name: &ProcessName, now: &Moment) -> Self {
        Self { actor: Actor::Process(format!("${name}")), now: now.clone(), process: None, later: false }
    }

    /// Makes a call of the spooler itself.
    pub fn of_spooler(now: &Moment) -> Self {
        Self { actor: Actor::Spooler, now: now.clone(), process: None, later: false }
    }

    /// Makes a call of the spooler that only looks and depends on no time.
    pub fn timeless() -> Self {
        Self {
            actor: Actor::Spooler,
            now: Moment { wall_ms: 0, boot_ms: 0, boot_id: String::new() },
            process: None,
            later: false,
        }
    }

    /// Returns the user who makes the call. Fails for a print process and for the spooler: only users have rights.
    pub fn caller(&self) -> Result<&Caller, Failure> {
        match &self.actor {
            Actor::User(caller) => Ok(caller),
            other => Err(Failure::new(FailureKind::Internal, format!("{} is no user", other.who()))),
        }
    }
}
