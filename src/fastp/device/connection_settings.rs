//! By what means a device is reached: its address, and the deadlines that go with it. They come from the device's own
//! URI or from its FASTCNFG entry ([`crate::fastp::fastcnfg`]); the transports see no difference.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::device::DeviceUri;

/// How a device is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// Its address.
    pub uri: DeviceUri,
    /// TIMEOUT: how long an operation may last without a single octet being taken; none = without limit.
    pub io_limit: Option<Duration>,
    /// POLLINT: the wait between two tries of a connection that was refused.
    pub refused_every: Duration,
    /// POLLNUM: how many such tries follow the first before it is a device error.
    pub refused_tries: u32,
    /// SHUTDOWNTO: how the end of a connection is waited for.
    pub farewell: Farewell,
    /// SLOWPACE: a pause between the last octet of a job and its end.
    pub slow_pace: Duration,
    /// HOSTS: a file of names and addresses to look the host up in, instead of the resolver.
    pub hosts: Option<PathBuf>,
}

/// How the peer's close is waited for after ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Farewell {
    /// The usual time; a peer that does not close then has *transferred* jobs, and they are let go.
    #[default]
    Usual,
    /// Not at all (SHUTDOWNTO = 0): the jobs are *transferred*.
    None,
    /// So long; a peer that does not close then has not confirmed its jobs: they are Ready again (fastp.md 16.4).
    Required(Duration),
}

impl Means {
    /// The means of a device that has nothing but a URI.
    pub fn of(uri: DeviceUri) -> Self {
        Self {
            uri,
            io_limit: None,
            refused_every: Duration::ZERO,
            refused_tries: 0,
            farewell: Farewell::Usual,
            slow_pace: Duration::ZERO,
            hosts: None,
        }
    }
}
