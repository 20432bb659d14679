//! Accounting: a line for each job that a device has printed, in `accounting.logs/DEVICE.accounting.log.v1` of the server's
//! directory.
//!
//! States: nothing → a record in the database, in the transaction that ends the job on its device → a line in the log, on
//! disk → the record is forgotten, in the transaction that notes how long the log is with its line. A crash between the last two
//! leaves lines behind that length: those of the oldest records, which are not written again. A crash while lines are written
//! leaves part of one, which is cut off first.
//!
//! A log that cannot be written stops no job and no other log: its records wait, whoever ends the next job or changes something
//! tries again, and the history of its device says once that they wait. One process writes at a time. Where a device has no
//! `log-accounting-data` of its own, the server's counts.
//!
//! Who owns a job? A text that anybody may choose pays no bill: a record names the owner whom a trusted submitter or an operator
//! gave it, and otherwise the user whom the system knows.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::account::Account;
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::time::Moment;
use crate::model::{Call, DeviceName, Failure, FailureKind};
use crate::store::account::Progress;
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record};
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
/// The end of a log in which the end of its last whole line lies: lines are much shorter.
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
        owner: if job.owner_vouched { job.owner.clone() } else { job.user_name.clone() },
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
    /// When a log or the spool cannot be written: the first failure. The other logs are written all the same.
    pub(crate) fn write_accounts(&self, now: &Moment) -> Fallible<()> {
        let call = Call::of_spooler(now);
        if !self.look(&call, store::account::any)? {
            return Ok(());
        }
        let lock = FileLock::exclusive(&self.base().run().join("accounting.lock"), PATIENCE);
        let lock = lock.map_err(|error| Failure::new(FailureKind::Io, format!("accounting.lock: {error}")))?;
        let Some(_lock) = lock else { return Ok(()) };
        let zone = crate::sys::clock::zone(None);
        let (mut after, mut result) = (String::new(), Ok(()));
        loop {
            let devices = self.look(&call, |tx| store::account::devices(tx, &after, AT_ONCE))?;
            let Some(last) = devices.last() else { return result };
            after.clone_from(last);
            for device in devices {
                if let Err(failure) = self.write_log(&call, &device, &zone) {
                    self.change(Room::Gives, &call, {
                        let (device, why) = (device, failure.message.clone());
                        move |tx| waits(tx, &device, &why)
                    })?;
                    result = result.and(Err(failure));
                }
            }
        }
    }

    /// Writes the records of one device.
    fn write_log(&self, call: &Call, device: &str, zone: &TimeZone) -> Fallible<()> {
        let dir = self.base().server(self.server()).join("accounting.logs");
        let failed =
            |error: io::Error| Failure::new(FailureKind::Io, format!("cannot write in {}: {error}", dir.display()));
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let path = dir.join(format!("{device}.accounting.log.v1"));
        loop {
            let (progress, waiting) = self.look(call, |tx| {
                Ok((store::account::progress(tx, device)?, store::account::waiting(tx, device, AT_ONCE)?))
            })?;
            if waiting.is_empty() {
                return Ok(());
            }
            let lines: Vec<String> =
                waiting.iter().map(|one| format!("{}\n", one.1.line(|ms| moment(ms, zone)))).collect();
            let mut log = Log::open(&path).map_err(failed)?;
            // A log of another length holds what a crash left behind the noted one, or it is a new one.
            let written = match progress.size == Some(log.size) {
                true => {
                    log.append(&lines.concat()).map_err(failed)?;
                    lines.len()
                }
                false => log.written(progress.size, &lines).map_err(failed)?,
            };
            let ids: Vec<i64> = waiting.iter().take(written).map(|one| one.0).collect();
            let (device, size) = (device.to_owned(), Some(log.size));
            self.change(Room::Gives, call, move |tx| {
                ids.iter().try_for_each(|id| store::account::forget(tx, *id))?;
                store::account::set_progress(tx, &device, &Progress { size, failed: false })
            })?;
        }
    }
}

