//! Printing some pages of a document: `page-select`.
//!
//! Of a plain text the pages that are wanted are put one behind the other into a file without a name, beside the print file, and
//! that file is sent in its place. So whatever else is done with a document (copies, form feeds, going on after an error,
//! counting what was sent) sees a document that has just these pages. It is the same each time, so what a device file has of it
//! is known again. A crash leaves nothing of it.
//!
//! Pages are those of the device, as it lays text out.

use std::io::{self, Write};
use std::path::Path;

use super::pieces::{FORM_FEED, Source};
use crate::documents::{DocumentKey, Found, PrintWriter, ReadAt, Sheet, index};
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::model::job::Format;
use crate::model::selection::Selection;
use crate::model::state::HoldReason;
use crate::sys::files::Unnamed;

/// Octets that are copied at a time.
const BLOCK: usize = 64 * 1024;

/// Leaves of `source` the pages that are selected.
///
/// # Errors
/// Returns [`PrintError::Document`] where they cannot be found, which holds the job, and [`PrintError::Device`] where they
/// cannot be copied now.
pub fn cut(
    source: &mut Source,
    selected: &Selection,
    sheet: Sheet,
    raw: bool,
    control: &mut AttemptControl<'_>,
) -> Result<(), PrintError> {
    let refused = |why: &str| PrintError::Document {
        reason: HoldReason::Failed,
        text: format!("page-select={selected} of document {}: {why}", source.sequence),
        moved: None,
    };
    if raw {
        return Err(refused("its device is CONTENT RAW, and prints every octet as it came"));
    }
    if source.format != Format::Text {
        return Err(refused("of such a document nobody knows what a page needs of those before it"));
    }
    source.demand_whole(control)?;
    let pages = index(&source.file, Found { format: Format::Text, at: 0 }, sheet)
        .filter(|index| index.begins.len() as u64 == index.pages)
        .ok_or_else(|| refused("its pages cannot be counted"))?;
    let begin = |page: u64| usize::try_from(page - 1).ok().and_then(|at| pages.begins.get(at)).copied();
    let mut parts = Vec::new();
    for (first, last) in selected.within(pages.pages) {
        // What stands before the first page (a form feed, what sets a printer up) is of it.
        let from = if first == 1 { Some(0) } else { begin(first) };
        let until = if last == pages.pages { Some(source.size) } else { begin(last + 1) };
        parts.extend(from.zip(until));
    }
    if parts.is_empty() {
        return Err(refused("on this device it has none of these"));
    }
    let cannot = |error: io::Error| PrintError::Device(Fault::of("cannot copy the pages that were selected", &error));
    let dir = source.path.0.parent().unwrap_or_else(|| Path::new("/"));
    // What is cut out of an encrypted document is encrypted too, with a key that nobody keeps.
    let key = source.file.clear().is_none().then(DocumentKey::new).transpose().map_err(cannot)?;
    let made = Unnamed::create(dir).and_then(Unnamed::into_file);
    let mut made = made.and_then(|file| PrintWriter::begin(file, key.as_ref())).map_err(cannot)?;
    let mut size = 0;
    let mut ends = Ends::default();
    for (n, (from, until)) in parts.iter().enumerate() {
        if n > 0 {
            made.write_all(ends.feed()).map_err(cannot)?;
            size += ends.feed().len() as u64;
        }
        let mut at = *from;
        let mut block = vec![0; BLOCK];
        while at < *until {
            control.check()?;
            let most = usize::try_from(until - at).unwrap_or(usize::MAX).min(BLOCK);
            let got = match source.file.read_at(&mut block[..most], at) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(super::identity::damaged(source, &error.to_string()));
                }
                other => other.map_err(cannot)?,
            };
            if got == 0 {
                return Err(super::identity::damaged(source, "is shorter than it was"));
            }
            made.write_all(&block[..got]).map_err(cannot)?;
            ends.take(&block[..got]);
            at += got as u64;
            size += got as u64;
        }
    }
    source.file = made.finish().map_err(cannot)?;
    (source.size, source.arrival) = (size, None);
    Ok(())
}

/// How what was copied ends.
#[derive(Default)]
struct Ends {
    /// The last octet that ends no line.
    mark: Option<u8>,
    /// The last octet.
    last: Option<u8>,
}

impl Ends {
    fn take(&mut self, octets: &[u8]) {
        self.last = octets.last().copied().or(self.last);
        let mark = octets.iter().rfind(|octet| !matches!(octet, b'\r' | b'\n'));
        self.mark = mark.copied().or(self.mark);
    }

    /// Returns what leads to the top of the next page.
    fn feed(&self) -> &'static [u8] {
        match (self.mark, self.last) {
            (Some(FORM_FEED), _) => b"",
            (_, Some(b'\r' | b'\n') | None) => b"\x0c",
            _ => b"\r\x0c",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_does_not_feed_itself_is_fed() {
        let feed = |parts: &[&[u8]]| {
            let mut ends = Ends::default();
            parts.iter().for_each(|part| ends.take(part));
            ends.feed()
        };
        assert_eq!(feed(&[b"a\n"]), b"\x0c");
        assert_eq!(feed(&[b"a"]), b"\r\x0c");
        assert_eq!(feed(&[b"a\x0c"]), b"");
        assert_eq!(feed(&[b"a\x0c", b"\r\n"]), b"");
    }
}
