//! What a device remembers of FASTCNFG: the last entry that could be used, and why what was found since is not.
//!
//! It outlives the print process. What a look leads to is put on record before the device is opened with it, and whoever
//! has the device next begins with that: he reads the files all the same, but a mistake in them finds him with an entry
//! to keep. A memory belongs to a device as it was: with another URI, or in the hands of another print process, it has
//! none.

use serde::{Deserialize, Serialize};

use super::look::{Found, Kind, Look, Seen, Unusable};
use super::read::{self, Stamp};
use super::underway::Underway;
use super::{Consulted, Place};
use crate::fastp::device::connection_settings::Means;
use crate::fastp::device::errors::Fault;
use crate::model::device::{ConnectionInUse, DeviceSettings, DeviceUri};
use crate::model::guardian::DeviceError;
use crate::spool::interface::engine::{Observation, Remembered};

/// What one device remembers of FASTCNFG between its opens.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    known: Option<Known>,
    /// What the spool has on record; none = it was not asked yet.
    recorded: Option<Remembered>,
    /// What to put on record, once.
    remark: Option<String>,
    /// A helper that was not waited for any longer.
    pub(super) late: Option<Underway>,
}

/// Whose memory it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Of {
    process: Option<String>,
    uri: Option<DeviceUri>,
}

impl Of {
    fn new(place: &Place, settings: &DeviceSettings) -> Self {
        Self { process: place.who.process.clone(), uri: settings.uri.clone() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    of: Of,
    /// The last entry that could be used; none = there was none.
    found: Option<Found>,
    /// The primary's time of change when it was last read; none = not by this process.
    primary: Option<Stamp>,
    complaint: Option<Complaint>,
}

/// Why what was found last is not used.
#[derive(Clone, Debug)]
struct Complaint {
    text: String,
    /// The files that were read then; none = whether it is over can be told by trying only.
    seen: Option<Vec<Seen>>,
}

/// A memory as the spool keeps it, in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    of: Of,
    found: Option<Found>,
}

impl Known {
    /// Whether nothing has changed that would lead to another look.
    pub(super) fn holds(&self, place: &Place) -> bool {
        let same = |path: &std::path::Path, stamp: Stamp| read::stamp(path).is_ok_and(|now| now == stamp);
        match (&self.complaint, self.primary) {
            (None, None) => false,
            (None, Some(primary)) => same(&place.primary, primary),
            (Some(Complaint { seen: None, .. }), _) => false,
            (Some(Complaint { seen: Some(seen), .. }), _) => seen.iter().all(|seen| same(&seen.path, seen.stamp)),
        }
    }

    /// As it is put on record. Can it be that it cannot be written? A file whose name is no text: then there is none.
    fn kept(&self) -> Option<String> {
        serde_json::to_string(&Kept { of: self.of.clone(), found: self.found.clone() }).ok()
    }
}

impl Memory {
    /// Whether it is to be told first what is on record.
    pub fn is_blank(&self) -> bool {
        self.recorded.is_none()
    }

    /// Takes over what is on record; what cannot be understood is no memory.
    pub fn recall(&mut self, recorded: Remembered) {
        if self.known.is_none() {
            let kept = recorded.entry.as_deref().and_then(|text| serde_json::from_str::<Kept>(text).ok());
            let complaint = recorded.complaint.clone().map(|text| Complaint { text, seen: None });
            self.known = kept.map(|Kept { of, found }| Known { of, found, primary: None, complaint });
        }
        self.recorded = Some(recorded);
    }

    /// What is to be put on record now; [`Memory::is_recorded`] says that it was.
    pub fn news(&self) -> Option<Observation> {
        let found = self.to_record();
        let news = self.recorded.as_ref().is_some_and(|recorded| *recorded != found) || self.remark.is_some();
        news.then(|| Observation::Consulted { found, remark: self.remark.clone() })
    }

    /// What [`Memory::news`] told is on record.
    pub fn is_recorded(&mut self) {
        self.recorded = Some(self.to_record());
        self.remark = None;
    }

    fn to_record(&self) -> Remembered {
        let complaint = self.known.as_ref().and_then(|known| known.complaint.as_ref());
        Remembered {
            entry: self.known.as_ref().and_then(Known::kept),
            complaint: complaint.map(|complaint| complaint.text.clone()),
        }
    }

