//! PRINT STATUS.

use std::io::{self, Write};

use serde_json::Value;

use crate::model::process::ProcessStatus;
use crate::model::state::ProcessState;

use super::{Column, Shown, Style, json, label, left, parm, plain};

/// Returns the STATE of a print process.
pub fn state(process: &ProcessStatus) -> String {
    match (process.state, &process.error) {
        // It lives, and some of its devices cannot go on.
        (ProcessState::Active, Some(error)) => format!("ACTIVE, ERROR %{:o}", error.number),
        (ProcessState::Active, None) => "ACTIVE".into(),
        (ProcessState::Dormant, _) => "DORMANT".into(),
        (ProcessState::Dead, _) => "DEAD".into(),
        (ProcessState::Error, Some(error)) => format!("ERROR %{:o}", error.number),
        (ProcessState::Error, None) => "ERROR".into(),
    }
}

/// Shows the error of a single process, with its cure where that is known.
pub fn trouble(out: &mut dyn Write, style: &Style, process: &ProcessStatus) -> io::Result<()> {
    match &process.error {
        Some(error) if !style.json => {
            let since = style.date(error.since_ms);
            writeln!(out, "ERROR %{:o} SINCE {since}: {}", error.number, plain(&error.text))
        }
        _ => Ok(()),
    }
}

impl Shown for ProcessStatus {
    // These are the headings of the manual. CPU and PRI stay empty, because the kernel chooses both.
    const COLUMNS: &'static [Column] = &[left("PRINT"), left("STATE"), left("FLAGS"), left("CPU"), left("PRI")];

    fn row(&self, _: &Style) -> Vec<String> {
        let flags = if self.file.is_none() { "I" } else { "" };
        vec![format!("${}", self.name), state(self), flags.into(), String::new(), String::new()]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        let error =
            self.error.as_ref().map_or("NONE".into(), |error| format!("%{:o} {}", error.number, plain(&error.text)));
        vec![
            label("PRINT", format!("${}", self.name)),
            label("STATE", state(self)),
            label("LAST ERROR", error),
            label("INDEPENDENT", super::on_off(self.file.is_none())),
            label("FILE", plain(self.file.as_deref().unwrap_or_default())),
            label("PARM", parm(self.parm)),
            label("STARTED", format!("{} TIMES", self.epoch)),
            label("PROCESS ID", self.pid.map_or_else(|| "NONE".to_owned(), |pid| pid.to_string())),
        ]
    }

    fn json(&self) -> Value {
        json::process(self)
    }
}
