//! The jobs that wait for a device.

use serde::{Deserialize, Serialize};

use super::job::JobStatus;

/// A job that waits for a device, as the device sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueItem {
    /// Its place, from 1, among the jobs that the device could print; none when the device passes it over because it
    /// needs another form.
    pub sequence: Option<u32>,
    /// The job. Its `intervening` counts what the device prints before it.
    pub job: JobStatus,
    /// How long the device would print it, in milliseconds, as fast as it was measured to be; none before it was.
    pub estimate_ms: Option<i64>,
    /// Whether it was begun on this device, and so is resumed before anything else.
    pub begun: bool,
    /// Whether it waits for this device alone, because it is broadcast to its whole group.
    pub broadcast: bool,
}
