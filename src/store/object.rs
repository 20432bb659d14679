//! Rows of the objects that the model only keeps, and of their values.

use std::collections::BTreeMap;

use crate::model::object::{ObjectClass, ObjectName, Values};
use crate::model::{Failure, ObjectId};

use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx, page, sqlite};

/// An object as stored, without its values.
#[derive(Clone, Debug)]
pub struct ObjectRow {
    /// Identity.
    pub id: ObjectId,
    /// Name.
    pub name: ObjectName,
}

columns!(at { id, name });

fn read(row: &Row<'_>) -> Fallible<ObjectRow> {
    Ok(ObjectRow { id: row.get(at::id)?, name: row.get(at::name)? })
}

/// Returns the object of that class and name.
pub(crate) fn by_name(tx: &Tx<'_>, class: ObjectClass, name: &ObjectName) -> Fallible<Option<ObjectRow>> {
    let sql = made_once!("SELECT {} FROM object WHERE class = ? AND name_key = ?", at::LIST);
    tx.one(sql, values![class, name.key()], read)
}

/// Returns the object of a class with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, class: ObjectClass, id: ObjectId) -> Fallible<Option<ObjectRow>> {
    let sql = made_once!("SELECT {} FROM object WHERE class = ? AND id = ?", at::LIST);
    tx.one(sql, values![class, id], read)
}

/// Returns the same, locked: to decide from its values.
pub(crate) fn to_change(tx: &Tx<'_>, class: ObjectClass, name: &ObjectName) -> Fallible<Option<ObjectRow>> {
    let found = by_name(tx, class, name)?;
    if let Some(row) = &found {
        tx.lock(Lock::Kept(row.id))?;
    }
    Ok(found)
}

/// Returns objects of a class by name after `after`, one page.
pub(crate) fn list(
    tx: &Tx<'_>,
    class: ObjectClass,
    after: Option<&ObjectName>,
    limit: u32,
) -> Fallible<Vec<ObjectRow>> {
    let sql = made_once!("SELECT {} FROM object WHERE class = ? AND name_key > ? ORDER BY name_key LIMIT ?", at::LIST);
    let after = after.map_or_else(String::new, ObjectName::key);
    tx.rows(sql, values![class, after, page(limit)], read)
}

columns!(of_value { attribute, value });

/// Returns the values of an object.
pub(crate) fn values(tx: &Tx<'_>, class: ObjectClass, id: ObjectId) -> Fallible<Values> {
    tx.has_read(Lock::Kept(id));
    let sql =
        made_once!("SELECT {} FROM object_value WHERE object_id = ? ORDER BY attribute, position", of_value::LIST);
    let mut found = Values::new();
    tx.each(sql, values![id], |row| {
        let (attribute, text): (String, String) = (row.get(of_value::attribute)?, row.get(of_value::value)?);
        let known = class.row().attributes.iter().find(|row| row.name == attribute);
        let read = known.and_then(|known| Some((known.name, known.syntax.read(&text)?)));
        // A schema belongs to a set of classes: nobody but a damaged database has others.
        let (name, value) =
            read.ok_or_else(|| sqlite::damaged("value", &format!("a {class} with a bad {attribute}")))?;
        found.entry(name).or_default().push(value);
        Ok(())
    })?;
    Ok(found)
}

columns!(of_all { name = "o.name", attribute = "v.attribute", value = "v.value" });

/// Hands each value of each object of a class to `take`, with the name of the object and of the attribute; an object without
/// values once, without both.
pub(crate) fn each_value(
    tx: &Tx<'_>,
    class: ObjectClass,
    mut take: impl FnMut(String, Option<(String, String)>),
) -> Fallible<()> {
    let sql = made_once!(
        "SELECT {} FROM object o LEFT JOIN object_value v ON v.object_id = o.id WHERE o.class = ?
         ORDER BY o.name_key, v.attribute, v.position",
        of_all::LIST
    );
    tx.each(sql, values![class], |row| {
        let attribute: Option<String> = row.get(of_all::attribute)?;
        let value: Option<String> = row.get(of_all::value)?;
        take(row.get(of_all::name)?, attribute.zip(value));
        Ok(())
    })
}

/// Returns the name of an object.
pub(crate) fn name_of(tx: &Tx<'_>, id: ObjectId) -> Fallible<Option<String>> {
    tx.one("SELECT name FROM object WHERE id = ?", values![id], |row| row.only())
}

/// Returns the values of an object as they are stored, by attribute; several of one side by side. What only the server itself
/// sets is left out.
pub(crate) fn texts(tx: &Tx<'_>, class: ObjectClass, id: ObjectId) -> Fallible<BTreeMap<String, String>> {
    let is_reported = |name: &str| class.row().attributes.iter().any(|row| row.reported && row.name == name);
    let sql =
        made_once!("SELECT {} FROM object_value WHERE object_id = ? ORDER BY attribute, position", of_value::LIST);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    tx.each(sql, values![id], |row| {
        let (attribute, text): (String, String) = (row.get(of_value::attribute)?, row.get(of_value::value)?);
        if is_reported(&attribute) {
            return Ok(());
        }
        found.entry(attribute).and_modify(|all| *all = format!("{all} {text}")).or_insert(text);
        Ok(())
    })?;
    Ok(found)
}

columns!(of_class { class, id });

/// Returns the identity of every object, with its class.
pub(crate) fn identities(tx: &Tx<'_>) -> Fallible<Vec<(ObjectClass, ObjectId)>> {
    let rows = tx.rows(made_once!("SELECT {} FROM object ORDER BY id", of_class::LIST), &[], |row| {
        Ok((row.get::<String>(of_class::class)?, row.get(of_class::id)?))
    })?;
    let known = rows.into_iter().filter_map(|(class, id)| Some((ObjectClass::try_from(class).ok()?, ObjectId(id))));
    Ok(known.collect())
}

/// Makes an object without values. Fails when its name is taken.
pub(crate) fn insert(tx: &Tx<'_>, class: ObjectClass, name: &ObjectName) -> Fallible<ObjectId> {
    let sql = "INSERT INTO object (class, name, name_key) VALUES (?, ?, ?)";
    let id = tx.insert(sql, values![class, name.as_str(), name.key()]).map(ObjectId)?;
    tx.has_made(Lock::Kept(id));
    Ok(id)
}

const FORGET: &str = "DELETE FROM object_value WHERE object_id = ?";

/// Gives an object these values and no others.
pub(crate) fn set_values(tx: &Tx<'_>, class: ObjectClass, id: ObjectId, given: &Values) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(id))?;
    tx.run(FORGET, values![id])?;
    let all = class.row().attributes.iter().flat_map(|row| {
        let values = given.get(row.name).into_iter().flatten();
        (0_i64..).zip(values).map(move |(position, value)| (row, position, value))
    });
    tx.batch(
        "INSERT INTO object_value (object_id, attribute, position, value) VALUES (?, ?, ?, ?)",
        all,
        |(row, position, value), write| {
            let text = row.syntax.written(value);
            let text = text.ok_or_else(|| Failure::internal(format!("a value of {} was not checked", row.name)))?;
            write(values![id, row.name, position, text])
        },
    )
}

/// Deletes an object with its values, and the PIN and the cards of a user.
pub(crate) fn delete(tx: &Tx<'_>, id: ObjectId) -> Fallible<()> {
    tx.demand_lock(Lock::Kept(id))?;
    tx.run(FORGET, values![id])?;
    super::pin::forget(tx, id)?;
    super::card::take_all(tx, id)?;
    tx.change("the object", "DELETE FROM object WHERE id = ?", values![id])
}
