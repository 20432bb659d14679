//! JOB: jobs.
//!
//! The jobs of a qualifier list are found once, before the first subcommand. Each subcommand is then applied to all of
//! them. If it fails for some, these are named one by one, and the remaining subcommands are not executed.

use crate::commands::shell::{Exit, Intent};
use crate::commands::spoolcom::displays::summary::JobCounts;
use crate::commands::spoolcom::displays::{Listing, history, job};
use crate::commands::spoolcom::language::dates::{self, Range};
use crate::commands::spoolcom::language::grammar::JobSubcommand;
use crate::commands::spoolcom::language::keywords::{Key, Qualifier};
use crate::commands::spoolcom::language::messages::{Message, Subject};
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::syntax::read_number;
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::{DisplayRequest, Filter, Object};
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::{forecast, parts};
use crate::model::alter::JobChange;
use crate::model::field::{Field, Value as FieldValue};
use crate::model::job::{JobStatus, Occurrence};
use crate::model::lifetime::Retention;
use crate::model::query::{Comparison, Condition, Cursor, Order, PAGE, Parts, Query};
use crate::model::state::{HoldReason, JobState};
use crate::model::why::Cause;
use crate::model::{CollectorName, Failure, FailureKind, JobNumber, JobRef, LocationPattern, Serial};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::{EventSubject, Intended, Removal};
use crate::sys::users;

use super::operands::{Dollar, Source, Step, no_current, run_steps, unnamed};
use super::states::job_allows;
use super::{job_changes, log};

/// What one JOB subcommand does.
#[derive(Clone, Debug, PartialEq)]
pub enum JobAction {
    /// HOLD
    Hold,
    /// START
    Start,
    /// DELETE. A printing job is stopped at once, with or without `!`, which waits until it is gone.
    Delete(bool),
    /// Attributes, each with its word.
    Alter(Vec<(Key, JobChange)>),
    /// STATUS
    Status(DisplayRequest),
    /// SUMMARY, of all jobs
    Summary(DisplayRequest),
    /// CURRENT
    Current,
    /// NEXT
    Next,
    /// LOG, of one job
    Log(DisplayRequest),
    /// WHY, of one job
    Why(DisplayRequest),
}

impl JobAction {
    /// Reads what `subcommand` does.
    fn of(subcommand: &Subcommand) -> Result<Self, Mistake> {
        use JobSubcommand as S;
        let change = match subcommand.read()? {
            S::Hold => return Ok(Self::Hold),
            S::Start => return Ok(Self::Start),
            S::Delete(waits) => return Ok(Self::Delete(waits)),
            S::Status(display) => return Ok(Self::Status(display)),
            S::Summary(display) => return Ok(Self::Summary(display)),
            S::Log(display) => return Ok(Self::Log(display)),
            S::Why(display) => return Ok(Self::Why(display)),
            S::Current => return Ok(Self::Current),
            S::Next => return Ok(Self::Next),
            S::Copies(n) => job_changes::copies(n),
            S::SelPri(n) => job_changes::selection_priority(n),
            S::HoldAfter(on) => JobChange::HoldAfter(Some(on)),
            S::Form(form) => job_changes::form(subcommand, form)?,
            S::Report(name) => job_changes::report(subcommand, name)?,
            S::Loc(location) => job_changes::location(subcommand, location)?,
            S::Owner(user) => job_changes::owner(subcommand, user)?,
        };
        Ok(Self::Alter(vec![(subcommand.key(), change)]))
    }

    fn looks(&self) -> bool {
        match self {
            Self::Status(display) | Self::Summary(display) | Self::Log(display) | Self::Why(display) => {
                display.intent() == Intent::Read
            }
            Self::Current | Self::Next => true,
            _ => false,
        }
    }

    fn keys(&self) -> Vec<Key> {
        match self {
            Self::Hold => vec![Key::Hold],
            Self::Start => vec![Key::Start],
            Self::Delete(_) => vec![Key::Delete],
            Self::Alter(changes) => changes.iter().map(|change| change.0).collect(),
            Self::Status(_) => vec![Key::Status],
            Self::Summary(_) => vec![Key::Summary],
            Self::Log(_) => vec![Key::Log],
            Self::Why(_) => vec![Key::Why],
            Self::Current => vec![Key::Current],
            Self::Next => vec![Key::Next],
        }
    }

