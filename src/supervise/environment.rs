//! What the environment says about print processes: refused where it is typed, not where nobody sees it.

use std::ffi::OsString;
use std::time::Duration;

use crate::model::{Failure, FailureKind};

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Seconds, with a fraction if need be.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// The variables that hold numbers. Those of milliseconds are for tests.
const NUMBERS: [(&str, Holds); 9] = [
    ("PD_FASTP_IDLE", Holds::Seconds),
    ("PD_SUBMISSION_SOCKET_MS", Holds::Milliseconds),
    ("PD_WRITE_GATE_MS", Holds::Milliseconds),
    ("PD_CONNECT_MS", Holds::Milliseconds),
    ("PD_SETTLE_MS", Holds::Milliseconds),
    ("PD_STALL_MS", Holds::Milliseconds),
    ("PD_KEEP_MS", Holds::Milliseconds),
    ("PD_NOTIFY_WAIT_MS", Holds::Milliseconds),
    ("PD_NOTIFY_DEADLINE_MS", Holds::Milliseconds),
];

/// Makes sure that the variables which a print process will read hold what they should. An empty one counts as not set.
///
/// # Errors
/// `BadValue` that names the variable and what it should hold.
pub fn check_environment(env: &dyn Fn(&str) -> Option<OsString>) -> Result<(), Failure> {
    for (name, holds) in NUMBERS {
        let Some(value) = env(name).filter(|value| !value.is_empty()) else { continue };
        let text = value.to_string_lossy();
        let (good, expected) = match holds {
            Holds::Seconds => (seconds(&text).is_some(), "a number of seconds, 0 or more"),
            Holds::Milliseconds => (text.parse::<u64>().is_ok(), "a whole number of milliseconds, 0 or more"),
        };
        if !good {
            let what = format!("{name}={}: expected {expected}", text.escape_debug());
            return Err(Failure::new(FailureKind::BadValue, what)
                .hint(format!("unset {name}, or correct it: no print process could start with it")));
        }
    }
    Ok(())
}

/// Reads a number of seconds.
pub fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &'static str, value: &'static str) -> Option<String> {
        let env = move |asked: &str| (asked == name).then(|| OsString::from(value));
        check_environment(&env).err().map(|failure| failure.message)
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_name() {
        for value in ["nan", "-1", "inf", "1e400", "two", "0x5"] {
            let said = refused("PD_FASTP_IDLE", value).unwrap();
            assert!(said.starts_with(&format!("PD_FASTP_IDLE={value}: expected a number of seconds")), "{said}");
        }
        assert!(refused("PD_KEEP_MS", "1.5").is_some());
        for value in ["", "0", "0.2", "120", "1e3"] {
            assert_eq!(refused("PD_FASTP_IDLE", value), None, "{value}");
        }
    }
}
