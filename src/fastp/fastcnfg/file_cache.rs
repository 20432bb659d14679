//! The FASTCNFG files of a print process, each read and parsed once for all its devices.
//!
//! A reader first asks the system what lies there now; a cached parse is shared only if it is the same file, of the
//! same size, with the same times. While one thread reads a file, the others wait for it. The cache keeps as many files
//! as one route can have, and of each only the last version read, even if nobody waited for it any more.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::parsed::ParsedFile;
use super::read::{self, FileState, ReadError};

/// How many files are kept: as many as there are levels.
const MOST: usize = 3;
/// How often we retry a file that changes while others read it.
const TRIES: u32 = 10;

/// The cache.
#[derive(Debug, Default)]
pub struct FileCache {
    state: Mutex<CacheState>,
    parses: AtomicUsize,
}

#[derive(Debug, Default)]
struct CacheState {
    /// The file read last comes last.
    files: Vec<CachedFile>,
    pending: Vec<Arc<PendingRead>>,
}

#[derive(Debug)]
struct CachedFile {
    path: PathBuf,
    mark: FileState,
    parsed: Arc<ParsedFile>,
}

/// A file that some thread is reading.
#[derive(Debug)]
struct PendingRead {
    path: PathBuf,
    file: (u64, u64),
    outcome: Mutex<Option<ReadOutcome>>,
    over: Condvar,
}

#[derive(Clone, Debug)]
enum ReadOutcome {
    Read(Arc<ParsedFile>, FileState),
    /// It changed all the time, also for those who waited.
    Changing,
    /// Those who waited must try themselves.
    Failed,
}

enum ReadTurn {
    Cached(Arc<ParsedFile>),
    Mine(Arc<PendingRead>),
    Pending(Arc<PendingRead>),
}

/// Ends a read, however it ends.
struct ReadGuard<'a>(&'a FileCache, Arc<PendingRead>);

impl Drop for ReadGuard<'_> {
    fn drop(&mut self) {
        self.0.state().pending.retain(|reading| !Arc::ptr_eq(reading, &self.1));
        lock(&self.1.outcome).get_or_insert(ReadOutcome::Failed);
        self.1.over.notify_all();
    }
}

// A thread that panicked left nothing half done: each change here is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileCache {
    /// How many files were parsed.
    pub fn parses(&self) -> usize {
        self.parses.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, CacheState> {
        lock(&self.state)
    }

    /// Returns what the file says now, and when it was last changed. May take as long as its file system does.
    ///
    /// # Errors
    /// Returns why it cannot be read.
    pub fn read(&self, path: &Path) -> Result<(Arc<ParsedFile>, i128), ReadError> {
        for _ in 0..TRIES {
            let mark = read::mark(path)?;
            match self.turn(path, &mark) {
                ReadTurn::Cached(parsed) => return Ok((parsed, mark.changed)),
                ReadTurn::Mine(reading) => return self.read_myself(path, reading),
                ReadTurn::Pending(reading) => match reading.wait() {
                    ReadOutcome::Changing => return Err(ReadError::Changing),
                    ReadOutcome::Failed => {}
                    // Is what another thread read what lies there now? Only the system knows.
                    ReadOutcome::Read(parsed, read) => {
                        if read::mark(path)? == read {
                            return Ok((parsed, read.changed));
                        }
                    }
                },
            }
        }
        Err(ReadError::Changing)
    }

    fn turn(&self, path: &Path, mark: &FileState) -> ReadTurn {
        let mut state = self.state();
        if let Some(place) = state.files.iter().position(|file| file.path == path && file.mark == *mark) {
            return ReadTurn::Cached(Arc::clone(&state.files[place].parsed));
        }
        let file = (mark.dev, mark.ino);
        // We do not wait for another file of the same name: the earlier one may lie where nothing answers.
        if let Some(reading) = state.pending.iter().find(|reading| reading.path == path && reading.file == file) {
            return ReadTurn::Pending(Arc::clone(reading));
        }
        let (outcome, over) = (Mutex::new(None), Condvar::new());
        let reading = Arc::new(PendingRead { path: path.to_owned(), file, outcome, over });
        state.pending.push(Arc::clone(&reading));
        ReadTurn::Mine(reading)
    }

    fn read_myself(&self, path: &Path, reading: Arc<PendingRead>) -> Result<(Arc<ParsedFile>, i128), ReadError> {
        let guard = ReadGuard(self, reading);
        let read = read::read(path);
        let (outcome, result) = match read {
            Ok(read) => {
                let parsed = Arc::new(super::parser::parse(&read.octets));
                self.parses.fetch_add(1, Ordering::SeqCst);
                let mut state = self.state();
                state.files.retain(|file| file.path != path);
                // A file that has just changed may change again within a tick of the clock: the next reader reads for
                // itself.
                if read.settled {
                    let file = CachedFile { path: path.to_owned(), mark: read.mark, parsed: Arc::clone(&parsed) };
                    state.files.push(file);
                    let over = state.files.len().saturating_sub(MOST);
                    state.files.drain(..over);
                }
                (ReadOutcome::Read(Arc::clone(&parsed), read.mark), Ok((parsed, read.mark.changed)))
            }
            Err(ReadError::Changing) => (ReadOutcome::Changing, Err(ReadError::Changing)),
            Err(other) => (ReadOutcome::Failed, Err(other)),
        };
        *lock(&guard.1.outcome) = Some(outcome);
        result
    }
}

