//! Tests of header pages: their looks, and that no name can break them.

use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use super::*;

/// What a page says in these tests, for a name and a place.
fn example(columns: u32, lines: u32, header: HeaderPages) -> Separation {
    let text = HeaderText {
        report: "Quarterly figures".into(),
        location: "#OFFICE.FRONT".into(),
        form: "INVOICE A4".into(),
        owner: "ann".into(),
        job: 1021,
        printed: date(1_795_252_386_000, &TimeZone::fixed(Offset::constant(1))),
    };
    Separation { header, startff: StartFf::Off, endff: false, columns, lines, text, ..Separation::default() }
}

fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| format!("|{line}\n")).collect()
}

#[test]
fn a_page_of_132_columns() {
    insta::assert_snapshot!(shown(&page(&example(132, 66, HeaderPages::On))));
}

#[test]
fn a_page_of_80_columns_breaks_name_and_location() {
    insta::assert_snapshot!(shown(&page(&example(80, 66, HeaderPages::On))));
}

#[test]
fn trailer_pages_have_bars_on_every_fold_and_fill_their_sheets() {
    let separation = example(80, 66, HeaderPages::Batch);
    let lines = trailer(&separation);
    insta::assert_snapshot!(shown(&lines));
    let bar = "*".repeat(80);
    let bars: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == bar).collect();
    assert_eq!(bars, [0, 1, 64, 65, 66, 67, 130, 131, 132, 133, 196, 197]);
    assert_eq!(trailer(&example(132, 72, HeaderPages::Batch)).len(), 3 * 72);
}

#[test]
fn paper_of_72_lines_leaves_the_same_margin() {
    assert_eq!(page(&example(132, 66, HeaderPages::On)).len(), 58);
    assert_eq!(page(&example(132, 72, HeaderPages::On)).len(), 64);
}

/// The picture of a header page in the documentation is one that this program prints.
#[test]
fn the_page_in_the_documentation_is_ours() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/header-page.txt");
    let page: String = page(&example(132, 66, HeaderPages::On)).iter().map(|line| format!("{line}\n")).collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page, "UPDATE=1 cargo test --lib writes it");
}

#[test]
fn escapes_and_strange_characters_never_reach_the_page() {
    let mut separation = example(132, 66, HeaderPages::Batch);
    separation.text.report = "\u{1b}%-12345X\u{c}é☃\u{202e}\r\n".into();
    separation.text.location = "#\u{1b}.\u{9b}".into();
    let sheets = Sheets::of(&separation);
    for octets in [&sheets.page, &sheets.trailer] {
        let text = String::from_utf8(octets.clone()).unwrap();
        assert!(text.split_inclusive("\r\n").all(|line| line.trim().bytes().all(|b| (b' '..=b'~').contains(&b))));
    }
    let page = page(&separation);
    assert!(page.iter().any(|line| line == "  REPORT    ?%-12345X??????"), "{page:#?}");
    assert!(page.iter().any(|line| line.starts_with("#######")), "an unknown character is a block");
}

proptest! {
    #[test]
    fn whatever_the_names_a_page_is_printable_and_keeps_its_size(
        report in ".{0,300}", location in "#.{1,40}[.].{1,40}", form in ".{0,16}", owner in ".{0,40}",
        columns in 1u32..300, long in any::<bool>(),
    ) {
        let lines = if long { 72 } else { 66 };
        let mut separation = example(columns, lines, HeaderPages::Batch);
        separation.text = HeaderText { report, location, form, owner, ..separation.text };
        let page = page(&separation);
        prop_assert_eq!(page.len(), lines as usize - 8);
        let trailer = trailer(&separation);
        prop_assert_eq!(trailer.len(), 3 * lines as usize);
        for line in page.iter().chain(&trailer) {
            prop_assert!(line.len() <= columns as usize, "{}", line);
            prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{:?}", line);
        }
    }
}