/// Notes that the records of a device wait, and says so in its history when they did not before.
fn waits(tx: &Tx<'_>, device: &str, why: &str) -> Fallible<()> {
    let progress = store::account::progress(tx, device)?;
    if progress.failed {
        return Ok(());
    }
    store::account::set_progress(tx, device, &Progress { failed: true, ..progress })?;
    let row = device.parse::<DeviceName>().ok().map(|name| store::device::by_name(tx, &name)).transpose()?.flatten();
    let object = row.map_or(Object::Spool, |row| Object::Device(row.id));
    record(tx, object, EventWord::Remark, &format!("accounting records of {device} wait: {why}"))
}

/// An accounting log that is open to be added to.
struct Log {
    file: File,
    /// Its octets, in whole lines.
    size: u64,
}

impl Log {
    /// Opens a log, makes it where there is none, and cuts off part of a line that a crash left.
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        let from = size.saturating_sub(TAIL);
        let tail = read_from(&file, from, size)?;
        let whole = from + tail.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end as u64 + 1);
        if whole < size {
            file.set_len(whole)?;
        }
        Ok(Self { file, size: whole })
    }

    /// Returns how many of the next lines stand behind the length that is on record: a log that is shorter than that is a new
    /// one, and nothing is known of one of which nothing is on record.
    fn written(&self, noted: Option<u64>, lines: &[String]) -> io::Result<usize> {
        let from = noted.map_or(self.size, |noted| if noted <= self.size { noted } else { 0 });
        let most: u64 = lines.iter().map(|line| line.len() as u64).sum();
        let found = read_from(&self.file, from, self.size.min(from.saturating_add(most)))?;
        let mut rest = found.as_slice();
        let known = lines.iter().take_while(|line| match rest.strip_prefix(line.as_bytes()) {
            Some(more) => {
                rest = more;
                true
            }
            None => false,
        });
        Ok(known.count())
    }

    /// Appends whole lines and brings them to disk.
    fn append(&mut self, lines: &str) -> io::Result<()> {
        // One call for all of them: a reader sees no part of one unless the disk is full.
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        self.size += lines.len() as u64;
        Ok(())
    }
}

