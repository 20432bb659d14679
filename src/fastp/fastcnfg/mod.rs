//! What a device is opened with: its URI, or its FASTCNFG entry (fastp.md 13 to 15; docs/fastcnfg.md).
//!
//! A device consults FASTCNFG when PARM bit 5 is set and when it has no URI; its entry wins over a URI. It does so on
//! its opens and at no other time, each device for itself: the first time it reads the primary file and whatever that
//! leads to; later it reads again only if the primary's time of change is another one than it remembers.
//!
//! A file that cannot be used after a change stops no printer: the device keeps what it had, and says why, whichever
//! print process gave it that. A device that has nothing to keep is in error until the file is mended, and is not sent to
//! its URI against the file. What was complained of is looked at again when one of the files that were read has changed,
//! or at each open where no change of a file would show the mending.

pub mod attributes;
pub mod check;
pub mod entry;
pub mod lexer;
pub mod library;
pub mod look;
pub mod making;
mod memory;
pub mod names;
pub mod parsed;
pub mod parser;
pub mod read;
mod underway;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::library::Library;
use self::look::{Kind, Look, Unusable, Who};
pub use self::memory::Memory;
use self::names::Named;
use self::underway::Underway;
use super::device::connection_settings::Means;
use super::device::control::Pace;
use super::device::errors::Trouble;
use crate::model::DeviceName;
use crate::model::device::{ConnectionInUse, DeviceSettings};
use crate::model::guardian::DeviceError;
use crate::spool::disk::paths::Base;

/// How long the files may take; then the device goes on without them, or is in error.
const READING: Duration = Duration::from_secs(10);

/// What to open a device with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consulted {
    /// Its means.
    pub means: Means,
    /// What to show of them.
    pub used: ConnectionInUse,
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
    /// The files of the print process.
    pub library: Arc<Library>,
}

impl Place {
    /// The place of `device` of the print process `process` of `server`.
    pub fn new(root: PathBuf, server: &str, process: &str, device: &DeviceName, library: &Arc<Library>) -> Self {
        let primary = Base::new(root.clone()).fastcnfg();
        let (device, library) = (device.clone(), Arc::clone(library));
        Self { primary, root, who: Who::new(server, process), device, library }
    }

    fn look(&self) -> Look {
        let read = |path: &std::path::Path| self.library.read(path);
        look::look(&self.primary, &self.root, &self.who, &Named::of(&self.device), &read)
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
        memory.forget();
        let used = ConnectionInUse { address: uri.clone(), entry: None, complaint: None };
        return Ok(Consulted { means: Means::of(uri), used });
    }
    let looked = apart(place, settings, memory, pace)?;
    Ok(memory.settle(place, settings, looked)?)
}

/// Looks at the files by a helper: none when what is remembered still holds.
fn apart(
    place: &Place,
    settings: &DeviceSettings,
    memory: &mut Memory,
    pace: &mut Pace<'_>,
) -> Result<Option<Look>, Trouble> {
    let late = |place: &Place| {
        let seconds = READING.as_secs();
        let text = format!("{}: it could not be read within {seconds} seconds", place.primary.display());
        let found = Err(Unusable { error: DeviceError::TookTooLong, text, kind: Kind::Passing });
        Some(Look { seen: Vec::new(), found, last: place.primary.clone() })
    };
    let known = memory.known(place, settings);
    // A file system that hangs holds one helper, and not one more at each open.
    if memory.late.as_ref().is_some_and(|helper| !helper.is_over()) {
        return Ok(late(place));
    }
    let (helper, ends) = Underway::new();
    let asked = place.clone();
    let answer = pace.apart(READING, move || {
        let _ends = ends;
        if known.is_some_and(|known| known.holds(&asked)) { None } else { Some(asked.look()) }
    });
    memory.late = Some(helper);
    Ok(match answer? {
        Some(looked) => looked,
        None => late(place),
    })
}
