//! Releasing a job on a printer of a station.
//!
//! What can be seen only outside a transaction (whether print processes live) is looked at first; the transaction then checks
//! everything again that rows tell: whose the job is, how it stands, its time, its queue, its attributes, and the printer.
//! A refusal is written into the record too.

use crate::model::event::EventWord;
use crate::model::hours::Closed;
use crate::model::location::Destination;
use crate::model::object::ObjectName;
use crate::model::secure::{PrinterTrouble, ReleaseState, Released, Verdict};
use crate::model::state::{HoldReasons, JobState, Wish};
use crate::model::station::NotDone;
use crate::model::{Call, DeviceName, Failure, FailureKind, JobRef};
use crate::store::charge::ChargeState;
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::secure::SecureRow;
use crate::store::{self, Fallible, Tx};

use super::arrive::secure_queue;
use super::bank::{self, FEW_REFUNDS, Goods, OVER_LIMIT, Paid, SILENT};
use super::held::{ended_by_release, has_printed, standing, standing_everywhere};
use super::people::Reach;
use super::record::Act;
use super::stations::{Station, not_related, verdict};
use crate::spool::interface::records::SpoolerState;
use crate::spool::jobs::actions::not_found;
use crate::spool::jobs::membership::demand_single;
use crate::spool::jobs::submit::{may_send, takes_work};
use crate::spool::objects::alive::Alive;
use crate::spool::objects::devices;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// Where a job is to be released.
#[derive(Clone, Debug)]
struct Place {
    station: ObjectName,
    printer: DeviceName,
    /// Whether the station is closed.
    closed: Option<Closed>,
    /// What is paid for, where nothing that can be seen before the transaction speaks against the release.
    goods: Option<GoodsOf>,
}

/// What is released, for the bank.
#[derive(Clone, Debug)]
struct GoodsOf {
    correlation: String,
    queue: String,
    pages: Option<u64>,
    octets: u64,
    attributes: Vec<String>,
}

/// A refusal, and its word in the record.
struct Refusal {
    failure: Failure,
    result: &'static str,
}

impl Spool {
    /// Releases a job on `printer`, or on the first printer of the station that takes it. Returns what became of it, and the
    /// print processes that have work now.
    pub(crate) fn release_job(
        &self,
        call: &Call,
        job: &JobRef,
        station: Option<ObjectName>,
        printer: Option<DeviceName>,
    ) -> Fallible<(Released, Vec<WakeTarget>)> {
        if let JobRef::Global(global) = job
            && global.server != *self.server()
        {
            return self.release_elsewhere(call, global, station, printer);
        }
        let place = self.choose(call, job, station.as_ref(), printer)?;
        let paid = self.pay_before_release(call, job, &place)?;
        let id = paid.as_ref().map(|paid| paid.id().to_owned());
        let (spool, job) = (self.clone(), job.clone());
        let released = self.change(Room::Gives, call, move |tx| {
            let (row, secure) = spool.find_to_release(tx, &job, &place.station)?;
            let name = place.printer.to_string();
            let act =
                |result| Act { what: "release", station: Some(place.station.as_str()), printer: Some(&name), result };
            match spool.release_locked(tx, &row, &secure, &place)? {
                Ok(done) => {
                    match &id {
                        Some(id) => store::charge::set(tx, id, ChargeState::Paid, None)?,
                        // It could not be released when it was looked at, and so nobody was asked to pay. The failure takes
                        // the release back.
                        None if bank::is_unpaid(tx, &place.station, &spool.correlation(&row))? => {
                            let what = format!("job {} has changed meanwhile, and was not paid for", row.number);
                            return Err(Failure::new(FailureKind::State, what).hint("release it again"));
                        }
                        None => {}
                    }
                    spool.write_release(tx, &row, &secure, act("ok"))?;
                    Ok(Ok(done))
                }
                Err(refusal) => {
                    spool.write_release(tx, &row, &secure, act(refusal.result))?;
                    Ok(Err(refusal.failure))
                }
            }
        });
        let released = released.and_then(|done| done);
        if let (Err(_), Some(paid)) = (&released, &paid) {
            self.owe_back(call, paid);
            // What does not succeed now is tried again later.
            self.refund_owed(FEW_REFUNDS, &call.now);
        }
        released
    }

