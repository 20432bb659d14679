//! When a job will print, by the speed that its devices were measured at; and what a stop of a device would touch.
//!
//! A forecast is a range, from the fastest and the slowest speed on record of the device, and holds if nothing goes before the
//! job that is not there yet. A job may take a second more than its octets do: a shorter one is not measured. The range is the same
//! for whoever asks: jobs that a caller may not see are summed up, and nothing else is told of them, their pages neither. Where anything that it needs is
//! not known, it says so, and gives no number: a device that was never measured or does not print now, more jobs before it than
//! are looked at.

use std::collections::BTreeMap;

use crate::model::device::DeviceStatus;
use crate::model::field::Value;
use crate::model::forecast::{Before, Forecast, Stop, StopLocation};
use crate::model::job::{DocumentStatus, JobStatus};
use crate::model::location::LocationKind;
use crate::model::query::PAGE;
use crate::model::state::{DeviceWish, EntryState, JobState};
use crate::model::{Call, DeviceName, JobNumber, JobRef};
use crate::store::device::{DeviceRow, Speeds};
use crate::store::managed::Holder;
use crate::store::{self, Fallible};

use super::attempts::MEASURED;
use super::queue::octets_of;
use crate::spool::Spool;
use crate::spool::jobs::visible::Visible;
use crate::spool::objects::alive::Alive;

/// So many devices of a route are looked at.
const DEVICES: u32 = 16;
/// So many jobs before a job are looked at, on each device.
const AHEAD: u32 = 1000;
/// The first page of a queue: most jobs that somebody asks about stand in it.
const FIRST_PAGE: u32 = 8;
/// The attribute that names where its jobs go when it fails.
const BACKUPS: &str = "backup-destinations";
/// So many locations are named.
const LOCATIONS: usize = 100;

/// What a device has to print before a job.
struct Ahead {
    device: DeviceName,
    before: Before,
    octets: u64,
    speeds: Speeds,
}

/// Returns how long so many octets take at so many in a second, in milliseconds.
fn time(octets: u64, rate: u64) -> i64 {
    i64::try_from(u128::from(octets) * 1000 / u128::from(rate.max(1))).unwrap_or(i64::MAX)
}

/// Returns how long so many jobs of so many octets in all take at the least and at the most, in milliseconds. A speed is written
/// down again when it has changed by an eighth, so it is known no better than that. Small jobs that take less than a second are
/// not measured at all, so each job may take that long beside its octets.
fn range(jobs: u32, octets: u64, speeds: &Speeds) -> (i64, i64) {
    let beside = i64::from(jobs).saturating_mul(MEASURED.1);
    let (from, to) =
        (time(octets, speeds.fast.saturating_add(speeds.fast / 8)), time(octets, speeds.slow - speeds.slow / 8));
    (from, to.saturating_add(beside))
}

/// Tells whether a device prints now, or would if something came.
fn works(status: &DeviceStatus) -> bool {
    status.wish == DeviceWish::Started
        && status.trouble.is_none()
        && status.error.is_none()
        && status.running.as_ref().is_none_or(|running| running.stalled.is_none())
}

/// What a device still has to do of the job in print, in octets.
fn in_print(status: &DeviceStatus) -> (u32, u64) {
    let running = status.running.as_ref();
    running.map_or((0, 0), |running| (1, running.total_octets.saturating_sub(running.octets)))
}

/// Whose a job is, and how many pages it has, is told of none that the caller may not see.
fn is_veiled(job: &JobStatus) -> bool {
    job.owner.is_empty()
}

/// Returns the pages of a job with its copies, where they are known and told.
fn pages_of(job: &JobStatus) -> Option<u64> {
    let pages = |one: &DocumentStatus| one.pages.map(|pages| pages.saturating_mul(u64::from(one.copies)));
    if is_veiled(job) { None } else { job.documents.iter().map(pages).sum() }
}

