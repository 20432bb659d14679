//! Notifications: who is told of which events, and how (docs/reference/infoprint.md 10).
//!
//! A profile is one value of `notification-profile`: `{event-identifiers=… delivery-method=… delivery-address=…
//! event-comment='…' locale=…}`, each part of which may be left out. It is kept as it was given; what it means is read when
//! something happens. The events are one table: name, number of the message, classes, and on which objects each is raised.

use std::fmt;

use super::names::near;
use super::printable::{escaped, is_harmful};

/// The longest profile, in octets.
pub const MAX_PROFILE: usize = 4095;
/// The longest address, in octets.
pub const MAX_ADDRESS: usize = 1024;
/// The longest comment, in octets.
pub const MAX_COMMENT: usize = 1024;
/// The most events that one profile names.
pub const MAX_EVENTS: usize = 100;
/// The most words of the address of an exit program.
pub const MAX_WORDS: usize = 32;
/// The longest `event-delay`, in minutes: a week.
pub const MAX_DELAY: u32 = 7 * 24 * 60;
/// The longest address of a mail, in octets.
const MAX_MAIL: usize = 254;

/// How somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A line on the terminals where the user is logged in.
    Message,
    /// A mail.
    Mail,
    /// A file that holds the last message.
    File,
    /// A file to which each message is added.
    FileAddTo,
    /// A program.
    Exit,
    /// The log of the system.
    Syslog,
    /// The log of the job.
    JobLog,
    /// Not at all.
    None,
}

/// The words for each method, the one that is shown first.
const METHODS: &[(Method, &[&str])] = &[
    (Method::Message, &["message"]),
    (Method::Mail, &["electronic-mail", "e-mail", "email"]),
    (Method::File, &["file"]),
    (Method::FileAddTo, &["file-add-to"]),
    (Method::Exit, &["exit"]),
    (Method::Syslog, &["syslog"]),
    (Method::JobLog, &["job-log"]),
    (Method::None, &["none"]),
];

/// The methods, as they are shown.
pub const METHOD_WORDS: &[&str] =
    &["message", "electronic-mail", "file", "file-add-to", "exit", "syslog", "job-log", "none"];

impl Method {
    /// Its word.
    pub fn word(self) -> &'static str {
        METHODS.iter().find(|row| row.0 == self).map_or("none", |row| row.1[0])
    }

    /// Reads a word for it.
    ///
    /// # Errors
    /// Says which words there are.
    pub fn parse(word: &str) -> Result<Self, String> {
        if let Some(row) = METHODS.iter().find(|row| row.1.iter().any(|one| one.eq_ignore_ascii_case(word))) {
            return Ok(row.0);
        }
        Err(match word.to_ascii_lowercase().as_str() {
            "wireless" => "the method wireless is not supported here: an exit program can do it".to_owned(),
            "sapcb" | "sapconnect" => format!("the method {} belongs to another system", escaped(word)),
            _ => format!("'{}' is no method; methods are {}", shown(word), METHOD_WORDS.join(", ")),
        })
    }

    /// Checks an address for it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check_address(self, address: &str) -> Result<(), String> {
        if address.len() > MAX_ADDRESS {
            return Err(format!("the delivery-address is longer than {MAX_ADDRESS} octets"));
        }
        if address.chars().any(is_harmful) {
            return Err(format!("the delivery-address '{}' has characters that cannot be shown", shown(address)));
        }
        match self {
            Self::Mail => check_mail(address),
            Self::Message => check_user(address),
            Self::File | Self::FileAddTo => check_file(address),
            Self::Exit => check_program(address),
            Self::Syslog => facility(address).map(drop),
            Self::JobLog | Self::None => Ok(()),
        }
    }

    /// Whether it needs an address: there is no usual one.
    pub fn needs_address(self) -> bool {
        matches!(self, Self::File | Self::FileAddTo | Self::Exit)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The beginning of `text`, fit for a message.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escaped(&short)
}

/// Checks the address of a mail: a plain one, `user` or `user@host`. Whatever a mail program could take for an option, a
/// program, a file, a list or a second address is none.
fn check_mail(address: &str) -> Result<(), String> {
    let bad = |why: &str| Err(format!("'{}' is no mail address: {why}", shown(address)));
    if address.is_empty() || address.len() > MAX_MAIL {
        return bad("it has 1 to 254 characters");
    }
    if !address.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return bad("it begins with a letter, a digit or '_'");
    }
    let (user, host) = match address.split_once('@') {
        Some((user, host)) => (user, Some(host)),
        None => (address, None),
    };
    if user.is_empty() || !user.chars().all(|c| c.is_ascii_alphanumeric() || "._+-=~'".contains(c)) {
        return bad("before '@' stand letters, digits and . _ + - = ~ '");
    }
    let good = |host: &str| {
        !host.is_empty()
            && host.split('.').all(|part| {
                !part.is_empty()
                    && !part.starts_with('-')
                    && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            })
    };
    if host.is_some_and(|host| !good(host)) {
        return bad("behind '@' stands the name of a host");
    }
    Ok(())
}