    /// Has the caller pay, where his station wants it. One who cannot is refused, on record.
    fn pay_before_release(&self, call: &Call, job: &JobRef, place: &Place) -> Fallible<Option<Paid>> {
        let Some(of) = &place.goods else { return Ok(None) };
        let printer = place.printer.to_string();
        let goods = Goods {
            correlation: &of.correlation,
            queue: &of.queue,
            printer: &printer,
            pages: of.pages,
            octets: of.octets,
            attributes: &of.attributes,
        };
        self.pay(call, &place.station, &goods).map_err(|(failure, result)| {
            let (spool, job, place) = (self.clone(), job.clone(), place.clone());
            let noted = self.change(Room::Gives, call, move |tx| {
                let (row, secure) = spool.find_to_release(tx, &job, &place.station)?;
                let printer = place.printer.to_string();
                let act =
                    Act { what: "release", station: Some(place.station.as_str()), printer: Some(&printer), result };
                spool.write_release(tx, &row, &secure, act)
            });
            noted.err().unwrap_or(failure)
        })
    }

    /// Why a job of this server is not released, where that is a matter of its queue or of the server.
    pub(crate) fn why_it_stays(&self, call: &Call, job: &crate::model::GlobalJobId) -> Fallible<Option<NotDone>> {
        self.look(call, |tx| {
            if store::spool::state(tx)? != SpoolerState::Active {
                return Ok(Some(NotDone::Stopped));
            }
            match store::secure::last_of(tx, &job.to_string())?.map(|line| line.result) {
                Some(result) if result == OVER_LIMIT => return Ok(Some(NotDone::OverLimit)),
                Some(result) if result == SILENT => return Ok(Some(NotDone::BankSilent)),
                _ => {}
            }
            if job.server != *self.server() {
                return Ok(None);
            }
            let job = JobRef::Serial(job.serial);
            let Some(row) = store::job::by_ref(tx, &job, 0, self.server().as_str())? else { return Ok(None) };
            Ok(store::location::paused_group(tx, row.group)?.map(|queue| NotDone::Paused(queue.to_string())))
        })
    }

    /// Finds a job that the caller may release, locked.
    fn find_to_release(&self, tx: &Tx<'_>, job: &JobRef, station: &ObjectName) -> Fallible<(JobRow, SecureRow)> {
        let row = crate::spool::jobs::actions::find_to_change(tx, self, job)?;
        // As it is now: an operator may have said a moment ago that it shows each person his own.
        let is_shown = match (self.station(tx, Some(station))?, store::secure::of_job(tx, row.id)?) {
            (Some(station), Some(secure)) => Self::is_open_to_all(tx, &station, &row, &secure)?,
            _ => false,
        };
        self.may_release(tx, job, row, is_shown)
    }

    /// Refuses a caller who may not release a job; `is_shown`: his station shows it to everybody. What nobody shows him, he is not
    /// told of either.
    fn may_release(&self, tx: &Tx<'_>, job: &JobRef, row: JobRow, is_shown: bool) -> Fallible<(JobRow, SecureRow)> {
        let caller = tx.caller()?;
        let secure = store::secure::of_job(tx, row.id)?;
        let reach = Reach::of(&self.directory(tx)?, caller);
        match secure {
            Some(secure) if reach.has(&secure.owner) || is_shown => Ok((row, secure)),
            Some(_) if store::spool::row(tx)?.trust.trusts(caller) => Err(Failure::new(
                FailureKind::Security,
                format!("job {}: whoever submitted it releases it, and whom he has named as a delegate", row.number),
            )
            .hint("an operator may remove it: pdrm")),
            None if row.owner_uid == caller.uid => Err(Failure::new(
                FailureKind::State,
                format!("job {} was not sent to a secure queue: it needs no release", row.number),
            )),
            _ => Err(not_found(job)),
        }
    }

