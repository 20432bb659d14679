//! DRAIN waits until its device is OFFLINE, because each subcommand is finished before the next one begins.
//!
//! A change of the spool wakes the wait. It lasts as long as octets move, and ends with a failure when nothing has moved
//! for the patience of the session (a minute, or --wait): the drain stands, and a command file goes on. On a terminal one line says meanwhile what DRAIN waits for. Ctrl-C ends the
//! wait (and the program, if there is no prompt to return to), but never the drain, which stays requested.

use std::time::{Duration, Instant};

use crate::commands::progress::{Line, amount, rate};
use crate::model::device::{DeviceStatus, RunningJob};
use crate::model::state::{DeviceState, DeviceWish};
use crate::model::{DeviceName, Failure, FailureKind};
use crate::sys::terminal;

use crate::commands::spoolcom::displays::Style;
use crate::commands::spoolcom::displays::device::{awaited, next_try, standstill};
use crate::commands::spoolcom::language::messages::Subject;
use crate::commands::spoolcom::language::values::DisplayRequest;
use crate::commands::spoolcom::session::{EarlyEnd, Session};

/// How long one wait lasts when nothing wakes it, in milliseconds. It bounds only how late Ctrl-C is noticed and how
/// often the line is painted.
const SLICE: u64 = 250;
/// The same when nobody watches.
const SLICE_UNSEEN: u64 = 1000;

/// Drains `name`, and waits for the end if the session waits.
///
/// # Errors
/// Fails when the drain is refused, when somebody else takes it back, when nothing moves for the patience of the session,
/// or when the wait is interrupted.
pub fn run(session: &mut Session<'_>, name: &DeviceName) -> Result<(), EarlyEnd> {
    let state = session.spool()?.drain_device(name.clone())?;
    if state == DeviceState::Offline || !session.wait {
        return Ok(());
    }
    let style = session.style(&DisplayRequest::default());
    let seen = session.err_is_terminal;
    let slice = if seen { SLICE } else { SLICE_UNSEEN };
    let Some(spool) = &mut session.spool else {
        return Err(Failure::internal("the spool is not open").into());
    };
    let mut line = seen.then(|| Line::new(session.err, terminal::columns(std::io::stderr())));
    let mut moved = Moved::default();
    let mut still = Still::default();
    while !(session.interrupted)() {
        let left = session.patience.saturating_sub(still.elapsed());
        let slice = slice.min(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        let status = spool.await_offline(name.clone(), slice)?;
        if status.state == DeviceState::Offline && status.running.is_none() {
            return Ok(());
        }
        if matches!(status.wish, DeviceWish::Started | DeviceWish::Suspended) {
            let name = status.name.guardian();
            let did = if status.wish == DeviceWish::Suspended { "suspended" } else { "started again" };
            let what = format!("{name} was {did} by somebody else before it was offline");
            return Err(Failure::new(FailureKind::State, what).into());
        }
        if still.lasts(&status) >= session.patience {
            let seconds = session.patience.as_secs();
            let what = format!("nothing moved for {seconds} s; it waits for {}", waiting(&status, &mut moved, &style));
            let name = status.name.guardian();
            let failure = Failure::new(FailureKind::Timeout, what)
                .hint(format!("it goes offline when its job has ended; DEV {name}, START   takes the drain back"))
                .hint("--wait SECONDS waits longer, --no-wait not at all");
            return Err(EarlyEnd::Failed(failure, Subject::Drain));
        }
        if let Some(line) = &mut line {
            line.show(&format!("{}; Ctrl-C ends the wait, not the drain", waiting(&status, &mut moved, &style)));
        }
    }
    drop(line);
    let name = name.guardian();
    // A closed standard error must not turn into a failure.
    let _ = writeln!(
        session.err,
        "{name} STAYS DRAINING\n  it goes offline when its job has ended; DEV {name}, START   takes the drain back"
    );
    Err(EarlyEnd::Interrupted)
}

/// Says what a drain waits for.
fn waiting(status: &DeviceStatus, moved: &mut Moved, style: &Style) -> String {
    let mut text = status.name.guardian();
    match &status.running {
        Some(running) => {
            let amount = amount(running.octets, Some(running.total_octets));
            let rate = moved.rate((running.job.to_string(), running.since_ms), running.octets);
            // Before the first octet no document is in print.
            let document = match running.document {
                0 => String::new(),
                document => format!("document {document}, copy {}, ", running.copy),
            };
            text.push_str(&format!(": JOB {}, {document}{amount}{rate}", running.job));
            if let Some(stalled) = standstill(style, running) {
                text.push_str(&format!("; {stalled}"));
            }
        }
        None => text.push_str(&format!(": {}", status.state)),
    }
    if let Some(awaited) = awaited(style, status) {
        text.push_str(&format!("; {awaited}"));
    }
    if let (DeviceState::DevError(number), Some(error)) = (&status.state, &status.error) {
        text.push_str(&format!("; error %{number:o} {}", error.text));
        if let Some(next) = next_try(status, style) {
            text.push_str(&format!(", next try {next}"));
        }
    }
    text
}

/// Measures for how long nothing has moved.
struct Still {
    seen: Option<(Option<RunningJob>, u64)>,
    since: Instant,
}

impl Default for Still {
    fn default() -> Self {
        Self { seen: None, since: Instant::now() }
    }
}

impl Still {
    fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Returns for how long nothing has moved, now that the device is seen as `status`.
    fn lasts(&mut self, status: &DeviceStatus) -> Duration {
        // When it began to stall is no progress.
        let running = status.running.clone().map(|running| RunningJob { stalled: None, ..running });
        let seen = Some((running, status.opens));
        if self.seen != seen {
            // What is seen first has not moved since the wait began.
            if self.seen.is_some() {
                self.since = Instant::now();
            }
            self.seen = seen;
        }
        self.elapsed()
    }
}

/// Measures how fast an attempt moves, since it was first seen.
#[derive(Default)]
struct Moved {
    first: Option<((String, i64), u64, Instant)>,
}

impl Moved {
    fn rate(&mut self, attempt: (String, i64), octets: u64) -> String {
        match &self.first {
            Some((known, from, at)) if *known == attempt && *from <= octets => {
                let rate = rate(octets - from, at.elapsed());
                if rate.is_empty() { rate } else { format!(", {rate}") }
            }
            _ => {
                self.first = Some((attempt, octets, Instant::now()));
                String::new()
            }
        }
    }
}
