//! The Internet Printing Protocol (RFC 8010): messages as octets and back.
//!
//! | part | octets |
//! |---|---|
//! | head | version 2, operation or status 2, request id 4 |
//! | group | its tag, then attributes |
//! | attribute | tag, length of the name, name, length of the value, value; more values have an empty name |
//! | collection | `34`, then `4a` with the name of each member and its values, then `37` |
//! | end | `03`; what follows is the document |
//!
//! Reading is total and takes time in proportion to what arrived. It ends with an error at more than [`MAX_OCTETS`],
//! [`MAX_ATTRIBUTES`], [`MAX_VALUES`] or [`MAX_DEPTH`]. No more than 32 KiB are allocated because a peer says so.

use std::io::{self, Read};

use super::lpd;

/// Octets of the largest message, its document left out.
pub const MAX_OCTETS: usize = 1024 * 1024;
/// Attributes of a message, members of collections among them.
pub const MAX_ATTRIBUTES: usize = 4_096;
/// Values of a message.
pub const MAX_VALUES: usize = 65_536;
/// Collections within each other.
pub const MAX_DEPTH: usize = 16;
/// Octets of the longest name or value that is written.
const MAX_WRITTEN: usize = 32_767;

/// Tags of groups and values (RFC 8010 §3.5).
pub mod tag {
    /// Attributes of an operation.
    pub const OPERATION: u8 = 0x01;
    /// Attributes of a job.
    pub const JOB: u8 = 0x02;
    /// The end of the attributes.
    pub const END: u8 = 0x03;
    /// Attributes of a printer.
    pub const PRINTER: u8 = 0x04;
    /// Attributes that were not taken.
    pub const UNSUPPORTED: u8 = 0x05;
    /// The value is not supported.
    pub const UNSUPPORTED_VALUE: u8 = 0x10;
    /// The value is not known.
    pub const UNKNOWN: u8 = 0x12;
    /// There is no value.
    pub const NO_VALUE: u8 = 0x13;
    /// A number.
    pub const INTEGER: u8 = 0x21;
    /// Yes or no.
    pub const BOOLEAN: u8 = 0x22;
    /// A number that stands for a word.
    pub const ENUM: u8 = 0x23;
    /// Octets without a meaning here.
    pub const OCTETS: u8 = 0x30;
    /// A moment.
    pub const DATE_TIME: u8 = 0x31;
    /// A resolution.
    pub const RESOLUTION: u8 = 0x32;
    /// The numbers between two.
    pub const RANGE: u8 = 0x33;
    /// A collection begins.
    pub const COLLECTION: u8 = 0x34;
    /// A text with its language.
    pub const TEXT_LANGUAGE: u8 = 0x35;
    /// A name with its language.
    pub const NAME_LANGUAGE: u8 = 0x36;
    /// A collection ends.
    pub const END_COLLECTION: u8 = 0x37;
    /// A text.
    pub const TEXT: u8 = 0x41;
    /// A name.
    pub const NAME: u8 = 0x42;
    /// A word.
    pub const KEYWORD: u8 = 0x44;
    /// An address.
    pub const URI: u8 = 0x45;
    /// The kind of an address.
    pub const URI_SCHEME: u8 = 0x46;
    /// A character set.
    pub const CHARSET: u8 = 0x47;
    /// A language.
    pub const LANGUAGE: u8 = 0x48;
    /// A format of documents.
    pub const MIME: u8 = 0x49;
    /// The name of a member of a collection.
    pub const MEMBER: u8 = 0x4a;
}

