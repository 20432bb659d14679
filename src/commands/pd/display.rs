//! The displays: records in, lines out, a page at a time.
//!
//! Lines and JSON need the memory of one record. Tables need that of one page, whose widths hold for the whole listing:
//! up to a thousand rows are aligned exactly, later ones only overflow where they are wider.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::requested::Selection;
use super::{Stop, columns, json, lines};
use crate::attributes::names::{self, BadWord};
use crate::attributes::values;
use crate::attributes::{Attribute, Class, text};
use crate::model::field::{Field, Value};
use crate::model::job::JobStatus;
use crate::model::query::PAGE;

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A table, documents in a second one.
    Column,
    /// A table with the first document in the row of its job.
    DocCol,
    /// One attribute a line.
    Line,
    /// An array of objects.
    Json,
}

impl Style {
    /// The values of `-s`.
    pub const WORDS: &'static [&'static str] = &["column", "doccol", "line"];

    /// Reads a value of `-s`.
    ///
    /// # Errors
    /// [`Stop::Usage`].
    pub fn parse(word: &str) -> Result<Self, Stop> {
        match names::keyword(word, Self::WORDS) {
            Ok("column") => Ok(Self::Column),
            Ok("doccol") => Ok(Self::DocCol),
            Ok(_) => Ok(Self::Line),
            Err(BadWord::Ambiguous(found)) => {
                Err(Stop::usage(format!("style '{word}' may mean {}", found.join(" or "))))
            }
            Err(BadWord::Unknown(_)) => {
                Err(Stop::usage(format!("'{}' is no style: column, doccol or line", text::escaped(word))))
            }
        }
    }
}

/// What to show and how.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The class of the objects.
    pub class: Class,
    /// The attributes.
    pub selection: Selection,
    /// The style.
    pub style: Style,
    /// Whether tables have headings and lines have labels.
    pub headings: bool,
    /// Whether the column style shows documents in a table of their own.
    pub document_table: bool,
    /// The zone of displayed times.
    pub zone: TimeZone,
}

/// One object to be shown: its label, and a value for each selected attribute.
#[derive(Clone, Debug)]
pub struct Record {
    /// What lines begin with.
    pub label: String,
    /// Values of the object, in the order of the selection.
    pub values: Vec<Value>,
    /// Its documents: number, and values in the order of the selection.
    pub documents: Vec<(u32, Vec<Value>)>,
    /// Values that JSON shows in more than text.
    pub structured: Vec<(Field, serde_json::Value)>,
}

impl Record {
    /// An object whose attributes are `get`.
    pub fn new(label: impl Into<String>, selection: &Selection, get: impl Fn(Field) -> Value) -> Self {
        let values = selection.object.iter().map(|row| get(row.field)).collect();
        Self { label: label.into(), values, documents: Vec::new(), structured: Vec::new() }
    }

    /// A job with all its documents, or with one of them.
    pub fn of_job(job: &JobStatus, selection: &Selection, document: Option<u32>) -> Self {
        let mut record = Self::new(job.global.serial.to_string(), selection, |field| values::of_job(job, field));
        if !selection.documents.is_empty() {
            record.documents = job
                .documents
                .iter()
                .filter(|one| document.is_none_or(|wanted| wanted == one.sequence))
                .map(|one| {
                    let values = selection.documents.iter().map(|row| values::of_document(one, row.field)).collect();
                    (one.sequence, values)
                })
                .collect();
        }
        record
    }
}

/// A listing in progress.
pub struct Display<'a> {
    out: &'a mut dyn Write,
    layout: &'a Layout,
    page: Vec<Record>,
    written: u64,
    table: columns::Table,
    documents: columns::Table,
}

impl<'a> Display<'a> {
    /// A listing to `out`.
    pub fn new(out: &'a mut dyn Write, layout: &'a Layout) -> Self {
        let mut heads: Vec<columns::Heading> = headings(&layout.selection.object);
        if layout.style == Style::DocCol {
            heads.extend(headings(&layout.selection.documents));
        }
        Self {
            out,
            layout,
            page: Vec::new(),
            written: 0,
            table: columns::Table::new(heads, layout.headings),
            documents: columns::Table::new(headings(&layout.selection.documents), layout.headings),
        }
    }

    /// Shows `record`, now or with its page.
    ///
    /// # Errors
    /// When writing fails.
    pub fn add(&mut self, record: Record) -> io::Result<()> {
        match self.layout.style {
            Style::Json => {
                self.out.write_all(if self.written == 0 { b"[\n" } else { b",\n" })?;
                json::record(self.out, self.layout, &record)?;
                self.written += 1;
            }
            // Labels of jobs are all of one width; others are aligned, so their page is collected.
            Style::Line if self.layout.class == Class::Job => lines::record(self.out, self.layout, &record, 0)?,
            _ => {
                self.page.push(record);
                if self.page.len() >= PAGE as usize {
                    self.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Shows what is left.
    ///
    /// # Errors
    /// When writing fails.
    pub fn end(mut self) -> io::Result<()> {
        match (self.layout.style, self.written) {
            (Style::Json, 0) => self.out.write_all(b"[]\n"),
            (Style::Json, _) => self.out.write_all(b"\n]\n"),
            _ => self.flush(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let page = std::mem::take(&mut self.page);
        if page.is_empty() {
            return Ok(());
        }
        if self.layout.style == Style::Line {
            let width = page.iter().map(|record| columns::width(&record.label)).max().unwrap_or(0);
            return page.iter().try_for_each(|record| lines::record(self.out, self.layout, record, width));
        }
        let selection = &self.layout.selection;
        let zone = &self.layout.zone;
        let with_first = self.layout.style == Style::DocCol;
        let rows = page.iter().map(|record| {
            let mut cells = cells(&selection.object, &record.values, zone);
            if with_first {
                match record.documents.first() {
                    Some((_, values)) => cells.extend(self::cells(&selection.documents, values, zone)),
                    None => cells.extend(selection.documents.iter().map(|_| Vec::new())),
                }
            }
            cells
        });
        let jobs = !self.table.is_empty();
        if jobs {
            self.table.write(self.out, rows.collect())?;
        }
        if with_first || !self.layout.document_table || selection.documents.is_empty() {
            return Ok(());
        }
        if jobs {
            writeln!(self.out)?;
        }
        // Documents of several jobs are told apart by the number of their job.
        if page.len() > 1 || self.documents.is_labelled() {
            self.documents.label(&["Job", "ID"]);
        }
        let labelled = self.documents.is_labelled();
        let mut rows = Vec::new();
        for record in &page {
            for (_, values) in &record.documents {
                let mut row = cells(&selection.documents, values, zone);
                if labelled {
                    row.insert(0, vec![record.label.clone()]);
                }
                rows.push(row);
            }
        }
        self.documents.write(self.out, rows)
    }
}

fn headings(rows: &[&'static Attribute]) -> Vec<columns::Heading> {
    rows.iter().map(|row| row.heading).collect()
}

fn cells(rows: &[&'static Attribute], values: &[Value], zone: &TimeZone) -> Vec<Vec<String>> {
    rows.iter().zip(values).map(|(row, value)| text::lines(row.field, value, zone)).collect()
}
