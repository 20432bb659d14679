//! How far the running jobs of a print process are: one slot a device in `run/progress.<process>`, never synced.
//!
//! Slot 0 is the heartbeat of the process. One `pwrite` writes a slot; a reader that meets a half-written slot finds
//! that its checksum is wrong, and drops it. The room of a slot beyond its checked fields is 0, which means "nothing"
//! in every field: a file of an earlier version lacks what that version did not know, and the rest of it is read.
//!
//! A crash leaves what was last written. The file serves displays; the spool decides only one thing from it: a process
//! that holds its lock and has no heartbeat hangs.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::model::device::Stalled;
use crate::model::time::Moment;
use crate::model::wait::Wait;
use crate::model::{DeviceId, EntryId};
use crate::sys::{files, own_file};

/// Octets of a slot.
const SLOT: usize = 128;
/// Octets of a slot that its checksum covers.
const BODY: usize = SLOT - 8;
const HEARTBEAT: u32 = 0x5044_4831;
const RUNNING: u32 = 0x5044_5231;
/// A reader looks at no more slots than this.
const MOST: u64 = 65_536;

/// How far the attempt of a device is, or what the process waits for at a device without a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The device.
    pub device: DeviceId,
    /// The entry it prints; none = it is opened or closed without a job.
    pub entry: Option<EntryId>,
    /// Which attempt.
    pub attempt: u32,
    /// Document in print, from 1; 0 before the first.
    pub document: u32,
    /// Copy in print, from 1.
    pub copy: u32,
    /// Octets of the whole job that the device has taken, as far as the transport can tell.
    pub octets: u64,
    /// Octets that the attempt sends in all, header pages and form feeds included; 0 = not known yet.
    pub total: u64,
    /// When this was written, boot clock.
    pub at_boot_ms: i64,
    /// Whether the device stands still.
    pub stalled: Option<Standstill>,
    /// What is waited for, and since when, boot clock.
    pub awaits: Option<(Wait, i64)>,
    /// Whether the device is open for the attempt. The database learns it at the end of the attempt, or when that takes
    /// long.
    pub open: bool,
}

impl Progress {
    /// Returns what is waited for, and since when by the wall clock.
    pub fn awaits_at(&self, now: &Moment) -> Option<(Wait, i64)> {
        self.awaits.map(|(wait, since_boot_ms)| (wait, now.wall_ms - now.boot_ms.saturating_sub(since_boot_ms)))
    }

    /// Returns since when the device stands still, by the wall clock, as displays show it.
    pub fn stalled_at(&self, now: &Moment) -> Option<Stalled> {
        let Standstill { since_boot_ms, octets } = self.stalled?;
        Some(Stalled { since_ms: now.wall_ms - now.boot_ms.saturating_sub(since_boot_ms), octets })
    }
}

/// A device that takes nothing of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standstill {
    /// Since when, boot clock.
    pub since_boot_ms: i64,
    /// Octets that it had taken by then.
    pub octets: u64,
}

/// What a reader finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When the process last gave a sign of life, boot clock; 0 when it never did.
    pub heartbeat_boot_ms: i64,
    /// Its process id; 0 when unknown.
    pub pid: u32,
    /// The running attempts.
    pub slots: Vec<Progress>,
}

impl Snapshot {
    /// Returns the slot of an attempt at `entry`.
    pub fn of_attempt(&self, entry: EntryId, attempt: u32) -> Option<&Progress> {
        self.slots.iter().find(|slot| slot.entry == Some(entry) && slot.attempt == attempt)
    }

    /// Tells whether all that an attempt waits for is the close of its connection.
    pub fn awaits_close(&self, entry: EntryId, attempt: u32) -> bool {
        self.of_attempt(entry, attempt).is_some_and(|slot| slot.awaits.is_some_and(|(wait, _)| wait == Wait::Close))
    }

    /// Returns the slot of a device that is opened or closed without a job.
    pub fn without_job(&self, device: DeviceId) -> Option<&Progress> {
        self.slots.iter().find(|slot| slot.entry.is_none() && slot.device == device)
    }
}

/// The writing end. Only the holder of the process's lock has one.
#[derive(Debug)]
pub struct Writer {
    file: File,
}

