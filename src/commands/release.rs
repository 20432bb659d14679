//! Jobs that wait for their owners, in words and in JSON. Every language shows the same.
//!
//! | object | keys |
//! |---|---|
//! | list | `station` `printers` (each `printer` `queues` `valid-attributes` `trouble`) `jobs` `servers` (each `server` `answered` `why`) `only-here` `purged` |
//! | job | `job-number` `job-client-id` `job-identifier` `job-name` `user-name` `delegated` `of-other` `queue` `document-formats` `page-count` `octets` `submission-time` `expires` `attributes` `state` `job-state-reasons` `releasable` `printer` `correlation` `printers` |
//! | verdict of a printer | `printer` `verdict` `text` `attributes` |
//! | release | `job-number` `printer` `correlation` |
//! | line of the record | `id` `time` `correlation` `what` `who` `owner` `job-number` `station` `printer` `result` `digest` |

use serde_json::{Map, Value, json};

use super::why::utc;
use crate::model::ServerName;
use crate::model::lease::Answered;
use crate::model::secure::{
    AuditRecord, HeldElsewhere, HeldJob, HeldPage, PrinterVerdict, ReleaseState, Released, Verdict,
};

/// Returns what a printer makes of a job, in JSON.
pub fn verdict(one: &PrinterVerdict) -> Value {
    let mut object = Map::new();
    object.insert("printer".into(), one.printer.to_string().into());
    object.insert("verdict".into(), one.verdict.keyword().into());
    object.insert("text".into(), one.verdict.to_string().into());
    let missing = match &one.verdict {
        Verdict::Attributes(missing) => json!(missing),
        _ => Value::Null,
    };
    object.insert("attributes".into(), missing);
    Value::Object(object)
}

/// Returns a job in JSON. `of_other`: the station shows it though it is none of the caller's.
pub fn job(job: &HeldJob, of_other: bool) -> Value {
    json!({
        "job-number": job.number.get(),
        "job-client-id": job.local.0,
        "job-identifier": job.global.to_string(),
        "job-name": job.name,
        "user-name": job.owner,
        "delegated": job.delegated,
        "of-other": of_other,
        "queue": job.queue.to_string(),
        "document-formats": job.formats.iter().map(|format| format.keyword()).collect::<Vec<_>>(),
        "page-count": job.pages,
        "octets": job.octets,
        "submission-time": utc(job.submitted_ms),
        "expires": job.expires_ms.map_or(Value::Null, utc),
        "attributes": job.attributes,
        "state": job.state.keyword(),
        "job-state-reasons": job.reasons.iter().map(|reason| reason.keyword()).collect::<Vec<_>>(),
        "releasable": job.is_releasable_here(),
        "printer": job.printer,
        "correlation": job.correlation,
        "printers": job.verdicts.iter().map(verdict).collect::<Vec<_>>(),
    })
}

/// Returns a list in JSON: the jobs of all servers in one.
pub fn list(page: &HeldPage, elsewhere: &HeldElsewhere) -> Value {
    let printers = page.printers.iter().map(|printer| {
        json!({
            "printer": printer.name.to_string(),
            "queues": printer.queues.iter().map(|queue| queue.name.clone()).collect::<Vec<_>>(),
            "valid-attributes": printer.valid,
            "trouble": printer.trouble.as_ref().map(ToString::to_string),
        })
    });
    let own = all(page, elsewhere).into_iter().map(|one| job(one, false));
    let jobs = own.chain(page.others.iter().map(|one| job(one, true)));
    json!({
        "station": page.station.as_ref().map(|name| name.as_str()),
        "printers": printers.collect::<Vec<_>>(),
        "jobs": jobs.collect::<Vec<_>>(),
        "servers": elsewhere.servers.iter().map(server).collect::<Vec<_>>(),
        "only-here": elsewhere.only_here,
        "purged": page.purged,
    })
}

/// Returns the jobs of all servers in the order of submission.
pub fn all<'a>(page: &'a HeldPage, elsewhere: &'a HeldElsewhere) -> Vec<&'a HeldJob> {
    let mut jobs: Vec<&HeldJob> = page.rows.iter().chain(&elsewhere.rows).collect();
    // Those of one server stay as they are, whatever its clock did.
    jobs.sort_by_key(|job| job.submitted_ms);
    jobs
}

