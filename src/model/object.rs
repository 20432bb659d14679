//! Objects that the model only keeps: a class, a name and attributes.
//!
//! Jobs, devices, locations and print processes have rules of their own and operations of their own. All other classes
//! share four operations: create, set, delete, list. A class is one row of [`CLASSES`]: its word and its attributes. What
//! is stored and shown of it needs nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::field::Value;
use super::names::near;

pub use super::names::ObjectName;

/// The longest text value, in characters.
pub const MAX_TEXT: usize = 255;
/// The most values of one attribute.
pub const MAX_VALUES: usize = 64;
/// The most attributes, or changes of attributes, in one operation.
pub const MAX_ATTRIBUTES: usize = 64;

/// A class of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ObjectClass {
    /// A paper or form with a name.
    Medium,
    /// Who is told of which events, and how.
    NotificationProfile,
    /// What a job has where its submitter says nothing.
    InitialValueJob,
    /// The same of a document.
    InitialValueDocument,
    /// Where other systems hand in jobs ([`super::door`]).
    Door,
    /// Where people release their jobs.
    Station,
    /// Somebody with his other names, and who may release for him.
    User,
}

/// What a value of an attribute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueSyntax {
    /// Up to [`MAX_TEXT`] characters, none of them a control character.
    Text,
    /// A whole number, not negative.
    Count,
    /// true or false.
    Boolean,
}

/// An attribute of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeRow {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub syntax: ValueSyntax,
    /// Whether it may have several values.
    pub multi: bool,
    /// Whether each object of the class must have it.
    pub required: bool,
    /// Whether only the server itself sets it.
    pub reported: bool,
}

/// One class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassRow {
    /// Which.
    pub class: ObjectClass,
    /// Its word on command lines, on the wire and in the store.
    pub word: &'static str,
    /// Its attributes.
    pub attributes: &'static [AttributeRow],
}

const fn one(name: &'static str, syntax: ValueSyntax) -> AttributeRow {
    AttributeRow { name, syntax, multi: false, required: false, reported: false }
}

const fn many(name: &'static str) -> AttributeRow {
    AttributeRow { name, syntax: ValueSyntax::Text, multi: true, required: false, reported: false }
}

const fn required(row: AttributeRow) -> AttributeRow {
    AttributeRow { required: true, ..row }
}

const fn reported(row: AttributeRow) -> AttributeRow {
    AttributeRow { reported: true, ..row }
}

