//! What print processes report: the ends of attempts, and what they saw at devices. [`super::leases`] has the other
//! half.
//!
//! States of an entry: Claimed → Transferred → Done when every octet is delivered; otherwise it is back in its place
//! (Queued), or Withdrawn when its job is held, paused, cancelled or set aside ([`super::attempt_limit`]). A Transferred
//! entry whose connection was reset is Queued again, Withdrawn or Done, as DELIVERY of the device says; one whose
//! connection we cut is Withdrawn. The last entry that is Done ends the job, or holds it (HOLDAFTER).
//!
//! Who may: only the print process whose lease stands, and only for its own claims.
//!
//! A crash: all reports of one call are one transaction. Before its commit the claim stands, and the next process of
//! that name gives it back; pages that may be on paper are reported as possible duplicates. A process that gets no
//! reply reports again: an end that is on record already is not recorded twice. Print files are erased after the
//! commit; the sweep removes what a crash leaves.

use crate::model::device::{AfterReset, DeviceUri};
use crate::model::event::{EventDetail, EventWord};
use crate::model::job::{AFTER_PRINTING, BatchMember, PRINTED_COMPLETELY};
use crate::model::lifetime::{Ending, KeptUntil, Lifetime};
use crate::model::request::Answer;
use crate::model::state::{Delivery, DeviceWish, EntryState, HoldReason, HoldReasons, Wish};
use crate::model::{DeviceId, DeviceName, Failure, FontName};
use crate::store::batch::Listing;
use crate::store::device::{DeviceRow, Speeds};
use crate::store::entry::EntryRow;
use crate::store::event::{Object, is_recorded, last, record, record_duplicate, record_with};
use crate::store::job::JobRow;
use crate::store::managed::{self, Holder};
use crate::store::{self, Fallible, Lock, Tx};

use super::{accounting, attempt_limit, claims, device_errors};
use crate::spool::Spool;
use crate::spool::interface::engine::{
    AttemptEnd, Claim, DeviceReport, Lease, Observation, Outcome, Settlement, TimedReport,
};
use crate::spool::jobs::lifetime::is_discarded;
use crate::spool::objects::spooler::settle_drain;
use crate::spool::secure::record::printed_and_held;

/// What becomes of a job of which every part is printed.
enum Rest {
    /// It is held: by HOLDAFTER, or by what held it meanwhile.
    Held,
    /// It is a font, and stays.
    Font(FontName),
    /// Its retention keeps it.
    Kept(KeptUntil),
    /// It is gone.
    Gone,
}

/// Print files to erase after the commit.
pub(crate) type Erase = Vec<String>;

fn missing(what: &str) -> Failure {
    Failure::internal(format!("{what} is gone while its claim stands"))
}

/// Returns the entry of a claim that still stands; none when its end is on record already (its reply was lost).
fn standing(tx: &Tx<'_>, lease: &Lease, claim: &Claim) -> Fallible<Option<EntryRow>> {
    let ours = |entry: &EntryRow| {
        entry.state == EntryState::Claimed
            && entry.claimed_by == Some((lease.process, lease.epoch))
            && entry.attempt == claim.attempt
    };
    Ok(store::entry::lock(tx, claim.entry)?.filter(ours))
}

