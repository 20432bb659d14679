//! Completion: the words that may stand at the cursor, from the grammar and from the objects of the spool.
//!
//! Nothing here asks the spool except through [`Names`], and only where a name may stand. A keyword is offered in the
//! case in which its beginning was typed. A name is offered as it was declared, with its `$` or `#` unless the user
//! left that out.

use crate::model::DeviceName;
use crate::model::candidate::{self, KnownName, NameKind};
use crate::model::device::RAW;
use crate::spool::interface::operations::Operations;

use crate::commands::spoolcom::displays::SUPERVISOR;
use crate::commands::spoolcom::language::grammar::{GRAMMAR, Grammar, Operand, Row, Stage};
use crate::commands::spoolcom::language::keywords::{Key, Qualifier, Verb};

/// The states of jobs, as a qualifier names them.
pub const STATES: [&str; 5] = ["OPEN", "READY", "PRINT", "TRANSFER", "HOLD"];
/// The most names that are offered.
const MOST: usize = 200;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// `$device`
    Device,
    /// `$process`
    Process,
    /// `$collector`
    Collector,
    /// `#group.dest`
    Location,
    /// `#group.dest`, or `#group`
    LocationOrGroup,
    /// A job number.
    Job,
}

/// Returns names of a kind, as SPOOLCOM writes them; all that begin with a text are among them.
pub type Names<'a> = dyn FnMut(Named, &str) -> Vec<KnownName> + 'a;

/// Returns the names of objects of `spool`.
pub fn names_of(spool: &mut dyn Operations, named: Named, beginning: &str) -> Vec<KnownName> {
    let plain = beginning.trim_start_matches(['$', '#']);
    let kind = match named {
        Named::Device => NameKind::Device,
        Named::Process => NameKind::Process,
        Named::Collector => NameKind::Collector,
        Named::Location | Named::LocationOrGroup => NameKind::Location,
        Named::Job => NameKind::JobNumber,
    };
    let mut names: Vec<KnownName> = Vec::new();
    for mut one in spool.names(kind, beginning.to_owned(), candidate::MOST).unwrap_or_default() {
        one.name = match named {
            Named::Device => one.name.parse::<DeviceName>().map_or(one.name, |name| name.guardian()),
            Named::Process | Named::Collector => format!("${}", one.name),
            Named::Location | Named::LocationOrGroup => format!("#{}", one.name),
            Named::Job => one.name,
        };
        let group = one.name.split('.').next().unwrap_or_default();
        // A listing is sorted, so the locations of a group are neighbours.
        if named == Named::LocationOrGroup && !names.iter().rev().any(|known| known.name == group) {
            names.push(KnownName::plain(group));
        }
        names.push(one);
    }
    names.retain(|one| begins(one.name.trim_start_matches(['$', '#']), plain) || begins(&one.name, beginning));
    names.truncate(MOST);
    names
}

fn begins(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// A word that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The word as it is listed.
    pub shown: String,
    /// The text that replaces the typed word, perhaps with a blank after it.
    pub text: String,
    /// What a list may show beside it.
    pub note: String,
}

/// Returns the words that may stand at the end of `before`, which is the line up to the cursor, and where the word
/// begins that they complete.
pub fn complete(before: &str, names: &mut Names<'_>) -> (usize, Vec<Candidate>) {
    let Some(place) = Place::of(before) else {
        return (before.len(), Vec::new());
    };
    let word = &before[place.word..];
    (place.word, place.candidates(word, names))
}

/// The place of the cursor in its command.
struct Place<'a> {
    /// Where the word that is being typed begins.
    word: usize,
    /// The command word, if it has been typed.
    verb: Option<&'static Grammar>,
    /// The complete words of this piece of the command, before the one that is being typed.
    words: Vec<&'a str>,
    /// Whether it is inside the parentheses of JOB.
    list: bool,
    /// Whether it is after a comma.
    subcommand: bool,
}

