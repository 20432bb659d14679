//! Whether octets are a listing.

use super::BOM;

/// Columns of the longest line in a code page: what has no line ends is data, not letters.
const LONGEST: usize = 2000;
/// Fill characters behind a line end, as hosts sent them for slow carriages.
const FILL: usize = 6;

/// Whether `first` is text: printable characters of ASCII, UTF-8 or a code page, and the control characters that listings
/// have had for ever. With `cut`, more follows that is not seen.
///
/// CR, LF, FF, TAB and BS are in every listing; BEL, VT, SO and SI, DC1 to DC4 and DEL drive terminals and line printers;
/// Ctrl-Z is the end of a file of CP/M and DOS, and stands in the middle where such files were put together. No finished
/// stream is known that has those and printable characters alone, but for the languages in
/// [`signatures`](super::signatures), which are asked before. `ESC`, `NUL` and the others are in no text: a stream has one
/// of them soon.
pub fn is_text(first: &[u8], cut: bool) -> bool {
    let body = unpadded(first.strip_prefix(BOM).unwrap_or(first), cut);
    if body.is_empty() || !controls_are_plain(body) {
        return false;
    }
    let is_utf8 = match std::str::from_utf8(body) {
        Ok(_) => true,
        // A character that is cut by the end of what is seen is no fault; in the middle it is.
        Err(error) => error.error_len().is_none() && cut,
    };
    let graphic = body.iter().any(|octet| (b'!'..=b'~').contains(octet) || *octet >= 0x80);
    let ends_lines = body.iter().any(|octet| matches!(octet, b'\n' | b'\r' | b'\x0c'));
    if is_utf8 { graphic || ends_lines } else { is_code_page(body) }
}

/// Without what files of DOS and CP/M have behind their end: Ctrl-Z, and Ctrl-Z or NUL to the end of the last block. An
/// end-of-job character (`^D`) closes what went to a PostScript printer as text.
fn unpadded(body: &[u8], cut: bool) -> &[u8] {
    if cut {
        return body;
    }
    let end = body.iter().rposition(|octet| !matches!(octet, 0x1a | 0 | 0x04)).map_or(0, |last| last + 1);
    let (text, padding) = body.split_at(end);
    // NUL belongs to the end of a text only behind a line end or a Ctrl-Z, and no more than fill a block.
    let block = padding.len() <= 512
        && (padding.first() == Some(&0x1a)
            || text.ends_with(b"\n")
            || text.ends_with(b"\r")
            || text.ends_with(b"\x0c"));
    if padding.iter().all(|octet| *octet != 0) || block { text } else { body }
}

fn controls_are_plain(body: &[u8]) -> bool {
    let mut fill = usize::MAX;
    body.iter().all(|octet| match octet {
        b'\n' | b'\r' | b'\x0c' => {
            fill = 0;
            true
        }
        0 if fill < FILL => {
            fill += 1;
            true
        }
        b'\t' | 0x07 | 0x08 | 0x0b | 0x0e | 0x0f | 0x11..=0x14 | 0x1a | 0x7f | b' '..=b'~' | 0x80.. => {
            fill = usize::MAX;
            true
        }
        _ => false,
    })
}

/// Whether octets above 127 are letters of a code page (Latin-1, 437, 1251, Shift JIS …) and not a picture or sound.
///
/// Letters stand in lines that end, beside blanks, and are of many kinds. An image of white is one octet again and again:
/// 255 is a letter in few languages only, and no text consists of it.
fn is_code_page(body: &[u8]) -> bool {
    let high = body.iter().filter(|octet| **octet >= 0x80).count();
    let white = body.iter().filter(|octet| **octet == 0xff).count();
    let ascii_letters = body.iter().filter(|octet| octet.is_ascii_alphanumeric()).count();
    let longest = body.split(|octet| matches!(octet, b'\n' | b'\r' | b'\x0c')).map(<[u8]>::len).max().unwrap_or(0);
    let ends_lines = longest < body.len();
    let mut kinds = [false; 256];
    for octet in body {
        kinds[usize::from(*octet)] = true;
    }
    let kinds = kinds.iter().filter(|seen| **seen).count();
    let blanks = body.iter().filter(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r')).count();
    white * 10 <= body.len()
        && longest <= LONGEST
        // Ten letters need three kinds; a ramp of greys has them too, but hardly a blank or a line end.
        && kinds * 3 >= high.min(24)
        && if ends_lines { blanks * 100 >= body.len() } else { ascii_letters >= high }
}
