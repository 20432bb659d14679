//! Finding the spool, and seeing to its print processes: starting, waking, noticing the dead.

mod attend;
mod choose;
mod environment;
mod keeper;

pub use attend::Starter;
pub(crate) use attend::is_passing;
pub use choose::{PORT, Place, Purpose, open_at, open_waited, place_from, usual_base, usual_place};
pub use environment::{check_environment, seconds};
pub use keeper::Keeper;