/// All classes.
pub const CLASSES: &[ClassRow] = &[
    ClassRow {
        class: ObjectClass::Medium,
        word: "medium",
        attributes: &[
            required(one("medium-identifier", ValueSyntax::Text)),
            one("medium-size", ValueSyntax::Text),
            one("medium-color", ValueSyntax::Text),
            one("medium-type", ValueSyntax::Text),
            one("medium-holes-count", ValueSyntax::Count),
            one("descriptor", ValueSyntax::Text),
            one("message", ValueSyntax::Text),
        ],
    },
    ClassRow {
        class: ObjectClass::NotificationProfile,
        word: "notification-profile",
        attributes: &[
            required(many("event-identifiers")),
            one("delivery-method", ValueSyntax::Text),
            one("delivery-address", ValueSyntax::Text),
            one("event-comment", ValueSyntax::Text),
            one("locale", ValueSyntax::Text),
            one("descriptor", ValueSyntax::Text),
        ],
    },
    ClassRow { class: ObjectClass::InitialValueJob, word: "initial-value-job", attributes: &[] },
    ClassRow { class: ObjectClass::InitialValueDocument, word: "initial-value-document", attributes: &[] },
    ClassRow {
        class: ObjectClass::Door,
        word: "door",
        attributes: &[
            required(one("door-kind", ValueSyntax::Text)),
            reported(one("door-state", ValueSyntax::Text)),
            one("door-wish", ValueSyntax::Text),
            many("door-listen"),
            one("door-directory", ValueSyntax::Text),
            many("door-destination"),
            many("door-allow"),
            many("door-trust-users"),
            one("door-max-octets", ValueSyntax::Count),
            one("door-max-connections", ValueSyntax::Count),
            one("door-max-per-peer", ValueSyntax::Count),
            one("door-rate", ValueSyntax::Count),
            one("door-timeout", ValueSyntax::Count),
            one("door-duplicates", ValueSyntax::Text),
            one("door-banner", ValueSyntax::Boolean),
            one("door-require-reserved", ValueSyntax::Boolean),
            one("door-idle", ValueSyntax::Count),
            many("door-end-mark"),
            one("door-back-channel", ValueSyntax::Boolean),
            one("door-settle", ValueSyntax::Count),
            one("door-poll", ValueSyntax::Count),
            one("door-marker", ValueSyntax::Text),
            one("door-link", ValueSyntax::Boolean),
            one("door-tls", ValueSyntax::Boolean),
            one("door-tls-cert", ValueSyntax::Text),
            one("door-tls-key", ValueSyntax::Text),
            one("door-dns-sd", ValueSyntax::Boolean),
            one("door-pam", ValueSyntax::Boolean),
            one("door-client-ca", ValueSyntax::Text),
            one("door-client-crl", ValueSyntax::Text),
            one("door-client-name", ValueSyntax::Text),
            one("door-log-on", ValueSyntax::Text),
            one("descriptor", ValueSyntax::Text),
            one("message", ValueSyntax::Text),
            reported(one("door-jobs-accepted", ValueSyntax::Count)),
            reported(one("door-jobs-refused", ValueSyntax::Count)),
            reported(one("door-jobs-unfinished", ValueSyntax::Count)),
            reported(one("door-connections-refused", ValueSyntax::Count)),
            reported(one("door-duplicates-announced", ValueSyntax::Count)),
            reported(one("door-last-refusal", ValueSyntax::Text)),
            reported(one("door-announced", ValueSyntax::Text)),
        ],
    },
    ClassRow {
        class: ObjectClass::Station,
        word: "station",
        attributes: &[
            many("related-printers"),
            one("jobs-shown", ValueSyntax::Text),
            many("bank"),
            one("bank-program", ValueSyntax::Text),
            one("bank-charges", ValueSyntax::Boolean),
            one("log-off-after", ValueSyntax::Count),
            many("access-times"),
            one("descriptor", ValueSyntax::Text),
            one("message", ValueSyntax::Text),
        ],
    },
    ClassRow {
        class: ObjectClass::User,
        word: "user",
        attributes: &[
            many("aliases"),
            many("delegates"),
            one("public-name", ValueSyntax::Text),
            one("descriptor", ValueSyntax::Text),
            one("message", ValueSyntax::Text),
        ],
    },
];

impl ObjectClass {
    /// Whether its attributes are those of jobs or documents, which the table of attributes has.
    pub fn has_free_attributes(self) -> bool {
        matches!(self, Self::InitialValueJob | Self::InitialValueDocument)
    }

    /// Its row of [`CLASSES`].
    pub fn row(self) -> &'static ClassRow {
        // Every class has a row: a test goes through them. Without one it would have no attributes.
        CLASSES.iter().find(|row| row.class == self).unwrap_or(&CLASSES[0])
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// The attribute of that name.
    ///
    /// # Errors
    /// `BadValue` when the class has none, with names that resemble it.
    pub fn attribute(self, name: &str) -> Result<&'static AttributeRow, Failure> {
        let rows = self.row().attributes;
        rows.iter().find(|row| row.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let failure = bad(format!("a {self} has no attribute {}", shown(name)));
            match near(name, rows.iter().map(|row| row.name)) {
                names if names.is_empty() => failure,
                names => failure.hint(format!("did you mean {}?", names.join(", "))),
            }
        })
    }
}

