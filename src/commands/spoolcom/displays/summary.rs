//! SUMMARY: how many objects are in each state, and how many there are in all.

use serde_json::{Map, Value};

use crate::model::collector::{CollectorState, CollectorStatus};
use crate::model::process::ProcessStatus;
use crate::model::state::ProcessState;
use crate::spool::interface::records::{DeviceCounts, JobSummary};

use super::{Column, Shown, Style, label, right};

/// Makes the type of one summary: its states, and how an object is counted.
macro_rules! summary {
    ($(#[$doc:meta])* $type:ident [$($word:literal),+ $(,)?]) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $type([u64; [$($word),+].len()]);

        impl $type {
            const STATES: &'static [&'static str] = &[$($word),+];

            fn total(&self) -> u64 {
                self.0.iter().sum()
            }
        }

        impl Shown for $type {
            const COLUMNS: &'static [Column] = &[$(right($word),)+ right("TOTAL")];

            fn row(&self, _: &Style) -> Vec<String> {
                self.0.iter().copied().chain([self.total()]).map(|n| n.to_string()).collect()
            }

            fn detail(&self, style: &Style) -> Vec<(String, String)> {
                Self::COLUMNS.iter().zip(self.row(style)).map(|(column, n)| label(column.heading, n)).collect()
            }

            fn json(&self) -> Value {
                let counts = Self::STATES.iter().zip(self.0).chain([(&"TOTAL", self.total())]);
                let counts = counts.map(|(word, n)| (word.to_lowercase(), Value::from(n)));
                Value::Object(counts.collect::<Map<_, _>>())
            }
        }
    };
}

summary!(
    /// Devices by state.
    DeviceSummary ["WAITING", "BUSY", "SUSPENDED", "DEVERROR", "OFFLINE", "PROCERROR"]
);
summary!(
    /// Print processes by state. One that died and was not started again yet is in error.
    ProcessSummary ["ACTIVE", "DORMANT", "ERROR", "DRAIN"]
);
summary!(
    /// Collectors by state.
    CollectorSummary ["ACTIVE", "DORMANT", "DRAIN", "ERROR"]
);
summary!(
    /// Jobs by state. TRANSFER is ours: delivered, and not released yet.
    JobCounts ["PRINTING", "READY", "OPEN", "HOLD", "TRANSFER"]
);

impl DeviceSummary {
    /// Shows what the spool has counted.
    pub fn of(counted: &DeviceCounts) -> Self {
        let DeviceCounts { waiting, busy, suspended, in_error, offline, process_error } = *counted;
        Self([waiting, busy, suspended, in_error, offline, process_error])
    }
}

impl ProcessSummary {
    /// Counts one more.
    pub fn add(&mut self, process: &ProcessStatus) {
        let at = match process.state {
            ProcessState::Active => 0,
            ProcessState::Dormant => 1,
            ProcessState::Dead | ProcessState::Error => 2,
        };
        self.0[at] += 1;
    }
}

impl CollectorSummary {
    /// Counts one more.
    pub fn add(&mut self, collector: &CollectorStatus) {
        let at = match collector.state {
            CollectorState::Active => 0,
            CollectorState::Dormant => 1,
            CollectorState::Drain => 2,
            CollectorState::Error(_) => 3,
        };
        self.0[at] += 1;
    }
}

impl JobCounts {
    /// Shows what the spool has counted.
    pub fn of(counted: &JobSummary) -> Self {
        Self([counted.printing, counted.ready, counted.open, counted.hold, counted.transferred])
    }
}
