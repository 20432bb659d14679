//! Choosing the next job of a device.
//!
//! Entries wait in routes; a device compares the heads of its (route, requirement class) pairs, each found by an index. A
//! form it does not carry is passed over and blocks nobody. A job that was begun on a device's file and not ended comes
//! first, whatever arrived since: only while its octets are the last ones can they be taken back. Among the devices of a group an idle one leaves an entry to a
//! faster one that would finish it sooner.

use rusqlite::Connection;

use crate::model::device::{DeviceUri, Exclusive};
use crate::model::order::estimate_ms;
use crate::model::state::{DeviceWish, EntryState, ProcessState};
use crate::model::time::{Moment, SpoolTime};
use crate::model::{ClassId, DeviceId, Failure, RouteId};
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, record};
use crate::store::process::ProcessRow;
use crate::store::{self, Fallible};

use super::device_errors;
use crate::spool::Spool;
use crate::spool::interface::engine::{Claim, ClaimedDocument, Lease, Next};
use crate::spool::interface::records::SpoolerState;

/// How far into a group's queue a device looks for an entry that no other would finish sooner.
const LOOK_AHEAD: u32 = 32;
/// A device that prints this much longer than estimated is not waited for.
const OVERDUE_MS: i64 = 60_000;

/// Whether the spooler prints at all.
pub(crate) fn is_active(db: &Connection) -> Fallible<bool> {
    Ok(store::spool::state(db)? == SpoolerState::Active)
}

