//! Lines and pages of plain text.
//!
//! * A line ends with a line feed; a form feed ends a line on which something stands; what stands after the last of
//!   either is a line too.
//! * A form feed ends a page, and so does the last line of one ([`Sheet`]). A page is counted if anything is to be seen
//!   on it or further down: a form feed at the beginning, at the end, or right after another opens no page.
//! * Programs that feed their pages know the paper: what stands between two form feeds may have as many lines as the paper
//!   has, and is one page.

use super::source::{Finding, Unknown};
use super::{Index, MOST_PAGES};
use crate::documents::format::{Wide, wide};
use crate::documents::layout::{Asa, Glyph, Glyphs, TAB};
use crate::model::job::Format;
use crate::model::separation::Layout;

/// Lines of a page where form feeds do not say it: PAGESIZE of a NonStop spooler (docs/reference/spooler.md 4).
pub const LINES_PER_PAGE: u64 = 60;
/// Lines that the paper has: eleven inches at six lines an inch.
pub const PAPER_LINES: u64 = 66;

/// What text is printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Lines after which a new page begins by itself.
    pub lines: u64,
    /// Lines between two form feeds that still are one page.
    pub paper: u64,
    /// Columns after which the device begins a new line, where it does.
    pub columns: Option<u64>,
}

impl Sheet {
    /// The sheet of a device that lays text out so.
    pub fn of(layout: Layout) -> Self {
        let usual = Self::default();
        Self {
            lines: layout.page_lines.map_or(usual.lines, u64::from),
            paper: layout.page_lines.map_or(usual.paper, u64::from),
            columns: layout.columns.filter(|_| !layout.cut).map(u64::from),
        }
    }
}

impl Default for Sheet {
    /// What is taken where the device is not known yet.
    fn default() -> Self {
        Self { lines: LINES_PER_PAGE, paper: PAPER_LINES, columns: None }
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Lines.
    pub lines: u64,
    /// Pages.
    pub pages: u64,
}

/// Counts text that comes in pieces; where it is cut does not matter.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    sheet: Sheet,
    wide: Option<Wide>,
    /// Half a character of UTF-16.
    half: Option<u8>,
    /// Octets seen, of narrow text.
    seen: u64,
    lines: u64,
    /// Pages that have ended with a form feed.
    pages: u64,
    form_feeds: bool,
    /// Something stands on the line that has not ended yet.
    on_line: bool,
    /// The column of the next character, where lines are wrapped.
    column: u64,
    /// The characters that take columns, where lines are wrapped.
    glyphs: Glyphs,
    /// The reader of carriage control, of lines that begin with it.
    asa: Option<Asa>,
    /// Lines on paper since the last form feed.
    stretch: u64,
    /// The last of them on which something is to be seen, from 1.
    visible: u64,
    index: Option<Begins>,
}

/// Where pages begin.
#[derive(Clone, Debug, Default)]
struct Begins {
    begins: Vec<u64>,
    /// Where this stretch begins, and each page in it but the first.
    stretch: u64,
    inner: Vec<u64>,
    too_many: bool,
}

impl Counter {
    /// Nothing counted yet, on the sheet of a device that is not known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing counted yet, of text that begins with `first`.
    pub fn on(sheet: Sheet, first: &[u8]) -> Self {
        let sheet = Sheet { lines: sheet.lines.max(1), columns: sheet.columns.map(|columns| columns.max(1)), ..sheet };
        Self { sheet, wide: wide(first), ..Self::default() }
    }

    /// The same of text of this format.
    #[must_use]
    pub fn of_format(self, format: Format) -> Self {
        Self { asa: (format == Format::Asa).then(Asa::default), ..self }
    }

    /// One that notes where pages begin.
    #[must_use]
    pub fn with_index(self) -> Self {
        Self { index: Some(Begins::default()), ..self }
    }

