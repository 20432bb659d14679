//! What an operator wants of a device: START, SUSPEND, DRAIN, and waiting for the end of a drain.
//!
//! States: the wish is a row (Stopped, Started, Draining, Suspended); the print process reads it and carries it out. A
//! drain ends with Stopped, which the print process records, or at once when no process has anything to end. Only the
//! stop of an operator sticks: anybody may start a device that an error has stopped, and so does RESTART.
//!
//! Who may: the creator of the spool; anybody starts a device that is offline because of an error. Anybody waits.
//!
//! A crash: the wish stays, and the next process of that name carries it out.

use std::time::{Duration, Instant};

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::device::DeviceStatus;
use crate::model::event::EventWord;
use crate::model::state::{DeviceState, DeviceWish, ProcessState};
use crate::model::{DeviceName, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock};
use crate::sys::watch::Watch;

use super::alive::Alive;
use super::devices::{by_id, is_busy, not_found, unknown_process};
use crate::spool::interface::local::WaitResult;
use crate::spool::printing::{device_errors, wakes};
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Starts a device. Returns its print process if it runs or has work.
    pub(crate) fn start_device(&self, call: &Call, name: DeviceName) -> Fallible<Vec<WakeTarget>> {
        let fastcnfg = self.base().fastcnfg();
        let may_have_entry = self.base().has_fastcnfg();
        self.change(Room::Gives, call, move |tx| {
            let row = store::device::by_name(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            tx.lock(Lock::Device(row.id))?;
            // Only an operator starts what an operator took offline or suspended, whatever error the device was in.
            let offline_by_error =
                row.stopped_by_error || (row.wish == DeviceWish::Started && row.in_error().is_some());
            Self::demand(tx, Right::StartDevice { offline_by_error })?;
            let missing = |what: &str, hint: String| {
                Err(Failure::new(FailureKind::State, format!("device {} has no {what}", row.name.guardian()))
                    .hint(hint))
            };
            let shown = row.name.guardian();
            let Some(process) = &row.settings.process else {
                return missing("print process", format!("DEV {shown}, PROCESS $SPLA gives it one"));
            };
            if row.settings.uri.is_none() && !may_have_entry {
                let uri = format!("DEV {shown}, URI socket://host:9100 or URI file:///path gives it one");
                return missing("address", format!("{uri}, or an entry for it in {}", fastcnfg.display()));
            }
            let Some(target) = wakes::target(tx, process)? else {
                return Err(unknown_process(tx, process)?);
            };
            store::device::set_wish(tx, row.id, DeviceWish::Started)?;
            store::device::set_error(tx, row.id, None)?;
            record(tx, Object::Device(row.id), EventWord::Started, "DEV START")?;
            let row = store::device::by_id(tx, row.id)?.ok_or_else(|| not_found(tx, &name))?;
            let work = target.running || crate::spool::printing::claims::device_has_work(tx, &row)?;
            Ok(if work { vec![target] } else { Vec::new() })
        })
    }

    /// Stops a device where it is: its job stands still, and an error is not tried again. The device must be printing
    /// or in error; one that is suspended already stays so.
    pub(crate) fn suspend_device(&self, call: &Call, name: DeviceName) -> Fallible<Vec<WakeTarget>> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = store::device::by_name(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            tx.lock(Lock::Device(row.id))?;
            if row.wish == DeviceWish::Suspended {
                return Ok(Vec::new());
            }
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
            match &row.settings.process {
                Some(process) => Ok(wakes::target(tx, process)?.into_iter().filter(|target| target.running).collect()),
                None => Ok(Vec::new()),
            }
        })
    }

    /// Drains a device: its job goes on to its end, and it takes no other. Returns the state of the device, and its
    /// print process if that has to end something.
    pub(crate) fn drain_device(&self, call: &Call, name: DeviceName) -> Fallible<(DeviceState, Vec<WakeTarget>)> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = store::device::by_name(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            tx.lock(Lock::Device(row.id))?;
            if row.wish == DeviceWish::Stopped {
                if row.stopped_by_error {
                    // The error stopped it, and RESTART would start it again. From now on an operator has stopped it.
                    store::device::set_wish(tx, row.id, DeviceWish::Stopped)?;
                    device_errors::no_more_tries(tx, &row)?;
                    let why = if row.settings.restart > 0 { "no RESTART any more" } else { "DEV DRAIN" };
                    record(tx, Object::Device(row.id), EventWord::Drained, why)?;
                }
                return Ok((DeviceState::Offline, Vec::new()));
            }
            record(tx, Object::Device(row.id), EventWord::Drained, "DEV DRAIN")?;
            let process = match &row.settings.process {
                Some(process) => store::process::by_name(tx, process)?,
                None => None,
            };
            // Must anybody end something before the device is offline? Yes, a process that runs or died in mid-job.
            // Must we wait for a process in error? No: it prints nothing, and PRINT START gives back the job that it
            // died with.
            let busy = row.open || is_busy(tx, &row)?;
            match process.filter(|process| process.error.is_none()) {
                Some(process) if busy || process.running => {
                    store::device::set_wish(tx, row.id, DeviceWish::Draining)?;
                    let state = spool.device_status(tx, by_id(tx, &row)?, &mut Alive::new(&spool))?.state;
                    Ok((state, wakes::target(tx, &process.name)?.into_iter().collect()))
                }
                _ => {
                    store::device::set_wish(tx, row.id, DeviceWish::Stopped)?;
                    store::device::set_closed(tx, row.id)?;
                    device_errors::no_more_tries(tx, &row)?;
                    record(tx, Object::Device(row.id), EventWord::Stopped, "nothing was printing")?;
                    Ok((DeviceState::Offline, Vec::new()))
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
            // The device is offline, or somebody has started it again: either way the drain is over.
            if status.wish != DeviceWish::Draining || left.is_zero() {
                let ended = matches!(status.process_state, ProcessState::Dead | ProcessState::Dormant);
                // The process that was to end the drain is gone: its successor will.
                let targets = match &status.settings.process {
                    Some(process) if ended && status.wish == DeviceWish::Draining => self.targets_of(process)?,
                    _ => Vec::new(),
                };
                return Ok(WaitResult { seen: status, targets });
            }
            watch.wait(left).map_err(io)?;
        }
    }
}
