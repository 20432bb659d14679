//! Text as a device wants it: complete line ends, lines that fit, pages of so many lines, ASA carriage control.
//!
//! Text leaves as it came unless the operator asked for more on its device ([`Layout`]), or its lines begin with ASA
//! carriage control. It comes in pieces: where they are cut does not matter, and what is held back between two of them is
//! one character. A text of sixteen bits a character leaves as it came.

mod asa;
mod columns;
mod lines;
#[cfg(test)]
mod tests;

use crate::model::job::Format;
use crate::model::separation::Layout;

pub(super) use asa::Asa;
pub(super) use columns::{Glyph, Glyphs, TAB};

use super::format::wide;
use lines::Lines;

/// Makes of a text what is sent.
#[derive(Clone, Debug)]
pub struct Expander {
    asa: Option<Asa>,
    lines: Option<Lines>,
    /// What ASA made of a piece.
    between: Vec<u8>,
}

impl Expander {
    /// Begins a text of this format that begins with `first`; none where it leaves as it came.
    pub fn new(layout: Layout, format: Format, first: &[u8]) -> Option<Self> {
        if !format.is_text() || wide(first).is_some() {
            return None;
        }
        let asa = (format == Format::Asa).then(Asa::default);
        let lines = (!layout.is_plain()).then(|| Lines::new(layout));
        (asa.is_some() || lines.is_some()).then(|| Self { asa, lines, between: Vec::new() })
    }

    /// Adds what becomes of a piece to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match (&mut self.asa, &mut self.lines) {
            (Some(asa), Some(lines)) => {
                self.between.clear();
                asa.push(piece, &mut self.between);
                lines.push(&self.between, out);
            }
            (Some(asa), None) => asa.push(piece, out),
            (None, Some(lines)) => lines.push(piece, out),
            (None, None) => out.extend_from_slice(piece),
        }
    }

    /// Adds what is left at the end of the text.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.between.clear();
        if let Some(asa) = &mut self.asa {
            asa.finish(if self.lines.is_some() { &mut self.between } else { &mut *out });
        }
        if let Some(lines) = &mut self.lines {
            lines.push(&self.between, out);
            lines.finish(out);
        }
    }
}
