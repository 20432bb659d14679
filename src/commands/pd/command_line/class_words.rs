//! The words for classes, of commands whose objects are of several ones.

use crate::attributes::Class;
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::escaped;
use crate::commands::pd::Stop;

/// The classes.
const CLASSES: &[(&str, Known)] = &[
    ("job", Known::Here(Class::Job)),
    ("document", Known::Here(Class::Document)),
    ("destination", Known::Here(Class::Destination)),
    ("printer", Known::Here(Class::Destination)),
    ("queue", Known::Here(Class::Queue)),
    ("server", Known::Here(Class::Server)),
    ("log", Known::Here(Class::Log)),
    ("medium", Known::Here(Class::Medium)),
    ("initial-value-job", Known::Here(Class::InitialValueJob)),
    ("initial-value-document", Known::Here(Class::InitialValueDocument)),
    ("door", Known::Here(Class::Door)),
    ("station", Known::Here(Class::Station)),
    ("user", Known::Here(Class::User)),
    ("auxiliary-sheet", Known::Otherwise("device-header=on of a destination prints header pages around each job")),
    ("resource-context", Known::Otherwise("it belongs to AFP printing; leave it out")),
    ("transform", Known::Otherwise("a destination names programs that convert documents: device-transforms")),
];

/// What becomes of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// A class of objects.
    Here(Class),
    /// InfoPrint has such objects; here that is done in another way.
    Otherwise(&'static str),
}

/// Reads the word for a class, which may be shortened.
///
/// # Errors
/// [`Stop::Usage`] when it is none, or one that is not here, with what is done instead.
pub fn class_of(word: &str) -> Result<Class, Stop> {
    match names::resolve(word, CLASSES) {
        Ok(Known::Here(class)) => Ok(class),
        Ok(Known::Otherwise(instead)) => {
            Err(Stop::usage(format!("objects of class '{}' are not supported here", escaped(word))).hint(instead))
        }
        Err(BadWord::Ambiguous(found)) => {
            Err(Stop::usage(format!("class '{}' may mean {}", escaped(word), found.join(" or "))))
        }
        Err(BadWord::Unknown(_)) => {
            let here = CLASSES.iter().filter(|row| matches!(row.1, Known::Here(_)) && row.0 != "printer");
            let words: Vec<&str> = here.map(|row| row.0).collect();
            Err(Stop::usage(format!("'{}' is no class", escaped(word)))
                .hint(format!("classes are {}", words.join(", "))))
        }
    }
}
