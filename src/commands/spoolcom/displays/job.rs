//! JOB STATUS.

use std::io::{self, Write};

use serde_json::Value;

use crate::model::CollectorName;
use crate::model::job::{FormatOrigin, JobStatus, Occurrence, Transfer};
use crate::model::state::{EntryState, HoldReason, JobState};

use super::{Column, Listing, Shown, Style, Table, given, json, label, left, on_off, plain, right};

/// Returns what a state is called in a sentence.
pub fn state_words(state: JobState) -> &'static str {
    match state {
        JobState::Open => "still arriving (OPEN)",
        JobState::Ready => "READY",
        JobState::Held | JobState::Paused => "on HOLD",
        JobState::Printing => "printing (PRINT)",
        JobState::Transferred => "delivered, its connection still open (TRANSFER)",
        JobState::Retained => "on HOLD after printing",
        JobState::Terminating => "being removed from its device (PRINT)",
    }
}

/// Returns the word that DETAIL has for a state.
fn state(state: JobState) -> &'static str {
    match state {
        JobState::Open => "OPEN",
        JobState::Ready => "READY",
        JobState::Held | JobState::Paused | JobState::Retained => "HOLD",
        JobState::Printing => "PRINT",
        JobState::Transferred => "TRANSFER",
        JobState::Terminating => "PRINT (BEING REMOVED)",
    }
}

fn bad(job: &JobStatus) -> bool {
    [HoldReason::WriterDied, HoldReason::Failed, HoldReason::Changed, HoldReason::Corrupt]
        .iter()
        .any(|reason| job.reasons.has(*reason))
}

/// Returns the selection priority and the flags: A hold-after, B hold requested while open, X bad job.
fn flags(job: &JobStatus) -> String {
    let letters = [
        (job.hold_after || job.state == JobState::Retained, 'A'),
        (job.state == JobState::Open && job.reasons.has(HoldReason::Operator), 'B'),
        (bad(job), 'X'),
    ];
    let letters: String = letters.iter().filter(|letter| letter.0).map(|letter| letter.1).collect();
    format!("{}{letters}", job.priority.selpri())
}

/// Returns the pages of its documents as the column shows them.
pub(super) fn pages(job: &JobStatus) -> String {
    given::pages_once(job).map(|pages| pages.to_string()).unwrap_or_default()
}

/// Lines of a page where nothing in a text says otherwise.
const PAGE_LINES: u32 = 60;
/// Octets of a unit: four kibibytes, as a collector has them whose UNIT nobody has set.
const UNIT_OCTETS: u64 = 4096;

/// Returns the lines of its documents, each once; empty where they cannot be counted.
fn lines_of(job: &JobStatus) -> String {
    let once: Option<u64> = job.documents.iter().map(|document| document.lines).sum();
    once.filter(|_| !job.documents.is_empty()).map(|lines| lines.to_string()).unwrap_or_default()
}

/// Returns the number of its batch; empty without one.
fn batch(job: &JobStatus) -> String {
    job.batch.map(|batch| batch.number.to_string()).unwrap_or_default()
}

impl Shown for JobStatus {
    const COLUMNS: &'static [Column] = &[
        right("JOB"),
        right("BATCH"),
        left("ST"),
        left("FLAGS"),
        left("OWNER"),
        left("TIME"),
        right("COPY"),
        right("PAGE"),
        left("REPORT"),
        left("LOCATION"),
    ];

    fn row(&self, style: &Style) -> Vec<String> {
        vec![
            self.number.to_string(),
            batch(self),
            self.state.st().into(),
            flags(self),
            format!("{},{}", self.owner_gid, self.owner_uid),
            style.time(self.created_ms),
            self.copies.to_string(),
            pages(self),
            plain(&self.name),
            self.destination.to_string(),
        ]
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        let (reasons, text) = self.hold_words();
        let devices: Vec<String> = self.devices.iter().map(|device| device.guardian()).collect();
        let mut lines = vec![
            label("JOB", self.number),
            label("STATE", state(self.state)),
            label("BATCH", batch(self)),
            label("OWNER", format!("{},{} {}", self.owner_gid, self.owner_uid, plain(&self.owner))),
            label("LOCATION", &self.destination),
            label("DEVICE", devices.join(" ")),
            label("FORM", plain(&self.form)),
            label("REPORT", plain(&self.name)),
            label("COPIES", self.copies),
            label("SELPRI", self.priority.selpri()),
            label("HOLD", on_off(!self.reasons.is_empty())),
            label("HOLD REASON", reasons.join("; ")),
        ];
        if let Some(text) = text {
            lines.push(label("HOLD TEXT", plain(text)));
        }
        lines.extend([
            label("HOLDAFTER", on_off(self.hold_after)),
            label("PAGES", pages(self)),
            label("LINES", lines_of(self)),
            label("PAGESIZE", PAGE_LINES),
            label("OCTETS", self.total_octets),
            label("UNITS", self.total_octets.div_ceil(UNIT_OCTETS)),
            label("OPENED", style.date(self.created_ms)),
            label(
                "CLOSED",
                if self.state == JobState::Open {
                    String::new()
                } else {
                    style.date(self.closed_ms.unwrap_or(self.created_ms))
                },
            ),
            label("PRINTING SINCE", self.started_ms.map(|ms| style.date(ms)).unwrap_or_default()),
            label("COLLECT", format!("${}", self.collector.clone().unwrap_or_else(CollectorName::usual))),
            label("DATA FILE", plain(self.data_file.as_deref().unwrap_or_default())),
            label("GLOBAL ID", &self.global),
        ]);
        lines.extend(given::lines_of_job(self, style));
        for document in &self.documents {
            let how = if document.transfer == Transfer::Link { ", linked" } else { "" };
            let name = &document.file_name;
            let said = match document.format_origin {
                FormatOrigin::Recognised => String::new(),
                origin => format!(" by {}", origin.word()),
            };
            let value = format!("{name} ({}{said}, {} octets{how})", document.format.keyword(), document.octets);
            lines.push(label(&format!("DOCUMENT {}", document.sequence), value));
            lines.extend(given::lines_of_document(document, style));
        }
        lines
    }

    fn json(&self) -> Value {
        json::job(self)
    }
}

const OCCURRENCES: &[Column] =
    &[right("JOB"), left("LOCATION"), left("DEVICE"), right("SEQ"), right("COPY"), right("PAGE")];

/// Shows a single job: its line, and a second table that says where it waits and prints.
pub fn single(out: &mut dyn Write, style: &Style, job: &JobStatus, occurrences: &[Occurrence]) -> io::Result<()> {
    let mut listing = Listing::new(out, style);
    if style.json {
        let mut value = job.json();
        value["occurrences"] = occurrences.iter().map(json::occurrence).collect();
        listing.json(&[value])?;
        return listing.end();
    }
    listing.page(std::slice::from_ref(job))?;
    listing.end()?;
    if occurrences.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = occurrences
        .iter()
        .map(|one| {
            let prints = matches!(one.state, EntryState::Claimed | EntryState::Transferred);
            vec![
                job.number.to_string(),
                one.destination.to_string(),
                one.device.as_ref().map(|device| device.guardian()).unwrap_or_default(),
                one.sequence.map(|n| n.to_string()).unwrap_or_default(),
                if prints { one.copy.to_string() } else { String::new() },
                String::new(),
            ]
        })
        .collect();
    writeln!(out)?;
    Table::new(OCCURRENCES).page(out, &rows)
}
