//! What is wrong with a spool and its objects, found in one look.
//!
//! A trouble is found once, at what causes it: the devices of a print process that died are not each in trouble, and jobs are
//! not named one by one. A device that is slow, busy, or dormant without work is well. Nothing is started or changed, no lock
//! is taken, and no look grows with the number of jobs.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::event::EventWord;
use crate::model::state::{DeviceWish, ProcessState, SpoolerState};
use crate::model::{Call, DeviceId};
use crate::store::event::{Object, last};
use crate::store::health::Oldest;
use crate::store::{self, Fallible, Tx};
use crate::sys::holder;

use super::alive::{Alive, Known};
use super::processes::is_of_process;
use crate::spool::Spool;
use crate::spool::interface::records::{DeviceHealth, Health, ProcessHealth, WaitingJob};

/// What waits for a print process is counted to this.
const MOST_WAITING: u32 = 1_001;
/// The most jobs in print that are named, and one.
const MOST_IN_PRINT: u32 = 6;
/// The started devices of a print process are counted to this.
const MOST_STARTED: u32 = 1_000_000;
/// The most devices and locations that are named.
const MOST: usize = 1000;
/// Jobs that wait for a person are counted up to this number.
const COUNTED: u32 = 1001;
/// So many of them are named.
const NAMED: usize = 20;
/// So many stopped devices are each asked whether something waits for them.
const FEW: usize = 32;
/// Otherwise so many routes for which something waits are followed to their devices.
const ROUTES: u32 = 2_000;
/// Who writes to the spool for longer than this holds others up.
const GATE_MS: i64 = 5_000;

impl Spool {
    /// Looks at the health of the spool.
    pub(crate) fn health(&self, call: &Call) -> Fallible<Health> {
        let (about, statistics) = (self.about(call)?, self.statistics(call)?);
        let summary = self.job_summary(call)?;
        let statuses = self.every_process(call)?;
        let mut health = self.look(call, |tx| {
            let mut alive = Alive::new(self);
            // Whoever drained it is meant, and not that it stopped when the last job had printed.
            let words = [EventWord::Started, EventWord::Drained];
            let by = last(tx, Object::Spool, &words)?.map(|event| (event.who, event.at_ms));
            let oldest = store::health::oldest_waiting(tx)?;
            let mut waiting = None;
            if let Oldest::Job(id) = oldest
                && let Some(job) = store::job::by_id(tx, id)?
            {
                let destination = Self::job_destination(tx, &job)?;
                waiting = Some(WaitingJob { number: job.number, destination, since_ms: job.created_ms });
            }
            let mut processes = Vec::new();
            for status in &statuses {
                processes.extend(process(self, tx, status, &mut alive)?);
            }
            let (devices, more_devices) = self.devices_in_trouble(tx, &mut alive)?;
            let ids = store::health::attention(tx, COUNTED)?;
            let mut attention = Vec::new();
            for id in ids.iter().take(NAMED) {
                attention.extend(store::job::by_id(tx, *id)?.map(|job| (job.number, job.reasons)));
            }
            let mut peers = Vec::new();
            for server in store::remote::known(tx)? {
                let silence = store::remote::silence(tx, &server)?;
                peers.extend(silence.map(|(error, since_ms)| (server, error, since_ms)));
            }
            Ok(Health {
                about: about.clone(),
                statistics,
                summary,
                by,
                oldest: waiting,
                oldest_unknown: oldest == Oldest::Unknown,
                processes,
                devices,
                more_devices,
                attention,
                attention_count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
                parked: store::health::parked(tx, MOST as u32)?,
                peers,
                gate: None,
                certificate: None,
            })
        })?;
        let writer = holder::of(&self.base().write_lock());
        let writer = writer.filter(|writer| call.now.boot_ms - writer.since_boot_ms() > GATE_MS);
        health.gate =
            writer.map(|writer| (writer.words(), call.now.wall_ms - (call.now.boot_ms - writer.since_boot_ms())));
        health.certificate = self.certificate_announcement(&call.now);
        Ok(health)
    }

    fn devices_in_trouble(&self, tx: &Tx<'_>, alive: &mut Alive) -> Fallible<(Vec<DeviceHealth>, bool)> {
        let mut found = Vec::new();
        let spooler = alive.spooler(tx)?;
        for id in self.suspects(tx, alive)? {
            let Some(row) = store::device::by_id(tx, id)? else { continue };
            let process = match &row.settings.process {
                Some(process) => alive.named(tx, process)?,
                None => None,
            };
            let served = process.as_ref().is_none_or(|known| serves(known));
            // What waits is counted only where that is shown.
            let status = self.device_status_counting(tx, row.clone(), alive, 1)?;
            let stands = match row.wish {
                DeviceWish::Started => {
                    served && status.trouble.is_some() && spooler == SpoolerState::Active
                        // A process that does not run although work waits is said of the process.
                        && !status.awaits_process
                }
                // Somebody stopped it: that is trouble when something waits for it.
                DeviceWish::Stopped => status.trouble.is_some() || status.waiting > 0,
                DeviceWish::Suspended => true,
                DeviceWish::Draining => served && status.trouble.is_some(),
            };
            if !stands {
                continue;
            }
            if found.len() == MOST {
                return Ok((found, true));
            }
            let words = [EventWord::Drained, EventWord::Suspended];
            let by = last(tx, Object::Device(id), &words)?.map(|event| (event.who, event.at_ms));
            found.push(DeviceHealth { status: self.device_status(tx, row, alive)?, by });
        }
        Ok((found, false))
    }