impl Spool {
    /// Records in a transaction what happened at a device. Returns the files to erase, and the row of the device as it
    /// is now, if it is known and an attempt has ended, so that the device has no job.
    pub(crate) fn record_in(
        &self,
        tx: &Tx<'_>,
        lease: &Lease,
        device: DeviceId,
        reports: &[TimedReport],
    ) -> Fallible<(Erase, Option<DeviceRow>)> {
        tx.lock(Lock::Device(device))?;
        // Is everything on record if one end is? Yes: what is reported together is committed together, so only the
        // reply was lost.
        let mut entries = Vec::new();
        for timed in reports {
            if let DeviceReport::AttemptEnds { claim, .. } = &timed.report {
                let Some(entry) = standing(tx, lease, claim)? else { return Ok((Vec::new(), None)) };
                entries.push(entry);
            }
        }
        let ends = !entries.is_empty();
        let mut entries = entries.into_iter();
        let mut erase = Vec::new();
        let mut known: Option<DeviceRow> = None;
        for TimedReport { report, at } in reports {
            // Each report has its own time.
            let tx = &tx.at(at);
            let mut row = match known.take().filter(|row| row.error.is_none()) {
                Some(row) => row,
                None => match store::device::by_id(tx, device)? {
                    Some(row) => row,
                    None if entries.len() > 0 => return Err(missing("a device")),
                    None => return Ok((erase, None)),
                },
            };
            match report {
                DeviceReport::Observed(seen) => self.observe_in(tx, &row, seen)?,
                DeviceReport::AttemptBegins { claim, at, separation } => {
                    let entry = standing(tx, lease, claim)?.ok_or_else(|| missing("an entry"))?;
                    store::entry::set_begun(tx, &entry, (claim.device, self.server().as_str()), at, separation)?;
                }
                DeviceReport::AttemptEnds { claim, end } => {
                    let entry = entries.next().ok_or_else(|| missing("an entry"))?;
                    // Prune the history little by little, so that a process that never rests prunes it too.
                    let prunes = claim.number.get() % 32 == 0;
                    erase.extend(self.end_in(tx, entry, &row, end)?);
                    if prunes {
                        store::finished::prune(tx)?;
                    }
                }
                DeviceReport::Settled(settlement) => erase.extend(self.settle_in(tx, lease, &row, settlement)?),
                DeviceReport::Answered { request, answer, paper } => {
                    if let Some(paper) = paper {
                        store::device::set_paper(tx, row.id, *paper)?;
                    }
                    if let Some(what) = store::request::answer(tx, *request, answer)? {
                        let how = if matches!(answer, Answer::Refused(_)) { "refused: " } else { "" };
                        let text = answer.stored().map(|(_, text)| text).unwrap_or_default();
                        record(tx, Object::Device(row.id), EventWord::Answered, &format!("{what}: {how}{text}"))?;
                    }
                }
            }
            // Must the row be read again for the next report? Not for a device without an error, after a report that
            // changes nothing that the other reports look at.
            known = match report {
                DeviceReport::Observed(Observation::Opened { .. } | Observation::Closed { .. })
                | DeviceReport::AttemptBegins { .. } => Some(row),
                DeviceReport::AttemptEnds { claim, end: AttemptEnd::Delivered { paper, .. } }
                    if row.batch.is_none() && claim.batch.is_none() =>
                {
                    row.paper = *paper;
                    Some(row)
                }
                _ => None,
            };
        }
        Ok((erase, known.filter(|row| ends && row.error.is_none())))
    }

