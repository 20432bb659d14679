//! The values of PDF, as far as a count of pages needs them: nothing here calls itself, so depth costs nothing.

use super::super::source::{Finding, Unknown};

/// Entries of one dictionary that are looked at.
const ENTRIES: usize = 4096;

pub fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

pub fn is_delimiter(octet: u8) -> bool {
    matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// Reads values from octets. A value that is not whole is [`Unknown::Broken`]: with more octets it may be.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub octets: &'a [u8],
    pub at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    /// Steps over blanks and comments.
    pub fn blanks(&mut self) {
        while let Some(octet) = self.peek() {
            if octet == b'%' {
                let rest = &self.octets[self.at..];
                self.at += rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(rest.len());
            } else if is_space(octet) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// A word that is neither name nor string: a number, `true`, `obj`, `R`.
    pub fn word(&mut self) -> &'a [u8] {
        self.blanks();
        let rest = &self.octets[self.at..];
        let length = rest.iter().position(|octet| is_space(*octet) || is_delimiter(*octet)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A whole number that is not negative.
    pub fn number(&mut self) -> Option<u64> {
        let before = self.at;
        let word = self.word();
        let word = word.strip_prefix(b"+").unwrap_or(word);
        // Some writers put a point behind whole numbers.
        let word = word.strip_suffix(b".0").unwrap_or(word);
        let number = (!word.is_empty() && word.len() <= 19 && word.iter().all(u8::is_ascii_digit))
            .then(|| word.iter().fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0')));
        if number.is_none() {
            self.at = before;
        }
        number
    }

    /// Whether `word` comes next, and steps over it.
    pub fn eat(&mut self, word: &[u8]) -> bool {
        self.blanks();
        let found = self.octets[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Steps over one value, and returns its octets: `7 0 R` is one.
    ///
    /// # Errors
    /// When it is not whole, or nothing is there.
    pub fn value(&mut self) -> Finding<&'a [u8]> {
        self.blanks();
        let begin = self.at;
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.blanks();
            let Some(octet) = self.peek() else {
                return Err(Unknown::Broken);
            };
            match octet {
                b'(' => self.string()?,
                b'<' if self.octets.get(self.at + 1) == Some(&b'<') => {
                    open.push(b'>');
                    self.at += 2;
                    continue;
                }
                b'<' => {
                    let rest = &self.octets[self.at..];
                    self.at += rest.iter().position(|octet| *octet == b'>').ok_or(Unknown::Broken)? + 1;
                }
                b'[' => {
                    open.push(b']');
                    self.at += 1;
                    continue;
                }
                b']' if open.last() == Some(&b']') => {
                    open.pop();
                    self.at += 1;
                }
                b'>' if open.last() == Some(&b'>') && self.octets.get(self.at + 1) == Some(&b'>') => {
                    open.pop();
                    self.at += 2;
                }
                b'/' => {
                    self.at += 1;
                    let rest = &self.octets[self.at..];
                    self.at += rest
                        .iter()
                        .position(|octet| is_space(*octet) || is_delimiter(*octet))
                        .ok_or(Unknown::Broken)?;
                }
                b']' | b'>' | b')' | b'{' | b'}' => return Err(Unknown::Broken),
                _ => {
                    self.word();
                    // A number that is cut by the end may go on.
                    if self.at == self.octets.len() {
                        return Err(Unknown::Broken);
                    }
                }
            }
            if open.is_empty() {
                let value = &self.octets[begin..self.at];
                // `7 0 R`
                if value.iter().all(u8::is_ascii_digit) {
                    let mut ahead = *self;
                    if ahead.number().is_some() && ahead.word() == b"R" {
                        self.at = ahead.at;
                    }
                }
                return Ok(&self.octets[begin..self.at]);
            }
        }
    }

    /// Steps over `(…)`, with what is nested in it.
    fn string(&mut self) -> Finding<()> {
        let mut depth = 0u32;
        let mut escaped = false;
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
        Err(Unknown::Broken)
    }

    /// A dictionary.
    ///
    /// # Errors
    /// When it is none, or not whole.
    pub fn dictionary(&mut self) -> Finding<Dictionary<'a>> {
        if !self.eat(b"<<") {
            return Err(Unknown::Broken);
        }
        let mut entries = Vec::new();
        loop {
            if self.eat(b">>") {
                return Ok(Dictionary { entries });
            }
            if !self.eat(b"/") {
                return Err(Unknown::Broken);
            }
            let rest = &self.octets[self.at..];
            let length =
                rest.iter().position(|octet| is_space(*octet) || is_delimiter(*octet)).ok_or(Unknown::Broken)?;
            self.at += length;
            let name = &rest[..length];
            let value = self.value()?;
            // A name may be spelled with `#xx`; those that matter never are, and must not be missed.
            if name.contains(&b'#') || entries.len() >= ENTRIES {
                if entries.len() >= ENTRIES {
                    return Err(Unknown::TooMuch);
                }
                continue;
            }
            entries.push((name, value));
        }
    }
}

/// A dictionary: names without their slash, and the octets of their values.
#[derive(Clone, Debug, Default)]
pub struct Dictionary<'a> {
    entries: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Dictionary<'a> {
    /// The octets of a value. Of two, readers differ in which counts: then there is none to trust, but the last.
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.entries.iter().rev().find(|entry| entry.0 == name).map(|entry| entry.1).filter(|value| *value != b"null")
    }

    /// A whole number.
    pub fn number(&self, name: &[u8]) -> Option<u64> {
        let value = self.get(name)?;
        let mut reader = Reader::new(value);
        reader.number().filter(|_| reader.at == value.len())
    }

    /// A name.
    pub fn name(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.get(name)?.strip_prefix(b"/")
    }

    /// A reference.
    pub fn reference(&self, name: &[u8]) -> Option<u32> {
        reference(self.get(name)?)
    }
}

/// The object that `7 0 R` names.
pub fn reference(value: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(value);
    let number = u32::try_from(reader.number()?).ok()?;
    reader.number()?;
    (reader.word() == b"R").then_some(number)
}

/// The values of `[…]`.
///
/// # Errors
/// When it is none.
pub fn array(value: &[u8]) -> Finding<Vec<&[u8]>> {
    let inner = value.strip_prefix(b"[").and_then(|value| value.strip_suffix(b"]")).ok_or(Unknown::Broken)?;
    // The end of the array ends its last number.
    let mut reader = Reader::new(value);
    reader.at = 1;
    let mut values = Vec::new();
    loop {
        reader.blanks();
        if reader.at > inner.len() {
            return Ok(values);
        }
        values.push(reader.value()?);
    }
}
