//! Media, default jobs and default documents as InfoPrint commands manage them, and what default jobs and documents give to a
//! job that is submitted.
//!
//! States: absent → made → deleted. Each change is one transaction with its event, so a crash leaves the object as it was or
//! as it was to be. Whoever may configure the spool may change them; everybody may look. A default job or document is looked at
//! when a job is submitted: what is changed later changes no job that is there.

use std::collections::BTreeMap;

use crate::attributes::draft::Draft;
use crate::attributes::{Class, find};
use crate::model::authority::Right;
use crate::model::change::Staged;
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, Origin, Submission};
use crate::model::location::Destination;
use crate::model::managed::{ManagedChange, ManagedObject};
use crate::model::object::{self, ObjectAttribute, ObjectClass, ObjectName};
use crate::model::{Call, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::managed::Holder;
use crate::store::object::ObjectRow;
use crate::store::{self, Fallible, Lock, Tx};

use crate::spool::changes;
use crate::spool::{Room, Spool};

/// The identifier of a medium.
const IDENTIFIER: &str = "medium-identifier";

impl Spool {
    /// Makes one.
    pub(super) fn create_kept(
        &self,
        call: &Call,
        class: ObjectClass,
        object: &ManagedObject,
        changes: &[ManagedChange],
        message: Option<&str>,
    ) -> Fallible<Staged> {
        let name: ObjectName = object.name.parse()?;
        let mut draft = Draft::new(object.class, None);
        changes.iter().try_for_each(|change| draft.take(change, true))?;
        keep_message(&mut draft.kept, message);
        if class == ObjectClass::Medium
            && let Some(field) = Field::from_stored(IDENTIFIER)
        {
            draft.kept.entry(field).or_insert_with(|| Value::Text(name.as_str().to_owned()));
        }
        let (spool, changes) = (self.clone(), changes.to_vec());
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            changes.iter().try_for_each(|change| spool.demand_told(tx, change))?;
            super::additions::demand_additions(tx)?;
            if class == ObjectClass::Station && changes::is_on(tx)? {
                return changes::creates(tx, name.as_str(), draft.kept.clone());
            }
            if let Some(row) = store::object::by_name(tx, class, &name)? {
                return Err(Failure::new(FailureKind::State, format!("{class} {} exists already", row.name)));
            }
            let id = store::object::insert(tx, class, &name)?;
            let row = ObjectRow { id, name: name.clone() };
            set_values(tx, class, &row, &draft.kept)?;
            record(tx, Object::Kept(class, id), EventWord::Declared, name.as_str())?;
            Ok(Staged::default())
        })
    }

    /// Changes one: all of `changes`, or none.
    pub(super) fn set_kept(
        &self,
        call: &Call,
        class: ObjectClass,
        object: &ManagedObject,
        changes: &[ManagedChange],
        message: Option<&str>,
    ) -> Fallible<Staged> {
        let name: ObjectName = object.name.parse()?;
        let (managed, changes, message) = (object.class, changes.to_vec(), message.map(str::to_owned));
        let spool = self.clone();
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            changes.iter().try_for_each(|change| spool.demand_told(tx, change))?;
            let (mut staged, mut changes) = (Staged::default(), changes.clone());
            if let Some(edited) = changes::staged_class(tx, managed)? {
                (staged, changes) = changes::sets(tx, (edited, name.as_str()), &changes)?;
                if changes.is_empty() && message.is_none() {
                    return Ok(staged);
                }
            }
            let row = store::object::to_change(tx, class, &name)?.ok_or_else(|| not_found(class, &name))?;
            let before = values(tx, class, &row)?;
            let mut draft = Draft::new(managed, None);
            draft.kept.clone_from(&before);
            changes.iter().try_for_each(|change| draft.take(change, false))?;
            keep_message(&mut draft.kept, message.as_deref());
            if draft.kept == before {
                return Ok(staged);
            }
            set_values(tx, class, &row, &draft.kept)?;
            let said = changes.iter().map(|change| change.field.stored()).collect::<Vec<_>>().join(", ");
            record(tx, Object::Kept(class, row.id), EventWord::Altered, &said)?;
            Ok(staged)
        })
    }

    /// Deletes one.
    pub(super) fn delete_kept(&self, call: &Call, class: ObjectClass, object: &ManagedObject) -> Fallible<Staged> {
        let name: ObjectName = object.name.parse()?;
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            if class == ObjectClass::Station && changes::is_on(tx)? {
                return changes::deletes(tx, name.as_str());
            }
            let row = store::object::to_change(tx, class, &name)?.ok_or_else(|| not_found(class, &name))?;
            if let Some(field) = reference(class)
                && let Some(by) = store::managed::location_with(tx, field, name.as_str())?
            {
                let by = store::location::by_id(tx, by)?.map_or_else(String::new, |row| row.name.dest.to_string());
                return Err(Failure::new(
                    FailureKind::InUse,
                    format!("{class} {} still has destination {by}", row.name),
                )
                .hint(format!("pdset -c destination -x {}== {by}   takes it from there", field.stored())));
            }
            store::managed::forget(tx, Holder::Kept(class, row.id))?;
            store::object::delete(tx, row.id)?;
            record(tx, Object::Kept(class, row.id), EventWord::Deleted, row.name.as_str())?;
            Ok(Staged::default())
        })
    }

    /// Gives a submission what default jobs and documents say, where the submitter says nothing: first those that the
    /// submission names, then those of its destination.
    ///
    /// Returns what they give that the submitter himself might not. The submission cannot be asked for that: it may come from
    /// anybody.
    pub(crate) fn take_initial_values(&self, call: &Call, submission: &mut Submission) -> Fallible<ByDefault> {
        // Whatever a submission says of where its priority comes from, it is the submitter who gives it.
        for one in submission.given.iter_mut().filter(|one| one.document == 0 && one.field == Field::JobPriority) {
            one.origin = Origin::User;
        }
        let read = self.look(call, |tx| {
            let destination = self.destination(tx, &submission.destination)?;
            let row = match &destination {
                Destination::Location(name) | Destination::Plain(name) => store::location::by_name(tx, name)?,
                Destination::Group(_) => None,
            };
            let given = match row {
                Some(row) => store::managed::of(tx, Holder::Location(row.id))?,
                None => Vec::new(),
            };
            let of_place = |class| {
                let field = reference(class)?;
                given.iter().find(|one| one.0 == field).and_then(|one| text(&one.1))
            };
            let named = |document: u32, name: &str| {
                let field = Field::from_stored(name)?;
                let found = submission.given.iter().find(|one| one.document == document && one.field == field)?;
                text(&found.value)
            };
            let mut layers = Vec::new();
            let class = ObjectClass::InitialValueJob;
            let place = of_place(class);
            for name in [named(0, "initial-value-job"), place.clone()].into_iter().flatten() {
                let is_of_place = place.as_deref().is_some_and(|place| bare(place).eq_ignore_ascii_case(bare(&name)));
                layers.push(Layer { document: 0, is_of_place, ..initial_values(tx, class, &name)? });
            }
            for document in 1..=u32::try_from(submission.documents.len()).unwrap_or(u32::MAX) {
                let class = ObjectClass::InitialValueDocument;
                for name in [named(document, "initial-value-document"), of_place(class)].into_iter().flatten() {
                    layers.push(Layer { document, ..initial_values(tx, class, &name)? });
                }
            }
            Ok(layers)
        });
        // A destination that is not there is refused by whoever submits, in better words.
        let layers = match read {
            Err(failure) if failure.kind == FailureKind::NotFound && !failure.message.contains("initial-value") => {
                return Ok(ByDefault::default());
            }
            other => other?,
        };
        let mut by_default = ByDefault::default();
        for layer in layers {
            for (field, value) in layer.values {
                if !give(submission, layer.document, field, &value)? || layer.document > 0 {
                    continue;
                }
                match field {
                    Field::JobPriority if layer.is_of_place => by_default.priority = true,
                    // Who names a default job that gives a priority asks for that priority.
                    Field::JobPriority => {
                        let priority = |one: &&mut GivenValue| one.document == 0 && one.field == Field::JobPriority;
                        submission.given.iter_mut().filter(priority).for_each(|one| one.origin = Origin::User);
                    }
                    _ if field.stored() == "notification-profile" => by_default.profile_by = Some(layer.profile_by),
                    _ => {}
                }
            }
        }
        Ok(by_default)
    }
}

