//! The health of a spool as people, scripts and monitors read it. Every finding is one line with its cure. One that begins with
//! the name of a program is a command that works as it stands, for a shell; any other is a sentence for a person.

use std::fmt::Write;

use serde_json::{Value, json};

use super::why::{Times, utc, words};
use crate::model::device::DeviceStatus;
use crate::model::guardian::DeviceError;
use crate::model::printable::escaped;
use crate::model::state::{DeviceWish, ErrorNote, HoldReasons, ProcessState, SpoolerState};
use crate::model::why::{Attribution, Cause, DeviceCause, Printing};
use crate::spool::interface::records::{DeviceHealth, Health, ProcessHealth};

/// In which form it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    #[default]
    Lines,
    /// JSON.
    Json,
    /// One line and the statuses of a Nagios plug-in.
    Nagios,
    /// Prometheus text.
    Metrics,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something does not print, or will not.
    Warning,
    /// Nothing prints, nothing is taken, or nobody can say.
    Critical,
}

/// One trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind, a stable word.
    pub kind: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// What it is about: `device $LP1`.
    pub object: String,
    /// What is wrong, in one line.
    pub text: String,
    /// When it began, wall clock, where that is known.
    pub since_ms: Option<i64>,
    /// Jobs that wait because of it, where they were counted.
    pub jobs: Option<u64>,
    /// What helps.
    pub cure: String,
}

/// Returns every trouble, the worst kinds first.
pub fn findings(health: &Health, times: &Times) -> Vec<Finding> {
    let mut found = Vec::new();
    let about = &health.about;
    let since = |ms: i64| format!(" since {}", times.short(ms));
    let who = |by: &Option<(String, i64)>| {
        by.as_ref().map_or_else(String::new, |(who, ms)| format!(" by {} at {}", escaped(who), times.short(*ms)))
    };
    let mut add = |kind, weight, object: &str, text: String, since_ms, jobs, cure: &str| {
        found.push(Finding { kind, weight, object: object.to_owned(), text, since_ms, jobs, cure: cure.to_owned() });
    };
    if let Some((writer, since_ms)) = &health.gate {
        let text = format!("writes wait for {}{}", escaped(writer), since(*since_ms));
        let cure = "it ends by itself, or that process is looked after";
        add("gate", Weight::Critical, "spool", text, Some(*since_ms), None, cure);
    }
    if about.state != SpoolerState::Active {
        let text = format!("is {}{}: no new job is taken, nothing new prints", about.state.word(), who(&health.by));
        let at = health.by.as_ref().map(|(_, ms)| *ms);
        add("spooler", Weight::Critical, "spooler", text, at, Some(health.summary.ready), "spoolcom 'SPOOLER, START'");
    }
    if about.last_error.as_deref().is_some_and(|text| text.contains("restored")) {
        let text = about.last_error.clone().unwrap_or_default();
        add(
            "restored",
            Weight::Critical,
            "spool",
            escaped(&text),
            None,
            None,
            "look at the held jobs, then pdfsck --accept",
        );
    }
    if about.space.refuses {
        let (total, free) = about.space.disk.unwrap_or_default();
        let text = format!("submissions are refused: {free} of {total} octets are free, which is below the reserve");
        let cure = "free room on the file system of the spool; printing and removing jobs go on";
        add("space", Weight::Critical, "disk", text, None, None, cure);
    } else if about.last_error.as_deref().is_some_and(|text| text.starts_with("the disk was full")) {
        let free = about.space.disk.map_or(0, |(_, free)| free);
        let text = format!("the disk was full, {free} octets are free now; room is being kept for completing jobs");
        add("space", Weight::Critical, "disk", text, None, None, "free room on the file system of the spool");
    }
    for one in &health.processes {
        let (weight, text, cure) = of_process(one, times);
        let name = format!("print process ${}", one.status.name);
        let at = one.silent_since_ms.or(one.status.error.as_ref().map(|error| error.since_ms)).or(one.last_sign_ms);
        add("process", weight, &name, text, at, Some(u64::from(one.waiting)), &cure);
    }
    for one in &health.devices {
        let (text, at, cure) = of_device(one, times);
        let jobs = u64::from(one.status.waiting);
        let waits = waiting(one.status.waiting);
        let name = format!("device {}", one.status.name.guardian());
        add("device", Weight::Warning, &name, format!("{text}{waits}"), at, Some(jobs), &cure);
    }
    if health.more_devices {
        let text = "more devices are in trouble than are named here".to_owned();
        add("device", Weight::Warning, "devices", text, None, None, "spoolcom DEV");
    }
    for (location, jobs) in &health.parked {
        let text = format!("leads to no device; {jobs} jobs are in it");
        let name = format!("location {location}");
        add(
            "location",
            Weight::Warning,
            &name,
            text,
            None,
            Some(*jobs),
            &format!("lead it to a device: LOC {location}, DEV $NAME"),
        );
    }
    if let Some((first, reasons)) = health.attention.first() {
        let n = health.attention_count;
        let count = if n > 1_000 { "more than 1000".to_owned() } else { n.to_string() };
        let others: Vec<String> = health.attention.iter().skip(1).take(5).map(|(job, _)| job.to_string()).collect();
        let others = if others.is_empty() { String::new() } else { format!("; also {}", others.join(" ")) };
        let text = format!(
            "{count} held until a person acts; job {first}: {}{others}; START prints a job, DELETE removes it",
            reasons_words(*reasons)
        );
        let cure = format!("spoolcom 'JOB {first}, WHY'");
        add("job", Weight::Warning, "jobs", text, None, Some(u64::from(n)), &cure);
    }
    for (server, error, ms) in &health.peers {
        let text = format!("does not answer{}: {}", since(*ms), escaped(error));
        let cure = "it is tried again by itself; look at that server and at the way to it";
        add("peer", Weight::Warning, &format!("server {server}"), text, Some(*ms), None, cure);
    }
    if let Some(text) = &health.certificate {
        add("certificate", Weight::Warning, "server", escaped(text), None, None, "pdserver renew");
    }
    if about.deliveries.lost > 0 {
        let text = format!("{} notifications could not be delivered", about.deliveries.lost);
        add(
            "notification",
            Weight::Warning,
            "notifications",
            text,
            None,
            None,
            "the LOG of a job says which and why: JOB n, LOG",
        );
    }
    found
}

