//! DEV STATUS.

use std::io::{self, Write};

use serde_json::Value;

use crate::attributes::Class;
use crate::model::device::{
    ConnectionInUse, DeviceSettings, DeviceStatus, Exclusive, RunningJob, Stalled, Trouble, content_word, eol_word,
};
use crate::model::order::QueueOrder;
use crate::model::separation::HeaderPages;
use crate::model::state::{DeviceState, DeviceWish, ProcessState};
use crate::model::wait::Wait;

use super::{Column, Shown, Style, given, json, kept_words, label, left, on_off, parm, plain};

fn process(status: &DeviceStatus) -> String {
    status.settings.process.as_ref().map(|name| format!("${name}")).unwrap_or_default()
}

fn draining(status: &DeviceStatus) -> bool {
    status.wish == DeviceWish::Draining && status.state != DeviceState::Offline
}

/// Returns the flags: H header, F FIFO and E exclusive as in the manual. Two are ours: D, the device goes offline when
/// its job ends, and X, an error took it offline.
fn flags(status: &DeviceStatus) -> String {
    let settings = &status.settings;
    let flags = [
        (settings.header != HeaderPages::Off, "H"),
        (settings.fifo, "F"),
        (settings.exclusive == Exclusive::On, "E"),
        (draining(status), "D"),
        (status.stopped_by_error, "X"),
    ];
    flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect::<Vec<_>>().join(" ")
}

/// The words that mean nothing here, with what the manual says where nobody says otherwise.
const KEPT: &[(&str, &str)] = &[
    ("DEVRESET", "OFF"),
    ("DEVTYPE", ""),
    ("CHARMAP", "NONE"),
    ("PREXLATE", "OFF"),
    ("LUEOLVALUE", "CRLF"),
    ("LUEOLWHEN", "LT132"),
    ("LUTOFVALUE", "CRFFCR"),
];

impl Shown for DeviceStatus {
    const COLUMNS: &'static [Column] =
        &[left("DEVICE"), left("STATE"), left("FLAGS"), left("PROC"), left("FORM"), left("TROUBLE")];

    fn row(&self, style: &Style) -> Vec<String> {
        vec![
            self.name.guardian(),
            self.state.to_string(),
            flags(self),
            process(self),
            self.settings.form.clone(),
            self.trouble.as_ref().map(|trouble| in_trouble(trouble, |ms| style.time(ms))).unwrap_or_default(),
        ]
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        let settings = &self.settings;
        let mut lines = vec![
            label("DEVICE", self.name.guardian()),
            label(
                "STATE",
                match &self.state {
                    DeviceState::Printing(job) => format!("PRINTING JOB {job}"),
                    DeviceState::Aligning => "PRINTING JOB 0".to_owned(),
                    DeviceState::DevError(number) => format!("DEVERROR %{number:o}"),
                    other => other.word().to_owned(),
                },
            ),
        ];
        if let Some(trouble) = &self.trouble {
            lines.push(label("TROUBLE", in_trouble(trouble, |ms| style.date(ms))));
        }
        if let Some(error) = &self.process_trouble {
            lines.push(label("CANNOT GO ON", format!("%{:o} {}", error.number, plain(&error.text))));
            lines.push(label("CANNOT GO ON SINCE", style.date(error.since_ms)));
        }
        if let Some(stalled) = self.running.as_ref().and_then(|running| running.stalled) {
            lines.push(label("STALLED SINCE", style.date(stalled.since_ms)));
            lines.push(label("OCTETS ACCEPTED", stalled.octets));
        }
        if let Some(awaits) = &self.awaits {
            lines.push(label("WAITING FOR", plain(&awaits.capitals())));
            lines.push(label("WAITING SINCE", style.date(awaits.since_ms)));
        }
        match &self.error {
            None => lines.push(label("LAST ERROR", "NONE")),
            Some(error) => {
                lines.push(label("LAST ERROR", format!("%{:o} {}", error.number, plain(&error.text))));
                lines.push(label("SINCE", style.date(error.since_ms)));
                lines.push(label("TRIES", error.tries));
                lines.push(label("NEXT TRY", next_try(self, style).unwrap_or_default()));
            }
        }
        lines.push(label("DRAINING", on_off(draining(self))));
        lines.extend(self.pause_next.then(|| label("PAUSES", "WHEN ITS JOB IS DONE")));
        lines.extend([
            label("PROCESS", process(self)),
            label("URI", settings.uri.as_ref().map(ToString::to_string).unwrap_or_default()),
            label("FORM", &settings.form),
            label("SPEED", settings.speed),
            label("RATE", self.rate.map_or_else(|| "UNKNOWN".to_owned(), |rate| format!("{rate} OCTETS A SECOND"))),
            label("PARM", parm(settings.parm)),
            label("RETRY", settings.retry),
            label("TIMEOUT", settings.timeout),
            label("RESTART", if settings.restart == 0 { "OFF".to_owned() } else { settings.restart.to_string() }),
            label("DELIVERY", settings.delivery.word()),
            label("ATTEMPTS", settings.attempts),
            label("EXCLUSIVE", settings.exclusive.word()),
            label("FIFO", fifo(settings)),
            label("HEADER", settings.header.word()),
            label("STARTFF", settings.startff.word()),
            label("ENDFF", on_off(settings.endff)),
            label("WIDTH", settings.width),
            label("TRUNC", on_off(settings.trunc)),
            label("EOL", eol_word(settings.eol_crlf)),
            label("PAGELENGTH", settings.page_length),
            label("CONTENT", content_word(settings.content_raw)),
        ]);
        lines.extend(settings.transforms.iter().map(|transform| label("TRANSFORM", transform)));
        lines.extend(kept_words(&settings.kept, KEPT));
        lines.extend([
            label("ACCESS", &self.access),
            label("OPEN", on_off(self.open)),
            label("OPENS", self.opens),
            label("CONNECTION", used(self, |used| Some(used.address.to_string()))),
            label("FASTCNFG ENTRY", used(self, |used| used.entry.clone())),
            label("FASTCNFG ERROR", used(self, |used| used.complaint.clone())),
            label("JOBS WAITING", waiting(self)),
        ]);
        lines.extend(given::lines(Class::Destination, &self.given, "", style));
        lines
    }

