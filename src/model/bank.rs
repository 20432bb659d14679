//! Banks: who may log on at a station besides by PIN, and who pays. Cards, and the language of external programs
//! (docs/reference/secure-release.md 9).
//!
//! A program is asked one question each time it runs: lines on its standard input, `WORD VALUE`, up to `end`. It answers with one
//! line on its standard output, `yes`, `no` or `over-limit`, each with a text behind it if it likes, and ends with status 0. Values
//! hold no control characters, so a title cannot be taken for a line.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::printable::is_harmful;

/// Characters of the number of a card.
pub const CARD_CHARACTERS: std::ops::RangeInclusive<usize> = 8..=64;
/// The longest time for which a guest card lets in, in hours: a year.
pub const MOST_GUEST_HOURS: u32 = 366 * 24;
/// The first line of a question: the language, and its version.
const LANGUAGE: &str = "bank 1";
/// Characters of a text of a program that are kept.
const MOST_TEXT: usize = 200;
/// Characters of a value that a program is told.
const MOST_VALUE: usize = 255;

/// The number of a card, as a reader or a person typed it. It is never shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardNumber(String);

impl CardNumber {
    /// What was typed; blanks around it do not count.
    pub fn new(typed: &str) -> Self {
        Self(typed.trim().to_owned())
    }

    /// Its characters.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that it can be the number of a card.
    ///
    /// # Errors
    /// `BadValue` with what a number is.
    pub fn check(&self) -> Result<(), Failure> {
        let bad = |why: &str| {
            let (least, most) = (CARD_CHARACTERS.start(), CARD_CHARACTERS.end());
            Err(Failure::new(FailureKind::BadValue, why.to_owned()).hint(format!(
                "the number of a card has {least} to {most} letters, digits and other visible characters"
            )))
        };
        if !self.0.bytes().all(|octet| octet.is_ascii_graphic()) {
            return bad("this is no number of a card");
        }
        if !CARD_CHARACTERS.contains(&self.0.len()) {
            return bad(&format!("this number of a card has {} characters", self.0.len()));
        }
        let first = self.0.bytes().next();
        if self.0.bytes().all(|octet| Some(octet) == first) {
            return bad("a card whose number is one character, repeated, is the first that is guessed");
        }
        Ok(())
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber(..)")
    }
}

/// What becomes of the cards of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CardChange {
    /// He gets one more; a guest card lets him in for so many hours alone.
    Add {
        /// The card.
        number: CardNumber,
        /// The hours, of a guest card.
        hours: Option<u32>,
    },
    /// One is taken from him.
    Take(CardNumber),
    /// All are taken from him.
    TakeAll,
}

/// Checks the name of a program of a bank: one in our directory for programs of others.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_program(name: &str) -> Result<(), String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(usable)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    match fits {
        true => Ok(()),
        false => {
            Err("it lies in libexec/spoolsuite, and its name has at most 64 letters, digits and - _ . +".to_owned())
        }
    }
}

/// A question to a program.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    word: &'static str,
    lines: Vec<(&'static str, String)>,
}

impl Question {
    /// A question of this kind.
    pub fn new(word: &'static str) -> Self {
        Self { word, lines: Vec::new() }
    }

    /// Its kind.
    pub fn word(&self) -> &'static str {
        self.word
    }

    /// With a line more. What cannot be shown is left out of the value, and so is what is too long.
    pub fn with(mut self, word: &'static str, value: &str) -> Self {
        let value = value.chars().filter(|c| !is_harmful(*c) && !c.is_control()).take(MOST_VALUE).collect();
        self.lines.push((word, value));
        self
    }

    /// What the program reads.
    pub fn text(&self) -> String {
        let mut text = format!("{LANGUAGE}\nask {}\n", self.word);
        for (word, value) in &self.lines {
            text.push_str(word);
            text.push(' ');
            text.push_str(value);
            text.push('\n');
        }
        text.push_str("end\n");
        text
    }
}

/// What a program answers, each with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes: to a log on with who it is, to the others with what it likes to say.
    Yes(String),
    /// No.
    No(String),
    /// There is not enough for it.
    OverLimit(String),
}

impl Answer {
    /// Reads what a program wrote. None for what is no answer.
    pub fn parse(output: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(output).ok()?;
        let mut lines = text.lines();
        let line = lines.next()?.trim();
        if lines.any(|line| !line.trim().is_empty()) {
            return None;
        }
        let (word, said) = line.split_once(' ').unwrap_or((line, ""));
        let said: String = said.trim().chars().filter(|c| !is_harmful(*c) && !c.is_control()).take(MOST_TEXT).collect();
        match word {
            "yes" => Some(Self::Yes(said)),
            "no" => Some(Self::No(said)),
            "over-limit" => Some(Self::OverLimit(said)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_eight_visible_characters_and_is_never_shown() {
        assert!(CardNumber::new(" 04A2B3C4\r\n").check().is_ok());
        for bad in ["", "1234567", "00000000", "0123 4567", "０１２３４５６７", &"12".repeat(40)] {
            assert!(CardNumber::new(bad).check().is_err(), "{bad}");
        }
        assert!(!format!("{:?}", CardNumber::new("04A2B3C4")).contains("04A2"));
    }

    #[test]
    fn no_value_can_be_taken_for_a_line() {
        let asked = Question::new("debit").with("user", "ann\nuser root").with("title", "a\u{202e}b\u{0}c");
        assert_eq!(asked.text(), "bank 1\nask debit\nuser annuser root\ntitle abc\nend\n");
        let long = Question::new("debit").with("user", &"x".repeat(10_000)).text();
        assert!(long.len() < 400);
    }

    #[test]
    fn an_answer_is_one_line_of_three_words() {
        let yes = |text: &str| Some(Answer::Yes(text.to_owned()));
        assert_eq!(Answer::parse(b"yes\n"), yes(""));
        assert_eq!(Answer::parse(b"yes  12.40 EUR \r\n"), yes("12.40 EUR"));
        assert_eq!(Answer::parse(b"over-limit 0.10 EUR\n"), Some(Answer::OverLimit("0.10 EUR".into())));
        assert_eq!(Answer::parse(b"no"), Some(Answer::No(String::new())));
        for bad in ["", "\n", "maybe", "yes\nno\n", "YES", "yesterday"] {
            assert_eq!(Answer::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Answer::parse(b"yes \xff"), None);
        let Some(Answer::Yes(long)) = Answer::parse(format!("yes {}", "x".repeat(9_000)).as_bytes()) else { panic!() };
        assert_eq!(long.len(), MOST_TEXT);
    }

    #[test]
    fn a_program_is_named_and_has_no_path() {
        assert!(check_program("campus-bank.py").is_ok());
        for bad in ["", "/bin/sh", "../sh", "-x", "a b", "a;b"] {
            assert!(check_program(bad).is_err(), "{bad}");
        }
    }
}
