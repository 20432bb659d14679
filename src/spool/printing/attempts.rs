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

use super::device_errors;
use crate::spool::Spool;
use crate::spool::interface::engine::{AttemptEnd, Claim, DeviceReport, Lease, Observation, Settlement, TimedReport};
use crate::spool::objects::spooler::settle_drain;

/// What an ended attempt leaves to do once its transaction is committed.
pub(crate) type Erase = Vec<String>;

fn missing(what: &str) -> Failure {
    Failure::internal(format!("{what} is gone while its claim stands"))
}

/// The entry of a claim that still stands; none when its end was recorded before (a lost reply).
fn standing(db: &Connection, lease: &Lease, claim: &Claim) -> Fallible<Option<EntryRow>> {
    let ours = |entry: &EntryRow| {
        entry.state == EntryState::Claimed
            && entry.claimed_by == Some((lease.process, lease.epoch))
            && entry.attempt == claim.attempt
    };
    Ok(store::entry::by_id(db, claim.entry)?.filter(ours))
}

impl Spool {
    /// Records within a transaction what happened at a device. With it the row of the device as it is then, if that is known
    /// and an attempt of it has ended, so that it has no job.
    pub(crate) fn record_in(
        &self,
        db: &Connection,
        lease: &Lease,
        device: DeviceId,
        reports: &[TimedReport],
    ) -> Fallible<(Erase, Option<DeviceRow>)> {
        // Does an end that is on record already mean that all of it is? Yes: what is recorded together is committed
        // together, so the reply to just this was lost.
        let mut entries = Vec::new();
        for timed in reports {
            if let DeviceReport::AttemptEnds { claim, .. } = &timed.report {
                let Some(entry) = standing(db, lease, claim)? else { return Ok((Vec::new(), None)) };
                entries.push(entry);
            }
        }
        let ends = !entries.is_empty();
        let mut entries = entries.into_iter();
        let mut erase = Vec::new();
        let mut known: Option<DeviceRow> = None;
        for TimedReport { report, at } in reports {
            let mut row = match known.take().filter(|row| row.error.is_none()) {
                Some(row) => row,
                None => match store::device::by_id(db, device)? {
                    Some(row) => row,
                    None if entries.len() > 0 => return Err(missing("a device")),
                    None => return Ok((erase, None)),
                },
            };
            match report {
                DeviceReport::Observed(seen) => self.observe_in(db, lease, &row, seen, at)?,
                DeviceReport::AttemptBegins { claim, at, separation } => {
                    store::entry::set_begun(db, claim.entry, claim.device, at, separation)?;
                }
                DeviceReport::AttemptEnds { end, .. } => {
                    let entry = entries.next().ok_or_else(|| missing("an entry"))?;
                    // History is pruned little by little, so that a process that never rests prunes it too.
                    let prunes = entry.id.0 % 32 == 0;
                    erase.extend(self.end_in(db, lease, entry, &row, end, at)?);
                    if prunes {
                        store::finished::prune(db, at)?;
                    }
                }
                DeviceReport::Settled(settlement) => erase.extend(self.settle_in(db, lease, &row, settlement, at)?),
            }
            // Is the row read again for the next report? Not after those that change nothing of it that the others look at, of a
            // device without an error.
            known = match report {
                DeviceReport::Observed(Observation::Opened { .. } | Observation::Closed { .. })
                | DeviceReport::AttemptBegins { .. } => Some(row),
                DeviceReport::AttemptEnds { end: AttemptEnd::Delivered { paper, .. }, .. } => {
                    row.paper = *paper;
                    Some(row)
                }
                _ => None,
            };
        }
        Ok((erase, known.filter(|row| ends && row.error.is_none())))
    }