/// What default jobs give to a submission that the submitter himself might not give.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByDefault {
    /// The default job of the place gives the priority.
    pub(crate) priority: bool,
    /// A default job gives the profile, which this user has set.
    pub(crate) profile_by: Option<u32>,
}

/// What one default job or document gives.
struct Layer {
    /// To the job (0) or to that document.
    document: u32,
    /// The place where the job goes has it: nobody chose it.
    is_of_place: bool,
    /// Who set its profile.
    profile_by: u32,
    values: Vec<(Field, Value)>,
}

/// A name without its server.
fn bare(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The failure for an object that is not there.
pub(crate) fn not_found(class: ObjectClass, name: &ObjectName) -> Failure {
    Failure::not_found(format!("{class} {name}"))
}

/// Keeps what an operator says, as the attribute that shows it. Who says nothing at all takes back what was said.
pub(super) fn keep_message(kept: &mut BTreeMap<Field, Value>, message: Option<&str>) {
    if let (Some(text), Some(field)) = (message, Field::from_stored("message")) {
        match text {
            "" => kept.remove(&field),
            text => kept.insert(field, Value::Text(text.to_owned())),
        };
    }
}

/// Gives a value of a default job or document to a submission, unless it has one. Returns whether it did.
fn give(submission: &mut Submission, document: u32, field: Field, value: &Value) -> Fallible<bool> {
    let class = if document == 0 { Class::Job } else { Class::Document };
    // Descriptor and message are of the default job itself.
    let Some(row) = find(class, field) else { return Ok(false) };
    let has = |one: &GivenValue| one.document == document && one.field == field;
    let keeps = crate::model::lifetime::Retention::FIELDS;
    // Of the three that say how long a job is kept one is enough.
    let excluded = keeps.contains(&field) && submission.given.iter().any(|one| keeps.contains(&one.field));
    if excluded || submission.given.iter().any(has) {
        return Ok(false);
    }
    let number = (document > 0).then_some(document);
    let bad =
        |why| Failure::new(FailureKind::BadValue, format!("{} of a default {}: {why}", row.name(), class.keyword()));
    row.submit(submission, value, number).map_err(bad)?;
    for one in submission.given.iter_mut().filter(|one| has(one)) {
        one.origin = Origin::DefaultJob;
    }
    Ok(true)
}

/// The attribute of a logical destination that names such an object.
fn reference(class: ObjectClass) -> Option<Field> {
    match class {
        ObjectClass::InitialValueJob => Field::from_stored("destination-initial-value-job"),
        ObjectClass::InitialValueDocument => Field::from_stored("destination-initial-value-document"),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// What a default job or document gives; `server:name` names it too.
fn initial_values(tx: &Tx<'_>, class: ObjectClass, name: &str) -> Fallible<Layer> {
    let name: ObjectName = bare(name).parse()?;
    let row = store::object::by_name(tx, class, &name)?.ok_or_else(|| {
        not_found(class, &name)
            .hint(format!("pdls -c {class}   lists them;  pdcreate -c {class} SERVER:{name}   makes it"))
    })?;
    let profile = store::managed::set_by(tx, Holder::Kept(class, row.id), "notification-profile")?;
    let profile_by = profile.map_or(store::managed::NOBODY, |found| found.1);
    let values = values(tx, class, &row)?.into_iter().collect();
    Ok(Layer { document: 0, is_of_place: false, profile_by, values })
}

/// Checks that the default job and document that a logical destination names are there.
pub(super) fn demand_defaults(tx: &Tx<'_>, given: &BTreeMap<Field, Value>) -> Fallible<()> {
    for class in [ObjectClass::InitialValueJob, ObjectClass::InitialValueDocument] {
        if let Some(name) = reference(class).and_then(|field| given.get(&field)).and_then(text) {
            initial_values(tx, class, &name)?;
        }
    }
    Ok(())
}

/// Returns the values of an object.
pub(crate) fn values(tx: &Tx<'_>, class: ObjectClass, row: &ObjectRow) -> Fallible<BTreeMap<Field, Value>> {
    if class.has_free_attributes() {
        return Ok(store::managed::of(tx, Holder::Kept(class, row.id))?.into_iter().collect());
    }
    let stored = store::object::values(tx, class, row.id)?;
    let one = |(name, mut values): (&'static str, Vec<Value>)| {
        let value = if values.len() == 1 { values.pop()? } else { Value::Many(values) };
        Some((Field::from_stored(name)?, value))
    };
    Ok(stored.into_iter().filter_map(one).collect())
}

/// Sets the values of an object.
pub(crate) fn set_values(
    tx: &Tx<'_>,
    class: ObjectClass,
    row: &ObjectRow,
    values: &BTreeMap<Field, Value>,
) -> Fallible<()> {
    if class.has_free_attributes() {
        return store::managed::set(tx, Holder::Kept(class, row.id), values);
    }
    let attributes = values
        .iter()
        .map(|(field, value)| ObjectAttribute { name: field.stored().to_owned(), values: value.each().to_vec() });
    let values = object::new_values(class, attributes.collect())?;
    store::object::set_values(tx, class, row.id, &values)
}

/// The attributes of an object of a class whose attributes are those of the table, as displays show them.
pub(super) fn free_attributes(tx: &Tx<'_>, class: ObjectClass, row: &ObjectRow) -> Fallible<Vec<ObjectAttribute>> {
    let values = store::managed::of(tx, Holder::Kept(class, row.id))?;
    let shown = |(field, value): (Field, Value)| ObjectAttribute {
        name: field.stored().to_owned(),
        values: value.each().to_vec(),
    };
    Ok(values.into_iter().map(shown).collect())
}
