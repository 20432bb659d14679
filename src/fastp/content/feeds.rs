//! The form-feed rules: where the paper stands, and which form feed a piece needs before it (docs/reference/fastp.md 3).
//!
//! Between two neighbouring texts (job and job, document and document, copy and copy, header page and job) lies exactly
//! one page advance: their own if they bring one, else ours. If a text begins with a form feed although the paper is at
//! top of form after another text, that form feed is swallowed; before the very first text it stays. Beside a finished
//! stream nothing is added and nothing taken away.
//!
//! | paper before | header page or trailer | text with its own form feed | text without |
//! |---|---|---|---|
//! | nothing printed | – | – | – |
//! | text | one | – | one |
//! | at top of form | – | swallowed | – |
//! | stream | – | – | – |
//!
//! STARTFF OFF ! without header page: none before the job, and the job's own first form feed is swallowed. ENDFF ON: one
//! after a text job that does not end at top of form.

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
}

/// What to do before a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedDecision {
    /// Add a form feed.
    pub feed: bool,
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

    /// A header page follows. Returns true if a form feed goes before it.
    pub fn page(&mut self) -> bool {
        self.begun = true;
        std::mem::replace(&mut self.paper, Paper::Text) == Paper::Text
    }

    /// A text follows.
    pub fn text(&mut self, text: TextEdges) -> FeedDecision {
        let first = !std::mem::replace(&mut self.begun, true);
        let before = match self.paper {
            _ if first && self.startff == StartFf::Swallow => FeedDecision { feed: false, swallow: text.begins },
            Paper::Text => FeedDecision { feed: !text.begins, swallow: false },
            Paper::Fed => FeedDecision { feed: false, swallow: text.begins },
            Paper::Top | Paper::Stream => FeedDecision::default(),
        };
        // A text of which nothing is left moves no paper.
        if !(before.swallow && text.only) {
            self.paper = if text.ends { Paper::Fed } else { Paper::Text };
        }
        before
    }

    /// A finished stream follows.
    pub fn stream(&mut self) {
        (self.begun, self.paper) = (true, Paper::Stream);
    }

    /// Trailer pages follow, which fill their sheets. Returns true if a form feed goes before them.
    pub fn trailer(&mut self) -> bool {
        std::mem::replace(&mut self.paper, Paper::Fed) == Paper::Text
    }

    /// The job is over. Returns true if a form feed goes after it.
    pub fn end(&mut self) -> bool {
        let feed = self.endff && self.begun && self.paper == Paper::Text;
        if feed {
            self.paper = Paper::Fed;
        }
        feed
    }
}

#[cfg(test)]
#[path = "feeds_tests.rs"]
mod tests;
