//! One FASTCNFG file as entries (docs/reference/fastp.md 4). Total and bounded: whatever the octets are, there is a result, and each
//! mistake has a place inside the file.
//!
//! A mistake inside a DEVICE entry is that entry's; one in a DEFAULT is that of every later device of the file. The
//! others concern everybody who reads the file: nobody can say whose entry was meant.

mod keywords;
mod pairs;

use std::sync::Arc;

use super::entry::Values;
use super::lexer::{Lexer, Mistake, Position, Token, Until};
use super::making::{Made, Making};
use super::names::Named;
use super::parsed::{DeviceEntry, FileName, Parsed, Redirection, Scope};

/// The most entries of a file.
pub const MOST_ENTRIES: usize = 100_000;
/// Mistakes kept of a file, and of an entry.
const MOST_MISTAKES: usize = 100;

/// The keywords.
pub const KEYWORDS: [&str; 7] = ["SPOOLER", "PROCESS", "DEVICE", "DEFAULT", "HOSTS", "POLLTYPE", "MACRO"];

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
        let Made { entry, connection, mistakes, notes } = Making::new(&draft.values, &common.values, draft.at).make();
        let entry = match entry {
            Some(entry) if draft.mistakes.is_empty() && common.broken.is_empty() => Ok(entry),
            _ => {
                // What is missing may stand where the entry could not be read.
                if draft.mistakes.is_empty() {
                    draft.mistakes.extend(mistakes);
                }
                draft.mistakes.extend(common.broken.iter().cloned());
                draft.mistakes.sort_by_key(|mistake| mistake.at);
                Err(connection.into_iter().chain(draft.mistakes).collect())
            }
        };
        let hosts = common.hosts.clone();
        match (draft.name, entry) {
            (Some(name), entry) => {
                let scope = self.scope.clone();
                self.out.add(DeviceEntry { name, at: draft.at, scope, entry, notes, hosts });
            }
            (None, Err(mistakes)) => Vec::into_iter(mistakes).for_each(|mistake| self.stray(mistake)),
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

    fn note(&mut self, note: Mistake) {
        if self.out.notes.len() < MOST_MISTAKES {
            self.out.notes.push(note);
        }
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
