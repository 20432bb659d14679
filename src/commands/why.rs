//! Why a job is not printing, in words and in JSON. Every language shows the same line and the same object.
//!
//! | `cause` | further keys |
//! |---|---|
//! | `printing` `printer-slow` `printer-stalled` | `device` `job` `document` `documents` `copy` `octets` `total-octets` `since` `quiet-since` `stalled-since` `stalled-octets` `waiting-for` `waiting-since` |
//! | `device-opening` | `device` `waiting-for` `waiting-since` |
//! | `transferred` | `device` `octets` `since` |
//! | `next` `behind` | `device` `jobs` `printing` (an object as above, or null); of `behind` also `shorter-first` (boolean) |
//! | `left-to-another` `device-not-routed` | `device` |
//! | `device-error` `device-error-for-good` `device-restarts` | `device` `number` `error-text` `since` `next-try` `tries` |
//! | `process-error` | `device` `process` `number` `error-text` `since` `tried-again` |
//! | `process-trouble` | `device` `process` `number` `error-text` `since` `tries` |
//! | `process-dead` `process-not-running` `process-independent` `process-gone` | `device` `process` |
//! | `process-hung` `process-silent` | `device` `process` `since` |
//! | `device-stopped` `device-offline` `device-draining` `device-suspended` | `device` `who` `since` |
//! | `device-never-started` | `device` `lacks` |
//! | `form-mismatch` | `device` `wanted` `loaded` |
//! | `held` | `reason` `reason-text` `who` `since` |
//! | `held-from-start` `held-after-printing` `paused` `spooler-draining` `spooler-drained` | `who` `since` |
//! | `terminating` | `devices` `who` `since` |
//! | `no-device` | `location` `who` `since` |
//! | `group-without-devices` `queue-paused` | `group` |
//! | `expires` `expired` | `at` |
//! | `listed-for` | `who` `delegates` |
//! | `other-driver` | `device` `wanted` `loaded` |
//! | `station` | `station` `printers` (each with `printer` `verdict` `text` `attributes`) |
//! | `waiting-for-server` `at-server` `server-silent` | `device` `server` `state` `reason-text` `since` |
//! | `arriving` `retained` `spooler-cold` `nothing-known` | – |
//!
//! Each object has `cause` and `text` (the line). Times are UTC; error numbers are decimal; unknown values are null.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::attributes::text::escaped;
use crate::model::device::Stalled;
use crate::model::remote::Away;
use crate::model::state::{ErrorNote, HoldReason, JobState};
use crate::model::wait::{Awaited, Wait};
use crate::model::why::{Attribution, Cause, DeviceCause, Printing};

/// How times are written.
#[derive(Clone, Debug)]
pub struct Times {
    /// The reader's zone.
    pub zone: TimeZone,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

impl Times {
    /// Writes `09:06:16` for today, `2026-11-20 09:06:16` for another day.
    pub fn short(&self, ms: i64) -> String {
        let day = |text: &str| text.split(' ').next().map(str::to_owned);
        let (then, now) = (self.full(ms), self.full(self.now_ms));
        match then.split_once(' ') {
            Some((_, time)) if day(&then) == day(&now) => time.to_owned(),
            _ => then,
        }
    }

