//! Giving a job its device when it arrives: early binding, where its queue has `assign-to-destination`.
//!
//! A job that only some of the devices support is assigned to one of them in every queue.
//!
//! States: a job of such a queue is assigned to one device when it arrives there, for good: neither a device that stops nor
//! one that is busy passes it on, only `pdreorder` does. Elsewhere each device takes the next job of its queue when it is
//! free.
//!
//! Which one? Of the devices that carry what the job needs and that are not stopped, the one that would be done with it
//! first, as far as their speeds and the jobs that they were assigned tell; of those that are stopped, where no other is left.
//! Where only some devices support the job, and none of these has its form loaded, it is assigned to one of them all the same
//! and waits for its form: the device that has the form could not print it.

use crate::model::DeviceId;
use crate::model::order::estimate_ms;
use crate::model::state::DeviceWish;
use crate::store::device::DeviceRow;
use crate::store::job::JobRow;
use crate::store::managed::{self, Holder};
use crate::store::{self, Fallible, Tx};

use super::supported;

/// Returns the device that a job is assigned to which arrives in its queue now; none where its queue assigns no jobs, has no
/// choice, or has no device that could print it.
pub(super) fn device(tx: &Tx<'_>, job: &JobRow) -> Fallible<Option<DeviceId>> {
    let limited = store::managed::limits(tx, job.id)?;
    if !limited && managed::switch(tx, Holder::Group(job.group), "assign-to-destination")? != Some(true) {
        return Ok(None);
    }
    let mut devices = store::device::of_route(tx, job.route)?;
    if devices.len() < 2 {
        return Ok(None);
    }
    // Where some of them can print it and others cannot, it is not left to chance.
    let able = supported::judge(tx, job, &devices)?.and_then(|verdict| verdict.able);
    match able {
        Some(ref able) => devices.retain(|device| able.contains(&device.id)),
        None if managed::switch(tx, Holder::Group(job.group), "assign-to-destination")? != Some(true) => {
            return Ok(None);
        }
        None => {}
    }
    let mut best: Option<((bool, bool, i64), DeviceId)> = None;
    for device in devices {
        let has_form = store::job::classes_for(tx, &store::device::carries(&device.settings))?.contains(&job.class);
        if !has_form && able.is_none() {
            continue;
        }
        let place = (device.wish == DeviceWish::Stopped, !has_form, done_in_ms(tx, &device, job)?);
        if best.as_ref().is_none_or(|best| place < best.0) {
            best = Some((place, device.id));
        }
    }
    Ok(best.map(|best| best.1))
}

/// The same for a job that only some of the devices of its queue support; none where all do, or none.
pub(super) fn of_able(tx: &Tx<'_>, job: &JobRow) -> Fallible<Option<DeviceId>> {
    let devices = store::device::of_route(tx, job.route)?;
    match supported::judge(tx, job, &devices)?.and_then(|verdict| verdict.able) {
        Some(_) => device(tx, job),
        None => Ok(None),
    }
}

/// Estimates in how many milliseconds a device is done with the jobs that it was assigned and with this one.
fn done_in_ms(tx: &Tx<'_>, device: &DeviceRow, job: &JobRow) -> Fallible<i64> {
    let before = store::entry::assigned_work(tx, job.route, device.id)?;
    Ok(estimate_ms(before.saturating_add(job.work), device.settings.speed))
}
