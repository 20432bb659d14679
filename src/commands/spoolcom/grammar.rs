//! Every command and subcommand of SPOOLCOM, as one table: parser, availability, HELP and messages read it.
//!
//! Rows of later stages are here so that lexer and syntax tree are final in shape; using one is refused with its reason
//! before anything is changed (docs/reference/spoolcom.md 1).

macro_rules! keywords {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $type { $($name),+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$name),+];
            /// The word itself.
            pub fn word(self) -> &'static str {
                match self { $($type::$name => $word),+ }
            }
            /// From its word, in any case.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|key| key.word().eq_ignore_ascii_case(word))
            }
        }
    };
}

keywords!(
    /// The commands.
    Verb {
        Batch = "BATCH", Collect = "COLLECT", Comment = "COMMENT", Dev = "DEV", Exit = "EXIT", Fc = "FC", Font = "FONT",
        Help = "HELP", Job = "JOB", Loc = "LOC", Open = "OPEN", Print = "PRINT", Spooler = "SPOOLER",
    }
);

keywords!(
    /// The subcommands of all commands.
    Key {
        Align = "ALIGN", Backup = "BACKUP", Broadcast = "BROADCAST", Charmap = "CHARMAP", Clear = "CLEAR",
        Copies = "COPIES", Cpu = "CPU", Current = "CURRENT", Data = "DATA", Debug = "DEBUG", Delete = "DELETE",
        Dev = "DEV", DevReset = "DEVRESET", DevType = "DEVTYPE", Drain = "DRAIN", Dump = "DUMP", EndFf = "ENDFF",
        ErrLog = "ERRLOG", Exclusive = "EXCLUSIVE", Fifo = "FIFO", File = "FILE", Font = "FONT", Form = "FORM",
        Header = "HEADER", Hold = "HOLD", HoldAfter = "HOLDAFTER", Job = "JOB", Link = "LINK", ListOpens = "LISTOPENS",
        Loc = "LOC", Log = "LOG", LuEolValue = "LUEOLVALUE", LuEolWhen = "LUEOLWHEN", LuTofValue = "LUTOFVALUE",
        MgrAccess = "MGRACCESS", Next = "NEXT", Owner = "OWNER", Parm = "PARM", Prexlate = "PREXLATE", Pri = "PRI",
        Process = "PROCESS", Report = "REPORT", Restart = "RESTART", Retry = "RETRY", SelPri = "SELPRI", Skip = "SKIP",
        SkipTo = "SKIPTO", Speed = "SPEED", Start = "START", StartFf = "STARTFF", Statistics = "STATISTICS",
        Status = "STATUS", Summary = "SUMMARY", Suspend = "SUSPEND", Timeout = "TIMEOUT", Trunc = "TRUNC",
        Unit = "UNIT", Unlink = "UNLINK", Uri = "URI", Why = "WHY", Width = "WIDTH", Xref = "XREF",
    }
);

keywords!(
    /// The qualifiers of a JOB list.
    Qualifier {
        Collect = "COLLECT", DataFile = "DATAFILE", Date = "DATE", Form = "FORM", Loc = "LOC", Owner = "OWNER",
        Report = "REPORT", State = "STATE",
    }
);

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
    /// How HELP writes it.
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
            Self::OneOf(words) => format!(" [{}]", words.join("|")),
            Self::Owner => " [user]".into(),
            Self::Jobs => " number|(qualifiers)".into(),
            Self::Display => " [/OUT file/] [DETAIL]".into(),
        }
    }
}

/// Whether a word does something in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It does.
    Now,
    /// Not yet.
    Later,
    /// It has no meaning on this system, for this reason.
    Meaningless(&'static str),
}

/// A subcommand of a command.
#[derive(Clone, Copy, Debug)]
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
    /// Whether it only looks, and may do so at all objects.
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
    /// Whether it does something.
    pub stage: Stage,
    /// One line for HELP.
    pub help: &'static str,
    /// Its subcommands.
    pub rows: &'static [Row],
}