/// Reads the octets of a file from one place to another.
fn read_from(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut octets = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
    let read = read_full_at(file, &mut octets, from)?;
    octets.truncate(read);
    Ok(octets)
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
    use crate::model::JobRef;
    use crate::model::event::EventWord;
    use crate::model::field::Field;
    use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
    use crate::model::state::Delivery;
    use crate::spool::interface::operations::Operations;
    use crate::spool::interface::records::EventSubject;
    use crate::spool::testing::{Site, clock, delivered, local, name, user};

    /// A spool that accounts for its jobs, with a second device.
    fn site() -> Site {
        let mut site = Site::printing();
        site.device("LP2", "SPLA", &[]);
        site.route("#OFFICE.BACK", Some("LP2"));
        let server = ManagedObject { class: ManagedClass::Server, name: site.spool.server().to_string() };
        let field = Field::from_stored("log-accounting-data").unwrap();
        let on = ManagedChange { field, edit: ManagedEdit::Set(Value::Boolean(true)) };
        site.local.set_managed(server, vec![on], None).unwrap();
        for device in ["LP1", "LP2"] {
            site.local.start_device(name(device)).unwrap();
        }
        site
    }

    fn log(site: &Site, device: &str) -> std::path::PathBuf {
        let dir = site.spool.base().server(site.spool.server()).join("accounting.logs");
        dir.join(format!("{device}.accounting.log.v1"))
    }

    fn lines(site: &Site, device: &str) -> Vec<String> {
        let text = std::fs::read_to_string(log(site, device)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn owners(site: &Site) -> Vec<String> {
        lines(site, "LP1").iter().map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
    }

    /// Ends a job on its device, and leaves its record in the database.
    fn noted(site: &Site, device: &str, serial: &str) {
        let account = Account {
            device: device.into(),
            owner: "ann".into(),
            serial: serial.into(),
            submitted_ms: 1000,
            completed_ms: 2000,
            pages: 1,
            octets: 2,
            format: "ascii".into(),
            name: "report".into(),
        };
        site.spool.change(Room::Gives, &Call::timeless(), move |tx| store::account::insert(tx, &account)).unwrap();
    }

    fn remarks(site: &mut Site, device: &str) -> usize {
        let events = site.local.events(EventSubject::Device(name(device)), 0).unwrap();
        events.iter().filter(|event| event.what == EventWord::Remark && event.why.contains("accounting")).count()
    }

    #[test]
    fn a_record_names_the_user_whom_the_system_knows_or_whom_a_trusted_one_names() {
        let mut site = site();
        let alive = site.alive("SPLA");
        let bob = user("bob", 4711);
        site.submit_as(bob.clone(), "office.front", |job| job.owner = Some("ann@h1".into()));
        let given = site.submit_as(bob.clone(), "office.front", |_| {}).number;
        let mut his = local(&site.spool, bob);
        let root = crate::model::alter::NewOwner::Uid(0);
        his.alter_job(JobRef::Number(given), vec![crate::model::alter::JobChange::Owner(root)]).unwrap();
        site.submit("office.front", |job| job.owner = Some("carol@h1".into()));
        site.submit("office.front", |_| {});
        for _ in 0..4 {
            let claim = site.claim(&alive, "LP1");
            site.end(&alive, &claim, delivered(Delivery::Sent));
        }
        assert_eq!(owners(&site), ["bob@here", "bob@here", "carol@h1", "ann@here"]);
    }

    #[test]
    fn an_owner_holds_no_control_characters() {
        let mut site = site();
        let refused = site.try_submit("office.front", |job| job.owner = Some("ann\nbob".into()));
        assert_eq!(refused.unwrap_err().kind, FailureKind::BadValue);
    }

    #[test]
    fn a_log_that_cannot_be_written_holds_up_no_other_and_is_told_once() {
        let mut site = site();
        noted(&site, "LP1", "1");
        noted(&site, "LP2", "2");
        // Nothing can be appended to a directory.
        std::fs::create_dir_all(log(&site, "LP1")).unwrap();
        for serial in ["3", "4"] {
            assert!(site.spool.write_accounts(&clock()).is_err());
            noted(&site, "LP2", serial);
        }
        assert!(site.spool.write_accounts(&clock()).is_err());
        assert_eq!((lines(&site, "LP2").len(), remarks(&mut site, "LP1"), remarks(&mut site, "LP2")), (3, 1, 0));
        std::fs::remove_dir(log(&site, "LP1")).unwrap();
        site.spool.write_accounts(&clock()).unwrap();
        assert_eq!((lines(&site, "LP1").len(), lines(&site, "LP2").len()), (1, 3));
        // Another time is told again.
        std::fs::remove_file(log(&site, "LP1")).unwrap();
        std::fs::create_dir(log(&site, "LP1")).unwrap();
        noted(&site, "LP1", "5");
        assert!(site.spool.write_accounts(&clock()).is_err());
        assert_eq!(remarks(&mut site, "LP1"), 2);
    }

    #[test]
    fn the_same_line_twice_is_two_records_and_a_crash_doubles_none() {
        let site = site();
        let write = || site.spool.write_accounts(&clock()).unwrap();
        noted(&site, "LP1", "1");
        write();
        noted(&site, "LP1", "1");
        write();
        noted(&site, "LP1", "1");
        noted(&site, "LP1", "1");
        write();
        assert_eq!(lines(&site, "LP1").len(), 4);
        // A crash after two of three lines and part of the third.
        let before = std::fs::read_to_string(log(&site, "LP1")).unwrap();
        let line = before.lines().next().unwrap();
        for serial in ["1", "1", "2"] {
            noted(&site, "LP1", serial);
        }
        std::fs::write(log(&site, "LP1"), format!("{before}{line}\n{line}\n{}", &line[..9])).unwrap();
        write();
        assert_eq!(lines(&site, "LP1").len(), 7);
        // A log that was taken away begins anew.
        std::fs::remove_file(log(&site, "LP1")).unwrap();
        noted(&site, "LP1", "1");
        noted(&site, "LP1", "1");
        write();
        assert_eq!(lines(&site, "LP1").len(), 2);
    }
}
