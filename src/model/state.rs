//! States. They are derived each time and never stored: the state of a job follows from its wish, its holds and its
//! entries; the state of a device follows from what the operator wants, what its print process last observed, and
//! whether that process lives. So a crash leaves no wrong state.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::JobNumber;

/// The reasons why a job is held. It may have several at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldReasons(pub u32);

/// One reason for a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldReason {
    /// An operator or the owner said HOLD.
    Operator,
    /// It must not print before a given time.
    PrintAfter,
    /// Something that it needs is missing.
    Resources,
    /// It waits for its owner at a release station.
    SecureRelease,
    /// The document could not be printed.
    Failed,
    /// A linked document is another file now.
    Changed,
    /// A copied document is damaged.
    Corrupt,
    /// The program that wrote it ended before the job did.
    WriterDied,
    /// The database was restored from a backup: the job may have been printed since.
    Restored,
    /// Its connection was cut or reset after it was delivered: it may have printed, and nobody knows.
    MayHavePrinted,
    /// Its device has failed at it too often.
    SetAside,
    /// Its print file lies at another server, which does not give it.
    Unreachable,
    /// No destination supports what it asks for.
    Unsupported,
}

/// Every reason with its bit, its InfoPrint keyword, and its words.
const REASONS: [(HoldReason, u32, &str, &str); 13] = [
    (HoldReason::Operator, 1, "job-hold-set", "held by its owner or an operator"),
    (HoldReason::PrintAfter, 2, "job-print-after-specified", "waits for its print-after time"),
    (HoldReason::Resources, 4, "required-resource-not-ready", "needs something that is not ready"),
    (HoldReason::SecureRelease, 8, "pull-print", "waits for release at a station"),
    (HoldReason::Failed, 16, "document-failed", "its document could not be printed"),
    (HoldReason::Changed, 32, "document-changed", "its linked document is another file now"),
    (HoldReason::Corrupt, 64, "document-corrupt", "its document is damaged"),
    (HoldReason::WriterDied, 128, "aborted-by-system", "its writer ended before the job was complete"),
    (HoldReason::Restored, 256, "job-restored", "the spool was restored from a backup; it may have been printed since"),
    (
        HoldReason::MayHavePrinted,
        512,
        "job-may-have-printed",
        "it may have printed: its connection ended before that was known",
    ),
    (HoldReason::SetAside, 1024, "too-many-attempts", "its device failed at it too often"),
    (
        HoldReason::Unreachable,
        2048,
        "print-file-unreachable",
        "its print file lies at another server, which does not give it",
    ),
    (
        HoldReason::Unsupported,
        4096,
        "required-resources-not-supported",
        "asks for something that its destination does not support",
    ),
];

impl HoldReason {
    fn row(self) -> &'static (HoldReason, u32, &'static str, &'static str) {
        REASONS.iter().find(|row| row.0 == self).unwrap_or(&REASONS[0])
    }
    /// Returns its value of `job-state-reasons`.
    pub fn keyword(self) -> &'static str {
        self.row().2
    }
    /// Finds the reason with this keyword.
    pub fn from_keyword(keyword: &str) -> Option<Self> {
        REASONS.iter().find(|row| row.2 == keyword).map(|row| row.0)
    }
    /// Returns what it means, as the end of the sentence "the job is held: …".
    pub fn words(self) -> &'static str {
        self.row().3
    }
}

impl HoldReasons {
    /// No reason: the job is not held.
    pub const NONE: Self = Self(0);
    /// What START clears: operator, failed, changed, restored, print-after, may have printed, set aside, a print file out of
    /// reach, and what is not supported. Never secure release, resources, damage or a dead writer.
    pub const CLEARED_BY_START: Self = Self(1 | 2 | 16 | 32 | 256 | 512 | 1024 | 2048 | 4096);

    /// What a person has to look at: its document failed, changed, is damaged or cannot be had, its writer died, it may have
    /// printed, it was set aside, or something that it needs is missing or not supported. Never what somebody meant: a hold, a print-after time,
    /// a secure release.
    pub const ATTENTION: Self = Self(4 | 16 | 32 | 64 | 128 | 256 | 512 | 1024 | 2048 | 4096);

    /// Tells whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// Returns the set with `reason` added.
    #[must_use]
    pub fn with(self, reason: HoldReason) -> Self {
        Self(self.0 | reason.row().1)
    }
    /// Returns the set without the reasons of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// Tells whether `reason` is in the set.
    pub fn has(self, reason: HoldReason) -> bool {
        self.0 & reason.row().1 != 0
    }
    /// Returns the reasons in the set, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = HoldReason> {
        REASONS.iter().filter(move |row| self.0 & row.1 != 0).map(|row| row.0)
    }
}

