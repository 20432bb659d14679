//! The settings of a command line in the order in which they were written.
//!
//! A flag is another spelling of an attribute: `-n 2` is `copy-count=2`. So flags, attribute strings and attributes files
//! become one sequence of pairs, and the last one read wins, whatever its spelling.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{ArgMatches, Command};

use super::attribute_files::Includes;
use super::class_words::class_of;
use super::strings::{self, Op, Pair};
use crate::attributes::elsewhere::{instead_of, is_afp_only};
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::attributes::{Attribute, Class, Settable, nameable};
use crate::commands::pd::{Shell, Stop};

/// An attribute of a command, as opposed to one of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `operation-class`, `-c`.
    OperationClass,
    /// `associated-actual-destinations`, `-A` of pdls.
    Associated,
    /// `device-operation-type`, `-t` of pddeviceop.
    DeviceOperation,
    /// `filter`, `-f` of pdls.
    Filter,
    /// `headings`, `-g`.
    Headings,
    /// `message`, `-m`.
    Message,
    /// `notification-delivery-method`, `-N`.
    Notification,
    /// `requested-attributes`, `-r`.
    Requested,
    /// `style`, `-s`.
    Style,
    /// `when`, `-w` of pdpause and pdshutdown.
    When,
}

/// The names of command attributes.
pub const SETTINGS: &[(&str, Setting)] = &[
    ("operation-class", Setting::OperationClass),
    ("class", Setting::OperationClass),
    ("associated-actual-destinations", Setting::Associated),
    ("device-operation-type", Setting::DeviceOperation),
    ("filter", Setting::Filter),
    ("headings", Setting::Headings),
    ("message", Setting::Message),
    ("notification-delivery-method", Setting::Notification),
    ("requested-attributes", Setting::Requested),
    ("style", Setting::Style),
    ("when", Setting::When),
];

/// What a name in a pair means.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// An attribute of the command.
    Setting(Setting),
    /// An attribute of the object.
    Attribute(&'static Attribute),
}

impl PartialEq for Meaning {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Setting(a), Self::Setting(b)) => a == b,
            (Self::Attribute(a), Self::Attribute(b)) => std::ptr::eq(*a, *b),
            _ => false,
        }
    }
}

/// One thing of the command line.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A setting.
    Set(Meaning, Pair),
    /// An argument, or the value of `-f` where that names a file.
    Argument(OsString),
}

/// How a clap argument becomes an item.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A flag that stands for this attribute.
    Flag(&'static str),
    /// `-x`.
    Strings,
    /// `-X`.
    Files,
    /// An argument.
    Argument,
}

/// The attributes of objects that a command names, and those of them that it can set.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The class of the objects.
    pub class: Class,
    /// It sets those that can be set then: `Initially` makes objects, `Always` alters them, `Never` does neither.
    pub sets: Settable,
}

impl Names {
    /// The command shows jobs or acts on them, and sets no attribute.
    pub const SETS_NONE: Self = Self { class: Class::Job, sets: Settable::Never };
    /// The command makes jobs.
    pub const MAKES_JOBS: Self = Self { class: Class::Job, sets: Settable::Initially };
    /// The command makes objects of the class that `-c` names, or destinations.
    pub const MAKES_BY_CLASS: Self = Self { class: Class::Destination, sets: Settable::Initially };
    /// The command alters objects of the class that `-c` names, or destinations.
    pub const ALTERS_BY_CLASS: Self = Self { class: Class::Destination, sets: Settable::Always };
    /// The command acts on objects of the class that `-c` names, or on destinations, and sets no attribute.
    pub const ACTS_BY_CLASS: Self = Self { class: Class::Destination, sets: Settable::Never };
    /// The command alters jobs and their documents.
    pub const ALTERS_JOBS: Self = Self { class: Class::Job, sets: Settable::Always };

    /// Whether the command can set that attribute.
    pub fn sets(self, row: &Attribute) -> bool {
        match self.sets {
            Settable::Never => false,
            Settable::Initially => row.settable != Settable::Never,
            Settable::Always => row.settable == Settable::Always,
        }
    }
}

