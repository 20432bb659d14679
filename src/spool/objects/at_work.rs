//! What an operator does to a device at work: CLEAR, JOB n, ALIGN, SKIP and SKIPTO.
//!
//! CLEAR is a hold, or a removal, of the job that the device has, and JOB n puts a job before all others: the spool
//! does both itself, in one transaction, and a print process that dies changes nothing about them. ALIGN, SKIP and SKIPTO
//! are requests, because only the print process can carry them out.
//!
//! States of a request: open → answered, by the print process; refused, when the attempt that it was made about has
//! ended, when its print process died, or when the device goes offline. A request is never carried out twice, and
//! never by an attempt that it was not made about.
//!
//! Who may: the creator of the spool and its operators; CLEAR and JOB n also whom ACCESS OPERATE of the device names; SKIP and
//! SKIPTO also whoever may change the job in print. Anybody waits for an answer.
//!
//! A crash: a request that was committed stays open for the process that it woke or starts; an epoch that ended refuses it.

use std::time::{Duration, Instant};

use crate::model::authority::Right;
use crate::model::event::{EventDetail, EventWord};
use crate::model::request::{Answer, Cleared, DeviceRequest};
use crate::model::state::{DeviceState, DeviceWish, EntryState, HoldReason, Wish};
use crate::model::{Call, DeviceName, Failure, FailureKind, JobRef, RequestId};
use crate::store::batch::Listing;
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, record, record_with};
use crate::store::job::JobRow;
use crate::store::request::Asked;
use crate::store::{self, Fallible, Tx};
use crate::sys::watch::Watch;

use super::alive::Alive;
use super::devices::not_found;
use crate::spool::disk::files;
use crate::spool::jobs::actions::{Aftermath, OwnersGroups, claimants, demand_job, find_to_change};
use crate::spool::printing::{claims, wakes};
use crate::spool::{Room, Spool, WakeTarget};

/// Makes the failure for a device that has no job.
fn no_job(device: &DeviceRow, state: &DeviceState) -> Failure {
    let shown = device.name.guardian();
    let failure = Failure::new(FailureKind::State, format!("device {shown} is {state}: it has no job"));
    match state {
        DeviceState::Waiting => failure.hint(format!("DEV {shown}   shows what waits for it")),
        _ => failure,
    }
}

