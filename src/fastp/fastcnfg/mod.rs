//! What a device is opened with: its URI, or its FASTCNFG entry (fastp.md 13 to 15; docs/fastcnfg.md).
//!
//! A device consults FASTCNFG when PARM bit 5 is set and when it has no URI; its entry wins over a URI. It does so on
//! its opens and at no other time, each device for itself: the first time it reads the primary file and whatever that
//! leads to; later it reads again only if the primary's time of change is another one than it remembers.
//!
//! A file that cannot be used after a change stops no printer: the device keeps what it had, and says why. A device that
//! has nothing to keep is in error until the file is mended, and is not sent to its URI against the file. What was
//! complained of is looked at again when one of the files that were read has changed, or at each open where no change of
//! a file would show the mending.

pub mod attributes;
pub mod check;
pub mod entry;
pub mod lexer;
pub mod look;
pub mod making;
pub mod names;
pub mod parsed;
pub mod parser;
pub mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::look::{Found, Kind, Look, Seen, Unusable, Who};
use self::names::Named;
use self::read::Stamp;
use super::errors::{Fault, Trouble};
use super::means::Means;
use super::pace::Pace;
use crate::model::DeviceName;
use crate::model::device::{ConnectionInUse, DeviceSettings};
use crate::spool::paths::Base;

/// How long the files may take; then the device goes on without them, or is in error.
const READING: Duration = Duration::from_secs(10);

/// What one device remembers of FASTCNFG between its opens, for as long as its print process lives.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    known: Option<Known>,
    /// Set when the helper that was not waited for any longer is done.
    late: Option<Arc<AtomicBool>>,
}

#[derive(Clone, Debug)]
struct Known {
    /// The last entry that could be used; none = there was none.
    found: Option<Found>,
    /// The primary's time of change when it was last read.
    primary: Stamp,
    complaint: Option<Complaint>,
}

/// Why what was found last is not used.
#[derive(Clone, Debug)]
struct Complaint {
    text: String,
    /// The files that were read then; none = whether it is over can be told by trying only.
    seen: Option<Vec<Seen>>,
}

/// What to open a device with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consulted {
    /// Its means.
    pub means: Means,
    /// What to show of them.
    pub used: ConnectionInUse,
    /// What to put on record, once.
    pub remark: Option<String>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Place {
    /// The primary file.
    pub primary: PathBuf,
    /// The base directory.
    pub root: PathBuf,
    /// The print process.
    pub who: Who,
    /// The device.
    pub device: DeviceName,
}

impl Place {
    /// The place of `device` of the print process `process` of `server`.
    pub fn new(root: PathBuf, server: &str, process: &str, device: &DeviceName) -> Self {
        let primary = Base::new(root.clone()).fastcnfg();
        Self { primary, root, who: Who::new(server, process), device: device.clone() }
    }

    fn look(&self) -> Look {
        look::look(&self.primary, &self.root, &self.who, &Named::of(&self.device), &read::read)
    }
}

/// The means of a device that is about to be opened, and what to show of them.
///
/// # Errors
/// A fault when the device has neither a URI nor an entry that can be used, or the trouble met while waiting.
pub fn consult(
    place: &Place,
    settings: &DeviceSettings,
    memory: &mut Memory,
    pace: &mut Pace<'_>,
) -> Result<Consulted, Trouble> {
    if let (false, Some(uri)) = (settings.consults_fastcnfg(), settings.uri.clone()) {
        memory.known = None;
        let used = ConnectionInUse { address: uri.clone(), entry: None, complaint: None };
        return Ok(Consulted { means: Means::of(uri), used, remark: None });
    }
    let looked = apart(place, memory, pace)?;
    Ok(memory.settle(place, settings, looked)?)
}

