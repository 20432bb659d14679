//! What keeps a living print process from going on, in `run/trouble.<process>`: beside the database, because the database
//! may be what fails.
//!
//! States of the file: empty (nothing is wrong) → the troubles of the process, written anew whenever one begins or ends.
//! The process opens it when it begins and keeps it open, locked: when no descriptor is left it can still say so. One that
//! could not begin leaves its reason there, unless somebody has it.
//!
//! A reader believes a note whose checksum is right and whose process lives; one of a process that did not begin until
//! another one of that name lives or the machine was restarted. A crash leaves a note that nobody believes.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::process::ProcessTrouble;
use crate::model::{DeviceId, Failure, FailureKind, ProcessName};
use crate::spool::disk::paths::TROUBLE;
use crate::sys::lock::lock_open;
use crate::sys::own_file;

/// More troubles than this are not written down: the first ones tell enough.
const MOST: usize = 32;
/// The longest text, in characters.
const LONGEST: usize = 600;
/// Who writes down why he did not begin has done so after this; a child of one that has died is another program by then.
const WRITTEN_WITHIN: Duration = Duration::from_millis(100);
/// A reader reads no more octets than this.
const LARGEST: usize = 128 << 10;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The device that cannot go on; none = the whole process.
    pub device: Option<DeviceId>,
    /// Since when, boot clock.
    pub since_boot_ms: i64,
    /// How often it was tried.
    pub tries: u32,
    /// What, and the cure.
    pub what: ProcessTrouble,
    /// Whether the process did not even begin.
    #[serde(skip)]
    pub over: bool,
}

/// What a process has written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its name.
    pub process: ProcessName,
    /// Its id.
    pub pid: u32,
    /// The boot in which it runs.
    pub boot_id: String,
    /// Whether it did not even begin.
    pub over: bool,
    /// What is wrong, at least one.
    pub troubles: Vec<Trouble>,
}

impl Note {
    fn empty(process: &ProcessName, boot_id: &str) -> Self {
        let (process, boot_id) = (process.clone(), boot_id.to_owned());
        Self { process, pid: std::process::id(), boot_id, over: false, troubles: Vec::new() }
    }
}

fn open(path: &Path) -> io::Result<File> {
    own_file::open(path, File::options().write(true).create(true).truncate(false).mode(0o600))
}

/// The writing end. A process whose file cannot be made goes on without it.
#[derive(Debug)]
pub struct Troubles {
    file: Option<File>,
    note: Mutex<Note>,
}

impl Troubles {
    /// Begins an empty file at `path`, when whoever writes there has finished.
    pub fn create(path: &Path, process: &ProcessName, boot_id: &str) -> Self {
        let file = open(path).ok();
        if let Some(file) = &file {
            let _ = lock_open(file, WRITTEN_WITHIN);
            let _ = file.set_len(0);
        }
        Self { file, note: Mutex::new(Note::empty(process, boot_id)) }
    }

    /// Leaves at `path` for what reason the process ends before it has begun. If another one of its name has begun
    /// meanwhile, that reason is nobody's any more.
    pub fn did_not_begin(path: &Path, process: &ProcessName, boot_id: &str, what: &ProcessTrouble, boot_ms: i64) {
        let Ok(file) = open(path) else { return };
        if !lock_open(&file, WRITTEN_WITHIN).unwrap_or(true) {
            return;
        }
        let _ = file.set_len(0);
        let note = Note { over: true, ..Note::empty(process, boot_id) };
        Self { file: Some(file), note: Mutex::new(note) }.begin(None, what, 1, boot_ms);
    }

    /// Something keeps a device, or the process itself, from going on. What is known of it already keeps the time at which
    /// it began.
    pub fn begin(&self, device: Option<DeviceId>, what: &ProcessTrouble, tries: u32, boot_ms: i64) {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        let what = ProcessTrouble { text: what.text.chars().take(LONGEST).collect(), ..what.clone() };
        let count = note.troubles.len();
        match note.troubles.iter_mut().find(|trouble| trouble.device == device) {
            Some(known) => (known.what, known.tries) = (what, tries),
            None if count >= MOST => return,
            None => note.troubles.push(Trouble { device, since_boot_ms: boot_ms, tries, what, over: false }),
        }
        self.write(&note);
    }

    /// It goes on.
    pub fn end(&self, device: Option<DeviceId>) {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        let before = note.troubles.len();
        note.troubles.retain(|trouble| trouble.device != device);
        if note.troubles.len() < before {
            self.write(&note);
        }
    }

    /// Writes it in one step over what is there. Octets of a longer note before it may stay behind: its length says where
    /// it ends.
    fn write(&self, note: &Note) {
        let Some(file) = &self.file else { return };
        if note.troubles.is_empty() {
            let _ = file.set_len(0);
            return;
        }
        if let Ok(body) = serde_json::to_vec(note) {
            let mut octets = format!("{:016x} {:08x}\n", checksum(&body), body.len()).into_bytes();
            octets.extend(body);
            let _ = file.write_all_at(&octets, 0);
        }
    }
}

