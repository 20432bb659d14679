//! SPOOLER STATISTICS.

use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::model::JobNumber;
use crate::spool::interface::records::Statistics;

use super::{Style, plain};

/// The rows, each with its limit where there is one. What cannot occur here (receive queue, queue nodes) is 0.
fn rows(counted: &Statistics) -> Vec<(&'static str, u64, Option<u64>)> {
    vec![
        ("JOBS", counted.jobs, Some(JobNumber::MAX.into())),
        ("OPEN JOBS", counted.open_jobs, None),
        // Whoever asks is one of them.
        ("SUPERVISOR OPENERS", counted.openers + 1, None),
        ("DEVICE QUEUE NODES", 0, None),
        ("RECEIVE QUEUE ENTRIES", 0, None),
        ("JOBS CURRENTLY PRINTING", counted.printing_jobs, None),
        ("JOBS WAITING Q NODES", 0, None),
        ("JOBS COLLECTED", counted.jobs_collected, None),
        ("JOBS PRINTED", counted.jobs_printed, None),
        ("BATCH JOBS", counted.batches, None),
        ("LOCATIONS", counted.locations, None),
        ("DEVICES", counted.devices, None),
        ("COLLECTORS", counted.collectors, None),
        ("PRINT PROCESSES", counted.processes, None),
        ("FONTS", counted.fonts, None),
    ]
}

/// Shows what is counted.
pub fn show(out: &mut dyn Write, style: &Style, name: &str, counted: &Statistics) -> io::Result<()> {
    let rows = rows(counted);
    if style.json {
        let counts = rows.iter().map(|(what, n, _)| (what.to_lowercase().replace(' ', "-"), Value::from(*n)));
        let mut object: Map<String, Value> = [("spooler".to_owned(), Value::from(name))].into_iter().collect();
        object.extend(counts);
        return writeln!(out, "[\n{}\n]", Value::Object(object));
    }
    writeln!(out, "SPOOL SUPERVISOR: {}", plain(name))?;
    for (what, n, limit) in rows {
        match limit {
            Some(limit) => writeln!(out, "{what:<24}: {n:<8}OF : {limit}")?,
            None => writeln!(out, "{what:<24}: {n}")?,
        }
    }
    Ok(())
}
