//! The text after the flags in the long help of the `pd` commands: attributes, filters, environment, statuses.

use std::fmt::Write;

use crate::attributes::{Attribute, Class, Kind, Settable, Shown, nameable, of_class};

const EXITS: &str = "\
Exit status:
  0  Everything was done
  1  At least one object failed or was not found
  2  The command line is wrong; nothing was changed
  3  The spool or server cannot be reached
";

const SPOOL: &str = "  PDBASE  Directory of a private spool
  PD_SOCKET  Path of the socket of a server of this machine
  PDHOST, PD_SOCKET  Host and port of a server on the network, unless -H names them; the port is 2353 where none is named
";

const BASE: &str = "  PDBASE  Directory of the spool; otherwise your private one\n";

/// Makes this text for `pdpr` (`settable`) and `pdls`, with the attributes of `class`.
pub fn with_attributes(class: Class, settable: bool) -> String {
    let mut text = String::new();
    if settable {
        text.push_str("Settable attributes:\n");
        nameable(class).filter(|row| row.settable != Settable::Never).for_each(|row| describe(&mut text, row));
        text.push_str(
            "\nEnvironment:\n  PDPRINTER  Destination of jobs without -d\n  PDPATH  Directory of attributes files\n",
        );
    } else {
        for class in [
            Class::Job,
            Class::Document,
            Class::Destination,
            Class::Queue,
            Class::Server,
            Class::Medium,
            Class::Door,
            Class::Station,
            Class::User,
            Class::Log,
        ] {
            let _ = writeln!(text, "Attributes of a {} (b = in brief, v = in verbose):", class.keyword());
            of_class(class).for_each(|row| describe(&mut text, row));
            text.push('\n');
        }
        text.push_str(FILTERS);
        text.push_str("\nEnvironment:\n  PDPATH  Directory of attributes files\n  TZ  Time zone of displayed and compared times\n");
    }
    text.push_str(SPOOL);
    text.push('\n');
    text.push_str(ABBREVIATIONS);
    text.push('\n');
    text.push_str(EXITS);
    text
}

/// Makes this text for `pdq`. The help of `pdls` has the attributes.
pub fn of_pdq() -> String {
    format!(
        "{FILTERS}\nEnvironment:\n  PDPRINTER  Destination whose queue is listed without -d\n  \
         PDPATH  Directory of attributes files\n  TZ  Time zone of displayed and compared times\n{SPOOL}\n{ABBREVIATIONS}\n{EXITS}"
    )
}

/// Makes this text for `pdmod` and `pdset`.
pub fn altering() -> String {
    let mut text = String::from("Settable attributes:\n");
    nameable(Class::Job).filter(|row| row.settable == Settable::Always).for_each(|row| describe(&mut text, row));
    let _ = write!(text, "\nEnvironment:\n  PDPATH  Directory of attributes files\n{SPOOL}\n{ABBREVIATIONS}\n{EXITS}");
    text
}

/// Makes this text for `pdcreate` and `pdset`.
pub fn managing() -> String {
    let mut text = String::new();
    for class in [Class::Destination, Class::Queue, Class::Server, Class::Medium, Class::Station, Class::User] {
        let _ = writeln!(text, "Settable attributes of a {}:", class.keyword());
        of_class(class).filter(|row| row.settable != Settable::Never).for_each(|row| describe(&mut text, row));
        text.push('\n');
    }
    text.push_str(
        "The attributes of a job are those of pdmod. Default jobs and documents have those of pdpr for jobs and documents,\n\
         and descriptor.\n",
    );
    let _ = write!(text, "\nEnvironment:\n  PDPATH  Directory of attributes files\n{SPOOL}\n{ABBREVIATIONS}\n{EXITS}");
    text
}

/// Makes this text for commands that act on jobs and set no attributes.
pub fn acting() -> String {
    format!("Environment:\n  PDPATH  Directory of attributes files\n{SPOOL}\n{EXITS}")
}

/// Makes this text for `pdrelease`.
pub fn of_pdrelease() -> String {
    format!(
        "Environment:\n  PD_STATION  Station where jobs are released without --station\n{SPOOL}\n\
         Exit status:\n  0  What was asked for was done; a list may be empty\n  \
         1  At least one job was not released or not removed\n  2  The command line is wrong; nothing was changed\n  \
         3  The spool or server cannot be reached\n"
    )
}

/// Makes this text for commands that work on the files of a spool.
pub fn of_disk() -> String {
    format!("Environment:\n{BASE}\n{EXITS}")
}

/// Makes this text for `pdfsck`.
pub fn of_pdfsck() -> String {
    format!(
        "Environment:\n{BASE}\nExit status:\n  0  Nothing is wrong, or everything was mended\n  \
         1  Something is wrong\n  2  The command line is wrong; nothing was looked at\n  \
         3  There is no spool, or it must not be looked at\n"
    )
}

/// Makes this text for `pdrm`.
pub fn of_pdrm() -> String {
    format!(
        "Environment:\n  PD_CONFIRM_DELETE  no removes without asking\n  PDPATH  Directory of attributes files\n{SPOOL}\n{EXITS}"
    )
}

const FILTERS: &str = "\
Filters:
  name==value  Equal; a time is compared to the second
  name=*value  Begins with it as it is displayed, a number and a time too
  name*=value  Ends with it
  name*=*value  Contains it
  name~=value  Contains it, upper and lower case alike: texts only
  name>value, name<value  Greater, less: numbers and times
  name==*  Has a value that is not empty
  a && b, a || b, !a, (a)  Both, either, not, grouping; ! binds tightest, then &&
  Of several values one suffices. Upper and lower case differ, but for names of destinations, queues and servers.
";

const ABBREVIATIONS: &str = "\
Abbreviations:
  Names of attributes and keywords may be shortened to a beginning of each of their words, as j-na for job-name.
";

fn describe(text: &mut String, row: &Attribute) {
    let mark = match row.shown {
        Shown::Brief => " (b)",
        Shown::Verbose => " (v)",
        Shown::All | Shown::ByName => "",
    };
    let values = match row.kind {
        Kind::Integer(low, high) if row.settable != Settable::Never => format!(" [{low} to {high}]"),
        Kind::Boolean => " [true, false]".to_owned(),
        Kind::Keyword(words) => format!(" [{}]", words.join(", ")),
        _ => String::new(),
    };
    let only = match (row.only, row.settable) {
        (Some(only), Settable::Initially) => format!("; {} destinations, when they are made", only.word()),
        (Some(only), _) => format!("; {} destinations", only.word()),
        (None, Settable::Initially) if row.class != Class::Job => "; when it is made".to_owned(),
        (None, _) => String::new(),
    };
    let also = match row.synonyms {
        [] => String::new(),
        many => format!("; also {}", many.join(", ")),
    };
    let _ = writeln!(text, "  {}{mark}  {}{values}{only}{also}", row.name(), row.summary());
}