/// Looks at the files by a helper: none when what is remembered still holds.
fn apart(place: &Place, memory: &mut Memory, pace: &mut Pace<'_>) -> Result<Option<Look>, Trouble> {
    let late = |place: &Place| {
        let seconds = READING.as_secs();
        let text = format!("{}: it could not be read within {seconds} seconds", place.primary.display());
        let found = Err(Unusable { number: 40, text, kind: Kind::Passing });
        Some(Look { seen: Vec::new(), found, last: place.primary.clone() })
    };
    // A file system that hangs holds one helper, and not one more at each open.
    if memory.late.as_ref().is_some_and(|done| !done.load(Ordering::SeqCst)) {
        return Ok(late(place));
    }
    let done = Arc::new(AtomicBool::new(false));
    memory.late = Some(Arc::clone(&done));
    let (asked, known) = (place.clone(), memory.known.clone());
    let answer = pace.apart(READING, move || {
        let looked = if known.is_some_and(|known| known.holds(&asked)) { None } else { Some(asked.look()) };
        done.store(true, Ordering::SeqCst);
        looked
    })?;
    Ok(match answer {
        Some(looked) => looked,
        None => late(place),
    })
}

impl Known {
    /// Whether nothing has changed that would lead to another look.
    fn holds(&self, place: &Place) -> bool {
        let same = |path: &std::path::Path, stamp: Stamp| read::stamp(path).is_ok_and(|now| now == stamp);
        match &self.complaint {
            None => same(&place.primary, self.primary),
            Some(Complaint { seen: None, .. }) => false,
            Some(Complaint { seen: Some(seen), .. }) => seen.iter().all(|seen| same(&seen.path, seen.stamp)),
        }
    }
}

impl Memory {
    /// Takes in what was found, and says what follows from it. `looked`: none when what is remembered holds.
    fn settle(&mut self, place: &Place, settings: &DeviceSettings, looked: Option<Look>) -> Result<Consulted, Fault> {
        let mut remark = None;
        if let Some(look) = looked {
            let before = self.known.as_ref().and_then(|known| known.complaint.as_ref()).map(|old| old.text.clone());
            match usable(place, settings, &look) {
                Ok(found) => {
                    remark = before.map(|_| format!("{} is used again", look.last.display()));
                    let primary = look.seen.first().and_then(|seen| seen.stamp);
                    self.known = Some(Known { found, primary, complaint: None });
                }
                Err(unusable) => {
                    // Without a primary file nothing is said about the device. Not silently: PARM asked for the file.
                    if unusable.kind == Kind::NoFile && self.known.is_none() && settings.uri.is_some() {
                        self.known = Some(Known { found: None, primary: None, complaint: None });
                    }
                    let Some(known) = self.known.as_mut().filter(|_| unusable.kind != Kind::NoEntry) else {
                        self.known = None;
                        return Err(Fault::new(unusable.number, true, format!("FASTCNFG {}", unusable.text)));
                    };
                    if before.as_deref() != Some(unusable.text.as_str()) {
                        remark = Some(unusable.text.clone());
                    }
                    let seen = (unusable.kind != Kind::Passing).then_some(look.seen);
                    known.complaint = Some(Complaint { text: unusable.text, seen });
                }
            }
        }
        let Some(known) = &self.known else { return Err(Fault::new(66, true, "FASTCNFG was not read")) };
        let own = settings.uri.as_ref();
        let (means, entry) = match (&known.found, own) {
            (Some(found), own) => {
                let means = found.entry.means(own, found.hosts.clone());
                (
                    means.map_err(|why| Fault::new(14, true, format!("FASTCNFG {}: {why}", found.place)))?,
                    Some(&found.place),
                )
            }
            (None, Some(uri)) => (Means::of(uri.clone()), None),
            (None, None) => return Err(Fault::new(14, true, format!("device {} has no URI", place.device.guardian()))),
        };
        let complaint = known.complaint.as_ref().map(|complaint| complaint.text.clone());
        let used = ConnectionInUse { address: means.uri.clone(), entry: entry.cloned(), complaint };
        Ok(Consulted { means, used, remark })
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
    Err(Unusable { number: 14, text, kind })
}

#[cfg(test)]
#[path = "consult_tests.rs"]
mod tests;