/// Checks the address of a message: `user` or `user@host`.
fn check_user(address: &str) -> Result<(), String> {
    let (user, host) = address.split_once('@').unwrap_or((address, "here"));
    let plain = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text.len() <= 255
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-$".contains(c))
    };
    match plain(user) && plain(host) {
        true => Ok(()),
        false => Err(format!("'{}' is no user: USER or USER@HOST", shown(address))),
    }
}

/// Checks the name of a file: an absolute path or a Guardian name.
fn check_file(address: &str) -> Result<(), String> {
    if address.starts_with('/') && !address.split('/').any(|part| part == "..") && !address.ends_with('/') {
        return Ok(());
    }
    if address.starts_with('$') && address.matches('.').count() == 2 {
        return Ok(());
    }
    Err(format!("'{}' is no absolute path and no $VOLUME.SUBVOLUME.FILE", shown(address)))
}

/// Checks a program with its arguments: the program is an absolute path.
fn check_program(address: &str) -> Result<(), String> {
    let words: Vec<&str> = address.split_whitespace().collect();
    let Some(program) = words.first() else { return Err("the delivery-address names no program".to_owned()) };
    if !program.starts_with('/') || program.split('/').any(|part| part == "..") {
        return Err(format!("'{}' is no absolute path of a program", shown(program)));
    }
    if words.len() > MAX_WORDS {
        return Err(format!("the delivery-address has more than {MAX_WORDS} words"));
    }
    Ok(())
}

/// The facilities of the system's log that a spool may write to, with their numbers.
const FACILITIES: &[(&str, u8)] = &[
    ("lpr", 6),
    ("user", 1),
    ("daemon", 3),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// Returns the number of the facility that the address of the method `syslog` names; without one it is `lpr`.
///
/// # Errors
/// Says which ones there are.
pub fn facility(address: &str) -> Result<u8, String> {
    if address.is_empty() {
        return Ok(FACILITIES[0].1);
    }
    let found = FACILITIES.iter().find(|row| row.0.eq_ignore_ascii_case(address));
    found.map(|row| row.1).ok_or_else(|| {
        let names: Vec<&str> = FACILITIES.iter().map(|row| row.0).collect();
        format!("'{}' is no facility; facilities are {}", shown(address), names.join(", "))
    })
}

/// What raises an event, and whose profiles may ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum On {
    /// A job.
    Job,
    /// A logical destination.
    Logical,
    /// An actual destination.
    Actual,
    /// A queue.
    Queue,
    /// The server.
    Server,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its name in profiles.
    pub name: &'static str,
    /// The number of its message.
    pub number: &'static str,
    /// The classes it belongs to, without `class-`.
    pub classes: &'static [&'static str],
    /// On which objects it is raised. Empty: it is known and never raised.
    pub on: &'static [On],
    /// The words of its message.
    pub text: &'static str,
}

impl EventRow {
    /// What an exit program is told: the last three digits of the number.
    pub fn code(&self) -> &'static str {
        self.number.rsplit('-').next().unwrap_or(self.number)
    }

    /// How severe it is in the words of a system's log: 3 error, 4 warning, 5 notice, 6 information.
    pub fn severity(&self) -> u8 {
        let is = |end: &str| self.classes.iter().any(|class| class.ends_with(end));
        match () {
            () if is("error") || is("aborted") => 3,
            () if is("warning") => 4,
            () if is("attention") => 5,
            () => 6,
        }
    }

    /// Whether it tells of a trouble that may pass by itself: a profile may say that it is told of it only if it lasts.
    pub fn may_pass(&self) -> bool {
        MAY_PASS.contains(&self.name)
    }
}

const fn event(
    name: &'static str,
    number: &'static str,
    on: &'static [On],
    classes: &'static [&'static str],
    text: &'static str,
) -> EventRow {
    EventRow { name, number, classes, on, text }
}

use On::{Actual, Job, Logical, Queue, Server};

