//! Where a path leads, found one directory descriptor at a time.
//!
//! Is what was examined still what is opened? Yes, whoever renames or links on the way meanwhile: each directory is held by
//! a descriptor, each symbolic link is read from its own descriptor, and the object at the end is opened through the
//! descriptor on which it was examined. Nothing is opened for reading or writing before that: opening a tape or a FIFO
//! has an effect, and closing a second descriptor of a database drops its locks.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};

use super::files::FileId;

/// The most links in a row that we follow, as many as the kernel.
const MOST_LINKS: usize = 40;

/// What the kernel says of a file, directory or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Device and inode.
    pub id: FileId,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its kind and permissions.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// The device that it is, if it is one.
    pub rdev: u64,
}

impl Facts {
    #[allow(clippy::unnecessary_cast, reason = "their width depends on the machine")]
    fn of(stat: &FileStat) -> Self {
        Self {
            id: (stat.st_dev as u64, stat.st_ino as u64),
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: stat.st_mode,
            links: stat.st_nlink as u64,
            rdev: stat.st_rdev as u64,
        }
    }

    fn is(&self, kind: u32) -> bool {
        self.mode & libc::S_IFMT == kind
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.is(libc::S_IFDIR)
    }
}

/// A directory on the way, by its real name.
#[derive(Clone, Debug)]
pub struct Directory {
    /// What it is.
    pub facts: Facts,
    /// Its name when we passed.
    pub path: PathBuf,
}

/// A symbolic link that was followed.
#[derive(Debug)]
pub struct Link {
    /// What it is.
    pub facts: Facts,
    /// Its name when we passed.
    pub path: PathBuf,
    /// The directory in which it lies.
    dir: OwnedFd,
}

/// Where a path leads: a directory, a name in it, and what has that name.
#[derive(Debug)]
pub struct Place {
    dir: OwnedFd,
    name: OsString,
    object: Option<(OwnedFd, Facts)>,
    /// The directories that were passed, the last one holds the name.
    pub way: Vec<Directory>,
    /// The links that were followed.
    pub links: Vec<Link>,
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

fn place_flags() -> OFlag {
    OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn step(dir: &OwnedFd, name: &OsStr) -> nix::Result<(OwnedFd, Facts)> {
    let object = openat(dir, name, place_flags(), Mode::empty())?;
    let facts = Facts::of(&fstat(&object)?);
    Ok((object, facts))
}

fn root() -> io::Result<(OwnedFd, Directory)> {
    let dir = nix::fcntl::open("/", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let facts = Facts::of(&fstat(&dir)?);
    Ok((dir, Directory { facts, path: PathBuf::from("/") }))
}

impl Place {
    /// Follows `path`, which is absolute, to its end.
    ///
    /// # Errors
    /// When a directory on the way is missing or cannot be entered, and when links lead in a circle. A name that nothing
    /// has is none.
    pub fn find(path: &Path) -> io::Result<Self> {
        let mut rest: VecDeque<OsString> = parts(path).collect();
        let (mut dir, first) = root()?;
        let mut at = first.path.clone();
        let (mut way, mut links) = (vec![first], Vec::new());
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                let (above, facts) = step(&dir, &name)?;
                dir = above;
                at.pop();
                way.push(Directory { facts, path: at.clone() });
                continue;
            }
            let (object, facts) = match step(&dir, &name) {
                Ok(found) => found,
                Err(nix::Error::ENOENT) if rest.is_empty() => {
                    return Ok(Self { dir, name, object: None, way, links });
                }
                Err(error) => return Err(error.into()),
            };
            if facts.is(libc::S_IFLNK) {
                if links.len() == MOST_LINKS {
                    return Err(nix::Error::ELOOP.into());
                }
                let target = PathBuf::from(readlinkat(&object, "")?);
                let link = Link { facts, path: at.join(&name), dir: dir.try_clone()? };
                links.push(link);
                if target.is_absolute() {
                    let (top, first) = root()?;
                    (dir, at) = (top, first.path.clone());
                    way.push(first);
                }
                parts(&target).rev().for_each(|part| rest.push_front(part));
                continue;
            }
            if rest.is_empty() {
                return Ok(Self { dir, name, object: Some((object, facts)), way, links });
            }
            if !facts.is_dir() {
                return Err(nix::Error::ENOTDIR.into());
            }
            dir = object;
            at.push(&name);
            way.push(Directory { facts, path: at.clone() });
        }
        Err(nix::Error::EISDIR.into())
    }

    /// What has the name; none when nothing has it.
    pub fn facts(&self) -> Option<Facts> {
        self.object.as_ref().map(|(_, facts)| *facts)
    }

    /// The directory that holds the name.
    pub fn directory(&self) -> &Directory {
        // The way begins with the root and never gets shorter.
        &self.way[self.way.len() - 1]
    }

    /// The directories above the name, up to the root, as they lie now.
    ///
    /// # Errors
    /// When one cannot be entered.
    pub fn above(&self) -> io::Result<Vec<FileId>> {
        let mut dir = self.dir.try_clone()?;
        let mut id = Facts::of(&fstat(&dir)?).id;
        let mut found = vec![id];
        loop {
            let (above, facts) = step(&dir, OsStr::new(".."))?;
            if facts.id == id || found.len() > 4096 {
                return Ok(found);
            }
            (dir, id) = (above, facts.id);
            found.push(id);
        }
    }

    /// A path that opens exactly what was examined, whatever has its name by now, for as long as this lives.
    pub fn path(&self) -> Option<PathBuf> {
        self.object.as_ref().map(|(object, _)| PathBuf::from(format!("/proc/self/fd/{}", object.as_raw_fd())))
    }

    /// Opens what was examined.
    ///
    /// # Errors
    /// When nothing has the name or it cannot be opened. Without `/proc` it is opened by its name, and it is an error when
    /// that has become another object.
    pub fn open(&self, read: bool) -> io::Result<File> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
        let Some((facts, path)) = self.facts().zip(self.path()) else { return Err(io::ErrorKind::NotFound.into()) };
        match OpenOptions::new().read(read).write(true).custom_flags(flags).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let access = if read { OFlag::O_RDWR } else { OFlag::O_WRONLY };
        let flags = access | OFlag::from_bits_retain(flags) | OFlag::O_NOFOLLOW;
        let file = File::from(openat(&self.dir, self.name.as_os_str(), flags, Mode::empty())?);
        if Facts::of(&fstat(&file)?).id == facts.id { Ok(file) } else { Err(nix::Error::ESTALE.into()) }
    }

