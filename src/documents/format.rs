//! The format of a document by its first octets.
//!
//! Wrongly called text, a finished stream would get form feeds that break it; wrongly called passthru, a text only goes
//! without one. So text is what is certainly text, and what is uncertain is passthru.

use crate::model::job::Format;

/// How many of the first octets [`detect`] and [`postscript_pages`] want to see.
pub const DETECT_OCTETS: usize = 4096;

/// Magic at the very beginning.
const MAGIC: [(&[u8], Format); 12] = [
    (b"%!", Format::PostScript),
    // The end-of-job character that some drivers send first.
    (b"\x04%!", Format::PostScript),
    (b"%PDF-", Format::Pdf),
    (b"IN;", Format::Hpgl),
    // Plotter control, as HP-GL has it before its first instruction.
    (b"\x1b.(", Format::Hpgl),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"^XA", Format::Zpl),
    // What label drivers send to set their own command characters back.
    (b"CT~~CD,~CC^~CT~", Format::Zpl),
    (b"\x10CT~~CD,~CC^~CT~", Format::Zpl),
];

/// What a document is that begins with `first`. More than [`DETECT_OCTETS`] octets are not looked at.
pub fn detect(first: &[u8]) -> Format {
    let first = &first[..first.len().min(DETECT_OCTETS)];
    if let Some((_, format)) = MAGIC.iter().find(|(magic, _)| first.starts_with(magic)) {
        return *format;
    }
    // Label files are often typed by hand and may begin with an empty line.
    let trimmed = first.trim_ascii_start();
    if trimmed.starts_with(b"^XA") || is_tilde_command(trimmed) {
        Format::Zpl
    } else if is_epl(trimmed) {
        Format::Epl
    } else if is_pcl(first) {
        Format::Pcl
    } else if is_structured_field(first) {
        Format::Modca
    } else if is_text(first) {
        Format::Text
    } else {
        Format::Passthru
    }
}

