//! When a job prints, and what a stop of a device would touch, in words and in JSON. Every language shows the same.

use serde_json::{Value, json};

use super::why::{Times, utc};
use crate::attributes::text::escaped;
use crate::model::device::DeviceStatus;
use crate::model::forecast::{Before, Forecast, Stop};
use crate::model::state::{DeviceState, DeviceWish};
use crate::model::why::{Cause, DeviceCause, Why};
use crate::model::{Failure, FailureKind, JobNumber, JobRef};
use crate::spool::interface::operations::Operations;

/// Tells whether somebody who asks why a job is not printing also wants to know when it will: nothing but other jobs is before it.
fn is_wanted(why: &Why) -> bool {
    matches!(
        why.causes.first(),
        Some(Cause::Device {
            cause: DeviceCause::Next { .. } | DeviceCause::Behind { .. } | DeviceCause::Prints(_),
            ..
        })
    )
}

/// Returns when the job prints of which that was said, where that is wanted; none where it has gone since.
pub fn ahead(spool: &mut dyn Operations, why: &Why) -> Result<Option<Forecast>, Failure> {
    if !is_wanted(why) {
        return Ok(None);
    }
    match spool.forecast(JobRef::Global(why.job.clone())) {
        Ok(forecast) => Ok(Some(forecast)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Writes it on one line.
pub fn words(forecast: &Forecast) -> String {
    escaped(&match forecast {
        Forecast::Begins { device, before: Before { jobs: 0, .. }, .. } => {
            format!("it begins on {} at once", device.guardian())
        }
        Forecast::Begins { device, before, from_ms, to_ms } => {
            let range = range(*from_ms, *to_ms);
            format!("it begins {range}, as fast as {} was measured; {} before it", device.guardian(), work(before))
        }
        Forecast::Ends { device, from_ms, to_ms } => {
            format!("it ends {}, as fast as {} was measured", range(*from_ms, *to_ms), device.guardian())
        }
        Forecast::Unknown { why, before: Some((device, before)) } => {
            format!("how long it takes is unknown: {why}; {} before it on {}", work(before), device.guardian())
        }
        Forecast::Unknown { why, before: None } => format!("how long it takes is unknown: {why}"),
    })
}

/// Writes `3 jobs with 12 pages are`.
fn work(before: &Before) -> String {
    let pages = match before.pages {
        None => " (pages unknown)".to_owned(),
        Some(1) => " with 1 page".to_owned(),
        Some(pages) => format!(" with {pages} pages"),
    };
    if before.jobs == 1 { format!("1 job{pages} is") } else { format!("{} jobs{pages} are", before.jobs) }
}

/// Returns it in JSON, as one more cause: `begins`, `ends` or `begins-unknown`.
pub fn object(forecast: &Forecast) -> Value {
    let seconds = |ms: i64| ms / 1000;
    let mut object = match forecast {
        Forecast::Begins { device, before, from_ms, to_ms } => json!({
            "cause": "begins", "device": device.guardian(), "jobs": before.jobs, "pages": before.pages,
            "from-seconds": seconds(*from_ms), "to-seconds": seconds(*to_ms),
        }),
        Forecast::Ends { device, from_ms, to_ms } => json!({
            "cause": "ends", "device": device.guardian(),
            "from-seconds": seconds(*from_ms), "to-seconds": seconds(*to_ms),
        }),
        Forecast::Unknown { before, .. } => json!({
            "cause": "begins-unknown",
            "device": before.as_ref().map(|before| before.0.guardian()),
            "jobs": before.as_ref().map(|before| before.1.jobs),
            "pages": before.as_ref().and_then(|before| before.1.pages),
        }),
    };
    object["text"] = words(forecast).into();
    object
}

/// Writes a range of times: `in 2 to 4 minutes`.
fn range(from_ms: i64, to_ms: i64) -> String {
    let (from, to) = (from_ms / 1000, (to_ms + 999) / 1000);
    if to < 2 {
        return "within a second".to_owned();
    }
    let (unit, word) = match to {
        ..120 => (1, "seconds"),
        120..7200 => (60, "minutes"),
        _ => (3600, "hours"),
    };
    let (low, high) = (from / unit, (to + unit - 1) / unit);
    if low == high { format!("in about {low} {word}") } else { format!("in {low} to {high} {word}") }
}

/// Writes what a stop of a device would touch, a line for each thing.
pub fn stop_lines(stop: &Stop, times: &Times) -> Vec<String> {
    let status = &stop.device;
    let name = status.name.guardian();
    let mut lines = Vec::new();
    match &status.running {
        Some(running) => {
            let (job, octets, total) = (running.job, running.octets, running.total_octets);
            lines.push(format!("{name} prints JOB {job}: {octets} of {total} octets are sent"));
            lines.extend(ways_to_stop(status, &name, job));
        }
        None if status.wish == DeviceWish::Stopped => lines.push(format!("{name} is offline: it prints nothing")),
        None if status.wish == DeviceWish::Draining => {
            lines.push(format!("{name} prints nothing now and goes offline"))
        }
        None => lines.push(format!("{name} prints nothing now: DEV {name}, DRAIN takes it offline at once")),
    }
    let jobs = |n: u32| match n {
        0 => "nothing waits".to_owned(),
        1 => "1 job waits".to_owned(),
        1001.. => "more than 1000 jobs wait".to_owned(),
        n => format!("{n} jobs wait"),
    };
    let mut waits = format!("{} for {name}", jobs(status.waiting));
    if let Some(pages) = stop.pages.filter(|pages| *pages > 0) {
        waits.push_str(&format!(", {pages} pages"));
    }
    if let Some((job, owner, since)) = &stop.first {
        let of = if owner.is_empty() { String::new() } else { format!(" of {owner}") };
        waits.push_str(&format!("; longest JOB {job}{of}, since {}", times.short(*since)));
    }
    if stop.owners.len() > 1 {
        let owners: Vec<String> = stop.owners.iter().take(5).map(|(owner, n)| format!("{owner} {n}")).collect();
        waits.push_str(&format!("; owners: {}", owners.join(", ")));
    }
    lines.push(waits);
    let working: Vec<String> = stop.others.iter().filter(|one| one.1).map(|one| one.0.guardian()).collect();
    for location in stop.locations.iter().filter(|one| one.jobs > 0) {
        let of = &location.name;
        let jobs = if location.jobs == 1 { "the job".to_owned() } else { format!("the {} jobs", location.jobs) };
        lines.push(match working.first() {
            _ if !location.routable => {
                format!(
                    "{of} was made with {name} and leads nowhere else: pdresubmit sends its jobs elsewhere, one by one"
                )
            }
            Some(to) => format!("LOC {of}, DEV {to}   sends {jobs} of {of} elsewhere"),
            None => {
                format!("{jobs} of {of} can go to another device: LOC leads {of} there, with the name of the device")
            }
        });
    }
    if !stop.backups.is_empty() {
        lines.push(format!("its backups: {}", stop.backups.join(", ")));
    }
    match (stop.others.is_empty(), working.is_empty()) {
        (true, _) => lines.push(format!("no other device serves a group of {name}")),
        (false, true) => lines.push(format!("the other devices of its groups do not print either: {}", all(stop))),
        (false, false) => {
            lines.push(format!("jobs for its whole group go on without it, on {}", working.join(", ")));
        }
    }
    lines.iter().map(|line| escaped(line)).collect()
}

/// Returns what stops a device that has a job, a line each: only what its state allows.
fn ways_to_stop(status: &DeviceStatus, name: &str, job: JobNumber) -> Vec<String> {
    let mut lines = Vec::new();
    let (moves, stands) = (
        matches!(status.state, DeviceState::Printing(_) | DeviceState::DevError(_)),
        status.state == DeviceState::Suspended,
    );
    match status.wish {
        DeviceWish::Started => {
            lines.push(format!("DEV {name}, DRAIN   finishes JOB {job} first, then nothing prints"));
        }
        DeviceWish::Draining => lines.push(format!("{name} is drained: when JOB {job} is finished nothing prints")),
        DeviceWish::Suspended => {
            lines.push(format!("{name} is suspended: JOB {job} stands still; DEV {name}, START goes on"));
            lines.push(format!("DEV {name}, DRAIN   takes it offline, and JOB {job} goes back to its place"));
        }
        DeviceWish::Stopped => lines.push(format!("{name} is offline and lets go of JOB {job}")),
    }
    if moves && status.wish != DeviceWish::Stopped {
        lines.push(format!(
            "DEV {name}, SUSPEND   stops JOB {job} at once and keeps it there; DEV {name}, START goes on"
        ));
    }
    if (moves || stands) && status.wish != DeviceWish::Stopped {
        lines.push(format!(
            "DEV {name}, CLEAR   stops JOB {job} at once and holds it: what was sent of it may be on paper, and its pages may come out twice"
        ));
    }
    lines
}

fn all(stop: &Stop) -> String {
    let names: Vec<String> = stop.others.iter().map(|one| one.0.guardian()).collect();
    names.join(", ")
}

/// Returns the same in JSON.
pub fn stop_object(stop: &Stop) -> Value {
    let running = stop.device.running.as_ref();
    json!({
        "device": stop.device.name.guardian(),
        "job-number": running.map(|running| running.job.get()),
        "octets": running.map(|running| running.octets),
        "total-octets": running.map(|running| running.total_octets),
        "waiting": stop.device.waiting,
        "pages": stop.pages,
        "oldest": stop.first.as_ref().map(|(job, owner, since)| json!({
            "job-number": job.get(), "owner": Some(owner).filter(|owner| !owner.is_empty()), "since": utc(*since),
        })),
        "owners": stop.owners.iter().map(|(name, jobs)| json!({ "name": name, "jobs": jobs })).collect::<Vec<_>>(),
        "locations": stop.locations.iter().map(|one| json!({
            "name": one.name, "jobs": one.jobs, "routable": one.routable,
        })).collect::<Vec<_>>(),
        "backups": stop.backups,
        "others": stop.others.iter().map(|(name, prints)| json!({ "name": name.guardian(), "prints": prints }))
            .collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::spoolcom::fake;
    use crate::model::forecast::StopLocation;

    #[test]
    fn a_range_is_written_in_the_unit_of_its_end() {
        assert_eq!(range(0, 900), "within a second");
        assert_eq!(range(30_000, 61_000), "in 30 to 61 seconds");
        assert_eq!(range(130_000, 200_000), "in 2 to 4 minutes");
        assert_eq!(range(7_200_000, 10_000_000), "in 2 to 3 hours");
        assert_eq!(range(60_000, 60_000), "in about 60 seconds");
    }

    fn lines(device: DeviceStatus, locations: Vec<StopLocation>, others: &[&str]) -> Vec<String> {
        let others = others.iter().map(|name| (name.parse().unwrap(), true)).collect();
        let stop =
            Stop { device, first: None, owners: Vec::new(), pages: None, locations, backups: Vec::new(), others };
        stop_lines(&stop, &Times { zone: jiff::tz::TimeZone::UTC, now_ms: 0 })
    }

    /// The commands that the lines begin with.
    fn commands(lines: &[String]) -> Vec<&str> {
        lines.iter().filter_map(|line| line.split_once("   ")).map(|(command, _)| command).collect()
    }

    #[test]
    fn what_is_proposed_is_what_the_state_of_the_device_allows() {
        let with = |wish, state| {
            let printing = fake::device("LP1", DeviceState::Printing(fake::number(7)));
            lines(DeviceStatus { wish, state, ..printing }, Vec::new(), &[])
        };
        let prints = DeviceState::Printing(fake::number(7));
        let (drain, suspend, clear) = ("DEV $LP1, DRAIN", "DEV $LP1, SUSPEND", "DEV $LP1, CLEAR");
        assert_eq!(commands(&with(DeviceWish::Started, prints.clone())), [drain, suspend, clear]);
        assert_eq!(commands(&with(DeviceWish::Draining, prints)), [suspend, clear]);
        let suspended = with(DeviceWish::Suspended, DeviceState::Suspended);
        assert_eq!(commands(&suspended), [drain, clear]);
        assert!(suspended.iter().any(|line| line.ends_with("DEV $LP1, START goes on")), "{suspended:?}");
        assert!(commands(&with(DeviceWish::Stopped, DeviceState::Offline)).is_empty());
        let offline = lines(fake::device("LP1", DeviceState::Offline), Vec::new(), &[]);
        assert!(!offline.concat().contains("DRAIN") && offline[0].contains("is offline"), "{offline:?}");
    }

    #[test]
    fn a_location_is_led_elsewhere_only_where_it_can_be_and_to_a_device_that_is_there() {
        let location = |routable| vec![StopLocation { name: "#A.LP1".into(), jobs: 2, routable }];
        let of =
            |routable, others: &[&str]| lines(fake::device("LP1", DeviceState::Waiting), location(routable), others);
        assert_eq!(commands(&of(true, &["LP2"])), ["LOC #A.LP1, DEV $LP2"]);
        let none = of(true, &[]);
        assert!(commands(&none).is_empty() && !none.concat().contains("$NAME"), "{none:?}");
        assert!(none.iter().any(|line| line.contains("can go to another device")), "{none:?}");
        let made_with_it = of(false, &["LP2"]);
        assert!(commands(&made_with_it).is_empty(), "{made_with_it:?}");
        assert!(made_with_it.iter().any(|line| line.contains("leads nowhere else")), "{made_with_it:?}");
    }
}