    /// Counts a piece.
    pub fn push(&mut self, piece: &[u8]) {
        if let Some(mut asa) = self.asa.take() {
            let mut lines = Vec::with_capacity(piece.len() + piece.len() / 4);
            asa.push(piece, &mut lines);
            self.push_narrow(&lines);
            self.asa = Some(asa);
            return;
        }
        let Some(order) = self.wide else {
            return self.push_narrow(piece);
        };
        // As if each character of UTF-16 were one octet: those that count are ASCII, and the others are to be seen.
        let mut narrow = Vec::with_capacity(piece.len() / 2 + 1);
        for octet in piece {
            match self.half.take() {
                None => self.half = Some(*octet),
                Some(first) => {
                    let (low, high) = if order == Wide::LowFirst { (first, *octet) } else { (*octet, first) };
                    narrow.push(match (high, low) {
                        (0, low) => low,
                        (0xfe, 0xff) => b'\r',
                        _ => b'x',
                    });
                }
            }
        }
        self.push_narrow(&narrow);
    }

    fn push_narrow(&mut self, piece: &[u8]) {
        let mut from = 0;
        while from < piece.len() {
            let end = memchr::memchr2(b'\n', b'\x0c', &piece[from..]).map_or(piece.len(), |length| from + length);
            self.line(&piece[from..end], self.seen + from as u64);
            if end < piece.len() {
                self.end_glyphs(self.seen + end as u64);
            }
            match piece.get(end) {
                Some(b'\n') => {
                    self.lines += 1;
                    self.feed_line(self.seen + end as u64 + 1);
                    (self.on_line, self.column) = (false, 0);
                }
                Some(_) => self.feed_form(self.seen + end as u64 + 1),
                None => {}
            }
            from = end + 1;
        }
        self.seen += piece.len() as u64;
    }

    /// What stands on a line, or on a part of it.
    fn line(&mut self, part: &[u8], at: u64) {
        self.on_line = self.on_line || part.iter().any(|octet| *octet != b'\r');
        let Some(columns) = self.sheet.columns else {
            if self.visible <= self.stretch && part.iter().any(|octet| *octet > b' ') {
                self.visible = self.stretch + 1;
            }
            return;
        };
        // Most lines are plain: each octet is a column.
        if self.glyphs.held() == 0 && part.iter().all(|octet| matches!(octet, b' '..=b'~')) {
            return self.plain(part, at, columns);
        }
        let mut glyphs = std::mem::take(&mut self.glyphs);
        let mut place = at - glyphs.held() as u64;
        glyphs.push(part, |octets, glyph| {
            self.glyph(octets, glyph, columns, place);
            place += octets.len() as u64;
        });
        self.glyphs = glyphs;
    }

    /// Octets that take a column each.
    fn plain(&mut self, mut part: &[u8], mut at: u64, columns: u64) {
        while !part.is_empty() {
            if self.column >= columns {
                self.feed_line(at);
                self.column = 0;
            }
            let room = usize::try_from(columns - self.column).unwrap_or(usize::MAX);
            let (here, rest) = part.split_at(room.min(part.len()));
            if here.iter().any(|octet| *octet > b' ') {
                self.visible = self.stretch + 1;
            }
            self.column += here.len() as u64;
            at += here.len() as u64;
            part = rest;
        }
    }

    /// What a line that ends still holds back.
    fn end_glyphs(&mut self, at: u64) {
        let Some(columns) = self.sheet.columns.filter(|_| self.glyphs.held() > 0) else { return };
        let mut glyphs = std::mem::take(&mut self.glyphs);
        let mut place = at - glyphs.held() as u64;
        glyphs.finish(|octets, glyph| {
            self.glyph(octets, glyph, columns, place);
            place += octets.len() as u64;
        });
    }

    fn glyph(&mut self, octets: &[u8], glyph: Glyph, columns: u64, place: u64) {
        match glyph {
            Glyph::Control(b'\r') => self.column = 0,
            Glyph::Control(b'\x08') => self.column = self.column.saturating_sub(1),
            Glyph::Control(b'\t') => self.column = ((self.column / TAB + 1) * TAB).min(columns.max(self.column)),
            Glyph::Control(_) => {}
            Glyph::Columns(wide) => {
                if wide > 0 && self.column > 0 && self.column + wide > columns {
                    self.feed_line(place);
                    self.column = 0;
                }
                self.column += wide;
                if octets.iter().any(|octet| *octet > b' ') {
                    self.visible = self.stretch + 1;
                }
            }
        }
    }

