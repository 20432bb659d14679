//! From lexemes to a syntax tree: what was typed and where, before anybody asks what it means.
//!
//! `COMMAND [object] [, SUBCOMMAND [operand]]… [; …]`. The table of [`grammar`](super::grammar) says which subcommands
//! a command has, and what follows them. Nothing here asks a spool: a line becomes a tree or a [`Mistake`].

use crate::model::near;

use super::abbreviations::{Meaning, ambiguous, meaning};
use super::grammar::{Grammar, ObjectKind, Operand, Row, Stage};
use super::keywords::{Qualifier, Verb};
use super::lexer::{Lexeme, Lexer, Token, is_comment};
use super::messages::Message;
use super::mistake::{Mistake, Span};
use super::out_name::OutName;
use super::run_options::RunOptions;
use super::tree::{Command, Subcommand};
use super::values::{DisplayRequest, Filter, JOB_STATES, Object, Spanned, Switch, Value};

/// Reads the commands of one line.
pub struct Parser<'a> {
    line: &'a str,
    lexer: Lexer<'a>,
    strict: bool,
}

impl<'a> Parser<'a> {
    /// Makes a parser of `line`. A `strict` line was joined from several shell words. Any of them may have been an
    /// empty variable, so a bare clearing operand is refused.
    pub fn new(line: &'a str, strict: bool) -> Self {
        Self { line, lexer: Lexer::new(line), strict }
    }

    /// Makes a parser of a line of a command file.
    pub fn of_file(line: &'a str) -> Self {
        Self { line, lexer: Lexer::new(line), strict: false }
    }

    /// Returns how far the line was read.
    pub fn at(&self) -> usize {
        self.lexer.at()
    }

    /// Reads the run options that may stand at the beginning of a command line: `/ IN file, OUT file /`.
    pub fn run_options(&mut self) -> Result<RunOptions, Mistake> {
        let (options, end) = RunOptions::read(self.line)?;
        if end > 0 {
            self.lexer.go_to(end);
        }
        Ok(options)
    }

    /// Reads the supervisor at the beginning of the line: a first word that begins with `$` or `\`.
    pub fn supervisor(&mut self) -> Result<Option<Spanned<String>>, Mistake> {
        match self.lexer.peek()? {
            Lexeme { token: Token::Word(word), span } if word.starts_with(['$', '\\']) => {
                self.lexer.next_lexeme()?;
                Ok(Some(Spanned { value: word, span }))
            }
            _ => Ok(None),
        }
    }

    /// Reads the commands up to the end of the line.
    ///
    /// # Errors
    /// Fails at the first mistake.
    pub fn commands(&mut self) -> Result<Vec<Command>, Mistake> {
        let mut commands = Vec::new();
        while let Some(command) = self.next_command()? {
            commands.push(command);
        }
        Ok(commands)
    }

    /// Reads the next command; none at the end of the line.
    ///
    /// # Errors
    /// Fails at a mistake; [`Parser::skip`] goes on behind the command that holds it.
    pub fn next_command(&mut self) -> Result<Option<Command>, Mistake> {
        if is_comment(self.line) {
            self.lexer.remainder();
        }
        loop {
            let Lexeme { token, span } = self.lexer.next_lexeme()?;
            match token {
                Token::End => return Ok(None),
                Token::Semicolon => {}
                Token::Word(word) => return self.command(&word, span).map(Some),
                _ => return Err(Mistake::expected(span, "a command")),
            }
        }
    }

    /// Skips the rest of the command that holds `mistake`, and its semicolon. Behind a quotation that is not closed there
    /// is nothing more.
    pub fn skip(&mut self, mistake: &Mistake) {
        self.lexer.go_to(mistake.span.start);
        loop {
            let before = self.lexer.at();
            match self.lexer.next_lexeme() {
                Ok(Lexeme { token: Token::End | Token::Semicolon, .. }) => return,
                Err(_) if self.lexer.at() == before => {
                    self.lexer.remainder();
                    return;
                }
                // A lexeme with a character that no command contains is passed over like any other.
                _ => {}
            }
        }
    }