    /// Records the end of an attempt in a transaction.
    fn end_in(&self, tx: &Tx<'_>, entry: EntryRow, device: &DeviceRow, end: &AttemptEnd) -> Fallible<Erase> {
        let job = store::job::lock(tx, entry.job)?.ok_or_else(|| missing("a job"))?;
        store::request::refuse_of_attempt(tx, device.id, (entry.id, entry.attempt), "its attempt has ended")?;
        if !end.touched() && entry.begun.is_some() {
            store::entry::clear_begun(tx, &entry)?;
        }
        let shown = device.name.guardian();
        let note = |what: EventWord, why: &str| record(tx, Object::Job(job.id), what, why);
        let on_file = matches!(device.address(), Some(DeviceUri::File(_)));
        let mut erase = Vec::new();
        match end {
            AttemptEnd::Delivered { delivery, octets, paper, remark } => {
                // Has a printer recovered that took a job over a connection? Not yet, it may give the job back:
                // settling tells.
                if *delivery != Delivery::Transferred {
                    attempt_limit::cleared(tx, device)?;
                    device_errors::recovered(tx, device)?;
                }
                self.batch_goes_on(tx, device, &job)?;
                if *paper != device.paper {
                    store::device::set_paper(tx, device.id, *paper)?;
                }
                // A job that came back after its transfer is delivered again, but its remark is recorded once.
                if let Some(remark) = remark
                    && !is_recorded(tx, Object::Job(job.id), &EventWord::Remark, remark)?
                {
                    note(EventWord::Remark, remark)?;
                }
                note(delivery.word().into(), &format!("{octets} octets to {shown}"))?;
                measure(tx, &entry, device, *octets)?;
                if *delivery == Delivery::Transferred {
                    store::entry::set_transferred(tx, &entry, *octets)?;
                } else {
                    erase = Self::entry_done(tx, &entry, &job, device, (delivery.word(), *octets))?;
                }
            }
            AttemptEnd::DeviceFailed { error, touched, alone } => {
                if device.error.as_ref().is_none_or(|known| known.number != error.number || known.text != error.text) {
                    note(EventWord::Returned, &format!("{shown}: {}", error.text))?;
                }
                device_errors::failed(tx, device, error)?;
                store::device::set_failed(tx, device.id, entry.id)?;
                let job = if *alone { self.spend(tx, &entry, job, device, &error.text)? } else { job };
                erase = Self::give_back(tx, &entry, &job, *touched && !on_file)?;
            }
            AttemptEnd::DataFailed { reason, text, moved, touched } => {
                let reasons = job.reasons.with(*reason);
                store::job::set_reasons(tx, job.id, reasons, Some(text))?;
                store::entry::withdraw(tx, job.id)?;
                if let Some((document, path)) = moved {
                    let dir = self.base().server(self.server());
                    let name = path.0.strip_prefix(&dir).unwrap_or(&path.0).to_string_lossy().into_owned();
                    store::document::set_store_name(tx, *document, &name)?;
                }
                let why = format!("{}: {text}", reason.words());
                // What was set aside as damaged is kept for whoever looks into it. And one whose file another server does not give
                // has not failed: it waits.
                let failed = moved.is_none() && *reason != HoldReason::Unreachable;
                if failed && Self::lets_failed_jobs_go(tx, &job)? {
                    note(EventWord::Deleted, &format!("{why}; its queue keeps no job that failed"))?;
                    store::job::set_wish(tx, job.id, Wish::Cancel)?;
                    store::lifetime::set_ending(tx, job.id, Some(Ending::Aborted))?;
                    let lifetime = Lifetime { ending: Some(Ending::Aborted), ..job.lifetime };
                    let job = JobRow { wish: Wish::Cancel, lifetime, reasons, ..job };
                    return Self::give_back(tx, &entry, &job, *touched && !on_file);
                }
                record_with(tx, Object::Job(job.id), EventWord::Held, EventDetail::Hold(*reason), &why)?;
                let job = JobRow { reasons, ..job };
                erase = Self::give_back(tx, &entry, &job, *touched && !on_file)?;
            }
            AttemptEnd::Stopped { touched } => {
                note(EventWord::Stopped, &format!("on {shown}, as was asked"))?;
                erase = Self::give_back(tx, &entry, &job, *touched && !on_file)?;
            }
            AttemptEnd::Abandoned { touched } => {
                let who = tx.who();
                let why = match device.wish {
                    DeviceWish::Started => format!("{who} ended in good order"),
                    DeviceWish::Suspended => format!("{who} let go of it; {shown} is suspended"),
                    DeviceWish::Stopped | DeviceWish::Draining => format!("{who} let go of it; {shown} drains"),
                };
                note(EventWord::Returned, &why)?;
                erase = Self::give_back(tx, &entry, &job, *touched && !on_file)?;
            }
        }
        settle_drain(tx)?;
        Ok(erase)
    }

    /// Whether a job that failed is gone, or kept as its retention says, and not held: its queue says so, and it is no font.
    fn lets_failed_jobs_go(tx: &Tx<'_>, job: &JobRow) -> Fallible<bool> {
        let keeps = managed::switch(tx, Holder::Group(job.group), "requeue-failed-jobs")?.unwrap_or(true);
        Ok(!keeps && store::font::of_job(tx, job.id)?.is_none())
    }

    /// Frees an entry in its place, or withdraws it if its job is not to run. A cancelled job ends with its last
    /// attempt.
    pub(crate) fn give_back(tx: &Tx<'_>, entry: &EntryRow, job: &JobRow, duplicate: bool) -> Fallible<Erase> {
        let runs = job.wish == Wish::Run && job.reasons.is_empty();
        if duplicate && job.wish != Wish::Cancel {
            let why =
                format!("pages of attempt {} may be on paper: possible duplicate pages starting at 1", entry.attempt);
            let device = match entry.device {
                Some(device) => store::device::name_of(tx, device)?,
                None => None,
            };
            record_duplicate(&tx.spooler(), job.id, device.as_ref(), &why)?;
        }
        let state = if runs { EntryState::Queued } else { EntryState::Withdrawn };
        store::entry::release(tx, entry, state, duplicate)?;
        claims::came_back(tx, entry, job)?;
        if job.wish == Wish::Cancel && !is_busy(tx, job)? {
            let ending = job.lifetime.ending.unwrap_or(Ending::CancelledByUser);
            return Self::end(tx, job, None, "cancelled", ending);
        }
        if is_discarded(tx, job) && !is_busy(tx, job)? {
            return Ok(Self::discarded_with_attempt(tx, job)?.unwrap_or_default());
        }
        Ok(Vec::new())
    }

