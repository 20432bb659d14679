//! Events: the words for what happens to objects, and what displays show of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::job::PRINTED_COMPLETELY;
use super::state::HoldReason;

macro_rules! event_words {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// What happened to an object. Programs compare these; people read [`Event::why`].
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum EventWord {
            $($(#[$doc])* $name,)+
            /// A word of another version. It is shown as it is, and nothing follows from it.
            Other(String),
        }

        impl EventWord {
            /// Every word that this version writes.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the word as it is stored and shown.
            pub fn word(&self) -> &str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for EventWord {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$name,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

event_words! {
    /// A job was taken in, or a restored spool was taken for what it is.
    Accepted = "accepted",
    /// Attributes were altered.
    Altered = "altered",
    /// A print process answered what an operator had asked of a device at work.
    Answered = "answered",
    /// More work waits in a queue than its upper bound.
    Backlogged = "backlogged",
    /// A print process began an epoch.
    Began = "began",
    /// BROADCAST of a group was set.
    Broadcast = "broadcast",
    /// A device cannot be reached.
    CannotConnect = "cannot-connect",
    /// A device took a job.
    Claimed = "claimed",
    /// All jobs of an object were removed.
    Cleaned = "cleaned",
    /// An operator took the job in print from a device.
    Cleared = "cleared",
    /// A device was closed.
    Closed = "closed",
    /// A device said that a job is on paper.
    Confirmed = "confirmed",
    /// The spool was made.
    Created = "created",
    /// An object was declared.
    Declared = "declared",
    /// An object was deleted.
    Deleted = "deleted",
    /// A print process died.
    Died = "died",
    /// A print process went dormant.
    Dormant = "dormant",
    /// An operator drained a device or the spooler.
    Drained = "drained",
    /// A print process ended in good order.
    Ended = "ended",
    /// An error of a device or a print process.
    Error = "error",
    /// A certificate ends soon, or has ended; or a job is removed soon that waits for its owner.
    Expires = "expires",
    /// FASTCNFG says something else than before.
    Fastcnfg = "fastcnfg",
    /// The print file of a job was fetched from another server.
    Fetched = "fetched",
    /// Another server took a job over.
    HandedOver = "handed-over",
    /// A job was held.
    Held = "held",
    /// What was staged counts from now on.
    Issued = "issued",
    /// Another server reported an end after its claim had ended.
    Late = "late",
    /// Part of a damaged database could not be saved.
    Lost = "lost",
    /// Somebody left a message with a job.
    Message = "message",
    /// A device that had stalled takes octets again.
    Moving = "moving",
    /// Somebody was told of an event.
    Notified = "notified",
    /// A device was opened.
    Opened = "opened",
    /// A shorter job was printed before a job that arrived earlier.
    Passed = "passed",
    /// A job or a queue was paused, or a device will be when its job is done.
    Paused = "paused",
    /// Pages may come out twice.
    PossibleDuplicate = "possible-duplicate",
    /// A job was put before all others.
    Promoted = "promoted",
    /// An operator put a waiting job at another place.
    Reordered = "reordered",
    /// An error is over.
    Recovered = "recovered",
    /// Another server may not print a job, or a door took none.
    Refused = "refused",
    /// A hold ended, or a transferred job was let go.
    Released = "released",
    /// The work of a backlogged queue has fallen below its lower bound.
    Relieved = "relieved",
    /// Something worth knowing.
    Remark = "remark",
    /// An operator asked something of a device at work.
    Requested = "requested",
    /// A job waits elsewhere now.
    Rerouted = "rerouted",
    /// A job has ended and is kept.
    Retained = "retained",
    /// RESTART started a device again.
    Restarted = "restarted",
    /// A generation was taken back.
    RolledBack = "rolled-back",
    /// The database was restored from a backup, or saved from damage.
    Restored = "restored",
    /// A paused job goes on.
    Resumed = "resumed",
    /// A device gave a job back.
    Returned = "returned",
    /// A location leads elsewhere now.
    Routed = "routed",
    /// A job was sent and its connection closed cleanly.
    Sent = "sent",
    /// An edit waits until it is issued, or waits no longer.
    Staged = "staged",
    /// The disk has room again.
    SpaceBack = "space-back",
    /// The disk is nearly full.
    SpaceLow = "space-low",
    /// The disk is full: submissions are refused.
    SpaceOut = "space-out",
    /// A device takes no octets.
    Stalled = "stalled",
    /// A suspended device stands still with its job.
    StandsStill = "stands-still",
    /// An object was started.
    Started = "started",
    /// An attempt, a device or the spooler stopped.
    Stopped = "stopped",
    /// An operator suspended a device.
    Suspended = "suspended",
    /// A peer has every octet of a job.
    Transferred = "transferred",
    /// A notification was given up.
    Undelivered = "undelivered",
}

impl EventWord {
    /// Tells whether it changed the configuration of its object.
    pub fn configures(&self) -> bool {
        matches!(self, Self::Declared | Self::Altered | Self::Deleted | Self::Routed | Self::Broadcast)
    }

    /// Tells whether an operator looks for it among what happened to all objects. What belongs to the ordinary run of a device or
    /// a print process is none of that, and of jobs only what may have come out twice.
    pub fn is_notable(&self, of_job: bool) -> bool {
        match self {
            Self::PossibleDuplicate => of_job,
            Self::Opened | Self::Closed | Self::Claimed | Self::Began | Self::Dormant | Self::Ended => false,
            Self::Fastcnfg | Self::Notified | Self::Answered | Self::Remark | Self::Stalled | Self::Moving => false,
            _ => !of_job,
        }
    }
}

impl From<String> for EventWord {
    fn from(word: String) -> Self {
        Self::from(word.as_str())
    }
}

impl From<EventWord> for String {
    fn from(word: EventWord) -> Self {
        match word {
            EventWord::Other(word) => word,
            known => known.word().to_owned(),
        }
    }
}

impl fmt::Display for EventWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What programs need to know of an event beyond its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventDetail {
    /// A job was held for this reason.
    Hold(HoldReason),
    /// A job was held because it was printed: HOLDAFTER.
    HoldAfter,
    /// A location was connected to nothing.
    NoDevice,
    /// A print process went down without an order: it died, or the machine did.
    Crash,
}

impl EventDetail {
    /// Returns the word as it is stored.
    pub fn stored(self) -> &'static str {
        match self {
            Self::Hold(reason) => reason.keyword(),
            Self::HoldAfter => "hold-after",
            Self::NoDevice => "no-device",
            Self::Crash => "crash",
        }
    }

    /// Finds it by its stored word.
    pub fn from_stored(word: &str) -> Option<Self> {
        match word {
            "hold-after" => Some(Self::HoldAfter),
            "no-device" => Some(Self::NoDevice),
            "crash" => Some(Self::Crash),
            other => HoldReason::from_keyword(other).map(Self::Hold),
        }
    }
}

/// Something that happened: who, when, what, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place among the events of its object, ascending. A reader goes on from there.
    pub id: i64,
    /// Wall clock.
    pub at_ms: i64,
    /// Login name, or the print process.
    pub who: String,
    /// What happened.
    pub what: EventWord,
    /// What programs need to know beyond the word.
    pub detail: Option<EventDetail>,
    /// The circumstances, for people.
    pub why: String,
}

impl Event {
    /// Tells whether it says of a job that every part had been printed, and that it is held after that.
    pub fn tells_that_all_is_printed(&self) -> bool {
        self.what == EventWord::Held
            && (self.detail == Some(EventDetail::HoldAfter) || self.why.starts_with(PRINTED_COMPLETELY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_detail_is_read_back_as_it_was_stored() {
        for word in EventWord::ALL {
            assert_eq!(EventWord::from(word.word()), *word);
        }
        assert_eq!(EventWord::from("of-tomorrow").word(), "of-tomorrow");
        let reasons = super::super::state::HoldReasons(u32::MAX);
        for detail in reasons.iter().map(EventDetail::Hold).chain([
            EventDetail::HoldAfter,
            EventDetail::NoDevice,
            EventDetail::Crash,
        ]) {
            assert_eq!(EventDetail::from_stored(detail.stored()), Some(detail));
        }
    }
}
