//! Objects that the model only keeps: creating, changing, deleting and listing them, whatever their class.
//!
//! States: absent → there → deleted. Each change is one transaction with its event, so a crash leaves the object as it was
//! or as it was to be. Whoever may configure the spool may change them; everybody may look.

use crate::model::authority::Right;
use crate::model::object::{
    self, ObjectAttribute, ObjectChange, ObjectClass, ObjectName, ObjectPage, ObjectStatus, Values,
};
use crate::model::query::PAGE;
use crate::model::time::Moment;
use crate::model::{Caller, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::object::ObjectRow;
use crate::store::{self, Fallible};

use crate::spool::{Room, Spool};

/// Octets of values after which a page ends: a page must fit into one reply, whatever its objects hold.
const PAGE_OCTETS: usize = 1 << 20;

impl Spool {
    /// Creates an object.
    pub(crate) fn create_object(
        &self,
        caller: &Caller,
        class: ObjectClass,
        name: ObjectName,
        attributes: Vec<ObjectAttribute>,
        now: &Moment,
    ) -> Fallible<()> {
        let values = object::new_values(class, attributes)?;
        let (caller, now) = (caller.clone(), now.clone());
        self.change(Room::Takes, move |db| {
            Self::demand(db, &caller, Right::Configure)?;
            if let Some(row) = store::object::by_name(db, class, &name)? {
                return Err(Failure::new(FailureKind::State, format!("{class} {} exists already", row.name)));
            }
            let id = store::object::insert(db, class, &name)?;
            store::object::set_values(db, class, id, &values)?;
            record(db, &now, Object::Kept(class, id), &caller.user, "declared", name.as_str())
        })
    }

    /// Changes an object: all of `changes`, or none.
    pub(crate) fn set_object(
        &self,
        caller: &Caller,
        class: ObjectClass,
        name: ObjectName,
        changes: Vec<ObjectChange>,
        now: &Moment,
    ) -> Fallible<()> {
        let (caller, now) = (caller.clone(), now.clone());
        self.change(Room::Takes, move |db| {
            Self::demand(db, &caller, Right::Configure)?;
            let row = store::object::by_name(db, class, &name)?.ok_or_else(|| not_found(class, &name))?;
            let before = store::object::values(db, class, row.id)?;
            let mut values = before.clone();
            object::apply(class, &mut values, changes.clone())?;
            let changed: Vec<&str> = class.row().attributes.iter().map(|row| row.name).collect();
            let changed: Vec<&str> = changed.into_iter().filter(|name| before.get(name) != values.get(name)).collect();
            if changed.is_empty() {
                return Ok(());
            }
            store::object::set_values(db, class, row.id, &values)?;
            record(db, &now, Object::Kept(class, row.id), &caller.user, "altered", &changed.join(", "))
        })
    }

    /// Deletes an object.
    pub(crate) fn delete_object(
        &self,
        caller: &Caller,
        class: ObjectClass,
        name: ObjectName,
        now: &Moment,
    ) -> Fallible<()> {
        let (caller, now) = (caller.clone(), now.clone());
        self.change(Room::Gives, move |db| {
            Self::demand(db, &caller, Right::Configure)?;
            let row = store::object::by_name(db, class, &name)?.ok_or_else(|| not_found(class, &name))?;
            store::object::delete(db, row.id)?;
            record(db, &now, Object::Kept(class, row.id), &caller.user, "deleted", row.name.as_str())
        })
    }

    /// Objects of a class, or one of them, by name.
    pub(crate) fn objects(
        &self,
        class: ObjectClass,
        only: Option<ObjectName>,
        after: Option<ObjectName>,
        limit: u32,
    ) -> Fallible<ObjectPage> {
        let limit = limit.clamp(1, PAGE);
        self.look(|db| {
            if let Some(name) = &only {
                let row = store::object::by_name(db, class, name)?.ok_or_else(|| not_found(class, name))?;
                let values = store::object::values(db, class, row.id)?;
                return Ok(ObjectPage { rows: vec![status(class, row, values)], next: None });
            }
            let found = store::object::list(db, class, after.as_ref(), limit)?;
            let mut more = found.len() as u32 == limit;
            let mut rows: Vec<ObjectStatus> = Vec::new();
            let mut octets = 0;
            for row in found {
                if octets >= PAGE_OCTETS {
                    more = true;
                    break;
                }
                let values = store::object::values(db, class, row.id)?;
                let status = status(class, row, values);
                octets += size(&status);
                rows.push(status);
            }
            let next = rows.last().filter(|_| more).map(|row| row.name.clone());
            Ok(ObjectPage { rows, next })
        })
    }
}

fn status(class: ObjectClass, row: ObjectRow, values: Values) -> ObjectStatus {
    ObjectStatus { class, name: row.name, attributes: object::in_order(class, values) }
}

/// About how many octets an object takes in a reply.
fn size(object: &ObjectStatus) -> usize {
    use crate::model::field::Value;
    let values = object.attributes.iter().flat_map(|attribute| &attribute.values);
    let values = values.map(|value| if let Value::Text(text) = value { text.len() } else { 8 });
    values.map(|octets| octets + 16).sum::<usize>() + 128
}

pub(crate) fn not_found(class: ObjectClass, name: &ObjectName) -> Failure {
    Failure::not_found(format!("{class} {name}"))
}
