//! Rows of access rules: who may do what at which object. Few spools have any, and the row of the spool says whether.

use crate::model::access::{Access, Grantee, Operation, Rule};
use crate::model::{DeviceId, GroupId, LocationId};

use super::value::{Bind, columns, values};
use super::{Fallible, Tx};

/// The object that a rule belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The spool.
    Spool,
    /// A group.
    Group(GroupId),
    /// A location.
    Location(LocationId),
    /// A device.
    Device(DeviceId),
}

impl Owner {
    /// Its kind and its identity.
    fn stored(self) -> (&'static str, i64) {
        match self {
            Self::Spool => ("spool", 1),
            Self::Group(id) => ("group", id.0),
            Self::Location(id) => ("location", id.0),
            Self::Device(id) => ("device", id.0),
        }
    }
}

columns!(at { operation, who });

/// Returns the rules of an object.
pub(crate) fn of(tx: &Tx<'_>, owner: Owner) -> Fallible<Access> {
    let (object, id) = owner.stored();
    let sql =
        made_once!("SELECT {} FROM access WHERE object = ? AND object_id = ? ORDER BY operation, position", at::LIST);
    rules(tx, sql, values![object, id])
}

/// Returns what any object grants, all rules together.
pub(crate) fn granted_anywhere(tx: &Tx<'_>) -> Fallible<Access> {
    let sql = made_once!("SELECT DISTINCT {} FROM access ORDER BY operation", at::LIST);
    rules(tx, sql, &[])
}

fn rules(tx: &Tx<'_>, sql: &str, values: &[&dyn Bind]) -> Fallible<Access> {
    let rows = tx.rows(sql, values, |row| Ok((row.get::<Operation>(at::operation)?, row.get::<Grantee>(at::who)?)))?;
    let mut rules: Vec<Rule> = Vec::new();
    for (operation, who) in rows {
        match rules.iter_mut().find(|rule| rule.operation == operation) {
            Some(rule) => rule.who.push(who),
            None => rules.push(Rule { operation, who: vec![who] }),
        }
    }
    rules.sort_by_key(|rule| rule.operation);
    Ok(Access(rules))
}

/// Sets the rules of an object.
pub(crate) fn set(tx: &Tx<'_>, owner: Owner, access: &Access) -> Fallible<()> {
    let (object, id) = owner.stored();
    tx.run("DELETE FROM access WHERE object = ? AND object_id = ?", values![object, id])?;
    let each = access.0.iter().flat_map(|rule| rule.who.iter().map(move |who| (rule.operation, who))).enumerate();
    let sql = "INSERT INTO access (object, object_id, operation, position, who) VALUES (?, ?, ?, ?, ?)";
    for (position, (operation, who)) in each {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        tx.run(sql, values![object, id, operation, position, who])?;
    }
    tx.run("UPDATE spool SET has_rules = EXISTS (SELECT 1 FROM access) WHERE id = 1", &[])?;
    Ok(())
}

/// Removes the rules of an object that is deleted.
pub(crate) fn forget(tx: &Tx<'_>, owner: Owner) -> Fallible<()> {
    if of(tx, owner)?.is_empty() {
        return Ok(());
    }
    set(tx, owner, &Access::default())
}
