//! A DEVICE entry: the values it was given, and what it comes to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attributes::Attribute;
use super::lexer::Position;
use crate::fastp::device::connection_settings::{CloseWait, ConnectionSettings};
use crate::model::device::DeviceUri;

/// A value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The attribute.
    pub row: &'static Attribute,
    /// Its value.
    pub value: String,
    /// Where the attribute stands.
    pub at: Position,
    /// Where the value stands.
    pub value_at: Position,
}

/// Values by the names of their attributes.
pub type Values = BTreeMap<&'static str, Given>;

/// Where the octets of a device go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// To the device's own URI (CONTYPE = NONE).
    Own,
    /// Here.
    To(DeviceUri),
}

/// An entry that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the octets go.
    pub way: Way,
    /// TIMEOUT; none = without limit.
    pub io_limit: Option<Duration>,
    /// POLLINT.
    pub refused_every: Duration,
    /// POLLNUM.
    pub refused_tries: u32,
    /// SHUTDOWNTO.
    pub close_wait: CloseWait,
    /// SLOWPACE.
    pub slow_pace: Duration,
}

impl Entry {
    pub(super) fn new(way: Way) -> Self {
        Self {
            way,
            io_limit: None,
            refused_every: Duration::ZERO,
            refused_tries: 0,
            close_wait: CloseWait::Usual,
            slow_pace: Duration::ZERO,
        }
    }

    /// The connection settings of a device that has `own` as its URI.
    ///
    /// # Errors
    /// When the entry leaves the address to the device, and it has none.
    pub fn connection_settings(
        &self,
        own: Option<&DeviceUri>,
        hosts: Option<PathBuf>,
    ) -> Result<ConnectionSettings, String> {
        let uri = match (&self.way, own) {
            (Way::To(uri), _) => uri.clone(),
            (Way::Own, Some(own)) => own.clone(),
            (Way::Own, None) => return Err("CONTYPE = NONE leaves the address to the device, which has no URI".into()),
        };
        Ok(ConnectionSettings {
            uri,
            io_limit: self.io_limit,
            refused_every: self.refused_every,
            refused_tries: self.refused_tries,
            close_wait: self.close_wait,
            slow_pace: self.slow_pace,
            hosts,
        })
    }
}