    /// Records that an entry is printed, `octets` of it. With its last entry the job is held (HOLDAFTER) or ended.
    pub(crate) fn entry_done(
        tx: &Tx<'_>,
        entry: &EntryRow,
        job: &JobRow,
        device: &DeviceRow,
        (outcome, octets): (&str, u64),
    ) -> Fallible<Erase> {
        accounting::note(tx, job, device, octets)?;
        let others = store::entry::of_job(tx, job.id)?.into_iter().filter(|other| other.id != entry.id);
        let left: Vec<EntryState> =
            others.map(|other| other.state).filter(|state| *state != EntryState::Done).collect();
        let busy = left.iter().any(|state| state.is_busy());
        // A discard time that has come ends it like a cancellation.
        let ends = job.wish == Wish::Cancel || is_discarded(tx, job);
        let is_last = !busy && (left.is_empty() || ends);
        if !is_last {
            store::entry::release(tx, entry, EntryState::Done, false)?;
            return Ok(Vec::new());
        }
        let rest = Self::rest_of(tx, job, ends)?;
        match rest {
            Rest::Gone => store::entry::delete_claimed(tx, entry)?,
            _ => store::entry::release(tx, entry, EntryState::Done, false)?,
        }
        Self::all_printed(tx, job, rest, (outcome, Some(&device.name)), entry.claimed_ms)
    }

    /// Tells what becomes of a job of which every part is printed. One that `ends` is held by nothing.
    fn rest_of(tx: &Tx<'_>, job: &JobRow, ends: bool) -> Fallible<Rest> {
        // A claim is for one time: its owner is told, and it is he who keeps or holds the job.
        if job.origin.is_some() && store::lease::own_of(tx, job.id)?.is_some() {
            return Ok(Rest::Gone);
        }
        // A job that was held while its last octets were on their way stays held, and whoever held it is told.
        if (job.hold_after || !job.reasons.is_empty()) && !ends {
            return Ok(Rest::Held);
        }
        Ok(match store::font::of_job(tx, job.id)? {
            Some(font) => Rest::Font(font),
            None => Self::kept_until(tx, job)?.map_or(Rest::Gone, Rest::Kept),
        })
    }

    /// Does what follows when every part of a job is printed.
    fn all_printed(
        tx: &Tx<'_>,
        job: &JobRow,
        rest: Rest,
        (outcome, device): (&str, Option<&DeviceName>),
        started_ms: Option<i64>,
    ) -> Fallible<Erase> {
        store::tally::printed(tx)?;
        let name = device.map(ToString::to_string);
        let hold = |reasons: HoldReasons, why: &str, text: Option<&str>| {
            store::job::set_reasons(tx, job.id, reasons.with(HoldReason::Operator), text)?;
            record_with(tx, Object::Job(job.id), EventWord::Held, EventDetail::HoldAfter, why)
        };
        match rest {
            Rest::Gone => {
                // It was cancelled while its last octets were on their way, but it did print.
                if job.lifetime.ending.is_some() {
                    store::lifetime::set_ending(tx, job.id, None)?;
                }
                return Self::finish(tx, job, name.as_deref(), outcome);
            }
            Rest::Kept(until) => {
                let ending = Ending::of_delivery(outcome);
                Self::keep(tx, job, (ending, &until), (outcome, name.as_deref()), started_ms)?;
            }
            Rest::Font(font) => hold(job.reasons, &format!("{}{font}", store::outbox::IS_FONT), None)?,
            Rest::Held if job.hold_after => {
                let reasons = printed_and_held(tx, job, job.reasons, (outcome, name.as_deref()))?;
                hold(reasons, "HOLDAFTER", Some(AFTER_PRINTING))?;
                store::outbox::stays(tx, job.id, name.as_deref())?;
            }
            Rest::Held => {
                let reasons = printed_and_held(tx, job, job.reasons, (outcome, name.as_deref()))?;
                let on = device.map_or_else(String::new, |device| format!(" on {}", device.guardian()));
                let why = format!("{PRINTED_COMPLETELY}{on} ({outcome})");
                store::job::set_reasons(tx, job.id, reasons, Some(&why))?;
                record(tx, Object::Job(job.id), EventWord::Held, &why)?;
                store::outbox::stays(tx, job.id, name.as_deref())?;
            }
        }
        Ok(Vec::new())
    }

