//! Which jobs `pdls` and `pdq` list.

use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object::Object;
use crate::model::job::JobStatus;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::{Failure, JobRef};

/// Which of the jobs pointed at are listed.
pub struct Wanted {
    /// Who asks.
    pub program: &'static str,
    /// Only those of this identity.
    pub own: Option<String>,
    /// Only those that fulfil this.
    pub filter: Condition,
    /// Finished ones.
    pub past: bool,
}

impl Wanted {
    /// Returns whether `job` is wanted.
    pub fn takes(&self, job: &JobStatus) -> bool {
        // A filter names no job, so it does not matter whose local id is meant.
        self.own.as_ref().is_none_or(|own| *own == job.user_name)
            && Filter::new(&self.filter, Class::Job).takes(&Object::Job(job), job.owner_uid)
    }

    /// Makes a query of it that also asks for `also`, and for `parts` of the jobs.
    pub fn query(&self, also: Option<Condition>, parts: Parts) -> Query {
        let mut conditions: Vec<Condition> = also.into_iter().collect();
        conditions.extend(self.own.iter().cloned().map(Condition::UserName));
        if self.filter != Condition::Any {
            conditions.push(self.filter.clone());
        }
        let condition = match conditions.len() {
            0 => Condition::Any,
            1 => conditions.remove(0),
            _ => Condition::All(conditions),
        };
        Query { condition, order: Order::Schedule, parts }
    }

    /// Checks that the caller may name a job that `user` submitted: another user's job is there only for `-U` and `-F`.
    ///
    /// # Errors
    /// Says that there is no such job among the caller's own, and that `-U` shows it.
    pub fn check_owner(&self, user: &str, reference: &JobRef) -> Result<(), Failure> {
        match &self.own {
            Some(own) if own != user => Err(Failure::not_found(format!("job {reference} among your jobs"))
                .hint(format!("{} -U {reference}   shows another user's job", self.program))),
            _ => Ok(()),
        }
    }
}
