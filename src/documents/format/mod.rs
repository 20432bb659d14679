//! The format of a document by its first octets.
//!
//! [`signatures`] is the one table of what each format begins with, and says what decides where nobody can be sure;
//! [`text`] tells a listing from octets; [`escapes`] tells printer languages apart that begin with text.

mod escapes;
mod labels;
mod pjl;
mod plotter;
mod signatures;
#[cfg(test)]
mod tests;
mod text;

use crate::model::job::Format;

pub use pjl::speaks_pjl;

/// How many of the first octets [`recognise`] wants to see. Drivers put more than a hundred lines of PJL in front.
pub const DETECT_OCTETS: usize = 16 * 1024;

/// The byte-order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a document is, and where that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub format: Format,
    /// Where the first octet of that language stands: behind a PJL preamble, a byte-order mark, blank lines.
    pub at: u64,
}

/// The beginning of a document, as the signatures look at it.
#[derive(Clone, Copy, Debug)]
struct Head<'a> {
    /// From the very first octet.
    raw: &'a [u8],
    /// Without what the readers of most languages skip: byte-order marks, blank lines, end-of-job characters, NUL.
    bare: &'a [u8],
    /// The document is longer than what is seen.
    cut: bool,
}

impl<'a> Head<'a> {
    fn new(raw: &'a [u8], cut: bool) -> Self {
        Self { raw, bare: skip_preface(raw), cut }
    }
}

/// What a document is that begins with `first`. More than [`DETECT_OCTETS`] octets are not looked at; fewer are taken for
/// the whole document.
pub fn detect(first: &[u8]) -> Format {
    recognise(first).format
}

/// What a document is, and where it begins (see [`detect`]).
pub fn recognise(first: &[u8]) -> Found {
    let cut = first.len() >= DETECT_OCTETS;
    let raw = &first[..first.len().min(DETECT_OCTETS)];
    // Sixteen bits a character: editors of Windows save labels so, and printers read them.
    if let Some(narrow) = narrow(raw) {
        let known = signatures::search(&Head::new(narrow.as_bytes(), cut)).map(|found| found.format);
        let otherwise = if text::is_text(narrow.as_bytes(), cut) { Format::Text } else { Format::Passthru };
        return Found { format: known.unwrap_or(otherwise), at: 0 };
    }
    let head = Head::new(raw, cut);
    signatures::search(&head).unwrap_or_else(|| Found {
        format: if text::is_text(raw, cut) { Format::Text } else { escapes::by_commands(raw) },
        at: 0,
    })
}

/// Whether text that begins so has two octets for a character, and which of them comes first; none where it has one.
pub fn wide(first: &[u8]) -> Option<Wide> {
    match first {
        [0xff, 0xfe, ..] => Some(Wide::LowFirst),
        [0xfe, 0xff, ..] => Some(Wide::HighFirst),
        _ => None,
    }
}

/// The order of the two octets of a UTF-16 character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wide {
    /// The low one first.
    LowFirst,
    /// The high one first.
    HighFirst,
}

/// UTF-16 behind its byte-order mark as UTF-8.
fn narrow(raw: &[u8]) -> Option<String> {
    let order = wide(raw)?;
    let units: Vec<u16> = raw[2..]
        .chunks_exact(2)
        .map(|pair| match order {
            Wide::LowFirst => u16::from_le_bytes([pair[0], pair[1]]),
            Wide::HighFirst => u16::from_be_bytes([pair[0], pair[1]]),
        })
        .collect();
    // A pair of surrogates may be cut by the end of what is seen.
    let text =
        String::from_utf16(&units).or_else(|_| String::from_utf16(&units[..units.len().saturating_sub(1)])).ok()?;
    // A picture may begin with these octets too; characters that are none show it.
    (!text.contains(['\0', '\u{fffe}', '\u{ffff}'])).then_some(text)
}

/// What is left behind byte-order marks, blank lines, end-of-job characters (`^D`), NUL, and the tags that a label driver
/// writes for its own port monitor (`<xpml>`).
fn skip_preface(raw: &[u8]) -> &[u8] {
    let mut rest = raw;
    loop {
        let before = rest.len();
        while let [b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c' | 0x04 | 0, after @ ..] = rest {
            rest = after;
        }
        rest = rest.strip_prefix(BOM).unwrap_or(rest);
        for tag in [&b"<xpml>"[..], b"</xpml>", b"<page ", b"</page>"] {
            if rest.starts_with(tag)
                && let Some(end) = rest.iter().position(|octet| *octet == b'>')
            {
                rest = &rest[end + 1..];
            }
        }
        if rest.len() == before {
            return rest;
        }
    }
}

/// Whether `octets` begin with `word`, in capitals or not.
fn begins(octets: &[u8], word: &[u8]) -> bool {
    octets.len() >= word.len() && octets[..word.len()].eq_ignore_ascii_case(word)
}

/// Where `word` stands in `octets`.
fn find(octets: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(octets, word)
}

/// The lines of `octets`, whatever ends them (CR, LF, CR LF), blank ones left out. With `cut`, the last one may be a part
/// of a line, and is left out too.
fn lines(octets: &[u8], cut: bool) -> impl Iterator<Item = &[u8]> {
    let ends = |octet: &u8| matches!(octet, b'\r' | b'\n');
    let whole = match octets.iter().rposition(ends) {
        Some(last) if cut => &octets[..last],
        _ => octets,
    };
    whole.split(ends).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}
