//! An operator has looked at a restored spool and takes it for what it is.

use crate::model::time::Moment;
use crate::store::{self, Fallible};

use crate::spool::{Room, Spool};

impl Spool {
    /// Since when this spool counts as restored, wall clock.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn restored_since(&self) -> Fallible<Option<i64>> {
        self.look(store::restored::since)
    }

    /// Ends that: what nobody knows may be erased again. True when there was something to accept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn accept_restored(&self, who: &str, now: &Moment) -> Fallible<bool> {
        let (who, now) = (who.to_owned(), now.clone());
        self.change(Room::Gives, move |db| store::restored::accept(db, &who, &now))
    }
}
