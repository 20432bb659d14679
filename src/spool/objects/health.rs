//! What is wrong with a spool and its objects, found in one look.
//!
//! A trouble is found once, at what causes it: the devices of a print process that died are not each in trouble, and jobs are
//! not named one by one. A device that is slow, busy, or dormant without work is well. Nothing is started or changed, no lock
//! is taken, and no look grows with the number of jobs.

use crate::model::Call;
use crate::model::event::EventWord;
use crate::model::state::{DeviceWish, ProcessState, SpoolerState};
use crate::store::event::{Object, last};
use crate::store::health::Oldest;
use crate::store::{self, Fallible, Tx};
use crate::sys::holder;

use super::alive::Alive;
use crate::spool::Spool;
use crate::spool::interface::records::{DeviceHealth, Health, ProcessHealth, WaitingJob};

/// What waits for a print process is counted to this.
const MOST_WAITING: u32 = 1_001;
/// The most jobs in print that are named, and one.
const MOST_IN_PRINT: u32 = 6;
/// The most devices and locations that are named.
const MOST: usize = 1000;
/// Jobs that wait for a person are counted up to this number.
const COUNTED: u32 = 1001;
/// So many of them are named.
const NAMED: usize = 20;
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
        let (mut found, mut after) = (Vec::new(), None);
        let spooler = alive.spooler(tx)?;
        loop {
            let page = store::device::list(tx, after.as_ref())?;
            let Some(end) = page.last() else { return Ok((found, false)) };
            after = Some(end.name.clone());
            for row in page {
                let process = match &row.settings.process {
                    Some(process) => alive.named(tx, process)?,
                    None => None,
                };
                // What is wrong with its process is said of that one.
                let served = process.as_ref().is_none_or(|known| {
                    matches!(known.pulse.state, ProcessState::Active | ProcessState::Dormant)
                        && known.pulse.silent_since_ms.is_none()
                });
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
                let id = row.id;
                let words = [EventWord::Drained, EventWord::Suspended];
                let by = last(tx, Object::Device(id), &words)?.map(|event| (event.who, event.at_ms));
                found.push(DeviceHealth { status: self.device_status(tx, row, alive)?, by });
            }
        }
    }
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
    let devices = store::device::of_process(tx, &status.name)?;
    let started = devices.iter().filter(|device| device.wish == DeviceWish::Started).count();
    let last_sign_ms = match status.state {
        ProcessState::Dead => known.last_sign_ms(spool, tx.now()),
        _ => None,
    };
    Ok(Some(ProcessHealth {
        status: status.clone(),
        silent_since_ms,
        devices: u32::try_from(started).unwrap_or(u32::MAX),
        last_sign_ms,
        waits,
        waiting: if waits { store::waiting::count_for_process(tx, &status.name, MOST_WAITING)? } else { 0 },
        in_print: store::entry::in_print(tx, status.id, MOST_IN_PRINT)?,
    }))
}
