//! From shell words to one command text (docs/reference/spoolcom.md 1.1).
//!
//! A shell takes `$LP1`, `;`, `!` and parentheses for itself, and turns an unset variable into nothing. With these
//! rules a person can do without those characters, and an empty variable never means "all" or "none".
//!
//! * Options may stand anywhere. Everything else, `-3` included, belongs to the commands.
//! * An empty word is a mistake.
//! * `--state print --owner ann --loc x` after JOB become its list of qualifiers.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use super::keywords::Qualifier;

/// Options that take a value.
pub const WITH_VALUE: [&str; 8] =
    ["--since", "--in", "--out", "--spooler", "--wait", "--check", "--from-cups", "--queues"];
/// Options that are qualifiers of JOB, with their help.
pub const QUALIFIERS: [(&str, Qualifier, &str); 5] = [
    ("--state", Qualifier::State, "Only jobs in this state: open, ready, print, transfer, hold"),
    ("--owner", Qualifier::Owner, "Only jobs of this user"),
    ("--loc", Qualifier::Loc, "Only jobs for this location"),
    ("--form", Qualifier::Form, "Only jobs with this form name"),
    ("--report", Qualifier::Report, "Only jobs with this report name"),
];

/// A command line, split into its options and the words of its commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Options with their values, for clap.
    pub options: Vec<OsString>,
    /// The words of the commands.
    pub words: Vec<OsString>,
}

/// Takes the options out of `arguments`, wherever they stand.
pub fn split(arguments: &[OsString]) -> Split {
    let mut split = Split::default();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        if text == "--" {
            split.words.extend(rest.cloned());
            break;
        } else if WITH_VALUE.contains(&&*text) {
            split.options.push(word.clone());
            split.options.extend(rest.next().cloned());
        } else if QUALIFIERS.iter().any(|row| row.0 == name) {
            split.words.push(word.clone());
        } else if text.starts_with("--") || (split.words.is_empty() && (text == "-h" || text == "-V")) {
            // This includes an unknown option: clap refuses it.
            split.options.push(word.clone());
        } else {
            split.words.push(word.clone());
        }
    }
    split
}

/// Joins the words of the commands to the text that is parsed.
///
/// # Errors
/// Says why it cannot: an empty word, or a qualifier option without its value.
pub fn join(words: &[OsString]) -> Result<String, String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut qualifiers: Vec<String> = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let word = checked(word)?;
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (&*word, None),
        };
        let Some((option, key, _)) = QUALIFIERS.iter().find(|row| row.0 == name) else {
            flush(&mut qualifiers, &mut pieces);
            pieces.push(word.into_owned());
            continue;
        };
        let value = match value {
            Some(value) => Cow::Borrowed(value),
            None => checked(rest.next().map_or(OsStr::new(""), OsString::as_os_str))
                .map_err(|_| format!("{option} needs a value"))?,
        };
        // The last value may end with the comma before the first subcommand: --state print, HOLD
        let (value, ends) = value.strip_suffix(',').map_or((&*value, false), |value| (value, true));
        if value.trim().is_empty() || value.starts_with("--") {
            return Err(format!("{option} needs a value"));
        }
        qualifiers.push(format!(
            "{} {}",
            key.word(),
            quoted(value).ok_or_else(|| format!("{option}: the value mixes quotation marks"))?
        ));
        if ends {
            flush(&mut qualifiers, &mut pieces);
            pieces.push(",".into());
        }
    }
    flush(&mut qualifiers, &mut pieces);
    Ok(pieces.join(" "))
}

/// A word as text. What is not UTF-8 is shown as in a file name: no name of an object holds such a character, and a title
/// may.
fn checked(word: &OsStr) -> Result<Cow<'_, str>, String> {
    match word.to_string_lossy() {
        text if text.trim().is_empty() => Err("an empty word: was a variable not set?".to_owned()),
        text => Ok(text),
    }
}

fn flush(qualifiers: &mut Vec<String>, pieces: &mut Vec<String>) {
    if !qualifiers.is_empty() {
        pieces.push(format!("({})", qualifiers.join(", ")));
        qualifiers.clear();
    }
}

/// Quotes `value` so that the parser reads it as one text; none when it holds both quotation marks.
fn quoted(value: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '#' | '$' | '@');
    if value.chars().all(plain) {
        return Some(value.to_owned());
    }
    let mark = ['"', '\''].into_iter().find(|mark| !value.contains(*mark))?;
    Some(format!("{mark}{value}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn options_stand_anywhere_and_hyphen_values_pass() {
        let split = split(&words(&["--json", "DEV", "lp1,", "SKIP", "-3", "--in=f", "--spooler", "s", "--no-wait"]));
        assert_eq!(split.words, words(&["DEV", "lp1,", "SKIP", "-3"]));
        assert_eq!(split.options, words(&["--json", "--in=f", "--spooler", "s", "--no-wait"]));
    }

    #[test]
    fn after_two_hyphens_everything_is_a_word() {
        assert_eq!(split(&words(&["--", "--json"])).words, words(&["--json"]));
    }

    #[test]
    fn an_empty_word_is_a_mistake() {
        assert!(join(&words(&["JOB", "", "DELETE"])).is_err());
        assert!(join(&words(&[" "])).is_err());
        assert!(join(&words(&["JOB", "--owner", ""])).is_err());
        assert!(join(&words(&["JOB", "--owner", ",", "DELETE"])).is_err());
        assert!(join(&words(&["JOB", "--owner", "--state", "print"])).is_err());
    }

    #[test]
    fn qualifier_options_become_a_list() {
        let text = |list: &[&str]| join(&words(list)).unwrap();
        assert_eq!(text(&["JOB", "--state", "print", "--owner=ann,", "HOLD"]), "JOB (STATE print, OWNER ann) , HOLD");
        assert_eq!(text(&["JOB", "--report", "A, B)", ",", "HOLD"]), "JOB (REPORT \"A, B)\") , HOLD");
    }

    proptest! {
        #[test]
        fn no_value_of_a_qualifier_option_reaches_beyond_its_quotation(value in "[a-z,;()\"' ]{1,12}") {
            prop_assume!(!value.ends_with(','));
            if let Ok(text) = join(&words(&["JOB", "--report", &value, ",", "STATUS"])) {
                let commands = crate::commands::spoolcom::language::syntax::Parser::new(&text, true).commands().unwrap();
                prop_assert_eq!(commands.len(), 1);
                prop_assert_eq!(commands[0].subcommands.len(), 1);
            }
        }
    }
}