impl Writer {
    /// Begins an empty progress file.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = own_file::open(path, File::options().write(true).create(true).truncate(true).mode(0o600))?;
        Ok(Self { file })
    }

    /// Writes a sign of life.
    pub fn heartbeat(&self, pid: u32, boot_ms: i64) -> io::Result<()> {
        let mut slot = Slot::new(HEARTBEAT);
        slot.put(&u64::from(pid).to_le_bytes());
        slot.put(&boot_ms.to_le_bytes());
        self.file.write_all_at(&slot.sealed(), 0)
    }

    /// Writes slot `index`, counted from 1.
    pub fn put(&self, index: usize, progress: &Progress) -> io::Result<()> {
        let mut slot = Slot::new(RUNNING);
        slot.put(&progress.device.0.to_le_bytes());
        slot.put(&progress.entry.map_or(0, |entry| entry.0).to_le_bytes());
        for n in [progress.attempt, progress.document, progress.copy] {
            slot.put(&u64::from(n).to_le_bytes());
        }
        slot.put(&progress.octets.to_le_bytes());
        slot.put(&progress.at_boot_ms.to_le_bytes());
        let stalled = progress.stalled.unwrap_or(Standstill { since_boot_ms: 0, octets: 0 });
        slot.put(&u64::from(progress.stalled.is_some()).to_le_bytes());
        slot.put(&stalled.since_boot_ms.to_le_bytes());
        slot.put(&stalled.octets.to_le_bytes());
        let (wait, since_boot_ms) = progress.awaits.map_or((0, 0), |(wait, since)| (wait.number(), since));
        slot.put(&wait.to_le_bytes());
        slot.put(&since_boot_ms.to_le_bytes());
        slot.put(&u64::from(progress.open).to_le_bytes());
        slot.put(&progress.total.to_le_bytes());
        self.file.write_all_at(&slot.sealed(), (index * SLOT) as u64)
    }

    /// Empties slot `index`.
    pub fn clear(&self, index: usize) -> io::Result<()> {
        self.file.write_all_at(&[0; SLOT], (index * SLOT) as u64)
    }
}

struct Slot {
    bytes: [u8; SLOT],
    at: usize,
}

impl Slot {
    fn new(kind: u32) -> Self {
        let mut slot = Self { bytes: [0; SLOT], at: 0 };
        slot.put(&u64::from(kind).to_le_bytes());
        slot
    }
    fn put(&mut self, value: &[u8; 8]) {
        self.bytes[self.at..self.at + 8].copy_from_slice(value);
        self.at += 8;
    }
    fn sealed(mut self) -> [u8; SLOT] {
        let sum = checksum(&self.bytes[..BODY]);
        self.bytes[BODY..].copy_from_slice(&sum.to_le_bytes());
        self.bytes
    }
}

/// Computes FNV-1a, which is enough to tell a whole slot from a torn one.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, b| (sum ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

fn field(slot: &[u8; SLOT], n: usize) -> u64 {
    slot[n * 8..n * 8 + 8].iter().rev().fold(0, |value, b| value << 8 | u64::from(*b))
}

