//! How long a job lives: when it may print, how long it stays when it has ended, and how it ended
//! (docs/reference/infoprint.md 7).
//!
//! A job that is printed or cancelled is gone, unless a retention keeps it. There is one of three: for a time, until a
//! point in time, or for ever. A discard time ends any job, at the earlier of both.

use serde::{Deserialize, Serialize};

use super::field::{Field, Value};
use super::state::{Delivery, JobState};
use super::time::SpoolTime;

/// How long an ended job stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retention {
    /// So many minutes after it has ended; 0 = not at all.
    Period(u32),
    /// Until this point in time, milliseconds since 1970.
    Until(i64),
    /// Until somebody removes it.
    Forever,
}

impl Retention {
    /// The attributes that give one. They exclude each other.
    pub const FIELDS: [Field; 3] = [Field::JobRetentionPeriod, Field::JobRetainUntil, Field::RetainForever];

    /// The attribute that gives it.
    pub fn field(self) -> Field {
        match self {
            Self::Period(_) => Field::JobRetentionPeriod,
            Self::Until(_) => Field::JobRetainUntil,
            Self::Forever => Field::RetainForever,
        }
    }

    /// What `value` of the attribute `field` means; none for one that gives none.
    pub fn of(field: Field, value: &Value) -> Option<Self> {
        match (field, value) {
            (Field::JobRetentionPeriod, Value::Integer(minutes)) => u32::try_from(*minutes).ok().map(Self::Period),
            (Field::JobRetainUntil, Value::Time(ms)) => Some(Self::Until(*ms)),
            (Field::RetainForever, Value::Boolean(true)) => Some(Self::Forever),
            _ => None,
        }
    }

    /// The value of its attribute.
    pub fn value(self) -> Value {
        match self {
            Self::Period(minutes) => Value::Integer(minutes.into()),
            Self::Until(ms) => Value::Time(ms),
            Self::Forever => Value::Boolean(true),
        }
    }

    /// Returns the form in which it is stored.
    pub fn stored(self) -> String {
        match self {
            Self::Period(minutes) => format!("period {minutes}"),
            Self::Until(ms) => format!("until {ms}"),
            Self::Forever => "forever".to_owned(),
        }
    }

    /// Reads the stored form.
    pub fn from_stored(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("period", minutes)) => minutes.parse().ok().map(Self::Period),
            Some(("until", ms)) => ms.parse().ok().map(Self::Until),
            None if text == "forever" => Some(Self::Forever),
            _ => None,
        }
    }
}

/// How a job ended that is kept, or how it is to end while a device still has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Its device said that it is on paper.
    CompletedSuccessfully,
    /// Its device took every octet; nobody knows more.
    Completed,
    /// Its owner cancelled it.
    CancelledByUser,
    /// An operator cancelled it.
    CancelledByOperator,
    /// It was handed in only to be kept.
    Kept,
    /// It failed, and its queue keeps no job that failed.
    Aborted,
}

/// Every ending, with its stored number and its word among the `job-state-reasons`.
const ENDINGS: [(Ending, i64, Option<&str>); 6] = [
    (Ending::CompletedSuccessfully, 1, Some("completed-successfully")),
    (Ending::Completed, 2, Some("completed")),
    (Ending::CancelledByUser, 3, Some("cancelled-by-user")),
    (Ending::CancelledByOperator, 4, Some("cancelled-by-operator")),
    (Ending::Kept, 5, None),
    // Its word is one of HoldReason, too.
    (Ending::Aborted, 6, Some("aborted-by-system")),
];

impl Ending {
    /// Every word of [`Ending::keyword`].
    ///
    /// Without that of a job that was aborted, which one of [`HoldReason`](super::state::HoldReason) has, too.
    pub const KEYWORDS: [&'static str; 4] =
        ["completed-successfully", "completed", "cancelled-by-user", "cancelled-by-operator"];

    fn row(self) -> &'static (Self, i64, Option<&'static str>) {
        ENDINGS.iter().find(|row| row.0 == self).unwrap_or(&ENDINGS[1])
    }

    /// Its value of `job-state-reasons`.
    pub fn keyword(self) -> Option<&'static str> {
        self.row().2
    }

    /// Returns its stored number; 0 stands for no ending.
    pub fn stored(ending: Option<Self>) -> i64 {
        ending.map_or(0, |ending| ending.row().1)
    }

    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Result<Option<Self>, String> {
        match ENDINGS.iter().find(|row| row.1 == n) {
            _ if n == 0 => Ok(None),
            Some(row) => Ok(Some(row.0)),
            None => Err(format!("{n} is no ending of a job")),
        }
    }

    /// The ending of a job that was printed, as far as that is known.
    pub fn of_delivery(outcome: &str) -> Self {
        if outcome == Delivery::Confirmed.word() { Self::CompletedSuccessfully } else { Self::Completed }
    }

    /// Whether the job was cancelled.
    pub fn is_cancelled(self) -> bool {
        matches!(self, Self::CancelledByUser | Self::CancelledByOperator)
    }
}

