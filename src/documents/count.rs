//! Lines and pages of plain text.
//!
//! * A line ends with a line feed; a form feed ends a line on which something stands; what stands after the last of
//!   either is a line too.
//! * When the text uses form feeds, a page is what stands between two of them, if anything is to be seen there: a form
//!   feed at the beginning, at the end, or right after another opens no page.
//! * Else a page has [`LINES_PER_PAGE`] lines, and the last one may have fewer.

/// Lines of a page where form feeds do not say it: PAGESIZE of a NonStop spooler (docs/reference/spooler.md 4).
pub const LINES_PER_PAGE: u64 = 60;

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
    lines: u64,
    pages: u64,
    form_feeds: bool,
    /// Something stands on the line that has not ended yet.
    on_line: bool,
    /// Something is to be seen on the page that has not ended yet.
    on_page: bool,
}

impl Counter {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a piece.
    pub fn push(&mut self, piece: &[u8]) {
        for octet in piece {
            match octet {
                b'\n' => {
                    self.lines += 1;
                    self.on_line = false;
                }
                b'\x0c' => {
                    self.lines += u64::from(self.on_line);
                    self.pages += u64::from(self.on_page);
                    (self.form_feeds, self.on_line, self.on_page) = (true, false, false);
                }
                b'\r' => {}
                0..=b' ' => self.on_line = true,
                _ => (self.on_line, self.on_page) = (true, true),
            }
        }
    }

    /// What was counted, at the end of the text.
    pub fn finish(&self) -> Count {
        let lines = self.lines + u64::from(self.on_line);
        let pages = if self.form_feeds { self.pages + u64::from(self.on_page) } else { lines.div_ceil(LINES_PER_PAGE) };
        Count { lines, pages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    proptest! {
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
