//! Who somebody is: names of users from several systems, brought together without ever guessing.
//!
//! An identity is a pair, realm and name. Two are equal when both halves are; neither a part of a name nor the outcome of a
//! rule alone ever makes two people one. What is looked for, in this order: a user of exactly that identity, a user with that
//! alias, the first rule that fits. A rule gives a name that must belong to a user who is known.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// The longest name that is looked at, in octets.
pub const MAX_NAME: usize = 255;
/// The longest rule, in octets.
pub const MAX_RULE: usize = 255;

/// A user of one realm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The realm: a domain, or a server whose accounts are its own.
    pub realm: String,
    /// The name there.
    pub name: String,
}

impl Identity {
    /// Returns the form in which it is stored and compared.
    pub fn key(&self) -> String {
        format!("{}\\{}", self.realm, self.name)
    }
}

/// The realms that a site knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Realms {
    /// The realm of a name that says none.
    pub usual: String,
    /// Other names of realms, each with the realm that it means: `CORP` for `corp.local`.
    pub aliases: Vec<(String, String)>,
    /// The realm in whose names upper and lower case differ: the accounts of this server.
    pub exact: String,
}

impl Realms {
    /// Reads `DOMAIN\name`, `name@domain` or a bare name. None for what cannot be a name.
    pub fn identity(&self, text: &str) -> Option<Identity> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_NAME || text.chars().any(char::is_control) {
            return None;
        }
        let (realm, name) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((realm, name)), _) => (self.realm(realm), name),
            (None, Some((name, realm))) => (self.realm(realm), name),
            (None, None) => (self.realm(&self.usual), text),
        };
        if realm.is_empty() || name.is_empty() {
            return None;
        }
        let name = if realm == self.realm(&self.exact) { name.to_owned() } else { name.to_lowercase() };
        Some(Identity { realm, name })
    }

    fn realm(&self, word: &str) -> String {
        let known = self.aliases.iter().find(|one| one.0.to_lowercase() == word.to_lowercase());
        known.map_or(word, |one| &one.1).to_lowercase()
    }

    /// Reads a line `CORP=corp.local`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn alias(line: &str) -> Result<(String, String), String> {
        let fits = |part: &str| !part.trim().is_empty() && !part.contains(['\\', '@', '=']);
        match line.split_once('=') {
            Some((from, to)) if fits(from) && fits(to) => Ok((from.trim().to_owned(), to.trim().to_owned())),
            _ => Err("it has the form OTHER-NAME=realm, as CORP=corp.local".to_owned()),
        }
    }
}

/// A rule: a pattern for the whole of a name, whose one group is the name that is meant.
#[derive(Clone, Debug)]
pub struct Rule(Regex);

impl Rule {
    /// Reads a rule. It always stands for the whole name, whether it says so or not.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > MAX_RULE {
            return Err(format!("it is longer than {MAX_RULE} octets"));
        }
        let pattern = Regex::new(&format!("^(?:{text})$")).map_err(|error| format!("it is no pattern: {error}"))?;
        match pattern.captures_len() {
            2 => Ok(Self(pattern)),
            _ => Err("it needs one group in parentheses: the name that is meant".to_owned()),
        }
    }

    fn meant<'a>(&self, text: &'a str) -> Option<&'a str> {
        Some(self.0.captures(text)?.get(1)?.as_str()).filter(|name| !name.is_empty())
    }
}

/// A user whom the site has described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// His name.
    pub name: String,
    /// Other names of his.
    pub aliases: Vec<String>,
    /// Who may release his jobs.
    pub delegates: Vec<String>,
    /// What a station that shows the jobs of everybody calls him.
    pub public_name: Option<String>,
}

/// How an identity was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// A user has exactly this name.
    Exact,
    /// It is an alias of a user.
    Alias,
    /// The rule of this place, from 1, gave the name of a user.
    Rule(u32),
    /// No user is described under it: it stands for itself.
    Unknown,
}

