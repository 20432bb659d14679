//! Tests of the pieces of a job.

use super::*;
use std::io::{Seek, Write};

/// A source that holds `bytes`.
fn source(side: ContentKind, bytes: &[u8], copies: u32) -> Source {
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
        format: if side == ContentKind::Text { Format::Text } else { Format::PostScript },
        lead: 0,
        ends_at_top: false,
    };
    source.look().unwrap();
    source
}

fn text(bytes: &str, copies: u32) -> Source {
    source(ContentKind::Text, bytes.as_bytes(), copies)
}

fn stream(bytes: &str) -> Source {
    source(ContentKind::Stream, bytes.as_bytes(), 1)
}

fn pieces(sources: Vec<Source>, paper: Paper) -> Pieces {
    Pieces { sources, paper, uel: false, last: None, sheets: Sheets::default(), earlier: None }
}

fn bytes(pieces: &Pieces, top: bool) -> String {
    let mut out = String::new();
    for piece in pieces.list(top) {
        match piece {
            Piece::Added(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
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
    let job = pieces(vec![text("a", 2), text("b", 1)], Paper::Text);
    assert_eq!(bytes(&job, false), "\x0ca\x0ca\x0cb");
    assert_eq!(bytes(&job, true), "a\x0ca\x0cb");
    assert_eq!(job.paper_after(false), Paper::Text);
    let fed = pieces(vec![text("a\x0c", 2), text("\x0cb", 2)], Paper::Text);
    assert_eq!(bytes(&fed, false), "\x0ca\x0ca\x0cb\x0cb");
    assert_eq!(pieces(vec![text("a\x0c", 1)], Paper::Text).paper_after(false), Paper::Fed);
}

#[test]
fn nothing_is_added_beside_a_finished_stream() {
    let job = pieces(vec![text("a", 1), stream("%!PS"), stream("%PDF"), text("b", 1)], Paper::Top);
    assert_eq!(bytes(&job, false), "a%!PS%PDFb");
    assert_eq!(bytes(&pieces(vec![text("a", 1)], Paper::Stream), false), "a");
}

#[test]
fn a_kept_connection_has_a_uel_where_a_stream_meets_something() {
    let mut job = pieces(vec![stream("S"), text("a", 1), text("b", 1), stream("T")], Paper::Text);
    job.uel = true;
    assert_eq!(bytes(&job, false), "S\x1b%-12345Xa\x0cb\x1b%-12345XT");
    job.last = Some(ContentKind::Text);
    assert_eq!(bytes(&job, false), "\x1b%-12345XS\x1b%-12345Xa\x0cb\x1b%-12345XT");
    assert_eq!(job.content_kind_after(), Some(ContentKind::Stream));
}

#[test]
fn empty_documents_contribute_nothing() {
    let job = pieces(vec![text("", 3), text("a", 1), text("", 1), text("b", 1), text("", 9)], Paper::Text);
    assert_eq!(bytes(&job, false), "\x0ca\x0cb");
    let empty = pieces(vec![text("", 3)], Paper::Text);
    assert_eq!(bytes(&empty, false), "");
    assert_eq!(empty.paper_after(false), Paper::Text);
}

#[test]
fn the_bytes_of_an_earlier_attempt_are_recognised() {
    let job = pieces(vec![text("abc", 2), text("def", 1)], Paper::Text);
    let whole = "\x0cabc\x0cabc\x0cdef";
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
