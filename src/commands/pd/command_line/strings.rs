//! Attribute strings, the values of `-x` and the contents of attributes files (docs/reference/infoprint.md 2).
//!
//! ```text
//! string := pair { blank pair }            op    := "=" | "+=" | "-=" | "=="
//! pair   := name op [ value { blank value } ]     value := word | 'text' | "text" | {components}
//! ```
//!
//! Which words belong to a pair? All up to the next word that looks like `name op`; what touches the operator is always a
//! value. A value that looks like a pair is written in quotes. Braces and colons are kept as text.

use crate::commands::pd::Stop;

/// The longest string, in octets.
pub const MAX_STRING: usize = 1 << 20;
/// The most pairs of a string.
const MAX_PAIRS: usize = 10_000;
/// The most values of a pair.
const MAX_VALUES: usize = 1_000;
/// How deep braces may nest.
const MAX_BRACES: usize = 16;

/// What a pair does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`: this and nothing else.
    Set,
    /// `+=`: also this.
    Add,
    /// `-=`: no longer this.
    Remove,
    /// `==`: the default again.
    Default,
}

impl Op {
    /// How it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Set => "=",
            Self::Add => "+=",
            Self::Remove => "-=",
            Self::Default => "==",
        }
    }
}

/// An attribute and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name as it was written.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Its values; never empty unless `op` is [`Op::Default`].
    pub values: Vec<String>,
}

/// Reads an attribute string.
pub fn parse(text: &str) -> Result<Vec<Pair>, Stop> {
    if text.len() > MAX_STRING {
        return Err(Stop::usage(format!("an attribute string is longer than {MAX_STRING} octets")));
    }
    let mut pairs: Vec<Pair> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some((name, op, after)) = head(rest) {
            check_complete(pairs.last())?;
            if pairs.len() == MAX_PAIRS {
                return Err(Stop::usage(format!("an attribute string has more than {MAX_PAIRS} pairs")));
            }
            pairs.push(Pair { name: name.to_owned(), op, values: Vec::new() });
            rest = after;
            if rest.chars().next().is_none_or(char::is_whitespace) {
                rest = rest.trim_start();
                continue;
            }
        }
        let (value, after) = value(rest)?;
        let Some(pair) = pairs.last_mut() else {
            return Err(Stop::usage(format!("'{}' is not of the form attribute=value", shown(rest)))
                .hint("-x \"copy-count=2 job-name='two words'\""));
        };
        if pair.values.len() == MAX_VALUES {
            return Err(Stop::usage(format!("{} has more than {MAX_VALUES} values", pair.name)));
        }
        pair.values.push(value);
        rest = after.trim_start();
    }
    check_complete(pairs.last())?;
    Ok(pairs)
}

fn check_complete(pair: Option<&Pair>) -> Result<(), Stop> {
    match pair {
        Some(pair) if pair.values.is_empty() && pair.op != Op::Default => {
            Err(Stop::usage(format!("{} has no value after '{}'", pair.name, pair.op.sign())))
        }
        _ => Ok(()),
    }
}

/// A name with its operator, if `text` begins with one, and what follows.
fn head(text: &str) -> Option<(&str, Op, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(text.len());
    let (mut name, mut after) = text.split_at(end);
    // The `-` of `-=` is no part of the name.
    if name.ends_with('-') && after.starts_with('=') {
        (name, after) = text.split_at(end - 1);
    }
    let after = after.trim_start();
    [("==", Op::Default), ("+=", Op::Add), ("-=", Op::Remove), ("=", Op::Set)]
        .into_iter()
        .find_map(|(sign, op)| after.strip_prefix(sign).map(|after| (name, op, after)))
}

/// One value: quoted parts, braces and plain characters up to the next blank.
fn value(text: &str) -> Result<(String, &str), Stop> {
    let mut out = String::new();
    let mut quote: Option<char> = None;
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => {
                quote = None;
                // Inside braces the text is kept as it is; its own reader takes the quotes off.
                if depth > 0 {
                    out.push(c);
                }
            }
            Some(_) => out.push(c),
            None if c.is_whitespace() && depth == 0 => return Ok((out, &text[at..])),
            None => match c {
                '\'' | '"' => {
                    quote = Some(c);
                    if depth > 0 {
                        out.push(c);
                    }
                }
                '{' => {
                    depth += 1;
                    if depth > MAX_BRACES {
                        return Err(Stop::usage(format!("braces nest deeper than {MAX_BRACES}")));
                    }
                    out.push(c);
                }
                '}' if depth == 0 => return Err(Stop::usage(format!("'}}' without '{{' in '{}'", shown(text)))),
                '}' => {
                    depth -= 1;
                    out.push(c);
                }
                c => out.push(c),
            },
        }
    }
    match (quote, depth) {
        (Some(open), _) => Err(Stop::usage(format!("the quote {open} is not closed in {}", shown(text)))),
        (None, 0) => Ok((out, "")),
        (None, _) => Err(Stop::usage(format!("'{{' is not closed in {}", shown(text)))),
    }
}

/// The beginning of `text`, fit for a message.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    crate::attributes::text::escaped(&short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, Op, Vec<String>)> {
        parse(text).unwrap().into_iter().map(|pair| (pair.name, pair.op, pair.values)).collect()
    }

    fn why(text: &str) -> String {
        match parse(text) {
            Err(Stop::Usage(failure)) => failure.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pairs_values_and_operators() {
        insta::assert_debug_snapshot!(read(
            "sides=2 copy-count = 3\nnotify-operator+=message:ann@h1 email:bob@h2 job-hold=true j-n-='a b'c \
             results-profile='ann@h1::2:Please staple' n-p={delivery-method=message x='a }'} job-name== =x"
        ));
    }

    #[test]
    fn what_touches_the_operator_is_a_value() {
        assert_eq!(read("job-name=a=b"), [("job-name".into(), Op::Set, vec!["a=b".into()])]);
        assert_eq!(read("job-name=''"), [("job-name".into(), Op::Set, vec![String::new()])]);
        assert_eq!(read("a==b c"), [("a".into(), Op::Default, vec!["b".into(), "c".into()])]);
    }

    #[test]
    fn broken_strings_say_where() {
        assert_eq!(why("job-name= copy-count=2"), "job-name has no value after '='");
        assert_eq!(why("job-name+="), "job-name has no value after '+='");
        assert_eq!(why("hello"), "'hello' is not of the form attribute=value");
        assert_eq!(why("a='b"), "the quote ' is not closed in 'b");
        assert_eq!(why("a={b"), "'{' is not closed in {b");
        assert_eq!(why("a=b}"), "'}' without '{' in 'b}'");
        assert!(why(&format!("a={}", "{".repeat(20))).contains("deeper"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[a-z='\"{} +\\-\\n]{0,60}|.{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_quoted_value_comes_back(text in "[^']{0,60}") {
            let pairs = read(&format!("job-name='{text}' copy-count=2"));
            prop_assert_eq!(&pairs[0].2, &vec![text]);
            prop_assert_eq!(pairs.len(), 2);
        }
    }
}
