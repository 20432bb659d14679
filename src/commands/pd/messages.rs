//! The messages of the `pd` commands: one table of numbers, from which errors, `pdmsg` and docs/messages.md come.
//!
//! An error is written `program: NNNN-NNN text`. The number says what happened; the text also says to what. Numbers that begin
//! with 5010 are those of InfoPrint, and mean here what they mean there. Those that begin with 9100 are ours, and so are those
//! of notifications, which begin with 9900 (`model::notification`). A number that was released keeps its meaning.
//!
//! A failure has no number of its own: below the languages it is a kind and a text, which `spoolcom` shows in its own words.
//! The number is found by the text, and by the kind where no row has the text. So a message that is worded anew and fits no
//! row any more loses only its special number; a test holds every row against what the commands really say.

use crate::model::notification::{self, EVENTS, EventRow};
use crate::model::{Failure, FailureKind};

/// What stands for a text that differs from case to case.
pub const BLANK: &str = "____";

/// Where a row is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// The text is this one.
    Text,
    /// No other row has the text, and the command line is wrong.
    Usage,
    /// No other row has the text, and the failure is of this kind.
    Kind(FailureKind),
    /// It is never an error of a command: something else carries it.
    Elsewhere,
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Its number.
    pub number: &'static str,
    /// Its text, with [`BLANK`] for what differs.
    pub text: &'static str,
    /// What it means.
    pub explanation: &'static str,
    /// What the system does.
    pub action: &'static str,
    /// What the reader can do.
    pub response: &'static str,
    when: When,
}

const NOTHING: &str = "nothing was changed";
const OTHERS: &str = "this object stays as it is; the other objects of the command are done";

const fn row(
    number: &'static str,
    text: &'static str,
    explanation: &'static str,
    action: &'static str,
    response: &'static str,
) -> Message {
    Message { number, text, explanation, action, response, when: When::Text }
}

const fn last(when: When, message: Message) -> Message {
    Message { when, ..message }
}

