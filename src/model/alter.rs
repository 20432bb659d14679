//! Changes of a job, as values that travel between programs.

use serde::{Deserialize, Serialize};

use super::field::{Field, Value};
use super::job::{Format, GivenValue, Origin, Submission};
use super::lifetime::Retention;
use super::names::LocationPattern;
use super::order::Priority;
use super::state::JobState;

/// The new owner of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewOwner {
    /// A login name, which must exist.
    Name(String),
    /// A user id, which need not be defined; its group is that user's own.
    Uid(u32),
    /// A group and a user id, neither of which need be defined.
    Ids {
        /// The group.
        gid: u32,
        /// The user.
        uid: u32,
    },
}

/// One change of a job. A value of none restores the default, which the job has when its submitter says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobChange {
    /// `job-name`, REPORT; by default the name of the first document.
    Name(Option<String>),
    /// Form name; by default blank.
    Form(Option<String>),
    /// Copies, by default 1.
    Copies {
        /// Of this document, from 1; none = of every document.
        document: Option<u32>,
        /// How many.
        copies: Option<u32>,
    },
    /// What a document is; by default what its location says, or what it was recognised as.
    Format {
        /// Of this document, from 1; none = of every document.
        document: Option<u32>,
        /// What.
        format: Option<Format>,
    },
    /// Priority, by default 50.
    Priority(Option<Priority>),
    /// Whether it is kept after printing; by default it is not.
    HoldAfter(Option<bool>),
    /// How long it stays when it has ended; by default it is gone then.
    Retention {
        /// Which of the three attributes says it. One that gives a value takes the value of the two others away.
        field: Field,
        /// What it says.
        value: Option<Retention>,
    },
    /// When it ends in any case, milliseconds since 1970; by default never.
    Discard(Option<i64>),
    /// Before this it does not print, milliseconds since 1970; by default it may at once.
    PrintAfter(Option<i64>),
    /// Where it is sent.
    Destination {
        /// The location or group.
        to: LocationPattern,
        /// Whether an unknown location is declared, as the NonStop language does.
        declare: bool,
    },
    /// Its owner.
    Owner(NewOwner),
    /// Whether it is held by wish; by default it is not.
    Hold(Option<bool>),
    /// Why, in words, for its history.
    Message(String),
    /// An attribute that is only carried; by default it has no value.
    Carried {
        /// The attribute.
        field: Field,
        /// Where it belongs to documents: of this one, from 1; none = of every document.
        document: Option<u32>,
        /// Its value.
        value: Option<Value>,
    },
}

impl JobChange {
    /// Returns the attribute that the change sets, with its value, or without one where the default returns; none for a
    /// change that sets no attribute.
    pub fn given(&self) -> Option<(Field, Option<Value>)> {
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        Some(match self {
            Self::Name(name) => (Field::JobName, text(name)),
            Self::Form(form) => (Field::Form, text(form)),
            Self::Copies { copies, .. } => (Field::CopyCount, copies.map(|n| Value::Integer(n.into()))),
            Self::Format { format, .. } => {
                (Field::DocumentFormat, format.map(|format| Value::Text(format.keyword().to_owned())))
            }
            Self::Priority(priority) => (Field::JobPriority, priority.map(|p| Value::Integer(p.get().into()))),
            Self::HoldAfter(on) => (Field::HoldAfter, on.map(Value::Boolean)),
            Self::Hold(on) => (Field::JobHold, on.map(Value::Boolean)),
            Self::Carried { field, value, .. } => (*field, value.clone()),
            Self::Retention { field, value } => (*field, value.map(Retention::value)),
            Self::Discard(at) => (Field::JobDiscardTime, at.map(Value::Time)),
            Self::PrintAfter(at) => (Field::JobPrintAfter, at.map(Value::Time)),
            Self::Destination { .. } | Self::Owner(_) | Self::Message(_) => return None,
        })
    }

    /// The attributes whose values it takes away because they say the opposite.
    pub fn clears(&self) -> impl Iterator<Item = Field> {
        let given = match self {
            Self::Retention { field, value: Some(_) } => Some(*field),
            _ => None,
        };
        Retention::FIELDS.into_iter().filter(move |field| given.is_some_and(|given| given != *field))
    }

    /// What becomes of `retention`.
    pub fn retention(&self, retention: Option<Retention>) -> Option<Retention> {
        match self {
            Self::Retention { value: Some(value), .. } => Some(*value),
            // The default of one attribute is no word about the other two.
            Self::Retention { field, value: None } => retention.filter(|known| known.field() != *field),
            _ => retention,
        }
    }

