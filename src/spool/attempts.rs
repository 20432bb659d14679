//! The ends of attempts, and what was seen at devices: the spool as a print process sees it, second half.

use rusqlite::Connection;

use crate::model::device::DeviceUri;
use crate::model::state::{Delivery, DeviceWish, EntryState, HoldReason, Wish};
use crate::model::time::Moment;
use crate::model::{DeviceId, Failure};
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, is_recorded, record};
use crate::store::job::JobRow;
use crate::store::{self, Fallible};

use super::engine::{AttemptEnd, Claim, Lease, Observation, Remembered, Settlement};
use super::records::SpoolerState;
use super::spooler::settle_drain;
use super::{Spool, device_errors};

/// What an ended attempt leaves to do once its transaction is committed.
pub(super) type Erase = Vec<String>;

fn missing(what: &str) -> Failure {
    Failure::internal(format!("{what} is gone while its claim stands"))
}

/// The entry and job of a claim that still stands; none when its end was recorded before (a lost reply).
fn standing(db: &Connection, lease: &Lease, claim: &Claim) -> Fallible<Option<(EntryRow, JobRow, DeviceRow)>> {
    let Some(entry) = store::entry::by_id(db, claim.entry)? else { return Ok(None) };
    let ours = entry.state == EntryState::Claimed
        && entry.claimed_by == Some((lease.process, lease.epoch))
        && entry.attempt == claim.attempt;
    if !ours {
        return Ok(None);
    }
    let job = store::job::by_id(db, entry.job)?.ok_or_else(|| missing("a job"))?;
    let device = store::device::by_id(db, claim.device)?.ok_or_else(|| missing("a device"))?;
    Ok(Some((entry, job, device)))
}

impl Spool {
    /// Records the end of an attempt within a transaction.
    pub(super) fn end_in(
        &self,
        db: &Connection,
        lease: &Lease,
        claim: &Claim,
        end: &AttemptEnd,
        now: &Moment,
    ) -> Fallible<Erase> {
        let Some((entry, job, device)) = standing(db, lease, claim)? else { return Ok(Vec::new()) };
        if !end.touched() {
            store::entry::clear_begun(db, entry.id)?;
        }
        let who = format!("${}", lease.name);
        let shown = device.name.guardian();
        let note = |what: &str, why: &str| record(db, now, Object::Job(job.id), &who, what, why);
        let on_file = matches!(device.address(), Some(DeviceUri::File(_)));
        let mut erase = Vec::new();
        match end {
            AttemptEnd::Delivered { delivery, octets, paper, remark } => {
                // A printer that takes jobs and gives them back has not recovered: they are settled first.
                if *delivery != Delivery::Transferred {
                    device_errors::recovered(db, &device, &who, now)?;
                }
                store::device::set_paper(db, device.id, *paper)?;
                // A job that came back after its transfer is delivered again; what is to be said of it is said once.
                if let Some(remark) = remark
                    && !is_recorded(db, Object::Job(job.id), "remark", remark)?
                {
                    note("remark", remark)?;
                }
                note(delivery.word(), &format!("{octets} octets to {shown}"))?;
                if *delivery == Delivery::Transferred {
                    store::entry::set_transferred(db, entry.id, *octets)?;
                } else {
                    erase = Self::entry_done(db, &entry, &job, &device, delivery.word(), &who, now)?;
                }
            }
            AttemptEnd::DeviceFailed { error, touched } => {
                if device.error.as_ref().is_none_or(|known| known.number != error.number || known.text != error.text) {
                    note("returned", &format!("{shown}: {}", error.text))?;
                }
                device_errors::failed(db, &device, error, &who, now)?;
                erase = Self::give_back(db, &entry, &job, *touched && !on_file, now)?;
            }
            AttemptEnd::DataFailed { reason, text, moved, touched } => {
                let reasons = job.reasons.with(*reason);
                store::job::set_reasons(db, job.id, reasons, Some(text))?;
                store::entry::withdraw(db, job.id)?;
                if let Some((document, path)) = moved {
                    let dir = self.base().server(self.server());
                    let name = path.0.strip_prefix(&dir).unwrap_or(&path.0).to_string_lossy().into_owned();
                    store::document::set_store_name(db, *document, &name)?;
                }
                note("held", &format!("{}: {text}", reason.words()))?;
                let job = JobRow { reasons, ..job };
                erase = Self::give_back(db, &entry, &job, *touched && !on_file, now)?;
            }
            AttemptEnd::Stopped { touched } => {
                note("stopped", &format!("on {shown}, as was asked"))?;
                erase = Self::give_back(db, &entry, &job, *touched && !on_file, now)?;
            }
            AttemptEnd::Abandoned { touched } => {
                let why = match device.wish {
                    DeviceWish::Started => format!("{who} ended in good order"),
                    DeviceWish::Suspended => format!("{who} let go of it; {shown} is suspended"),
                    DeviceWish::Stopped | DeviceWish::Draining => format!("{who} let go of it; {shown} drains"),
                };
                note("returned", &why)?;
                erase = Self::give_back(db, &entry, &job, *touched && !on_file, now)?;
            }
        }
        settle_drain(db, now)?;
        Ok(erase)
    }

