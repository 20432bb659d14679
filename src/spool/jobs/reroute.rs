//! Sending on what waits for a device that has failed: backup destinations.
//!
//! States: a device that was told `automated-backup-destination-enabled` and `backup-destinations` fails; when it has been
//! failing for `backup-destination-retry-interval`, what waits for it alone goes to the first of those that can print it, and so
//! does what arrives later, as long as it fails. A job that was assigned to it within its queue is assigned to the other one;
//! any other job goes to the location of the other one, as an arrival there. Nothing comes back by itself: a device that
//! recovers prints what arrives from then on.
//!
//! Which device has failed? One that is in error and closed, or that its error has stopped, or whose print process is in error.
//! One that somebody has stopped, drained or suspended has not: its jobs wait for that person.
//!
//! What stays: a job that any other device of its queue may print; a job of a queue that is paused, which gives none away; one
//! whose backup is reached only through a paused or a secure queue; a job that is held, paused or kept; one that a device has; a part of a
//! broadcast, of which each device has one of its own; a member of a batch, which has one place; what its owner has released at
//! a station, of this server or of another, for he stands there; and what no backup destination supports or can print.
//!
//! What does a job cost that stays? Each command looks at a small number of jobs and notes how far it has come, and the next one
//! goes on from there. So those that no backup supports cost each command the same, however many they are, and those behind them
//! move.
//!
//! Who acts? Whoever does what is due ([`Spool::due`]). A crash before a step leaves the jobs where they were, and the next one
//! moves them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::location::{Destination, LocationKind};
use crate::model::state::{DeviceWish, JobState};
use crate::model::{Call, ClassId, DeviceName, Failure, JobId, ServerName};
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record};
use crate::store::job::{JobRow, Place as QueuePlace};
use crate::store::location::LocationRow;
use crate::store::managed::{self, Holder};
use crate::store::waiting::Run;
use crate::store::{self, Fallible, Lock, Tx};

use super::alter::Place;
use super::supported;
use crate::spool::printing::{claims, wakes};
use crate::spool::{Room, Spool, WakeTarget};

/// How many jobs one transaction looks at.
const LOOKED_AT: u32 = 64;
/// How many transactions one command makes: what is left, the next one does.
const STEPS: u32 = 16;
/// How many of them may move nothing.
const MOST_IN_VAIN: u32 = 2;
/// After how many seconds of failing jobs are moved, where nothing is said.
const USUAL_INTERVAL: i64 = 60;

/// The attributes of a device that decide here.
const ENABLED: &str = "automated-backup-destination-enabled";
pub(super) const BACKUPS: &str = "backup-destinations";
const INTERVAL: &str = "backup-destination-retry-interval";

/// What one step has done.
#[derive(Default)]
struct Step {
    moved: usize,
    /// Whether jobs are left that were not looked at.
    more: bool,
    targets: Vec<WakeTarget>,
}

/// A device that takes over from another one.
struct Backup {
    device: DeviceRow,
    way: LocationRow,
    classes: Vec<ClassId>,
}

/// How far the jobs of a device were looked at: up to a place in one run of entries.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    route: i64,
    class: i64,
    assigned: bool,
    place: QueuePlace,
}

impl Walk {
    /// The beginning of a run.
    fn of(run: &Run) -> Self {
        let place = (i64::MIN, i64::MIN, i64::MIN, i64::MIN);
        Self { route: run.route.0, class: run.class.0, assigned: run.only.is_some(), place }
    }

    fn run(&self) -> (i64, i64, bool) {
        (self.route, self.class, self.assigned)
    }
}

impl Spool {
    /// Sends on what waits for devices that have failed. Returns the print processes that have work now.
    pub(super) fn reroute(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        let (mut targets, mut in_vain) = (Vec::new(), 0);
        for _ in 0..STEPS {
            // Hardly ever has a device failed that has a backup, and every command that writes asks.
            if !self.look(call, |tx| Ok(!store::device::failing_with(tx, BACKUPS)?.is_empty()))? {
                break;
            }
            let spool = self.clone();
            let step = self.change(Room::Gives, call, move |tx| spool.reroute_step(&tx.spooler()))?;
            for target in step.targets {
                wakes::add(&mut targets, Some(target));
            }
            in_vain += u32::from(step.moved == 0);
            if !step.more || in_vain == MOST_IN_VAIN {
                break;
            }
        }
        Ok(targets)
    }