    fn command(&mut self, word: &str, verb_span: Span) -> Result<Command, Mistake> {
        let words: Vec<&str> = Verb::ALL.iter().map(|verb| verb.word()).collect();
        let Some(verb) = self.one_of(word, &words, verb_span)?.map(|at| Verb::ALL[at]) else {
            return Err(unknown_command(word, verb_span));
        };
        let grammar = verb.grammar();
        let mut command = Command { grammar, object: Object::None, subcommands: Vec::new(), head: verb_span };
        match grammar.object {
            ObjectKind::Comment => {
                self.lexer.remainder();
                return Ok(command);
            }
            // A comma belongs to the command that is looked for.
            ObjectKind::Words if verb == Verb::Fc => {
                let start = self.lexer.at();
                let value = self.lexer.remainder().trim_end_matches(|c: char| c == ';' || c.is_whitespace()).to_owned();
                let span = Span { start, end: self.lexer.at() };
                if !value.is_empty() {
                    command.object = Object::Name(Spanned { value, span });
                    command.head = verb_span.to(span);
                }
                return Ok(command);
            }
            ObjectKind::Words => {
                if let (Some(value), span) = self.lexer.text(false)? {
                    command.object = Object::Name(Spanned { value, span });
                    command.head = verb_span.to(span);
                }
            }
            ObjectKind::Name | ObjectKind::Jobs => {
                let (object, span) = self.object(grammar.object == ObjectKind::Jobs)?;
                command.object = object;
                command.head = verb_span.to(span);
            }
            ObjectKind::Nothing => {}
        }
        loop {
            let Lexeme { token, span } = self.lexer.peek()?;
            match token {
                Token::End | Token::Semicolon => return Ok(command),
                Token::Comma if !grammar.rows.is_empty() => {
                    self.lexer.next_lexeme()?;
                    let subcommand = self.subcommand(grammar)?;
                    command.subcommands.push(subcommand);
                }
                Token::Word(word) if grammar.rows.iter().any(|row| row.key.word().eq_ignore_ascii_case(&word)) => {
                    return Err(Mistake::expected(span, "',' or ';'")
                        .hint(format!("a comma stands before each subcommand:  , {}", word.to_uppercase())));
                }
                _ if grammar.rows.is_empty() => return Err(Mistake::expected(span, "';' or the end of the line")),
                _ => return Err(Mistake::expected(span, "',' or ';'")),
            }
        }
    }