    /// Takes a change into the one before it, or gives it back.
    fn join(last: &mut Self, action: Self) -> Option<Self> {
        match (last, action) {
            (Self::Alter(changes), Self::Alter(more)) if Self::travels_with(changes, &more) => {
                changes.extend(more);
                None
            }
            (_, action) => Some(action),
        }
    }

    /// Tells whether `more` may join `changes` as one change, which holds as a whole or not at all. HOLDAFTER stays
    /// alone, because it is allowed in states in which the others are not.
    fn travels_with(changes: &[(Key, JobChange)], more: &[(Key, JobChange)]) -> bool {
        !changes.iter().chain(more).any(|change| change.0 == Key::HoldAfter)
    }
}

/// How long HOLD waits for a printing job to leave its device, in milliseconds.
const STOP_MS: u64 = 2000;

/// Which jobs.
#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    /// The one with this number.
    One(JobRef),
    /// The current one.
    Current,
    /// Those that satisfy a condition and were created in this time.
    Matching(Condition, Option<Range>),
}

impl Which {
    /// Reads a job number, a list of qualifiers, or nothing, which means all jobs.
    pub fn of(object: &Object) -> Result<Self, Mistake> {
        Ok(match object {
            Object::None => Which::Matching(Condition::Any, None),
            Object::Name(name) => Which::One(job_ref(&name.value).ok_or_else(|| {
                let why =
                    format!("expected a job number (1 to {}) or a list of qualifiers in parentheses", JobNumber::MAX);
                Mistake::new(Message::NameInvalid, name.span, why)
            })?),
            Object::Filters(filters) => {
                let (dates, others): (Vec<&Filter>, Vec<&Filter>) =
                    filters.iter().partition(|filter| filter.key == Qualifier::Date);
                let conditions = others.into_iter().map(condition).collect::<Result<_, _>>()?;
                // The parser has refused a second one.
                let range = dates.first().map(|filter| {
                    dates::parse(filter.value.as_deref().unwrap_or_default())
                        .map_err(|why| Mistake::new(Message::QualifierList, filter.span, why))
                });
                Which::Matching(Condition::All(conditions), range.transpose()?)
            }
        })
    }

    /// Finds the first of them.
    pub fn first(&self, session: &mut Session<'_>) -> Result<Option<JobRef>, EarlyEnd> {
        let condition = match self {
            Self::One(job) => return Ok(Some(job.clone())),
            Self::Current => return Ok(session.current.job.clone()),
            Self::Matching(condition, None) => condition.clone(),
            Self::Matching(condition, Some(range)) => {
                let created = range.condition(session.now_ms, &session.zone);
                Condition::All(vec![condition.clone(), created])
            }
        };
        let query = Query { condition, order: Order::Number, parts: Parts::JOB };
        let (spool, mut after) = (session.spool()?, None);
        loop {
            let found = spool.jobs(query.clone(), after, PAGE)?;
            if let Some(first) = found.rows.first() {
                return Ok(Some(JobRef::Number(first.number)));
            }
            match found.next {
                Some(next) => after = Some(next),
                None => return Ok(None),
            }
        }
    }
}

/// A JOB command.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatement {
    which: Which,
    steps: Vec<Step<JobAction>>,
}