/// All messages, in the order of their numbers. Of several rows that fit, the first one counts.
#[rustfmt::skip]
pub const MESSAGES: &[Message] = &[
    last(When::Elsewhere, row(notification::MAIL_NUMBER, notification::MAIL_SUBJECT,
        "the subject of a notification that is sent by mail", "the notification was sent",
        "the body of the mail says what happened")),
    last(When::Elsewhere, row("5010-304", "The queue ____ is backlogged.",
        "more work waits in a queue than its upper bound", "jobs are taken and printed as before",
        "enable another destination of the queue, or move jobs with pdresubmit")),
    last(When::Elsewhere, row(notification::TO_OPERATOR, "For the operator: ____",
        "a job says this to the operators of its queue or its device: job-message-to-operator, job-start-message or job-end-message",
        "notify-operator of the queue or the device says who was told", "do what the submitter asks for")),
    row("5010-452", "____: no server____",
        "nobody answers at the host and port that -H, PDHOST or PD_SOCKET names", NOTHING,
        "begin the server there (pdserver --listen), or name another one; pdls without -H uses the spool of this machine"),
    row("9100-303", "____: wrong certificate____",
        "a certificate is missing, has ended, was revoked, or is one of another group of servers", NOTHING,
        "pdserver invite NAME at the first server prints a token, and pdserver join --client uses it"),
    row("9100-304", "____: other version____",
        "the server speaks another version of the protocol, or is no server of spoolsuite", NOTHING,
        "install the same release on both machines"),
    row("9100-305", "____: timeout____", "a server on the network did not answer in time",
        "it may be done or not", "look with pdls before the command is repeated"),

    row("9100-002", "knows no attribute '____'", "the command has no attribute of that name", NOTHING,
        "--help of the command lists its attributes; names may be shortened"),
    row("9100-003", "____ is not supported here: it belongs to AFP printing",
        "the attribute means something to AFP printing alone, which is not done here", NOTHING,
        "leave it out"),
    row("9100-004", "'____' may mean ____", "a shortened name or word has several meanings", NOTHING,
        "write more of its letters"),
    row("9100-005", "____ has no value after '____'", "an attribute is named and nothing follows", NOTHING,
        "name==  gives an attribute of an existing object its default again"),
    row("9100-006", "the attributes file includes itself", "attributes files include each other in a circle", NOTHING,
        "take out one of the lines attributes=FILE"),
    row("9100-007", "____ is given when a ____ is ____ and cannot be altered",
        "the attribute has its value from the beginning of the object to its end", NOTHING,
        "make the object anew"),
    row("9100-008", "____ cannot be set: the spool determines it", "the attribute shows a fact", NOTHING,
        "--help lists what can be set"),
    row("9100-009", "____ cannot be set ____", "the command does not set this attribute", NOTHING,
        "pdmod alters jobs, pdset other objects; --help of each lists what it sets"),
    row("9100-010", "____ has one value____", "several values were given, or one was added, to an attribute that has one", NOTHING,
        "a value with blanks is quoted: -x \"job-name='two words'\""),
    row("9100-011", "'____' is none of ____", "the value is no word that the attribute or flag takes", NOTHING,
        "use one of the words that the message lists"),
    row("9100-012", "'____' is no class", "-c names no class of objects", NOTHING, "pdls --help lists the classes"),
    row("9100-013", "____ has no class ____", "the command does not act on objects of that class", NOTHING,
        "the hint lists the classes of the command"),
    row("9100-014", "the filter ____", "the filter is not written as filters are", NOTHING,
        "pdls --help shows how filters are written"),
    row("9100-015", "filter: ____", "a name or value of the filter is wrong", NOTHING,
        "pdls --help lists attributes and operators"),
    row("9100-016", "'____' names no server", "what is made is named with its server", NOTHING, "write SERVER:NAME"),
    row("9100-017", "no document is named", "a job needs at least one file", NOTHING, "name files, or - for standard input"),
    row("9100-018", "no destination ____ named", "neither -d nor PDPRINTER says where to print", NOTHING,
        "pdls -c destination lists destinations"),
    row("9100-019", "nothing is to be changed", "the command sets attributes, and none is given", NOTHING,
        "-x \"name=value\" gives one"),
    row("9100-020", "'____' names no ____", "an argument has not the form of a name of such an object", NOTHING,
        "the hint shows the forms"),
    row("9100-021", "____ sets no attribute", "the command takes attributes of its own, not those of objects", NOTHING,
        "pdset sets attributes"),
    row("9100-022", "page-select=____ of document ____: ____",
        "pages are chosen of a document whose pages nobody can pick out, or that does not have them", NOTHING,
        "print a file that has only the pages that are wanted"),

    row("9100-101", "cannot find job ____", "there is no such job: it was printed or removed, or never was", OTHERS,
        "pdls --history JOB shows finished jobs"),
    row("9100-102", "cannot find document ____", "the job has no document of that number", OTHERS,
        "pdls JOB lists the documents of a job"),
    row("9100-103", "cannot find destination ____", "no destination has that name", OTHERS,
        "pdls -c destination lists destinations"),
    row("9100-104", "cannot find queue ____", "no queue has that name", OTHERS, "pdls -c queue lists queues"),
    row("9100-105", "cannot find server ____", "the server here has another name", OTHERS, "pdls -c server shows it"),
    row("9100-106", "cannot find ____", "no object has that name", OTHERS, "pdls lists objects"),
    row("9100-107", "____ exists already", "an object has that name", OTHERS, "pdset alters it; pddelete deletes it"),
    row("9100-108", "there is a ____ already", "an object has that name", OTHERS, "pdset alters it; pddelete deletes it"),
    row("9100-109", "____ still has ____", "jobs or destinations belong to the object", OTHERS,
        "pdclean removes jobs, pdresubmit moves them; then repeat the command"),

    row("9100-201", "destination ____ is disabled", "the destination takes no jobs", NOTHING, "pdenable enables it"),
    row("9100-202", "destination ____ is enabled", "the destination must be disabled for that", OTHERS,
        "pddisable, the command again, pdenable"),
    row("9100-203", "____ was not ____: nobody confirmed it", "there is no terminal where the command could ask", OTHERS,
        "PD_CONFIRM_DELETE=no does it without asking"),
    row("9100-204", "____ was not ____: the answer was no", "the question was not answered with y or yes", OTHERS,
        "repeat the command"),
    row("9100-205", "nothing was removed: ____", "the removal was not confirmed", OTHERS,
        "PD_CONFIRM_DELETE=no removes without asking"),
    row("9100-206", "the spooler is ____, and takes no jobs", "the server was shut down, or never started", NOTHING,
        "startsrv, or spoolcom 'SPOOLER, START', starts it"),
    row("9100-207", "____ is not supported by ____", "no printer behind the destination can do what the job asks for", NOTHING,
        "pdls -c destination -r verbose NAME shows what it supports"),

    row("9100-301", "there is no spool at ____", "nothing was made there yet", NOTHING,
        "startsrv or pdcreate makes a spool; PDBASE names the directory"),
    row("9100-302", "outcome unknown ____", "the request was sent, and its answer did not come", "it may be done or not",
        "look with pdls before the command is repeated"),

    last(When::Usage, row("9100-001", "____", "the command line is not written as the command expects it", NOTHING,
        "--help of the command shows its flags and attributes")),
    last(When::Kind(FailureKind::NotFound), row("9100-901", "____", "no object has that name or number", OTHERS,
        "pdls lists objects; names that resemble it are a hint")),
    last(When::Kind(FailureKind::Ambiguous), row("9100-902", "____", "more than one object answers to the name", OTHERS,
        "use the longer name that the hint shows")),
    last(When::Kind(FailureKind::InUse), row("9100-903", "____", "something still refers to the object", OTHERS,
        "first remove what uses it")),
    last(When::Kind(FailureKind::Security), row("9100-904", "____", "who asks may not do this", OTHERS,
        "ask its owner, or an operator of the spool")),
    last(When::Kind(FailureKind::State), row("9100-905", "____", "the state of the object does not allow it", OTHERS,
        "pdls shows its state; pdls -r why JOB says why a job waits")),
    last(When::Kind(FailureKind::SpoolerState), row("9100-906", "____", "the state of the server does not allow it", NOTHING,
        "pdls -c server shows it; startsrv starts it")),
    last(When::Kind(FailureKind::BadValue), row("9100-907", "____", "a value is malformed or out of range", OTHERS,
        "--help of the command lists values")),
    last(When::Kind(FailureKind::Unsupported), row("9100-908", "____", "it is not available here, or not on this kind of object",
        OTHERS, "the hint says what to do instead")),
    last(When::Kind(FailureKind::Full), row("9100-909", "____", "a limit is reached or a disk is full", OTHERS,
        "make room, then repeat the command")),
    last(When::Kind(FailureKind::Unreachable), row("9100-910", "____", "the spool cannot be reached, or must not be used", NOTHING,
        "the hint names the way out")),
    last(When::Kind(FailureKind::Damaged), row("9100-911", "____", "what the spool holds cannot be read any more", NOTHING,
        "pdfsck says what is lost")),
    last(When::Kind(FailureKind::Unknown), row("9100-912", "____", "a request was sent and its outcome is not known",
        "it may be done or not", "look with pdls before the command is repeated")),
    last(When::Kind(FailureKind::Timeout), row("9100-913", "____", "it took longer than its deadline",
        "what was asked may still be done", "look with pdls, then repeat the command")),
    last(When::Kind(FailureKind::Io), row("9100-914", "____", "a file cannot be read or written", OTHERS,
        "the message names the file and the reason")),
    last(When::Kind(FailureKind::Internal), row("9100-915", "____", "a fault of this program", "unknown",
        "report it, with what was typed")),
    last(When::Kind(FailureKind::UnsupportedFormat), row("9100-916", "____", "the format of a document is not supported where it is sent",
        OTHERS, "pdls -c destination -A -r all NAME shows what it supports")),
];

