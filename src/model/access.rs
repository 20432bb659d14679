//! Access rules: what an operator grants to whom, for one device, location or group, or for the whole spooler.
//!
//! A rule names an operation and those who may do it. Without a rule anybody submits, and nobody but the owner of a job and
//! those whom the spool trusts does anything else with it. [`super::authority`] decides with them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::names::{DeviceName, GroupName, LocationName};

/// The most names in one rule.
pub const MAX_NAMES: usize = 64;
/// The longest name of a user or a Unix group, in octets.
const MAX_NAME: usize = 64;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $word:literal $key:literal),+ $(,)?) => {
        /// What somebody may do, to jobs of others where it is about jobs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Operation { $($(#[$doc])* $name),+ }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns its word in SPOOLCOM.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// Returns its word in InfoPrint's language, in JSON and in the store.
            pub fn keyword(self) -> &'static str {
                match self { $(Self::$name => $key),+ }
            }
        }
    };
}

operations! {
    /// Hand in jobs. Without a rule everybody may.
    Submit = "SUBMIT" "submit",
    /// See titles, owners, file names and histories.
    Titles = "TITLES" "titles",
    /// See where print files are, and read them; titles too.
    Content = "CONTENT" "content",
    /// Hold and start jobs, pause and resume them, and see them.
    Hold = "HOLD" "hold",
    /// Alter and delete jobs, and see them.
    Alter = "ALTER" "alter",
    /// Start, suspend and drain a device, and everything with the jobs but reading their content.
    Operate = "OPERATE" "operate",
}

impl Operation {
    /// Finds it by one of its words, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word().eq_ignore_ascii_case(word))
    }

    /// What grants it, beside itself.
    fn granted_by(self) -> &'static [Self] {
        match self {
            Self::Titles => &[Self::Content, Self::Hold, Self::Alter, Self::Operate],
            Self::Hold | Self::Alter => &[Self::Operate],
            Self::Submit | Self::Content | Self::Operate => &[],
        }
    }
}

/// Whom a rule names, as it is written: `*` is everybody, `@sales` the members of a Unix group, and all else a user: his
/// login name, or his number where he has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grantee(String);

impl Grantee {
    /// Returns it as it is written.
    pub fn stored(&self) -> &str {
        &self.0
    }

    /// Whether it is somebody with this user id, this name and these groups.
    fn is(&self, uid: u32, user: &str, groups: &[String]) -> bool {
        match self.0.strip_prefix('@') {
            Some(group) => groups.iter().any(|one| one == group),
            None => self.0 == "*" || self.0 == user || self.0.parse() == Ok(uid),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Grantee {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '$' | '\\');
        let is_name = !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('-') && name.chars().all(fits);
        if text != "*" && !is_name {
            let shown: String = text.chars().take(80).flat_map(char::escape_default).collect();
            return Err(Failure::new(FailureKind::BadValue, format!("'{shown}' is no name of a user or a group"))
                .hint("a user is written ann, the members of a Unix group @sales, everybody *"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Grantee {
    type Error = Failure;
    fn try_from(text: String) -> Result<Self, Failure> {
        text.parse()
    }
}

impl From<Grantee> for String {
    fn from(grantee: Grantee) -> String {
        grantee.0
    }
}

/// Who may do one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What.
    pub operation: Operation,
    /// Who.
    pub who: Vec<Grantee>,
}

/// The rules of one object, at most one for each operation, in the order of the operations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Access(pub Vec<Rule>);

impl Access {
    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rule of an operation.
    pub fn rule(&self, operation: Operation) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.operation == operation)
    }

    /// Whether its rules grant an operation to somebody.
    pub fn grants(&self, operation: Operation, uid: u32, user: &str, groups: &[String]) -> bool {
        let named = |operation: Operation| {
            self.rule(operation).is_some_and(|rule| rule.who.iter().any(|one| one.is(uid, user, groups)))
        };
        named(operation) || operation.granted_by().iter().any(|other| named(*other))
    }

    /// Changes it.
    pub fn apply(&mut self, change: &AccessChange) {
        match change.operation {
            None => self.0.clear(),
            Some(operation) => self.0.retain(|rule| rule.operation != operation),
        }
        if let Some(operation) = change.operation.filter(|_| !change.who.is_empty()) {
            self.0.push(Rule { operation, who: change.who.clone() });
            self.0.sort_by_key(|rule| rule.operation);
        }
    }

    /// Reads the values of the attribute `access`: `submit:@sales`, one for each name.
    ///
    /// # Errors
    /// `BadValue` with the value that is wrong.
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, Failure> {
        let mut rules: Vec<Rule> = Vec::new();
        for value in values {
            let read = value.split_once(':').and_then(|(word, who)| Some((Operation::from_word(word)?, who)));
            let Some((operation, who)) = read else {
                let words: Vec<&str> = Operation::ALL.iter().map(|one| one.keyword()).collect();
                let shown: String = value.chars().take(80).flat_map(char::escape_default).collect();
                return Err(Failure::new(
                    FailureKind::BadValue,
                    format!("'{shown}' has not the form operation:who; operations are {}", words.join(", ")),
                ));
            };
            let who: Grantee = who.parse()?;
            match rules.iter_mut().find(|rule| rule.operation == operation) {
                Some(rule) => rule.who.push(who),
                None => rules.push(Rule { operation, who: vec![who] }),
            }
        }
        for rule in &rules {
            AccessChange { operation: Some(rule.operation), who: rule.who.clone() }.check()?;
        }
        rules.sort_by_key(|rule| rule.operation);
        Ok(Self(rules))
    }

    /// Returns its rules as values of the attribute `access`: `submit:@sales`, one for each name.
    pub fn values(&self) -> Vec<String> {
        let of = |rule: &Rule| {
            let word = rule.operation.keyword();
            rule.who.iter().map(move |who| format!("{word}:{who}")).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}

/// `SUBMIT @sales ann; OPERATE bob`, as SPOOLCOM shows it; NONE without rules.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("NONE");
        }
        for (n, rule) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            f.write_str(rule.operation.word())?;
            rule.who.iter().try_for_each(|who| write!(f, " {who}"))?;
        }
        Ok(())
    }
}

/// A change of the rules of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessChange {
    /// Of which operation; none = of all, which takes every rule away.
    pub operation: Option<Operation>,
    /// Who may do it from now on; nobody named = no rule any more.
    pub who: Vec<Grantee>,
}