    /// Chooses the printer before the transaction, and refuses what a look can tell.
    fn choose(
        &self,
        call: &Call,
        job: &JobRef,
        station: Option<&ObjectName>,
        printer: Option<DeviceName>,
    ) -> Fallible<Place> {
        self.look(call, |tx| {
            let uid = tx.caller()?.uid;
            let found = store::job::by_ref(tx, job, uid, self.server().as_str())?.ok_or_else(|| not_found(job))?;
            let station = self.station(tx, station)?;
            let is_shown = match (&station, store::secure::of_job(tx, found.id)?) {
                (Some(station), Some(secure)) => self.is_shown_to_all(tx, station, &found, &secure)?,
                _ => false,
            };
            let (row, secure) = self.may_release(tx, job, found, is_shown)?;
            let station = station.ok_or_else(no_station)?;
            let closed = station.closed(tx);
            let place = |printer: DeviceName| Place { station: station.name.clone(), printer, closed, goods: None };
            let mut alive = Alive::new(self);
            // Whatever is wrong with the job itself is said by the transaction, which records it.
            let (state, _) = self.true_state(tx, &row, &mut alive)?;
            let now = store::spool::seen_time(tx)?;
            let printers = self.printers_of(tx, &station, &mut alive)?;
            let mut names = printers.iter().map(|one| &one.0);
            let named = match &printer {
                Some(wanted) => {
                    let known = names.find(|name| name.key() == wanted.key());
                    Some(known.cloned().ok_or_else(|| not_related(&station, wanted))?)
                }
                None => None,
            };
            let Some(first) = printers.first().map(|one| one.0.clone()) else {
                return Err(without_printers(&station));
            };
            if !standing(&row, &secure, state, now).is_releasable() {
                return Ok(place(named.unwrap_or(first)));
            }
            let wanted = self.asks_of_printer(tx, &row, &secure)?;
            let candidates = printers.iter().filter(|one| named.as_ref().is_none_or(|name| *name == one.0));
            let mut refused: Option<(DeviceName, Verdict)> = None;
            for (name, printer) in candidates {
                match verdict(&wanted, printer.as_ref()) {
                    Verdict::Here => {
                        let goods = GoodsOf {
                            correlation: self.correlation(&row),
                            queue: wanted.queue.name.clone(),
                            pages: row.pages,
                            octets: row.octets,
                            attributes: wanted.attributes.clone(),
                        };
                        return Ok(Place { goods: Some(goods), ..place(name.clone()) });
                    }
                    // Only rows are looked at inside the transaction: what a row does not tell is said here.
                    other => refused = refused.or(Some((name.clone(), other))),
                }
            }
            match refused {
                Some((name, Verdict::Trouble(why))) => {
                    let device = store::device::by_name(tx, &name)?;
                    match device.as_ref().and_then(super::stations::trouble_of_row) {
                        Some(_) => Ok(place(name)),
                        None => Err(refusal(row.number, &name, &Verdict::Trouble(why))),
                    }
                }
                Some((name, _)) => Ok(place(name)),
                None => Ok(place(first)),
            }
        })
    }