const fn now(key: Key, operand: Operand, help: &'static str) -> Row {
    Row { key, operand, stage: Stage::Now, help }
}
const fn later(key: Key, operand: Operand, help: &'static str) -> Row {
    Row { key, operand, stage: Stage::Later, help }
}
const fn never(key: Key, operand: Operand, why: &'static str) -> Row {
    Row { key, operand, stage: Stage::Meaningless(why), help: "no meaning on this system" }
}

const OCTAL_WORD: Operand = Operand::Number(-32768, 65535);
const CPU_WHY: &str = "the kernel chooses the processor";
const BACKUP_WHY: &str = "a print process that dies is started again by itself";
const PRI_WHY: &str = "the kernel schedules; use nice(1) on the commands that start the spooler";
const DEBUG_WHY: &str = "attach a debugger to the process id that PRINT, STATUS DETAIL shows";

const PRINT: &[Row] = &[
    never(Key::Backup, Operand::Number(-1, 15), BACKUP_WHY),
    never(Key::Cpu, Operand::Number(0, 15), CPU_WHY),
    never(Key::Debug, Operand::Switch, DEBUG_WHY),
    now(Key::Delete, Operand::None, "remove the process; it must be dormant, its devices offline"),
    now(Key::File, Operand::Name, "its program: fastp"),
    now(Key::Log, Operand::Display, "what happened to it, oldest first (our addition)"),
    now(Key::Parm, OCTAL_WORD, "a word handed to the process at its start"),
    never(Key::Pri, Operand::Number(1, 199), PRI_WHY),
    now(Key::Start, Operand::None, "clear its error and start it when it has work"),
    now(Key::Status, Operand::Display, "show it"),
    later(Key::Summary, Operand::None, "count processes by state"),
    later(Key::Xref, Operand::Display, "show its devices and their locations"),
];

const DEV: &[Row] = &[
    later(Key::Align, Operand::None, "print an alignment page"),
    later(
        Key::Charmap,
        Operand::OneOf(&["NONE", "IBMKANJIKANA", "JEFKANJIKANA", "JISKANJIKANA"]),
        "multibyte translation",
    ),
    later(Key::Clear, Operand::OneOf(&["DEL"]), "stop the job in print"),
    now(Key::Delete, Operand::None, "remove the device; it must be offline, without jobs and locations"),
    later(Key::DevReset, Operand::Switch, "reset the device for each job"),
    later(
        Key::DevType,
        Operand::OneOf(&["LU1", "LU3", "7", "8", "9", "10", "5512", "5515", "5516", "5573", "5574", "5577"]),
        "printer model",
    ),
    now(Key::Drain, Operand::None, "go offline after the job in print; waits until it is (--no-wait does not)"),
    now(Key::EndFf, Operand::Switch, "new page after each text job"),
    now(
        Key::Exclusive,
        Operand::SwitchBang,
        "ON keeps the device open, OFF closes it when nothing waits, OFF! after each job",
    ),
    now(Key::Fifo, Operand::Switch, "order of arrival instead of short jobs first"),
    now(Key::Form, Operand::OptionalText, "the form it carries; only jobs with the same form print on it"),
    now(
        Key::Header,
        Operand::OneOf(&["ON", "OFF", "BATCH"]),
        "pages of ours around text jobs: ON one before, BATCH two before and three after",
    ),
    later(Key::Job, Operand::Number(1, 9_999_999), "make a waiting job the next one"),
    now(Key::Log, Operand::Display, "what happened to it, oldest first: who stopped it (our addition)"),
    later(Key::LuEolValue, Operand::OneOf(&["CRLF", "NL"]), "end of line of LU1 and LU3"),
    later(Key::LuEolWhen, Operand::OneOf(&["LT132", "LTWIDTH", "ALWAYS", "NEVER"]), "when it is added"),
    later(Key::LuTofValue, Operand::OneOf(&["CRFFCR", "FFCR", "FF", "NEVER"]), "top of form of LU1 and LU3"),
    now(Key::Parm, OCTAL_WORD, "bits for the print process, e.g. %2000: read FASTCNFG"),
    later(Key::Prexlate, Operand::Switch, "space after instead of before the line"),
    now(Key::Process, Operand::Name, "the print process that drives it"),
    now(
        Key::Restart,
        Operand::SwitchOrNumber(10, 32767),
        "seconds after which it is started again when an error took it offline, for ever; ON is 120",
    ),
    now(Key::Retry, Operand::Number(1, 32767), "seconds between tries, the floor of a growing wait"),
    later(Key::Skip, Operand::Number(-999_999, 999_999), "skip pages of the job in print"),
    later(Key::SkipTo, Operand::Number(1, 999_999), "go to a page of the job in print"),
    now(Key::Speed, Operand::Number(1, 32767), "lines a minute, an estimate for the queue"),
    now(Key::Start, Operand::None, "bring it online, or let it go on after SUSPEND"),
    now(
        Key::StartFf,
        Operand::SwitchBang,
        "new page before each text job; OFF! none, and its own first form feed is swallowed",
    ),
    now(Key::Status, Operand::Display, "show it"),
    later(Key::Summary, Operand::None, "count devices by state"),
    now(Key::Suspend, Operand::None, "stop at once and keep the job where it is; START goes on"),
    now(Key::Timeout, Operand::Number(-1, 32767), "retries (not seconds) before an error takes it offline; -1 never"),
    later(Key::Trunc, Operand::Switch, "cut long lines"),
    now(
        Key::Uri,
        Operand::Text,
        "where its octets go: file:///path, char:///dev/x, fifo:///path, socket://host:port, null:",
    ),
    now(Key::Width, Operand::Number(-1, 32767), "columns of header pages; -1 means 132"),
    later(Key::Xref, Operand::Display, "show its locations and its process"),
];

