//! The one table of messages: what SPOOLCOM says, why, and what helps (docs/reference/spoolcom.md 7).
//!
//! A message is one line in upper case, as operators know it. Where the manuals have no text for a situation, the line
//! is ours, in the same manner. The next line says the cause in ordinary words, and the hints follow.

use crate::model::{FailureKind, JobRef};

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident: $text:literal, $cause:literal, $remedy:literal;)+) => {
        /// What can be said.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message { $($(#[$doc])* $name),+ }

        /// Every message with its text, its cause, and its remedy (empty when the cause says enough).
        pub const MESSAGES: &[(Message, &str, &str, &str)] = &[$((Message::$name, $text, $cause, $remedy)),+];
    };
}

messages! {
    /// Malformed command.
    Syntax: "SYNTAX ERROR", "the command is not written as SPOOLCOM expects it", "";
    /// No such command.
    UnknownCommand: "UNKNOWN COMMAND", "the first word is not a SPOOLCOM command", "HELP lists the commands";
    /// No such subcommand.
    UnknownSubcommand: "UNKNOWN SUBCOMMAND", "the command has no such subcommand", "";
    /// Bad parenthesised list.
    QualifierList: "ILLEGAL QUALIFIER LIST", "the list in parentheses after JOB is malformed",
        "JOB (STATE PRINT, OWNER ann, LOC #OFFICE.FRONT)   each qualifier at most once, separated by commas";
    /// A value is malformed or out of range.
    ValueInvalid: "SUBCOMMAND VALUE INVALID", "the value of a subcommand is malformed or out of range", "";
    /// Known, not built yet or without meaning here.
    NotAvailable: "NOT AVAILABLE IN THIS VERSION", "the word belongs to SPOOLCOM but does nothing here; nothing was changed", "";
    /// A malformed name or number of an object.
    NameInvalid: "OBJECT NAME INVALID", "the name or number of an object is malformed", "";
    /// A change without its object.
    NameMissing: "OBJECT NAME MISSING", "a subcommand that changes something needs to be told what", "";
    /// OPEN without a name.
    SupervisorMissing: "SPOOLER NAME MISSING", "OPEN needs to be told which spooler", "";
    /// A bare clearing operand among shell words.
    OperandMissing: "OPERAND MISSING", "in a shell, nothing after this word may be a variable that was empty", "";
    /// Unknown object.
    NotFound: "ENTRY NOT FOUND", "no object has that name or number", "";
    /// A job that an earlier subcommand removed.
    JobGone: "JOB number NOT FOUND", "an earlier subcommand of the same command removed the job; the rest was not executed", "";
    /// UNLINK of a job that is not linked.
    NotInBatch: "JOB IS NOT PART OF A BATCH JOB", "the job is not linked to the batch", "";
    /// Two objects answer.
    Ambiguous: "NAME IS AMBIGUOUS", "more than one object answers to the name", "";
    /// Still referred to.
    InUse: "ENTRY IN USE", "something still refers to the object",
        "first remove what uses it: the jobs of a location, the locations of a device, the devices of a print process";
    /// Reserved for authorized users.
    Security: "SECURITY COMMAND", "the command is reserved for authorized users", "";
    /// Somebody else's job.
    JobSecurity: "JOB number SECURITY VIOLATION", "the job belongs to somebody else", "";
    /// Wrong state.
    State: "INVALID OPERATION IN CURRENT STATE", "the state of the object does not allow it", "";
    /// Wrong state of a job.
    JobState: "JOB number INVALID OPERATION IN CURRENT STATE", "the state of the job does not allow it", "";
    /// Wrong state of the spooler.
    SpoolerState: "COMMAND CANNOT BE ACCOMPLISHED GIVEN CURRENT SPOOLER STATE", "the state of the spooler does not allow it",
        "SPOOLER, STATUS shows the state";
    /// A limit.
    Full: "TABLE LIMIT EXCEEDED", "a limit, or the disk, is full", "";
    /// Not reached.
    OpenError: "SPOOLER OPEN ERROR 14", "the spool cannot be reached", "";
    /// OPEN of what is no name of a process.
    NotAProcess: "SPOOLER SUPERVISOR MUST BE A PROCESS", "OPEN named something that is no process", "";
    /// OPEN of another process.
    OtherProcess: "SPOOLCOM ATTACHED TO UNKNOWN TYPE PROCESS", "OPEN named a collector or a print process, which is no supervisor", "";
    /// A command after a failed OPEN.
    NotOpen: "SPOOLER NOT OPEN", "the last OPEN failed, and it closed the spooler that was open before",
        "OPEN $SPLS opens yours";
    /// Nothing arrives.
    NoOpenJobs: "THERE ARE NO JOBS CURRENTLY OPEN", "LISTOPENS found no job that is arriving; nothing is wrong", "";
    /// An abbreviation with several meanings.
    AmbiguousWord: "ABBREVIATION IS AMBIGUOUS", "more than one word begins like that", "";
    /// Output that becomes a job, and is refused.
    OutRefused: "CAN'T SPOOLSTART 'OUT' FILE: number", "no collector takes the job that the output would become",
        "COLLECT, STATUS shows them; COLLECT $S, START starts one";
    /// A drain that stands still.
    StaysDraining: "DEVICE STAYS DRAINING", "its job stood still for as long as DRAIN waits; the drain stands",
        "DEV $device, DRAIN waits again; DEV $device, START takes the drain back";
    /// Outcome unknown.
    OutcomeUnknown: "OUTCOME OF COMMAND UNKNOWN", "the command was sent, its answer did not come", "look with STATUS before you repeat it";
    /// Deadline.
    TimedOut: "SPOOLER FILE ERROR 40", "the spool did not answer in time", "";
    /// Input or output.
    FileError: "FILE ERROR", "a file cannot be opened, read or written", "";
    /// A fault of ours.
    Internal: "SPOOLER INTERNAL ERROR", "a fault of this program", "";
}

