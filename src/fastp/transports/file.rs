//! `file:///path`: jobs are appended to a regular file. Done means on disk.
//!
//! The position at which a job begins is recorded before its first octet. What a crash leaves after that position is
//! removed if it is the beginning of this very job; otherwise it stays, and the job is appended after it. A lock is
//! held while the file is open, and its length is watched: a writer beside us is noticed and never knowingly
//! overwritten.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;

use super::path_check::{self, FileKind};
use super::{Chunk, CloseOutcome, Connection, IdleState, JobStart, UndoOutcome, ended, source_failed};
use crate::fastp::content::pieces::Pieces;
use crate::fastp::device::connection_settings::ConnectionSettings;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::model::device::{DevicePath, DeviceUri};
use crate::model::guardian::DeviceError;
use crate::model::state::Delivery;
use crate::spool::interface::engine::FilePosition;
use crate::sys::files::{is_network_file, read_full_at, send_file};
use crate::sys::lock::FileLock;
use crate::sys::place::Place;

/// How long opening the file may take.
const OPENING: Duration = Duration::from_secs(30);
/// Octets handed to the kernel at once: a wake-up is noticed between two of them.
const STEP: u64 = 4 << 20;

#[derive(Debug)]
struct OutputFile {
    file: File,
    path: PathBuf,
    dev: u64,
    ino: u64,
    /// Where its name lies.
    place: Place,
    /// Whether its name is known to be on disk. Whoever created it may have died before making sure.
    named: bool,
    /// Where the running job begins.
    start: u64,
    /// Where its next octet goes.
    at: u64,
    /// How far a failed write of ours may have reached.
    reach: u64,
}

/// Opens the file, and creates it if necessary.
pub fn open(
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    let DeviceUri::File(path) = &settings.uri else {
        return Err(Fault::new(DeviceError::OtherKind, format!("{} is no file", settings.uri)).into());
    };
    let (path, root) = (path.clone(), control.context().root.clone());
    let shown = format!("cannot open {}", path.path.display());
    match control.in_device_helper(OPENING, move || open_output(&path, &root))? {
        None => Err(Fault::new(DeviceError::TookTooLong, format!("{shown}: it took longer than 30 seconds")).into()),
        Some(Err(fault)) => Err(fault.into()),
        Some(Ok(output)) => Ok(Box::new(output)),
    }
}

/// The permissions of a file that we make: a report may be read by those who find it.
const MODE: u32 = 0o644;