/// What was decided about the life of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// How long it stays when it has ended; none = not at all.
    pub retention: Option<Retention>,
    /// When it ends, whatever has become of it by then.
    pub discard_ms: Option<i64>,
    /// Before this it does not print.
    pub print_after_ms: Option<i64>,
    /// How it ended, or is to end.
    pub ending: Option<Ending>,
    /// The state before the present one, where it is on record.
    pub previous: Option<JobState>,
}

/// Until when an ended job is kept. Neither moment = until somebody removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptUntil {
    /// A moment of spool time, which no jump of the clock moves.
    pub spool: Option<SpoolTime>,
    /// A moment of the wall clock.
    pub wall_ms: Option<i64>,
}

impl Lifetime {
    /// Returns until when the job is kept that ended at `ended`; none when it is gone with its end. `now_ms` is the wall clock.
    pub fn kept_until(&self, ended: SpoolTime, now_ms: i64) -> Option<KeptUntil> {
        if self.discard_ms.is_some_and(|at| at <= now_ms) {
            return None;
        }
        let (spool, until) = match self.retention? {
            Retention::Period(0) => return None,
            Retention::Period(minutes) => (Some(SpoolTime(ended.0.saturating_add(i64::from(minutes) * 60_000))), None),
            Retention::Until(ms) if ms <= now_ms => return None,
            Retention::Until(ms) => (None, Some(ms)),
            Retention::Forever => (None, None),
        };
        let wall_ms = [until, self.discard_ms].into_iter().flatten().min();
        Some(KeptUntil { spool, wall_ms })
    }

    /// Refuses moments that have passed: nothing would come of them, or not what was meant.
    ///
    /// # Errors
    /// Names the attribute.
    pub fn check(&self, now_ms: i64) -> Result<(), String> {
        let until = match self.retention {
            Some(Retention::Until(ms)) => Some(ms),
            _ => None,
        };
        let moments = [
            (Field::JobPrintAfter, self.print_after_ms),
            (Field::JobDiscardTime, self.discard_ms),
            (Field::JobRetainUntil, until),
        ];
        match moments.iter().find(|one| one.1.is_some_and(|at| at <= now_ms)) {
            Some((field, _)) => Err(format!("{}: that time has passed", field.stored())),
            None => Ok(()),
        }
    }
}

/// What is known of a job that has ended and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it ended, wall clock.
    pub at_ms: i64,
    /// When the last of it began to print.
    pub started_ms: Option<i64>,
    /// How, in the word of the history: `transferred`, `sent`, `confirmed`, `cancelled`; `kept` = it was never to be printed.
    pub outcome: String,
    /// The device that printed the last of it.
    pub device: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        for retention in [Retention::Period(60), Retention::Until(-5), Retention::Forever] {
            assert_eq!(Retention::from_stored(&retention.stored()), Some(retention));
            assert_eq!(Retention::of(retention.field(), &retention.value()), Some(retention));
        }
        for bad in ["", "period", "period x", "until", "forever 1"] {
            assert_eq!(Retention::from_stored(bad), None, "{bad}");
        }
        for (ending, n, word) in ENDINGS {
            assert_eq!((Ending::from_stored(n), ending.keyword()), (Ok(Some(ending)), word));
            assert!(word.is_none_or(|word| Ending::KEYWORDS.contains(&word) || ending == Ending::Aborted));
        }
        assert_eq!(Ending::from_stored(0), Ok(None));
        assert!(Ending::from_stored(99).is_err());
    }

    #[test]
    fn the_earlier_of_retention_and_discard_ends_a_job() {
        let kept = |retention, discard_ms| {
            let lifetime = Lifetime { retention, discard_ms, ..Lifetime::default() };
            lifetime.kept_until(SpoolTime(1_000), 5_000).map(|until| (until.spool.map(|at| at.0), until.wall_ms))
        };
        assert_eq!(kept(None, None), None);
        assert_eq!(kept(None, Some(9_000)), None);
        assert_eq!(kept(Some(Retention::Period(0)), None), None);
        assert_eq!(kept(Some(Retention::Period(2)), None), Some((Some(121_000), None)));
        assert_eq!(kept(Some(Retention::Period(2)), Some(9_000)), Some((Some(121_000), Some(9_000))));
        assert_eq!(kept(Some(Retention::Until(8_000)), Some(9_000)), Some((None, Some(8_000))));
        assert_eq!(kept(Some(Retention::Until(5_000)), None), None);
        assert_eq!(kept(Some(Retention::Forever), Some(9_000)), Some((None, Some(9_000))));
        assert_eq!(kept(Some(Retention::Forever), Some(5_000)), None);
        assert_eq!(kept(Some(Retention::Forever), None), Some((None, None)));
    }
}