impl fmt::Display for ObjectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ObjectClass {
    type Err = Failure;
    fn from_str(word: &str) -> Result<Self, Failure> {
        let found = CLASSES.iter().find(|row| row.word.eq_ignore_ascii_case(word));
        found.map(|row| row.class).ok_or_else(|| {
            let words: Vec<&str> = CLASSES.iter().map(|row| row.word).collect();
            bad(format!("there is no class {}", shown(word))).hint(format!("classes are {}", words.join(", ")))
        })
    }
}

impl TryFrom<String> for ObjectClass {
    type Error = Failure;
    fn try_from(word: String) -> Result<Self, Failure> {
        word.parse()
    }
}

impl From<ObjectClass> for String {
    fn from(class: ObjectClass) -> String {
        class.word().to_owned()
    }
}

/// An attribute with its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectAttribute {
    /// Its name.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<Value>,
}

impl ObjectAttribute {
    /// An attribute with one value.
    pub fn of(name: &str, value: Value) -> Self {
        Self { name: name.to_owned(), values: vec![value] }
    }
}

/// A change of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectChange {
    /// It has these values and no others.
    Set(ObjectAttribute),
    /// It has these values too.
    Add(ObjectAttribute),
    /// It does not have these values any more.
    Remove(ObjectAttribute),
    /// It has no value.
    Clear(String),
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// Its class.
    pub class: ObjectClass,
    /// Its name as it was given.
    pub name: ObjectName,
    /// The attributes that have a value, in the order of the class.
    pub attributes: Vec<ObjectAttribute>,
}

/// One page of objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectPage {
    /// The objects, by name.
    pub rows: Vec<ObjectStatus>,
    /// After which name the next page begins; none after the last page.
    pub next: Option<ObjectName>,
}

/// The attributes of an object, by name.
pub type Values = BTreeMap<&'static str, Vec<Value>>;

/// Checks the attributes of a new object.
///
/// # Errors
/// `BadValue` with the attribute and what is wrong with it.
pub fn new_values(class: ObjectClass, attributes: Vec<ObjectAttribute>) -> Result<Values, Failure> {
    few(attributes.len())?;
    let mut values = Values::new();
    for attribute in attributes {
        let (row, given) = checked(class, attribute)?;
        if values.insert(row.name, given).is_some() {
            return Err(bad(format!("{}: given twice", row.name)));
        }
    }
    complete(class, &values)?;
    Ok(values)
}

/// Applies changes to the attributes of an object.
///
/// # Errors
/// `BadValue` with the attribute and what is wrong with it; `values` are of no use then.
pub fn apply(class: ObjectClass, values: &mut Values, changes: Vec<ObjectChange>) -> Result<(), Failure> {
    few(changes.len())?;
    for change in changes {
        match change {
            ObjectChange::Set(attribute) => {
                let (row, given) = checked(class, attribute)?;
                values.insert(row.name, given);
            }
            ObjectChange::Add(attribute) => {
                let (row, given) = checked(class, attribute)?;
                let held = values.entry(row.name).or_default();
                for value in given {
                    if !held.contains(&value) {
                        held.push(value);
                    }
                }
                bounded(row, held)?;
            }
            ObjectChange::Remove(attribute) => {
                let (row, given) = checked(class, attribute)?;
                if let Some(held) = values.get_mut(row.name) {
                    held.retain(|value| !given.contains(value));
                }
            }
            ObjectChange::Clear(name) => {
                let row = class.attribute(&name)?;
                if row.reported {
                    return Err(bad(format!("{}: only the server sets it", row.name)));
                }
                values.remove(row.name);
            }
        }
    }
    values.retain(|_, held| !held.is_empty());
    complete(class, values)
}