/// Whom a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The identity that counts: that of the user who was found, or its own.
    pub identity: Identity,
    /// How it was found.
    pub how: Found,
}

/// All that is known of users.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Realms.
    pub realms: Realms,
    /// Users.
    pub people: Vec<Person>,
    /// Rules, in their order.
    pub rules: Vec<Rule>,
}

impl Directory {
    /// Finds whom a name means. None for what cannot be a name.
    pub fn owner(&self, text: &str) -> Option<Owner> {
        let identity = self.realms.identity(text)?;
        if let Some((person, how)) = self.described(&identity) {
            return Some(Owner { identity: self.realms.identity(&person.name)?, how });
        }
        let meant = (1..).zip(&self.rules).find_map(|(n, rule)| Some((n, rule.meant(text.trim())?)));
        if let Some((n, meant)) = meant
            && let Some((person, _)) = self.realms.identity(meant).and_then(|identity| self.described(&identity))
        {
            return Some(Owner { identity: self.realms.identity(&person.name)?, how: Found::Rule(n) });
        }
        Some(Owner { identity, how: Found::Unknown })
    }

    fn described(&self, identity: &Identity) -> Option<(&Person, Found)> {
        let is = |name: &String| self.realms.identity(name).as_ref() == Some(identity);
        if let Some(person) = self.people.iter().find(|person| is(&person.name)) {
            return Some((person, Found::Exact));
        }
        self.people.iter().find(|person| person.aliases.iter().any(is)).map(|person| (person, Found::Alias))
    }

    /// Tells whether `text` means a user who is described, of the realm that the accounts of `server` have.
    pub fn is_as_at(&self, text: &str, server: &str) -> bool {
        let Some(identity) = self.realms.identity(text) else { return false };
        identity.realm == self.realms.realm(server) && self.described(&identity).is_some()
    }

    /// Returns the keys of jobs that belong to whom `text` means, whatever was described when they came.
    pub fn keys_of(&self, text: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.realms.identity(text).into_iter().map(|own| own.key()).collect();
        let Some(owner) = self.owner(text) else { return keys };
        let person = self.described(&owner.identity).map(|found| found.0);
        let names = person.into_iter().flat_map(|person| std::iter::once(&person.name).chain(&person.aliases));
        for identity in names.filter_map(|name| self.realms.identity(name)) {
            if !keys.contains(&identity.key()) {
                keys.push(identity.key());
            }
        }
        keys
    }

    /// Returns whom the owner of a job has named as delegates, by the key of his identity.
    pub fn delegates_of(&self, key: &str) -> Vec<String> {
        let is_it = |person: &&Person| {
            let names = std::iter::once(&person.name).chain(&person.aliases);
            names.filter_map(|name| self.realms.identity(name)).any(|own| own.key() == key)
        };
        self.people.iter().filter(is_it).flat_map(|person| person.delegates.iter().cloned()).collect()
    }

