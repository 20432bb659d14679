//! The record of releases: who did what with which job, where, and what came of it.
//!
//! A line is written in the transaction that does what it tells. All lines about one job carry the same correlation, which is
//! the global name of the job, so that the servers that take part write the same one.

use crate::model::Call;
use crate::model::secure::AuditPage;
use crate::model::state::{HoldReason, HoldReasons};
use crate::store::job::JobRow;
use crate::store::secure::{Line, SecureRow};
use crate::store::{self, Fallible, Tx};

use super::people::Reach;
use crate::spool::Spool;

/// What was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act<'a> {
    /// One of [`crate::model::secure::AUDITED`].
    pub(super) what: &'a str,
    pub(super) station: Option<&'a str>,
    pub(super) printer: Option<&'a str>,
    /// `ok`, or the keyword of the refusal.
    pub(super) result: &'a str,
}

/// Writes what became of a job of a secure queue at its end, or of one of another server that was released here; of any other
/// job nothing. `outcome` is its word in the history.
pub(crate) fn ended(tx: &Tx<'_>, job: &JobRow, outcome: &str, device: Option<&str>) -> Fallible<()> {
    let row = store::secure::of_job(tx, job.id)?;
    let printed = matches!(outcome, "sent" | "transferred" | "confirmed");
    let what = match outcome {
        _ if printed => "print",
        // It was handed in only to be kept.
        "kept" => return Ok(()),
        _ if row.is_none() => "abort",
        _ => "delete",
    };
    let correlation = match &job.origin {
        Some(origin) => origin.to_string(),
        None => format!("{}:{:010}", store::spool::row(tx)?.server, job.serial.0),
    };
    let (owner, station, printer) = match row {
        Some(row) => (row.owner, row.station, row.device),
        // Few jobs of other servers were released here.
        None if job.origin.is_none() => return Ok(()),
        None => match store::secure::last_of(tx, &correlation)? {
            // It had printed, and stayed after that.
            Some(line) if !printed && line.what == "print" => return Ok(()),
            Some(line) => (line.owner, line.station, line.printer),
            None => return Ok(()),
        },
    };
    settle(tx, job, &correlation, printed)?;
    let line = Line {
        correlation: &correlation,
        what,
        owner: &owner,
        number: Some(job.number),
        station: station.as_deref(),
        printer: device.or(printer.as_deref()),
        result: if printed { outcome } else { "ok" },
    };
    store::secure::add(tx, line)
}

/// Settles what was paid for a job that ends here, or goes to another server. What has printed is not given back, and neither is what
/// was stopped in the middle: something of it may be on paper.
pub(crate) fn settle(tx: &Tx<'_>, job: &JobRow, correlation: &str, printed: bool) -> Fallible<()> {
    // Most jobs were paid for by nobody.
    if !store::charge::is_paid(tx, correlation)? {
        return Ok(());
    }
    let on_paper = printed || store::entry::of_job(tx, job.id)?.iter().any(|entry| entry.duplicate);
    store::charge::settle(tx, correlation, on_paper)
}

/// Writes that a job has printed which stays, held by `reasons`. Returns what holds it: one release prints once, so a job of a secure
/// queue waits for its owner again.
pub(crate) fn printed_and_held(
    tx: &Tx<'_>,
    job: &JobRow,
    reasons: HoldReasons,
    (outcome, device): (&str, Option<&str>),
) -> Fallible<HoldReasons> {
    ended(tx, job, outcome, device)?;
    Ok(match store::secure::of_job(tx, job.id)? {
        Some(_) => reasons.with(HoldReason::SecureRelease),
        None => reasons,
    })
}

/// Writes that a job of a secure queue came back unprinted, or perhaps printed, from the server that had claimed it.
pub(crate) fn came_back(tx: &Tx<'_>, job: &JobRow, result: &str) -> Fallible<()> {
    let Some(row) = store::secure::of_job(tx, job.id)? else { return Ok(()) };
    let correlation = format!("{}:{:010}", store::spool::row(tx)?.server, job.serial.0);
    let line = Line {
        correlation: &correlation,
        what: "abort",
        owner: &row.owner,
        number: Some(job.number),
        station: row.station.as_deref(),
        printer: row.device.as_deref(),
        result,
    };
    store::secure::add(tx, line)
}

impl Spool {
    /// What ties together what is recorded of a job.
    pub(super) fn correlation(&self, job: &JobRow) -> String {
        self.global_of(job).to_string()
    }

    pub(super) fn write_release(&self, tx: &Tx<'_>, job: &JobRow, row: &SecureRow, act: Act<'_>) -> Fallible<()> {
        let correlation = self.correlation(job);
        let line = Line {
            correlation: &correlation,
            what: act.what,
            owner: &row.owner,
            number: Some(job.number),
            station: act.station,
            printer: act.printer,
            result: act.result,
        };
        store::secure::add(tx, line)
    }

    /// Returns lines of the record after the one with the place `after`: all of them for whoever the spool trusts, those about
    /// his own jobs for everybody else.
    pub(crate) fn release_record(&self, call: &Call, after: i64, limit: u32) -> Fallible<AuditPage> {
        self.look(call, |tx| {
            let caller = tx.caller()?;
            let limit = limit.clamp(1, crate::model::query::PAGE);
            let own = match store::spool::row(tx)?.trust.trusts(caller) {
                true => None,
                false => Some(Reach::of(&self.directory(tx)?, caller).own),
            };
            let rows = store::secure::records(tx, own.as_deref(), after, limit)?;
            Ok(AuditPage { more: rows.len() as u32 == limit, rows })
        })
    }
}
