//! The table of docs/reference/infoprint.md 6 as data: what each command does to a job in each state.
//!
//! Commands look here before they act, so that a refusal is clear. The spool checks again what must hold at the moment of
//! the change. The manuals leave some cells open. Ours: a job that is still arriving can be removed, and one that is being
//! removed takes no change.

use crate::model::job::JobStatus;
use crate::model::state::JobState;
use crate::model::{Failure, FailureKind, JobRef};

/// A command that acts on jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `pdmod`, and `pdset -c job`.
    Modify,
    /// `pdrm`.
    Remove,
    /// `pdpromote`.
    Promote,
    /// `pdpause -c job`.
    Pause,
    /// `pdresume -c job`.
    Resume,
    /// `pdresubmit`.
    Resubmit,
    /// `pdreorder`.
    Reorder,
}

/// Whether a command acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does.
    Done,
    /// It is refused.
    Refused,
    /// Only `job-hold=true`, alone: the job is taken from its device and held.
    HoldOnly,
}

/// The actions, in the order of the columns.
pub const ACTIONS: [Action; 7] =
    [Action::Modify, Action::Remove, Action::Promote, Action::Pause, Action::Resume, Action::Resubmit, Action::Reorder];

/// Columns: modify, remove, promote, pause, resume, resubmit, reorder. `x` acts, `-` is refused, `h` acts if `job-hold=true` stands alone.
pub const EFFECTS: [(JobState, &str); 8] = [
    (JobState::Open, "xx-----"),
    (JobState::Ready, "xxxx-xx"),
    (JobState::Held, "xx-x-xx"),
    (JobState::Paused, "xx--x--"),
    (JobState::Printing, "hx-x---"),
    (JobState::Transferred, "hx-x---"),
    (JobState::Retained, "xx---x-"),
    (JobState::Terminating, "-x-----"),
];

/// Returns what `action` does to a job in `state`.
pub fn effect(action: Action, state: JobState) -> Effect {
    let column = ACTIONS.iter().position(|one| *one == action).unwrap_or(usize::MAX);
    let row = EFFECTS.iter().find(|row| row.0 == state).map_or("", |row| row.1);
    match row.as_bytes().get(column) {
        Some(b'x') => Effect::Done,
        Some(b'h') => Effect::HoldOnly,
        _ => Effect::Refused,
    }
}

/// Refuses what the state of `status` does not allow; `lone_hold` = `job-hold=true` is all that is asked for.
///
/// # Errors
/// [`FailureKind::State`], which names the job as it was typed, its state, and what helps.
pub fn check(action: Action, job: &JobRef, status: &JobStatus, lone_hold: bool) -> Result<(), Failure> {
    match effect(action, status.state) {
        Effect::Done => return Ok(()),
        Effect::HoldOnly if lone_hold => return Ok(()),
        Effect::HoldOnly | Effect::Refused => {}
    }
    let what = match action {
        Action::Modify => "altered",
        Action::Remove => "removed",
        Action::Promote => "promoted",
        Action::Pause => "paused",
        Action::Resume => "resumed",
        Action::Resubmit => "sent to another destination",
        Action::Reorder => "reordered",
    };
    let message = format!("job {job} is {} and cannot be {what}", status.state.infoprint());
    let failure = Failure::new(FailureKind::State, message);
    Err(match (action, status.state) {
        (Action::Modify, JobState::Printing | JobState::Transferred) => {
            failure.hint(format!("pdmod -x job-hold=true {job}   alone takes it from its device and holds it"))
        }
        (Action::Promote, JobState::Held) => failure.hint(format!("pdmod -x job-hold=false {job}   releases it first")),
        (Action::Reorder, JobState::Paused) => failure.hint(format!("pdresume -c job {job}   resumes it first")),
        (Action::Promote, JobState::Paused) => failure.hint(format!("pdresume -c job {job}   resumes it first")),
        (Action::Resubmit, JobState::Paused) => failure.hint(format!("pdresume -c job {job}   resumes it first")),
        (Action::Resubmit, JobState::Printing) => {
            failure.hint(format!("pdmod -x job-hold=true {job}   alone takes it from its device and holds it"))
        }
        (Action::Resume, JobState::Held) => {
            failure.hint(format!("pdmod -x job-hold=false {job}   releases a held job"))
        }
        _ => failure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_row_with_every_column() {
        assert!(EFFECTS.iter().all(|row| row.1.len() == ACTIONS.len()));
        assert_eq!(effect(Action::Modify, JobState::Printing), Effect::HoldOnly);
        assert_eq!(effect(Action::Resume, JobState::Paused), Effect::Done);
        assert_eq!(effect(Action::Resume, JobState::Held), Effect::Refused);
    }
}
