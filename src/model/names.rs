//! Names of objects. They are compared without case, and kept as they were declared.
//!
//! A name has 1 to 64 characters of `A-Z a-z 0-9 - . _`, and begins with a letter or a digit. Where a number may stand
//! too (`JOB 5`, `pdls 0815`), digits alone are a number. The sigils of the NonStop language (`$LP1`, `#OFFICE`,
//! `\NODE.`) are not part of the stored name; that language adds them when it prints a name.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest name, in characters.
pub const MAX_NAME: usize = 64;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was there.
    #[error("a name is missing")]
    Empty,
    /// The text is longer than [`MAX_NAME`].
    #[error("'{0}…' is longer than 64 characters")]
    TooLong(String),
    /// The text does not begin with a letter or a digit.
    #[error("'{0}' does not begin with a letter or a digit")]
    Start(String),
    /// A character that no name contains.
    #[error("'{0}' contains {1:?}; {2}")]
    Character(String, char, &'static str),
    /// The text does not have the form of this kind of name.
    #[error("'{0}' is not of the form {1}")]
    Form(String, &'static str),
}

fn check(text: &str, dots: bool) -> Result<(), BadName> {
    let shown = || super::printable::escaped(&text.chars().take(MAX_NAME).collect::<String>());
    let first = text.chars().next().ok_or(BadName::Empty)?;
    if text.chars().count() > MAX_NAME {
        return Err(BadName::TooLong(super::printable::escaped(&text.chars().take(16).collect::<String>())));
    }
    let odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (dots && *c == '.'));
    if let Some(c) = text.chars().find(odd) {
        let has = match dots {
            true => "a name has letters, digits, '-', '_' and '.'",
            false => "such a name has letters, digits, '-' and '_'",
        };
        return Err(BadName::Character(shown(), c, has));
    }
    if !first.is_ascii_alphanumeric() {
        return Err(BadName::Start(shown()));
    }
    if text.ends_with('.') {
        return Err(BadName::Character(shown(), '.', "a name does not end with it"));
    }
    Ok(())
}

// Why shared and not copied? Each job of a listing has the names of its server and its destination.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, dots: $dots:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Returns the name as it was declared.
            pub fn as_str(&self) -> &str {
                &self.0
            }
            /// Returns the form in which names are compared.
            pub fn key(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }
        impl FromStr for $type {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                check(text, $dots)?;
                Ok(Self(text.into()))
            }
        }
        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.as_str().to_owned()
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }
        impl Eq for $type {}
        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.key().hash(state);
            }
        }
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $type {
            fn cmp(&self, other: &Self) -> Ordering {
                self.key().cmp(&other.key())
            }
        }
    };
}

name!(
    /// The name of a server; also the name of its directory under the base.
    ServerName, dots: true
);
name!(
    /// The name of a print process, without its `$`.
    ProcessName, dots: true
);
name!(
    /// The name of a collector, without its `$`.
    CollectorName, dots: false
);
name!(
    /// The name of an object of a class that is only kept, as [`super::object`] has them.
    ObjectName, dots: true
);
name!(
    /// The group half of a location, without its `#`.
    GroupName, dots: false
);
name!(
    /// The destination half of a location.
    DestName, dots: false
);

impl CollectorName {
    /// Returns the collector of a spool in which none was ever declared.
    pub fn usual() -> Self {
        Self("S".into())
    }
}

impl GroupName {
    /// Returns the group to which a job goes that names no location.
    pub fn default_group() -> Self {
        Self("DEFAULT".into())
    }
}

impl DestName {
    /// Returns the destination that stands for a group named alone.
    pub fn default_dest() -> Self {
        Self("DEFAULT".into())
    }
}

/// The name of a font, whose job is sent ahead of others: 1 to 16 letters and digits, a letter first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FontName(String);

impl FontName {
    /// Returns the name as it was declared.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Returns the form in which names are compared.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for FontName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let fits = text.len() <= 16
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric());
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        let shown = || text.chars().take(MAX_NAME).collect::<String>().escape_debug().to_string();
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName::Form(shown(), "of 1 to 16 letters and digits, a letter first"))
        }
    }
}

impl TryFrom<String> for FontName {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<FontName> for String {
    fn from(name: FontName) -> String {
        name.0
    }
}

impl fmt::Display for FontName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialEq for FontName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for FontName {}

/// A name that is copied like a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedName {
    octets: [u8; MAX_NAME],
    length: u8,
}

impl FixedName {
    /// Makes one; none when the text is longer than a name.
    pub fn new(text: &str) -> Option<Self> {
        let mut octets = [0; MAX_NAME];
        octets.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { octets, length: u8::try_from(text.len()).ok()? })
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        self.octets.get(..usize::from(self.length)).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
    }
}