/// Every event. Numbers that begin with 5010 are those that InfoPrint scripts know; the others are ours.
#[rustfmt::skip]
pub static EVENTS: &[EventRow] = &[
    event("job-assigned-to-queue", "9900-901", &[Job], &["job-status", "report"], "Queued"),
    event("processing-started", "9900-902", &[Job, Queue, Actual, Server], &["job-status", "report"], "Printing has begun"),
    event("job-completed", "5010-280", &[Job, Queue, Actual, Server], &["job-default", "job-status", "report"], "Printed"),
    event("job-state-changed", "9900-903", &[Job], &["job-status", "state-changed"], "The state has changed"),
    event("job-modified", "9900-904", &[Job, Queue, Server], &["job-status", "report"], "Altered"),
    event("job-paused", "9900-905", &[Job, Queue, Server], &["job-attention", "report"], "Paused"),
    event("job-resumed", "9900-906", &[Job, Queue, Server], &["job-status", "report"], "Resumed"),
    event("job-promoted", "9900-907", &[Job, Queue, Server], &["job-status", "report"], "Put before all others"),
    event("job-resubmitted", "9900-908", &[Job, Queue, Server], &["job-status", "report"], "Sent to another destination"),
    event("job-requeued", "9900-909", &[Job, Queue, Server], &["job-attention", "report"], "Given back to its queue"),
    event("job-cancelled-by-user", "9900-910", &[Job, Actual, Queue, Server], &["aborted", "job-attention"], "Cancelled by its owner"),
    event("job-cancelled-by-operator", "9900-911", &[Job, Actual, Queue, Server], &["aborted", "job-attention", "job-default"],
        "Cancelled by an operator"),
    event("job-aborted-by-server", "9900-912", &[Job, Queue, Server], &["aborted", "job-default"], "Held by the server"),
    event("job-cannot-be-scheduled", "9900-913", &[Job, Queue, Server], &["job-attention", "job-default", "warning"],
        "No device can print it"),
    event("destinations-not-ready-for-job", "9900-914", &[Job], &["job-attention", "job-default"], "No device is ready for it"),
    event("job-discarded", "9900-915", &[Job, Queue, Server], &["job-default", "job-attention", "report"],
        "Removed: its time is over"),
    event("past-discard-time", "9900-916", &[Job, Queue, Server], &["error", "job-attention"],
        "Removed before it was printed: its discard time has come"),
    event("close-to-discard-time", "9900-917", &[Job, Queue, Server], &["job-attention", "warning"],
        "It is removed soon unless it is released"),
    event("job-submission-not-complete", "9900-918", &[], &["error", "job-problem"], "Its documents did not all arrive"),
    event("job-timed-out", "9900-919", &[], &["job-attention", "warning"], "It has waited too long"),
    event("checkpoint-taken", "9900-920", &[], &["job-status", "report"], "A checkpoint was taken"),
    event("file-transferred", "9900-921", &[Job], &["job-status", "report"], "Its device has all of it"),
    event("document-aborted-by-destination", "9900-922", &[Job, Actual, Server], &["aborted", "job-attention", "job-default"],
        "Set aside: its device failed with it"),
    event("document-aborted-by-server", "9900-923", &[Job, Actual, Server], &["aborted", "job-attention", "job-default"],
        "A document cannot be printed"),
    event("document-cancelled-at-destination", "9900-924", &[Job, Actual, Server], &["aborted", "job-attention", "job-default"],
        "Taken from its device by an operator"),
    event("document-content", "9900-925", &[], &["error", "job-problem"], "A document holds bad data"),
    event("no-document", "9900-926", &[], &["error", "job-problem"], "A document cannot be read"),
    event("no-resource", "9900-927", &[], &["error", "job-problem"], "A resource is missing"),
    event("unrecognized-resource", "9900-928", &[], &["error", "job-problem"], "A resource is unknown"),
    event("detailed-messages", "9900-929", &[Job, Actual, Server], &["job-attention", "report"], "Remark"),
    event("possible-duplicate", "9900-930", &[Job, Actual, Server], &["job-attention", "warning"], "Pages may come out twice"),
    event("destination-enabled", "9900-931", &[Logical, Actual, Server],
        &["logical-destination-status", "actual-destination-status", "report"], "Enabled"),
    event("destination-disabled", "9900-932", &[Logical, Actual, Server],
        &["logical-destination-attention", "actual-destination-attention", "warning"], "Disabled"),
    event("destination-needs-attention", "9900-933", &[Actual, Job, Server],
        &["actual-destination-attention", "actual-destination-default", "warning"], "The device needs attention"),
    event("destination-needs-operator", "9900-934", &[Actual, Job, Server],
        &["actual-destination-attention", "actual-destination-default", "warning"], "The device needs an operator"),
    event("destination-needs-administrator", "9900-935", &[],
        &["actual-destination-attention", "actual-destination-default", "warning"], "The device needs an administrator"),
    event("destination-timed-out", "9900-936", &[Actual, Job, Server],
        &["actual-destination-attention", "actual-destination-default", "warning"], "The device cannot be reached"),
    event("destination-toner-low", "9900-937", &[], &["actual-destination-attention", "warning"], "Toner is low"),
    event("destination-function-unavailable", "9900-938", &[], &["actual-destination-attention", "warning"],
        "The device lacks a function"),
    event("destination-recovered", "9900-939", &[Actual, Server], &["actual-destination-status", "report"],
        "The device works again"),
    event("destination-registered", "9900-940", &[Actual, Server], &["actual-destination-status"], "The device was opened"),
    event("destination-unregistered", "9900-941", &[Actual, Server], &["actual-destination-status"], "The device was closed"),
    event("destination-shutdown", "9900-942", &[Actual, Server], &["actual-destination-status"], "The device was drained"),
    event("destination-state-changed", "9900-943", &[Actual, Server], &["actual-destination-status", "state-changed"],
        "The state has changed"),
    event("queue-backlogged", "5010-304", &[Queue, Server], &["queue-attention", "queue-default", "warning"],
        "The queue is backlogged"),
    event("queue-no-longer-backlogged", "9900-944", &[Queue, Server], &["queue-status", "report"],
        "The queue is no longer backlogged"),
    event("queue-state-changed", "9900-945", &[], &["queue-status", "state-changed"], "The state has changed"),
    event("object-created", "9900-946", &[Logical, Actual, Queue, Server],
        &["logical-destination-configuration", "actual-destination-configuration", "queue-configuration", "server-configuration"],
        "Made"),
    event("object-modified", "9900-947", &[Logical, Actual, Queue, Server],
        &["logical-destination-configuration", "actual-destination-configuration", "queue-configuration", "server-configuration"],
        "Changed"),
    event("object-deleted", "9900-948", &[Logical, Actual, Queue, Server],
        &["logical-destination-configuration", "actual-destination-configuration", "queue-configuration", "server-configuration",
          "logical-destination-default", "actual-destination-default", "queue-default", "server-default"], "Deleted"),
    event("object-cleaned", "9900-949", &[Logical, Actual, Queue, Server], &["logical-destination-default", "actual-destination-default", "queue-default",
        "server-default"], "All jobs were removed"),
    event("object-paused", "9900-950", &[Actual, Server], &["actual-destination-attention", "queue-attention"], "Paused"),
    event("object-resumed", "9900-951", &[Actual, Server], &["actual-destination-status", "queue-status"], "Resumed"),
    event("server-state-changed", "9900-952", &[Server], &["server-status", "state-changed"], "The state has changed"),
    event("server-startup-complete", "9900-953", &[Server], &["server-status", "report"], "The spooler has started"),
    event("server-shutdown-started", "9900-954", &[Server], &["server-attention", "warning"], "The spooler drains"),
    event("server-shutdown-complete", "9900-955", &[Server], &["server-attention", "server-default", "warning"],
        "The spooler has stopped"),
    event("internal-server-error", "9900-956", &[Server], &["server-attention", "server-default", "error"],
        "Something has failed"),
    event("other-error", "9900-957", &[Server], &["server-attention", "error"], "Error"),
    event("other-warning", "9900-958", &[Server], &["server-attention", "warning"], "Warning"),
    event("low-on-memory", "9900-959", &[], &["server-attention", "server-default", "warning"], "Memory is low"),
    event("memory-exhausted", "9900-960", &[], &["server-attention", "server-default", "error"], "Memory is exhausted"),
    event("disk-space-low", "9900-961", &[Server], &["server-attention", "server-default", "warning"], "The disk is nearly full"),
    event("out-of-disk-space", "9900-962", &[Server], &["server-attention", "server-default", "error"], "The disk is full"),
    event("resource-needs-attention", "9900-963", &[], &["server-attention", "warning"], "A resource needs attention"),
    event("resource-needs-operator", "9900-964", &[], &["server-attention", "warning"], "A resource needs an operator"),
];

