//! Displays: each object has a file; this one lays out the listings (docs/reference/spoolcom.md 6).
//!
//! A listing is a table with one line for each object, with DETAIL a block for each object, or JSON. It is written a
//! page at a time, so that its length does not matter. Columns are as wide as the content of the pages so far.

pub mod collector;
pub mod device;
pub mod door;
pub mod font;
pub mod given;
pub mod history;
pub mod job;
pub mod json;
pub mod location;
pub mod process;
pub mod queue;
pub mod spooler;
pub mod statistics;
pub mod summary;
pub mod xref;

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::model::kept::KeptWords;
use crate::model::printable;

/// The name of the supervisor. A private spooler has the usual one.
pub const SUPERVISOR: &str = "$SPLS";

/// How displays look.
#[derive(Clone, Debug)]
pub struct Style {
    /// JSON instead of text.
    pub json: bool,
    /// DETAIL.
    pub detail: bool,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// The time zone of times.
    pub zone: TimeZone,
}

impl Style {
    /// Returns `hh:mm` for a time of today, else `MMM dd`.
    pub fn time(&self, ms: i64) -> String {
        let (Ok(then), Ok(now)) = (Timestamp::from_millisecond(ms), Timestamp::from_millisecond(self.now_ms)) else {
            return String::new();
        };
        let (then, now) = (then.to_zoned(self.zone.clone()), now.to_zoned(self.zone.clone()));
        let format = if then.date() == now.date() { "%H:%M" } else { "%b %d" };
        then.strftime(format).to_string().to_uppercase()
    }

    /// Returns a time as `dd MMM yyyy, hh:mm:ss`.
    pub fn date(&self, ms: i64) -> String {
        match Timestamp::from_millisecond(ms) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime("%d %b %Y, %H:%M:%S").to_string().to_uppercase(),
            Err(_) => String::new(),
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub heading: &'static str,
    /// Whether its content is aligned to the right, as numbers are.
    pub right: bool,
}

/// Makes a column of text.
pub const fn left(heading: &'static str) -> Column {
    Column { heading, right: false }
}

/// Makes a column of numbers.
pub const fn right(heading: &'static str) -> Column {
    Column { heading, right: true }
}

/// An object that displays show.
pub trait Shown {
    /// The columns of its table.
    const COLUMNS: &'static [Column];
    /// Returns its line in the table.
    fn row(&self, style: &Style) -> Vec<String>;
    /// Returns labels and values for DETAIL; the first one names the object.
    fn detail(&self, style: &Style) -> Vec<(String, String)>;
    /// Returns the object in JSON.
    fn json(&self) -> Value;
}

/// A table that is written a page at a time.
pub struct Table {
    columns: &'static [Column],
    widths: Vec<usize>,
    headed: bool,
}

impl Table {
    /// Makes an empty table.
    pub fn new(columns: &'static [Column]) -> Self {
        Self { columns, widths: columns.iter().map(|column| column.heading.len()).collect(), headed: false }
    }

    /// Writes `rows`, and the headings before the first of them.
    pub fn page(&mut self, out: &mut dyn Write, rows: &[Vec<String>]) -> io::Result<()> {
        // Here every cell passes, whoever made it.
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if !self.headed {
            self.headed = true;
            table.add_row(self.columns.iter().map(|column| column.heading));
        }
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(UnicodeWidthStr::width(cell.as_str()));
            }
            table.add_row(row);
        }
        for ((index, column), width) in self.columns.iter().enumerate().zip(&self.widths) {
            let Some(drawn) = table.column_mut(index) else { continue };
            // A column never gets narrower than on the pages before.
            let width = u16::try_from(*width).unwrap_or(u16::MAX - 2) + 2;
            drawn.set_padding((0, 2)).set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
            drawn.set_cell_alignment(if column.right { CellAlignment::Right } else { CellAlignment::Left });
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        out.write_all(text.as_bytes())
    }
}

/// A listing of objects in any style.
pub struct Listing<'a, T> {
    out: &'a mut dyn Write,
    style: &'a Style,
    table: Table,
    count: usize,
    kind: std::marker::PhantomData<T>,
}

impl<'a, T: Shown> Listing<'a, T> {
    /// Begins a listing to `out`.
    pub fn new(out: &'a mut dyn Write, style: &'a Style) -> Self {
        Self { out, style, table: Table::new(T::COLUMNS), count: 0, kind: std::marker::PhantomData }
    }

    /// Writes some objects.
    pub fn page(&mut self, objects: &[T]) -> io::Result<()> {
        if self.style.json {
            let values: Vec<Value> = objects.iter().map(Shown::json).collect();
            return self.json(&values);
        }
        self.count += objects.len();
        if self.style.detail {
            let text: String = objects.iter().map(|object| block(&object.detail(self.style))).collect();
            return self.out.write_all(text.as_bytes());
        }
        let rows: Vec<Vec<String>> = objects.iter().map(|object| object.row(self.style)).collect();
        self.table.page(self.out, &rows)
    }

    /// Writes objects that are already JSON.
    pub fn json(&mut self, values: &[Value]) -> io::Result<()> {
        let mut text = String::new();
        for value in values {
            text.push_str(if self.count == 0 { "[\n" } else { ",\n" });
            text.push_str(&printable::json(&value.to_string()));
            self.count += 1;
        }
        self.out.write_all(text.as_bytes())
    }

    /// Ends the listing. An empty listing shows its headings, or is an empty array.
    pub fn end(mut self) -> io::Result<()> {
        match (self.style.json, self.count) {
            (true, 0) => writeln!(self.out, "[]"),
            (true, _) => writeln!(self.out, "\n]"),
            (false, 0) if !self.style.detail => self.table.page(self.out, &[]),
            _ => Ok(()),
        }
    }
}

/// Makes one block of DETAIL: the object at the margin, its attributes indented by one.
fn block(lines: &[(String, String)]) -> String {
    let mut text = String::new();
    for (n, (label, value)) in lines.iter().enumerate() {
        let indent = if n == 0 { "" } else { " " };
        let line = format!("{indent}{}: {}", plain(label), plain(value));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Makes a line of DETAIL.
fn label(label: &str, value: impl ToString) -> (String, String) {
    (label.to_owned(), value.to_string())
}

/// Returns the CPU column: the processor and its backup, as typed; without a backup -1.
fn cpus(kept: &KeptWords) -> String {
    let (cpu, backup) = (kept.value("CPU").unwrap_or("0"), kept.value("BACKUP").unwrap_or("-1"));
    plain(&format!("{cpu} ,{backup:>2}"))
}

/// Returns the PRI column, as typed; 145 where nobody said anything else.
fn priority(kept: &KeptWords) -> String {
    plain(kept.value("PRI").unwrap_or("145"))
}

/// Returns ON or OFF.
fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// Writes the word that a print process is given: as a decimal number, and in octal, in which its bits are documented.
fn parm(word: u16) -> String {
    format!("{} (%{word:o})", word as i16)
}

/// Returns the lines of DETAIL for words that mean nothing here: as typed, or the default of the manual.
fn kept_words(kept: &KeptWords, words: &[(&str, &str)]) -> Vec<(String, String)> {
    let value = |word: &str, usual: &str| match kept.value(word).unwrap_or_default() {
        "" => usual.to_owned(),
        typed => plain(typed),
    };
    words.iter().map(|(word, usual)| label(word, value(word, usual))).collect()
}

/// Writes a text on one line, whatever it holds.
fn plain(text: &str) -> String {
    printable::escaped(text)
}
