//! Finding the spool, and seeing to its print processes: starting, waking, noticing the dead.

mod attend;
mod choose;
mod environment;

pub use attend::Starter;
pub use choose::{Purpose, base_from, open_at, open_spool, open_waited, usual_base};
pub use environment::{check_environment, seconds};
