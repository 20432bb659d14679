//! Names in FASTCNFG: of spoolers, print processes and devices, which are compared exactly but for their case, and of
//! files, which a Guardian system and this one write differently.

use std::fmt;

use crate::model::names::DestName;
use crate::model::{DeviceName, ProcessName};

/// `[\node.]$name[.#qualifier]`. The sigils are optional; a missing node is that of whoever reads the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QualifiedName {
    node: Option<String>,
    name: String,
    qualifier: Option<String>,
    text: String,
}

impl QualifiedName {
    /// Reads a name.
    pub fn read(text: &str, qualified: bool) -> Result<Self, String> {
        let (node, rest) = match text.strip_prefix('\\') {
            // Names of servers may hold dots: a name that has its '$' says where they end.
            Some(rest) => match rest.split_once(".$").or_else(|| rest.split_once('.')) {
                Some((node, rest)) => (Some(node), rest),
                None => return Err("nothing follows its node".into()),
            },
            None => (None, text.strip_prefix('$').unwrap_or(text)),
        };
        let (name, qualifier) = match rest.split_once(".#") {
            Some((_, qualifier)) if !qualified => {
                return Err(format!("a qualifier (.#{qualifier}) belongs to devices"));
            }
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (rest, None),
        };
        if let Some(node) = node {
            node.parse::<ProcessName>().map_err(|bad| format!("its node: {bad}"))?;
        }
        name.parse::<ProcessName>().map_err(|bad| bad.to_string())?;
        if let Some(qualifier) = qualifier {
            qualifier.parse::<DestName>().map_err(|bad| format!("its qualifier: {bad}"))?;
        }
        Ok(Self {
            node: node.map(str::to_lowercase),
            name: name.to_lowercase(),
            qualifier: qualifier.map(str::to_lowercase),
            text: text.to_owned(),
        })
    }

    /// A device of the spool.
    pub fn of(device: &DeviceName) -> Self {
        // Is a name of the model always one of ours? Yes: both consist of the same parts. If it were not, it would have
        // no entry.
        let text = device.guardian();
        Self::read(&text, true).unwrap_or(Self { node: None, name: text.to_lowercase(), qualifier: None, text })
    }

    /// Whether both name the same thing for a reader on `node`.
    pub fn same(&self, other: &Self, node: &str) -> bool {
        self.key(node) == other.key(node)
    }

    fn node<'a>(&'a self, node: &'a str) -> &'a str {
        self.node.as_deref().unwrap_or(node)
    }

    /// Whether it is `name` on `node`.
    pub fn is(&self, name: &str, node: &str) -> bool {
        self.qualifier.is_none() && self.node(node).eq_ignore_ascii_case(node) && self.name.eq_ignore_ascii_case(name)
    }

    /// The node that it names.
    pub fn its_node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Its name alone, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the form in which equal names are equal for a reader on `node`.
    pub fn key(&self, node: &str) -> (String, String, Option<String>) {
        (self.node(node).to_ascii_lowercase(), self.name.clone(), self.qualifier.clone())
    }
}

impl fmt::Display for QualifiedName {
    /// As a Guardian system writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sigil = !self.text.contains('$') && !self.text.starts_with('\\');
        write!(f, "{}{}", if sigil { "$" } else { "" }, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigils_case_and_our_own_node_do_not_count() {
        let read = |text: &str| QualifiedName::read(text, true).unwrap();
        for other in ["lp1", "$LP1", "\\ACME.$Lp1", "\\acme.lp1"] {
            assert!(read("$LP1").same(&read(other), "acme"), "{other}");
            assert_eq!(read("$LP1").key("acme"), read(other).key("acme"), "{other}");
        }
        for other in ["$LP11", "$LP1.#A", "\\WEST.$LP1"] {
            assert!(!read("$LP1").same(&read(other), "acme"), "{other}");
        }
        assert!(read("\\west.$laser.#B").same(&QualifiedName::of(&"\\WEST.$LASER.#b".parse().unwrap()), "acme"));
        assert!(read("\\acme.example.$LP1").same(&read("lp1"), "acme.example"));
        for bad in ["", "$", "\\acme", "$LP1.#", "$_1", "$LP 1", "\\a b.$LP1"] {
            assert!(QualifiedName::read(bad, true).is_err(), "{bad}");
        }
        assert!(QualifiedName::read("$SPLA.#X", false).is_err());
    }
}
