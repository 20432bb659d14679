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
    (Key::Access, "xxxxxx"),
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
    (Key::WhatIf, "xxxxxx"),
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
    (Key::Current, "xxxxxx"),
    (Key::Delete, "xxx-xx"),
    (Key::Hold, "xxx-x-"),
    (Key::HoldAfter, "xxxxxx"),
    (Key::Log, "xxxxxx"),
    (Key::Next, "xxxxxx"),
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
        DeviceState::Printing(_) | DeviceState::Aligning => 1,
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

    /// The tables of the manual (docs/reference/spoolcom.md 4), cell by cell; START and DRAIN in every state are ours.
    #[test]
    fn every_cell_of_the_device_table_is_what_the_manual_says() {
        let states = states_of_devices();
        let allowed =
            |key| states.iter().map(|state| if device_allows(key, state) { 'x' } else { '-' }).collect::<String>();
        let table = [
            (Key::Suspend, "-x-xx-"),
            (Key::Xref, "xxxxxx"),
            (Key::Status, "xxxxxx"),
            (Key::Summary, "xxxxxx"),
            (Key::Delete, "x-----"),
            (Key::Start, "xxxxxx"),
            (Key::Drain, "xxxxxx"),
            (Key::Clear, "-x-xx-"),
            (Key::Skip, "-x-xx-"),
            (Key::SkipTo, "-x-xx-"),
            (Key::Align, "--xxx-"),
            (Key::Job, "xxxxxx"),
        ];
        for (key, cells) in table {
            assert_eq!(allowed(key), cells, "{key:?}");
        }
        let attributes = [
            Key::Timeout,
            Key::Trunc,
            Key::Width,
            Key::Charmap,
            Key::DevReset,
            Key::DevType,
            Key::EndFf,
            Key::Exclusive,
            Key::Fifo,
            Key::Form,
            Key::Header,
            Key::LuEolValue,
            Key::LuEolWhen,
            Key::LuTofValue,
            Key::Parm,
            Key::Prexlate,
            Key::Process,
            Key::Restart,
            Key::Retry,
            Key::Speed,
            Key::StartFf,
        ];
        for key in attributes {
            assert_eq!(allowed(key), "x-----", "{key:?}");
        }
        // Every subcommand of the manual was looked at, and every one that there is has a row.
        assert_eq!(table.len() + attributes.len(), 33);
        for row in Verb::Dev.grammar().rows {
            let ours = [
                Key::Access,
                Key::Attempts,
                Key::Content,
                Key::Delivery,
                Key::Eol,
                Key::Log,
                Key::PageLength,
                Key::Transform,
                Key::Uri,
                Key::WhatIf,
            ];
            let known = table.iter().any(|one| one.0 == row.key) || attributes.contains(&row.key);
            assert!(known || ours.contains(&row.key), "{:?}", row.key);
        }
    }

    #[test]
    fn every_cell_of_the_job_table_is_what_the_manual_says() {
        use JobState as S;
        // Hold, Print, Ready, Open. A job never waits for a place in a queue.
        let states = [S::Held, S::Printing, S::Ready, S::Open];
        let cells = |key, states: &[S]| -> String {
            states.iter().map(|state| if job_allows(key, *state) { 'x' } else { '-' }).collect()
        };
        let table = [
            (&[Key::Copies, Key::Form, Key::Loc, Key::Owner, Key::Report, Key::SelPri, Key::Start][..], "x---"),
            (&[Key::Delete, Key::Hold], "xxx-"),
            (&[Key::HoldAfter, Key::Status], "xxxx"),
        ];
        for (key, expected) in table.iter().flat_map(|(keys, cells)| keys.iter().map(move |key| (*key, *cells))) {
            assert_eq!(cells(key, &states), expected, "{key:?}");
            // What this system has more of counts as what the manual would call it.
            assert_eq!(cells(key, &[S::Paused, S::Retained]), expected[..1].repeat(2), "{key:?}");
            assert_eq!(cells(key, &[S::Transferred]), expected[1..2], "{key:?}");
        }
        assert_eq!(table.iter().map(|row| row.0.len()).sum::<usize>(), 11);
        assert!(!job_allows(Key::Hold, S::Terminating) && job_allows(Key::Delete, S::Terminating));
    }

    fn states_of_devices() -> [DeviceState; 6] {
        [
            DeviceState::Offline,
            DeviceState::Printing(JobNumber::new(1).unwrap()),
            DeviceState::Waiting,
            DeviceState::Suspended,
            DeviceState::DevError(100),
            DeviceState::ProcError,
        ]
    }

    #[test]
    fn attributes_of_a_device_change_only_while_it_is_offline() {
        let states = states_of_devices();
        for row in Verb::Dev.grammar().rows.iter().filter(|row| !DEVICE.iter().any(|other| other.0 == row.key)) {
            for state in &states {
                assert_eq!(device_allows(row.key, state), *state == DeviceState::Offline, "{:?} {state:?}", row.key);
            }
        }
    }
}