impl AccessChange {
    /// The change that SPOOLCOM writes `SUBMIT @sales ann`, `SUBMIT NONE` or `NONE`.
    ///
    /// # Errors
    /// `BadValue` with the word that is wrong.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or("NONE");
        let names: Vec<&str> = words.collect();
        let is_none = |word: &str| word.eq_ignore_ascii_case("NONE");
        if is_none(first) && names.is_empty() {
            return Ok(Self { operation: None, who: Vec::new() });
        }
        let Some(operation) = Operation::from_word(first) else {
            let words: Vec<&str> = Operation::ALL.iter().map(|one| one.word()).collect();
            let shown: String = first.chars().take(80).flat_map(char::escape_default).collect();
            let bad = Failure::new(FailureKind::BadValue, format!("'{shown}' is no operation"));
            return Err(bad.hint(format!("operations are {}", words.join(", "))));
        };
        if names.is_empty() {
            return Err(Failure::new(FailureKind::BadValue, format!("{first}: nobody is named"))
                .hint(format!("ACCESS {first} ann @sales   names them, ACCESS {first} NONE takes the rule away")));
        }
        if names.len() == 1 && is_none(names[0]) {
            return Ok(Self { operation: Some(operation), who: Vec::new() });
        }
        let change =
            Self { operation: Some(operation), who: names.into_iter().map(str::parse).collect::<Result<_, _>>()? };
        change.check()?;
        Ok(change)
    }

    /// Checks what no type checks.
    ///
    /// # Errors
    /// `BadValue`.
    pub fn check(&self) -> Result<(), Failure> {
        if self.who.len() > MAX_NAMES {
            let why = format!("{} names in one rule; at most {MAX_NAMES} are allowed", self.who.len());
            return Err(Failure::new(FailureKind::BadValue, why).hint("a Unix group, @sales, names many at once"));
        }
        let mut names: Vec<&Grantee> = self.who.iter().collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Failure::new(FailureKind::BadValue, format!("{} is named twice", pair[0]))),
            None => Ok(()),
        }
    }
}

/// What rules are set of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessObject {
    /// The spooler: its rules hold for all devices and locations.
    Spooler,
    /// A group, with all its locations.
    Group(GroupName),
    /// A location.
    Location(LocationName),
    /// A device, and what is sent to locations that lead to it.
    Device(DeviceName),
}

impl fmt::Display for AccessObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spooler => f.write_str("the spooler"),
            Self::Group(group) => write!(f, "#{group}"),
            Self::Location(location) => write!(f, "{location}"),
            Self::Device(device) => f.write_str(&device.guardian()),
        }
    }
}

/// The rules that count in one place, the most particular object first: location, group, devices, spooler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(pub Vec<(AccessObject, Access)>);

