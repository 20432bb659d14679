//! One FASTCNFG file as entries (fastp.md 13). Total and bounded: whatever the octets are, there is a result, and each
//! mistake has a place inside the file.
//!
//! A mistake inside a DEVICE entry is that entry's; one in a DEFAULT is that of every later device of the file. The
//! others concern everybody who reads the file: nobody can say whose entry was meant.

use std::collections::HashSet;
use std::sync::Arc;

use super::attributes::{Attribute, Role, TABLE, Value, find, suggestion};
use super::entry::{Entry, Given, Making, Values};
use super::lexer::{Lexer, Mistake, Position, Token, Until, shown};
use super::names::Named;
use crate::model::near;

/// The most entries of a file.
pub const MOST_ENTRIES: usize = 100_000;
/// Mistakes kept of a file, and of an entry.
const MOST_MISTAKES: usize = 100;

/// The keywords.
pub const KEYWORDS: [&str; 7] = ["SPOOLER", "PROCESS", "DEVICE", "DEFAULT", "HOSTS", "POLLTYPE", "MACRO"];

/// Whose an entry is: none = everybody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of this spooler alone.
    pub spooler: Option<Arc<Named>>,
    /// Of this print process alone.
    pub process: Option<Arc<Named>>,
}

/// A DEVICE entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// The device.
    pub name: Named,
    /// Where the entry begins.
    pub at: Position,
    /// Whose it is.
    pub scope: Scope,
    /// What it says, or what is wrong with it.
    pub entry: Result<Entry, Vec<Mistake>>,
    /// What has no effect.
    pub notes: Vec<Mistake>,
    /// The file of hosts that holds for it.
    pub hosts: Option<Arc<FileName>>,
}

/// A file that is named in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// As it is written.
    pub text: String,
    /// Where.
    pub at: Position,
}

/// `SPOOLER s FASTCNFG = f` or `PROCESS p FASTCNFG = f`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// Who goes to the other file: `process` is none for a whole spooler.
    pub scope: Scope,
    /// Where it begins.
    pub at: Position,
    /// The other file.
    pub file: FileName,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Its entries, in order.
    pub entries: Vec<DeviceEntry>,
    /// Its redirections, in order.
    pub redirections: Vec<Redirection>,
    /// Mistakes that concern everybody who reads it.
    pub mistakes: Vec<Mistake>,
    /// Mistakes that concern nobody: the entry of a device that cannot be.
    pub stray: Vec<Mistake>,
    /// What has no effect.
    pub notes: Vec<Mistake>,
}

/// Reads a file.
pub fn parse(octets: &[u8]) -> Parsed {
    let text = String::from_utf8_lossy(octets);
    let mut parser = Parser {
        lexer: Lexer::new(&text),
        out: Parsed::default(),
        scope: Scope::default(),
        common: [Common::default(), Common::default(), Common::default()],
        section: Section::Nothing,
    };
    parser.run();
    parser.out
}

/// What holds for later devices.
#[derive(Clone, Debug, Default)]
struct Common {
    values: Values,
    hosts: Option<Arc<FileName>>,
    broken: Vec<Mistake>,
}

#[derive(Debug)]
enum Section {
    /// Before the first keyword, and after HOSTS and MACRO.
    Nothing,
    /// After a mistake, up to the next keyword.
    Lost,
    /// SPOOLER or PROCESS: whether a process, its name, and where it goes.
    Of(bool, Arc<Named>, Position, Option<FileName>),
    Device(Box<Draft>),
    Default,
}

#[derive(Debug)]
struct Draft {
    /// None when the name is none.
    name: Option<Named>,
    at: Position,
    values: Values,
    mistakes: Vec<Mistake>,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    out: Parsed,
    scope: Scope,
    /// For everybody, for the spooler of the scope, for its process: each begins with what the one before it has.
    common: [Common; 3],
    section: Section,
}

fn keyword(word: &str) -> Option<&'static str> {
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(word))
}

