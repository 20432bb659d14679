//! Which print processes have work, found in the transaction that made the work.
//!
//! A change returns its [`WakeTarget`]s; after the commit an [`Attendant`] wakes the processes that run and starts the
//! others. Nothing here changes a row, and no right is needed beyond the right to make the work.
//!
//! A process that goes dormant at the same moment either sees the new work, or is seen to be dormant and started: both
//! lock its row. A caller that dies between its commit and the wake-up loses nothing but time, because the work is on
//! disk: the next wake-up of that process finds it.

use crate::model::Call;
use crate::model::guardian::ProcessError;
use crate::model::state::DeviceWish;
use crate::model::time::Moment;
use crate::model::{ProcessId, ProcessName, RouteId};
use crate::store::device::DeviceRow;
use crate::store::process::ProcessRow;
use crate::store::{self, Fallible, Tx};

use crate::spool::Spool;

/// A print process that has to look at its orders, with its row as it stood in the transaction that made the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeTarget {
    /// Identity.
    pub id: ProcessId,
    /// Name.
    pub name: ProcessName,
    /// Its program; none = only its user starts it.
    pub file: Option<String>,
    /// Whether its row says running: if so it is woken, else started.
    pub running: bool,
    /// The epoch in which it ran.
    pub epoch: u64,
    /// Whether it is in error, so that it is not started until `PRINT p, START`. Is a process in error that could not
    /// be started? Not in this sense: it is tried again, because what was missing may be there now.
    pub in_error: bool,
}

/// Wakes or starts the print processes that have work. A failure to do so never undoes what was acknowledged; the state
/// of the process shows it.
pub trait Attendant: Send + Sync {
    /// Wakes or starts each of `targets`.
    fn attend(&self, spool: &Spool, targets: &[WakeTarget], now: &Moment);

    /// Has the log of the database shortened by somebody for whom nobody waits. Where nobody can, it stays long for a while.
    fn shorten_log(&self, _spool: &Spool) {}
}

/// Starts nothing. Tests use it, and processes that are print processes themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Attendant for Nobody {
    fn attend(&self, _: &Spool, _: &[WakeTarget], _: &Moment) {}
}

impl Spool {
    /// Returns the numbers of the processes whose rows say running, for whoever wants to know at once that one died.
    pub(crate) fn running_pids(&self) -> Fallible<Vec<u32>> {
        self.look(&Call::timeless(), |tx| {
            let rows = store::process::list(tx, None)?;
            Ok(rows.into_iter().filter(|row| row.running).filter_map(|row| row.pid).collect())
        })
    }

    /// Returns the processes whose row says running although nobody holds their lock: they died, perhaps with the
    /// machine.
    pub(crate) fn dead_processes(&self) -> Fallible<Vec<WakeTarget>> {
        Ok(self.dead_of(self.look(&Call::timeless(), running)?))
    }

    /// Returns those of `running` that died.
    pub(crate) fn dead_of(&self, mut running: Vec<WakeTarget>) -> Vec<WakeTarget> {
        running.retain(|target| !target.in_error && !self.process_lives(&target.name).unwrap_or(true));
        running
    }

    /// Returns one process as a target, in a transaction of its own.
    pub(crate) fn targets_of(&self, name: &ProcessName) -> Fallible<Vec<WakeTarget>> {
        self.look(&Call::timeless(), |tx| Ok(look_at(tx, name)?.into_iter().collect()))
    }
}

fn as_target(row: ProcessRow) -> WakeTarget {
    WakeTarget {
        id: row.id,
        name: row.name,
        file: row.file,
        running: row.running,
        epoch: row.epoch,
        in_error: row.error.is_some_and(|error| !ProcessError::is_creation(error.number)),
    }
}

/// Returns a process as a target of the work that this transaction makes, and locks it before it is read. A process that
/// goes dormant either sees the work, or is seen to be dormant and started. None if it is not declared.
pub(crate) fn target(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<WakeTarget>> {
    Ok(store::process::to_change(tx, name)?.map(as_target))
}

/// Returns the same of a process that has claimed something.
pub(crate) fn target_with_id(tx: &Tx<'_>, id: ProcessId) -> Fallible<Option<WakeTarget>> {
    Ok(store::process::lock(tx, id)?.map(as_target))
}

/// Returns a process as it stands, for whoever makes no work for it.
fn look_at(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Option<WakeTarget>> {
    Ok(store::process::by_name(tx, name)?.map(as_target))
}

/// Returns the processes whose row says running: perhaps one of them died. Whoever asks has made his own work already.
pub(crate) fn running(tx: &Tx<'_>) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for id in store::process::running(tx)? {
        targets.extend(store::process::by_id(tx, id)?.map(as_target));
    }
    Ok(targets)
}

/// Returns the processes of the devices that a route leads to.
pub(crate) fn of_route(tx: &Tx<'_>, route: RouteId) -> Fallible<Vec<WakeTarget>> {
    of_devices(tx, &store::device::of_route(tx, route)?)
}

/// Returns the processes of these devices.
pub(crate) fn of_devices(tx: &Tx<'_>, devices: &[DeviceRow]) -> Fallible<Vec<WakeTarget>> {
    let mut targets: Vec<WakeTarget> = Vec::new();
    for device in devices {
        let online = device.wish != DeviceWish::Stopped;
        if let Some(process) = &device.settings.process
            && let Some(found) = target(tx, process)?
            && ((online && found.running) || super::claims::device_has_work(tx, device)?)
        {
            add(&mut targets, Some(found));
        }
    }
    Ok(targets)
}

/// Adds a target unless it is there already.
pub(crate) fn add(targets: &mut Vec<WakeTarget>, found: Option<WakeTarget>) {
    if let Some(found) = found
        && !targets.iter().any(|t| t.id == found.id)
    {
        targets.push(found);
    }
}
