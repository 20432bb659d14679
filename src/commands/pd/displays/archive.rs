//! `-r archive`: what can be set of an object, as an attributes file that `-X` reads again.
//!
//! A value that is no plain word is quoted, and a `#` in it is written `\\#`. An attribute without a value is a comment, because an
//! attributes file has no attribute without one. So is a value that cannot be written as one line.

use std::io::{self, Write};

use super::record::{Layout, Record};
use crate::attributes::text::{self, Lines};
use crate::attributes::{Attribute, Class, Kind};
use crate::model::field::{Field, Value};
use crate::model::printable::is_harmful;

/// Writes one object; `first` = it is the first one of the listing.
pub fn record(out: &mut dyn Write, layout: &Layout, record: &Record, first: bool) -> io::Result<()> {
    if !first {
        writeln!(out)?;
    }
    writeln!(out, "# {} {}", layout.class.keyword(), text::escaped(&record.label))?;
    // Of a destination only what one of its kind has.
    let of = |field: Field| layout.selection.object.iter().position(|row| row.field == field);
    let realization = of(Field::DestinationRealization).and_then(|at| record.values.get(at));
    let has = |row: &Attribute| match (row.only, realization) {
        (Some(only), Some(Value::Text(word))) => only.word() == word,
        _ => true,
    };
    for (row, value) in layout.selection.object.iter().zip(&record.values).filter(|one| has(one.0)) {
        attribute(out, layout, row, value, "")?;
    }
    // Attributes of documents hold for all that follow: those of the first one are given to each.
    for (n, document) in record.documents.iter().enumerate() {
        if layout.class == Class::Job {
            writeln!(out, "# document {}", document.number)?;
        }
        for (row, value) in layout.selection.documents.iter().zip(&document.values) {
            attribute(out, layout, row, value, if n == 0 { "" } else { "# " })?;
        }
    }
    Ok(())
}

fn attribute(out: &mut dyn Write, layout: &Layout, row: &Attribute, value: &Value, mark: &str) -> io::Result<()> {
    let mut words = String::new();
    for one in value.each() {
        let written = match one {
            Value::Text(text) => text.clone(),
            other => {
                let mut lines = Lines::default();
                lines.add(row, other, &layout.zone);
                lines.get(0).to_owned()
            }
        };
        if written.contains(is_harmful) || row.kind == Kind::Content {
            return writeln!(out, "# {} = {}", row.name(), text::escaped(&written));
        }
        // No value at all, as a display shows it.
        if written.is_empty() {
            continue;
        }
        words.push(' ');
        words.push_str(&quoted(&written));
    }
    match words.is_empty() {
        true => writeln!(out, "# {} =", row.name()),
        false => writeln!(out, "{mark}{} ={words}", row.name()),
    }
}

/// Writes a value as an attributes file has it.
fn quoted(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '-' | ',' | '%');
    if text.chars().all(is_word) {
        return text.to_owned();
    }
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("'\"'\"'"),
            '#' => out.push_str("\\#"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::pd::command_line::strings::parse;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_is_read_as_it_was_written(text in "[^#\\p{Cc}]{1,40}") {
            let pairs = parse(&format!("descriptor = {}", quoted(&text))).map_err(|_| ()).unwrap();
            prop_assert_eq!(&pairs[0].values, &vec![text]);
            prop_assert_eq!(pairs.len(), 1);
        }
    }
}
