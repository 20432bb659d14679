//! Doors: what holds for them beyond what holds for all objects that are only kept, and what the server reports of them.
//!
//! What an operator wants of a door is an attribute, `door-wish`; what it does is another, `door-state`, which the server sets. A
//! crash leaves the last report, and the next server makes a new one.

use crate::model::door::{DRAINED, DoorSettings, STARTED};
use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::object::{self, ObjectClass, ObjectName, Values};
use crate::model::{Call, CollectorName, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Tx};

use crate::spool::{Room, Spool};

/// Checks what a door has: it must mean something.
pub(super) fn check(class: ObjectClass, name: &ObjectName, values: &Values) -> Fallible<()> {
    if class != ObjectClass::Door {
        return Ok(());
    }
    if let Some([Value::Text(wish)]) = values.get("door-wish").map(Vec::as_slice)
        && ![STARTED, DRAINED].contains(&wish.as_str())
    {
        return Err(Failure::new(FailureKind::BadValue, format!("door-wish: it is {STARTED} or {DRAINED}")));
    }
    DoorSettings::of(name, &object::in_order(class, values.clone())).map(drop)
}

/// Refuses a door that has the name of a collector: COLLECT names both.
pub(super) fn demand_free_name(tx: &Tx<'_>, class: ObjectClass, name: &ObjectName) -> Fallible<()> {
    let Ok(collector) = name.as_str().parse::<CollectorName>() else { return Ok(()) };
    if class == ObjectClass::Door
        && (store::collector::by_name(tx, &collector)?.is_some() || collector == CollectorName::usual())
    {
        return Err(Failure::new(FailureKind::State, format!("{name} is a collector: a door has another name")));
    }
    Ok(())
}

/// Refuses a collector that has the name of a door.
pub(super) fn demand_no_door(tx: &Tx<'_>, name: &CollectorName) -> Fallible<()> {
    let Ok(door) = name.to_string().parse::<ObjectName>() else { return Ok(()) };
    match store::object::by_name(tx, ObjectClass::Door, &door)? {
        Some(row) => {
            Err(Failure::new(FailureKind::State, format!("{} is a door: a collector has another name", row.name))
                .hint(format!("pdls -c door {}   shows it", row.name)))
        }
        None => Ok(()),
    }
}

/// Refuses to delete a door that takes jobs.
pub(super) fn demand_drained(class: ObjectClass, name: &ObjectName, values: &Values) -> Fallible<()> {
    let drained = values.get("door-wish").is_some_and(|wish| wish.as_slice() == [Value::Text(DRAINED.to_owned())]);
    if class != ObjectClass::Door || drained {
        return Ok(());
    }
    Err(Failure::new(FailureKind::State, format!("door {name} takes jobs"))
        .hint(format!("pdserver door drain {name}   or   spoolcom 'COLLECT ${name}, DRAIN'   before it is deleted")))
}

impl Spool {
    /// Sets what the server reports of a door. What is the same already is not written.
    pub(crate) fn report_door(
        &self,
        call: &Call,
        name: ObjectName,
        reported: Vec<(&'static str, Value)>,
    ) -> Fallible<()> {
        let class = ObjectClass::Door;
        self.change(Room::Gives, call, move |tx| {
            let Some(row) = store::object::to_change(tx, class, &name)? else { return Ok(()) };
            let mut values = store::object::values(tx, class, row.id)?;
            let before = values.clone();
            for (attribute, value) in &reported {
                values.insert(attribute, vec![value.clone()]);
            }
            if values != before {
                store::object::set_values(tx, class, row.id, &values)?;
            }
            Ok(())
        })
    }

    /// Writes what happened at a door.
    pub(crate) fn tell_of_door(&self, call: &Call, name: ObjectName, what: EventWord, why: String) -> Fallible<()> {
        let class = ObjectClass::Door;
        self.change(Room::Gives, call, move |tx| {
            let Some(row) = store::object::to_change(tx, class, &name)? else { return Ok(()) };
            record(tx, Object::Kept(class, row.id), what.clone(), &why)
        })
    }
}
