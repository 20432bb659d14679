//! The errors of devices and print processes, each with the Guardian number that operators know.
//!
//! Several errors may share a number: 14 is a device that does not exist, and also a device whose host has no address.
//! Each error says whether trying again may help, and what it means. The print process maps the errors of the operating
//! system to these. Only the number is stored and sent.

macro_rules! device_errors {
    ($($name:ident = $number:literal $retried:ident $words:literal;)+) => {
        /// What is wrong with a device.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DeviceError {
            $(#[doc = $words] $name,)+
            /// A number that the device itself reports, and for which there is no other variant.
            Unlisted(u32),
        }

        impl DeviceError {
            /// Every error that has a meaning of its own, in ascending order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            fn row(self) -> (u32, bool, &'static str) {
                match self {
                    $(Self::$name => ($number, device_errors!($retried), $words),)+
                    Self::Unlisted(number) => (number, true, "an error that only the device knows"),
                }
            }
        }
    };
    (retried) => { true };
    (final) => { false };
}

// Network errors have the numbers of the Guardian sockets library. A device itself reports 100 to 299.
device_errors! {
    IsDirectory = 2 final "it is a directory";
    OtherKind = 2 final "it is of another kind than its URI says";
    NoDirectory = 11 retried "the directory does not exist";
    NoFifo = 11 retried "there is no such FIFO";
    InUse = 12 retried "it is in use";
    ChangedMeanwhile = 12 retried "another program changed it while a job was written";
    NotADirectory = 13 final "its path leads through something that is no directory";
    TooManyLinks = 13 final "its path has too many symbolic links";
    NameTooLong = 13 final "its name is too long";
    NoDevice = 14 retried "there is no such device, or it is not plugged in";
    NoReader = 14 retried "no program reads the FIFO";
    NoAddress = 14 retried "its host has no address that is known";
    NoUri = 14 retried "it has no URI, or its FASTCNFG entry does not say where it is";
    TooManyOpenFiles = 31 retried "this process has too many open files";
    SystemTooManyOpenFiles = 31 retried "the system has too many open files";
    OutOfMemory = 31 retried "out of memory";
    OutOfResources = 31 retried "out of resources";
    TookTooLong = 40 retried "it took too long";
    AcceptsNothing = 40 retried "nothing was accepted for its TIMEOUT";
    DoesNotClose = 40 retried "it did not close within its SHUTDOWNTO";
    NeverCloses = 40 final "it did not close within its SHUTDOWNTO three times in a row";
    DiskFull = 43 retried "the disk is full";
    QuotaExceeded = 43 retried "the disk quota is used up";
    FileTooLarge = 45 retried "the file is as large as it may be";
    PermissionDenied = 48 retried "permission denied";
    NotPermitted = 48 retried "not permitted";
    ReadOnly = 48 retried "the file system is read-only";
    OpenToOthers = 48 retried "others could put a file or link of theirs in its place";
    InsideSpool = 48 final "it lies inside the spool's own directory";
    InputOutput = 66 retried "the device or disk failed";
    FileSystemGone = 66 retried "the file system went away";
    FastcnfgMistake = 66 retried "FASTCNFG has a mistake";
    Other = 66 retried "any other error, in the words of the system";
    NotReady = 100 retried "it is not ready";
    OutOfPaper = 102 retried "it is out of paper or ribbon, or full, or its bail is open";
    // The device does not answer: its address is wrong, or it is dead. No retry cures that.
    NoResponse = 104 final "the device does not respond";
    FormatUnit = 105 retried "its vertical format unit failed";
    Parity = 120 retried "a parity error in its data";
    Overrun = 121 retried "it was sent data faster than it takes them";
    HungUp = 140 retried "it was hung up, or closed by its other side";
    SwitchedOn = 191 retried "it was switched on while it was open";
    NoLocalAddress = 4115 retried "no local address is available";
    NetworkDown = 4116 retried "the network is down";
    NetworkUnreachable = 4117 retried "the network cannot be reached";
    ConnectionAborted = 4119 retried "the connection was aborted";
    ConnectionReset = 4120 retried "the connection was reset";
    NoBufferSpace = 4121 retried "no buffer space";
    ConnectionGone = 4123 retried "the connection is gone";
    NoAnswer = 4126 retried "the peer does not answer";
    ConnectionRefused = 4127 retried "the connection was refused";
    HostDown = 4130 retried "the host is down";
    NoRoute = 4131 retried "no route to the host";
}

/// The numbers that a device itself reports.
const REPORTED: std::ops::Range<u32> = 100..300;

impl DeviceError {
    /// Returns the Guardian number, decimal. Displays show it in octal.
    pub fn number(self) -> u32 {
        self.row().0
    }

