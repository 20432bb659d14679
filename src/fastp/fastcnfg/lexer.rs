//! FASTCNFG as tokens with positions (docs/reference/fastp.md 4.1). Total: whatever the octets are, each token or mistake has a line
//! and a column inside the file.
//!
//! `!` opens a comment, which the next `!` or the end of the line closes; `/*` where a token could begin opens one that
//! `*/` closes. Octets that are not UTF-8 and control characters may stand in comments only. A carriage return is a
//! blank. The caller decides how a word ends ([`WordEnd`]).

use std::fmt;

use super::attributes::find;

/// The longest token, in characters.
pub const LONGEST: usize = 4096;

/// A position in a file, both counted from 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mistake {
    /// Where.
    pub at: Position,
    /// What is there, and what was expected.
    pub what: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
}

impl Mistake {
    /// A mistake without a hint.
    pub fn new(at: Position, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), hint: None }
    }
    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word.
    Word(String),
    /// The text between quotation marks.
    Quoted(String),
    /// `=`
    Equals,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// The end of the file.
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) => write!(f, "'{}'", shown(text)),
            Self::Quoted(text) => write!(f, "\"{}\"", shown(text)),
            Self::Equals => f.write_str("'='"),
            Self::Comma => f.write_str("','"),
            Self::Semicolon => f.write_str("';'"),
            Self::End => f.write_str("the end of the file"),
        }
    }
}

/// Shortens a text of a file for a message, without control characters.
pub fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect::<String>().escape_debug().to_string();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

/// Where a word ends, besides blanks, quotation marks and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordEnd {
    /// At `=`, `,` and `;`.
    Mark,
    /// Nowhere else: addresses and paths contain such characters. Trailing commas and semicolons do not belong to the
    /// word, nor does one that the next pair follows.
    Blank,
}

