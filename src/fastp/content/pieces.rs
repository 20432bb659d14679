//! A job as the list of pieces that are sent: its documents and copies, and what stands between them.
//!
//! Form feeds stand where [`super::feeds`] puts them. A job that begins with text has its header pages before it, and one
//! that also ends with text its trailer pages after it. Nothing is ever added inside a finished stream; what stands beside
//! one over a connection that is kept is decided by [`super::boundary`] alone, for jobs, documents and copies alike. Text is
//! sent as the device wants it ([`Expander`]). On a device that is CONTENT RAW nothing is added or altered at all. Empty
//! documents contribute nothing, and a job of nothing else prints nothing. The list depends only on the documents as they are
//! sent, on how the job is separated, and on where the paper stands: the same again makes the same octets, by which those that an
//! earlier attempt left in a file are recognised. A document that a program makes (TRANSFORM) is made anew for each attempt. If it
//! differs, by a date in it, say, they are not recognised: the job is appended to them and announced as a possible duplicate.

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use super::boundary::{Boundary, Speech, UNIVERSAL_EXIT, between};
use super::feeds::{Feed, FeedDecision, Feeds, TextEdges};
use super::header::Sheets;
use super::pjl;
use super::remote::Arrival;
use super::transform::Made;
use crate::documents::{Expander, PrintFile, ReadAt};
use crate::model::DocumentId;
use crate::model::job::{Format, FormatOrigin, RawPath, Transfer};
use crate::spool::interface::engine::Paper;
use crate::sys::files::read_full_at;

/// The form feed.
pub const FORM_FEED: u8 = 0x0c;
/// How many line ends may stand behind the form feed that a text ends with, and how many carriage returns before the one
/// that it begins with.
const LINE_ENDS: usize = 7;
/// Octets that tell whether a document begins with PJL.
pub(super) const HEAD: usize = 16;
/// Octets in which the end of the first line is looked for.
const FIRST_LINES: usize = 4096;
/// Octets of text that are laid out at once.
const STEP: usize = 64 * 1024;

/// A document that is open and will be sent as it is now.
#[derive(Debug)]
pub struct Source {
    /// Its row.
    pub document: DocumentId,
    /// From 1.
    pub sequence: u32,
    /// Its print file.
    pub path: RawPath,
    /// Copy or link.
    pub transfer: Transfer,
    /// The open file; its octets are those of the document, also where it is encrypted.
    pub file: PrintFile,
    /// How it arrives, where not all of it may be there yet.
    pub arrival: Option<Arrival>,
    /// What it was made by, where it is not the print file itself.
    pub made: Option<Made>,
    /// Octets found when it was opened: exactly as many are sent.
    pub size: u64,
    /// Copies.
    pub copies: u32,
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    pub origin: FormatOrigin,
    /// Octets up to and including the form feed that it begins with; 0 = it begins with none.
    pub lead: u64,
    /// Whether it ends with a form feed, line ends behind it not counted: the paper then stands at top of form.
    pub ends_at_top: bool,
    /// Whether its last line has no end.
    pub unfinished: bool,
    /// Whether its first lines end with line feeds alone.
    pub bare_line_feeds: bool,
    /// What it shows of the device that it is meant for.
    pub speech: Speech,
}

