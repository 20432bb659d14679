//! What a device remembers of FASTCNFG: the last usable entry, and why what was found since is not used.
//!
//! The memory outlives the print process. The result of a lookup is recorded before the device is opened with it, and
//! the next print process starts from that record: it reads the files all the same, but after a mistake in them it has
//! an entry to keep. A memory belongs to a device as it was: with another URI, or under another print process, the
//! device has none.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::helper_status::HelperStatus;
use super::lookup::{FoundEntry, LookupError, LookupErrorKind, LookupResult, VisitedFile};
use super::read::{self, ChangeTime};
use super::{ConsultResult, LookupRequest};
use crate::fastp::device::connection_settings::ConnectionSettings;
use crate::fastp::device::errors::Fault;
use crate::model::device::{ConnectionInUse, DeviceSettings, DeviceUri};
use crate::model::guardian::DeviceError;
use crate::spool::interface::engine::{Observation, Remembered};

/// What one device remembers of FASTCNFG between its opens.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    known: Option<KnownEntry>,
    /// The primary file that was read last.
    primary: Option<PathBuf>,
    /// What the spool has recorded; none = we have not asked yet.
    recorded: Option<Remembered>,
    /// What to report once.
    remark: Option<String>,
    /// A helper that we no longer wait for.
    pub(super) late: Option<HelperStatus>,
}

/// Whose memory this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MemoryOwner {
    process: Option<String>,
    uri: Option<DeviceUri>,
}