    /// Releases a job that is locked, or says why not.
    fn release_locked(
        &self,
        tx: &Tx<'_>,
        before: &JobRow,
        secure: &SecureRow,
        place: &Place,
    ) -> Fallible<Result<(Released, Vec<WakeTarget>), Refusal>> {
        let number = before.number;
        let (state, entries) = Self::job_state(tx, before)?;
        let how = standing_everywhere(tx, before, secure, (state, &entries), store::spool::time(tx)?)?;
        if let Some(why) = unready(before, how, secure) {
            let failure = Failure::new(FailureKind::State, format!("job {number} {why}"));
            return Ok(Err(Refusal { failure, result: how.keyword() }));
        }
        if let Some(queue) = store::location::paused_group(tx, before.group)? {
            let failure =
                Failure::new(FailureKind::State, format!("job {number} waits in queue {queue}, which is paused"))
                    .hint("an operator resumes it: pdresume -c queue");
            return Ok(Err(Refusal { failure, result: how.keyword() }));
        }
        crate::spool::remote::demand_not_away(before, &entries)?;
        demand_single(before)?;
        takes_work(tx)?;
        let Some(row) = store::device::to_change(tx, &place.printer)? else {
            return Err(devices::not_found(tx, &place.printer));
        };
        let wanted = self.asks_of_printer(tx, before, secure)?;
        let mut printer = self.station_printer(tx, &row)?;
        // It was looked at when the release was asked for: one that was begun in time finishes.
        if let Some(closed) = place.closed {
            printer.trouble = Some(PrinterTrouble::StationClosed(closed));
        }
        let judged = verdict(&wanted, Some(&printer));
        if !judged.is_here() {
            let failure = refusal(number, &row.name, &judged);
            return Ok(Err(Refusal { failure, result: judged.keyword() }));
        }
        let Some(way) = self.way_to(tx, &row, &wanted.queue)? else {
            let judged = Verdict::Incompatible { queue: wanted.queue.name, printer: Vec::new(), one_way: false };
            let failure = refusal(number, &row.name, &judged);
            return Ok(Err(Refusal { failure, result: judged.keyword() }));
        };
        let destination = Destination::of(way.name.clone(), way.kind);
        may_send(tx, &destination, before.priority.min(crate::model::order::Priority::default()))?;
        let target = self.place_at(tx, destination)?;
        store::job::set_previous(tx, before.id, state)?;
        let kept = state == JobState::Retained;
        let mut job = if kept { Self::revive_released(tx, before)? } else { before.clone() };
        job.reasons = HoldReasons::NONE;
        store::job::set_reasons(tx, job.id, job.reasons, None)?;
        store::job::set_wish(tx, job.id, Wish::Run)?;
        (job.sort, job.place) =
            self.new_position(tx, target.route, job.priority, (job.work, job.pages), job.deadline_ms)?;
        let job = match kept || has_printed(&entries) {
            true => self.carry_anew(tx, job, &target)?,
            false => self.carry(tx, job, &target)?,
        };
        let due = match secure.due {
            Some(due) => Some(due),
            None => secure_queue(tx, secure.group)?.map(|queue| queue.due(tx)).transpose()?,
        };
        let printer = row.name.to_string();
        store::secure::released(
            tx,
            &SecureRow {
                due,
                releases: secure.releases.saturating_add(1),
                station: Some(place.station.to_string()),
                device: Some(printer.clone()),
                ..secure.clone()
            },
        )?;
        let why = format!("by {} at station {}, on {}", tx.who(), place.station, row.name.guardian());
        record(tx, Object::Job(job.id), EventWord::Released, &why)?;
        let released = Released { number, printer: row.name, correlation: self.correlation(&job) };
        Ok(Ok((released, wakes::of_route(tx, job.route)?)))
    }
}

/// Says why a job cannot be released wherever somebody stands, as the end of the sentence "job n …".
pub(super) fn unready(job: &JobRow, how: ReleaseState, secure: &SecureRow) -> Option<String> {
    let device = || secure.device.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    match how {
        ReleaseState::Waiting | ReleaseState::Kept | ReleaseState::MayHavePrinted => None,
        ReleaseState::Expired => Some("has expired: its purge time is over".to_owned()),
        ReleaseState::Released => Some(format!("is released already{}", device())),
        ReleaseState::Printing => Some(format!("is being printed{}", device())),
        ReleaseState::Begun => Some(format!("has been begun{}, and may have printed", device())),
        ReleaseState::Blocked => {
            let others = job.reasons.without(ended_by_release());
            let words: Vec<&str> = others.iter().map(crate::model::state::HoldReason::words).collect();
            Some(match words.is_empty() {
                true => "is paused or still arriving".to_owned(),
                false => format!("is kept back: {}", words.join("; ")),
            })
        }
    }
}

pub(super) fn refusal(job: impl std::fmt::Display, printer: &DeviceName, verdict: &Verdict) -> Failure {
    Failure::new(FailureKind::State, format!("job {job} is not released on {printer}: {verdict}"))
}

pub(super) fn no_station() -> Failure {
    Failure::new(FailureKind::BadValue, "no station is named, and there is not just one")
        .hint("--station NAME   names it;  pdls -c station   lists the stations")
}

pub(super) fn without_printers(station: &Station) -> Failure {
    Failure::new(FailureKind::State, format!("station {} has no printers", station.name))
        .hint(format!("pdset -c station -x related-printers=PRINTER {}   gives it some", station.name))
}
