//! Progress on a terminal: one line that overwrites itself, and is wiped when the work is done.
//!
//! The line uses only blanks and carriage returns, so that every terminal understands it. Scripts never see it, because
//! callers make one only when standard error is a terminal.

use std::io::Write;
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use crate::model::printable::is_harmful;

/// The line. It is wiped when it is dropped.
pub struct Line<'a> {
    out: &'a mut dyn Write,
    columns: usize,
    shown: usize,
}

impl<'a> Line<'a> {
    /// Makes a line on a terminal with so many columns. It shows nothing yet.
    pub fn new(out: &'a mut dyn Write, columns: Option<usize>) -> Self {
        Self { out, columns: columns.unwrap_or(80).max(2), shown: 0 }
    }

    /// Shows `text` in place of the text before. Text that does not fit is cut off.
    pub fn show(&mut self, text: &str) {
        let (mut line, mut width) = (String::new(), 0);
        for c in text.chars().map(|c| if is_harmful(c) { '?' } else { c }) {
            let next = width + c.width().unwrap_or(0);
            // The last column stays free, because some terminals go to the next line when it is filled.
            if next >= self.columns {
                break;
            }
            width = next;
            line.push(c);
        }
        // A closed standard error must not turn into a failure.
        let _ = write!(self.out, "\r{line}{:blanks$}", "", blanks = self.shown.saturating_sub(width));
        let _ = self.out.flush();
        self.shown = width;
    }

    /// Wipes the line and leaves the cursor at its beginning.
    pub fn clear(&mut self) {
        if self.shown > 0 {
            let _ = write!(self.out, "\r{:blanks$}\r", "", blanks = self.shown);
            let _ = self.out.flush();
            self.shown = 0;
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Writes `4096 of 12000 octets (34%)`, or `4096 octets` when the total is not known.
pub fn amount(octets: u64, total: Option<u64>) -> String {
    match total.filter(|total| *total > 0) {
        // A file that grows while it is read must not show 101%.
        Some(total) => {
            let percent = u128::from(octets.min(total)) * 100 / u128::from(total);
            format!("{octets} of {total} octets ({percent}%)")
        }
        None => format!("{octets} octets"),
    }
}

/// Writes `1.2 MB/s` once octets have moved for at least a second; nothing before.
pub fn rate(octets: u64, elapsed: Duration) -> String {
    let milliseconds = elapsed.as_millis();
    if octets == 0 || milliseconds < 1000 {
        return String::new();
    }
    let mut tenths = u128::from(octets) * 10_000 / milliseconds;
    let mut unit = "B/s";
    for larger in ["kB/s", "MB/s", "GB/s", "TB/s"] {
        if tenths < 10_000 {
            break;
        }
        (tenths, unit) = (tenths / 1000, larger);
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_overwrites_what_was_there_and_leaves_nothing() {
        let mut out = Vec::new();
        let mut line = Line::new(&mut out, Some(11));
        line.show("one two three");
        line.show("four\x1b[H");
        line.show("漢字漢字漢字");
        drop(line);
        insta::assert_snapshot!(String::from_utf8(out).unwrap().replace('\r', "|"), @"|one two th|four?[H   |漢字漢字漢|          |");
    }

    #[test]
    fn amounts_and_rates() {
        assert_eq!(amount(4096, Some(12_000)), "4096 of 12000 octets (34%)");
        assert_eq!(amount(5, Some(4)), "5 of 4 octets (100%)");
        assert_eq!(amount(5, None), "5 octets");
        assert_eq!(amount(u64::MAX, Some(u64::MAX)).split(' ').next_back(), Some("(100%)"));
        let second = Duration::from_secs(1);
        assert_eq!(rate(0, second), "");
        assert_eq!(rate(1000, second / 2), "");
        assert_eq!(rate(999, second), "999.0 B/s");
        assert_eq!(rate(1_234_567, second), "1.2 MB/s");
        assert_eq!(rate(u64::MAX, second).split(' ').next_back(), Some("TB/s"));
    }
}