    /// Returns the devices of which a closer look may find that they stand, in the order of their names: all that do, and few
    /// others. A closer look at each of ten thousand would take a third of a second.
    fn suspects(&self, tx: &Tx<'_>, alive: &mut Alive) -> Fallible<Vec<DeviceId>> {
        let mut found: BTreeSet<DeviceId> = store::device::with_notes(tx)?.into_iter().collect();
        found.extend(store::device::wished(tx, DeviceWish::Suspended)?);
        // Where few are stopped, each is looked at; else only those for which something waits.
        let stopped = store::device::wished(tx, DeviceWish::Stopped)?;
        let waited = if stopped.len() > FEW { store::device::waited_for(tx, ROUTES)? } else { None };
        found.extend(stopped.into_iter().filter(|id| waited.as_ref().is_none_or(|waited| waited.contains(id))));
        let mut processes: BTreeMap<String, Suspicion> = BTreeMap::new();
        for wish in [DeviceWish::Started, DeviceWish::Draining] {
            for process in store::device::processes_wished(tx, wish)? {
                let suspicion = match processes.entry(process.key()) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.suspicion(tx, alive.named(tx, &process)?.as_deref())),
                };
                match suspicion {
                    Suspicion::All => found.extend(store::device::wished_of(tx, wish, &process)?),
                    Suspicion::These(devices) => found.extend(devices.iter()),
                }
            }
        }
        let mut named = BTreeMap::new();
        for id in found {
            // One of which the process speaks may be gone.
            named.extend(store::device::key_of(tx, id)?.map(|key| (key, id)));
        }
        Ok(named.into_values().collect())
    }

    /// Returns which devices of a print process may stand because of what that says, or is.
    fn suspicion(&self, tx: &Tx<'_>, process: Option<&Known>) -> Suspicion {
        // What is wrong with a process that does not serve its devices is said of that one.
        let Some(known) = process else { return Suspicion::All };
        if !serves(known) {
            return Suspicion::These(BTreeSet::new());
        }
        let troubles = known.troubles(self, tx.now());
        if troubles.iter().any(is_of_process) {
            return Suspicion::All;
        }
        let slots = known.progress(self).slots.iter();
        let waits = slots.filter(|slot| slot.stalled.is_some() || slot.awaits.is_some()).map(|slot| slot.device);
        Suspicion::These(waits.chain(troubles.iter().filter_map(|trouble| trouble.device)).collect())
    }
}

/// Whether a print process is well enough for what is wrong with a device to be the device's own.
fn serves(process: &Known) -> bool {
    matches!(process.pulse.state, ProcessState::Active | ProcessState::Dormant)
        && process.pulse.silent_since_ms.is_none()
}

/// Which devices of a print process deserve a closer look.
enum Suspicion {
    All,
    These(BTreeSet<DeviceId>),
}

/// Returns what is wrong with a print process, if anything is.
fn process(
    spool: &Spool,
    tx: &Tx<'_>,
    status: &crate::model::process::ProcessStatus,
    alive: &mut Alive,
) -> Fallible<Option<ProcessHealth>> {
    let Some(known) = alive.named(tx, &status.name)? else { return Ok(None) };
    let silent_since_ms = known.pulse.silent_since_ms;
    let waits = match status.state {
        ProcessState::Active if silent_since_ms.is_none() && status.error.is_none() => return Ok(None),
        _ => store::waiting::any_for_process(tx, &status.name, status.id)?,
    };
    // One that sleeps for want of work is well.
    if status.state == ProcessState::Dormant && (!waits || alive.spooler(tx)? != SpoolerState::Active) {
        return Ok(None);
    }
    let last_sign_ms = match status.state {
        ProcessState::Dead => known.last_sign_ms(spool, tx.now()),
        _ => None,
    };
    Ok(Some(ProcessHealth {
        status: status.clone(),
        silent_since_ms,
        devices: store::device::started_of_process(tx, &status.name, MOST_STARTED)?,
        last_sign_ms,
        waits,
        waiting: if waits { store::waiting::count_for_process(tx, &status.name, MOST_WAITING)? } else { 0 },
        in_print: store::entry::in_print(tx, status.id, MOST_IN_PRINT)?,
    }))
}