impl Spool {
    /// Returns when a job prints.
    pub(crate) fn forecast(&self, call: &Call, job: &JobRef) -> Fallible<Forecast> {
        let unknown = |why: &str| Ok(Forecast::Unknown { why: why.to_owned(), before: None });
        let status = self.job(call, job)?;
        let (devices, printing) = self.look(call, |tx| {
            let row = crate::spool::jobs::actions::find(tx, self, job)?;
            let entries = store::entry::of_job(tx, row.id)?;
            let mut devices: Vec<DeviceRow> = Vec::new();
            let mut printing = None;
            for entry in &entries {
                if entry.state == EntryState::Claimed {
                    printing = entry.device;
                }
                if entry.state == EntryState::Queued {
                    let found = store::device::some_of_route(tx, entry.route, DEVICES)?;
                    devices.extend(found.into_iter().filter(|row| entry.only.is_none_or(|only| only == row.id)));
                }
            }
            let printing = match printing {
                Some(id) => store::device::by_id(tx, id)?,
                None => None,
            };
            Ok((devices, printing))
        })?;
        // What waits is counted only where that is shown.
        let status_of = |row: &DeviceRow| {
            self.look(call, |tx| self.device_status_counting(tx, row.clone(), &mut Alive::new(self), 1))
        };
        if let (JobState::Printing, Some(row)) = (status.state, &printing) {
            let device = status_of(row)?;
            let running = device.running.as_ref().filter(|running| running.job == status.number);
            return match (running, row.speeds()) {
                (Some(running), _) if running.stalled.is_some() => unknown("its printer takes nothing now"),
                (Some(running), Some(speeds)) => {
                    let left = running.total_octets.saturating_sub(running.octets);
                    let (from_ms, to_ms) = range(0, left, &speeds);
                    Ok(Forecast::Ends { device: row.name.clone(), from_ms, to_ms })
                }
                (Some(_), None) => unknown(&format!("the speed of {} was never measured", row.name.guardian())),
                (None, _) => unknown("how far it is, is not known yet"),
            };
        }
        if status.state != JobState::Ready {
            return unknown("it waits for no device");
        }
        let (mut found, mut idle, mut reason) = (Vec::<Ahead>::new(), 0, "no device leads to it".to_owned());
        let mut counted = None;
        for row in devices {
            let device = status_of(&row)?;
            if !works(&device) {
                reason = format!("{} does not print now", row.name.guardian());
                continue;
            }
            match (self.ahead(call, &device, status.number)?, row.speeds()) {
                (Some((before, octets)), Some(speeds)) => {
                    idle += u32::from(before.jobs == 0);
                    found.push(Ahead { device: row.name, before, octets, speeds });
                }
                (Some((before @ Before { jobs: 0, .. }, _)), None) => {
                    // Nothing is before it: no speed is needed.
                    return Ok(Forecast::Begins { device: row.name, before, from_ms: 0, to_ms: 0 });
                }
                (Some((before, _)), None) => {
                    reason = format!("the speed of {} was never measured", row.name.guardian());
                    counted = Some((row.name, before));
                }
                (None, _) => reason = format!("more than {AHEAD} jobs are before it on {}", row.name.guardian()),
            }
        }
        let Some(first) = found.iter().min_by_key(|one| range(one.before.jobs, one.octets, &one.speeds).1) else {
            return Ok(Forecast::Unknown { why: reason, before: counted });
        };
        // Devices of a group share what waits. At best all of them work on it, at worst this one does it alone.
        let fast = found.iter().map(|one| one.speeds.fast).fold(0, u64::saturating_add);
        let (from_ms, to_ms) = range(first.before.jobs, first.octets, &Speeds { fast, ..first.speeds });
        Ok(Forecast::Begins {
            device: first.device.clone(),
            before: first.before,
            from_ms: if idle > 0 { 0 } else { from_ms },
            to_ms,
        })
    }

