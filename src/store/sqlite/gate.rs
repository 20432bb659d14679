//! How long the write gate is waited for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::model::{Failure, FailureKind};
use crate::store::guard;

/// How long a command waits for the gate, altogether.
pub(super) const COMMAND_WAITS: Duration = Duration::from_secs(60);
/// How long a print process waits for it before it says that it could not change anything: a submitter who asks it must have
/// the answer before he takes another way (`client::submission_socket`), and a leader may have to wait once before him.
pub(super) const PROCESS_WAITS: Duration = Duration::from_secs(4);
/// Who waits longer than this says for whom.
pub(super) const TELLS_AFTER: Duration = Duration::from_secs(1);
/// What is left of a wait that is over already: whoever was told that the spool is busy does not wait a minute again.
const ONCE_MORE: Duration = Duration::from_secs(1);

/// `PD_WRITE_GATE_MS` sets how long commands wait instead, for tests.
fn command_waits() -> Duration {
    let ms = std::env::var("PD_WRITE_GATE_MS").ok().and_then(|text| text.parse().ok());
    ms.map_or(COMMAND_WAITS, Duration::from_millis)
}

/// Returns the failure of a wait that was in vain.
pub(super) fn busy(whole: Duration) -> Failure {
    let long = if whole == COMMAND_WAITS { "a minute".to_owned() } else { format!("{} s", whole.as_secs()) };
    Failure::new(FailureKind::Timeout, format!("the spool was busy for {long}: nothing was changed"))
}

/// How long this process still waits for the gate. The time runs from the first wait until the gate is passed, whatever is
/// asked of the spool meanwhile: a command has one deadline, and not one for each thing that it tries.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) whole: Duration,
    /// Whether nobody asks again when it is over.
    pub(super) of_command: bool,
    /// What was spent of it elsewhere.
    spent: Mutex<Duration>,
    until: Mutex<Option<Instant>>,
    /// Whether the deadline has passed since the gate was passed last.
    over: AtomicBool,
}

impl Patience {
    pub(super) fn of_command() -> Self {
        Self { of_command: true, ..Self::of_process(command_waits()) }
    }

    pub(super) fn of_process(whole: Duration) -> Self {
        Self {
            whole,
            of_command: false,
            spent: Mutex::default(),
            until: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    pub(super) fn left(&self) -> Duration {
        if self.of_command && self.over.load(Ordering::SeqCst) {
            return ONCE_MORE;
        }
        let whole = self.whole.saturating_sub(*guard(&self.spent));
        let until = *guard(&self.until).get_or_insert_with(|| Instant::now() + whole);
        until.saturating_duration_since(Instant::now())
    }

    /// So much of it was spent elsewhere.
    pub(super) fn spend(&self, waited: Duration) {
        *guard(&self.spent) = waited;
    }

    pub(super) fn renew(&self) {
        (*guard(&self.until), *guard(&self.spent)) = (None, Duration::ZERO);
        self.over.store(false, Ordering::SeqCst);
    }

    pub(super) fn ends(&self) {
        *guard(&self.until) = None;
        self.over.store(true, Ordering::SeqCst);
    }
}