impl Place {
    /// Whether somebody may submit here: the most particular rule decides. If not, the object that has it.
    pub fn refuses_submission(&self, uid: u32, user: &str, groups: &[String]) -> Option<&AccessObject> {
        let (object, access) = self.0.iter().find(|(_, access)| access.rule(Operation::Submit).is_some())?;
        // Who operates a queue may also send something through it.
        let may =
            access.grants(Operation::Submit, uid, user, groups) || self.grants(Operation::Operate, uid, user, groups);
        (!may).then_some(object)
    }

    /// Whether an object here grants an operation to somebody.
    pub fn grants(&self, operation: Operation, uid: u32, user: &str, groups: &[String]) -> bool {
        self.0.iter().any(|(_, access)| access.grants(operation, uid, user, groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(texts: &[&str]) -> Access {
        let mut access = Access::default();
        texts.iter().for_each(|text| access.apply(&AccessChange::parse(text).unwrap()));
        access
    }

    #[test]
    fn a_rule_is_written_set_and_taken_away() {
        let mut all = access(&["OPERATE bob", "submit @sales ann", "SUBMIT @sales 4711"]);
        assert_eq!(all.to_string(), "SUBMIT @sales 4711; OPERATE bob");
        assert_eq!(all.values(), ["submit:@sales", "submit:4711", "operate:bob"]);
        all.apply(&AccessChange::parse("SUBMIT NONE").unwrap());
        assert_eq!(all.to_string(), "OPERATE bob");
        all.apply(&AccessChange::parse("none").unwrap());
        assert_eq!((all.to_string(), all.is_empty()), ("NONE".to_owned(), true));
        for bad in ["PRINT ann", "SUBMIT", "SUBMIT a/b", "SUBMIT @", "SUBMIT -x", "SUBMIT ann ann", "SUBMIT \u{202e}"] {
            assert!(AccessChange::parse(bad).is_err(), "{bad}");
        }
        let many: String = (0..=MAX_NAMES).map(|n| format!(" u{n}")).collect();
        assert!(AccessChange::parse(&format!("SUBMIT{many}")).is_err());
    }

    #[test]
    fn the_values_of_an_attribute_are_read_as_they_are_shown() {
        let all = access(&["OPERATE bob", "submit @sales ann", "TITLES *"]);
        let of = |values: &[&str]| Access::of_values(values.iter().copied());
        let values = all.values();
        assert_eq!(Access::of_values(values.iter().map(String::as_str)), Ok(all.clone()));
        // In whatever order they come, and in whatever case.
        assert_eq!(of(&["operate:bob", "TITLES:*", "submit:@sales", "Submit:ann"]), Ok(all));
        assert!(of(&[]).unwrap().is_empty());
        for bad in ["submit", "submit:", "print:ann", ":ann", "submit:a b", "submit:@"] {
            assert!(of(&[bad]).is_err(), "{bad}");
        }
        assert!(of(&["submit:ann", "submit:ann"]).is_err());
        let many: Vec<String> = (0..=MAX_NAMES).map(|n| format!("submit:u{n}")).collect();
        assert!(Access::of_values(many.iter().map(String::as_str)).is_err());
    }

    #[test]
    fn what_one_operation_grants_beside_itself() {
        let groups = ["sales".to_owned()];
        let may = |rules: &str, what| access(&[rules]).grants(what, 7, "ann", &groups);
        for (rules, granted) in [
            ("TITLES ann", &[Operation::Titles][..]),
            ("CONTENT @sales", &[Operation::Titles, Operation::Content]),
            ("HOLD 7", &[Operation::Titles, Operation::Hold]),
            ("ALTER *", &[Operation::Titles, Operation::Alter]),
            ("OPERATE ann", &[Operation::Titles, Operation::Hold, Operation::Alter, Operation::Operate]),
            ("OPERATE @others 8 anna", &[]),
        ] {
            let found: Vec<Operation> = Operation::ALL.iter().copied().filter(|what| may(rules, *what)).collect();
            assert_eq!(found, granted, "{rules}");
        }
    }

    #[test]
    fn the_most_particular_rule_decides_who_submits() {
        let location = AccessObject::Group("a".parse().unwrap());
        let place = |own: &[&str], whole: &[&str]| {
            Place(vec![(location.clone(), access(own)), (AccessObject::Spooler, access(whole))])
        };
        let refuses = |place: &Place| place.refuses_submission(7, "ann", &[]).cloned();
        assert_eq!(refuses(&place(&[], &[])), None);
        assert_eq!(refuses(&place(&["SUBMIT bob"], &["SUBMIT ann"])), Some(location.clone()));
        assert_eq!(refuses(&place(&["SUBMIT *"], &["SUBMIT bob"])), None);
        assert_eq!(refuses(&place(&[], &["SUBMIT bob"])), Some(AccessObject::Spooler));
        assert_eq!(refuses(&place(&["SUBMIT bob"], &["OPERATE ann"])), None);
    }
}
