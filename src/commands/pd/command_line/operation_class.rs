//! `-c` of the commands for administrators, whose objects are of several classes.

use super::class_words::class_of;
use super::options::{self, Item, Meaning, Setting};
use crate::attributes::Class;
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::commands::pd::Stop;

/// The class that holds without `-c`.
const USUAL: &str = "destination";

/// The classes, and whether this version has them.
const CLASSES: &[(&str, bool)] = &[
    ("job", true),
    ("destination", false),
    ("printer", false),
    ("queue", false),
    ("server", false),
    ("log", false),
    ("medium", false),
    ("auxiliary-sheet", false),
    ("initial-value-job", false),
    ("initial-value-document", false),
    ("resource-context", false),
    ("transform", false),
];

/// Takes the class out of `items`, for a command that has those of `accepted`; the last one counts. Without one it is
/// destination.
pub fn take_one_of(items: &mut Vec<Item>, accepted: &[Class], program: &str) -> Result<Class, Stop> {
    take_one_of_or(Class::Destination, items, accepted, program)
}

/// The same for a command with another `usual` class.
pub fn take_one_of_or(usual: Class, items: &mut Vec<Item>, accepted: &[Class], program: &str) -> Result<Class, Stop> {
    let mut class = usual;
    for item in items.iter() {
        if let Item::Set(Meaning::Setting(Setting::OperationClass), pair) = item {
            class = class_of(options::single(pair, "operation-class")?)?;
        }
    }
    items.retain(|item| !matches!(item, Item::Set(Meaning::Setting(Setting::OperationClass), _)));
    if accepted.contains(&class) {
        return Ok(class);
    }
    let words: Vec<&str> = accepted.iter().map(|class| class.keyword()).collect();
    Err(Stop::usage(format!("{program} has no class {}", class.keyword())).hint(format!("-c {}", words.join(", "))))
}

/// Takes the class out of `items`, which must be job; the last one counts.
pub fn take_class(items: &mut Vec<Item>, program: &str) -> Result<(), Stop> {
    let mut class = USUAL.to_owned();
    for item in items.iter() {
        if let Item::Set(Meaning::Setting(Setting::OperationClass), pair) = item {
            options::single(pair, "operation-class")?.clone_into(&mut class);
        }
    }
    items.retain(|item| !matches!(item, Item::Set(Meaning::Setting(Setting::OperationClass), _)));
    let hint = || format!("{program} -c job JOB ...   acts on jobs");
    match names::resolve(&class, CLASSES) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Stop::usage(format!("{program} of class '{}' is not available in this version", escaped(&class)))
                .hint(hint()))
        }
        Err(BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("class '{}' may mean {}", escaped(&class), found.join(" or "))))
        }
        Err(BadWord::Unknown(_)) => Err(Stop::usage(format!("'{}' is no class", escaped(&class))).hint(hint())),
    }
}
