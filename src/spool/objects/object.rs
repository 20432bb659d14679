//! Objects that the model only keeps: creating, changing, deleting and listing them, whatever their class.
//!
//! States: absent → there → deleted. Each change is one transaction with its event, so a crash leaves the object as it was
//! or as it was to be. Whoever may configure the spool may change them; everybody may look.

use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::object::{self, ObjectAttribute, ObjectChange, ObjectClass, ObjectName, ObjectPage, ObjectStatus};
use crate::model::query::PAGE;
use crate::model::{Call, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::object::ObjectRow;
use crate::store::{self, Fallible, Tx};

pub(crate) use super::kept::not_found;
use crate::spool::{Room, Spool};

/// Octets of values after which a page ends: a page must fit into one reply, whatever its objects hold.
const PAGE_OCTETS: usize = 1 << 20;

impl Spool {
    /// Creates an object.
    pub(crate) fn create_object(
        &self,
        call: &Call,
        class: ObjectClass,
        name: ObjectName,
        attributes: Vec<ObjectAttribute>,
    ) -> Fallible<()> {
        let values = object::new_values(class, attributes)?;
        super::doors::check(class, &name, &values)?;
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            demand_at_once(tx, class)?;
            super::doors::demand_free_name(tx, class, &name)?;
            if let Some(row) = store::object::by_name(tx, class, &name)? {
                return Err(Failure::new(FailureKind::State, format!("{class} {} exists already", row.name)));
            }
            let id = store::object::insert(tx, class, &name)?;
            store::object::set_values(tx, class, id, &values)?;
            record(tx, Object::Kept(class, id), EventWord::Declared, name.as_str())
        })
    }

    /// Changes an object: all of `changes`, or none.
    pub(crate) fn set_object(
        &self,
        call: &Call,
        class: ObjectClass,
        name: ObjectName,
        changes: Vec<ObjectChange>,
    ) -> Fallible<()> {
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            demand_at_once(tx, class)?;
            let row = store::object::to_change(tx, class, &name)?.ok_or_else(|| not_found(class, &name))?;
            let before = store::object::values(tx, class, row.id)?;
            let mut values = before.clone();
            object::apply(class, &mut values, changes.clone())?;
            super::doors::check(class, &name, &values)?;
            let changed: Vec<&str> = class.row().attributes.iter().map(|row| row.name).collect();
            let changed: Vec<&str> = changed.into_iter().filter(|name| before.get(name) != values.get(name)).collect();
            if changed.is_empty() {
                return Ok(());
            }
            store::object::set_values(tx, class, row.id, &values)?;
            record(tx, Object::Kept(class, row.id), EventWord::Altered, &changed.join(", "))
        })
    }

    /// Deletes an object.
    pub(crate) fn delete_object(&self, call: &Call, class: ObjectClass, name: ObjectName) -> Fallible<()> {
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            demand_at_once(tx, class)?;
            let row = store::object::to_change(tx, class, &name)?.ok_or_else(|| not_found(class, &name))?;
            super::doors::demand_drained(class, &row.name, &store::object::values(tx, class, row.id)?)?;
            store::object::delete(tx, row.id)?;
            record(tx, Object::Kept(class, row.id), EventWord::Deleted, row.name.as_str())
        })
    }

    /// Objects of a class, or one of them, by name.
    pub(crate) fn objects(
        &self,
        call: &Call,
        class: ObjectClass,
        only: Option<ObjectName>,
        after: Option<ObjectName>,
        limit: u32,
    ) -> Fallible<ObjectPage> {
        let limit = limit.clamp(1, PAGE);
        self.look(call, |tx| {
            if let Some(name) = &only {
                let row = store::object::by_name(tx, class, name)?.ok_or_else(|| not_found(class, name))?;
                return Ok(ObjectPage { rows: vec![status(tx, class, row)?], next: None });
            }
            let found = store::object::list(tx, class, after.as_ref(), limit)?;
            let mut more = found.len() as u32 == limit;
            let mut rows: Vec<ObjectStatus> = Vec::new();
            let mut octets = 0;
            for row in found {
                if octets >= PAGE_OCTETS {
                    more = true;
                    break;
                }
                let status = status(tx, class, row)?;
                octets += size(&status);
                rows.push(status);
            }
            let next = rows.last().filter(|_| more).map(|row| row.name.clone());
            Ok(ObjectPage { rows, next })
        })
    }
}

/// Refuses what would pass change control by: stations are edited as managed objects where edits are staged.
fn demand_at_once(tx: &Tx<'_>, class: ObjectClass) -> Fallible<()> {
    match class {
        ObjectClass::Station if crate::spool::changes::is_on(tx)? => {
            Err(Failure::new(FailureKind::State, "edits of stations are staged").hint("pdset -c station   stages one"))
        }
        _ => Ok(()),
    }
}

fn status(tx: &Tx<'_>, class: ObjectClass, row: ObjectRow) -> Fallible<ObjectStatus> {
    if class.has_free_attributes() {
        let attributes = super::kept::free_attributes(tx, class, &row)?;
        return Ok(ObjectStatus { class, name: row.name, attributes });
    }
    let values = store::object::values(tx, class, row.id)?;
    Ok(ObjectStatus { class, name: row.name, attributes: object::in_order(class, values) })
}

/// About how many octets an object takes in a reply.
fn size(object: &ObjectStatus) -> usize {
    use crate::model::field::Value;
    let values = object.attributes.iter().flat_map(|attribute| &attribute.values);
    let values = values.map(|value| if let Value::Text(text) = value { text.len() } else { 8 });
    values.map(|octets| octets + 16).sum::<usize>() + 128
}
