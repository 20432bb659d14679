//! Accounting: a line for each job that a device has printed, in `accounting.logs/DEVICE.accounting.log.v1` of the server's
//! directory.
//!
//! States: nothing → a record in the database, in the transaction that ends the job on its device → a line in the log, on
//! disk → the record is forgotten. A crash between the last two leaves a record whose line is there: it is found at the end
//! of the log and not written again. A crash while a line is written leaves part of one, which is cut off first.
//!
//! A log that cannot be written stops no job: its records wait, and whoever ends the next job or changes something tries
//! again. One process writes at a time. Where a device has no `log-accounting-data` of its own, the server's counts.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::account::Account;
use crate::model::field::{Field, Value};
use crate::model::time::Moment;
use crate::model::{Call, Failure, FailureKind};
use crate::store::device::DeviceRow;
use crate::store::job::JobRow;
use crate::store::managed::{self, Holder};
use crate::store::{self, Fallible, Tx};
use crate::sys::files::read_full_at;
use crate::sys::lock::FileLock;

use crate::spool::{Room, Spool};

/// How many records are written at once.
const AT_ONCE: u32 = 64;
/// The stack of the thread that writes for a device.
const STACK: usize = 1 << 20;
/// Whoever else writes is done in less.
const PATIENCE: Duration = Duration::from_millis(200);
/// The end of a log in which a record is looked for: more than any process writes at once.
const TAIL: u64 = 256 << 10;

/// Whether jobs of a device are accounted for.
fn is_wanted(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<bool> {
    let field = Field::from_stored("log-accounting-data");
    for holder in [Holder::Device(device.id), Holder::Spool] {
        let found = managed::of(tx, holder)?.into_iter().find(|one| Some(one.0) == field);
        if let Some((_, Value::Boolean(on))) = found {
            return Ok(on);
        }
    }
    Ok(false)
}

/// Keeps a record of a job that `device` has printed, where it is wanted.
pub(crate) fn note(tx: &Tx<'_>, job: &JobRow, device: &DeviceRow, octets: u64) -> Fallible<()> {
    if !is_wanted(tx, device)? {
        return Ok(());
    }
    let first = store::document::of_job(tx, job.id)?.into_iter().next();
    let account = Account {
        device: device.name.to_string(),
        owner: job.owner.clone(),
        serial: job.serial.to_string(),
        submitted_ms: job.created_ms,
        completed_ms: tx.now().wall_ms,
        pages: job.pages.unwrap_or(0),
        octets,
        format: first.map_or_else(String::new, |document| document.format.keyword().to_owned()),
        name: job.name.clone(),
    };
    store::account::insert(tx, &account)
}

impl Spool {
    /// Does what [`Spool::write_accounts`] does, for a thread of a device: its stack is too small for that.
    ///
    /// # Errors
    /// As there, or when no thread can be started.
    pub(crate) fn write_accounts_aside(&self, now: &Moment) -> Fallible<()> {
        let (spool, now) = (self.clone(), now.clone());
        let writing = std::thread::Builder::new().name("accounting".to_owned()).stack_size(STACK);
        let writing = writing.spawn(move || spool.write_accounts(&now));
        let writing = writing.map_err(|error| Failure::new(FailureKind::Io, format!("accounting: {error}")))?;
        writing.join().unwrap_or_else(|_| Err(Failure::internal("accounting has panicked")))
    }

    /// Writes the records that wait into their logs. What cannot be written now waits for the next time.
    ///
    /// # Errors
    /// When a log or the spool cannot be written.
    pub(crate) fn write_accounts(&self, now: &Moment) -> Fallible<()> {
        let call = Call::of_spooler(now);
        if !self.look(&call, store::account::any)? {
            return Ok(());
        }
        let dir = self.base().server(self.server()).join("accounting.logs");
        let failed =
            |error: io::Error| Failure::new(FailureKind::Io, format!("cannot write in {}: {error}", dir.display()));
        let mut making = DirBuilder::new();
        match making.mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let lock = FileLock::exclusive(&self.base().run().join("accounting.lock"), PATIENCE).map_err(failed)?;
        let Some(_lock) = lock else { return Ok(()) };
        let zone = crate::sys::clock::zone(None);
        loop {
            let waiting = self.look(&call, |tx| store::account::waiting(tx, AT_ONCE))?;
            if waiting.is_empty() {
                return Ok(());
            }
            for (_, account) in &waiting {
                let path = dir.join(format!("{}.accounting.log.v1", account.device));
                append(&path, &account.line(|ms| moment(ms, &zone))).map_err(failed)?;
            }
            let ids: Vec<i64> = waiting.iter().map(|one| one.0).collect();
            self.change(Room::Gives, &call, move |tx| ids.iter().try_for_each(|id| store::account::forget(tx, *id)))?;
        }
    }
}

/// Appends a line to a log and brings it to disk, unless it is there.
fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut log = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let size = log.metadata()?.len();
    let from = size.saturating_sub(TAIL);
    let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
    let read = read_full_at(&log, &mut tail, from)?;
    tail.truncate(read);
    let whole = tail.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
    if whole < tail.len() {
        cut(&log, from + whole as u64)?;
    }
    if tail[..whole].split(|octet| *octet == b'\n').any(|known| known == line.as_bytes()) {
        return Ok(());
    }
    // One call for the whole line: a reader sees no part of one unless the disk is full.
    log.write_all(format!("{line}\n").as_bytes())?;
    log.sync_data()
}

/// Cuts off part of a line that a crash left.
fn cut(log: &File, size: u64) -> io::Result<()> {
    log.set_len(size)
}

/// A moment in UTC, and its date and time in the zone of this machine.
fn moment(ms: i64, zone: &TimeZone) -> [String; 3] {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    let (utc, local) = (at.to_zoned(TimeZone::UTC), at.to_zoned(zone.clone()));
    [
        utc.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        local.strftime("%Y-%m-%d").to_string(),
        local.strftime("%H:%M:%S").to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_there_is_not_written_again_and_part_of_one_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        append(&path, "one").unwrap();
        append(&path, "two").unwrap();
        append(&path, "one").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        append(&path, "three").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }
}
