//! Jobs that this server has claimed of another one, which holds them, to print them here.
//!
//! The claim makes a job here, as a hand-over does; its row of `incoming` says until when it may be begun. The print process asks
//! before its first octet leaves ([`super::asking`]), and only after the owner has BEGIN on record it goes on. An end that cannot
//! be reported waits in that row until the owner has confirmed it.
//!
//! | a crash after | leaves |
//! |---|---|
//! | the owner's yes | a claim that nobody here knows: it ends by its time |
//! | the job is here | a job that is begun, or given back, by the next server |
//! | the owner has BEGIN | a claim that is begun again under the same number, and is |
//! | the job has ended here | an end that is reported by the next server |

use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::lease::{self, ClaimEnd, Granted, LeaseAnswer};
use crate::model::location::Destination;
use crate::model::remote::PeerFate;
use crate::model::state::{Delivery, DeviceWish, EntryState, Wish};
use crate::model::time::Moment;
use crate::model::{Call, DeviceName, Failure, FailureKind, GlobalJobId, JobId, JobNumber, JobRef, ServerName};
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record};
use crate::store::lease::{Own, OwnRow};
use crate::store::{self, Fallible, Lock, Tx};

use super::incoming::{demand_usable, new_job};
use crate::spool::disk::files;
use crate::spool::jobs::actions::claimants;
use crate::spool::jobs::submit::takes_work;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// How many claims are looked at at once.
pub const AT_ONCE: u32 = 200;

/// A claim of ours, and what is to be said of it to the owner of its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnClaim {
    /// Its token.
    pub token: String,
    /// Whether it is to be renewed.
    pub renews: bool,
    /// How its job ended here.
    pub end: Option<ClaimEnd>,
}

/// Whether a job may be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It may: it is no claimed one, or its owner has BEGIN on record.
    Given,
    /// Its owner has to be asked.
    Ask {
        /// The owner.
        server: ServerName,
        /// The token of the claim.
        token: String,
    },
    /// The claim is over; why.
    Over(String),
}

/// What the row of a claim tells its owner.
fn as_claim(row: &OwnRow, now_ms: i64, lease_ms: i64) -> OwnClaim {
    let end = row.outcome.as_ref().map(|outcome| {
        let printed = Delivery::ALL.into_iter().any(|delivery| delivery.word() == outcome);
        ClaimEnd { outcome: outcome.clone(), device: row.device.clone(), begun: row.own == Own::Begun && !printed }
    });
    let renews = end.is_none() && row.own == Own::Leased && lease::is_to_renew(now_ms, row.until, lease_ms);
    OwnClaim { token: row.token.clone(), renews, end }
}

/// How long ago something was, by the boot clock; of another boot nobody knows, and it counts as long ago.
fn ago(sent: &Moment, now: &Moment) -> i64 {
    if sent.boot_id == now.boot_id { now.boot_ms.saturating_sub(sent.boot_ms) } else { i64::MAX }
}

impl Spool {
    /// Checks that a job of another server may be printed at `destination`, before that server is asked: the job is not here,
    /// the caller may submit there, and a device there is well. Returns where it goes, and one of its devices.
    ///
    /// # Errors
    /// The reason in words.
    pub fn may_claim(&self, call: &Call, job: &GlobalJobId, destination: &str) -> Fallible<(Destination, DeviceName)> {
        if job.server == *self.server() {
            return Err(self.look(call, |tx| self.is_own(tx, job))?);
        }
        self.look(call, |tx| {
            takes_work(tx)?;
            self.demand_not_here(tx, job)?;
            let found = self.destination(tx, destination)?;
            let trust = store::spool::row(tx)?.trust;
            let place = Self::place_of(tx, &trust, &found)?;
            Self::demand(tx, Right::Submit { place: &place })?;
            let device = well(tx, &found)?;
            Ok((found, device.name))
        })
    }

    /// The failure for a job of this server, with what prints it here.
    fn is_own(&self, tx: &Tx<'_>, job: &GlobalJobId) -> Fallible<Failure> {
        let Some(row) = store::job::by_ref(tx, &JobRef::Global(job.clone()), 0, self.server().as_str())? else {
            return Ok(Failure::not_found(format!("job {job}")));
        };
        let number = row.number;
        let failure = Failure::new(FailureKind::BadValue, format!("{job} is a job of this server, job {number}"));
        Ok(match store::secure::of_job(tx, row.id)? {
            Some(_) => failure.hint(format!("pdrelease {number}   releases it at a station")),
            None => failure.hint(format!("spoolcom 'JOB {number}, START'   starts it here")),
        })
    }