    /// Makes a regular file of that name with exactly these permissions, whatever the umask.
    ///
    /// # Errors
    /// When anything has the name by now, a link too, or it cannot be made.
    pub fn create(&self, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_RDWR
            | OFlag::O_CREAT
            | OFlag::O_EXCL
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file = File::from(openat(&self.dir, self.name.as_os_str(), flags, Mode::from_bits_truncate(mode))?);
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(file)
    }

    /// Makes durable that `file` has this name, and that the links lead to it.
    ///
    /// # Errors
    /// When another file has the name, or none, and when a directory cannot be synced.
    pub fn sync_name(&self, file: &File) -> io::Result<()> {
        let named = Facts::of(&fstatat(&self.dir, self.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?);
        if named.id != Facts::of(&fstat(file)?).id {
            return Err(nix::Error::ESTALE.into());
        }
        for dir in self.links.iter().map(|link| &link.dir).chain([&self.dir]) {
            let readable = openat(dir, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
            match readable.map(File::from) {
                Ok(dir) => dir.sync_all()?,
                // A directory that may be written but not read cannot be opened for syncing; its file system can.
                Err(nix::Error::EACCES) => nix::unistd::syncfs(file.as_fd())?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn a_path_is_followed_through_links_to_what_is_there_or_will_be() {
        let dir = tempfile::tempdir().unwrap();
        let name = |name: &str| dir.path().join(name);
        std::fs::create_dir(name("sub")).unwrap();
        std::fs::write(name("sub/file"), "x").unwrap();
        symlink("../second", name("sub/first")).unwrap();
        symlink(name("sub/none"), name("second")).unwrap();
        symlink("circle", name("circle")).unwrap();
        let place = Place::find(&name("sub/first")).unwrap();
        assert_eq!((place.facts(), place.links.len()), (None, 2));
        assert_eq!(place.directory().facts.id, super::super::files::file_id(&name("sub")).unwrap());
        let file = Place::find(&name("sub/file")).unwrap();
        assert_eq!(file.facts().unwrap().id.1, std::fs::metadata(name("sub/file")).unwrap().ino());
        assert!(file.above().unwrap().contains(&super::super::files::file_id(dir.path()).unwrap()));
        let errno = |path: &str| Place::find(&name(path)).unwrap_err().raw_os_error();
        assert_eq!(errno("circle"), Some(libc::ELOOP));
        assert_eq!(errno("sub/file/x"), Some(libc::ENOTDIR));
        assert_eq!(errno("none/x"), Some(libc::ENOENT));
        assert_eq!(Place::find(Path::new("/")).unwrap_err().raw_os_error(), Some(libc::EISDIR));
    }

    #[test]
    fn what_was_examined_is_opened_whatever_has_its_name_by_then() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "mine").unwrap();
        let place = Place::find(&path).unwrap();
        std::fs::rename(&path, dir.path().join("b")).unwrap();
        symlink("/etc/passwd", &path).unwrap();
        let file = place.open(true).unwrap();
        assert_eq!(std::io::read_to_string(&file).unwrap(), "mine");
        assert!(place.sync_name(&file).is_err(), "the name is another one's");
        assert!(place.create(0o644).is_err(), "a link is not written through");
    }

    #[test]
    fn a_file_is_made_with_its_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let file = Place::find(&path).unwrap().create(0o644).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        Place::find(&path).unwrap().sync_name(&file).unwrap();
    }
}
