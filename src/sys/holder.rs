//! Who holds a lock: a note in its file. The kernel says of such a lock only that it is held.
//!
//! The holder signs when it has the lock, over what the one before it wrote; nobody erases. So a note is believed only while
//! the lock is held and its process is there.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use super::clock;
use super::lock::FileLock;
use super::process::ProcessNote;

/// A holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process.
    pub process: ProcessNote,
    /// What runs in it.
    pub program: String,
    /// Since when it has the lock, boot clock.
    pub since_boot_ms: i64,
}

/// Octets of a note: a new one covers the one before it.
const SIZE: usize = 96;

/// Our own process and program, found out once: a lock may be signed hundreds of times a second.
fn ours() -> &'static (ProcessNote, String) {
    static OURS: OnceLock<(ProcessNote, String)> = OnceLock::new();
    OURS.get_or_init(|| {
        let program = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
        let plain: String = program.trim().chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(24).collect();
        (ProcessNote::ours(), if plain.is_empty() { "?".to_owned() } else { plain })
    })
}

/// Signs a lock that we have just taken. A lock without a note is still a lock.
pub fn sign(lock: &FileLock) {
    let (process, program) = ours();
    let ProcessNote { pid, start } = process;
    let note = format!("{pid:<10} {start:<20} {:<20} {program}", clock::boot_ms());
    let _ = lock.file().write_all_at(format!("{note:<0$}\n", SIZE - 1).as_bytes(), 0);
}

/// Reads who holds the lock at `path`; none when nobody does, or he did not sign it.
pub fn of(path: &Path) -> Option<Holder> {
    if !FileLock::is_held(path).ok()? {
        return None;
    }
    let mut note = [0; SIZE];
    let n = super::files::read_full_at(&super::own_file::open_to_read(path).ok()?, &mut note, 0).ok()?;
    let mut words = std::str::from_utf8(&note[..n]).ok()?.split_whitespace();
    let mut next = || words.next();
    let process = ProcessNote { pid: next()?.parse().ok()?, start: next()?.parse().ok()? };
    let (since_boot_ms, program) = (next()?.parse().ok()?, next()?.to_owned());
    // Where /proc is hidden nobody knows when he started.
    (process.start == 0 || process.is_there()).then_some(Holder { process, program, since_boot_ms })
}

impl Holder {
    /// Returns since when it has the lock, in milliseconds since this boot.
    pub fn since_boot_ms(&self) -> i64 {
        self.since_boot_ms
    }
    /// Says who it is, for how long it has the lock, and the cure of one that is stopped: "process 812 (fastp), which has …".
    pub fn words(&self) -> String {
        let (pid, program) = (self.process.pid, &self.program);
        let seconds = (clock::boot_ms() - self.since_boot_ms).max(0) / 1000;
        let text = format!("process {pid} ({program}), which has been writing to the spool for {seconds} s");
        match state(pid) {
            Some('T' | 't') => format!("{text} and is stopped: kill -CONT {pid} lets it go on"),
            Some('D') => format!("{text} and waits for a disk"),
            _ => text,
        }
    }
}

/// Says for whom somebody waits who wants the lock at `path`.
pub fn waited_for(path: &Path) -> String {
    match of(path) {
        Some(holder) => format!("waiting for {}", holder.words()),
        None => format!("waiting for another process, which holds {}", path.display()),
    }
}

/// The state of a process, as the kernel abbreviates it: `T` is stopped.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().next()?.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_who_holds_it_for_as_long_as_he_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("write.lock");
        assert_eq!(of(&path), None);
        let lock = FileLock::try_exclusive(&path).unwrap().unwrap();
        assert_eq!(of(&path), None, "not signed");
        assert!(waited_for(&path).contains("write.lock"));
        sign(&lock);
        let holder = of(&path).unwrap();
        assert_eq!(holder.process, ProcessNote::ours());
        assert!(waited_for(&path).starts_with(&format!("waiting for process {} (", std::process::id())));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), SIZE as u64);
        drop(lock);
        assert_eq!(of(&path), None);
        std::fs::write(&path, format!("{} 1 5 fastp\n", std::process::id())).unwrap();
        let _lock = FileLock::try_exclusive(&path).unwrap().unwrap();
        assert_eq!(of(&path), None, "another process had its number");
    }
}
