//! Queues, as these programs see them: the locations of the spool, and its groups as classes.

use std::collections::BTreeMap;

use crate::commands::shell::Shell;
use crate::model::device::{DeviceStatus, Trouble};
use crate::model::location::{Destination, LocationStatus};
use crate::model::names::{DeviceName, GroupName};
use crate::model::printable::escaped;
use crate::model::state::DeviceState;
use crate::model::{Failure, JobNumber};
use crate::spool::interface::operations::Operations;

use super::Stop;

/// The variables that name the usual queue, the strongest first.
const VARIABLES: [&str; 3] = ["LPDEST", "PRINTER", "PDPRINTER"];
/// The destination of jobs for which nobody names one.
const USUAL: &str = "#DEFAULT";

/// Returns the queue that a variable names.
pub fn by_variable(shell: &Shell<'_>) -> Option<String> {
    let value = |name: &str| (shell.env)(name).and_then(|value| value.into_string().ok());
    VARIABLES.into_iter().find_map(|name| value(name).filter(|value| !value.is_empty()))
}

/// Returns the usual queue: what a variable names, or what the spool's `#DEFAULT` is.
pub fn usual(spool: &mut dyn Operations, shell: &Shell<'_>) -> Option<String> {
    by_variable(shell).or_else(|| {
        let at = spool.resolve_destination(USUAL.to_owned()).ok()?;
        Some(name_of_usual(spool, &at).unwrap_or_else(|| USUAL.to_owned()))
    })
}

/// Returns the name that the queue has beside `#DEFAULT`: that of the one other location of its device.
fn name_of_usual(spool: &mut dyn Operations, at: &Destination) -> Option<String> {
    let own = all(spool).ok()?.into_iter().filter(|queue| queue.location.name.group == *at.group());
    let devices: Vec<DeviceName> = own.filter_map(|queue| queue.location.device).collect();
    let [device] = devices.as_slice() else { return None };
    let named = all(spool)
        .ok()?
        .into_iter()
        .find(|queue| queue.location.name.group != *at.group() && queue.location.device.as_ref() == Some(device));
    named.map(|queue| queue.name)
}

/// Finds a queue or a class by what was typed. A class is found by its bare name too.
///
/// # Errors
/// Fails when there is none.
pub fn find(spool: &mut dyn Operations, typed: &str) -> Result<Destination, Failure> {
    match spool.resolve_destination(typed.to_owned()) {
        Ok(found) => Ok(found),
        Err(failure) => match typed.parse::<GroupName>() {
            Ok(group) => spool.resolve_destination(format!("#{group}")).map_err(|_| failure),
            Err(_) => Err(failure),
        },
    }
}

/// Returns the name of a destination in a request id.
pub fn name(destination: &Destination) -> String {
    destination.location().map_or_else(|| destination.group().to_string(), |location| location.dest.to_string())
}

/// A location, and the name that these programs give it.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its second half where that is unique, else the whole name.
    pub name: String,
    /// The location.
    pub location: LocationStatus,
}

/// Returns every queue, by name.
pub fn all(spool: &mut dyn Operations) -> Result<Vec<Queue>, Stop> {
    let (mut locations, mut after) = (Vec::new(), None);
    loop {
        let page = spool.locations(None, after)?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        locations.extend(page);
    }
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    locations.iter().for_each(|one| *times.entry(one.name.dest.key()).or_default() += 1);
    let named = |location: LocationStatus| {
        let unique = times.get(&location.name.dest.key()) == Some(&1);
        let name = if unique {
            location.name.dest.to_string()
        } else {
            format!("{}.{}", location.name.group, location.name.dest)
        };
        Queue { name, location }
    };
    let mut queues: Vec<Queue> = locations.into_iter().map(named).collect();
    queues.sort_by_key(|queue| queue.name.to_ascii_lowercase());
    Ok(queues)
}

/// Returns every device by its name.
pub fn devices(spool: &mut dyn Operations) -> Result<BTreeMap<DeviceName, DeviceStatus>, Stop> {
    let (mut devices, mut after) = (BTreeMap::new(), None);
    loop {
        let page = spool.devices(after)?;
        let Some(last) = page.last() else { return Ok(devices) };
        after = Some(last.name.clone());
        devices.extend(page.into_iter().map(|device| (device.name.clone(), device)));
    }
}

/// How a queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It prints when there is work.
    Idle,
    /// It prints this job.
    Printing(JobNumber),
    /// It does not print, and why.
    Stopped(String),
}

/// Returns how a device stands, and since when if that is known.
pub fn standing(device: Option<&DeviceStatus>) -> (Standing, Option<i64>) {
    let Some(device) = device else { return (Standing::Stopped("no device is connected to it".to_owned()), None) };
    if let Some(running) = &device.running {
        return (Standing::Printing(running.job), Some(running.since_ms));
    }
    let trouble = device.trouble.as_ref();
    let words = |trouble: &Trouble| escaped(&trouble.word);
    match device.state {
        DeviceState::Offline => (
            Standing::Stopped(trouble.map_or_else(|| "Paused".to_owned(), words)),
            trouble.and_then(|trouble| trouble.since_ms),
        ),
        DeviceState::Suspended => (Standing::Stopped("Suspended".to_owned()), None),
        _ => match trouble {
            Some(trouble) => (Standing::Stopped(words(trouble)), trouble.since_ms),
            None => (Standing::Idle, None),
        },
    }
}