    /// Takes a part from a job that will not be printed, because its device left the group. Is all of the rest printed, the job
    /// is. Returns the files to erase after the commit.
    pub(crate) fn drop_part(tx: &Tx<'_>, entry: &EntryRow, rest: &[EntryRow]) -> Fallible<Erase> {
        store::entry::delete(tx, entry)?;
        let job = store::job::lock(tx, entry.job)?.ok_or_else(|| missing("a job"))?;
        // One that has ended already stays what it is.
        if job.lifetime.ending.is_some() || rest.iter().any(|other| other.state != EntryState::Done) {
            return Ok(Vec::new());
        }
        let words: Vec<EventWord> = Delivery::ALL.into_iter().map(|delivery| delivery.word().into()).collect();
        let delivered = last(tx, Object::Job(job.id), &words)?.map(|event| String::from(event.what));
        let outcome = delivered.unwrap_or_else(|| Delivery::Sent.word().to_owned());
        let rest = Self::rest_of(tx, &job, job.wish == Wish::Cancel || is_discarded(tx, &job))?;
        Self::all_printed(tx, &job, rest, (&outcome, None), None)
    }

    /// Settles the transferred jobs of a device in a transaction.
    fn settle_in(&self, tx: &Tx<'_>, lease: &Lease, device: &DeviceRow, settlement: &Settlement) -> Fallible<Erase> {
        let mut erase = Vec::new();
        for entry in store::entry::of_device(tx, device.id, EntryState::Transferred)? {
            if entry.claimed_by != Some((lease.process, lease.epoch)) {
                continue;
            }
            if settlement.entries.as_ref().is_some_and(|named| !named.contains(&entry.id)) {
                continue;
            }
            let job = store::job::lock(tx, entry.job)?.ok_or_else(|| missing("a job"))?;
            let note = |what: EventWord, why: &str| record(tx, Object::Job(job.id), what, why);
            let sent = entry.octets_sent.unwrap_or(0);
            match &settlement.outcome {
                Outcome::Closed => {
                    note(EventWord::Sent, &format!("{} closed the connection cleanly", device.name.guardian()))?;
                    erase.extend(Self::entry_done(tx, &entry, &job, device, (Delivery::Sent.word(), sent))?);
                }
                Outcome::Released { why } => {
                    note(EventWord::Released, why)?;
                    erase.extend(Self::entry_done(tx, &entry, &job, device, (Delivery::Transferred.word(), sent))?);
                }
                Outcome::Reset { why } => match device.settings.delivery {
                    AfterReset::Again => {
                        note(EventWord::Returned, &format!("{}: {why}", device.name.guardian()))?;
                        // One that came back before had its connection to itself.
                        let job = if entry.duplicate { self.spend(tx, &entry, job, device, why)? } else { job };
                        erase.extend(Self::give_back(tx, &entry, &job, true)?);
                    }
                    AfterReset::Ask => erase.extend(Self::hold_in_doubt(tx, &entry, job, why)?),
                    AfterReset::Once => {
                        let why = format!("in doubt, DELIVERY ONCE: {}: {why}", device.name.guardian());
                        note(EventWord::Released, &why)?;
                        erase.extend(Self::entry_done(tx, &entry, &job, device, (Delivery::Transferred.word(), sent))?);
                    }
                },
                Outcome::Cut { why } => erase.extend(Self::hold_in_doubt(tx, &entry, job, why)?),
            }
        }
        if matches!(settlement.outcome, Outcome::Closed | Outcome::Released { .. }) {
            attempt_limit::cleared(tx, device)?;
            device_errors::recovered(tx, device)?;
        }
        settle_drain(tx)?;
        Ok(erase)
    }

    /// Holds a delivered job of which nobody knows whether it printed.
    fn hold_in_doubt(tx: &Tx<'_>, entry: &EntryRow, job: JobRow, why: &str) -> Fallible<Erase> {
        let words = format!("{}: {why}", HoldReason::MayHavePrinted.words());
        record(tx, Object::Job(job.id), EventWord::Held, &words)?;
        let reasons = job.reasons.with(HoldReason::MayHavePrinted);
        store::job::set_reasons(tx, job.id, reasons, Some(why))?;
        store::entry::withdraw(tx, job.id)?;
        Self::give_back(tx, entry, &JobRow { reasons, ..job }, true)
    }