    /// The one document that it names.
    pub fn document(&self) -> Option<u32> {
        match self {
            Self::Copies { document, .. } | Self::Format { document, .. } | Self::Carried { document, .. } => *document,
            _ => None,
        }
    }
}

impl Submission {
    /// Makes the job that is handed in what `change` would make of it later, and remembers what was given. Of a value that
    /// is given several times the last one counts.
    pub fn take(&mut self, change: &JobChange) {
        match change {
            JobChange::Name(name) => self.name = name.clone().unwrap_or_default(),
            JobChange::Form(form) => self.form = form.clone().unwrap_or_default(),
            JobChange::Priority(priority) => self.priority = priority.unwrap_or_default(),
            JobChange::Hold(on) => self.hold = on.unwrap_or(false),
            JobChange::HoldAfter(on) => self.hold_after = on.unwrap_or(false),
            JobChange::Copies { document, copies } => {
                for (n, offer) in (1..).zip(&mut self.documents) {
                    if document.is_none_or(|wanted| wanted == n) {
                        offer.copies = copies.unwrap_or(1);
                    }
                }
            }
            JobChange::Format { document, format } => {
                for (n, offer) in (1..).zip(&mut self.documents) {
                    if document.is_none_or(|wanted| wanted == n) {
                        offer.format = *format;
                    }
                }
            }
            JobChange::Retention { .. } => {
                self.lifetime.retention = change.retention(self.lifetime.retention);
            }
            JobChange::Discard(at) => self.lifetime.discard_ms = *at,
            JobChange::PrintAfter(at) => self.lifetime.print_after_ms = *at,
            // What is carried is only given; the others do not belong to a job that is not there yet.
            JobChange::Carried { .. } | JobChange::Destination { .. } | JobChange::Owner(_) | JobChange::Message(_) => {
            }
        }
        for field in change.clears() {
            self.given.retain(|given| given.field != field);
        }
        let Some((field, value)) = change.given() else { return };
        let document = change.document().unwrap_or(0);
        self.given.retain(|given| (given.document, given.field) != (document, field));
        self.given.extend(value.map(|value| GivenValue { document, field, value, origin: Origin::User }));
    }
}

/// The changes that a job takes in a state. Each language has a stricter table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Anything.
    Anything,
    /// HOLDAFTER, or only a hold, which stops it.
    HoldOrHoldAfter,
    /// HOLDAFTER only.
    HoldAfter,
}

const TAKES: [(JobState, Takes); 8] = [
    (JobState::Open, Takes::HoldOrHoldAfter),
    (JobState::Ready, Takes::Anything),
    (JobState::Held, Takes::Anything),
    (JobState::Printing, Takes::HoldOrHoldAfter),
    (JobState::Transferred, Takes::HoldOrHoldAfter),
    (JobState::Paused, Takes::Anything),
    (JobState::Retained, Takes::Anything),
    (JobState::Terminating, Takes::HoldAfter),
];

impl JobState {
    /// Tells whether a job in this state takes these changes. A job on a device belongs to its attempt, so it takes
    /// only changes that do not touch the attempt, or that end it.
    pub fn takes(self, changes: &[JobChange]) -> bool {
        let real = || changes.iter().filter(|change| !matches!(change, JobChange::Message(_)));
        let only_after = real().all(|change| matches!(change, JobChange::HoldAfter(_)));
        let only_hold = real().all(|change| *change == JobChange::Hold(Some(true)));
        match TAKES.iter().find(|row| row.0 == self).map(|row| row.1) {
            Some(Takes::Anything) => true,
            Some(Takes::HoldOrHoldAfter) => only_after || only_hold,
            Some(Takes::HoldAfter) => only_after,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_arrives_or_is_on_a_device_takes_a_hold_alone_or_a_hold_afterwards() {
        let hold = || JobChange::Hold(Some(true));
        let after = || JobChange::HoldAfter(Some(true));
        let why = || JobChange::Message("why".into());
        let cases: [(&[JobChange], bool, bool); 6] = [
            (&[hold()], true, false),
            (&[hold(), why()], true, false),
            (&[hold(), after()], false, false),
            (&[after()], true, true),
            (&[JobChange::Hold(Some(false))], false, false),
            (&[JobChange::Form(None), hold()], false, false),
        ];
        for (changes, printing, terminating) in cases {
            assert_eq!(JobState::Printing.takes(changes), printing, "{changes:?}");
            assert_eq!(JobState::Terminating.takes(changes), terminating, "{changes:?}");
            assert_eq!(JobState::Open.takes(changes), printing, "{changes:?}");
            for state in [JobState::Ready, JobState::Held, JobState::Paused, JobState::Retained] {
                assert!(state.takes(changes), "{state:?} {changes:?}");
            }
        }
    }
}
