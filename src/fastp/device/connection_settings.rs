//! How a device is reached: its address and the time limits that go with it. They come from the device's own URI or
//! from its FASTCNFG entry ([`crate::fastp::fastcnfg`]); the transports see no difference.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::device::DeviceUri;

/// How a device is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Its address.
    pub uri: DeviceUri,
    /// TIMEOUT: how long an operation may last while the device accepts no octet; none = no limit.
    pub io_limit: Option<Duration>,
    /// POLLINT: the wait between two attempts at a refused connection.
    pub refused_every: Duration,
    /// POLLNUM: how many further attempts follow a refusal before it is a device error.
    pub refused_tries: u32,
    /// SHUTDOWNTO: how we wait for the end of a connection.
    pub close_wait: CloseWait,
    /// SLOWPACE: a pause between the last octet of a job and its end.
    pub slow_pace: Duration,
    /// HOSTS: a file of names and addresses that replaces the resolver.
    pub hosts: Option<PathBuf>,
}

/// How we wait for the peer's close after ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseWait {
    /// Wait the settle time; a peer that has not closed by then has *transferred* jobs, which are released.
    #[default]
    Usual,
    /// Do not wait (SHUTDOWNTO = 0): the jobs are *transferred*.
    None,
    /// Wait this long; a peer that has not closed by then has not confirmed its jobs, which are Ready again
    /// (docs/reference/fastp.md 5).
    Required(Duration),
}

impl ConnectionSettings {
    /// The settings of a device that has nothing but a URI.
    pub fn of(uri: DeviceUri) -> Self {
        Self {
            uri,
            io_limit: None,
            refused_every: Duration::ZERO,
            refused_tries: 0,
            close_wait: CloseWait::Usual,
            slow_pace: Duration::ZERO,
            hosts: None,
        }
    }
}
