//! `-r archive`: what can be given, as an attributes file that `-X` reads.
//!
//! ```text
//! # 1021904417
//! job-name = 'Pay day'
//! job-retention-period = 1:00
//! # job-comment =
//! ```
//!
//! An attribute without a value is a comment, because a file may not have one; so is a point in time that has passed, which
//! would be refused. An attribute of documents is written once where all of them have the same value; otherwise each
//! document has a comment, because a file says what holds for all documents that follow.

use std::io::{self, Write};

use super::record::{Layout, Record};
use crate::attributes::text::Lines;
use crate::attributes::{Attribute, NONE};
use crate::model::field::{Field, Value};

/// No value, in a place of its own.
static NOTHING: Value = NONE;

/// Writes one object.
pub fn record(out: &mut dyn Write, layout: &Layout, record: &Record) -> io::Result<()> {
    writeln!(out, "# {}", crate::attributes::text::escaped(&record.label))?;
    // Of a destination only what one of its kind has.
    let of = |field: Field| layout.selection.object.iter().position(|row| row.field == field);
    let realization = of(Field::DestinationRealization).and_then(|at| record.values.get(at));
    let has = |row: &Attribute| match (row.only, realization) {
        (Some(only), Some(Value::Text(word))) => only.word() == word,
        _ => true,
    };
    for (row, value) in layout.selection.object.iter().zip(&record.values).filter(|one| has(one.0)) {
        line(out, layout, row, value)?;
    }
    for (n, row) in layout.selection.documents.iter().enumerate() {
        let value =
            |document: usize| record.documents.get(document).and_then(|one| one.values.get(n)).unwrap_or(&NOTHING);
        if (1..record.documents.len()).all(|document| value(document) == value(0)) {
            line(out, layout, row, value(0))?;
            continue;
        }
        for (document, one) in record.documents.iter().enumerate() {
            writeln!(out, "# document {}: {}", one.number, text(layout, row, value(document)))?;
        }
    }
    Ok(())
}

fn line(out: &mut dyn Write, layout: &Layout, row: &Attribute, value: &Value) -> io::Result<()> {
    let none = value.each().iter().all(|one| matches!(one, Value::Text(text) if text.is_empty()));
    // A deadline that has passed decides nothing, and is taken.
    let past = |one: &Value| matches!(one, Value::Time(ms) if *ms <= layout.now_ms) && refuses_the_past(row.field);
    let mark = if none || value.each().iter().any(past) { "# " } else { "" };
    writeln!(out, "{mark}{}", text(layout, row, if none { &NOTHING } else { value }))
}

fn refuses_the_past(field: Field) -> bool {
    matches!(field, Field::JobPrintAfter | Field::JobDiscardTime | Field::JobRetainUntil)
}

/// `name = value value`, each value quoted where it has to be.
fn text(layout: &Layout, row: &Attribute, value: &Value) -> String {
    let mut lines = Lines::default();
    lines.add(row, value, &layout.zone);
    let mut text = format!("{} =", row.name());
    for n in 0..lines.len() {
        text.push(' ');
        text.push_str(&quoted(lines.get(n)));
    }
    text
}

/// Quotes a value so that an attributes file gives it back.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-._:/@+,%".contains(c);
    let bare = !value.is_empty() && value.chars().all(plain);
    // A `#` begins a comment also within quotes.
    let value = value.replace('#', "\\#");
    if bare { value } else { format!("'{}'", value.replace('\'', "'\"'\"'")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::pd::command_line::attribute_files::Includes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_value_is_read_back(value in "[^\\x00-\\x1f\\x7f]{0,40}|['\"#\\\\{}= a]{1,12}") {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("f"), format!("job-comment = {}\n", quoted(&value))).unwrap();
            let pairs = Includes::within(dir.path().to_owned()).file("f").unwrap();
            prop_assert_eq!(&pairs[0].values, &[value]);
        }
    }
}
