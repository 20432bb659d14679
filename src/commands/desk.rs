//! What the live screen shows, read in one look: trouble first, what prints, queues, and the jobs that are next.
//!
//! Each part is read by an index and has a bound: no more jobs are read than the screen has rows, and numbers come from the
//! counters that are kept. Queues are read a page of locations after the other. What the caller may not see is refused by the
//! spool, and the refusal stands in place of the part. Every text that comes from people is escaped here already.

use std::collections::HashMap;
use std::time::Instant;

use super::health::{self, Finding, Weight};
use super::log;
pub use super::why::Times;
use crate::model::job::JobStatus;
use crate::model::location::{Destination, LocationKind, LocationStatus};
use crate::model::printable::escaped;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::{JobState, SpoolerState};
use crate::model::{DeviceName, Failure, FailureKind, JobNumber, LocationName, ProcessName};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::{Health, JobSummary};

/// How long a wait for a change lasts before everything is looked at again, in milliseconds: what nobody commits, such as a
/// disk that fills or a print process that is killed, is seen then.
pub const LOOK_AGAIN_MS: u64 = log::FOLLOWED_MS;

/// What a key may act on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handles {
    /// The job.
    pub job: Option<JobNumber>,
    /// The device.
    pub device: Option<DeviceName>,
    /// The print process.
    pub process: Option<ProcessName>,
    /// The spooler itself.
    pub spooler: bool,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Hold the job.
    Hold,
    /// Let the job go.
    Release,
    /// Remove the job.
    Delete,
    /// Take the device offline after its job.
    Drain,
    /// Start the device, the print process or the spooler.
    Start,
}

impl Handles {
    /// Returns the command of SPOOLCOM for `act`; none where there is nothing that it can be done to.
    pub fn command(&self, act: Act) -> Option<String> {
        let of_job = |word: &str| self.job.map(|job| format!("JOB {job}, {word}"));
        let of_device = |word: &str| self.device.as_ref().map(|device| format!("DEV {}, {word}", device.guardian()));
        match act {
            Act::Hold => of_job("HOLD"),
            Act::Release => of_job("START"),
            Act::Delete => of_job("DELETE"),
            Act::Drain => of_device("DRAIN"),
            Act::Start => of_device("START")
                .or_else(|| self.process.as_ref().map(|process| format!("PRINT ${process}, START")))
                .or_else(|| self.spooler.then(|| "SPOOLER, START".to_owned())),
        }
    }
}

/// A trouble, as CHECK says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleRow {
    /// Its kind, a stable word.
    pub kind: &'static str,
    /// Whether nothing prints or is taken because of it.
    pub critical: bool,
    /// What it is about: `device $LP1`.
    pub object: String,
    /// What is wrong.
    pub text: String,
    /// What helps.
    pub cure: String,
    /// What keys act on.
    pub handles: Handles,
}

/// A job that prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintingRow {
    /// Its number.
    pub job: JobNumber,
    /// Its name and its owner.
    pub title: String,
    /// The device, as displays name it.
    pub device: String,
    /// Octets that the device has taken, and how many there are; none where the caller cannot see that.
    pub octets: Option<(u64, u64)>,
    /// When it began, wall clock.
    pub since_ms: Option<i64>,
    /// Since when the device takes nothing more of it, wall clock.
    pub stalled_ms: Option<i64>,
    /// What keys act on.
    pub handles: Handles,
}

/// A queue: a location, or a group to which jobs are sent as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// Its name.
    pub name: String,
    /// Jobs in it; none for a group, whose jobs nobody counts.
    pub jobs: Option<u64>,
    /// Jobs that it printed in each minute of the last hour, the last minute last; none for those of which nothing is known.
    pub printed: Vec<Option<u32>>,
    /// The location, where it is one.
    pub location: Option<Destination>,
    /// What keys act on.
    pub handles: Handles,
}

impl QueueRow {
    /// How many jobs it printed in that part of the last hour that is known.
    pub fn in_last_hour(&self) -> u64 {
        self.printed.iter().flatten().map(|n| u64::from(*n)).sum()
    }
}

/// A job that does not print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub job: JobNumber,
    /// Its name and its owner.
    pub title: String,
    /// Where it was sent.
    pub destination: String,
    /// Its state, and why it is held.
    pub state: String,
    /// What keys act on.
    pub handles: Handles,
}