/// The attributes as displays show them: in the order of the class.
pub fn in_order(class: ObjectClass, mut values: Values) -> Vec<ObjectAttribute> {
    let rows = class.row().attributes.iter();
    rows.filter_map(|row| values.remove(row.name).map(|values| ObjectAttribute { name: row.name.to_owned(), values }))
        .collect()
}

impl ValueSyntax {
    /// A value as text, as it is stored.
    pub fn written(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Text, Value::Text(text)) => Some(text.clone()),
            (Self::Count, Value::Integer(n)) => Some(n.to_string()),
            (Self::Boolean, Value::Boolean(yes)) => Some(yes.to_string()),
            _ => None,
        }
    }

    /// The value that was written so.
    pub fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::Text(text.to_owned())),
            Self::Count => text.parse().ok().filter(|n| *n >= 0).map(Value::Integer),
            Self::Boolean => text.parse().ok().map(Value::Boolean),
        }
    }

    fn accepts(self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Text, Value::Text(text)) if text.is_empty() => Err("a value is empty".to_owned()),
            (Self::Text, Value::Text(text)) if text.chars().count() > MAX_TEXT => {
                Err(format!("a value is longer than {MAX_TEXT} characters"))
            }
            (Self::Text, Value::Text(text)) if text.chars().any(char::is_control) => {
                Err("a value contains control characters".to_owned())
            }
            (Self::Count, Value::Integer(n)) if *n < 0 => Err(format!("{n} is less than 0")),
            (Self::Text, Value::Text(_)) | (Self::Count, Value::Integer(_)) | (Self::Boolean, Value::Boolean(_)) => {
                Ok(())
            }
            (Self::Text, _) => Err("its values are texts".to_owned()),
            (Self::Count, _) => Err("its value is a whole number".to_owned()),
            (Self::Boolean, _) => Err("its value is true or false".to_owned()),
        }
    }
}

fn bad(message: String) -> Failure {
    Failure::new(FailureKind::BadValue, message)
}

/// A word of a user, fit to be shown.
fn shown(word: &str) -> String {
    super::printable::escaped(&word.chars().take(80).collect::<String>())
}

fn few(n: usize) -> Result<(), Failure> {
    if n > MAX_ATTRIBUTES {
        return Err(bad(format!("{n} attributes in one operation; at most {MAX_ATTRIBUTES} are allowed")));
    }
    Ok(())
}

fn checked(class: ObjectClass, attribute: ObjectAttribute) -> Result<(&'static AttributeRow, Vec<Value>), Failure> {
    let row = class.attribute(&attribute.name)?;
    if row.reported {
        return Err(bad(format!("{}: only the server sets it", row.name)));
    }
    if attribute.values.is_empty() {
        return Err(bad(format!("{}: a value is missing", row.name)));
    }
    for value in &attribute.values {
        row.syntax.accepts(value).map_err(|why| bad(format!("{}: {why}", row.name)))?;
    }
    bounded(row, &attribute.values)?;
    Ok((row, attribute.values))
}

fn bounded(row: &AttributeRow, values: &[Value]) -> Result<(), Failure> {
    let most = if row.multi { MAX_VALUES } else { 1 };
    if values.len() > most {
        return Err(bad(format!("{}: {} values; it may have {most}", row.name, values.len())));
    }
    Ok(())
}