    /// Looks at some of the jobs of each device that has failed, and moves them.
    fn reroute_step(&self, tx: &Tx<'_>) -> Fallible<Step> {
        let mut step = Step::default();
        if !claims::is_active(tx)? {
            return Ok(step);
        }
        let failing = store::device::failing_with(tx, BACKUPS)?;
        // Each of them gets its share: the jobs of one do not keep those of another.
        let share = (LOOKED_AT / u32::try_from(failing.len()).unwrap_or(LOOKED_AT).max(1)).max(1);
        for device in failing {
            if managed::switch(tx, Holder::Device(device.id), ENABLED)? != Some(true) || !has_failed_long(tx, &device)?
            {
                continue;
            }
            let mut found = Vec::new();
            for backup in backups(tx, self.server(), &device)? {
                if let Some(way) = way_to(tx, &backup)? {
                    let classes = store::job::classes_for(tx, &store::device::carries(&backup.settings))?;
                    found.push(Backup { device: backup, way, classes });
                }
            }
            if !found.is_empty() {
                self.reroute_of(tx, &device, &found, share, &mut step)?;
            }
        }
        Ok(step)
    }

    /// Looks at the next `share` jobs of a device, and moves each to the first of its backups that can print it. What stays is
    /// looked at again when all others were.
    fn reroute_of(
        &self,
        tx: &Tx<'_>,
        device: &DeviceRow,
        backups: &[Backup],
        share: u32,
        step: &mut Step,
    ) -> Fallible<()> {
        let stored = store::device::backup_walk(tx, device.id)?;
        // What a newer version has written means the beginning.
        let from = stored.as_deref().and_then(|text| serde_json::from_str::<Walk>(text).ok());
        let order = device.settings.order();
        let (mut left, mut stands) = (share, None);
        for run in runs(tx, device, backups)? {
            let begins = Walk::of(&run);
            let walk = match from {
                Some(from) if from.run() > begins.run() => continue,
                Some(from) if from.run() == begins.run() => from,
                _ => begins,
            };
            if left == 0 {
                stands = Some(walk);
                break;
            }
            tx.lock(Lock::Route(run.route))?;
            let entries = store::waiting::after(tx, &run, order, walk.place, left)?;
            // A run costs something too where nothing waits in it.
            let looked_at = u32::try_from(entries.len()).unwrap_or(left);
            let is_cut = looked_at >= left;
            left = left.saturating_sub(looked_at.max(1));
            let last = entries.last().map(|entry| entry.sort.place(order));
            for entry in entries {
                for backup in backups.iter().filter(|backup| backup.classes.contains(&run.class)) {
                    if self.move_to(tx, entry.job, (device, &backup.device), &backup.way)? {
                        step.moved += 1;
                        wakes::add(&mut step.targets, backup_process(tx, &backup.device)?);
                        break;
                    }
                }
            }
            if let Some(place) = last.filter(|_| is_cut) {
                stands = Some(Walk { place, ..walk });
                break;
            }
        }
        step.more |= stands.is_some();
        if stands != from || stored.is_some() != stands.is_some() {
            let bad = |error: serde_json::Error| Failure::internal(format!("backup_walk: {error}"));
            let text = stands.map(|walk| serde_json::to_string(&walk)).transpose().map_err(bad)?;
            tx.lock(Lock::Device(device.id))?;
            store::device::set_backup_walk(tx, device.id, text.as_deref())?;
        }
        Ok(())
    }

    /// Moves a job from a device to its backup, if it may be moved.
    fn move_to(
        &self,
        tx: &Tx<'_>,
        id: JobId,
        (device, backup): (&DeviceRow, &DeviceRow),
        way: &LocationRow,
    ) -> Fallible<bool> {
        let Some(mut row) = store::job::lock(tx, id)? else { return Ok(false) };
        let (state, _) = Self::job_state(tx, &row)?;
        if state != JobState::Ready
            || row.batch.is_some()
            || store::secure::of_job(tx, id)?.is_some()
            || store::remote::stays(tx, id)?
            || Self::broadcasts(tx, &row)?
        {
            return Ok(false);
        }
        let is_near = store::device::of_route(tx, row.route)?.iter().any(|other| other.id == backup.id);
        let there = match is_near {
            true => row.clone(),
            false => JobRow { group: way.group.id, location: Some(way.id), route: way.route, ..row.clone() },
        };
        let verdict = supported::judge(tx, &there, std::slice::from_ref(backup))?;
        if verdict.is_some_and(|verdict| !verdict.lacking.is_empty()) {
            return Ok(false);
        }
        let why = format!("{} has failed, and {} is its backup", device.name.guardian(), backup.name.guardian());
        if is_near {
            store::entry::set_only(tx, id, Some(backup.id))?;
            record(tx, Object::Job(id), EventWord::Reordered, &format!("on {}: {why}", backup.name.guardian()))?;
            return Ok(true);
        }
        let place = Place {
            destination: Destination::of(way.name.clone(), way.kind),
            group: way.group.id,
            location: Some(way.id),
            route: way.route,
            broadcast: false,
        };
        let from = Self::job_destination(tx, &row)?;
        (row.sort, row.place) =
            self.new_position(tx, place.route, row.priority, (row.work, row.pages), row.deadline_ms)?;
        self.carry(tx, row, &place)?;
        let to = &place.destination;
        record(tx, Object::Job(id), EventWord::Rerouted, &format!("from {from} to {to}: {why}"))?;
        Ok(true)
    }
}

