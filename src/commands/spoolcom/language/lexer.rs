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

/// Tells whether a line is a comment as a whole.
pub fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("/*")
}

/// Reads one line.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    line: &'a str,
    at: usize,
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | ';' | '(' | ')' | '!')
}

impl<'a> Lexer<'a> {
    /// Begins to read `line`.
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    /// Returns how far it has read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Begins to read at `at`, where a lexeme begins.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Refuses the first character of the next `length` octets that `is_odd`.
    fn refuse(&self, length: usize, is_odd: fn(char) -> bool) -> Result<(), Mistake> {
        let Some((at, c)) = self.rest()[..length].char_indices().find(|(_, c)| is_odd(*c)) else { return Ok(()) };
        let start = self.at + at;
        Err(Mistake::new(
            Message::Syntax,
            Span { start, end: start + c.len_utf8() },
            format!("{} stands only in a quotation", if c == '\n' { "a line break" } else { "a control character" }),
        ))
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
    /// Fails at a quotation that is not closed, and at a control character outside of one.
    pub fn next_lexeme(&mut self) -> Result<Lexeme, Mistake> {
        let begin = self.clone();
        let lexeme = self.scan()?;
        if matches!(lexeme.token, Token::Word(_)) {
            let blanks = lexeme.span.start - begin.at;
            begin.refuse(blanks + lexeme.span.end - lexeme.span.start, |c| c.is_control() && c != '\t')?;
        }
        Ok(lexeme)
    }

    fn scan(&mut self) -> Result<Lexeme, Mistake> {
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
        Ok(Lexeme { token, span: Span { start, end: self.at } })
    }

    /// Returns the next lexeme without moving on. A control character is refused when it is taken: it may belong to a text.
    pub fn peek(&self) -> Result<Lexeme, Mistake> {
        self.clone().scan()
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
    /// Fails at a quotation that is not closed, or that more text follows, and at a line break outside of one: what follows
    /// is another command.
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
            return Ok((Some(text), span));
        }
        let rest = self.rest();
        let raw = rest[..rest.find(ends).unwrap_or(rest.len())].trim_end_matches(is_blank);
        self.refuse(raw.len(), |c| c == '\n')?;
        self.at += raw.len();
        let text = (!raw.is_empty()).then(|| without_shell_backslashes(raw));
        Ok((text, Span { start, end: self.at }))
    }

    /// Returns everything that is left, and moves to the end.
    pub fn remainder(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.line.len();
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
        let mut lexer = Lexer::new(line);
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
        let text = |line: &str| Lexer::new(line).text(false).unwrap().0;
        assert_eq!(text("  INVOICE A4 , START").as_deref(), Some("INVOICE A4"));
        assert_eq!(text("'a, b;c', START").as_deref(), Some("a, b;c"));
        assert_eq!(text(", START"), None);
        assert!(Lexer::new("'a").text(false).is_err());
        assert!(Lexer::new("'a' b").text(false).is_err());
    }

    #[test]
    fn control_characters_are_shown_in_their_place() {
        assert_eq!(Lexer::new("DEV\nJOB").next_lexeme().unwrap_err().span, Span { start: 3, end: 4 });
        assert_eq!(Lexer::new("a title\nDEV").text(false).unwrap_err().span, Span { start: 7, end: 8 });
        let text = |line: &'static str| Lexer::new(line).text(false).unwrap().0;
        assert_eq!(text("bell\u{7} , START").as_deref(), Some("bell\u{7}"));
        assert_eq!(text("'two\nlines', START").as_deref(), Some("two\nlines"));
    }

    #[test]
    fn a_comment_may_hold_anything() {
        let mut lexer = Lexer::new("COMMENT a\0\u{7}\u{fffd}");
        assert!(lexer.next_lexeme().is_ok());
        assert_eq!(lexer.remainder(), "a\0\u{7}\u{fffd}");
        assert_eq!(lexer.next_lexeme().unwrap().token, Token::End);
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_always_ends(line in "\\PC{0,60}") {
            let mut lexer = Lexer::new(&line);
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
            let mut lexer = Lexer::new(&line);
            let _ = lexer.text(in_list);
            let _ = lexer.next_lexeme();
            let _ = lexer.remainder();
        }
    }
}
