//! The FASTCNFG files of a print process, each read and parsed once for all of its devices.
//!
//! Whoever reads a file asks the system first what lies there now; what was parsed before is shared only if it is the same
//! file, of the same size, with the same times. While one reads a file the others wait for him. No more than the files of
//! one way are kept, and of each only what was read last, also when nobody waited for it any longer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::parsed::Parsed;
use super::read::{self, Mark, Unread};

/// How many files are kept: as many as there are levels.
const MOST: usize = 3;
/// How often a file is looked at again that changes while others read it.
const TRIES: u32 = 10;

/// The files.
#[derive(Debug, Default)]
pub struct Library {
    shelf: Mutex<Shelf>,
    parses: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shelf {
    /// What was read last comes last.
    books: Vec<Book>,
    readings: Vec<Arc<Reading>>,
}

#[derive(Debug)]
struct Book {
    path: PathBuf,
    mark: Mark,
    parsed: Arc<Parsed>,
}

/// A file that somebody reads.
#[derive(Debug)]
struct Reading {
    path: PathBuf,
    file: (u64, u64),
    outcome: Mutex<Option<Outcome>>,
    over: Condvar,
}

#[derive(Clone, Debug)]
enum Outcome {
    Read(Arc<Parsed>, Mark),
    /// It changed all the time: so it did for whoever waited.
    Changing,
    /// Whoever waited tries himself.
    Failed,
}

enum Turn {
    Shared(Arc<Parsed>),
    Mine(Arc<Reading>),
    Others(Arc<Reading>),
}

/// Ends a reading, however it ends.
struct Ends<'a>(&'a Library, Arc<Reading>);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.shelf().readings.retain(|reading| !Arc::ptr_eq(reading, &self.1));
        lock(&self.1.outcome).get_or_insert(Outcome::Failed);
        self.1.over.notify_all();
    }
}

// Whoever panicked left nothing half done: each change here is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Library {
    /// How many files were parsed.
    pub fn parses(&self) -> usize {
        self.parses.load(Ordering::SeqCst)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        lock(&self.shelf)
    }

    /// What the file says now, and when it was last changed. May take as long as its file system does.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(&self, path: &Path) -> Result<(Arc<Parsed>, i128), Unread> {
        for _ in 0..TRIES {
            let mark = read::mark(path)?;
            match self.turn(path, &mark) {
                Turn::Shared(parsed) => return Ok((parsed, mark.changed)),
                Turn::Mine(reading) => return self.read_myself(path, reading),
                Turn::Others(reading) => match reading.wait() {
                    Outcome::Changing => return Err(Unread::Changing),
                    Outcome::Failed => {}
                    // Is what another read what lies there now? Only the system knows.
                    Outcome::Read(parsed, read) => {
                        if read::mark(path)? == read {
                            return Ok((parsed, read.changed));
                        }
                    }
                },
            }
        }
        Err(Unread::Changing)
    }

    fn turn(&self, path: &Path, mark: &Mark) -> Turn {
        let mut shelf = self.shelf();
        if let Some(place) = shelf.books.iter().position(|book| book.path == path && book.mark == *mark) {
            return Turn::Shared(Arc::clone(&shelf.books[place].parsed));
        }
        let file = (mark.dev, mark.ino);
        // Another file of the same name is not waited for: the one before may lie where nothing answers.
        if let Some(reading) = shelf.readings.iter().find(|reading| reading.path == path && reading.file == file) {
            return Turn::Others(Arc::clone(reading));
        }
        let (outcome, over) = (Mutex::new(None), Condvar::new());
        let reading = Arc::new(Reading { path: path.to_owned(), file, outcome, over });
        shelf.readings.push(Arc::clone(&reading));
        Turn::Mine(reading)
    }

    fn read_myself(&self, path: &Path, reading: Arc<Reading>) -> Result<(Arc<Parsed>, i128), Unread> {
        let ends = Ends(self, reading);
        let read = read::read(path);
        let (outcome, result) = match read {
            Ok(read) => {
                let parsed = Arc::new(super::parser::parse(&read.octets));
                self.parses.fetch_add(1, Ordering::SeqCst);
                let mut shelf = self.shelf();
                shelf.books.retain(|book| book.path != path);
                // What changes just now may change again within a tick of the clock: the next one reads for himself.
                if read.settled {
                    let book = Book { path: path.to_owned(), mark: read.mark, parsed: Arc::clone(&parsed) };
                    shelf.books.push(book);
                    let over = shelf.books.len().saturating_sub(MOST);
                    shelf.books.drain(..over);
                }
                (Outcome::Read(Arc::clone(&parsed), read.mark), Ok((parsed, read.mark.changed)))
            }
            Err(Unread::Changing) => (Outcome::Changing, Err(Unread::Changing)),
            Err(other) => (Outcome::Failed, Err(other)),
        };
        *lock(&ends.1.outcome) = Some(outcome);
        result
    }
}

