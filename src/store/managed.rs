//! Values of attributes that were set of a device, a location, a group or the spool, and that have no column.

use std::collections::BTreeMap;

use crate::model::field::{Field, Value};
use crate::model::object::ObjectClass;
use crate::model::{DeviceId, Failure, GroupId, JobId, LocationId, ObjectId};

use super::value::{columns, values};
use super::{Fallible, Row, Tx};

/// Whose values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A device.
    Device(DeviceId),
    /// A location.
    Location(LocationId),
    /// A group.
    Group(GroupId),
    /// An object of a class that is only kept.
    Kept(ObjectClass, ObjectId),
    /// The spool.
    Spool,
}

impl Holder {
    fn stored(self) -> (&'static str, i64) {
        match self {
            Self::Device(id) => ("device", id.0),
            Self::Location(id) => ("location", id.0),
            Self::Group(id) => ("group", id.0),
            Self::Kept(class, id) => (class.word(), id.0),
            Self::Spool => ("spool", 1),
        }
    }
}

/// The user of what nobody in particular has set. No account has this number.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Values by the identity of whose they are.
pub(crate) type ByIdentity = BTreeMap<i64, Vec<(Field, Value)>>;

columns!(at { object_id, field, value });

fn parse(text: &str) -> Fallible<Value> {
    serde_json::from_str(text).map_err(|_| Failure::internal("spool.db: the text of a value is unknown"))
}

fn read(row: &Row<'_>) -> Fallible<(Field, Value)> {
    Ok((row.get(at::field)?, parse(&row.get::<String>(at::value)?)?))
}

/// Returns what was set of one.
pub(crate) fn of(tx: &Tx<'_>, holder: Holder) -> Fallible<Vec<(Field, Value)>> {
    let (object, id) = holder.stored();
    let sql = made_once!("SELECT {} FROM managed_value WHERE object = ? AND object_id = ? ORDER BY field", at::LIST);
    tx.rows(sql, values![object, id], read)
}

/// What an attribute is by which a destination limits what it prints: the condition of an index, which queries repeat as it stands.
pub(crate) const LIMITED: &str = "field IN (
    'document-formats-supported',
    'file-size-range-supported',
    'maximum-copies-supported',
    'job-size-range-supported',
    'job-page-range-supported',
    'destination-locations',
    'destination-model',
    'auxiliary-sheet-selections-supported',
    'job-batches-supported',
    'sides-supported',
    'plexes-supported',
    'output-bins-supported',
    'content-orientations-supported',
    'numbers-up-supported',
    'job-finishings-supported',
    'input-trays-medium')";

/// Tells whether any destination limits what it prints, or the job names the devices that may print it or a paper.
pub(crate) fn limits(tx: &Tx<'_>, job: JobId) -> Fallible<bool> {
    let sql = made_once!(
        "SELECT 1 FROM managed_value WHERE {LIMITED} UNION ALL
         SELECT 1 FROM job_value WHERE job_id = ? AND document = 0 AND field = 'actual-destinations-requested' UNION ALL
         SELECT 1 FROM job_value WHERE job_id = ? AND field = 'default-medium' LIMIT 1"
    );
    tx.finds(sql, values![job, job])
}

/// Returns one value that was set.
pub(crate) fn value(tx: &Tx<'_>, holder: Holder, field: Field) -> Fallible<Option<Value>> {
    let (object, id) = holder.stored();
    let sql = made_once!("SELECT {} FROM managed_value WHERE object = ? AND object_id = ? AND field = ?", at::LIST);
    Ok(tx.one(sql, values![object, id, field.stored()], read)?.map(|found| found.1))
}

/// Tells whether a switch was set, and how.
pub(crate) fn switch(tx: &Tx<'_>, holder: Holder, attribute: &str) -> Fallible<Option<bool>> {
    let unknown = || Failure::internal(format!("there is no attribute {attribute}"));
    let found = value(tx, holder, Field::from_stored(attribute).ok_or_else(unknown)?)?;
    Ok(match found {
        Some(Value::Boolean(on)) => Some(on),
        _ => None,
    })
}

