//! What happens in `run/` around this print process: whether the directory is still the one in which we live, and whether
//! a neighbour has died.
//!
//! The kernel closes what a process has open when it dies, whatever killed it: a lock file of another print process that
//! is closed after writing tells so. What it was about to erase is swept then, and not only at its next start.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::model::ProcessName;
use crate::spool::Base;
use crate::sys::files::{FileId, file_id};

/// A print process's view of its surroundings.
#[derive(Debug)]
pub struct Neighbours {
    run: Option<FileId>,
    own: String,
    inotify: Option<Inotify>,
}

/// The name of the lock file of a print process in `run/`.
fn is_lock(name: &str) -> bool {
    name.starts_with("fastp.") && name.ends_with(".lock")
}

impl Neighbours {
    /// Looks around the process `name`. Where the kernel watches nothing for us, nobody's death is noticed.
    pub fn of(base: &Base, name: &ProcessName) -> Self {
        let watch = || -> io::Result<Inotify> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            inotify.add_watch(&base.run(), AddWatchFlags::IN_CLOSE_WRITE)?;
            Ok(inotify)
        };
        let own =
            base.process_lock(name).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self { run: file_id(&base.run()), own, inotify: watch().ok() }
    }

    /// What is to be polled for reading.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Whether a neighbour has let go of its lock since the last call.
    pub fn died(&self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut died = false;
        while let Ok(events) = inotify.read_events() {
            if events.is_empty() {
                break;
            }
            let names = events.iter().filter_map(|event| event.name.as_ref()?.to_str());
            died |= names.filter(|name| is_lock(name)).any(|name| name != self.own);
        }
        died
    }

    /// Whether `run/` is another directory now than the one in which our lock, socket and progress are, or none.
    pub fn lost_run(&self, base: &Base) -> bool {
        self.run.is_some() && file_id(&base.run()) != self.run
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::lock::FileLock;

    #[test]
    fn a_neighbour_that_lets_go_of_its_lock_is_noticed_and_a_probe_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path());
        std::fs::create_dir(base.run()).unwrap();
        let (ours, other): (ProcessName, ProcessName) = ("SPLA".parse().unwrap(), "SPLB".parse().unwrap());
        let held = FileLock::try_exclusive(&base.process_lock(&other)).unwrap().unwrap();
        let own = FileLock::try_exclusive(&base.process_lock(&ours)).unwrap().unwrap();
        let neighbours = Neighbours::of(&base, &ours);
        drop(FileLock::try_shared(&base.write_lock()).unwrap());
        assert!(FileLock::is_held(&base.process_lock(&other)).unwrap());
        drop(own);
        assert!(!neighbours.died());
        drop(held);
        assert!(neighbours.died());
        assert!(!neighbours.died(), "said once");
        assert!(!neighbours.lost_run(&base));
        std::fs::rename(base.run(), dir.path().join("old")).unwrap();
        assert!(neighbours.lost_run(&base));
        std::fs::create_dir(base.run()).unwrap();
        assert!(neighbours.lost_run(&base));
    }
}