impl Reading {
    fn wait(&self) -> Outcome {
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
    fn settled(library: &Library, path: &Path) -> Arc<Parsed> {
        loop {
            let (parsed, _) = library.read(path).unwrap();
            let before = library.parses();
            if Arc::ptr_eq(&parsed, &library.read(path).unwrap().0) {
                assert_eq!(library.parses(), before);
                return parsed;
            }
        }
    }

    #[test]
    fn hundreds_of_devices_share_one_parse_and_the_next_state_of_the_file_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("FASTCNFG");
        std::fs::write(&path, entries(500, "/one")).unwrap();
        let library = Library::default();
        let read_by_all = || {
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..300).map(|_| scope.spawn(|| library.read(&path).unwrap().0)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            })
        };
        // Just written: the first who comes reads it when it has settled, the others wait for him.
        let all = read_by_all();
        assert!(all.iter().all(|parsed| parsed.entries.len() == 500 && Arc::ptr_eq(parsed, &all[0])));
        assert_eq!(library.parses(), 1);
        read_by_all();
        assert_eq!(library.parses(), 1);
        std::fs::write(&path, entries(499, "/two")).unwrap();
        let all = read_by_all();
        assert!(all.iter().all(|parsed| parsed.entries.len() == 499));
        assert_eq!((library.parses(), library.shelf().books.len()), (2, 1), "the one before is not kept");
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
        let library = Library::default();
        old(&entries(2, "/one"));
        assert_eq!(settled(&library, &path).entries.len(), 2);
        for _ in 0..20 {
            // The second comes within a tick of the clock after the first was read.
            old(&entries(1, "/two"));
            let first = library.read(&path).unwrap().0;
            old(&entries(1, "/six"));
            assert_ne!(first, library.read(&path).unwrap().0);
        }
    }

    #[test]
    fn no_more_is_kept_than_the_files_of_one_way() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::default();
        for name in ["a", "b", "c", "d", "e"] {
            let path = dir.path().join(name);
            std::fs::write(&path, entries(1, "/x")).unwrap();
            settled(&library, &path);
        }
        let shelf = library.shelf();
        assert_eq!((shelf.books.len(), shelf.readings.len()), (3, 0));
        assert!(shelf.books[0].path.ends_with("c") && shelf.books[2].path.ends_with("e"));
    }

    #[test]
    fn a_file_that_cannot_be_read_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::default();
        assert!(matches!(library.read(&dir.path().join("none")), Err(Unread::Missing)));
        assert!(matches!(library.read(dir.path()), Err(Unread::Failed(_))));
        let path = dir.path().join("large");
        std::fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(matches!(library.read(&path), Err(Unread::TooLarge)));
        assert!(library.shelf().readings.is_empty() && library.shelf().books.is_empty());
        // One who died while he read.
        let mark = read::mark(&path).unwrap();
        let Turn::Mine(reading) = library.turn(&path, &mark) else { panic!("nobody reads it") };
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| library.read(&path));
            drop(Ends(&library, reading));
            assert!(matches!(waits.join().unwrap(), Err(Unread::TooLarge)));
        });
    }
}
