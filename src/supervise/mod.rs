//! Finding the spool, and seeing to its print processes: starting, waking, noticing the dead.

mod attend;
mod choose;
mod keeper;

pub use attend::Starter;
pub use choose::{Purpose, base_from, open_at, open_spool, usual_base};
pub use keeper::Keeper;
