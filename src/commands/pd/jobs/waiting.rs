//! Waiting for the end of a job that has been accepted.
//!
//! A commit of the spool wakes the wait; nothing is polled. A server that is started again meanwhile is asked again, for as
//! long as [`PATIENCE`]: its job was accepted, and is there when the server is back. Whatever happens here, the exit status says
//! that the job was accepted.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::attributes::text::Clock;
use crate::commands::shell::{Exit, Intent, Shell};
use crate::commands::why;
use crate::commands::why::Times;
use crate::model::event::Event;
use crate::model::job::Accepted;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::why::Cause;
use crate::model::{Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;
use crate::supervise::{self, Place};
use crate::sys::watch::Watch;

/// How long a server may be away before the wait gives up. A restart by systemd may take 90 seconds to stop it alone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
/// How long one question waits. The job may take days; what the wait is asked of may be started again in between.
const ONE_WAIT_MS: u64 = 60_000;
/// The first pause before a server that is away is asked again. Each is twice as long as the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a job ended.
enum End {
    /// It has printed, whatever became of it then.
    Printed,
    /// It is held until a person acts.
    Held(Vec<Cause>),
    /// It is gone, and has not printed; its outcome.
    Removed(String),
}

/// A wait for the end of a job.
pub(crate) struct Waiting<'a> {
    /// Who waits.
    pub program: &'static str,
    /// The spool that was named, none = the usual one.
    pub host: Option<&'a str>,
    /// The job.
    pub accepted: &'a Accepted,
    /// How long the spool may be out of reach.
    pub patience: Duration,
}

impl Waiting<'_> {
    /// Waits until the job has printed, needs a person, or was removed, and says so.
    pub(crate) fn to_the_end(&self, shell: &mut Shell<'_>, clock: &Clock) -> Exit {
        let mut spool = None;
        let mut away_since: Option<Instant> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ask(&mut spool, shell) {
                Ok(Some(end)) => return self.say(&end, shell, clock),
                Ok(None) => (away_since, pause) = (None, FIRST_PAUSE),
                Err(failure)
                    if failure.kind == FailureKind::Unreachable
                        && away_since.get_or_insert_with(Instant::now).elapsed() < self.patience =>
                {
                    self.pause(pause, shell);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(failure) => return self.give_up(failure, shell),
            }
        }
    }

    /// Asks once; none = it has not ended yet. The spool is opened where it is not open.
    fn ask(&self, spool: &mut Option<Box<dyn Operations>>, shell: &mut Shell<'_>) -> Result<Option<End>, Failure> {
        // What is open finds its server again by itself, and always the same one.
        let spool = match spool {
            Some(spool) => spool,
            None => spool.insert((shell.open)(self.host, Intent::Read)?),
        };
        let global = JobRef::Global(self.accepted.global.clone());
        let Some(job) = spool.await_end(global.clone(), ONE_WAIT_MS)? else {
            return self.gone(spool.as_mut()).map(Some);
        };
        if job.printed {
            return Ok(Some(End::Printed));
        }
        if job.has_ended() {
            return Ok(Some(End::of(job.ended.map_or_else(|| "cancelled".to_owned(), |ended| ended.outcome))));
        }
        if job.waits_for_a_person() {
            return Ok(Some(End::Held(spool.why(global)?.causes)));
        }
        Ok(None)
    }

    /// Tells how a job ended that is not in the spool any more.
    fn gone(&self, spool: &mut dyn Operations) -> Result<End, Failure> {
        let global = JobRef::Global(self.accepted.global.clone());
        let query = Query { condition: Condition::Job(global.clone()), order: Order::Schedule, parts: Parts::JOB };
        let Some(row) = spool.finished(query, None, 1)?.rows.pop() else {
            return Err(Failure::not_found("its row in the history"));
        };
        let end = End::of(row.outcome);
        if !matches!(end, End::Removed(_)) {
            return Ok(end);
        }
        // Was it held after it had been printed, and deleted before we looked? Then it has printed.
        let printed = spool.events(EventSubject::Job(global), 0)?.iter().any(Event::tells_that_all_is_printed);
        Ok(if printed { End::Printed } else { end })
    }

    /// Waits for `longest`, or until the server of this machine makes its socket. What happens before the watch begins costs one pause.
    fn pause(&self, longest: Duration, shell: &Shell<'_>) {
        let socket = match supervise::usual_place(self.host, shell.env, &shell.cwd) {
            Ok(Place::Server(path)) => Some(path),
            _ => None,
        };
        let watch = socket.as_deref().and_then(Path::parent).and_then(|dir| Watch::new(dir).ok());
        // A server on the network tells nobody here when it is back.
        if watch.is_none_or(|watch| watch.wait(longest).is_err()) {
            std::thread::sleep(longest);
        }
    }

    fn say(&self, end: &End, shell: &mut Shell<'_>, clock: &Clock) -> Exit {
        let (program, number) = (self.program, self.accepted.number);
        match end {
            End::Printed => Exit::Done,
            End::Held(causes) => {
                let times = Times { zone: clock.zone.clone(), now_ms: shell.now_ms };
                for cause in causes {
                    // A closed standard error must not turn into a failure.
                    let _ = writeln!(shell.err, "{program}: {number}: {}", why::words(cause, &times));
                }
                Exit::Held
            }
            End::Removed(outcome) => {
                let what = if outcome == "kept" { "was never to be printed, and is kept" } else { "was removed" };
                let _ = writeln!(shell.err, "{program}: {number}: {what}");
                Exit::Removed
            }
        }
    }

    /// Says that the job was accepted, and that nobody tells how it ends.
    fn give_up(&self, failure: Failure, shell: &mut Shell<'_>) -> Exit {
        let accepted = self.accepted;
        let message = format!("accepted as {}, but its end cannot be asked: {}", accepted.global, failure.message);
        let mut told = Failure { message, kind: failure.kind, hints: Vec::new() };
        told = told.hint(format!("spoolcom 'JOB {}, WHY'", accepted.number));
        told.hints.extend(failure.hints);
        shell.report(self.program, &told);
        Exit::Unanswered
    }
}