/// Returns what was set of one under a name.
pub(crate) fn named(tx: &Tx<'_>, holder: Holder, name: &str) -> Fallible<Vec<(Field, Value)>> {
    let (object, id) = holder.stored();
    let sql = made_once!("SELECT {} FROM managed_value WHERE object = ? AND object_id = ? AND field = ?", at::LIST);
    tx.rows(sql, values![object, id, name], read)
}

columns!(by_whom { field, value, set_by });

/// Returns the value of one under a name, and who set it ([`NOBODY`] = several users).
pub(crate) fn set_by(tx: &Tx<'_>, holder: Holder, name: &str) -> Fallible<Option<(Value, u32)>> {
    let (object, id) = holder.stored();
    let sql =
        made_once!("SELECT {} FROM managed_value WHERE object = ? AND object_id = ? AND field = ?", by_whom::LIST);
    tx.one(sql, values![object, id, name], |row| {
        Ok((parse(&row.get::<String>(by_whom::value)?)?, row.get(by_whom::set_by)?))
    })
}

/// Returns what was set of those whose identities lie between the smallest and the largest of `holders`, which are of one
/// kind.
pub(crate) fn of_each(tx: &Tx<'_>, holders: &[Holder]) -> Fallible<ByIdentity> {
    let mut found = ByIdentity::new();
    let ids = || holders.iter().map(|holder| holder.stored().1);
    let (Some(first), Some(low), Some(high)) = (holders.first(), ids().min(), ids().max()) else { return Ok(found) };
    let sql = made_once!(
        "SELECT {} FROM managed_value WHERE object = ? AND object_id BETWEEN ? AND ? ORDER BY field",
        at::LIST
    );
    tx.each(sql, values![first.stored().0, low, high], |row| {
        let one = read(row)?;
        found.entry(row.get(at::object_id)?).or_default().push(one);
        Ok(())
    })?;
    Ok(found)
}

/// Sets all values of one. Each keeps who set it, until somebody else sets all of it.
pub(crate) fn set(tx: &Tx<'_>, holder: Holder, values: &BTreeMap<Field, Value>) -> Fallible<()> {
    let (object, id) = holder.stored();
    let caller = tx.caller().map_or(NOBODY, |caller| caller.uid);
    let sql = made_once!("SELECT {} FROM managed_value WHERE object = ? AND object_id = ?", by_whom::LIST);
    let before = tx.rows(sql, values![object, id], |row| {
        let value = parse(&row.get::<String>(by_whom::value)?)?;
        Ok((row.get::<Field>(by_whom::field)?, value, row.get::<u32>(by_whom::set_by)?))
    })?;
    forget(tx, holder)?;
    for (field, value) in values {
        let old = before.iter().find(|one| one.0 == *field);
        let set_by = match old {
            Some((_, old, by)) if old == value => *by,
            // Somebody has added to it, or taken from it.
            Some((_, old, by)) if *by != caller && old.each().iter().any(|one| value.each().contains(one)) => NOBODY,
            _ => caller,
        };
        let text = serde_json::to_string(value).map_err(|error| Failure::internal(format!("attribute: {error}")))?;
        let sql = "INSERT INTO managed_value (object, object_id, field, value, set_by) VALUES (?, ?, ?, ?, ?)";
        tx.run(sql, values![object, id, field, text, set_by])?;
    }
    Ok(())
}

/// Removes all values of one.
pub(crate) fn forget(tx: &Tx<'_>, holder: Holder) -> Fallible<()> {
    let (object, id) = holder.stored();
    tx.run("DELETE FROM managed_value WHERE object = ? AND object_id = ?", values![object, id])?;
    Ok(())
}

columns!(whose { object_id });

/// Returns a location whose value of `field` is `name`, whatever the case.
pub(crate) fn location_with(tx: &Tx<'_>, field: Field, name: &str) -> Fallible<Option<LocationId>> {
    let text = serde_json::to_string(&Value::Text(name.to_owned()))
        .map_err(|error| Failure::internal(format!("attribute: {error}")))?;
    let sql = made_once!(
        "SELECT {} FROM managed_value WHERE object = 'location' AND field = ? AND lower(value) = lower(?) LIMIT 1",
        whose::LIST
    );
    tx.one(sql, values![field, text], |row| row.get(whose::object_id).map(LocationId))
}
