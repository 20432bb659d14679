//! Identifies a process. An id alone names another process after a while; together with the start time it names one for
//! as long as the machine runs.

use std::fmt;
use std::io;
use std::str::FromStr;

/// A process, as it is noted in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessNote {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did; 0 = not known, and then no process is taken for it.
    pub start: u64,
}

impl ProcessNote {
    /// Returns the process that has this id now.
    pub fn of(pid: u32) -> io::Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Field 22. The second one, the name in parentheses, may hold anything, parentheses too.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let start = after.split_whitespace().nth(19).and_then(|word| word.parse().ok());
        let start = start.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no start time"))?;
        Ok(Self { pid, start })
    }

    /// This process.
    pub fn ours() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, start: 0 })
    }

    /// Whether that same process still exists, and not another that got its id.
    pub fn is_there(&self) -> bool {
        self.start != 0 && Self::of(self.pid).is_ok_and(|now| now == *self)
    }
}

/// Always of the same length, so that a new note covers an old one without the file being emptied first.
impl fmt::Display for ProcessNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<10} {:<20}", self.pid, self.start)
    }
}

impl FromStr for ProcessNote {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or("");
        Ok(Self { pid: next().parse()?, start: next().parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_that_got_its_id() {
        let ours = ProcessNote::ours();
        assert!(ours.is_there());
        assert!(!ProcessNote { start: ours.start + 1, ..ours }.is_there());
        assert!(!ProcessNote { start: 0, ..ours }.is_there());
        assert!(!ProcessNote { pid: u32::MAX, ..ours }.is_there());
    }

    #[test]
    fn a_note_has_one_length_and_is_read_back() {
        for note in [ProcessNote { pid: 1, start: 0 }, ProcessNote { pid: u32::MAX, start: u64::MAX }] {
            let text = note.to_string();
            assert_eq!(text.len(), 32);
            assert_eq!(text.parse(), Ok(note));
        }
        assert!("".parse::<ProcessNote>().is_err() && "12".parse::<ProcessNote>().is_err());
    }
}