/// What is wanted of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// How many rows of each list.
    pub rows: u32,
    /// Of which queue the jobs; none = of all.
    pub queue: Option<Destination>,
}

/// Everything that the screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// The name of the server, and the state of the spooler.
    pub server: String,
    /// Its word.
    pub state: &'static str,
    /// How many jobs are in each state; none where the caller may not know.
    pub counts: Option<JobSummary>,
    /// What is wrong.
    pub troubles: Vec<TroubleRow>,
    /// What prints.
    pub printing: Vec<PrintingRow>,
    /// Whether more prints.
    pub more_printing: bool,
    /// Queues that have jobs or printed some in the last hour, the longest first.
    pub queues: Vec<QueueRow>,
    /// How many more there are.
    pub more_queues: usize,
    /// The jobs that are next, in the order of their queues, and those that are held.
    pub jobs: Vec<JobRow>,
    /// Whether there are more.
    pub more_jobs: bool,
    /// Of which queue these jobs are.
    pub queue: Option<Destination>,
    /// What was refused, a line each.
    pub refused: Vec<String>,
    /// When it was looked at, wall clock.
    pub looked_ms: i64,
}

/// Looks. `hour` is what is known of the last hour.
///
/// # Errors
/// When the spool cannot be reached or is damaged. What the caller may not see is left out, and said.
pub fn look(spool: &mut dyn Operations, wanted: &Wanted, hour: &mut LastHour, times: &Times) -> Result<Desk, Failure> {
    let mut desk = Desk {
        server: String::new(),
        state: "",
        counts: None,
        troubles: Vec::new(),
        printing: Vec::new(),
        more_printing: false,
        queues: Vec::new(),
        more_queues: 0,
        jobs: Vec::new(),
        more_jobs: false,
        queue: wanted.queue.clone(),
        refused: Vec::new(),
        looked_ms: times.now_ms,
    };
    let health = seen(spool.health(), &mut desk.refused)?;
    if let Some(health) = &health {
        desk.server = health.about.server.to_string();
        desk.state = health.about.state.word();
        desk.counts = Some(health.summary);
        desk.troubles = health::findings(health, times).iter().map(|one| trouble(one, health)).collect();
        hour.update(spool, health.statistics.jobs_printed, times.now_ms)?;
    }
    let on_devices =
        || Condition::Either(vec![Condition::State(JobState::Printing), Condition::State(JobState::Transferred)]);
    let jobs = |condition, order| Query { condition, order, parts: Parts::JOB };
    // Is the order of their numbers the one in which they began? Hardly ever, but it does not change while they print.
    let page = spool.jobs(jobs(on_devices(), Order::Number), None, wanted.rows);
    if let Some(page) = seen(page, &mut desk.refused)? {
        desk.more_printing = page.next.is_some();
        for job in &page.rows {
            desk.printing.extend(printing(spool, job)?);
        }
    }
    queues(spool, wanted, hour, &mut desk)?;
    let others = Condition::Not(Box::new(on_devices()));
    let condition = match &wanted.queue {
        Some(queue) => Condition::All(vec![Condition::Destination(queue.clone()), others]),
        None => others,
    };
    let page = spool.jobs(jobs(condition, Order::Schedule), None, wanted.rows);
    if let Some(page) = seen(page, &mut desk.refused)? {
        desk.more_jobs = page.next.is_some();
        desk.jobs = page.rows.iter().map(waiting).collect();
    }
    Ok(desk)
}