impl End {
    fn of(outcome: String) -> Self {
        match outcome.as_str() {
            "transferred" | "sent" | "confirmed" => Self::Printed,
            _ => Self::Removed(outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::commands::pd::clock;
    use crate::commands::pd::testing::{World, job, over};
    use crate::model::event::{EventDetail, EventWord};
    use crate::model::finished::FinishedStatus;
    use crate::model::query::Page;
    use crate::spool::interface::operations::{Carrier, Reply, Request};

    /// A spool behind a server that has ended.
    struct Away;

    impl Carrier for Away {
        fn carry(&mut self, _: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
            Err(Failure::new(FailureKind::Unreachable, "nobody listens").hint("start it"))
        }
    }

    /// A spool whose job somebody deleted, after it had printed or before.
    struct Deleted {
        printed: bool,
    }

    impl Carrier for Deleted {
        fn carry(&mut self, request: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
            Ok(match request {
                Request::AwaitEnd { .. } => Reply::AwaitEnd(None),
                Request::Finished { .. } => {
                    let row = FinishedStatus { outcome: "cancelled".into(), ..over(&job(7)) };
                    Reply::Finished(Page { rows: vec![row], next: None })
                }
                Request::Events { .. } => Reply::Events(vec![Event {
                    id: 1,
                    at_ms: 0,
                    who: "ann".into(),
                    what: EventWord::Held,
                    detail: self.printed.then_some(EventDetail::HoldAfter),
                    why: "HOLDAFTER".into(),
                }]),
                other => panic!("{other:?}"),
            })
        }
    }

    fn waits(_: &[OsString], shell: &mut Shell<'_>) -> Exit {
        let job = job(7);
        let accepted = Accepted { id: job.id, number: job.number, local: job.local, global: job.global };
        let waiting = Waiting { program: "pdpr", host: None, accepted: &accepted, patience: Duration::from_millis(1) };
        let clock = clock(shell);
        waiting.to_the_end(shell, &clock)
    }

    #[test]
    fn a_job_that_was_deleted_after_it_had_printed_has_printed() {
        for (printed, status) in [(true, Exit::Done), (false, Exit::Removed)] {
            let answer = World::default().run(Box::new(Deleted { printed }), waits, "");
            assert_eq!((answer.exit, answer.err.is_empty()), (status, printed), "{answer}");
        }
    }

    #[test]
    fn a_wait_that_cannot_go_on_says_that_the_job_was_accepted() {
        let answer = World::default().run(Box::new(Away), waits, "");
        assert_eq!(answer.exit as u8, 6);
        for part in ["accepted as ", "its end cannot be asked: nobody listens", "hint: spoolcom 'JOB 7, WHY'"] {
            assert!(answer.err.contains(part), "no {part:?} in {answer}");
        }
    }
}
