//! What a device is opened with: its URI, or its FASTCNFG entry (docs/reference/fastp.md 4; docs/fastcnfg.md).
//!
//! A device consults FASTCNFG when PARM bit 5 is set and when it has no URI; its entry wins over a URI. It does so only
//! when it is opened, each device for itself: the first time it reads the primary file and whatever that leads to;
//! later it reads again only if the primary file's change time differs from the remembered one.
//!
//! A file that cannot be used after a change stops no printer: the device keeps what it had, and says why, whichever
//! print process gave it that. A device that has nothing to keep is in error until the file is mended; it is not sent
//! to its URI against the file. A complaint is checked again when one of the files that were read has changed, or at
//! each open where no change of a file would show the mending.

pub mod attributes;
pub mod check;
pub mod entry;
pub mod entry_builder;
pub mod file_cache;
mod helper_status;
pub mod lexer;
pub mod lookup;
mod memory;
pub mod names;
pub mod parsed;
pub mod parser;
pub mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::file_cache::FileCache;
use self::helper_status::HelperStatus;
use self::lookup::{LookupError, LookupErrorKind, LookupResult, Requester};
pub use self::memory::Memory;
use self::names::QualifiedName;
use super::device::connection_settings::ConnectionSettings;
use super::device::control::AttemptControl;
use super::device::errors::PrintError;
use crate::model::DeviceName;
use crate::model::device::{ConnectionInUse, DeviceSettings};
use crate::model::guardian::DeviceError;

/// How long reading the files may take; then the device goes on without them, or is in error.
const READING: Duration = Duration::from_secs(10);

/// What to open a device with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsultResult {
    /// Its connection settings.
    pub settings: ConnectionSettings,
    /// What to show of them.
    pub in_use: ConnectionInUse,
}

/// A request to look up one device.
#[derive(Clone, Debug)]
pub struct LookupRequest {
    /// The primary file.
    pub primary: PathBuf,
    /// The base directory.
    pub root: PathBuf,
    /// The print process.
    pub requester: Requester,
    /// The device.
    pub device: DeviceName,
    /// The parsed files of the print process.
    pub file_cache: Arc<FileCache>,
}

impl LookupRequest {
    /// The place of `device` of the print process `process` of `server` in the file `primary`.
    pub fn new(
        (primary, root): (PathBuf, PathBuf),
        server: &str,
        process: &str,
        device: &DeviceName,
        file_cache: &Arc<FileCache>,
    ) -> Self {
        let (device, file_cache) = (device.clone(), Arc::clone(file_cache));
        Self { primary, root, requester: Requester::new(server, process), device, file_cache }
    }

    fn look_up(&self) -> LookupResult {
        let read = |path: &std::path::Path| self.file_cache.read(path);
        lookup::look_up(&self.primary, &self.root, &self.requester, &QualifiedName::of(&self.device), &read)
    }
}

/// Returns the connection settings of a device that is about to be opened, and what to show of them.
///
/// # Errors
/// Returns a fault when the device has neither a URI nor a usable entry, or the error met while waiting.
pub fn consult(
    request: &LookupRequest,
    settings: &DeviceSettings,
    memory: &mut Memory,
    control: &mut AttemptControl<'_>,
) -> Result<ConsultResult, PrintError> {
    if let (false, Some(uri)) = (settings.consults_fastcnfg(), settings.uri.clone()) {
        memory.forget();
        let in_use = ConnectionInUse { address: uri.clone(), entry: None, complaint: None };
        return Ok(ConsultResult { settings: ConnectionSettings::of(uri), in_use });
    }
    let looked = look_in_helper(request, settings, memory, control)?;
    Ok(memory.settle(request, settings, looked)?)
}

/// Looks the device up in a helper; none when what is remembered still holds.
fn look_in_helper(
    request: &LookupRequest,
    settings: &DeviceSettings,
    memory: &mut Memory,
    control: &mut AttemptControl<'_>,
) -> Result<Option<LookupResult>, PrintError> {
    let late = |request: &LookupRequest| {
        let seconds = READING.as_secs();
        let text = format!("{}: it could not be read within {seconds} seconds", request.primary.display());
        let found = Err(LookupError { error: DeviceError::TookTooLong, text, kind: LookupErrorKind::Passing });
        Some(LookupResult { seen: Vec::new(), found, last: request.primary.clone() })
    };
    let known = memory.known(request, settings);
    // A file system that hangs holds one helper, and not one more at each open.
    if memory.late.as_ref().is_some_and(|helper| !helper.is_over()) {
        return Ok(late(request));
    }
    let (helper, ends) = HelperStatus::new();
    let asked = request.clone();
    let answer = control.in_device_helper(READING, move || {
        let _ends = ends;
        if known.is_some_and(|known| known.holds(&asked)) { None } else { Some(asked.look_up()) }
    });
    memory.late = Some(helper);
    Ok(match answer? {
        Some(looked) => looked,
        None => late(request),
    })
}
