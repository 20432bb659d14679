//! The displays: records in, lines out, a page at a time.
//!
//! Lines and JSON need the memory of one record. Tables need that of the text of one page, whose widths hold for the whole
//! listing: up to a thousand rows are aligned exactly, later ones only overflow where they are wider.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::columns::{self, Cells, Rows};
use super::record::{Layout, Record, Style};
use super::{archive, json, lines, on_request};
use crate::attributes::filter::Filter;
use crate::attributes::object::Object;
use crate::attributes::{Attribute, Class};
use crate::commands::pd::Stop;
use crate::commands::why::Times;
use crate::model::field::Value;
use crate::model::job::JobStatus;
use crate::model::query::PAGE;
use crate::spool::interface::operations::Operations;

/// Of so many jobs a listing says when they print.
const AHEAD: u32 = 20;

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
    /// The keys of objects in JSON.
    keys: json::Keys,
    written: u64,
    /// Jobs for which the spool was asked.
    asked: u32,
    table: columns::Table,
    documents: columns::Table,
    /// Which documents are shown where they are the objects.
    wanted: Filter,
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
            keys: json::Keys::of(&layout.selection),
            written: 0,
            asked: 0,
            table: columns::Table::new(heads, layout.headings, layout.width),
            documents: columns::Table::new(headings(&layout.selection.documents), layout.headings, layout.width),
            wanted: Filter::new(&layout.documents, Class::Document),
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
                json::record(&mut self.json, &self.keys, self.layout, &record)?;
                self.written += 1;
                return self.out.write_all(&self.json);
            }
            Style::Archive => return archive::record(self.out, self.layout, &record),
            // Labels of jobs are all of one width; others are aligned, so their page is collected.
            Style::Line if matches!(self.layout.class, Class::Job | Class::Document) => {
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

    /// Shows a job with all its documents, or with one of them, and with what was asked for by name, which `spool` answers.
    pub fn add_job(
        &mut self,
        spool: &mut dyn Operations,
        job: &JobStatus,
        document: Option<u32>,
        times: &Times,
    ) -> Result<(), Stop> {
        let selection = &self.layout.selection;
        if !on_request::is_asked(selection) {
            return Ok(self.add_read(job, document)?);
        }
        let mut record = Record::of_job(job, selection, document);
        self.asked += 1;
        on_request::complete(spool, &mut record, selection, &job.global, times, self.asked <= AHEAD)?;
        Ok(self.add(record)?)
    }

    /// Shows a job with all its documents, or with one of them; or those documents, where they are the objects.
    pub fn add_read(&mut self, job: &JobStatus, document: Option<u32>) -> io::Result<()> {
        let selection = &self.layout.selection;
        if self.layout.style == Style::Archive && self.layout.class == Class::Job {
            return self.add(Record::archived(job, selection, document));
        }
        if self.layout.class != Class::Document {
            return self.add(Record::of_job(job, selection, document));
        }
        for one in job.documents.iter().filter(|one| document.is_none_or(|wanted| wanted == one.sequence)) {
            // No condition on documents depends on who asks.
            if self.wanted.takes(&Object::Document(one), 0) {
                self.add(Record::of_document(job, one, selection))?;
            }
        }
        Ok(())
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