impl Source {
    /// Looks at the first and the last octets, which the rules of boundaries and form feeds ask for. Carriage returns
    /// before a form feed move no paper, and a line end behind the last one begins no sheet that anybody wants.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn look(&mut self) -> io::Result<()> {
        let mut head = [0; HEAD];
        let got = self.file.read_at(&mut head, 0)?;
        self.speech = Speech::of(self.format, self.origin, &head[..got]);
        if self.speech != Speech::Text {
            return Ok(());
        }
        let mut ends = [0; LINE_ENDS + 1];
        if self.format == Format::Asa {
            // Its lines move the paper before they print: only a lone `1` at the end leaves it at top of form.
            let last = self.size.saturating_sub(ends.len() as u64);
            let got = self.file.read_at(&mut ends, last)?;
            let last = ends[..got].strip_suffix(b"\n").unwrap_or(&ends[..got]);
            self.ends_at_top = last.strip_suffix(b"\r").unwrap_or(last).ends_with(b"\n1");
            return Ok(());
        }
        let mut first = [0; FIRST_LINES];
        let got = self.file.read_at(&mut first, 0)?;
        let end = first[..got].iter().position(|octet| *octet == b'\n');
        self.bare_line_feeds = end.is_some_and(|end| end > 0 && first[end - 1] != b'\r');
        let got = self.file.read_at(&mut ends, 0)?;
        let other = ends[..got].iter().position(|octet| *octet != b'\r');
        self.lead = other.filter(|at| ends[*at] == FORM_FEED).map_or(0, |at| at as u64 + 1);
        let last = self.size.saturating_sub(ends.len() as u64);
        let got = self.file.read_at(&mut ends, last)?;
        let line_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
        self.ends_at_top = ends[..got].iter().rfind(|octet| !line_end(octet)) == Some(&FORM_FEED);
        self.unfinished = !self.ends_at_top && ends[..got].last().is_some_and(|octet| !line_end(octet));
        Ok(())
    }

    fn edges(&self) -> TextEdges {
        TextEdges {
            begins: self.lead > 0,
            ends: self.ends_at_top,
            only: self.lead > 0 && self.lead == self.size,
            unfinished: self.unfinished,
        }
    }
}

/// One thing to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Octets of our own.
    Added(&'a [u8]),
    /// What follows goes over a new connection.
    Renew,
    /// A document of the font: its index.
    Font(usize),
    /// A document.
    Body {
        /// Index of its source.
        index: usize,
        /// Which copy, from 1.
        copy: u32,
        /// Octets at its beginning to leave out.
        from: u64,
    },
}

/// A place in a job: an octet of a document, and of which copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the source.
    pub index: usize,
    /// Which copy, from 1.
    pub copy: u32,
    /// Octets of it before.
    pub at: u64,
}

/// A job that is ready to be sent.
#[derive(Debug)]
pub struct Pieces {
    /// Its documents, open.
    pub sources: Vec<Source>,
    /// The font of its location, which is part of the first document as far as boundaries go.
    pub font: Vec<Source>,
    /// Where the paper stands before it.
    pub paper: Paper,
    /// Whether neighbours share a stream that a printer reads, where a boundary must part them.
    pub shared: bool,
    /// Whether a new connection can part them. A port or a FIFO is never closed between them: what is on its way would be
    /// lost, or a reader would see an end.
    pub renewable: bool,
    /// What was sent last over this connection.
    pub last: Option<Speech>,
    /// Its header and trailer pages.
    pub sheets: Sheets,
    /// The pages of an earlier attempt that began to write it to a file.
    pub earlier: Option<Sheets>,
}

