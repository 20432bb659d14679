//! Characters to lexemes, on demand.
//!
//! The parser asks for the next lexeme, for a text up to the next comma, or for the rest of the line. Why not all
//! lexemes at once? What a character means depends on where it stands: an apostrophe in a COMMENT opens no quotation.
//! Every lexeme knows its place, so that a mistake can be shown there.
//!
//! A control character, or octets that are no text, are a mistake where a command has them. A comment may hold anything.
//!
//! A backslash before `$`, `!` or `#` is left over from a shell and means nothing. Before anything else it is part of
//! the word (`\NODE.$LP1`).

use super::messages::Message;
use super::mistake::{Mistake, Span};

/// What a lexeme is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A run of characters without blanks and marks.
    Word(String),
    /// Text between quotation marks.
    Quoted(String),
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `!`
    Bang,
    /// Nothing follows.
    End,
}

/// A token and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub token: Token,
    /// Where it stood.
    pub span: Span,
}

/// Reads one line.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    line: &'a str,
    at: usize,
    /// Whether octets of the line were no text: U+FFFD stands for them.
    lossy: bool,
    /// The next character that no command contains.
    odd: Option<(usize, char)>,
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | ';' | '(' | ')' | '!')
}

impl<'a> Lexer<'a> {
    /// Begins to read `line`. In a `lossy` one U+FFFD stands for octets that were no text.
    pub fn new(line: &'a str, lossy: bool) -> Self {
        let mut lexer = Self { line, at: 0, lossy, odd: None };
        lexer.odd = lexer.odd_from(0);
        lexer
    }

    /// Returns how far it has read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Begins to read at `at`, where a lexeme begins.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
        self.odd = self.odd_from(at);
    }

    fn odd_from(&self, from: usize) -> Option<(usize, char)> {
        let odd = |c: char| (c.is_control() && c != '\t') || (self.lossy && c == '\u{fffd}');
        let mut chars = self.line.get(from..).unwrap_or_default().char_indices();
        chars.find(|(_, c)| odd(*c)).map(|(at, c)| (from + at, c))
    }

    /// Refuses what was read when it holds a character that no command contains.
    fn checked<T>(&mut self, read: T) -> Result<T, Mistake> {
        let Some((start, c)) = self.odd.filter(|(start, _)| *start < self.at) else { return Ok(read) };
        self.odd = self.odd_from(self.at);
        let what = match c {
            '\n' => "a line break",
            '\u{fffd}' => "what is not UTF-8 text",
            _ => "a control character",
        };
        let span = Span { start, end: start + c.len_utf8() };
        Err(Mistake::new(Message::Syntax, span, format!("{what} is not allowed in a command")))
    }

    fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
    }

    /// Skips a backslash that a shell left over.
    fn skip_shell_backslash(&mut self) {
        if self.rest().starts_with("\\$") || self.rest().starts_with("\\!") || self.rest().starts_with("\\#") {
            self.at += 1;
        }
    }

    /// Returns the next lexeme; after the last one always [`Token::End`].
    ///
    /// # Errors
    /// Fails at a quotation that is not closed, and at a character that no command contains.
    pub fn next_lexeme(&mut self) -> Result<Lexeme, Mistake> {
        self.skip_blanks();
        let start = self.at;
        self.skip_shell_backslash();
        let token = match self.rest().chars().next() {
            None => Token::End,
            Some('"' | '\'') => Token::Quoted(self.quotation()?),
            Some(c) if is_mark(c) => {
                self.at += 1;
                match c {
                    ',' => Token::Comma,
                    ';' => Token::Semicolon,
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Bang,
                }
            }
            Some(_) => {
                let rest = self.rest();
                let mut length = rest.find(|c| is_blank(c) || is_mark(c)).unwrap_or(rest.len());
                if rest[length..].starts_with('!') && rest[..length].ends_with('\\') {
                    length -= 1;
                }
                self.at += length;
                Token::Word(without_shell_backslashes(&rest[..length]))
            }
        };
        let span = Span { start, end: self.at };
        self.checked(Lexeme { token, span })
    }

    /// Returns the next lexeme without moving on.
    pub fn peek(&self) -> Result<Lexeme, Mistake> {
        self.clone().next_lexeme()
    }

    fn quotation(&mut self) -> Result<String, Mistake> {
        let rest = self.rest();
        let mark = rest.chars().next().unwrap_or('"');
        match rest[1..].find(mark) {
            Some(length) => {
                self.at += length + 2;
                Ok(rest[1..=length].to_owned())
            }
            None => Err(Mistake::new(
                Message::Syntax,
                Span { start: self.at, end: self.line.len() },
                format!("this quotation has no closing {mark}"),
            )),
        }
    }

    /// Returns a quoted text, or the text up to the next comma, semicolon or end (in a list also up to its closing
    /// parenthesis); none when nothing is there.
    ///
    /// # Errors
    /// Fails at a quotation that is not closed, or that more text follows.
    pub fn text(&mut self, in_list: bool) -> Result<(Option<String>, Span), Mistake> {
        self.skip_blanks();
        let start = self.at;
        let ends = |c: char| matches!(c, ',' | ';') || (in_list && c == ')');
        if self.rest().starts_with(['"', '\'']) {
            let text = self.quotation()?;
            let span = Span { start, end: self.at };
            self.skip_blanks();
            if !(self.rest().is_empty() || self.rest().starts_with(ends)) {
                let next = self.peek()?;
                return Err(Mistake::expected(next.span, "',' or ';' after the quotation"));
            }
            return self.checked((Some(text), span));
        }
        let rest = self.rest();
        let raw = rest[..rest.find(ends).unwrap_or(rest.len())].trim_end_matches(is_blank);
        self.at += raw.len();
        let text = (!raw.is_empty()).then(|| without_shell_backslashes(raw));
        self.checked((text, Span { start, end: self.at }))
    }

    /// Returns everything that is left, and moves to the end.
    pub fn remainder(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.line.len();
        // It may hold anything.
        self.odd = None;
        rest.trim_matches(is_blank)
    }
}