/// `~DG`, `~JS`, …: a ZPL control command.
fn is_tilde_command(first: &[u8]) -> bool {
    matches!(first, [b'~', a, b, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

/// A line `N` (clear the image buffer) and then a line of one command letter, perhaps two, and a number.
fn is_epl(first: &[u8]) -> bool {
    let Some(rest) = first.strip_prefix(b"N\r\n").or_else(|| first.strip_prefix(b"N\n")) else {
        return false;
    };
    match rest {
        [a, b, ..] if a.is_ascii_alphabetic() && b.is_ascii_digit() => true,
        [a, b, c, ..] => a.is_ascii_alphabetic() && b.is_ascii_uppercase() && c.is_ascii_digit(),
        _ => false,
    }
}

/// An escape sequence of PCL, or the universal exit that begins PJL: a reset, or a parameterised sequence.
fn is_pcl(first: &[u8]) -> bool {
    matches!(first, [0x1b, b'E' | b'9' | b'=' | b'%' | b'&' | b'(' | b')' | b'*', ..])
}

/// A structured field of AFP: 0x5A, its length, and an identifier that begins with 0xD3.
fn is_structured_field(first: &[u8]) -> bool {
    matches!(first, [0x5a, high, low, 0xd3, ..] if u16::from_be_bytes([*high, *low]) >= 8)
}

/// Printable ASCII, UTF-8 or Latin-1 with CR, LF, FF, TAB and BS; at least one octet.
fn is_text(first: &[u8]) -> bool {
    let plain = |octet: &u8| matches!(octet, b'\r' | b'\n' | b'\x0c' | b'\t' | b'\x08' | b' '..=b'~');
    if first.is_empty() {
        return false;
    }
    // A character that is cut at the end of what we see is no fault; in the middle it is.
    let whole = match std::str::from_utf8(first) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&first[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    match whole {
        Some(text) => text.chars().all(|c| u8::try_from(c).map_or(!c.is_control(), |o| plain(&o) || o >= 0xa0)),
        None => first.iter().all(|octet| plain(octet) || *octet >= 0xa0),
    }
}

/// The pages that a PostScript document says it has, when it says so at its beginning (`%%Pages: n`).
pub fn postscript_pages(first: &[u8]) -> Option<u64> {
    let first = &first[..first.len().min(DETECT_OCTETS)];
    let line = first.split(|octet| matches!(octet, b'\r' | b'\n')).find_map(|line| line.strip_prefix(b"%%Pages:"))?;
    let word = line.trim_ascii().split(u8::is_ascii_whitespace).next()?;
    // Nine digits are enough for any document, and a longer number is no page count.
    if word.is_empty() || word.len() > 9 {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_format_is_known_by_its_beginning() {
        let table: [(&[u8], Format); 27] = [
            (b"hello\r\n\tworld\x0c\x08_", Format::Text),
            ("Grüße – ☃".as_bytes(), Format::Text),
            (b"Gr\xfc\xdfe\n", Format::Text),
            (b"\x1bE\x1b&l0O", Format::Pcl),
            (b"\x1b%-12345X@PJL\r\n", Format::Pcl),
            (b"%!PS-Adobe-3.0\n", Format::PostScript),
            (b"\x04%!PS\n", Format::PostScript),
            (b"%PDF-1.7\n", Format::Pdf),
            (b"^XA^FO10,10^FDx^FS^XZ", Format::Zpl),
            (b"\r\n^XA", Format::Zpl),
            (b"~DGR:A.GRF,8,1,FF", Format::Zpl),
            (b"CT~~CD,~CC^~CT~\r\n^XA", Format::Zpl),
            (b"~ about ten ~", Format::Text),
            (b"IN;SP1;PU0,0;", Format::Hpgl),
            (b"INDEX;", Format::Text),
            (b"N\nq609\nQ203,26\n", Format::Epl),
            (b"\r\nN\r\nA50,0,0,1,1,1,N,\"x\"\r\nP1\r\n", Format::Epl),
            (b"N\nis a letter\n", Format::Text),
            (b"\x5a\x00\x10\xd3\xa8\xa8\x00\x00\x00", Format::Modca),
            (b"Zebra", Format::Text),
            (b"II*\0\x08\0\0\0", Format::Tiff),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0", Format::Png),
            (b"", Format::Passthru),
            (b"text\0with NUL", Format::Passthru),
            (b"\x1b@ESC/P", Format::Passthru),
            (b"\x80\x81\x82", Format::Passthru),
        ];
        for (first, format) in table {
            assert_eq!(detect(first), format, "{:?}", String::from_utf8_lossy(first));
        }
    }

    #[test]
    fn a_character_cut_by_the_end_of_what_is_seen_is_text() {
        let mut long = vec![b'a'; DETECT_OCTETS - 1];
        long.extend("é\n".as_bytes());
        assert_eq!(detect(&long), Format::Text);
    }

    #[test]
    fn postscript_says_its_pages_at_its_beginning_or_not() {
        assert_eq!(postscript_pages(b"%!PS-Adobe-3.0\r\n%%Pages: 12\r\n"), Some(12));
        assert_eq!(postscript_pages(b"%!PS-Adobe-3.0\n%%Pages: 12 1\n"), Some(12));
        assert_eq!(postscript_pages(b"%!PS-Adobe-3.0\n%%Pages: (atend)\n"), None);
        assert_eq!(postscript_pages(b"%!PS-Adobe-3.0\n%%Pages: 99999999999999999999\n"), None);
        assert_eq!(postscript_pages(b"%!PS\n(%%Pages: 3) show\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_format(first in any::<Vec<u8>>()) {
            let _ = (detect(&first), postscript_pages(&first));
        }

        #[test]
        fn printable_text_is_never_a_binary_format(text in "[ -}\n\r\t]{1,300}") {
            prop_assert!(!matches!(detect(text.as_bytes()),
                Format::Tiff | Format::Jpeg | Format::Png | Format::Modca | Format::Pcl | Format::Passthru));
        }
    }
}
