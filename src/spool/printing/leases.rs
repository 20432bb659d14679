//! The spool as a print process sees it: [`Engine`]. Each function is one transaction.
//!
//! States of a lease: [`Engine::begins`] opens an epoch of the process; [`Engine::goes_dormant`], [`Engine::ends`] or
//! the death of the process closes it. A change asks first whether the lease still stands, so that a process that lost
//! it changes nothing.
//!
//! Who may: the holder of the lock of the process's name, and only for the devices of that process.
//!
//! A crash of the process leaves its row running and its claims in place. The next [`Engine::begins`] under the same
//! name gives the claims back, and reports the jobs whose octets may be on paper as possible duplicates.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Call;
use crate::model::device::{DeviceUri, Exclusive};
use crate::model::event::EventWord;
use crate::model::guardian::ProcessError;
use crate::model::request::OpenRequest;
use crate::model::state::{DeviceWish, EntryState, Wish};
use crate::model::time::Moment;
use crate::model::{ClassId, DeviceId, Failure, FailureKind, ProcessName, ServerName};
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock, Tx};

use super::{claims, device_errors};
use crate::spool::disk::files;
use crate::spool::interface::engine::{AttemptWish, Claim, DeviceOrder, Engine, Lease, Next, Remembered, TimedReport};
use crate::spool::{Room, Spool};

fn lost() -> Failure {
    Failure::new(FailureKind::State, "this print process is not in charge of its devices any more")
}

/// Refuses a lease that has ended. Locks the process of one that stands, so that nobody takes it for dormant or dead.
fn demand_lease(tx: &Tx<'_>, lease: &Lease) -> Fallible<()> {
    tx.lock(Lock::Process(lease.process))?;
    if store::process::runs(tx, lease.process, lease.epoch)? { Ok(()) } else { Err(lost()) }
}

/// What is the same for all devices of one read transaction, and is read once.
#[derive(Default)]
struct Shared {
    active: Option<bool>,
    /// Requirement classes by form.
    classes: HashMap<String, Vec<ClassId>>,
}

impl Shared {
    fn is_active(&mut self, tx: &Tx<'_>) -> Fallible<bool> {
        match self.active {
            Some(active) => Ok(active),
            None => Ok(*self.active.insert(claims::is_active(tx)?)),
        }
    }

    fn classes(&mut self, tx: &Tx<'_>, form: &str) -> Fallible<&[ClassId]> {
        if !self.classes.contains_key(form) {
            self.classes.insert(form.to_owned(), store::job::classes_for(tx, form)?);
        }
        Ok(self.classes.get(form).map_or(&[], Vec::as_slice))
    }
}

impl Spool {
    fn as_order(&self, tx: &Tx<'_>, lease: &Lease, row: DeviceRow, shared: &mut Shared) -> Fallible<DeviceOrder> {
        let engaged = store::entry::on_device(tx, row.id)?;
        // A spooler that is not ACTIVE drains its devices until they are closed. Then nothing is left to do for them.
        let wish = match row.wish {
            DeviceWish::Started if shared.is_active(tx)? => DeviceWish::Started,
            DeviceWish::Started if row.open || !engaged.is_empty() => DeviceWish::Draining,
            DeviceWish::Started => DeviceWish::Stopped,
            other => other,
        };
        let eligible = wish == DeviceWish::Started
            && claims::is_eligible(tx, row.id, shared.classes(tx, &store::device::carries(&row.settings))?)?;
        let restart_at_ms = device_errors::restart_at(tx, &row)?;
        let transferred = engaged.iter().filter(|(state, _)| *state == EntryState::Transferred).count();
        let ours = (EntryState::Claimed, Some((lease.process, lease.epoch)));
        Ok(DeviceOrder {
            id: row.id,
            name: row.name,
            settings: row.settings,
            wish,
            error: row.error,
            eligible,
            claimed: engaged.contains(&ours),
            transferred: u32::try_from(transferred).unwrap_or(u32::MAX),
            paper: row.paper,
            asked: store::request::open(tx, row.id, None)?.into_iter().next(),
            restart_at_ms,
            connection: row.connection,
        })
    }

    fn erase(&self, names: &[String]) {
        if !names.is_empty() {
            crate::sys::fault::point("before-erase");
        }
        files::erase(&self.base().server(self.server()), names);
    }
}

