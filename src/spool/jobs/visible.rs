//! Which jobs a caller sees.
//!
//! Users see their own jobs; operators, the creator of the spool and, with MGRACCESS, a manager of the owner's group see
//! others' too. Numbers, sizes and places of all jobs are no secret: everybody may know how many wait before his own.
//! Nothing here is stored: a right that is given or taken holds from the next question on.

use std::collections::BTreeMap;

use crate::model::authority::{Caller, Right, Trust};
use crate::model::job::JobStatus;
use crate::model::query::Condition;
use crate::model::{Failure, JobRef};
use crate::store::{self, Fallible, Tx};
use crate::sys::users;

/// What one caller sees, for one look.
pub(crate) struct Visible {
    caller: Caller,
    trust: Trust,
    /// What was found out about owners.
    known: BTreeMap<u32, bool>,
}

impl Visible {
    /// What the caller of this transaction sees.
    pub(crate) fn of(tx: &Tx<'_>) -> Fallible<Self> {
        let caller = tx.caller()?.clone();
        Ok(Self { caller, trust: store::spool::row(tx)?.trust, known: BTreeMap::new() })
    }

    /// Whether he sees the jobs of this owner.
    pub(crate) fn owner(&mut self, uid: u32) -> bool {
        if uid == self.caller.uid || self.trust.trusts(&self.caller) {
            return true;
        }
        // Groups are looked up only where they can matter: the name service may be far away.
        if !self.trust.manager_access {
            return false;
        }
        *self.known.entry(uid).or_insert_with(|| {
            let owner_groups = users::groups(uid);
            let right = Right::SeeJob { owner_uid: uid, owner_groups: &owner_groups };
            self.trust.allows(&self.caller, right).is_ok()
        })
    }

    /// `condition`, narrowed to what an index finds for a caller who can only see his own jobs. [`Visible::owner`] decides
    /// about each job all the same: a name is no proof.
    pub(crate) fn narrow(&self, condition: &Condition) -> Condition {
        if self.trust.trusts(&self.caller) || self.trust.manager_access {
            return condition.clone();
        }
        match condition {
            // What names a job, or somebody's jobs, is narrow already.
            Condition::Job(_) | Condition::UserName(_) | Condition::Owner(_) | Condition::OwnerId(_) => {
                condition.clone()
            }
            other => Condition::All(vec![Condition::OwnerId(self.caller.uid), other.clone()]),
        }
    }

    /// Refuses a caller who does not see the jobs of this owner.
    pub(crate) fn demand(&mut self, job: &JobRef, owner: u32) -> Fallible<()> {
        if self.owner(owner) {
            return Ok(());
        }
        let right = Right::SeeJob { owner_uid: owner, owner_groups: &[] };
        self.trust
            .allows(&self.caller, right)
            .map_err(|failure| Failure { message: format!("job {job}: {}", failure.message), ..failure })
    }

    /// The job as the caller sees it among others: of a job that he may not see, its number, size and place are left.
    pub(crate) fn veiled(&mut self, job: JobStatus) -> JobStatus {
        if self.owner(job.owner_uid) {
            return job;
        }
        JobStatus {
            name: String::new(),
            owner: String::new(),
            user_name: String::new(),
            reason_text: None,
            given: Vec::new(),
            documents: Vec::new(),
            ..job
        }
    }
}
