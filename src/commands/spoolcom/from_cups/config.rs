//! Reads `printers.conf` and `classes.conf` of CUPS.
//!
//! A file is sections (`<Printer NAME>` to `</Printer>`) of directives, one a line: a word, blanks, and its value to the end
//! of the line. `#` begins a comment unless `\` stands before it. CUPS itself reads every file that it ever wrote; here too a
//! line that means nothing is told, and the rest is read. Sizes are judged before work is done.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest file, in octets.
const MAX_FILE: u64 = 64 << 20;
/// The longest line, in octets.
const MAX_LINE: usize = 64 << 10;
/// The most sections of a file.
const MAX_SECTIONS: usize = 100_000;

/// What a section declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A printer.
    Printer,
    /// A class of printers.
    Class,
}

/// One line of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Where it stands, from 1.
    pub line: usize,
    /// Its word, as it was written.
    pub word: String,
    /// What follows it; empty when nothing does.
    pub value: String,
}

/// A printer or a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it declares.
    pub kind: Kind,
    /// Its name, as it was written.
    pub name: String,
    /// Whether it is the default destination.
    pub default: bool,
    /// Where it begins, from 1.
    pub line: usize,
    /// Its lines.
    pub directives: Vec<Directive>,
}

/// A line that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// Where it stands, from 1; 0 = the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Reads a text file of a bounded size; none when there is no such file. Octets that are no UTF-8 become U+FFFD.
///
/// # Errors
/// Says why it cannot be read.
pub fn read_text(path: &Path) -> Result<Option<String>, String> {
    let file = match crate::sys::files::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(crate::commands::plain(&error)),
    };
    read_open(file).map(Some)
}

fn read_open(file: File) -> Result<String, String> {
    let mut octets = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut octets).map_err(|error| crate::commands::plain(&error))?;
    if octets.len() as u64 > MAX_FILE {
        return Err(format!("it is longer than {MAX_FILE} octets"));
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// Reads the text of one of the two files: its sections in their order, and what means nothing.
pub fn read(text: &str) -> (Vec<Section>, Vec<Odd>) {
    let (mut sections, mut odd) = (Vec::new(), Vec::new());
    let mut open: Option<Section> = None;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let mut tell = |what: String| odd.push(Odd { line: number, what });
        if line.len() > MAX_LINE {
            tell(format!("the line is longer than {MAX_LINE} octets"));
            continue;
        }
        let line = without_comment(line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Some(tag) = line.strip_prefix('<') {
            match read_tag(tag) {
                Some(Tag::Begin(kind, default, name)) => {
                    if let Some(before) = open.take() {
                        tell(format!("'{}' has no end before the next one begins", before.name));
                        sections.push(before);
                    }
                    if sections.len() >= MAX_SECTIONS {
                        tell(format!("there are more than {MAX_SECTIONS} queues; the rest was not read"));
                        return (sections, odd);
                    }
                    open = Some(Section { kind, name, default, line: number, directives: Vec::new() });
                }
                Some(Tag::End) => match open.take() {
                    Some(section) => sections.push(section),
                    None => tell("an end of nothing".to_owned()),
                },
                None => tell("is no begin or end of a printer or a class".to_owned()),
            }
            continue;
        }
        let (word, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match &mut open {
            Some(section) => section.directives.push(Directive {
                line: number,
                word: word.to_owned(),
                value: value.trim().to_owned(),
            }),
            // The number of the next printer is nothing of a site.
            None if word.eq_ignore_ascii_case("NextPrinterId") => {}
            None => tell(format!("'{word}' stands in no printer and no class")),
        }
    }
    if let Some(section) = open {
        odd.push(Odd { line: section.line, what: format!("'{}' has no end: the file is cut off", section.name) });
        sections.push(section);
    }
    (sections, odd)
}

/// A line in angle brackets.
enum Tag {
    Begin(Kind, bool, String),
    End,
}

/// Reads what follows `<`.
fn read_tag(text: &str) -> Option<Tag> {
    let text = text.strip_suffix('>')?;
    let kind = |word: &str| match word.to_ascii_lowercase().as_str() {
        "printer" => Some((Kind::Printer, false)),
        "defaultprinter" => Some((Kind::Printer, true)),
        "class" => Some((Kind::Class, false)),
        "defaultclass" => Some((Kind::Class, true)),
        _ => None,
    };
    if let Some(word) = text.strip_prefix('/') {
        return kind(word.trim()).map(|_| Tag::End);
    }
    let (word, name) = text.split_once(char::is_whitespace)?;
    let (kind, default) = kind(word)?;
    Some(name.trim()).filter(|name| !name.is_empty()).map(|name| Tag::Begin(kind, default, name.to_owned()))
}

/// Returns a line without its comment, and with the marks that are none.
fn without_comment(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('#') {
        match rest.get(..at).and_then(|before| before.strip_suffix('\\')) {
            Some(before) => {
                out.push_str(before);
                out.push('#');
                rest = rest.get(at + 1..).unwrap_or_default();
            }
            None => {
                out.push_str(rest.get(..at).unwrap_or_default());
                return out;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_their_lines_are_read() {
        let (sections, odd) = read(
            "# a comment\nNextPrinterId 3\n<DefaultPrinter lp1>\nInfo one \\# two # no\nState Idle\n</DefaultPrinter>\n<Class c>\nPrinter lp1\n</Class>\n",
        );
        assert_eq!(odd, []);
        assert_eq!(sections.len(), 2);
        assert!(sections[0].default && sections[0].kind == Kind::Printer && sections[0].line == 3);
        let info = Directive { line: 4, word: "Info".into(), value: "one # two".into() };
        assert_eq!(sections[0].directives[0], info);
        assert_eq!(sections[1].directives[0].value, "lp1");
    }

    #[test]
    fn what_means_nothing_is_told_and_the_rest_is_read() {
        let (sections, odd) = read("</Printer>\nHello\n<Printer>\n<Printer a>\n<Printer b>\nState Idle\n");
        assert_eq!(sections.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let told: Vec<String> = odd.iter().map(|odd| format!("{}: {}", odd.line, odd.what)).collect();
        assert_eq!(
            told,
            [
                "1: an end of nothing",
                "2: 'Hello' stands in no printer and no class",
                "3: is no begin or end of a printer or a class",
                "5: 'a' has no end before the next one begins",
                "5: 'b' has no end: the file is cut off",
            ]
        );
    }
}
