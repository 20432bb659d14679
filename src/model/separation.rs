//! What separates a job from its neighbours on paper: header pages and form feeds (docs/reference/fastp.md 2 and 3).

use serde::{Deserialize, Serialize};

/// HEADER: the pages that the print process adds around the text jobs of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeaderPages {
    /// None.
    Off,
    /// One before each job.
    #[default]
    On,
    /// Two before and three after each job, for continuous paper.
    Batch,
}

impl HeaderPages {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::On, Self::Batch];

    /// Returns how SPOOLCOM writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::On => "ON",
            Self::Batch => "BATCH",
        }
    }
    /// Finds it by its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.word() == word)
    }
}

/// STARTFF: the form feed at the beginning of a text job, when no header page is before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartFf {
    /// A form feed where the rule of neighbouring texts asks for it.
    #[default]
    Off,
    /// The same, and one behind a finished stream.
    On,
    /// No form feed, and the first form feed of the job itself is dropped.
    Swallow,
}

impl StartFf {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::On, Self::Swallow];

    /// Returns how SPOOLCOM writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::On => "ON",
            Self::Swallow => "OFF !",
        }
    }
    /// Finds it by its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.word() == word)
    }
}

/// What a device asks of text beyond what it came with. The default asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// EOL CRLF: line ends are completed.
    pub eol_crlf: bool,
    /// WIDTH, where it was set: the columns of a line.
    pub columns: Option<u32>,
    /// TRUNC: what does not fit is cut instead of going on below.
    pub cut: bool,
    /// PAGELENGTH, where it was set: the lines of a page.
    pub page_lines: Option<u32>,
}

impl Layout {
    /// Whether text leaves as it came.
    pub fn is_plain(&self) -> bool {
        !self.eol_crlf && self.columns.is_none() && self.page_lines.is_none()
    }
}

/// The words of a header page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderText {
    /// Report name: the name of the job.
    pub report: String,
    /// `#GROUP.DEST`
    pub location: String,
    /// Form name; empty = blank.
    pub form: String,
    /// Owner's login name.
    pub owner: String,
    /// Job number.
    pub job: u32,
    /// Date and time of printing, local.
    pub printed: String,
}

/// What is told to a printer ahead of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PjlHead {
    /// The document, from 1.
    pub document: u32,
    /// The lines, without what stands at the beginning and the end of each.
    pub lines: Vec<String>,
}

/// How an attempt separates its job from its neighbours. It is recorded before the first octet goes to a file, so that
/// a later attempt recognises what this one left behind, whatever was altered since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Separation {
    /// HEADER
    pub header: HeaderPages,
    /// STARTFF
    pub startff: StartFf,
    /// ENDFF
    pub endff: bool,
    /// Columns of a header page.
    pub columns: u32,
    /// Lines of the paper: 66, or 72 with PARM bit 14.
    pub lines: u32,
    /// What the header page says; empty without header pages.
    pub text: HeaderText,
    /// How text is laid out.
    #[serde(default)]
    pub layout: Layout,
    /// CONTENT RAW: nothing is added to anything.
    #[serde(default)]
    pub raw: bool,
    /// The font of the location goes before the header pages (PARM bit 15).
    #[serde(default)]
    pub font_first: bool,
    /// Jobs of its batch come before it: the header pages are theirs.
    #[serde(default)]
    pub continues: bool,
    /// Jobs of its batch come behind it: the trailer pages are theirs.
    #[serde(default)]
    pub continued: bool,
    /// What the printer is told ahead of its documents.
    #[serde(default)]
    pub pjl: Vec<PjlHead>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        assert!(HeaderPages::ALL.into_iter().all(|value| HeaderPages::from_word(value.word()) == Some(value)));
        assert!(StartFf::ALL.into_iter().all(|value| StartFf::from_word(value.word()) == Some(value)));
    }
}