    /// The paper has moved on by a line; the next one begins at `next`.
    fn feed_line(&mut self, next: u64) {
        self.stretch += 1;
        if let Some(index) = &mut self.index
            && self.stretch.is_multiple_of(self.sheet.lines)
        {
            index.too_many |= index.inner.len() >= MOST_PAGES;
            if !index.too_many {
                index.inner.push(next);
            }
        }
    }

    fn feed_form(&mut self, next: u64) {
        self.lines += u64::from(self.on_line);
        self.form_feeds = true;
        self.pages += self.end_stretch();
        (self.on_line, self.column, self.stretch, self.visible) = (false, 0, 0, 0);
        if let Some(index) = &mut self.index {
            index.stretch = next;
        }
    }

    /// The pages of the stretch that ends here.
    fn end_stretch(&mut self) -> u64 {
        let pages = self.stretch_pages();
        if let Some(index) = &mut self.index {
            let inner = std::mem::take(&mut index.inner);
            if pages > 0 {
                index.begins.push(index.stretch);
                index.begins.extend(inner.into_iter().take(usize::try_from(pages - 1).unwrap_or(usize::MAX)));
                index.too_many |= index.begins.len() > MOST_PAGES;
            }
            if index.too_many {
                index.begins = Vec::new();
            }
        }
        pages
    }

    fn stretch_pages(&self) -> u64 {
        match self.visible {
            0 => 0,
            lines if self.form_feeds && lines <= self.sheet.paper => 1,
            lines => lines.div_ceil(self.sheet.lines),
        }
    }

    /// What was counted, at the end of the text.
    pub fn finish(&self) -> Count {
        if self.asa.is_some() || self.glyphs.held() > 0 {
            let mut ended = self.clone();
            let mut rest = Vec::new();
            if let Some(mut asa) = ended.asa.take() {
                asa.finish(&mut rest);
            }
            ended.push_narrow(&rest);
            ended.end_glyphs(ended.seen);
            return ended.finish();
        }
        let lines = self.lines + u64::from(self.on_line);
        // Paper with nothing but blank lines moves on all the same.
        let blank = u64::from(!self.form_feeds && lines > 0);
        Count { lines, pages: (self.pages + self.stretch_pages()).max(blank) }
    }

