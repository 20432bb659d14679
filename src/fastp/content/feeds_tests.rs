//! The form-feed rules over whole sequences of jobs: every combination of HEADER, STARTFF, ENDFF and connections, with
//! texts that bring form feeds of their own and finished streams beside them.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::documents::ReadAt;
use crate::fastp::content::boundary::{Speech, UNIVERSAL_EXIT};
use crate::fastp::content::header::Sheets;
use crate::fastp::content::pieces::{Piece, Pieces, Source};
use crate::model::DocumentId;
use crate::model::job::FormatOrigin;
use crate::model::job::{Format, RawPath, Transfer};

/// A document: a stream, or a text with or without form feeds at its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doc {
    Stream,
    Text { begins: bool, ends: bool },
    FeedOnly,
}

impl Doc {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Stream => b"s",
            Self::Text { begins: false, ends: false } => b"t",
            Self::Text { begins: true, ends: false } => b"\x0ct",
            Self::Text { begins: false, ends: true } => b"t\x0c",
            Self::Text { begins: true, ends: true } => b"\r\x0ct\x0c\r",
            Self::FeedOnly => b"\x0c",
        }
    }

    fn source(self, copies: u32) -> Source {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(self.bytes()).unwrap();
        let mut source = Source {
            document: DocumentId(1),
            sequence: 1,
            path: RawPath::default(),
            transfer: Transfer::Copy,
            arrival: None,
            made: None,
            size: self.bytes().len() as u64,
            file: file.into(),
            copies,
            format: if self == Self::Stream { Format::Pdf } else { Format::Text },
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
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    pages: u32,
    startff: StartFf,
    endff: bool,
    /// The jobs share one stream, as over a socket, which has a boundary beside finished streams.
    shared: bool,
    /// A connection for each job (EXCLUSIVE OFF !).
    each: bool,
}

/// What was printed: pages of ours, form feeds, bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Header,
    Trailer,
    /// A body, and which job and document it is of.
    Body(usize, Doc),
}

impl Mark {
    fn is_text(self) -> bool {
        !matches!(self, Self::Body(_, Doc::Stream))
    }
}

/// Prints the jobs one after the other; returns the octets without UELs and carriage returns, and the marks with the
/// number of form feeds before each, and after the last.
fn print(jobs: &[Vec<(Doc, u32)>], setting: Setting) -> (Vec<(usize, Mark)>, usize) {
    let (mut paper, mut last) = (Paper::Top, None);
    let (mut marks, mut feeds) = (Vec::new(), 0);
    for (number, job) in jobs.iter().enumerate() {
        let pieces = Pieces {
            font: Vec::new(),
            sources: job.iter().map(|(doc, copies)| doc.source(*copies)).collect(),
            paper,
            shared: setting.shared,
            renewable: setting.shared,
            last: if setting.each { None } else { last },
            sheets: Sheets {
                page: if setting.pages > 0 { b"H".to_vec() } else { Vec::new() },
                pages: setting.pages,
                trailer: if setting.pages == 2 { b"R".to_vec() } else { Vec::new() },
                startff: setting.startff,
                endff: setting.endff,
                ..Sheets::default()
            },
            earlier: None,
        };
        let mut boundary = false;
        for piece in pieces.list(false) {
            match piece {
                Piece::Added(UNIVERSAL_EXIT) | Piece::Renew | Piece::Font(_) => boundary = true,
                Piece::Added(b"\x0c" | b"\r\x0c") => feeds += 1,
                Piece::Added(page) => {
                    let mark = if page == b"H" { Mark::Header } else { Mark::Trailer };
                    marks.push((std::mem::take(&mut feeds), mark));
                }
                Piece::Body { index, from, .. } => {
                    let source = &pieces.sources[index];
                    let mut octets = vec![0; (source.size - from) as usize];
                    source.file.read_at(&mut octets, from).unwrap();
                    for octet in octets {
                        match octet {
                            b'\r' => {}
                            b'\x0c' => feeds += 1,
                            _ => marks.push((std::mem::take(&mut feeds), Mark::Body(number, job[index].0))),
                        }
                    }
                }
            }
        }
        assert!(!boundary || setting.shared);
        (paper, last) = (pieces.paper_after(false), pieces.speech_after());
    }
    (marks, feeds)
}

fn docs() -> impl Strategy<Value = Doc> {
    prop_oneof![
        2 => Just(Doc::Stream),
        6 => any::<(bool, bool)>().prop_map(|(begins, ends)| Doc::Text { begins, ends }),
        1 => Just(Doc::FeedOnly),
    ]
}

fn settings() -> impl Strategy<Value = Setting> {
    (0u32..3, 0usize..3, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(pages, start, endff, shared, each)| {
        Setting { pages, startff: StartFf::ALL[start], endff, shared, each }
    })
}

