//! The one table of what documents begin with.
//!
//! **Where nobody can be sure, the damage of a wrong guess decides.**
//!
//! * A finished stream that is taken for text gets a header page and form feeds: a label printer reads them as commands, a
//!   PostScript printer prints an error instead of the document. The paper is lost.
//! * A text that is taken for a finished stream goes without a header page, and on a kept connection it may share a sheet
//!   with its neighbour.
//!
//! The first is worse. So what real streams of a language begin with is that language, even if a text could begin so too;
//! but a text is only given up for what a stream *must* have: a digit behind `%PDF-`, an instruction behind `IN;`, the
//! parameters of a label command. Prose has none of them. What is no text and fits no row is passthru, which passes
//! untouched.
//!
//! A second error matters between documents: a universal exit may follow PCL, and harms whoever does not know it. So a row
//! says PCL only where an escape sequence has the grammar of PCL; `ESC E`, `ESC (` and `ESC *` begin ESC/P, receipts and
//! SBPL as well.

use crate::model::job::Format;

use super::{Found, Head, begins, escapes, find, labels, pjl, plotter};

/// Where a row looks.
enum Place {
    /// At the very first octet.
    First(&'static [u8]),
    /// At the first octet that counts (`Head::bare`).
    Bare(&'static [u8]),
    /// The same, in capitals or not.
    Word(&'static [u8]),
    /// At the beginning of a line, or behind octets that are no text, within so many octets.
    Within(&'static [u8], usize),
    /// Wherever its test looks: it is given what counts.
    Test,
}

/// A test that names the format itself.
type Question = fn(&Head<'_>, &[u8]) -> Option<(Format, usize)>;

/// What a row says.
enum Says {
    /// It is this.
    Is(Format),
    /// It is this if what follows the mark passes the test.
    If(Format, fn(&Head<'_>, &[u8]) -> bool),
    /// The test tells what it is, and how many octets before the end of what is seen that begins.
    Ask(Question),
}

use Place::{Bare, First, Test, Within, Word};
use Says::{Ask, If, Is};

/// The rows, in the order in which they are asked; the first that says something is believed.
const SIGNATURES: &[(Place, Says)] = &[
    // Images and containers: their beginnings are no text.
    (First(b"\x89PNG\r\n\x1a\n"), Is(Format::Png)),
    (First(b"\xff\xd8\xff"), Is(Format::Jpeg)),
    (First(b"GIF87a"), If(Format::Gif, |_, rest| rest.is_empty() || rest.iter().take(7).any(|o| !is_graphic(*o)))),
    (First(b"GIF89a"), If(Format::Gif, |_, rest| rest.is_empty() || rest.iter().take(7).any(|o| !is_graphic(*o)))),
    (First(b"II*\0"), Is(Format::Tiff)),
    (First(b"MM\0*"), Is(Format::Tiff)),
    // BigTIFF.
    (First(b"II+\0"), Is(Format::Tiff)),
    (First(b"MM\0+"), Is(Format::Tiff)),
    (First(b"BM"), If(Format::Bmp, bitmap)),
    (First(b"PK\x03\x04"), If(Format::Xps, xps)),
    (First(b"PK\x03\x04"), Is(Format::Passthru)),
    // PNM. The plain ones are digits, the others may be white from the first dot to the last, which looks like text.
    (First(b"P"), If(Format::Passthru, portable_map)),
    (First(b"RaS2"), Is(Format::PwgRaster)),
    (First(b"2SaR"), Is(Format::PwgRaster)),
    (First(b"RaS3"), Is(Format::PwgRaster)),
    (First(b"3SaR"), Is(Format::PwgRaster)),
    (First(b"RaSt"), Is(Format::PwgRaster)),
    (First(b"tSaR"), Is(Format::PwgRaster)),
    (First(b"UNIRAST\0"), Is(Format::Urf)),
    // AFP: a structured field with its length and the class of its identifier.
    (First(b"\x5a"), If(Format::Modca, structured_field)),
    // EPS with a preview, as programs of DOS wrote it.
    (First(b"\xc5\xd0\xd3\xc6"), Is(Format::PostScript)),
    // A preamble that names the language, or is followed by it.
    (Bare(pjl::UNIVERSAL_EXIT), Ask(|head, _| pjl::language(head))),
    (
        Word(b"@PJL"),
        Ask(
            |head, rest| {
                if rest.first().is_none_or(|o| !o.is_ascii_alphanumeric()) { pjl::language(head) } else { None }
            },
        ),
    ),
    // Epson's counterpart.
    (Bare(b"\x1b\x01@EJL"), Is(Format::Epson)),
    // Page languages.
    (Bare(b"%!"), If(Format::PostScript, postscript)),
    (Bare(b"%PDF-"), If(Format::Pdf, pdf)),
    (
        Within(b"%PDF-", 1024),
        If(Format::Pdf, |_, rest| rest.first().is_some_and(u8::is_ascii_digit) && has_object(rest)),
    ),
    (Bare(b") HP-PCL XL;"), Is(Format::Pcl)),
    (Bare(b"( HP-PCL XL;"), Is(Format::Pcl)),
    (Bare(b"' HP-PCL XL;"), Is(Format::Pcl)),
    (Word(b"!R!"), If(Format::Prescribe, prescribe)),
    (First(b"x T "), If(Format::Ditroff, |_, rest| find(&rest[..rest.len().min(256)], b"\nx res ").is_some())),
    // Labels.
    (Test, If(Format::Zpl, labels::zpl)),
    (Test, If(Format::Cpcl, labels::cpcl)),
    (Test, If(Format::Epl, labels::epl)),
    (Test, If(Format::Tspl, labels::tspl)),
    (Test, If(Format::Fingerprint, labels::fingerprint)),
    (Test, If(Format::Dpl, labels::dpl)),
    (Test, If(Format::Sbpl, labels::sbpl)),
    // Label languages that have no word of their own, in printable characters: EZPL, TPCL, JScript.
    (Test, If(Format::Passthru, labels::others)),
    // Plotters.
    (Bare(b"\x1b.("), Is(Format::Hpgl)),
    (Bare(b"\x1b.Y"), Is(Format::Hpgl)),
    (Bare(b"\x1b%-1B"), Is(Format::Hpgl)),
    (Test, If(Format::Hpgl, plotter::hpgl)),
    // Matrix and receipt printers before PCL: they share `ESC E`, `ESC (`, `ESC *` and `ESC %`, and their sequences are
    // the stricter ones.
    (Bare(b"\x1b"), Ask(|head, _| escapes::leading(head.bare).map(|format| (format, head.bare.len())))),
];

/// What the first row says that fits.
pub fn search(head: &Head<'_>) -> Option<Found> {
    let (format, left) = SIGNATURES.iter().find_map(|(place, says)| {
        let (mark, rest) = match place {
            First(mark) => (mark.len(), head.raw.strip_prefix(*mark)?),
            Bare(mark) => (mark.len(), head.bare.strip_prefix(*mark)?),
            Word(mark) if begins(head.bare, mark) => (mark.len(), &head.bare[mark.len()..]),
            Word(_) => return None,
            Within(mark, most) => (mark.len(), within(head.raw, mark, *most)?),
            Test => (0, head.bare),
        };
        match says {
            Is(format) => Some((*format, rest.len() + mark)),
            If(format, test) => test(head, rest).then_some((*format, rest.len() + mark)),
            Ask(test) => test(head, rest),
        }
    })?;
    Some(Found { format, at: head.raw.len().saturating_sub(left) as u64 })
}

/// What follows `mark` at the beginning of a line, or behind octets that are no text.
fn within<'a>(raw: &'a [u8], mark: &[u8], most: usize) -> Option<&'a [u8]> {
    let seen = &raw[..raw.len().min(most + mark.len())];
    memchr::memmem::find_iter(seen, mark)
        .find(|at| at.checked_sub(1).is_none_or(|before| !is_graphic(raw[before]) && raw[before] != b' '))
        .map(|at| &raw[at + mark.len()..])
}

fn is_graphic(octet: u8) -> bool {
    (b'!'..=b'~').contains(&octet)
}

/// Whether the rest of the line reads as prose: words in small letters, parted by blanks.
fn reads_as_prose(rest: &[u8]) -> bool {
    let line = rest.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    let word = |word: &&[u8]| {
        word.len() > 1 && word.iter().all(|o| o.is_ascii_alphabetic() || matches!(o, b',' | b'.' | b';' | b'\''))
    };
    line.split(|octet| *octet == b' ').filter(word).count() >= 2
}

/// What stands behind `%!` in every program of any length.
const OPERATORS: [&[u8]; 14] = [
    b" def",
    b"showpage",
    b"moveto",
    b"findfont",
    b"gsave",
    b"%%",
    b" dict",
    b"eexec",
    b" exch",
    b" show",
    b"setfont",
    b"setpagedevice",
    b"translate",
    b" run",
];

/// `%!PS…`, `%!` on a line of its own, or anything behind it that is no prose.
fn postscript(head: &Head<'_>, rest: &[u8]) -> bool {
    let plain = rest.first().is_none_or(|o| matches!(o, b'\r' | b'\n'))
        || rest.starts_with(b"PS")
        || rest.starts_with(b"FontType");
    plain || !reads_as_prose(rest) || OPERATORS.iter().any(|operator| find(head.bare, operator).is_some())
}

/// A version behind `%PDF-`, and an object in what follows where that line goes on as prose does.
fn pdf(_: &Head<'_>, rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_digit) && (!reads_as_prose(rest) || has_object(rest))
}

/// `7 0 obj` somewhere.
fn has_object(rest: &[u8]) -> bool {
    memchr::memmem::find_iter(rest, b" obj").any(|at| at > 2 && rest[at - 1].is_ascii_digit() && rest[at - 2] == b' ')
}

/// The reserved octets and the size of a known header behind `BM`.
fn bitmap(_: &Head<'_>, rest: &[u8]) -> bool {
    rest.get(4..8) == Some(&[0; 4]) && matches!(rest.get(12..16), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

fn xps(_: &Head<'_>, rest: &[u8]) -> bool {
    [&b"FixedDoc"[..], b".fdseq", b"Metadata/Job_PT", b".fpage"].iter().any(|name| find(rest, name).is_some())
}

/// Length and class of the identifier; where the next one is seen, it begins alike.
fn structured_field(head: &Head<'_>, rest: &[u8]) -> bool {
    let [high, low, 0xd3, ..] = rest else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    // Host files have a line end behind each field, where they were moved as text.
    length >= 8 && head.raw.get(length + 1).is_none_or(|next| matches!(next, 0x5a | b'\r' | b'\n'))
}

/// `P1` to `P6`, a blank, width and height in digits; `P7` and its words.
fn portable_map(head: &Head<'_>, rest: &[u8]) -> bool {
    let [kind, b'\n' | b'\r' | b' ' | b'\t', rest @ ..] = rest else {
        return false;
    };
    if *kind == b'7' {
        return rest.starts_with(b"WIDTH ");
    }
    if !(b'1'..=b'6').contains(kind) {
        return false;
    }
    let mut words = rest
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .flat_map(|line| line.split(u8::is_ascii_whitespace))
        .filter(|word| !word.is_empty());
    let number = |word: Option<&[u8]>| word.is_some_and(|word| word.len() < 8 && word.iter().all(u8::is_ascii_digit));
    let size = number(words.next()) && number(words.next());
    // The plain ones go on with digits; `P4` of EPL is the last line of its label.
    size && (*kind >= b'4' || words.take(64).all(|word| word.iter().all(u8::is_ascii_digit) || head.cut))
}

/// `!R!` and a command of capitals, ended somewhere by a semicolon.
fn prescribe(_: &Head<'_>, rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    let command = rest.iter().take_while(|o| o.is_ascii_alphabetic()).count();
    let ended = rest.iter().position(|o| matches!(o, b';' | b'\n' | b'\r'));
    rest.is_empty()
        || ((2..=4).contains(&command)
            && rest[..command].iter().all(u8::is_ascii_uppercase)
            && ended.is_some_and(|end| rest[end] == b';'))
}
