//! What an operator wants of a device: START, SUSPEND, DRAIN, and waiting for the end of a drain.
//!
//! States: the wish is a row (Stopped, Started, Draining, Suspended); the print process reads it and carries it out. A
//! drain ends with Stopped, which the print process records, or at once when no process has anything to end. A suspended
//! device that is drained is Stopped at once: its job does not print on, it goes back to its place. Only the stop of an
//! operator sticks: anybody may start a device that an error has stopped, and so does RESTART.
//!
//! Who may: the creator of the spool, operators, and whom ACCESS OPERATE of the device names; anybody starts a device that is offline because of an error. Anybody waits.
//!
//! A crash: the wish stays, and the next process of that name carries it out.

use std::time::{Duration, Instant};

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::device::DeviceStatus;
use crate::model::event::EventWord;
use crate::model::state::{DeviceState, DeviceWish, EntryState, ProcessState};
use crate::model::{DeviceName, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible};
use crate::sys::watch::Watch;

use super::alive::Alive;
use super::devices::{by_id, is_busy, lacks, not_found};
use super::spooler::is_something;
use crate::spool::interface::local::WaitResult;
use crate::spool::printing::{claims, device_errors, wakes};
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Starts a device. Returns its print process if it runs or has work.
    pub(crate) fn start_device(&self, call: &Call, name: DeviceName) -> Fallible<Vec<WakeTarget>> {
        let fastcnfg = self.fastcnfg()?;
        let may_have_entry = is_something(&fastcnfg);
        self.change(Room::Gives, call, move |tx| {
            let row = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            // Only an operator starts what an operator took offline or suspended, or will when its job is done, whatever error
            // the device was in.
            let offline_by_error = !row.pause_next
                && (row.stopped_by_error || (row.wish == DeviceWish::Started && row.in_error().is_some()));
            Self::demand(tx, Right::StartDevice { offline_by_error, place: &Self::place_of_device(tx, &row)? })?;
            if let Some(failure) = lacks(tx, &row, may_have_entry, &fastcnfg)? {
                return Err(failure);
            }
            let process = row.settings.process.clone();
            let target = process.map(|process| wakes::target(tx, &process)).transpose()?.flatten();
            let target = target.ok_or_else(|| Failure::internal("a device without a print process was started"))?;
            // One that is started already has nothing to be told.
            if row.wish != DeviceWish::Started || row.pause_next || row.error.is_some() {
                store::device::set_wish(tx, row.id, DeviceWish::Started)?;
                store::device::set_error(tx, row.id, None)?;
                let resumed = row.wish == DeviceWish::Suspended;
                let why = if resumed { store::outbox::RESUMED } else { "DEV START" };
                record(tx, Object::Device(row.id), EventWord::Started, why)?;
            }
            let row = store::device::by_id(tx, row.id)?.ok_or_else(|| not_found(tx, &name))?;
            let work = target.running || claims::device_has_work(tx, &row)?;
            Ok(if work { vec![target] } else { Vec::new() })
        })
    }

    /// Stops a device where it is: its job stands still, and an error is not tried again. The device must be printing
    /// or in error; one that is suspended already stays so.
    pub(crate) fn suspend_device(&self, call: &Call, name: DeviceName) -> Fallible<Vec<WakeTarget>> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            let row = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &row)? })?;
            if row.wish == DeviceWish::Suspended {
                return Ok(Vec::new());
            }
            let target = match &row.settings.process {
                Some(process) => wakes::target(tx, process)?,
                None => None,
            };
            let status = spool.device_status(tx, row.clone(), &mut Alive::new(&spool))?;
            if !matches!(status.state, DeviceState::Printing(_) | DeviceState::DevError(_)) {
                let (shown, state) = (row.name.guardian(), status.state);
                let failure =
                    Failure::new(FailureKind::State, format!("device {shown} is {state}: it has no job to stop"));
                return Err(match state {
                    DeviceState::Waiting => failure.hint(format!("DEV {shown}, DRAIN   lets it begin none")),
                    _ => failure,
                });
            }
            store::device::set_wish(tx, row.id, DeviceWish::Suspended)?;
            device_errors::no_more_tries(tx, &row)?;
            let why = match (row.wish, &status.running) {
                (DeviceWish::Draining, Some(running)) => format!("job {}, in place of the drain", running.job),
                (_, Some(running)) => format!("job {}", running.job),
                _ => String::new(),
            };
            record(tx, Object::Device(row.id), EventWord::Suspended, &why)?;
            Ok(target.into_iter().filter(|target| target.running).collect())
        })
    }

    /// Waits until a suspended device stands, or until `timeout`: no further octet of its job leaves. Tells whether it does.
    /// It also stands when it has no job any more, or no process that could send one, or when somebody took the wish back.
    pub(crate) fn await_standing(
        &self,
        name: &DeviceName,
        timeout: Duration,
        again: &dyn Fn() -> Call,
    ) -> Fallible<WaitResult<bool>> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let stands = self.look(&again(), |tx| {
                let row = store::device::by_name(tx, name)?.ok_or_else(|| not_found(tx, name))?;
                let sending = row.wish == DeviceWish::Suspended
                    && !store::entry::of_device(tx, row.id, EntryState::Claimed)?.is_empty()
                    && row.settings.process.as_ref().is_some_and(|process| self.process_lives(process).unwrap_or(true));
                if !sending {
                    return Ok(true);
                }
                let words = [EventWord::Suspended, EventWord::StandsStill];
                let last = store::event::last(tx, Object::Device(row.id), &words)?;
                Ok(last.is_some_and(|event| event.what == EventWord::StandsStill))
            })?;
            let left = deadline.saturating_duration_since(Instant::now());
            if stands || left.is_zero() {
                return Ok(stands.into());
            }
            watch.wait(left).map_err(io)?;
        }
    }

    /// Drains a device: its job goes on to its end, and it takes no other. Returns the state of the device, and the
    /// print processes that have something to do: its own, if that has to end something, and those of its groups.
    pub(crate) fn drain_device(&self, call: &Call, name: DeviceName) -> Fallible<(DeviceState, Vec<WakeTarget>)> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            let row = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &row)? })?;
            // What was kept to it goes to the others of its groups.
            let mut others = claims::let_go(tx, row.id)?;
            if row.wish == DeviceWish::Stopped {
                if row.stopped_by_error {
                    // The error stopped it, and RESTART would start it again. From now on an operator has stopped it.
                    store::device::set_wish(tx, row.id, DeviceWish::Stopped)?;
                    device_errors::no_more_tries(tx, &row)?;
                    let why = if row.settings.restart > 0 { "no RESTART any more" } else { "DEV DRAIN" };
                    record(tx, Object::Device(row.id), EventWord::Drained, why)?;
                } else if store::device::stays_stopped(tx, row.id)? {
                    record(
                        tx,
                        Object::Device(row.id),
                        EventWord::Drained,
                        "DEV DRAIN: SPOOLER START leaves it offline",
                    )?;
                }
                return Ok((DeviceState::Offline, others));
            }
            if row.wish != DeviceWish::Draining {
                record(tx, Object::Device(row.id), EventWord::Drained, "DEV DRAIN")?;
            }
            let claimed = !store::entry::of_device(tx, row.id, EntryState::Claimed)?.is_empty();
            let process = match &row.settings.process {
                Some(process) => store::process::to_change(tx, process)?,
                None => None,
            };
            // Must anybody end something before the device is offline? Yes, a process that runs or died in mid-job.
            // Must we wait for a process in error? No: it prints nothing, and PRINT START gives back the job that it
            // died with.
            let busy = row.open || is_busy(tx, &row)?;
            match process.filter(|process| process.error.is_none()) {
                // The print process learns from a stopped device that it is to let go of the job.
                Some(process) if row.wish == DeviceWish::Suspended && claimed => {
                    store::device::set_wish(tx, row.id, DeviceWish::Stopped)?;
                    device_errors::no_more_tries(tx, &row)?;
                    wakes::add(&mut others, wakes::target(tx, &process.name)?);
                    Ok((DeviceState::Suspended, others))
                }
                Some(process) if busy || process.running => {
                    store::device::set_wish(tx, row.id, DeviceWish::Draining)?;
                    let state = spool.device_status(tx, by_id(tx, &row)?, &mut Alive::new(&spool))?.state;
                    wakes::add(&mut others, wakes::target(tx, &process.name)?);
                    Ok((state, others))
                }
                _ => {
                    store::device::set_wish(tx, row.id, DeviceWish::Stopped)?;
                    store::device::set_closed(tx, row.id)?;
                    device_errors::no_more_tries(tx, &row)?;
                    record(tx, Object::Device(row.id), EventWord::Stopped, "nothing was printing")?;
                    Ok((DeviceState::Offline, others))
                }
            }
        })
    }

    /// Waits for the end of a drain, or until `timeout`. A commit wakes the wait; nothing is polled. `again` makes the
    /// call of each look.
    pub(crate) fn await_offline(
        &self,
        name: &DeviceName,
        timeout: Duration,
        again: &dyn Fn() -> Call,
    ) -> Fallible<WaitResult<DeviceStatus>> {
        let io = |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot watch the spool: {error}"));
        let deadline = Instant::now() + timeout;
        let watch = Watch::new(&self.base().write_lock()).map_err(io)?;
        loop {
            let status = self.device(&again(), name)?;
            let left = deadline.saturating_duration_since(Instant::now());
            // The device is offline and has no job, or somebody has started it again: either way the drain is over.
            let drains = match status.wish {
                DeviceWish::Draining => true,
                DeviceWish::Stopped => status.running.is_some(),
                DeviceWish::Started | DeviceWish::Suspended => false,
            };
            if !drains || left.is_zero() {
                let ended = matches!(status.process_state, ProcessState::Dead | ProcessState::Dormant);
                // The process that was to end the drain is gone: its successor will.
                let targets = match &status.settings.process {
                    Some(process) if ended && drains => self.targets_of(process)?,
                    _ => Vec::new(),
                };
                return Ok(WaitResult { seen: status, targets });
            }
            watch.wait(left).map_err(io)?;
        }
    }
}