/// Events of troubles that pass.
const MAY_PASS: &[&str] = &[
    "destination-needs-attention",
    "destination-needs-operator",
    "destination-timed-out",
    "disk-space-low",
    "out-of-disk-space",
    "queue-backlogged",
];

/// The number of the message that tells an operator what the submitter of a job has to say.
pub const TO_OPERATOR: &str = "9900-970";

/// The number of the subject of a mail.
pub const MAIL_NUMBER: &str = "5010-192";

/// The subject of a mail, with `____` for the name of the server.
pub const MAIL_SUBJECT: &str = "Message from print server: ____";

/// Returns the event of that name.
pub fn event_named(name: &str) -> Option<&'static EventRow> {
    EVENTS.iter().find(|row| row.name == name)
}

/// Events of other systems' parts: known, and never raised.
const ELSEWHERE: &[&str] = &["sapcbd-down", "out-of-dpf-space", "out-of-dpf-resources"];

/// Events of which an object tells when a profile names none.
fn default_events(on: On) -> &'static [&'static str] {
    match on {
        On::Job => &[
            "destination-needs-attention",
            "destination-needs-operator",
            "destinations-not-ready-for-job",
            "document-aborted-by-destination",
            "document-aborted-by-server",
            "document-cancelled-at-destination",
            "job-aborted-by-server",
            "job-cancelled-by-operator",
            "job-cannot-be-scheduled",
            "job-completed",
            "past-discard-time",
        ],
        On::Logical => &["object-cleaned", "object-deleted"],
        On::Actual => &[
            "object-cleaned",
            "object-deleted",
            "destination-needs-administrator",
            "destination-needs-attention",
            "destination-needs-operator",
            "destination-timed-out",
        ],
        On::Queue => &["object-cleaned", "object-deleted", "queue-backlogged"],
        On::Server => &[
            "internal-server-error",
            "low-on-memory",
            "memory-exhausted",
            "object-cleaned",
            "object-deleted",
            "out-of-disk-space",
            "server-shutdown-complete",
        ],
    }
}

