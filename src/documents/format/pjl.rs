//! A preamble of PJL, and the language that it names.

use crate::model::job::Format;

use super::{Head, begins, detect, find, skip_preface};

/// Ends the job before, and enters PJL.
pub const UNIVERSAL_EXIT: &[u8] = b"\x1b%-12345X";

/// Languages by the word behind `ENTER LANGUAGE`. One that is not here passes untouched.
const LANGUAGES: [(&[u8], Format); 23] = [
    (b"POSTSCRIPT", Format::PostScript),
    (b"POSTSCRIPT3", Format::PostScript),
    (b"PS", Format::PostScript),
    (b"PS3", Format::PostScript),
    (b"PDF", Format::Pdf),
    (b"PDFDIRECT", Format::Pdf),
    (b"PCL", Format::Pcl),
    (b"PCL5", Format::Pcl),
    (b"PCL5C", Format::Pcl),
    (b"PCL5E", Format::Pcl),
    (b"PCL6", Format::Pcl),
    (b"PCLXL", Format::Pcl),
    (b"PCL3GUI", Format::Pcl),
    (b"HPGL", Format::Hpgl),
    (b"HPGL2", Format::Hpgl),
    (b"HP-GL/2", Format::Hpgl),
    (b"EPSON", Format::Epson),
    (b"ESCP", Format::Epson),
    (b"TIFF", Format::Tiff),
    (b"JPEG", Format::Jpeg),
    (b"XPS", Format::Xps),
    (b"PWGRASTER", Format::PwgRaster),
    (b"URF", Format::Urf),
];

/// Whether a document that begins so is for a printer that reads PJL.
pub fn speaks_pjl(first: &[u8]) -> bool {
    let bare = skip_preface(first);
    bare.starts_with(UNIVERSAL_EXIT)
        || (begins(bare, b"@PJL") && bare.get(4).is_none_or(|o| !o.is_ascii_alphanumeric()))
}

/// The language of what the preamble introduces, and how many octets are left where that begins.
pub fn language(head: &Head<'_>) -> Option<(Format, usize)> {
    let mut rest = head.bare;
    loop {
        if let Some(after) = rest.strip_prefix(UNIVERSAL_EXIT) {
            rest = after;
        } else if begins(rest, b"@PJL") {
            let end = rest.iter().position(|o| matches!(o, b'\n' | b'\x1b')).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            // Printers read on behind a carriage return alone as well: what follows it is the document.
            let (line, after) = match line.iter().position(|o| *o == b'\r') {
                Some(cr) if cr + 1 < line.len() => (&line[..cr], &rest[cr + 1..]),
                _ => (line, after.strip_prefix(b"\n").unwrap_or(after)),
            };
            if let Some(word) = entered(line) {
                let known = LANGUAGES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
                return match known {
                    Some((_, format)) => Some((*format, after.len())),
                    // The printer looks for itself.
                    None if word.eq_ignore_ascii_case(b"AUTO") => Some((follows(after), after.len())),
                    None => Some((Format::Passthru, after.len())),
                };
            }
            rest = after;
        } else {
            let content = rest.trim_ascii_start();
            if begins(content, b"@PJL") || content.starts_with(UNIVERSAL_EXIT) {
                rest = content;
            } else {
                return Some((follows(rest), rest.len()));
            }
        }
    }
}

/// What a document is whose language the preamble does not name. Text there is read by the language that the printer
/// starts with, which is PCL.
fn follows(rest: &[u8]) -> Format {
    // A preamble in a preamble is none: this does not go deeper.
    if rest.is_empty() || find(&rest[..rest.len().min(16)], UNIVERSAL_EXIT).is_some() {
        return Format::Pcl;
    }
    match detect(rest) {
        Format::Text => Format::Pcl,
        format => format,
    }
}

/// The word of `@PJL ENTER LANGUAGE = WORD`, blanks anywhere.
fn entered(line: &[u8]) -> Option<&[u8]> {
    let mut rest = &line[4..];
    for word in [&b"ENTER"[..], b"LANGUAGE", b"="] {
        rest = rest.trim_ascii_start();
        if !begins(rest, word) {
            return None;
        }
        rest = &rest[word.len()..];
    }
    let rest = rest.trim_ascii();
    let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let word = &rest[..end];
    Some(word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word))
}
