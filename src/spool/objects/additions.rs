//! Whether objects may be added now.

use crate::model::{Failure, FailureKind};
use crate::spool::interface::records::SpoolerState;
use crate::store::{self, Fallible, Tx};

/// Refuses to add an object while the spooler drains.
pub(crate) fn demand_additions(tx: &Tx<'_>) -> Fallible<()> {
    if store::spool::state(tx)? != SpoolerState::Drain {
        return Ok(());
    }
    Err(Failure::new(FailureKind::SpoolerState, "the spooler drains: nothing is added before it is WARM")
        .hint("SPOOLER, STATUS shows the state; SPOOLER, START takes the drain back"))
}
