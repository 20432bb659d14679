//! What one device prints now and what it prints next, shown below its line or block.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::commands::spoolcom::session::EarlyEnd;
use crate::model::device::{DeviceStatus, RunningJob};
use crate::model::query::{PAGE, Page};
use crate::model::queue::QueueItem;
use crate::spool::interface::operations::Operations;

use super::device::waiting;
use super::{Column, Shown, Style, Table, json, left, plain, right};

/// How many waiting jobs are shown.
const SHOWN: u32 = 10;

const RUNNING: &[Column] =
    &[right("JOB"), left("DOCUMENT"), left("COPY"), left("OCTETS"), left("SINCE"), left("REPORT")];

const QUEUE: &[Column] = &[
    right("SEQ"),
    right("JOB"),
    left("OWNER"),
    left("TIME"),
    right("COPY"),
    right("PAGE"),
    right("OCTETS"),
    right("PRI"),
    right("TAKES"),
    left("REPORT"),
    left("LOCATION"),
    left("NOTE"),
];

/// Asks for the part of a device's queue that `style` shows: the next few jobs, or with JSON a whole page.
pub fn ask(spool: &mut dyn Operations, style: &Style, status: &DeviceStatus) -> Result<Page<QueueItem>, EarlyEnd> {
    if status.waiting == 0 && !style.json {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    Ok(spool.device_queue(status.name.clone(), None, if style.json { PAGE } else { SHOWN })?)
}

/// Returns the device with its queue, in JSON.
pub fn json(status: &DeviceStatus, queue: &Page<QueueItem>) -> Value {
    let mut value = status.json();
    value["queue"] = queue.rows.iter().map(item).collect();
    value["queue-more"] = Value::Bool(queue.next.is_some());
    value
}

fn item(item: &QueueItem) -> Value {
    let job = &item.job;
    json!({
        "sequence": item.sequence,
        "job": job.number.get(),
        "job-identifier": job.global.to_string(),
        "owner": job.owner,
        "user-name": job.user_name,
        "report": job.name,
        "location": job.destination.to_string(),
        "form": job.form,
        "copies": job.copies,
        "pages": job.pages,
        "octets": job.total_octets,
        "selpri": job.priority.selpri(),
        "job-priority": job.priority.get(),
        "created": json::time(job.created_ms),
        "estimate-seconds": item.estimate_ms.map(seconds),
        "begun": item.begun,
        "broadcast": item.broadcast,
    })
}

/// Rounds up to whole seconds.
fn seconds(ms: i64) -> i64 {
    ms.saturating_add(999) / 1000
}

/// Shows what prints now and what comes next. An empty table is left out.
pub fn tables(out: &mut dyn Write, style: &Style, status: &DeviceStatus, queue: &Page<QueueItem>) -> io::Result<()> {
    if let Some(running) = &status.running {
        writeln!(out)?;
        Table::new(RUNNING).page(out, &[running_row(style, running)])?;
    }
    if queue.rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = queue.rows.iter().map(|item| row(style, item)).collect();
    writeln!(out)?;
    Table::new(QUEUE).page(out, &rows)?;
    let shown = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    match queue.next {
        None => Ok(()),
        Some(_) if status.waiting > 1000 => writeln!(out, "… AND MORE; {} WAIT", waiting(status)),
        // A job that arrived between the two questions is one more.
        Some(_) => writeln!(out, "… AND {} MORE", status.waiting.saturating_sub(shown).max(1)),
    }
}

fn running_row(style: &Style, running: &RunningJob) -> Vec<String> {
    let of = |n: u32, all: u32| format!("{n} OF {all}");
    let octets = match running.total_octets {
        0 => running.octets.to_string(),
        total => {
            let octets = running.octets.min(total);
            format!("{octets} OF {total} ({}%)", u128::from(octets) * 100 / u128::from(total))
        }
    };
    vec![
        running.job.to_string(),
        of(running.document.max(1), running.documents),
        of(running.copy, running.copies),
        octets,
        style.time(running.since_ms),
        plain(&running.name),
    ]
}

fn row(style: &Style, item: &QueueItem) -> Vec<String> {
    let job = &item.job;
    let note = match (item.sequence, item.begun, item.broadcast) {
        (None, ..) if job.form.is_empty() => "NEEDS NO FORM".to_owned(),
        (None, ..) => format!("NEEDS FORM {}", job.form),
        (_, true, _) => "BEGUN HERE".to_owned(),
        (_, _, true) => "BROADCAST".to_owned(),
        _ => String::new(),
    };
    vec![
        item.sequence.map_or_else(|| "-".to_owned(), |n| n.to_string()),
        job.number.to_string(),
        // The job of another user stands without a name, and without his number.
        if job.owner.is_empty() { String::new() } else { format!("{},{}", job.owner_gid, job.owner_uid) },
        style.time(job.created_ms),
        job.copies.to_string(),
        super::job::pages(job),
        job.total_octets.to_string(),
        job.priority.selpri().to_string(),
        item.estimate_ms.map_or_else(|| "UNKNOWN".to_owned(), takes),
        plain(&job.name),
        job.destination.to_string(),
        note,
    ]
}

/// Writes a duration as `mm:ss`, or from an hour on as `hh:mm:ss`.
fn takes(ms: i64) -> String {
    let seconds = seconds(ms);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}
