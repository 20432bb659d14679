//! Finished jobs: listing them, and finding one among the living and the finished.

use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object::Object;
use crate::model::Call;
use crate::model::finished::FinishedStatus;
use crate::model::location::Destination;
use crate::model::query::{Condition, Cursor, Page};
use crate::model::{GlobalJobId, GroupName, JobId, JobRef, LocationPattern};
use crate::store::finished::FinishedRow;
use crate::store::{self, Fallible, Tx};

use crate::spool::Spool;

impl Spool {
    /// Finished jobs that satisfy `condition`, those that ended last first.
    pub(crate) fn finished(
        &self,
        call: &Call,
        condition: &Condition,
        after: Option<Cursor>,
        limit: u32,
    ) -> Fallible<Page<FinishedStatus>> {
        let uid = call.caller()?.uid;
        let limit = limit.clamp(1, crate::model::query::PAGE);
        let filter = Filter::new(condition, Class::Job);
        self.look(call, |tx| {
            // One that is named is found by an index, the others in the order of their ends.
            if let Some(job) = named(condition) {
                let row = store::finished::by_ref(tx, job, uid, self.server().as_str())?;
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

    /// The identity of a job, living or finished.
    pub(crate) fn job_ever(&self, tx: &Tx<'_>, job: &JobRef) -> Fallible<JobId> {
        let (uid, server) = (tx.caller()?.uid, self.server().as_str());
        if let Some(row) = store::job::by_ref(tx, job, uid, server)? {
            return Ok(row.id);
        }
        let row = store::finished::by_ref(tx, job, uid, server)?;
        Ok(row.ok_or_else(|| super::actions::not_found(job))?.id)
    }

    fn finished_status(&self, row: FinishedRow) -> Fallible<FinishedStatus> {
        let destination = match row.destination {
            LocationPattern::One(name) => Destination::Location(name),
            LocationPattern::Group(group) => Destination::Group(group),
            LocationPattern::EveryGroup(dest) => Destination::Group(dest.as_str().parse::<GroupName>()?),
        };
        Ok(FinishedStatus {
            id: row.id,
            number: row.number,
            local: row.local,
            global: GlobalJobId { server: self.server().clone(), serial: row.serial },
            name: row.name,
            owner: row.owner,
            owner_uid: row.owner_uid,
            user_name: row.user_name,
            destination,
            device: row.device,
            outcome: row.outcome,
            octets: row.octets,
            pages: row.pages,
            documents: row.documents,
            created_ms: row.created_ms,
            finished_ms: row.finished_ms,
        })
    }
}

/// The one job that a condition can hold for, if it says so.
fn named(condition: &Condition) -> Option<&JobRef> {
    match condition {
        Condition::Job(job) => Some(job),
        Condition::All(parts) => parts.iter().find_map(named),
        _ => None,
    }
}

/// The one identity that a condition can hold for, if it says so.
fn user(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::UserName(user) => Some(user),
        Condition::All(parts) => parts.iter().find_map(user),
        _ => None,
    }
}