fn reasons_words(reasons: HoldReasons) -> String {
    let words: Vec<&str> = reasons.iter().map(|reason| reason.words()).collect();
    words.join(", ")
}

/// Says how many jobs wait, which are counted to 1,001.
fn waiting(jobs: u32) -> String {
    match jobs {
        0 => String::new(),
        1 => "; 1 job waits".to_owned(),
        1_001.. => "; more than 1000 jobs wait".to_owned(),
        n => format!("; {n} jobs wait"),
    }
}

fn of_process(one: &ProcessHealth, times: &Times) -> (Weight, String, String) {
    let name = &one.status.name;
    let start = format!("spoolcom 'PRINT ${name}, START'");
    let devices = match one.devices {
        1 => "1 started device".to_owned(),
        n => format!("{n} started devices"),
    };
    let in_print: Vec<String> = one.in_print.iter().take(5).map(|job| format!("JOB {job}")).collect();
    let in_print = match (in_print.len(), one.in_print.len()) {
        (0, _) => String::new(),
        (named, all) if all > named => format!("; in print: {} and more", in_print.join(", ")),
        _ => format!("; in print: {}", in_print.join(", ")),
    };
    let behind = format!("; it has {devices}{in_print}{}", waiting(one.waiting));
    let weight = if one.waits { Weight::Critical } else { Weight::Warning };
    let pid = one.status.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    let (text, cure) = match (&one.status.error, one.silent_since_ms, one.status.state) {
        (_, Some(ms), _) => (
            format!("{pid} has shown no sign of life since {}; START ends it and starts a new one", times.short(ms))
                .trim_start()
                .to_owned(),
            start,
        ),
        (Some(error), _, _) => {
            (format!("{}, {} times since {}", escaped(&error.text), error.tries, times.short(error.since_ms)), start)
        }
        (None, None, ProcessState::Dead) => match one.last_sign_ms {
            Some(ms) => (format!("died; its last sign of life was at {}", times.short(ms)), start),
            None => ("died".to_owned(), start),
        },
        (None, None, ProcessState::Dormant) if one.status.file.is_none() => {
            ("is not running: only its user starts it".to_owned(), "start that program".to_owned())
        }
        (None, None, ProcessState::Dormant) => ("is not running".to_owned(), start),
        _ => ("is in error".to_owned(), start),
    };
    (weight, format!("{text}{behind}"), cure)
}

