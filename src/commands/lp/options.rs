//! Options as these programs read them: one letter, with its value in the same word or the next; letters without a value may
//! share a word.

use std::ffi::OsString;

use super::Stop;

/// An option, or an argument that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A letter, with its value if it takes one.
    Option(char, Option<String>),
    /// What is no option.
    Argument(OsString),
}

/// Reads `words`. In `letters` a letter that takes a value is followed by `:`, one whose value stands in the same word or is
/// missing by `?`.
///
/// # Errors
/// Says which option is unknown or has no value.
pub fn read(words: &[OsString], letters: &str) -> Result<Vec<Item>, Stop> {
    let mut items = Vec::new();
    let mut rest = words.iter();
    let mut only_arguments = false;
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        let is_option = !only_arguments && text.len() > 1 && text.starts_with('-');
        if !is_option {
            items.push(Item::Argument(word.clone()));
            continue;
        }
        if text == "--" {
            only_arguments = true;
            continue;
        }
        let mut chars = text.chars();
        chars.next();
        while let Some(letter) = chars.next() {
            let at = letters.find(letter).filter(|_| !matches!(letter, ':' | '?'));
            let Some(at) = at else {
                return Err(Stop::Says(format!("Error - unknown option \"{}\".", letter.escape_default())));
            };
            let glued = chars.as_str().to_owned();
            match letters.get(at + letter.len_utf8()..).and_then(|rest| rest.chars().next()) {
                Some('?') => {
                    items.push(Item::Option(letter, Some(glued).filter(|value| !value.is_empty())));
                    break;
                }
                Some(':') => {
                    let value = if glued.is_empty() {
                        rest.next().map(|next| next.to_string_lossy().into_owned())
                    } else {
                        Some(glued)
                    };
                    let value = value
                        .ok_or_else(|| Stop::Says(format!("Error - expected value after \"-{letter}\" option.")))?;
                    items.push(Item::Option(letter, Some(value)));
                    break;
                }
                _ => items.push(Item::Option(letter, None)),
            }
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str], letters: &str) -> String {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match read(&words, letters) {
            Ok(items) => format!("{items:?}"),
            Err(Stop::Says(what)) => what,
            Err(Stop::Said) => String::new(),
        }
    }

    #[test]
    fn values_may_be_glued_and_letters_share_a_word() {
        assert_eq!(said(&["-dq", "-n2", "-sc"], "d:n:sc"), said(&["-d", "q", "-n", "2", "-s", "-c"], "d:n:sc"));
        assert_eq!(said(&["-a"], "a?"), "[Option('a', None)]");
        assert_eq!(said(&["-aq"], "a?"), "[Option('a', Some(\"q\"))]");
        assert_eq!(said(&["--", "-d"], "d:"), "[Argument(\"-d\")]");
        assert_eq!(said(&["-"], "d:"), "[Argument(\"-\")]");
        assert_eq!(said(&["-x"], "d:"), "Error - unknown option \"x\".");
        assert_eq!(said(&["-d"], "d:"), "Error - expected value after \"-d\" option.");
    }
}