    /// An entry is free again in its place, or withdrawn if its job is not to run; a cancelled job ends with its last
    /// attempt.
    pub(super) fn give_back(
        db: &Connection,
        entry: &EntryRow,
        job: &JobRow,
        duplicate: bool,
        now: &Moment,
    ) -> Fallible<Erase> {
        let runs = job.wish == Wish::Run && job.reasons.is_empty();
        if duplicate && job.wish != Wish::Cancel {
            let why =
                format!("pages of attempt {} may be on paper: possible duplicate pages starting at 1", entry.attempt);
            record(db, now, Object::Job(job.id), "spooler", "possible-duplicate", &why)?;
        }
        let state = if runs { EntryState::Queued } else { EntryState::Withdrawn };
        store::entry::release(db, entry.id, state, duplicate)?;
        if job.wish == Wish::Cancel && !is_busy(db, job)? {
            return Self::finish(db, job, None, "cancelled", now);
        }
        Ok(Vec::new())
    }

    /// An entry is printed. With its last one the job is held (HOLDAFTER) or gone.
    pub(super) fn entry_done(
        db: &Connection,
        entry: &EntryRow,
        job: &JobRow,
        device: &DeviceRow,
        outcome: &str,
        who: &str,
        now: &Moment,
    ) -> Fallible<Erase> {
        store::entry::release(db, entry.id, EntryState::Done, false)?;
        let left = store::entry::of_job(db, job.id)?;
        if left.iter().any(|e| e.state != EntryState::Done) && job.wish != Wish::Cancel {
            return Ok(Vec::new());
        }
        if is_busy(db, job)? {
            return Ok(Vec::new());
        }
        if job.hold_after && job.wish != Wish::Cancel {
            store::job::set_reasons(db, job.id, job.reasons.with(HoldReason::Operator), None)?;
            record(db, now, Object::Job(job.id), who, "held", "HOLDAFTER")?;
            return Ok(Vec::new());
        }
        // Held while its last octets were on their way: whoever held it finds it held, and is told.
        if !job.reasons.is_empty() && job.wish != Wish::Cancel {
            let why = format!("it had been printed completely on {} ({outcome})", device.name.guardian());
            store::job::set_reasons(db, job.id, job.reasons, Some(&why))?;
            record(db, now, Object::Job(job.id), who, "held", &why)?;
            return Ok(Vec::new());
        }
        Self::finish(db, job, Some(&device.name.to_string()), outcome, now)
    }