impl<'a> Place<'a> {
    /// Finds the place; none in a comment or a quotation, where nothing can be completed.
    fn of(before: &'a str) -> Option<Self> {
        if before.trim_start().starts_with("/*") {
            return None;
        }
        let (mut command, mut piece) = (0, 0);
        let (mut list, mut subcommand, mut quotation) = (false, false, None);
        for (at, c) in before.char_indices() {
            let next = at + c.len_utf8();
            match (quotation, c) {
                (Some(mark), _) if c == mark => quotation = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quotation = Some(c),
                (None, ';') if !list => (command, piece, subcommand) = (next, next, false),
                (None, ',') if list => piece = next,
                (None, ',') => (piece, subcommand) = (next, true),
                (None, '(') => (piece, list) = (next, true),
                (None, ')') => list = false,
                _ => {}
            }
        }
        if quotation.is_some() {
            return None;
        }
        let first = before[command..].split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty());
        let text = &before[piece..];
        let word = piece + text.rfind([' ', '\t']).map_or(0, |at| at + 1);
        let words: Vec<&str> = before[piece..word].split_whitespace().collect();
        let typed = !words.is_empty() || subcommand || list;
        let verb = first.filter(|_| typed).and_then(Verb::from_word).map(Verb::grammar);
        if typed && verb.is_none_or(|grammar| grammar.verb == Verb::Comment) {
            return None;
        }
        Some(Self { word, verb, words, list, subcommand })
    }

    fn candidates(&self, word: &str, names: &mut Names<'_>) -> Vec<Candidate> {
        let Some(grammar) = self.verb else {
            return keywords(
                word,
                GRAMMAR.iter().map(|grammar| (grammar.verb.word(), !grammar.object_syntax.is_empty())),
            );
        };
        if self.list {
            return qualifier(&self.words, word, names);
        }
        let rows = grammar.rows.iter().filter(|row| row.stage == Stage::Now);
        let subcommands = |rows: &mut dyn Iterator<Item = &'static Row>| {
            keywords(word, rows.map(|row| (row.key.word(), !matches!(row.operand, Operand::None | Operand::Bang))))
        };
        match (self.subcommand, self.words.as_slice()) {
            (false, [_]) => object(grammar.verb, word, names),
            (false, [_, topic]) if grammar.verb == Verb::Help => {
                let rows = Verb::from_word(topic).map(|verb| verb.grammar().rows).unwrap_or_default();
                subcommands(&mut rows.iter())
            }
            (true, []) => subcommands(&mut rows.into_iter()),
            (true, [key]) => {
                let row = grammar.rows.iter().find(|row| row.key.word().eq_ignore_ascii_case(key));
                row.map(|row| operand(row, word, names)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

fn object(verb: Verb, word: &str, names: &mut Names<'_>) -> Vec<Candidate> {
    match verb {
        Verb::Dev => named(Named::Device, word, names),
        Verb::Print => named(Named::Process, word, names),
        Verb::Collect => named(Named::Collector, word, names),
        Verb::Loc => named(Named::LocationOrGroup, word, names),
        Verb::Job => named(Named::Job, word, names),
        Verb::Open => sigiled(vec![KnownName::plain(SUPERVISOR)], word),
        Verb::Help => keywords(word, Verb::ALL.iter().map(|verb| (verb.word(), false))),
        _ => Vec::new(),
    }
}

fn operand(row: &Row, word: &str, names: &mut Names<'_>) -> Vec<Candidate> {
    let mut candidates = match row.key {
        Key::Process => named(Named::Process, word, names),
        Key::Dev => named(Named::Device, word, names),
        Key::Loc => named(Named::Location, word, names),
        Key::Job => named(Named::Job, word, names),
        Key::Uri => keywords(
            word,
            ["file:///", "char:///", "fifo:///", "socket://", "null:"].map(|word| (word, false)).into_iter(),
        ),
        Key::File => keywords(word, [("fastp", false)].into_iter()),
        Key::Content => keywords(word, [(RAW, false)].into_iter()),
        _ => Vec::new(),
    };
    let words: &[&'static str] = match row.operand {
        Operand::Switch | Operand::SwitchOrNumber(..) => &["ON", "OFF"],
        Operand::SwitchBang => &["ON", "OFF", "OFF!"],
        Operand::OptionalName | Operand::OptionalText | Operand::Pair => &["NONE"],
        Operand::OneOf(words) => words,
        Operand::Display => &["DETAIL", "/OUT"],
        _ => &[],
    };
    candidates.extend(keywords(word, words.iter().map(|word| (*word, false))));
    candidates
}

/// Returns what may stand inside the parentheses of JOB.
fn qualifier(words: &[&str], word: &str, names: &mut Names<'_>) -> Vec<Candidate> {
    match words {
        [] => keywords(word, Qualifier::ALL.iter().map(|key| (key.word(), true))),
        [key] => match Qualifier::from_word(key) {
            Some(Qualifier::Loc) => named(Named::Location, word, names),
            Some(Qualifier::State) => keywords(word, STATES.map(|word| (word, false)).into_iter()),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn named(kind: Named, word: &str, names: &mut Names<'_>) -> Vec<Candidate> {
    sigiled(names(kind, word), word)
}

/// Returns the names that begin with `word`, without their sigil if it has none.
fn sigiled(names: Vec<KnownName>, word: &str) -> Vec<Candidate> {
    let bare = !word.is_empty() && !word.starts_with(['$', '#', '\\']);
    let plain = |name: String| if bare { name.trim_start_matches(['$', '#']).to_owned() } else { name };
    let candidate = |one: KnownName| Candidate { text: plain(one.name), shown: String::new(), note: one.note };
    let candidates = names.into_iter().map(candidate).filter(|one| begins(&one.text, word));
    candidates.map(|one| Candidate { shown: one.text.clone(), ..one }).collect()
}

/// Returns the keywords that begin with `word`, in its case, each with a blank if something follows it.
fn keywords(word: &str, all: impl Iterator<Item = (&'static str, bool)>) -> Vec<Candidate> {
    let lower = word.contains(|c: char| c.is_ascii_lowercase()) && !word.contains(|c: char| c.is_ascii_uppercase());
    all.filter(|(keyword, _)| begins(keyword, word))
        .map(|(keyword, more)| {
            let shown = if lower { keyword.to_ascii_lowercase() } else { keyword.to_owned() };
            let text = if more { format!("{shown} ") } else { shown.clone() };
            Candidate { shown, text, note: String::new() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::spoolcom::fake::{spool, world};
    use proptest::prelude::*;

    fn after(before: &str) -> String {
        let mut spool = spool(&world());
        let (start, candidates) = complete(before, &mut |named, word| names_of(spool.as_mut(), named, word));
        let words: Vec<String> = candidates.into_iter().map(|one| one.text).collect();
        format!("{} + {}", &before[..start], words.join("|"))
    }

    #[test]
    fn words_and_names() {
        let lines = [
            "",
            "DE",
            "de",
            "DEV ",
            "DEV $L",
            "dev l",
            "DEV $LP1",
            "DEV $FAST",
            "DEV $LP1, ST",
            "dev lp1, ex",
            "DEV LP1, EXCLUSIVE ",
            "DEV LP1, PROCESS $",
            "DEV LP1, FIFO ON, FORM ",
            "DEV LP1, STATUS ",
            "DEV LP1, URI s",
            "JOB ",
            "JOB (",
            "JOB(STATE PR",
            "JOB (STATE PRINT, L",
            "JOB (STATE PRINT, LOC #O",
            "JOB (STATE PRINT, LOC #OFFICE.FRONT), H",
            "LOC ",
            "LOC #",
            "LOC off",
            "LOC #OFFICE.FRONT, DEV ",
            "PRINT $SPLA, START; SP",
            "COLLECT ",
            "COLLECT $s1",
            "SPOOLER, M",
            "HELP D",
            "HELP DEV DR",
            "OPEN ",
            "COMMENT DEV $",
            "/* DE",
            "DEV $LP1, FORM 'x; DE",
            "NIX ",
            "DEV x y z, FORM a b ",
        ];
        let shown: Vec<String> = lines.iter().map(|line| after(line)).collect();
        insta::assert_snapshot!("completion", shown.join("\n"));
    }

    proptest! {
        #[test]
        fn every_place_in_every_line_has_an_answer_and_each_candidate_is_a_line(
            line in prop::string::string_regex("(DEV|JOB|LOC|HELP|dev| |,|;|\\(|\\)|'|\"|\\$|#|STATE|é|漢|FIFO|\\PC){0,12}").unwrap()
        ) {
            let mut spool = spool(&world());
            for (at, _) in line.char_indices().chain([(line.len(), ' ')]) {
                let before = &line[..at];
                let (start, candidates) = complete(before, &mut |named, word| names_of(spool.as_mut(), named, word));
                prop_assert!(before.is_char_boundary(start));
                for candidate in candidates {
                    prop_assert!(begins(&candidate.text, &before[start..]), "{before:?} {candidate:?}");
                }
            }
        }
    }
}
