//! What may stand at the cursor in a command line of `spoolcom`: what the prompt would offer there (`prompt::complete`).
//!
//! Commands come as one quoted word or as several words. Of several a name is offered without its sign, which a shell would take
//! for itself; within quotes as it is declared.

use std::ffi::OsString;

use super::language::words::{self, QUALIFIERS, WITH_VALUE};
use super::prompt::complete::{Named, STATES, complete, names_of};
use crate::commands::completing::{self, Candidate, Cursor};
use crate::commands::shell::{Intent, Shell};
use crate::model::candidate::KnownName;
use crate::spool::interface::operations::Operations;

/// Returns what may stand at `cursor`. Options themselves and files are none of it.
pub fn find(cursor: Cursor<'_>, shell: &mut Shell<'_>) -> Vec<Candidate> {
    let host = option(cursor.before, "--spooler");
    let mut spool: Option<Option<Box<dyn Operations>>> = None;
    let mut names = |named: Named, beginning: &str| -> Vec<KnownName> {
        let open = || (shell.open)(host.as_deref(), Intent::Glance).ok();
        let spool = spool.get_or_insert_with(open);
        spool.as_mut().map(|spool| names_of(spool.as_mut(), named, beginning)).unwrap_or_default()
    };
    let last = cursor.before.last().map_or("", String::as_str);
    if last == "--state" {
        return completing::words(cursor.word, STATES);
    }
    if last == "--loc" {
        let named = names(Named::Location, cursor.word).into_iter();
        let bare = named.filter_map(|one| completing::named(one.name.trim_start_matches('#'), cursor.word));
        return bare.map(Candidate::whole).collect();
    }
    let takes_value = WITH_VALUE.contains(&last) || QUALIFIERS.iter().any(|row| row.0 == last);
    if takes_value || cursor.word.starts_with('-') {
        return Vec::new();
    }
    let before: Vec<OsString> = cursor.before.iter().map(OsString::from).collect();
    let Ok(mut line) = words::join(&words::split(&before).words) else { return Vec::new() };
    if !line.is_empty() {
        line.push(' ');
    }
    let first = line.len();
    line.push_str(cursor.word);
    let (start, found) = complete(&line, &mut names);
    // What completes a word that began before this one: nothing of it can be put here.
    let Some(kept) = start.checked_sub(first).and_then(|kept| cursor.word.get(..kept)) else { return Vec::new() };
    let alone = kept.is_empty() && cursor.word.is_empty() && !cursor.in_quotes;
    let candidate = |one: super::prompt::complete::Candidate| {
        let text = if alone { one.text.trim_start_matches(['$', '#']) } else { &one.text };
        let typed = &cursor.word[kept.len()..];
        let (word, goes_on) = match text.strip_suffix(' ') {
            // Between words of the shell the blank comes by itself.
            Some(text) if !cursor.in_quotes && kept.is_empty() => (text, false),
            _ => (text, text.ends_with(' ')),
        };
        let word = format!("{kept}{}", completing::named(word, typed)?);
        Some(if goes_on { Candidate::open(word) } else { Candidate::whole(word) }.with(one.note))
    };
    found.into_iter().filter_map(candidate).collect()
}

/// The value of an option that stands before the cursor.
fn option(words: &[String], name: &str) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix(name) {
            Some("") => return words.next().cloned(),
            Some(value) if value.starts_with('=') => return Some(value[1..].to_owned()),
            _ => {}
        }
    }
    None
}