impl JobStatement {
    /// Whether it shows what happened to one job, and nothing else.
    pub fn shows_log(&self) -> bool {
        matches!(self.steps.as_slice(), [Step { action: JobAction::Log(display), .. }] if display.out.is_none())
            && matches!(self.which, Which::One(_))
    }

    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        let mut which = Which::of(&command.object)?;
        let shows_all = |key: Key| matches!(key, Key::Status | Key::Summary);
        if command.object == Object::None && command.subcommands.iter().any(|one| !shows_all(one.key())) {
            which = Which::Current;
        }
        let mut steps: Vec<Step<JobAction>> = Vec::new();
        // LOG and WHY are about one job, also where there is no current one.
        let mut named = command.object != Object::None || source.current.job;
        for subcommand in &command.subcommands {
            match (JobAction::of(subcommand)?, steps.last_mut()) {
                (JobAction::Log(_) | JobAction::Why(_), _) if !named => return Err(one_only(subcommand)),
                (JobAction::Current | JobAction::Next, _) if matches!(which, Which::Matching(..)) => {
                    return Err(one_only(subcommand));
                }
                (JobAction::Summary(_), _) if command.object != Object::None || matches!(which, Which::Current) => {
                    let why = "expected JOB, SUMMARY: it counts all jobs";
                    return Err(Mistake::new(Message::Syntax, subcommand.span, why));
                }
                (JobAction::Log(_) | JobAction::Why(_), _) if matches!(which, Which::Matching(..)) => {
                    return Err(one_only(subcommand));
                }
                (action, last) => {
                    named |= matches!(action, JobAction::Current | JobAction::Next);
                    let step = source.step(command, Some(subcommand), action);
                    let left = match last {
                        Some(last) => last.join(step, JobAction::join),
                        None => Some(step),
                    };
                    steps.extend(left);
                }
            }
        }
        if steps.is_empty() {
            steps.push(source.step(command, None, JobAction::Status(DisplayRequest::default())));
        }
        Ok(Self { which, steps })
    }

    /// Returns what it needs the spool for.
    pub fn intent(&self) -> Intent {
        let looks = self.steps.iter().all(|step| step.action.looks());
        if looks { Intent::Read } else { Intent::Write }
    }

    /// Executes it.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        match &self.which {
            Which::One(_) | Which::Current => {
                // NEXT takes what follows on to another job.
                let mut job = match &self.which {
                    Which::One(job) => Some(job.clone()),
                    _ => session.current.job.clone(),
                };
                let mut seen = false;
                let typed = matches!(self.which, Which::One(_));
                run_steps(&self.steps, session, |action, session| {
                    let was_seen = std::mem::replace(&mut seen, true);
                    match (action, &job) {
                        (JobAction::Next, _) => {
                            job = Some(next(job.as_ref(), session)?);
                            seen = false;
                            Ok(())
                        }
                        (JobAction::Current, Some(one)) if typed => make_current(one, was_seen, session),
                        (JobAction::Current, Some(one)) => {
                            run_at(&JobAction::Status(DisplayRequest::default()), one, was_seen, session)
                        }
                        (action, Some(one)) => run_at(action, one, was_seen, session),
                        (_, None) => Err(no_current("job")),
                    }
                })
            }
            Which::Matching(condition, None) => self.matching(condition, session),
            Which::Matching(condition, Some(range)) => {
                let created = range.condition(session.now_ms, &session.zone);
                self.matching(&Condition::All(vec![condition.clone(), created]), session)
            }
        }
    }

    fn matching(&self, condition: &Condition, session: &mut Session<'_>) -> Result<(), (String, EarlyEnd)> {
        let query = Query { condition: condition.clone(), order: Order::Number, parts: Parts::ALL };
        // Find the jobs before anything else, so that the jobs that are changed are those that were shown. Displays
        // alone need no list: they take any number of jobs, a page at a time.
        let shows = |action: &JobAction| matches!(action, JobAction::Status(_) | JobAction::Summary(_));
        let jobs = match self.steps.iter().find(|step| !shows(&step.action)) {
            Some(step) => Some(find(session, &query).map_err(|trouble| (step.place.clone(), trouble))?),
            None => None,
        };
        if jobs.as_ref().is_some_and(Vec::is_empty) {
            session.hint("no job matches");
        }
        // Each subcommand is carried out for all of them before the next one.
        for (action, place) in self.steps.iter().flat_map(Step::each) {
            let done = match (action, &jobs) {
                (JobAction::Summary(display), _) => session.show(display, |spool, out, style| {
                    let mut listing = Listing::new(out, style);
                    listing.page(&[JobCounts::of(&spool.job_summary()?)])?;
                    Ok(listing.end()?)
                }),
                (JobAction::Status(display), None) => session.show(display, |spool, out, style| {
                    let mut listing = Listing::new(out, style);
                    each_page(spool, &query, |page| Ok(listing.page(page)?))?;
                    Ok(listing.end()?)
                }),
                (JobAction::Status(display), Some(jobs)) => session.show(display, |spool, out, style| {
                    let mut listing = Listing::new(out, style);
                    for job in jobs {
                        listing.page(&[spool.job(job.clone()).map_err(|failure| about(failure, job, true))?])?;
                    }
                    Ok(listing.end()?)
                }),
                (action, jobs) => {
                    let jobs = jobs.as_deref().unwrap_or_default();
                    let done = change_all(action, jobs, place, session);
                    if done.is_ok() && !jobs.is_empty() {
                        let words: Vec<&str> = action.keys().into_iter().map(Key::word).collect();
                        let n = jobs.len();
                        session.hint(&format!("{}: {n} {}", words.join(", "), if n == 1 { "job" } else { "jobs" }));
                    }
                    done
                }
            };
            done.map_err(|trouble| (place.to_owned(), trouble))?;
        }
        Ok(())
    }
}

