//! Collectors: the processes of a NonStop spooler that take jobs in. Here they are no processes, but doors: a job comes in
//! by one that is open, and belongs to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kept::{KeptWord, KeptWords};
use super::names::CollectorName;

/// What an operator wants of a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectorWish {
    /// Take no jobs.
    Stopped = 0,
    /// Take jobs.
    Started = 1,
    /// Take no new jobs; those that are arriving come to their end.
    Draining = 2,
}

impl CollectorWish {
    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Stopped, Self::Started, Self::Draining].into_iter().find(|wish| *wish as i64 == n)
    }
}

/// The state of a collector. It follows from what is wanted and from the jobs that are arriving, and is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectorState {
    /// It takes no jobs.
    Dormant,
    /// It takes jobs.
    Active,
    /// It takes no new jobs, and some are still arriving.
    Drain,
    /// It cannot take jobs, because of this error of the file system.
    Error(u32),
}

/// What a collector adds to the number of an error of the file system.
const FILE_SYSTEM: u32 = 0o1000;

impl CollectorState {
    /// All words for states, in the order in which SUMMARY counts them.
    pub const WORDS: [&str; 4] = ["ACTIVE", "DORMANT", "DRAIN", "ERROR"];

    /// Returns the state that follows from what is wanted.
    pub fn of(wish: CollectorWish, arriving: bool, error: Option<u32>) -> Self {
        match (wish, error) {
            (CollectorWish::Started, Some(error)) => Self::Error(error),
            (CollectorWish::Started, None) => Self::Active,
            (CollectorWish::Draining, _) if arriving => Self::Drain,
            (CollectorWish::Draining | CollectorWish::Stopped, _) => Self::Dormant,
        }
    }

    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => Self::WORDS[0],
            Self::Dormant => Self::WORDS[1],
            Self::Drain => Self::WORDS[2],
            Self::Error(_) => Self::WORDS[3],
        }
    }

    /// Returns the error of the file system that a program gets which opens a collector in this state.
    pub fn refusal(self) -> Option<u32> {
        match self {
            Self::Active => None,
            Self::Drain => Some(FILE_DRAINING),
            Self::Dormant => Some(FILE_NOT_RUNNING),
            Self::Error(error) => Some(error),
        }
    }
}

/// What a program gets that opens a collector which drains.
pub const FILE_DRAINING: u32 = 66;
/// What a program gets that opens a collector which does not run.
pub const FILE_NOT_RUNNING: u32 = 14;

impl fmt::Display for CollectorState {
    /// Writes it as COLLECT STATUS does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "ERROR %{:o}", FILE_SYSTEM + error),
            other => f.write_str(other.word()),
        }
    }
}

/// One attribute of a COLLECT command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectorChange {
    /// FILE: its program, as typed.
    File(String),
    /// A word that means nothing here, DATA and UNIT among them.
    Kept(KeptWord),
}

impl fmt::Display for CollectorChange {
    /// Writes it as SPOOLCOM does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "FILE {file}"),
            Self::Kept(kept) => kept.fmt(f),
        }
    }
}

/// A collector as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorStatus {
    /// Name as declared, without its `$`.
    pub name: CollectorName,
    /// Its state.
    pub state: CollectorState,
    /// Its program, as typed.
    pub file: Option<String>,
    /// Words that mean nothing here, as they were typed: DATA, UNIT, CPU …
    pub kept: KeptWords,
    /// Jobs that are arriving by it.
    pub open_jobs: u64,
    /// Octets in use on the file system of the spool.
    pub used: u64,
    /// Octets that there are, for whoever uses the spool.
    pub total: u64,
}

/// UNIT of a collector that was given none.
pub const UNIT: u64 = 4;
/// Octets of one step of UNIT.
const STEP: u64 = 1024;

impl CollectorStatus {
    /// Returns its data file, as typed.
    pub fn data(&self) -> Option<&str> {
        self.kept.value("DATA")
    }

    /// Returns its UNIT, as typed.
    pub fn unit(&self) -> String {
        self.kept.value("UNIT").map_or_else(|| UNIT.to_string(), str::to_owned)
    }

    /// Returns how full its disk is, in whole percent.
    pub fn percent_full(&self) -> u64 {
        match self.total {
            0 => 0,
            total => (u128::from(self.used) * 100 / u128::from(total)).min(100) as u64,
        }
    }

