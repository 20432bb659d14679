//! A job as the list of pieces that go out: its documents and copies, and what stands between them.
//!
//! HEADER OFF: exactly one form feed between neighbouring texts (job to job, document to document, copy to copy), none
//! when the paper is at top of form or the text begins with one. Nothing is ever added inside, before or after a
//! finished stream; only over a connection that is kept a UEL separates two pieces of which one is a finished stream.
//! Empty documents contribute nothing. The list is a pure function of what is known before the first byte, so that the
//! bytes which an earlier attempt left in a file can be recognised.

use std::fs::File;
use std::io;

use crate::model::DocumentId;
use crate::model::job::{RawPath, Transfer};
use crate::spool::engine::Paper;
use crate::sys::files::read_full_at;

/// The form feed.
pub const FORM_FEED: u8 = 0x0c;
/// Universal exit language: ends whatever stream a printer is in.
pub const UEL: &[u8] = b"\x1b%-12345X";

/// What kind of piece was sent last over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Plain text.
    Text,
    /// A finished stream.
    Stream,
}

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
    /// The open file.
    pub file: File,
    /// Octets found when it was opened: exactly as many are sent.
    pub size: u64,
    /// Copies.
    pub copies: u32,
    /// Text or stream.
    pub side: Side,
    /// Whether it begins with a form feed.
    pub begins_at_top: bool,
    /// Whether it ends with a form feed.
    pub ends_at_top: bool,
}

impl Source {
    /// Looks at the first and the last octet, which the form-feed rule asks for.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn look(&mut self) -> io::Result<()> {
        let feed_at = |offset| -> io::Result<bool> {
            let mut byte = [0];
            Ok(read_full_at(&self.file, &mut byte, offset)? == 1 && byte[0] == FORM_FEED)
        };
        if self.side == Side::Text && self.size > 0 {
            (self.begins_at_top, self.ends_at_top) = (feed_at(0)?, feed_at(self.size - 1)?);
        }
        Ok(())
    }
}

/// One thing to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Octets of ours.
    Added(&'static [u8]),
    /// A document: index of its source, and which copy, from 1.
    Body(usize, u32),
}

/// A job that is ready to be sent.
#[derive(Debug)]
pub struct Pieces {
    /// Its documents, open.
    pub sources: Vec<Source>,
    /// Where the paper stands before it.
    pub paper: Paper,
    /// Whether a UEL goes where a stream meets something on the same connection.
    pub uel: bool,
    /// What was sent last over this connection.
    pub last: Option<Side>,
}

