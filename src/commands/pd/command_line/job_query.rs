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
    /// Whether `job` is wanted.
    pub fn takes(&self, job: &JobStatus) -> bool {
        // Whose local id is meant does not matter: a filter names no job.
        self.own.as_ref().is_none_or(|own| *own == job.user_name)
            && Filter::new(&self.filter, Class::Job).takes(&Object::Job(job), job.owner_uid)
    }

    /// The same as a query, for what `also` says and `parts` of the jobs.
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

    /// Another user's job is named only by who asks for everybody's.
    ///
    /// # Errors
    /// When `user`, who submitted `reference`, is somebody else.
    pub fn check_owner(&self, user: &str, reference: &JobRef) -> Result<(), Failure> {
        match &self.own {
            Some(own) if own != user => Err(Failure::not_found(format!("job {reference} among your jobs"))
                .hint(format!("{} -U {reference}   shows another user's job", self.program))),
            _ => Ok(()),
        }
    }
}