fn narrow(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Reads the sign of life of a process: its id, and when it gave it (boot clock). None when it never did.
pub fn heartbeat(path: &Path) -> io::Result<Option<(u32, i64)>> {
    let file = match files::open_without_waiting(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut slot = [0u8; SLOT];
    match file.read_exact_at(&mut slot, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let whole = slot[BODY..] == checksum(&slot[..BODY]).to_le_bytes() && narrow(field(&slot, 0)) == HEARTBEAT;
    Ok(whole.then(|| (narrow(field(&slot, 1)), field(&slot, 2).cast_signed())))
}

/// Reads a progress file. Without a file the process never ran, and the snapshot is empty.
pub fn read(path: &Path) -> io::Result<Snapshot> {
    let file = match own_file::open_to_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Snapshot::default()),
        Err(error) => return Err(error),
    };
    let mut found = Snapshot::default();
    // At once: a listing of ten thousand devices reads it for all of them.
    let mut octets = Vec::new();
    file.take(MOST * SLOT as u64).read_to_end(&mut octets)?;
    for (index, slot) in octets.as_chunks::<SLOT>().0.iter().enumerate() {
        let sum = checksum(&slot[..BODY]);
        if slot[BODY..] != sum.to_le_bytes() {
            continue;
        }
        match (index, narrow(field(slot, 0))) {
            (0, HEARTBEAT) => {
                found.pid = narrow(field(slot, 1));
                found.heartbeat_boot_ms = field(slot, 2).cast_signed();
            }
            (1.., RUNNING) => found.slots.push(Progress {
                device: DeviceId(field(slot, 1).cast_signed()),
                entry: Some(EntryId(field(slot, 2).cast_signed())).filter(|entry| entry.0 != 0),
                attempt: narrow(field(slot, 3)),
                document: narrow(field(slot, 4)),
                copy: narrow(field(slot, 5)),
                octets: field(slot, 6),
                at_boot_ms: field(slot, 7).cast_signed(),
                stalled: (field(slot, 8) == 1)
                    .then(|| Standstill { since_boot_ms: field(slot, 9).cast_signed(), octets: field(slot, 10) }),
                awaits: Wait::from_number(field(slot, 11)).map(|wait| (wait, field(slot, 12).cast_signed())),
                open: field(slot, 13) == 1,
                total: field(slot, 14),
            }),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(device: i64) -> Progress {
        Progress {
            device: DeviceId(device),
            entry: (device != 20).then_some(EntryId(9)),
            attempt: 2,
            document: 1,
            copy: 3,
            octets: u64::MAX,
            total: 12,
            at_boot_ms: -1,
            stalled: (device == 30).then_some(Standstill { since_boot_ms: -7, octets: 8 }),
            awaits: (device != 10).then_some((Wait::Reader, -5)),
            open: device == 10,
        }
    }

    #[test]
    fn what_is_written_is_read_and_a_torn_slot_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("progress.spla");
        assert_eq!(read(&path).unwrap(), Snapshot::default());
        let writer = Writer::create(&path).unwrap();
        writer.heartbeat(77, 1234).unwrap();
        writer.put(3, &progress(30)).unwrap();
        writer.put(1, &progress(10)).unwrap();
        let found = read(&path).unwrap();
        assert_eq!((found.pid, found.heartbeat_boot_ms), (77, 1234));
        assert_eq!(found.slots, [progress(10), progress(30)]);
        writer.file.write_all_at(&[5], SLOT as u64 + 40).unwrap();
        assert_eq!(read(&path).unwrap().slots, [progress(30)]);
        writer.clear(3).unwrap();
        assert!(read(&path).unwrap().slots.is_empty());
    }

    /// What a program of version 1 wrote: kind to `at`, and a standstill.
    fn of_version_1(standstill: [u64; 3]) -> [u8; SLOT] {
        let mut slot = Slot::new(RUNNING);
        for value in [7, 9, 2, 1, 1, 400, 5000].into_iter().chain(standstill) {
            slot.put(&u64::to_le_bytes(value));
        }
        slot.sealed()
    }

    #[test]
    fn a_slot_of_the_first_layout_is_read_as_it_was_meant_and_a_wait_of_a_later_version_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        let writer = Writer::create(&path).unwrap();
        writer.file.write_all_at(&of_version_1([1, 4000, 300]), SLOT as u64).unwrap();
        writer.file.write_all_at(&of_version_1([0; 3]), 2 * SLOT as u64).unwrap();
        let mut later = Slot::new(RUNNING);
        (1..=10).for_each(|n| later.put(&u64::to_le_bytes(n)));
        later.put(&9999u64.to_le_bytes());
        later.put(&1u64.to_le_bytes());
        writer.file.write_all_at(&later.sealed(), 3 * SLOT as u64).unwrap();
        let slots = read(&path).unwrap().slots;
        assert_eq!(slots.len(), 3);
        assert!(slots.iter().all(|slot| slot.awaits.is_none() && !slot.open && slot.entry.is_some()), "{slots:?}");
        assert_eq!(slots[0].stalled, Some(Standstill { since_boot_ms: 4000, octets: 300 }));
        assert_eq!((slots[1].stalled, slots[1].octets), (None, 400));
    }

    #[test]
    fn a_wait_is_found_by_its_attempt_or_by_its_device_without_one() {
        let found = Snapshot { slots: vec![progress(10), progress(20)], ..Snapshot::default() };
        assert_eq!(found.of_attempt(EntryId(9), 2), Some(&progress(10)));
        assert_eq!((found.of_attempt(EntryId(9), 3), found.of_attempt(EntryId(0), 2)), (None, None));
        assert_eq!((found.without_job(DeviceId(20)), found.without_job(DeviceId(10))), (Some(&progress(20)), None));
        let now = Moment { wall_ms: 1_000_100, boot_ms: 100, ..crate::spool::testing::clock() };
        assert_eq!(progress(20).awaits_at(&now), Some((Wait::Reader, 999_995)));
    }

    #[test]
    fn anything_else_in_the_file_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        std::fs::write(&path, vec![0xa5; SLOT * 4 + 17]).unwrap();
        assert_eq!(read(&path).unwrap(), Snapshot::default());
    }
}