fn without_shell_backslashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !(c == '\\' && matches!(chars.peek(), Some('$' | '!' | '#'))) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(line: &str) -> Vec<Token> {
        let mut lexer = Lexer::new(line, false);
        let mut all = Vec::new();
        loop {
            match lexer.next_lexeme().unwrap().token {
                Token::End => return all,
                token => all.push(token),
            }
        }
    }

    #[test]
    fn marks_need_no_blanks_around_them() {
        let word = |text: &str| Token::Word(text.into());
        assert_eq!(
            tokens("JOB(STATE PRINT),DELETE!;DEV"),
            [
                word("JOB"),
                Token::Open,
                word("STATE"),
                word("PRINT"),
                Token::Close,
                Token::Comma,
                word("DELETE"),
                Token::Bang,
                Token::Semicolon,
                word("DEV")
            ]
        );
    }

    #[test]
    fn what_a_shell_leaves_over_is_dropped() {
        assert_eq!(tokens(r"\$LP1"), [Token::Word("$LP1".into())]);
        assert_eq!(tokens(r"OFF \!"), tokens("OFF!"));
        assert_eq!(tokens(r"OFF\!"), tokens("OFF!"));
        assert_eq!(tokens(r"\WEST.\$LP1.\#A"), [Token::Word(r"\WEST.$LP1.#A".into())]);
    }

    #[test]
    fn a_text_runs_to_the_comma_and_may_be_quoted() {
        let text = |line: &str| Lexer::new(line, false).text(false).unwrap().0;
        assert_eq!(text("  INVOICE A4 , START").as_deref(), Some("INVOICE A4"));
        assert_eq!(text("'a, b;c', START").as_deref(), Some("a, b;c"));
        assert_eq!(text(", START"), None);
        assert!(Lexer::new("'a", false).text(false).is_err());
        assert!(Lexer::new("'a' b", false).text(false).is_err());
    }

    #[test]
    fn control_characters_are_shown_in_their_place() {
        assert_eq!(Lexer::new("DEV\nJOB", false).next_lexeme().unwrap_err().span, Span { start: 3, end: 4 });
        assert!(Lexer::new("a\u{fffd}", false).next_lexeme().is_ok());
        assert_eq!(Lexer::new("a\u{fffd}", true).next_lexeme().unwrap_err().span, Span { start: 1, end: 4 });
    }

    #[test]
    fn a_comment_may_hold_anything() {
        let mut lexer = Lexer::new("COMMENT a\0\u{7}\u{fffd}", true);
        assert!(lexer.next_lexeme().is_ok());
        assert_eq!(lexer.remainder(), "a\0\u{7}\u{fffd}");
        assert_eq!(lexer.next_lexeme().unwrap().token, Token::End);
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_always_ends(line in "\\PC{0,60}") {
            let mut lexer = Lexer::new(&line, false);
            for _ in 0..=line.len() {
                match lexer.next_lexeme() {
                    Ok(Lexeme { token: Token::End, .. }) | Err(_) => return Ok(()),
                    Ok(lexeme) => prop_assert!(line.get(lexeme.span.start..lexeme.span.end).is_some()),
                }
            }
            prop_assert!(false, "does not end");
        }

        #[test]
        fn reading_texts_never_panics(line in "[ ,;()'\"!a-z\\\\$é]{0,30}", in_list: bool) {
            let mut lexer = Lexer::new(&line, false);
            let _ = lexer.text(in_list);
            let _ = lexer.next_lexeme();
            let _ = lexer.remainder();
        }
    }
}
