//! Which print processes have work, found in the transaction that made it.

use crate::model::Call;
use crate::model::guardian::ProcessError;
use crate::model::state::DeviceWish;
use crate::model::time::Moment;
use crate::model::{ProcessId, ProcessName, RouteId};
use crate::store::device::DeviceRow;
use crate::store::{self, Fallible, Lock, Tx};

use crate::spool::Spool;

/// A print process that has to look, as its row stood in the transaction that made work for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeTarget {
    /// Identity.
    pub id: ProcessId,
    /// Name.
    pub name: ProcessName,
    /// Its program; none = nobody starts it but its user.
    pub file: Option<String>,
    /// Whether its row says running: then wake it, else start it.
    pub running: bool,
    /// The epoch in which it ran.
    pub epoch: u64,
    /// Whether it is in error: then nothing is started until `PRINT p, START`. One that could not be started is not: it
    /// is tried again, because what was missing may be there now.
    pub in_error: bool,
}

/// Wakes or starts the print processes that have work. Failing to do so never undoes what was acknowledged; it shows
/// in the state of the process.
pub trait Attendant: Send + Sync {
    /// Sees to the processes.
    fn attend(&self, spool: &Spool, targets: &[WakeTarget], now: &Moment);
}

/// Starts nothing: for tests and for processes that are print processes themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Attendant for Nobody {
    fn attend(&self, _: &Spool, _: &[WakeTarget], _: &Moment) {}
}

impl Spool {
    /// The processes whose row says running although nobody holds their lock: they died, perhaps with the machine.
    pub(crate) fn dead_processes(&self) -> Fallible<Vec<WakeTarget>> {
        Ok(self.dead_of(self.look(&Call::timeless(), running)?))
    }

    /// Those of `running` that died.
    pub(crate) fn dead_of(&self, mut running: Vec<WakeTarget>) -> Vec<WakeTarget> {
        running.retain(|target| !target.in_error && !self.process_lives(&target.name).unwrap_or(true));
        running
    }

    /// One process as a target.
    pub(crate) fn targets_of(&self, name: &ProcessName) -> Fallible<Vec<WakeTarget>> {
        self.look(&Call::timeless(), |tx| Ok(target(tx, name)?.into_iter().collect()))
    }
}

/// The process as a target.
pub(crate) fn target(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<WakeTarget>> {
    Ok(store::process::by_name(tx, name)?.map(|row| WakeTarget {
        id: row.id,
        name: row.name,
        file: row.file,
        running: row.running,
        epoch: row.epoch,
        in_error: row.error.is_some_and(|error| !ProcessError::is_creation(error.number)),
    }))
}

/// The process as a target of work that this transaction makes. It is locked: a process that goes dormant either sees the
/// work, or is seen to be dormant and started.
fn target_to_wake(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<WakeTarget>> {
    let found = target(tx, name)?;
    if let Some(found) = &found {
        tx.lock(Lock::Process(found.id))?;
    }
    Ok(found)
}

/// The processes whose row says running.
pub(crate) fn running(tx: &Tx<'_>) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for name in store::process::running(tx)? {
        targets.extend(target(tx, &name)?);
    }
    Ok(targets)
}

/// The processes of the devices that a route leads to.
pub(crate) fn of_route(tx: &Tx<'_>, route: RouteId) -> Fallible<Vec<WakeTarget>> {
    of_devices(tx, &store::device::of_route(tx, route)?)
}

/// The processes of these devices.
pub(crate) fn of_devices(tx: &Tx<'_>, devices: &[DeviceRow]) -> Fallible<Vec<WakeTarget>> {
    let mut targets: Vec<WakeTarget> = Vec::new();
    for device in devices {
        let online = device.wish != DeviceWish::Stopped;
        if let Some(process) = &device.settings.process
            && let Some(found) = target_to_wake(tx, process)?
            && ((online && found.running) || super::claims::device_has_work(tx, device)?)
        {
            add(&mut targets, Some(found));
        }
    }
    Ok(targets)
}

/// Adds a target once.
pub(crate) fn add(targets: &mut Vec<WakeTarget>, found: Option<WakeTarget>) {
    if let Some(found) = found
        && !targets.iter().any(|t| t.id == found.id)
    {
        targets.push(found);
    }
}