/// What the flags and arguments of all commands stand for, by their names in the definitions. The others are switches, which
/// each command looks up itself.
const SOURCES: &[(&str, Source)] = &[
    ("class", Source::Flag("operation-class")),
    ("copies", Source::Flag("copy-count")),
    ("destination", Source::Flag("destination-name-requested")),
    ("documents", Source::Argument),
    ("file", Source::Argument),
    ("files", Source::Files),
    ("filter", Source::Flag("filter")),
    ("jobs", Source::Argument),
    ("message", Source::Flag("message")),
    ("name", Source::Flag("job-name")),
    ("notify", Source::Flag("notification-delivery-method")),
    ("objects", Source::Argument),
    ("operation", Source::Flag("device-operation-type")),
    ("requested", Source::Flag("requested-attributes")),
    ("retention", Source::Flag("job-retention-period")),
    ("strings", Source::Strings),
    ("style", Source::Flag("style")),
    ("when", Source::Flag("when")),
];

/// Returns the items of `matches` in the order of the command line; `allowed` = the command attributes that this verb has.
pub fn ordered(
    matches: &ArgMatches,
    command: &Command,
    names: Names,
    allowed: &[Setting],
    shell: &Shell<'_>,
) -> Result<Vec<Item>, Stop> {
    let mut found: Vec<(usize, Source, OsString)> = Vec::new();
    let known = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
    for (id, source) in SOURCES.iter().filter(|row| known(row.0)) {
        if let (Some(indices), Some(values)) = (matches.indices_of(id), matches.get_raw(id)) {
            found.extend(indices.zip(values).map(|(at, value)| (at, *source, value.to_owned())));
        }
    }
    found.sort_by_key(|one| one.0);
    let mut includes = Includes::new(shell);
    let mut written = Vec::with_capacity(found.len());
    for (_, source, value) in found {
        let pairs = match source {
            Source::Argument => {
                written.push(Written::Argument(value));
                continue;
            }
            Source::Flag(name) => {
                // What is for people to read is taken as it is; what is not UTF-8 is shown as in a file name.
                let text = if TITLES.contains(&name) { lossy(&value) } else { utf8(value)? };
                vec![Pair { name: name.to_owned(), op: Op::Set, values: vec![text] }]
            }
            Source::Strings => includes.expand(strings::parse(&lossy(&value))?)?,
            Source::Files => includes.file(&utf8(value)?)?,
        };
        written.extend(pairs.into_iter().map(Written::Pair));
    }
    // The class may stand anywhere in the line, and decides what the names mean.
    let names = match names.class {
        Class::Destination => Names { class: class_of_line(&written, allowed)?, ..names },
        _ => names,
    };
    let item = |one: Written| match one {
        Written::Argument(value) => Ok(Item::Argument(value)),
        Written::Pair(pair) => Ok(Item::Set(meaning(&pair.name, names, allowed, command.get_name())?, pair)),
    };
    written.into_iter().map(item).collect()
}

