//! Finds names and keywords as people type them: whole, as a synonym, or abbreviated word by word.
//!
//! `s-m-s` is `start-message-supported`: it has as many words as the full name, each a beginning of its counterpart. A
//! whole name always wins. Several candidates are an error that lists them (docs/reference/infoprint.md 1).

use crate::model::near;

/// A longer name is not looked up.
pub const MAX_NAME: usize = 64;

/// Why a word names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadWord {
    /// Nothing has that name; these names resemble it.
    Unknown(Vec<String>),
    /// It may mean each of these.
    Ambiguous(Vec<&'static str>),
}

/// Finds what `word` means among `candidates`, which are pairs of a name and what it stands for.
///
/// # Errors
/// [`BadWord`] when it means none of them or several.
pub fn resolve<T: Copy + PartialEq>(word: &str, candidates: &[(&'static str, T)]) -> Result<T, BadWord> {
    if word.is_empty() || word.len() > MAX_NAME {
        return Err(BadWord::Unknown(Vec::new()));
    }
    if let Some(found) = candidates.iter().find(|candidate| candidate.0.eq_ignore_ascii_case(word)) {
        return Ok(found.1);
    }
    let mut found: Vec<&(&'static str, T)> = Vec::new();
    for candidate in candidates.iter().filter(|candidate| abbreviates(word, candidate.0)) {
        // Two names of one thing are not ambiguous.
        if !found.iter().any(|other| other.1 == candidate.1) {
            found.push(candidate);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.1),
        [] => Err(BadWord::Unknown(near(word, candidates.iter().map(|candidate| candidate.0)))),
        many => Err(BadWord::Ambiguous(many.iter().map(|candidate| candidate.0).collect())),
    }
}

/// Finds what `word` means among `first` and `others`. A whole name always means itself. A shortened one means what is among
/// the first, and is ambiguous only among these; it means one of the others when none of the first fits.
///
/// # Errors
/// [`BadWord`] when it means none of them or several. Similar names are those of the first, if there are any.
pub fn resolve_first<T: Copy + PartialEq>(
    word: &str,
    first: &[(&'static str, T)],
    others: &[(&'static str, T)],
) -> Result<T, BadWord> {
    let mut whole = first.iter().chain(others).filter(|candidate| candidate.0.eq_ignore_ascii_case(word));
    if let Some(found) = whole.next() {
        return Ok(found.1);
    }
    match resolve(word, first) {
        Err(BadWord::Unknown(near)) => resolve(word, others).map_err(|bad| match bad {
            BadWord::Unknown(other) => BadWord::Unknown(if near.is_empty() { other } else { near }),
            many => many,
        }),
        found => found,
    }
}

/// Finds the keyword that `word` means.
///
/// # Errors
/// [`BadWord`] when it means none of them or several.
pub fn keyword(word: &str, keywords: &[&'static str]) -> Result<&'static str, BadWord> {
    let candidates: Vec<(&'static str, &'static str)> = keywords.iter().map(|k| (*k, *k)).collect();
    resolve(word, &candidates)
}

/// Attributes of AFP printing, by their whole names: some are complete here, others are beginnings of a family.
const AFP_ONLY: &[&str] = &[
    "account-text",
    "accounting1-text",
    "accounting2-text",
    "accounting3-text",
    "ack-interval",
    "address1-text",
    "address2-text",
    "address3-text",
    "address4-text",
    "base-printer",
    "building-text",
    "chars",
    "color-bits-per-plane",
    "color-mapping-table",
    "color-profile",
    "color-rendering-intent",
    "color-toner-saver",
    "data-fidelity-problem-reported",
    "department-text",
    "font-resolution",
    "form-definition",
    "halftone",
    "image-out-format",
    "image-out-formats-supported",
    "input-tray-select",
    "interrupt-message-page",
    "maximum-messages",
    "name-text",
    "new-line-option",
    "node-id-text",
    "other-transform-options",
    "output-format",
    "overlay-back",
    "overlay-front",
    "page-definition",
    "programmer-text",
    "psf-exit-program-name",
    "psf-tray-characteristics",
    "record-count",
    "resource-context",
    "resource-context-font",
    "resource-context-form-definition",
    "resource-context-overlay",
    "resource-context-page-definition",
    "resource-context-page-segment",
    "resource-context-user",
    "resource-exit",
    "room-text",
    "shared-formatting",
    "snmp-context-name",
    "title-text",
    "user-id-text",
];

/// Tells whether `name` is the whole name of an attribute that only AFP printing has.
pub fn is_afp_only(name: &str) -> bool {
    AFP_ONLY.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Returns whether `short` abbreviates `full`: it has as many words, each a beginning of its counterpart.
fn abbreviates(short: &str, full: &str) -> bool {
    let mut short = short.split('-');
    let mut full = full.split('-');
    loop {
        match (short.next(), full.next()) {
            (None, None) => return true,
            (Some(part), Some(word)) if !part.is_empty() && begins(word, part) => {}
            _ => return false,
        }
    }
}

fn begins(word: &str, part: &str) -> bool {
    word.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [(&str, u8); 5] =
        [("job-owner", 1), ("job-originator", 2), ("job-name", 3), ("job-names-used", 4), ("owner", 1)];

    #[test]
    fn the_first_letters_suffice_while_they_are_unique() {
        assert_eq!(resolve("j-ow", &NAMES), Ok(1));
        assert_eq!(resolve("j-or", &NAMES), Ok(2));
        assert_eq!(resolve("j-n", &NAMES), Ok(3));
        assert_eq!(resolve("j-n-u", &NAMES), Ok(4));
        assert_eq!(resolve("JOB-NAME", &NAMES), Ok(3));
        assert_eq!(resolve("j-o", &NAMES), Err(BadWord::Ambiguous(vec!["job-owner", "job-originator"])));
        assert_eq!(resolve("ow", &NAMES), Ok(1));
    }

    #[test]
    fn a_shortened_name_means_the_first_that_fit_and_a_whole_one_itself() {
        let (first, others) = NAMES.split_at(3);
        assert_eq!(resolve_first("j-n", first, others), Ok(3));
        assert_eq!(resolve_first("j-n-u", first, others), Ok(4));
        assert_eq!(resolve_first("owner", first, others), Ok(1));
        assert_eq!(resolve_first("j-o", first, others), Err(BadWord::Ambiguous(vec!["job-owner", "job-originator"])));
        assert_eq!(resolve_first("jbo-name", first, others), Err(BadWord::Unknown(vec!["job-name".into()])));
    }

    #[test]
    fn what_is_unknown_names_its_neighbours() {
        assert_eq!(resolve("job-nam3", &NAMES), Err(BadWord::Unknown(vec!["job-name".into()])));
        assert_eq!(resolve("", &NAMES), Err(BadWord::Unknown(vec![])));
        assert_eq!(resolve("-", &NAMES), Err(BadWord::Unknown(vec![])));
    }

    proptest! {
        #[test]
        fn any_word_is_answered(word in ".{0,80}") {
            let _ = resolve(&word, &NAMES);
        }

        #[test]
        fn a_unique_beginning_of_every_word_is_the_name(cut in 1usize..5) {
            let short: Vec<&str> = ["job", "names", "used"].iter().map(|w| &w[..cut.min(w.len())]).collect();
            prop_assert_eq!(resolve(&short.join("-"), &NAMES), Ok(4));
        }
    }
}
