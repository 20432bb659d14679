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
pub struct GivenValue {
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
pub type Values = BTreeMap<&'static str, GivenValue>;

/// Where the octets of a device go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressSource {
    /// To the device's own URI (CONTYPE = NONE).
    Own,
    /// Here.
    To(DeviceUri),
}

/// An entry that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the octets go.
    #[serde(rename = "way")]
    pub address: AddressSource,
    /// TIMEOUT; none = without limit.
    pub io_limit: Option<Duration>,
    /// POLLINT.
    pub refused_every: Duration,
    /// POLLNUM.
    pub refused_tries: u32,
    /// SHUTDOWNTO.
    #[serde(rename = "farewell")]
    pub close_wait: CloseWait,
    /// SLOWPACE.
    pub slow_pace: Duration,
}

impl Entry {
    pub(super) fn new(address: AddressSource) -> Self {
        Self {
            address,
            io_limit: None,
            refused_every: Duration::ZERO,
            refused_tries: 0,
            close_wait: CloseWait::Usual,
            slow_pace: Duration::ZERO,
        }
    }

    /// Returns the connection settings of a device whose URI is `own`.
    ///
    /// # Errors
    /// Returns why, when the entry leaves the address to the device and it has none.
    pub fn connection_settings(
        &self,
        own: Option<&DeviceUri>,
        hosts: Option<PathBuf>,
    ) -> Result<ConnectionSettings, String> {
        let uri = match (&self.address, own) {
            (AddressSource::To(uri), _) => uri.clone(),
            (AddressSource::Own, Some(own)) => own.clone(),
            (AddressSource::Own, None) => {
                return Err("CONTYPE = NONE leaves the address to the device, which has no URI".into());
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_keeps_entries_in_the_form_of_earlier_releases() {
        let seconds = |secs: u64| format!("{{\"secs\":{secs},\"nanos\":0}}");
        let kept = format!(
            "{{\"way\":\"Own\",\"io_limit\":null,\"refused_every\":{},\"refused_tries\":0,\
             \"farewell\":{{\"Required\":{}}},\"slow_pace\":{}}}",
            seconds(0),
            seconds(7),
            seconds(0)
        );
        let entry = Entry { close_wait: CloseWait::Required(Duration::from_secs(7)), ..Entry::new(AddressSource::Own) };
        assert_eq!(serde_json::to_string(&entry).unwrap(), kept);
        assert_eq!(serde_json::from_str::<Entry>(&kept).unwrap(), entry);
    }
}
