//! Objects as change control sees them: what they have now, and making them so.

use std::collections::BTreeMap;

use crate::model::change::{Edit, EditedClass};
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::{DeviceName, GroupName};
use crate::store::event::{Object, record, record_of_group};
use crate::store::managed::Holder;
use crate::store::object::ObjectRow;
use crate::store::{self, Fallible, Tx};

use crate::spool::objects::kept;

/// The attributes of an object.
pub(super) type Values = BTreeMap<Field, Value>;

/// The value that says that an object is there.
pub(super) const THERE: Value = Value::Boolean(true);

/// Returns what an object has now, locked; none where it is not there.
pub(super) fn now(tx: &Tx<'_>, class: EditedClass, name: &str) -> Fallible<Option<Values>> {
    Ok(match holder(tx, class, name)? {
        Some(Found::Queue(id)) => Some(given(tx, Holder::Group(id))?),
        Some(Found::Printer(id)) => Some(given(tx, Holder::Device(id))?),
        Some(Found::Station(row)) => Some(kept::values(tx, ObjectClass::Station, &row)?),
        None => None,
    })
}

enum Found {
    Queue(crate::model::GroupId),
    Printer(crate::model::DeviceId),
    Station(ObjectRow),
}

fn holder(tx: &Tx<'_>, class: EditedClass, name: &str) -> Fallible<Option<Found>> {
    Ok(match class {
        EditedClass::Queue => {
            let name: GroupName = name.trim_start_matches('#').parse()?;
            store::location::group_to_change(tx, &name)?.map(|row| Found::Queue(row.id))
        }
        EditedClass::Destination => {
            let name: DeviceName = name.trim_start_matches('$').parse()?;
            store::device::to_change(tx, &name)?.map(|row| Found::Printer(row.id))
        }
        EditedClass::Station => {
            let name: ObjectName = name.parse()?;
            store::object::to_change(tx, ObjectClass::Station, &name)?.map(Found::Station)
        }
    })
}

fn given(tx: &Tx<'_>, holder: Holder) -> Fallible<Values> {
    Ok(store::managed::of(tx, holder)?.into_iter().collect())
}

/// Puts edits over what an object has; none where it is not to be there.
pub(super) fn overlaid<'a>(now: Option<Values>, edits: impl Iterator<Item = &'a Edit> + Clone) -> Option<Values> {
    let is_there = match edits.clone().find(|edit| edit.field.is_none()) {
        Some(edit) => edit.after.is_some(),
        None => now.is_some(),
    };
    if !is_there {
        return None;
    }
    let mut values = now.unwrap_or_default();
    for edit in edits {
        if let Some(field) = edit.field {
            match &edit.after {
                Some(value) => values.insert(field, value.clone()),
                None => values.remove(&field),
            };
        }
    }
    Some(values)
}

/// Makes objects as these edits want them. Returns the edits that were carried out, each with what it found, and the objects that are
/// not there any more.
pub(super) fn apply(tx: &Tx<'_>, edits: &[Edit]) -> Fallible<(Vec<Edit>, Vec<String>)> {
    let mut of_each: BTreeMap<(EditedClass, String), Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        of_each.entry((edit.class, Edit::key_of(&edit.name))).or_default().push(edit);
    }
    let (mut done, mut gone) = (Vec::new(), Vec::new());
    for ((class, _), edits) in of_each {
        let Some(name) = edits.first().map(|edit| edit.name.clone()) else { continue };
        let before = now(tx, class, &name)?;
        let after = overlaid(before.clone(), edits.iter().copied());
        if before.is_none() && after.is_none() {
            gone.push(format!("{} {name}", class.word()));
            continue;
        }
        done.extend(differences((class, &name), before.as_ref(), after.as_ref()));
        set(tx, (class, &name), before.as_ref(), after.as_ref())?;
    }
    Ok((done, gone))
}

/// Returns what makes `after` of `before`.
pub(super) fn differences(
    (class, name): (EditedClass, &str),
    before: Option<&Values>,
    after: Option<&Values>,
) -> Vec<Edit> {
    let edit = |field, before: Option<Value>, after: Option<Value>| Edit {
        class,
        name: name.to_owned(),
        field,
        before,
        after,
    };
    let mut found = Vec::new();
    if before.is_some() != after.is_some() {
        found.push(edit(None, before.map(|_| THERE), after.map(|_| THERE)));
    }
    let none = Values::new();
    let (old, new) = (before.unwrap_or(&none), after.unwrap_or(&none));
    let fields: std::collections::BTreeSet<&Field> = old.keys().chain(new.keys()).collect();
    for field in fields {
        if !Edit::same(old.get(field), new.get(field)) {
            found.push(edit(Some(*field), old.get(field).cloned(), new.get(field).cloned()));
        }
    }
    found
}

fn set(
    tx: &Tx<'_>,
    (class, name): (EditedClass, &str),
    before: Option<&Values>,
    after: Option<&Values>,
) -> Fallible<()> {
    if before == after {
        return Ok(());
    }
    let (none, edits) = (Values::new(), differences((class, name), before, after));
    let new = after.unwrap_or(&none);
    let changed: Vec<&str> = edits.iter().filter_map(|edit| edit.field.as_ref()).map(Field::stored).collect();
    match holder(tx, class, name)? {
        Some(Found::Queue(id)) => {
            store::managed::set(tx, Holder::Group(id), new)?;
            record_of_group(tx, id, EventWord::Altered, &format!("queue {name}: {}", changed.join(", ")))
        }
        Some(Found::Printer(id)) => {
            store::managed::set(tx, Holder::Device(id), new)?;
            record(tx, Object::Device(id), EventWord::Altered, &changed.join(", "))
        }
        Some(Found::Station(row)) if after.is_none() => {
            let class = ObjectClass::Station;
            store::managed::forget(tx, Holder::Kept(class, row.id))?;
            store::object::delete(tx, row.id)?;
            record(tx, Object::Kept(class, row.id), EventWord::Deleted, row.name.as_str())
        }
        Some(Found::Station(row)) => {
            kept::set_values(tx, ObjectClass::Station, &row, new)?;
            record(tx, Object::Kept(ObjectClass::Station, row.id), EventWord::Altered, &changed.join(", "))
        }
        None if class == EditedClass::Station => {
            let name: ObjectName = name.parse()?;
            let id = store::object::insert(tx, ObjectClass::Station, &name)?;
            kept::set_values(tx, ObjectClass::Station, &ObjectRow { id, name: name.clone() }, new)?;
            record(tx, Object::Kept(ObjectClass::Station, id), EventWord::Declared, name.as_str())
        }
        None => Ok(()),
    }
}