/// Every WARNING: its line, in which words in braces stand for others, and its cause. A WARNING is no failure.
pub const WARNINGS: &[(&str, &str)] = &[
    (
        "{word} HAS NO EFFECT HERE",
        "the word is kept and shown as typed, and does nothing on this system, for the reason that follows",
    ),
    ("$0 IS STANDARD OUTPUT HERE", "OUT names the console"),
    ("{location} IS NEW AND LEADS TO NO DEVICE: THE OUTPUT WAITS THERE", "OUT names a location that there was not"),
    ("USERID NOT DEFINED", "OWNER is a number that no user has; the job has that owner all the same"),
    (
        "NOT STARTED: {device}",
        "SPOOLER, START finds a device that lacks something, as its process or its address; the rest is started",
    ),
    (
        "DEVICE {device} STAYS STOPPED",
        "ADD finds a device that somebody stopped, by DRAIN for example; it completes what is missing, and leaves it stopped",
    ),
    ("JOB {number} REMAINS ON HOLD", "START took one reason away, and another holds the job still"),
    (
        "JOB {number} IS STILL PRINTING",
        "HOLD, DELETE ! or CLEAR was requested, and the device has not let go of the job within two seconds",
    ),
    (
        "THE PART OF JOB {number} THAT WAS SENT MAY PRINT",
        "a job in print was stopped; what its device has of it cannot be called back",
    ),
    (
        "WHAT WAS SENT OF THE JOB ON {device} MAY PRINT",
        "SKIP or SKIPTO goes on elsewhere in the job; what its device has of it cannot be called back",
    ),
    (
        "PROCESS ${name} IS INDEPENDENT",
        "PRINT, START of a process without FILE: its errors are cleared, and nothing starts it, as on a NonStop system",
    ),
    (
        "THE SPOOLER IS {state}",
        "ADD of a printer while the spooler is drained: what was declared takes no jobs until it is started",
    ),
    ("{request} OF {object} IS REQUESTED", "a request was recorded, and was not answered within two seconds"),
];

