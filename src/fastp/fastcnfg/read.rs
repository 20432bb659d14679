//! Reads a whole FASTCNFG file, with the time of its last change. May take as long as its file system does, so a device
//! does it in a helper.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::sys::clock;
use crate::sys::files::{open_regular, read_full_at};

/// The largest file.
pub const LARGEST: u64 = 1 << 20;
/// A file that changed more recently than this may be half written: it is read again.
const SETTLED: Duration = Duration::from_millis(100);
/// How often.
const TRIES: u32 = 10;

/// When a file was last changed, in nanoseconds since 1970; none = there is no file.
pub type ChangeTime = Option<i128>;

/// Why a file cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// There is none.
    Missing,
    /// There is a link, and nothing where it leads.
    Dangling,
    /// The system refuses.
    Failed(io::Error),
    /// More than [`LARGEST`].
    TooLarge,
    /// It changed each time it was read.
    Changing,
}

/// Identifies a version of a file: another file, or the same one with other content, has another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Its file system.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// Octets.
    pub size: u64,
    /// When its octets were changed, as the file itself says, in nanoseconds since 1970.
    pub changed: i128,
    /// When anything of it was changed; nobody can set that.
    pub touched: i128,
}

impl FileState {
    fn of(meta: &std::fs::Metadata) -> Self {
        let touched = i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec());
        Self { dev: meta.dev(), ino: meta.ino(), size: meta.size(), changed: changed(meta), touched }
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct WholeFile {
    /// Its octets.
    pub octets: Vec<u8>,
    /// Its state before it was read.
    pub mark: FileState,
    /// Whether it had not been touched for a moment: with the same state it has these octets, now and later.
    pub settled: bool,
}

fn changed(meta: &std::fs::Metadata) -> i128 {
    i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec())
}

/// When the file was last changed.
pub fn stamp(path: &Path) -> io::Result<ChangeTime> {
    match std::fs::metadata(path) {
        Ok(meta) => Ok(Some(changed(&meta))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unread(path: &Path, error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound if std::fs::symlink_metadata(path).is_ok() => ReadError::Dangling,
        io::ErrorKind::NotFound => ReadError::Missing,
        _ => ReadError::Failed(error),
    }
}

/// What lies at `path` now.
pub fn mark(path: &Path) -> Result<FileState, ReadError> {
    std::fs::metadata(path).map(|meta| FileState::of(&meta)).map_err(|error| unread(path, error))
}

/// Reads a regular file.
pub fn read(path: &Path) -> Result<WholeFile, ReadError> {
    let mut last = Err(ReadError::Changing);
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(SETTLED);
        }
        let (mut read, whole) = read_once(path)?;
        let now = i128::from(clock::wall_ms()) * 1_000_000;
        let at_rest = |since: i128| (now - since).unsigned_abs() >= SETTLED.as_nanos();
        read.settled = at_rest(read.mark.changed) && at_rest(read.mark.touched);
        // A writer empties the file first, and two changes within a tick of the clock have the same time: a recent
        // change counts only after the file has been left alone for a moment.
        if whole && at_rest(read.mark.changed) {
            return Ok(read);
        }
        if whole {
            last = Ok(read);
        }
    }
    last
}

fn read_once(path: &Path) -> Result<(WholeFile, bool), ReadError> {
    let file = open_regular(path).map_err(|error| unread(path, error))?;
    let before = file.metadata().map_err(ReadError::Failed)?;
    if before.size() > LARGEST {
        return Err(ReadError::TooLarge);
    }
    let mut octets = vec![0; usize::try_from(before.size()).unwrap_or(0) + 1];
    let length = read_full_at(&file, &mut octets, 0).map_err(ReadError::Failed)?;
    octets.truncate(length);
    let (mark, after) = (FileState::of(&before), FileState::of(&file.metadata().map_err(ReadError::Failed)?));
    let whole = mark == after && length as u64 == after.size;
    Ok((WholeFile { octets, mark, settled: false }, whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::SystemTime;

    fn file(text: &[u8], age: Duration) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("FASTCNFG");
        std::fs::write(&path, text).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_is_read_with_the_time_of_its_last_change() {
        let (_dir, path) = file(b"DEVICE", Duration::from_secs(60));
        let read_now = read(&path).unwrap();
        let found = (read_now.octets.as_slice(), Some(read_now.mark.changed));
        assert_eq!(found, (b"DEVICE".as_slice(), stamp(&path).unwrap()));
        assert_eq!(read_now.mark, mark(&path).unwrap());
        assert_eq!(stamp(&path.with_extension("no")).unwrap(), None);
        assert!(matches!(read(&path.with_extension("no")), Err(ReadError::Missing)));
        let link = path.with_extension("link");
        std::os::unix::fs::symlink(path.with_extension("no"), &link).unwrap();
        assert!(matches!(read(&link), Err(ReadError::Dangling)));
        assert!(matches!(mark(&link), Err(ReadError::Dangling)));
    }

    #[test]
    fn a_file_that_was_changed_just_now_is_read_once_it_has_settled() {
        let (_dir, path) = file(b"DEVICE", Duration::ZERO);
        let changed = read(&path).unwrap().mark.changed;
        assert!(i128::from(clock::wall_ms() + 1) * 1_000_000 - changed >= 100_000_000);
    }

    #[test]
    fn what_is_no_small_regular_file_is_not_waited_for() {
        let (dir, path) = file(&vec![b'!'; 1 << 20], Duration::from_secs(60));
        assert_eq!(read(&path).unwrap().octets.len(), 1 << 20);
        std::fs::write(&path, vec![b'!'; (1 << 20) + 1]).unwrap();
        assert!(matches!(read(&path), Err(ReadError::TooLarge)));
        assert!(matches!(read(dir.path()), Err(ReadError::Failed(_))));
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(read(&fifo), Err(ReadError::Failed(_))));
        assert!(matches!(read(Path::new("/dev/zero")), Err(ReadError::Failed(_))));
    }
}