impl Engine for Spool {
    fn server(&self) -> ServerName {
        Spool::server(self).clone()
    }

    fn begins(&self, name: &ProcessName, pid: u32, now: &Moment) -> Fallible<Lease> {
        let (process, server) = (name.clone(), Spool::server(self).clone());
        let (lease, erase) = self.change(Room::Gives, &Call::of_process(name, now), move |tx| {
            tx.lock(Lock::Spool)?;
            let row = store::process::to_change(tx, &process)?
                .ok_or_else(|| crate::spool::objects::processes::not_found(&process))?;
            let epoch = store::process::begin_epoch(tx, row.id, server.as_str(), pid)?;
            store::process::set_error(tx, row.id, None, row.deaths)?;
            store::device::close_all(tx, &row.name)?;
            store::request::refuse_of_epochs(tx, row.id, epoch, "its print process ended before it answered")?;
            let mut erase = Vec::new();
            for entry in store::entry::of_dead_epochs(tx, row.id, epoch)? {
                let Some(job) = store::job::lock(tx, entry.job)? else { continue };
                let device = entry.device.map(|id| store::device::by_id(tx, id)).transpose()?.flatten();
                let uri = device.as_ref().and_then(DeviceRow::address);
                // A file tells how far the attempt got. Anywhere else octets may be on paper.
                let unsure = !matches!(uri, Some(DeviceUri::File(_) | DeviceUri::Null));
                let why = match (entry.state, unsure) {
                    (EntryState::Transferred, _) => "the print process ended before the connection had closed",
                    (_, true) => "the print process ended in mid-job; pages may be on paper",
                    (_, false) => "the print process ended in mid-job",
                };
                record(tx, Object::Job(job.id), EventWord::Returned, why)?;
                erase.extend(Self::give_back(tx, &entry, &job, unsure)?);
            }
            record(tx, Object::Process(row.id), EventWord::Began, &format!("epoch {epoch}, process {pid}"))?;
            crate::spool::objects::spooler::settle_drain(tx)?;
            store::finished::prune(tx)?;
            Ok((Lease { process: row.id, name: row.name, epoch }, erase))
        })?;
        self.erase(&erase);
        self.sweep()?;
        Ok(lease)
    }

    fn sweep(&self) -> Fallible<()> {
        Spool::sweep(self).map(drop)
    }

    fn orders(&self, lease: &Lease, _now: &Moment) -> Fallible<Vec<DeviceOrder>> {
        self.look(&Call::timeless(), |tx| {
            let rows = store::device::of_process(tx, &lease.name)?;
            let mut shared = Shared::default();
            rows.into_iter().map(|row| self.as_order(tx, lease, row, &mut shared)).collect()
        })
    }

    fn order(&self, lease: &Lease, device: DeviceId, _now: &Moment) -> Fallible<Option<DeviceOrder>> {
        self.look(&Call::timeless(), |tx| {
            let row =
                store::device::by_id(tx, device)?.filter(|row| row.settings.process.as_ref() == Some(&lease.name));
            row.map(|row| self.as_order(tx, lease, row, &mut Shared::default())).transpose()
        })
    }

    fn remembered(&self, _lease: &Lease, device: DeviceId) -> Fallible<Remembered> {
        self.look(&Call::timeless(), |tx| store::device::remembered(tx, device))
    }

    fn fastcnfg(&self) -> Fallible<PathBuf> {
        Spool::fastcnfg(self)
    }

    fn claim(&self, lease: &Lease, device: DeviceId, now: &Moment) -> Fallible<Option<Claim>> {
        let (spool, lease) = (self.clone(), lease.clone());
        self.change(Room::Gives, &Call::of_process(&lease.name, now), move |tx| {
            tx.lock(Lock::Spool)?;
            demand_lease(tx, &lease)?;
            Ok(spool.claim_in(tx, &lease, device)?.job())
        })
    }