/// The classes that there are.
const CLASSES: &[&str] = &[
    "aborted",
    "error",
    "warning",
    "report",
    "state-changed",
    "job-default",
    "job-attention",
    "job-status",
    "job-problem",
    "logical-destination-attention",
    "logical-destination-configuration",
    "logical-destination-default",
    "logical-destination-status",
    "actual-destination-attention",
    "actual-destination-configuration",
    "actual-destination-default",
    "actual-destination-status",
    "queue-attention",
    "queue-configuration",
    "queue-default",
    "queue-status",
    "server-attention",
    "server-configuration",
    "server-default",
    "server-status",
];

/// Reads the name of an event or a class. Printers were called so before they were destinations.
fn event_word(word: &str) -> Result<String, String> {
    let name = word.to_ascii_lowercase().replace("printer", "destination").replace("canceled", "cancelled");
    let name = name.replace("physical-destination", "actual-destination");
    let known = match name.strip_prefix("class-") {
        Some(class) => CLASSES.contains(&class),
        None => event_named(&name).is_some() || ELSEWHERE.contains(&name.as_str()),
    };
    if known {
        return Ok(name);
    }
    let what = format!("'{}' is no event and no class of events", shown(word));
    let names: Vec<String> = match name.starts_with("class-") {
        true => CLASSES.iter().map(|class| format!("class-{class}")).collect(),
        false => EVENTS.iter().map(|row| row.name.to_owned()).collect(),
    };
    Err(match near(&name, names.iter().map(String::as_str)) {
        near if near.is_empty() => what,
        near => format!("{what}; did you mean {}?", near.join(", ")),
    })
}

/// One value of `notification-profile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Events and classes; none = the usual ones of the object.
    pub events: Vec<String>,
    /// How.
    pub method: Method,
    /// Whom or where; none = the submitter, or the creator of the spool.
    pub address: Option<String>,
    /// What is added to the text.
    pub comment: Option<String>,
    /// The language that was asked for. There is one.
    pub locale: Option<String>,
    /// How many minutes a trouble that may pass has lasted when it is told.
    pub delay: Option<u32>,
}

/// The parts of a profile.
const PARTS: &[&str] =
    &["event-identifiers", "delivery-address", "delivery-method", "event-comment", "event-delay", "locale"];

/// Words of a profile: text, and whether any of it was quoted.
fn words(text: &str) -> Result<Vec<(String, bool)>, String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let (mut begun, mut quoted, mut quote) = (false, false, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.push(c),
            None if c.is_whitespace() || c == ',' => {
                if begun {
                    found.push((std::mem::take(&mut word), quoted));
                }
                (begun, quoted) = (false, false);
            }
            None if c == '\'' || c == '"' => {
                (begun, quote) = (true, Some(c));
                // `name='value'` is a part; `'name=value'` is text.
                quoted |= word.is_empty();
            }
            None => {
                begun = true;
                word.push(c);
            }
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    if begun {
        found.push((word, quoted));
    }
    Ok(found)
}

