//! Every command and subcommand of SPOOLCOM, in one table that the parser, HELP, completion and messages read.
//!
//! For each command, the subcommands that this version carries out also become a type (`DevSubcommand` …), with what
//! follows each of them as a value. The file of a verb matches this type without a catch-all. So a row that moves to
//! `now` does not compile until its verb does something with it.
//!
//! A word that means nothing here is kept, with a warning (docs/reference/spoolcom.md 1).

use super::keywords::{Key, Verb};
use super::values::{DisplayRequest, Object, Payload, Switch, SwitchOrNumber, Value};

/// What follows a subcommand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// Nothing.
    None,
    /// `[!]`
    Bang,
    /// `[ON|OFF]`, bare = ON.
    Switch,
    /// `[ON|OFF[!]]`, bare = ON.
    SwitchBang,
    /// `[ON|OFF|n]`, bare = ON.
    SwitchOrNumber(i64, i64),
    /// A number in this range, `%` or `0o` octal.
    Number(i64, i64),
    /// One word or quotation.
    Name,
    /// One word or quotation; bare or NONE clears.
    OptionalName,
    /// A text up to the comma.
    Text,
    /// A text up to the comma; bare or NONE clears.
    OptionalText,
    /// Two words or quotations, or NONE, which clears.
    Pair,
    /// One of these words, or nothing.
    OneOf(&'static [&'static str]),
    /// A user: login name or `gid,uid`; bare = yourself.
    Owner,
    /// A job number or a qualifier list.
    Jobs,
    /// `[/OUT file/] [DETAIL]`
    Display,
}

impl Operand {
    /// Returns how HELP writes it.
    pub fn syntax(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Bang => " [!]".into(),
            Self::Switch => " [ON|OFF]".into(),
            Self::SwitchBang => " [ON|OFF[!]]".into(),
            Self::SwitchOrNumber(low, high) => format!(" [ON|OFF|{low}..{high}]"),
            Self::Number(low, high) => format!(" {low}..{high}"),
            Self::Name => " name".into(),
            Self::OptionalName => " [name|NONE]".into(),
            Self::Text => " text".into(),
            Self::OptionalText => " [text|NONE]".into(),
            Self::Pair => " format program|NONE".into(),
            Self::OneOf(words) => format!(" [{}]", words.join("|")),
            Self::Owner => " [user]".into(),
            Self::Jobs => " number|(qualifiers)".into(),
            Self::Display => " [/OUT file/] [DETAIL]".into(),
        }
    }
}

/// Whether a word does something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It does.
    Now,
    /// It has no meaning on this system, for this reason: it is kept and shown, and a warning says so.
    Meaningless(&'static str),
}

/// A subcommand of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its word.
    pub key: Key,
    /// What follows it.
    pub operand: Operand,
    /// Whether it does something.
    pub stage: Stage,
    /// One line for HELP.
    pub help: &'static str,
}

impl Row {
    /// Tells whether it means nothing here, and `value` asks for what is done anyway, so that nobody need be warned.
    pub fn asks_for_nothing(&self, value: &Value) -> bool {
        match (self.key, value) {
            (Key::Debug | Key::DevReset | Key::Prexlate, Value::Switch(switch)) => *switch == Switch::Off,
            (Key::Charmap, Value::Text(text)) => text.as_deref().is_none_or(|text| text == "NONE"),
            (Key::DevType, Value::Text(text)) => text.is_none(),
            _ => false,
        }
    }

    /// Tells whether it only displays, and may do so for all objects.
    pub fn displays(&self) -> bool {
        matches!(self.key, Key::Status | Key::Summary | Key::Xref | Key::Statistics | Key::ListOpens)
    }
}

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// No object.
    Nothing,
    /// A name.
    Name,
    /// A job number or a qualifier list.
    Jobs,
    /// The rest of the line, ignored.
    Comment,
    /// The rest of the command, no subcommands.
    Words,
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// Its word.
    pub verb: Verb,
    /// What it is about.
    pub object: ObjectKind,
    /// How HELP writes the object.
    pub object_syntax: &'static str,
    /// One line for HELP.
    pub help: &'static str,
    /// Its subcommands.
    pub rows: &'static [Row],
}

