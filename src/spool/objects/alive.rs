//! Who is alive: the one answer from which every display says who prints, and that nobody does.
//!
//! A print process that holds its lock is alive; its row and its heartbeat tell the rest. The lock is probed and never
//! taken. A display that shows a thousand jobs or devices asks once for each process, not once for each line: one [`Alive`]
//! belongs to one listing.
//!
//! An entry is on a device while the epoch that claimed it lives. After that its row still says so, until the next process
//! of that name gives it back; displays say what is true, and that is that it waits again.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::model::state::{EntryState, ProcessState, SpoolerState};
use crate::model::time::Moment;
use crate::model::{ProcessId, ProcessName};
use crate::store::entry::Claimant;
use crate::store::process::ProcessRow;
use crate::store::{self, Fallible, Tx};

use crate::spool::Spool;
use crate::spool::jobs::visible::Visible;
use crate::spool::printing::progress::{self, Snapshot};
use crate::spool::printing::trouble::Trouble;

/// A process beats at least every ten seconds. One that has not for this long is not looking at its devices, whatever
/// becomes of it: its printers are not blamed for that.
const BEATS_MS: i64 = 20_000;

/// A process whose heartbeat is older than this hangs.
pub(crate) const HEARTBEAT_MS: i64 = 60_000;

/// What its lock, its row and its heartbeat tell of a print process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// What follows.
    pub(crate) state: ProcessState,
    /// Whether it holds its lock.
    pub(crate) lives: bool,
    /// Since when it has shown no sign of life, wall clock, if it lives and that is long ago.
    pub(crate) silent_since_ms: Option<i64>,
}

impl Pulse {
    /// Tells whether it lives and shows no sign of life for so long that it must be ended.
    pub(crate) fn hangs(&self, now: &Moment) -> bool {
        self.silent_since_ms.is_some_and(|since| now.wall_ms - since > HEARTBEAT_MS)
    }
}

impl Spool {
    /// Takes the pulse of a process.
    pub(crate) fn pulse(&self, row: &ProcessRow, now: &Moment) -> Pulse {
        let lives = self.process_lives(&row.name).unwrap_or(false);
        let same_boot = row.running_boot.as_deref() == Some(now.boot_id.as_str());
        let silent_since_ms = if lives && row.running && same_boot { self.silent_since(row, now) } else { None };
        let pulse = Pulse { state: ProcessState::Active, lives, silent_since_ms };
        let state = match (lives, row.running) {
            _ if row.error.is_some() || self.process_trouble(row, now).is_some() => ProcessState::Error,
            (true, _) if pulse.hangs(now) => ProcessState::Error,
            (true, _) => ProcessState::Active,
            // It did not die: the machine was started again, and the process starts with the next work.
            (false, true) if !same_boot => ProcessState::Dormant,
            (false, true) => ProcessState::Dead,
            (false, false) => ProcessState::Dormant,
        };
        Pulse { state, ..pulse }
    }

    fn silent_since(&self, row: &ProcessRow, now: &Moment) -> Option<i64> {
        let (pid, beat_boot_ms) = progress::heartbeat(&self.base().progress(&row.name)).ok().flatten()?;
        let silent = now.boot_ms - beat_boot_ms;
        (Some(pid) == row.pid && silent > BEATS_MS).then(|| now.wall_ms - silent)
    }
}

/// A print process as one listing knows it.
pub(crate) struct Known {
    /// Its row.
    pub(crate) row: ProcessRow,
    /// Its signs of life.
    pub(crate) pulse: Pulse,
    progress: OnceCell<Snapshot>,
    troubles: OnceCell<Vec<Trouble>>,
}

impl Known {
    /// Returns what it says that keeps it, or some of its devices, from going on.
    pub(crate) fn troubles(&self, spool: &Spool, now: &Moment) -> &[Trouble] {
        self.troubles.get_or_init(|| spool.troubles(&self.row, now))
    }

    /// Returns when it last showed a sign of life, wall clock; none when that is not known any more.
    pub(crate) fn last_sign_ms(&self, spool: &Spool, now: &Moment) -> Option<i64> {
        let (pid, beat_boot_ms) = progress::heartbeat(&spool.base().progress(&self.row.name)).ok().flatten()?;
        let same_boot = self.row.running_boot.as_deref() == Some(now.boot_id.as_str());
        (same_boot && Some(pid) == self.row.pid).then(|| now.wall_ms - (now.boot_ms - beat_boot_ms))
    }

    /// Tells whether this epoch of it is the one that runs.
    pub(crate) fn runs(&self, epoch: u64) -> bool {
        self.pulse.lives && self.row.running && self.row.epoch == epoch
    }

    /// Returns how far its devices are; nothing is known of one that does not live.
    pub(crate) fn progress(&self, spool: &Spool) -> &Snapshot {
        self.progress.get_or_init(|| match self.pulse.lives {
            true => progress::read(&spool.base().progress(&self.row.name)).unwrap_or_default(),
            false => Snapshot::default(),
        })
    }
}

/// The print processes that one listing has asked about.
pub(crate) struct Alive {
    spool: Spool,
    by_name: BTreeMap<String, Option<Rc<Known>>>,
    names: BTreeMap<ProcessId, Option<String>>,
    spooler: Option<SpoolerState>,
    visible: Option<Visible>,
}

impl Alive {
    /// Knows of none yet.
    pub(crate) fn new(spool: &Spool) -> Self {
        Self { spool: spool.clone(), by_name: BTreeMap::new(), names: BTreeMap::new(), spooler: None, visible: None }
    }