    /// Returns the users who have named whom `text` means as one of their delegates.
    pub fn delegated_to(&self, text: &str) -> Vec<&Person> {
        let own = self.keys_of(text);
        let names = |person: &&Person| {
            let keys = person.delegates.iter().filter_map(|name| self.owner(name)).map(|owner| owner.identity.key());
            keys.into_iter().any(|key| own.contains(&key))
        };
        self.people.iter().filter(names).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(people: &[(&str, &[&str])], rules: &[&str]) -> Directory {
        let realms = Realms {
            usual: "acme1".into(),
            aliases: vec![("CORP".into(), "corp.local".into())],
            exact: "acme1".into(),
        };
        let person = |(name, aliases): &(&str, &[&str])| Person {
            name: (*name).into(),
            aliases: aliases.iter().map(|one| (*one).into()).collect(),
            ..Person::default()
        };
        Directory {
            realms,
            people: people.iter().map(person).collect(),
            rules: rules.iter().map(|rule| Rule::new(rule).unwrap()).collect(),
        }
    }

    #[test]
    fn vector_10_a_domain_and_its_other_name_are_one_realm() {
        let all = directory(&[], &[]);
        let (owner, logon) = (all.owner("CORP\\Jake").unwrap(), all.owner("jake@corp.local").unwrap());
        assert_eq!(owner.identity, logon.identity);
        assert_eq!(owner.identity.key(), "corp.local\\jake");
    }

    #[test]
    fn vector_11_the_same_name_in_another_realm_is_somebody_else() {
        let all = directory(&[("jake", &["CORP\\jake"])], &[]);
        assert!(!all.keys_of("CORP\\jake").contains(&all.realms.identity("LAB\\jake").unwrap().key()));
        assert_ne!(all.owner("LAB\\jake").unwrap().identity, all.owner("CORP\\jake").unwrap().identity);
    }

    #[test]
    fn vector_12_a_rule_counts_only_where_no_user_has_that_very_name() {
        let rule = r"(.+) \d+\.\d+\.\d+\.\d+";
        let all = directory(&[("jake", &[])], &[rule]);
        let found = all.owner("jake 10.0.0.5").unwrap();
        assert_eq!((found.identity.key().as_str(), found.how), ("acme1\\jake", Found::Rule(1)));
        let all = directory(&[("jake", &[]), ("jake 10.0.0.5", &[])], &[rule]);
        let found = all.owner("jake 10.0.0.5").unwrap();
        assert_eq!((found.identity.key().as_str(), found.how), ("acme1\\jake 10.0.0.5", Found::Exact));
        // What a rule gives must be somebody, and a part of a name is nobody.
        assert_eq!(directory(&[], &[rule]).owner("jake 10.0.0.5").unwrap().how, Found::Unknown);
        assert_eq!(all.owner("jakes").unwrap().how, Found::Unknown);
        assert_eq!(all.owner("x jake 10.0.0.5 y").unwrap().how, Found::Unknown);
    }

    #[test]
    fn a_server_speaks_only_for_those_who_are_described_in_the_realm_of_its_own_accounts() {
        let mut known = directory(&[("ann", &[]), ("bob@lab", &[])], &[]);
        let is = |known: &Directory, text: &str| known.is_as_at(text, "acme1");
        assert!(is(&known, "ann") && !is(&known, "bob@lab") && !is(&known, "eve"));
        // Names without a realm are of another one than the accounts of the server, until the site says that it is the same.
        known.realms.usual = "corp.local".into();
        assert!(!is(&known, "ann"));
        known.realms.aliases.push(("acme1".into(), "corp.local".into()));
        assert!(is(&known, "ann") && !is(&known, "bob@lab"));
    }

    #[test]
    fn an_alias_comes_before_a_rule_and_accounts_of_a_server_keep_their_case() {
        let all = directory(&[("jake", &["jk"]), ("k", &[])], &["j(.)"]);
        let found = all.owner("jk").unwrap();
        assert_eq!((found.identity.name.as_str(), found.how), ("jake", Found::Alias));
        assert_eq!(all.keys_of("jk"), ["acme1\\jk", "acme1\\jake"]);
        assert_ne!(all.owner("Jake").unwrap().identity, all.owner("jake").unwrap().identity);
        for bad in ["", " ", "a\nb", "\\x", "x\\", "@x", "x@"] {
            assert_eq!(all.owner(bad), None, "{bad:?}");
        }
        for bad in ["jake", "(a)(b)", "(", &"a".repeat(300)] {
            assert!(Rule::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_delegate_is_named_by_any_of_his_names() {
        let mut all = directory(&[("boss", &[]), ("helper", &["hp"])], &[]);
        all.people[0].delegates = vec!["hp".into()];
        for name in ["helper", "hp"] {
            assert_eq!(all.delegated_to(name).iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["boss"]);
        }
        assert!(all.delegated_to("boss").is_empty() && all.delegated_to("help").is_empty());
    }
}
