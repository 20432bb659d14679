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
//! whose backup is reached only through a paused queue; a job that is held, paused or kept; one that a device has; a part of a
//! broadcast, of which each device has one of its own; a member of a batch, which has one place; what its owner has released at
//! a station, of this server or of another, for he stands there; and what no backup destination supports or can print.
//!
//! Who acts? Whoever does what is due ([`Spool::due`]). A crash before a step leaves the jobs where they were, and the next one
//! moves them.

use std::collections::BTreeSet;

use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::location::{Destination, LocationKind};
use crate::model::state::{DeviceWish, JobState};
use crate::model::{Call, DeviceName, JobId, ServerName};
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::location::LocationRow;
use crate::store::managed::{self, Holder};
use crate::store::{self, Fallible, Lock, Tx};

use super::alter::Place;
use super::supported;
use crate::spool::printing::{claims, wakes};
use crate::spool::{Room, Spool, WakeTarget};

/// How many jobs one transaction moves.
const AT_ONCE: usize = 64;
/// How many transactions one command makes: what is left, the next one does.
const STEPS: u32 = 16;
/// How many entries of a kind are looked at for one that can be moved.
const MOST_LOOKED_AT: u32 = 1000;
/// After how many seconds of failing jobs are moved, where nothing is said.
const USUAL_INTERVAL: i64 = 60;

/// The attributes of a device that decide here.
const ENABLED: &str = "automated-backup-destination-enabled";
const BACKUPS: &str = "backup-destinations";
const INTERVAL: &str = "backup-destination-retry-interval";

impl Spool {
    /// Sends on what waits for devices that have failed. Returns the print processes that have work now.
    pub(super) fn reroute(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        let mut targets = Vec::new();
        for _ in 0..STEPS {
            // Hardly ever has a device failed that has a backup, and every command that writes asks.
            if !self.look(call, |tx| Ok(!store::device::failing_with(tx, BACKUPS)?.is_empty()))? {
                break;
            }
            let spool = self.clone();
            let (moved, more) = self.change(Room::Gives, call, move |tx| spool.reroute_step(&tx.spooler()))?;
            for target in more {
                wakes::add(&mut targets, Some(target));
            }
            if moved < AT_ONCE {
                break;
            }
        }
        Ok(targets)
    }

    /// Moves up to `AT_ONCE` jobs. Returns how many, and the print processes that have work now.
    fn reroute_step(&self, tx: &Tx<'_>) -> Fallible<(usize, Vec<WakeTarget>)> {
        let (mut moved, mut targets) = (0, Vec::new());
        if !claims::is_active(tx)? {
            return Ok((moved, targets));
        }
        for device in store::device::failing_with(tx, BACKUPS)? {
            if managed::switch(tx, Holder::Device(device.id), ENABLED)? != Some(true) || !has_failed_long(tx, &device)?
            {
                continue;
            }
            for backup in backups(tx, self.server(), &device)? {
                let Some(way) = way_to(tx, &backup)? else { continue };
                for id in movable(tx, &device, &backup)? {
                    if moved == AT_ONCE {
                        return Ok((moved, targets));
                    }
                    if self.move_to(tx, id, (&device, &backup), &way)? {
                        moved += 1;
                        wakes::add(&mut targets, backup_process(tx, &backup)?);
                    }
                }
            }
        }
        Ok((moved, targets))
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
/// paused queue: they would wait there.
fn way_to(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<Option<LocationRow>> {
    let mut ways = store::location::of_device(tx, device.id)?;
    ways.retain(|way| way.takes_jobs && !way.whole_group && !way.group.paused);
    let outlet = ways.iter().position(|way| way.kind == LocationKind::Outlet).unwrap_or(0);
    Ok(if ways.is_empty() { None } else { Some(ways.swap_remove(outlet)) })
}

/// Jobs that wait for a device alone, and that its backup can print, in the order in which it would print them. Some of them may not
/// be moved. A paused queue gives none of its jobs away.
fn movable(tx: &Tx<'_>, device: &DeviceRow, backup: &DeviceRow) -> Fallible<Vec<JobId>> {
    let classes = store::job::classes_for(tx, &store::device::carries(&backup.settings))?;
    let order = device.settings.order();
    let mut found = BTreeSet::new();
    let mut jobs = Vec::new();
    for (route, _) in store::device::open_routes(tx, device.id)? {
        tx.lock(Lock::Route(route))?;
        let alone = store::device::some_of_route(tx, route, 2)?.len() < 2;
        for class in &classes {
            let waits = |entry: &EntryRow| entry.only.map_or(alone, |only| only == device.id);
            let entries = store::entry::heads(tx, route, *class, device.id, order, MOST_LOOKED_AT)?;
            for entry in entries.iter().filter(|entry| waits(entry)) {
                if found.insert(entry.job) {
                    jobs.push(entry.job);
                }
            }
        }
    }
    Ok(jobs)
}

fn backup_process(tx: &Tx<'_>, backup: &DeviceRow) -> Fallible<Option<WakeTarget>> {
    backup.settings.process.as_ref().map_or(Ok(None), |process| wakes::target(tx, process))
}