impl MemoryOwner {
    fn new(request: &LookupRequest, settings: &DeviceSettings) -> Self {
        Self { process: request.requester.process.clone(), uri: settings.uri.clone() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct KnownEntry {
    of: MemoryOwner,
    /// The last usable entry; none = there was none.
    found: Option<FoundEntry>,
    /// The primary's time of change when it was last read; none = not by this process.
    primary: Option<ChangeTime>,
    complaint: Option<Complaint>,
}

/// Why the latest finding is not used.
#[derive(Clone, Debug)]
struct Complaint {
    text: String,
    /// The files that were read then; none = only trying can tell whether it is over.
    seen: Option<Vec<VisitedFile>>,
}

/// A memory as the spool stores it, in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct StoredMemory {
    of: MemoryOwner,
    found: Option<FoundEntry>,
}

impl KnownEntry {
    /// Whether nothing has changed that would call for another lookup.
    pub(super) fn holds(&self, request: &LookupRequest) -> bool {
        let same = |path: &std::path::Path, stamp: ChangeTime| read::stamp(path).is_ok_and(|now| now == stamp);
        match (&self.complaint, self.primary) {
            (None, None) => false,
            (None, Some(primary)) => same(&request.primary, primary),
            (Some(Complaint { seen: None, .. }), _) => false,
            (Some(Complaint { seen: Some(seen), .. }), _) => seen.iter().all(|seen| same(&seen.path, seen.stamp)),
        }
    }

    /// Returns it as it is recorded. Can this fail? Yes, if a file name is not text: then there is no memory.
    fn kept(&self) -> Option<String> {
        serde_json::to_string(&StoredMemory { of: self.of.clone(), found: self.found.clone() }).ok()
    }
}

impl Memory {
    /// Whether the recorded memory must be recalled first.
    pub fn is_blank(&self) -> bool {
        self.recorded.is_none()
    }

    /// Takes over the recorded memory; what cannot be understood is no memory.
    pub fn recall(&mut self, recorded: Remembered) {
        if self.known.is_none() {
            let kept = recorded.entry.as_deref().and_then(|text| serde_json::from_str::<StoredMemory>(text).ok());
            let complaint = recorded.complaint.clone().map(|text| Complaint { text, seen: None });
            self.known = kept.map(|StoredMemory { of, found }| KnownEntry { of, found, primary: None, complaint });
        }
        self.recorded = Some(recorded);
    }

    /// Returns what must be recorded now; [`Memory::is_recorded`] confirms it.
    pub fn news(&self) -> Option<Observation> {
        let found = self.to_record();
        let news = self.recorded.as_ref().is_some_and(|recorded| *recorded != found) || self.remark.is_some();
        news.then(|| Observation::Consulted { found, remark: self.remark.clone() })
    }

    /// Notes that what [`Memory::news`] returned is recorded.
    pub fn is_recorded(&mut self) {
        self.recorded = Some(self.to_record());
        self.remark = None;
    }

    fn to_record(&self) -> Remembered {
        let complaint = self.known.as_ref().and_then(|known| known.complaint.as_ref());
        Remembered {
            entry: self.known.as_ref().and_then(KnownEntry::kept),
            complaint: complaint.map(|complaint| complaint.text.clone()),
        }
    }

    /// The device is opened without FASTCNFG; the spool forgets at that open too.
    pub(super) fn forget(&mut self) {
        (self.known, self.recorded, self.remark) = (None, None, None);
    }

    /// What is known of the device as it is now.
    pub(super) fn known(&mut self, request: &LookupRequest, settings: &DeviceSettings) -> Option<KnownEntry> {
        let now = MemoryOwner::new(request, settings);
        self.known.take_if(|known| known.of != now);
        // Another primary file is read, whenever it was changed.
        let same = self.primary.replace(request.primary.clone()).is_none_or(|before| before == request.primary);
        self.known.clone().filter(|_| same)
    }

    /// Takes in a lookup result and derives what to open the device with. `looked`: none when what is remembered still
    /// holds.
    pub(super) fn settle(
        &mut self,
        request: &LookupRequest,
        settings: &DeviceSettings,
        looked: Option<LookupResult>,
    ) -> Result<ConsultResult, Fault> {
        if let Some(look) = looked {
            self.take_in(request, settings, look)?;
        }
        let Some(known) = &self.known else {
            return Err(Fault::new(DeviceError::FastcnfgMistake, "FASTCNFG was not read"));
        };
        let own = settings.uri.as_ref();
        let (connection, entry) = match (&known.found, own) {
            (Some(found), own) => {
                let connection = found.entry.connection_settings(own, found.hosts.clone());
                (
                    connection
                        .map_err(|why| Fault::new(DeviceError::NoUri, format!("FASTCNFG {}: {why}", found.place)))?,
                    Some(&found.place),
                )
            }
            (None, Some(uri)) => (ConnectionSettings::of(uri.clone()), None),
            (None, None) => {
                return Err(Fault::new(DeviceError::NoUri, format!("device {} has no URI", request.device.guardian())));
            }
        };
        let complaint = known.complaint.as_ref().map(|complaint| complaint.text.clone());
        let in_use = ConnectionInUse { address: connection.uri.clone(), entry: entry.cloned(), complaint };
        Ok(ConsultResult { settings: connection, in_use })
    }

    fn take_in(&mut self, request: &LookupRequest, settings: &DeviceSettings, look: LookupResult) -> Result<(), Fault> {
        let before = self.known.as_ref().and_then(|known| known.complaint.as_ref()).map(|old| old.text.clone());
        let of = MemoryOwner::new(request, settings);
        match usable(request, settings, &look) {
            Ok(found) => {
                self.remark = before.map(|_| format!("{} is used again", look.last.display()));
                let primary = Some(look.seen.first().and_then(|seen| seen.stamp));
                self.known = Some(KnownEntry { of, found, primary, complaint: None });
            }
            Err(unusable) => {
                // Without a primary file nothing is said about the device. That is reported, because PARM asked for the
                // file.
                if unusable.kind == LookupErrorKind::NoFile && self.known.is_none() && settings.uri.is_some() {
                    self.known = Some(KnownEntry { of, found: None, primary: Some(None), complaint: None });
                }
                let Some(known) = self.known.as_mut().filter(|_| unusable.kind != LookupErrorKind::NoEntry) else {
                    self.known = None;
                    // Whatever it is, it is tried again: the file is mended elsewhere, and nobody starts the device for it.
                    let fault = Fault::new(unusable.error, format!("FASTCNFG {}", unusable.text));
                    return Err(Fault { retryable: true, ..fault });
                };
                if before.as_deref() != Some(unusable.text.as_str()) {
                    self.remark = Some(unusable.text.clone());
                }
                let seen = (unusable.kind != LookupErrorKind::Passing).then_some(look.seen);
                known.complaint = Some(Complaint { text: unusable.text, seen });
            }
        }
        Ok(())
    }
}

/// What was found, if the device can be opened with it.
fn usable(
    request: &LookupRequest,
    settings: &DeviceSettings,
    look: &LookupResult,
) -> Result<Option<FoundEntry>, LookupError> {
    let found = look.found.clone()?;
    let (text, kind) = match &found {
        Some(found) => match found.entry.connection_settings(settings.uri.as_ref(), None) {
            Ok(_) => return Ok(Some(found.clone())),
            Err(why) => (format!("{}: {why}", found.place), LookupErrorKind::Mistake),
        },
        None if settings.uri.is_some() => return Ok(None),
        None => {
            let device = request.device.guardian();
            (
                format!("{}: device {device} has no entry there, and no URI", look.last.display()),
                LookupErrorKind::NoEntry,
            )
        }
    };
    Err(LookupError { error: DeviceError::NoUri, text, kind })
}

#[cfg(test)]
#[path = "consult_tests.rs"]
mod tests;