impl Pieces {
    /// The pieces, in order. `top`: nothing was printed yet after all (a new output file).
    pub fn list(&self, top: bool) -> PieceIter<'_> {
        self.list_with(&self.sheets, top)
    }

    /// The pieces from a place in a text on, behind what feeds out the sheet that was begun.
    pub fn list_from(&self, place: Place, feed: Feed) -> PieceIter<'_> {
        let mut list = self.list(false);
        list.feeds.text(self.sources[place.index].edges());
        list.last = Some(Speech::Text);
        (list.at, list.copy, list.phase) = (place.index, place.copy, Phase::Documents);
        list.font = false;
        list.feed(feed);
        list.ready.push_back(Piece::Body { index: place.index, copy: place.copy, from: place.at });
        list
    }

    fn list_with<'a>(&'a self, sheets: &'a Sheets, top: bool) -> PieceIter<'a> {
        let paper = if top { Paper::Top } else { self.paper };
        PieceIter {
            pieces: self,
            sheets,
            feeds: Feeds::new(paper, sheets.startff, sheets.endff),
            last: self.last,
            at: 0,
            copy: 0,
            font: true,
            phase: Phase::Before,
            ready: VecDeque::new(),
        }
    }

    /// Octets of all pieces: documents, copies, and what is added to them.
    pub fn total(&self, top: bool) -> u64 {
        let octets = |piece| match piece {
            Piece::Added(bytes) => bytes.len() as u64,
            Piece::Renew => 0,
            Piece::Font(index) => self.font[index].size,
            Piece::Body { index, from, .. } => self.sources[index].size.saturating_sub(from),
        };
        self.list(top).map(octets).fold(0, u64::saturating_add)
    }

    /// Where the paper stands after it.
    pub fn paper_after(&self, top: bool) -> Paper {
        let mut list = self.list(top);
        while list.next().is_some() {}
        list.feeds.paper
    }

    /// What is the last thing sent on the connection after it.
    pub fn speech_after(&self) -> Option<Speech> {
        self.printed().next_back().map_or(self.last, |source| Some(Self::speech(&self.sheets, source)))
    }

    /// What a document shows of the device; nothing on one that takes all octets as they come.
    fn speech(sheets: &Sheets, source: &Source) -> Speech {
        match sheets.head(source.sequence) {
            _ if sheets.raw => Speech::Other,
            Some(_) => Speech::Pjl,
            None => source.speech,
        }
    }

    fn is_text(sheets: &Sheets, source: &Source) -> bool {
        !sheets.raw && source.speech == Speech::Text
    }

    /// A body that is not sent as it is: text that the device wants otherwise. None where it leaves as it came.
    ///
    /// # Errors
    /// When its first octets cannot be read.
    pub fn laid_out(&self, index: usize, from: u64) -> io::Result<Option<LaidOut<'_>>> {
        self.laid_out_with(&self.sheets, index, from)
    }

    fn laid_out_with(&self, sheets: &Sheets, index: usize, from: u64) -> io::Result<Option<LaidOut<'_>>> {
        let source = &self.sources[index];
        if !Self::is_text(sheets, source) {
            return Ok(None);
        }
        let mut first = [0; 2];
        let got = source.file.read_at(&mut first, 0)?;
        let expander = Expander::new(sheets.layout, source.format, &first[..got]);
        Ok(expander.map(|expander| LaidOut {
            source,
            at: from,
            expander,
            input: vec![0; STEP],
            out: Vec::with_capacity(2 * STEP),
            ended: false,
        }))
    }

    /// Whether a text that is sent as it came has line feeds that do not return the carriage.
    pub fn leaves_bare_line_feeds(&self) -> bool {
        !self.sheets.layout.eol_crlf
            && self.printed().any(|source| source.bare_line_feeds && Self::is_text(&self.sheets, source))
    }

    /// The documents that contribute something.
    fn printed(&self) -> impl DoubleEndedIterator<Item = &Source> {
        self.sources.iter().filter(|source| source.size > 0)
    }

    /// Whether header pages go before it: it begins with text.
    fn has_header(&self, sheets: &Sheets) -> bool {
        sheets.pages > 0 && self.printed().next().is_some_and(|first| Self::is_text(sheets, first))
    }

    /// Whether trailer pages go after it: it has a header, and ends with text.
    fn has_trailer(&self, sheets: &Sheets) -> bool {
        let ends = self.printed().next_back().is_some_and(|last| Self::is_text(sheets, last));
        !sheets.trailer.is_empty() && ends && (sheets.headed || self.has_header(sheets))
    }

    /// Which of our pages are omitted, and why, in words.
    pub fn omitted(&self) -> Option<String> {
        let (first, last) = (self.printed().next()?, self.printed().next_back()?);
        let because = |source: &Source| match self.sources.len() {
            1 => format!("the document is {}", source.format.keyword()),
            _ => format!("document {} is {}", source.sequence, source.format.keyword()),
        };
        if self.sheets.pages > 0 && !self.has_header(&self.sheets) {
            return Some(format!("header page omitted: {}", because(first)));
        }
        if !self.sheets.trailer.is_empty() && !self.has_trailer(&self.sheets) {
            return Some(format!("trailer pages omitted: {}", because(last)));
        }
        None
    }

    /// Whether the `length` octets of `output` from `offset` on are the beginning of what an earlier attempt at this
    /// job wrote.
    ///
    /// # Errors
    /// Returns an error when either side cannot be read.
    pub fn begin_like(&self, top: bool, output: &File, offset: u64, length: u64) -> io::Result<bool> {
        const CHUNK: usize = 256 * 1024;
        let (mut ours, mut theirs) = (vec![0u8; CHUNK], vec![0u8; CHUNK]);
        let mut done = 0;
        let sheets = self.earlier.as_ref().unwrap_or(&self.sheets);
        for piece in self.list_with(sheets, top) {
            if let Piece::Body { index, from, .. } = piece
                && let Some(mut text) = self.laid_out_with(sheets, index, from)?
            {
                while let Some(part) = text.next_part()? {
                    let want = part.octets.len().min((length - done) as usize);
                    theirs.resize(theirs.len().max(want), 0);
                    if read_full_at(output, &mut theirs[..want], offset + done)? != want
                        || part.octets[..want] != theirs[..want]
                    {
                        return Ok(false);
                    }
                    done += want as u64;
                    if done == length {
                        return Ok(true);
                    }
                }
                continue;
            }
            let size = match piece {
                Piece::Added(bytes) => bytes.len() as u64,
                Piece::Renew => 0,
                Piece::Font(index) => self.font[index].size,
                Piece::Body { index, from, .. } => self.sources[index].size - from,
            };
            let mut at = 0;
            while at < size && done < length {
                let want = (size - at).min(length - done).min(CHUNK as u64) as usize;
                let same = match piece {
                    Piece::Renew => true,
                    Piece::Added(bytes) => {
                        ours[..want].copy_from_slice(&bytes[at as usize..at as usize + want]);
                        true
                    }
                    Piece::Font(index) => self.font[index].file.read_at(&mut ours[..want], at)? == want,
                    Piece::Body { index, from, .. } => {
                        self.sources[index].file.read_at(&mut ours[..want], from + at)? == want
                    }
                } && read_full_at(output, &mut theirs[..want], offset + done)? == want
                    && ours[..want] == theirs[..want];
                if !same {
                    return Ok(false);
                }
                (at, done) = (at + want as u64, done + want as u64);
            }
            if done == length {
                break;
            }
        }
        Ok(done == length)
    }
}

