//! Tests of the pieces of a job.

use super::*;
use crate::model::separation::Layout;
use proptest::prelude::*;
use std::io::{Seek, Write};

/// A source of `bytes`.
pub(in crate::fastp::content) fn source(format: Format, bytes: &[u8], copies: u32) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let mut source = Source {
        document: DocumentId(1),
        sequence: 1,
        path: RawPath::default(),
        transfer: Transfer::Copy,
        arrival: None,
        made: None,
        file: file.into(),
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

pub(in crate::fastp::content) fn text(bytes: &str, copies: u32) -> Source {
    source(Format::Text, bytes.as_bytes(), copies)
}

fn stream(bytes: &str) -> Source {
    source(Format::PostScript, bytes.as_bytes(), 1)
}

pub(in crate::fastp::content) fn pieces(sources: Vec<Source>, paper: Paper) -> Pieces {
    Pieces {
        sources,
        font: Vec::new(),
        paper,
        shared: false,
        renewable: true,
        last: None,
        sheets: Sheets::default(),
        earlier: None,
    }
}

fn bytes(pieces: &Pieces, top: bool) -> String {
    let mut out = String::new();
    for piece in pieces.list(top) {
        match piece {
            Piece::Added(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
            Piece::Renew => out.push('|'),
            Piece::Font(n) => {
                let mut buffer = vec![0; pieces.font[n].size as usize];
                pieces.font[n].file.read_at(&mut buffer, 0).unwrap();
                out.push_str(std::str::from_utf8(&buffer).unwrap());
            }
            Piece::Body { index: n, from, .. } => {
                if let Some(mut text) = pieces.laid_out(n, from).unwrap() {
                    while let Some(part) = text.next_part().unwrap() {
                        out.push_str(std::str::from_utf8(part.octets).unwrap());
                    }
                    continue;
                }
                let mut buffer = vec![0; (pieces.sources[n].size - from) as usize];
                pieces.sources[n].file.read_at(&mut buffer, from).unwrap();
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
            // On a FIFO or a port nothing can be renewed.
            documents.renewable = false;
            let port = if middle == "|" { "" } else { middle };
            assert_eq!(bytes(&documents, false), format!("{first}{port}{second}"), "a port");
            // A file has form feeds between texts, and nothing else.
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

#[test]
fn text_is_laid_out_and_streams_are_not() {
    let mut job = pieces(vec![text("abcd\nef", 2), stream("%!PS abcdef\n")], Paper::Top);
    job.sheets.layout = Layout { eol_crlf: true, columns: Some(3), cut: false, page_lines: Some(2) };
    assert_eq!(bytes(&job, false), "abc\r\nd\r\n\x0cef\r\x0cabc\r\nd\r\n\x0cef%!PS abcdef\n");
    let mut own = pieces(vec![text("\x0ca\n", 1)], Paper::Fed);
    own.sheets.layout = job.sheets.layout;
    assert_eq!(bytes(&own, false), "a\r\n", "its own form feed is left out, what follows is laid out");
    let mut asa = source(Format::Asa, b"1one\n two\n1\n", 2);
    assert!(asa.ends_at_top && !asa.unfinished && asa.lead == 0);
    assert_eq!(bytes(&pieces(vec![asa], Paper::Text), false), "\x0cone\r\ntwo\r\x0cone\r\ntwo\r\x0c");
    asa = source(Format::Asa, b" one", 1);
    assert!(!asa.ends_at_top && !asa.unfinished, "the end of its last line is ours");
}

#[test]
fn on_a_device_that_is_content_raw_nothing_stands_beside_anything() {
    let mut job = pieces(vec![text("\x0ca", 2), stream("%!PS"), text("b\n", 1)], Paper::Text);
    job.sheets = Sheets { layout: Layout { columns: Some(1), ..Layout::default() }, raw: true, ..Sheets::default() };
    assert_eq!(bytes(&job, false), "\x0ca\x0ca%!PSb\n");
    assert_eq!(job.paper_after(false), Paper::Stream, "nobody knows how it stands");
    assert_eq!(job.speech_after(), Some(Speech::Other));
    assert!(!job.leaves_bare_line_feeds());
    job.shared = true;
    assert_eq!(bytes(&job, false), "\x0ca|\x0ca|%!PS|b\n", "on a connection each document has its own");
    job.last = Some(Speech::Pjl);
    assert!(bytes(&job, false).starts_with("|\x0ca|"));
}

#[test]
fn what_a_dead_attempt_laid_out_is_known_although_the_device_asks_for_something_else_since() {
    let mut job = pieces(vec![text("abcd\nef\n", 2)], Paper::Text);
    let earlier = Sheets {
        layout: Layout { eol_crlf: true, columns: Some(3), cut: false, page_lines: Some(2) },
        ..Sheets::default()
    };
    let wrote = "\x0cabc\r\nd\r\n\x0cef\r\n\x0cabc\r\nd\r\n\x0cef\r\n";
    let mut output = tempfile::tempfile().unwrap();
    output.write_all(wrote.as_bytes()).unwrap();
    for length in 0..=wrote.len() as u64 {
        job.earlier = Some(earlier.clone());
        assert!(job.begin_like(false, &output, 0, length).unwrap(), "{length}");
        job.earlier = None;
        assert_eq!(job.begin_like(false, &output, 0, length).unwrap(), length <= 4, "{length}");
    }
    job.earlier = Some(Sheets { raw: true, ..Sheets::default() });
    output.set_len(0).unwrap();
    output.rewind().unwrap();
    output.write_all(b"abcd\nef\nab").unwrap();
    assert!(job.begin_like(false, &output, 0, 10).unwrap());
}

#[test]
fn a_document_that_ends_early_is_told_from_its_end() {
    let mut job = pieces(vec![text("abcd\n", 1)], Paper::Top);
    job.sheets.layout.eol_crlf = true;
    job.sources[0].file.clear().unwrap().set_len(2).unwrap();
    let mut text = job.laid_out(0, 0).unwrap().unwrap();
    assert_eq!(text.next_part().unwrap().map(|part| part.octets.to_vec()), Some(b"ab".to_vec()));
    assert_eq!(text.next_part().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(text.read(), 2);
}

proptest! {
    /// The parts of a large text are the whole of it, and tell how far the document was read.
    #[test]
    fn the_parts_of_a_text_are_the_whole(lines in 1usize..40_000, width in 1u32..40) {
        let octets = "Zeile für Zeile 漢字\n".repeat(lines);
        let mut job = pieces(vec![source(Format::Text, octets.as_bytes(), 1)], Paper::Top);
        job.sheets.layout = Layout { columns: Some(width), ..Layout::default() };
        let (mut out, mut of) = (Vec::new(), 0);
        let mut text = job.laid_out(0, 0).unwrap().unwrap();
        while let Some(part) = text.next_part().unwrap() {
            out.extend_from_slice(part.octets);
            of += part.of;
        }
        prop_assert_eq!(of, octets.len() as u64);
        let mut whole = Vec::new();
        let mut expander = Expander::new(job.sheets.layout, Format::Text, octets.as_bytes()).unwrap();
        expander.push(octets.as_bytes(), &mut whole);
        expander.finish(&mut whole);
        prop_assert!(out == whole);
    }
}

#[test]
fn a_font_goes_once_ahead_of_the_first_document_and_is_part_of_it() {
    let with_font = |sources: Vec<Source>, paper| {
        let font = vec![source(Format::Pcl, b"[font]", 9), source(Format::Pcl, b"", 1)];
        Pieces { font, ..pieces(sources, paper) }
    };
    assert_eq!(
        bytes(&with_font(vec![text("a\n", 2), text("b\n", 1)], Paper::Text), false),
        "\x0c[font]a\n\x0ca\n\x0cb\n"
    );
    assert_eq!(bytes(&with_font(vec![text("", 1), text("b\n", 1)], Paper::Top), false), "[font]b\n");
    assert_eq!(bytes(&with_font(vec![text("", 1)], Paper::Top), false), "", "nothing is printed with it");
    let shared = Pieces { shared: true, last: Some(Speech::Text), ..with_font(vec![stream("%!PS")], Paper::Text) };
    assert_eq!(bytes(&shared, false), "|[font]%!PS", "the boundary is that of the document");
    let sheets = Sheets { page: b"(page)\r\n".to_vec(), pages: 1, ..Sheets::default() };
    let headed = Pieces { sheets: sheets.clone(), ..with_font(vec![text("a\n", 1)], Paper::Top) };
    assert_eq!(bytes(&headed, false), "(page)\r\n\x0c[font]a\n");
    let inside =
        Pieces { sheets: Sheets { font_first: true, ..sheets }, ..with_font(vec![text("a\n", 1)], Paper::Top) };
    assert_eq!(bytes(&inside, false), "[font](page)\r\n\x0ca\n");
}

#[test]
fn a_batch_has_one_set_of_pages_around_all_of_its_jobs() {
    let page = b"(page)\r\n".to_vec();
    let trailer = b"(trailer)\r\n".to_vec();
    let job = |paper, sheets| Pieces { sheets, ..pieces(vec![text("a\n", 1)], paper) };
    let whole = Sheets { page, pages: 1, trailer, ..Sheets::default() };
    let first = Sheets { trailer: Vec::new(), ..whole.clone() };
    let middle = Sheets { pages: 0, headed: true, ..first.clone() };
    let last = Sheets { pages: 0, headed: true, ..whole };
    assert_eq!(bytes(&job(Paper::Top, first), false), "(page)\r\n\x0ca\n");
    assert_eq!(bytes(&job(Paper::Text, middle), false), "\x0ca\n");
    assert_eq!(bytes(&job(Paper::Text, last), false), "\x0ca\n\x0c(trailer)\r\n");
}
