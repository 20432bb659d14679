//! Tests of text as a device wants it.

use super::*;
use proptest::prelude::*;

fn plain() -> Layout {
    Layout::default()
}

fn laid_out(layout: Layout, format: Format, text: &[u8]) -> String {
    let mut out = Vec::new();
    match Expander::new(layout, format, text) {
        Some(mut expander) => {
            expander.push(text, &mut out);
            expander.finish(&mut out);
        }
        None => out.extend_from_slice(text),
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn text(layout: Layout, text: &str) -> String {
    laid_out(layout, Format::Text, text.as_bytes())
}

#[test]
fn text_leaves_as_it_came_unless_more_was_asked_for() {
    assert!(Expander::new(plain(), Format::Text, b"a\n").is_none());
    let all = Layout { eol_crlf: true, columns: Some(3), cut: false, page_lines: Some(2) };
    for stream in [Format::Pdf, Format::Pcl, Format::Passthru, Format::Zpl] {
        assert!(Expander::new(all, stream, b"a\n").is_none(), "{stream:?}");
    }
    assert!(Expander::new(all, Format::Text, b"\xff\xfea\0\n\0").is_none(), "sixteen bits a character");
    assert!(Expander::new(Layout { cut: true, ..plain() }, Format::Text, b"a").is_none(), "nothing to cut at");
}

#[test]
fn line_ends_are_completed_and_complete_ones_stay() {
    let crlf = Layout { eol_crlf: true, ..plain() };
    assert_eq!(text(crlf, "a\nb\r\nc\n\nd"), "a\r\nb\r\nc\r\n\r\nd");
    assert_eq!(text(crlf, "over\rprint\n"), "over\rprint\r\n", "a lone return prints over");
    assert_eq!(text(crlf, "a\x0cb\n\x0cc\r\x0c\x0c"), "a\r\x0cb\r\n\x0cc\r\x0c\x0c");
}

#[test]
fn long_lines_go_on_below() {
    let wrap = Layout { columns: Some(4), ..plain() };
    assert_eq!(text(wrap, "abcd\nabcdefghi\n"), "abcd\nabcd\r\nefgh\r\ni\n");
    assert_eq!(text(wrap, "ab\x08\x08__cd\n"), "ab\x08\x08__cd\n", "what is printed over takes no column");
    assert_eq!(text(wrap, "abcd\r____e\n"), "abcd\r____\r\ne\n");
    assert_eq!(text(wrap, "a\tb\n"), "a\t\r\nb\n", "a tabulator leads to the end of the line at most");
    assert_eq!(text(wrap, "漢字漢\n"), "漢字\r\n漢\n");
    assert_eq!(text(wrap, "e\u{301}e\u{301}e\u{301}e\u{301}\n"), "e\u{301}e\u{301}e\u{301}e\u{301}\n");
    assert_eq!(
        laid_out(wrap, Format::Text, b"\xe4\xf6\xfc\xdfx\n"),
        String::from_utf8_lossy(b"\xe4\xf6\xfc\xdf\r\nx\n")
    );
    let eight = Layout { columns: Some(10), ..plain() };
    assert_eq!(text(eight, "a\tbcd"), "a\tbc\r\nd");
    assert_eq!(text(Layout { columns: Some(1), ..plain() }, "漢字"), "漢\r\n字", "one that fits nowhere stands alone");
}

#[test]
fn long_lines_are_cut_with_trunc() {
    let cut = Layout { columns: Some(4), cut: true, ..plain() };
    assert_eq!(text(cut, "abcd\nabcdefghi\r\nx\n"), "abcd\nabcd\r\nx\n");
    assert_eq!(text(cut, "abcdef\r____ef\n"), "abcd\r____\n");
    assert_eq!(text(cut, "abcdef\x08\x08\x08_\n"), "abcd\x08_\n", "what was left out is stepped over");
    assert_eq!(text(cut, "abc漢e\u{301}\n"), "abc\n", "half a character is none");
    assert_eq!(text(cut, "ab\tc\n"), "ab\n");
    assert_eq!(text(cut, "a\x0cbcdefg"), "a\x0cbcde");
}

#[test]
fn a_page_is_fed_behind_its_last_line_once() {
    let pages = Layout { page_lines: Some(2), ..plain() };
    assert_eq!(text(pages, "a\nb\nc\nd\n"), "a\nb\n\x0cc\nd\n", "nothing follows the last page");
    assert_eq!(text(pages, "a\nb\n\x0cc\n"), "a\nb\n\x0cc\n", "the text feeds its page itself");
    assert_eq!(text(pages, "a\r\nb\r\n\r\x0cc\r\n"), "a\r\nb\r\n\r\x0cc\r\n");
    assert_eq!(text(pages, "a\n\x0cb\nc\nd"), "a\n\x0cb\nc\n\x0cd", "a form feed begins a page");
    assert_eq!(text(pages, "\n\n\n"), "\n\n\x0c\n");
    let narrow = Layout { columns: Some(2), page_lines: Some(2), eol_crlf: true, ..plain() };
    assert_eq!(text(narrow, "aabbccd\n"), "aa\r\nbb\r\n\x0ccc\r\nd\r\n", "lines are those on paper");
}

#[test]
fn asa_moves_the_paper_before_each_line() {
    let asa = |text: &str| laid_out(plain(), Format::Asa, text.as_bytes());
    assert_eq!(
        asa("1title\n one\n0two\n-three\n+over\n1page\n"),
        "title\r\none\r\n\r\ntwo\r\n\r\n\r\nthree\rover\r\x0cpage\r\n"
    );
    assert_eq!(asa(" a\r\n b\r\n"), "a\r\nb\r\n", "line ends of either kind");
    assert_eq!(asa(" a\n\n b"), "a\r\n\r\nb\r\n", "an empty line, and one without an end");
    assert_eq!(asa("0a\n"), "\r\na\r\n");
    assert_eq!(asa("-a\n"), "\r\n\r\na\r\n");
    assert_eq!(asa("+a\nXb\n"), "a\r\nb\r\n", "an unknown character is one line on");
    assert_eq!(asa(" a\n1\n"), "a\r\x0c", "a lone 1 at the end leaves the paper at top of form");
    assert_eq!(asa(" a\rb\n"), "a\rb\r\n");
    assert_eq!(asa(""), "");
    let narrow = Layout { columns: Some(2), page_lines: Some(2), ..plain() };
    assert_eq!(laid_out(narrow, Format::Asa, b"1abc\n d\n"), "ab\r\nc\r\n\x0cd\r\n");
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let columns = proptest::option::of(1u32..12);
    (any::<bool>(), columns, any::<bool>(), proptest::option::of(1u32..5))
        .prop_map(|(eol_crlf, columns, cut, page_lines)| Layout { eol_crlf, columns, cut, page_lines })
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[a-z ]{1,6}".prop_map(String::into_bytes),
        4 => prop::sample::select(vec!["\n", "\r\n", "\x0c", "\r", "\t", "\x08", "\n1", "\n0", "\n+"]).prop_map(|s| s.as_bytes().to_vec()),
        2 => prop::sample::select(vec!["漢", "é", "e\u{301}", "\u{feff}", "😀"]).prop_map(|s| s.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..4),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// How many columns the widest line has, its overprinted parts apart.
fn widest(text: &str) -> u64 {
    let (mut column, mut most) = (0u64, 0);
    let mut glyphs = Glyphs::default();
    glyphs.push(text.as_bytes(), |_, glyph| {
        column = match glyph {
            Glyph::Control(b'\n' | b'\x0c' | b'\r') => 0,
            Glyph::Control(b'\x08') => column.saturating_sub(1),
            Glyph::Control(b'\t') => (column / TAB + 1) * TAB,
            Glyph::Control(_) => column,
            Glyph::Columns(n) => column + n,
        };
        most = most.max(column);
    });
    most
}

proptest! {
    #[test]
    fn where_a_text_is_cut_does_not_matter(
        layout in any_layout(), text in any_text(), asa in any::<bool>(), cuts in proptest::collection::vec(0usize..200, 0..8),
    ) {
        let format = if asa { Format::Asa } else { Format::Text };
        prop_assume!(!text.starts_with(b"\xff\xfe") && !text.starts_with(b"\xfe\xff"));
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let Some(mut expander) = Expander::new(layout, format, &text) else { return Ok(()) };
        let (mut out, mut from) = (Vec::new(), 0);
        for cut in cuts.into_iter().chain([text.len()]) {
            expander.push(&text[from..cut], &mut out);
            from = cut;
        }
        expander.finish(&mut out);
        let mut whole = Expander::new(layout, format, &text).unwrap();
        let mut expected = Vec::new();
        whole.push(&text, &mut expected);
        whole.finish(&mut expected);
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn every_line_fits_and_wrapping_loses_nothing(width in 2u32..20, cut in any::<bool>(), lines in "([a-z漢é ]{0,30}\n){0,8}") {
        let layout = Layout { columns: Some(width), cut, ..plain() };
        let out = text(layout, &lines);
        prop_assert!(widest(&out) <= u64::from(width), "{out:?}");
        if !cut {
            prop_assert_eq!(out.replace("\r\n", ""), lines);
        } else {
            prop_assert_eq!(out.matches('\n').count(), lines.matches('\n').count());
        }
    }

    #[test]
    fn no_page_has_more_lines_than_it_may(length in 1u32..6, eol_crlf in any::<bool>(), lines in "[a\n\x0c]{0,60}") {
        let layout = Layout { page_lines: Some(length), eol_crlf, ..plain() };
        let out = text(layout, &lines);
        for page in out.split('\x0c') {
            prop_assert!(page.matches('\n').count() <= length as usize, "{out:?}");
        }
        let bare = |text: &str| text.replace(['\x0c', '\r'], "");
        prop_assert_eq!(bare(&out), bare(&lines));
        // As many times over as they are laid out, they are the same.
        prop_assert_eq!(text(layout, &out), out);
    }
}
