//! ASA carriage control: the first character of a line says how the paper moves before the line is printed.
//!
//! | first character | before the line |
//! |---|---|
//! | blank | one line on |
//! | `0` | two lines on |
//! | `-` | three lines on |
//! | `+` | none: printed over the line before |
//! | `1` | a new page |
//!
//! Any other character, and a line without one, is one line on. The first line of a text stands at the beginning of a page
//! already: there a blank, `1` and `+` move nothing, and `0` and `-` leave one and two lines free. A text that ends with
//! a lone `1` leaves the paper at top of form.

/// How lines of ours end.
const LINE_END: &[u8] = b"\r\n";

/// Where the reader is, between two octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the first line.
    #[default]
    Start,
    /// Before the first character of a line.
    LineStart,
    /// On a line.
    OnLine,
}

/// Lines with carriage control become lines that move the paper themselves.
#[derive(Clone, Debug, Default)]
pub struct Asa {
    place: Place,
    /// A carriage return that may belong to the end of the line.
    held_return: bool,
    /// Nothing stands on the paper since it was moved to a new page.
    at_top: bool,
    /// The first line has begun.
    begun: bool,
}

impl Asa {
    /// Adds what becomes of a piece to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for octet in piece {
            if std::mem::take(&mut self.held_return) && *octet != b'\n' {
                self.put(b'\r', out);
            }
            match (self.place, octet) {
                (_, b'\r') => self.held_return = true,
                (Place::OnLine, b'\n') => self.place = Place::LineStart,
                // A line without a first character.
                (_, b'\n') => {
                    self.advance(b' ', out);
                    self.place = Place::LineStart;
                }
                (Place::OnLine, octet) => self.put(*octet, out),
                (_, control) => {
                    self.advance(*control, out);
                    self.place = Place::OnLine;
                }
            }
        }
    }

    /// Adds the end of the last line.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.begun && !self.at_top {
            out.extend_from_slice(LINE_END);
        }
        *self = Self::default();
    }

    /// An octet of a line. A return before the first character makes a line like any other.
    fn put(&mut self, octet: u8, out: &mut Vec<u8>) {
        if self.place != Place::OnLine {
            self.advance(b' ', out);
            self.place = Place::OnLine;
        }
        self.at_top = false;
        out.push(octet);
    }

    fn advance(&mut self, control: u8, out: &mut Vec<u8>) {
        let begun = std::mem::replace(&mut self.begun, true);
        let lines = match control {
            b'1' if begun => {
                out.extend_from_slice(b"\r\x0c");
                self.at_top = true;
                return;
            }
            b'+' if begun => {
                out.push(b'\r');
                return;
            }
            b'1' | b'+' => 0,
            b'0' => 2,
            b'-' => 3,
            _ => 1,
        };
        self.at_top = false;
        for _ in usize::from(!begun)..lines {
            out.extend_from_slice(LINE_END);
        }
    }
}