    fn demand_not_here(&self, tx: &Tx<'_>, job: &GlobalJobId) -> Fallible<()> {
        let found = store::job::by_ref(tx, &JobRef::Global(job.clone()), 0, self.server().as_str())?;
        match found {
            Some(row) => Err(Failure::new(FailureKind::State, format!("{job} is here already, as job {}", row.number))),
            None => Ok(()),
        }
    }

    /// Makes the job of a claim that was granted; the request was sent at `sent`. `at_station` is where its owner stands who has
    /// released it. Returns its number, and the print processes that have
    /// work.
    ///
    /// # Errors
    /// When the job cannot be made; the owner is to be told that it is given back.
    pub fn take_claimed(
        &self,
        call: &Call,
        (from, job): (&ServerName, &GlobalJobId),
        granted: Granted,
        (destination, at_station): (&Destination, Option<(Option<String>, DeviceName)>),
        sent: &Moment,
    ) -> Fallible<(JobNumber, Vec<WakeTarget>)> {
        let Granted { lease_ms, offer } = granted;
        if offer.global != *job {
            let why = format!("{from} answers with another job, {}", offer.global);
            return Err(Failure::new(FailureKind::Security, why));
        }
        demand_usable(&offer, from, &self.inner.spool_id)?;
        let ago = ago(sent, &call.now);
        let keys = self.keys_for(&offer)?;
        let (spool, from, destination) = (self.clone(), from.clone(), destination.clone());
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            takes_work(tx)?;
            spool.demand_not_here(tx, &offer.global)?;
            let until = lease::printer_until(store::spool::time(tx)?.0, ago, lease_ms);
            if until <= store::spool::time(tx)?.0 {
                let why = format!("{from} answered when the claim was over");
                return Err(Failure::new(FailureKind::Timeout, why));
            }
            let row = store::spool::row(tx)?;
            let place = Self::place_of(tx, &row.trust, &destination)?;
            Self::demand(tx, Right::Submit { place: &place })?;
            let new = new_job(&spool, &from, (&offer, &keys), tx.caller()?);
            let (accepted, devices) = new.insert(tx, &spool, &destination, None)?;
            store::remote::set_origin(tx, accepted.id, &offer.global)?;
            store::remote::insert_incoming(tx, &offer.token, &from, accepted.id, true)?;
            store::lease::set_own(tx, &offer.token, Own::Leased, until)?;
            if offer.duplicate {
                store::alter::mark_duplicate(tx, accepted.id)?;
            }
            let why = format!("claimed of {from}, where it is held");
            record(tx, Object::Job(accepted.id), EventWord::Remark, &why)?;
            if let Some((station, printer)) = &at_station {
                let printer = printer.to_string();
                let job = (offer.global.to_string(), Some(accepted.number));
                let place = (station.as_deref(), Some(printer.as_str()));
                spool.write_elsewhere(tx, (&job.0, job.1), ("release", "ok"), place)?;
            }
            crate::sys::fault::point("claim-commit");
            Ok((accepted.number, wakes::of_devices(tx, &devices)?))
        })
    }

    /// Returns the claims of ours on jobs of a server, a page at a time, those after `after`.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn own_claims(
        &self,
        server: &ServerName,
        after: &str,
        (lease_ms, now): (i64, &Moment),
    ) -> Fallible<Vec<OwnClaim>> {
        self.look(&Call::of_spooler(now), |tx| {
            let time = store::spool::seen_time(tx)?.0;
            let rows = store::lease::own_at(tx, server, after, AT_ONCE)?;
            Ok(rows.iter().map(|row| as_claim(row, time, lease_ms)).collect())
        })
    }

    /// Records what the owner answered to a renewal that was sent at `sent`. Returns the print processes that have to look.
    ///
    /// # Errors
    /// When the spool cannot be changed. It is renewed again.
    pub fn lease_renewed(
        &self,
        token: &str,
        answer: LeaseAnswer,
        (sent, now): (&Moment, &Moment),
    ) -> Fallible<Vec<WakeTarget>> {
        match answer {
            LeaseAnswer::Over(why) => self.withdraw_claimed(token, &why, now),
            answer => {
                let (token, ago) = (token.to_owned(), ago(sent, now));
                self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
                    let Some(row) = locked(tx, &token)? else { return Ok(Vec::new()) };
                    let (own, until) = match answer {
                        LeaseAnswer::Stands(lease_ms) => {
                            (row.own, lease::printer_until(store::spool::time(tx)?.0, ago, lease_ms))
                        }
                        _ => (Own::Begun, row.until),
                    };
                    store::lease::set_own(tx, &token, own, until)?;
                    // Whoever made the job here may have died before he woke its print process.
                    match store::job::by_id(tx, row.job)? {
                        Some(job) => wakes::of_route(tx, job.route),
                        None => Ok(Vec::new()),
                    }
                })
            }
        }
    }

    /// Tells whether a job may be begun now. A claim of which this server has counted the time to its end is not begun, whatever
    /// its owner would say.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn permit(&self, job: JobId, now: &Moment) -> Fallible<Permit> {
        self.look(&Call::of_spooler(now), |tx| {
            let Some(row) = store::lease::own_of(tx, job)? else { return Ok(Permit::Given) };
            Ok(match row.own {
                Own::Begun => Permit::Given,
                Own::Leased if row.until <= store::spool::seen_time(tx)?.0 => {
                    Permit::Over("its claim was not renewed in time".to_owned())
                }
                Own::Leased => Permit::Ask { server: row.server, token: row.token },
            })
        })
    }

    /// Records that the owner of a job has BEGIN on record.
    ///
    /// # Errors
    /// When the spool cannot be changed. The owner is asked again, and says the same.
    pub fn lease_begun(&self, token: &str, now: &Moment) -> Fallible<()> {
        let token = token.to_owned();
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| match locked(tx, &token)? {
            Some(row) => store::lease::set_own(tx, &token, Own::Begun, row.until),
            None => Ok(()),
        })
    }

    /// Removes the job of a claim that is over; the owner is told that it was not begun. Returns the print processes that have to
    /// stop.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn withdraw_claimed(&self, token: &str, why: &str, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        let (token, why) = (token.to_owned(), why.to_owned());
        let (targets, erase) = self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            let none = || (Vec::new(), Vec::new());
            // What was begun goes on: its end is told, late perhaps.
            let Some(row) = locked(tx, &token)?.filter(|row| row.own == Own::Leased) else { return Ok(none()) };
            let Some(job) = store::job::by_id(tx, row.job)? else { return Ok(none()) };
            let text = format!("its claim at {} is over: {why}", row.server);
            let entries = store::entry::of_job(tx, job.id)?;
            if job.wish == Wish::Cancel && entries.iter().any(|entry| entry.state.is_busy()) {
                return Ok((claimants(tx, &entries)?, Vec::new()));
            }
            record(tx, Object::Job(job.id), EventWord::Deleted, &text)?;
            if entries.iter().any(|entry| matches!(entry.state, EntryState::Claimed)) {
                store::job::set_wish(tx, job.id, Wish::Cancel)?;
                store::entry::withdraw(tx, job.id)?;
                return Ok((claimants(tx, &entries)?, Vec::new()));
            }
            Ok((Vec::new(), Self::finish(tx, &job, None, PeerFate::GIVEN_BACK)?))
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        Ok(targets)
    }

    /// Removes the job of a claim that is over, found by the job.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn withdraw_claimed_job(&self, job: JobId, why: &str, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        let row = self.look(&Call::of_spooler(now), |tx| store::lease::own_of(tx, job))?;
        row.map_or(Ok(Vec::new()), |row| self.withdraw_claimed(&row.token, why, now))
    }

    /// Forgets an end that the owner has on record, or has refused as late.
    ///
    /// # Errors
    /// When the spool cannot be changed. It is reported again.
    pub fn end_is_told(&self, token: &str, now: &Moment) -> Fallible<()> {
        let token = token.to_owned();
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| store::remote::confirm(tx, &token))
    }
}

