//! The line style: `label: name = value`, never folded. Scripts read this.
//!
//! Jobs and documents have exactly one blank after the colon of their label; labels of other objects are padded to the
//! widest one, so that the names of attributes begin in one column.

use std::io::{self, Write};

use super::columns::width;
use super::record::{Layout, Record};
use crate::attributes::Attribute;
use crate::attributes::text::{self, Lines};
use crate::model::field::Value;

/// Writes one object, its documents after it; `pad` = the width of the widest label.
pub fn record(out: &mut dyn Write, layout: &Layout, record: &Record, pad: usize) -> io::Result<()> {
    let mut lines = Lines::default();
    let label = prefix(layout, &record.label, pad);
    let carried = record.carried.iter().map(|(row, value)| (row, value));
    for (row, value) in layout.selection.object.iter().zip(&record.values).chain(carried) {
        attribute(out, layout, &label, row, value, &mut lines)?;
    }
    for document in &record.documents {
        let label = prefix(layout, &format!("{}.{}", record.label, document.number), pad);
        let carried = document.carried.iter().map(|(row, value)| (row, value));
        for (row, value) in layout.selection.documents.iter().zip(&document.values).chain(carried) {
            attribute(out, layout, &label, row, value, &mut lines)?;
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

fn attribute(
    out: &mut dyn Write,
    layout: &Layout,
    label: &str,
    row: &Attribute,
    value: &Value,
    lines: &mut Lines,
) -> io::Result<()> {
    lines.clear();
    lines.add(row, value, &layout.zone);
    write!(out, "{label}{} =", row.name())?;
    match lines.get(0) {
        "" => writeln!(out)?,
        first => writeln!(out, " {first}")?,
    }
    if lines.len() > 1 {
        let indent = " ".repeat(width(label) + width(row.name()) + 3);
        (1..lines.len()).try_for_each(|n| writeln!(out, "{indent}{}", lines.get(n)))?;
    }
    Ok(())
}