    /// Returns the units in use and those that there are.
    pub fn units(&self) -> (u64, u64) {
        let typed = self.unit();
        let size = match typed.strip_prefix('%') {
            Some(octal) => u64::from_str_radix(octal, 8).ok(),
            None => typed.parse().ok(),
        };
        let octets = size.filter(|size| *size > 0).unwrap_or(UNIT) * STEP;
        (self.used.div_ceil(octets), self.total / octets)
    }
}

/// Tells whether FILE names a collector's program: it is judged by its last part.
pub fn is_collector_program(file: &str) -> bool {
    file.rsplit(['.', '/']).next().is_some_and(|last| last.eq_ignore_ascii_case("CSPOOL"))
}

/// Tells whether DATA `typed` is the file that `asked` names: the whole name, or its last part alone.
pub fn is_data_file(typed: &str, asked: &str) -> bool {
    typed.eq_ignore_ascii_case(asked)
        || (!asked.contains(['.', '/'])
            && typed.rsplit(['.', '/']).next().is_some_and(|last| last.eq_ignore_ascii_case(asked)))
}

/// Splits a destination that is reached by way of a collector: `$S.#GROUP.DEST`, `$S.#GROUP`.
pub fn by_way_of(destination: &str) -> Option<(CollectorName, &str)> {
    let at = destination.find(".#")?;
    let (before, rest) = (destination[..at].trim_start_matches('\\'), &destination[at + 1..]);
    // A node before it is this server's, or the name of a device.
    let name = before.rsplit_once(".$").map_or(before, |(_, name)| name).trim_start_matches('$');
    let is_one = destination.starts_with('$') || (destination.starts_with('\\') && before.contains(".$"));
    Some((name.parse().ok().filter(|_| is_one)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draining_collector_is_dormant_when_nothing_arrives_any_more() {
        use CollectorState as S;
        use CollectorWish as W;
        assert_eq!(S::of(W::Draining, true, None), S::Drain);
        assert_eq!(S::of(W::Draining, false, None), S::Dormant);
        assert_eq!(S::of(W::Stopped, false, Some(43)), S::Dormant);
        assert_eq!(S::of(W::Started, false, Some(43)).to_string(), "ERROR %1053");
        assert_eq!(
            [S::Active, S::Drain, S::Dormant, S::Error(43)].map(S::refusal),
            [None, Some(66), Some(14), Some(43)]
        );
    }

    #[test]
    fn a_destination_may_name_the_collector_by_which_it_is_reached() {
        let split = |text| by_way_of(text).map(|(name, rest)| (name.to_string(), rest.to_owned()));
        assert_eq!(split("$S.#LP.EAST"), Some(("S".into(), "#LP.EAST".into())));
        assert_eq!(split("\\ACME.$S1.#LP"), Some(("S1".into(), "#LP".into())));
        for other in ["#LP.EAST", "$S", "S.#LP", "LP.EAST", "$.#LP", "$S.LP"] {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn a_data_file_is_named_as_a_whole_or_by_its_last_part() {
        assert!(is_data_file("$DATA1.SPOOL.SDATA", "$data1.spool.sdata"));
        assert!(is_data_file("$DATA1.SPOOL.SDATA", "SDATA"));
        assert!(!is_data_file("$DATA1.SPOOL.SDATA", "SPOOL.SDATA"));
        assert!(!is_data_file("$DATA1.SPOOL.SDATA", "DATA"));
        assert!(is_collector_program("$SYSTEM.SYSTEM.CSPOOL") && is_collector_program("/usr/bin/cspool"));
        assert!(!is_collector_program("$SYSTEM.SYSTEM.FASTP"));
    }

    #[test]
    fn units_are_counted_in_steps_of_a_unit() {
        let mut status = CollectorStatus {
            name: "S".parse().unwrap(),
            state: CollectorState::Active,
            file: None,
            kept: KeptWords::default(),
            open_jobs: 0,
            used: 3 << 20,
            total: 8 << 20,
        };
        assert_eq!((status.percent_full(), status.units()), (37, (768, 2048)));
        status.kept.keep(KeptWord { word: "UNIT".into(), value: "%10".into() });
        assert_eq!((status.unit(), status.units()), ("%10".into(), (384, 1024)));
        status.total = 0;
        assert_eq!(status.percent_full(), 0);
    }
}