fn open_output(device: &DevicePath, root: &Path) -> Result<OutputFile, Fault> {
    let path = device.path.as_path();
    let shown = path.display();
    let doing = format!("cannot open {shown}");
    let cannot = |error: io::Error| Fault::of(&doing, &error);
    // Everything is checked before anything is opened or made: not even an empty file may appear under the base, and no
    // lock may fall on a file of the spool. A link may lead to a file that does not exist yet: it is made where it belongs.
    let place = path_check::examine(FileKind::File, device, root, &doing)?;
    let file = match place.facts() {
        Some(_) => place.open(true),
        None => place.create(MODE),
    };
    let file = file.map_err(|error| match error.kind() {
        // Somebody was faster; the next try examines what he made.
        io::ErrorKind::AlreadyExists => {
            Fault::new(DeviceError::ChangedMeanwhile, format!("{doing}: another program made it at the same moment"))
        }
        _ => cannot(error),
    })?;
    let meta = file.metadata().map_err(cannot)?;
    path_check::require(FileKind::File, path, meta.mode(), &doing)?;
    let in_use = || Fault::new(DeviceError::InUse, format!("{shown} is in use by another device or program"));
    if !FileLock::mark(&file).map_err(cannot)? {
        return Err(in_use());
    }
    // Programs lock in either way; flock(1) uses the second. On a network file system both are one lock, and the second
    // would meet the first.
    if !is_network_file(&file).map_err(cannot)? {
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(in_use()),
            Err(std::fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
    }
    Ok(OutputFile {
        dev: meta.dev(),
        ino: meta.ino(),
        start: meta.len(),
        at: meta.len(),
        reach: meta.len(),
        named: false,
        path: path.to_path_buf(),
        place,
        file,
    })
}

impl OutputFile {
    fn fault(&self, what: &str, error: &io::Error) -> PrintError {
        Fault::of(format_args!("cannot {what} {}", self.path.display()), error).into()
    }

    /// Checks that nobody else wrote.
    fn alone(&self) -> Result<(), PrintError> {
        let length = self.file.metadata().map_err(|error| self.fault("examine", &error))?.len();
        if length == self.at {
            return Ok(());
        }
        let text = format!("{} was changed by another program while a job was written to it", self.path.display());
        Err(Fault::new(DeviceError::ChangedMeanwhile, text).into())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), PrintError> {
        self.reach = self.at + bytes.len() as u64;
        self.file.write_all_at(bytes, self.at).map_err(|error| self.fault("write to", &error))?;
        self.at = self.reach;
        Ok(())
    }

    /// Appends up to a step of `source` at `offset`. Returns 0 when the source ended.
    fn step(&mut self, index: usize, source: &File, offset: u64, count: u64) -> Result<u64, PrintError> {
        let (mut from, mut to) = (offset.cast_signed(), self.at.cast_signed());
        let count = count.min(STEP);
        self.reach = self.at + count;
        let moved = loop {
            let length = usize::try_from(count).unwrap_or(usize::MAX);
            match nix::fcntl::copy_file_range(source, Some(&mut from), &self.file, Some(&mut to), length) {
                // Some file systems answer 0 for what they cannot copy; reading the source decides below.
                Ok(0) => break self.send_step(source, offset, count),
                Ok(n) => break Ok(n as u64),
                Err(nix::Error::EINTR) => {}
                Err(
                    nix::Error::EXDEV
                    | nix::Error::EINVAL
                    | nix::Error::ENOSYS
                    | nix::Error::EOPNOTSUPP
                    | nix::Error::EBADF,
                ) => break self.send_step(source, offset, count),
                Err(error) => break Err(error.into()),
            }
        };
        match moved {
            Ok(n) => {
                self.at += n;
                self.reach = self.at;
                Ok(n)
            }
            Err(error) if source_failed(&error, source, offset) => {
                Err(PrintError::Source(index, format!("cannot be read: {error}")))
            }
            Err(error) => Err(self.fault("write to", &error)),
        }
    }

    fn send_step(&self, source: &File, offset: u64, count: u64) -> io::Result<u64> {
        use std::io::{Seek, SeekFrom};
        (&self.file).seek(SeekFrom::Start(self.at))?;
        match send_file(self.file.as_fd(), source, offset, count) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
                let mut buffer = vec![0; count.min(256 * 1024) as usize];
                let got = read_full_at(source, &mut buffer, offset)?;
                self.file.write_all_at(&buffer[..got], self.at)?;
                Ok(got as u64)
            }
            other => other,
        }
    }

    /// Syncs the job, and the name of its file, to disk.
    fn complete(&mut self) -> Result<(), PrintError> {
        self.alone()?;
        // Is a failed fsync retried into success? No: the job is cut off and written anew.
        self.file.sync_all().map_err(|error| self.fault("sync", &error))?;
        if !self.named {
            self.place.sync_name(&self.file).map_err(|error| self.fault("sync the directory of", &error))?;
            self.named = true;
        }
        self.start = self.at;
        Ok(())
    }

    fn cut(&mut self, to: u64) -> io::Result<()> {
        self.file.set_len(to)?;
        self.file.sync_all()
    }
}

impl Connection for OutputFile {
    /// What an earlier attempt wrote is compared with the whole job.
    fn can_wait(&self) -> bool {
        false
    }

