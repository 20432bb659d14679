//! Tests of the pieces of a job.

use super::*;
use std::io::{Seek, Write};

/// A source of `bytes`.
fn source(format: Format, bytes: &[u8], copies: u32) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let mut source = Source {
        document: DocumentId(1),
        sequence: 1,
        path: RawPath::default(),
        transfer: Transfer::Copy,
        file,
        size: bytes.len() as u64,
        copies,
        format,
        origin: FormatOrigin::Recognised,
        lead: 0,
        ends_at_top: false,
        unfinished: false,
        bare_line_feeds: false,
        speech: Speech::Other,
    };
    source.look().unwrap();
    source
}

fn text(bytes: &str, copies: u32) -> Source {
    source(Format::Text, bytes.as_bytes(), copies)
}

fn stream(bytes: &str) -> Source {
    source(Format::PostScript, bytes.as_bytes(), 1)
}

fn pieces(sources: Vec<Source>, paper: Paper) -> Pieces {
    Pieces { sources, paper, shared: false, last: None, sheets: Sheets::default(), earlier: None }
}

fn bytes(pieces: &Pieces, top: bool) -> String {
    let mut out = String::new();
    for piece in pieces.list(top) {
        match piece {
            Piece::Added(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
            Piece::Renew => out.push('|'),
            Piece::Body { index: n, from, .. } => {
                let mut buffer = vec![0; (pieces.sources[n].size - from) as usize];
                read_full_at(&pieces.sources[n].file, &mut buffer, from).unwrap();
                out.push_str(std::str::from_utf8(&buffer).unwrap());
            }
        }
    }
    out
}

#[test]
fn one_form_feed_stands_between_neighbouring_texts() {
    let job = pieces(vec![text("a\n", 2), text("b\n", 1)], Paper::Text);
    assert_eq!(bytes(&job, false), "\x0ca\n\x0ca\n\x0cb\n");
    assert_eq!(bytes(&job, true), "a\n\x0ca\n\x0cb\n");
    assert_eq!(job.paper_after(false), Paper::Text);
    let fed = pieces(vec![text("a\x0c", 2), text("\x0cb\n", 2)], Paper::Text);
    assert_eq!(bytes(&fed, false), "\x0ca\x0ca\x0cb\n\x0cb\n");
    assert_eq!(pieces(vec![text("a\x0c", 1)], Paper::Text).paper_after(false), Paper::Fed);
}

#[test]
fn a_form_feed_of_ours_behind_an_unfinished_line_brings_its_carriage_return() {
    let job = pieces(vec![text("one\nthree", 2), text("\x0cown", 1)], Paper::Unfinished);
    assert_eq!(bytes(&job, false), "\r\x0cone\nthree\r\x0cone\nthree\x0cown");
    assert_eq!(job.paper_after(false), Paper::Unfinished);
    for (ended, paper) in [("a\r", Paper::Text), ("a\n", Paper::Text), ("a\x0c", Paper::Fed), ("a", Paper::Unfinished)]
    {
        assert_eq!(pieces(vec![text(ended, 1)], Paper::Top).paper_after(false), paper, "{ended:?}");
    }
}

#[test]
fn a_line_end_behind_the_last_form_feed_begins_no_blank_sheet() {
    for end in ["\x0c\n", "\x0c\r\n", "\x0c\r", "\r\x0c\r\n\r\n"] {
        let job = pieces(vec![text(&format!("a{end}"), 1), text("b\n", 1)], Paper::Top);
        assert_eq!(bytes(&job, false), format!("a{end}b\n"), "{end:?}");
    }
}

#[test]
fn a_file_has_nothing_of_ours_beside_a_finished_stream() {
    let job = pieces(vec![text("a", 1), stream("%!PS"), stream("%PDF"), text("b", 1)], Paper::Top);
    assert_eq!(bytes(&job, false), "a%!PS%PDFb");
    assert_eq!(bytes(&pieces(vec![text("a", 1)], Paper::Stream), false), "a");
}

#[test]
fn startff_on_also_feeds_behind_a_finished_stream() {
    let with = |startff, first: &str| {
        let mut job = pieces(vec![text(first, 1)], Paper::Stream);
        job.sheets.startff = startff;
        bytes(&job, false)
    };
    use crate::model::separation::StartFf;
    assert_eq!(with(StartFf::On, "a\n"), "\x0ca\n");
    assert_eq!(with(StartFf::On, "\x0ca\n"), "\x0ca\n");
    assert_eq!(with(StartFf::Off, "a\n"), "a\n");
}

/// Every kind of neighbour, as jobs on one connection, as documents of a job, and as copies: the same boundary.
#[test]
fn jobs_documents_and_copies_have_the_same_boundary() {
    let kinds: [(Format, &str, Speech); 6] = [
        (Format::Text, "text\n", Speech::Text),
        (Format::Pcl, "\x1bEpcl", Speech::Pjl),
        (Format::Pdf, "\x1b%-12345X@PJL ENTER LANGUAGE=PDF\n%PDF-1.4", Speech::Pjl),
        (Format::Pdf, "%PDF-1.4", Speech::Page),
        (Format::Zpl, "^XA^XZ", Speech::Other),
        (Format::Passthru, "\x1b@receipt", Speech::Other),
    ];
    for (a, first, before) in kinds {
        for (b, second, after) in kinds {
            let middle = match between(before, after) {
                Boundary::Feeds => "\x0c",
                Boundary::Exit => "\x1b%-12345X",
                Boundary::Renew => "|",
            };
            let (one, two) = (|| source(a, first.as_bytes(), 1), || source(b, second.as_bytes(), 1));
            let mut documents = pieces(vec![one(), two()], Paper::Top);
            documents.shared = true;
            assert_eq!(bytes(&documents, false), format!("{first}{middle}{second}"), "documents");
            let mut job = pieces(vec![two()], documents_after(&one()));
            (job.shared, job.last) = (true, Some(before));
            assert_eq!(bytes(&job, false), format!("{middle}{second}"), "jobs");
            assert_eq!(job.speech_after(), Some(after));
            if (a, first) == (b, second) {
                let mut copies = pieces(vec![source(a, first.as_bytes(), 2)], Paper::Top);
                copies.shared = true;
                assert_eq!(bytes(&copies, false), format!("{first}{middle}{first}"), "copies");
            }
            // A file, FIFO or port has form feeds between texts, and nothing else.
            documents.shared = false;
            let middle = if middle == "\x0c" { middle } else { "" };
            assert_eq!(bytes(&documents, false), format!("{first}{middle}{second}"), "a file");
        }
    }
}

fn documents_after(source: &Source) -> Paper {
    if source.speech == Speech::Text { Paper::Text } else { Paper::Stream }
}

#[test]
fn empty_documents_contribute_nothing() {
    let job = pieces(vec![text("", 3), text("a\n", 1), text("", 1), text("b", 1), text("", 9)], Paper::Text);
    assert_eq!(bytes(&job, false), "\x0ca\n\x0cb");
    let empty = pieces(vec![text("", 3)], Paper::Text);
    assert_eq!(bytes(&empty, false), "");
    assert_eq!(empty.paper_after(false), Paper::Text);
}

#[test]
fn the_bytes_of_an_earlier_attempt_are_recognised() {
    let job = pieces(vec![text("abc", 2), text("def", 1)], Paper::Text);
    let whole = "\x0cabc\r\x0cabc\r\x0cdef";
    let mut output = tempfile::tempfile().unwrap();
    output.write_all(b"before").unwrap();
    output.write_all(whole.as_bytes()).unwrap();
    for length in 0..=whole.len() as u64 {
        assert!(job.begin_like(false, &output, 6, length).unwrap(), "{length}");
    }
    assert!(!job.begin_like(true, &output, 6, 3).unwrap());
    output.write_all(b"x").unwrap();
    assert!(!job.begin_like(false, &output, 6, whole.len() as u64 + 1).unwrap());
}
