//! How many columns characters take on paper.
//!
//! UTF-8 is read as such: a character of East Asia takes two columns, a combining one none. Every other octet above 127 is
//! a letter of some code page and takes one.

use unicode_width::UnicodeWidthChar;

/// Columns from one tabulator stop to the next.
pub const TAB: u64 = 8;

/// What an octet, or several, are on paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A control character of ASCII.
    Control(u8),
    /// A character that takes so many columns.
    Columns(u64),
}

/// Reads characters from text that comes in pieces. Between two pieces it keeps the beginning of one character.
#[derive(Clone, Debug, Default)]
pub struct Glyphs {
    held: [u8; 4],
    length: usize,
}

/// How long the character is that begins with this octet, if it is UTF-8; 1 for what begins none.
fn expected(lead: u8) -> usize {
    match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

impl Glyphs {
    /// How many octets are held back.
    pub fn held(&self) -> usize {
        self.length
    }

    /// Calls `each` for every character of a piece, with its octets.
    pub fn push(&mut self, piece: &[u8], mut each: impl FnMut(&[u8], Glyph)) {
        let mut rest = piece;
        while let Some((octet, after)) = rest.split_first() {
            if self.length > 0 {
                if !matches!(octet, 0x80..=0xbf) {
                    self.finish(&mut each);
                    continue;
                }
                self.held[self.length] = *octet;
                self.length += 1;
                if self.length == expected(self.held[0]) {
                    self.whole(&mut each);
                }
            } else {
                match octet {
                    0..b' ' | 0x7f => each(&[*octet], Glyph::Control(*octet)),
                    b' '..=b'~' => each(&[*octet], Glyph::Columns(1)),
                    lead if expected(*lead) > 1 => {
                        self.held[0] = *lead;
                        self.length = 1;
                    }
                    letter => each(&[*letter], Glyph::Columns(1)),
                }
            }
            rest = after;
        }
    }

    /// Calls `each` for what was held back: octets that are no UTF-8.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8], Glyph)) {
        for octet in &self.held[..std::mem::take(&mut self.length)] {
            each(&[*octet], Glyph::Columns(1));
        }
    }

    fn whole(&mut self, mut each: impl FnMut(&[u8], Glyph)) {
        let octets = &self.held[..self.length];
        match std::str::from_utf8(octets).ok().and_then(|text| text.chars().next()) {
            Some(character) => {
                let columns = character.width().unwrap_or(0) as u64;
                each(octets, Glyph::Columns(columns));
                self.length = 0;
            }
            None => self.finish(each),
        }
    }
}
