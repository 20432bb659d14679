//! Finished jobs: what the history keeps of them.

use serde::{Deserialize, Serialize};

use super::field::{Field, Value};
use super::ids::{GlobalJobId, JobId, JobNumber, LocalJobId};
use super::location::Destination;
use super::names::DeviceName;

/// A finished job as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedStatus {
    /// Its former row identity.
    pub id: JobId,
    /// SPOOLCOM's number. A living job may have the same number by now.
    pub number: JobNumber,
    /// Its owner's number for it.
    pub local: LocalJobId,
    /// Its name everywhere; never used again.
    pub global: GlobalJobId,
    /// `job-name`, REPORT.
    pub name: String,
    /// Owner's login name.
    pub owner: String,
    /// Owner's user id.
    pub owner_uid: u32,
    /// `user@host` of the submitter.
    pub user_name: String,
    /// Where it was sent.
    pub destination: Destination,
    /// The device that printed the end of it; none when it was cancelled.
    pub device: Option<DeviceName>,
    /// How it ended: `transferred`, `sent`, `confirmed`, `cancelled`.
    pub outcome: String,
    /// Octets of its documents, copies not counted.
    pub octets: u64,
    /// Its pages, when they were known.
    pub pages: Option<u64>,
    /// How many documents it had.
    pub documents: u32,
    /// When it was created, wall clock.
    pub created_ms: i64,
    /// When it ended, wall clock.
    pub finished_ms: i64,
    /// What was given for it and is only carried.
    pub carried: Vec<(Field, Value)>,
}
