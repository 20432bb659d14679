//! PRINT STATUS.

use serde_json::Value;

use crate::model::guardian::ProcessError;
use crate::model::process::ProcessStatus;
use crate::model::state::ProcessState;

use super::{Column, Shown, Style, json, label, left, parm, plain};

/// Returns the STATE of a print process.
pub fn state(process: &ProcessStatus) -> String {
    match (process.state, &process.error) {
        (ProcessState::Active, _) => "ACTIVE".into(),
        (ProcessState::Dormant, _) => "DORMANT".into(),
        // The manual has no word for one that died: it is in error until it is started again.
        (ProcessState::Dead, _) => format!("ERROR %{:o}", ProcessError::Died.number()),
        (ProcessState::Error, Some(error)) => format!("ERROR %{:o}", error.number),
        (ProcessState::Error, None) => "ERROR".into(),
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
        let error = match (&self.error, self.state) {
            (Some(error), _) => format!("%{:o} {}", error.number, plain(&error.text)),
            (None, ProcessState::Dead) => format!("%{:o} {}", ProcessError::Died.number(), ProcessError::Died.words()),
            (None, _) => "NONE".into(),
        };
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