    fn record(
        &self,
        lease: &Lease,
        device: DeviceId,
        reports: Arc<Vec<TimedReport>>,
        claim_next: bool,
        now: &Moment,
    ) -> Fallible<Next> {
        let (spool, lease) = (self.clone(), lease.clone());
        let (next, erase, accounts) = self.change(Room::Gives, &Call::of_process(&lease.name, now), move |tx| {
            tx.lock(Lock::Spool)?;
            demand_lease(tx, &lease)?;
            let (erase, free) = spool.record_in(tx, &lease, device, &reports)?;
            let next = match free {
                _ if !claim_next => Next::Unknown,
                Some(row) => spool.claim_for(tx, &lease, &row)?,
                None => spool.claim_in(tx, &lease, device)?,
            };
            Ok((next, erase, store::account::any(tx)?))
        })?;
        self.erase(&erase);
        if accounts {
            // A log that cannot be written stops no job: what waits for it is written the next time.
            let _ = self.write_accounts_aside(now);
        }
        Ok(next)
    }

    fn attempt_wish(&self, lease: &Lease, claim: &Claim) -> Fallible<AttemptWish> {
        self.look(&Call::timeless(), |tx| {
            let Some(entry) = store::entry::by_id(tx, claim.entry)? else { return Ok(AttemptWish::Lost) };
            if entry.state != EntryState::Claimed || entry.claimed_by != Some((lease.process, lease.epoch)) {
                return Ok(AttemptWish::Lost);
            }
            let Some(job) = store::job::by_id(tx, entry.job)? else { return Ok(AttemptWish::Lost) };
            let runs = job.wish == Wish::Run && job.reasons.is_empty();
            if !runs {
                return Ok(AttemptWish::Stop);
            }
            let device = entry.device.map(|device| store::device::by_id(tx, device)).transpose()?.flatten();
            Ok(match device.map(|row| row.wish) {
                Some(DeviceWish::Suspended) => AttemptWish::Suspend,
                // A drain lets a running job end, and stops the device afterwards.
                Some(DeviceWish::Stopped) => AttemptWish::LetGo,
                _ => AttemptWish::Continue,
            })
        })
    }

    fn requests(&self, _lease: &Lease, claim: &Claim) -> Fallible<Vec<OpenRequest>> {
        self.look(&Call::timeless(), |tx| store::request::open(tx, claim.device, Some((claim.entry, claim.attempt))))
    }

    fn goes_dormant(&self, lease: &Lease, now: &Moment) -> Fallible<bool> {
        let lease = lease.clone();
        self.change(Room::Gives, &Call::of_process(&lease.name, now), move |tx| {
            tx.lock(Lock::Spool)?;
            demand_lease(tx, &lease)?;
            if store::entry::busy(tx, lease.process)? {
                return Ok(false);
            }
            for device in store::device::of_process(tx, &lease.name)? {
                let held_open = device.wish == DeviceWish::Started
                    && device.settings.exclusive == Exclusive::On
                    && claims::is_active(tx)?;
                if held_open || claims::device_has_work(tx, &device)? {
                    return Ok(false);
                }
            }
            store::process::end_epoch(tx, lease.process, lease.epoch)?;
            store::device::close_all(tx, &lease.name)?;
            store::finished::prune(tx)?;
            record(tx, Object::Process(lease.process), EventWord::Dormant, "nothing to do")?;
            Ok(true)
        })
    }

    fn ends(&self, lease: &Lease, why: &str, now: &Moment) -> Fallible<()> {
        let (lease, why) = (lease.clone(), why.to_owned());
        self.change(Room::Gives, &Call::of_process(&lease.name, now), move |tx| {
            demand_lease(tx, &lease)?;
            store::process::end_epoch(tx, lease.process, lease.epoch)?;
            store::device::close_all(tx, &lease.name)?;
            record(tx, Object::Process(lease.process), EventWord::Ended, &why)
        })
    }

    fn ends_in_error(&self, lease: &Lease, error: ProcessError, why: &str, now: &Moment) -> Fallible<()> {
        Engine::ends(self, lease, &format!("{}: {why}", error.words()), now)?;
        self.process_cannot_start(lease.process, lease.epoch, error, why, now)
    }

    fn lease_stands(&self, lease: &Lease) -> Fallible<bool> {
        match self.look(&Call::timeless(), |tx| store::process::runs(tx, lease.process, lease.epoch)) {
            // The schema is newer than ours, or another database lies there: we must not write. Damage is neither.
            Err(failure) if failure.kind == FailureKind::Unreachable => Ok(false),
            other => other,
        }
    }
}
