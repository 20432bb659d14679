//! Print processes: declaring, starting, deleting, and what becomes of one that died.
//!
//! States, from the row, the lock and the heartbeat of a process: Dormant (not running), Active (it holds its lock),
//! Dead (the row says running, but nobody holds the lock), Error (an error is on record, or the process holds its lock
//! and shows no sign of life, or says that it cannot go on: [`trouble`]). PRINT START ends a process that hangs or cannot
//! go on, and clears an error on record.
//!
//! The same attributes again are no change, whatever the process does.
//!
//! Who may: only the creator of the spool declares, alters, starts and deletes. Anybody looks. Any command that makes
//! work records the death that it finds, and then the process is started again.
//!
//! A crash of a process leaves its row, its claims and a free lock. The claims are given back when the next process of
//! that name begins. The third death within a minute puts the process in error, so that it is not started for ever.

use std::time::Instant;

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::event::{EventDetail, EventWord};
use crate::model::guardian::ProcessError;
use crate::model::process::{PROGRAM_ENDED, ProcessChange, ProcessStatus, is_fastp, program};
use crate::model::state::{DeviceWish, ErrorNote, ProcessState};
use crate::model::time::Moment;
use crate::model::{Failure, FailureKind, ProcessId, ProcessName};
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record, record_with};
use crate::store::process::ProcessRow;
use crate::store::{self, Fallible, Lock};
use crate::sys::circumstances::Circumstances;
use crate::sys::lock::FileLock;
use crate::sys::own_file;
use crate::sys::process::ProcessNote;
use crate::sys::{files, limits, spawn};

use crate::spool::disk::locks;
use crate::spool::printing::{trouble, wakes};
use crate::spool::{Room, Spool, WakeTarget};

/// Three deaths within this time put the process in error.
const DEATHS_WITHIN_MS: i64 = 60_000;

/// Refuses a FILE that names no program of others. It is looked at again whenever the process begins.
fn demand_program(file: &str) -> Result<(), Failure> {
    let no = |why: String| {
        let failure =
            Failure::new(FailureKind::BadValue, format!("FILE {file}: there is no such print process program"));
        let directory = spawn::libexec_dir().map_or_else(|_| String::new(), |dir| format!(" in {}", dir.display()));
        failure.hint(format!("fastp is ours; others lie{directory}: {why}"))
    };
    let Some(name) = program(file) else { return Err(no("FILE is a name, and no path".into())) };
    spawn::libexec_program(&name).map(drop).map_err(no)
}

