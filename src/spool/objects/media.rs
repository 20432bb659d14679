//! The papers that jobs ask for with `default-medium`, and what the devices behind a destination have.
//!
//! A job for a paper that no device supports is refused. One for a paper that is supported and not loaded waits, as a job with
//! a form does, until it is loaded: the paper becomes its form. Where a device says nothing of papers it prints on any.

use crate::model::field::{Field, Value};
use crate::model::job::Submission;
use crate::model::location::Destination;
use crate::model::location::LocationKind;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::{Call, Failure, FailureKind, LocationPattern};
use crate::spool::Spool;
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Tx};

/// What a destination says of papers.
pub(crate) struct Papers {
    /// Its name.
    name: String,
    /// Those that it supports, as it says.
    supported: Vec<String>,
    /// Those that are loaded.
    loaded: Vec<String>,
}

impl Papers {
    /// Whether it says anything.
    fn speaks(&self) -> bool {
        !self.supported.is_empty() || !self.loaded.is_empty()
    }

    pub(crate) fn supports(&self, paper: &str) -> bool {
        !self.speaks() || self.supported.iter().chain(&self.loaded).any(|one| one.eq_ignore_ascii_case(paper))
    }
}

impl Spool {
    /// Checks the papers that a submission asks for, and has it wait for the first of them where every device that could print
    /// it says which papers it has.
    pub(crate) fn take_media(&self, call: &Call, submission: &mut Submission) -> Fallible<()> {
        let Some(field) = Field::from_stored("default-medium") else { return Ok(()) };
        let asked = submission.given.iter().filter(|one| one.field == field);
        let asked: Vec<String> = asked
            .filter_map(|one| if let Value::Text(text) = &one.value { Some(text.clone()) } else { None })
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let found = self.look(call, |tx| {
            let destination = self.destination(tx, &submission.destination)?;
            let wanted = asked.iter().map(|word| identifier(tx, word)).collect::<Fallible<Vec<String>>>()?;
            let server = store::managed::of(tx, Holder::Spool)?;
            Ok((wanted, logical(tx, &destination)?, actual(tx, &destination)?, accepts(&server)))
        });
        let (wanted, logical, actual, accepts) = match found {
            // Whoever submits it refuses a destination that is not there, in better words.
            Err(failure) if matches!(failure.kind, FailureKind::NotFound | FailureKind::Ambiguous) => return Ok(()),
            other => other?,
        };
        for paper in &wanted {
            if let Some(place) = logical.as_ref().filter(|place| !place.supports(paper)) {
                return Err(unsupported(paper, &place.name, &place.supported));
            }
            if !accepts && !actual.is_empty() && !actual.iter().any(|device| device.supports(paper)) {
                let all = actual.iter().flat_map(|device| device.supported.iter().chain(&device.loaded));
                let mut all: Vec<String> = all.cloned().collect();
                all.sort();
                all.dedup();
                return Err(unsupported(paper, &submission.destination, &all));
            }
        }
        let Some(first) = wanted.first() else { return Ok(()) };
        let mut those = actual.iter().filter(|device| device.supports(first)).peekable();
        // A device that says nothing would never take a job that waits for a paper. What none supports is held, and waits for none.
        let waits = those.peek().is_some() && those.all(Papers::speaks);
        if waits && submission.form.is_empty() {
            submission.form.clone_from(first);
        }
        Ok(())
    }
}

fn unsupported(paper: &str, place: &str, supported: &[String]) -> Failure {
    let shown = crate::model::printable::escaped(paper);
    Failure::new(FailureKind::Unsupported, format!("default-medium: {shown} is not supported by destination {place}"))
        .hint(format!("supported are {}", supported.join(", ")))
}

/// The word that trays use for a paper: that of the medium of this name, or the word itself.
pub(crate) fn identifier(tx: &Tx<'_>, word: &str) -> Fallible<String> {
    let Ok(name) = word.parse::<ObjectName>() else { return Ok(word.to_owned()) };
    let Some(row) = store::object::by_name(tx, ObjectClass::Medium, &name)? else { return Ok(word.to_owned()) };
    let values = store::object::values(tx, ObjectClass::Medium, row.id)?;
    Ok(match values.get("medium-identifier").and_then(|values| values.first()) {
        Some(Value::Text(text)) => text.clone(),
        _ => word.to_owned(),
    })
}

fn accepts(server: &[(Field, Value)]) -> bool {
    let field = Field::from_stored("accept-unsupported-jobs");
    server.iter().any(|one| Some(one.0) == field && one.1 == Value::Boolean(true))
}

fn supported(given: &[(Field, Value)]) -> Vec<String> {
    let field = Field::from_stored("media-supported");
    let value = given.iter().find(|one| Some(one.0) == field).map(|one| &one.1);
    let texts = value.map(Value::each).into_iter().flatten();
    texts.filter_map(|one| if let Value::Text(text) = one { Some(text.clone()) } else { None }).collect()
}

/// What a destination says of papers, by what was set of it and the papers that are loaded.
pub(crate) fn papers_of(name: &str, given: &[(Field, Value)], loaded: Vec<String>) -> Papers {
    Papers { name: name.to_owned(), supported: supported(given), loaded }
}

/// What the logical destination itself says.
fn logical(tx: &Tx<'_>, destination: &Destination) -> Fallible<Option<Papers>> {
    let Some(name) = destination.location() else { return Ok(None) };
    let Some(row) = store::location::by_name(tx, name)?.filter(|row| row.kind != LocationKind::Outlet) else {
        return Ok(None);
    };
    let supported = supported(&store::managed::of(tx, Holder::Location(row.id))?);
    Ok(Some(Papers { name: name.dest.to_string(), supported, loaded: Vec::new() }))
}

/// What the devices behind a destination say.
fn actual(tx: &Tx<'_>, destination: &Destination) -> Fallible<Vec<Papers>> {
    let rows = match destination {
        Destination::Group(group) => super::locations::matching(tx, &LocationPattern::Group(group.clone()))?,
        Destination::Location(name) | Destination::Plain(name) => match store::location::by_name(tx, name)? {
            Some(row) if row.whole_group => {
                super::locations::matching(tx, &LocationPattern::Group(row.group.name.clone()))?
            }
            row => row.into_iter().collect(),
        },
    };
    let mut ids: Vec<_> = rows.iter().filter_map(|row| row.device).collect();
    ids.sort();
    ids.dedup();
    let mut found = Vec::new();
    for id in ids {
        if let Some(row) = store::device::by_id(tx, id)? {
            found.push(Papers {
                name: row.name.to_string(),
                supported: supported(&store::managed::of(tx, Holder::Device(id))?),
                loaded: row.settings.papers().map(str::to_owned).collect(),
            });
        }
    }
    Ok(found)
}