/// Makes `job` the current one.
fn make_current(job: &JobRef, seen: bool, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    // What follows a CURRENT that failed must not be about another job.
    session.current.job = None;
    let status = session.spool()?.job(job.clone()).map_err(|failure| about(failure, job, seen))?;
    session.current.job = Some(JobRef::Number(status.number));
    Ok(())
}

/// Makes the job with the next higher number than `job` the current one; the lowest where there is none. Whoever goes through
/// all of them ends where it fails: then there is no current job, so that nothing is done to the last one twice.
fn next(job: Option<&JobRef>, session: &mut Session<'_>) -> Result<JobRef, EarlyEnd> {
    let number = match job {
        None => None,
        Some(JobRef::Number(number)) => Some(*number),
        Some(job) => Some(session.spool()?.job(job.clone()).map_err(|failure| about(failure, job, false))?.number),
    };
    session.current.job = None;
    let query = Query { condition: Condition::Any, order: Order::Number, parts: Parts::JOB };
    let mut after = number.map(Cursor::behind);
    loop {
        let found = session.spool()?.jobs(query.clone(), after, 1)?;
        if let Some(first) = found.rows.first() {
            let job = JobRef::Number(first.number);
            session.current.job = Some(job.clone());
            return Ok(job);
        }
        after = found.next;
        if after.is_none() {
            let what = number
                .map_or_else(|| "there is no job".to_owned(), |last| format!("no job has a higher number than {last}"));
            return Err(Failure::new(FailureKind::NotFound, what).into());
        }
    }
}

fn run_at(action: &JobAction, job: &JobRef, seen: bool, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match action {
        JobAction::Status(display) => session.show(display, |spool, out, style| {
            let status = spool.job(job.clone()).map_err(|failure| about(failure, job, seen))?;
            let occurrences = match status.state {
                JobState::Ready | JobState::Printing | JobState::Transferred | JobState::Terminating => {
                    spool.occurrences(status.id)?
                }
                _ => Vec::new(),
            };
            Ok(job::single(out, style, &status, &occurrences)?)
        }),
        JobAction::Why(display) => session.show(display, |spool, out, style| {
            let mut why = spool.why(job.clone()).map_err(|failure| about(failure, job, seen))?;
            if why.causes.iter().any(|cause| matches!(cause, Cause::Station { .. } | Cause::Expires { .. })) {
                // The job that was found: what was typed may be a number that another server gave.
                why.causes.extend(spool.why_elsewhere(JobRef::Global(why.job.clone()))?);
            }
            let ahead = forecast::ahead(spool, &why)?;
            Ok(history::why(out, style, &why, ahead.as_ref())?)
        }),
        JobAction::Log(display) => {
            let subject = if seen { Subject::SeenJob(job.clone()) } else { Subject::Job(job.clone()) };
            log::show(session, display, &EventSubject::Job(job.clone()), &subject)
        }
        JobAction::Summary(_) | JobAction::Current | JobAction::Next => Err(unnamed()),
        JobAction::Hold | JobAction::Start | JobAction::Delete(_) | JobAction::Alter(_) => {
            change(action, job, seen, session)
        }
    }
}

/// Applies `action` to each of `jobs`, and reports failures one by one.
fn change_all(action: &JobAction, jobs: &[JobRef], place: &str, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let mut worst = Exit::Done;
    for job in jobs {
        if let Err(trouble) = change(action, job, true, session) {
            worst = worst.max(session.report(place, trouble));
        }
        if worst == Exit::Unreachable {
            break;
        }
    }
    if worst == Exit::Done { Ok(()) } else { Err(EarlyEnd::Reported(worst)) }
}

/// Refuses LOG and WHY for several jobs: nobody could tell which line is about which job.
fn one_only(subcommand: &Subcommand) -> Mistake {
    let word = subcommand.key().word();
    Mistake::new(Message::NameMissing, subcommand.span, format!("expected JOB number, {word}"))
        .hint(format!("{word} is about one job; JOB (OWNER ann) lists the numbers"))
}

fn find(session: &mut Session<'_>, query: &Query) -> Result<Vec<JobRef>, EarlyEnd> {
    let mut list = Vec::new();
    let query = Query { parts: Parts::JOB, ..query.clone() };
    each_page(session.spool()?, &query, |page| {
        list.extend(page.iter().map(|status| JobRef::Number(status.number)));
        Ok(())
    })?;
    Ok(list)
}

