//! Pages: how many a document has, and where each begins.
//!
//! A finder is right or does not know. It reads untrusted octets: what it reads, keeps and does is limited, and it never
//! calls itself. It reads with `pread`, so that a file which its owner shortens meanwhile is a short read and no signal.

mod pcl;
mod pdf;
mod postscript;
mod source;
#[cfg(test)]
mod tests;
mod text;

use crate::model::job::Format;

use super::format::Found;

pub use source::ReadAt;
pub use text::{Count, Counter, LINES_PER_PAGE, PAPER_LINES, Sheet};

use source::{Finding, Unknown, walk};

/// Pages that are counted, and whose places an [`Index`] holds; a document with more has an unknown number.
pub const MOST_PAGES: usize = 1 << 20;
/// Octets up to which a document is read through for its pages, where only that tells: PCL, PostScript, a PDF whose table
/// is broken. Larger ones cost the submitter more time than a count is worth.
pub const READ_THROUGH: u64 = 64 << 20;

/// Where the pages of a document begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// How many there are.
    pub pages: u64,
    /// The octet with which each begins, in order: of text and PCL what prints it, of PostScript its `%%Page:`, of PDF its
    /// object (or the object stream that holds it). Empty where only their number is known.
    pub begins: Vec<u64>,
}

impl Index {
    fn begin(&mut self, at: u64) -> Finding<()> {
        if self.begins.len() >= MOST_PAGES {
            return Err(Unknown::TooMuch);
        }
        self.begins.push(at);
        self.pages += 1;
        Ok(())
    }
}

/// The pages of a document that was [`recognised`](super::recognise); none where they are not known. `sheet` is what text
/// is printed on.
pub fn index(source: &dyn ReadAt, found: Found, sheet: Sheet) -> Option<Index> {
    let index = match found.format {
        Format::Text => text(source, sheet),
        Format::PostScript => postscript::pages(source, found.at),
        Format::Pdf => pdf::pages(source, found.at),
        Format::Pcl => pcl::pages(source, found.at),
        _ => Err(Unknown::Beyond),
    };
    index.ok()
}

/// How many pages a finished stream has; none where that is not known. Text is [counted](Counter) while it is read.
pub fn pages(source: &dyn ReadAt, found: Found) -> Option<u64> {
    match found.format {
        format if format.is_text() => None,
        _ => index(source, found, Sheet::default()).map(|index| index.pages),
    }
}

fn text(source: &dyn ReadAt, sheet: Sheet) -> Finding<Index> {
    let mut first = [0; 2];
    let n = source.read_at(&mut first, 0).map_err(|_| Unknown::Broken)?;
    let mut counter = Counter::on(sheet, &first[..n]).with_index();
    walk(source, 0, |piece| {
        counter.push(piece);
        Ok(())
    })?;
    counter.index()
}