fn of_device(one: &DeviceHealth, times: &Times) -> (String, Option<i64>, String) {
    let status = &one.status;
    let shown = status.name.guardian();
    let start = format!("spoolcom 'DEV {shown}, START'");
    let by = one.by.clone().map(|(who, at_ms)| Attribution { who, at_ms });
    let at = by.as_ref().map(|by| by.at_ms);
    let said = |cause: DeviceCause| words(&Cause::Device { device: status.name.clone(), cause }, times);
    match (status.wish, &status.error) {
        (DeviceWish::Suspended, _) => (said(DeviceCause::Suspended(by)), at, start),
        (DeviceWish::Stopped, Some(error)) if status.stopped_by_error => {
            (said(DeviceCause::ErrorForGood(error.clone())), Some(error.since_ms), start)
        }
        (DeviceWish::Stopped, _) if by.is_some() => (said(DeviceCause::Stopped(by)), at, start),
        (DeviceWish::Stopped, _) => {
            let lacks: Vec<String> =
                status.settings.uri.iter().filter_map(|uri| uri.awaiting()).map(|uri| uri.awaits()).collect();
            let text =
                if lacks.is_empty() { "was never started".to_owned() } else { format!("waits: {}", lacks.join("; ")) };
            (
                format!("{shown} {text}"),
                None,
                if lacks.is_empty() {
                    start
                } else {
                    format!("give it an address: DEV {shown}, URI socket://host:9100")
                },
            )
        }
        (DeviceWish::Draining, None) if status.running.is_none() => (said(DeviceCause::Draining(by)), at, start),
        (_, Some(error)) => (said(DeviceCause::Error(error.clone())), Some(error.since_ms), heals(error, &shown)),
        _ => stalled(status, times),
    }
}

/// Says what helps against an error that is tried again by itself.
fn heals(error: &ErrorNote, shown: &str) -> String {
    let what = match DeviceError::recorded(error.number, &error.text).brief() {
        "name unknown" => {
            return format!(
                "it heals by itself when the name is known; spoolcom 'DEV {shown}, DRAIN' and 'DEV {shown}, URI socket://host:9100' give another one; a name server that is silent is not cured here"
            );
        }
        "hung up" | "connection reset" => {
            "a wrong port, or a printer that serves others only, looks like this: compare the port, and nothing of the job is called sent"
        }
        "no reader" => "it goes on when a program reads it",
        "no permission" | "read-only" | "open to others" => {
            "its print process lacks the right: give it by owner, group or mode of the path, or mount it for writing"
        }
        "disk full" | "quota used up" | "file too large" => "free room where its file lies",
        "no such directory" | "wrong path" | "no such device" | "no such FIFO" | "wrong kind of file" => {
            "make what is missing on its path, or alter its URI"
        }
        "out of paper" => "look at paper and covers, or free room where it writes",
        _ => "look at the printer, its cable, its address",
    };
    format!("it heals by itself: {what}")
}

/// Says what keeps a device that is in no error.
fn stalled(status: &DeviceStatus, times: &Times) -> (String, Option<i64>, String) {
    let trouble_at = status.trouble.as_ref().and_then(|trouble| trouble.since_ms);
    let shown = status.name.guardian();
    if let Some(running) = &status.running
        && let Some(stalled) = running.stalled
    {
        let printing = Printing {
            documents: running.documents,
            quiet_since_ms: None,
            awaits: status.awaits.clone(),
            running: running.clone(),
        };
        let cause = Cause::Device { device: status.name.clone(), cause: DeviceCause::Prints(printing) };
        let cure = "it goes on by itself: look at paper and covers of the printer".to_owned();
        let text = words(&cause, times);
        // Of which job it speaks is to be typed into the next command.
        let text = text.strip_prefix("it ").map(|rest| format!("JOB {} {rest}", running.job)).unwrap_or(text);
        return (text, Some(stalled.since_ms), cure);
    }
    if let Some(awaits) = &status.awaits {
        let cause = DeviceCause::Opening { awaits: awaits.clone(), next: false };
        let text = words(&Cause::Device { device: status.name.clone(), cause }, times);
        return (text, Some(awaits.since_ms), "it goes on by itself when that is there".to_owned());
    }
    let word = status.trouble.as_ref().map_or_else(|| "does not print".to_owned(), |trouble| escaped(&trouble.word));
    let since = trouble_at.map_or_else(String::new, |ms| format!(" since {}", times.short(ms)));
    (format!("{shown}: {word}{since}"), trouble_at, format!("spoolcom 'DEV {shown}, LOG'"))
}

/// Says in one line that all is well.
pub fn well(health: &Health, times: &Times) -> String {
    let summary = &health.summary;
    let oldest = match (&health.oldest, health.oldest_unknown) {
        (Some(job), _) => {
            format!("; job {} at {} waits longest, since {}", job.number, job.destination, times.short(job.since_ms))
        }
        (None, true) => "; which job waits longest is not known".to_owned(),
        (None, false) => String::new(),
    };
    format!(
        "well: {} jobs ({} printing, {} waiting, {} held), {} devices, {} print processes{oldest}",
        health.about.jobs, summary.printing, summary.ready, summary.hold, health.about.devices, health.about.processes
    )
}

/// Writes a finding as one line.
pub fn line(finding: &Finding) -> String {
    format!("{}: {}; cure: {}", finding.object, finding.text, finding.cure)
}

