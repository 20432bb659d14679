//! What an error does to its device, and RESTART.
//!
//! An error with a next try keeps its device online, in DEVERROR. An error without one (a try would gain nothing, or
//! TIMEOUT is used up) takes the device offline. Anybody may start it then, and RESTART does so after its interval, for
//! ever.
//!
//! A device has recovered when a job was delivered, or when it stays open without one. Until then its error stays on
//! record, and is shown while the device is closed. Tries are counted; what only happens again (the error, its stop and
//! restart, an open, a close) is no new event.

use crate::model::event::EventWord;
use crate::model::state::{DeviceWish, ErrorNote};
use crate::store::device::DeviceRow;
use crate::store::event::{Object, is_repeated, record};
use crate::store::{self, Fallible, Tx};

use super::claims;

/// Records an error of a device.
pub(crate) fn failed(tx: &Tx<'_>, device: &DeviceRow, error: &ErrorNote) -> Fallible<()> {
    // An error that goes on keeps the time at which it began.
    let since_ms = device.error.as_ref().map_or(error.since_ms, |known| known.since_ms.min(error.since_ms));
    let stops = device.wish == DeviceWish::Started && error.next_try_ms.is_none();
    let next_try_ms = match device.wish {
        DeviceWish::Started if stops => after_interval(tx, device),
        DeviceWish::Started => error.next_try_ms,
        // Its operator stopped or suspended it, so no try is due.
        DeviceWish::Stopped | DeviceWish::Draining | DeviceWish::Suspended => None,
    };
    let known = ErrorNote { since_ms, next_try_ms, ..error.clone() };
    store::device::set_error(tx, device.id, Some(&known))?;
    let what = format!("%{:o}: {}", error.number, error.text);
    note(tx, device, EventWord::Error, &what)?;
    if stops {
        store::device::stop_by_error(tx, device.id)?;
        claims::let_go(tx, device.id)?;
        let tries = if error.tries > 1 { format!(", after {} tries", error.tries) } else { String::new() };
        let again = match device.settings.restart {
            0 => "until somebody starts it".to_owned(),
            seconds => format!("RESTART starts it again every {seconds} s"),
        };
        note(tx, device, EventWord::Stopped, &format!("by error {what}{tries}; {again}"))?;
    }
    Ok(())
}

/// Records what happened to a device. During an error it does not record what is on record of that error already.
pub(crate) fn note(tx: &Tx<'_>, device: &DeviceRow, what: EventWord, why: &str) -> Fallible<()> {
    let object = Object::Device(device.id);
    if device.error.is_some() && is_repeated(tx, object, &what, why)? {
        return Ok(());
    }
    record(tx, object, what, why)
}

/// Records that the error of a device is over.
pub(crate) fn recovered(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<()> {
    if let Some(error) = &device.error {
        store::device::set_error(tx, device.id, None)?;
        let why = format!("from %{:o}: {}, after {} tries", error.number, error.text, error.tries);
        record(tx, Object::Device(device.id), EventWord::Recovered, &why)?;
    }
    Ok(())
}

/// Keeps the error of a device on record, but without another try.
pub(crate) fn no_more_tries(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<()> {
    match &device.error {
        Some(error) if error.next_try_ms.is_some() => {
            store::device::set_error(tx, device.id, Some(&ErrorNote { next_try_ms: None, ..error.clone() }))
        }
        _ => Ok(()),
    }
}

fn after_interval(tx: &Tx<'_>, device: &DeviceRow) -> Option<i64> {
    let interval = i64::from(device.settings.restart).saturating_mul(1000);
    (interval > 0).then(|| tx.now().wall_ms.saturating_add(interval))
}

/// Returns when RESTART is to start a device again, wall clock. A spooler that is not ACTIVE starts nothing.
pub(crate) fn restart_at(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<Option<i64>> {
    let waits = device.wish == DeviceWish::Stopped && device.stopped_by_error && device.settings.restart > 0;
    if !waits || !claims::is_active(tx)? {
        return Ok(None);
    }
    Ok(device.error.as_ref().and_then(|error| error.next_try_ms))
}

/// Applies an altered RESTART: a device that an error has stopped is started after the new interval, counted from now.
pub(crate) fn set_restart(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<()> {
    match &device.error {
        Some(error) if device.stopped_by_error => {
            let next_try_ms = after_interval(tx, device);
            store::device::set_error(tx, device.id, Some(&ErrorNote { next_try_ms, ..error.clone() }))
        }
        _ => Ok(()),
    }
}

/// Starts a device whose RESTART is due. Its error stays on record until the device is seen to work. One that was to be paused when
/// its job was done is paused instead: the error has ended that job there, and nobody has taken the wish back.
pub(crate) fn restart(tx: &Tx<'_>, device: &DeviceRow) -> Fallible<()> {
    if restart_at(tx, device)?.is_none() {
        return Ok(());
    }
    if device.pause_next {
        store::device::set_wish(tx, device.id, DeviceWish::Suspended)?;
        no_more_tries(tx, device)?;
        return record(tx, Object::Device(device.id), EventWord::Suspended, "it was to be when its job was done");
    }
    store::device::set_wish(tx, device.id, DeviceWish::Started)?;
    if let Some(error) = &device.error {
        let next_try_ms = Some(tx.now().wall_ms);
        store::device::set_error(tx, device.id, Some(&ErrorNote { next_try_ms, ..error.clone() }))?;
    }
    let why = format!("RESTART {}", device.settings.restart);
    note(tx, device, EventWord::Restarted, &why)
}
