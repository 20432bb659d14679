//! The column style: headings of one or two lines above dashes, several values of one cell below each other.

use std::io::{self, Write};
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::attributes::text::{Lines, is_plain};

/// A heading: one or two lines.
pub type Heading = &'static [&'static str];

/// Returns how many columns of a terminal `text` takes.
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { UnicodeWidthStr::width(text) }
}

/// The rows of a page. Their text lies in one piece of memory, which the next page uses again.
#[derive(Debug)]
pub struct Rows {
    columns: usize,
    values: Lines,
    /// Where the values of each cell end.
    cells: Vec<usize>,
    rows: usize,
}

impl Rows {
    /// Makes a page without rows, of so many columns.
    pub fn new(columns: usize) -> Self {
        Self { columns, values: Lines::default(), cells: Vec::new(), rows: 0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row. `fill` fills its cells one after the other.
    pub fn add(&mut self, fill: impl FnOnce(&mut Cells<'_>)) {
        fill(&mut Cells { values: &mut self.values, ends: &mut self.cells });
        self.rows += 1;
        debug_assert_eq!(self.cells.len(), self.rows * self.columns);
        // Cells that were left out are empty.
        self.cells.resize(self.rows * self.columns, self.values.len());
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.values.clear();
        self.cells.clear();
        self.rows = 0;
    }

    /// The values of a cell, as a range.
    fn cell(&self, row: usize, column: usize) -> Range<usize> {
        let n = row * self.columns + column;
        let start = n.checked_sub(1).map_or(0, |before| self.cells[before]);
        start..self.cells[n]
    }

    /// Line `n` of a cell.
    fn line(&self, row: usize, column: usize, n: usize) -> &str {
        let cell = self.cell(row, column);
        if n < cell.len() { self.values.get(cell.start + n) } else { "" }
    }
}

/// The cells of a row that is being added.
pub struct Cells<'a> {
    values: &'a mut Lines,
    ends: &'a mut Vec<usize>,
}

impl Cells<'_> {
    /// A cell with what `fill` adds.
    pub fn cell(&mut self, fill: impl FnOnce(&mut Lines)) {
        fill(self.values);
        self.ends.push(self.values.len());
    }
}

/// A table that is written a page at a time. The first page decides the widths.
pub struct Table {
    headings: Vec<Heading>,
    with_headings: bool,
    /// The columns of the terminal; a wider table is folded. None = it is not.
    most: Option<usize>,
    widths: Option<Vec<usize>>,
    labelled: bool,
    /// The line that is being put together.
    line: Vec<u8>,
}

impl Table {
    /// A table with these columns.
    pub fn new(headings: Vec<Heading>, with_headings: bool, most: Option<usize>) -> Self {
        Self { headings, with_headings, most, widths: None, labelled: false, line: Vec::new() }
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.headings.is_empty()
    }

    /// Puts a column in front, once, and only before rows have been written.
    pub fn label(&mut self, heading: Heading) {
        if !self.labelled && self.widths.is_none() {
            self.headings.insert(0, heading);
            self.labelled = true;
        }
    }

    /// Whether it has a column in front.
    pub fn is_labelled(&self) -> bool {
        self.labelled
    }

    /// Writes a page of rows, the first page below the headings; `from` = the column of `rows` with which the table begins.
    pub fn write(&mut self, out: &mut dyn Write, rows: &Rows, from: usize) -> io::Result<()> {
        let (widths, first) = match self.widths.take() {
            Some(widths) => (widths, false),
            None => (self.measure(rows, from), true),
        };
        let blocks = self.blocks(&widths);
        for (n, block) in blocks.iter().enumerate() {
            if n > 0 {
                out.write_all(b"\n")?;
            }
            // Below other blocks a reader has lost the headings of an earlier page.
            if self.with_headings && (first || blocks.len() > 1) {
                self.write_headings(out, &widths, block.clone())?;
            }
            let columns = from + block.start..from + block.end;
            for row in 0..rows.rows {
                // An object without any value still has its line.
                let height = columns.clone().map(|column| rows.cell(row, column).len()).max().unwrap_or(0).max(1);
                for n in 0..height {
                    let cells = columns.clone().map(|column| rows.line(row, column, n));
                    self.write_line(out, cells, &widths[block.clone()])?;
                }
            }
        }
        self.widths = Some(widths);
        Ok(())
    }