/// The environment variable that takes the numbers out of messages.
pub const SWITCH: &str = "PD_MESSAGE_NUMBERS";

/// Returns the number of a failure; `usage` = the command line is wrong.
pub fn number_of(failure: &Failure, usage: bool) -> &'static str {
    let fits = |message: &&Message| match message.when {
        When::Text => has(&failure.message, message.text),
        When::Usage => usage,
        When::Kind(kind) => kind == failure.kind,
        When::Elsewhere => false,
    };
    MESSAGES.iter().find(fits).map_or("9100-915", |message| message.number)
}

/// A message as it is explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its number.
    pub number: &'static str,
    /// Its text, with [`BLANK`] for what differs.
    pub text: String,
    /// What it means.
    pub explanation: String,
    /// What the system does.
    pub action: &'static str,
    /// What the reader can do.
    pub response: &'static str,
}

impl From<&Message> for Explained {
    fn from(message: &Message) -> Self {
        let Message { number, text, explanation, action, response, .. } = *message;
        Self { number, text: text.to_owned(), explanation: explanation.to_owned(), action, response }
    }
}

impl From<&EventRow> for Explained {
    fn from(event: &EventRow) -> Self {
        let classes = event.classes.iter().map(|class| format!("class-{class}")).collect::<Vec<_>>().join(", ");
        let never = if event.on.is_empty() { "; it is never raised here" } else { "" };
        Self {
            number: event.number,
            text: format!("{}: {BLANK}", event.text),
            explanation: format!("the event {} of {classes}{never}", event.name),
            action: "whoever asks for it with notification-profile is told",
            response: "the rest of the message says of what, and the circumstances",
        }
    }
}

