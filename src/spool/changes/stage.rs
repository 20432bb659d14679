//! Staging: what commands ask of queues, printers and stations waits here.
//!
//! An edit is staged as the value that is to be, so several edits of one attribute are one, and one that makes again what counts now is
//! none. Each is checked as if it were carried out.

use crate::attributes::draft::Draft;
use crate::model::change::{Edit, EditedClass, MOST_STAGED, Staged};
use crate::model::event::EventWord;
use crate::model::field::Field;
use crate::model::managed::{ManagedChange, ManagedClass, Realization};
use crate::model::{Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Tx};

use super::apply::{self, THERE, Values};
use super::said;

/// Stages changes of an object, those that are staged at all. Returns how many, and the changes that are left: they count at once.
pub(crate) fn sets(
    tx: &Tx<'_>,
    (class, name): (EditedClass, &str),
    changes: &[ManagedChange],
) -> Fallible<(Staged, Vec<ManagedChange>)> {
    let rows = store::change::staged_of(tx, class, name)?;
    let now = apply::now(tx, class, name)?;
    // One that is not there yet has nothing but what is staged.
    let is_new = now.is_none() && !rows.is_empty();
    let (staged, live): (Vec<_>, Vec<_>) =
        changes.iter().cloned().partition(|change| is_new || class.stages(change.field));
    if staged.is_empty() {
        return Ok((Staged::default(), live));
    }
    let edits = rows.iter().map(|row| &row.edit);
    let Some(then) = apply::overlaid(now.clone(), edits) else {
        return Err(match now {
            Some(_) => Failure::new(FailureKind::State, format!("{} {name}: it is staged to be deleted", class.word()))
                .hint(format!("pdchange discard {name}   keeps it")),
            None => Failure::not_found(format!("{} {name}", class.word())),
        });
    };
    let after = drafted(class, then.clone(), &staged, false)?;
    let mut n = 0;
    for edit in apply::differences((class, name), Some(&then), Some(&after)) {
        n += write(tx, &edit, now.as_ref())?;
    }
    // What was asked for again is staged as well.
    let again =
        u32::from(n == 0 && rows.iter().any(|row| staged.iter().any(|change| Some(change.field) == row.edit.field)));
    Ok((Staged { edits: n + again }, live))
}

/// Stages that a station is made.
pub(crate) fn creates(tx: &Tx<'_>, name: &str, values: Values) -> Fallible<Staged> {
    let class = EditedClass::Station;
    let rows = store::change::staged_of(tx, class, name)?;
    let now = apply::now(tx, class, name)?;
    let then = apply::overlaid(now.clone(), rows.iter().map(|row| &row.edit));
    if then.is_some() {
        return Err(Failure::new(FailureKind::State, format!("{} {name} exists already", class.word())));
    }
    store::change::unstage_all(tx, class, name)?;
    let mut n = 0;
    let edits = apply::differences((class, name), now.as_ref(), Some(&values));
    for edit in edits {
        n += write(tx, &edit, now.as_ref())?;
    }
    Ok(Staged { edits: n })
}

/// Stages that a station is deleted.
pub(crate) fn deletes(tx: &Tx<'_>, name: &str) -> Fallible<Staged> {
    let class = EditedClass::Station;
    let rows = store::change::staged_of(tx, class, name)?;
    let now = apply::now(tx, class, name)?;
    let then = apply::overlaid(now.clone(), rows.iter().map(|row| &row.edit));
    if then.is_none() {
        return Err(Failure::not_found(format!("{} {name}", class.word())));
    }
    store::change::unstage_all(tx, class, name)?;
    let gone = Edit { class, name: name.to_owned(), field: None, before: now.as_ref().map(|_| THERE), after: None };
    // One that was only staged is simply not staged any more.
    if now.is_none() {
        record(tx, Object::Spool, EventWord::Staged, &format!("{}; taken back", said(&gone)))?;
        return Ok(Staged { edits: 1 });
    }
    Ok(Staged { edits: write(tx, &gone, now.as_ref())? })
}

/// Forgets what is staged of an object that is deleted at once.
pub(crate) fn forget(tx: &Tx<'_>, class: EditedClass, name: &str) -> Fallible<()> {
    store::change::unstage_all(tx, class, name).map(drop)
}

/// What an object would have after changes of its attributes, by the rules of its class.
fn drafted(class: EditedClass, values: Values, changes: &[ManagedChange], creates: bool) -> Fallible<Values> {
    let (managed, realization) = match class {
        EditedClass::Queue => (ManagedClass::Queue, None),
        EditedClass::Destination => (ManagedClass::Destination, Some(Realization::Actual)),
        EditedClass::Station => (ManagedClass::Station, None),
    };
    let mut draft = Draft::new(managed, realization);
    draft.kept = values;
    changes.iter().try_for_each(|change| draft.take(change, creates))?;
    Ok(draft.kept)
}

/// Writes an edit down, or takes it back where it makes what counts now. Returns 1.
fn write(tx: &Tx<'_>, edit: &Edit, now: Option<&Values>) -> Fallible<u32> {
    let of_now = |field: Option<Field>| match field {
        Some(field) => now.and_then(|values| values.get(&field).cloned()),
        None => now.map(|_| THERE),
    };
    let place = (edit.class, edit.name.as_str());
    if Edit::same(of_now(edit.field).as_ref(), edit.after.as_ref()) && (now.is_some() || edit.field.is_none()) {
        store::change::unstage(tx, place, edit.field)?;
    } else {
        if store::change::has_more_than(tx, MOST_STAGED)? {
            let why = format!("{MOST_STAGED} edits are staged: no more are taken");
            return Err(Failure::new(FailureKind::State, why).hint("pdchange issue   issues them"));
        }
        store::change::stage(tx, place, edit.field, edit.after.as_ref())?;
    }
    record(tx, Object::Spool, EventWord::Staged, &said(edit))?;
    Ok(1)
}
