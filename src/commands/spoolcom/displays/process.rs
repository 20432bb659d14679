//! PRINT STATUS.

use std::io::{self, Write};

use serde_json::Value;

use crate::model::guardian::ProcessError;
use crate::model::process::ProcessStatus;
use crate::model::state::ProcessState;

use super::{Column, Shown, Style, cpus, json, kept_words, label, left, parm, plain, priority, right};

/// Returns the STATE of a print process.
pub fn state(process: &ProcessStatus) -> String {
    match (process.state, &process.error) {
        // It lives, and some of its devices cannot go on.
        (ProcessState::Active, Some(error)) => format!("ACTIVE, ERROR %{:o}", error.number),
        (ProcessState::Active, None) => "ACTIVE".into(),
        (ProcessState::Dormant, _) => "DORMANT".into(),
        // The manual has no word for one that died: it is in error until it is started again.
        (ProcessState::Dead, _) => format!("ERROR %{:o}", ProcessError::Died.number()),
        (ProcessState::Error, Some(error)) => format!("ERROR %{:o}", error.number),
        (ProcessState::Error, None) => "ERROR".into(),
    }
}

/// Says what a running process has from its starter and cannot take back.
fn circumstances(process: &ProcessStatus) -> String {
    match (process.pid, process.circumstances.as_slice()) {
        (None, _) => String::new(),
        (Some(_), []) => "AS USUAL".to_owned(),
        (Some(_), troubles) => troubles.join(", ").to_uppercase(),
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
    // These are the headings of the manual. CPU and PRI are as typed, because the kernel chooses both.
    const COLUMNS: &'static [Column] = &[left("PRINT"), left("STATE"), left("FLAGS"), left("CPU"), right("PRI")];

    fn row(&self, _: &Style) -> Vec<String> {
        let debug = self.kept.value("DEBUG").is_some_and(|value| !value.eq_ignore_ascii_case("OFF"));
        let flags =
            [(self.file.is_none(), "I"), (debug, "D")].iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
        vec![format!("${}", self.name), state(self), flags, cpus(&self.kept), priority(&self.kept)]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        let error = match (&self.error, self.state) {
            (Some(error), _) => format!("%{:o} {}", error.number, plain(&error.text)),
            (None, ProcessState::Dead) => format!("%{:o} {}", ProcessError::Died.number(), ProcessError::Died.words()),
            (None, _) => "NONE".into(),
        };
        let mut lines = vec![
            label("PRINT", format!("${}", self.name)),
            label("STATE", state(self)),
            label("LAST ERROR", error),
            label("INDEPENDENT", super::on_off(self.file.is_none())),
            label("FILE", plain(self.file.as_deref().unwrap_or_default())),
            label("PARM", parm(self.parm)),
        ];
        lines.extend(kept_words(&self.kept, &[("CPU", ""), ("BACKUP", "-1"), ("PRI", "145"), ("DEBUG", "OFF")]));
        lines.extend([
            label("STARTED", format!("{} TIMES", self.epoch)),
            label("PROCESS ID", self.pid.map_or_else(|| "NONE".to_owned(), |pid| pid.to_string())),
            label("CIRCUMSTANCES", circumstances(self)),
        ]);
        lines
    }

    fn json(&self) -> Value {
        json::process(self)
    }
}