/// Splits a file into tokens. A clone of it looks ahead.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    rest: &'a str,
    at: Position,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of a file, which an editor may have marked as UTF-8.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), at: Position { line: 1, column: 1 } }
    }

    /// Returns the position of the next character.
    pub fn at(&self) -> Position {
        self.at
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.at = Position { line: self.at.line.saturating_add(1), column: 1 };
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Skips blanks and comments.
    fn skip(&mut self) -> Result<(), Mistake> {
        while let Some(c) = self.peek() {
            let at = self.at;
            if is_blank(c) {
                self.take();
            } else if c == '!' {
                self.take();
                while self.peek().is_some_and(|c| c != '\n') && self.take() != Some('!') {}
            } else if self.rest.starts_with("/*") {
                match self.rest.find("*/") {
                    Some(end) => {
                        let left = self.rest.len() - end - 2;
                        while self.rest.len() > left {
                            self.take();
                        }
                    }
                    None => {
                        while self.take().is_some() {}
                        return Err(Mistake::new(at, "a comment /* has no end").hint("*/ ends it"));
                    }
                }
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns the next token and its position.
    ///
    /// # Errors
    /// Returns the mistake, which is skipped, so that the caller can go on.
    pub fn next(&mut self, until: WordEnd) -> Result<(Token, Position), Mistake> {
        self.skip()?;
        let at = self.at;
        let token = match self.peek() {
            None => Token::End,
            Some('"') => self.quoted(at)?,
            Some(mark @ ('=' | ',' | ';')) if until == WordEnd::Mark || mark != '=' => {
                self.take();
                match mark {
                    '=' => Token::Equals,
                    ',' => Token::Comma,
                    _ => Token::Semicolon,
                }
            }
            Some(_) => self.word(at, until)?,
        };
        Ok((token, at))
    }

    fn word(&mut self, at: Position, until: WordEnd) -> Result<Token, Mistake> {
        let ends =
            |c: char| is_blank(c) || matches!(c, '!' | '"') || (until == WordEnd::Mark && matches!(c, '=' | ',' | ';'));
        let mut end = self.rest.find(ends).unwrap_or(self.rest.len());
        if until == WordEnd::Blank {
            // The first character is no mark, so the word cannot become empty.
            end = self.next_pair(end).unwrap_or(end);
            end = self.rest[..end].trim_end_matches([',', ';']).len();
        }
        let (text, after) = self.rest.split_at(end);
        let mut odd = None;
        let mut length = 0;
        while self.rest.len() > after.len() {
            let here = self.at;
            let Some(c) = self.take() else { break };
            length += 1;
            if odd.is_none() && (c.is_control() || c == char::REPLACEMENT_CHARACTER) {
                odd = Some((here, c));
            }
        }
        match odd {
            Some((here, char::REPLACEMENT_CHARACTER)) => {
                Err(Mistake::new(here, "octets that are not UTF-8").hint("they may stand in comments only"))
            }
            Some((here, c)) => Err(Mistake::new(here, format!("a control character ({})", c.escape_debug()))
                .hint("they may stand in comments only")),
            None if length > LONGEST => Err(Mistake::new(at, format!("a word of more than {LONGEST} characters"))),
            None => Ok(Token::Word(text.to_owned())),
        }
    }

    /// Returns where the next pair begins in the word up to `end`, if it does: at a comma or semicolon that an
    /// attribute name and a `=` follow.
    fn next_pair(&self, end: usize) -> Option<usize> {
        let marks = self.rest[..end].match_indices([',', ';']);
        let begins = |place: &usize| {
            let behind = &self.rest[place + 1..];
            let name = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(|end| behind.split_at(end));
            name.is_some_and(|(name, rest)| find(name).is_some() && rest.trim_start_matches(is_blank).starts_with('='))
        };
        marks.map(|(place, _)| place).find(begins)
    }

    /// Between quotation marks every character counts; two of them stand for one. A quotation ends on its line.
    fn quoted(&mut self, at: Position) -> Result<Token, Mistake> {
        self.take();
        let mut text = String::new();
        let mut odd = None;
        loop {
            let here = self.at;
            match self.peek() {
                None | Some('\n') => {
                    return Err(Mistake::new(at, "a quotation has no end on its line")
                        .hint("\" ends it, and \"\" stands for a quotation mark inside"));
                }
                Some('"') => {
                    self.take();
                    if self.peek() != Some('"') {
                        break;
                    }
                    self.take();
                    text.push('"');
                }
                Some(c) => {
                    self.take();
                    if c.is_control() || c == char::REPLACEMENT_CHARACTER {
                        odd.get_or_insert(here);
                    }
                    text.push(c);
                }
            }
        }
        if let Some(here) = odd {
            return Err(Mistake::new(here, "a control character, or octets that are not UTF-8, in a quotation"));
        }
        if text.chars().count() > LONGEST {
            return Err(Mistake::new(at, format!("a quotation of more than {LONGEST} characters")));
        }
        Ok(Token::Quoted(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, until: WordEnd) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        loop {
            match lexer.next(until) {
                Ok((Token::End, _)) => return found,
                Ok((token, at)) => found.push(format!("{at} {token}")),
                Err(mistake) => found.push(format!("{} ERROR {}", mistake.at, mistake.what)),
            }
        }
    }

    #[test]
    fn text_is_live_again_after_the_mark_that_closes_a_comment() {
        let found = tokens("A! x !B !rest = of the line\nC=,D ! end", WordEnd::Mark);
        assert_eq!(found, ["1:1 'A'", "1:7 'B'", "2:1 'C'", "2:2 '='", "2:3 ','", "2:4 'D'"]);
        assert_eq!(tokens("A /* two\nlines ! */ B /**/C", WordEnd::Mark), ["1:1 'A'", "2:12 'B'", "2:18 'C'"]);
        assert_eq!(tokens("A! one !! two !B", WordEnd::Mark), ["1:1 'A'", "1:16 'B'"]);
    }

    #[test]
    fn a_value_with_marks_ends_at_a_blank() {
        let found = tokens("ipp://h:631/a?b=c;d,e, x; /tmp/*y", WordEnd::Blank);
        assert_eq!(found, ["1:1 'ipp://h:631/a?b=c;d,e'", "1:22 ','", "1:24 'x'", "1:25 ';'", "1:27 '/tmp/*y'"]);
    }

    #[test]
    fn a_quotation_holds_everything_on_its_line() {
        assert_eq!(tokens("\"a ! = \"\" b\"c", WordEnd::Mark), ["1:1 \"a ! = \\\" b\"", "1:13 'c'"]);
        assert!(tokens("A \"b\nC", WordEnd::Mark)[1].starts_with("1:3 ERROR a quotation has no end"));
    }

    #[test]
    fn what_is_no_text_may_stand_in_comments_only() {
        assert_eq!(tokens("A!\0\u{fffd}!B\r\nC", WordEnd::Mark), ["1:1 'A'", "1:6 'B'", "2:1 'C'"]);
        let found = tokens("AB\0C x\u{fffd} Z", WordEnd::Mark);
        assert!(found[0].starts_with("1:3 ERROR a control character"), "{found:?}");
        assert!(found[1].starts_with("1:7 ERROR octets") && found[2] == "1:9 'Z'", "{found:?}");
        assert!(tokens(&"x".repeat(LONGEST + 1), WordEnd::Mark)[0].starts_with("1:1 ERROR a word of more"));
        assert!(tokens("A /* x", WordEnd::Mark)[1].starts_with("1:3 ERROR a comment"));
    }
}