    /// Returns the columns that stand beside each other: all of them, or as many as the terminal has room for, and the next
    /// ones below. A column that is wider than the terminal stands alone.
    fn blocks(&self, widths: &[usize]) -> Vec<Range<usize>> {
        let most = self.most.unwrap_or(usize::MAX);
        let mut blocks = Vec::new();
        let (mut start, mut used) = (0, 0);
        for (column, width) in widths.iter().enumerate() {
            if column > start && used + width > most {
                blocks.push(start..column);
                (start, used) = (column, 0);
            }
            used += width + 1;
        }
        blocks.push(start..widths.len());
        blocks
    }

    fn measure(&self, rows: &Rows, from: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .headings
            .iter()
            .map(
                |heading| {
                    if self.with_headings { heading.iter().map(|line| width(line)).max().unwrap_or(0) } else { 0 }
                },
            )
            .map(|heading| heading.max(1))
            .collect();
        for row in 0..rows.rows {
            for (column, widest) in (from..rows.columns).zip(&mut widths) {
                for value in rows.cell(row, column) {
                    *widest = (*widest).max(width(rows.values.get(value)));
                }
            }
        }
        widths
    }

    fn write_headings(&mut self, out: &mut dyn Write, widths: &[usize], block: Range<usize>) -> io::Result<()> {
        let headings = std::mem::take(&mut self.headings);
        let widths = &widths[block.clone()];
        let here = &headings[block];
        let height = here.iter().map(|heading| heading.len()).max().unwrap_or(0);
        for line in 0..height {
            // Shorter headings stand just above the dashes.
            let cells = here.iter().map(|heading| {
                (line + heading.len()).checked_sub(height).and_then(|n| heading.get(n)).copied().unwrap_or("")
            });
            self.write_line(out, cells, widths)?;
        }
        self.headings = headings;
        let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        self.write_line(out, dashes.iter().map(String::as_str), widths)
    }

    fn write_line<'a>(
        &mut self,
        out: &mut dyn Write,
        cells: impl Iterator<Item = &'a str>,
        widths: &[usize],
    ) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        for (cell, column) in cells.zip(widths) {
            line.extend_from_slice(cell.as_bytes());
            line.resize(line.len() + column.saturating_sub(width(cell)) + 1, b' ');
        }
        line.truncate(line.iter().rposition(|octet| *octet != b' ').map_or(0, |last| last + 1));
        line.push(b'\n');
        out.write_all(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(most: Option<usize>) -> String {
        let mut rows = Rows::new(3);
        for n in 1..3 {
            rows.add(|row| {
                row.cell(|lines| lines.push(&format!("acme1:{n}")));
                row.cell(|lines| ["one", "two"].iter().take(n).for_each(|text| lines.push(text)));
                row.cell(|lines| lines.push("a long value"));
            });
        }
        let mut out = Vec::new();
        Table::new(vec![&["ID"], &["Some", "Words"], &["Name"]], true, most).write(&mut out, &rows, 0).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_is_folded_at_the_width_of_the_terminal_and_nowhere_else() {
        let whole = table(None);
        assert_eq!(table(Some(27)), whole);
        assert_eq!(
            whole,
            "        Some\nID      Words Name\n------- ----- ------------\nacme1:1 one   a long value\n\
             acme1:2 one   a long value\n        two\n"
        );
        assert_eq!(
            table(Some(20)),
            "        Some\nID      Words\n------- -----\nacme1:1 one\nacme1:2 one\n        two\n\n\
             Name\n------------\na long value\na long value\n"
        );
        assert_eq!(table(Some(1)).matches("---").count(), 3 + 1 + 3, "each column alone");
    }
}