    /// Notes which batch a device is in the middle of, now that it has delivered a job.
    fn batch_goes_on(&self, tx: &Tx<'_>, device: &DeviceRow, job: &JobRow) -> Fallible<()> {
        let batch = match job.batch {
            Some(BatchMember { number, .. }) => {
                let listing = Listing { number, end: device.batch_end };
                store::batch::another_waits(tx, &listing, job.id, device.id)?.then_some(number)
            }
            None => None,
        };
        if batch != device.batch {
            store::batch::set_of_device(tx, device.id, batch)?;
        }
        Ok(())
    }

    /// Records in a transaction what was seen at a device.
    fn observe_in(&self, tx: &Tx<'_>, device: &DeviceRow, seen: &Observation) -> Fallible<()> {
        let note = |what: EventWord, why: &str| record(tx, Object::Device(device.id), what, why);
        match seen {
            Observation::Opened { why, connection } => {
                // A device that does not consult FASTCNFG forgets what it remembered of it.
                store::device::set_opened(tx, device.id, connection, !device.settings.consults_fastcnfg())?;
                device_errors::note(tx, device, EventWord::Opened, why)
            }
            Observation::Consulted { found, remark } => {
                store::device::set_remembered(tx, device.id, found)?;
                remark.iter().try_for_each(|why| note(EventWord::Fastcnfg, why))
            }
            Observation::Closed { why } => {
                store::device::set_closed(tx, device.id)?;
                device_errors::note(tx, device, EventWord::Closed, why)
            }
            Observation::Failed(error) => device_errors::failed(tx, device, error),
            Observation::Recovered => device_errors::recovered(tx, device),
            Observation::Restarting => device_errors::restart(tx, device),
            Observation::Drained => {
                // A draining spooler closes its devices too, but does not change what their operators want of them.
                if device.wish == DeviceWish::Draining {
                    store::device::set_wish(tx, device.id, DeviceWish::Stopped)?;
                    device_errors::no_more_tries(tx, device)?;
                    note(EventWord::Stopped, "drained")?;
                }
                store::device::set_closed(tx, device.id)?;
                settle_drain(tx)
            }
            Observation::Remark { what, why } => {
                // These concern the job in print as much as its device.
                if matches!(what, EventWord::PossibleDuplicate | EventWord::Stalled | EventWord::Moving) {
                    for entry in store::entry::of_device(tx, device.id, EntryState::Claimed)? {
                        match what {
                            EventWord::PossibleDuplicate => record_duplicate(tx, entry.job, Some(&device.name), why)?,
                            _ => record(tx, Object::Job(entry.job), what.clone(), why)?,
                        }
                    }
                }
                note(what.clone(), why)
            }
        }
    }
}

/// A delivery of fewer octets that took less time says more about opening and closing than about the printer.
pub(super) const MEASURED: (u64, i64) = (256 * 1024, 1000);

/// Remembers how fast a device takes octets, and between which speeds. Is it written at every job? No: only when it is new or
/// has changed by an eighth.
fn measure(tx: &Tx<'_>, entry: &EntryRow, device: &DeviceRow, octets: u64) -> Fallible<()> {
    let Some(claimed_ms) = entry.claimed_ms else { return Ok(()) };
    let took = tx.now().wall_ms - claimed_ms;
    if octets == 0 || took < 1 || (octets < MEASURED.0 && took < MEASURED.1) {
        return Ok(());
    }
    let rate = (octets.saturating_mul(1000) / took.unsigned_abs()).max(1);
    let speeds = match device.speeds() {
        Some(known) if known.usual.abs_diff(rate) <= known.usual / 8 => return Ok(()),
        Some(known) => {
            // One job that stood still for a while does not make a slow printer.
            let usual = (known.usual / 4 * 3).saturating_add(rate / 4).max(1);
            // The extremes come back to what is usual as long as they do not occur again.
            let nearer = |extreme: u64| (extreme / 4 * 3).saturating_add(usual / 4);
            let (slow, fast) = (nearer(known.slow).min(rate), nearer(known.fast).max(rate));
            Speeds { usual, slow: slow.min(usual).max(1), fast: fast.max(usual) }
        }
        None => Speeds { usual: rate, slow: rate, fast: rate },
    };
    store::device::set_speeds(tx, device.id, &speeds)
}

fn is_busy(tx: &Tx<'_>, job: &JobRow) -> Fallible<bool> {
    let entries = store::entry::of_job(tx, job.id)?;
    Ok(entries.iter().any(|e| e.state.is_busy()))
}