/// Finds a claim of ours, and locks its job.
fn locked(tx: &Tx<'_>, token: &str) -> Fallible<Option<OwnRow>> {
    let Some(row) = store::lease::own(tx, token)? else { return Ok(None) };
    tx.lock(Lock::Job(row.job))?;
    Ok(store::lease::own(tx, token)?.filter(|row| row.outcome.is_none()))
}

/// Returns a device of a destination that prints now.
fn well(tx: &Tx<'_>, destination: &Destination) -> Fallible<DeviceRow> {
    let gone = || Failure::not_found(destination);
    let route = match destination {
        Destination::Location(name) | Destination::Plain(name) => {
            store::location::by_name(tx, name)?.ok_or_else(gone)?.job_route()
        }
        Destination::Group(name) => store::location::group(tx, name)?.ok_or_else(gone)?.route,
    };
    let devices = store::device::of_route(tx, route)?;
    let is_well = |device: &&DeviceRow| device.wish == DeviceWish::Started && device.in_error().is_none();
    if let Some(device) = devices.iter().find(is_well) {
        return Ok(device.clone());
    }
    let why = match devices.first() {
        None => format!("{destination} leads to no device of this server"),
        Some(device) => {
            let name = device.name.guardian();
            match device.in_error() {
                Some(error) => format!("{name} is in error: {}", error.text),
                None => format!("{name} is not started"),
            }
        }
    };
    Err(Failure::new(FailureKind::State, format!("{why}; the job stays held where it is")))
}