impl PendingRead {
    fn wait(&self) -> ReadOutcome {
        let mut outcome = lock(&self.outcome);
        loop {
            match &*outcome {
                Some(outcome) => return outcome.clone(),
                None => outcome = self.over.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    fn entries(n: usize, path: &str) -> String {
        (0..n).fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "DEVICE $D{i} CONTYPE = FILE PATH = {path}");
            text
        })
    }

    /// Reads until nothing has changed for a while.
    fn settled(cache: &FileCache, path: &Path) -> Arc<ParsedFile> {
        loop {
            let (parsed, _) = cache.read(path).unwrap();
            let before = cache.parses();
            if Arc::ptr_eq(&parsed, &cache.read(path).unwrap().0) {
                assert_eq!(cache.parses(), before);
                return parsed;
            }
        }
    }

    #[test]
    fn hundreds_of_devices_share_one_parse_and_the_next_state_of_the_file_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("FASTCNFG");
        std::fs::write(&path, entries(500, "/one")).unwrap();
        let cache = FileCache::default();
        let read_by_all = || {
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..300).map(|_| scope.spawn(|| cache.read(&path).unwrap().0)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            })
        };
        // Just written: the first who comes reads it when it has settled, the others wait for him.
        let all = read_by_all();
        assert!(all.iter().all(|parsed| parsed.entries.len() == 500 && Arc::ptr_eq(parsed, &all[0])));
        assert_eq!(cache.parses(), 1);
        read_by_all();
        assert_eq!(cache.parses(), 1);
        std::fs::write(&path, entries(499, "/two")).unwrap();
        let all = read_by_all();
        assert!(all.iter().all(|parsed| parsed.entries.len() == 499));
        assert_eq!((cache.parses(), cache.state().files.len()), (2, 1), "the one before is not kept");
    }

    #[test]
    fn a_change_that_leaves_size_time_and_place_as_they_were_is_another_state() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("FASTCNFG");
        let old = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
        };
        let cache = FileCache::default();
        old(&entries(2, "/one"));
        assert_eq!(settled(&cache, &path).entries.len(), 2);
        for _ in 0..20 {
            // The second comes within a tick of the clock after the first was read.
            old(&entries(1, "/two"));
            let first = cache.read(&path).unwrap().0;
            old(&entries(1, "/six"));
            assert_ne!(first, cache.read(&path).unwrap().0);
        }
    }

    #[test]
    fn no_more_is_kept_than_the_files_of_one_way() {
        let dir = tempfile::tempdir().unwrap();
        let cache = FileCache::default();
        for name in ["a", "b", "c", "d", "e"] {
            let path = dir.path().join(name);
            std::fs::write(&path, entries(1, "/x")).unwrap();
            settled(&cache, &path);
        }
        let state = cache.state();
        assert_eq!((state.files.len(), state.pending.len()), (3, 0));
        assert!(state.files[0].path.ends_with("c") && state.files[2].path.ends_with("e"));
    }

    #[test]
    fn a_file_that_cannot_be_read_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let cache = FileCache::default();
        assert!(matches!(cache.read(&dir.path().join("none")), Err(ReadError::Missing)));
        assert!(matches!(cache.read(dir.path()), Err(ReadError::Failed(_))));
        let path = dir.path().join("large");
        std::fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(matches!(cache.read(&path), Err(ReadError::TooLarge)));
        assert!(cache.state().pending.is_empty() && cache.state().files.is_empty());
        // One who died while he read.
        let mark = read::mark(&path).unwrap();
        let ReadTurn::Mine(reading) = cache.turn(&path, &mark) else { panic!("nobody reads it") };
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| cache.read(&path));
            drop(ReadGuard(&cache, reading));
            assert!(matches!(waits.join().unwrap(), Err(ReadError::TooLarge)));
        });
    }
}