/// Returns all of it in JSON.
pub fn object(health: &Health, found: &[Finding]) -> Value {
    let (total, free) = health.about.space.disk.unzip();
    let rows: Vec<Value> = found
        .iter()
        .map(|one| {
            json!({
                "kind": one.kind,
                "severity": if one.weight == Weight::Critical { "critical" } else { "warning" },
                "object": one.object,
                "text": one.text,
                "since": one.since_ms.map_or(Value::Null, utc),
                "jobs": one.jobs,
                "cure": one.cure,
            })
        })
        .collect();
    json!({
        "well": found.is_empty(),
        "findings": rows,
        "jobs": health.about.jobs,
        "printing": health.summary.printing,
        "waiting": health.summary.ready,
        "held": health.summary.hold,
        "oldest-waiting": health.oldest.as_ref().map(|job| json!({
            "job-number": job.number.get(), "destination": job.destination.to_string(), "since": utc(job.since_ms),
        })),
        "devices": health.about.devices,
        "print-processes": health.about.processes,
        "free-octets": free,
        "total-octets": total,
        "refuses": health.about.space.refuses,
    })
}

/// Returns the line of a Nagios plug-in with its performance data, and its status.
pub fn nagios(health: &Health, found: &[Finding]) -> (String, u8) {
    let worst = found.iter().map(|one| one.weight).max();
    let (word, status) = match worst {
        None => ("OK", 0),
        Some(Weight::Warning) => ("WARNING", 1),
        Some(Weight::Critical) => ("CRITICAL", 2),
    };
    let first = found.iter().find(|one| Some(one.weight) == worst);
    let text = first.map_or_else(|| "well".to_owned(), |one| format!("{}: {}", one.object, one.text));
    let more = if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
    let summary = &health.summary;
    // A bar begins the performance data.
    let text = format!("{text}{more}").replace('|', "/");
    let data = format!(
        "jobs={} printing={} waiting={} held={} findings={}",
        health.about.jobs,
        summary.printing,
        summary.ready,
        summary.hold,
        found.len()
    );
    (format!("SPOOL {word} - {text} | {data}"), status)
}

/// Returns Prometheus text: what the spool has counted in its transactions, and what was found.
pub fn metrics(health: &Health, found: &[Finding], now_ms: i64) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, kind: &str, help: &str, rows: &[(String, u64)]| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let plain = |value: u64| vec![(String::new(), value)];
    let (about, summary, counts) = (&health.about, &health.summary, &health.statistics);
    gauge("spool_up", "gauge", "Whether the spool could be looked at.", &plain(1));
    let states = [
        ("printing", summary.printing),
        ("transferred", summary.transferred),
        ("waiting", summary.ready),
        ("arriving", summary.open),
        ("held", summary.hold),
    ];
    let states: Vec<_> = states.iter().map(|(state, n)| (format!("{{state=\"{state}\"}}"), *n)).collect();
    gauge("spool_jobs", "gauge", "Jobs by state.", &states);
    gauge(
        "spool_jobs_collected_total",
        "counter",
        "Jobs taken in since the cold start.",
        &plain(counts.jobs_collected),
    );
    gauge("spool_jobs_printed_total", "counter", "Jobs printed since the cold start.", &plain(counts.jobs_printed));
    gauge("spool_devices", "gauge", "Devices that are declared.", &plain(about.devices));
    gauge("spool_print_processes", "gauge", "Print processes that are declared.", &plain(about.processes));
    gauge(
        "spool_active",
        "gauge",
        "Whether the spooler is ACTIVE.",
        &plain(u64::from(about.state == SpoolerState::Active)),
    );
    gauge("spool_copies_octets", "gauge", "Octets of the copies of documents.", &plain(about.space.copy_octets));
    if let Some((total, free)) = about.space.disk {
        gauge("spool_disk_free_octets", "gauge", "Free octets of its file system.", &plain(free));
        gauge("spool_disk_total_octets", "gauge", "Octets of its file system.", &plain(total));
    }
    gauge(
        "spool_refuses",
        "gauge",
        "Whether submissions are refused for want of room.",
        &plain(u64::from(about.space.refuses)),
    );
    let age = health.oldest.as_ref().map(|job| u64::try_from((now_ms - job.since_ms) / 1000).unwrap_or(0));
    if !health.oldest_unknown {
        gauge(
            "spool_oldest_waiting_seconds",
            "gauge",
            "Age of the oldest job that waits; 0 where none does.",
            &plain(age.unwrap_or(0)),
        );
    }
    let kinds = [
        "gate",
        "spooler",
        "restored",
        "space",
        "process",
        "device",
        "location",
        "job",
        "peer",
        "certificate",
        "notification",
    ];
    let count = |kind: &str| found.iter().filter(|one| one.kind == kind).count() as u64;
    let kinds: Vec<_> = kinds.iter().map(|kind| (format!("{{kind=\"{kind}\"}}"), count(kind))).collect();
    gauge("spool_findings", "gauge", "Troubles that were found, by kind.", &kinds);
    text
}
