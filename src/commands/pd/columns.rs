//! The column style: headings of one or two lines above dashes, several values of one cell below each other.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// A heading: one or two lines.
pub type Heading = &'static [&'static str];

/// A row: for each column its values.
pub type Row = Vec<Vec<String>>;

/// How many columns of a terminal `text` takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A table that is written a page at a time; the first page decides the widths.
pub struct Table {
    headings: Vec<Heading>,
    with_headings: bool,
    widths: Option<Vec<usize>>,
    labelled: bool,
}

impl Table {
    /// A table with these columns.
    pub fn new(headings: Vec<Heading>, with_headings: bool) -> Self {
        Self { headings, with_headings, widths: None, labelled: false }
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.headings.is_empty()
    }

    /// Puts a column in front, once, unless rows have been written already.
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

    /// Writes a page of rows, the first one below the headings.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, out: &mut dyn Write, rows: Vec<Row>) -> io::Result<()> {
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => {
                let widths = self.measure(&rows);
                if self.with_headings {
                    self.write_headings(out, &widths)?;
                }
                widths
            }
        };
        for row in &rows {
            // An object without any value still has its line.
            let height = row.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for n in 0..height {
                let cells = row.iter().map(|values| values.get(n).map_or("", String::as_str));
                write_line(out, cells, &widths)?;
            }
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn measure(&self, rows: &[Row]) -> Vec<usize> {
        let of_heading = |n: usize| match self.with_headings {
            true => self.headings[n].iter().map(|line| width(line)).max().unwrap_or(0),
            false => 0,
        };
        let of_rows =
            |n: usize| rows.iter().filter_map(|row| row.get(n)).flatten().map(|value| width(value)).max().unwrap_or(0);
        (0..self.headings.len()).map(|n| of_heading(n).max(of_rows(n)).max(1)).collect()
    }

    fn write_headings(&self, out: &mut dyn Write, widths: &[usize]) -> io::Result<()> {
        let height = self.headings.iter().map(|heading| heading.len()).max().unwrap_or(0);
        for line in 0..height {
            // Shorter headings stand just above the dashes.
            let cells = self.headings.iter().map(|heading| {
                (line + heading.len()).checked_sub(height).and_then(|n| heading.get(n)).copied().unwrap_or("")
            });
            write_line(out, cells, widths)?;
        }
        let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        write_line(out, dashes.iter().map(String::as_str), widths)
    }
}

fn write_line<'a>(out: &mut dyn Write, cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> io::Result<()> {
    let mut line = String::new();
    for (cell, column) in cells.zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', column.saturating_sub(width(cell)) + 1));
    }
    writeln!(out, "{}", line.trim_end_matches(' '))
}
