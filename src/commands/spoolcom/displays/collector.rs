//! COLLECT STATUS.

use serde_json::Value;

use crate::model::collector::{CollectorState, CollectorStatus};
use crate::model::job::JobStatus;

use super::{Column, Shown, Style, cpus, json, label, left, on_off, plain, priority, right};

fn debug(collector: &CollectorStatus) -> bool {
    collector.kept.value("DEBUG").is_some_and(|value| !value.eq_ignore_ascii_case("OFF"))
}

impl Shown for CollectorStatus {
    const COLUMNS: &'static [Column] = &[
        left("COLLECT"),
        left("STATE"),
        left("FLAGS"),
        left("CPU"),
        right("PRI"),
        right("UNIT"),
        left("DATA FILE"),
        right("%FULL"),
    ];

    fn row(&self, _: &Style) -> Vec<String> {
        vec![
            format!("${}", self.name),
            self.state.to_string(),
            if debug(self) { "D".into() } else { String::new() },
            cpus(&self.kept),
            priority(&self.kept),
            self.unit(),
            self.data().unwrap_or_default().to_owned(),
            self.percent_full().to_string(),
        ]
    }

    fn detail(&self, _: &Style) -> Vec<(String, String)> {
        let kept = |word: &str| self.kept.value(word).map(plain);
        let (used, total) = self.units();
        let error = match self.state {
            CollectorState::Error(_) => format!("{}: the disk is full", self.state),
            _ => "NONE".into(),
        };
        vec![
            label("COLLECT", format!("${}", self.name)),
            label("STATE", self.state),
            label("LAST ERROR", error),
            label("DEBUG", on_off(debug(self))),
            label("FILE", plain(self.file.as_deref().unwrap_or_default())),
            label("DATA FILE", plain(self.data().unwrap_or_default())),
            label("CPU", kept("CPU").unwrap_or_default()),
            label("BACKUP", kept("BACKUP").unwrap_or_else(|| "-1".into())),
            label("PRI", priority(&self.kept)),
            label("UNIT", plain(&self.unit())),
            label("UNITS ALLOCATED", used),
            label("TOTAL UNITS", total),
            label("PERCENT FULL", self.percent_full()),
            label("OPEN JOBS", self.open_jobs),
        ]
    }

    fn json(&self) -> Value {
        json::collector(self)
    }
}

/// A job that is arriving by a collector, and whose program writes it.
pub struct OpenJob(pub JobStatus);

impl Shown for OpenJob {
    const COLUMNS: &'static [Column] =
        &[right("JOB"), left("CPU,PIN"), left("OWNER"), left("COLLECT"), left("REPORT"), left("LOCATION")];

    fn row(&self, _: &Style) -> Vec<String> {
        let collector = self.0.collector.clone().unwrap_or_else(crate::model::CollectorName::usual);
        vec![
            self.0.number.to_string(),
            // This machine is one processor to whoever asks for it.
            self.0.process.map(|process| format!("0,{process}")).unwrap_or_default(),
            format!("{},{}", self.0.owner_gid, self.0.owner_uid),
            format!("${collector}"),
            self.0.name.clone(),
            self.0.destination.to_string(),
        ]
    }

    fn detail(&self, style: &Style) -> Vec<(String, String)> {
        Self::COLUMNS.iter().zip(self.row(style)).map(|(column, value)| label(column.heading, value)).collect()
    }

    fn json(&self) -> Value {
        json::job(&self.0)
    }
}