    /// Finds which of `words` a typed word is, or begins; none when it is none of them.
    fn one_of(&self, typed: &str, words: &[&'static str], span: Span) -> Result<Option<usize>, Mistake> {
        match meaning(typed, words, !self.strict) {
            Meaning::One(at) => Ok(Some(at)),
            Meaning::None => Ok(None),
            Meaning::Several(words) => Err(ambiguous(typed, &words, span)),
        }
    }

    fn object(&mut self, jobs: bool) -> Result<(Object, Span), Mistake> {
        let Lexeme { token, span } = self.lexer.peek()?;
        match token {
            Token::Word(word) if word.starts_with("--") => {
                let mistake = Mistake::expected(span, "a name, a number or a list");
                Err(mistake
                    .hint("options stand outside of the quoted commands; in them a list is written (STATE PRINT)"))
            }
            Token::Word(value) | Token::Quoted(value) => {
                self.lexer.next_lexeme()?;
                Ok((Object::Name(Spanned { value, span }), span))
            }
            Token::Open if jobs => {
                self.lexer.next_lexeme()?;
                let (filters, end) = self.filters().map_err(|mut mistake| {
                    if mistake.message == Message::Syntax {
                        mistake.message = Message::QualifierList;
                    }
                    mistake
                })?;
                Ok((Object::Filters(filters), span.to(end)))
            }
            _ => Ok((Object::None, Span { start: span.start, end: span.start })),
        }
    }

    /// Reads the list after `(`, and its `)`.
    fn filters(&mut self) -> Result<(Vec<Filter>, Span), Mistake> {
        let mut filters: Vec<Filter> = Vec::new();
        loop {
            let Lexeme { token, span } = self.lexer.next_lexeme()?;
            let words: Vec<&str> = Qualifier::ALL.iter().map(|key| key.word()).collect();
            let key = match &token {
                Token::Word(word) => self.one_of(word, &words, span)?.map(|at| Qualifier::ALL[at]),
                _ => None,
            };
            let Some(key) = key else {
                return Err(Mistake::expected(span, format!("a qualifier: {}", words.join(", "))));
            };
            if filters.iter().any(|filter| filter.key == key) {
                return Err(Mistake::new(Message::QualifierList, span, format!("{} stands here twice", key.word())));
            }
            let (mut value, mut place) = self.lexer.text(true)?;
            // A user `gid,uid`, and a date with a time, contain a comma.
            while let (Some(text), Some((more, end))) = (&value, self.number_after_comma(key)?) {
                value = Some(format!("{text},{more}"));
                place = place.to(end);
                // THRU and another time may follow the time of a date.
                if key == Qualifier::Date
                    && let (Some(rest), end) = self.lexer.text(true)?
                {
                    value = value.map(|text| format!("{text} {rest}"));
                    place = place.to(end);
                }
            }
            if key == Qualifier::State
                && let Some(at) = self.one_of(value.as_deref().unwrap_or_default(), JOB_STATES, place)?
            {
                value = Some(JOB_STATES[at].to_owned());
            }
            if value.is_none() && (key != Qualifier::Owner || self.strict) {
                return Err(Mistake::expected(place, format!("the value of {}", key.word())));
            }
            filters.push(Filter { key, value, span: span.to(place) });
            let Lexeme { token, span } = self.lexer.next_lexeme()?;
            match token {
                Token::Comma => {}
                Token::Close => return Ok((filters, span)),
                _ => return Err(Mistake::expected(span, "',' or ')'")),
            }
        }
    }

    fn number_after_comma(&mut self, key: Qualifier) -> Result<Option<(String, Span)>, Mistake> {
        if !matches!(key, Qualifier::Owner | Qualifier::Date) {
            return Ok(None);
        }
        let mut ahead = self.lexer.clone();
        if ahead.next_lexeme()?.token != Token::Comma {
            return Ok(None);
        }
        match ahead.next_lexeme()? {
            Lexeme { token: Token::Word(word), span } if word.starts_with(|c: char| c.is_ascii_digit()) => {
                self.lexer = ahead;
                Ok(Some((word, span)))
            }
            _ => Ok(None),
        }
    }

    fn subcommand(&mut self, grammar: &'static Grammar) -> Result<Subcommand, Mistake> {
        let Lexeme { token, span } = self.lexer.next_lexeme()?;
        let Token::Word(word) = token else {
            return Err(expected_subcommand(span, grammar));
        };
        let words: Vec<&str> = grammar.rows.iter().map(|row| row.key.word()).collect();
        let named = |word: &str| Ok::<_, Mistake>(self.one_of(word, &words, span)?.and_then(|at| grammar.rows.get(at)));
        // STATUS/OUT file/: the clause may follow without a blank.
        if let Some((before, _)) = self.line.get(span.start..span.end).and_then(|typed| typed.split_once('/'))
            && let Some(row) = named(before)?.filter(|row| row.operand == Operand::Display)
        {
            self.lexer.go_to(span.start + before.len());
            let (value, operand) = self.operand(row)?;
            return Ok(Subcommand { row, value, span: span.to(operand), operand });
        }
        let Some(row) = named(&word)? else {
            let mut mistake = expected_subcommand(span, grammar);
            mistake.message = Message::UnknownSubcommand;
            for near in near(&word, words.iter().copied()).into_iter().take(1) {
                mistake = mistake.hint(format!("did you mean {near}?"));
            }
            return Err(mistake);
        };
        let (value, operand) = self.operand(row)?;
        Ok(Subcommand { row, value, span: span.to(operand), operand })
    }

    fn operand(&mut self, row: &'static Row) -> Result<(Value, Span), Mistake> {
        let Lexeme { token, span } = self.lexer.peek()?;
        let nothing = Span { start: span.start, end: span.start };
        // A fixed value may be abbreviated; what is none of them stays as it was typed.
        let fixed = match row.operand {
            Operand::Switch | Operand::SwitchBang | Operand::SwitchOrNumber(..) => &["ON", "OFF"],
            Operand::OneOf(words) => words,
            _ => &[],
        };
        let word = match &token {
            Token::Word(word) => Some(match self.one_of(word, fixed, span)? {
                Some(at) => fixed[at].to_owned(),
                None => word.to_ascii_uppercase(),
            }),
            _ => None,
        };
        let key = row.key.word();
        Ok(match row.operand {
            Operand::None => (Value::None, Span::default()),
            Operand::Bang => match token {
                Token::Bang => (Value::Bang(true), self.lexer.next_lexeme()?.span),
                _ => (Value::Bang(false), nothing),
            },
            Operand::Switch | Operand::SwitchBang => match word.as_deref() {
                None => (Value::Switch(Switch::On), nothing),
                Some("ON") => (Value::Switch(Switch::On), self.lexer.next_lexeme()?.span),
                Some("OFF") => {
                    self.lexer.next_lexeme()?;
                    let next = self.lexer.peek()?;
                    if row.operand == Operand::SwitchBang && next.token == Token::Bang {
                        self.lexer.next_lexeme()?;
                        (Value::Switch(Switch::OffEach), span.to(next.span))
                    } else {
                        (Value::Switch(Switch::Off), span)
                    }
                }
                Some(_) if row.operand == Operand::Switch => return Err(bad_value(span, "ON or OFF")),
                Some(_) => return Err(bad_value(span, "ON, OFF or OFF!")),
            },
            Operand::SwitchOrNumber(low, high) => match word.as_deref() {
                None => (Value::Switch(Switch::On), nothing),
                Some("ON") => (Value::Switch(Switch::On), self.lexer.next_lexeme()?.span),
                Some("OFF") => (Value::Switch(Switch::Off), self.lexer.next_lexeme()?.span),
                Some(_) => self.number(low, high)?,
            },
            Operand::Number(low, high) => self.number(low, high)?,
            Operand::Name => match token {
                Token::Word(name) | Token::Quoted(name) if !name.is_empty() => {
                    (Value::Text(Some(name)), self.lexer.next_lexeme()?.span)
                }
                _ => return Err(Mistake::expected(span, format!("the value of {key}"))),
            },
            Operand::OptionalName => match token {
                Token::Word(name) | Token::Quoted(name) if !name.is_empty() => {
                    let cleared = name.eq_ignore_ascii_case("NONE");
                    (Value::Text((!cleared).then_some(name)), self.lexer.next_lexeme()?.span)
                }
                _ => (self.cleared(key, span)?, nothing),
            },
            Operand::Text | Operand::OptionalText => match (self.lexer.text(false)?, row.operand) {
                ((None, span), Operand::Text) => return Err(Mistake::expected(span, format!("the value of {key}"))),
                ((None, span), _) => (self.cleared(key, span)?, nothing),
                ((Some(text), span), Operand::OptionalText) if text.eq_ignore_ascii_case("NONE") => {
                    (Value::Text(None), span)
                }
                ((text, span), _) => (Value::Text(text), span),
            },
            Operand::Pair => self.pair(key, token, span)?,
            Operand::OneOf(words) => match word {
                None => (Value::Text(None), nothing),
                Some(word) if words.contains(&word.as_str()) => {
                    (Value::Text(Some(word)), self.lexer.next_lexeme()?.span)
                }
                Some(_) => return Err(bad_value(span, format!("one of {}", words.join(", ")))),
            },
            Operand::Owner => self.owner(key)?,
            Operand::Jobs => {
                let (object, span) = self.object(true)?;
                if object == Object::None {
                    return Err(Mistake::expected(span, "a job number or a qualifier list"));
                }
                (Value::Jobs(object), span)
            }
            Operand::Display => self.display()?,
        })
    }

    /// Reads two words, as one text with a blank between them; NONE alone clears.
    fn pair(&mut self, key: &str, token: Token, span: Span) -> Result<(Value, Span), Mistake> {
        let named = |token: Token| match token {
            Token::Word(name) | Token::Quoted(name) if !name.is_empty() && !name.contains(' ') => Some(name),
            _ => None,
        };
        let Some(first) = named(token) else {
            return Err(Mistake::expected(span, format!("the value of {key}, or NONE")));
        };
        self.lexer.next_lexeme()?;
        let next = self.lexer.peek()?;
        match named(next.token) {
            Some(second) => {
                Ok((Value::Text(Some(format!("{first} {second}"))), span.to(self.lexer.next_lexeme()?.span)))
            }
            None if first.eq_ignore_ascii_case("NONE") => Ok((Value::Text(None), span)),
            None => Err(Mistake::expected(next.span, format!("a second word: {key} FORMAT PROGRAM"))),
        }
    }

    /// Returns the value of a clearing operand that was left out.
    fn cleared(&self, key: &str, span: Span) -> Result<Value, Mistake> {
        if !self.strict {
            return Ok(Value::Text(None));
        }
        Err(Mistake::new(Message::OperandMissing, span, format!("expected the value of {key}"))
            .hint(format!("{key} NONE   clears it"))
            .hint(format!("a bare {key} clears it only in one quoted string or a command file")))
    }

    fn owner(&mut self, key: &str) -> Result<(Value, Span), Mistake> {
        let (text, mut span) = self.lexer.text(false)?;
        let Some(mut text) = text else {
            return Ok((self.cleared(key, span)?, span));
        };
        if text.eq_ignore_ascii_case("NONE") {
            return Ok((Value::Text(None), span));
        }
        if let Some((more, end)) = self.number_after_comma(Qualifier::Owner)? {
            text = format!("{text},{more}");
            span = span.to(end);
        }
        Ok((Value::Text(Some(text)), span))
    }

    fn number(&mut self, low: i64, high: i64) -> Result<(Value, Span), Mistake> {
        let expected = |span: Span| Mistake::expected(span, format!("a number from {low} to {high}"));
        let Lexeme { token, mut span } = self.lexer.peek()?;
        let (Token::Word(mut word) | Token::Quoted(mut word)) = token else {
            return Err(expected(Span { start: span.start, end: span.start }));
        };
        self.lexer.next_lexeme()?;
        if matches!(word.as_str(), "+" | "-")
            && let Lexeme { token: Token::Word(digits), span: end } = self.lexer.peek()?
        {
            self.lexer.next_lexeme()?;
            word.push_str(&digits);
            span = span.to(end);
        }
        match read_number(&word) {
            Some(n) if (low..=high).contains(&n) => Ok((Value::Number(n), span)),
            _ => Err(bad_value(span, format!("a number from {low} to {high}"))),
        }
    }

    /// Reads `[/OUT file/] [DETAIL]`, where the file may be another destination ([`OutName`]).
    fn display(&mut self) -> Result<(Value, Span), Mistake> {
        let (text, span) = self.lexer.text(false)?;
        let Some(text) = text else {
            return Ok((Value::Display(DisplayRequest { detail: false, out: None }), span));
        };
        let expected = || Mistake::expected(span, "DETAIL, or /OUT file/ and DETAIL");
        let (out, rest) = match text.strip_prefix('/') {
            None => (None, text.as_str()),
            Some(clause) => {
                let (clause, rest) = clause.rsplit_once('/').ok_or_else(expected)?;
                let clause = clause.trim();
                let file = clause.get(..4).filter(|word| word.eq_ignore_ascii_case("OUT ")).map(|_| clause[4..].trim());
                let name = file.filter(|file| !file.is_empty()).ok_or_else(expected)?;
                let out = OutName::read(name).map_err(|why| Mistake::new(Message::ValueInvalid, span, why))?;
                (Some(out), rest.trim())
            }
        };
        // It was no UTF-8, so the file that is meant has another name.
        if matches!(&out, Some(OutName::File(file)) if file.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(Mistake::expected(span, "the name of a file in UTF-8"));
        }
        match rest {
            "" => Ok((Value::Display(DisplayRequest { detail: false, out }), span)),
            rest if self.one_of(rest, &["DETAIL"], span)?.is_some() => {
                Ok((Value::Display(DisplayRequest { detail: true, out }), span))
            }
            _ => Err(expected()),
        }
    }
}

/// Makes the mistake for a value that is there, and wrong.
fn bad_value(span: Span, what: impl std::fmt::Display) -> Mistake {
    Mistake::new(Message::ValueInvalid, span, format!("expected {what}"))
}

fn unknown_command(word: &str, span: Span) -> Mistake {
    let words: Vec<&str> = Verb::ALL.iter().map(|verb| verb.word()).collect();
    let near = near(word, words.iter().copied());
    let mistake = Mistake::new(Message::UnknownCommand, span, format!("expected a command: {}", words.join(", ")));
    match near.first() {
        Some(near) => mistake.hint(format!("did you mean {near}?")),
        None => mistake,
    }
}

fn expected_subcommand(span: Span, grammar: &Grammar) -> Mistake {
    let here = grammar.rows.iter().filter(|row| row.stage == Stage::Now);
    let words: Vec<&str> = here.map(|row| row.key.word()).collect();
    Mistake::expected(span, format!("a subcommand of {}: {}", grammar.verb.word(), words.join(", ")))
}

/// Reads a number as SPOOLCOM writes it: decimal with an optional sign, or octal after `%` or `0o`.
pub fn read_number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let octal = digits.strip_prefix('%').or_else(|| digits.strip_prefix("0o")).or_else(|| digits.strip_prefix("0O"));
    let (digits, radix) = octal.map_or((digits, 10), |digits| (digits, 8));
    if digits.is_empty() || digits.len() > 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -n } else { n })
}

#[cfg(test)]
#[path = "syntax_tests.rs"]
mod tests;