    /// Settles the transferred jobs of a device within a transaction.
    pub(super) fn settle_in(
        &self,
        db: &Connection,
        lease: &Lease,
        device: DeviceId,
        settlement: &Settlement,
        now: &Moment,
    ) -> Fallible<Erase> {
        let Some(device) = store::device::by_id(db, device)? else { return Ok(Vec::new()) };
        let who = format!("${}", lease.name);
        let mut erase = Vec::new();
        for entry in store::entry::of_device(db, device.id, EntryState::Transferred)? {
            if entry.claimed_by != Some((lease.process, lease.epoch)) {
                continue;
            }
            let job = store::job::by_id(db, entry.job)?.ok_or_else(|| missing("a job"))?;
            let note = |what: &str, why: &str| record(db, now, Object::Job(job.id), &who, what, why);
            match settlement {
                Settlement::Closed => {
                    note("sent", &format!("{} closed the connection cleanly", device.name.guardian()))?;
                    erase.extend(Self::entry_done(db, &entry, &job, &device, Delivery::Sent.word(), &who, now)?);
                }
                Settlement::Released { why } => {
                    note("released", why)?;
                    erase.extend(Self::entry_done(db, &entry, &job, &device, Delivery::Transferred.word(), &who, now)?);
                }
                Settlement::Reset { why } => {
                    note("returned", &format!("{}: {why}", device.name.guardian()))?;
                    erase.extend(Self::give_back(db, &entry, &job, true, now)?);
                }
            }
        }
        if !matches!(settlement, Settlement::Reset { .. }) {
            device_errors::recovered(db, &device, &who, now)?;
        }
        settle_drain(db, now)?;
        Ok(erase)
    }

    /// Records within a transaction what was seen at a device.
    pub(super) fn observe_in(
        &self,
        db: &Connection,
        lease: &Lease,
        device: DeviceId,
        seen: &Observation,
        now: &Moment,
    ) -> Fallible<()> {
        let Some(device) = store::device::by_id(db, device)? else { return Ok(()) };
        let who = format!("${}", lease.name);
        let note = |what: &str, why: &str| record(db, now, Object::Device(device.id), &who, what, why);
        match seen {
            Observation::Opened { why, connection } => {
                store::device::set_open(db, device.id, true)?;
                store::device::set_connection(db, device.id, connection)?;
                if !device.settings.consults_fastcnfg() {
                    let complaint = connection.complaint.clone();
                    store::device::set_remembered(db, device.id, &Remembered { entry: None, complaint })?;
                }
                device_errors::note(db, &device, &who, "opened", why, now)
            }
            Observation::Consulted { found, remark } => {
                store::device::set_remembered(db, device.id, found)?;
                remark.iter().try_for_each(|why| note("fastcnfg", why))
            }
            Observation::Closed { why } => {
                store::device::set_open(db, device.id, false)?;
                device_errors::note(db, &device, &who, "closed", why, now)
            }
            Observation::Failed(error) => device_errors::failed(db, &device, error, &who, now),
            Observation::Recovered => device_errors::recovered(db, &device, &who, now),
            Observation::Restarting => device_errors::restart(db, &device, &who, now),
            Observation::Drained => {
                // A draining spooler closes its devices too; what their operator wanted of them stays.
                if device.wish == DeviceWish::Draining {
                    store::device::set_wish(db, device.id, DeviceWish::Stopped)?;
                    device_errors::no_more_tries(db, &device)?;
                    note("stopped", "drained")?;
                }
                store::device::set_open(db, device.id, false)?;
                settle_drain(db, now)
            }
            Observation::Remark { what, why } => {
                // What concerns the job in print as much as its device.
                if ["possible-duplicate", "stalled", "moving"].contains(&what.as_str()) {
                    for entry in store::entry::of_device(db, device.id, EntryState::Claimed)? {
                        record(db, now, Object::Job(entry.job), &who, what, why)?;
                    }
                }
                note(what, why)
            }
        }
    }

    /// What a print process is told to want of a device: a spooler that is not ACTIVE drains its devices.
    pub(super) fn effective_wish(db: &Connection, device: &DeviceRow) -> Fallible<DeviceWish> {
        if device.wish != DeviceWish::Started || store::spool::row(db)?.state == SpoolerState::Active {
            return Ok(device.wish);
        }
        // Draining until it is closed; then there is nothing more to do for it.
        let busy = device.open
            || !store::entry::of_device(db, device.id, EntryState::Claimed)?.is_empty()
            || !store::entry::of_device(db, device.id, EntryState::Transferred)?.is_empty();
        Ok(if busy { DeviceWish::Draining } else { DeviceWish::Stopped })
    }
}

fn is_busy(db: &Connection, job: &JobRow) -> Fallible<bool> {
    let entries = store::entry::of_job(db, job.id)?;
    Ok(entries.iter().any(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred)))
}
