//! Which print processes have work, found in the transaction that made it.

use rusqlite::Connection;

use crate::model::guardian::ProcessError;
use crate::model::state::DeviceWish;
use crate::model::time::Moment;
use crate::model::{ProcessId, ProcessName, RouteId};
use crate::store::device::DeviceRow;
use crate::store::{self, Fallible};

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
        Ok(self.dead_of(self.look(running)?))
    }

    /// Those of `running` that died.
    pub(crate) fn dead_of(&self, mut running: Vec<WakeTarget>) -> Vec<WakeTarget> {
        running.retain(|target| !target.in_error && !self.process_lives(&target.name).unwrap_or(true));
        running
    }

    /// One process as a target.
    pub(crate) fn targets_of(&self, name: &ProcessName) -> Fallible<Vec<WakeTarget>> {
        self.look(|db| Ok(target(db, name)?.into_iter().collect()))
    }
}

/// The process as a target.
pub(crate) fn target(db: &Connection, name: &ProcessName) -> Fallible<Option<WakeTarget>> {
    Ok(store::process::by_name(db, name)?.map(|row| WakeTarget {
        id: row.id,
        name: row.name,
        file: row.file,
        running: row.running,
        epoch: row.epoch,
        in_error: row.error.is_some_and(|error| !ProcessError::is_creation(error.number)),
    }))
}

/// The processes whose row says running.
pub(crate) fn running(db: &Connection) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for name in store::process::running(db)? {
        targets.extend(target(db, &name)?);
    }
    Ok(targets)
}

/// The processes of the devices that a route leads to.
pub(crate) fn of_route(db: &Connection, route: RouteId) -> Fallible<Vec<WakeTarget>> {
    of_devices(db, &store::device::of_route(db, route)?)
}

/// The processes of these devices.
pub(crate) fn of_devices(db: &Connection, devices: &[DeviceRow]) -> Fallible<Vec<WakeTarget>> {
    let mut targets: Vec<WakeTarget> = Vec::new();
    for device in devices {
        let online = device.wish != DeviceWish::Stopped;
        if let Some(process) = &device.settings.process
            && let Some(found) = target(db, process)?
            && ((online && found.running) || super::claims::device_has_work(db, device)?)
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