impl Drop for Troubles {
    /// A process that ends takes back what it said: whoever comes next under its name is not believed to say so. What kept
    /// it from beginning stays.
    fn drop(&mut self) {
        let note = self.note.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = self.file.as_ref().filter(|_| !note.over) {
            let _ = file.set_len(0);
        }
    }
}

/// Octets of the first line.
const HEAD: usize = 16 + 1 + 8 + 1;

/// Computes FNV-1a, which is enough to tell a whole note from a torn one.
fn checksum(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |sum, octet| (sum ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}

/// Reads what a process has written down; none when nothing is wrong, or what lies there is no note.
pub fn read(path: &Path) -> Option<Note> {
    let file = own_file::open_to_read(path).ok()?;
    let size = usize::try_from(file.metadata().ok()?.len()).ok()?;
    if !(HEAD..=LARGEST).contains(&size) {
        return None;
    }
    let mut octets = vec![0; size];
    let n = crate::sys::files::read_full_at(&file, &mut octets, 0).ok()?;
    let head = std::str::from_utf8(octets.get(..HEAD)?).ok()?;
    let (sum, length) = head.trim_end().split_once(' ')?;
    let length = usize::from_str_radix(length, 16).ok()?;
    let body = octets.get(HEAD..n)?.get(..length)?;
    if u64::from_str_radix(sum, 16).ok()? != checksum(body) {
        return None;
    }
    let mut note: Note = serde_json::from_slice(body).ok()?;
    note.troubles.iter_mut().for_each(|trouble| trouble.over = note.over);
    Some(note)
}

/// The notes of all print processes of a base, those that are out of date among them.
pub fn all(run: &Path) -> io::Result<Vec<Note>> {
    let mut notes = Vec::new();
    for entry in std::fs::read_dir(run)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(TROUBLE.as_bytes()) {
            notes.extend(read(&entry.path()));
        }
    }
    Ok(notes)
}

impl ProcessTrouble {
    /// What a failure of the spool means for a process that asks again and again. `doing` says at what.
    pub fn of_spool(doing: &str, failure: &Failure) -> Self {
        let mut text = format!("{doing}: {failure}");
        for hint in &failure.hints {
            text.push_str("; ");
            text.push_str(hint);
        }
        let lasting = matches!(failure.kind, FailureKind::Damaged | FailureKind::Internal | FailureKind::State);
        Self { lasting, starved: false, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str, lasting: bool) -> ProcessTrouble {
        ProcessTrouble { lasting, starved: false, text: text.into() }
    }

    #[test]
    fn what_is_wrong_is_read_and_what_is_over_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trouble.spla");
        assert_eq!(read(&path), None);
        let troubles = Troubles::create(&path, &"SPLA".parse().unwrap(), "boot");
        assert_eq!(read(&path), None);
        troubles.begin(Some(DeviceId(7)), &what(&"x".repeat(2000), true), 1, 100);
        troubles.begin(None, &what("y", false), 1, 150);
        troubles.begin(Some(DeviceId(7)), &what("z", true), 2, 200);
        let note = read(&path).unwrap();
        assert_eq!((note.pid, note.boot_id.as_str(), note.over), (std::process::id(), "boot", false));
        let seen: Vec<_> = note.troubles.iter().map(|t| (t.device, t.since_boot_ms, t.what.text.as_str())).collect();
        assert_eq!(seen, [(Some(DeviceId(7)), 100, "z"), (None, 150, "y")]);
        assert_eq!(all(dir.path()).unwrap(), [note]);
        troubles.end(Some(DeviceId(7)));
        assert_eq!(read(&path).unwrap().troubles.len(), 1);
        troubles.end(None);
        assert_eq!(read(&path), None);
    }

    #[test]
    fn a_process_that_ends_takes_its_troubles_along_unless_it_never_began() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trouble.spla");
        let create = || Troubles::create(&path, &"SPLA".parse().unwrap(), "boot");
        let troubles = create();
        troubles.begin(None, &what("no descriptor", false), 1, 5);
        assert!(read(&path).is_some());
        drop(troubles);
        assert_eq!(read(&path), None);
        let not_begun = || Troubles::did_not_begin(&path, &"SPLA".parse().unwrap(), "boot", &what("no", true), 5);
        not_begun();
        assert!(read(&path).is_some_and(|note| note.over));
        // One that has begun is not spoken for by one that has not, however late that one is.
        let living = create();
        not_begun();
        assert_eq!(read(&path), None);
        living.begin(None, &what("no descriptor", false), 1, 5);
        not_begun();
        assert!(read(&path).is_some_and(|note| !note.over));
    }

    #[test]
    fn a_torn_or_foreign_note_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trouble.spla");
        Troubles::did_not_begin(&path, &"SPLA".parse().unwrap(), "boot", &what("no", true), 5);
        assert!(read(&path).unwrap().over);
        let whole = std::fs::read(&path).unwrap();
        for torn in [&whole[..whole.len() - 1], &whole[1..], b"", b"hello, this is no note at all, whatever it says"] {
            std::fs::write(&path, torn).unwrap();
            assert_eq!(read(&path), None);
        }
    }
}
