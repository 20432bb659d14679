//! Text in columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns `text` in at most `columns`; what does not fit is cut off, and a `~` stands in its place.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        if next + 1 > columns {
            break;
        }
        used = next;
        out.push(c);
    }
    if columns > 0 {
        out.push('~');
    }
    out
}

/// Returns `text` on as many lines as it needs, broken at blanks where there are any. Lines behind the first are indented.
pub fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let columns = columns.max(indent + 4);
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    let mut end = |line: &mut String, used: &mut usize| {
        lines.push(std::mem::replace(line, " ".repeat(indent)));
        *used = indent;
    };
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let blank = usize::from(!line.trim().is_empty());
        if blank > 0 && used + blank + width(word) > columns {
            end(&mut line, &mut used);
        } else if blank > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > columns {
                end(&mut line, &mut used);
            }
            line.push(c);
            used += wide;
        }
    }
    if !line.trim().is_empty() {
        lines.push(line);
    }
    lines
}

/// Returns `text` as a terminal without UTF-8 shows it: some of its octets would command such a terminal.
pub fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// Writes a time that has passed: `0:07`, `12:30`, `1:02:03`.
pub fn elapsed(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// The heights of a sparkline: nothing, then one to eight eighths.
const BARS: [char; 9] = ['_', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same in ASCII.
const MARKS: [char; 9] = ['_', '.', ':', '-', '=', '+', '*', '%', '#'];

/// Draws counts as a line of `columns` characters, the last count last. Counts of which nothing is known are blanks.
pub fn sparkline(counts: &[Option<u32>], columns: usize, utf8: bool) -> String {
    if columns == 0 || counts.is_empty() {
        return String::new();
    }
    let sums: Vec<Option<u64>> = (0..columns)
        .map(|column| {
            let (begin, end) = (column * counts.len() / columns, (column + 1) * counts.len() / columns);
            let part = &counts[begin..end.max(begin + 1).min(counts.len())];
            part.iter().try_fold(0, |sum, count| count.map(|count| sum + u64::from(count)))
        })
        .collect();
    let most = sums.iter().flatten().copied().max().unwrap_or(0).max(1);
    let marks = if utf8 { BARS } else { MARKS };
    // Any count above nothing is seen.
    let mark = |sum: u64| marks[usize::try_from((sum * 8).div_ceil(most)).unwrap_or(8).min(8)];
    sums.into_iter().map(|sum| sum.map_or(' ', mark)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_does_not_fit_is_cut_or_goes_on_below() {
        assert_eq!(fit("office", 6), "office");
        assert_eq!(fit("office", 5), "offi~");
        assert_eq!(fit("漢字漢字", 5), "漢字~");
        assert_eq!(fit("x", 0), "");
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "  three", "  four"]);
        assert_eq!(wrap("abcdefghijklmnop", 8, 2), ["abcdefgh", "  ijklmn", "  op"]);
        assert_eq!(wrap("", 8, 2), Vec::<String>::new());
        assert_eq!(ascii("Börse 漢"), "B?rse ?");
    }

    #[test]
    fn times() {
        assert_eq!([0, 7_000, 750_000, 3_723_000].map(elapsed), ["0:00", "0:07", "12:30", "1:02:03"]);
    }

    #[test]
    fn a_sparkline_shows_every_count_and_what_is_not_known() {
        let counts: Vec<Option<u32>> = [None, None, Some(0), Some(0), Some(1), Some(0), Some(40), Some(40)].to_vec();
        assert_eq!(sparkline(&counts, 4, true), " _▁█");
        assert_eq!(sparkline(&counts, 4, false), " _.#");
        assert_eq!(sparkline(&counts, 8, true), "  __▁_██");
        assert_eq!(sparkline(&[Some(0); 60], 12, true), "____________");
    }
}
