//! The form-feed rules: where the paper stands, and which form feed a piece needs before it (docs/reference/fastp.md 3).
//!
//! Between two neighbouring texts (job and job, document and document, copy and copy, header page and job) lies exactly
//! one page advance: theirs if they bring one, ours if not. A text that begins with a form feed although the paper is at
//! top of form after another text has it swallowed; before the first text of all it stays. Beside a finished stream
//! nothing is added and nothing taken away. A form feed of ours behind a line that has no end brings its carriage return:
//! a form feed alone leaves the carriage where it is. (A text's own one is the text's business.)
//!
//! | paper before | header page or trailer | text with its own form feed | text without |
//! |---|---|---|---|
//! | nothing printed | – | – | – |
//! | text | one | – | one |
//! | at top of form | – | swallowed | – |
//! | stream | – | – | – |
//!
//! STARTFF ON without header page: also behind a finished stream, where nobody knows how the paper stands, unless the job
//! brings one. STARTFF OFF ! without header page: none before the job, and the job's own first form feed is swallowed.
//! ENDFF ON: one after a text job that does not end at top of form.

use crate::model::separation::StartFf;
use crate::spool::interface::engine::Paper;

/// The form feeds that a text brings itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextEdges {
    /// It begins with a form feed.
    pub begins: bool,
    /// It ends with a form feed.
    pub ends: bool,
    /// It is a form feed and nothing else.
    pub only: bool,
    /// Its last line has no end.
    pub unfinished: bool,
}

/// A form feed of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// None.
    #[default]
    None,
    /// At the beginning of a line.
    Plain,
    /// Behind a line that has no end: with a carriage return before it.
    WithReturn,
}

impl Feed {
    /// Its octets.
    pub fn octets(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Plain => b"\x0c",
            Self::WithReturn => b"\r\x0c",
        }
    }
}

/// What to do before a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedDecision {
    /// The form feed to add.
    pub feed: Feed,
    /// Leave out the one that the text begins with.
    pub swallow: bool,
}

/// Follows the paper through one job.
#[derive(Clone, Copy, Debug)]
pub struct Feeds {
    /// Where it stands.
    pub paper: Paper,
    startff: StartFf,
    endff: bool,
    /// A header page or a piece of the job was printed.
    begun: bool,
}

impl Feeds {
    /// Starts before a job.
    pub fn new(paper: Paper, startff: StartFf, endff: bool) -> Self {
        Self { paper, startff, endff, begun: false }
    }

    /// What moves the paper to top of form; nothing where it stands there, or where that is not known.
    fn advance(&self) -> Feed {
        match self.paper {
            Paper::Text => Feed::Plain,
            Paper::Unfinished => Feed::WithReturn,
            Paper::Top | Paper::Stream | Paper::Fed => Feed::None,
        }
    }

    /// A header page follows: the form feed that goes before it.
    pub fn page(&mut self) -> Feed {
        self.begun = true;
        let feed = self.advance();
        self.paper = Paper::Text;
        feed
    }

    /// A text follows.
    pub fn text(&mut self, text: TextEdges) -> FeedDecision {
        let first = !std::mem::replace(&mut self.begun, true);
        let before = match self.paper {
            _ if first && self.startff == StartFf::Swallow => FeedDecision { feed: Feed::None, swallow: text.begins },
            _ if text.begins => FeedDecision { feed: Feed::None, swallow: self.paper == Paper::Fed },
            Paper::Stream if first && self.startff == StartFf::On => FeedDecision { feed: Feed::Plain, swallow: false },
            _ => FeedDecision { feed: self.advance(), swallow: false },
        };
        // A text of which nothing is left moves no paper.
        if !(before.swallow && text.only) {
            self.paper = match () {
                () if text.ends => Paper::Fed,
                () if text.unfinished => Paper::Unfinished,
                () => Paper::Text,
            };
        }
        before
    }

    /// A finished stream follows.
    pub fn stream(&mut self) {
        (self.begun, self.paper) = (true, Paper::Stream);
    }

    /// Trailer pages follow, which fill their sheets: the form feed that goes before them.
    pub fn trailer(&mut self) -> Feed {
        let feed = self.advance();
        self.paper = Paper::Fed;
        feed
    }

    /// The job is over: the form feed that goes after it.
    pub fn end(&mut self) -> Feed {
        let feed = if self.endff && self.begun { self.advance() } else { Feed::None };
        if feed != Feed::None {
            self.paper = Paper::Fed;
        }
        feed
    }
}

#[cfg(test)]
#[path = "feeds_tests.rs"]
mod tests;
