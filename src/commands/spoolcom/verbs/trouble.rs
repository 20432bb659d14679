//! CHECK DEV, JOB, QUEUE, SPACE and DUPLICATES: lists of trouble.
//!
//! DEV and JOB show what CHECK counts, by the same look, which costs the same among a million jobs. QUEUE and SPACE add up all
//! jobs: they read the jobs once, a page at a time, and hold a line for each destination and owner. DUPLICATES reads an index
//! of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::commands::health;
use crate::commands::shell::Exit;
use crate::commands::spoolcom::language::messages::Message;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::{self, Times, utc};
use crate::model::job::{JobStatus, Transfer};
use crate::model::printable::{self, escaped};
use crate::model::query::{Condition, Order, PAGE, Parts, Query};
use crate::model::state::JobState;
use crate::model::{Failure, JobRef};

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Print processes, devices and locations in trouble.
    Dev,
    /// Jobs that wait for a person, each with its WHY.
    Job,
    /// Waiting jobs by destination and age.
    Queue,
    /// Who fills the disk.
    Space,
    /// What may have come out twice.
    Duplicates,
}

/// The lists with their words.
const LISTS: [(&str, List); 5] = [
    ("DEV", List::Dev),
    ("DUPLICATES", List::Duplicates),
    ("JOB", List::Job),
    ("QUEUE", List::Queue),
    ("SPACE", List::Space),
];

/// The ages of QUEUE in minutes: a column holds what is younger, the last one the rest.
const AGES: [i64; 9] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];
/// So many owners and destinations SPACE names.
const LARGEST: usize = 10;

/// Reads which list a CHECK command means; none is the check itself.
pub fn list(command: &Command) -> Result<Option<List>, Mistake> {
    let Some(name) = command.name() else { return Ok(None) };
    let found = LISTS.iter().find(|row| row.0.eq_ignore_ascii_case(&name.value));
    found.map(|row| Some(row.1)).ok_or_else(|| {
        let words: Vec<&str> = LISTS.iter().map(|row| row.0).collect();
        Mistake::new(Message::Syntax, name.span, format!("expected one of {}, or nothing", words.join(", ")))
    })
}

/// Shows a list; the status is 0 when nothing is in trouble, and 1 when something is. QUEUE, SPACE and DUPLICATES are no
/// trouble.
pub fn run(list: List, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let (lines, object, trouble) = match list {
        List::Dev => devices(session)?,
        List::Job => jobs(session)?,
        List::Queue => queues(session)?,
        List::Space => space(session)?,
        List::Duplicates => duplicates(session)?,
    };
    if session.json {
        writeln!(session.out, "{}", printable::json(&object.to_string()))?;
    } else {
        lines.iter().try_for_each(|line| writeln!(session.out, "{line}"))?;
    }
    if trouble { Err(EarlyEnd::Reported(Exit::Failed)) } else { Ok(()) }
}

/// Lines, JSON, and whether it is trouble.
type Shown = (Vec<String>, Value, bool);

fn devices(session: &mut Session<'_>) -> Result<Shown, EarlyEnd> {
    let found = session.spool()?.health()?;
    let times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
    let mut findings = health::findings(&found, &times);
    findings.retain(|one| matches!(one.kind, "process" | "device" | "location"));
    let object = health::object(&found, &findings);
    let lines = match findings.is_empty() {
        true => vec!["well: no print process, device or location is in trouble".to_owned()],
        false => findings.iter().map(health::line).collect(),
    };
    Ok((lines, object["findings"].clone(), !findings.is_empty()))
}

fn jobs(session: &mut Session<'_>) -> Result<Shown, EarlyEnd> {
    let times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
    let spool = session.spool()?;
    let found = spool.health()?;
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for (number, _) in &found.attention {
        // It may have gone since.
        let (Ok(job), Ok(why)) = (spool.job(JobRef::Number(*number)), spool.why(JobRef::Number(*number))) else {
            continue;
        };
        let words: Vec<String> = why.causes.iter().map(|cause| why::words(cause, &times)).collect();
        let (owner, to) = (escaped(&job.owner), escaped(&job.destination.to_string()));
        lines.push(format!("JOB {number} of {owner} to {to}: {}", words.join("; also ")));
        rows.push(json!({
            "job-number": number.get(), "owner": job.owner, "destination": job.destination.to_string(),
            "since": utc(job.created_ms), "why": words,
        }));
    }
    let more = u64::from(found.attention_count).saturating_sub(found.attention.len() as u64);
    if more > 0 {
        lines.push(format!("{more} more wait for a person; spoolcom --state hold JOB   shows all that are held"));
    }
    let trouble = found.attention_count > 0;
    if !trouble {
        lines.push("well: no job waits for a person".to_owned());
    }
    Ok((lines, json!({ "jobs": rows, "more": more }), trouble))
}