    fn begin(
        &mut self,
        job: &Pieces,
        begun: Option<&FilePosition>,
        _: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError> {
        let length = self.file.metadata().map_err(|error| self.fault("examine", &error))?.len();
        let mut start = JobStart::default();
        self.start = length;
        if let Some(before) = begun {
            if (before.dev, before.ino) != (self.dev, self.ino) {
                start.duplicate = Some("an earlier attempt was written to another file".into());
            } else if length < before.offset {
                start.duplicate = Some("the file was cut since an earlier attempt wrote to it".into());
            } else if length > before.offset {
                let tail = length - before.offset;
                let ours = match job.begin_like(before.offset == 0, &self.file, before.offset, tail) {
                    // A document that is damaged: where it is, is found out when its turn comes.
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => false,
                    other => other.map_err(|error| self.fault("read back", &error))?,
                };
                if ours {
                    // A crash before this cut is on disk leaves the same tail, and leads to the same decision.
                    self.cut(before.offset).map_err(|error| self.fault("cut", &error))?;
                    self.start = before.offset;
                } else {
                    let text = format!("what follows octet {} of the file is not of this job alone", before.offset);
                    start.duplicate = Some(text);
                }
            }
        }
        (self.at, self.reach) = (self.start, self.start);
        start.top = self.start == 0;
        start.position = Some(FilePosition { dev: self.dev, ino: self.ino, offset: self.start });
        Ok(start)
    }

    fn send(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.alone()?;
        match chunk {
            Chunk::Bytes(bytes) => {
                self.write(bytes)?;
                control.sent(bytes.len() as u64)
            }
            Chunk::Document(index, source, Range { start, end: size }) => {
                let mut done = start;
                while done < size {
                    let n = self.step(index, source, done, size - done)?;
                    if n == 0 {
                        return Err(ended(index, done, size));
                    }
                    done += n;
                    control.sent(n)?;
                    self.alone()?;
                }
                Ok(())
            }
        }
    }

    fn finish(&mut self, _: &mut AttemptControl<'_>) -> Result<Delivery, PrintError> {
        self.complete()?;
        Ok(Delivery::Sent)
    }

    fn undo(&mut self) -> UndoOutcome {
        let Ok(length) = self.file.metadata().map(|meta| meta.len()) else {
            return UndoOutcome { touched: self.reach > self.start, usable: false };
        };
        if length == self.start && self.at == self.start {
            return UndoOutcome { touched: false, usable: true };
        }
        // Octets beyond our reach are somebody else's: then nothing is cut.
        let ours = self.start <= length && length <= self.reach;
        let taken_back = ours && self.cut(self.start).is_ok();
        (self.at, self.reach) = (self.start, self.start);
        UndoOutcome { touched: !taken_back, usable: taken_back }
    }

    fn close(self: Box<Self>, _: &mut AttemptControl<'_>) -> CloseOutcome {
        CloseOutcome::Clean
    }

    fn check_idle(&mut self) -> IdleState {
        let named = std::fs::metadata(&self.path).ok();
        if named.is_some_and(|named| (named.dev(), named.ino()) == (self.dev, self.ino)) {
            return IdleState::Quiet;
        }
        IdleState::HungUp("the file was moved or replaced".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_that_was_there_is_made_durable_before_the_first_completion_too() {
        let dir = tempfile::tempdir().unwrap();
        let (root, path) = (dir.path().join("base"), dir.path().join("lp.out"));
        std::fs::create_dir(&root).unwrap();
        for created in [true, false] {
            assert_eq!(path.exists(), !created);
            let mut output = open_output(&path.clone().into(), &root).unwrap();
            assert!(!output.named, "it is not known who created it, and whether they came to sync its name");
            output.write(b"x").unwrap();
            output.complete().unwrap();
            assert!(output.named);
        }
    }

    #[test]
    fn a_name_that_cannot_be_made_durable_completes_no_job() {
        let dir = tempfile::tempdir().unwrap();
        let (root, path) = (dir.path().join("base"), dir.path().join("lp.out"));
        std::fs::create_dir(&root).unwrap();
        std::fs::write(&path, "").unwrap();
        let mut output = open_output(&path.clone().into(), &root).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(output.complete(), Err(PrintError::Device(_))));
        assert!(!output.named);
    }
}
