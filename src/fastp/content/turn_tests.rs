//! Tests of going on at another page.

use super::*;
use crate::fastp::content::header::Sheets;
use crate::fastp::content::pieces::Piece;
use crate::fastp::content::pieces::tests::{pieces, source, text};
use crate::model::separation::Layout;
use crate::spool::interface::engine::Paper;

fn at(at: u64) -> Place {
    Place { index: 0, copy: 1, at }
}

fn octets(job: &Pieces, turn: &Turn) -> String {
    let mut out = String::new();
    for piece in job.list_from(turn.to, turn.feed) {
        match piece {
            Piece::Added(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
            Piece::Renew => out.push('|'),
            Piece::Font(_) => out.push('@'),
            Piece::Body { index, from, .. } => {
                let mut bytes = vec![0; (job.sources[index].size - from) as usize];
                job.sources[index].file.read_at(&mut bytes, from).unwrap();
                out.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }
    out
}

#[test]
fn a_text_goes_on_at_a_page_behind_a_form_feed_of_ours() {
    let job = pieces(vec![text("one\n\x0ctwo\n\x0cthree\n", 1)], Paper::Top);
    let turn = find(&job, at(2), DeviceRequest::SkipTo(3)).unwrap();
    assert_eq!((turn.page, turn.from_page, turn.feed, turn.over), (3, 1, Feed::WithReturn, 8));
    assert_eq!(octets(&job, &turn), "\r\x0cthree\n");
    let turn = find(&job, at(4), DeviceRequest::SkipTo(3)).unwrap();
    assert_eq!(octets(&job, &turn), "\x0cthree\n", "behind a whole line no carriage return is needed");
    let turn = find(&job, at(5), DeviceRequest::SkipTo(1)).unwrap();
    assert_eq!(octets(&job, &turn), "one\n\x0ctwo\n\x0cthree\n", "at top of form nothing is fed");
}

#[test]
fn skip_counts_from_the_page_that_is_sent() {
    let job = pieces(vec![text("1\n\x0c2\n\x0c3\n\x0c4\n", 1)], Paper::Top);
    let page = |from, what| find(&job, at(from), what).map(|turn| turn.page);
    assert_eq!(page(4, DeviceRequest::Skip(2)), Ok(4));
    assert_eq!(page(10, DeviceRequest::Skip(-2)), Ok(2));
    assert_eq!(page(10, DeviceRequest::Skip(-20)), Ok(1));
    assert_eq!(page(10, DeviceRequest::Skip(0)), Ok(4), "the page in print begins again");
    assert_eq!(page(10, DeviceRequest::Skip(1)), Err("it has 4 pages".into()));
}

#[test]
fn pages_count_through_the_documents_and_the_copy_in_print_stays() {
    let mut job = pieces(vec![text("1\n\x0c2\n", 2), text("3\n\x0c4\n", 3)], Paper::Top);
    job.sources[1].sequence = 2;
    let place = |now, page| find(&job, now, DeviceRequest::SkipTo(page)).unwrap().to;
    assert_eq!(place(Place { index: 0, copy: 2, at: 1 }, 2), Place { index: 0, copy: 2, at: 3 });
    assert_eq!(place(Place { index: 0, copy: 2, at: 1 }, 4), Place { index: 1, copy: 1, at: 3 });
    assert_eq!(place(Place { index: 1, copy: 2, at: 1 }, 1), Place { index: 0, copy: 2, at: 0 });
    let turn = find(&job, Place { index: 1, copy: 3, at: 2 }, DeviceRequest::SkipTo(2)).unwrap();
    assert_eq!(octets(&job, &turn), "\x0c2\n\x0c3\n\x0c4\n\x0c3\n\x0c4\n\x0c3\n\x0c4\n");
    let forward = find(&job, Place { index: 0, copy: 1, at: 1 }, DeviceRequest::SkipTo(3)).unwrap();
    assert_eq!(forward.over, 9, "a copy and a half");
}

#[test]
fn lines_make_pages_where_no_form_feed_does() {
    let lines: String = (1..=130).map(|n| format!("{n}\n")).collect();
    let mut job = pieces(vec![text(&lines, 1)], Paper::Top);
    assert!(octets(&job, &find(&job, at(0), DeviceRequest::SkipTo(3)).unwrap()).starts_with("121\n"));
    job.sheets = Sheets { layout: Layout { page_lines: Some(10), ..Layout::default() }, ..Sheets::default() };
    assert!(octets(&job, &find(&job, at(0), DeviceRequest::SkipTo(3)).unwrap()).starts_with("21\n"));
}

#[test]
fn a_stream_and_a_raw_device_are_refused_with_a_reason() {
    let job = pieces(vec![source(Format::Pcl, b"\x1bEa\x0cb\x1bE", 1)], Paper::Top);
    let why = find(&job, at(0), DeviceRequest::SkipTo(1)).unwrap_err();
    assert_eq!(why, "document 1 is pcl: of pcl nobody knows what a page needs of those before it");
    let mut job = pieces(vec![text("1\n", 1)], Paper::Top);
    job.sheets.raw = true;
    assert!(find(&job, at(0), DeviceRequest::SkipTo(1)).unwrap_err().contains("CONTENT RAW"));
    let mut wide = pieces(vec![text("\u{feff}1\n", 1), source(Format::Text, b"\xff\xfe1\0\n\0", 1)], Paper::Top);
    wide.sources[1].sequence = 2;
    assert!(find(&wide, at(0), DeviceRequest::SkipTo(2)).unwrap_err().contains("sixteen bits"));
}
