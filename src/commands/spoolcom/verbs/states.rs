//! The states of a device or job that allow a subcommand: the tables of the manual (docs/reference/spoolcom.md 4), as
//! data.
//!
//! Verbs consult them before an operation, to refuse it in clear words. Is that enough? No: the spool checks again what
//! must hold at the moment of the change.

use crate::model::state::{DeviceState, JobState};

use crate::commands::spoolcom::language::keywords::Key;

/// Whoever repeats START or DRAIN gets what he asked for, so they are allowed in every state (ours).
///
/// The columns are Offline, Busy, Waiting, Suspended, Deverror and Procerror. All attributes share one row.
const DEVICE: &[(Key, &str)] = &[
    (Key::Align, "--xxx-"),
    (Key::Clear, "-x-xx-"),
    (Key::Delete, "x-----"),
    (Key::Drain, "xxxxxx"),
    (Key::Job, "xxxxxx"),
    (Key::Log, "xxxxxx"),
    (Key::Skip, "-x-xx-"),
    (Key::SkipTo, "-x-xx-"),
    (Key::Start, "xxxxxx"),
    (Key::Status, "xxxxxx"),
    (Key::Summary, "xxxxxx"),
    (Key::Suspend, "-x-xx-"),
    (Key::Xref, "xxxxxx"),
];

/// The row that all attributes of a device share.
const DEVICE_ATTRIBUTE: &str = "x-----";

/// The columns are Hold, Print, Ready, Open, Wait (which does not occur here), and one of ours: Print, but being
/// removed.
const JOB: &[(Key, &str)] = &[
    (Key::Copies, "x-----"),
    (Key::Form, "x-----"),
    (Key::Loc, "x-----"),
    (Key::Owner, "x-----"),
    (Key::Report, "x-----"),
    (Key::SelPri, "x-----"),
    (Key::Start, "x-----"),
    (Key::Delete, "xxx-xx"),
    (Key::Hold, "xxx-x-"),
    (Key::HoldAfter, "xxxxxx"),
    (Key::Log, "xxxxxx"),
    (Key::Status, "xxxxxx"),
    (Key::Summary, "xxxxxx"),
    (Key::Why, "xxxxxx"),
];

fn cell(row: &str, column: usize) -> bool {
    row.as_bytes().get(column) == Some(&b'x')
}

/// Tells whether `key` is allowed for a device in `state`.
pub fn device_allows(key: Key, state: &DeviceState) -> bool {
    let row = DEVICE.iter().find(|row| row.0 == key).map_or(DEVICE_ATTRIBUTE, |row| row.1);
    let column = match state {
        DeviceState::Offline => 0,
        DeviceState::Printing(_) => 1,
        DeviceState::Waiting => 2,
        DeviceState::Suspended => 3,
        DeviceState::DevError(_) => 4,
        DeviceState::ProcError => 5,
    };
    cell(row, column)
}

/// Tells whether `key` is allowed for a job in `state`.
pub fn job_allows(key: Key, state: JobState) -> bool {
    let row = JOB.iter().find(|row| row.0 == key).map_or("", |row| row.1);
    let column = match state {
        JobState::Held | JobState::Paused | JobState::Retained => 0,
        JobState::Printing | JobState::Transferred => 1,
        JobState::Ready => 2,
        JobState::Open => 3,
        JobState::Terminating => 5,
    };
    cell(row, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::spoolcom::language::keywords::Verb;
    use crate::model::JobNumber;

    #[test]
    fn every_row_has_every_column() {
        assert!(DEVICE.iter().all(|row| row.1.len() == 6) && JOB.iter().all(|row| row.1.len() == 6));
    }

    #[test]
    fn attributes_of_a_device_change_only_while_it_is_offline() {
        let number = JobNumber::new(1).unwrap();
        let states = [
            DeviceState::Offline,
            DeviceState::Printing(number),
            DeviceState::Waiting,
            DeviceState::Suspended,
            DeviceState::DevError(100),
            DeviceState::ProcError,
        ];
        for row in Verb::Dev.grammar().rows.iter().filter(|row| !DEVICE.iter().any(|other| other.0 == row.key)) {
            for state in &states {
                assert_eq!(device_allows(row.key, state), *state == DeviceState::Offline, "{:?} {state:?}", row.key);
            }
        }
    }
}
