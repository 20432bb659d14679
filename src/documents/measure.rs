//! Reading a document once: its format, lines, pages, size and digest.

use std::fs::File;
use std::io;

use crate::model::job::Format;
use crate::sys::files::read_full_at;

use super::format::{Found, recognise};
use super::pages::{Counter, ReadAt, Sheet, pages};

/// Octets read at once.
const CHUNK: usize = 256 * 1024;

/// What a document was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// What it is.
    pub format: Format,
    /// Lines, for text.
    pub lines: Option<u64>,
    /// Pages, where they can be known: of text by counting, of a finished stream by its structure.
    pub pages: Option<u64>,
    /// Octets that were read.
    pub octets: u64,
    /// BLAKE3 of them.
    pub digest: [u8; 32],
}

/// Reads all of `file`, wherever it stands, without moving it.
///
/// # Errors
/// When reading fails; a file that can only be read in order (a pipe) is such an error.
pub fn measure(file: &File) -> io::Result<Measured> {
    let mut buffer = vec![0; CHUNK];
    let mut hasher = blake3::Hasher::new();
    let mut counter = Counter::new();
    let mut octets = 0u64;
    let mut found = Found { format: Format::Passthru, at: 0 };
    loop {
        let n = read_full_at(file, &mut buffer, octets)?;
        let piece = &buffer[..n];
        if octets == 0 {
            found = recognise(piece);
            counter = Counter::on(Sheet::default(), piece);
        }
        hasher.update(piece);
        if found.format.is_text() {
            counter.push(piece);
        }
        octets += n as u64;
        if n < buffer.len() {
            break;
        }
    }
    let count = found.format.is_text().then(|| counter.finish());
    Ok(Measured {
        format: found.format,
        lines: count.map(|count| count.lines),
        pages: count.map(|count| count.pages).or_else(|| pages(file, found)),
        octets,
        digest: *hasher.finalize().as_bytes(),
    })
}

/// The lines (of text) and the pages of a document that counts as `format`, where they can be known. A finished stream that
/// counts as another one than it was recognised as has the pages of what it is; what is text and counts as a stream has none
/// that are known.
///
/// # Errors
/// When reading fails.
pub fn extent(file: &dyn ReadAt, format: Format, sheet: Sheet) -> io::Result<(Option<u64>, Option<u64>)> {
    let mut buffer = vec![0; CHUNK];
    let mut at = file.read_at(&mut buffer, 0)?;
    if !format.is_text() {
        let found = recognise(&buffer[..at]);
        return Ok((None, pages(file, found)));
    }
    let mut counter = Counter::on(sheet, &buffer[..at]).of_format(format);
    let mut n = at;
    while n > 0 {
        counter.push(&buffer[..n]);
        n = file.read_at(&mut buffer, at as u64)?;
        at += n;
    }
    let count = counter.finish();
    Ok((Some(count.lines), Some(count.pages)))
}

/// Whether a text places the paper at top of form before anything else: a carriage return before it does not matter.
pub fn starts_with_form_feed(first: &[u8]) -> bool {
    first.iter().find(|octet| **octet != b'\r') == Some(&b'\x0c')
}

/// Whether a text leaves the paper at top of form: a carriage return after it does not matter.
pub fn ends_with_form_feed(last: &[u8]) -> bool {
    last.iter().rfind(|octet| **octet != b'\r') == Some(&b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Seek, SeekFrom, Write};

    fn of(bytes: &[u8]) -> Measured {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        measure(&file).unwrap()
    }

    #[test]
    fn a_text_is_measured_in_one_reading_from_wherever_the_file_stands() {
        let text = b"line\n".repeat(100_000);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&text).unwrap();
        file.seek(SeekFrom::Start(17)).unwrap();
        let measured = measure(&file).unwrap();
        assert_eq!(measured.format, Format::Text);
        assert_eq!((measured.lines, measured.pages), (Some(100_000), Some(1667)));
        assert_eq!(measured.octets, 500_000);
        assert_eq!(measured.digest, *blake3::hash(&text).as_bytes());
        assert_eq!(file.stream_position().unwrap(), 17);
    }

    #[test]
    fn a_finished_stream_has_no_lines_and_the_pages_it_states() {
        let pdf = of(b"%PDF-1.7\n");
        assert_eq!((pdf.format, pdf.lines, pdf.pages), (Format::Pdf, None, None));
        assert_eq!(of(b"%!PS\n%%Pages: 3\n").pages, Some(3));
        let empty = of(b"");
        assert_eq!((empty.octets, empty.digest), (0, *blake3::hash(b"").as_bytes()));
    }

    #[test]
    fn a_size_that_is_a_multiple_of_what_is_read_at_once_is_measured_whole() {
        for size in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
            let measured = of(&vec![b'x'; size]);
            assert_eq!((measured.octets, measured.lines), (size as u64, Some(1)));
        }
    }

    #[test]
    fn the_extent_of_a_document_follows_what_it_counts_as() {
        let file = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            file
        };
        let text = file(&b"1line\n".repeat(100_000));
        let of = |file: &File, format| extent(file, format, Sheet::default()).unwrap();
        assert_eq!(of(&text, Format::Text), (Some(100_000), Some(1667)));
        assert_eq!(of(&text, Format::Asa), (Some(100_000), Some(100_000)));
        assert_eq!(of(&text, Format::Passthru), (None, None));
        let ps = file(b"%!PS\n%%Pages: 3\n");
        assert_eq!(of(&ps, Format::Passthru), (None, Some(3)));
        assert_eq!(of(&ps, Format::Pcl), (None, Some(3)));
        assert_eq!(of(&ps, Format::Text), (Some(2), Some(1)));
    }

    #[test]
    fn form_feeds_at_the_edges() {
        assert!(starts_with_form_feed(b"\x0ca") && starts_with_form_feed(b"\r\x0ca"));
        assert!(!starts_with_form_feed(b"a\x0c") && !starts_with_form_feed(b"") && !starts_with_form_feed(b"\n\x0c"));
        assert!(ends_with_form_feed(b"a\x0c") && ends_with_form_feed(b"a\x0c\r"));
        assert!(!ends_with_form_feed(b"\x0ca") && !ends_with_form_feed(b"") && !ends_with_form_feed(b"\x0c\n"));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_measured(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(of(&bytes).octets, bytes.len() as u64);
        }
    }
}