impl Pieces {
    /// The pieces, in order. `top`: the paper is at top of form after all (a new output file).
    pub fn list(&self, top: bool) -> List<'_> {
        let paper = if top { Paper::Top } else { self.paper };
        List { pieces: self, paper, last: self.last, at: 0, copy: 0, body: None }
    }

    /// Where the paper stands after it.
    pub fn paper_after(&self, top: bool) -> Paper {
        let mut list = self.list(top);
        while list.next().is_some() {}
        list.paper
    }

    /// What is the last thing sent on the connection after it.
    pub fn side_after(&self) -> Option<Side> {
        self.sources.iter().rfind(|source| source.size > 0).map_or(self.last, |source| Some(source.side))
    }

    /// Whether the `length` octets of `output` from `offset` on are what this job begins with.
    ///
    /// # Errors
    /// When either side cannot be read.
    pub fn begin_like(&self, top: bool, output: &File, offset: u64, length: u64) -> io::Result<bool> {
        const CHUNK: usize = 256 * 1024;
        let (mut ours, mut theirs) = (vec![0u8; CHUNK], vec![0u8; CHUNK]);
        let mut done = 0;
        for piece in self.list(top) {
            let size = match piece {
                Piece::Added(bytes) => bytes.len() as u64,
                Piece::Body(index, _) => self.sources[index].size,
            };
            let mut at = 0;
            while at < size && done < length {
                let want = (size - at).min(length - done).min(CHUNK as u64) as usize;
                let same = match piece {
                    Piece::Added(bytes) => {
                        ours[..want].copy_from_slice(&bytes[at as usize..at as usize + want]);
                        true
                    }
                    Piece::Body(index, _) => read_full_at(&self.sources[index].file, &mut ours[..want], at)? == want,
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

/// Iterator over the pieces of a job: never longer in memory than one of them, however many copies there are.
#[derive(Debug)]
pub struct List<'a> {
    pieces: &'a Pieces,
    paper: Paper,
    last: Option<Side>,
    at: usize,
    copy: u32,
    body: Option<Piece>,
}

impl Iterator for List<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(body) = self.body.take() {
            return Some(body);
        }
        let source = loop {
            let source = self.pieces.sources.get(self.at)?;
            if source.size > 0 && self.copy < source.copies.max(1) {
                break source;
            }
            (self.at, self.copy) = (self.at + 1, 0);
        };
        self.copy += 1;
        let body = Piece::Body(self.at, self.copy);
        let stream_beside = source.side == Side::Stream || self.last == Some(Side::Stream);
        let added: &'static [u8] = match self.last {
            Some(_) if self.pieces.uel && stream_beside => UEL,
            _ if source.side == Side::Text && self.paper == Paper::Text && !source.begins_at_top => &[FORM_FEED],
            _ => &[],
        };
        self.last = Some(source.side);
        self.paper = match source.side {
            Side::Stream => Paper::Stream,
            Side::Text if source.ends_at_top => Paper::Top,
            Side::Text => Paper::Text,
        };
        if added.is_empty() {
            return Some(body);
        }
        self.body = Some(body);
        Some(Piece::Added(added))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    /// A source of `bytes`.
    fn source(side: Side, bytes: &[u8], copies: u32) -> Source {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut source = Source {
            document: DocumentId(1),
            sequence: 1,
            path: RawPath::default(),
            transfer: Transfer::Copy,
            file,
            size: bytes.len() as u64,
            copies,
            side,
            begins_at_top: false,
            ends_at_top: false,
        };
        source.look().unwrap();
        source
    }

    fn text(bytes: &str, copies: u32) -> Source {
        source(Side::Text, bytes.as_bytes(), copies)
    }

    fn stream(bytes: &str) -> Source {
        source(Side::Stream, bytes.as_bytes(), 1)
    }

    fn pieces(sources: Vec<Source>, paper: Paper) -> Pieces {
        Pieces { sources, paper, uel: false, last: None }
    }

    fn bytes(pieces: &Pieces, top: bool) -> String {
        let mut out = String::new();
        for piece in pieces.list(top) {
            match piece {
                Piece::Added(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
                Piece::Body(n, _) => {
                    let mut buffer = vec![0; pieces.sources[n].size as usize];
                    read_full_at(&pieces.sources[n].file, &mut buffer, 0).unwrap();
                    out.push_str(std::str::from_utf8(&buffer).unwrap());
                }
            }
        }
        out
    }

    #[test]
    fn one_form_feed_stands_between_neighbouring_texts() {
        let job = pieces(vec![text("a", 2), text("b", 1)], Paper::Text);
        assert_eq!(bytes(&job, false), "\x0ca\x0ca\x0cb");
        assert_eq!(bytes(&job, true), "a\x0ca\x0cb");
        assert_eq!(job.paper_after(false), Paper::Text);
        let fed = pieces(vec![text("a\x0c", 2), text("\x0cb", 2)], Paper::Text);
        assert_eq!(bytes(&fed, false), "\x0ca\x0ca\x0c\x0cb\x0cb");
        assert_eq!(pieces(vec![text("a\x0c", 1)], Paper::Text).paper_after(false), Paper::Top);
    }

    #[test]
    fn nothing_is_added_beside_a_finished_stream() {
        let job = pieces(vec![text("a", 1), stream("%!PS"), stream("%PDF"), text("b", 1)], Paper::Top);
        assert_eq!(bytes(&job, false), "a%!PS%PDFb");
        assert_eq!(bytes(&pieces(vec![text("a", 1)], Paper::Stream), false), "a");
    }

    #[test]
    fn a_kept_connection_has_a_uel_where_a_stream_meets_something() {
        let mut job = pieces(vec![stream("S"), text("a", 1), text("b", 1), stream("T")], Paper::Text);
        job.uel = true;
        assert_eq!(bytes(&job, false), "S\x1b%-12345Xa\x0cb\x1b%-12345XT");
        job.last = Some(Side::Text);
        assert_eq!(bytes(&job, false), "\x1b%-12345XS\x1b%-12345Xa\x0cb\x1b%-12345XT");
        assert_eq!(job.side_after(), Some(Side::Stream));
    }

    #[test]
    fn empty_documents_contribute_nothing() {
        let job = pieces(vec![text("", 3), text("a", 1), text("", 1), text("b", 1), text("", 9)], Paper::Text);
        assert_eq!(bytes(&job, false), "\x0ca\x0cb");
        let empty = pieces(vec![text("", 3)], Paper::Text);
        assert_eq!(bytes(&empty, false), "");
        assert_eq!(empty.paper_after(false), Paper::Text);
    }

    #[test]
    fn the_bytes_of_an_earlier_attempt_are_recognised() {
        let job = pieces(vec![text("abc", 2), text("def", 1)], Paper::Text);
        let whole = "\x0cabc\x0cabc\x0cdef";
        let mut output = tempfile::tempfile().unwrap();
        output.write_all(b"before").unwrap();
        output.write_all(whole.as_bytes()).unwrap();
        for length in 0..=whole.len() as u64 {
            assert!(job.begin_like(false, &output, 6, length).unwrap(), "{length}");
        }
        assert!(!job.begin_like(true, &output, 6, 3).unwrap());
        output.write_all(b"x").unwrap();
        assert!(!job.begin_like(false, &output, 6, whole.len() as u64 + 1).unwrap());
    }
}