    /// Returns the state of the spooler.
    pub(crate) fn spooler(&mut self, tx: &Tx<'_>) -> Fallible<SpoolerState> {
        match self.spooler {
            Some(state) => Ok(state),
            None => Ok(*self.spooler.insert(store::spool::state(tx)?)),
        }
    }

    /// Returns what the caller sees: a listing of devices names the jobs that they print.
    pub(crate) fn visible(&mut self, tx: &Tx<'_>) -> Fallible<&mut Visible> {
        match self.visible {
            Some(ref mut known) => Ok(known),
            None => Ok(self.visible.insert(Visible::of(tx)?)),
        }
    }

    /// Returns the process of that name; none when it is not declared.
    pub(crate) fn named(&mut self, tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<Rc<Known>>> {
        if let Some(known) = self.by_name.get(&name.key()) {
            return Ok(known.clone());
        }
        let row = store::process::by_name(tx, name)?;
        Ok(self.keep(name.key(), row, tx.now()))
    }

    fn keep(&mut self, key: String, row: Option<ProcessRow>, now: &Moment) -> Option<Rc<Known>> {
        let known = row.map(|row| {
            let pulse = self.spool.pulse(&row, now);
            Rc::new(Known { row, pulse, progress: OnceCell::new(), troubles: OnceCell::new() })
        });
        self.by_name.insert(key, known.clone());
        known
    }

    /// Returns the process that claimed an entry, if the epoch that did so still runs.
    pub(crate) fn claimant(&mut self, tx: &Tx<'_>, by: Option<Claimant>) -> Fallible<Option<Rc<Known>>> {
        let Some((process, epoch)) = by else { return Ok(None) };
        let key = match self.names.get(&process) {
            Some(key) => key.clone(),
            None => {
                let row = store::process::by_id(tx, process)?;
                let key = row.as_ref().map(|row| row.name.key());
                self.names.insert(process, key.clone());
                if let Some(key) = &key
                    && !self.by_name.contains_key(key)
                {
                    self.keep(key.clone(), row, tx.now());
                }
                key
            }
        };
        let known = key.and_then(|key| self.by_name.get(&key).cloned().flatten());
        Ok(known.filter(|known| known.runs(epoch)))
    }

    /// Returns what an entry is doing in truth: one that a dead process had waits again.
    pub(crate) fn truly(&mut self, tx: &Tx<'_>, state: EntryState, by: Option<Claimant>) -> Fallible<EntryState> {
        Ok(match state {
            EntryState::Claimed | EntryState::Transferred if self.claimant(tx, by)?.is_none() => EntryState::Queued,
            state => state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::JobState;
    use crate::model::why::{Cause, DeviceCause};
    use crate::spool::interface::operations::Operations;
    use crate::spool::testing::{Site, clock, name, pass};

    #[test]
    fn a_process_that_stands_still_is_not_blamed_on_its_printer_and_hangs_after_a_minute() {
        let mut site = Site::printing();
        let alive = site.alive("SPLA");
        let job = site.job();
        site.claim(&alive, "LP1");
        let cause = |site: &mut Site| match site.local.why(job.clone()).unwrap().causes.remove(0) {
            Cause::Device { cause, .. } => cause,
            other => panic!("{other:?}"),
        };
        let began = clock().wall_ms;
        pass(40);
        assert!(matches!(cause(&mut site), DeviceCause::ProcessSilent { since_ms, .. } if since_ms == began));
        let device = site.local.device(name("LP1")).unwrap();
        assert_eq!(
            device.trouble.map(|trouble| (trouble.word, trouble.since_ms)),
            Some(("process silent".into(), Some(began)))
        );
        assert_eq!(site.local.process(name("SPLA")).unwrap().state, ProcessState::Active);
        pass(21);
        let process = site.local.process(name("SPLA")).unwrap();
        assert_eq!((process.state, process.pid), (ProcessState::Error, Some(77)), "its id is shown while it lives");
        assert_eq!(process.error.map(|error| error.since_ms), Some(began));
        assert!(matches!(cause(&mut site), DeviceCause::ProcessHung { since_ms, .. } if since_ms == began));
        assert_eq!(site.local.job(job.clone()).unwrap().state, JobState::Printing, "it still has the job");
        drop(alive);
        // A child that another test starts at this moment has the lock too, until it has become another program.
        let lock = site.spool.base().process_lock(&name("SPLA"));
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while crate::sys::lock::FileLock::is_held(&lock).unwrap() {
            assert!(std::time::Instant::now() < until, "the lock is never let go of");
            std::thread::yield_now();
        }
        assert_eq!(site.local.process(name("SPLA")).unwrap().pid, None);
        assert_eq!(site.local.job(job).unwrap().state, JobState::Ready);
    }

    #[test]
    fn a_machine_that_was_started_again_killed_nobody() {
        let mut site = Site::printing();
        let alive = site.alive("SPLA");
        let job = site.job();
        site.claim(&alive, "LP1");
        drop(alive);
        let row = |site: &Site| {
            let name: ProcessName = name("SPLA");
            site.spool.look(&crate::model::Call::timeless(), |tx| store::process::by_name(tx, &name)).unwrap().unwrap()
        };
        let later = Moment { boot_id: "another".into(), ..clock() };
        assert_eq!(site.spool.pulse(&row(&site), &clock()).state, ProcessState::Dead);
        assert_eq!(site.spool.pulse(&row(&site), &later).state, ProcessState::Dormant);
        assert_eq!(site.local.job(job).unwrap().state, JobState::Ready);
    }
}
