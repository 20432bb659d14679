//! Pages of PostScript, by its structuring comments.
//!
//! `%%Pages: n` at the beginning, or `(atend)` and the number in the trailer. Where the whole document is read, its
//! `%%Page:` comments must agree, if it has any; comments of a document inside the document do not count.

use super::source::{Finding, ReadAt, Unknown};
use super::{Index, READ_THROUGH};

/// A line of comments has at most 255 octets.
const LINE: usize = 256;
/// Octets at the end among which the trailer is looked for, in a document that is not read through.
const TAIL: u64 = 64 * 1024;

/// What the comments say.
#[derive(Debug, Default)]
struct Comments {
    /// Documents or data inside this one that have not ended.
    depth: u32,
    /// The head of the document has ended: what it says of its pages is in its trailer, or was read.
    begun: bool,
    stated: Option<u64>,
    at_end: bool,
    trailer: Option<u64>,
    index: Index,
    /// Other documents follow in the same file.
    others: bool,
    lines: u64,
}

/// The pages of the program at `at`.
///
/// # Errors
/// When they are not known.
pub fn pages(source: &dyn ReadAt, at: u64) -> Finding<Index> {
    let size = source.size().map_err(|_| Unknown::Broken)?;
    let (at, end) = program(source, at, size)?;
    let mut comments = Comments::default();
    let whole = end - at <= READ_THROUGH;
    if whole {
        read(source, at, end, &mut comments)?;
    } else {
        read(source, at, at + TAIL, &mut comments)?;
        // The pages in between were not seen.
        comments.index = Index::default();
        comments.depth = 0;
        if comments.at_end {
            comments.begun = true;
            read(source, end - TAIL, end, &mut comments)?;
            comments.index = Index::default();
        }
    }
    if comments.others {
        return Err(Unknown::Beyond);
    }
    let counted = comments.index.pages;
    let stated = if comments.at_end { comments.trailer } else { comments.stated };
    match stated {
        Some(pages) if pages > 0 && (counted == 0 || counted == pages) => Ok(Index { pages, ..comments.index }),
        None if whole && counted > 0 && comments.depth == 0 => Ok(comments.index),
        _ => Err(Unknown::Beyond),
    }
}

/// Where the program begins and ends: behind the header of DOS, its place is in that header.
fn program(source: &dyn ReadAt, at: u64, size: u64) -> Finding<(u64, u64)> {
    let mut header = [0; 12];
    let n = source.read_at(&mut header, at).map_err(|_| Unknown::Broken)?;
    let header = &header[..n];
    if !header.starts_with(b"\xc5\xd0\xd3\xc6") {
        return Ok((at, size));
    }
    let [_, _, _, _, a, b, c, d, e, f, g, h] = header else {
        return Err(Unknown::Broken);
    };
    let begin = at + u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    let end = begin + u64::from(u32::from_le_bytes([*e, *f, *g, *h]));
    if end > size { Err(Unknown::Broken) } else { Ok((begin, end)) }
}

/// Reads the comments between two places.
fn read(source: &dyn ReadAt, at: u64, end: u64, comments: &mut Comments) -> Finding<()> {
    let mut seen: Vec<u8> = Vec::new();
    // Where `seen` begins, and the octets in it that are there only to tell whether a line begins behind them.
    let (mut place, mut context) = (at, 0);
    let mut block = vec![0; 256 * 1024];
    loop {
        let next = place + seen.len() as u64;
        let most = usize::try_from(end.saturating_sub(next)).unwrap_or(usize::MAX).min(block.len());
        let n = source.read_at(&mut block[..most], next).map_err(|_| Unknown::Broken)?;
        seen.extend_from_slice(&block[..n]);
        // A line that may be cut is looked at with what follows it.
        let until = if n == 0 { seen.len() } else { seen.len().saturating_sub(LINE).max(context) };
        for percent in memchr::memchr_iter(b'%', &seen[context..until]).map(|percent| percent + context) {
            if percent.checked_sub(1).is_none_or(|before| matches!(seen[before], b'\r' | b'\n' | 0x04)) {
                let line = &seen[percent..seen.len().min(percent + LINE)];
                let length = line.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(line.len());
                comments.line(&line[..length], place + percent as u64)?;
            }
        }
        if n == 0 {
            return Ok(());
        }
        let done = until.saturating_sub(1);
        context = until - done;
        seen.drain(..done);
        place += done as u64;
    }
}

impl Comments {
    fn line(&mut self, line: &[u8], at: u64) -> Finding<()> {
        self.lines += 1;
        if line.starts_with(b"%!PS") && self.lines > 1 && self.depth == 0 {
            self.others = true;
        }
        let Some(word) = line.strip_prefix(b"%%") else {
            return Ok(());
        };
        let inner = [&b"Document"[..], b"Data", b"Binary"];
        if word.strip_prefix(b"Begin").is_some_and(|what| inner.iter().any(|inner| what.starts_with(inner))) {
            self.depth += 1;
        } else if word.strip_prefix(b"End").is_some_and(|what| inner.iter().any(|inner| what.starts_with(inner))) {
            self.depth = self.depth.saturating_sub(1);
        } else if self.depth > 0 {
            // Another document's.
        } else if word.starts_with(b"EndComments") || word.starts_with(b"EndProlog") || word.starts_with(b"BeginProlog")
        {
            self.begun = true;
        } else if let Some(value) = word.strip_prefix(b"Pages:") {
            self.pages(value);
        } else if word.starts_with(b"Page:") {
            self.begun = true;
            self.index.begin(at)?;
        }
        Ok(())
    }

    fn pages(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        let number = number(value);
        if self.at_end && self.begun {
            self.trailer = number;
        } else if value.starts_with(b"(atend)") || value.starts_with(b"(at end)") {
            (self.at_end, self.begun) = (true, true);
        } else if self.stated.is_none() && !self.begun {
            self.stated = number;
        }
    }
}

/// The number that stands first. Nine digits are enough for any document, and a longer number is no page count.
fn number(value: &[u8]) -> Option<u64> {
    let word = value.split(u8::is_ascii_whitespace).next()?;
    if word.is_empty() || word.len() > 9 {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}