/// The state of the whole spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpoolerState {
    /// Never started: it is being declared, and takes no jobs.
    Cold = 0,
    /// Drained, and not started again.
    Warm = 1,
    /// Fully working.
    Active = 2,
    /// An orderly stop is in progress.
    Drain = 3,
}

impl SpoolerState {
    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Cold, Self::Warm, Self::Active, Self::Drain].into_iter().find(|state| *state as i64 == n)
    }
    /// Tells whether it takes jobs: only a spooler that prints does.
    pub fn accepts(self) -> bool {
        self == Self::Active
    }
    /// Says why it takes no jobs, in the words that `pdpr` and WHY share; none while it takes them.
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Cold => Some("the spooler is COLD: it was never started, and takes no jobs"),
            Self::Warm => Some("the spooler is WARM: it was drained, and takes no jobs"),
            Self::Drain => Some("the spooler is in DRAIN: it finishes what prints, and takes no jobs"),
        }
    }
    /// Returns the word of SPOOLER STATUS.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cold => "COLD",
            Self::Warm => "WARM",
            Self::Active => "ACTIVE",
            Self::Drain => "DRAIN",
        }
    }
}

/// What the operator or the owner wants of a job. Holds are separate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Print it when nothing holds it.
    Run,
    /// Keep it back until resumed (InfoPrint's pause).
    Pause,
    /// Remove it.
    Cancel,
}

impl Wish {
    /// Returns its stored number.
    pub fn stored(self) -> i64 {
        match self {
            Self::Run => 0,
            Self::Pause => 1,
            Self::Cancel => 2,
        }
    }
    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Run, Self::Pause, Self::Cancel].into_iter().find(|wish| wish.stored() == n)
    }
}

/// What a queue entry is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryState {
    /// It waits to be claimed.
    Queued = 0,
    /// It belongs to the running attempt of a device.
    Claimed = 1,
    /// The peer's TCP has every octet; the connection is still open.
    Transferred = 2,
    /// It is printed, as far as the transport can tell.
    Done = 3,
    /// It is out of the queues, because its job is held, paused or cancelled.
    Withdrawn = 4,
    /// Another server has it, or is being offered it.
    Away = 5,
}

impl EntryState {
    /// Tells whether a device or another server has it: its job cannot simply go.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Claimed | Self::Transferred | Self::Away)
    }

    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Queued, Self::Claimed, Self::Transferred, Self::Done, Self::Withdrawn, Self::Away]
            .into_iter()
            .find(|state| *state as i64 == n)
    }
}

/// The facts from which a job's state follows.
#[derive(Clone, Copy, Debug)]
pub struct JobFacts {
    /// Whether data is still arriving.
    pub arriving: bool,
    /// What is wanted.
    pub wish: Wish,
    /// What holds it.
    pub reasons: HoldReasons,
    /// Whether it is kept after printing or cancelling.
    pub retained: bool,
    /// Entries in state Claimed.
    pub claimed: u32,
    /// Entries in state Transferred.
    pub transferred: u32,
}

/// A job's state (docs/reference/spooler.md 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobState {
    /// Still arriving.
    Open,
    /// Waits for a device.
    Ready,
    /// Held, for reasons.
    Held,
    /// On a device.
    Printing,
    /// Delivered: its printer has every octet, and the connection has not closed yet.
    Transferred,
    /// Paused.
    Paused,
    /// Printed or cancelled, but kept.
    Retained,
    /// Cancelled while printing; its attempt has not ended yet.
    Terminating,
}

impl JobState {
    /// Returns the state that follows from `facts`.
    pub fn of(facts: &JobFacts) -> Self {
        let busy = facts.claimed > 0 || facts.transferred > 0;
        match facts {
            JobFacts { arriving: true, .. } => Self::Open,
            JobFacts { wish: Wish::Cancel, .. } if busy => Self::Terminating,
            _ if facts.claimed > 0 => Self::Printing,
            _ if busy => Self::Transferred,
            JobFacts { retained: true, .. } => Self::Retained,
            JobFacts { wish: Wish::Cancel, .. } => Self::Terminating,
            JobFacts { wish: Wish::Pause, .. } => Self::Paused,
            JobFacts { reasons, .. } if !reasons.is_empty() => Self::Held,
            _ => Self::Ready,
        }
    }

