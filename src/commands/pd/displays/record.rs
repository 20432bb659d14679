//! What a display shows: the records of objects, which of their attributes, and in which style.

use jiff::tz::TimeZone;

use crate::attributes::names::{self, BadWord};
use crate::attributes::object::Object;
use crate::attributes::{Attribute, Class, NONE, Setter, text};
use crate::commands::pd::Stop;
use crate::commands::pd::command_line::selection::{Requested, Selection};
use crate::model::field::{Field, Value};
use crate::model::job::{DocumentStatus, GivenValue, JobStatus};
use crate::model::query::{Condition, Parts};

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
    /// An attributes file.
    Archive,
}

impl Style {
    /// Whether it has columns.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Column | Self::DocCol)
    }

    /// Whether each attribute has its place, with a value or without.
    pub fn is_complete(self) -> bool {
        self.is_table() || self == Self::Archive
    }

    /// The style in which a request is shown where nobody says one.
    pub fn usual(requested: &Requested) -> Self {
        match requested {
            requested if requested.is_table() => Self::Column,
            requested if requested.is_archive() => Self::Archive,
            _ => Self::Line,
        }
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
    /// Which documents are listed where they are the objects.
    pub documents: Condition,
    /// The zone of displayed times.
    pub zone: TimeZone,
    /// The present moment, milliseconds since 1970.
    pub now_ms: i64,
    /// The columns of the terminal where a table is to be folded; none = it is not folded.
    pub width: Option<usize>,
}

impl Layout {
    /// Whether documents have a table of their own.
    pub fn has_document_table(&self) -> bool {
        self.style == Style::Column && self.document_table && !self.selection.documents.is_empty()
    }

    /// What of a job is shown.
    pub fn parts(&self) -> Parts {
        let shown = match self.style {
            Style::Column => self.document_table,
            Style::DocCol | Style::Line | Style::Json | Style::Archive => true,
        };
        let documents = self.selection.documents.iter().filter(|_| shown);
        let also = if self.style == Style::Archive { Parts::GIVEN } else { Parts::JOB };
        self.selection
            .object
            .iter()
            .chain(documents)
            .chain(&self.selection.carried)
            .fold(also, |parts, row| parts.and(row.needs))
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

/// What `object` carries of the attributes that are shown where they have a value.
fn carried(selection: &Selection, class: Class, object: &Object<'_>) -> Vec<Carried> {
    let nothing = match object {
        Object::Job(job) => job.given.is_empty(),
        Object::Document(document) => document.given.is_empty(),
        Object::Finished(job) => job.carried.is_empty(),
        Object::Logical(_) | Object::Actual(_) | Object::Queue(_) | Object::Server(_) | Object::Kept(_) => false,
    };
    if nothing {
        return Vec::new();
    }
    // Default jobs have attributes of jobs.
    let kept = matches!(object, Object::Kept(_));
    let rows = selection.carried.iter().filter(|row| kept || row.class == class);
    rows.map(|row| (*row, row.value(object))).filter(|one| !one.1.each().is_empty()).collect()
}

/// The class of an object that stands alone.
fn class_of(object: &Object<'_>) -> Class {
    match object {
        Object::Job(_) | Object::Finished(_) => Class::Job,
        Object::Document(_) => Class::Document,
        Object::Logical(_) | Object::Actual(_) => Class::Destination,
        Object::Queue(_) => Class::Queue,
        Object::Server(_) => Class::Server,
        Object::Kept(one) => one.class,
    }
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
        Self {
            label: label.into(),
            values: selection.object.iter().map(|row| row.value(object)).collect(),
            carried: carried(selection, class_of(object), object),
            documents: Vec::new(),
            structured: Vec::new(),
        }
    }

    /// A document as an object of its own, with what the selection has of its job.
    pub fn of_document(job: &JobStatus, document: &DocumentStatus, selection: &Selection) -> Self {
        let object = Object::Document(document);
        let value = |row: &&'static Attribute| match row.class {
            Class::Job => row.value(&Object::Job(job)),
            _ => row.value(&object),
        };
        Self {
            label: format!("{}.{}", job.global.serial, document.sequence),
            values: selection.object.iter().map(value).collect(),
            carried: carried(selection, Class::Document, &object),
            documents: Vec::new(),
            structured: Vec::new(),
        }
    }

    /// What can be given of a job, as it was given or as it is. What was only counted or recognised is left out: it follows
    /// from the documents, which may be others.
    pub fn archived(job: &JobStatus, selection: &Selection, document: Option<u32>) -> Self {
        let mut record = Self::of_job(job, selection, document);
        let given = |row: &Attribute, given: &[GivenValue]| given.iter().any(|one| one.field == row.field);
        let counted = |row: &Attribute| matches!(row.set, Setter::Carried) || row.field == Field::DocumentFormat;
        for (row, value) in selection.object.iter().zip(&mut record.values) {
            if counted(row) && !given(row, &job.given) {
                *value = NONE;
            }
        }
        for one in &mut record.documents {
            let Some(document) = job.documents.iter().find(|document| document.sequence == one.number) else {
                continue;
            };
            for (row, value) in selection.documents.iter().zip(&mut one.values) {
                if counted(row) && !given(row, &document.given) {
                    *value = NONE;
                }
            }
        }
        record
    }

    /// A job with all its documents, or with one of them.
    pub fn of_job(job: &JobStatus, selection: &Selection, document: Option<u32>) -> Self {
        let mut record = Self::new(job.global.serial.to_string(), selection, &Object::Job(job));
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
                        carried: carried(selection, Class::Document, &object),
                    }
                })
                .collect();
        }
        record
    }
}