    /// The device is opened without FASTCNFG; the spool forgets at that open too.
    pub(super) fn forget(&mut self) {
        (self.known, self.recorded, self.remark) = (None, None, None);
    }

    /// What is known of the device as it is now.
    pub(super) fn known(&mut self, place: &Place, settings: &DeviceSettings) -> Option<Known> {
        let now = Of::new(place, settings);
        self.known.take_if(|known| known.of != now);
        self.known.clone()
    }

    /// Takes in what was found, and says what follows from it. `looked`: none when what is remembered holds.
    pub(super) fn settle(
        &mut self,
        place: &Place,
        settings: &DeviceSettings,
        looked: Option<Look>,
    ) -> Result<Consulted, Fault> {
        if let Some(look) = looked {
            self.take_in(place, settings, look)?;
        }
        let Some(known) = &self.known else {
            return Err(Fault::new(DeviceError::FastcnfgMistake, "FASTCNFG was not read"));
        };
        let own = settings.uri.as_ref();
        let (means, entry) = match (&known.found, own) {
            (Some(found), own) => {
                let means = found.entry.means(own, found.hosts.clone());
                (
                    means.map_err(|why| Fault::new(DeviceError::NoUri, format!("FASTCNFG {}: {why}", found.place)))?,
                    Some(&found.place),
                )
            }
            (None, Some(uri)) => (Means::of(uri.clone()), None),
            (None, None) => {
                return Err(Fault::new(DeviceError::NoUri, format!("device {} has no URI", place.device.guardian())));
            }
        };
        let complaint = known.complaint.as_ref().map(|complaint| complaint.text.clone());
        let used = ConnectionInUse { address: means.uri.clone(), entry: entry.cloned(), complaint };
        Ok(Consulted { means, used })
    }

    fn take_in(&mut self, place: &Place, settings: &DeviceSettings, look: Look) -> Result<(), Fault> {
        let before = self.known.as_ref().and_then(|known| known.complaint.as_ref()).map(|old| old.text.clone());
        let of = Of::new(place, settings);
        match usable(place, settings, &look) {
            Ok(found) => {
                self.remark = before.map(|_| format!("{} is used again", look.last.display()));
                let primary = Some(look.seen.first().and_then(|seen| seen.stamp));
                self.known = Some(Known { of, found, primary, complaint: None });
            }
            Err(unusable) => {
                // Without a primary file nothing is said about the device. Not silently: PARM asked for the file.
                if unusable.kind == Kind::NoFile && self.known.is_none() && settings.uri.is_some() {
                    self.known = Some(Known { of, found: None, primary: Some(None), complaint: None });
                }
                let Some(known) = self.known.as_mut().filter(|_| unusable.kind != Kind::NoEntry) else {
                    self.known = None;
                    // Whatever it is, it is tried again: the file is mended elsewhere, and nobody starts the device for it.
                    let fault = Fault::new(unusable.error, format!("FASTCNFG {}", unusable.text));
                    return Err(Fault { retryable: true, ..fault });
                };
                if before.as_deref() != Some(unusable.text.as_str()) {
                    self.remark = Some(unusable.text.clone());
                }
                let seen = (unusable.kind != Kind::Passing).then_some(look.seen);
                known.complaint = Some(Complaint { text: unusable.text, seen });
            }
        }
        Ok(())
    }
}

/// What was found, if the device can be opened with it.
fn usable(place: &Place, settings: &DeviceSettings, look: &Look) -> Result<Option<Found>, Unusable> {
    let found = look.found.clone()?;
    let (text, kind) = match &found {
        Some(found) => match found.entry.means(settings.uri.as_ref(), None) {
            Ok(_) => return Ok(Some(found.clone())),
            Err(why) => (format!("{}: {why}", found.place), Kind::Mistake),
        },
        None if settings.uri.is_some() => return Ok(None),
        None => {
            let device = place.device.guardian();
            (format!("{}: device {device} has no entry there, and no URI", look.last.display()), Kind::NoEntry)
        }
    };
    Err(Unusable { error: DeviceError::NoUri, text, kind })
}

#[cfg(test)]
#[path = "consult_tests.rs"]
mod tests;
