//! Removes a directory that a stranger's program has filled: whatever there is below, as deep as it may be.
//!
//! The removal of the standard library calls itself at each level and holds a descriptor for each: a program that makes ten thousand
//! directories in each other is never removed, or ends whoever tries. Here one directory is open at a time, with its child. The way up is `..`,
//! and is gone only when it leads to the directory from which we came down: so nothing outside is reached, even if somebody
//! moves directories meanwhile. No path is longer than one name.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Opens a directory, never through a symbolic link.
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Which directory it is: its device and its number there.
type Which = (u64, u64);

/// Removes a directory and everything below it. What links lead to stays.
///
/// # Errors
/// At the first thing that cannot be removed, and where somebody moves directories meanwhile.
pub fn tree(top: &Path) -> io::Result<()> {
    let mut here = opened(openat(AT_FDCWD, top, DIRECTORY, Mode::empty())?);
    let mut above: Vec<Which> = Vec::new();
    loop {
        if let Some(child) = emptied(&here)? {
            above.push(which(&here)?);
            here = child;
            continue;
        }
        let Some(parent) = above.pop() else { return std::fs::remove_dir(top) };
        // The name of the one that is empty now is found again there.
        here = openat(&here, c"..", DIRECTORY, Mode::empty())?;
        if which(&here)? != parent {
            return Err(io::Error::other("a directory was moved while it was removed"));
        }
    }
}

fn which(directory: &OwnedFd) -> io::Result<Which> {
    let found = fstat(directory)?;
    Ok((found.st_dev, found.st_ino))
}

/// A directory in which we may do everything, if it is ours.
fn opened(directory: OwnedFd) -> OwnedFd {
    // Of somebody else's, what follows says that it cannot be removed.
    let _ = fchmod(&directory, Mode::S_IRWXU);
    directory
}

/// Removes what can be removed without looking into it; the first directory that is not empty, opened.
fn emptied(directory: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    // Entries that are removed may have others be left out, so it is read until there is none.
    loop {
        let mut removed = false;
        // Opened anew: a copy would share the place up to which it was read.
        let mut entries = Dir::openat(directory, c".", DIRECTORY, Mode::empty())?;
        for entry in entries.iter() {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if !is_removed(directory, name)? {
                return child(directory, name).map(Some);
            }
            removed = true;
        }
        if !removed {
            return Ok(None);
        }
    }
}

/// Removes a file or an empty directory; `false` for one that is not empty.
fn is_removed(directory: &OwnedFd, name: &CStr) -> io::Result<bool> {
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => return Ok(true),
        Err(Errno::EISDIR) => {}
        Err(error) => return Err(error.into()),
    }
    match unlinkat(directory, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory in another one. Its maker may have taken all rights from it.
fn child(directory: &OwnedFd, name: &CStr) -> io::Result<OwnedFd> {
    match openat(directory, name, DIRECTORY, Mode::empty()) {
        Err(Errno::EACCES) => {}
        other => return Ok(opened(other?)),
    }
    let handle = openat(directory, name, DIRECTORY | OFlag::O_PATH, Mode::empty())?;
    let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(openat(directory, name, DIRECTORY, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use nix::sys::stat::mkdirat;

    use super::*;

    /// Makes so many directories in each other.
    fn make_deep(top: &Path, depth: usize) {
        let mut here = openat(AT_FDCWD, top, DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..depth {
            mkdirat(&here, c"d", Mode::S_IRWXU).unwrap();
            here = openat(&here, c"d", DIRECTORY, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn directories_of_any_depth_are_removed() {
        // In memory where that can be: on a disk each takes a block, and its time.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let top = dir.path().join("top");
        std::fs::create_dir(&top).unwrap();
        make_deep(&top, 100_000);
        // With the smallest stack that there is.
        let removed = std::thread::Builder::new().stack_size(64 * 1024).spawn(move || (tree(&top), top.exists()));
        let (done, is_there) = removed.unwrap().join().unwrap();
        done.unwrap();
        assert!(!is_there);
    }

    #[test]
    fn everything_in_it_goes_and_what_links_lead_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (top, kept) = (dir.path().join("top"), dir.path().join("kept"));
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("file"), "x").unwrap();
        for at in ["", "a", "a/b", "a/c", "d/e/f"] {
            let at = top.join(at);
            std::fs::create_dir_all(&at).unwrap();
            for n in 0..300 {
                std::fs::write(at.join(format!("file{n}")), "x").unwrap();
            }
            std::os::unix::fs::symlink(&kept, at.join("link")).unwrap();
            std::os::unix::fs::symlink("nothing", at.join("lost")).unwrap();
        }
        tree(&top).unwrap();
        assert!(!top.exists() && kept.join("file").exists());
        std::os::unix::fs::symlink(&kept, &top).unwrap();
        assert!(tree(&top).is_err() && kept.join("file").exists(), "nor is a link gone through at the top");
    }

    #[test]
    fn a_directory_without_rights_is_removed_by_whoever_it_belongs_to() {
        let test = || {
            if nix::unistd::geteuid().is_root() {
                // SAFETY: the call takes a number alone, and changes this thread alone.
                unsafe { nix::libc::syscall(nix::libc::SYS_setfsuid, 65534) };
            }
            let dir = tempfile::tempdir().unwrap();
            let top = dir.path().join("top");
            std::fs::create_dir_all(top.join("a/b")).unwrap();
            std::fs::write(top.join("a/b/file"), "x").unwrap();
            for at in [top.join("a/b"), top.join("a")] {
                std::fs::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
            }
            tree(&top).unwrap();
            assert!(!top.exists());
        };
        std::thread::spawn(test).join().unwrap();
    }
}