    /// Tells whether a device has it: it prints, or it is delivered over a connection that is still open.
    pub fn is_on_device(self) -> bool {
        matches!(self, Self::Printing | Self::Transferred)
    }

    /// Returns the word of SPOOLCOM's `ST` column.
    pub fn st(self) -> &'static str {
        match self {
            Self::Open => "OP",
            Self::Ready => "RD",
            Self::Printing | Self::Terminating => "PR",
            Self::Transferred => "TR",
            Self::Held | Self::Paused | Self::Retained => "HL",
        }
    }

    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Ready,
        Self::Held,
        Self::Printing,
        Self::Paused,
        Self::Retained,
        Self::Terminating,
        Self::Transferred,
    ];

    /// Finds it by its value of `current-job-state`; the first one where two have the same.
    pub fn from_infoprint(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.infoprint() == word)
    }

    /// Returns InfoPrint's `current-job-state`.
    pub fn infoprint(self) -> &'static str {
        match self {
            Self::Open => "pre-processing",
            Self::Ready => "pending",
            Self::Held => "held",
            Self::Printing => "processing",
            Self::Paused => "paused",
            Self::Retained => "retained",
            // The printer has it: it is not printing any more as far as we can tell, and nobody can stop it.
            Self::Terminating | Self::Transferred => "terminating",
        }
    }
}

/// What the operator wants of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceWish {
    /// Take no jobs.
    Stopped = 0,
    /// Print.
    Started = 1,
    /// Finish the running job, then stop.
    Draining = 2,
    /// Stop the running job where it is.
    Suspended = 3,
}

impl DeviceWish {
    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Stopped, Self::Started, Self::Draining, Self::Suspended].into_iter().find(|wish| *wish as i64 == n)
    }
}

/// An error of a device or of a print process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNote {
    /// The Guardian number, decimal; displays show it in octal.
    pub number: u32,
    /// What happened, in words.
    pub text: String,
    /// When it began, wall clock.
    pub since_ms: i64,
    /// When the next try is due, wall clock, if one is due. RETRY tries a device in error again, and RESTART one that
    /// an error stopped.
    pub next_try_ms: Option<i64>,
    /// Tries so far.
    pub tries: u32,
}

/// The state of a print process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessState {
    /// It does not run. It is started when there is work.
    Dormant,
    /// It runs.
    Active,
    /// It died: its row says running, but nobody holds its lock. The next command that changes something starts it again.
    Dead,
    /// It needs `PRINT p, START`.
    Error,
}

/// The state of a device, one of the six words of the manual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceState {
    /// It takes no jobs.
    Offline,
    /// It is started and has nothing to print.
    Waiting,
    /// It prints this job.
    Printing(JobNumber),
    /// It prints an alignment page: JOB 0.
    Aligning,
    /// SUSPEND stopped it in mid-job.
    Suspended,
    /// It is in a device error (its number in decimal).
    DevError(u32),
    /// Its print process is in error.
    ProcError,
}

/// The facts from which a device's state follows.
#[derive(Clone, Copy, Debug)]
pub struct DeviceFacts<'a> {
    /// What the operator wants.
    pub wish: DeviceWish,
    /// The error its print process last observed, if it still stands.
    pub error: Option<&'a ErrorNote>,
    /// The job of its running attempt.
    pub job: Option<JobNumber>,
    /// Whether it was asked for an alignment page that has not left yet.
    pub aligning: bool,
    /// Its print process.
    pub process: ProcessState,
}

impl DeviceState {
    /// Returns the state that follows from `facts`.
    pub fn of(facts: &DeviceFacts<'_>) -> Self {
        if facts.wish == DeviceWish::Stopped {
            return Self::Offline;
        }
        if matches!(facts.process, ProcessState::Error | ProcessState::Dead) {
            return Self::ProcError;
        }
        if facts.aligning {
            return Self::Aligning;
        }
        // Is a device tried that was suspended in an error? No: it waits for its operator.
        if facts.wish == DeviceWish::Suspended {
            return Self::Suspended;
        }
        match (facts.error, facts.job) {
            (Some(error), _) => Self::DevError(error.number),
            (None, Some(job)) => Self::Printing(job),
            (None, None) => Self::Waiting,
        }
    }

    /// Returns the word of DETAIL and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Offline => "OFFLINE",
            Self::Waiting => "WAITING",
            Self::Printing(_) | Self::Aligning => "PRINTING",
            Self::Suspended => "SUSPENDED",
            Self::DevError(_) => "DEVERROR",
            Self::ProcError => "PROCERROR",
        }
    }
}