/// The subcommands of a command that this version carries out; each has what follows it as a value.
pub trait Available: Sized {
    /// Returns the subcommand `key` with its value; none if it is not available.
    fn read(key: Key, value: &Value) -> Option<Self>;
}

const fn row(key: Key, operand: Operand, stage: Stage, help: &'static str) -> Row {
    Row { key, operand, stage, help }
}

/// Makes the [`Operand`] of a row.
macro_rules! operand {
    () => { Operand::None };
    ($kind:ident) => { Operand::$kind };
    ($kind:ident $($limit:expr),+) => { Operand::$kind($($limit),+) };
}

/// Makes the type of what follows a subcommand.
macro_rules! payload {
    (Bang) => { bool };
    (Switch) => { bool };
    (SwitchBang) => { Switch };
    (SwitchOrNumber) => { SwitchOrNumber };
    (Number) => { i64 };
    (Name) => { String };
    (Text) => { String };
    (OptionalName) => { Option<String> };
    (OptionalText) => { Option<String> };
    (Pair) => { Option<String> };
    (OneOf) => { Option<String> };
    (Owner) => { Option<String> };
    (Display) => { DisplayRequest };
    (Jobs) => { Object };
}

/// Makes the rows of a command, and a type of those that this version carries out.
macro_rules! subcommands {
    (
        $(#[$doc:meta])* $rows:ident: $type:ident
        now { $($now:ident $(($now_operand:ident $(($($now_limit:expr),+))?))? $help:literal;)* }
        meaningless { $($never:ident $(($never_operand:ident $(($($never_limit:expr),+))?))? $why:ident;)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $type {
            $(#[doc = $help] $now $((payload!($now_operand)))?,)*
        }

        impl Available for $type {
            fn read(key: Key, value: &Value) -> Option<Self> {
                match key {
                    $(Key::$now => Some(Self::$now $((<payload!($now_operand) as Payload>::of(value)?))?),)*
                    _ => None,
                }
            }
        }

        const $rows: &[Row] = &[
            $(row(Key::$now, operand!($($now_operand $($($now_limit),+)?)?), Stage::Now, $help),)*
            $(row(
                Key::$never,
                operand!($($never_operand $($($never_limit),+)?)?),
                Stage::Meaningless($why),
                "accepted, kept and shown; no meaning on this system",
            ),)*
        ];
    };
}

const CPU_WHY: &str = "the kernel chooses the processor";
const BACKUP_WHY: &str = "a print process that dies is started again by itself";
const PRI_WHY: &str = "the kernel schedules; use nice(1) on the commands that start the spooler";
const DATA_WHY: &str = "jobs lie in the directory of the server; JOB (DATAFILE file) selects by it all the same";
const UNIT_WHY: &str = "a job takes as much of the disk as it is long";
const AS_IT_CAME: &str = "a document leaves as it came";
const DEVRESET_WHY: &str = "nothing of ours resets a printer";
const DEVTYPE_WHY: &str = "what a printer is sent follows from its documents";
const NO_LU: &str = "no printer here is an SNA logical unit";
const DEBUG_WHY: &str = "attach a debugger to the process id that PRINT, STATUS DETAIL shows";

subcommands! {
    /// Subcommands of COLLECT.
    COLLECT: CollectSubcommand
    now {
        Delete "remove the collector; it must be dormant, without jobs that came by it";
        Drain "take no new jobs; it is dormant when those that are arriving are complete";
        File(Name) "its program: any whose last part is CSPOOL; none runs here";
        ListOpens(Display) "list the jobs that are arriving by it";
        Log(Display) "what happened to it, oldest first (our addition)";
        Start "take jobs";
        Status(Display) "show it";
        Summary(Display) "count collectors by state";
    }
    meaningless {
        Backup(Number(-1, 15)) BACKUP_WHY;
        Cpu(Number(0, 15)) CPU_WHY;
        Data(Name) DATA_WHY;
        Debug(Switch) DEBUG_WHY;
        Pri(Number(1, 199)) PRI_WHY;
        Unit(Number(2, 32767)) UNIT_WHY;
    }
}

subcommands! {
    /// Subcommands of PRINT.
    PRINT: PrintSubcommand
    now {
        Delete "remove the process; it must be dormant, its devices offline";
        File(Name) "its program: fastp, or one in libexec/spoolsuite";
        Log(Display) "what happened to it, oldest first (our addition)";
        Parm(Number(-32768, 65535)) "a word handed to the process at its start";
        Start "clear its error, end it if it hangs, and start it when it has work";
        Status(Display) "show it";
        Summary(Display) "count processes by state";
        Xref(Display) "show its devices and their locations";
    }
    meaningless {
        Backup(Number(-1, 15)) BACKUP_WHY;
        Cpu(Number(0, 15)) CPU_WHY;
        Debug(Switch) DEBUG_WHY;
        Pri(Number(1, 199)) PRI_WHY;
    }
}

subcommands! {
    /// Subcommands of DEV.
    DEV: DevSubcommand
    now {
        Access(OptionalText) "who may SUBMIT, see TITLES or CONTENT, HOLD, ALTER, OPERATE: operation ann @group *; operation NONE; NONE (our addition)";
        Align "print a page with a ruler, for putting in paper; no job may be on the device";
        Attempts(Number(0, 32767)) "so often it may fail at one job before that is set aside; 0 without limit (our addition)";
        Clear(OneOf(&["DEL"])) "take the job in print off the device: it is held, with DEL it is deleted; the next one begins";
        Content(OptionalName) "RAW: every octet leaves as it came, nothing of ours is added; NONE ends that (our addition)";
        Delete "remove the device; it must be offline, without jobs and locations";
        Delivery(OneOf(&["AGAIN", "ASK", "ONCE"])) "jobs whose connection the printer resets: print again, hold, or never (our addition)";
        Drain "go offline after the job in print; waits until it is (--no-wait does not)";
        EndFf(Switch) "new page after each text job";
        Eol(OneOf(&["CRLF", "NONE"])) "CRLF completes the line ends of text (against a staircase); NONE leaves them (our addition)";
        Exclusive(SwitchBang) "ON keeps the device open, OFF closes it when nothing waits, OFF! after each job";
        Fifo(Switch) "ON: order of arrival; OFF: short jobs first. ON where it has a URI, unless somebody says otherwise";
        Form(OptionalText) "the form it carries; only jobs with the same form print on it";
        Header(OneOf(&["ON", "OFF", "BATCH"])) "pages of ours around text jobs: ON one before, BATCH two before and three after";
        Job(Number(1, 9_999_999)) "make a job that waits for the device its next one, whatever its priority";
        Log(Display) "what happened to it, oldest first: who stopped it (our addition)";
        PageLength(Number(0, 32767)) "lines of text after which a page is fed; 0 leaves pages as they come (our addition)";
        Parm(Number(-32768, 65535)) "bits for the print process, e.g. %2000: read FASTCNFG";
        Process(Name) "the print process that drives it";
        Restart(SwitchOrNumber(10, 32767)) "seconds after which it is started again when an error took it offline, for ever; ON is 120";
        Retry(Number(1, 32767)) "seconds between tries, the floor of a growing wait";
        Skip(Number(-999_999, 999_999)) "go on so many pages further in the text in print, or back: SKIP -3";
        SkipTo(Number(1, 999_999)) "go on at that page of the text in print";
        Speed(Number(1, 32767)) "lines a minute: decides the order with FIFO OFF, and which device of a group takes a job";
        Start "bring it online, take back a DRAIN, or let it go on after SUSPEND";
        StartFf(SwitchBang) "ON: new page before each text job, behind a finished stream too; OFF: between texts; OFF!: none, its own first one is swallowed";
        Status(Display) "show it";
        Summary(Display) "count devices by state";
        Suspend "stop at once, keep the job, answer when no octet leaves; START goes on";
        Timeout(Number(-1, 32767)) "retries (not seconds) before an error takes it offline; -1 never";
        Transform(Pair) "documents of a format go through a program in libexec/spoolsuite before they print: 'application/pdf' PROGRAM; 'application/pdf' NONE; NONE (our addition)";
        Trunc(Switch) "cut lines of text that are longer than WIDTH; OFF wraps them";
        Uri(Text) "where its octets go: file:///path, char:///dev/x, fifo:///path, socket://host:port, null:";
        WhatIf(Display) "what a stop would touch: the job in print, what waits, where it can go (our addition)";
        Width(Number(-1, 32767)) "columns: longer lines of text go on below (TRUNC cuts them); -1 leaves text as it came, header pages have 132";
        Xref(Display) "show its locations and its process";
    }
    meaningless {
        Charmap(OneOf(&["NONE", "IBMKANJIKANA", "JEFKANJIKANA", "JISKANJIKANA"])) AS_IT_CAME;
        DevReset(Switch) DEVRESET_WHY;
        DevType(OneOf(&["LU1", "LU3", "7", "8", "9", "10", "5512", "5515", "5516", "5573", "5574", "5577"])) DEVTYPE_WHY;
        LuEolValue(OneOf(&["CRLF", "NL"])) NO_LU;
        LuEolWhen(OneOf(&["LT132", "LTWIDTH", "ALWAYS", "NEVER"])) NO_LU;
        LuTofValue(OneOf(&["CRFFCR", "FFCR", "FF", "NEVER"])) NO_LU;
        Prexlate(Switch) AS_IT_CAME;
    }
}

subcommands! {
    /// Subcommands of ADD: words of DEV with the same meaning, and two of its own.
    ADD: AddSubcommand
    now {
        Content(OptionalName) "RAW: every octet leaves as it came, nothing of ours is added";
        Eol(OneOf(&["CRLF", "NONE"])) "CRLF completes the line ends of text (against a staircase)";
        Exclusive(SwitchBang) "ON keeps the device open, OFF closes it when nothing waits, OFF! after each job";
        Form(OptionalText) "the form it carries; only jobs with the same form print on it";
        Header(OneOf(&["ON", "OFF", "BATCH"])) "pages of ours around text jobs";
        Loc(Name) "the location that leads to it; #ALL and its own name if not given";
        Process(Name) "the print process that drives it; $SPLA if not given";
        Test "print one page that says what it is; so does --test-page";
        Uri(Text) "where its octets go: socket://host:9100, file:///path, char:///dev/x, fifo:///path, null:";
    }
    meaningless {}
}

subcommands! {
    /// Subcommands of BATCH.
    BATCH: BatchSubcommand
    now {
        Copies(Number(1, 32767)) "number of copies of each of its jobs";
        Current "make it the current batch, which BATCH, SUBCOMMAND without a number means; without a number: show it";
        Delete(Bang) "remove its jobs; one that prints stops at once and goes then; with ! it is waited for";
        Form(OptionalText) "form name of all its jobs";
        Hold "keep its jobs back";
        HoldAfter(Switch) "keep its jobs after printing";
        Link(Number(1, 9_999_999)) "add a job on hold; a number that is no batch begins one";
        Loc(OptionalName) "send all its jobs elsewhere; NONE is #DEFAULT";
        Owner(Owner) "give all its jobs to another user: a login name or gid,uid; NONE is yourself";
        Report(OptionalText) "report name of each of its jobs";
        SelPri(Number(0, 7)) "selection priority; above 4 for the creator of the spool";
        Start "take its jobs off hold; they print one after the other, in the order of LINK";
        Status(Display) "show its jobs";
        Unlink(Number(1, 9_999_999)) "take a job on hold out of it";
    }
    meaningless {}
}

subcommands! {
    /// Subcommands of FONT.
    FONT: FontSubcommand
    now {
        Delete "forget the font; its job stays, and is no font any more";
        Job(Jobs) "the job that is sent ahead; of several the first. It cannot be deleted as long as it is the font";
        Status(Display) "show it";
    }
    meaningless {}
}

subcommands! {
    /// Subcommands of LOC.
    LOC: LocSubcommand
    now {
        Access(OptionalText) "who may SUBMIT, see TITLES or CONTENT, HOLD, ALTER, OPERATE: operation ann @group *; operation NONE; NONE (our addition)";
        Broadcast(Switch) "a job for the group prints on each of its devices (LOC #group)";
        Content(OptionalName) "what the documents of its jobs are where the user does not say: RAW (left alone), a format (pcl, ascii ...); NONE: as recognised (our addition)";
        Delete "remove the location or the group; no job may be in it";
        Dev(OptionalName) "connect it to a device; NONE disconnects, its jobs wait";
        Font(OptionalName) "the font that is sent ahead of its jobs, once a job; NONE ends that";
        Status(Display) "show it";
        Xref(Display) "show its device and process";
    }
    meaningless {}
}

subcommands! {
    /// Subcommands of JOB.
    JOB: JobSubcommand
    now {
        Copies(Number(1, 32767)) "number of copies, of every document";
        Current "make it the current job, which JOB, SUBCOMMAND without a number means; without a number: show it";
        Delete(Bang) "remove it; a printing one stops at once and goes then; with ! it is waited for";
        Form(OptionalText) "form name; it prints only where that form is";
        Hold "keep it back; a printing one stops at once";
        HoldAfter(Switch) "hold it after printing instead of removing it";
        Loc(OptionalName) "send it elsewhere; an unknown #group.dest comes into being; NONE is #DEFAULT";
        Log(Display) "what happened to it, oldest first; also to a finished job (our addition)";
        Next "make the next higher job number the current job; the lowest where there is no current job";
        Owner(Owner) "give it to another user: a login name or gid,uid; NONE is yourself";
        Report(OptionalText) "report name; NONE is the name of its first document";
        SelPri(Number(0, 7)) "selection priority; above 4 for the creator of the spool";
        Start "take it off hold, as the newest arrival";
        Status(Display) "show it";
        Summary(Display) "count jobs by state";
        Why(Display) "why it is not printing (our addition)";
    }
    meaningless {}
}

subcommands! {
    /// Subcommands of SPOOLER.
    SPOOLER: SpoolerSubcommand
    now {
        Access(OptionalText) "who may SUBMIT, see TITLES or CONTENT, HOLD, ALTER, OPERATE: operation ann @group *; operation NONE; NONE (our addition)";
        Drain "orderly stop: new jobs are refused, running ones finish; does not wait";
        Dump(Name) "write a snapshot of its database to a new file";
        ErrLog(OptionalName) "a file to which messages of the spooler are added; NONE: only its own log";
        Fastcnfg(OptionalText) "the primary FASTCNFG file; NONE: FASTCNFG in the base directory";
        MgrAccess(Switch) "group managers may handle the jobs of their group";
        Rebuild "look at the whole spool and mend it, as pdfsck --repair does; it must be WARM or COLD (our addition)";
        Reserve(OptionalName) "what is kept free on the disk, as 500M or 5%: below it new jobs are refused; NONE: until it is full (our addition)";
        Start "make the spooler active: it takes jobs and prints them; starts devices that nobody has drained";
        Statistics(Display) "counts of everything";
        Status(Display) "show it";
        UserJobs(OptionalName) "jobs that one user may have; NONE without limit (our addition)";
        UserOctets(OptionalName) "octets that the jobs of one user may have, as 500M or 2G; NONE without limit (our addition)";
        UserOpens(OptionalName) "submissions of one user that may be under way; NONE without limit (our addition)";
    }
    meaningless {}
}

macro_rules! grammar {
    ($verb:ident, $object:ident $syntax:literal, $rows:expr, $help:literal) => {
        Grammar { verb: Verb::$verb, object: ObjectKind::$object, object_syntax: $syntax, help: $help, rows: $rows }
    };
}

/// Every command.
pub const GRAMMAR: &[Grammar] = &[
    grammar!(Add, Name " name", ADD, "a printer in one word: declare print process, device and location, and start them (our addition)"),
    grammar!(Batch, Name " [number]", BATCH, "batches: jobs that print one after the other, as one listing"),
    grammar!(Check, Words " [DEV|DUPLICATES|JOB|QUEUE|SPACE]", &[], "what is wrong with the spool, one line for each trouble with its cure; 0 well, 1 trouble, 3 unreachable; or a list: devices, jobs with their WHY, queues by age, who fills the disk, what may have come out twice (our addition)"),
    grammar!(Collect, Name " [$process]", COLLECT, "collectors: declare, start, drain, show where jobs arrive"),
    grammar!(Comment, Comment " [text]", &[], "ignored; so is a line that begins with /*"),
    grammar!(Dev, Name " [$device]", DEV, "devices: declare, alter, start, drain, show"),
    grammar!(Exit, Nothing "", &[], "end; what follows is not executed"),
    grammar!(Fc, Words " [text]", &[], "at the prompt: edit the last command, or the last that begins with text: R, I, D beneath it"),
    grammar!(Font, Name " [name]", FONT, "fonts: jobs that are sent ahead of those of some locations"),
    grammar!(Help, Words " [command [subcommand]]", &[], "this help, or that of one command"),
    grammar!(Job, Jobs " [number|(qualifiers)]", JOB, "jobs: show, hold, start, alter, delete"),
    grammar!(Loc, Name " [[#group.]dest|#group]", LOC, "locations: what jobs are addressed to"),
    grammar!(Log, Words " [SINCE time|CRASH] [UNDO]", &[], "what happened to all objects, deleted ones too, oldest first, with old and new values; since a time, or since the last time a print process or the machine went down; UNDO: the commands that undo what was changed (our addition)"),
    grammar!(Open, Words " [\\node.]$supervisor|/dir", &[], "open another spooler of this machine, or $SPLS again"),
    grammar!(Print, Name " [$process]", PRINT, "print processes: declare, alter, start, show"),
    grammar!(Spooler, Nothing "", SPOOLER, "the spooler as a whole"),
    grammar!(Watch, Nothing "", &[], "a live screen for a terminal: trouble, what prints, queues with what they printed in the last hour, jobs; keys hold, release, delete, drain and start after y; it stands alone on a command line (our addition)"),
];

impl Verb {
    /// Returns its grammar.
    pub fn grammar(self) -> &'static Grammar {
        GRAMMAR.iter().find(|grammar| grammar.verb == self).unwrap_or(&GRAMMAR[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_grammar_and_every_subcommand_one_row() {
        for verb in Verb::ALL {
            assert_eq!(GRAMMAR.iter().filter(|grammar| grammar.verb == *verb).count(), 1);
            let rows = verb.grammar().rows;
            for row in rows {
                assert_eq!(rows.iter().filter(|other| other.key == row.key).count(), 1, "{verb:?} {:?}", row.key);
                assert_eq!(Key::from_word(&row.key.word().to_lowercase()), Some(row.key));
            }
        }
    }
}