    /// Records the end of an attempt within a transaction.
    fn end_in(
        &self,
        db: &Connection,
        lease: &Lease,
        entry: EntryRow,
        device: &DeviceRow,
        end: &AttemptEnd,
        now: &Moment,
    ) -> Fallible<Erase> {
        let job = store::job::by_id(db, entry.job)?.ok_or_else(|| missing("a job"))?;
        if !end.touched() && entry.begun.is_some() {
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
                    device_errors::recovered(db, device, &who, now)?;
                }
                if *paper != device.paper {
                    store::device::set_paper(db, device.id, *paper)?;
                }
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
                    erase = Self::entry_done(db, &entry, &job, device, delivery.word(), &who, now)?;
                }
            }
            AttemptEnd::DeviceFailed { error, touched } => {
                if device.error.as_ref().is_none_or(|known| known.number != error.number || known.text != error.text) {
                    note("returned", &format!("{shown}: {}", error.text))?;
                }
                device_errors::failed(db, device, error, &who, now)?;
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
    pub(crate) fn give_back(
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
    pub(crate) fn entry_done(
        db: &Connection,
        entry: &EntryRow,
        job: &JobRow,
        device: &DeviceRow,
        outcome: &str,
        who: &str,
        now: &Moment,
    ) -> Fallible<Erase> {
        let others = store::entry::of_job(db, job.id)?.into_iter().filter(|other| other.id != entry.id);
        let left: Vec<EntryState> =
            others.map(|other| other.state).filter(|state| *state != EntryState::Done).collect();
        let busy = left.iter().any(|state| matches!(state, EntryState::Claimed | EntryState::Transferred));
        let is_last = !busy && (left.is_empty() || job.wish == Wish::Cancel);
        // Held while its last octets were on their way: whoever held it finds it held, and is told.
        let held = (job.hold_after || !job.reasons.is_empty()) && job.wish != Wish::Cancel;
        if is_last && !held {
            return Self::finish(db, job, Some(&device.name.to_string()), outcome, now);
        }
        store::entry::release(db, entry.id, EntryState::Done, false)?;
        if !is_last {
            return Ok(Vec::new());
        }
        let note = |why: &str| record(db, now, Object::Job(job.id), who, "held", why);
        if job.hold_after {
            store::job::set_reasons(db, job.id, job.reasons.with(HoldReason::Operator), None)?;
            note("HOLDAFTER")?;
        } else {
            let why = format!("it had been printed completely on {} ({outcome})", device.name.guardian());
            store::job::set_reasons(db, job.id, job.reasons, Some(&why))?;
            note(&why)?;
        }
        Ok(Vec::new())
    }

    /// Settles the transferred jobs of a device within a transaction.
    fn settle_in(
        &self,
        db: &Connection,
        lease: &Lease,
        device: &DeviceRow,
        settlement: &Settlement,
        now: &Moment,
    ) -> Fallible<Erase> {
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
                    erase.extend(Self::entry_done(db, &entry, &job, device, Delivery::Sent.word(), &who, now)?);
                }
                Settlement::Released { why } => {
                    note("released", why)?;
                    erase.extend(Self::entry_done(db, &entry, &job, device, Delivery::Transferred.word(), &who, now)?);
                }
                Settlement::Reset { why } => {
                    note("returned", &format!("{}: {why}", device.name.guardian()))?;
                    erase.extend(Self::give_back(db, &entry, &job, true, now)?);
                }
            }
        }
        if !matches!(settlement, Settlement::Reset { .. }) {
            device_errors::recovered(db, device, &who, now)?;
        }
        settle_drain(db, now)?;
        Ok(erase)
    }

    /// Records within a transaction what was seen at a device.
    fn observe_in(
        &self,
        db: &Connection,
        lease: &Lease,
        device: &DeviceRow,
        seen: &Observation,
        now: &Moment,
    ) -> Fallible<()> {
        let who = format!("${}", lease.name);
        let note = |what: &str, why: &str| record(db, now, Object::Device(device.id), &who, what, why);
        match seen {
            Observation::Opened { why, connection } => {
                // What is remembered of FASTCNFG is forgotten by a device that does not consult it.
                store::device::set_opened(db, device.id, connection, !device.settings.consults_fastcnfg())?;
                device_errors::note(db, device, &who, "opened", why, now)
            }
            Observation::Consulted { found, remark } => {
                store::device::set_remembered(db, device.id, found)?;
                remark.iter().try_for_each(|why| note("fastcnfg", why))
            }
            Observation::Closed { why } => {
                store::device::set_closed(db, device.id)?;
                device_errors::note(db, device, &who, "closed", why, now)
            }
            Observation::Failed(error) => device_errors::failed(db, device, error, &who, now),
            Observation::Recovered => device_errors::recovered(db, device, &who, now),
            Observation::Restarting => device_errors::restart(db, device, &who, now),
            Observation::Drained => {
                // A draining spooler closes its devices too; what their operator wanted of them stays.
                if device.wish == DeviceWish::Draining {
                    store::device::set_wish(db, device.id, DeviceWish::Stopped)?;
                    device_errors::no_more_tries(db, device)?;
                    note("stopped", "drained")?;
                }
                store::device::set_closed(db, device.id)?;
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
}

fn is_busy(db: &Connection, job: &JobRow) -> Fallible<bool> {
    let entries = store::entry::of_job(db, job.id)?;
    Ok(entries.iter().any(|e| matches!(e.state, EntryState::Claimed | EntryState::Transferred)))
}