    /// Tells whether trying again may help without an operator.
    pub fn is_retried(self) -> bool {
        self.row().1
    }

    /// Returns what it means.
    pub fn words(self) -> &'static str {
        self.row().2
    }

    /// Returns the word for a column of trouble.
    pub fn brief(self) -> &'static str {
        match self {
            Self::IsDirectory | Self::NotADirectory | Self::TooManyLinks | Self::NameTooLong => "wrong path",
            Self::OtherKind => "wrong kind of file",
            Self::NoDirectory => "no such directory",
            Self::NoFifo => "no such FIFO",
            Self::InUse => "in use",
            Self::ChangedMeanwhile => "file changed",
            Self::NoDevice => "no such device",
            Self::NoReader => "no reader",
            Self::NoAddress => "name unknown",
            Self::NoUri => "no address",
            Self::TooManyOpenFiles
            | Self::SystemTooManyOpenFiles
            | Self::OutOfMemory
            | Self::OutOfResources
            | Self::NoBufferSpace => "out of resources",
            Self::TookTooLong => "too slow",
            Self::AcceptsNothing => "stalled",
            Self::DoesNotClose | Self::NeverCloses => "does not close",
            Self::DiskFull => "disk full",
            Self::QuotaExceeded => "quota used up",
            Self::FileTooLarge => "file too large",
            Self::PermissionDenied | Self::NotPermitted => "no permission",
            Self::ReadOnly => "read-only",
            Self::OpenToOthers => "open to others",
            Self::InsideSpool => "inside the spool",
            Self::InputOutput => "input/output error",
            Self::FileSystemGone => "file system gone",
            Self::FastcnfgMistake => "fastcnfg",
            Self::NotReady => "not ready",
            Self::OutOfPaper => "out of paper",
            Self::NoResponse => "no response",
            Self::FormatUnit => "format unit failed",
            Self::Parity => "parity error",
            Self::Overrun => "overrun",
            Self::HungUp | Self::ConnectionGone => "hung up",
            Self::SwitchedOn => "switched on",
            Self::NoLocalAddress => "no local address",
            Self::NetworkDown => "network down",
            Self::NetworkUnreachable => "network unreachable",
            Self::ConnectionAborted => "connection aborted",
            Self::ConnectionReset => "connection reset",
            Self::NoAnswer => "no answer",
            Self::ConnectionRefused => "refused",
            Self::HostDown => "host down",
            Self::NoRoute => "no route",
            Self::Other | Self::Unlisted(_) => "error",
        }
    }

    /// Returns the error that a note on record is about, by its number and the words that it was recorded with.
    pub fn recorded(number: u32, text: &str) -> Self {
        let mut of_number = Self::ALL.iter().filter(|error| error.number() == number);
        let first = of_number.clone().next().copied().unwrap_or(Self::Unlisted(number));
        // What is recorded says where, and so does not always have the words of the table.
        const OTHERS: &[(&str, DeviceError)] = &[
            ("no program reads it", DeviceError::NoReader),
            ("no address", DeviceError::NoAddress),
            ("cannot resolve", DeviceError::NoAddress),
            ("cannot reach", DeviceError::NoAddress),
            ("has no URI", DeviceError::NoUri),
            ("FASTCNFG", DeviceError::NoUri),
            ("FASTCNFG", DeviceError::FastcnfgMistake),
            ("no such FIFO", DeviceError::NoFifo),
            ("nothing was accepted", DeviceError::AcceptsNothing),
            ("did not close", DeviceError::DoesNotClose),
        ];
        let other = |error: &Self| OTHERS.iter().any(|(words, meant)| meant == error && text.contains(words));
        let says = |error: &&Self| text.contains(error.words()) || other(error);
        of_number.find(says).copied().unwrap_or(first)
    }

    /// Returns what a device means by `number`. Is an unlisted number retried? Yes: trying costs nothing.
    pub fn reported(number: u32) -> Self {
        let listed = Self::ALL.iter().find(|error| error.number() == number && REPORTED.contains(&number));
        listed.copied().unwrap_or(Self::Unlisted(number))
    }

    /// Returns every number in ascending order, with what it means and whether it is retried. A number comes twice when
    /// only one of its meanings is retried.
    pub fn by_number() -> impl Iterator<Item = (u32, String, bool)> {
        Self::ALL.chunk_by(|a, b| (a.number(), a.is_retried()) == (b.number(), b.is_retried())).map(|errors| {
            let words: Vec<&str> = errors.iter().map(|error| error.words()).collect();
            (errors[0].number(), words.join("; "), errors[0].is_retried())
        })
    }
}

