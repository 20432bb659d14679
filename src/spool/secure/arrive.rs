//! Arriving in a secure queue, and leaving it unreleased.

use crate::model::event::{EventDetail, EventWord};
use crate::model::field::Value;
use crate::model::job::Transfer;
use crate::model::lifetime::Retention;
use crate::model::secure::{USUAL_PURGE_MINUTES, USUAL_WARNING_MINUTES};
use crate::model::state::{HoldReason, HoldReasons};
use crate::model::time::SpoolTime;
use crate::model::{Failure, FailureKind, GroupId};
use crate::store::event::{Object, record, record_with};
use crate::store::job::JobRow;
use crate::store::managed::Holder;
use crate::store::secure::SecureRow;
use crate::store::{self, Fallible, Tx};

use super::encrypt::demand_encrypted;
use super::given;
use super::people::name_of;
use super::record::Act;
use crate::spool::Spool;

/// The attribute that says whether copies are encrypted.
const ENCRYPTS: &str = "encrypt-at-rest";

/// What a secure queue says of its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecureQueue {
    group: GroupId,
    /// Minutes for which they can be released.
    purge: i64,
    /// Minutes before its end at which somebody is told.
    warning: i64,
    /// Minutes for which they are kept when they have printed.
    keep: Option<u32>,
    /// Whether copies are encrypted on disk.
    encrypts: bool,
}

/// Returns what a queue says of its jobs, if it is secure.
pub(crate) fn secure_queue(tx: &Tx<'_>, group: GroupId) -> Fallible<Option<SecureQueue>> {
    let Some(field) = crate::model::field::Field::from_stored("release-type") else { return Ok(None) };
    // Most queues say nothing of it, and nothing more is read for them.
    match store::managed::value(tx, Holder::Group(group), field)? {
        Some(Value::Text(word)) if word == "secure" => {}
        _ => return Ok(None),
    }
    let values = store::managed::of(tx, Holder::Group(group))?;
    let minutes = |name: &str| match given(&values, name) {
        Some(Value::Integer(minutes)) => Some(minutes),
        _ => None,
    };
    let keep = minutes("keep-after-release").and_then(|minutes| u32::try_from(minutes).ok()).filter(|n| *n > 0);
    let purge = minutes("purge-time").unwrap_or(USUAL_PURGE_MINUTES);
    let warning = minutes("purge-warning").unwrap_or(USUAL_WARNING_MINUTES);
    let encrypts = given(&values, ENCRYPTS) != Some(Value::Boolean(false));
    Ok(Some(SecureQueue { group, purge, warning, keep, encrypts }))
}

impl SecureQueue {
    /// Whether copies of its jobs are encrypted on disk.
    pub(crate) fn encrypts(&self) -> bool {
        self.encrypts
    }

    /// Until when a job can be released that arrives now.
    pub(super) fn due(&self, tx: &Tx<'_>) -> Fallible<SpoolTime> {
        Ok(SpoolTime(store::spool::time(tx)?.0.saturating_add(self.purge.saturating_mul(60_000))))
    }

    /// When somebody is told that a job is removed soon which is removed at `due`. One that has so little time is not worth it.
    pub(super) fn warning(&self, due: SpoolTime) -> Option<SpoolTime> {
        let before = self.warning.saturating_mul(60_000);
        (0 < self.warning && self.warning < self.purge).then(|| SpoolTime(due.0.saturating_sub(before)))
    }

    /// How long a job is kept that says nothing of it.
    pub(crate) fn retention(&self, said: Option<Retention>) -> Option<Retention> {
        said.or_else(|| self.keep.map(Retention::Period))
    }
}

/// Refuses links where a queue is secure: it is to have the only copy.
pub(crate) fn demand_copies(
    queue: Option<&SecureQueue>,
    mut transfers: impl Iterator<Item = Transfer>,
) -> Fallible<()> {
    if queue.is_some() && transfers.any(|transfer| transfer == Transfer::Link) {
        let why = "its queue is secure, and takes no links: what is printed must be what was submitted, and lies encrypted until then";
        return Err(Failure::new(FailureKind::BadValue, why).hint("submit it without -l, so that it is copied"));
    }
    Ok(())
}

impl Spool {
    /// Has a job wait for its owner that has arrived in a secure queue, held already.
    pub(crate) fn arrived(&self, tx: &Tx<'_>, job: &JobRow, queue: &SecureQueue) -> Fallible<()> {
        // It was sent on to the queue while it was still arriving.
        if store::secure::of_job(tx, job.id)?.is_some() {
            return Ok(());
        }
        let owner = self.directory(tx)?.owner(&name_of(job.owner_uid, &job.user_name));
        // A name that cannot be an identity is nobody's: the job is purged, or an operator removes it.
        let owner = owner.map_or_else(String::new, |owner| owner.identity.key());
        let due = queue.due(tx)?;
        let row = SecureRow {
            job: job.id,
            group: queue.group,
            owner,
            due: Some(due),
            warn: queue.warning(due),
            releases: 0,
            station: None,
            device: None,
        };
        store::secure::insert(tx, &row)?;
        let why = format!("it can be released for {}", minutes(queue.purge));
        record_with(tx, Object::Job(job.id), EventWord::Held, EventDetail::Hold(HoldReason::SecureRelease), &why)?;
        self.write_release(tx, job, &row, Act { what: "hold", station: None, printer: None, result: "ok" })
    }

    /// Holds a job that was sent on to a secure queue, unless it waits for its owner already. Returns what holds it then.
    pub(crate) fn sent_on(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<HoldReasons> {
        let Some(queue) = secure_queue(tx, job.group)? else { return Ok(job.reasons) };
        if store::secure::of_job(tx, job.id)?.is_some() {
            return Ok(job.reasons);
        }
        let documents = store::document::of_job(tx, job.id)?;
        demand_copies(Some(&queue), documents.iter().map(|document| document.transfer))?;
        if queue.encrypts {
            demand_encrypted(tx, job, &documents)?;
        }
        let reasons = job.reasons.with(HoldReason::SecureRelease);
        store::job::set_reasons(tx, job.id, reasons, None)?;
        self.arrived(tx, job, &queue)?;
        Ok(reasons)
    }

    /// Tells whoever wants to know it that a job is removed soon.
    pub(crate) fn warn_of_purge(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<()> {
        store::secure::was_warned(tx, job.id)?;
        let Some(due) = store::secure::of_job(tx, job.id)?.and_then(|row| row.due) else { return Ok(()) };
        let left = due.0.saturating_sub(store::spool::time(tx)?.0).max(0) / 60_000;
        // After a time in which nobody looked it is removed at once, and that is told.
        if left == 0 {
            return Ok(());
        }
        let why = format!("it is removed in {} unless it is released at a station", minutes(left));
        record(tx, Object::Job(job.id), EventWord::Expires, &why)
    }

    /// Removes a job that nobody has released in time. Returns the files to erase after the commit.
    pub(crate) fn purge(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<Vec<String>> {
        let Some(row) = store::secure::of_job(tx, job.id)? else { return Ok(Vec::new()) };
        record(tx, Object::Job(job.id), EventWord::Deleted, "nobody released it in time: its purge time is over")?;
        self.write_release(tx, job, &row, Act { what: "purge", station: None, printer: None, result: "ok" })?;
        // What was paid for it, before it came back unprinted, is given back.
        super::record::settle(tx, job, &self.correlation(job), false)?;
        store::secure::forget(tx, job.id)?;
        Self::finish(tx, job, None, "cancelled")
    }
}

fn minutes(n: i64) -> String {
    if n == 1 { "1 minute".to_owned() } else { format!("{n} minutes") }
}
