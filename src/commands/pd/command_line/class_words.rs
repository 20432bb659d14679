//! The words for classes, of commands whose objects are of several ones.

use crate::attributes::Class;
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::commands::pd::Stop;

/// The classes of commands whose objects are of several ones; none = a class that this version has not.
const SEVERAL: &[(&str, Option<Class>)] = &[
    ("job", Some(Class::Job)),
    ("destination", Some(Class::Destination)),
    ("printer", Some(Class::Destination)),
    ("queue", Some(Class::Queue)),
    ("server", Some(Class::Server)),
    ("log", None),
    ("medium", None),
    ("auxiliary-sheet", None),
    ("initial-value-job", None),
    ("initial-value-document", None),
    ("resource-context", None),
    ("transform", None),
];

/// Reads the word for a class, which may be shortened.
///
/// # Errors
/// [`Stop::Usage`] when it is none, or one that this version has not.
pub fn class_of(word: &str) -> Result<Class, Stop> {
    match names::resolve(word, SEVERAL) {
        Ok(Some(class)) => Ok(class),
        Ok(None) => Err(Stop::usage(format!("class '{}' is not available in this version", escaped(word)))
            .hint("classes are destination, queue, server and job")),
        Err(BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("class '{}' may mean {}", escaped(word), found.join(" or "))))
        }
        Err(BadWord::Unknown(_)) => Err(Stop::usage(format!("'{}' is no class", escaped(word)))
            .hint("classes are destination, queue, server and job")),
    }
}
