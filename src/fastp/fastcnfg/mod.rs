//! What a device is opened with: its URI, or its FASTCNFG entry (fastp.md 13 to 15).
pub mod attributes;
pub mod entry;
pub mod lexer;
pub mod names;
pub mod parser;

use super::errors::Fault;
use super::means::Means;
use crate::model::device::{ConnectionInUse, DeviceSettings};

/// What one device remembers of FASTCNFG between its opens, for as long as its print process lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {}

/// The means of a device that is about to be opened, and what to show of them.
///
/// # Errors
/// A fault when the device has neither a URI nor an entry that can be used.
pub fn consult(settings: &DeviceSettings, _memory: &mut Memory) -> Result<(Means, ConnectionInUse), Fault> {
    let Some(uri) = settings.uri.clone() else {
        return Err(Fault::new(14, false, "the device has no URI"));
    };
    let used = ConnectionInUse { address: uri.clone(), entry: None, complaint: None };
    Ok((Means::of(uri), used))
}
