//! What is shown of change control on this server, and of the objects of its pools as they will be.

use std::collections::BTreeMap;

use crate::model::change::{ChangeView, Edit, EditedClass, Look, PrinterFacts, QueueFacts, StagedEdit, StationFacts};
use crate::model::field::Value;
use crate::model::object::ObjectClass;
use crate::model::{Call, DeviceName, GroupName};
use crate::spool::Spool;
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Tx};

use super::apply::{self, Values};
use super::generations::with_now;
use super::is_on;
use crate::spool::objects::kept;

/// Objects of one kind that a view has at most.
const MOST: usize = 20_000;

/// A value as people read it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) | Value::Time(n) => n.to_string(),
        Value::Boolean(on) => on.to_string(),
        Value::Many(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
    }
}

impl Spool {
    /// Returns how change control stands here.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn change_view(&self, call: &Call, look: Look) -> Fallible<ChangeView> {
        self.look(call, |tx| {
            let control = store::change::control(tx)?;
            let staged = with_now(tx)?;
            let mut view = ChangeView {
                server: self.server().clone(),
                mode: control.mode,
                stages: is_on(tx)?,
                generation: control.generation,
                prepared: store::change::prepared(tx)?,
                issuing: None,
                history: store::change::committed(tx, 0)?,
                stragglers: store::change::stragglers(tx)?,
                staged: Vec::new(),
                queues: Vec::new(),
                printers: Vec::new(),
                stations: Vec::new(),
                unreached: Vec::new(),
            };
            if look >= Look::Objects {
                let edits = ByObject::of(&staged);
                view.queues = queues(tx, &edits)?;
                view.printers = printers(tx, &edits)?;
                view.stations = stations(tx, (&staged, &edits))?;
            }
            if look >= Look::Edits {
                view.staged = staged;
            }
            Ok(view)
        })
    }
}

fn texts(values: &Values, name: &str) -> Vec<String> {
    let found = values.iter().find(|one| one.0.stored() == name).map(|one| one.1.each().to_vec());
    found.unwrap_or_default().iter().map(shown).collect()
}

/// What is staged, by object.
struct ByObject<'a>(BTreeMap<(EditedClass, String), Vec<&'a Edit>>);

impl<'a> ByObject<'a> {
    fn of(staged: &'a [StagedEdit]) -> Self {
        let mut found: BTreeMap<(EditedClass, String), Vec<&Edit>> = BTreeMap::new();
        for edit in staged.iter().map(|one| &one.edit) {
            found.entry((edit.class, Edit::key_of(&edit.name))).or_default().push(edit);
        }
        Self(found)
    }

    /// Puts what is staged over what an object has.
    fn then(&self, class: EditedClass, name: &str, now: Option<Values>) -> Option<Values> {
        match self.0.get(&(class, Edit::key_of(name))) {
            Some(edits) => apply::overlaid(now, edits.iter().copied()),
            None => now,
        }
    }
}

fn queues(tx: &Tx<'_>, edits: &ByObject<'_>) -> Fallible<Vec<QueueFacts>> {
    let mut found: Vec<QueueFacts> = Vec::new();
    let mut after: Option<GroupName> = None;
    loop {
        let page = store::location::groups(tx, after.as_ref())?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.name.clone());
        for row in page {
            let now = store::managed::of(tx, Holder::Group(row.id))?.into_iter().collect();
            let values = edits.then(EditedClass::Queue, row.name.as_str(), Some(now)).unwrap_or_default();
            found.push(QueueFacts {
                secure: texts(&values, "release-type").iter().any(|word| word == "secure"),
                compatible: texts(&values, "compatible-queues"),
                driver: texts(&values, "driver").pop(),
                name: row.name.to_string(),
            });
        }
        if found.len() >= MOST {
            return Ok(found);
        }
    }
}

fn printers(tx: &Tx<'_>, edits: &ByObject<'_>) -> Fallible<Vec<PrinterFacts>> {
    let mut found: Vec<PrinterFacts> = Vec::new();
    let mut after: Option<DeviceName> = None;
    loop {
        let page = store::device::list(tx, after.as_ref())?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.name.clone());
        for row in page {
            let now = store::managed::of(tx, Holder::Device(row.id))?.into_iter().collect();
            let name = row.name.to_string();
            let values = edits.then(EditedClass::Destination, &name, Some(now)).unwrap_or_default();
            let mut queues: Vec<String> = Vec::new();
            for location in store::location::of_device(tx, row.id)? {
                let queue = location.group.name.to_string();
                if !queues.contains(&queue) {
                    queues.push(queue);
                }
            }
            let (valid, driver) = (texts(&values, "valid-attributes"), texts(&values, "driver").pop());
            found.push(PrinterFacts { name, queues, valid, driver });
        }
        if found.len() >= MOST {
            return Ok(found);
        }
    }
}

fn stations(tx: &Tx<'_>, (staged, edits): (&[StagedEdit], &ByObject<'_>)) -> Fallible<Vec<StationFacts>> {
    let class = ObjectClass::Station;
    let facts = |name: String, values: &Values| StationFacts {
        printers: texts(values, "related-printers"),
        shows_all: texts(values, "jobs-shown").iter().any(|word| word == "all"),
        name,
    };
    let mut found: Vec<StationFacts> = Vec::new();
    let mut after = None;
    loop {
        let page = store::object::list(tx, class, after.as_ref(), u32::MAX)?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        for row in page {
            let now = kept::values(tx, class, &row)?;
            let then = edits.then(EditedClass::Station, row.name.as_str(), Some(now));
            found.extend(then.map(|values| facts(row.name.to_string(), &values)));
        }
        if found.len() >= MOST {
            return Ok(found);
        }
    }
    // Those that are made with the next generation.
    let made = staged.iter().map(|one| &one.edit);
    for edit in made.filter(|edit| edit.class == EditedClass::Station && edit.field.is_none() && edit.after.is_some()) {
        let then = edits.then(EditedClass::Station, &edit.name, None);
        found.extend(then.map(|values| facts(edit.name.clone(), &values)));
    }
    Ok(found)
}
