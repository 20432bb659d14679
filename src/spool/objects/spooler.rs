//! The spooler as a whole: its state and its counts.
//!
//! States: COLD until the first START, ACTIVE after it, DRAIN from SPOOLER DRAIN on, WARM when the last attempt has
//! ended. START makes the spooler ACTIVE again from each of them. Only an ACTIVE spooler takes jobs and begins to print.
//!
//! Who may: only the creator of the spool starts and drains it, and sets MGRACCESS. Anybody looks.
//!
//! A crash: the state is a row, so a drain is still a drain after a crash. The end of an attempt makes the spooler
//! WARM. The attempts of a process that died end when the next process of its name begins.

use std::collections::BTreeSet;

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::job::RawPath;
use crate::model::state::{DeviceWish, EntryState, ProcessState};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock, Tx};

use super::alive::Alive;
use crate::spool::interface::records::{SpoolStatus, SpoolerState};
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Returns the state of the spooler and its counts.
    pub(crate) fn about(&self, call: &Call) -> Fallible<SpoolStatus> {
        self.look(call, |tx| {
            let row = store::spool::row(tx)?;
            let counts = store::spool::counts(tx)?;
            let restored = store::restored::since(tx)?.is_some();
            let mut alive = Alive::new(self);
            let on_devices = on_devices(tx, &mut alive)?;
            let nobody = if row.state == SpoolerState::Active { self.nobody_prints(tx, &mut alive)? } else { None };
            Ok(SpoolStatus {
                spool_id: row.spool_id,
                server: self.server().clone(),
                base: RawPath(self.base().root().to_path_buf()),
                state: row.state,
                creator_uid: row.trust.creator_uid,
                manager_access: row.trust.manager_access,
                jobs: counts.jobs,
                open_jobs: counts.open_jobs,
                printing_jobs: on_devices.printing,
                transferred_jobs: on_devices.transferred,
                devices: counts.devices,
                locations: counts.locations,
                processes: counts.processes,
                prints: row.state == SpoolerState::Active && nobody.is_none(),
                last_error: match (restored, self.base().ballast().exists()) {
                    (true, _) => Some(
                        "spool.db was restored: what it knows is held, nothing is erased until pdfsck --accept"
                            .to_owned(),
                    ),
                    (false, false) => Some("the disk was full: room is being kept for completing jobs".to_owned()),
                    (false, true) => nobody,
                },
            })
        })
    }

    /// Says why work waits and nobody prints it; none when somebody does, or nothing waits. A process that is dormant and has
    /// work is one whose starter died or has not come to it yet: the next command that changes something starts it.
    fn nobody_prints(&self, tx: &Tx<'_>, alive: &mut Alive) -> Fallible<Option<String>> {
        let (mut first, mut more) = (None, 0);
        for row in store::process::list(tx, None)? {
            let Some(known) = alive.named(tx, &row.name)? else { continue };
            if known.pulse.state == ProcessState::Active || !store::waiting::any_for_process(tx, &row.name, row.id)? {
                continue;
            }
            more += 1;
            let name = &row.name;
            first.get_or_insert_with(|| match (known.pulse.state, &row.error, &row.file) {
                (_, Some(error), _) => format!("print process ${name} is in error: {}", error.text),
                (ProcessState::Error, None, _) => format!("print process ${name} hangs"),
                (_, None, None) => format!("print process ${name} is not running: its user starts it"),
                _ => format!("print process ${name} is not running"),
            });
        }
        Ok(first.map(|first| match more {
            1 => format!("{first}; jobs wait for it"),
            n => format!("{first}; jobs wait for it and {} more", n - 1),
        }))
    }

    /// Makes the spooler ACTIVE, and starts the devices that nobody has started or drained yet. Returns the print
    /// processes that have work now.
    pub(crate) fn start_spooler(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        let may_have_entry = self.base().has_fastcnfg();
        let targets = self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            tx.lock(Lock::Spool)?;
            let state = store::spool::row(tx)?.state;
            if state != SpoolerState::Active {
                store::spool::set_state(tx, SpoolerState::Active)?;
                record(tx, Object::Spool, EventWord::Started, &format!("was {}", state.word()))?;
            }
            for device in store::device::untouched(tx, may_have_entry)? {
                store::device::set_wish(tx, device.id, DeviceWish::Started)?;
                record(tx, Object::Device(device.id), EventWord::Started, "SPOOLER START")?;
            }
            with_work(tx)
        })?;
        self.sweep()?;
        Ok(targets)
    }

    /// Drains the spooler: what prints goes on to its end, and nothing else begins. Returns the running print
    /// processes.
    pub(crate) fn drain_spooler(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            tx.lock(Lock::Spool)?;
            if store::spool::row(tx)?.state == SpoolerState::Warm {
                return Ok(Vec::new());
            }
            store::spool::set_state(tx, SpoolerState::Drain)?;
            record(tx, Object::Spool, EventWord::Drained, "")?;
            settle_drain(tx)?;
            running(tx)
        })
    }

    /// Sets whether group managers may handle the jobs of the members of their groups.
    pub(crate) fn set_manager_access(&self, call: &Call, on: bool) -> Fallible<()> {
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            store::spool::set_manager_access(tx, on)?;
            record(tx, Object::Spool, EventWord::Altered, if on { "MGRACCESS ON" } else { "MGRACCESS OFF" })
        })
    }
}

/// The jobs that devices have in truth.
struct OnDevices {
    printing: u64,
    transferred: u64,
}

/// Counts the jobs that devices have: those of epochs that live.
fn on_devices(tx: &Tx<'_>, alive: &mut Alive) -> Fallible<OnDevices> {
    let (mut printing, mut transferred) = (BTreeSet::new(), BTreeSet::new());
    for (job, state, by) in store::entry::jobs_on_devices(tx, u32::MAX)? {
        match alive.truly(tx, state, by)? {
            EntryState::Claimed => printing.insert(job),
            EntryState::Transferred => transferred.insert(job),
            _ => false,
        };
    }
    // A job that is printed by one device and delivered to another one still prints.
    let transferred = transferred.difference(&printing).count() as u64;
    Ok(OnDevices { printing: printing.len() as u64, transferred })
}

/// Makes a draining spooler WARM when no attempt runs any more.
pub(crate) fn settle_drain(tx: &Tx<'_>) -> Fallible<()> {
    tx.lock(Lock::Spool)?;
    if store::spool::state(tx)? == SpoolerState::Drain && !store::entry::any_on_a_device(tx)? {
        store::spool::set_state(tx, SpoolerState::Warm)?;
        record(&tx.spooler(), Object::Spool, EventWord::Stopped, "every attempt has ended")?;
    }
    Ok(())
}

/// Returns the print processes that have a started device with work, or one that is held open.
fn with_work(tx: &Tx<'_>) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for process in store::process::list(tx, None)? {
        if crate::spool::printing::claims::process_has_work(tx, &process)? {
            wakes::add(&mut targets, wakes::target(tx, &process.name)?);
        }
    }
    Ok(targets)
}

/// Returns the print processes that run.
fn running(tx: &Tx<'_>) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for process in store::process::list(tx, None)? {
        if process.running {
            wakes::add(&mut targets, wakes::target(tx, &process.name)?);
        }
    }
    Ok(targets)
}
