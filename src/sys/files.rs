//! Files that are complete or absent, and what distinguishes one file from another.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::libc;
use nix::sys::stat::Mode;

use crate::model::job::Identity;

/// A file that has no name yet. Dropped unnamed, it leaves nothing.
#[derive(Debug)]
pub struct Unnamed {
    /// The open file.
    pub file: File,
    /// Its temporary name, where the file system knows no unnamed files.
    temporary: Option<PathBuf>,
}

impl Unnamed {
    /// Creates an unnamed file in `dir`, readable by its owner only.
    pub fn create(dir: &Path) -> io::Result<Self> {
        let mode = Mode::from_bits_truncate(0o600);
        if !descriptors_have_paths() {
            return Self::with_temporary_name(dir);
        }
        match open(dir, OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, mode) {
            Ok(fd) => Ok(Self { file: File::from(fd), temporary: None }),
            Err(nix::Error::EOPNOTSUPP | nix::Error::EISDIR | nix::Error::ENOENT) if dir.is_dir() => {
                Self::with_temporary_name(dir)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes an open file for the unnamed one of `dir`, if it is one: a file of that file system without a name, which can get
    /// one. None for any other.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn adopt(dir: &Path, file: &File) -> io::Result<Option<Self>> {
        use std::os::unix::fs::MetadataExt;
        let (meta, there) = (file.metadata()?, std::fs::metadata(dir)?);
        let own = meta.is_file() && meta.nlink() == 0 && meta.dev() == there.dev() && meta.uid() == there.uid();
        if !own || !descriptors_have_paths() {
            return Ok(None);
        }
        // A file whose name was removed has none either, and gets none any more.
        let name = format!(".new-{}", random_name(12)?);
        let mut unnamed = Self { file: file.try_clone()?, temporary: None };
        match unnamed.name(dir, &name) {
            Ok(()) => {
                unnamed.temporary = Some(dir.join(name));
                Ok(Some(unnamed))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Its open file alone. A temporary name goes.
    ///
    /// # Errors
    /// When its descriptor cannot be copied.
    pub fn into_file(self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn with_temporary_name(dir: &Path) -> io::Result<Self> {
        let path = dir.join(format!(".new-{}", random_name(12)?));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, temporary: Some(path) })
    }

    /// Names it `dir/name`; fails if the name is taken. The directory is not synced yet.
    pub fn name(&mut self, dir: &Path, name: &str) -> io::Result<()> {
        let target = dir.join(name);
        match &self.temporary {
            Some(temporary) => {
                std::fs::hard_link(temporary, &target)?;
                std::fs::remove_file(temporary)?;
                self.temporary = None;
                Ok(())
            }
            None => {
                let source = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                nix::unistd::linkat(
                    nix::fcntl::AT_FDCWD,
                    source.as_str(),
                    nix::fcntl::AT_FDCWD,
                    &target,
                    AtFlags::AT_SYMLINK_FOLLOW,
                )?;
                Ok(())
            }
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = std::fs::remove_file(temporary);
        }
    }
}

/// Whether `/proc` is there, by which an open descriptor has a path. In a container or a sandbox it may be hidden.
pub fn descriptors_have_paths() -> bool {
    static SHOWN: OnceLock<bool> = OnceLock::new();
    *SHOWN.get_or_init(|| Path::new("/proc/self/fd").is_dir())
}

/// Returns `n` random characters of `A-Z a-z 0-9`.
pub fn random_name(n: usize) -> io::Result<String> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = String::with_capacity(n);
    let mut bytes = [0u8; 64];
    while name.len() < n {
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        // 248 is the largest multiple of 62 that an octet holds: every letter is equally likely.
        name.extend(
            bytes.iter().filter(|b| **b < 248).take(n - name.len()).map(|b| char::from(LETTERS[usize::from(*b % 62)])),
        );
    }
    Ok(name)
}

/// Opens a file to read it. One that nobody writes to, a FIFO, say, is not waited for.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// Reads all of such a file.
///
/// # Errors
/// As the kernel refuses; a FIFO that somebody has open to write is `WouldBlock`.
pub fn read_without_waiting(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    open_without_waiting(path)?.read_to_end(&mut octets)?;
    Ok(octets)
}

/// Makes the names in `dir` durable.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Device and inode of a file or directory.
pub type FileId = (u64, u64);

/// Returns what has that name now, links followed; none when nothing has it, or it cannot be seen.
pub fn file_id(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Returns the identity of an open file.
pub fn identity(file: &File) -> io::Result<Identity> {
    let meta = file.metadata()?;
    Ok(Identity {
        dev: meta.dev(),
        ino: meta.ino(),
        birth_ns: birth_ns(file.as_fd()),
        size: meta.size(),
        mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        ctime_ns: meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec()),
    })
}

fn birth_ns(fd: BorrowedFd<'_>) -> Option<i64> {
    // SAFETY: `statx` is plain data and is filled by the kernel; the path is an empty C string, the descriptor is open.
    let found = unsafe {
        let mut found: libc::statx = std::mem::zeroed();
        let result = libc::statx(fd.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, libc::STATX_BTIME, &raw mut found);
        (result == 0).then_some(found)
    }?;
    if found.stx_mask & libc::STATX_BTIME == 0 {
        return None;
    }
    Some(found.stx_btime.tv_sec * 1_000_000_000 + i64::from(found.stx_btime.tv_nsec))
}

/// How much the kernel copies in one step. The position of the source moves only after each step, and somebody may be
/// watching it.
const COPY_STEP: usize = 64 << 20;

/// Copies everything from where `from` stands to the end of `to`, inside the kernel where it can. Returns the number of
/// octets.
///
/// # Errors
/// Returns an error when reading or writing fails, a short write included: what was written then is worthless.
pub fn copy_all(from: &File, to: &File) -> io::Result<u64> {
    let mut total = 0u64;
    loop {
        match nix::fcntl::copy_file_range(from.as_fd(), None, to.as_fd(), None, COPY_STEP) {
            Ok(0) => return Ok(total),
            Ok(n) => total += n as u64,
            Err(nix::Error::EINTR) => {}
            Err(
                nix::Error::EXDEV
                | nix::Error::EINVAL
                | nix::Error::ENOSYS
                | nix::Error::EOPNOTSUPP
                | nix::Error::EBADF,
            ) if total == 0 => {
                // Does a first call that copied nothing prove that both positions are unmoved? Yes: it failed as a
                // whole.
                let (mut from, mut to) = (from, to);
                return io::copy(&mut from, &mut to);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends up to `count` octets of `from` at `offset` to `to`, without copying them through us. Returns 0 when the file
/// ended.
///
/// # Errors
/// Returns `WouldBlock` when `to` accepts nothing now.
pub fn send_file(to: BorrowedFd<'_>, from: &File, offset: u64, count: u64) -> io::Result<u64> {
    let mut at = libc::off_t::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let count = usize::try_from(count.min(1 << 30)).unwrap_or(1 << 30);
    Ok(nix::sys::sendfile::sendfile64(to, from, Some(&mut at), count)? as u64)
}

/// Reserves `size` octets for `file`.
pub fn allocate(file: &File, size: u64) -> io::Result<()> {
    let size = libc::off_t::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    nix::fcntl::posix_fallocate(file, 0, size)?;
    Ok(())
}

/// Has the kernel begin to write these octets of a file to the disk, and waits for nothing: a sync that follows has less left to do.
/// It promises nothing, and where it cannot be done nothing is lost.
pub fn begin_to_write(file: &File, from: u64, count: u64) {
    let (Ok(from), Ok(count)) = (i64::try_from(from), i64::try_from(count)) else { return };
    // SAFETY: the call takes numbers alone, and the descriptor is open.
    unsafe { libc::sync_file_range(file.as_raw_fd(), from, count, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Returns how many octets of the file system of `path` are in use, and how many there are for whoever has no privilege.
pub fn room(path: &Path) -> io::Result<(u64, u64)> {
    let found = nix::sys::statvfs::statvfs(path)?;
    let size = found.fragment_size();
    let used = found.blocks().saturating_sub(found.blocks_free()).saturating_mul(size);
    Ok((used, used.saturating_add(found.blocks_available().saturating_mul(size))))
}

/// Returns how many files the file system of `path` has room for; none where it has no such number.
///
/// # Errors
/// When the file system does not say.
pub fn room_for_files(path: &Path) -> io::Result<Option<u64>> {
    let found = nix::sys::statvfs::statvfs(path)?;
    Ok((found.files() > 0).then(|| found.files_available()))
}

/// Returns how many octets of the file system of an open file are free for whoever has no privilege.
///
/// # Errors
/// When the file system does not say.
pub fn free_beside(file: &File) -> io::Result<u64> {
    let found = nix::sys::statvfs::fstatvfs(file)?;
    Ok(found.blocks_available().saturating_mul(found.fragment_size()))
}

/// Whether `path` lies on a file system of another machine, where neither locks nor shared memory can be trusted.
pub fn is_network(path: &Path) -> io::Result<bool> {
    Ok(names_network(&nix::sys::statfs::statfs(path)?))
}

/// The same of an open file.
pub fn is_network_file(file: &File) -> io::Result<bool> {
    Ok(names_network(&nix::sys::statfs::fstatfs(file)?))
}

fn names_network(found: &nix::sys::statfs::Statfs) -> bool {
    const NETWORK: [i64; 9] = [
        0x6969,      // NFS
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB2
        0x517b,      // SMB
        0x0102_1997, // 9P
        0x5346_414f, // AFS
        0x7375_7245, // Coda
        0x00c3_6400, // Ceph
        0x0bd0_0bd0, // Lustre
    ];
    NETWORK.contains(&found.filesystem_type().0)
}

/// Opens a file as the print process does: it never becomes our terminal, and a FIFO never blocks.
///
/// # Errors
/// Returns an error when it cannot be opened or is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file =
        File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

/// Opens a regular file for reading if that cannot hang: the kernel has every part of its path cached, and it lies on a
/// disk of this machine. Returns none when that is not certain, or when the file cannot be opened.
pub fn open_at_hand(path: &Path) -> Option<File> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::from_bits_retain(libc::RESOLVE_CACHED));
    let place = openat2(AT_FDCWD, path, how).ok()?;
    // SAFETY: `statx` is plain data; all-zero is a valid value.
    let mut found: libc::statx = unsafe { std::mem::zeroed() };
    // The empty path names the descriptor itself; a file server, if there is one, is not asked.
    let flags = libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC;
    // SAFETY: the path is a string that ends with NUL, and `found` is valid for the one `statx` that is written.
    let result = unsafe { libc::statx(place.as_raw_fd(), c"".as_ptr(), flags, libc::STATX_TYPE, &raw mut found) };
    let is_file = u32::from(found.stx_mode) & libc::S_IFMT == libc::S_IFREG;
    // File systems that lie on no disk here have devices without a major number.
    if result != 0 || !is_file || found.stx_dev_major == 0 {
        return None;
    }
    // This opens what was examined, whatever has the name by now.
    open_regular(&PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()))).ok()
}

/// Makes an empty file in memory.
///
/// # Errors
/// When there is no room for it.
pub fn file_in_memory() -> io::Result<File> {
    Ok(File::from(nix::sys::memfd::memfd_create(c"document", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?))
}

/// Copies a file from `offset` on into memory. The position of the file does not move.
///
/// # Errors
/// Returns an error when it cannot be read, and when it has more than `most` octets.
pub fn in_memory(file: &File, offset: u64, most: u64) -> io::Result<OwnedFd> {
    let copy = file_in_memory()?;
    let mut buffer = vec![0; 64 * 1024];
    let mut copied = 0;
    loop {
        let n = match file.read_at(&mut buffer, offset + copied) {
            Ok(0) => return Ok(copy.into()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        copy.write_all_at(&buffer[..n], copied)?;
        copied += n as u64;
        if copied > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has grown too large"));
        }
    }
}

/// Reads what comes next, at most a buffer full; none = the end. An interruption is no error.
pub fn read_some(from: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Reads up to `buffer.len()` octets at `offset`, as many as there are.
pub fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Returns how many octets the peer of a connected TCP socket has not acknowledged yet.
pub fn unacknowledged(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut octets: libc::c_int = 0;
    // SAFETY: TIOCOUTQ (SIOCOUTQ) writes one int to the address given, which is valid for that.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut octets) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(u32::try_from(octets).unwrap_or(0)) }
}

/// Creates an event descriptor: a wake-up between threads that `poll` understands.
pub fn event_fd() -> io::Result<File> {
    // SAFETY: `eventfd` takes no pointers; a non-negative result is a new descriptor that nobody else owns.
    unsafe {
        let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(File::from_raw_fd(fd)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// Fails so many times, each time alike, and then ends.
    struct Fails(io::ErrorKind, u32);

    impl io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            match self.1 {
                0 => Ok(0),
                _ => {
                    self.1 -= 1;
                    Err(self.0.into())
                }
            }
        }
    }

    #[test]
    fn what_comes_next_is_read_after_an_interruption_and_after_no_other_error() {
        assert_eq!(read_some(&mut Fails(io::ErrorKind::Interrupted, 3), &mut [0; 8]).unwrap(), 0);
        for error in [io::ErrorKind::Other, io::ErrorKind::StaleNetworkFileHandle, io::ErrorKind::PermissionDenied] {
            assert_eq!(read_some(&mut Fails(error, 1), &mut [0; 8]).unwrap_err().kind(), error);
        }
    }

    #[test]
    fn a_file_is_complete_or_absent() {
        let dir = tempfile::tempdir().unwrap();
        let mut unnamed = Unnamed::create(dir.path()).unwrap();
        unnamed.file.write_all(b"hello").unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        unnamed.name(dir.path(), "pdprABCDEF").unwrap();
        drop(unnamed);
        assert_eq!(std::fs::read(dir.path().join("pdprABCDEF")).unwrap(), b"hello");
        let mut second = Unnamed::create(dir.path()).unwrap();
        assert!(second.name(dir.path(), "pdprABCDEF").is_err());
        drop(second);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn copying_takes_everything_from_files_and_pipes() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("s");
        std::fs::write(&source, vec![7u8; 300_000]).unwrap();
        let to = File::create(dir.path().join("t")).unwrap();
        assert_eq!(copy_all(&File::open(&source).unwrap(), &to).unwrap(), 300_000);
        let (read, mut write) = std::io::pipe().unwrap();
        let writer = std::thread::spawn(move || write.write_all(&[9u8; 200_000]).unwrap());
        let to = File::options().read(true).write(true).create_new(true).open(dir.path().join("p")).unwrap();
        let read = File::from(std::os::fd::OwnedFd::from(read));
        assert_eq!(copy_all(&read, &to).unwrap(), 200_000);
        writer.join().unwrap();
        let mut back = Vec::new();
        File::open(dir.path().join("p")).unwrap().read_to_end(&mut back).unwrap();
        assert_eq!(back.len(), 200_000);
    }

    #[test]
    fn identity_tells_a_replaced_file_from_an_edited_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let before = identity(&File::open(&path).unwrap()).unwrap();
        std::fs::write(&path, "three").unwrap();
        let edited = identity(&File::open(&path).unwrap()).unwrap();
        assert!(edited.same_file(&before));
        assert_ne!(edited.size, before.size);
        std::fs::write(dir.path().join("b"), "one").unwrap();
        std::fs::rename(dir.path().join("b"), &path).unwrap();
        assert!(!identity(&File::open(&path).unwrap()).unwrap().same_file(&before));
    }

    #[test]
    fn a_copy_in_memory_begins_at_its_offset_and_moves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "one two").unwrap();
        let mut file = File::open(&path).unwrap();
        let mut copy = File::from(in_memory(&file, 4, 3).unwrap());
        assert_eq!(in_memory(&file, 0, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let [mut copied, mut whole] = [String::new(), String::new()];
        copy.read_to_string(&mut copied).unwrap();
        file.read_to_string(&mut whole).unwrap();
        assert_eq!((copied.as_str(), whole.as_str()), ("two", "one two"));
    }

    #[test]
    fn what_is_opened_at_hand_is_the_file_itself_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a"), dir.path().join("link"));
        std::fs::write(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        // On a file system that lies on no disk nothing is at hand.
        if let Some(file) = open_at_hand(&link) {
            assert!(identity(&file).unwrap().same_file(&identity(&File::open(&path).unwrap()).unwrap()));
        }
        std::fs::remove_file(&path).unwrap();
        assert!(open_at_hand(&link).is_none());
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(open_at_hand(&link).is_none(), "no regular file");
        assert!(open_at_hand(dir.path()).is_none());
        assert!(open_at_hand(Path::new("/proc/self/status")).is_none(), "no disk");
    }

    #[test]
    fn random_names_are_plain() {
        let name = random_name(6).unwrap();
        assert_eq!(name.len(), 6);
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