const LOC: &[Row] = &[
    now(Key::Broadcast, Operand::Switch, "a job for the group prints on each of its devices (LOC #group)"),
    now(Key::Delete, Operand::None, "remove the location or the group; no job may be in it"),
    now(Key::Dev, Operand::OptionalName, "connect it to a device; NONE disconnects, its jobs wait"),
    later(Key::Font, Operand::OptionalName, "font job sent ahead"),
    now(Key::Status, Operand::Display, "show it"),
    later(Key::Xref, Operand::Display, "show its device and process"),
];

const JOB: &[Row] = &[
    now(Key::Copies, Operand::Number(1, 32767), "number of copies, of every document"),
    later(Key::Current, Operand::None, "make it the current job"),
    now(Key::Delete, Operand::Bang, "remove it; a printing one stops at once and goes then, with ! or without"),
    now(Key::Form, Operand::OptionalText, "form name; it prints only where that form is"),
    now(Key::Hold, Operand::None, "keep it back; a printing one stops at once"),
    now(Key::HoldAfter, Operand::Switch, "keep it after printing"),
    now(
        Key::Loc,
        Operand::OptionalName,
        "send it elsewhere; an unknown #group.dest comes into being; NONE is #DEFAULT",
    ),
    now(Key::Log, Operand::Display, "what happened to it, oldest first; also to a finished job (our addition)"),
    later(Key::Next, Operand::None, "make the next job the current one"),
    now(Key::Owner, Operand::Owner, "give it to another user: a login name or gid,uid; NONE is yourself"),
    now(Key::Report, Operand::OptionalText, "report name; NONE is the name of its first document"),
    now(Key::SelPri, Operand::Number(0, 7), "selection priority; above 4 for the creator of the spool"),
    now(Key::Start, Operand::None, "take it off hold, as the newest arrival"),
    now(Key::Status, Operand::Display, "show it"),
    later(Key::Summary, Operand::None, "count jobs by state"),
    now(Key::Why, Operand::Display, "why it is not printing (our addition)"),
];

const SPOOLER: &[Row] = &[
    now(Key::Drain, Operand::None, "orderly stop: no new jobs, running ones finish; does not wait"),
    later(Key::Dump, Operand::Name, "write a snapshot"),
    later(Key::ErrLog, Operand::Name, "change the log file"),
    now(Key::MgrAccess, Operand::Switch, "group managers may handle the jobs of their group"),
    now(Key::Start, Operand::None, "make the spooler active and start what has work"),
    later(Key::Statistics, Operand::None, "counts of everything"),
    now(Key::Status, Operand::Display, "show it"),
];