    /// Where the pages begin, at the end of the text.
    pub(super) fn index(mut self) -> Finding<Index> {
        self.end_glyphs(self.seen);
        let pages = self.finish().pages;
        self.end_stretch();
        let step = if self.wide.is_some() { 2 } else { 1 };
        let mut found = self.index.unwrap_or_default();
        if found.too_many {
            return Err(Unknown::TooMuch);
        }
        if found.begins.is_empty() && pages > 0 {
            found.begins.push(0);
        }
        Ok(Index { pages, begins: found.begins.into_iter().map(|at| at * step).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::layout::Expander;
    use proptest::prelude::*;

    fn count(text: &[u8]) -> (u64, u64) {
        let mut counter = Counter::new();
        counter.push(text);
        let count = counter.finish();
        (count.lines, count.pages)
    }

    #[test]
    fn lines_end_with_a_line_feed_a_form_feed_or_the_text() {
        assert_eq!(count(b""), (0, 0));
        assert_eq!(count(b"a"), (1, 1));
        assert_eq!(count(b"a\r\nb\r\n"), (2, 1));
        assert_eq!(count(b"a\x0cb\n"), (2, 2));
        assert_eq!(count(b"a\n\x0cb\n\r\x0c"), (2, 2));
        assert_eq!(count(b"one\rover\n"), (1, 1));
    }

    #[test]
    fn pages_are_what_form_feeds_part_or_sixty_lines() {
        assert_eq!(count(&b"x\n".repeat(60)).1, 1);
        assert_eq!(count(&b"x\n".repeat(61)).1, 2);
        assert_eq!(count(b"\x0ca\x0c\x0cb\x0c\n"), (3, 2));
        let long_page = [b"x\n".repeat(66), b"\x0c".to_vec(), b"y\n".repeat(66), b"\x0c".to_vec()].concat();
        assert_eq!(count(&long_page), (132, 2));
    }

    #[test]
    fn a_form_feed_ends_a_page_and_so_does_the_last_line_of_one() {
        let lines = |n: usize| b"detail line\n".repeat(n);
        assert_eq!(count(&[lines(600), b"\x0c".to_vec()].concat()).1, 10);
        assert_eq!(count(&[b"\x0c".to_vec(), lines(600)].concat()).1, 10);
        assert_eq!(count(&[lines(150), b"\x0c".to_vec(), lines(10)].concat()).1, 4);
        assert_eq!(count(&lines(600)).1, 10);
        // The last page of a program that feeds every 66 lines has no form feed of its own.
        assert_eq!(count(&[lines(66), b"\x0c".to_vec(), lines(66)].concat()).1, 2);
        assert_eq!(count(&[lines(67), b"\x0c".to_vec()].concat()).1, 2);
        // Blank lines before a form feed are no page of their own.
        assert_eq!(count(&[lines(60), b"\n\n\x0c".to_vec(), lines(1)].concat()).1, 2);
        assert_eq!(count(b"\n\n").1, 1);
    }

    #[test]
    fn a_sheet_has_the_lines_and_columns_of_its_device() {
        let on = |sheet: Sheet, text: &[u8]| {
            let mut counter = Counter::on(sheet, text);
            counter.push(text);
            counter.finish()
        };
        let sheet = Sheet { lines: 10, paper: 12, columns: Some(4) };
        assert_eq!(on(sheet, &b"x\n".repeat(21)).pages, 3);
        assert_eq!(on(sheet, &[b"x\n".repeat(12), b"\x0c".to_vec()].concat()).pages, 1);
        // Forty columns are ten lines of four, and one line of the text.
        assert_eq!(on(sheet, &[b'x'; 40]), Count { lines: 1, pages: 1 });
        assert_eq!(on(sheet, &[b'x'; 41]), Count { lines: 1, pages: 2 });
        // Printed over itself it stays on its line; a tab moves to the next of eight columns.
        assert_eq!(on(sheet, &b"xxxx\r".repeat(100)).pages, 1);
        assert_eq!(on(Sheet { lines: 1, paper: 1, columns: Some(8) }, b"\tx").pages, 2);
        // Characters are counted, not octets, and those of East Asia take two columns.
        let four = Sheet { lines: 1, paper: 1, columns: Some(4) };
        assert_eq!(on(four, "äöüß\n".as_bytes()).pages, 1);
        assert_eq!(on(four, "äöüßx\n".as_bytes()).pages, 2);
        assert_eq!(on(four, "漢字\n".as_bytes()).pages, 1);
        assert_eq!(on(four, "漢字x".as_bytes()).pages, 2);
        assert_eq!(on(four, b"\xe4\xf6\xfc\xdf").pages, 1);
        assert_eq!(on(four, b"\xe4\xf6\xfc\xdf\xe4").pages, 2);
        assert_eq!(on(Sheet { lines: 0, paper: 0, columns: Some(0) }, b"x").pages, 1);
    }

    #[test]
    fn carriage_control_moves_the_paper_that_is_counted() {
        let on = |sheet: Sheet, text: &[u8]| {
            let mut counter = Counter::on(sheet, text).of_format(Format::Asa);
            let (first, second) = text.split_at(text.len() / 2);
            counter.push(first);
            counter.push(second);
            counter.finish()
        };
        assert_eq!(on(Sheet::default(), b"1title\n one\n0two\n1next\n+over\n"), Count { lines: 5, pages: 2 });
        assert_eq!(on(Sheet::default(), b" a\n1\n"), Count { lines: 1, pages: 1 });
        assert_eq!(on(Sheet { lines: 3, paper: 3, columns: None }, b" a\n-b\n"), Count { lines: 4, pages: 2 });
    }

    #[test]
    fn the_sheet_of_a_device_is_what_it_lays_text_out_on() {
        let wraps = Layout { columns: Some(80), page_lines: Some(72), ..Layout::default() };
        assert_eq!(Sheet::of(wraps), Sheet { lines: 72, paper: 72, columns: Some(80) });
        assert_eq!(Sheet::of(Layout { cut: true, ..wraps }).columns, None);
        assert_eq!(Sheet::of(Layout::default()), Sheet::default());
    }

    #[test]
    fn two_octets_a_character_are_counted_as_one() {
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<u8> = "\u{feff}a\nb\u{10a}c\n\u{c}d\n".encode_utf16().flat_map(order).collect();
            let mut counter = Counter::on(Sheet::default(), &wide);
            let (first, second) = wide.split_at(5);
            counter.push(first);
            counter.push(second);
            assert_eq!(counter.finish(), Count { lines: 3, pages: 2 });
        }
    }

    #[test]
    fn the_index_has_the_first_octet_of_each_page() {
        let index = |text: &[u8]| {
            let mut counter = Counter::on(Sheet::default(), text).with_index();
            counter.push(text);
            counter.index().unwrap()
        };
        assert_eq!(index(b"a\n\x0cb\n\x0c").begins, [0, 3]);
        assert_eq!(index(b"\x0ca\x0c\x0cb").begins, [1, 4]);
        assert_eq!(index(&b"x\n".repeat(121)).begins, [0, 120, 240]);
        assert_eq!(index(&[b"x\n".repeat(66), b"\x0cy".to_vec()].concat()).begins, [0, 133]);
        assert_eq!(index(b"\n").begins, [0]);
        assert_eq!(index(b""), Index::default());
    }

    proptest! {
        /// What is counted is what comes out on paper.
        #[test]
        fn lines_are_wrapped_as_they_are_printed(
            text in "[a-z ]{0,30}([\n\r\t\x08\x0c漢äa ]|[a-z]{1,12}){0,60}", columns in 1u32..20, lines in 1u64..8,
        ) {
            let layout = Layout { columns: Some(columns), ..Layout::default() };
            let sheet = Sheet { lines, paper: lines, columns: None };
            let mut printed = Vec::new();
            let mut expander = Expander::new(layout, Format::Text, text.as_bytes()).unwrap();
            expander.push(text.as_bytes(), &mut printed);
            expander.finish(&mut printed);
            let pages = |sheet, text: &[u8]| {
                let mut counter = Counter::on(sheet, text);
                counter.push(text);
                counter.finish().pages
            };
            let wrapped = Sheet { columns: Some(u64::from(columns)), ..sheet };
            prop_assert_eq!(pages(wrapped, text.as_bytes()), pages(sheet, &printed), "{:?}", text);
        }

        #[test]
        fn the_index_has_as_many_pages_as_are_counted(
            text in proptest::collection::vec(prop_oneof![8 => Just(b'\n'), 1 => Just(b'\x0c'), 1 => Just(b'\r'), 1 => Just(b' '), 8 => Just(b'x')], 0..600),
            lines in 1u64..70, paper in 1u64..70, columns in proptest::option::of(1u64..20),
        ) {
            let mut counter = Counter::on(Sheet { lines, paper, columns }, &text).with_index();
            counter.push(&text);
            let count = counter.finish();
            let index = counter.index().unwrap();
            prop_assert_eq!(index.pages, count.pages);
            prop_assert_eq!(index.begins.len() as u64, count.pages);
            prop_assert!(index.begins.is_sorted());
        }

        #[test]
        fn where_the_text_is_cut_does_not_matter(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\x0c'), Just(b'\r'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0usize..200, 0..5),
        ) {
            let mut counter = Counter::new();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts {
                counter.push(&text[from..cut]);
                from = cut;
            }
            counter.push(&text[from..]);
            let pieces = counter.finish();
            prop_assert_eq!((pieces.lines, pieces.pages), count(&text));
        }
    }
}