/// The name of a device: `[node.]name[.sub]`, written `\node.$name.#sub` in the NonStop language. Or, with a node, where that server
/// has its jobs printed: the name of a destination of it, written `\node.#group.dest`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName {
    node: Option<ServerName>,
    name: ProcessName,
    sub: Option<DestName>,
    /// Whether it is the name of a destination.
    leads_on: bool,
}

impl DeviceName {
    /// Names a destination of another server.
    ///
    /// # Errors
    /// When a part of it is no name.
    pub fn of_destination(server: &ServerName, destination: &str) -> Result<Self, BadName> {
        let plain = destination.trim_start_matches('#');
        let (name, sub) = match plain.split_once('.') {
            Some((group, dest)) => (group, Some(dest.parse()?)),
            None => (plain, None),
        };
        let named = Self { node: Some(server.clone()), name: name.parse()?, sub, leads_on: true };
        let text = named.stored();
        match text.len() > MAX_NAME {
            true => Err(BadName::TooLong(text.chars().take(16).collect())),
            false => Ok(named),
        }
    }

    /// Returns the destination of another server that it names; none where it names a device.
    pub fn destination(&self) -> Option<String> {
        let sub = self.sub.as_ref().map_or_else(String::new, |sub| format!(".{sub}"));
        self.leads_on.then(|| format!("{}{sub}", self.name))
    }

    /// Returns the form that [`FromStr`] reads back, whatever the name of the node is.
    pub fn stored(&self) -> String {
        match (&self.node, self.destination()) {
            (Some(node), Some(destination)) => format!("\\{node}.$#{destination}"),
            _ => self.to_string(),
        }
    }

    /// Returns the node that it names.
    pub fn node(&self) -> Option<&ServerName> {
        self.node.as_ref()
    }

    /// Returns the same device without its node, as its own server names it.
    #[must_use]
    pub fn without_node(&self) -> Self {
        Self { node: None, ..self.clone() }
    }

    /// Returns the same device as another server names it: with the node of its own.
    #[must_use]
    pub fn with_node(&self, server: &ServerName) -> Self {
        Self { node: Some(server.clone()), ..self.clone() }
    }

    /// Returns the form in which names are compared, stored uniquely and sorted: as a person reads them, without the signs.
    /// `$FAST2.#T1` stands behind `$FAST2`, and `\WEST.$M` at W. What tells it from a plain name with dots follows a character
    /// that no name has.
    pub fn key(&self) -> String {
        let text = self.to_string().to_ascii_lowercase();
        if self.node.is_none() && self.sub.is_none() {
            return text;
        }
        let read: String = text.chars().filter(|c| !matches!(c, '\\' | '$' | '#')).collect();
        format!("{read}\u{1}{text}")
    }

    /// Returns the name in the NonStop language: `\NODE.$NAME.#SUB`.
    pub fn guardian(&self) -> String {
        let mut text = String::new();
        if let Some(node) = &self.node {
            text.push('\\');
            text.push_str(node.as_str());
            text.push('.');
        }
        if let Some(destination) = self.destination() {
            // A name of a server may hold dots: then the sign says where it ends.
            if self.node.as_ref().is_some_and(|node| node.as_str().contains('.')) {
                text.push('$');
            }
            text.push('#');
            text.push_str(&destination);
            return text;
        }
        text.push('$');
        text.push_str(self.name.as_str());
        if let Some(sub) = &self.sub {
            text.push_str(".#");
            text.push_str(sub.as_str());
        }
        text
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node.is_some() || self.sub.is_some() {
            return f.pad(&self.guardian());
        }
        self.name.fmt(f)
    }
}

impl FromStr for DeviceName {
    type Err = BadName;

    /// Accepts `LP1`, `$LP1`, `$LP1.#A`, `\WEST.$LP1` and `\WEST.$LP1.#A`, and of destinations `\WEST.#A`, `\WEST.#A.B`.
    fn from_str(text: &str) -> Result<Self, BadName> {
        const FORM: &str = "[\\node.]$device[.#sub]";
        let bad = || BadName::Form(super::printable::escaped(text), FORM);
        let (node, rest) = match text.strip_prefix('\\') {
            Some(rest) => {
                // Names of servers may hold dots: a name that has its '$' says where they end.
                let (node, rest) = rest.split_once(".$").or_else(|| rest.split_once('.')).ok_or_else(bad)?;
                (Some(node.parse()?), rest)
            }
            None => (None, text),
        };
        let rest = rest.strip_prefix('$').unwrap_or(rest);
        if text.len() > MAX_NAME {
            return Err(BadName::TooLong(super::printable::escaped(&text.chars().take(16).collect::<String>())));
        }
        if let (Some(node), Some(destination)) = (&node, rest.strip_prefix('#')) {
            return Self::of_destination(node, destination);
        }
        let (name, sub) = match rest.split_once(".#") {
            Some((name, sub)) => (name, Some(sub.parse()?)),
            None => (rest, None),
        };
        Ok(Self { node, name: name.parse()?, sub, leads_on: false })
    }
}