impl fmt::Display for DeviceState {
    /// Writes the form of the STATE column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Printing(job) => f.pad(&format!("JOB {job}")),
            Self::Aligning => f.pad("JOB 0"),
            Self::DevError(number) => f.pad(&format!("ERROR %{number:o}")),
            Self::ProcError => f.pad("PROC ERROR"),
            other => f.pad(other.word()),
        }
    }
}

/// How far the delivery of an attempt is known. The three words claim nothing that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// The peer's TCP has every octet.
    Transferred,
    /// The connection closed cleanly too, or the file is on disk.
    Sent,
    /// The device confirmed it.
    Confirmed,
}

impl Delivery {
    /// All of them, the least certain first.
    pub const ALL: [Self; 3] = [Self::Transferred, Self::Sent, Self::Confirmed];

    /// Returns the word itself.
    pub fn word(self) -> &'static str {
        match self {
            Self::Transferred => "transferred",
            Self::Sent => "sent",
            Self::Confirmed => "confirmed",
        }
    }
    /// Finds it by its stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> JobFacts {
        JobFacts {
            arriving: false,
            wish: Wish::Run,
            reasons: HoldReasons::NONE,
            retained: false,
            claimed: 0,
            transferred: 0,
        }
    }

    #[test]
    fn a_job_is_what_its_wish_and_entries_say() {
        let held = HoldReasons::NONE.with(HoldReason::Operator);
        assert_eq!(JobState::of(&facts()), JobState::Ready);
        assert_eq!(JobState::of(&JobFacts { arriving: true, ..facts() }), JobState::Open);
        assert_eq!(JobState::of(&JobFacts { reasons: held, ..facts() }), JobState::Held);
        assert_eq!(JobState::of(&JobFacts { reasons: held, claimed: 1, ..facts() }), JobState::Printing);
        assert_eq!(JobState::of(&JobFacts { transferred: 1, ..facts() }), JobState::Transferred);
        assert_eq!(JobState::of(&JobFacts { transferred: 1, claimed: 1, ..facts() }), JobState::Printing);
        assert_eq!(JobState::of(&JobFacts { wish: Wish::Cancel, claimed: 1, ..facts() }), JobState::Terminating);
        assert_eq!(JobState::of(&JobFacts { wish: Wish::Cancel, retained: true, ..facts() }), JobState::Retained);
        assert_eq!(JobState::of(&JobFacts { wish: Wish::Pause, ..facts() }), JobState::Paused);
    }

    #[test]
    fn start_says_what_remains() {
        let set = HoldReasons::NONE.with(HoldReason::Operator).with(HoldReason::SecureRelease);
        let left = set.without(HoldReasons::CLEARED_BY_START);
        assert_eq!(left.iter().collect::<Vec<_>>(), [HoldReason::SecureRelease]);
    }

    #[test]
    fn a_device_is_what_was_wanted_observed_and_lives() {
        let error = ErrorNote { number: 100, text: "not ready".into(), since_ms: 0, next_try_ms: None, tries: 1 };
        let job = JobNumber::new(7);
        let base = DeviceFacts {
            wish: DeviceWish::Started,
            error: None,
            job: None,
            aligning: false,
            process: ProcessState::Active,
        };
        assert_eq!(DeviceState::of(&base), DeviceState::Waiting);
        assert_eq!(DeviceState::of(&DeviceFacts { job, ..base }).to_string(), "JOB 7");
        assert_eq!(DeviceState::of(&DeviceFacts { error: Some(&error), ..base }).to_string(), "ERROR %144");
        assert_eq!(DeviceState::of(&DeviceFacts { process: ProcessState::Error, ..base }).to_string(), "PROC ERROR");
        let draining = DeviceFacts { wish: DeviceWish::Draining, ..base };
        assert_eq!(DeviceState::of(&draining), DeviceState::Waiting, "offline only when its process has let go of it");
        let stopped = DeviceFacts { wish: DeviceWish::Stopped, error: Some(&error), ..base };
        assert_eq!(DeviceState::of(&stopped), DeviceState::Offline);
        let suspended = DeviceFacts { wish: DeviceWish::Suspended, job, ..base };
        assert_eq!(DeviceState::of(&suspended), DeviceState::Suspended);
        assert_eq!(DeviceState::of(&DeviceFacts { error: Some(&error), ..suspended }), DeviceState::Suspended);
        for process in [ProcessState::Error, ProcessState::Dead] {
            let dead = DeviceFacts { process, ..suspended };
            assert_eq!(DeviceState::of(&dead), DeviceState::ProcError, "nobody would hear its START");
        }
    }
}
