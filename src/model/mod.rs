//! The vocabulary: names, numbers, states, keys of the queue order, and validation. Nothing here does I/O or reads a
//! clock.

pub mod alter;
pub mod authority;
pub mod call;
pub mod device;
pub mod event;
pub mod failure;
pub mod field;
pub mod finished;
pub mod guardian;
pub mod ids;
pub mod job;
pub mod location;
pub mod names;
pub mod object;
pub mod order;
pub mod process;
pub mod query;
pub mod queue;
pub mod separation;
pub mod state;
pub mod time;
pub mod uri;
pub mod wait;
pub mod why;

pub use authority::Caller;
pub use call::{Actor, Call};
pub use failure::{Failure, FailureKind};
pub use ids::*;
pub use names::*;

/// Returns `text` on one line for a message: control characters are escaped, and nothing else is altered. `\WEST.$LP1` stays as
/// it was typed.
pub fn shown(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}