impl TryFrom<String> for DeviceName {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> String {
        name.stored()
    }
}

/// One location, `#GROUP.DEST`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LocationName {
    /// The group half.
    pub group: GroupName,
    /// The destination half.
    pub dest: DestName,
}

impl fmt::Display for LocationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}.{}", self.group, self.dest))
    }
}

/// What a location argument of SPOOLCOM can mean (docs/reference/spoolcom.md 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocationPattern {
    /// `#group.dest` or `group.dest`.
    One(LocationName),
    /// `#group`.
    Group(GroupName),
    /// `dest`: this destination in every group that has it.
    EveryGroup(DestName),
}

impl FromStr for LocationPattern {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let (sigil, rest) = match text.strip_prefix('#') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        match rest.split_once('.') {
            Some((group, dest)) => Ok(Self::One(LocationName { group: group.parse()?, dest: dest.parse()? })),
            None if sigil => Ok(Self::Group(rest.parse()?)),
            None => Ok(Self::EveryGroup(rest.parse()?)),
        }
    }
}

impl fmt::Display for LocationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => name.fmt(f),
            Self::Group(group) => f.pad(&format!("#{group}")),
            Self::EveryGroup(dest) => dest.fmt(f),
        }
    }
}

/// Returns names that resemble `wanted`, the most similar first, for "did you mean".
pub fn near<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.trim_start_matches(['#', '$']).to_ascii_lowercase();
    let limit = 1 + wanted.chars().count() / 4;
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let plain = name.trim_start_matches(['#', '$']).to_ascii_lowercase();
            let inside = wanted.len() >= 3 && (plain.contains(&wanted) || plain.split('.').any(|part| part == wanted));
            // Compare with the whole name and with its halves: `frnt` resembles `OFFICE.FRONT`.
            let halves = plain.split('.').map(|half| edit_distance(&wanted, half, limit));
            let distance = halves.chain([edit_distance(&wanted, &plain, limit)]).min().unwrap_or(limit + 1);
            (inside || distance <= limit).then_some((if inside { distance.min(1) } else { distance }, name))
        })
        .collect();
    found.sort();
    found.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

/// Returns the Levenshtein distance, cut off above `limit`.
fn edit_distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigils_are_optional_and_case_does_not_count() {
        let a: DeviceName = "$LP1".parse().unwrap();
        let b: DeviceName = "lp1".parse().unwrap();
        assert_eq!(a.key(), b.key());
        assert_eq!(a.to_string(), "LP1");
        assert_eq!(b.guardian(), "$lp1");
        let c: DeviceName = "\\WEST.$LASER.#B".parse().unwrap();
        assert_eq!(c.to_string(), "\\WEST.$LASER.#B");
        assert_eq!(c.to_string().parse::<DeviceName>().unwrap(), c);
    }

    #[test]
    fn what_is_not_a_name_is_refused_with_its_reason() {
        for bad in ["", "-x", ".x", "_x", "a b", "a\nb", "a:b", "a%n", "a/b", "x."] {
            assert!(bad.parse::<ServerName>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(65).parse::<ServerName>().is_err());
        assert!("a.b".parse::<GroupName>().is_err());
    }

    #[test]
    fn the_three_forms_of_a_location() {
        assert!(matches!("#OFFICE.FRONT".parse(), Ok(LocationPattern::One(_))));
        assert!(matches!("office.front".parse(), Ok(LocationPattern::One(_))));
        assert!(matches!("#office".parse(), Ok(LocationPattern::Group(_))));
        assert!(matches!("front".parse(), Ok(LocationPattern::EveryGroup(_))));
    }

    #[test]
    fn near_names_are_found() {
        let names = ["#OFFICE.FRONT", "#OFFICE.BACK", "#LAB.ONE"];
        assert_eq!(near("office.frnt", names), ["#OFFICE.FRONT"]);
        assert_eq!(near("front", names), ["#OFFICE.FRONT"]);
        assert_eq!(near("frnt", names), ["#OFFICE.FRONT"]);
        assert!(near("zzz", names).is_empty());
    }
}