impl Profile {
    /// Reads a profile, in braces or without.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PROFILE {
            return Err(format!("a profile is longer than {MAX_PROFILE} octets"));
        }
        if text.chars().any(is_harmful) {
            return Err(format!("'{}' has characters that cannot be shown", shown(text)));
        }
        let text = text.trim();
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}').ok_or("'{' is not closed")?,
            None => text,
        };
        let mut parts: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (word, quoted) in words(inner)? {
            let part = word.split_once('=').filter(|_| !quoted);
            let name = part.and_then(|(name, _)| PARTS.iter().find(|one| one.eq_ignore_ascii_case(name)));
            match (name, part) {
                (Some(name), Some((_, value))) => {
                    if parts.iter().any(|one| one.0 == *name) {
                        return Err(format!("{name} is given twice"));
                    }
                    let values = if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
                    parts.push((name, values));
                }
                _ => match parts.last_mut() {
                    Some((_, values)) => values.push(word),
                    None => {
                        let what =
                            format!("'{}' is no part of a profile; parts are {}", shown(&word), PARTS.join(", "));
                        return Err(what);
                    }
                },
            }
        }
        let of = |name: &str| parts.iter().find(|one| one.0 == name).map(|one| one.1.as_slice()).unwrap_or_default();
        let joined = |name: &str| Some(of(name).join(" ")).filter(|text| !text.is_empty());
        let one = |name: &'static str| match of(name) {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            _ => Err(format!("{name} has one value; one with blanks is quoted")),
        };
        // A list of them may be quoted as one value.
        let events: Vec<&str> = of("event-identifiers").iter().flat_map(|text| text.split_whitespace()).collect();
        if events.len() > MAX_EVENTS {
            return Err(format!("a profile names more than {MAX_EVENTS} events"));
        }
        let events = events.into_iter().map(event_word).collect::<Result<_, _>>()?;
        let method = one("delivery-method")?.map_or(Ok(Method::Message), |word| Method::parse(&word))?;
        // Words behind the program are its arguments, quoted or not.
        let address = joined("delivery-address");
        match &address {
            Some(address) => method.check_address(address)?,
            None if method.needs_address() => return Err(format!("the method {method} needs a delivery-address")),
            None => {}
        }
        let comment = joined("event-comment");
        if comment.as_ref().is_some_and(|text| text.len() > MAX_COMMENT) {
            return Err(format!("the event-comment is longer than {MAX_COMMENT} octets"));
        }
        let locale = one("locale")?;
        let plain =
            |text: &String| text.len() <= 32 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-@".contains(c));
        if locale.as_ref().is_some_and(|text| !plain(text)) {
            return Err("the locale is the name of a language, as de_DE".to_owned());
        }
        let delay = one("event-delay")?.map(|word| minutes(&word)).transpose()?;
        Ok(Self { events, method, address, comment, locale, delay })
    }

    /// Whether somebody with this profile, on an object of that kind, is told of the event.
    pub fn wants(&self, on: On, event: &EventRow) -> bool {
        if self.events.is_empty() {
            return default_events(on).contains(&event.name);
        }
        self.events.iter().any(|word| match word.strip_prefix("class-") {
            Some(class) => event.classes.contains(&class),
            None => word == event.name,
        })
    }
}

/// Reads an `event-delay`.
fn minutes(word: &str) -> Result<u32, String> {
    let digits = !word.is_empty() && word.len() <= 9 && word.bytes().all(|octet| octet.is_ascii_digit());
    let found = word.parse().ok().filter(|minutes| digits && (1..=MAX_DELAY).contains(minutes));
    found.ok_or_else(|| format!("'{}' is no event-delay: it is 1 to {MAX_DELAY} minutes", shown(word)))
}

/// What tells two profiles of one object apart: method and address. None of what is no profile.
pub fn profile_key(text: &str) -> Option<String> {
    let profile = Profile::parse(text).ok()?;
    Some(format!("{} {}", profile.method, profile.address.unwrap_or_default()))
}

/// Checks one value of `notification-profile`.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_profile(text: &str) -> Result<(), String> {
    Profile::parse(text).map(drop)
}

/// Reads one value of `notify-operator`: `method:address`.
///
/// # Errors
/// Says what is wrong with it.
pub fn operator(text: &str) -> Result<(Method, Option<String>), String> {
    if text.chars().any(is_harmful) {
        return Err(format!("'{}' has characters that cannot be shown", shown(text)));
    }
    let (method, address) = text.split_once(':').unwrap_or((text, ""));
    let method = Method::parse(method)?;
    let address = Some(address.trim().to_owned()).filter(|address| !address.is_empty());
    match &address {
        _ if method == Method::JobLog => return Err("an operator has no job-log".to_owned()),
        Some(address) => method.check_address(address)?,
        None if method.needs_address() => return Err(format!("the method {method} needs an address")),
        None => {}
    }
    Ok((method, address))
}

