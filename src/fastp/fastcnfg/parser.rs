//! Parses one FASTCNFG file into entries (docs/reference/fastp.md 4). Total and bounded: whatever the octets are, there is a result,
//! and each mistake has a position inside the file.
//!
//! A mistake inside a DEVICE entry concerns that entry; one in a DEFAULT concerns every later device of the file. Any
//! other concerns everybody who reads the file: nobody can say whose entry was meant.

mod keywords;
mod pairs;

use std::sync::Arc;

use super::entry::Values;
use super::entry_builder::{BuiltEntry, EntryBuilder};
use super::lexer::{Lexer, Mistake, Position, Token, WordEnd};
use super::names::QualifiedName;
use super::parsed::{DeviceEntry, FileName, ParsedFile, Redirection, Scope};

/// The most entries of a file.
pub const MOST_ENTRIES: usize = 100_000;
/// Mistakes kept of a file, and of an entry.
const MOST_MISTAKES: usize = 100;

/// The keywords.
pub const KEYWORDS: [&str; 7] = ["SPOOLER", "PROCESS", "DEVICE", "DEFAULT", "HOSTS", "POLLTYPE", "MACRO"];

/// Reads a file.
pub fn parse(octets: &[u8]) -> ParsedFile {
    let text = String::from_utf8_lossy(octets);
    let mut parser = Parser {
        lexer: Lexer::new(&text),
        out: ParsedFile::default(),
        scope: Scope::default(),
        common: [Defaults::default(), Defaults::default(), Defaults::default()],
        section: Section::Nothing,
    };
    parser.run();
    parser.out
}

/// Values for later devices.
#[derive(Clone, Debug, Default)]
struct Defaults {
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
    Scope(bool, Arc<QualifiedName>, Position, Option<FileName>),
    Device(Box<EntryDraft>),
    Default,
}

#[derive(Debug)]
struct EntryDraft {
    /// None when the name is not valid.
    name: Option<QualifiedName>,
    at: Position,
    values: Values,
    mistakes: Vec<Mistake>,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    out: ParsedFile,
    scope: Scope,
    /// Defaults for everybody, for the spooler of the scope, and for its process; each starts with what the wider one
    /// has.
    common: [Defaults; 3],
    section: Section,
}

fn keyword(word: &str) -> Option<&'static str> {
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(word))
}

impl Parser<'_> {
    fn run(&mut self) {
        while self.out.entries.len() < MOST_ENTRIES {
            match self.lexer.next(WordEnd::Mark) {
                Err(mistake) => self.concerns_all(mistake),
                Ok((Token::End, _)) => return self.close(),
                // A comma may stand between pairs.
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

    /// Records a mistake of the current section.
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
            Section::Scope(..) => self.concerns_all(mistake),
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
        self.lexer.clone().next(WordEnd::Mark).map_or(Token::End, |(token, _)| token)
    }

    /// Ends the current section.
    fn close(&mut self) {
        match std::mem::replace(&mut self.section, Section::Nothing) {
            Section::Device(draft) => self.device(*draft),
            Section::Scope(process, named, at, file) => self.narrow(process, named, at, file),
            Section::Nothing | Section::Lost | Section::Default => {}
        }
    }

    fn device(&mut self, mut draft: EntryDraft) {
        let common = &self.common[self.scope.depth()];
        let BuiltEntry { entry, connection, mistakes, notes } =
            EntryBuilder::new(&draft.values, &common.values, draft.at).build();
        let entry = match entry {
            Some(entry) if draft.mistakes.is_empty() && common.broken.is_empty() => Ok(entry),
            _ => {
                // What is missing may be in the part that could not be read.
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
    fn narrow(&mut self, process: bool, named: Arc<QualifiedName>, at: Position, file: Option<FileName>) {
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
        // Defaults of a wider scope also hold in a narrower one.
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