/// Whether a device is failing, and for how long it has to.
fn has_failed_long(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<bool> {
    let Some(since_ms) = failing_since(tx, device)? else { return Ok(false) };
    let interval = match number(tx, device, INTERVAL)? {
        Some(seconds) => seconds,
        None => USUAL_INTERVAL,
    };
    Ok(tx.now().wall_ms.saturating_sub(since_ms) >= interval.saturating_mul(1000))
}

/// Since when a device is failing, wall clock.
fn failing_since(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<Option<i64>> {
    match device.wish {
        DeviceWish::Started => {}
        DeviceWish::Stopped if device.stopped_by_error => {}
        DeviceWish::Stopped | DeviceWish::Draining | DeviceWish::Suspended => return Ok(None),
    }
    if let Some(error) = device.in_error() {
        return Ok(Some(error.since_ms));
    }
    let Some(name) = &device.settings.process else { return Ok(None) };
    let process = store::process::to_change(tx, name)?;
    Ok(process.and_then(|process| process.error).map(|error| error.since_ms))
}

fn number(tx: &Tx<'_>, device: &DeviceRow, attribute: &str) -> Fallible<Option<i64>> {
    let found = managed::named(tx, Holder::Device(device.id), attribute)?;
    Ok(found.into_iter().find_map(|(_, value)| match value {
        Value::Integer(number) => Some(number),
        _ => None,
    }))
}

/// The devices that take over from a device, those that are well, in the order in which they were named.
fn backups(tx: &Tx<'_>, here: &ServerName, device: &DeviceRow) -> Fallible<Vec<DeviceRow>> {
    let mut found: Vec<DeviceRow> = Vec::new();
    for (_, value) in managed::named(tx, Holder::Device(device.id), BACKUPS)? {
        for one in value.each() {
            let Value::Text(name) = one else { continue };
            // What is no name of a device, or the name of one of another server, is nobody here.
            let (server, name) = name.split_once(':').unwrap_or(("", name));
            if !server.is_empty() && !server.eq_ignore_ascii_case(here.as_str()) {
                continue;
            }
            let Ok(name) = name.parse::<DeviceName>() else { continue };
            let Some(row) = store::device::by_name(tx, &name)? else { continue };
            let is_well = row.wish == DeviceWish::Started && failing_since(tx, &row)?.is_none();
            if is_well && row.id != device.id && found.iter().all(|other| other.id != row.id) {
                found.push(row);
            }
        }
    }
    Ok(found)
}

/// The location by which jobs reach a device alone: the one that was made with it, or the first that leads to it. Not one of a
/// paused queue: they would wait there. Nor one of a secure queue: they would be printed with nobody beside the device.
fn way_to(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<Option<LocationRow>> {
    let mut ways = store::location::of_device(tx, device.id)?;
    ways.retain(|way| way.takes_jobs && !way.whole_group && !way.group.paused);
    let mut open = Vec::new();
    for way in ways {
        if crate::spool::secure::arrive::secure_queue(tx, way.group.id)?.is_none() {
            open.push(way);
        }
    }
    let mut ways = open;
    let outlet = ways.iter().position(|way| way.kind == LocationKind::Outlet).unwrap_or(0);
    Ok(if ways.is_empty() { None } else { Some(ways.swap_remove(outlet)) })
}

/// The runs of entries that wait for a device alone, and of which a backup can print some. A paused queue gives none of its jobs
/// away.
fn runs(tx: &Tx<'_>, device: &DeviceRow, backups: &[Backup]) -> Fallible<Vec<Run>> {
    let classes: BTreeSet<ClassId> = backups.iter().flat_map(|backup| backup.classes.iter().copied()).collect();
    let mut runs = Vec::new();
    for (route, _) in store::device::open_routes(tx, device.id)? {
        let alone = store::device::some_of_route(tx, route, 2)?.len() < 2;
        for class in classes.iter().copied() {
            runs.extend(alone.then_some(Run { route, only: None, class }));
            runs.push(Run { route, only: Some(device.id), class });
        }
    }
    Ok(runs)
}

fn backup_process(tx: &Tx<'_>, backup: &DeviceRow) -> Fallible<Option<WakeTarget>> {
    backup.settings.process.as_ref().map_or(Ok(None), |process| wakes::target(tx, process))
}
