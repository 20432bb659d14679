//! An operator has looked at a restored spool and takes it for what it is.

use crate::model::Call;
use crate::store::{self, Fallible};

use crate::spool::{Room, Spool};

impl Spool {
    /// Returns since when this spool counts as restored, wall clock.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn restored_since(&self) -> Fallible<Option<i64>> {
        self.look(&Call::timeless(), store::restored::since)
    }

    /// Ends that: what nobody knows may be erased again. True when there was something to accept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn accept_restored(&self, call: &Call) -> Fallible<bool> {
        self.change(Room::Gives, call, store::restored::accept)
    }
}