/// Why octets are no message.
#[derive(Debug, thiserror::Error)]
pub enum IppError {
    /// The sender stopped in the middle of it, or the connection is broken.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is larger than it may be.
    #[error("the attributes are more than {0}")]
    TooMuch(&'static str),
    /// Something in it cannot be.
    #[error("{0}")]
    Malformed(&'static str),
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Integer(i32),
    /// A number that stands for a word.
    Enum(i32),
    /// Yes or no.
    Boolean(bool),
    /// The numbers from one to another.
    Range(i32, i32),
    /// Across, along, and 3 for dots an inch or 4 for dots a centimetre.
    Resolution(i32, i32, u8),
    /// A moment (RFC 2579).
    DateTime([u8; 11]),
    /// A text or a name with its language, under its tag.
    Localised {
        /// [`tag::TEXT_LANGUAGE`] or [`tag::NAME_LANGUAGE`].
        tag: u8,
        /// The language.
        language: Vec<u8>,
        /// The octets of the text.
        text: Vec<u8>,
    },
    /// A collection.
    Collection(Vec<Attribute>),
    /// No value: the tag says what that means.
    Nothing(u8),
    /// Octets under any other tag: texts, words, addresses.
    Octets(u8, Vec<u8>),
}

impl Value {
    /// A word.
    pub fn keyword(word: &str) -> Self {
        Self::Octets(tag::KEYWORD, word.as_bytes().to_vec())
    }
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Octets(tag::TEXT, cut(text, 1023).as_bytes().to_vec())
    }
    /// A name.
    pub fn name(name: &str) -> Self {
        Self::Octets(tag::NAME, cut(name, 255).as_bytes().to_vec())
    }
    /// An address.
    pub fn uri(uri: &str) -> Self {
        Self::Octets(tag::URI, cut(uri, 1023).as_bytes().to_vec())
    }
    /// A format of documents.
    pub fn mime(mime: &str) -> Self {
        Self::Octets(tag::MIME, mime.as_bytes().to_vec())
    }
    /// Its tag.
    pub fn tag(&self) -> u8 {
        match self {
            Self::Integer(_) => tag::INTEGER,
            Self::Enum(_) => tag::ENUM,
            Self::Boolean(_) => tag::BOOLEAN,
            Self::Range(..) => tag::RANGE,
            Self::Resolution(..) => tag::RESOLUTION,
            Self::DateTime(_) => tag::DATE_TIME,
            Self::Collection(_) => tag::COLLECTION,
            Self::Localised { tag, .. } | Self::Nothing(tag) | Self::Octets(tag, _) => *tag,
        }
    }
    /// Its text, if it is text of any kind. What is no UTF-8 is read as Latin-1.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Octets(_, octets) | Self::Localised { text: octets, .. } => Some(lpd::text(octets)),
            _ => None,
        }
    }
    /// Its number.
    pub fn as_integer(&self) -> Option<i32> {
        match self {
            Self::Integer(n) | Self::Enum(n) => Some(*n),
            _ => None,
        }
    }
}

/// The beginning of a text that has at most so many octets.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// An attribute, or a member of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its values, at least one.
    pub values: Vec<Value>,
}

impl Attribute {
    /// An attribute with one value.
    pub fn one(name: &str, value: Value) -> Self {
        Self { name: name.to_owned(), values: vec![value] }
    }
}

/// A group of attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its tag.
    pub tag: u8,
    /// Its attributes in their order.
    pub attributes: Vec<Attribute>,
}

impl Group {
    /// An empty group.
    pub fn new(tag: u8) -> Self {
        Self { tag, attributes: Vec::new() }
    }
    /// The attribute of this name.
    pub fn find(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
    /// The first value of the attribute of this name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.find(name).and_then(|attribute| attribute.values.first())
    }
    /// The text of the attribute of this name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).and_then(Value::as_text)
    }
    /// Adds an attribute with one value.
    pub fn add(&mut self, name: &str, value: Value) {
        self.attributes.push(Attribute::one(name, value));
    }
    /// Adds an attribute with its values. One without values has none and is left out: an attribute has at least one.
    pub fn add_all(&mut self, name: &str, values: Vec<Value>) {
        if !values.is_empty() {
            self.attributes.push(Attribute { name: name.to_owned(), values });
        }
    }
}

/// The first octets of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Major and minor.
    pub version: (u8, u8),
    /// The operation that is wanted, or the status of the answer.
    pub code: u16,
    /// The number of the request.
    pub id: i32,
}

impl Head {
    /// Octets of a head.
    pub const OCTETS: usize = 8;

    /// Reads a head.
    ///
    /// # Errors
    /// When the sender stops before its end.
    pub fn read(from: &mut impl Read) -> Result<Self, IppError> {
        let mut octets = [0; Self::OCTETS];
        from.read_exact(&mut octets)?;
        let [major, minor, c0, c1, id @ ..] = octets;
        Ok(Self { version: (major, minor), code: u16::from_be_bytes([c0, c1]), id: i32::from_be_bytes(id) })
    }
}

