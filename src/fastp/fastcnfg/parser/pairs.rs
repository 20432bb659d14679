//! Attributes and their values: `NAME = value` inside an entry.

use super::{KEYWORDS, Parser, Section, keyword};
use crate::fastp::fastcnfg::attributes::{Attribute, Role, TABLE, Value, find, suggestion};
use crate::fastp::fastcnfg::entry::GivenValue;
use crate::fastp::fastcnfg::lexer::{Mistake, Position, Token, WordEnd, shown};
use crate::fastp::fastcnfg::parsed::FileName;
use crate::model::near;

impl Parser<'_> {
    /// Whether an entry with a misspelled keyword may begin here, after an unknown word: its name and an attribute
    /// follow.
    fn may_be_an_entry(&self) -> bool {
        let mut ahead = self.lexer.clone();
        let Ok((Token::Word(name), _)) = ahead.next(WordEnd::Mark) else { return false };
        if name.starts_with(['$', '\\']) {
            return true;
        }
        keyword(&name).is_none() && !matches!(ahead.next(WordEnd::Mark), Ok((Token::Equals, _)))
    }

    /// A word that is no keyword.
    pub(super) fn attribute(&mut self, word: &str, at: Position) {
        let row = find(word);
        if self.peek() != Token::Equals {
            let mistake = match row {
                Some(row) => {
                    let found = self.peek();
                    if matches!(&found, Token::Word(word) if keyword(word).is_none()) && self.stands_alone() {
                        // It was meant as the value.
                        let _ = self.lexer.next(WordEnd::Mark);
                    }
                    Mistake::new(at, format!("'=' was expected after {}, not {found}", row.name))
                }
                None => {
                    let what = format!("'{}' is neither a keyword nor an attribute with '='", shown(word));
                    let mut mistake = Mistake::new(at, what);
                    let names = KEYWORDS.into_iter().chain(TABLE.iter().map(|row| row.name));
                    let near_names = near(word, names);
                    if !near_names.is_empty() {
                        mistake = mistake.hint(format!("did you mean {}?", near_names.join(", ")));
                    }
                    // Nobody can say whose entry begins here.
                    if !near(word, KEYWORDS).is_empty() || self.may_be_an_entry() {
                        self.close();
                        self.section = Section::Lost;
                        return self.concerns_all(mistake);
                    }
                    mistake
                }
            };
            return self.concerns_section(mistake);
        }
        let _ = self.lexer.next(WordEnd::Mark);
        let Some((value, value_at)) = self.value(word, row) else { return };
        let Some(row) = row else {
            let mistake = Mistake::new(at, format!("there is no attribute '{}'", shown(word)));
            return self.concerns_section(match suggestion(word) {
                Some(hint) => mistake.hint(hint),
                None => mistake,
            });
        };
        self.given(GivenValue { row, value, at, value_at });
    }

    /// Reads the value behind a `=`.
    fn value(&mut self, word: &str, row: Option<&'static Attribute>) -> Option<(String, Position)> {
        if row.is_some_and(|row| row.value == Value::List) {
            return self.list().map(|at| (String::new(), at));
        }
        let before = self.lexer.clone();
        let next = match self.lexer.next(row.map_or(WordEnd::Mark, |row| row.until)) {
            Ok(next) => next,
            Err(mistake) => {
                self.concerns_all(mistake);
                return None;
            }
        };
        match next {
            (Token::Word(text), at) if self.peek() == Token::Equals => {
                let what = format!("a value was expected after '{} =', not '{} ='", shown(word), shown(&text));
                // The next word is an attribute of its own.
                self.lexer = before;
                self.concerns_section(Mistake::new(at, what));
                None
            }
            (Token::Word(text), at) if keyword(&text).is_some() => {
                self.lexer = before;
                let what = format!("a value was expected after '{} =', not '{text}'", shown(word));
                self.concerns_section(Mistake::new(at, what).hint("a value that is a keyword is written in \"…\""));
                None
            }
            (Token::Word(text) | Token::Quoted(text), at) => Some((text, at)),
            (token, at) => {
                self.concerns_section(Mistake::new(
                    at,
                    format!("a value was expected after '{} =', not {token}", shown(word)),
                ));
                None
            }
        }
    }

    /// Words up to a `;`.
    pub(super) fn list(&mut self) -> Option<Position> {
        let begun = self.lexer.at();
        loop {
            match self.lexer.next(WordEnd::Mark) {
                Ok((Token::Semicolon, at)) => return Some(at),
                Ok((Token::End | Token::Equals, _)) => {
                    self.concerns_all(Mistake::new(begun, "a list has no end").hint("';' ends it"));
                    return None;
                }
                Ok(_) => {}
                Err(mistake) => self.concerns_all(mistake),
            }
        }
    }

    /// An attribute and its value.
    fn given(&mut self, given: GivenValue) {
        let name = given.row.name;
        if given.row.role == Role::Fastcnfg {
            return self.goes_to(given);
        }
        let owned = matches!(given.row.role, Role::Uri | Role::Path);
        if let Section::Default = &self.section
            && owned
        {
            return self.concerns_section(Mistake::new(given.at, format!("{name} cannot be common to devices")));
        }
        let checked = given.row.check(&given.value);
        let depth = self.scope.depth();
        let values = match &mut self.section {
            Section::Device(draft) => &mut draft.values,
            Section::Default => {
                // A later DEFAULT changes what an earlier one said.
                self.common[depth].values.remove(name);
                &mut self.common[depth].values
            }
            Section::Scope(process, ..) => {
                let of = if *process { "PROCESS" } else { "SPOOLER" };
                let what = format!("{name} must not follow {of} directly: DEVICE or FASTCNFG = was expected");
                return self.concerns_all(Mistake::new(given.at, what));
            }
            Section::Nothing | Section::Lost => {
                let what = format!("{name} belongs to no DEVICE");
                return self.concerns_section(Mistake::new(given.at, what));
            }
        };
        if let Some(first) = values.get(name) {
            let what = format!("{name} is given a second time: first in line {}", first.at.line);
            return self.concerns_section(Mistake::new(given.at, what));
        }
        match checked {
            Ok(()) => {
                values.insert(name, given);
            }
            Err(what) => self.concerns_section(Mistake::new(given.value_at, what)),
        }
    }

    /// `FASTCNFG = file`.
    fn goes_to(&mut self, given: GivenValue) {
        match &mut self.section {
            Section::Scope(_, _, _, file @ None) => *file = Some(FileName { text: given.value, at: given.value_at }),
            Section::Scope(..) => self.concerns_all(Mistake::new(given.at, "FASTCNFG is given a second time")),
            _ => self.concerns_section(Mistake::new(given.at, "FASTCNFG = belongs to SPOOLER or PROCESS")),
        }
    }

    /// Whether no '=' follows the word that comes next.
    pub(super) fn stands_alone(&self) -> bool {
        let mut ahead = self.lexer.clone();
        let _ = ahead.next(WordEnd::Mark);
        !matches!(ahead.next(WordEnd::Mark), Ok((Token::Equals, _)))
    }
}