const COLLECT: &[Row] = &[
    never(Key::Backup, Operand::Number(-1, 15), BACKUP_WHY),
    never(Key::Cpu, Operand::Number(0, 15), CPU_WHY),
    later(Key::Data, Operand::Name, "where jobs are kept"),
    never(Key::Debug, Operand::Switch, DEBUG_WHY),
    later(Key::Delete, Operand::None, "remove it"),
    later(Key::Drain, Operand::None, "refuse new jobs"),
    later(Key::File, Operand::Name, "its program"),
    later(Key::ListOpens, Operand::None, "jobs that are arriving"),
    never(Key::Pri, Operand::Number(1, 199), PRI_WHY),
    later(Key::Start, Operand::None, "accept jobs"),
    later(Key::Status, Operand::Display, "show it"),
    later(Key::Summary, Operand::None, "count collectors by state"),
    later(Key::Unit, Operand::Number(2, 32767), "allocation step"),
];

const BATCH: &[Row] = &[
    later(Key::Copies, Operand::Number(1, 32767), "copies of every job"),
    later(Key::Current, Operand::None, "make it the current batch"),
    later(Key::Delete, Operand::Bang, "remove its jobs"),
    later(Key::Form, Operand::OptionalText, "form name"),
    later(Key::Hold, Operand::None, "keep its jobs back"),
    later(Key::HoldAfter, Operand::Switch, "keep its jobs after printing"),
    later(Key::Link, Operand::Number(1, 9_999_999), "add a job"),
    later(Key::Loc, Operand::OptionalName, "send its jobs elsewhere"),
    later(Key::Owner, Operand::Owner, "give its jobs to another user"),
    later(Key::Report, Operand::OptionalText, "report name"),
    later(Key::SelPri, Operand::Number(0, 7), "selection priority"),
    later(Key::Start, Operand::None, "take its jobs off hold"),
    later(Key::Status, Operand::Display, "show it"),
    later(Key::Unlink, Operand::Number(1, 9_999_999), "take a job out"),
];

const FONT: &[Row] = &[
    later(Key::Delete, Operand::None, "remove it"),
    later(Key::Job, Operand::Jobs, "the job that holds it"),
    later(Key::Status, Operand::Display, "show it"),
];

macro_rules! grammar {
    ($verb:ident, $object:ident $syntax:literal, $stage:ident, $rows:expr, $help:literal) => {
        Grammar {
            verb: Verb::$verb,
            object: ObjectKind::$object,
            object_syntax: $syntax,
            stage: Stage::$stage,
            help: $help,
            rows: $rows,
        }
    };
}

/// Every command.
pub const GRAMMAR: &[Grammar] = &[
    grammar!(Batch, Name " [number]", Later, BATCH, "jobs that belong together"),
    grammar!(Collect, Name " [$process]", Later, COLLECT, "where jobs arrive"),
    grammar!(Comment, Comment " [text]", Now, &[], "ignored; so is a line that begins with /*"),
    grammar!(Dev, Name " [$device]", Now, DEV, "devices: declare, alter, start, drain, show"),
    grammar!(Exit, Nothing "", Now, &[], "end; what follows is not executed"),
    grammar!(Fc, Words " [text]", Now, &[], "at the prompt: edit the last command, or the last that begins with text"),
    grammar!(Font, Name " [name]", Later, FONT, "fonts sent ahead of jobs"),
    grammar!(Help, Words " [command [subcommand]]", Now, &[], "this help, or that of one command"),
    grammar!(Job, Jobs " [number|(qualifiers)]", Now, JOB, "jobs: show, hold, start, alter, delete"),
    grammar!(Loc, Name " [[#group.]dest|#group]", Now, LOC, "locations: what jobs are addressed to"),
    grammar!(Open, Words " $supervisor", Now, &[], "open the spooler again; there is one, $SPLS"),
    grammar!(Print, Name " [$process]", Now, PRINT, "print processes: declare, alter, start, show"),
    grammar!(Spooler, Nothing "", Now, SPOOLER, "the spooler as a whole"),
];

impl Verb {
    /// Its grammar.
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