/// What is wrong with a print process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessError {
    /// It shows no sign of life.
    Hung,
    /// It died.
    Died,
    /// It died three times in a row.
    KeepsDying,
    /// It lives, and the spool does not take what it has to record, or does not tell it what to do.
    SpoolFails,
    /// It lives, and lacks descriptors, threads or memory.
    Starved,
    /// It used up its limit of processor time, and ended. New work starts it again.
    TimeUsedUp,
    /// It does not begin because the spool is damaged.
    SpoolDamaged,
    /// Only its user starts it, and he had not when a job came.
    NotStarted,
    /// It cannot be started. Its number is %100000 plus the number of the reason.
    CannotStart,
}

impl ProcessError {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Hung,
        Self::Died,
        Self::KeepsDying,
        Self::SpoolFails,
        Self::Starved,
        Self::NotStarted,
        Self::CannotStart,
        Self::TimeUsedUp,
        Self::SpoolDamaged,
    ];

    /// The number of the first process-creation error.
    const CREATION: u32 = 0o100_000;

    /// Returns the Guardian number, decimal.
    pub fn number(self) -> u32 {
        match self {
            Self::Hung => 0o1050,
            Self::Died | Self::KeepsDying => 0o1000 + 201,
            Self::SpoolFails => 0o1000 + 59,
            Self::Starved => 0o1000 + 31,
            Self::NotStarted => 0o5016,
            Self::CannotStart => Self::CREATION + 14,
            Self::TimeUsedUp => Self::CREATION + 31,
            Self::SpoolDamaged => Self::CREATION + 59,
        }
    }

    /// Returns what it means.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hung => "it has not shown a sign of life for a minute",
            Self::Died => "it died; the next command that changes something starts it again",
            Self::KeepsDying => "it died three times within a minute",
            Self::SpoolFails => "the spool does not record what it does; it tries again by itself",
            Self::Starved => "it lacks descriptors, threads or memory; it tries again by itself",
            Self::NotStarted => "it has no FILE, and its user has not started it",
            Self::CannotStart => "it cannot be started",
            Self::TimeUsedUp => "it used up its limit of processor time",
            Self::SpoolDamaged => "it does not begin: the spool is damaged",
        }
    }

    /// Returns the words of the error with that number for a column.
    pub fn brief(number: u32) -> &'static str {
        match Self::ALL.into_iter().find(|error| error.number() == number) {
            Some(Self::Hung) => "process hangs",
            Some(Self::Died | Self::KeepsDying) => "process dies",
            Some(Self::SpoolFails) => "spool fails",
            Some(Self::Starved) => "process starved",
            Some(Self::NotStarted) => "not started",
            Some(Self::TimeUsedUp) => "cpu limit",
            Some(Self::SpoolDamaged) => "spool damaged",
            Some(Self::CannotStart) | None if Self::is_creation(number) => "cannot start",
            _ => "process in error",
        }
    }

    /// Tells whether a word is one of [`Self::brief`].
    pub fn is_brief(word: &str) -> bool {
        Self::ALL.into_iter().any(|error| Self::brief(error.number()) == word)
    }

    /// Tells whether `number` means that a process could not be started. New work tries to start it again.
    pub fn is_creation(number: u32) -> bool {
        number >= Self::CREATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ascends_and_a_reported_number_has_one_meaning() {
        for pair in DeviceError::ALL.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let same = a.number() == b.number() && a.is_retried() >= b.is_retried();
            assert!(a.number() < b.number() || (same && !REPORTED.contains(&a.number())), "{a:?} {b:?}");
        }
        let distinct: std::collections::HashSet<_> = DeviceError::by_number().map(|row| (row.0, row.2)).collect();
        assert_eq!(DeviceError::by_number().count(), distinct.len());
        let words: std::collections::HashSet<_> = DeviceError::ALL.iter().map(|error| error.words()).collect();
        assert_eq!(words.len(), DeviceError::ALL.len());
    }

    #[test]
    fn a_reported_number_is_an_error_of_a_device_or_unlisted_and_retried() {
        assert_eq!(DeviceError::reported(104), DeviceError::NoResponse);
        assert_eq!(DeviceError::reported(2), DeviceError::Unlisted(2), "no device reports that");
        assert!(DeviceError::reported(107).is_retried() && DeviceError::reported(107).number() == 107);
    }

    #[test]
    fn only_a_process_that_could_not_be_started_is_tried_again() {
        let tried = ProcessError::ALL.map(|error| ProcessError::is_creation(error.number()));
        assert_eq!(tried, [false, false, false, false, false, false, true, true, true]);
        assert!(DeviceError::ALL.iter().all(|error| !ProcessError::is_creation(error.number())));
    }
}
