//! Keywords, and what follows each: the name of a device, spooler or process, or a file.

use std::sync::Arc;

use super::{EntryDraft, Parser, Section};
use crate::fastp::fastcnfg::attributes::find;
use crate::fastp::fastcnfg::entry::Values;
use crate::fastp::fastcnfg::lexer::{Mistake, Position, Token, WordEnd, shown};
use crate::fastp::fastcnfg::names::QualifiedName;
use crate::fastp::fastcnfg::parsed::FileName;

impl Parser<'_> {
    /// A keyword.
    pub(super) fn begin(&mut self, keyword: &'static str, at: Position) {
        match keyword {
            "DEVICE" => {
                let Some((text, name_at)) = self.name(keyword, at) else { return };
                let (name, mistakes) = match QualifiedName::read(&text, true) {
                    Ok(name) => (Some(name), Vec::new()),
                    Err(why) => (None, vec![Mistake::new(name_at, format!("{why} ([\\node.]$device[.#qualifier])"))]),
                };
                self.section = Section::Device(Box::new(EntryDraft { name, at, values: Values::new(), mistakes }));
            }
            "SPOOLER" | "PROCESS" => {
                let Some((text, name_at)) = self.name(keyword, at) else { return };
                self.section = match QualifiedName::read(&text, false) {
                    Ok(name) => Section::Scope(keyword == "PROCESS", Arc::new(name), at, None),
                    Err(why) => {
                        self.concerns_all(Mistake::new(name_at, format!("{why} ([\\node.]$name)")));
                        Section::Lost
                    }
                };
            }
            "DEFAULT" => {
                self.section = Section::Default;
                if let Token::Word(word) = self.peek()
                    && super::keyword(&word).is_none()
                    && find(&word).is_none()
                    && self.stands_alone()
                {
                    self.section = Section::Lost;
                    self.concerns_all(Mistake::new(
                        at,
                        format!("DEFAULT takes no name, and '{}' stands there", shown(&word)),
                    ));
                }
            }
            "HOSTS" => self.hosts(at),
            "POLLTYPE" => {
                // Its records have a form of their own.
                self.section = Section::Lost;
                if self.name(keyword, at).is_some() {
                    self.note(Mistake::new(at, "POLLTYPE has no effect in this version"));
                }
            }
            _ => {
                self.section = Section::Lost;
                if self.name(keyword, at).is_some() && self.list().is_some() {
                    self.note(Mistake::new(at, "MACRO belongs to FASTPX25: not available in this version"));
                }
            }
        }
    }

    /// Reads the name behind a keyword. Without one nobody knows whose entry it is.
    fn name(&mut self, keyword: &str, at: Position) -> Option<(String, Position)> {
        let name_at = match self.peek() {
            // A keyword begins the next entry and is not the name of this one: as a name it needs its sigil.
            Token::Word(word) if super::keyword(&word).is_none() => match self.lexer.next(WordEnd::Mark) {
                Ok((Token::Word(text), name_at)) if self.peek() != Token::Equals => return Some((text, name_at)),
                Ok((_, name_at)) => name_at,
                Err(_) => at,
            },
            _ => at,
        };
        self.concerns_all(Mistake::new(name_at, format!("a name was expected after {keyword}")));
        self.section = Section::Lost;
        None
    }

    /// `HOSTS file`, or `HOSTS = file`.
    fn hosts(&mut self, at: Position) {
        if self.peek() == Token::Equals {
            let _ = self.lexer.next(WordEnd::Mark);
        }
        match self.lexer.next(WordEnd::Blank) {
            Ok((Token::Word(text) | Token::Quoted(text), at)) => {
                self.common[self.scope.depth()].hosts = Some(Arc::new(FileName { text, at }));
                self.section = Section::Nothing;
            }
            Ok((token, _)) => {
                self.concerns_all(Mistake::new(at, format!("a file was expected after HOSTS, not {token}")));
                self.section = Section::Lost;
            }
            Err(mistake) => {
                self.concerns_all(mistake);
                self.section = Section::Lost;
            }
        }
    }
}
