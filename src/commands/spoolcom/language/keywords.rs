//! The words of SPOOLCOM: commands, subcommands and qualifiers.

macro_rules! keywords {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $type { $($name),+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$name),+];
            /// Returns the word itself.
            pub fn word(self) -> &'static str {
                match self { $($type::$name => $word),+ }
            }
            /// Finds it by its word, in any case.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|key| key.word().eq_ignore_ascii_case(word))
            }
        }
    };
}

keywords!(
    /// The commands.
    Verb {
        Add = "ADD", Batch = "BATCH", Check = "CHECK", Collect = "COLLECT", Comment = "COMMENT", Dev = "DEV", Exit = "EXIT", Fc = "FC", Font = "FONT",
        Help = "HELP", Job = "JOB", Loc = "LOC", Log = "LOG", Open = "OPEN", Print = "PRINT", Spooler = "SPOOLER",
        Watch = "WATCH",
    }
);

keywords!(
    /// The subcommands of all commands.
    Key {
        Access = "ACCESS", Align = "ALIGN", Attempts = "ATTEMPTS", Backup = "BACKUP", Broadcast = "BROADCAST", Charmap = "CHARMAP", Clear = "CLEAR",
        Content = "CONTENT", Copies = "COPIES", Cpu = "CPU", Current = "CURRENT", Data = "DATA", Debug = "DEBUG", Delete = "DELETE",
        Delivery = "DELIVERY",
        Dev = "DEV", DevReset = "DEVRESET", DevType = "DEVTYPE", Drain = "DRAIN", Dump = "DUMP", EndFf = "ENDFF",
        Eol = "EOL", ErrLog = "ERRLOG", Exclusive = "EXCLUSIVE", Fastcnfg = "FASTCNFG", Fifo = "FIFO", File = "FILE", Font = "FONT", Form = "FORM",
        Header = "HEADER", Hold = "HOLD", HoldAfter = "HOLDAFTER", Job = "JOB", Link = "LINK", ListOpens = "LISTOPENS",
        Loc = "LOC", Log = "LOG", LuEolValue = "LUEOLVALUE", LuEolWhen = "LUEOLWHEN", LuTofValue = "LUTOFVALUE",
        MgrAccess = "MGRACCESS", Next = "NEXT", Owner = "OWNER", PageLength = "PAGELENGTH",
        Parm = "PARM", Prexlate = "PREXLATE", Pri = "PRI",
        Process = "PROCESS", Rebuild = "REBUILD", Report = "REPORT", Reserve = "RESERVE", Restart = "RESTART", Retry = "RETRY", SelPri = "SELPRI", Skip = "SKIP",
        SkipTo = "SKIPTO", Speed = "SPEED", Start = "START", StartFf = "STARTFF", Statistics = "STATISTICS",
        Status = "STATUS", Summary = "SUMMARY", Suspend = "SUSPEND", Test = "TEST", Timeout = "TIMEOUT", Transform = "TRANSFORM", Trunc = "TRUNC",
        Unit = "UNIT", Unlink = "UNLINK", Uri = "URI", UserJobs = "USERJOBS", UserOctets = "USEROCTETS", UserOpens = "USEROPENS", WhatIf = "WHATIF", Why = "WHY", Width = "WIDTH", Xref = "XREF",
    }
);

keywords!(
    /// The qualifiers of a JOB list.
    Qualifier {
        Collect = "COLLECT", DataFile = "DATAFILE", Date = "DATE", Form = "FORM", Loc = "LOC", Owner = "OWNER",
        Report = "REPORT", State = "STATE",
    }
);