    /// Writes `2026-11-21 09:06:16`.
    pub fn full(&self, ms: i64) -> String {
        match Timestamp::from_millisecond(ms) {
            Ok(at) => at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => ms.to_string(),
        }
    }
}

/// Writes `cause` on one line.
pub fn words(cause: &Cause, times: &Times) -> String {
    escaped(&said(cause, times))
}

fn said(cause: &Cause, times: &Times) -> String {
    let by = |act: &Option<Attribution>| act.as_ref().map(|act| by(act, times)).unwrap_or_default();
    match cause {
        Cause::Arriving => "it is still arriving".into(),
        Cause::Terminating { devices, by: act } => {
            let names: Vec<String> = devices.iter().map(|device| device.guardian()).collect();
            format!("it is being removed{} and goes when its attempt on {} has ended", by(act), names.join(" and "))
        }
        Cause::SpoolerCold => "the spooler is COLD: it was never started; SPOOLER, START starts it".into(),
        Cause::SpoolerDraining(act) => {
            format!("the spooler is in DRAIN{}: what prints is finished, nothing else begins", by(act))
        }
        Cause::SpoolerDrained(act) => format!("the spooler is WARM: drained{}; SPOOLER, START starts it", by(act)),
        // What is not supported, and where, is a sentence of its own.
        Cause::Held { reason: HoldReason::Operator, text, by: act }
        | Cause::Held { reason: HoldReason::Unsupported, text: text @ Some(_), by: act } => {
            let text = text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            format!("it is held{text}{}", by(act))
        }
        Cause::Held { reason, text, by: act } => {
            let text = text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            format!("it is held: {}{text}{}", reason.words(), by(act))
        }
        Cause::Expires { at_ms, over: false } => {
            format!("it is removed unless it is released by {}", times.short(*at_ms))
        }
        Cause::Expires { at_ms, over: true } => {
            format!("it can no longer be released: its time was over at {}", times.short(*at_ms))
        }
        Cause::ListedFor { owner, delegates } if delegates.is_empty() => {
            format!("at stations that show people their own jobs only {owner} sees it")
        }
        Cause::ListedFor { owner, delegates } => format!(
            "at stations that show people their own jobs only {owner} sees it, and whom {owner} has named: {}",
            delegates.join(", ")
        ),
        Cause::OtherDriver { printer, wanted, installed } => format!(
            "its queue makes jobs for driver '{wanted}', {} has driver '{installed}': it prints there, and may not look as it should",
            printer.guardian()
        ),
        Cause::Station { station, verdicts } if verdicts.is_empty() => format!("station {station} has no printers"),
        Cause::Station { station, verdicts } => {
            let each: Vec<String> = verdicts.iter().map(|one| format!("on {} {}", one.printer, one.verdict)).collect();
            format!("at station {station}: {}", each.join("; "))
        }
        Cause::StationThere { server, station, verdicts } if verdicts.is_empty() => {
            format!("station {station} of server {server} has no printers")
        }
        Cause::StationThere { server, station, verdicts } => {
            let each: Vec<String> = verdicts.iter().map(|one| format!("on {} {}", one.printer, one.verdict)).collect();
            format!("at station {station} of server {server}: {}", each.join("; "))
        }
        Cause::ServerSilent { server, why } => {
            format!("server {server} does not say what its stations make of it: {why}")
        }
        Cause::HeldFromStart(act) => format!("it is held: submitted so{}", self::by(act, times)),
        Cause::HeldAfterPrinting(act) => {
            format!("it is printed and held after that, as was asked{}", self::by(act, times))
        }
        Cause::Paused(act) => format!("it is paused{}", by(act)),
        Cause::Retained => "it is over, and kept".into(),
        Cause::NoDevice { location, by: act } => {
            let act = act.as_ref().map(|act| self::by(act, times).replace("(by", "(disconnected by"));
            format!("its location {location} leads to no device{}", act.unwrap_or_default())
        }
        Cause::GroupWithoutDevices(group) => format!("no location of its group #{group} leads to a device"),
        Cause::QueuePaused(group) => format!("its queue {group} is paused; pdresume -c queue {group} lets it print"),
        Cause::Server { away } => at_server(away, times),
        Cause::Device { device, cause } => on_device(&device.guardian(), cause, times),
        Cause::NothingKnown => "nothing is known that keeps it from printing".into(),
    }
}

fn by(act: &Attribution, times: &Times) -> String {
    format!(" (by {}, {})", act.who, times.short(act.at_ms))
}

/// How a job stands that another server prints, or is to print.
fn at_server(away: &Away, times: &Times) -> String {
    let server = away.device.node().map_or_else(|| "another one".to_owned(), ToString::to_string);
    let device = away.device.without_node().guardian();
    if away.claimed {
        return match away.is_there() {
            true => format!(
                "server {server} has claimed it and has begun to print it on {device}: it may have printed, and nobody else gets it until \
                 {server} reports its end, or an operator says that {server} is lost (pdclaim --lost)"
            ),
            false => format!(
                "server {server} has claimed it for {device} and has not begun it: the claim ends by itself when it is not renewed"
            ),
        };
    }
    let words = away.words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
    let silent = away.silent_since_ms.map(|ms| format!("which does not answer since {}{words}", times.short(ms)));
    let there = match away.state {
        None => {
            return match silent {
                Some(silent) => format!("it waits for server {server}, {silent}; {device} there prints it"),
                None => format!("it is handed over to server {server}, whose {device} prints it{words}"),
            };
        }
        Some(JobState::Printing) => "prints there",
        Some(JobState::Transferred) => "is delivered there",
        Some(JobState::Held) => "is held there",
        Some(JobState::Paused) => "is paused there",
        Some(JobState::Terminating) => "is being removed there",
        Some(_) => "waits there",
    };
    match silent {
        Some(silent) => format!("server {server} has it for {device}, {silent}; it {there} as last told"),
        None => format!("server {server} has it for {device}: it {there}{words}"),
    }
}

fn on_device(device: &str, cause: &DeviceCause, times: &Times) -> String {
    let by = |act: &Option<Attribution>| act.as_ref().map(|act| by(act, times)).unwrap_or_default();
    let start = format!("DEV {device}, START");
    match cause {
        DeviceCause::Prints(printing) => match printing.quiet_since_ms {
            _ if printing.running.stalled.is_some() || printing.awaits.is_some() => {
                format!("it prints on {device}: {}", pace(printing, times))
            }
            Some(_) => format!("it prints on {device}, {}", pace(printing, times)),
            None => {
                let running = &printing.running;
                let document = format!("document {} of {}", running.document.max(1), printing.documents);
                format!("it prints on {device}: {document}, copy {}, {}", running.copy, pace(printing, times))
            }
        },
        DeviceCause::Opening { awaits, next: true } => {
            format!("it is next on {device}, which is being opened: {}", waiting(awaits, times))
        }
        DeviceCause::Opening { awaits, next: false } => {
            format!("{device} is being opened: {}", waiting(awaits, times))
        }
        DeviceCause::Transferred { octets, since_ms } => {
            let since = since_ms.map(|ms| format!(" since {}", times.short(ms))).unwrap_or_default();
            format!(
                "it is transferred: {device} has all {octets} octets{since}; the connection has yet to close cleanly"
            )
        }
        DeviceCause::Next { printing: None } => format!("it is next on {device}"),
        DeviceCause::Next { printing: Some(printing) } => {
            format!("it is next on {device}; {}", now_printing(printing, times))
        }
        DeviceCause::Behind { jobs, printing, short_first } => {
            let jobs = match jobs {
                1 => "1 job".to_owned(),
                n @ ..=1000 => format!("{n} jobs"),
                _ => "more than 1000 jobs".to_owned(),
            };
            let now = printing.as_ref().map(|printing| format!("; {}", now_printing(printing, times)));
            let passed = match short_first {
                true => {
                    "; shorter jobs go first there, whenever they came (FIFO is OFF; a higher priority goes before)"
                }
                false => "",
            };
            format!("it is behind {jobs} on {device}{}{passed}", now.unwrap_or_default())
        }
        DeviceCause::LeftToAnother => {
            format!("{device} is idle and leaves it to a device that will have printed it sooner")
        }
        DeviceCause::Error(error) => {
            let next = error.next_try_ms.map(|ms| match ms > times.now_ms {
                true => format!(", next try {}", times.short(ms)),
                false => ", next try now".to_owned(),
            });
            format!("{device} is in {}{}", error_words(error, times), next.unwrap_or_default())
        }
        DeviceCause::ErrorForGood(error) => {
            format!("{device} is in {}, no further try; {start} tries again", error_words(error, times))
        }
        DeviceCause::Restarts(error) => {
            let again = error.next_try_ms.map(|ms| match ms > times.now_ms {
                true => format!(" at {}", times.short(ms)),
                false => " now".to_owned(),
            });
            let again = again.unwrap_or_default();
            format!("{device} is offline by {}; RESTART starts it again{again}", error_words(error, times))
        }
        DeviceCause::ProcessDead { process, last_words } => {
            let why = last_words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
            format!("print process ${process} of {device} died{why}; {}", started_by(&format!("${process}")))
        }
        DeviceCause::ProcessNotRunning(name) => {
            format!("print process ${name} of {device} is not running; {}", started_by(&format!("${name}")))
        }
        DeviceCause::ProcessIndependent(name) => {
            format!("print process ${name} of {device} is not running; it has no FILE, its user starts it")
        }
        DeviceCause::ProcessHung { process, since_ms } => {
            let since = times.short(*since_ms);
            let hint = format!("PRINT ${process}, START ends it and starts another");
            format!("print process ${process} of {device} hangs: no sign of life since {since}; {hint}")
        }
        DeviceCause::ProcessSilent { process, since_ms } => {
            let since = times.short(*since_ms);
            format!(
                "print process ${process} of {device} shows no sign of life since {since}; after a minute it is taken to hang"
            )
        }
        DeviceCause::ProcessError { process, error, tried_again } => {
            let start = match tried_again {
                true => started_by(&format!("${process}")),
                false => format!("PRINT ${process}, START is needed"),
            };
            let since = times.short(error.since_ms);
            let number = error.number;
            format!(
                "print process ${process} of {device} is in error %{number:o}: {}, since {since}; {start}",
                error.text
            )
        }
        DeviceCause::ProcessTrouble { process, error } => {
            let since = times.short(error.since_ms);
            format!("print process ${process} of {device} cannot go on since {since} and tries again: {}", error.text)
        }
        DeviceCause::ProcessGone(name) => format!("print process ${name} of {device} is not declared"),
        DeviceCause::Draining(act) => format!("{device} is draining{} and takes no other job", by(act)),
        DeviceCause::Suspended(act) => format!("{device} is suspended{}; {start} lets it go on", by(act)),
        DeviceCause::Stopped(Some(act)) => {
            format!("{device} is stopped{}; {start} starts it", self::by(act, times))
        }
        DeviceCause::Stopped(None) => format!("{device} is offline; {start} starts it"),
        DeviceCause::NeverStarted { lacks } if lacks.is_empty() => {
            format!("{device} was never started; {start} starts it")
        }
        DeviceCause::NeverStarted { lacks } => format!("{device} was never started and has no {}", lacks.join(", no ")),
        DeviceCause::Form { wanted, loaded } => {
            let form = |form: &str| if form.is_empty() { "no form".to_owned() } else { format!("form '{form}'") };
            format!("it needs {}, {device} carries {}", form(wanted), form(loaded))
        }
        DeviceCause::NotRouted => format!("no location of its group leads to {device} any more"),
    }
}

/// Says who starts a print process that does not run.
fn started_by(process: &str) -> String {
    format!("the next command that makes work for it starts it, or PRINT {process}, START")
}

fn now_printing(printing: &Printing, times: &Times) -> String {
    let job = printing.running.job;
    match &printing.awaits {
        Some(awaits) if awaits.wait.is_before_open() => {
            return format!("the device is being opened for job {job}: {}", waiting(awaits, times));
        }
        Some(Awaited { wait: Wait::Close, since_ms, .. }) => {
            return format!("job {job} is sent: its close is waited for since {}", times.short(*since_ms));
        }
        _ => {}
    }
    let sign = if printing.quiet_since_ms.is_some() && printing.running.stalled.is_none() && printing.awaits.is_none() {
        ","
    } else {
        ":"
    };
    format!("job {job} prints now{sign} {}", pace(printing, times))
}

fn pace(printing: &Printing, times: &Times) -> String {
    let running = &printing.running;
    // Header pages and form feeds count as sent, so cut the number: a job never shows more octets than it has.
    let amount = format!("{} of {} octets", running.octets.min(running.total_octets), running.total_octets);
    if let Some(Stalled { since_ms, octets }) = running.stalled {
        let octets = octets.min(running.total_octets);
        let accepted = format!("{octets} of {} octets so far", running.total_octets);
        return format!("the printer accepts nothing since {} ({accepted})", times.short(since_ms));
    }
    if let Some(awaits) = &printing.awaits {
        return format!("every octet is sent, {}", waiting(awaits, times));
    }
    match printing.quiet_since_ms {
        Some(ms) => format!("printer slow: {amount} accepted, none since {}", times.short(ms)),
        None => format!("{amount}, since {}", times.short(running.since_ms)),
    }
}

fn waiting(awaits: &Awaited, times: &Times) -> String {
    format!("waiting for {} since {}", awaits.words(), times.short(awaits.since_ms))
}

fn error_words(error: &ErrorNote, times: &Times) -> String {
    let tries = if error.tries == 1 { "1 try".to_owned() } else { format!("{} tries", error.tries) };
    format!("error %{:o}: {}; {tries} since {}", error.number, error.text, times.short(error.since_ms))
}

/// Returns `cause` in JSON.
pub fn object(cause: &Cause, times: &Times) -> Value {
    let mut object = Map::new();
    object.insert("cause".into(), cause.keyword().into());
    object.insert("text".into(), words(cause, times).into());
    let details = match cause {
        Cause::Arriving | Cause::Retained | Cause::SpoolerCold | Cause::NothingKnown => Value::Null,
        Cause::Terminating { devices, by } => {
            let names: Vec<String> = devices.iter().map(|device| device.guardian()).collect();
            merged(json!({ "devices": names }), who(by.as_ref()))
        }
        Cause::SpoolerDraining(act) | Cause::SpoolerDrained(act) | Cause::Paused(act) => who(act.as_ref()),
        Cause::HeldFromStart(act) | Cause::HeldAfterPrinting(act) => who(Some(act)),
        Cause::Held { reason, text, by } => {
            merged(json!({ "reason": reason.keyword(), "reason-text": text }), who(by.as_ref()))
        }
        Cause::Expires { at_ms, .. } => json!({ "at": utc(*at_ms) }),
        Cause::ListedFor { owner, delegates } => json!({ "who": owner, "delegates": delegates }),
        Cause::OtherDriver { printer, wanted, installed } => {
            json!({ "device": printer.guardian(), "wanted": wanted, "loaded": installed })
        }
        Cause::Station { station, verdicts } => json!({
            "station": station.as_str(),
            "printers": verdicts.iter().map(super::release::verdict).collect::<Vec<_>>(),
        }),
        Cause::StationThere { server, station, verdicts } => json!({
            "server": server.to_string(),
            "station": station.as_str(),
            "printers": verdicts.iter().map(super::release::verdict).collect::<Vec<_>>(),
        }),
        Cause::ServerSilent { server, why } => json!({ "server": server.to_string(), "why": why }),
        Cause::NoDevice { location, by } => merged(json!({ "location": location.to_string() }), who(by.as_ref())),
        Cause::GroupWithoutDevices(group) | Cause::QueuePaused(group) => json!({ "group": format!("#{group}") }),
        Cause::Server { away } => json!({
            "device": away.device.guardian(),
            "server": away.device.node().map(ToString::to_string),
            "state": away.state.map(JobState::infoprint),
            "reason-text": away.words,
            "since": away.silent_since_ms.map(utc),
        }),
        Cause::Device { device, cause } => merged(json!({ "device": device.guardian() }), device_details(cause)),
    };
    merged(Value::Object(object), details)
}

fn device_details(cause: &DeviceCause) -> Value {
    match cause {
        DeviceCause::Prints(one) => printing(one),
        DeviceCause::Opening { awaits, .. } => {
            json!({ "waiting-for": awaits.wait.keyword(), "waiting-since": utc(awaits.since_ms) })
        }
        DeviceCause::Transferred { octets, since_ms } => {
            json!({ "octets": octets, "since": since_ms.map_or(Value::Null, utc) })
        }
        DeviceCause::Next { printing: one } => {
            json!({ "jobs": u32::from(one.is_some()), "printing": one.as_ref().map(printing) })
        }
        DeviceCause::Behind { jobs, printing: one, short_first } => {
            json!({ "jobs": jobs, "printing": one.as_ref().map(printing), "shorter-first": short_first })
        }
        DeviceCause::LeftToAnother | DeviceCause::NotRouted => Value::Null,
        DeviceCause::Error(error) | DeviceCause::ErrorForGood(error) | DeviceCause::Restarts(error) => json!({
            "number": error.number,
            "error-text": error.text,
            "since": utc(error.since_ms),
            "next-try": error.next_try_ms.map_or(Value::Null, utc),
            "tries": error.tries,
        }),
        DeviceCause::ProcessDead { process, last_words } => {
            json!({ "process": format!("${process}"), "reason-text": last_words })
        }
        DeviceCause::ProcessNotRunning(name)
        | DeviceCause::ProcessIndependent(name)
        | DeviceCause::ProcessGone(name) => json!({ "process": format!("${name}") }),
        DeviceCause::ProcessHung { process, since_ms } | DeviceCause::ProcessSilent { process, since_ms } => {
            json!({ "process": format!("${process}"), "since": utc(*since_ms) })
        }
        DeviceCause::ProcessTrouble { process, error } => json!({
            "process": format!("${process}"),
            "number": error.number,
            "error-text": error.text,
            "since": utc(error.since_ms),
            "tries": error.tries,
        }),
        DeviceCause::ProcessError { process, error, tried_again } => json!({
            "process": format!("${process}"),
            "number": error.number,
            "error-text": error.text,
            "since": utc(error.since_ms),
            "tried-again": tried_again,
        }),
        DeviceCause::Draining(act) | DeviceCause::Suspended(act) | DeviceCause::Stopped(act) => who(act.as_ref()),
        DeviceCause::NeverStarted { lacks } => json!({ "lacks": lacks }),
        DeviceCause::Form { wanted, loaded } => json!({ "wanted": wanted, "loaded": loaded }),
    }
}

fn printing(printing: &Printing) -> Value {
    let running = &printing.running;
    json!({
        "job": running.job.get(),
        "document": running.document,
        "documents": printing.documents,
        "copy": running.copy,
        "octets": running.octets,
        "total-octets": running.total_octets,
        "since": utc(running.since_ms),
        "quiet-since": printing.quiet_since_ms.map_or(Value::Null, utc),
        "stalled-since": running.stalled.map_or(Value::Null, |stalled| utc(stalled.since_ms)),
        "stalled-octets": running.stalled.map(|stalled| stalled.octets),
        "waiting-for": printing.awaits.as_ref().map(|awaits| awaits.wait.keyword()),
        "waiting-since": printing.awaits.as_ref().map_or(Value::Null, |awaits| utc(awaits.since_ms)),
    })
}

fn who(act: Option<&Attribution>) -> Value {
    json!({ "who": act.map(|act| &act.who), "since": act.map_or(Value::Null, |act| utc(act.at_ms)) })
}

/// Returns a time in JSON.
pub fn utc(ms: i64) -> Value {
    Timestamp::from_millisecond(ms)
        .map_or(Value::Null, |at| Value::String(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

/// Merges the members of two objects.
fn merged(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