/// Checks one value of `notify-operator`.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_operator(text: &str) -> Result<(), String> {
    operator(text).map(drop)
}

/// Checks one value of `results-profile`: `address:method:copies:'comment':bin`, of which the last ones may be left out.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_results(text: &str) -> Result<(), String> {
    if text.chars().any(is_harmful) {
        return Err(format!("'{}' has characters that cannot be shown", shown(text)));
    }
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 5 {
        return Err("a results-profile is address:method:copies:comment:bin".to_owned());
    }
    let part = |n: usize| parts.get(n).copied().unwrap_or_default().trim();
    if !matches!(part(1).to_ascii_lowercase().as_str(), "" | "pickup" | "pick-up") {
        return Err(format!("'{}' is no method of delivery; the only one is pickup", shown(part(1))));
    }
    match part(2) {
        "" => {}
        copies if copies.len() <= 9 && copies.parse::<u32>().is_ok_and(|n| n > 0) => {}
        copies => return Err(format!("'{}' copies: the number of copies is at least 1", shown(copies))),
    }
    Ok(())
}

/// Something that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Identity.
    pub id: i64,
    /// Who is meant where no address is given.
    pub uid: u32,
    /// Who set the profile: his rights count.
    pub set_by: u32,
    /// How.
    pub method: Method,
    /// Whom or where.
    pub address: String,
    /// The name of the event.
    pub event: String,
    /// The number of its message.
    pub number: String,
    /// The message, one line, with its number.
    pub text: String,
    /// When it happened, wall clock.
    pub at_ms: i64,
    /// The name of what it is about: the global id of a job, or the name of an object.
    pub about: String,
    /// How long ago that was, in spool time.
    pub age_ms: i64,
    /// How often it was tried.
    pub tries: u32,
}

/// What became of a try to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Try {
    /// It is done.
    Delivered,
    /// It may succeed later.
    Again(String),
    /// It never will.
    Never(String),
}

/// What waits, and what was lost, for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Deliveries {
    /// Notifications that are not delivered yet.
    pub waiting: u64,
    /// Notifications that were given up since the cold start.
    pub lost: u64,
}

/// The most notifications that wait. More are lost, which is counted.
pub const MAX_WAITING: u32 = 10_000;
/// The most of them that wait for one user.
pub const MAX_WAITING_OF_USER: u32 = 1_000;
/// The most of them that wait for one method and address.
pub const MAX_WAITING_OF_ADDRESS: u32 = 100;
/// How often one is tried.
pub const MAX_TRIES: u32 = 24;

/// How long one is tried, in milliseconds. What is for the eyes of somebody who has no terminal is old news soon.
pub fn max_age_ms(method: Method) -> i64 {
    match method {
        Method::Message => 600_000,
        _ => 24 * 3_600_000,
    }
}

