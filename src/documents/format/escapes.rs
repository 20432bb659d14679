//! Printer languages by their control sequences: PCL, ESC/P, ESC/POS.

use crate::model::job::Format;

const ESC: u8 = 0x1b;
const GS: u8 = 0x1d;
const FS: u8 = 0x1c;
const DLE: u8 = 0x10;

/// Sequences that are looked at; a label of graphics has thousands.
const ENOUGH: usize = 512;

/// What a document is that begins with an escape sequence; none where that does not tell.
pub fn leading(bare: &[u8]) -> Option<Format> {
    match bare {
        // `ESC E` resets PCL, and turns bold on for ESC/P, receipts and Star.
        [ESC, b'E', rest @ ..] => match weigh(rest) {
            Votes { pcl: 0, escpos: 0, epson: 0, .. } => Some(Format::Pcl),
            votes => Some(if votes.pcl > 0 { Format::Pcl } else { votes.format().unwrap_or(Format::Passthru) }),
        },
        // Clear margins and half a line down. A printer of receipts is chosen by `ESC = n`.
        [ESC, b'9', ..] => Some(Format::Pcl),
        [ESC, b'=', 1..=3, ..] => Some(Format::EscPos),
        [ESC, b'=', ..] => Some(Format::Pcl),
        [ESC, b'*', b'r', ..] if star_raster(&bare[1..]) => Some(Format::Passthru),
        _ if parameterised(bare) => Some(Format::Pcl),
        _ => None,
    }
}

/// What a document is that is no text and fits nothing else, by the commands between its texts.
pub fn by_commands(first: &[u8]) -> Format {
    let command = |octet: &u8| matches!(*octet, ESC | GS | FS | DLE);
    let Some(at) = first.iter().position(command) else {
        return Format::Passthru;
    };
    // What comes before is text, or what wakes a printer up; else this is no language, but data in which anything occurs.
    let text = |octet: &u8| matches!(*octet, 0 | 7..=15 | 18 | 20 | 24 | b' '..);
    // A first command that none of them has makes it another language, whose data may hold anything.
    if !first[..at].iter().all(text) || strange(&first[at..]) {
        return Format::Passthru;
    }
    weigh(&first[at..]).format().unwrap_or(Format::Passthru)
}