/// A message without its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its head.
    pub head: Head,
    /// Its groups in their order.
    pub groups: Vec<Group>,
}

/// What may still come of a message.
struct Left<'a, R> {
    from: &'a mut R,
    octets: usize,
    attributes: usize,
    values: usize,
}

impl<R: Read> Left<'_, R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], IppError> {
        self.octets = self.octets.checked_sub(N).ok_or(IppError::TooMuch("1 MiB"))?;
        let mut octets = [0; N];
        self.from.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// A length of two octets and so many octets.
    fn counted(&mut self) -> Result<Vec<u8>, IppError> {
        let length = usize::from(u16::from_be_bytes(self.take()?));
        if length > MAX_WRITTEN {
            return Err(IppError::Malformed("a length is negative"));
        }
        self.octets = self.octets.checked_sub(length).ok_or(IppError::TooMuch("1 MiB"))?;
        let mut octets = vec![0; length];
        self.from.read_exact(&mut octets)?;
        Ok(octets)
    }

    fn one_more_attribute(&mut self) -> Result<(), IppError> {
        self.attributes = self.attributes.checked_sub(1).ok_or(IppError::TooMuch("4096 attributes"))?;
        Ok(())
    }

    fn one_more_value(&mut self) -> Result<(), IppError> {
        self.values = self.values.checked_sub(1).ok_or(IppError::TooMuch("65536 values"))?;
        Ok(())
    }

    /// The value under `tag`; its name was read.
    fn value(&mut self, tag: u8, depth: usize) -> Result<Value, IppError> {
        self.one_more_value()?;
        let octets = self.counted()?;
        if tag == tag::COLLECTION {
            if !octets.is_empty() {
                return Err(IppError::Malformed("a collection begins with a value"));
            }
            return self.members(depth + 1).map(Value::Collection);
        }
        plain(tag, octets)
    }

    /// The members of a collection, up to its end.
    fn members(&mut self, depth: usize) -> Result<Vec<Attribute>, IppError> {
        if depth > MAX_DEPTH {
            return Err(IppError::TooMuch("16 collections within each other"));
        }
        let mut members: Vec<Attribute> = Vec::new();
        loop {
            let [tag] = self.take()?;
            if !self.counted()?.is_empty() {
                return Err(IppError::Malformed("a member of a collection has its name in the wrong place"));
            }
            match tag {
                tag::END_COLLECTION => {
                    if !self.counted()?.is_empty() {
                        return Err(IppError::Malformed("a collection ends with a value"));
                    }
                    break;
                }
                tag::MEMBER => {
                    if members.last().is_some_and(|member| member.values.is_empty()) {
                        return Err(IppError::Malformed("a member of a collection has no value"));
                    }
                    self.one_more_attribute()?;
                    let name = named(self.counted()?)?;
                    members.push(Attribute { name, values: Vec::new() });
                }
                0..=0x0f => return Err(IppError::Malformed("a collection does not end")),
                tag => {
                    let value = self.value(tag, depth)?;
                    let member =
                        members.last_mut().ok_or(IppError::Malformed("a member of a collection has no name"))?;
                    member.values.push(value);
                }
            }
        }
        match members.last() {
            Some(member) if member.values.is_empty() => {
                Err(IppError::Malformed("a member of a collection has no value"))
            }
            _ => Ok(members),
        }
    }
}

/// A name of the network: words of ASCII.
fn named(octets: Vec<u8>) -> Result<String, IppError> {
    if octets.is_empty() || octets.len() > 255 || !octets.iter().all(u8::is_ascii_graphic) {
        return Err(IppError::Malformed("a name is empty, too long or no word"));
    }
    String::from_utf8(octets).map_err(|_| IppError::Malformed("a name is no word"))
}

fn number(octets: &[u8]) -> Result<i32, IppError> {
    let octets: [u8; 4] = octets.try_into().map_err(|_| IppError::Malformed("a number has not four octets"))?;
    Ok(i32::from_be_bytes(octets))
}

