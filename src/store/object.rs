//! Rows of the objects that the model only keeps, and of their values.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::object::{ObjectClass, ObjectName, Values};
use crate::model::{Failure, ObjectId};

use super::{Fallible, name, page};

/// An object as stored, without its values.
#[derive(Clone, Debug)]
pub struct ObjectRow {
    /// Identity.
    pub id: ObjectId,
    /// Name.
    pub name: ObjectName,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<ObjectRow> {
    Ok(ObjectRow { id: ObjectId(row.get("id")?), name: name(&row.get::<_, String>("name")?)? })
}

/// The object of that class and name.
///
/// # Errors
/// When it cannot be read.
pub fn by_name(db: &Connection, class: ObjectClass, name: &ObjectName) -> Fallible<Option<ObjectRow>> {
    let mut find = db.prepare_cached("SELECT id, name FROM object WHERE class = ? AND name_key = ?")?;
    Ok(find.query_row(params![class.word(), name.key()], read).optional()?)
}

/// Objects of a class by name after `after`, one page.
///
/// # Errors
/// When they cannot be read.
pub fn list(db: &Connection, class: ObjectClass, after: Option<&ObjectName>, limit: u32) -> Fallible<Vec<ObjectRow>> {
    let mut find =
        db.prepare_cached("SELECT id, name FROM object WHERE class = ? AND name_key > ? ORDER BY name_key LIMIT ?")?;
    let after = after.map_or_else(String::new, ObjectName::key);
    let rows = find.query_map(params![class.word(), after, page(limit)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The values of an object.
///
/// # Errors
/// When they cannot be read, or are none that the class has.
pub fn values(db: &Connection, class: ObjectClass, id: ObjectId) -> Fallible<Values> {
    let mut find = db
        .prepare_cached("SELECT attribute, value FROM object_value WHERE object_id = ? ORDER BY attribute, position")?;
    let mut rows = find.query([id.0])?;
    let mut values = Values::new();
    while let Some(row) = rows.next()? {
        let (attribute, text): (String, String) = (row.get("attribute")?, row.get("value")?);
        let known = class.row().attributes.iter().find(|row| row.name == attribute);
        let read = known.and_then(|known| Some((known.name, known.syntax.read(&text)?)));
        // A schema belongs to a set of classes: nobody but a damaged database has others.
        let (name, value) =
            read.ok_or_else(|| Failure::internal(format!("a {class} is stored with a bad {attribute}")))?;
        values.entry(name).or_default().push(value);
    }
    Ok(values)
}

/// Makes an object without values.
///
/// # Errors
/// When the name is taken.
pub fn insert(db: &Connection, class: ObjectClass, name: &ObjectName) -> Fallible<ObjectId> {
    let mut insert = db.prepare_cached("INSERT INTO object (class, name, name_key) VALUES (?, ?, ?)")?;
    insert.execute(params![class.word(), name.as_str(), name.key()])?;
    Ok(ObjectId(db.last_insert_rowid()))
}

/// Gives an object these values and no others.
///
/// # Errors
/// When they cannot be written.
pub fn set_values(db: &Connection, class: ObjectClass, id: ObjectId, values: &Values) -> Fallible<()> {
    db.prepare_cached("DELETE FROM object_value WHERE object_id = ?")?.execute([id.0])?;
    let mut insert =
        db.prepare_cached("INSERT INTO object_value (object_id, attribute, position, value) VALUES (?, ?, ?, ?)")?;
    for row in class.row().attributes {
        for (position, value) in (0i64..).zip(values.get(row.name).into_iter().flatten()) {
            let text = row.syntax.written(value);
            let text = text.ok_or_else(|| Failure::internal(format!("a value of {} was not checked", row.name)))?;
            insert.execute(params![id.0, row.name, position, text])?;
        }
    }
    Ok(())
}

/// Deletes an object with its values.
///
/// # Errors
/// When it cannot be written.
pub fn delete(db: &Connection, id: ObjectId) -> Fallible<()> {
    db.prepare_cached("DELETE FROM object_value WHERE object_id = ?")?.execute([id.0])?;
    db.prepare_cached("DELETE FROM object WHERE id = ?")?.execute([id.0])?;
    Ok(())
}