/// Whether a sequence begins no command of PCL, ESC/P or ESC/POS: CSI of ISO 6429, what Tektronix and LIPS begin with.
fn strange(sequence: &[u8]) -> bool {
    match sequence {
        [ESC, b'%', ..] => !parameterised(sequence),
        [ESC, next, ..] => matches!(next, 2..=0x0d | b'[' | b']' | b'`' | b'}'..),
        _ => false,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Votes {
    pcl: u32,
    escpos: u32,
    epson: u32,
    /// Raster of Star and Brother, which share beginnings with the others.
    other: bool,
}

impl Votes {
    fn format(self) -> Option<Format> {
        if self.other {
            None
        } else if self.escpos > self.epson {
            Some(Format::EscPos)
        } else if self.epson > self.escpos {
            Some(Format::Epson)
        } else if self.pcl > 0 && self.epson == 0 {
            Some(Format::Pcl)
        } else {
            None
        }
    }
}

/// Counts what speaks for each language.
fn weigh(first: &[u8]) -> Votes {
    let mut votes = Votes::default();
    let commands = memchr::memchr3_iter(ESC, GS, DLE, first).take(ENOUGH);
    for at in commands {
        let rest = &first[at + 1..];
        match (first[at], rest) {
            (
                GS,
                [
                    b'!'
                    | b'#'..=b'*'
                    | b'/'
                    | b':'
                    | b'B'
                    | b'C'
                    | b'E'
                    | b'H'
                    | b'I'
                    | b'L'
                    | b'P'
                    | b'R'
                    | b'T'
                    | b'V'
                    | b'W'
                    | b'\\'
                    | b'a'..=b'c'
                    | b'e'..=b'h'
                    | b'k'
                    | b'r'
                    | b'v'
                    | b'w'
                    | b'x'
                    | b'z',
                    ..,
                ],
            ) => {
                votes.escpos += 2;
            }
            (DLE, [4, 1..=8, ..] | [5, 0..=2, ..] | [0x14, 1..=8, ..]) => votes.escpos += 2,
            // Star: `ESC GS` and its own raster, whose parameters end with NUL; Brother: `ESC i` and a letter.
            (ESC, [GS, b'a' | b'b' | b'h' | b'P' | b'y' | b'x' | b')' | b'3' | b't', ..]) => votes.other = true,
            (
                ESC,
                [b'*', b'r', b'A' | b'B' | b'C' | b'R' | b'E' | b'F' | b'P' | b'Q' | b'm' | b't' | b'Y' | b'K', ..],
            ) if star_raster(rest) => {
                votes.other = true;
            }
            (ESC, [b'i', b'a' | b'S' | b'z' | b'M' | b'K' | b'A' | b'd' | b'U' | b'!', ..]) => votes.other = true,
            (ESC, _) if parameterised(&first[at..]) => votes.pcl += 2,
            // Feeds by lines, cuts, drawers, the panel, upside down.
            (
                ESC,
                [b'd', 0..=32, ..]
                | [b'c', b'0' | b'1' | b'3'..=b'5', ..]
                | [b'=', 1..=3, ..]
                | [b'V' | b'{', 0..=2, ..],
            ) => votes.escpos += 1,
            (ESC, [b'p', 0 | 1 | b'0' | b'1', _, 2..=255, ..] | [b'u' | b'v', 0 | 1, ..]) => votes.escpos += 1,
            // Fonts, pages, pitches and graphics that receipts do not have.
            (ESC, [b'(', b'A'..=b'Z' | b'-' | b'^' | b'c' | b'd' | b'i' | b't' | b'v' | b'r', _, ..]) => {
                votes.epson += 2
            }
            (ESC, [b'F' | b'P' | b'O' | b'0' | b'6' | b'7' | b'8' | b'<' | b'>' | b'#', ..]) => votes.epson += 1,
            (
                ESC,
                [
                    b'x' | b'k' | b'C' | b'N' | b'l' | b'Q' | b'g' | b'w' | b'q' | b'.' | b'X' | b'+' | b'K' | b'Y'
                    | b'Z' | b'W' | b'I',
                    _,
                    ..,
                ],
            ) => votes.epson += 1,
            _ => {}
        }
    }
    votes
}

/// Whether sequences of Star's raster stand here: their parameters end with NUL (`*rP0`, `*rE13`), while PCL has a number
/// and a letter behind it. Those without a parameter are believed if one that has it follows them.
fn star_raster(rest: &[u8]) -> bool {
    let mut rest = rest;
    while let [b'*', b'r', b'A'..=b'Z', after @ ..] = rest {
        let digits = after.iter().take_while(|octet| octet.is_ascii_digit()).count();
        match &after[digits..] {
            [0, ..] => return true,
            [ESC, next @ ..] if digits == 0 => rest = next,
            _ => return false,
        }
    }
    false
}

/// A parameterised sequence of PCL: `ESC`, a class, a group in small letters, a number and a letter (`ESC & l 1 O`,
/// `ESC ( 8 U`, `ESC % 0 A`).
pub fn parameterised(sequence: &[u8]) -> bool {
    let [ESC, class @ (b'%' | b'&' | b'(' | b')' | b'*'), rest @ ..] = sequence else {
        return false;
    };
    let rest = match (class, rest) {
        // Graphics and macros of ESC/P2 have a capital and two octets of length here; fonts of PCL a small `s`, or none.
        (b'&' | b'*', [b'a'..=b'z', rest @ ..]) | (b'(' | b')', [b's' | b'f', rest @ ..]) => rest,
        (b'%' | b'(' | b')', _) => rest,
        _ => return false,
    };
    let sign = usize::from(matches!(rest, [b'+' | b'-', ..]));
    let number = rest[sign..].iter().take_while(|octet| octet.is_ascii_digit() || **octet == b'.').count();
    match rest.get(sign + number) {
        Some(b'@') => number > 0 && matches!(class, b'(' | b')'),
        // A number may be left out, and the next letter follows at once (`ESC * r b C`).
        Some(b'a'..=b'z') if number == 0 && *class == b'*' => rest.get(sign + 1).is_some_and(u8::is_ascii_uppercase),
        Some(letter) if letter.is_ascii_alphabetic() => {
            number > 0 || (matches!(class, b'&' | b'*') && letter.is_ascii_uppercase())
        }
        // The last sequence that is seen may be cut.
        None => number > 0,
        _ => false,
    }
}
