//! Lines that fit their paper.
//!
//! * EOL CRLF: a line feed without a carriage return gets one, and so does a form feed behind an unfinished line. A lone
//!   carriage return stays: the line is printed over.
//! * WIDTH: a line goes on below before the character that does not fit; with TRUNC that character and what follows on the
//!   line is left out. A tabulator leads to the next of eight columns, a backspace one column back, a carriage return to
//!   the first: what is printed over takes no column.
//! * PAGELENGTH: behind so many lines stands a form feed, as soon as something follows that does not feed the page itself.

use super::columns::{Glyph, Glyphs, TAB};
use crate::model::separation::Layout;

/// The state of a page, between two characters.
#[derive(Clone, Debug)]
pub struct Lines {
    glyphs: Glyphs,
    paper: Page,
}

#[derive(Clone, Debug)]
struct Page {
    layout: Layout,
    /// The column of the next character, from 0.
    column: u64,
    /// The last octet was a carriage return.
    after_return: bool,
    /// Nothing was printed since the carriage was at the left.
    at_left: bool,
    /// Lines that have ended on this page.
    lines: u32,
    /// The page is full.
    full: bool,
}

impl Lines {
    /// At the beginning of a page.
    pub fn new(layout: Layout) -> Self {
        let paper = Page { layout, column: 0, after_return: false, at_left: true, lines: 0, full: false };
        Self { glyphs: Glyphs::default(), paper }
    }

    /// Adds what becomes of a piece to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let paper = &mut self.paper;
        self.glyphs.push(piece, |octets, glyph| paper.put(octets, glyph, out));
    }

    /// Adds what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let paper = &mut self.paper;
        self.glyphs.finish(|octets, glyph| paper.put(octets, glyph, out));
    }
}

impl Page {
    fn put(&mut self, octets: &[u8], glyph: Glyph, out: &mut Vec<u8>) {
        let after_return = std::mem::replace(&mut self.after_return, glyph == Glyph::Control(b'\r'));
        if self.full && !matches!(glyph, Glyph::Control(b'\r' | b'\x0c')) {
            self.feed(out);
        }
        match glyph {
            Glyph::Control(b'\n') => {
                if self.layout.eol_crlf && !after_return {
                    out.push(b'\r');
                }
                out.push(b'\n');
                self.line_ends();
            }
            Glyph::Control(b'\x0c') => {
                if self.layout.eol_crlf && !self.at_left {
                    out.push(b'\r');
                }
                self.feed(out);
            }
            Glyph::Control(b'\r') => {
                out.push(b'\r');
                (self.column, self.at_left) = (0, true);
            }
            Glyph::Control(b'\x08') => {
                // From behind the cut nothing has to go back.
                self.show(octets, out);
                self.column = self.column.saturating_sub(1);
            }
            Glyph::Control(b'\t') => {
                let (before, next) = (self.column, (self.column / TAB + 1) * TAB);
                self.column = self.wraps().map_or(next, |width| next.min(width.max(before)));
                self.at_left = false;
                self.show(octets, out);
            }
            Glyph::Control(_) => out.extend_from_slice(octets),
            Glyph::Columns(columns) => {
                if self.wraps().is_some_and(|width| columns > 0 && self.column > 0 && self.column + columns > width) {
                    out.extend_from_slice(b"\r\n");
                    self.line_ends();
                    if self.full {
                        self.feed(out);
                    }
                }
                self.column += columns;
                self.at_left = false;
                self.show(octets, out);
            }
        }
    }

    /// Adds octets, unless the line is cut before this column.
    fn show(&self, octets: &[u8], out: &mut Vec<u8>) {
        let cut = self.layout.columns.filter(|_| self.layout.cut).is_some_and(|width| self.column > u64::from(width));
        if !cut {
            out.extend_from_slice(octets);
        }
    }

    /// The columns after which lines go on below.
    fn wraps(&self) -> Option<u64> {
        self.layout.columns.filter(|_| !self.layout.cut).map(u64::from)
    }

    fn line_ends(&mut self) {
        (self.column, self.at_left) = (0, true);
        self.lines += 1;
        self.full = self.layout.page_lines.is_some_and(|lines| self.lines >= lines);
    }

    fn feed(&mut self, out: &mut Vec<u8>) {
        out.push(b'\x0c');
        (self.column, self.at_left, self.lines, self.full) = (0, true, 0, false);
    }
}
