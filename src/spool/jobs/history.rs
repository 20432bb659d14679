//! Finished jobs: listing them, and finding one among the living and the finished.
//!
//! A job is a row of the queue or a row of the history, never both: the transaction that ends it moves it
//! ([`Spool::finish`]), so a crash leaves it in one of the two places. Nothing here changes the history. Print
//! processes prune it as they work: it keeps 30 days, and at most the last 1,000,000 jobs.
//!
//! Who may: whoever saw the living job sees the finished one ([`super::visible`]). A job number may belong to a living job again; the identity, the serial and
//! the global name are never used again. [`Spool::job_ever`] therefore prefers the living job.

use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object::Object;
use crate::model::Call;
use crate::model::event::EventWord;
use crate::model::finished::FinishedStatus;
use crate::model::query::{Condition, Cursor, Page};
use crate::model::summary::JobSummary;
use crate::model::time::Moment;
use crate::model::{GlobalJobId, JobId, JobRef};
use crate::store::event::Object as Subject;
use crate::store::finished::FinishedRow;
use crate::store::{self, Fallible, Tx};

use super::visible::Visible;
use crate::spool::Spool;

impl Spool {
    /// Returns one page of the finished jobs that satisfy `condition`; those that ended last come first.
    pub(crate) fn finished(
        &self,
        call: &Call,
        condition: &Condition,
        after: Option<Cursor>,
        limit: u32,
    ) -> Fallible<Page<FinishedStatus>> {
        super::actions::demand_bounded(condition)?;
        let uid = call.caller()?.uid;
        let limit = limit.clamp(1, crate::model::query::PAGE);
        self.look(call, |tx| {
            let mut visible = Visible::of(tx)?;
            let filter = Filter::new(condition, Class::Job);
            // An index finds a job that the condition names. All others are read in the order in which they ended.
            if let Some(job) = named(condition) {
                let row = store::finished::by_ref(tx, job, uid, self.server().as_str())?;
                if let Some(row) = &row {
                    visible.demand(tx, job, row.owner_uid, &row.destination)?;
                }
                let rows = row.map(|row| self.finished_status(row)).transpose()?.into_iter();
                let rows = rows.filter(|job| filter.takes(&Object::Finished(job), uid)).collect();
                return Ok(Page { rows, next: None });
            }
            let mut rows = Vec::new();
            let mut at = after.and_then(|cursor| Some((*cursor.key.first()?, cursor.job)));
            loop {
                let found = store::finished::list(tx, user(condition), at, limit)?;
                let exhausted = (found.len() as u32) < limit;
                for row in found {
                    at = Some((row.finished_ms, row.id));
                    if !visible.sees(tx, row.owner_uid, &row.destination)? {
                        continue;
                    }
                    let job = self.finished_status(row)?;
                    if filter.takes(&Object::Finished(&job), uid) {
                        rows.push(job);
                    }
                    if rows.len() as u32 == limit {
                        return Ok(Page { rows, next: at.map(|(ms, job)| Cursor { key: vec![ms], job }) });
                    }
                }
                if exhausted {
                    return Ok(Page { rows, next: None });
                }
            }
        })
    }

    /// Returns one page of the jobs that left the spool after a place: an age of the spool, and a job. Each with its place, and the page
    /// in their order.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn ended_after(&self, after: (i64, JobId)) -> Fallible<Vec<((i64, JobId), JobSummary)>> {
        self.look(&Call::timeless(), |tx| {
            let mut page = Vec::new();
            for row in store::finished::since(tx, after)? {
                let begins = [EventWord::Claimed, EventWord::HandedOver];
                let claimed = store::event::last(tx, Subject::Job(row.id), &begins)?;
                let claimed = claimed.filter(|_| row.device.is_some());
                let begun_ms = claimed.map_or(row.finished_ms, |event| event.at_ms);
                let span = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
                let summary = JobSummary {
                    job: row
                        .origin
                        .unwrap_or_else(|| GlobalJobId { server: self.server().clone(), serial: row.serial }),
                    owner: row.owner,
                    queue: row.destination.group().to_string(),
                    device: row.device.map(|device| device.to_string()),
                    octets: row.octets,
                    pages: row.pages,
                    outcome: row.outcome,
                    waiting_ms: span(row.created_ms, begun_ms),
                    printing_ms: span(begun_ms, row.finished_ms),
                };
                page.push(((row.finished_spool, row.id), summary));
            }
            Ok(page)
        })
    }

    /// Returns the age of the spool in milliseconds.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn age_ms(&self, now: &Moment) -> Fallible<i64> {
        self.look(&Call::of_spooler(now), |tx| Ok(store::spool::seen_time(tx)?.0))
    }

    /// Returns the identity of a job, living or finished.
    pub(crate) fn job_ever(&self, tx: &Tx<'_>, job: &JobRef) -> Fallible<JobId> {
        let (uid, server) = (tx.caller()?.uid, self.server().as_str());
        if let Some(row) = store::job::by_ref(tx, job, uid, server)? {
            Visible::of(tx)?.demand_job(tx, job, &row)?;
            return Ok(row.id);
        }
        let row = store::finished::by_ref(tx, job, uid, server)?.ok_or_else(|| super::actions::not_found(job))?;
        Visible::of(tx)?.demand(tx, job, row.owner_uid, &row.destination)?;
        Ok(row.id)
    }

    fn finished_status(&self, row: FinishedRow) -> Fallible<FinishedStatus> {
        Ok(FinishedStatus {
            id: row.id,
            number: row.number,
            local: row.local,
            global: GlobalJobId { server: self.server().clone(), serial: row.serial },
            name: row.name,
            owner: row.owner,
            owner_uid: row.owner_uid,
            user_name: row.user_name,
            destination: row.destination,
            device: row.device,
            outcome: row.outcome,
            octets: row.octets,
            pages: row.pages,
            documents: row.documents,
            created_ms: row.created_ms,
            finished_ms: row.finished_ms,
            carried: row.carried,
        })
    }
}

/// Returns the only job that a condition can hold for, if it names one.
fn named(condition: &Condition) -> Option<&JobRef> {
    match condition {
        Condition::Job(job) => Some(job),
        Condition::All(parts) => parts.iter().find_map(named),
        _ => None,
    }
}

/// Returns the only submitter that a condition can hold for, if it names one.
fn user(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::UserName(user) => Some(user),
        Condition::All(parts) => parts.iter().find_map(user),
        _ => None,
    }
}