/// Finds the class that a command line names, before anybody knows what its other names mean; destination if it names none.
fn class_of_line(written: &[Written], allowed: &[Setting]) -> Result<Class, Stop> {
    let settings: Vec<(&'static str, Setting)> =
        SETTINGS.iter().filter(|row| allowed.contains(&row.1)).copied().collect();
    let mut class = Class::Destination;
    for one in written {
        if let Written::Pair(pair) = one
            && names::resolve(&pair.name, &settings) == Ok(Setting::OperationClass)
        {
            class = class_of(single(pair, "operation-class")?)?;
        }
    }
    Ok(class)
}

/// One thing of the command line, of which nobody knows yet what its name means.
#[derive(Debug)]
enum Written {
    /// An attribute and what is to become of it.
    Pair(Pair),
    /// An argument.
    Argument(OsString),
}

/// The flags whose values are for people to read.
const TITLES: [&str; 2] = ["job-name", "message"];

fn lossy(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}

fn utf8(value: OsString) -> Result<String, Stop> {
    value.into_string().map_err(|value| Stop::usage(format!("'{}' is not UTF-8 text", value.to_string_lossy())))
}

/// Finds what `name` means among the command attributes `allowed` and the attributes of objects. A whole name always means
/// itself. A shortened one means what the command can set, and is ambiguous only among that. If the command can set nothing
/// of that name, it may mean another attribute, so that the command can say that it does not set it.
///
/// # Errors
/// [`Stop::Usage`], which names the candidates or similar names.
pub fn meaning(name: &str, of: Names, allowed: &[Setting], program: &str) -> Result<Meaning, Stop> {
    let settings = SETTINGS.iter().filter(|row| allowed.contains(&row.1)).map(|row| (row.0, Meaning::Setting(row.1)));
    let attributes = attribute_names(of.class);
    let as_meaning = |one: &(&'static str, &'static Attribute)| (one.0, Meaning::Attribute(one.1));
    let (set, others): (Vec<_>, Vec<_>) = attributes.iter().partition(|one| of.sets(one.1));
    let can: Vec<(&'static str, Meaning)> = settings.chain(set.into_iter().map(as_meaning)).collect();
    let others: Vec<(&'static str, Meaning)> = others.into_iter().map(as_meaning).collect();
    let found = names::resolve_first(name, &can, &others);
    found.map_err(|bad| match bad {
        BadWord::Ambiguous(found) => Stop::usage(format!("'{}' may mean {}", escaped(name), found.join(" or "))),
        BadWord::Unknown(near) => {
            let all = format!("{program} --help   lists the attributes");
            unknown(format!("{program} knows no attribute '{}'", escaped(name)), name, &near, Some(all))
        }
    })
}

/// Says that there is no attribute `name`, in the words of `message`, with similar names; otherwise `hint`. An attribute that
/// only AFP printing has is said to be one.
pub fn unknown(message: String, name: &str, near: &[String], hint: Option<String>) -> Stop {
    if is_afp_only(name) {
        return Stop::usage(format!("{} is not supported here: it belongs to AFP printing", escaped(name)))
            .hint("leave it out: documents leave as they are, and none of them is AFP");
    }
    if let Some(instead) = instead_of(name) {
        return Stop::usage(message).hint(instead);
    }
    match near {
        [] => hint.into_iter().fold(Stop::usage(message), Stop::hint),
        near => Stop::usage(message).hint(format!("did you mean {}?", near.join(", "))),
    }
}

/// Returns the names and synonyms of the attributes that a command on `class` may name.
pub fn attribute_names(class: Class) -> Vec<(&'static str, &'static Attribute)> {
    nameable(class)
        .flat_map(|row| std::iter::once(row.name()).chain(row.synonyms.iter().copied()).map(move |name| (name, row)))
        .collect()
}

/// Finds the attribute that a word means where it is only looked at. A shortened one means an attribute that can be given
/// to such an object, if there is one: those are what scripts abbreviate.
///
/// # Errors
/// [`BadWord`] when it means none of them or several.
pub fn to_look_at(word: &str, names: &[(&'static str, &'static Attribute)]) -> Result<&'static Attribute, BadWord> {
    let given = |one: &&(&'static str, &'static Attribute)| one.1.settable != Settable::Never;
    let (given, others): (Vec<_>, Vec<_>) = names.iter().copied().partition(|one| given(&one));
    names::resolve_first(word, &given, &others)
}

/// Makes a parser that takes any value as it is. The words are for completion only, because abbreviations are values too.
pub fn suggest(words: impl IntoIterator<Item = &'static str>) -> Suggested {
    Suggested(words.into_iter().collect())
}

/// See [`suggest`].
#[derive(Clone, Debug)]
pub struct Suggested(Vec<&'static str>);

impl TypedValueParser for Suggested {
    type Value = OsString;

    fn parse_ref(&self, _: &Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<OsString, clap::Error> {
        Ok(value.to_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().copied().map(PossibleValue::new)))
    }
}

/// Returns the value of a pair that must have exactly one and must replace what was there.
pub fn single<'a>(pair: &'a Pair, name: &str) -> Result<&'a str, Stop> {
    match (pair.op, pair.values.as_slice()) {
        (Op::Set, [value]) => Ok(value),
        (Op::Set, _) => Err(Stop::usage(format!("{name} has one value, and {} were given", pair.values.len()))
            .hint("a value with blanks is quoted: -x \"job-name='two words'\"")),
        (op, _) => Err(Stop::usage(format!("{name}: '{}' alters an object that exists; here it is '='", op.sign()))),
    }
}