/// Reads the jobs that satisfy `query`, a page at a time.
pub fn each_page(
    spool: &mut dyn Operations,
    query: &Query,
    mut page: impl FnMut(&[JobStatus]) -> Result<(), EarlyEnd>,
) -> Result<(), EarlyEnd> {
    let mut after = None;
    loop {
        let found = spool.jobs(query.clone(), after, PAGE)?;
        page(&found.rows)?;
        match found.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

fn about(failure: Failure, job: &JobRef, seen: bool) -> EarlyEnd {
    let subject = if seen { Subject::SeenJob(job.clone()) } else { Subject::Job(job.clone()) };
    EarlyEnd::Failed(failure, subject)
}

fn change(action: &JobAction, job: &JobRef, seen: bool, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let failed = |failure| about(failure, job, seen);
    let status = session.spool()?.job(job.clone()).map_err(failed)?;
    if let Some(key) = action.keys().into_iter().find(|key| !job_allows(*key, status.state)) {
        let word = key.word();
        // Whoever may not do it in any state is told that first.
        let intended = match action {
            JobAction::Hold | JobAction::Start => Intended::HoldJob(job.clone()),
            _ => Intended::ChangeJob(job.clone()),
        };
        session.spool()?.demand_right(intended).map_err(failed)?;
        let failure = Failure::new(
            FailureKind::State,
            format!("{word} is not allowed while job {job} is {}", job::state_words(status.state)),
        );
        return Err(failed(match (action, status.state) {
            (_, JobState::Open) if status.reasons.has(HoldReason::WriterDied) => Failure::new(
                FailureKind::State,
                format!(
                    "the program that handed in job {job} has died: the next command that changes something removes the job"
                ),
            ),
            (JobAction::Start, _) => failure.hint("only a job on hold can be started"),
            (JobAction::Alter(_), JobState::Ready | JobState::Printing | JobState::Transferred) => {
                failure.hint(format!("JOB {job}, HOLD   first; START afterwards"))
            }
            _ => failure,
        }));
    }
    let stops = matches!(action, JobAction::Hold | JobAction::Delete(_)) && status.state == JobState::Printing;
    let gone = if stops { parts::gone(&session.spool()?.occurrences(status.id).map_err(failed)?) } else { None };
    match action {
        JobAction::Hold => {
            session.spool()?.hold_job(job.clone()).map_err(failed)?;
            // The next subcommand must find the job on hold, so that  HOLD, COPIES 2, START  works while it prints.
            if status.state.is_on_device() && session.wait {
                stopped(job, session).map_err(failed)?;
            }
        }
        JobAction::Alter(changes) => {
            let only = changes.iter().map(|change| change.1.clone()).collect();
            session.spool()?.alter_job(job.clone(), only).map_err(failed)?;
            for warning in changes.iter().filter_map(|change| job_changes::warning(&change.1)) {
                // A closed standard error must not turn into a failure.
                let _ = writeln!(session.err, "{warning}");
            }
        }
        JobAction::Start => {
            let remaining = session.spool()?.start_job(job.clone()).map_err(failed)?;
            if !remaining.is_empty() {
                let why: Vec<&str> = remaining.iter().map(|reason| reason.words()).collect();
                // A closed standard error must not turn into a failure.
                let _ = writeln!(session.err, "WARNING: JOB {job} REMAINS ON HOLD\n  {}", why.join("; "));
            }
        }
        JobAction::Delete(waits) => {
            // Who says DELETE wants it gone, whatever retention it has.
            match session.spool()?.delete_job(job.clone(), None, Some(Retention::Period(0))).map_err(failed)? {
                Removal::Gone | Removal::Retained => {}
                _ if *waits => until_gone(job.clone(), session)?,
                Removal::Terminating => {
                    session.hint(&format!("JOB {job} is printing; it goes when its attempt has ended"));
                }
                Removal::Transferred => session.hint(&format!(
                    "every octet of JOB {job} is with its device, which cannot be stopped; it goes when the connection is closed"
                )),
            }
        }
        JobAction::Status(_)
        | JobAction::Summary(_)
        | JobAction::Log(_)
        | JobAction::Why(_)
        | JobAction::Current
        | JobAction::Next => {}
    }
    if let Some(gone) = gone {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(session.err, "WARNING: THE PART OF JOB {job} THAT WAS SENT MAY PRINT\n  {gone}");
    }
    Ok(())
}

/// Waits until a job that was deleted is gone, and warns if it is not.
pub fn until_gone(job: JobRef, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    if !session.wait {
        return Ok(());
    }
    match session.spool()?.await_stopped(job.clone(), STOP_MS) {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
        Err(failure) => Err(failure.into()),
        Ok(status) if !status.state.is_on_device() => Ok(()),
        Ok(_) => {
            // A closed standard error must not turn into a failure.
            let _ = writeln!(
                session.err,
                "WARNING: JOB {job} IS STILL PRINTING\n  it goes when its device has let go of it"
            );
            Ok(())
        }
    }
}

/// Waits for a held job to leave its device, and warns if it does not.
fn stopped(job: &JobRef, session: &mut Session<'_>) -> Result<(), Failure> {
    let status = session.spool()?.await_stopped(job.clone(), STOP_MS)?;
    if status.state.is_on_device() {
        let sent = Occurrence::all_sent(&session.spool()?.occurrences(status.id)?);
        let why = if sent {
            "every octet of it is with its device, which cannot be stopped; it is on hold when the connection is closed"
        } else {
            "the hold was requested; its device has not let go of it yet"
        };
        // A closed standard error must not turn into a failure.
        let _ = writeln!(session.err, "WARNING: JOB {job} IS STILL PRINTING\n  {why}");
    }
    Ok(())
}

/// Reads a job as SPOOLCOM names it: its job number, or the ten digits that the other languages print.
fn job_ref(text: &str) -> Option<JobRef> {
    if let Some(serial) = Serial::parse(text) {
        return Some(JobRef::Serial(serial));
    }
    let number = read_number(text).filter(|_| !text.starts_with(['+', '-']))?;
    u32::try_from(number).ok().and_then(JobNumber::new).map(JobRef::Number)
}

fn condition(filter: &Filter) -> Result<Condition, Mistake> {
    let value = filter.value.as_deref().unwrap_or_default();
    let bad = |why: String| Mistake::new(Message::QualifierList, filter.span, why);
    Ok(match filter.key {
        Qualifier::State => {
            let either =
                |states: &[JobState]| Condition::Either(states.iter().map(|state| Condition::State(*state)).collect());
            match value.to_ascii_uppercase().as_str() {
                "OPEN" => Condition::State(JobState::Open),
                "READY" => Condition::State(JobState::Ready),
                "TRANSFER" => Condition::State(JobState::Transferred),
                "PRINT" => either(&[JobState::Printing, JobState::Terminating]),
                "HOLD" => either(&[JobState::Held, JobState::Paused, JobState::Retained]),
                _ => return Err(bad("expected a state: OPEN, READY, PRINT, TRANSFER, HOLD".into())),
            }
        }
        Qualifier::Owner => Condition::Owner(
            owner(filter.value.as_deref())
                .ok_or_else(|| bad("expected a login name, group.user, or gid,uid".into()))?,
        ),
        Qualifier::Loc => {
            Condition::Location(value.parse::<LocationPattern>().map_err(|error| bad(error.to_string()))?)
        }
        Qualifier::Form => {
            let form = crate::model::device::check_form(value).map_err(bad)?;
            Condition::Field(Field::Form, Comparison::Equal, FieldValue::Text(form))
        }
        Qualifier::Report => Condition::Field(Field::JobName, Comparison::Equal, FieldValue::Text(value.to_owned())),
        Qualifier::Collect => {
            let name: Dollar<CollectorName> = value.parse().map_err(|error| bad(format!("{error}")))?;
            Condition::Collector(name.0)
        }
        Qualifier::DataFile => Condition::DataFile(value.to_owned()),
        // [`dates`] has read a date before, and it is none of these.
        Qualifier::Date => Condition::Any,
    })
}

/// Returns the login name of an OWNER: the caller, a name, with its group or alone, or the numbers that JOB STATUS shows.
fn owner(value: Option<&str>) -> Option<String> {
    let Some(value) = value else {
        return Some(users::caller_without_groups().user);
    };
    match value.split_once(',') {
        None => Some(match job_changes::of_group(value) {
            Some((_, uid)) => users::name(uid),
            None => value.to_owned(),
        }),
        Some((gid, uid)) => {
            gid.trim().parse::<u32>().ok()?;
            uid.trim().parse().ok().map(users::name)
        }
    }
}