/// A value that is no collection.
fn plain(tag: u8, octets: Vec<u8>) -> Result<Value, IppError> {
    Ok(match tag {
        0x10..=0x1f if octets.is_empty() => Value::Nothing(tag),
        0x10..=0x1f => return Err(IppError::Malformed("a value that is none has octets")),
        tag::INTEGER => Value::Integer(number(&octets)?),
        tag::ENUM => Value::Enum(number(&octets)?),
        tag::BOOLEAN => match octets.as_slice() {
            [0] => Value::Boolean(false),
            [1] => Value::Boolean(true),
            _ => return Err(IppError::Malformed("yes or no is neither 0 nor 1")),
        },
        tag::RANGE => match octets.split_at_checked(4) {
            Some((from, to)) => Value::Range(number(from)?, number(to)?),
            None => return Err(IppError::Malformed("a range has not eight octets")),
        },
        tag::RESOLUTION => match (octets.get(..4), octets.get(4..8), octets.get(8..)) {
            (Some(across), Some(along), Some([units])) => Value::Resolution(number(across)?, number(along)?, *units),
            _ => return Err(IppError::Malformed("a resolution has not nine octets")),
        },
        tag::DATE_TIME => {
            Value::DateTime(octets.try_into().map_err(|_| IppError::Malformed("a moment has not eleven octets"))?)
        }
        tag::TEXT_LANGUAGE | tag::NAME_LANGUAGE => {
            let wrong = IppError::Malformed("a text with its language has wrong lengths");
            match halves(&octets) {
                Some((language, text)) => Value::Localised { tag, language: language.to_vec(), text: text.to_vec() },
                None => return Err(wrong),
            }
        }
        tag::MEMBER | tag::END_COLLECTION => {
            return Err(IppError::Malformed("a part of a collection stands outside of one"));
        }
        _ => Value::Octets(tag, octets),
    })
}

/// The two counted halves of which a value consists.
fn halves(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<2>()?;
    let (first, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (length, second) = rest.split_first_chunk::<2>()?;
    (second.len() == usize::from(u16::from_be_bytes(*length))).then_some((first, second))
}

impl Message {
    /// Reads the groups behind a head. What follows them in `from` is the document.
    ///
    /// # Errors
    /// When they are none, too large, or the sender stops.
    pub fn read(head: Head, from: &mut impl Read) -> Result<Self, IppError> {
        let mut left = Left { from, octets: MAX_OCTETS - Head::OCTETS, attributes: MAX_ATTRIBUTES, values: MAX_VALUES };
        let mut groups: Vec<Group> = Vec::new();
        loop {
            let [tag] = left.take()?;
            match tag {
                tag::END => return Ok(Self { head, groups }),
                0 => return Err(IppError::Malformed("a group has tag 0")),
                1..=0x0f => {
                    left.one_more_attribute()?;
                    groups.push(Group::new(tag));
                }
                tag => {
                    let group =
                        groups.last_mut().ok_or(IppError::Malformed("an attribute stands before all groups"))?;
                    let name = left.counted()?;
                    if name.is_empty() {
                        let before = group.attributes.last_mut();
                        let before = before.ok_or(IppError::Malformed("the first attribute has no name"))?;
                        before.values.push(left.value(tag, 0)?);
                    } else {
                        left.one_more_attribute()?;
                        let name = named(name)?;
                        let values = vec![left.value(tag, 0)?];
                        group.attributes.push(Attribute { name, values });
                    }
                }
            }
        }
    }

    /// The group with this tag that comes first.
    pub fn group(&self, tag: u8) -> Option<&Group> {
        self.groups.iter().find(|group| group.tag == tag)
    }

    /// Its octets.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        out.extend([self.head.version.0, self.head.version.1]);
        out.extend(self.head.code.to_be_bytes());
        out.extend(self.head.id.to_be_bytes());
        for group in &self.groups {
            out.push(group.tag);
            for attribute in &group.attributes {
                for (at, value) in attribute.values.iter().enumerate() {
                    out.push(value.tag());
                    put(&mut out, if at == 0 { attribute.name.as_bytes() } else { &[] });
                    put_value(&mut out, value);
                }
            }
        }
        out.push(tag::END);
        out
    }
}