/// Every message: those of commands, then those of notifications.
pub fn all() -> impl Iterator<Item = Explained> {
    let more = EVENTS.iter().filter(|event| MESSAGES.iter().all(|message| message.number != event.number));
    MESSAGES.iter().map(Explained::from).chain(more.map(Explained::from))
}

/// Finds the message of that number, with or without its dash, or of its last three digits where these are of one message
/// only. Messages of commands go before those of notifications.
pub fn find(number: &str) -> Option<Explained> {
    let digits: String = number.chars().filter(|c| *c != '-').collect();
    let is = |one: &Explained| one.number.replace('-', "") == digits;
    let ends = |one: &Explained| digits.len() == 3 && one.number.ends_with(&digits);
    let only = |found: Vec<Explained>| <[Explained; 1]>::try_from(found).ok().map(|[one]| one);
    all().find(is).or_else(|| only(MESSAGES.iter().map(Explained::from).filter(ends).collect())).or_else(|| {
        // More than one of a command is none of a notification.
        let of_commands = MESSAGES.iter().any(|message| ends(&message.into()));
        only(if of_commands { Vec::new() } else { all().filter(ends).collect() })
    })
}

/// Returns whether the parts of `pattern` stand in `text` in their order.
fn has(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    pattern.split(BLANK).all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_stands_once_and_has_the_shape() {
        let mut seen = std::collections::BTreeSet::new();
        for message in MESSAGES {
            let (family, rest) = message.number.split_once('-').unwrap();
            assert!(family.len() == 4 && rest.len() == 3, "{}", message.number);
            assert!(matches!(family, "5010" | "9100" | "9900"), "{}", message.number);
            assert!(seen.insert(message.number), "{}", message.number);
        }
    }

    #[test]
    fn a_text_finds_its_row_and_any_other_one_its_kind() {
        let number = |kind, text: &str| number_of(&Failure::new(kind, text), false);
        assert_eq!(number(FailureKind::NotFound, "cannot find job 7"), "9100-101");
        assert_eq!(number(FailureKind::NotFound, "x.y: cannot find destination x.y"), "9100-103");
        assert_eq!(number(FailureKind::State, "job 7 was not removed: nobody confirmed it"), "9100-203");
        assert_eq!(number(FailureKind::Io, "something new"), "9100-914");
        for (words, expected) in [
            ("no server", "5010-452"),
            ("wrong certificate: you have none", "9100-303"),
            ("other version", "9100-304"),
            ("timeout", "9100-305"),
            ("connection lost", "9100-910"),
        ] {
            assert_eq!(number(FailureKind::Unreachable, &format!("acme1:2353: {words}")), expected);
        }
        assert_eq!(number_of(&Failure::new(FailureKind::BadValue, "something new"), true), "9100-001");
    }

    #[test]
    fn every_kind_of_failure_has_a_row() {
        for kind in FailureKind::ALL.iter().copied().filter(|kind| *kind != FailureKind::Internal) {
            assert_ne!(number_of(&Failure::new(kind, "-"), false), "9100-915", "{kind:?}");
        }
    }
}
