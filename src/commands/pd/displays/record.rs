//! The displays: records in, lines out, a page at a time.
//!
//! Lines and JSON need the memory of one record. Tables need that of the text of one page, whose widths hold for the whole
//! listing: up to a thousand rows are aligned exactly, later ones only overflow where they are wider.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::columns::{self, Cells, Rows};
use super::{json, lines};
use crate::attributes::names::{self, BadWord};
use crate::attributes::object::Object;
use crate::attributes::{Attribute, Class, text};
use crate::commands::pd::Stop;
use crate::commands::pd::command_line::selection::Selection;
use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, JobStatus};
use crate::model::query::{PAGE, Parts};

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
    /// Whether it has columns.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Column | Self::DocCol)
    }

    /// The values of `-s`.
    pub const WORDS: &'static [&'static str] = &["column", "doccol", "line"];

    /// Reads a value of `-s`.
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

impl Layout {
    /// Whether documents have a table of their own.
    fn has_document_table(&self) -> bool {
        self.style == Style::Column && self.document_table && !self.selection.documents.is_empty()
    }

    /// What of a job is shown.
    pub fn parts(&self) -> Parts {
        let shown = match self.style {
            Style::Column => self.document_table,
            Style::DocCol | Style::Line | Style::Json => true,
        };
        let documents = self.selection.documents.iter().filter(|_| shown);
        self.selection
            .object
            .iter()
            .chain(documents)
            .chain(&self.selection.carried)
            .fold(Parts::JOB, |parts, row| parts.and(row.needs))
    }
}

/// An attribute that is shown because it has a value.
pub type Carried = (&'static Attribute, Value);

/// One document of an object to be shown.
#[derive(Clone, Debug)]
pub struct DocumentRecord {
    /// Its place in the job.
    pub number: u32,
    /// Values of the document, in the order of the selection.
    pub values: Vec<Value>,
    /// What it carries besides.
    pub carried: Vec<Carried>,
}

/// What `object` carries of the attributes that are shown where they have a value; `given` = what was given for it.
fn carried(selection: &Selection, class: Class, object: &Object<'_>, given: &[GivenValue]) -> Vec<Carried> {
    if given.is_empty() {
        return Vec::new();
    }
    let rows = selection.carried.iter().filter(|row| row.class == class);
    rows.map(|row| (*row, row.value(object))).filter(|one| !one.1.each().is_empty()).collect()
}

/// One object to be shown: its label, and a value for each selected attribute.
#[derive(Clone, Debug)]
pub struct Record {
    /// What lines begin with.
    pub label: String,
    /// Values of the object, in the order of the selection.
    pub values: Vec<Value>,
    /// What it carries besides.
    pub carried: Vec<Carried>,
    /// Its documents.
    pub documents: Vec<DocumentRecord>,
    /// Values that JSON shows in more than text.
    pub structured: Vec<(Field, serde_json::Value)>,
}

impl Record {
    /// An object without documents.
    pub fn new(label: impl Into<String>, selection: &Selection, object: &Object<'_>) -> Self {
        let values = selection.object.iter().map(|row| row.value(object)).collect();
        Self { label: label.into(), values, carried: Vec::new(), documents: Vec::new(), structured: Vec::new() }
    }

    /// A job with all its documents, or with one of them.
    pub fn of_job(job: &JobStatus, selection: &Selection, document: Option<u32>) -> Self {
        let mut record = Self::new(job.global.serial.to_string(), selection, &Object::Job(job));
        record.carried = carried(selection, Class::Job, &Object::Job(job), &job.given);
        if !selection.documents.is_empty() {
            record.documents = job
                .documents
                .iter()
                .filter(|one| document.is_none_or(|wanted| wanted == one.sequence))
                .map(|one| {
                    let object = Object::Document(one);
                    DocumentRecord {
                        number: one.sequence,
                        values: selection.documents.iter().map(|row| row.value(&object)).collect(),
                        carried: carried(selection, Class::Document, &object, &one.given),
                    }
                })
                .collect();
        }
        record
    }
}

/// A listing in progress.
pub struct Display<'a> {
    out: &'a mut (dyn Write + Send),
    layout: &'a Layout,
    /// Lines of objects whose labels are aligned.
    page: Vec<Record>,
    /// Rows of a table.
    rows: Rows,
    /// Rows of the table of documents: the label of their job, then their values.
    of_documents: Rows,
    /// One object in JSON.
    json: Vec<u8>,
    written: u64,
    table: columns::Table,
    documents: columns::Table,
}