/// Whether some queued entry could be claimed by a device that is started and satisfies these classes.
pub(crate) fn is_eligible(db: &Connection, device: DeviceId, classes: &[ClassId]) -> Fallible<bool> {
    for (route, _) in store::device::routes(db, device)? {
        for class in classes {
            if store::entry::any(db, route, *class, device)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn has_eligible(db: &Connection, device: &DeviceRow) -> Fallible<bool> {
    is_eligible(db, device.id, &store::job::classes_for(db, &device.settings.form)?)
}

/// Whether a device gives its print process something to do now.
pub(crate) fn device_has_work(db: &Connection, device: &DeviceRow) -> Fallible<bool> {
    match device.wish {
        DeviceWish::Stopped => Ok(device_errors::restart_at(db, device)?.is_some()),
        DeviceWish::Suspended => Ok(false),
        DeviceWish::Draining => Ok(true),
        DeviceWish::Started => Ok(is_active(db)?
            && (device.settings.exclusive == Exclusive::On || device.error.is_some() || has_eligible(db, device)?)),
    }
}

/// Whether a print process has something to do now.
pub(crate) fn process_has_work(db: &Connection, process: &ProcessRow) -> Fallible<bool> {
    if store::entry::busy(db, process.id)? {
        return Ok(true);
    }
    for device in store::device::of_process(db, &process.name)? {
        if device_has_work(db, &device)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was chosen for a device.
pub(crate) struct Choice {
    /// The entry that it prints next; none may be left to another device.
    pub(crate) entry: Option<EntryRow>,
    /// How many entries wait that it could claim, as far as was looked: none, one, or more.
    pub(crate) waiting: usize,
}

/// The entry that a device prints next, if any. Nothing is left to devices whose print process is not `alive`.
pub(crate) fn choose(
    db: &Connection,
    device: &DeviceRow,
    now: SpoolTime,
    alive: &dyn Fn(&ProcessRow) -> bool,
) -> Fallible<Choice> {
    if let Some(begun) = store::entry::begun_on(db, device.id, &store::device::form_key(&device.settings.form))? {
        return Ok(Choice { entry: Some(begun), waiting: usize::MAX });
    }
    let classes = store::job::classes_for(db, &device.settings.form)?;
    let mut best: Option<EntryRow> = None;
    let mut waiting = 0;
    for (route, is_group) in store::device::routes(db, device.id)? {
        // Its own queue is looked at one further: whether something is left decides what becomes of the connection.
        let limit = if is_group { LOOK_AHEAD } else { 2 };
        // Asked for when the group has something for us: in a group of a thousand devices that print what is sent to each of
        // them, nobody looks at the others.
        let mut others = None;
        for class in &classes {
            let heads = store::entry::heads(db, route, *class, device.id, device.settings.fifo, limit)?;
            if heads.is_empty() {
                continue;
            }
            waiting += heads.len();
            if is_group && others.is_none() {
                others = Some(rivals(db, device, route, now, alive)?);
            }
            let Some(found) = first_for_us(heads, device, others.as_deref().unwrap_or_default()) else { continue };
            if best
                .as_ref()
                .is_none_or(|best| found.sort.place(device.settings.fifo) < best.sort.place(device.settings.fifo))
            {
                best = Some(found);
            }
        }
    }
    Ok(Choice { entry: best, waiting })
}

/// Another device of the group that could take an entry: its speed, and when it will be free, from now.
struct Rival {
    form_key: String,
    speed: u32,
    free_in_ms: i64,
}

/// The healthy other devices of a group.
fn rivals(
    db: &Connection,
    device: &DeviceRow,
    route: RouteId,
    now: SpoolTime,
    alive: &dyn Fn(&ProcessRow) -> bool,
) -> Fallible<Vec<Rival>> {
    let mut found = Vec::new();
    for other in store::device::of_route(db, route)? {
        if other.id == device.id || other.wish != DeviceWish::Started || other.in_error().is_some() {
            continue;
        }
        let Some(process) = &other.settings.process else { continue };
        if store::process::by_name(db, process)?.is_none_or(|p| !alive(&p)) {
            continue;
        }
        let mut free_in_ms = 0;
        if let Some(running) = store::entry::of_device(db, other.id, EntryState::Claimed)?.first() {
            let whole = estimate_ms(running.work, other.settings.speed);
            let passed = now.0 - running.claimed_spool.unwrap_or(now.0);
            if passed > whole.saturating_mul(2).saturating_add(OVERDUE_MS) {
                continue;
            }
            free_in_ms = (whole - passed).max(0);
        }
        found.push(Rival {
            form_key: store::device::form_key(&other.settings.form),
            speed: other.settings.speed,
            free_in_ms,
        });
    }
    Ok(found)
}

/// The first of `heads` that no rival would finish sooner, when each earlier one is left to its rival.
fn first_for_us(heads: Vec<EntryRow>, device: &DeviceRow, rivals: &[Rival]) -> Option<EntryRow> {
    let ours = store::device::form_key(&device.settings.form);
    let mut free: Vec<i64> = rivals.iter().map(|r| r.free_in_ms).collect();
    for entry in heads {
        if entry.only.is_some() {
            return Some(entry);
        }
        let mine = estimate_ms(entry.work, device.settings.speed);
        let sooner = rivals
            .iter()
            .enumerate()
            .filter(|(_, r)| r.form_key == ours)
            .map(|(i, r)| (free[i].saturating_add(estimate_ms(entry.work, r.speed)), i))
            .min();
        match sooner {
            Some((theirs, i)) if theirs < mine => free[i] = theirs,
            _ => return Some(entry),
        }
    }
    None
}

impl Spool {
    /// Whether a print process runs and is well.
    pub(crate) fn is_alive(&self, process: &ProcessRow, now: &Moment) -> bool {
        self.process_state(process, now) == ProcessState::Active
    }

    /// Claims the next eligible job of a device within a transaction. A claim whose reply was lost is found again.
    pub(crate) fn claim_in(&self, db: &Connection, lease: &Lease, device: DeviceId, now: &Moment) -> Fallible<Next> {
        let Some(row) = store::device::by_id(db, device)? else { return Ok(Next::Unknown) };
        if let Some(entry) = store::entry::of_device(db, device, EntryState::Claimed)?.into_iter().next() {
            let ours = entry.claimed_by == Some((lease.process, lease.epoch));
            if !ours {
                return Ok(Next::Unknown);
            }
            let more = has_eligible(db, &row)?;
            return Ok(Next::Job(Box::new(self.as_claim(db, entry, &row, more)?)));
        }
        self.claim_for(db, lease, &row, now)
    }

    /// The same for a device that has no job.
    pub(crate) fn claim_for(&self, db: &Connection, lease: &Lease, row: &DeviceRow, now: &Moment) -> Fallible<Next> {
        let device = row.id;
        if row.wish != DeviceWish::Started {
            return Ok(Next::Unknown);
        }
        let (state, spool_time) = store::spool::state_and_time(db, now)?;
        if state != SpoolerState::Active {
            return Ok(Next::Unknown);
        }
        let alive = |process: &ProcessRow| process.id == lease.process || self.is_alive(process, now);
        let Choice { entry, waiting } = choose(db, row, spool_time, &alive)?;
        let Some(entry) = entry else {
            return Ok(if waiting == 0 { Next::Nothing } else { Next::Unknown });
        };
        let Some(entry) = store::entry::claim(db, entry, device, lease.process, lease.epoch, now, spool_time)? else {
            return Err(Failure::internal("a queued entry was claimed inside another transaction"));
        };
        // Every try of a device in error would be an event of its own: its error is one already.
        if row.error.is_none() || entry.attempt == 1 {
            let why = format!("by {}, attempt {}", row.name.guardian(), entry.attempt);
            record(db, now, Object::Job(entry.job), &format!("${}", lease.name), "claimed", &why)?;
        }
        let claim = self.as_claim(db, entry, row, waiting > 1)?;
        if claim.possible_duplicate && row.error.is_none() {
            let why =
                format!("attempt {} on {}: possible duplicate pages starting at 1", claim.attempt, row.name.guardian());
            record(db, now, Object::Job(claim.job), &format!("${}", lease.name), "possible-duplicate", &why)?;
        }
        Ok(Next::Job(Box::new(claim)))
    }

    fn as_claim(&self, db: &Connection, entry: EntryRow, device: &DeviceRow, more: bool) -> Fallible<Claim> {
        let job = store::job::by_id(db, entry.job)?.ok_or_else(|| Failure::internal("an entry without a job"))?;
        let dir = self.base().server(self.server());
        let documents = store::document::of_job(db, job.id)?
            .into_iter()
            .map(|d| ClaimedDocument {
                id: d.id,
                sequence: d.sequence,
                path: crate::model::job::RawPath(dir.join(&d.store_name)),
                transfer: d.transfer,
                octets: d.identity.size,
                identity: d.identity,
                digest: d.digest,
                format: d.format,
                copies: d.copies,
            })
            .collect();
        // On a file the recorded offset tells exactly what an earlier attempt wrote; anywhere else it may be on paper.
        let on_file = matches!(device.address(), Some(DeviceUri::File(_)));
        let (group, dest) = store::location::names_of(db, job.group, job.location)?;
        Ok(Claim {
            entry: entry.id,
            job: job.id,
            number: job.number,
            device: device.id,
            attempt: entry.attempt,
            documents,
            possible_duplicate: entry.duplicate || (entry.begun.is_some() && !on_file),
            begun: entry.begun,
            begun_separation: entry.begun_separation,
            name: job.name,
            location: dest.map_or_else(|| format!("#{group}"), |dest| format!("#{group}.{dest}")),
            form: job.form,
            owner: job.owner,
            paper: device.paper,
            more,
        })
    }
}