/// A part of a body that is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What is sent.
    pub octets: &'a [u8],
    /// The octets of the document of which it was made.
    pub of: u64,
}

/// A text as the device wants it, made while it is sent. It holds [`STEP`] octets and what becomes of them.
#[derive(Debug)]
pub struct LaidOut<'a> {
    source: &'a Source,
    at: u64,
    expander: Expander,
    input: Vec<u8>,
    out: Vec<u8>,
    ended: bool,
}

impl LaidOut<'_> {
    /// How many octets of the document were read.
    pub fn read(&self) -> u64 {
        self.at
    }

    /// The next part; none at the end.
    ///
    /// # Errors
    /// When the document cannot be read; `UnexpectedEof` when it ends before its size.
    pub fn next_part(&mut self) -> io::Result<Option<Part<'_>>> {
        self.out.clear();
        if self.ended {
            return Ok(None);
        }
        let want = (self.source.size - self.at).min(STEP as u64) as usize;
        let got = self.source.file.read_at(&mut self.input[..want], self.at)?;
        if got == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += got as u64;
        self.expander.push(&self.input[..got], &mut self.out);
        if self.at == self.source.size {
            self.ended = true;
            self.expander.finish(&mut self.out);
        }
        Ok(Some(Part { octets: &self.out, of: got as u64 }))
    }
}