impl Spool {
    /// Changes the attributes of a print process that is not running, or declares it.
    pub(crate) fn change_process(&self, call: &Call, name: ProcessName, changes: Vec<ProcessChange>) -> Fallible<()> {
        for change in &changes {
            if let ProcessChange::File(file) = change
                && !is_fastp(file)
            {
                demand_program(file)?;
            }
        }
        let spool = self.clone();
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let mut row = match store::process::to_change(tx, &name)? {
                Some(row) => {
                    let mut altered = row.clone();
                    changes.iter().for_each(|change| altered.apply(change));
                    if altered.is_declared_as(&row) {
                        return Ok(());
                    }
                    if spool.runs(&row, tx.now()) {
                        return Err(Failure::new(
                            FailureKind::State,
                            format!("print process ${} is running", row.name),
                        )
                        .hint("its attributes can be altered when it is dormant: drain its devices first"));
                    }
                    row
                }
                None => {
                    super::additions::demand_additions(tx)?;
                    let id = store::process::insert(tx, &name)?;
                    record(tx, Object::Process(id), EventWord::Declared, "")?;
                    store::process::by_id(tx, id)?.ok_or_else(|| Failure::internal("a new process cannot be found"))?
                }
            };
            changes.iter().for_each(|change| row.apply(change));
            store::process::set_attributes(tx, &row)?;
            let altered =
                |change: &ProcessChange| record(tx, Object::Process(row.id), EventWord::Altered, &change.to_string());
            changes.iter().try_for_each(altered)
        })
    }

    /// Clears the errors of a print process and of its online devices. Returns the process, which has to be woken or
    /// started.
    pub(crate) fn start_process(&self, call: &Call, name: ProcessName) -> Fallible<Vec<WakeTarget>> {
        // End a process that hangs, or cannot go on, before its successor opens anything.
        let row = self.look(call, |tx| {
            Self::demand(tx, Right::Configure)?;
            store::process::by_name(tx, &name)?.ok_or_else(|| not_found(&name))
        })?;
        let pulse = self.pulse(&row, &call.now);
        let hangs = pulse.hangs(&call.now);
        let troubled = hangs || self.process_trouble(&row, &call.now).is_some();
        let ended = match row.pid.filter(|_| troubled) {
            Some(pid) if self.end_hung(&row, pid)? && hangs => pulse.silent_since_ms.map(|since_ms| (pid, since_ms)),
            _ => None,
        };

        self.change(Room::Gives, call, move |tx| {
            let row = store::process::to_change(tx, &name)?.ok_or_else(|| not_found(&name))?;
            if let Some((pid, since_ms)) = ended {
                let why = format!("{}: process {pid}", ProcessError::Hung.words());
                record(
                    &tx.spooler().at(&at_wall(tx.now(), since_ms)),
                    Object::Process(row.id),
                    EventWord::Error,
                    &why,
                )?;
                let why = format!("PRINT START ended process {pid}, which hung");
                record(tx, Object::Process(row.id), EventWord::Ended, &why)?;
            }
            store::process::set_error(tx, row.id, None, [None, None])?;
            for device in store::device::of_process(tx, &row.name)? {
                tx.lock(Lock::Device(device.id))?;
                let Some(device) = store::device::by_id(tx, device.id)? else { continue };
                // A device that an error or an operator stopped keeps its error on record.
                let online = matches!(device.wish, DeviceWish::Started | DeviceWish::Draining);
                if online && device.error.is_some() {
                    store::device::set_error(tx, device.id, None)?;
                    record(tx, Object::Device(device.id), EventWord::Recovered, "PRINT START cleared its error")?;
                }
            }
            record(tx, Object::Process(row.id), EventWord::Started, "")?;
            Ok(wakes::target(tx, &row.name)?.into_iter().collect())
        })
    }

    /// Deletes a print process that is not running, drives no online device and has no claims.
    pub(crate) fn delete_process(&self, call: &Call, name: ProcessName) -> Fallible<()> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = store::process::to_change(tx, &name)?.ok_or_else(|| not_found(&name))?;
            if spool.runs(&row, tx.now()) {
                return Err(Failure::new(FailureKind::State, format!("print process ${} is running", row.name))
                    .hint("drain its devices; it goes dormant about two minutes after its last job"));
            }
            let online: Vec<String> = store::device::of_process(tx, &row.name)?
                .into_iter()
                .filter(|d| d.wish != DeviceWish::Stopped)
                .map(|d| d.name.guardian())
                .collect();
            if !online.is_empty() {
                return Err(Failure::new(
                    FailureKind::InUse,
                    format!("${} still drives {}", row.name, online.join(", ")),
                )
                .hint("drain these devices first: DEV $x, DRAIN"));
            }
            if store::entry::busy(tx, row.id)? {
                return Err(Failure::new(
                    FailureKind::InUse,
                    format!("${} died while it printed, its jobs are still claimed", row.name),
                )
                .hint(format!("PRINT ${}, START releases them", row.name)));
            }
            store::process::delete(tx, row.id)?;
            record(tx, Object::Process(row.id), EventWord::Deleted, &format!("${}", row.name))
        })
    }

    /// Returns one page of the print processes, after `after`.
    pub(crate) fn processes(&self, call: &Call, after: Option<ProcessName>) -> Fallible<Vec<ProcessStatus>> {
        let rows = self.look(call, |tx| store::process::list(tx, after.as_ref()))?;
        Ok(rows.into_iter().map(|row| self.process_status(row, &call.now)).collect())
    }

    /// Returns one print process.
    pub(crate) fn process(&self, call: &Call, name: &ProcessName) -> Fallible<ProcessStatus> {
        let row = self.look(call, |tx| store::process::by_name(tx, name)?.ok_or_else(|| not_found(name)))?;
        Ok(self.process_status(row, &call.now))
    }

    /// Returns every print process.
    pub(super) fn every_process(&self, call: &Call) -> Fallible<Vec<ProcessStatus>> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.processes(call, after)?;
            let Some(last) = page.last() else { return Ok(all) };
            after = Some(last.name.clone());
            all.extend(page);
        }
    }

    fn process_status(&self, row: ProcessRow, now: &Moment) -> ProcessStatus {
        let pulse = self.pulse(&row, now);
        let trouble = self.troubles(&row, now).into_iter().next().map(|trouble| trouble_note(&trouble, now));
        let hung = pulse.state == ProcessState::Error && row.error.is_none() && trouble.is_none();
        // Also of one that hangs: whoever looks into it needs to know which it is.
        let pid = row.pid.filter(|_| pulse.lives);
        let circumstances = pid.and_then(|pid| Circumstances::of(pid).ok());
        ProcessStatus {
            error: if trouble.is_some() && row.error.is_none() {
                trouble
            } else if hung {
                Some(ErrorNote {
                    number: ProcessError::Hung.number(),
                    text: ProcessError::Hung.words().to_owned(),
                    since_ms: pulse.silent_since_ms.unwrap_or(now.wall_ms),
                    next_try_ms: None,
                    tries: 0,
                })
            } else {
                row.error
            },
            state: pulse.state,
            id: row.id,
            name: row.name,
            file: row.file,
            parm: row.parm,
            kept: row.kept,
            epoch: row.epoch,
            pid,
            circumstances: circumstances.map(|circumstances| circumstances.troubles()).unwrap_or_default(),
        }
    }

    /// Whether a process of that name holds its lock.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn process_lives(&self, name: &ProcessName) -> std::io::Result<bool> {
        locks::process_lives(self.base(), self.server(), name)
    }

    /// The same for whoever has work for it: one that is just dying does not live.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn process_lives_on(&self, name: &ProcessName) -> std::io::Result<bool> {
        locks::process_lives_on(self.base(), self.server(), name)
    }

    /// Whether a process that runs would have better circumstances if this process started it now, and has nothing on a
    /// device at the moment. When that cannot be told, it stays as it is.
    pub fn could_be_better(&self, id: ProcessId) -> bool {
        let running = |tx: &store::Tx<'_>| {
            let row = store::process::by_id(tx, id)?.filter(|row| row.running);
            Ok(row.and_then(|row| row.pid))
        };
        let Ok(Some(pid)) = self.look(&Call::timeless(), running) else { return false };
        let (Ok(theirs), Ok(ours)) = (Circumstances::of(pid), Circumstances::for_a_child()) else { return false };
        ours.are_better_than(&theirs)
            && self.look(&Call::timeless(), |tx| Ok(!store::entry::busy(tx, id)?)).unwrap_or(false)
    }

    /// What is known of a process, from its row, its lock (probed, never taken) and its heartbeat.
    pub(crate) fn process_state(&self, row: &ProcessRow, now: &Moment) -> ProcessState {
        self.pulse(row, now).state
    }

    /// Returns what a process says that keeps it, or some of its devices, from going on; lasting troubles first. One that is
    /// gone is believed only about why it did not begin.
    pub(crate) fn troubles(&self, row: &ProcessRow, now: &Moment) -> Vec<trouble::Trouble> {
        match trouble::read(&self.base().trouble(&row.name)) {
            Some(note) if self.is_believed(&note, now) => {
                let mut troubles = note.troubles;
                troubles.sort_by_key(|trouble| !is_of_process(trouble));
                troubles
            }
            _ => Vec::new(),
        }
    }

    /// Whether a note is of a process that still lives, or of one that did not begin since this boot.
    fn is_believed(&self, note: &trouble::Note, now: &Moment) -> bool {
        note.boot_id == now.boot_id && self.process_lives(&note.process).unwrap_or(false) != note.over
    }

    /// Returns what keeps a process as a whole from going on.
    pub(crate) fn process_trouble(&self, row: &ProcessRow, now: &Moment) -> Option<ErrorNote> {
        let first = self.troubles(row, now).into_iter().find(is_of_process)?;
        Some(trouble_note(&first, now))
    }

    /// Returns what keeps one device of a process from going on, of the troubles that the process has. A device that lacks
    /// a thread has an error on record, which says the same.
    pub(crate) fn device_trouble(troubles: &[trouble::Trouble], device: &DeviceRow, now: &Moment) -> Option<ErrorNote> {
        let said: Vec<_> =
            troubles.iter().filter(|trouble| !(trouble.what.starved && device.error.is_some())).collect();
        let of_device = said.iter().find(|trouble| trouble.device == Some(device.id));
        let found = of_device.or_else(|| said.iter().find(|trouble| is_of_process(trouble)))?;
        Some(trouble_note(found, now))
    }

    /// Whether it runs, and does not hang: one that cannot go on runs too.
    fn runs(&self, row: &ProcessRow, now: &Moment) -> bool {
        let pulse = self.pulse(row, now);
        pulse.lives && !pulse.hangs(now)
    }

    /// Refuses new jobs while what was printed cannot be recorded: they could not be claimed either.
    pub(crate) fn demand_recordable(&self, now: &Moment) -> Fallible<()> {
        // Jobs that come within a moment are accepted together: what is accepted is on disk, whatever happens to what prints.
        if self.inner.recordable.holds() {
            return Ok(());
        }
        let looked = Instant::now();
        let Ok(notes) = trouble::all(&self.base().run()) else { return Ok(()) };
        for note in notes.into_iter().filter(|note| self.is_believed(note, now)) {
            let Some(found) = note.troubles.into_iter().find(|trouble| trouble.what.lasting) else { continue };
            // One that did not begin has looked once. Was the spool mended since? Then a new one begins.
            if note.over && self.look_for_damage().is_ok() {
                continue;
            }
            let what = format!("no job is accepted, print process ${} cannot go on: {}", note.process, found.what.text);
            return Err(Failure::new(FailureKind::Damaged, what).hint("waiting jobs are kept"));
        }
        self.inner.recordable.found(looked);
        Ok(())
    }

    /// Ends a process that hangs. Returns whether there was one to end.
    fn end_hung(&self, row: &ProcessRow, pid: u32) -> Fallible<bool> {
        let path = self.base().process_lock(&row.name);
        // Is it still the same process, and not another one that got its number? Yes: the lock file names it by number
        // and start time.
        let note: Option<ProcessNote> = own_file::read_text(&path).ok().and_then(|text| text.parse().ok());
        if !note.is_some_and(|note| note.pid == pid && note.is_there()) {
            return Ok(false);
        }
        let Ok(raw) = i32::try_from(pid) else { return Ok(false) };
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(raw), nix::sys::signal::Signal::SIGKILL);
        match FileLock::exclusive(&path, std::time::Duration::from_secs(10)) {
            Ok(Some(_)) => Ok(true),
            Ok(None) => Err(Failure::new(
                FailureKind::Timeout,
                format!("${} hangs and cannot be ended (process {pid})", row.name),
            )
            .hint("it waits inside the kernel, for a disk or device: mend that first")),
            Err(error) => Err(Failure::new(FailureKind::Io, format!("{}: {error}", path.display()))),
        }
    }

    /// Records that a process was found dead: its row says running, but its lock is free. Returns true when it may be
    /// started again. After the third death in a minute the process is in error instead.
    pub fn process_died(&self, id: ProcessId, epoch: u64, now: &Moment) -> Fallible<bool> {
        let last_words = self.last_words().map(|words| format!(": {words}")).unwrap_or_default();
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            let Some(row) = store::process::lock(tx, id)? else { return Ok(false) };
            if row.epoch != epoch || !row.running {
                // Somebody else recorded the death first, or the process has begun again meanwhile.
                return Ok(row.error.is_none());
            }
            store::process::end_epoch(tx, id, epoch)?;
            store::device::close_all(tx, &row.name)?;
            let at = store::spool::time(tx)?.0;
            let same_boot = row.running_boot.as_deref() == Some(tx.now().boot_id.as_str());
            if !same_boot {
                let why = "the machine was restarted";
                record_with(&tx.spooler(), Object::Process(id), EventWord::Ended, EventDetail::Crash, why)?;
                return Ok(true);
            }
            record_with(
                &tx.spooler(),
                Object::Process(id),
                EventWord::Died,
                EventDetail::Crash,
                &format!("process {}{last_words}", row.pid.unwrap_or(0)),
            )?;
            let third = row.deaths[0].is_some_and(|first| at - first < DEATHS_WITHIN_MS);
            let error = third.then(|| ErrorNote {
                number: ProcessError::KeepsDying.number(),
                text: format!("{}{last_words}", ProcessError::KeepsDying.words()),
                since_ms: tx.now().wall_ms,
                next_try_ms: None,
                tries: 3,
            });
            if error.is_some() {
                record(&tx.spooler(), Object::Process(id), EventWord::Error, ProcessError::KeepsDying.words())?;
            }
            store::process::set_error(tx, id, error.as_ref(), [row.deaths[1], Some(at)])?;
            Ok(!third)
        })
    }

    /// Returns what was written at the end of the log when a print process was ended, by the run-time library or by the handler
    /// of the signal, and the cure.
    pub(crate) fn last_words(&self) -> Option<String> {
        let log = files::open_without_waiting(&self.base().log()).ok()?;
        let size = log.metadata().ok()?.len();
        let mut end = vec![0; 1024];
        let n = files::read_full_at(&log, &mut end, size.saturating_sub(1024)).ok()?;
        let text = String::from_utf8_lossy(&end[..n]).into_owned();
        // Lines of the log itself begin with their time: behind the last one of those.
        let after = text.trim_end().lines().rev().map(str::trim).take_while(|line| !line.starts_with("20"));
        after.take(8).find_map(|line| {
            if line.starts_with("memory allocation of") {
                return Some(format!("{line}; {}", limits::no_memory()));
            }
            // "thread 'LP1' has overflowed its stack"
            let told = line.contains("has overflowed its stack")
                || [limits::LACK_OF_MEMORY, PROGRAM_ENDED].iter().any(|start| line.starts_with(start));
            told.then(|| line.chars().take(300).collect())
        })
    }

    /// Records that a process could not be started, or ended early: it is in error until it begins again.
    pub fn process_cannot_start(
        &self,
        id: ProcessId,
        epoch: u64,
        what: ProcessError,
        why: &str,
        now: &Moment,
    ) -> Fallible<()> {
        let why = why.to_owned();
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            // Has somebody else started it meanwhile? Then nothing is wrong.
            if store::process::lock(tx, id)?.is_none_or(|row| row.running || row.epoch != epoch) {
                return Ok(());
            }
            let error = ErrorNote {
                number: what.number(),
                text: format!("{}: {why}", what.words()),
                since_ms: tx.now().wall_ms,
                next_try_ms: None,
                tries: 0,
            };
            store::process::set_error(tx, id, Some(&error), [None, None])?;
            record(&tx.spooler(), Object::Process(id), EventWord::Error, &error.text)
        })
    }
}