/// What was seen; what may not be seen is a line.
fn seen<T>(found: Result<T, Failure>, refused: &mut Vec<String>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::Security => {
            refused.push(escaped(&failure.message));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn trouble(finding: &Finding, health: &Health) -> TroubleRow {
    let mut handles = Handles { spooler: finding.kind == "spooler", ..Handles::default() };
    match finding.kind {
        "device" => {
            let of =
                health.devices.iter().find(|one| finding.object == format!("device {}", one.status.name.guardian()));
            handles.device = of.map(|one| one.status.name.clone());
            handles.job = of.and_then(|one| one.status.running.as_ref()).map(|running| running.job);
        }
        "process" => {
            let of =
                health.processes.iter().find(|one| finding.object == format!("print process ${}", one.status.name));
            handles.process = of.map(|one| one.status.name.clone());
        }
        "job" => handles.job = health.attention.first().map(|(job, _)| *job),
        _ => {}
    }
    TroubleRow {
        kind: finding.kind,
        critical: finding.weight == Weight::Critical,
        object: finding.object.clone(),
        text: finding.text.clone(),
        cure: finding.cure.clone(),
        handles,
    }
}

fn title(job: &JobStatus) -> String {
    escaped(&format!("{} ({})", job.name, job.owner))
}

/// A row for each device that has the job.
fn printing(spool: &mut dyn Operations, job: &JobStatus) -> Result<Vec<PrintingRow>, Failure> {
    let mut rows = Vec::new();
    for name in &job.devices {
        let mut row = PrintingRow {
            job: job.number,
            title: title(job),
            device: name.guardian(),
            octets: None,
            since_ms: job.started_ms,
            stalled_ms: None,
            handles: Handles { job: Some(job.number), device: Some(name.clone()), ..Handles::default() },
        };
        // Another server is not asked: it may not answer, and nobody waits for a screen.
        if name.node().is_none() {
            // It may have been deleted meanwhile, or be none of the caller's business.
            let running = match spool.device(name.clone()) {
                Ok(status) => status.running.filter(|running| running.job == job.number),
                Err(failure) if is_of_object(&failure) => None,
                Err(failure) => return Err(failure),
            };
            if let Some(running) = running {
                row.octets = Some((running.octets, running.total_octets));
                row.since_ms = Some(running.since_ms);
                row.stalled_ms = running.stalled.map(|stalled| stalled.since_ms);
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn is_of_object(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::NotFound | FailureKind::Security)
}

fn waiting(job: &JobStatus) -> JobRow {
    let reasons: Vec<&str> = job.reasons.iter().map(|reason| reason.words()).collect();
    let state = match (job.state, reasons.as_slice()) {
        (JobState::Open, _) => "arriving".to_owned(),
        (JobState::Ready, _) => "ready".to_owned(),
        (JobState::Held, []) => "held".to_owned(),
        (JobState::Held, reasons) => format!("held: {}", reasons.join(", ")),
        (JobState::Paused, _) => "paused".to_owned(),
        (JobState::Retained, _) => "kept".to_owned(),
        (JobState::Terminating, _) => "is being removed".to_owned(),
        (JobState::Printing | JobState::Transferred, _) => "prints".to_owned(),
    };
    JobRow {
        job: job.number,
        title: title(job),
        destination: job.destination.to_string(),
        state,
        handles: Handles { job: Some(job.number), device: job.assigned.clone(), ..Handles::default() },
    }
}

/// Reads the locations, a page after the other, and keeps those that have jobs or printed some.
fn queues(spool: &mut dyn Operations, wanted: &Wanted, hour: &LastHour, desk: &mut Desk) -> Result<(), Failure> {
    let mut after: Option<LocationName> = None;
    while let Some(page) = seen(spool.locations(None, after.clone()), &mut desk.refused)? {
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        let busy = page.iter().filter(|one| one.jobs > 0 || hour.printed.contains_key(&key(&one.name)));
        desk.queues.extend(busy.map(|one| queue(one, hour, desk.looked_ms)));
    }
    for (name, group) in &hour.groups {
        desk.queues.push(QueueRow {
            name: format!("#{group}"),
            jobs: None,
            printed: hour.minutes(name, desk.looked_ms),
            location: None,
            handles: Handles::default(),
        });
    }
    desk.queues.sort_by(|one, other| {
        let order = |row: &QueueRow| (std::cmp::Reverse(row.jobs.unwrap_or(0)), std::cmp::Reverse(row.in_last_hour()));
        order(one).cmp(&order(other)).then_with(|| one.name.cmp(&other.name))
    });
    let most = wanted.rows as usize;
    desk.more_queues = desk.queues.len().saturating_sub(most);
    desk.queues.truncate(most);
    Ok(())
}

fn queue(status: &LocationStatus, hour: &LastHour, now_ms: i64) -> QueueRow {
    QueueRow {
        name: status.name.to_string(),
        jobs: Some(status.jobs),
        printed: hour.minutes(&key(&status.name), now_ms),
        location: Some(match status.kind {
            LocationKind::Location => Destination::Location(status.name.clone()),
            LocationKind::Logical | LocationKind::Outlet => Destination::Plain(status.name.clone()),
        }),
        handles: Handles { device: status.device.clone(), ..Handles::default() },
    }
}

fn key(name: &LocationName) -> String {
    name.to_string().to_lowercase()
}

/// Minutes that are remembered.
const MINUTES: i64 = 60;
const MINUTE_MS: i64 = 60_000;
/// A look at finished jobs that takes longer is not made again soon, in milliseconds.
const SLOW_MS: i64 = 100;
/// The most finished jobs that a look reads, in pages of a thousand.
const MOST_PAGES: usize = 5;

/// What was printed in the last hour, kept from one look to the next: a look reads only what has finished since.
#[derive(Debug, Default)]
pub struct LastHour {
    /// By queue, how many in which minute (since 1970).
    printed: HashMap<String, HashMap<i64, u32>>,
    /// The groups among the queues.
    groups: HashMap<String, String>,
    /// The last job that was read: when it ended, and its row.
    last: Option<(i64, i64)>,
    /// Since when everything is known, wall clock.
    known_ms: i64,
    /// How many jobs the spool had printed by then.
    counted: Option<u64>,
    /// Before this nothing is read again, wall clock.
    not_before_ms: i64,
}

impl LastHour {
    /// Reads what has finished since the last time. Nothing is read when the spool counts no more printed jobs than then.
    fn update(&mut self, spool: &mut dyn Operations, counted: u64, now_ms: i64) -> Result<(), Failure> {
        let begin_ms = now_ms - MINUTES * MINUTE_MS;
        let begin = begin_ms.div_euclid(MINUTE_MS);
        self.printed.retain(|_, minutes| {
            minutes.retain(|minute, _| *minute > begin);
            !minutes.is_empty()
        });
        self.groups.retain(|name, _| self.printed.contains_key(name));
        if self.counted == Some(counted) || now_ms < self.not_before_ms {
            return Ok(());
        }
        let began = Instant::now();
        let query = || Query { condition: Condition::Any, order: Order::Number, parts: Parts::JOB };
        let (mut after, mut found, mut whole) = (None, Vec::new(), false);
        // The first page is short: as a rule a few jobs have ended since.
        let mut limit = if self.last.is_some() { 100 } else { 1000 };
        for _ in 0..MOST_PAGES {
            let page = match spool.finished(query(), after, limit) {
                Ok(page) => page,
                Err(failure) if is_of_object(&failure) => return Ok(()),
                Err(failure) => return Err(failure),
            };
            limit = 1000;
            for job in page.rows {
                let place = (job.finished_ms, job.id.0);
                if job.finished_ms < begin_ms || self.last.is_some_and(|last| place <= last) {
                    whole = true;
                    break;
                }
                found.push(job);
            }
            after = page.next;
            whole |= after.is_none();
            if whole {
                break;
            }
        }
        if !whole {
            // There are more than are read: what is known begins with the oldest of these.
            self.printed.clear();
            self.groups.clear();
            self.known_ms = found.last().map_or(now_ms, |job| job.finished_ms);
        }
        for job in &found {
            let place = (job.finished_ms, job.id.0);
            self.last = Some(self.last.map_or(place, |last| last.max(place)));
            if job.outcome == "cancelled" {
                continue;
            }
            let name = match &job.destination {
                Destination::Location(name) | Destination::Plain(name) => key(name),
                Destination::Group(group) => {
                    let name = format!("#{group}").to_lowercase();
                    self.groups.insert(name.clone(), group.to_string());
                    name
                }
            };
            *self.printed.entry(name).or_default().entry(job.finished_ms.div_euclid(MINUTE_MS)).or_default() += 1;
        }
        self.counted = Some(counted);
        // Whoever sees few of the jobs has the spool pass over many: that is asked for rarely.
        let took = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.not_before_ms = if took < SLOW_MS { 0 } else { now_ms.saturating_add(took.saturating_mul(100)) };
        Ok(())
    }

    /// Returns how many jobs a queue printed in each of the last sixty minutes.
    fn minutes(&self, name: &str, now_ms: i64) -> Vec<Option<u32>> {
        let now = now_ms.div_euclid(MINUTE_MS);
        let of = self.printed.get(name);
        let known = self.known_ms.div_euclid(MINUTE_MS);
        let begin = now - MINUTES + 1;
        (begin..=now)
            .map(|minute| (minute >= known).then(|| of.and_then(|of| of.get(&minute)).copied().unwrap_or(0)))
            .collect()
    }
}

impl Desk {
    /// Whether the spooler works.
    pub fn is_active(&self) -> bool {
        self.state == SpoolerState::Active.word()
    }
}