impl Parser<'_> {
    fn run(&mut self) {
        while self.out.entries.len() < MOST_ENTRIES {
            match self.lexer.next(Until::Mark) {
                Err(mistake) => self.concerns_all(mistake),
                Ok((Token::End, _)) => return self.close(),
                // Between pairs a comma may stand.
                Ok((Token::Comma, _)) => {}
                Ok((Token::Word(word), at)) => match keyword(&word) {
                    Some(keyword) => {
                        self.close();
                        self.begin(keyword, at);
                    }
                    None if matches!(self.section, Section::Lost) => {}
                    None => self.attribute(&word, at),
                },
                Ok(_) if matches!(self.section, Section::Lost) => {}
                Ok((token, at)) => {
                    let mistake = Mistake::new(at, format!("an attribute or a keyword was expected, not {token}"));
                    let quoted = matches!(token, Token::Semicolon);
                    self.concerns_section(if quoted { mistake.hint("';' ends lists only") } else { mistake });
                }
            }
        }
        let at = self.lexer.at();
        self.concerns_all(Mistake::new(at, format!("more than {MOST_ENTRIES} entries")));
    }

    fn concerns_all(&mut self, mistake: Mistake) {
        if self.out.mistakes.len() < MOST_MISTAKES {
            self.out.mistakes.push(mistake);
        }
    }

    /// A mistake of whatever is being read.
    fn concerns_section(&mut self, mistake: Mistake) {
        match &mut self.section {
            Section::Device(draft) => {
                if draft.mistakes.len() < MOST_MISTAKES {
                    draft.mistakes.push(mistake);
                }
            }
            Section::Default => {
                let broken = &mut self.common[self.scope.depth()].broken;
                if broken.is_empty() {
                    broken.push(mistake.clone());
                }
                self.stray(mistake);
            }
            Section::Of(..) => self.concerns_all(mistake),
            Section::Nothing => {
                self.section = Section::Lost;
                self.concerns_all(mistake);
            }
            Section::Lost => {}
        }
    }

    fn stray(&mut self, mistake: Mistake) {
        if self.out.stray.len() < MOST_MISTAKES {
            self.out.stray.push(mistake);
        }
    }

    fn peek(&self) -> Token {
        self.lexer.clone().next(Until::Mark).map_or(Token::End, |(token, _)| token)
    }

    /// Whether an entry whose keyword is misspelled may begin here, behind a word that is unknown: its name and an
    /// attribute follow.
    fn may_be_an_entry(&self) -> bool {
        let mut ahead = self.lexer.clone();
        let Ok((Token::Word(name), _)) = ahead.next(Until::Mark) else { return false };
        if name.starts_with(['$', '\\']) {
            return true;
        }
        keyword(&name).is_none() && !matches!(ahead.next(Until::Mark), Ok((Token::Equals, _)))
    }

    /// A word that is no keyword.
    fn attribute(&mut self, word: &str, at: Position) {
        let row = find(word);
        if self.peek() != Token::Equals {
            let mistake = match row {
                Some(row) => {
                    let found = self.peek();
                    if matches!(&found, Token::Word(word) if keyword(word).is_none()) && self.stands_alone() {
                        // It was meant as the value.
                        let _ = self.lexer.next(Until::Mark);
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
                    // Whose entry begins here nobody can say.
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
        let _ = self.lexer.next(Until::Mark);
        let Some((value, value_at)) = self.value(word, row) else { return };
        let Some(row) = row else {
            let mistake = Mistake::new(at, format!("there is no attribute '{}'", shown(word)));
            return self.concerns_section(match suggestion(word) {
                Some(hint) => mistake.hint(hint),
                None => mistake,
            });
        };
        self.given(Given { row, value, at, value_at });
    }

    /// The value behind a `=`.
    fn value(&mut self, word: &str, row: Option<&'static Attribute>) -> Option<(String, Position)> {
        if row.is_some_and(|row| row.value == Value::List) {
            return self.list().map(|at| (String::new(), at));
        }
        let before = self.lexer.clone();
        let next = match self.lexer.next(row.map_or(Until::Mark, |row| row.until)) {
            Ok(next) => next,
            Err(mistake) => {
                self.concerns_all(mistake);
                return None;
            }
        };
        match next {
            (Token::Word(text), at) if self.peek() == Token::Equals => {
                let what = format!("a value was expected after '{} =', not '{} ='", shown(word), shown(&text));
                // What stands there is an attribute of its own.
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
    fn list(&mut self) -> Option<Position> {
        let begun = self.lexer.at();
        loop {
            match self.lexer.next(Until::Mark) {
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
    fn given(&mut self, given: Given) {
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
            Section::Of(process, ..) => {
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
    fn goes_to(&mut self, given: Given) {
        match &mut self.section {
            Section::Of(_, _, _, file @ None) => *file = Some(FileName { text: given.value, at: given.value_at }),
            Section::Of(..) => self.concerns_all(Mistake::new(given.at, "FASTCNFG is given a second time")),
            _ => self.concerns_section(Mistake::new(given.at, "FASTCNFG = belongs to SPOOLER or PROCESS")),
        }
    }

    /// Ends what is being read.
    fn close(&mut self) {
        match std::mem::replace(&mut self.section, Section::Nothing) {
            Section::Device(draft) => self.device(*draft),
            Section::Of(process, named, at, file) => self.narrow(process, named, at, file),
            Section::Nothing | Section::Lost | Section::Default => {}
        }
    }

    fn device(&mut self, mut draft: Draft) {
        let common = &self.common[self.scope.depth()];
        let (entry, notes) = Making::new(&draft.values, &common.values, draft.at).make();
        let entry = match entry {
            Ok(entry) if draft.mistakes.is_empty() && common.broken.is_empty() => Ok(entry),
            made => {
                // What is missing may stand where the entry could not be read.
                if draft.mistakes.is_empty() {
                    draft.mistakes.extend(made.err().unwrap_or_default());
                }
                draft.mistakes.extend(common.broken.iter().cloned());
                draft.mistakes.sort_by_key(|mistake| mistake.at);
                Err(draft.mistakes)
            }
        };
        let hosts = common.hosts.clone();
        match (draft.name, entry) {
            (Some(name), entry) => {
                let scope = self.scope.clone();
                self.out.entries.push(DeviceEntry { name, at: draft.at, scope, entry, notes, hosts });
            }
            (None, Err(mistakes)) => mistakes.into_iter().for_each(|mistake| self.stray(mistake)),
            (None, Ok(_)) => {}
        }
    }

    /// After SPOOLER or PROCESS: a redirection opens no scope, and ends that before it.
    fn narrow(&mut self, process: bool, named: Arc<Named>, at: Position, file: Option<FileName>) {
        let mut scope = if process {
            Scope { spooler: self.scope.spooler.clone(), process: Some(named) }
        } else {
            Scope { spooler: Some(named), process: None }
        };
        if let Some(file) = file {
            let outside = if process { Scope { process: None, ..scope.clone() } } else { Scope::default() };
            self.out.redirections.push(Redirection { scope, at, file });
            scope = outside;
        }
        // What is common to a wider scope holds in a narrower one.
        if !process {
            self.common[1] = self.common[0].clone();
        }
        let wider = usize::from(scope.spooler.is_some());
        self.common[2] = self.common[wider].clone();
        self.scope = scope;
    }

    /// A keyword.
    fn begin(&mut self, keyword: &'static str, at: Position) {
        match keyword {
            "DEVICE" => {
                let Some((text, name_at)) = self.name(keyword, at) else { return };
                let (name, mistakes) = match Named::read(&text, true) {
                    Ok(name) => (Some(name), Vec::new()),
                    Err(why) => (None, vec![Mistake::new(name_at, format!("{why} ([\\node.]$device[.#qualifier])"))]),
                };
                self.section = Section::Device(Box::new(Draft { name, at, values: Values::new(), mistakes }));
            }
            "SPOOLER" | "PROCESS" => {
                let Some((text, name_at)) = self.name(keyword, at) else { return };
                self.section = match Named::read(&text, false) {
                    Ok(name) => Section::Of(keyword == "PROCESS", Arc::new(name), at, None),
                    Err(why) => {
                        self.concerns_all(Mistake::new(name_at, format!("{why} ([\\node.]$name)")));
                        Section::Lost
                    }
                };
            }
            "DEFAULT" => {
                self.section = Section::Default;
                if let Token::Word(word) = self.peek()
                    && self::keyword(&word).is_none()
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
                // Its records are of a form of their own.
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

    fn note(&mut self, note: Mistake) {
        if self.out.notes.len() < MOST_MISTAKES {
            self.out.notes.push(note);
        }
    }

    /// Whether no '=' follows the word that comes next.
    fn stands_alone(&self) -> bool {
        let mut ahead = self.lexer.clone();
        let _ = ahead.next(Until::Mark);
        !matches!(ahead.next(Until::Mark), Ok((Token::Equals, _)))
    }

    /// The name behind a keyword. Without one nobody knows whose entry it is.
    fn name(&mut self, keyword: &str, at: Position) -> Option<(String, Position)> {
        let name_at = match self.peek() {
            // A keyword is the next entry, and not the name of this one: as a name it needs its sigil.
            Token::Word(word) if self::keyword(&word).is_none() => match self.lexer.next(Until::Mark) {
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
            let _ = self.lexer.next(Until::Mark);
        }
        match self.lexer.next(Until::Blank) {
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

impl Scope {
    /// How narrow it is.
    fn depth(&self) -> usize {
        if self.process.is_some() { 2 } else { usize::from(self.spooler.is_some()) }
    }
}

/// Where each mistake of a file stands, those of its entries included; each place once.
pub fn all_mistakes(parsed: &Parsed) -> Vec<&Mistake> {
    let of_entries = parsed.entries.iter().filter_map(|entry| entry.entry.as_ref().err()).flatten();
    let mut seen = HashSet::new();
    let mut all: Vec<&Mistake> = parsed.mistakes.iter().chain(&parsed.stray).chain(of_entries).collect();
    all.retain(|mistake| seen.insert((mistake.at, mistake.what.as_str())));
    all.sort_by_key(|mistake| mistake.at);
    all
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