    fn json(&self) -> Value {
        json::device(self)
    }
}

/// Writes why a device does not print, and since when.
fn in_trouble(trouble: &Trouble, at: impl Fn(i64) -> String) -> String {
    let since = trouble.since_ms.map(|ms| format!(" SINCE {}", at(ms))).unwrap_or_default();
    format!("{}{since}", plain(&trouble.word).to_uppercase())
}

/// Returns a part of what the device was last opened with.
fn used(status: &DeviceStatus, part: fn(&ConnectionInUse) -> Option<String>) -> String {
    status.connection.as_ref().and_then(part).map(|text| plain(&text)).unwrap_or_default()
}

/// Returns when a device in error is tried again. Without a process to do it, it never is.
pub fn next_try(status: &DeviceStatus, style: &Style) -> Option<String> {
    let due = status.error.as_ref()?.next_try_ms.filter(|_| status.process_state == ProcessState::Active)?;
    Some(style.date(due))
}

/// Returns how many jobs wait; words say it when there are more than a thousand.
pub fn waiting(status: &DeviceStatus) -> String {
    if status.waiting > 1000 { "MORE THAN 1000".into() } else { status.waiting.to_string() }
}

/// Says that a device stands still in mid-job.
pub fn standstill(style: &Style, running: &RunningJob) -> Option<String> {
    let Stalled { since_ms, octets } = running.stalled?;
    Some(format!("THE PRINTER ACCEPTS NOTHING SINCE {} ({octets} OCTETS SO FAR)", style.date(since_ms)))
}

/// Says what the print process waits for at a device.
pub fn awaited(style: &Style, status: &DeviceStatus) -> Option<String> {
    let awaits = status.awaits.as_ref()?;
    let since = style.date(awaits.since_ms);
    if awaits.wait == Wait::Close {
        return Some(format!("THE PRINTER HAS EVERY OCTET; ITS CLOSE IS WAITED FOR SINCE {since}"));
    }
    Some(format!("WAITING FOR {} SINCE {since}", plain(&awaits.capitals())))
}

/// Shows what keeps a single device from printing, or from being opened as FASTCNFG wants it: its error, what its
/// process waits for, a printer that stands still, the process itself.
pub fn troubles(out: &mut dyn Write, style: &Style, status: &DeviceStatus) -> io::Result<()> {
    if let Some(error) = &status.process_trouble {
        let (number, text, since) = (error.number, plain(&error.text), style.date(error.since_ms));
        writeln!(out, "CANNOT GO ON SINCE {since}: ERROR %{number:o}: {text}")?;
    }
    let wanted = status.wish != DeviceWish::Stopped || status.stopped_by_error;
    if let Some(error) = status.error.as_ref().filter(|_| wanted) {
        let next = if status.stopped_by_error { "RESTART" } else { "NEXT TRY" };
        let next = next_try(status, style).map(|date| format!("; {next} {date}")).unwrap_or_default();
        writeln!(out, "ERROR %{:o}: {}{next}", error.number, plain(&error.text))?;
    }
    // No process looks up an offline device in FASTCNFG, so what was found last may be out of date.
    let complaint = status.connection.as_ref().and_then(|used| used.complaint.as_ref());
    if let Some(complaint) = complaint.filter(|_| status.state != DeviceState::Offline) {
        writeln!(out, "FASTCNFG IS NOT USED AS IT WAS LAST READ: {}", plain(complaint))?;
    }
    if let Some(text) = status.running.as_ref().and_then(|running| standstill(style, running)) {
        writeln!(out, "{text}")?;
    }
    if let Some(text) = awaited(style, status) {
        writeln!(out, "{text}")?;
    }
    match process_note(status) {
        Some(note) => writeln!(out, "{note}"),
        None => Ok(()),
    }
}

/// Says what the operator should know where nobody prints although the device has work: of the print process, or of the
/// spooler.
pub fn process_note(status: &DeviceStatus) -> Option<String> {
    if let Some(state) = status.trouble.as_ref().and_then(|trouble| trouble.word.strip_prefix("spooler ")) {
        return Some(format!("THE SPOOLER IS {state}; SPOOLER, START STARTS IT"));
    }
    let name = status.settings.process.as_ref()?;
    let online = status.wish != DeviceWish::Stopped;
    let wanted = status.awaits_process || status.error.as_ref().is_some_and(|error| error.next_try_ms.is_some());
    match status.process_state {
        ProcessState::Dead if online => {}
        ProcessState::Dormant if online && wanted => {}
        // What it says itself is shown; it tries again.
        ProcessState::Error if status.process_trouble.is_some() => return None,
        ProcessState::Error if online => {
            return Some(format!("PRINT PROCESS ${name} IS IN ERROR; PRINT ${name}, START STARTS IT AGAIN"));
        }
        _ => return None,
    }
    Some(format!("PRINT PROCESS ${name} IS NOT RUNNING; IT STARTS WITH THE NEXT COMMAND THAT CHANGES SOMETHING"))
}

/// FIFO, or the order that `pdset` gave the device.
fn fifo(settings: &DeviceSettings) -> String {
    match settings.order() {
        QueueOrder::By(first, then) => format!("OFF ({}, {})", first.word(), then.word()),
        _ => on_off(settings.fifo).to_owned(),
    }
}
