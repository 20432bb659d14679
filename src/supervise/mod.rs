//! Finding the spool, and seeing to its print processes: starting, waking, noticing the dead.

mod attend;
mod choose;

pub use attend::Starter;
pub use choose::{Place, Purpose, open_at, place_from, usual_base, usual_place};