/// Gives all jobs to `take`, with these parts of them, a page at a time.
fn every_job(session: &mut Session<'_>, parts: Parts, mut take: impl FnMut(&JobStatus)) -> Result<(), Failure> {
    let spool = session.spool()?;
    let mut after = None;
    loop {
        let query = Query { condition: Condition::Any, order: Order::Schedule, parts };
        let page = spool.jobs(query, after, PAGE)?;
        page.rows.iter().for_each(&mut take);
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn queues(session: &mut Session<'_>) -> Result<Shown, EarlyEnd> {
    let now_ms = session.now_ms;
    let mut queues: BTreeMap<String, ([u64; AGES.len() + 1], i64)> = BTreeMap::new();
    every_job(session, Parts::JOB, |job| {
        if job.state == JobState::Ready {
            let minutes = (now_ms - job.created_ms) / 60_000;
            let column = AGES.iter().position(|age| minutes < *age).unwrap_or(AGES.len());
            let queue = queues.entry(job.destination.to_string()).or_insert(([0; AGES.len() + 1], job.created_ms));
            queue.0[column] += 1;
            queue.1 = queue.1.min(job.created_ms);
        }
    })?;
    let mut rows: Vec<_> = queues.into_iter().collect();
    rows.sort_by(|a, b| a.1.1.cmp(&b.1.1).then_with(|| a.0.cmp(&b.0)));
    let wide = rows.iter().map(|row| escaped(&row.0).chars().count()).max().unwrap_or(0).max("DESTINATION".len());
    let head: String = AGES.iter().map(|age| format!("{age:>6}")).collect();
    let mut lines = vec![format!("{:<wide$}{:>7}{head} {:>5}", "DESTINATION", "JOBS", "1280+")];
    for (name, (counts, _)) in &rows {
        let cells: String = counts.iter().map(|n| format!("{n:>6}")).collect();
        lines.push(format!("{:<wide$}{:>7}{cells}", escaped(name), counts.iter().sum::<u64>()));
    }
    let object = rows.iter().map(|(name, (counts, oldest))| {
        let ages: serde_json::Map<String, Value> = AGES
            .iter()
            .map(|age| format!("under-{age}"))
            .chain(["older".to_owned()])
            .zip(counts.iter().map(|n| json!(n)))
            .collect();
        json!({ "destination": name, "jobs": counts.iter().sum::<u64>(), "oldest": utc(*oldest), "minutes": ages })
    });
    Ok((lines, object.collect(), false))
}

/// So many jobs that may have come out twice are shown, those that did so last first.
const DOUBTFUL: u32 = 200;

fn duplicates(session: &mut Session<'_>) -> Result<Shown, EarlyEnd> {
    let times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
    let (found, _) = session.spool()?.duplicates(None, DOUBTFUL)?;
    let mut lines: Vec<String> = found
        .iter()
        .map(|one| {
            let device = one.device.as_ref().map_or_else(String::new, |device| format!(" on {}", device.guardian()));
            let state = if one.finished { ", which is finished" } else { "" };
            let text = format!(
                "{} JOB {} of {} to {}{device}{state}: {}",
                times.full(one.at_ms),
                one.number,
                one.owner,
                one.destination,
                one.why
            );
            escaped(&text)
        })
        .collect();
    if lines.is_empty() {
        lines.push("nothing is known to have come out twice".to_owned());
    }
    let rows = found.iter().map(|one| {
        json!({
            "job-number": one.number.get(),
            "owner": one.owner,
            "destination": one.destination.to_string(),
            "device": one.device.as_ref().map(|device| device.guardian()),
            "finished": one.finished,
            "time": utc(one.at_ms),
            "why": one.why,
        })
    });
    Ok((lines, rows.collect(), false))
}

/// How many jobs and octets there are of each name.
type Sums = BTreeMap<String, (u64, u64)>;

fn space(session: &mut Session<'_>) -> Result<Shown, EarlyEnd> {
    let about = session.spool()?.about()?;
    let mut groups: [(&str, Sums); 3] =
        [("owner", BTreeMap::new()), ("destination", BTreeMap::new()), ("state", BTreeMap::new())];
    // Documents that are linked lie where their owners have them: they take no room here.
    let mut linked = (0, 0);
    every_job(session, Parts::DOCUMENTS, |job| {
        let links = job.documents.iter().filter(|one| one.transfer == Transfer::Link).map(|one| one.octets).sum();
        let state = match job.state {
            JobState::Held | JobState::Paused => "held",
            JobState::Retained => "retained",
            JobState::Printing | JobState::Transferred | JobState::Terminating => "printing",
            JobState::Open | JobState::Ready => "waiting",
        };
        for ((_, sums), key) in
            groups.iter_mut().zip([job.owner.clone(), job.destination.to_string(), state.to_owned()])
        {
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + 1, sum.1 + job.total_octets.saturating_sub(links));
        }
        if links > 0 {
            linked = (linked.0 + 1, linked.1 + links);
        }
    })?;
    let (total, free) = about.space.disk.unzip();
    let number = |n: Option<u64>| n.map_or_else(|| "an unknown number".to_owned(), |n| n.to_string());
    let copies = about.space.copy_octets;
    let mut lines = vec![format!(
        "disk: {} of {} octets are free; the copies of documents take {copies}",
        number(free),
        number(total)
    )];
    if linked.0 > 0 {
        lines.push(format!("linked: {} octets in {} jobs, which take no room here", linked.1, linked.0));
    }
    let mut object = json!({ "linked-octets": linked.1, "linked-jobs": linked.0, "free-octets": free, "total-octets": total, "copy-octets": copies });
    for (what, sums) in groups {
        let mut rows: Vec<_> = sums.into_iter().collect();
        rows.sort_by(|a, b| b.1.1.cmp(&a.1.1).then_with(|| a.0.cmp(&b.0)));
        for (name, (jobs, octets)) in rows.iter().take(LARGEST) {
            lines.push(format!("{what} {}: {octets} octets in {jobs} jobs", escaped(name)));
        }
        if rows.len() > LARGEST {
            lines.push(format!("{} more of these", rows.len() - LARGEST));
        }
        let rows = rows.iter().take(LARGEST);
        object[format!("by-{what}")] =
            rows.map(|(name, (jobs, octets))| json!({ "name": name, "jobs": jobs, "octets": octets })).collect();
    }
    Ok((lines, object, false))
}