/// Whether it keeps the whole process from going on: what is wrong with the spool is wrong for every device.
pub(super) fn is_of_process(trouble: &trouble::Trouble) -> bool {
    trouble.what.lasting || trouble.device.is_none()
}

/// What displays show of a trouble.
fn trouble_note(trouble: &trouble::Trouble, now: &Moment) -> ErrorNote {
    ErrorNote {
        number: if trouble.over { ProcessError::CannotStart } else { trouble.what.error() }.number(),
        text: trouble.what.text.clone(),
        since_ms: now.wall_ms - now.boot_ms.saturating_sub(trouble.since_boot_ms),
        next_try_ms: None,
        tries: trouble.tries,
    }
}

/// The moment at which a thing was seen that is recorded now.
fn at_wall(now: &Moment, wall_ms: i64) -> Moment {
    Moment { wall_ms, boot_ms: now.boot_ms - (now.wall_ms - wall_ms), ..now.clone() }
}

/// Makes the failure for a print process that does not exist.
pub(crate) fn not_found(name: &ProcessName) -> Failure {
    Failure::not_found(format!("print process ${name}")).hint(format!("PRINT ${name}, FILE fastp declares it"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::spool::testing::{Site, name};

    #[test]
    fn a_process_that_got_the_number_of_one_that_hung_is_not_ended() {
        let site = Site::printing();
        let process: ProcessName = name("SPLA");
        let row = site.spool.look(&Call::timeless(), |tx| store::process::by_name(tx, &process)).unwrap().unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let note = ProcessNote::of(child.id()).unwrap();
        let path = site.spool.base().process_lock(&process);
        for other in [ProcessNote { start: note.start - 1, ..note }, ProcessNote { start: 0, ..note }] {
            std::fs::write(&path, other.to_string()).unwrap();
            site.spool.end_hung(&row, child.id()).unwrap();
            assert!(child.try_wait().unwrap().is_none());
        }
        std::fs::write(&path, note.to_string()).unwrap();
        site.spool.end_hung(&row, child.id()).unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "ended by a signal");
    }
}