/// Returns whether a server answered, in JSON.
fn server((server, answered): &(ServerName, Answered)) -> Value {
    match answered {
        Answered::Yes => json!({ "server": server.to_string(), "answered": true }),
        Answered::No(why) => json!({ "server": server.to_string(), "answered": false, "why": why }),
    }
}

/// Says that a server did not answer.
pub fn silence(server: &ServerName, why: &str) -> String {
    format!("server {server} is not answering: jobs that it holds are not listed: {why}")
}

/// Says that nobody else was asked, because the station shows the jobs of everybody.
pub const ONLY_HERE: &str = "This station shows the jobs of all users; jobs that other servers hold are not shown.";

/// Says that jobs of his were removed.
pub fn purged(jobs: u32) -> String {
    match jobs {
        1 => "1 job of yours was removed within a day, because nobody released it in time.".to_owned(),
        jobs => format!("{jobs} jobs of yours were removed within a day, because nobody released them in time."),
    }
}

/// Returns a release in JSON.
pub fn released(done: &Released) -> Value {
    json!({
        "job-number": done.number.get(),
        "printer": done.printer.to_string(),
        "correlation": done.correlation,
    })
}

/// Returns a line of the record in JSON.
pub fn record(line: &AuditRecord) -> Value {
    json!({
        "id": line.id,
        "time": utc(line.at_ms),
        "correlation": line.correlation,
        "what": line.what,
        "who": line.who,
        "owner": line.owner,
        "job-number": line.number.map(crate::model::JobNumber::get),
        "station": line.station,
        "printer": line.printer,
        "result": line.result,
        "digest": line.digest,
    })
}

/// Says how a job stands for whoever is at the station.
pub fn words(job: &HeldJob) -> String {
    let at = || job.printer.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    match job.state {
        ReleaseState::Released => return format!("released{}, waits there", at()),
        ReleaseState::Printing => return format!("prints{}", at()),
        ReleaseState::Begun => return format!("begun{}, may have printed", at()),
        ReleaseState::Expired => return "expired".to_owned(),
        ReleaseState::Blocked => {
            let words: Vec<&str> = job
                .reasons
                .iter()
                .filter(|reason| *reason != crate::model::state::HoldReason::SecureRelease)
                .map(|reason| reason.words())
                .collect();
            return match words.is_empty() {
                true => "paused, or still arriving".to_owned(),
                false => format!("kept back: {}", words.join("; ")),
            };
        }
        ReleaseState::Waiting | ReleaseState::Kept | ReleaseState::MayHavePrinted => {}
    }
    let before = match job.state {
        ReleaseState::Kept => "printed already; ",
        ReleaseState::MayHavePrinted => "may have printed; ",
        _ => "",
    };
    let printers: Vec<String> = match job.first_printer() {
        Some(_) => {
            let here = job.verdicts.iter().filter(|one| one.verdict.is_here());
            let names: Vec<String> = here.map(|one| one.printer.to_string()).collect();
            return format!("{before}releasable here ({})", names.join(", "));
        }
        None => job.verdicts.iter().map(|one| format!("{}: {}", one.printer, one.verdict)).collect(),
    };
    match printers.is_empty() {
        true => format!("{before}waits for its release"),
        false => format!("{before}{}", printers.join("; ")),
    }
}

/// Says how long is left until `at_ms`.
pub fn left(at_ms: Option<i64>, now_ms: i64) -> String {
    let Some(at_ms) = at_ms else { return "-".to_owned() };
    let seconds = at_ms.saturating_sub(now_ms) / 1000;
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    match (seconds, hours, minutes) {
        (..=0, ..) => "now".to_owned(),
        (..60, ..) => "in less than 1 min".to_owned(),
        (_, 0, minutes) => format!("in {minutes} min"),
        (_, hours, 0) => format!("in {hours} h"),
        (_, hours, minutes) => format!("in {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_never_said_to_be_longer_than_it_is() {
        let said = |seconds: i64| left(Some(seconds * 1000), 0);
        assert_eq!(said(7200), "in 2 h");
        assert_eq!(said(7199), "in 1 h 59 min");
        assert_eq!(said(3599), "in 59 min");
        assert_eq!(said(59), "in less than 1 min");
        assert_eq!((said(0), said(-5)), ("now".to_owned(), "now".to_owned()));
        assert_eq!(left(None, 0), "-");
    }
}
