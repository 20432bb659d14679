//! Queries for jobs: the form in which filters travel, whichever language wrote them.

use serde::{Deserialize, Serialize};

use super::field::{Field, Value};
use super::ids::{BatchNumber, JobId, JobNumber, JobRef};
use super::location::Destination;
use super::names::{CollectorName, LocationPattern};
use super::state::JobState;

/// How a field is compared (docs/reference/infoprint.md 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `=*`
    StartsWith,
    /// `*=`
    EndsWith,
    /// `*=*`
    Contains,
    /// `==*`
    Present,
    /// `~=`, without case
    Resembles,
    /// `>`
    Greater,
    /// `<`
    Less,
}

/// A condition on jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// It always holds.
    Any,
    /// All of these hold.
    All(Vec<Condition>),
    /// At least one of these holds.
    Either(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// This job.
    Job(JobRef),
    /// Submitted by this identity (`user@host`).
    UserName(String),
    /// Submitted by this login name, from whatever host.
    Submitter(String),
    /// Owned by this login name.
    Owner(String),
    /// Owned by the user with this id.
    OwnerId(u32),
    /// Part of this batch; none = of any.
    Batch(Option<BatchNumber>),
    /// In this state.
    State(JobState),
    /// Came by this collector.
    Collector(CollectorName),
    /// Came by a collector with this data file: its whole name, or its last part alone.
    DataFile(String),
    /// Sent here.
    Destination(Destination),
    /// Sent to a location that matches.
    Location(LocationPattern),
    /// The value of a field compares so.
    Field(Field, Comparison, Value),
    /// The text of a field compares as it is displayed in a time zone.
    Shown {
        /// The field, a time.
        field: Field,
        /// Equal or a part of it.
        comparison: Comparison,
        /// What is looked for.
        text: String,
        /// The zone: its offsets from UTC in seconds, each with the moment (milliseconds since 1970) from which it
        /// holds, in their order. What decides need not know the zone's name or have its rules.
        offsets: Vec<(i64, i32)>,
    },
}

/// The most parts of a condition.
pub const MAX_PARTS: usize = 10_000;

impl Condition {
    /// Tells whether it has at most [`MAX_PARTS`] parts: each is looked at for each job of a listing, and nobody's question may
    /// keep all others waiting.
    pub fn is_bounded(&self) -> bool {
        let (mut left, mut parts) = (vec![self], 0);
        while let Some(one) = left.pop() {
            parts += 1;
            if parts + left.len() > MAX_PARTS {
                return false;
            }
            match one {
                Self::All(inner) | Self::Either(inner) if inner.len() > MAX_PARTS => return false,
                Self::All(inner) | Self::Either(inner) => left.extend(inner),
                Self::Not(inner) => left.push(inner),
                Self::Shown { offsets, .. } => parts += offsets.len(),
                _ => {}
            }
        }
        parts <= MAX_PARTS
    }
}

/// In which order jobs are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// By job number (SPOOLCOM).
    Number,
    /// In the order in which the queues consider them (InfoPrint).
    Schedule,
}

/// What of each job is wanted: what nobody is going to show or compare need not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Its documents, and the copies of the first of them.
    pub documents: bool,
    /// What was given explicitly for it and for its documents.
    pub given: bool,
    /// Its position in its queue.
    pub position: bool,
}

impl Parts {
    /// All parts.
    pub const ALL: Self = Self { documents: true, given: true, position: true };
    /// Only the job itself.
    pub const JOB: Self = Self { documents: false, given: false, position: false };
    /// Its documents.
    pub const DOCUMENTS: Self = Self { documents: true, ..Self::JOB };
    /// What was given.
    pub const GIVEN: Self = Self { given: true, ..Self::JOB };
    /// Its position.
    pub const POSITION: Self = Self { position: true, ..Self::JOB };

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            documents: self.documents || other.documents,
            given: self.given || other.given,
            position: self.position || other.position,
        }
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self::ALL
    }
}

/// Which jobs, in which order, and which parts of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Which.
    pub condition: Condition,
    /// In which order.
    pub order: Order,
    /// Which parts of them. A part that is not wanted may be missing.
    #[serde(default)]
    pub parts: Parts,
}

/// Where a listing goes on. Callers do not look inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Sort key of the last row seen.
    pub key: Vec<i64>,
    /// The last job seen.
    pub job: JobId,
}

impl Cursor {
    /// Where jobs by number go on behind this one, whether it is there or not.
    pub fn behind(number: JobNumber) -> Self {
        Self { key: vec![i64::from(number.get())], job: JobId(i64::MAX) }
    }
}

/// The most rows of one page.
pub const PAGE: u32 = 1000;

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_bounded_however_its_parts_are_nested() {
        let many = |n: usize| Condition::Either(vec![Condition::Any; n]);
        assert!(Condition::Any.is_bounded() && many(MAX_PARTS - 1).is_bounded());
        assert!(!many(MAX_PARTS).is_bounded() && !many(10 * MAX_PARTS).is_bounded());
        let nested = Condition::All(vec![many(MAX_PARTS / 2), Condition::Not(Box::new(many(MAX_PARTS / 2)))]);
        assert!(!nested.is_bounded());
    }
}