/// How far the iteration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Documents,
    After,
}

/// Iterates over the pieces of a job. It holds only a few of them in memory, however many copies there are.
#[derive(Debug)]
pub struct PieceIter<'a> {
    pieces: &'a Pieces,
    sheets: &'a Sheets,
    feeds: Feeds,
    last: Option<Speech>,
    at: usize,
    copy: u32,
    /// The font has not been sent yet.
    font: bool,
    phase: Phase,
    ready: VecDeque<Piece<'a>>,
}

impl<'a> PieceIter<'a> {
    /// What goes between the last piece and the next one.
    fn boundary(&mut self, next: Speech, feed: Feed) {
        match self.last.filter(|_| self.pieces.shared).map(|last| between(last, next)) {
            Some(Boundary::Exit) => self.ready.push_back(Piece::Added(UNIVERSAL_EXIT)),
            Some(Boundary::Renew) if self.pieces.renewable => self.ready.push_back(Piece::Renew),
            Some(Boundary::Renew | Boundary::Feeds) | None => {}
        }
        self.feed(feed);
        self.last = Some(next);
    }

    fn feed(&mut self, feed: Feed) {
        if feed != Feed::None {
            self.ready.push_back(Piece::Added(feed.octets()));
        }
    }

    /// The font, once a job.
    fn font(&mut self) {
        if std::mem::take(&mut self.font) {
            let sent = self.pieces.font.iter().enumerate().filter(|(_, source)| source.size > 0);
            self.ready.extend(sent.map(|(index, _)| Piece::Font(index)));
        }
    }

    fn headers(&mut self) {
        if self.pieces.has_header(self.sheets) {
            for _ in 0..self.sheets.pages {
                let feed = self.feeds.page();
                self.boundary(Speech::Text, feed);
                if self.sheets.font_first {
                    self.font();
                }
                self.ready.push_back(Piece::Added(&self.sheets.page));
            }
        }
    }

    /// Queues one copy of a document. Returns false when none is left.
    fn document(&mut self) -> bool {
        let source = loop {
            let Some(source) = self.pieces.sources.get(self.at) else { return false };
            if source.size > 0 && self.copy < source.copies.max(1) {
                break source;
            }
            (self.at, self.copy) = (self.at + 1, 0);
        };
        self.copy += 1;
        let speech = Pieces::speech(self.sheets, source);
        let before = if speech == Speech::Text {
            self.feeds.text(source.edges())
        } else {
            self.feeds.stream();
            FeedDecision::default()
        };
        self.boundary(speech, before.feed);
        let head = self.sheets.head(source.sequence).filter(|_| !self.sheets.raw);
        self.ready.extend(head.map(Piece::Added));
        self.font();
        let from = if before.swallow { source.lead } else { 0 };
        if from < source.size {
            self.ready.push_back(Piece::Body { index: self.at, copy: self.copy, from });
        }
        self.ready.extend(head.map(|_| Piece::Added(pjl::TAIL)));
        true
    }

    fn trailers(&mut self) {
        if self.pieces.has_trailer(self.sheets) {
            let feed = self.feeds.trailer();
            self.boundary(Speech::Text, feed);
            self.ready.push_back(Piece::Added(&self.sheets.trailer));
        }
        let feed = self.feeds.end();
        self.feed(feed);
    }
}

impl<'a> Iterator for PieceIter<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            match self.phase {
                Phase::Before => {
                    self.phase = Phase::Documents;
                    self.headers();
                }
                Phase::Documents => {
                    if !self.document() {
                        self.phase = Phase::After;
                        self.trailers();
                    }
                }
                Phase::After => return None,
            }
        }
    }
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
pub(super) mod tests;
