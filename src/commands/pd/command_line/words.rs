//! Reads the words of a command line: `-Z` files are put where they stand, then clap reads the line.
//!
//! An input file of `-Z` holds flags and arguments, each flag with its value on a line of its own. Blank lines are skipped,
//! and quotes around a value are taken off. It cannot name another input file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use super::attribute_files::read_bounded;
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::{Failure, FailureKind, printable};

/// The most words of one command line, input files included.
const MAX_WORDS: usize = 100_000;

/// Reads `words` (without the program's name) by the definition `command`. `documented` makes the same definition with its
/// long help, which takes longer than reading a line: it is made only when somebody asks for it.
pub fn parse(
    command: &mut Command,
    documented: impl FnOnce() -> Command,
    words: &[OsString],
    shell: &mut Shell<'_>,
) -> Result<ArgMatches, Stop> {
    let program = command.get_name().to_owned();
    let words = expand(command, words, &shell.cwd)?;
    let line: Vec<OsString> = std::iter::once(OsString::from(&program)).chain(words).collect();
    let result = match command.try_get_matches_from_mut(&line) {
        Err(error) if error.kind() == ErrorKind::DisplayHelp => documented().try_get_matches_from(&line),
        result => result,
    };
    let error = match result {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        shell.out.write_all(text.as_bytes())?;
        return Err(Stop::Said(Exit::Done));
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let number = shell.number_of(&Failure::new(FailureKind::BadValue, first_line(text)), true);
    let _ = write!(shell.err, "{program}: {number}{}", printable::escaped_lines(text));
    Err(Stop::Said(Exit::Usage))
}

/// The line of a message of clap that says what is wrong.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What a word is to the scanner.
enum Word {
    /// A flag or an argument, complete in itself.
    Whole,
    /// A flag whose value is the next word.
    WantsNext,
    /// `-Z`, with the file it names if that is attached.
    Input(Option<OsString>),
    /// `-h`: help is wanted, whatever else is there.
    Help,
}

/// Replaces every `-Z file` by the words of the file.
fn expand(command: &Command, words: &[OsString], cwd: &Path) -> Result<Vec<OsString>, Stop> {
    if let Some(help) = asks_for_help(command, words) {
        return Ok(vec![help.clone()]);
    }
    let mut out = Vec::with_capacity(words.len());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            out.push(word.clone());
            out.extend(rest.by_ref().cloned());
            break;
        }
        match classify(command, word) {
            Word::Help | Word::Whole => out.push(word.clone()),
            Word::WantsNext => {
                out.push(word.clone());
                out.extend(rest.next().cloned());
            }
            Word::Input(file) => {
                let file = file.or_else(|| rest.next().cloned());
                let file = file.filter(|file| !file.is_empty()).ok_or_else(|| Stop::usage("-Z needs a file name"))?;
                let path = cwd.join(&file);
                let text = read_bounded(&path)?;
                for line in text.split(|octet| *octet == b'\n') {
                    input_line(command, &path, line.trim_ascii(), &mut out)?;
                }
            }
        }
        if out.len() > MAX_WORDS {
            return Err(Stop::usage(format!("more than {MAX_WORDS} words")));
        }
    }
    Ok(out)
}

/// Finds the word that asks for help, if there is one.
fn asks_for_help<'a>(command: &Command, words: &'a [OsString]) -> Option<&'a OsString> {
    let mut rest = words.iter().take_while(|word| *word != "--");
    while let Some(word) = rest.next() {
        match classify(command, word) {
            Word::Help => return Some(word),
            Word::WantsNext | Word::Input(None) => drop(rest.next()),
            Word::Whole | Word::Input(Some(_)) => {}
        }
    }
    None
}

/// Finds out what the flags of `word` say about the next one.
fn classify(command: &Command, word: &OsStr) -> Word {
    let octets = word.as_bytes();
    if let Some(long) = octets.strip_prefix(b"--") {
        if long == b"help" {
            return Word::Help;
        }
        let takes = command.get_arguments().find(|arg| arg.get_long().is_some_and(|name| name.as_bytes() == long));
        return if takes.is_some_and(|arg| arg.get_action().takes_values()) { Word::WantsNext } else { Word::Whole };
    }
    let Some(flags) = octets.strip_prefix(b"-") else { return Word::Whole };
    for (at, octet) in flags.iter().enumerate() {
        let letter = char::from(*octet);
        if letter == 'h' {
            return Word::Help;
        }
        let Some(arg) = command.get_arguments().find(|arg| {
            arg.get_short() == Some(letter) || arg.get_all_short_aliases().is_some_and(|all| all.contains(&letter))
        }) else {
            return Word::Whole;
        };
        if !arg.get_action().takes_values() {
            continue;
        }
        let attached = &flags[at + 1..];
        return match (letter, attached.is_empty()) {
            ('Z', true) => Word::Input(None),
            ('Z', false) => Word::Input(Some(OsString::from_vec(attached.to_vec()))),
            (_, true) => Word::WantsNext,
            (_, false) => Word::Whole,
        };
    }
    Word::Whole
}

/// Reads one line of an input file.
fn input_line(command: &Command, file: &Path, line: &[u8], out: &mut Vec<OsString>) -> Result<(), Stop> {
    if line.is_empty() {
        return Ok(());
    }
    let take = |octets: &[u8]| OsString::from_vec(unquoted(octets).to_vec());
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (first, rest) = (OsStr::from_bytes(&line[..end]), line[end..].trim_ascii());
    if line.len() == 1 || line[0] != b'-' {
        out.push(take(line));
        return Ok(());
    }
    match classify(command, first) {
        Word::Input(_) => {
            return Err(Stop::usage(format!("{}: an input file cannot name another with -Z", file.display())));
        }
        Word::WantsNext => out.extend([first.to_owned(), take(rest)]),
        Word::Help | Word::Whole if rest.is_empty() => out.push(first.to_owned()),
        Word::Help | Word::Whole => out.push(take(line)),
    }
    Ok(())
}

fn unquoted(octets: &[u8]) -> &[u8] {
    match octets {
        [first @ (b'"' | b'\''), inner @ .., last] if first == last => inner,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::pd::verbs::pdpr;
    use clap::CommandFactory;

    fn words(text: &[&str]) -> Vec<OsString> {
        text.iter().map(OsString::from).collect()
    }

    #[test]
    fn an_input_file_stands_where_it_was_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("in"), "-d mail-ld\n-t 'two words'\n\nreport one.afp\n-lg\n").unwrap();
        let line = words(&["-n", "2", "-lZin", "-t", "-Z", "-Z", "in", "--", "-Z"]);
        let command = pdpr::Arguments::command();
        let found = expand(&command, &line[3..], dir.path()).unwrap();
        let file = ["-d", "mail-ld", "-t", "two words", "report one.afp", "-lg"];
        assert_eq!(found, words(&[&["-t", "-Z"], &file[..], &["--", "-Z"]].concat()));
    }

    #[test]
    fn an_input_file_cannot_name_another_and_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("in"), "-Z in\n").unwrap();
        let command = pdpr::Arguments::command();
        for line in [&["-Zin"][..], &["-Z", "nosuch"], &["-Z"], &["-Z", ""]] {
            assert!(expand(&command, &words(line), dir.path()).is_err(), "{line:?}");
        }
    }
}
