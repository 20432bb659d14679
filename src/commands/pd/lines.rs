//! The line style: `label: name = value`, never folded. Scripts read this.
//!
//! Jobs and documents have exactly one blank after the colon of their label; labels of other objects are padded to the
//! widest one, so that the names of attributes begin in one column.

use std::io::{self, Write};

use super::columns::width;
use super::display::{Layout, Record};
use crate::attributes::{Attribute, text};
use crate::model::field::Value;

/// Writes one object, its documents after it; `pad` = the width of the widest label.
///
/// # Errors
/// When writing fails.
pub fn record(out: &mut dyn Write, layout: &Layout, record: &Record, pad: usize) -> io::Result<()> {
    let label = prefix(layout, &record.label, pad);
    for (row, value) in layout.selection.object.iter().zip(&record.values) {
        attribute(out, layout, &label, row, value)?;
    }
    for (number, values) in &record.documents {
        let label = prefix(layout, &format!("{}.{number}", record.label), pad);
        for (row, value) in layout.selection.documents.iter().zip(values) {
            attribute(out, layout, &label, row, value)?;
        }
    }
    Ok(())
}

/// What stands before the name: nothing without headings.
fn prefix(layout: &Layout, label: &str, pad: usize) -> String {
    if !layout.headings {
        return String::new();
    }
    let label = text::escaped(label);
    let blanks = pad.saturating_sub(width(&label)) + 1;
    format!("{label}:{}", " ".repeat(blanks))
}

fn attribute(out: &mut dyn Write, layout: &Layout, label: &str, row: &Attribute, value: &Value) -> io::Result<()> {
    let lines = text::lines(row.field, value, &layout.zone);
    let start = format!("{label}{} =", row.name());
    match lines.split_first() {
        None => writeln!(out, "{start}"),
        Some((first, more)) => {
            if first.is_empty() {
                writeln!(out, "{start}")?
            } else {
                writeln!(out, "{start} {first}")?
            }
            let indent = " ".repeat(width(&start) + 1);
            more.iter().try_for_each(|value| writeln!(out, "{indent}{value}"))
        }
    }
}