impl Spool {
    /// Returns the entry that a device has in print; of a device in error the one at which it failed.
    fn loaded(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<Option<EntryRow>> {
        if let Some(entry) = store::entry::of_device(tx, device.id, EntryState::Claimed)?.into_iter().next() {
            return Ok(Some(entry));
        }
        let Some(failed) = device.in_error().and(device.failed) else { return Ok(None) };
        // Another device may have it, or it may be held, by now.
        Ok(store::entry::by_id(tx, failed)?.filter(|entry| entry.state == EntryState::Queued))
    }

    /// Takes the job in print from a device: it is held, or with `remove` it is deleted. Returns which, what of it had
    /// left, and the print processes that have to stop printing it.
    pub(crate) fn clear_device(
        &self,
        call: &Call,
        name: DeviceName,
        remove: bool,
    ) -> Fallible<(Cleared, Vec<WakeTarget>)> {
        let spool = self.clone();
        let (cleared, aftermath) = self.change(Room::Gives, call, move |tx| {
            let device = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &device)? })?;
            let Some(entry) = Self::loaded(tx, &device)? else {
                if store::request::any_for_device(tx, device.id)? {
                    let why = format!("DEV {}, CLEAR", device.name.guardian());
                    store::request::refuse_of_device(tx, device.id, &why)?;
                    record(tx, Object::Device(device.id), EventWord::Cleared, "the alignment page")?;
                    let process = device.settings.process.as_ref();
                    let target = process.map(|process| wakes::target(tx, process)).transpose()?.flatten();
                    let aftermath = Aftermath { erase: Vec::new(), targets: target.into_iter().collect() };
                    return Ok((Cleared { job: None, gone: None, running: false }, aftermath));
                }
                return Err(no_job(&device, &spool.device_status(tx, device.clone(), &mut Alive::new(&spool))?.state));
            };
            let job = store::job::lock(tx, entry.job)?.ok_or_else(|| Failure::internal("an entry without a job"))?;
            let gone = if entry.state == EntryState::Claimed { spool.gone(&device, &entry) } else { None };
            let running = entry.state == EntryState::Claimed;
            let shown = device.name.guardian();
            let why = if remove { format!("DEV {shown}, CLEAR DEL") } else { format!("DEV {shown}, CLEAR") };
            let aftermath = spool.clear_job(tx, &job, remove, &why)?;
            record(tx, Object::Device(device.id), EventWord::Cleared, &format!("job {}", job.number))?;
            Ok((Cleared { job: Some(job.number), gone, running }, aftermath))
        })?;
        files::erase(&self.base().server(self.server()), &aftermath.erase);
        Ok((cleared, aftermath.targets))
    }

    /// Holds or deletes a job, as whoever clears its device asks.
    fn clear_job(&self, tx: &Tx<'_>, job: &JobRow, remove: bool, why: &str) -> Fallible<Aftermath> {
        if !remove {
            store::job::set_reasons(tx, job.id, job.reasons.with(HoldReason::Operator), job.reason_text.as_deref())?;
            store::entry::withdraw(tx, job.id)?;
            record_with(tx, Object::Job(job.id), EventWord::Held, EventDetail::Hold(HoldReason::Operator), why)?;
        } else {
            super::fonts::demand_no_font(tx, job)?;
            store::job::set_wish(tx, job.id, Wish::Cancel)?;
            store::entry::withdraw(tx, job.id)?;
            record(tx, Object::Job(job.id), EventWord::Deleted, why)?;
        }
        let entries = store::entry::of_job(tx, job.id)?;
        let busy = entries.iter().any(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred));
        let erase = if remove && !busy { Self::finish(tx, job, None, "cancelled")? } else { Vec::new() };
        Ok(Aftermath { erase, targets: claimants(tx, &entries)? })
    }

    /// Makes a job the next one of a device, whatever the priorities of the others. It must be queued there. A job of a group
    /// is kept to this device, until it comes back from it, is started again or takes another place, or the device takes no
    /// more jobs.
    pub(crate) fn next_job(&self, call: &Call, name: DeviceName, job: &JobRef) -> Fallible<()> {
        let (spool, job) = (self.clone(), job.clone());
        self.change(Room::Gives, call, move |tx| {
            let device = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &device)? })?;
            let mut row = find_to_change(tx, &spool, &job)?;
            let shown = device.name.guardian();
            let refuse = |why: &str| Failure::new(FailureKind::State, format!("job {} {why}", row.number));
            let routes = store::device::routes(tx, device.id)?;
            let here = |entry: &EntryRow| {
                routes.iter().any(|(route, _)| *route == entry.route) && entry.only.is_none_or(|only| only == device.id)
            };
            let entries = store::entry::of_job(tx, row.id)?;
            if entries.iter().any(|e| e.state == EntryState::Claimed && e.device == Some(device.id)) {
                return Err(refuse(&format!("prints on {shown} already")));
            }
            let Some(entry) = entries.iter().find(|entry| entry.state == EntryState::Queued && here(entry)) else {
                return Err(refuse(&format!("is not queued for {shown}"))
                    .hint(format!("DEV {shown}   shows the jobs that are; JOB {}, WHY   where it is", row.number)));
            };
            if !store::job::classes_for(tx, &store::device::carries(&device.settings))?.contains(&entry.class) {
                return Err(refuse(&format!("needs another form than {shown} carries"))
                    .hint(format!("the job's form is '{}', the device's '{}'", row.form, device.settings.form)));
            }
            // Sequence numbers only ascend, so the job that is promoted later gets the smaller key.
            row.sort.promoted = -store::spool::next_sequence(tx)?;
            store::job::set_sort(tx, row.id, &row.sort, row.place)?;
            store::alter::rekey_entries(tx, &row)?;
            // In a group another device would take it. What belongs together stays together. A device that takes no jobs keeps
            // none from the others.
            let takes = matches!(device.wish, DeviceWish::Started | DeviceWish::Suspended);
            if takes && entry.only.is_none() && routes.contains(&(entry.route, true)) {
                match row.batch {
                    Some(member) => {
                        let all = Listing { number: member.number, end: i64::MAX };
                        store::batch::keep_to(tx, &all, device.id)?;
                    }
                    None => store::entry::keep_to(tx, entry, device.id)?,
                }
            }
            record(tx, Object::Job(row.id), EventWord::Promoted, &format!("DEV {shown}, JOB {}", row.number))
        })
    }

    /// Asks the print process of a device for something that only it can do. Returns the request, and the process.
    pub(crate) fn ask_device(
        &self,
        call: &Call,
        name: DeviceName,
        what: DeviceRequest,
    ) -> Fallible<(RequestId, Vec<WakeTarget>)> {
        let owner = self.owner_in_print(call, &name)?;
        let spool = self.clone();
        self.change(Room::Takes, call, move |tx| {
            tx.lock(store::Lock::Spool)?;
            let device = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            let process = match &device.settings.process {
                Some(process) => wakes::target(tx, process)?,
                None => None,
            };
            let shown = device.name.guardian();
            let process = process
                .ok_or_else(|| Failure::new(FailureKind::State, format!("device {shown} has no print process")))?;
            let attempt = match what {
                DeviceRequest::Align => {
                    Self::demand(tx, Right::Configure)?;
                    demand_free(tx, &device)?;
                    None
                }
                DeviceRequest::Skip(_) | DeviceRequest::SkipTo(_) => {
                    Some(spool.demand_in_print(tx, &device, owner.as_ref())?)
                }
            };
            // One that is not running begins its next epoch with this.
            let epoch = if process.running { process.epoch } else { process.epoch + 1 };
            let asked = Asked { device: device.id, attempt, process: (process.id, epoch) };
            let id = store::request::insert(tx, &asked, what)?;
            record(tx, Object::Device(device.id), EventWord::Requested, &what.to_string())?;
            Ok((id, vec![process]))
        })
    }

    /// Finds the groups of the owner of the job in print, where they decide.
    fn owner_in_print(&self, call: &Call, name: &DeviceName) -> Fallible<Option<OwnersGroups>> {
        let job = self.look(call, |tx| {
            let device = store::device::by_name(tx, name)?.ok_or_else(|| not_found(tx, name))?;
            let entry = store::entry::of_device(tx, device.id, EntryState::Claimed)?.into_iter().next();
            let job = entry.map(|entry| store::job::by_id(tx, entry.job)).transpose()?.flatten();
            Ok(job.map(|job| JobRef::Number(job.number)))
        })?;
        match job {
            Some(job) => self.owners_groups(call, &job),
            None => Ok(None),
        }
    }

    /// Demands that a device has a job that the caller may change. Returns its attempt.
    fn demand_in_print(
        &self,
        tx: &Tx<'_>,
        device: &DeviceRow,
        owner: Option<&OwnersGroups>,
    ) -> Fallible<(crate::model::EntryId, u32)> {
        let Some(entry) = store::entry::of_device(tx, device.id, EntryState::Claimed)?.into_iter().next() else {
            let state = self.device_status(tx, device.clone(), &mut Alive::new(self))?.state;
            let failure = no_job(device, &state);
            return Err(match state {
                DeviceState::DevError(_) => {
                    failure.hint("its job is back in the queue, and begins with its first page")
                }
                _ => failure,
            });
        };
        let job = store::job::lock(tx, entry.job)?.ok_or_else(|| Failure::internal("an entry without a job"))?;
        demand_job(tx, &job, owner)?;
        Ok((entry.id, entry.attempt))
    }

    /// Waits until a request is answered, or until `timeout`. A commit wakes the wait; nothing is polled.
    pub(crate) fn await_answer(&self, id: RequestId, timeout: Duration, again: &dyn Fn() -> Call) -> Fallible<Answer> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let answer = self.look(&again(), |tx| store::request::answer_of(tx, id))?;
            let answer = answer.ok_or_else(|| Failure::not_found("the request"))?;
            let left = deadline.saturating_duration_since(Instant::now());
            if answer != Answer::Requested || left.is_zero() {
                return Ok(answer);
            }
            watch.wait(left).map_err(io)?;
        }
    }
}

/// Demands that a device can print a page of ours: it is online and has no job, and no other such request is open.
fn demand_free(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<()> {
    let shown = device.name.guardian();
    let refuse = |why: &str| Failure::new(FailureKind::State, format!("device {shown} {why}"));
    if !claims::is_active(tx)? {
        return Err(Failure::new(FailureKind::SpoolerState, "nothing prints before SPOOLER, START"));
    }
    if !matches!(device.wish, DeviceWish::Started | DeviceWish::Suspended) {
        return Err(refuse("is offline").hint(format!("DEV {shown}, START   first")));
    }
    if !store::entry::of_device(tx, device.id, EntryState::Claimed)?.is_empty() {
        return Err(refuse("has a job, which stands in the middle of a page")
            .hint(format!("DEV {shown}, CLEAR   takes it off the device")));
    }
    if store::request::any_for_device(tx, device.id)? {
        return Err(refuse("prints an alignment page already"));
    }
    Ok(())
}
