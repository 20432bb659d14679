//! Words of another system that mean nothing here: they are kept, and shown as they were typed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One such word with its value, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWord {
    /// The word, in upper case.
    pub word: String,
    /// What followed it; empty when nothing did.
    pub value: String,
}

impl fmt::Display for KeptWord {
    /// Writes it as SPOOLCOM does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() { f.write_str(&self.word) } else { write!(f, "{} {}", self.word, self.value) }
    }
}

/// The words that an object was given, each with its last value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWords(BTreeMap<String, String>);

impl KeptWords {
    /// Keeps `word` with its value, in place of an earlier one.
    pub fn keep(&mut self, word: KeptWord) {
        self.0.insert(word.word, word.value);
    }

    /// Returns the value of a word.
    pub fn value(&self, word: &str) -> Option<&str> {
        self.0.get(word).map(String::as_str)
    }

    /// Returns all of them, by word.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(word, value)| (word.as_str(), value.as_str()))
    }

    /// Returns the form in which they are stored: a line for each; none when there are none.
    pub fn stored(&self) -> Option<String> {
        let lines: Vec<String> = self.iter().map(|(word, value)| format!("{word} {value}")).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Reads the stored form.
    pub fn from_stored(text: &str) -> Self {
        let words = text.lines().map(|line| line.split_once(' ').unwrap_or((line, "")));
        Self(words.map(|(word, value)| (word.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let mut kept = KeptWords::default();
        assert_eq!(kept.stored(), None);
        for (word, value) in [("CPU", "%1"), ("DEBUG", ""), ("CPU", "0")] {
            kept.keep(KeptWord { word: word.into(), value: value.into() });
        }
        assert_eq!(kept.iter().collect::<Vec<_>>(), [("CPU", "0"), ("DEBUG", "")]);
        assert_eq!(KeptWords::from_stored(&kept.stored().unwrap()), kept);
    }
}