fn complete(class: ObjectClass, values: &Values) -> Result<(), Failure> {
    match class.row().attributes.iter().find(|row| row.required && !values.contains_key(row.name)) {
        Some(row) => Err(bad(format!("a {class} needs the attribute {}", row.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, values: &[&str]) -> ObjectAttribute {
        ObjectAttribute { name: name.into(), values: values.iter().map(|v| Value::Text((*v).into())).collect() }
    }

    fn refused(result: Result<impl fmt::Debug, Failure>) -> String {
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::BadValue);
        failure.message
    }

    #[test]
    fn each_class_has_one_row_with_a_word_and_attributes_of_its_own() {
        for row in CLASSES {
            assert_eq!(row.class.row(), row);
            assert_eq!(row.word.parse::<ObjectClass>().unwrap(), row.class);
            assert_eq!(row.word.to_uppercase().parse::<ObjectClass>().unwrap(), row.class);
            for attribute in row.attributes {
                let named = row.attributes.iter().filter(|other| other.name == attribute.name).count();
                assert_eq!(named, 1, "{}", attribute.name);
            }
        }
        assert!(refused("medium;".parse::<ObjectClass>()).contains("no class"));
    }

    #[test]
    fn what_an_object_cannot_have_is_refused_with_its_reason() {
        let medium =
            |attribute| refused(new_values(ObjectClass::Medium, vec![text("medium-identifier", &["a4"]), attribute]));
        assert!(medium(text("medium-identifer", &["x"])).contains("has no attribute"));
        assert!(medium(text("descriptor", &[])).contains("missing"));
        assert!(medium(text("descriptor", &[""])).contains("empty"));
        assert!(medium(text("descriptor", &["a", "b"])).contains("2 values; it may have 1"));
        assert!(medium(text("descriptor", &["a\nb"])).contains("control characters"));
        assert!(medium(text("descriptor", &["x".repeat(256).as_str()])).contains("longer than 255"));
        assert!(medium(text("medium-holes-count", &["4"])).contains("whole number"));
        assert!(medium(ObjectAttribute::of("medium-holes-count", Value::Integer(-1))).contains("less than 0"));
        assert!(medium(text("MEDIUM-IDENTIFIER", &["a5"])).contains("twice"));
        assert!(refused(new_values(ObjectClass::Medium, Vec::new())).contains("needs the attribute medium-identifier"));
        let crowd = vec![text("descriptor", &["x"]); MAX_ATTRIBUTES + 1];
        assert!(refused(new_values(ObjectClass::Medium, crowd)).contains("at most 64"));
        let hint = ObjectClass::Medium.attribute("medium-identifer").unwrap_err().hints;
        assert!(hint[0].contains("medium-identifier"), "{hint:?}");
    }

    #[test]
    fn changes_set_add_remove_and_clear() {
        let class = ObjectClass::NotificationProfile;
        let mut values = new_values(class, vec![text("event-identifiers", &["a", "b"])]).unwrap();
        let changes = vec![
            ObjectChange::Add(text("event-identifiers", &["b", "c"])),
            ObjectChange::Remove(text("event-identifiers", &["a"])),
            ObjectChange::Set(text("locale", &["de"])),
            ObjectChange::Set(text("descriptor", &["x"])),
            ObjectChange::Clear("descriptor".into()),
        ];
        apply(class, &mut values, changes).unwrap();
        let shown = in_order(class, values.clone());
        assert_eq!(shown, [text("event-identifiers", &["b", "c"]), text("locale", &["de"])]);
        let emptied = vec![ObjectChange::Remove(text("event-identifiers", &["b", "c"]))];
        assert!(refused(apply(class, &mut values.clone(), emptied)).contains("needs the attribute"));
        let many: Vec<String> = (0..MAX_VALUES).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let grown = vec![ObjectChange::Add(text("event-identifiers", &many))];
        assert!(refused(apply(class, &mut values, grown)).contains("66 values; it may have 64"));
    }

    #[test]
    fn a_value_is_read_as_it_was_written() {
        for (syntax, value) in [
            (ValueSyntax::Text, Value::Text("a b".into())),
            (ValueSyntax::Count, Value::Integer(7)),
            (ValueSyntax::Boolean, Value::Boolean(true)),
        ] {
            assert_eq!(syntax.read(&syntax.written(&value).unwrap()), Some(value));
        }
        assert_eq!(ValueSyntax::Count.read("-1"), None);
        assert_eq!(ValueSyntax::Boolean.read("yes"), None);
        assert_eq!(ValueSyntax::Text.written(&Value::Integer(1)), None);
    }
}