    /// Returns what a device prints before that job, and how many octets; none where these are too many jobs to look at, or it
    /// does not print that one at all.
    fn ahead(&self, call: &Call, device: &DeviceStatus, job: JobNumber) -> Fallible<Option<(Before, u64)>> {
        let (jobs, mut sum) = in_print(device);
        let mut before = Before { jobs, pages: Some(0) };
        if let Some(running) = &device.running {
            before.pages = self.job(call, &JobRef::Number(running.job)).ok().and_then(|job| pages_of(&job));
        }
        let (mut after, mut limit) = (None, FIRST_PAGE);
        while before.jobs <= AHEAD {
            let (rows, next) = self.look(call, |tx| {
                let page = self.whole_queue(tx, &device.name, after.as_ref(), limit)?;
                let mut visible = Visible::of(tx)?;
                let mut rows = Vec::with_capacity(page.rows.len());
                for item in page.rows {
                    let (octets, waits) = (octets_of(&item.job), item.sequence.is_some());
                    rows.push((octets, waits, visible.veiled(tx, item.job)?));
                }
                Ok((rows, page.next))
            })?;
            for (octets, waits, row) in rows {
                if row.number == job {
                    return Ok(waits.then_some((before, sum)));
                }
                before.jobs += 1;
                before.pages = before.pages.zip(pages_of(&row)).map(|(sum, pages)| sum.saturating_add(pages));
                sum = sum.saturating_add(octets);
            }
            let Some(next) = next else { return Ok(None) };
            (after, limit) = (Some(next), PAGE);
        }
        Ok(None)
    }

    /// Returns what a stop of a device would touch.
    pub(crate) fn stop_of(&self, call: &Call, name: &DeviceName) -> Fallible<Stop> {
        let device = self.device(call, name)?;
        let queue = self.device_queue(call, name, None, PAGE)?;
        let waiting: Vec<&JobStatus> =
            queue.rows.iter().filter(|item| item.sequence.is_some()).map(|item| &item.job).collect();
        let mut owners: BTreeMap<&str, u32> = BTreeMap::new();
        for job in waiting.iter().filter(|job| !is_veiled(job)) {
            *owners.entry(&job.owner).or_default() += 1;
        }
        let mut owners: Vec<(String, u32)> = owners.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
        owners.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let pages = if queue.next.is_some() { None } else { waiting.iter().map(|job| pages_of(job)).sum() };
        let eldest = waiting.iter().min_by_key(|job| (job.created_ms, job.number));
        let first = eldest.map(|job| (job.number, job.owner.clone(), job.created_ms));
        let (locations, others, backups) = self.look(call, |tx| {
            let rows = store::location::of_device(tx, device.id)?;
            let mut others: BTreeMap<String, DeviceName> = BTreeMap::new();
            for route in rows.iter().map(|row| row.group.route).collect::<std::collections::BTreeSet<_>>() {
                for other in store::device::some_of_route(tx, route, DEVICES)? {
                    if other.id != device.id {
                        others.insert(other.name.key(), other.name);
                    }
                }
            }
            let named = rows.iter().take(LOCATIONS);
            let named = named.map(|row| StopLocation {
                name: row.name.to_string(),
                jobs: row.jobs,
                routable: row.kind != LocationKind::Outlet,
            });
            let set = store::managed::named(tx, Holder::Device(device.id), BACKUPS)?;
            let text = |value: &Value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            };
            let backups = set.iter().flat_map(|(_, value)| value.each()).filter_map(text).collect();
            Ok((named.collect(), others, backups))
        })?;
        let mut working = Vec::new();
        for (_, other) in others {
            let status = self.device(call, &other)?;
            working.push((other, works(&status)));
        }
        Ok(Stop { first, owners, pages, locations, backups, others: working, device })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_jobs_take_longer_than_their_octets() {
        let speeds = Speeds { usual: 1 << 20, slow: 1 << 20, fast: 1 << 20 };
        let (from, to) = range(900, 900 * 2048, &speeds);
        assert!(from < 2000 && (900_000..910_000).contains(&to), "{from} {to}");
        let (from, to) = range(0, 1 << 20, &speeds);
        assert!(from <= 1000 && (1000..1200).contains(&to), "{from} {to}");
    }
}
