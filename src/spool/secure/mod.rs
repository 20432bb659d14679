//! Secure release: jobs that wait until their owners stand at the printer.
//!
//! States of a job in a secure queue: arrives, held (reason `pull-print`) → released on a printer of a station, where it waits
//! and prints as any other job → printed: gone, or kept where its queue keeps it, and released again. One that nobody releases
//! in time is purged. START ends no such hold, for nobody would stand at the printer; neither does sending the job elsewhere.
//!
//! Who may release: whoever submitted the job, as the system knows him, under any of the names that the site has described, and
//! whom he has named as a delegate. Never whom `job-owner` names, for that is typed. Nobody releases for others, operators
//! neither; they remove.
//!
//! A crash: arriving, releasing and purging are one transaction each, with their events and their lines in the record. After a
//! release the job has an entry at its printer, so all that holds for other jobs holds for it.
//!
//! A job may lie on one server and be released on a printer of another one: `owner` is the side where it lies, which checks
//! everything again, `elsewhere` the side of the station. Between them is a claim ([`crate::spool::remote::leases`]).

pub(crate) mod arrive;
pub(crate) mod bank;
mod card;
pub(crate) mod elsewhere;
pub(crate) mod encrypt;
pub(crate) mod held;
mod key;
mod others;
pub(crate) mod owner;
pub(crate) mod password;
pub(crate) mod people;
pub(crate) mod pin;
pub(crate) mod record;
mod release;
pub(crate) mod stations;

use crate::model::GroupId;
use crate::model::field::{Field, Value};
use crate::model::secure::PoolQueue;
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Tx};

use crate::spool::Spool;

/// Finds what was set of an attribute.
pub(super) fn given(values: &[(Field, Value)], name: &str) -> Option<Value> {
    values.iter().find(|one| one.0.stored() == name).map(|one| one.1.clone())
}

/// The texts of a value.
pub(super) fn texts(value: Option<Value>) -> Vec<String> {
    let all = value.map(|value| value.each().to_vec()).unwrap_or_default();
    all.into_iter().filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None }).collect()
}

impl Spool {
    /// Returns a queue as others see it.
    pub(super) fn pool_queue(&self, tx: &Tx<'_>, group: GroupId) -> Fallible<PoolQueue> {
        let name = store::location::group_name(tx, group)?;
        let values = store::managed::of(tx, Holder::Group(group))?;
        Ok(PoolQueue {
            server: self.server().to_string(),
            // A queue that was deleted has no printers, and is compatible with none.
            name: name.map_or_else(|| "that was deleted".to_owned(), |name| name.to_string()),
            compatible: texts(given(&values, "compatible-queues")),
        })
    }
}
