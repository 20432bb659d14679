//! `-c` of the commands for administrators, whose objects are of several classes.

use super::class_words::class_of;
use super::options::{self, Item, Meaning, Setting};
use crate::attributes::Class;
use crate::commands::pd::Stop;

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
