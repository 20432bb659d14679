//! What InfoPrint commands set of an object and SPOOLCOM has no word for: DETAIL shows it under the name that it has there.

use crate::attributes::object::Object;
use crate::attributes::text::Lines;
use crate::attributes::{self, Attribute, Class, NONE};
use crate::model::field::{Field, Value};
use crate::model::job::{DocumentStatus, GivenValue, JobStatus};
use crate::model::object::{ObjectAttribute, ObjectClass, ObjectStatus};
use crate::model::order::Priority;
use crate::model::state::JobState;

use super::{Style, label, plain};

/// Returns the pages of its documents, none while they are not known. Each counts once, because copies have a column of
/// their own.
pub(super) fn pages_once(job: &JobStatus) -> Option<u64> {
    let once: Option<u64> = job.documents.iter().map(|document| document.pages).sum();
    once.filter(|_| !job.documents.is_empty()).or(job.pages).filter(|_| job.state != JobState::Open)
}

/// Classes of objects that have no command of SPOOLCOM, each with the label of a line.
pub const CLASSES: &[(ObjectClass, &str)] = &[
    (ObjectClass::Medium, "MEDIUM"),
    (ObjectClass::InitialValueJob, "DEFAULT JOB"),
    (ObjectClass::InitialValueDocument, "DEFAULT DOCUMENT"),
    (ObjectClass::Station, "STATION"),
    (ObjectClass::User, "PERSON"),
];

fn name_of(row: &Attribute) -> String {
    row.name().replace('-', " ").to_uppercase()
}

/// Writes a value: several with blanks between them, or each on a line of its own where one of them has a blank.
fn texts(row: &Attribute, value: &Value, style: &Style) -> Vec<String> {
    let mut lines = Lines::default();
    lines.add(row, value, &style.zone);
    let each: Vec<String> = (0..lines.len()).map(|n| lines.get(n).to_owned()).collect();
    if each.iter().any(|one| one.contains(' ')) { each } else { vec![each.join(" ")] }
}

/// Rows of `class` that somebody set, in the order of the table.
pub fn rows(class: Class, given: &[(Field, Value)]) -> impl Iterator<Item = (&'static Attribute, &Value)> {
    attributes::of_class(class)
        .filter_map(move |row| given.iter().find(|one| one.0 == row.field).map(|one| (row, &one.1)))
}

/// Returns the lines of DETAIL for what was set of an object; `before` stands before each label.
pub fn lines(class: Class, given: &[(Field, Value)], before: &str, style: &Style) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (row, value) in rows(class, given) {
        let name = format!("{before}{}", name_of(row));
        lines.extend(texts(row, value, style).into_iter().map(|text| label(&name, text)));
    }
    lines
}

/// What was given of a job or a document, without what has a column or a word.
fn values(given: &[GivenValue]) -> Vec<(Field, Value)> {
    let carried = given.iter().filter(|one| matches!(one.field, Field::Carried(_)));
    carried.map(|one| (one.field, one.value.clone())).collect()
}

/// What decides when a job prints and goes, and how long it stays, beside what is only carried.
pub fn of_job(job: &JobStatus) -> Vec<(Field, Value)> {
    let mut all = values(&job.given);
    let lifetime = [
        Field::JobPrintAfter,
        Field::JobRetentionPeriod,
        Field::JobRetainUntil,
        Field::RetainForever,
        Field::JobDiscardTime,
    ];
    for field in lifetime {
        let Some(row) = attributes::find(Class::Job, field) else { continue };
        let value = row.value(&Object::Job(job));
        if value != NONE {
            all.push((field, value));
        }
    }
    all
}

/// Returns the lines of DETAIL for a job and its documents.
pub fn lines_of_job(job: &JobStatus, style: &Style) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    // SELPRI has eight steps for a hundred priorities.
    if Priority::from_selpri(job.priority.selpri()) != Some(job.priority) {
        lines.push(label("JOB PRIORITY", job.priority.get()));
    }
    lines.extend(self::lines(Class::Job, &of_job(job), "", style));
    lines
}

/// Returns the lines of DETAIL for a document.
pub fn lines_of_document(document: &DocumentStatus, style: &Style) -> Vec<(String, String)> {
    lines(Class::Document, &of_document(document), &format!("DOCUMENT {} ", document.sequence), style)
}

/// What was given of a document, without what has a column or a word.
pub fn of_document(document: &DocumentStatus) -> Vec<(Field, Value)> {
    values(&document.given)
}

/// Returns an object that is only kept as one line: its name, and its attributes in parentheses.
pub fn in_one_line(object: &ObjectStatus) -> String {
    let one = |value: &Value| match value {
        Value::Integer(n) => n.to_string(),
        Value::Boolean(on) => on.to_string(),
        Value::Text(text) => plain(text),
        _ => String::new(),
    };
    let attribute = |attribute: &ObjectAttribute| {
        format!("{}={}", attribute.name, attribute.values.iter().map(one).collect::<Vec<_>>().join(" "))
    };
    let all: Vec<String> = object.attributes.iter().map(attribute).collect();
    if all.is_empty() { object.name.to_string() } else { format!("{} ({})", object.name, all.join(", ")) }
}
