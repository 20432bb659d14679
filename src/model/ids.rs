//! Numbers that identify things. Each is a type of its own, so that none is mistaken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::ServerName;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

row_id! {
    /// Identity of a device, kept when it is renamed.
    DeviceId,
    /// Identity of a print process.
    ProcessId,
    /// Identity of a group of locations.
    GroupId,
    /// Identity of a location.
    LocationId,
    /// Identity of a route: what entries wait in (a location or a group).
    RouteId,
    /// Identity of a job's row. Never shown; users see the three numbers below.
    JobId,
    /// Identity of a document's row.
    DocumentId,
    /// Identity of an object of a class that is only kept.
    ObjectId,
    /// Identity of a collector.
    CollectorId,
    /// Identity of a queue entry.
    EntryId,
    /// Identity of an interned requirement class.
    ClassId,
    /// Identity of what was asked of a device at work.
    RequestId,
}

/// The number SPOOLCOM shows: 1 to 9,999,999, ascending, reused only after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct JobNumber(u32);

impl JobNumber {
    /// The highest job number.
    pub const MAX: u32 = 9_999_999;

    /// Makes a job number, if `n` is in range.
    pub fn new(n: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&n).then_some(Self(n))
    }

    /// Returns the number itself.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Returns the number that is tried after this one.
    pub fn following(self) -> Self {
        Self(if self.0 == Self::MAX { 1 } else { self.0 + 1 })
    }
}

impl TryFrom<u32> for JobNumber {
    type Error = String;
    fn try_from(n: u32) -> Result<Self, String> {
        Self::new(n).ok_or_else(|| format!("{n} is not a job number (1 to {})", Self::MAX))
    }
}

impl From<JobNumber> for u32 {
    fn from(n: JobNumber) -> u32 {
        n.0
    }
}

impl fmt::Display for JobNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a batch: 1 to 9,999,999. Whoever links the first job chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BatchNumber(u32);

impl BatchNumber {
    /// The highest number.
    pub const MAX: u32 = 9_999_999;

    /// Makes a batch number, if `n` is in range.
    pub fn new(n: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&n).then_some(Self(n))
    }

    /// Returns the number itself.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for BatchNumber {
    type Error = String;
    fn try_from(n: u32) -> Result<Self, String> {
        Self::new(n).ok_or_else(|| format!("{n} is not a batch number (1 to {})", Self::MAX))
    }
}

impl From<BatchNumber> for u32 {
    fn from(n: BatchNumber) -> u32 {
        n.0
    }
}

impl FromStr for BatchNumber {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{}' is not a batch number (1 to {})", text.escape_debug(), Self::MAX);
        let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        text.parse().ok().filter(|_| digits).and_then(Self::new).ok_or_else(bad)
    }
}

impl fmt::Display for BatchNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A small number by which users name their own jobs: at most nine digits, counted for each user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalJobId(pub u32);

impl LocalJobId {
    /// The highest local id.
    pub const MAX: u32 = 999_999_999;
}

impl fmt::Display for LocalJobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The ten-digit number of a job at its server; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(pub u64);

impl Serial {
    /// The first ten-digit number.
    pub const MIN: u64 = 1_000_000_000;
    /// The last ten-digit number.
    pub const MAX: u64 = 9_999_999_999;

    /// Returns the serial after `last`, at `unix_seconds`: `max(last + 1, unix time)`, always ten digits.
    pub fn after(last: u64, unix_seconds: i64) -> Self {
        let now = u64::try_from(unix_seconds).unwrap_or(0);
        Self((last + 1).max(now).max(Self::MIN))
    }

    /// Reads a serial from its ten digits.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of_ten_digits(text).filter(|serial| serial.0 >= Self::MIN)
    }

    /// Reads any ten digits. Servers of other systems count from a smaller number: no job here has such a one.
    fn of_ten_digits(text: &str) -> Option<Self> {
        let is_it = text.len() == 10 && text.bytes().all(|octet| octet.is_ascii_digit());
        text.parse().ok().filter(|_| is_it).map(Self)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0)
    }
}

/// `server:NNNNNNNNNN`, the name of a job everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GlobalJobId {
    /// The server that owns the job.
    pub server: ServerName,
    /// Its number there.
    pub serial: Serial,
}

impl fmt::Display for GlobalJobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.server, self.serial)
    }
}

/// How a user may point at a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobRef {
    /// SPOOLCOM's job number.
    Number(JobNumber),
    /// The caller's own local id.
    Local(LocalJobId),
    /// The ten-digit number at this server.
    Serial(Serial),
    /// The name with its server.
    Global(GlobalJobId),
}

impl JobRef {
    /// Reads a job argument of a `pd` command. A bare number of ten digits is the serial at this server, a shorter
    /// number is the local id of the caller, and `server:NNNNNNNNNN` is the global id.
    pub fn parse_pd(text: &str) -> Option<Self> {
        if let Some((server, serial)) = text.split_once(':') {
            let server = ServerName::from_str(server).ok()?;
            return Some(Self::Global(GlobalJobId { server, serial: Serial::of_ten_digits(serial)? }));
        }
        if let Some(serial) = Serial::parse(text) {
            return Some(Self::Serial(serial));
        }
        if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match text.parse() {
            Ok(n) if n > 0 => Some(Self::Local(LocalJobId(n))),
            _ => None,
        }
    }
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => n.fmt(f),
            Self::Local(n) => n.fmt(f),
            Self::Serial(n) => n.fmt(f),
            Self::Global(g) => g.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_always_ten_digits_and_never_goes_back() {
        assert_eq!(Serial::after(0, 5).0, Serial::MIN);
        assert_eq!(Serial::after(1_700_000_000, 1_600_000_000).0, 1_700_000_001);
        assert_eq!(Serial::after(1_700_000_000, 1_800_000_000).0, 1_800_000_000);
    }

    #[test]
    fn job_numbers_start_again_after_the_last() {
        assert_eq!(JobNumber::new(JobNumber::MAX).unwrap().following().get(), 1);
        assert!(JobNumber::new(0).is_none());
    }

    #[test]
    fn the_three_forms_of_a_pd_job_argument() {
        assert_eq!(JobRef::parse_pd("7"), Some(JobRef::Local(LocalJobId(7))));
        assert_eq!(JobRef::parse_pd("1021904417"), Some(JobRef::Serial(Serial(1_021_904_417))));
        assert!(matches!(JobRef::parse_pd("acme1:1021904417"), Some(JobRef::Global(_))));
        assert!(
            matches!(JobRef::parse_pd("acme1:0900700003"), Some(JobRef::Global(_))),
            "it names a job, if none of ours"
        );
        for bad in ["", "0", "-1", "acme1:", "acme1:12", "12345678901", "7x"] {
            assert_eq!(JobRef::parse_pd(bad), None, "{bad}");
        }
    }
}