/// Writes a length and so many octets.
fn put(out: &mut Vec<u8>, octets: &[u8]) {
    let kept = octets.get(..MAX_WRITTEN).unwrap_or(octets);
    out.extend(u16::try_from(kept.len()).unwrap_or(0).to_be_bytes());
    out.extend(kept);
}

/// Writes a value behind its tag and its name.
fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Integer(n) | Value::Enum(n) => put(out, &n.to_be_bytes()),
        Value::Boolean(yes) => put(out, &[u8::from(*yes)]),
        Value::Range(from, to) => put(out, &[from.to_be_bytes(), to.to_be_bytes()].concat()),
        Value::Resolution(across, along, units) => {
            put(out, &[&across.to_be_bytes()[..], &along.to_be_bytes(), &[*units]].concat());
        }
        Value::DateTime(octets) => put(out, octets),
        Value::Localised { language, text, .. } => {
            let mut both = Vec::new();
            put(&mut both, language.get(..1023).unwrap_or(language));
            put(&mut both, text.get(..1023).unwrap_or(text));
            put(out, &both);
        }
        Value::Nothing(_) => put(out, &[]),
        Value::Octets(_, octets) => put(out, octets),
        Value::Collection(members) => {
            put(out, &[]);
            for member in members {
                out.push(tag::MEMBER);
                put(out, &[]);
                put(out, member.name.as_bytes());
                for value in &member.values {
                    out.push(value.tag());
                    put(out, &[]);
                    put_value(out, value);
                }
            }
            out.push(tag::END_COLLECTION);
            put(out, &[]);
            put(out, &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(mut octets: &[u8]) -> Result<(Message, usize), IppError> {
        let head = Head::read(&mut octets)?;
        Message::read(head, &mut octets).map(|message| (message, octets.len()))
    }

    fn message(groups: Vec<Group>) -> Message {
        Message { head: Head { version: (2, 0), code: 2, id: 7 }, groups }
    }

    fn value(depth: u32) -> BoxedStrategy<Value> {
        let octets = proptest::collection::vec(any::<u8>(), 0..40);
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::Integer),
            any::<i32>().prop_map(Value::Enum),
            any::<bool>().prop_map(Value::Boolean),
            any::<(i32, i32)>().prop_map(|(a, b)| Value::Range(a, b)),
            any::<(i32, i32, u8)>().prop_map(|(a, b, c)| Value::Resolution(a, b, c)),
            any::<[u8; 11]>().prop_map(Value::DateTime),
            (0x10u8..0x20).prop_map(Value::Nothing),
            (prop_oneof![Just(tag::OCTETS), 0x41u8..0x4a, 0x50u8..0x80], octets.clone())
                .prop_map(|(tag, octets)| Value::Octets(tag, octets)),
            (prop_oneof![Just(tag::TEXT_LANGUAGE), Just(tag::NAME_LANGUAGE)], octets.clone(), octets)
                .prop_map(|(tag, language, text)| Value::Localised { tag, language, text }),
        ];
        match depth {
            0 => leaf.boxed(),
            _ => prop_oneof![4 => leaf, 1 => attributes(depth - 1).prop_map(Value::Collection)].boxed(),
        }
    }

    fn attributes(depth: u32) -> BoxedStrategy<Vec<Attribute>> {
        let one = ("[a-z-]{1,12}", proptest::collection::vec(value(depth), 1..4));
        proptest::collection::vec(one.prop_map(|(name, values)| Attribute { name, values }), 0..5).boxed()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            groups in proptest::collection::vec((1u8..3, attributes(3)), 0..4), document in any::<Vec<u8>>()
        ) {
            let groups = groups.into_iter().map(|(tag, attributes)| Group { tag, attributes }).collect();
            let message = message(groups);
            let octets = [message.encode(), document.clone()].concat();
            prop_assert_eq!(read(&octets).unwrap(), (message, document.len()));
        }

        #[test]
        fn any_octets_are_a_message_or_an_error(octets in proptest::collection::vec(any::<u8>(), 0..4096)) {
            if let Ok((message, _)) = read(&octets) {
                prop_assert_eq!(read(&message.encode()).unwrap().0, message);
            }
        }

        #[test]
        fn a_damaged_message_is_a_message_or_an_error(
            groups in attributes(3), at in 0usize..4096, octet in any::<u8>(), cut in 0usize..4096
        ) {
            let mut octets = message(vec![Group { tag: 1, attributes: groups }]).encode();
            let end = octets.len();
            octets[at % end] = octet;
            let _ = read(&octets);
            let _ = read(&octets[..cut % end]);
        }
    }

    #[test]
    fn a_member_with_two_values_keeps_both_and_what_follows() {
        let member = |name: &str, values: Vec<Value>| Attribute { name: name.to_owned(), values };
        let both = member("m1", vec![Value::keyword("x"), Value::keyword("y")]);
        let collection = Value::Collection(vec![both, member("m2", vec![Value::Integer(5)])]);
        let message = message(vec![Group { tag: 1, attributes: vec![Attribute::one("c", collection)] }]);
        assert_eq!(read(&message.encode()).unwrap().0, message);
    }

    #[test]
    fn what_is_too_deep_or_too_much_is_refused() {
        let nested = |depth: usize| {
            let mut value = Value::Integer(1);
            for _ in 0..depth {
                value = Value::Collection(vec![Attribute::one("m", value)]);
            }
            read(&message(vec![Group { tag: 1, attributes: vec![Attribute::one("c", value)] }]).encode())
        };
        assert!(nested(MAX_DEPTH).is_ok());
        assert!(matches!(nested(MAX_DEPTH + 1), Err(IppError::TooMuch(_))));
        // Far deeper: an error, and no overflow of the stack.
        let mut octets = vec![2, 0, 0, 2, 0, 0, 0, 1, 1, tag::COLLECTION, 0, 1, b'c', 0, 0];
        for _ in 0..100_000 {
            octets.extend([tag::MEMBER, 0, 0, 0, 1, b'm', tag::COLLECTION, 0, 0, 0, 0]);
        }
        assert!(matches!(read(&octets), Err(IppError::TooMuch(_))));
        let many = |attributes: usize, values: usize| {
            let one = Attribute { name: "a".into(), values: vec![Value::Boolean(true); values] };
            read(&message(vec![Group { tag: 1, attributes: vec![one; attributes] }]).encode())
        };
        assert!(many(MAX_ATTRIBUTES - 1, 1).is_ok() && many(1, MAX_VALUES).is_ok());
        assert!(matches!(many(MAX_ATTRIBUTES, 1), Err(IppError::TooMuch(_))));
        assert!(matches!(many(1, MAX_VALUES + 1), Err(IppError::TooMuch(_))));
        let large = Attribute { name: "a".into(), values: vec![Value::Octets(tag::OCTETS, vec![0; 30_000]); 40] };
        let large = message(vec![Group { tag: 1, attributes: vec![large] }]).encode();
        assert!(matches!(read(&large), Err(IppError::TooMuch(_))));
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        let begin = [2, 0, 0, 2, 0, 0, 0, 1, 1];
        let cases: [&[u8]; 9] = [
            // A name, a value, and a text with its language that are longer than what follows.
            &[tag::TEXT, 0x7f, 0xff, b'a'],
            &[tag::TEXT, 0, 1, b'a', 0x7f, 0xff, b'x'],
            &[tag::TEXT_LANGUAGE, 0, 1, b'a', 0, 4, 0, 9, b'e', b'n', tag::END],
            // Negative.
            &[tag::TEXT, 0xff, 0xff],
            &[tag::INTEGER, 0, 1, b'a', 0, 3, 1, 2, 3, tag::END],
            &[tag::BOOLEAN, 0, 1, b'a', 0, 1, 2, tag::END],
            // More values of no attribute, a member outside of a collection, a collection that does not end.
            &[tag::TEXT, 0, 0, 0, 0, tag::END],
            &[tag::MEMBER, 0, 1, b'a', 0, 1, b'm', tag::END],
            &[tag::COLLECTION, 0, 1, b'a', 0, 0, tag::END],
        ];
        for case in cases {
            assert!(read(&[&begin[..], case].concat()).is_err(), "{case:?}");
        }
        assert!(read(&begin[..5]).is_err());
    }
}
