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
    /// Only those of this identity; `name@` is a user of any host.
    pub own: Option<String>,
    /// Only those that fulfil this.
    pub filter: Condition,
    /// Finished ones.
    pub past: bool,
}

impl Wanted {
    /// Returns the same for another server: there a user is his login name, whatever host he came from.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        let login = |own: &String| own.split_once('@').map_or_else(|| own.clone(), |(login, _)| format!("{login}@"));
        let own = self.own.as_ref().map(login);
        Self { program: self.program, own, filter: self.filter.clone(), past: self.past }
    }

    /// Returns whether a job that `user` submitted is one of those wanted.
    fn is_own(&self, user: &str) -> bool {
        self.own.as_ref().is_none_or(|own| if own.ends_with('@') { user.starts_with(own) } else { own == user })
    }

    /// Returns whether `job` is wanted.
    pub fn takes(&self, job: &JobStatus) -> bool {
        // A filter names no job, so it does not matter whose local id is meant.
        self.is_own(&job.user_name) && Filter::new(&self.filter, Class::Job).takes(&Object::Job(job), job.owner_uid)
    }

    /// Makes a query of it that also asks for `also`, and for `parts` of the jobs.
    pub fn query(&self, also: Option<Condition>, parts: Parts) -> Query {
        let mut conditions: Vec<Condition> = also.into_iter().collect();
        conditions.extend(self.own.iter().map(|own| match own.strip_suffix('@') {
            Some(login) => Condition::Submitter(login.to_owned()),
            None => Condition::UserName(own.clone()),
        }));
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
            Some(_) if !self.is_own(user) => Err(Failure::not_found(format!("job {reference} among your jobs"))
                .hint(format!("{} -U {reference}   shows another user's job", self.program))),
            _ => Ok(()),
        }
    }
}
