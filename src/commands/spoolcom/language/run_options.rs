//! The run options that a NonStop command line begins with: `SPOOLCOM / IN file, OUT file / $SPLS; commands`.
//!
//! The slash that closes them is the first one that a blank, a semicolon or the end of the line follows, so that a path
//! may hold slashes. Options that run a process there and mean nothing here are accepted, each with a warning.

use super::messages::Message;
use super::mistake::{Mistake, Span};

/// What the run options say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// The file that commands are read from.
    pub input: Option<String>,
    /// Where output goes.
    pub output: Option<String>,
    /// Options without a meaning here.
    pub ignored: Vec<String>,
}

/// Options of the command that runs a process, which mean nothing here.
const IGNORED: [&str; 14] = [
    "BUG",
    "CPU",
    "DEBUG",
    "HIGHPIN",
    "INSPECT",
    "LIB",
    "MEM",
    "NAME",
    "NOWAIT",
    "PRI",
    "SAVEABEND",
    "SWAP",
    "TERM",
    "WINDOW",
];

impl RunOptions {
    /// Reads the options at the beginning of `line`, and where they end; 0 when there are none.
    ///
    /// # Errors
    /// Fails when the list is malformed.
    pub fn read(line: &str) -> Result<(Self, usize), Mistake> {
        let mut options = Self::default();
        let first = line.len() - line.trim_start().len();
        if !line[first..].starts_with('/') || super::syntax::is_comment(line) {
            return Ok((options, 0));
        }
        let start = first + 1;
        let closes = |at: &usize| line[at + 1..].chars().next().is_none_or(|c| c.is_whitespace() || c == ';');
        let slashes = line[start..].match_indices('/').map(|(at, _)| start + at);
        let Some(end) = slashes.into_iter().find(closes) else {
            return Err(Mistake::expected(Span { start: first, end: line.len() }, "/ IN file, OUT file /"));
        };
        let mut at = start;
        for piece in line[start..end].split(',') {
            let span = Span { start: at + piece.len() - piece.trim_start().len(), end: at + piece.trim_end().len() };
            at += piece.len() + 1;
            options.take(piece.trim(), span)?;
        }
        Ok((options, end + 1))
    }

    fn take(&mut self, piece: &str, span: Span) -> Result<(), Mistake> {
        let (word, value) = piece.split_once(char::is_whitespace).unwrap_or((piece, ""));
        let word = word.to_ascii_uppercase();
        let place = match word.as_str() {
            "" if value.is_empty() => return Ok(()),
            "IN" => &mut self.input,
            "OUT" => &mut self.output,
            other if IGNORED.contains(&other) => {
                self.ignored.push(piece.to_owned());
                return Ok(());
            }
            _ => return Err(Mistake::expected(span, "IN file or OUT file")),
        };
        if value.trim().is_empty() {
            return Err(Mistake::expected(span, format!("the file of {word}")));
        }
        if place.replace(value.trim().to_owned()).is_some() {
            return Err(Mistake::new(Message::Syntax, span, format!("{word} stands here twice")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> (Option<String>, Option<String>, Vec<String>, String) {
        let (options, end) = RunOptions::read(line).unwrap();
        (options.input, options.output, options.ignored, line[end..].to_owned())
    }

    #[test]
    fn options_are_read_up_to_the_slash_that_closes_them() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("/ IN f, OUT g /"), (some("f"), some("g"), vec![], String::new()));
        assert_eq!(
            read("/in /tmp/a b,out $S.#LP/ $SPLS; DEV"),
            (some("/tmp/a b"), some("$S.#LP"), vec![], " $SPLS; DEV".into())
        );
        assert_eq!(
            read("/OUT /tmp/x/;DEV, STATUS / OUT y /"),
            (None, some("/tmp/x"), vec![], ";DEV, STATUS / OUT y /".into())
        );
        assert_eq!(read("DEV"), (None, None, vec![], "DEV".into()));
        assert_eq!(read("/* a comment"), (None, None, vec![], "/* a comment".into()));
        assert_eq!(read("/ NOWAIT, IN f /").2, ["NOWAIT"]);
        for bad in ["/ IN f", "/ IN /", "/ NAME $X, OUT /", "/ IN a, IN b /", "/ FOO x /"] {
            assert!(RunOptions::read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in "[/ ,;A-Za-z$#.\\*é]{0,40}") {
            if let Ok((_, end)) = RunOptions::read(&line) {
                prop_assert!(line.is_char_boundary(end));
            }
        }
    }
}
