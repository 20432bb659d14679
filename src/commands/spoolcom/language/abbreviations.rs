//! Abbreviations: a beginning that only one of the words has stands for that word.
//!
//! A word that is written out is always meant, also where another one begins with it (HOLD, HOLDAFTER). Among the words of a
//! shell nothing is abbreviated: what is left of a mistyped command must not become another one.

use super::messages::Message;
use super::mistake::{Mistake, Span};

/// What a typed word may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This one of the words, by its place.
    One(usize),
    /// None of them.
    None,
    /// One of several.
    Several(Vec<&'static str>),
}

/// Finds what `typed` stands for among `words`.
pub fn meaning(typed: &str, words: &[&'static str], abbreviates: bool) -> Meaning {
    if let Some(at) = words.iter().position(|word| word.eq_ignore_ascii_case(typed)) {
        return Meaning::One(at);
    }
    if !abbreviates || typed.is_empty() {
        return Meaning::None;
    }
    let begins = |word: &str| word.get(..typed.len()).is_some_and(|first| first.eq_ignore_ascii_case(typed));
    // A command of ours that came later takes no abbreviation away from those of the manual.
    let is_whole_only = |word: &str| word == "LOG" && words.contains(&"LOC");
    let found: Vec<usize> = (0..words.len()).filter(|at| begins(words[*at]) && !is_whole_only(words[*at])).collect();
    match found[..] {
        [] => Meaning::None,
        [one] => Meaning::One(one),
        _ => Meaning::Several(found.into_iter().map(|at| words[at]).collect()),
    }
}

/// Makes the mistake for an abbreviation with several meanings.
pub fn ambiguous(typed: &str, words: &[&str], span: Span) -> Mistake {
    let what = format!("{} may be {}", typed.to_uppercase(), words.join(", "));
    Mistake::new(Message::AmbiguousWord, span, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &["HOLD", "HOLDAFTER", "STATISTICS", "STATUS"];

    #[test]
    fn a_beginning_of_one_word_is_that_word_and_a_whole_word_is_itself() {
        for (typed, meant) in [("hold", 0), ("HOLDA", 1), ("statu", 3), ("STATISTICS", 2)] {
            assert_eq!(meaning(typed, WORDS, true), Meaning::One(meant), "{typed}");
        }
        assert_eq!(meaning("STAT", WORDS, true), Meaning::Several(vec!["STATISTICS", "STATUS"]));
        assert_eq!(meaning("HOLDING", WORDS, true), Meaning::None);
        assert_eq!(meaning("", WORDS, true), Meaning::None);
        assert_eq!(meaning("é", WORDS, true), Meaning::None);
    }

    #[test]
    fn nothing_is_abbreviated_in_a_shell() {
        assert_eq!(meaning("statu", WORDS, false), Meaning::None);
        assert_eq!(meaning("status", WORDS, false), Meaning::One(3));
    }
}