/// Whether a text that brings form feeds of its own stands between two marks, in either of them included.
fn own_feed(before: Option<Mark>, after: Option<Mark>, jobs: &[Vec<(Doc, u32)>]) -> bool {
    let ends = matches!(before, Some(Mark::Body(_, Doc::Text { ends: true, .. })));
    let begins = matches!(after, Some(Mark::Body(_, Doc::Text { begins: true, .. })));
    ends || begins || jobs.iter().flatten().any(|(doc, _)| *doc == Doc::FeedOnly)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn neighbouring_texts_are_one_page_advance_apart_and_streams_are_left_alone(
        jobs in prop::collection::vec(prop::collection::vec((docs(), 1u32..3), 1..3), 1..5),
        setting in settings(),
    ) {
        let (marks, at_end) = print(&jobs, setting);
        let mut before: Option<Mark> = None;
        for (feeds, mark) in &marks {
            let (feeds, mark) = (*feeds, *mark);
            prop_assert!(feeds <= 1, "an empty page: {marks:?}");
            let swallows = setting.startff == StartFf::Swallow && setting.pages == 0;
            let other_job = match (before, mark) {
                (Some(Mark::Body(a, _)), Mark::Body(b, _)) => a != b,
                _ => false,
            };
            match before {
                // The beginning of all, and behind a stream: only what the text itself brings.
                None => prop_assert!(feeds == 0 || own_feed(None, Some(mark), &jobs), "{marks:?}"),
                Some(x) if !x.is_text() => prop_assert!(
                    feeds == 0 || own_feed(None, Some(mark), &jobs) || setting.startff == StartFf::On, "{marks:?}"
                ),
                // Before a stream: what the text brings, and ENDFF at the end of a text job.
                Some(x) if !mark.is_text() => prop_assert!(
                    feeds == 0 || own_feed(Some(x), None, &jobs) || (setting.endff && other_job), "{marks:?}"
                ),
                // Trailer pages fill their sheets.
                Some(Mark::Trailer) => prop_assert_eq!(feeds, 0, "{:?}", marks),
                // STARTFF OFF !: the next job begins where the last one ended.
                Some(x) if swallows && other_job => prop_assert!(
                    feeds == 0 || setting.endff || own_feed(Some(x), None, &jobs), "{marks:?}"
                ),
                Some(_) => prop_assert_eq!(feeds, 1, "{:?}", marks),
            }
            before = Some(mark);
        }
        prop_assert!(at_end <= 1);
        let last_job_ends_with_text = jobs.last().and_then(|job| job.last()).is_some_and(|(doc, _)| *doc != Doc::Stream);
        if setting.endff && last_job_ends_with_text && before.is_some_and(Mark::is_text) {
            prop_assert_eq!(at_end, usize::from(before != Some(Mark::Trailer)), "{:?}", marks);
        }
        // Whatever the settings, every body is printed, and each text job that begins with text has its header pages.
        let bodies: u32 = jobs.iter().flatten().filter(|(doc, _)| *doc != Doc::FeedOnly).map(|(_, copies)| copies).sum();
        prop_assert_eq!(marks.iter().filter(|(_, mark)| matches!(mark, Mark::Body(..))).count(), bodies as usize);
        let headed = jobs.iter().filter(|job| job.first().is_some_and(|(doc, _)| *doc != Doc::Stream)).count();
        let headers = marks.iter().filter(|(_, mark)| *mark == Mark::Header).count();
        prop_assert_eq!(headers, headed * setting.pages as usize);
    }
}

/// The table of two neighbouring text jobs, for every setting, written out.
#[test]
fn two_neighbouring_text_jobs_in_every_combination() {
    let shown = |pages: u32, startff, endff, first: Doc, second: Doc| {
        let setting = Setting { pages, startff, endff, shared: false, each: false };
        let (marks, end) = print(&[vec![(first, 1)], vec![(second, 1)]], setting);
        let name = |mark: Mark| match mark {
            Mark::Header => 'H',
            Mark::Trailer => 'R',
            Mark::Body(..) => 't',
        };
        let mut line: String =
            marks.iter().map(|(feeds, mark)| "^".repeat(*feeds) + &name(*mark).to_string()).collect();
        line.push_str(&"^".repeat(end));
        line
    };
    let mut table = String::new();
    for pages in 0..3 {
        for startff in StartFf::ALL {
            for endff in [false, true] {
                let header = ["OFF", "ON", "BATCH"][pages as usize];
                table += &format!(
                    "HEADER {header:<5} STARTFF {:<5} ENDFF {}\n",
                    startff.word(),
                    if endff { "ON" } else { "OFF" }
                );
                for (ends, begins) in [(false, false), (true, false), (false, true), (true, true)] {
                    let (first, second) = (Doc::Text { begins: false, ends }, Doc::Text { begins, ends: false });
                    table += &format!(
                        "    t{} {}t   {}\n",
                        if ends { "^" } else { " " },
                        if begins { "^" } else { " " },
                        shown(pages, startff, endff, first, second)
                    );
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}