impl Message {
    fn row(self) -> &'static (Message, &'static str, &'static str, &'static str) {
        MESSAGES.iter().find(|row| row.0 == self).unwrap_or(&MESSAGES[0])
    }
    /// Returns its line, in which `number` stands for the number of a job.
    pub fn text(self) -> &'static str {
        self.row().1
    }
    /// Returns what helps in general.
    pub fn remedy(self) -> Option<&'static str> {
        Some(self.row().3).filter(|remedy| !remedy.is_empty())
    }
}

/// What a failed command was about, which decides the wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A device, process or location.
    Object,
    /// A job.
    Job(JobRef),
    /// A job that this command saw before.
    SeenJob(JobRef),
    /// The spooler itself.
    Spooler,
    /// A spooler that is not open.
    Closed,
    /// What OPEN named is no process.
    NoProcess,
    /// What OPEN named is a process, and no supervisor.
    NoSupervisor,
    /// A device that stays draining.
    Drain,
    /// A current job or batch that there is not.
    NoCurrent,
    /// A job that is taken out of a batch.
    Unlinked(JobRef),
    /// Output that no collector takes, with the error of the file system.
    Out(u32),
}

/// Returns the message for a failure of `kind` about `subject`.
pub fn message(kind: FailureKind, subject: &Subject) -> Message {
    match subject {
        Subject::Closed => return Message::NotOpen,
        Subject::NoProcess => return Message::NotAProcess,
        Subject::NoSupervisor => return Message::OtherProcess,
        Subject::Drain => return Message::StaysDraining,
        Subject::NoCurrent => return Message::NameMissing,
        Subject::Unlinked(_) if kind == FailureKind::NotFound => return Message::NotInBatch,
        Subject::Out(_) => return Message::OutRefused,
        _ => {}
    }
    let job = matches!(subject, Subject::Job(_) | Subject::SeenJob(_) | Subject::Unlinked(_));
    match kind {
        FailureKind::NotFound if matches!(subject, Subject::SeenJob(_)) => Message::JobGone,
        FailureKind::NotFound => Message::NotFound,
        FailureKind::Ambiguous => Message::Ambiguous,
        FailureKind::InUse => Message::InUse,
        FailureKind::Security if job => Message::JobSecurity,
        FailureKind::Security => Message::Security,
        FailureKind::State if job => Message::JobState,
        FailureKind::State if *subject == Subject::Spooler => Message::SpoolerState,
        FailureKind::State => Message::State,
        FailureKind::SpoolerState => Message::SpoolerState,
        FailureKind::BadValue => Message::ValueInvalid,
        FailureKind::Unsupported | FailureKind::UnsupportedFormat => Message::NotAvailable,
        FailureKind::Full => Message::Full,
        FailureKind::Unreachable | FailureKind::Damaged => Message::OpenError,
        FailureKind::Unknown => Message::OutcomeUnknown,
        FailureKind::Timeout => Message::TimedOut,
        FailureKind::Io => Message::FileError,
        FailureKind::Internal => Message::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_in_the_table_and_in_upper_case() {
        for (message, text, cause, _) in MESSAGES {
            assert_eq!(message.text(), *text);
            assert_eq!(text.replace("number", "").to_uppercase(), text.replace("number", ""));
            assert!(!cause.is_empty());
        }
    }

    #[test]
    fn a_job_is_named_where_the_manual_names_it() {
        let job = Subject::Job(JobRef::Serial(crate::model::Serial(7)));
        assert_eq!(message(FailureKind::State, &job), Message::JobState);
        assert_eq!(message(FailureKind::State, &Subject::Object), Message::State);
        assert_eq!(message(FailureKind::State, &Subject::Spooler), Message::SpoolerState);
        assert_eq!(message(FailureKind::Security, &job), Message::JobSecurity);
        assert_eq!(message(FailureKind::Security, &Subject::Object), Message::Security);
    }
}