/// Returns how long to wait after so many tries: three times as long each time, an hour at most, where `first` is the first
/// wait.
pub fn wait_ms(first: i64, tries: u32) -> i64 {
    let longest = first.saturating_mul(720);
    (0..tries.saturating_sub(1)).fold(first, |wait, _| wait.saturating_mul(3).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_names_numbers_and_classes_of_their_own() {
        for (at, row) in EVENTS.iter().enumerate() {
            assert!(
                EVENTS[..at].iter().all(|other| other.name != row.name && other.code() != row.code()),
                "{}",
                row.name
            );
            assert!(row.classes.iter().all(|class| CLASSES.contains(class)), "{}", row.name);
            assert_eq!(row.code().len(), 3);
        }
        for on in [On::Job, On::Logical, On::Actual, On::Queue, On::Server] {
            assert!(default_events(on).iter().all(|name| event_named(name).is_some()));
        }
        assert_eq!(event_named("job-completed").unwrap().code(), "280");
        assert_eq!(METHODS.iter().map(|row| row.1[0]).collect::<Vec<_>>(), METHOD_WORDS);
    }

    #[test]
    fn a_profile_is_read_in_every_form_that_scripts_write() {
        let read = |text: &str| Profile::parse(text).unwrap();
        let plain = read("{delivery-method=message}");
        assert_eq!((plain.method, plain.address, plain.events.len()), (Method::Message, None, 0));
        let long = read(
            "{event-identifiers=job-completed class-warning delivery-address=ann@h1.example delivery-method=e-mail \
             event-comment='now go and get it' locale=de_DE}",
        );
        assert_eq!(long.events, ["job-completed", "class-warning"]);
        assert_eq!(long.method, Method::Mail);
        assert_eq!(long.comment.as_deref(), Some("now go and get it"));
        let exit =
            read("{delivery-method=exit delivery-address='/opt/hooks/done -v two' event-identifiers=job-completed}");
        assert_eq!(exit.address.as_deref(), Some("/opt/hooks/done -v two"));
        let quoted = read("{event-identifiers='job-completed  class-warning' delivery-method=message}");
        assert_eq!(quoted.events, ["job-completed", "class-warning"]);
        assert_eq!(read("{}").method, Method::Message);
        assert_eq!(read("{event-identifiers=printer-needs-attention}").events, ["destination-needs-attention"]);
        assert_eq!(read("{event-comment='locale=x y'}").comment.as_deref(), Some("locale=x y"));
    }

    #[test]
    fn what_is_no_profile_is_refused_with_its_reason() {
        for (text, why) in [
            ("{delivery-method=pigeon}", "is no method"),
            ("{delivery-method=wireless delivery-address=x}", "exit program"),
            ("{delivery-method=exit}", "needs a delivery-address"),
            ("{delivery-method=exit delivery-address=done}", "no absolute path"),
            ("{delivery-method=file delivery-address=notes}", "no absolute path"),
            ("{delivery-method=file delivery-address=/a/../b}", "no absolute path"),
            ("{event-identifiers=job-complet}", "did you mean job-completed"),
            ("{job-completed}", "is no part of a profile"),
            ("{locale=de locale=en}", "given twice"),
            ("{event-comment='x}", "quote is not closed"),
            ("{delivery-method=message", "'{' is not closed"),
            ("{delivery-method=message\n}", "cannot be shown"),
            ("{event-comment='\u{202e}gpj'}", "cannot be shown"),
        ] {
            let said = Profile::parse(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn no_mail_address_is_an_option_a_program_a_file_or_a_header() {
        for bad in [
            "",
            "-oQ/tmp",
            "-bs",
            "|/bin/sh",
            "/etc/passwd",
            ":include:/etc/shadow",
            "a b",
            "a@b c",
            "ann@h1,bob@h2",
            "a\nBcc: x@y",
            "a\r",
            "<ann@h1>",
            "\"a b\"@h",
            "a@b@c",
            "ann@-h",
            "ann@",
            "@h",
            "a;b",
            "a$(b)",
            "a`b`",
            "a\0b",
            "\u{202e}nna",
            "a@h..x",
        ] {
            assert!(Method::Mail.check_address(bad).is_err(), "{bad:?}");
        }
        for good in ["ann", "ann@h1", "ann.lee+print@mail.example.org", "_ops", "0815@x"] {
            assert!(Method::Mail.check_address(good).is_ok(), "{good}");
        }
        for bad in ["-ann", "an n", "ann;reboot", "ann@h@x", ""] {
            assert!(Method::Message.check_address(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_profile_asks_for_events_by_name_by_class_or_by_what_is_usual() {
        let completed = event_named("job-completed").unwrap();
        let started = event_named("processing-started").unwrap();
        let usual = Profile::parse("{}").unwrap();
        assert!(
            usual.wants(On::Job, completed) && !usual.wants(On::Job, started) && !usual.wants(On::Queue, completed)
        );
        let class = Profile::parse("{event-identifiers=class-report}").unwrap();
        assert!(class.wants(On::Job, started));
        let named = Profile::parse("{event-identifiers=processing-started}").unwrap();
        assert!(named.wants(On::Queue, started) && !named.wants(On::Job, completed));
    }

    #[test]
    fn operators_and_results_are_read() {
        assert_eq!(operator("email:bob@h2"), Ok((Method::Mail, Some("bob@h2".to_owned()))));
        assert_eq!(operator("message:"), Ok((Method::Message, None)));
        assert!(operator("exit:").is_err() && operator("job-log:x").is_err() && operator("email:-bs").is_err());
        for good in ["ann@h1::2:Please staple", ":::", "ann", "ann@h1:pickup:1:x:bin 3"] {
            assert!(check_results(good).is_ok(), "{good}");
        }
        for bad in ["a:mail", "a::0", "a:::x:y:z", "a::many"] {
            assert!(check_results(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<i64> = (1..=9).map(|tries| wait_ms(5_000, tries) / 1000).collect();
        assert_eq!(waits, [5, 15, 45, 135, 405, 1215, 3600, 3600, 3600]);
        assert_eq!(wait_ms(0, 9), 0);
    }
}