impl<'a> Display<'a> {
    /// A listing to `out`.
    pub fn new(out: &'a mut (dyn Write + Send), layout: &'a Layout) -> Self {
        let mut heads: Vec<columns::Heading> = headings(&layout.selection.object);
        if layout.style == Style::DocCol {
            heads.extend(headings(&layout.selection.documents));
        }
        Self {
            out,
            layout,
            page: Vec::new(),
            rows: Rows::new(heads.len()),
            of_documents: Rows::new(1 + layout.selection.documents.len()),
            json: Vec::new(),
            written: 0,
            table: columns::Table::new(heads, layout.headings),
            documents: columns::Table::new(headings(&layout.selection.documents), layout.headings),
        }
    }

    /// How it is laid out.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Shows `record`, now or with its page.
    pub fn add(&mut self, record: Record) -> io::Result<()> {
        let full = match self.layout.style {
            Style::Json => {
                self.json.clear();
                self.json.extend_from_slice(if self.written == 0 { b"[\n" } else { b",\n" });
                json::record(&mut self.json, self.layout, &record)?;
                self.written += 1;
                return self.out.write_all(&self.json);
            }
            // Labels of jobs are all of one width; others are aligned, so their page is collected.
            Style::Line if self.layout.class == Class::Job => {
                return lines::record(self.out, self.layout, &record, 0);
            }
            Style::Line => {
                self.page.push(record);
                self.page.len()
            }
            Style::Column | Style::DocCol => {
                self.add_rows(&record);
                self.rows.len()
            }
        };
        if full >= PAGE as usize { self.flush() } else { Ok(()) }
    }

    fn add_rows(&mut self, record: &Record) {
        let (selection, zone) = (&self.layout.selection, &self.layout.zone);
        let with_first = self.layout.style == Style::DocCol;
        self.rows.add(|row| {
            fill(row, &selection.object, &record.values, zone);
            if with_first {
                match record.documents.first() {
                    Some(document) => fill(row, &selection.documents, &document.values, zone),
                    None => selection.documents.iter().for_each(|_| row.cell(|_| {})),
                }
            }
        });
        if self.layout.has_document_table() {
            for document in &record.documents {
                self.of_documents.add(|row| {
                    row.cell(|lines| lines.push(&record.label));
                    fill(row, &selection.documents, &document.values, zone);
                });
            }
        }
    }

    /// Shows what is left.
    pub fn end(mut self) -> io::Result<()> {
        match (self.layout.style, self.written) {
            (Style::Json, 0) => self.out.write_all(b"[]\n"),
            (Style::Json, _) => self.out.write_all(b"\n]\n"),
            _ => self.flush(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.layout.style == Style::Line {
            let page = std::mem::take(&mut self.page);
            let width = page.iter().map(|record| columns::width(&record.label)).max().unwrap_or(0);
            return page.iter().try_for_each(|record| lines::record(self.out, self.layout, record, width));
        }
        let result = if self.rows.is_empty() { Ok(()) } else { self.write_tables() };
        // Also when they could not be written: nothing is written a second time.
        self.rows.clear();
        self.of_documents.clear();
        result
    }

    fn write_tables(&mut self) -> io::Result<()> {
        let jobs = !self.table.is_empty();
        if jobs {
            self.table.write(self.out, &self.rows, 0)?;
        }
        if self.layout.has_document_table() {
            if jobs {
                writeln!(self.out)?;
            }
            // Documents of several jobs are told apart by the number of their job.
            if self.rows.len() > 1 || self.documents.is_labelled() {
                self.documents.label(&["Job", "ID"]);
            }
            let from = usize::from(!self.documents.is_labelled());
            self.documents.write(self.out, &self.of_documents, from)?;
        }
        Ok(())
    }
}

fn headings(rows: &[&'static Attribute]) -> Vec<columns::Heading> {
    rows.iter().map(|row| row.heading).collect()
}

fn fill(row: &mut Cells<'_>, attributes: &[&'static Attribute], values: &[Value], zone: &TimeZone) {
    for (attribute, value) in attributes.iter().zip(values) {
        row.cell(|lines| lines.add(attribute, value, zone));
    }
}
